import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.scales import Scale
from delight.segments import find
from delight.segments.needs import centred, coding, preferences


def table(**columns):
    return pd.DataFrame({k: np.array(v, dtype=float) for k, v in columns.items()})


def test_few_points_are_their_own_levels():
    coded = coding(table(a=[1, 2, 5, np.nan], b=[2, 2, 1, 5]), ["a", "b"])
    assert coded.values == (1, 2, 5)
    assert coded.rows(table(a=[5, np.nan], b=[1, 2])).tolist() == [[2, 0], [-1, 1]]


def test_grades_are_cut_near_the_fifths_of_all_answers_alike_for_every_item():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.integers(1, 11, size=(500, 3)).astype(float), columns=list("abc"))
    coded = coding(frame, list("abc"), scales={c: Scale(1, 10) for c in "abc"})
    assert coded.cuts == (3, 5, 7, 9)
    assert coded.levels == (5, 5, 5)
    assert coded.rows(table(a=[2, 3], b=[10, 9], c=[6, 7])).tolist() == [[0, 4, 2], [1, 4, 3]]


def test_picks_left_empty_count_as_not_picked_only_where_nobody_wrote_a_zero():
    empty = table(a=[1, np.nan, np.nan], b=[np.nan, 1, np.nan])
    assert coding(empty, ["a", "b"], form="pick").rows(empty).tolist() == [[1, 0], [0, 1], [-1, -1]]
    zeros = table(a=[1, 0, np.nan], b=[0, 1, 1])
    assert coding(zeros, ["a", "b"], form="pick").rows(zeros).tolist() == [[1, 0], [0, 1], [-1, 1]]


def test_ranks_become_top_third_middle_and_rest_and_what_was_not_ranked_is_last():
    frame = table(a=[1, 2], b=[2, 1], c=[3, 3], d=[4, np.nan], e=[5, np.nan], f=[6, np.nan])
    coded = coding(frame, list("abcdef"), form="rank")
    assert coded.rows(frame).tolist() == [[0, 0, 1, 1, 2, 2], [0, 0, 1, 2, 2, 2]]
    assert preferences(frame, list("abcdef"), form="rank")[1].tolist() == [-2, -1, -3, -6, -6, -6]


def test_best_and_worst_lie_on_either_side_of_the_middle():
    frame = table(a=[1, 0, -1], b=[-1, 1, 0])
    coded = coding(frame, ["a", "b"], form="best-worst", scales={c: Scale(-1, 1) for c in "ab"})
    assert coded.rows(frame).tolist() == [[2, 0], [1, 2], [0, 1]]


def test_deviations_from_the_own_mean_need_half_of_the_items():
    values = np.array([[1, 3, np.nan, np.nan], [4, np.nan, np.nan, np.nan]])
    assert centred(values)[0, :2].tolist() == [-1, 1]
    assert np.isnan(centred(values)[1]).all()


@pytest.mark.parametrize(
    ("frame", "form", "said"),
    [
        (table(a=[1, 2], b=[1, 0]), "pick", r"'a' has 1 of 2 values that are no pick \(first in row 1\)"),
        (table(a=[0.5, 2], b=[1, 2]), "rank", r"'a' has 1 of 2 values that are no rank"),
        (table(a=[1, 2], b=[1, 2]), "ratings", r"not 'ratings'. Did you mean 'rating'\?"),
        (table(a=[1, 2]), "rating", r"lacks 1 column.*'b'"),
    ],
)
def test_what_does_not_fit_the_declared_format_is_named(frame, form, said):
    with pytest.raises(InputError, match=said):
        coding(frame, ["a", "b"], form=form)


def test_all_ratings_outside_their_scale_are_named_at_once():
    with pytest.raises(InputError, match="'a' has 1 of 2 .*; 'b' has 1 of 2"):
        coding(table(a=[1, 9], b=[7, 2]), ["a", "b"], scales={c: Scale(1, 5) for c in "ab"})


def test_segments_need_two_items():
    with pytest.raises(InputError, match="at least two"):
        coding(table(a=[1]), ["a"])


def test_needs_that_nobody_answered_are_insufficient_and_raise_nothing():
    frame = pd.DataFrame(np.nan, index=range(300), columns=["price", "warmth", "safety"])
    scales = dict.fromkeys(frame, Scale(1, 5))
    found = find(frame, items=list(frame), scales=scales, n_boot=20)
    assert found.segments.status == "insufficient" and len(found.assignment.table) == 300

"""The satisfaction-loyalty curve and matrix: by hand, published counts, invariances and edges."""

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.estimate import wilson
from delight.loyalty.curve import curve, isotonic, matrix
from delight.scales import Scale
from scipy import stats
from sklearn.isotonic import IsotonicRegression

TEN, YES_NO = Scale(1, 10), Scale(0, 1)


@pytest.fixture
def mobi(shared):
    return pd.read_csv(shared / "data/ecsi-mobile/mobi.csv").astype(float)


def answers(pairs):
    return pd.DataFrame(pairs, columns=["s", "l"]).astype(float)


def test_the_mean_at_a_grade_with_its_t_interval():
    frame = answers([(8, 7), (8, 8), (8, 9), (9, 10), (np.nan, 5), (7, np.nan)])
    result = curve(frame, y="l", x="s", scales={"s": TEN, "l": TEN})
    eight = result.table.set_index("grade").loc[8]
    half = stats.t.ppf(0.975, 2) * 1 / np.sqrt(3)
    assert (eight["mean"], eight.ci_lo, eight.ci_hi) == pytest.approx((8, 8 - half, 8 + half))
    assert (eight.n, eight.n_missing, eight.share_loyal, eight.status) == (3, 2, pytest.approx(1 / 3), "low_base")
    nine = result.table.set_index("grade").loc[9]
    assert nine["mean"] == 10 and np.isnan(nine.ci_lo)
    assert result.table.set_index("grade").loc[3, "status"] == "insufficient"
    assert list(result.table["grade"]) == list(range(1, 11))


def test_a_yes_no_outcome_gets_wilson(people=None):
    frame = answers([(8, 1)] * 30 + [(8, 0)] * 10)
    eight = curve(frame, y="l", x="s", scales={"s": TEN, "l": YES_NO}).table.set_index("grade").loc[8]
    assert (eight["mean"], eight.ci_lo, eight.ci_hi) == pytest.approx((0.75, *wilson(0.75, 40)))
    churn = curve(frame, y="l", x="s", scales={"s": TEN, "l": YES_NO}, turned=True).table.set_index("grade").loc[8]
    assert churn["mean"] == pytest.approx(0.25)


def test_the_curve_of_the_ecsi_sample(mobi):
    table = curve(mobi, y="CUSL3", x="CUSA1", scales={"CUSA1": TEN, "CUSL3": TEN}).table.set_index("grade")
    assert [table.loc[g, "n"] for g in (7, 8, 9)] == [50, 109, 29]  # methods M06
    assert table.loc[8, "mean"] == pytest.approx(mobi.loc[mobi["CUSA1"] == 8, "CUSL3"].mean())
    known = table.dropna(subset="mean")
    fitted = IsotonicRegression().fit_transform(known.index, known["mean"], sample_weight=known["n"])
    assert known["isotonic"].to_numpy() == pytest.approx(fitted)


def test_pool_adjacent_violators_by_hand():
    assert isotonic([1, 3, 2, 2, 5], [1, 1, 1, 2, 1]) == pytest.approx([1, 2.25, 2.25, 2.25, 5])


def test_weights_of_both_kinds_and_row_order():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"s": rng.integers(6, 11, 200), "l": rng.integers(1, 11, 200)}).astype(float)
    options = dict(y="l", x="s", scales={"s": TEN, "l": TEN})
    plain = curve(frame, **options).table
    pd.testing.assert_frame_equal(plain, curve(frame.sample(frac=1, random_state=1), **options).table)
    equal = curve(frame.assign(w=2.5), **options, weights="w").table
    pd.testing.assert_frame_equal(plain, equal, rtol=1e-12)
    twice = curve(pd.concat([frame, frame]), **options).table
    weighted = curve(frame.assign(w=2), **options, weights="w", weights_kind="frequency").table
    pd.testing.assert_frame_equal(twice, weighted, rtol=1e-9, check_dtype=False)


def test_clustered_intervals_are_wider_when_houses_differ():
    rng = np.random.default_rng(6)
    house = np.repeat(np.arange(30), 20)
    s = rng.integers(7, 10, 600)
    frame = pd.DataFrame({"s": s, "l": np.clip(np.round(s + rng.normal(0, 1.5, 30)[house]), 1, 10), "house": house}).astype(float)
    options = dict(y="l", x="s", scales={"s": TEN, "l": TEN})
    plain, clustered = curve(frame, **options).table, curve(frame, **options, clusters="house").table
    width = (clustered["ci_hi"] - clustered["ci_lo"]) / (plain["ci_hi"] - plain["ci_lo"])
    assert width.dropna().min() > 1.5
    assert clustered["mean"].to_numpy() == pytest.approx(plain["mean"].to_numpy(), nan_ok=True)


def test_a_mean_of_items_is_shown_by_whole_points():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"s": np.round(rng.uniform(5, 10, 300) * 3) / 3, "l": rng.integers(1, 11, 300)}).astype(float)
    result = curve(frame, y="l", x="s", scales={"s": Scale(1, 10, 0), "l": TEN})
    assert list(result.table["grade"]) == list(range(1, 11)) and result.table["n"].sum() == 300
    assert result.note("rounded_grades")


def test_the_matrix_counts_every_respondent_once(mobi):
    result = matrix(mobi, y="CUSL3", x="CUSA1", scales={"CUSA1": TEN, "CUSL3": TEN})
    table = result.table.set_index("cell")
    assert len(result.table) == 9 and (result.table["n_total"] == 250).all() and result.table["count"].sum() == 250
    good, loyal = mobi["CUSA1"] >= 9, mobi["CUSL3"] >= 9
    assert table.loc["apostle", "count"] == (good & loyal).sum()
    assert table.loc["hostage", "count"] == ((mobi["CUSA1"] <= 6) & loyal).sum()
    share = (good & loyal).mean()
    assert tuple(table.loc["apostle", ["share", "ci_lo", "ci_hi"]]) == pytest.approx((share, *wilson(share, 250)))
    assert table.loc["apostle", "lift"] == pytest.approx(share / (good.mean() * loyal.mean()))


def test_the_matrix_of_a_yes_no_outcome_has_no_middle_and_unknown_scales_no_cells():
    frame = answers([(9, 1), (9, 0), (3, 0), (7, 1)])
    assert len(matrix(frame, y="l", x="s", scales={"s": TEN, "l": YES_NO}).table) == 6
    odd = matrix(frame, y="l", x="s", scales={"s": Scale(0, 100), "l": YES_NO})
    assert odd.status == "not_identified" and odd.note("no_cuts")
    declared = matrix(frame, y="l", x="s", scales={"s": Scale(0, 100), "l": YES_NO}, high={"s": 8}, low={"s": 5})
    assert declared.table["count"].sum() == 4
    with pytest.raises(InputError, match="low .9. must lie below high .6."):
        matrix(frame, y="l", x="s", scales={"s": TEN, "l": YES_NO}, high={"s": 6}, low={"s": 9})


def test_no_answers_at_all_is_insufficient():
    frame = answers([(np.nan, 1), (8, np.nan)])
    result = curve(frame, y="l", x="s", scales={"s": TEN, "l": TEN})
    assert result.status == "insufficient" and result.table["mean"].isna().all() and (result.table["n_missing"] == 2).all()
    assert matrix(frame, y="l", x="s", scales={"s": TEN, "l": TEN}).status == "insufficient"

"""The chapter on differences speaks: opposite effects, alike segments, small and missing ones, locations, in three languages."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers.differences import across, differences
from delight.show import differences as views
from delight.show import render, theme
from delight.show.words import LANGUAGES, Words
from delight.study import Labels

from tests.lib.drivers.test_differences import X, customers

NAMES = {"w": "Warmth", "x": "Games", "y": "Food", "z": "Hours"}
SAME = dict.fromkeys("abc", [0.4, 0.2, 0.1, 0.0])


def told(language):
    return Words(language, Labels(language, columns=NAMES, segments={"a": "Carers", "b": "Doers", "c": "Planners"}))


def joined(view, *args):
    return " ".join(view(*args))


def of(frame, **options):
    return differences(frame, y="grade", x=X, **options)


@pytest.fixture(scope="module")
def flipped():
    return of(customers())


@pytest.fixture(scope="module")
def alike():
    return of(customers(seed=3, slopes=SAME))


def test_opposite_effects_are_named_with_both_sides_and_their_intervals(flipped):
    text = joined(views.apart, *flipped, told("en"))
    assert "Not everything matters equally to every segment (test over 4 experiences, p <" in text
    assert "**Games** pleases one and annoys another: a point more goes with +0.3" in text and "for Planners" in text
    assert "for Doers (interval −0.4" in text and "Do not raise it for everybody." in text
    assert "**Warmth** counts most for" in text and "**Food**" not in text


def test_the_gain_of_choosing_by_segment_is_told_with_its_choices(flipped, alike):
    text = joined(views.apart, *flipped, told("en"))
    assert "“Warmth” would bring most (+0.3" in text and "“Hours” for Planners" in text and "nobody tried it out" in text
    none = joined(views.apart, *alike, told("en"))
    assert "It is the best choice in every segment" in none or "would bring more could not be shown" in none


def test_segments_alike_are_never_said_to_differ(alike):
    text = joined(views.apart, *alike, told("en"))
    assert "could not be shown (test over 4 experiences" in text and "no proof that they want the same" in text
    assert "Nothing was found that pleases one segment and annoys another." in text
    assert "counts most" not in text and "annoys another: a point" not in text


def test_a_difference_that_does_not_survive_correction_is_not_told(flipped):
    table = flipped.tests.table.assign(q=0.06, q_flip=0.06, verdict="not_shown")
    text = joined(views.apart, flipped.effects, flipped.tests.with_table(table), flipped.targeting, told("en"))
    assert "**Games**" not in text and "**Warmth**" not in text


def test_small_segments_say_so_and_show_the_pooled_figure():
    frame = customers(700, seed=5)
    small = of(frame[(frame["segment"] != "c") | (frame.groupby("segment").cumcount() < 70)])
    text = joined(views.apart, *small, told("en"))
    assert "Planners has fewer than 100 respondents; its figures are drawn towards those of the others." in text
    column = next(c for c in views.effect_table(small.effects, small.tests, told("en")) if c.heading == "Planners")
    rows = small.effects.table.query("group == 'c'").set_index("attribute")["pooled"]
    assert sorted(column.values) == pytest.approx(sorted(rows))
    tiny = of(frame[(frame["segment"] != "c") | (frame.groupby("segment").cumcount() < 20)])
    assert "Too few respondents for figures of their own: Planners." in joined(views.apart, *tiny, told("en"))


def test_without_segments_one_list_holds_for_all():
    nobody = of(customers(300), members=pd.DataFrame(index=range(300)))
    assert (
        joined(views.apart, *nobody, told("en")) == "There are no segments to compare, so one list of what matters holds for all customers."
    )
    few = of(customers(60))
    assert joined(views.apart, *few, told("en")).startswith("The segments are too small")


def test_suppressed_results_say_nothing_of_segments(flipped):
    hidden = [r.with_table(r.table.assign(status="suppressed"), status="suppressed") for r in flipped]
    assert joined(views.apart, *hidden, told("en")) == "Too few customers answered to show this without giving away who they are."
    own = flipped.effects.table["group"].eq("b")
    part = flipped.effects.with_table(flipped.effects.table.assign(status=np.where(own, "suppressed", "ok")))
    text = joined(views.apart, part, flipped.tests, flipped.targeting, told("en"))
    assert "Doers" not in text and "**Games** works in opposite directions in different segments." in text


def test_the_figure_has_a_dot_for_every_segment_and_fills_what_differs(flipped):
    with theme.figure(170, 120) as (_drawn, ax):
        views.by_segment(flipped.effects, flipped.tests, ax, told("en"))
        labels = [t.get_text() for t in ax.get_yticklabels()]
        assert labels[-1] == "Games" and set(labels) == set(NAMES.values())
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["Carers", "Doers", "Planners"]
        hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white" and len(line.get_xdata())]
        assert len(hollow) == 3 and all(len(line.get_xdata()) == 1 for line in hollow)  # Food
    assert "Doers −0.3" in views.by_segment.alt(flipped.effects, flipped.tests, told("en"))


def test_locations_alike_are_said_to_be_and_a_spread_is_told_with_its_range():
    frame = customers(2400, seed=2, locations=40, slopes=SAME)
    same = across(frame, y="grade", x=X, n_permutations=199)
    assert "no difference in what works could be shown" in joined(views.recipe, same, told("en"))
    frame["grade"] += frame["x"] * np.random.default_rng(8).normal(0, 0.4, 40)[frame["location"]]
    text = joined(views.recipe, across(frame, y="grade", x=X, n_permutations=199), told("en"))
    assert "“Games” (between −" in text and "in 95% of locations" in text and "Try before copying." in text
    few = across(customers(200, locations=2), y="grade", x=X)
    assert "too few locations" in joined(views.recipe, few, told("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_view_speaks_every_language(flipped, alike, language):
    words = told(language)
    spread = across(customers(), y="grade", x=X, n_permutations=19)
    nobody = of(customers(300), members=pd.DataFrame(index=range(300)))
    for found in (flipped, alike, nobody):
        assert all(isinstance(p, str) and p for p in views.apart(*found, words))
        for view, results in (
            (views.effect_table, found[:2]),
            (views.test_table, [found.tests]),
            (views.targeting_table, [found.targeting]),
            (views.across_table, [spread]),
        ):
            html = render.table_html(view, list(results), words, {})
            assert "nan" not in html.lower().replace("planners", ""), view.name
        drawn = render.figure_html(views.by_segment, list(found[:2]), words, {})
        assert ("<svg" in drawn) == (found is not nobody)
    assert views.recipe(spread, words)

"""The team in the mirror: what is read aloud, drawn and said to those who cannot see it."""

import numpy as np
import pandas as pd
import pytest
from delight.practice import teams
from delight.result import Result
from delight.scales import Scale
from delight.show import Words, render
from delight.show import practice as views

COLUMNS = ["factor", "own", "customers", "gap", "ci_lo", "ci_hi", "p", "q", "teams", "n", "n_customers", "status"]


def gap(*rows):
    table = pd.DataFrame([dict(zip(COLUMNS, (*row, 12, 60, 900, "ok"))) for row in rows])
    return Result.of("M33.gap", table)


BLIND = ("know_preferences", 84.0, 66.0, 18.0, 14.0, 22.0, 0.0001, 0.0002)
MODEST = ("speed", 60.0, 72.0, -12.0, -16.0, -8.0, 0.001, 0.001)
ALIKE = ("surprise", 70.0, 69.0, 1.0, -3.0, 5.0, 0.6, 0.6)


def test_a_blind_spot_is_named_with_both_views_and_the_interval():
    first = views.mirror(gap(ALIKE, BLIND, MODEST), Words("nl"))
    assert "**Persoonlijke voorkeuren kennen**: 84 tegenover 66 van 100, een verschil van 18 punten (14–22)" in first[0]
    assert "Klanten denken beter over het team" in first[1] and "Snelheid" in first[1]


def test_a_difference_within_chance_or_too_small_to_talk_of_is_none():
    small = ("staff_expertise", 71.0, 69.0, 2.0, 1.0, 3.0, 0.001, 0.001)
    said = views.mirror(gap(ALIKE, small), Words("en"))
    assert said == ["Both views lie close together, or too few have answered to tell them apart."]


def test_few_members_are_a_reason_to_talk_and_nobody_is_nothing():
    members, customers = pd.DataFrame({"a": [5, 5, 4, 5, 5]}), pd.DataFrame({"b": np.tile([6, 7, 8], 20)})
    options = {"items": {"speed": ["a"]}, "asked": {"speed": ["b"]}, "scales": {"a": Scale(1, 5), "b": Scale(1, 10)}}
    said = " ".join(views.mirror(teams.gap(members, customers, **options), Words("en")))
    assert "reason to talk, not a finding" in said
    nobody = teams.gap(members.assign(a=np.nan), customers, **options)
    assert views.mirror(nobody, Words("en")) == ["There are too few answers to set both views beside each other."]


@pytest.mark.parametrize("language", ["nl", "da", "en"])
def test_the_figure_has_every_factor_and_a_text_alternative(language):
    words, found = Words(language), gap(ALIKE, BLIND, MODEST)
    svg = render.figure_svg(views.two_views, [found], words, {})
    names = [views.factor_word(words, f) for f in found.table["factor"]]
    assert all(name in svg for name in names) and 'role="img"' in svg
    alt = views.two_views.alt(found, words)
    assert "84" in alt and "66" in alt and all(name in alt for name in names)


def test_the_table_says_how_far_the_team_agrees():
    frame = pd.DataFrame({"a": [4, 4, 5, 4, 4]})
    scores = teams.assessment(frame, items={"speed": ["a"]}, scales={"a": Scale(1, 5)}).scores
    html = render.table_html(views.team_table, [scores], Words("en"), {})
    assert "Fast and easy" in html and "0.90" in html

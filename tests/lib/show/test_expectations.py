"""The chapter on expectations speaks: both directions, every verdict and edge, in three languages."""

import re

import numpy as np
import pandas as pd
import pytest
from delight.satisfaction import expectations
from delight.satisfaction.gaps import gaps
from delight.scales import Scale
from delight.show import expectations as views
from delight.show import render, theme
from delight.show.words import LANGUAGES, Words

TEN, FIVE, NPS = Scale(1, 10), Scale(1, 5), Scale(0, 10)
SCALES = {"grade": TEN, "direct": FIVE, "recommend": NPS, **{f"e{i}": FIVE for i in range(3)}}
DIRECT = {"y": "grade", "x": "direct", "scales": SCALES}
EN = Words("en")


def people(n=500, seed=2):
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=n)
    direct = np.clip(np.round(3.2 + 0.6 * mood + 0.5 * rng.normal(size=n)), 1, 5)
    feel = {f"e{i}": np.clip(np.round(3 + 0.4 * (direct - 3) + 0.5 * mood + 0.6 * rng.normal(size=n)), 1, 5) for i in range(3)}
    grade = np.clip(np.round(7.4 + 0.7 * (direct - 3) + 0.7 * mood + 0.6 * rng.normal(size=n)), 1, 10)
    recommend = np.clip(np.round(grade - 0.5 + 0.4 * (feel["e0"] - 3) + rng.normal(size=n)), 0, 10)
    return pd.DataFrame({"grade": grade, "direct": direct, "recommend": recommend, **feel})


@pytest.fixture(scope="module")
def told():
    frame, affect = people(), ["e0", "e1", "e2"]
    stages = {"disconfirmation": ["direct"], "delight": affect, "satisfaction": ["grade"], "intention": ["recommend"]}
    cells, agreement = expectations.three_way(frame, recommend="recommend", **DIRECT)
    rng = np.random.default_rng(0)
    parts = {f"p{i}": np.clip(np.round(m + rng.normal(size=500)), 1, 10) for i, m in enumerate((6, 8, 9.4))}
    wanted = {f"x{i}": np.clip(np.round(m + rng.normal(size=500)), 1, 10) for i, m in enumerate((8, 8, 8))}
    enough = {f"a{i}": np.clip(np.round(5 + rng.normal(size=500)), 1, 10) for i in range(3)}
    found = gaps(
        pd.DataFrame({**parts, **wanted, **enough}), expected={f"p{i}": f"x{i}" for i in range(3)},
        adequate={f"p{i}": f"a{i}" for i in range(3)}, dimensions={"p0": "A", "p1": "A", "p2": "B"}, scales={f"{k}{i}": TEN for k in "pxa" for i in range(3)},
    )  # fmt: skip
    return {
        "exceeding": expectations.exceeding(frame, **DIRECT),
        "means": expectations.means(frame, **DIRECT),
        "joint": expectations.joint(frame, **DIRECT),
        "cells": cells,
        "agreement": agreement,
        "measures": expectations.measures(frame, y="grade", scales=SCALES, direct="direct", affect=affect, n_boot=50),
        "distinct": expectations.distinct(frame, constructs={"satisfaction": ["grade"], "delight": affect}, scales=SCALES, n_boot=50),
        "path": expectations.path(frame, stages=stages, scales=SCALES, n_boot=200),
        "attributes": found.attributes,
        "dimensions": found.dimensions,
    }


def changed(result, where, **values):
    """The result with other values in the rows where a column has a value."""
    table = result.table.copy()
    rows = np.logical_and.reduce([table[k] == v for k, v in where.items()])
    for column, value in values.items():
        table.loc[rows, column] = value
    return result.with_table(table)


READINGS = [
    (views.exceeded, ("exceeding", "means")),
    (views.three, ("cells", "agreement")),
    (views.feelings, ("measures",)),
    (views.two_things, ("distinct",)),
    (views.routes, ("path",)),
    (views.gaps, ("attributes", "dimensions")),
]
TABLES = [
    (views.exceeding_table, ("exceeding",)),
    (views.means_table, ("means",)),
    (views.cells_table, ("cells",)),
    (views.agreement_table, ("agreement",)),
    (views.measures_table, ("measures",)),
    (views.path_table, ("path",)),
    (views.gaps_table, ("attributes",)),
    (views.gaps_table, ("dimensions",)),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_said_and_drawn_in_every_language(told, language):
    words = Words(language)
    for view, names in READINGS:
        text = " ".join(view(*(told[n] for n in names), words))
        assert len(text) > 40 and not re.search(r"\bnan\b", text) and "{" not in text, (view.name, text)
    for view, names in TABLES:
        html = render.table_html(view, [told[n] for n in names], words, {})
        assert html.count("<tr>") > 2 and not re.search(r"\bnan\b", html), view.name
    for view, name in ((views.bands, "joint"), (views.zone, "attributes")):
        assert "<svg" in render.figure_html(view, [told[name]], words, {})


def test_both_directions_are_told_with_intervals(told):
    text = views.exceeded(told["exceeding"], told["means"], EN)
    rows = told["exceeding"].table.set_index(["measure", "group"])
    more, back = rows.loc[("delighted", "exceeded")], rows.loc[("exceeded_if_delighted", "")]
    assert text[0].startswith(f"For **{EN.percent(rows.loc[('share_exceeded', ''), 'value'])}** of the customers")
    assert (
        f"{EN.percent(more['value'])} ({EN.interval(more['lo'], more['hi'], EN.percent)}; n = {int(more['n'])}) give a 9 or 10" in text[1]
    )
    assert f"{EN.percent(back['value'])} (" in text[2] and text[2].startswith("Of the customers who give a 9 or 10")
    many = changed(told["exceeding"], {"measure": "violations"}, lo=0.2)
    assert "is not given only where expectations were exceeded" in views.exceeded(many, told["means"], EN)[2]


def test_a_difference_is_claimed_only_with_its_test(told):
    doubtful = changed(told["exceeding"], {"measure": "risk_diff"}, p=0.2)
    text = " ".join(views.exceeded(doubtful, told["means"], EN))
    assert "is not shown" in text and "percentage points more" not in text
    less = changed(told["exceeding"], {"measure": "risk_diff"}, value=-0.2)
    assert "percentage points less" in " ".join(views.exceeded(less, told["means"], EN))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"prefers": "open"}, "do not decide between them"),
        ({"prefers": "8", "tost_p_8": 0.01}, "equal the 8"),
        ({"prefers": "7", "tost_p_7": 0.3}, "lie nearer to the 7"),
    ],
)
def test_met_expectations_stand_beside_both_sources(told, values, said):
    assert said in " ".join(views.exceeded(told["exceeding"], changed(told["means"], {"group": "met"}, **values), EN))


def test_small_groups_say_so_and_hidden_ones_are_silent(told):
    small = changed(told["exceeding"], {"group": "exceeded"}, n=20)
    assert "fewer than 30" in views.exceeded(small, told["means"], EN)[-1]
    hidden = changed(told["exceeding"], {"measure": "share_exceeded"}, value=np.nan, status="suppressed")
    assert views.exceeded(hidden, told["means"], EN) == ["Too few customers answered how it compared with what they expected."]
    nobody = expectations.exceeding(people().iloc[:0], **DIRECT)
    assert len(views.exceeded(nobody, expectations.means(people().iloc[:0], **DIRECT), EN)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", ["distinct", "same", "open", "not_identified"])
def test_every_verdict_on_two_things_has_its_own_words(told, language, verdict):
    said = views.two_things(changed(told["distinct"], {"other": "delight"}, verdict=verdict, status="ok"), Words(language))
    assert len(said) == 1 and ("0.85" not in said[0])


def test_feelings_that_do_not_hang_together_are_called_so(told):
    assert "hang together well" in views.feelings(told["measures"], EN)[0]
    assert "hang together poorly" in views.feelings(changed(told["measures"], {"measure": "affect"}, alpha=0.4), EN)[0]


def test_delight_beside_satisfaction_is_claimed_after_correction(told):
    arrow = {"kind": "arrow", "term": "delight", "outcome": "intention"}
    assert (
        "goes with loyalty also among customers who are equally satisfied" in views.routes(changed(told["path"], arrow, p_adj=0.01), EN)[0]
    )
    assert "is not shown" in views.routes(changed(told["path"], arrow, p_adj=0.06), EN)[0]
    assert "asks for a look" in views.routes(changed(told["path"], arrow, p_adj=0.01, coef=-0.2), EN)[0]
    assert all("do not prove" in views.routes(told["path"], Words(lang))[0] for lang in ("en",))


def test_gaps_name_what_falls_short_and_what_goes_beyond(told):
    text = views.gaps(told["attributes"], told["dimensions"], EN)[0]
    assert "falls short most on p0" in text and "goes beyond what was expected on p2" in text
    none = told["attributes"].with_table(told["attributes"].table.assign(p_adj=0.5, delight_candidate=False))
    assert "For no single part is a gap shown" in views.gaps(none, told["dimensions"], EN)[0]


def test_the_figure_leaves_out_hidden_groups(told):
    hidden = changed(told["joint"], {"group": "below"}, share_of_group=np.nan, share=np.nan, n=np.nan, status="suppressed")
    with theme.figure(170, 60) as (_, ax):
        views.bands(hidden, ax, EN)
        assert len(ax.get_yticklabels()) == 2

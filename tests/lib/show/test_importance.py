"""What the finer print of importance says and draws, in each language and when there is little to say."""

import re

import numpy as np
import pandas as pd
import pytest
from delight.drivers.dominance import dominance
from delight.drivers.employees import employee_share, employee_steps
from delight.drivers.groups import contact_grades, group_shares
from delight.drivers.weakest import weakest_link
from delight.result import Result
from delight.scales import Scale
from delight.show import importance as views
from delight.show import render
from delight.show.words import Words

NAN = re.compile(r"\bnan\b", re.IGNORECASE)
X = ["warmth", "known", "building", "price"]
SCALES = {c: Scale(1, 10) for c in [*X, "overall"]}
MODEL = {"y": "overall", "x": X, "scales": SCALES}
TOUCH = {"warmth": "drop_off", "known": "drop_off", "building": "day", "price": "day"}


def answers(n=900, slopes=(0.7, 0.45, 0.2, 0.0)):
    rng = np.random.default_rng(1)
    x = np.clip(np.round(7.6 + 1.3 * (0.6 * rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, 4)))), 1, 10)
    y = 7.6 + (x - 7.6) @ np.array(slopes) + rng.normal(scale=0.9, size=n)
    return pd.DataFrame(x, columns=X).assign(overall=np.clip(np.round(y), 1, 10))


def analysed(frame, n_boot=200):
    beaten = dominance(frame, **MODEL, n_boot=n_boot)
    grouped = group_shares(frame, **MODEL, groups=TOUCH, n_boot=n_boot)
    graded, scales = contact_grades(frame, TOUCH, scales=SCALES)
    staff = {"employee": ["warmth", "known"]}
    return {
        "dominance": beaten.pairs,
        "groups": grouped.groups,
        "members": grouped.members,
        "contacts": weakest_link(graded, y="overall", x=list(scales), scales={**SCALES, **scales}),
        "share": employee_share(frame, **MODEL, **staff, n_boot=n_boot),
        "steps": employee_steps(frame, **MODEL, **staff),
    }


@pytest.fixture(scope="module")
def results():
    return analysed(answers())


@pytest.fixture(scope="module")
def little():
    return [analysed(f, n_boot=50) for f in (answers(20), answers(40), answers(200).assign(overall=8.0), answers(200).assign(price=7.0))]


READINGS = [(views.beats, ["dominance"]), (views.every_contact, ["contacts"]), (views.employees, ["share", "steps"])]
TABLES = [
    (views.dominance_table, ["dominance"]),
    (views.group_table, ["groups", "members"]),
    (views.employee_shares, ["share"]),
    (views.employee_step_table, ["steps"]),
]
FIGURES = [(views.dominance_figure, ["dominance"]), (views.group_figure, ["groups"])]


@pytest.mark.parametrize("language", ["nl", "da", "en"])
def test_every_view_speaks_every_language(results, language):
    words = Words(language)
    for view, names in READINGS:
        assert all(isinstance(p, str) and p for p in view(*(results[n] for n in names), words))
    for view, names in TABLES:
        html = render.table_html(view, [results[n] for n in names], words, {})
        assert "<td" in html and not NAN.search(html)
    for view, names in FIGURES:
        html = render.figure_html(view, [results[n] for n in names], words, {})
        assert "aria-label" in html and not NAN.search(html)


@pytest.mark.parametrize("language", ["nl", "da", "en"])
def test_little_to_say_is_said_without_empty_numbers(little, language):
    words = Words(language)
    for found in little:
        for view, names in READINGS:
            text = " ".join(view(*(found[n] for n in names), words))
            assert text and not NAN.search(text)
        for view, names in TABLES + FIGURES:
            draw = render.table_html if view.kind == "table" else render.figure_html
            assert not NAN.search(draw(view, [found[n] for n in names], words, {}))


def test_pairs_are_counted_at_the_strongest_level(results):
    text = " ".join(views.beats(results["dominance"], Words("en")))
    assert text.startswith("Of 6 pairs of experiences, 6 have a winner") and "**warmth** beats all others that firmly" in text
    columns = {c.heading: list(c.values) for c in views.dominance_table(results["dominance"], Words("en"))}
    assert columns["Experience"] == ["warmth", "known", "building", "price"] and columns["Beats, always"] == [3, 2, 1, 0]
    assert columns["Is beaten, always"] == [0, 1, 2, 3]


def test_a_pair_without_a_winner_has_no_level():
    row = {"attribute": "a", "compared_with": "b", "share_over": 0.6, "reproducibility": 0.5}
    rows = [{**row, "dominance": d, "d": v} for d, v in (("complete", 0.5), ("conditional", 0.5), ("general", 1.0))]
    only = views._strongest(Result.of("M14.dominance", pd.DataFrame(rows)))
    assert only["level"].tolist() == ["general"]
    tied = views._strongest(Result.of("M14.dominance", pd.DataFrame(rows).assign(d=0.5)))
    assert len(tied) == 1 and tied["level"].isna().all()


def test_members_stand_under_their_group_and_add_up(results):
    columns = {c.heading: list(c.values) for c in views.group_table(results["groups"], results["members"], Words("en"), by="touchpoint")}
    names, shares = columns["Contact moment"], columns["Share"]
    assert names == ["Bringing", "· warmth", "· known", "During the day", "· building", "· price"]
    assert shares[0] == pytest.approx(shares[1] + shares[2])


def test_groups_of_the_client_keep_their_own_words_and_known_ones_are_translated():
    assert views.group_word(Words("en"), "on board") == "On board" and views.group_word(Words("en"), "ground_staff") == "Ground staff"
    assert views.group_word(Words("da"), "staff_expertise") == "Personalets faglighed"


def test_employees_matter_in_particular_only_if_the_test_says_so(results):
    words = Words("en")
    for p, diff, said in ((0.4, 0.03, "is not shown"), (0.001, 0.03, "gain more weight"), (0.001, -0.03, "gain less weight")):
        steps = results["steps"].table.copy()
        steps.loc[steps["part"] == "contrast", ["p_adj", "diff"]] = p, diff
        assert said in views.employees(results["share"], results["steps"].with_table(steps), words)[0]
    for p, excess, said in ((0.4, 0.1, "is not shown"), (0.001, 0.1, "weigh more than that"), (0.001, -0.1, "weigh less than that")):
        share = results["share"].table.copy()
        share.loc[share["outcome"] == "score", ["excess_p_adj", "excess"]] = p, excess
        assert said in views.employees(results["share"].with_table(share), results["steps"], words)[0]


def test_a_poorest_contact_decides_only_above_zero(results):
    words = Words("en")
    for lo, hi, said in ((0.1, 0.3, "Every contact counts"), (-0.3, -0.1, "does not decide"), (-0.1, 0.1, "is not shown")):
        table = results["contacts"].table.copy()
        table.loc[(table["form"] == "both") & (table["term"] == "minimum"), ["ci_lo", "ci_hi"]] = lo, hi
        assert said in views.every_contact(results["contacts"].with_table(table), words)[0]

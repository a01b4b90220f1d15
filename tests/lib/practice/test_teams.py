"""How a team sees itself, how far it agrees, and how its customers see it."""

import json

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.practice import teams
from delight.reliability import reliability
from delight.scales import Scale

FIVE = Scale(1, 5)
ITEMS = {"surprise": ["s1", "s2"], "speed": ["v1"]}
SCALES = dict.fromkeys(["s1", "s2", "v1"], FIVE)
TEAM = pd.DataFrame({"team": list("aaabbb"), "s1": [5, 4, 5, 2, 1, 2], "s2": [4, 4, 5, 2, 2, 1], "v1": [3, 3, 3, 3, np.nan, 1]})


def row(result, **keys):
    table = result.table
    for key, value in keys.items():
        table = table[table[key] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_scores_are_percents_of_the_scale_by_person_and_then_by_team():
    found = teams.assessment(TEAM, items=ITEMS, scales=SCALES, team="team").scores
    assert row(found, by="team", group="a", factor="surprise")["mean"] == pytest.approx(np.mean([87.5, 75, 100]))
    speed = row(found, by="team", group="b", factor="speed")
    assert (speed["mean"], speed["n"], speed["n_missing"]) == (pytest.approx(25), 2, 1)
    assert row(found, by="whole", factor="speed")["n"] == 5


def test_an_interval_ends_where_the_scale_does_and_nobody_has_none():
    found = teams.assessment(TEAM, items={"speed": ["v1"]}, scales=SCALES, team="team").scores.table
    assert found["ci_lo"].min() >= 0 and found["ci_hi"].max() <= 100
    nobody = row(teams.assessment(pd.DataFrame({"v1": [np.nan]}), items={"speed": ["v1"]}, scales=SCALES).scores)
    assert np.isnan(nobody["ci_lo"]) and np.isnan(nobody["ci_hi"])


def test_a_person_who_left_one_item_open_is_scored_by_the_others():
    frame = TEAM.assign(s2=[np.nan, 4, 5, 2, 2, 1])
    assert teams.person_scores(frame, ITEMS, SCALES)["surprise"][0] == 100


def test_full_agreement_is_one_and_answers_at_random_are_nought():
    assert teams.rwg(pd.DataFrame({"a": [4, 4, 4]}), [FIVE]) == 1
    assert teams.rwg(pd.DataFrame({"a": [1, 5, 1, 5]}), [FIVE]) == 0
    one = 1 - np.var([3, 4, 4, 5], ddof=1) / 2  # (5² - 1)/12 = 2
    assert teams.rwg(pd.DataFrame({"a": [3, 4, 4, 5]}), [FIVE]) == pytest.approx(one)
    two = teams.rwg(pd.DataFrame({"a": [3, 4, 4, 5], "b": [3, 4, 4, 5]}), [FIVE, FIVE])
    assert two == pytest.approx(2 * one / (2 * one + 1 - one))  # Spearman-Brown
    assert np.isnan(teams.rwg(pd.DataFrame({"a": [3]}), [FIVE]))


def test_the_share_between_teams_is_that_of_a_one_way_analysis():
    # Shrout & Fleiss (1979), table 2, six targets by four judges: ICC(1,1) = .17
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found, groups = teams.icc1(np.ravel(ratings), np.repeat(np.arange(6), 4))
    assert found == pytest.approx(0.1657, abs=5e-5) and groups == 6


def test_agreement_has_alpha_only_with_several_items():
    found = teams.assessment(TEAM, items=ITEMS, scales=SCALES, team="team").agreement
    assert np.isnan(row(found, factor="speed")["alpha"]) and 0.8 < row(found, factor="surprise")["alpha"] <= 1
    assert row(found, factor="surprise")["teams_agreed"] == 1 and row(found, factor="surprise")["teams"] == 2


def test_alpha_is_that_of_r_and_omega_of_three_items_that_of_reliability(shared):
    mobi = pd.read_csv(shared / "reference/reliability/mobi.csv")
    blocks = json.loads((shared / "reference/reliability/mobi_blocks.json").read_text())
    columns, scales = blocks["blocks"]["Image"]["items"], dict.fromkeys(mobi, Scale(1, 10))
    found = row(teams.assessment(mobi, items={"image": columns}, scales=scales).agreement, factor="image")
    assert found["alpha"] == pytest.approx(blocks["blocks"]["Image"]["raw_alpha_complete_cases"], abs=1e-8)
    assert found["omega"] == pytest.approx(
        reliability(mobi, constructs={"image": columns}, n_boot=20).constructs.table["omega"][0], abs=1e-12
    )
    two = teams.assessment(mobi, items={"x": columns[:2]}, scales=scales).agreement
    assert np.isnan(row(two, factor="x")["omega"]) and np.isfinite(row(two, factor="x")["alpha"])


def test_the_gap_is_paired_by_team():
    members = pd.DataFrame({"team": np.repeat(list("abcdef"), 3), "v1": np.repeat([5, 4, 5, 4, 5, 4], 3)})
    customers = pd.DataFrame({"location": np.repeat(list("abcdef"), 4), "grade": np.repeat([7, 7, 8, 6, 8, 6], 4)})
    found = teams.gap(
        members, customers, items={"speed": ["v1"], "silos": ["v1"]}, asked={"speed": ["grade"]},
        scales={"v1": FIVE, "grade": Scale(1, 10)}, team="team", location="location",
    )  # fmt: skip
    r = row(found, factor="speed")
    own, theirs = np.array([100, 75, 100, 75, 100, 75]), (np.array([7, 7, 8, 6, 8, 6]) - 1) / 9 * 100
    assert r["gap"] == pytest.approx((own - theirs).mean()) and r["teams"] == 6 and r["status"] == "ok"
    half = 2.5706 * (own - theirs).std(ddof=1) / np.sqrt(6)
    assert r["ci_hi"] - r["gap"] == pytest.approx(half, rel=1e-4) and r["q"] == r["p"]
    assert found.note("one_view").values == {"factors": ["silos"]}


def test_one_group_without_teams_is_compared_person_by_person():
    members, customers = pd.DataFrame({"v1": [5, 4, 4, 5, 3]}), pd.DataFrame({"grade": [7, 8, 6, 9, 7, 7]})
    r = row(teams.gap(members, customers, items={"speed": ["v1"]}, asked={"speed": ["grade"]}, scales={"v1": FIVE, "grade": Scale(1, 10)}))
    assert r["gap"] == pytest.approx(80 - np.mean((np.array([7, 8, 6, 9, 7, 7]) - 1) / 9 * 100))
    assert r["status"] == "low_base" and r["ci_lo"] < r["gap"] < r["ci_hi"]


def test_one_member_gives_no_interval_and_nobody_gives_nothing():
    options = {"items": {"speed": ["v1"]}, "asked": {"speed": ["grade"]}, "scales": {"v1": FIVE, "grade": Scale(1, 10)}}
    customers = pd.DataFrame({"grade": [7.0, 8, 6]})
    assert np.isnan(row(teams.gap(pd.DataFrame({"v1": [5.0]}), customers, **options))["ci_lo"])
    nobody = row(teams.gap(pd.DataFrame({"v1": [np.nan]}), customers, **options))
    assert nobody["status"] == "insufficient" and np.isnan(nobody["gap"])


def test_the_order_of_rows_changes_nothing():
    one = teams.assessment(TEAM, items=ITEMS, scales=SCALES, team="team")
    other = teams.assessment(TEAM.sample(frac=1, random_state=3), items=ITEMS, scales=SCALES, team="team")
    for a, b in zip(one, other):
        pd.testing.assert_frame_equal(a.table, b.table)


def test_what_is_wrong_is_named():
    with pytest.raises(InputError, match="'v1': 1 of 1 scores lie outside 1-5"):
        teams.assessment(pd.DataFrame({"v1": [7]}), items={"speed": ["v1"]}, scales={"v1": FIVE})
    with pytest.raises(InputError, match="share no factor"):
        teams.gap(TEAM, TEAM, items={"speed": ["v1"]}, asked={"surprise": ["s1"]}, scales=SCALES)
    with pytest.raises(InputError, match="both team and location"):
        teams.gap(TEAM, TEAM, items=ITEMS, asked=ITEMS, scales=SCALES, team="team")

"""Levels of service: classes, Mokken's H, the trend, caps, and what a general impression alone would give (method M07)."""

import itertools

import numpy as np
import pandas as pd
import pytest
from delight.demo import generate
from delight.demo.truth import Truth
from delight.errors import InputError
from delight.estimate import Estimate
from delight.satisfaction.impression import general_impression, levels_in_order
from delight.satisfaction.ordered import beside, equivalence, jonckheere, quantile
from delight.satisfaction.pyramid import assignments, pyramid
from delight.scales import Scale
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

TEN, YES_NO, FIVE = Scale(1, 10), Scale(0, 1), Scale(1, 5)


def asked(rows, levels, y=None):
    """A frame of yes-no answers from strings such as "1101", one question a level given."""
    names = [f"q{i}" for i in range(len(levels))]
    frame = pd.DataFrame([[float(c) if c != "-" else np.nan for c in row] for row in rows], columns=names)
    frame["grade"] = 8.0 if y is None else y
    scales = {**dict.fromkeys(names, YES_NO), "grade": TEN}
    return {"frame": frame, "y": "grade", "levels": dict(zip(names, levels)), "scales": scales}


def read(case, **options):
    case = {**case, **options}
    return pyramid(case.pop("frame"), **{"n_boot": 50, **case})


def people(seed, n=400, tags=(1, 1, 2, 2, 3, 3, 4, 4), kind="pyramid", slip=0.05):
    """Yes-no answers of a true pyramid with slips, or of one general impression with questions that get harder."""
    rng = np.random.default_rng(seed)
    mood, tags = rng.normal(size=n), np.array(tags)
    if kind == "pyramid":
        height = np.digitize(0.5 * mood + 0.87 * rng.normal(size=n), [-1, -0.3, 0.3, 1])
        got = tags[None, :] <= height[:, None]
        yes = np.where(rng.random(got.shape) < slip, ~got, got)
    else:
        harder = stats.norm.ppf(np.linspace(0.85, 0.3, len(tags)))
        yes = 0.8 * mood[:, None] + 0.6 * rng.normal(size=(n, len(tags))) + harder > 0
        height = yes.sum(axis=1) / 2
    names = [f"q{i}" for i in range(len(tags))]
    frame = pd.DataFrame(yes.astype(float), columns=names)
    frame["grade"] = np.clip(np.round(5.2 + height + 0.4 * rng.normal(size=n)), 1, 10)
    return {
        "frame": frame,
        "y": "grade",
        "levels": dict(zip(names, tags.tolist())),
        "scales": {**dict.fromkeys(names, YES_NO), "grade": TEN},
    }


# ---- by hand ----------------------------------------------------------------------------------------------------------
def test_jonckheere_by_hand_and_over_all_permutations():
    group, y = [0, 0, 0, 1, 1, 2, 2], [1, 2, 2, 2, 3, 3, 1]
    pairs = [(i, j) for i in range(7) for j in range(7) if group[i] < group[j]]
    every = [sum((p[i] < p[j]) + (p[i] == p[j]) / 2 for i, j in pairs) for p in itertools.permutations(y)]
    table = np.zeros((3, 3))
    np.add.at(table, (group, np.array(y) - 1), 1)
    j, z, p = jonckheere(table)
    assert j == 10.0  # 3.5 + 5.5 + 1 wins by hand, ties counted half
    assert z == pytest.approx((10 - np.mean(every)) / np.std(every), abs=1e-12)  # mean and variance are exact, ties included
    assert p == pytest.approx(stats.norm.sf(z))
    assert np.isnan(jonckheere([[3, 2], [0, 0]])[1]) and np.isnan(jonckheere([[3, 0], [2, 0]])[1])


def test_mokken_h_by_hand():
    rows = ["11"] * 4 + ["10"] * 3 + ["01"] * 1 + ["00"] * 2
    found = read(asked(rows, [1, 2]))
    order, pair = found.order.table.iloc[0], found.pairs.table.iloc[0]
    assert (pair["errors"], pair["expected_errors"]) == (1.0, pytest.approx(10 * 0.5 * 0.3))
    assert order["h"] == pytest.approx(1 - 1 / 1.5) and order["h_levels"] == pytest.approx(order["h"])
    assert order["share_not_cumulative"] == pytest.approx(0.1)
    levels = found.levels.table.set_index("level")
    assert levels["share_reached"].tolist() == pytest.approx([0.7, 0.5])


def test_classes_by_hand():
    rows = ["000", "100", "110", "111", "101", "011", "1-1"]
    case = asked(rows, [1, 2, 3], y=[5.0, 6, 7, 9, 8, 8, 9])
    case["frame"]["q1:na"] = case["frame"]["q1"].isna()
    table = read(case, not_applicable={"q1": "q1:na"}).classes.table.set_index("group")
    assert table["n"].to_dict() == {"none": 1, "L1": 1, "L1-2": 1, "L1-3": 2, "not_cumulative": 2}
    assert table.loc["L1-3", ["mean", "q50", "share_above_7", "share_above_8"]].tolist() == [
        9,
        9,
        1,
        1,
    ]  # the level that did not apply is passed over
    assert table.loc["not_cumulative", "mean"] == 8 and table.loc["none", "share"] == pytest.approx(1 / 7)
    missing = read(case).classes
    assert missing.meta["n_dropped_missing"] == 1  # without the flag the answer is simply missing


def test_a_level_is_reached_when_everything_in_it_is():
    found = read(asked(["110", "100", "111", "011"], [1, 1, 2])).classes.table.set_index("group")
    assert found["n"].to_dict() == {"none": 1, "L1": 1, "L1-2": 1, "not_cumulative": 1}


def test_grades_stand_at_three_cuts_and_comparisons_at_as_expected():
    frame = pd.DataFrame({"grade": [8.0, 9, 7, 6], "core": [8.0, 9, 7, 6], "extra": [3.0, 4, 2, 3]})
    scales = {"grade": TEN, "core": TEN, "extra": FIVE}
    found = pyramid(frame, y="grade", levels={"core": 1, "extra": 2}, scales=scales, expected=["extra"], n_boot=20)
    assert found.order.table["cut"].tolist() == [7, 8, 9] and found.classes.meta["source_items"] == "mixed"
    reached = found.levels.table.set_index(["cut", "level"])["share_reached"]
    assert reached[[(7, 1), (8, 1), (9, 1)]].tolist() == [0.75, 0.5, 0.25] and (reached.xs(2, level=1) == 0.75).all()
    assert found.order.table["flags"].str.contains("same_scale").all()
    only = pyramid(frame, y="grade", levels={"extra": 1}, scales=scales, expected=["extra"], n_boot=20)
    assert only.order.table["cut"].isna().all() and not only.classes.meta["same_scale"]


def test_equivalence_and_preference_by_hand():
    found = Estimate(8.05, 0.05, 100.0, 7.95, 8.15)
    assert equivalence(found, 8) == pytest.approx(stats.t.sf(0.2 / 0.05, 100)) and beside(found)["prefers"] == "8"
    assert beside(Estimate(7.5, 0.1, 50.0, 7.3, 7.7))["prefers"] == "open" and beside(Estimate(7.2, 0.1, 50.0, 7.0, 7.4))["prefers"] == "7"
    assert np.isnan(equivalence(Estimate(8.0, 0.0, 5.0, 8.0, 8.0), 8))


def test_quantiles_with_and_without_weights():
    assert quantile([1, 2, 3, 4], [1, 1, 1, 1], 0.5) == 2.5 and quantile([1, 2, 3, 4], [1, 1, 1, 3], 0.5) == 3.5
    assert quantile([5], [2], 0.9) == 5 and np.isnan(quantile([], [], 0.5))


def test_every_way_to_give_out_the_tags_is_tried_once():
    tags, exact = assignments([1, 1, 2, 3], np.random.default_rng(0))
    assert exact and len(tags) == 12 and len({tuple(t) for t in tags}) == 12 and tags[0].tolist() == [1, 1, 2, 3]
    drawn, exact = assignments([1] * 8 + [2] * 8 + [3], np.random.default_rng(0))
    assert not exact and len(drawn) == 2001 and (np.sort(drawn, axis=1) == np.sort(drawn[0])).all()


def test_the_share_of_assignments_by_hand():
    """Three questions, one a level: 6 assignments; H of each by hand from its pairs."""
    case = asked(["111"] * 5 + ["110"] * 4 + ["100"] * 3 + ["000"] * 2 + ["010"] + ["001"], [1, 2, 3])
    x = case["frame"][["q0", "q1", "q2"]].to_numpy()

    def h(order):
        pairs = list(itertools.combinations(order, 2))
        errors = sum(((x[:, a] == 0) & (x[:, b] == 1)).sum() for a, b in pairs)
        chance = sum(len(x) * (x[:, a] == 0).mean() * x[:, b].mean() for a, b in pairs)
        return 1 - errors / chance

    every = [h(p) for p in itertools.permutations(range(3))]
    row = read(case).order.table.iloc[0]
    assert row["h"] == pytest.approx(h((0, 1, 2)))
    assert row["p_halo"] == pytest.approx(np.mean([v >= every[0] - 1e-9 for v in every])) and row["assignments"] == 6
    assert row["flags"] == "few_questions" and row["verdict"] != "supported"  # 1 of 6 can never be below .05


# ---- the two accounts ---------------------------------------------------------------------------------------------------
def patterns(frame, items):
    found, w = np.unique(frame[items].to_numpy(), axis=0, return_counts=True)
    return found, np.ones_like(found), w


def test_the_two_accounts_of_data_made_by_each():
    items = [f"q{i}" for i in range(8)]
    for kind, better in (("pyramid", 1), ("halo", -1)):
        case = people(3, n=800, kind=kind)
        data = patterns(case["frame"], items)
        levels, impression = levels_in_order(*data, list(case["levels"].values())), general_impression(*data)
        assert levels.converged and impression.converged and (levels.parameters, impression.parameters) == (12, 16)
        assert better * (data[2] @ (levels.loglik - impression.loglik)) > 20


def test_levels_without_error_fit_their_own_shares():
    rows = np.array([[0, 0], [1, 0], [1, 1]])
    found = levels_in_order(rows, np.ones_like(rows), [5, 3, 2], [1, 2])
    assert np.exp(found.loglik) == pytest.approx([0.5, 0.3, 0.2], abs=1e-3)


def test_one_impression_is_the_likelihood_of_its_integral():
    """Independent answers: the impression explains nothing, and each pattern has the product of its shares."""
    rows = np.array(list(itertools.product([0, 1], repeat=3)))
    shares = np.prod(np.where(rows == 1, [0.7, 0.5, 0.2], [0.3, 0.5, 0.8]), axis=1)
    found = general_impression(rows, np.ones_like(rows), 1000 * shares, rounds=3000)
    assert np.exp(found.loglik) == pytest.approx(shares, rel=0.02)


# ---- planted truth --------------------------------------------------------------------------------------------------------
def test_a_true_pyramid_is_found_and_its_cap_judged():
    found = read(people(1, n=800))
    order = found.order.table.iloc[0]
    assert order["verdict"] == "supported" and order["flags"] == "" and order["p_halo"] <= 0.05 and order["p_impression"] <= 0.05
    caps = found.caps.table.set_index(["cap", "group"])
    assert caps.loc[(7.0, "L1"), "verdict"] == "supported"  # the planted mean of the first level is 6.2
    assert caps.loc[(7.0, "L1-4"), "verdict"] == ""


def test_a_general_impression_with_harder_questions_is_no_pyramid():
    """Other tags alone would call it one: H is high and beats nearly every assignment."""
    found = read(people(2, kind="halo"))
    order = found.order.table.iloc[0]
    assert order["h"] > 0.4 and order["p_halo"] <= 0.05 and order["p_trend"] < 1e-6
    assert order["p_impression"] > 0.5 and order["verdict"] == "inconclusive" and order["flags"] == "halo"
    assert not found.caps.table["verdict"].isin(["supported", "contradicted"]).any()
    assert found.basics.table["verdict"].tolist() == ["inconclusive"] and found.order.note("halo")


@pytest.mark.long
def test_pure_halo_of_the_demo_supports_nothing():
    truth = Truth.load().pure_halo().sized(1800)
    for seed in range(3):
        demo = generate(truth, seed=seed, with_comments=False)
        frame = demo.responses
        levels = {
            "safety": 1,
            "agreements": 1,
            "expertise": 1,
            "activities": 1,
            "building": 1,
            "information": 3,
            "warmth": 3,
            "known": 3,
            "surprise": 4,
        }
        found = pyramid(frame, y="overall", levels=levels, scales=dict.fromkeys([*levels, "overall"], TEN), n_boot=100)
        for table in (found.order.table, found.caps.table, found.basics.table):
            assert not table["verdict"].eq("supported").any()


# ---- edges -----------------------------------------------------------------------------------------------------------------
@pytest.mark.filterwarnings("error")
def test_nobody_one_and_everybody_alike():
    case = asked(["11", "11", "11"], [1, 2])
    for rows in (0, 1):
        found = read({**case, "frame": case["frame"].iloc[:rows]})
        assert found.order.table["status"].tolist() == [["insufficient", "degenerate"][rows]]
        assert found.order.table["h"].isna().all() and found.classes.table["status"].isin(["insufficient", "low_base"]).all()
    alike = read(case)
    assert alike.order.table["status"].tolist() == ["degenerate"] and alike.order.table["verdict"].tolist() == ["inconclusive"]
    one_level = read(asked(["11", "10"], [1, 1]))
    assert (
        one_level.order.table["h"].isna().all() and one_level.caps.table.set_index("group").loc["L1-2", "status"].eq("not_identified").all()
    )


def test_scales_that_are_no_grades_have_no_caps():
    case = asked(["11", "10", "00", "11"], [1, 2], y=[5.0, 4, 3, 5])
    found = read(case, scales={**case["scales"], "grade": FIVE})
    assert set(found.caps.table["status"]) == {"not_identified"} and found.classes.table["prefers"].eq("not_identified").all()
    assert found.basics.table["verdict"].tolist() == ["not_identified"]


def test_bad_input_is_listed_together():
    case = asked(["11"], [1, 2])
    with pytest.raises(InputError, match="no scale is given for 'q1'.*'q0' has level 1.5"):
        read(case, levels={"q0": 1.5, "q1": 2}, scales={"q0": YES_NO, "grade": TEN})
    with pytest.raises(InputError, match="no question has a level"):
        read(case, levels={})
    with pytest.raises(InputError, match="lie outside"):
        read({**case, "frame": case["frame"].assign(q0=3.0)})


# ---- invariances -------------------------------------------------------------------------------------------------------------
NUMBERS = ["h", "h_levels", "share_not_cumulative", "trend_z", "p_halo", "p_halo_trend", "z_impression"]


def numbers(found):
    return found.order.table[NUMBERS].iloc[0].to_numpy(dtype=float), found.classes.table[["share", "mean", "ci_lo", "q50", "q90"]].to_numpy(
        dtype=float
    )


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_row_order_frequency_and_equal_weights(seed):
    case = people(seed, n=60, tags=(1, 1, 2, 2))
    frame = case["frame"].assign(w=np.random.default_rng(seed).integers(1, 3, 60))
    base = numbers(read({**case, "frame": frame}))
    for other in (
        read({**case, "frame": frame.sample(frac=1, random_state=seed)}),
        read({**case, "frame": frame.assign(w=2.5)}, weights="w"),
    ):
        for a, b in zip(base, numbers(other)):
            np.testing.assert_allclose(a, b, atol=1e-9)
    expanded = frame.loc[frame.index.repeat(frame["w"])]
    counted = numbers(read({**case, "frame": frame}, weights="w", weights_kind="frequency"))
    for a, b in zip(numbers(read({**case, "frame": expanded})), counted):
        np.testing.assert_allclose(a, b, atol=1e-7)


def test_names_of_levels_and_a_shift_of_grades_change_nothing():
    case = people(5, n=120)
    base = read(case)
    renamed = read(case, levels={c: k * 10 for c, k in case["levels"].items()})
    np.testing.assert_allclose(numbers(base)[0], numbers(renamed)[0])
    shifted = {**case, "frame": case["frame"].assign(grade=case["frame"]["grade"] - 1)}
    np.testing.assert_allclose(numbers(base)[0], numbers(read(shifted, scales={**case["scales"], "grade": Scale(0, 9)}))[0])


def test_the_interval_of_h_covers_clusters_and_weights():
    case = people(7, n=200)
    frame = case["frame"].assign(place=np.arange(200) % 25, w=np.where(np.arange(200) % 2, 0.5, 1.5))
    plain, placed = (
        read({**case, "frame": frame}, n_boot=400, **more).order.table.iloc[0] for more in ({}, {"clusters": "place", "weights": "w"})
    )
    assert plain["h_lo"] < plain["h"] < plain["h_hi"] and placed["h_lo"] < placed["h"] < placed["h_hi"]
    assert plain["h"] != placed["h"]

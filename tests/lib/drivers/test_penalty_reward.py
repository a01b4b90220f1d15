"""Penalties, rewards and impact classes against R (sandwich, car), the specification's values, by hand and by invariance."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers.penalty_reward import classify, effects, sensitivity
from delight.errors import InputError
from delight.scales import Scale


@pytest.mark.parametrize("name, y", [("mobi_quality_6_9", "sat"), ("mobi_cusa1_6_9", "CUSA1"), ("mobi_quality_6_9_weighted", "sat")])
def test_dummies_equal_sandwich_and_car(reference, mobi, golden, name, y):
    expected = reference("penalty_reward", name)
    x = list(expected["attributes"])
    frame = mobi.assign(w=np.where(mobi["CUEX1"] >= 8, 0.8, 1.3))
    weights = "w" if "weighted" in name else None
    result = effects(frame, y=y, x=x, scales={c: Scale(1, 10) for c in x}, weights=weights, min_side=1, n_boot=0)
    table = result.table.set_index("attribute").loc[x]
    r = [expected["attributes"][a] for a in x]
    assert table[["n_low", "n_mid", "n_high"]].to_numpy().tolist() == [[q["n_low"], q["n_mid"], q["n_high"]] for q in r]
    about = {"method": "M08 penalty and reward", "package": "sandwich 3.0-2, car 3.1-1", "data": f"mobi ({name})", "relative": True}
    golden(table[["penalty", "reward"]], [[q["penalty"], q["reward"]] for q in r], tolerance=1e-8, **about)
    errors = [[expected["se"]["HC3"][f"{a}_{side}"] for side in ("low", "high")] for a in x]
    golden(table[["se_penalty", "se_reward"]], errors, tolerance=1e-8, **about)
    limits = [[expected["HC3"][f"ci95_{end}"][f"{a}_{side}"] for side in ("low", "high") for end in ("lower", "upper")] for a in x]
    golden(table[["penalty_lo", "penalty_hi", "reward_lo", "reward_hi"]], limits, tolerance=1e-7, **about)
    joint, both = "joint_test_low_eq_high_eq_0", "asymmetry_test_low_plus_high_eq_0"
    tests = [[q["sum_low_plus_high"], q[both]["p"], q[joint]["F"], q[joint]["p"]] for q in r]
    golden(table[["asym", "asym_p", "joint_f", "joint_p"]], tests, tolerance=1e-7, **about)


def test_mobi_has_the_slopes_and_classes_of_the_specification(mobi, perq):
    table = effects(mobi, y="CUSA1", **perq, n_boot=200).table
    assert table["slope_below"].to_numpy() == pytest.approx([0.2874, 0.0060, 0.0591, 0.1095, 0.0320, -0.0677, 0.0726], abs=5e-5)
    assert table["slope_above"].to_numpy() == pytest.approx([0.2796, 0.2941, -0.0646, 0.2123, -0.0547, 0.1773, 0.1292], abs=5e-5)
    assert table["slope_joint_p"].to_numpy() == pytest.approx([0.0, 0.0498, 0.705, 0.0337, 0.896, 0.336, 0.321], abs=5e-4)
    assert table["diff_p"].to_numpy() == pytest.approx([0.962, 0.043, 0.470, 0.532, 0.643, 0.141, 0.755], abs=6e-4)
    assert table["diff_q"].to_numpy()[1] == pytest.approx(0.304, abs=5e-4)
    assert (table["diff_q"].drop(1) >= 0.49).all()
    u, i = "undistinguished", "indifferent"
    assert table["impact_class"].tolist() == [u, u, i, u, i, i, i]
    ia = table.set_index("attribute").loc[["PERQ1", "PERQ2", "PERQ4", "PERQ7"], ["ia", "ia_linear_null"]].to_numpy()
    assert ia == pytest.approx(np.array([[-0.268, -0.198], [0.324, -0.065], [0.441, -0.264], [-0.575, -0.258]]), abs=6e-4)
    assert table["ia"].isna().tolist() == [False, False, True, False, True, True, False]  # joint F not significant


def test_branch_service_has_three_slopes_that_differ_and_the_ceiling_allows_for_two(shared):
    pyreadstat = pytest.importorskip("pyreadstat")
    frame, _ = pyreadstat.read_sav(shared / "data/branch-service-es/data.sav")
    x = [c for c in frame if c.startswith(("p5_", "p7_"))]
    result = effects(frame, y="p8", x=x, scales={c: Scale(1, 10) for c in [*x, "p8"]}, n_boot=0)
    table = result.table.set_index("attribute")
    assert table.loc["p5_10", ["slope_below", "slope_above"]].tolist() == pytest.approx([0.192, -0.100], abs=6e-4)
    assert table.loc["p7_2", ["slope_below", "slope_above"]].tolist() == pytest.approx([0.167, -0.039], abs=6e-4)
    assert table.loc["p5_11", ["slope_below", "slope_above", "below_p"]].tolist() == pytest.approx([-0.122, 0.163, 0.033], abs=1e-3)
    assert set(table.index[table["diff_q"] <= 0.05]) == {"p5_10", "p7_2", "p5_11"}
    # 41 % at the maximum: p7_2 differs on the scale of grades, not in the ordered logit (docs/decisions/0015)
    assert table["impact_class"][["p5_10", "p7_2", "p5_11"]].tolist() == ["basis", "undistinguished", "reverse"]
    assert (table.loc["p5_10", "latent_q"] < 0.01) and (table.loc["p7_2", "latent_q"] > 0.2)
    bounded = result.note("bounded_outcome").values
    assert bounded["share_max"] == pytest.approx(0.414, abs=5e-4) and bounded["demoted"] == ["p7_2"]
    assert (table["n"] == 4231).all()


def test_one_attribute_gives_differences_of_group_means_exactly():
    frame = pd.DataFrame({"x": [3, 5, 7, 8, 9, 10] * 20, "y": np.arange(120.0) % 11})
    row = effects(frame, y="y", x=["x"], scales={"x": Scale(1, 10)}, n_boot=0).table.iloc[0]
    low, mid, high = (frame.loc[frame["x"].isin(v), "y"].mean() for v in ((3, 5), (7, 8), (9, 10)))
    assert (row["penalty"], row["reward"]) == pytest.approx((low - mid, high - mid))
    assert (row["n_low"], row["n_mid"], row["n_high"]) == (40, 40, 40)


def test_planted_factors_are_found(planted, six):
    table = effects(planted(3000), **six, n_boot=300).table.set_index("attribute")
    assert table.loc["basic", "impact_class"] == "basis" and table.loc["delight", "impact_class"] == "bijzonder"
    assert table.loc[["one", "two"], "impact_class"].isin(["beleving", "undistinguished"]).all()
    assert table.loc[["nil", "nought"], "impact_class"].eq("indifferent").all()
    assert table.loc[["basic", "delight"], "likely_class"].tolist() == ["basis", "bijzonder"]
    assert table.loc["basic", "b3"] == "basis" and pd.isna(table.loc["nil", "b3"])
    shares = table[[c for c in table if c.startswith("prob_")]].sum(axis=1)
    assert shares.to_numpy() == pytest.approx(np.ones(6))


def test_a_linear_truth_is_never_called_basis_or_bijzonder_more_often_than_promised(planted, six):
    wrong = 0
    for seed in range(25):
        frame = planted(600, seed)
        y = 0.3 * frame[six["x"]].sum(axis=1) - 6 + np.random.default_rng(seed).normal(size=600)
        table = effects(frame.assign(overall=y), **{**six, "scales": {c: Scale(1, 10) for c in six["x"]}}, n_boot=0).table
        wrong += int(table["impact_class"].isin(["basis", "bijzonder", "reverse"]).any())
    assert wrong <= 5  # the family-wise error of BH under a linear truth is at most 5 %: P(more than 5 of 25) < 1 in 1,000


def test_a_ceiling_alone_makes_no_basic_factor(planted, six):
    frame = planted(3000, 7)
    latent = 8.6 + 0.5 * (frame["one"] - 8) + 0.5 * (frame["two"] - 8) + np.random.default_rng(8).normal(size=3000)
    frame["overall"] = np.clip(np.round(latent), 0, 10)
    result = effects(frame, **six, n_boot=0)
    assert result.note("bounded_outcome").values["share_max"] > 0.2
    assert result.note("bounded_outcome").values["demoted"] == ["one", "two"]
    assert not result.table["impact_class"].eq("basis").any()


def test_classes_follow_the_rule_in_its_order():
    nan = np.nan
    rule = pd.DataFrame(
        [
            # joint p, b, p(b), g, p(g), g - b, q, lo90, hi90, common, latent, p -> class
            (0.20, 0.9, 0.00, 0.1, 0.5, -0.8, 0.00, -1.0, -0.6, 0.5, nan, nan, "indifferent"),
            (0.00, -0.3, 0.01, 0.3, 0.0, 0.6, 0.00, 0.4, 0.8, 0.1, nan, nan, "reverse"),
            (0.00, 0.5, 0.00, 0.1, 0.5, -0.4, 0.01, -0.6, -0.2, 0.3, nan, nan, "basis"),
            (0.00, 0.1, 0.50, 0.5, 0.0, 0.4, 0.01, 0.2, 0.6, 0.3, nan, nan, "bijzonder"),
            (0.00, 0.3, 0.00, 0.3, 0.0, 0.0, 0.90, -0.1, 0.1, 0.3, nan, nan, "beleving"),
            (0.00, 0.3, 0.00, 0.3, 0.0, 0.0, 0.90, -0.3, 0.3, 0.3, nan, nan, "undistinguished"),
            (nan, nan, nan, 0.3, 0.0, nan, nan, nan, nan, 0.3, nan, nan, None),
        ],
        columns=[
            *("slope_joint_p", "slope_below", "below_p", "slope_above", "above_p", "slope_diff"),
            *("diff_q", "diff_lo90", "diff_hi90", "common_slope", "latent_diff", "latent_q", "expected"),
        ],
    )
    measured = {c: rule[c].to_numpy(dtype=float) for c in rule.columns[:-1]}
    assert [c or None for c in classify(**measured)] == [c if isinstance(c, str) else None for c in rule["expected"]]
    ceiling = classify(**measured, bounded_above=True)
    assert ceiling[2] == "undistinguished" and ceiling[3] == "bijzonder"
    assert classify(**{**measured, "latent_diff": measured["slope_diff"], "latent_q": np.full(7, 0.04)}, bounded_above=True)[2] == "basis"
    assert (
        classify(**{**measured, "latent_diff": measured["slope_diff"], "latent_q": np.full(7, 0.09)}, bounded_above=True)[2]
        == "undistinguished"
    )
    assert classify(**measured, bounded_below=True)[3] == "undistinguished"


def test_a_difference_too_small_to_matter_is_no_kind():
    row = {"slope_joint_p": 0.0, "below_p": 0.0, "above_p": 0.0, "diff_q": 0.0, "latent_diff": np.nan, "latent_q": np.nan}
    rows = pd.DataFrame(
        [
            # b, g, lo90, hi90, common, sd of x over sd of y -> class
            (0.50, 0.40, -0.12, -0.08, 0.45, 1.0, "beleving"),  # a fifth of the common slope, for certain
            (0.50, 0.28, -0.26, -0.18, 0.40, 1.0, "basis"),  # beyond half the common slope
            (0.50, 0.33, -0.25, -0.09, 0.42, 1.0, "undistinguished"),  # within it, though perhaps not
            (0.06, -0.02, -0.09, -0.07, 0.03, 1.0, "undistinguished"),  # four times the slope, but only .08 of a standard deviation
            (0.06, -0.02, -0.09, -0.07, 0.03, 2.0, "basis"),
            (0.04, 0.01, -0.04, -0.02, 0.03, 1.0, "indifferent"),  # both slopes below .05 of a standard deviation
            (-0.04, 0.30, 0.30, 0.38, 0.10, 1.0, "bijzonder"),  # against, but too little to count
            (-0.06, 0.30, 0.32, 0.40, 0.10, 1.0, "reverse"),
        ],
        columns=["slope_below", "slope_above", "diff_lo90", "diff_hi90", "common_slope", "sd_ratio", "expected"],
    ).assign(**row, slope_diff=lambda t: t["slope_above"] - t["slope_below"])
    expected = rows.pop("expected").tolist()
    measured = {c: rows[c].to_numpy(dtype=float) for c in rows}
    assert classify(**measured).tolist() == expected
    every = classify(**measured, least=0, margin=0).tolist()
    assert every == ["basis", "basis", "basis", "reverse", "reverse", "basis", "reverse", "reverse"]


def test_in_a_large_survey_only_differences_that_matter_make_kinds(planted, six):
    frame = planted(40_000, 3)
    rng = np.random.default_rng(4)
    y = 0.33 * np.minimum(frame["one"] - 8, 0) + 0.27 * np.maximum(frame["one"] - 8, 0) + 0.3 * frame["two"] + rng.normal(size=len(frame))
    frame, scales = frame.assign(overall=y), {c: Scale(1, 10) for c in six["x"]}
    table = effects(frame, y="overall", x=["one", "two"], scales=scales, n_boot=50).table.set_index("attribute")
    assert table.loc["one", "diff_q"] < 0.05 and table.loc["one", "impact_class"] == "beleving" and table.loc["one", "class_prob"] > 0.9
    strict = effects(frame, y="overall", x=["one", "two"], scales=scales, least=0, margin=0, n_boot=0).table.set_index("attribute")
    assert strict.loc["one", "impact_class"] == "basis"


def test_attributes_that_cannot_be_held_apart_can_be_judged_each_by_itself(planted, six):
    frame = planted(1500)
    frame["two"] = np.clip(frame["one"] + np.random.default_rng(1).choice([-1, 0, 0, 0, 0, 0, 1], size=1500), 1, 10)
    joint = effects(frame, **{**six, "x": ["one", "two", "basic"]}, n_boot=0)
    each = effects(frame, **{**six, "x": ["one", "two", "basic"]}, models="each", n_boot=0)
    assert joint.note("vif").values["attributes"] == ["one", "two"] and each.note("vif") is None
    alone = effects(frame, **{**six, "x": ["one"]}, n_boot=0).table.iloc[0]
    row = each.table.set_index("attribute").loc["one"]
    same = ["slope_below", "slope_above", "diff_p", "penalty", "reward"]
    assert row[same].tolist() == pytest.approx(alone[same].tolist()) and row["own_model"]
    assert row["diff_q"] >= row["diff_p"]
    with pytest.raises(InputError, match="models is 'joint' or 'each'"):
        effects(frame, **six, models="one")


def test_standardised_coefficients_are_the_raw_ones_in_standard_deviations(mobi, perq):
    raw = effects(mobi, y="CUSA1", **perq, min_side=1, n_boot=0).table
    standard = effects(mobi, y="CUSA1", **perq, min_side=1, coefficient="standardised", n_boot=0).table
    sd_y = mobi["CUSA1"].std(ddof=0)
    for side, dummy in (("penalty", lambda a: mobi[a] <= 6), ("reward", lambda a: mobi[a] >= 9)):
        spread = np.array([dummy(a).std(ddof=0) for a in perq["x"]])
        assert standard[side].to_numpy() == pytest.approx((raw[side] * spread / sd_y).to_numpy())
        assert standard[f"{side}_p"].to_numpy() == pytest.approx(raw[f"{side}_p"].to_numpy())
    assert standard["joint_p"].to_numpy() == pytest.approx(raw["joint_p"].to_numpy())
    assert standard["slope_diff"].to_numpy() == pytest.approx(raw["slope_diff"].to_numpy())  # slopes stay in points


def test_asymmetry_beyond_a_straight_line_is_nil_for_a_straight_line_and_tested_by_dummies_against_lines():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.integers(1, 11, size=(400, 2)).astype(float), columns=["a", "b"])
    scales = {c: Scale(1, 10) for c in "ab"}
    exact = effects(frame.assign(y=0.4 * frame["a"] + 0.2 * frame["b"]), y="y", x=["a", "b"], scales=scales, n_boot=0).table
    assert exact["excess"].to_numpy() == pytest.approx([0, 0], abs=1e-10)
    assert exact["asym"].to_numpy() == pytest.approx(exact["asym_linear_null"].to_numpy())
    bent = frame.assign(y=0.8 * np.minimum(frame["a"] - 7, 0) + 0.2 * frame["b"] + rng.normal(size=400))
    row = effects(bent, y="y", x=["a", "b"], scales=scales, n_boot=0).table.iloc[0]
    # by hand: residuals of the line, regressed on the dummies
    line = np.column_stack([np.ones(400), frame])
    dummies = np.column_stack([np.ones(400), *(f for a in "ab" for f in (frame[a] <= 6, frame[a] >= 9))]).astype(float)
    left = bent["y"] - line @ np.linalg.lstsq(line, bent["y"], rcond=None)[0]
    coef = np.linalg.lstsq(dummies, left, rcond=None)[0]
    assert row["excess"] == pytest.approx(coef[1] + coef[2])
    assert row["excess_p"] < 0.001 and row["excess_hi"] < 0


def test_dummies_that_say_the_same_are_degenerate_under_every_coding(planted, six):
    frame = planted(600)
    frame["two"] = frame["one"]
    table = sensitivity(frame, **six).table
    assert (table.loc[table["attribute"].isin(["one", "two"]), "status"] == "degenerate").all()
    assert (table.loc[~table["attribute"].isin(["one", "two"]), "status"] == "ok").all()


def test_few_answers_on_one_side_give_no_class_and_drop_the_term():
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({"good": rng.choice([8, 9, 10], size=300), "mixed": rng.integers(4, 11, size=300)}).astype(float)
    frame["y"] = frame.sum(axis=1) + rng.normal(size=300)
    frame.loc[:4, "good"] = 5
    result = effects(frame, y="y", x=["good", "mixed"], scales={c: Scale(1, 10) for c in ("good", "mixed")}, n_boot=100)
    row = result.table.set_index("attribute").loc["good"]
    assert (row["impact_class"], row["status"], row["n_below"]) == ("insufficient", "insufficient", 5)
    assert np.isnan(row["penalty"]) and row["reward"] > 0 and np.isnan(row["slope_below"]) and row["slope_above"] > 0
    assert result.note("few_below_or_above").values == {"attributes": ["good"]}


def test_a_scale_without_a_knot_has_no_class_but_is_held_equal():
    rng = np.random.default_rng(10)
    frame = pd.DataFrame({"four": rng.integers(1, 5, size=300), "ten": rng.integers(1, 11, size=300)}).astype(float)
    frame["y"] = frame["four"] + 0.2 * frame["ten"] + rng.normal(size=300) * 0.5
    result = effects(frame, y="y", x=["four", "ten"], scales={"four": Scale(1, 4), "ten": Scale(1, 10)}, n_boot=100)
    table = result.table.set_index("attribute")
    assert (table.loc["four", "impact_class"], table.loc["four", "status"]) == ("not_identified", "not_identified")
    assert table.loc["four", "penalty"] < 0 < table.loc["four", "reward"]  # 1-4 has cuts, though no knot
    assert table.loc["ten", "common_slope"] == pytest.approx(0.2, abs=0.05)
    assert result.note("no_knot").values == {"attributes": ["four"], "scales": ["1-4"]}


def test_identical_attributes_are_degenerate_and_others_stand(planted, six):
    frame = planted(800).assign(again=lambda f: f["one"])
    table = effects(frame, y="overall", x=["basic", "one", "again"], scales={**six["scales"], "again": Scale(1, 10)}, n_boot=0).table
    status = dict(zip(table["attribute"], table["status"]))
    assert status["again"] == "degenerate" and status["basic"] == "ok"


def test_not_applicable_answers_stay_in_the_model(planted, six):
    frame = planted(1000)
    frame["two:na"] = np.arange(1000) % 10 == 0
    frame.loc[frame["two:na"], "two"] = np.nan
    frame["one:na"] = np.arange(1000) % 2 == 0
    frame.loc[frame["one:na"], "one"] = np.nan
    table = effects(frame, **six, not_applicable={"one": "one:na", "two": "two:na"}, n_boot=0).table.set_index("attribute")
    assert table.loc["basic", "n"] == 1000 and table.loc["one", "n"] == 500 and table.loc["two", "n_applicable"] == 900
    assert table.loc["one", "own_model"] and not table.loc["two", "own_model"]


def test_weights_order_and_frequency_change_nothing_they_should_not(planted, six):
    frame = planted(400)
    plain = effects(frame, **six, n_boot=100).table
    pd.testing.assert_frame_equal(effects(frame.assign(w=3.0), **six, weights="w", n_boot=100).table, plain, rtol=1e-9, atol=1e-12)
    pd.testing.assert_frame_equal(effects(frame.sample(frac=1, random_state=2), **six, n_boot=100).table, plain)
    twice = effects(pd.concat([frame, frame]), **six, n_boot=0).table
    counted = effects(frame.assign(w=2), **six, weights="w", weights_kind="frequency", n_boot=0).table
    pd.testing.assert_frame_equal(counted, twice, rtol=1e-8, atol=1e-10)


def test_three_codings_are_shown_side_by_side(mobi, perq):
    table = sensitivity(mobi, y="CUSA1", **perq).table
    assert len(table) == 21 and table["coding"].tolist()[:3] == ["default", "extremes", "terciles"]
    first = table[table["coding"] == "default"].set_index("attribute")["penalty"]
    assert first["PERQ1"] == pytest.approx(-0.6599, abs=5e-5)
    thirds = table[table["coding"] == "terciles"]
    assert (thirds["cut_low"] < thirds["cut_high"]).all() and (thirds["n_mid"] > 0).all()


def test_a_missing_scale_and_an_unknown_coding_are_named(mobi, perq):
    with pytest.raises(InputError, match="PERQ7"):
        effects(mobi, y="CUSA1", x=perq["x"], scales={c: Scale(1, 10) for c in perq["x"][:-1]})
    with pytest.raises(InputError, match="coding is one of"):
        effects(mobi, y="CUSA1", **perq, coding="quartiles")


def test_of_two_attributes_that_say_the_same_neither_has_a_class(planted, six):
    frame = planted(500)
    frame["two"] = frame["one"]
    for order in (six["x"], six["x"][::-1]):
        table = effects(frame, **{**six, "x": order}, n_boot=20).table.set_index("attribute")
        assert (table.loc[["one", "two"], "impact_class"] == "degenerate").all()
        assert table.loc[["one", "two"], ["penalty", "reward", "slope_below", "diff_q"]].isna().all(axis=None)
        assert table.drop(["one", "two"])["diff_q"].notna().all()


def test_one_cluster_leaves_no_class_and_raises_nothing(planted, six):
    table = effects(planted(300).assign(house="only"), **six, clusters="house", n_boot=20).table
    assert (table["impact_class"] == "insufficient").all() and table["slope_below"].isna().all()

"""Where loyalty bends: the reference values of the ECSI sample, R's segmented, planted truths and refusals."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.errors import InputError
from delight.loyalty.bends import grid, hinge_search, latent_hinge, refine
from delight.loyalty.fits import data_of, design, fit_form
from delight.loyalty.forms import forms, steps
from delight.loyalty.outcome import across
from delight.loyalty.threshold import rule
from delight.scales import Scale

TEN, YES_NO, FINE = Scale(1, 10), Scale(0, 1), Scale(1, 10, 0)
ECSI = dict(y="CUSL3", x="CUSA1", scales={"CUSA1": TEN, "CUSL3": TEN, "sat": FINE})


@pytest.fixture(scope="module")
def mobi(shared):
    frame = pd.read_csv(shared / "data/ecsi-mobile/mobi.csv").astype(float)
    return frame.assign(sat=frame[["CUSA1", "CUSA2", "CUSA3"]].mean(axis=1))


def planted(n, jump, seed, *, noise=1.5, shares=(0.03, 0.07, 0.1, 0.2, 0.3, 0.2, 0.1)):
    """Grades 4-10 with the loyalty line 2 + 0.5 s and a jump from 9 on, on an unbounded continuous outcome."""
    rng = np.random.default_rng(seed)
    s = rng.choice(np.arange(4.0, 11), n, p=shares)
    return pd.DataFrame({"s": s, "l": 2 + 0.5 * s + jump * (s >= 9) + rng.normal(0, noise, n)})


WIDE = dict(y="l", x="s", scales={"s": TEN, "l": Scale(-20, 40, 0)})


# ---- one item, whole grades
def test_local_contrast_of_the_ecsi_item(mobi, golden):
    result = rule(mobi, **ECSI)
    eight = result.table.set_index("grade").loc[8]
    # methods M06 [V]
    assert result.meta["n_around"] == {"7": 50, "8": 109, "9": 29}
    about = dict(package="statsmodels, recomputed for the specification", data="ECSI mobi")
    golden([eight.d_local, eight.d_se], [-0.3279, 0.5849], **about, method="M06 local contrast", tolerance=5e-5)
    golden([eight.d_lo, eight.d_hi, eight.d_p], [-1.480, 0.824, 0.576], **about, method="M06 local contrast, limits and p", tolerance=5e-4)
    golden([eight.d_latent, eight.d_latent_se], [0.106, 0.545], **about, method="M06 latent contrast", tolerance=5e-4)
    assert eight.d90_lo == pytest.approx(eight.d_local - 1.6511 * eight.d_se, abs=5e-4) and eight.d90_lo > eight.d_lo
    assert eight.share_max == pytest.approx(0.276)
    assert result.meta["verdict"] == "inconclusive" == eight.verdict and result.meta["flags"] == ["bounded_outcome"]


def test_second_differences_stand_at_six_to_nine(mobi):
    table = rule(mobi, **ECSI).table.set_index("grade")
    means = mobi.groupby("CUSA1")["CUSL3"].mean()
    for g in (6, 7, 8, 9):
        assert table.loc[g, "d_local"] == pytest.approx(means[g + 1] - 2 * means[g] + means[g - 1])
    assert table.loc[[4, 5, 10], "d_local"].isna().all()
    assert np.isnan(table.loc[4, "ci_lo"])  # one answer has no interval
    assert np.isnan(table.loc[6, "d_latent"])  # 4 and 5 are merged there, and a merged group is no grade


def test_adjusted_contrast_equals_statsmodels(mobi):
    table = rule(mobi, **ECSI, covariates=["IMAG1"]).table.set_index("grade")
    grades = pd.get_dummies(mobi["CUSA1"]).astype(float)
    x = np.column_stack([grades, mobi["IMAG1"] - mobi["IMAG1"].mean()])
    fit = sm.OLS(mobi["CUSL3"].to_numpy(), x).fit(cov_type="HC3", use_t=True)
    direction = np.zeros(x.shape[1])
    direction[[3, 4, 5]] = 1, -2, 1
    test = fit.t_test(direction)
    assert (table.loc[8, "d_local"], table.loc[8, "d_se"]) == (pytest.approx(test.effect[0]), pytest.approx(test.sd[0, 0]))
    assert table.loc[8, "mean"] == pytest.approx(fit.params[4])


def test_a_jump_at_nine_supports_the_rule_and_a_ceiling_contradicts_it():
    up = rule(planted(4000, 1.0, 1), **WIDE)
    assert up.meta["verdict"] == "supported" and up.meta["d"]["lo"] < 1.0 < up.meta["d"]["hi"]
    assert rule(planted(4000, -1.0, 2), **WIDE).meta["verdict"] == "contradicted"
    assert rule(planted(300, 0.2, 3), **WIDE).meta["verdict"] == "inconclusive"


def test_a_bounded_outcome_needs_both_scales():
    frame = planted(6000, 0.0, 5, noise=2.0)
    frame["l"] = np.clip(np.round(frame["l"] + 2.5), 1, 10)  # a straight line bent by the top of its scale
    frame["l"] = np.where(frame["s"] >= 9, 10, frame["l"])
    result = rule(frame, y="l", x="s", scales={"s": TEN, "l": TEN})
    assert result.meta["share_max"] > 0.2 and "bounded_outcome" in result.meta["flags"]
    # everybody at 9 and 10 answers 10: the latent contrast does not exist, so nothing is concluded
    assert result.meta["d"]["lo"] > 0 and result.meta["d_latent"] is None
    assert result.meta["verdict"] == "inconclusive"


def test_fewer_than_25_at_a_grade_is_insufficient_and_says_how_many_are_needed(mobi):
    result = rule(mobi[~((mobi["CUSA1"] == 9) & (mobi.index > 120))], **ECSI)
    least = min(result.meta["n_around"].values())
    assert least < 25 and result.meta["verdict"] == "insufficient" == result.status
    assert result.meta["n_needed_base"] == int(np.ceil(result.meta["n_used"] * 25 / least))
    assert rule(mobi.head(0), **ECSI).meta["verdict"] == "insufficient"


def test_the_number_needed_is_that_of_the_sample_size_card():
    # methods, sample-size card: residual sd 1.5, shares .2/.3/.2 at 7/8/9 -> 412 for D = 1 and 1,648 for .5
    result = rule(planted(40000, 0.0, 8), **WIDE)
    assert result.meta["n_needed"] == pytest.approx(1648, rel=0.04)
    assert rule(planted(40000, 0.0, 8), **WIDE, bend=1.0).meta["n_needed"] == pytest.approx(412, rel=0.04)


def test_other_scales_cannot_test_the_rule(mobi):
    five = mobi.assign(five=np.ceil(mobi["CUSA1"] / 2))
    result = rule(five, y="CUSL3", x="five", scales={"five": Scale(1, 5), "CUSL3": TEN})
    assert result.status == "not_identified" == result.meta["verdict"]
    assert result.note("scale_cannot_test").values["scale"]["max"] == 5
    assert result.table["d_local"].isna().all() and result.table["mean"].notna().all()


def test_a_yes_no_outcome_is_judged_on_shares_and_log_odds():
    rng = np.random.default_rng(9)
    s = rng.choice([6.0, 7, 8, 9, 10], 8000, p=[0.1, 0.2, 0.3, 0.2, 0.2])
    chance = {6: 0.4, 7: 0.45, 8: 0.5, 9: 0.75, 10: 0.8}
    frame = pd.DataFrame({"s": s, "l": (rng.random(8000) < pd.Series(s).map(chance)).astype(float)})
    result = rule(frame, y="l", x="s", scales={"s": TEN, "l": YES_NO})
    assert result.meta["verdict"] == "supported" and result.meta["d"]["lo"] < 0.2 < result.meta["d"]["hi"]
    assert result.meta["d_latent"]["lo"] > 0
    turned = rule(frame.assign(l=1 - frame["l"]), y="l", x="s", scales={"s": TEN, "l": YES_NO}, turned=True)
    assert turned.meta["d"] == pytest.approx(result.meta["d"])


def test_invariances_of_the_contrast(mobi):
    plain = rule(mobi, **ECSI).table
    pd.testing.assert_frame_equal(plain, rule(mobi.sample(frac=1, random_state=3), **ECSI).table)
    equal = rule(mobi.assign(w=4.0), **ECSI, weights="w").table
    pd.testing.assert_frame_equal(plain, equal, rtol=1e-12)
    twice = rule(pd.concat([mobi, mobi]), **ECSI).table
    weighted = rule(mobi.assign(w=2), **ECSI, weights="w", weights_kind="frequency").table
    pd.testing.assert_frame_equal(twice, weighted, rtol=1e-7, check_dtype=False)


# ---- steps and forms
def test_steps_between_grades_are_intervals_never_a_point(mobi):
    table = steps(mobi, **ECSI).table.set_index("place")
    assert list(table.index) == ["[4,5)", "[5,6)", "[6,7)", "[7,8)", "[8,9)", "[9,10)"]
    assert (table.loc["[6,7)", "status"], table.loc["[8,9)", "status"]) == ("insufficient", "ok")
    x = sm.add_constant(np.column_stack([mobi["CUSA1"], mobi["CUSA1"] >= 9]).astype(float))
    fit = sm.OLS(mobi["CUSL3"], x).fit(cov_type="HC3", use_t=True)
    assert table.loc["[8,9)", ["coef", "se", "ssr"]].astype(float).to_numpy() == pytest.approx([fit.params["x2"], fit.bse["x2"], fit.ssr])
    assert table["distance"].min() == 0 and table.loc[table["distance"] <= 7.35, "in_set"].all()


def test_a_planted_step_is_found_at_its_place():
    table = steps(planted(6000, 1.5, 4), **WIDE).table
    assert list(table.loc[table["in_set"], "place"]) == ["[8,9)"]
    found = forms(planted(6000, 1.5, 4), **WIDE).table.set_index("form")
    assert found.loc["step", "set_identified"] == "[8,9)" and found.loc["step", "best_cv"]


def test_forms_of_the_ecsi_item_equal_statsmodels(mobi):
    table = forms(mobi, **ECSI).table.set_index("form")
    assert list(table.index) == ["linear", "quadratic", "cubic", "saturated", "step"]  # a hinge has no place on grades
    linear = sm.OLS(mobi["CUSL3"], sm.add_constant(mobi["CUSA1"])).fit()
    assert table.loc["linear", "coef_s"] == pytest.approx(linear.params["CUSA1"])
    assert table.loc["linear", "aic"] == pytest.approx(linear.aic + 2)  # the variance is a parameter, as in R
    assert table.loc["saturated", "ssr"] == pytest.approx(((mobi["CUSL3"] - mobi.groupby("CUSA1")["CUSL3"].transform("mean")) ** 2).sum())
    assert table["best_aic"].sum() == 1 == table["best_cv"].sum()


def test_cross_validation_is_seeded_and_does_not_know_the_row_order(mobi):
    first = forms(mobi, **ECSI).table
    pd.testing.assert_frame_equal(first, forms(mobi.sample(frac=1, random_state=1), **ECSI).table)
    assert forms(mobi, **ECSI, seed=2).table["cv_rmse"].iloc[0] != first["cv_rmse"].iloc[0]
    twice = forms(pd.concat([mobi, mobi]), **ECSI).table
    weighted = forms(mobi.assign(w=2), **ECSI, weights="w", weights_kind="frequency").table
    pd.testing.assert_frame_equal(twice, weighted, rtol=1e-7, check_dtype=False)


# ---- fine scales
def test_the_construct_of_the_ecsi_sample(mobi):
    table = forms(mobi, **{**ECSI, "x": "sat"}).table.set_index("form")
    # methods M06 [V]
    assert table.loc["linear", ["coef_s", "ssr"]].astype(float).to_numpy() == pytest.approx([1.10145, 694.967], abs=6e-4)
    cubic = table.loc["cubic"]
    assert (cubic.coef_s, cubic.coef_extra, cubic.r2) == pytest.approx((1.24067, -0.04037, 0.44935), abs=6e-6)
    assert table.loc["quadratic", "coef_extra"] == pytest.approx(-0.08439, abs=6e-6)
    hinge = table.loc["hinge"]
    assert (hinge.tau, hinge.ssr, hinge.coef_extra, hinge.sup_f) == pytest.approx((9.1667, 670.633, -2.145, 8.962), abs=6e-4)
    assert hinge.status == "edge" and hinge.at_edge and np.isnan(hinge.tau_lo)
    assert (hinge.set_lo, hinge.set_hi) == pytest.approx((7.833, 9.167), abs=4e-4)
    assert hinge.p_boot == pytest.approx(0.035, abs=0.008) and hinge.p_normal == pytest.approx(0.072, abs=0.011)  # 3 Monte-Carlo se
    assert hinge.p == pytest.approx(0.074, abs=5e-4) and hinge.bend == "none"


def test_the_verdict_on_the_construct(mobi):
    result = rule(mobi, **{**ECSI, "x": "sat"})
    assert result.meta["verdict"] == "inconclusive" and result.meta["flags"] == ["bounded_outcome", "edge"]
    assert result.status == "edge"


def test_the_construct_hinge_at_fixed_places(mobi):
    data, z, _ = data_of(mobi, "CUSL3", "sat", ECSI["scales"], (), False, None, "sampling", None)
    _, p = fit_form(data, design(z, data.s, np.maximum(data.s - 8.5, 0))).contrast(2, 0.95)
    assert p == pytest.approx(0.060, abs=5e-4)  # methods M06 [V], as the two below
    assert latent_hinge(data, z, 8.5, 0.95).value == pytest.approx(0.273, abs=5e-4)
    assert latent_hinge(data, z, 55 / 6, 0.95).value == pytest.approx(-0.082, abs=5e-4)


@pytest.mark.parametrize(
    "name, file, y, x, others",
    [
        ("mobi_sat_loyalty", "mobi", "loy", "sat", []),
        ("mobi_sat_recommend_covariate", "mobi", "CUSL3", "sat", ["IMAG1"]),
        ("boston_lstat", "boston", "medv", "lstat", []),
        ("boston_lstat_covariates", "boston", "medv", "lstat", ["rm", "ptratio"]),
        ("boston_lstat_weighted", "boston", "medv", "lstat", []),
        ("plant_rkv", "plant", "y", "time", []),
    ],
)
def test_the_best_bend_equals_r_segmented(shared, golden, name, file, y, x, others):
    folder = shared / "reference/segmented"
    frame, r = pd.read_csv(folder / f"{file}.csv"), json.loads((folder / f"{name}.json").read_text())
    if file == "mobi":
        frame["sat"], frame["loy"] = frame[["CUSA1", "CUSA2", "CUSA3"]].mean(axis=1), (frame["CUSL1"] + frame["CUSL3"]) / 2
    frame = frame[frame["group"] == "RKV"] if file == "plant" else frame
    values = [frame[c].to_numpy(dtype=float) for c in (y, x)]
    z, w = frame[others].to_numpy(dtype=float), frame["ptratio"].to_numpy(float) if r["weighted"] else np.ones(len(frame))
    points = grid(values[1], trim=0.02, fewest=1)
    ssr, linear, *_ = hinge_search(*values, z, w, points)
    best, tau = refine(*values, z, w, points[ssr.argmin()], points)
    about = dict(method="M06 bend", package="segmented 1.6-2 (R)", data=name, relative=True)
    golden([best, linear], [r["rss"], r["linear_model"]["rss"]], **about, tolerance=1e-8)
    golden(tau, r["psi"], **{**about, "method": "M06 place of the bend"}, tolerance=1e-5)


def fine_sample(n, c, seed, tau=8.5):
    rng = np.random.default_rng(seed)
    s = np.clip(np.round(rng.normal(7.8, 1.2, n) * 6) / 6, 1, 10)
    return pd.DataFrame({"s": s, "l": 1 + 0.6 * s + c * np.maximum(s - tau, 0) + rng.normal(0, 0.8, n)})


def test_an_accelerating_hinge_supports_the_rule():
    options = {**WIDE, "scales": {"s": FINE, "l": Scale(-20, 40, 0)}, "n_boot": 499}
    result = rule(fine_sample(2000, 1.2, 3), **options)
    hinge = result.meta["hinge"]
    assert result.meta["verdict"] == "supported" and hinge["bend"] == "accelerating"
    assert hinge["tau_lo"] <= 8.5 <= hinge["tau_hi"] and hinge["tau_hi"] - hinge["tau_lo"] <= 1.5
    assert rule(fine_sample(2000, 0.0, 4), **options).meta["hinge"]["bend"] == "none"


def test_a_fine_yes_no_outcome_is_bent_on_the_log_odds():
    frame = fine_sample(1500, 0, 6)
    chance = 1 / (1 + np.exp(-(-2 + 0.3 * (frame["s"] - 5) + 2 * np.maximum(frame["s"] - 8.3, 0))))
    frame["l"] = (np.random.default_rng(7).random(1500) < chance).astype(float)
    result = forms(frame, y="l", x="s", scales={"s": FINE, "l": YES_NO}, n_boot=499)
    hinge = result.table.set_index("form").loc["hinge"]
    assert hinge.bend == "accelerating" and hinge.tau_lo < 8.3 < hinge.tau_hi
    linear = sm.Logit(frame["l"], sm.add_constant(frame["s"])).fit(disp=0)
    assert result.table.set_index("form").loc["linear", ["ssr", "aic"]].astype(float).to_numpy() == pytest.approx(
        [-2 * linear.llf, linear.aic], rel=1e-8
    )


def test_each_side_of_a_bend_strictly_holds_enough():
    s = np.repeat(np.arange(1.0, 11), 30)
    points = grid(s, fewest=40)
    assert points.min() == 2.5 and points.max() == 8.5  # 60 strictly below 2.5 and above 8.5, only 30 below 2
    assert len(grid(s, fewest=200)) == 0


def test_small_and_flat_samples_keep_their_rows():
    small = forms(planted(20, 0, 1), **WIDE)
    assert small.status == "insufficient" and len(small.table) == 5 and small.table["ssr"].isna().all()
    flat = forms(planted(200, 0, 1).assign(l=5.0), **WIDE)
    assert flat.status == "degenerate"


def test_columns_must_differ():
    with pytest.raises(InputError, match="must be different columns"):
        rule(planted(50, 0, 1), **WIDE, covariates=["s"])


# ---- simulation
@pytest.mark.long
def test_the_contrast_keeps_its_level_and_has_the_power_of_the_card():
    verdicts, covered = [], 0
    for seed in range(2000):
        result = rule(planted(412, 1.0, 10_000 + seed), **WIDE).meta
        verdicts.append(result["verdict"])
        covered += result["d"]["lo"] <= 1.0 <= result["d"]["hi"]
    assert 0.93 <= covered / 2000 <= 0.97
    assert 0.76 <= np.mean([v == "supported" for v in verdicts]) <= 0.84 and "contradicted" not in verdicts


@pytest.mark.long
def test_sup_f_keeps_its_size():
    options = {**WIDE, "scales": {"s": FINE, "l": Scale(-20, 40, 0)}, "n_boot": 199, "folds": 2}
    p = [forms(fine_sample(200, 0.0, seed), **options).table.set_index("form").loc["hinge", "p_boot"] for seed in range(400)]
    assert 0.025 <= np.mean(np.array(p) <= 0.05) <= 0.085


def test_one_cluster_leaves_the_contrast_without_interval_and_raises_nothing():
    result = rule(planted(300, 1, 4).assign(house="only"), **WIDE, clusters="house")
    assert result.meta["verdict"] == "inconclusive" and result.meta["n_needed"] is None


def test_a_grade_with_one_answer_changes_nothing_at_seven_to_nine():
    frame = planted(400, 1, 5).query("s > 4")
    more = pd.concat([frame, pd.DataFrame({"s": [2.0], "l": [3.0]})])
    a, b = (rule(f, **WIDE).table.set_index("grade").loc[8] for f in (frame, more))
    assert (b["d_local"], b["d_se"], b["d_lo"]) == pytest.approx((a["d_local"], a["d_se"], a["d_lo"]), abs=1e-10)


def test_a_verdict_falls_with_the_correction_over_the_outcomes():
    frame = planted(900, 0.85, 13).rename(columns={"l": "first"})
    rng = np.random.default_rng(3)
    flat = {name: 2 + 0.5 * frame["s"] + rng.normal(0, 1.5, 900) for name in ("second", "third", "fourth", "fifth")}
    frame, scale = frame.assign(**flat), Scale(-20, 40, 0)
    alone = rule(frame, y="first", x="s", scales={"s": TEN, "first": scale})
    assert alone.meta["verdict"] == "supported" and 0.01 < alone.meta["d"]["p"] < 0.05
    outcomes = [{"y": y, "scale": scale, "role": "recommend"} for y in ("first", *flat)]
    together = across(rule, frame, outcomes, x="s", scales={"s": TEN}).meta["outcomes"]["first"]
    assert together["d"]["q"] > 0.05 and together["verdict"] == "inconclusive" and together["demoted_from"] == "supported"


def test_the_bend_of_a_yes_no_outcome_equals_r_segmented(shared, golden):
    folder = shared / "reference/segmented"
    table, r = pd.read_csv(folder / "down.csv"), json.loads((folder / "down_glm.json").read_text())
    rows = [(age, float(hit), cases if hit else births - cases) for age, births, cases in table.itertuples(index=False) for hit in (1, 0)]
    frame = pd.DataFrame(rows, columns=["age", "down", "times"])
    scales = {"age": Scale(15, 50, 0), "down": YES_NO}
    data, z, _ = data_of(frame, "down", "age", scales, (), False, "times", "frequency", None)
    fit = fit_form(data, design(z, data.s, np.maximum(data.s - r["psi"], 0)))
    about = dict(method="M06 bend, logit", package="segmented 1.6-2 (R)", data="down_glm")
    golden(fit.model.coef, [r["coef"]["(Intercept)"], r["coef"]["age"], r["coef"]["U1.age"]], **about, tolerance=1e-5)
    near = [fit_form(data, design(z, data.s, np.maximum(data.s - tau, 0))).ssr for tau in (30.8, 30.95, 31.08, 31.2, 31.35)]
    assert np.argmin(near) == 2  # and the deviance is lowest there

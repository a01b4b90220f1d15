"""What a bond is worth, mediation, contrasts of met and exceeded: hand cases, exact identities, planted truths and refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.errors import InputError
from delight.loyalty.relation import bond, contrast, exceeded, level_affect, mediation
from delight.scales import Scale

TEN, FIVE, YES_NO, MEAN = Scale(1, 10), Scale(1, 5), Scale(0, 1), Scale(1, 5, 0)


def customers(n=1500, worth=0.0, seed=1):
    """Customers of whom the bound are also longer customers, who spend more; being bound itself adds `worth`."""
    rng = np.random.default_rng(seed)
    tenure = rng.normal(0, 1, n)
    bound = rng.random(n) < 1 / (1 + np.exp(-0.8 * tenure))
    spend = np.exp(5 + 0.3 * tenure + rng.normal(0, 0.4, n)) + worth * bound
    grade = rng.choice([8.0, 9.0, 10.0], n, p=[0.3, 0.4, 0.3])
    return pd.DataFrame({"spend": spend, "grade": grade, "emotion": np.where(bound, 4.5, 3.0), "tenure": tenure})


BOND = dict(
    value="spend", x="grade", emotion="emotion", scales={"grade": TEN, "emotion": MEAN}, delight_from=9, covariates=["tenure"], n_boot=200
)


def of(result, population="delighted", scale="value", estimator="overlap"):
    table = result.table
    return table[(table["population"] == population) & (table["scale"] == scale) & (table["estimator"] == estimator)].iloc[0]


# ---- the bond
def test_overlap_weights_balance_exactly_and_equal_their_definition():
    frame = customers()
    row = of(bond(frame, **BOND))
    part = frame[frame["grade"] >= 9]
    treated = (part["emotion"] >= 4).to_numpy(dtype=float)
    e = sm.Logit(treated, sm.add_constant(part["tenure"])).fit(disp=0).predict()
    w = np.where(treated == 1, 1 - e, e)
    ours = np.average(part["spend"], weights=w * treated) - np.average(part["spend"], weights=w * (1 - treated))
    assert row.estimate == pytest.approx(ours, rel=1e-6) and row.imbalance < 1e-6 < of(bond(frame, **BOND), estimator="raw").imbalance
    # with exact balance, regression under overlap weights gives the same estimate
    again = sm.WLS(part["spend"], np.column_stack([np.ones(len(part)), treated, part["tenure"]]), weights=w).fit().params.iloc[1]
    assert row.estimate == pytest.approx(again, rel=1e-6)


def test_adjustment_takes_away_what_tenure_explains_and_keeps_what_was_planted():
    nothing = bond(customers(3000, seed=7), **BOND)
    assert of(nothing, estimator="raw").ci_lo > 0  # the bound spend more, since they are longer customers
    for estimator in ("regression", "overlap", "gamma"):
        assert of(nothing, estimator=estimator).ci_lo < 0 < of(nothing, estimator=estimator).ci_hi
    planted = of(bond(customers(3000, worth=40, seed=7), **BOND))
    assert planted.ci_lo < 40 < planted.ci_hi and planted.ci_lo > 0 and planted.ci90_lo > planted.ci_lo and planted.p < 0.02
    assert planted.ratio == pytest.approx(planted.mean_bound / planted.mean_other)


def test_regression_gamma_and_raw_equal_statsmodels():
    frame = customers()
    result, part = bond(frame, **BOND), frame[frame["grade"] >= 9]
    x = np.column_stack([np.ones(len(part)), part["emotion"] >= 4, part["tenure"]]).astype(float)
    y = part["spend"].to_numpy()
    assert of(result, estimator="regression").estimate == pytest.approx(sm.OLS(y, x).fit().params[1], rel=1e-8)
    fit = sm.GLM(y, x, family=sm.families.Gamma(sm.families.links.Log())).fit(tol=1e-12)
    ones, noughts = (np.column_stack([x[:, 0], np.full(len(x), v), x[:, 2]]) for v in (1.0, 0.0))
    assert of(result, estimator="gamma").estimate == pytest.approx(fit.predict(ones).mean() - fit.predict(noughts).mean(), rel=1e-6)
    assert of(result, estimator="raw").estimate == pytest.approx(y[x[:, 1] == 1].mean() - y[x[:, 1] == 0].mean())
    assert of(result, scale="log", estimator="regression").estimate == pytest.approx(sm.OLS(np.log(y), x).fit().params[1], rel=1e-8)


def test_winsorised_amounts_do_not_follow_one_giant():
    frame = customers(800)
    giant = frame.assign(spend=frame["spend"].where(frame.index != frame.index[(frame["grade"] >= 9) & (frame["emotion"] > 4)][0], 1e6))
    assert abs(of(bond(giant, **BOND)).estimate) > 1000 > 50 > abs(of(bond(giant, **BOND), scale="winsorised").estimate)


def test_noughts_take_the_two_part_model_and_no_logarithm():
    frame = customers().assign(spend=lambda t: t["spend"].where(np.arange(len(t)) % 3 > 0, 0.0))
    result = bond(frame, **BOND)
    assert "log" not in set(result.table["scale"]) and "gamma" not in set(result.table["estimator"])
    row = of(result, estimator="two_part")
    assert row.ci_lo < 0 < row.ci_hi and row.mean_bound == pytest.approx(of(result, estimator="regression").mean_bound, rel=0.1)


def test_too_few_bound_customers_are_insufficient_and_bad_input_is_refused():
    frame = customers(300)
    few = frame[(frame["emotion"] < 4) | (np.arange(300) < 40)]
    row = of(bond(few, **BOND))
    assert row.status == "insufficient" and np.isnan(row.estimate) and row.n_first < 30
    with pytest.raises(InputError, match="2 values are negative"):
        bond(frame.assign(spend=frame["spend"].where(frame.index > 1, -5.0)), **BOND)
    with pytest.raises(InputError, match="bound_from"):
        bond(frame, **{**BOND, "scales": {"grade": TEN, "emotion": Scale(0, 100, 0)}})
    constant = bond(frame.assign(tenure=1.0), **BOND)  # nothing to adjust for
    assert of(constant).estimate == pytest.approx(of(constant, estimator="raw").estimate)


def test_the_bond_does_not_know_the_row_order_and_takes_both_kinds_of_weights():
    frame = customers(600).assign(w=2.0)
    columns = ["estimate", "mean_bound", "mean_other", "n_first", "n_second", "ci_lo", "ci_hi"]
    plain = bond(frame, **BOND).table[columns]
    pd.testing.assert_frame_equal(plain, bond(frame.sample(frac=1, random_state=2), **BOND).table[columns])
    pd.testing.assert_frame_equal(plain, bond(frame, **BOND, weights="w").table[columns], rtol=1e-8)
    point = ["estimate", "mean_bound", "mean_other", "n_first", "n_second"]
    twice = bond(pd.concat([frame, frame]), **BOND).table[point]
    weighted = bond(frame, **BOND, weights="w", weights_kind="frequency").table[point]
    pd.testing.assert_frame_equal(twice, weighted, rtol=1e-7, check_dtype=False)


# ---- mediation
def chain(n=1200, hidden=0.0, seed=2):
    rng = np.random.default_rng(seed)
    delight, both = (rng.random(n) < 0.4).astype(float) + 8, rng.normal(0, 1, n)
    commitment = 0.8 * (delight - 8) + hidden * both + rng.normal(0, 1, n)
    loyalty = 0.5 * commitment + 0.3 * (delight - 8) + hidden * both + rng.normal(0, 1, n)
    return pd.DataFrame({"delight": delight, "commitment": commitment, "loyalty": loyalty})


PATHS = dict(
    y="loyalty", x="delight", mediator="commitment", delight_from=9, scales={"delight": TEN, "loyalty": Scale(-20, 20, 0)}, n_boot=400
)


def test_the_paths_of_a_mediation_are_products_and_sums_of_regressions():
    frame = chain()
    found = mediation(frame, **PATHS)
    rows = found.paths.table.set_index("path")
    t = (frame["delight"] >= 9).astype(float)
    a = sm.OLS(frame["commitment"], sm.add_constant(t)).fit().params.iloc[1]
    full = sm.OLS(frame["loyalty"], sm.add_constant(np.column_stack([t, frame["commitment"]]))).fit().params
    assert rows.loc["a", "estimate"] == pytest.approx(a) and rows.loc["b", "estimate"] == pytest.approx(full.iloc[2])
    assert rows.loc["indirect", "estimate"] == pytest.approx(a * full.iloc[2])
    assert rows.loc["total", "estimate"] == pytest.approx(rows.loc["indirect", "estimate"] + rows.loc["direct", "estimate"])
    assert rows.loc["indirect", "ci_lo"] < 0.4 < rows.loc["indirect", "ci_hi"]


def test_the_sensitivity_is_the_indirect_effect_at_nought_and_nought_at_the_residual_correlation():
    found = mediation(chain(), **PATHS)
    curve = found.sensitivity.table.set_index("rho")
    rows, zero = found.paths.table.set_index("path"), found.paths.meta["rho_zero"]
    assert curve.loc[0.0, "estimate"] == pytest.approx(rows.loc["indirect", "estimate"])
    assert np.interp(zero, curve.index, curve["estimate"]) == pytest.approx(0, abs=0.01) and (np.diff(curve["estimate"]) < 0).all()
    # a common cause that nobody asked about: the truth is recovered at its own correlation
    hidden = mediation(chain(n=40_000, hidden=1.0), **{**PATHS, "n_boot": 20})
    curve = hidden.sensitivity.table.set_index("rho")["estimate"]
    assert curve[0.0] > 0.55 and np.interp(0.5, curve.index, curve) == pytest.approx(0.4, abs=0.03)  # errors correlate 1/(1+1)


def test_a_share_of_a_total_that_may_be_nought_is_not_given_and_few_answers_give_nothing():
    frame = chain(400)
    flat = frame.assign(loyalty=np.random.default_rng(1).normal(size=400))
    share = mediation(flat, **PATHS).paths.table.set_index("path").loc["share"]
    assert share.status == "not_identified" and np.isnan(share.estimate)
    assert mediation(frame.head(20), **PATHS).paths.status == "insufficient"
    with pytest.raises(InputError, match="different columns"):
        mediation(frame, **{**PATHS, "mediator": "delight"})


# ---- contrasts
def test_a_contrast_equals_welch_like_regression_and_its_equivalence_test():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"g": ["a"] * 120 + ["b"] * 100 + ["c"] * 9, "y": np.clip(np.round(rng.normal(7, 1.5, 229)), 1, 10)})
    row = contrast(frame, y="y", group="g", first="a", second="b", scales={"y": TEN}, margin=0.5).table.iloc[0]
    kept = frame[frame["g"] != "c"]
    fit = sm.OLS(kept["y"], sm.add_constant((kept["g"] == "a").astype(float))).fit(cov_type="HC3", use_t=True)
    assert (row.estimate, row.se, row.p) == pytest.approx((fit.params.iloc[1], fit.bse.iloc[1], fit.pvalues.iloc[1]))
    assert (row.tost_p < 0.05) == (row.ci90_lo > -0.5 and row.ci90_hi < 0.5) and (row.n_first, row.n_second) == (120, 100)
    assert contrast(frame, y="y", group="g", first="a", second="c", scales={"y": TEN}).status == "insufficient"
    with pytest.raises(InputError, match="compared with itself"):
        contrast(frame, y="y", group="g", first="a", second=["a", "b"], scales={"y": TEN})


def test_only_exceeding_raises_trust_where_that_was_planted():
    rng = np.random.default_rng(5)
    asked = rng.integers(1, 6, 1500).astype(float)
    trust = np.clip(np.round(6 + 1.2 * (asked > 3) + rng.normal(0, 1, 1500)), 1, 10)
    frame = pd.DataFrame({"asked": asked, "trust": trust})
    rows = exceeded(frame, y="trust", disconfirmation="asked", scales={"asked": FIVE, "trust": TEN}).table.set_index("first")
    assert rows.loc["exceeded", "ci_lo"] < 1.2 < rows.loc["exceeded", "ci_hi"] and rows.loc["met", "tost_p"] < 0.05
    assert rows.loc["exceeded", "p_adj"] < 0.001 and rows.loc["exceeded", "n_second"] == (asked == 3).sum()


def test_level_two_is_compared_with_level_one_among_those_who_reach_no_higher_level():
    rng = np.random.default_rng(6)
    n = 900
    core, handling, special = (rng.choice([6.0, 9.0], n, p=[0.3, 0.7]), rng.choice([6.0, 9.0], n), rng.choice([6.0, 9.0], n, p=[0.8, 0.2]))
    frame = pd.DataFrame({"core": core, "handling": handling, "special": special, "joy": rng.integers(1, 6, n).astype(float)})
    scales = {"joy": FIVE, **dict.fromkeys(["core", "handling", "special"], TEN)}
    options = dict(y="joy", levels={1: ["core"], 2: ["handling"], 4: ["special"]}, scales=scales, margin=0.5)
    row = level_affect(frame, **options).table.iloc[0]
    low = (core >= 8) & (special < 8)
    assert row.n_first == (low & (handling >= 8)).sum() and row.n_second == (low & (handling < 8)).sum()
    assert row.estimate == pytest.approx(frame["joy"][low & (handling >= 8)].mean() - frame["joy"][low & (handling < 8)].mean())
    assert row.tost_p < 0.05  # no effect was planted
    with pytest.raises(InputError, match="level 1 and of level 2"):
        level_affect(frame, **{**options, "levels": {1: ["core"]}})

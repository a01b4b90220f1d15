"""Driver regression against R and statsmodels, with its checks."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.drivers.regression import coefficients
from delight.scales import Scale
from statsmodels.stats.diagnostic import het_breuschpagan


def test_slopes_equal_r_and_errors_equal_hc3(reference, mobi):
    expected = reference("driver_importance", "mobi_satisfaction")
    x = list(expected["lm"]["vif"])
    result = coefficients(mobi, y="sat", x=x)
    table = result.table
    assert table["coef"].to_numpy() == pytest.approx([expected["lm"]["coef"][a] for a in x], abs=1e-8)
    assert table["vif"].to_numpy() == pytest.approx(list(expected["lm"]["vif"].values()), rel=1e-7)
    fit = sm.OLS(mobi["sat"], sm.add_constant(mobi[x])).fit(cov_type="HC3", use_t=True)
    assert table["se"].to_numpy() == pytest.approx(fit.bse[1:].to_numpy(), rel=1e-8)
    assert table["p"].to_numpy() == pytest.approx(fit.pvalues[1:].to_numpy(), rel=1e-6)
    assert (table["std_coef"] ** 2).to_numpy() == pytest.approx(list(expected["shares_of_R2_units"]["betasq"].values()), abs=1e-8)
    plain = sm.OLS(mobi["sat"], sm.add_constant(mobi[x])).fit()
    assert result.note("fit_linear").values["r2"] == pytest.approx(plain.rsquared)
    lm, p, _, _ = het_breuschpagan(plain.resid, plain.model.exog)
    assert (result.note("breusch_pagan").values["lm"], result.note("breusch_pagan").values["p"]) == pytest.approx((lm, p))
    assert result.note("influential").values["n"] == int((plain.get_influence().cooks_distance[0] > 4 / 250).sum())
    powers = np.column_stack([plain.fittedvalues**2, plain.fittedvalues**3])
    wider = sm.OLS(mobi["sat"], np.column_stack([plain.model.exog, powers])).fit(cov_type="HC3", use_t=True)
    reset = wider.f_test(np.eye(12)[-2:])
    assert result.note("reset").values["p"] == pytest.approx(float(reset.pvalue), rel=1e-4)


def test_the_outcome_chooses_the_model_and_its_marginal_effect():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 2))
    frame = pd.DataFrame(x, columns=["a", "b"])
    frame["five"] = np.clip(np.round(3 + x @ [0.8, 0.3] + rng.normal(size=500)), 1, 5)
    frame["bought"] = (x @ [1.0, 0.2] + rng.logistic(size=500) > 0).astype(float)
    ordered = coefficients(frame, y="five", x=["a", "b"], scales={"five": Scale(1, 5)})
    assert set(ordered.table["kind"]) == {"ordered"} and ordered.table["po_p"].between(0, 1).all()
    logit = coefficients(frame, y="bought", x=["a", "b"])
    theirs = sm.Logit(frame["bought"], sm.add_constant(frame[["a", "b"]])).fit(disp=0)
    assert logit.table["coef"].to_numpy() == pytest.approx(theirs.params[1:].to_numpy(), abs=1e-7)
    assert logit.table["ame"].to_numpy() == pytest.approx(theirs.get_margeff().margeff, rel=1e-6)


def test_slopes_that_change_along_the_scale_are_noted():
    rng = np.random.default_rng(2)
    a = rng.normal(size=3000)
    chance = [1 / (1 + np.exp(-(c + s * a))) for c, s in ((1.5, 1.5), (0.0, 0.6), (-1.5, 0.1))]
    u = rng.random(3000)
    frame = pd.DataFrame({"a": a, "y": sum((u < c).astype(float) for c in chance)})
    result = coefficients(frame, y="y", x=["a"])
    assert result.note("proportional_odds").values == {"attributes": ["a"]}


def test_high_inflation_aliased_terms_and_few_answers_are_said():
    rng = np.random.default_rng(3)
    a = rng.normal(size=200)
    frame = pd.DataFrame({"a": a, "b": a + 0.1 * rng.normal(size=200), "c": 2 * a, "y": a + rng.normal(size=200)})
    assert coefficients(frame, y="y", x=["a", "b"]).note("vif").values["attributes"] == ["a", "b"]
    aliased = coefficients(frame, y="y", x=["a", "c"])
    assert aliased.status == "degenerate" and aliased.note("aliased")
    assert coefficients(frame.head(25), y="y", x=["a"]).status == "insufficient"


def test_invariances(mobi):
    x = ["PERQ1", "PERQ2", "PERV1"]
    plain = coefficients(mobi, y="sat", x=x).table
    pd.testing.assert_frame_equal(coefficients(mobi.assign(w=4.0), y="sat", x=x, weights="w").table, plain, rtol=1e-10)
    pd.testing.assert_frame_equal(coefficients(mobi.sample(frac=1, random_state=1), y="sat", x=x).table, plain)
    twice = coefficients(pd.concat([mobi, mobi]), y="sat", x=x).table
    pd.testing.assert_frame_equal(
        coefficients(mobi.assign(w=2), y="sat", x=x, weights="w", weights_kind="frequency").table, twice, rtol=1e-9
    )

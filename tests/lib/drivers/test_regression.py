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


def dummies(frame, levels):
    return frame.assign(**{c + level: (frame[c] == level).astype(float) for c, those in levels.items() for level in those})


def test_an_ordered_outcome_gives_the_coefficients_of_clm(reference, mobi, shared, golden):
    folder = shared / "reference/ordinal_logit"
    wine = dummies(pd.read_csv(folder / "wine.csv"), {"temp": ["warm"], "contact": ["yes"]}).assign(
        rating=lambda t: t["rating"].astype(float)
    )
    housing = pd.read_csv(folder / "housing.csv")
    housing = dummies(housing, {"Infl": ["Medium", "High"], "Type": ["Apartment", "Atrium", "Terrace"], "Cont": ["High"]})
    housing["Sat"] = housing["Sat"].map({"Low": 1.0, "Medium": 2.0, "High": 3.0})
    grouped = mobi.assign(image=mobi[[f"IMAG{i}" for i in range(1, 6)]].mean(axis=1))
    grouped["CUSL1g"] = np.select([grouped["CUSL1"] <= 6, grouped["CUSL1"] <= 8], [0.0, 1.0], 2.0)
    weighted = {"weights": "Freq", "weights_kind": "frequency"}
    for name, frame, y, options in (
        ("wine", wine, "rating", {}),
        ("housing", housing, "Sat", weighted),
        ("mobi_loyalty_3group", grouped, "CUSL1g", {}),
    ):
        clm = reference("ordinal_logit", name)["clm"]
        result = coefficients(frame, y=y, x=list(clm["beta"]), **options)
        about = {"method": "M15 ordered logit", "package": "ordinal 2022.11-16", "data": name, "tolerance": 1e-6}
        golden(result.table["coef"], list(clm["beta"].values()), **about)
        golden(result.note("fit_logit").values["ll"], clm["logLik"], **about)


def test_the_test_of_proportional_odds_is_close_to_the_likelihood_ratio_test_of_r(reference, mobi):
    frame = mobi.assign(image=mobi[[f"IMAG{i}" for i in range(1, 6)]].mean(axis=1))
    frame["CUSL1g"] = np.select([frame["CUSL1"] <= 6, frame["CUSL1"] <= 8], [0.0, 1.0], 2.0)
    theirs = reference("ordinal_logit", "mobi_loyalty_3group")["nominal_test_proportional_odds"]
    result = coefficients(frame, y="CUSL1g", x=list(theirs))
    # a Wald test of all slopes set free at once against one of a single slope set free: alike, not equal
    assert result.table["po_p"].to_numpy() == pytest.approx([theirs[a]["p"] for a in theirs], abs=0.2)
    brant = result.note("brant").values
    assert brant["df"] == 4 and brant["p"] > 0.5 and result.note("proportional_odds") is None


def test_the_proportional_odds_test_keeps_its_level():
    rejected = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(500, 2))
        latent = x @ [0.8, 0.4] + rng.logistic(size=500)
        frame = pd.DataFrame(x, columns=["a", "b"]).assign(y=np.digitize(latent, [-1.0, 0.5, 2.0]).astype(float))
        rejected += coefficients(frame, y="y", x=["a", "b"]).note("brant").values["p"] <= 0.05
    assert rejected <= 9  # 5 % of 60 is 3; ten or more come by chance once in a thousand times


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

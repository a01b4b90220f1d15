"""Binary and ordered logit against R (MASS::polr, ordinal::clm), statsmodels and by invariance."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.logit import climb, fit_logit, fit_ordered


def design(frame, terms):
    return pd.DataFrame({f"{c}{level}": (frame[c] == level).astype(float) for c, levels in terms.items() for level in levels[1:]})


@pytest.fixture
def housing(shared):
    frame = pd.read_csv(shared / "reference/ordinal_logit/housing.csv")
    reference = json.loads((shared / "reference/ordinal_logit/housing.json").read_text())
    return frame, reference


def test_ordered_logit_equals_the_published_housing_model(housing):
    frame, _ = housing
    x = design(
        frame,
        {"Infl": ["Low", "Medium", "High"], "Type": ["Tower", "Apartment", "Atrium", "Terrace"], "Cont": ["Low", "High"]},
    )
    y = frame["Sat"].map({"Low": 1, "Medium": 2, "High": 3})
    fit = fit_ordered(y, x, frame["Freq"], kind="frequency", cov="observed")
    # Venables & Ripley (2002), MASS, section 7.3
    expected = {
        "InflMedium": 0.566,
        "InflHigh": 1.289,
        "TypeApartment": -0.572,
        "TypeAtrium": -0.366,
        "TypeTerrace": -1.091,
        "ContHigh": 0.360,
    }
    assert dict(zip(fit.names, np.round(fit.coef, 3))) == pytest.approx(expected)
    assert fit.n == 1681 and fit.converged and not fit.separated


def test_ordered_logit_equals_r_clm_on_mobi(shared):
    reference = json.loads((shared / "reference/ordinal_logit/mobi_loyalty.json").read_text())
    clm = reference["clm"]
    frame = pd.read_csv(shared / "reference/ordinal_logit/mobi.csv")
    frame["sat"] = frame[["CUSA1", "CUSA2", "CUSA3"]].mean(axis=1)
    frame["image"] = frame[[f"IMAG{i}" for i in range(1, 6)]].mean(axis=1)
    terms = list(clm["beta"])
    fit = fit_ordered(frame["CUSL3"], frame[terms], cov="observed")
    assert fit.coef == pytest.approx(list(clm["beta"].values()), abs=1e-6)
    assert fit.thresholds == pytest.approx(list(clm["thresholds"].values()), abs=1e-6)
    assert fit.ll == pytest.approx(clm["logLik"], abs=1e-6)
    assert fit.se == pytest.approx(list(clm["se_beta"].values()), rel=1e-5)
    assert fit.thresholds_se == pytest.approx(list(clm["se_thresholds"].values()), rel=1e-5)


@pytest.fixture
def two_terms():
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(400), rng.normal(size=(400, 2))])
    y = (rng.random(400) < 1 / (1 + np.exp(-x @ [0.3, 1.0, -0.5]))).astype(float)
    return y, x


def test_binary_logit_equals_statsmodels(two_terms):
    y, x = two_terms
    ours, theirs = fit_logit(y, x), sm.Logit(y, x).fit(disp=0, cov_type="HC0")
    assert ours.coef == pytest.approx(theirs.params, abs=1e-8)
    assert ours.se == pytest.approx(theirs.bse, rel=1e-7)
    assert ours.ll == pytest.approx(theirs.llf)
    assert ours.mcfadden_r2 == pytest.approx(theirs.prsquared)


def test_clustered_covariance_equals_statsmodels(two_terms):
    y, x = two_terms
    groups = np.arange(400) % 20
    ours = fit_logit(y, x, clusters=groups)
    theirs = sm.Logit(y, x).fit(disp=0, cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
    assert ours.se == pytest.approx(theirs.bse * np.sqrt(20 / 19), rel=1e-7)
    assert ours.df == 19


@pytest.mark.parametrize("fit", [fit_logit, fit_ordered])
def test_a_frequency_weight_of_two_is_two_rows_and_equal_weights_change_nothing(two_terms, fit):
    y, x = two_terms
    x = x if fit is fit_logit else x[:, 1:]
    twice = fit(np.repeat(y, 2), np.repeat(x, 2, axis=0))
    weighted = fit(y, x, np.full(400, 2.0), kind="frequency")
    assert weighted.coef == pytest.approx(twice.coef, abs=1e-10)
    assert weighted.cov == pytest.approx(twice.cov, abs=1e-12)
    assert (weighted.n, weighted.ll) == (800, pytest.approx(twice.ll))
    assert fit(y, x, np.ones(400), kind="sampling").cov == pytest.approx(fit(y, x).cov, abs=1e-12)


def test_an_ordered_logit_with_two_levels_is_the_binary_logit(two_terms):
    y, x = two_terms
    binary, ordered = fit_logit(y, x), fit_ordered(y, x[:, 1:])
    assert ordered.coef == pytest.approx(binary.coef[1:], abs=1e-8)
    assert -ordered.thresholds[0] == pytest.approx(binary.coef[0], abs=1e-8)
    assert ordered.full_cov[1:, 1:] == pytest.approx(binary.cov[1:, 1:], abs=1e-9)


def test_one_newton_step_foretells_a_resample(two_terms):
    y, x = two_terms
    fit = fit_logit(y, x)
    times = np.random.default_rng(2).multinomial(400, np.full(400, 1 / 400)).astype(float)
    again = fit_logit(y, x, times, kind="frequency")
    assert fit.params + times @ fit.influence == pytest.approx(again.params, abs=0.03)


def test_separation_one_level_and_aliased_terms_are_said():
    x = np.column_stack([np.ones(40), np.arange(40.0)])
    assert fit_logit((x[:, 1] > 20).astype(float), x).separated
    assert not fit_logit(np.ones(40), x).usable
    assert fit_logit(np.arange(40) % 2, np.column_stack([x, 2 * x[:, 1]]), names=["one", "a", "twice a"]).aliased == ("twice a",)


def test_an_answer_with_next_to_no_weight_does_not_stop_the_fit():
    y, x = np.array([1, 2, 3, 4, 2, 3]), pd.DataFrame({"x": [0.0, 1, 0, 1, 0, 1]})
    fit = fit_ordered(y, x, np.array([1e12, 1e-9, 1e-9, 1e-9, 1e-9, 1e-9]), kind="sampling")
    assert fit.coef.shape == (1,) and (np.isnan(fit.coef[0]) or np.isfinite(fit.coef[0]))


def test_a_last_step_along_a_flat_direction_is_not_taken_out_of_order():
    def at(params):  # as of a separated term: next to no gradient, still less curvature, and thresholds that cross beyond 1
        return (-np.inf, None, None) if params[0] > 1 else (-1.0, np.array([1e-16]), np.array([[1e-17]]))

    params, ll, information, settled = climb(at, np.zeros(1), 20)
    assert (params[0], ll, settled) == (0, -1, True) and information is not None

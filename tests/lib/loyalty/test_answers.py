"""The loyalty chapter's logits: against R and statsmodels, under separation, and their marginal effects."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.loyalty.answers import firth_interval, fit_answers
from statsmodels.miscmodels.ordinal_model import OrderedModel


def design(frame, terms):
    return pd.DataFrame({f"{c}{v}": (frame[c] == v).astype(float) for c, levels in terms.items() for v in levels[1:]})


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(3)
    x = np.column_stack([rng.normal(6, 2, 300), rng.integers(0, 2, 300)]).astype(float)
    line = 0.5 * x[:, 0] + 0.7 * x[:, 1] + rng.logistic(size=300)
    return x, np.digitize(line, [2.0, 3.2, 4.5]).astype(float)


def test_ordered_logit_equals_clm_on_wine(shared):
    frame = pd.read_csv(shared / "reference/ordinal_logit/wine.csv")
    clm = json.loads((shared / "reference/ordinal_logit/wine.json").read_text())["clm"]
    x = design(frame, {"temp": ["cold", "warm"], "contact": ["no", "yes"]})
    fit = fit_answers(frame["rating"].astype(float), x, cov="observed")
    assert fit.beta == pytest.approx([clm["beta"][c] for c in fit.names], abs=1e-6)
    assert fit.beta == pytest.approx([2.503, 1.528], abs=5e-4)  # Christensen (2019), vignette of R package ordinal
    assert fit.thresholds == pytest.approx(list(clm["thresholds"].values()), abs=1e-6)
    assert fit.se == pytest.approx([clm["se_beta"][c] for c in fit.names], rel=1e-5)
    assert fit.loglik == pytest.approx(clm["logLik"], abs=1e-6)
    assert fit.aic == pytest.approx(clm["AIC"], abs=1e-5)


def test_frequency_weights_give_the_housing_model(shared):
    frame = pd.read_csv(shared / "reference/ordinal_logit/housing.csv")
    clm = json.loads((shared / "reference/ordinal_logit/housing.json").read_text())["clm"]
    terms = {"Infl": ["Low", "Medium", "High"], "Type": ["Tower", "Apartment", "Atrium", "Terrace"], "Cont": ["Low", "High"]}
    y = frame["Sat"].map({"Low": 0, "Medium": 1, "High": 2})
    fit = fit_answers(y, design(frame, terms), frame["Freq"], kind="frequency", cov="observed")
    assert fit.beta == pytest.approx([clm["beta"][c] for c in fit.names], abs=1e-6)
    assert fit.se == pytest.approx([clm["se_beta"][c] for c in fit.names], rel=1e-5)
    assert fit.n == 1681


def test_three_loyalty_groups_equal_clm(shared):
    frame = pd.read_csv(shared / "reference/ordinal_logit/mobi.csv")
    clm = json.loads((shared / "reference/ordinal_logit/mobi_loyalty_3group.json").read_text())["clm"]
    frame["sat"] = frame[["CUSA1", "CUSA2", "CUSA3"]].mean(axis=1)
    frame["image"] = frame[[f"IMAG{i}" for i in range(1, 6)]].mean(axis=1)
    y = np.digitize(frame["CUSL1"], [6.5, 8.5])
    fit = fit_answers(y, frame[list(clm["beta"])], cov="observed")
    assert fit.beta == pytest.approx(list(clm["beta"].values()), abs=1e-6)
    assert fit.loglik == pytest.approx(clm["logLik"], abs=1e-6)


def test_marginal_effects_of_a_binary_logit_equal_statsmodels(people):
    x, y = people
    y = (y >= 2).astype(float)
    theirs = sm.Logit(y, sm.add_constant(x)).fit(disp=0).get_margeff(dummy=True)
    fit = fit_answers(y, x, cov="observed")
    ours = [fit.marginal(j, at_least=1)[0] for j in range(2)]
    assert [e.value for e in ours] == pytest.approx(theirs.margeff, rel=1e-6)
    assert [e.se for e in ours] == pytest.approx(theirs.margeff_se, rel=1e-4)


def test_marginal_effects_of_an_ordered_logit_are_what_moving_everyone_does(people):
    x, y = people
    fit = fit_answers(y, x)
    theirs = OrderedModel(y.astype(int), x, distr="logit").fit(method="bfgs", disp=0, gtol=1e-8)

    def expected(shift, column, at_least=None):
        moved = x.copy()
        moved[:, column] = shift if column == 1 else moved[:, column] + shift
        chances = theirs.model.predict(theirs.params, exog=moved)
        value = chances[:, at_least:].sum(axis=1) if at_least is not None else chances @ np.arange(4)
        return value.mean()

    slope = (expected(1e-4, 0) - expected(-1e-4, 0)) / 2e-4
    assert fit.marginal(0)[0].value == pytest.approx(slope, rel=1e-4)
    assert fit.marginal(1, at_least=3)[0].value == pytest.approx(expected(1, 1, 3) - expected(0, 1, 3), rel=1e-4)


def test_the_delta_method_follows_the_parameters(people):
    x, y = people
    fit = fit_answers(y, x)
    step = 1e-6
    for column in (0, 1):
        gradient = []
        for i in range(len(fit.params)):
            values = []
            for sign in (1, -1):
                params = fit.params.copy()
                params[i] += sign * step
                moved = type(fit)(**{**fit.__dict__, "thresholds": params[:3], "beta": params[3:]})
                values.append(moved.marginal(column, at_least=2)[0].value)
            gradient.append((values[0] - values[1]) / (2 * step))
        se = np.sqrt(gradient @ fit.cov @ np.array(gradient))
        assert fit.marginal(column, at_least=2)[0].se == pytest.approx(se, rel=1e-5)


def test_a_two_by_two_table_with_an_empty_cell_gets_the_firth_odds():
    y = np.r_[np.zeros(10), np.ones(5), np.zeros(5)]
    x = np.r_[np.zeros(10), np.ones(10)][:, None]
    fit = fit_answers(y, x, names=["treated"])
    # Firth on a saturated 2x2 table adds one half to every cell: log(5.5/5.5) - log(0.5/10.5)
    assert fit.beta[0] == pytest.approx(np.log(21), abs=1e-6)
    assert fit.separated == ("treated",) and fit.firth and fit.status == "degenerate"
    lo, hi, p = firth_interval(fit, y, 0)
    assert 0 < lo < np.log(21) < hi < np.inf and p == pytest.approx(0.0110, abs=1e-4)


def test_firth_without_separation_is_close_to_the_plain_fit_and_only_on_request(people):
    x, y = people
    y = (y >= 2).astype(float)
    plain, penalised = fit_answers(y, x), fit_answers(y, x, firth=True)
    assert not plain.firth and penalised.firth and penalised.status == "ok"
    assert penalised.beta == pytest.approx(plain.beta, rel=0.05)
    assert np.all(np.abs(penalised.beta) < np.abs(plain.beta))


def test_only_the_separating_term_is_named():
    rng = np.random.default_rng(5)
    x = np.column_stack([rng.normal(size=200), np.repeat([0.0, 1.0], 100)])
    y = np.where(x[:, 1] == 1, 1.0, (rng.random(200) < 0.5).astype(float))
    assert fit_answers(y, x, names=["noise", "perfect"]).separated == ("perfect",)


def test_ordered_answers_that_separate_are_refused():
    x = np.arange(60.0)[:, None]
    fit = fit_answers(np.digitize(x[:, 0], [20, 40]), x)
    assert fit.status == "degenerate" and np.isnan(fit.beta).all()


def test_one_answer_only_and_aliased_terms_are_not_fitted(people):
    x, y = people
    assert fit_answers(np.ones(300), x).status == "degenerate"
    twice = fit_answers(y, np.column_stack([x, 2 * x[:, 0]]), names=["a", "b", "a twice"])
    assert twice.status == "not_identified" and twice.aliased == ("a twice",)


def test_equal_sampling_weights_change_nothing_and_a_frequency_of_two_is_two_rows(people):
    x, y = people
    plain = fit_answers(y, x)
    equal = fit_answers(y, x, np.ones(300), kind="sampling")
    assert equal.beta == pytest.approx(plain.beta, abs=1e-12) and equal.cov == pytest.approx(plain.cov, abs=1e-12)
    twice, weighted = fit_answers(np.tile(y, 2), np.tile(x, (2, 1))), fit_answers(y, x, np.full(300, 2.0), kind="frequency")
    assert weighted.cov == pytest.approx(twice.cov, rel=1e-8)
    assert weighted.marginal(0)[0].se == pytest.approx(twice.marginal(0)[0].se, rel=1e-8)

"""The verdict engine: every rule at its border, corrections, power, and how often it errs where the truth is planted."""

import numpy as np
import pandas as pd
import pytest
from delight.claims import Survey
from delight.claims.evidence import Judged, Limits, Normal, Share, Unknown
from delight.claims.ledger import Claim
from delight.claims.verdicts import direction, judge, n_needed, power, value
from delight.estimate import wilson
from scipy import stats

Z95, Z90 = stats.norm.ppf([0.975, 0.95])


def normal(estimate, se=1.0, n=100, **more):
    return Normal(estimate, n=n, n_eff=float(n), se=se, **more)


def claim(name="A", kind="direction", published=0.0, margin=0.5, **more):
    return Claim(name, ("S0",), kind, {}, published=published, margin=margin, **more)


@pytest.mark.parametrize(
    ("estimate", "se", "verdict"),
    [
        (1.0, 0.2, "supported"),  # L95 = .61 above .5
        (0.3, 0.1, "supported_trivial"),  # L95 = .10 above 0, U90 = .46 below .5
        (0.6, 0.2, "supported_size_open"),  # L95 = .21, between 0 and .5
        (-0.5, 0.2, "contradicted"),  # U95 = -.11 below 0
        (0.0, 0.2, "null"),  # 90 % interval -.33 to .33 within ±.5
        (0.0, 0.4, "inconclusive"),  # 90 % interval -.66 to .66
        (-0.3, 0.1, "contradicted"),  # contradicted goes before null
    ],
)
def test_a_direction_is_judged_by_the_first_rule_that_holds(estimate, se, verdict):
    assert direction(normal(estimate, se), 0.0, 0.5)[0] == verdict


@pytest.mark.parametrize(
    ("estimate", "se", "verdict"),
    [(0.57, 0.01, "consistent"), (0.50, 0.005, "contradicted"), (0.53, 0.02, "inconclusive"), (0.60, 0.1, "inconclusive")],
)
def test_a_value_is_consistent_only_with_the_whole_interval_inside_the_margin(estimate, se, verdict):
    assert value(normal(estimate, se), 0.57, 0.05)[0] == verdict


def test_the_p_values_agree_with_the_limits():
    for shift, level in ((Z95, 0.95), (Z90, 0.90)):
        found, p_direction, p_equivalence = direction(normal(shift), 0.0, 100.0)
        assert p_direction == pytest.approx(2 * stats.norm.sf(shift))
        assert normal(shift).interval(level)[0] == pytest.approx(0, abs=1e-12)
    assert direction(normal(0.0, 0.5 / Z90), 0.0, 0.5)[2] == pytest.approx(0.05)  # the border of equivalence


def test_p_of_a_share_turns_where_the_wilson_limit_lies():
    found = Share(0.62, n=150, n_eff=150.0)
    lo, hi = wilson(0.62, 150, 0.95)
    assert found.interval(0.95) == (lo, hi)
    assert found.p_above(lo) == pytest.approx(0.025) and found.p_below(hi) == pytest.approx(0.025)


def test_limits_of_a_bootstrap_give_p_values_that_agree_with_them():
    found = Limits(1.0, n=50, lo95=0.2, hi95=2.4, lo90=0.35, hi90=2.0)
    assert found.interval(0.95) == (0.2, 2.4) and found.interval(0.90) == (0.35, 2.0)
    assert found.p_above(0.2) == pytest.approx(0.025) and found.p_above(0.35) == pytest.approx(0.05)
    assert found.p_below(2.4) == pytest.approx(0.025) and found.p_below(2.0) == pytest.approx(0.05)
    assert found.p_above(1.0) == pytest.approx(0.5) and found.p_above(-5) < 1e-6


def test_the_ledger_corrects_directions_and_equivalences_apart_and_demotes():
    claims = [claim(f"A{i}") for i in range(10)] + [claim("V", "value", 0.0, 0.5)]
    evidence = {f"A{i}": normal(0.1, 1.0) for i in range(1, 10)}
    evidence["A0"] = normal(2.1, 1.0)  # p = .036 alone, q = .36 among ten
    evidence["V"] = normal(0.0, 0.05)
    table = judge(claims, evidence).set_index("claim_id")
    assert (table.loc["A0", "verdict"], table.loc["A0", "demoted_from"]) == ("inconclusive", "supported_size_open")
    assert table.loc["A0", "q"] > 0.05 and table.loc["V", "verdict"] == "consistent" and table.loc["V", "demoted_from"] == ""
    alone = judge([claim("A0")], {"A0": normal(2.1, 1.0)}).iloc[0]
    assert alone["verdict"] == "supported_size_open" and alone["q"] == pytest.approx(alone["p"])


def test_a_claim_about_others_is_never_contradicted_by_a_clients_customers():
    others = claim("A42", "value", 0.57, 0.05, population="consumers")
    row = judge([others], {"A42": Share(0.30, n=900, n_eff=900.0)}).iloc[0]
    assert row["verdict"] == "differs_here"
    own = judge([claim("A42", "value", 0.57, 0.05)], {"A42": Share(0.30, n=900, n_eff=900.0)}).iloc[0]
    assert own["verdict"] == "contradicted"


def test_what_is_missing_and_what_is_too_little_are_told_apart():
    claims = [claim("A"), claim("B"), claim("C"), claim("D", "rule", float("nan"), float("nan"))]
    evidence = {
        "B": Unknown(status="insufficient", n=12, n_needed=80),
        "C": Unknown(status="not_testable", missing=("disconfirmation",)),
        "D": Judged(0.2, n=400, verdict="supported", p=0.001, lo95=0.1, hi95=0.3),
    }
    table = judge(claims, evidence).set_index("claim_id")
    assert list(table["verdict"]) == ["not_testable", "insufficient", "not_testable", "supported"]
    assert table.loc["B", ["n", "n_needed"]].tolist() == [12, 80] and table.loc["C", "missing"] == "disconfirmation"
    assert table.loc["D", "q"] == pytest.approx(0.001) and np.isnan(table.loc["A", "estimate"])


def test_a_verdict_of_a_method_is_demoted_too_when_its_p_does_not_survive():
    claims = [claim(f"A{i}") for i in range(9)] + [claim("R", "rule")]
    evidence = {f"A{i}": normal(0.1) for i in range(9)} | {"R": Judged(0.2, n=400, verdict="supported", p=0.04)}
    row = judge(claims, evidence).set_index("claim_id").loc["R"]
    assert (row["verdict"], row["demoted_from"]) == ("inconclusive", "supported")


def test_answers_needed_are_those_of_the_methods():
    for share, n in ((0.57, 840), (0.78, 588)):
        found = Share(share, n=400, n_eff=400.0)
        assert n_needed(found, "value", share, 0.05) == n
    grade = Normal(8.0, n=200, n_eff=200.0, se=1.5 / np.sqrt(200), df=199)
    assert n_needed(grade, "value", 8.0, 0.25) == 310


def test_power_at_the_answers_needed_is_eighty_per_cent():
    for kind, at in (("value", 0.57), ("direction", 0.5)):
        found = Share(0.57, n=400, n_eff=400.0)
        n = n_needed(found, kind, at, 0.05)
        enough = Share(0.57, n=int(n), n_eff=float(n))
        assert power(enough, kind, at, 0.05) == pytest.approx(0.80, abs=0.005)


def test_the_order_of_claims_changes_no_verdict():
    rng = np.random.default_rng(1)
    claims = [claim(f"A{i}") for i in range(12)]
    evidence = {c.id: normal(rng.normal(), 0.4) for c in claims}
    table = judge(claims, evidence).set_index("claim_id")
    turned = judge(claims[::-1], evidence).set_index("claim_id").loc[table.index]
    pd.testing.assert_frame_equal(table, turned)


@pytest.mark.long
def test_true_nulls_are_seldom_called_supported_or_contradicted():
    rng = np.random.default_rng(20261122)
    claims, wrong, sets = [claim(f"A{i}") for i in range(20)], 0, 400
    for draws in rng.normal(size=(sets, 20)):
        table = judge(claims, {c.id: normal(x) for c, x in zip(claims, draws)})
        wrong += bool(table["verdict"].isin(["supported", "supported_size_open", "supported_trivial", "contradicted"]).any())
    assert wrong / sets < 0.05 + 3 * np.sqrt(0.05 * 0.95 / sets)  # the false discovery rate is the familywise one where all are null


@pytest.mark.parametrize("kind", [Limits, Judged])
def test_an_interval_without_width_decides_nothing(kind):
    limits = {"lo95": 0.4, "hi95": 0.4, "lo90": 0.4, "hi90": 0.4}
    given = {"verdict": "supported", "p": 0.0} if kind is Judged else {}
    row = judge([claim()], {"A": kind(0.4, n=300, n_eff=300.0, **limits, **given)}).iloc[0]
    assert (row["verdict"], row["status"]) == ("not_identified", "not_identified") and np.isnan(row["q"])


def test_a_changed_survey_forgets_what_was_computed_for_the_old_one():
    survey = Survey(pd.DataFrame({"overall": [8]}), lambda need: [], {}, kept={"means": "of the old rows"})
    assert survey.but(frame=survey.frame.head(0)).kept == {} and survey.kept == {"means": "of the old rows"}

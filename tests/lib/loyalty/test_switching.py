"""Switching, said and done: published sample sizes, hand cases, statsmodels, planted frailty and refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.errors import InputError
from delight.estimate import wilson
from delight.loyalty.hazard import hazard
from delight.loyalty.switching import equivalence_p, n_apart, n_equal, stated
from delight.scales import Scale
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

YES_NO = Scale(0, 1)
ASK = dict(after_one="one", after_two="two", scales={"one": YES_NO, "two": YES_NO})


def both(a, b, c, d):
    """Paired answers: yes-yes, yes-no, no-yes, no-no."""
    return pd.DataFrame([(1, 1)] * a + [(1, 0)] * b + [(0, 1)] * c + [(0, 0)] * d, columns=["one", "two"]).astype(float)


def test_the_sample_sizes_of_the_specification():
    # methods M21 [V] and the sample-size card
    assert (n_equal(0.57, 0.05), n_equal(0.78, 0.05), n_apart(0.57, 0.78)) == (840, 588, 77)
    assert wilson(0.57, 400) == pytest.approx((0.521, 0.618), abs=6e-4) and wilson(0.78, 400) == pytest.approx((0.737, 0.818), abs=6e-4)
    assert n_apart(0.5, 0.5) is None


def test_shares_increment_and_nesting_by_hand():
    result = stated(both(57, 0, 21, 22), **ASK)
    rows = result.table.set_index("trigger")
    assert (rows.loc["one", "share"], rows.loc["two", "share"]) == (0.57, 0.78)
    assert tuple(rows.loc["one", ["ci_lo", "ci_hi"]]) == pytest.approx(wilson(0.57, 100))
    inc = rows.loc["increment"]
    half = stats.t.ppf(0.975, 99) * np.sqrt(0.21 * 0.79 / 99)  # differences are 0 or 1
    assert (inc.share, inc.ci_lo, inc.ci_hi) == pytest.approx((0.21, 0.21 - half, 0.21 + half))
    assert inc.nested is True or inc.nested == 1
    assert np.isnan(inc.mcnemar_p) and inc.n_against == 0 and inc.logical
    assert rows.loc["one", "verdict"] == "inconclusive"  # 100 answers are too few for five points


def test_answers_that_contradict_themselves_are_counted_and_tested_by_mcnemar():
    result = stated(both(40, 5, 20, 35), **ASK)
    inc = result.table.set_index("trigger").loc["increment"]
    assert not inc.nested and inc.n_against == 5 and result.note("not_logical").values["n"] == 5
    assert inc.mcnemar_p == pytest.approx(stats.binomtest(20, 25).pvalue)
    falls = stated(both(30, 30, 5, 35), **ASK)
    assert falls.note("shares_fall") and not falls.table.set_index("trigger").loc["increment", "logical"]


def test_separate_halves_get_newcombes_interval():
    frame = pd.DataFrame({"one": [1.0] * 56 + [0.0] * 14 + [np.nan] * 80, "two": [np.nan] * 70 + [1.0] * 48 + [0.0] * 32})
    inc = stated(frame, **ASK).table.set_index("trigger").loc["increment"]
    # Newcombe (1998), method 10, 56/70 against 48/80: .20 (.0524 to .3339)
    assert (-inc.share, -inc.ci_hi, -inc.ci_lo) == pytest.approx((0.20, 0.0524, 0.3339), abs=5e-5)
    assert not inc.nested and np.isnan(inc.mcnemar_p) and inc.n_both == 0


def test_the_verdict_is_consistent_different_or_open_but_never_contradicted():
    def verdict(share, n):
        frame = pd.DataFrame({"one": [1.0] * round(share * n) + [0.0] * (n - round(share * n))})
        return stated(frame, after_one="one", scales={"one": YES_NO}).table.iloc[0]

    assert verdict(0.57, 1000).verdict == "consistent" and verdict(0.57, 1000).tost_p < 0.05
    assert verdict(0.40, 1000).verdict == "differs here" and verdict(0.70, 1000).verdict == "differs here"
    assert verdict(0.57, 100).verdict == "inconclusive" and verdict(0.53, 1000).verdict == "inconclusive"
    assert verdict(0.57, 20).verdict == "insufficient"
    nobody = stated(pd.DataFrame({"one": [np.nan]}), after_one="one", scales={"one": YES_NO})
    assert nobody.status == "insufficient" and np.isnan(nobody.table["share"].iloc[0])


@given(st.integers(100, 2000), st.floats(0.3, 0.8))
@settings(max_examples=30, deadline=None)
def test_the_equivalence_test_is_dual_to_the_wilson_interval(n, share):
    lo, hi = wilson(share, n, 0.90)
    assert (equivalence_p(share, n, 0.57, 0.05) < 0.05) == (lo > 0.52 and hi < 0.62)


def test_weights_clusters_scales_and_refusals():
    frame = both(200, 3, 90, 107).assign(w=2.0, house=lambda t: np.arange(len(t)) // 10)
    plain = stated(frame, **ASK).table
    pd.testing.assert_frame_equal(plain, stated(frame, **ASK, weights="w").table, rtol=1e-9)
    twice, weighted = stated(pd.concat([frame, frame]), **ASK).table, stated(frame, **ASK, weights="w", weights_kind="frequency").table
    pd.testing.assert_frame_equal(twice, weighted, rtol=1e-9, check_dtype=False)
    houses = stated(frame, **ASK, clusters="house").table  # answers are sorted, so that houses differ greatly
    assert (houses["ci_hi"] - houses["ci_lo"]).iloc[0] > 1.5 * (plain["ci_hi"] - plain["ci_lo"]).iloc[0]
    five = stated(frame.assign(one=4 * frame["one"] + 1), after_one="one", scales={"one": Scale(1, 5)})
    assert five.meta["consider_from"] == {"one": 5.0} and five.table["share"].iloc[0] == pytest.approx(203 / 400)
    with pytest.raises(InputError, match="Name the question"):
        stated(frame, scales={})
    with pytest.raises(InputError, match="consider_from"):
        stated(frame, after_one="one", scales={"one": Scale(0, 100)})


# ---- what customers did
def record(n=1500, frailty=0.0, seed=3, waves=5, base=-2.6, effects=(0.8, 1.4)):
    """Customers over waves; log hazard `base`, plus `effects` after one failure and after two or more."""
    rng = np.random.default_rng(seed)
    own = rng.gamma(1 / frailty, frailty, n) if frailty else np.ones(n)
    here, failures, rows = np.ones(n, bool), np.zeros(n), []
    for w in range(waves):
        failed = rng.random(n) < 0.2
        failures += failed
        rate = own * np.exp(base + np.select([failures == 1, failures >= 2], effects, 0.0))
        left = rng.random(n) < 1 - np.exp(-rate)
        rows.append(pd.DataFrame({"who": np.arange(n), "wave": w, "failed": failed * 1.0, "left": left * 1.0})[here])
        here &= ~left
    return pd.concat(rows, ignore_index=True)


DID = dict(customer="who", period="wave", failed="failed", left="left")


def test_without_frailty_the_hazard_is_a_complementary_log_log_regression():
    frame = record().sample(frac=1, random_state=1)
    found = hazard(frame, **DID, frailty=False).table
    rows = found[found["part"] == "hazard"].set_index("term")
    data = frame.sort_values(["who", "wave"])
    so_far = data.groupby("who")["failed"].cumsum().clip(upper=2)
    since = (data["wave"] - data["wave"].where(data["failed"] == 1).groupby(data["who"]).ffill()).clip(upper=3).fillna(0)
    x = np.column_stack([*[(data["wave"] == w) for w in range(5)], so_far == 1, so_far == 2, since]).astype(float)
    fit = sm.GLM(data["left"], x, family=sm.families.Binomial(sm.families.links.CLogLog()))
    fit = fit.fit(cov_type="cluster", cov_kwds={"groups": data["who"].to_numpy()})
    assert rows.loc[["failures=1", "failures=2+", "since"], "coef"].to_numpy() == pytest.approx(fit.params.iloc[5:].to_numpy(), abs=1e-4)
    assert rows.loc["failures=1", "se"] == pytest.approx(fit.bse.iloc[5], rel=0.01)


def test_planted_hazards_lie_in_their_intervals_and_chances_rise_with_failures():
    result = hazard(record(), **DID)
    rows = result.table.set_index(["part", "term"])
    for term, planted in (("failures=1", 0.8), ("failures=2+", 1.4)):
        assert rows.loc[("hazard", term), "ci_lo"] < planted < rows.loc[("hazard", term), "ci_hi"]
    chance = rows.loc["chance", "estimate"]
    true = [1 - np.exp(-2 * np.exp(-2.6 + b)) for b in (0, 0.8, 1.4)]
    assert chance.tolist() == pytest.approx(true, abs=0.08) and chance.is_monotonic_increasing
    assert rows.loc[("difference", "failures=1 - failures=0"), "p"] < 0.001 and result.note("history_from_first_row")


def test_customers_of_their_own_readiness_are_noticed():
    frame = record(5000, frailty=1.5, seed=6, base=-2.2, effects=(1.5, 2.5))
    found = hazard(frame, **DID)
    assert found.meta["frailty_p"] < 0.01 and 0.5 < found.meta["frailty_variance"] < 4
    row = found.table.set_index(["part", "term"]).loc[("hazard", "failures=2+")]
    assert row.ci_lo < 2.5 < row.ci_hi
    without = hazard(frame, **DID, frailty=False).table.set_index(["part", "term"]).loc[("hazard", "failures=2+")]
    assert without.ci_hi < 2.5  # the ready ones leave first, which looks as if failures mattered less


def test_few_events_are_insufficient_and_impossible_records_are_refused():
    frame = record(60)
    assert hazard(frame, **DID).status == "insufficient" and hazard(frame.head(0), **DID).status == "insufficient"
    after = pd.concat([frame, frame[frame["left"] == 1].head(2).assign(wave=9)], ignore_index=True)
    with pytest.raises(InputError, match="2 rows come after their customer left"):
        hazard(after, **DID)
    with pytest.raises(InputError, match="repeat a customer and period"):
        hazard(pd.concat([frame[frame["left"] == 0], frame[frame["left"] == 0].head(1)]), **DID)
    with pytest.raises(InputError, match="says 1 or 0"):
        hazard(frame.assign(failed=2.0), **DID)

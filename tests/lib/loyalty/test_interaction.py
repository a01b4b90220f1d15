"""Two scales for one interaction, refitted samples, gate and goodwill: hand-worked tables, statsmodels, planted truths, refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.errors import InputError
from delight.loyalty.draws import Refit
from delight.loyalty.gate import gate, gate_units, random_intercept
from delight.loyalty.goodwill import goodwill, recovery, stock
from delight.loyalty.outcome import across
from delight.loyalty.panel import prior, twice_answered
from delight.scales import Scale
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

TEN, YES_NO, FIVE = Scale(1, 10), Scale(0, 1), Scale(1, 5)


def counted(cells, names=("failed", "before", "left")):
    """Rows from {(first, second): (events, n)}."""
    rows = [(a, b, float(i < events)) for (a, b), (events, n) in cells.items() for i in range(n)]
    return pd.DataFrame(rows, columns=list(names)).astype(float)


# ---- the two scales, by hand
#: Of 100 not delighted 10 leave without a failure and 40 with one; of 100 delighted 5 and 15.
HAND = {(0, 0): (10, 100), (1, 0): (40, 100), (0, 1): (5, 100), (1, 1): (15, 100)}
BANK = dict(y="left", failure="failed", prior="grade", scales={"left": YES_NO, "grade": TEN}, delight_from=9, turned=True, n_boot=0)


def bank(cells):
    return counted(cells).assign(grade=lambda t: np.where(t["before"] == 1, 9.0, 7.0))


def test_risk_differences_and_log_odds_by_hand():
    result = goodwill(bank(HAND), **BANK)
    row = result.table.iloc[0]
    assert (row.effect_without, row.effect_with, row.interaction_rd) == pytest.approx((0.30, 0.10, -0.20))
    # the variance of a difference of four independent shares
    se = np.sqrt(sum(p * (1 - p) / 100 for p in (0.10, 0.40, 0.05, 0.15)))
    assert row.se == pytest.approx(se, rel=1e-6) and row.interaction_rd_lo == pytest.approx(-0.2 - 1.959964 * se, rel=1e-6)
    odds = np.log(0.15 / 0.85) - np.log(0.05 / 0.95) - np.log(0.40 / 0.60) + np.log(0.10 / 0.90)
    assert row.interaction_logit == pytest.approx(odds) == pytest.approx(-0.5819, abs=1e-4)
    spread = np.sqrt(sum(1 / e + 1 / (n - e) for e, n in HAND.values()))
    assert row.interaction_logit_hi == pytest.approx(odds + 1.959964 * spread, rel=1e-5)
    # a smaller rise in percentage points, but not shown in odds: no verdict
    assert not row.scales_agree and row.verdict == "inconclusive" and row.p == pytest.approx(row.interaction_logit_p)
    cells = result.table[result.table["term"] == "cell"].set_index("group")
    assert (cells.loc["with failure", "n"], cells.loc["without failure", "value"]) == (100, pytest.approx(0.40))


def test_one_latent_point_for_everybody_has_opposite_signs_on_the_two_scales():
    """A failure costs everybody one point of a normal latent loyalty, and who falls below nought leaves: no goodwill was planted.

    The case of methods M22: the risk rises by .08 among the delighted and by .25 among the others, and yet b3 is positive.
    """
    n = 200_000
    level = {0: 1.46, 1: 2.34}
    rows = []
    for failed, before in HAND:
        leaves = round(n * stats.norm.cdf(failed - level[before]))
        rows += [(failed, before, 1.0, leaves), (failed, before, 0.0, n - leaves)]
    frame = pd.DataFrame(rows, columns=["failed", "before", "left", "times"]).assign(grade=lambda t: np.where(t["before"] == 1, 9.0, 7.0))
    row = goodwill(frame, **BANK, weights="times", weights_kind="frequency").table.iloc[0]
    assert (row.effect_with, row.effect_without) == pytest.approx((0.08, 0.25), abs=0.005)
    assert row.interaction_rd_hi < 0 < row.interaction_logit_lo and row.interaction_logit == pytest.approx(0.51, abs=0.02)
    assert row.verdict == "inconclusive" and row.n == 800_000


def test_a_planted_buffer_and_love_that_becomes_hate_are_told_apart():
    buffer = {(0, 0): (40, 400), (1, 0): (160, 400), (0, 1): (40, 400), (1, 1): (50, 400)}
    hate = {(0, 0): (40, 400), (1, 0): (60, 400), (0, 1): (40, 400), (1, 1): (180, 400)}
    assert goodwill(bank(buffer), **BANK).table["verdict"].iloc[0] == "supported"
    assert goodwill(bank(hate), **BANK).table["verdict"].iloc[0] == "contradicted"
    stays = bank(buffer).assign(left=lambda t: 1 - t["left"])  # staying instead of leaving: the same verdict
    assert goodwill(stays, **{**BANK, "turned": False}).table["verdict"].iloc[0] == "supported"


def test_fewer_than_forty_failures_among_the_delighted_are_insufficient():
    row = goodwill(bank({**HAND, (1, 1): (6, 39)}), **BANK).table.iloc[0]
    assert row.verdict == "insufficient" == row.status and np.isnan(row.interaction_rd)
    assert goodwill(bank({**HAND, (1, 1): (6, 40)}), **BANK).table["verdict"].iloc[0] == "inconclusive"


def test_nobody_leaving_in_a_group_gives_profile_limits_and_a_status():
    row = goodwill(bank({**HAND, (0, 1): (0, 100)}), **BANK).table.iloc[0]
    assert row.status == "degenerate" and row.interaction_rd < 0 and np.isfinite(row.interaction_rd_lo)


def test_adjusted_standardised_differences_equal_statsmodels_predictions():
    rng = np.random.default_rng(8)
    frame = bank({k: (v[0] * 4, v[1] * 4) for k, v in HAND.items()}).assign(tenure=lambda t: rng.normal(3, 1, len(t)))
    row = goodwill(frame, **BANK, controls=["tenure"]).table.iloc[0]
    x = pd.DataFrame({"c": 1.0, "f": frame["failed"], "b": frame["before"], "fb": frame["failed"] * frame["before"], "t": frame["tenure"]})
    fit = sm.Logit(frame["left"], x).fit(disp=0)

    def mean_at(f, b):
        return fit.predict(x.assign(f=f, b=b, fb=f * b)).mean()

    assert row.effect_without == pytest.approx(mean_at(1, 0) - mean_at(0, 0), abs=1e-8)
    assert row.interaction_rd == pytest.approx(mean_at(1, 1) - mean_at(0, 1) - mean_at(1, 0) + mean_at(0, 0), abs=1e-8)
    robust = sm.Logit(frame["left"], x).fit(disp=0, cov_type="HC0")
    assert row.interaction_logit_hi == pytest.approx(robust.conf_int().loc["fb", 1], rel=1e-6)


def test_delta_and_bootstrap_intervals_agree_where_samples_are_large():
    row = goodwill(bank({k: (v[0] * 5, v[1] * 5) for k, v in HAND.items()}), **{**BANK, "n_boot": 2000}).table.iloc[0]
    assert (row.boot_lo, row.boot_hi) == pytest.approx((row.interaction_rd_lo, row.interaction_rd_hi), abs=0.006)


def test_row_order_frequency_weights_equal_weights_and_repeated_customers():
    frame = bank(HAND).assign(who=lambda t: np.arange(len(t)) // 2, w=2.0)
    plain = goodwill(frame, **BANK).table
    pd.testing.assert_frame_equal(plain, goodwill(frame.sample(frac=1, random_state=1), **BANK).table)
    pd.testing.assert_frame_equal(plain, goodwill(frame, **BANK, weights="w").table, rtol=1e-10)
    twice = goodwill(pd.concat([frame, frame]), **BANK).table
    weighted = goodwill(frame, **BANK, weights="w", weights_kind="frequency").table
    pd.testing.assert_frame_equal(twice, weighted, rtol=1e-8, check_dtype=False)
    clustered = goodwill(frame, **BANK, respondent="who")
    assert clustered.meta["clusters"] == "who" and clustered.table["interaction_rd"].iloc[0] == pytest.approx(
        plain["interaction_rd"].iloc[0]
    )


def test_a_follow_up_score_holds_the_prior_score_equal_and_is_read_in_points():
    rng = np.random.default_rng(3)
    n = 3000
    before, failed = rng.choice([6.0, 7, 8, 9, 10], n), (rng.random(n) < 0.3).astype(float)
    after = np.clip(np.round(2 + 0.7 * before - 1.5 * failed + 1.0 * failed * (before >= 9) + rng.normal(0, 0.8, n)), 1, 10)
    frame = pd.DataFrame({"after": after, "before": before, "failed": failed})
    options = dict(y="after", failure="failed", prior="before", scales={"after": TEN, "before": TEN}, delight_from=9, n_boot=200)
    result = goodwill(frame, **options)
    row = result.table.iloc[0]
    assert result.meta["prior_score"] == "before" and row.verdict == "supported"
    assert row.interaction_rd_lo < 1.0 < row.interaction_rd_hi and row.effect_without == pytest.approx(-1.5, abs=0.12)
    x = sm.add_constant(np.column_stack([failed, before >= 9, failed * (before >= 9), before]))
    assert row.interaction_rd == pytest.approx(sm.OLS(after, x).fit().params[3], abs=1e-9)
    with pytest.raises(InputError, match="cannot be both"):
        goodwill(frame, **{**options, "prior": "after"})


def test_within_customers_the_interaction_needs_forty_with_two_failures():
    rng = np.random.default_rng(9)
    who, n = np.repeat(np.arange(300.0), 4), 1200
    level = rng.normal(7.5, 1, 300)[who.astype(int)]
    before, failed = np.clip(np.round(level + rng.normal(0, 1.2, n)), 1, 10), (rng.random(n) < 0.4).astype(float)
    after = np.clip(np.round(level - 1.2 * failed + 0.9 * failed * (before >= 9) + rng.normal(0, 0.6, n)), 1, 10)
    frame = pd.DataFrame({"after": after, "before": before, "failed": failed, "who": who})
    options = dict(y="after", failure="failed", prior="before", scales={"after": TEN, "before": TEN}, delight_from=9, n_boot=0)
    found = goodwill(frame, **options, respondent="who").table.set_index("term")
    assert found.loc["within", "ci_lo"] > 0
    dummies = pd.get_dummies(who).to_numpy(dtype=float)
    x = np.column_stack([failed, before >= 9, failed * (before >= 9), before, dummies])
    assert found.loc["within", "coef"] == pytest.approx(np.linalg.lstsq(x, after, rcond=None)[0][2], abs=1e-8)
    assert "within" not in goodwill(frame[frame["who"] < 35], **options, respondent="who").table["term"].tolist()


# ---- refitted samples
@given(st.integers(0, 10_000))
@settings(max_examples=5, deadline=None)
def test_refitted_models_equal_statsmodels(seed):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(150), rng.normal(size=(150, 2))])
    times = rng.multinomial(150, np.full(150, 1 / 150), size=2).astype(float)
    y = (rng.random(150) < 0.4).astype(float)
    amount = rng.gamma(2, np.exp(1 + 0.4 * x[:, 1]))
    for family, target, kind in (
        ("logit", y, sm.families.Binomial()),
        ("gamma", amount, sm.families.Gamma(sm.families.links.Log())),
        ("linear", amount, sm.families.Gaussian()),
    ):
        found = Refit(target, x, family).coef(times)
        for row, w in zip(found, times):
            reference = sm.GLM(target, x, family=kind, freq_weights=w).fit(tol=1e-12).params
            assert row == pytest.approx(reference, abs=1e-6)


def test_a_sample_whose_terms_determine_each_other_gives_nan():
    found = Refit([1.0, 2.0, 3.0], [[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]]).coef(np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 0.0]]))
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()


# ---- the gate
def survey(extra_met, extra_not, n=1200, seed=1):
    """Half have the basics met, a third the extra; chances of loyalty .2 and .5 without the extra, plus what it adds."""
    rng = np.random.default_rng(seed)
    met, extra = rng.random(n) < 0.5, rng.random(n) < 1 / 3
    chance = np.where(met, 0.4 + extra_met * extra, 0.2 + extra_not * extra)
    grades = {
        "basic_a": np.where(met, 8.0, rng.choice([6.0, 9.0], n)),
        "basic_b": np.where(met, 9.0, 7.0),
        "extra": np.where(extra, 9.0, 8.0),
    }
    return pd.DataFrame({**grades, "loyal": np.where(rng.random(n) < chance, 9.0, 7.0)})


GATE = dict(
    y="loyal",
    delighters=["extra"],
    basics=["basic_a", "basic_b"],
    n_boot=0,
    scales=dict.fromkeys(["loyal", "extra", "basic_a", "basic_b"], TEN),
)


def test_an_extra_that_works_only_where_basics_are_met_is_found_and_the_reverse():
    found = gate(survey(0.45, 0.0), **GATE).table.iloc[0]
    assert (
        found.verdict == "supported" and found.effect_met_lo < 0.45 < found.effect_met_hi and found.effect_not_lo < 0 < found.effect_not_hi
    )
    assert gate(survey(0.0, 0.45), **GATE).table["verdict"].iloc[0] == "contradicted"
    assert gate(survey(0.2, 0.2), **GATE).table["verdict"].iloc[0] == "inconclusive"


def test_the_gate_counts_its_groups_and_needs_forty_with_the_extra():
    frame = survey(0.3, 0.1)
    result = gate(frame, **GATE)
    cells = result.table[result.table["gate"] == "cell"].set_index("group")
    met, extra = (frame[["basic_a", "basic_b"]] >= 8).all(axis=1), frame["extra"] >= 9
    assert cells.loc["met with", "n"] == (met & extra).sum() and cells["n"].sum() == 1200
    assert cells.loc["not without", "value"] == pytest.approx((frame["loyal"] >= 9)[~met & ~extra].mean())
    assert result.meta["delighter_from"] == {"extra": 9.0} and result.meta["basics_from"] == {"basic_a": 8.0, "basic_b": 8.0}
    rare = frame[~(met & extra) | (np.arange(1200) < 150)]
    assert gate(rare, **GATE).table["verdict"].iloc[0] == "insufficient"


def test_what_does_not_apply_to_a_customer_cannot_fail_her():
    frame = survey(0.3, 0.1).assign(basic_a=np.nan)
    row = gate(frame, **GATE).table.iloc[0]
    assert row.n == 1200 and row.n_missing == 0  # judged by basic_b alone
    assert gate(frame.assign(basic_b=np.nan), **GATE).table["n"].iloc[0] == 0


def test_gate_refuses_what_it_cannot_judge():
    frame = survey(0.3, 0.1)
    with pytest.raises(InputError, match="at least one delighter"):
        gate(frame, **{**GATE, "basics": []})
    with pytest.raises(InputError, match="different columns: extra"):
        gate(frame, **{**GATE, "basics": ["extra"]})
    with pytest.raises(InputError, match="say `delighter_from`"):
        gate(frame, **{**GATE, "scales": {**GATE["scales"], "extra": Scale(0, 100)}})


def test_a_verdict_on_two_scales_falls_with_the_correction_over_outcomes():
    frame, flat = survey(0.17, 0.0, n=1200, seed=7), np.random.default_rng(0)
    frame = frame.assign(**{f"o{i}": flat.choice([7.0, 9.0], 1200) for i in range(12)})
    alone = gate(frame, **GATE).table.iloc[0]
    outcomes = [{"y": y, "scale": TEN, "role": "recommend"} for y in ["loyal", *[f"o{i}" for i in range(12)]]]
    options = {k: v for k, v in GATE.items() if k != "y"}
    found = across(gate, frame, outcomes, **options)
    first = found.table[(found.table["outcome"] == "loyal") & (found.table["gate"] == "person")].iloc[0]
    assert first.q > alone.p
    assert alone.verdict == "supported" and 0.05 / 13 < alone.p < 0.05
    assert first.verdict == "inconclusive" and found.meta["outcomes"]["loyal"]["demoted_from"] == "supported"


def units(effect, seed=0, n_units=40, size=30):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(n_units), size)
    high, acts = unit % 2, (unit // 2) % 2
    y = 7.5 + effect * high * acts + 0.3 * rng.normal(size=n_units)[unit] + rng.normal(size=len(unit))
    return pd.DataFrame({"unit": unit, "level": np.where(high, 8.7, 8.0), "acts": acts, "y": y})


def test_the_organisation_reading_equals_a_mixed_model_and_needs_twenty_units():
    frame = units(0.8)
    options = dict(y="y", unit="unit", level="level", initiative="acts", scales={"y": Scale(-5, 20, 0)})
    row = gate_units(frame, **options).table.iloc[0]
    assert row.verdict == "supported" and row.ci_lo < 0.8 < row.ci_hi and row.units_met_with == 10
    x = np.column_stack([np.ones(len(frame)), frame["acts"], frame["level"] > 8.5, frame["acts"] * (frame["level"] > 8.5)]).astype(float)
    reference = sm.MixedLM(frame["y"].to_numpy(), x, groups=frame["unit"].to_numpy()).fit(reml=True, method="powell")
    coef, cov, icc = random_intercept(frame["y"].to_numpy(), x, frame["unit"].to_numpy())
    assert coef == pytest.approx(reference.fe_params, abs=1e-8)
    assert icc == pytest.approx(reference.cov_re[0, 0] / (reference.cov_re[0, 0] + reference.scale), abs=1e-5)
    assert np.sqrt(np.diag(cov)) == pytest.approx(np.asarray(reference.bse_fe), rel=1e-4)
    assert gate_units(frame[frame["unit"] < 19], **options).status == "not_identified"
    with pytest.raises(InputError, match="one value: level"):
        gate_units(frame.assign(level=np.arange(len(frame)) % 3 + 7.0), **options)


# ---- the panel
def test_prior_answers_come_from_the_wave_directly_before():
    frame = pd.DataFrame({"respondent": list("aab") + ["c", "c"], "wave": ["1", "2", "2", "1", "3"], "overall": [9.0, 7, 8, 6, 10]})
    found = prior(frame, ["overall"], order=["1", "2", "3"])
    assert found["overall:before"].tolist()[1] == 9 and found["overall:before"].isna().sum() == 4  # c skipped a wave
    with pytest.raises(InputError, match="1 rows repeat a respondent"):
        prior(pd.concat([frame, frame.iloc[[0]]], ignore_index=True), ["overall"])
    assert twice_answered(pd.concat([frame, frame.iloc[[0]]])).sum() == 1


# ---- stock and recovery
def test_the_share_of_goodwill_kept_is_found_within_its_profile():
    rng = np.random.default_rng(2)
    people, waves, kept = 1600, 6, 0.6
    delighted, failed = (rng.random((people, waves)) < p for p in (0.4, 0.25))
    paid = np.zeros(people)
    rows = []
    here = np.ones(people, bool)
    drawn = np.zeros(people)
    for w in range(waves):
        drawn = kept * drawn + failed[:, w]
        leaves = rng.random(people) < 1 / (1 + np.exp(-(-2.2 - 0.9 * paid + 0.7 * drawn)))
        rows.append(pd.DataFrame({"respondent": np.arange(people), "wave": w, "score": np.where(delighted[:, w], 9.0, 7.0),
                                  "failed": failed[:, w] * 1.0, "left": leaves * 1.0})[here])  # fmt: skip
        paid = delighted[:, w] + kept * paid
        here &= ~leaves
    frame = pd.concat(rows)
    result = stock(frame, y="left", failure="failed", score="score", scales={"left": YES_NO, "score": TEN}, delight_from=9)
    best = result.table[result.table["best"]].iloc[0]
    assert best.delta_lo < kept < best.delta_hi and best.delta == pytest.approx(kept, abs=0.15) and result.status == "ok"
    assert best.balance == pytest.approx(-0.9, abs=0.2) and best.kappa == pytest.approx(0.7 / 0.9, abs=0.2)
    two = stock(frame[frame["wave"] < 2], y="left", failure="failed", score="score", scales={"left": YES_NO, "score": TEN}, delight_from=9)
    assert two.status == "insufficient" and len(two.table) == 1


def test_recovery_contrasts_are_differences_of_group_means():
    rng = np.random.default_rng(6)
    n = 900
    failed, solved = (rng.random(n) < 0.5).astype(float), rng.choice([6.0, 9.0], n)
    loyal = np.clip(np.round(7 - 1.0 * failed + 1.6 * failed * (solved >= 9) + rng.normal(0, 1, n)), 1, 10)
    frame = pd.DataFrame({"failed": failed, "solved": np.where(failed == 1, solved, np.nan), "loyal": loyal})
    options = dict(y="loyal", failure="failed", resolved="solved", scales={"loyal": TEN, "solved": TEN})
    table = recovery(frame, **options).table.set_index("contrast")
    groups = {
        g: frame.loc[m, "loyal"]
        for g, m in (("none", failed == 0), ("good", (failed == 1) & (solved >= 9)), ("bad", (failed == 1) & (solved < 9)))
    }
    assert table.loc["resolved - none", "estimate"] == pytest.approx(groups["good"].mean() - groups["none"].mean())
    assert table.loc["resolved - none", "verdict"] == "supported" and table.loc["unresolved - none", "verdict"] == "contradicted"
    assert table.loc["resolved - unresolved", "n_first"] == len(groups["good"])
    yes = recovery(frame.assign(loyal=(loyal >= 7) * 1.0), **{**options, "scales": {"loyal": YES_NO, "solved": TEN}}).table.set_index(
        "contrast"
    )
    assert yes.loc["resolved - none", "estimate"] == pytest.approx((groups["good"] >= 7).mean() - (groups["none"] >= 7).mean(), abs=1e-8)
    few = recovery(frame[(failed == 0) | (np.arange(n) < 60)], **options).table.set_index("contrast")
    assert few.loc["resolved - none", "status"] == "insufficient" and np.isnan(few.loc["resolved - none", "estimate"])


# ---- simulation
@pytest.mark.long
def test_the_two_scale_verdict_keeps_its_size_and_the_interval_its_coverage():
    """No interaction in odds: the verdict needs both scales and is one-sided in size; the difference of risks covers its true value."""
    rng, wrong, covered = np.random.default_rng(4), 0, 0
    chance = {(0, 0): 0.10, (1, 0): 0.30, (0, 1): 0.05, (1, 1): 0.05 * 0.3 / 0.7 * 9 / (0.95 + 0.05 * 0.3 / 0.7 * 9)}
    true = (chance[1, 1] - chance[0, 1]) - (chance[1, 0] - chance[0, 0])
    sizes = {(0, 0): 600, (1, 0): 200, (0, 1): 300, (1, 1): 120}
    for _ in range(500):
        rows = []
        for (failed, before), n in sizes.items():
            left = int(rng.binomial(n, chance[failed, before]))
            rows += [(failed, before, 1.0, left), (failed, before, 0.0, n - left)]
        frame = pd.DataFrame(rows, columns=["failed", "before", "left", "times"]).assign(
            grade=lambda t: np.where(t["before"] == 1, 9.0, 7.0)
        )
        row = goodwill(frame, **BANK, weights="times", weights_kind="frequency").table.iloc[0]
        wrong += row.verdict in ("supported", "contradicted")
        covered += row.interaction_rd_lo <= true <= row.interaction_rd_hi
    assert wrong / 500 <= 0.065 and 0.92 <= covered / 500 <= 0.98  # the bands of the specification, widened by the Monte-Carlo error

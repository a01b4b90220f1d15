"""Kano categories over waves: by hand, against scipy and statsmodels, by planted change, and by change that is only noise."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.drivers import kano, migration
from delight.errors import InputError
from scipy import stats
from statsmodels.stats.contingency_tables import SquareTable

CELL = {"A": (1, 3), "O": (1, 5), "M": (3, 5), "out": (3, 3), "I": (3, 3), "R": (5, 1), "Q": (1, 1)}
STATES = migration.STATES
PAIR = {"x": ("f", "d")}
HALVES = {"w0": 0.0, "w1": 0.5, "w2": 1.0, "w3": 1.5}


def wave(counts, name):
    return pd.DataFrame([(*CELL[c], name) for c, n in counts.items() for _ in range(n)], columns=["f", "d", "wave"])


def waves(*counts):
    return pd.concat([wave(c, f"w{i}") for i, c in enumerate(counts)], ignore_index=True)


def panel_of(matrix, *, times=("w0", "w1")):
    """Persons whose states move as in a matrix of counts."""
    moves = [(i, j) for i in range(4) for j in range(4) for _ in range(int(matrix[i][j]))]
    rows = [(who, w, *CELL[STATES[state]]) for who, move in enumerate(moves) for w, state in zip(times, move)]
    return pd.DataFrame(rows, columns=["who", "wave", "f", "d"])


def simulated(rng, *, n=1500, waves=3, stay=0.76, reliable=0.9, guess=None):
    """A panel in which delight wears off to O with 1 - stay a step; answers tell the state with `reliable`, else they are guesses."""
    state, rows = rng.choice(4, n, p=[0.1, 0.2, 0.5, 0.2]), []
    for t in range(waves):
        if t:
            state = np.where((state == 2) & (rng.random(n) > stay), 1, state)
        said = np.where(rng.random(n) < reliable, state, rng.choice(4, n, p=guess))
        answers = np.array([CELL[s] for s in STATES])[said]
        rows.append(pd.DataFrame({"who": np.arange(n), "wave": f"w{t}", "f": answers[:, 0], "d": answers[:, 1]}))
    return pd.concat(rows, ignore_index=True)


def lasting(frame, **options):
    options = {"order": sorted(frame["wave"].unique()), "times": HALVES, "n_boot": 100} | options
    return migration.half_life(frame, pairs=PAIR, respondent="who", **options).table.iloc[0]


# ---- slopes ----------------------------------------------------------------------------------------------------------

FIRST, SECOND = {"A": 60, "O": 20, "M": 10, "I": 10}, {"A": 40, "O": 35, "M": 15, "I": 10}


def test_the_slope_of_two_waves_is_the_difference_in_a_year_with_its_unpooled_error():
    found = migration.trend(waves(FIRST, SECOND), pairs=PAIR, order=["w0", "w1"], times=HALVES).table.iloc[0]
    assert (found["cs_plus_first"], found["cs_plus_last"]) == pytest.approx((0.80, 0.75))
    assert found["cs_plus_slope"] == pytest.approx(-0.05 / 0.5) and found["cs_minus_slope"] == pytest.approx((0.50 - 0.30) / 0.5)
    se = np.sqrt(0.8 * 0.2 / 99 + 0.75 * 0.25 / 99) / 0.5
    assert found["cs_plus_slope_se"] == pytest.approx(se)
    assert found["cs_plus_slope_hi"] == pytest.approx(-0.1 + stats.t.ppf(0.975, 198) * se)
    assert found["half_year"] == pytest.approx(-0.05) and found["year"] == found["cs_plus_slope"]
    assert found["net_flow"] == pytest.approx(0.4) and found["net_flow_lo"] < 0.4 < found["net_flow_hi"]
    assert found["cs_plus_slope_lo"] < found["cs_plus_slope_lo90"] and found["time"] == 0.5 and np.isnan(found["linear_p"])


def test_three_waves_give_the_weighted_least_squares_of_statsmodels():
    frame = waves(FIRST, SECOND, {"A": 30, "O": 40, "M": 20, "I": 30})
    found = migration.trend(frame, pairs=PAIR, order=["w0", "w1", "w2"], times=HALVES).table.iloc[0]
    share, n = np.array([0.80, 0.75, 70 / 120]), np.array([100, 100, 120])
    fit = sm.WLS(share, sm.add_constant([0, 0.5, 1.0]), weights=(n - 1) / (share * (1 - share))).fit()
    assert found["cs_plus_slope"] == pytest.approx(fit.params[1])
    assert found["cs_plus_slope_se"] == pytest.approx(fit.bse[1] / np.sqrt(fit.scale))  # known variances: scale is one
    assert found["linear_p"] == pytest.approx(stats.chi2.sf(fit.scale, 1))  # one degree of freedom left


def test_the_logit_test_of_two_states_in_two_waves_is_the_trend_test():
    frame = waves({"A": 60, "O": 40}, {"A": 45, "O": 55})
    found = migration.trend(frame, pairs=PAIR, order=["w0", "w1"]).table.iloc[0]
    chi2 = stats.chi2_contingency([[60, 40], [45, 55]], correction=False).statistic
    assert found["logit_df"] == 1 and found["logit_chi2"] == pytest.approx(chi2 * 199 / 200, rel=1e-9)


def test_persons_who_answer_twice_alike_make_a_change_surer():
    frame = panel_of([[20, 0, 0, 0], [0, 30, 0, 0], [0, 20, 60, 0], [0, 0, 0, 30]])
    alone, together = (migration.trend(frame, pairs=PAIR, order=["w0", "w1"], respondent=who).table.iloc[0] for who in (None, "who"))
    assert alone["cs_minus_slope"] == together["cs_minus_slope"] and together["cs_minus_slope_se"] < 0.8 * alone["cs_minus_slope_se"]
    kept = frame.assign(said=kano.categories(frame["f"], frame["d"])).pivot(index="who", columns="wave", values="said")
    change = (kept["w1"] == "A").astype(float) - (kept["w0"] == "A").astype(float)
    assert together["a_slope_se"] == pytest.approx(change.std() / np.sqrt(len(change)), rel=1e-9)  # a paired difference


def test_a_reversed_calendar_turns_the_slope():
    frame = waves(FIRST, SECOND)
    turned = frame.assign(wave=frame["wave"].map({"w0": "w1", "w1": "w0"}))
    one, other = (migration.trend(f, pairs=PAIR, order=["w0", "w1"]).table.iloc[0] for f in (frame, turned))
    assert one["cs_plus_slope"] == pytest.approx(-other["cs_plus_slope"]) and one["cs_plus_slope_p"] == pytest.approx(
        other["cs_plus_slope_p"]
    )


def test_frequency_weights_row_order_and_equal_weights():
    frame = waves(FIRST, SECOND)
    figures = ["cs_plus_slope", "cs_plus_slope_se", "cs_minus_slope_lo", "net_flow_hi", "logit_chi2", "n"]

    def of(data, **options):
        return migration.trend(data, pairs=PAIR, order=["w0", "w1"], **options).table.iloc[0][figures].to_numpy(float)

    assert of(frame.sample(frac=1, random_state=3)) == pytest.approx(of(frame), abs=1e-12)
    assert of(frame.assign(w=0.7), weights="w") == pytest.approx(of(frame), abs=1e-12)
    twice = of(pd.concat([frame, frame]))
    assert of(frame.assign(w=2), weights="w", weights_kind="frequency") == pytest.approx(twice, abs=1e-12)


def test_dates_become_years_and_without_times_the_unit_is_a_wave():
    frame = waves(FIRST, SECOND)
    dated = migration.trend(frame, pairs=PAIR, order=["w0", "w1"], times={"w0": "2024-01-01", "w1": pd.Timestamp("2025-01-01")})
    assert dated.meta["unit"] == "year" and dated.table["time"].item() == pytest.approx(366 / 365.25)
    plain = migration.trend(frame, pairs=PAIR, order=["w0", "w1"])
    assert plain.meta["unit"] == "wave" and plain.table["cs_plus_slope"].item() == pytest.approx(-0.05)


def test_one_wave_and_a_new_wording_are_not_identified():
    one = migration.trend(waves(FIRST), pairs=PAIR, order=["w0"]).table.iloc[0]
    assert one["status"] == "not_identified" and np.isnan(one["cs_plus_slope"]) and one["cs_plus_first"] == pytest.approx(0.8)
    three = waves(FIRST, SECOND, SECOND)
    broken = migration.trend(three, pairs=PAIR, order=["w0", "w1", "w2"], breaks={"x": "w1"})
    assert broken.table["waves"].item() == 2 and broken.table["cs_plus_slope"].item() == pytest.approx(0)
    assert broken.note("break_in_wording").values == {"attributes": ["x"]}
    assert migration.trend(three, pairs=PAIR, order=["w0", "w1", "w2"], breaks={"x": ["w1", "w2"]}).status == "not_identified"


def test_a_coefficient_of_one_or_nought_still_has_an_error():
    found = migration.trend(waves({"A": 50}, {"A": 30, "I": 20}), pairs=PAIR, order=["w0", "w1"]).table.iloc[0]
    assert found["cs_plus_slope"] == pytest.approx(-0.4) and found["cs_plus_slope_lo"] < -0.4 and found["cs_plus_slope_hi"] < 0
    still = migration.trend(waves({"A": 50}, {"A": 50}), pairs=PAIR, order=["w0", "w1"]).table.iloc[0]
    assert still["cs_plus_slope"] == 0 and still["cs_plus_slope_lo"] < 0 < still["cs_plus_slope_hi"] and np.isnan(still["logit_p"])


def test_small_waves_say_so_and_bad_times_are_refused():
    assert migration.trend(waves({"A": 20}, {"A": 90}), pairs=PAIR, order=["w0", "w1"]).status == "low_base"
    frame = waves(FIRST, SECOND)
    with pytest.raises(InputError, match="says nothing of: w1"):
        migration.trend(frame, pairs=PAIR, order=["w0", "w1"], times={"w0": 1})
    with pytest.raises(InputError, match="must rise"):
        migration.trend(frame, pairs=PAIR, order=["w0", "w1"], times={"w0": 1, "w1": 1})
    with pytest.raises(InputError, match="'x' names w9, which is no wave"):
        migration.trend(frame, pairs=PAIR, order=["w0", "w1"], breaks={"x": "w9"})
    with pytest.raises(InputError, match="any of the waves 2024"):
        migration.trend(frame, pairs=PAIR, order=["2024"])


# ---- the average over delighters -------------------------------------------------------------------------------------


def test_the_average_runs_over_features_that_delight_and_respects_that_the_same_people_answer():
    first, second = waves(FIRST, SECOND), waves({"M": 60, "I": 40}, {"M": 50, "I": 50}).rename(columns={"f": "f2", "d": "d2"})
    frame = pd.concat([first, second[["f2", "d2"]]], axis=1).assign(f3=first["f"], d3=first["d"])
    pairs = {"x": ("f", "d"), "basic": ("f2", "d2"), "copy": ("f3", "d3")}
    result = migration.decay(frame, pairs=pairs, order=["w0", "w1"], times=HALVES)
    assert result.note("delighters").values["attributes"] == ["x", "copy"]
    plus, minus = result.table.iloc[0], result.table.iloc[1]
    alone = migration.trend(frame, pairs=PAIR, order=["w0", "w1"], times=HALVES).table.iloc[0]
    assert plus["estimate"] == pytest.approx(alone["cs_plus_slope"]) and minus["estimate"] == pytest.approx(alone["cs_minus_slope"])
    assert result.table["estimate"][2] == pytest.approx(-alone["net_flow"])
    assert plus["se"] == pytest.approx(alone["cs_plus_slope_se"], rel=0.01)  # a copy adds nothing
    assert plus["ci95_lo"] < plus["ci90_lo"] < plus["estimate"] < plus["ci90_hi"] < plus["ci95_hi"]


def test_without_a_feature_that_delights_there_is_nothing_to_average():
    found = migration.decay(waves({"M": 60, "I": 40}, {"M": 50, "I": 50}), pairs=PAIR, order=["w0", "w1"])
    assert found.status == "not_identified" and found.table["features"].tolist() == [0, 0, 0]


# ---- moves -----------------------------------------------------------------------------------------------------------

MOVES = [[40, 5, 2, 6], [8, 50, 6, 9], [4, 21, 80, 12], [7, 8, 15, 60]]


def test_transitions_are_row_shares_with_beta_margins():
    table = migration.transitions(panel_of(MOVES), pairs=PAIR, respondent="who", order=["w0", "w1"]).table
    found = table.set_index(["from_state", "to_state"])
    cell = found.loc[("A", "O")]
    assert (cell["n_ij"], cell["n"]) == (21, 117) and cell["p_ij"] == pytest.approx(21 / 117)
    assert (cell["ci_lo"], cell["ci_hi"]) == pytest.approx(tuple(stats.beta.ppf([0.025, 0.975], 21.5, 97.5)))
    assert table.groupby("from_state")["p_ij"].sum().to_numpy() == pytest.approx(np.ones(4)) and table["n_ij"].sum() == np.sum(MOVES)


def test_symmetry_is_bowkers_and_direction_is_the_exact_binomial(golden):
    found = migration.movement(panel_of(MOVES), pairs=PAIR, respondent="who", order=["w0", "w1"]).table.iloc[0]
    reference = SquareTable(np.array(MOVES, dtype=float), shift_zeros=False).symmetry(method="bowker")
    ours = found[["bowker", "bowker_p"]].to_numpy(float)
    package = "statsmodels 0.15 SquareTable.symmetry"
    golden(
        ours,
        [reference.statistic, reference.pvalue],
        method="M12 Bowker",
        package=package,
        data="a made table of 333 moves",
        tolerance=1e-10,
    )
    assert (found["down"], found["up"]) == (21 + 8 + 4, 6 + 5 + 2)
    assert found["direction_p"] == pytest.approx(stats.binomtest(33, 46).pvalue)
    exact = stats.binomtest(33, 46).proportion_ci()
    assert (found["direction_lo"], found["direction_hi"]) == pytest.approx((exact.low, exact.high))
    out_of, into, n = 4 + 21 + 12, 2 + 6 + 15, np.sum(MOVES)
    assert found["net_flow"] == pytest.approx((out_of - into) / n)
    half = stats.norm.ppf(0.975) * np.sqrt(out_of + into - (out_of - into) ** 2 / n) / n
    assert found["net_flow_hi"] == pytest.approx((out_of - into) / n + half)


def test_unreliable_answers_alone_move_nobody_on_balance():
    found = migration.movement(
        simulated(np.random.default_rng(4), n=3000, waves=2, stay=1.0, reliable=0.8), pairs=PAIR, respondent="who", order=["w0", "w1"]
    ).table.iloc[0]
    assert found["stay_a"] < 0.85 and found["direction_p"] > 0.05 and found["net_flow_lo"] < 0 < found["net_flow_hi"]


def test_only_neighbouring_waves_that_asked_count():
    frame = panel_of(MOVES, times=("w0", "w2"))
    empty = pd.DataFrame({"who": [1, 2], "wave": "w1", "f": [np.nan] * 2, "d": [np.nan] * 2})
    full = migration.movement(pd.concat([frame, empty]), pairs=PAIR, respondent="who", order=["w0", "w1", "w2"]).table.iloc[0]
    assert full["n"] == np.sum(MOVES) and full["n_missing"] == 0


def test_no_panel_is_not_identified_and_a_double_answer_is_refused():
    frame = waves(FIRST, SECOND).assign(who=np.arange(200))
    found = migration.movement(frame, pairs=PAIR, respondent="who", order=["w0", "w1"]).table.iloc[0]
    assert found["status"] == "not_identified" and found["n"] == 0 and found["n_missing"] == 200
    assert migration.transitions(frame[frame["wave"] == "w0"], pairs=PAIR, respondent="who", order=["w0"]).status == "not_identified"
    with pytest.raises(InputError, match="200 persons|persons answer twice"):
        migration.movement(frame.assign(who=1), pairs=PAIR, respondent="who", order=["w0", "w1"])


# ---- half-lives ------------------------------------------------------------------------------------------------------


def test_seventy_percent_agreement_would_look_like_a_half_life_of_a_year():
    assert migration.months_to_half(0.70, 6) == pytest.approx(11.7, abs=0.05)  # methods M12 [V]
    assert migration.months_to_half(0.5, 6) == pytest.approx(6) and migration.months_to_half([1.0, 0.0], 6).tolist() == [np.inf, 0.0]


def test_two_waves_without_a_retest_have_no_half_life():
    found = lasting(simulated(np.random.default_rng(1), waves=2))
    assert (
        found["status"] == "not_identified" and np.isnan(found["half_life"]) and found["retest_source"] == "none" and found["vs_6"] is None
    )


def test_a_retest_takes_unreliability_out():
    rng, noise = np.random.default_rng(8), dict(waves=2, reliable=0.8, guess=[0.1, 0.2, 0.5, 0.2])
    agreed = migration.agreement(simulated(rng, stay=1.0, **noise), ("f", "d"), respondent="who", first="w0", second="w1")
    still = lasting(simulated(rng, stay=1.0, **noise), retest=agreed)
    assert still["p_aa"] < 0.9 and still["hl_hi"] == np.inf and still["vs_12"] == "longer" and still["retest_source"] == "retest"
    fading = lasting(simulated(rng, n=4000, stay=0.6, **noise), retest={"x": agreed})
    assert fading["p_aa_true_lo"] < 0.60 < fading["p_aa_true_hi"] and fading["vs_12"] == "shorter"
    assert fading["p_aa"] < 0.57  # without the retest the half-life would be too short


def test_the_very_same_moves_as_in_the_retest_are_no_change():
    matrix = (np.array(MOVES) + np.array(MOVES).T) / 2 * 4
    found = lasting(panel_of(matrix), retest=matrix)
    assert found["p_aa_true"] == pytest.approx(1, abs=1e-9) and found["half_life"] > 1e6


def test_three_waves_tell_change_from_noise():
    fading = lasting(simulated(np.random.default_rng(3), n=3000))
    assert fading["retest_source"] == "latent_markov" and fading["status"] == "ok"
    assert fading["p_aa_true_lo"] < 0.76 < fading["p_aa_true_hi"] and fading["p_aa"] < 0.72
    assert fading["reliability_a"] == pytest.approx(0.925, abs=0.03) and fading["hl_lo"] < months(0.76) < fading["hl_hi"]
    still = lasting(simulated(np.random.default_rng(5), n=2000, stay=1.0, reliable=0.8))
    assert still["p_aa"] < 0.85 and still["vs_12"] == "longer" and still["p_aa_true_hi"] > 0.98


def months(stay):
    return float(migration.months_to_half(stay, 6))


def test_a_missed_wave_is_no_reason_to_leave_somebody_out():
    frame = simulated(np.random.default_rng(6), n=2500)
    rng = np.random.default_rng(7)
    found = lasting(frame[rng.random(len(frame)) < 0.85])
    assert found["p_aa_true_lo"] < 0.76 < found["p_aa_true_hi"] and found["n_missing"] > 0


def test_the_likelihood_of_the_latent_model_never_falls_and_the_batch_equals_single_fits():
    frame = simulated(np.random.default_rng(9), n=400)
    states, w, _ = migration.panel(frame, ("f", "d"), respondent="who", wave="wave", order=["w0", "w1", "w2"])
    patterns, at = np.unique(states, axis=0, return_inverse=True)
    held = np.bincount(at.ravel(), w).astype(float)
    climbed = [migration.latent_markov(patterns, held[None], max_steps=k)["ll"][0] for k in (1, 5, 20, 80, 300)]
    assert (np.diff(climbed) > -1e-9).all()
    other = np.random.default_rng(1).multinomial(400, held / held.sum()).astype(float)
    start = migration.latent_markov(patterns, held[None])
    both = migration.latent_markov(patterns, np.array([held, other]), start=start)
    one = migration.latent_markov(patterns, other[None], start=start)
    assert both["change"][1] == pytest.approx(one["change"][0], abs=1e-9)


def test_too_few_delighted_persons_and_a_useless_retest():
    assert (
        lasting(panel_of([[40, 0, 0, 0], [0, 40, 0, 0], [0, 5, 20, 0], [0, 0, 0, 40]]), retest=np.eye(4) * 50)["status"] == "insufficient"
    )
    assert lasting(panel_of(MOVES), retest=np.full((4, 4), 20.0))["status"] == "not_identified"
    with pytest.raises(InputError, match="4 x 4 matrix of counts"):
        lasting(panel_of(MOVES), retest=np.ones((3, 3)))


def test_waves_at_unequal_distance_are_noted():
    frame = simulated(np.random.default_rng(2), n=600)
    options = dict(pairs=PAIR, respondent="who", order=["w0", "w1", "w2"], n_boot=20)
    assert migration.half_life(frame, **options, times={"w0": 0, "w1": 0.5, "w2": 2}).note("unequal_steps")
    assert not migration.half_life(frame, **options, times=HALVES).note("unequal_steps")


# ---- competition -----------------------------------------------------------------------------------------------------


def market_frame(effect, rng, features=8, n=400):
    """CS+ falls by `effect` as the coverage goes from none to all."""
    offered = rng.uniform(0, 1, (features, 3))
    parts, coverage = [], []
    for t in range(3):
        columns = {"wave": np.full(n, f"w{t}")}
        for k in range(features):
            likes = rng.random(n) < 0.75 - effect * offered[k, t] + 0.02 * k
            columns |= {f"f{k}": np.where(likes, 1.0, 3.0), f"d{k}": 3.0}
            coverage.append({"attribute": f"x{k}", "wave": f"w{t}", "coverage": offered[k, t]})
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True), pd.DataFrame(coverage), {f"x{k}": (f"f{k}", f"d{k}") for k in range(features)}


def test_a_feature_that_competitors_copy_delights_less():
    frame, coverage, pairs = market_frame(0.3, np.random.default_rng(3))
    found = migration.market(frame, pairs=pairs, coverage=coverage, order=["w0", "w1", "w2"]).table.iloc[0]
    assert found["lo"] < -0.3 < found["hi"] < 0 and found["features"] == 8 and found["status"] == "ok"


def test_without_variation_in_coverage_nothing_is_identified():
    frame, coverage, pairs = market_frame(0.3, np.random.default_rng(3), features=4)
    options = dict(pairs=pairs, order=["w0", "w1", "w2"])
    assert migration.market(frame, coverage=coverage, **options).status == "assumption_warning"
    alike = coverage.assign(coverage=coverage["wave"].map({"w0": 0.1, "w1": 0.3, "w2": 0.7}))
    assert migration.market(frame, coverage=alike, **options).status == "not_identified"
    assert migration.market(frame, coverage=coverage[coverage["attribute"] == "x0"], **options).status == "not_identified"
    with pytest.raises(InputError, match="between 0 and 1"):
        migration.market(frame, coverage=coverage.assign(coverage=50), **options)

import numpy as np
import pandas as pd
import pytest
from delight.drivers.differences import _SlopesByGroup, across, differences, gail_simon, heterogeneity, pooled, prediction
from delight.drivers.prepare import prepare
from delight.errors import InputError
from delight.estimate import fit_linear
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

X = list("wxyz")
SLOPES = {"a": [0.5, 0.2, 0.0, 0.1], "b": [0.5, -0.4, 0.0, 0.1], "c": [0.1, 0.3, 0.0, 0.5]}


def customers(n=900, seed=0, slopes=SLOPES, locations=30):
    rng = np.random.default_rng(seed)
    segment = rng.choice(list(slopes), n, p=[0.45, 0.25, 0.3])
    scores = rng.normal(size=(n, 4))
    grade = (scores * np.array([slopes[s] for s in segment])).sum(axis=1) + rng.normal(size=n)
    frame = pd.DataFrame(scores, columns=X)
    return frame.assign(grade=grade, segment=segment, location=rng.integers(0, locations, n))


@pytest.fixture(scope="module")
def frame():
    return customers()


@pytest.fixture(scope="module")
def found(frame):
    return differences(frame, y="grade", x=X)


def numbers(result):
    return result.table.select_dtypes("number").to_numpy(dtype=float)


# ---- worked by hand


def test_opposite_effects_are_tested_on_the_weaker_side():
    # positive: (1/0.5)² + (2/1)² = 8; negative: (-1.5/0.5)² = 9. Q = 8; K = 3: ½ P(χ²_1 > 8) + ¼ P(χ²_2 > 8)
    q, p = gail_simon([1, 2, -1.5], [0.5, 1, 0.5])
    assert q == pytest.approx(8)
    assert p == pytest.approx(0.5 * 0.00467773 + 0.25 * np.exp(-4), abs=1e-7)


def test_effects_of_one_sign_never_flip():
    assert gail_simon([0.1, 2, 3], [1, 1, 1]) == (0, 1)
    assert np.isnan(gail_simon([1.0], [1.0])).all()


@pytest.mark.parametrize(("groups", "critical"), [(2, 2.71), (3, 4.23), (4, 5.43), (5, 6.50), (6, 7.48)])
def test_the_critical_values_are_those_that_gail_and_simon_tabulate(groups, critical):
    # a strong first group and the whole of Q in the others: table 1 of the paper at 5 %
    effects = np.r_[100.0, -np.sqrt(critical / (groups - 1)) * np.ones(groups - 1)]
    assert gail_simon(effects, np.ones(groups)) == (pytest.approx(critical), pytest.approx(0.05, abs=3e-4))


def test_pooling_moves_halfway_where_spread_and_error_are_alike():
    # a prior that is a spike has no shape to integrate: with one τ, shrinkage is v / (v + τ²)
    drawn = pooled([1.0, 3.0], [0.5, 0.5], spread=1e-6)
    assert drawn["pooled"] == pytest.approx([2, 2], abs=1e-6) and drawn["shrinkage"] == pytest.approx([1, 1], abs=1e-6)
    wide = pooled([1.0, 3.0], [0.01, 0.01], spread=5)
    assert wide["pooled"] == pytest.approx([1, 3], abs=0.01) and (wide["shrinkage"] < 0.01).all()
    assert (wide["pooled_hi"] - wide["pooled_lo"]) == pytest.approx([2 * 1.96 * 0.01] * 2, rel=0.02)


# ---- references

#: Trials of BCG against tuberculosis (Colditz et al. 1994): cases and non-cases, vaccinated and not.
BCG = np.array(
    [
        [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
        [119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886],
        [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
        [128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825],
    ],
    dtype=float,
)


def test_spread_between_groups_is_that_of_metafor(golden):
    a, b, c, d = BCG
    odds = heterogeneity(np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d)
    where = {
        "method": "M18 τ², Q-profile",
        "package": "metafor (van Houwelingen et al. 2002, analysis on its site)",
        "data": "BCG, log odds",
    }
    golden([odds["tau2_lo"], odds["tau2_hi"]], [0.1302, 1.1812], tolerance=1e-4, **where)
    risk = heterogeneity(np.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    ours = [risk["tau2_dl"], risk["q_stat"], risk["i2"], risk["tau2_lo"], risk["tau2_hi"]]
    where |= {"method": "M18 τ² (DerSimonian-Laird), Q, I²", "package": "metafor 4 (documentation of rma.uni)", "data": "BCG, log risk"}
    golden(ours, [0.3088, 152.2330, 0.9212, 0.1197, 1.1115], tolerance=1e-4, **where)


def test_spread_between_groups_is_that_of_statsmodels(golden):
    from statsmodels.stats.meta_analysis import combine_effects

    rng = np.random.default_rng(4)
    variance = rng.uniform(0.1, 0.6, 14)
    effect = rng.normal(0.5, np.sqrt(0.3 + variance))
    ours = heterogeneity(effect, variance)
    for name, method in (("tau2_dl", "chi2"), ("tau2", "iterated")):
        theirs = combine_effects(effect, variance, method_re=method, atol=1e-12)
        where = {"method": f"M18 {name}", "package": "statsmodels 0.15", "data": "14 simulated effects"}
        golden(ours[name], theirs.tau2, tolerance=1e-8, **where)
    table = theirs.summary_frame().loc["random effect wls"]
    where["method"] = "M18 effect, Hartung-Knapp se"
    golden([ours["effect"], ours["se"]], [table["eff"], table["sd_eff"]], tolerance=1e-7, **where)


def test_certain_segments_give_separate_regressions_with_hc3(frame, found, golden):
    import statsmodels.api as sm

    for segment, part in frame.groupby("segment"):
        fit = sm.OLS(part["grade"], sm.add_constant(part[X])).fit(cov_type="HC3", use_t=True)
        mine = found.effects.table[found.effects.table["group"] == segment]
        ours = mine[["effect", "se", "ci_lo", "ci_hi", "p"]].to_numpy(dtype=float).T
        limits = fit.conf_int().loc[X].to_numpy().T
        where = {"method": "M18 effects by segment", "package": "statsmodels 0.15 (OLS, HC3)", "data": "simulated"}
        golden(ours, [fit.params[X], fit.bse[X], *limits, fit.pvalues[X]], tolerance=1e-10, **where)


def test_the_test_of_equality_is_that_of_a_model_with_interactions(frame, found):
    dummies = pd.get_dummies(frame["segment"]).to_numpy(dtype=float)
    design = np.hstack([dummies[:, [k]] * np.column_stack([np.ones(len(frame)), frame[X]]) for k in range(3)])
    fit = fit_linear(frame["grade"], design)
    restrictions = np.zeros((8, 15))
    for r, (k, j) in enumerate((k, j) for k in (1, 2) for j in range(1, 5)):
        restrictions[r, j], restrictions[r, 5 * k + j] = 1, -1
    wald, cov = fit.wald(restrictions)[0], restrictions @ fit.cov @ restrictions.T
    parts = [restrictions * np.repeat(np.arange(3) == k, 5) for k in range(3)]  # what each segment adds to the covariance
    shares = [np.linalg.inv(cov) @ r @ fit.cov @ r.T for r in parts]
    unsure = [(np.trace(h @ h) + np.trace(h) ** 2) / (n - 5) for h, n in zip(shares, frame["segment"].value_counts().sort_index())]
    free = 8 * 9 / sum(unsure)
    assert frame["segment"].value_counts().min() - 5 < free < len(frame) - 15
    told = found.effects.note("chow").values
    assert told["f"] == pytest.approx(wald * (free - 7) / free, rel=1e-10)
    assert told["p"] == pytest.approx(stats.f.sf(told["f"], 8, free - 7), rel=1e-8)


def test_two_segments_differ_in_one_effect_by_the_test_of_welch(frame):
    two = frame[frame["segment"] != "c"]
    table = differences(two, y="grade", x=X).effects.table.query("attribute == 'w' and by != 'whole'")
    (gap,), v, free = np.diff(table["effect"]), table["se"] ** 2, table["n_segment"] - 5
    welch = v.sum() ** 2 / (v**2 / free).sum()
    told = differences(two, y="grade", x=X).tests.table.set_index("attribute").loc["w"]
    assert told["p"] == pytest.approx(2 * stats.t.sf(abs(gap) / np.sqrt(v.sum()), welch), rel=1e-8)


# ---- planted truth


def test_a_planted_flip_is_found_and_a_difference_of_size_is_no_flip(found):
    verdicts = found.tests.table.set_index("attribute")["verdict"]
    assert verdicts.to_dict() == {"w": "differs", "x": "flips", "y": "not_shown", "z": "differs"}
    x = found.tests.table.set_index("attribute").loc["x"]
    assert x.lowest == "b" and x.q_flip < 0.001
    signs = found.effects.table.query("attribute == 'x'").set_index("group")["sign"]
    assert signs.to_dict() == {"": 1, "a": 1, "b": -1, "c": 1}


def test_nothing_is_ranked_by_segment_before_a_difference_is_shown():
    alike = differences(customers(seed=3, slopes=dict.fromkeys("abc", [0.4, 0.2, 0.1, 0.0])), y="grade", x=X)
    assert not alike.effects.note("chow").values["ranked"] and alike.effects.table["rank"].isna().all()
    assert not (alike.tests.table["verdict"] == "flips").any()
    gain = alike.targeting.table.query("by == 'whole'").iloc[0]
    assert gain.targeting_gain_lo <= 0


def test_the_gain_of_targeting_is_what_was_planted(found):
    # w for all is worth .45 (.5) + .25 (.5) + .3 (.1) = .38; z instead for the third segment adds .3 (.5 - .1) = .12
    whole = found.targeting.table.query("by == 'whole'").iloc[0]
    assert whole.targeting_gain_lo < 0.12 < whole.targeting_gain_hi and whole.p < 0.001
    table = found.targeting.table.query("by == 'segment'").set_index("group")
    assert table["best"].to_dict() == {"a": "w", "b": "w", "c": "z"} and set(table["common"]) == {"w"}
    assert table.loc["c", "targeting_gain"] == pytest.approx(0.4, abs=0.2)
    assert (table["share"] @ table["targeting_gain"]) == pytest.approx(whole.targeting_gain)


def test_a_gain_is_rarely_claimed_where_every_attribute_is_equally_good():
    claimed, width = 0, []
    for seed in range(20):
        frame = customers(450, seed=seed, slopes=dict.fromkeys("abc", [0.3] * 4))
        row = differences(frame, y="grade", x=X).targeting.table.iloc[0]
        claimed += row.targeting_gain_lo > 0
        width.append(row.targeting_gain_hi - row.targeting_gain_lo)
    assert claimed <= 3 and np.mean(width) > 0.1  # 2.5 % of 20, with room for chance


def test_a_small_segment_is_drawn_towards_the_others_and_a_tiny_one_not_computed():
    frame = customers(700, seed=5)
    small = frame[(frame["segment"] != "c") | (frame.groupby("segment").cumcount() < 70)]
    rows = differences(small, y="grade", x=X).effects.table.query("group == 'c'")
    assert (rows["front"] == "pooled").all() and (rows["n_segment"] == 70).all() and rows["pooled"].notna().all()
    assert (rows["pooled_hi"] - rows["pooled_lo"] < rows["ci_hi"] - rows["ci_lo"]).all()
    tiny = frame[(frame["segment"] != "c") | (frame.groupby("segment").cumcount() < 20)]
    told = differences(tiny, y="grade", x=X)
    rows = told.effects.table.query("group == 'c'")
    assert (rows["status"] == "insufficient").all() and rows["effect"].isna().all() and (rows["n"] == 20).all()
    assert (told.tests.table["status"] == "assumption_warning").all() and told.tests.table["p"].notna().all()
    assert (told.targeting.table["status"] == "insufficient").all()


# ---- uncertain membership


def uncertain(frame, seed=1, noise=1.0):
    """Posteriors from one noisy indicator of the segment, and the weights that correct them."""
    rng = np.random.default_rng(seed)
    names = sorted(frame["segment"].unique())
    k = frame["segment"].map({n: i for i, n in enumerate(names)}).to_numpy()
    share = np.bincount(k) / len(k)
    at = np.eye(3)[k] * 1.8 + noise * rng.normal(size=(len(k), 3))
    log = np.log(share) + 1.8 / noise**2 * at
    chance = np.exp(log - log.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    modal = chance.argmax(axis=1)
    classified = (chance.T @ np.eye(3)[modal]) / chance.sum(axis=0)[:, None]
    return names, chance, np.linalg.inv(classified)[modal], np.eye(3)[modal]


def test_correction_weights_recover_the_flip_that_modal_assignment_blurs():
    corrected, modal = [], []
    for seed in range(8):
        frame = customers(1200, seed=seed)
        names, _, weights, hard = uncertain(frame, seed=seed)
        for found, h in ((corrected, weights), (modal, hard)):
            told = differences(frame, y="grade", x=X, members=pd.DataFrame(h, columns=names))
            found.append(told.effects.table.query("group == 'b' and attribute == 'x'")["effect"].iloc[0])
    assert np.mean(corrected) == pytest.approx(-0.4, abs=0.12)
    assert np.mean(modal) > np.mean(corrected) + 0.06
    told = differences(frame, y="grade", x=X, members=pd.DataFrame(weights, columns=names))
    assert told.effects.note("uncertain_membership") is not None


# ---- over locations


def test_a_planted_spread_of_slopes_between_locations_is_found():
    rng = np.random.default_rng(8)
    frame = customers(2400, seed=8, locations=40, slopes=dict.fromkeys("abc", [0.4, 0.2, 0.1, 0.0]))
    frame["grade"] += frame["x"] * rng.normal(0, 0.3, 40)[frame["location"]]
    table = across(frame, y="grade", x=X).table.set_index("attribute")
    assert table.loc["x", "tau_lo"] < 0.3 < table.loc["x", "tau_hi"] and table.loc["x", "q"] < 0.01
    assert (table.loc[["w", "y", "z"], "q"] > 0.01).all()
    assert table.loc["x", "share_against"] == pytest.approx(0.25, abs=0.15)
    assert (table["pred_lo"] <= table["ci_lo"]).all() and (table["n_groups"] == 40).all()


def test_limits_of_a_further_location_are_students_where_effects_are_known_exactly():
    effects = np.array([0.1, 0.5, 0.3, 0.2, 0.6, 0.4, 0.35, 0.15, 0.55, 0.25])
    half = stats.t.ppf(0.975, 9) * effects.std(ddof=1) * np.sqrt(1 + 1 / 10)
    assert prediction(effects, np.full(10, 1e-12)) == pytest.approx((effects.mean() - half, effects.mean() + half), rel=0.01)


def test_limits_of_a_further_location_hold_it_where_the_spread_is_hard_to_see():
    rng, held, usual = np.random.default_rng(40), [], []
    for _ in range(300):
        variances = 0.05 * rng.uniform(0.5, 1.5, 12)
        effects, further = rng.normal(0.3, np.sqrt(0.015 + variances)), rng.normal(0.3, np.sqrt(0.015))
        low, high = prediction(effects, variances)
        held.append(low <= further <= high)
        found = heterogeneity(effects, variances)
        half = stats.t.ppf(0.975, 10) * np.sqrt(found["tau2"] + found["se"] ** 2)
        usual.append(abs(further - found["effect"]) <= half)
    assert np.mean(held) > 0.91 > np.mean(usual)


def test_few_locations_say_so():
    assert (across(customers(300, locations=2), y="grade", x=X).table["status"] == "not_identified").all()
    assert (across(customers(300, locations=4), y="grade", x=X).table["status"] == "assumption_warning").all()


# ---- invariances


def test_the_order_of_rows_does_not_matter(frame, found):
    shuffled = frame.sample(frac=1, random_state=1)
    for one, other in zip(found, differences(shuffled, y="grade", x=X)):
        assert numbers(other) == pytest.approx(numbers(one), abs=1e-12, nan_ok=True)
    assert numbers(across(shuffled, y="grade", x=X)) == pytest.approx(numbers(across(frame, y="grade", x=X)), abs=1e-12, nan_ok=True)


def test_a_frequency_of_two_is_two_rows(frame):
    twice, counted = pd.concat([frame, frame], ignore_index=True), frame.assign(k=2)
    weights = {"weights": "k", "weights_kind": "frequency"}
    for one, other in zip(differences(twice, y="grade", x=X), differences(counted, y="grade", x=X, **weights)):
        assert numbers(other) == pytest.approx(numbers(one), rel=1e-9, abs=1e-9, nan_ok=True)
    one, other = across(twice, y="grade", x=X), across(counted, y="grade", x=X, **weights)
    assert numbers(other) == pytest.approx(numbers(one), rel=1e-9, abs=1e-9, nan_ok=True)


def test_equal_weights_change_nothing(frame, found):
    for one, other in zip(found, differences(frame.assign(k=2.5), y="grade", x=X, weights="k")):
        assert numbers(other) == pytest.approx(numbers(one), abs=1e-12, nan_ok=True)


@settings(max_examples=5, deadline=None)
@given(shift=st.floats(-5, 5), stretch=st.floats(0.2, 5))
def test_shifts_change_nothing_and_units_only_the_units(frame, found, shift, stretch):
    moved = frame.assign(grade=frame["grade"] * stretch + shift, x=frame["x"] + shift)
    told = differences(moved, y="grade", x=X)
    same = found.effects.table["effect"] * stretch
    assert told.effects.table["effect"].to_numpy() == pytest.approx(same.to_numpy(), rel=1e-6, abs=1e-8)
    assert told.tests.table[["p", "p_flip"]].to_numpy() == pytest.approx(found.tests.table[["p", "p_flip"]].to_numpy(), rel=1e-5, abs=1e-9)


def test_relabelling_segments_changes_only_labels(frame, found):
    names = {"a": "3", "b": "1", "c": "2"}
    told = differences(frame.assign(segment=frame["segment"].map(names)), y="grade", x=X)
    one = found.effects.table.assign(group=found.effects.table["group"].replace(names)).sort_values(["attribute", "group"])
    other = told.effects.table.sort_values(["attribute", "group"])
    assert other["effect"].to_numpy() == pytest.approx(one["effect"].to_numpy(), abs=1e-12)
    assert told.tests.table["q_flip"].to_numpy() == pytest.approx(found.tests.table["q_flip"].to_numpy(), abs=1e-12)


# ---- gaps and bad input


def test_respondents_without_a_segment_or_an_answer_are_counted(frame):
    gaps = frame.copy()
    gaps.loc[:9, "segment"] = None
    gaps.loc[5:14, "x"] = np.nan
    told = differences(gaps, y="grade", x=X)
    assert told.effects.meta["n_used"] == 885 and told.effects.meta["n_dropped_missing"] == 15
    assert told.effects.table["n_missing"].eq(15).all()


def test_an_attribute_without_variation_stays_in_the_table(frame):
    told = differences(frame.assign(flat=7.0), y="grade", x=[*X, "flat"])
    rows = told.effects.table.query("attribute == 'flat'")
    assert len(rows) == 4 and (rows["status"] == "degenerate").all() and rows["effect"].isna().all()
    assert told.tests.table["status"].iloc[-1] == "degenerate"


@pytest.mark.parametrize("members", [None, pd.DataFrame(index=range(381))])
def test_one_segment_or_none_leaves_the_drivers_of_everybody(frame, members):
    alone = frame.query("segment == 'a'")
    told = differences(alone, y="grade", x=X, members=members)
    assert told.effects.note("no_segments") is not None
    assert (told.tests.table["status"] == "not_identified").all() and (told.tests.table["verdict"] == "").all()
    whole = told.effects.table.query("by == 'whole'")
    assert len(whole) == 4 and whole["effect"].notna().all()
    assert told.targeting.table["targeting_gain"].isna().all() and (told.targeting.table["status"] == "insufficient").all()


def test_what_cannot_be_compared_is_refused(frame):
    with pytest.raises(InputError, match="3 rows where the table has 900"):
        differences(frame, y="grade", x=X, members=pd.DataFrame(np.eye(3), columns=list("abc")))
    with pytest.raises(InputError, match="lacks 1 column"):
        differences(frame, y="grade", x=[*X, "v"])


def test_clusters_widen_the_intervals_of_what_varies_between_them():
    rng = np.random.default_rng(2)
    frame = customers(900, seed=2)
    frame["grade"] += frame["x"] * rng.normal(0, 0.6, 30)[frame["location"]]
    alone = differences(frame, y="grade", x=X).effects.table.query("group == 'a' and attribute == 'x'").iloc[0]
    whole = differences(frame, y="grade", x=X, clusters="location").effects.table.query("group == 'a' and attribute == 'x'").iloc[0]
    assert whole.effect == pytest.approx(alone.effect, abs=1e-12) and whole.se > 1.2 * alone.se


def test_dealt_errors_regain_what_their_locations_mean_took():
    frame = customers(n=240, locations=40)  # six answers a location: their mean takes a sixth of the variance
    groups = _SlopesByGroup(prepare(frame, y="grade", x=X, scales=None).joint, frame["location"])
    n = np.bincount(groups.codes)[groups.codes]
    assert groups.lost == pytest.approx(np.sqrt(n / (n - 1)))
    assert np.var(groups.resid * groups.lost) == pytest.approx(np.var(groups.resid) * groups.n / (groups.n - groups.g), rel=0.05)

"""Expectations met and exceeded, feelings, and the path of delight (method M04)."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.errors import InputError
from delight.satisfaction import expectations
from delight.satisfaction.factors import TwoSets
from delight.scales import Scale
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa

TEN, FIVE, NPS = Scale(1, 10), Scale(1, 5), Scale(0, 10)
SCALES = {"grade": TEN, "direct": FIVE, "recommend": NPS}
DIRECT = {"y": "grade", "x": "direct", "scales": SCALES}


def answers(cells):
    """Rows from {(grade, direct): count}."""
    rows = [cell for cell, count in cells.items() for _ in range(count)]
    return pd.DataFrame(rows, columns=["grade", "direct"], dtype=float)


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(11)
    n = 400
    mood = rng.normal(size=n)
    direct = np.clip(np.round(3.2 + 0.6 * mood + 0.5 * rng.normal(size=n)), 1, 5)
    feel = {f"e{i}": np.clip(np.round(3 + 0.4 * (direct - 3) + 0.5 * mood + 0.6 * rng.normal(size=n)), 1, 5) for i in range(3)}
    grade = np.clip(np.round(7.5 + 0.7 * (direct - 3) + 0.8 * mood + 0.6 * rng.normal(size=n)), 1, 10)
    recommend = np.clip(np.round(grade - 0.5 + 0.3 * (feel["e0"] - 3) + rng.normal(size=n)), 0, 10)
    return pd.DataFrame({"grade": grade, "direct": direct, "recommend": recommend, **feel}).assign(
        w=np.where(np.arange(n) % 3, 1.0, 2.0), place=np.arange(n) % 45
    )


def by(result, **keys):
    found = result.table
    for name, value in keys.items():
        found = found[found[name] == value]
    return found.iloc[0]


# ---- the direct question ------------------------------------------------------------------------------------------------
def test_what_counts_as_met_and_exceeded():
    cuts = expectations.direct_cuts
    assert cuts(FIVE) == (3, 4) and cuts(Scale(1, 7)) == (4, 6) and cuts(Scale(1, 3)) == (2, 3)
    assert cuts(Scale(0, 1)) == (1, 1) and cuts(Scale(1, 4)) == (3, 3) and cuts(Scale(0, 100, 0)) == (50, 75)


def test_shares_both_ways_by_hand(golden):
    """Newcombe (1998), his example (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339."""
    frame = answers({(9, 4): 56, (8, 5): 14, (10, 3): 48, (7, 3): 32, (9, 1): 2, (5, 2): 8})
    found = expectations.exceeding(frame, **DIRECT)
    difference = by(found, measure="risk_diff")
    golden(
        [difference["lo"], difference["hi"]],
        [0.0524, 0.3339],
        method="M04 risk difference",
        package="Newcombe 1998, method 10",
        data="56/70 − 48/80",
        tolerance=5e-5,
    )
    assert difference["value"] == pytest.approx(0.2) and difference["n"] == 70 and difference["n_other"] == 80
    assert by(found, measure="share_exceeded")["value"] == pytest.approx(70 / 160)
    assert by(found, measure="delighted", group="below")["value"] == pytest.approx(0.2)
    assert by(found, measure="exceeded_if_delighted")["value"] == pytest.approx(56 / 106)
    violations = by(found, measure="violations")
    assert violations["value"] == pytest.approx(50 / 106) and violations["n"] == 106
    z = 0.2 / np.sqrt(104 / 150 * 46 / 150 * (1 / 70 + 1 / 80))
    assert difference["p"] == pytest.approx(2 * stats.norm.sf(z))


def test_the_joint_table_adds_up(people):
    found = expectations.joint(people, **DIRECT).table
    assert found["count"].sum() == len(people) and found["share"].sum() == pytest.approx(1)
    assert found.groupby("group")["share_of_group"].sum().tolist() == pytest.approx([1, 1, 1])
    assert set(found["band"]) == {"low", "middle", "delighted"}


def test_means_stand_beside_seven_and_eight():
    frame = answers({(8, 3): 60, (7, 3): 20, (9, 3): 18, (9, 4): 40, (10, 5): 40, (6, 1): 30, (5, 1): 30})
    found = expectations.means(frame, **DIRECT)
    met, more = by(found, group="met"), by(found, group="exceeded")
    assert met["mean"] == pytest.approx((480 + 140 + 162) / 98) and met["prefers"] == "8" and met["tost_p_8"] < 0.01
    assert more["mean"] == 9.5 and more["p_above_rule"] < 1e-9 and found.meta["trend_p"] < 1e-9
    other = expectations.means(frame.assign(grade=frame["grade"] / 2), **{**DIRECT, "scales": {**SCALES, "grade": Scale(0.5, 5, 0.5)}})
    assert other.table["prefers"].eq("not_identified").all() and other.table["tost_p_8"].isna().all()


@pytest.mark.filterwarnings("error")
def test_nobody_and_one_group_only():
    nobody = answers({(8, 3): 1}).iloc[:0]
    for method in (expectations.exceeding, expectations.joint, expectations.means):
        assert set(method(nobody, **DIRECT).table["status"]) == {"insufficient"}
    one = expectations.exceeding(answers({(9, 5): 12}), **DIRECT)
    assert by(one, measure="risk_diff")["status"] == "insufficient" and by(one, measure="share_exceeded")["value"] == 1
    cells, agreement = expectations.three_way(answers({(9, 5): 12}).assign(recommend=10.0), recommend="recommend", **DIRECT)
    assert set(agreement.table["status"]) == {"degenerate"} and cells.table["count"].sum() == 12
    with pytest.raises(InputError, match="Promoters are defined on 0-10"):
        expectations.three_way(answers({(9, 5): 2}), recommend="grade", **DIRECT)


# ---- three things ----------------------------------------------------------------------------------------------------------
def test_kappa_and_its_error_are_those_of_fleiss(people, golden):
    _, agreement = expectations.three_way(people, recommend="recommend", **DIRECT)
    table = pd.crosstab(people["direct"] >= 4, people["recommend"] >= 9).to_numpy()
    reference = cohens_kappa(table)
    row = by(agreement, term="exceeded", other="promoter")
    n = len(people)
    ours = [row["kappa"], row["kappa_se"] * np.sqrt((n - 1) / n)]
    golden(
        ours,
        [reference.kappa, reference.std_kappa],
        method="M04 κ",
        package="statsmodels 0.15 cohens_kappa",
        data="planted",
        tolerance=1e-10,
    )
    assert row["term_if_other"] == pytest.approx(table[1, 1] / table[:, 1].sum()) and row["n_other"] == table[:, 1].sum()


def test_the_eight_cells_hold_everybody(people):
    cells, _ = expectations.three_way(people, recommend="recommend", **DIRECT)
    assert len(cells.table) == 8 and cells.table["count"].sum() == len(people)
    inside = (people["direct"] >= 4) & (people["grade"] >= 9) & (people["recommend"] < 9)
    found = cells.table.query("exceeded and delighted and not promoter").iloc[0]
    assert found["count"] == inside.sum() and found["share"] == pytest.approx(inside.mean())


# ---- two constructs ------------------------------------------------------------------------------------------------------------
def test_two_factors_as_a_structural_equation_program_fits_them(shared, golden):
    """semopy 2.3.11 on the standardised mobi data; its χ² is n F, ours (n − 1) F."""
    frame = pd.read_csv(shared / "data/ecsi-mobile/mobi.csv")
    sets = {
        "satisfaction": [f"CUSA{i}" for i in (1, 2, 3)],
        "quality": [f"PERQ{i}" for i in range(1, 8)],
        "image": [f"IMAG{i}" for i in range(1, 6)],
    }
    found = expectations.distinct(frame, constructs=sets, n_boot=200)
    about = {"package": "semopy 2.3.11", "data": "mobi"}
    for other, phi, two, one in (("quality", 0.958938508, 105.12345335, 108.35250524), ("image", 0.909579155, 41.5999762, 48.67291882)):
        row = by(found, term="satisfaction", other=other)
        golden(row["phi"], phi, method="M04 correlation of two factors", tolerance=2e-4, **about)
        golden(
            np.array([row["chi2_two"], row["chi2_one"]]) * 250 / 249,
            [two, one],
            method="M04 χ² of two factors and one",
            tolerance=1e-4,
            relative=True,
            **about,
        )
        assert row["lr"] == pytest.approx(row["chi2_one"] - row["chi2_two"]) and row["phi_lo"] < row["phi"] < row["phi_hi"]
    assert by(found, term="satisfaction", other="quality")["verdict"] == "same"


def test_the_slope_of_the_two_factor_model_is_right():
    rng = np.random.default_rng(0)
    r = np.corrcoef(rng.normal(size=(50, 5)) + rng.normal(size=(50, 1)), rowvar=False)
    for joined in (False, True):
        model = TwoSets(r, 2, joined=joined)
        at = model.params + 0.1
        slope = model.value(at)[1]
        by_hand = [(model.value(at + 1e-6 * e)[0] - model.value(at - 1e-6 * e)[0]) / 2e-6 for e in np.eye(len(at))]
        np.testing.assert_allclose(slope, by_hand, atol=1e-6)


@pytest.mark.parametrize(("phi", "verdict"), [(0.4, "distinct"), (1.0, "same")])
def test_planted_constructs_are_told_apart_or_not(phi, verdict):
    rng = np.random.default_rng(5)
    n = 500
    first = rng.normal(size=n)
    second = phi * first + np.sqrt(1 - phi**2) * rng.normal(size=n)
    frame = pd.DataFrame({f"{name}{i}": 0.8 * f + 0.6 * rng.normal(size=n) for name, f in (("a", first), ("b", second)) for i in range(3)})
    sets = {"satisfaction": ["a0", "a1", "a2"], "delight": ["b0", "b1", "b2"]}
    row = expectations.distinct(frame, constructs=sets, n_boot=300).table.iloc[0]
    assert row["verdict"] == verdict and (row["phi"] > 0.9 if phi == 1 else row["phi_lo"] < phi < row["phi_hi"])
    single = expectations.distinct(frame, constructs={**sets, "satisfaction": ["a0"]}, n_boot=100).table.iloc[0]
    assert single["verdict"] in ("not_identified", "same") and np.isnan(single["phi"])


@pytest.mark.long
def test_the_interval_of_the_correlation_of_factors_covers():
    """100 data sets: the robust interval covers the planted .6 in 90-99 % (Monte-Carlo error ± 4 %)."""
    hits = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        first = rng.normal(size=400)
        second = 0.6 * first + 0.8 * rng.normal(size=400)
        frame = pd.DataFrame({f"{k}{i}": 0.8 * f + 0.6 * rng.normal(size=400) for k, f in (("a", first), ("b", second)) for i in range(3)})
        row = expectations.distinct(frame, constructs={"a": ["a0", "a1", "a2"], "b": ["b0", "b1", "b2"]}, n_boot=20).table.iloc[0]
        hits += row["phi_lo"] <= 0.6 <= row["phi_hi"]
    assert 0.90 <= hits / 100 <= 0.99


# ---- three measures ---------------------------------------------------------------------------------------------------------
def test_three_measures_are_shown_apart(people):
    frame = people.assign(p1=people["grade"], p2=people["grade"], p3=people["recommend"].clip(1), x1=8.0, x2=7.0, x3=9.0)
    names = {c: TEN for c in ("p1", "p2", "p3", "x1", "x2", "x3")} | {f"e{i}": FIVE for i in range(3)}
    found = expectations.measures(
        frame,
        y="grade",
        scales={**SCALES, **names},
        gaps={"p1": "x1", "p2": "x2", "p3": "x3"},
        direct="direct",
        affect=["e0", "e1", "e2"],
        n_boot=50,
    )
    table = found.table.set_index("measure")
    assert list(table.index) == ["gap", "direct", "affect"] and table.loc["direct", "items"] == 1 and np.isnan(table.loc["direct", "alpha"])
    assert table.loc["gap", "mean"] == pytest.approx(((frame["p1"] - 8) + (frame["p2"] - 7) + (frame["p3"] - 9)).mean() / 3)
    items = frame[["e0", "e1", "e2"]].cov().to_numpy()
    assert table.loc["affect", "alpha"] == pytest.approx(1.5 * (1 - np.trace(items) / items.sum()))
    assert table.loc["affect", "r"] == pytest.approx(np.corrcoef(frame[["e0", "e1", "e2"]].mean(axis=1), frame["grade"])[0, 1])
    assert table.loc["affect", "r_direct"] == pytest.approx(table.loc["direct", "r_affect"])


# ---- the path ------------------------------------------------------------------------------------------------------------------
STAGES = {"disconfirmation": ["direct"], "delight": ["e0", "e1", "e2"], "satisfaction": ["grade"], "intention": ["recommend"]}
ALL = {**SCALES, **{f"e{i}": FIVE for i in range(3)}}


def test_stages_that_were_not_asked_are_replaced_by_what_leads_to_them():
    found = expectations.arrows(["surprise", "disconfirmation", "arousal", "affect", "delight", "satisfaction", "intention"])
    assert (
        found["delight"] == ("arousal", "affect")
        and found["satisfaction"] == ("disconfirmation", "affect")
        and found["arousal"] == ("surprise",)
    )
    assert expectations.arrows(["surprise", "delight", "intention"]) == {"delight": ("surprise",), "intention": ("delight", "surprise")}


def test_the_arrows_are_standardised_regressions(people):
    found = expectations.path(people, stages=STAGES, scales=ALL, n_boot=300)
    z = pd.DataFrame({"delight": people[["e0", "e1", "e2"]].mean(axis=1), "satisfaction": people["grade"], "y": people["recommend"]})
    z = (z - z.mean()) / z.std(ddof=0)
    fit = sm.OLS(z["y"], sm.add_constant(z[["delight", "satisfaction"]])).fit(cov_type="HC3", use_t=True)
    for term in ("delight", "satisfaction"):
        row = by(found, kind="arrow", term=term, outcome="intention")
        assert [row["coef"], row["se"], row["p"]] == pytest.approx([fit.params[term], fit.bse[term], fit.pvalues[term]], rel=1e-8)
        assert row["r2"] == pytest.approx(fit.rsquared)
    route = by(found, route="disconfirmation > delight > intention")
    first, second = by(found, term="disconfirmation", outcome="delight"), by(found, term="delight", outcome="intention")
    assert route["coef"] == pytest.approx(first["coef"] * second["coef"]) and route["ci_lo"] < route["coef"] < route["ci_hi"]


def test_a_path_needs_answers_and_spread(people):
    few = expectations.path(people.iloc[:20], stages=STAGES, scales=ALL, n_boot=20).table
    assert set(few["status"]) == {"insufficient"} and few["coef"].isna().all()
    flat = expectations.path(people.assign(direct=3.0), stages=STAGES, scales=ALL, n_boot=20).table
    assert (
        set(flat[flat["outcome"].isin(["delight"])]["status"]) == {"not_identified"} and flat[flat["kind"] == "route"]["coef"].isna().all()
    )
    with pytest.raises(InputError, match="'joy' is no stage; 'intention' is missing"):
        expectations.path(people, stages={"joy": ["e0"], "delight": ["e1"]}, scales=ALL)


# ---- invariances ---------------------------------------------------------------------------------------------------------------
def told(frame, **options):
    shares = expectations.exceeding(frame, **DIRECT, **options).table[["value", "lo", "hi", "p"]].to_numpy(dtype=float)
    levels = expectations.means(frame, **DIRECT, **options).table[["mean", "ci_lo", "ci_hi", "tost_p_8"]].to_numpy(dtype=float)
    pairs = (
        expectations.three_way(frame, recommend="recommend", **DIRECT, **options)
        .agreement.table[["kappa", "kappa_se"]]
        .to_numpy(dtype=float)
    )
    plain = {k: v for k, v in options.items() if k in ("weights", "weights_kind", "clusters")}
    arrow = expectations.path(frame, stages=STAGES, scales=ALL, n_boot=20, **plain).table.query("kind == 'arrow'")
    two = expectations.distinct(frame, constructs={"a": ["grade", "recommend"], "b": ["e0", "e1", "e2"]}, n_boot=20, **plain).table
    return [shares, levels, pairs, arrow[["coef", "se"]].to_numpy(dtype=float), two[["r", "phi", "phi_lo", "lr"]].to_numpy(dtype=float)]


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 1000))
def test_row_order_frequency_and_equal_weights(people, seed):
    frame = people.iloc[:120].assign(f=np.random.default_rng(seed).integers(1, 3, 120))
    base = told(frame)
    for a, b in zip(base, told(frame.sample(frac=1, random_state=seed))):
        np.testing.assert_allclose(a, b, rtol=1e-4)
    for a, b in zip(base[:4], told(frame.assign(one=3.0), weights="one")[:4]):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    counted = told(frame, weights="f", weights_kind="frequency")
    for a, b in zip(told(frame.loc[frame.index.repeat(frame["f"])].reset_index(drop=True)), counted):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)


def test_weights_and_clusters_are_taken(people):
    plain, weighted, placed = (expectations.exceeding(people, **DIRECT, **o).table for o in ({}, {"weights": "w"}, {"clusters": "place"}))
    assert weighted["value"].iloc[0] == pytest.approx(np.average(people["direct"] >= 4, weights=people["w"]))
    assert placed["value"].tolist() == pytest.approx(plain["value"].tolist()) and placed["lo"].iloc[0] != plain["lo"].iloc[0]

"""Means under strata, clusters, weights and finite populations (core: delight.estimate.Design)."""

import json

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.estimate import Design, WildCluster, fit_linear, mean, sample, stratified_mean, weighted_median
from scipy import stats


def near(value, expected):
    assert value == pytest.approx(expected, rel=1e-8, abs=1e-12)


@pytest.fixture(scope="module")
def schools(shared):
    folder = shared / "reference" / "survey"
    frame = pd.read_csv(folder / "apistrat.csv")
    frame["award"] = (frame["awards"] == "Yes").astype(float)
    return frame, json.loads((folder / "apistrat.json").read_text())


@pytest.fixture(scope="module")
def districts(shared):
    folder = shared / "reference" / "survey"
    return pd.read_csv(folder / "apiclus1.csv"), json.loads((folder / "apiclus1.json").read_text())


def design_of(frame, y, **design):
    weights = design.pop("weights", None)
    return Design(sample(frame, [y], weights=weights), **design)


@pytest.mark.parametrize(
    ("name", "design"),
    [
        ("design_stratified_with_fpc", {"strata": "stype", "population": {"E": 4421, "H": 755, "M": 1018}}),
        ("design_stratified_with_fpc", {"strata": "stype", "population": {"E": 4421, "H": 755, "M": 1018}, "weights": "pw"}),
        ("design_stratified_without_fpc", {"strata": "stype", "weights": "pw"}),
        ("design_weights_only", {"weights": "pw"}),
    ],
)
def test_means_and_shares_agree_with_svymean(schools, name, design):
    frame, reference = schools
    expected = reference[name]
    found = design_of(frame, "api00", **dict(design)).mean(frame["api00"])
    near(found.value, expected["mean_api00"]["est"]["api00"])
    near(found.se, expected["mean_api00"]["se"]["api00"])
    share, _ = design_of(frame, "award", **dict(design)).share(frame["award"])
    near(share.value, expected["prop_awards"]["est"]["factor(awards)Yes"])
    near(share.se, expected["prop_awards"]["se"]["factor(awards)Yes"])


@pytest.mark.parametrize("name", ["design_stratified_with_fpc", "design_stratified_without_fpc"])
def test_the_mean_of_a_stratum_agrees_with_svyby(schools, name):
    frame, reference = schools
    population = {"E": 4421, "H": 755, "M": 1018} if name.endswith("with_fpc") else None
    design = design_of(frame, "api00", strata="stype", population=population, weights="pw")
    for stratum, value, se in zip(*[reference[name]["mean_by_stype"][k] for k in ("stype", "est", "se")]):
        found = design.mean(frame["api00"], frame["stype"] == stratum)
        near(found.value, value)
        near(found.se, se)
        assert found.df == (frame["stype"] == stratum).sum() - 1


def test_degrees_of_freedom_and_effective_n_follow_the_design(schools):
    frame, reference = schools
    found = design_of(frame, "api00", strata="stype", weights="pw").mean(frame["api00"])
    assert found.df == 197
    expected = reference["design_stratified_without_fpc"]["deff_mean_api00"] * (
        1 - 200 / 6194
    )  # svymean compares with a drawing without replacement
    assert found.n / found.n_eff == pytest.approx(expected, rel=1e-4)
    assert sample(frame, ["api00"], weights="pw").n_eff == pytest.approx(reference["kish"]["n_eff"], rel=1e-10)


@pytest.mark.parametrize(("name", "population"), [("cluster_with_fpc", 757), ("cluster_without_fpc", None)])
def test_means_over_clusters_agree_with_svymean(districts, name, population):
    frame, reference = districts
    design = design_of(frame, "api00", clusters="dnum", weights="pw", population=population)
    found = design.mean(frame["api00"])
    near(found.value, reference[name]["mean_api00"]["est"]["api00"])
    near(found.se, reference[name]["mean_api00"]["se"]["api00"])
    assert found.df == reference["cluster_with_fpc"]["degf"]
    share, _ = design.share(frame["stype"] == "H")
    near(share.se, reference[name]["prop_stype"]["se"]["factor(stype)H"])


def test_every_design_agrees_with_the_survey_package(schools, districts, golden):
    designs = {
        "design_stratified_with_fpc": {"strata": "stype", "population": {"E": 4421, "H": 755, "M": 1018}, "weights": "pw"},
        "design_stratified_without_fpc": {"strata": "stype", "weights": "pw"},
        "design_weights_only": {"weights": "pw"},
    }
    cases = [(schools, "apistrat", name, design) for name, design in designs.items()]
    for name, population in (("cluster_with_fpc", 757), ("cluster_without_fpc", None)):
        cases.append((districts, "apiclus1", name, {"clusters": "dnum", "weights": "pw", "population": population}))
    for (frame, reference), data, name, design in cases:
        found = design_of(frame, "api00", **dict(design)).mean(frame["api00"])
        expected = [reference[name]["mean_api00"][k]["api00"] for k in ("est", "se")]
        about = {"package": "survey 4.1-1", "data": f"{data}, {name.replace('_', ' ')}", "tolerance": 1e-8, "relative": True}
        golden([found.value, found.se], expected, method="M00 mean and its standard error", **about)


def test_the_mean_over_clusters_is_a_regression_on_a_constant(districts):
    frame, _ = districts
    found = design_of(frame, "api00", clusters="dnum").mean(frame["api00"])
    fit = fit_linear(frame["api00"], np.ones((len(frame), 1)), clusters=frame["dnum"], cov="CR1")
    near(found.se, fit.se[0])


def test_a_stratified_mean_by_hand():
    found = stratified_mean([8, 10, 5, 6, 7], ["a", "a", "b", "b", "b"], {"a": 10, "b": 30})
    variance = (10 / 40) ** 2 * (1 - 2 / 10) * 2 / 2 + (30 / 40) ** 2 * (1 - 3 / 30) * 1 / 3
    assert found.value == pytest.approx(10 / 40 * 9 + 30 / 40 * 6)
    assert found.se == pytest.approx(np.sqrt(variance))
    assert found.df == 3
    assert found.hi == pytest.approx(found.value + stats.t.ppf(0.975, 3) * np.sqrt(variance))


def test_a_whole_population_has_no_sampling_error():
    found = stratified_mean([8, 10, 5, 6], ["a", "a", "b", "b"], {"a": 2, "b": 2})
    assert (found.se, found.lo, found.hi) == (0, found.value, found.value)


def test_equal_weights_reproduce_the_unweighted_result():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"y": rng.integers(1, 11, 80).astype(float), "h": rng.integers(0, 4, 80).astype(str), "w": 2.5})
    for design in ({}, {"strata": "h"}, {"clusters": "h"}, {"strata": "h", "population": dict.fromkeys("0123", 90)}):
        a = design_of(frame, "y", **design).mean(frame["y"])
        b = design_of(frame, "y", weights="w", **design).mean(frame["y"])
        for name in ("value", "se", "lo", "hi", "n_eff", "sd"):
            assert getattr(b, name) == pytest.approx(getattr(a, name), rel=1e-12)


def test_a_frequency_weight_of_two_is_two_rows():
    frame = pd.DataFrame({"y": [3.0, 7, 8, 9, 10, 6], "h": list("aabbcc"), "w": [1, 2, 3, 1, 2, 1]})
    long = frame.loc[frame.index.repeat(frame["w"])].reset_index(drop=True)
    for design in ({}, {"strata": "h"}, {"clusters": "h"}, {"strata": "h", "population": {"a": 9, "b": 20, "c": 3}}):
        used = sample(frame, ["y"], weights="w", weights_kind="frequency")
        inside = frame["h"] != "c"
        a = Design(used, **design).mean(frame["y"], inside)
        b = design_of(long, "y", **design).mean(long["y"], long["h"] != "c")
        for name in ("value", "se", "lo", "hi", "n", "n_eff", "sd"):
            assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-12)


def test_single_answers_are_joined_within_their_label():
    frame = pd.DataFrame({"y": [8.0, 6, 9, 7, 5], "h": ["a", "b", "c", "c", "c"]})
    design = design_of(frame, "y", strata="h", labels={"a": "x", "b": "x", "c": "y"})
    found = design.mean(frame["y"])
    assert ("strata_collapsed", {"n": 2}) in design.notes
    assert found.se == pytest.approx(np.sqrt((2 / 5) ** 2 * 2 / 2 + (3 / 5) ** 2 * 4 / 3))
    assert found.df == 3
    lonely = design_of(frame.iloc[1:], "y", strata="h", labels={"b": "x", "c": "x"})
    assert lonely.mean(frame["y"].iloc[1:]).df == 3  # b joins c


def test_a_location_of_unknown_size_takes_the_average_weight_without_correction():
    frame = pd.DataFrame({"y": [8.0, 6, 9, 7], "h": ["a", "a", "b", "b"]})
    design = design_of(frame, "y", strata="h", population={"a": 10})
    assert design.notes == [("population_unknown", {"strata": ["b"], "n": 2})]
    assert design.mean(frame["y"]).se == pytest.approx(np.sqrt(0.25 * (1 - 2 / 10) * 2 / 2 + 0.25 * 2 / 2))


def test_without_any_population_the_pooled_mean_stands_and_says_so():
    frame = pd.DataFrame({"y": [8.0, 6, 9, 7, 9], "h": ["a", "a", "b", "b", "b"]})
    design = design_of(frame, "y", strata="h")
    assert design.mean(frame["y"]).value == pytest.approx(7.8)
    assert design.notes == [("no_population", {"strata": 2})]


def test_more_answers_than_people_mean_a_wrong_list_and_no_certainty():
    frame = pd.DataFrame({"y": [8.0, 6, 9, 7, 8, 5], "h": ["a", "a", "a", "b", "b", "b"]})
    design = design_of(frame, "y", strata="h", population={"a": 2, "b": 6})
    alone, plain = design.mean(frame["y"], frame["h"].eq("a")), mean(frame["y"][:3])
    assert alone.se == pytest.approx(plain.se) and (alone.lo, alone.hi) == pytest.approx((plain.lo, plain.hi))
    assert design.mean(frame["y"]).value == pytest.approx((3 * 23 / 3 + 6 * 20 / 3) / 9)  # at least those who answered are there
    assert design.notes == [("population_exceeded", {"strata": ["a"]})]
    everybody = design_of(frame, "y", strata="h", population={"a": 3, "b": 3})
    assert everybody.mean(frame["y"]).se == 0 and not everybody.notes


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"y": rng.integers(1, 11, 60).astype(float), "h": rng.choice(list("abcdefghij"), 60)})
    other = frame.sample(frac=1, random_state=1)
    a = design_of(frame, "y", clusters="h").mean(frame["y"], rng=np.random.default_rng(1))
    b = design_of(other, "y", clusters="h").mean(other["y"], rng=np.random.default_rng(1))
    assert (a.value, a.lo, a.hi) == pytest.approx((b.value, b.lo, b.hi), rel=1e-10)


def test_few_clusters_take_the_wild_bootstrap_and_fewer_a_warning():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"y": rng.normal(size=90), "g": np.repeat(np.arange(9), 10)})
    found = design_of(frame, "y", clusters="g").mean(frame["y"], rng=np.random.default_rng(1))
    assert found.interval == "wild" and found.lo < found.value < found.hi
    few = frame[frame["g"] < 5]
    assert design_of(few, "y", clusters="g").mean(few["y"], rng=np.random.default_rng(1)).interval == "few"


def test_a_difference_within_clusters_knows_their_covariance():
    rng = np.random.default_rng(8)
    g = np.repeat(np.arange(50), 8)
    x = np.tile([0, 1], 200)
    frame = pd.DataFrame({"y": rng.normal(size=50)[g] * 2 + 0.3 * x + rng.normal(size=400), "g": g})
    found, p = design_of(frame, "y", clusters="g").difference(frame["y"], x == 1, x == 0)
    fit = fit_linear(frame["y"], np.column_stack([np.ones(400), x]), clusters=g)
    assert found.value == pytest.approx(fit.coef[1])
    assert found.se == pytest.approx(fit.se[1] * np.sqrt(398 / 399), rel=1e-10)
    assert p == pytest.approx(fit.p[1], rel=0.05)


def test_wild_bootstrap_rejects_what_lies_outside_its_interval():
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(20), 6)
    y = rng.normal(size=20)[g] + rng.normal(size=120)
    tested = WildCluster(y, np.ones((120, 1)), np.ones(120), g, [1.0], n_boot=999, rng=np.random.default_rng(0))
    lo, hi = tested.interval(0.95)
    assert tested.p(hi + 0.01) <= 0.05 < tested.p(hi - 0.01)
    assert tested.p(lo - 0.01) <= 0.05 < tested.p(lo + 0.01)
    assert tested.p(tested.value) > 0.9
    assert tested.kind == "rademacher"


@pytest.mark.parametrize(
    "design", [{}, {"strata": "h"}, {"clusters": "h"}, {"strata": "h", "population": {"0": 90, "1": 60, "2": 45, "3": 70}}]
)
def test_a_constant_shift_moves_the_mean_and_nothing_else(design):
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"y": rng.integers(1, 8, 90).astype(float), "h": rng.integers(0, 4, 90).astype(str), "w": rng.uniform(0.5, 2, 90)})
    a = design_of(frame, "y", weights="w", **dict(design)).mean(frame["y"])
    b = design_of(frame, "y", weights="w", **dict(design)).mean(frame["y"] + 3)
    assert (b.value - 3, b.lo - 3, b.hi - 3, b.se, b.n_eff) == pytest.approx((a.value, a.lo, a.hi, a.se, a.n_eff), rel=1e-10)


def test_a_score_interval_over_few_clusters_takes_fewer_answers():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"y": rng.integers(0, 2, 200).astype(float), "h": np.arange(200) % 10})
    design = design_of(frame, "y", clusters="h")
    found = design.mean(frame["y"])
    assert design.score_n(found) == pytest.approx(found.n_eff * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 9)) ** 2)
    plain = design_of(frame, "y")
    assert plain.score_n(plain.mean(frame["y"])) == 200


def test_a_lone_answer_has_a_mean_and_no_interval():
    frame = pd.DataFrame({"y": [8.0, 7, 6], "h": ["a", "b", "b"]})
    found = design_of(frame, "y", strata="h").mean(frame["y"], frame["h"] == "a")
    assert found.value == 8 and np.isnan(found.lo)


def test_an_unknown_column_is_named():
    with pytest.raises(InputError, match="'places'"):
        design_of(pd.DataFrame({"y": [1.0]}), "y", strata="places")


@pytest.mark.parametrize(
    ("values", "w", "expected"), [([3, 1, 2], None, 2), ([1, 2, 3, 4], None, 2.5), ([1, 2, 9], [1, 1, 2], 5.5), ([1, 2, 9], [1, 1, 3], 9)]
)
def test_the_median_is_what_half_the_weight_reaches(values, w, expected):
    assert weighted_median(values, w) == expected


@pytest.mark.long
def test_wild_bootstrap_and_strata_cover_the_truth():
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(400):
        g = np.repeat(np.arange(10), rng.integers(5, 30, 10))
        y = rng.normal(0, 0.5, 10)[g] + rng.normal(size=len(g))
        frame = pd.DataFrame({"y": y, "g": g})
        found = design_of(frame, "y", clusters="g").mean(y, n_boot=399, rng=rng)
        covered += found.lo <= 0 <= found.hi
    assert 0.92 <= covered / 400 <= 0.98
    covered, plain = 0, 0
    for _ in range(2000):  # 60 locations, all surveyed, 40 % respond, ICC .05
        u = rng.normal(0, np.sqrt(0.05), 60)
        everyone = u[:, None] + rng.normal(0, np.sqrt(0.95), (60, 30))
        y, h = everyone[:, :12].ravel(), np.repeat(np.arange(60), 12)
        found = stratified_mean(y, h, dict.fromkeys(map(str, range(60)), 30))
        covered += found.lo <= everyone.mean() <= found.hi
        plain += abs(mean(y).value - everyone.mean()) < 1e-9
    assert 0.93 <= covered / 2000 <= 0.97

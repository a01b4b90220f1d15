import json

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.satisfaction import nps, nps_compare, nps_paired
from delight.satisfaction.nps import interval
from delight.scales import Scale

TEN = Scale(0, 10)


def counted(detractors, passives, promoters):
    return pd.DataFrame({"recommend": [5.0, 8.0, 10.0], "w": [detractors, passives, promoters]})


def score(counts, **options):
    return nps(counted(*counts), y="recommend", scale=TEN, weights="w", weights_kind="frequency", **options).table.iloc[0]


@pytest.fixture(scope="module")
def vectors(shared):
    return json.loads((shared / "reference" / "nps" / "count_vectors.json").read_text())


def test_score_and_intervals_agree_with_the_reference(vectors):
    for vector in vectors["vectors"]:
        counts = [vector["counts"][k] for k in ("detractors", "passives", "promoters")]
        row = score(counts, method="wald")
        assert row.n == vector["n"]
        assert row.nps == pytest.approx(100 * vector["nps"], abs=1e-10)
        assert row.se == pytest.approx(100 * vector["se_NPS_package_div_n"], abs=1e-8)
        for level in (0.9, 0.95, 0.99):
            expected = vector["intervals"][f"conf_{level}"]
            wald = expected["wald_NPS_package"]
            row = score(counts, method="wald", ci_level=level)
            assert (row.ci_lo, row.ci_hi) == pytest.approx((100 * wald["lower"], 100 * wald["upper"]), abs=1e-8)
            adjusted = expected["adjusted_wald_plus_three_quarters"]
            row = score(counts, ci_level=level)
            limits = np.clip([100 * adjusted["lower"], 100 * adjusted["upper"]], -100, 100)
            assert (row.ci_lo, row.ci_hi) == pytest.approx(tuple(limits), abs=1e-8)
            assert row.promoters_lo == pytest.approx(expected["shares_wilson"]["lower"][2], abs=1e-10)


def test_ten_count_vectors_agree_with_the_nps_package(vectors, golden):
    ours, theirs = [], []
    for vector in vectors["vectors"]:
        counts = [vector["counts"][k] for k in ("detractors", "passives", "promoters")]
        wald, adjusted = score(counts, method="wald"), score(counts)
        expected = vector["intervals"]["conf_0.95"]
        limits = [expected["wald_NPS_package"][k] for k in ("lower", "upper")]
        primed = [np.clip(expected["adjusted_wald_plus_three_quarters"][k], -1, 1) for k in ("lower", "upper")]
        ours.append([wald.nps, wald.se, wald.ci_lo, wald.ci_hi, adjusted.ci_lo, adjusted.ci_hi])
        theirs.append([100 * v for v in (vector["nps"], vector["se_NPS_package_div_n"], *limits, *primed)])
    golden(ours, theirs, method="M03 score, SE, Wald and adjusted Wald limits", package="NPS 1.1", data="count vectors", tolerance=1e-8)


@pytest.mark.parametrize(("variance", "half", "needed"), [(0.55, 14.5, 846), (0.75, 17.0, None), (1.0, 19.6, 1537)])
def test_published_half_widths_and_answers_needed(variance, half, needed):  # methods.md M03
    p = d = variance / 2  # as many promoters as detractors
    lo, hi = interval(p, d, 100, method="wald")
    assert (hi - lo) / 2 == pytest.approx(half, abs=0.05)
    if needed:
        widths = [np.subtract(*interval(p, d, n, method="wald")[::-1]) / 2 for n in (needed - 1, needed)]
        assert widths[0] > 5 >= widths[1]


@pytest.mark.parametrize(
    ("promoters", "passives", "detractors", "wald", "adjusted"),
    [(50, 33, 17, (18.32, 47.68), (17.56, 46.52)), (15, 10, 5, (6.66, 60.01), (4.78, 55.83)), (0, 0, 10, (-100, -100), (-100, -47.50))],
)
def test_published_intervals(promoters, passives, detractors, wald, adjusted):  # methods.md M03
    n = promoters + passives + detractors
    assert interval(promoters / n, detractors / n, n, method="wald") == pytest.approx(wald, abs=0.005)
    assert interval(promoters / n, detractors / n, n) == pytest.approx(adjusted, abs=0.005)


def test_differences_of_groups_agree_with_the_reference(vectors):
    for case in vectors["two_sample"]:
        frame = pd.concat([counted(*case["x"]).assign(wave="x"), counted(*case["y"]).assign(wave="y")])
        found = nps_compare(frame, y="recommend", scale=TEN, by="wave", against="pairs", weights="w", weights_kind="frequency").table
        assert len(found) == 1
        row = found.iloc[0]
        assert row["diff"] == pytest.approx(100 * (case["nps_x"] - case["nps_y"]), abs=1e-9)
        assert row.se_diff == pytest.approx(100 * case["se"], abs=1e-9)
        assert row.stat == pytest.approx(case["z_x_minus_y"], abs=1e-9)
        assert row.p == pytest.approx(case["p_two_sided"], abs=1e-10)


def test_real_groups_agree_with_the_reference(shared):
    folder = shared / "reference" / "nps"
    frame, expected = pd.read_csv(folder / "nps_testdata.csv"), json.loads((folder / "nps_testdata.json").read_text())
    found = nps(frame, y="REC", scale=TEN, by=["BU", "Region"]).table.set_index(["by", "group"])
    assert found.loc[("whole", ""), "nps"] == pytest.approx(100 * expected["all"]["nps"], abs=1e-9)
    for column, key in (("BU", "by_BU"), ("Region", "by_region")):
        for group, case in expected[key].items():
            row = found.loc[(column, group)]
            assert (row.n, row.nps) == pytest.approx((case["n"], 100 * case["nps"]), abs=1e-9)
            assert row.se == pytest.approx(100 * case["se_NPS_package_div_n"], abs=1e-9)
    first = sorted(expected["by_BU"])[0]
    pairs = nps_compare(frame, y="REC", scale=TEN, by="BU", against=first).table.set_index("group")
    for group, case in expected["pairwise_vs_first"].items():
        assert pairs.loc[group, "p"] == pytest.approx(case["p_two_sided"], abs=1e-10)
    assert (pairs["p_adj"] >= pairs["p"]).all()


def test_sampling_weights_agree_with_the_reference(shared):
    folder = shared / "reference" / "nps"
    frame, expected = pd.read_csv(folder / "mobi_recommend.csv"), json.loads((folder / "mobi_recommend.json").read_text())
    expected = expected["weighted_CUSL3"]
    frame["w"] = np.where(frame["CUEX1"] >= 8, 0.8, 1.3)
    row = nps(frame, y="CUSL3", scale=Scale(1, 10), weights="w").table.iloc[0]
    assert row.nps == pytest.approx(100 * expected["nps"], abs=1e-9)
    assert row.n_eff == pytest.approx(expected["n_eff"], abs=1e-9)
    n = row.n  # svymean divides by n - 1, a net promoter score by n
    assert row.se == pytest.approx(100 * expected["se"][0][0] * np.sqrt((n - 1) / n), rel=1e-8)
    assert row.label == "NPS-like (1–10)"
    assert (row.ci_lo, row.ci_hi) == pytest.approx(interval(row.promoters, row.detractors, expected["n_eff"]))


def test_equal_weights_change_nothing():
    frame = pd.DataFrame({"recommend": [10.0, 9, 8, 3, 6, 7, 10], "w": 0.4, "g": list("aabbabb")})
    a = nps(frame, y="recommend", scale=TEN, by="g").table
    b = nps(frame, y="recommend", scale=TEN, by="g", weights="w").table
    pd.testing.assert_frame_equal(a, b, rtol=1e-12)


def test_shares_and_mean_stand_beside_the_score():
    frame = pd.DataFrame({"recommend": [10.0, 9, 8, 3, np.nan]})
    found = nps(frame, y="recommend", scale=TEN)
    row = found.table.iloc[0]
    assert (row.promoters, row.passives, row.detractors, row["mean"]) == (0.5, 0.25, 0.25, 7.5)
    assert (row.n, row.n_missing, row.label, row.method) == (4, 1, "NPS", "adjusted_wald")


def test_scales_without_promoters_have_no_score():
    found = nps(pd.DataFrame({"recommend": [1.0, 5]}), y="recommend", scale=Scale(1, 5))
    assert found.status == "not_identified" and np.isnan(found.table["nps"][0]) and found.note("no_nps_scale")


def test_no_answer_and_small_groups_are_insufficient():
    frame = pd.DataFrame({"recommend": [9.0, np.nan, 8], "g": ["a", "b", "a"]})
    found = nps(frame, y="recommend", scale=TEN, by="g", minimum=30).table.set_index("group")
    assert set(found.loc[["a", "b"], "status"]) == {"insufficient"} and np.isnan(found.loc["a", "nps"])


def test_an_unknown_interval_is_refused():
    with pytest.raises(InputError, match="adjusted_wald"):
        nps(pd.DataFrame({"recommend": [9.0]}), y="recommend", scale=TEN, method="goodman")


def test_the_same_persons_are_compared_in_pairs():
    frame = pd.DataFrame({"before": [10.0, 9, 3, 8, 7, 10], "now": [10.0, 8, 9, 9, 7, np.nan]})
    row = nps_paired(frame, y="now", other="before", scale=TEN).table.iloc[0]
    delta = np.array([0, -1, 2, 1, 0])
    assert row["diff"] == pytest.approx(100 * delta.mean())
    assert row.se_diff == pytest.approx(100 * delta.std() / np.sqrt(5))
    assert (row.n, row.n_missing) == (5, 1)


def test_no_change_in_anybody_is_degenerate():
    frame = pd.DataFrame({"before": [10.0, 9], "now": [9.0, 10]})
    row = nps_paired(frame, y="now", other="before", scale=TEN).table.iloc[0]
    assert row.status == "degenerate" and np.isnan(row.p) and row["diff"] == 0


def test_a_group_is_compared_with_the_others():
    frame = pd.DataFrame({"recommend": [10.0, 9, 3, 8, 7, 10], "g": list("aabbcc")})
    found = nps_compare(frame, y="recommend", scale=TEN, by="g").table
    assert found["other"].tolist() == ["rest"] * 3 and found["n_other"].tolist() == [4, 4, 4]
    assert found["diff"][0] == pytest.approx(100 * (1 - 0))
    assert found["se_diff"][0] == pytest.approx(100 * np.sqrt(0.5 / 4))


@pytest.mark.long
def test_the_default_interval_covers():
    rng = np.random.default_rng(4)
    for chances in ([0.2, 0.3, 0.5], [0.05, 0.15, 0.8]):
        truth = 100 * (chances[2] - chances[0])
        drawn = rng.multinomial(60, chances, size=4000)
        limits = np.array([interval(p / 60, d / 60, 60) for d, _, p in drawn])
        assert 0.93 <= ((limits[:, 0] <= truth) & (truth <= limits[:, 1])).mean() <= 0.975

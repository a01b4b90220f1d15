import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.errors import InputError
from delight.estimate import benjamini_hochberg
from delight.satisfaction import compare
from delight.satisfaction.groups import StudentizedRange
from delight.scales import Scale
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

GRADES = Scale(1, 10)


@pytest.fixture
def frame():
    rng = np.random.default_rng(7)
    g = rng.choice(list("abcd"), 240, p=[0.4, 0.3, 0.2, 0.1])
    y = np.clip(np.round(7.5 + (g == "a") * 0.8 + rng.normal(0, 1 + (g == "b"), 240)), 1, 10)
    return pd.DataFrame({"overall": y, "g": g, "two": rng.choice(["x", "y"], 240), "w": 1.7, "f": rng.integers(1, 4, 240)})


def split(frame, column="g"):
    return {k: v["overall"].to_numpy() for k, v in frame.groupby(column)}


def test_two_groups_are_compared_by_welch(frame):
    found = compare(frame, y="overall", scale=GRADES, by="two")
    x, y = split(frame, "two").values()
    expected = stats.ttest_ind(x, y, equal_var=False)
    row = found.pairs.table.iloc[0]
    assert (row["diff"], row.stat, row.p, row.df) == pytest.approx((x.mean() - y.mean(), expected.statistic, expected.pvalue, expected.df))
    assert (row.ci_lo, row.ci_hi) == pytest.approx(tuple(expected.confidence_interval()))
    assert row.p_games_howell == pytest.approx(row.p, rel=1e-4)  # with two groups Games-Howell is Welch
    assert found.overall.table.iloc[0].test == "welch" and found.overall.table.iloc[0].p == pytest.approx(expected.pvalue)


def test_more_groups_are_compared_by_welchs_f(frame):
    row = compare(frame, y="overall", scale=GRADES, by="g").overall.table.iloc[0]
    expected = anova_oneway(list(split(frame).values()), use_var="unequal", welch_correction=True)
    assert (row.stat, row.p, row.df1, row.df2) == pytest.approx((expected.statistic, expected.pvalue, *expected.df))


def test_pairs_have_simultaneous_games_howell_limits(frame):
    found = compare(frame, y="overall", scale=GRADES, by="g").pairs.table
    assert len(found) == 6
    groups = split(frame)
    row = found[(found.group == "a") & (found.other == "c")].iloc[0]
    a, c = groups["a"], groups["c"]
    va, vc = a.var(ddof=1) / len(a), c.var(ddof=1) / len(c)
    df = (va + vc) ** 2 / (va**2 / (len(a) - 1) + vc**2 / (len(c) - 1))
    expected = stats.studentized_range.sf(abs(a.mean() - c.mean()) / np.sqrt((va + vc) / 2), 4, df)
    assert row.p_games_howell == pytest.approx(expected)
    assert row.gh_hi - row.gh_lo > row.ci_hi - row.ci_lo


def test_welchs_f_of_a_published_example():
    weights = {
        "ctrl": [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14],
        "trt1": [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
        "trt2": [6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26],
    }
    frame = pd.DataFrame([(g, v) for g, values in weights.items() for v in values], columns=["g", "overall"])
    found = compare(frame, y="overall", scale=Scale(0, 10, 0), by="g")
    overall = found.overall.table.iloc[0]
    assert (overall.stat, overall.p) == pytest.approx((5.181, 0.01739), abs=0.001)  # R: oneway.test(weight ~ group, PlantGrowth)


@pytest.mark.parametrize(("q", "k", "df"), [(3.5, 2, 5.3), (2.1, 4, 30), (4.4, 12, 200), (6.0, 3, 8.8), (0.4, 5, 60)])
def test_the_studentized_range_is_scipys(q, k, df):
    expected = stats.studentized_range.sf(q, k, df)
    assert StudentizedRange(k, df).sf(q) == pytest.approx(expected, abs=1e-6)
    assert StudentizedRange(k, df).ppf(1 - expected) == pytest.approx(q, abs=1e-4)


def test_brunner_munzel_stands_beside_ties(frame):
    row = compare(frame, y="overall", scale=GRADES, by="two").pairs.table.iloc[0]
    x, y = split(frame, "two").values()
    assert row.p_bm == pytest.approx(stats.brunnermunzel(x, y).pvalue)
    higher = np.mean([(a > b) + 0.5 * (a == b) for a in x for b in y])
    assert row.p_higher == pytest.approx(higher)


def test_every_group_is_compared_with_the_others_not_with_a_total_that_holds_it(frame):
    found = compare(frame, y="overall", scale=GRADES, by=["g", "two"])
    assert found.rest.table["by"].tolist() == ["g"] * 4 + ["two"] * 2
    inside = frame["g"] == "b"
    expected = stats.ttest_ind(frame.loc[inside, "overall"], frame.loc[~inside, "overall"], equal_var=False)
    row = found.rest.table.set_index("group").loc["b"]
    assert (row["diff"], row.p) == pytest.approx(
        (frame.loc[inside, "overall"].mean() - frame.loc[~inside, "overall"].mean(), expected.pvalue)
    )
    assert found.rest.table["p_adj"].tolist() == pytest.approx(benjamini_hochberg(found.rest.table["p"]).tolist())


def test_hedges_g_by_hand():
    frame = pd.DataFrame({"overall": [8.0, 10, 6, 6, 9], "g": list("aabbb")})
    row = compare(frame, y="overall", scale=GRADES, by="g").pairs.table.iloc[0]
    pooled = np.sqrt((2 + 6) / 3)
    assert row.d == pytest.approx(2 / pooled * (1 - 3 / 11))


def test_equal_weights_change_nothing_but_the_ranks_test(frame):
    a = compare(frame, y="overall", scale=GRADES, by="g")
    b = compare(frame, y="overall", scale=GRADES, by="g", weights="w")
    for one, two in zip(a, b):
        drop = [c for c in ("p_bm", "p_higher") if c in one.table]
        pd.testing.assert_frame_equal(one.table.drop(columns=drop), two.table.drop(columns=drop), rtol=1e-10)


def test_frequency_weights_are_rows(frame):
    long = frame.loc[frame.index.repeat(frame["f"])]
    a = compare(frame, y="overall", scale=GRADES, by="g", weights="f", weights_kind="frequency")
    b = compare(long, y="overall", scale=GRADES, by="g")
    for one, two in zip(a, b):
        pd.testing.assert_frame_equal(one.table, two.table, check_dtype=False, rtol=1e-9)


def test_sampled_locations_give_a_cluster_robust_comparison():
    rng = np.random.default_rng(3)
    place = np.repeat(np.arange(50), 10)
    x = np.tile([0, 1], 250)
    y = np.clip(np.round(7.5 + rng.normal(0, 0.5, 50)[place] + 0.2 * x + rng.normal(0, 1, 500)), 1, 10)
    frame = pd.DataFrame({"overall": y, "g": x.astype(str), "location": place})
    found = compare(frame, y="overall", scale=GRADES, by="g", clusters="location")
    model = sm.OLS(y, sm.add_constant(x)).fit(cov_type="cluster", cov_kwds={"groups": place}, use_t=True)
    row = found.pairs.table.iloc[0]
    assert row.se_diff == pytest.approx(model.bse[1], rel=0.002)
    assert row.df == 49 and found.overall.table.iloc[0].test == "cluster_wald"


def test_lone_and_equal_answers_have_no_test():
    frame = pd.DataFrame({"overall": [8.0, 8, 8, 8, 9], "g": list("aabbc")})
    found = compare(frame, y="overall", scale=GRADES, by="g")
    status = found.pairs.table.set_index(["group", "other"])["status"]
    assert status["a", "b"] == "degenerate" and status["a", "c"] == "insufficient"
    assert found.overall.table.iloc[0].status == "degenerate"
    assert found.pairs.table["p"].isna().all()


def test_one_group_alone_is_not_compared():
    found = compare(pd.DataFrame({"overall": [8.0, 9], "g": ["a", "a"]}), y="overall", scale=GRADES, by="g")
    assert found.overall.table.iloc[0].status == "insufficient" and found.rest.table.empty and found.pairs.table.empty


def test_an_unknown_column_is_named():
    with pytest.raises(InputError, match="'region'"):
        compare(pd.DataFrame({"overall": [8.0]}), y="overall", scale=GRADES, by="region")


def test_the_standardised_difference_has_its_limits(frame):
    found = compare(frame, y="overall", scale=GRADES, by="two").pairs.table.iloc[0]
    x, y = split(frame, "two").values()
    df = len(x) + len(y) - 2
    pooled = np.sqrt(((len(x) - 1) * x.var(ddof=1) + (len(y) - 1) * y.var(ddof=1)) / df)
    shrink = 1 - 3 / (4 * df - 1)
    se = np.sqrt((shrink * found.se_diff / pooled) ** 2 + found.d**2 / (2 * 240))
    assert (found.d_lo, found.d_hi) == pytest.approx((found.d - 1.959964 * se, found.d + 1.959964 * se), rel=1e-6)


def test_more_delighted_per_hundred_has_newcombes_interval():
    """Newcombe (1998), table II: 56/70 against 48/80, method 10: 0.0524 to 0.3339."""
    frame = pd.DataFrame({"overall": [9.0] * 56 + [7.0] * 14 + [9.0] * 48 + [7.0] * 32, "g": ["a"] * 70 + ["b"] * 80})
    row = compare(frame, y="overall", scale=GRADES, by="g").pairs.table.iloc[0]
    assert row.risk_diff == pytest.approx(0.2) and (row.share_delighted, row.share_other) == pytest.approx((0.8, 0.6))
    assert (row.risk_diff_lo, row.risk_diff_hi) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_location_is_compared_with_the_rest_of_its_own_label():
    rng = np.random.default_rng(2)
    place = rng.choice(list("abcde"), 300)
    frame = pd.DataFrame({"overall": rng.integers(5, 11, 300).astype(float), "place": place})
    frame["label"] = frame["place"].map({"a": "x", "b": "x", "c": "y", "d": "y", "e": "z"})
    rest = compare(frame, y="overall", scale=GRADES, by="place", within={"place": "label"}).rest.table.set_index("group")
    assert rest.index.tolist() == ["a", "b", "c", "d"]  # e is alone in its label
    expected = stats.ttest_ind(frame.loc[place == "a", "overall"], frame.loc[place == "b", "overall"], equal_var=False)
    assert (rest.loc["a", "p"], rest.loc["a", "n_other"]) == pytest.approx((expected.pvalue, (place == "b").sum()))
    assert rest.loc["c", "n_other"] == (place == "d").sum()


@pytest.mark.long
def test_brunner_munzel_and_welch_hold_their_size_with_heavy_ties():
    rng = np.random.default_rng(8)
    p = np.array(
        [
            compare(
                pd.DataFrame({"overall": rng.choice([7.0, 8, 9, 10], 90, p=[0.1, 0.4, 0.2, 0.3]), "g": np.repeat(["a", "b"], [30, 60])}),
                y="overall",
                scale=GRADES,
                by="g",
            ).pairs.table.loc[0, ["p", "p_bm"]]
            for _ in range(300)
        ],
        dtype=float,
    )
    assert ((p < 0.05).mean(axis=0) < 0.09).all()

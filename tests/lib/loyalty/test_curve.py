"""The satisfaction-loyalty curve and matrix: by hand, published counts, invariances and edges."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.errors import InputError
from delight.estimate import wilson
from delight.loyalty.curve import curve, isotonic, lowess, matrix
from delight.loyalty.regimes import regimes, zones
from delight.scales import Scale
from scipy import stats
from sklearn.isotonic import IsotonicRegression

TEN, YES_NO = Scale(1, 10), Scale(0, 1)


@pytest.fixture
def mobi(shared):
    return pd.read_csv(shared / "data/ecsi-mobile/mobi.csv").astype(float)


def answers(pairs):
    return pd.DataFrame(pairs, columns=["s", "l"]).astype(float)


def test_the_mean_at_a_grade_with_its_t_interval():
    frame = answers([(8, 7), (8, 8), (8, 9), (9, 10), (np.nan, 5), (7, np.nan)])
    result = curve(frame, y="l", x="s", scales={"s": TEN, "l": TEN})
    eight = result.table.set_index("grade").loc[8]
    half = stats.t.ppf(0.975, 2) * 1 / np.sqrt(3)
    assert (eight["mean"], eight.ci_lo, eight.ci_hi) == pytest.approx((8, 8 - half, 8 + half))
    assert (eight.n, eight.n_missing, eight.share_loyal, eight.status) == (3, 2, pytest.approx(1 / 3), "low_base")
    nine = result.table.set_index("grade").loc[9]
    assert nine["mean"] == 10 and np.isnan(nine.ci_lo)
    assert result.table.set_index("grade").loc[3, "status"] == "insufficient"
    assert list(result.table["grade"]) == list(range(1, 11))


def test_a_yes_no_outcome_gets_wilson(people=None):
    frame = answers([(8, 1)] * 30 + [(8, 0)] * 10)
    eight = curve(frame, y="l", x="s", scales={"s": TEN, "l": YES_NO}).table.set_index("grade").loc[8]
    assert (eight["mean"], eight.ci_lo, eight.ci_hi) == pytest.approx((0.75, *wilson(0.75, 40)))
    churn = curve(frame, y="l", x="s", scales={"s": TEN, "l": YES_NO}, turned=True).table.set_index("grade").loc[8]
    assert churn["mean"] == pytest.approx(0.25)


def test_the_curve_of_the_ecsi_sample(mobi):
    table = curve(mobi, y="CUSL3", x="CUSA1", scales={"CUSA1": TEN, "CUSL3": TEN}).table.set_index("grade")
    assert [table.loc[g, "n"] for g in (7, 8, 9)] == [50, 109, 29]  # methods M06
    assert table.loc[8, "mean"] == pytest.approx(mobi.loc[mobi["CUSA1"] == 8, "CUSL3"].mean())
    known = table.dropna(subset="mean")
    fitted = IsotonicRegression().fit_transform(known.index, known["mean"], sample_weight=known["n"])
    assert known["isotonic"].to_numpy() == pytest.approx(fitted)


def test_pool_adjacent_violators_by_hand():
    assert isotonic([1, 3, 2, 2, 5], [1, 1, 1, 2, 1]) == pytest.approx([1, 2.25, 2.25, 2.25, 5])


def test_weights_of_both_kinds_and_row_order():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"s": rng.integers(6, 11, 200), "l": rng.integers(1, 11, 200)}).astype(float)
    options = dict(y="l", x="s", scales={"s": TEN, "l": TEN})
    plain = curve(frame, **options).table
    pd.testing.assert_frame_equal(plain, curve(frame.sample(frac=1, random_state=1), **options).table)
    equal = curve(frame.assign(w=2.5), **options, weights="w").table
    pd.testing.assert_frame_equal(plain, equal, rtol=1e-12)
    twice = curve(pd.concat([frame, frame]), **options).table
    weighted = curve(frame.assign(w=2), **options, weights="w", weights_kind="frequency").table
    pd.testing.assert_frame_equal(twice, weighted, rtol=1e-9, check_dtype=False)


def test_clustered_intervals_are_wider_when_houses_differ():
    rng = np.random.default_rng(6)
    house = np.repeat(np.arange(30), 20)
    s = rng.integers(7, 10, 600)
    frame = pd.DataFrame({"s": s, "l": np.clip(np.round(s + rng.normal(0, 1.5, 30)[house]), 1, 10), "house": house}).astype(float)
    options = dict(y="l", x="s", scales={"s": TEN, "l": TEN})
    plain, clustered = curve(frame, **options).table, curve(frame, **options, clusters="house").table
    width = (clustered["ci_hi"] - clustered["ci_lo"]) / (plain["ci_hi"] - plain["ci_lo"])
    assert width.dropna().min() > 1.5
    assert clustered["mean"].to_numpy() == pytest.approx(plain["mean"].to_numpy(), nan_ok=True)


def test_a_mean_of_items_is_shown_by_whole_points():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"s": np.round(rng.uniform(5, 10, 300) * 3) / 3, "l": rng.integers(1, 11, 300)}).astype(float)
    result = curve(frame, y="l", x="s", scales={"s": Scale(1, 10, 0), "l": TEN})
    assert list(result.table["grade"]) == list(range(1, 11)) and result.table["n"].sum() == 300
    assert result.note("rounded_grades")


def test_the_matrix_counts_every_respondent_once(mobi):
    result = matrix(mobi, y="CUSL3", x="CUSA1", scales={"CUSA1": TEN, "CUSL3": TEN})
    table = result.table.set_index("cell")
    assert len(result.table) == 9 and (result.table["n_total"] == 250).all() and result.table["count"].sum() == 250
    good, loyal = mobi["CUSA1"] >= 9, mobi["CUSL3"] >= 9
    assert table.loc["apostle", "count"] == (good & loyal).sum()
    assert table.loc["hostage", "count"] == ((mobi["CUSA1"] <= 6) & loyal).sum()
    share = (good & loyal).mean()
    assert tuple(table.loc["apostle", ["share", "ci_lo", "ci_hi"]]) == pytest.approx((share, *wilson(share, 250)))
    assert table.loc["apostle", "lift"] == pytest.approx(share / (good.mean() * loyal.mean()))


def test_the_matrix_of_a_yes_no_outcome_has_no_middle_and_unknown_scales_no_cells():
    frame = answers([(9, 1), (9, 0), (3, 0), (7, 1)])
    assert len(matrix(frame, y="l", x="s", scales={"s": TEN, "l": YES_NO}).table) == 6
    odd = matrix(frame, y="l", x="s", scales={"s": Scale(0, 100), "l": YES_NO})
    assert odd.status == "not_identified" and odd.note("no_cuts")
    declared = matrix(frame, y="l", x="s", scales={"s": Scale(0, 100), "l": YES_NO}, high={"s": 8}, low={"s": 5})
    assert declared.table["count"].sum() == 4
    with pytest.raises(InputError, match="low .9. must lie below high .6."):
        matrix(frame, y="l", x="s", scales={"s": TEN, "l": YES_NO}, high={"s": 6}, low={"s": 9})


def test_no_answers_at_all_is_insufficient():
    frame = answers([(np.nan, 1), (8, np.nan)])
    result = curve(frame, y="l", x="s", scales={"s": TEN, "l": TEN})
    assert result.status == "insufficient" and result.table["mean"].isna().all() and (result.table["n_missing"] == 2).all()
    assert matrix(frame, y="l", x="s", scales={"s": TEN, "l": TEN}).status == "insufficient"


# ---- smooth curve, lift, zones, regimes
def test_the_smooth_curve_equals_statsmodels_lowess():
    rng = np.random.default_rng(0)
    x = np.sort(rng.random(60))
    y = np.sin(5 * x) + rng.normal(0, 0.2, 60)
    assert lowess(x, y, x, span=0.5)[0] == pytest.approx(sm.nonparametric.lowess(y, x, frac=0.5, it=0, return_sorted=False), abs=1e-12)


def test_a_straight_line_stays_straight_and_its_band_holds_it(mobi):
    frame = pd.DataFrame({"s": np.tile(np.arange(4.0, 11), 30)}).assign(l=lambda t: t["s"] - 1)
    table = curve(frame, y="l", x="s", scales={"s": TEN, "l": TEN}).table.dropna(subset="mean")
    assert table["lowess"].to_numpy() == pytest.approx(table["grade"] - 1) and table["lowess_hi"].to_numpy() == pytest.approx(
        table["lowess"]
    )
    real = curve(mobi, y="CUSL3", x="CUSA1", scales={"CUSA1": TEN, "CUSL3": TEN}).table.set_index("grade").loc[8]
    assert real.lowess_lo < real.lowess < real.lowess_hi and real.isotonic_share >= 0
    assert curve(mobi, y="CUSL3", x="CUSA1", scales={"CUSA1": TEN, "CUSL3": TEN}, n_boot=0).table["lowess_lo"].isna().all()


def test_the_limits_of_a_lift_by_hand_for_independent_answers():
    frame = answers([(9, 9)] * 25 + [(9, 5)] * 25 + [(5, 9)] * 25 + [(5, 5)] * 25)
    row = matrix(frame, y="l", x="s", scales={"s": TEN, "l": TEN}).table.set_index("cell").loc["apostle"]
    # shares .25, .5, .5: each answer contributes 4 - 2 - 2 + 1 = 1, 1 - 2 = -1, -1 or 1 to the logarithm, so that its variance is 1/99
    reach = stats.norm.ppf(0.975) / np.sqrt(99)
    assert (row.lift, row.lift_lo, row.lift_hi) == pytest.approx((1, np.exp(-reach), np.exp(reach)))


def test_zones_lie_where_planted_and_a_straight_line_has_none():
    rng = np.random.default_rng(2)
    s = rng.integers(3, 11, 800).astype(float)
    stairs = pd.DataFrame({"s": s, "l": np.where(s >= 9, 9.0, np.where(s >= 6, 6.0, 3.0)) + rng.normal(0, 1, 800)})
    scales = {"s": TEN, "l": Scale(-20, 40, 0)}
    found = zones(stairs, y="l", x="s", scales=scales)
    assert found.table["from_point"].tolist()[1:] == [6, 9] and found.status == "ok"
    assert found.table["n"].sum() == 800 and found.table["mean"].tolist() == pytest.approx([3, 6, 9], abs=0.2)
    line = zones(stairs.assign(l=stairs["s"] + rng.normal(0, 1, 800)), y="l", x="s", scales=scales)
    assert line.status == "not_identified" and line.note("no_zones")
    assert zones(stairs.head(40), y="l", x="s", scales=scales).status == "insufficient"


def test_regimes_differ_where_slopes_were_planted_to_differ():
    rng = np.random.default_rng(3)
    n = 900
    s, market = rng.integers(4, 11, n).astype(float), rng.choice(["open", "closed", "empty"], n, p=[0.5, 0.48, 0.02])
    frame = pd.DataFrame({"s": s, "market": market, "l": np.where(market == "open", 0.9, 0.3) * s + rng.normal(0, 1, n)})
    options = dict(y="l", x="s", by="market", scales={"s": TEN, "l": Scale(-20, 40, 0)}, n_boot=99)
    result = regimes(frame, **options)
    slopes = result.table[result.table["form"] == "moderation"].set_index("group")
    assert (
        slopes.loc["open", "coef_s"] == pytest.approx(0.9, abs=0.06) and result.meta["test"]["p"] < 1e-6 and result.meta["test"]["df"] == 1
    )
    assert slopes.loc["empty", "status"] == "insufficient" and np.isnan(slopes.loc["empty", "coef_s"])
    alone = np.polyfit(s[market == "open"], frame.loc[market == "open", "l"], 1)[0]
    assert slopes.loc["open", "coef_s"] == pytest.approx(alone)
    same = regimes(frame.assign(l=0.5 * s + rng.normal(0, 1, n)), **options, delight_from=9)
    assert same.meta["test"]["p"] > 0.01 and same.meta["test"]["df"] == 2
    with pytest.raises(InputError, match="names no group"):
        regimes(frame.assign(market=None), **options)

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.satisfaction import nps, nps_compare, waves
from delight.scales import Scale
from scipy import stats

GRADES, TEN = Scale(1, 10), Scale(0, 10)


@pytest.fixture
def frame():
    rng = np.random.default_rng(9)
    wave = np.repeat(["2023", "2024", "2025"], [150, 120, 180])
    y = np.clip(np.round(7.6 + 0.4 * (wave == "2025") + rng.normal(0, 1.4, 450)), 1, 10)
    return pd.DataFrame(
        {"overall": y, "recommend": np.clip(y + rng.integers(-1, 2, 450), 0, 10), "wave": wave, "f": 1 + (np.arange(450) % 3)}
    )


def run(frame, **options):
    options = {"y": "overall", "scale": GRADES, "order": ["2023", "2024", "2025"], **options}
    return waves(frame, **options)


def test_the_change_of_the_mean_is_welchs(frame):
    found = run(frame).table.set_index(["measure", "group"])
    parts = [frame.loc[frame.wave == w, "overall"] for w in ("2024", "2025")]
    expected = stats.ttest_ind(parts[1], parts[0], equal_var=False)
    row = found.loc[("mean", "2025")]
    assert (row.change, row.p) == pytest.approx((parts[1].mean() - parts[0].mean(), expected.pvalue))
    assert (row.change_lo, row.change_hi) == pytest.approx(tuple(expected.confidence_interval()))
    assert row.previous == "2024" and row.mdc == pytest.approx((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * row.se_change)
    assert np.isnan(found.loc[("mean", "2023"), "change"])


def test_the_change_of_the_score_is_that_of_m03(frame):
    found = run(frame, recommend="recommend", recommend_scale=TEN).table.set_index(["measure", "group"])
    levels = nps(frame, y="recommend", scale=TEN, by="wave").table.set_index("group")
    pair = nps_compare(frame, y="recommend", scale=TEN, by="wave", against="2024").table.set_index("group").loc["2025"]
    row = found.loc[("nps", "2025")]
    assert (row.value, row.ci_lo, row.ci_hi) == pytest.approx(tuple(levels.loc["2025", ["nps", "ci_lo", "ci_hi"]]))
    assert (row.change, row.se_change, row.p) == pytest.approx((pair["diff"], pair.se_diff, pair.p))


def test_all_changes_are_one_family(frame):
    table = run(frame, recommend="recommend", recommend_scale=TEN).table
    assert table["p"].notna().sum() == 6
    assert (table["p_adj"].dropna() >= table["p"].dropna() - 1e-15).all()


def test_a_wave_without_answers_keeps_its_row_and_is_bridged(frame):
    found = run(frame[frame.wave != "2024"]).table.set_index(["measure", "group"])
    assert found.loc[("mean", "2024"), "status"] == "insufficient" and np.isnan(found.loc[("mean", "2024"), "value"])
    assert found.loc[("mean", "2025"), "previous"] == "2023" and found.loc[("mean", "2025"), "change"] > 0


def test_matched_persons_are_tested_in_pairs():
    rng = np.random.default_rng(2)
    person = rng.normal(7.5, 1.5, 80)
    before, now = person + rng.normal(0, 0.5, 80), person + 0.2 + rng.normal(0, 0.5, 80)
    frame = pd.DataFrame({"overall": np.r_[before, now], "wave": ["a"] * 80 + ["b"] * 80, "respondent": list(range(80)) * 2})
    scale = Scale(-5, 20, 0)
    row = waves(frame, y="overall", scale=scale, order=["a", "b"], respondent="respondent").table.iloc[1]
    assert row.se_change == pytest.approx((now - before).std(ddof=1) / np.sqrt(80))
    assert row.n_matched == 80
    alone = waves(frame, y="overall", scale=scale, order=["a", "b"]).table.iloc[1]
    assert alone.se_change > 2 * row.se_change


def test_locations_that_return_are_matched_as_clusters():
    rng = np.random.default_rng(4)
    place = np.repeat(np.arange(45), 6)
    level = rng.normal(7.5, 1, 45)[place]
    frame = pd.concat([pd.DataFrame({"overall": level + rng.normal(0, 0.8, 270), "wave": w, "location": place}) for w in "ab"])
    scale = Scale(0, 15, 0)
    matched = waves(frame, y="overall", scale=scale, order=["a", "b"], clusters="location").table.iloc[1]
    assert matched.n_matched == 45
    means = frame.groupby(["location", "wave"])["overall"].mean().unstack()
    assert matched.se_change == pytest.approx((means["b"] - means["a"]).std(ddof=1) / np.sqrt(45), rel=1e-9)


def test_frequency_weights_are_rows(frame):
    long = frame.loc[frame.index.repeat(frame["f"])]
    options = {"recommend": "recommend", "recommend_scale": TEN}
    a, b = run(frame, weights="f", weights_kind="frequency", **options).table, run(long, **options).table
    pd.testing.assert_frame_equal(a, b, check_dtype=False, rtol=1e-10)


def test_population_may_differ_by_wave():
    frame = pd.DataFrame({"overall": [8.0, 6, 9, 7] * 2, "wave": list("aaaabbbb"), "location": list("xxyy") * 2})
    population = {"a": {"x": 30, "y": 10}, "b": {"x": 10, "y": 30}}
    table = waves(frame, y="overall", scale=GRADES, order=["a", "b"], strata="location", population=population).table
    assert table["value"][:2].tolist() == pytest.approx([7.25, 7.75])


def test_scales_without_delight_or_promoters_leave_those_out():
    frame = pd.DataFrame({"overall": [1.0, 2, 3, 2], "wave": list("aabb")})
    table = waves(frame, y="overall", scale=Scale(1, 3), order=["a", "b"], recommend="overall", recommend_scale=Scale(1, 3)).table
    assert table["measure"].unique().tolist() == ["mean"]


def test_unknown_waves_are_refused(frame):
    with pytest.raises(InputError, match="1999"):
        run(frame, order=["1999"])

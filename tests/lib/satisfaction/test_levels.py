import json

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.estimate import wilson
from delight.satisfaction import bands, distribution, levels
from delight.scales import Scale
from scipy import stats

GRADES = Scale(1, 10)


def frame_of(scores, **columns):
    return pd.DataFrame({"overall": np.asarray(scores, dtype=float), **columns})


def test_level_and_shares_by_hand():
    row = levels(frame_of([10, 9, 8, 6, np.nan]), y="overall", scale=GRADES).table.iloc[0]
    assert row["mean"] == pytest.approx(8.25)
    assert row["sd"] == pytest.approx(np.std([10, 9, 8, 6], ddof=1))
    assert row["median"] == 8.5
    half = stats.t.ppf(0.975, 3) * row["sd"] / 2
    assert (row.ci_lo, row.ci_hi) == pytest.approx((8.25 - half, 8.25 + half))
    assert (row.share_delighted, row.share_le_6, row.share_max) == (0.5, 0.25, 0.25)
    assert (row.share_delighted_lo, row.share_delighted_hi) == pytest.approx(wilson(0.5, 4))
    assert (row.n, row.n_missing, row.n_eff, row.delight_from, row.status) == (4, 1, 4, 9, "low_base")


def test_wilson_agrees_with_the_reference(shared):
    vector = json.loads((shared / "reference" / "nps" / "count_vectors.json").read_text())["vectors"][0]
    scores = [5] * 20 + [7] * 30 + [9] * 50
    row = levels(frame_of(scores), y="overall", scale=GRADES, delight_from=9).table.iloc[0]
    expected = vector["intervals"]["conf_0.95"]["shares_wilson"]
    assert (row.share_le_6_lo, row.share_le_6_hi) == pytest.approx((expected["lower"][0], expected["upper"][0]), abs=1e-10)
    assert (row.share_delighted_lo, row.share_delighted_hi) == pytest.approx((expected["lower"][2], expected["upper"][2]), abs=1e-10)


@pytest.mark.parametrize(("n", "half"), [(30, 0.56), (50, 0.43), (100, 0.30), (200, 0.21), (400, 0.15)])
def test_half_width_of_a_mean_with_sd_one_and_a_half(n, half):  # methods.md M02
    scores = np.linspace(-1, 1, n)
    scores = 7 + 1.5 * scores / scores.std(ddof=1)
    row = levels(pd.DataFrame({"y": scores}), y="y", scale=Scale(0, 10, 0)).table.iloc[0]
    assert (row.ci_hi - row.ci_lo) / 2 == pytest.approx(half, abs=0.005)


def test_a_norm_is_tested_from_one_side():
    scores = [9, 9, 10, 8, 9, 10, 9, 8]
    row = levels(frame_of(scores), y="overall", scale=GRADES, norm=8.5).table.iloc[0]
    expected = stats.ttest_1samp(scores, 8.5, alternative="greater").pvalue
    assert row.p == pytest.approx(expected) and row.diff_norm == pytest.approx(0.5) and row.norm == 8.5
    assert (row.diff_norm_lo, row.diff_norm_hi) == pytest.approx((row.ci_lo - 8.5, row.ci_hi - 8.5))


def test_groups_follow_everybody_and_missing_groups_count_in_everybody_only():
    found = levels(frame_of([9, 8, 7, np.nan], label=["b", "a", None, "a"]), y="overall", scale=GRADES, by="label").table
    assert found[["by", "group"]].values.tolist() == [["whole", ""], ["label", "a"], ["label", "b"]]
    assert found["n"].tolist() == [3, 1, 1] and found["n_missing"].tolist() == [1, 1, 0]


def test_one_answer_has_no_interval_and_none_is_insufficient():
    found = levels(frame_of([9, np.nan], label=["a", "b"]), y="overall", scale=GRADES, by="label").table.set_index("group")
    assert found.loc["a", "mean"] == 9 and np.isnan(found.loc["a", "ci_lo"])
    assert np.isnan(found.loc["b", "mean"]) and found.loc["b", "status"] == "insufficient"


def test_answers_without_spread_are_degenerate():
    row = levels(frame_of([8] * 60), y="overall", scale=GRADES).table.iloc[0]
    assert (row.ci_lo, row.ci_hi, row.status) == (8, 8, "degenerate")


def test_no_answers_at_all_never_raise():
    found = levels(frame_of([np.nan, np.nan]), y="overall", scale=GRADES)
    assert found.status == "insufficient" and found.table.iloc[0].n_missing == 2


def test_other_scales_have_no_share_up_to_six():
    row = levels(frame_of([5, 4, 3]), y="overall", scale=Scale(1, 5)).table.iloc[0]
    assert np.isnan(row.share_le_6) and row.share_delighted == pytest.approx(1 / 3) and row.delight_from == 5


def test_a_score_outside_the_scale_is_named_with_its_row():
    with pytest.raises(InputError, match=r"'overall': 1 of 3 .* 99 in row 2"):
        levels(frame_of([9, 8, 99]), y="overall", scale=GRADES)


def test_sampling_weights_move_the_mean_and_lower_the_effective_n():
    frame = frame_of([9, 7, 8, 6], w=[3.0, 1, 1, 1])
    row = levels(frame, y="overall", scale=GRADES, weights="w").table.iloc[0]
    assert row["mean"] == pytest.approx(48 / 6)
    assert row.n_eff == pytest.approx(36 / 12)
    variance = 4 / 3 * (9 * 1 + 1 + 0 + 4) / 36
    assert row.se == pytest.approx(np.sqrt(variance))
    assert (row.share_delighted_lo, row.share_delighted_hi) == pytest.approx(wilson(0.5, 3))


def test_frequency_weights_are_rows():
    frame = frame_of([9, 7, 8, 6], w=[3, 1, 2, 0], label=["a", "a", "b", "b"])
    long = frame.loc[frame.index.repeat(frame["w"])]
    a = levels(frame, y="overall", scale=GRADES, by="label", weights="w", weights_kind="frequency").table
    b = levels(long, y="overall", scale=GRADES, by="label").table
    pd.testing.assert_frame_equal(a, b, check_dtype=False, rtol=1e-12)


def test_row_order_changes_nothing():
    rng = np.random.default_rng(1)
    frame = frame_of(rng.integers(1, 11, 90), label=rng.choice(list("abc"), 90))
    a = levels(frame, y="overall", scale=GRADES, by="label").table
    b = levels(frame.sample(frac=1, random_state=2), y="overall", scale=GRADES, by="label").table
    pd.testing.assert_frame_equal(a, b, rtol=1e-12)


def test_the_frame_is_left_alone():
    frame = frame_of([9, 8, np.nan], label=list("abb"))
    before = frame.copy()
    levels(frame, y="overall", scale=GRADES, by="label", strata="label")
    pd.testing.assert_frame_equal(frame, before)


def test_a_full_survey_of_locations_is_stratified_and_says_how():
    frame = frame_of([9, 8, 7, 6, 5, 7], location=list("aabbbb"))
    found = levels(frame, y="overall", scale=GRADES, strata="location", population={"a": 20, "b": 10})
    assert found.table.iloc[0]["mean"] == pytest.approx((2 * 8.5 + 6.25) / 3)
    assert found.meta["design"] == "strata"


def test_few_sampled_locations_are_warned_about():
    frame = frame_of([9, 8, 7, 6, 5, 7], location=list("aabbcc"))
    found = levels(frame, y="overall", scale=GRADES, clusters="location")
    assert found.status == "assumption_warning" and found.note("few_clusters").values == {"clusters": 3}


def test_bands_are_up_to_six_seven_and_eight_nine_and_ten():
    found = bands(frame_of([1, 6, 7, 8, 9, 10, 10, 10]), y="overall", scale=GRADES).table
    assert found["band"].tolist() == ["low", "middle", "delighted"]
    assert found["count"].tolist() == [2, 2, 4]
    assert found[["low_edge", "high_edge"]].values.tolist() == [[1, 6], [7, 8], [9, 10]]
    assert found["share"].sum() == pytest.approx(1)
    assert (found["lo"][0], found["hi"][0]) == pytest.approx(wilson(0.25, 8))


@pytest.mark.parametrize(
    ("scale", "names"),
    [
        (Scale(1, 5), ["low", "middle", "delighted"]),
        (Scale(0, 1), ["low", "delighted"]),
        (Scale(1, 3), []),
        (Scale(0, 10, 0), ["low", "middle", "delighted"]),
    ],
)
def test_bands_of_other_scales_hold_every_answer_once(scale, names):
    points = scale.points if scale.step else np.array([0, 5.9, 6, 6.1, 8.9, 9, 10])
    found = bands(frame_of(points), y="overall", scale=scale)
    assert found.table.get("band", pd.Series(dtype=str)).tolist() == names
    if names:
        assert found.table["count"].sum() == len(points)
    else:
        assert found.note("no_bands")


def test_distribution_has_every_point_of_the_scale():
    found = distribution(frame_of([7, 7, 10]), y="overall", scale=GRADES).table
    assert found["point"].tolist() == list(range(1, 11))
    assert found.set_index("point")["share"][7] == pytest.approx(2 / 3)
    assert found["band"].tolist() == ["low"] * 6 + ["middle"] * 2 + ["delighted"] * 2


def test_a_continuous_scale_is_shown_in_classes():
    found = distribution(frame_of([0, 50.5, 100]), y="overall", scale=Scale(0, 100, 0)).table
    assert len(found) == 20 and found["count"].sum() == 3

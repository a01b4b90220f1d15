"""Expected gains by hand, against a plain logit, and in their limits."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.drivers.what_if import gains, outcomes
from delight.errors import InputError
from delight.scales import Scale


def test_the_gain_is_the_mean_change_in_chance_of_a_plain_logit(planted, six):
    frame = planted(1500)
    table = gains(frame, **six, delight_from=9, n_boot=0).table.set_index("attribute")

    def design(f):
        return np.column_stack([np.ones(len(f)), *(part for a in six["x"] for part in (np.minimum(f[a] - 8, 0), np.maximum(f[a] - 8, 0)))])

    fit = sm.Logit((frame["overall"] >= 9).astype(float), design(frame)).fit(disp=0)
    now = fit.predict(design(frame))
    for a in six["x"]:
        then = fit.predict(design(frame.assign(**{a: np.minimum(frame[a] + 1, 10)})))
        assert table.loc[a, "gain"] == pytest.approx(100 * (then - now).mean(), abs=1e-6)
        assert table.loc[a, "room"] == pytest.approx((frame[a] < 10).mean())
    assert table["now"].to_numpy() == pytest.approx(np.full(6, (frame["overall"] >= 9).mean()))


def test_intervals_hold_about_the_truth_of_full_refits(planted, six):
    frame = planted(500)
    table = gains(frame, **six, delight_from=9, n_boot=1000).table.set_index("attribute")
    rng = np.random.default_rng(1)
    again = [gains(frame.iloc[rng.integers(0, 500, 500)], **six, delight_from=9, n_boot=0).table["gain"].to_numpy() for _ in range(150)]
    spread = np.std(again, axis=0)
    width = (table["gain_hi"] - table["gain_lo"]).to_numpy() / (2 * 1.96)
    assert width == pytest.approx(spread, rel=0.3)
    assert ((table["gain_lo"] < table["gain"]) & (table["gain"] < table["gain_hi"])).all()


def test_those_to_whom_it_does_not_apply_gain_nothing(planted, six):
    frame = planted(1000)
    frame["one:na"] = np.arange(1000) % 4 == 0
    frame.loc[frame["one:na"], "one"] = np.nan
    row = gains(frame, **six, delight_from=9, not_applicable={"one": "one:na"}, n_boot=0).table.set_index("attribute").loc["one"]
    assert row["share_applicable"] == 0.75 and row["n"] == 750
    assert row["gain"] == pytest.approx(0.75 * row["gain_applicable"])


def test_not_applicable_that_tells_the_outcome_apart_does_not_break_it(planted, six):
    frame = planted(1000)
    frame["one:na"] = (np.arange(1000) % 10 == 0) & (frame["overall"] >= 9)
    frame.loc[frame["one:na"], "one"] = np.nan
    result = gains(frame, **six, delight_from=9, not_applicable={"one": "one:na"}, n_boot=0)
    assert result.table["gain"].notna().all() and result.note("steadied")


def test_mixed_scales_rise_by_a_tenth_of_their_range():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"five": rng.integers(1, 6, 400), "ten": rng.integers(1, 11, 400)}).astype(float)
    frame["overall"] = np.clip(np.round(frame["five"] + 0.4 * frame["ten"] + rng.normal(size=400)), 0, 10)
    scales = {"five": Scale(1, 5), "ten": Scale(1, 10), "overall": Scale(0, 10)}
    result = gains(frame, y="overall", x=["five", "ten"], scales=scales, delight_from=8, n_boot=0)
    assert result.table["raise"].tolist() == pytest.approx([0.4, 0.9]) and result.note("mixed_scales")


def test_few_delighted_customers_give_straight_lines_then_nothing(planted, six):
    frame = planted(300)
    top = frame["overall"].sort_values(ascending=False).index
    frame["overall"] = 5.0
    frame.loc[top[:45], "overall"] = 9.0  # 45 events: 12 slopes would leave 3.75 each, 6 lines 7.5
    linear = gains(frame, **six, delight_from=9, n_boot=100)
    assert set(linear.table["terms"]) == {"linear"} and linear.note("linear_what_if").values == {"events": 45, "attributes": six["x"]}
    frame.loc[top[20:45], "overall"] = 5.0
    assert gains(frame, **six, delight_from=9, n_boot=100).status == "insufficient"
    frame["overall"] = 5.0
    assert gains(frame, **six, delight_from=9, n_boot=100).status == "degenerate"


def test_without_a_delight_score_nothing_is_identified(planted, six):
    result = gains(planted(300), **six, delight_from=None, n_boot=50)
    assert result.status == "not_identified" and result.table["gain"].isna().all()


def test_invariances(planted, six):
    frame = planted(400)
    plain = gains(frame, **six, delight_from=9, n_boot=100).table
    pd.testing.assert_frame_equal(gains(frame.assign(w=2.5), **six, delight_from=9, weights="w", n_boot=100).table, plain, rtol=1e-8)
    pd.testing.assert_frame_equal(gains(frame.sample(frac=1, random_state=2), **six, delight_from=9, n_boot=100).table, plain)
    twice = gains(pd.concat([frame, frame]), **six, delight_from=9, n_boot=0).table
    counted = gains(frame.assign(w=2), **six, delight_from=9, weights="w", weights_kind="frequency", n_boot=0).table
    pd.testing.assert_frame_equal(counted, twice, rtol=1e-8)


def test_of_two_attributes_that_say_the_same_neither_has_a_gain_of_its_own(planted, six):
    frame = planted(500)
    frame["two"] = frame["one"]
    result = gains(frame, **six, delight_from=9, n_boot=50)
    table = result.table.set_index("attribute")
    assert (table.loc[["one", "two"], "status"] == "degenerate").all() and table.loc[["one", "two"], ["gain", "gain_lo"]].isna().all(
        axis=None
    )
    assert (table.drop(["one", "two"])["status"] == "ok").all() and table.drop(["one", "two"])["gain_lo"].notna().all()
    assert result.note("dependent_attributes").values["attributes"] == ["one", "two"]


def test_the_gain_in_nps_is_promoters_gained_plus_detractors_lost(planted, six):
    frame = planted(1500)
    table = gains(frame, **six, outcome="nps", n_boot=300).table.set_index("attribute")
    promoters = gains(frame, **six, delight_from=9, n_boot=0).table.set_index("attribute")
    others = gains(frame, **six, delight_from=7, n_boot=0).table.set_index("attribute")  # 7 or more: no detractors
    assert table["gain"].to_numpy() == pytest.approx((promoters["gain"] + others["gain"]).to_numpy())
    assert table["now"].iloc[0] == pytest.approx((frame["overall"] >= 9).mean() - (frame["overall"] <= 6).mean())
    assert ((table["gain_lo"] < table["gain"]) & (table["gain"] < table["gain_hi"])).all()
    assert (table["outcome"] == "overall nps").all()
    # promoters and detractors come from the same draws: the interval is not that of two independent gains
    sure = table.loc["basic"]
    assert sure["gain_lo"] > 0


def test_nps_needs_its_scale_and_an_outcome_its_name(planted, six):
    frame = planted(200)
    scales = {**six["scales"], "overall": Scale(1, 10)}
    with pytest.raises(InputError, match="NPS needs 'overall' on the scale 0-10, not 1-10"):
        gains(frame.assign(overall=frame["overall"].clip(lower=1)), **{**six, "scales": scales}, outcome="nps")
    with pytest.raises(InputError, match="outcome is 'share' or 'nps'"):
        gains(frame, **six, outcome="mean")


def test_without_detractors_there_is_no_nps_gain_to_tell(planted, six):
    frame = planted(400)
    frame["overall"] = frame["overall"].clip(lower=7)
    assert gains(frame, **six, outcome="nps", n_boot=50).status == "degenerate"


def test_a_loyalty_question_is_foretold_by_its_own_model(planted, six):
    frame = planted(1500).assign(again=lambda f: np.clip(np.round(f["overall"] / 2), 1, 5))
    options = {**six, "y": "again", "scales": {**six["scales"], "again": Scale(1, 5)}}
    table = gains(frame, **options, delight_from=5, n_boot=0).table
    assert (table["outcome"] == "again >= 5").all() and table["now"].iloc[0] == pytest.approx((frame["again"] >= 5).mean())


def test_several_outcomes_stand_in_one_table(planted, six):
    frame = planted(900).assign(recommend=lambda f: f["overall"], again=lambda f: (f["overall"] >= 8).astype(float))
    scales = {**six["scales"], "recommend": Scale(0, 10), "again": Scale(0, 1)}
    models = {"recommend": {**six, "y": "recommend", "scales": scales}, "repurchase": {**six, "y": "again", "scales": scales}}
    result = outcomes(frame, models, n_boot=50)
    table = result.table.set_index(["asked", "attribute"])
    assert (table.loc["recommend", "outcome"] == "recommend nps").all() and (table.loc["repurchase", "outcome"] == "again >= 1").all()
    assert result.meta["cuts"] == {"recommend": None, "repurchase": 1}
    alone = gains(frame, **models["recommend"], outcome="nps", n_boot=50).table
    assert table.loc["recommend", "gain_lo"].tolist() == pytest.approx(alone["gain_lo"].tolist())
    assert outcomes(frame, {}).status == "not_identified"

"""What a sceptical statistician tries first: nothing to explain, one cluster, no answers, weights that are none."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers import controls, differences, grid, importance, key_drivers, penalty_reward, weakest, what_if
from delight.errors import InputError
from delight.estimate import fit_linear, sample


def limits(table):
    """Names of intervals in a table, with their widths."""
    found = [c[:-3] for c in table if c.endswith("_lo") and f"{c[:-3]}_hi" in table]
    return {c: (table[f"{c}_hi"] - table[f"{c}_lo"]).astype(float) for c in found}


def test_a_constant_outcome_is_degenerate_in_every_segment_and_location(planted, six):
    frame = planted(300).assign(overall=8.0, segment=np.arange(300) % 3, location=np.arange(300) % 10)
    found = differences.differences(frame, **six)
    assert (found.effects.table["status"] == "degenerate").all() and found.effects.table[["effect", "p", "sign"]].isna().all(axis=None)
    assert found.tests.table["p_flip"].isna().all() and found.targeting.table["targeting_gain"].isna().all()
    across = differences.across(frame, **six, n_permutations=99).table
    assert (across["status"] == "degenerate").all() and across["effect"].isna().all()
    influence = controls.influence(frame, **six)
    assert influence.table.empty and influence.status == "degenerate"


def test_a_segment_that_answers_alike_takes_no_part_in_tests(planted, six):
    frame = planted(600).assign(segment=np.arange(600) % 3)
    frame.loc[frame["segment"] == 2, "overall"] = 8.0
    found = differences.differences(frame, **six)
    rows = found.effects.table.set_index("group")
    assert (rows.loc["2", "status"] == "degenerate").all() and rows.loc["0", "effect"].notna().all()
    assert (found.tests.table["status"] == "assumption_warning").all() and not (found.tests.table[["highest", "lowest"]] == "2").any(
        axis=None
    )


@pytest.mark.parametrize("frame", [lambda f: f.head(0), lambda f: f.assign(overall=np.nan), lambda f: f.assign(**dict.fromkeys(f, 7.0))])
def test_nothing_to_impute_is_said_and_not_raised(planted, six, frame):
    table = controls.imputed(frame(planted(60)), **six, m=2, cycles=1).table
    assert len(table) == 6 and table["coef"].isna().all() and table["status"].isin(["insufficient", "degenerate"]).all()


def test_one_cluster_has_no_interval_rather_than_one_without_width(planted, six):
    frame = planted(200).assign(location="only", segment=np.arange(200) % 2, **{f"stated_{a}": planted(200)[a] for a in six["x"]})
    drawing = {"clusters": "location", "n_boot": 20}
    shares = importance.importance(frame, **six, **drawing)
    tables = [shares.importance.table, what_if.gains(frame, **six, delight_from=9, **drawing).table]
    tables += [key_drivers.dissatisfiers(frame, **six, **drawing).table, penalty_reward.effects(frame, **six, **drawing).table]
    tables += [weakest.slope_tests(frame, **six, clusters="location").table]
    stated = {a: f"stated_{a}" for a in six["x"]}
    tables += [
        grid.grid(
            frame, **{**six, "scales": {**six["scales"], **{s: six["scales"][a] for a, s in stated.items()}}}, stated=stated, **drawing
        ).table
    ]
    tables += [t.table for t in differences.differences(frame, **six, clusters="location")]
    for table in tables:
        assert not [c for c, width in limits(table).items() if (width == 0).any()]
    assert shares.importance.note("few_clusters").values == {"clusters": 1} and shares.importance.table["share"].notna().all()


def test_two_clusters_do_not_test_two_slopes_together(planted, six):
    frame = planted(300).assign(location=np.arange(300) % 2)
    table = penalty_reward.effects(frame, **six, clusters="location", n_boot=60).table
    assert (table["impact_class"] == "insufficient").all() and table["slope_joint_p"].isna().all()
    fit = fit_linear(frame["overall"], np.column_stack([np.ones(300), frame[["one", "two"]]]), clusters=frame["location"])
    assert np.isnan(fit.wald(np.eye(3)[1:])).all() and np.isfinite(fit.wald(np.eye(3)[1:2])).all()


def test_the_test_over_locations_takes_a_count_of_two_as_two_rows(planted, six):
    frame = planted(150).assign(location=np.arange(150) % 6, w=1 + np.arange(150) % 3)
    counted = differences.across(frame, **six, weights="w", weights_kind="frequency", n_permutations=60).table
    expanded = differences.across(frame.loc[frame.index.repeat(frame["w"])], **six, n_permutations=60).table
    pd.testing.assert_frame_equal(counted, expanded)


@pytest.mark.parametrize(
    ("weights", "says"), [(["1", "many", "2"], "must be numbers"), ([1.0, np.inf, 2.0], "1 infinite weights .* row 1")]
)
def test_weights_that_are_no_numbers_are_named(weights, says):
    with pytest.raises(InputError, match=says):
        sample(pd.DataFrame({"overall": [7, 8, 9], "w": weights}), ["overall"], weights="w")

"""The weakest link and tests of slopes: by hand, with planted truths, and by invariance."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.drivers.penalty_reward import effects
from delight.drivers.weakest import slope_tests, weakest_link
from delight.errors import InputError
from delight.scales import Scale

SCALES = {c: Scale(1, 10) for c in ("a", "b", "c")}


def made(rule, n=1200, seed=1, noise=0.8):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.integers(3, 11, size=(n, 3)).astype(float), columns=["a", "b", "c"])
    summary = frame.min(axis=1) if rule == "minimum" else frame.mean(axis=1)
    return frame.assign(y=2 + 0.7 * summary + rng.normal(scale=noise, size=n))


@pytest.mark.parametrize("rule", ["minimum", "mean"])
def test_the_planted_rule_is_found(rule):
    found = weakest_link(made(rule), y="y", x=["a", "b", "c"], scales=SCALES)
    note = found.note("preferred").values
    assert note["form"] == rule and note["by_aic"] > 10 and note["cv_agrees"]
    both = found.table[found.table["form"] == "both"].set_index("term")
    other = {"minimum": "mean", "mean": "minimum"}[rule]
    assert both.loc[rule, "ci_lo"] < 0.7 < both.loc[rule, "ci_hi"] and both.loc[rule, "p"] < 1e-6
    assert both.loc[other, "ci_lo"] < 0 < both.loc[other, "ci_hi"]
    told = found.table[found.table["term"] != "all"]
    assert (told["ci_lo"] < told["ci90_lo"]).all() and (told["ci90_hi"] < told["ci_hi"]).all()
    assert note["beyond_kinds"] is (rule == "minimum")


def test_basics_that_only_count_when_poor_are_no_weakest_link():
    frame = made("mean", n=3000)
    y = 8 + sum(0.5 * np.minimum(frame[a] - 8, 0) for a in "abc") + np.random.default_rng(3).normal(size=3000)
    found = weakest_link(frame.assign(y=y), y="y", x=["a", "b", "c"], scales=SCALES)
    assert not found.note("preferred").values["beyond_kinds"]
    aic = found.table.drop_duplicates("form").set_index("form")["delta_aic"]
    assert aic["kinds"] < 3 and aic["both"] > 20  # slopes of their own say it all
    row = found.table.set_index("form").loc["kinds_minimum"]
    assert row["ci_lo"] < 0 < row["ci_hi"]


def test_forms_equal_least_squares_with_hc3():
    frame = made("mean", n=200)
    table = weakest_link(frame, y="y", x=["a", "b"], scales=SCALES, others=["c"]).table
    x = np.column_stack([frame["c"], frame[["a", "b"]].mean(axis=1), frame[["a", "b"]].min(axis=1)])
    theirs = sm.OLS(frame["y"], sm.add_constant(x)).fit(cov_type="HC3", use_t=True)
    both = table[table["form"] == "both"]
    assert both["estimate"].to_numpy() == pytest.approx(theirs.params.iloc[2:].to_numpy())
    assert both["se"].to_numpy() == pytest.approx(theirs.bse.iloc[2:].to_numpy())
    aic = {
        form: sm.OLS(frame["y"], sm.add_constant(x[:, [0, *at]])).fit().aic
        for form, at in (("mean", [1]), ("minimum", [2]), ("both", [1, 2]))
    }
    mine = table.drop_duplicates("form").set_index("form")["delta_aic"]
    assert {form: mine[form] - mine["both"] for form in aic} == pytest.approx({form: value - aic["both"] for form, value in aic.items()})


def test_a_yes_or_no_outcome_takes_a_logit():
    frame = made("minimum", n=2500)
    frame["stay"] = (frame["y"] + np.random.default_rng(2).logistic(size=2500) > 6).astype(float)
    found = weakest_link(frame, y="stay", x=["a", "b", "c"], scales=SCALES)
    assert found.meta["kind"] == "logit" and found.note("preferred").values["form"] == "minimum"
    assert found.table["cv_loss"].between(0, np.log(2)).all()


def test_what_does_not_apply_counts_in_neither():
    frame = made("minimum")
    frame["a:na"] = np.arange(1200) % 8 == 0
    away = frame.assign(a=frame["a"].mask(frame["a:na"]))
    table = weakest_link(away, y="y", x=["a", "b", "c"], scales=SCALES, not_applicable={"a": "a:na"}).table
    left = away[["a", "b", "c"]].min(axis=1)
    expected = sm.OLS(away["y"], np.column_stack([np.ones(1200), away["a:na"], left])).fit().params.iloc[2]
    assert table.loc[table["form"] == "minimum", "estimate"].iloc[0] == pytest.approx(expected)
    assert (table["n"] == 1200).all()


def test_weakest_link_has_its_limits():
    frame = made("mean", n=300)
    with pytest.raises(InputError, match="at least two basics"):
        weakest_link(frame, y="y", x=["a"], scales=SCALES)
    assert weakest_link(frame.head(20), y="y", x=["a", "b"], scales=SCALES).status == "insufficient"
    assert weakest_link(frame.assign(y=7.0), y="y", x=["a", "b"], scales=SCALES).status == "degenerate"
    same = weakest_link(frame.assign(b=frame["a"]), y="y", x=["a", "b"], scales=SCALES)
    assert same.table.set_index("form").loc["both", "status"].eq("degenerate").all() and same.status == "ok"


def test_weakest_link_invariances():
    frame = made("minimum", n=300)
    options = {"y": "y", "x": ["a", "b", "c"], "scales": SCALES}
    plain = weakest_link(frame, **options).table
    pd.testing.assert_frame_equal(weakest_link(frame.sample(frac=1, random_state=3), **options).table, plain)
    pd.testing.assert_frame_equal(weakest_link(frame.assign(w=4.0), **options, weights="w").table, plain, rtol=1e-9)
    twice = weakest_link(pd.concat([frame, frame]), **options).table
    counted = weakest_link(frame.assign(w=2), **options, weights="w", weights_kind="frequency").table
    pd.testing.assert_frame_equal(counted, twice, rtol=1e-8)


def test_slopes_of_one_attribute_are_those_of_the_impact_table(planted, six):
    frame = planted(1500)
    impact = effects(frame, **six, n_boot=0).table.set_index("attribute")
    tests = slope_tests(frame, **six).table.set_index(["group", "estimand"])
    for a in six["x"]:
        for estimand, column in (("below", "slope_below"), ("above", "slope_above"), ("difference", "slope_diff")):
            assert tests.loc[(a, estimand), "estimate"] == pytest.approx(impact.loc[a, column])
        assert tests.loc[(a, "above"), "ci90_hi"] == pytest.approx(impact.loc[a, "slope_above_hi90"])
        assert tests.loc[(a, "difference"), "p"] == pytest.approx(impact.loc[a, "diff_p"])
        assert tests.loc[(a, "below"), "margin"] == pytest.approx(abs(impact.loc[a, "common_slope"]) / 2)


def test_what_is_nil_is_shown_to_be_nil_and_what_is_not_is_not(planted, six):
    tests = slope_tests(planted(4000), **six, margin=0.15).table.set_index(["group", "estimand"])
    assert tests.loc[("basic", "above"), "equivalent"] and not tests.loc[("basic", "below"), "equivalent"]
    assert tests.loc[("delight", "below"), "equivalent"] and tests.loc[("delight", "above"), "p"] < 1e-6
    assert tests.loc[("one", "difference"), "equivalent"]
    inside = (tests["ci90_lo"] > -tests["margin"]) & (tests["ci90_hi"] < tests["margin"])
    assert (inside == tests["equivalent"]).all() and (inside == (tests["p_equivalence"] <= 0.05)).all()


def test_slopes_of_a_group_are_averaged_with_their_covariance(planted, six):
    frame = planted(1500)
    tests = slope_tests(frame, **six, groups={"flat": ["one", "two"]}).table.set_index("estimand")
    x = np.column_stack([np.ones(1500), *(part for a in six["x"] for part in (np.minimum(frame[a] - 8, 0), np.maximum(frame[a] - 8, 0)))])
    fit = sm.OLS(frame["overall"], x).fit(cov_type="HC3", use_t=True)
    direction = np.zeros(13)
    direction[[6, 8]] = 0.5  # slopes above of `one` and `two`
    theirs = fit.t_test(direction)
    assert tests.loc["above", "estimate"] == pytest.approx(float(theirs.effect[0]))
    assert tests.loc["above", ["ci_lo", "ci_hi"]].tolist() == pytest.approx(np.ravel(theirs.conf_int()).tolist())
    assert tests.loc["above", "attributes"] == "one, two"


def test_groups_without_slopes_are_insufficient_and_strange_names_are_named(planted, six):
    frame = planted(300)
    frame["one"] = 8.0 + (np.arange(300) % 2)
    tests = slope_tests(frame, **six, groups={"flat": ["one"], "rest": ["one", "two"]}).table.set_index(["group", "estimand"])
    assert (tests.loc["flat", "status"] == "insufficient").all() and tests.loc[("rest", "above"), "attributes"] == "two"
    with pytest.raises(InputError, match="not in `x`: nobody"):
        slope_tests(frame, **six, groups={"flat": ["nobody"]})

"""A euro's worth of acts, and whether more does more."""

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.estimate import fit_linear
from delight.practice import acts
from delight.practice.worth import dose, per_euro
from delight.scales import Scale

TWO = dict(y="overall", scale=Scale(-20, 40, 0), before="1", after="2")


def world(seed, gains, size=30):
    """Answers of a location a gain, which it has in wave 2."""
    rng, n = np.random.default_rng(seed), len(gains)
    mean = 7 + rng.normal(0, 0.3, n)[:, None] + np.array([[0.1]]) * [[0, 1]] + np.outer(gains, [0, 1])
    y = (mean[:, :, None] + rng.normal(0, 1, (n, 2, size))).ravel()
    return pd.DataFrame(
        {"location": np.repeat([f"L{i:02}" for i in range(n)], 2 * size), "wave": np.tile(np.repeat(["1", "2"], size), n), "overall": y}
    )


GAINS = np.repeat([0.4, 0.8, 0.0], 10)
MEASURES = {"small": [f"L{i:02}" for i in range(10)], "big": [f"L{i:02}" for i in range(10, 20)]}
COSTS = {"small": 50, "big": 1000}


def test_small_measures_may_do_less_and_be_worth_more():
    t = per_euro(world(1, GAINS), **TWO, measures=MEASURES, costs=COSTS).table.set_index("measure")
    assert t.loc["big", "effect"] > t.loc["small", "effect"] and t.loc["small", "per_100"] > 3 * t.loc["big", "per_100"]
    assert t.loc["small", "per_100"] == pytest.approx(2 * t.loc["small", "effect"]) and t.loc["big", "difference_hi"] < 0
    assert t.loc["big", "difference"] == pytest.approx(t.loc["big", "per_100"] - t.loc["small", "per_100"])
    assert np.isnan(t.loc["small", "difference"]) and (t["ci_lo"] < t["effect"]).all() and (t["effect"] < t["ci_hi"]).all()


def test_the_effect_is_that_of_the_act_alone_against_the_others():
    frame = world(2, GAINS)
    t = per_euro(frame, **TWO, measures=MEASURES, costs=COSTS, n_boot=50).table
    alone = acts.effect(frame[~frame["location"].isin(MEASURES["big"])], **TWO, treated=MEASURES["small"], n_boot=50).table
    assert t["effect"][0] == pytest.approx(alone["effect"][0], abs=1e-12)


def test_few_locations_have_no_interval_and_none_no_effect():
    frame = world(3, GAINS[5:25])
    t = per_euro(
        frame, **TWO, measures={"a": ["L00", "L01"], "b": [f"L{i:02}" for i in range(5, 12)]}, costs={"a": 1, "b": 1}, n_boot=50
    ).table
    assert t["status"][0] == "low_base" and np.isnan(t["ci_lo"][0]) and np.isfinite(t["effect"][0]) and t["status"][1] == "ok"
    nobody = per_euro(frame, **TWO, measures={"all": sorted(set(frame["location"]))}, costs={"all": 1}, n_boot=50).table
    assert nobody["status"][0] == "insufficient" and np.isnan(nobody["effect"][0])


def test_a_difference_needs_enough_locations_of_the_first_measure_too():
    frame = world(3, GAINS[5:25])
    some = {"a": ["L00", "L01"], "b": [f"L{i:02}" for i in range(5, 12)]}
    t = per_euro(frame, **TWO, measures=some, costs={"a": 1, "b": 1}, n_boot=50).table
    assert np.isfinite(t["per_100_lo"][1]) and np.isfinite(t["difference"][1]) and np.isnan(t["difference_lo"][1])


@pytest.mark.long
def test_intervals_hold_the_planted_effect_with_six_locations_an_arm():
    rng, gains = np.random.default_rng(9), np.repeat([0.4, 0.8, 0.0], 6)
    some = {"small": [f"L{i:02}" for i in range(6)], "big": [f"L{i:02}" for i in range(6, 12)]}
    hits = np.zeros(2)
    for seed in range(150):
        frame = world(seed, gains + rng.normal(0, 0.25, 18), size=4)
        row = per_euro(frame, **TWO, measures=some, costs=COSTS, n_boot=400).table.iloc[1]
        hits += row["ci_lo"] <= 0.8 <= row["ci_hi"], row["difference_lo"] <= 0.08 - 0.8 <= row["difference_hi"]
    assert (hits / 150 >= 0.91).all() and (hits / 150 <= 0.99).all(), hits


def test_what_is_wrong_with_measures_is_listed():
    with pytest.raises(InputError, match="'a' has no cost above 0; there is no location 'Z'; a location has two measures"):
        per_euro(world(4, GAINS), **TWO, measures={"a": ["Z", "L00"], "b": ["L00"]}, costs={"b": 2})


def test_the_slope_of_the_dose_is_that_of_fixed_effects():
    doses = {f"L{i:02}": i / 10 for i in range(24)}
    frame = world(5, 0.3 * np.arange(24) / 10).drop(index=[3, 4, 100])
    row = dose(frame, **TWO, doses=doses).table.iloc[0]
    later = (frame["wave"] == "2").astype(float)
    design = pd.get_dummies(frame["location"]).astype(float).assign(later=later, dose=later * frame["location"].map(doses))
    assert row["slope"] == pytest.approx(fit_linear(frame["overall"], design).coef[-1], abs=1e-10)
    assert row["ci_lo"] < 0.3 < row["ci_hi"] and row["p"] < 0.01 and (row["dose_low"], row["dose_high"]) == (0, 2.3)


def test_locations_without_a_dose_are_counted_and_one_dose_says_nothing():
    found = dose(world(6, np.zeros(14)), **TWO, doses={f"L{i:02}": i % 3 for i in range(12)}, n_boot=50)
    assert found.note("no_dose").values == {"locations": 2} and found.table["status"][0] == "ok"
    assert dose(world(6, np.zeros(14)), **TWO, doses=dict.fromkeys(["L00", "L01", "L02"], 1.0)).table["status"][0] == "insufficient"
    few = dose(world(6, np.zeros(14)), **TWO, doses={"L00": 0, "L01": 1, "L02": 2}).table.iloc[0]
    assert few["status"] == "low_base" and np.isfinite(few["slope"]) and np.isnan(few["ci_lo"])


def test_rows_in_another_order_change_nothing():
    frame = world(7, GAINS)
    both, doses = (frame, frame.sample(frac=1, random_state=1)), dict(zip(sorted(set(frame["location"])), GAINS))
    pd.testing.assert_frame_equal(*(per_euro(f, **TWO, measures=MEASURES, costs=COSTS, n_boot=100).table for f in both), atol=1e-12)
    pd.testing.assert_frame_equal(*(dose(f, **TWO, doses=doses, n_boot=100).table for f in both), atol=1e-9)


def test_an_unknown_wave_or_location_is_named():
    with pytest.raises(InputError, match="no wave 9"):
        dose(world(8, GAINS), **(TWO | {"after": "9"}), doses={"L00": 1})
    with pytest.raises(InputError, match="no such location.*Z"):
        dose(world(8, GAINS), **TWO, doses={"Z": 1})

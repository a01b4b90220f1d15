"""An act is given by lot, and its effect is the change of those that have it minus the change of the others."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.estimate import fit_linear
from delight.practice import acts
from delight.scales import Scale

GRADES = Scale(1, 10)
TWO = dict(y="overall", scale=GRADES, before="1", after="2")


def answers(rows):
    return pd.DataFrame(rows, columns=["location", "wave", "overall"])


def made_up(rng, *, locations=16, size=20, effect=0.0, whole=False):
    level = rng.normal(0, 0.3, locations)
    place = np.repeat(np.arange(locations), 2 * size)
    later = np.tile(np.repeat([0, 1], size), locations)
    y = 7.5 + level[place] + 0.1 * later + effect * later * (place < locations // 2) + rng.normal(0, 1, len(place))
    y = np.clip(np.round(y), 1, 10) if whole else y
    return pd.DataFrame({"location": [f"L{p:02}" for p in place], "wave": (later + 1).astype(str), "overall": y})


# ---- how many locations
@pytest.mark.parametrize(
    ("size", "icc", "needed"), [(20, 0.05, (40, 19, 8)), (20, 0.02, (29, 14, 6)), (50, 0.05, (29, 14, 6))], ids=lambda v: str(v)
)
def test_the_number_of_locations_is_that_of_the_noncentral_t(size, icc, needed):
    found = acts.locations_needed(d=(0.2, 0.3, 0.5), icc=icc, size=size).table
    assert tuple(found["locations"]) == needed
    assert (found["power"] >= 0.8).all() and (acts.power(found["locations"] - 1, d=found["d"].to_numpy(), icc=icc, size=size) < 0.8).all()


def test_power_is_what_a_simulation_finds():
    rng, k, m, icc = np.random.default_rng(1), 10, 20, 0.05
    means = rng.normal(0, np.sqrt(icc + (1 - icc) / m), (4000, 2, k)) + np.array([0, 0.4])[None, :, None]
    t = (means[:, 1].mean(1) - means[:, 0].mean(1)) / np.sqrt((means.var(axis=2, ddof=1).sum(1)) / k)
    assert (np.abs(t) > 2.1009).mean() == pytest.approx(float(acts.power(k, d=0.4, icc=icc, size=m)), abs=0.025)


def test_a_measurement_before_spares_locations():
    plain, before = (acts.locations_needed(d=0.3, pre_correlation=r).table["locations"][0] for r in (0.0, 0.7))
    assert before == pytest.approx(plain * (1 - 0.49), abs=2)


def test_an_effect_that_no_number_of_locations_shows_is_insufficient():
    row = acts.locations_needed(d=0.001, most=50).table.iloc[0]
    assert row["status"] == "insufficient" and np.isnan(row["locations"])


def test_impossible_wishes_are_refused():
    with pytest.raises(InputError, match="effects d above 0"):
        acts.locations_needed(d=0)


# ---- by lot
UNITS = pd.DataFrame({"location": [f"L{i:02}" for i in range(24)], "label": list("ABCDEF") * 4, "grade": np.linspace(7, 8.5, 24)})


def test_half_of_the_locations_of_every_label_get_the_act():
    found = acts.assign(UNITS, acts=["rompers"], blocks="label").table
    assert (found.groupby("block")["rompers"].sum() == 2).all() and found["location"].is_unique


def test_neighbours_in_the_last_grade_share_a_lot():
    found = acts.assign(UNITS, acts=["rompers"], alike="grade").table
    assert (found.groupby("lot")["rompers"].sum() == 1).all()
    assert list(found.sort_values("location")["lot"]) == [i // 2 for i in range(24)]


def test_four_acts_make_the_half_of_a_factorial_plan_in_which_every_two_acts_are_balanced():
    found = acts.assign(UNITS, acts=["a", "b", "c", "d"]).table
    assert ((found["a"] + found["b"] + found["c"] + found["d"]) % 2 == 0).all()
    for one, other in combinations("abcd", 2):
        assert (found.groupby([one, other]).size() == 6).all()


def test_odd_blocks_leave_the_arms_as_even_as_can_be():
    units = pd.DataFrame({"location": list("abcdefghi"), "label": list("xxxyyyzzz")})
    assert abs(acts.assign(units, acts=["act"], blocks="label").table["act"].sum() - 4.5) == 0.5


def test_the_lot_depends_on_the_seed_and_not_on_the_order_of_the_rows():
    one, other = acts.assign(UNITS, acts=["a"]).table, acts.assign(UNITS.sample(frac=1, random_state=1), acts=["a"]).table
    assert one.equals(other) and not one.equals(acts.assign(UNITS, acts=["a"], seed=1).table)


def test_every_location_is_as_likely_to_get_the_act():
    drawn = sum(acts.assign(UNITS.head(6), acts=["a"], seed=s).table["a"].to_numpy() for s in range(100))
    assert np.abs(drawn / 100 - 0.5).max() < 0.2


def test_a_location_named_twice_is_refused():
    with pytest.raises(InputError, match="every location once"):
        acts.assign(pd.concat([UNITS, UNITS.head(1)]), acts=["a"])


# ---- what it did
def test_the_effect_of_one_location_against_another_is_the_difference_of_differences():
    found = acts.effect(answers([("T", "1", 7), ("T", "1", 7), ("T", "2", 9), ("C", "1", 6), ("C", "2", 7)]), **TWO, treated=["T"])
    row = found.table.iloc[0]
    assert row["effect"] == pytest.approx((9 - 7) - (7 - 6))
    assert (row["status"], row["n"], row["assignments"]) == ("low_base", 5, 2) and np.isnan(row["ci_lo"])


def test_the_effect_equals_that_of_fixed_effects_for_locations_and_waves():
    frame = made_up(np.random.default_rng(3), effect=0.4).drop(index=[0, 1, 2, 77, 300])
    row = acts.effect(frame.assign(overall=frame["overall"].clip(1, 10)), y="overall", scale=Scale(1, 10, 0), before="1", after="2",
                      treated=[f"L{i:02}" for i in range(8)]).table.iloc[0]  # fmt: skip
    later = (frame["wave"] == "2").astype(float)
    design = pd.get_dummies(frame["location"]).astype(float).assign(later=later, act=later * (frame["location"] < "L08"))
    fit = fit_linear(frame["overall"].clip(1, 10), design, clusters=frame["location"])
    assert row["effect"] == pytest.approx(fit.coef[-1], abs=1e-10)
    assert row["se"] == pytest.approx(fit.se[-1], rel=0.06)  # the same sandwich; the person model counts its dummies as parameters
    assert row["change_treated"] - row["change_others"] == pytest.approx(row["effect"])


def test_all_assignments_of_six_locations_are_tried():
    frame = answers([(loc, w, 7 + (w == "2") * (loc in "abc")) for loc in "abcdef" for w in "12" for _ in range(3)])
    row = acts.effect(frame, **TWO, treated="abc").table.iloc[0]
    assert row["exact"] and row["assignments"] == 20 and row["p_lot"] == pytest.approx(2 / 20)  # itself and its mirror


def test_permutations_stay_within_the_lots():
    frame = answers([(loc, w, 7 + (w == "2") * (loc in "ac")) for loc in "abcd" for w in "12"])
    row = acts.effect(frame, **TWO, treated="ac", blocks={"a": 1, "b": 1, "c": 2, "d": 2}).table.iloc[0]
    assert row["assignments"] == 4 and row["p_lot"] == pytest.approx(2 / 4)


def test_invariances():
    frame = made_up(np.random.default_rng(5), effect=0.5, whole=True)
    treated = [f"L{i:02}" for i in range(8)]
    plain = acts.effect(frame, **TWO, treated=treated, n_boot=200).table
    shuffled = acts.effect(frame.sample(frac=1, random_state=2), **TWO, treated=treated, n_boot=200).table
    weighed = acts.effect(frame.assign(w=3.0), **TWO, treated=treated, weights="w", n_boot=200).table
    twice = acts.effect(pd.concat([frame, frame]), **TWO, treated=treated, n_boot=200).table
    counted = acts.effect(frame.assign(w=2), **TWO, treated=treated, weights="w", weights_kind="frequency", n_boot=200).table
    numbers = ["effect", "se", "ci_lo", "ci_hi", "p", "p_lot"]
    for other in (shuffled, weighed):
        assert np.allclose(plain[numbers].astype(float), other[numbers].astype(float), atol=1e-12)
    assert np.allclose(twice[numbers + ["n"]].astype(float), counted[numbers + ["n"]].astype(float), atol=1e-12)


def test_missing_scores_are_counted_and_a_location_with_one_wave_says_nothing():
    frame = made_up(np.random.default_rng(7), whole=True)
    frame.loc[3, "overall"] = np.nan
    frame = frame[~((frame["location"] == "L15") & (frame["wave"] == "2"))]
    found = acts.effect(frame, **TWO, treated=["L00", "L01", "L02", "L03", "L04", "L05"], n_boot=200)
    assert found.table["n_missing"][0] == 1 and found.note("one_wave").values == {"locations": 1}
    assert found.table["locations_others"][0] == 9


def test_nobody_treated_gives_no_effect_and_says_so():
    row = acts.effect(made_up(np.random.default_rng(9), whole=True), **TWO, treated=[]).table.iloc[0]
    assert row["status"] == "insufficient" and np.isnan(row["effect"])


def test_everything_wrong_is_listed_at_once():
    with pytest.raises(InputError, match=r"no wave '3'; there is no location 'Z'"):
        acts.effect(made_up(np.random.default_rng(9), whole=True), y="overall", scale=GRADES, treated=["Z"], before="1", after="3")


@pytest.mark.long
def test_the_interval_holds_the_effect_as_often_as_it_says():
    rng = np.random.default_rng(11)
    hits, small = 0, 0
    for _ in range(300):
        frame = made_up(rng, locations=20, effect=0.3)
        row = acts.effect(frame, y="overall", scale=Scale(-10, 25, 0), before="1", after="2",
                          treated=[f"L{i:02}" for i in range(10)], n_boot=399).table.iloc[0]  # fmt: skip
        hits += row["ci_lo"] <= 0.3 <= row["ci_hi"]
        null = acts.effect(frame, y="overall", scale=Scale(-10, 25, 0), before="1", after="2",
                           treated=list(rng.permutation([f"L{i:02}" for i in range(20)])[:10]), n_boot=1).table.iloc[0]  # fmt: skip
        small += null["p_lot"] <= 0.05
    assert 0.915 <= hits / 300 <= 0.985 and small / 300 <= 0.09

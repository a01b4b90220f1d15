"""Several attributes moved at once: what `gains` says for one, and intervals that hold what they promise."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers import what_if
from delight.drivers.scenario import scenario
from delight.errors import InputError
from delight.scales import Scale

SCALES = {c: Scale(1, 10) for c in ("overall", "warmth", "speed")} | {"recommend": Scale(0, 10)}


def survey(n=900, seed=3):
    rng = np.random.default_rng(seed)
    warmth, speed = (np.clip(np.round(rng.normal(7.3, 1.6, n)), 1, 10) for _ in range(2))
    overall = np.clip(np.round(0.5 * warmth + 0.3 * speed + rng.normal(1.6, 1.2, n)), 1, 10)
    recommend = np.clip(np.round(overall + rng.normal(0, 1, n)), 0, 10)
    frame = pd.DataFrame({"overall": overall, "warmth": warmth, "speed": speed, "recommend": recommend})
    return frame.assign(w=rng.integers(1, 4, n).astype(float), place=rng.integers(0, 30, n).astype(str), kind=rng.choice(["a", "b"], n))


MODEL = {"y": "overall", "x": ["warmth", "speed"], "scales": SCALES, "delight_from": 9}


@pytest.mark.parametrize("more", [{}, {"weights": "w"}, {"weights": "w", "weights_kind": "frequency"}, {"clusters": "place"}])
def test_one_attribute_gains_what_gains_says(more):
    frame = survey()
    one = scenario(frame, **MODEL, **more).at({"warmth": 1.0}).table.iloc[0]
    known = what_if.gains(frame, **MODEL, **more, n_boot=2000).table.set_index("attribute").loc["warmth"]
    assert one["gain"] == pytest.approx(known["gain"], abs=1e-9)
    assert one["now"] == pytest.approx(known["now"], abs=1e-9) and one["n"] == known["n"]
    half, theirs = (one["gain_hi"] - one["gain_lo"]) / 2, (known["gain_hi"] - known["gain_lo"]) / 2
    assert half == pytest.approx(theirs, rel=0.12)  # linearised against 2,000 redrawn surveys


def test_an_nps_moves_as_gains_says():
    frame = survey()
    model = {**MODEL, "y": "recommend", "outcome": "nps", "delight_from": None}
    one = scenario(frame, **model).at({"speed": 1.0}).table.iloc[0]
    known = what_if.gains(frame, **model, n_boot=0).table.set_index("attribute").loc["speed"]
    assert one["gain"] == pytest.approx(known["gain"], abs=1e-9) and -1 <= one["now"] <= 1


def test_nothing_moved_changes_nothing_and_is_certain():
    row = scenario(survey(), **MODEL).at({}).table.iloc[0]
    assert row["gain"] == 0 and row["gain_lo"] == pytest.approx(0) and row["then"] == row["now"]
    assert row["now"] == pytest.approx((survey()["overall"] >= 9).mean(), abs=1e-6)  # a logit with a constant keeps the share


def test_two_attributes_together_and_their_groups():
    fitted = scenario(survey(), **MODEL)
    both = fitted.at({"warmth": 1.0, "speed": 1.0}, by="kind").table
    each = [fitted.at({a: 1.0}).table.iloc[0]["gain"] for a in ("warmth", "speed")]
    assert both.iloc[0]["gain"] > max(each)
    groups = both[both["by"] == "kind"]
    assert np.average(groups["gain"], weights=groups["n"]) == pytest.approx(both.iloc[0]["gain"], abs=1e-9)


def test_answers_stay_within_their_scale():
    high = scenario(survey(), **MODEL)
    assert high.at({"warmth": 50.0}).table.iloc[0]["then"] == pytest.approx(high.at({"warmth": 9.0}).table.iloc[0]["then"])


def test_rows_may_come_in_any_order_and_a_weight_of_two_is_two_respondents():
    frame = survey()
    first = scenario(frame, **MODEL).at({"warmth": 1.0}).table
    mixed = scenario(frame.sample(frac=1, random_state=1), **MODEL).at({"warmth": 1.0}).table
    pd.testing.assert_frame_equal(first, mixed)
    twice = pd.concat([frame, frame], ignore_index=True)
    weighed = scenario(frame.assign(w=2.0), **MODEL, weights="w", weights_kind="frequency").at({"warmth": 1.0}).table.iloc[0]
    doubled = scenario(twice, **MODEL).at({"warmth": 1.0}).table.iloc[0]
    for column in ("gain", "gain_lo", "gain_hi", "then_lo", "n"):
        assert weighed[column] == pytest.approx(doubled[column], rel=1e-6), column


def test_intervals_hold_the_truth_as_often_as_they_say():
    big = scenario(survey(200_000, seed=99), **MODEL).at({"warmth": 1.0}).table.iloc[0]["gain"]
    held = 0
    for seed in range(60):
        row = scenario(survey(400, seed=seed), **MODEL).at({"warmth": 1.0}).table.iloc[0]
        held += row["gain_lo"] <= big <= row["gain_hi"]
    assert 0.85 <= held / 60 <= 1.0


def test_leaving_is_turned_round():
    frame = survey().assign(left=lambda f: (f["overall"] < 6).astype(float))
    frame.loc[::7, "left"] = 1 - frame.loc[::7, "left"]
    model = {"y": "left", "x": ["warmth", "speed"], "scales": {**SCALES, "left": Scale(0, 1)}, "delight_from": 1}
    stays = scenario(frame, **model, turned=True).at({"warmth": 1.0}).table.iloc[0]
    leaves = scenario(frame, **model).at({"warmth": 1.0}).table.iloc[0]
    assert stays["now"] == pytest.approx(1 - leaves["now"]) and stays["gain"] == pytest.approx(-leaves["gain"]) and stays["gain"] > 0


def test_few_answers_say_so_and_what_cannot_move_is_named():
    assert scenario(survey(20), **MODEL).at({}).table.iloc[0]["status"] == "insufficient"
    with pytest.raises(InputError, match="'warmt' cannot be moved.*warmth"):
        scenario(survey(), **MODEL).at({"warmt": 1})

"""The order of action."""

import numpy as np
import pytest
from delight.drivers.importance import importance
from delight.drivers.penalty_reward import effects
from delight.drivers.priorities import BLOCKS, priorities
from delight.drivers.what_if import gains
from delight.errors import InputError


@pytest.fixture
def results(planted, six):
    frame = planted(2500)
    return (
        effects(frame, **six, n_boot=200),
        gains(frame, **six, delight_from=9, n_boot=200),
        importance(frame, **six, n_boot=200).importance,
    )


def test_basics_below_the_knot_come_first_and_delight_last_of_what_to_do(results, six):
    table = priorities(*results, scales=six["scales"]).table
    block = dict(zip(table["attribute"], table["block"]))
    assert block == {
        "basic": "fix_first",
        "one": "improve",
        "two": "improve",
        "delight": "delight_with",
        "nil": "no_effect",
        "nought": "no_effect",
    }
    assert table["order"].tolist() == [1, 2, 3, 4, 5, 6] and table["attribute"].iloc[0] == "basic"
    improve = table[table["block"] == "improve"]["gain"].to_numpy()
    assert improve[0] >= improve[1]
    place = [BLOCKS.index(b) for b in table["block"]]
    assert place == sorted(place)


def test_a_basic_that_is_in_order_is_kept_up_and_classes_find_their_block(results):
    impact, what_if, weight = results
    table = impact.table.copy()
    table["impact_class"] = ["basis", "bijzonder", "reverse", "insufficient", "beleving", "not_identified"]
    good = weight.table.assign(performance=9.0)
    found = priorities(impact.with_table(table), what_if, weight.with_table(good)).table.set_index("attribute")["block"]
    assert found[table["attribute"]].tolist() == ["keep_up", "delight_with", "look_into", "unknown", "improve", "unknown"]


def test_a_missing_gain_goes_last_in_its_block_and_ps_stands_beside(results, six):
    impact, what_if, weight = results
    without = what_if.table.assign(gain=np.where(what_if.table["attribute"] == "one", np.nan, what_if.table["gain"]))
    table = priorities(impact, what_if.with_table(without), weight, scales=six["scales"]).table
    assert table[table["block"] == "improve"]["attribute"].tolist() == ["two", "one"]
    row = table[table["attribute"] == "basic"].iloc[0]
    assert row["ps"] == pytest.approx(row["riocs"] * (10 - row["performance"]) / 9)


def test_results_of_different_attributes_do_not_mix(results):
    impact, what_if, weight = results
    with pytest.raises(InputError, match="same attributes"):
        priorities(impact, what_if, weight.with_table(weight.table.iloc[:-1]))

import numpy as np
import pytest
from delight.errors import InputError
from delight.segments.archetypes import match_archetypes, targets

ITEMS = ["a", "b", "c", "d"]
KINDS = {"plain": {}, "wants_a": {"a": "high", "b": "low"}, "wants_b": {"a": "low", "b": "high"}}


def test_targets_are_half_a_standard_deviation_and_items_nobody_names_do_not_count():
    wanted, used = targets(KINDS, ITEMS)
    assert wanted.tolist() == [[0, 0, 0, 0], [0.5, -0.5, 0, 0], [-0.5, 0.5, 0, 0]]
    assert used.tolist() == [True, True, False, False]


def test_a_group_without_a_distinctive_wish_is_matched_by_distance():
    profiles = np.array([[0.0, 0.0, 2.0, -2.0], [0.6, -0.4, 0, 0], [-0.5, 0.5, 0, 0]])
    rows = match_archetypes(profiles, np.repeat(profiles[None], 10, axis=0), KINDS, ITEMS)
    assert [r["archetype"] for r in rows] == ["plain", "wants_a", "wants_b"]
    assert rows[0]["distance"] == 0 and rows[0]["margin"] == pytest.approx(0.5)
    assert rows[1]["distance"] == pytest.approx(0.1)
    assert all(r["named"] and r["match_prob"] == 1 for r in rows)


def test_a_class_between_two_archetypes_is_not_named():
    profiles = np.array([[0.25, -0.25, 0, 0], [0.6, -0.6, 0, 0]])
    rows = match_archetypes(profiles, np.repeat(profiles[None], 10, axis=0), KINDS, ITEMS)
    assert rows[0]["margin"] == pytest.approx(0) and not rows[0]["named"]
    assert rows[1]["named"]


def test_a_match_that_does_not_hold_in_the_draws_is_not_named():
    profiles = np.array([[0.0, 0, 0, 0], [0.5, -0.5, 0, 0]])
    drawn = np.concatenate([np.repeat(profiles[None], 7, axis=0), np.repeat(profiles[None, ::-1], 3, axis=0)])
    rows = match_archetypes(profiles, drawn, KINDS, ITEMS)
    assert [r["match_prob"] for r in rows] == [0.7, 0.7]
    assert not any(r["named"] for r in rows)


def test_the_kind_without_a_wish_is_named_only_beside_one_that_has_its_own():
    profiles = np.array([[0.0, 0.0, 0, 0], [0.3, -0.2, 0, 0]])
    rows = match_archetypes(profiles, np.repeat(profiles[None], 10, axis=0), KINDS, ITEMS)
    assert rows[0]["archetype"] == "plain" and rows[0]["margin"] > 0.15
    assert not rows[1]["named"] and not rows[0]["named"]


def test_a_single_archetype_must_beat_having_no_wish():
    one = {"wants_a": {"a": "high", "b": "low"}}
    profiles = np.array([[0.05, -0.05, 0, 0]])
    assert not match_archetypes(profiles, profiles[None], one, ITEMS)[0]["named"]
    assert match_archetypes(10 * profiles, 10 * profiles[None], one, ITEMS)[0]["named"]


def test_all_mistakes_in_archetypes_are_named_together():
    with pytest.raises(InputError, match="'x' names 'e', which is no need.*'x' puts 'a' at 'much'"):
        targets({"x": {"e": "high", "a": "much"}}, ITEMS)

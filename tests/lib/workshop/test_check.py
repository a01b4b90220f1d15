"""Checks say right, nearly or not yet, and never need a stored answer."""

import numpy as np
import pytest
from delight.errors import InputError
from delight.scales import Scale
from delight.workshop import check, room

SCORES = [10, 9, 8, 6, 3]


def test_the_right_share_is_right():
    assert check.delighted(0.4, SCORES, scale=Scale(1, 10))


def test_a_percentage_is_recognised_and_named():
    verdict = check.delighted(40, SCORES, scale=Scale(1, 10))
    assert not verdict and "percentage" in repr(verdict)


def test_a_wrong_share_gets_a_hint_and_not_the_answer():
    verdict = check.delighted(0.6, SCORES, scale=Scale(1, 10), language="nl")
    assert not verdict and "0,4" not in repr(verdict) and "0.4" not in repr(verdict)
    assert repr(verdict).startswith("Nog niet")


def test_the_score_of_two_promoters_and_two_detractors_of_five_is_nought():
    assert check.nps(0, SCORES, scale=Scale(0, 10))
    assert not check.nps(20, SCORES, scale=Scale(0, 10))


def test_limits_in_the_wrong_order_are_named():
    draws = np.linspace(-50, 50, 201)
    assert check.middle(-47.5, 47.5, draws)
    assert "lower number comes first" in repr(check.middle(47.5, -47.5, draws))
    assert not check.middle(None, 3, draws)


def test_every_participant_gets_own_answers_and_always_the_same():
    one, again, other = room.scores(1), room.scores(1), room.scores(2)
    assert one.equals(again) and not one.equals(other)
    assert len(one) == 150 and one.notna().all().all()
    with pytest.raises(InputError, match="number on your badge"):
        room.scores("Petra")

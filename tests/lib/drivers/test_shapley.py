"""Shapley values of R²: by hand, exactly and by sampled orders, and how much memory they take."""

from itertools import permutations

import numpy as np
import pytest
from delight.drivers.draws import Draws
from delight.drivers.shapley import added, random_orders, sampled, shapley, sizes, subset_r2, values


def halo(p, n=200, seed=1, draws=1):
    """Correlations of p related drivers and an outcome, a stack of samples."""
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(draws, n, p + 1)) + rng.normal(size=(draws, n, 1))
    c = np.stack([np.corrcoef(d.T) for d in data])
    return c[:, :p, :p], c[:, :p, p]


def r2(rxx, rxy, members):
    m = list(members)
    return rxy[m] @ np.linalg.solve(rxx[np.ix_(m, m)], rxy[m]) if m else 0.0


def test_three_drivers_by_all_six_orders():
    rxx, rxy = halo(3)
    expected = np.zeros(3)
    for order in permutations(range(3)):
        for k, j in enumerate(order):
            expected[j] += (r2(rxx[0], rxy[0], order[: k + 1]) - r2(rxx[0], rxy[0], order[:k])) / 6
    assert shapley(rxx, rxy)[0] == pytest.approx(expected, abs=1e-14)


def test_every_subset_stands_where_its_bits_say():
    rxx, rxy = halo(9, draws=3)
    found = subset_r2(rxx, rxy)
    for s in (0, 1, 0b101, 0b110000001, 2**9 - 1):
        members = [j for j in range(9) if s >> j & 1]
        assert found[s] == pytest.approx([r2(rxx[d], rxy[d], members) for d in range(3)], abs=1e-13)


def test_a_glove_game_by_hand():
    # one left glove (player 0) and two right ones: a pair is worth 1; the values are 2/3, 1/6, 1/6 (Shapley 1953)
    worth = np.array([[float((s & 1) and (s & 6 > 0))] for s in range(8)])
    assert values(worth)[:, 0] == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert added(worth, 0)[:, 0].tolist() == [0, 1, 1, 1]
    assert sizes(3).tolist() == [0, 1, 1, 2, 1, 2, 2, 3]


@pytest.mark.parametrize("p", [1, 2, 12, 13, 14])
def test_values_add_up_to_the_worth_of_all_whatever_the_number_of_players(p):
    game = np.random.default_rng(p).normal(size=(2**p, 2))
    game[0] = 0
    assert values(game).sum(axis=0) == pytest.approx(game[-1], abs=1e-9)
    lone = np.zeros((2**p, 1))
    lone[np.arange(2**p) >> (p - 1) & 1 == 1] = 1.0  # the last player alone is worth 1
    assert values(lone)[:, 0] == pytest.approx([0.0] * (p - 1) + [1.0], abs=1e-12)


def test_sampled_orders_come_within_their_standard_error_and_add_up():
    rxx, rxy = halo(10)
    exact = shapley(rxx, rxy)[0]
    apart = []
    for seed in range(30):
        raw, se = sampled(rxx, rxy, random_orders(10, 500, np.random.default_rng(seed)))
        assert raw.sum() == pytest.approx(exact.sum(), abs=1e-8)
        apart.append((raw[0] - exact) / se)
    assert np.std(apart) == pytest.approx(1, abs=0.15) and abs(np.mean(apart)) < 0.2


def test_all_orders_are_exact_and_a_driver_given_twice_does_not_stop_them():
    rxx, rxy = halo(4)
    every = np.array(list(permutations(range(4))))
    assert sampled(rxx, rxy, every)[0][0] == pytest.approx(shapley(rxx, rxy)[0], abs=1e-9)
    twice = np.array([[[1, 1, 0.3], [1, 1, 0.3], [0.3, 0.3, 1]]])
    with_it = np.array([[0.6, 0.6, 0.4]])
    found = sampled(twice, with_it, np.array(list(permutations(range(3)))))[0][0]
    assert found == pytest.approx(shapley(twice, with_it)[0], abs=1e-8) and found[0] == pytest.approx(found[1])


def test_random_orders_are_orders_each_followed_by_its_reverse():
    orders = random_orders(5, 501, np.random.default_rng(1))
    assert orders.shape == (502, 5) and (np.sort(orders) == np.arange(5)).all()
    assert (orders[0::2] == orders[1::2, ::-1]).all()


def test_what_the_others_leave_is_known_also_where_they_determine_a_driver():
    rxx, rxy = np.array([[[1, 1, 0.3], [1, 1, 0.3], [0.3, 0.3, 1]]]), np.array([[0.6, 0.6, 0.4]])
    draws = Draws(["a", "b", "c"], rxx, rxy, np.full((1, 3), np.nan), np.ones(3))
    assert draws.singular and draws.tolerance == pytest.approx([0, 0, 1 - 0.09])
    assert draws.vif[2] == pytest.approx(1 / 0.91) and np.isinf(draws.vif[:2]).all()
    full = (0.36 + 0.16 - 2 * 0.6 * 0.4 * 0.3) / 0.91
    assert draws.last == pytest.approx([0, 0, full - 0.36])

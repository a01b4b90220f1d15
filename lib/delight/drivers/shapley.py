"""Shapley value of R² (Lindeman, Merenda & Gold; general dominance) from a correlation matrix, exactly or by sampling (method M14)."""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np

#: Attributes swept breadth-first at the end of the recursion; above it, memory traffic costs more than it saves.
_BROAD = 8
#: Numbers held in memory at a time.
_HELD = 2**21
#: Players whose coalitions are weighed in one matrix product.
_BLOCK = 12


def subset_r2(rxx, rxy):
    """R² of every subset of the attributes.

    Parameters
    ----------
    rxx : ndarray (draws, p, p)
    rxy : ndarray (draws, p)

    Returns
    -------
    ndarray (2**p, draws)
        Row s holds the subset whose bits are set in s (bit k for attribute k). An attribute that the others in a subset
        determine adds nothing to it.

    Notes
    -----
    Attributes are swept in one by one: each step doubles the list of subsets and shrinks every residual matrix, so the whole
    costs about 11 · 2**p operations a draw.
    """
    draws, p = rxy.shape
    left = np.empty((2**p, draws))
    fill(bordered(rxx, rxy)[None], left, p)
    return 1.0 - left


def bordered(rxx, rxy):
    """Correlations of attributes and outcome in one array (p + 1, p + 1, draws), the outcome last."""
    draws, p = rxy.shape
    m = np.empty((p + 1, p + 1, draws))
    m[:p, :p] = rxx.transpose(1, 2, 0)
    m[:p, p] = m[p, :p] = rxy.T
    m[p, p] = 1.0
    return m


def fill(m, left, p):
    """Write the residual variance of y for every subset of `p` attributes into `left`; only upper triangles of `m` are kept up."""
    if p > _BROAD:  # the last attribute first, one half at a time, so that the broad part stays in the cache
        half = len(left) // 2
        keep = [*range(p - 1), p]
        without = m[:, keep][:, :, keep]
        fill(without, left[:half], p - 1)
        column = np.concatenate([m[:, : p - 1, p - 1], m[:, p - 1, None, p]], axis=1)
        fill(without - column[:, :, None] * (column * inverse(m[:, p - 1, p - 1])[:, None])[:, None], left[half:], p - 1)
        return
    for _ in range(p):
        scaled = m[:, 0, 1:] * inverse(m[:, 0, 0])[:, None]
        sets, size = len(m), m.shape[1] - 1
        grown = np.empty((2 * sets, size, size, m.shape[3]))
        for row in range(size):
            grown[:sets, row, row:] = m[:, row + 1, row + 1 :]
            np.multiply(scaled[:, row, None], m[:, 0, row + 1 :], out=grown[sets:, row, row:])
            np.subtract(m[:, row + 1, row + 1 :], grown[sets:, row, row:], out=grown[sets:, row, row:])
        m = grown
    left[:] = m[:, 0, 0]


def inverse(pivot):
    """1 / pivot, or 0 where the attribute is determined by those already in."""
    return np.where(pivot > 1e-10, 1.0 / np.where(pivot > 1e-10, pivot, 1.0), 0.0)


def values(game):
    """Shapley value of every player, shape (p, draws), from the worth of every coalition, shape (2**p, draws)."""
    p = len(game).bit_length() - 1
    low = min(p, _BLOCK)
    found = np.zeros((p, game.shape[1]))
    for high in range(2 ** (p - low)):  # coalitions that share their players from `low` on
        part = _weights(p, low, high.bit_count()) @ game[high << low : (high + 1) << low]
        found[:low] += part[:low]
        for j in range(p - low):
            found[low + j] += part[low] if high >> j & 1 else part[low + 1]
    return found


@lru_cache(maxsize=64)
def _weights(p, low, others):
    """Weights of the coalitions of the first `low` of p players, joined by `others` more: for each of the first, for a player in, one not in.

    A coalition counts for 1 / (p · number of coalitions of its size) in the value of a player, its size without that player, and
    against it where the player is not in.
    """
    order = np.array([1 / (p * comb(p - 1, k)) for k in range(p)])
    size = sizes(low) + others
    with_it, without = order[np.maximum(size - 1, 0)], -order[np.minimum(size, p - 1)]
    member = np.arange(2**low) >> np.arange(low)[:, None] & 1
    return np.vstack([np.where(member == 1, with_it, without), with_it, without])


def added(game, j):
    """What player j adds to every coalition without it, shape (2**(p-1), draws): coalitions in order, bit j left out."""
    pairs = game.reshape(-1, 2, 2**j, game.shape[1])
    return (pairs[:, 1] - pairs[:, 0]).reshape(-1, game.shape[1])


def sizes(p):
    """Number of players in every coalition of p."""
    size = np.zeros(1, dtype=np.int64)
    for _ in range(p):
        size = np.concatenate([size, size + 1])
    return size


def in_pieces(draws, n_sets):
    """Slices of the draws in which `n_sets` numbers a draw fit into memory."""
    step = min(256, max(1, _HELD // n_sets))
    return [slice(start, start + step) for start in range(0, draws, step)]


def shapley(rxx, rxy):
    """Shapley values of R², shape (draws, p), for correlation matrices (draws, p, p) and (draws, p)."""
    draws, p = rxy.shape
    if p == 0:
        return np.zeros((draws, 0))
    return np.concatenate([values(subset_r2(rxx[i], rxy[i])).T for i in in_pieces(draws, 2**p)])


def sampled(rxx, rxy, orders):
    """Shapley values averaged over some orders of the attributes in place of all.

    Parameters
    ----------
    rxx, rxy : as in `shapley`
    orders : integer ndarray (m, p)
        Orders in which the attributes come in, as `random_orders` makes them.

    Returns
    -------
    raw : ndarray (draws, p)
    se : ndarray (p,)
        Standard error of the first draw's values that is due to the sampling of orders.

    Notes
    -----
    The squares of L⁻¹r, with L Cholesky's root of the correlations in that order, are what each attribute adds to those before it.
    Castro, J., Gómez, D. & Tejada, J. (2009). Computers & Operations Research 36, 1726-1730.
    """
    draws, p = rxy.shape
    raw, se = np.empty((draws, p)), np.full(p, np.nan)
    steady = rxx + 1e-10 * np.eye(p)  # an attribute that others determine adds nothing after them
    for b in range(draws):
        gains = np.empty(orders.shape)
        for piece in in_pieces(len(orders), p * p):
            o = orders[piece]
            root = np.linalg.cholesky(steady[b][o[:, :, None], o[:, None, :]])
            np.put_along_axis(gains[piece], o, np.linalg.solve(root, rxy[b][o][:, :, None])[:, :, 0] ** 2, axis=1)
        raw[b] = gains.mean(axis=0)
        if b == 0:
            pairs = (gains[0::2] + gains[1::2]) / 2
            se = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    return raw, se


def random_orders(p, m, rng):
    """`m` orders of p attributes (an even number), every second the one before it turned round, which steadies their average."""
    forth = rng.permuted(np.tile(np.arange(p), (-(-m // 2), 1)), axis=1)
    return np.stack([forth, forth[:, ::-1]], axis=1).reshape(-1, p)

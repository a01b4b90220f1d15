"""Shapley value of R² (Lindeman, Merenda & Gold; general dominance) from a correlation matrix, exactly (method M14)."""

from __future__ import annotations

from functools import lru_cache
from math import factorial

import numpy as np

#: Attributes swept breadth-first at the end of the recursion; above it, memory traffic costs more than it saves.
_BROAD = 8


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
    m = np.empty((1, p + 1, p + 1, draws))
    m[0, :p, :p] = rxx.transpose(1, 2, 0)
    m[0, :p, p] = m[0, p, :p] = rxy.T
    m[0, p, p] = 1.0
    left = np.empty((2**p, draws))
    _fill(m, left, p)
    return 1.0 - left


def _fill(m, left, p):
    """Write the residual variance of y for every subset of `p` attributes into `left`; only upper triangles of `m` are kept up."""
    if p > _BROAD:  # the last attribute first, one half at a time, so that the broad part stays in the cache
        half = len(left) // 2
        keep = [*range(p - 1), p]
        without = m[:, keep][:, :, keep]
        _fill(without, left[:half], p - 1)
        column = np.concatenate([m[:, : p - 1, p - 1], m[:, p - 1, None, p]], axis=1)
        _fill(without - column[:, :, None] * (column * _inverse(m[:, p - 1, p - 1])[:, None])[:, None], left[half:], p - 1)
        return
    for _ in range(p):
        inverse = _inverse(m[:, 0, 0])
        sets, size = len(m), m.shape[1] - 1
        grown = np.empty((2 * sets, size, size, m.shape[3]))
        scaled = m[:, 0, 1:] * inverse[:, None]
        for row in range(size):
            grown[:sets, row, row:] = m[:, row + 1, row + 1 :]
            np.multiply(scaled[:, row, None], m[:, 0, row + 1 :], out=grown[sets:, row, row:])
            np.subtract(m[:, row + 1, row + 1 :], grown[sets:, row, row:], out=grown[sets:, row, row:])
        m = grown
    left[:] = m[:, 0, 0]


def _inverse(pivot):
    """1 / pivot, or 0 where the attribute is determined by those already in."""
    return np.where(pivot > 1e-10, 1.0 / np.where(pivot > 1e-10, pivot, 1.0), 0.0)


@lru_cache(maxsize=8)
def weights_of_sets(p):
    """Matrix (p, 2**p) that turns the R² of all subsets into Shapley values."""
    sets = np.arange(2**p)
    size = _bit_counts(p)
    order = np.array([factorial(k) * factorial(p - k - 1) / factorial(p) for k in range(p)])
    with_it, without = order[np.maximum(size - 1, 0)], -order[np.minimum(size, p - 1)]
    member = (sets[None, :] >> np.arange(p)[:, None]) & 1
    return np.where(member == 1, with_it, without)


def _bit_counts(p):
    """Number of attributes in every subset."""
    size = np.zeros(1, dtype=np.int64)
    for _ in range(p):
        size = np.concatenate([size, size + 1])
    return size


def shapley(rxx, rxy):
    """Shapley values of R², shape (draws, p), for correlation matrices (draws, p, p) and (draws, p)."""
    draws, p = rxy.shape
    if p == 0:
        return np.zeros((draws, 0))
    chunk = min(256, max(1, 2**21 >> p))
    game = weights_of_sets(p)
    return np.concatenate([(game @ subset_r2(rxx[i : i + chunk], rxy[i : i + chunk])).T for i in range(0, draws, chunk)])

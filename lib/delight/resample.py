"""Bootstrap draws that depend on nothing but the seed, the method and the data."""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed, method_id):
    """A random generator for one method: the same seed and method id give the same draws, in any cell order."""
    return np.random.default_rng([int(seed), zlib.crc32(method_id.encode())])


def draws_needed(n_boot, n_comparisons, alpha=0.05):
    """Draws so that a bootstrap p multiplied by `n_comparisons` can fall below `alpha` (methods M00): at least 4m/alpha."""
    return int(max(n_boot, np.ceil(4 * n_comparisons / alpha)))


def counts(n_rows, n_boot, rng, *, clusters=None, frequency=None, chunk=200):
    """How often each row stands in each bootstrap sample, a chunk of draws at a time.

    Parameters
    ----------
    n_rows : int
        Rows of the data.
    n_boot : int
        Bootstrap draws in all.
    rng : numpy.random.Generator
    clusters : array of shape (n_rows,), optional
        Whole clusters are drawn together. One cluster alone would be drawn as it is each time, as if there were no doubt: NaN.
    frequency : array of shape (n_rows,), optional
        Frequency weights: a row of weight 3 is drawn as three rows would be; counts then replace these weights.
    chunk : int
        Draws a piece.

    Yields
    ------
    ndarray of shape (draws, n_rows), float
        Multiplicities; their sum over a draw is the number of rows (or Σ frequency, or varies with clusters).
    """
    if clusters is not None:
        codes = np.unique(np.asarray(clusters), return_inverse=True)[1]
        size, chance = int(codes.max()) + 1, None
        draws_each = size
    elif frequency is not None:
        frequency = np.asarray(frequency, dtype=float)
        size, chance, draws_each = n_rows, frequency / frequency.sum(), int(round(frequency.sum()))
    else:
        size, chance, draws_each = n_rows, None, n_rows
    chance = np.full(size, 1 / size) if chance is None else chance
    for start in range(0, n_boot, chunk):
        drawn = rng.multinomial(draws_each, chance, size=min(chunk, n_boot - start)).astype(float)
        if clusters is not None and size == 1:
            drawn[:] = np.nan
        if clusters is not None:
            drawn = drawn[:, codes]
            if frequency is not None:
                drawn = drawn * np.asarray(frequency, dtype=float)
        yield drawn


def percentile(draws, ci_level=0.95, axis=0):
    """Percentile interval of bootstrap draws: (lo, hi); NaN where more than 5 % of the draws could not be computed."""
    draws = np.asarray(draws, dtype=float)
    tail = (1 - ci_level) / 2
    failed = np.isnan(draws).mean(axis=axis) > 0.05
    with np.errstate(all="ignore"):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            lo, hi = np.nanquantile(draws, [tail, 1 - tail], axis=axis)
    return np.where(failed, np.nan, lo), np.where(failed, np.nan, hi)


def two_sided_p(draws, null=0.0, axis=0):
    """Two-sided bootstrap p of "the estimate is `null`": twice the smaller tail, (count + 1) / (draws + 1), at most 1.

    Draws that could not be computed do not count; NaN without any other.
    """
    draws = np.asarray(draws, dtype=float)
    below, above, known = ((draws <= null).sum(axis=axis), (draws >= null).sum(axis=axis), (~np.isnan(draws)).sum(axis=axis))
    return np.where(known > 0, np.minimum(1.0, 2 * (np.minimum(below, above) + 1) / (known + 1)), np.nan)[()]

"""Groups in an order, and means beside a claimed value: what the methods on expectations and on the pyramid share."""

from __future__ import annotations

import numpy as np
from scipy import stats

#: Equivalence margin around a claimed grade, in grades (methods M07).
MARGIN = 0.25


def jonckheere(table):
    """Jonckheere-Terpstra test that scores rise over ordered groups, ties counted half.

    Parameters
    ----------
    table : array of shape (..., groups, values)
        Answers by group, in the claimed order, and by value, lowest first; whole numbers, or weights that add up to the effective n.

    Returns
    -------
    j, z, p : arrays of shape (...)
        Pairs of a lower and a higher group in which the higher group scores more, its standardised value, and the one-sided p of "no
        rise". Fewer than two groups or values in use: NaN.

    Examples
    --------
    Groups {1, 2}, {2, 3}: of four pairs three rise and one is a tie.

    >>> float(jonckheere([[1, 1, 0], [0, 1, 1]])[0])
    3.5

    References
    ----------
    Jonckheere, A. R. (1954). Biometrika 41, 133-145. Hollander, M. & Wolfe, D. A. (1999). Nonparametric Statistical Methods, 6.2 (ties).
    """
    t = np.asarray(table, dtype=float)
    below = np.cumsum(np.cumsum(t, axis=-2) - t, axis=-1)  # answers of lower groups up to each value
    same = np.cumsum(t, axis=-2) - t
    j = (t * (below - same / 2)).sum(axis=(-2, -1))
    groups, values, n = t.sum(axis=-1), t.sum(axis=-2), t.sum(axis=(-2, -1))

    def falling(x, k):
        found = x.copy()
        for step in range(1, k):
            found = found * (x - step)
        return np.maximum(found, 0)

    def third(x):
        return (falling(x, 2) * (2 * x + 5)).sum(axis=-1)

    with np.errstate(all="ignore"):
        expected = (n**2 - (groups**2).sum(axis=-1)) / 4
        variance = (n * (n - 1) * (2 * n + 5) - third(groups) - third(values)) / 72
        variance += falling(groups, 3).sum(axis=-1) * falling(values, 3).sum(axis=-1) / (36 * n * (n - 1) * (n - 2))
        variance += falling(groups, 2).sum(axis=-1) * falling(values, 2).sum(axis=-1) / (8 * n * (n - 1))
        usable = ((groups > 0).sum(axis=-1) > 1) & ((values > 0).sum(axis=-1) > 1) & (variance > 0)
        z = np.where(usable, (j - expected) / np.sqrt(np.where(usable, variance, 1.0)), np.nan)
    return j, z, stats.norm.sf(z)


def equivalence(found, value, margin=MARGIN):
    """p of "the mean lies further than `margin` from `value`": the larger of two one-sided t tests. Schuirmann (1987)."""
    if not found.se > 0 or not found.df > 0:
        return np.nan
    return float(
        max(
            stats.t.sf((found.value - (value - margin)) / found.se, found.df),
            stats.t.cdf((found.value - (value + margin)) / found.se, found.df),
        )
    )


def beside(found, first=7.0, second=8.0, margin=MARGIN):
    """A mean beside two claimed values: its distance to each, its equivalence to each, and which of the two the data prefer.

    ``prefers`` is the value on whose side of the midpoint the whole interval lies, else ``open``.
    """
    middle = (first + second) / 2
    prefers = "open"
    if np.isfinite(found.lo) and np.isfinite(found.hi) and found.se > 0:
        prefers = f"{first:g}" if found.hi < middle else f"{second:g}" if found.lo > middle else "open"
    names = {f"{first:g}": first, f"{second:g}": second}
    return {
        **{f"distance_{name}": abs(found.value - value) for name, value in names.items()},
        **{f"tost_p_{name}": equivalence(found, value, margin) for name, value in names.items()},
        "prefers": prefers,
    }


def quantile(values, w, q):
    """The value that a share `q` of the weight reaches; midway between two when exactly that share does."""
    values, w = np.asarray(values, dtype=float), np.asarray(w, dtype=float)
    if not len(values):
        return np.nan
    order = np.argsort(values, kind="stable")
    values, reached = values[order], np.cumsum(w[order]) / w.sum()
    at = min(int(np.searchsorted(reached, q - 1e-12)), len(values) - 1)
    exactly = abs(reached[at] - q) <= 1e-12 and at + 1 < len(values)
    return float((values[at] + values[at + 1]) / 2 if exactly else values[at])

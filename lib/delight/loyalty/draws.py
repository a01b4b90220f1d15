"""Models fitted to many bootstrap samples at once: least squares, logit and Gamma with log link, from how often each row was drawn."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.special import expit

#: Newton steps are cut to this length, in standard deviations of the terms: a sample that separates the answers runs off slowly.
LONGEST = 3.0
FAMILIES = ("linear", "logit", "gamma")


class Refit:
    """One model, refitted to every sample by Newton steps on all samples together.

    Parameters
    ----------
    y : array of shape (rows,)
        Logit: 0 and 1; Gamma: positive.
    x : array of shape (rows, k)
        Design with a constant.
    family : {"linear", "logit", "gamma"}

    Examples
    --------
    >>> Refit([0.0, 1.0, 3.0], [[1.0], [1.0], [1.0]]).coef(np.array([[1.0, 1.0, 1.0], [0.0, 2.0, 2.0]])).ravel().round(6).tolist()
    [1.333333, 2.0]
    """

    def __init__(self, y, x, family="linear"):
        if family not in FAMILIES:
            raise ValueError(f"family is one of {', '.join(FAMILIES)}, not {family!r}.")
        x = np.asarray(x, dtype=float)
        self.y, self.family = np.asarray(y, dtype=float), family
        self.spread = np.sqrt(np.maximum((x**2).mean(axis=0), 1e-300))
        self.x = x / self.spread
        self.products = np.einsum("ij,ik->ijk", self.x, self.x).reshape(len(x), -1)

    def coef(self, times, *, steps=50):
        """Coefficients, shape (samples, k); `times` of shape (samples, rows) holds each row's weight in each sample.

        A sample whose terms determine each other gives NaN.
        """
        times = np.atleast_2d(np.asarray(times, dtype=float))
        k = self.x.shape[1]
        tolerance = 1e-4 if self.family == "logit" else 1e-8  # Newton squares its error, Fisher scoring of the Gamma does not
        coef = np.tile(self._start if len(times) > 1 else np.zeros(k), (len(times), 1))
        if self.family == "gamma" and len(times) == 1:  # start at the mean: the constant is the first column
            coef[:, 0] = np.log((times @ self.y) / times.sum(axis=1)) / (self.x[0, 0] or 1.0)
        for _ in range(1 if self.family == "linear" else steps):
            slack, weight = self._pieces(coef, times)
            information = (weight @ self.products).reshape(-1, k, k)
            step = _solve(information, slack @ self.x)
            if self.family != "linear":
                step *= np.minimum(1, LONGEST / np.maximum(np.abs(step).max(axis=1, initial=0), 1e-300))[:, None]
            coef = coef + step
            if not np.nanmax(np.abs(step), initial=0) > tolerance:
                break
        return coef / self.spread

    @cached_property
    def _start(self):
        """The fit to all rows once, from which many samples start."""
        found = self.coef(np.ones(len(self.y)))[0] * self.spread
        return found if np.isfinite(found).all() and self.family != "linear" else np.zeros(len(found))

    def _pieces(self, coef, times):
        """Weighted residuals and information weights of every sample."""
        line = coef @ self.x.T
        if self.family == "linear":
            return times * (self.y - line), times
        if self.family == "gamma":
            return times * (self.y * np.exp(-line) - 1), times
        chance = expit(line, out=line)
        weight = chance * (1 - chance)
        weight += 1e-10
        weight *= times
        return np.subtract(self.y, chance, out=chance) * times, weight


def _solve(left, right):
    """Solutions of many small systems; NaN where a system has none."""
    k = left.shape[1]
    size = np.trace(left, axis1=1, axis2=2)[:, None, None] / k
    with np.errstate(all="ignore"):
        known = np.isfinite(left).all(axis=(1, 2))
        bad = ~known | ~(np.linalg.cond(np.where(known[:, None, None], left, np.eye(k))) < 1e13)
    left = np.where(bad[:, None, None], np.eye(k), left + 1e-14 * size * np.eye(k))
    out = np.linalg.solve(left, right[..., None])[..., 0]
    out[bad] = np.nan
    return out

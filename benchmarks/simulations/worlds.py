"""Made-up customers whose truth is known, for the simulation studies."""

from __future__ import annotations

import numpy as np
import pandas as pd
from delight.scales import Scale

TEN, ELEVEN, FINE = Scale(1, 10), Scale(0, 10), Scale(-20, 40, 0)


def grades(rng, n, mean=7.8, sd=1.4):
    """Whole grades 1-10, heavily tied and cut off at 10 as real ones are."""
    return np.clip(np.round(rng.normal(mean, sd, n)), 1, 10)


def grade_mean(mean=7.8, sd=1.4):
    """The true mean of `grades`."""
    from scipy import stats

    edges = np.arange(1.5, 10)
    below = stats.norm.cdf(edges, mean, sd)
    return float((np.arange(1, 11) * np.diff(np.r_[0, below, 1])).sum())


def grade_share(start=9, mean=7.8, sd=1.4):
    """The true share of `grades` at `start` or more."""
    from scipy import stats

    return float(stats.norm.sf(start - 0.5, mean, sd))


def rated(rng, n, slopes, *, halo=0.5, noise=1.0, mean=7.5, sd=1.3, whole=True):
    """Attributes x1…xp that share a halo, and an overall score linear in them.

    Parameters
    ----------
    slopes : sequence of float
        Points of `y` a point of each attribute.
    halo : float
        Correlation of any two attributes.
    whole : bool
        Attributes are whole grades 1-10; `y` is left as it is.
    """
    p = len(slopes)
    z = np.sqrt(halo) * rng.normal(size=(n, 1)) + np.sqrt(1 - halo) * rng.normal(size=(n, p))
    x = mean + sd * z
    x = np.clip(np.round(x), 1, 10) if whole else x
    y = x @ np.asarray(slopes, dtype=float) + noise * rng.normal(size=n)
    return pd.DataFrame(x, columns=[f"x{j + 1}" for j in range(p)]).assign(y=y)

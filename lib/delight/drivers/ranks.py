"""Which drivers can be told apart: pairwise differences with family-wise error control, and the rank sets that follow."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight import resample
from delight.estimate import holm

#: Above this many drivers Holm would need too many draws; step-down max-|t| uses the ones there are.
HOLM_UP_TO = 10


def draws_for(p, n_boot, alpha=0.05):
    """Bootstrap draws that the pairwise tests of `p` drivers need: 4m/alpha for Holm (M00), `n_boot` for step-down."""
    return resample.draws_needed(n_boot, p * (p - 1) // 2, alpha) if 2 <= p <= HOLM_UP_TO else int(n_boot)


def pairwise(names, estimate, draws, *, ci_level=0.95):
    """Every pair of drivers, compared.

    Parameters
    ----------
    names : list of str
    estimate : ndarray (p,)
    draws : ndarray (B, p)
        Bootstrap draws of `estimate`.

    Returns
    -------
    DataFrame
        One row a pair (``attribute`` above ``compared_with`` in the estimate): ``diff, diff_lo, diff_hi, p, p_adj, clear``; ``test`` is
        ``holm`` or ``stepdown``.

    Notes
    -----
    Holm on two-sided bootstrap p; above ten drivers the step-down max-|t| of Romano & Wolf (2005, Econometrica 73), with
    t = difference / bootstrap standard error.
    """
    p = len(names)
    order = np.argsort(-estimate, kind="stable")
    pairs = [(order[i], order[j]) for i in range(p) for j in range(i + 1, p)]
    columns = ["attribute", "compared_with", "diff", "diff_lo", "diff_hi", "p", "p_adj", "clear", "test"]
    if not pairs or not len(draws):
        return pd.DataFrame(columns=columns)
    first, second = np.array(pairs).T
    diff, differences = estimate[first] - estimate[second], draws[:, first] - draws[:, second]
    lo, hi = resample.percentile(differences, ci_level)
    raw_p = resample.two_sided_p(differences)
    if p <= HOLM_UP_TO:
        adjusted, test = holm(raw_p), "holm"
    else:
        se = differences.std(axis=0, ddof=1)
        with np.errstate(all="ignore"):
            t = np.abs(np.where(se > 0, diff / se, 0.0))
            spread = np.abs(np.where(se > 0, (differences - diff) / se, 0.0))
        adjusted, test = stepdown(t, spread), "stepdown"
    return pd.DataFrame(
        {
            "attribute": [names[i] for i in first],
            "compared_with": [names[j] for j in second],
            "diff": diff,
            "diff_lo": lo,
            "diff_hi": hi,
            "p": raw_p,
            "p_adj": adjusted,
            "clear": adjusted <= 1 - ci_level,
            "test": test,
        }
    )


def stepdown(t, spread):
    """Adjusted p of every |t|: the largest first, against the bootstrap maximum over itself and all smaller ones."""
    order = np.argsort(-t, kind="stable")
    largest = np.maximum.accumulate(spread[:, order][:, ::-1], axis=1)[:, ::-1]
    p = ((largest >= t[order]).sum(axis=0) + 1) / (len(spread) + 1)
    adjusted = np.empty(len(t))
    adjusted[order] = np.maximum.accumulate(p)
    return adjusted


def rank_sets(names, pairs):
    """(rank_lo, rank_hi) of every driver: 1 + drivers clearly above it, p - drivers clearly below it.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies; Klein, Wright & Wieczorek (2020), JRSS A 183.
    """
    clear = pairs[pairs["clear"]] if len(pairs) else pairs
    above, below = clear["compared_with"].value_counts(), clear["attribute"].value_counts()
    lo = np.array([1 + int(above.get(name, 0)) for name in names])
    hi = np.array([len(names) - int(below.get(name, 0)) for name in names])
    return lo, hi

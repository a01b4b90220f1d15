"""From a decomposition of R² in the sample and in every draw to shares, intervals and the ranks they allow."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight import resample
from delight.drivers import ranks
from delight.errors import InputError

#: Players up to which every coalition is tried by default, and on request.
EXACT_UP_TO, EXACT_AT_MOST = 15, 22
#: R² that the draws of one analysis may cost, and the fewest draws that an interval is made of.
BUDGET, FEWEST_DRAWS = 2**25, 200


def estimates(raw, ci_level):
    """Columns of shares, with intervals, from the values of the sample (first row) and of the draws.

    Parameters
    ----------
    raw : ndarray (1 + draws, p)
        Parts of R².

    Returns
    -------
    DataFrame
        ``raw, raw_lo, raw_hi, se, share, ci_lo, ci_hi, r2``; shares are NaN where R² is 0.
    """
    r2 = raw.sum(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        share = np.where(r2 > 1e-12, raw / r2, np.nan)
    return pd.DataFrame(
        {
            **interval("raw", raw, ci_level),
            "se": raw[1:].std(axis=0, ddof=1) if len(raw) > 2 else np.full(raw.shape[1], np.nan),
            "share": share[0],
            **dict(zip(("ci_lo", "ci_hi"), limits(share, ci_level))),
            "r2": r2[0, 0],
        }
    )


def limits(values, ci_level):
    """(lo, hi) of the draws behind the first row; NaN without draws."""
    return resample.percentile(values[1:], ci_level) if len(values) > 1 else np.full((2, *values.shape[1:]), np.nan)


def interval(name, values, ci_level):
    """Columns `name`, ``_lo``, ``_hi`` from the values of the sample (first row) and of the draws."""
    lo, hi = limits(values, ci_level)
    return {name: values[0], f"{name}_lo": lo, f"{name}_hi": hi}


def standing(names, raw, ci_level):
    """(columns ``rank, rank_lo, rank_hi``, table of pairs) of the players; NaN and no pairs where nothing can be ranked."""
    nothing = pd.DataFrame(np.nan, index=range(len(names)), columns=["rank", "rank_lo", "rank_hi"])
    if not len(names) or np.isnan(raw[0]).any():
        return nothing, no_pairs()
    draws = raw[1:][~np.isnan(raw[1:]).any(axis=1)]
    pairs = ranks.pairwise(names, raw[0], draws, ci_level=ci_level)
    found = nothing.assign(rank=pd.Series(-raw[0]).rank(method="min"))
    if len(draws):
        found["rank_lo"], found["rank_hi"] = ranks.rank_sets(names, pairs)
    return found, pairs


def affordable(n_boot, n_sets):
    """Draws within the budget when each takes `n_sets` R²; 0 where that leaves too few for an interval."""
    most = BUDGET // n_sets
    return int(min(n_boot, most)) if min(n_boot, most) >= min(n_boot, FEWEST_DRAWS) else 0


def cost_of_orders(p, n_permutations):
    """What sampling orders costs, in R²."""
    return max(1, n_permutations * p * p // 8)


def check_limit(exact_up_to):
    """Raise `InputError` where the limit is beyond what can be tried."""
    if exact_up_to > EXACT_AT_MOST:
        raise InputError(f"exact_up_to is at most {EXACT_AT_MOST} (2**{EXACT_AT_MOST} models a draw), not {exact_up_to}.")


def check_exact(p, exact_up_to, remedy):
    """Raise `InputError` where `p` players are too many to try every coalition."""
    check_limit(exact_up_to)
    if p > exact_up_to:
        raise InputError(f"{p} attributes make 2**{p} models; exact_up_to={exact_up_to} allows up to 2**{exact_up_to}. {remedy}")


def no_pairs():
    """The table of pairs where nothing can be compared."""
    return ranks.pairwise([], np.empty(0), np.empty((0, 0)))

"""How many answers a driver analysis needs, and how small an effect it can show (method M15)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import optimize, stats

from delight.errors import InputError
from delight.result import Result


def power(n, f2, *, tested, predictors=None, alpha=0.05):
    """Chance that the F test of `tested` of `predictors` terms is significant, if their effect is `f2` = R²/(1-R²); Cohen (1988).

    The noncentrality is f2 * n, the degrees of freedom of the error n - predictors - 1.
    """
    predictors = tested if predictors is None else predictors
    error = np.asarray(n, dtype=float) - predictors - 1
    with np.errstate(invalid="ignore"):
        chance = stats.ncf.sf(stats.f.ppf(1 - alpha, tested, error), tested, error, f2 * np.asarray(n, dtype=float))
    return np.where(error >= 1, chance, 0.0)


def answers_needed(*, predictors=(5, 8, 10, 15), f2=(0.02, 0.15), tested=None, goal=0.8, alpha=0.05):
    """Fewest answers with which a regression on all drivers together shows a small or medium effect.

    Parameters
    ----------
    predictors : sequence of int
    f2 : sequence of float
        Effect sizes R²/(1-R²): .02 is small, .15 medium (Cohen 1988).
    tested : int, optional
        Terms tested together; all by default, 1 for one driver among the others.
    goal, alpha : float
        Power wanted, level of the test.

    Returns
    -------
    Result
        One row a number of predictors and an effect: ``predictors, tested, f2, n_needed, power, status``.

    References
    ----------
    Cohen, J. (1988). Statistical Power Analysis for the Behavioral Sciences, chapter 9.
    """
    if not 0 < alpha < goal < 1 or min(f2) <= 0 or min(predictors) < 1:
        raise InputError("Power needs 0 < alpha < goal < 1, f2 above 0 and at least one predictor.")
    rows = []
    for p in predictors:
        for effect in f2:
            terms = p if tested is None else min(tested, p)

            def chance(n, p=p, effect=effect, terms=terms):
                return float(power(n, effect, tested=terms, predictors=p, alpha=alpha))

            low, high = p + 2, p + 4
            while chance(high) < goal:
                low, high = high, 2 * high
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if chance(middle) >= goal else (middle, high)
            rows.append({"predictors": p, "tested": terms, "f2": effect, "n_needed": high, "power": chance(high)})
    table = pd.DataFrame(rows).assign(n=lambda t: t["n_needed"], n_missing=0, n_eff=lambda t: t["n_needed"].astype(float), status="ok")
    return Result.of("M15.power", table, function="delight.drivers.power.answers_needed", goal=goal, alpha=alpha)


def smallest_effect(n, *, predictors, tested=1, goal=0.8, alpha=0.05):
    """The smallest f2 that `n` answers show with this power, and its partial R² f2/(1+f2): (f2, partial_r2); NaN if n is too small."""
    if n - predictors - 1 < 1:
        return np.nan, np.nan

    def gap(log_f2):
        return float(power(n, np.exp(log_f2), tested=tested, predictors=predictors, alpha=alpha)) - goal

    if gap(np.log(100.0)) < 0:
        return np.nan, np.nan
    f2 = float(np.exp(optimize.brentq(gap, np.log(1e-8), np.log(100.0), xtol=1e-10)))
    return f2, f2 / (1 + f2)

"""What the data say of one claim: an estimate with any interval and the p-value of any null value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from delight.estimate import wilson

#: How an estimate was come by, the strongest first.
GRADES = ("randomised", "did", "adjusted", "raw")


@dataclass(frozen=True)
class Evidence:
    """An estimate of a claim's estimand.

    Attributes
    ----------
    estimate : float
    n : int
        Answers it rests on.
    n_missing : int
    n_eff : float
    grade : {"randomised", "did", "adjusted", "raw"}
    flags : tuple of str
        Codes of what to bear in mind, such as ``same_scale`` or ``bounded_outcome``.
    attributes : tuple of str
        Attributes it speaks of, for the link with recommendations.
    table : str
        Table of a chapter it was read from; empty where it was computed for the ledger.
    status : str
        ``ok``, or why there is no estimate: ``insufficient``, ``not_identified``, …
    n_needed : float
        Answers that a decision takes where the method itself knows; else NaN and the verdict engine works it out.
    """

    estimate: float = np.nan
    n: int = 0
    n_missing: int = 0
    n_eff: float = np.nan
    grade: str = "raw"
    flags: tuple = ()
    attributes: tuple = ()
    table: str = ""
    status: str = "ok"
    n_needed: float = np.nan

    @property
    def known(self):
        return bool(np.isfinite(self.estimate))

    def but(self, **changed):
        """The same evidence with some entries changed."""
        return replace(self, **changed)

    def interval(self, level):
        """(lo, hi) of the estimate at a confidence level."""
        return np.nan, np.nan

    def p_above(self, value):
        """One-sided p of "the truth is not above `value`"."""
        return np.nan

    def p_below(self, value):
        """One-sided p of "the truth is not below `value`"."""
        above = self.p_above(value)
        return 1 - above

    def se_at(self, value):
        """Standard error if the truth were `value`, for power and n."""
        return np.nan


@dataclass(frozen=True)
class Normal(Evidence):
    """An estimate with a standard error and t (or normal) limits."""

    se: float = np.nan
    df: float = np.inf

    def interval(self, level):
        half = stats.t.ppf(0.5 + level / 2, self.df) * self.se
        return self.estimate - half, self.estimate + half

    def p_above(self, value):
        if not self.se > 0:
            return np.nan
        return float(stats.t.sf((self.estimate - value) / self.se, self.df))

    def se_at(self, value):
        return self.se


@dataclass(frozen=True)
class Share(Evidence):
    """A share with score limits: `n_eff` answers; Wilson (1927)."""

    def interval(self, level):
        return wilson(self.estimate, self.n_eff, level)

    def p_above(self, value):
        if not (0 < value < 1 and self.n_eff > 0):
            return np.nan if not self.n_eff > 0 else float(self.estimate <= value)
        return float(stats.norm.sf((self.estimate - value) / np.sqrt(value * (1 - value) / self.n_eff)))

    def se_at(self, value):
        return float(np.sqrt(max(value * (1 - value), 0.0) / self.n_eff)) if self.n_eff > 0 else np.nan


@dataclass(frozen=True)
class Limits(Evidence):
    """An estimate whose method hands over its own limits at 95 and 90 % (bootstrap, profile, delta on another scale).

    The p-values are those of a normal on either side, with the spread that the limits of that side imply, so that they agree with the
    limits: p_above(value) = .025 where the lower 95 % limit is `value`.
    """

    lo95: float = np.nan
    hi95: float = np.nan
    lo90: float = np.nan
    hi90: float = np.nan

    def interval(self, level):
        known = {0.95: (self.lo95, self.hi95), 0.90: (self.lo90, self.hi90)}
        if level in known and np.isfinite(known[level]).all():
            return known[level]
        z = stats.norm.ppf(0.5 + level / 2)
        return self.estimate - z * self._se(-1), self.estimate + z * self._se(1)

    def _se(self, side):
        z = stats.norm.ppf(0.975)
        return (self.hi95 - self.estimate) / z if side > 0 else (self.estimate - self.lo95) / z

    def p_above(self, value):
        """By the 95 % limits; between the 90 and the 95 % limit a straight line in z, so that all four limits are met."""
        away = self.estimate - value
        lo95, lo90, hi90, hi95 = self.lo95, self.lo90, self.hi90, self.hi95
        near, far = (lo90, lo95) if away > 0 else (hi90, hi95)
        if not np.isfinite([self.estimate, far]).all():
            return np.nan
        z95, z90 = stats.norm.ppf(0.975), stats.norm.ppf(0.95)
        known = [(0.0, 0.0)]
        if np.isfinite(near) and 0 < abs(self.estimate - near) < abs(self.estimate - far):
            known.append((abs(self.estimate - near), z90))
        known.append((abs(self.estimate - far), z95))
        if known[-1][0] == 0:
            return np.nan if away == 0 else float(away < 0)
        x, y = np.array(known).T
        if abs(away) <= x[-1]:
            z = np.interp(abs(away), x, y)
        else:
            z = y[-1] * abs(away) / x[-1]
        return float(stats.norm.sf(np.sign(away) * z))

    def se_at(self, value):
        z = stats.norm.ppf(0.975)
        return (self.hi95 - self.lo95) / (2 * z)


@dataclass(frozen=True)
class Judged(Limits):
    """Evidence of a method that has a rule of its own (M06, M07, M17, M18, M21, M22): its verdict and p come with it.

    Attributes
    ----------
    verdict : str
        One of `delight.claims.verdicts.VERDICTS`.
    p : float
        p-value that goes into the family of direction tests; NaN where the rule has none.
    equivalence : bool
        The verdict rests on an equivalence test; `p` goes into that family.
    """

    verdict: str = "inconclusive"
    p: float = np.nan
    equivalence: bool = False


@dataclass(frozen=True)
class Unknown(Evidence):
    """No estimate: `status` says why, `n` what there was, `missing` what to collect."""

    status: str = "insufficient"
    missing: tuple = field(default=())

"""An interaction of two yes/no terms judged on two scales: a verdict stands only if differences and odds agree (methods M06, M22)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit

from delight.estimate import Estimate, fit_linear, mean, wilson
from delight.loyalty.answers import firth_interval, fit_answers
from delight.loyalty.draws import Refit
from delight.resample import counts, percentile

#: Rows of the design: the two terms and their product come first.
FIRST, SECOND, BOTH = 0, 1, 2
#: A limit of power: two-sided 5 % and a chance of 80 %.
POWER = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)


@dataclass(frozen=True)
class TwoScales:
    """What an interaction amounts to, in differences and in log odds.

    Attributes
    ----------
    without, within : (Estimate, p)
        Effect of the first term where the second is absent, and where it is present: difference in shares (or in points of a graded
        outcome), standardised over everybody's other terms.
    difference : (Estimate, p)
        Effect within minus effect without: the difference of differences.
    odds : (Estimate, p)
        Coefficient of the product in the (ordered) logit.
    boot : (lo, hi)
        Percentile bootstrap interval of `difference`; NaN without draws.
    coef : ndarray of shape (3,), se : ndarray of shape (3,)
        Log odds of the first term, the second and the product.
    status : str
    """

    without: tuple
    within: tuple
    difference: tuple
    odds: tuple
    boot: tuple
    coef: np.ndarray
    se: np.ndarray
    status: str = "ok"

    def agree(self):
        """Whether both intervals lie on the same side of zero: +1, -1, or 0 where either holds zero."""
        signs = {int(e.lo > 0) - int(e.hi < 0) for e, _ in (self.difference, self.odds)}
        return signs.pop() if len(signs) == 1 else 0

    @property
    def p(self):
        """The larger of the two p-values: that both scales show it (intersection-union test, Berger 1982)."""
        return float(np.max([self.difference[1], self.odds[1]]))


def two_scales(y, first, second, others, w, *, binary, kind, clusters, observed, ci_level, n_boot=0, rng=None):
    """Fit the interaction of `first` and `second` on outcome `y`, other terms held equal.

    Parameters
    ----------
    y : ndarray
        Outcome; binary: the higher value is the event.
    first, second : ndarray of 0 and 1
    others : ndarray of shape (rows, k)
    w, kind, clusters : as `delight.estimate.Sample`
    binary : bool
        Binary: logit and standardised risk differences with delta-method errors. Graded: least squares (HC3, CR1) and ordered logit.
    observed : bool
        Model-based errors of the ordered logit (no sampling weights, no clusters), else the sandwich.
    n_boot, rng
        Draws of the bootstrap of the difference, which refits the model every time.

    References
    ----------
    Ai, C. & Norton, E. C. (2003). Economics Letters 80, 123-129. Berger, R. L. (1982). Technometrics 24, 295-300.
    """
    x = np.column_stack([first, second, first * second, others]).astype(float)
    fit = fit_answers(y, x, w, kind=kind, clusters=clusters, cov="observed" if observed and not binary else "robust")
    if np.isnan(fit.beta).any():
        nothing = (Estimate(*[np.nan] * 5), np.nan)
        if binary or fit.status == "not_identified":
            return TwoScales(*[nothing] * 4, (np.nan, np.nan), np.full(3, np.nan), np.full(3, np.nan), fit.status)
    odds, p = fit.contrast(np.eye(x.shape[1])[BOTH], ci_level)
    if BOTH in fit.separated and fit.firth:
        lo, hi, p = firth_interval(fit, y, BOTH, ci_level)
        odds = Estimate(odds.value, odds.se, odds.df, lo, hi)
    if binary:
        top = float(np.max(y))
        cell = {(a, b): {FIRST: a, SECOND: b, BOTH: a * b} for a in (0.0, 1.0) for b in (0.0, 1.0)}
        parts = {b: [(1, cell[1.0, b]), (-1, cell[0.0, b])] for b in (0.0, 1.0)}
        reverse = [(-sign, setting) for sign, setting in parts[0.0]]
        found = [fit.standardised(s, at_least=top, ci_level=ci_level) for s in (parts[0.0], parts[1.0], [*parts[1.0], *reverse])]
    else:
        line = fit_linear(y, np.column_stack([np.ones(len(y)), x]), w, kind=kind, clusters=clusters)
        direction = np.zeros((3, x.shape[1] + 1))
        direction[0, 1 + FIRST] = direction[1, 1 + FIRST] = direction[1, 1 + BOTH] = direction[2, 1 + BOTH] = 1
        found = [line.contrast(d, ci_level) for d in direction]
    boot = _boot(y, x, w, binary, kind, clusters, ci_level, n_boot, rng) if n_boot and rng is not None else (np.nan, np.nan)
    return TwoScales(*found, (odds, p), boot, fit.beta[:3], fit.se[:3], fit.status)


def _boot(y, x, w, binary, kind, clusters, ci_level, n_boot, rng):
    """Percentile interval of the difference of differences over refitted samples."""
    event = (y == y.max()).astype(float) if binary else y
    if clusters is None and (kind != "sampling" or np.ptp(w) < 1e-12):  # alike rows are drawn together
        patterns, which = np.unique(np.column_stack([event, x]), axis=0, return_inverse=True)
        event, x, w, kind = patterns[:, 0], patterns[:, 1:], np.bincount(which.ravel(), w), "frequency"
    design = np.column_stack([np.ones(len(event)), x])
    model = Refit(event, design, "logit" if binary else "linear")
    frequency = w if kind == "frequency" else None
    draws = []
    for times in counts(len(event), n_boot, rng, clusters=clusters, frequency=frequency, chunk=100):
        times = times if kind == "frequency" else times * w
        coef = model.coef(times)
        draws.append(_double_difference(coef, x[:, BOTH + 1 :], times) if binary else coef[:, 1 + BOTH])
    lo, hi = percentile(np.concatenate(draws), ci_level)
    return float(lo), float(hi)


def _double_difference(coef, others, times):
    """Standardised difference of risk differences of every sample."""
    base = coef[:, :1] + coef[:, 4:] @ others.T
    share = times / times.sum(axis=1, keepdims=True)
    a, b, both = (coef[:, j : j + 1] for j in (1, 2, 3))
    chance = expit(base + a + b + both) - expit(base + b) - expit(base + a) + expit(base)
    return (share * chance).sum(axis=1)


def cell_rows(values, first, second, data, names, *, share, ci_level):
    """A row for each of the four groups: ``by, group`` (such as ``with failure``), ``n, n_eff, value`` with its limits.

    Parameters
    ----------
    values : ndarray
        Shown by group: 0/1 (`share`: Wilson) or points (t).
    first, second : ndarray of 0 and 1
    names : (dict, dict)
        Name of each value of `second`, and of `first`: the group is called by both, in this order.
    """
    frequency, rows = data.w if data.kind == "frequency" else np.ones(len(values)), []
    for b, group in names[0].items():
        for a, end in names[1].items():
            here = (first == a) & (second == b)
            n, w = int(frequency[here].sum()), data.w[here]
            row = dict(by="cell", group=f"{group} {end}", n=n, n_eff=0.0, value=np.nan, value_lo=np.nan, value_hi=np.nan)
            if n:
                est = mean(values[here], w, kind=data.kind, ci_level=ci_level)
                n_eff = float(n) if data.kind != "sampling" else float(w.sum() ** 2 / (w**2).sum())
                lo, hi = wilson(est.value, n_eff, ci_level) if share else (est.lo, est.hi)
                row |= dict(n_eff=n_eff, value=est.value, value_lo=lo, value_hi=hi)
            rows.append(row | {"status": data.status(here)})
    return rows


def n_needed(n, estimate, size):
    """Answers for a chance of 80 % to show an interaction of `size`, from the standard error of these n; None where there is none."""
    if not (np.isfinite(estimate.se) and estimate.se > 0):
        return None
    return int(np.ceil(n * (POWER * estimate.se / size) ** 2))


def two_scale_columns(found, ci_level, *, names=("without", "within")):
    """The columns that a two-scale verdict fills; NaN where there is none."""
    row = {}
    parts = {f"effect_{names[0]}": "without", f"effect_{names[1]}": "within", "interaction_rd": "difference", "interaction_logit": "odds"}
    for name, attribute in parts.items():
        est, p = getattr(found, attribute) if found else (None, np.nan)
        row |= {name: est.value if est else np.nan, f"{name}_lo": est.lo if est else np.nan, f"{name}_hi": est.hi if est else np.nan}
        row |= {f"{name}_p": p} if name.startswith("interaction") else {}
    row["boot_lo"], row["boot_hi"] = found.boot if found else (np.nan, np.nan)
    row["scales_agree"] = bool(found.agree()) if found else False
    est = found.difference[0] if found else None
    half = _quantile(0.95, est.df) * est.se if est else np.nan
    row |= {"estimate": row["interaction_rd"], "se": est.se if est else np.nan, "ci_lo": row["interaction_rd_lo"]}
    row |= {"ci_hi": row["interaction_rd_hi"], "ci90_lo": row["estimate"] - half, "ci90_hi": row["estimate"] + half}
    row["p"] = found.p if found else np.nan
    return row


def _quantile(chance, df):
    return stats.norm.ppf(chance) if not np.isfinite(df) else stats.t.ppf(chance, df)

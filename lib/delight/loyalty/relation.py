"""More than a rational relation: what customers are worth who also feel bound, and through what delight binds (methods M20)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import aliased_terms, benjamini_hochberg, fit_linear, need_columns, sample
from delight.loyalty.draws import Refit
from delight.loyalty.outcome import is_binary, prepare
from delight.loyalty.regression import design_terms
from delight.resample import counts, generator, percentile, two_sided_p
from delight.result import Note, Result
from delight.scales import Scale, check_scale

#: Bound and not bound customers needed to compare.
FEWEST = 30
#: Share of the values beyond which they count as the value there.
WINSOR = 0.99
#: Correlations of unmeasured causes that the sensitivity of a mediation is shown for.
RHO = np.round(np.arange(-0.9, 0.91, 0.1), 1)


# ---- what an emotional bond is worth
def bond(
    frame,
    *,
    value,
    x,
    emotion,
    scales,
    delight_from,
    bound_from=None,
    covariates=(),
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Are very satisfied customers who also feel bound worth more than those who are only very satisfied?

    Parameters
    ----------
    frame : pandas.DataFrame, one row a customer; unchanged.
    value : str
        What a customer is worth: spend, margin, lifetime value; not negative.
    x : str
        Overall satisfaction: both groups reach `delight_from`; one grade lower as a sensitivity.
    emotion : str
        Emotion or bond, an item or a mean of items (`outcome.emotion_score`).
    scales : dict of column -> Scale
        Of `x` and `emotion`.
    delight_from : float
    bound_from : float, optional
        Lowest emotion of the bound; default the knot of its scale (4 on 1-5, 8 on 1-10).
    covariates : sequence of str
        What else makes customers worth more: tenure, kind of customer. They should be settled before the emotion.
    weights, weights_kind, clusters, ci_level, n_boot, seed : as M00; every draw fits everything anew, the propensity too.

    Returns
    -------
    Result
        A row per population (``delighted``; ``satisfied``: from one grade lower on), scale (``value``, ``winsorised`` at the 99th
        percentile, ``log`` where all are positive) and estimator: ``raw``; ``regression`` (least squares with the covariates);
        ``overlap`` (overlap weights); on the value ``gamma`` (log link; with noughts ``two_part``: any value by a logit, how much by a
        Gamma). Columns ``mean_bound, mean_other`` (as weighted by the estimator), ``estimate, se`` (bootstrap), ``ci_lo, ci_hi, ci90_lo,
        ci90_hi`` (percentile), ``p, ratio, ratio_lo, ratio_hi`` (bound over others; on the log scale geometric means), ``imbalance``
        (largest standardised difference of a covariate after the estimator's weighting), ``n_first`` (bound), ``n_second, n, n_missing, n_eff,
        status``. Fewer than 30 in either group: ``insufficient``. The overlap estimate on the value in ``delighted`` is the headline.

    Notes
    -----
    Overlap weights: 1 - e for the bound and e for others, e the chance of being bound given the covariates by a logit. They balance
    the means of the covariates exactly, so that regression with overlap weights gives the same estimate, and speak of customers who could be either. Unmeasured
    differences remain.

    References
    ----------
    Li, F., Morgan, K. L. & Zaslavsky, A. M. (2018). JASA 113, 390-400. Duan, N. et al. (1983). JBES 1, 115-126.
    """
    need_columns(frame, [value, x, emotion, *covariates])
    lacking = [c for c in (x, emotion) if c not in scales]
    if lacking:
        raise InputError(f"These columns need their Scale in `scales`: {', '.join(lacking)}.")
    if (frame[value].dropna() < 0).any():
        raise InputError(f"Column '{value}': {int((frame[value] < 0).sum())} values are negative; a customer's value is not.")
    check_scale(frame[emotion], Scale(scales[emotion].min, scales[emotion].max, 0), column=emotion)
    bound_from = _bound_from(scales[emotion]) if bound_from is None else float(bound_from)
    step = scales[x].step or 1
    rows, notes, used = [], [], None
    for population, least in (("delighted", delight_from), ("satisfied", delight_from - step)):
        part = frame[(frame[x] >= least) | frame[x].isna()]
        data = prepare(
            part, y=value, x=x, scales={value: Scale(-1, np.finfo(float).max, 0), x: scales[x]}, others=[emotion, *covariates],
            weights=weights, weights_kind=weights_kind, clusters=clusters,
        )  # fmt: skip
        used = data if used is None else used
        terms = design_terms(data, x, None, (), (), covariates)
        notes += [n for n in terms.notes if population == "delighted" and n.code != "aliased"]
        z = terms.x.drop(columns=x, errors="ignore").to_numpy(dtype=float)
        z = z[:, [j for j in range(z.shape[1]) if np.ptp(z[:, j]) > 0]] if len(z) else z
        bound = (data.sample.frame[emotion].to_numpy(dtype=float) >= bound_from).astype(float)
        rows += _bond_rows(data, bound, z, population, ci_level, n_boot, seed)
    return Result.of(
        "M20.bond", pd.DataFrame(rows), function="delight.loyalty.relation.bond", notes=notes, value=value, satisfaction=x, emotion=emotion,
        delight_from=delight_from, bound_from=bound_from, emotion_scale=scales[emotion], satisfaction_scale=scales[x],
        covariates=list(covariates), clusters=clusters, ci_level=ci_level, n_boot=n_boot, seed=seed,
        keys=["population", "scale", "estimator"], **used.sample.meta,
    )  # fmt: skip


def _bound_from(scale):
    if scale.knot is not None:
        return float(scale.knot)
    raise InputError(f"The scale {scale} of the emotion has no customary cut: say from where on a customer counts as bound (bound_from).")


def _bond_rows(data, bound, z, population, ci_level, n_boot, seed):
    """All estimates in one population."""
    v, w = data.y, data.w
    frequency = w if data.kind == "frequency" else np.ones(len(v))
    n = {side: int(frequency[bound == side].sum()) for side in (1.0, 0.0)}
    about = dict(
        population=population, n_first=n[1.0], n_second=n[0.0], n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff
    )
    plan = _plan(v)
    numbers = (
        "mean_bound",
        "mean_other",
        "estimate",
        "se",
        "ci_lo",
        "ci_hi",
        "ci90_lo",
        "ci90_hi",
        "p",
        "ratio",
        "ratio_lo",
        "ratio_hi",
        "imbalance",
    )
    status = data.status(bound == 1.0, bound == 0.0, model=True)
    rows = [about | dict(scale=s, estimator=e, **dict.fromkeys(numbers, np.nan), status=status) for s, e in plan]
    if status == "insufficient":
        return rows
    if aliased_terms(np.column_stack([np.ones(len(v)), bound, z]) * np.sqrt(w)[:, None], [str(j) for j in range(z.shape[1] + 2)]):
        return [r | {"status": "not_identified"} for r in rows]
    model = _Bond(v, bound, z)
    point, imbalance = model.estimate(w[None, :], plan), model.imbalance(w)
    rng = generator(seed, f"M20.bond.{population}")
    size = frequency if data.kind == "frequency" else None
    draws = [model.estimate(times if data.kind == "frequency" else times * w, plan)
             for times in counts(len(v), n_boot, rng, clusters=data.clusters, frequency=size, chunk=100)]  # fmt: skip
    for i, row in enumerate(rows):
        one, other = point[0, i]
        row |= dict(mean_bound=one, mean_other=other, imbalance=imbalance.get(row["estimator"], np.nan))
        log = row["scale"] == "log"
        row |= dict(estimate=one - other, ratio=float(np.exp(one - other)) if log else one / other if other else np.nan)
        if draws:
            each = np.concatenate([d[:, i] for d in draws])
            apart = each[:, 0] - each[:, 1]
            with np.errstate(all="ignore"):
                over = np.exp(apart) if log else each[:, 0] / each[:, 1]
            (lo, hi), (low, high), (r_lo, r_hi) = percentile(apart, ci_level), percentile(apart, 0.90), percentile(over, ci_level)
            seen = apart[~np.isnan(apart)]
            row |= dict(
                se=float(seen.std(ddof=1)) if len(seen) > 1 else np.nan,
                ci_lo=float(lo),
                ci_hi=float(hi),
                ci90_lo=float(low),
                ci90_hi=float(high),
            )
            row |= dict(ratio_lo=float(r_lo), ratio_hi=float(r_hi), p=float(two_sided_p(seen)))
    return rows


def _plan(v):
    """Pairs of scale and estimator that these values allow."""
    scales = ["value", "winsorised", *(["log"] if len(v) and v.min() > 0 else [])]
    amount = "gamma" if len(v) and v.min() > 0 else "two_part"
    return [(s, e) for s in scales for e in ("raw", "regression", "overlap", *([amount] if s == "value" else []))]


class _Bond:
    """The estimators, for many sets of row weights at once; every one answers with the two means it compares."""

    def __init__(self, v, bound, z):
        self.v, self.t, self.z = v, bound, z
        constant = np.ones(len(v))
        self.design = np.column_stack([constant, bound, z])
        self.propensity = Refit(bound, np.column_stack([constant, z]), "logit")
        self.any = Refit((v > 0).astype(float), self.design, "logit") if v.min() <= 0 else None
        self.amount = Refit(np.where(v > 0, v, 1.0), self.design, "gamma")

    def estimate(self, times, plan):
        """Means of the bound and of the others, shape (samples, estimates, 2)."""
        overlap = self.overlap(times)
        out = np.empty((len(times), len(plan), 2))
        for i, (scale, estimator) in enumerate(plan):
            y = np.log(self.v) if scale == "log" else self.v
            if scale == "winsorised":
                y = np.minimum(y, _upper(self.v, times)[:, None]) if len(times) > 1 else np.minimum(y, _upper(self.v, times))
            out[:, i] = self._one(np.broadcast_to(y, times.shape), estimator, times, overlap)
        return out

    def overlap(self, times):
        """Overlap weights, times how often each row was drawn."""
        coef = self.propensity.coef(times)
        chance = 1 / (1 + np.exp(-(coef[:, :1] + coef[:, 1:] @ self.z.T)))
        return times * np.where(self.t == 1, 1 - chance, chance)

    def _one(self, y, estimator, times, overlap):
        if estimator in ("raw", "overlap"):
            w = times if estimator == "raw" else overlap
            with np.errstate(all="ignore"):
                sides = [(w * self.t, y), (w * (1 - self.t), y)]
                return np.stack([(weight * values).sum(axis=1) / weight.sum(axis=1) for weight, values in sides], axis=1)
        if estimator == "regression":
            slope = self._slope(y, times)
            return self._around((times * y).sum(axis=1) / times.sum(axis=1), slope, times)
        return self._amount(times)

    def _slope(self, y, times):
        """Coefficient of being bound in weighted least squares, y different in every sample."""
        k = self.design.shape[1]
        products = np.einsum("ij,ik->ijk", self.design, self.design).reshape(len(self.v), -1)
        left = (times @ products).reshape(-1, k, k)
        left = left + 1e-12 * np.trace(left, axis1=1, axis2=2)[:, None, None] * np.eye(k) / k
        return np.linalg.solve(left, ((times * y) @ self.design)[..., None])[:, 1, 0]

    def _around(self, middle, slope, times):
        """Two means a slope apart, whose average over the groups is the mean."""
        share = (times * self.t).sum(axis=1) / times.sum(axis=1)
        return np.stack([middle + (1 - share) * slope, middle - share * slope], axis=1)

    def _amount(self, times):
        """Standardised means of the Gamma model, times the chance of any value where there are noughts."""
        positive = times * (self.v > 0)
        amount, chance = self.amount.coef(positive), self.any.coef(times) if self.any is not None else None
        share, out = times / times.sum(axis=1, keepdims=True), []
        for side in (1.0, 0.0):
            size = np.exp(amount[:, :1] + side * amount[:, 1:2] + amount[:, 2:] @ self.z.T)
            if chance is not None:
                size = size / (1 + np.exp(-(chance[:, :1] + side * chance[:, 1:2] + chance[:, 2:] @ self.z.T)))
            out.append((share * size).sum(axis=1))
        return np.stack(out, axis=1)

    def imbalance(self, w):
        """Largest standardised difference of a covariate between the groups, before weighting and after."""
        if not self.z.shape[1]:
            return {}
        spread = np.sqrt(np.average((self.z - np.average(self.z, axis=0, weights=w)) ** 2, axis=0, weights=w))
        found = {}
        for name, weight in (("raw", w), ("overlap", self.overlap(w[None, :])[0])):
            sides = [np.average(self.z, axis=0, weights=weight * side) for side in (self.t, 1 - self.t)]
            found[name] = float(np.max(np.abs(sides[0] - sides[1]) / np.where(spread > 0, spread, 1)))
        return found


def _upper(v, times):
    """The 99th percentile of the values in every sample."""
    order = np.argsort(v, kind="stable")
    reached = np.cumsum(times[:, order], axis=1)
    at = (reached >= WINSOR * reached[:, -1:] - 1e-9).argmax(axis=1)
    return v[order][at]


# ---- through what delight binds
class Mediation(NamedTuple):
    """The paths of a mediation, and how they depend on unmeasured causes."""

    paths: Result
    sensitivity: Result


def mediation(
    frame,
    *,
    y,
    x,
    mediator,
    scales,
    delight_from=None,
    covariates=(),
    turned=False,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Does delight bind through commitment: delight → commitment → loyalty?

    Parameters
    ----------
    frame : pandas.DataFrame, one row a response; unchanged.
    y, x, mediator : str
        Loyalty, delight (a score; with `delight_from` yes or no) and what lies between, such as commitment.
    scales : dict of column -> Scale
        Of `y` and `x`.
    delight_from : float, optional
        Takes delight as reached or not.
    covariates : sequence of str
        Common causes, held equal in both regressions.
    turned, weights, weights_kind, clusters, ci_level, n_boot, seed : as M00

    Returns
    -------
    Mediation
        ``paths``: rows ``a`` (delight → mediator), ``b`` (mediator → loyalty, delight equal), ``direct``, ``indirect`` (a x b), ``total``,
        ``share`` (indirect over total, where the total is told from nought): ``estimate, se, ci_lo, ci_hi, ci90_lo, ci90_hi`` (percentile
        bootstrap), ``p, n, n_missing, n_eff, status``; ``meta``: ``rho_zero`` with limits, the correlation of unmeasured causes of mediator
        and loyalty at which the indirect effect is nought. ``sensitivity``: ``rho, estimate, ci_lo, ci_hi``.

    Notes
    -----
    Least squares, also for yes/no loyalty (then in shares). With e1 the residual of loyalty on delight and covariates and e2 that of the
    mediator, r their correlation: indirect(rho) = a s1/s2 (r - rho sqrt((1 - r²)/(1 - rho²))), which is a x b at rho = 0 and nought at
    rho = r. Cross-sectional data order causes by assumption only.

    References
    ----------
    Imai, K., Keele, L. & Yamamoto, T. (2010). Statistical Science 25, 51-71.
    """
    need_columns(frame, [y, x, mediator, *covariates])
    if len({y, x, mediator, *covariates}) < 3 + len(list(covariates)):
        raise InputError("Loyalty, delight, mediator and covariates must be different columns.")
    data = prepare(
        frame, y=y, x=x, scales=scales, others=[mediator, *covariates], weights=weights, weights_kind=weights_kind, clusters=clusters,
        turned=turned,
    )  # fmt: skip
    terms = design_terms(data, x, None, (), (), covariates)
    z = terms.x.drop(columns=x, errors="ignore").to_numpy(dtype=float)
    t = (data.s >= delight_from).astype(float) if delight_from is not None else data.s
    m = data.sample.frame[mediator].to_numpy(dtype=float)
    status, w = data.status(model=True), data.w
    design = np.column_stack([np.ones(len(t)), t, z, m, data.y])
    if status != "insufficient" and aliased_terms(design[:, :-1] * np.sqrt(w)[:, None], [str(j) for j in range(design.shape[1] - 1)]):
        status = "not_identified"
    names = ("a", "b", "direct", "indirect", "total", "share")
    blank = dict.fromkeys(("estimate", "se", "ci_lo", "ci_hi", "ci90_lo", "ci90_hi", "p"), np.nan)
    counted = dict(n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff, status=status)
    rows = {name: {"path": name, **blank, **counted} for name in names}
    curve = [dict(rho=r, estimate=np.nan, ci_lo=np.nan, ci_hi=np.nan, **counted) for r in RHO]
    zero = dict(rho_zero=None, rho_zero_lo=None, rho_zero_hi=None)
    if status not in ("insufficient", "not_identified"):
        products = np.einsum("ij,ik->ijk", design, design).reshape(len(design), -1)
        rng, kind = generator(seed, "M20.mediation"), data.kind
        point, point_curve = _paths((w @ products).reshape(1, *[design.shape[1]] * 2))
        sums = [(times if kind == "frequency" else times * w) @ products for times in
                counts(len(t), n_boot, rng, clusters=data.clusters, frequency=w if kind == "frequency" else None)]  # fmt: skip
        draws, draws_curve = _paths(np.concatenate(sums).reshape(-1, *[design.shape[1]] * 2))
        for i, name in enumerate(names):
            each = draws[:, i]
            (lo, hi), (low, high) = percentile(each, ci_level), percentile(each, 0.90)
            rows[name] |= dict(estimate=point[0, i], se=float(each.std(ddof=1)), ci_lo=float(lo), ci_hi=float(hi), ci90_lo=float(low),
                               ci90_hi=float(high), p=float(two_sided_p(each)))  # fmt: skip
        if rows["total"]["ci_lo"] <= 0 <= rows["total"]["ci_hi"]:
            rows["share"] |= blank | {"status": "not_identified"}
        lo, hi = percentile(draws_curve, ci_level)
        curve = [row | dict(estimate=point_curve[0, i], ci_lo=lo[i], ci_hi=hi[i]) for i, row in enumerate(curve)]
        r_lo, r_hi = percentile(draws[:, 6], ci_level)
        zero = dict(rho_zero=float(point[0, 6]), rho_zero_lo=float(r_lo), rho_zero_hi=float(r_hi))
    meta = dict(outcome=y, delight=x, mediator=mediator, delight_from=delight_from, covariates=list(covariates), turned=turned,
                clusters=clusters, ci_level=ci_level, n_boot=n_boot, seed=seed, binary=data.binary, scale=scales[y], **zero,
                **data.meta)  # fmt: skip
    function = "delight.loyalty.relation.mediation"
    return Mediation(
        Result.of("M20.mediation", pd.DataFrame(list(rows.values())), function=function, notes=terms.notes, keys=["path"], **meta),
        Result.of("M20.sensitivity", pd.DataFrame(curve), function=function, keys=["rho"], **meta),
    )


def _paths(sums):
    """Paths a, b, direct, indirect, total, share and the residual correlation, and indirect(rho), from cross-products of (1, t, z, m, y)."""
    k = sums.shape[1] - 2
    base, m, y = np.arange(k), k, k + 1

    def regress(on, target):
        left = sums[:, on][:, :, on]
        return np.linalg.solve(left, sums[:, on, target][..., None])[..., 0]

    of_m, of_y = regress(base, m), regress(base, y)
    full = regress(np.arange(k + 1), y)
    a, b, direct, total = of_m[:, 1], full[:, k], full[:, 1], of_y[:, 1]

    def rest(i, j, fit):
        return sums[:, i, j] - np.einsum("dk,dk->d", fit, sums[:, base, j])

    mm, yy, ym = rest(m, m, of_m), rest(y, y, of_y), rest(y, m, of_y)
    r = np.clip(ym / np.sqrt(mm * yy), -0.999999, 0.999999)
    with np.errstate(all="ignore"):
        share = a * b / total
    inner = r[:, None] - RHO[None, :] * np.sqrt((1 - r[:, None] ** 2) / (1 - RHO[None, :] ** 2))
    return np.column_stack([a, b, direct, a * b, total, share, r]), (a * np.sqrt(yy / mm))[:, None] * inner


# ---- met, exceeded, and levels of service
def contrast(
    frame,
    *,
    y,
    group,
    first,
    second,
    scales,
    margin=None,
    covariates=(),
    turned=False,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
):
    """Two groups compared on one outcome, other things equal, with a test of difference and one of equivalence.

    Parameters
    ----------
    frame : pandas.DataFrame, one row a response; unchanged.
    y : str
        Trust, affect, loyalty.
    group : str
        Holds the groups; a row of neither group is left out, not missing.
    first, second : str or list
        Values of `group`: the estimate is first minus second.
    scales : dict of column -> Scale
        Of `y`.
    margin : float, optional
        Differences within it count as none; default a tenth of the scale's range halved (0.45 on 1-10, 0.2 on 1-5).

    Returns
    -------
    Result
        One row: ``first, second, mean_first, mean_second`` (raw), ``estimate, se, ci_lo, ci_hi, ci90_lo, ci90_hi, p, margin, tost_p,
        n_first, n_second, n, n_missing, n_eff, status``. Either group below 30: ``insufficient``.

    Notes
    -----
    Least squares, HC3 or CR1. TOST: the larger of the two one-sided p-values of a difference beyond ± margin (Schuirmann 1987).
    """
    if y not in scales:
        raise InputError(f"Column '{y}' needs its Scale in `scales`.")
    need_columns(frame, [y, group, *covariates])
    lists = [list(v) if isinstance(v, (list, tuple, set, np.ndarray)) else [v] for v in (first, second)]
    inside = frame[group].isin(lists[0] + lists[1])
    if set(lists[0]) & set(lists[1]):
        raise InputError("A group cannot be compared with itself.")
    made = frame[inside].assign(**{"(first)": frame.loc[inside, group].isin(lists[0]).astype(float)})
    data = prepare(
        made, y=y, x="(first)", scales={y: scales[y], "(first)": Scale(0, 1)}, others=covariates, weights=weights,
        weights_kind=weights_kind, clusters=clusters, turned=turned,
    )  # fmt: skip
    row, notes = _two_groups(data, covariates, _margin(scales[y]) if margin is None else float(margin), ci_level)
    row = {"first": _named(first), "second": _named(second), **row}
    return Result.of(
        "M20.contrast", [row], function="delight.loyalty.relation.contrast", notes=notes, outcome=y, group=group, turned=turned,
        covariates=list(covariates), clusters=clusters, ci_level=ci_level, scale=scales[y], keys=["first", "second"], **data.meta,
    )  # fmt: skip


def _named(values):
    return ", ".join(map(str, values)) if isinstance(values, (list, tuple, set, np.ndarray)) else str(values)


def _margin(scale):
    return 0.05 * (scale.max - scale.min)


def _two_groups(data, covariates, margin, ci_level):
    """Columns of a contrast of `data.s` (1 first, 0 second), and the notes of its design."""
    terms = design_terms(data, "(first)", None, (), (), covariates)
    z = terms.x.drop(columns="(first)", errors="ignore").to_numpy(dtype=float)
    frequency = data.w if data.kind == "frequency" else np.ones(len(data.y))
    n = [int(frequency[data.s == side].sum()) for side in (1, 0)]
    row = dict.fromkeys(("mean_first", "mean_second", "estimate", "se", "ci_lo", "ci_hi", "ci90_lo", "ci90_hi", "p", "tost_p"), np.nan)
    row |= dict(margin=margin, n_first=n[0], n_second=n[1], n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff)
    for name, side in (("mean_first", 1), ("mean_second", 0)):
        here = data.s == side
        row[name] = float(np.average(data.y[here], weights=data.w[here])) if here.any() else np.nan
    status = data.status(data.s == 1, data.s == 0, model=True)
    if status != "insufficient":
        fit = fit_linear(data.y, np.column_stack([np.ones(len(data.y)), data.s, z]), data.w, kind=data.kind, clusters=data.clusters)
        if np.isnan(fit.coef).any():
            return row | {"status": "not_identified"}, terms.notes
        one = np.eye(len(fit.coef))[1]
        (wide, p), (narrow, _) = (fit.contrast(one, level) for level in (ci_level, 0.90))
        row |= dict(estimate=wide.value, se=wide.se, ci_lo=wide.lo, ci_hi=wide.hi, ci90_lo=narrow.lo, ci90_hi=narrow.hi, p=p)
        if wide.se > 0:
            row["tost_p"] = float(
                max(stats.t.sf((wide.value + margin) / wide.se, wide.df), stats.t.cdf((wide.value - margin) / wide.se, wide.df))
            )
        status = status if wide.se > 0 else "degenerate"
    return row | {"status": status}, terms.notes


def exceeded(
    frame,
    *,
    y,
    disconfirmation,
    scales,
    margin=None,
    covariates=(),
    turned=False,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
):
    """Does only exceeding expectations raise trust (or loyalty), or does meeting them do as well?

    Parameters
    ----------
    frame, y, scales, margin, covariates, turned, weights, weights_kind, clusters, ci_level : as `contrast`
        Satisfaction may be a covariate; `y` may be the trust of the next wave (`panel.prior` on the expectations).
    disconfirmation : str
        Much worse … much better than expected; its middle is "as expected".

    Returns
    -------
    Result
        Two rows of `contrast`: ``exceeded - met`` and ``met - below``, with ``p_adj`` (Benjamini-Hochberg over both).
    """
    if disconfirmation not in scales:
        raise InputError(f"Column '{disconfirmation}' needs its Scale in `scales`.")
    check_scale(frame[disconfirmation], scales[disconfirmation], column=disconfirmation)
    middle = (scales[disconfirmation].min + scales[disconfirmation].max) / 2
    values = frame[disconfirmation]
    side = pd.Series(np.select([values > middle, values == middle, values < middle], ["exceeded", "met", "below"], None), index=frame.index)
    return _stack(
        frame.assign(**{"(side)": side}), "(side)", [("exceeded", "met"), ("met", "below")], "delight.loyalty.relation.exceeded",
        y=y, scales=scales, margin=margin, covariates=covariates, turned=turned, weights=weights, weights_kind=weights_kind,
        clusters=clusters, ci_level=ci_level, about={"disconfirmation": disconfirmation},
    )  # fmt: skip


def level_affect(
    frame,
    *,
    y,
    levels,
    scales,
    cut=None,
    margin=None,
    covariates=(),
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
):
    """Does handling problems well (level 2) bring positive feelings beyond a good core (level 1)?

    Parameters
    ----------
    frame, y, scales, margin, covariates, weights, weights_kind, clusters, ci_level : as `contrast`; `y` holds positive affect.
    levels : dict of level -> list of columns
        Items of every level that was asked; 1 and 2 are needed. A level is reached when all its answered items reach `cut`.
    cut : float, optional
        Default the knot of each item's scale (8 on 1-10), yes on 0/1.

    Returns
    -------
    Result
        One row of `contrast`: levels 1 and 2 reached (``L1-2``) minus level 1 only (``L1``); customers who also reach a higher level are
        left out of both.
    """
    if not levels.get(1) or not levels.get(2):
        raise InputError("Items of level 1 and of level 2 are needed.")
    need_columns(frame, [c for items in levels.values() for c in items])
    reached = {level: _reached(frame, items, scales, cut) for level, items in levels.items()}
    higher = np.zeros(len(frame), dtype=bool)
    for level, hit in reached.items():
        higher |= (hit.to_numpy() == 1) if level > 2 else False
    one, two = reached[1].to_numpy() == 1, reached[2].to_numpy()
    group = np.select([one & (two == 1) & ~higher, one & (two == 0) & ~higher], ["L1-2", "L1"], None)
    return _stack(
        frame.assign(**{"(level)": group}), "(level)", [("L1-2", "L1")], "delight.loyalty.relation.level_affect", y=y, scales=scales,
        margin=margin, covariates=covariates, turned=False, weights=weights, weights_kind=weights_kind, clusters=clusters,
        ci_level=ci_level, about={"levels": {str(k): list(v) for k, v in levels.items()}, "cut": cut},
    )  # fmt: skip


def _reached(frame, items, scales, cut):
    """1 where all answered items reach their cut, 0 where one does not; missing without an answer."""
    below = np.zeros(len(frame), dtype=bool)
    for c in items:
        own = cut if cut is not None else scales[c].max if is_binary(scales[c]) else scales[c].knot
        if own is None:
            raise InputError(f"The scale {scales[c]} of '{c}' has no customary cut: say `cut`.")
        below |= (frame[c] < own).to_numpy(dtype=bool, na_value=False)
    return pd.Series(~below, index=frame.index).astype(float).where(frame[list(items)].notna().any(axis=1))


def _stack(frame, group, pairs, function, *, about, **options):
    """Several contrasts of one grouping, as one result."""
    found = [contrast(frame, group=group, first=a, second=b, **options) for a, b in pairs]
    table = pd.concat([r.table for r in found], ignore_index=True)
    table["p_adj"] = benjamini_hochberg(table["p"])
    used = sample(frame, [options["y"], group, *options["covariates"]], weights=options["weights"], weights_kind=options["weights_kind"])
    meta = {**found[0].meta, **used.meta, **about, "function": function}
    meta.pop("method"), meta.pop("version")
    return Result.of("M20.contrast", table, notes=_once(n for r in found for n in r.notes), **meta)


def _once(notes):
    seen = []
    for n in notes:
        seen += [n] if n not in seen else []
    return [Note(n.code, n.values) for n in seen]

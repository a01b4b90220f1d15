"""Leaving after failures: a discrete-time hazard with cumulative failures and a customer's own frailty (methods M21)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, stats

from delight.errors import InputError
from delight.estimate import base_status, need_columns
from delight.result import Note, Result

#: Events that every parameter needs before the model is fitted, and before it is called sound.
FEWEST, SOUND = 5, 10
#: Most failures told apart: two or more count alike.
MOST = 2


def hazard(frame, *, customer, period, failed, left, horizon=2, covariates=(), frailty=True, most_since=3, ci_level=0.95):
    """Does leaving follow on failures, and on the second more than on the first?

    Parameters
    ----------
    frame : pandas.DataFrame, one row a customer and period in which the customer was there; unchanged.
    customer, period : str
        Periods are numbers in order of time, of equal length.
    failed, left : str
        0/1: something went wrong in the period; the customer left at its end. Rows after leaving are an error.
    horizon : int
        Periods that the chances of leaving look ahead (12 months: 2 half years).
    covariates : sequence of str
        Numbers, held equal.
    frailty : bool
        A customer's own readiness to leave, Gamma with mean 1 and a variance that is estimated; never below 0.
    most_since : int
        Periods since the last failure from which on they count alike.

    Returns
    -------
    Result
        Rows ``part`` = ``hazard``: ``term`` (``failures=1``, ``failures=2+``, ``since`` (each period since the last failure), covariates)
        with ``coef, se, ci_lo, ci_hi, p`` and ``hazard_ratio`` with limits; ``part`` = ``chance``: ``term`` = ``failures=0, 1, 2+``:
        ``estimate`` = P(leaving within `horizon` periods), standardised over the customers, failures happening in the first period and held, with ``ci_lo, ci_hi,
        ci90_lo, ci90_hi``; ``part`` = ``difference`` of the chances (1 - 0, 2+ - 1) with p. ``n`` (customers), ``n_periods, n_events``,
        ``n_missing`` (rows), ``n_eff, status``. ``meta``: ``frailty_variance, frailty_p``.

    Notes
    -----
    P(leaves in t | still there) = 1 - exp(-exp(a_t + x'b)): complementary log-log, the proportional hazard of grouped time. With frailty
    v the chance of being there still is (1 + v H)^(-1/v), H the sum of the hazards. Failures before a customer's first row are unknown
    (note ``history_from_first_row``), and customers enter when first observed. Standard errors: sandwich over customers.
    Frailty test: likelihood ratio, ½ χ²₁, since the variance lies on the edge of its range.

    References
    ----------
    Prentice, R. L. & Gloeckler, L. A. (1978). Biometrics 34, 57-67. Meyer, B. D. (1990). Econometrica 58, 757-782.
    """
    need_columns(frame, [customer, period, failed, left, *covariates])
    data = frame[[customer, period, failed, left, *covariates]].copy()
    for c in (failed, left):
        if not data[c].dropna().isin([0, 1]).all():
            raise InputError(f"Column '{c}' says 1 or 0, nothing else.")
    known = data.notna().all(axis=1)
    n_missing, data = int((~known).sum()), data[known].sort_values([customer, period], kind="stable")
    if data.duplicated([customer, period]).any():
        raise InputError(f"{int(data.duplicated([customer, period]).sum())} rows repeat a customer and period.")
    gone = data.groupby(customer)[left].cumsum() > data[left]
    if gone.any():
        raise InputError(f"{int(gone.sum())} rows come after their customer left (first: row {data.index[gone][0]}).")
    x, names, notes = _terms(data, customer, period, failed, covariates, most_since)
    codes = pd.factorize(data[customer])[0]
    event = data[left].to_numpy(dtype=float)
    counted = dict(n=int(codes.max(initial=-1)) + 1, n_periods=len(data), n_events=int(event.sum()), n_missing=n_missing)
    counted["n_eff"] = float(counted["n"])
    shown = [c for c in names if not c.startswith("period=")]
    enough = len(data) > 0 and min(event.sum(), len(event) - event.sum()) >= FEWEST * x.shape[1]
    fit = _fit(x, event, codes, frailty) if enough else None
    status = "insufficient" if fit is None else "not_converged" if not fit.ok else base_status(counted["n"])
    if fit is not None and fit.ok and event.sum() < SOUND * x.shape[1]:
        notes.append(Note("few_events", {"events": int(event.sum()), "parameters": x.shape[1]}))
    rows = [_hazard_row(fit, names, term, ci_level, status) for term in shown]
    rows += _chances(fit, x, names, codes, horizon, most_since, ci_level, status, counted["n"])
    test = fit.frailty_p if fit is not None and fit.ok else None
    return Result.of(
        "M21.hazard", pd.DataFrame([r | counted for r in rows]), function="delight.loyalty.hazard.hazard",
        notes=[*notes, Note("history_from_first_row", {})], customer=customer, period=period, failed=failed, left=left, horizon=horizon,
        covariates=list(covariates), ci_level=ci_level, frailty=frailty, n_used=counted["n"], n_dropped_missing=n_missing,
        n_in=counted["n"], n_eff=counted["n_eff"], frailty_variance=fit.variance if fit is not None and fit.ok else None, frailty_p=test,
        keys=["part", "term"],
    )  # fmt: skip


def _terms(data, customer, period, failed, covariates, most_since):
    """Design: a constant per period, failures so far, periods since the last one, covariates; constant columns are left out."""
    so_far = data.groupby(customer)[failed].cumsum().clip(upper=MOST).to_numpy()
    last = data[period].where(data[failed] == 1).groupby(data[customer]).ffill()
    since = (data[period] - last).clip(upper=most_since).fillna(0).to_numpy(dtype=float)
    columns = {f"period={p:g}": (data[period] == p).to_numpy(dtype=float) for p in np.unique(data[period])}
    columns |= {"failures=1": (so_far == 1).astype(float), "failures=2+": (so_far >= MOST).astype(float), "since": since}
    columns |= {c: data[c].to_numpy(dtype=float) - float(data[c].mean()) for c in covariates}
    kept = {name: v for name, v in columns.items() if len(v) and (name.startswith("period=") or np.ptp(v) > 0)}
    notes = [Note("term_left_out", {"terms": sorted(set(columns) - set(kept))})] if len(kept) < len(columns) else []
    return np.column_stack(list(kept.values())) if kept else np.empty((0, 0)), list(kept), notes


@dataclass(frozen=True)
class HazardFit:
    """Coefficients and, last, the logarithm of the frailty variance where it is in the model."""

    coef: np.ndarray
    cov: np.ndarray
    variance: float
    frailty_p: float
    loglik: float
    ok: bool


def _pieces(params, x, event, codes, frail):
    """Log-likelihood of each customer and its gradient.

    With frailty variance v the chance to be there after all rows is S = (1 + v H)^(-1/v), H the customer's summed hazards; without the
    last row S(t-1). A customer who left contributes S(t-1) - S(t), the others S(t).
    """
    k, size = x.shape[1], codes.max() + 1
    rate = np.exp(np.clip(x @ params[:k], -50, 20))
    total = np.bincount(codes, rate, minlength=size)
    slope = np.zeros((size, k))
    np.add.at(slope, codes, x * rate[:, None])
    leaver = np.bincount(codes, event, minlength=size) > 0
    before = np.bincount(codes, rate * (1 - event), minlength=size)
    slope_before = np.zeros((size, k))
    np.add.at(slope_before, codes, x * (rate * (1 - event))[:, None])
    v = np.exp(params[k]) if frail else 0.0

    def survival(h):
        """S, dS/dH and dS/d(log v)."""
        if not frail:
            s = np.exp(-h)
            return s, -s, np.zeros_like(s)
        log = np.log1p(v * h)
        s = np.exp(-log / v)
        return s, -s / (1 + v * h), s * (log / v - h / (1 + v * h))

    s, ds, dv = survival(total)
    s0, ds0, dv0 = survival(before)
    chance = np.where(leaver, np.maximum(s0 - s, 1e-300), np.maximum(s, 1e-300))
    gradient = np.where(leaver[:, None], ds0[:, None] * slope_before - ds[:, None] * slope, ds[:, None] * slope)
    by_v = np.where(leaver, dv0 - dv, dv)
    full = np.column_stack([gradient, by_v]) if frail else gradient
    return np.log(chance), full / chance[:, None]


def _maximise(start, x, event, codes, frail):
    def minus(params):
        ll, gradient = _pieces(params, x, event, codes, frail)
        return -ll.sum(), -gradient.sum(axis=0)

    bounds = [(None, None)] * x.shape[1] + ([(np.log(1e-6), np.log(50.0))] if frail else [])
    return optimize.minimize(
        minus, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-8}
    )


def _fit(x, event, codes, frailty):
    """Maximum likelihood without frailty, and with it where it fits better than chance allows to be nought."""
    start = np.zeros(x.shape[1])
    start[:] = np.log(-np.log1p(-min(max(event.mean(), 1e-4), 0.9)))
    start[[j for j in range(x.shape[1]) if set(np.unique(x[:, j])) - {0.0, 1.0}]] = 0
    plain = _maximise(start * _periods(x), x, event, codes, False)
    best, frail, p = plain, False, np.nan
    if frailty and pd.Series(codes).value_counts().max() > 1:
        both = _maximise(np.append(plain.x, np.log(0.5)), x, event, codes, True)
        ratio = max(2 * (plain.fun - both.fun), 0.0)
        p = 0.5 * float(stats.chi2.sf(ratio, 1)) if ratio > 1e-6 else 1.0
        if ratio > 1e-6 and both.x[-1] > np.log(1e-5):
            best, frail = both, True
    _, scores = _pieces(best.x, x, event, codes, frail)
    hessian = _hessian(best.x, x, event, codes, frail)
    try:
        bread = np.linalg.inv(hessian)
    except np.linalg.LinAlgError:
        return HazardFit(best.x, np.full(hessian.shape, np.nan), np.nan, np.nan, -best.fun, False)
    size = len(scores)
    cov = bread @ (scores.T @ scores) @ bread * size / max(size - 1, 1)
    ok = bool(np.isfinite(cov).all() and (np.diag(cov) > 0).all() and np.abs(best.x[: x.shape[1]]).max() < 15)
    return HazardFit(best.x, cov, float(np.exp(best.x[-1])) if frail else 0.0, p, -float(best.fun), ok)


def _periods(x):
    """1 for the constants of the periods (columns that add up to one), else 0."""
    first = np.cumsum(x, axis=1)
    last = int(np.flatnonzero((np.abs(first - 1) < 1e-12).all(axis=0))[0])
    return (np.arange(x.shape[1]) <= last).astype(float)


def _hessian(params, x, event, codes, frail, step=1e-5):
    """Minus the second derivatives, by central differences of the analytic gradient."""
    rows = []
    for j in range(len(params)):
        moved = [params + sign * step * np.eye(len(params))[j] for sign in (1, -1)]
        up, down = (_pieces(p, x, event, codes, frail)[1].sum(axis=0) for p in moved)
        rows.append((up - down) / (2 * step))
    found = -np.array(rows)
    return (found + found.T) / 2


def _blank(part, term, status):
    numbers = ("coef", "se", "hazard_ratio", "hazard_ratio_lo", "hazard_ratio_hi", "estimate", "ci_lo", "ci_hi", "ci90_lo", "ci90_hi", "p")
    return {"part": part, "term": term, **dict.fromkeys(numbers, np.nan), "status": status}


def _hazard_row(fit, names, term, ci_level, status):
    row = _blank("hazard", term, status)
    if fit is None or not fit.ok:
        return row
    at = names.index(term)
    coef, se = fit.coef[at], float(np.sqrt(fit.cov[at, at]))
    z, narrow = stats.norm.ppf(0.5 + ci_level / 2) * se, stats.norm.ppf(0.95) * se
    row |= dict(coef=coef, estimate=coef, se=se, ci_lo=coef - z, ci_hi=coef + z, ci90_lo=coef - narrow, ci90_hi=coef + narrow)
    row |= dict(hazard_ratio=np.exp(coef), hazard_ratio_lo=np.exp(coef - z), hazard_ratio_hi=np.exp(coef + z))
    return row | {"p": float(2 * stats.norm.sf(abs(coef / se)))}


def _chances(fit, x, names, codes, horizon, most_since, ci_level, status, n):
    """Chances of leaving within the horizon after 0, 1 and 2 failures, and their differences."""
    present = [t for t in ("failures=1", "failures=2+") if t in names]
    settings = ["failures=0", *present]
    pairs = list(zip(settings[1:], settings[:-1]))
    blank = [_blank("chance", t, status) for t in settings] + [_blank("difference", f"{a} - {b}", status) for a, b in pairs]
    if fit is None or not fit.ok:
        return blank
    first = np.unique(codes, return_index=True)[1]
    base = x[first].copy()
    periods = _periods(x).astype(bool)
    base[:, periods] = x[:, periods].mean(axis=0)  # an average period
    base[:, [names.index(t) for t in (*present, "since") if t in names]] = 0

    def chance(params, term):
        rate = 0.0
        for step in range(horizon):
            now = base.copy()
            if term != "failures=0":
                now[:, names.index(term)] = 1
                if "since" in names:
                    now[:, names.index("since")] = min(step, most_since)
            rate = rate + np.exp(now @ params[: x.shape[1]])
        v = np.exp(params[-1]) if len(params) > x.shape[1] else 0.0
        stays = np.exp(-np.log1p(v * rate) / v) if v else np.exp(-rate)
        return float(1 - stays.mean())

    values = np.array([chance(fit.coef, t) for t in settings])
    gradient = np.array([_gradient(lambda p, t=t: chance(p, t), fit.coef) for t in settings])
    contrasts = [(np.eye(len(settings))[i], row) for i, row in enumerate(blank[: len(settings)])]
    for (a, b), row in zip(pairs, blank[len(settings) :]):
        contrasts.append((np.eye(len(settings))[settings.index(a)] - np.eye(len(settings))[settings.index(b)], row))
    for direction, row in contrasts:
        g, value = direction @ gradient, float(direction @ values)
        se = float(np.sqrt(g @ fit.cov @ g))
        z, narrow = stats.norm.ppf(0.5 + ci_level / 2) * se, stats.norm.ppf(0.95) * se
        row |= dict(estimate=value, se=se, ci_lo=value - z, ci_hi=value + z, ci90_lo=value - narrow, ci90_hi=value + narrow)
        if row["part"] == "chance":
            row |= {c: float(np.clip(row[c], 0, 1)) for c in ("ci_lo", "ci_hi", "ci90_lo", "ci90_hi")}
        else:
            row["p"] = float(2 * stats.norm.sf(abs(value / se))) if se > 0 else np.nan
    return blank


def _gradient(function, at, step=1e-5):
    return np.array([(function(at + step * e) - function(at - step * e)) / (2 * step) for e in np.eye(len(at))])

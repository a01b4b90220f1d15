"""The forms of the satisfaction-loyalty relation side by side: lines, curves, steps and bends (methods M06)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from delight.loyalty.bends import grid, hinge_search, search_bend
from delight.loyalty.fits import FEWEST, FINE, data_of, design, fit_form, is_fine, loss, solve
from delight.resample import generator
from delight.result import Result

#: Profile limit of a step: Hansen's (2000) 95 % point.
STEP_LIMIT = 7.35


def forms(
    frame,
    *,
    y,
    x,
    scales,
    covariates=(),
    turned=False,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=4999,
    folds=10,
    trim=0.10,
    fewest=FEWEST,
    seed=20250101,
):
    """Linear, quadratic, cubic, saturated, step and (fine scales) hinge forms of loyalty on satisfaction, side by side.

    Parameters
    ----------
    frame : pandas.DataFrame, one row a response; unchanged.
    y, x : str
        Loyalty outcome and satisfaction.
    scales : dict of column -> Scale
    covariates : sequence of str
        Held constant; text columns become dummies.
    turned : bool
        Turn the outcome (churn).
    n_boot : int
        Draws of the wild bootstrap of sup-F.
    folds : int
        Folds of the cross-validation, made afresh from `seed`; bends are searched again within every fold.
    trim, fewest : float, int
        Each side of a bend strictly holds at least max(`fewest`, `trim` of the answers).

    Returns
    -------
    Result
        A row per form: ``form, coef_s, se_s, coef_extra, se, ci_lo, ci_hi, p`` (HC3 or CR1; of the last extra term), ``tau, tau_lo, tau_hi,
        at_edge, set_lo, set_hi, set_identified`` (profile set; a step between grades is an interval such as ``[8,9)``), ``ssr`` (binary:
        deviance), ``r2, aic, cv_rmse, best_aic, best_cv``, for the hinge ``sup_f, p_boot, p_normal, wild_weights, bend`` (``accelerating``,
        ``saturating``, ``none``), ``n, n_missing, n_eff, status``. A bend at the first or last admissible point: ``edge``, no interval.
        A form that cannot be fitted stays with NaN.

    Notes
    -----
    AIC as R: Gaussian with the variance as a parameter, a searched bend as another. Satisfaction is centred in quadratic and cubic.
    Yes/no outcomes: logit deviance; sup-LR in place of sup-F, with a multiplier bootstrap of the scores.

    References
    ----------
    Hansen, B. E. (1996). Econometrica 64, 413-430; (2000) 68, 575-603. Hudson, D. J. (1966). JASA 61, 1097-1129. Finn, A. (2012). JSR 15(1).
    """
    data, z, notes = data_of(frame, y, x, scales, covariates, turned, weights, weights_kind, clusters)
    fine = is_fine(data.s, scales[x])
    meta = dict(outcome=y, satisfaction=x, turned=turned, covariates=list(covariates), clusters=clusters, ci_level=ci_level,
                n_boot=n_boot, folds=folds, seed=seed, binary=data.binary, fine=fine, keys=["outcome_role", "best_aic", "best_cv"], **data.meta)  # fmt: skip
    rows = _form_rows(data, z, fine, ci_level, n_boot, folds, trim, fewest, seed)
    table = pd.DataFrame(rows).assign(n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff)
    for best, by in (("best_aic", "aic"), ("best_cv", "cv_rmse")):
        table[best] = (table[by] == table[by].min()) & table[by].notna()
    if not len(data.y) or data.status(model=True) == "insufficient":
        keep = ("form", "n", "n_missing", "n_eff", "status", "wild_weights", "set_identified", "bend")
        table[[c for c in table if c not in keep]] = np.nan
        table = table.astype({"tau": float}).assign(status="insufficient", set_identified="", bend="")
    return Result.of("M06.forms", table, function="delight.loyalty.forms.forms", notes=notes, **meta)


def steps(
    frame, *, y, x, scales, covariates=(), turned=False, weights=None, weights_kind="sampling", clusters=None, ci_level=0.95, fewest=FEWEST
):
    """The step form at every place between two grades, and which places the data cannot tell from the best.

    Returns
    -------
    Result
        A row per place: ``place`` (``[8,9)``: any cut in it is the same to the data), ``from_grade, to_grade, coef, se, ci_lo, ci_hi, p, ssr,
        distance`` (n ln(SSR/SSR_min)), ``in_set`` (at most 7.35, Hansen 2000; conservative on grades), ``n_below, n_above, n, n_missing,
        n_eff, status``. Fewer than `fewest` on a side: ``insufficient``.
    """
    data, z, notes = data_of(frame, y, x, scales, covariates, turned, weights, weights_kind, clusters)
    rows = step_rows(data, z, ci_level, fewest)
    table = pd.DataFrame(rows).assign(n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff)
    return Result.of(
        "M06.steps", table, function="delight.loyalty.forms.steps", notes=notes, outcome=y, satisfaction=x, turned=turned,
        covariates=list(covariates), clusters=clusters, ci_level=ci_level, keys=["outcome_role", "place"], **data.meta,
    )  # fmt: skip


# ---- rows of the forms
def _form_rows(data, z, fine, ci_level, n_boot, folds, trim, fewest, seed):
    n, s = data.sample.n, data.s
    names = ["linear", "quadratic", "cubic", "saturated", "step", *(["hinge"] if fine else [])]
    if data.status(model=True) == "insufficient" or len(np.unique(data.y)) < 2:
        return [_blank_form(name, "degenerate" if n and len(np.unique(data.y)) < 2 else "insufficient") for name in names]
    centred = s - np.average(s, weights=data.w)
    levels = np.unique(np.floor(s + 0.5)) if fine else np.unique(s)
    at = np.floor(s + 0.5) if fine else s
    designs = {
        "linear": design(z, centred),
        "quadratic": design(z, centred, centred**2),
        "cubic": design(z, centred, centred**2, centred**3),
        "saturated": design(z, *[(at == g).astype(float) for g in levels[1:]]),
    }
    cuts = _folds(data, folds, seed)
    rows = []
    for name, x in designs.items():
        fit, row = fit_form(data, x, saturated=name == "saturated"), _blank_form(name, data.status(model=True))
        if not fit.ok:
            rows.append(row | {"status": "not_identified" if fit.model.aliased else "degenerate"})
            continue
        if name != "saturated":
            est, _ = fit.contrast(1, ci_level)
            row |= dict(coef_s=est.value, se_s=est.se)
        if name in ("quadratic", "cubic"):
            est, p = fit.contrast(2 if name == "quadratic" else 3, ci_level)
            row |= dict(coef_extra=est.value, se=est.se, ci_lo=est.lo, ci_hi=est.hi, p=p)
        row |= dict(ssr=fit.ssr, aic=fit.aic, r2=fit.r2, cv_rmse=_cv(data, lambda _train, x=x: x, cuts))
        rows.append(row)
    rows.append(_step_form(data, z, ci_level, fewest, cuts))
    if fine:
        hinge = search_bend(data, z, ci_level, n_boot, trim, fewest, seed)
        rows.append(hinge_row(data, z, hinge, cuts, trim, fewest))
    return rows


def _blank_form(form, status):
    numbers = (
        "coef_s",
        "se_s",
        "coef_extra",
        "se",
        "ci_lo",
        "ci_hi",
        "p",
        "tau",
        "tau_lo",
        "tau_hi",
        "set_lo",
        "set_hi",
        "ssr",
        "r2",
        "aic",
    )
    more = dict.fromkeys(("cv_rmse", "sup_f", "p_boot", "p_normal"), np.nan)
    return {"form": form, **dict.fromkeys(numbers, np.nan), **more, "at_edge": False, "set_identified": "", "wild_weights": "", "bend": "",
            "status": status}  # fmt: skip


def _step_form(data, z, ci_level, fewest, cuts):
    rows = step_rows(data, z, ci_level, fewest) if len(np.unique(data.s)) <= 2 * FINE else []
    known = [r for r in rows if np.isfinite(r["ssr"])]
    if not known:
        return _blank_form("step", "insufficient" if rows else "not_identified")
    best = min(known, key=lambda r: r["ssr"])
    fit = fit_form(data, design(z, data.s, (data.s >= best["to_grade"]).astype(float)))
    est, _ = fit.contrast(1, ci_level)

    def searched(rows):
        return design(z, data.s, (data.s >= _best_step(data, z, rows, [r["to_grade"] for r in known])).astype(float))

    inside = [r["place"] for r in known if r["in_set"]]
    return _blank_form("step", data.status(model=True)) | dict(
        coef_s=est.value, se_s=est.se, coef_extra=best["coef"], se=best["se"], ci_lo=best["ci_lo"], ci_hi=best["ci_hi"], p=best["p"],
        ssr=fit.ssr, aic=fit.aic + 2, r2=fit.r2, cv_rmse=_cv(data, searched, cuts), set_identified=" ".join(inside),
        tau=best["to_grade"], set_lo=min(r["from_grade"] for r in known if r["in_set"]),
        set_hi=max(r["to_grade"] for r in known if r["in_set"]),
    )  # fmt: skip


def _best_step(data, z, rows, places):
    """Best step on the training rows."""
    found = [(loss(data, design(z, data.s, (data.s >= k).astype(float)), rows), k) for k in places]
    return min(found)[1]


def hinge_row(data, z, h, cuts, trim, fewest):
    row = _blank_form("hinge", h.status)
    if not np.isfinite(h.tau):
        return row
    points = grid(data.s, data.w if data.kind == "frequency" else None, trim=trim, fewest=fewest)[::2]

    def searched(train):
        if data.binary:
            return design(z, data.s, np.maximum(data.s - h.tau, 0))
        used = train > 0
        ssr = hinge_search(data.y[used], data.s[used], z[used], train[used], points)[0]
        return design(z, data.s, np.maximum(data.s - points[np.argmin(ssr)], 0))

    fit = fit_form(data, design(z, data.s, np.maximum(data.s - h.tau, 0)))
    return row | dict(
        coef_s=h.coef_s, se_s=h.se_s, coef_extra=h.coef, se=h.se, ci_lo=h.lo, ci_hi=h.hi, p=h.p, tau=h.tau, tau_lo=h.tau_lo,
        tau_hi=h.tau_hi, at_edge=h.at_edge, set_lo=h.set_lo, set_hi=h.set_hi, set_identified=f"[{h.set_lo:.6g},{h.set_hi:.6g}]", ssr=h.ssr,
        aic=fit.aic + 2, r2=fit.r2, cv_rmse=_cv(data, searched, cuts), sup_f=h.sup_f, p_boot=h.p_boot, p_normal=h.p_normal,
        wild_weights="rademacher", bend=h.bend,
    )  # fmt: skip


# ---- the step between grades
def step_rows(data, z, ci_level, fewest):
    levels = np.unique(data.s)
    frequency = data.w if data.kind == "frequency" else np.ones(len(data.y))
    rows = []
    for low, high in zip(levels[:-1], levels[1:]):
        above = data.s >= high
        n_above, n_below = int(frequency[above].sum()), int(frequency[~above].sum())
        row = dict(place=f"[{low:g},{high:g})", from_grade=low, to_grade=high, n_below=n_below, n_above=n_above)
        row |= dict.fromkeys(("coef", "se", "ci_lo", "ci_hi", "p", "ssr"), np.nan)
        # beside the straight line the step needs two grades on either side of it
        free = len(levels) > 2 and min(n_above, n_below) >= fewest
        fit = fit_form(data, design(z, data.s, above.astype(float))) if free else None
        if fit is not None and fit.ok:
            est, p = fit.contrast(2, ci_level)
            row |= dict(coef=est.value, se=est.se, ci_lo=est.lo, ci_hi=est.hi, p=p, ssr=fit.ssr)
        rows.append(row | {"status": data.status(model=True) if np.isfinite(row["ssr"]) else "insufficient"})
    best = min((r["ssr"] for r in rows if np.isfinite(r["ssr"])), default=np.nan)
    for r in rows:
        r["distance"] = _distance(r["ssr"], best, data)
        r["in_set"] = bool(r["distance"] <= STEP_LIMIT) if np.isfinite(r["distance"]) else False
    columns = [
        "place",
        "from_grade",
        "to_grade",
        "coef",
        "se",
        "ci_lo",
        "ci_hi",
        "p",
        "ssr",
        "distance",
        "in_set",
        "n_below",
        "n_above",
        "status",
    ]
    return pd.DataFrame(rows, columns=columns).to_dict("records")


def _distance(ssr, best, data):
    """Likelihood-ratio distance of a bend from the best one."""
    return ssr - best if data.binary else data.sample.n * np.log(ssr / best) if best > 0 else np.nan


# ---- cross-validation
def _folds(data, folds, seed):
    """Fold weights: for every row, how much of its weight lies in each fold (frequency weights are dealt out answer by answer)."""
    rng = generator(seed, "M06.folds")
    n = data.sample.n
    fold = rng.permutation(n) % folds
    if data.kind != "frequency":
        return np.eye(folds)[fold] * data.w[:, None]
    row = np.repeat(np.arange(len(data.w)), data.w.astype(int))
    dealt = np.zeros((len(data.w), folds))
    np.add.at(dealt, (row, fold), 1.0)
    return dealt


def _cv(data, design, cuts):
    """Root mean squared error of prediction over the folds; `design(train weights)` may search its bend afresh."""
    total, weight = 0.0, cuts.sum()
    for fold in cuts.T:
        train = cuts.sum(axis=1) - fold
        x = design(train)
        line = x @ solve(data, x, train)
        predicted = expit(line) if data.binary else line
        seen = data.y > data.y.min() if data.binary else data.y
        total += float(fold @ (seen - predicted) ** 2)
    return float(np.sqrt(total / weight))

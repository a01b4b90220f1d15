"""Where loyalty bends: the forms of the satisfaction-loyalty relation, and the test of the rule of 8.5 (methods M06)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, log_expit

from delight import logit
from delight.errors import InputError
from delight.estimate import base_status, fit_linear, need_columns
from delight.loyalty.answers import fit_answers
from delight.loyalty.outcome import prepare
from delight.loyalty.regression import _design
from delight.resample import generator
from delight.result import Note, Result

#: The published rule, and the grades around it.
RULE, AROUND = 8.5, (7, 8, 9)
#: Answers needed at 7, 8 and 9, and on either side of a bend.
FEWEST = 25
#: Share of loyalty answers at the maximum from which the ordered logit must agree.
BOUNDED = 0.20
#: Distinct satisfaction values from which a hinge is looked for.
FINE = 20
#: Profile limits: chi-square with one degree of freedom (hinge) and Hansen's (2000) 95 % point (step).
HINGE_LIMIT, STEP_LIMIT = stats.chi2.ppf(0.95, 1), 7.35


# ---- the forms, side by side
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
    data, z, notes = _data(frame, y, x, scales, covariates, turned, weights, weights_kind, clusters)
    fine = _is_fine(data.s, scales[x])
    meta = dict(outcome=y, satisfaction=x, turned=turned, covariates=list(covariates), clusters=clusters, ci_level=ci_level,
                n_boot=n_boot, folds=folds, seed=seed, binary=data.binary, fine=fine, keys=["outcome_role", "best_aic", "best_cv"], **data.sample.meta)  # fmt: skip
    rows = _form_rows(data, z, fine, ci_level, n_boot, folds, trim, fewest, seed)
    table = pd.DataFrame(rows).assign(n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff)
    for best, by in (("best_aic", "aic"), ("best_cv", "cv_rmse")):
        table[best] = (table[by] == table[by].min()) & table[by].notna()
    if not len(data.y) or base_status(data.sample.n, model=True) == "insufficient":
        keep = ("form", "n", "n_missing", "n_eff", "status", "wild_weights", "set_identified", "bend")
        table[[c for c in table if c not in keep]] = np.nan
        table = table.astype({"tau": float}).assign(status="insufficient", set_identified="", bend="")
    return Result.of("M06.forms", table, function="delight.loyalty.threshold.forms", notes=notes, **meta)


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
    data, z, notes = _data(frame, y, x, scales, covariates, turned, weights, weights_kind, clusters)
    rows = _step_rows(data, z, ci_level, fewest)
    table = pd.DataFrame(rows).assign(n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff)
    return Result.of(
        "M06.steps", table, function="delight.loyalty.threshold.steps", notes=notes, outcome=y, satisfaction=x, turned=turned,
        covariates=list(covariates), clusters=clusters, ci_level=ci_level, keys=["outcome_role", "place"], **data.sample.meta,
    )  # fmt: skip


# ---- the rule
def rule(
    frame,
    *,
    y,
    x,
    scales,
    covariates=(),
    turned=False,
    bend=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=4999,
    trim=0.10,
    fewest=FEWEST,
    seed=20250101,
):
    """Does loyalty rise faster above 8.5? The local contrast D = (m9 - m8) - (m8 - m7), with a verdict.

    Parameters
    ----------
    frame, y, x, scales, covariates, turned : as `forms`
    bend : float, optional
        A contrast worth finding, for the number of answers needed; default .10 for yes/no outcomes, .5 on 0-10 and 1-10.
    n_boot, trim, fewest, seed : as `forms`, for a fine satisfaction scale.

    Returns
    -------
    Result
        A row per grade: ``grade, n, mean, ci_lo, ci_hi`` (adjusted for the covariates at their means), the second difference centred at
        the grade on the outcome's scale ``d_local, d_se, d_lo, d_hi, d_p`` and on the latent scale of the ordered logit ``d_latent,
        d_latent_se, d_latent_lo, d_latent_hi, d_latent_p`` (grades 6-9), ``share_max, verdict`` (at grade 8), ``n_total, n_missing, n_eff,
        status``. ``meta``: ``verdict`` (``supported, contradicted, inconclusive, insufficient, not_identified``), ``flags``, ``n_around``
        (answers at 7, 8, 9), ``d`` and ``d_latent`` with limits, ``n_needed`` for 80 % power at ``bend``, ``detectable`` (contrast found with
        80 % power), on fine scales ``hinge``.

    Notes
    -----
    Grades: supported if the lower limit of D lies above 0, contradicted if the upper lies below, insufficient with fewer than 25 answers at
    7, 8 or 9. More than 20 % of the outcome at its maximum: flag ``bounded_outcome``, and the ordered logit (sparse grades up to 6 merged)
    must agree in sign and significance. Fine scales: supported if the hinge accelerates, its profile set holds 8.5 and is at most 1.5 wide.
    Satisfaction on another scale than 0-10 or 1-10 cannot test the rule: ``not_identified``. Latent standard errors come from the
    observed information, with sampling weights or clusters from the sandwich.

    References
    ----------
    Finn, A. (2012). JSR 15(1), 99-110. Streukens, S. & de Ruyter, K. (2004). Marketing Letters 15, 99-111.
    """
    data, z, notes = _data(frame, y, x, scales, covariates, turned, weights, weights_kind, clusters)
    scale, fine = scales[x], _is_fine(data.s, scales[x])
    testable = (scale.min, scale.max) in ((0, 10), (1, 10)) and (scale.step == 1 or fine)
    grades = np.floor(data.s + 0.5) if testable else data.s
    frequency = data.w if data.kind == "frequency" else np.ones(len(data.y))
    share_max = float(np.average(data.y >= data.top, weights=data.w)) if len(data.y) else np.nan
    around = {g: int(frequency[grades == g].sum()) for g in AROUND} if testable else {}
    local = _saturated(data, z, grades, ci_level)
    table, d, contrast = _grade_table(data, z, grades, local, ci_level, latent=testable, share_max=share_max)
    flags = ["bounded_outcome"] if testable and share_max > BOUNDED else []
    latent = d.get("latent")
    hinge = None
    if not testable:
        verdict, d = "not_identified", {}
    elif min(around.values()) < fewest or base_status(data.sample.n, model=True) == "insufficient":
        verdict = "insufficient"
    elif fine:
        hinge = _hinge(data, z, ci_level, n_boot, trim, fewest, seed)
        verdict, more = _fine_verdict(data, z, hinge, d["local"], latent, bool(flags), ci_level)
        flags += more
    else:
        verdict = _sign(d["local"])
        if flags and (verdict == "inconclusive" or _sign(latent) != verdict):
            verdict = "inconclusive"
    if not testable:
        notes = [*notes, Note("scale_cannot_test", {"scale": scale.as_dict(), "rule": RULE})]
    table["verdict"] = np.where(table["grade"] == AROUND[1], verdict, "")
    bend = (0.10 if data.binary else 0.5) if bend is None else bend
    meta = dict(
        outcome=y, satisfaction=x, turned=turned, covariates=list(covariates), clusters=clusters, ci_level=ci_level, binary=data.binary,
        fine=fine, verdict=verdict, flags=flags, n_around=around, share_max=share_max, bend=bend, rule=RULE, fewest=fewest,
        satisfaction_scale=scale, scale=scales[y], keys=["outcome_role"],
        d=_as_dict(d.get("local"), d.get("p")), d_latent=_as_dict(latent, d.get("latent_p")), hinge=hinge.as_dict() if hinge else None, seed=seed, n_boot=n_boot,
        **_needed(data, contrast, around, bend, fewest), **data.sample.meta,
    )  # fmt: skip
    status = {"insufficient": "insufficient", "not_identified": "not_identified"}.get(verdict, "edge" if "edge" in flags else "ok")
    return Result.of("M06", table, function="delight.loyalty.threshold.rule", notes=notes, status=status, **meta)


# ---- data
def _data(frame, y, x, scales, covariates, turned, weights, weights_kind, clusters):
    need_columns(frame, [y, x, *covariates])
    if y in covariates or x in covariates or y == x:
        raise InputError("Outcome, satisfaction and covariates must be different columns.")
    data = prepare(
        frame, y=y, x=x, scales=scales, others=covariates, weights=weights, weights_kind=weights_kind, clusters=clusters, turned=turned
    )
    design = _design(data, x, None, (), (), covariates)
    z = design.x.drop(columns=[x], errors="ignore").to_numpy(dtype=float)
    notes = list(design.notes)
    return data, z - (np.average(z, axis=0, weights=data.w) if len(z) else 0), notes


def _is_fine(s, scale):
    """Whether satisfaction has enough distinct values for a hinge (a mean of items; never whole grades)."""
    return scale.step != 1 and len(np.unique(np.round(s, 9))) >= FINE


def _with(z, *columns):
    """Design: constant, the given columns, covariates."""
    return np.column_stack([np.ones(len(z)), *columns, z])


# ---- grades
@dataclass(frozen=True)
class _Saturated:
    grades: np.ndarray
    fit: object
    n: list


def _saturated(data, z, grades, ci_level):
    levels = np.unique(grades)
    frequency = data.w if data.kind == "frequency" else np.ones(len(data.y))
    x = np.column_stack([grades[:, None] == levels[None, :], z]).astype(float)
    fit = fit_linear(data.y, x, data.w, kind=data.kind, clusters=data.clusters) if len(data.y) else None
    return _Saturated(levels, fit, [int(frequency[grades == g].sum()) for g in levels])


def _second(levels, centre, size):
    """Direction of m(g+1) - 2 m(g) + m(g-1) among the saturated coefficients, or None."""
    where = {float(g): i for i, g in enumerate(levels)}
    if not all(g in where for g in (centre - 1, centre, centre + 1)):
        return None
    direction = np.zeros(size)
    direction[[where[centre - 1], where[centre], where[centre + 1]]] = 1, -2, 1
    return direction


def _grade_table(data, z, grades, local, ci_level, *, latent, share_max):
    """Rows of the result; the contrast at 8 on both scales; what the number needed rests on."""
    rows, found, contrast = [], {}, None
    known = local.fit is not None and not np.isnan(local.fit.coef).any()
    lo, hi = local.fit.interval(ci_level) if known else (None, None)
    answers = _latent(data, z, grades) if latent and known else None
    for i, (g, n) in enumerate(zip(local.grades, local.n)):
        row = dict(grade=float(g), n=n, mean=np.nan, ci_lo=np.nan, ci_hi=np.nan)
        row |= dict.fromkeys(("d_local", "d_se", "d_lo", "d_hi", "d_p"), np.nan)
        row |= dict.fromkeys(("d_latent", "d_latent_se", "d_latent_lo", "d_latent_hi", "d_latent_p"), np.nan)
        if known:
            row |= dict(mean=local.fit.coef[i], ci_lo=lo[i] if n > 1 else np.nan, ci_hi=hi[i] if n > 1 else np.nan)
            direction = _second(local.grades, g, len(local.fit.coef)) if 6 <= g <= 9 and latent else None
            if direction is not None and min(local.n[j] for j in np.flatnonzero(direction)) > 1:
                est, p = local.fit.contrast(direction, ci_level)
                row |= dict(d_local=est.value, d_se=est.se, d_lo=est.lo, d_hi=est.hi, d_p=p)
                if g == AROUND[1]:
                    found["local"], found["p"], contrast = est, p, (direction, local)
                pair = answers(g, ci_level) if answers else None
                if pair is not None:
                    est, p = pair
                    row |= dict(d_latent=est.value, d_latent_se=est.se, d_latent_lo=est.lo, d_latent_hi=est.hi, d_latent_p=p)
                    if g == AROUND[1]:
                        found["latent"], found["latent_p"] = est, p
        rows.append(row | dict(share_max=share_max, status=base_status(n)))
    columns = ["grade", "n", "mean", "ci_lo", "ci_hi", "d_local", "d_se", "d_lo", "d_hi", "d_p", "d_latent", "d_latent_se"]
    table = pd.DataFrame(rows, columns=[*columns, "d_latent_lo", "d_latent_hi", "d_latent_p", "share_max", "status"])
    return table.assign(n_total=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff), found, contrast


def _latent(data, z, grades):
    """Second differences of the grade dummies of an ordered logit; None where the fit fails or the outcome has no few grades."""
    if len(np.unique(data.y)) > FINE:
        return None
    merged = _merge_sparse(grades, data.w if data.kind == "frequency" else np.ones(len(grades)))
    apart = _one_ended(data.y, merged)
    data, z, grades, merged = _part(data, ~apart), z[~apart], grades[~apart], merged[~apart]
    levels = np.unique(merged)
    if len(levels) < 3 or AROUND[1] not in levels:
        return None
    used = [g for g in levels if g != AROUND[1]]
    x = np.column_stack([merged[:, None] == np.array(used)[None, :], z]).astype(float)
    cov = "observed" if data.equal_weights else "robust"
    fit = fit_answers(data.y, x, data.w, kind=data.kind, clusters=data.clusters, cov=cov, firth=False)
    if fit.status != "ok":
        return None

    def contrast(g, ci_level):
        direction = _second(levels, g, len(levels))
        if direction is None or (g - 1 <= 6 and np.any(grades[merged == g - 1] != g - 1)):
            return None  # a merged group is no grade
        full = np.zeros(len(fit.beta))
        full[: len(used)] = np.delete(direction, np.flatnonzero(levels == AROUND[1]))
        return fit.contrast(full, ci_level)

    return contrast


def _merge_sparse(grades, frequency, fewest=5):
    """Grades up to 6 with fewer than `fewest` answers join the next one up."""
    merged = grades.copy()
    for g in np.unique(grades):
        if g < 6 and frequency[merged == g].sum() < fewest:
            above = np.unique(merged[merged > g])
            merged[merged == g] = above[0] if len(above) and above[0] <= 6 else g
    return merged


def _one_ended(y, grades):
    """Answers at grades other than 7, 8 and 9 that all stand at one end of the outcome: there the odds have no value, and nothing hangs on them."""
    apart = np.zeros(len(y), bool)
    for g in [g for g in np.unique(grades) if g not in AROUND]:
        here = grades == g
        apart |= here & (np.all(y[here] == y.max()) or np.all(y[here] == y.min()))
    return apart


def _part(data, keep):
    """The rows kept, for a fit that needs only outcome, weights and clusters."""
    clusters = None if data.clusters is None else data.clusters[keep]
    kept = replace(data.sample, frame=data.sample.frame[keep], w=data.sample.w[keep])
    return replace(data, sample=kept, y=data.y[keep], s=data.s[keep], clusters=clusters)


def _sign(estimate):
    if estimate is None or not np.isfinite(estimate.lo):
        return "inconclusive"
    return "supported" if estimate.lo > 0 else "contradicted" if estimate.hi < 0 else "inconclusive"


def _as_dict(estimate, p):
    return None if estimate is None else dict(value=estimate.value, se=estimate.se, lo=estimate.lo, hi=estimate.hi, p=p)


def _needed(data, contrast, around, bend, fewest):
    """Answers needed in all: for 80 % power at `bend` with these shares and this spread, and for the base at 7, 8 and 9."""
    n = data.sample.n
    power = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    out = {"n_needed": None, "detectable": None, "n_needed_base": None}
    if around and n:
        least = min(around.values())
        out["n_needed_base"] = int(np.ceil(n * fewest / least)) if 0 < least < fewest else (None if least == 0 else n)
    if contrast:
        direction, local = contrast
        se = float(np.sqrt(max(direction @ local.fit.cov @ direction, 0)))
        if np.isfinite(se):  # one cluster has no standard error
            out |= {"detectable": power * se, "n_needed": int(np.ceil(n * (power * se / bend) ** 2))}
    return out


# ---- the step between grades
def _step_rows(data, z, ci_level, fewest):
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
        fit = _fit(data, _with(z, data.s, above.astype(float))) if free else None
        if fit is not None and fit.ok:
            est, p = fit.contrast(2, ci_level)
            row |= dict(coef=est.value, se=est.se, ci_lo=est.lo, ci_hi=est.hi, p=p, ssr=fit.ssr)
        rows.append(row | {"status": "ok" if np.isfinite(row["ssr"]) else "insufficient"})
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


# ---- fits in common terms
@dataclass(frozen=True)
class _Fit:
    """One form: SSR or deviance, AIC, coefficients and predictions, linear or logit."""

    ok: bool
    ssr: float
    aic: float
    r2: float
    model: object

    def contrast(self, at, ci_level):
        size = len(self.model.coef)
        return self.model.contrast(np.eye(size)[at], ci_level)


def _fit(data, x, *, saturated=False):
    n = data.sample.n
    if data.binary and saturated:  # a grade where all answered alike has no odds, but its deviance is 0
        deviance = _loss(data, x, data.w)
        null = _loss(data, x[:, :1], data.w)
        return _Fit(bool(np.isfinite(deviance)), deviance, deviance + 2 * x.shape[1], 1 - deviance / null, None)
    if data.binary:
        fit = logit.fit_logit(data.y > data.y.min(), x, data.w, kind=data.kind, clusters=data.clusters)
        deviance = -2 * fit.ll
        return _Fit(fit.usable, deviance, deviance + 2 * x.shape[1], fit.mcfadden_r2, fit)
    fit = fit_linear(data.y, x, data.w, kind=data.kind, clusters=data.clusters)
    ok = bool(not fit.aliased and fit.ssr > 0 and np.isfinite(fit.ssr))
    aic = n * (np.log(2 * np.pi * fit.ssr / n) + 1) + 2 * (x.shape[1] + 1) if ok else np.nan
    return _Fit(ok, fit.ssr, aic, fit.r2, fit)


# ---- rows of the forms
def _form_rows(data, z, fine, ci_level, n_boot, folds, trim, fewest, seed):
    n, s = data.sample.n, data.s
    names = ["linear", "quadratic", "cubic", "saturated", "step", *(["hinge"] if fine else [])]
    if base_status(n, model=True) == "insufficient" or len(np.unique(data.y)) < 2:
        return [_blank_form(name, "degenerate" if n and len(np.unique(data.y)) < 2 else "insufficient") for name in names]
    centred = s - np.average(s, weights=data.w)
    levels = np.unique(np.floor(s + 0.5)) if fine else np.unique(s)
    at = np.floor(s + 0.5) if fine else s
    designs = {
        "linear": _with(z, centred),
        "quadratic": _with(z, centred, centred**2),
        "cubic": _with(z, centred, centred**2, centred**3),
        "saturated": _with(z, *[(at == g).astype(float) for g in levels[1:]]),
    }
    cuts = _folds(data, folds, seed)
    rows = []
    for name, x in designs.items():
        fit, row = _fit(data, x, saturated=name == "saturated"), _blank_form(name, "ok")
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
        hinge = _hinge(data, z, ci_level, n_boot, trim, fewest, seed)
        rows.append(_hinge_form(data, z, hinge, cuts, trim, fewest))
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
    rows = _step_rows(data, z, ci_level, fewest) if len(np.unique(data.s)) <= 2 * FINE else []
    known = [r for r in rows if np.isfinite(r["ssr"])]
    if not known:
        return _blank_form("step", "insufficient" if rows else "not_identified")
    best = min(known, key=lambda r: r["ssr"])
    fit = _fit(data, _with(z, data.s, (data.s >= best["to_grade"]).astype(float)))
    est, _ = fit.contrast(1, ci_level)

    def search(rows):
        return _with(z, data.s, (data.s >= _best_step(data, z, rows, [r["to_grade"] for r in known])).astype(float))

    inside = [r["place"] for r in known if r["in_set"]]
    return _blank_form("step", "ok") | dict(
        coef_s=est.value, se_s=est.se, coef_extra=best["coef"], se=best["se"], ci_lo=best["ci_lo"], ci_hi=best["ci_hi"], p=best["p"],
        ssr=fit.ssr, aic=fit.aic + 2, r2=fit.r2, cv_rmse=_cv(data, search, cuts), set_identified=" ".join(inside),
        tau=best["to_grade"], set_lo=min(r["from_grade"] for r in known if r["in_set"]),
        set_hi=max(r["to_grade"] for r in known if r["in_set"]),
    )  # fmt: skip


def _best_step(data, z, rows, places):
    """Best step on the training rows."""
    found = [(_loss(data, _with(z, data.s, (data.s >= k).astype(float)), rows), k) for k in places]
    return min(found)[1]


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


def _solve(data, x, w):
    """Coefficients with weights `w`: least squares, or a ridge-free logit by a few Newton steps."""
    used = w > 0
    if not data.binary:
        root = np.sqrt(w[used])[:, None]
        return np.linalg.lstsq(x[used] * root, data.y[used] * root[:, 0], rcond=None)[0]
    y, x, w = (data.y > data.y.min())[used].astype(float), x[used], w[used]
    coef = np.zeros(x.shape[1])
    for _ in range(25):
        p = expit(x @ coef)
        information = (x * (w * np.maximum(p * (1 - p), 1e-10))[:, None]).T @ x
        step = np.linalg.lstsq(information, x.T @ (w * (y - p)), rcond=None)[0]
        coef = coef + np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-8:
            break
    return coef


def _loss(data, x, w):
    """SSR or deviance of the best fit with weights `w`."""
    line = x @ _solve(data, x, w)
    if not data.binary:
        return float(w @ (data.y - line) ** 2)
    return float(-2 * w @ np.where(data.y > data.y.min(), log_expit(line), log_expit(-line)))


def _cv(data, design, cuts):
    """Root mean squared error of prediction over the folds; `design(train weights)` may search its bend afresh."""
    total, weight = 0.0, cuts.sum()
    for fold in cuts.T:
        train = cuts.sum(axis=1) - fold
        x = design(train)
        line = x @ _solve(data, x, train)
        predicted = expit(line) if data.binary else line
        seen = data.y > data.y.min() if data.binary else data.y
        total += float(fold @ (seen - predicted) ** 2)
    return float(np.sqrt(total / weight))


# ---- the hinge on fine scales
@dataclass(frozen=True)
class Hinge:
    """A searched bend: where, how strong, and whether there is one."""

    tau: float = np.nan
    tau_lo: float = np.nan
    tau_hi: float = np.nan
    set_lo: float = np.nan
    set_hi: float = np.nan
    at_edge: bool = False
    coef_s: float = np.nan
    se_s: float = np.nan
    coef: float = np.nan
    se: float = np.nan
    lo: float = np.nan
    hi: float = np.nan
    p: float = np.nan
    ssr: float = np.nan
    ssr_linear: float = np.nan
    sup_f: float = np.nan
    p_boot: float = np.nan
    p_normal: float = np.nan
    bend: str = ""
    status: str = "insufficient"

    def as_dict(self):
        return {k: getattr(self, k) for k in self.__dataclass_fields__}


def grid(s, w=None, *, trim=0.10, fewest=FEWEST, most=200):
    """Admissible bends: the distinct values and the midpoints between them with max(fewest, trim) answers strictly on each side."""
    w = np.ones(len(s)) if w is None else w
    values = np.unique(s)
    points = np.unique(np.concatenate([values, (values[:-1] + values[1:]) / 2]))
    order = np.argsort(s)
    total = np.concatenate([[0.0], np.cumsum(w[order])])
    below = total[np.searchsorted(s[order], points, side="left")]
    above = total[-1] - total[np.searchsorted(s[order], points, side="right")]
    need = max(fewest, trim * total[-1])
    points = points[(below >= need) & (above >= need)]
    if len(points) > most:
        points = points[np.unique(np.linspace(0, len(points) - 1, most).round().astype(int))]
    return points


def hinge_search(y, s, z, w, points):
    """SSR of the hinge at every point, and of the straight line: (ssr array, ssr_linear), by partial regression."""
    root = np.sqrt(w)
    q, _ = np.linalg.qr(_with(z, s) * root[:, None])
    resid = root * y - q @ (q.T @ (root * y))
    h = np.maximum(s[:, None] - points[None, :], 0) * root[:, None]
    h -= q @ (q.T @ h)
    size = np.maximum((h**2).sum(axis=0), 1e-300)
    base = float(resid @ resid)
    return base - (h.T @ resid) ** 2 / size, base, h / np.sqrt(size), resid, q


def refine(y, s, z, w, tau, points):
    """Exact best bend near `tau`: between two neighbouring values the best hinge is two free lines that meet (Hudson 1966)."""
    values = np.unique(s)
    at = int(np.searchsorted(values, tau))
    best = (float(hinge_search(y, s, z, w, np.array([tau]))[0][0]), float(tau))
    for i in range(max(at - 3, 0), min(at + 3, len(values) - 1)):
        above = (s > values[i]).astype(float)
        root = np.sqrt(w)
        x = _with(z, s, above, above * s)
        coef = np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
        meet = -coef[2] / coef[3] if coef[3] else np.nan
        for t in {values[i], values[i + 1], meet}:
            if values[i] <= t <= values[i + 1] and points[0] <= t <= points[-1]:
                ssr = float(hinge_search(y, s, z, w, np.array([t]))[0][0])
                best = min(best, (ssr, float(t)))
    return best


def _hinge(data, z, ci_level, n_boot, trim, fewest, seed):
    y, s, w = data.y, data.s, data.w
    points = grid(s, w if data.kind == "frequency" else None, trim=trim, fewest=fewest)
    n = data.sample.n
    if len(points) < 3:
        return Hinge()
    if data.binary:
        ssr = np.array([_fit(data, _with(z, s, np.maximum(s - t, 0))).ssr for t in points])
        linear = _fit(data, _with(z, s)).ssr
    else:
        ssr, linear, *_ = hinge_search(y, s, z, w, points)
    if not np.isfinite(ssr).all() or not ssr.min() > 0:
        return Hinge(status="degenerate")
    best = int(np.argmin(ssr))
    edge = best in (0, len(points) - 1)
    tau, low = points[best], float(ssr[best])
    if not edge and not data.binary:
        low, tau = refine(y, s, z, w, tau, points)
    distance = ssr - low if data.binary else n * np.log(ssr / low)
    inside = points[distance <= HINGE_LIMIT]
    fit = _fit(data, _with(z, s, np.maximum(s - tau, 0)))
    slope, _ = fit.contrast(1, ci_level)
    est, p = fit.contrast(2, ci_level)
    sup = linear - ssr.min() if data.binary else (linear - ssr.min()) / (ssr.min() / (n - z.shape[1] - 3))
    p_rademacher, p_normal = _wild(data, z, points, sup, n_boot, seed)
    bend = "none" if p_rademacher > 0.05 else "accelerating" if est.lo > 0 else "saturating" if est.hi < 0 else "none"
    limits = (np.nan, np.nan) if edge else (float(inside.min()), float(inside.max()))
    return Hinge(
        float(tau), *limits, float(inside.min()), float(inside.max()), edge, slope.value, slope.se, est.value, est.se, est.lo, est.hi, p,
        low if not edge else float(ssr[best]), float(linear), float(sup), p_rademacher, p_normal, bend, "edge" if edge else "ok",
    )  # fmt: skip


def _wild(data, z, points, sup, n_boot, seed, chunk=250):
    """p of sup-F by the wild bootstrap under the straight line, with Rademacher and with normal multipliers (whole clusters together).

    Yes/no outcomes: multiplier bootstrap of the score statistics under the logit line; `sup` is then the score version's own supremum.
    """
    y, s, w, n = data.y, data.s, data.w, data.sample.n
    if data.kind == "frequency":
        times = w.astype(int)
        y, s, z, w = np.repeat(y, times), np.repeat(s, times), np.repeat(z, times, axis=0), np.ones(int(w.sum()))
    groups = np.unique(data.clusters, return_inverse=True)[1] if data.clusters is not None else None
    if groups is not None and data.kind == "frequency":
        groups = np.repeat(groups, data.w.astype(int))
    if data.binary:
        h, resid, spread = _score_parts(y, s, z, w, points)
        seen = np.max((h.T @ resid) ** 2 / spread)
    else:
        _, _, h, resid, q = hinge_search(y, s, z, w, points)
        seen = sup
    free = n - z.shape[1] - 3
    rng = generator(seed, "M06.wild")
    out = []
    for kind in ("rademacher", "normal"):
        hits = 0
        for start in range(0, n_boot, chunk):
            size = min(chunk, n_boot - start)
            count = groups.max() + 1 if groups is not None else len(y)
            xi = rng.choice([-1.0, 1.0], size=(size, count)) if kind == "rademacher" else rng.standard_normal((size, count))
            e = resid[:, None] * (xi[:, groups] if groups is not None else xi).T
            top = (h.T @ e) ** 2
            if data.binary:
                draws = np.max(top / spread[:, None], axis=0)
            else:
                base = (e**2).sum(axis=0) - ((q.T @ e) ** 2).sum(axis=0)
                draws = np.max(top / (base - top), axis=0) * free
            hits += int((draws >= seen - 1e-12).sum())
        out.append((hits + 1) / (n_boot + 1))
    return tuple(out)


def _score_parts(y, s, z, w, points):
    """Hinges made orthogonal to the logit line, its weighted residuals, and the variance of each score."""
    x, high = _with(z, s), (y > y.min()).astype(float)
    chance = expit(x @ logit.fit_logit(high, x, w, kind="sampling").coef)
    root = np.sqrt(w * chance * (1 - chance))
    q, _ = np.linalg.qr(x * root[:, None])
    h = np.maximum(s[:, None] - points[None, :], 0)
    rest = h * root[:, None]
    rest -= q @ (q.T @ rest)
    h = rest / np.maximum(root, 1e-12)[:, None]
    resid = w * (high - chance)
    return h, resid, np.maximum(((h * resid[:, None]) ** 2).sum(axis=0), 1e-300)


def _hinge_form(data, z, h, cuts, trim, fewest):
    row = _blank_form("hinge", h.status)
    if not np.isfinite(h.tau):
        return row
    points = grid(data.s, data.w if data.kind == "frequency" else None, trim=trim, fewest=fewest)[::2]

    def search(train):
        if data.binary:
            return _with(z, data.s, np.maximum(data.s - h.tau, 0))
        used = train > 0
        ssr = hinge_search(data.y[used], data.s[used], z[used], train[used], points)[0]
        return _with(z, data.s, np.maximum(data.s - points[np.argmin(ssr)], 0))

    fit = _fit(data, _with(z, data.s, np.maximum(data.s - h.tau, 0)))
    return row | dict(
        coef_s=h.coef_s, se_s=h.se_s, coef_extra=h.coef, se=h.se, ci_lo=h.lo, ci_hi=h.hi, p=h.p, tau=h.tau, tau_lo=h.tau_lo,
        tau_hi=h.tau_hi, at_edge=h.at_edge, set_lo=h.set_lo, set_hi=h.set_hi, set_identified=f"[{h.set_lo:.6g},{h.set_hi:.6g}]", ssr=h.ssr,
        aic=fit.aic + 2, r2=fit.r2, cv_rmse=_cv(data, search, cuts), sup_f=h.sup_f, p_boot=h.p_boot, p_normal=h.p_normal,
        wild_weights="rademacher", bend=h.bend,
    )  # fmt: skip


def _fine_verdict(data, z, hinge, local, latent, bounded, ci_level):
    """Verdict and flags of the rule on a fine scale."""
    flags = ["edge"] if hinge.at_edge else []
    if hinge.bend == "accelerating" and not hinge.at_edge and hinge.tau_lo <= RULE <= hinge.tau_hi:
        if hinge.tau_hi - hinge.tau_lo > 1.5:
            return "inconclusive", [*flags, "wide_interval"]
        if not bounded or data.binary or _sign(_latent_hinge(data, z, hinge.tau, ci_level)) == "supported":
            return "supported", flags
        return "inconclusive", flags
    if _sign(local) == "contradicted" and (not bounded or _sign(latent) == "contradicted"):
        return "contradicted", flags
    return "inconclusive", flags


def _latent_hinge(data, z, tau, ci_level):
    """The bend of the hinge at `tau` in an ordered logit, or None."""
    if len(np.unique(data.y)) > FINE:
        return None
    cov = "observed" if data.equal_weights else "robust"
    x = np.column_stack([data.s, np.maximum(data.s - tau, 0), z])
    fit = fit_answers(data.y, x, data.w, kind=data.kind, clusters=data.clusters, cov=cov, firth=False)
    return fit.contrast(np.eye(x.shape[1])[1], ci_level)[0] if fit.status == "ok" else None

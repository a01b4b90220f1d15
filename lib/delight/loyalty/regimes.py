"""The satisfaction-loyalty relation where customers are free to choose and where they are not, and the zones it falls into (methods M19)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from delight.errors import InputError
from delight.estimate import fit_linear, mean, need_columns
from delight.loyalty.fits import FEWEST, FINE, data_of, design, fit_form
from delight.loyalty.forms import STEP_LIMIT, forms
from delight.result import Note, Result

#: Zones of Heskett et al. (1994), from low to high.
ZONES = ("defection", "indifference", "affection")


def regimes(
    frame,
    *,
    y,
    x,
    by,
    scales,
    delight_from=None,
    covariates=(),
    turned=False,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=999,
    folds=10,
    seed=20250101,
):
    """The forms of `forms` in every competition regime, and whether the regimes differ.

    Parameters
    ----------
    frame, y, x, scales, covariates, turned, weights, weights_kind, clusters, ci_level, n_boot, folds, seed : as `forms.forms`
    by : str
        Regime, market or group of each response.
    delight_from : float, optional
        Adds the step of delight to the test: does delight bind more in one regime than in another?

    Returns
    -------
    Result
        The rows of `forms.forms` for every group (``by, group`` before them), n counted in the group; and one row a group with ``form`` =
        ``moderation``: its slope ``coef_s, se_s`` and, with `delight_from`, its step ``coef_extra`` with limits. ``meta["test"]``: F,
        degrees of freedom and p of "slopes and steps are the same in every group" (robust Wald); groups with fewer than 30 answers stay out.

    References
    ----------
    Jones, T. O. & Sasser, W. E. (1995). HBR 73(6), 88-99.
    """
    need_columns(frame, [by, y, x, *covariates])
    options = dict(y=y, x=x, scales=scales, covariates=covariates, turned=turned, weights=weights, weights_kind=weights_kind,
                   clusters=clusters, ci_level=ci_level)  # fmt: skip
    groups = sorted(frame[by].dropna().unique(), key=str)
    if not groups:
        raise InputError(f"Column '{by}' names no group.")
    tables = [forms(frame[frame[by] == g], **options, n_boot=n_boot, folds=folds, seed=seed).table.assign(by=by, group=g) for g in groups]
    kept = frame[frame[by].notna()]
    data, z, notes = data_of(kept, y, x, scales, covariates, turned, weights, weights_kind, clusters)
    which = data.sample.frame[by].to_numpy()
    test, rows = _moderation(data, z, which, groups, delight_from, ci_level)
    table = pd.concat([*tables, pd.DataFrame(rows).assign(by=by, n_missing=np.nan)], ignore_index=True)
    return Result.of(
        "M19.regimes", table[["by", "group", *[c for c in table if c not in ("by", "group")]]], function="delight.loyalty.regimes.regimes",
        notes=notes, outcome=y, satisfaction=x, by=by, turned=turned, delight_from=delight_from, covariates=list(covariates),
        clusters=clusters, ci_level=ci_level, seed=seed, test=test, binary=data.binary, keys=["outcome_role", "group", "form"],
        **data.meta,
    )  # fmt: skip


def _moderation(data, z, which, groups, delight_from, ci_level):
    """The joint test of equal slopes and steps, and each group's own."""
    frequency = data.w if data.kind == "frequency" else np.ones(len(data.y))
    n = {g: int(frequency[which == g].sum()) for g in groups}
    enough = [g for g in groups if data.status(which == g, model=True) != "insufficient" and len(np.unique(data.s[which == g])) > 2]
    blank = dict.fromkeys(("coef_s", "se_s", "coef_extra", "se", "ci_lo", "ci_hi", "p"), np.nan)
    rows = [dict(group=g, form="moderation", n=n[g], n_eff=float(n[g]), status="insufficient", **blank) for g in groups]
    test = {"f": None, "df": None, "p": None}
    if len(enough) < 2:
        return test, rows
    at = np.isin(which, enough)
    own = (which[at, None] == np.array(enough, dtype=which.dtype)[None, :]).astype(float)
    terms = [own, own * data.s[at, None]]
    step = delight_from is not None and all((data.s[(which == g)] >= delight_from).sum() >= 10 for g in enough)
    terms += [own * (data.s[at, None] >= delight_from)] if step else []
    x = np.column_stack([*terms, z[at]])
    fit = fit_linear(data.y[at], x, data.w[at], kind=data.kind, clusters=None if data.clusters is None else data.clusters[at])
    if np.isnan(fit.coef).any():
        return test, rows
    k, restrictions = len(enough), []
    for block in range(1, 3 if step else 2):
        for j in range(1, k):
            direction = np.zeros(x.shape[1])
            direction[[block * k, block * k + j]] = -1, 1
            restrictions.append(direction)
    f, p = fit.wald(restrictions)
    for j, g in enumerate(enough):
        row = next(r for r in rows if r["group"] == g)
        row |= dict(coef_s=fit.coef[k + j], se_s=fit.se[k + j], status=data.status(which == g))
        if step:
            est, own_p = fit.contrast(np.eye(x.shape[1])[2 * k + j], ci_level)
            row |= dict(coef_extra=est.value, se=est.se, ci_lo=est.lo, ci_hi=est.hi, p=own_p)
    return {"f": f, "df": len(restrictions), "p": p}, rows


def zones(
    frame, *, y, x, scales, turned=False, weights=None, weights_kind="sampling", clusters=None, ci_level=0.95, trim=0.10, fewest=FEWEST
):
    """Zones of equal loyalty, with borders where the data put them: defection, indifference, affection.

    Parameters
    ----------
    frame, y, x, scales, turned, weights, weights_kind, clusters, ci_level, trim, fewest : as `forms.forms`

    Returns
    -------
    Result
        A row per zone: ``zone, from_point, to_point`` (below it), ``set_lo, set_hi`` (places that its lower border may have, profile limit
        7.35), ``n, mean, ci_lo, ci_hi, n_total, n_missing, n_eff, status``. ``meta["aic"]`` of three zones and of a straight line: where
        the line does as well, there are no zones and rows are ``not_identified``. Every zone holds max(`fewest`, `trim`) answers.

    Notes
    -----
    Two steps searched together, least squares (deviance for yes/no); each searched border counts as a parameter of the AIC.

    References
    ----------
    Heskett, J. L. et al. (1994). HBR 72(2), 164-174. Hansen, B. E. (2000). Econometrica 68, 575-603.
    """
    data, z, notes = data_of(frame, y, x, scales, (), turned, weights, weights_kind, clusters)
    meta = dict(outcome=y, satisfaction=x, turned=turned, clusters=clusters, ci_level=ci_level, binary=data.binary, scale=scales[y],
                satisfaction_scale=scales[x], keys=["outcome_role", "zone"], **data.meta)  # fmt: skip
    frequency = data.w if data.kind == "frequency" else np.ones(len(data.y))
    places = np.unique(data.s)[1:]
    if len(places) > 2 * FINE:
        places = np.unique(np.quantile(data.s, np.linspace(0.02, 0.98, 2 * FINE), method="nearest"))[1:]
    need = max(fewest, trim * frequency.sum())
    found, line = {}, fit_form(data, design(z, data.s)) if len(places) else None
    for low, high in combinations(places, 2):
        sizes = [frequency[inside].sum() for inside in _inside(data.s, low, high)]
        if min(sizes) >= need:
            fit = fit_form(data, design(z, (data.s >= low).astype(float), (data.s >= high).astype(float)))
            if fit.ok:
                found[low, high] = fit
    blank = dict.fromkeys(("from_point", "to_point", "set_lo", "set_hi", "mean", "ci_lo", "ci_hi"), np.nan)
    counted = dict(n_total=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff)
    function = "delight.loyalty.regimes.zones"
    if not found or not line.ok:
        rows = [dict(zone=name, **blank, n=0, **counted, status="insufficient") for name in ZONES]
        return Result.of("M19.zones", rows, function=function, notes=notes, **meta, aic=None)
    best = min(found, key=lambda pair: found[pair].ssr)
    aic = {"zones": found[best].aic + 4, "line": line.aic}
    status = "ok" if aic["zones"] < aic["line"] else "not_identified"
    near = [pair for pair, fit in found.items() if _far(fit.ssr, found[best].ssr, data) <= STEP_LIMIT]
    edges = [np.nan, *best, np.nan]
    rows = []
    for i, (name, here) in enumerate(zip(ZONES, _inside(data.s, *best))):
        est = mean(data.y[here], data.w[here], kind=data.kind, ci_level=ci_level)
        n = int(frequency[here].sum())
        row = dict(zone=name, from_point=edges[i], to_point=edges[i + 1], set_lo=np.nan, set_hi=np.nan)
        row |= dict(set_lo=min(p[i - 1] for p in near), set_hi=max(p[i - 1] for p in near)) if i else {}
        row |= dict(mean=est.value, ci_lo=est.lo, ci_hi=est.hi) if data.clusters is None else _clustered(data, best, i, ci_level)
        rows.append(row | dict(n=n, **counted, status=status if status != "ok" else data.status(here)))
    notes = [*notes, *([Note("no_zones", aic)] if status != "ok" else [])]
    return Result.of("M19.zones", rows, function=function, notes=notes, **meta, aic=aic)


def _inside(s, low, high):
    return s < low, (s >= low) & (s < high), s >= high


def _far(ssr, best, data):
    return ssr - best if data.binary else data.sample.n * np.log(ssr / best)


def _clustered(data, best, zone, ci_level):
    x = np.column_stack(_inside(data.s, *best)).astype(float)
    est, _ = fit_linear(data.y, x, data.w, kind=data.kind, clusters=data.clusters).contrast(np.eye(3)[zone], ci_level)
    return dict(mean=est.value, ci_lo=est.lo, ci_hi=est.hi)

"""Driver regression with robust errors: raw and standardised slopes, inflation and the usual checks (method M15)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from delight.drivers.draws import LEVELS
from delight.drivers.model import n_levels, steady, vif
from delight.drivers.prepare import prepare
from delight.errors import InputError
from delight.estimate import benjamini_hochberg, fit_linear
from delight.logit import fit_logit, fit_ordered
from delight.result import Note, Result

KINDS = ("auto", "linear", "ordered", "logit")


def coefficients(
    frame,
    *,
    y,
    x,
    scales=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    always=(),
    kind="auto",
    ci_level=0.95,
    alpha=0.05,
):
    """Slope of every attribute with all others held equal.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y, x, scales, weights, weights_kind, clusters, not_applicable, always
        As in `importance.importance`.
    kind : {"auto", "linear", "ordered", "logit"}
        ``auto``: logit for a 0/1 outcome, ordered logit up to seven points, else least squares with HC3.

    Returns
    -------
    Result
        One row an attribute: ``coef`` (points of `y`, or log odds, a point of `x`), ``std_coef`` (in standard deviations; logits: per
        standard deviation of `x`), ``se, df, stat, p, p_adj`` (Benjamini-Hochberg), ``ci_lo, ci_hi, vif, partial_r2`` (least squares),
        ``ame`` (least squares: the slope; logit: change in chance a point; ordered: change in the chance of the top level),
        ``po_p`` (ordered: Brant-type test that the slope is the same at every cut), ``kind, n, n_missing, n_eff, n_applicable, status``.
        Notes carry R², RESET, Breusch-Pagan, influential answers (Cook's D > 4/n; never removed, listed by `controls.influence`), the
        Brant test over all attributes, and ``same_source``: grades and outcome were given by one person at one moment.

    References
    ----------
    Long & Ervin (2000), Am. Stat. 54; Brant (1990), Biometrics 46; Ramsey (1969), JRSS B 31; Breusch & Pagan (1979), Econometrica 47.
    """
    if kind not in KINDS:
        raise InputError(f"kind is one of {', '.join(KINDS)}, not {kind!r}.")
    prepared = prepare(
        frame,
        y=y,
        x=x,
        scales=scales,
        weights=weights,
        weights_kind=weights_kind,
        clusters=clusters,
        not_applicable=not_applicable,
        always=always,
    )
    notes, rows = [*prepared.notes], {}
    chosen = _kind(kind, prepared.joint.values, (scales or {}).get(y))
    for judged, model in prepared.models:
        found, about = _fit(model, judged, chosen, ci_level, alpha)
        rows |= found
        if model is prepared.joint:
            notes += about
    joint = prepared.joint
    blank = {"n": joint.n, "n_missing": joint.n_missing, "n_eff": joint.n_eff, "status": "degenerate"}
    table = pd.DataFrame([{"attribute": a, **(rows.get(a) or {**blank, "n_applicable": prepared.base[a]})} for a in prepared.attributes])
    table = table.reindex(columns=[*COLUMNS, *(c for c in table if c not in COLUMNS)])
    table["p_adj"] = benjamini_hochberg(table["p"].to_numpy(dtype=float))
    table["kind"] = chosen
    high = table[table["vif"] > 10]
    if len(high):
        notes.append(Note("vif", {"attributes": list(high["attribute"]), "vif": list(high["vif"])}))
    notes.append(Note("same_source", {}))
    meta = {"y": y, "x": list(x), "kind": chosen, "ci_level": ci_level, "clusters": clusters, "n_joint": len(joint.x)}
    return Result.of("M15", table, function="delight.drivers.regression.coefficients", notes=notes, **joint.meta, **meta)


COLUMNS = [
    *("attribute", "coef", "std_coef", "se", "df", "stat", "p", "p_adj", "ci_lo", "ci_hi", "vif", "partial_r2", "ame"),
    *("po_p", "kind"),
    *("n", "n_missing", "n_eff", "n_applicable", "status"),
]


def _kind(kind, values, scale):
    """The model that suits the outcome."""
    if kind != "auto":
        return kind
    points = np.unique(values)
    if set(points) <= {0.0, 1.0}:
        return "logit"
    return "ordered" if n_levels(values, scale) <= LEVELS else "linear"


def _fit(model, judged, kind, ci_level, alpha):
    """(rows by attribute, notes) of one model."""
    base = {"n": model.n, "n_missing": model.n_missing, "n_eff": model.n_eff}
    rows = {a: {**base, "n_applicable": model.n_applicable(a)} for a in judged}
    design = np.column_stack([np.ones(len(model.w)), model.fixed, model.scores])
    status = model.status()
    if model.n <= design.shape[1]:
        status = "insufficient"
    elif np.ptp(model.values) == 0:
        status = "degenerate"
    if status in ("insufficient", "degenerate"):
        return {a: {**r, "status": status} for a, r in rows.items()}, []
    names = [f"fixed{i}" for i in range(1 + model.fixed.shape[1])] + model.x
    start = len(names) - len(model.x)
    notes = []
    if kind == "linear":
        fit, shift = fit_linear(model.values, design, model.w, kind=model.kind, clusters=model.clusters, names=names), 0
        plain = fit_linear(model.values, design, model.w, kind=model.kind, cov="classical", names=names)
        aliased = fit.aliased
    elif kind == "logit":
        (fit, _), shift = steady(fit_logit, model.values, design, model, start, names=names), 0
        aliased = fit.aliased
    else:
        (fit, _), shift = steady(fit_ordered, model.values, design[:, 1:], model, start - 1, names=names[1:]), 1
        aliased = fit.aliased
    if aliased or (kind != "linear" and not fit.usable):
        why = "degenerate" if aliased or fit.separated else "not_converged"
        notes.append(Note("aliased", {"attributes": list(aliased)}) if aliased else Note(why, {"kind": kind}))
        return {a: {**r, "status": why} for a, r in rows.items()}, notes
    (lo, hi), dfs = fit.interval(ci_level), fit.dfs
    sd_y = np.sqrt(np.average((model.values - np.average(model.values, weights=model.w)) ** 2, weights=model.w))
    centre = np.average(model.scores, axis=0, weights=model.w)
    sd_x = np.sqrt(np.average((model.scores - centre) ** 2, axis=0, weights=model.w))
    inflation = vif(model.scores, model.w, model.fixed)
    average = _marginal(fit, kind, design, model)
    odds, all_odds = _proportional(model, design[:, 1:], start - 1) if kind == "ordered" else ({}, None)
    for a in judged:
        at = model.x.index(a)
        i = start + at - shift
        row = rows[a]
        row |= {
            "coef": fit.coef[i],
            "se": fit.se[i],
            "df": dfs[i],
            "stat": fit.coef[i] / fit.se[i],
            "p": fit.p[i],
            "ci_lo": lo[i],
            "ci_hi": hi[i],
        }
        row |= {"std_coef": fit.coef[i] * sd_x[at] / (sd_y if kind == "linear" else 1), "vif": inflation[at], "ame": average * fit.coef[i]}
        if kind == "linear":
            t = plain.coef[i] / plain.se[i]
            row["partial_r2"] = t**2 / (t**2 + plain.df)
        if kind == "ordered":
            row["po_p"] = odds[at][2] if at in odds else np.nan
        row["status"] = model.status(row["n_applicable"])
    if kind == "linear":
        notes += _checks(model, design, fit, plain)
    else:
        notes.append(Note("fit_logit", {"kind": kind, "mcfadden_r2": fit.mcfadden_r2, "ll": fit.ll}))
    if all_odds:
        notes.append(Note("brant", dict(zip(("chi2", "df", "p"), all_odds))))
    broken = [model.x[at] for at, (_, _, p) in odds.items() if p * len(odds) <= alpha]
    if broken:
        notes.append(Note("proportional_odds", {"attributes": broken}))
    return rows, notes


def _marginal(fit, kind, design, model):
    """What multiplies a slope to give its average marginal effect."""
    if kind == "linear":
        return 1.0
    if kind == "logit":
        chance = expit(design @ fit.coef)
    else:
        chance = expit(design[:, 1:] @ fit.coef - fit.thresholds[-1])
    return float(np.average(chance * (1 - chance), weights=model.w))


def _checks(model, design, fit, plain):
    """R², RESET, Breusch-Pagan and the count of influential answers, as notes."""
    y, w, n = model.values, model.w, model.n
    notes = [Note("fit_linear", {"r2": fit.r2, "n": n})]
    powers = (fit.fitted - fit.fitted.mean()) / max(fit.fitted.std(), 1e-12)
    wider = fit_linear(y, np.column_stack([design, powers**2, powers**3]), w, kind=model.kind, clusters=model.clusters)
    if not wider.aliased and not np.isnan(wider.coef).any():
        restrictions = np.zeros((2, design.shape[1] + 2))
        restrictions[[0, 1], [-2, -1]] = 1
        f, p = wider.wald(restrictions)
        notes.append(Note("reset", {"f": f, "p": p}))
    squares = fit.resid**2 / np.average(fit.resid**2, weights=w)
    spread = fit_linear(squares, design, w, kind=model.kind, cov="classical")
    lm = n * spread.r2
    notes.append(Note("breusch_pagan", {"lm": lm, "p": float(stats.chi2.sf(lm, design.shape[1] - 1))}))
    cook, _, _ = cooks_distance(model, design, plain)
    notes.append(Note("influential", {"n": int(model.counted[cook > 4 / n].sum()), "cut": 4 / n}))
    return notes


def cooks_distance(model, design, fit):
    """(Cook's distance, leverage, internally studentised residual) of every row of a least-squares fit with classical errors."""
    q = np.linalg.qr(design * np.sqrt(model.w)[:, None])[0]
    each = np.ones(len(model.w)) if model.kind == "frequency" else model.w
    leverage = (q**2).sum(axis=1) / (model.w if model.kind == "frequency" else 1)
    with np.errstate(all="ignore"):
        residual = fit.resid * np.sqrt(each) / np.sqrt(fit.ssr / fit.df * (1 - leverage))
        return residual**2 * leverage / (1 - leverage) / design.shape[1], leverage, residual


def _proportional(model, design, start):
    """Brant-type tests that the slopes of the binary logits at every cut are the same: ({column: (chi2, df, p)}, the same of all together).

    The covariance over the cuts is of their influence functions, so that it holds with weights too.
    """
    levels = np.unique(model.values)
    fits = [
        fit_logit((model.values > cut).astype(float), np.column_stack([np.ones(len(design)), design]), model.w, kind=model.kind)
        for cut in levels[:-1]
    ]
    if len(fits) < 2 or not all(f.usable for f in fits):
        return {}, None
    each = model.w if model.kind == "frequency" else model.w**2
    places = 1 + start + np.arange(len(model.x))
    slopes = np.array([f.coef[places] for f in fits])  # cuts x attributes
    influence = np.stack([f.influence[:, places] for f in fits], axis=1)
    contrasts = np.diff(np.eye(len(fits)), axis=0)
    steps, moved = contrasts @ slopes, np.einsum("ck,nka->nca", contrasts, influence)

    def test(columns):
        flat = moved[:, :, columns].reshape(len(moved), -1)
        try:
            gap = steps[:, columns].ravel()
            chi2 = float(gap @ np.linalg.solve((flat * each[:, None]).T @ flat, gap))
        except np.linalg.LinAlgError:
            return None
        return chi2, flat.shape[1], float(stats.chi2.sf(chi2, flat.shape[1]))

    found = {at: test([at]) for at in range(len(model.x))}
    return {at: value for at, value in found.items() if value}, test(list(range(len(model.x))))

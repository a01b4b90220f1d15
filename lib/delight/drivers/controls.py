"""What remains of a driver when a general mood, an earlier grade or gaps are taken into account (method M15)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from delight import resample
from delight.drivers.prepare import prepare
from delight.drivers.regression import coefficients, cooks_distance
from delight.errors import InputError
from delight.estimate import benjamini_hochberg, fit_linear, need_columns, wave_names
from delight.result import Note, Result

#: Fewest persons in both waves for a model with the earlier outcome.
FEWEST_PERSONS = 100


def halo(frame, *, y, x, scales=None, weights=None, weights_kind="sampling", clusters=None, not_applicable=None, ci_level=0.95):
    """How far each driver shrinks when customers' general inclination to grade high is held equal.

    Parameters
    ----------
    frame, y, x, scales, weights, weights_kind, clusters, not_applicable
        As in `importance`.
    ci_level : float

    Returns
    -------
    Result
        One row an attribute: ``coef_alone`` (points of `y` a point, by itself), ``coef_halo`` (beside the first principal component of all
        other attributes), ``coef_joint`` (beside all others), each with ``_lo, _hi``; ``p, p_adj`` of ``coef_halo``; ``shrinkage``
        (1 - coef_halo / coef_alone), ``halo_share`` (part of the variance of the others in that component), ``n, n_missing, n_eff,
        n_applicable, status``. One attribute only: ``not_identified``.

    Notes
    -----
    The component is of the standardised other attributes, so that the focal one has no part in it. It takes away mood and leniency, but
    also what is truly good all over: the truth lies between ``coef_halo`` and ``coef_alone``.
    """
    prepared = prepare(
        frame, y=y, x=x, scales=scales, weights=weights, weights_kind=weights_kind, clusters=clusters, not_applicable=not_applicable
    )
    rows = {}
    for judged, model in prepared.models:
        for a in judged:
            rows[a] = _without_halo(model, a, ci_level)
    joint = prepared.joint
    blank = {"n": joint.n, "n_missing": joint.n_missing, "n_eff": joint.n_eff, "status": "degenerate"}
    table = pd.DataFrame([{"attribute": a, **(rows.get(a) or {**blank, "n_applicable": prepared.base[a]})} for a in prepared.attributes])
    table = table.reindex(columns=HALO_COLUMNS)
    table["p_adj"] = benjamini_hochberg(table["p"].to_numpy(dtype=float))
    notes = [*prepared.notes, Note("same_source", {})]
    meta = {"y": y, "x": list(x), "ci_level": ci_level, "clusters": clusters, "scale": (scales or {}).get(y)}
    return Result.of("M15.halo", table, function="delight.drivers.controls.halo", notes=notes, **joint.meta, **meta)


HALO_COLUMNS = [
    "attribute",
    *(f"coef_{form}{end}" for form in ("alone", "halo", "joint") for end in ("", "_lo", "_hi")),
    *("p", "p_adj", "shrinkage", "halo_share", "n", "n_missing", "n_eff", "n_applicable", "status"),
]


def _without_halo(model, a, ci_level):
    """One attribute by itself, beside the general factor of the others, and beside all others."""
    row = {"n": model.n, "n_missing": model.n_missing, "n_eff": model.n_eff, "n_applicable": model.n_applicable(a)}
    status, at = model.status(), model.x.index(a)
    if status != "insufficient" and np.ptp(model.values) == 0:
        status = "degenerate"
    elif status != "insufficient" and len(model.x) < 2:
        status = "not_identified"
    if status in ("insufficient", "degenerate", "not_identified"):
        return {**row, "status": status}
    others = np.delete(model.scores, at, axis=1)
    factor, row["halo_share"] = general_factor(others, model.w)
    focal, base = model.scores[:, [at]], np.column_stack([np.ones(len(model.w)), model.fixed])
    for form, beside in (("alone", np.empty((len(base), 0))), ("halo", factor[:, None]), ("joint", others)):
        fit = fit_linear(model.values, np.column_stack([base, focal, beside]), model.w, kind=model.kind, clusters=model.clusters)
        (lo, hi), i = fit.interval(ci_level), base.shape[1]
        row |= {f"coef_{form}": fit.coef[i], f"coef_{form}_lo": lo[i], f"coef_{form}_hi": hi[i]}
        if form == "halo":
            row["p"] = fit.p[i]
    row["shrinkage"] = 1 - row["coef_halo"] / row["coef_alone"] if row["coef_alone"] else np.nan
    return {**row, "status": "degenerate" if np.isnan(row["coef_halo"]) else model.status(row["n_applicable"])}


def general_factor(scores, w):
    """(first principal component of the standardised columns, its share of their variance); its sign makes most loadings positive."""
    centred = scores - np.average(scores, axis=0, weights=w)
    spread = np.sqrt(np.average(centred**2, axis=0, weights=w))
    standard = centred / np.where(spread > 0, spread, 1)
    values, vectors = np.linalg.eigh((standard * w[:, None]).T @ standard / w.sum())
    first = vectors[:, -1] * (np.sign(vectors[:, -1].sum()) or 1)
    return standard @ first, float(values[-1] / values.sum())


def lagged(
    frame,
    *,
    y,
    x,
    before,
    after,
    respondent="respondent",
    wave="wave",
    scales=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    ci_level=0.95,
):
    """Drivers of the later wave with the same person's earlier outcome held equal.

    Parameters
    ----------
    frame : DataFrame
        One row a response, with both waves.
    y, x, scales, weights, weights_kind, clusters, not_applicable
        As in `importance`; attributes and weights are those of the later wave.
    before, after
        Values of the column `wave`.
    respondent, wave : str
        Columns. A person with two answers in a wave is left out (note ``answered_twice``).
    ci_level : float

    Returns
    -------
    Result
        One row an attribute: ``coef`` (points of `y` a point, the earlier outcome held equal) with ``se, p, p_adj, ci_lo, ci_hi``;
        ``coef_plain`` (same persons, without it) with ``coef_plain_lo, coef_plain_hi``; ``lag_coef``, ``n`` (persons), ``n_missing, n_eff,
        status``. Fewer than 100 persons in both waves: NaN, ``insufficient``.
    """
    need_columns(frame, [respondent, wave, y])
    before, after = wave_names([before, after])
    if before == after:
        raise InputError(f"A model with the earlier outcome needs two waves, not '{before}' twice.")
    lag = f"{y} before"
    frame = frame.assign(**{wave: wave_names(frame[wave])})
    known = frame[frame[respondent].notna() & frame[wave].isin([before, after])]
    twice = known.duplicated([respondent, wave], keep=False)
    once = known[~twice]
    earlier = once[once[wave] == before].set_index(respondent)[y]
    later = once[once[wave] == after]
    both = later.assign(**{lag: later[respondent].map(earlier)})
    both = both[both[lag].notna()]
    options = {"y": y, "x": x, "scales": scales, "weights": weights, "weights_kind": weights_kind, "clusters": clusters}
    options |= {"not_applicable": not_applicable, "kind": "linear", "ci_level": ci_level}
    with_lag, plain = coefficients(both, **options, always=[lag]), coefficients(both, **options)
    table = with_lag.table[["attribute", "coef", "se", "p", "p_adj", "ci_lo", "ci_hi", "n", "n_missing", "n_eff", "status"]].copy()
    for mine, theirs in (("coef_plain", "coef"), ("coef_plain_lo", "ci_lo"), ("coef_plain_hi", "ci_hi")):
        table[mine] = plain.table[theirs]
    used = prepare(both, **{k: v for k, v in options.items() if k not in ("kind", "ci_level")}, always=[lag]).joint
    table["lag_coef"] = _lag_coef(used)
    few = table["n"] < FEWEST_PERSONS
    table.loc[few, [c for c in table if c not in ("attribute", "n", "n_missing", "n_eff", "status")]] = np.nan
    table.loc[few, "status"] = "insufficient"
    notes = [n for n in with_lag.notes if n.code in ("partial_base", "constant", "not_applicable_adjusted", "vif")]
    if twice.any():
        notes.append(Note("answered_twice", {"n": int(known.loc[twice, respondent].nunique())}))
    meta = {k: v for k, v in with_lag.meta.items() if k not in ("method", "function", "version")}
    meta |= {"before": before, "after": after}
    return Result.of("M15.lagged", table, function="delight.drivers.controls.lagged", notes=notes, **meta)


def _lag_coef(model):
    """Slope of the earlier outcome, the first of the terms forced in."""
    if model.n < FEWEST_PERSONS or not model.fixed.shape[1]:
        return np.nan
    design = np.column_stack([np.ones(len(model.w)), model.fixed, model.scores])
    return float(fit_linear(model.values, design, model.w, kind=model.kind, cov="classical").coef[1])


def influence(frame, *, y, x, scales=None, weights=None, weights_kind="sampling", not_applicable=None, above=None):
    """Answers that move the driver regression most; they are listed and never removed.

    Parameters
    ----------
    frame, y, x, scales, weights, weights_kind, not_applicable
        As in `importance`.
    above : float, optional
        Cook's distance from which an answer is listed; 4/n by default.

    Returns
    -------
    Result
        One row an answer, the most influential first: ``row`` (label in the frame), ``y``, ``fitted``, ``residual`` (internally
        studentised), ``leverage, cook, n, n_missing, n_eff, status``. A table of respondents: it stays in the work folder.

    References
    ----------
    Cook, R. D. (1977). Technometrics 19, 15-18.
    """
    model = prepare(frame, y=y, x=x, scales=scales, weights=weights, weights_kind=weights_kind, not_applicable=not_applicable).joint
    columns = ["row", "y", "fitted", "residual", "leverage", "cook", "n", "n_missing", "n_eff", "status"]
    meta = {"y": y, "x": list(x), "cut": 4 / max(model.n, 1) if above is None else above}
    where = "delight.drivers.controls.influence"
    design = np.column_stack([np.ones(len(model.w)), model.fixed, model.scores])
    fit = fit_linear(model.values, design, model.w, kind=model.kind, cov="classical")
    small = model.status() == "insufficient"
    if small or np.isnan(fit.ssr) or np.ptp(model.values) == 0:
        status = "degenerate" if not small and np.ptp(model.values) == 0 else "insufficient"
        return Result.of("M15.influence", pd.DataFrame(columns=columns), function=where, status=status, **model.meta, **meta)
    cook, leverage, residual = cooks_distance(model, design, fit)
    table = pd.DataFrame({"row": model.index.astype(str), "y": model.values, "fitted": fit.fitted})
    table = table.assign(residual=residual, leverage=leverage, cook=cook, n=model.n, n_missing=model.n_missing, n_eff=model.n_eff)
    table["status"] = "ok"
    table = table[table["cook"] > meta["cut"]].sort_values(["cook", "row"], ascending=[False, True])
    return Result.of("M15.influence", table[columns], function=where, status="ok", **model.meta, **meta)


def imputed(
    frame,
    *,
    y,
    x,
    m=20,
    cycles=10,
    scales=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    kind="auto",
    ci_level=0.95,
    seed=20250101,
):
    """`regression.coefficients` with gaps filled in `m` times by what similar customers answered, pooled by Rubin's rules.

    Parameters
    ----------
    frame, y, x, scales, weights, weights_kind, clusters, not_applicable, kind, ci_level
        As in `regression.coefficients`. Respondents without an outcome stay out; what does not apply is no gap; attributes judged in a
        model of their own keep their gaps.
    m : int
        Completed data sets.
    cycles : int
        Rounds of the chained equations.
    seed : int

    Returns
    -------
    Result
        One row an attribute: ``coef, std_coef, se, df`` (Barnard & Rubin), ``stat, p, p_adj, ci_lo, ci_hi, ame``, ``fmi`` (share of the
        information that is missing), ``n_imputed`` (gaps filled), ``n, n_missing, n_eff, n_applicable, status``.

    Notes
    -----
    Chained equations with predictive mean matching: each attribute with gaps is regressed on the outcome and all other attributes, with
    coefficients drawn from their posterior, and a gap takes the answer of one of the five respondents with the nearest prediction, so
    that only answers that exist are filled in. Missing at random given these columns is supposed.

    References
    ----------
    Rubin, D. B. (1987). Multiple Imputation for Nonresponse in Surveys. Barnard, J. & Rubin, D. B. (1999). Biometrika 86, 948-955.
    van Buuren, S. & Groothuis-Oudshoorn, K. (2011). Journal of Statistical Software 45(3).
    """
    if m < 2 or cycles < 1:
        raise InputError(f"Multiple imputation needs m of at least 2 and cycles of at least 1, not m={m}, cycles={cycles}.")
    options = {"y": y, "x": x, "scales": scales, "weights": weights, "weights_kind": weights_kind, "clusters": clusters}
    options |= {"not_applicable": not_applicable, "kind": kind, "ci_level": ci_level}
    prepared = prepare(frame, **{k: v for k, v in options.items() if k not in ("kind", "ci_level")})
    plain = coefficients(frame, **options)
    kept = frame[frame[y].notna()]
    if weights:
        kept = kept[kept[weights].notna() & (kept[weights] > 0)]
        if weights_kind == "frequency":
            kept = kept.loc[kept.index.repeat(kept[weights].astype(int))].assign(**{weights: 1}).reset_index(drop=True)
    columns, flags = list(prepared.joint.x), not_applicable or {}
    away = (
        np.column_stack([_flag(kept, flags.get(a)) & kept[a].isna().to_numpy() for a in columns])
        if columns
        else np.empty((len(kept), 0), dtype=bool)
    )
    data = np.column_stack([kept[y].to_numpy(dtype=float), kept[columns].to_numpy(dtype=float)])
    order = np.lexsort([*np.column_stack([away, np.nan_to_num(data, nan=-1e9)]).T])
    gaps, rng = np.isnan(data[:, 1:]) & ~away, resample.generator(seed, "M15.imputation")
    fits = []
    for _ in range(m if gaps.any() else 1):
        filled = data[:, 1:].copy()
        filled[order] = matched(data[order, 0], data[order, 1:], away[order], cycles, rng)
        fits.append(coefficients(kept.assign(**{a: filled[:, j] for j, a in enumerate(columns)}), **options).table)
    table = _pooled(fits, ci_level)
    table["n_imputed"] = [int(gaps[:, columns.index(a)].sum()) if a in columns else 0 for a in table["attribute"]]
    notes = [*plain.notes, Note("imputed", {"m": len(fits), "gaps": int(gaps.sum()), "n_listwise": plain.meta["n_used"]})]
    n = int(table["n"].max())
    meta = {k: v for k, v in plain.meta.items() if k not in ("method", "function", "version")}
    meta |= {"m": m, "cycles": cycles, "seed": seed, "n_used": n, "n_dropped_missing": plain.meta["n_in"] - n}
    return Result.of("M15.imputed", table, function="delight.drivers.controls.imputed", notes=notes, **meta)


def _flag(frame, column):
    return frame[column].fillna(False).to_numpy(dtype=bool) if column else np.zeros(len(frame), dtype=bool)


def matched(y, x, away, cycles, rng, donors=5):
    """Attributes with their gaps filled once, by chained predictive mean matching.

    Parameters
    ----------
    y : array (rows,)
    x : array (rows, p)
        NaN where missing or not applicable.
    away : boolean array (rows, p)
        Not applicable: stays NaN; as a predictor it has the column's mean and a term of its own.
    """
    gaps = np.isnan(x) & ~away
    filled = x.copy()
    for j in range(x.shape[1]):
        known = x[~np.isnan(x[:, j]), j]
        filled[gaps[:, j], j] = rng.choice(known, size=int(gaps[:, j].sum())) if len(known) else np.nan
    todo = [j for j in np.argsort(gaps.sum(axis=0), kind="stable") if gaps[:, j].any()]
    flags = away[:, away.any(axis=0)].astype(float)
    for _ in range(cycles):
        for j in todo:
            others = np.delete(filled, j, axis=1)
            others = np.where(np.isnan(others), np.nanmean(others, axis=0), others)
            design = np.column_stack([np.ones(len(y)), y, others, flags])
            known = ~np.isnan(x[:, j])
            cross = design[known].T @ design[known]
            cross += np.diag(1e-6 * np.diag(cross) + 1e-12)  # a trace of ridge, for flags that say the same
            inverse = np.linalg.inv(cross)
            coef = inverse @ (design[known].T @ x[known, j])
            ssr = float(((x[known, j] - design[known] @ coef) ** 2).sum())
            sigma = np.sqrt(ssr / rng.chisquare(max(known.sum() - design.shape[1], 1)))
            drawn = coef + sigma * np.linalg.cholesky(inverse) @ rng.normal(size=len(coef))
            filled[gaps[:, j], j] = _nearest(design[gaps[:, j]] @ drawn, design[known] @ coef, x[known, j], donors, rng)
    return filled


def _nearest(wanted, offered, answers, donors, rng):
    """For each wanted prediction the answer of one of the `donors` nearest offered ones, at random."""
    order = np.argsort(offered, kind="stable")
    offered, answers = offered[order], answers[order]
    at, k = np.searchsorted(offered, wanted), min(donors, len(offered))
    around = np.clip(at[:, None] + np.arange(-k, k)[None, :], 0, len(offered) - 1)
    apart = np.abs(offered[around] - wanted[:, None])
    apart[:, 1:][around[:, 1:] == around[:, :-1]] = np.inf  # clipped at an end: each donor once
    chosen = np.argsort(apart, axis=1, kind="stable")[np.arange(len(wanted)), rng.integers(0, k, size=len(wanted))]
    return answers[around[np.arange(len(wanted)), chosen]]


def _pooled(fits, ci_level):
    """Rubin's rules over the tables of `coefficients`, with the degrees of freedom of Barnard and Rubin."""
    first, m = fits[0], len(fits)
    stack = {c: np.array([f[c].to_numpy(dtype=float) for f in fits]) for c in ("coef", "se", "std_coef", "ame")}
    pooled, within = stack["coef"].mean(axis=0), (stack["se"] ** 2).mean(axis=0)
    between = stack["coef"].var(axis=0, ddof=1) if m > 1 else np.zeros(len(first))
    total = within + (1 + 1 / m) * between
    complete = first["df"].to_numpy(dtype=float)
    with np.errstate(all="ignore"):
        share = (1 + 1 / m) * between / total
        old = (m - 1) / share**2
        observed = np.where(np.isinf(complete), np.inf, (complete + 1) / (complete + 3) * complete * (1 - share))
        df = np.where(between > 0, 1 / (1 / old + 1 / observed), complete)
        ratio = (1 + 1 / m) * between / within
        fmi = np.where(between > 0, (ratio + 2 / (df + 3)) / (ratio + 1), 0.0)
        se = np.sqrt(total)
        stat = pooled / se
        half = stats.t.ppf(0.5 + ci_level / 2, df) * se
        p = 2 * stats.t.sf(np.abs(stat), df)
    table = pd.DataFrame({"attribute": first["attribute"], "coef": pooled, "std_coef": stack["std_coef"].mean(axis=0), "se": se, "df": df})
    table = table.assign(stat=stat, p=p, p_adj=benjamini_hochberg(p), ci_lo=pooled - half, ci_hi=pooled + half)
    table = table.assign(ame=stack["ame"].mean(axis=0), fmi=np.where(np.isnan(pooled), np.nan, fmi), kind=first["kind"])
    return table.assign(**{c: first[c] for c in ("n", "n_missing", "n_eff", "n_applicable", "status")})

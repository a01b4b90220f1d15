"""Loyalty regression: what satisfaction, delight and feelings add to loyalty, on scales people can read (methods M20)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import aliased_terms, benjamini_hochberg, fit_linear, need_columns
from delight.loyalty.answers import firth_interval, fit_answers
from delight.loyalty.outcome import event_from, prepare
from delight.resample import counts, generator, percentile
from delight.result import Note, Result

BLOCKS = ("controls", "rational", "emotional")
#: A categorical control keeps this many levels; a level needs this many answers.
MOST_LEVELS, FEWEST_ANSWERS = 8, 10
#: From this many rows on the bootstrap draws this many groups of rows instead of rows.
MANY, GROUPS = 10_000, 2_000
#: A control that a smaller share of the respondents answered is left out.
ANSWERED = 0.80


@dataclass(frozen=True)
class Design:
    """Columns of a regression: values, and for each its source column, level and block; terms that others determine are set aside."""

    x: pd.DataFrame
    column: list
    level: list
    block: list
    notes: tuple = ()
    aside: tuple = ()


def regression(
    frame,
    *,
    y,
    x,
    scales,
    delight_from=None,
    rational=(),
    emotional=(),
    controls=(),
    turned=False,
    model="auto",
    event=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
):
    """Loyalty explained by satisfaction, delight, feelings and controls, with average marginal effects.

    Parameters
    ----------
    frame : pandas.DataFrame, one row a response; unchanged.
    y : str
        Loyalty outcome: recommend, repurchase, stayed or churned.
    x : str
        Overall satisfaction.
    scales : dict of column -> Scale
        Of `y` and `x` at least; others are checked where given.
    delight_from : float, optional
        Adds the term ``delighted``: satisfaction of at least this point, beside the straight line of satisfaction.
    rational, emotional, controls : sequences of str
        Further columns by block. Text columns become dummies against their most frequent level (note ``reference``); a control that fewer
        than 80 % answered is left out (note ``control_left_out``).
    turned : bool
        The outcome counts against loyalty (churn): it is turned, and effects are on staying.
    model : {"auto", "ols", "logit", "ordered"}
        ``auto``: logit for a yes/no outcome; otherwise OLS and, up to 12 answers, the ordered logit beside it.
    event : float, optional
        Lowest answer whose share the logits' marginal effects are on; by default 9 on 0-10 and 1-10, else `event_from`.
    weights, weights_kind, clusters : as M00
    ci_level : float

    Returns
    -------
    Result
        A row per model and term: ``model, term, column, level, block, coef, se, ci_lo, ci_hi, stat, p, p_adj, std_coef, vif, ame, ame_lo,
        ame_hi`` (OLS: the coefficient; logits: on the share with at least ``event``), ``ame_mean`` with limits (ordered: on the expected
        answer), ``n, n_missing, n_eff, status``. ``p_adj`` is Benjamini-Hochberg over the terms of a model.
        Fewer than 5 events a parameter: ``insufficient``, NaN; fewer than 10: note ``few_events``. Separation of a yes/no outcome:
        Firth's estimates; the terms concerned carry profile
        limits, no marginal effect, ``degenerate`` and the note ``separation``. Terms that others determine are set aside: a row with
        NaN and ``not_identified``, note ``aliased``.

    Raises
    ------
    InputError
        Unknown column, missing scale, value outside its scale, bad weights.

    Notes
    -----
    OLS: HC3, or CR1 with t(G-1). Logits: sandwich, or CR1. AME: mean over respondents of the slope, or of the change from 0 to 1
    for yes/no terms; delta method.

    References
    ----------
    Long & Ervin (2000). Firth (1993). Heinze & Schemper (2002). Harrell (2015), Regression Modeling Strategies (events per parameter).
    """
    data, design, meta = _ready(frame, y, x, scales, delight_from, rational, emotional, controls, turned, weights, weights_kind, clusters)
    event = event_from(scales[y]) if event is None else float(event)
    event = 1.0 * scales[y].max if data.binary else event
    kinds = _models(model, data)
    tables, notes = [], list(design.notes)
    aside = pd.DataFrame(design.aside).assign(status="not_identified") if design.aside else None
    for kind in kinds:
        table, found = _linear(data, design, ci_level) if kind == "ols" else _chance(data, design, kind, event, ci_level)
        table["p_adj"] = benjamini_hochberg(table["p"].where(table["term"] != "(intercept)"))
        table = pd.concat([table, aside], ignore_index=True) if aside is not None else table
        tables.append(table.assign(model=kind))
        notes += found
    table = pd.concat(tables, ignore_index=True)
    table = table[["model", *[c for c in table if c != "model"]]]
    return Result.of(
        "M20", table.assign(n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff),
        function="delight.loyalty.regression.regression", notes=notes, **meta, event=event, ci_level=ci_level, models=kinds,
    )  # fmt: skip


def blocks(
    frame,
    *,
    y,
    x,
    scales,
    delight_from=None,
    rational=(),
    emotional=(),
    controls=(),
    turned=False,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """What each block adds: controls, then satisfaction (rational), then delight and feelings (emotional).

    Parameters
    ----------
    As `regression`; `n_boot` and `seed` for the intervals of ΔR².

    Returns
    -------
    Result
        A row per block: ``block, step, n_terms, r2`` (so far), ``delta_r2, ci_lo, ci_hi`` (bootstrap, graded outcomes), ``stat, df, p``
        (robust Wald test of the block in the model so far), ``p_adj, lr, lr_p, delta_aic`` (without sampling weights and clusters),
        ``delta_r2_last`` (added after all others). R² is McFadden's for a yes/no outcome.

    References
    ----------
    Cohen, Cohen, West & Aiken (2003), ch. 5 (hierarchical entry).
    """
    data, design, meta = _ready(frame, y, x, scales, delight_from, rational, emotional, controls, turned, weights, weights_kind, clusters)
    present = [b for b in BLOCKS if b in design.block]
    about = dict(
        function="delight.loyalty.regression.blocks", ci_level=ci_level, n_boot=n_boot, seed=seed, model="logit" if data.binary else "ols"
    )
    counted = dict(n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff)
    if not len(data.y) or not present:  # no answer, or no term that varies
        blank = dict.fromkeys(
            ("r2", "delta_r2", "ci_lo", "ci_hi", "stat", "p", "lr", "lr_p", "delta_aic", "delta_r2_last", "p_adj"), np.nan
        )
        row = dict(
            block="rational", step=1, n_terms=0, df=0, **blank, status="insufficient" if data.sample.n < 2 else "degenerate", **counted
        )
        return Result.of("M20.blocks", [row], notes=design.notes, **meta, **about, r2=np.nan)
    fits = [_fit(data, design, present[: i + 1]) for i in range(len(present))]
    full = fits[-1]
    draws = _r2_draws(data, design, present, n_boot, seed) if not data.binary and np.isfinite(full.r2) else None
    rows, before, aic = [], 0.0, _null_aic(data)
    status = _status(data, design, "logit" if data.binary else "ols")
    for i, (block, fit) in enumerate(zip(present, fits)):
        columns = [j for j, b in enumerate(fit.blocks) if b == block]
        without = _fit(data, design, [b for b in present if b != block])
        stat, p = fit.wald(columns)
        lo, hi = percentile(draws[:, i], ci_level) if draws is not None else (np.nan, np.nan)
        row = dict(block=block, step=i + 1, n_terms=len(columns), r2=fit.r2, delta_r2=fit.r2 - before, ci_lo=float(lo), ci_hi=float(hi))
        lr = 2 * (fit.loglik - (fits[i - 1].loglik if i else fit.null_loglik)) if data.equal_weights else np.nan
        row |= dict(stat=stat, df=len(columns), p=p, lr=lr, lr_p=float(stats.chi2.sf(lr, len(columns))), delta_aic=aic - fit.aic)
        row |= dict(delta_r2_last=full.r2 - without.r2, status=status if fit.status == "ok" else fit.status)
        rows.append(row)
        before, aic = fit.r2, fit.aic
    table = pd.DataFrame(rows)
    table["p_adj"] = benjamini_hochberg(table["p"])
    if status == "insufficient":
        table[[c for c in table if c not in ("block", "step", "n_terms", "df", "status")]] = np.nan
    notes = [*design.notes, *_events_note(data, design, "logit" if data.binary else "ols")]
    return Result.of(
        "M20.blocks", table.assign(**counted), notes=notes, **meta, **about, r2=full.r2,
    )  # fmt: skip


# ---- the design
def _ready(frame, y, x, scales, delight_from, rational, emotional, controls, turned, weights, weights_kind, clusters):
    others = [*rational, *emotional, *controls]
    repeated = {c for c in [x, *others] if [y, x, *others].count(c) > 1}
    if repeated:
        raise InputError(f"Named more than once among outcome, satisfaction and further terms: {', '.join(sorted(repeated))}.")
    need_columns(frame, [y, x, *others])
    asked = frame[frame[y].notna() & frame[x].notna()]
    answered = {c: float(asked[c].notna().mean()) if len(asked) else 1.0 for c in controls}
    controls = [c for c in controls if answered[c] >= ANSWERED]
    left_out = tuple(Note("control_left_out", {"column": c, "answered": v}) for c, v in answered.items() if v < ANSWERED)
    others = [*rational, *emotional, *controls]
    data = prepare(
        frame, y=y, x=x, scales=scales, others=others, weights=weights, weights_kind=weights_kind, clusters=clusters, turned=turned
    )
    design = design_terms(data, x, delight_from, rational, emotional, controls)
    design = replace(design, notes=(*left_out, *design.notes))
    meta = dict(outcome=y, satisfaction=x, turned=turned, delight_from=delight_from, clusters=clusters, binary=data.binary)
    meta |= dict(satisfaction_scale=scales[x], scale=scales[y], keys=["outcome_role", "block", "step"])
    return data, design, {**meta, **data.meta, "missing": _missing_by(frame, [y, x, *others])}


def _missing_by(frame, columns):
    """Missing answers of every column: what the listwise count is made of."""
    return {c: int(frame[c].isna().sum()) for c in columns if frame[c].isna().any()}


def design_terms(data, x, delight_from, rational, emotional, controls):
    parts = [("controls", c) for c in controls] + [("rational", c) for c in (x, *rational)]
    named, column, level, block, notes = {}, [], [], [], []

    def put(values, term, source, lev, blk):
        named[term] = np.asarray(values, dtype=float)
        column.append(source), level.append(lev), block.append(blk)

    for blk, c in [*parts, ("delighted", x), *[("emotional", c) for c in emotional]]:
        if blk == "delighted":
            if delight_from is not None:
                put(data.s >= delight_from, "delighted", x, f"{delight_from:g}", "emotional")
            continue
        values = data.sample.frame[c]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            put(values, c, c, "", blk)
            continue
        if not len(values):
            continue
        merged, levels, gone = _levels(values, data.w, data.w if data.kind == "frequency" else np.ones(len(values)))
        notes += [Note("levels_merged", {"column": c, **gone})] if gone else []
        notes.append(Note("reference", {"column": c, "level": levels[0]}))
        for lev in levels[1:]:
            put(merged == lev, f"{c}={lev}", c, str(lev), blk)
    return _independent(Design(pd.DataFrame(named, index=data.sample.frame.index), column, level, block, tuple(notes)), x, data.w)


def _independent(design, x, w):
    """The design without terms that others determine: satisfaction stays first, controls go first."""
    if not len(design.x):
        return design
    rank = {"rational": 0, "emotional": 1, "controls": 2}
    terms = list(design.x.columns)
    order = sorted(range(len(terms)), key=lambda j: (terms[j] != x, rank[design.block[j]], j))
    values = np.column_stack([np.ones(len(design.x)), design.x.to_numpy()[:, order]]) * np.sqrt(w)[:, None]
    gone = [t for t in aliased_terms(values, ["(intercept)", *[terms[j] for j in order]]) if t != "(intercept)"]
    if not gone:
        return design
    keep = [j for j, t in enumerate(terms) if t not in gone]
    aside = tuple(
        dict(term=terms[j], column=design.column[j], level=design.level[j], block=design.block[j])
        for j in range(len(terms))
        if j not in keep
    )
    picked = [[values[j] for j in keep] for values in (design.column, design.level, design.block)]
    return Design(design.x.iloc[:, keep], *picked, (*design.notes, Note("aliased", {"terms": gone})), aside)


def _levels(values, w, counted):
    """Text answers with rare levels merged into ``(other)``; the levels, most frequent first; what was merged.

    ``(other)`` too holds at least `FEWEST_ANSWERS`: fewer, and the rare levels join the most frequent one, so that no term rests on them.
    """
    text = values.astype(str)
    counted = pd.Series(counted, index=text.index)
    rows = counted.groupby(text).sum()
    heavy = pd.Series(w, index=text.index).groupby(text).sum().sort_index().sort_values(ascending=False, kind="stable")
    keep = [v for v in heavy.index[:MOST_LEVELS] if rows[v] >= FEWEST_ANSWERS] or [heavy.index[0]]
    gone = ~text.isin(keep)
    if 0 < rows.drop(keep).sum() < FEWEST_ANSWERS:
        return text.where(~gone, keep[0]), keep, {"levels": int(text[gone].nunique()), "answers": int(counted[gone].sum())}
    about = {"levels": int(text[gone].nunique()), "answers": int(counted[gone].sum())} if gone.any() else {}
    return text.where(~gone, "(other)"), [*keep, *(["(other)"] if gone.any() else [])], about


def _models(model, data):
    allowed = ("auto", "ols", "logit", "ordered")
    if model not in allowed:
        raise InputError(f"model is one of {', '.join(allowed)}, not {model!r}.")
    if model == "logit" and not data.binary:
        raise InputError("model='logit' is for a yes/no outcome; for grades take 'ols' or 'ordered'.")
    if model != "auto":
        return [model]
    if data.binary:
        return ["logit"]
    return ["ols", "ordered"] if len(np.unique(data.y)) <= 12 else ["ols"]


# ---- enough answers
def events(data, kind):
    """Events that a model's parameters live on: rows (OLS), the rarer answer (logit), Harrell's effective n (ordered)."""
    frequency = data.w if data.kind == "frequency" else np.ones(len(data.y))
    n = frequency.sum()
    if kind == "ols" or not n:
        return float(n)
    sizes = np.bincount(np.unique(data.y, return_inverse=True)[1], frequency)
    if kind == "logit":
        return float(sizes.min()) if len(sizes) > 1 else 0.0
    return float(n - (sizes**3).sum() / n**2)


def _per_parameter(data, design, kind):
    return events(data, kind) / max(design.x.shape[1], 1)


def _status(data, design, kind):
    if data.sample.n and len(np.unique(data.y)) < 2:
        return "degenerate"
    base = data.status(model=True)
    return "insufficient" if base == "insufficient" or _per_parameter(data, design, kind) < 5 else base


def _events_note(data, design, kind):
    per = _per_parameter(data, design, kind)
    return [Note("few_events", {"model": kind, "per_parameter": per, "events": events(data, kind)})] if per < 10 else []


# ---- the models
def _about(design, intercept=True):
    head = [dict(term="(intercept)", column="", level="", block="")] if intercept else []
    rows = [dict(term=t, column=c, level=v, block=b) for t, c, v, b in zip(design.x.columns, design.column, design.level, design.block)]
    return pd.DataFrame(head + rows)


def _spread(values, w):
    values = np.asarray(values, dtype=float)
    centre = np.average(values, axis=0, weights=w)
    return np.sqrt(np.average((values - centre) ** 2, axis=0, weights=w))


def vif(x, w):
    """Variance inflation of every column: diagonal of the inverse correlation matrix; NaN where columns alias."""
    x = np.asarray(x, dtype=float)
    spread = _spread(x, w)
    if x.shape[1] == 1:
        return np.ones(1)
    if np.any(spread <= 0):
        return np.full(x.shape[1], np.nan)
    z = (x - np.average(x, axis=0, weights=w)) / spread
    correlation = (z * w[:, None]).T @ z / w.sum()
    if np.linalg.cond(correlation) > 1e12:
        return np.full(x.shape[1], np.nan)
    return np.diag(np.linalg.inv(correlation)).copy()


def _blank(design, status):
    table = _about(design)
    for c in (
        "coef",
        "se",
        "ci_lo",
        "ci_hi",
        "stat",
        "p",
        "std_coef",
        "vif",
        "ame",
        "ame_lo",
        "ame_hi",
        "ame_mean",
        "ame_mean_lo",
        "ame_mean_hi",
    ):
        table[c] = np.nan
    return table.assign(status=status)


def _linear(data, design, ci_level):
    status, notes = _status(data, design, "ols"), _events_note(data, design, "ols")
    table = _blank(design, status)
    if status in ("insufficient", "degenerate"):
        return table, notes
    x = design.x.assign(**{"(intercept)": 1.0})[["(intercept)", *design.x.columns]]
    fit = fit_linear(data.y, x, data.w, kind=data.kind, clusters=data.clusters)
    if fit.aliased:
        return _blank(design, "not_identified"), [*notes, Note("aliased", {"terms": list(fit.aliased)})]
    lo, hi = fit.interval(ci_level)
    table = table.assign(coef=fit.coef, se=fit.se, ci_lo=lo, ci_hi=hi, stat=fit.coef / fit.se, p=fit.p)
    table["std_coef"] = [np.nan, *(fit.coef[1:] * _spread(design.x, data.w) / _spread(data.y, data.w))]
    table["vif"] = [np.nan, *vif(design.x, data.w)]
    table[["ame", "ame_lo", "ame_hi"]] = table[["coef", "ci_lo", "ci_hi"]].where(table["term"] != "(intercept)")
    table[["ame_mean", "ame_mean_lo", "ame_mean_hi"]] = table[["ame", "ame_lo", "ame_hi"]]
    return table, [*notes, Note("fit", {"model": "ols", "r2": fit.r2, "df": fit.df})]


def _chance(data, design, kind, event, ci_level):
    status, notes = _status(data, design, kind), _events_note(data, design, kind)
    if status in ("insufficient", "degenerate"):
        return _blank(design, status), notes
    fit = fit_answers(data.y, design.x, data.w, kind=data.kind, clusters=data.clusters)
    if fit.separated:
        notes.append(Note("separation", {"model": kind, "terms": list(fit.separated), "firth": fit.firth}))
    if np.isnan(fit.beta).any():
        notes += [Note("aliased", {"terms": list(fit.aliased)})] if fit.aliased else []
        return _blank(design, fit.status), notes
    table = _blank(design, status)
    table.loc[table["term"].isin(fit.separated), "status"] = "degenerate"
    line = _spread(np.asarray(design.x) @ fit.beta, data.w)
    for i in range(len(design.x.columns)):
        est, p = fit.contrast(np.eye(len(fit.beta))[i], ci_level)
        lo, hi, p = firth_interval(fit, data.y, i, ci_level) if fit.names[i] in fit.separated else (est.lo, est.hi, p)
        table.loc[i + 1, ["coef", "se", "ci_lo", "ci_hi", "stat", "p"]] = [est.value, est.se, lo, hi, est.value / est.se, p]
        table.loc[i + 1, "std_coef"] = est.value * _spread(design.x.iloc[:, i], data.w) / np.hypot(line, np.pi / np.sqrt(3))
        if fit.names[i] in fit.separated:
            continue
        for name, at_least in (("ame", event), *([("ame_mean", None)] if kind == "ordered" else [])):
            effect, _ = fit.marginal(i, at_least=at_least, ci_level=ci_level)
            table.loc[i + 1, [name, f"{name}_lo", f"{name}_hi"]] = [effect.value, effect.lo, effect.hi]
    if len(fit.thresholds) == 1:
        est, p = fit.estimate(np.eye(len(fit.params))[0] * -1, -fit.thresholds[0], ci_level)
        table.loc[0, ["coef", "se", "ci_lo", "ci_hi", "stat", "p"]] = [est.value, est.se, est.lo, est.hi, est.value / est.se, p]
    else:
        table = table.iloc[1:]
    table["vif"] = table["term"].map(dict(zip(design.x.columns, vif(design.x, data.w))))
    return table, [*notes, Note("fit", {"model": kind, "pseudo_r2": fit.pseudo_r2, "aic": fit.aic})]


# ---- blocks
@dataclass(frozen=True)
class _BlockFit:
    """One model of a hierarchy, linear or logit, in common terms."""

    blocks: list
    r2: float
    loglik: float
    null_loglik: float
    aic: float
    status: str
    wald: object


def _gaussian(ssr, n):
    return -n / 2 * (np.log(2 * np.pi) + np.log(ssr / n) + 1) if ssr > 0 else np.nan


def _fit(data, design, keep):
    at = [j for j, b in enumerate(design.block) if b in keep]
    names, kept = [design.x.columns[j] for j in at], [design.block[j] for j in at]
    if data.binary and at:
        fit = fit_answers(data.y, design.x[names], data.w, kind=data.kind, clusters=data.clusters)
        return _BlockFit(kept, fit.pseudo_r2, fit.loglik, fit.null_loglik, fit.aic, fit.status, fit.wald)
    if data.binary:
        fit = fit_answers(data.y, np.empty((len(data.y), 0)), data.w, kind=data.kind)
        return _BlockFit([], 0.0, fit.null_loglik, fit.null_loglik, 2 - 2 * fit.null_loglik, "ok", None)
    x = np.column_stack([np.ones(len(data.y)), design.x[names]])
    fit = fit_linear(data.y, x, data.w, names=["(intercept)", *names], kind=data.kind, clusters=data.clusters)
    total = float(data.w @ (data.y - np.average(data.y, weights=data.w)) ** 2) if len(data.y) else np.nan
    loglik, null = _gaussian(fit.ssr, fit.n), _gaussian(total, fit.n)
    status = "not_identified" if fit.aliased else "ok"

    def wald(columns):
        return fit.wald(np.eye(len(fit.coef))[[j + 1 for j in columns]])

    return _BlockFit(kept, fit.r2, loglik, null, 2 * (len(fit.coef) + 1) - 2 * loglik, status, wald)


def _null_aic(data):
    if not len(data.y):
        return np.nan
    return _fit(data, Design(pd.DataFrame(index=range(len(data.y))), [], [], []), []).aic


def _summed(rows, groups):
    """Rows added up by group."""
    out = np.zeros((groups.max() + 1, rows.shape[1]))
    np.add.at(out, groups, rows)
    return out


def _r2_draws(data, design, present, n_boot, seed):
    """ΔR² of every block in every bootstrap sample, from weighted cross-products alone."""
    x = np.column_stack([np.ones(len(data.y)), design.x, data.y - np.average(data.y, weights=data.w)])
    k = x.shape[1] - 1
    products = np.einsum("ij,ik->ijk", x, x).reshape(len(x), -1)
    rng, clusters = generator(seed, "M20.blocks"), data.clusters
    frequency = data.w if data.kind == "frequency" else None
    if frequency is None:
        products = products * data.w[:, None]
        if clusters is None and len(x) > MANY:  # beyond that, equal random groups of rows are drawn in their stead
            products = _summed(products, rng.permutation(len(x)) % GROUPS)
    deltas = []
    for times in counts(len(products), n_boot, rng, clusters=clusters, frequency=frequency):
        sums = (times @ products).reshape(len(times), k + 1, k + 1)
        total = sums[:, k, k] - sums[:, 0, k] ** 2 / sums[:, 0, 0]
        before, row = np.zeros(len(times)), []
        for i in range(len(present)):
            at = [0, *[j + 1 for j, b in enumerate(design.block) if b in present[: i + 1]]]
            left, right = sums[:, at][:, :, at], sums[:, at, k]
            left = left + 1e-10 * np.trace(left, axis1=1, axis2=2)[:, None, None] * np.eye(len(at)) / len(at)
            explained = np.einsum("ij,ij->i", right, np.linalg.solve(left, right[..., None])[..., 0])
            r2 = (explained - sums[:, 0, k] ** 2 / sums[:, 0, 0]) / total
            row.append(r2 - before)
            before = r2
        deltas.append(np.column_stack(row))
    return np.vstack(deltas)

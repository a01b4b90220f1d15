"""Net promoter score with its three shares and its uncertainty; differences of groups and of the same persons (method M03)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import base_status, benjamini_hochberg, holm, sample
from delight.result import STATUSES, Note, Result
from delight.satisfaction.answers import Answers
from delight.scales import check_scale

METHOD = "M03"
PROMOTER_FROM, DETRACTOR_TO = 9, 6


def promoter_score(values):
    """1 for promoters (9-10), 0 for passives (7-8), -1 for detractors (up to 6)."""
    values = np.asarray(values, dtype=float)
    return (values >= PROMOTER_FROM - 1e-9).astype(float) - (values <= DETRACTOR_TO + 1e-9).astype(float)


def score_label(scale):
    """``NPS`` on 0-10, ``NPS-like (1–10)`` on 1-10, None on scales that have no promoters."""
    return {(0, 10): "NPS", (1, 10): "NPS-like (1–10)"}.get((scale.min, scale.max))


def interval(promoters, detractors, n, *, se=None, method="adjusted_wald", ci_level=0.95):
    """Limits of a net promoter score in points (-100 to 100).

    Parameters
    ----------
    promoters, detractors : float
        Shares, 0-1.
    n : float
        Answers, or the effective n.
    se : float, optional
        Standard error in points for the Wald interval; by default the multinomial one.
    method : {"adjusted_wald", "wald"}
        Adjusted Wald adds ¾ to promoters and detractors and 3 to n, and clips to ±100.

    References
    ----------
    Rocks, B. (2016). The American Statistician 70, 365-372.
    """
    if not n > 0:
        return np.nan, np.nan
    z = stats.norm.ppf(0.5 + ci_level / 2)
    centre = promoters - detractors
    if np.isinf(n):
        return 100 * centre, 100 * centre
    if method == "wald":
        half = z * (100 * np.sqrt(max(promoters + detractors - centre**2, 0) / n) if se is None else se)
        return 100 * centre - half, 100 * centre + half
    promoters, detractors = (n * promoters + 0.75) / (n + 3), (n * detractors + 0.75) / (n + 3)
    centre = promoters - detractors
    half = z * np.sqrt(max(promoters + detractors - centre**2, 0) / (n + 3))
    return 100 * max(centre - half, -1.0), 100 * min(centre + half, 1.0)


def nps(
    frame,
    *,
    y,
    scale,
    by=(),
    method="adjusted_wald",
    minimum=1,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    strata=None,
    population=None,
    labels=None,
    order=None,
    ci_level=0.95,
):
    """Net promoter score with the three shares it hides and the mean, for everybody and by group.

    Parameters
    ----------
    frame, y, scale, by, weights, weights_kind, clusters, strata, population, labels, order, ci_level
        As in `delight.satisfaction.levels`.
    method : {"adjusted_wald", "wald"}
    minimum : int
        Groups with fewer answers get no score (``insufficient``); 30 for locations (M42).

    Returns
    -------
    Result
        Rows ``by, group``: ``label`` (``NPS``, or ``NPS-like (1–10)``), ``promoters, passives, detractors`` (0-1, each ``_lo, _hi``),
        ``nps, se, ci_lo, ci_hi`` (points), ``mean``, ``method, n, n_missing, n_eff, status``. A scale other than 0-10 or 1-10:
        NaN, ``not_identified``. No answer: NaN, ``insufficient``.

    Raises
    ------
    InputError
        Unknown column or method, score outside the scale, negative weight.

    Notes
    -----
    NPS = 100 (p - d), Var = (p + d - (p - d)²)/n without weights; with weights or a design by linearisation.

    References
    ----------
    Reichheld, F. F. (2003). Harvard Business Review 81(12). Rocks, B. (2016). The American Statistician 70, 365-372.
    """
    if method not in ("adjusted_wald", "wald"):
        raise InputError(f"method is 'adjusted_wald' or 'wald', not {method!r}.")
    answers = Answers(
        frame,
        y,
        scale,
        weights=weights,
        weights_kind=weights_kind,
        clusters=clusters,
        strata=strata,
        population=population,
        labels=labels,
    )
    label = score_label(scale)
    rows = [_row(answers, group, label, method, minimum, ci_level) for group in answers.groups(by, order=order)]
    notes = [*answers.notes]
    if label is None:
        notes.append(Note("no_nps_scale", {"scale": str(scale)}))
    elif label != "NPS":
        notes.append(Note("nps_like", {"scale": str(scale)}))
    return Result.of(
        METHOD,
        rows,
        function="delight.satisfaction.nps.nps",
        notes=notes,
        status=rows[0]["status"],
        **answers.meta,
        y=y,
        scale=scale,
        ci_level=ci_level,
        interval=method,
    )


def _parts(answers, inside):
    """Promoters, detractors, standard error in points and effective n of the rows inside."""
    score = promoter_score(answers.y)
    found = answers.design.mean(score, inside)
    w = (answers.design.w * answers.design.f)[inside]
    p, d = float((w * (score[inside] > 0)).sum() / w.sum()), float((w * (score[inside] < 0)).sum() / w.sum())
    if not answers.design.simple:
        se = 100 * found.se
    elif answers.used.kind == "sampling" and found.n > 1:
        se = 100 * found.se * np.sqrt((found.n - 1) / found.n)
    else:
        se = 100 * np.sqrt(max(p + d - (p - d) ** 2, 0) / found.n)
    return p, d, se, found


def _row(answers, group, label, method, minimum, ci_level):
    shares = ("promoters", "passives", "detractors")
    names = [f"{s}{end}" for s in shares for end in ("", "_lo", "_hi")] + ["nps", "se", "ci_lo", "ci_hi", "mean"]
    row = {**group.key, "label": label or "", **dict.fromkeys(names, np.nan), "method": method, **group.counts, "n_eff": float(group.n)}
    if label is None:
        return {**row, "status": "not_identified"}
    if not group.n or group.n < minimum:
        return {**row, "status": "insufficient"}
    p, d, se, found = _parts(answers, group.inside)
    score = promoter_score(answers.y)
    for name, value in zip(shares, (1, 0, -1)):
        share = answers.design.share(score == value, group.inside, ci_level=ci_level)[0]
        row |= {name: share.value, f"{name}_lo": share.lo, f"{name}_hi": share.hi}
    lo, hi = interval(p, d, answers.design.score_n(found, ci_level), se=se, method=method, ci_level=ci_level)
    w = (answers.design.w * answers.design.f)[group.inside]
    row |= {"nps": 100 * (p - d), "se": se, "ci_lo": lo, "ci_hi": hi, "n_eff": found.n_eff}
    row["mean"] = float(np.average(answers.y[group.inside], weights=w))
    return {**row, "status": found.status}


def nps_compare(frame, *, y, scale, by, against="rest", order=None, ci_level=0.95, **design):
    """Differences of net promoter scores between independent groups, by z.

    Parameters
    ----------
    frame, y, scale, order, ci_level
        As in `nps`.
    by : str or sequence of str
        Columns whose groups are compared.
    against : {"rest", "pairs"} or str
        Every group with the others of its column together, every two groups, or every group with this one.
    **design
        ``weights, weights_kind, clusters, strata, population, labels`` as in `nps`.

    Returns
    -------
    Result
        Rows ``by, group, other`` (``rest`` for the others): ``nps, nps_other, diff, se_diff, ci_lo, ci_hi`` (points), ``stat, p``,
        ``p_adj`` (Benjamini-Hochberg over the table), ``p_holm``, ``n, n_other, n_missing, n_eff, status``. No spread in either: NaN p,
        ``degenerate``.

    Notes
    -----
    z = diff / sqrt(Var1 + Var2); with clusters the variance of the difference over clusters and t(G-1).
    """
    answers = Answers(frame, y, scale, **design)
    label = score_label(scale)
    rows = []
    for column in [by] if isinstance(by, str) else list(by):
        for first, second in pairs(answers.groups(column, whole=False, order=order), against):
            rows.append(_difference(answers, first, second, label, ci_level))
    table = pd.DataFrame(rows)
    if len(table):
        table["p_adj"], table["p_holm"] = benjamini_hochberg(table["p"]), holm(table["p"])
    return Result.of(
        "M03.compare",
        table,
        function="delight.satisfaction.nps.nps_compare",
        notes=answers.notes,
        **answers.meta,
        y=y,
        scale=scale,
        ci_level=ci_level,
        against=against,
    )


def pairs(groups, against):
    """The pairs of groups to compare: (group, other) with ``other.group`` ``rest`` for all others of the column together."""
    if against == "pairs":
        return [(a, b) for i, a in enumerate(groups) for b in groups[i + 1 :]]
    if against != "rest":
        chosen = next((g for g in groups if g.group == against), None)
        if chosen is None:
            raise InputError(f"against is 'rest', 'pairs' or one of the groups, not {against!r}.")
        return [(g, chosen) for g in groups if g is not chosen]
    found = []
    for one in groups if len(groups) > 1 else []:
        others = [g for g in groups if g is not one]
        inside = np.any([g.inside for g in others], axis=0)
        found.append((one, type(one)(one.by, "rest", inside, sum(g.n for g in others), sum(g.n_missing for g in others))))
    return found


def _difference(answers, first, second, label, ci_level):
    row = {**first.key, "other": second.group, "n": first.n, "n_other": second.n, "n_missing": first.n_missing + second.n_missing}
    blank = dict.fromkeys(["nps", "nps_other", "diff", "se_diff", "ci_lo", "ci_hi", "stat", "p", "n_eff"], np.nan)
    if label is None or not first.n or not second.n:
        return {**row, **blank, "status": "not_identified" if label is None else "insufficient"}
    p1, d1, se1, one = _parts(answers, first.inside)
    p2, d2, se2, two = _parts(answers, second.inside)
    diff = 100 * (p1 - d1 - p2 + d2)
    df = np.inf
    if answers.design.simple:
        se = float(np.hypot(se1, se2))
    else:
        found, _ = answers.design.difference(promoter_score(answers.y), first.inside, second.inside)
        se, df = 100 * found.se, found.df if answers.design.clusters is not None else np.inf
    row |= {"nps": 100 * (p1 - d1), "nps_other": 100 * (p2 - d2), "diff": diff, "se_diff": se, "n_eff": one.n_eff + two.n_eff}
    status = max(one.status, two.status, key=STATUSES.index)
    if np.isnan(se):
        return {**row, "stat": np.nan, "p": np.nan, "ci_lo": np.nan, "ci_hi": np.nan, "status": status}
    if not se > 0:
        return {**row, "ci_lo": diff, "ci_hi": diff, "stat": np.nan, "p": np.nan, "status": "degenerate"}
    half = stats.t.ppf(0.5 + ci_level / 2, df) * se
    stat = diff / se
    row |= {"ci_lo": diff - half, "ci_hi": diff + half, "stat": stat, "p": float(2 * stats.t.sf(abs(stat), df))}
    return {**row, "status": status}


def nps_paired(frame, *, y, other, scale, weights=None, weights_kind="sampling", ci_level=0.95):
    """Change in net promoter score of the same persons: `y` minus `other`, two columns of one row a person.

    Returns
    -------
    Result
        One row: ``nps, nps_other, diff, se_diff, ci_lo, ci_hi, stat, p``, ``n`` (complete pairs), ``n_missing, n_eff, status``.

    Notes
    -----
    Differences of the scores 1, 0, -1 with z and variance mean((δ - mean)²)/n.
    """
    for column in (y, other):
        check_scale(frame[column], scale, column=column)
    used = sample(frame, [y, other], weights=weights, weights_kind=weights_kind)
    now, before = promoter_score(used.frame[y]), promoter_score(used.frame[other])
    keys = ["nps", "nps_other", "diff", "se_diff", "ci_lo", "ci_hi", "stat", "p"]
    row = {"by": "whole", "group": "", **dict.fromkeys(keys, np.nan), "n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff}
    row["status"] = "insufficient" if not used.n else base_status(used.n, used.n_eff)
    if score_label(scale) is None:
        row["status"] = "not_identified"
    elif used.n:
        delta = now - before
        centre = np.average(delta, weights=used.w)
        spread = (delta - centre) ** 2
        if used.kind == "sampling":
            se = 100 * np.sqrt((used.w**2 * spread).sum()) / used.w.sum()
        else:
            se = 100 * np.sqrt((used.w * spread).sum() / used.n**2)
        half = stats.norm.ppf(0.5 + ci_level / 2) * se
        row |= {"nps": 100 * np.average(now, weights=used.w), "nps_other": 100 * np.average(before, weights=used.w)}
        row |= {"diff": 100 * centre, "se_diff": se, "ci_lo": 100 * centre - half, "ci_hi": 100 * centre + half}
        if se > 0:
            row |= {"stat": 100 * centre / se, "p": float(2 * stats.norm.sf(abs(100 * centre / se)))}
        else:
            row["status"] = "degenerate"
    return Result.of(
        "M03.paired",
        [row],
        function="delight.satisfaction.nps.nps_paired",
        **used.meta,
        y=y,
        other=other,
        scale=scale,
        ci_level=ci_level,
    )

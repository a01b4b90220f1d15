"""What changed since the last measurement? Levels by wave with the change, its test and the change one could have seen (M38)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import base_status, benjamini_hochberg
from delight.result import Note, Result
from delight.satisfaction.answers import Answers
from delight.satisfaction.nps import interval, promoter_score, score_label

METHOD = "M38"


def waves(
    frame,
    *,
    y,
    scale,
    order,
    wave="wave",
    recommend=None,
    recommend_scale=None,
    delight_from=None,
    respondent=None,
    power=0.8,
    ci_level=0.95,
    **design,
):
    """Mean and delight share (and net promoter score) by wave, with the change to the wave before.

    Parameters
    ----------
    frame : DataFrame, one row a response of any wave; unchanged.
    y, scale
        Column of satisfaction and its scale.
    order : sequence of str
        Waves, oldest first; a wave without an answer keeps its row.
    wave : str
        Column of the wave.
    recommend, recommend_scale : str, Scale, optional
        Column for the net promoter score.
    delight_from : float, optional
        As in `levels`.
    respondent : str, optional
        Column of persons: those who answered in both waves are matched, which the test of a change then takes into account.
    power : float
        Chance of seeing the minimum detectable change `mdc`.
    **design
        ``weights, weights_kind, clusters, strata, population, labels`` as in `levels`; `population` may also be a dict by wave of
        such dicts. With clusters the same cluster is matched over waves.

    Returns
    -------
    Result
        Rows ``measure`` (``mean, share_delighted, nps``) by ``wave``: ``by="wave", group, wave_order, value, ci_lo, ci_hi, previous``,
        ``change, change_lo, change_hi, se_change, p, p_adj`` (Benjamini-Hochberg over the table), ``mdc, n_matched``,
        ``n, n_missing, n_eff, status``. Shares 0-1, score in points. The first wave has no change.

    Notes
    -----
    Means: Welch; shares and score: z on the linearised variances; matched persons or clusters lower the variance of the change by
    twice their covariance. mdc = (z(1-α/2) + z(power)) · se_change.
    """
    known = set(frame[wave].dropna().unique())
    order = [str(w) for w in order]
    if not known & set(order):
        raise InputError(f"Column '{wave}' holds none of the waves {', '.join(order)}.")
    questions = [("mean", y, scale), ("share_delighted", y, scale)]
    if recommend:
        questions.append(("nps", recommend, recommend_scale))
    threshold = scale.delight_from if delight_from is None else delight_from
    match = design.get("clusters") or respondent
    rows, notes, metas = [], {}, []
    for measure, column, its_scale in questions:
        if measure == "share_delighted" and threshold is None or measure == "nps" and score_label(its_scale) is None:
            continue
        before = None
        for position, name in enumerate(order):
            now = _wave(frame[frame[wave] == name], measure, column, its_scale, threshold, match, ci_level, _by_wave(design, name))
            notes |= {note.code: note for note in now["notes"]}
            metas += [now["meta"]] if measure == "mean" else []
            row = {"measure": measure, "by": "wave", "group": name, "wave_order": position, **now["row"]}
            rows.append({**row, **_change(before, now, power, ci_level)})
            before = {**now, "name": name} if now["row"]["n"] else before
    table = pd.DataFrame(rows)
    table["p_adj"] = benjamini_hochberg(table["p"])
    totals = {key: sum(m[key] for m in metas) for key in ("n_in", "n_used", "n_dropped_missing", "n_eff")}
    if table["n_matched"].fillna(0).max() > 0:
        notes["matched"] = Note("matched", {"by": match, "n": int(table["n_matched"].max())})
    return Result.of(
        METHOD,
        table,
        function="delight.satisfaction.waves.waves",
        notes=list(notes.values()),
        **{**metas[-1], **totals},
        y=y,
        scale=scale,
        recommend=recommend,
        delight_from=threshold,
        waves=order,
        power=power,
        ci_level=ci_level,
    )


def _by_wave(design, name):
    """The design of one wave: population may be given by wave."""
    population = design.get("population")
    if isinstance(population, dict) and population and all(isinstance(v, dict) for v in population.values()):
        return {**design, "population": population.get(name)}
    return design


def _wave(frame, measure, column, scale, threshold, match, ci_level, design):
    """Level of one wave, and what each person or cluster contributes to it."""
    answers = Answers(frame, column, scale, **design)
    scores = {
        "mean": answers.y,
        "share_delighted": None if threshold is None else (answers.y >= threshold - 1e-9).astype(float),
        "nps": 100 * promoter_score(answers.y),
    }[measure]
    found = answers.design.mean(scores, ci_level=ci_level)
    lo, hi = found.lo, found.hi
    if measure == "share_delighted":
        share = answers.design.share(scores, ci_level=ci_level)[0]
        lo, hi = share.lo, share.hi
    if measure == "nps" and found.n:
        w = answers.design.w * answers.design.f
        p, d = (w * (scores > 0)).sum() / w.sum(), (w * (scores < 0)).sum() / w.sum()
        lo, hi = interval(p, d, found.n_eff, ci_level=ci_level)
    status = "insufficient" if not found.n else "assumption_warning" if found.interval == "few" else base_status(found.n)
    row = {"value": found.value, "ci_lo": lo, "ci_hi": hi, "n": found.n, "n_missing": answers.used.n_missing, "n_eff": found.n_eff}
    u = answers.design.influence(scores)[1]
    if measure != "mean" and answers.design.simple and found.n > 1:  # shares and scores: variance over n, not n - 1 (M03)
        shrink = np.sqrt((found.n - 1) / found.n)
        u, found = u * shrink, replace(found, se=found.se * shrink)
    shared = pd.Series(dtype=float)
    if match and match in answers.used.frame and found.n > 1:
        keys = answers.used.frame[match]
        if answers.clusters:
            first = np.unique(answers.design.clusters, return_index=True)[1]
            keys = keys.iloc[first]
        shared = pd.Series(u, index=keys.to_numpy()).groupby(level=0).sum()
    return {
        "row": {**row, "status": status},
        "found": found,
        "exact": measure == "mean" or answers.clusters is not None,
        "shared": shared,
        "notes": answers.notes,
        "meta": answers.meta,
    }


def _change(before, now, power, ci_level):
    """Columns of the change since the wave before."""
    keys = ["change", "change_lo", "change_hi", "se_change", "p", "mdc"]
    blank = {"previous": None if before is None else before["name"], **dict.fromkeys(keys, np.nan), "n_matched": 0}
    if before is None or not now["row"]["n"]:
        return blank
    a, b = before["found"], now["found"]
    change = b.value - a.value
    both = before["shared"].index.intersection(now["shared"].index)
    covariance = float((before["shared"][both] * now["shared"][both]).sum())
    variance = a.se**2 + b.se**2 - 2 * covariance
    se = float(np.sqrt(variance)) if variance > 0 else np.nan
    if not se > 0:
        return {**blank, "change": change, "n_matched": len(both)}
    df = np.inf
    if now["exact"]:
        df = (a.se**2 + b.se**2) ** 2 / (a.se**4 / a.df + b.se**4 / b.df) if a.df > 0 and b.df > 0 and a.se + b.se > 0 else np.nan
    half = stats.t.ppf(0.5 + ci_level / 2, df) * se
    return {
        **blank,
        "change": change,
        "change_lo": change - half,
        "change_hi": change + half,
        "se_change": se,
        "p": float(2 * stats.t.sf(abs(change) / se, df)),
        "mdc": float((stats.norm.ppf(0.5 + ci_level / 2) + stats.norm.ppf(power)) * se),
        "n_matched": len(both),
    }

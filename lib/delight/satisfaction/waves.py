"""What changed since the last measurement? Levels by wave with the change, its test and the change one could have seen (M38)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import benjamini_hochberg, need_columns, wave_names
from delight.result import Note, Result
from delight.satisfaction import composition as mix
from delight.satisfaction.answers import Answers
from delight.satisfaction.groups import brunner_munzel, counted, hedges
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
    composition=(),
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
    composition : sequence of str
        Columns that say who answered (background, location), most important first; with them the change is divided into what the other make-up
        of those who answered does and what other grades of alike customers do. Columns that cannot be compared over two waves are noted.
    power : float
        Chance of seeing the minimum detectable change `mdc`.
    **design
        ``weights, weights_kind, clusters, strata, population, labels`` as in `levels`; `population` may also be a dict by wave of
        such dicts. With clusters the same cluster is matched over waves.

    Returns
    -------
    Result
        Rows ``measure`` (``mean, share_delighted, nps``) by ``wave``: ``by="wave", group, wave_order, value, ci_lo, ci_hi, previous``,
        ``change, change_lo, change_hi, se_change, p, p_adj`` (Benjamini-Hochberg over the table), ``mdc`` (minimum detectable change),
        of means ``d, d_lo, d_hi`` (Hedges' g) and, of other persons without weights or clusters, Brunner-Munzel's ``p_bm``,
        ``swing`` (what a change by chance alone stays below with `ci_level`; √2 times the half-width for waves of equal size), ``n_matched``;
        with `composition` also ``mix_part, rate_part, adjusted_change``, each with ``_lo, _hi, _p`` (and ``mix_part_p_adj``), and
        ``adjusted, adjusted_lo, adjusted_hi``: the level with the make-up of the newest wave; ``n, n_missing, n_eff, status``. Shares
        0-1, score in points. The first wave has no change.

    Notes
    -----
    Means: Welch; shares and score: z on the linearised variances; matched persons or clusters lower the variance of the change by
    twice their covariance. mdc = (z(1-α/2) + z(power)) · se_change. Mix and rate: `delight.satisfaction.composition`. With the location among the
    columns of `composition` the adjusted change is the change within locations: what a mixed model with a random effect of the
    location estimates where locations return, without its assumptions.
    """
    need_columns(frame, [wave])
    named, order = wave_names(frame[wave]), wave_names(list(order)).tolist()
    if not named.isin(order).any():
        raise InputError(f"Column '{wave}' holds none of the waves {', '.join(order)}.")
    questions = [("mean", y, scale), ("share_delighted", y, scale)]
    if recommend:
        questions.append(("nps", recommend, recommend_scale))
    threshold = scale.delight_from if delight_from is None else delight_from
    match = design.get("clusters") or respondent
    columns = [composition] if isinstance(composition, str) else list(composition)
    need_columns(frame, columns)
    rows, notes, metas = [], {}, []
    for measure, column, its_scale in questions:
        if measure == "share_delighted" and threshold is None or measure == "nps" and score_label(its_scale) is None:
            continue
        before, found = None, []
        for position, name in enumerate(order):
            now = _wave(frame[named == name], measure, column, its_scale, threshold, match, ci_level, _by_wave(design, name))
            notes |= {note.code: note for note in now["notes"]}
            metas += [now["meta"]] if measure == "mean" else []
            row = {"measure": measure, "by": "wave", "group": name, "wave_order": position, **now["row"]}
            row |= _change(before, now, power, ci_level)
            parts, left = mix.estimate(now["wave"], before["wave"], columns) if before and columns else ({}, ())
            if left and position == len(order) - 1:
                notes["composition_left_out"] = Note("composition_left_out", {"columns": list(left)})
            found.append((row | mix.columns_of(parts, mix.PARTS, ci_level), now))
            before = {**now, "name": name} if now["row"]["n"] else before
        rows += [row | _adjusted(now, before, columns, ci_level) for row, now in found]
    table = pd.DataFrame(rows)
    table["p_adj"] = benjamini_hochberg(table["p"])
    table["mix_part_p_adj"] = benjamini_hochberg(table["mix_part_p"])
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
        composition=columns,
        power=power,
        ci_level=ci_level,
    )


def _by_wave(design, name):
    """The design of one wave: population may be given by wave."""
    population = design.get("population")
    if isinstance(population, dict) and population and all(isinstance(v, dict) for v in population.values()):
        return {**design, "population": dict(zip(wave_names(list(population)), population.values())).get(name)}
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
        lo, hi = interval(p, d, answers.design.score_n(found, ci_level), ci_level=ci_level)
    status = found.status
    row = {
        "measure": measure,
        "value": found.value,
        "ci_lo": lo,
        "ci_hi": hi,
        "n": found.n,
        "n_missing": answers.used.n_missing,
        "n_eff": found.n_eff,
    }
    u = answers.design.influence(scores)[1]
    if measure != "mean" and answers.design.simple and found.n > 1:  # shares and scores: variance over n, not n - 1 (M03)
        shrink = np.sqrt((found.n - 1) / found.n)
        u, found = u * shrink, replace(found, se=found.se * shrink)
    shared, keys = pd.Series(dtype=float), None
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
        "counted": counted(answers),
        "wave": mix.Wave(scores, answers.used.frame, answers.design, keys),
        "notes": answers.notes,
        "meta": answers.meta,
    }


def _change(before, now, power, ci_level):
    """Columns of the change since the wave before."""
    keys = ["change", "change_lo", "change_hi", "se_change", "p", "mdc", "swing", "d", "d_lo", "d_hi", "p_bm"]
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
    if now["row"]["measure"] == "mean":
        blank |= dict(zip(("d", "d_lo", "d_hi"), hedges(b, a, se, ci_level)))
        one, two = now["wave"], before["wave"]
        alone = now["counted"] and before["counted"] and not len(both) and min(a.n, b.n) > 1
        blank["p_bm"] = brunner_munzel(*(np.repeat(w.y, w.design.f.astype(int)) for w in (one, two)))[0] if alone else np.nan
    return {
        **blank,
        "change": change,
        "change_lo": change - half,
        "change_hi": change + half,
        "se_change": se,
        "p": float(2 * stats.t.sf(abs(change) / se, df)),
        "mdc": float((stats.norm.ppf(0.5 + ci_level / 2) + stats.norm.ppf(power)) * se),
        "swing": half,
        "n_matched": len(both),
    }


def _adjusted(wave, newest, columns, ci_level):
    """Columns of the level of a wave with the make-up of the newest one."""
    names = ("adjusted", "adjusted_lo", "adjusted_hi")
    if not columns or newest is None or not wave["row"]["n"]:
        return dict.fromkeys(names, np.nan)
    if wave["wave"] is newest["wave"]:
        return dict(zip(names, (wave["row"][c] for c in ("value", "ci_lo", "ci_hi"))))
    found = mix.columns_of(mix.estimate(newest["wave"], wave["wave"], columns)[0], ("adjusted",), ci_level)
    return {name: found[name] for name in names}

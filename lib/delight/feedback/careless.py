"""Signs of careless answering (methods M01): flags that are shown and never used to remove anybody silently."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from delight import estimate
from delight.result import Note, Result

FLAGS = ("speeder", "long_run", "no_variation", "mahalanobis")
_FUNCTION = "delight.feedback.careless.flags"


class Careless(NamedTuple):
    """Flags by respondent, who is flagged by score band, and what the mean would be without them."""

    flags: Result
    flagged: Result
    sensitivity: Result


def flags(
    frame,
    *,
    items,
    scales,
    reversed_items=(),
    duration=None,
    y=None,
    scale=None,
    weights=None,
    weights_kind="sampling",
    min_items=8,
    run_share=0.8,
    alpha=0.001,
):
    """Flag respondents who may not have read the questions.

    Parameters
    ----------
    frame : DataFrame, one row a response
        With ``respondent`` and ``wave``; unchanged.
    items : list of str
        Rated attributes in the order they were asked; those of one scale make a battery.
    scales : dict of column to Scale
        Items without one are left out.
    reversed_items : sequence of str
        Items that were turned on reading: turned back, since a straight line is drawn on the paper.
    duration : str, optional
        Seconds; below a third of the wave's median flags a ``speeder``.
    y, scale : str, Scale, optional
        The outcome by whose band flags are counted.
    weights, weights_kind : str, optional
        Of the means with and without the flagged; the flagged themselves are counted as they are.
    min_items : int
        Smallest battery in which runs and variation are looked at; a person must have answered as many.
    run_share : float
        Share of a battery that one identical run must reach.
    alpha : float
        Level of the squared Mahalanobis distance from the mean, chi-square with as many degrees of freedom as items; complete
        answers only.

    Returns
    -------
    Careless
        ``flags``: respondent, wave, flag, value, cut. ``flagged``: flag, band, n, n_flagged, share_flagged.
        ``sensitivity``: flag, n, n_flagged, mean, mean_without, diff, se, shown (|diff| > 0.5 se).

    Notes
    -----
    Flags are no measure of truth: those who are very unhappy look like outliers, and the very happy draw straight lines. The mean
    without the flagged is therefore a sensitivity line and never the cleaner figure.

    References
    ----------
    Curran, P. G. (2016). J. Experimental Social Psychology 66, 4-19.
    """
    frame = frame.reset_index(drop=True)
    found, usable = [], {}

    def add(flag, who, value, cut, answered):
        usable[flag] = usable.get(flag, np.zeros(len(frame), bool)) | answered
        at = np.flatnonzero(who)
        cut = np.broadcast_to(cut, len(frame))
        found.append(pd.DataFrame({"row": at, "flag": flag, "value": np.asarray(value, float)[at], "cut": cut[at]}))

    if duration is not None:
        seconds = frame[duration]
        cut = (seconds.groupby(frame["wave"]).transform("median") / 3).to_numpy(dtype=float)
        with np.errstate(invalid="ignore"):
            add("speeder", seconds.to_numpy(float) < cut, seconds, cut, seconds.notna().to_numpy())
    for battery in _batteries(items, scales):
        x = frame[battery].to_numpy(dtype=float, copy=True)
        for j, column in enumerate(battery):
            if column in reversed_items:
                x[:, j] = scales[column].max + scales[column].min - x[:, j]
        if len(battery) >= min_items:
            _runs(x, min_items, run_share, add)
        _outliers(x, alpha, add)
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame({"row": [], "flag": [], "value": [], "cut": []})
    table = table.drop_duplicates(["row", "flag"]).astype({"row": int})
    return Careless(_by_respondent(frame, table, items), *_by_band(frame, table, usable, y, scale, weights, weights_kind))


def _batteries(items, scales):
    found = {}
    for item in items:
        s = scales.get(item)
        if s is not None:
            found.setdefault((s.min, s.max, s.step), []).append(item)
    return [b for b in found.values() if len(b) >= 2]


def _runs(x, min_items, run_share, add):
    known = ~np.isnan(x)
    answered = known.sum(axis=1)
    enough = answered >= min_items
    longest, run, last = (np.zeros(len(x)) for _ in range(3))
    last[:] = np.nan
    lowest, highest = np.full(len(x), np.inf), np.full(len(x), -np.inf)
    for column, has in zip(x.T, known.T):
        run = np.where(has, np.where(column == last, run + 1, 1), run)
        last = np.where(has, column, last)
        longest = np.maximum(longest, run)
        lowest, highest = np.where(has, np.minimum(lowest, column), lowest), np.where(has, np.maximum(highest, column), highest)
    add("long_run", enough & (longest >= run_share * answered), longest, np.ceil(run_share * answered - 1e-9), enough)
    add("no_variation", enough & (lowest == highest), np.zeros(len(x)), 0.0, enough)


def _outliers(x, alpha, add):
    complete = ~np.isnan(x).any(axis=1)
    n, k = int(complete.sum()), x.shape[1]
    if n <= 5 * k:
        return
    centred = x[complete] - x[complete].mean(axis=0)
    covariance = centred.T @ centred / (n - 1)
    values, vectors = np.linalg.eigh(covariance)
    if values[0] <= 1e-10 * values[-1]:
        return
    distance = np.full(len(x), np.nan)
    distance[complete] = (((centred @ vectors) ** 2) / values).sum(axis=1)
    cut = float(stats.chi2.isf(alpha, k))
    add("mahalanobis", np.nan_to_num(distance) > cut, distance, cut, complete)


def _by_respondent(frame, table, items):
    rows = table["row"].to_numpy()
    out = pd.DataFrame({"respondent": frame["respondent"].to_numpy()[rows], "wave": frame["wave"].to_numpy()[rows]})
    for name in ("flag", "value", "cut"):
        out[name] = table[name].to_numpy()
    answered = frame[items].notna().sum(axis=1).to_numpy() if items else np.zeros(len(frame), int)
    out["n"] = answered[rows]
    out["n_missing"], out["n_eff"] = len(items) - out["n"], out["n"].astype(float)
    order = pd.Categorical(out["flag"], FLAGS).codes
    out = out.iloc[np.lexsort((rows, order))].reset_index(drop=True)
    meta = {"rows": True, "n_in": len(frame), "n_used": len(frame), "n_flagged": int(pd.Series(rows).nunique())}
    return Result.of("M01.flags", out, function=_FUNCTION, **meta)


def _by_band(frame, table, usable, y, scale, weights=None, weights_kind="sampling"):
    bands, sensitivity = [], []
    w = (None if weights is None else frame[weights].to_numpy(dtype=float), weights_kind)
    if y is not None and scale is not None:
        values = frame[y].to_numpy(dtype=float)
        names, limits = _bands(scale)
        low, high = limits
        band = np.where(np.isnan(values), "", np.where(values <= low, names[0], np.where(values >= high, names[2], names[1])))
        for flag in FLAGS:
            if flag not in usable:
                continue
            hit = np.zeros(len(frame), bool)
            hit[table.loc[table["flag"] == flag, "row"].to_numpy()] = True
            for name in dict.fromkeys(names):
                inside = (band == name) & usable[flag]
                if name == names[1] and not inside.any() and low + 1 >= high:
                    continue
                n, k = int(inside.sum()), int((hit & inside).sum())
                status = "insufficient" if not n else "low_base" if n < 30 else "ok"
                row = {"flag": flag, "band": name, "n": n, "n_flagged": k, "share_flagged": k / n if n else np.nan}
                bands.append({**row, "n_missing": int(((band == name) & ~usable[flag]).sum()), "n_eff": float(n), "status": status})
            sensitivity.append(_without(flag, values, hit, w))
        any_ = np.zeros(len(frame), bool)
        any_[table["row"].to_numpy()] = True
        if usable:
            sensitivity.append(_without("any", values, any_, w))
    else:
        low = high = np.nan
    columns = ["flag", "band", "n", "n_flagged", "share_flagged", "n_missing", "n_eff", "status"]
    meta = {
        "function": _FUNCTION,
        "outcome": y,
        "scale": scale,
        "low_at_most": low,
        "high_from": high,
        "n_in": len(frame),
        "n_used": len(frame),
    }
    flagged = Result.of("M01.flagged", pd.DataFrame(bands, columns=columns), **meta)
    shown = [Note("flags_move_the_mean", {"flag": r["flag"], "diff": r["diff"], "se": r["se"]}) for r in sensitivity if r["shown"]]
    columns = ["flag", "n", "n_flagged", "n_missing", "n_eff", "mean", "mean_without", "diff", "se", "shown", "status"]
    return flagged, Result.of("M01.sensitivity", pd.DataFrame(sensitivity, columns=columns), notes=shown, **meta)


def _bands(scale):
    low_high = scale.low_high
    if low_high is None:
        third = (scale.max - scale.min) / 3
        low_high = (scale.min + third, scale.max - third)
        if scale.max - scale.min <= scale.step:
            low_high = (scale.min, scale.max)
    return ("low", "middle", "high"), low_high


def _without(flag, values, hit, weights=(None, "sampling")):
    w, kind = weights
    known = ~np.isnan(values) if w is None else ~np.isnan(values) & (np.nan_to_num(w) > 0)
    keep, n = known & ~hit, int(known.sum())

    def level(rows):
        return estimate.mean(values[rows], None if w is None else w[rows], kind="none" if w is None else kind)

    whole = level(known) if n else None
    mean, se = (whole.value, whole.se) if n else (np.nan, np.nan)
    without = level(keep).value if keep.any() else np.nan
    diff = without - mean
    status = "insufficient" if n < 2 or not keep.any() else "low_base" if n < 50 else "ok"
    counts = {"n": n, "n_flagged": int((hit & known).sum()), "n_missing": int((~known).sum()), "n_eff": float(n)}
    estimates = {"mean": mean, "mean_without": without, "diff": diff, "se": se, "shown": bool(abs(diff) > 0.5 * se)}
    return {"flag": flag, **counts, **estimates, "status": status}

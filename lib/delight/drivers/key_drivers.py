"""Which failures, taken together, tell dissatisfied customers from the others, and which excellences the delighted (method M16)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from delight import resample
from delight.drivers.prepare import check_columns
from delight.errors import InputError
from delight.estimate import base_status, sample
from delight.result import Note, Result

#: Fewer dissatisfied (or delighted) customers, or fewer others, say nothing.
FEWEST = 30
#: Most evaluations (answer patterns x draws) of the bootstrap; many patterns get fewer draws, never fewer than 400.
MOST = 4_000_000


def dissatisfiers(frame, **options):
    """Key dissatisfiers: the failures that reach the dissatisfied without blaming the satisfied; see `key`."""
    return key(frame, side="low", **options)


def enhancers(frame, **options):
    """Key enhancers: the excellences that reach the delighted without being found among the others; see `key`."""
    return key(frame, side="high", **options)


def key(
    frame,
    *,
    y,
    x,
    scales,
    side="low",
    cuts=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    mostly_missing_above=0.5,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Attributes in the order in which they set apart the dissatisfied (or the delighted), and where to stop.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y, x, scales, weights, weights_kind, clusters
        As in `penalty_reward.effects`.
    side : {"low", "high"}
        ``low``: dissatisfied customers and failing attributes; ``high``: delighted customers and excelling attributes.
    cuts : dict of str to (float, float), optional
        Column → (at most poor, at least good) instead of the scales' own (6 and 9 on 0-10 and 1-10, 2 and 5 on 1-5, 4 and 7 on 1-7).
    not_applicable : dict of str to str, optional
        What does not apply neither fails nor excels.
    mostly_missing_above : float
        An attribute that more than this share did not answer is left out.
    ci_level, n_boot, seed

    Returns
    -------
    Result
        One row an attribute, in order: ``order, attribute, shapley`` (part of the success of all attributes together, points of
        probability 0-1) with ``shapley_lo, shapley_hi``; ``reach_alone, noise_alone``; ``reach`` and ``noise`` (share with at least one
        of the attributes so far failing, among the dissatisfied and among the others), ``success`` (reach minus noise) with
        ``ci_lo, ci_hi``; ``is_key`` (success had not fallen up to here), ``key_prob`` (bootstrap share of draws, each with an order of its
        own, in which it is key), ``n_event`` (dissatisfied), ``n, n_missing, n_eff, status``.

        Fewer than 30 dissatisfied or 30 others: NaN, ``insufficient``. No cut for the outcome or an attribute: ``not_identified``.

    Notes
    -----
    v(S) = P(any of S fails | dissatisfied) - P(any of S fails | not). Every customer's part in v is shared equally by the attributes
    that failed her (the Shapley value of "at least one"), so that the values are exact for any number of attributes:
    shapley_j = mean over D of [j failed] / (number failed) - the same over the others. They add up to v of all attributes.

    References
    ----------
    Conklin, M., Powaga, K. & Lipovetsky, S. (2004). European Journal of Operational Research 154, 819-827.
    """
    if side not in ("low", "high"):
        raise InputError(f"side is 'low' or 'high', not {side!r}.")
    x, scales, flags = list(x), dict(scales or {}), dict(not_applicable or {})
    others = [*(flags[a] for a in x if a in flags), *([clusters] if clusters else [])]
    check_columns(frame, y, x, scales, others, weights=weights, weights_kind=weights_kind)
    limits = {c: (cuts or {}).get(c) or _cuts(scales.get(c)) for c in [y, *x]}
    scored = sample(frame, [y, *([clusters] if clusters else [])], weights=weights, weights_kind=weights_kind)
    rows, counted = scored.frame, scored.w if scored.kind == "frequency" else np.ones(len(scored.w))
    away = {a: rows[flags[a]].fillna(False).to_numpy(dtype=bool) if a in flags else np.zeros(len(rows), dtype=bool) for a in x}
    open_ = {a: rows[a].isna().to_numpy() & ~away[a] for a in x}
    rare = [a for a in x if counted[open_[a]].sum() > mostly_missing_above * max(counted.sum(), 1e-300)]
    judged = [a for a in x if limits[a] is not None and a not in rare]
    keep = ~np.any([open_[a] for a in judged], axis=0) if judged else np.ones(len(rows), dtype=bool)
    used = _Used(rows[keep], scored.w[keep], scored.kind, clusters, scored.n_in)
    notes = [Note("mostly_missing", {"attribute": a, "n": int(round(counted[~open_[a]].sum()))}) for a in rare]
    cell = None
    if limits[y] is not None:
        at = 0 if side == "low" else 1
        cell = _Cells(used, _beyond(used.rows[y], limits[y][at], side), {a: _beyond(used.rows[a], limits[a][at], side) for a in judged})
    table = _table(judged, cell, used, ci_level, n_boot, resample.generator(seed, f"M16.{side}"))
    left = [a for a in x if a not in judged]
    blank = [{"attribute": a, "status": "insufficient" if a in rare else "not_identified"} for a in left]
    table = pd.concat([table, pd.DataFrame(blank)], ignore_index=True) if blank else table
    table = table.reindex(columns=COLUMNS)
    table[["n", "n_missing", "n_eff"]] = used.n, used.n_in - used.n, used.n_eff
    table["is_key"] = table["is_key"].astype("boolean")
    meta = {"y": y, "x": x, "side": side, "cuts": {c: limits[c] for c in [y, *x]}, "scale": scales.get(y), "clusters": clusters}
    meta |= {"ci_level": ci_level, "n_boot": int(n_boot), "seed": seed, "n_in": used.n_in, "n_used": used.n, "weights": used.kind}
    meta |= {"n_dropped_missing": used.n_in - used.n, "n_eff": used.n_eff}
    return Result.of("M16", table, function="delight.drivers.key_drivers.key", notes=notes, **meta)


COLUMNS = [
    *("attribute", "order", "shapley", "shapley_lo", "shapley_hi", "reach_alone", "noise_alone", "reach", "noise", "success"),
    *("ci_lo", "ci_hi", "is_key", "key_prob", "n_event", "n", "n_missing", "n_eff", "status"),
]


def _cuts(scale):
    """(at most poor, at least good) of a scale; a yes-or-no question is poor at no and good at yes."""
    if scale is None:
        return None
    return (0, 1) if (scale.min, scale.max) == (0, 1) else scale.low_high


def _beyond(answers, cut, side):
    """Whether each answer fails (or excels); what does not apply does neither."""
    answers = answers.to_numpy(dtype=float)
    with np.errstate(invalid="ignore"):
        return answers <= cut if side == "low" else answers >= cut


class _Used:
    """The rows used, with their counts."""

    def __init__(self, rows, w, kind, clusters, n_in):
        self.rows, self.w, self.kind, self.n_in = rows, w, kind, n_in
        self.clusters = np.unique(rows[clusters].astype(str), return_inverse=True)[1] if clusters else None
        self.n_clusters = None if self.clusters is None else len(np.unique(self.clusters))
        self.n = int(round(w.sum())) if kind == "frequency" else len(w)
        self.n_eff = float(w.sum() ** 2 / (w**2).sum()) if kind == "sampling" and len(w) else float(self.n)


class _Cells:
    """Answers that are the same in everything that matters, counted: the data of one game."""

    def __init__(self, used, event, fails):
        matrix = np.column_stack([event, *fails.values()]) if fails else np.asarray(event)[:, None]
        weight = used.w / used.w.mean() if used.kind == "sampling" and len(used.w) else np.ones(len(used.w))
        clusters = used.clusters if used.clusters is not None else np.zeros(len(used.w))
        count = used.w if used.kind == "frequency" else np.ones(len(used.w))
        cells, at = np.unique(np.column_stack([matrix, clusters, weight]), axis=0, return_inverse=True)
        self.count = np.bincount(at.ravel(), count, minlength=len(cells))
        self.weight, self.kind = cells[:, -1], used.kind
        self.clusters = cells[:, -2].astype(int) if used.clusters is not None else None
        self.event = cells[:, 0] == 1
        self.n_event = int(round(self.count[self.event].sum()))
        self.n_other = int(round(self.count[~self.event].sum()))
        self.least = min(self._effective(self.event), self._effective(~self.event))
        self.fails, at = np.unique(cells[:, 1:-2] == 1, axis=0, return_inverse=True)  # patterns of failures
        place = at.ravel() + len(self.fails) * self.event
        self.of = sparse.csr_matrix((np.ones(len(cells)), (np.arange(len(cells)), place)), shape=(len(cells), 2 * len(self.fails)))

    def _effective(self, inside):
        """Effective answers of one side: those of their weights."""
        squared = (self.count * self.weight**2)[inside].sum()
        return float((self.count * self.weight)[inside].sum() ** 2 / squared) if squared > 0 else 0.0

    def masses(self, times):
        """Shares of the patterns among the others and among those with the event: two arrays (draws, patterns)."""
        mass = (self.of.T @ (times * self.weight).T).T
        others, event = np.split(mass, 2, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return others / others.sum(axis=1, keepdims=True), event / event.sum(axis=1, keepdims=True)

    def draws(self, n_boot, rng):
        """Masses of bootstrap samples, some at a time; none from a single cluster."""
        if self.clusters is not None and len(self.clusters) and np.ptp(self.clusters) == 0:
            return
        n_boot = int(min(n_boot, max(400, MOST // max(len(self.fails), 1))))
        for times in resample.counts(len(self.count), n_boot, rng, clusters=self.clusters, frequency=self.count, chunk=50):
            yield self.masses(times)


def shapley(fails, others, event):
    """Shapley values (draws, attributes) of reach minus noise: every customer's part goes in equal shares to what failed her."""
    parts = fails / np.maximum(fails.sum(axis=1, keepdims=True), 1)
    return (event - others) @ parts


def _path(fails, order, others, event):
    """(reach, noise) with one attribute more at each step, in each draw's own `order` (draws, attributes)."""
    draws, p = order.shape
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(p), order.shape), axis=1)
    first = np.where(fails[None], rank[:, None, :], p).min(axis=2)  # the step at which a pattern is reached
    flat = (first + (p + 1) * np.arange(draws)[:, None]).ravel()
    reached = [np.bincount(flat, mass.ravel(), minlength=draws * (p + 1)).reshape(draws, p + 1) for mass in (event, others)]
    return tuple(np.cumsum(r[:, :p], axis=1) for r in reached)


def _is_key(success):
    """Whether each step of a path (draws, attributes) comes before success first falls, and itself adds to it."""
    rises = np.diff(success, axis=1, prepend=0.0) > 1e-12
    return np.logical_and.accumulate(rises, axis=1)


def _table(judged, cell, used, ci_level, n_boot, rng):
    """Rows of the attributes judged, in order."""
    status = "not_identified" if cell is None else "ok"
    if cell is not None and cell.least < FEWEST:
        status = "insufficient"
    n_event = np.nan if cell is None else cell.n_event
    if status != "ok" or not judged:
        return pd.DataFrame({"attribute": judged, "n_event": n_event, "status": status})
    others, event = cell.masses(cell.count[None])
    value = shapley(cell.fails, others, event)
    order = np.argsort(-np.round(value, 12), axis=1, kind="stable")
    reach, noise = _path(cell.fails, order, others, event)
    parts, paths, keys = [], [], []
    for some_others, some_event in cell.draws(n_boot, rng) if n_boot else ():
        known = ~(np.isnan(some_others).any(axis=1) | np.isnan(some_event).any(axis=1))
        some_others, some_event = some_others[known], some_event[known]
        drawn = shapley(cell.fails, some_others, some_event)
        parts.append(drawn)
        same = np.broadcast_to(order, drawn.shape)
        some_reach, some_noise = _path(cell.fails, same, some_others, some_event)
        paths.append(some_reach - some_noise)
        own = np.argsort(-np.round(drawn, 12), axis=1, kind="stable")
        some_reach, some_noise = _path(cell.fails, own, some_others, some_event)
        key = np.zeros(drawn.shape)
        np.put_along_axis(key, own, _is_key(some_reach - some_noise).astype(float), axis=1)
        keys.append(key)
    alone = [(mass @ cell.fails)[0] for mass in (event, others)]
    at, blank = order[0], np.full(len(judged), np.nan)
    shapley_lo, shapley_hi = resample.percentile(np.concatenate(parts), ci_level) if parts else (blank, blank)
    lo, hi = resample.percentile(np.concatenate(paths), ci_level) if paths else (blank, blank)
    table = pd.DataFrame({"attribute": [judged[i] for i in at], "order": np.arange(1, len(at) + 1), "shapley": value[0, at]})
    table["shapley_lo"], table["shapley_hi"] = shapley_lo[at], shapley_hi[at]
    table["reach_alone"], table["noise_alone"] = alone[0][at], alone[1][at]
    table["reach"], table["noise"], table["success"] = reach[0], noise[0], reach[0] - noise[0]
    table["ci_lo"], table["ci_hi"] = lo, hi
    table["is_key"] = _is_key(reach - noise)[0]
    table["key_prob"] = np.concatenate(keys).mean(axis=0)[at] if keys else np.nan
    table["n_event"], table["status"] = n_event, base_status(cell.least, clusters=used.n_clusters)
    return table

"""What one point more on an experience would bring in delighted customers (what-if of method M15)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from delight import resample
from delight.drivers.model import entangled, prepare, steady
from delight.estimate import aliased_terms, base_status
from delight.logit import fit_logit
from delight.result import Note, Result

#: Most evaluations (rows x draws) of a what-if; more rows get fewer draws, never fewer than `FEWEST`.
MOST = 6_000_000
FEWEST = 400
MIN_SIDE = 15


def gains(
    frame,
    *,
    y,
    x,
    scales,
    delight_from,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    knots=None,
    raise_points=1.0,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Expected extra customers per 100 with `y` at or above `delight_from`, if an attribute rises.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y, x, scales, weights, weights_kind, clusters, not_applicable
        As in `penalty_reward.effects`.
    delight_from : float
        Lowest score of `y` that counts as delighted.
    knots : dict of str to float, optional
        Instead of the scales' own; without one the attribute enters as a straight line.
    raise_points : float
        Rise of every attribute, in its own points, capped at its maximum. Where the attributes' scales differ in length, each
        rises by this many tenths of its range instead (note ``mixed_scales``).
    ci_level, n_boot, seed

    Returns
    -------
    Result
        One row an attribute: ``raise``, ``now, then`` (shares delighted among those it applies to, 0-1), ``gain`` (extra delighted
        customers per 100 of all customers) with ``gain_lo, gain_hi``, ``gain_applicable`` (per 100 of those it applies to),
        ``share_applicable``, ``room`` (share below the maximum), ``terms`` (``knot`` or ``linear``), ``n, n_missing, n_eff,
        n_applicable, status``.

        Fewer than five delighted (or not delighted) customers for each term, even with straight lines: ``insufficient``.
        All or none delighted, or perfectly told apart: ``degenerate``; so are attributes that determine each other exactly.

    Notes
    -----
    Logit of delighted on the slopes below and above each knot; every person's own answer is raised, all else equal, and the
    change in chance averaged. It is association, not proof of cause. Intervals: bootstrap with one Newton step a draw.
    """
    scales = dict(scales)
    prepared = prepare(
        frame,
        y=y,
        x=x,
        scales=scales,
        weights=weights,
        weights_kind=weights_kind,
        clusters=clusters,
        not_applicable=not_applicable,
    )
    lengths = {round(scales[a].max - scales[a].min, 9) for a in x}
    mixed = len(lengths) > 1 and not lengths <= {9.0, 10.0}
    rise = {a: raise_points * (scales[a].max - scales[a].min) / 10 if mixed else raise_points for a in x}
    knots = {a: (knots or {}).get(a, scales[a].knot) for a in x}
    notes, rows, drawn_min = [*prepared.notes], {}, int(n_boot)
    if mixed:
        notes.append(Note("mixed_scales", {"tenths": raise_points}))
    for judged, model in prepared.models:
        name = "joint" if model is prepared.joint else judged[0]
        found, used, about = _model_gains(
            model, judged, scales, knots, rise, delight_from, n_boot, ci_level, resample.generator(seed, f"M15.{name}")
        )
        rows |= found
        drawn_min = min(drawn_min, used)
        notes += [n for n in about if n not in notes]
    joint = prepared.joint
    blank = {"n": joint.n, "n_missing": joint.n_missing, "n_eff": joint.n_eff, "status": "degenerate"}
    table = pd.DataFrame(
        [{"attribute": a, "raise": rise[a], **(rows.get(a) or {**blank, "n_applicable": prepared.base[a]})} for a in prepared.attributes]
    )
    table = table.reindex(columns=[*COLUMNS, *(c for c in table if c not in COLUMNS)])
    table["share_applicable"] = [prepared.share_applicable[a] for a in table["attribute"]]
    for column in ("gain", "gain_lo", "gain_hi"):
        table[column] = table[f"{column}_applicable"] * table["share_applicable"]
    table["outcome"] = y if delight_from is None else f"{y} >= {delight_from:g}"
    if drawn_min < n_boot:
        notes.append(Note("fewer_draws", {"n_boot": drawn_min, "asked": int(n_boot)}))
    meta = {"y": y, "x": list(x), "delight_from": delight_from, "raise_points": raise_points, "mixed": mixed, "scale": scales.get(y)}
    meta |= {"ci_level": ci_level, "n_boot": drawn_min, "seed": seed, "clusters": clusters}
    return Result.of("M15.what_if", table, function="delight.drivers.what_if.gains", notes=notes, **joint.meta, **meta)


COLUMNS = [
    *(
        "attribute",
        "raise",
        "outcome",
        "now",
        "then",
        "gain",
        "gain_lo",
        "gain_hi",
        "gain_applicable",
        "gain_lo_applicable",
        "gain_hi_applicable",
    ),
    *("share_applicable", "room", "terms", "n", "n_missing", "n_eff", "n_applicable", "status"),
]


def _model_gains(model, judged, scales, knots, rise, delight_from, n_boot, ci_level, rng):
    """(rows by attribute, draws used, notes) of one model."""
    base = {"n": model.n, "n_missing": model.n_missing, "n_eff": model.n_eff}
    rows = {a: {**base, "n_applicable": model.n_applicable(a)} for a in judged}

    def nothing(status):
        return {a: {**r, "status": status} for a, r in rows.items()}, n_boot, []

    if base_status(model.n, model=True) == "insufficient" or delight_from is None:
        return nothing("not_identified" if delight_from is None else "insufficient")
    delighted = (model.values >= delight_from).astype(float)
    events = min(model.counted[delighted == 1].sum(), model.counted[delighted == 0].sum())
    if events == 0:
        return nothing("degenerate")
    notes, fit = [], None
    for linear in (False, True):
        terms = _Terms(model, scales, {a: None for a in model.x} if linear else knots)
        design = np.column_stack([np.ones(len(model.w)), model.fixed, terms.columns(model.scores)])
        each = events / max(design.shape[1] - 1, 1)
        if each < 5:
            continue
        spare = aliased_terms(design * np.sqrt(model.w)[:, None], list(range(design.shape[1])))
        keep = [i for i in range(design.shape[1]) if i not in spare]
        n_fixed = sum(i < 1 + model.fixed.shape[1] for i in keep)
        fit, steadied = steady(fit_logit, delighted, design[:, keep], model, n_fixed)
        if fit.usable:
            if steadied:
                notes.append(Note("steadied", {}))
            if linear:
                notes.append(Note("linear_what_if", {"events": int(events), "attributes": list(judged)}))
            elif each < 10:
                notes.append(Note("few_events", {"events": int(events), "terms": design.shape[1] - 1, "attributes": list(judged)}))
            break
    if fit is None:
        return nothing("insufficient")
    if not fit.usable:
        return nothing("degenerate")
    coef = np.zeros(design.shape[1])
    coef[keep] = fit.coef
    start = 1 + model.fixed.shape[1]
    tangled, places = entangled(design, model.w) if spare else set(), terms.places(start)
    dependent = [a for a in judged if tangled & set(places[a])]
    if dependent:
        notes.append(Note("dependent_attributes", {"attributes": dependent}))
        rows |= {a: {**rows[a], "status": "degenerate"} for a in dependent}
        judged = [a for a in judged if a not in dependent]
    steps = {}
    for a in judged:
        at = model.x.index(a)
        raised = model.scores.copy()
        raised[:, at] = np.minimum(raised[:, at] + rise[a], scales[a].max)
        change = terms.columns(raised) - terms.columns(model.scores)
        moved = [j for j in range(change.shape[1]) if np.any(change[:, j])]
        steps[a] = [start + j for j in moved], change[:, moved], model.applies[:, at].astype(float)
    eta = design @ coef
    chance = expit(eta)
    for a, (places, change, applies) in steps.items():
        weight = model.w * applies
        then = expit(eta + change @ coef[places])
        rows[a] |= {"now": float(np.average(chance, weights=weight)), "then": float(np.average(then, weights=weight))}
        rows[a]["gain_applicable"] = 100 * (rows[a]["then"] - rows[a]["now"])
        at = model.x.index(a)
        rows[a]["room"] = float(np.average(model.scores[:, at] < scales[a].max - 1e-9, weights=weight))
        rows[a]["terms"] = terms.kind[a]
        rows[a]["status"] = base_status(rows[a]["n_applicable"], model=True)
    used = int(min(n_boot, max(FEWEST, MOST // max(len(model.w), 1)))) if n_boot else 0
    draws, jumps = {a: [] for a in judged}, {}
    for a, (_, change, applies) in steps.items():
        moving = np.flatnonzero(np.any(change != 0, axis=1) & (applies > 0))
        kinds, code = np.unique(np.round(change[moving], 9), axis=0, return_inverse=True)
        jumps[a] = moving, kinds, code.ravel()
    influence = fit.influence
    for times in model.row_draws(used, rng):
        each_coef = np.tile(coef, (len(times), 1))
        each_coef[:, keep] += times @ influence
        etas = each_coef @ design.T
        odds = np.exp(-np.clip(etas, -500, 500))
        weighted = times / (1 + odds)
        for a, (places, _, applies) in steps.items():
            moving, kinds, code = jumps[a]
            factor = np.exp(-each_coef[:, places] @ kinds.T)[:, code]  # few different steps: knots, caps
            after = times[:, moving] / (1 + odds[:, moving] * factor)
            with np.errstate(all="ignore"):
                draws[a].append(100 * (after.sum(axis=1) - weighted[:, moving].sum(axis=1)) / (times @ applies))
    for a in judged:
        lo, hi = resample.percentile(np.concatenate(draws[a]), ci_level) if used else (np.nan, np.nan)
        rows[a] |= {"gain_lo_applicable": float(lo), "gain_hi_applicable": float(hi)}
    return rows, used or n_boot, notes


class _Terms:
    """How the attributes of a model enter: slopes below and above the knot where both sides have answers, else a straight line."""

    def __init__(self, model, scales, knots):
        self.kind, self.knots = {}, []
        for at, a in enumerate(model.x):
            counted = model.counted * model.applies[:, at]
            knot = knots[a]
            if knot is not None:
                scores = model.scores[:, at]
                if min(counted[scores < knot].sum(), counted[scores > knot].sum()) < MIN_SIDE:
                    knot = None
            self.kind[a] = "linear" if knot is None else "knot"
            self.knots.append(knot)

    def places(self, start):
        """Positions of each attribute's columns, the first of all at `start`."""
        found = {}
        for a, knot in zip(self.kind, self.knots):
            found[a] = list(range(start, start + (1 if knot is None else 2)))
            start += len(found[a])
        return found

    def columns(self, scores):
        """Design columns of the attributes for given answers."""
        parts = []
        for at, knot in enumerate(self.knots):
            if knot is None:
                parts.append(scores[:, at])
            else:
                parts += [np.minimum(scores[:, at] - knot, 0), np.maximum(scores[:, at] - knot, 0)]
        return np.column_stack(parts)

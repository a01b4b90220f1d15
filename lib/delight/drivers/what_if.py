"""What one point more on an experience would bring: delighted or loyal customers, points of NPS (what-if of method M15)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from delight import resample
from delight.drivers.model import entangled, steady
from delight.drivers.prepare import prepare
from delight.errors import InputError
from delight.estimate import aliased_terms
from delight.logit import fit_logit
from delight.result import STATUSES, Note, Result

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
    delight_from=None,
    outcome="share",
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
    """Expected extra customers per 100 with `y` at or above `delight_from` (or points of NPS), if an attribute rises.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y, x, scales, weights, weights_kind, clusters, not_applicable
        As in `penalty_reward.effects`; `y` may be overall satisfaction, the likelihood of recommending or any loyalty question.
    delight_from : float, optional
        Lowest score of `y` that counts: as delighted, or as loyal. None gives ``not_identified``.
    outcome : {"share", "nps"}
        ``nps``: promoters (9-10) minus detractors (0-6) of `y` on 0-10, from two logits on the same draws; `delight_from` plays no part.
    knots : dict of str to float, optional
        Instead of the scales' own; without one the attribute enters as a straight line.
    raise_points : float
        Rise of every attribute, in its own points, capped at its maximum. Where the attributes' scales differ in length, each
        rises by this many tenths of its range instead (note ``mixed_scales``).
    ci_level, n_boot, seed

    Returns
    -------
    Result
        One row an attribute: ``raise, outcome, now, then`` (shares among those it applies to, 0-1; NPS: -1 to 1), ``gain`` (extra
        customers per 100 of all customers; points of NPS) with ``gain_lo, gain_hi``, ``gain_applicable`` (per 100 of those it applies
        to), ``share_applicable``, ``room`` (share below the maximum), ``terms`` (``knot`` or ``linear``), ``n, n_missing, n_eff,
        n_applicable, status``.

        Fewer than five delighted (or not delighted) customers for each term, even with straight lines: ``insufficient``.
        All or none delighted, or perfectly told apart: ``degenerate``; so are attributes that determine each other exactly.

    Raises
    ------
    InputError
        As `penalty_reward.effects`; an unknown `outcome`, or an NPS of a question that is not on 0-10.

    Notes
    -----
    Logit of delighted on the slopes below and above each knot; every person's own answer is raised, all else equal, and the
    change in chance averaged. It is association, not proof of cause. Intervals: bootstrap with one Newton step a draw.
    """
    scales = dict(scales)
    need_outcome(outcome, y, scales.get(y))
    options = {"weights": weights, "weights_kind": weights_kind, "clusters": clusters, "not_applicable": not_applicable}
    prepared = prepare(frame, y=y, x=x, scales=scales, **options)
    lengths = {round(scales[a].max - scales[a].min, 9) for a in x}
    mixed = len(lengths) > 1 and not lengths <= {9.0, 10.0}
    rise = {a: raise_points * (scales[a].max - scales[a].min) / 10 if mixed else raise_points for a in x}
    knots = {a: (knots or {}).get(a, scales[a].knot) for a in x}
    notes, rows, drawn_min = [*prepared.notes], {}, int(n_boot)
    if mixed:
        notes.append(Note("mixed_scales", {"tenths": raise_points}))
    for judged, model in prepared.models:
        method = f"M15.{'joint' if model is prepared.joint else judged[0]}"
        parts = [(sign, _Raised(model, judged, scales, knots, rise, event)) for sign, event in _events(model.values, delight_from, outcome)]
        used = _draws_for(model, n_boot)
        drawn_min = min(drawn_min, used or drawn_min)
        rows |= _rows(model, judged, scales, parts, used, ci_level, seed, method)
        notes += [n for _, part in parts for n in part.notes if n not in notes]
    joint = prepared.joint
    blank = {"n": joint.n, "n_missing": joint.n_missing, "n_eff": joint.n_eff, "status": "degenerate"}
    table = pd.DataFrame(
        [{"attribute": a, "raise": rise[a], **(rows.get(a) or {**blank, "n_applicable": prepared.base[a]})} for a in prepared.attributes]
    )
    table = table.reindex(columns=[*COLUMNS, *(c for c in table if c not in COLUMNS)])
    table["share_applicable"] = [prepared.share_applicable[a] for a in table["attribute"]]
    for column in ("gain", "gain_lo", "gain_hi"):
        table[column] = table[f"{column}_applicable"] * table["share_applicable"]
    table["outcome"] = f"{y} nps" if outcome == "nps" else y if delight_from is None else f"{y} >= {delight_from:g}"
    if drawn_min < n_boot:
        notes.append(Note("fewer_draws", {"n_boot": drawn_min, "asked": int(n_boot)}))
    meta = {"y": y, "x": list(x), "delight_from": delight_from, "raise_points": raise_points, "mixed": mixed, "scale": scales.get(y)}
    meta |= {"outcome": outcome, "ci_level": ci_level, "n_boot": drawn_min, "seed": seed, "clusters": clusters}
    return Result.of("M15.what_if", table, function="delight.drivers.what_if.gains", notes=notes, **joint.meta, **meta)


def outcomes(frame, models, *, raise_points=1.0, ci_level=0.95, n_boot=2000, seed=20250101):
    """Expected gains in several outcomes, each from a model of its own.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    models : dict of str to dict
        Name of an outcome → arguments of `gains` (``y, x, scales, weights, …``). A question on 0-10 named ``recommend`` is an NPS, any
        other counts from ``delight_from``, or where that is not given from the point its scale has for it (5 on 1-5, yes).
    raise_points, ci_level, n_boot, seed
        As in `gains`.

    Returns
    -------
    Result
        One row an attribute and outcome: ``attribute, asked`` (the name), and the columns of `gains`.
    """
    found = []
    for name, model in models.items():
        scale = model["scales"].get(model["y"])
        nps = name == "recommend" and scale is not None and (scale.min, scale.max) == (0, 10)
        about = {"outcome": "nps"} if nps else {"delight_from": model.get("delight_from", scale.delight_from if scale else None)}
        one = gains(frame, **{**model, **about}, raise_points=raise_points, ci_level=ci_level, n_boot=n_boot, seed=seed)
        one.table.insert(1, "asked", name)
        found.append(one)
    if not found:
        return Result.of("M15.outcomes", pd.DataFrame(columns=["attribute", "asked", *COLUMNS[1:]]), status="not_identified")
    meta = {k: v for k, v in found[0].meta.items() if k not in ("method", "function", "version", "y", "delight_from", "outcome", "scale")}
    meta |= {"outcomes": {name: one.meta["y"] for name, one in zip(models, found)}, "keys": ["asked"]}
    meta |= {key: {name: one.meta[of] for name, one in zip(models, found)} for key, of in (("cuts", "delight_from"), ("scales", "scale"))}
    notes = [n for one in found for n in one.notes]
    table = pd.concat([one.table for one in found], ignore_index=True)
    return Result.of("M15.outcomes", table, function="delight.drivers.what_if.outcomes", notes=notes, **meta)


COLUMNS = [
    *("attribute", "raise", "outcome", "now", "then", "gain", "gain_lo", "gain_hi"),
    *("gain_applicable", "gain_lo_applicable", "gain_hi_applicable"),
    *("share_applicable", "room", "terms", "n", "n_missing", "n_eff", "n_applicable", "status"),
]


def need_outcome(outcome, y, scale):
    """Raise `InputError` unless a gain can be told in this outcome."""
    if outcome not in ("share", "nps"):
        raise InputError(f"outcome is 'share' or 'nps', not {outcome!r}.")
    if outcome == "nps" and (scale is None or (scale.min, scale.max) != (0, 10)):
        raise InputError(f"NPS needs '{y}' on the scale 0-10, not {scale}.")


def _events(values, delight_from, outcome):
    """(sign, who it happens to) of every part of the outcome; None where nothing says who."""
    if outcome == "nps":
        return [(1, values >= 9), (-1, values <= 6)]
    return [(1, None if delight_from is None else values >= delight_from)]


def _draws_for(model, n_boot):
    """Draws that a model of this many rows gets."""
    n_boot = model.drawable(n_boot)
    return int(min(n_boot, max(FEWEST, MOST // max(len(model.w), 1)))) if n_boot else 0


def _rows(model, judged, scales, parts, n_boot, ci_level, seed, method):
    """Rows by attribute: the signed sum of all parts."""
    base = {"n": model.n, "n_missing": model.n_missing, "n_eff": model.n_eff}
    rows = {a: {**base, "n_applicable": model.n_applicable(a)} for a in judged}
    draws = [part.draws(n_boot, resample.generator(seed, method)) if n_boot and part.status == "ok" else {} for _, part in parts]
    for a in judged:
        row, at = rows[a], model.x.index(a)
        row["status"] = max((part.status_of(a) for _, part in parts), key=STATUSES.index)
        if row["status"] != "ok":
            continue
        weight = model.w * model.applies[:, at]
        for moment in ("now", "then"):
            row[moment] = sum(sign * part.level(a, moment) for sign, part in parts)
        row["gain_applicable"] = 100 * (row["then"] - row["now"])
        row["room"] = float(np.average(model.scores[:, at] < scales[a].max - 1e-9, weights=weight))
        row["terms"] = min((part.terms.kind[a] for _, part in parts), key=("linear", "knot").index)
        row["status"] = model.status(row["n_applicable"])
        total = sum(sign * drawn[a] for (sign, _), drawn in zip(parts, draws)) if n_boot else None
        lo, hi = resample.percentile(total, ci_level) if n_boot else (np.nan, np.nan)
        row |= {"gain_lo_applicable": float(lo), "gain_hi_applicable": float(hi)}
    return rows


class _Raised:
    """A logit of one event on the attributes, and what raising each does to its chance.

    Attributes
    ----------
    status : str
        ``ok``, or why there is no fit.
    notes : list of Note
    """

    def __init__(self, model, judged, scales, knots, rise, event):
        self.model, self.judged, self.scales, self.rise, self.notes = model, judged, scales, rise, []
        self.dependent, self.status = [], self._fit(knots, event)
        if self.status != "ok":
            return
        start = 1 + model.fixed.shape[1]
        places = self.terms.places(start)
        tangled = entangled(self.design, model.w) if len(self.keep) < self.design.shape[1] else set()
        self.dependent = [a for a in judged if tangled & set(places[a])]
        if self.dependent:
            self.notes.append(Note("dependent_attributes", {"attributes": self.dependent}))
        self.coef = np.zeros(self.design.shape[1])
        self.coef[self.keep] = self.fit.coef
        self.eta = self.design @ self.coef
        self.steps = {a: self._step(a, start) for a in judged if a not in self.dependent}

    def _fit(self, knots, event):
        """Fit with slopes on either side of the knots, or straight lines where the event is too rare for them."""
        model = self.model
        if model.status() == "insufficient" or event is None:
            return "not_identified" if event is None else "insufficient"
        events = min(model.counted[event].sum(), model.counted[~event].sum())
        if events == 0:
            return "degenerate"
        status = "insufficient"
        for linear in (False, True):
            self.terms = _Terms(model, self.scales, {a: None for a in model.x} if linear else knots)
            self.design = np.column_stack([np.ones(len(model.w)), model.fixed, self.terms.columns(model.scores)])
            each = events / max(self.design.shape[1] - 1, 1)
            if each < 5:
                continue
            spare = aliased_terms(self.design * np.sqrt(model.w)[:, None], list(range(self.design.shape[1])))
            self.keep = [i for i in range(self.design.shape[1]) if i not in spare]
            n_fixed = sum(i < 1 + model.fixed.shape[1] for i in self.keep)
            self.fit, steadied = steady(fit_logit, event.astype(float), self.design[:, self.keep], model, n_fixed)
            status = "ok" if self.fit.usable else "degenerate"
            if status == "ok":
                if steadied:
                    self.notes.append(Note("steadied", {}))
                if linear:
                    self.notes.append(Note("linear_what_if", {"events": int(events), "attributes": list(self.judged)}))
                elif each < 10:
                    about = {"events": int(events), "terms": self.design.shape[1] - 1, "attributes": list(self.judged)}
                    self.notes.append(Note("few_events", about))
                break
        return status

    def _step(self, a, start):
        """(places of the terms that move, by how much for each row, whom it applies to) if the attribute rises."""
        model, at = self.model, self.model.x.index(a)
        raised = model.scores.copy()
        raised[:, at] = np.minimum(raised[:, at] + self.rise[a], self.scales[a].max)
        change = self.terms.columns(raised) - self.terms.columns(model.scores)
        moved = [j for j in range(change.shape[1]) if np.any(change[:, j])]
        return [start + j for j in moved], change[:, moved], model.applies[:, at].astype(float)

    def status_of(self, a):
        return self.status if self.status != "ok" else "degenerate" if a in self.dependent else "ok"

    def level(self, a, moment):
        """Share of those an attribute applies to, now or after its rise."""
        places, change, applies = self.steps[a]
        eta = self.eta if moment == "now" else self.eta + change @ self.coef[places]
        return float(np.average(expit(eta), weights=self.model.w * applies))

    def draws(self, n_boot, rng):
        """Bootstrap draws of every attribute's gain per 100 of those it applies to, one Newton step from the fit each."""
        found, jumps = {a: [] for a in self.steps}, {}
        for a, (_, change, applies) in self.steps.items():
            moving = np.flatnonzero(np.any(change != 0, axis=1) & (applies > 0))
            kinds, code = np.unique(np.round(change[moving], 9), axis=0, return_inverse=True)
            jumps[a] = moving, kinds, code.ravel()
        for times in self.model.row_draws(n_boot, rng):
            coef = np.tile(self.coef, (len(times), 1))
            coef[:, self.keep] += times @ self.fit.influence
            odds = np.exp(-np.clip(coef @ self.design.T, -500, 500))
            weighted = times / (1 + odds)
            for a, (places, _, applies) in self.steps.items():
                moving, kinds, code = jumps[a]
                factor = np.exp(-coef[:, places] @ kinds.T)[:, code]  # few different steps: knots, caps
                after = times[:, moving] / (1 + odds[:, moving] * factor)
                with np.errstate(all="ignore"):
                    found[a].append(100 * (after.sum(axis=1) - weighted[:, moving].sum(axis=1)) / (times @ applies))
        return {a: np.concatenate(drawn) for a, drawn in found.items()}


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

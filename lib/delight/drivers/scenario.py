"""What several experiences moved at once would bring: a model fitted once, asked as often as a hand moves a slider (what-if of method M15)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from delight.drivers.prepare import prepare
from delight.drivers.what_if import _events, _Raised, need_outcome
from delight.errors import InputError, did_you_mean
from delight.estimate import base_status
from delight.result import Note, Result


@dataclass(frozen=True)
class Scenario:
    """A fitted what-if.

    Attributes
    ----------
    x : list of str
        Attributes that can be moved; those that apply to a part of the customers only are left out (note ``partial_base``).
    status : str
        ``ok``, or why nothing can be said.
    notes : tuple of Note
    """

    x: list
    status: str
    notes: tuple
    about: dict
    _model: object = None
    _parts: tuple = ()
    _scales: dict = None
    _frame: object = None

    def at(self, rises, *, by=(), ci_level=0.95):
        """What is expected if attributes move.

        Parameters
        ----------
        rises : dict of str to float
            Attribute → points up (or down); every customer's own answer moves, and stays within its scale.
        by : str or sequence of str
            Columns whose groups get a row each, after the row of everybody.
        ci_level : float

        Returns
        -------
        Result
            Rows ``by, group``: ``now, then`` (share, 0-1; NPS: -1 to 1) with ``then_lo, then_hi``, ``gain`` (per 100 customers; points of
            NPS) with ``gain_lo, gain_hi``, ``n, n_missing, n_eff, status``.

        Raises
        ------
        InputError
            An attribute that cannot be moved.

        Notes
        -----
        Linearised: each row's part in an average is its own deviation plus the gradient of the average times its influence on the
        coefficients, summed by cluster where there are clusters. Association, not proof of cause.
        """
        unknown = [a for a in rises if a not in self.x]
        if unknown:
            raise InputError(f"'{unknown[0]}' cannot be moved.{did_you_mean(unknown[0], self.x)} There are: {', '.join(self.x)}.")
        by = [by] if isinstance(by, str) else list(by)
        meta = {**self.about, "rises": dict(rises), "ci_level": ci_level}
        if self.status != "ok":
            blank = dict.fromkeys(("now", "then", "then_lo", "then_hi", "gain", "gain_lo", "gain_hi"), np.nan)
            base = {"n": self.about["n_used"], "n_missing": self.about["n_dropped_missing"], "n_eff": self.about["n_eff"]}
            row = {"by": "whole", "group": "", **blank, **base, "status": self.status}
            return Result.of("M15.scenario", [row], function=_FUNCTION, notes=self.notes, **meta)
        moved = [(sign, _Moved(part, rises, self._scales)) for sign, part in self._parts]
        rows = [self._row("whole", "", np.ones(len(self._model.w), dtype=bool), moved, ci_level)]
        for column in by:
            values = self._frame[column].loc[self._model.index].to_numpy(dtype=object)
            for group in sorted({v for v in values if not pd.isna(v)}, key=str):
                rows.append(self._row(column, str(group), values == group, moved, ci_level))
        return Result.of("M15.scenario", rows, function=_FUNCTION, notes=self.notes, **meta)

    def _row(self, by, group, inside, moved, ci_level):
        model = self._model
        n = int(round(model.counted[inside].sum()))
        w = model.w[inside]
        n_eff = float(w.sum() ** 2 / (w**2).sum()) if model.kind == "sampling" and n else float(n)
        now = sum(sign * m.level(inside, "now") for sign, m in moved)
        then = sum(sign * m.level(inside, "then") for sign, m in moved)
        half = {}
        for what in ("then", "gain"):
            u = sum(sign * m.influence(inside, what) for sign, m in moved)
            se, df = _error(u, model)
            half[what] = stats.t.ppf(0.5 + ci_level / 2, df) * se if df > 0 else np.nan
        lowest = -1.0 if len(moved) > 1 else 0.0
        gain = 100 * (then - now)
        row = {"by": by, "group": group, "now": now, "then": then}
        row |= {"then_lo": max(then - half["then"], lowest), "then_hi": min(then + half["then"], 1.0)}
        row |= {"gain": gain, "gain_lo": gain - 100 * half["gain"], "gain_hi": gain + 100 * half["gain"]}
        return {**row, "n": n, "n_missing": model.n_missing, "n_eff": n_eff, "status": base_status(n)}


_FUNCTION = "delight.drivers.scenario.scenario"


def scenario(
    frame,
    *,
    y,
    x,
    scales,
    delight_from=None,
    outcome="share",
    turned=False,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    knots=None,
):
    """Fit what several attributes moved at once would bring; ask the `Scenario` with `Scenario.at`.

    Parameters
    ----------
    frame, y, x, scales, delight_from, outcome, weights, weights_kind, clusters, not_applicable, knots
        As in `what_if.gains`, whose model this is: for one attribute both give the same gain.
    turned : bool
        The event is staying below `delight_from` (leaving turned round).

    Returns
    -------
    Scenario
    """
    scales = dict(scales)
    need_outcome(outcome, y, scales.get(y))
    options = {"weights": weights, "weights_kind": weights_kind, "clusters": clusters, "not_applicable": not_applicable}
    prepared = prepare(frame, y=y, x=x, scales=scales, **options)
    model, judged = prepared.joint, list(prepared.joint.x)
    about = {**model.meta, "y": y, "x": judged, "delight_from": delight_from, "outcome": outcome, "turned": turned, "clusters": clusters}
    if not judged:
        return Scenario([], "insufficient", tuple(prepared.notes), about)
    knots = {a: (knots or {}).get(a, scales[a].knot) for a in judged}
    parts = []
    for sign, event in _events(model.values, delight_from, outcome):
        event = ~event if turned and event is not None else event
        parts.append((sign, _Raised(model, judged, scales, knots, dict.fromkeys(judged, 0.0), event)))
    status = next((part.status for _, part in parts if part.status != "ok"), "ok")
    notes = [*prepared.notes]
    for _, part in parts:
        notes += [n for n in part.notes if n not in notes]
    dependent = {a for _, part in parts for a in getattr(part, "dependent", [])}
    movable = [a for a in judged if a not in dependent]
    left_out = [a for a in x if a not in movable]
    if left_out:
        notes.append(Note("not_movable", {"attributes": left_out}))
    return Scenario(movable, status, tuple(notes), about, model, tuple(parts), scales, frame)


class _Moved:
    """One event of a scenario: every row's chance now and then, and how the coefficients move them."""

    def __init__(self, part, rises, scales):
        self.part, model = part, part.model
        scores = model.scores.copy()
        for a, rise in rises.items():
            at = model.x.index(a)
            to = np.clip(scores[:, at] + rise, scales[a].min, scales[a].max)
            scores[:, at] = np.where(model.applies[:, at], to, scores[:, at])
        columns = part.terms.columns(scores)
        self.raised = part.design.copy()
        self.raised[:, part.design.shape[1] - columns.shape[1] :] = columns
        self.chance = {"now": expit(part.eta), "then": expit(self.raised @ part.coef)}

    def level(self, inside, moment):
        return float(np.average(self.chance[moment][inside], weights=self.part.model.w[inside])) if inside.any() else np.nan

    def influence(self, inside, what):
        """What each row contributes to an average over the rows `inside`: its own deviation, and what it does to the coefficients."""
        part, model = self.part, self.part.model
        w = np.where(inside, model.w, 0.0)
        total = w.sum()
        chance = self.chance["then"] - (self.chance["now"] if what == "gain" else 0.0)
        slope = self.raised * (self.chance["then"] * (1 - self.chance["then"]) * w)[:, None]
        gradient = slope.sum(axis=0)
        if what == "gain":
            now = self.chance["now"]
            gradient = gradient - (part.design * (now * (1 - now) * w)[:, None]).sum(axis=0)
        gradient = gradient[part.keep] / total
        own = w / total * (chance - (w @ chance) / total)
        own = np.divide(own, model.w, out=np.zeros_like(own), where=model.w > 0) if model.kind == "frequency" else own
        through = part.fit.influence @ gradient
        return own + (through * model.w if model.kind == "sampling" else through)


def _error(u, model):
    """(standard error, degrees of freedom) of a sum of the rows' contributions."""
    if model.clusters is not None:
        summed = np.bincount(model.clusters, u * (model.w if model.kind == "frequency" else 1.0))
        g = int((np.bincount(model.clusters) > 0).sum())
        return (float(np.sqrt((summed**2).sum() * g / (g - 1))), float(g - 1)) if g > 1 else (np.nan, 0.0)
    each = u**2 * (model.w if model.kind == "frequency" else 1.0)
    n = model.n
    return float(np.sqrt(each.sum() * n / (n - 1))) if n > 1 else np.nan, float(n - 1)

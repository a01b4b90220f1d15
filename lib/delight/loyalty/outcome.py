"""What counts as loyalty: an outcome with its scale, turned so that more is more loyal; several outcomes side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from delight.errors import InputError, Mistakes
from delight.estimate import base_status, benjamini_hochberg, need_columns, sample, weights_of
from delight.result import STATUSES, Result, plain
from delight.scales import check_scale

#: Behaviour goes before intention, and recommending before buying again.
ORDER = ("churned", "stayed", "recommend", "repurchase")
#: Corrected p above which a verdict on a contrast does not stand.
LEVEL = 0.05


@dataclass(frozen=True)
class Loyalty:
    """The rows of a loyalty analysis, checked, in an order that does not depend on the input's.

    Attributes
    ----------
    sample : delight.estimate.Sample
    y : ndarray
        The outcome, more is more loyal.
    s : ndarray
        Satisfaction.
    clusters : ndarray or None
    binary : bool
        The outcome is yes or no.
    top : float
        Highest point of the outcome.
    """

    sample: object
    y: np.ndarray
    s: np.ndarray
    clusters: np.ndarray | None
    binary: bool
    top: float

    @property
    def w(self):
        return self.sample.w

    @property
    def kind(self):
        return self.sample.kind

    @property
    def meta(self):
        return {**self.sample.meta, "n_clusters": self.n_clusters}

    @property
    def n_clusters(self):
        return None if self.clusters is None else len(np.unique(self.clusters))

    def status(self, *sides, model=False):
        """Status of an estimate from all rows, or from the smallest of some `sides` (boolean arrays)."""
        found = [
            base_status(*self._base(side), clusters=self.n_clusters, model=model) for side in sides or [np.ones(len(self.y), dtype=bool)]
        ]
        return max(found, key=STATUSES.index)

    def _base(self, side):
        """(n, effective n) of some rows."""
        w = self.w[side]
        n = int(round(w.sum())) if self.kind == "frequency" else len(w)
        return n, float(w.sum() ** 2 / (w**2).sum()) if self.kind == "sampling" and n else float(n)

    @property
    def equal_weights(self):
        """Whether weights play no part, so that model-based likelihood errors hold."""
        return self.clusters is None and (self.kind != "sampling" or np.ptp(self.w) < 1e-12)


def is_binary(scale):
    """Whether a scale has two points only."""
    points = scale.points
    return points is not None and len(points) == 2


def turn(values, scale):
    """Values mirrored on their scale, so that the lowest becomes the highest."""
    return scale.max + scale.min - values


def prepare(frame, *, y, x, scales, others=(), weights=None, weights_kind="sampling", clusters=None, turned=False):
    """Check the columns and their scales and keep complete rows, in canonical order.

    Parameters
    ----------
    frame : DataFrame, one row a response
    y, x : str
        Outcome and satisfaction.
    scales : dict of column -> Scale
        Must hold `y` and `x`.
    others : sequence of str
        Further columns that must be answered.
    turned : bool
        Turn the outcome: for a question where more is less loyal, such as churn.

    Returns
    -------
    Loyalty

    Raises
    ------
    InputError
        A column or scale is missing, or a value lies outside its scale.
    """
    for column in (y, x):
        if column not in scales:
            raise InputError(f"Column '{column}' needs its Scale in `scales`.")
    need_columns(frame, [y, x, *others, *([clusters] if clusters else []), *([weights] if weights else [])])
    mistakes = Mistakes()
    for column in (y, x):
        with mistakes:
            check_scale(frame[column], scales[column], column=column)
    with mistakes:
        weights_of(frame, weights, weights_kind)
    mistakes.raise_all()
    kept = sample(frame, [y, x, *others, *([clusters] if clusters else [])], weights=weights, weights_kind=weights_kind)
    keys = pd.DataFrame({i: kept.frame[c].to_numpy() for i, c in enumerate([y, x, *others, *([clusters] if clusters else [])])})
    keys["w"] = kept.w
    order = keys.sort_values(list(keys.columns), kind="stable").index.to_numpy()
    kept = type(kept)(kept.frame.iloc[order], kept.w[order], kept.kind, kept.n, kept.n_missing, kept.n_in, kept.n_eff)
    outcome = kept.frame[y].to_numpy(dtype=float)
    return Loyalty(
        kept,
        turn(outcome, scales[y]) if turned else outcome,
        kept.frame[x].to_numpy(dtype=float),
        kept.frame[clusters].to_numpy() if clusters else None,
        is_binary(scales[y]),
        float(scales[y].max),
    )


def event_from(scale):
    """Lowest answer that counts as loyal when a share is shown: the scale's delight point, else its maximum."""
    return float(scale.delight_from if scale.delight_from is not None else scale.max)


def emotion_score(frame, columns, scales, *, name="emotion"):
    """The table with one column more: the mean of a respondent's answered emotion items, if at least half were answered.

    Items on one scale keep it; items on several are each brought to 0-10 first. Without items the table comes back as it was.

    Returns
    -------
    (DataFrame, list of str)
        The table, and the name of the new column in a list (empty without items).
    """
    columns = list(columns)
    if not columns:
        return frame, []
    same = len({(scales[c].min, scales[c].max) for c in columns}) == 1
    items = frame[columns].astype(float)
    if not same:
        items = pd.DataFrame({c: 10 * (items[c] - scales[c].min) / (scales[c].max - scales[c].min) for c in columns})
    score = items.mean(axis=1).where(items.notna().sum(axis=1) >= len(columns) / 2)
    return frame.assign(**{name: score}), [name]


def _correct(results):
    """The results with the corrected p of every outcome's contrast beside it; a verdict that rests on the contrast falls with it."""
    contrasts = [r.meta["d"] for _, r in results if r.meta.get("d")]
    for d, q in zip(contrasts, benjamini_hochberg([np.nan if d["p"] is None else d["p"] for d in contrasts])):
        d["q"] = plain(q)
    return _two_scaled([(o, _demoted(r)) for o, r in results])


def _two_scaled(results):
    """Results with a verdict on two scales (gate, goodwill) get ``q`` beside their p; one that does not survive becomes ``inconclusive``."""
    judged = [i for i, (_, r) in enumerate(results) if {"interaction_rd", "verdict"} <= set(r.table)]
    for i, q in zip(judged, benjamini_hochberg([results[i][1].table["p"].iloc[0] for i in judged])):
        o, r = results[i]
        table = r.table.assign(q=np.where(np.arange(len(r.table)) == 0, q, np.nan))
        found, meta = table["verdict"].iloc[0], r.meta
        if found in ("supported", "contradicted") and q > LEVEL:
            table.loc[table.index[0], "verdict"] = "inconclusive"
            meta = {**meta, "demoted_from": found}
        results[i] = (o, r.with_table(table, meta=meta))
    return results


def _demoted(result):
    """A verdict of more than chance that does not survive the correction becomes ``inconclusive`` (M36)."""
    meta, d = result.meta, result.meta.get("d") or {}
    if meta.get("verdict") not in ("supported", "contradicted") or meta.get("hinge") or not (d.get("q") or 0) > LEVEL:
        return result
    table = result.table.assign(verdict=result.table["verdict"].replace(meta["verdict"], "inconclusive"))
    return result.with_table(table, meta={**meta, "verdict": "inconclusive", "demoted_from": meta["verdict"]})


def across(method, frame, outcomes, **options):
    """One method for several loyalty outcomes, stacked, behaviour first.

    Parameters
    ----------
    method : function
        Such as `curve.curve`; called as ``method(frame, y=…, scales=…, turned=…, **options)``.
    outcomes : list of dict
        ``y`` (column), ``scale`` and ``role`` (``recommend``, ``repurchase``, ``stayed`` or ``churned``); ``churned`` is turned.
    **options
        Handed on; ``scales`` must hold the scales of the other columns.

    Returns
    -------
    Result
        Rows carry ``outcome`` (column) and ``outcome_role``; ``meta["outcomes"]`` holds each outcome's own meta,
        ``meta["outcome_order"]`` their order; notes carry ``outcome``.
        Verdicts on a contrast or an interaction get its ``q``: Benjamini-Hochberg over the outcomes; above .05 they become ``inconclusive``
        (``demoted_from`` keeps what they were).
    """
    ordered = sorted(outcomes, key=lambda o: ORDER.index(o["role"]) if o["role"] in ORDER else len(ORDER))
    if not ordered:
        raise InputError("There is no loyalty outcome: name at least one of recommend, repurchase, stayed, churned.")
    results = []
    for o in ordered:
        scales = {**options.get("scales", {}), o["y"]: o["scale"]}
        result = method(frame, y=o["y"], turned=o["role"] == "churned", **{**options, "scales": scales})
        table = result.table.assign(outcome=o["y"], outcome_role=o["role"])
        results.append((o, result.with_table(table[["outcome", "outcome_role", *[c for c in result.table if c != "outcome"]]])))
    notes = [type(n)(n.code, {"outcome": o["y"], **n.values}) for o, r in results for n in r.notes]
    results = _correct(results)
    first = results[0][1]
    status = min((r.status for _, r in results), key=STATUSES.index)
    meta = {**first.meta, "outcomes": {o["y"]: {**r.meta, "role": o["role"], "status": r.status} for o, r in results}}
    meta["outcome_order"] = [o["y"] for o, _ in results]  # a saved dictionary forgets its order
    return Result(pd.concat([r.table for _, r in results], ignore_index=True), meta, tuple(notes), status)

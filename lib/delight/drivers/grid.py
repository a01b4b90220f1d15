"""What customers call important against what drives their grade: the importance grid (method M09)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight import resample
from delight.drivers import draws as drawn
from delight.drivers.prepare import prepare
from delight.drivers.relative_weights import relative_weights
from delight.drivers.shapley import shapley
from delight.errors import InputError
from delight.estimate import need_columns
from delight.result import Note, Result
from delight.scales import check_scale

#: Fewer attributes have no middle to split at.
FEWEST = 6
#: Codes of the quadrants by 2 (stated above its cut) + (derived above its cut); words only in `delight.show`.
QUADRANTS = np.array(["beleving_unimportant", "bijzonder", "basis", "beleving_important"], dtype=object)


def grid(
    frame,
    *,
    y,
    x,
    stated,
    scales=None,
    split="median",
    game="relative_weights",
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Stated importance (a question) against derived importance (the share of what the attributes explain together).

    Parameters
    ----------
    frame, y, x, scales, weights, weights_kind, clusters, not_applicable
        As in `importance`; all attributes share in the derived importance.
    stated : dict of str to str
        Attribute → column of its stated importance; attributes without one have no place on the grid.
    split : {"median", "mean"}
        Of the attributes on the grid: where high begins.
    game : {"relative_weights", "shapley"}
    ci_level, n_boot, seed

    Returns
    -------
    Result
        One row an attribute of `stated`: ``stated`` (mean; 0-100 where the questions' scales differ), ``derived`` (share), each with
        ``_lo, _hi``; ``performance``; ``quadrant`` (``basis`` stated high, derived low; ``beleving_important`` both high;
        ``beleving_unimportant`` both low; ``bijzonder`` stated low, derived high; ``borderline`` on a cut), ``likely_quadrant,
        quadrant_prob`` (bootstrap share in the likely one), ``n`` (answers behind both), ``n_stated, n_missing, n_eff, status``.
        Fewer than six attributes on the grid: no quadrants, ``insufficient``. Judged in a model of its own: ``not_identified``.

    Notes
    -----
    Where a grade and its importance are asked of everybody the split makes kinds even of equals: half of the attributes are "high"
    whatever they are. Matzler & Sauerwein (2002) found that the grid disagrees with penalty-reward analysis, and Mikulić & Prebežac
    (2011) advise against it for Kano's kinds (note ``grid_caution``).

    References
    ----------
    Vavra, T. G. (1997). Improving Your Measurement of Customer Satisfaction.
    """
    stated, scales = {a: c for a, c in dict(stated).items() if a in x}, dict(scales or {})
    if split not in ("median", "mean") or game not in ("relative_weights", "shapley"):
        raise InputError(f"split is 'median' or 'mean' and game 'relative_weights' or 'shapley', not {split!r} and {game!r}.")
    if not stated:
        raise InputError("The grid needs `stated`: at least one attribute of `x` with the column of its stated importance.")
    need_columns(frame, stated.values())
    for column in stated.values():
        if column in scales:
            check_scale(frame[column], scales[column], column=column)
    attributes = {c: scales[c] for c in [y, *x] if c in scales}
    prepared = prepare(
        frame, y=y, x=x, scales=attributes, weights=weights, weights_kind=weights_kind, clusters=clusters, not_applicable=not_applicable
    )
    model = prepared.joint
    on = [a for a in stated if a in model.x]
    told = frame.loc[model.index, [stated[a] for a in on]].to_numpy(dtype=float) if on else np.empty((len(model.w), 0))
    mixed = len({str(scales[stated[a]]) for a in on if stated[a] in scales}) > 1
    if mixed:
        ends = np.array([[scales[stated[a]].min, scales[stated[a]].max] for a in on])
        told = 100 * (told - ends[:, 0]) / (ends[:, 1] - ends[:, 0])
    told = told[_order_of_ties(model, told)]
    status = drawn.status_of(model)
    counts = {"n": model.n, "n_missing": model.n_missing, "n_eff": model.n_eff}
    rows = {a: {**counts, "status": status if a in on else "degenerate" if a in prepared.constant else "not_identified"} for a in stated}
    if on and status not in ("insufficient", "degenerate"):
        for a, row in zip(on, _places(model, on, told, split, game, ci_level, n_boot, seed)):
            rows[a] |= row
    table = pd.DataFrame([{"attribute": a, "question": stated[a], **row} for a, row in rows.items()]).reindex(columns=COLUMNS)
    notes = [*prepared.notes, Note("grid_caution", {}), *([Note("mixed_scales", {"length": 100})] if mixed else [])]
    if len(on) < FEWEST:
        notes.append(Note("few_on_grid", {"n": len(on), "wanted": FEWEST}))
    meta = {"y": y, "x": list(x), "split": split, "game": game, "ci_level": ci_level, "n_boot": int(n_boot), "seed": seed}
    meta |= {"clusters": clusters, "scale": scales.get(stated[on[0]]) if on and not mixed else None}
    return Result.of("M09", table, function="delight.drivers.grid.grid", notes=notes, **model.meta, **meta)


COLUMNS = [
    *("attribute", "question", "stated", "stated_lo", "stated_hi", "derived", "derived_lo", "derived_hi", "performance"),
    *("quadrant", "likely_quadrant", "quadrant_prob", "cut_stated", "cut_derived", "n", "n_stated", "n_missing", "n_eff", "status"),
]


def _order_of_ties(model, told):
    """Order that sorts rows the model cannot tell apart by their stated answers, so that draws do not depend on the order of the input."""
    clusters = [] if model.clusters is None else [model.clusters]
    rows = np.column_stack([model.values, model.scores, model.applies, model.fixed, model.w, *clusters])
    tie = np.cumsum(np.r_[True, np.any(rows[1:] != rows[:-1], axis=1)]) if len(rows) else np.array([], dtype=int)
    return np.lexsort([*np.nan_to_num(told, nan=-1e9).T, tie])


def _places(model, on, told, split, game, ci_level, n_boot, seed):
    """Rows of the attributes on the grid; stated and derived come from the same draws."""
    n_boot = model.drawable(n_boot)
    found = drawn.of_model(model, n_boot, resample.generator(seed, "M09"))
    raw = (relative_weights if game == "relative_weights" else shapley)(found.rxx, found.rxy)
    at = [model.x.index(a) for a in on]
    with np.errstate(all="ignore"):
        derived = (raw / raw.sum(axis=1, keepdims=True))[:, at]
    known = ~np.isnan(told)
    columns = np.column_stack([np.where(known, told, 0.0), known])
    sums = np.concatenate([(model.w @ columns)[None], model.sums(columns, n_boot, resample.generator(seed, "M09"))])
    with np.errstate(all="ignore"):
        stated = sums[:, : len(on)] / sums[:, len(on) :]
    middle = np.median if split == "median" else np.mean
    cut_stated, cut_derived = middle(stated, axis=1), middle(derived, axis=1)
    place = 2 * (stated > cut_stated[:, None]) + (derived > cut_derived[:, None])
    on_cut = (np.abs(stated[0] - cut_stated[0]) < 1e-9) | (np.abs(derived[0] - cut_derived[0]) < 1e-9)
    intervals = [resample.percentile(v[1:], ci_level) if n_boot else np.full((2, len(on)), np.nan) for v in (stated, derived)]
    rows = []
    for j in range(len(on)):
        row = {"stated": stated[0, j], "stated_lo": intervals[0][0][j], "stated_hi": intervals[0][1][j]}
        row |= {"derived": derived[0, j], "derived_lo": intervals[1][0][j], "derived_hi": intervals[1][1][j]}
        row |= {"performance": found.means[0, at[j]], "n_stated": int(round(model.counted[known[:, j]].sum()))}
        row |= {"cut_stated": cut_stated[0], "cut_derived": cut_derived[0]}
        if len(on) < FEWEST or np.isnan(derived[0]).any():
            row["status"] = "insufficient" if len(on) < FEWEST else "degenerate"
        else:
            shares = np.bincount(place[1:, j], minlength=4) / n_boot if n_boot else np.eye(4)[place[0, j]]
            row |= {"quadrant": "borderline" if on_cut[j] else QUADRANTS[place[0, j]], "likely_quadrant": QUADRANTS[int(shares.argmax())]}
            row["quadrant_prob"] = float(shares.max()) if n_boot else np.nan
        rows.append(row)
    return rows

"""What to do first: fix basics that fall short, improve what pays in both directions, delight with what surprises (method M10)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.errors import InputError
from delight.result import Note, Result

#: Blocks in the order of action; within each by expected gain.
BLOCKS = ("fix_first", "improve", "delight_with", "keep_up", "look_into", "no_effect", "unknown")


def priorities(impact, gains, importance, *, scales=None):
    """Order of action over the attributes, from three driver results on the same data.

    Parameters
    ----------
    impact : Result
        `penalty_reward.effects`.
    gains : Result
        `what_if.gains`.
    importance : Result
        ``importance`` of `importance.importance`.
    scales : dict of str to Scale, optional
        For ``ps``, the priority score of Mikulić & Prebežac, which stands beside and never decides.

    Returns
    -------
    Result
        One row an attribute in order of action: ``order, block, impact_class, class_prob, performance`` (+ ``_lo, _hi``), ``knot, gain,
        gain_lo, gain_hi, share`` (also as ``derived``), ``quadrant, quadrant_prob, riocs, ia, ia_linear_null, ps, n, n_missing, n_eff,
        n_applicable, status``.

        Blocks: ``fix_first`` basis with a mean below the knot; ``improve`` beleving and what cannot be told from it; ``delight_with``
        bijzonder; ``keep_up`` basis at or above the knot; ``look_into`` reverse; ``no_effect`` indifferent; ``unknown`` without a class.

    References
    ----------
    Martilla & James (1977), JM 41; Mikulić & Prebežac (2008); Caber, Albayrak & Loiacono (2013).
    """
    tables = [r.table.set_index("attribute") for r in (impact, gains, importance)]
    if not all(set(t.index) == set(tables[0].index) for t in tables):
        raise InputError("Priorities need impact, gains and importance of the same attributes.")
    effects, what_if, weight = (t.loc[tables[0].index] for t in tables)
    table = pd.DataFrame({"attribute": effects.index})
    for source, columns in (
        (effects, ("impact_class", "class_prob", "knot", "riocs", "ia", "ia_linear_null")),
        (what_if, ("raise", "now", "then", "gain", "gain_lo", "gain_hi", "gain_applicable", "share_applicable")),
        (
            weight,
            ("share", "performance", "performance_lo", "performance_hi", "performance_100", "quadrant", "quadrant_prob", "n_applicable"),
        ),
    ):
        for c in columns:
            table[c] = source[c].to_numpy()
    table["derived"] = table["share"]
    table["block"] = [_block(c, mean, knot) for c, mean, knot in zip(table["impact_class"], table["performance"], table["knot"])]
    if scales:
        top = np.array([scales[a].max for a in table["attribute"]], dtype=float)
        length = top - np.array([scales[a].min for a in table["attribute"]], dtype=float)
        table["ps"] = table["riocs"] * (top - table["performance"]) / length
    else:
        table["ps"] = np.nan
    for c in ("n", "n_missing", "n_eff"):
        table[c] = effects[c].to_numpy()
    table["status"] = [_status(*s) for s in zip(effects["status"], what_if["status"])]
    place = table["block"].map({b: i for i, b in enumerate(BLOCKS)})
    by = pd.DataFrame(
        {"place": place, "gain": -table["gain"].fillna(-np.inf), "share": -table["share"].fillna(-np.inf), "name": table["attribute"]}
    )
    table = table.loc[by.sort_values(["place", "gain", "share", "name"]).index].reset_index(drop=True)
    table.insert(1, "order", np.arange(1, len(table) + 1))
    notes = [Note("bounded_outcome", n.values) for n in impact.notes if n.code == "bounded_outcome"]
    notes += [n for r in (impact, gains) for n in r.notes if n.code in ("mixed_scales", "linear_what_if", "few_events")]
    keep = ("n_in", "n_used", "n_dropped_missing", "n_eff", "weights", "y", "x", "ci_level", "n_boot", "seed", "scale")
    meta = {k: impact.meta[k] for k in keep if k in impact.meta}
    meta |= {k: gains.meta[k] for k in ("delight_from", "raise_points", "mixed") if k in gains.meta}
    return Result.of("M10", table, function="delight.drivers.priorities.priorities", notes=notes, **meta)


def _block(impact_class, mean, knot):
    """Block of action of one attribute."""
    if impact_class == "basis":
        return "fix_first" if mean < knot else "keep_up"
    return {
        "beleving": "improve",
        "undistinguished": "improve",
        "bijzonder": "delight_with",
        "reverse": "look_into",
        "indifferent": "no_effect",
    }.get(impact_class, "unknown")


def _status(impact_status, gain_status):
    """The graver of the two for numbers shown; a missing class alone leaves the gain standing."""
    graver = {"insufficient", "degenerate", "not_identified", "not_converged"}
    if gain_status in graver:
        return gain_status
    return impact_status if impact_status in graver or gain_status == "ok" else gain_status

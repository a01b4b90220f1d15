"""How stable an impact class is: under three codings and two kinds of coefficient, and when the survey is redrawn (method M08)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.drivers.classes import CLASSES, MARGIN
from delight.drivers.contrasts import COEFFICIENTS
from delight.drivers.penalty_reward import sensitivity
from delight.errors import InputError
from delight.estimate import benjamini_hochberg
from delight.result import Note, Result

#: Published cuts of impact asymmetry (Mikulić & Prebežac 2008), shown and never decided on: lowest asymmetry of each name.
ASYMMETRY_NAMES = ((0.7, "delighter"), (0.2, "satisfier"), (-0.2, "hybrid"), (-0.7, "dissatisfier"), (-np.inf, "frustrator"))
#: From this share of codings and coefficients that agree, and of redrawn surveys, a class is called firm.
FIRM_PANELS, FIRM_DRAWS = 5 / 6, 0.8


def panel(
    frame,
    *,
    y,
    x,
    scales,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    margin=MARGIN,
    alpha=0.05,
    ci_level=0.95,
):
    """The class of every attribute by its dummies, under each coding and each kind of coefficient.

    Parameters
    ----------
    frame, y, x, scales, weights, weights_kind, clusters, not_applicable, alpha, ci_level
        As in `penalty_reward.effects`.
    margin : float
        An excess asymmetry counts from the size that slopes with a difference of `margin` times the common slope would give.

    Returns
    -------
    Result
        One row an attribute, coding and coefficient: ``coding, coefficient, panel_class, asymmetry_name, excess_q`` and the columns of
        `penalty_reward.sensitivity`.

    Notes
    -----
    The rule of `penalty_reward.effects` put in terms of dummies: joint F not significant → ``indifferent``; a significant coefficient
    of the wrong sign → ``reverse``; asymmetry beyond that of a linear truth significant after Benjamini-Hochberg over the attributes
    and larger than half of `margin` times the linear range → ``basis`` or ``bijzonder``; else ``undistinguished``. ``asymmetry_name``
    follows the published cuts of impact asymmetry, which call a straight line lopsided wherever the steps are unequal.

    References
    ----------
    Albayrak & Caber (2013), TQM & Business Excellence; Mikulić & Prebežac (2008); Caber, Albayrak & Loiacono (2013).
    """
    options = {"y": y, "x": x, "scales": scales, "weights": weights, "weights_kind": weights_kind, "clusters": clusters}
    options |= {"not_applicable": not_applicable, "alpha": alpha, "ci_level": ci_level}
    found = sensitivity(frame, **options, coefficient=COEFFICIENTS)
    table = found.table
    table["excess_q"] = np.nan
    for _, rows in table.groupby(["coding", "coefficient"]).groups.items():
        table.loc[rows, "excess_q"] = benjamini_hochberg(table.loc[rows, "excess_p"].to_numpy(dtype=float))
    table["panel_class"] = [_class(row, alpha, margin) for row in table.to_dict("records")]
    table["asymmetry_name"] = [next((name for cut, name in ASYMMETRY_NAMES if ia >= cut), None) for ia in table["ia"]]
    first = ["attribute", "coding", "coefficient", "panel_class", "asymmetry_name", "excess_q"]
    table = table[[*first, *(c for c in table if c not in first)]]
    meta = {k: v for k, v in found.meta.items() if k not in ("method", "function", "version")} | {"margin": margin}
    return Result.of("M08.panel", table, function="delight.drivers.robustness.panel", notes=found.notes, **meta)


def _class(row, alpha, margin):
    """Class of one attribute by its dummies; None where they are not known."""
    if np.isnan(row["joint_p"]):
        return None
    if row["joint_p"] > alpha:
        return "indifferent"
    if row["penalty"] > 0 and row["penalty_p"] <= alpha or row["reward"] < 0 and row["reward_p"] <= alpha:
        return "reverse"
    relevant = abs(row["excess"]) > margin / 2 * row["riocs_linear_null"]
    if row["excess_q"] <= alpha and relevant:
        return "basis" if row["excess"] < 0 else "bijzonder"
    return "undistinguished"


def stability(impact, panel):
    """How firm each class of `penalty_reward.effects` is.

    Parameters
    ----------
    impact : Result
        `penalty_reward.effects`.
    panel : Result
        `panel` of the same attributes.

    Returns
    -------
    Result
        One row an attribute: ``impact_class, class_prob``, ``n_panels`` (codings and coefficients with a class), ``panel_share`` (of them,
        in the same class; no difference shown counts as one class with none there), ``panel_classes`` (the classes met, the most frequent
        first), ``n_names`` (different published names over the panels), ``firm`` (at least five in six panels and four in five redrawn
        surveys agree), ``n, n_missing, n_eff, status``. Without a class or a panel: NaN and the status of the class.
    """
    if set(impact.table["attribute"]) != set(panel.table["attribute"]):
        raise InputError("Stability needs the classes and the panel of the same attributes.")
    rows = []
    for row in impact.table.to_dict("records"):
        mine = panel.table[panel.table["attribute"] == row["attribute"]]
        met = [c for c in mine["panel_class"] if isinstance(c, str)]
        kept = {k: row[k] for k in ("attribute", "impact_class", "class_prob", "n", "n_missing", "n_eff", "status")}
        known = row["impact_class"] in CLASSES and met
        share = float(np.mean([_alike(c, row["impact_class"]) for c in met])) if known else np.nan
        firm = share >= FIRM_PANELS - 1e-9 and (np.isnan(row["class_prob"]) or row["class_prob"] >= FIRM_DRAWS) if known else None
        order = sorted(set(met), key=lambda c: (-met.count(c), CLASSES.index(c)))
        rows.append({**kept, "n_panels": len(met), "panel_share": share, "panel_classes": ", ".join(order) or None, "firm": firm})
        rows[-1]["n_names"] = mine["asymmetry_name"].dropna().nunique()
    table = pd.DataFrame(rows)
    table["firm"] = table["firm"].astype("boolean")
    n_judged = int(table["panel_share"].notna().sum())
    notes = [Note("firm", {"attributes": list(table.loc[table["firm"].fillna(False), "attribute"]), "n_judged": n_judged})]
    keep = ("n_in", "n_used", "n_dropped_missing", "n_eff", "weights", "y", "x", "ci_level", "n_boot", "seed", "scale")
    meta = {k: impact.meta[k] for k in keep if k in impact.meta}
    return Result.of("M08.stability", table, function="delight.drivers.robustness.stability", notes=notes, **meta)


def _alike(panel_class, impact_class):
    """Whether dummies and slopes say the same: dummies cannot show that two slopes are equal."""
    return panel_class == {"beleving": "undistinguished"}.get(impact_class, impact_class)

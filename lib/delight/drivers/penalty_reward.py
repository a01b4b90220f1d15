"""What poor and good experiences do to the overall score, and which kind of factor each is (penalty-reward, method M08)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight import resample
from delight.drivers.classes import CLASSES, LEAST, MARGIN, MEASURED, classify, probabilities
from delight.drivers.contrasts import CODINGS, Dummies, check_choices
from delight.drivers.prepare import prepare
from delight.drivers.slopes import BOUNDED, MIN_SIDE, Slopes, bounds
from delight.errors import InputError
from delight.estimate import base_status, benjamini_hochberg
from delight.result import Note, Result

__all__ = ["CLASSES", "CODINGS", "classify", "effects", "sensitivity"]


def effects(
    frame,
    *,
    y,
    x,
    scales,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    knots=None,
    coding="default",
    coefficient="raw",
    models="joint",
    min_side=MIN_SIDE,
    least=LEAST,
    margin=MARGIN,
    alpha=0.05,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Penalty and reward of each attribute, its slopes below and above a knot, and its impact class.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged. Or `Moments` with terms ``knots`` and ``dummies``.
    y : str
        Outcome; 0/1 works as a linear probability.
    x : sequence of str
        Attributes, all in one model (those that apply to a part only: in a model of their own, see `prepare.prepare`).
    scales : dict of str to Scale
        Of the outcome and every attribute; gives the cuts of the dummies and the knot.
    weights, weights_kind, clusters, not_applicable
        As in `importance`.
    knots : dict of str to float, optional
        Instead of the scales' own (8 on 0-10 and 1-10, 6 on 1-7, 4 on 1-5).
    coding : {"default", "extremes", "terciles"}
        Cuts of the dummies, which are for display.
    coefficient : {"raw", "standardised"}
        Unit of penalty, reward and what is made of them; the slopes stay in points.
    models : {"joint", "each"}
        ``each``: every attribute in a model by itself, for attributes that cannot be held apart (VIF > 10).
    min_side : int
        Fewer answers below or above the knot, or in the low dummy: the term is dropped and the class is ``insufficient``.
    least : float
        Least relevant difference of the slopes, in standard deviations of `y` a standard deviation of the attribute; slopes below half
        of it count for nothing. 0 lets every difference that is significant be one of kind.
    margin : float
        Share of the common slope: within it on either side slopes are of one kind, beyond it they may be of two.
    alpha : float
        Level of the class rule.
    ci_level, n_boot, seed

    Returns
    -------
    Result
        One row an attribute: ``n_low, n_mid, n_high, penalty, reward`` (points of `y` against a middling experience) with
        ``se_*, *_lo, *_hi``, ``joint_p``, ``asym`` (+ interval, p), ``asym_linear_null`` and ``excess`` (asymmetry beyond that of a linear
        truth, + interval, p), ``sgp, dgp, ia, ia_linear_null, riocs``; ``knot, n_below, n_above, slope_below, slope_above`` (points of
        `y` a point of `x`) with ``se_*, *_lo, *_hi, *_lo90, *_hi90``, ``slope_joint_p, slope_diff, diff_lo, diff_hi, diff_p, diff_q,
        std_diff, common_slope``; ``latent_diff, latent_p, latent_q`` (ordered logit, where the outcome is bounded); ``impact_class``,
        ``class_prob`` (bootstrap share of draws in that class), ``likely_class``, ``prob_<class>``, ``b3``.

    Notes
    -----
    y = b0 + Σ (b min(x-K, 0) + g max(x-K, 0)), HC3. (1) b = g = 0 not rejected, or both smaller than half of `least`: ``indifferent``.
    (2) b or g negative with p ≤ alpha and not as small as that: ``reverse``. (3) g - b = 0 rejected after Benjamini-Hochberg over the
    attributes and |g - b| at least `least` and beyond `margin` times the common slope: ``basis`` if g < b, ``bijzonder`` if g > b.
    (4) 90 % interval of g - b within ± `margin` times the common slope: ``beleving``, else ``undistinguished``. Where more than 5 %
    of the outcome is at its maximum, ``basis`` must show in an ordered logit too, after Benjamini-Hochberg as well; at its
    minimum, ``bijzonder`` likewise: a floor tilts that way. Bootstrap draws are classed with the covariance of the fit. It measures
    impact; by itself it is no Kano classification.

    References
    ----------
    Brandt (1987); Mittal, Ross & Baldasare (1998), JM 62; Mikulić & Prebežac (2008, 2011); Albayrak & Caber (2013).
    """
    check_choices(coding, coefficient)
    if models not in ("joint", "each"):
        raise InputError(f"models is 'joint' or 'each', not {models!r}.")
    scales = _scales_of(x, scales)
    options = {"y": y, "scales": scales, "weights": weights, "weights_kind": weights_kind, "clusters": clusters}
    prepared = prepare(frame, x=x, not_applicable=not_applicable, sums=models == "joint", **options)
    knots = {a: (knots or {}).get(a, scales[a].knot) for a in x}
    rule = {"alpha": alpha, "least": least, "margin": margin}
    rows, drawn, ends = {}, {}, {}
    for name, judged, model in _models(frame, prepared, models, not_applicable, options):
        ends = ends or bounds(model, scales.get(y))
        slopes = Slopes(model, judged, knots, scales, min_side, ends)
        dummies = Dummies(model, scales, coding, coefficient, min_side)
        for a in judged:
            rows[a] = {**_counts(model, a, name != "joint"), **dummies.row(a, alpha, ci_level), **slopes.row(a, ci_level)}
        if slopes.usable and n_boot:
            drawn |= slopes.draws(n_boot, resample.generator(seed, f"M08.{name}"))
    table = pd.DataFrame([rows.get(a) or _constant(prepared, a) for a in prepared.attributes])
    no_class = dict(zip(table["attribute"], [r if isinstance(r, str) else None for r in table.pop("no_class")]))
    table = table.reindex(columns=[*COLUMNS, *(c for c in table if c not in COLUMNS)])
    table["std_diff"] = table["slope_diff"] * table["sd_ratio"]
    for k in ("diff", "latent"):
        table[f"{k}_q"] = benjamini_hochberg(table[f"{k}_p"].to_numpy(dtype=float))
    measured = {k: table[k].to_numpy(dtype=float) for k in (*MEASURED, "sd_ratio")}
    at_ends = {"bounded_above": ends.get("above", False), "bounded_below": ends.get("below", False)}
    table["impact_class"] = [no_class[a] or c for a, c in zip(table["attribute"], classify(**measured, **at_ends, **rule))]
    judged = {a: d for a, d in drawn.items() if no_class[a] is None}
    fixed = table.set_index("attribute")[["common_slope", "sd_ratio"]].to_dict("index")
    certainty = probabilities(list(table["attribute"]), list(table["impact_class"]), judged, fixed, **at_ends, **rule)
    table[certainty.columns] = certainty
    table["b3"] = pd.Series([c if c in ("basis", "beleving", "bijzonder") else None for c in table["impact_class"]], dtype=object)
    table["coding"], table["coefficient"] = coding, coefficient
    table["status"] = [no_class[a] or _base(prepared.model_of(a)) for a in table["attribute"]]
    notes = [*prepared.notes, *_notes(table, prepared, scales, ends, measured, rule, y)]
    meta = {"y": y, "x": list(x), "coding": coding, "coefficient": coefficient, "models": models, "knots": knots, **rule}
    meta |= {"ci_level": ci_level, "n_boot": int(n_boot), "seed": seed}
    meta |= {"clusters": clusters, "n_joint": len(prepared.joint.x), "scale": scales.get(y)}
    return Result.of("M08", table, function="delight.drivers.penalty_reward.effects", notes=notes, **prepared.joint.meta, **meta)


def sensitivity(
    frame,
    *,
    y,
    x,
    scales,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    coefficient="raw",
    min_side=MIN_SIDE,
    alpha=0.05,
    ci_level=0.95,
):
    """Penalty, reward and asymmetry under three codings of "poor" and "good" (Albayrak & Caber 2013: results depend on it).

    Parameters
    ----------
    frame, y, x, scales, weights, weights_kind, clusters, not_applicable, min_side, alpha, ci_level
        As in `effects`.
    coefficient : {"raw", "standardised"} or sequence of them

    Returns
    -------
    Result
        One row an attribute, coefficient and coding: ``coding, coefficient, cut_low, cut_high`` and the dummies' columns of `effects`. The class is
        not among them: it rests on slopes, not on dummies.
    """
    coefficients = [coefficient] if isinstance(coefficient, str) else list(coefficient)
    for each in coefficients:
        check_choices("default", each)
    scales = _scales_of(x, scales)
    prepared = prepare(
        frame, y=y, x=x, scales=scales, weights=weights, weights_kind=weights_kind, clusters=clusters, not_applicable=not_applicable
    )
    place, rows = {a: i for i, a in enumerate(prepared.attributes)}, []
    for at, coding in enumerate(CODINGS):
        for judged, model in prepared.models:
            dummies = Dummies(model, scales, coding, "raw", min_side)
            for kind, each in enumerate(coefficients):
                dummies.measure_in(each)
                for a in judged:
                    row = {**_counts(model, a, model is not prepared.joint), **dummies.row(a, alpha, ci_level)}
                    about = {"coding": coding, "coefficient": each, "place": (place[a], kind, at)}
                    rows.append({**row, **about, "status": _dummy_status(dummies, a, row)})
        for kind, each in enumerate(coefficients):
            about = {"coding": coding, "coefficient": each, "status": "degenerate"}
            rows += [{**_constant(prepared, a), **about, "place": (place[a], kind, at)} for a in prepared.constant]
    first = COLUMNS[COLUMNS.index("n_low") : COLUMNS.index("knot")]
    table = pd.DataFrame(sorted(rows, key=lambda row: row["place"])).drop(columns=["no_class", "place"])
    table = table.reindex(columns=["attribute", "coding", *first, *(c for c in table if c not in ("attribute", "coding", *first))])
    meta = {"y": y, "x": list(x), "ci_level": ci_level, "alpha": alpha, "codings": list(CODINGS), "coefficients": coefficients}
    meta["keys"] = ["coding", "coefficient"] if len(coefficients) > 1 else ["coding"]
    where = "delight.drivers.penalty_reward.sensitivity"
    return Result.of("M08.sensitivity", table, function=where, notes=prepared.notes, **prepared.joint.meta, **meta)


COLUMNS = [
    *("attribute", "impact_class", "class_prob", "likely_class", "b3", "n_low", "n_mid", "n_high", "cut_low", "cut_high"),
    *("penalty", "penalty_lo", "penalty_hi", "se_penalty", "penalty_p", "reward", "reward_lo", "reward_hi", "se_reward", "reward_p"),
    *("joint_f", "joint_p", "asym", "asym_lo", "asym_hi", "asym_p", "asym_linear_null", "riocs_linear_null"),
    *("excess", "excess_lo", "excess_hi", "excess_p", "sgp", "dgp", "ia", "ia_linear_null", "riocs"),
    *("knot", "n_below", "n_above", "slope_below", "slope_below_lo", "slope_below_hi", "slope_below_lo90", "slope_below_hi90"),
    *("se_below", "below_p", "slope_above", "slope_above_lo", "slope_above_hi", "slope_above_lo90", "slope_above_hi90"),
    *("se_above", "above_p", "slope_joint_p", "slope_diff", "diff_lo", "diff_hi", "diff_lo90", "diff_hi90", "se_diff", "diff_p"),
    *("diff_q", "std_diff", "common_slope", "sd_ratio", "df", "latent_diff", "latent_p", "latent_q", "vif", "performance"),
    *("own_model", "n", "n_missing", "n_eff", "n_applicable"),
]


def _scales_of(x, scales):
    scales = dict(scales or {})
    unknown = [c for c in x if c not in scales]
    if unknown:
        raise InputError(f"Penalty and reward need the scale of every attribute; missing in `scales`: {', '.join(unknown)}.")
    return scales


def _models(frame, prepared, models, not_applicable, options):
    """(name, attributes judged, model) of every regression."""
    if models == "joint":
        for judged, model in prepared.models:
            yield "joint" if model is prepared.joint else judged[0], judged, model
        return
    for a in prepared.attributes:
        if a not in prepared.constant:
            yield a, [a], prepare(frame, x=[a], not_applicable=not_applicable, **options).model_of(a)


def _counts(model, a, own):
    row = {"attribute": a, "n": model.n, "n_missing": model.n_missing, "n_eff": model.n_eff, "n_applicable": model.n_applicable(a)}
    return {**row, "own_model": own, "no_class": None}


def _constant(prepared, a):
    joint = prepared.joint
    row = {"attribute": a, "n": joint.n, "n_missing": joint.n_missing, "n_eff": joint.n_eff}
    return {**row, "n_applicable": prepared.base[a], "own_model": False, "no_class": "degenerate"}


def _base(model):
    """``low_base`` below 200 answers or ten for each dummy, also where weights leave no more."""
    return base_status(model.n, model.n_eff, clusters=model.n_clusters, soft=max(200, 10 * 2 * len(model.x)))


def _dummy_status(dummies, a, row):
    """Status of the penalty and reward of one attribute."""
    status = dummies.model.status()
    if status == "insufficient":
        return status
    if a in dummies.tangled or np.ptp(dummies.model.values) == 0:
        return "degenerate"
    if np.isnan(row["penalty"]) and np.isnan(row["reward"]):
        return "insufficient" if not np.isnan(row["cut_low"]) else "not_identified"
    return status


def _notes(table, prepared, scales, ends, measured, rule, y):
    notes = []
    no_knot = list(table.loc[table["impact_class"] == "not_identified", "attribute"])
    if no_knot:
        notes.append(Note("no_knot", {"attributes": no_knot, "scales": [str(scales[a]) for a in no_knot]}))
    few = list(table.loc[table["impact_class"] == "insufficient", "attribute"])
    if few:
        notes.append(Note("few_below_or_above", {"attributes": few}))
    high = table[table["vif"] > 10]
    if len(high):
        notes.append(Note("vif", {"attributes": list(high["attribute"]), "vif": list(high["vif"])}))
    judged = table["impact_class"].isin(CLASSES)
    slight = judged & (table["impact_class"] == "indifferent") & (table["slope_joint_p"] <= rule["alpha"])
    if slight.any():
        notes.append(Note("slight_effect", {"attributes": list(table.loc[slight, "attribute"]), "least": rule["least"]}))
    if ends.get("above") or ends.get("below"):
        of_kind = {"alpha": rule["alpha"], "least": 0, "margin": 0}
        free = classify(**measured, **of_kind)
        held = classify(**measured, **of_kind, bounded_above=ends["above"], bounded_below=ends["below"])
        demoted = [a for a, f, h in zip(table["attribute"], free, held) if f in ("basis", "bijzonder") and h != f]
        about = {"share_max": ends["share_max"], "share_min": ends["share_min"], "limit": BOUNDED, "y": y, "demoted": demoted}
        notes.append(Note("bounded_outcome", about))
    wanted = max(200, 20 * len(prepared.joint.x))
    if prepared.joint.n < wanted:
        notes.append(Note("small_for_penalty_reward", {"n": prepared.joint.n, "wanted": wanted}))
    return notes

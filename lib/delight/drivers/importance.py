"""How much each experience adds to what customers say overall: shares with intervals, and honest ranks (M13, M14)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from delight import resample
from delight.drivers import draws as drawn
from delight.drivers import ranks, shares
from delight.drivers import relative_weights as johnson
from delight.drivers.prepare import prepare
from delight.drivers.shapley import random_orders, sampled, shapley
from delight.errors import InputError
from delight.estimate import base_status
from delight.result import Note, Result

GAMES = ("auto", "shapley", "relative_weights", "permutations")
#: Fewest orders of the attributes that are sampled.
FEWEST_ORDERS = 500
METHODS = {"shapley": "M14", "permutations": "M14", "relative_weights": "M13"}

COLUMNS = [
    *("attribute", "raw", "raw_lo", "raw_hi", "se", "share", "ci_lo", "ci_hi", "rank", "rank_lo", "rank_hi", "sign", "alone", "last"),
    *("vif", "noise_p", "se_normal", "se_orders", "performance", "performance_lo", "performance_hi", "performance_100"),
    *("quadrant", "quadrant_prob", "ellipse_x", "ellipse_y", "ellipse_corr", "r2", "game", "own_model"),
    *("n", "n_missing", "n_eff", "n_applicable", "status"),
]


class Importance(NamedTuple):
    """Two tables: one row a driver, one row a pair of drivers."""

    importance: Result
    pairs: Result


def importance(
    frame,
    *,
    y,
    x,
    scales=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    always=(),
    game="auto",
    link="linear",
    exact_up_to=shares.EXACT_UP_TO,
    n_permutations=1000,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Share of R² that goes to each attribute, its interval, and the ranks that the data allow.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged. Or `Moments`.
    y : str
        Outcome (an ordered or a 0/1 score; its variance is what is shared out).
    x : sequence of str
        Attributes; rows that miss one are left out and counted.
    scales : dict of str to Scale, optional
    weights, weights_kind : as in `estimate.sample`
    clusters : str, optional
        Column; whole clusters are resampled.
    not_applicable : dict of str to str, optional
        Attribute → boolean column "does not apply": up to 20 % the joint model adjusts for it, above it the attribute is judged
        in a model of its own, among those it applies to (note ``partial_base``; no rank).
    always : sequence of str
        Numeric columns forced into the model first; only what attributes add to them is shared out.
    game : {"auto", "shapley", "relative_weights", "permutations"}
        Shapley / LMG tries all subsets; ``auto`` takes it up to `exact_up_to` attributes, relative weights above; ``permutations``
        averages over a sample of orders instead of all.
    link : {"linear", "logit", "auto"}
        Relative weights only. ``logit``: slopes of a binary or ordered logit take the place of those of least squares, and McFadden's
        R² that of R² (note ``mcfadden``: an approximation); ``auto`` does so for an outcome whose scale has at most seven points
        (without a scale: at most seven different answers).
    exact_up_to : int
        At most 22.
    n_permutations : int
        At least 500.
    ci_level, n_boot, seed
        Percentile intervals; the draws are raised where the comparison of pairs needs more (M00).

    Returns
    -------
    Importance
        ``importance``, one row an attribute: ``raw`` (share of the variance of `y`, 0-1), ``raw_lo, raw_hi, se``, ``share`` (of what
        the model explains), ``ci_lo, ci_hi``, ``rank, rank_lo, rank_hi``, ``sign`` of the slope in the full model, ``alone`` (R² by
        itself), ``last`` (what it adds to all others), ``vif``, ``noise_p`` and ``se_normal`` (relative weights only), ``se_orders``
        (permutations only: error of sampling orders), ``performance`` (mean, own points) with ``_lo, _hi``, ``performance_100`` (0-100
        of the scale), ``quadrant, quadrant_prob``, ``ellipse_x, ellipse_y, ellipse_corr`` (bootstrap sd of share and performance_100,
        and their correlation), ``n, n_missing, n_eff, n_applicable, r2, game, own_model, status``.
        ``pairs``: see `ranks.pairwise`.

        Fewer than 30 answers: NaN and ``insufficient``. One answer only, nothing explained, or (relative weights) attributes that
        determine each other: ``degenerate``. A logit that does not settle: ``not_converged``.

    Raises
    ------
    InputError
        Unknown columns, scores outside their scale, an unknown game or link, too many attributes for the game.

    References
    ----------
    Lindeman, Merenda & Gold (1980); Grömping (2006), JSS 17; Johnson (2000), MBR 35; Tonidandel, LeBreton & Johnson (2009);
    Tonidandel & LeBreton (2010), Journal of Management 36 (logit).
    """
    _check(game, link, n_permutations)
    options = {"scales": scales, "weights": weights, "weights_kind": weights_kind, "clusters": clusters}
    prepared = prepare(frame, y=y, x=x, not_applicable=not_applicable, always=always, sums=link == "linear", **options)
    p, notes = len(prepared.joint.x), [*prepared.notes]
    chosen = _chosen(game, p, exact_up_to, notes)
    if link != "linear" and chosen != "relative_weights":
        raise InputError("link='logit' goes with relative weights: ask for game='relative_weights'.")
    link = drawn.chosen_link(link, prepared.joint.values, (scales or {}).get(y))
    n_boot = _draws(p, n_boot, ci_level, chosen, n_permutations, notes)
    how = {"game": chosen, "link": link, "ci_level": ci_level, "n_permutations": n_permutations}
    rows, pairs, dependent = [], None, []
    for judged, model in prepared.models:
        joint = model is prepared.joint
        each = n_boot if joint or len(model.x) <= 12 else min(n_boot, 500)
        rng = resample.generator(seed, f"M14.{'joint' if joint else judged[0]}")
        found, compared, named = _judge(model, judged, dict(scales or {}), each, rng, **how)
        rows.append(found.assign(own_model=not joint))
        pairs = compared if joint else pairs
        dependent += [d for d in named if d not in dependent]
    if link == "logit":
        notes.append(Note("mcfadden", {"levels": int(len(np.unique(prepared.joint.values)))}))
    meta = {"y": y, "x": list(x), "n_boot": n_boot, "seed": seed, "clusters": clusters, "always": list(always), **how}
    return _results(prepared, rows, pairs, dependent, notes, meta)


def importance_from_correlation(
    correlation, *, y, x, n, game="auto", exact_up_to=shares.EXACT_UP_TO, n_permutations=1000, ci_level=0.95, n_boot=2000, seed=20250101
):
    """Shares from a correlation (or covariance) matrix and the number of answers, where the rows themselves are not at hand.

    Parameters
    ----------
    correlation : DataFrame, square, with the same names down and across
    y : str
    x : sequence of str
    n : int
        Answers behind the matrix.
    game, exact_up_to, n_permutations, ci_level, n_boot, seed
        As in `importance`; the draws are Wishart, so that intervals and rank sets suppose a normal distribution (note
        ``normal_theory``). What only rows can tell stays NaN: ``performance`` and what follows from it, ``noise_p``.

    Returns
    -------
    Importance
        ``n_missing`` is 0, since only complete answers stand behind a matrix.

    Raises
    ------
    InputError
        As `draws.of_matrix`, and an unknown game.
    """
    _check(game, "linear", n_permutations)
    x, notes = list(x), []
    p = len(x)
    chosen = _chosen(game, p, exact_up_to, notes)
    n_boot = _draws(p, n_boot, ci_level, chosen, n_permutations, notes)
    enough = n > p + 1 and base_status(n, model=True) != "insufficient"
    draws = drawn.of_matrix(correlation, y=y, x=x, n=n, n_boot=n_boot if enough else 0, rng=resample.generator(seed, "M14.correlation"))
    status = base_status(n, model=True) if enough else "insufficient"
    how = {"game": chosen, "link": "linear", "ci_level": ci_level, "n_permutations": n_permutations}
    if enough:
        table, pairs, raw = _decomposed(draws, chosen, n, n_permutations, ci_level, resample.generator(seed, "M14.orders"))
        table["status"] = np.where(table["share"].isna(), "degenerate", status)
        if n_boot:
            notes.append(Note("normal_theory", {"n": n}))
        if np.isnan(raw[0]).any() and draws.singular:
            notes.append(Note("dependent_attributes", {"attributes": johnson.dependent(draws.rxx[0], x)}))
    else:
        table, pairs = pd.DataFrame({"attribute": x, "status": status}), shares.no_pairs()
    counts = {"n": n, "n_missing": 0, "n_eff": float(n)}
    table = table.assign(**counts, n_applicable=n, game=chosen, own_model=False).reindex(columns=COLUMNS)
    meta = {"n_in": n, "n_used": n, "n_dropped_missing": 0, "n_eff": float(n), "weights": "none", "y": y, "x": x, "seed": seed, **how}
    meta |= {"n_boot": draws.n_boot, "r2": float(table["r2"].max()), "n_joint": p}
    where = "delight.drivers.importance.importance_from_correlation"
    return _both(METHODS[chosen], table, pairs.assign(**counts, status=status), where, notes, meta)


# ---- choices


def _check(game, link, n_permutations):
    if game not in GAMES:
        raise InputError(f"game is {', '.join(map(repr, GAMES[:-1]))} or {GAMES[-1]!r}, not {game!r}.")
    if link not in ("linear", "logit", "auto"):
        raise InputError(f"link is 'linear', 'logit' or 'auto', not {link!r}.")
    if n_permutations < FEWEST_ORDERS:
        raise InputError(f"n_permutations is at least {FEWEST_ORDERS}, not {n_permutations}.")


def _chosen(game, p, exact_up_to, notes):
    """The game played: `game`, or for ``auto`` what the number of attributes allows, with a note."""
    shares.check_limit(exact_up_to)
    if game == "auto" and p > exact_up_to:
        notes.append(Note("too_many_for_shapley", {"n_attributes": p, "limit": exact_up_to}))
        return "relative_weights"
    if game == "shapley":
        shares.check_exact(p, max(exact_up_to, shares.EXACT_UP_TO), "Use game='relative_weights' or 'permutations'.")
    return "shapley" if game == "auto" else game


def _draws(p, asked, ci_level, game, n_permutations, notes):
    """Draws: as many as the comparison of pairs needs, no more than sampled orders allow; with a note where that is not what was asked."""
    if not asked:
        return 0
    draws = ranks.draws_for(p, asked, 1 - ci_level)
    if game == "permutations":
        draws = shares.affordable(draws, shares.cost_of_orders(p, n_permutations))
    if draws != asked:
        notes.append(Note("draws_raised" if draws > asked else "draws_lowered", {"n_boot": draws, "asked": int(asked)}))
    return draws


# ---- one model


def _judge(model, judged, scales, n_boot, rng, *, game, link, ci_level, n_permutations):
    """(rows of the attributes `judged`, pairs, names of attributes that determine each other) of one model."""
    at = [model.x.index(a) for a in judged]
    base = pd.DataFrame({"attribute": judged, "n_applicable": [model.n_applicable(a) for a in judged]})
    base = base.assign(n=model.n, n_missing=model.n_missing, n_eff=model.n_eff)
    status = drawn.status_of(model)
    if status in ("insufficient", "degenerate"):
        return base.assign(status=status), None, []
    draws = drawn.of_model(model, n_boot, rng, link=link)
    table, pairs, raw = _decomposed(draws, game, model.n_eff, n_permutations, ci_level, rng)
    if game == "relative_weights" and n_boot and not np.isnan(raw[0]).any() and not model.stands_in:
        table["noise_p"] = drawn.noise_p(model, lambda d: johnson.relative_weights(d.rxx, d.rxy), n_boot, rng, link=link)
    hundred = np.column_stack([_hundred(draws.means[:, j], scales.get(a)) for j, a in enumerate(model.x)])
    table = pd.concat([table, _performance(draws, raw, hundred, ci_level)], axis=1)
    table = table.iloc[at].reset_index(drop=True)
    failed = "not_converged" if link == "logit" and not draws.singular else "degenerate"
    own = base["n_applicable"].map(model.status)
    table["status"] = own.where(table["share"].notna(), failed)
    table = table.merge(base, on="attribute", validate="1:1")
    if len(judged) < len(model.x):
        table[["rank", "rank_lo", "rank_hi", "quadrant", "quadrant_prob"]] = np.nan
        pairs = None
    return table, pairs, johnson.dependent(draws.rxx[0], model.x) if draws.singular else []


def _decomposed(draws, game, n_eff, n_permutations, ci_level, rng):
    """(one row an attribute, pairs, parts of R² in the sample and every draw)."""
    p, se_orders, se_normal = len(draws.x), np.nan, np.nan
    if game == "shapley":
        raw = shapley(draws.rxx, draws.rxy)
    elif game == "relative_weights":
        raw = johnson.relative_weights(draws.rxx, draws.rxy)
        se_normal = johnson.standard_errors(draws.rxx[0], draws.rxy[0], n_eff - p, draws.beta_cov)
    else:
        raw, se_orders = sampled(draws.rxx, draws.rxy, random_orders(p, n_permutations, rng))
    standing, pairs = shares.standing(draws.x, raw, ci_level)
    table = pd.concat([pd.DataFrame({"attribute": draws.x}), shares.estimates(raw, ci_level), standing], axis=1)
    known = not np.isnan(draws.rxy[0]).any()
    table = table.assign(sign=np.sign(draws.slopes) if known else np.nan, alone=draws.rxy[0] ** 2, last=draws.last if known else np.nan)
    return table.assign(vif=draws.vif, se_normal=se_normal, se_orders=se_orders), pairs, raw


# ---- grades beside weights


def _hundred(values, scale):
    """Means as 0-100 of their scale; as they are without one."""
    return values if scale is None else 100 * (values - scale.min) / (scale.max - scale.min)


def _performance(draws, raw, hundred, ci_level):
    """Columns of the grade beside the weight: means, quadrants and the ellipse of the two."""
    with np.errstate(all="ignore"):
        share = raw / raw.sum(axis=1, keepdims=True)
    table = pd.DataFrame({**shares.interval("performance", draws.means, ci_level), "performance_100": hundred[0]})
    if draws.n_boot < 2 or np.isnan(share[0]).any():
        return table
    known = ~np.isnan(share).any(axis=1)
    share, hundred = share[known], hundred[known]
    quadrant = _quadrant(share, hundred)
    if len(share) < 3:
        return table.assign(quadrant=quadrant[0])
    sx, sy = share[1:].std(axis=0, ddof=1), hundred[1:].std(axis=0, ddof=1)
    covariance = ((share[1:] - share[1:].mean(axis=0)) * (hundred[1:] - hundred[1:].mean(axis=0))).sum(axis=0) / (len(share) - 2)
    with np.errstate(all="ignore"):
        corr = np.where(sx * sy > 0, covariance / (sx * sy), np.nan)
    prob = (quadrant[1:] == quadrant[0]).mean(axis=0)
    return table.assign(quadrant=quadrant[0], quadrant_prob=prob, ellipse_x=sx, ellipse_y=sy, ellipse_corr=corr)


def _quadrant(importance, performance):
    """Quadrants of arrays (…, p), the crosshair at the grand means (Martilla & James 1977)."""
    with np.errstate(invalid="ignore"):
        heavy = importance >= np.nanmean(importance, axis=-1, keepdims=True)
        good = performance >= np.nanmean(performance, axis=-1, keepdims=True)
    return _named(heavy, good)


def _named(heavy, good):
    return np.where(heavy, np.where(good, "keep_up", "concentrate"), np.where(good, "overkill", "low_priority"))


def _place_apart(table):
    """Quadrants of attributes with a model of their own, by the crosshair of the joint ones; text stays text."""
    table["quadrant"] = table["quadrant"].astype(object)
    known = table["quadrant"].notna()
    apart = ~known & table["share"].notna() & table["own_model"].astype(bool)
    if known.any() and apart.any():
        centre = table.loc[known, ["share", "performance_100"]].mean()
        table.loc[apart, "quadrant"] = _named(
            table.loc[apart, "share"] >= centre["share"], table.loc[apart, "performance_100"] >= centre["performance_100"]
        )
    return table


# ---- results


def _results(prepared, rows, pairs, dependent, notes, meta):
    """The two tables of a study, attributes in the order asked for, constant ones included."""
    joint, game = prepared.joint, meta["game"]
    counts = {"n": joint.n, "n_missing": joint.n_missing, "n_eff": joint.n_eff}
    constant = [
        {"attribute": a, **counts, "n_applicable": prepared.base[a], "own_model": False, "status": "degenerate"} for a in prepared.constant
    ]
    table = pd.concat([*(r.dropna(axis=1, how="all") for r in rows), *([pd.DataFrame(constant)] if constant else [])], ignore_index=True)
    table = table.set_index("attribute").loc[prepared.attributes].reset_index().reindex(columns=COLUMNS).assign(game=game)
    inflated = table[table["vif"] > 10]
    if dependent:
        notes.append(Note("dependent_attributes", {"attributes": dependent}))
    if len(inflated):
        notes.append(Note("vif", {"attributes": inflated["attribute"].tolist(), "vif": inflated["vif"].tolist()}))
    pairs = shares.no_pairs() if pairs is None else pairs
    meta = {**joint.meta, **meta, "n_joint": len(joint.x), "r2": float(table.loc[table["attribute"].isin(joint.x), "r2"].max())}
    where = "delight.drivers.importance.importance"
    return _both(METHODS[game], _place_apart(table), pairs.assign(**counts, status=joint.status()), where, notes, meta)


def _both(method, table, pairs, where, notes, meta):
    compared = Result.of(f"{method}.pairs", pairs, function=where, notes=notes, **meta, keys=["compared_with"])
    return Importance(Result.of(method, table, function=where, notes=notes, **meta), compared)

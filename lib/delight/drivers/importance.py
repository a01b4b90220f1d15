"""How much each experience adds to what customers say overall: shares with intervals, and honest ranks (M13, M14)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from delight import resample
from delight.drivers import ranks
from delight.drivers import relative_weights as johnson
from delight.drivers.model import correlations, prepare, vif
from delight.drivers.shapley import shapley
from delight.errors import InputError
from delight.estimate import base_status
from delight.result import Note, Result

#: Up to this many attributes every subset is tried by default; above it relative weights stand in.
EXACT_UP_TO = 15
EXACT_AT_MOST = 22
NOISE = 20


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
    exact_up_to=EXACT_UP_TO,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Share of R² that goes to each attribute, its interval, and the ranks that the data allow.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
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
    game : {"auto", "shapley", "relative_weights"}
        Shapley / LMG tries all subsets; ``auto`` takes it up to `exact_up_to` attributes, relative weights above.
    exact_up_to : int
        At most 22.
    ci_level, n_boot, seed
        Percentile intervals; the draws are raised where the comparison of pairs needs more (M00).

    Returns
    -------
    Importance
        ``importance``, one row an attribute: ``raw`` (share of the variance of `y`, 0-1), ``raw_lo, raw_hi, se``, ``share`` (of what
        the model explains), ``ci_lo, ci_hi``, ``rank, rank_lo, rank_hi``, ``sign`` of the slope in the full model, ``alone`` (R² by
        itself), ``last`` (what it adds to all others), ``vif``, ``noise_p`` and ``se_normal`` (relative weights only),
        ``performance`` (mean, own points) with ``_lo, _hi``, ``performance_100`` (0-100 of the scale), ``quadrant, quadrant_prob``,
        ``ellipse_x, ellipse_y, ellipse_corr`` (bootstrap sd of share and performance_100, and their correlation),
        ``n, n_missing, n_eff, n_applicable, r2, game, status``.
        ``pairs``: see `ranks.pairwise`.

        Fewer than 30 answers: NaN and ``insufficient``. One answer only: ``degenerate``.

    Raises
    ------
    InputError
        Unknown columns, scores outside their scale, an unknown game.

    References
    ----------
    Lindeman, Merenda & Gold (1980); Grömping (2006), JSS 17; Johnson (2000), MBR 35; Tonidandel, LeBreton & Johnson (2009).
    """
    if game not in ("auto", "shapley", "relative_weights"):
        raise InputError(f"game is 'auto', 'shapley' or 'relative_weights', not {game!r}.")
    if exact_up_to > EXACT_AT_MOST:
        raise InputError(f"exact_up_to is at most {EXACT_AT_MOST} (2**{EXACT_AT_MOST} models a draw), not {exact_up_to}.")
    prepared = prepare(
        frame,
        y=y,
        x=x,
        scales=scales,
        weights=weights,
        weights_kind=weights_kind,
        clusters=clusters,
        not_applicable=not_applicable,
        always=always,
    )
    p = len(prepared.joint.x)
    largest = max([p, *(len(m.x) for m in prepared.own.values())])
    chosen = game if game != "auto" else "shapley" if p <= exact_up_to else "relative_weights"
    if chosen == "shapley" and largest > max(exact_up_to, EXACT_UP_TO) + 1:
        raise InputError(
            f"{largest} attributes make 2**{largest} models; Shapley shares go up to exact_up_to={exact_up_to}. Use game='relative_weights'."
        )
    notes = [*prepared.notes]
    if game == "auto" and chosen == "relative_weights":
        notes.append(Note("too_many_for_shapley", {"n_attributes": p, "limit": exact_up_to}))
    draws_joint = ranks.draws_for(p, n_boot, 1 - ci_level) if n_boot else 0
    if draws_joint > n_boot > 0:
        notes.append(Note("draws_raised", {"n_boot": draws_joint, "asked": int(n_boot)}))
    scales = dict(scales or {})
    rows, pairs, dependencies = {}, ranks.pairwise([], np.array([]), np.empty((0, 0))), []
    for judged, model in prepared.models:
        joint = model is prepared.joint
        draws = draws_joint if joint else int(n_boot if len(model.x) <= 12 else min(n_boot, 500))
        fitted = _decompose(
            model, judged, chosen, scales, draws, ci_level, resample.generator(seed, f"M14.{'joint' if joint else judged[0]}")
        )
        for attribute, row in zip(judged, fitted["rows"]):
            rows[attribute] = row
        if joint:
            pairs = fitted["pairs"]
        dependencies += [d for d in fitted["dependent"] if d not in dependencies]
    if dependencies:
        notes.append(Note("dependent_attributes", {"attributes": dependencies}))
    vifs = {a: r["vif"] for a, r in rows.items() if r["vif"] > 10}
    if vifs:
        notes.append(Note("vif", {"attributes": list(vifs), "vif": list(vifs.values())}))
    blank = {
        "n": prepared.joint.n,
        "n_missing": prepared.joint.n_missing,
        "n_eff": prepared.joint.n_eff,
        "own_model": False,
        "status": "degenerate",
    }
    table = pd.DataFrame([{"attribute": a, **rows.get(a, {**blank, "n_applicable": prepared.base[a]})} for a in prepared.attributes])
    table = table.reindex(columns=[*COLUMNS, *(c for c in table if c not in COLUMNS)])
    table["game"] = chosen
    meta = {"y": y, "x": list(x), "game": chosen, "ci_level": ci_level, "n_boot": draws_joint, "seed": seed, "clusters": clusters}
    meta |= {"always": list(always), "n_joint": p, "r2": float(table.loc[table["attribute"].isin(prepared.joint.x), "r2"].max())}
    method = "M14" if chosen == "shapley" else "M13"
    where = "delight.drivers.importance.importance"
    n = {"n": prepared.joint.n, "n_missing": prepared.joint.n_missing, "n_eff": prepared.joint.n_eff}
    _quadrants(table)
    return Importance(
        Result.of(method, table, function=where, notes=notes, **prepared.joint.meta, **meta),
        Result.of(
            f"{method}.pairs",
            pairs.assign(**n),
            function=where,
            **prepared.joint.meta,
            **meta,
            keys=["compared_with"],
            status="ok" if len(pairs) else None,
        ),
    )


COLUMNS = [
    *("attribute", "raw", "raw_lo", "raw_hi", "se", "share", "ci_lo", "ci_hi", "rank", "rank_lo", "rank_hi", "sign", "alone", "last"),
    *("vif", "noise_p", "se_normal", "performance", "performance_lo", "performance_hi", "performance_100", "quadrant", "quadrant_prob"),
    *("ellipse_x", "ellipse_y", "ellipse_corr", "r2", "game", "own_model", "n", "n_missing", "n_eff", "n_applicable", "status"),
]


def _decompose(model, judged, game, scales, n_boot, ci_level, rng):
    """Rows of the attributes `judged` in one model, with the pairs of the joint model."""
    p, at = len(model.x), [model.x.index(a) for a in judged]
    own_model = len(judged) < p or len(judged) == 1 and p > 1
    base = {"n": model.n, "n_missing": model.n_missing, "n_eff": model.n_eff, "own_model": own_model}
    rows = [{**base, "attribute": a, "n_applicable": model.n_applicable(a), "vif": np.nan} for a in judged]
    status = base_status(model.n, model=True)
    if model.n and np.ptp(model.values) == 0:
        status = "degenerate"
    elif model.n <= p + model.fixed.shape[1] + 1:
        status = "insufficient"
    empty = {"rows": [{**r, "status": status} for r in rows], "pairs": ranks.pairwise([], np.array([]), np.empty((0, 0))), "dependent": []}
    if status in ("insufficient", "degenerate"):
        return empty
    noise = rng.normal(size=(len(model.w), NOISE)) if game == "relative_weights" and n_boot else np.empty((len(model.w), 0))
    columns = np.column_stack([np.ones(len(model.w)), model.fixed, model.scores, model.values])
    k, n_fixed = columns.shape[1], 1 + model.fixed.shape[1]
    upper = np.triu_indices(k)
    products = columns[:, upper[0]] * columns[:, upper[1]]
    performance = np.column_stack([model.scores[:, at] * model.applies[:, at], model.applies[:, at]])
    extra = [performance]
    if noise.shape[1]:
        extra += [noise * columns[:, [j]] for j in range(k)] + [noise**2]
    everything = np.column_stack([products, *extra])
    sums = np.concatenate([(model.w @ everything)[None], model.sums(everything, n_boot, rng)])
    rxx, rxy, _ = correlations(_square(sums[:, : len(upper[0])], k), n_fixed)
    singular = np.linalg.eigvalsh(rxx[0])[0] < 1e-10
    raw = shapley(rxx, rxy) if game == "shapley" else johnson.relative_weights(rxx, rxy)
    dependent = johnson.dependent(rxx[0], model.x) if singular else []
    r2 = raw.sum(axis=1)
    with np.errstate(all="ignore"):
        shares = np.where(r2[:, None] > 1e-12, raw / r2[:, None], np.nan)
    means = sums[:, len(upper[0]) : len(upper[0]) + len(at)] / sums[:, len(upper[0]) + len(at) : len(upper[0]) + 2 * len(at)]
    slopes = np.linalg.lstsq(rxx[0], rxy[0], rcond=1e-10)[0]
    inflation = vif(model.scores, model.w, model.fixed)
    with np.errstate(all="ignore"):
        last = slopes**2 / np.where(np.isfinite(inflation), np.maximum(inflation, 1), np.inf)
    lo, hi = resample.percentile(shares[1:], ci_level) if n_boot else np.full((2, p), np.nan)
    raw_lo, raw_hi = resample.percentile(raw[1:], ci_level) if n_boot else np.full((2, p), np.nan)
    mean_lo, mean_hi = resample.percentile(means[1:], ci_level) if n_boot else np.full((2, len(at)), np.nan)
    se = raw[1:].std(axis=0, ddof=1) if n_boot > 1 else np.full(p, np.nan)
    se_normal = johnson.standard_errors(rxx[0], rxy[0], model.n_eff - p) if game == "relative_weights" else np.full(p, np.nan)
    noise_p = _beats_noise(sums, raw, rxx, rxy, len(upper[0]) + 2 * len(at), k, n_fixed) if noise.shape[1] else np.full(p, np.nan)
    pairs = empty["pairs"]
    rank = rank_lo = rank_hi = np.full(p, np.nan)
    if len(judged) == p and not np.isnan(raw[0]).any():
        rank = pd.Series(-raw[0]).rank(method="min").to_numpy()
        if n_boot:
            kept = raw[1:][~np.isnan(raw[1:]).any(axis=1)]
            pairs = ranks.pairwise(model.x, raw[0], kept, ci_level=ci_level)
            rank_lo, rank_hi = ranks.rank_sets(model.x, pairs)
    hundred = np.column_stack([_hundred(means[:, i], scales.get(a)) for i, a in enumerate(judged)])
    for i, j in enumerate(at):
        row = rows[i]
        row |= {
            "raw": raw[0, j],
            "raw_lo": raw_lo[j],
            "raw_hi": raw_hi[j],
            "se": se[j],
            "share": shares[0, j],
            "ci_lo": lo[j],
            "ci_hi": hi[j],
        }
        row |= {"rank": rank[j], "rank_lo": rank_lo[j], "rank_hi": rank_hi[j], "sign": np.sign(slopes[j]), "alone": rxy[0, j] ** 2}
        row |= {"last": last[j], "vif": inflation[j], "noise_p": noise_p[j], "se_normal": se_normal[j], "r2": r2[0]}
        row |= {"performance": means[0, i], "performance_lo": mean_lo[i], "performance_hi": mean_hi[i], "performance_100": hundred[0, i]}
        if n_boot > 1:
            spread = np.cov(shares[1:, j], hundred[1:, i])
            row |= {"ellipse_x": np.sqrt(spread[0, 0]), "ellipse_y": np.sqrt(spread[1, 1])}
            row["ellipse_corr"] = spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1]) if spread[0, 0] * spread[1, 1] > 0 else np.nan
        row["status"] = "degenerate" if np.isnan(raw[0, j]) else base_status(row["n_applicable"], model=True)
    if n_boot and len(judged) == p:
        quadrant = _quadrant(shares, hundred)
        prob = (quadrant[1:] == quadrant[0]).mean(axis=0)
        for i, row in enumerate(rows):
            row |= {"quadrant": quadrant[0, i], "quadrant_prob": prob[i]}
    return {"rows": rows, "pairs": pairs, "dependent": dependent}


def _square(flat, k):
    from delight.drivers.model import square

    return square(flat, k)


def _hundred(values, scale):
    """Means as 0-100 of their scale; as they are without one."""
    return values if scale is None else 100 * (values - scale.min) / (scale.max - scale.min)


#: Classic importance-performance quadrants (Martilla & James 1977), crosshair at the grand means.
def _quadrant(importance, performance):
    """Names of the quadrants of arrays (…, p)."""
    with np.errstate(invalid="ignore"):
        high_importance = importance >= np.nanmean(importance, axis=-1, keepdims=True)
        high_performance = performance >= np.nanmean(performance, axis=-1, keepdims=True)
    return np.where(
        high_importance,
        np.where(high_performance, "keep_up", "concentrate"),
        np.where(high_performance, "overkill", "low_priority"),
    )


def _quadrants(table):
    """Place attributes with a model of their own by the crosshair of the joint ones; text stays text."""
    table["quadrant"] = table["quadrant"].astype(object)
    known = table["quadrant"].notna()
    alone = ~known & table["share"].notna() & table["own_model"].astype(bool)
    if known.any() and alone.any():
        above = table.loc[alone, "share"] >= table.loc[known, "share"].mean()
        good = table.loc[alone, "performance_100"] >= table.loc[known, "performance_100"].mean()
        table.loc[alone, "quadrant"] = np.where(above, np.where(good, "keep_up", "concentrate"), np.where(good, "overkill", "low_priority"))


def _beats_noise(sums, raw, rxx, rxy, at, k, n_fixed):
    """Two-sided bootstrap p of "no more weight than a random column" (Tonidandel et al. 2009), averaged over `NOISE` columns."""
    draws, p = len(sums) - 1, rxy.shape[1]
    which = np.arange(draws) % NOISE
    take = np.arange(1, draws + 1)
    cross = np.stack([sums[take, at + j * NOISE + which] for j in range(k)], axis=1)  # random column with 1, fixed, x, y
    square_noise = sums[take, at + k * NOISE + which]
    upper = np.triu_indices(k)
    full = np.empty((draws, k + 1, k + 1))
    original = _square(sums[1:, : len(upper[0])], k)
    x_end = k - 1
    full[:, :x_end, :x_end] = original[:, :x_end, :x_end]
    full[:, :x_end, -1] = full[:, -1, :x_end] = original[:, :x_end, -1]
    full[:, -1, -1] = original[:, -1, -1]
    full[:, :x_end, x_end] = full[:, x_end, :x_end] = cross[:, :x_end]
    full[:, x_end, x_end] = square_noise
    full[:, x_end, -1] = full[:, -1, x_end] = cross[:, -1]
    weights = johnson.relative_weights(*correlations(full, n_fixed)[:2])
    difference = weights[:, :p] - weights[:, [p]]
    kept = ~np.isnan(difference).any(axis=1)
    return resample.two_sided_p(difference[kept]) if kept.any() else np.full(p, np.nan)


def importance_from_correlation(correlation, *, y, x, n, game="auto", exact_up_to=EXACT_UP_TO, ci_level=0.95, n_boot=2000, seed=20250101):
    """Shares from a correlation (or covariance) matrix and the number of answers, where the rows themselves are not at hand.

    Parameters
    ----------
    correlation : DataFrame, square, with the same names down and across
    y : str
    x : sequence of str
    n : int
        Answers behind the matrix.
    game, exact_up_to, ci_level, n_boot, seed
        As in `importance`; the draws are Wishart, so the intervals suppose a normal distribution (note ``normal_theory``).

    Returns
    -------
    Importance
        Columns of `importance` that need no rows; ``n_missing`` is 0, since only complete answers stand behind a matrix.

    Raises
    ------
    InputError
        Names that the matrix lacks, a matrix that is not symmetric, not positive semi-definite or has an empty diagonal.
    """
    x = list(x)
    if game not in ("auto", "shapley", "relative_weights"):
        raise InputError(f"game is 'auto', 'shapley' or 'relative_weights', not {game!r}.")
    missing = [c for c in [y, *x] if c not in correlation.index or c not in correlation.columns]
    if missing:
        raise InputError(f"The correlation matrix lacks: {', '.join(missing)}.")
    given = correlation.loc[[*x, y], [*x, y]].to_numpy(dtype=float)
    if not np.isfinite(given).all() or not np.allclose(given, given.T, atol=1e-8) or (np.diag(given) <= 0).any():
        raise InputError("The correlation matrix must be symmetric, without gaps and with a positive diagonal.")
    sd = np.sqrt(np.diag(given))
    matrix = given / np.outer(sd, sd)
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -1e-8:
        raise InputError(f"The correlation matrix is not positive semi-definite (smallest eigenvalue {values[0]:.3g}); was it pairwise?")
    p = len(x)
    chosen = game if game != "auto" else "shapley" if p <= exact_up_to else "relative_weights"
    decompose = shapley if chosen == "shapley" else johnson.relative_weights
    status = base_status(n, model=True) if n > p + 1 else "insufficient"
    raw = decompose(matrix[None, :p, :p], matrix[None, :p, p])[0] if status != "insufficient" else np.full(p, np.nan)
    draws = np.empty((0, p))
    if n_boot and not np.isnan(raw).any():
        rng = resample.generator(seed, "M14.correlation")
        root = vectors * np.sqrt(np.maximum(values, 0))
        pieces = []
        for start in range(0, ranks.draws_for(p, n_boot, 1 - ci_level), 100):
            size = min(100, ranks.draws_for(p, n_boot, 1 - ci_level) - start)
            lower = np.tril(rng.normal(size=(size, p + 1, p + 1)), -1)  # Bartlett's factor of a Wishart matrix
            at = np.arange(p + 1)
            lower[:, at, at] = np.sqrt(rng.chisquare(n - 1 - at, size=(size, p + 1)))
            half = root @ lower
            drawn = half @ half.transpose(0, 2, 1)
            spread = np.sqrt(np.einsum("bii->bi", drawn))
            drawn = drawn / spread[:, :, None] / spread[:, None, :]
            pieces.append(decompose(drawn[:, :p, :p], drawn[:, :p, p]))
        draws = np.concatenate(pieces)
    r2 = raw.sum()
    with np.errstate(all="ignore"):
        share = raw / r2 if r2 > 1e-12 else np.full(p, np.nan)
        shares = draws / draws.sum(axis=1, keepdims=True)
    lo, hi = resample.percentile(shares, ci_level) if len(draws) else np.full((2, p), np.nan)
    raw_lo, raw_hi = resample.percentile(draws, ci_level) if len(draws) else np.full((2, p), np.nan)
    pairs = ranks.pairwise(x, raw, draws, ci_level=ci_level)
    rank_lo, rank_hi = ranks.rank_sets(x, pairs) if len(draws) else np.full((2, p), np.nan)
    table = pd.DataFrame({"attribute": x, "raw": raw, "raw_lo": raw_lo, "raw_hi": raw_hi, "share": share, "ci_lo": lo, "ci_hi": hi})
    table["rank"], table["rank_lo"], table["rank_hi"] = pd.Series(-raw).rank(method="min"), rank_lo, rank_hi
    table["se"] = draws.std(axis=0, ddof=1) if len(draws) > 1 else np.nan
    table["alone"], table["r2"], table["game"], table["own_model"] = matrix[:p, p] ** 2, r2, chosen, False
    table["sign"] = np.sign(np.linalg.lstsq(matrix[:p, :p], matrix[:p, p], rcond=1e-10)[0])
    counts = {"n": n, "n_missing": 0, "n_eff": float(n)}
    table = table.assign(**counts, n_applicable=n, status="degenerate" if np.isnan(raw).any() and status != "insufficient" else status)
    table = table.reindex(columns=COLUMNS)
    meta = {"n_in": n, "n_used": n, "n_dropped_missing": 0, "n_eff": float(n), "weights": "none", "y": y, "x": x, "game": chosen}
    meta |= {"ci_level": ci_level, "n_boot": len(draws), "seed": seed, "r2": float(r2), "n_joint": p}
    method, where = "M14" if chosen == "shapley" else "M13", "delight.drivers.importance.importance_from_correlation"
    notes = [Note("normal_theory", {"n": n})] if len(draws) else []
    return Importance(
        Result.of(method, table, function=where, notes=notes, **meta),
        Result.of(
            f"{method}.pairs",
            pairs.assign(**counts),
            function=where,
            notes=notes,
            **meta,
            keys=["compared_with"],
            status="ok" if len(pairs) else None,
        ),
    )

"""The satisfaction-loyalty curve: how loyal people are at every grade; and the matrix of satisfaction by loyalty (methods M19)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import Design, fit_linear, mean, wilson
from delight.loyalty.outcome import event_from, prepare
from delight.resample import counts, generator, percentile
from delight.result import Note, Result
from delight.scales import Scale

#: With more distinct satisfaction values than this, values are shown by the nearest whole point.
MOST_GRADES = 15


def curve(
    frame,
    *,
    y,
    x,
    scales,
    turned=False,
    event=None,
    span=0.5,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=500,
    seed=20250101,
):
    """Mean loyalty at every grade of satisfaction, with its interval, and two curves through them: never falling, and smooth.

    Parameters
    ----------
    frame : pandas.DataFrame, one row a response; unchanged.
    y, x : str
        Loyalty outcome and satisfaction, in points of their scales.
    scales : dict of column -> Scale
    turned : bool
        Turn the outcome (churn), so that more is more loyal.
    event : float, optional
        Lowest answer that counts as loyal in ``share_loyal``; default `event_from`.
    span : float
        Share of the answers that the smooth curve takes at each grade, but at least two grades to either side.
    weights, weights_kind, clusters, ci_level : as M00
    n_boot, seed : int
        Draws of the band of the smooth curve; 0 draws none.

    Returns
    -------
    Result
        A row per point of the satisfaction scale (unanswered points too): ``grade, n, n_missing, n_eff, mean, ci_lo, ci_hi, sd, share_loyal``
        with limits, ``share_max, isotonic, lowess, lowess_lo, lowess_hi`` (smooth mean with its pointwise percentile band), ``isotonic_share,
        lowess_share`` likewise of the share that is loyal, ``status``. Graded outcomes: t interval of the mean; yes/no: the mean is a share with its Wilson
        interval; clusters: CR1 of the saturated model, t(G-1). One answer gives no interval; nobody gives NaN and ``insufficient``.

    Raises
    ------
    InputError
        Unknown column, missing scale, value outside its scale, bad weights.

    Notes
    -----
    Isotonic: weighted least squares among curves that never fall (pool adjacent violators). Smooth: a straight line through the
    neighbourhood of each grade, weighted by (1 - (distance/h)³)³ (LOWESS without its robust rounds, which would overrule answers at the end
    of a scale); the neighbourhoods stay as they are in the bootstrap.

    References
    ----------
    Jones, T. O. & Sasser, W. E. (1995). HBR 73(6). Cleveland, W. S. (1979). JASA 74, 829-836. Robertson, Wright & Dykstra (1988), Order Restricted Statistical Inference.
    """
    data = prepare(frame, y=y, x=x, scales=scales, weights=weights, weights_kind=weights_kind, clusters=clusters, turned=turned)
    event = scales[y].max if data.binary else event_from(scales[y]) if event is None else event
    grades, at, rounded = _grades(data.s, scales[x])
    rows = [_point(data, at == g, event, ci_level) | {"grade": float(g)} for g in grades]
    table = pd.DataFrame(rows)
    if clusters:
        table = _clustered(table, data, at, event, clusters, ci_level)
    known = table["mean"].notna()
    for name, of in (("isotonic", "mean"), ("isotonic_share", "share_loyal")):
        table[name] = np.nan
        table.loc[known, name] = isotonic(table.loc[known, of], table.loc[known, "weight"])
    loyal = (data.y >= event).astype(float)
    for name, values in (("lowess", data.y), ("lowess_share", loyal)):
        table = table.assign(**_smoothed(data, values, name, grades, scales[x], span, ci_level, n_boot, seed))
    table = table.drop(columns="weight").assign(n_missing=data.sample.n_missing)
    notes = [Note("rounded_grades", {"distinct": int(len(np.unique(data.s)))})] if rounded else []
    return Result.of(
        "M19", table[["grade", *[c for c in table if c != "grade"]]], function="delight.loyalty.curve.curve", notes=notes, outcome=y,
        satisfaction=x, turned=turned, event=float(event), binary=data.binary, scale=scales[y], satisfaction_scale=scales[x],
        clusters=clusters, ci_level=ci_level, span=span, rounded=rounded, n_boot=n_boot, seed=seed, keys=["outcome_role"], **data.meta,
    )  # fmt: skip


def _smoothed(data, values, name, grades, scale, span, ci_level, n_boot, seed):
    """Smooth curve at every grade that answers reach, with its pointwise bootstrap band."""
    out = {f"{name}{end}": np.full(len(grades), np.nan) for end in ("", "_lo", "_hi")}
    if len(np.unique(data.s)) < 3:
        return out
    grades = np.asarray(grades, dtype=float)
    inside = (grades >= data.s.min()) & (grades <= data.s.max())
    out[name][inside] = lowess(data.s, values, grades[inside], data.w, span=span, least=2 * scale.step)[0]
    if n_boot:
        same = data.clusters is None
        rows = np.column_stack([data.s, values, data.w if data.kind == "sampling" else np.ones(len(values))])
        rows, which = np.unique(rows, axis=0, return_inverse=True) if same else (rows, np.arange(len(rows)))
        many = np.bincount(which.ravel(), data.w if data.kind == "frequency" else None) if same or data.kind == "frequency" else None
        rng, own = generator(seed, "M19.lowess"), (data.w if data.kind == "sampling" else np.ones(len(data.y)))
        own = rows[:, 2] if same else own
        times = np.vstack([c * own for c in counts(len(rows), n_boot, rng, clusters=data.clusters, frequency=many)])
        draws = lowess(rows[:, 0], rows[:, 1], grades[inside], times, span=span, least=2 * scale.step, near=(data.s, data.w))
        out[f"{name}_lo"][inside], out[f"{name}_hi"][inside] = percentile(draws, ci_level)
    return out


def lowess(x, y, at, w=None, *, span=0.5, least=0.0, near=None):
    """Local straight lines with tricube weights, at the points `at`, for one or many sets of row weights (Cleveland 1979).

    Parameters
    ----------
    x, y : arrays of shape (rows,)
    at : array of shape (points,)
    w : array of shape (rows,) or (samples, rows), optional
    span : float
        Share of the weight in each neighbourhood.
    least : float
        Smallest half-width of a neighbourhood: on grades, half the answers may stand at one point.
    near : (x, w), optional
        Data that the neighbourhoods are taken from; by default `x` with equal weight, or `w` if one set.

    Returns
    -------
    ndarray of shape (samples, points)
        NaN where a neighbourhood is empty; where only one point of `x` is near, its mean.
    """
    x, y, at = np.asarray(x, dtype=float), np.asarray(y, dtype=float), np.asarray(at, dtype=float)
    w = np.atleast_2d(np.ones(len(x)) if w is None else np.asarray(w, dtype=float))
    base, mass = near if near is not None else (x, w[0] if len(w) == 1 else np.ones(len(x)))
    out = np.full((len(w), len(at)), np.nan)
    for j, point in enumerate(at):
        distance = np.abs(base - point)
        order = np.argsort(distance, kind="stable")
        k = int(np.searchsorted(np.cumsum(mass[order]), span * mass.sum() * (1 - 1e-12)))
        h = max(distance[order][min(k, len(order) - 1)], least, 1e-12)
        d = x - point
        near_by = np.clip(1 - (np.abs(d) / h) ** 3, 0, None) ** 3
        kernel = w * near_by
        s0, s1, s2, t0, t1 = (kernel @ v for v in (np.ones(len(x)), d, d**2, y, d * y))
        with np.errstate(all="ignore"):
            flat = s0 * s2 - s1**2 <= 1e-12 * s0**2 * h**2
            out[:, j] = np.where(flat, t0 / s0, (s2 * t0 - s1 * t1) / (s0 * s2 - s1**2))
    return out


def _grades(values, scale):
    """Points to show, the point of every answer, and whether answers were rounded."""
    points = scale.points
    if points is not None and len(points) <= MOST_GRADES:
        return points, np.round(scale.min + np.round((values - scale.min) / scale.step) * scale.step, 10), False
    width = 1.0 if scale.max - scale.min <= MOST_GRADES else (scale.max - scale.min) / 10
    points = Scale(scale.min, scale.max, width).points if (scale.max - scale.min) / width % 1 < 1e-9 else np.unique(np.round(values))
    nearest = np.floor((values - scale.min) / width + 0.5) * width + scale.min
    return points, np.round(nearest, 10), len(np.unique(values)) > len(points)


def _point(data, here, event, ci_level):
    y, w = data.y[here], data.w[here]
    n = int(w.sum()) if data.kind == "frequency" else int(here.sum())
    if not n:
        blank = ("mean", "ci_lo", "ci_hi", "sd", "share_loyal", "share_loyal_lo", "share_loyal_hi", "share_max")
        return {"n": 0, "n_eff": 0.0, "weight": 0.0, **dict.fromkeys(blank, np.nan), "status": "insufficient"}
    n_eff = float(w.sum() ** 2 / (w**2).sum()) if data.kind == "sampling" else float(n)
    est = mean(y, w, kind=data.kind, ci_level=ci_level)
    share, most = float(np.average(y >= event, weights=w)), float(np.average(y >= data.top, weights=w))
    low, high = wilson(share, n_eff, ci_level)
    lo, hi = (low, high) if data.binary else (est.lo, est.hi)
    sd = est.se * np.sqrt(n_eff) if n > 1 else np.nan
    return {
        "n": n, "n_eff": n_eff, "weight": float(w.sum()), "mean": est.value, "ci_lo": lo, "ci_hi": hi, "sd": sd,
        "share_loyal": share, "share_loyal_lo": low, "share_loyal_hi": high, "share_max": most, "status": data.status(here),
    }  # fmt: skip


def _clustered(table, data, at, event, clusters, ci_level):
    """Intervals of the means over clusters, of the saturated model; score intervals of the shares at the effective n that clusters leave."""
    grades = [g for g, n in zip(table["grade"], table["n"]) if n]
    x = (at[:, None] == np.array(grades)[None, :]).astype(float)
    fit = fit_linear(data.y, x, data.w, kind=data.kind, clusters=data.clusters)
    lo, hi = fit.interval(ci_level)
    groups, design = pd.Series(data.clusters).groupby(at).nunique(), Design(data.sample, clusters=clusters)
    table = table.copy()
    for g, low, high in zip(grades, lo, hi):
        row = table["grade"] == g
        few = groups[g] < 2
        table.loc[row, ["ci_lo", "ci_hi"]] = [np.nan, np.nan] if few else [low, high]
        share, _ = design.share(data.y >= event, at == g, ci_level=ci_level)
        table.loc[row, ["share_loyal_lo", "share_loyal_hi"]] = share.lo, share.hi
        if data.binary and not few:
            table.loc[row, ["ci_lo", "ci_hi"]] = [max(low, 0.0), min(high, 1.0)]
    return table


def isotonic(values, weights):
    """Closest never-falling sequence by weighted least squares (pool adjacent violators)."""
    stack = []
    for value, weight in zip(values, weights):
        stack.append([float(value), float(weight), 1])
        while len(stack) > 1 and stack[-2][0] > stack[-1][0]:
            v, w, m = stack.pop()
            u, t, k = stack[-1]
            stack[-1] = [(u * t + v * w) / (t + w), t + w, k + m]
    return np.array([v for v, _, m in stack for _ in range(m)])


def matrix(frame, *, y, x, scales, high=None, low=None, turned=False, weights=None, weights_kind="sampling", ci_level=0.95):
    """Satisfaction by loyalty: how many are satisfied and loyal, loyal though not satisfied, satisfied and not loyal, neither.

    Parameters
    ----------
    frame, y, x, scales, turned, weights, weights_kind, ci_level : as `curve`
    high, low : dict of column -> float, optional
        High from this point, low up to this point, for `y` and `x`; default 9 and 6 on 0-10 and 1-10, else the scale's own good and
        poor cuts. A yes/no outcome has no middle.

    Returns
    -------
    Result
        Nine rows (six for yes/no): ``satisfaction, loyalty`` (``low``, ``middle``, ``high``), ``cell`` (``apostle``, ``hostage``,
        ``mercenary``, ``defector`` at the corners, else empty), ``count, share, ci_lo, ci_hi`` (Wilson), ``lift, lift_lo,
        lift_hi`` (share over what independence gives; delta method on the logarithm, none for an empty cell), ``n`` (respondents in the cell), ``n_total, n_missing, n_eff, status``; ``by, group`` make each cell a group,
        so that small ones are suppressed together. Scales without cuts: one row, ``not_identified``.

    References
    ----------
    Jones, T. O. & Sasser, W. E. (1995). HBR 73(6), 88-99.
    """
    data = prepare(frame, y=y, x=x, scales=scales, weights=weights, weights_kind=weights_kind, turned=turned)
    cuts = {c: _cuts(c, scales[c], high or {}, low or {}) for c in (y, x)}
    meta = dict(
        outcome=y,
        satisfaction=x,
        turned=turned,
        cuts=cuts,
        keys=["outcome_role", "satisfaction", "loyalty"],
        ci_level=ci_level,
        binary=data.binary,
        **data.meta,
    )
    counted = dict(n_total=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff)
    function = "delight.loyalty.curve.matrix"
    if None in cuts.values():
        blank = dict.fromkeys(("count", "share", "ci_lo", "ci_hi", "lift", "lift_lo", "lift_hi"), np.nan)
        row = {
            "by": "matrix",
            "group": "",
            "satisfaction": "",
            "loyalty": "",
            "cell": "",
            **blank,
            "n": 0,
            **counted,
            "status": "not_identified",
        }
        return Result.of("M19.matrix", [row], function=function, notes=[Note("no_cuts", {})], **meta)
    ways, binary = ("low", "middle", "high"), ("low", "high")
    here = {"s": _band(data.s, cuts[x]), "l": np.where(data.y > scales[y].min, "high", "low") if data.binary else _band(data.y, cuts[y])}
    names = {("high", "high"): "apostle", ("low", "high"): "hostage", ("high", "low"): "mercenary", ("low", "low"): "defector"}
    rows, w = [], data.w
    for s in ways:
        for m in binary if data.binary else ways:
            cell = (here["s"] == s) & (here["l"] == m)
            share = float(w[cell].sum() / w.sum()) if len(w) else np.nan
            lo, hi = wilson(share, data.sample.n_eff, ci_level)
            expected = w[here["s"] == s].sum() * w[here["l"] == m].sum() / w.sum() ** 2 if len(w) else 0
            count = int(w[cell].sum()) if data.kind == "frequency" else int(cell.sum())
            rows.append(
                {"by": "matrix", "group": f"{s} {m}", "satisfaction": s, "loyalty": m, "cell": names.get((s, m), ""), "count": count,
                 "share": share, "ci_lo": lo, "ci_hi": hi, "lift": share / expected if expected > 0 else np.nan,
                 **_lift_limits(here["s"] == s, here["l"] == m, data, ci_level), "n": count, **counted, "status": data.status()}
            )  # fmt: skip
    return Result.of("M19.matrix", rows, function=function, **meta)


def _lift_limits(row, column, data, ci_level):
    """Limits of a lift, from what each answer contributes to its logarithm: 1[cell]/p_cell - 1[row]/p_row - 1[column]/p_column + 1."""
    w, cell = data.w, row & column
    if not cell.any() or data.sample.n < 2:
        return {"lift_lo": np.nan, "lift_hi": np.nan}
    share = {name: float(np.average(inside, weights=w)) for name, inside in (("cell", cell), ("row", row), ("column", column))}
    influence = cell / share["cell"] - row / share["row"] - column / share["column"] + 1
    n, each = data.sample.n, w if data.kind == "frequency" else w**2
    se = np.sqrt(n / (n - 1) * (each @ influence**2)) / w.sum()
    lift, reach = share["cell"] / (share["row"] * share["column"]), stats.norm.ppf(0.5 + ci_level / 2) * se
    return {"lift_lo": float(lift * np.exp(-reach)), "lift_hi": float(lift * np.exp(reach))}


def _cuts(column, scale, high, low):
    """(low up to, high from) of a scale, declared or its own."""
    own = scale.low_high or ((scale.min, scale.max) if (scale.points is not None and len(scale.points) == 2) else (None, None))
    cuts = (low.get(column, own[0]), high.get(column, own[1]))
    if None in cuts:
        return None
    if not cuts[0] < cuts[1]:
        raise InputError(f"Column '{column}': low ({cuts[0]:g}) must lie below high ({cuts[1]:g}).")
    return cuts


def _band(values, cuts):
    return np.where(values <= cuts[0], "low", np.where(values >= cuts[1], "high", "middle"))

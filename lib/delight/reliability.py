"""Do several questions measure one thing? Cronbach's α, McDonald's ω, AVE, item-rest correlations and HTMT, with intervals.

Everything rests on means and covariances of the items, of the data and of every bootstrap draw, so that the whole bootstrap is a
handful of array operations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError, did_you_mean
from delight.estimate import base_status, need_columns, sample
from delight.resample import counts, generator, percentile
from delight.result import Note, Result
from delight.scales import check_scale

METHOD = "M04.reliability"
#: Fewest items of a construct for α and ω (methods M05), and the α below which a construct is flagged (M27).
FEWEST_ITEMS, SOUND = 3, 0.7
#: HTMT from which two constructs are taken for one. Henseler, Ringle & Sarstedt (2015).
SAME = 0.9
#: Smallest uniqueness of an item, as in R's factanal; an item that gets there is noted (``heywood``).
FLOOR = 0.005
#: Rows from which the bootstrap draws groups of rows, and how many groups (design: its cost stops growing).
MANY_ROWS, GROUPS = 5000, 2000


class Reliability(NamedTuple):
    """Results of `reliability`: one row a construct, an item, a pair of constructs."""

    constructs: Result
    items: Result
    distinct: Result


# ---- moments ---------------------------------------------------------------------------------------------------------


def moments(x, w, *, kind="none"):
    """Weighted means (p,) and covariances (p, p) of the columns of `x`; divisor n - 1 as in unweighted and expanded rows."""
    x, w = np.asarray(x, dtype=float), np.asarray(w, dtype=float)
    n = w.sum() if kind == "frequency" else len(x)
    centre = np.average(x, axis=0, weights=w)
    away = x - centre
    return centre, (away * w[:, None]).T @ away / w.sum() * (n / (n - 1) if n > 1 else np.nan)


def bootstrap_moments(x, w, *, kind="none", clusters=None, n_boot=2000, rng):
    """Means (draws, p) and covariances (draws, p, p) of bootstrap samples of the rows.

    Whole clusters are drawn where there are clusters. Above 5,000 rows the draws are of 2,000 groups into which the rows are dealt
    at random: the means and covariances are sums over rows, so a draw of groups is as good, and its cost no longer grows with rows.
    """
    x, w = np.asarray(x, dtype=float), np.asarray(w, dtype=float)
    n, p = x.shape
    centre = np.average(x, axis=0, weights=w)
    left, right = np.triu_indices(p)
    if clusters is None and n > MANY_ROWS:
        clusters = rng.permutation(np.arange(n) % GROUPS)
    by_row = kind == "frequency" and clusters is None  # a row of weight three is drawn as three rows are
    codes = np.arange(n) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    total = np.zeros((int(codes.max()) + 1 if n else 0, 1 + p + len(left)))
    for rows in np.array_split(np.arange(n), max(1, n // MANY_ROWS)):
        away = x[rows] - centre  # near zero, so that the sums lose no digits
        terms = np.column_stack([np.ones(len(rows)), away, away[:, left] * away[:, right]])
        np.add.at(total, codes[rows], terms if by_row else terms * w[rows, None])
    codes_drawn = None if clusters is None else np.arange(len(total))  # already added up
    sums = np.concatenate(
        [drawn @ total for drawn in counts(len(total), n_boot, rng, clusters=codes_drawn, frequency=w if by_row else None)]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        sums = sums / sums[:, :1]
    means, squares = sums[:, 1 : p + 1], np.empty((len(sums), p, p))
    squares[:, left, right] = squares[:, right, left] = sums[:, p + 1 :]
    answers = w.sum() if kind == "frequency" else n
    return centre + means, (squares - means[:, :, None] * means[:, None, :]) * answers / (answers - 1)


def correlations(covariance):
    """Correlations of one or many covariance matrices; NaN where an item has no spread."""
    sd = np.sqrt(np.clip(np.diagonal(covariance, axis1=-2, axis2=-1), 0, None))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = covariance / sd[..., :, None] / sd[..., None, :]
    found = np.where(np.eye(found.shape[-1], dtype=bool), np.where(sd > 0, 1.0, np.nan)[..., :, None], found)
    return np.where((sd > 0)[..., :, None] & (sd > 0)[..., None, :], found, np.nan)


# ---- coefficients of one or many covariance matrices ---------------------------------------------------------------------


def alpha(covariance):
    """Cronbach's α of covariance matrices (..., k, k): k/(k-1) (1 - trace/sum). Of correlations: the standardised α."""
    k = covariance.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return k / (k - 1) * (1 - np.trace(covariance, axis1=-2, axis2=-1) / covariance.sum(axis=(-2, -1)))


def feldt(value, n, k, ci_level=0.95):
    """Interval of α from `n` answers to `k` items. Feldt (1965), Psychometrika 30, 357-370."""
    if not n > 1 or k < 2 or not np.isfinite(value):
        return np.nan, np.nan
    df1, df2, tail = n - 1, (n - 1) * (k - 1), (1 - ci_level) / 2
    return 1 - (1 - value) * stats.f.ppf(1 - tail, df1, df2), 1 - (1 - value) * stats.f.ppf(tail, df1, df2)


def one_factor(correlation, *, floor=FLOOR, tolerance=1e-10, steps=200):
    """Loadings (..., k) of one factor by maximum likelihood; NaN with fewer than three items.

    Parameters
    ----------
    correlation : array of shape (..., k, k)
    floor : float
        Smallest uniqueness (a Heywood case stops there), as in R's factanal.

    Notes
    -----
    Newton steps in the logarithms of the uniquenesses with Jöreskog's approximate second derivatives, all matrices at once. An item
    that goes against the others has a negative loading; the sum of the loadings is positive.

    References
    ----------
    Jöreskog, K. G. (1967). Psychometrika 32, 443-482.
    """
    r = np.asarray(correlation, dtype=float)
    k, shape = r.shape[-1], r.shape[:-1]
    if k < FEWEST_ITEMS:
        return np.full(shape, np.nan)
    r = r.reshape(-1, k, k)
    good = np.isfinite(r).all(axis=(1, 2))
    loadings = np.full((len(r), k), np.nan)
    if good.any():
        loadings[good] = _maximum_likelihood(r[good], np.log(floor), tolerance, steps)
    return loadings.reshape(shape)


def _maximum_likelihood(r, lowest, tolerance, steps):
    k = r.shape[-1]
    with np.errstate(all="ignore"):
        start = 1 / np.diagonal(np.linalg.inv(r + 1e-8 * np.eye(k)), axis1=1, axis2=2)
    log_psi = np.clip(np.log(np.clip(0.9 * start, 1e-3, 1)), lowest, 0)
    active = np.ones(len(r), dtype=bool)
    for _ in range(steps):
        gradient, hessian, _ = _slope(r[active], log_psi[active])
        held = (log_psi[active] <= lowest) & (gradient > 0)  # at the floor, and would go on
        gradient = np.where(held, 0.0, gradient)
        hessian = np.where(held[:, :, None] | held[:, None, :], 0.0, hessian) + np.eye(k) * np.where(held, 1.0, 1e-9)[:, None, :]
        step = np.clip(np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0], -0.7, 0.7)
        log_psi[active] = np.clip(log_psi[active] - step, lowest, 0)
        active[np.flatnonzero(active)[np.abs(gradient).max(axis=1) < tolerance]] = False
        if not active.any():
            break
    loadings = _slope(r, log_psi)[2]
    loadings = loadings * np.where(loadings.sum(axis=1) < 0, -1.0, 1.0)[:, None]
    loadings[active & (np.abs(_slope(r, log_psi)[0]).max(axis=1) > 1e-4) & (log_psi.min(axis=1) > lowest)] = np.nan
    return loadings


def _slope(r, log_psi):
    """Gradient and approximate second derivatives by log uniqueness, and the loadings that go with them."""
    root = np.exp(log_psi / 2)
    value, vector = np.linalg.eigh(r / root[:, :, None] / root[:, None, :])
    rest = vector[:, :, :-1]
    gradient = ((1 - value[:, None, :-1]) * rest**2).sum(axis=2)
    spread = rest @ rest.transpose(0, 2, 1)
    loadings = root * vector[:, :, -1] * np.sqrt(np.clip(value[:, -1] - 1, 0, None))[:, None]
    return gradient, spread**2, loadings


def omega(loadings, sd=None):
    """McDonald's ω, (Σλ)² / ((Σλ)² + Σψ), of standardised loadings (..., k); with `sd` that of the sum of the raw items.

    Of loadings of a composite it is the composite reliability ρ_c.
    """
    scale = np.ones(loadings.shape[-1]) if sd is None else sd
    common = (loadings * scale).sum(axis=-1) ** 2
    return common / (common + ((1 - loadings**2) * scale**2).sum(axis=-1))


def extracted(loadings):
    """Average variance extracted: mean squared loading. Fornell & Larcker (1981), J. Marketing Research 18, 39-50."""
    return (loadings**2).mean(axis=-1)


def item_rest(covariance):
    """Correlation (..., k) of every item with the sum of the others."""
    own = np.diagonal(covariance, axis1=-2, axis2=-1)
    with_all = covariance.sum(axis=-1)
    rest = covariance.sum(axis=(-2, -1))[..., None] - 2 * with_all + own
    with np.errstate(divide="ignore", invalid="ignore"):
        return (with_all - own) / np.sqrt(own * rest)


def htmt(correlation, first, second):
    """Heterotrait-monotrait ratio of two sets of items (positions), of one or many correlation matrices.

    Mean absolute correlation between the sets over the geometric mean of those within; one item alone counts as measured without
    error. Henseler, Ringle & Sarstedt (2015), J. Academy of Marketing Science 43, 115-135.
    """

    def within(items):
        if len(items) < 2:
            return 1.0
        left, right = np.triu_indices(len(items), 1)
        return np.abs(correlation[..., np.asarray(items)[left], np.asarray(items)[right]]).mean(axis=-1)

    between = np.abs(correlation[..., np.asarray(first)[:, None], np.asarray(second)]).mean(axis=(-2, -1))
    return between / np.sqrt(within(first) * within(second))


# ---- the method --------------------------------------------------------------------------------------------------------


def check_constructs(frame, constructs, scales=None):
    """Constructs with their items as lists; raises `InputError` listing everything wrong.

    Unknown columns, an item twice, a construct without items, an item that is no number or leaves its scale.
    """
    constructs = {str(name): list(items) for name, items in dict(constructs).items()}
    items = [c for found in constructs.values() for c in found]
    wrong = [f"construct '{name}' has no items" for name, found in constructs.items() if not found]
    wrong += [f"item '{c}' stands in {items.count(c)} places" for c in dict.fromkeys(items) if items.count(c) > 1]
    known = [c for c in dict.fromkeys(items) if c in frame.columns]
    wrong += [f"there is no column '{c}'.{did_you_mean(c, frame.columns)}".rstrip(".") for c in dict.fromkeys(items) if c not in known]
    for column in known:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            wrong.append(f"column '{column}' is not numeric")
        elif scales and scales.get(column) is not None:
            try:
                check_scale(frame[column], scales[column], column=column)
            except InputError as error:
                wrong.append(str(error))
    if not constructs:
        wrong.append("no construct is named")
    if wrong:
        raise InputError(f"The constructs cannot be used: {'; '.join(wrong)}")
    return constructs


def reliability(
    frame,
    *,
    constructs,
    scales=None,
    interval="feldt",
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """How well sets of questions measure one thing each, and whether they can be told apart.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    constructs : dict of name to list of columns
        Reversed items are to be turned round before.
    scales : dict of column to Scale, optional
        Answers outside are refused.
    interval : {"feldt", "bootstrap"}
        Interval of α; with clusters always the bootstrap.
    weights, weights_kind : str, optional
    clusters : str, optional
        Whole clusters are drawn in the bootstrap.
    ci_level, n_boot, seed

    Returns
    -------
    Reliability of Results
        constructs : ``construct, n_items, alpha, alpha_std, omega, omega_std, ave, average_r`` (each but the last with ``_lo, _hi``),
        ``n, n_missing, n_eff, status``. Fewer than three items: no α and no ω; ``alpha_std`` of two is the Spearman-Brown
        coefficient. ``assumption_warning`` below .7 or with an item that goes against the others, ``degenerate`` without spread.
        items : ``construct, item, mean, sd, item_rest, alpha_without, loading``.
        distinct : ``construct, other, htmt, htmt_lo, htmt_hi, verdict`` (``distinct``: upper limit below .9; ``same``: lower limit above;
        else ``open``).
        Each construct uses the rows in which all its items are answered, each pair the rows that answered both.

    Notes
    -----
    α in the metric of the items; ω by one factor, maximum likelihood (``omega`` of the raw sum, ``omega_std`` and ``ave`` of
    standardised items). Percentile bootstrap but for Feldt's interval, which takes n_eff for n under sampling weights.

    References
    ----------
    Cronbach, L. J. (1951). Psychometrika 16, 297-334. McDonald, R. P. (1999). Test Theory. Feldt, L. S. (1965). Psychometrika 30,
    357-370. Eisinga, R., te Grotenhuis, M. & Pelzer, B. (2013). Int. J. Public Health 58, 637-642 (two items).
    """
    if interval not in ("feldt", "bootstrap"):
        raise InputError(f"interval is 'feldt' or 'bootstrap', not {interval!r}.")
    constructs = check_constructs(frame, constructs, scales)
    need_columns(frame, [c for c in (weights, clusters) if c])
    weighting = {"weights": weights, "weights_kind": weights_kind}
    rows, items = [], []
    drawing = {"clusters": clusters, "n_boot": n_boot, "seed": seed}
    for name, columns in constructs.items():
        found = _construct(frame, name, columns, interval, weighting, drawing, ci_level)
        rows.append(found[0])
        items += found[1]
    names = list(constructs)
    pairs = [_pair(frame, a, b, constructs, weighting, drawing, ci_level) for i, a in enumerate(names) for b in names[i + 1 :]]
    every = sample(frame, [c for columns in constructs.values() for c in columns], **weighting)
    about = {
        **every.meta,
        "constructs": constructs,
        "interval": interval,
        "clusters": clusters,
        "ci_level": ci_level,
        "n_boot": n_boot,
        "seed": seed,
    }
    against = [r["item"] for r in items if r["item_rest"] < 0]
    perfect = [r["item"] for r in items if r["loading"] ** 2 > 1 - 1.01 * FLOOR]
    notes = [Note(code, {"items": found}) for code, found in (("against", against), ("heywood", perfect)) if found]
    function = "delight.reliability.reliability"
    empty = ["construct", "other", "htmt", "htmt_lo", "htmt_hi", "verdict", "n", "n_missing", "n_eff", "status"]
    return Reliability(
        Result.of(METHOD, rows, function=function, notes=notes, **about),
        Result.of(f"{METHOD}.items", items, function=function, notes=notes, **about),
        Result.of(f"{METHOD}.distinct", pd.DataFrame(pairs, columns=None if pairs else empty), function=function, **about),
    )


def _construct(frame, name, columns, interval, weighting, drawing, ci_level):
    """Row of a construct and rows of its items."""
    used = sample(frame, columns, **weighting)
    k = len(columns)
    names = ["alpha", "alpha_std", "omega", "omega_std", "ave"]
    count = {"n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff}
    row = {
        "construct": name,
        "n_items": k,
        **{f"{m}{end}": np.nan for m in names for end in ("", "_lo", "_hi")},
        "average_r": np.nan,
        **count,
    }
    blank = dict.fromkeys(["mean", "sd", "item_rest", "alpha_without", "loading"], np.nan)
    if used.n < 3:
        lost = "insufficient"
        return {**row, "status": lost}, [{"construct": name, "item": c, **blank, **count, "status": lost} for c in columns]
    x = used.frame[columns].to_numpy(dtype=float)
    centre, covariance = moments(x, used.w, kind=used.kind)
    values, loadings = _coefficients(covariance)
    clusters = drawing["clusters"]
    clusters = used.frame[clusters].to_numpy() if clusters else None
    rng = generator(drawing["seed"], f"{METHOD}.{name}")
    drawn = bootstrap_moments(x, used.w, kind=used.kind, clusters=clusters, n_boot=drawing["n_boot"], rng=rng)[1]
    draws = _coefficients(drawn)[0]
    for measure in names:
        lo, hi = percentile(draws[measure], ci_level)
        row |= {measure: float(values[measure]), f"{measure}_lo": float(lo), f"{measure}_hi": float(hi)}
    if interval == "feldt" and clusters is None:
        for measure in ("alpha", "alpha_std"):
            row |= dict(zip((f"{measure}_lo", f"{measure}_hi"), feldt(row[measure], used.n_eff, k, ci_level)))
    r = correlations(covariance)
    row["average_r"] = float(r[np.triu_indices(k, 1)].mean()) if k > 1 else np.nan
    rest = item_rest(covariance) if k > 1 else np.full(k, np.nan)
    with np.errstate(invalid="ignore"):
        weak = (values["alpha_std"] if k < FEWEST_ITEMS else values["alpha"]) < SOUND or (rest < 0).any()
    status = base_status(used.n, used.n_eff)
    status = "degenerate" if not (np.diagonal(covariance) > 0).all() else "assumption_warning" if weak and status == "ok" else status
    items = []
    for i, column in enumerate(columns):
        keep = np.delete(np.arange(k), i)
        without = alpha(covariance[np.ix_(keep, keep)]) if k > FEWEST_ITEMS else np.nan
        about = {"mean": centre[i], "sd": np.sqrt(covariance[i, i]), "item_rest": rest[i], "alpha_without": without}
        items.append({"construct": name, "item": column, **about, "loading": loadings[i], **count, "status": status})
    return {**row, "status": status}, items


def _coefficients(covariance):
    """Every coefficient of a construct from its covariances (of the data or of all draws), and the loadings."""
    k = covariance.shape[-1]
    r = correlations(covariance)
    nothing = np.full(covariance.shape[:-2], np.nan)
    loadings = one_factor(r)
    sd = np.sqrt(np.clip(np.diagonal(covariance, axis1=-2, axis2=-1), 0, None))
    enough = k >= FEWEST_ITEMS
    found = {
        "alpha": alpha(covariance) if enough else nothing,
        "alpha_std": alpha(r) if k > 1 else nothing,
        "omega": omega(loadings, sd) if enough else nothing,
        "omega_std": omega(loadings) if enough else nothing,
        "ave": extracted(loadings) if enough else nothing,
    }
    return found, loadings


def _pair(frame, first, second, constructs, weighting, drawing, ci_level):
    """Row of two constructs: HTMT with its interval and verdict."""
    a, b = constructs[first], constructs[second]
    used = sample(frame, [*a, *b], **weighting)
    row = {"construct": first, "other": second, "htmt": np.nan, "htmt_lo": np.nan, "htmt_hi": np.nan, "verdict": ""}
    row |= {"n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff}
    if used.n < 3:
        return {**row, "status": "insufficient"}
    x = used.frame[[*a, *b]].to_numpy(dtype=float)
    one, two = np.arange(len(a)), np.arange(len(a), len(a) + len(b))
    value = htmt(correlations(moments(x, used.w, kind=used.kind)[1]), one, two)
    clusters = used.frame[drawing["clusters"]].to_numpy() if drawing["clusters"] else None
    rng = generator(drawing["seed"], f"{METHOD}.{first}.{second}")
    drawn = bootstrap_moments(x, used.w, kind=used.kind, clusters=clusters, n_boot=drawing["n_boot"], rng=rng)[1]
    lo, hi = percentile(htmt(correlations(drawn), one, two), ci_level)
    row |= {"htmt": float(value), "htmt_lo": float(lo), "htmt_hi": float(hi), "verdict": told_apart(lo, hi)}
    return {**row, "status": base_status(used.n, used.n_eff) if np.isfinite(value) else "degenerate"}


def told_apart(lo, hi):
    """``distinct``, ``same`` or ``open``: where the interval of HTMT lies with regard to .9."""
    return "distinct" if hi < SAME else "same" if lo > SAME else "open"

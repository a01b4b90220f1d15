"""Level of satisfaction: mean grade, delight share, score bands and distribution, with intervals (method M02)."""

from __future__ import annotations

import numpy as np
from scipy import stats

from delight.estimate import WildCluster, weighted_median
from delight.resample import generator
from delight.result import Note, Result
from delight.satisfaction.answers import Answers, level_status

METHOD = "M02"


def levels(
    frame,
    *,
    y,
    scale,
    by=(),
    delight_from=None,
    norm=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    strata=None,
    population=None,
    labels=None,
    order=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Mean, spread and shares of one question, for everybody and by group.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y : str
        Column of scores in points on `scale`; missing scores are left out and counted.
    scale : Scale
    by : str or sequence of str
        Columns whose groups get a row each, after the row of everybody; a missing group counts in everybody only.
    delight_from : float, optional
        Lowest score that counts as delighted; by default that of the scale.
    norm : float, optional
        H0: mean <= norm, tested one-sided. Targets and benchmarks are not norms.
    weights, weights_kind : str, optional
        Column of weights and their kind (M00).
    clusters : str, optional
        Column of locations that are a sample of locations.
    strata, population, labels : str, dict, dict, optional
        Column of locations that were all surveyed, respondents who could answer by location, label by location.
    order : dict, optional
        Column to its groups in the order wanted.
    ci_level, n_boot, seed
        The bootstrap serves only 6 to 39 clusters.

    Returns
    -------
    Result
        Rows ``by, group``: ``mean, se, sd, median, ci_lo, ci_hi, share_delighted, share_le_6, share_max`` (each with ``_lo, _hi``),
        ``delight_from``, ``norm, diff_norm, diff_norm_lo, diff_norm_hi, p``, ``n, n_missing, n_eff, status``. ``share_le_6`` only on scales that go beyond 6 and
        start below it by points of a grade (0-10, 1-10), else NaN. No answer: NaN, ``insufficient``; one answer: no interval;
        no spread: the interval is the point, ``degenerate``.

    Raises
    ------
    InputError
        Unknown column, score outside the scale, negative weight.

    Notes
    -----
    Mean: t interval (M00; strata with fpc and t(n-H); clusters CR1 with t(G-1), wild cluster bootstrap-t below 40 of them).
    Shares: Wilson with n_eff.

    References
    ----------
    Wilson, E. B. (1927). JASA 22, 209-212.
    """
    answers = Answers(
        frame,
        y,
        scale,
        weights=weights,
        weights_kind=weights_kind,
        clusters=clusters,
        strata=strata,
        population=population,
        labels=labels,
    )
    delight_from = scale.delight_from if delight_from is None else delight_from
    grades = (scale.min, scale.max) in ((0, 10), (1, 10))
    cuts = {
        "share_delighted": None if delight_from is None else answers.y >= delight_from - 1e-9,
        "share_le_6": answers.y <= 6 + 1e-9 if grades else None,
        "share_max": answers.y >= scale.max - 1e-9,
    }
    rng = generator(seed, METHOD)
    rows = []
    for group in answers.groups(by, order=order):
        found = answers.design.mean(answers.y, group.inside, ci_level=ci_level, n_boot=n_boot, rng=rng)
        row = {**group.key, **group.counts, "n_eff": found.n_eff, "mean": found.value, "se": found.se, "sd": found.sd}
        inside = group.inside
        row["median"] = weighted_median(answers.y[inside], (answers.design.w * answers.design.f)[inside])
        row |= {"ci_lo": found.lo, "ci_hi": found.hi}
        for name, hits in cuts.items():
            if hits is None or not group.n:
                row |= {name: np.nan, f"{name}_lo": np.nan, f"{name}_hi": np.nan}
            else:
                share = answers.design.share(hits, inside, ci_level=ci_level)[0]
                row |= {name: share.value, f"{name}_lo": share.lo, f"{name}_hi": share.hi}
        row |= {"delight_from": np.nan if delight_from is None else float(delight_from)}
        row |= _norm_test(answers, group, found, norm, n_boot, rng)
        row["status"] = level_status(found)
        rows.append(row)
    return Result.of(
        METHOD,
        rows,
        function="delight.satisfaction.levels.levels",
        notes=answers.notes,
        status=rows[0]["status"],
        **answers.meta,
        y=y,
        scale=scale,
        delight_from=delight_from,
        norm=norm,
        ci_level=ci_level,
        seed=seed,
    )


def _norm_test(answers, group, found, norm, n_boot, rng):
    """Columns of the one-sided test of the mean against a norm."""
    if norm is None:
        return dict.fromkeys(("norm", "diff_norm", "diff_norm_lo", "diff_norm_hi", "p"), np.nan)
    diff = found.value - norm
    p = float(stats.t.sf(diff / found.se, found.df)) if found.se > 0 and found.df > 0 else np.nan
    if found.interval == "wild":
        inside = group.inside
        w = (answers.design.w * answers.design.f)[inside]
        ones = np.ones((int(inside.sum()), 1))
        tested = WildCluster(answers.y[inside], ones, w, answers.design.clusters[inside], [1.0], n_boot=n_boot, rng=rng)
        p = tested.p(norm, "greater")
    return {"norm": float(norm), "diff_norm": diff, "diff_norm_lo": found.lo - norm, "diff_norm_hi": found.hi - norm, "p": p}


def score_bands(scale, delight_from=None, low_to=None):
    """Score bands of a scale, lowest first: {"low": (from, to), "middle": …, "delighted": …}; up to 6, 7-8 and 9-10 on grades.

    Parameters
    ----------
    scale : Scale
    delight_from, low_to : float, optional
        First point of the highest band and last point of the lowest; by default the scale's own.
    """
    delight_from = scale.delight_from if delight_from is None else delight_from
    low_to = (scale.low_high or (None,))[0] if low_to is None else low_to
    if delight_from is None:
        return {}
    below = delight_from - scale.step if scale.step else delight_from
    if low_to is None or low_to < scale.min or low_to >= below:
        return {"low": (scale.min, below), "delighted": (delight_from, scale.max)}
    return {
        "low": (scale.min, low_to),
        "middle": (low_to + scale.step if scale.step else low_to, below),
        "delighted": (delight_from, scale.max),
    }


def bands(frame, *, y, scale, by=(), delight_from=None, low_to=None, order=None, ci_level=0.95, **design):
    """Share of answers in each score band: up to 6, 7-8, 9-10 on grades.

    Parameters
    ----------
    frame, y, scale, by, order, ci_level
        As in `levels`.
    delight_from, low_to : float, optional
        Cut points; by default the scale's own.
    **design
        ``weights, weights_kind, clusters, strata, population, labels`` as in `levels`.

    Returns
    -------
    Result
        Rows ``by, group, band`` (``low, middle, delighted``): ``low_edge, high_edge, count`` (answers, unweighted), ``share, lo, hi``
        (Wilson with n_eff), ``n, n_missing, n_eff, status``. A scale without known bands gives no row and the note ``no_bands``.
    """
    answers = Answers(frame, y, scale, **design)
    cuts = score_bands(scale, delight_from, low_to)
    rows = []
    for group in answers.groups(by, order=order):
        for band, (low, high) in cuts.items():
            if scale.step:
                hits = (answers.y >= low - 1e-9) & (answers.y <= high + 1e-9)
            else:
                hits = (answers.y >= low if band != "middle" else answers.y > low) & (answers.y < high if high != scale.max else True)
                hits = answers.y <= high if band == "low" and "middle" in cuts else hits
            rows.append({**group.key, "band": band, "low_edge": low, "high_edge": high, **_share_row(answers, hits, group, ci_level)})
    return Result.of(
        "M02.bands",
        rows,
        function="delight.satisfaction.levels.bands",
        notes=[*answers.notes, *([] if cuts else [Note("no_bands", {"scale": str(scale)})])],
        **answers.meta,
        y=y,
        scale=scale,
        ci_level=ci_level,
    )


def _share_row(answers, hits, group, ci_level):
    """Count, share with limits and status of the answers of a group that hit."""
    if not group.n:
        return {"count": 0, "share": np.nan, "lo": np.nan, "hi": np.nan, **group.counts, "n_eff": 0.0, "status": "insufficient"}
    share, n_eff = answers.design.share(hits, group.inside, ci_level=ci_level)
    count = int(round(answers.design.f[group.inside & hits].sum()))
    row = {"count": count, "share": share.value, "lo": share.lo, "hi": share.hi}
    return {**row, **group.counts, "n_eff": n_eff, "status": answers.design.status(group.inside)}


#: More points than this on a scale are shown in classes.
MOST_POINTS = 21


def distribution(frame, *, y, scale, by=(), delight_from=None, low_to=None, order=None, ci_level=0.95, **design):
    """Share of answers on each point of the scale, or in 20 equal classes if the scale is continuous or long.

    Parameters
    ----------
    As in `bands`.

    Returns
    -------
    Result
        Rows ``by, group, point`` (a class: its middle, with ``low_edge, high_edge``) in the order of the scale: ``band, count, share,
        lo, hi, n, n_missing, n_eff, status``.
    """
    answers = Answers(frame, y, scale, **design)
    cuts = score_bands(scale, delight_from, low_to)
    points = scale.points
    if points is None or len(points) > MOST_POINTS:
        edges = np.linspace(scale.min, scale.max, 21)
        classes = [((a + b) / 2, a, b) for a, b in zip(edges[:-1], edges[1:])]
    else:
        classes = [(float(p), float(p), float(p)) for p in points]
    rows = []
    for group in answers.groups(by, order=order):
        for point, low, high in classes:
            last = high >= scale.max - 1e-9
            hits = (
                np.abs(answers.y - point) < 1e-6
                if low == high
                else (answers.y >= low) & ((answers.y <= high) if last else (answers.y < high))
            )
            band = next((name for name, (_, to) in cuts.items() if point <= to + 1e-9), "")
            key = {**group.key, "point": point, "low_edge": low, "high_edge": high, "band": band}
            rows.append({**key, **_share_row(answers, hits, group, ci_level)})
    return Result.of(
        "M02.distribution",
        rows,
        function="delight.satisfaction.levels.distribution",
        notes=answers.notes,
        **answers.meta,
        y=y,
        scale=scale,
        ci_level=ci_level,
    )

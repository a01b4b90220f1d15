"""Were expectations exceeded, and is that delight? The direct question, feelings and gaps, kept apart (method M04)."""

from __future__ import annotations

from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError, Mistakes
from delight.estimate import Design, benjamini_hochberg, fit_linear, need_columns, sample, weights_of
from delight.reliability import bootstrap_moments, check_constructs, correlations, reliability
from delight.resample import generator, percentile, two_sided_p
from delight.result import STATUSES, Note, Result
from delight.satisfaction.answers import level_status
from delight.satisfaction.factors import one_or_two
from delight.satisfaction.levels import score_bands
from delight.satisfaction.ordered import beside, jonckheere
from delight.scales import check_scale

METHOD = "M04"
#: Answers to the direct question, worst first.
GROUPS = ("below", "met", "exceeded")
#: HTMT below which two constructs count as two (Henseler, Ringle & Sarstedt 2015).
DISTINCT = 0.85
#: Grade that customers whose expectations are exceeded are said to go beyond.
RULE = 8.5
#: Promoters of the NPS answer this or more on 0-10.
PROMOTER_FROM = 9
#: What leads to what (Oliver, Rust & Varki 1997). A stage that was not asked for is replaced by what leads to it.
MODEL = {
    "surprise": (),
    "disconfirmation": (),
    "arousal": ("surprise",),
    "affect": ("arousal",),
    "delight": ("arousal", "affect"),
    "satisfaction": ("disconfirmation", "affect"),
    "intention": ("delight", "satisfaction"),
}


class ThreeWay(NamedTuple):
    """Results of `three_way`: the eight cells, and how far every two of the three agree."""

    cells: Result
    agreement: Result


# ---- the direct question -------------------------------------------------------------------------------------------------
def direct_cuts(scale):
    """(lowest answer that says "as expected", lowest that says "exceeded"): the middle, and the highest two answers above it.

    >>> from delight.scales import Scale
    >>> direct_cuts(Scale(1, 5)), direct_cuts(Scale(1, 7)), direct_cuts(Scale(-1, 1))
    ((3.0, 4.0), (4.0, 6.0), (0.0, 1.0))
    """
    middle = (scale.min + scale.max) / 2
    if scale.points is None:
        return middle, (scale.min + 3 * scale.max) / 4
    above = [float(p) for p in scale.points if p > middle + 1e-9]
    met = next(float(p) for p in scale.points if p >= middle - 1e-9)
    return met, above[-2] if len(above) > 1 else above[-1]


class _Together:
    """Respondents who gave a grade and answered the direct question, with their design and who was below, met or exceeded."""

    def __init__(self, frame, y, x, scales, more=(), weights=None, weights_kind="sampling", exceeded_from=None, **design):
        need_columns(frame, [y, x, *more])
        lacking = [c for c in (y, x, *more) if scales.get(c) is None]
        if lacking:
            raise InputError(f"No scale is given for {', '.join(repr(c) for c in lacking)}.")
        mistakes = Mistakes()
        for column in (y, x, *more):
            with mistakes:
                check_scale(frame[column], scales[column], column=column)
        with mistakes:
            weights_of(frame, weights, weights_kind)
        mistakes.raise_all()
        self.used = sample(frame, [y, x, *more], weights=weights, weights_kind=weights_kind)
        self.design = Design(self.used, **design)
        self.y = pd.to_numeric(self.used.frame[y]).to_numpy(dtype=float)
        answers = pd.to_numeric(self.used.frame[x]).to_numpy(dtype=float)
        met, exceeded = direct_cuts(scales[x])
        exceeded = exceeded if exceeded_from is None else exceeded_from
        self.code = (answers >= met - 1e-9).astype(int) + (answers >= exceeded - 1e-9)
        self.exceeded_from = exceeded
        self.more = {c: pd.to_numeric(self.used.frame[c]).to_numpy(dtype=float) for c in more}
        self.graded = (scales[y].min, scales[y].max) in ((0, 10), (1, 10))
        self.meta = {**self.used.meta, "y": y, "x": x, "scale": scales[y], "exceeded_from": exceeded}
        self.notes = [Note(code, values) for code, values in self.design.notes]

    def group(self, name):
        return self.code == GROUPS.index(name)

    def base(self, inside=None):
        n = self.used.n if inside is None else int(round(self.design.f[inside].sum()))
        return {"n": n, "n_missing": self.used.n_missing}

    def share(self, hits, inside, ci_level):
        """``value, lo, hi, n, n_missing, n_eff, status`` of a share of the respondents `inside`."""
        base = self.base(inside)
        if not base["n"]:
            return {"value": np.nan, "lo": np.nan, "hi": np.nan, **base, "n_eff": 0.0, "status": "insufficient"}
        found, n_eff = self.design.share(hits, inside, ci_level=ci_level)
        return {"value": found.value, "lo": found.lo, "hi": found.hi, **base, "n_eff": n_eff, "status": self.design.status(inside)}


def _delight_from(scale, delight_from):
    """The point named, else the scale's own, else its highest."""
    found = scale.delight_from if delight_from is None else delight_from
    return float(scale.max if found is None else found)


def exceeding(frame, *, y, x, scales, delight_from=None, exceeded_from=None, ci_level=0.95, **design):
    """How many expectations were exceeded, and what that has to do with grades that count as delighted.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y, x : str
        Overall grade; the direct question (much worse … much better than expected).
    scales : dict of column to Scale
    delight_from : float, optional
        Lowest grade that counts as delighted; by default the scale's own, else its highest point.
    exceeded_from : float, optional
        Lowest answer to `x` that says "exceeded"; by default the highest two answers, if above the middle (`direct_cuts`).
    **design
        ``weights, weights_kind, clusters, strata, population, labels`` as in `delight.satisfaction.levels`.

    Returns
    -------
    Result
        A row a ``measure``: ``share_exceeded``; ``delighted`` for each group (``by="disconfirmation"``, ``group`` exceeded, met, below);
        ``risk_diff`` of the groups exceeded and met (``group, other``, with ``p``); ``exceeded_if_delighted`` and its complement
        ``violations``. Columns ``value, lo, hi, p, n, n_other, n_missing, n_eff, status``. Nobody in the base: NaN, ``insufficient``.

    Notes
    -----
    Wilson intervals with n_eff. Difference: Newcombe's method 10, allowing for the correlation of the two shares that strata and
    clusters bring; p of the score test.

    Examples
    --------
    Of 10 whose expectations were exceeded 6 give a 9 or more, of 20 for whom they were met 4: risk difference .6 − .2 = .4.

    References
    ----------
    Newcombe, R. G. (1998). Statistics in Medicine 17, 873-890.
    """
    both = _Together(frame, y, x, scales, exceeded_from=exceeded_from, **design)
    delight_from = _delight_from(scales[y], delight_from)
    delighted, everybody = both.y >= delight_from - 1e-9, np.ones(len(both.y), bool)
    exceeded, met = both.group("exceeded"), both.group("met")
    whole, one = {"by": "", "group": "", "other": ""}, {"by": "disconfirmation", "other": ""}
    rows = [{"measure": "share_exceeded", **whole, **both.share(exceeded, everybody, ci_level)}]
    for name in reversed(GROUPS):
        rows.append({"measure": "delighted", **one, "group": name, **both.share(delighted, both.group(name), ci_level)})
    about = {"by": "disconfirmation", "group": "exceeded", "other": "met"}
    rows.append({"measure": "risk_diff", **about, **_risk_difference(both, delighted, exceeded, met, ci_level)})
    rows.append({"measure": "exceeded_if_delighted", **whole, **both.share(exceeded, delighted, ci_level)})
    rows.append({"measure": "violations", **whole, **both.share(~exceeded, delighted, ci_level)})
    table = pd.DataFrame(rows)
    table["p"] = table["p"].astype(float)
    return Result.of(
        f"{METHOD}.exceeding", table, function="delight.satisfaction.expectations.exceeding", notes=both.notes, **both.meta,
        delight_from=delight_from, ci_level=ci_level,
    )  # fmt: skip


def _risk_difference(both, hits, first, second, ci_level):
    """Difference of the share of `hits` in two groups, with Newcombe's interval and the score test."""
    a, b = both.share(hits, first, ci_level), both.share(hits, second, ci_level)
    row = {"value": a["value"] - b["value"], "lo": np.nan, "hi": np.nan, "p": np.nan, "n": a["n"], "n_other": b["n"]}
    row |= {"n_missing": both.used.n_missing, "n_eff": a["n_eff"] + b["n_eff"], "status": max(a["status"], b["status"], key=STATUSES.index)}
    if not a["n"] or not b["n"]:
        return {**row, "status": "insufficient"}
    values = hits.astype(float)
    u, v = both.design.influence(values, first)[1], both.design.influence(values, second)[1]
    size = np.sqrt(np.nansum(u**2) * np.nansum(v**2))
    r = float(np.nansum(u * v) / size) if size > 0 else 0.0

    def away(d, e):
        return np.sqrt(max(d**2 + e**2 - 2 * r * d * e, 0.0))

    row["lo"] = row["value"] - away(a["value"] - a["lo"], b["hi"] - b["value"])
    row["hi"] = row["value"] + away(a["hi"] - a["value"], b["value"] - b["lo"])
    pooled = (a["value"] * a["n_eff"] + b["value"] * b["n_eff"]) / (a["n_eff"] + b["n_eff"])
    variance = pooled * (1 - pooled) * (1 / a["n_eff"] + 1 / b["n_eff"] - 2 * r / np.sqrt(a["n_eff"] * b["n_eff"]))
    row["p"] = float(2 * stats.norm.sf(abs(row["value"]) / np.sqrt(variance))) if variance > 0 else np.nan
    return row


def joint(frame, *, y, x, scales, delight_from=None, exceeded_from=None, ci_level=0.95, **design):
    """Score bands by what was expected: how many respondents stand where.

    Parameters as in `exceeding`.

    Returns
    -------
    Result
        Rows ``band × group`` (``by="disconfirmation"``; below, met, exceeded): ``count`` (answers, unweighted), ``share`` of all with
        ``lo, hi``, ``share_of_group`` (the band's share of the group), ``n`` (of the group), ``n_missing, n_eff, status``.
    """
    both = _Together(frame, y, x, scales, exceeded_from=exceeded_from, **design)
    delight_from = _delight_from(scales[y], delight_from)
    cuts = score_bands(scales[y], delight_from)
    everybody, rows = np.ones(len(both.y), bool), []
    lowest, highest = both.y <= cuts["low"][1] + 1e-9, both.y >= cuts["delighted"][0] - 1e-9
    within = {"low": lowest if "middle" in cuts else ~highest, "middle": ~lowest & ~highest, "delighted": highest}
    for band, (low, high) in cuts.items():
        hits = within[band]
        for name in GROUPS:
            inside = both.group(name)
            of_all, of_group = both.share(hits & inside, everybody, ci_level), both.share(hits, inside, ci_level)
            row = {"band": band, "low_edge": low, "high_edge": high, "by": "disconfirmation", "group": name}
            row |= {
                "count": int(round(both.design.f[hits & inside].sum())),
                "share": of_all["value"],
                "lo": of_all["lo"],
                "hi": of_all["hi"],
            }
            rows.append({**row, "share_of_group": of_group["value"], **{k: of_group[k] for k in ("n", "n_missing", "n_eff", "status")}})
    return Result.of(
        f"{METHOD}.joint", rows, function="delight.satisfaction.expectations.joint", notes=both.notes, **both.meta,
        delight_from=delight_from, ci_level=ci_level,
    )  # fmt: skip


def means(frame, *, y, x, scales, delight_from=None, exceeded_from=None, ci_level=0.95, **design):
    """Mean grade of respondents for whom it was worse than, as, and better than expected, beside the grades that sources claim.

    Parameters as in `exceeding`.

    Returns
    -------
    Result
        Rows ``by="disconfirmation", group`` (below, met, exceeded): ``mean, se, df, sd, ci_lo, ci_hi``, ``distance_7, distance_8, tost_p_7,
        tost_p_8`` (equivalence within .25) and ``prefers`` (7, 8 or open: on which side of 7.5 the whole interval lies), ``p_above_rule``
        (one-sided, of "the mean is 8.5 or less"), ``n, n_missing, n_eff, status``; on scales that are no grades these are NaN. ``meta``
        holds Jonckheere-Terpstra's ``trend_j, trend_z, trend_p`` over the three groups.
    """
    both = _Together(frame, y, x, scales, exceeded_from=exceeded_from, **design)
    rows = []
    for name in GROUPS:
        inside = both.group(name)
        found = both.design.mean(both.y, inside, ci_level=ci_level)
        row = {"by": "disconfirmation", "group": name, "mean": found.value, "se": found.se, "df": found.df, "sd": found.sd}
        row |= {"ci_lo": found.lo, "ci_hi": found.hi}
        placed = beside(found)
        row |= placed if both.graded else dict.fromkeys(placed, np.nan) | {"prefers": "not_identified"}
        tested = both.graded and found.se > 0 and found.df > 0
        row["p_above_rule"] = float(stats.t.sf((found.value - RULE) / found.se, found.df)) if tested else np.nan
        rows.append({**row, **both.base(inside), "n_eff": found.n_eff, "status": level_status(found)})
    return Result.of(
        f"{METHOD}.means", rows, function="delight.satisfaction.expectations.means", notes=both.notes, **both.meta, **_trend(both),
        delight_from=_delight_from(scales[y], delight_from), ci_level=ci_level,
    )  # fmt: skip


def _trend(both):
    """Jonckheere-Terpstra over below, met and exceeded; under a design with as many answers as they are worth."""
    if not both.used.n:
        return {"trend_j": np.nan, "trend_z": np.nan, "trend_p": np.nan}
    values = np.unique(both.y, return_inverse=True)[1]
    table = np.zeros((len(GROUPS), values.max() + 1))
    w = both.design.w * both.design.f
    np.add.at(table, (both.code, values), w)
    n_eff = both.design.mean(both.y).n_eff
    worth = min(n_eff if np.isfinite(n_eff) else both.used.n, both.used.n) / w.sum()
    j, z, p = jonckheere(table * worth)
    return {"trend_j": float(j) / worth**2, "trend_z": float(z), "trend_p": float(p)}


# ---- exceeded, delighted, promoter: one thing or three? ---------------------------------------------------------------------
def three_way(frame, *, y, x, recommend, scales, delight_from=None, exceeded_from=None, ci_level=0.95, **design):
    """How far "better than expected", a grade that counts as delighted, and being a promoter are one thing.

    Parameters
    ----------
    recommend : str
        Likelihood to recommend, on 0-10; promoters answer 9 or 10.
    others as in `exceeding`.

    Returns
    -------
    ThreeWay of Results
        cells : a row a combination of ``exceeded, delighted, promoter`` (true or false): ``count, share, lo, hi``.
        agreement : a row an ordered pair (``term, other``): ``term_if_other``, the share of those who are `other` that is `term`, with limits
        and its base ``n_other``; Cohen's ``kappa`` of the two with ``kappa_se, kappa_lo, kappa_hi``. Everybody alike in one of the two:
        NaN, ``degenerate``.

    Notes
    -----
    κ = (p_o − p_e) / (1 − p_e); variance by linearisation, which without a design is that of Fleiss, Cohen & Everitt (1969).
    """
    if recommend in scales and (scales[recommend].min, scales[recommend].max) != (0, 10):
        raise InputError(f"Promoters are defined on 0-10; column '{recommend}' has scale {scales[recommend]}.")
    both = _Together(frame, y, x, scales, more=[recommend], exceeded_from=exceeded_from, **design)
    delight_from = _delight_from(scales[y], delight_from)
    marks = {
        "exceeded": both.group("exceeded"),
        "delighted": both.y >= delight_from - 1e-9,
        "promoter": both.more[recommend] >= PROMOTER_FROM,
    }
    everybody = np.ones(len(both.y), bool)
    cells = []
    for flags in product([True, False], repeat=3):
        inside = np.logical_and.reduce([mark == flag for mark, flag in zip(marks.values(), flags)])
        found = both.share(inside, everybody, ci_level)
        cells.append({**dict(zip(marks, flags)), "count": int(round(both.design.f[inside].sum())), "share": found.pop("value"), **found})
    pairs = [_agreement(both, marks, *pair, ci_level) for a, b in combinations(marks, 2) for pair in ((a, b), (b, a))]
    about = {**both.meta, "recommend": recommend, "delight_from": delight_from, "ci_level": ci_level, "keys": list(marks)}
    function = "delight.satisfaction.expectations.three_way"
    return ThreeWay(
        Result.of(f"{METHOD}.three_way", cells, function=function, notes=both.notes, **about),
        Result.of(f"{METHOD}.agreement", pairs, function=function, notes=both.notes, **about),
    )


def _agreement(both, marks, first, second, ci_level):
    a, b = marks[first].astype(float), marks[second].astype(float)
    row = {"term": first, "other": second, "kappa": np.nan, "kappa_se": np.nan, "kappa_lo": np.nan, "kappa_hi": np.nan}
    share = both.share(marks[first], marks[second], ci_level)
    row |= {"term_if_other": share["value"], "term_if_other_lo": share["lo"], "term_if_other_hi": share["hi"]}
    row |= {**both.base(), "n_other": share["n"], "n_eff": both.used.n_eff}
    if both.used.n < 2:
        return {**row, "status": "insufficient"}
    same = a * b + (1 - a) * (1 - b)
    p_same, p_a, p_b = (both.design.mean(v).value for v in (same, a, b))
    by_chance = p_a * p_b + (1 - p_a) * (1 - p_b)
    if not 1 - by_chance > 1e-12:
        return {**row, "status": "degenerate"}
    kappa = (p_same - by_chance) / (1 - by_chance)
    drift = (a - p_a) * (2 * p_b - 1) + (b - p_b) * (2 * p_a - 1)
    found = both.design.mean(((same - p_same) * (1 - by_chance) - (1 - p_same) * drift) / (1 - by_chance) ** 2)
    half = stats.t.ppf(0.5 + ci_level / 2, found.df) * found.se
    row |= {"kappa": kappa, "kappa_se": found.se, "kappa_lo": max(kappa - half, -1.0), "kappa_hi": min(kappa + half, 1.0)}
    return {**row, "status": both.design.status()}


# ---- is delight something else than satisfaction? ----------------------------------------------------------------------------
def distinct(
    frame, *, constructs, scales=None, weights=None, weights_kind="sampling", clusters=None, ci_level=0.95, n_boot=2000, seed=20250101
):
    """Can two constructs be told apart? HTMT, and two factors against one.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged. Reversed items turned round.
    constructs : dict of name to list of columns
        Usually ``{"satisfaction": […], "delight": […]}``.
    others as in `delight.reliability.reliability`.

    Returns
    -------
    Result
        A row a pair ``term, other``: ``items, items_other``, ``htmt, htmt_lo, htmt_hi`` (bootstrap), ``r, r_lo, r_hi`` of the two means,
        ``phi, phi_lo, phi_hi`` (correlation free of measurement error: two-factor model, robust interval), ``chi2_one, chi2_two, lr, lr_p,
        bic_one, bic_two``, ``verdict``: ``distinct`` (upper limit of HTMT below .85 and two factors better by both LR and BIC), ``same``
        (lower limit at .85 or more, or two factors no better), ``open``. A construct of one question cannot be told apart from its
        error: ``not_identified``, unless even then the lower limit of HTMT is at .85 or more.

    Notes
    -----
    Maximum likelihood; LR = χ²(one factor) − χ²(two), one degree of freedom; the boundary φ = 1 makes its p too large, never too small.
    Normal theory: with answers on few points the p is approximate, and the interval of HTMT, which needs no normality, is what counts.

    References
    ----------
    Henseler, J., Ringle, C. M. & Sarstedt, M. (2015). J. Academy of Marketing Science 43, 115-135. Finn, A. (2005). J. Service Research
    8, 103-116; (2012). J. Service Research 15, 99-110.
    """
    constructs = check_constructs(frame, constructs, scales)
    about = dict(weights=weights, weights_kind=weights_kind, clusters=clusters, ci_level=ci_level)
    ratios = reliability(frame, constructs=constructs, scales=scales, n_boot=n_boot, seed=seed, **about).distinct.table
    rows = []
    for a, b in combinations(constructs, 2):
        ratio = ratios[(ratios["construct"] == a) & (ratios["other"] == b)].iloc[0]
        rows.append(_pair(frame, a, b, constructs, ratio, **about))
    used = sample(frame, [c for items in constructs.values() for c in items], weights=weights, weights_kind=weights_kind)
    columns = None if rows else ["term", "other", "htmt", "verdict", "n", "n_missing", "n_eff", "status"]
    return Result.of(
        f"{METHOD}.distinct", pd.DataFrame(rows, columns=columns), function="delight.satisfaction.expectations.distinct", **used.meta,
        constructs=constructs, clusters=clusters, ci_level=ci_level, n_boot=n_boot, seed=seed,
    )  # fmt: skip


def _pair(frame, first, second, constructs, ratio, *, weights, weights_kind, clusters, ci_level):
    items, others = constructs[first], constructs[second]
    used = sample(frame, [*items, *others], weights=weights, weights_kind=weights_kind)
    row = {"term": first, "other": second, "items": len(items), "items_other": len(others)}
    row |= {name: float(ratio[name]) for name in ("htmt", "htmt_lo", "htmt_hi")}
    names = ["r", "r_lo", "r_hi", "phi", "phi_lo", "phi_hi", "chi2_one", "chi2_two", "lr", "lr_p", "bic_one", "bic_two"]
    row |= dict.fromkeys(names, np.nan) | {"verdict": "open"}
    row |= {"n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff, "status": Design(used, clusters=clusters).status(model=True)}
    if row["status"] == "insufficient":
        return {**row, "verdict": "insufficient"}
    x = used.frame[[*items, *others]].to_numpy(dtype=float)
    row |= _correlation(_position(x[:, : len(items)], used.w), _position(x[:, len(items) :], used.w), used, ci_level)
    single = min(len(items), len(others)) < 2
    if not single:
        row |= one_or_two(x, len(items), used, Design(used, clusters=clusters), ci_level)
    overlap, better = row["htmt_lo"] >= DISTINCT, row["lr_p"] <= 0.05 and row["bic_two"] < row["bic_one"]
    if single:
        return {**row, "verdict": "same" if overlap else "not_identified", "status": row["status"] if overlap else "not_identified"}
    if np.isnan(row["lr"]):
        return {**row, "verdict": "open", "status": "not_converged"}
    verdict = "same" if overlap or not better else "distinct" if row["htmt_hi"] < DISTINCT else "open"
    return {**row, "verdict": verdict}


def _position(x, w):
    """Mean of the items, each in its own standard deviations."""
    spread = np.sqrt(np.average((x - np.average(x, axis=0, weights=w)) ** 2, axis=0, weights=w))
    return (x / np.where(spread > 0, spread, 1.0)).mean(axis=1)


def _correlation(a, b, used, ci_level, name="r"):
    """Weighted correlation with Fisher's interval at n_eff."""
    r = _r(a, b, used.w)
    if not np.isfinite(r) or used.n_eff <= 3:
        return {name: r, f"{name}_lo": np.nan, f"{name}_hi": np.nan}
    if abs(r) > 1 - 1e-12:
        return {name: r, f"{name}_lo": r, f"{name}_hi": r}
    half = stats.norm.ppf(0.5 + ci_level / 2) / np.sqrt(used.n_eff - 3)
    return {name: r, f"{name}_lo": float(np.tanh(np.arctanh(r) - half)), f"{name}_hi": float(np.tanh(np.arctanh(r) + half))}


def _r(a, b, w):
    if not len(a):
        return np.nan
    a, b = a - np.average(a, weights=w), b - np.average(b, weights=w)
    size = np.sqrt((w * a**2).sum() * (w * b**2).sum())
    return float((w * a * b).sum() / size) if size > 0 else np.nan


# ---- three measures, never mixed ----------------------------------------------------------------------------------------------
def measures(
    frame, *, y, scales, gaps=None, direct=None, affect=(), weights=None, weights_kind="sampling", ci_level=0.95, n_boot=2000, seed=20250101
):
    """The three measures of delight side by side: gap, direct question, feelings. They are different things and never added up.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y : str
        Overall grade.
    scales : dict of column to Scale
    gaps : dict of column to column, optional
        Question on what was experienced → question on what was expected, on one scale.
    direct : str, optional
        Better or worse than expected.
    affect : list of str
        Feelings, reversed ones turned round.

    Returns
    -------
    Result
        A row a ``measure`` (gap, direct, affect) that was asked for: ``items, mean, ci_lo, ci_hi, sd`` (points of ``scale_min``-``scale_max``;
        gaps in points of their scale; feelings asked on different scales as a share of each), ``alpha, alpha_lo, alpha_hi, omega``
        (three items or more), ``reliable`` (α at least .7), correlation with the grade ``r, r_lo, r_hi`` and with the other measures
        ``r_gap, r_direct, r_affect``, ``n, n_missing, n_eff, status``.

    Notes
    -----
    The gap is a difference of two answers and shares their errors, which makes it less reliable than either (Peter, Churchill & Brown
    1993): its α is that of the single differences.

    References
    ----------
    Peter, J. P., Churchill, G. A. & Brown, T. J. (1993). J. Consumer Research 19, 655-662.
    """
    gaps, affect = dict(gaps or {}), list(affect)
    asked = [y, *gaps, *gaps.values(), *([direct] if direct else []), *affect]
    need_columns(frame, asked)
    for column in asked:
        check_scale(frame[column], scales[column], column=column)
    one_scale = len({(scales[c].min, scales[c].max) for c in affect}) == 1
    found = {}
    if gaps:
        items = pd.DataFrame({p: frame[p] - frame[e] for p, e in gaps.items()})
        found["gap"] = (items, (np.nan, np.nan))
    if direct:
        found["direct"] = (frame[[direct]], (scales[direct].min, scales[direct].max))
    if affect:
        first = scales[affect[0]]
        shares = pd.DataFrame({c: (frame[c] - scales[c].min) / (scales[c].max - scales[c].min) for c in affect})
        found["affect"] = (frame[affect], (first.min, first.max)) if one_scale else (shares, (0.0, 1.0))
    scores = pd.DataFrame({f"score:{m}": items.mean(axis=1, skipna=False) for m, (items, _) in found.items()}, index=frame.index)
    scores["grade:"] = frame[y]
    weighting = {"weights": weights, "weights_kind": weights_kind}
    everything = scores.assign(**({"weight:": frame[weights]} if weights else {}))
    rows = [
        _measure(name, *found[name], everything, scores, weighting | ({"weights": "weight:"} if weights else {}), ci_level, n_boot, seed)
        for name in found
    ]
    used = sample(frame, [y], **weighting)
    return Result.of(
        f"{METHOD}.measures", rows, function="delight.satisfaction.expectations.measures", **used.meta, y=y, ci_level=ci_level,
        n_boot=n_boot, seed=seed, keys=["measure"],
    )  # fmt: skip


def _measure(name, items, span, everything, scores, weighting, ci_level, n_boot, seed):
    mine = f"score:{name}"
    used = sample(everything, [mine], **weighting)
    found = Design(used).mean(used.frame[mine].to_numpy(dtype=float), ci_level=ci_level)
    row = {"measure": name, "items": items.shape[1], "mean": found.value, "ci_lo": found.lo, "ci_hi": found.hi, "sd": found.sd}
    row |= {"scale_min": span[0], "scale_max": span[1], **dict.fromkeys(["alpha", "alpha_lo", "alpha_hi", "omega"], np.nan)}
    if items.shape[1] > 2:
        given = items.astype(float).assign(**({"weight:": everything["weight:"]} if weighting["weights"] else {}))
        sound = reliability(given, constructs={name: list(items)}, ci_level=ci_level, n_boot=n_boot, seed=seed, **weighting)
        row |= {k: float(sound.constructs.table[k].iloc[0]) for k in ("alpha", "alpha_lo", "alpha_hi", "omega")}
    row["reliable"] = bool(row["alpha"] >= 0.7) if np.isfinite(row["alpha"]) else None
    for column in scores:
        label = "r" if column == "grade:" else f"r_{column.removeprefix('score:')}"
        if column == mine:
            row[label] = np.nan
            continue
        pair = sample(everything, [mine, column], **weighting)
        related = _correlation(*(pair.frame[c].to_numpy(dtype=float) for c in (mine, column)), pair, ci_level, label)
        row |= related if label == "r" else {label: related[label]}
    status = level_status(found)
    status = "assumption_warning" if status == "ok" and row["reliable"] is False else status
    return {**row, "n": used.n, "n_missing": used.n_missing, "n_eff": found.n_eff, "status": status}


# ---- how delight comes about, and what it does -----------------------------------------------------------------------------------
def arrows(stages):
    """What leads to what among the stages that were asked for: {stage: stages that lead to it}, those led to by nothing left out.

    >>> arrows(["disconfirmation", "delight", "satisfaction", "intention"])
    {'delight': ('disconfirmation',), 'satisfaction': ('disconfirmation',), 'intention': ('delight', 'satisfaction')}
    """

    def asked(stage):
        if stage in stages:
            return [stage]
        # surprising performance is what exceeds expectations; without a question on surprise the direct question opens the chain
        before = MODEL[stage] or (("disconfirmation",) if stage == "surprise" else ())
        return [found for name in before for found in asked(name)]

    found = {stage: tuple(dict.fromkeys(f for name in before for f in asked(name))) for stage, before in MODEL.items() if stage in stages}
    return {stage: before for stage, before in found.items() if before}


def path(frame, *, stages, scales, weights=None, weights_kind="sampling", clusters=None, ci_level=0.95, n_boot=2000, seed=20250101):
    """The path of delight beside that of satisfaction: what leads to what, as standardised regressions.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged. Reversed items turned round.
    stages : dict of str to list of columns
        Any of ``surprise, arousal, affect, delight, disconfirmation, satisfaction, intention``; several columns are averaged, each as a
        share of its scale. ``intention`` and at least one other are needed.
    scales : dict of column to Scale
    weights, weights_kind, clusters, ci_level, n_boot, seed
        The bootstrap serves the routes.

    Returns
    -------
    Result
        ``kind="arrow"``: ``term`` → ``outcome``, ``coef`` (standard deviations of the outcome a standard deviation of the term), ``se, ci_lo,
        ci_hi, p`` (HC3, or CR1 with clusters), ``p_adj`` (Benjamini-Hochberg over the arrows), ``r2`` of the outcome.
        ``kind="route"``: ``route`` from the first stage to intention, such as ``disconfirmation > delight > intention``: product of its
        arrows with percentile interval and bootstrap p. All on the respondents who answered every stage. Fewer than 30: NaN,
        ``insufficient``; stages that determine each other: ``not_identified``.

    Notes
    -----
    A stage that was not asked for is replaced by what leads to it (`MODEL`, `arrows`). One survey shows relations, not causes.

    References
    ----------
    Oliver, R. L., Rust, R. T. & Varki, S. (1997). J. Retailing 73, 311-336. Berman, B. (2005). California Management Review 48, 129-151.
    """
    stages = {name: list(columns) for name, columns in stages.items() if columns}
    unknown = [name for name in stages if name not in MODEL]
    if unknown or "intention" not in stages or len(stages) < 2:
        wrong = [f"'{name}' is no stage" for name in unknown] + (["'intention' is missing"] if "intention" not in stages else [])
        raise InputError(f"The path needs intention and another of {', '.join(MODEL)}: {'; '.join(wrong) or 'no other was given'}.")
    check_constructs(frame, stages, scales)
    columns = [c for items in stages.values() for c in items]
    used = sample(frame, columns, weights=weights, weights_kind=weights_kind)
    about = {"n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff}
    groups, standing = used.frame[clusters].to_numpy() if clusters else None, Design(used, clusters=clusters).status(model=True)
    scored = {name: _stage(used.frame, items, scales) for name, items in stages.items()}
    model, names = arrows(stages), list(stages)
    fits = {to: _equation(scored, to, before, used, groups) for to, before in model.items()} if standing != "insufficient" else {}
    rows = []
    for to, before in model.items():
        for k, term in enumerate(before, 1):
            row = {"kind": "arrow", "route": f"{term} > {to}", "term": term, "outcome": to}
            rows.append({**row, **_arrow(fits.get(to), k, ci_level, standing), **about})
    x = np.column_stack([scored[name] for name in names]) if used.n else np.empty((0, len(names)))
    draws = {}
    if fits and all(np.isfinite(f.coef).all() for f in fits.values()):
        rng = generator(seed, f"{METHOD}.path")
        _, covariance = bootstrap_moments(x, used.w, kind=used.kind, clusters=groups, n_boot=n_boot, rng=rng)
        draws = _standardised(correlations(covariance), model, names)
    for route in _routes(model):
        rows.append(
            {
                "kind": "route",
                "route": " > ".join(route),
                "term": route[0],
                "outcome": "intention",
                **_product(route, fits, model, draws, ci_level, standing),
                **about,
            }
        )
    table = pd.DataFrame(rows)
    table["p_adj"] = np.nan
    is_arrow = table["kind"] == "arrow"
    table.loc[is_arrow, "p_adj"] = benjamini_hochberg(table.loc[is_arrow, "p"])
    return Result.of(
        f"{METHOD}.path", table, function="delight.satisfaction.expectations.path", **used.meta, stages=stages, model=model,
        clusters=clusters, ci_level=ci_level, n_boot=n_boot, seed=seed, keys=["kind", "route"],
    )  # fmt: skip


def _stage(frame, items, scales):
    return np.mean([(frame[c].to_numpy(dtype=float) - scales[c].min) / (scales[c].max - scales[c].min) for c in items], axis=0)


def _equation(scored, to, before, used, clusters):
    def standard(v):
        away = v - np.average(v, weights=used.w)
        spread = np.sqrt(np.average(away**2, weights=used.w))
        return away / spread if spread > 1e-12 else np.zeros(len(v))

    x = np.column_stack([np.ones(used.n if used.kind != "frequency" else len(used.w)), *[standard(scored[name]) for name in before]])
    return fit_linear(standard(scored[to]), x, used.w, names=["(intercept)", *before], kind=used.kind, clusters=clusters)


def _arrow(fit, k, ci_level, standing):
    blank = dict.fromkeys(["coef", "se", "ci_lo", "ci_hi", "p", "r2"], np.nan)
    if fit is None:
        return {**blank, "status": "insufficient"}
    if not np.isfinite(fit.coef[k]) or np.isnan(fit.r2):
        return {**blank, "status": "not_identified"}
    lo, hi = fit.interval(ci_level)
    return {
        "coef": fit.coef[k],
        "se": fit.se[k],
        "ci_lo": lo[k],
        "ci_hi": hi[k],
        "p": float(fit.p[k]),
        "r2": fit.r2,
        "status": standing,
    }


def _standardised(r, model, names):
    """Standardised coefficients of every arrow from correlation matrices (draws, stages, stages): {(from, to): (draws,)}."""
    found = {}
    for to, before in model.items():
        at, y = [names.index(b) for b in before], names.index(to)
        good = np.isfinite(r).all(axis=(1, 2))
        coef = np.full((len(r), len(at)), np.nan)
        left = r[good][:, at][:, :, at]
        regular = np.abs(np.linalg.det(left)) > 1e-10
        rows = np.flatnonzero(good)[regular]
        coef[rows] = np.linalg.solve(left[regular], r[rows][:, at, y][:, :, None])[:, :, 0]
        found |= {(b, to): coef[:, k] for k, b in enumerate(before)}
    return found


def _routes(model):
    """Every way from a first stage to intention with a stage between."""

    def onward(route):
        if route[-1] == "intention":
            yield route
        for to, before in model.items():
            if route[-1] in before:
                yield from onward((*route, to))

    starts = [b for b in dict.fromkeys(b for before in model.values() for b in before) if b not in model]
    return [route for start in starts for route in onward((start,)) if len(route) > 2]


def _product(route, fits, model, draws, ci_level, standing):
    blank = dict.fromkeys(["coef", "se", "ci_lo", "ci_hi", "p", "r2"], np.nan)
    if not fits:
        return {**blank, "status": "insufficient"}
    if not draws:
        return {**blank, "status": "not_identified"}
    steps = list(zip(route[:-1], route[1:]))
    value = np.prod([fits[to].coef[1 + model[to].index(term)] for term, to in steps])
    drawn = np.prod([draws[step] for step in steps], axis=0)
    lo, hi = percentile(drawn, ci_level)
    return {
        "coef": float(value),
        "se": float(np.nanstd(drawn, ddof=1)),
        "ci_lo": float(lo),
        "ci_hi": float(hi),
        "p": float(two_sided_p(drawn)),
        "r2": np.nan,
        "status": standing,
    }

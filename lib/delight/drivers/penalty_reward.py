"""What poor and good experiences do to the overall score, and which kind of factor each is (penalty-reward, method M08)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from delight import resample
from delight.drivers.model import entangled, knot_terms, prepare, square, steady, vif
from delight.errors import InputError
from delight.estimate import aliased_terms, base_status, benjamini_hochberg, fit_linear
from delight.logit import fit_ordered
from delight.result import Note, Result

#: Codes of the impact class; the words Basis, Beleving and Bijzonder stand in `delight.show` only.
CLASSES = ("basis", "beleving", "bijzonder", "undistinguished", "indifferent", "reverse")
CODINGS = ("default", "extremes", "terciles")
MIN_SIDE = 15
BOUNDED = 0.2


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
    min_side=MIN_SIDE,
    alpha=0.05,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Penalty and reward of each attribute, its slopes below and above a knot, and its impact class.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y : str
        Outcome; 0/1 works as a linear probability.
    x : sequence of str
        Attributes, all in one model (those that apply to a part only: in a model of their own, see `model.prepare`).
    scales : dict of str to Scale
        Of the outcome and every attribute; gives the cuts of the dummies and the knot.
    weights, weights_kind, clusters, not_applicable
        As in `importance`.
    knots : dict of str to float, optional
        Instead of the scales' own (8 on 0-10 and 1-10, 6 on 1-7, 4 on 1-5).
    coding : {"default", "extremes", "terciles"}
        Cuts of the dummies, which are for display.
    min_side : int
        Fewer answers below or above the knot, or in the low dummy: the term is dropped and the class is ``insufficient``.
    alpha : float
        Level of the class rule.
    ci_level, n_boot, seed

    Returns
    -------
    Result
        One row an attribute: ``n_low, n_mid, n_high, penalty, reward`` (points of `y` against a middling experience) with
        ``se_*, *_lo, *_hi``, ``joint_p``, ``asym`` (+ interval, p), ``sgp, dgp, ia, ia_linear_null, riocs``; ``knot, n_below, n_above,
        slope_below, slope_above`` (points of `y` a point of `x`) with ``se_*, *_lo, *_hi``, ``slope_joint_p, slope_diff, diff_lo,
        diff_hi, diff_p, diff_q, common_slope``; ``latent_diff, latent_p`` (ordered logit, where the outcome is bounded);
        ``impact_class``, ``class_prob`` (bootstrap share of draws in that class), ``likely_class``, ``prob_<class>``, ``b3``.

    Notes
    -----
    y = b0 + Σ (b min(x-K, 0) + g max(x-K, 0)), HC3. (1) b = g = 0 not rejected: ``indifferent``. (2) b or g negative with p ≤ alpha:
    ``reverse``. (3) g - b = 0 rejected after Benjamini-Hochberg over the attributes: ``basis`` if g < b, ``bijzonder`` if g > b.
    (4) 90 % interval of g - b within ± half the common slope: ``beleving``, else ``undistinguished``. Where more than a fifth of the
    outcome is at its maximum, ``basis`` must show in an ordered logit too (one-sided, the direction being given); at its minimum,
    ``bijzonder`` likewise: a floor tilts that way. Bootstrap draws are classed with the covariance of the fit. It measures impact; by itself it is no Kano classification.

    References
    ----------
    Brandt (1987); Mittal, Ross & Baldasare (1998), JM 62; Mikulić & Prebežac (2008, 2011); Albayrak & Caber (2013).
    """
    if coding not in CODINGS:
        raise InputError(f"coding is one of {', '.join(CODINGS)}, not {coding!r}.")
    scales = dict(scales or {})
    unknown = [c for c in (*x,) if c not in scales]
    if unknown:
        raise InputError(f"Penalty and reward need the scale of every attribute; missing in `scales`: {', '.join(unknown)}.")
    prepared = prepare(
        frame,
        y=y,
        x=x,
        scales=scales,
        weights=weights,
        weights_kind=weights_kind,
        clusters=clusters,
        not_applicable=not_applicable,
    )
    knots = {a: (knots or {}).get(a, scales[a].knot) for a in x}
    notes, rows, drawn, bounds = [*prepared.notes], {}, {}, {}
    for judged, model in prepared.models:
        name = "joint" if model is prepared.joint else judged[0]
        bounds = bounds or _bounds(model, scales.get(y))
        fitted = _Slopes.fit(model, judged, knots, scales, min_side, bounds)
        dummies = _dummies(model, judged, scales, coding, min_side, alpha, ci_level)
        for a in judged:
            rows[a] = {**_row(model, a, model is not prepared.joint), **dummies[a], **fitted.row(a, ci_level)}
        if fitted.usable and n_boot:
            drawn |= fitted.draws(n_boot, resample.generator(seed, f"M08.{name}"))
    table = pd.DataFrame([rows.get(a) or _constant(prepared, a) for a in prepared.attributes])
    no_class = dict(zip(table["attribute"], [r if isinstance(r, str) else None for r in table.pop("no_class")]))
    table = table.reindex(columns=[*COLUMNS, *(c for c in table if c not in COLUMNS)])
    table["diff_q"] = benjamini_hochberg(table["diff_p"].to_numpy(dtype=float))
    measured = {k: table[k].to_numpy(dtype=float) for k in _MEASURED}
    code = classify(**measured, alpha=alpha, bounded_above=bounds.get("above", False), bounded_below=bounds.get("below", False))
    table["impact_class"] = [no_class[a] or c for a, c in zip(table["attribute"], code)]
    _class_probabilities(table, {a: d for a, d in drawn.items() if no_class[a] is None}, measured, alpha, bounds)
    table["b3"] = pd.Series([c if c in ("basis", "beleving", "bijzonder") else None for c in table["impact_class"]], dtype=object)
    table["coding"] = coding
    table["status"] = [no_class[a] or _base(prepared, a) for a in table["attribute"]]
    notes += _notes(table, prepared, scales, bounds, measured, alpha, y)
    meta = {
        "y": y,
        "x": list(x),
        "coding": coding,
        "knots": knots,
        "alpha": alpha,
        "ci_level": ci_level,
        "n_boot": int(n_boot),
        "seed": seed,
    }
    meta |= {"clusters": clusters, "n_joint": len(prepared.joint.x), "scale": scales.get(y)}
    function = "delight.drivers.penalty_reward.effects"
    return Result.of("M08", table, function=function, notes=notes, **prepared.joint.meta, **meta)


def sensitivity(
    frame, *, y, x, scales, weights=None, weights_kind="sampling", clusters=None, not_applicable=None, min_side=MIN_SIDE, ci_level=0.95
):
    """Penalty, reward and asymmetry under three codings of "poor" and "good" (Albayrak & Caber 2013: results depend on it).

    Returns
    -------
    Result
        One row an attribute and coding: ``coding, cut_low, cut_high`` and the dummies' columns of `effects`. The class is not among
        them: it rests on slopes, not on dummies.
    """
    prepared = prepare(
        frame, y=y, x=x, scales=scales, weights=weights, weights_kind=weights_kind, clusters=clusters, not_applicable=not_applicable
    )
    rows = []
    for coding in CODINGS:
        found = {}
        for judged, model in prepared.models:
            dummies = _dummies(model, judged, scales, coding, min_side, 0.05, ci_level)
            for a in judged:
                found[a] = {**_row(model, a, model is not prepared.joint), **dummies[a], "status": base_status(model.n, model=True)}
                if found[a]["status"] != "insufficient" and np.isnan(dummies[a]["penalty"]) and np.isnan(dummies[a]["reward"]):
                    found[a]["status"] = "insufficient" if not np.isnan(dummies[a]["cut_low"]) else "not_identified"
        rows += [{"coding": coding, **(found.get(a) or {**_constant(prepared, a), "status": "degenerate"})} for a in prepared.attributes]
    first = COLUMNS[COLUMNS.index("n_low") : COLUMNS.index("knot")]
    table = pd.DataFrame(rows).drop(columns=["no_class"], errors="ignore")
    table = table.reindex(columns=["attribute", "coding", *first, *(c for c in table if c not in ("attribute", "coding", *first))])
    order = {a: i for i, a in enumerate(prepared.attributes)}
    table = table.sort_values("attribute", key=lambda s: s.map(order), kind="stable")
    meta = {"y": y, "x": list(x), "ci_level": ci_level, "codings": list(CODINGS), "keys": ["coding"]}
    where = "delight.drivers.penalty_reward.sensitivity"
    return Result.of("M08.sensitivity", table, function=where, notes=prepared.notes, **prepared.joint.meta, **meta)


COLUMNS = [
    *("attribute", "impact_class", "class_prob", "likely_class", "b3", "n_low", "n_mid", "n_high", "cut_low", "cut_high"),
    *("penalty", "penalty_lo", "penalty_hi", "se_penalty", "penalty_p", "reward", "reward_lo", "reward_hi", "se_reward", "reward_p"),
    *("joint_f", "joint_p", "asym", "asym_lo", "asym_hi", "asym_p", "sgp", "dgp", "ia", "ia_linear_null", "riocs"),
    *("knot", "n_below", "n_above", "slope_below", "slope_below_lo", "slope_below_hi", "se_below", "below_p"),
    *("slope_above", "slope_above_lo", "slope_above_hi", "se_above", "above_p", "slope_joint_p", "slope_diff", "diff_lo", "diff_hi"),
    *("diff_lo90", "diff_hi90", "diff_p", "diff_q", "common_slope", "latent_diff", "latent_p", "vif", "performance"),
    *("own_model", "n", "n_missing", "n_eff", "n_applicable"),
]
_MEASURED = (
    *("slope_joint_p", "slope_below", "below_p", "slope_above", "above_p", "slope_diff"),
    *("diff_q", "diff_lo90", "diff_hi90", "common_slope", "latent_diff", "latent_p"),
)


def classify(
    *,
    slope_joint_p,
    slope_below,
    below_p,
    slope_above,
    above_p,
    slope_diff,
    diff_q,
    diff_lo90,
    diff_hi90,
    common_slope,
    latent_diff,
    latent_p,
    alpha=0.05,
    bounded_above=False,
    bounded_below=False,
):
    """Impact class of each element of the arrays, by the rule in `effects`; None where the slopes are unknown."""
    with np.errstate(invalid="ignore"):
        latent_basis = ~np.asarray(bounded_above) | ((latent_p / 2 <= alpha) & (latent_diff < 0))
        latent_bijzonder = ~np.asarray(bounded_below) | ((latent_p / 2 <= alpha) & (latent_diff > 0))
        differs = diff_q <= alpha
        half = np.abs(common_slope) / 2
        equal = (diff_lo90 >= -half) & (diff_hi90 <= half)
        rules = [
            np.isnan(slope_diff) | np.isnan(slope_joint_p),
            slope_joint_p > alpha,
            ((slope_below < 0) & (below_p <= alpha)) | ((slope_above < 0) & (above_p <= alpha)),
            differs & (slope_diff < 0) & latent_basis,
            differs & (slope_diff > 0) & latent_bijzonder,
            ~differs & equal,
        ]
    return np.select(rules, np.array([None, "indifferent", "reverse", "basis", "bijzonder", "beleving"], dtype=object), "undistinguished")


def _independent(model, columns, names):
    """The design without terms that others determine: (design, names of its columns, attributes entangled with one another)."""
    design = np.column_stack([np.ones(len(model.w)), model.fixed, *columns])
    labels = [("", f"fixed{i}") for i in range(1 + model.fixed.shape[1])] + names
    spare = aliased_terms(design * np.sqrt(model.w)[:, None], list(range(len(labels)))) if len(model.w) else []
    keep = [i for i in range(len(labels)) if i not in spare]
    tangled = {labels[i][0] for i in entangled(design, model.w)} if spare else set()
    return design[:, keep], [labels[i] for i in keep], tangled


class _Slopes:
    """The knot model of one set of rows."""

    @classmethod
    def fit(cls, model, judged, knots, scales, min_side, bounds):
        self = cls()
        self.model, self.judged, self.knots, self.min_side = model, judged, knots, min_side
        self.cuts = {a: scales[a].low_high for a in model.x}
        self.sides, columns, names = {}, [], []
        for a in model.x:
            scores, applies = model.column(a)
            if knots[a] is None:
                columns.append(scores)
                names.append((a, "linear"))
                continue
            counted = model.counted * applies
            count = float(counted[scores < knots[a]].sum()), float(counted[scores > knots[a]].sum())
            self.sides[a] = count
            for side, values, n in zip(("below", "above"), knot_terms(scores, knots[a]), count):
                if n >= min_side:
                    columns.append(values)
                    names.append((a, side))
        self.design, self.names, self.aliased = _independent(model, columns, names)
        self.at = {name: i for i, name in enumerate(self.names)}
        self.linear = fit_linear(
            model.values,
            np.column_stack([np.ones(len(model.w)), model.fixed, model.scores]),
            model.w,
            kind=model.kind,
            clusters=model.clusters,
        )
        self.result = fit_linear(model.values, self.design, model.w, kind=model.kind, clusters=model.clusters, names=self.names)
        known = np.isfinite(self.result.coef).all() and np.isfinite(self.result.cov).all()  # one cluster has no covariance
        self.usable = model.n >= 30 and known and np.ptp(model.values) > 0
        self.latent, self.bounded = None, bounds.get("above", False) or bounds.get("below", False)
        if self.usable and self.bounded:
            levels = _levels(model.values)
            n_fixed = sum(name[0] == "" for name in self.names[1:])
            latent, _ = steady(fit_ordered, levels, self.design[:, 1:], model, n_fixed, names=self.names[1:])
            self.latent = latent if latent.usable else None
        self.vif = dict(zip(model.x, vif(model.scores, model.w, model.fixed)))
        return self

    def row(self, a, ci_level):
        """Slopes of one attribute; ``no_class`` says why there can be no class."""
        model, row = self.model, {"knot": np.nan if self.knots[a] is None else self.knots[a], "vif": self.vif[a]}
        scores, applies = model.column(a)
        row["performance"] = float(np.average(scores[applies], weights=model.w[applies])) if applies.any() else np.nan
        row |= dict(zip(("n_below", "n_above"), self.sides.get(a, (np.nan, np.nan))))
        place = 1 + model.fixed.shape[1] + model.x.index(a)
        row["common_slope"] = self.linear.coef[place]
        if not self.usable:
            return {**row, "no_class": "insufficient" if model.n < 30 or np.ptp(model.values) > 0 else "degenerate"}
        if a in self.aliased:
            return {**row, "common_slope": np.nan, "no_class": "degenerate"}
        lo, hi = self.result.interval(ci_level)
        for side in ("below", "above"):
            i = self.at.get((a, side))
            if i is not None:
                row |= {f"slope_{side}": self.result.coef[i], f"slope_{side}_lo": lo[i], f"slope_{side}_hi": hi[i]}
                row |= {f"se_{side}": self.result.se[i], f"{side}_p": self.result.p[i]}
        if self.knots[a] is None:
            return {**row, "no_class": "not_identified"}
        pair = [self.at.get((a, "below")), self.at.get((a, "above"))]
        low_cut = self.low_count(a)
        if None in pair or low_cut < self.min_side:
            row["no_class"] = "insufficient"
        if None in pair:
            return row
        restrictions = np.zeros((2, len(self.names)))
        restrictions[[0, 1], pair] = 1
        direction = restrictions[1] - restrictions[0]
        difference, p = self.result.contrast(direction, ci_level)
        narrow, _ = self.result.contrast(direction, 0.90)
        row |= {
            "slope_joint_p": self.result.wald(restrictions)[1],
            "slope_diff": difference.value,
            "diff_lo": difference.lo,
            "diff_hi": difference.hi,
        }
        row |= {"diff_lo90": narrow.lo, "diff_hi90": narrow.hi, "se_diff": difference.se, "diff_p": p}
        if self.latent is not None:
            latent, latent_p = self.latent.contrast(direction[1:])
            row |= {"latent_diff": latent.value, "latent_p": latent_p, "se_latent": latent.se}
        return row

    def low_count(self, a):
        """Answers in the default low dummy; no limit where the scale has no such cut."""
        if self.cuts[a] is None:
            return np.inf
        scores, applies = self.model.column(a)
        return float(self.model.counted[applies & (scores <= self.cuts[a][0])].sum())

    def draws(self, n_boot, rng):
        """Bootstrap draws of what the class rests on, per attribute with both slopes."""
        k = self.design.shape[1]
        upper = np.triu_indices(k + 1)
        columns = np.column_stack([self.design, self.model.values])
        products = columns[:, upper[0]] * columns[:, upper[1]]
        influence = self.latent.influence[:, len(self.latent.thresholds) :] if self.latent is not None else np.empty((len(columns), 0))
        sums = self.model.sums(np.column_stack([products, influence]), n_boot, rng)
        cross = square(sums[:, : len(upper[0])], k + 1)
        coef = _solve(cross[:, :k, :k], cross[:, :k, k])
        latent = self.latent.coef + sums[:, len(upper[0]) :] if self.latent is not None else None
        df, cov, found = self.result.df, self.result.cov, {}
        for a in self.judged:
            pair = [self.at.get((a, "below")), self.at.get((a, "above"))]
            if None in pair:
                continue
            both, block = coef[:, pair], cov[np.ix_(pair, pair)]
            se = np.sqrt([block[0, 0], block[1, 1], block[0, 0] + block[1, 1] - 2 * block[0, 1]])
            difference = both[:, 1] - both[:, 0]
            with np.errstate(all="ignore"):
                f = np.einsum("bi,ij,bj->b", both, np.linalg.pinv(block), both) / 2
                p = 2 * stats.t.sf(np.abs(np.column_stack([both, difference]) / se), df)
            half = stats.t.ppf(0.95, df) * se[2]
            found[a] = {
                "slope_joint_p": stats.f.sf(f, 2, df),
                "slope_below": both[:, 0],
                "slope_above": both[:, 1],
                "slope_diff": difference,
            }
            found[a] |= {
                "below_p": p[:, 0],
                "above_p": p[:, 1],
                "diff_p": p[:, 2],
                "diff_lo90": difference - half,
                "diff_hi90": difference + half,
            }
            if latent is not None:
                i, j = pair[0] - 1, pair[1] - 1
                shift = latent[:, j] - latent[:, i]
                spread = self.latent.cov
                found[a]["latent_diff"] = shift
                latent_se = np.sqrt(max(spread[i, i] + spread[j, j] - 2 * spread[i, j], 1e-300))
                found[a]["latent_p"] = 2 * stats.t.sf(np.abs(shift / latent_se), self.latent.df)
        return found


def _solve(a, b):
    """Solutions of a stack of normal equations; the shortest one where a draw lost a term."""
    try:
        return np.linalg.solve(a, b[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        return np.einsum("bij,bj->bi", np.linalg.pinv(a, hermitian=True), b)


def _levels(values, most=20):
    """Outcome as ordered levels: as it is up to `most` values, else in groups of about equal size, the extremes kept apart."""
    points = np.unique(values)
    if len(points) <= most:
        return values
    inner = np.unique(np.quantile(values, np.linspace(0, 1, most - 1)[1:-1]))
    edges = np.unique([*inner, points[-1]])
    return np.where(values == points[0], -1, np.searchsorted(edges, values, side="right")).astype(float)


def _bounds(model, scale):
    """Shares of the outcome at its maximum and minimum, and whether either is more than a fifth."""
    if not len(model.w):
        return {}
    top = scale.max if scale is not None else model.values.max()
    bottom = scale.min if scale is not None else model.values.min()
    share_max, share_min = (float(np.average(model.values == v, weights=model.w)) for v in (top, bottom))
    return {"share_max": share_max, "share_min": share_min, "above": share_max > BOUNDED, "below": share_min > BOUNDED}


def _row(model, a, own):
    row = {"attribute": a, "n": model.n, "n_missing": model.n_missing, "n_eff": model.n_eff, "n_applicable": model.n_applicable(a)}
    return {**row, "own_model": own, "no_class": None}


def _constant(prepared, a):
    joint = prepared.joint
    row = {"attribute": a, "n": joint.n, "n_missing": joint.n_missing, "n_eff": joint.n_eff}
    return {**row, "n_applicable": prepared.base[a], "own_model": False, "no_class": "degenerate"}


def _cuts(scores, applies, w, scale, coding):
    """(low, high) cuts of one attribute, or None where the coding has none."""
    if coding == "default":
        return scale.low_high
    if coding == "extremes":
        return scale.min, scale.max
    values = scores[applies]
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(w[applies][order]) / w[applies].sum()
    low, high = (values[order][np.searchsorted(cumulative, q - 1e-12)] for q in (1 / 3, 2 / 3))
    points = np.unique(values)
    if high <= low and (points > low).any():
        high = points[points > low][0]
    if not ((points > low) & (points < high)).any() and (points < low).any():
        low = points[points < low][-1]  # keep a middle to compare with
    return (float(low), float(high)) if low < high else None


def _dummies(model, judged, scales, coding, min_side, alpha, ci_level):
    """Penalty and reward of every judged attribute from one regression on low and high dummies of all."""
    columns, names, counts, cuts = [], [], {}, {}
    for a in model.x:
        scores, applies = model.column(a)
        cuts[a] = _cuts(scores, applies, model.w, scales[a], coding) if applies.any() else None
        if cuts[a] is None:
            columns.append(scores)
            names.append((a, "linear"))
            continue
        low, high = applies & (scores <= cuts[a][0]), applies & (scores >= cuts[a][1])
        n = [int(round(model.counted[rows].sum())) for rows in (low, applies & ~low & ~high, high)]
        counts[a] = n
        for side, rows, count in (("low", low, n[0]), ("high", high, n[2])):
            if count >= min_side:
                columns.append(rows.astype(float))
                names.append((a, side))
    design, labels, tangled = _independent(model, columns, names)
    at = {name: i for i, name in enumerate(labels)}
    fit = fit_linear(model.values, design, model.w, kind=model.kind, clusters=model.clusters, names=labels)
    linear = fit_linear(model.values, np.column_stack([np.ones(len(model.w)), model.fixed, model.scores]), model.w, kind=model.kind)
    usable = model.n >= 30 and not np.isnan(fit.coef).any()
    null = None
    if usable and not np.isnan(linear.coef).any():
        null = fit_linear(linear.fitted, design, model.w, kind=model.kind, cov="classical").coef
    lo, hi = fit.interval(ci_level) if usable else (None, None)
    found = {}
    for a in judged:
        n = counts.get(a, (np.nan,) * 3)
        row = dict(zip(("n_low", "n_mid", "n_high"), n))
        row |= dict(zip(("cut_low", "cut_high"), cuts[a] or (np.nan, np.nan)))
        row |= {k: np.nan for k in ("penalty", "reward")}
        pair = [at.get((a, "low")), at.get((a, "high"))]
        if usable and a not in tangled:
            for name, i in zip(("penalty", "reward"), pair):
                if i is not None:
                    row |= {name: fit.coef[i], f"{name}_lo": lo[i], f"{name}_hi": hi[i], f"se_{name}": fit.se[i], f"{name}_p": fit.p[i]}
            if None not in pair:
                restrictions = np.zeros((2, len(labels)))
                restrictions[[0, 1], pair] = 1
                row["joint_f"], row["joint_p"] = fit.wald(restrictions)
                asym, p = fit.contrast(restrictions.sum(axis=0), ci_level)
                row |= {"asym": asym.value, "asym_lo": asym.lo, "asym_hi": asym.hi, "asym_p": p}
                row |= _generating(row, null[pair] if null is not None else None, alpha)
        found[a] = row
    return found


def _generating(row, null, alpha):
    """Satisfaction- and dissatisfaction-generating potential, impact asymmetry and that of a linear truth, range of impact."""
    penalty = 0.0 if row["penalty"] > 0 and row["penalty_p"] > alpha else row["penalty"]
    reward = 0.0 if row["reward"] < 0 and row["reward_p"] > alpha else row["reward"]
    total = reward + abs(penalty)
    found = {"riocs": total, "sgp": np.nan, "dgp": np.nan, "ia": np.nan, "ia_linear_null": np.nan}
    if row["joint_p"] <= alpha and penalty <= 0 <= reward and total > 0:
        found |= {"sgp": reward / total, "dgp": abs(penalty) / total, "ia": (reward - abs(penalty)) / total}
    if null is not None:
        low, high = min(null[0], 0.0), max(null[1], 0.0)
        found["ia_linear_null"] = (high + low) / (high - low) if high - low > 0 else np.nan
    return found


def _class_probabilities(table, drawn, measured, alpha, bounds):
    """Add ``class_prob``, ``likely_class`` and ``prob_<class>`` from the bootstrap draws."""
    for c in CLASSES:
        table[f"prob_{c}"] = np.nan
    table["class_prob"] = np.nan
    likely = dict.fromkeys(table["attribute"])
    attributes = [a for a in table["attribute"] if a in drawn]
    table["likely_class"] = pd.Series([None] * len(table), dtype=object)
    if not attributes:
        return
    stacked = {k: np.column_stack([drawn[a][k] for a in attributes]) for k in drawn[attributes[0]]}
    shape = stacked["slope_diff"].shape
    stacked["diff_q"] = _bh_rows(stacked.pop("diff_p"))
    place = [int(np.flatnonzero(table["attribute"] == a)[0]) for a in attributes]
    stacked["common_slope"] = np.broadcast_to(measured["common_slope"][place], shape)
    for k in ("latent_diff", "latent_p"):
        stacked.setdefault(k, np.full(shape, np.nan))
    code = classify(**stacked, alpha=alpha, bounded_above=bounds["above"], bounded_below=bounds["below"])
    for j, i in enumerate(place):
        shares = {c: float((code[:, j] == c).mean()) for c in CLASSES}
        for c, share in shares.items():
            table.at[i, f"prob_{c}"] = share
        table.at[i, "class_prob"] = shares[table.at[i, "impact_class"]]
        likely[table.at[i, "attribute"]] = max(shares, key=shares.get)
    table["likely_class"] = pd.Series([likely[a] for a in table["attribute"]], dtype=object)


def _bh_rows(p):
    """Benjamini-Hochberg within every row."""
    order = np.argsort(p, axis=1)
    m = p.shape[1]
    ranked = np.take_along_axis(p, order, axis=1) * m / np.arange(1, m + 1)
    q = np.empty_like(p)
    np.put_along_axis(q, order, np.minimum(np.minimum.accumulate(ranked[:, ::-1], axis=1)[:, ::-1], 1), axis=1)
    return q


def _base(prepared, a):
    """``low_base`` below 200 answers or ten for each dummy."""
    model = prepared.model_of(a)
    return "low_base" if model.n < max(200, 10 * 2 * len(model.x)) else "ok"


def _notes(table, prepared, scales, bounds, measured, alpha, y):
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
    if bounds.get("above") or bounds.get("below"):
        free = classify(**measured, alpha=alpha)
        demoted = [
            a for a, f, c in zip(table["attribute"], free, table["impact_class"]) if f in ("basis", "bijzonder") and c == "undistinguished"
        ]
        notes.append(
            Note("bounded_outcome", {"share_max": bounds["share_max"], "share_min": bounds["share_min"], "y": y, "demoted": demoted})
        )
    wanted = max(200, 20 * len(prepared.joint.x))
    if prepared.joint.n < wanted:
        notes.append(Note("small_for_penalty_reward", {"n": prepared.joint.n, "wanted": wanted}))
    return notes

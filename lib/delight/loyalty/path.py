"""How image, expectations, quality and value lead to satisfaction and loyalty: the path model of the ECSI and ACSI (method M27).

PLS path modelling needs nothing but the correlations of the items, so the data and all bootstrap draws are estimated together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from delight import arrows
from delight.errors import InputError
from delight.estimate import base_status, benjamini_hochberg, need_columns, sample
from delight.reliability import (
    FEWEST_ITEMS,
    SOUND,
    alpha,
    bootstrap_moments,
    check_constructs,
    correlations,
    extracted,
    feldt,
    htmt,
    moments,
    omega,
    told_apart,
)
from delight.resample import draws_needed, generator, percentile, two_sided_p
from delight.result import Note, Result

METHOD = "M27"
#: The model of the European Customer Satisfaction Index. Tenenhaus et al. (2005), Computational Statistics & Data Analysis 48, 159-205.
ECSI = arrows.read(
    [
        "image -> expectations -> quality -> value -> satisfaction -> complaints -> loyalty",
        "expectations -> value",
        "image -> satisfaction",
        "expectations -> satisfaction",
        "quality -> satisfaction",
        "image -> loyalty",
        "satisfaction -> loyalty",
    ]
)
SCHEMES = ("centroid", "factorial", "path")
#: Answers from which a path model is not marked as resting on few (methods M27), and below which it is not estimated (M00).
FEW, FEWEST = 100, 30
#: Determinant of the correlations of constructs below which their effects cannot be told apart.
SINGULAR = 1e-8
RELIABILITY = ("alpha", "alpha_std", "rho_a", "cr", "ave")


class PathModel(NamedTuple):
    """Results of `path_model`: one row an arrow, an effect of one construct on another, a construct, an item, a pair of constructs."""

    paths: Result
    effects: Result
    constructs: Result
    items: Result
    distinct: Result


def ecsi(constructs):
    """The arrows of the ECSI among the constructs that were asked; a construct that is left out passes on nothing."""
    return tuple(pair for pair in ECSI if set(pair) <= set(constructs))


def path_model(
    frame,
    *,
    constructs,
    inner=None,
    scales=None,
    scheme="centroid",
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
    tolerance=1e-7,
    most_steps=300,
):
    """Path model of constructs that are each measured by one or more questions, by partial least squares.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    constructs : dict of name to list of columns
        Questions that measure a construct, reversed ones turned round before; one question is enough. Rows with any answer missing are
        left out and counted.
    inner : sequence of str or (str, str), optional
        Arrows such as ``"image -> satisfaction"``; by default those of the ECSI between the constructs given. Constructs without
        an arrow are left out and noted.
    scales : dict of column to Scale, optional
        Needed for the index (0-100) of a construct; answers outside are refused.
    scheme : {"centroid", "factorial", "path"}
        How a construct takes its neighbours into account while weights are found.
    weights, weights_kind : str, optional
    clusters : str, optional
        Whole clusters are drawn in the bootstrap.
    ci_level, n_boot, seed
    tolerance : float
        Largest change of an outer weight at which the iteration stops.
    most_steps : int

    Returns
    -------
    PathModel of Results
        paths : ``source, target``, ``coef, se, ci_lo, ci_hi, p, p_adj`` (Benjamini-Hochberg over the arrows), ``f2`` (share of the unexplained
        variance that the arrow explains), ``vif``.
        effects : ``source, target``, ``direct, indirect, total``, each with ``_lo, _hi`` (NaN where the model has no such
        route), ``points`` (the total as points of the target's index for ten points of the source's), and ``p, p_adj`` of the total.
        constructs : ``construct, role`` (``start, inside, end``), ``n_items``, ``r2`` (with ``_lo, _hi``) and ``r2_adj``,
        ``alpha, alpha_std, rho_a, cr, ave`` (with ``_lo, _hi``), ``index`` (0-100, with ``_lo, _hi``).
        items : ``construct, item``, ``weight, loading`` (with ``_lo, _hi``), ``cross`` (highest correlation with another construct),
        ``mean, sd``.
        distinct : ``construct, other, htmt, htmt_lo, htmt_hi``, ``correlation`` of the scores, ``verdict`` (as in `reliability`).
        All with ``n, n_missing, n_eff, status``: below 100 answers ``low_base``; ``assumption_warning`` for a construct with α
        (of two items Spearman-Brown) below .7 or an item that loads negatively, and for arrows at either of its ends; below 30 answers
        or with an item without spread NaN, ``insufficient`` or ``degenerate``; ``not_converged``.

    Raises
    ------
    InputError
        Unknown columns or constructs, an item in two constructs, an answer outside its scale, arrows in a circle, unknown scheme.

    Notes
    -----
    Mode A. Items are standardised; with R their correlations and W the outer weights, C = W'RW are the correlations of the constructs.
    Inner weights E are the signs of C (centroid), C itself (factorial), or regression coefficients of antecedents and C of
    consequences (path); new outer weights are the rows of R W E that belong to a construct, scaled to variance one. Paths
    are regressions of scores, total effects (I - B)⁻¹ - I. Percentile bootstrap; in every draw a construct whose loadings point
    the other way is turned round (construct-level sign change), and p is the share of draws beyond zero. Composites of few and noisy
    items carry their noise: paths are drawn towards zero, and `rho_a` says by how much.

    References
    ----------
    Tenenhaus, M. et al. (2005). Computational Statistics & Data Analysis 48, 159-205. Dijkstra, T. K. & Henseler, J. (2015). MIS
    Quarterly 39, 297-316 (ρ_A). Henseler, J., Ringle, C. M. & Sarstedt, M. (2015). J. Academy of Marketing Science 43, 115-135.
    """
    if scheme not in SCHEMES:
        raise InputError(f"scheme is one of {', '.join(SCHEMES)}, not {scheme!r}.")
    given = check_constructs(frame, constructs, scales)
    need_columns(frame, [c for c in (weights, clusters) if c])
    pairs = ecsi(given) if inner is None else arrows.read(inner, known=given)
    if not pairs:
        raise InputError(f"No arrow connects the constructs {', '.join(given)}; name some in `inner`, such as 'quality -> satisfaction'.")
    names = arrows.in_order(pairs)[0]
    blocks = {name: given[name] for name in names}
    columns = [c for items in blocks.values() for c in items]
    used = sample(frame, columns, weights=weights, weights_kind=weights_kind)
    model = _Model(names, list(blocks.values()), pairs, scheme, tolerance, most_steps)
    notes = [Note("without_arrow", {"constructs": [c for c in given if c not in names]})] if len(names) < len(given) else []
    x = used.frame[columns].to_numpy(dtype=float)
    n_boot = draws_needed(n_boot, len(pairs))
    n_clusters = int(used.frame[clusters].nunique()) if clusters else None
    fit, draws, status = None, None, _unusable(x, used, model)
    if not status:
        centre, covariance = moments(x, used.w, kind=used.kind)
        fit = model.fit(covariance[None], centre[None])
        status = "" if fit["converged"][0] else "not_converged"
    if not status:
        groups = used.frame[clusters].to_numpy() if clusters else None
        drawn = bootstrap_moments(x, used.w, kind=used.kind, clusters=groups, n_boot=n_boot, rng=generator(seed, METHOD))
        draws = model.fit(drawn[1], drawn[0], like=fit)
        if n_clusters and n_clusters < 20:
            notes.append(Note("few_clusters", {"clusters": n_clusters}))
    tables = _Tables(model, fit, draws, used, status, scales, ci_level, n_clusters)
    about = {**used.meta, "constructs": blocks, "inner": [f"{a} -> {b}" for a, b in pairs], "scheme": scheme, "mode": "A"}
    about |= {"keys": ["source", "target", "construct", "other", "item", "role"]}
    about |= {"clusters": clusters, "ci_level": ci_level, "n_boot": n_boot, "seed": seed, "tolerance": tolerance}
    if fit is not None:
        about["steps"] = int(fit["steps"])
    tables.note(notes)
    function = "delight.loyalty.path.path_model"
    made = {name: getattr(tables, name)() for name in PathModel._fields}
    return PathModel(
        *(
            Result.of(METHOD if name == "paths" else f"{METHOD}.{name}", table, function=function, notes=notes, **about)
            for name, table in made.items()
        )
    )


def _unusable(x, used, model):
    """Status that forbids estimation, or nothing."""
    most = max(len(sources) for sources in model.sources)
    if used.n < FEWEST or used.n <= most + 1:
        return "insufficient"
    return "" if (np.ptp(x, axis=0) > 0).all() else "degenerate"


class _Model:
    """The algorithm, for one or many correlation matrices at once."""

    def __init__(self, names, blocks, pairs, scheme, tolerance, most_steps):
        self.names, self.blocks, self.pairs = names, blocks, pairs
        self.scheme, self.tolerance, self.most_steps = scheme, tolerance, most_steps
        self.columns = [c for items in blocks for c in items]
        self.of = np.repeat(np.arange(len(names)), [len(items) for items in blocks])
        self.mine = self.of[:, None] == np.arange(len(names))
        at = {name: i for i, name in enumerate(names)}
        self.arrows = [(at[a], at[b]) for a, b in pairs]
        self.sources = [[a for a, b in self.arrows if b == j] for j in range(len(names))]
        neighbours = np.zeros((len(names), len(names)))
        for a, b in self.arrows:
            neighbours[a, b] = neighbours[b, a] = 1
        self.neighbours = neighbours

    def fit(self, covariance, centre, like=None):
        """Every estimate for matrices (draws, p, p); signs as in the fit `like` where one is given."""
        r = correlations(covariance)
        usable = np.isfinite(r).all(axis=(1, 2))
        w, converged, steps = self._weights(np.where(usable[:, None, None], r, np.eye(len(self.columns))))
        converged &= usable
        w[~converged] = np.nan
        loading = np.where(self.mine, r @ w, np.nan)
        point = np.where(np.isnan(loading), 0, loading)
        if like is None:
            turn = np.sign(np.sign(point).sum(axis=1) + 1e-3 * np.sign(_furthest(point)))
        else:
            turn = np.sign((point * np.nan_to_num(like["loading"])).sum(axis=1))
        turn = np.where(turn == 0, 1.0, turn)[:, None, :]
        w, loading = w * turn, loading * turn
        c = w.transpose(0, 2, 1) @ r @ w
        b, r2, f2, vif = self._paths(c)
        identity = np.eye(len(self.names))
        total = np.linalg.inv(identity - b) - identity
        found = {"r": r, "w": w, "loading": loading, "c": c, "b": b, "r2": r2, "f2": f2, "vif": vif, "total": total, "indirect": total - b}
        found |= {"converged": converged, "steps": steps, "centre": centre, "sd": np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))}
        return found | self._quality(r, covariance, w, loading)

    def _weights(self, r):
        """Outer weights (draws, p, constructs), whether they settled, and the steps it took."""
        w = self._scaled(r, np.broadcast_to(self.mine.astype(float), (len(r), *self.mine.shape)))
        left = np.arange(len(r))
        steps = 0
        while len(left) and steps < self.most_steps:
            steps += 1
            now = r[left]
            c = w[left].transpose(0, 2, 1) @ now @ w[left]
            new = self._scaled(now, np.where(self.mine, now @ w[left] @ self._inner(c), 0.0))
            moved = np.abs(np.abs(new) - np.abs(w[left])).max(axis=(1, 2))
            w[left] = new
            left = left[~(moved < self.tolerance)]
        settled = np.ones(len(r), dtype=bool)
        settled[left] = False
        return w, settled & np.isfinite(w).all(axis=(1, 2)), steps

    def _scaled(self, r, w):
        """Weights that give every construct variance one."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return w / np.sqrt(((r @ w) * w).sum(axis=1))[:, None, :]

    def _inner(self, c):
        """Inner weights (draws, constructs, constructs); column j says what construct j takes from its neighbours."""
        if self.scheme == "centroid":
            return np.sign(c) * self.neighbours
        e = c * self.neighbours
        if self.scheme == "path":
            for j, sources in enumerate(self.sources):
                if sources:
                    e[:, sources, j] = _regress(c, sources, j)[0]
        return e

    def _paths(self, c):
        """Path coefficients b[to, from], R² of every construct, f² and VIF of every arrow."""
        b = np.zeros_like(c)
        f2, vif = np.full_like(c, np.nan), np.full_like(c, np.nan)
        r2 = np.full(c.shape[:2], np.nan)
        for j, sources in enumerate(self.sources):
            if not sources:
                continue
            b[:, j, sources], inverse = _regress(c, sources, j)
            r2[:, j] = (b[:, j, sources] * c[:, sources, j]).sum(axis=1)
            vif[:, j, sources] = inflated = np.diagonal(inverse, axis1=1, axis2=2)
            with np.errstate(all="ignore"):
                f2[:, j, sources] = b[:, j, sources] ** 2 / inflated / (1 - r2[:, j])[:, None]
        return b, r2, f2, vif

    def _quality(self, r, covariance, w, loading):
        """Reliability of every construct: α, standardised α, ρ_A, composite reliability and AVE, each of shape (draws, constructs)."""
        found = {m: np.full((len(r), len(self.names)), np.nan) for m in RELIABILITY}
        for j in range(len(self.names)):
            items = np.flatnonzero(self.of == j)
            k, own, v = len(items), loading[:, items, j], w[:, items, j]
            if k < 2:
                continue
            mine = r[:, items][:, :, items]
            between = v[:, :, None] * v[:, None, :] * (1 - np.eye(k))
            squares = (v**2).sum(axis=1) ** 2
            with np.errstate(all="ignore"):
                found["rho_a"][:, j] = squares * (between * mine).sum(axis=(1, 2)) / (between**2).sum(axis=(1, 2))
            found["alpha_std"][:, j] = alpha(mine)
            if k >= FEWEST_ITEMS:
                found["alpha"][:, j] = alpha(covariance[:, items][:, :, items])
            found["cr"][:, j], found["ave"][:, j] = omega(own), extracted(own)
        return found

    def on_scales(self, fit, scales):
        """Index (0-100) of every construct, shape (draws, constructs), and total effects in its points (draws, to, from).

        The index is the mean of the items on their scales, by outer weights; NaN where a weight is negative. Effects are points of the
        target for ten points of the source.
        """
        known = [(scales or {}).get(c) for c in self.columns]
        low, high = (np.array([getattr(s, end) if s is not None else np.nan for s in known]) for end in ("min", "max"))
        with np.errstate(all="ignore"):
            raw = fit["w"] / fit["sd"][:, :, None] * (high - low)[:, None]
            reached = 100 * (fit["centre"] - low) / (high - low)
            size = np.where(self.mine, raw, 0).sum(axis=1)  # 100 / size is the standard deviation of the index
            found = np.where(self.mine, raw * reached[:, :, None], 0).sum(axis=1) / size
            negative = (np.where(self.mine, raw, 0) < 0).any(axis=1)
            points = 10 * fit["total"] * size[:, None, :] / size[:, :, None]
        points = np.where(negative[:, None, :] | negative[:, :, None], np.nan, points)
        return np.where(negative, np.nan, found), points


def _furthest(loading):
    """The loading of largest size of every construct, shape (draws, constructs)."""
    at = np.abs(loading).argmax(axis=1)[:, None, :]
    return np.take_along_axis(loading, at, axis=1)[:, 0, :]


def _inverse(matrices):
    """Inverses; NaN where constructs cannot be told apart at all."""
    usable = np.isfinite(matrices).all(axis=(1, 2))
    usable[usable] = np.linalg.det(matrices[usable]) > SINGULAR
    found = np.full(matrices.shape, np.nan)
    found[usable] = np.linalg.inv(matrices[usable])
    return found


def _regress(c, sources, target):
    """Coefficients (draws, sources) of a construct on its sources, and the inverse correlations of these."""
    inverse = _inverse(c[:, sources][:, :, sources])
    return (inverse @ c[:, sources, target][:, :, None])[:, :, 0], inverse


class _Tables:
    """The tables of a model, from its fit (None where it could not be estimated) and its draws."""

    def __init__(self, model, fit, draws, used, status, scales, ci_level, n_clusters):
        self.model, self.fit, self.draws, self.status, self.ci_level = model, fit, draws, status, ci_level
        self.count = {"n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff}
        self.base = base_status(used.n, used.n_eff, clusters=n_clusters, soft=FEW)
        self.weak = np.zeros(len(model.names), dtype=bool)
        if draws is not None:
            for each in (fit, draws):
                each["index"], each["points"] = model.on_scales(each, scales)
            with np.errstate(invalid="ignore"):
                judged = np.where(np.isnan(fit["alpha"][0]), fit["alpha_std"][0], fit["alpha"][0])
                self.weak = (judged < SOUND) | (fit["loading"][0] < 0).any(axis=0)

    def note(self, notes):
        """Add what a reader must know of the measurement."""
        if self.draws is None:
            return
        names = np.array(self.model.names, dtype=object)
        if self.weak.any():
            notes.append(Note("weak_constructs", {"constructs": names[self.weak].tolist()}))
        against = [c for i, c in enumerate(self.model.columns) if self.fit["loading"][0, i, self.model.of[i]] < 0]
        if against:
            notes.append(Note("against", {"items": against}))
        if not self.draws["converged"].all():
            notes.append(Note("draws_failed", {"n": int((~self.draws["converged"]).sum()), "of": len(self.draws["converged"])}))

    def _value(self, name, key, *at):
        """Columns ``name, name_lo, name_hi`` of one estimate."""
        if self.draws is None:
            return {name: np.nan, f"{name}_lo": np.nan, f"{name}_hi": np.nan}
        lo, hi = percentile(self.draws[key][(slice(None), *at)], self.ci_level)
        value = float(self.fit[key][(0, *at)])
        return {
            name: value,
            f"{name}_lo": float(lo) if np.isfinite(value) else np.nan,
            f"{name}_hi": float(hi) if np.isfinite(value) else np.nan,
        }

    def _status(self, *about, value=0.0):
        """Status of a row about these constructs."""
        if self.status:
            return self.status
        if not np.isfinite(value):
            return "not_identified"
        return "assumption_warning" if self.base == "ok" and any(self.weak[j] for j in about) else self.base

    def _tested(self, key, b, a):
        if self.draws is None or not np.isfinite(self.fit[key][0, b, a]):
            return np.nan
        drawn = self.draws[key][:, b, a]
        return float(two_sided_p(drawn[np.isfinite(drawn)]))

    def paths(self):
        rows = []
        for (a, b), (source, target) in zip(self.model.arrows, self.model.pairs):
            found = self._value("coef", "b", b, a)
            se = float(np.nanstd(self.draws["b"][:, b, a], ddof=1)) if np.isfinite(found["coef"]) else np.nan
            row = {
                "source": source,
                "target": target,
                "coef": found["coef"],
                "se": se,
                "ci_lo": found["coef_lo"],
                "ci_hi": found["coef_hi"],
            }
            row |= {"p": self._tested("b", b, a), "p_adj": np.nan}
            row |= {m: float(self.fit[m][0, b, a]) if self.draws is not None else np.nan for m in ("f2", "vif")}
            rows.append({**row, **self.count, "status": self._status(a, b, value=found["coef"] if self.draws is not None else 0.0)})
        table = pd.DataFrame(rows)
        return table.assign(p_adj=benjamini_hochberg(table["p"]))

    def effects(self):
        reach = np.zeros((len(self.model.names),) * 2)
        for a, b in self.model.arrows:
            reach[b, a] = 1
        routes = np.linalg.inv(np.eye(len(reach)) - reach) - np.eye(len(reach))
        reached, longer = routes > 0.5, routes - reach
        rows = []
        for b, a in sorted(zip(*np.nonzero(reached)), key=lambda x: (x[1], x[0])):
            row = {"source": self.model.names[a], "target": self.model.names[b]}
            nothing = {"direct": (a, b) not in self.model.arrows, "indirect": longer[b, a] < 0.5, "total": False}
            for name, key in (("direct", "b"), ("indirect", "indirect"), ("total", "total")):
                found = self._value(name, key, b, a)
                row |= dict.fromkeys(found, np.nan) if nothing[name] else found
            row |= self._value("points", "points", b, a)
            value = row["total"] if self.draws is not None else 0.0
            row |= {"p": self._tested("total", b, a), "p_adj": np.nan, **self.count, "status": self._status(a, b, value=value)}
            rows.append(row)
        table = pd.DataFrame(rows)
        return table.assign(p_adj=benjamini_hochberg(table["p"]))

    def constructs(self):
        rows = []
        for j, name in enumerate(self.model.names):
            explained = bool(self.model.sources[j])
            explains = any(a == j for a, _ in self.model.arrows)
            row = {"construct": name, "role": "inside" if explained and explains else "end" if explained else "start"}
            row |= {"n_items": len(self.model.blocks[j]), **self._value("r2", "r2", j)}
            left = self.count["n_eff"] - len(self.model.sources[j]) - 1
            row["r2_adj"] = 1 - (1 - row["r2"]) * (self.count["n_eff"] - 1) / left if left > 0 else np.nan
            for name_ in RELIABILITY:
                row |= self._value(name_, name_, j)
            if self.draws is not None:
                row["alpha_lo"], row["alpha_hi"] = feldt(row["alpha"], self.count["n_eff"], row["n_items"], self.ci_level)
            row |= self._value("index", "index", j)
            rows.append({**row, **self.count, "status": self._status(j)})
        return pd.DataFrame(rows)

    def items(self):
        rows = []
        for i, column in enumerate(self.model.columns):
            j = int(self.model.of[i])
            row = {
                "construct": self.model.names[j],
                "item": column,
                **self._value("weight", "w", i, j),
                **self._value("loading", "loading", i, j),
            }
            others = np.delete(np.arange(len(self.model.names)), j)
            if self.draws is not None:
                crossed = np.abs(self.fit["r"][0, i] @ self.fit["w"][0][:, others])
                row |= {"cross": float(crossed.max()), "mean": self.fit["centre"][0, i], "sd": self.fit["sd"][0, i]}
            else:
                row |= dict.fromkeys(("cross", "mean", "sd"), np.nan)
            rows.append({**row, **self.count, "status": self._status(j)})
        return pd.DataFrame(rows)

    def distinct(self):
        rows = []
        for a, first in enumerate(self.model.names):
            for b, second in enumerate(self.model.names[a + 1 :], a + 1):
                row = {
                    "construct": first,
                    "other": second,
                    "htmt": np.nan,
                    "htmt_lo": np.nan,
                    "htmt_hi": np.nan,
                    "verdict": "",
                    "correlation": np.nan,
                }
                if self.draws is not None:
                    one, two = (np.flatnonzero(self.model.of == j) for j in (a, b))
                    lo, hi = percentile(htmt(self.draws["r"], one, two), self.ci_level)
                    row |= {"htmt": float(htmt(self.fit["r"][0], one, two)), "htmt_lo": float(lo), "htmt_hi": float(hi)}
                    row |= {"verdict": told_apart(lo, hi), "correlation": float(self.fit["c"][0, a, b])}
                rows.append({**row, **self.count, "status": self._status(a, b)})
        return pd.DataFrame(rows)

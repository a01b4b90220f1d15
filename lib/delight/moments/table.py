"""Sums over groups of rows, and what follows from them: stand-in rows, least squares with robust errors, merging, saving."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.linalg import helmert

from delight.errors import InputError
from delight.estimate import ClusterErrors, LinearFit, fit_linear
from delight.moments.again import sandwich
from delight.moments.collect import Plan, asked_of, bucket_of, collect, content_identities, design, levels_of, middle, screened
from delight.moments.source import Batch, Column, Source
from delight.moments.terms import ONE, Term, declared, origins
from delight.result import plain
from delight.scales import Scale

#: Up to this many rows each row is a group of its own, so that everything that rows can do can be done.
SINGLES = 5000
GROUPS = 1000
#: Directions of a group's spread that are smaller than this share of the largest are rounding.
ROUNDING = 1e-13


def moments(
    source,
    *,
    y,
    x,
    scales=None,
    always=(),
    terms=("linear",),
    knots=None,
    coding="default",
    weights=None,
    weights_kind="sampling",
    clusters=None,
    by=(),
    key=None,
    groups=GROUPS,
    singles=SINGLES,
):
    """Everything that levels, drivers and their bootstrap need of the rows, in one pass (method M39).

    Parameters
    ----------
    source : DataFrame, path, glob, sequence of paths (all Parquet or all CSV), or DuckDB relation
        One row a response; a row that misses `y`, an attribute or a forced column is left out and counted.
    y : str
    x : sequence of str
    scales : dict of str to Scale, optional
        Checked in the pass where given.
    always : sequence of str
        Numeric columns that models force in.
    terms : subset of {"linear", "knots", "dummies"}
        ``linear`` is enough for importance and least squares; `penalty_reward.effects` needs all three.
    knots, coding
        As in `penalty_reward.effects`; cuts that depend on the answers (``terciles``) are refused.
    weights, weights_kind : as in `estimate.sample`
    clusters : str, optional
        Column; each cluster is a group.
    by : str or sequence of str
        Columns whose combinations are kept apart; see `Moments.part`.
    key : str, optional
        Column that names a row (a respondent). With it the groups do not depend on the order of the rows, whatever the source. A frame
        needs none; files without it are grouped by the place of the row.
    groups : int
        Groups that rows are spread over at random, fixed in number so that the bootstrap's cost does not grow.
    singles : int
        Up to this many rows each is a group of its own.

    Returns
    -------
    Moments

    Raises
    ------
    InputError
        Everything wrong, listed with counts: unknown columns, text, values outside their scale, negative or broken weights.

    Notes
    -----
    Per group n, Σw, Σw², Σw·z and Σw·zz′, with z the terms less a round number near their middle. Sums of whole numbers are exact.

    References
    ----------
    Chan, T. F., Golub, G. H. & LeVeque, R. J. (1983). The American Statistician 37, 242-247.
    """
    source = source if isinstance(source, Source) else Source(source)
    x, always, by = list(x), [a for a in always if a not in x], (by,) if isinstance(by, str) else tuple(by)
    if not x or y in x or len(set(x)) < len(x):
        raise InputError(f"`x` names at least one attribute, each once, and not the outcome '{y}': {', '.join(x) or 'none given'}.")
    if weights_kind not in ("sampling", "frequency"):
        raise InputError(f"weights_kind is 'sampling' or 'frequency', not {weights_kind!r}.")
    columns = [*always, *x, y]
    source.need([*columns, *by, *(c for c in (weights, clusters, key) if c)])
    scales = {c: s for c, s in (scales or {}).items() if c in columns}
    found = declared(y, x, always, scales, (terms,) if isinstance(terms, str) else tuple(terms), dict(knots or {}), coding)
    origin = origins(found, scales)
    free = middle(source, [c for c in columns if c not in scales]) if len(scales) < len(columns) else {}
    origin = np.array([free.get(t.column, o) if t.kind == "linear" else o for t, o in zip(found, origin)])
    kind = weights_kind if weights else "none"
    plan = Plan(columns, scales, found, origin, weights, kind, clusters, key, by, int(groups), len(found) > len(columns) + 1)
    about = {"y": y, "x": x, "always": always, "coding": coding}
    if source.rows() <= singles:
        return _each(source, plan, about)
    ids = None
    if source.frame is not None and not key:
        ids = content_identities(source.frame[plan.all_columns])
    sums = collect(source, plan, ids)
    last = [clusters] if clusters else ["bucket"]
    keys = pd.DataFrame(list(sums.places), columns=[*by, *last])
    size = len(keys)
    upper = np.triu_indices(len(found))
    groups_frame = keys.assign(n=sums.n[:size], w=sums.w[:size], w2=sums.w2[:size])
    cross = sums.cross[:size] if size else np.zeros((0, len(found), len(found)))
    order = _ordered(groups_frame, [*by, *last])
    return Moments(
        plan,
        about,
        groups_frame.iloc[order].reset_index(drop=True),
        cross[order][:, 0],
        cross[order][:, upper[0], upper[1]],
        _asked(sums.asked, by),
        sums.answered,
        _level_frames(sums.levels, scales),
        (source,),
    )


def _each(source, plan, about):
    """Moments in which every row is a group."""
    frame = source.to_frame(plan.all_columns)
    one = Source(frame)
    rows = next((screened(plan, start, load()) for start, load in one.pieces(plan.all_columns, len(frame) or 1)), None)
    if rows is None:
        rows = screened(plan, 0, [Batch(0, lambda _: Column(np.empty(0), None))])
    rows.faults.check(plan.scales)
    order = np.flatnonzero(rows.used)
    z = design(plan.terms, np.zeros(len(plan.terms)), rows.values, order).T
    w = np.ones(len(order)) if rows.w is None else rows.w[order]
    frequency = plan.kind == "frequency"
    names = [*plan.by, *([plan.clusters] if plan.clusters else [])]
    keys = pd.DataFrame(
        {c: np.array([*names_, None], dtype=object)[codes[order]] for c, (codes, names_) in zip(names, rows.labels)},
        index=range(len(order)),
    )
    ids = content_identities(frame if not plan.key else frame[[plan.key]])[order]
    groups = keys.assign(id=ids, n=w if frequency else np.ones(len(order)), w=w, w2=w if frequency else w**2)
    levels = levels_of(plan, rows, order, None if rows.w is None else w)
    by_id = np.argsort(ids, kind="stable")
    groups = groups.iloc[by_id].reset_index(drop=True)
    return Moments(
        plan,
        about,
        groups,
        z[by_id],
        None,
        _asked(asked_of(plan, rows), plan.by),
        rows.answered,
        _level_frames(levels, plan.scales),
        (source,),
    )


def _ordered(frame, columns):
    """Order of groups by their key, text and numbers alike, missing last."""
    keys = [frame[c].map(lambda v: (1, "") if pd.isna(v) else (0, str(v))) if frame[c].dtype == object else frame[c] for c in columns]
    return (
        pd.concat(keys, axis=1, keys=range(len(keys))).sort_values(list(range(len(keys))), kind="stable").index.to_numpy()
        if len(frame)
        else np.arange(0)
    )


def _asked(counts, by):
    frame = pd.DataFrame([(*key, float(count)) for key, count in counts.items()], columns=[*by, "n_in"])
    return frame.sort_values(list(by), key=lambda s: s.astype(str)).reset_index(drop=True) if by else frame


def _level_frames(levels, scales):
    return {c: pd.DataFrame({"value": scales[c].points, "n": found[:, 0], "w": found[:, 1]}) for c, found in levels.items()}


@dataclass(frozen=True)
class Moments:
    """Sums over groups of rows.

    Attributes
    ----------
    plan : Plan
        Terms and how the rows were read.
    about : dict
        ``y, x, always, coding``.
    groups : DataFrame
        One row a group: the columns `by`, the cluster, ``bucket`` or ``id`` (one row each), ``n, w, w2``.
    total : ndarray (groups, terms)
        Σw·z; where every row is a group, the terms of that row as they are.
    cross : ndarray (groups, terms (terms + 1) / 2) or None
        Upper triangles of Σw·zz′; None where every row is a group.
    asked : DataFrame
        ``n_in`` by the columns `by`: answers before anything was left out.
    answered : dict of str to float
        Answers to each column.
    levels : dict of str to DataFrame
        ``value, n, w``: answers and weight on each point of the scale, where knots or dummies were asked for.
    sources : tuple of Source
        What a second pass reads; empty after loading.
    """

    plan: Plan
    about: dict
    groups: pd.DataFrame
    total: np.ndarray
    cross: np.ndarray | None
    asked: pd.DataFrame
    answered: dict
    levels: dict
    sources: tuple = field(default=(), compare=False)

    # ---- what they say of themselves

    @property
    def y(self):
        return self.about["y"]

    @property
    def x(self):
        return list(self.about["x"])

    @property
    def kind(self):
        return self.plan.kind

    @property
    def columns(self):
        """What a method that needs rows asks for first."""
        raise InputError("This method, or an option of it, needs the rows: moments hold sums over groups of rows only.")

    @property
    def single(self):
        """Whether every row is a group, so that rows and moments are one."""
        return self.cross is None

    @property
    def n(self):
        return int(round(self.groups["n"].sum()))

    @property
    def n_in(self):
        return int(round(self.asked["n_in"].sum()))

    @property
    def n_missing(self):
        return self.n_in - self.n

    @property
    def n_eff(self):
        if self.kind != "sampling":
            return float(self.n)
        w2 = self.groups["w2"].sum()
        return float(self.groups["w"].sum() ** 2 / w2) if w2 else 0.0

    @property
    def meta(self):
        """The counts under the names of the result contract."""
        counts = {"n_in": self.n_in, "n_used": self.n, "n_dropped_missing": self.n_missing, "n_eff": self.n_eff}
        return {**counts, "weights": self.kind, "groups_of_rows": len(self.groups)}

    @property
    def scale(self):
        """What brings sampling weights to mean 1."""
        total = self.groups["w"].sum()
        return self.n / total if self.kind == "sampling" and total else 1.0

    def at(self, terms):
        """Places of some terms."""
        places = {t: i for i, t in enumerate(self.plan.terms)}
        missing = [t for t in terms if t not in places]
        if missing:
            named = ", ".join(f"'{t.column}' {t.kind}" + (f" {t.cut:g}" if t.kind != "linear" else "") for t in missing)
            raise InputError(f"These moments lack: {named}. Declare it in `terms`, `knots` or `coding` when the answers are read.")
        return [places[t] for t in terms]

    # ---- stand-ins

    def rows(self, terms):
        """Rows that have the count, the means and the cross-products of the groups they stand for.

        Parameters
        ----------
        terms : sequence of Term

        Returns
        -------
        values : ndarray (rows, terms)
        w : ndarray (rows,)
            Sampling weights with mean 1 over the answers, else counts.
        group : int ndarray (rows,)
            Place of each row's group.

        Notes
        -----
        A group of one row is that row. Else, with mean m and spread S = LL′ of rank r: r + 1 rows m + L v_s on the corners of a
        simplex, each with an equal part of the group's weight, so that Σw·z and Σw·zz′ are those of the group.
        """
        at = self.at(terms)
        weight = self.groups["w"].to_numpy(dtype=float)
        origin = self.plan.origin[at]
        if self.single:
            return self.total[:, at], weight * self.scale, np.arange(len(weight))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self.total[:, at] / weight[:, None]
        live = weight > 0
        full = np.empty((len(weight), len(self.plan.terms), len(self.plan.terms)))
        upper = np.triu_indices(len(self.plan.terms))
        full[:, upper[0], upper[1]] = full[:, upper[1], upper[0]] = self.cross
        spread = full[np.ix_(live, at, at)] / weight[live, None, None] - mean[live, :, None] * mean[live, None, :]
        unit = np.sqrt(np.maximum(np.einsum("gii->i", spread) / max(live.sum(), 1), 0))
        unit[unit == 0] = 1
        values, vectors = np.linalg.eigh(spread / np.outer(unit, unit))
        values = np.where(values > ROUNDING * np.maximum(values[:, -1:], 1e-300), values, 0.0)
        root = vectors * np.sqrt(values)[:, None, :]
        corners = np.sqrt(len(at) + 1) * helmert(len(at) + 1).T
        stand = mean[live, None, :] + np.einsum("gij,sj->gsi", root, corners) * unit
        group = np.repeat(np.flatnonzero(live), len(corners))
        return stand.reshape(-1, len(at)) + origin, weight[group] / len(corners) * self.scale, group

    # ---- least squares

    def least_squares(self, terms=None, *, y=None, cov="HC3", clusters=False):
        """Least squares of the outcome on some terms, with a robust covariance.

        Parameters
        ----------
        terms : sequence of Term, optional
            With the constant where wanted; by default the constant, forced columns and attributes.
        y : Term, optional
        cov : {"HC3", "HC0", "HC1", "classical"}
            HC errors take a second pass over the rows, unless every row is a group.
        clusters : bool
            Errors over the clusters of the moments, as `fit_linear` gives them.

        Returns
        -------
        LinearFit
            As `estimate.fit_linear` gives from rows; without ``resid`` and ``fitted``, unless every row is a group.
        """
        terms = list(terms) if terms is not None else [ONE, *map(Term, [*self.about["always"], *self.x])]
        y = y or Term(self.y)
        if cov not in ("HC3", "HC0", "HC1", "classical"):
            raise InputError(f"cov is 'HC3', 'HC0', 'HC1' or 'classical', not {cov!r}.")
        if clusters and not self.plan.clusters:
            raise InputError("Errors over clusters need moments that were read with `clusters`.")
        values, w, group = self.rows([*terms, y])
        codes = pd.factorize(self.groups[self.plan.clusters])[0][group] if clusters else None
        fit = fit_linear(values[:, -1], values[:, :-1], w, names=terms, kind=self.kind, cov=cov, clusters=codes)
        return fit if self.single else self.refined(fit, y, cov, codes, values, w)

    def refined(self, fit, y, cov, codes, values, w):
        """A fit of stand-ins with the counts and the covariance of the rows they stand for."""
        k, n = len(fit.names), self.n
        if fit.aliased or n <= k:
            nothing = np.full((k, k), np.nan)
            return replace(fit, coef=nothing[0], cov=nothing, df=n - k, n=n, ssr=np.nan, r2=np.nan, resid=None, fitted=None)
        origin, coef, back = self.plan.origin[self.at([*fit.names, y])], fit.coef.copy(), np.eye(k)
        if ONE in fit.names:  # counted from the origin, squares are small; `back` brings the constant back
            constant = fit.names.index(ONE)
            coef[constant] += origin[:-1] @ fit.coef - origin[-1]
            back[constant] -= origin[:-1]
        else:
            origin = np.zeros(k + 1)
        x = values[:, :-1] - origin[:-1]
        half = np.linalg.inv(np.linalg.qr(x * np.sqrt(w)[:, None], mode="r"))
        bread = half @ half.T
        if codes is not None:
            q = x * np.sqrt(w)[:, None] @ half
            over = ClusterErrors.of(q, back @ half, values[:, -1] - origin[-1] - x @ coef, w, codes, n)
            return replace(fit, cov=over.cov, df=float(codes.max()), n=n, resid=None, fitted=None, over=over)
        if cov == "classical":
            meat = (x * w[:, None]).T @ x * fit.ssr / (n - k)
        else:
            meat = sandwich(self, [*fit.names, y], origin, coef, bread, leverage=cov == "HC3") * (n / (n - k) if cov == "HC1" else 1)
        cov = back @ bread @ meat @ bread @ back.T
        return replace(fit, cov=cov, df=float(n - k), n=n, resid=None, fitted=None)

    def reading_again(self, *sources):
        """The same moments with the rows they came from at hand."""
        return replace(self, sources=tuple(s if isinstance(s, Source) else Source(s) for s in sources))

    # ---- parts, merging, larger groups

    def part(self, **values):
        """The moments of those whose `by` columns have these values."""
        unknown = [c for c in values if c not in self.plan.by]
        if unknown:
            raise InputError(f"Kept apart are {', '.join(self.plan.by) or 'no columns'}, not {', '.join(unknown)}.")
        inside = np.logical_and.reduce([self.groups[c] == v for c, v in values.items()])
        asked = np.logical_and.reduce([self.asked[c] == v for c, v in values.items()])
        cross = None if self.single else self.cross[inside]
        about = {**self.about, "part": {**self.about.get("part", {}), **values}}
        kept = self.groups[inside].reset_index(drop=True)
        return replace(
            self,
            about=about,
            groups=kept,
            total=self.total[inside],
            cross=cross,
            asked=self.asked[asked].reset_index(drop=True),
            levels={},
            answered={},
        )

    def coarser(self, groups=GROUPS):
        """Fewer, larger groups: rows that stand alone are spread over buckets, as a large source would be."""
        if self.plan.clusters:
            return self._gathered([*self.plan.by, self.plan.clusters], self.groups)
        if not self.single and self.plan.buckets % groups:
            raise InputError(f"The {self.plan.buckets} groups can be joined into a number that divides theirs, not into {groups}.")
        bucket = bucket_of(self.groups["id"].to_numpy(), groups) if self.single else self.groups["bucket"] // (self.plan.buckets // groups)
        joined = replace(self, plan=replace(self.plan, buckets=groups))
        return joined._gathered([*self.plan.by, "bucket"], self.groups.assign(bucket=bucket))

    def _gathered(self, keys, labelled):
        """Groups of the same key added up."""
        code = labelled.groupby(keys, dropna=False, sort=False).ngroup().to_numpy()
        size = int(code.max(initial=-1)) + 1
        kept = labelled.groupby(keys, dropna=False, sort=False)[["n", "w", "w2"]].sum().reset_index()
        upper = np.triu_indices(self.total.shape[1])
        first, each = self.total, self.cross
        if self.single:
            z = self.total - self.plan.origin
            first = z * labelled["w"].to_numpy()[:, None]
            each = first[:, upper[0]] * z[:, upper[1]]
        total, cross = np.zeros((size, self.total.shape[1])), np.zeros((size, len(upper[0])))
        np.add.at(total, code, first)
        np.add.at(cross, code, each)
        order = _ordered(kept, keys)
        return replace(self, groups=kept.iloc[order].reset_index(drop=True), total=total[order], cross=cross[order])

    def merge(self, other):
        """The moments of both sets of rows together.

        Both must have the same terms, weights' kind, clusters and `by`. Groups of the same key are added up; single rows stay single
        as long as both are. Sums counted from another origin are moved first (Chan, Golub & LeVeque 1983).
        """
        mine, theirs = self.plan, other.plan
        differs = [what for what in ("terms", "kind", "clusters", "by") if getattr(mine, what) != getattr(theirs, what)]
        if differs:
            raise InputError(f"Moments to be merged differ in: {', '.join(differs)}.")
        if self.single != other.single:
            return self.coarser(mine.buckets).merge(other) if self.single else self.merge(other.coarser(mine.buckets))
        if not self.single and not mine.clusters and mine.buckets != theirs.buckets:
            raise InputError(f"Moments to be merged differ in the number of groups: {mine.buckets} and {theirs.buckets}.")
        moved = other._from(mine.origin)
        together = replace(
            self,
            groups=pd.concat([self.groups, moved.groups], ignore_index=True),
            total=np.concatenate([self.total, moved.total]),
            cross=None if self.single else np.concatenate([self.cross, moved.cross]),
            asked=_summed([self.asked, moved.asked], list(mine.by)),
            answered={c: self.answered[c] + moved.answered[c] for c in self.answered if c in moved.answered},
            levels={
                c: f.assign(n=f["n"] + moved.levels[c]["n"], w=f["w"] + moved.levels[c]["w"])
                for c, f in self.levels.items()
                if c in moved.levels
            },
            sources=(*self.sources, *other.sources) if self.sources and other.sources else (),
        )
        if together.single:
            order = np.argsort(together.groups["id"].to_numpy(), kind="stable")
            return replace(together, groups=together.groups.iloc[order].reset_index(drop=True), total=together.total[order])
        return together._gathered([*mine.by, mine.clusters or "bucket"], together.groups)

    def _from(self, origin):
        """The same moments counted from another origin."""
        shift = self.plan.origin - origin
        if not shift.any():
            return self
        plan = replace(self.plan, origin=np.asarray(origin))
        if self.single:
            return replace(self, plan=plan)
        total = self.total + self.groups["w"].to_numpy()[:, None] * shift
        upper = np.triu_indices(len(origin))
        cross = self.cross + self.total[:, upper[0]] * shift[upper[1]] + shift[upper[0]] * total[:, upper[1]]
        return replace(self, plan=plan, total=total, cross=cross)

    # ---- leaving the house

    def smaller_than(self, minimum=10):
        """Groups of fewer than `minimum` answers."""
        return self.groups[(self.groups["n"] > 0) & (self.groups["n"] < minimum)]

    def save(self, stem, *, minimum=10):
        """Write ``<stem>.parquet``; refused while a group has fewer than `minimum` answers.

        Parameters
        ----------
        stem : path
        minimum : int
            1 where the file stays with the answers themselves.
        """
        import pyarrow as pa
        import pyarrow.parquet as parquet

        small = self.smaller_than(minimum)
        if len(small):
            raise InputError(
                f"{len(small)} of {len(self.groups)} groups have fewer than {minimum} answers; their sums are not released. "
                "Make larger groups with `coarser(groups)`, or keep the file beside the answers with minimum=1."
            )
        parts = {"total": self.total, **({} if self.single else {"cross": self.cross})}
        table = pa.Table.from_pandas(self.groups, preserve_index=False)
        for name, array in parts.items():
            flat = pa.array(np.ascontiguousarray(array).ravel())
            table = table.append_column(f"sums.{name}", pa.FixedSizeListArray.from_arrays(flat, array.shape[1]))
        plan = self.plan
        about = {
            "about": self.about,
            "terms": [list(t) for t in plan.terms],
            "origin": plan.origin.tolist(),
            "plan": {k: getattr(plan, k) for k in ("columns", "weights", "kind", "clusters", "key", "by", "buckets", "levels")},
            "scales": {c: s.as_dict() for c, s in plan.scales.items()},
            "asked": self.asked.to_dict("list"),
            "answered": self.answered,
            "counts": {c: f[["n", "w"]].to_numpy().tolist() for c, f in self.levels.items()},
        }
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"delight.moments": json.dumps(plain(about)).encode()})
        path = Path(stem)
        path = path.with_name(path.name + ".parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, path)
        return path

    @classmethod
    def load(cls, stem):
        """Read what `save` wrote; `reading_again` gives it its rows back."""
        import pyarrow.parquet as parquet

        path = Path(stem)
        table = parquet.read_table(path.with_name(path.name + ".parquet"))
        about = json.loads(table.schema.metadata[b"delight.moments"])
        arrays = {}
        for name in ("total", "cross"):
            if f"sums.{name}" in table.column_names:
                column = table.column(f"sums.{name}").combine_chunks()
                column = column.chunk(0) if hasattr(column, "chunk") else column
                arrays[name] = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1).copy()
                table = table.drop_columns(f"sums.{name}")
        scales = {c: Scale(**s) for c, s in about["scales"].items()}
        told = {**about["plan"], "by": tuple(about["plan"]["by"])}
        plan = Plan(scales=scales, terms=tuple(Term(*t) for t in about["terms"]), origin=np.array(about["origin"]), **told)
        counts = {c: np.array(found) for c, found in about["counts"].items()}
        return cls(
            plan,
            about["about"],
            table.to_pandas(),
            arrays["total"],
            arrays.get("cross"),
            pd.DataFrame(about["asked"]),
            about["answered"],
            _level_frames(counts, scales),
        )


def _summed(frames, by):
    both = pd.concat(frames, ignore_index=True)
    if not by:
        return pd.DataFrame({"n_in": [both["n_in"].sum()]})
    return both.groupby(by, dropna=False, sort=False)["n_in"].sum().reset_index()


__all__ = ["LinearFit", "Moments", "moments"]

"""The sample and the terms every driver method stands on: gaps, "not applicable", constants, weights, bootstrap draws."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from delight import resample
from delight.errors import InputError, Mistakes
from delight.estimate import FEWEST_CLUSTERS, aliased_terms, base_status, fit_linear, need_columns, sample, weights_of
from delight.logit import fit_ordered
from delight.moments import Moments
from delight.result import Note
from delight.scales import check_scale

#: Rows beyond this are resampled in random groups, so that the cost of a draw stops growing (design, section 8).
LARGE = 5000
GROUPS = 2000
#: "Not applicable" answers below this count cannot carry an adjustment of their own; the rows are left out like missing ones.
FEW = 5


@dataclass(frozen=True)
class Model:
    """The rows and columns of one model, in an order that does not depend on the order of the input.

    Attributes
    ----------
    y : str
    x : list of str
        Attributes in the model.
    values : ndarray of shape (rows,)
        The outcome.
    scores : ndarray of shape (rows, attributes)
        Answers; where an attribute does not apply, the mean of those it applies to (the adjusting term takes up any choice).
    applies : boolean ndarray of shape (rows, attributes)
    fixed : ndarray of shape (rows, terms)
        Terms forced in: controls, and 0/1 terms "does not apply"; of full column rank.
    w, kind, clusters
        As in `estimate.Sample`.
    n, n_missing, n_in, n_eff
        Counts after the last filter.
    index : Index
        Where each row stands in the frame given.
    """

    y: str
    x: list
    values: np.ndarray
    scores: np.ndarray
    applies: np.ndarray
    fixed: np.ndarray
    w: np.ndarray
    kind: str
    clusters: np.ndarray | None
    n: int
    n_missing: int
    n_in: int
    n_eff: float
    index: pd.Index | None = None

    #: Whether the rows stand for groups of rows (`sums.StandIns`).
    stands_in = False

    @property
    def meta(self):
        return {
            "n_in": self.n_in,
            "n_used": self.n,
            "n_dropped_missing": self.n_missing,
            "n_eff": self.n_eff,
            "weights": self.kind,
            "n_clusters": self.n_clusters,
        }

    @property
    def counted(self):
        """How many answers each row stands for."""
        return self.w if self.kind == "frequency" else np.ones(len(self.w))

    def column(self, attribute):
        """(answers, whether they apply) of one attribute."""
        at = self.x.index(attribute)
        return self.scores[:, at], self.applies[:, at]

    def answers(self, column):
        """(answers, how many each stands for, their weight) of the outcome, or of an attribute where it applies."""
        if column == self.y:
            return self.values, self.counted, self.w
        scores, applies = self.column(column)
        return scores[applies], self.counted[applies], self.w[applies]

    def knot_terms(self, attribute, knot):
        """Columns min(x - knot, 0) and max(x - knot, 0) of an attribute."""
        return knot_terms(self.column(attribute)[0], knot)

    def dummies(self, attribute, low, high):
        """Columns [x <= low] and [x >= high] of an attribute, 0 where it does not apply."""
        scores, applies = self.column(attribute)
        return (applies & (scores <= low)).astype(float), (applies & (scores >= high)).astype(float)

    def fit(self, design, names, cov="HC3"):
        """Least squares of the outcome on the columns of `design`, with HC3, or CR1 where there are clusters."""
        return fit_linear(self.values, design, self.w, names=names, kind=self.kind, cov=cov, clusters=self.clusters)

    def ordered(self, design, names):
        """Ordered logit of the outcome on the columns of `design`, without a constant; `names` as in `slopes`."""
        n_fixed = sum(attribute == "" for attribute, _ in names)
        return steady(fit_ordered, outcome_levels(self.values), design, self, n_fixed, names=names)[0]

    @property
    def n_clusters(self):
        return None if self.clusters is None else len(np.unique(self.clusters))

    def status(self, n=None):
        """Status of an estimate from this model, or from `n` of its answers."""
        return base_status(self.n if n is None else n, self.n_eff, clusters=self.n_clusters, model=True)

    def n_applicable(self, attribute):
        return int(round(self.counted[self.column(attribute)[1]].sum()))

    def drawable(self, n_boot):
        """`n_boot`, or no draw at all from a single cluster: every draw would be the sample again, and intervals would have no width."""
        return 0 if self.clusters is not None and len(self.clusters) and np.ptp(self.clusters) == 0 else n_boot

    def sums(self, columns, n_boot, rng):
        """Bootstrap draws of the weighted sums of `columns`, shape (rows, k): an array (n_boot, k)."""
        weighted = columns * self.w[:, None] if self.kind == "sampling" else columns
        if self.clusters is None and self.kind != "frequency" and len(self.w) > LARGE:
            groups = rng.permutation(len(self.w)) % GROUPS
            starts = np.searchsorted(np.sort(groups), np.arange(GROUPS))
            weighted = np.add.reduceat(weighted[np.argsort(groups, kind="stable")], starts, axis=0)
        frequency = self.w if self.kind == "frequency" else None
        n_boot = self.drawable(n_boot)
        chunks = resample.counts(len(weighted), n_boot, rng, clusters=self.clusters, frequency=frequency) if n_boot else ()
        return np.concatenate([np.empty((0, columns.shape[1])), *(times @ weighted for times in chunks)])

    def row_draws(self, n_boot, rng):
        """Multiplicity times weight of each row, a chunk of draws at a time: for statistics that are no sums."""
        frequency = self.w if self.kind == "frequency" else None
        for times in resample.counts(len(self.w), self.drawable(n_boot), rng, clusters=self.clusters, frequency=frequency, chunk=100):
            yield times * self.w if self.kind == "sampling" else times


def square(flat, k):
    """Symmetric matrices (…, k, k) from their upper triangles (…, k (k + 1) / 2)."""
    upper = np.triu_indices(k)
    full = np.empty((*flat.shape[:-1], k, k))
    full[..., upper[0], upper[1]] = flat
    full[..., upper[1], upper[0]] = flat
    return full


@dataclass(frozen=True)
class Prepared:
    """The joint model of a study and the models of attributes that apply to a part of the respondents only.

    Attributes
    ----------
    attributes : list of str
        All attributes asked for, in the order given.
    joint : Model
    own : dict of str to Model
        Attribute → the joint attributes and itself, among those it applies to.
    constant : list of str
        Attributes with one answer only.
    notes : tuple of Note
    base : dict of str to int
        Answers to each attribute among those who answered the outcome.
    share_applicable : dict of str to float
        Weighted share of respondents (with an outcome) to whom the attribute applies, among those who said so either way.
    """

    attributes: list
    joint: Model
    own: dict
    constant: list
    notes: tuple = ()
    base: dict = field(default_factory=dict)
    share_applicable: dict = field(default_factory=dict)

    def model_of(self, attribute):
        """The model an attribute is judged in, or None for a constant one."""
        return None if attribute in self.constant else self.own.get(attribute, self.joint)

    @property
    def models(self):
        """(attributes judged in it, model): the joint one first."""
        if self.joint.x:
            yield list(self.joint.x), self.joint
        for attribute, model in self.own.items():
            yield [attribute], model


def check_columns(frame, y, x, scales, others=(), *, weights=None, weights_kind="sampling"):
    """Raise `InputError` for what no driver method can work with: no attribute, `y` among `x`, a column named twice or unknown, and, all
    of them listed, columns that are not numeric or leave their scale, and weights that are none."""
    if not x:
        raise InputError("A driver analysis needs at least one attribute in `x`.")
    if y in x:
        raise InputError(f"The outcome '{y}' is also listed among the attributes; leave it out of `x`.")
    twice = sorted({a for a in x if x.count(a) > 1})
    if twice:
        raise InputError(f"Attributes listed twice in `x`: {', '.join(twice)}.")
    need_columns(frame, [y, *x, *others, *([weights] if weights else [])])
    mistakes = Mistakes()
    for column in (y, *x):
        with mistakes:
            if column in scales:
                check_scale(frame[column], scales[column], column=column)
            elif not pd.api.types.is_numeric_dtype(frame[column]):
                raise InputError(f"Column '{column}' is not numeric; recode its answers in answers.csv.")
    with mistakes:
        weights_of(frame, weights, weights_kind)
    mistakes.raise_all()


def prepare(
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
    partial_above=0.2,
    mostly_missing_above=0.5,
    sums=False,
):
    """Sort attributes into a joint model and models of their own, and pick the rows of each.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged. Or `Moments`, for a method that says `sums`.
    y : str
        Outcome.
    x : sequence of str
        Attributes.
    scales : dict of str to Scale, optional
        Checked where given.
    weights, weights_kind, clusters
        As in `estimate.sample`; `clusters` names a column.
    not_applicable : dict of str to str, optional
        Attribute → boolean column that says it does not apply (then the attribute is NaN).
    always : sequence of str
        Numeric columns forced into every model before the attributes.
    partial_above : float
        Share "not applicable" above which an attribute leaves the joint model (M15).
    mostly_missing_above : float
        Share without any answer above which it does so too (a question put to a part of the sample).
    sums : bool
        Whether the method asks nothing of the rows but sums over them, so that moments will do.

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        Unknown columns, scores outside their scale (all of them listed), `y` among `x`, an attribute named twice.
    """
    if sums and isinstance(frame, Moments):
        from delight.drivers.sums import prepared

        shared = {"weights": weights, "clusters": clusters, "not_applicable": not_applicable, "always": always}
        return prepared(frame, y=y, x=x, scales=scales, **shared)
    x, scales, flags = list(x), dict(scales or {}), dict(not_applicable or {})
    flags = {a: flag for a, flag in flags.items() if a in x}
    always = [a for a in always if a not in x]
    others = [*always, *flags.values(), *([clusters] if clusters else [])]
    check_columns(frame, y, x, scales, others, weights=weights, weights_kind=weights_kind)

    scored = sample(frame, [y, *always, *([clusters] if clusters else [])], weights=weights, weights_kind=weights_kind)
    n_in, counted = scored.n_in, scored.w if scored.kind == "frequency" else np.ones(len(scored.w))
    rows, total = scored.frame, max(counted.sum(), 1e-300)
    flag = {a: rows[flags[a]].fillna(False).to_numpy(dtype=bool) & rows[a].isna().to_numpy() for a in flags}
    answered = {a: rows[a].notna().to_numpy() for a in x}
    constant, own, notes, base, share_applicable = [], [], [], {}, {}
    for a in x:
        away = flag.get(a, np.zeros(len(rows), dtype=bool))
        base[a] = int(round(counted[answered[a]].sum()))
        applies, known = scored.w[answered[a]].sum(), scored.w[answered[a] | away].sum()
        share_applicable[a] = float(applies / known) if known else 0.0
        if rows.loc[answered[a], a].nunique() < 2:
            constant.append(a)
        elif counted[away].sum() / total > partial_above:
            own.append(a)
        elif counted[~answered[a] & ~away].sum() / total > mostly_missing_above:
            own.append(a)
            notes.append(Note("mostly_missing", {"attribute": a, "n": base[a]}))
    joint = [a for a in x if a not in constant and a not in own]
    usable, few = {}, {}
    for a in joint:
        count = counted[flag[a]].sum() if a in flag else 0
        usable[a] = flag[a] if count >= FEW else np.zeros(len(rows), dtype=bool)
        if 0 < count < FEW:
            few[a] = int(count)
    if constant:
        notes.append(Note("constant", {"attributes": constant}))
    if own:
        notes.append(Note("partial_base", {"attributes": own, "n": [base[a] for a in own]}))
    if few:
        notes.append(Note("few_not_applicable", {"attributes": list(few), "n": list(few.values())}))
    notes += few_clusters(int(rows[clusters].astype(str).nunique()) if clusters else None)
    if any(usable[a].any() for a in joint):
        notes.append(Note("not_applicable_adjusted", {"attributes": [a for a in joint if usable[a].any()]}))

    def build(attributes, focus=None):
        kept = np.ones(len(rows), dtype=bool)
        for a in attributes:
            kept &= answered[a] if a == focus else answered[a] | usable[a]
        part = rows[kept]
        w = scored.w[kept]
        groups = np.unique(part[clusters].astype(str), return_inverse=True)[1] if clusters else None
        scores = part[attributes].to_numpy(dtype=float)
        applies = ~np.isnan(scores)
        order = np.lexsort([*([groups] if clusters else []), w, *np.nan_to_num(scores, nan=-1e9).T[::-1], part[y].to_numpy(dtype=float)])
        scores, applies, w = scores[order], applies[order], w[order]
        for at in range(len(attributes)):
            if not applies[:, at].all():
                scores[~applies[:, at], at] = np.average(scores[applies[:, at], at], weights=w[applies[:, at]])
        controls = part[always].to_numpy(dtype=float)[order]
        fixed = np.column_stack([controls, ~applies[:, ~applies.all(axis=0)]]).astype(float)
        if fixed.shape[1]:
            names = list(range(fixed.shape[1]))
            spare = aliased_terms(np.column_stack([np.ones(len(fixed)), fixed]), [None, *names])
            fixed = fixed[:, [g for g in names if g not in spare]]
        n = int(round(w.sum())) if scored.kind == "frequency" else len(w)
        if scored.kind == "sampling" and n:
            w = w / w.mean()
            n_eff = float(w.sum() ** 2 / (w**2).sum())
        else:
            n_eff = float(n)
        return Model(
            y,
            attributes,
            part[y].to_numpy(dtype=float)[order],
            scores,
            applies,
            fixed,
            w,
            scored.kind,
            groups[order] if clusters else None,
            n,
            n_in - n,
            n_in,
            n_eff,
            part.index[order],
        )

    whole = build(joint)
    # An answer that only occurs in rows left out elsewhere may leave an attribute constant in the joint rows.
    stuck = [a for a in joint if whole.n and np.ptp(whole.column(a)[0][whole.column(a)[1]]) == 0] if whole.n > 1 else []
    if stuck:
        constant += stuck
        notes.append(Note("constant", {"attributes": stuck}))
        joint = [a for a in joint if a not in stuck]
        whole = build(joint)
    if scored.n and whole.n < scored.n / 2:
        notes.append(Note("listwise_heavy", {"n": whole.n, "n_outcome": scored.n}))
    alone = {a: build([*joint, a], focus=a) for a in own}
    return Prepared(x, whole, alone, constant, tuple(notes), base, share_applicable)


def few_clusters(n):
    """The note that so few clusters do not tell how clusters differ."""
    return [Note("few_clusters", {"clusters": n})] if n and n < FEWEST_CLUSTERS else []


def steady(fit, outcome, design, model, n_fixed, **options):
    """A logit (`fit` of `delight.logit`) on `design`, whose first `n_fixed` columns are forced in.

    Where "does not apply" alone tells the outcome apart (all who did not use it were satisfied), those terms get a weak prior, so
    that the attributes' slopes stay estimable; the second value says so.
    """
    found = fit(outcome, design, model.w, kind=model.kind, clusters=model.clusters, **options)
    if found.usable or found.aliased or not model.fixed.shape[1]:
        return found, False
    ridge = np.zeros(design.shape[1])
    ridge[:n_fixed] = 1 / 25
    return fit(outcome, design, model.w, kind=model.kind, clusters=model.clusters, ridge=ridge, **options), True


def n_levels(values, scale=None):
    """How many levels an outcome has: the points of its declared scale, whoever gave them; without one, the answers met."""
    points = scale.points if scale is not None else None
    return len(np.unique(values)) if points is None else len(points)


def outcome_levels(values, most=20):
    """Outcome as ordered levels: as it is up to `most` values, else in groups of about equal size, the extremes kept apart."""
    points = np.unique(values)
    if len(points) <= most:
        return values
    inner = np.unique(np.quantile(values, np.linspace(0, 1, most - 1)[1:-1]))
    edges = np.unique([*inner, points[-1]])
    return np.where(values == points[0], -1, np.searchsorted(edges, values, side="right")).astype(float)


def knot_terms(scores, knot):
    """(min(x - knot, 0), max(x - knot, 0)): slopes below and above the knot."""
    return np.minimum(scores - knot, 0), np.maximum(scores - knot, 0)


def entangled(design, w):
    """Positions of the columns of `design` that take part in an exact dependency: what one of them does alone cannot be told."""
    if not len(design):
        return set()
    scaled = design * np.sqrt(w)[:, None]
    scale = np.sqrt((scaled**2).sum(axis=0))
    scaled = scaled / np.where(scale > 0, scale, 1.0)
    spare = aliased_terms(scaled, list(range(design.shape[1])))
    kept = [j for j in range(design.shape[1]) if j not in spare]
    found = set(spare)
    for j in spare:
        share = np.linalg.lstsq(scaled[:, kept], scaled[:, j], rcond=None)[0]
        found |= {k for k, c in zip(kept, share) if abs(c) > 1e-7}
    return found


def vif(scores, w=None, extra=None):
    """Variance inflation factors of the columns of `scores` (given the columns `extra`), infinite where aliased."""
    p = scores.shape[1]
    if p == 0:
        return np.array([])
    w = np.ones(len(scores)) if w is None else w
    terms = scores if extra is None or not extra.shape[1] else np.column_stack([scores, extra])
    centred = (terms - np.average(terms, axis=0, weights=w)) * np.sqrt(w)[:, None]
    scale = np.sqrt((centred**2).sum(axis=0))
    scale[scale == 0] = 1
    correlation = (centred / scale).T @ (centred / scale)
    try:
        if np.linalg.eigvalsh(correlation)[0] < 1e-10:
            raise np.linalg.LinAlgError
        return np.diag(np.linalg.inv(correlation))[:p].copy()
    except np.linalg.LinAlgError:
        spread = []
        for j in range(p):
            rest = np.delete(centred, j, axis=1)
            left = centred[:, j] - rest @ np.linalg.lstsq(rest, centred[:, j], rcond=None)[0]
            share = (left**2).sum() / max((centred[:, j] ** 2).sum(), 1e-300)
            spread.append(np.inf if share < 1e-10 else 1 / share)
        return np.array(spread)

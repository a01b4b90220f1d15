"""The rows and terms every driver method stands on, their bootstrap draws, and what can be fitted to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from delight import resample
from delight.estimate import FEWEST_CLUSTERS, aliased_terms, base_status, fit_linear
from delight.logit import fit_ordered
from delight.result import Note

#: Rows beyond this are resampled in random groups, so that the cost of a draw stops growing (design, section 8).
LARGE = 5000
GROUPS = 2000


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

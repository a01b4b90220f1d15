"""Models of drivers from sums over groups of rows in place of the rows themselves (method M39)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from delight import resample
from delight.drivers.model import Model, Prepared, few_clusters
from delight.errors import InputError
from delight.estimate import fit_linear
from delight.moments import ONE, Moments, Term
from delight.moments.again import ordered_logit
from delight.result import Note


@dataclass(frozen=True)
class StandIns(Model):
    """A model whose rows stand for groups of rows: they have their counts, means and cross-products, and nothing else.

    Attributes
    ----------
    moments : Moments
    group : int ndarray of shape (rows,)
        Group of each row; sorted.
    terms : dict of Term to ndarray (rows,)
        Values of every term that was summed.
    """

    moments: Moments | None = None
    group: np.ndarray | None = None
    terms: dict | None = None

    stands_in = True

    @property
    def counted(self):
        raise NotImplementedError("rows that stand for groups cannot be counted one by one: use `answers`")

    def n_applicable(self, attribute):
        return self.n

    def sums(self, columns, n_boot, rng):
        """Bootstrap draws of the weighted sums of `columns`: whole groups of rows are drawn."""
        starts = np.flatnonzero(np.diff(self.group, prepend=-1))
        each = np.add.reduceat(columns * self.w[:, None], starts) if len(starts) else np.empty((0, columns.shape[1]))
        n_boot = self.drawable(n_boot)
        chunks = resample.counts(len(each), n_boot, rng) if n_boot else ()
        return np.concatenate([np.empty((0, columns.shape[1])), *(times @ each for times in chunks)])

    def row_draws(self, n_boot, rng):
        raise InputError("This statistic needs the rows: moments hold sums only.")

    def answers(self, column):
        found = self.moments.levels.get(column)
        if found is None:
            raise InputError(f"These moments hold no counts of the answers to '{column}': read them with its scale and terms='knots'.")
        return (found[c].to_numpy(dtype=float) for c in ("value", "n", "w"))

    def term(self, attribute, kind, cut):
        wanted = Term(attribute, kind, float(cut))
        self.moments.at([wanted])
        return self.terms[wanted]

    def knot_terms(self, attribute, knot):
        return self.term(attribute, "below", knot), self.term(attribute, "above", knot)

    def dummies(self, attribute, low, high):
        return self.term(attribute, "low", low), self.term(attribute, "high", high)

    def fit(self, design, names, cov="HC3"):
        rough = fit_linear(self.values, design, self.w, names=[self._term(name) for name in names], kind=self.kind, cov="classical")
        fit = self.moments.refined(rough, Term(self.y), cov, self.clusters, np.column_stack([design, self.values]), self.w)
        return replace(fit, names=list(names))

    def ordered(self, design, names):
        levels = self.moments.levels[self.y]
        clusters = None
        if self.clusters is not None:
            clusters = np.zeros(len(self.moments.groups), dtype=int)
            clusters[self.group] = self.clusters
        found = ordered_logit(self.moments, [self._term(name) for name in names], Term(self.y), levels, clusters=clusters)
        weight = np.bincount(self.group, self.w, len(self.moments.groups))
        influence = (found.influence / np.where(weight > 0, weight, 1.0)[:, None])[self.group]
        return replace(found, names=list(names), influence=influence)

    def _term(self, name):
        attribute, kind = name
        if attribute == "":
            place = int(kind.removeprefix("fixed"))
            return Term(self.moments.about["always"][place - 1]) if place else ONE
        return next(t for t in self.terms if (t.column, t.kind) == (attribute, kind))


def prepared(moments, *, y, x, scales=None, weights=None, clusters=None, not_applicable=None, always=()):
    """What `prepare.prepare` makes of rows, from their moments.

    Raises
    ------
    InputError
        What these moments cannot answer, by name.
    """
    x, always = list(x), [a for a in always if a not in x]
    faults = []
    if y != moments.y or set(x) != set(moments.x) or set(always) != set(moments.about["always"]):
        faults.append(
            f"These moments are of '{moments.y}' on {', '.join([*moments.about['always'], *moments.x])}: rows that miss another column "
            "were not left out. Read them for the columns asked for."
        )
    if weights is not None:
        faults.append(f"The weights are in the moments already; leave out weights='{weights}'.")
    if clusters != moments.plan.clusters:
        faults.append(f"These moments were read with clusters={moments.plan.clusters!r}, not {clusters!r}.")
    if any(a in x for a in not_applicable or {}):
        faults.append("not_applicable needs the rows: moments know answered and missing only.")
    differing = [c for c, s in (scales or {}).items() if c in moments.plan.scales and moments.plan.scales[c] != s]
    if differing:
        faults.append(f"These moments were read with other scales of: {', '.join(differing)}.")
    heavy = [a for a in x if moments.answered.get(a, moments.n_in) < moments.n_in / 2]
    if heavy:
        faults.append(f"More than half did not answer {', '.join(heavy)}: such attributes need a model of their own, and so the rows.")
    if faults:
        raise InputError("\n".join(faults))
    terms = [t for t in moments.plan.terms if t != ONE]
    values, w, group = moments.rows(terms)
    column = dict(zip(terms, values.T))
    constant = [a for a in x if not len(w) or np.ptp(column[Term(a)]) == 0]
    joint = [a for a in x if a not in constant]
    codes = None
    if clusters:
        codes = np.unique(moments.groups[clusters].astype(str), return_inverse=True)[1][group]
    scores = np.column_stack([column[Term(a)] for a in joint]) if joint else np.empty((len(w), 0))
    fixed = np.column_stack([column[Term(a)] for a in always]) if always else np.empty((len(w), 0))
    counts = {"n": moments.n, "n_missing": moments.n_missing, "n_in": moments.n_in, "n_eff": moments.n_eff}
    common = {"applies": np.ones(scores.shape, dtype=bool), "kind": moments.kind, **counts}
    if moments.single:
        order = np.lexsort([*([codes] if clusters else []), w, *scores.T[::-1], column[Term(y)]])
        codes = codes[order] if clusters else None
        model = Model(y, joint, column[Term(y)][order], scores[order], fixed=fixed[order], w=w[order], clusters=codes, **common)
    else:
        more = {"moments": moments, "group": group, "terms": column}
        model = StandIns(y, joint, column[Term(y)], scores, fixed=fixed, w=w, clusters=codes, **common, **more)
    notes = [Note("constant", {"attributes": constant})] if constant else []
    notes += few_clusters(model.n_clusters)
    if not moments.single:
        notes.append(Note("groups_of_rows", {"groups": len(moments.groups), "needs_rows": ["noise_p"]}))
    if moments.n < moments.answered.get(y, moments.n) / 2:
        notes.append(Note("listwise_heavy", {"n": moments.n, "n_outcome": int(moments.answered[y])}))
    return Prepared(x, model, {}, constant, tuple(notes), dict.fromkeys(x, moments.n), dict.fromkeys(x, 1.0))

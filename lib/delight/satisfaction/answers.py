"""Answers to one question with the design they came about by, taken apart by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from delight.errors import InputError, Mistakes
from delight.estimate import FEWEST_CLUSTERS, MANY_CLUSTERS, Design, need_columns, sample, weights_of
from delight.moments import Counts, Moments
from delight.result import Note
from delight.scales import check_scale


@dataclass(frozen=True)
class Group:
    """The answers of one group.

    Attributes
    ----------
    by, group : str
        Column and its value; ``whole`` and ``""`` for everybody.
    inside : ndarray of bool, shape (answers,)
    n, n_missing : int
    """

    by: str
    group: str
    inside: np.ndarray
    n: int
    n_missing: int

    @property
    def key(self):
        return {"by": self.by, "group": self.group}

    @property
    def counts(self):
        return {"n": self.n, "n_missing": self.n_missing}


class Answers:
    """The answered scores of column `y`, checked against their scale, with weights and design.

    `frame` may be `moments.Counts` of `y` with every column that groups, strata or clusters are made of; the weights are in them.

    Raises
    ------
    InputError
        Unknown column, score outside the scale, negative weight.
    """

    def __init__(self, frame, y, scale, *, weights=None, weights_kind="sampling", clusters=None, strata=None, population=None, labels=None):
        counted = _counted(frame, y, weights)
        if counted:
            frame, weights = frame.frame, None
        need_columns(frame, [c for c in (y, clusters, strata, weights) if c])
        mistakes = Mistakes()
        with mistakes:
            check_scale(frame[y], scale, column=y)
        with mistakes:
            weights_of(frame, weights, weights_kind)
        mistakes.raise_all()
        if population is not None and not np.isscalar(population):
            population = dict(population)
        if isinstance(labels, pd.Series):
            labels = labels.to_dict()
        self.used = counted.sample([y]) if counted else sample(frame, [y], weights=weights, weights_kind=weights_kind)
        self.design = Design(self.used, clusters=clusters, strata=strata, population=population, labels=labels)
        self.y = pd.to_numeric(self.used.frame[y]).to_numpy(dtype=float)
        self.clusters = clusters
        self.everybody = frame if weights is None else frame[~(frame[weights] == 0)]
        many = weights is not None and weights_kind == "frequency"
        self._count = self.everybody[weights].fillna(0).to_numpy(dtype=float) if many else np.ones(len(self.everybody))
        if counted:
            self._count = frame["n"].to_numpy(dtype=float)

    @property
    def meta(self):
        """Counts and design, as every result carries them."""
        design = "clusters" if self.design.clusters is not None else "strata" if self.design.strata is not None else "none"
        n_clusters = None if self.design.clusters is None else len(np.unique(self.design.clusters))
        return {**self.used.meta, "design": design, "clusters": self.clusters, "n_clusters": n_clusters}

    @property
    def notes(self):
        """Coded notes of the design."""
        notes = [Note(code, values) for code, values in self.design.notes]
        if self.clusters and self.used.n:
            g = int(self.design.clusters.max()) + 1
            if g < MANY_CLUSTERS:
                notes.append(Note("few_clusters" if g < FEWEST_CLUSTERS else "wild_cluster", {"clusters": g}))
        return notes

    def groups(self, by=(), *, whole=True, order=None):
        """Everybody, then every group of the columns `by`, in the order of their names (or of `order`: column to values)."""
        found = []
        if whole:
            found.append(Group("whole", "", np.ones(len(self.y), dtype=bool), self.used.n, self.used.n_missing))
        for column in [by] if isinstance(by, str) else list(by):
            need_columns(self.everybody, [column])
            if column == "whole":
                raise InputError("'whole' is the name of everybody together; rename that column.")
            values = self.everybody[column]
            names = (order or {}).get(column) or sorted(values.dropna().unique(), key=str)
            mine = self.used.frame[column]
            for name in names:
                inside = (mine == name).to_numpy(dtype=bool, na_value=False)
                n = int(round(self.design.f[inside].sum()))
                n_in = int(self._count[(values == name).to_numpy(dtype=bool, na_value=False)].sum())
                found.append(Group(column, str(name), inside, n, n_in - n))
        return found


def _counted(frame, y, weights):
    """The counts that stand in place of a frame, or None."""
    if isinstance(frame, Moments):
        raise InputError(f"Sums do not keep single answers: give `moments.counts(source, ['{y}'], by=…)` in place of moments.")
    if not isinstance(frame, Counts):
        return None
    if weights is not None:
        raise InputError(f"The weights are in the counts already; leave out weights='{weights}'.")
    return frame


def level_status(found):
    """Status of an estimated mean: by its n and its design, ``degenerate`` without spread."""
    if found.n == 0:
        return "insufficient"
    if found.n > 1 and found.sd == 0:
        return "degenerate"
    return found.status

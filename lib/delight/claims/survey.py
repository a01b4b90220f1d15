"""A survey as claims look at it: who was asked what, and what earlier chapters found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pandas as pd

from delight.scales import Scale


@dataclass(frozen=True)
class Survey:
    """What claims are tested on.

    Attributes
    ----------
    frame : DataFrame
        One row a response of the wave in focus, columns named as in the codebook.
    waves : DataFrame
        The same of all waves up to it, with a column ``wave``; `frame` where there is one wave.
    columns : function need -> list of str
        Columns that meet a need (``role``, ``role:tie``, ``tie=value``) and hold answers in `frame`.
    scales : dict of str to Scale
    ties : dict of str to dict
        Column → its ``group, level, employee, touchpoint, construct, pair``.
    delight_from : float or None
        Lowest overall score that counts as delighted.
    weights, weights_kind, clusters, not_applicable
        As methods take them.
    strata, population, labels
        Design of levels and shares, as `delight.estimate.Design` takes it.
    order : list of str
        Waves in order of time, the focus last.
    times : dict of str to date, optional
        When each wave was held.
    table : function name -> Result or None
        A table that an earlier chapter saved.
    n_boot, seed : int
    kept : dict
        Results computed for one claim that another needs too.
    """

    frame: pd.DataFrame
    columns: Callable
    scales: dict
    ties: dict = field(default_factory=dict)
    waves: pd.DataFrame | None = None
    delight_from: float | None = 9
    weights: str | None = None
    weights_kind: str = "sampling"
    clusters: str | None = None
    not_applicable: dict = field(default_factory=dict)
    strata: str | None = None
    population: object = None
    labels: dict | None = None
    order: list = field(default_factory=list)
    times: dict | None = None
    table: Callable = lambda name: None
    n_boot: int = 2000
    seed: int = 20250101
    kept: dict = field(default_factory=dict, repr=False, compare=False)

    def column(self, need):
        """The first column that meets a need, or None."""
        return next(iter(self.columns(need)), None)

    def first(self, *needs):
        """The column of the first of several needs that was asked, or None."""
        return next((column for need in needs for column in self.columns(need)), None)

    def scale(self, column) -> Scale:
        return self.scales[column]

    def tied(self, role, **ties):
        """Columns of a role whose ties are among the values given: ``tied("attribute", group=("surprise",))``."""
        return [c for c in self.columns(role) if all(self.ties.get(c, {}).get(t) in allowed for t, allowed in ties.items())]

    def but(self, **changed):
        """The same survey with some entries changed; nothing computed for the old one is kept."""
        return replace(self, **{"kept": {}, **changed})

    @property
    def design(self):
        """How locations came into the research, as keyword arguments of `delight.estimate.Design`."""
        return {"clusters": self.clusters, "strata": self.strata, "population": self.population, "labels": self.labels}

    @property
    def weighting(self):
        """Weights as keyword arguments of a method."""
        return {"weights": self.weights, "weights_kind": self.weights_kind}

    def lacks(self, claim):
        """What a claim needs and this survey has not: choices of needs."""
        return [choice for choice in claim.needs if not any(self.columns(need) for need in choice)]

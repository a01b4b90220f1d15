"""What a reader of all reports of a study and wave can work out of the locations that they hide."""

from __future__ import annotations

import json
from collections import defaultdict

import numpy as np
import pandas as pd
from delight.publish.headline import headline
from delight.result import Result
from scipy.optimize import linprog

#: A mean known to within this part of its scale is known.
CLOSE = 0.06


class Attack:
    """What a reader of all reports knows of one question in one wave, as linear equations in the sums and counts of locations.

    The reader is given more than any has: how many answered at every location, and where the scale ends.
    """

    def __init__(self, sizes, labels, weights=None):
        self.names = [name for name in sizes if sizes[name]]
        self.n = np.array([sizes[name] for name in self.names], float)
        self.weights = np.array([weights[name] if weights else 1.0 for name in self.names])
        self.labels = labels
        self.rows, self.sums = [], []

    def inside(self, by, group):
        return np.array([self._inside(by, group, name) for name in self.names], float)

    def _inside(self, by, group, name):
        if by in ("whole", "organisation"):
            return True
        label = self.labels.get(group, "")
        return {
            "label": bool(name) and self.labels.get(name) == group,
            "location": name == group,
            "rest": bool(name) and name != group and (not label or self.labels.get(name) == label),
        }[by]

    def learn(self, by, group, total):
        """That a cell's answers add up to `total`."""
        self.rows.append(self.inside(by, group))
        self.sums.append(total)

    def learn_mean(self, by, group, mean):
        """What a mean of a cell says of sums: in that of several locations, answers count by their weights."""
        inside = self.inside(by, group) * (1 if by == "location" else self.weights)
        self.rows.append(inside)
        self.sums.append(mean * (inside @ self.n))

    def determined(self, name):
        """Whether the sum of one location follows from what is known."""
        if not self.rows:
            return False
        matrix, wanted = np.array(self.rows), self.inside("location", name)
        return np.linalg.matrix_rank(np.vstack([matrix, wanted])) == np.linalg.matrix_rank(matrix)

    def width(self, name, lowest, highest):
        """Width of the interval in which the location's mean must lie, given the ends of the scale."""
        wanted = self.inside("location", name)
        bounds = [(lowest * n, highest * n) for n in self.n]
        ends = []
        for sign in (1, -1):
            found = linprog(sign * wanted, A_eq=np.array(self.rows) if self.rows else None, b_eq=self.sums or None, bounds=bounds)
            assert found.status == 0, "what was published does not add up"
            ends.append(found.fun * sign)
        return (ends[1] - ends[0]) / self.n[self.names.index(name)]


#: Where a mean, and a share of delighted customers, stands in the tables by location, label or whole.
MEANS, SHARES = ("raw", "mean"), ("share_raw", "share_delighted")


def published(contents):
    """Every row by location, label or whole that any report delivers, and the headlines of the index.

    Returns
    -------
    dict of (measure, by, group) to set of (n, mean or NaN)
        A measure is a question, "delighted", or the name of a table that only counts.
    """
    found = defaultdict(set)
    for content in contents:
        for name in content.table_names():
            result = content.result(name)
            table = result.table
            if not {"by", "group", "n"} <= set(table.columns):
                continue
            shares = name == "satisfaction.location_shares"
            mean, share = (None, "raw") if shares else (next((c for c in some if c in table), None) for some in (MEANS, SHARES))
            asked = table["attribute"] if "attribute" in table else [result.meta.get("y") or name] * len(table)
            for measure, row in zip(asked, table.to_dict("records")):
                if pd.isna(row["n"]) or row["by"] not in ("whole", "organisation", "label", "location"):
                    continue
                about = (row["by"], "" if row["by"] in ("whole", "organisation") else str(row["group"]))
                found[str(measure), *about].add((row["n"], row[mean] if mean else np.nan))
                if share and measure == "overall":
                    found["delighted", *about].add((row["n"], row[share]))
        shown = content.headline if isinstance(content, Delivered) else headline(content)
        place = content.about["location"]
        if "n" in shown:
            found["index", "location" if place else "whole", place].add((shown["n"], np.nan))
    return found


def attacks(contents, responses, labels, customers=None):
    """An attack for every question that any report tells of.

    Parameters
    ----------
    contents : sequence of Content or Delivered
    responses : DataFrame
        Answers of the wave, for how many there are at every location.
    labels : dict of location to label
    customers : function of a question, optional
        By how much an answer at each location counts in means of labels and the whole: dict of location to weight; 1 if not given.
    """
    found = {}
    for (measure, by, group), values in published(contents).items():
        column = "overall" if measure == "delighted" else measure if measure in responses else None
        answered = responses if column is None else responses[responses[column].notna()]
        sizes = answered["location"].value_counts().reindex(sorted(labels), fill_value=0).to_dict()
        attack = found.setdefault((measure, "n"), Attack(sizes, labels))
        for n, mean in values:
            attack.learn(by, group, n)
            if column is not None and pd.notna(mean):
                weights = customers(column) if customers else None
                found.setdefault((measure, "sum"), Attack(sizes, labels, weights)).learn_mean(by, group, mean)
    return found


def recovered(found, plan, wave, scales):
    """Hidden cells that follow from what is published, in words.

    Parameters
    ----------
    found : dict
        Of `attacks`.
    plan : Plan
    wave : str
    scales : function of a measure
        Lowest and highest answer.
    """
    wrong = []
    for (measure, kind), attack in found.items():
        for place in attack.names:
            if plan.shown("location", place, wave, measure):
                continue
            if attack.determined(place):
                wrong.append(f"{kind} of {measure} at {place}")
            elif kind == "sum":
                low, high = scales(measure)
                if attack.width(place, low, high) < CLOSE * (high - low):
                    wrong.append(f"mean of {measure} at {place}")
    return wrong


class Delivered:
    """A finished report as it lies in the folder of reports: what everybody holds who received it."""

    def __init__(self, folder):
        self.folder = folder
        self.about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        self.headline = self.about["headline"]

    def table_names(self):
        return sorted(p.stem for p in (self.folder / "tables").glob("*.parquet"))

    def result(self, name):
        return Result.load(self.folder / "tables" / name)

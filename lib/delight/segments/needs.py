"""What people say they need, as levels that latent classes can be fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from delight.errors import InputError, did_you_mean
from delight.estimate import need_columns
from delight.segments import em

FORMATS = ("rating", "pick", "rank", "best-worst")


@dataclass(frozen=True)
class Coding:
    """How answers about needs become levels: fixed once, so that later waves are coded alike.

    Attributes
    ----------
    items : tuple of str
    form : {"rating", "pick", "rank", "best-worst"}
        How the needs were asked.
    within : bool
        Ratings as they are, for classes in which every person has a level of her own (`em.Wishes`).
    cuts : tuple of float
        A value at or above the i-th cut has at least level i. Empty: the levels are `values`.
    values : tuple of float
        Values of the levels where there are no cuts.
    """

    items: tuple
    form: str
    within: bool = False
    cuts: tuple = ()
    values: tuple = ()

    @property
    def levels(self):
        """Levels of each item."""
        return () if self.within else (len(self.cuts) + 1 if self.cuts else len(self.values),) * len(self.items)

    def rows(self, frame):
        """What classes are fitted to, shape (rows, items): levels from 0 with -1 for no answer; within-person the ratings with NaN.

        Within-person, a row with fewer than half (or two) of the items answered says nothing and is all NaN.
        """
        values = answers(frame, self.items, self.form)
        if self.within:
            return np.where(np.isnan(centred(values)).all(axis=1, keepdims=True), np.nan, values)
        if not self.cuts and not self.values:  # nobody answered
            return np.full(values.shape, -1)
        if self.cuts:
            codes = np.digitize(values, np.asarray(self.cuts) - 1e-9)
        else:
            codes = np.abs(values[..., None] - np.asarray(self.values)).argmin(axis=-1)
        return np.where(np.isnan(values), -1, codes)

    def kind(self, rows):
        """The kind of classes for rows coded this way."""
        return em.Wishes(rows) if self.within else em.Answers(rows, self.levels)

    def as_dict(self):
        return {"form": self.form, "within": self.within, "cuts": list(self.cuts), "values": list(self.values)}


def coding(frame, items, *, form="rating", scales=None, within=False):
    """Choose the levels of needs from how they were asked and, for ratings, from all answers together.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    items : sequence of str
        Columns of needs. Pick: 0/1. Rank: 1 is first; an item left unranked by somebody who ranked others counts as last.
        Best-worst: above the middle of the scale is best, below it worst. Rating: points of a scale.
    form : str
    scales : dict of Scale, optional
        Needed for best-worst (the middle of the scale), checked for all.
    within : bool
        For classes of what a person wants more than other things.

    Returns
    -------
    Coding

    Raises
    ------
    InputError
        Unknown format or column, fewer than two items, a value outside its scale or format.

    Notes
    -----
    Ratings of more than five points: cut near the fifths of all answers to all items together, one set of cuts so that items
    stay comparable. Within-person: deviations cut at ±0.5 and ±1.5 of their standard deviation. Rank: top third, middle, rest.
    """
    items = tuple(items)
    check_needs(frame, items, form=form, scales=scales)
    if within and form != "rating":
        raise InputError("Within-person levels are for needs asked as ratings.")
    values = answers(frame, items, form)
    if form == "pick":
        return Coding(items, form, values=(0.0, 1.0))
    if form == "rank":
        last = float(np.nanmax(values)) if np.isfinite(values).any() else len(items)
        top = float(np.ceil(max(last, len(items)) / 3))
        return Coding(items, form, cuts=(top + 0.5, 2 * top + 0.5))
    if form == "best-worst":
        middle = _middle(values, items, scales)
        return Coding(items, form, cuts=(middle - 1e-6, middle + 1e-6))
    if within:
        return Coding(items, form, True)
    points = np.unique(values[np.isfinite(values)])
    if len(points) <= 5:
        return Coding(items, form, values=tuple(map(float, points)))
    return Coding(items, form, cuts=tuple(_fifths(values[np.isfinite(values)], points)))


def check_needs(frame, items, *, form, scales=None):
    """Raise `InputError` naming every column or value that does not fit the declared format."""
    if form not in FORMATS:
        raise InputError(f"Needs are asked as {', '.join(FORMATS)}, not {form!r}.{did_you_mean(form, FORMATS)}")
    if len(items) < 2:
        raise InputError(f"Segments need at least two questions on needs; there are {len(items)}.")
    need_columns(frame, items)
    wrong = []
    for item in items:
        try:
            values = pd.to_numeric(frame[item]).to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError) as error:
            wrong.append(f"'{item}' is not numeric ({error})")
            continue
        known = values[np.isfinite(values)]
        bad = np.zeros(len(values), dtype=bool)
        if scales and item in scales:
            bad = ~scales[item].allows(values)
        elif form == "pick":
            bad = ~np.isin(values, (0, 1)) & np.isfinite(values)
        elif form == "rank":
            bad = np.isfinite(values) & ((values < 1) | (values % 1 != 0))
        if bad.any():
            row = frame.index[int(np.flatnonzero(bad)[0])]
            wrong.append(f"'{item}' has {int(bad.sum())} of {len(known)} values that are no {form} (first in row {row})")
    if wrong:
        raise InputError("Needs declared as " + form + ": " + "; ".join(wrong) + ". Mend the codebook or `[segments] needs`.")


def preferences(frame, items, *, form):
    """How much each person wants each item, shape (rows, items): higher is more; ratings centred on the person's own mean."""
    values = answers(frame, items, form)
    if form == "rating":
        return centred(values)
    return -values if form == "rank" else values


def centred(values):
    """Deviations from each row's own mean over the items answered; rows with fewer than half (or two) of them answered are NaN."""
    answered = np.isfinite(values).sum(axis=1, keepdims=True)
    mean = np.nansum(values, axis=1, keepdims=True) / np.maximum(answered, 1)
    enough = (answered >= 2) & (2 * answered >= values.shape[1])
    return np.where(enough, values - mean, np.nan)


def person_mean(values):
    """Each row's mean over the items answered; NaN where none is."""
    answered = np.isfinite(values).sum(axis=1)
    return np.where(answered > 0, np.nansum(values, axis=1) / np.maximum(answered, 1), np.nan)


def answers(frame, items, form):
    """Answers as numbers, shape (rows, items), gaps that mean "not chosen" filled in."""
    values = np.column_stack([pd.to_numeric(frame[c]).to_numpy(dtype=float, na_value=np.nan) for c in items])
    answered = np.isfinite(values)
    if form == "rank" and answered.any():
        last = max(float(np.nanmax(values)), float(len(items)))
        values = np.where(~answered & answered.any(axis=1, keepdims=True), last, values)
    if form == "pick" and answered.any() and not (values == 0).any():  # exports that leave what was not picked empty
        values = np.where(~answered & answered.any(axis=1, keepdims=True), 0.0, values)
    return values


def _middle(values, items, scales):
    scale = (scales or {}).get(items[0])
    if scale is not None:
        return (scale.min + scale.max) / 2
    return float((np.nanmin(values) + np.nanmax(values)) / 2) if np.isfinite(values).any() else 0.0


def _fifths(values, points):
    """Points nearest to where the fifths of all answers lie, at most four cuts."""
    below = np.array([(values < p).mean() for p in points[1:]])
    chosen = {int(np.abs(below - share).argmin()) for share in (0.2, 0.4, 0.6, 0.8)}
    return [float(points[1 + i]) for i in sorted(chosen)]

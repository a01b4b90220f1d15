"""The answers behind the widgets: every column as small whole numbers, so that a selection is a mask and a result comes from counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from delight.errors import InputError, did_you_mean
from delight.show.widgets.code import written

#: Masks that are kept.
KEPT = 24
#: Name of the column that tells two selections apart.
SELECTION = "selection"


@dataclass(frozen=True)
class Coded:
    """A column as small integers.

    Attributes
    ----------
    codes : ndarray of int
        Place of each row's answer in `values`; the last place is a missing answer.
    values : ndarray
        Distinct answers, in order.
    """

    codes: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, column):
        codes, values = pd.factorize(column, sort=True)
        small = np.min_scalar_type(len(values))
        return cls(np.where(codes < 0, len(values), codes).astype(small), np.asarray(values))

    def place(self, value):
        """The code of an answer; -1 where nobody gave it."""
        found = np.flatnonzero(self.values == value)
        return int(found[0]) if len(found) else -1


class Data:
    """Responses with everything a widget needs to know of them.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    by : sequence of str
        Columns to filter on, such as ``wave`` and ``location``.
    words : delight.show.Words
    scales : dict of str to Scale, optional
        Of the questions that will be looked at.
    minimum_group : int
        A selection of fewer responses is not shown.
    weights, weights_kind : str, optional
        Column of weights, as every method has them.
    wave : str
        Column of waves.
    design : dict, optional
        ``clusters, strata, population, labels`` of levels and shares; strata only count within one wave.
    setup : sequence of str
        Lines of Python that make the variable ``responses``.
    model : function of a column, optional
        Arguments of a model with this outcome as a `code.Named`, so that code can name them in place of writing them out.
    title : str
        What saved files are called after.

    Raises
    ------
    InputError
        A column is not in the table.
    """

    def __init__(
        self,
        frame,
        *,
        by,
        words,
        scales=None,
        minimum_group=10,
        weights=None,
        weights_kind="sampling",
        wave="wave",
        design=None,
        setup=("# responses: your table, one row a response",),
        model=None,
        title="responses",
    ):
        missing = [c for c in [*by, *([weights] if weights else [])] if c not in frame]
        if missing:
            hint = did_you_mean(missing[0], list(frame.columns))
            raise InputError(f"The table has no column {', '.join(repr(c) for c in missing)} to filter on.{hint}")
        self.frame, self.by, self.words, self.scales = frame, list(by), words, dict(scales or {})
        self.minimum_group, self.weights, self.weights_kind, self.wave = minimum_group, weights, weights_kind, wave
        self.design, self.setup, self.title = dict(design or {}), list(setup), title
        self.model = model or (lambda y: None)
        self._coded, self._masks, self._shelter = {}, {}, {}

    def __len__(self):
        return len(self.frame)

    def coded(self, column):
        """A column as small integers, made once."""
        if column not in self._coded:
            if column not in self.frame:
                raise InputError(f"The table has no column '{column}'.{did_you_mean(column, list(self.frame.columns))}")
            self._coded[column] = Coded.of(self.frame[column])
        return self._coded[column]

    # ---- selections

    def mask(self, choice):
        """Rows whose columns have the values of `choice`; None for everybody. The last few are kept: one change asks for the same ones."""
        if not choice:
            return None
        key = tuple(sorted(choice.items(), key=str))
        if key not in self._masks:
            if len(self._masks) >= KEPT:
                self._masks.pop(next(iter(self._masks)))
            (column, value), rest = key[-1], key[:-1]
            coded = self.coded(column)
            here = coded.codes == coded.place(value)
            self._masks[key] = here if not rest else self.mask(dict(rest)) & here
        return self._masks[key]

    def n(self, mask=None):
        """Responses of a selection; frequency weights counted."""
        if self.weights and self.weights_kind == "frequency":
            w = self._weight if mask is None else self._weight[mask]
            return int(round(np.nansum(w)))
        return len(self) if mask is None else int(np.count_nonzero(mask))

    def n_eff(self, mask=None):
        """Effective number of responses of a selection."""
        if not self.weights or self.weights_kind == "frequency":
            return float(self.n(mask))
        w = self._weight if mask is None else self._weight[mask]
        w = w[np.isfinite(w) & (w > 0)]
        return float(w.sum() ** 2 / (w**2).sum()) if len(w) else 0.0

    @property
    def _weight(self):
        if "(weight)" not in self._coded:
            self._coded["(weight)"] = pd.to_numeric(self.frame[self.weights]).to_numpy(dtype=float, na_value=np.nan)
        return self._coded["(weight)"]

    def sheltered(self, choice):
        """Why a selection may not be shown: ``few`` (too small), ``told`` (would give away a smaller group), or empty.

        A filter divides its selection into groups. Groups below the minimum are hidden; where these together are below it too, the
        next smallest is hidden with them, because what is shown, taken from the whole, would tell them.
        """
        key = frozenset(choice.items())
        if key not in self._shelter:
            if len(self._shelter) >= KEPT:
                self._shelter.clear()
            self._shelter[key] = self._sheltered(choice)
        return self._shelter[key]

    def _sheltered(self, choice):
        if self.n(self.mask(choice)) < self.minimum_group:
            return "few"
        for column, value in choice.items():
            others = self.mask({c: v for c, v in choice.items() if c != column})
            coded = self.coded(column)
            size = self._tally([(coded.codes, len(coded.values) + 1)], others)[0]
            small = (size > 0) & (size < self.minimum_group)
            hidden = size[small].sum()
            if not 0 < hidden < self.minimum_group:
                continue
            shown = np.flatnonzero((size >= self.minimum_group) & (np.arange(len(size)) < len(coded.values)))
            if len(shown) and shown[np.argmin(size[shown])] == coded.place(value):
                return "told"
        return ""

    # ---- numbers

    def counts(self, y, *, within=None, groups=None, also=()):
        """How often each answer to `y` was given: what stands for the rows in every method of one question.

        Parameters
        ----------
        y : str
        within : ndarray of bool, optional
            Rows that count at all.
        groups : dict of str to ndarray of bool, optional
            Name → rows; adds the column ``selection``, where a row goes to the first group that has it.
        also : sequence of str
            Further columns kept apart.

        Returns
        -------
        delight.moments.Counts
        """
        from delight.moments import Counts

        axes = {c: self.coded(c) for c in dict.fromkeys([y, *also])}
        parts = [(coded.codes, len(coded.values) + 1) for coded in axes.values()]
        if groups:
            parts.append((_first_of(groups.values(), len(self)), len(groups) + 1))
        n, w, w2 = self._tally(parts, within)
        used = np.flatnonzero(n > 0)
        places = np.unravel_index(used, [size for _codes, size in parts])
        columns = {c: np.append(coded.values.astype(object), None)[at] for (c, coded), at in zip(axes.items(), places)}
        columns = {c: pd.to_numeric(pd.Series(v)) if axes[c].values.dtype.kind in "iufb" else v for c, v in columns.items()}
        if groups:
            columns[SELECTION] = np.array([*groups, None], dtype=object)[places[-1]]
        frame = pd.DataFrame({**columns, "n": n[used].astype(float), "w": w[used], "w2": w2[used]})
        return Counts(frame, [y], self.weights_kind if self.weights else "none")

    def _tally(self, parts, within=None):
        """Answers, weight and squared weight of every combination of codes, for the rows `within`.

        A row of bytes is multiplied and added up much faster than rows are picked out of it, so rows that do not count get a cell of their own.
        """
        if within is not None:
            parts = [(within.view(np.uint8), 2), *parts]
        sizes = [size for _codes, size in parts]
        small = np.min_scalar_type(int(np.prod(sizes)))
        cell = np.zeros(len(self), dtype=small)
        for codes, size in parts:
            cell *= small.type(size)
            cell += codes.astype(small, copy=False)
        sums = self._sums(cell, int(np.prod(sizes)))
        return sums if within is None else [each[len(each) // 2 :] for each in sums]

    def _sums(self, cell, size):
        if not self.weights:
            n = np.bincount(cell, minlength=size)
            return [n, n.astype(float), n.astype(float)]
        w = self._weight
        if self.weights_kind == "frequency":
            n = np.bincount(cell, np.nan_to_num(w), minlength=size)
            return [n, n, n]
        known = np.isfinite(w) & (w > 0)
        weights = known.astype(float), np.where(known, w, 0.0), np.where(known, w * w, 0.0)
        return [np.bincount(cell, each, minlength=size) for each in weights]

    def rows(self, mask=None):
        """The responses of a selection, for methods that need rows."""
        return self.frame if mask is None else self.frame[mask]

    def part(self, mask, most):
        """(the responses of a selection, or evenly every k-th of them where they are more than `most`; k)."""
        n = len(self) if mask is None else int(np.count_nonzero(mask))
        if n <= most:
            return self.rows(mask), 1
        every = -(-n // most)
        at = np.arange(len(self)) if mask is None else np.flatnonzero(mask)
        return self.frame.iloc[at[::every]], every

    def table(self, columns, mask=None):
        """(table, weights, weights_kind) of a few columns: identical answers counted once, where no weight stands in the way.

        What a method takes with its ``weights`` and ``weights_kind``; a million rows become a few hundred.
        """
        if self.weights and self.weights_kind == "sampling":
            return self.rows(mask)[[*columns, self.weights]], self.weights, "sampling"
        frame, weight = self.counts(columns[0], within=mask, also=columns[1:]).as_frequencies()
        return frame, weight, "frequency"

    def measure(self, y):
        """``y, scale, weights, weights_kind`` for methods of one question."""
        return {"y": y, "scale": self.scales[y], "weights": self.weights, "weights_kind": self.weights_kind if self.weights else None}

    # ---- as code

    def lines(self, choice, name="chosen", of="responses"):
        """The line that makes a selection; none for everybody."""
        if not choice:
            return [f"{name} = {of}"]
        parts = [f"({of}[{written(c)}] == {written(v)})" for c, v in choice.items()]
        return [f"{name} = {of}[{' & '.join(parts)}]"]

    def part_line(self, every):
        """The line that takes every k-th response; none for all of them."""
        return [f"chosen = chosen.iloc[::{every}]"] if every > 1 else []

    def part_note(self, n, every, follows=True):
        """What to say of numbers from every k-th response."""
        if every == 1:
            return []
        _, number = self.words.gettext, self.words.number
        note = (
            _("From {few} of these responses, evenly taken; all {n} follow.")
            if follows
            else _("From {few} of these {n} responses, evenly taken.")
        )
        return [note.format(few=number(-(-n // every)), n=number(n))]

    def condition(self, choice, of="responses"):
        """A selection as an expression: True where a row is in it."""
        parts = [f"({of}[{written(c)}] == {written(v)})" for c, v in choice.items()]
        return " & ".join(parts) if parts else f"pd.Series(True, {of}.index)"


def _first_of(groups, rows):
    """For every row the place of the first group that has it, the number of groups where none has; a group of None has every row."""
    groups = list(groups)
    small = np.min_scalar_type(len(groups))
    place = np.full(rows, len(groups), dtype=small)
    for at, inside in reversed(list(enumerate(groups))):
        if inside is None:
            place[:] = at
        else:
            inside = inside.view(np.uint8).astype(small, copy=False)
            place = place * (1 - inside) + small.type(at) * inside
    return place


def hidden(table, minimum, *, n="n", keep=()):
    """A table of groups in which small ones are left empty, with the next smallest where what is left would tell them.

    Parameters
    ----------
    table : DataFrame
        One row a group; unchanged.
    minimum : int
    n : str
        Column of the size of a group.
    keep : sequence of str
        Columns that say what a row is about.

    Returns
    -------
    (DataFrame, list)
        The table with NaN and status ``suppressed``, and the places of the rows hidden.
    """
    size = table[n].to_numpy(dtype=float)
    gone = (size > 0) & (size < minimum)
    if 0 < size[gone].sum() < minimum and (size >= minimum).any():
        gone[np.flatnonzero(size >= minimum)[np.argmin(size[size >= minimum])]] = True
    if not gone.any():
        return table, []
    table = table.copy()
    numbers = [c for c in table if c not in (*keep, "status") and table[c].dtype.kind in "iufb"]
    table[numbers] = np.where(gone[:, None], np.nan, table[numbers].to_numpy(dtype=float))
    table.loc[gone, "status"] = "suppressed"
    return table, np.flatnonzero(gone).tolist()

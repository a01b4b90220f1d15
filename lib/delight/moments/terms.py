"""What is summed: functions of one column each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from delight.errors import InputError

KINDS = ("linear", "below", "above", "low", "high")
FAMILIES = ("linear", "knots", "dummies")


class Term(NamedTuple):
    """A function of one column.

    Attributes
    ----------
    column : str
        Empty for the constant.
    kind : {"one", "linear", "below", "above", "low", "high"}
        1, x, min(x - cut, 0), max(x - cut, 0), [x <= cut], [x >= cut].
    cut : float
    """

    column: str
    kind: str = "linear"
    cut: float = 0.0

    def of(self, values):
        """The term's values, as floats."""
        if self.kind == "low":
            return (values <= self.cut).astype(float)
        if self.kind == "high":
            return (values >= self.cut).astype(float)
        moved = np.asarray(values, dtype=float) - self.cut
        if self.kind == "below":
            return np.minimum(moved, 0)
        return np.maximum(moved, 0) if self.kind == "above" else moved

    def into(self, values, origin, out):
        """Write the term's values, less `origin`, into `out` (any float type)."""
        if self.kind == "one":
            out[:] = 1
        elif self.kind == "linear":
            np.subtract(values, out.dtype.type(origin), out=out, dtype=out.dtype, casting="unsafe")
        elif self.kind == "low":
            out[:] = values <= self.cut
        elif self.kind == "high":
            out[:] = values >= self.cut
        else:
            np.subtract(values, out.dtype.type(self.cut), out=out, dtype=out.dtype, casting="unsafe")
            (np.minimum if self.kind == "below" else np.maximum)(out, 0, out=out)


ONE = Term("", "one")


def declared(y, x, always, scales, families, knots, coding):
    """The terms that the methods named by `families` need: the constant, forced columns, attributes, the outcome."""
    unknown = [f for f in families if f not in FAMILIES]
    if unknown:
        raise InputError(f"terms are {', '.join(FAMILIES)}, not {', '.join(map(repr, unknown))}.")
    if coding not in ("default", "extremes"):
        raise InputError(f"coding is 'default' or 'extremes', not {coding!r}: cuts must be known before the answers are read.")
    terms = [ONE, *(Term(c) for c in always), *(Term(a) for a in x), Term(y)]
    for a in x if len(families) > 1 or "linear" not in families else ():
        if a not in scales:
            raise InputError(f"Knots and dummies need the scale of every attribute; missing in `scales`: '{a}'.")
        knot = knots.get(a, scales[a].knot)
        if "knots" in families and knot is not None:
            terms += [Term(a, "below", float(knot)), Term(a, "above", float(knot))]
        cuts = scales[a].low_high if coding == "default" else (scales[a].min, scales[a].max)
        if "dummies" in families and cuts is not None:
            terms += [Term(a, "low", float(cuts[0])), Term(a, "high", float(cuts[1]))]
    return tuple(dict.fromkeys(terms))


def origins(terms, scales):
    """Where each term is counted from, so that squares stay small: the middle of its scale (a whole number), else 0."""
    return np.array(
        [round((scales[t.column].min + scales[t.column].max) / 2) if t.kind == "linear" and t.column in scales else 0.0 for t in terms],
        dtype=float,
    )

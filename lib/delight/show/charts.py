"""Charts: what a figure shows in a neutral form, so that a spreadsheet and slides can draw it natively and a client can edit it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: bar: lying bars; column: standing bars; stacked: lying bars of shares, 100 % in all; line: dots in order, joined; dots: the same,
#: not joined; scatter: points named by `Chart.categories`.
KINDS = ("bar", "column", "stacked", "line", "dots", "scatter")

#: Number formats of `delight.show.views.Column`; office programs show them with the marks of the reader's own country.
NUMBERS = {
    "count": "#,##0",
    "grade": "0.0",
    "number1": "0.0",
    "number2": "0.00",
    "number3": "0.000",
    "percent": "0%",
    "percent1": "0.0%",
    "points": "+0;−0;0",
    "signed1": "+0.0;−0.0;0.0",
    "signed2": "+0.00;−0.00;0.00",
    "p": "[<0.001]0.0000;0.000",
}


@dataclass(frozen=True)
class Series:
    """One set of values.

    Attributes
    ----------
    name : str
        In the legend; "" where the chart has one set.
    values : sequence of float
        One a category; NaN where there is none.
    lo, hi : sequence of float, optional
        Limits of the values.
    colour : str
        ``#rrggbb``; "" takes the next of the palette.
    colours : sequence of str
        A colour a point, where points differ.
    x : sequence of float
        Of a scatter: the horizontal values.
    """

    name: str
    values: object
    lo: object = None
    hi: object = None
    colour: str = ""
    colours: tuple = ()
    x: object = None

    @property
    def known(self):
        """Values as numbers, without limits; NaN is None, an empty cell."""
        return _numbers(self.values)

    @property
    def distances(self):
        """How far the limits lie below and above each value; None without limits."""
        if self.lo is None:
            return None
        value, lo, hi = (np.asarray(v, dtype=float) for v in (self.values, self.lo, self.hi))
        return [np.nan_to_num(np.maximum(d, 0)).tolist() for d in (value - lo, hi - value)]


@dataclass(frozen=True)
class Chart:
    """A chart that Excel and PowerPoint can draw.

    Attributes
    ----------
    kind : str
        Of `KINDS`.
    categories : list of str
        In the reader's language, in the order of reading: the first is on top, or at the left.
    series : list of Series
    format : str
        Format of the values as `delight.show.views.Column` has it.
    axis, x_axis : str
        Titles of the axis of values and, of a scatter, of the horizontal axis.
    x_format : str
        Format of the horizontal values of a scatter.
    title : str
        Above one of several charts side by side.
    """

    kind: str
    categories: list
    series: list
    format: str = "number1"
    axis: str = ""
    x_axis: str = ""
    x_format: str = "number1"
    title: str = ""

    @property
    def empty(self):
        """Whether there is nothing to draw."""
        return not self.categories or all(v is None for s in self.series for v in s.known)

    @property
    def ends(self):
        """Lowest and highest value of the axis, None where the program may choose: bars begin at zero, no share goes beyond 100 %, and
        intervals lie within."""
        if self.kind == "stacked":
            return 0.0, 1.0
        known = [
            v for s in self.series for limits in (s.values, s.lo, s.hi) if limits is not None for v in _numbers(limits) if v is not None
        ]
        lowest, highest, low, high = min(known), max(known), None, None
        if any(s.lo is not None for s in self.series):  # programs look at the values alone, and would cut intervals off
            step = 10 ** np.floor(np.log10(max(highest - lowest, 1e-9))) / 2
            low, high = (round(float(end), 9) for end in (np.floor(lowest / step) * step, np.ceil(highest / step) * step))
        share, standing = self.format.startswith("percent"), self.kind in ("bar", "column")
        if lowest >= 0 and (standing or share):
            low = 0.0
        if highest <= 0 and standing:
            high = 0.0
        if share and 0.7 < highest <= 1:
            high = 1.0
        return low, high

    @property
    def sides(self):
        """Of a scatter: at which side of each point its name covers neither other points nor other names, if any does."""
        (series,) = self.series
        at = np.column_stack([np.asarray(v, dtype=float) for v in (series.x, series.values)])
        at = (at - np.nanmin(at, axis=0)) / np.maximum(np.nanmax(at, axis=0) - np.nanmin(at, axis=0), 1e-9)
        taken, found = [(x - 0.01, y - 0.02, x + 0.01, y + 0.02) for x, y in at], []
        for (x, y), name in zip(at, self.categories):
            wide, high = 0.011 * min(len(name), 24), 0.035
            boxes = {
                "right": (x + 0.015, y - high, x + 0.015 + wide, y + high),
                "left": (x - 0.015 - wide, y - high, x - 0.015, y + high),
                "above": (x - wide / 2, y + 0.025, x + wide / 2, y + 0.025 + 2 * high),
                "below": (x - wide / 2, y - 0.025 - 2 * high, x + wide / 2, y - 0.025),
            }
            free = [side for side, box in boxes.items() if not any(_overlap(box, other) for other in taken)]
            found.append(free[0] if free else "right")
            taken.append(boxes[found[-1]])
        return found


def _overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def offered(view, results, words, options):
    """The charts a figure offers, those with something to draw; none where it can only be a picture."""
    if view.chart is None:
        return []
    made = view.chart(*results, words, **options)
    return [chart for chart in (made if isinstance(made, list) else [made]) if chart is not None and not chart.empty]


def label(text):
    """Text of a chart: where it would be taken for a reference or a formula it begins with a space."""
    text = "".join(c for c in str(text) if c.isprintable() or c in "\n ")
    return f" {text}" if text[:1] in ("=", "{") else text


def _numbers(values):
    return [None if np.isnan(v) else float(v) for v in np.asarray(values, dtype=float)]

"""The loyalty curve, drawn once and then moved: answers, lines of the forms and the threshold follow the selection."""

from __future__ import annotations

import numpy as np

from delight.show.widgets.figures import Live


class Curves(Live):
    """Means at every grade with their intervals, lines over them, and a threshold.

    Parameters
    ----------
    words : Words
    factor : float
        What means are multiplied by.
    grades : tuple of float
    forms : dict of str to (str, str)
        Form of a line → its name and style, in the order of the legend.
    x_label, y_label : str
    ends : (float, float)
        Of the vertical axis.
    """

    def __init__(self, words, *, factor, **about):
        super().__init__(size=(165, 88), salt="loyalty")
        self.words, self.factor, self.about = words, factor, about

    def update(self, table, laid, tau, told, *, alt, title, caption):
        """The same figure with other numbers."""
        self.table, self.laid, self.tau, self.told = table.dropna(subset=["mean"]), laid, tau, told
        self.alt, self.title, self.caption = alt, title, caption
        return self

    def build(self, ax):
        from textwrap import fill

        from delight.show.theme import COLOURS, CYCLE

        limits = ax.vlines([], [], [], color=COLOURS["main"], linewidth=1.1)
        (dots,) = ax.plot([], [], "o", markersize=5, color=COLOURS["main"], zorder=3, label=self.words.gettext("answers at each grade"))
        lines = []
        for place, (name, style) in enumerate(self.about["forms"].values(), 1):
            look = {"color": CYCLE[place % len(CYCLE)], "linewidth": 1.6, "linestyle": style}
            lines += [ax.plot([], [], label=name, **look)[0], ax.plot([], [], **look)[0]]  # a step is drawn as two lines
        threshold = ax.axvline(0, color=COLOURS["second"], linewidth=1, linestyle=(0, (4, 3)))
        told = ax.annotate("", (0, 0.02), xycoords=("data", "axes fraction"), fontsize=8, color=COLOURS["second"])
        grades = self.about["grades"]
        ax.set_xlim(grades[0] - 0.6, grades[-1] + 0.6)
        ax.set_ylim(*self.about["ends"])
        ax.set_xlabel(self.about["x_label"])
        ax.set_ylabel(fill(self.about["y_label"], 36))
        if len(grades) <= 12:
            ax.set_xticks(grades)
        ax.grid(axis="y")
        ax.tick_params(length=0)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, handletextpad=0.4)
        return {"limits": limits, "dots": dots, "lines": lines, "threshold": threshold, "told": told}

    def move(self, parts):
        at, mean, lo, hi = (self.table[c].to_numpy(dtype=float) for c in ("grade", "mean", "ci_lo", "ci_hi"))
        parts["limits"].set_segments([[(x, self.factor * a), (x, self.factor * b)] for x, a, b in zip(at, lo, hi) if np.isfinite(a + b)])
        parts["dots"].set_data(at, self.factor * mean)
        lines = iter(parts["lines"])
        form, grade, fitted = (self.laid[c].to_numpy() for c in ("form", "grade", "fitted"))
        for name in self.about["forms"]:
            here = (form == name) & np.isfinite(fitted)
            below = here & (grade < self.tau) if name == "step" else here
            for rows in (below, here & ~below):
                next(lines).set_data(grade[rows], self.factor * fitted[rows])
        parts["threshold"].set_xdata([self.tau - 0.5] * 2)
        parts["told"].xy = parts["told"].xyann = (self.tau - 0.45, 0.02)
        parts["told"].set_text(self.told)

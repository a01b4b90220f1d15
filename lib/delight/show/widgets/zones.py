"""A distribution with the zones of delight, drawn once and then moved: bars, limits and words follow the selection."""

from __future__ import annotations

import numpy as np

from delight.show.widgets.figures import Live

#: Where the axis may end (%).
_TOPS = (10, 20, 30, 40, 60, 80, 100)
_COLOURS = {"low": "dissatisfied", "middle": "satisfied", "delighted": "delighted", "": "satisfied"}


class Zones(Live):
    """Bars of one or two selections over the points of a scale.

    Parameters
    ----------
    panels : list of (str, DataFrame)
        Name of a selection and its rows of `satisfaction.distribution`.
    words : Words
    scale : Scale
    label : str
        Below the axis.
    """

    def __init__(self, panels, words, scale, *, label):
        super().__init__(size=(165, 72), salt="zones")
        self.words, self.scale, self.label = words, scale, label
        self.points = panels[0][1]["point"].to_numpy(dtype=float)
        self.bands = panels[0][1]["band"].tolist()
        self.panels = panels

    def fits(self, panels):
        """Whether these panels go into the figure as it stands."""
        return len(panels) == len(self.panels) and np.array_equal(panels[0][1]["point"].to_numpy(dtype=float), self.points)

    def update(self, panels, *, title, caption):
        """The same figure with other numbers."""
        self.panels, self.title, self.caption = panels, title, caption
        self.alt = self._words_for_it()
        return self

    @property
    def _zones(self):
        """(band, first and last place, share of each panel)."""
        found = []
        for band in dict.fromkeys(self.bands):
            at = [i for i, b in enumerate(self.bands) if b == band]
            found.append((band, at[0], at[-1], [float(np.nansum(t["share"].to_numpy(dtype=float)[at])) for _n, t in self.panels]))
        return found

    def _zone_text(self, first, last, shares):
        low, high = (self.words.number(self.points[i], 0 if self.points[i] % 1 == 0 else 1) for i in (first, last))
        of = low if low == high else f"{low}–{high}"
        return f"{of}: " + " / ".join(self.words.percent(s) for s in shares)

    def _words_for_it(self):
        _ = self.words.gettext
        zones = "; ".join(self._zone_text(first, last, shares) for _b, first, last, shares in self._zones)
        return _("Distribution of the answers. Shares of the zones: {zones}.").format(zones=zones)

    @property
    def frame(self):
        """Where the axis ends."""
        highest = max(np.nanmax(100 * t[c].to_numpy(dtype=float), initial=0.0) for _n, t in self.panels for c in ("share", "hi"))
        return next((top for top in _TOPS if top >= highest), _TOPS[-1])

    def stand(self, ax):
        ax.set_ylim(0, self.frame)

    def build(self, ax):
        """Bars and limits of every panel, and the words above each zone."""
        from delight.show.theme import COLOURS, family

        step = float(np.min(np.diff(self.points))) if len(self.points) > 1 else 1.0
        number = len(self.panels)
        width = 0.8 * step / number
        bars, limits, texts = [], [], []
        for place in range(number):
            x = self.points + (place - (number - 1) / 2) * width
            colours = [COLOURS[_COLOURS[b]] for b in self.bands]
            bars += ax.bar(x, np.zeros(len(x)), width=width * 0.94, color=colours, alpha=1.0 if place == 0 else 0.45, linewidth=0)
            limits.append(ax.vlines(x, 0, 0, color=COLOURS["ink"], linewidth=0.8))
        for _band, first, last, _s in self._zones:
            middle = (self.points[first] + self.points[last]) / 2
            style = {"ha": "center", "va": "bottom", "fontsize": 9, "fontfamily": family(), "fontweight": 600, "color": COLOURS["ink"]}
            texts.append(ax.annotate("", (middle, 1.02), xycoords=("data", "axes fraction"), **style))
            if first:
                ax.axvline((self.points[first - 1] + self.points[first]) / 2, color=COLOURS["grid"], linewidth=0.8, zorder=0)
        if number == 2:
            from matplotlib.patches import Patch

            handles = [Patch(color=COLOURS["soft"], alpha=a, label=name) for a, (name, _t) in zip((1.0, 0.45), self.panels)]
            ax.legend(handles=handles, loc="upper left")
        ax.set_xticks(self.points if len(self.points) <= 12 else self.points[::4])
        ax.set_xlim(self.points[0] - 0.7 * step, self.points[-1] + 0.7 * step)
        ax.set_ylabel("%")
        ax.set_xlabel(self.label)
        ax.grid(axis="y")
        ax.spines["left"].set_visible(False)
        ax.tick_params(length=0)
        return {"bars": bars, "limits": limits, "texts": texts}

    def move(self, parts):
        """Bars, limits and words to the numbers of the panels."""
        bars = iter(parts["bars"])
        for limits, (_name, table) in zip(parts["limits"], self.panels):
            share, lo, hi = (np.nan_to_num(100 * table[c].to_numpy(dtype=float)) for c in ("share", "lo", "hi"))
            at = []
            for value in share:
                bar = next(bars)
                bar.set_height(value)
                at.append(bar.get_x() + bar.get_width() / 2)
            limits.set_segments([[(x, a), (x, b)] for x, a, b in zip(at, lo, hi)])
        for text, (_band, first, last, shares) in zip(parts["texts"], self._zones):
            text.set_text(self._zone_text(first, last, shares))

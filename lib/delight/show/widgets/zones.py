"""A distribution with the zones of delight, drawn once and then moved: bars, limits and words are changed in place."""

from __future__ import annotations

import numpy as np

from delight.show.widgets.figures import DRAWING, Drawing, svg_element, svg_text

_COLOURS = {"low": "dissatisfied", "middle": "satisfied", "delighted": "delighted", "": "satisfied"}


class Zones(Drawing):
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
        super().__init__(self._build, size=(165, 72), alt="", salt="zones")
        self.words, self.scale, self.label = words, scale, label
        self.points = panels[0][1]["point"].to_numpy(dtype=float)
        self.bands = panels[0][1]["band"].tolist()
        self.number, self._figure_kept, self.panels = len(panels), None, panels

    def fits(self, panels):
        """Whether these panels go into the figure as it stands."""
        return len(panels) == self.number and np.array_equal(panels[0][1]["point"].to_numpy(dtype=float), self.points)

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

    def _build(self, ax):
        """Every artist, with the numbers of the moment."""
        from delight.show.theme import COLOURS, family

        step = float(np.min(np.diff(self.points))) if len(self.points) > 1 else 1.0
        width = 0.8 * step / self.number
        self._bars, self._limits = [], []
        for place in range(self.number):
            x = self.points + (place - (self.number - 1) / 2) * width
            colours = [COLOURS[_COLOURS[b]] for b in self.bands]
            bars = ax.bar(x, np.zeros(len(x)), width=width * 0.94, color=colours, alpha=1.0 if place == 0 else 0.45, linewidth=0)
            self._bars.append(bars)
            self._limits.append(ax.vlines(x, 0, 0, color=COLOURS["ink"], linewidth=0.8))
        self._texts = []
        for _band, first, last, _s in self._zones:
            middle = (self.points[first] + self.points[last]) / 2
            style = {"ha": "center", "va": "bottom", "fontsize": 9, "fontfamily": family(), "fontweight": 600, "color": COLOURS["ink"]}
            self._texts.append(ax.annotate("", (middle, 1.02), xycoords=("data", "axes fraction"), **style))
            if first:
                ax.axvline((self.points[first - 1] + self.points[first]) / 2, color=COLOURS["grid"], linewidth=0.8, zorder=0)
        if self.number == 2:
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
        self._move(ax)

    def _move(self, ax):
        """Bars, limits and words to the numbers of the panels."""
        top = 1.0
        for bars, limits, (_name, table) in zip(self._bars, self._limits, self.panels):
            share, lo, hi = (100 * table[c].to_numpy(dtype=float) for c in ("share", "lo", "hi"))
            for bar, value in zip(bars, np.nan_to_num(share)):
                bar.set_height(value)
            x = [bar.get_x() + bar.get_width() / 2 for bar in bars]
            limits.set_segments([[(at, a), (at, b)] for at, a, b in zip(x, np.nan_to_num(lo), np.nan_to_num(hi))])
            top = max(top, np.nanmax(np.nan_to_num(hi), initial=1.0))
        ax.set_ylim(0, next(t for t in (5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 101) if t >= top or t == 101))
        for text, (_band, first, last, shares) in zip(self._texts, self._zones):
            text.set_text(self._zone_text(first, last, shares))

    def svg(self):
        """The figure as an SVG element: laid out once, afterwards only moved."""
        import matplotlib

        from delight.show import theme

        with DRAWING:
            if self._figure_kept is None:
                with theme.figure(*self.size, salt=self.salt) as (figure, ax):
                    self._build(ax)
                    self._figure_kept = figure, ax
            figure, ax = self._figure_kept
            self._move(ax)
            with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": self.salt}):
                text = svg_text(figure)
        return svg_element(text, self.alt)

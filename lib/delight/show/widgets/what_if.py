"""The what-if simulator: move experiences, and see what may be expected of delight, recommending and loyalty."""

from __future__ import annotations

import ipywidgets
import numpy as np
import pandas as pd

from delight.show.views import Column
from delight.show.widgets import code
from delight.show.widgets.explorer import Explorer, Look, bar_of, html_table
from delight.show.widgets.figures import Drawing

#: With more responses than this, a first answer comes from some of them.
MANY, FEW = 10_000, 2_500
#: Points that an experience can be moved by.
RISES = [step / 4 for step in range(-8, 9)]


class WhatIf(Explorer):
    """Sliders for attributes; expected delight share, NPS and loyalty with intervals, for everybody and by group.

    Parameters
    ----------
    bar : FilterBar or Data
    x : sequence of str
        Attributes.
    overall, recommend : str, optional
        Overall grade and likelihood to recommend (0-10).
    loyalty : dict of str to str, optional
        Column of a further loyalty question → its role.
    delight_from : float, optional
    not_applicable : dict of str to str, optional
    by : sequence of str
        Groupings to choose from.
    """

    key = "what-if"

    def __init__(
        self, bar, *, x, overall=None, recommend=None, loyalty=None, delight_from=None, not_applicable=None, by=(), presentation=False
    ):
        bar = bar_of(bar)
        data, words, _ = bar.data, bar.words, bar.words.gettext
        self.x, self.not_applicable, self._fits = list(x), dict(not_applicable or {}), {}
        self.outcomes = self._outcomes(data, words, overall, recommend, dict(loyalty or {}), delight_from)
        self.sliders = {
            a: ipywidgets.SelectionSlider(
                options=[(words.signed(rise, 2), rise) for rise in RISES],
                value=0.0,
                description=words.column(a),
                style={"description_width": "22em"},
                layout={"width": "44em", "max_width": "100%"},
            )
            for a in self.x
        }
        self.by = ipywidgets.Dropdown(
            options=[(_("Everybody together"), ""), *((words.by(c), c) for c in by if c in data.by)],
            value="",
            description=_("By"),
            style={"description_width": "initial"},
        )
        self.reset = ipywidgets.Button(description=_("All back to zero"), icon="undo", layout={"width": "auto"})
        self.reset.on_click(lambda _button: self.move({}))
        self._moving = False
        top = ipywidgets.HBox([self.by, self.reset], layout={"flex_flow": "row wrap"})
        super().__init__([bar], [ipywidgets.VBox(list(self.sliders.values())), top], presentation=presentation)
        self.refresh()

    def _outcomes(self, data, words, overall, recommend, loyalty, delight_from):
        """{column: (label, arguments of `scenario`, whether it is an NPS)}."""
        _, found = words.gettext, {}
        if overall:
            start = delight_from or data.scales[overall].delight_from
            if start is not None:
                found[overall] = (_("Delighted customers"), {"delight_from": start}, False)
        if recommend and (data.scales[recommend].min, data.scales[recommend].max) == (0, 10):
            found[recommend] = (_("Net promoter score"), {"outcome": "nps"}, True)
        for column, role in loyalty.items():
            scale = data.scales[column]
            turned = role == "churned"
            start = scale.max if turned or scale.delight_from is None else scale.delight_from
            label = _("Customers who stayed") if turned else words.column(column)
            found[column] = (label, {"delight_from": start, "turned": turned}, False)
        return found

    def move(self, rises):
        """Set the sliders, each to the place nearest, as one change: ``view.move({"warmth": 1})``."""
        self._moving = True
        try:
            for a, slider in self.sliders.items():
                slider.value = min(RISES, key=lambda rise: abs(rise - rises.get(a, 0)))
        finally:
            self._moving = False
        self.refresh()

    def refresh(self):
        """Ask the models anew; they are fitted once a selection."""
        if not self._moving:
            super().refresh()

    @property
    def rises(self):
        """Attribute → points, of the sliders that stand away from zero."""
        return {a: slider.value for a, slider in self.sliders.items() if slider.value}

    def _scenario(self, y, about, most):
        """(the fitted scenario of an outcome; every which response it is from)."""
        from delight.drivers.scenario import scenario

        key = (y, tuple(self.bars[0].choice.items()), most)
        if key not in self._fits:
            if len(self._fits) > 20:
                self._fits.clear()
            rows, every = self.data.part(self.bars[0].mask, most)
            self._fits[key] = scenario(rows, **self._options(y), **about), every
        return self._fits[key]

    def _options(self, y):
        data = self.data
        clusters = data.design.get("clusters")
        given = {"y": y, "x": self.x, "scales": {c: data.scales[c] for c in [y, *self.x]}}
        given |= {"clusters": clusters if clusters and clusters not in self.bars[0].choice else None}
        given |= {"not_applicable": self.not_applicable or None, "weights": data.weights}
        return {k: v for k, v in {**given, "weights_kind": data.weights_kind if data.weights else None}.items() if v is not None}

    @property
    def _n(self):
        return self.data.n(self.bars[0].mask)

    def look(self):
        return self._look(FEW if self._n > MANY else len(self.data))

    def sharpen(self):
        if self._n <= MANY:
            return []
        what = self.words.gettext("All {n} responses").format(n=self.words.number(self._n))
        return [(what, lambda: self._look(len(self.data)))]

    def _look(self, most):
        from delight.show.widgets.data import hidden

        words, data, _ = self.words, self.data, self.words.gettext
        by = [self.by.value] if self.by.value else []
        text = ["from delight.drivers.scenario import scenario", "", *self.data.lines(self.bars[0].choice)]
        lines, tables, left_out, every = [], [], set(), 1
        for y, (label, about, nps) in self.outcomes.items():
            fitted, every = self._scenario(y, about, most)
            if not tables:
                text += data.part_line(every)
            rises = {a: v for a, v in self.rises.items() if a in fitted.x}
            left_out |= {a for a in self.rises if a not in fitted.x}
            result = fitted.at(rises, by=by)
            name = "result" if not tables else y
            asked = f".at({code.written(rises)}{f', by={code.written(by)}' if by else ''})"
            options = {**self._options(y), **{k: v for k, v in about.items() if v}}
            text += [code.call(name, "scenario", "chosen", given=data.model(y), **options) + asked]
            lines.append(self._line(label, result.table.iloc[0], nps))
            groups = result.table[result.table["by"] != "whole"]
            groups = hidden(groups.reset_index(drop=True), self.data.minimum_group, keep=("by", "group"))[0]
            table = pd.concat([result.table.iloc[:1], groups], ignore_index=True)
            tables.append(table.assign(outcome=y, label=label, nps=nps))
        if not tables:
            return Look([_("There is no outcome whose change could be expected.")])
        told = pd.concat(tables, ignore_index=True)
        notes = [
            *data.part_note(self._n, every),
            _("What goes together in this survey, all else equal; that a change brings it about only a trial can show."),
        ]
        if left_out:
            listed = words.listed(words.column(a) for a in left_out)
            notes.insert(
                0, _("Left where it is, because it was asked of a part only or cannot be told apart: {listed}.").format(listed=listed)
            )
        return Look(
            lines, self._drawing(told), {"what-if": told.drop(columns=["nps"])}, text, html=self._table(told) if by else "", notes=notes
        )

    def _shown(self, value, nps):
        if np.isnan(value):
            return self.words.number(value)
        return self.words.points(100 * value) if nps else self.words.percent(value, 1)

    def _line(self, label, row, nps):
        words, _ = self.words, self.words.gettext
        if row["status"] in ("insufficient", "degenerate", "not_identified"):
            return _("{outcome}: too few answers for a model.").format(outcome=label)
        if not self.rises:
            return _("{outcome}: now **{now}**. Move a slider to see what may be expected.").format(
                outcome=label, now=self._shown(row["now"], nps)
            )
        line = (
            _("{outcome}: from {now} to **{then}** ({interval}); {gain} points ({gain_interval}).")
            if nps
            else _("{outcome}: from {now} to **{then}** ({interval}); {gain} in every 100 customers ({gain_interval}).")
        )
        return line.format(
            outcome=label,
            now=self._shown(row["now"], nps),
            then=self._shown(row["then"], nps),
            interval=words.interval(row["then_lo"], row["then_hi"], lambda v: self._shown(v, nps)),
            gain=words.signed(row["gain"], 1),
            gain_interval=words.interval(row["gain_lo"], row["gain_hi"], lambda v: words.signed(v, 1)),
        )

    def _table(self, every):
        words, _ = self.words, self.words.gettext
        groups = [words.group(b, g) for b, g in zip(every["by"], every["group"])]
        columns = [
            Column(_("Outcome"), every["label"].tolist()),
            Column(words.by(self.by.value), groups),
            Column(_("Now"), [self._shown(v, n) for v, n in zip(every["now"], every["nps"])]),
            Column(_("Expected"), [self._shown(v, n) for v, n in zip(every["then"], every["nps"])]),
            Column(_("Change in 100"), every["gain"].tolist(), "signed1", every["gain_lo"].tolist(), every["gain_hi"].tolist()),
            Column(_("Respondents"), every["n"].tolist(), "count"),
        ]
        return html_table(_("Expected, by group"), columns, words)

    def _drawing(self, every):
        words, _ = self.words, self.words.gettext
        shown = every if self.by.value else every[every["by"] == "whole"]
        shown = shown.dropna(subset=["gain"]).reset_index(drop=True)
        if shown.empty:
            return None
        one = not self.by.value
        names = [row.label if one else f"{words.group(row.by, row.group)} · {row.label}" for row in shown.itertuples()]
        if not one:
            shown = shown.assign(name=names).sort_values("label", kind="stable", ascending=True).reset_index(drop=True)
            names = shown["name"].tolist()

        def draw(ax):
            from textwrap import fill

            from delight.show.theme import COLOURS, CYCLE

            kinds = list(dict.fromkeys(shown["outcome"]))
            for at, row in enumerate(shown.itertuples()):
                colour = CYCLE[kinds.index(row.outcome) % len(CYCLE)]
                ax.barh(at, row.gain, height=0.62, color=colour, linewidth=0, alpha=1.0 if row.by == "whole" else 0.6)
                if np.isfinite(row.gain_lo) and row.gain:
                    ax.hlines(at, row.gain_lo, row.gain_hi, color=COLOURS["ink"], linewidth=1)
            ax.axvline(0, color=COLOURS["soft"], linewidth=0.9)
            reach = max(5.0, float(np.nanmax(np.abs(shown[["gain_lo", "gain_hi"]].to_numpy(dtype=float)), initial=0)) * 1.1)
            ax.set_xlim(-reach, reach)
            ax.set_yticks(range(len(names)), [fill(n, 44) for n in names])
            ax.set_ylim(len(names) - 0.5, -0.5)
            ax.set_xlabel(_("Expected change, in 100 customers (points of NPS)"))
            ax.xaxis.set_major_formatter(lambda value, _position: words.signed(value, 0))
            ax.grid(axis="x")
            ax.tick_params(axis="y", length=0)
            ax.spines["left"].set_visible(False)
            return ax

        whole = every[every["by"] == "whole"]
        listed = "; ".join(f"{row.label} {words.signed(row.gain, 1)}" for row in whole.itertuples() if np.isfinite(row.gain))
        return Drawing(
            draw,
            size=(165, 24 + 7.5 * len(names)),
            alt=_("Expected change in every 100 customers: {listed}.").format(listed=listed),
            title=_("What may be expected?"),
            caption=_("Bars are the expected change; thin lines are 95% intervals."),
            salt="what-if",
        )

"""Live exploration: thin skins over library functions, usable alone in any notebook.

>>> bar = FilterBar(responses, by=["wave", "location"], words=words, minimum_group=10)     # doctest: +SKIP
>>> SatisfactionExplorer(bar, overall=study.measure("overall"))                            # doctest: +SKIP
"""

from __future__ import annotations

from html import escape

import ipywidgets
import numpy as np

from delight import satisfaction
from delight.errors import InputError
from delight.show import theme

EVERYBODY = ""


class FilterBar(ipywidgets.VBox):
    """One menu a grouping; together they say which responses are looked at, and how many they are.

    Parameters
    ----------
    responses : DataFrame, one row a response; unchanged.
    by : sequence of str
        Columns to filter on, such as ``wave`` and ``location``.
    words : delight.show.Words
    minimum_group : int
        A selection of fewer responses is not shown.
    weights : str, optional
        Column of sampling weights; then the effective n stands beside n.

    Raises
    ------
    InputError
        A column is not in the table.
    """

    def __init__(self, responses, *, by, words, minimum_group=10, weights=None):
        missing = [c for c in by if c not in responses]
        if missing:
            raise InputError(f"The table has no column {', '.join(repr(c) for c in missing)} to filter on.")
        self.responses, self.words, self.minimum_group, self.weights = responses, words, minimum_group, weights
        self.menus = {c: self._menu(c) for c in by}
        self._count = ipywidgets.HTML()
        self._listeners = []
        for menu in self.menus.values():
            menu.observe(self._changed, names="value")
        self._show_count()
        super().__init__([ipywidgets.HBox(list(self.menus.values()), layout={"flex_flow": "row wrap"}), self._count])

    def _menu(self, column):
        values = sorted(self.responses[column].dropna().unique())
        options = [(self.words.gettext("Everybody"), EVERYBODY)] + [(self.words.group(column, v), v) for v in values]
        return ipywidgets.Dropdown(
            options=options, value=EVERYBODY, description=self.words.by(column), style={"description_width": "initial"}
        )

    @property
    def selected(self):
        """The responses that the menus leave."""
        keep = np.ones(len(self.responses), dtype=bool)
        for column, menu in self.menus.items():
            if menu.value != EVERYBODY:
                keep &= (self.responses[column] == menu.value).to_numpy(dtype=bool, na_value=False)
        return self.responses[keep]

    @property
    def too_few(self):
        """Why nothing may be shown of the selection, or an empty string."""
        n, _ = len(self.selected), self.words.gettext
        if n >= self.minimum_group:
            return ""
        return _("This selection has {n} responses. Groups of fewer than {minimum} are not shown, to protect the respondents.").format(
            n=self.words.number(n), minimum=self.words.number(self.minimum_group)
        )

    def on_change(self, function):
        """Call `function()` now and whenever the selection changes."""
        self._listeners.append(function)
        function()

    def _changed(self, _change):
        self._show_count()
        for function in self._listeners:
            function()

    def _show_count(self):
        selected, words = self.selected, self.words
        text = words.ngettext("{n} response", "{n} responses", len(selected)).format(n=f"<b>{words.number(len(selected))}</b>")
        if self.weights and len(selected):
            w = selected[self.weights].to_numpy(dtype=float)
            w = w[np.isfinite(w) & (w > 0)]
            effective = w.sum() ** 2 / (w**2).sum() if len(w) else 0
            text += " · " + words.gettext("effective n {n}").format(n=words.number(effective))
        self._count.value = text


class SatisfactionExplorer(ipywidgets.VBox):
    """Level, delighted share, distribution and net promoter score of the filter bar's selection.

    Parameters
    ----------
    bar : FilterBar
    overall : dict
        ``y, scale, weights, weights_kind`` of the overall grade (`study.measure("overall")`), or None.
    recommend : dict, optional
        The same of the likelihood to recommend.
    delight_from : float, optional
        Lowest score that counts as delighted; the scale's own by default.
    """

    def __init__(self, bar, *, overall=None, recommend=None, delight_from=None):
        self.bar, self.overall, self.recommend = bar, overall, recommend
        self.delight_from = delight_from or (overall and overall["scale"].delight_from)
        self.numbers, self.plot = ipywidgets.HTML(), ipywidgets.HTML()
        super().__init__([bar, self.numbers, self.plot])
        bar.on_change(self.refresh)

    def refresh(self):
        """Compute and show the selection anew."""
        if self.bar.too_few:
            self.numbers.value, self.plot.value = f"<p>{escape(self.bar.too_few)}</p>", ""
            return
        lines = [line for line in (self._level(), self._score()) if line]
        self.numbers.value = "".join(f"<p style='font-size:1.1em;margin:.2em 0'>{escape(line)}</p>" for line in lines)
        self.plot.value = self._distribution() if self.overall else ""

    def _level(self):
        if not self.overall:
            return ""
        row = satisfaction.levels(self.bar.selected, **self.overall, delight_from=self.delight_from).table.iloc[0]
        w, _ = self.bar.words, self.bar.words.gettext
        return _("Mean grade {mean} ({interval}); {share} delighted ({share_interval}).").format(
            mean=w.grade(row["mean"]),
            interval=w.interval(row["ci_lo"], row["ci_hi"]),
            share=w.percent(row["share_delighted"]),
            share_interval=w.interval(row["share_delighted_lo"], row["share_delighted_hi"], w.percent),
        )

    def _score(self):
        if not self.recommend or not self.bar.selected[self.recommend["y"]].notna().any():
            return ""
        row = satisfaction.nps(self.bar.selected, **self.recommend).table.iloc[0]
        w, _ = self.bar.words, self.bar.words.gettext
        return _("NPS {nps} ({interval}): {promoters} promoters, {passives} passives, {detractors} detractors.").format(
            nps=w.points(row["nps"]),
            interval=w.interval(row["ci_lo"], row["ci_hi"], w.points),
            promoters=w.percent(row["promoters"]),
            passives=w.percent(row["passives"]),
            detractors=w.percent(row["detractors"]),
        )

    def _distribution(self):
        """The shares of the scores as a small SVG in the shared theme."""
        import io

        scale, words = self.overall["scale"], self.bar.words
        frame = satisfaction.distribution(self.bar.selected, **self.overall, delight_from=self.delight_from).table
        with theme.figure(150, 55) as (figure, ax):
            colours = [
                theme.COLOURS["delighted" if self.delight_from and v >= self.delight_from else "satisfied"]
                for v in frame["point"].astype(float)
            ]
            ax.bar(frame["point"].astype(float), 100 * frame["share"], width=0.8 * (scale.step or 1), color=colours)
            ax.set_xticks(frame["point"].astype(float))
            ax.set_ylabel("%")
            ax.set_xlabel(words.column(self.overall["y"]))
            buffer = io.StringIO()
            figure.savefig(buffer, format="svg")
        svg = buffer.getvalue()
        return svg[svg.index("<svg") :]

"""The satisfaction explorer: grade, zones of delight, promoters, and two selections compared."""

from __future__ import annotations

from functools import partial

import ipywidgets
import numpy as np

from delight.show.widgets import code
from delight.show.widgets.data import SELECTION
from delight.show.widgets.explorer import Explorer, Look, bar_of
from delight.show.widgets.filters import FilterBar

A, B = "A", "B"


class SatisfactionExplorer(Explorer):
    """Level, delighted share, distribution with its zones and net promoter score of a selection; and of two, with the test of their difference.

    Parameters
    ----------
    bar : FilterBar or Data
    overall : str, optional
        Column of the overall grade; its scale is in the data.
    recommend : str, optional
        Column of the likelihood to recommend.
    delight_from : float, optional
        Lowest score that counts as delighted; the scale's own by default.
    """

    key = "satisfaction"

    def __init__(self, bar, *, overall=None, recommend=None, delight_from=None, presentation=False):
        bar = bar_of(bar)
        _ = bar.words.gettext
        self.overall, self.recommend = overall, recommend
        self.delight_from = delight_from or (overall and bar.data.scales[overall].delight_from)
        self.two = ipywidgets.Checkbox(value=False, description=_("Compare with a second selection"), indent=False)
        self.other = FilterBar(bar.data, only=list(bar.menus), start=bar.choice, title=_("Second selection"))
        self.other.layout.display = "none"
        self._live = None
        self.two.observe(self._second, names="value")
        super().__init__([bar, self.other], [self.two], presentation=presentation)
        first, *rest = self.children
        self.children = [first, bar, self.two, self.other, *rest[3:]]
        self.refresh()

    def _second(self, change):
        self.other.layout.display = "" if change["new"] else "none"

    # ---- selections

    def _selections(self):
        """(rows that count at all or None, {name: rows}, how the design is given, lines of code)."""
        data, bars = self.data, self.bars if self.two.value else self.bars[:1]
        choices = [bar.choice for bar in bars]
        waves = {choice.get(data.wave) for choice in choices}
        base = {data.wave: choices[0][data.wave]} if len(waves) == 1 and data.wave in choices[0] else {}
        design = dict(data.design)
        if not base and data.wave in data.frame and len(data.coded(data.wave).values) > 1:
            design = {k: v for k, v in design.items() if k == "clusters"}  # who could answer is known by wave
        within = data.mask(base)
        if len(bars) == 1 and choices[0] == base:
            return within, {}, design, data.lines(base)
        masks = [data.mask(choice) for choice in choices]
        masks = [np.ones(len(data), dtype=bool) if m is None else m for m in masks]
        names = dict(zip((A, B), masks))
        text = data.lines(base)
        text += [f"{name.lower()} = {data.condition(choice, 'chosen')}" for name, choice in zip((A, B), choices)]
        if len(bars) == 2:
            text += ['selection = np.select([a, b & ~a], ["A", "B"], "")']
            names[B] = masks[1] & ~masks[0]
        else:
            text += ['selection = np.where(a, "A", "")']
        text += [f'chosen = chosen.assign({SELECTION}=pd.Series(selection, chosen.index).replace("", None))']
        return within, names, design, text

    def look(self):
        within, groups, design, selecting = self._selections()
        overlap = self._overlap()
        if self.two.value and self.data.n(groups[B]) < self.data.minimum_group:
            return Look([self._few_left(overlap)])
        also = [design[k] for k in ("clusters", "strata") if design.get(k)]
        options = {**self._design_as_code(design), **({"by": SELECTION} if groups else {})}
        lines, tables, text, later = [], {}, list(selecting), None
        if self.overall:
            counted = self.data.counts(self.overall, within=within, groups=groups, also=also)
            found = self._levels(counted, options, text)
            lines += [self._level_line(row, name) for name, row in self._rows(found)]
            if self.two.value:
                lines += self._difference(counted, options, text)
            tables["levels"] = found.table
            later = partial(self._figure, counted, options, [name for name, _row in self._rows(found)])
        if self.recommend and self.data.n(within):
            counted = self.data.counts(self.recommend, within=within, groups=groups, also=also)
            if counted.frame[self.recommend].notna().any():
                lines += self._promoters(counted, options, text, tables)
        notes = [self._overlap_note(overlap)] if overlap else []
        question = self.words.gettext("How are the grades spread, and where does delight begin?") if later else ""
        return Look(lines, None, tables, ["from delight import satisfaction", "", *text], notes=notes, question=question, later=later)

    def _rows(self, result):
        """(name, row) of every selection; the name is empty where there is one."""
        table = result.table
        if SELECTION not in set(table["by"]):
            return [("", table.iloc[0])]
        shown = table[table["by"] == SELECTION]
        return [(row["group"] if self.two.value else "", row) for _at, row in shown.iterrows()]

    def _design_as_code(self, design):
        return {k: code.Named(v, f'design["{k}"]') if k in ("population", "labels") else v for k, v in design.items() if v}

    def _of(self, y):
        return {"y": y, "scale": self.data.scales[y]}

    @property
    def _weights(self):
        return {"weights": self.data.weights, "weights_kind": self.data.weights_kind if self.data.weights else None}

    # ---- numbers

    def _levels(self, counted, options, text):
        from delight.satisfaction.levels import levels

        given = {**self._of(self.overall), **options, "delight_from": self.delight_from}
        text.append(code.call("result", "satisfaction.levels", "chosen", **given, **self._weights))
        return levels(counted, **code.values(given))

    def _distribution(self, counted, options):
        from delight.satisfaction.levels import distribution

        return distribution(counted, **self._of(self.overall), **code.values(options), delight_from=self.delight_from)

    def _level_line(self, row, name):
        w, _ = self.words, self.words.gettext
        line = _("Mean grade {mean} ({interval}); {share} delighted ({share_interval}).").format(
            mean=f"**{w.grade(row['mean'])}**",
            interval=w.interval(row["ci_lo"], row["ci_hi"]),
            share=f"**{w.percent(row['share_delighted'])}**",
            share_interval=w.interval(row["share_delighted_lo"], row["share_delighted_hi"], w.percent),
        )
        return self._named(name, line)

    def _named(self, name, line):
        return self.words.gettext("Selection {name}: {line}").format(name=name, line=line) if name else line

    def _difference(self, counted, options, text):
        from delight.satisfaction.groups import compare

        given = {**self._of(self.overall), **options, "delight_from": self.delight_from}
        text.append(code.call("difference", "satisfaction.compare", "chosen", **given, **self._weights) + ".pairs")
        pairs = compare(counted, **code.values(given)).pairs.table
        w, _ = self.words, self.words.gettext
        if not len(pairs) or np.isnan(pairs.iloc[0]["p"]):
            return [_("The two selections cannot be compared: one of them has no answers, or all answers are alike.")]
        row = pairs.iloc[0]
        return [
            _("A less B: {diff} points ({interval}), {p}; {more} delighted customers in 100 ({more_interval}).").format(
                diff=f"**{w.signed(row['diff'], 2)}**",
                interval=w.interval(row["ci_lo"], row["ci_hi"], lambda v: w.signed(v, 2)),
                p=f"p {w.p_value(row['p'])}" if row["p"] < 0.001 else f"p = {w.p_value(row['p'])}",
                more=f"**{w.signed(100 * row['risk_diff'], 0)}**",
                more_interval=w.interval(100 * row["risk_diff_lo"], 100 * row["risk_diff_hi"], lambda v: w.signed(v, 0)),
            ),
            self._verdict(row),
        ]

    def _verdict(self, row):
        _ = self.words.gettext
        if row["ci_lo"] > 0:
            return _("Selection A is graded higher: more than chance explains.")
        if row["ci_hi"] < 0:
            return _("Selection B is graded higher: more than chance explains.")
        return _("These answers do not tell the two selections apart; that is no proof that they are alike.")

    def _promoters(self, counted, options, text, tables):
        from delight.satisfaction.nps import nps

        given = {**self._of(self.recommend), **options}
        text.append(code.call("promoters", "satisfaction.nps", "chosen", **given, **self._weights))
        found = nps(counted, **code.values(given))
        tables["nps"] = found.table
        w, _ = self.words, self.words.gettext
        line = _("NPS {nps} ({interval}): {promoters} promoters, {passives} passives, {detractors} detractors.")
        return [
            self._named(
                name,
                line.format(
                    nps=f"**{w.points(row['nps'])}**",
                    interval=w.interval(row["ci_lo"], row["ci_hi"], w.points),
                    promoters=w.percent(row["promoters"]),
                    passives=w.percent(row["passives"]),
                    detractors=w.percent(row["detractors"]),
                ),
            )
            for name, row in self._rows(found)
            if not np.isnan(row["nps"])
        ]

    # ---- overlap of two selections

    def _overlap(self):
        if not self.two.value:
            return 0
        masks = [bar.mask for bar in self.bars]
        both = [m for m in masks if m is not None]
        return self.data.n(np.logical_and.reduce(both) if both else None)

    def _overlap_note(self, n):
        return self.words.ngettext(
            "{n} response is in both selections and counts in the first only.",
            "{n} responses are in both selections and count in the first only.",
            n,
        ).format(n=self.words.number(n))

    def _few_left(self, overlap):
        _ = self.words.gettext
        if overlap:
            return _("The second selection lies within the first (nearly) as a whole: choose another one to compare with.")
        return _("The second selection is too small to show.")

    # ---- the figure

    def _figure(self, counted, options, names):
        """(drawing, its table): what the numbers do not wait for."""
        from delight.show.widgets.zones import Zones

        words, _ = self.words, self.words.gettext
        shares = self._distribution(counted, options)
        panels = [(name, self._table_of(shares, name)) for name in names]
        if self._live is None or not self._live.fits(panels):
            self._live = Zones(panels, words, self.data.scales[self.overall], label=words.column(self.overall))
        caption = _("Share of the answers at every point; thin lines are 95% intervals. The zones are coloured, with their share above.")
        drawn = self._live.update(panels, title=_("How are the grades spread, and where does delight begin?"), caption=caption)
        return drawn, {"distribution": shares.table}

    def _table_of(self, shares, name):
        table = shares.table
        if SELECTION in set(table["by"]):
            return table[(table["by"] == SELECTION) & (table["group"] == (name or A))]
        return table[table["by"] == "whole"]

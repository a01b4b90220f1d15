"""The driver explorer: what weighs, what punishes and rewards, what to look at first; and the plain answers behind every attribute."""

from __future__ import annotations

import ipywidgets
import numpy as np

from delight.show.widgets import code
from delight.show.widgets.data import hidden
from delight.show.widgets.explorer import Explorer, Look, bar_of, said
from delight.show.widgets.figures import Drawing, Picture

#: Draws in which a view sharpens: at once without intervals, then with few, then with those of a report.
DRAWS = (0, 200, 2000)
#: With more responses than this a first answer comes from some of them, and sums over groups of rows then take the place of rows.
MANY = 20_000
FEW = 2_500
#: Most groups that fit side by side.
SIDE_BY_SIDE = 6


class DriverExplorer(Explorer):
    """Drivers of satisfaction in a selection, in three views; an attribute chosen shows its raw relation with the outcome.

    Parameters
    ----------
    bar : FilterBar or Data
    y : str
        Outcome.
    x : sequence of str
        Attributes.
    delight_from : float, optional
        Lowest score that counts as delighted.
    not_applicable : dict of str to str, optional
        Attribute → column "does not apply".
    by : sequence of str
        Groupings whose groups can be seen side by side.
    draws : sequence of int
        Bootstrap draws of each round.
    """

    key = "drivers"

    def __init__(self, bar, *, y, x, delight_from=None, not_applicable=None, by=(), draws=DRAWS, presentation=False):
        bar = bar_of(bar)
        _ = bar.words.gettext
        self.y, self.x, self.draws, self.delight_from = y, list(x), tuple(draws), delight_from
        self.not_applicable = dict(not_applicable or {})
        by = [c for c in by if c in bar.data.by and len(bar.data.coded(c).values) <= SIDE_BY_SIDE]
        views = [
            (_("Importance"), "importance", _("How much each experience weighs")),
            (_("Penalty and reward"), "penalty_reward", _("What a poor one costs and an excellent one brings")),
            (_("Importance and performance"), "map", _("Weight against grade")),
            (_("Group beside group"), "groups", _("What each experience does in every group")),
        ]
        views = views if by else views[:-1]
        self.view = ipywidgets.ToggleButtons(
            options=[view[:2] for view in views], tooltips=[tip for *_view, tip in views], style={"button_width": "auto"}
        )
        self.by = ipywidgets.Dropdown(
            options=[(bar.words.by(c), c) for c in by],
            description=_("Groups of"),
            style={"description_width": "initial"},
            layout={"width": "auto", "max_width": "30em", "display": "none"},
        )
        self.view.observe(lambda change: self._offer_groups(), names="value")
        self.attribute = ipywidgets.Dropdown(
            options=[(bar.words.column(a), a) for a in self.x],
            value=self.x[0],
            description=_("Look at the answers to"),
            style={"description_width": "initial"},
            layout={"width": "auto", "max_width": "44em"},
        )
        self.raw, self.raw_words = Picture(), ipywidgets.HTML()
        self.raw_tables, self.raw_drawing = {}, None
        self.attribute.observe(lambda change: self.show_relation(), names="value")
        super().__init__([bar], [self.view, self.by], [self.attribute, self.raw_words, self.raw], presentation=presentation)
        self.refresh()

    # ---- the three views

    def _options(self):
        """Arguments of a method."""
        data = self.data
        clusters = data.design.get("clusters")
        clusters = clusters if clusters and clusters not in self.bars[0].choice else None
        given = {"y": self.y, "x": self.x, "scales": {c: data.scales[c] for c in [self.y, *self.x]}, "clusters": clusters}
        given |= {"not_applicable": self.not_applicable or None, "weights": data.weights}
        return {k: v for k, v in {**given, "weights_kind": data.weights_kind if data.weights else None}.items() if v is not None}

    def _given(self, few):
        """(rows, or sums over groups of rows where there are many; arguments of a method; code that makes them; notes)."""
        data, mask, options = self.data, self.bars[0].mask, self._options()
        clusters = options.get("clusters")
        if data.n(mask) <= MANY or few:
            rows, every = data.part(mask, FEW if few else len(data))
            return rows, options, data.part_line(every), data.part_note(data.n(mask), every)
        if self.not_applicable:
            return data.rows(mask), options, [], []
        from delight.moments import moments

        how = {**options, "terms": ["linear", "knots", "dummies"]}
        columns = [self.y, *self.x, *(c for c in (clusters, data.weights) if c)]
        sums = moments(data.frame[columns] if mask is None else data.frame.loc[mask, columns], **how)
        made = ["from delight.moments import moments", code.call("sums", "moments", "chosen", **how)]
        return sums, {k: options[k] for k in ("y", "x", "scales", "clusters") if k in options}, made, []

    def refresh(self):
        """Show the selection anew, and the relation of the attribute chosen after it."""
        self._rows, self._related = {}, None
        self.raw_words.value, self.raw.stale = "", True
        super().refresh()
        if self._related is None and not self._many:
            self.show_relation()

    def show(self, look):
        super().show(look)
        if self._related is None and not self._many:
            self.show_relation()

    @property
    def _many(self):
        """Whether a first answer comes from some of the responses, and everything else beside the screen."""
        return not self.bars[0].why_not and self.view.value != "groups" and self.data.n(self.bars[0].mask) > MANY

    def _all(self):
        self.show_relation()
        return self._look(0)

    def _offer_groups(self):
        self.by.layout.display = "" if self.view.value == "groups" else "none"

    def look(self):
        if self.view.value == "groups":
            return self._groups()
        return self._look(0 if self._many else self.draws[0], few=self._many)

    def sharpen(self):
        if self.view.value == "groups":
            return []
        _, n = self.words.gettext, self.data.n(self.bars[0].mask)
        says = _("Intervals from {n} draws")
        draws = [n_boot for n_boot in self.draws if n_boot]
        steps = [(says.format(n=self.words.number(n_boot)), lambda n_boot=n_boot: self._look(n_boot)) for n_boot in draws]
        all_of = (_("All {n} responses").format(n=self.words.number(n)), self._all)
        return [all_of, *steps] if self._many else steps

    def _look(self, n_boot, few=False):
        make = {"importance": self._importance, "penalty_reward": self._penalty_reward, "map": self._map}[self.view.value]
        if few not in self._rows:
            self._rows[few] = self._given(few)
        source, options, made, notes = self._rows[few]
        lines, view, results = make(source, options, n_boot)
        weighed = self.view.value != "penalty_reward"
        taken = "from delight.drivers.importance import importance" if weighed else "from delight.drivers import penalty_reward"
        function, last = ("importance", ".importance") if weighed else ("penalty_reward.effects", "")
        given = self.data.model(self.y)
        call = (
            code.call(
                "result", function, "sums" if any("sums" in line for line in made) else "chosen", given=given, **options, n_boot=n_boot
            )
            + last
        )
        base = results[0].meta.get("n_used", 0)
        if base < self.data.minimum_group:
            return Look([self.words.gettext("Too few respondents of this selection answered all questions to show anything.")])
        picks = {self.words.column(a): a for a in self.x}
        drawing = Drawing.of_view(view, results, self.words, picks=picks)
        drawing.salt += str(n_boot)
        text = [*self.data.lines(self.bars[0].choice), taken, *made, call]
        notes = [*notes, self.words.source(results[0])]
        if not n_boot:
            notes.append(self.words.gettext("Without intervals as yet: they are being drawn."))
        return Look(lines, drawing, {results[0].meta["method"].lower().replace(".", "_"): results[0].table}, text, notes=notes)

    def _importance(self, source, options, n_boot):
        from delight.drivers.importance import importance
        from delight.show import drivers as views

        found = importance(source, **options, n_boot=n_boot)
        lines = views.importance(found.importance, found.pairs, self.words) if n_boot else self._heaviest(found.importance)
        return lines, views.importance_figure, [found.importance]

    def _heaviest(self, weighed):
        t = weighed.table.dropna(subset=["share"]).sort_values("share", ascending=False)
        if t.empty:
            return [self.words.gettext("These answers do not allow a model.")]
        _, w = self.words.gettext, self.words
        return [
            _("Heaviest: {listed}.").format(
                listed=w.listed(f"**{w.column(r.attribute)}** ({w.percent(r.share)})" for r in t.head(3).itertuples())
            )
        ]

    def _penalty_reward(self, source, options, n_boot):
        from delight.drivers import penalty_reward
        from delight.show import drivers as views

        found = penalty_reward.effects(source, **options, n_boot=n_boot)
        return views.kinds(found, self.words) if n_boot else [], views.penalty_reward, [found]

    def _map(self, source, options, n_boot):
        from delight.drivers import penalty_reward
        from delight.drivers.importance import importance
        from delight.show import drivers as views

        weighed = importance(source, **options, n_boot=n_boot).importance
        impact = penalty_reward.effects(source, **options, n_boot=0)
        return self._heaviest(weighed), views.importance_performance, [weighed, impact]

    def _groups(self):
        """What each experience does in every group of the grouping chosen, side by side."""
        from delight.drivers.differences import differences
        from delight.show import differences as views

        data, mask, words, by = self.data, self.bars[0].mask, self.words, self.by.value
        rows, every = data.part(mask, MANY)
        options = {**self._options(), "by": by}
        found = differences(rows, **options)
        effects = found.effects.with_table(found.effects.table[found.effects.table["n_segment"] >= data.minimum_group])
        text = [*data.lines(self.bars[0].choice), *data.part_line(every), "from delight.drivers.differences import differences"]
        text += [code.call("result", "differences", "chosen", **options) + ".effects"]
        notes = [*data.part_note(data.n(mask), every, follows=False), words.source(effects)]
        if effects.table.dropna(subset=["effect"])["group"].nunique() < 2:
            return Look([words.gettext("There are not two groups of this selection with enough answers to compare.")], code=text)
        drawing = Drawing.of_view(views.by_segment, [effects, found.tests], words, picks={words.column(a): a for a in self.x})
        lines = views.apart(effects, found.tests, found.targeting, words)
        return Look(lines, drawing, {"differences": effects.table, "tests": found.tests.table}, text, notes=notes)

    # ---- the raw relation

    def pick(self, name):
        """A mark of the figure was chosen: look at its answers."""
        if name in self.x:
            self.attribute.value = name

    def show_relation(self):
        """The outcome at every answer to the attribute chosen, from counts."""
        self._related, self.raw.stale = self.attribute.value, False
        if self.bars[0].why_not:
            self.raw_words.value, self.raw.svg = "", ""
            return
        found, table, gone = self.relation(self.attribute.value)
        words, _ = self.words, self.words.gettext
        name = words.column(self.attribute.value)
        lines = [_("**{attribute}**: {n} answers, mean {mean}.").format(attribute=name, **self._of(found, self.attribute.value))]
        if gone:
            many = words.ngettext("{n} answer was given by too few to show.", "{n} answers were given by too few to show.", len(gone))
            lines.append(many.format(n=words.number(len(gone))))
        drawing = self._relation_drawing(table, name)
        self.raw_drawing = drawing
        self.raw_words.value = said(lines, question=drawing.title)
        self.raw.width = drawing.size[0] * (1.6 if self.large.value else 1.0)
        self.raw.svg = drawing.svg()
        self.picture.picked = self.attribute.value if self.attribute.value in self.picture.names else ""

    def relation(self, attribute):
        """(levels of the outcome by answer, its table without small groups, places hidden)."""
        from delight.satisfaction.levels import levels

        counted = self.data.counts(self.y, within=self.bars[0].mask, also=[attribute])
        answers = [v for v in self.data.coded(attribute).values if np.isfinite(v)]
        found = levels(
            counted, y=self.y, scale=self.data.scales[self.y], by=attribute, order={attribute: answers}, delight_from=self.delight_from
        )
        rows = found.table[found.table["by"] == attribute].reset_index(drop=True)
        table, gone = hidden(rows, self.data.minimum_group, keep=("by", "group"))
        return counted, table, gone

    def _of(self, counted, attribute):
        frame = counted.frame.dropna(subset=[attribute])
        n, w = frame["n"].sum(), frame["w"]
        mean = np.average(frame[attribute].astype(float), weights=w) if w.sum() else np.nan
        return {"n": self.words.number(n), "mean": self.words.grade(mean)}

    def _relation_drawing(self, table, name):
        words, _ = self.words, self.words.gettext
        label = words.column(self.y)

        def draw(ax):
            from delight.show.theme import COLOURS

            t = table.dropna(subset=["mean"])
            at = t["group"].astype(float)
            share = 100 * t["share_delighted"].astype(float)
            if share.notna().any():
                beside = ax.twinx()
                beside.bar(at, share, width=0.6, color=COLOURS["satisfied"], alpha=0.55, linewidth=0, zorder=0)
                beside.set_ylim(0, 100)
                beside.set_ylabel(_("Delighted (%)"))
                beside.tick_params(length=0)
                beside.spines["right"].set_visible(False)
                beside.set_zorder(0)
                ax.set_zorder(1)
                ax.patch.set_visible(False)
            ax.vlines(at, t["ci_lo"].astype(float), t["ci_hi"].astype(float), color=COLOURS["main"], linewidth=1.3)
            ax.plot(at, t["mean"].astype(float), "o-", color=COLOURS["main"], markersize=5, linewidth=1)
            scale = self.data.scales[self.y]
            ax.set_ylim(scale.min, scale.max + 0.03 * (scale.max - scale.min))
            own = self.data.scales[self.attribute.value]
            ax.set_xlim(own.min - 0.6, own.max + 0.6)
            if own.points is not None and len(own.points) <= 12:
                counts = dict(zip(at, t["n"]))
                ax.set_xticks(own.points, [f"{p:g}\nn={words.number(counts[p])}" if p in counts else f"{p:g}" for p in own.points])
            ax.set_xlabel(name)
            ax.set_ylabel(label)
            ax.tick_params(length=0)
            return ax

        rows = table.dropna(subset=["mean"])
        alt = _("{outcome} at every answer to {attribute}.").format(outcome=label, attribute=name)
        if len(rows):
            first, last = rows.iloc[0], rows.iloc[-1]
            alt += " " + _("From {a} at {low} to {b} at {high}.").format(
                a=words.grade(first["mean"]), low=first["group"], b=words.grade(last["mean"]), high=last["group"]
            )
        return Drawing(draw, size=(165, 70), alt=alt, title=_("What do customers say overall who answer this way?"), salt="relation")

    def _enlarge(self):
        super()._enlarge()
        if self.raw_drawing is not None:
            self.raw.width = self.raw_drawing.size[0] * (1.6 if self.large.value else 1.0)

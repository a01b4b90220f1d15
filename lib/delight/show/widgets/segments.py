"""The segment explorer: how many kinds of customers, what each wants, which kind was expected; and the questions that tell one from another."""

from __future__ import annotations

import ipywidgets

from delight.show.widgets import code
from delight.show.widgets.explorer import Explorer, Look, bar_of, view_table
from delight.show.widgets.figures import Drawing
from delight.show.widgets.typing_form import TypingForm

#: Rounds of work: a first look, names with intervals, and the comparison of numbers of segments.
FIRST = {"n_starts": 5, "n_splits": 0, "n_boot": 0}
SURE = {"n_starts": 20, "n_splits": 10, "n_boot": 100}
MOST = 6
#: Of more responses than this, so many are taken evenly: enough for segments of a few in a hundred.
ENOUGH = 20_000


class SegmentExplorer(Explorer):
    """Latent classes of needs in a selection.

    Parameters
    ----------
    bar : FilterBar or Data
    items : sequence of str
        Questions on needs.
    form : str
        How they were asked (`delight.segments.needs.FORMATS`).
    archetypes, labels : dict, optional
        As in `delight.segments.find`.
    """

    key = "segments"

    def __init__(self, bar, *, items, form="rating", archetypes=None, labels=None, presentation=False):
        bar = bar_of(bar)
        words, _ = bar.words, bar.words.gettext
        self.items, self.form, self.archetypes, self.labels = list(items), form, dict(archetypes or {}), dict(labels or {})
        self.k = ipywidgets.IntSlider(
            value=len(self.archetypes) if len(self.archetypes) > 1 else 3,
            min=2,
            max=MOST,
            description=_("Number of segments"),
            continuous_update=False,
            style={"description_width": "initial"},
            layout={"width": "32em"},
        )
        rated = form == "rating" and len(self.items) > 2
        options = [
            (_("let the answers decide"), ""),
            (_("the grades as they are"), "raw"),
            (_("what a person wants more than other things"), "within"),
        ]
        self.solution = ipywidgets.Dropdown(
            options=options if rated else options[:2],
            value="",
            description=_("Segments of"),
            style={"description_width": "initial"},
            layout={"width": "auto"},
        )
        self.found, self.compared = None, None
        self.typing = TypingForm(words, scales=bar.data.scales)
        controls = [ipywidgets.HBox([self.k, self.solution], layout={"flex_flow": "row wrap"})]
        super().__init__([bar], controls, [self.typing], presentation=presentation)
        self.refresh()

    def _options(self):
        data = self.data
        scales = {c: data.scales[c] for c in self.items if c in data.scales}
        clusters = data.design.get("clusters")
        given = {"items": self.items, "form": self.form, "scales": scales or None, "archetypes": self.archetypes or None}
        given |= {"solution": self.solution.value or None, "weights": data.weights}
        given |= {"weights_kind": data.weights_kind if data.weights else None}
        given |= {"clusters": clusters if clusters and clusters not in self.bars[0].choice else None}
        return {k: v for k, v in given.items() if v is not None}

    def _find(self, **how):
        from delight import segments

        self._rows, self._every = self.data.part(self.bars[0].mask, ENOUGH)
        self.found = segments.find(self._rows, **self._options(), labels=self.labels or None, **how)
        self.how = how
        return self._look()

    def refresh(self):
        """Look for the segments of the present selection."""
        key = (tuple(self.bars[0].choice.items()), self.solution.value)
        if key != getattr(self, "_key", None):
            self._key, self.compared = key, None
        super().refresh()

    def look(self):
        """Nothing as yet: segments are looked for beside the screen."""
        self.typing.offer(None)
        return Look([self.words.gettext("Segments are being looked for.")])

    def sharpen(self):
        _, k = self.words.gettext, self.k.value
        steps = [
            (_("A first look"), lambda: self._find(k=k, k_max=k, **FIRST)),
            (_("Names and intervals"), lambda: self._find(k=k, k_max=k, **SURE)),
            (_("Questions that tell the segment"), self._type),
        ]
        if self.compared is None:
            steps.append((_("Comparing numbers of segments"), self._how_many))
        return steps

    def _type(self):
        from delight import segments

        found, data = self.found, self.data
        tool = None
        if found.model is not None:
            weights = {"weights": data.weights, "weights_kind": data.weights_kind} if data.weights else {}
            asked = {"questions": self.items, "form": self.form, **weights}
            typed = segments.golden(self._rows, found.assignment, **asked)
            tool, self.quality = typed.tool, typed.quality
        self.typing.offer(tool, getattr(self, "quality", None))
        return self._look()

    def _how_many(self):
        from delight.segments import latent

        options = {k: v for k, v in self._options().items() if k in ("items", "form", "scales", "weights", "weights_kind")}
        within = self.found.fit.meta.get("solution") == "within"
        self.compared = latent.fit_table(self._rows, **options, within=within, k_max=MOST, n_starts=20)
        return self._look()

    def _look(self):
        from delight.show import segments as views

        words, _, found = self.words, self.words.gettext, self.found
        text = ["from delight import segments", "", *self.data.lines(self.bars[0].choice), *self.data.part_line(self._every)]
        text += [code.call("result", "segments.find", "chosen", **self._options(), **self.how) + ".segments"]
        if found.model is None:
            return Look(
                [
                    _("Fewer than {n} respondents of this selection told their needs: too few to look for segments.").format(
                        n=words.number(200)
                    )
                ]
            )
        found, small = self._large_enough(found)
        names = dict(zip(found.segments.table["segment"], found.segments.table["share"]))
        lines = [
            words.listed(
                _("**{segment}** {share}").format(segment=words.segment(code_), share=words.percent(share))
                for code_, share in names.items()
            )
            + "."
        ]
        if self.archetypes and self.how["n_boot"] and not found.segments.table["named"].any():
            lines.append(_("None of these segments lies close enough to an expected kind of customer to bear its name."))
        if not self.how["n_boot"]:
            lines.append(_("A first look: names and intervals follow."))
        if small:
            lines.append(
                words.ngettext(
                    "{n} segment is too small to show: these customers hardly hold so many kinds.",
                    "{n} segments are too small to show: these customers hardly hold so many kinds.",
                    small,
                ).format(n=words.number(small))
            )
        drawing = Drawing.of_view(views.wishes, [found.profile], words)
        drawing.salt += str(self.how["n_boot"])
        part = self.data.part_note(self.data.n(self.bars[0].mask), self._every, follows=False)
        tables = {"segments": found.segments.table, "profile": found.profile.table}
        html = view_table(views.match_table, [found.segments], words) if self.archetypes else ""
        if self.compared is not None:
            tables["fit"] = self.compared.table
            html += self._fit_table()
        return Look(lines, drawing, tables, text, html=html, notes=[*part, self._stable(), words.source(found.segments)])

    def _large_enough(self, found):
        """(what was found of the segments that may be shown, how many may not)."""
        table = found.segments.table
        kept = table.loc[table["n_modal"] >= self.data.minimum_group, "segment"]
        if len(kept) == len(table):
            return found, 0
        shown = {name: getattr(found, name) for name in ("segments", "profile")}
        shown = {name: r.with_table(r.table[r.table["segment"].isin(kept)].reset_index(drop=True)) for name, r in shown.items()}
        return found._replace(**shown), len(table) - len(kept)

    def _stable(self):
        """How alike the segments of random halves are."""
        row = self.found.fit.table
        agreed = row.loc[row["chosen"], "ari_half"]
        if not len(agreed) or agreed.isna().all():
            return ""
        return self.words.gettext(
            "Random halves of these customers agree on their segments to {agreement} (1 is complete; from {stable} they are stable)."
        ).format(agreement=self.words.number(agreed.iloc[0], 2), stable=self.words.number(0.8, 1))

    def _fit_table(self):
        from delight.show.views import Column
        from delight.show.widgets.explorer import html_table

        words, _, t = self.words, self.words.gettext, self.compared.table
        best = (t["bic"] == t.loc[t["status"] == "ok", "bic"].min()).tolist()
        columns = [
            Column(_("Segments"), t["k"].tolist(), "count", emphasis=best),
            Column("BIC", t["bic"].tolist(), "count", emphasis=best),
            Column(_("Entropy"), t["entropy"].tolist(), "number2"),
            Column(_("Smallest"), t["min_share"].tolist(), "percent"),
            Column(_("Found again"), [_("yes") if s == "ok" else _("no") for s in t["status"]]),
        ]
        note = _(
            "A lower BIC fits better for its number of parameters. A number that is not found again from other starts is not to be trusted."
        )
        return html_table(_("How many segments?"), columns, words, note)

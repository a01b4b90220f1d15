"""The comment browser: search and filter what customers wrote, and read the words in their context."""

from __future__ import annotations

from html import escape

import ipywidgets
import numpy as np

from delight.show.widgets import code
from delight.show.widgets.explorer import Explorer, Look, bar_of

#: Comments on a page.
PAGE = 20


class CommentBrowser(Explorer):
    """Comments of a selection with a search, a score band, and keyword in context.

    Comments were scrubbed when the feedback was read; first names are taken out here besides (`feedback.persons`).

    Parameters
    ----------
    bar : FilterBar or Data
    columns : sequence of str
        Questions answered in words.
    overall : str, optional
        Grade whose bands comments are filtered by.
    delight_from : float, optional
    """

    key = "comments"

    def __init__(self, bar, *, columns, overall=None, delight_from=None, presentation=False):
        from delight.satisfaction.levels import score_bands

        bar = bar_of(bar)
        words, _ = bar.words, bar.words.gettext
        self.overall, self.columns, self._nameless = overall, list(columns), {}
        self.places = [str(v) for c in ("label", "location") if c in bar.data.by for v in bar.data.coded(c).values]
        self.bands = score_bands(bar.data.scales[overall], delight_from) if overall and overall in bar.data.scales else {}
        self.query = ipywidgets.Text(
            placeholder=_('words, "a phrase", begin*, either|or, -without'),
            description=_("Search"),
            continuous_update=False,
            style={"description_width": "initial"},
            layout={"width": "32em"},
        )
        self.column = ipywidgets.Dropdown(
            options=[(words.column(c), c) for c in self.columns],
            description=_("Question"),
            style={"description_width": "initial"},
            layout={"display": "" if len(self.columns) > 1 else "none", "width": "auto", "max_width": "40em"},
        )
        bands = [
            (_("All grades"), ""),
            *((f"{low:g}–{high:g}" if low != high else f"{low:g}", name) for name, (low, high) in self.bands.items()),
        ]
        self.band = ipywidgets.ToggleButtons(
            options=bands, value="", description=_("Grade"), style={"button_width": "auto", "description_width": "initial"}
        )
        self.band.layout.display = "" if self.bands else "none"
        self.page = ipywidgets.BoundedIntText(value=1, min=1, max=1, description=_("Page"), layout={"width": "10em"})
        row = {"flex_flow": "row wrap"}
        super().__init__([bar], [ipywidgets.HBox([self.query, self.column], layout=row), self.band, self.page], presentation=presentation)
        self.query.observe(lambda change: self._first_page(), names="value")
        self.band.observe(lambda change: self._first_page(), names="value")
        self.refresh()

    def _first_page(self):
        self.page.value = 1

    def _rows(self):
        """(responses of the selection and band, the code that makes them)."""
        column, mask = self.column.value, self.bars[0].mask
        words = self._without_names(column)
        frame = self.data.rows(mask).assign(**{column: words if mask is None else words[mask]})
        asked = f"responses[{code.written(column)}]"
        keep = f", keep={code.written(self.places)}" if self.places else ""
        text = ["", f"{asked} = without_first_names({asked}{keep})", *self.data.lines(self.bars[0].choice)]
        if self.band.value:
            low, high = self.bands[self.band.value]
            frame = frame[frame[self.overall].between(low, high)]
            text.append(f"chosen = chosen[chosen[{code.written(self.overall)}].between({low:g}, {high:g})]")
        return frame, text

    def _without_names(self, column):
        """The comments without first names, made once."""
        from delight.feedback.persons import without_first_names

        if column not in self._nameless:
            self._nameless[column] = without_first_names(self.data.frame[column], keep=self.places)
        return self._nameless[column]

    def look(self):
        from delight.comments import concordance

        words, _ = self.words, self.words.gettext
        frame, text = self._rows()
        if len(frame) < self.data.minimum_group:
            minimum = words.number(self.data.minimum_group)
            return Look(
                [
                    _("Fewer than {minimum} respondents of this selection gave such a grade: their words are not shown.").format(
                        minimum=minimum
                    )
                ]
            )
        also = [c for c in (self.overall,) if c]
        found = concordance(frame, column=self.column.value, query=self.query.value, also=also)
        text += [code.call("result", "concordance", "chosen", column=self.column.value, query=self.query.value, also=also)]
        many, pages = len(found.table), max(1, int(np.ceil(len(found.table) / PAGE)))
        self.page.max = pages
        at = found.table.iloc[(self.page.value - 1) * PAGE : self.page.value * PAGE]
        comments = found.meta["n_comments"]
        if self.query.value:
            line = words.ngettext("**{n}** of {all} comments answers the search.", "**{n}** of {all} comments answer the search.", many)
        else:
            line = words.ngettext("**{n}** comment.", "**{n}** comments.", many)
        lines = [line.format(n=words.number(many), all=words.number(comments))]
        lines += self._grades(found.table, frame)
        if pages > 1:
            lines.append(_("Page {page} of {pages}.").format(page=words.number(self.page.value), pages=words.number(pages)))
        table = found.table.drop(columns=["row"])
        return Look(
            lines,
            None,
            {"comments": table},
            ["from delight.comments import concordance", "from delight.feedback.persons import without_first_names", *text],
            html=self._listed(at),
        )

    def _grades(self, table, frame):
        """How those grade who wrote such a comment, beside everybody of the selection."""
        words, _ = self.words, self.words.gettext
        if not self.query.value or not self.overall or self.band.value:
            return []
        said, all_of = table[self.overall].dropna(), frame[self.overall].dropna()
        if len(said) < self.data.minimum_group or self.data.weights:
            return []
        return [
            _("Those who wrote it give {mean} on average; everybody of this selection {all}.").format(
                mean=words.grade(said.mean()), all=words.grade(all_of.mean())
            )
        ]

    def _listed(self, rows):
        words, _ = self.words, self.words.gettext
        if rows.empty:
            return ""
        graded, heading = self.overall is not None, _("In their own words")
        body = []
        for row in rows.itertuples():
            grade = getattr(row, self.overall, np.nan) if graded and self.overall.isidentifier() else np.nan
            first = f'<th scope="row" class="num">{escape(words.number(grade))}</th>' if graded else ""
            match = f"<mark>{escape(row.match)}</mark>" if row.match else ""
            whole = f' title="{escape(row.comment, quote=True)}"' if row.match else ""
            body.append(f"<tr>{first}<td{whole}>{escape(row.left)}{match}{escape(row.right)}</td></tr>")
        head = f'<th scope="col" class="num">{escape(words.column(self.overall))}</th>' if graded else ""
        return (
            f'<table style="max-width:90ch"><thead><tr>{head}<th scope="col">{escape(heading)}</th></tr></thead>'
            f"<tbody>{''.join(body)}</tbody></table>"
        )

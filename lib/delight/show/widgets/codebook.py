"""The codebook editor: the rows that a draft left open, decided one by one, and written back safely."""

from __future__ import annotations

from html import escape
from pathlib import Path

import ipywidgets

from delight.errors import DelightError
from delight.show.widgets.explorer import _STYLE, said

#: Answers shown of a column.
SHOWN = 8


class CodebookEditor(ipywidgets.VBox):
    """Decide what the open columns of a drafted study are.

    Parameters
    ----------
    study : str
        Name under data/studies, or a folder; it may still have open rows.
    words : delight.show.Words, optional
        English by default.
    """

    def __init__(self, study, *, words=None, presentation=False):
        from delight.show.words import Words
        from delight.study import places
        from delight.study.codebook import RATING_ROLES, ROLES

        self.words = words or Words("en")
        _ = self.words.gettext
        self.folder, self._rated = Path(places.find_study(study)), RATING_ROLES
        self.decisions, self._samples, self._filling = {}, {}, False
        self.rows, self._mark = [], None
        wide = {"description_width": "initial"}
        self.listed = ipywidgets.Select(options=[], rows=10, description="", layout={"width": "20em"})
        self.about = ipywidgets.HTML()
        self.role = ipywidgets.Dropdown(options=[(_("not decided"), ""), *((r, r) for r in ROLES)], description=_("Role"), style=wide)
        cell = {"continuous_update": False, "layout": {"width": "12em"}, "style": wide}
        self.low = ipywidgets.Text(description=_("Lowest"), **cell)
        self.high = ipywidgets.Text(description=_("Highest"), **cell)
        self.step = ipywidgets.Text(description=_("Step"), placeholder="1", **cell)
        self.scale = ipywidgets.HBox([self.low, self.high, self.step], layout={"display": "none", "flex_flow": "row wrap"})
        self.agree = ipywidgets.Button(description=_("The guess is right"), icon="check", layout={"width": "auto"})
        self.leave = ipywidgets.Button(description=_("Leave the column out"), icon="ban", layout={"width": "auto"})
        self.save_button = ipywidgets.Button(
            description=_("Save the codebook"), icon="save", button_style="primary", disabled=True, layout={"width": "auto"}
        )
        self.told = ipywidgets.HTML()
        self.agree.on_click(lambda _button: self.decide(self.column, self._row.guess))
        self.leave.on_click(lambda _button: self.decide(self.column, "ignore"))
        self.save_button.on_click(lambda _button: self.save())
        self.listed.observe(lambda change: self._show_row(), names="value")
        self.role.observe(lambda change: self._chosen(), names="value")
        for box in (self.low, self.high, self.step):
            box.observe(lambda change: self._chosen(), names="value")
        detail = [self.about, ipywidgets.HBox([self.agree, self.leave], layout={"flex_flow": "row wrap"}), self.role, self.scale]
        body = ipywidgets.HBox([self.listed, ipywidgets.VBox(detail, layout={"flex": "1 1 30em", "padding": "0 0 0 1em"})])
        super().__init__([ipywidgets.HTML(_STYLE, layout={"height": "0", "margin": "0"}), self.told, body, self.save_button])
        self.add_class("delight-explore")
        if presentation:
            self.add_class("delight-large")
        self._read()

    # ---- what is open

    def _read(self):
        from delight.study.decide import open_rows

        self.rows, self._mark = open_rows(self.folder)
        self.decisions = {}
        self._list()
        self._show_row()

    @property
    def column(self):
        """The column looked at."""
        return self.listed.value

    @property
    def _row(self):
        return next((r for r in self.rows if r.column == self.column), None)

    def _list(self):
        """The list with a mark at what has been decided, and how far it is."""
        words, _, kept = self.words, self.words.gettext, self.column
        options = [(f"{'✓' if r.column in self.decisions else '?'} {r.column}", r.column) for r in self.rows]
        self._filling = True
        try:
            self.listed.options = options
            self.listed.value = kept if kept in [r.column for r in self.rows] else (self.rows[0].column if self.rows else None)
        finally:
            self._filling = False
        if not self.rows:
            self.told.value = said([_("Every row of the codebook has its role.")])
        else:
            many = words.ngettext("{done} of {n} open column decided.", "{done} of {n} open columns decided.", len(self.rows))
            self.told.value = said([many.format(done=words.number(len(self.decisions)), n=words.number(len(self.rows)))])
        self.save_button.disabled = not self.decisions

    def _show_row(self):
        if self._filling:
            return
        row, _ = self._row, self.words.gettext
        for part in (self.role, self.agree, self.leave):
            part.disabled = row is None
        if row is None:
            self.about.value, self.scale.layout.display = "", "none"
            return
        asked = next((row.row[f"label_{x}"] for x in (self.words.language, "en", "nl", "da") if row.row.get(f"label_{x}")), "")
        note = row.note.removeprefix(f"probably {row.guess}: ") if row.guess else row.note
        parts = [f'<p class="question">{escape(row.column)}{f": {escape(asked)}" if asked and asked != row.column else ""}</p>']
        parts.append(self._sample(row.column))
        parts += [f'<p class="note">{escape(note)}</p>'] if note else []
        self.about.value = f'<div class="delight-words">{"".join(parts)}</div>'
        self.agree.description = _("Yes: {role}").format(role=row.guess) if row.guess else _("No guess")
        self.agree.disabled = not row.guess
        cells = self.decisions.get(row.column, {})
        self._filling = True
        try:
            self.role.value = cells.get("role", "")
            for box, name in ((self.low, "scale_min"), (self.high, "scale_max"), (self.step, "scale_step")):
                box.value = cells.get(name, row.row.get(name, ""))
        finally:
            self._filling = False
        self.scale.layout.display = "" if self.role.value in self._rated else "none"

    def _sample(self, column):
        """The commonest answers of the column; nothing where every answer is its own (ids, remarks)."""
        words, _ = self.words, self.words.gettext
        if column not in self._samples:
            self._samples[column] = self._counted(column)
        counts = self._samples[column]
        if counts is None or not len(counts):
            text = _("No answers at hand.")
            return f"<p>{escape(text)}</p>"
        if counts.iloc[0] < 2 and len(counts) > 20:
            text = words.ngettext("{n} different answer; not shown.", "{n} different answers, each given once; not shown.", len(counts))
            return f"<p>{escape(text.format(n=words.number(len(counts))))}</p>"
        rows = "".join(
            f'<tr><td>{escape(str(v).removesuffix(".0")[:60])}</td><td class="num">{escape(words.number(n))}</td></tr>'
            for v, n in counts.head(SHOWN).items()
            if n > 1
        )
        more = len(counts) - min(SHOWN, int((counts > 1).sum()))
        tail = words.ngettext("and {n} other", "and {n} others", more).format(n=words.number(more)) if more > 0 else ""
        return f"<table>{rows}</table>" + (f'<p class="note">{escape(tail)}</p>' if tail else "")

    def _counted(self, column):
        from delight.feedback.readers import read_raw
        from delight.study import load

        study, _findings = load(self.folder)
        for source in study.sources if study is not None else ():
            try:
                raw = read_raw(source.path, format=source.format, rename=source.rename, columns=[column])
            except (DelightError, OSError):
                continue
            if column in raw.frame:
                return raw.frame[column].dropna().value_counts()
        return None

    # ---- deciding

    def decide(self, column, role, **cells):
        """Decide a column: ``editor.decide("q7", "attribute", scale_min=1, scale_max=10)``; an empty role takes it back."""
        row = next((r for r in self.rows if r.column == column), None)
        if row is None:
            return
        if role:
            kept = {k: row.row.get(k, "") for k in ("scale_min", "scale_max", "scale_step")} if role in self._rated else {}
            given = {k: str(v) for k, v in {**kept, **cells}.items() if str(v) != ""}
            self.decisions[column] = {"role": role, **given}
        else:
            self.decisions.pop(column, None)
        self._list()
        if column == self.column:
            self._show_row()

    def _chosen(self):
        if self._filling or self._row is None:
            return
        cells = {"scale_min": self.low.value, "scale_max": self.high.value, "scale_step": self.step.value}
        self.decide(self.column, self.role.value, **(cells if self.role.value in self._rated else {}))

    def save(self):
        """Write the decisions into codebook.csv, and say what the study's checker says now."""
        from delight.study.decide import decide

        words, _ = self.words, self.words.gettext
        n = len(self.decisions)
        try:
            findings = decide(self.folder, self.decisions, mark=self._mark)
        except (DelightError, OSError) as error:
            self.told.value = said([_("Not saved: {reason}").format(reason=error)], kind="warn")
            return
        self._read()
        lines = [words.ngettext("{n} decision is in codebook.csv.", "{n} decisions are in codebook.csv.", n).format(n=words.number(n))]
        errors = [f for f in findings if f.severity == "error" and f.rule != "open_role"]
        lines.append(
            words.ngettext("{n} column is still open.", "{n} columns are still open.", len(self.rows)).format(
                n=words.number(len(self.rows))
            )
        )
        lines += [f"{f.column}: {f.message} {f.remedy}" if f.column else f"{f.message} {f.remedy}" for f in errors[:6]]
        self.told.value = said(lines, kind="warn" if errors else "")

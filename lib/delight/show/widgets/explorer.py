"""What all explorers have in common: selections above, numbers and a figure below, the code behind them, and a button that saves the view."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import escape
from pathlib import Path

import ipywidgets

from delight.errors import DelightError
from delight.show.widgets.filters import FilterBar
from delight.show.widgets.work import Work

_STYLE = """<style>
.delight-explore{max-width:1100px}
.delight-explore .delight-words{font-size:1.08em;line-height:1.5}
.delight-explore .delight-words p{margin:.25em 0;max-width:78ch}
.delight-explore .delight-words .question{font-weight:600;margin-top:.8em}
.delight-explore .delight-words .note{color:#5f6b76;font-size:.9em}
.delight-explore .delight-words .warn{border-left:4px solid #d1761c;padding-left:.7em}
.delight-explore table{border-collapse:collapse;font-size:.95em;margin:.4em 0}
.delight-explore caption{font-weight:600;text-align:left;padding:.2em 0}
.delight-explore th,.delight-explore td{padding:.22em .7em;text-align:left;border-bottom:1px solid #d9dee3;font-weight:normal}
.delight-explore thead th{font-weight:600}
.delight-explore figure{margin:0}
.delight-explore .num{text-align:right;font-variant-numeric:tabular-nums}
.delight-explore .ci{color:#5f6b76;font-size:.9em}
.delight-explore .source{color:#5f6b76;font-size:.85em}
.delight-explore mark{background:#ffe8c9;font-weight:600;padding:0 .1em}
.delight-explore pre{background:#f5f7f9;border:1px solid #d9dee3;padding:.7em;overflow-x:auto;user-select:all}
.delight-explore .delight-stale{opacity:.35}
.delight-explore :focus-visible{outline:3px solid #d1761c;outline-offset:1px}
.delight-large{--jp-widgets-font-size:20px;--jp-widgets-inline-height:40px;--jp-widgets-inline-width:420px;max-width:none}
.delight-large,.delight-large .widget-html-content,.delight-large .jp-OutputArea-output{font-size:20px}
.delight-large .delight-words{font-size:24px}
</style>"""
#: How much larger figures are for a room.
ROOM = 1.6


@dataclass(frozen=True)
class Look:
    """What an explorer shows of one selection.

    Attributes
    ----------
    lines : list of str
        What it says, plain text with ``**bold**``.
    drawing : Drawing or None
    tables : dict of str to DataFrame
        What can be saved, by name.
    code : list of str
        Python that makes the first table as ``result.table``.
    html : str
        A table below the figure, safe HTML.
    notes : list of str
        Set small, below the lines.
    question : str
        What the figure answers; by default its title.
    later : function, optional
        Called when the numbers stand there; returns the drawing and its tables.
    """

    lines: list
    drawing: object = None
    tables: dict = field(default_factory=dict)
    code: list = field(default_factory=list)
    html: str = ""
    notes: list = field(default_factory=list)
    question: str = ""
    later: object = None

    def finished(self):
        """The same with what was left for later."""
        if self.later is None:
            return self
        drawing, tables = self.later()
        return replace(self, drawing=drawing, tables={**self.tables, **tables}, later=None)


class Explorer(ipywidgets.VBox):
    """A view of a selection that follows its controls.

    Subclasses say what they show in `look`, and name the controls whose change makes it anew.

    Parameters
    ----------
    bars : sequence of FilterBar
    controls : sequence of widgets
        Set between the bars and the numbers; their ``value`` is watched.
    below : sequence of widgets
        Set under the figure.
    """

    #: Names files that are saved.
    key = "view"

    def __init__(self, bars, controls=(), below=(), *, presentation=False):
        from delight.show.widgets.figures import Picture

        self.bars, self.data, self.words = list(bars), bars[0].data, bars[0].words
        self.shown, _ = None, self.words.gettext
        self.numbers, self.caption, self.table = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.picture, self.work = Picture(), Work(self.words)
        self.code_box, self.saved = ipywidgets.HTML(layout={"display": "none"}), ipywidgets.HTML()
        self.as_code = ipywidgets.ToggleButton(
            description=_("As code"), icon="code", tooltip=_("The lines of Python that make this view"), layout={"width": "auto"}
        )
        self.save_view = ipywidgets.Button(
            description=_("Save view"),
            icon="download",
            tooltip=_("Write figure, table and code into the reports folder"),
            layout={"width": "auto"},
        )
        self.large = ipywidgets.ToggleButton(
            value=False,
            description=_("Large type"),
            icon="search-plus",
            tooltip=_("Readable at the back of a room"),
            layout={"width": "auto"},
        )
        self.as_code.observe(lambda change: self._show_code(), names="value")
        self.save_view.on_click(lambda _button: self._save())
        self.large.observe(lambda change: self._enlarge(), names="value")
        buttons = ipywidgets.HBox([self.as_code, self.save_view, self.large, self.saved], layout={"flex_flow": "row wrap"})
        super().__init__(
            [
                ipywidgets.HTML(_STYLE, layout={"height": "0", "margin": "0"}),
                *self.bars,
                *controls,
                self.work,
                self.numbers,
                self.picture,
                self.caption,
                *below,
                self.table,
                buttons,
                self.code_box,
            ]
        )
        self.add_class("delight-explore")
        for bar in self.bars:
            bar.on_change(self.refresh)
        for control in _watched(controls):
            control.observe(lambda change: self.refresh(), names="value")
        self.picture.observe(lambda change: change["new"] and self.pick(change["new"]), names="picked")
        self.large.value = presentation

    # ---- what subclasses fill in

    def look(self):
        """What to show of the present selection, as a `Look`; quick enough to follow a hand."""
        raise NotImplementedError

    def sharpen(self):
        """Longer work after `look`: a list of (what, function that returns a Look)."""
        return []

    def pick(self, name):
        """A mark of the figure was chosen."""

    # ---- the round

    def refresh(self):
        """Show the selection anew."""
        self.work.stop(quietly=True)
        reason = next((bar.why_not for bar in self.bars if bar.layout.display != "none" and bar.why_not), "")
        if reason:
            return self.nothing(reason)
        self._stale(True)
        try:
            self.show(self.look())
            steps = self.sharpen()
        except DelightError as error:
            return self.nothing(str(error))
        finally:
            self._stale(False)
        if steps:
            self.work.start(steps, self.show, lambda error: self.nothing(str(error)))

    def _stale(self, stale):
        """Dim what is older than the choice."""
        self.picture.stale = stale
        (self.numbers.add_class if stale else self.numbers.remove_class)("delight-stale")

    def show(self, look):
        """Put a view on the screen, the numbers first."""
        question = look.question or (look.drawing.title if look.drawing else "")
        self.numbers.value = said(look.lines, look.notes, question=question)
        self.numbers.remove_class("delight-stale")
        self.shown = look = look.finished()
        self._draw(look.drawing)
        self.caption.value = said([], [look.drawing.caption]) if look.drawing and look.drawing.caption else ""
        self.table.value = f'<div class="delight-words">{look.html}</div>' if look.html else ""
        self.saved.value = ""
        for part in (self.save_view, self.as_code):
            part.disabled = False
        if self.as_code.value:
            self._show_code()

    def nothing(self, reason):
        """Say why nothing is shown."""
        self.shown = None
        self.numbers.value, self.caption.value, self.table.value, self.picture.svg = said([reason], kind="warn"), "", "", ""
        self.save_view.disabled = self.as_code.disabled = True
        self.code_box.value = self.saved.value = ""

    def _draw(self, drawing):
        if drawing is None:
            self.picture.svg = ""
            return
        self.picture.names = list(drawing.names)
        self.picture.width = drawing.size[0] * (ROOM if self.large.value else 1.0)
        self.picture.stale = True
        try:
            self.picture.svg = drawing.svg()
        finally:
            self.picture.stale = False

    # ---- buttons

    @property
    def code(self):
        """Python that reproduces the present view."""
        if self.shown is None:
            return ""
        body = [*(line for line in self.data.setup if _needed(line, self.shown.code)), "", *self.shown.code]
        text = "\n".join(body)
        needed = {"np": "import numpy as np", "pd": "import pandas as pd"}
        imports = [line for name, line in needed.items() if re.search(rf"\b{name}\.", text)]
        own = [line for line in body if re.match(r"(from|import) ", line)]
        if re.search(r"\bScale\(", text):
            own.append("from delight.scales import Scale")
        rest = [line for line in body if line not in own]
        blocks = [imports, sorted(set(own)), rest]
        return "\n\n".join(re.sub(r"\n{3,}", "\n\n", "\n".join(block)).strip("\n") for block in blocks if block)

    def _show_code(self):
        self.code_box.layout.display = "" if self.as_code.value else "none"
        self.code_box.value = f'<pre tabindex="0">{escape(self.code)}</pre>' if self.as_code.value and self.shown else ""

    def _save(self):
        _ = self.words.gettext
        try:
            paths = self.save()
        except (OSError, DelightError) as error:
            self.saved.value = escape(_("Not saved: {reason}").format(reason=error))
            return
        folder = paths[0].parent
        listed = self.words.listed(p.name for p in paths)
        self.saved.value = escape(_("Saved in {folder}: {files}").format(folder=f"{folder.parent.name}/{folder.name}", files=listed))

    def save(self, folder=None):
        """Write figure (SVG and PNG), tables (CSV) and code of the present view; return the paths.

        Parameters
        ----------
        folder : Path, optional
            By default ``explore`` in the reports folder of the workbook.
        """
        if self.shown is None:
            return []
        folder = Path(folder) if folder else _folder()
        folder.mkdir(parents=True, exist_ok=True)
        stem = _free(folder, f"{self.data.title}-{self.key}-{datetime.now():%Y%m%d-%H%M%S}")
        paths = []
        if self.shown.drawing is not None:
            paths += [self.shown.drawing.save(folder / f"{stem}.{kind}") for kind in ("svg", "png")]
        for name, table in self.shown.tables.items():
            path = folder / (f"{stem}.csv" if len(self.shown.tables) == 1 else f"{stem}-{name}.csv")
            _no_formulas(table).to_csv(path, index=False, encoding="utf-8-sig")
            paths.append(path)
        path = folder / f"{stem}.py"
        path.write_text(self.code + "\n", encoding="utf-8")
        return [*paths, path]

    def _enlarge(self):
        (self.add_class if self.large.value else self.remove_class)("delight-large")
        if self.shown is not None and self.shown.drawing is not None:
            self.picture.width = self.shown.drawing.size[0] * (ROOM if self.large.value else 1.0)


def _needed(line, code):
    """Whether a line that sets a view up is of use to its code: a column or a variable that nothing mentions is not."""
    made = re.match(r'(?:responses\["(.+)"\]|(design)) = ', line)
    return made is None or any(f'"{made[1]}"' in text if made[1] else "design[" in text for text in code)


def said(lines, notes=(), *, question="", kind=""):
    """Lines as safe HTML."""
    from delight.show.render import paragraph

    body = "".join(f"<p{f' class={kind}' if kind else ''}>{paragraph(line)}</p>" for line in lines if line)
    body += "".join(f'<p class="note">{paragraph(note)}</p>' for note in notes if note)
    body += f'<p class="question">{paragraph(question)}</p>' if question else ""
    return f'<div class="delight-words" role="status" aria-live="polite">{body}</div>'


def html_table(title, columns, words, note=""):
    """Columns (`show.views.Column`) as a safe HTML table."""
    from delight.show import render, views

    view = views.View("table", "widgets.table", lambda words: columns, title=lambda words: title, caption=lambda words: note)
    return render.table_html(view, [], words, {})


def view_table(view, results, words, **options):
    """A table of a report as safe HTML."""
    from delight.show import render

    return render.table_html(view, results, words, options)


def bar_of(data_or_bar, **options):
    """A filter bar: the one given, or one on the data given."""
    return data_or_bar if isinstance(data_or_bar, FilterBar) else FilterBar(data_or_bar, **options)


def _watched(controls):
    """Controls with a value, also those inside boxes."""
    for control in controls:
        if isinstance(control, ipywidgets.Box):
            yield from _watched(control.children)
        elif control.has_trait("value") and not isinstance(control, (ipywidgets.HTML, ipywidgets.Label)):
            yield control


def _folder():
    from delight.errors import RunError
    from delight.study import places

    try:
        return places.reports_folder() / "explore"
    except RunError:  # a table of one's own, outside a workbook
        return Path("reports") / "explore"


def _free(folder, stem):
    """The stem, with a number where two views are saved within a second."""
    taken, n = {p.name for p in folder.glob(f"{stem}*")}, 1
    while any(name.startswith(stem if n == 1 else f"{stem}-{n}") for name in taken):
        n += 1
    return stem if n == 1 else f"{stem}-{n}"


def _no_formulas(table):
    """The table with text that a spreadsheet would take for a formula marked as text."""
    table = table.copy()
    for column in table.columns:
        if table[column].dtype == object or str(table[column].dtype) in ("str", "string"):
            table[column] = table[column].map(lambda v: "'" + v if isinstance(v, str) and v[:1] in ("=", "+", "-", "@", "\t") else v)
    return table

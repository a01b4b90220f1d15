"""tables.xlsx: a contents sheet, a sheet for each table and figure of the report, and for each further result; live charts, values as numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from delight.show import charts, render, report, theme, views, workbook
from delight.show.words import is_missing

#: Results that the report shows in part, with the view that shows all of them.
IN_FULL = {"claims.ledger": "claims.every"}
#: First row of a table, below title, source, note and the way back.
_HEAD = 5
_LONGEST = 32767
_CHARTS = {
    "bar": {"type": "bar"},
    "column": {"type": "column"},
    "stacked": {"type": "bar", "subtype": "percent_stacked"},
    "line": {"type": "line"},
    "dots": {"type": "line"},
    "scatter": {"type": "scatter"},
}


@dataclass(frozen=True)
class Sheet:
    """A sheet to be: its chapter, what it answers, the results it rests on and its columns.

    Attributes
    ----------
    chapter, title, note : str
        In the reader's language.
    names : list of str
        Names of the results, ``chapter.table``.
    columns : list of delight.show.views.Column
    charts : list of delight.show.charts.Chart
        Drawn from the columns of a figure, in their order.
    """

    chapter: str
    title: str
    note: str
    names: list
    columns: list
    charts: list = field(default_factory=list)


def write(content, language, path):
    """Write the tables of a report in one language.

    Parameters
    ----------
    content : Content
        A finished run; only results as a client may see them are read.
    language : {"nl", "da", "en"}
    path : Path

    Returns
    -------
    (Path, str)
        The file, and "": it can always be made.
    """
    import xlsxwriter

    words, about = content.words(language), content.about
    sheets = build(content, words)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "nan_inf_to_errors": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties(
            {
                "title": report.cover(words, about)["title"],
                "author": (about.get("report") or {}).get("author") or about["organisation"],
                "created": datetime.fromisoformat(about["made_at"]).replace(tzinfo=None),
            }
        )
        look = _Look(book)
        contents = book.add_worksheet(sheet_name(workbook.heading(words, "contents")))
        tabs = [book.add_worksheet(name) for name in _names(sheets)]
        _contents(contents, tabs, sheets, content, words, look)
        for tab, sheet in zip(tabs, sheets):
            _fill(book, tab, contents.name, sheet, content, words, look)
    return Path(path), ""


# ---- what there is
def build(content, words):
    """All sheets, in the order of the report: tables and figures as shown, then results that stand behind them."""
    sheets = []
    tables = content.table_names()
    for chapter in report.in_order(content.chapters):
        title = report.title(words, chapter.name)
        shown = [b for b in chapter.blocks if b["kind"] in ("table", "figure")]
        shown += [
            {"key": view, "view": view, "tables": [name]}
            for name, view in IN_FULL.items()
            if name in tables and name.startswith(f"{chapter.name}.")
        ]
        for block in {b["key"]: b for b in shown}.values():
            sheet = _shown(content, words, title, block)
            sheets += [sheet] if sheet else []
        seen = {name for sheet in sheets for name in sheet.names[:1]}
        own = [n for n in tables if n.partition(".")[0] == chapter.name and n not in seen]
        sheets += [s for s in (_behind(content, words, title, name) for name in own) if s]
    return sheets


def _shown(content, words, chapter, block):
    """A table or figure of the report; nothing where it has no figures, or is a picture only."""
    view, options = views.find(block["view"]), block.get("options") or {}
    results = [content.result(name) for name in block["tables"]]
    if view.kind == "figure":
        drawn = charts.offered(view, results, words, options)
        columns = _chart_columns(words, drawn)
    else:
        drawn, columns = [], render.filled(view, results, words, options)
    if not columns:
        return None
    title = view.title(*results, words, **options)
    note = view.caption(*results, words, **options) if view.caption else ""
    return Sheet(chapter, render.plain(title), render.plain(note), block["tables"], columns, drawn)


def _behind(content, words, chapter, name):
    """A result that no table of the report shows first: its whole table, under names of the glossary."""
    result = content.result(name)
    columns = workbook.columns(words, result)
    return Sheet(chapter, workbook.behind(words, name, result), "", [name], columns) if columns and len(columns[0].values) else None


def _chart_columns(words, drawn):
    """The figures of charts as a table: categories once where charts share them, then each series with its limits."""
    columns, before = [], None
    for chart in drawn:
        if chart.categories != before:
            columns.append(views.Column(chart.title if len(drawn) > 1 and before else "", chart.categories))
        before = chart.categories
        for series in chart.series:
            if chart.kind == "scatter":
                columns.append(views.Column(chart.x_axis, list(series.x), chart.x_format))
            heading = series.name or chart.title or chart.axis or workbook.heading(words, "value")
            columns.append(views.Column(heading, series.known, chart.format, series.lo, series.hi))
    return columns


# ---- names of sheets
def sheet_name(text):
    """Any text as the name of a sheet: at most 31 characters, without those Excel refuses."""
    text = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", str(text))
    text = " ".join(text.split()).strip("'")
    return (text if len(text) <= 31 else text[:30].rstrip() + "…") or "–"


def _names(sheets):
    """``3.2 How has it developed``: the chapter's number, the sheet's in it, and its title; unique by the numbers."""
    names, chapters, within = [], [], 0
    for sheet in sheets:
        if not chapters or sheet.chapter != chapters[-1]:
            chapters.append(sheet.chapter)
            within = 0
        within += 1
        names.append(sheet_name(f"{len(chapters)}.{within} {sheet.title}"))
    return names


# ---- looks
class _Look:
    """Formats of cells, made once for a workbook."""

    def __init__(self, book):
        self._book, self._made = book, {}

    def __call__(self, **about):
        key = tuple(sorted(about.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({"valign": "top", **about})
        return self._made[key]

    def title(self):
        return self(bold=True, font_size=14)

    def soft(self, **about):
        return self(font_color=theme.COLOURS["soft"], **about)

    def head(self, number, first=False):
        side = {"align": "right"} if number else {"align": "left", "indent": 0 if first else 1}
        return self(bold=True, text_wrap=True, bottom=1, valign="bottom", **side)

    def link(self):
        return self(font_color=theme.COLOURS["main"], underline=1)


def _text(tab, row, column, text, look, **about):
    """Text stays text: what looks like a formula is marked as text too, so that editing the cell does not make it one."""
    text = str(text)[:_LONGEST]
    tab.write_string(row, column, text, look(**about, **({"quote_prefix": True} if text[:1] in tuple("=+-@\t\r") else {})))


# ---- writing
def _contents(tab, tabs, sheets, content, words, look):
    """What each sheet answers, on how many answers, by which method and function."""
    cover = report.cover(words, content.about)
    _text(tab, 0, 0, cover["title"], look, bold=True, font_size=14)
    _text(tab, 1, 0, " · ".join(t for t in (content.about["organisation"], cover["wave"], cover["location"], cover["made"]) if t), look)
    tab.write_string(2, 0, workbook.reading_guide(words, content.about), look.soft())
    heads = ("sheet", "chapter", "answers", "n", "method", "made_by", "result")
    for column, head in enumerate(heads):
        tab.write_string(_HEAD, column, workbook.heading(words, head), look.head(head == "n", not column))
    for row, (target, sheet) in enumerate(zip(tabs, sheets), _HEAD + 1):
        meta = content.result(sheet.names[0]).meta
        tab.write_url(row, 0, f"internal:{_quoted(target.name)}!A1", look.link(), string=target.name)
        for column, text in (
            (1, sheet.chapter),
            (2, sheet.title),
            (4, _method(words, meta)),
            (5, _function(meta)),
            (6, ", ".join(sheet.names)),
        ):
            _text(tab, row, column, text, look, text_wrap=True, indent=1)
        if not is_missing(meta.get("n_used")):
            tab.write_number(row, 3, meta["n_used"], look(num_format=charts.NUMBERS["count"]))
    for column, width in enumerate((32, 30, 58, 8, 34, 38, 34)):
        tab.set_column(column, column, width)
    tab.freeze_panes(_HEAD + 1, 1)
    tab.autofilter(_HEAD, 0, _HEAD + len(sheets), len(heads) - 1)
    tab.set_landscape()
    tab.fit_to_pages(1, 0)


def _quoted(name):
    return "'" + name.replace("'", "''") + "'"


def _method(words, meta):
    found = re.match(r"M\d\d", str(meta.get("method", "")))
    told = report.method(words, found[0]) if found else None
    return f"{found[0]} · {told[0]}" if told else ""


def _function(meta):
    return meta.get("function") or ""


def _fill(book, tab, contents, sheet, content, words, look):
    """One sheet: title, source, note, the way back, and the table with its charts beside it."""
    results = [content.result(name) for name in sheet.names]
    _text(tab, 0, 0, sheet.title, look, bold=True, font_size=14)
    states = workbook.states(words, results[0])
    tab.write_string(1, 0, " · ".join(t for t in (words.source(results[0]), states) if t), look.soft())
    if sheet.note:
        _text(tab, 2, 0, sheet.note, look, font_color=theme.COLOURS["soft"])
    tab.write_url(3, 0, f"internal:{_quoted(contents)}!A1", look.link(), string=workbook.heading(words, "back"))
    places, at = [], 0
    for column in sheet.columns:
        places.append(at)
        at += _column(tab, at, column, words, look)
    rows = max(len(list(c.values)) for c in sheet.columns)
    tab.freeze_panes(_HEAD + 1, 1)
    if not sheet.charts and rows > 1:
        tab.autofilter(_HEAD, 0, _HEAD + rows, at - 1)
    tab.set_landscape()
    tab.fit_to_pages(1, 0)
    tab.repeat_rows(_HEAD)
    _charts(book, tab, sheet, places, at, words)


def _column(tab, at, column, words, look):
    """A column with its limits in two more; returns how many it took."""
    values, numeric = list(column.values), column.format != "text"
    shown = [render.shown(v, column.format, words) for v in values]
    tab.write_string(_HEAD, at, str(column.heading), look.head(numeric, not at))
    tab.set_column(at, at, _width(column.heading, shown))
    bold = list(column.emphasis) if column.emphasis is not None else [False] * len(values)
    for row, (value, text, strong) in enumerate(zip(values, shown, bold), _HEAD + 1):
        about = {"bold": True} if strong else {}
        if not numeric:
            _text(tab, row, at, text, look, text_wrap=True, indent=1 if at else 0, **about)
        elif is_missing(value):
            tab.write_blank(row, at, None, look())
        else:
            tab.write_number(row, at, float(value), look(num_format=charts.NUMBERS[column.format], **about))
    if column.lo is None:
        return 1
    for place, (key, limits) in enumerate((("lower", column.lo), ("upper", column.hi)), at + 1):
        tab.write_string(_HEAD, place, workbook.heading(words, key), look.head(True))
        tab.set_column(place, place, 11)
        for row, value in enumerate(limits, _HEAD + 1):
            if not is_missing(value):
                tab.write_number(row, place, float(value), look.soft(num_format=charts.NUMBERS[column.format]))
    return 3


def _width(heading, shown):
    """Characters a column needs: its longest value, or a heading in lines of whole words."""
    word = max((len(w) for w in str(heading).split()), default=0)
    return min(max(word, len(str(heading)) / 3, *map(len, shown), 6) + 2, 60)


def _charts(book, tab, sheet, places, at, words):
    """Charts beside the table, drawn from its cells."""
    left, top, place = at + 1, _HEAD, iter(places)
    before = None
    for chart in sheet.charts:
        drawn = book.add_chart(_CHARTS[chart.kind])
        if chart.categories != before:
            first, before = next(place), chart.categories
        rows = (_HEAD + 1, _HEAD + len(chart.categories))
        for i, series in enumerate(chart.series):
            across = next(place) if chart.kind == "scatter" else first
            value = next(place)
            drawn.add_series(_series(tab.name, chart, series, i, rows, across, value, first))
        _axes(drawn, chart)
        high = max(300, 90 + len(chart.categories) * (14 + 8 * len(chart.series))) if chart.kind in ("bar", "stacked") else 360
        drawn.set_size({"width": 640 if len(sheet.charts) == 1 else 360, "height": min(high, 900)})
        tab.insert_chart(top, left, drawn, {"description": f"{chart.title or sheet.title}. {sheet.note}"[:255], "object_position": 3})
        left += 6


def _series(name, chart, series, i, rows, across, value, labels):
    colour = series.colour or theme.CYCLE[i % len(theme.CYCLE)]
    dots = chart.kind in ("line", "dots", "scatter")
    made = {
        "name": [name, _HEAD, value],
        "categories": [name, rows[0], across, rows[1], across],
        "values": [name, rows[0], value, rows[1], value],
        "gap": 60,
    }
    if dots:
        made["marker"] = {"type": "circle", "size": 7, "fill": {"color": colour}, "border": {"color": colour}}
        made["line"] = {"color": colour, "width": 1.5} if chart.kind == "line" else {"none": True}
    else:
        made["fill"] = {"color": colour}
    if series.colours:
        made["points"] = [{"fill": {"color": c}, "border": {"color": c}} for c in series.colours]
    if series.lo is not None:
        below, above = series.distances
        made["y_error_bars"] = {"type": "custom", "plus_values": above, "minus_values": below, "line": {"color": theme.COLOURS["ink"]}}
    if chart.kind == "scatter":
        made["data_labels"] = {
            "custom": [{"value": f"={_quoted(name)}!${_letters(labels)}${row + 1}"} for row in range(rows[0], rows[1] + 1)],
            "value": True,
            "position": "right",
        }
    elif chart.kind == "stacked":
        made["data_labels"] = {"value": True, "num_format": charts.NUMBERS[chart.format], "font": {"color": theme.on(colour)}}
    return made


def _letters(column):
    import xlsxwriter.utility

    return xlsxwriter.utility.xl_col_to_name(column)


def _axes(drawn, chart):
    grid = {"visible": True, "line": {"color": theme.COLOURS["grid"]}}
    values = {
        "name": charts.label(chart.axis),
        "num_format": charts.NUMBERS[chart.format],
        "major_gridlines": grid,
        "name_font": {"bold": False},
    }
    low, high = chart.ends
    values |= {key: end for key, end in (("min", low), ("max", high)) if end is not None}
    across = {
        "name": charts.label(chart.x_axis),
        "name_font": {"bold": False},
        "label_position": "low",
        "major_gridlines": {"visible": False},
    }
    if chart.kind in ("bar", "stacked"):  # lying bars: the horizontal axis is that of the values
        drawn.set_x_axis(values)
        drawn.set_y_axis({**across, "name": "", "reverse": True, "crossing": "max"})
    else:
        if chart.kind == "scatter":
            across["num_format"] = charts.NUMBERS[chart.x_format]
        drawn.set_x_axis(across)
        drawn.set_y_axis({**values, "label_position": "low"})
    if chart.title:
        drawn.set_title({"name": charts.label(chart.title), "name_font": {"size": 11, "bold": False}})
    else:
        drawn.set_title({"none": True})
    if any(s.name for s in chart.series):
        drawn.set_legend({"position": "top"})
    else:
        drawn.set_legend({"none": True})

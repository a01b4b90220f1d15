"""From a block and its results to HTML and SVG in one language; used by notebooks and reports alike."""

from __future__ import annotations

import io
import re
from html import escape

from delight.show import theme, views
from delight.show.words import NO_VALUE, is_missing

_NUMERIC = {
    "count": lambda w, v: w.number(v),
    "grade": lambda w, v: w.grade(v),
    "number1": lambda w, v: w.number(v, 1),
    "number2": lambda w, v: w.number(v, 2),
    "number3": lambda w, v: w.number(v, 3),
    "percent": lambda w, v: w.percent(v),
    "percent1": lambda w, v: w.percent(v, 1),
    "points": lambda w, v: w.points(v),
    "signed1": lambda w, v: w.signed(v, 1),
    "signed2": lambda w, v: w.signed(v, 2),
    "p": lambda w, v: w.p_value(v),
}


def paragraph(text):
    """Plain text with ``**bold**`` as safe HTML."""
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text, quote=False))


def cell(column, index, words):
    """Text of one cell of a table: the value, with its interval behind it."""
    value = list(column.values)[index]
    if column.format == "text":
        return NO_VALUE if is_missing(value) else str(value)
    show = _NUMERIC[column.format]
    text = show(words, value)
    if column.lo is not None and not is_missing(value):
        lo, hi = list(column.lo)[index], list(column.hi)[index]
        if not (is_missing(lo) or is_missing(hi)):
            text = f"{text} ({words.interval(lo, hi, lambda v: show(words, v))})"
    return text


def reading_html(view, results, words, options):
    paragraphs = view(*results, words, **options)
    return "".join(f"<p>{paragraph(p)}</p>" for p in paragraphs)


def table_html(view, results, words, options):
    columns = view(*results, words, **options)
    rows = max((len(list(c.values)) for c in columns), default=0)
    head = "".join(f'<th scope="col" class="{"text" if c.format == "text" else "num"}">{escape(c.heading)}</th>' for c in columns)
    body = []
    for i in range(rows):
        cells = []
        for position, c in enumerate(columns):
            text = escape(cell(c, i, words))
            if c.emphasis is not None and list(c.emphasis)[i]:
                text = f"<strong>{text}</strong>"
            if position == 0:
                cells.append(f'<th scope="row">{text}</th>')
            else:
                cells.append(f'<td class="{"text" if c.format == "text" else "num"}">{text}</td>')
        body.append(f"<tr>{''.join(cells)}</tr>")
    note = view.caption(*results, words, **options) if view.caption else ""
    foot = f'<p class="note">{paragraph(note)}</p>' if note else ""
    title = paragraph(view.title(*results, words, **options))
    return (
        f'<figure class="table"><table><caption>{title}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>{foot}{source_html(results, words)}</figure>"
    )


def figure_svg(view, results, words, options, *, salt="delight"):
    """The figure as an SVG element, drawn once."""
    size = view.size(*results, **options) if callable(view.size) else view.size
    with theme.figure(*size, salt=salt) as (figure, ax):
        view(*results, ax, words, **options)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    alt = escape(view.alt(*results, words, **options), quote=True)
    return svg.replace("<svg", f'<svg role="img" aria-label="{alt}"', 1)


def figure_html(view, results, words, options, *, salt="delight"):
    title = paragraph(view.title(*results, words, **options))
    caption = paragraph(view.caption(*results, words, **options))
    svg = figure_svg(view, results, words, options, salt=salt)
    return (
        f'<figure class="plot"><p class="question">{title}</p>{svg}<figcaption>{caption}</figcaption>{source_html(results, words)}</figure>'
    )


def source_html(results, words):
    """The line with n and method under a table or figure."""
    return "".join(f'<p class="source">{escape(words.source(r))}</p>' for r in results[:1])


def block_html(block, results, words):
    """HTML of a block: `block` as dict (kind, view, options, key), `results` in the order of its tables."""
    view, options = views.find(block["view"]), block.get("options") or {}
    if block["kind"] == "figure":
        return figure_html(view, results, words, options, salt=block["key"])
    make = {"reading": reading_html, "table": table_html, "note": reading_html}[block["kind"]]
    inner = make(view, results, words, options)
    return inner if block["kind"] == "table" else f'<div class="{block["kind"]}">{inner}</div>'

"""From a block and its results to HTML and SVG in one language; used by notebooks and reports alike."""

from __future__ import annotations

import io
import re
import warnings
from contextlib import contextmanager
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

_NUMBERS = re.compile(r'( (?:d|x|y|transform)=")([^"]*)')

#: A table of at most this many rows stays on one page.
_SHORT = 8
#: Beyond this many columns, intervals counted, an interval goes below its value.
_WIDEST = 9


def paragraph(text):
    """Plain text with ``**bold**`` as safe HTML."""
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(str(text), quote=False))


def plain(text):
    """Text without its ``**bold**`` marks."""
    return str(text).replace("**", "").strip()


def shown(value, format, words):
    """One value in a column's format, as text."""
    if format == "text":
        return NO_VALUE if is_missing(value) else str(value)
    return _NUMERIC[format](words, value)


def cell(column, index, words):
    """Text of one cell of a table: the value, with its interval behind it."""
    text, limits = cell_parts(column, index, words)
    return f"{text} ({limits})" if limits else text


def cell_parts(column, index, words):
    """Text of a value and of its interval ("" without one)."""
    value = list(column.values)[index]
    text = shown(value, column.format, words)
    if column.lo is None or is_missing(value):
        return text, ""
    lo, hi = list(column.lo)[index], list(column.hi)[index]
    if is_missing(lo) or is_missing(hi):
        return text, ""
    return text, words.interval(lo, hi, lambda v: shown(v, column.format, words))


def reading_html(view, results, words, options):
    paragraphs = view(*results, words, **options)
    return "".join(f"<p>{paragraph(p)}</p>" for p in paragraphs)


def filled(view, results, words, options):
    """Columns of a table without those of text that stay empty; none at all where every figure is missing."""
    columns = list(view(*results, words, **options))
    figures = [c for c in columns if c.format not in ("text", "count")]
    if figures and all(is_missing(v) for c in figures for v in c.values):
        return []
    return [c for i, c in enumerate(columns) if i == 0 or c.format != "text" or any(not _blank(v) for v in c.values)]


def table_html(view, results, words, options):
    """A table as `filled` leaves it."""
    if view.look == "cards":
        return _cards(view, view(*results, words, **options), results, words, options)
    columns = filled(view, results, words, options)
    if not columns:
        return ""
    rows = max((len(list(c.values)) for c in columns), default=0)
    width = sum(1 if c.lo is None else 2 for c in columns)
    stacked = width > _WIDEST
    body = "".join(
        f"<tr>{''.join(_cells(c, i, position == 0, stacked, words) for position, c in enumerate(columns))}</tr>" for i in range(rows)
    )
    note = view.caption(*results, words, **options) if view.caption else ""
    foot = f'<p class="note">{paragraph(note)}</p>' if note else ""
    look = ["table", "short" if rows <= _SHORT else "long"]
    look += ["stacked"] if stacked else ["wide"] if width > 7 else ["narrow"] if width < 4 else []
    return (
        f'<figure class="{" ".join(look)}"><table><caption>{paragraph(view.title(*results, words, **options))}</caption>'
        f"<thead><tr>{''.join(_heading(c, stacked) for c in columns)}</tr></thead><tbody>{body}</tbody></table>{foot}{source_html(results, words)}</figure>"
    )


def _blank(value):
    return is_missing(value) or str(value).strip() in ("", NO_VALUE)


def _heading(column, stacked):
    kind = "text" if column.format == "text" else "num"
    span = "" if column.lo is None or stacked else ' colspan="2"'
    return f'<th scope="col" class="{kind}{" with-ci" if span else ""}"{span}>{escape(str(column.heading))}</th>'


def _cells(column, index, first, stacked, words):
    text, limits = cell_parts(column, index, words)
    text = escape(text)
    if column.emphasis is not None and list(column.emphasis)[index]:
        text = f"<strong>{text}</strong>"
    if first:
        return f'<th scope="row">{text}</th>'
    kind = "text" if column.format == "text" else "num"
    if stacked:  # many columns: the interval below its value
        return f'<td class="{kind}">{text}' + (f' <span class="ci">{escape(limits)}</span>' if limits else "") + "</td>"
    return f'<td class="{kind}">{text}</td>' + ("" if column.lo is None else f'<td class="ci">{escape(limits)}</td>')


def _cards(view, columns, results, words, options):
    """Key figures side by side: the columns are label, value, interval and what it rests on, as text."""
    label, value, *rest = columns
    cards = []
    for i in range(len(list(label.values))):
        lines = "".join(f'<dd class="{kind}">{escape(cell(c, i, words))}</dd>' for kind, c in zip(("ci", "base"), rest))
        cards.append(f'<div><dt>{escape(cell(label, i, words))}</dt><dd class="value">{escape(cell(value, i, words))}</dd>{lines}</div>')
    note = view.caption(*results, words, **options) if view.caption else ""
    foot = f'<p class="note">{paragraph(note)}</p>' if note else ""
    title = escape(view.title(*results, words, **options), quote=True)
    return f'<div class="cards" role="group" aria-label="{title}"><dl>{"".join(cards)}</dl>{foot}</div>'


@contextmanager
def _drawn(view, results, words, options, salt="delight"):
    """A figure drawn once: yields it with its size in millimetres, or None where every point is missing or kept from view."""
    size = view.size(*results, **options) if callable(view.size) else view.size
    with theme.figure(*size, salt=salt) as (figure, ax), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a client's script that our fonts lack: the reader's system has one
        view(*results, ax, words, **options)
        shows = any(
            drawn.has_data() for drawn in figure.findobj(lambda part: hasattr(part, "has_data"))
        )  # panels inside the axes count too
        yield (figure, size) if shows else None


def _clear(figure):
    """No ground of its own: the page shows through."""
    for part in (figure, *figure.findobj(lambda p: hasattr(p, "get_xaxis"))):
        part.patch.set_facecolor("none")


def figure_svg(view, results, words, options, *, salt="delight"):
    """The figure as an SVG element, drawn once; its text stays text."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    with _drawn(view, results, words, options, salt) as drawn:
        if drawn is None:
            return ""
        figure, size = drawn
        buffer = io.StringIO()
        _clear(figure)
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})  # savefig would draw twice
    alt = escape(view.alt(*results, words, **options), quote=True)
    return _tidy(buffer.getvalue(), size, alt)


def figure_png(view, results, words, options, *, dpi=200):
    """The figure as the bytes of a crisp picture; none where there is nothing to show."""
    with _drawn(view, results, words, options) as drawn:
        if drawn is None:
            return b""
        buffer = io.BytesIO()
        drawn[0].savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def _shorten(attribute):
    return attribute[1] + re.sub(r"(\.\d\d)\d+", r"\1", " ".join(attribute[2].split()))


def _tidy(svg, size, alt):
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style\b.*?</style>", "", svg, flags=re.S)
    svg = re.sub(r"<[a-z][^>]*>", lambda tag: _NUMBERS.sub(_shorten, tag[0]), svg)
    svg = re.sub(r">\s+<", "><", svg).replace("<defs></defs>", "")
    view_box = re.search(r'viewBox="[^"]*"', svg)[0]
    start = f'<svg role="img" aria-label="{alt}" {view_box} style="width:{size[0]:g}mm;stroke-linejoin:round" xmlns="http://www.w3.org/2000/svg" '
    return re.sub(r"<svg[^>]*>", lambda _: start + 'xmlns:xlink="http://www.w3.org/1999/xlink">', svg, count=1).strip()


def figure_html(view, results, words, options, *, salt="delight"):
    title = paragraph(view.title(*results, words, **options))
    caption = paragraph(view.caption(*results, words, **options))
    svg = figure_svg(view, results, words, options, salt=salt)
    if not svg:
        return ""
    caption = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure class="plot"><p class="question">{title}</p>{svg}{caption}{source_html(results, words)}</figure>'


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
    return inner if block["kind"] == "table" or not inner else f'<div class="{block["kind"]}">{inner}</div>'

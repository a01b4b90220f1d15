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


def cells(column, words):
    """Text of every cell of a column: the value, with its interval behind it."""
    return [f"{text} ({limits})" if limits else text for text, limits in _parts(column, words)]


def _parts(column, words):
    """Text of every value of a column and of its interval ("" without one)."""
    values = list(column.values)
    limits = [(None, None)] * len(values) if column.lo is None else list(zip(column.lo, column.hi))

    def show(value):
        return shown(value, column.format, words)

    return [
        (show(value), "" if any(is_missing(v) for v in (value, lo, hi)) else words.interval(lo, hi, show))
        for value, (lo, hi) in zip(values, limits)
    ]


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
    parts = [_parts(c, words) for c in columns]
    rows = max(map(len, parts))
    width = sum(1 if c.lo is None else 2 for c in columns)
    stacked = width > _WIDEST
    made = [_cells(c, p, i == 0, stacked) for i, (c, p) in enumerate(zip(columns, parts))]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*made))
    note = view.caption(*results, words, **options) if view.caption else ""
    foot = f'<p class="note">{paragraph(note)}</p>' if note else ""
    look = ["table", "short" if rows <= _SHORT else "long"]
    look += ["stacked"] if stacked else ["wide"] if width > 7 else ["narrow"] if width < 4 else []
    widths = "" if "narrow" in look else _widths(columns, parts, stacked, "wide" in look)
    look += ["measured"] if widths else []
    return (
        f'<figure class="{" ".join(look)}"><table><caption>{paragraph(view.title(*results, words, **options))}</caption>'
        f"{widths}<thead><tr>{''.join(_heading(c, stacked) for c in columns)}</tr></thead><tbody>{body}</tbody></table>{foot}{source_html(results, words)}</figure>"
    )


def _blank(value):
    return is_missing(value) or str(value).strip() in ("", NO_VALUE)


def _heading(column, stacked):
    kind = "text" if column.format == "text" else "num"
    span = "" if column.lo is None or stacked else ' colspan="2"'
    return f'<th scope="col" class="{kind}{" with-ci" if span else ""}"{span}>{escape(str(column.heading))}</th>'


def _cells(column, parts, first, stacked):
    """HTML of a column's cells, one a row."""
    kind = "text" if column.format == "text" else "num"
    bold = [False] * len(parts) if column.emphasis is None else list(column.emphasis)
    found = []
    for (text, limits), strong in zip(parts, bold):
        text = f"<strong>{escape(text)}</strong>" if strong else escape(text)
        if first:
            found.append(f'<th scope="row">{text}</th>')
        elif stacked:  # many columns: the interval below its value
            found.append(f'<td class="{kind}">{text}' + (f' <span class="ci">{escape(limits)}</span>' if limits else "") + "</td>")
        else:
            found.append(f'<td class="{kind}">{text}</td>' + ("" if column.lo is None else f'<td class="ci">{escape(limits)}</td>'))
    return found


#: In ems of a table's own type: room on the page for a table of small type and others, padding of a cell, least width of the first
#: column, and how large a heading or interval is set.
_ROOM, _PADDING, _FIRST, _HEADING, _INTERVAL = (58, 52), 1.0, 8.0, 0.98, 0.9


def _widths(columns, parts, stacked, wide):
    """Widths of a table's columns as a browser would find them, from what is in them, so that a printer need not try every cell."""
    least, most = [], []
    for position, (column, cells) in enumerate(zip(columns, parts)):
        values = [theme.width(text) for text, _ in cells]
        words = values if column.format != "text" else [theme.width(w) for text, _ in cells for w in text.split()]
        limits = [_INTERVAL * theme.width(text) for _, text in cells]
        apart = column.lo is not None and not stacked
        if stacked:
            values, words = values + limits, words + limits
        own = [(max(words, default=0) + _PADDING, max(values, default=0) + _PADDING)]
        own += [(max(limits, default=0) + _PADDING / 2,) * 2] if apart else []
        heading = str(column.heading)
        head = [_HEADING * max(map(theme.width, heading.split()), default=0) + _PADDING, _HEADING * theme.width(heading) + _PADDING]
        head[0] = max(head[0], _FIRST if position == 0 else 0)
        for widths, need, have in ((least, head[0], [a for a, _ in own]), (most, max(head), [b for _, b in own])):
            widths += [w * max(1, need / sum(have)) for w in have]
    room = _ROOM[0 if stacked or wide else 1]
    spare = sum(most) - sum(least)
    share = min(max((room - sum(least)) / spare, 0), 1) if spare > 0 else 0
    widths = [a + share * (b - a) for a, b in zip(least, most)]
    made = "".join(f'<col style="width:{100 * w / sum(widths):.1f}%">' for w in widths)
    return f"<colgroup>{made}</colgroup>"


def _cards(view, columns, results, words, options):
    """Key figures side by side: the columns are label, value, interval and what it rests on, as text."""
    cards = []
    for label, value, *rest in zip(*(cells(c, words) for c in columns)):
        lines = "".join(f'<dd class="{kind}">{escape(text)}</dd>' for kind, text in zip(("ci", "base"), rest))
        cards.append(f'<div><dt>{escape(label)}</dt><dd class="value">{escape(value)}</dd>{lines}</div>')
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
    """What matplotlib wrote without what nobody sees: groups that only carry a name, marks without colour, turns by nothing."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style\b.*?</style>", "", svg, flags=re.S)
    svg = re.sub(r"<[a-z][^>]*>", lambda tag: _attributes(_NUMBERS.sub(_shorten, tag[0])), svg)
    svg = re.sub(r">\s+<", "><", svg).replace("<defs></defs>", "")
    svg = re.sub(r'<path [^>]*fill="none"[^>]*>', lambda tag: tag[0] if "stroke=" in tag[0] else "", _without_names(svg))
    view_box = re.search(r'viewBox="[^"]*"', svg)[0]
    start = f'<svg role="img" aria-label="{alt}" {view_box} style="width:{size[0]:g}mm" stroke-linejoin="round" xmlns="http://www.w3.org/2000/svg" '
    return re.sub(r"<svg[^>]*>", lambda _: start + 'xmlns:xlink="http://www.w3.org/1999/xlink">', svg, count=1).strip()


def _attributes(tag):
    """A tag with its style as attributes, which every program reads faster."""

    def plainly(style):
        pairs = (part.partition(":") for part in style[1].split(";") if ":" in part)
        return "".join(f' {name.strip()}="{value.strip()}"' for name, _, value in pairs)

    return re.sub(r' style="([^"]*)"', plainly, re.sub(r' transform="rotate\(-?0 [^"]*"', "", tag))


def _without_names(svg):
    """Without groups that have a name and nothing else."""
    kept, found = [], []
    for piece in re.split(r"(<g\b[^>]*>|</g>)", svg):
        if piece == "</g>":
            piece = piece if kept.pop() else ""
        elif piece.startswith("<g"):
            named_only = re.fullmatch(r'<g(?: id="[^"]*")? ?/?>', piece) is not None
            if not piece.endswith("/>"):
                kept.append(not named_only)
            piece = "" if named_only else piece
        found.append(piece)
    return "".join(found)


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

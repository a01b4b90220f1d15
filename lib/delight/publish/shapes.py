"""What stands on a slide: text, native charts with their intervals, native tables, pictures."""

from __future__ import annotations

import io

from delight.show import charts, render, theme
from delight.show.charts import label

_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"


def text(frame, paragraphs, size, *, after=0, colour=None, more=False):
    """Paragraphs with ``**bold**`` into a text frame, after what is there if there is `more`."""
    from pptx.enum.text import MSO_AUTO_SIZE
    from pptx.util import Pt

    frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.TEXT_TO_FIT_SHAPE
    for i, said in enumerate(paragraphs):
        paragraph = frame.add_paragraph() if i or more else frame.paragraphs[0]
        paragraph.space_after = Pt(after)
        for k, piece in enumerate(str(said).split("**")):
            if piece:
                run = paragraph.add_run()
                run.text, run.font.size = label(piece) if k == 0 else "".join(c for c in piece if c.isprintable()), Pt(size)
                run.font.bold = True if k % 2 else None
                if colour:
                    run.font.color.rgb = rgb(colour)


def chart(slide, chart, area, alt):
    """A native chart with its intervals."""
    from pptx.chart.data import CategoryChartData, XyChartData
    from pptx.enum.chart import XL_CHART_TYPE as KIND

    kinds = {
        "bar": KIND.BAR_CLUSTERED, "column": KIND.COLUMN_CLUSTERED, "stacked": KIND.BAR_STACKED_100,
        "line": KIND.LINE_MARKERS, "dots": KIND.LINE_MARKERS, "scatter": KIND.XY_SCATTER,
    }  # fmt: skip
    format = charts.NUMBERS[chart.format]
    if chart.kind == "scatter":
        data = XyChartData(number_format=format)
        for series in chart.series:
            points = data.add_series(label(series.name or chart.axis))
            for x, y in zip(series.x, series.known):
                points.add_data_point(float(x), y)
    else:
        data = CategoryChartData(number_format=format)
        data.categories = [label(c) for c in chart.categories]
        for series in chart.series:
            data.add_series(label(series.name or chart.title or chart.axis), series.known)
    frame = slide.shapes.add_chart(kinds[chart.kind], *area, data)
    frame._element.nvGraphicFramePr.cNvPr.set("descr", label(alt))
    _look(frame.chart, chart)


def _look(drawn, chart):
    from pptx.enum.chart import XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION, XL_TICK_MARK
    from pptx.util import Pt

    drawn.font.size = Pt(11)
    drawn.has_title = bool(chart.title)
    if chart.title:
        drawn.chart_title.text_frame.text = label(chart.title)
        drawn.chart_title.text_frame.paragraphs[0].runs[0].font.size = Pt(12)
    drawn.has_legend = any(s.name for s in chart.series)
    if drawn.has_legend:
        drawn.legend.position, drawn.legend.include_in_layout = XL_LEGEND_POSITION.TOP, False
    across, values = drawn.category_axis, drawn.value_axis
    across.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    across.has_major_gridlines = False
    across.major_tick_mark = values.major_tick_mark = XL_TICK_MARK.NONE
    _line(across.format.line, theme.COLOURS["soft"])
    values.has_major_gridlines = chart.kind != "column"
    if values.has_major_gridlines:
        _line(values.major_gridlines.format.line, theme.COLOURS["grid"])
    values.format.line.fill.background()
    values.tick_label_position = XL_TICK_LABEL_POSITION.NEXT_TO_AXIS if chart.kind in ("bar", "stacked") else XL_TICK_LABEL_POSITION.LOW
    values.minimum_scale, values.maximum_scale = chart.ends
    values.tick_labels.number_format, values.tick_labels.number_format_is_linked = charts.NUMBERS[chart.format], False
    for axis, text in ((values, chart.axis), (across, chart.x_axis)):
        axis.has_title = bool(text)
        if text:
            axis.axis_title.text_frame.text = label(text)
            font = axis.axis_title.text_frame.paragraphs[0].runs[0].font
            font.size, font.bold = Pt(11), False
    if chart.kind in ("bar", "stacked"):
        across.reverse_order = True
        values._element.find(f"{_CHART}crosses").set("val", "max")  # so that the values stay below the bars
    if chart.kind == "scatter":
        across.tick_labels.number_format, across.tick_labels.number_format_is_linked = charts.NUMBERS[chart.x_format], False
    for i, (series, made) in enumerate(zip(chart.series, drawn.plots[0].series)):
        _series(made, series, chart, series.colour or theme.CYCLE[i % len(theme.CYCLE)])
    if chart.kind in ("bar", "column", "stacked"):
        plot = drawn.plots[0]
        plot.gap_width = 45
        plot.overlap = 100 if chart.kind == "stacked" else -5


def _series(made, series, chart, colour):
    from pptx.enum.chart import XL_LABEL_POSITION, XL_MARKER_STYLE
    from pptx.util import Pt

    dots = chart.kind in ("line", "dots", "scatter")
    if dots:
        made.marker.style, made.marker.size = XL_MARKER_STYLE.CIRCLE, 8
        _fill(made.marker.format.fill, colour)
        _line(made.marker.format.line, colour)
        if chart.kind == "line":
            made.smooth = False
            _line(made.format.line, colour, 1.5)
        else:
            made.format.line.fill.background()
    else:
        _fill(made.format.fill, colour)
        made.invert_if_negative = False
    if chart.kind == "stacked":
        shares = made.data_labels
        shares.show_value, shares.number_format, shares.number_format_is_linked = True, charts.NUMBERS[chart.format], False
        shares.font.size, shares.font.color.rgb = Pt(11), rgb(theme.on(colour))
    for i, own in enumerate(series.colours):
        point = made.points[i]
        part = point.marker.format if dots else point.format
        _fill(part.fill, own)
        if dots:
            point.marker.style, point.marker.size = XL_MARKER_STYLE.CIRCLE, 8
            _line(part.line, own)
    if chart.kind == "scatter":
        for i, (name, side) in enumerate(zip(chart.categories, chart.sides)):
            text = made.points[i].data_label
            text.text_frame.text = label(name)
            text.text_frame.paragraphs[0].runs[0].font.size = Pt(10)
            text.position = XL_LABEL_POSITION[side.upper()]
    if series.lo is not None:
        _intervals(made._element, series, chart.kind)


def rgb(colour):
    from pptx.dml.color import RGBColor

    return RGBColor.from_string(colour.lstrip("#"))


def _fill(fill, colour):
    fill.solid()
    fill.fore_color.rgb = rgb(colour)


def _line(line, colour, width=0.75):
    from pptx.util import Pt

    line.color.rgb = rgb(colour)
    line.width = Pt(width)


def _intervals(element, series, kind):
    """Intervals as error bars, which python-pptx has no words for: they stand before the categories in the series' XML."""
    from pptx.oxml import parse_xml

    below, above = (_literals(d) for d in series.distances)
    direction = "" if kind in ("bar", "stacked") else '<c:errDir val="y"/>'
    bars = parse_xml(
        '<c:errBars xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
        f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">{direction}<c:errBarType val="both"/><c:errValType val="cust"/>'
        f'<c:noEndCap val="1"/><c:plus>{above}</c:plus><c:minus>{below}</c:minus>'
        f'<c:spPr><a:ln w="12700"><a:solidFill><a:srgbClr val="{theme.COLOURS["ink"].lstrip("#")}"/></a:solidFill></a:ln></c:spPr></c:errBars>'
    )
    next(e for tag in ("cat", "xVal", "val", "yVal") if (e := element.find(_CHART + tag)) is not None).addprevious(bars)


def _literals(values):
    points = "".join(f'<c:pt idx="{i}"><c:v>{v!r}</c:v></c:pt>' for i, v in enumerate(values))
    return f'<c:numLit><c:formatCode>General</c:formatCode><c:ptCount val="{len(values)}"/>{points}</c:numLit>'


def table(slide, head, rows, numeric, bold, area, brand):
    """A native table in three rules, columns as wide as their longest text asks."""
    from pptx.enum.text import PP_ALIGN
    from pptx.util import Emu, Pt

    left, top, wide, high = area
    words = [max([len(w) for w in h.split()] + [len(h) // 2]) for h in head]
    lengths = [min(max([len(str(r[c])) for r in rows] + [words[c]]) + 3, 60) for c in range(len(head))]
    each = min(high // (len(rows) + 1), 400000)
    frame = slide.shapes.add_table(len(rows) + 1, len(head), left, top, wide, each * (len(rows) + 1))
    grid = frame.table
    size = 12 if sum(lengths) < 110 and len(rows) < 9 else 11 if sum(lengths) < 150 else 9
    for column, length in zip(grid.columns, lengths):
        column.width = Emu(int(wide * length / sum(lengths)))
    frame._element.graphic.graphicData.tbl.tblPr.set("bandRow", "0")
    for r, line in enumerate([head, *rows]):
        grid.rows[r].height = each
        for c, text in enumerate(line):
            cell = grid.cell(r, c)
            cell.margin_top = cell.margin_bottom = Pt(2)
            cell.margin_left = cell.margin_right = Pt(5)
            cell.text = label(render.plain(text))
            for paragraph in cell.text_frame.paragraphs:
                paragraph.alignment = PP_ALIGN.RIGHT if numeric[c] else PP_ALIGN.LEFT
                for run in paragraph.runs:
                    run.font.size = Pt(size)
                    run.font.bold = r == 0 or bool(bold and bold[r - 1][c])
                    run.font.color.rgb = rgb(theme.COLOURS["ink"] if r else theme.on(brand))
            _fill(cell.fill, brand if r == 0 else "#ffffff" if r % 2 else theme.COLOURS["pale"])


def picture(slide, png, area, alt):
    """A picture as large as the area allows, in its middle."""
    left, top, wide, high = area
    added = slide.shapes.add_picture(io.BytesIO(png), left, top)
    scale = min(wide / added.width, high / added.height)
    added.width, added.height = int(added.width * scale), int(added.height * scale)
    added.left, added.top = left + (wide - added.width) // 2, top + (high - added.height) // 2
    added._element.nvPicPr.cNvPr.set("descr", label(alt))

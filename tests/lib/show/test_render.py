import re
import warnings

import pytest
from delight.result import Result
from delight.show import Words, render, theme
from delight.show.views import Column, View, figure, reading, table

EVIL = '<script>alert(1)</script> & $x_1$ =SUM(A1) "quoted"'
WORDS = Words("en")
RESULT = Result.of("M02", [{"a": EVIL, "x": 7.512, "lo": 7.2, "hi": 7.8}], n_used=40, ci_level=0.95)


@reading
def says(result, words, **options):
    return [f"**{words.grade(7.5)}** of {result.table['a'][0]}"]


@table(title=lambda r, w, **o: EVIL, note=lambda r, w, **o: "A **note**")
def lists(result, words, **options):
    t = result.table
    return [Column("Who", t["a"]), Column("Mean", t["x"], "grade", t["lo"], t["hi"], emphasis=[True]), Column("p", [None], "p")]


@table(title=lambda r, w, **o: "Key figures", look="cards")
def cards(result, words, **options):
    return [Column("", ["Grade", "NPS"]), Column("", ["8.1", "+12"]), Column("", ["8.0–8.2", ""])]


@figure(title=lambda r, w, **o: EVIL, caption=lambda r, w, **o: "Caption", alt=lambda r, w, **o: EVIL, size=(120, 60))
def draws(result, ax, words, **options):
    ax.barh([result.table["a"][0]], [1.0])
    ax.set_title("bold", fontweight="bold")
    return ax


def made(kind, view):
    view_html = {"reading": render.reading_html, "table": render.table_html, "figure": render.figure_html}[kind]
    return view_html(view, [RESULT], WORDS, {})


@pytest.mark.parametrize(("kind", "view"), [("reading", says), ("table", lists), ("figure", draws)])
def test_client_text_is_escaped_wherever_it_is_shown(kind, view):
    html = made(kind, view)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "$x_1$" in html  # not read as mathematics


def test_bold_is_the_only_mark():
    assert made("reading", says).startswith("<p><strong>7.5</strong> of &lt;script&gt;")


def test_an_interval_stands_in_a_column_of_its_own_under_a_shared_heading():
    html = made("table", lists)
    assert '<th scope="col" class="num with-ci" colspan="2">Mean</th>' in html
    assert '<td class="num"><strong>7.5</strong></td><td class="ci">7.2–7.8</td>' in html
    assert '<th scope="row">' in html and '<td class="num">–</td>' in html


def test_a_cell_is_also_there_as_one_text():
    column = Column("Mean", [7.512], "grade", [7.2], [7.8])
    assert render.cells(column, WORDS) == ["7.5 (7.2–7.8)"]


def test_key_figures_are_a_list_of_terms():
    html = made("table", cards)
    assert html.count("<dt>") == 2 and '<dd class="value">+12</dd>' in html and 'aria-label="Key figures"' in html


def test_a_figure_is_an_image_with_a_text_alternative_and_text_as_text():
    html = made("figure", draws)
    assert re.search(r'<svg role="img" aria-label="&lt;script&gt;', html)
    assert "Delight Sans" in html and "<text" in html
    assert "width:120mm" in html and "<metadata" not in html and "<!--" not in html


def test_a_figure_is_drawn_the_same_twice():
    assert made("figure", draws) == made("figure", draws)


def test_the_shipped_font_measures_the_figures(caplog):
    from matplotlib import font_manager

    font_manager.fontManager._findfont_cached.cache_clear()
    found = font_manager.findfont(font_manager.FontProperties(family=theme.family(), weight="bold"))
    assert found.endswith("DelightSans-SemiBold.ttf")
    assert caplog.text == ""


def test_a_script_that_the_fonts_lack_is_no_warning():
    odd = Result.of("M02", [{"a": "北京 склад"}])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "北京" in render.figure_html(draws, [odd], WORDS, {})


def test_every_number_format_is_known_to_the_renderer():
    for name in ("count", "grade", "number1", "number2", "number3", "percent", "percent1", "points", "signed1", "signed2", "p"):
        assert render.shown(0.5, name, WORDS)


def test_a_view_is_found_by_its_name():
    assert isinstance(says, View) and says.kind == "reading"


def test_a_table_without_a_single_figure_and_a_figure_without_a_point_are_left_out():
    @table(title=lambda r, w, **o: "Gains")
    def gains(result, words, **options):
        return [Column("Experience", ["Warmth", "Speed"]), Column("n", [20, 20], "count"), Column("Gain", [None, float("nan")], "signed1")]

    @figure(title=lambda r, w, **o: "Curve", caption=lambda r, w, **o: "", alt=lambda r, w, **o: "", size=(80, 40))
    def curve(result, ax, words, **options):
        ax.set_xlabel("grade")
        return ax

    @figure(title=lambda r, w, **o: "Panels", caption=lambda r, w, **o: "", alt=lambda r, w, **o: "", size=(80, 40))
    def panels(result, ax, words, **options):
        ax.axis("off")
        ax.inset_axes([0, 0, 0.5, 1]).plot([1, 2], [7, 8])
        return ax

    assert made("table", gains) == "" and made("figure", curve) == "" and "<svg" in made("figure", panels)


def test_a_column_of_words_that_says_nothing_is_left_out():
    @table(title=lambda r, w, **o: "Locations")
    def places(result, words, **options):
        return [
            Column("Location", ["A", "B"]),
            Column("Mean", [7.5, None], "grade"),
            Column("Compared", ["", None]),
            Column("Kind", ["x", ""]),
        ]

    html = made("table", places)
    assert "Compared" not in html and "Kind" in html and html.count("<td") == 4

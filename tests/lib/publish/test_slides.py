"""slides.pptx, opened again: one message each, native charts, the client's template, and words that say no more than the reading."""

import io
import re
from types import SimpleNamespace

import numpy as np
import openpyxl
import pptx
import pytest
from delight.publish import ready, shapes, slides, template
from delight.show import LANGUAGES, charts, theme, views
from delight.show.charts import Chart, Series
from lxml import etree
from pptx.util import Emu

from tests import made_up_report


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return made_up_report.content(tmp_path_factory.mktemp("work"))


def opened(content, language, path):
    slides.write(content, language, path)
    return pptx.Presentation(str(path))


def texts(slide):
    return [s.text_frame.text for s in slide.shapes if s.has_text_frame]


# ---- the message
def test_the_title_is_a_whole_finding_and_the_rest_stands_beside_it():
    told = ["1,994 customers gave a grade. On average they gave **7.9** (interval 7.8–7.9). 14% gave 6 or less.", "Chance is allowed for."]
    title, points = slides.message(told)
    assert title == "On average they gave 7.9 (interval 7.8–7.9)."
    assert points == ["1,994 customers gave a grade. 14% gave 6 or less.", "Chance is allowed for."]


def test_a_question_is_no_message_but_its_answer_is():
    title, points = slides.message(
        ["**How soon would they leave?** After one bad experience 53% would (50%–56%).", "Considering is not leaving."]
    )
    assert title == "After one bad experience 53% would (50%–56%)." and points == ["Considering is not leaving."]


def test_a_finding_in_bold_is_the_message_and_no_heading():
    told = ["**The 31 customers who answered give 7.6 on average.** Weighed with others the best guess is 7.7 (7.3–8.1)."]
    assert slides.message(told) == (
        "The 31 customers who answered give 7.6 on average.",
        ["Weighed with others the best guess is 7.7 (7.3–8.1)."],
    )


def test_a_later_finding_is_never_put_in_the_place_of_the_first():
    told = [
        "**Does it rise?** Nobody can answer between 8 and 9.",
        "**Staying: undecided.** Between −8% and +2%.",
        "**Recommending:** yes, 66%.",
    ]
    assert slides.message(told) == ("", told)


def test_a_long_sentence_is_cut_where_a_part_ends_or_not_at_all():
    half = "The mean grade went from 7.7 to 7.9 (+0.15, interval +0.09 to +0.21)"
    more = "he share of delighted customers went from 31% to 35% (+4 pp, interval +2 pp to +6 pp), and so did the others."
    assert slides.message([f"{half}; t{more}"]) == (f"{half}.", [f"T{more}"]), "the rest stays beside it, and nothing is said twice"
    parts = "**good care** (45%, interval 43%–47%), without a wish of its own; **spare me** (29%, interval 27%–31%), who set store by meals; others"
    told = [f"**Customers.** We see 3 groups of customers: {parts}."]
    assert slides.message(told) == ("We see 3 groups of customers.", [f"{parts.replace('good', 'Good', 1)}."])
    told = [f"{half[:-1]}; " + "and more of it, 5%, " * 10 + ")."]
    assert slides.message(told)[0] == "", "the part before the semicolon leaves a bracket open"


def test_words_beside_a_figure_are_whole_sentences():
    told = ["One thing is so. " * 10, "Another thing, **in bold**, is so too. " * 30]
    kept = slides._fitting(told)
    assert sum(map(len, kept)) <= slides.BESIDE + 40 and all(k.rstrip().endswith(".") for k in kept)


# ---- the deck
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_deck_has_a_cover_and_one_message_a_slide_with_its_n(content, language, tmp_path):
    deck = opened(content, language, tmp_path / "s.pptx")
    first, *rest = list(deck.slides)
    assert "Kinderopvang De Wereld" in " ".join(texts(first))
    assert len(rest) >= 4
    for slide in rest:
        assert slide.shapes.title.text and len(slide.shapes.title.text) <= slides.TITLE + 10
        source = [s.text_frame.text for s in slide.shapes if s.name == "Source"]
        assert not source or re.search(r"\d", source[0])
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.top >= 0
            assert shape.left + shape.width <= deck.slide_width and shape.top + shape.height <= deck.slide_height, shape.name
    assert deck.core_properties.language == language


def test_a_figure_without_a_chart_is_a_crisp_picture_with_words_for_it(content, tmp_path):
    deck = opened(content, "nl", tmp_path / "s.pptx")
    (picture,) = [s for slide in deck.slides for s in slide.shapes if s.shape_type == pptx.enum.shapes.MSO_SHAPE_TYPE.PICTURE]
    assert "Warme medewerkers" in picture._element.nvPicPr.cNvPr.get("descr")
    wide, high = picture.image.size
    assert wide == pytest.approx(170 / 25.4 * 200, abs=3) and picture.width / picture.height == pytest.approx(wide / high, rel=0.01)


def test_a_figure_with_a_chart_can_be_edited(content, tmp_path, monkeypatch):
    def chart(result, words, **options):
        t = result.table
        return Chart("bar", [words.column(a) for a in t["attribute"]], [Series("", t["share"], t["ci_lo"], t["ci_hi"])], "percent", "%")

    view = views.find("made_up.importance")
    object.__setattr__(view, "chart", chart)
    monkeypatch.setattr(views, "find", lambda name, real=views.find: view if name == view.name else real(name))
    try:
        deck = opened(content, "en", tmp_path / "s.pptx")
    finally:
        object.__setattr__(view, "chart", None)
    (drawn,) = [s.chart for slide in deck.slides for s in slide.shapes if s.has_chart]
    table = content.result("drivers.importance").table
    assert list(drawn.plots[0].categories)[0] == "Warm staff"
    assert list(drawn.plots[0].series[0].values) == pytest.approx(table["share"].tolist())
    book = openpyxl.load_workbook(io.BytesIO(drawn.part.chart_workbook.xlsx_part.blob))
    assert book.worksheets[0]["B2"].value == pytest.approx(0.243), "the numbers behind the chart open in a spreadsheet"


@pytest.mark.parametrize("kind", charts.KINDS)
def test_every_kind_of_chart_opens_with_its_intervals_and_no_formula(kind):
    made = Series("=evil", [0.2, np.nan, 0.4], [0.1, np.nan, 0.3], [0.3, np.nan, 0.6], colours=("#112233",) * 3, x=[1, 2, 3])
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    area = [Emu(n) for n in (0, 0, 5_000_000, 3_000_000)]
    shapes.chart(slide, Chart(kind, ["=1+1", "b\x07", "c"], [made], "percent", "=axis", "across"), area, "what it shows")
    file = io.BytesIO()
    deck.save(file)
    (frame,) = pptx.Presentation(file).slides[0].shapes
    assert frame._element.nvGraphicFramePr.cNvPr.get("descr") == "what it shows"
    xml = frame.chart._chartSpace.xml
    assert re.findall(r"<c:plus>.*?</c:plus>", xml, flags=re.S) and xml.index("c:errBars") < xml.index(
        "c:xVal" if kind == "scatter" else "c:cat"
    )
    assert [round(float(v), 6) for v in re.findall(r"<c:v>([^<]*)</c:v>", re.search(r"<c:plus>.*?</c:plus>", xml, flags=re.S)[0])] == [
        0.1,
        0,
        0.2,
    ]
    book = openpyxl.load_workbook(io.BytesIO(frame.chart.part.chart_workbook.xlsx_part.blob))
    assert not [c for row in book.worksheets[0].iter_rows() for c in row if c.data_type == "f"]


def test_bars_begin_at_zero_and_shares_end_at_one():
    def ends(kind, values, format="percent"):
        return Chart(kind, ["a", "b"], [Series("", values)], format).ends

    assert ends("bar", [0.32, 0.44]) == (0, None)
    assert ends("bar", [-0.3, 0.4], "signed2") == (None, None)
    assert ends("bar", [-0.3, -0.4], "signed2") == (None, 0)
    assert ends("line", [0.3, 0.97]) == (0, 1)
    assert ends("line", [7.6, 7.9], "number1") == (None, None)


def test_no_interval_is_cut_off():
    low, high = Chart("line", ["a", "b"], [Series("", [7.6, 7.9], [7.53, 7.8], [7.7, 8.02])], "number1").ends
    assert low <= 7.53 and high >= 8.02 and high - low < 1
    assert Chart("bar", ["a"], [Series("", [0.2], [-0.31], [0.33])], "signed2").ends == pytest.approx((-0.35, 0.35))


def test_names_of_close_points_stand_at_different_sides():
    points = Series("", [0.5, 0.505, 0.9], x=[7.0, 7.01, 8.0])
    assert len(set(Chart("scatter", ["Expertise of the staff", "Warmth and attention", "c"], [points]).sides[:2])) == 2


# ---- the client's template
def house(path, *, without_titles=False, slides=2):
    """A template as a client might have it, with example slides."""
    deck = pptx.Presentation()
    if without_titles:
        for layout in deck.slide_layouts:
            for placeholder in list(layout.placeholders):
                placeholder._element.getparent().remove(placeholder._element)
    for _ in range(slides):
        deck.slides.add_slide(deck.slide_layouts[0 if not without_titles else 6])
    deck.core_properties.category = "house style"
    deck.save(str(path))
    return path


def study(path, name="huisstijl.pptx"):
    return SimpleNamespace(path=path, report={"template": name}, story={})


def test_slides_are_made_in_the_clients_template_without_its_examples(tmp_path):
    house(tmp_path / "huisstijl.pptx")
    work = tmp_path / "work"
    work.mkdir()
    template.keep(study(tmp_path), work)
    content = made_up_report.content(work)
    deck = opened(content, "nl", tmp_path / "s.pptx")
    assert deck.core_properties.category == "house style"
    assert (deck.slide_width, deck.slide_height) == (9144000, 6858000), "the client's size"
    assert "Kinderopvang De Wereld" in " ".join(texts(deck.slides[0])) and len(deck.slides) >= 5
    assert {s.slide_layout.name for s in list(deck.slides)[1:]} == {"Title Only"}
    for slide in deck.slides:
        for shape in slide.shapes:
            assert shape.left + shape.width <= deck.slide_width and shape.top + shape.height <= deck.slide_height


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("weg.pptx", lambda p: None, "is not in the study"),
        ("huisstijl.pdf", lambda p: p.write_bytes(b"x"), "is no .pptx file"),
        ("broken.pptx", lambda p: p.write_bytes(b"PK\x03\x04 not a deck"), "cannot be opened"),
        ("empty.pptx", lambda p: p.write_bytes(b""), "cannot be opened"),
        ("bare.pptx", lambda p: house(p, without_titles=True, slides=0), "has no layout with a title"),
    ],
)
def test_a_template_that_cannot_be_used_is_an_error_of_check(name, make, says, tmp_path):
    make(tmp_path / name)
    (finding,) = ready.check(study(tmp_path, name))
    assert finding.severity == "error" and finding.rule == "unusable_template" and finding.file == "study.toml"
    assert name in finding.message and says in finding.message


def test_our_own_look_carries_the_studys_colour(tmp_path):
    deck = opened(made_up_report.content(tmp_path, report={"colours": ["#123456"]}), "en", tmp_path / "s.pptx")
    assert any("123456" in etree.tostring(shape._element).decode() for shape in deck.slide_layouts[0].shapes)
    themed = next(r.target_part.blob for r in deck.slide_master.part.rels.values() if r.reltype.endswith("/theme")).decode()
    assert "123456" in themed and theme.CYCLE[1].lstrip("#") in themed

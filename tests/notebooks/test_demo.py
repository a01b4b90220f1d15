"""The demo study from raw exports to reports in three languages: whole, the same in each, and true to what was planted."""

import json
import re

import pytest
from delight.demo import Truth
from delight.result import Result
from delight.show import LANGUAGES, render, views
from delight.show.words import Words

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def truth(root):
    return Truth.load(root / "data" / "studies" / "kinderopvang-demo" / "truth.toml")


def table(report, name):
    return Result.load(report.folder / "tables" / name).table


def page(report, language):
    text = (report.folder / language / "report.html").read_text(encoding="utf-8")
    return re.sub(r"<style.*?</style>|data:[^\"')]*", "", text, flags=re.S)


def test_every_chapter_ran_and_every_language_has_its_reports(report):
    assert {c.name: c.status for c in report.chapters if c.status != "done"} == {"path": "skipped"}  # the demo asks one question on each
    assert sorted(p.relative_to(report.folder).as_posix() for p in report.files if p.suffix == ".html") == [
        f"{language}/report.html" for language in sorted(LANGUAGES)
    ]
    assert report.warnings == [] or all("No PDF" in w for w in report.warnings)


def test_a_report_is_self_contained_and_says_no_nan(report):
    for language in LANGUAGES:
        text = page(report, language)
        assert not re.search(r'(src|href)="(https?:)?//', text)
        words = re.sub(r"<[^>]+>", " ", text)
        assert not re.search(r"\b(nan|NaN|None|inf)\b", words), re.search(r".{60}\b(nan|NaN|None|inf)\b.{30}", words)
        assert "{" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.S).replace("{{", ""), "a placeholder was not filled in"


def test_every_report_block_is_in_the_page(report):
    words, text = Words("en"), page(report, "en")
    blocks = [(b, views.find(b["view"])) for c in report.chapters for b in c.blocks]
    assert text.count("<svg") >= sum(view.kind == "figure" for _, view in blocks) > 5
    tables = [(b, view) for b, view in blocks if view.kind == "table" and view.look != "cards"]
    results = {name: Result.load(report.folder / "tables" / name) for b, _ in tables for name in b["tables"]}
    filled = [view for b, view in tables if render.filled(view, [results[n] for n in b["tables"]], words, b.get("options") or {})]
    assert text.count("<table") == len(filled) + 1, "and one of the actions decided"
    assert len(filled) > 60 and text.count('class="cards"') == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_and_result_is_in_the_workbook(report, language):
    import openpyxl

    book = openpyxl.load_workbook(report.folder / language / "tables.xlsx")
    contents, *tabs = book.worksheets
    named = " ".join(str(row[6].value) for row in contents.iter_rows(min_row=7))
    shown = {name for c in report.chapters for b in c.blocks for name in b["tables"] if b["kind"] == "table"}
    assert not [name for name in shown if name not in named]
    assert sum(len(t._charts) for t in tabs) >= 12
    words = {str(c.value) for t in tabs for row in t.iter_rows() for c in row if isinstance(c.value, str)}
    assert not words & {"nan", "NaN", "None", "<NA>"}
    assert "2024-2" in words, "the wave before stands beside this one"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_slides_carry_charts_that_can_be_edited_and_the_wave_before(report, language):
    import pptx

    deck = pptx.Presentation(str(report.folder / language / "slides.pptx"))
    charts = [s.chart for slide in deck.slides for s in slide.shapes if s.has_chart]
    assert len(charts) >= 12 and len(deck.slides) >= 30
    waves = [c for c in charts if "2024-2" in list(c.plots[0].categories)]
    assert len(waves) == 3, "grade, delighted customers and promoters, beside the waves before"
    for slide in deck.slides:
        for shape in slide.shapes:
            assert shape.top + shape.height <= deck.slide_height, (slide.shapes.title.text, shape.name)
        text = " ".join(s.text_frame.text for s in slide.shapes if s.has_text_frame)
        assert "**" not in text and not re.search(r"\b(nan|None|<NA>)\b", text)


def test_no_row_of_a_respondent_leaves_the_work_folder(report, root):
    names = {p.stem for p in (report.folder / "tables").glob("*.parquet")}
    assert not names & {"feedback.responses", "segments.assignment", "feedback.flags"}
    for path in report.folder.rglob("*"):
        if path.suffix in (".html", ".json", ".ipynb"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"[\w.]+@[\w-]+\.(nl|com|be)\b", text), f"{path.name} holds an e-mail address"
            assert str(root) not in text, f"{path.name} names a folder of this machine"


def test_the_planted_groups_of_parents_are_found_and_named(report, truth):
    found = table(report, "segments.segments").set_index("segment")["share"]
    planted = {name: segment.share for name, segment in truth.segments.items()}
    assert len(found) == len(planted) == 3
    assert sorted(found) == pytest.approx(sorted(planted.values()), abs=0.05)
    assert table(report, "segments.segments")["named"].all()


def test_no_planted_driver_is_called_its_opposite(report, truth):
    classes = table(report, "drivers.impact").set_index("attribute")["impact_class"]
    opposite = {"basic": "bijzonder", "delight": "basis"}
    kinds = {name: driver.kind for name, driver in truth.drivers.items()}
    for name, kind in kinds.items():
        assert classes[name] not in (opposite.get(kind), "reverse"), name
    right = {"basic": "basis", "delight": "bijzonder"}
    clear = [name for name, kind in kinds.items() if kind in right and classes[name] == right[kind]]
    assert len(clear) >= 4, classes.to_dict()


def test_the_planted_jump_at_nine_supports_the_rule_for_recommending(report):
    about = json.loads((report.folder / "tables" / "loyalty.rule.json").read_text())["meta"]["outcomes"]
    verdict = about["recommend"]
    assert verdict["verdict"] == "supported" and verdict["d"]["lo"] > 0


def test_the_manifest_says_what_decided_the_numbers(report):
    manifest = json.loads((report.folder / "run.json").read_text())
    assert manifest["data"] and manifest["lock"] and manifest["study_files"] and not manifest["partial"]
    assert {c["parameters"].get("seed", 0) for c in manifest["chapters"]} == {0}
    assert all(cell["status"] == "completed" for c in manifest["chapters"] for cell in c["cells"])

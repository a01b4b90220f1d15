"""What is unchanged is not made again: reports, languages, chapters; and what changed is."""

import json

import pytest
from delight.publish import keys, run
from delight.publish.order import settle

from tests.batch import book
from tests.tools import tiny


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    monkeypatch.chdir(book.write(tmp_path / "book", ("alfa",)))
    monkeypatch.setenv("DELIGHT_KEY", "test")
    monkeypatch.delenv("DELIGHT_RAW", raising=False)
    monkeypatch.setattr(keys, "library", lambda: "one library")
    return tmp_path / "book"


def made(resume=True, **options):
    return run.make(settle("alfa", **{"formats": ["html"], **options}), resume=resume)


def everything(folder):
    return {str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_finished_report_is_left_as_it_is_and_a_language_needs_no_chapter(workbook):
    first = made()
    before = everything(first.folder)
    again = made()
    assert (again.status, again.files, again.headline) == ("unchanged", first.files, first.headline)
    assert everything(first.folder) == before and first.headline["n"] == 90
    more = made(languages=["en", "nl", "da"])
    assert more.status == "rendered" and [p.parent.name for p in more.files] == ["en", "nl", "da"]
    after = {name: data for name, (_, data) in everything(first.folder).items()}
    assert {name: data for name, (_, data) in before.items()}.items() <= after.items(), "what was there stays as it was"
    assert made(languages=["nl"]).status == "unchanged"
    (first.folder / "nl" / "report.html").unlink()
    assert made(languages=["en"]).status == "made", "a report that lost a file is made again"


def test_only_chapters_whose_inputs_changed_run_again(workbook):
    made()
    chain = workbook / "notebooks" / "chain"
    notebook = json.loads((chain / "90-more.ipynb").read_text())
    notebook["cells"][0]["source"] += "\n"
    (chain / "90-more.ipynb").write_text(json.dumps(notebook))
    later = made()
    assert later.status == "made" and later.reused == ["10-feedback", "20-satisfaction"]
    middle = made(parameters=["satisfaction.ci_level=0.9"])
    assert middle.reused == ["10-feedback"], "90 reads the tables of 20, which changed"
    assert middle.headline["mean"] != later.headline["mean"]
    (chain / "20-satisfaction.ipynb").write_text(
        tiny.chapter("satisfaction", book.TROUBLE, "same = 1", tiny.SATISFACTION, needs=[["overall"]], scope="whole")
    )
    assert made(parameters=["satisfaction.ci_level=0.9"]).reused == ["10-feedback", "90-more"], "other code, the same tables"
    assert made(parameters=["satisfaction.ci_level=0.9"], resume=False).reused == [], "forced"


def test_other_data_a_failed_run_and_a_damaged_chapter(workbook):
    first = made()
    raw = workbook / "data" / "studies" / "alfa" / "raw" / "2025.csv"
    raw.write_text(raw.read_text() + "new,Cork,10\n")
    book.trouble(workbook, "alfa", "1 / 0")
    with pytest.raises(run.RunError, match="ZeroDivisionError") as error:
        made()
    assert (error.value.chapter, error.value.cell) == ("20-satisfaction", 4)
    book.trouble(workbook, "alfa", "pass")
    second = made()
    assert second.reused == ["10-feedback"], "what the failed run had finished is kept"
    assert (first.headline["n"], second.headline["n"]) == (90, 91)
    shelf = workbook / "reports" / ".work" / "alfa" / "2025.chapters" / "20-satisfaction" / "files" / "tables"
    (shelf / "satisfaction.levels.parquet").write_bytes(b"damaged")
    (second.folder / "run.json").write_text("{}")
    third = made()
    assert third.reused == ["10-feedback", "90-more"] and third.headline == second.headline


@pytest.mark.parametrize("change", ["codebook", "key", "library", "story"])
def test_everything_that_decides_a_report_is_in_its_key(workbook, monkeypatch, change):
    place = workbook / "data" / "studies" / "alfa"
    before, common = keys.report(settle("alfa")), keys.common(settle("alfa"))
    if change == "codebook":
        (place / "codebook.csv").write_text(book.CODEBOOK.replace("Cijfer", "Rapportcijfer"))
    elif change == "key":
        monkeypatch.setenv("DELIGHT_KEY", "another")
    elif change == "library":
        monkeypatch.setattr(keys, "library", lambda: "another library")
    else:
        (place / "story").mkdir()
        (place / "story" / "2025.en.md").write_text("# summary\n\nWell done.\n")
    assert keys.report(settle("alfa")) != before
    assert (keys.common(settle("alfa")) == common) == (change == "story"), "the story changes no number"


def test_a_chapter_that_reads_the_story_says_so(root):
    for path in sorted((root / "notebooks" / "chain").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        code = "\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code")
        assert ("story." in code) == ("story" in notebook["metadata"]["delight"].get("reads", [])), path.name

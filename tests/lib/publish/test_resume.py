"""What is unchanged is not made again: reports, languages, chapters; and what changed is."""

import json
import subprocess
import sys

import pytest
from delight.publish import keys, run
from delight.publish.order import settle

from tests.batch import book
from tests.tools import inside, tiny


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    monkeypatch.chdir(book.write(tmp_path / "book", ("alfa",)))
    monkeypatch.setenv("DELIGHT_KEY", "test")
    monkeypatch.delenv("DELIGHT_RAW", raising=False)
    monkeypatch.setattr(keys, "library", lambda: "one library")
    monkeypatch.setattr(keys, "methods", lambda: "its methods")
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


def test_other_words_of_the_library_dress_a_report_anew_and_run_no_chapter(workbook, monkeypatch):
    first = made()
    page = first.folder / "en" / "report.html"
    monkeypatch.setattr(keys, "library", lambda: "the same library in other words")
    page.write_text(page.read_text(encoding="utf-8").replace("<h1", "<h1 old"), encoding="utf-8")
    again = made()
    assert again.status == "made" and again.reused == ["10-feedback", "20-satisfaction", "90-more"] and again.headline == first.headline
    assert "<h1 old" not in page.read_text(encoding="utf-8") and made().status == "unchanged"


@pytest.mark.long
def test_no_number_comes_from_what_is_left_out_of_the_key_of_chapters(root, tmp_path):
    """Every notebook of the chain is opened up as far as its imports, and two are run, in a process that notes what it opens."""
    folder = root / "lib" / "delight"
    assert all((folder / name.rstrip("/")).exists() for name in keys.DRESS), "no name has gone stale"
    inside.write_study(tmp_path / "places", {"2025": dict(a=40, b=30)}, {}, waves=("2025",))
    run = subprocess.run(
        [sys.executable, "-c", OPENED, tmp_path / "places"], cwd=root, env=book.environment(), capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    opened = set(run.stdout.split())
    assert {"satisfaction/levels.py", "drivers/model.py", "publish/summary.py"} <= opened
    assert {name for name in opened if name.startswith(keys.DRESS)} <= {name for name in opened if name.startswith("show/locale/")}


#: Imports of all chapters, and the cells of two, in a process that prints which files of the library it has opened or loaded.
OPENED = """
import ast, json, sys
from pathlib import Path
import delight

folder, opened = Path(delight.__file__).parent, set()

def note(path):
    path = Path(path)
    if folder in path.parents:
        opened.add(path.relative_to(folder).as_posix())

sys.addaudithook(lambda event, args: note(args[0]) if event == "open" and isinstance(args[0], str) else None)
from tests.tools import inside

for path in Path("notebooks/chain").glob("*.ipynb"):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            body = [x for x in ast.walk(ast.parse("".join(cell["source"]))) if isinstance(x, (ast.Import, ast.ImportFrom))]
            exec(compile(ast.Module(body, []), path.name, "exec"))
inside.run(Path(sys.argv[1]), Path(sys.argv[1]).parent / "work" / "2025", n_boot=20)
for module in list(sys.modules.values()):
    if getattr(module, "__file__", None) and module.__name__.startswith("delight"):
        note(module.__file__)
print(*sorted(opened))
"""


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
        monkeypatch.setattr(keys, "methods", lambda: "other methods")
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

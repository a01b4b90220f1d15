"""One report: made whole, or not at all; what it leaves behind, and what a failure leaves standing."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from delight.errors import InputError, RunError
from delight.publish import folders
from delight.publish.run import run

from tests.tools import tiny


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    monkeypatch.chdir(tiny.workbook(tmp_path / "book"))
    monkeypatch.setenv("DELIGHT_KEY", "test")
    monkeypatch.delenv("DELIGHT_RAW", raising=False)
    return tmp_path / "book"


def everything(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def hidden(folder):
    return [p.name for p in folder.rglob(".*") if (".new-" in p.name or ".old-" in p.name)]


def test_a_run_leaves_report_tables_notebooks_and_manifest(workbook):
    said = []
    report = run("tiny", formats=["html"], languages=["en", "nl"], say=said.append)
    assert report.folder == workbook / "reports" / "tiny" / "2025" / "whole"
    assert [p.relative_to(report.folder).as_posix() for p in report.files] == ["en/report.html", "nl/report.html"]
    manifest = json.loads((report.folder / "run.json").read_text())
    assert [(c["chapter"], c["status"]) for c in manifest["chapters"]] == [
        ("feedback", "done"),
        ("satisfaction", "done"),
        ("segments", "skipped"),
    ]
    assert manifest["chapters"][2]["missing_roles"] == [["need"]] and manifest["partial"] is False
    assert manifest["data"] and all(c["status"] == "completed" for c in manifest["chapters"][1]["cells"])
    assert sorted(p.name for p in (report.folder / "tables").glob("*.parquet")) == [
        "feedback.attrition.parquet",
        "satisfaction.levels.parquet",
    ], "rows of respondents stay in the work folder"
    assert "30-segments: skipped, needs need" in said
    for path in report.folder.rglob("*"):
        if path.is_file() and path.suffix in (".json", ".ipynb", ".html"):
            assert str(workbook) not in path.read_text(encoding="utf-8"), f"{path.name} names a path of this machine"
    assert not hidden(workbook)


def test_a_failing_chapter_leaves_the_earlier_report_and_keeps_its_notebooks(workbook):
    first = run("tiny", formats=["html"])
    before = everything(first.folder)
    (workbook / "notebooks" / "chain" / "20-satisfaction.ipynb").write_text(tiny.chapter("satisfaction", "nothing = {}['no such key']"))
    with pytest.raises(RunError, match="Chapter 20-satisfaction failed in cell 4: KeyError") as error:
        run("tiny", formats=["html"])
    assert error.value.exit_code == 3
    assert everything(first.folder) == before
    failed = first.folder.with_name("whole.failed")
    assert "KeyError" in (failed / "20-satisfaction.ipynb").read_text() and (failed / "10-feedback.ipynb").is_file()
    assert str(workbook) not in (failed / "10-feedback.ipynb").read_text()
    assert not hidden(workbook)


@pytest.mark.long
def test_wrong_data_is_told_as_such_and_changes_nothing(workbook):
    first = run("tiny", formats=["html"])
    before = everything(first.folder)
    raw = workbook / "data" / "studies" / "tiny" / "raw" / "a.csv"
    raw.write_text(raw.read_text() + "p99,42\n")
    with pytest.raises(InputError, match="grade.*42"):
        run("tiny", formats=["html"])
    assert everything(first.folder) == before


@pytest.mark.long
def test_a_kernel_that_dies_is_reported(workbook):
    (workbook / "notebooks" / "chain" / "20-satisfaction.ipynb").write_text(tiny.chapter("satisfaction", "import os; os._exit(9)"))
    with pytest.raises(RunError, match="Chapter 20-satisfaction failed: DeadKernelError"):
        run("tiny", formats=["html"])
    assert not (workbook / "reports" / "tiny" / "2025" / "whole").exists() and not hidden(workbook)


@pytest.mark.long
def test_chosen_chapters_make_a_partial_report_from_the_tables_of_the_last_run(workbook):
    run("tiny", formats=["html"])
    report = run("tiny", formats=["html"], chapters=["satisfaction"], parameters=["ci_level=0.9"])
    manifest = json.loads((report.folder / "run.json").read_text())
    assert manifest["partial"] is True
    assert [c["status"] for c in manifest["chapters"]] == ["not_run", "done", "not_run"]
    levels = json.loads((report.folder / "tables" / "satisfaction.levels.json").read_text())
    assert levels["meta"]["ci_level"] == 0.9


@pytest.mark.long
def test_the_same_inputs_give_the_same_tables_whatever_the_order_of_rows(workbook):
    first = run("tiny", formats=["html"])
    before = everything(first.folder / "tables")
    raw = workbook / "data" / "studies" / "tiny" / "raw" / "a.csv"
    head, *rows = raw.read_text().splitlines()
    raw.write_text("\n".join([head, *reversed(rows)]) + "\n")
    second = run("tiny", formats=["html"])
    assert everything(second.folder / "tables") == before
    assert len({json.loads((r.folder / "run.json").read_text())["data"] for r in (first, second)}) == 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"languages": ["nk"]}, "'nk' is no language"),
        ({"formats": ["htm"]}, "'htm' is no format. Did you mean 'html'"),
        ({"chapters": ["drivers"]}, "No such chapter"),
        ({"parameters": ["n_bot=3"]}, "Did you mean 'n_boot'"),
        ({"wave": "2024"}, "no wave '2024'. Did you mean '2025'"),
    ],
)
def test_mistakes_in_options_are_told_before_anything_runs(workbook, options, why):
    with pytest.raises((RunError, InputError), match=why):
        run("tiny", **options)
    assert not (workbook / "reports").exists()


def test_a_report_without_a_single_chapter_is_refused(workbook):
    with pytest.raises(RunError, match="No chapter could be made.*30-segments needs need") as error:
        run("tiny", chapters=["30"])
    assert error.value.exit_code == 5
    assert not (workbook / "reports" / "tiny" / "2025" / "whole").exists() and "kept in" not in str(error.value)


def test_an_unwritable_output_is_told_before_anything_runs(workbook, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Cannot write to") as error:
        run("tiny", out=tmp_path / "file" / "reports")
    assert error.value.exit_code == 5


@pytest.mark.long
def test_a_full_disk_leaves_the_earlier_report(workbook, monkeypatch):
    first = run("tiny", formats=["html"])
    before = everything(first.folder)
    from delight.publish import html

    def full(*args, **options):
        raise OSError(28, "No space left on device", "report.html")

    monkeypatch.setattr(html, "save", full)
    with pytest.raises(RunError, match="No space left on device. Free some space"):
        run("tiny", formats=["html"])
    assert everything(first.folder) == before and not hidden(workbook)


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_the_earlier_report_and_the_next_one_cleans_up(workbook, how):
    first = run("tiny", formats=["html"])
    before = everything(first.folder)
    (workbook / "notebooks" / "chain" / "20-satisfaction.ipynb").write_text(
        tiny.chapter("satisfaction", "import time; time.sleep(60)", needs=[["overall"]])
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "delight", "run", "tiny", "--formats", "html"],
        cwd=workbook,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert process.stdout.readline().startswith("10-feedback")
    time.sleep(2)
    process.send_signal(how)
    _, told = process.communicate(timeout=60)
    assert everything(first.folder) == before
    if how != signal.SIGKILL:
        assert process.returncode == 130 and "Interrupted" in told and "Traceback" not in told
        assert not hidden(workbook)
    (workbook / "notebooks" / "chain" / "20-satisfaction.ipynb").write_text(tiny.chapter("satisfaction", tiny.SATISFACTION))
    run("tiny", formats=["html"])
    assert not hidden(workbook)


def test_two_runs_of_the_same_report_do_not_meet(workbook):
    held = folders.lock(workbook / "reports" / ".work" / "tiny" / ".2025.lock", "it")
    with held, pytest.raises(RunError, match="being made by another run"):
        run("tiny")

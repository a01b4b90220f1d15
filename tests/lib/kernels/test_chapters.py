"""Chapters give the same in a fork as in a kernel of their own, and a run says when it had to do without forks."""

import json
import os
import sys
import threading

import pytest
from delight.kernels import warm
from delight.publish import chain
from delight.publish.run import run

from tests.tools import tiny


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    monkeypatch.chdir(tiny.workbook(tmp_path / "book"))
    monkeypatch.setenv("DELIGHT_KEY", "test")
    monkeypatch.delenv("DELIGHT_RAW", raising=False)
    return tmp_path / "book"


def files(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.glob("*"))}


def shown(notebook):
    """What every code cell shows, by MIME type."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [[o.get("data") or o.get("text") for o in c["outputs"]] for c in cells if c["cell_type"] == "code"]


@pytest.mark.long
def test_tables_blocks_and_notebooks_are_those_of_a_cold_kernel(workbook, root):
    chapters = chain.choose(chain.chapters(root), ["feedback", "satisfaction"])
    study, done = str(workbook / "data" / "studies" / "tiny"), {}
    for cold in (False, True):
        folder = workbook / ("cold" if cold else "warm")
        parameters = {"study": study, "wave": "2025", "language": "en", "out": str(folder / "work"), "n_boot": 60}
        runs = [
            chain.run_chapter(c, parameters, folder / f"{c.file}.ipynb", environment={"DELIGHT_HOME": root}, cold=cold) for c in chapters
        ]
        assert [r.cold for r in runs] == ["it was asked for" if cold else ""] * 2
        tables = files(folder / "work" / "tables")
        done[cold] = [r.blocks for r in runs], tables, [shown(folder / f"{c.file}.ipynb") for c in chapters]
    (blocks, tables, outputs), (cold_blocks, cold_tables, cold_outputs) = done[False], done[True]
    assert sum(map(len, blocks)) > 5 and blocks == cold_blocks
    assert len(tables) > 10 and tables == cold_tables
    assert outputs == cold_outputs


@pytest.mark.long
def test_a_run_says_once_that_it_has_no_forks(workbook, monkeypatch):
    def refuse(*arguments, **options):
        raise warm.Cold("this is a test")

    monkeypatch.setattr(warm, "fork", refuse)
    said = []
    run("tiny", formats=["html"], say=said.append)
    assert [line for line in said if "this is a test" in line] == [
        "Every chapter starts a kernel of its own and imports its libraries anew: this is a test."
    ]


def test_a_run_with_forks_says_nothing_of_them(workbook):
    if not sys.platform.startswith("linux"):
        pytest.skip("forks are made on Linux only")
    said = []
    run("tiny", formats=["html"], say=said.append)
    assert not any("kernel" in line for line in said)


def test_what_chapters_import_is_imported_beforehand(workbook):
    found = chain.imports(workbook / "notebooks" / "chain")
    assert {"delight.feedback.table", "delight.publish.chapter", "delight.satisfaction", "scipy.stats"} <= set(found)


def test_chapters_run_at_the_same_time_from_several_threads(workbook):
    study = str(workbook / "data" / "studies" / "tiny")
    chapter = chain.choose(chain.chapters(workbook), ["feedback"])[0]
    found = {}

    def one(number):
        parameters = {"study": study, "out": str(workbook / f"work-{number}")}
        found[number] = chain.run_chapter(chapter, parameters, workbook / f"{number}.ipynb", environment={"DELIGHT_HOME": workbook})

    threads = [threading.Thread(target=one, args=(n,)) for n in range(3)]
    here = os.getcwd()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.chdir(here)  # papermill changes the folder of the whole process
    tables = [files(workbook / f"work-{n}" / "tables") for n in range(3)]
    assert len(found) == 3 and tables[0] and tables[0] == tables[1] == tables[2]

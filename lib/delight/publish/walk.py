"""The chain walked once for one report: chapters run, skipped, left out, or taken over from an earlier run."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field

from delight.errors import DelightError, RunError
from delight.publish import chain, folders, keys
from delight.publish.content import ChapterContent
from delight.publish.kept import Shelf, Tables

#: Small matrices go faster on one thread, and two kernels do not fight for the cores.
ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}

#: What dressing a report adds to the work folder: no chapter reads it.
DRESS = ("content.json", "labels.*.json", "story.json", "logo.*", "template.*", "made.json")


@dataclass
class Walked:
    """What came of it.

    Attributes
    ----------
    chapters : list of ChapterContent
    cells : dict of chapter file to list
        State of each code cell of the chapters that ran.
    reused : list of str
        Files of the chapters taken over from an earlier run.
    cold : str
        Why kernels were not forked from a process that has imported the libraries; "" if they were.
    """

    chapters: list = field(default_factory=list)
    cells: dict = field(default_factory=dict)
    reused: list = field(default_factory=list)
    cold: str = ""


def walk(order, work, report, *, resume=False, say=lambda text: None):
    """Run the chosen chapters of an order in their order.

    Parameters
    ----------
    order : Order
    work, report : Path
        The folders that are being built; `prepare` made them.
    resume : bool
        Whether a chapter whose inputs are unchanged is taken over from an earlier run.
    say : function of str

    Returns
    -------
    Walked

    Raises
    ------
    RunError
        A chapter failed, or there was nothing to run (exit code 5).
    """
    found, asked = Walked(), _asked(order, work)
    shelf, tables, base = Shelf(order.work), Tables(work), keys.common(order)
    environment = {"DELIGHT_HOME": order.root, **ONE_THREAD, **({"DELIGHT_RAW": order.raw} if order.raw else {})}
    for chapter in order.chapters:
        if chapter not in order.chosen:
            found.chapters.append(ChapterContent(chapter.name, chapter.file, "not_run"))
            continue
        lacks = chapter.lacks(asked)
        if lacks:
            say(f"{chapter.file}: skipped, needs {_needs(lacks)}")
            found.chapters.append(ChapterContent(chapter.name, chapter.file, "skipped", lacks))
            continue
        _forget(chapter, work)
        tables.changed()
        key, notebook = keys.chapter(order, chapter, base, tables.hashes), report / "notebooks" / f"{chapter.file}.ipynb"
        run = shelf.take(chapter, key, work, notebook) if resume else None
        if run:
            tables.changed()
            found.reused.append(chapter.file)
            say(f"{chapter.file}: unchanged")
        else:
            settings = {**order.parameters, "out": str(work), **order.settings[chapter.file]}
            try:
                run = chain.run_chapter(chapter, settings, notebook, environment=environment)
            except DelightError as error:
                error.chapter, error.cell = chapter.file, _failed_cell(notebook)
                raise
            shelf.put(chapter, key, work, tables.changed(), notebook, run)
            say(f"{chapter.file}: {run.seconds:.1f} s, {len(run.blocks)} blocks")
            if run.cold and not found.cold:
                say(f"Every chapter starts a kernel of its own and imports its libraries anew: {run.cold}.")
                found.cold = run.cold
        found.chapters.append(ChapterContent(chapter.name, chapter.file, "done", [], run.blocks, round(run.seconds, 2)))
        found.cells[chapter.file] = run.cells
        if chapter.name == "feedback":  # from here on a role counts as asked where the focus wave answered it
            asked = _asked(order, work)
    if not found.cells:
        asked = "; ".join(f"{c.file} needs {_needs(c.missing)}" for c in found.chapters if c.status == "skipped")
        raise RunError(f"No chapter could be made, so there is no report of '{order.study.name}': {asked}.", exit_code=5)
    return found


def _failed_cell(notebook):
    """Number of the first code cell that did not complete, as the message counts; None where that is unknown."""
    try:
        executed = json.loads(notebook.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    marks = "papermill-error-cell-tag"  # cells that papermill puts beside the error
    cells = [c for c in executed["cells"] if marks not in c.get("metadata", {}).get("tags", [])]
    return next((state["cell"] for state in chain.cell_states({"cells": cells}) if state["status"] != "completed"), None)


def prepare(order, work, report):
    """Make the folders that a report is built in; chapters left out of a partial run keep the tables of the last one."""
    try:
        if order.partial and order.work.is_dir():
            shutil.copytree(order.work, work, ignore=shutil.ignore_patterns(*DRESS))
        work.mkdir(parents=True, exist_ok=True)
        report.mkdir(parents=True)
    except OSError as error:
        raise folders.unwritable(work.parent, error) from None


def _forget(chapter, work):
    """Tables of an earlier run of this chapter must not survive into this one."""
    for path in (work / "tables").glob(f"{chapter.name}.*"):
        path.unlink()


def _needs(lacks):
    return " and ".join(" or ".join(choice) for choice in lacks)


def _asked(order, work):
    """Whether a need is met: by the codebook, and once the feedback table is there, by answers in the focus wave."""
    study, whole = order.study, order.whole_work if order.location else work
    table = whole / "tables" / "feedback.responses.parquet"
    if not table.is_file():
        return lambda need: bool(study.meeting(need))
    import pandas as pd
    import pyarrow.parquet

    names = set(pyarrow.parquet.read_schema(table).names)
    frame = pd.read_parquet(table, columns=[*{*study.questions, "wave"} & names])
    frame = frame[frame["wave"] == order.wave]
    answered = set(frame.columns[frame.notna().any()])
    return lambda need: not answered.isdisjoint(study.meeting(need))

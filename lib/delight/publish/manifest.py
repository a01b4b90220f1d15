"""run.json, which tells what decided the numbers of a report, and the private note by which a later run knows that it is still good."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from delight.publish import keys
from delight.publish.formats import FILES
from delight.result import Result, plain

#: In the work folder: the key a report was made from, and its files.
NOTE = "made.json"


def write(order, content, walked, report, *, seconds, headline, warnings):
    """Write run.json into `report`: everything that decides the numbers, and nothing that identifies a respondent or a machine (M41).

    Parameters
    ----------
    order : Order
    content : Content
    walked : Walked
    report : Path
    seconds : float
    headline : dict
        As `delight.publish.headline.headline` gives it.
    warnings : list of str
    """
    responses = "feedback.responses"
    about = {k: v for k, v in content.about.items() if k not in ("fieldwork", "report")}
    notebooks = {c.file: c.path for c in order.chapters}
    _save(
        report,
        {
            **about,
            "python": sys.version.split()[0],
            "lock": keys.lock(order.root),
            "data": Result.load(content.work / "tables" / responses).meta.get("hash") if content.has(responses) else None,
            "study_files": keys.study_files(order.study),
            "locale": content.about["language"],
            "seconds": round(seconds, 2),
            "headline": plain(headline),
            "warnings": list(warnings),
            "chapters": [
                {
                    "chapter": c.name,
                    "file": c.file,
                    "status": c.status,
                    "missing_roles": c.missing,
                    "seconds": c.seconds,
                    "notebook": keys.of_file(notebooks[c.file]),
                    "parameters": plain(order.settings.get(c.file, {})),
                    "cells": walked.cells.get(c.file, []),
                }
                for c in content.chapters
            ],
        },
    )


def add_warnings(report, warnings):
    """Add what could not be made to the run.json of a finished report."""
    manifest = read(report)
    _save(report, {**manifest, "warnings": list(dict.fromkeys([*manifest.get("warnings", []), *warnings]))})


def read(report):
    """run.json of a report."""
    return json.loads((Path(report) / "run.json").read_text(encoding="utf-8"))


def _save(report, manifest):
    (Path(report) / "run.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def sign(order, report, work):
    """Note in `work` what the finished folder `report` was made from and which files it has."""
    files = {p.relative_to(report).as_posix(): p.stat().st_size for p in sorted(report.rglob("*")) if p.is_file()}
    note = {"key": keys.report(order), "numbers": keys.numbers(order), "manifest": keys.of_file(report / "run.json"), "files": files}
    aside = work / f".{NOTE}"
    aside.write_text(json.dumps(note, ensure_ascii=False), encoding="utf-8")
    os.replace(aside, work / NOTE)


@dataclass(frozen=True)
class Finished:
    """A report that is there, whole, and made from what it would be made from now.

    Attributes
    ----------
    manifest : dict
        Its run.json.
    lacking : dict of language to list of str
        Formats asked for that it does not have.
    """

    manifest: dict
    lacking: dict = field(default_factory=dict)


def finished(order):
    """The report of an order as `Finished`, or None if it must be made."""
    try:
        note = json.loads((order.work / NOTE).read_text(encoding="utf-8"))
        if note["key"] != keys.report(order) or note["manifest"] != keys.of_file(order.target / "run.json"):
            return None
        if any((order.target / name).stat().st_size != size for name, size in note["files"].items()):
            return None
        lacking = {
            language: [f for f in order.formats if not (order.target / language / FILES[f]).is_file()] for language in order.languages
        }
        return Finished(read(order.target), {language: formats for language, formats in lacking.items() if formats})
    except (OSError, ValueError, KeyError):
        return None

"""One report: the chain run on a study, the tables a client may see, the report in every language and format, the manifest."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from delight import __version__
from delight.errors import DelightError, RunError
from delight.publish import chain, folders, formats, html, location, manifest, story, template
from delight.publish.content import Content
from delight.publish.headline import headline
from delight.publish.order import Order, settle
from delight.publish.walk import prepare, walk
from delight.result import plain
from delight.show import LANGUAGES


@dataclass(frozen=True)
class Report:
    """A finished report.

    Attributes
    ----------
    folder : Path
        Run folder with run.json, tables/, notebooks/ and a folder a language.
    files : list of Path
        The reports themselves, in the languages and formats asked for.
    chapters : list of ChapterContent
    warnings : list of str
    seconds : float
    status : {"made", "rendered", "unchanged"}
        Whether the chain was run, only languages or formats were added, or nothing had to be done.
    headline : dict
        The first numbers of the report, as a client may see them (`delight.publish.headline`).
    reused : list of str
        Files of the chapters taken over from an earlier run.
    """

    folder: Path
    files: list
    chapters: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    seconds: float = 0.0
    status: str = "made"
    headline: dict = field(default_factory=dict)
    reused: list = field(default_factory=list)


def run(
    study,
    *,
    wave="",
    location="",
    languages=(),
    formats=(),
    chapters=(),
    parameters=(),
    raw=None,
    out=None,
    say=lambda text: None,
):
    """Make the report of one study and wave.

    Parameters
    ----------
    study : str
        Name under data/studies, or a folder.
    wave, location : str
        Newest wave and the whole organisation when empty.
    languages : sequence of {"nl", "da", "en"}
        The study's own when empty.
    formats : sequence of {"html", "pdf", "xlsx", "pptx"}
        All when empty.
    chapters : sequence of str
        All when empty; otherwise the report is marked partial, and chapters left out keep the tables of the last run.
    parameters : sequence of str
        ``[CHAPTER.]NAME=VALUE``.
    raw : str or Path, optional
        Folder with the raw files, if not the study's own.
    out : str or Path, optional
        Folder for reports instead of ``reports/``.
    say : function of str
        Receives one line a step.

    Returns
    -------
    Report

    Raises
    ------
    StudyError, InputError
        The study, the data or an argument is wrong; nothing has changed.
    RunError
        A chapter failed; its notebooks stand in ``<report>.failed`` and the earlier report is intact.
    """
    order = settle(
        study,
        wave=wave,
        location=location,
        languages=languages,
        formats=formats,
        chapters=chapters,
        parameters=parameters,
        raw=raw,
        out=out,
    )
    return make(order, say=say)


def make(order: Order, *, resume=False, patience=0.0, say=lambda text: None):
    """Make an ordered report: built aside, and swapped in under a lock.

    Parameters
    ----------
    order : Order
    resume : bool
        Leave a finished report whose inputs are unchanged as it is, add only the languages and formats it lacks, and take over chapters
        whose inputs are unchanged.
    patience : float
        Seconds to wait for another run of the same report.
    say : function of str

    Returns
    -------
    Report

    Raises
    ------
    StudyError, InputError, RunError
        As `run`.
    """
    started = time.monotonic()
    if not order.chosen:
        about = "the whole organisation; leave out --location" if order.location else "a single location; name it with --location"
        raise RunError(f"Nothing to run: the chapters chosen are about {about}.", exit_code=5)
    if order.location:
        location.whole_first(order, make, patience=patience, say=say)
    work, target = order.work, order.target
    with folders.lock(work.parent / f".{work.name}.lock", f"The report of {order.name}", patience=patience):
        folders.recover(target)
        folders.recover(work)
        found = manifest.finished(order) if resume else None
        if found and not found.lacking:
            return report_of(order, found.manifest, started, "unchanged")
        new_work, new_report = folders.aside(work), folders.aside(target)
        try:
            if found:
                about, status, reused = _render(order, found, new_report, say), "rendered", []
                manifest.sign(order, new_report, work)
            else:
                prepare(order, new_work, new_report)
                walked = walk(order, new_work, new_report, resume=resume, say=say)
                about, status, reused = _dress(order, walked, new_work, new_report, started, say), "made", walked.reused
                manifest.sign(order, new_report, new_work)
                folders.swap(new_work, work)
            folders.swap(new_report, target)
        except DelightError as error:
            kept = _keep_failed(new_report, target)
            if kept and isinstance(error, RunError):
                say = f"{error}\nThe notebooks so far, with the error in the last, are kept in {kept}."
                told = RunError(say, exit_code=error.exit_code)
                told.chapter, told.cell = error.chapter, error.cell
                raise told from error
            raise
        except OSError as error:
            raise folders.unwritable(order.reports, error) from error
        finally:
            shutil.rmtree(new_work, ignore_errors=True)
            shutil.rmtree(new_report, ignore_errors=True)
    shutil.rmtree(_failed(target), ignore_errors=True)
    return report_of(order, about, started, status, reused)


def _dress(order, walked, work, report, started, say):
    """From finished chapters to a report folder: what it rests on, tables a client may see, languages and formats, run.json."""
    if not order.location:  # the consultant's words are about the whole
        story.keep(order.study, order.wave, work, [c.name for c in order.chapters])
    logo = html.keep_logo(order.study, work)
    template.keep(order.study, work)
    content = _content(order, walked.chapters, work)
    for name in content.table_names():
        content.result(name).save(report / "tables" / name)
    warnings = [*([logo] if logo else []), *story.warnings(content, list(order.languages))]
    warnings = _write(content, {language: order.formats for language in order.languages}, report, warnings, say)
    seconds = time.monotonic() - started
    manifest.write(order, content, walked, report, seconds=seconds, headline=headline(content), warnings=warnings)
    return manifest.read(report)


def _render(order, found, report, say):
    """A finished report with the languages and formats it lacks; no chapter runs."""
    shutil.copytree(order.target, report)
    warnings = _write(Content.load(order.work), found.lacking, report, [], say)
    if set(warnings) - set(found.manifest.get("warnings", [])):
        manifest.add_warnings(report, warnings)
    return manifest.read(report)


def _write(content, wanted, report, warnings, say):
    """Write every language and format; returns all warnings, each once."""
    for language, kinds in wanted.items():
        _, why = formats.write(content, language, report / language, kinds)
        warnings = list(dict.fromkeys([*warnings, *why]))
    for text in warnings:
        say(text)
    return warnings


def report_of(order, about, started, status, reused=()):
    """The finished report of an order, whose run.json is `about`."""
    files = [order.target / language / formats.FILES[f] for language in order.languages for f in order.formats]
    return Report(
        folder=order.target,
        files=[path for path in files if path.is_file()],
        chapters=Content.load(order.work).chapters,
        warnings=about["warnings"],
        seconds=time.monotonic() - started,
        status=status,
        headline=about["headline"],
        reused=list(reused),
    )


def _content(order, chapters, work):
    study = order.study
    for language in LANGUAGES:
        (work / f"labels.{language}.json").write_text(study.labels(language).to_json(), encoding="utf-8")
    about = {
        "study": study.name,
        "organisation": study.organisation,
        "wave": order.wave,
        "waves": list(study.waves),
        "location": order.location,
        "label": study.design().labels.get(order.location) or "",
        "language": order.languages[0],
        "delight_from": study.delight_from,
        "scale": plain(study.scale(study.outcome)) if study.outcome else None,
        "minimum_group": study.minimum_group,
        "fieldwork": plain(study.fieldwork),
        "locations": bool(study.column("location")),
        "report": plain(study.report),
        "partial": order.partial,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "parameters": plain(order.settings),
    }
    content = Content(work, about, chapters)
    content.save()
    return content


def _failed(target):
    return target.with_name(target.name + ".failed")


def _keep_failed(new_report, target):
    """Keep the notebooks of a failed run, with the error marked in them, beside the untouched report; their folder, or None."""
    notebooks = new_report / "notebooks"
    if not notebooks.is_dir() or not any(notebooks.iterdir()):
        return None
    for path in notebooks.glob("*.ipynb"):
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            chain.scrub(notebook)
            path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        except (OSError, ValueError):
            continue
    failed = _failed(target)
    try:
        shutil.rmtree(failed, ignore_errors=True)
        shutil.move(notebooks, failed)
    except OSError:
        return None
    return failed

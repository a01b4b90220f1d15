"""One report: the chain run on a study, the tables a client may see, the report in every language and format, the manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from delight import __version__
from delight.errors import DelightError, InputError, RunError, StudyError, did_you_mean
from delight.findings import raise_errors
from delight.publish import chain, folders, ready
from delight.publish.content import ChapterContent, Content
from delight.publish.formats import FORMATS
from delight.result import Result, plain
from delight.show import LANGUAGES
from delight.study import open_study, places

#: Small matrices go faster on one thread, and two kernels do not fight for the cores.
_ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True)
class Report:
    """A finished report.

    Attributes
    ----------
    folder : Path
        Run folder with run.json, tables/, notebooks/ and a folder a language.
    files : list of Path
        The reports themselves.
    chapters : list of ChapterContent
    warnings : list of str
    seconds : float
    """

    folder: Path
    files: list
    chapters: list
    warnings: list = field(default_factory=list)
    seconds: float = 0.0


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
    started = time.monotonic()
    if raw:
        raw = Path(raw).expanduser().resolve()
    languages, formats = _choice(languages, LANGUAGES, "language"), _choice(formats, FORMATS, "format") or list(FORMATS)
    root = places.root()
    all_chapters = chain.chapters(root)
    chosen = chain.choose(all_chapters, chapters)
    settings = chain.overrides(all_chapters, parameters)
    opened = open_study(study, raw=raw)
    wave = opened.wave_named(wave)
    _sound(opened, location, all_chapters, settings)
    if location and all(c.scope == "whole" for c in chosen):
        say_what = f"its chapters are about the whole organisation. Its report shows all locations side by side: delight run {opened.name}"
        raise RunError(f"Nothing to run for the location '{location}': {say_what}", exit_code=5)
    languages = languages or [opened.language]
    reports = places.reports_folder(out)
    unit = places.slugs([*opened.units, location])[location] if location else "whole"
    target = reports / opened.name / places.wave_folder(wave) / unit
    work = places.work_folder(opened.name, wave, reports)
    if location:
        work = work.with_name(f"{work.name}@{unit}")
    with folders.lock(work.parent / f".{work.name}.lock", f"The report of {opened.name}, {wave}, {unit}"):
        folders.recover(target)
        folders.recover(work)
        new_work, new_report = folders.aside(work), folders.aside(target)
        try:
            _prepare(new_work, new_report, work, chosen, all_chapters)
            remarks = _keep(opened, wave, all_chapters, new_work)
            base = {"study": str(opened.path), "wave": wave, "location": location, "language": languages[0], "out": str(new_work)}
            environment = {"DELIGHT_HOME": root, **_ONE_THREAD, **({"DELIGHT_RAW": raw} if raw else {})}
            done, cells = _run_chapters(all_chapters, chosen, settings, base, environment, opened, new_work, new_report, say)
            _any_done(done, opened)
            content = _content(opened, wave, location, languages, done, new_work, settings, len(chosen) < len(all_chapters))
            files, warnings = _publish(content, languages, formats, new_report, say, remarks)
            _manifest(content, opened.path, all_chapters, cells, settings, new_report, root, started)
            folders.swap(new_work, work)
            folders.swap(new_report, target)
        except DelightError as error:
            kept = _keep_failed(new_report, target)
            if kept and isinstance(error, RunError):
                say_where = f"{error}\nThe notebooks so far, with the error in the last, are kept in {kept}."
                raise RunError(say_where, exit_code=error.exit_code) from error
            raise
        except OSError as error:
            raise folders.unwritable(reports, error) from error
        finally:
            shutil.rmtree(new_work, ignore_errors=True)
            shutil.rmtree(new_report, ignore_errors=True)
    shutil.rmtree(_failed(target), ignore_errors=True)
    return Report(target, [target / f.relative_to(new_report) for f in files], content.chapters, warnings, time.monotonic() - started)


def _sound(study, location, chapters, settings):
    """Refuse, before anything runs, a story, segmentation, location or point of delight that cannot be."""
    raise_errors(ready.check(study, [c.name for c in chapters]), StudyError, intro=f"The study '{study.name}' has {{n}} mistake(s):")
    if location and not study.column("location"):
        raise InputError(
            f"Study '{study.name}' has no locations, so there is no '{location}'. Give the column of locations the role location."
        )
    if location and study.units and location not in study.units:
        raise InputError(f"There is no location '{location}' in units.csv.{did_you_mean(location, study.units)} {_few(study.units)}")
    scale = study.scale(study.outcome) if study.outcome else None
    for chosen in {values["delight_from"] for values in settings.values() if values.get("delight_from")}:
        if scale is not None and not (scale.allows([chosen])[0] and chosen > scale.min):
            say = f"-p delight_from={chosen:g}: 'delight_from' is a point of the scale {scale} of '{study.outcome}' above its lowest."
            raise RunError(say, exit_code=2)


def _few(names, most=10):
    names = sorted(names)
    return f"It has: {', '.join(names[:most])}{f' and {len(names) - most} more' if len(names) > most else ''}."


def _choice(wanted, known, what):
    wanted = list(dict.fromkeys(wanted))
    for value in wanted:
        if value not in known:
            raise RunError(f"'{value}' is no {what}.{did_you_mean(value, known)} Choose from {', '.join(known)}.", exit_code=2)
    return wanted


def _prepare(new_work, new_report, work, chosen, all_chapters):
    """Make the folders aside; chapters left out of a partial run keep the tables of the last one."""
    try:
        if len(chosen) < len(all_chapters) and work.is_dir():
            shutil.copytree(work, new_work)
        new_work.mkdir(parents=True, exist_ok=True)
        new_report.mkdir(parents=True)
    except OSError as error:
        raise folders.unwritable(new_work.parent, error) from None


def _run_chapters(all_chapters, chosen, settings, base, environment, study, work, report, say):
    done, cells, asked = [], {}, _asked(study, base["wave"], work)
    for chapter in all_chapters:
        if chapter not in chosen:
            done.append(ChapterContent(chapter.name, chapter.file, "not_run"))
            continue
        lacks = chapter.lacks(asked)
        if lacks or (base["location"] and chapter.scope == "whole"):
            say(f"{chapter.file}: skipped" + (f", needs {_needs(lacks)}" if lacks else ", whole organisation only"))
            done.append(ChapterContent(chapter.name, chapter.file, "skipped", lacks))
            continue
        _forget(chapter, work)
        outcome = chain.run_chapter(
            chapter, {**base, **settings[chapter.file]}, report / "notebooks" / f"{chapter.file}.ipynb", environment=environment
        )
        say(f"{chapter.file}: {outcome.seconds:.1f} s, {len(outcome.blocks)} blocks")
        done.append(ChapterContent(chapter.name, chapter.file, "done", [], outcome.blocks, round(outcome.seconds, 2)))
        cells[chapter.file] = outcome.cells
        if chapter.name == "feedback":  # from here on a role counts as asked where the focus wave answered it
            asked = _asked(study, base["wave"], work)
    return done, cells


def _any_done(done, study):
    """Refuse a report without a single chapter."""
    if not any(c.status == "done" for c in done):
        asked = "; ".join(f"{c.file} needs {_needs(c.missing)}" for c in done if c.status == "skipped")
        raise RunError(f"No chapter could be made, so there is no report of '{study.name}': {asked}.", exit_code=5)


def _forget(chapter, work):
    """Tables of an earlier run of this chapter must not survive into this one."""
    for path in (work / "tables").glob(f"{chapter.name}.*"):
        path.unlink()


def _needs(lacks):
    return " and ".join(" or ".join(choice) for choice in lacks)


def _asked(study, wave, work):
    """Whether a need is met: by the codebook, and once the feedback table is there, by answers in the focus wave."""
    table = work / "tables" / "feedback.responses.parquet"
    if not table.is_file():
        return lambda need: bool(study.meeting(need))
    import pandas as pd
    import pyarrow.parquet

    names = set(pyarrow.parquet.read_schema(table).names)
    frame = pd.read_parquet(table, columns=[*{*study.questions, "wave"} & names])
    frame = frame[frame["wave"] == wave]
    answered = set(frame.columns[frame.notna().any()])
    return lambda need: not answered.isdisjoint(study.meeting(need))


def _content(study, wave, location, languages, done, work, settings, partial):
    for language in LANGUAGES:
        (work / f"labels.{language}.json").write_text(study.labels(language).to_json(), encoding="utf-8")
    about = {
        "study": study.name,
        "organisation": study.organisation,
        "wave": wave,
        "waves": list(study.waves),
        "location": location,
        "language": languages[0],
        "delight_from": study.delight_from,
        "scale": plain(study.scale(study.outcome)) if study.outcome else None,
        "minimum_group": study.minimum_group,
        "fieldwork": plain(study.fieldwork),
        "locations": bool(study.column("location")),
        "report": plain(study.report),
        "partial": partial,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "parameters": plain(settings),
    }
    content = Content(work, about, done)
    content.save()
    return content


def _keep(study, wave, all_chapters, work):
    """Keep what a report needs of the study's folder, its story and logo, in the work folder; returns what to remark on."""
    from delight.publish import html, story

    story.keep(study, wave, work, [c.name for c in all_chapters])
    why = html.keep_logo(study, work)
    return [why] if why else []


def _publish(content, languages, formats, report, say, remarks=()):
    """Tables a client may see, then every language and format; returns the files and what could not be made."""
    from delight.publish import formats as makers
    from delight.publish import story

    for name in content.table_names():
        content.result(name).save(report / "tables" / name)
    files, warnings = [], [*remarks, *story.warnings(content, languages)]
    for language in languages:
        made, why = makers.write(content, language, report / language, formats)
        files += made
        warnings += [text for text in why if text not in warnings]
    for text in warnings:
        say(text)
    return files, warnings


def _manifest(content, folder, all_chapters, cells, settings, report, root, started):
    """run.json: everything that decides the numbers, and nothing that identifies a respondent or a machine (M41)."""
    responses = "feedback.responses"
    data_hash = Result.load(content.work / "tables" / responses).meta.get("hash") if content.has(responses) else None
    lock_file = Path(root) / "requirements.lock"
    about = {k: v for k, v in content.about.items() if k not in ("fieldwork", "report")}
    manifest = {
        **about,
        "python": sys.version.split()[0],
        "lock": _digest(lock_file) if lock_file.is_file() else None,
        "data": data_hash,
        "study_files": _study_hash(folder),
        "locale": content.about["language"],
        "seconds": round(time.monotonic() - started, 2),
        "chapters": [
            {
                "chapter": c.name,
                "file": c.file,
                "status": c.status,
                "missing_roles": c.missing,
                "seconds": c.seconds,
                "notebook": _digest(next(a.path for a in all_chapters if a.file == c.file)),
                "parameters": plain(settings.get(c.file, {})),
                "cells": cells.get(c.file, []),
            }
            for c in content.chapters
        ],
    }
    (report / "run.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _study_hash(folder):
    """One hash over the files that describe the study."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".toml", ".csv", ".json") and p.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


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

"""Make a workshop: student, trainer and no-code notebooks, hand-outs, data for everybody, and a course for nbgrader."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np

from delight.errors import InputError, RunError
from delight.show import LANGUAGES, Words
from delight.workshop import client, handout, room
from delight.workshop.desk import desk as sit_down
from delight.workshop.lesson import YOUR_CODE, lessons, source, student, trainer, without_code

VERSIONS = {"student": student, "trainer": trainer, "no-code": without_code}
PARTICIPANTS = 20


@dataclass(frozen=True)
class Workshop:
    """What was made.

    Attributes
    ----------
    folder : Path
    files : list of Path
    left_out : dict of lesson to str
        Lessons the data do not carry, with what they lack.
    warnings : list of str
    """

    folder: Path
    files: list = field(default_factory=list)
    left_out: dict = field(default_factory=dict)
    warnings: list = field(default_factory=list)


def build(language, out, *, study="", participants=PARTICIPANTS, raw=None, reports=None, root=None, say=lambda text: None):
    """Make the workshop in a language.

    Parameters
    ----------
    language : {"nl", "da", "en"}
    out : Path
        Built aside and swapped in whole; what stood there before goes, but for what the group itself made (``together``, ``story``).
    study : str, optional
        A study whose report has been run: the same lessons on its own answers. Without it, on the invented provider.
    participants : int
    raw, reports : Path, optional
        Folder of the raw files and of the reports of the study, if not its own.
    root : Path, optional
        The workbook.
    say : function of str
        Receives one line a step.

    Returns
    -------
    Workshop

    Raises
    ------
    RunError
        A lesson is not translated, there is none, the study has not been run, or `out` holds something else.
    InputError
        No such language, too many participants.
    """
    if language not in LANGUAGES:
        raise InputError(f"language is one of {', '.join(LANGUAGES)}, not {language!r}.")
    out = Path(out)
    if out.exists() and any(out.iterdir()) and not (out / room.PLACE / room.ROOM).is_file():
        raise RunError(f"'{out}' holds something else than a workshop. Name another folder with --out, or empty it.", exit_code=2)
    words, found = Words(language), lessons(root)
    for lesson in found:
        lesson.catalogue(language)
    aside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        say("Data …")
        if study:
            client.write(aside / room.PLACE, study, participants=participants, raw=raw, reports=reports)
        else:
            room.write(aside / room.PLACE, participants=participants)
        made = _write(found, words, aside, say)
        _swap(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    files = [out / path.relative_to(aside) for path in made.files]
    return Workshop(out, files, made.left_out, made.warnings)


def _write(found, words, folder, say):
    frame, book = room.answers(0, folder / room.PLACE)
    made = Workshop(folder)

    def has(name):
        return bool(getattr(book, name, None)) or name in frame

    for lesson in found:
        lacks = [need for need in lesson.needs if not has(need)] or ([] if book.planted else _unanswered(lesson, words, folder))
        if lacks:
            made.left_out[lesson.path.stem] = ", ".join(lacks)
            continue
        say(f"{lesson.path.stem} …")
        spoken = {"has": has, "planted": book.planted}
        for version, cut in VERSIONS.items():
            cells = cut(lesson.spoken(words.language, **spoken), words)
            made.files.append(_notebook(folder / version / lesson.path.name, lesson.version(cells, words.language)))
        cells = source(lesson.spoken(words.language, **spoken), words)
        course = folder / "nbgrader" / "source" / f"lesson-{lesson.number}" / lesson.path.name
        made.files.append(_notebook(course, lesson.version(cells, words.language)))
        page, warning = handout.write(lesson, words, folder / "handout" / f"{lesson.path.stem}.pdf", folder / room.PLACE)
        made.files.extend([page] if page else [])
        made.warnings.extend([warning] if warning and warning not in made.warnings else [])
    for name, target in (("nbgrader_config.py", "nbgrader"), ("jupyterhub_config.py", ".")):
        text = resources.files("delight.workshop").joinpath("settings", name).read_text(encoding="utf-8")
        path = folder / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(YOUR_CODE, words.gettext(YOUR_CODE)), encoding="utf-8")
        made.files.append(path)
    return made


def _unanswered(lesson, words, folder):
    """Exercises that a client's answers do not carry: too few of them, no kinds to be found."""
    desk, found = sit_down(lesson.number, 0, language=words.language, folder=folder / room.PLACE), []
    for about in desk.exercises.values():
        if not all(desk.has(need) for need in about.needs):
            continue
        try:
            right = about.right(desk)
        except Exception:  # whatever a method cannot do with these answers
            right = np.nan
        numbers = right if isinstance(right, tuple) else [right]
        if any(isinstance(v, float) and not np.isfinite(v) for v in numbers):
            found.append(f"answer to '{about.name}'")
    return found


def _notebook(path, notebook):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def _swap(aside, out):
    """Put the new folder in the place of the old one, keeping what the group made."""
    if out.exists():
        for own in ("together", "story"):
            if (out / own).is_dir():
                shutil.move(out / own, aside / own)
        shutil.rmtree(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(out)

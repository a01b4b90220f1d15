"""A lesson's source notebook and its versions: student, trainer, nbgrader's source, and without code.

A source speaks English; its text cells are messages, a paragraph each, in the lesson's own catalogue. Tags of a cell say where it goes:
``trainer`` (timing, what people usually get wrong), ``hint`` (its paragraphs are opened one by one), ``exercise`` and ``code-only``
(not without code), ``handout``, ``story`` (the invented provider only), ``own`` (a client's data only), ``needs:churned`` (only if the
room has it). Solutions are marked as nbgrader marks them.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path

from babel.messages.pofile import read_po

from delight.errors import RunError
from delight.study import places
from delight.workshop.exercise import message as _

SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n(.*?)### END SOLUTION[ \t]*(?:\n|\Z)", re.M | re.S)
_MARKS = re.compile(r"^[ \t]*### (?:BEGIN|END) SOLUTION[ \t]*\n?", re.M)
_BREAK = re.compile(r"(\n\s*\n|\n(?=[-*] ))")
YOUR_CODE = _("# your code here")


@dataclass(frozen=True)
class Lesson:
    """A source notebook.

    Attributes
    ----------
    path : Path
    notebook : dict
    """

    path: Path
    notebook: dict

    @classmethod
    def read(cls, path):
        return cls(Path(path), json.loads(Path(path).read_text(encoding="utf-8")))

    @property
    def number(self):
        return self.notebook["metadata"]["delight"]["lesson"]

    @property
    def needs(self):
        """What of a room's data the lesson cannot do without."""
        return self.notebook["metadata"]["delight"].get("needs", [])

    @property
    def messages(self):
        """Every paragraph of its text cells, in order, once."""
        return list(dict.fromkeys(p for cell in self.notebook["cells"] if cell["cell_type"] == "markdown" for p in paragraphs(text(cell))))

    def catalogue(self, language):
        """Its translations: {English paragraph: paragraph}.

        Raises
        ------
        RunError
            There is no catalogue, or paragraphs are not in it.
        """
        if language == "en":
            return {m: m for m in self.messages}
        path = self.path.parent / "locale" / language / f"{self.path.stem}.po"
        if not path.is_file():
            raise RunError(f"The lesson {self.path.stem} has no translation: {path.name} is missing in {path.parent.name}/.")
        with path.open("rb") as file:
            known = {m.id: m.string for m in read_po(file, locale=language) if m.id and m.string and not m.fuzzy}
        missing = [m for m in self.messages if m not in known]
        if missing:
            raise RunError(f"{self.path.stem}, {language}: {len(missing)} paragraphs are not translated, such as {missing[0][:60]!r}.")
        return known

    def spoken(self, language, *, has=None, planted=True):
        """Cells in a language, without those that the room's data do not carry.

        Parameters
        ----------
        language : {"nl", "da", "en"}
        has : function of a name, optional
            Whether the room has what ``needs:<name>`` names.
        planted : bool
        """
        known = self.catalogue(language)
        cells = []
        for cell in copy.deepcopy(self.notebook["cells"]):
            tags = tags_of(cell)
            if ("story" in tags and not planted) or ("own" in tags and planted):
                continue
            if has and any(not has(t.removeprefix("needs:")) for t in tags if t.startswith("needs:")):
                continue
            if cell["cell_type"] == "markdown":
                parts = _BREAK.split(text(cell).strip())
                cell["source"] = "".join(known.get(part, part) for part in parts)
            else:
                cell["source"] = text(cell).replace('language="en"', f'language="{language}"')
                cell["outputs"], cell["execution_count"] = [], None
            cells.append(cell)
        return cells

    def version(self, cells, language):
        """A notebook of these cells."""
        done = {key: copy.deepcopy(value) for key, value in self.notebook.items() if key != "cells"}
        done["metadata"]["delight"] = {"lesson": self.number, "language": language}
        for cell in cells:
            kept = [t for t in tags_of(cell) if t == "trainer"]
            cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key != "tags"} | ({"tags": kept} if kept else {})
        return done | {"cells": cells}


def lessons(root=None):
    """All lessons in order.

    Raises
    ------
    RunError
        There is none.
    """
    folder = Path(root or places.root()) / "notebooks" / "workshop"
    found = [Lesson.read(path) for path in sorted(folder.glob("[0-9]*-*.ipynb"))]
    if not found:
        raise RunError("There are no lessons in notebooks/workshop.", exit_code=5)
    return found


def text(cell):
    """The source of a cell as one string."""
    return "".join(cell["source"])


def tags_of(cell):
    return cell.get("metadata", {}).get("tags", [])


def paragraphs(words):
    """A text as its messages: paragraphs between blank lines, list items apart."""
    return [part for part in _BREAK.split(words.strip())[::2] if part.strip()]


def solutions(cells):
    """Lines of every solution: {exercise: [lines]}."""
    found = {}
    for cell in cells:
        match = SOLUTION.search(text(cell)) if cell["cell_type"] == "code" else None
        if match:
            found[cell["metadata"]["nbgrader"]["grade_id"]] = [line.strip() for line in match[2].splitlines() if line.strip()]
    return found


# ---- versions
def source(cells, words):
    """What nbgrader makes its own versions from: solutions marked, hints closed, nothing for the trainer."""
    return [_closed(c, words) for c in cells if "trainer" not in tags_of(c)]


def student(cells, words):
    """What participants get: solutions blanked, hints closed, nothing for the trainer."""
    done = source(cells, words)
    for cell in done:
        if cell["cell_type"] == "code":
            cell["source"] = SOLUTION.sub(lambda m: f"{m[1]}{words.gettext(YOUR_CODE)}\n", text(cell)).rstrip("\n")
    return done


def trainer(cells, words):
    """What the trainer gets: everything, solutions without their marks."""
    done = [_closed(c, words) for c in cells]
    for cell in done:
        if cell["cell_type"] == "code":
            cell["source"] = _MARKS.sub("", text(cell)).rstrip("\n")
        elif "trainer" in tags_of(cell):
            cell["source"] = "\n".join(f"> {line}" for line in text(cell).splitlines())
    return done


def without_code(cells, words):
    """What managers get: text, results and questions with controls; nothing to type, no solution anywhere."""
    done = []
    for cell in cells:
        if {"trainer", "hint", "exercise", "code-only"} & set(tags_of(cell)):
            continue
        about = cell["metadata"].get("nbgrader")
        if about:
            name = about["grade_id"].removeprefix("check_")
            cell["source"] = f'{name} = desk.known("{name}")' if about["solution"] else f'desk.ask("{name}")'
            cell["metadata"] = {}
        elif cell["cell_type"] == "code":
            seated = re.sub(r"^participant = 1$", "participant = None", text(cell), flags=re.M)
            cell["source"] = re.sub(r"(workshop\.desk\(.*)\)$", r"\1, code=False)", seated, flags=re.M)
        done.append(cell)
    return done


def _closed(cell, words):
    """A hint as pieces that are opened one inside the other; other cells as they are."""
    if "hint" not in tags_of(cell):
        return cell
    steps, _ = paragraphs(text(cell)), words.gettext
    inner = ""
    for number, step in reversed(list(enumerate(steps, 1))):
        summary = _("Hint {number} of {all}").format(number=number, all=len(steps))
        inner = f"<details><summary>{summary}</summary>\n\n{step}\n\n{inner}</details>\n"
    cell["source"] = inner.rstrip("\n")
    return cell

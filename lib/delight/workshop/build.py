"""From one source notebook a lesson to student and trainer versions in a language.

A source lies in ``notebooks/workshop`` and speaks English; its text cells are messages, a paragraph each, translated by
``notebooks/workshop/locale/<language>/<lesson>.po``. Solutions and hidden tests are marked as nbgrader marks them. A cell tagged
``trainer`` (timing, what people usually get wrong) is left out of the student version.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

from babel.messages.pofile import read_po

from delight.errors import RunError
from delight.study import places

_SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?### END SOLUTION[ \t]*(?:\n|\Z)", re.M | re.S)
_HIDDEN = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS[ \t]*(?:\n|\Z)", re.M | re.S)
_MARKS = re.compile(r"^[ \t]*### (?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)[ \t]*\n?", re.M)


def lessons(root=None):
    """Source notebooks of all lessons, in order."""
    return sorted((Path(root or places.root()) / "notebooks" / "workshop").glob("[0-9]*-*.ipynb"))


def paragraphs(text):
    """A text cell as its messages: paragraphs between blank lines, headings and list items apart."""
    return [part for part in re.split(r"\n\s*\n|\n(?=[-*#] )", text.strip()) if part.strip()]


def messages(notebook):
    """Every message of a lesson, in order, without repetition."""
    return list(
        dict.fromkeys(p for cell in notebook["cells"] if cell["cell_type"] == "markdown" for p in paragraphs("".join(cell["source"])))
    )


def translations(source, language):
    """The catalogue of a lesson: {English paragraph: paragraph}."""
    path = source.parent / "locale" / language / f"{source.stem}.po"
    if not path.is_file():
        raise RunError(f"The lesson {source.stem} has no translation: {path.name} is missing in {path.parent.name}/.")
    with path.open("rb") as file:
        return {m.id: m.string for m in read_po(file, locale=language) if m.id and m.string and not m.fuzzy}


def translate(notebook, source, language):
    """The lesson in another language.

    Raises
    ------
    RunError
        Paragraphs without a translation, each named by its first words.
    """
    if language == "en":
        return notebook
    known = translations(source, language)
    missing = [m for m in messages(notebook) if m not in known]
    if missing:
        raise RunError(f"{source.stem}, {language}: {len(missing)} paragraphs are not translated, such as {missing[0][:60]!r}.")
    done = copy.deepcopy(notebook)
    for cell in done["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            for part in sorted(paragraphs(text), key=len, reverse=True):
                text = text.replace(part, known[part])
            cell["source"] = text
    return done


def student(notebook):
    """The version participants get: solutions blanked, hidden tests and trainer cells gone, no outputs."""
    done = copy.deepcopy(notebook)
    done["cells"] = [c for c in done["cells"] if "trainer" not in c.get("metadata", {}).get("tags", [])]
    for cell in done["cells"]:
        if cell["cell_type"] == "code":
            text = _HIDDEN.sub("", "".join(cell["source"]))
            cell["source"] = _SOLUTION.sub(r"\1# YOUR CODE HERE\n\1raise NotImplementedError()\n", text).rstrip("\n")
            cell["outputs"], cell["execution_count"] = [], None
    return done


def trainer(notebook):
    """The version the trainer gets: everything, without the marks."""
    done = copy.deepcopy(notebook)
    for cell in done["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = _MARKS.sub("", "".join(cell["source"])).rstrip("\n")
            cell["outputs"], cell["execution_count"] = [], None
    return done


def build(language, out, *, root=None):
    """Write the student and trainer notebook of every lesson.

    Parameters
    ----------
    language : {"nl", "da", "en"}
    out : Path
        Gets ``student/`` and ``trainer/``.

    Returns
    -------
    list of Path

    Raises
    ------
    RunError
        A lesson is not translated, or there is none.
    """
    sources = lessons(root)
    if not sources:
        raise RunError("There are no lessons in notebooks/workshop.", exit_code=5)
    ready = []
    for source in sources:
        notebook = translate(json.loads(source.read_text(encoding="utf-8")), source, language)
        notebook["metadata"]["delight"] = {**notebook["metadata"].get("delight", {}), "language": language}
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["source"] = "".join(cell["source"]).replace('language = "en"', f'language = "{language}"')
        ready += [("student", source, student(notebook)), ("trainer", source, trainer(notebook))]
    written = []
    for version, source, notebook in ready:
        target = Path(out) / version / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        written.append(target)
    return written

"""Decide the open rows of a drafted codebook: the file keeps its form, and nothing is lost if two people write at once."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

from delight.errors import InputError, StudyError, did_you_mean
from delight.study.codebook import COLUMNS, ROLES
from delight.study.sheets import _decode, _records

FILE = "codebook.csv"


@dataclass(frozen=True)
class OpenRow:
    """A row of the codebook that nobody has decided.

    Attributes
    ----------
    column : str
    guess : str
        Role that the draft thinks probable; empty without.
    note : str
        Why the draft is unsure.
    row : dict
        The row as it stands.
    """

    column: str
    guess: str
    note: str
    row: dict


def open_rows(folder):
    """(rows whose role is ``?`` or empty, mark of the file as read) of a study's codebook.

    Raises
    ------
    StudyError
        There is no codebook, or it cannot be read.
    """
    data, mark = _bytes(Path(folder) / FILE)
    rows, _form = _parsed(data)
    found = []
    for row in rows:
        role = row.get("role", "").strip()
        if row.get("column") and (not role or role.startswith("?")):
            note = row.get("note", "")
            likely = note.removeprefix("probably ").split(":")[0].strip() if note.startswith("probably ") else ""
            found.append(OpenRow(row["column"], likely if likely in ROLES else "", note, row))
    return found, mark


def decide(folder, decisions, *, mark=None):
    """Write decisions into a study's codebook.

    Parameters
    ----------
    folder : path
        Of the study.
    decisions : dict of str to dict
        Column → cells to fill in, such as ``{"role": "attribute", "scale_min": "1", "scale_max": "10"}``.
    mark : str, optional
        As `open_rows` gave it; the file must not have changed since.

    Returns
    -------
    list of Finding
        What the study's checker says of the study now.

    Raises
    ------
    InputError
        An unknown column, cell or role.
    StudyError
        The file has changed meanwhile: nothing is written.

    Notes
    -----
    Delimiter, encoding, line ends, further columns and the order of rows stay. The new file takes the old one's place in one step, and
    the old one is kept as ``codebook.csv.bak``.
    """
    path = Path(folder) / FILE
    data, now = _bytes(path)
    if mark is not None and mark != now:
        raise StudyError(f"{FILE} has been changed by someone else since it was opened. Open it again; nothing has been written.")
    rows, form = _parsed(data)
    known = {row["column"]: row for row in rows if row.get("column")}
    wrong = []
    for column, cells in decisions.items():
        if column not in known:
            wrong.append(f"There is no column '{column}' in {FILE}.{did_you_mean(column, known)}")
        for name, value in cells.items():
            if name not in COLUMNS or name == "column":
                wrong.append(f"'{name}' is no cell of {FILE}.{did_you_mean(name, COLUMNS)}")
            elif name == "role" and value not in ROLES:
                wrong.append(f"There is no role '{value}'.{did_you_mean(value, ROLES)}")
    if wrong:
        raise InputError("\n".join(wrong))
    for column, cells in decisions.items():
        known[column].update({name: str(value) for name, value in cells.items()})
    _replace(path, _written(rows, form, [name for cells in decisions.values() for name in cells]), form)
    from delight.study.study import load

    return load(path.parent)[1]


def _bytes(path):
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudyError(f"{FILE} cannot be read ({error.strerror or error}). Draft one with `delight new`.") from None
    return data, hashlib.sha256(data).hexdigest()


def _parsed(data):
    """(rows as dicts by header, form of the file)."""
    text = _decode(data)
    records = [cells for _line, cells in _records(text, COLUMNS) if any(cells)]
    if not records:
        raise StudyError(f"{FILE} is empty.")
    header = records[0]
    names = [h.strip().lower().replace(" ", "_").replace("-", "_") for h in header]
    if "column" not in names or "role" not in names:
        raise StudyError(f"The first line of {FILE} lacks 'column' or 'role'.")
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(",;\t|", key=first.count)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig" if data[:3] == b"\xef\xbb\xbf" else "utf-8"
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
    form = {"header": header, "names": names, "delimiter": delimiter, "encoding": encoding, "end": "\r\n" if "\r\n" in text else "\n"}
    return [dict(zip(names, [*cells, *[""] * (len(names) - len(cells))])) for cells in records[1:]], form


def _written(rows, form, filled):
    """The rows as the file had them, with a column for each cell that had none."""
    more = [name for name in dict.fromkeys(filled) if name not in form["names"]]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=form["delimiter"], lineterminator=form["end"])
    writer.writerow([*form["header"], *more])
    writer.writerows([row.get(name, "") for name in [*form["names"], *more]] for row in rows)
    return out.getvalue()


def _replace(path, text, form):
    try:
        data = text.encode(form["encoding"])
    except UnicodeEncodeError:
        data = text.encode("utf-8-sig")
    aside, backup = path.with_name(f".{FILE}.{os.getpid()}"), path.with_name(FILE + ".bak")
    backup.write_bytes(path.read_bytes())
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)

"""Small tables that researchers keep in a spreadsheet: codebook.csv, answers.csv, units.csv, however they were saved."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from delight.errors import did_you_mean, nearest
from delight.findings import Finding

#: Languages a study and its reports can speak.
LANGUAGES = ("en", "nl", "da")


@dataclass(frozen=True)
class Sheet:
    """Rows as dicts of stripped text (only known columns), each with its line in the file under ``#``; and which columns it had."""

    rows: list
    columns: tuple


def read_sheet(path, known, needed, findings):
    """Read a small CSV in any spreadsheet's dialect, reporting everything wrong with its form.

    Parameters
    ----------
    path : Path
    known, needed : sequence of str
        Columns it may and must have.
    findings : list of Finding
        Extended by what is found.

    Returns
    -------
    Sheet or None
        None if it cannot be read as a table with the columns needed.
    """

    def report(severity, rule, message, remedy="", row=None, column=""):
        findings.append(Finding(severity, rule, message, remedy, path.name, column, row))

    try:
        data = path.read_bytes()
    except OSError as error:
        report("error", "unreadable_file", f"The file cannot be read ({error.strerror or error}).", "Check its name and permissions.")
        return None
    if data[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        report("error", "not_csv", "This is an Excel workbook, not a CSV file.", "In the spreadsheet choose Save as > CSV UTF-8.")
        return None
    text = _decode(data)
    if "\0" in text:
        report("error", "not_csv", "This is a binary file, not a table.", "Save the table as CSV UTF-8.")
        return None
    records = [(line, cells) for line, cells in _records(text, known) if any(cells)]
    if not records:
        report("error", "empty_file", "The file is empty.", f"It needs a first line with {', '.join(needed)} and a line for each entry.")
        return None
    header_line, header = records[0]
    while header and not header[-1]:
        header.pop()
    names = [re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in header]
    sound = True
    for name in dict.fromkeys(n for n in names if n and names.count(n) > 1):
        report("error", "duplicate_header", f"The column '{name}' stands there {names.count(name)} times.", "Keep one.", header_line)
        sound = False
    for name in dict.fromkeys(names):
        if name and name not in known:
            language = re.fullmatch(r"label_(\w+)", name)
            if nearest(name, known) and not (language and "label_en" in known):
                report("error", "unknown_column", f"Unknown column '{name}'.{did_you_mean(name, known)}", "Correct the name.", header_line)
            elif language and "label_en" in known:
                say = f"Labels in '{language[1]}' are not used: a study speaks {', '.join(LANGUAGES)}."
                report("warning", "bad_language", say, "Name the column label_en, label_nl or label_da.", header_line)
            else:
                report("warning", "unknown_column", f"The column '{name}' is not known and is left out.", row=header_line)
    lacking = [n for n in needed if n not in names]
    if lacking:
        found = ", ".join(n for n in names if n) or "nothing"
        report(
            "error",
            "missing_header",
            f"The first line lacks {' and '.join(repr(n) for n in lacking)}; it has: {found[:200]}.",
            f"The columns are {', '.join(known)}.",
            header_line,
        )
        return None
    if not sound:
        return None
    rows = []
    for line, cells in records[1:]:
        if any(cells[len(names) :]):
            report(
                "error",
                "ragged_row",
                f"The row has {len(cells)} cells, the first line {len(names)}.",
                "Put a text that contains the delimiter between quotation marks.",
                line,
            )
        row = {name: cell for name, cell in zip(names, cells) if name in known}
        rows.append({**dict.fromkeys(known, ""), **row, "#": line})
    return Sheet(rows, tuple(names))


def _decode(data):
    for mark, name in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(name, "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _records(text, known):
    """(line, cells) of every record, cut by the delimiter that makes the most known names of the first line."""
    text = re.sub(r"\A\s*sep=(.)\r?\n", "\n", text)
    first = next((line for line in text.splitlines() if line.strip(" ;,\t\"'")), "")

    def names(delimiter):
        cells = [re.sub(r"[\s-]+", "_", c.strip().strip('"').strip().lower()) for c in first.split(delimiter)]
        return sum(cell in known for cell in cells)

    delimiter = max(",;\t|", key=names)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            line = reader.line_num + 1
            continue
        yield line, [_clean(cell) for cell in cells]
        line = reader.line_num + 1


def _clean(cell):
    return cell.replace("\xa0", " ").replace("\u200b", "").strip()


def number(text):
    """The number a cell holds, with a decimal point or comma; None for an empty cell; ValueError for anything else."""
    text = text.strip().replace("−", "-")
    if not text:
        return None
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        text = text.replace(",", ".")
    value = float(text)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return value


def yes_no(text):
    """True or False for what people write for yes and no in a spreadsheet; None otherwise."""
    word = text.strip().lower()
    if word in ("yes", "y", "ja", "j", "true", "waar", "sand", "1", "x"):
        return True
    if word in ("", "no", "n", "nee", "nej", "false", "onwaar", "falsk", "0"):
        return False
    return None

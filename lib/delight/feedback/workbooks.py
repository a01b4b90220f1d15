"""The cells of an Excel workbook: the sheet with the answers, values and not formulas."""

from __future__ import annotations

import re
import warnings
import zipfile

from delight.errors import InputError, did_you_mean
from delight.findings import Finding

_LARGEST = 4 << 30


def read_sheet(path, layout="", sheet=""):
    """Rows of the sheet that holds the answers.

    Parameters
    ----------
    path : Path
    layout : str
        Passed through.
    sheet : str
        Name of the sheet; by default the first that holds a table.

    Returns
    -------
    tuple
        rows (lists of values, None where empty), their row numbers, merged spans (row, first, last), layout, recognised, findings.
    """
    import openpyxl

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(i.file_size for i in archive.infolist()) > _LARGEST:
                raise InputError(f"{path.name}: the workbook unpacks to more than 4 GB. Save the sheet with the answers as CSV.")
            formulas = _has_formulas(archive)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, data_only=True, read_only=True)
    except InputError:
        raise
    except Exception as error:  # a damaged workbook fails in many ways: zip, XML, missing parts
        raise InputError(f"{path.name}: the workbook is damaged or cut off ({type(error).__name__}). Export or copy it again.") from None
    try:
        visible = [s for s in book.worksheets if getattr(s, "sheet_state", "visible") == "visible"] or list(book.worksheets)
        names = [s.title for s in book.worksheets]
        if sheet and sheet not in names:
            raise InputError(f"{path.name}: there is no sheet '{sheet}'; the sheets are {', '.join(names)}.{did_you_mean(sheet, names)}")
        candidates = [s for s in book.worksheets if s.title == sheet] if sheet else visible
        chosen, rows, others = None, [], []
        for one in candidates:
            cells = _cells(one)
            table = len(cells) >= 2 and max(len(r) for _, r in cells) >= 2
            if chosen is None and (table or sheet):
                chosen, rows = one, cells
            elif table:
                others.append(one.title)
        if chosen is None:
            for one in candidates:
                if cells := _cells(one):
                    chosen, rows = one, cells
                    break
        if chosen is None:
            raise InputError(f"{path.name}: the workbook holds no answers: its sheets are empty. Export it again.")
        spans = _spans(path, getattr(chosen, "_worksheet_path", ""), rows)
        findings = []
        if others:
            findings.append(
                Finding(
                    "info", "other_sheets", f"the sheet '{chosen.title}' was read; other sheets hold tables too: {', '.join(others)}.",
                    file=path.name, count=len(others),
                )
            )  # fmt: skip
        if formulas:
            findings += _formulas_without_values(path, chosen.title, rows)
        recognised = {"format": "xlsx", "sheet": chosen.title, "encoding": ""}
        return [r for _, r in rows], [n for n, _ in rows], spans, layout, recognised, findings
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path.name}: the workbook is damaged or cut off ({type(error).__name__}). Export or copy it again.") from None
    finally:
        book.close()


def _cells(sheet):
    """(row number, values) of the rows of a sheet that are not empty, blanks and error values (#N/A) as None."""
    rows = []
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        values = [
            None if isinstance(c, str) and (not c.strip() or c.startswith("#") and c.rstrip("!?").isupper() and "/" in c) else c
            for c in row
        ]
        while values and values[-1] is None:
            values.pop()
        rows.append((number, values))
    while rows and not rows[-1][1]:
        rows.pop()
    first = next((i for i, (_, r) in enumerate(rows) if r), 0)
    return rows[first:]


def _spans(path, part, rows):
    """Cells merged within the first rows, as (position among `rows`, first column, last column)."""
    from openpyxl.utils.cell import range_boundaries

    first = rows[0][0] if rows else 1
    spans = []
    with zipfile.ZipFile(path) as archive:
        name = part.lstrip("/")
        if name not in archive.namelist():
            return []
        for chunk in _pieces(archive, name):
            for found in re.findall(rb'<mergeCell ref="([A-Z]+\d+:[A-Z]+\d+)"', chunk):
                left, top, right, bottom = range_boundaries(found.decode())
                if top == bottom and 0 <= top - first < 12:
                    spans.append((top - first, left - 1, right - 1))
    return sorted(set(spans))


def _pieces(archive, name):
    """A part of the workbook in pieces that overlap a little."""
    with archive.open(name) as part:
        rest = b""
        while chunk := part.read(1 << 20):
            yield rest + chunk
            rest = chunk[-60:]


def _has_formulas(archive):
    """Whether any sheet holds a formula."""
    sheets = [n for n in archive.namelist() if n.startswith("xl/worksheets/") and n.endswith(".xml")]
    return any(b"<f>" in chunk or b"<f " in chunk for name in sheets for chunk in _pieces(archive, name))


def _formulas_without_values(path, title, rows):
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(path, data_only=False, read_only=True)
    values = dict(rows)
    n_formulas, without, first = 0, 0, None
    try:
        for number, row in enumerate(book[title].iter_rows(values_only=True), start=1):
            for j, cell in enumerate(row):
                if isinstance(cell, str) and cell.startswith("=") and len(cell) > 1:
                    n_formulas += 1
                    kept = values.get(number, [])
                    if j >= len(kept) or kept[j] is None:
                        without += 1
                        first = first or number
    finally:
        book.close()
    findings = []
    if without:
        findings.append(
            Finding(
                "error", "formula_without_value", f"{without} of {n_formulas} formulas have no stored value, so their cells are empty here.",
                "Open the workbook in Excel or LibreOffice, let it calculate, and save it.", file=path.name, row=first, count=without,
            )
        )  # fmt: skip
    elif n_formulas:
        findings.append(
            Finding(
                "info",
                "formulas",
                f"{n_formulas} cells hold formulas; the values stored with them were read.",
                file=path.name,
                count=n_formulas,
            )
        )
    return findings

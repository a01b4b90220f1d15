"""Raw exports as they came: CSV and TSV in any dialect, Excel, SPSS and Parquet, with the layouts that survey tools write."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from delight.errors import InputError, did_you_mean
from delight.feedback import dialect, layouts
from delight.findings import Finding

#: File formats by ending.
FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".sav": "sav",
    ".zsav": "sav",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_SAMPLE = 40
_CHUNK = 20_000
_LARGE = 8 << 20


@dataclass(frozen=True)
class RawTable:
    """An export as it was found, one row a response.

    Parameters
    ----------
    frame : pandas.DataFrame
        Index ``row``: the line of the file on which the response begins (its first line is 1; for Excel the sheet's row, for SPSS
        and Parquet the case number). Text formats: every cell a string as written, missing where empty; others typed as stored.
    path : Path
    recognised : dict
        format, layout, encoding, delimiter, decimal, header_rows, title_rows, n_rows, n_columns, sheet, ...
    labels : dict
        Column to question text, where the file has one.
    value_labels : dict
        Column to {value: text} (SPSS).
    user_missing : dict
        Column to values, or (lowest, highest) ranges, declared missing (SPSS).
    findings : tuple of Finding
    blocks : dict
        Column to (question, item) for the columns of a grid or a multiple choice.
    """

    frame: pd.DataFrame
    path: Path
    recognised: dict
    labels: dict = field(default_factory=dict)
    value_labels: dict = field(default_factory=dict)
    user_missing: dict = field(default_factory=dict)
    findings: tuple = ()
    blocks: dict = field(default_factory=dict)


def read_raw(path, *, format="", rename=None, columns=None, encoding="", delimiter="", sheet=""):
    """Read a raw export without changing an answer.

    Parameters
    ----------
    path : str or Path
        A .csv, .tsv, .txt, .xlsx, .sav or .parquet file.
    format : str, optional
        A file format (csv, tsv, xlsx, sav, parquet) or a layout (plain, qualtrics, qualtrics-legacy, surveymonkey, google-forms,
        limesurvey); recognised by default.
    rename : dict, optional
        Column as named in this file (its short name, its header as written or its question text) to the codebook's column.
    columns : iterable of str, optional
        Read only these (names after `rename`); columns that the file has not are left out.
    encoding, delimiter, sheet : str, optional
        Where recognising them goes wrong.

    Returns
    -------
    RawTable

    Raises
    ------
    InputError
        The file cannot be read; the message names file, line and remedy.
    """
    path = Path(path)
    kind, layout = _kind(path, format)
    if kind in ("csv", "tsv"):
        try:
            table = _read_text(path, kind, layout, columns, rename, encoding, delimiter)
        except UnicodeError:
            raise InputError(f"{path.name}: the text breaks off within a character, so the file was cut off. Export it again.") from None
    elif kind == "xlsx":
        from delight.feedback import workbooks

        table = _shaped(path, *workbooks.read_sheet(path, layout, sheet))
    elif kind == "sav":
        table = _read_sav(path)
    else:
        table = _read_parquet(path)
    table = _limited(_renamed(table, rename or {}), columns)
    table.recognised.pop("header", None)
    return table


# ---- which file it is ----------------------------------------------------------------------------------------------


def _kind(path, given):
    if given and given not in {*FORMATS.values(), *layouts.LAYOUTS}:
        known = sorted({*FORMATS.values(), *layouts.LAYOUTS})
        raise InputError(f"{path.name}: the format '{given}' is unknown; use one of {', '.join(known)}.{did_you_mean(given, known)}")
    layout = given if given in layouts.LAYOUTS else ""
    try:
        if path.is_dir():
            raise InputError(f"{path.name}: this is a folder, not a file. Name the export inside it.")
        if path.exists() and not path.is_file():
            raise InputError(f"{path.name}: this is a device or pipe, not a file. Save the export as a file and name that.")
        with open(path, "rb") as file:
            head = file.read(1 << 12)
    except FileNotFoundError:
        raise InputError(f"{path.name}: the file is not there (looked for {path}). Check the path.") from None
    except PermissionError:
        raise InputError(f"{path.name}: no permission to read the file. Change its access rights, or copy it.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name}: the file cannot be read ({getattr(error, 'strerror', '') or error}). Check its name.") from None
    if not head:
        raise InputError(f"{path.name}: the file is empty (0 bytes). Export the answers again.")
    by_name = given if given in FORMATS.values() else FORMATS.get(path.suffix.lower(), "")
    found = dialect.magic(head)
    if found == "ole":
        raise InputError(_ole(path))
    if found == "zip":
        found = "xlsx" if _is_workbook(path, by_name) else "a zip archive"
    if found in ("xlsx", "sav", "parquet"):
        if by_name and by_name != found:
            what = {"xlsx": "an Excel workbook", "sav": "an SPSS file", "parquet": "a Parquet file"}[found]
            raise InputError(f"{path.name}: this is {what}, whatever its name or format says. Rename it to {path.stem}.{found}.")
        return found, layout
    if found:
        raise InputError(f"{path.name}: this is {found}, not a table of answers. Export the answers as CSV, Excel, SPSS (.sav) or Parquet.")
    if by_name in ("xlsx", "sav", "parquet"):
        if by_name == "xlsx" and not _is_texty(head):
            raise InputError(f"{path.name}: the workbook is damaged or cut off. Export or copy it again.")
        if _is_texty(head):
            raise InputError(f"{path.name}: this is a text file, not {by_name}. Rename it to {path.stem}.csv, or export it again.")
        raise InputError(f"{path.name}: this is no {by_name} file, or its beginning is damaged. Export or copy it again.")
    if not by_name and not _is_texty(head):
        raise InputError(f"{path.name}: files of this kind cannot be read. Export the answers as CSV, Excel, SPSS (.sav) or Parquet.")
    return by_name or "csv", layout


def _is_texty(head):
    return head.count(b"\0") <= 0.6 * len(head) and sum(b < 9 or 13 < b < 27 for b in head) - head.count(b"\0") < 0.02 * len(head)


def _ole(path):
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        return f"{path.name}: the workbook is protected with a password. Open it in Excel, take the password off and save it again."
    return f"{path.name}: this is an old Excel file (.xls) or another Office document. Save it in Excel as .xlsx."


def _is_workbook(path, by_name):
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            return any(n.startswith("xl/") for n in archive.namelist())
    except zipfile.BadZipFile:
        if by_name == "xlsx" or path.suffix.lower() not in FORMATS:
            raise InputError(f"{path.name}: the workbook is damaged or cut off. Export or copy it again.") from None
        raise InputError(
            f"{path.name}: this is a damaged workbook or zip archive, not text. Export the answers again as CSV or Excel."
        ) from None


# ---- text ----------------------------------------------------------------------------------------------------------


def _read_text(path, kind, layout, columns, rename, encoding_given, delimiter):
    encoding = dialect.find_encoding(path, encoding_given)
    if not delimiter and kind == "tsv" and _has_tab(path, encoding):
        delimiter = "\t"
    how = dialect.find_dialect(path, encoding, delimiter)
    head, lines = _first_records(path, encoding, how)
    if not head:
        raise InputError(f"{path.name}: the file holds blank lines only. Export the answers again.")
    header = layouts.find_header(head, layout)
    n_head = header.title_rows + header.header_rows
    if header.header_rows:
        width = max(len(record) for record in head[header.title_rows : n_head])
        header = replace(header, names=header.names[:width], raw=header.raw[:width])
    names, row_names = _with_row_names(header, head[n_head:])
    first_line = lines[n_head - 1] if n_head else how.skip
    wanted = _wanted(names, header, row_names, columns, rename)
    arrays = None
    if path.stat().st_size > _LARGE:
        arrays = _by_duckdb(path, encoding, how, len(names), first_line, wanted)
    arrays, index, findings = arrays or _by_csv(path, encoding, how, len(names), first_line, wanted)
    if encoding.mixed_lines:
        findings.append(
            Finding(
                "warning",
                "mixed_encoding",
                f"{encoding.mixed_lines} lines are {dialect.Encoding(encoding.name)}, the others UTF-8; each was read in its own.",
                "Look whether accents stand right, or export again as UTF-8.",
                file=path.name,
                row=encoding.first_mixed,
                count=encoding.mixed_lines,
            )
        )
    recognised = {
        "format": "tsv" if how.delimiter == "\t" else "csv",
        "layout": header.layout,
        "encoding": str(encoding),
        "delimiter": how.delimiter,
        "quote": "backslash" if how.backslash else "doubled",
    }
    return _assembled(path, header, names, arrays, index, findings, recognised, wanted)


def _has_tab(path, encoding):
    with dialect.read_text(path, encoding) as stream:
        return "\t" in stream.readline()


def _first_records(path, encoding, how):
    """The first records that are not blank, and the line on which each ends."""
    records, lines = [], []
    with dialect.read_text(path, encoding) as stream, dialect.long_cells():
        reader, end = how.records(islice(stream, how.skip, None)), 0
        try:
            for record in reader:
                end = reader.line_num
                if any(c.strip() for c in record):
                    records.append(record)
                    lines.append(reader.line_num + how.skip)
                if len(records) == _SAMPLE:
                    break
        except csv.Error as error:
            raise InputError(_csv_problem(path, end + 1 + how.skip, error)) from None
        except UnicodeError:
            raise InputError(
                f"{path.name}, line {reader.line_num + 1}: the text breaks off within a character. Export the file again."
            ) from None
    return records, lines


def _csv_problem(path, line, error):
    if "field larger" in str(error):
        return (
            f"{path.name}, line {line}: a cell holds more than {dialect.LONGEST_CELL:,} characters; a quotation mark is probably opened "
            "and never closed. Close it, or export the file again."
        )
    return f"{path.name}, line {line}: the line cannot be read ({error}). Export the file again."


def _with_row_names(header, body):
    """Column names, with one for the row names that R writes without a header."""
    names = list(header.names)
    longer = [len(r) > len(names) and bool(r[len(names)].strip()) for r in body]
    exact = [len(r) == len(names) + 1 for r in body]
    if header.header_rows and names and all(names) and longer and sum(longer) >= 0.9 * len(longer) and all(exact):
        return ["", *names], 1
    return names, 0


def _wanted(names, header, row_names, columns, rename):
    """Positions of the columns to read; all if `columns` is None."""
    if columns is None:
        return range(len(names))
    columns, rename = set(columns), rename or {}
    kept = []
    for j, name in enumerate(names):
        raw = header.raw[j - row_names] if header.raw and j >= row_names else ""
        name = name or f"column_{j + 1}"
        known = {name, raw, header.labels.get(name, "")}
        targets = [rename[k] for k in known if k and k in rename] or [name]
        if columns & set(targets):
            kept.append(j)
    return kept


def _by_csv(path, encoding, how, width, first_line, wanted):
    """Columns, line numbers and findings by the csv module: any dialect, any damage."""
    arrays = [[] for _ in wanted]
    index, rows = [], []
    short, long, wide, blank = [], [], [], []
    run_together = None
    pick = list(wanted)

    def flush():
        if rows:
            columns = list(zip(*rows))
            for target, j in zip(arrays, pick):
                target.append(pa.array(columns[j], pa.large_string()))
            rows.clear()

    with dialect.read_text(path, encoding) as stream, dialect.long_cells():
        reader = how.records(islice(stream, first_line, None))
        end = 0
        while True:
            start = end + 1
            try:
                record = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                raise InputError(_csv_problem(path, first_line + start, error)) from None
            except UnicodeError:
                raise InputError(
                    f"{path.name}, line {first_line + start}: the text breaks off within a character. Export it again."
                ) from None
            end = reader.line_num
            if not record:
                blank.append(first_line + start)
                continue
            if len(record) != width:
                if len(record) > width:
                    (long if any(c.strip() for c in record[width:]) else wide).append(first_line + start)
                    record = record[:width]
                else:
                    short.append(first_line + start)
                    record = record + [""] * (width - len(record))
            if end > start and run_together is None and width >= 5 and _holds_a_record(record, how.delimiter, width):
                run_together = (first_line + start, end - start + 1)
            rows.append(record)
            index.append(first_line + start)
            if len(rows) == _CHUNK:
                flush()
        flush()
    findings = _row_findings(path, index, short, long, run_together)
    if wide and len(wide) < 0.5 * len(index):
        say = f"{len(wide)} of {len(index)} rows hold an empty cell more than the header has columns: a text with the delimiter may have shifted them."
        remedy = "Compare these rows with the survey tool, and put texts that hold the delimiter in quotation marks."
        findings.append(Finding("warning", "wide_rows", say, remedy, file=path.name, row=wide[0], count=len(wide)))
    if index and (end > index[-1] - first_line or short[-1:] == index[-1:]):
        findings += _cut_off(path, encoding, how, index[-1], width)
    return [pa.chunked_array(parts, pa.large_string()) for parts in arrays], np.array(index, dtype=np.int64), findings


def _holds_a_record(record, delimiter, width):
    """Whether a line inside a cell has as many delimiters as a record."""
    return any(line.count(delimiter) == width - 1 for cell in record if "\n" in cell for line in cell.split("\n")[1:-1])


def _row_findings(path, index, short, long, run_together):
    findings = []
    if long:
        findings.append(
            Finding(
                "error",
                "long_rows",
                f"{len(long)} of {len(index)} rows hold more cells than the header has columns, so answers may stand in the wrong column.",
                "Put texts that hold the delimiter in quotation marks, or export the file again.",
                file=path.name,
                row=long[0],
                count=len(long),
            )
        )
    if short:
        findings.append(
            Finding(
                "warning",
                "short_rows",
                f"{len(short)} of {len(index)} rows hold fewer cells than the header has columns; the cells at their end are missing.",
                "Compare the first such row with the export.",
                file=path.name,
                row=short[0],
                count=len(short),
                done="set_missing",
            )
        )
    if run_together:
        findings.append(
            Finding(
                "error",
                "unclosed_quote",
                f"a quotation mark seems to be opened and not closed: {run_together[1]} lines ran together into one answer.",
                "Close the quotation mark, or double it inside a text.",
                file=path.name,
                row=run_together[0],
                count=run_together[1],
            )
        )
    return findings


def _cut_off(path, encoding, how, start, width):
    """Whether the last record breaks off: inside quotation marks, or short and without a line end."""
    with dialect.read_text(path, encoding) as stream:
        tail = "".join(islice(stream, start - 1, None))
    ends_inside = tail.replace('\\"', "").count('"') % 2 == 1 and re.search(r"(^|[" + re.escape(how.delimiter) + r'])"[^"]*\s*$', tail)
    if ends_inside and "\n" in tail.strip() + ("\n" if tail.count("\n") > 1 else ""):
        raise InputError(
            f"{path.name}, line {start}: a quotation mark is opened and never closed, so the rest of the file is one cell. "
            "Close it, or export the file again."
        )
    record = next(how.records([tail]), []) if tail else []
    if ends_inside or (tail and tail[-1] not in "\r\n" and 1 < len(record) < width):
        return [
            Finding(
                "warning",
                "cut_off",
                "the last row breaks off, so the file may be incomplete.",
                "Compare the number of rows with the survey tool, and export again if rows are missing.",
                file=path.name,
                row=start,
                count=1,
            )
        ]
    return []


def _by_duckdb(path, encoding, how, width, first_line, wanted):
    """The same for a large, well-formed UTF-8 file, several times faster; None if DuckDB finds anything odd in it."""
    if encoding.name not in ("utf-8", "utf-8-sig") or encoding.mixed_lines or how.backslash:
        return None
    import duckdb

    columns = ", ".join(f"'c{j}': 'VARCHAR'" for j in range(width))
    n_lines, odd = _count_lines(path)
    if odd:
        return None
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")

        def read(positions):
            picked = ", ".join(f"c{j}" for j in positions) or "c0"
            query = (
                f"SELECT {picked} FROM read_csv($path, delim=$delim, quote='\"', escape='\"', header=false, skip=$skip, auto_detect=false, "
                f"columns={{{columns}}}, strict_mode=true, null_padding=false, max_line_size=8000000)"
            )
            params = {"path": _no_glob(path), "delim": how.delimiter, "skip": first_line}
            return connection.sql(query, params=params).to_arrow_table()

        try:
            table = read(wanted)
            lines = np.ones(table.num_rows, dtype=np.int64)
            if n_lines - first_line != len(lines):
                for column in (table if len(wanted) == width else read(range(width))).columns:
                    lines += pc.fill_null(pc.count_substring(column, "\n"), 0).to_numpy()
        except duckdb.Error:
            return None
    if lines.sum() != n_lines - first_line:
        return None
    index = first_line + 1 + np.cumsum(lines) - lines
    return [table.column(i).cast(pa.large_string()) for i in range(len(wanted))], index, []


def _no_glob(path):
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _count_lines(path):
    """Lines of a file, and whether it has carriage returns alone as line ends."""
    lines = returns = pairs = 0
    last = b""
    with open(path, "rb") as file:
        while chunk := file.read(1 << 22):
            lines += chunk.count(b"\n")
            returns += chunk.count(b"\r")
            pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
            last = chunk[-1:]
    return lines + (last not in (b"\n", b"")), returns != pairs


def _assembled(path, header, names, arrays, index, findings, recognised, wanted):
    """The frame of a text file: empty cells missing, empty columns without a name and empty rows at the end left out."""
    arrays = [_blank_is_missing(a) for a in arrays]
    n = len(index)
    answered = np.zeros(n, dtype=bool)
    for a in arrays:
        if answered.all():
            break
        answered |= ~a.is_null().to_numpy(zero_copy_only=False) if isinstance(a, pa.Array) else a.is_valid().to_numpy()
    if len(arrays) == len(names) and n:
        filled = np.flatnonzero(answered)
        keep = int(filled[-1]) + 1 if len(filled) else 0
        if keep < n:
            findings.append(
                Finding(
                    "info", "empty_rows_at_end", f"{n - keep} rows at the end are empty.", file=path.name, row=int(index[keep]),
                    count=n - keep, done="dropped",
                )
            )  # fmt: skip
            arrays, index, answered = [a.slice(0, keep) for a in arrays], index[:keep], answered[:keep]
            recognised["n_empty_rows_at_end"] = n - keep
    taken = {name.lower() for name in names if name}
    frame, unnamed = {}, 0
    for j, a in zip(wanted, arrays):
        name = names[j]
        if not name:
            if a.null_count == len(a):
                unnamed += 1
                continue
            name = f"column_{j + 1}"
            while name.lower() in taken:
                name += "_"
            taken.add(name.lower())
        frame[name] = a
    frame = pa.table(frame).to_pandas() if frame else pd.DataFrame(index=range(len(index)))
    frame = frame.astype("str") if len(frame.columns) and any(str(t) != "str" for t in frame.dtypes) else frame
    frame.index = pd.Index(index[: len(frame)], name="row")
    recognised.setdefault("decimal", _decimal(frame, recognised.get("delimiter", "")))
    if unnamed:
        recognised["n_empty_columns"] = unnamed
    return _table(path, frame, header, recognised, findings, n_empty=int((~answered).sum()) if len(arrays) else 0)


#: What the first cell of a row says that adds up the rows above it.
_SUMS = re.compile(
    r"(?:grand )?totals?|sum|average|mean|(?:eind)?totaal|som|gemiddelde?|aantal|(?:sum )?i ?alt|gennemsnit|antal|gesamt|summe|durchschnitt|moyenne"
    r"|somme|totalt"
)


def _without_sums(path, frame, findings):
    """The frame without rows of totals or averages at its end."""
    keep = len(frame)
    while keep > 2 and len(frame) - keep < 4:
        row = frame.iloc[keep - 1]
        given = row[row.notna()]
        text = given.iloc[0] if len(given) else None
        said = re.sub(r"\s*[:=]\s*[\d.,]*$", "", text.strip()).casefold() if isinstance(text, str) else ""
        if text is not None and not _SUMS.fullmatch(said):
            break
        if text is not None and (frame[given.index[0]].iloc[:keep] == text).sum() > 1:
            break
        keep -= 1
    sums = [r for r in frame.index[keep:] if frame.loc[r].notna().any()]
    if not sums:
        return frame
    say = f"{len(sums)} row(s) at the end add up the others ('{_first(frame.loc[sums[0]])}') and are no answer; left out."
    findings.append(Finding("warning", "totals_row", say, file=path.name, row=int(sums[0]), count=len(sums), done="dropped"))
    return frame.iloc[:keep]


def _first(row):
    return row[row.notna()].iloc[0].strip()


def _table(path, frame, header, recognised, findings, n_empty=0):
    findings = list(findings)
    frame = _without_sums(path, frame, findings)
    recognised |= {"title_rows": header.title_rows, "header_rows": header.header_rows, "n_rows": len(frame), "n_columns": frame.shape[1]}
    recognised["n_empty_rows"] = n_empty
    for head, count in header.duplicated.items():
        findings.append(
            Finding(
                "warning",
                "duplicate_column",
                f"the header '{head}' occurs {count} times; the further ones are told apart by a number.",
                "Check in the codebook which is which.",
                file=path.name,
                column=head,
                count=count,
            )
        )
    if not header.header_rows:
        findings.append(
            Finding(
                "warning", "no_header", "the first row already holds answers; the columns are named column_1, column_2, ...",
                "Add a header row, or describe these columns in the codebook.", file=path.name, row=1, count=1,
            )
        )  # fmt: skip
    if not len(frame):
        findings.append(
            Finding("error", "header_only", "the file has a header and no answers.", "Export the answers again.", file=path.name)
        )
    labels = {c: header.labels[c] for c in frame.columns if c in header.labels}
    blocks = {c: header.blocks[c] for c in frame.columns if c in header.blocks}
    raw = dict(zip(header.names, header.raw))
    recognised["columns"] = [n for n in header.names if n]
    recognised["header"] = [h for h in (*header.raw, *header.labels.values()) if h]
    recognised["headers"] = {c: raw[c] for c in frame.columns if raw.get(c) and raw[c] != c}
    return RawTable(frame, path, recognised, labels, {}, {}, tuple(findings), blocks)


def _blank_is_missing(array):
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    blank = pc.or_(pc.equal(pc.binary_length(array), 0), pc.utf8_is_space(array))
    return pc.if_else(blank, pa.scalar(None, array.type), array) if pc.any(blank).as_py() else array


def _decimal(frame, delimiter, n_rows=3000):
    """The decimal sign of the numbers in the first rows: a comma if more columns of numbers write one than a point."""
    comma = point = 0
    for column in frame.columns:
        cells = frame[column].iloc[:n_rows].dropna().unique()[:300]
        with_comma = sum(bool(re.fullmatch(r"\s*[-−]?\d+,\d+\s*", c)) for c in cells)
        with_point = sum(bool(re.fullmatch(r"\s*[-−]?\d+\.\d+\s*", c)) for c in cells)
        whole = sum(bool(re.fullmatch(r"\s*[-−]?\d+\s*", c)) for c in cells)
        if with_comma + with_point and (with_comma + with_point + whole) >= 0.8 * len(cells):
            comma, point = comma + (with_comma > with_point), point + (with_point >= with_comma)
    return "," if comma > point else "."


# ---- workbooks, SPSS, Parquet --------------------------------------------------------------------------------------


def _shaped(path, rows, numbers, spans, layout, recognised, findings):
    """A table from the cells of a sheet: header by the same rules as text, columns typed as stored."""
    text = [["" if c is None else _as_text(c) for c in row] for row in rows[:_SAMPLE]]
    header = layouts.find_header(text, layout, spans=spans)
    n_head = header.title_rows + header.header_rows
    body, numbers = rows[n_head:], numbers[n_head:]
    while body and all(c is None for c in body[-1]):
        body.pop()
        numbers.pop()
    frame, taken = {}, {n.lower() for n in header.names if n}
    for j, name in enumerate(header.names):
        cells = [row[j] if j < len(row) else None for row in body]
        if not name:
            if all(c is None for c in cells):
                continue
            name = f"column_{j + 1}"
            while name.lower() in taken:
                name += "_"
            taken.add(name.lower())
        frame[name] = _typed(cells)
    frame = pd.DataFrame(frame)
    frame.index = pd.Index(numbers[: len(frame)] if len(frame) else [], name="row", dtype="int64")
    empty = int(frame.isna().all(axis=1).sum()) if len(frame.columns) else 0
    texts = frame.select_dtypes(include=["str", "string"])
    recognised["decimal"] = _decimal(texts, "") if len(texts.columns) else "."
    recognised["layout"] = header.layout
    return _table(path, frame, header, recognised, findings, n_empty=empty)


def _as_text(value):
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if hasattr(value, "isoformat"):
        return value.isoformat(sep=" ") if hasattr(value, "hour") and hasattr(value, "year") else value.isoformat()
    return str(value)


def _typed(cells):
    """A column of a sheet: numbers, dates, or text if it holds anything else."""
    import datetime

    given = [c for c in cells if c is not None]
    if given and all(isinstance(c, (int, float)) and not isinstance(c, bool) for c in given):
        if all(isinstance(c, int) for c in given) and len(given) == len(cells) and all(abs(c) < 2**63 for c in given):
            return pd.Series(cells, dtype="int64")
        return pd.Series([np.nan if c is None else float(c) for c in cells], dtype="float64")
    if given and all(isinstance(c, (datetime.datetime, datetime.date)) for c in given):
        try:
            return pd.to_datetime(pd.Series(cells))
        except (ValueError, OverflowError):
            pass
    return pd.Series([None if c is None else _as_text(c) for c in cells], dtype="str")


def _read_sav(path):
    import pyreadstat

    try:
        frame, meta = pyreadstat.read_sav(str(path), user_missing=True)
    except UnicodeDecodeError:
        frame, meta = pyreadstat.read_sav(str(path), user_missing=True, encoding="LATIN1")
    except Exception as error:  # pyreadstat raises its own and plain errors for damaged files
        if "encod" in str(error).lower() or "convert" in str(error).lower():
            try:
                frame, meta = pyreadstat.read_sav(str(path), user_missing=True, encoding="LATIN1")
            except Exception:
                raise InputError(f"{path.name}: the SPSS file is damaged or cut off ({error}). Save or export it again.") from None
        else:
            raise InputError(f"{path.name}: the SPSS file is damaged or cut off ({error}). Save or export it again.") from None
    for column in frame.columns:
        cells = frame[column]
        if cells.dtype == object:
            given = cells.dropna()
            if len(given) and all(hasattr(c, "year") for c in given):
                frame[column] = pd.to_datetime(cells, errors="coerce")
            else:
                cells = cells.map(lambda c: None if c is None or (isinstance(c, str) and not c.strip()) else str(c), na_action="ignore")
                frame[column] = cells.astype("str")
        elif str(cells.dtype) == "str":
            frame[column] = cells.mask(cells.str.strip() == "")
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    labels = {c: tidy for c, text in (meta.column_names_to_labels or {}).items() if text and (tidy := layouts.tidy(text)) != c}
    missing = {}
    for column, ranges in (meta.missing_ranges or {}).items():
        missing[column] = [r["lo"] if r["lo"] == r["hi"] else (r["lo"], r["hi"]) for r in ranges]
    for column, values in (getattr(meta, "missing_user_values", None) or {}).items():
        missing.setdefault(column, list(values))
    value_labels = {c: {v: layouts.tidy(t) for v, t in texts.items()} for c, texts in meta.variable_value_labels.items()}
    header = layouts.Header("plain", 0, 1, list(frame.columns), labels, list(frame.columns))
    recognised = {"format": "sav", "layout": "plain", "encoding": meta.file_encoding, "decimal": "."}
    empty = int(frame.isna().all(axis=1).sum()) if len(frame.columns) else 0
    table = _table(path, frame, header, recognised, [], n_empty=empty)
    blocks = {c: (question, item) for c, text in labels.items() for question, item in [layouts.split_item(text)] if item}
    return replace(table, value_labels=value_labels, user_missing=missing, blocks=blocks)


def _read_parquet(path):
    import pyarrow.parquet as pq

    try:
        frame = pq.read_table(path).to_pandas()
    except (pa.ArrowException, OSError) as error:
        why = str(error).splitlines()[0].replace(str(path), path.name)
        raise InputError(f"{path.name}: the Parquet file is damaged or cut off ({why}). Export or copy it again.") from None
    frame.columns = [str(c) for c in frame.columns]
    for column in frame.columns:
        if frame[column].dtype == object:
            try:
                frame[column] = frame[column].map(lambda c: c if c is None else str(c), na_action="ignore").astype("str")
            except (TypeError, ValueError):
                pass
        elif isinstance(frame[column].dtype, pd.CategoricalDtype):
            frame[column] = frame[column].astype("str")
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index() if frame.index.name and frame.index.name not in frame.columns else frame
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    header = layouts.Header("plain", 0, 1, list(frame.columns), {}, list(frame.columns))
    return _table(path, frame, header, {"format": "parquet", "layout": "plain", "encoding": "", "decimal": "."}, [])


# ---- naming --------------------------------------------------------------------------------------------------------


def _renamed(table, rename):
    """The table with columns renamed; a column may be called by its name, its header as written or its question text."""
    if not rename:
        return table
    not_read = {*table.recognised.get("columns", ()), *table.recognised.pop("header", ())}
    headers = table.recognised.get("headers", {})
    by_any = {}
    for column in table.frame.columns:
        for known in (table.labels.get(column), headers.get(column), column):
            if known:
                by_any[known] = column
    mapping, unknown = {}, []
    for old, new in rename.items():
        if old in by_any:
            mapping[by_any[old]] = new
        elif old not in not_read:
            unknown.append(old)
    final = [mapping.get(c, c) for c in table.frame.columns]
    doubled = sorted({c for c in final if final.count(c) > 1})
    if doubled:
        raise InputError(
            f"{table.path.name}: `rename` gives two columns the name '{doubled[0]}'. Rename or leave out one of them in study.toml."
        )
    findings = list(table.findings)
    for old in unknown:
        findings.append(
            Finding(
                "error",
                "rename_unknown",
                f"`rename` names the column '{old}', which the file does not have.",
                f"Correct it in study.toml.{did_you_mean(old, by_any)}",
                file=table.path.name,
                column=old,
            )
        )
    frame = table.frame.rename(columns=mapping)

    def moved(named):
        return {mapping.get(c, c): v for c, v in named.items()}

    recognised = {**table.recognised, "headers": moved(headers) | {new: old for old, new in mapping.items() if old not in headers}}
    return replace(
        table,
        frame=frame,
        recognised=recognised,
        labels=moved(table.labels),
        value_labels=moved(table.value_labels),
        user_missing=moved(table.user_missing),
        blocks=moved(table.blocks),
        findings=tuple(findings),
    )


def _limited(table, columns):
    if columns is None:
        return table
    wanted = set(columns)
    kept = [c for c in table.frame.columns if c in wanted]
    findings = table.findings
    if list(table.frame.columns) == kept:
        return table
    return replace(
        table,
        frame=table.frame[kept],
        labels={c: v for c, v in table.labels.items() if c in wanted},
        value_labels={c: v for c, v in table.value_labels.items() if c in wanted},
        user_missing={c: v for c, v in table.user_missing.items() if c in wanted},
        blocks={c: v for c, v in table.blocks.items() if c in wanted},
        findings=findings,
    )


# ---- numbers -------------------------------------------------------------------------------------------------------

_PLAIN = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?")
_THOUSANDS = {
    ".": re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?"),
    ",": re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?"),
}


def number(text, decimal="."):
    """The number a cell holds, NaN if it is blank, None if it holds anything else."""
    text = str(text).strip().replace("−", "-").replace("\u00a0", " ").replace("\u202f", " ").replace("\u2009", " ")
    if not text:
        return np.nan
    if _THOUSANDS[decimal].fullmatch(text):
        text = text.replace("," if decimal == "." else ".", "").replace(",", ".")
    elif re.fullmatch(r"[-+]?\d{1,3}([ ']\d{3})+([.,]\d+)?", text):
        text = re.sub(r"[ ']", "", text).replace(",", ".")
    elif text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    return float(text) if _PLAIN.fullmatch(text) else None


def to_numbers(strings, decimal="."):
    """Numbers from text: "8,5", "8.5", " 9 ", "1.234,5".

    Parameters
    ----------
    strings : pandas.Series
        Cells as written, or numbers, which pass unchanged.
    decimal : {".", ","}
        The decimal sign of the file; it decides how "1.234" is read (a thousand and more with ","), while "8,5" is 8.5 in both.

    Returns
    -------
    (pandas.Series of float64, numpy.ndarray of bool)
        The numbers, NaN for blank cells and for what is no number; and which cells hold something that is no number.
    """
    strings = pd.Series(strings)
    if pd.api.types.is_bool_dtype(strings.dtype) or pd.api.types.is_numeric_dtype(strings.dtype):
        return strings.astype("float64"), np.zeros(len(strings), dtype=bool)
    codes, seen = pd.factorize(strings)
    if len(seen) > 1000 and decimal == ".":
        fast = _all_plain(seen)
        if fast is not None:
            values = np.append(fast, np.nan)
            return pd.Series(values[codes], index=strings.index, name=strings.name), np.zeros(len(strings), dtype=bool)
    parsed = [number(s, decimal) for s in seen]
    values = np.array([np.nan if p is None else p for p in parsed] + [np.nan], dtype=float)
    bad = np.array([p is None for p in parsed] + [False], dtype=bool)
    return pd.Series(values[codes], index=strings.index, name=strings.name), bad[codes]


def _all_plain(texts):
    """Float array if every text is a plain number, else None."""
    array = pa.array(texts, pa.large_string())
    if not pc.all(pc.match_substring_regex(array, r"^[-+]?\d+(\.\d+)?$")).as_py():
        return None
    return pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False)

"""In which encoding, with which delimiter and quotation, a text file was written."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from io import StringIO

from delight.errors import InputError

#: Delimiters that exports use, the likelier first.
DELIMITERS = (",", ";", "\t", "|")
#: Longest cell that is taken for an answer; a longer one is nearly always a quotation mark that never closes.
LONGEST_CELL = 1_000_000
_DELIMITER_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "bar": "|"}
_CHUNK = 1 << 22
_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"$FL2", "sav"),
    (b"$FL3", "sav"),
    (b"PAR1", "parquet"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"{\\rtf", "a Rich Text document"),
    (b"RDX", "an R workspace"),
)


def _latin1_rest(error):
    """Decode the five bytes that Windows-1252 leaves open as Latin-1 does, so that no byte is lost."""
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("delight-latin1", _latin1_rest)


@dataclass(frozen=True)
class Encoding:
    """How the bytes of a file become text.

    Parameters
    ----------
    name : str
        Python's name of the encoding; for a mixed file that of the lines that are not UTF-8.
    mixed_lines : int
        Lines in another encoding than UTF-8 in a file that is UTF-8 otherwise.
    first_mixed : int, optional
        The first such line (the file's first line is 1).
    """

    name: str
    mixed_lines: int = 0
    first_mixed: int | None = None

    def __str__(self):
        shown = {"utf-8-sig": "UTF-8 with byte-order mark", "cp1252": "Windows-1252", "mac_roman": "Mac Roman", "cp850": "DOS 850"}
        name = shown.get(self.name, self.name.upper())
        return f"mixed UTF-8 and {name}" if self.mixed_lines else name


def magic(head):
    """What the first bytes of a file say it is ("zip", "sav", "a PDF document", ...), or "" for text and the unknown."""
    found = next((kind for start, kind in _MAGIC if head.startswith(start)), "")
    if not found and re.match(rb"(?i)(\xef\xbb\xbf)?\s*(<!doctype html|<html|<table|<\?xml)", head):
        return "a web page or XML file"
    if not found and re.match(rb'(\xef\xbb\xbf)?\s*(\[\s*)?\{\s*("[^"\n]*"\s*:|\})', head):
        return "a JSON file"
    return found


def find_encoding(path, given=""):
    """The `Encoding` of a text file; all of it is read, in pieces.

    Raises
    ------
    InputError
        The encoding given is unknown or does not fit, or the file is not text.
    """
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    if given:
        return _given(path, given)
    for mark, name in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            if name == "utf-8-sig" and not _is_utf8(path):
                return _single_byte(path, bom=True)
            return Encoding(name)
    nul = head.count(b"\0")
    odd_bytes = sum(head.count(bytes([b])) for b in (*range(1, 9), *range(14, 27), *range(28, 32)))
    if odd_bytes > max(8, 0.02 * len(head)):
        raise InputError(f"{path.name}: this is a binary file, not text. Export the answers again as CSV, Excel, SPSS (.sav) or Parquet.")
    if nul:
        if nul > 0.2 * len(head):
            even, odd = head[0::2].count(b"\0"), head[1::2].count(b"\0")
            if odd > 0.9 * nul or even > 0.9 * nul:
                return Encoding("utf-16-le" if odd > even else "utf-16-be")
        _refuse_nul(path)
    return Encoding("utf-8") if _is_utf8(path) else _single_byte(path)


def _given(path, given):
    try:
        decoder = codecs.getincrementaldecoder(given)()
    except LookupError:
        raise InputError(
            f"{path.name}: the encoding '{given}' is unknown. Name one such as utf-8, windows-1252, latin-1 or utf-16."
        ) from None
    name = codecs.lookup(given).name
    line = 1
    with open(path, "rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
                line += chunk.count(b"\n")
            decoder.decode(b"", final=True)
        except UnicodeError as error:
            if name == "cp1252":
                return Encoding(name)
            line += chunk[: getattr(error, "start", 0)].count(b"\n")
            raise InputError(
                f"{path.name}, line {line}: the text is not in the encoding '{given}'. Leave the encoding out to have it recognised."
            ) from None
    return Encoding("utf-8-sig" if name == "utf-8" else name)


def _refuse_nul(path):
    line = 1
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            if (at := chunk.find(b"\0")) >= 0:
                line += chunk[:at].count(b"\n")
                many = chunk.count(b"\0") > max(20, 0.05 * len(chunk))
                if many:
                    raise InputError(
                        f"{path.name}: this is a binary file, not text. Export the answers again as CSV, Excel, SPSS (.sav) or Parquet."
                    )
                raise InputError(f"{path.name}, line {line}: the text holds NUL bytes, so the file is damaged. Export or copy it again.")
            line += chunk.count(b"\n")


def _is_utf8(path):
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open(path, "rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                if chunk.find(b"\0") >= 0:
                    _refuse_nul(path)
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _single_byte(path, bom=False):
    """Which 8-bit encoding, and whether some lines are UTF-8 all the same."""
    sample, utf8, other, first = [], 0, 0, None
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
                utf8 += 1
            except UnicodeDecodeError:
                other += 1
                first = first or number
                if len(sample) < 2000:
                    sample.append(line)
    name = _best_single_byte(b"".join(sample))
    mixed = (utf8 or bom) and other
    return Encoding(name, other if mixed else 0, first if mixed else None)


def _best_single_byte(sample):
    """The Western encoding in which the letters beyond ASCII stand most like letters in words."""
    names = ("cp1252", "mac_roman", "cp850")
    return max(names, key=lambda name: _plausible(sample.decode(name, "delight-latin1")) + 0.3 * (name == "cp1252"))


def _plausible(text):
    odd = [(text[i - 1 : i], c, text[i + 1 : i + 2]) for i, c in enumerate(text) if ord(c) > 127]
    score = 0.0
    for before, c, after in odd:
        beside = before.isalpha() or after.isalpha()
        if c in "äöüßéèêëáàâåæøñçíìîïóòôõúùûýœ":
            score += 1 if beside else 0.2
        elif c in "ÄÖÜÉÈÊÁÀÂÅÆØÑÇÍÓÔÚ":
            score += 0.9 if after.isalpha() and not before.islower() else -0.5
        elif c in "‘’“”–—…€°«»¿¡·£§©®™²³½\xa0":
            score += 0.6
        else:
            score -= 1
    return score / max(len(odd), 1)


def read_text(path, encoding):
    """A text stream of the file, line ends untouched, in the encoding found."""
    if encoding.mixed_lines:
        return StringIO("".join(_mixed_lines(path, encoding.name)), newline="")
    return open(path, encoding=encoding.name, errors="delight-latin1" if encoding.name == "cp1252" else "strict", newline="")


def _mixed_lines(path, other):
    with open(path, "rb") as file:
        for number, line in enumerate(file):
            if not number and line.startswith(codecs.BOM_UTF8):
                line = line[3:]
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError:
                yield line.decode(other, "delight-latin1")


@dataclass(frozen=True)
class Dialect:
    """How the cells of a line are told apart.

    Parameters
    ----------
    delimiter : str
        One character; a file of one column has a comma here.
    backslash : bool
        Quotation marks inside a cell are written with a backslash instead of doubled.
    skip : int
        Lines before the first record that only say the delimiter ("sep=;").
    """

    delimiter: str
    backslash: bool = False
    skip: int = 0

    def records(self, lines):
        """A `csv.reader` over an iterable of lines."""
        if self.backslash:
            return csv.reader(lines, delimiter=self.delimiter, doublequote=False, escapechar="\\")
        return csv.reader(lines, delimiter=self.delimiter)

    def __str__(self):
        return {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}.get(self.delimiter, repr(self.delimiter))


def find_dialect(path, encoding, given=""):
    """The `Dialect` that cuts the first records of the file into the most even table.

    Raises
    ------
    InputError
        The delimiter given makes one column of a file that another delimiter cuts into several.
    """
    given = _DELIMITER_NAMES.get(str(given).strip().lower() or ",", given) if given else ""
    if given and len(given) != 1:
        raise InputError(f"{path.name}: a delimiter is one character, not {given!r}.")
    with read_text(path, encoding) as stream:
        text = stream.read(1 << 18)
    skip = 0
    if said := re.match(r"(?i)\"?sep=(.)\"?\r?\n", text):
        text, skip, given = text[said.end() :], 1, given or said.group(1)
    whole = len(text) < (1 << 18)
    scores = {
        d: max((_evenness(text, Dialect(d, b), whole), not b) for b in ((False, True) if '\\"' in text else (False,))) for d in DELIMITERS
    }
    best = max(DELIMITERS, key=lambda d: scores[d][0])
    if given:
        mine = scores.get(given) or (_evenness(text, Dialect(given), whole), True)
        if mine[0] == 0 and scores[best][0] > 0:
            raise InputError(
                f"{path.name}: with the delimiter {Dialect(given)} the file has one column only; it looks {Dialect(best)}-separated. "
                "Leave `delimiter` out to have it recognised."
            )
        return Dialect(given, not mine[1], skip)
    if not scores[best][0]:
        return Dialect(",", False, skip)
    return Dialect(best, not scores[best][1], skip)


def _evenness(text, dialect, whole, n_records=400):
    """0 for one column; else higher the more records have the width of the header and the more columns there are."""
    with _long_cells():
        widths, blank = [], 0
        try:
            for record in dialect.records(StringIO(text, newline="")):
                if record:
                    widths.append(len(record))
                    blank += len(record) - len([c for c in record if c.strip()])
                if len(widths) >= n_records:
                    break
        except csv.Error:
            pass
    if not whole and len(widths) > 1:
        widths.pop()
    if not widths:
        return 0.0
    usual = max(set(widths), key=lambda w: (widths.count(w), w))
    if usual < 2:
        if max(widths[0:1]) < 2:
            return 0.0
        usual = widths[0]
    even = widths.count(usual) / len(widths)
    near = sum(abs(w - usual) <= 1 for w in widths) / len(widths)
    fits_head = 1.0 if usual in (widths[0], widths[0] + 1) else 0.35 if usual in widths[:6] else 0.1
    return (even + 0.3 * near) * fits_head * (1 + 0.05 * min(usual, 40))


class _long_cells:
    """Let the csv module read cells up to `LONGEST_CELL` characters inside a `with` block."""

    def __enter__(self):
        self.before = csv.field_size_limit(LONGEST_CELL)

    def __exit__(self, *_):
        csv.field_size_limit(self.before)


long_cells = _long_cells

"""One raw column at a time: from cells as written to numbers, categories and reasons for what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from delight.errors import did_you_mean
from delight.feedback import readers
from delight.study.codebook import normal

#: What became of a cell.
VALUE, EMPTY, MISSING_CODE, NOT_APPLICABLE, OUT_OF_SCALE, UNKNOWN, NOT_ASKED = range(7)


@dataclass(frozen=True)
class Problem:
    """Cells that are not as declared: a rule, a sentence, a remedy, the first row and how many."""

    severity: str
    rule: str
    message: str
    remedy: str
    row: object
    count: int
    done: str = ""


@dataclass(frozen=True)
class Column:
    """A cleaned column: its values (missing where there is none), what became of each cell, and problems."""

    values: pd.Series
    states: np.ndarray
    problems: tuple = ()


class _Cells:
    """The distinct cells of a column, so that rules run once a value and not once a row."""

    def __init__(self, series):
        codes, seen = pd.factorize(series)
        self.series, self.codes = series, codes
        self.seen = seen.to_numpy(dtype=object) if hasattr(seen, "to_numpy") else np.asarray(seen, dtype=object)
        self.distinct = seen
        self._counts = None
        self.states = np.full(len(seen), VALUE, dtype=np.int8)

    @property
    def counts(self):
        if self._counts is None:
            self._counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.seen))
        return self._counts

    def row(self, chosen):
        """The row number, in the file, of the first cell among the chosen values."""
        at = int(np.argmax(np.append(chosen, False)[self.codes]))
        return self.series.index[at]

    def spread(self, lookup, missing):
        """A value for each row from one for each distinct cell."""
        return np.append(lookup, missing)[self.codes]

    def all_states(self):
        return self.spread(self.states, EMPTY).astype(np.int8)

    def listed(self, chosen, labels=None, most=5):
        """Such as "99 (3 times), 'blank' (once)", the most frequent first."""
        places = np.flatnonzero(chosen)
        places = sorted(places, key=lambda i: (-self.counts[i], str(self.seen[i])))
        shown = []
        for i in places[:most]:
            label = f", labelled '{labels[self.seen[i]]}'" if labels and self.seen[i] in labels else ""
            times = "once" if self.counts[i] == 1 else f"{self.counts[i]:,} times"
            shown.append(f"{_shown(self.seen[i])} ({times}{label})")
        more = f" and {len(places) - most} further values" if len(places) > most else ""
        return ", ".join(shown) + more


def _shown(value):
    if isinstance(value, str):
        return f"'{value[:60]}{'…' if len(value) > 60 else ''}'"
    return plain_number(value)


def plain_number(value):
    """A cell as text: a whole number without decimals."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    return str(value)


def _answered(cells, question, nums, as_number):
    """Apply missing codes and the answer set; returns the numbers or codes of answers found in the set, and which were."""
    n = len(cells.seen)
    matched = np.zeros(n, bool)
    found = np.full(n, np.nan) if as_number else np.full(n, None, dtype=object)
    codes = [c for c in question.missing_codes if not isinstance(c, str)]
    for code in codes:
        hit = (nums >= code[0]) & (nums <= code[1]) if isinstance(code, tuple) else nums == code
        cells.states[hit] = MISSING_CODE
    words = {c for c in question.missing_codes if isinstance(c, str)}
    answers = question.answers
    if not words and answers is None:
        return found, matched
    for i, cell in enumerate(cells.seen):
        if cells.states[i] != VALUE:
            continue
        is_text = isinstance(cell, str)
        if not is_text and answers is None:
            continue
        key = normal(cell) if is_text else None
        if key is not None and key in words:
            cells.states[i] = MISSING_CODE
            continue
        if answers is None:
            continue
        answer = answers.by_text.get(key) if is_text else None
        if answer is None and np.isfinite(nums[i]):
            answer = answers.by_number.get(float(nums[i]))
        if answer is None and not is_text:
            answer = answers.by_text.get(normal(plain_number(cell)))
        if answer is None:
            continue
        matched[i] = True
        cells.states[i] = {"value": VALUE, "missing": MISSING_CODE, "not_applicable": NOT_APPLICABLE}[answer.kind]
        if answer.kind == "value":
            if as_number:
                if answer.number is None:
                    matched[i] = False
                    cells.states[i] = UNKNOWN
                else:
                    found[i] = answer.number
            else:
                found[i] = answer.code or answer.text
    return found, matched


def _user_missing(cells, nums, declared):
    for code in declared or ():
        if isinstance(code, tuple):
            hit = (nums >= code[0]) & (nums <= code[1])
        elif isinstance(code, str):
            hit = np.array([isinstance(c, str) and c.strip() == code.strip() for c in cells.seen], bool)
        else:
            hit = nums == code
        cells.states[hit & (cells.states == VALUE)] = MISSING_CODE


def as_number(series, question, *, decimal=".", user_missing=(), value_labels=None, out_of_scale="error"):
    """A rating or amount as numbers; reversed items turned."""
    cells = _Cells(series)
    parsed, bad = readers.to_numbers(pd.Series(cells.distinct), decimal)
    nums = parsed.to_numpy(dtype=float, na_value=np.nan).copy()
    bad = np.asarray(bad, dtype=bool).copy()
    infinite = np.isinf(nums)
    nums[infinite], bad = np.nan, bad | infinite
    if question.role == "duration" and bad.any():
        clock = pd.to_timedelta(
            pd.Series(cells.seen[bad], dtype="str").where(lambda s: s.str.match(r"^\s*\d+:\d{2}(:\d{2})?\s*$")), errors="coerce"
        )
        seconds = clock.dt.total_seconds().to_numpy(dtype=float)
        short = np.array([str(c).count(":") == 1 for c in cells.seen[bad]], bool)
        seconds = np.where(short, [_minutes(c) for c in cells.seen[bad]], seconds)
        nums[bad] = seconds
        bad[bad] = np.isnan(seconds)
    _user_missing(cells, nums, user_missing)
    found, matched = _answered(cells, question, nums, as_number=True)
    nums = np.where(matched, found, nums)
    open_ = cells.states == VALUE
    problems = []
    unknown = open_ & bad & ~matched
    cells.states[unknown] = UNKNOWN
    unknown = cells.states == UNKNOWN
    if unknown.any():
        known = [a.text or a.code for a in question.answers.answers] if question.answers is not None else []
        first = str(cells.seen[int(np.argmax(unknown))])
        count = int(cells.counts[unknown].sum())
        if question.role in ("duration", "weight", "tenure", "spend"):
            rule, remedy = "not_a_number", "Correct them in the export, or list them under `missing_codes` in codebook.csv."
            say = f"{count:,} of {len(series):,} cells hold no number: {cells.listed(unknown)}."
        else:
            rule = "unknown_answer"
            where = f"answer_set '{question.answers.name}'" if question.answers is not None else "an answer_set"
            say = f"{count:,} of {len(series):,} answers are unknown: {cells.listed(unknown)}.{did_you_mean(first, known)}"
            remedy = f"Add them to {where} in answers.csv with a code and kind, or list them under `missing_codes` in codebook.csv."
        problems.append(Problem("error", rule, say, remedy, cells.row(unknown), count))
    if question.scale is not None:
        outside = (cells.states == VALUE) & ~question.scale.allows(nums)
        if outside.any():
            cells.states[outside] = OUT_OF_SCALE
            count = int(cells.counts[outside].sum())
            step = f" in steps of {question.scale.step:g}" if question.scale.step not in (0, 1) else ""
            say = f"{count:,} of {len(series):,} answers lie outside {question.scale}{step}: {cells.listed(outside, value_labels)}."
            lenient = out_of_scale == "missing"
            remedy = (
                ""
                if lenient
                else "Correct the scale or list them under `missing_codes` in codebook.csv, or declare their kind in answers.csv."
            )
            severity, done = ("warning", "set_missing") if lenient else ("error", "")
            problems.append(Problem(severity, "out_of_scale", say, remedy, cells.row(outside), count, done))
    elif question.role in ("duration", "tenure"):
        negative = (cells.states == VALUE) & (nums < 0)
        if negative.any():
            cells.states[negative] = MISSING_CODE
            count = int(cells.counts[negative].sum())
            say = f"{count:,} values are negative: {cells.listed(negative)}."
            problems.append(Problem("warning", "negative_value", say, "", cells.row(negative), count, "set_missing"))
    if question.reverse and question.scale is not None:
        nums = question.scale.max + question.scale.min - nums
    nums = np.where(cells.states == VALUE, nums, np.nan)
    return Column(pd.Series(cells.spread(nums, np.nan), index=series.index), cells.all_states(), tuple(problems))


def _minutes(cell):
    """Seconds of "12:34"; NaN if it is something else."""
    parts = str(cell).strip().split(":")
    if len(parts) == 2 and all(p.isdigit() for p in parts) and int(parts[1]) < 60:
        return 60.0 * int(parts[0]) + int(parts[1])
    return np.nan


def as_category(series, question, *, user_missing=(), value_labels=None):
    """Words or codes as text: the answer set's code, else SPSS's label, else the cell without stray white space."""
    cells = _Cells(series)
    parsed, bad = readers.to_numbers(pd.Series(cells.distinct)) if _few(cells) or question.missing_codes else (None, None)
    nums = np.full(len(cells.seen), np.nan)
    if parsed is not None:
        nums = np.where(np.asarray(bad, bool), np.nan, parsed.to_numpy(dtype=float, na_value=np.nan))
    _user_missing(cells, nums, user_missing)
    found, matched = _answered(cells, question, nums, as_number=False)
    problems = []
    texts = np.full(len(cells.seen), None, dtype=object)
    for i, cell in enumerate(cells.seen):
        if cells.states[i] != VALUE:
            continue
        if matched[i]:
            texts[i] = found[i]
        elif question.answers is not None and any(a.kind == "value" for a in question.answers.answers):
            cells.states[i] = UNKNOWN
        else:
            text = (value_labels or {}).get(cell) if value_labels else None
            texts[i] = " ".join((plain_number(cell) if text is None else str(text)).split()) or None
    unknown = cells.states == UNKNOWN
    if unknown.any():
        count = int(cells.counts[unknown].sum())
        known = [a.text or a.code for a in question.answers.answers]
        hint = did_you_mean(str(cells.seen[int(np.argmax(unknown))]), known)
        say = f"{count:,} of {len(series):,} answers are unknown: {cells.listed(unknown)}.{hint}"
        remedy = f"Add them to answer_set '{question.answers.name}' in answers.csv, or list them under `missing_codes` in codebook.csv."
        problems.append(Problem("error", "unknown_answer", say, remedy, cells.row(unknown), count))
    values = _strings(cells, texts)
    return Column(pd.Series(values, index=series.index), cells.all_states(), tuple(problems))


def _few(cells, most=5000):
    return len(cells.seen) <= most


def _strings(cells, texts):
    """Text of each row from the text of each distinct cell."""
    lookup = pd.array(texts, dtype="str")
    codes = np.where(cells.codes < 0, len(texts), cells.codes)
    padded = pd.array(np.append(texts, None), dtype="str") if (cells.codes < 0).any() else lookup
    return padded.take(codes)


def as_text(series):
    """Free text as written, without white space around it."""
    values = series.astype("str").str.strip()
    values = values.mask(values == "")
    states = np.where(values.isna(), EMPTY, VALUE).astype(np.int8)
    return Column(values, states)

"""What the values of a column look like: scale points and codes, dates, ids, texts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from delight.study.drafting import likert
from delight.study.drafting.hints import hints

#: Scales that questionnaires use, the commonest first.
USUAL_SCALES = ((1, 5), (1, 10), (0, 10), (1, 7), (1, 4), (1, 6), (0, 100), (1, 9), (1, 3))
#: Numbers that stand for "no answer" where they lie outside the scale.
FAR_CODES = {-1, -2, -3, -7, -8, -9, -88, -97, -98, -99, -999, -9999, 66, 77, 88, 90, 95, 96, 97, 98, 99, 999, 998, 997, 888, 9999, 99999}
_SAMPLE = 5000


@dataclass
class Profile:
    """A column as its values show it, over all files in which it occurs.

    Attributes
    ----------
    name, text, item, question : str
        Column, its question text, and item and question of a block.
    position : int
        Place in the newest file.
    n, n_missing : int
    counts : collections.Counter
        Cell as text to how often, of the commonest 20,000.
    numbers : collections.Counter
        Value to how often, of the cells that are numbers.
    labels : dict
        Value to label (SPSS).
    declared_missing : tuple
        Values and ranges declared missing (SPSS).
    typed_date : bool
    sample, cells : pandas.Series
        Up to 5,000 cells as numbers (NaN otherwise) and as text (for columns with few different ones), aligned over columns of a file.
    """

    name: str
    position: int = 0
    text: str = ""
    item: str = ""
    question: str = ""
    n: int = 0
    n_missing: int = 0
    n_unique: int = 0
    counts: Counter = field(default_factory=Counter)
    numbers: Counter = field(default_factory=Counter)
    labels: dict = field(default_factory=dict)
    declared_missing: tuple = ()
    typed_date: bool = False
    sample: pd.Series | None = None
    cells: pd.Series | None = None
    first: list = field(default_factory=list)

    @property
    def n_given(self):
        return self.n - self.n_missing

    @cached_property
    def hints(self):
        """Subjects its name and texts speak of."""
        return hints(self.name, " ".join(t for t in (self.text, self.item) if t))

    @cached_property
    def name_hints(self):
        """Subjects its name alone speaks of."""
        return hints(self.name)

    @cached_property
    def texts(self):
        """Worded answers: cells that are no numbers."""
        return [t for t in self.counts if not is_number(t)]

    @cached_property
    def is_numeric(self):
        """Numbers, apart from a few words that mean "no answer"."""
        if not self.numbers:
            return False
        worded = sum(self.counts[t] for t in self.texts if likert.kind_of(t) == "value")
        return worded <= 0.001 * max(sum(self.counts.values()), 1) and len(self.numbers) >= 1

    @property
    def is_integer(self):
        return self.is_numeric and all(float(v).is_integer() for v in self.numbers)

    @cached_property
    def is_date(self):
        if self.typed_date:
            return True
        cells = [t for t, _ in self.counts.most_common(300)]
        if not cells:
            return False
        return sum(_looks_like_date(c) for c in cells) >= 0.9 * len(cells)

    @cached_property
    def is_time(self):
        cells = [t for t, _ in self.counts.most_common(300)]
        return bool(cells) and sum(
            bool(re.fullmatch(r"(12/31/1899 )?\d{1,2}:\d\d(:\d\d)?( ?[AaPp][Mm])?", c.strip())) for c in cells
        ) >= 0.7 * len(cells)

    @cached_property
    def words_per_cell(self):
        cells = list(self.counts)[:2000]
        return float(np.mean([len(c.split()) for c in cells])) if cells else 0.0

    @cached_property
    def is_prose(self):
        """Sentences rather than names: long, mostly different, most words in small letters."""
        if self.is_numeric or self.n_given < 1:
            return False
        cells = [c for c in list(self.counts)[:1500] if not re.match(r"(https?:|/|www\.)", c)]
        if not cells:
            return False
        words = [w for c in cells for w in re.findall(r"[^\W\d_]+", c)]
        small = sum(w.islower() for w in words) / max(len(words), 1)
        many = [c for c in cells if len(c.split()) >= 3]
        return self.n_unique >= 0.25 * self.n_given and len(many) >= 0.35 * len(cells) and small > 0.6 and self.words_per_cell >= 2.5

    @cached_property
    def is_unique(self):
        return self.n_given >= 3 and self.n_unique >= 0.995 * self.n_given

    @cached_property
    def is_rising(self):
        values = [v for v in self.first if v == v]
        return len(values) > 10 and all(b >= a for a, b in zip(values, values[1:]))


def profile(name, series, *, numbers, text="", block=("", ""), labels=None, declared=(), position=0):
    """Profile one column of one file; `numbers` are its cells as float, NaN where they are none."""
    given = series.dropna()
    typed_date = pd.api.types.is_datetime64_any_dtype(series.dtype)
    if typed_date:
        counts = given.dt.strftime("%Y-%m-%d").value_counts()
    elif pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
        counts = given.value_counts()
        counts.index = [f"{float(v):g}" if abs(v) < 1e6 else repr(float(v)).removesuffix(".0") for v in counts.index]
    else:
        counts = given.astype("str").str.strip().value_counts()
    values = numbers.dropna().value_counts()
    return Profile(
        name=name,
        position=position,
        text=text,
        question=block[0],
        item=block[1],
        n=len(series),
        n_missing=int(series.isna().sum()),
        n_unique=len(counts),
        counts=Counter(dict(counts.head(20_000).items())),
        numbers=Counter({} if typed_date else dict(values.head(20_000).items())),
        labels=dict(labels or {}),
        declared_missing=tuple(declared),
        typed_date=typed_date,
        cells=_cells(series) if counts.size and len(counts) <= 60 else None,
        sample=None if typed_date else numbers.iloc[:: max(1, len(numbers) // _SAMPLE)].iloc[:_SAMPLE].reset_index(drop=True),
        first=[] if typed_date else numbers.iloc[:200].tolist(),
    )


def _cells(series):
    """The sampled cells as stripped text."""
    some = series.iloc[:: max(1, len(series) // _SAMPLE)].iloc[:_SAMPLE].reset_index(drop=True)
    return some.astype("str").str.strip() if not pd.api.types.is_numeric_dtype(series.dtype) else None


def together(profiles):
    """One profile of a column that stands in several files; the last file counts for texts."""
    last = profiles[-1]
    if len(profiles) == 1:
        return last
    counts, values, labels = Counter(), Counter(), {}
    for p in profiles:
        counts.update(p.counts)
        values.update(p.numbers)
        labels |= p.labels
    unique = max(p.n_unique for p in profiles)
    return Profile(
        name=last.name,
        position=last.position,
        text=next((p.text for p in reversed(profiles) if p.text), ""),
        item=next((p.item for p in reversed(profiles) if p.item), ""),
        question=next((p.question for p in reversed(profiles) if p.question), ""),
        n=sum(p.n for p in profiles),
        n_missing=sum(p.n_missing for p in profiles),
        n_unique=len(counts) if unique < 1000 and not all(p.is_unique for p in profiles) else sum(p.n_unique for p in profiles),
        counts=counts,
        numbers=values,
        labels=labels,
        declared_missing=last.declared_missing,
        typed_date=any(p.typed_date for p in profiles),
        sample=last.sample,
        cells=last.cells,
        first=last.first,
    )


def is_number(text):
    return bool(re.fullmatch(r"\s*[-+−]?\d+([.,]\d+)?\s*", text))


_DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d\d)|\d{1,2}[ -.][A-Za-zéûäö]{3,9}[ .-]+\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4})([ T,].*)?"
)


def _looks_like_date(text):
    text = text.strip()
    if _DATE.fullmatch(text):
        return not text.startswith("12/31/1899")
    return bool(re.fullmatch(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", text))


@dataclass(frozen=True)
class Body:
    """The points of a scale and the codes outside it.

    Parameters
    ----------
    low, high, step : float
    codes : tuple
        Numbers outside the body.
    usual : bool
        One of the scales that questionnaires use.
    doubt : str
        Why a person should look.
    """

    low: float
    high: float
    step: float = 1
    codes: tuple = ()
    usual: bool = True
    doubt: str = ""


def body(numbers, *, declared=(), edge_is_code=None):
    """Guess the scale of a rating from how often each number occurs.

    Parameters
    ----------
    numbers : mapping
        Value to count, over all columns of a battery.
    declared : iterable
        Values (or ranges) declared missing.
    edge_is_code : callable, optional
        Says of a value at the edge of an unusual scale whether respondents who give it are like neither of their neighbours.

    Returns
    -------
    Body or None
        None if the numbers are no scale (too many, or not evenly spaced).
    """
    counts = {float(v): c for v, c in numbers.items() if c > 0 and not is_declared(v, declared)}
    codes = [v for v in map(float, numbers) if v not in counts]
    total = sum(counts.values())
    if not total:
        return None
    far = [v for v in counts if v in FAR_CODES or v < 0]
    rest = sorted(v for v in counts if v not in far)
    if len(rest) < 2:
        return None
    # a far code counts as such only with a gap to the body
    top = max(v for v in rest)
    for v in list(far):
        if v > 0 and v <= top + 1:
            far.remove(v)
            rest = sorted([*rest, v])
    codes += far
    gaps = [b - a for a, b in zip(rest, rest[1:])]
    while len(rest) > 3 and rest[-1] in (8, 9, 88, 99) and gaps[-1] >= 2 and rest[-2] <= 7 and counts[rest[-1]] < 0.5 * total:
        codes.append(rest.pop())
        gaps.pop()
    whole = all(v.is_integer() for v in rest)
    half = all((2 * v).is_integer() for v in rest)
    low, high = rest[0], rest[-1]
    if not half:
        tenth = all(abs(10 * v - round(10 * v)) < 1e-9 for v in rest)
        if tenth and low >= 0 and high <= 10 and sum(c for v, c in counts.items() if (2 * v).is_integer() and v in rest) > 0.5 * total:
            return Body(min(1.0, low) if low >= 1 else 0.0, 10.0 if high > 5 else 5.0, 0.1, tuple(sorted(codes)))
        return None
    if len(rest) > 24:
        if whole and low >= 0 and high == 100 and sum(c for v, c in counts.items() if v % 5 == 0) > 0.5 * total:
            return Body(0, 100, 1, tuple(sorted(codes)))
        return None
    step = 1 if whole else 0.5
    if high > 11 or low < 0:
        return None
    doubt = ""
    if (low, high) in ((0, 6), (0, 8)) and edge_is_code and edge_is_code(0) and edge_is_code(high):
        return Body(1, high - 1, step, tuple(sorted([*codes, 0, high])))
    if high == 11:
        codes.append(11.0)
        rest.remove(11.0)
        high = rest[-1]
    if low == 0 and high not in (10,) and high > 1:
        told = edge_is_code(0.0) if edge_is_code else None
        if told or told is None:
            codes.append(0.0)
            rest.remove(0.0)
            low = rest[0]
            doubt = "" if told else "0 taken as a code, not as a point of the scale"
    if high in (6, 8) and len(rest) >= 4:
        told = edge_is_code(high) if edge_is_code else None
        if told or (told is None and high == 8):
            codes.append(high)
            rest.remove(high)
            high = rest[-1]
    usual = _usual(low, high)
    if low >= 0 and not usual:
        fits = [s for s in USUAL_SCALES if s[0] <= low and high <= s[1] <= high + 2 and low - s[0] <= (5 if s[1] == high > 4 else 2)]
        if fits:
            low, high = min(fits, key=lambda s: (s[1] - high) + (low - s[0]))
            usual = True
    return Body(low, high, step, tuple(sorted(set(codes))), usual, doubt)


def _usual(low, high):
    return (low, high) in USUAL_SCALES


def is_declared(value, declared):
    return any((d[0] <= value <= d[1]) if isinstance(d, (tuple, list)) else d == value for d in declared)


def edge_test(column, others, margin=0.15):
    """Whether an extreme value of a rating is a code: respondents who give it do not go on where their neighbours lead.

    Parameters
    ----------
    column : pandas.Series of float
    others : pandas.DataFrame of float
        The other ratings of the battery, same rows.

    Returns
    -------
    callable
        value to True (a code), False (a point of the scale) or None (too few answers to tell).
    """
    inner = others.where((others > others.min()) & (others < others.max())) if others.shape[1] else others
    rest = inner.mean(axis=1)
    spread = rest.std()

    def is_code(value):
        at = rest[(column == value) & rest.notna()]
        points = sorted(v for v in column.dropna().unique() if v != value)
        if len(at) < 8 or not spread or len(points) < 2:
            return None
        beside = min(points, key=lambda v: abs(v - value))
        far = max(points, key=lambda v: abs(v - value))
        near_mean = rest[column == beside].mean()
        far_mean = rest[column == far].mean()
        if np.isnan(near_mean) or np.isnan(far_mean) or abs(near_mean - far_mean) < 0.3 * spread:
            return None
        ahead = (at.mean() - near_mean) / (near_mean - far_mean)
        return bool(ahead < -margin / 2)

    return is_code

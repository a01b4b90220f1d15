"""The pass over the rows: which of them count, which group they belong to, and the sums of every group."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from delight.errors import InputError
from delight.moments.source import Column

#: Sums of whole numbers below this are exact in single precision.
EXACT = 2**24
#: Numbers worked on at a time: enough rows for the products of a group to pay, few enough to stay within memory.
AT_ONCE = 2**23
#: Numbers that stay in the processor's cache while their products are summed.
BLOCK, PACKED = 2**19, 2**14


@dataclass(frozen=True)
class Plan:
    """What to read and what to make of it.

    Attributes
    ----------
    columns : list of str
        Numeric columns that must all be answered.
    scales : dict of str to Scale
    terms : tuple of Term
    origin : ndarray (terms,)
    weights, kind : str or None, {"none", "sampling", "frequency"}
    clusters, key : str or None
    by : tuple of str
    buckets : int
        Groups that rows are spread over where there are no clusters.
    levels : bool
        Whether answers are counted level by level.
    """

    columns: list
    scales: dict
    terms: tuple
    origin: np.ndarray
    weights: str | None = None
    kind: str = "none"
    clusters: str | None = None
    key: str | None = None
    by: tuple = ()
    buckets: int = 1000
    levels: bool = False

    @property
    def rows(self):
        """Rows of a piece."""
        return int(np.clip(AT_ONCE // len(self.terms), 2**16, 2**20))

    @property
    def all_columns(self):
        return [c for c in dict.fromkeys([*self.columns, *self.by, self.weights, self.clusters, self.key]) if c]


@dataclass
class Faults:
    """What is wrong with the data, counted over all pieces."""

    found: dict = field(default_factory=dict)
    rows: int = 0

    def add(self, kind, column, bad, values, start):
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            count, known, row = self.found.get((kind, column), (0, values[first], start + first))
            self.found[kind, column] = (count + int(bad.sum()), known, row)

    def join(self, other):
        self.rows += other.rows
        for key, (count, value, row) in other.found.items():
            seen = self.found.get(key)
            self.found[key] = (count, value, row) if seen is None else (count + seen[0], *min(seen[1:], (value, row), key=lambda s: s[1]))

    def check(self, scales):
        """Raise one `InputError` that lists them all."""
        lines = []
        for (kind, column), (count, value, row) in sorted(self.found.items()):
            if kind == "text":
                lines.append(f"Column '{column}' is not numeric; recode its answers in answers.csv.")
            elif kind == "scale":
                lines.append(
                    f"Column '{column}': {count} of {self.rows} scores lie outside {scales[column]} (first: {value:g} in row {row}). "
                    "Recode them, or list them under `missing_codes` in codebook.csv."
                )
            elif kind == "infinite":
                lines.append(f"Column '{column}': {count} of {self.rows} values are infinite (first in row {row}).")
            elif kind == "negative":
                lines.append(f"Column '{column}': {count} negative weights (first in row {row}).")
            else:
                lines.append(f"Column '{column}': frequency weights must be whole numbers.")
        if lines:
            raise InputError("\n".join(lines))


@dataclass
class Rows:
    """The rows of one piece that count.

    Attributes
    ----------
    values : dict of str to ndarray
        By column, not yet reduced to the rows that count.
    used : boolean ndarray
        Which rows count.
    w : ndarray or None
        Weights of all rows of the piece.
    labels : list of (ndarray of int, list)
        For each of the columns `by` and for the clusters: codes of all rows and what they stand for (None: missing).
    """

    start: int
    values: dict
    used: np.ndarray
    inside: np.ndarray
    w: np.ndarray | None
    labels: list
    faults: Faults
    answered: dict
    key: Column | None = None


def screened(plan, start, batches):
    """Check the batches of one piece and say which of its rows count."""
    parts, at = [], start
    for columns in batches:
        parts.append(_screen(plan, at, columns))
        at += len(parts[-1].used)
    rows = parts[0]
    if len(parts) > 1:
        rows = replace(
            rows,
            values={c: np.concatenate([p.values[c] for p in parts]) for c in plan.columns},
            used=np.concatenate([p.used for p in parts]),
            inside=np.concatenate([p.inside for p in parts]),
            w=None if rows.w is None else np.concatenate([p.w for p in parts]),
            labels=[_joined(columns) for columns in zip(*(p.labels for p in parts))],
            answered={c: sum(p.answered[c] for p in parts) for c in plan.columns},
            key=_joined([p.key for p in parts]) if plan.key else None,
        )
        for part in parts[1:]:
            rows.faults.join(part.faults)
    rows.labels = [_codes(column) for column in rows.labels]
    if plan.clusters:
        rows.used &= rows.labels[-1][0] >= 0
    return rows


def _joined(columns):
    gaps = [_gap(c) for c in columns]
    return Column(np.concatenate([c.values for c in columns]), np.concatenate(gaps) if any(g.any() for g in gaps) else None)


def _screen(plan, start, columns):
    size = columns.rows
    faults, values, used, answered = Faults(rows=size), {}, np.ones(size, dtype=bool), {}
    inside, w = np.ones(size, dtype=bool), None
    if plan.weights:
        given = _number(plan.weights, columns[plan.weights], faults)
        w = np.where(given.missing, 0.0, given.values) if given.missing is not None else given.values.astype(float)
        known = np.ones(size, dtype=bool) if given.missing is None else ~given.missing
        faults.add("negative", plan.weights, w < 0, w, start)
        if plan.kind == "frequency":
            faults.add("fraction", plan.weights, w % 1 != 0, w, start)
        inside = ~(known & (w == 0))
        used &= inside & known
    everybody, gaps = _answers(plan, w, inside), np.zeros(size, dtype=bool)
    for c in plan.columns:
        column = _number(c, columns[c], faults, c in plan.scales)
        if c in plan.scales:
            column = _on_scale(c, column, plan.scales[c], faults, start)
        elif column.values.dtype.kind == "f":
            faults.add("infinite", c, np.isinf(column.values) & ~_gap(column), column.values, start)
        values[c], answered[c] = column.values, everybody
        if column.missing is not None:
            gaps |= column.missing
            answered[c] -= _answers(plan, w, column.missing if w is None else inside & column.missing)
    used &= ~gaps
    labels = [columns[c] for c in (*plan.by, *([plan.clusters] if plan.clusters else []))]
    return Rows(start, values, used, inside, w, labels, faults, answered, columns[plan.key] if plan.key else None)


def _answers(plan, w, rows):
    return float(w[rows].sum()) if plan.kind == "frequency" else int(np.count_nonzero(rows))


def _gap(column):
    return column.missing if column.missing is not None else np.zeros(len(column.values), dtype=bool)


def _with_nan(column):
    gap = np.isnan(column.values)
    return Column(column.values, gap if column.missing is None else gap | column.missing)


def _number(name, column, faults, bounded=False):
    """The column as numbers; text that is no number is a fault. A column `bounded` by a scale is searched for NaN there."""
    if column.values.dtype.kind in "iu":
        return column
    if column.values.dtype.kind == "f":
        return column if bounded or np.isfinite(column.values.sum()) else _with_nan(column)
    if column.values.dtype.kind == "b":
        return Column(column.values.astype(np.int8), column.missing)
    gap = pd.isna(column.values)
    numbers = pd.to_numeric(pd.Series(column.values), errors="coerce").to_numpy(dtype=float)
    typed = all(isinstance(v, (int, float, np.number)) for v in column.values[~gap][:1000])
    if not typed or np.isnan(numbers[~gap]).any():
        faults.add("text", name, ~gap, column.values, 0)
    return Column(numbers, gap if gap.any() else None)


def _on_scale(name, column, scale, faults, start):
    """The column checked against its scale; small whole numbers come back as one byte each."""
    values, missing = column
    whole = scale.step and all(float(v).is_integer() for v in (scale.min, scale.max, scale.step))
    if whole and scale.min >= -100 and scale.max <= 100:
        with np.errstate(invalid="ignore"):
            short = values.astype(np.int8)
        off = (short - np.int8(scale.min)).view(np.uint8) > np.uint8(scale.max - scale.min)
        if values.dtype != np.int8:
            off |= short != values
        if scale.step != 1:
            off |= (short - int(scale.min)) % int(scale.step) != 0
        if missing is not None and off.any():
            off &= ~missing
        if not off.any():
            return Column(short, missing)
    checked = values.astype(float)
    if missing is not None:
        checked = np.where(missing, np.nan, checked)
    missing = np.isnan(checked)
    bad = ~scale.allows(checked)
    if bad.any():
        faults.add("scale", name, bad, checked, start)
    elif whole and scale.min >= -100 and scale.max <= 100 and not (checked[~missing] % 1).any():
        checked = np.where(missing, scale.min, checked).astype(np.int8)  # only missing marked as NaN stood in the way
    return Column(checked, missing if missing.any() else None)


def _codes(column):
    """(codes with -1 for missing, what they stand for)."""
    values = column.values
    if column.missing is not None:
        values = pd.Series(values, dtype=object).mask(column.missing)
    codes, names = pd.factorize(values)
    return codes, [n.item() if isinstance(n, np.generic) else n for n in names]


def mixed(numbers):
    """64 scattered bits of each whole number."""
    found = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    found *= np.uint64(0xBF58476D1CE4E5B9)
    found ^= found >> np.uint64(31)
    found *= np.uint64(0x94D049BB133111EB)
    found ^= found >> np.uint64(32)
    return found


@lru_cache(maxsize=8)
def _drawn(size, buckets):
    """(a random bucket for each of `size` places, the places in the order of their buckets, where each bucket ends)."""
    codes = np.random.default_rng(39).integers(0, buckets, size)
    return codes, *grouped(codes, np.ones(size, dtype=bool), buckets)


def _renamed(start, buckets):
    """New names of the buckets of the piece that starts here, so that the same place in two pieces is in two buckets."""
    return np.random.default_rng([39, start]).permutation(buckets)


def content_identities(frame):
    """64 bits that tell a row from others by what it holds, identical rows by their number: the order of the rows does not matter."""
    found = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    order = np.argsort(found, kind="stable")
    ranked = found[order]
    first = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    copies = np.arange(len(found)) - np.repeat(first, np.diff(np.concatenate([first, [len(found)]])))
    ids = np.empty(len(found), dtype=np.uint64)
    ids[order] = mixed(ranked + mixed(copies))
    return ids


@dataclass
class Sums:
    """Sums by group, growing piece by piece.

    Attributes
    ----------
    places : dict of tuple to int
        Key of a group (values of `by`, then cluster or bucket) → its row in the arrays.
    n, w, w2 : ndarray (groups,)
    total : ndarray (groups, terms)
    cross : ndarray (groups, terms, terms)
    asked : dict of tuple to float
        Answers before anything was left out, by the values of `by`.
    levels : dict of str to ndarray (points, 2)
        Answers and weight on each point of a column's scale.
    """

    k: int
    places: dict = field(default_factory=dict)
    n: np.ndarray = field(default_factory=lambda: np.zeros(0))
    w: np.ndarray = field(default_factory=lambda: np.zeros(0))
    w2: np.ndarray = field(default_factory=lambda: np.zeros(0))
    cross: np.ndarray | None = None
    asked: dict = field(default_factory=dict)
    answered: dict = field(default_factory=dict)
    levels: dict = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)

    def add(self, keys, n, w, w2, cross):
        at = np.array([self.places.setdefault(key, len(self.places)) for key in keys], dtype=int)
        if len(self.places) > len(self.n):
            self._grow(len(self.places))
        self.n[at] += n
        self.w[at] += w
        self.w2[at] += w2
        self.cross[at] += cross

    def _grow(self, size):
        size = max(size, 2 * len(self.n)) if len(self.n) else size
        more = size - len(self.n)
        self.n, self.w, self.w2 = (np.concatenate([a, np.zeros(more)]) for a in (self.n, self.w, self.w2))
        empty = np.zeros((more, self.k, self.k))
        self.cross = empty if self.cross is None else np.concatenate([self.cross, empty])


def crossed(labels, size):
    """(code of each row, what the codes stand for) of combinations of labels; None stands for missing."""
    codes, names = np.zeros(size, dtype=np.int64), [()]
    for part, found in labels:
        codes = codes * (len(found) + 1) + part + 1
        names = [(*old, new) for old in names for new in (None, *found)]
    return codes, names


class Cells:
    """The group of every row of a piece.

    Attributes
    ----------
    codes : int ndarray (rows,)
    size : int
        Groups that there can be.
    """

    def __init__(self, plan, rows, ids):
        self.rows, self.buckets = rows, 0 if plan.clusters else plan.buckets
        self.ids = ids if rows.key is None else mixed(pd.util.hash_array(np.asarray(rows.key.values), categorize=False))
        self.labels, self.names = crossed(rows.labels, len(rows.used)) if rows.labels else (None, [()])
        self.size = len(self.names) * max(self.buckets, 1)
        self.by_place = self.labels is None and self.ids is None and self.buckets > 0

    @cached_property
    def codes(self):
        if not self.buckets:
            return self.labels
        if self.ids is None:
            codes = _renamed(self.rows.start, self.buckets)[_drawn(len(self.rows.used), self.buckets)[0]]
        else:
            codes = bucket_of(self.ids, self.buckets)
        return codes if self.labels is None else codes + self.labels * self.buckets

    def order(self):
        """(the rows used in the order of their groups, where each group ends, the codes of the groups)."""
        used, names = self.rows.used, np.arange(self.size)
        if not self.by_place:
            return *grouped(self.codes, used, self.size), names
        codes, order, ends = _drawn(len(used), self.buckets)
        gone = np.flatnonzero(~used)
        if len(gone):
            order, ends = order[used[order]], ends - np.cumsum(np.bincount(codes[gone], minlength=self.buckets))
        return order, ends, _renamed(self.rows.start, self.buckets)

    def key(self, code):
        """Values of `by`, then the cluster or the bucket."""
        return (*self.names[code // self.buckets], code % self.buckets) if self.buckets else self.names[code]


def bucket_of(ids, buckets):
    """The bucket of each row; half as many buckets join neighbours."""
    high = ids >> np.uint64(32)
    high *= np.uint64(buckets)
    high >>= np.uint64(32)
    return high.view(np.int64)


def asked_of(plan, rows):
    """Answers before anything was left out, by the values of `by`."""
    if not plan.by:
        return {(): _answers(plan, rows.w, rows.inside)}
    codes, names = crossed(rows.labels[: len(plan.by)], len(rows.used))
    weight = np.where(rows.inside, rows.w, 0.0) if plan.kind == "frequency" else rows.inside.astype(float)
    found = np.bincount(codes, weight, minlength=len(names))
    return {name: float(n) for name, n in zip(names, found) if n or not name}


def totalled(plan, rows, ids):
    """Keys and sums of the groups of one piece."""
    where = Cells(plan, rows, ids)
    order, ends, codes = where.order()
    live = np.flatnonzero(np.diff(ends, prepend=0))
    w = None if rows.w is None else rows.w.take(order)
    exact = _exact(plan, rows, w, np.diff(ends, prepend=0).max(initial=0))
    cross = np.empty((len(live), len(plan.terms), len(plan.terms)), dtype=np.float32 if exact else float)
    edges = np.concatenate([[0], ends[live]])
    packed = _packed(plan, rows, order) if exact else None
    taken = {} if exact else {c: values.take(order, mode="clip") for c, values in rows.values.items()}
    for first, last in _blocks(edges, BLOCK // len(plan.terms)):
        start = edges[first]
        if exact:
            z = packed[start : edges[last]].astype(np.float32).T
        else:
            z = design(plan.terms, plan.origin, taken, slice(start, edges[last]))
        weighted = z if w is None else z * w[start : edges[last]]
        for i in range(first, last):
            part = slice(edges[i] - start, edges[i + 1] - start)
            np.matmul(weighted[:, part], z[:, part].T, out=cross[i])
    starts = ends[live] - np.diff(ends, prepend=0)[live]
    counts = (ends[live] - starts).astype(float)
    sums = counts, counts, counts
    if w is not None and len(live):
        total = np.add.reduceat(w, starts)
        sums = (total, total, total) if plan.kind == "frequency" else (counts, total, np.add.reduceat(w * w, starts))
    keys = [where.key(cell) for cell in codes[live].tolist()]
    return keys, *sums, cross, asked_of(plan, rows), levels_of(plan, rows, order, w)


def _blocks(edges, rows):
    """(first, last) of runs of groups that hold about so many rows."""
    first = 0
    while first < len(edges) - 1:
        last = max(first + 1, int(np.searchsorted(edges, edges[first] + rows, side="right")) - 1)
        yield first, last
        first = last


def grouped(codes, used, size):
    """(the rows `used` in the order of their groups, those of one group in their own order; where each group ends)."""
    bits = max(len(used) - 1, 1).bit_length()
    if size << bits >= 2**32:
        place = np.flatnonzero(used)
        order = place[np.argsort(codes[place], kind="stable")]
        return order, np.cumsum(np.bincount(codes[order], minlength=size))
    both = codes.astype(np.uint32)  # group and place in one number: several times as quick as sorting places by group
    both <<= np.uint32(bits)
    both |= np.arange(len(used), dtype=np.uint32)
    both = both[used]
    both.sort()
    ends = np.searchsorted(both, (np.arange(1, size + 1) << bits).astype(np.uint32))
    both &= np.uint32((1 << bits) - 1)
    return both.astype(np.intp), ends


def _exact(plan, rows, w, longest):
    """Whether single precision holds every sum of a group exactly."""
    if plan.kind == "sampling" or any(rows.values[c].dtype != np.int8 for c in plan.columns) or (plan.origin % 1).any():
        return False
    if any(t.cut % 1 for t in plan.terms):
        return False
    largest = max(plan.scales[c].max - plan.scales[c].min if c in plan.scales else 255 for c in plan.columns)
    heaviest = 1.0 if w is None else w.max(initial=0)
    return largest <= 120 and longest * heaviest * largest**2 < EXACT


def _packed(plan, rows, order):
    """The terms as small whole numbers, the rows in a new order: a row lies together, so that it is fetched at once."""
    small = np.empty((len(rows.used), len(plan.terms)), dtype=np.int8)
    for start in range(0, len(small), PACKED):
        part = slice(start, start + PACKED)
        for term, origin, out in zip(plan.terms, plan.origin, small[part].T):
            term.into(rows.values[term.column][part] if term.column else None, origin, out)
    return small.take(order, axis=0, mode="clip")


def design(terms, origin, values, rows):
    """The terms of some rows (a slice, or places), one row a term."""
    parts = {t.column: values[t.column][rows] for t in terms if t.column}
    size = len(next(iter(parts.values())))
    z = np.empty((len(terms), size))
    for term, start, out in zip(terms, origin, z):
        term.into(parts.get(term.column), start, out)
    return z


def levels_of(plan, rows, order, w):
    """Answers and weight on every point of the scales, by column."""
    found = {}
    for c in plan.columns if plan.levels else ():
        scale = plan.scales.get(c)
        if scale is None or scale.points is None:
            continue
        at = np.rint((rows.values[c].take(order).astype(float) - scale.min) / scale.step).astype(np.intp)
        n = np.bincount(at, w if plan.kind == "frequency" else None, minlength=len(scale.points)).astype(float)
        found[c] = np.column_stack([n, n if w is None else np.bincount(at, w, minlength=len(scale.points))])
    return found


def threads():
    """Threads that read and sum side by side: two for each core, so that none of them waits, at most eight."""
    return max(2, min(8, 2 * (os.cpu_count() or 1)))


def in_turn(work, pieces, workers=None):
    """Results of `work(start, load)` in the order of the pieces, a few pieces at a time on several threads."""
    workers = threads() if workers is None else workers
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque()
        for piece in pieces:
            waiting.append(pool.submit(work, *piece))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def collect(source, plan, ids=None):
    """Read a source once and add up."""
    sums = Sums(len(plan.terms))

    def work(start, load):
        rows = screened(plan, start, load())
        if rows.faults.found:
            return rows.faults, rows.answered, None
        mine = None if ids is None else ids[start : start + len(rows.used)]
        return rows.faults, rows.answered, totalled(plan, rows, mine)

    for faults, answered, found in in_turn(work, source.pieces(plan.all_columns, plan.rows)):
        sums.faults.join(faults)
        for c, count in answered.items():
            sums.answered[c] = sums.answered.get(c, 0) + count
        if found is None:
            continue
        keys, n, w, w2, cross, asked, levels = found
        sums.add(keys, n, w, w2, cross)
        for key, count in asked.items():
            sums.asked[key] = sums.asked.get(key, 0) + count
        for c, more in levels.items():
            sums.levels[c] = sums.levels.get(c, 0) + more
    sums.faults.check(plan.scales)
    return sums


def middle(source, columns):
    """A round number near the mean of columns without a scale, from the first rows."""
    found = {}
    for _, load in source.pieces(columns):
        first = next(load(), None)
        for c in columns if first else ():
            column = _number(c, first[c], Faults())
            values = column.values[~_gap(column)][:10_000].astype(float)
            values = values[np.isfinite(values)]
            if len(values):
                unit = min(1.0, 2.0 ** np.floor(np.log2(values.std()))) if values.std() > 0 else 1.0
                found[c] = float(np.round(values.mean() / unit) * unit)
        break
    return found

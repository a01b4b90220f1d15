"""Is service excellence a pyramid? Levels reached, what they go with, and what a general impression alone would give (method M07)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import factorial, prod
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import Design, need_columns, sample
from delight.resample import counts, generator, percentile
from delight.result import Note, Result
from delight.satisfaction.answers import level_status
from delight.satisfaction.impression import compare, general_impression, levels_in_order
from delight.satisfaction.ordered import beside, jonckheere, quantile
from delight.scales import check_scale

METHOD = "M07"
#: Largest share that may score above a cap that is said to hold.
MOST_ABOVE = 0.10
#: Scalability from which a set of levels counts as an order. Mokken (1971) calls .4 medium.
FEWEST_H = 0.4
#: All assignments of tags are tried up to this many, else a sample of `DRAWN`.
ALL_ASSIGNMENTS, DRAWN = 10_000, 2_000
#: The caps that the sources claim: "at most 7", and 8 for expectations met.
CAPS = (7.0, 8.0)
#: Grade from which work on delight is said to pay, and from which a part of the service was "perfectly done".
RULE, PERFECT = 8.5, 9.0


class Pyramid(NamedTuple):
    """Results of `pyramid`: outcome by level class, the levels, pairs of levels, the order as a whole, the caps, the basics alone."""

    classes: Result
    levels: Result
    pairs: Result
    order: Result
    caps: Result
    basics: Result


def pyramid(
    frame,
    *,
    y,
    levels,
    scales,
    expected=(),
    not_applicable=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    strata=None,
    population=None,
    labels=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Sort respondents by the levels of service they got, and test whether the levels are an order and cap the grade.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y : str
        Overall grade.
    levels : dict of column to int
        Questions on the service and the level of the pyramid each belongs to (1 the core … 4 surprising).
    scales : dict of column to Scale, for `y` and every question.
        A question on 0/1 asks whether something happened: yes reaches it. Any other is a grade, reached from a cut on (8 on 1-10, 6 on
        1-7, 4 on 1-5), and the cuts one point lower and higher stand beside it.
    expected : sequence of str
        Questions that ask how it was compared with what was expected: reached from the middle of the scale ("as expected") on.
    not_applicable : dict of column to str, optional
        Boolean column that says to whom a question does not apply. A level of which nothing applies is passed over, not missed.
    weights, weights_kind, clusters, strata, population, labels
        As in `delight.satisfaction.levels`.
    ci_level, n_boot, seed
        The bootstrap gives the interval of H (whole clusters drawn).

    Returns
    -------
    Pyramid of Results, each with ``cut`` (the cut of the grades; NaN where every question says yes or no or compares), ``source_items``
    (``yes_no``, ``expected``, ``grades`` or ``mixed``), ``same_scale``, ``n, n_missing, n_eff, status``:
        classes : a row a class (``by="class"``, ``group`` none, L1, L1-2 …, not_cumulative): ``share, mean, ci_lo, ci_hi, sd, q50,
        q90, share_above_7, share_above_8`` (``_lo, _hi``), ``distance_7, distance_8, tost_p_7, tost_p_8, prefers``.
        levels : a row a level: ``items, share_reached`` with its interval, ``n_not_applicable``.
        pairs : a row a lower and a higher level: ``errors`` (higher without lower), ``expected_errors, h``.
        order : a row a cut: Mokken's ``h`` over questions of different levels with ``h_se, h_lo, h_hi``, ``h_levels`` (of levels as
        wholes), ``h_best`` (all questions in the order in which they are reached most), ``share_not_cumulative`` (``_lo, _hi``),
        Jonckheere-Terpstra's ``trend_j, trend_z, p_trend``; the halo benchmarks ``p_halo`` (of H), ``p_halo_not_cumulative,
        p_halo_trend, assignments, exact`` and ``z_impression, p_impression``; ``verdict, flags``.
        caps : a row a cap, class and cut: ``share_above`` (``_lo, _hi``), ``mean``; for the classes that the sources speak of (L1, L1-2)
        ``verdict_here``, ``verdict`` over all cuts, ``flags``.
        basics : a row a cut: respondents with every basic (levels 1-2) met and nothing beyond (levels 3-4): ``mean, ci_lo, ci_hi, p,
        share_above, verdict``; beside them ``mean_other, n_other`` of those with every basic met and something beyond.
    A class nobody is in: NaN, ``insufficient``. Levels that everybody or nobody reaches leave H undefined: ``degenerate``.

    Notes
    -----
    H = 1 - errors / errors expected if questions had nothing to do with each other, summed over pairs of questions of different levels;
    an error is yes to the higher without the lower. Two benchmarks guard against a general impression of the service (halo), which
    makes many sets of questions look like an order. (1) The tags are given to the questions in every other way (a sample of 2,000 if there
    are more than 10,000): ``p_halo`` is the share of assignments whose H is at least that of the study. (2) Where higher levels are
    merely harder to please with, halo alone passes (1); so the levels must also explain the answers better than one general impression
    does: ``p_impression`` (`delight.satisfaction.impression`), for which there must be two questions a level on average, and two levels
    with more than one. Unless both are at most .05 at every cut, every verdict in favour, and every verdict on a class, is
    ``inconclusive``, with the flag ``halo``, or ``few_questions`` where (2) cannot be computed. The order is ``supported`` where the lower
    limit of H lies above .4, a cap where at every cut the upper limit of the share above it is at most 10 %; it is ``contradicted``
    where at every cut the lower limit is above 10 %.

    References
    ----------
    Mokken, R. J. (1971). A Theory and Procedure of Scale Analysis. ISO 23592:2021. Jonckheere, A. R. (1954). Biometrika 41, 133-145.
    Vuong, Q. H. (1989). Econometrica 57, 307-333.
    """
    design = {"clusters": clusters, "strata": strata, "population": population, "labels": labels}
    people = _People(frame, y, levels, scales, expected, not_applicable or {}, weights, weights_kind, design)
    rng = generator(seed, METHOD)
    readings = [_Reading(people, step) for step in people.steps]
    tags = assignments(people.level, rng)
    order = [_order_row(r, *tags, ci_level, n_boot, rng) for r in readings]
    doubt = _doubt(order)
    _settle_order(order, doubt)
    tables = {
        "classes": [row for r in readings for row in _class_rows(r, ci_level)],
        "levels": [row for r in readings for row in _level_rows(r, ci_level)],
        "pairs": [row for r in readings for row in _pair_rows(r)],
        "order": order,
        "caps": _cap_rows(readings, doubt, ci_level),
        "basics": _basics_rows(people, doubt, ci_level),
    }
    notes = people.notes
    if doubt:
        notes = [*notes, Note(doubt, {"p_halo": [row["p_halo"] for row in order], "p_impression": [row["p_impression"] for row in order]})]
    meta = {
        **people.used.meta,
        "y": y,
        "scale": scales[y],
        "levels": {c: int(level) for c, level in levels.items()},
        "source_items": people.source,
        "same_scale": people.same_scale,
        "cuts": [people.cut(step) for step in people.steps],
        "n_passed_over": int(people.design.f[people.passed_over].sum()),
        "ci_level": ci_level,
        "n_boot": n_boot,
        "seed": seed,
        "keys": ["cut", "source_items", "same_scale", "cap", "lower", "higher"],
    }
    function = "delight.satisfaction.pyramid.pyramid"
    return Pyramid(**{name: Result.of(f"{METHOD}.{name}", rows, function=function, notes=notes, **meta) for name, rows in tables.items()})


# ---- who reached what
def _kind(column, scale, expected):
    return "expected" if column in expected else "yes_no" if (scale.min, scale.max) == (0, 1) else "grades"


def _threshold(kind, scale, step):
    """Lowest answer that reaches a question; `step` moves the cut of grades by so many points."""
    if kind == "yes_no":
        return 1.0
    if kind == "expected":
        return (scale.min + scale.max) / 2
    point = scale.step or (scale.max - scale.min) / 9
    usual = scale.knot
    if usual is None:  # as far up the scale as 8 stands on 1-10
        usual = scale.min + np.round((scale.max - scale.min) * 7 / 9 / point) * point
    return float(min(max(usual + step * point, scale.min + point), scale.max))


class _People:
    """The respondents who gave a grade and answered every question that applies to them, with their design."""

    def __init__(self, frame, y, levels, scales, expected, not_applicable, weights, weights_kind, design):
        self.items, self.y_name = list(levels), y
        _check(frame, y, levels, scales, expected)
        flags = {c: frame[f].fillna(False).to_numpy(dtype=bool) for c, f in not_applicable.items() if c in levels and f in frame}
        filled = frame.assign(**{c: frame[c].where(~flag, scales[c].min) for c, flag in flags.items()})
        self.used = sample(filled, [y, *self.items], weights=weights, weights_kind=weights_kind)
        self.design = Design(self.used, **design)
        kept = self.used.frame
        self.y = pd.to_numeric(kept[y]).to_numpy(dtype=float)
        self.answers = kept[self.items].apply(pd.to_numeric).to_numpy(dtype=float)
        here = frame.index.get_indexer(kept.index) if frame.index.is_unique else np.flatnonzero(_kept(filled, [y, *self.items], weights))
        self.applies = np.column_stack([~flags[c][here] if c in flags else np.ones(len(kept), bool) for c in self.items])
        self.level = np.array([int(levels[c]) for c in self.items])
        self.numbers = np.unique(self.level)
        self.kinds = [_kind(c, scales[c], set(expected)) for c in self.items]
        self.scales = [scales[c] for c in self.items]
        self.scale = scales[y]
        self.same_scale = "grades" in self.kinds
        self.source = self.kinds[0] if len(set(self.kinds)) == 1 else "mixed"
        self.steps = (-1, 0, 1) if self.same_scale else (0,)
        self.w = self.design.w * self.design.f
        self.passed_over = ~np.column_stack([self.applies[:, self.level == k].any(axis=1) for k in self.numbers]).all(axis=1)
        self.notes = [Note(code, values) for code, values in self.design.notes]

    @property
    def graded(self):
        """Whether caps of 7 and 8 and the rule of 8.5 can be read off the overall scale."""
        return (self.scale.min, self.scale.max) in ((0, 10), (1, 10))

    def cut(self, step):
        """The cut of the first graded question."""
        first = next((i for i, kind in enumerate(self.kinds) if kind == "grades"), None)
        return np.nan if first is None else _threshold("grades", self.scales[first], step)

    def reached(self, step=0, *, grades_from=None):
        """Which questions each respondent reached, shape (rows, questions)."""
        cuts = [
            grades_from(s) if grades_from and kind == "grades" else _threshold(kind, s, step)
            for kind, s in zip(self.kinds, self.scales, strict=True)
        ]
        return (self.answers >= np.array(cuts) - 1e-9) & self.applies

    @property
    def about(self):
        return {"source_items": self.source, "same_scale": self.same_scale}

    def base(self, inside=None):
        """``n, n_missing`` of some respondents."""
        n = self.used.n if inside is None else int(round(self.design.f[inside].sum()))
        return {"n": n, "n_missing": self.used.n_missing}


def _check(frame, y, levels, scales, expected):
    """One error that lists everything wrong with the arguments."""
    need_columns(frame, [y, *levels])
    wrong = [f"no scale is given for '{c}'" for c in [y, *levels] if scales.get(c) is None]
    wrong += [f"'{c}' has level {k}, not a whole number from 1" for c, k in levels.items() if k != k or int(k) != k or k < 1]
    wrong += [f"'{c}' is compared with expectations but has no level" for c in expected if c not in levels]
    wrong += [f"'{y}' is the outcome and cannot have a level"] if y in levels else []
    wrong += ["no question has a level"] if not levels else []
    wrong += [f"{len(levels)} questions have a level, 62 at most can"] if len(levels) > 62 else []
    if wrong:
        raise InputError(f"The pyramid cannot be read: {'; '.join(wrong)}.")
    for column in [y, *levels]:
        check_scale(frame[column], scales[column], column=column)


def _kept(frame, columns, weights):
    """Rows that `sample` keeps, for frames whose index repeats."""
    kept = frame[columns].notna().all(axis=1)
    return kept if weights is None else kept & frame[weights].notna() & (frame[weights] != 0)


# ---- levels from tags
@dataclass(frozen=True)
class _Tagged:
    """Levels reached under one or more assignments of tags to questions: a list with an array (assignments, respondents) a level."""

    reached: list
    applies: list

    @classmethod
    def of(cls, reached, applies, masks):
        """From bit patterns of questions, shape (respondents,), and bit masks of levels, shape (assignments, levels)."""
        ups, asks = [], []
        for column in masks.T:
            kinds, at = np.unique(column, return_inverse=True)
            asked = applies[None, :] & kinds[:, None]
            up = ((reached[None, :] & asked) == asked) & (asked != 0)
            ups.append(up[at])
            asks.append((asked != 0)[at])
        return cls(ups, asks)

    def read(self):
        """Whether a level was reached above one that was missed, and the number of the highest level reached (0: none)."""
        skipped, gap = np.zeros(self.reached[0].shape, bool), np.zeros(self.reached[0].shape, bool)
        height = np.zeros(self.reached[0].shape, np.int8)
        for number, (up, asked) in enumerate(zip(self.reached, self.applies), 1):
            skipped |= up & gap
            gap |= asked & ~up
            height[up] = number
        return skipped, height


def _masks(tags, numbers):
    """Bit masks of levels, shape (assignments, levels), of levels of questions, shape (assignments, questions)."""
    bits = np.int64(1) << np.arange(tags.shape[1], dtype=np.int64)
    return np.column_stack([(tags == k) @ bits for k in numbers])


def _bits(flags):
    """Rows of booleans as whole numbers."""
    return flags.astype(np.int64) @ (np.int64(1) << np.arange(flags.shape[1], dtype=np.int64))


@dataclass(frozen=True)
class _Patterns:
    """The different sets of answers: ``yes`` and ``asked`` of shape (patterns, questions), and the pattern of each respondent."""

    yes: np.ndarray
    asked: np.ndarray
    at: np.ndarray

    @classmethod
    def of(cls, flags, applies):
        found, at = np.unique(np.column_stack([flags, applies]), axis=0, return_inverse=True)
        half = flags.shape[1]
        return cls(found[:, :half].astype(float), found[:, half:].astype(float), at.ravel())

    def count(self, w):
        """Weight of the respondents with each pattern."""
        return np.bincount(self.at, w, minlength=len(self.yes))


def _guttman(patterns, w):
    """Guttman errors of every two questions: yes to the second without the first, observed and expected by chance.

    Parameters
    ----------
    w : array of shape (patterns,) or (draws, patterns)

    Returns
    -------
    observed, expected : arrays of shape (..., questions, questions)
    """
    yes, no, asked = patterns.yes, patterns.asked - patterns.yes, patterns.asked

    def total(first, second):
        k = first.shape[1]
        return (w @ (first[:, :, None] * second[:, None, :]).reshape(len(first), k * k)).reshape(*np.shape(w)[:-1], k, k)

    both = total(asked, asked)
    with np.errstate(all="ignore"):
        expected = np.where(both > 0, total(no, asked) * total(asked, yes) / both, 0.0)
    return total(no, yes), expected


def _scalability(observed, expected, order):
    """Mokken's H over pairs of questions of different places in `order`, shape (..., questions); NaN where no error is possible."""
    order = np.asarray(order)
    counted = order[..., :, None] < order[..., None, :]
    errors, by_chance = ((counted * part).sum(axis=(-2, -1)) for part in (observed, expected))
    with np.errstate(all="ignore"):
        return np.where(by_chance > 1e-9, 1 - errors / by_chance, np.nan)


def assignments(levels, rng):
    """Levels of the questions, shape (assignments, questions), in all ways to give out the tags, or in a sample: (tags, exact).

    The first is the one given.
    """
    levels = np.asarray(levels)
    numbers, sizes = np.unique(levels, return_counts=True)
    if factorial(len(levels)) // prod(factorial(int(s)) for s in sizes) <= ALL_ASSIGNMENTS:
        found = np.array(list(_given_out(dict(zip(numbers.tolist(), sizes.tolist())), len(levels))))
        return np.vstack([levels, found[(found != levels).any(axis=1)]]), True
    return np.vstack([levels, *(rng.permutation(levels) for _ in range(DRAWN))]), False


def _given_out(left, n):
    """Every sequence of `n` levels in which each level stands as often as `left` says."""
    if n == 0:
        yield ()
        return
    for level in left:
        if left[level]:
            for rest in _given_out({**left, level: left[level] - 1}, n - 1):
                yield (level, *rest)


class _Reading:
    """The respondents read at one cut."""

    def __init__(self, people, step):
        self.people, self.cut = people, people.cut(step)
        flags = people.reached(step)
        self.patterns = _Patterns.of(flags, people.applies)
        self.guttman = _guttman(self.patterns, self.patterns.count(people.w))
        self.tagged = _Tagged.of(_bits(flags), _bits(people.applies), _masks(people.level[None, :], people.numbers))
        skipped, height = self.tagged.read()
        self.not_cumulative, self.height = skipped[0], height[0]

    @property
    def about(self):
        return {"cut": self.cut, **self.people.about}

    def members(self, name):
        """Respondents of a class: none, L1, L1-2 …, not_cumulative."""
        if name == "not_cumulative":
            return self.not_cumulative
        return ~self.not_cumulative & (self.height == class_names(self.people.numbers).index(name))


def class_names(numbers):
    """Classes in order: none, L1, L1-2, L1-3 … for the levels that were asked."""
    first = int(numbers[0])
    return ["none", *[f"L{k}" if k == first else f"L{first}-{k}" for k in map(int, numbers)]]


# ---- the tables
def _class_rows(reading, ci_level):
    people, rows = reading.people, []
    total = people.w.sum()
    for name in [*class_names(people.numbers), "not_cumulative"]:
        inside = reading.members(name)
        found = people.design.mean(people.y, inside, ci_level=ci_level)
        w = people.w[inside]
        row = {**reading.about, "by": "class", "group": name, **people.base(inside), "n_eff": found.n_eff}
        row |= {"share": float(w.sum() / total) if total else np.nan, "mean": found.value, "se": found.se, "sd": found.sd}
        row |= {"ci_lo": found.lo, "ci_hi": found.hi, "q50": quantile(people.y[inside], w, 0.5), "q90": quantile(people.y[inside], w, 0.9)}
        for cap in CAPS:
            row |= _share(people, people.y > cap + 1e-9, inside, f"share_above_{cap:g}", ci_level)
        placed = beside(found, *CAPS)
        row |= placed if people.graded else dict.fromkeys(placed, np.nan) | {"prefers": "not_identified"}
        rows.append({**row, "status": level_status(found)})
    return rows


def _share(people, hits, inside, name, ci_level):
    """A share with its Wilson interval; NaN on scales that are no grades, and without anybody."""
    if not people.graded or not inside.any():
        return {name: np.nan, f"{name}_lo": np.nan, f"{name}_hi": np.nan}
    found, _ = people.design.share(hits, inside, ci_level=ci_level)
    return {name: found.value, f"{name}_lo": found.lo, f"{name}_hi": found.hi}


def _level_rows(reading, ci_level):
    people, rows = reading.people, []
    for at, level in enumerate(people.numbers):
        inside = reading.tagged.applies[at][0]
        row = {**reading.about, "level": int(level), "items": int((people.level == level).sum()), **people.base(inside)}
        row |= {"n_eff": np.nan, "share_reached": np.nan, "share_reached_lo": np.nan, "share_reached_hi": np.nan}
        if inside.any():
            found, n_eff = people.design.share(reading.tagged.reached[at][0], inside, ci_level=ci_level)
            row |= {"n_eff": n_eff, "share_reached": found.value, "share_reached_lo": found.lo, "share_reached_hi": found.hi}
        row["n_not_applicable"] = int(round(people.design.f[~inside].sum()))
        rows.append({**row, "status": people.design.status(inside)})
    return rows


def _pair_rows(reading):
    people, rows = reading.people, []
    observed, expected = reading.guttman
    for (i, low), (j, high) in combinations(enumerate(people.numbers), 2):
        between = (people.level == low)[:, None] & (people.level == high)[None, :]
        errors, by_chance = float(observed[between].sum()), float(expected[between].sum())
        inside = reading.tagged.applies[i][0] & reading.tagged.applies[j][0]
        h = 1 - errors / by_chance if by_chance > 1e-9 else np.nan
        row = {**reading.about, "lower": int(low), "higher": int(high), **people.base(inside), "n_eff": people.used.n_eff}
        row |= {"errors": errors, "expected_errors": by_chance, "h": h}
        rows.append({**row, "status": people.design.status(inside) if h == h or not row["n"] else "degenerate"})
    return rows


def _order_row(reading, tags, exact, ci_level, n_boot, rng):
    """How well the levels form an order, and whether other tags or a general impression would do as well."""
    people = reading.people
    row = {**reading.about, **people.base(), "n_eff": people.used.n_eff}
    tried = _tried(reading, tags)
    h = float(tried["h"][0])
    lo, hi, se = _h_interval(reading, ci_level, n_boot, rng)
    row |= {"h": h, "h_se": se, "h_lo": lo, "h_hi": hi, "h_levels": _h_levels(reading), "h_best": _h_best(reading)}
    row |= dict.fromkeys(["share_not_cumulative", "share_not_cumulative_lo", "share_not_cumulative_hi"], np.nan)
    if people.used.n:
        found, row["n_eff"] = people.design.share(reading.not_cumulative, ci_level=ci_level)
        row |= {"share_not_cumulative": found.value, "share_not_cumulative_lo": found.lo, "share_not_cumulative_hi": found.hi}
    row |= {"trend_j": tried["j"][0], "trend_z": tried["z"][0], "p_trend": tried["p"][0]}
    row |= {f"p_halo{name}": _beaten(tried[key]) for name, key in (("", "h"), ("_not_cumulative", "cumulative"), ("_trend", "z"))}
    row |= {"assignments": len(tags) if exact else len(tags) - 1, "exact": exact}
    row["z_impression"], row["p_impression"] = _against_impression(reading)
    return {**row, "status": people.design.status() if h == h or not row["n"] else "degenerate"}


def _beaten(values):
    """Share of assignments at least as good as the study's own, which stands first (and counts); NaN where its own is not defined."""
    if np.isnan(values[0]):
        return np.nan
    return int((np.nan_to_num(values, nan=-np.inf) >= values[0] - 1e-9).sum()) / len(values)


def _tried(reading, tags):
    """H, share of cumulative respondents and trend under every assignment of the tags; H also counts where nobody is left."""
    people = reading.people
    found = {name: np.full(len(tags), np.nan) for name in ("h", "cumulative", "j", "z", "p")}
    if not people.used.n or len(people.numbers) < 2:
        return found
    # answers that count for less under the design count for less in the test of the trend
    n_eff = people.design.mean(people.y).n_eff
    share = min(n_eff if np.isfinite(n_eff) else people.used.n, people.used.n) / people.w.sum()
    patterns, values = reading.patterns, np.unique(people.y, return_inverse=True)[1]
    table = np.zeros((len(patterns.yes), values.max() + 1))
    np.add.at(table, (patterns.at, values), people.w)
    w, bits, asked = table.sum(axis=1), _bits(patterns.yes), _bits(patterns.asked)
    size = max(1, int(2e6 / len(bits)))
    for start in range(0, len(tags), size):
        part = slice(start, start + size)
        found["h"][part] = _scalability(*reading.guttman, tags[part])
        skipped, height = _Tagged.of(bits, asked, _masks(tags[part], people.numbers)).read()
        found["cumulative"][part] = 1 - skipped @ w / w.sum()
        by_class = np.stack([((height == k) & ~skipped).astype(float) @ table for k in range(len(people.numbers) + 1)], axis=1)
        found["j"][part], found["z"][part], found["p"][part] = jonckheere(by_class * share)
    found["j"] = found["j"] / share**2
    return found


def _h_levels(reading):
    """H of the levels as wholes: a level is reached when everything in it is."""
    tagged = reading.tagged
    whole = _Patterns.of(*(np.column_stack([part[0] for part in parts]) for parts in (tagged.reached, tagged.applies)))
    return float(_scalability(*_guttman(whole, whole.count(reading.people.w)), np.arange(len(tagged.reached))))


def _h_best(reading):
    """Mokken's H of all questions in the order in which they are reached most: the best order these data know."""
    with np.errstate(all="ignore"):
        w = reading.patterns.count(reading.people.w)
        share = (w @ reading.patterns.yes) / (w @ reading.patterns.asked)
    return float(_scalability(*reading.guttman, np.argsort(np.argsort(-np.nan_to_num(share), kind="stable"), kind="stable")))


def _against_impression(reading):
    """Vuong's z and p of the levels against one general impression; NaN with too few questions to tell them apart."""
    people = reading.people
    sizes = np.unique(people.level, return_counts=True)[1]
    if people.used.n < 2 or len(people.level) < 2 * len(sizes) or (sizes > 1).sum() < 2:
        return np.nan, np.nan
    n_eff = people.used.n_eff
    patterns = reading.patterns
    w = patterns.count(people.w) * people.used.n / people.w.sum()
    data = patterns.yes, patterns.asked, w
    return compare(levels_in_order(*data, people.level), general_impression(*data), patterns.at, people.design, n_eff)


def _h_interval(reading, ci_level, n_boot, rng):
    """Percentile limits and standard error of H; draws count the patterns of answers, not the rows."""
    people, patterns = reading.people, reading.patterns
    if people.used.n < 2:
        return np.nan, np.nan, np.nan
    design, k = people.design, len(patterns.yes)
    if design.clusters is None and len(np.unique(design.w)) == 1:  # patterns are drawn as the rows would be
        share = patterns.count(design.f) / design.f.sum()
        pieces = (rng.multinomial(people.used.n, share, size=m).astype(float) for m in _pieces(n_boot))
    else:
        into = np.zeros((len(people.y), k))
        into[np.arange(len(people.y)), patterns.at] = design.w
        frequency = design.f if people.used.kind == "frequency" else None
        pieces = (drawn @ into for drawn in counts(len(people.y), n_boot, rng, clusters=design.clusters, frequency=frequency))
    draws = np.concatenate([_scalability(*_guttman(patterns, drawn), people.level) for drawn in pieces])
    lo, hi = percentile(draws, ci_level)
    return float(lo), float(hi), float(np.nanstd(draws, ddof=1)) if np.isfinite(draws).sum() > 1 else np.nan


def _pieces(n, size=200):
    return [min(size, n - start) for start in range(0, n, size)]


def _doubt(rows):
    """Why the order may be none: ``halo`` (other tags, or a general impression, do as well), ``few_questions`` (they cannot be told apart)."""
    if all(row["p_halo"] <= 0.05 and row["p_impression"] <= 0.05 for row in rows):
        return ""
    tested = all(row["assignments"] >= 20 and np.isfinite(row["p_halo"]) for row in rows)
    tested = tested and (any(row["p_halo"] > 0.05 for row in rows) or all(np.isfinite(row["p_impression"]) for row in rows))
    return "halo" if tested else "few_questions"


def _settled(verdict, doubt):
    """A verdict that leans on the levels stands only where their order does."""
    return "inconclusive" if doubt and verdict in ("supported", "contradicted") else verdict


def _flags(same_scale, doubt):
    return ", ".join(filter(None, ["same_scale" if same_scale else "", doubt]))


def _settle_order(rows, doubt):
    """Verdict on the order at every cut: H above .4, and no other tags and no general impression that do as well."""
    for row in rows:
        verdict = "supported" if row["h_lo"] > FEWEST_H and not doubt else "contradicted" if row["h_hi"] < FEWEST_H else "inconclusive"
        row["verdict"] = verdict if row["n"] else "insufficient"
        row["flags"] = _flags(row["same_scale"], doubt)


def _cap_rows(readings, doubt, ci_level):
    """Share of every class above the caps that the sources claim, with the verdict for the first level alone and the first two together."""
    rows = []
    for cap in CAPS:
        for name in class_names(readings[0].people.numbers) + ["not_cumulative"] + ["L1-2"] * (2 not in readings[0].people.numbers):
            found = [_cap_row(r, cap, name, ci_level) for r in readings]
            here = {row["verdict_here"] for row in found}
            verdict = _settled(here.pop() if len(here) == 1 else "inconclusive", doubt)
            rows += [{**row, "verdict": verdict, "flags": _flags(row["same_scale"], doubt)} for row in found]
    return rows


def _cap_row(reading, cap, name, ci_level):
    people = reading.people
    known = name in [*class_names(people.numbers), "not_cumulative"]
    inside = reading.members(name) if known else np.zeros(len(people.y), bool)
    found = people.design.mean(people.y, inside, ci_level=ci_level)
    row = {**reading.about, "cap": cap, "by": "class", "group": name, **people.base(inside), "n_eff": found.n_eff, "mean": found.value}
    row |= _share(people, people.y > cap + 1e-9, inside, "share_above", ci_level)
    if not known or not people.graded:
        return {**row, "verdict_here": "not_identified", "status": "not_identified"}
    if name not in ("L1", "L1-2"):
        return {**row, "verdict_here": "", "status": people.design.status(inside)}
    lo, hi = row["share_above_lo"], row["share_above_hi"]
    verdict = "insufficient" if not row["n"] else "supported" if hi <= MOST_ABOVE else "contradicted" if lo > MOST_ABOVE else "inconclusive"
    return {**row, "verdict_here": verdict, "status": people.design.status(inside)}


def _basics_rows(people, doubt, ci_level):
    """Respondents who got every basic and nothing beyond: is their mean below 8.5?"""
    basic, beyond = people.level <= 2, people.level >= 3
    cuts = (
        [(PERFECT - 1, lambda s: _threshold("grades", s, 0)), (PERFECT, lambda s: _threshold("grades", s, 1))]
        if people.same_scale
        else [(np.nan, None)]
    )
    rows = []
    for cut, grades_from in cuts:
        reached = people.reached(grades_from=grades_from)
        met = (
            (reached | ~people.applies)[:, basic].all(axis=1) & people.applies[:, basic].any(axis=1)
            if basic.any()
            else np.zeros(len(people.y), bool)
        )
        more = reached[:, beyond].any(axis=1)
        alone, other = met & ~more, met & more
        found = people.design.mean(people.y, alone, ci_level=ci_level)
        row = {"cut": cut, **people.about, **people.base(alone), "n_eff": found.n_eff, "mean": found.value, "se": found.se}
        row |= {"ci_lo": found.lo, "ci_hi": found.hi, "p": _below(found), **_share(people, people.y > RULE, alone, "share_above", ci_level)}
        row |= {"n_other": people.base(other)["n"], "mean_other": people.design.mean(people.y, other).value, "rule": RULE}
        if not people.graded or not basic.any() or not beyond.any():
            rows.append({**row, "verdict": "not_identified", "flags": "", "status": "not_identified"})
            continue
        verdict = "supported" if found.hi <= RULE else "contradicted" if found.lo > RULE else "inconclusive"
        verdict = "insufficient" if found.n < 2 else _settled(verdict, doubt)
        rows.append({**row, "verdict": verdict, "flags": _flags(people.same_scale, doubt), "status": level_status(found)})
    return rows


def _below(found):
    """One-sided p of "the mean is 8.5 or more"."""
    return float(stats.t.cdf((found.value - RULE) / found.se, found.df)) if found.se > 0 and found.df > 0 else np.nan

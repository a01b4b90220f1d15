"""Is it the customers who changed, or how they grade? Change between two waves in a part of mix and a part of rate (method M38)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from delight.estimate import aliased_terms

#: Fewest answers of a category in either wave for a term of its own, answers a term, and answers of a wave to compare its mix at all.
FEWEST, PER_TERM, FEWEST_ANSWERS = 10, 10, 30
PARTS = ("mix_part", "rate_part", "adjusted_change")


@dataclass(frozen=True)
class Wave:
    """The answers of one wave.

    Attributes
    ----------
    y : ndarray
        Score of each answer (grade, 1 for delighted, ±100 for promoters and detractors).
    frame : DataFrame
        Rows of these answers.
    design : Design
    keys : Series or None
        Who (or which cluster) contributes: what two waves share makes their estimates go together.
    """

    y: np.ndarray
    frame: pd.DataFrame
    design: object
    keys: object = None

    @property
    def weight(self):
        return self.design.w * self.design.f

    def spread(self, z):
        """What each row (or cluster) contributes to the mean of `z`, by key where there is one, with its degrees of freedom."""
        _, u, df = self.design.influence(z)
        named = pd.Series(dtype=float) if self.keys is None else pd.Series(u, index=self.keys.to_numpy()).groupby(level=0).sum()
        return float((u**2).sum()), named, df


def estimate(now, before, columns):
    """Parts of the change between two waves, each (value, se, df), and the columns that could not be used.

    Parameters
    ----------
    now, before : Wave
    columns : sequence of str
        What is known of respondents in both waves. A category with fewer than 10 answers in either wave goes to the rest of its column;
        columns for which there are too few answers (10 a term) are left out, the last first.

    Returns
    -------
    (dict, tuple of str)
        ``mix_part``: what the other make-up of those who answered does; ``rate_part``: what other grades of alike respondents do; they add up to
        the change. ``adjusted_change`` and ``adjusted``: change, and level before, with the make-up of now. Empty if nothing can be compared.

    Notes
    -----
    Oaxaca-Blinder with averaged weights on a constant and the categories: mix = (x̄₁ - x̄₀)'(b₀ + b₁)/2, rate = (x̄₀ + x̄₁)'/2 (b₁ - b₀); with one
    column it is Kitagawa's decomposition, and the adjusted level is post-stratification on it. Several columns add up, without their
    interactions. Variances by linearisation under the design of each wave, mix and regression both uncertain.

    References
    ----------
    Kitagawa, E. M. (1955). JASA 50, 1168-1194. Oaxaca, R. (1973). International Economic Review 14, 693-709. Reimers, C. W. (1983). Review
    of Economics and Statistics 65, 570-579.
    """
    if min(now.weight.size and now.design.f.sum(), before.weight.size and before.design.f.sum()) < FEWEST_ANSWERS:
        return {}, ()
    x1, x0, left = _terms(now, before, columns)
    if x1.shape[1] < 2:
        return {}, left
    m1, b1, reach1, e1 = _fit(now, x1)
    m0, b0, reach0, e0 = _fit(before, x0)
    mean_b, mean_m, more = (b0 + b1) / 2, (m0 + m1) / 2, m1 - m0
    found = {
        "mix_part": (
            more @ mean_b,
            (x1 - m1) @ mean_b + reach1(more / 2) * e1,
            -(x0 - m0) @ mean_b + reach0(more / 2) * e0,
        ),
        "rate_part": (
            mean_m @ (b1 - b0),
            (x1 - m1) @ (b1 - b0) / 2 + reach1(mean_m) * e1,
            (x0 - m0) @ (b1 - b0) / 2 - reach0(mean_m) * e0,
        ),
        "adjusted_change": (m1 @ (b1 - b0), (x1 - m1) @ (b1 - b0) + e1, -reach0(m1) * e0),
        "adjusted": (m1 @ b0, (x1 - m1) @ b0, reach0(m1) * e0),
    }
    return {name: (float(value), *_error(now, before, one, two)) for name, (value, one, two) in found.items()}, left


def _terms(now, before, columns):
    """Constant and dummies of both waves, alike, and the columns left out."""
    fewest = int(min(now.design.f.sum(), before.design.f.sum()))
    x1, x0 = [np.ones(len(now.y))], [np.ones(len(before.y))]
    left = []
    for column in columns:
        dummies = _dummies(now, before, column)
        if not dummies or len(x1) + len(dummies) > fewest / PER_TERM:
            left.append(column)
            continue
        x1 += [one for one, _two in dummies]
        x0 += [two for _one, two in dummies]
    x1, x0 = np.column_stack(x1), np.column_stack(x0)
    names = list(range(x1.shape[1]))
    lost = {j for x, wave in ((x1, now), (x0, before)) for j in aliased_terms(x * np.sqrt(wave.weight)[:, None], names)}
    kept = [j for j in names if j not in lost]
    return x1[:, kept], x0[:, kept], tuple(left)


def _dummies(now, before, column):
    """Dummies (of now, of before) of a column's categories; the largest is what others are compared with, small ones are one rest."""
    if column not in now.frame or column not in before.frame:
        return []
    one, two = (w.frame[column].astype("object").where(w.frame[column].notna(), "").astype(str).to_numpy() for w in (now, before))
    counts = {c: tuple(float(w.design.f[values == c].sum()) for w, values in ((now, one), (before, two))) for c in sorted({*one, *two})}
    large = [c for c, sizes in counts.items() if min(sizes) >= FEWEST]
    small = [c for c in counts if c not in large]
    if not large:
        return []
    groups = [[c] for c in sorted(large, key=lambda c: (-sum(counts[c]), c))]
    if small:
        enough = min(sum(counts[c][i] for c in small) for i in (0, 1)) >= FEWEST
        groups = [*groups, small] if enough else [groups[0] + small, *groups[1:]]
    return [(np.isin(one, group).astype(float), np.isin(two, group).astype(float)) for group in groups[1:]]


def _fit(wave, x):
    """Mean of the terms, coefficients, the function that says what an answer contributes to m'b, and residuals."""
    w = wave.weight / wave.weight.sum()
    inverse = np.linalg.inv((x * w[:, None]).T @ x)
    b = inverse @ (x.T @ (w * wave.y))
    return w @ x, b, lambda m: x @ (inverse @ m), wave.y - x @ b


def _error(now, before, one, two):
    """Standard error and degrees of freedom of the mean of `one` now plus the mean of `two` before."""
    var1, named1, df1 = now.spread(one)
    var0, named0, df0 = before.spread(two)
    both = named1.index.intersection(named0.index)
    variance = var1 + var0 + 2 * float((named1[both] * named0[both]).sum())
    known = df1 > 0 and df0 > 0 and var1 + var0 > 0
    df = (var1 + var0) ** 2 / (var1**2 / df1 + var0**2 / df0) if known else np.nan
    if variance < 1e-20 * (
        now.spread(now.y)[0] + before.spread(before.y)[0]
    ):  # rounding: the design has fixed it, as strata fix their own mix
        return 0.0, df
    return float(np.sqrt(variance)) if variance > 0 else np.nan, df


def columns_of(found, names, ci_level):
    """Columns ``name, name_lo, name_hi, name_p`` of estimates; NaN for those that are not there."""
    row = {}
    for name in names:
        value, se, df = found.get(name, (np.nan, np.nan, np.nan))
        half = stats.t.ppf(0.5 + ci_level / 2, df) * se
        p = float(2 * stats.t.sf(abs(value) / se, df)) if se > 0 else np.nan
        row |= {name: value, f"{name}_lo": value - half, f"{name}_hi": value + half, f"{name}_p": p}
    return row

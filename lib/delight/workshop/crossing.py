"""Answers that nobody gave: each row is crossed from two customers with the same grades; together they tell the truth, alone nobody's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.errors import RunError

#: A combination of answers that fewer customers gave may tell who they are.
ALIKE = 3
#: Partners tried for each customer, of whom the most alike is taken; rounds of drawing.
PARTNERS, ROUNDS = 40, 20


def cross(frame, *, outcomes, n, rng, chance=None, together=(), apart=()):
    """Draw rows, each crossed from two that agree on the outcomes and are alike in the rest.

    Parameters
    ----------
    frame : DataFrame of numbers; unchanged.
    outcomes : sequence of str
        Columns that both share. Combinations of fewer than three customers are left out.
    n : int
        Rows wanted.
    rng : numpy.random.Generator
    chance : array, optional
        Chance of every row to be drawn; equal by default.
    together : sequence of sequence of str
        Columns that stay as one of the two gave them, such as both answers to a Kano pair.
    apart : sequence of str
        Columns that are anybody's who agrees on the outcomes, drawn anew for each row: they follow the outcomes and tell nothing further of
        those whose other answers stand beside them. For what nobody should learn of another, such as whether she left.

    Returns
    -------
    DataFrame
        `n` rows. None has, over all columns but those `apart`, the answers that one or two customers gave.

    Raises
    ------
    RunError
        The answers leave too few rows that are nobody's.
    """
    outcomes, apart = list(outcomes), list(apart)
    cell = frame.groupby(outcomes, dropna=False, sort=True).ngroup().to_numpy()
    sizes = np.bincount(cell)
    chance = np.ones(len(frame)) if chance is None else np.asarray(chance, dtype=float)
    chance = np.where(sizes[cell] >= ALIKE, chance, 0.0)
    bound = {c: i for i, columns in enumerate(together) for c in columns}
    rest = [c for c in frame if c not in outcomes + apart]
    unit = np.unique([f"{bound[c]}" if c in bound else c for c in rest], return_inverse=True)[1]
    values, fixed, loose = (frame[columns].to_numpy(dtype=float) for columns in (rest, outcomes, apart))
    order, starts = np.argsort(cell, kind="stable"), np.concatenate([[0], np.cumsum(sizes)])
    rare = _rare(np.column_stack([fixed, values]))
    made, have = [], 0
    for _ in range(ROUNDS):
        if have >= n or not chance.sum() > 0:
            break
        one = rng.choice(len(frame), size=n, p=chance / chance.sum())
        place = starts[cell[one]][:, None] + (rng.random((n, PARTNERS + 1)) * sizes[cell[one]][:, None]).astype(int)
        crossed = _crossed(values, one, order[place[:, 1:]], unit, rng)
        rows = np.column_stack([fixed[one], crossed])
        nobodys = [key not in rare for key in _keys(rows)]
        made.append(np.column_stack([rows, loose[order[place[:, 0]]]])[nobodys])
        have += sum(nobodys)
    if have < n:
        raise RunError("The answers are too alike, or too few of them, to draw rows that nobody gave; the lessons cannot be made on them.")
    return pd.DataFrame(np.concatenate(made)[:n], columns=[*outcomes, *rest, *apart])[list(frame)]


def _crossed(values, one, partners, unit, rng):
    """Each unit of columns from one of the two at random, both having a say where they differ; without a fit partner, the row as it is."""
    a, b = values[one][:, None, :], values[partners]
    apart = (a != b) & ~(np.isnan(a) & np.isnan(b))
    units = np.zeros((*apart.shape[:2], unit.max() + 1), dtype=bool)
    for u in range(unit.max() + 1):
        units[:, :, u] = apart[:, :, unit == u].any(axis=2)
    spread = np.nanstd(values, axis=0)
    far = np.nan_to_num(np.abs(a - b) / np.where(spread > 0, spread, 1), nan=1.0) * apart
    distance = np.where(units.sum(axis=2) >= 2, far.sum(axis=2), np.inf)
    row, nearest = np.arange(len(one)), distance.argmin(axis=1)
    differ = units[row, nearest]
    lot = np.where(differ, rng.random(differ.shape), np.nan)
    with np.errstate(invalid="ignore"):
        take = lot < 0.5
    least, most = (np.nan_to_num(lot, nan=fill) for fill in (2.0, -1.0))
    take[row, least.argmin(axis=1)] = True  # at least one unit of the partner, at least one of the customer's own
    take[row, most.argmax(axis=1)] = False
    return np.where(take[:, unit], values[partners[row, nearest]], values[one])


def _keys(rows):
    return [row.tobytes() for row in np.ascontiguousarray(np.nan_to_num(rows, nan=-999.0) + 0.0)]


def _rare(rows):
    """Rows that fewer than `ALIKE` customers gave."""
    counted = pd.Series(_keys(rows)).value_counts()
    return set(counted.index[counted < ALIKE])

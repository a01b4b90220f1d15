"""Answers of one customer over several waves: what a customer said or did one wave earlier."""

from __future__ import annotations

import pandas as pd

from delight.errors import InputError
from delight.estimate import need_columns

#: Ending of a column's name that holds the answer of the wave before.
BEFORE = ":before"


def prior(frame, columns, *, respondent="respondent", wave="wave", order=None):
    """The table with each customer's answers of the wave before beside those of every wave.

    Parameters
    ----------
    frame : pandas.DataFrame, one row a customer and wave; unchanged.
    columns : sequence of str
        Each gives a column more, its name ending in ``:before``: the answer in the wave directly before, missing where the customer
        did not answer then. An earlier answer does not fill in for it.
    respondent, wave : str
    order : sequence, optional
        Waves in order of time; by default sorted. Rows of other waves are left out.

    Returns
    -------
    pandas.DataFrame
        Same row labels.

    Raises
    ------
    InputError
        A column lacks, or a customer answered twice in a wave.

    Examples
    --------
    >>> frame = pd.DataFrame({"respondent": ["a", "a", "b"], "wave": [1, 2, 2], "overall": [9, 7, 8]})
    >>> prior(frame, ["overall"])["overall:before"].tolist()
    [nan, 9.0, nan]
    """
    need_columns(frame, [respondent, wave, *columns])
    order = sorted(frame[wave].dropna().unique()) if order is None else list(order)
    kept = frame[frame[wave].isin(order) & frame[respondent].notna()]
    twice = kept.duplicated([respondent, wave])
    if twice.any():
        raise InputError(
            f"{int(twice.sum())} rows repeat a respondent within a wave (first: row {kept.index[twice][0]}). Keep one row a respondent and wave."
        )
    at = kept[wave].map({w: i for i, w in enumerate(order)})
    earlier = kept[[respondent, *columns]].assign(**{wave: at + 1})
    earlier = earlier.set_index([respondent, wave])[list(columns)]
    keys = pd.MultiIndex.from_arrays([kept[respondent], at])
    found = earlier.reindex(keys).set_axis(kept.index)
    return kept.assign(**{f"{c}{BEFORE}": found[c] for c in columns})


def twice_answered(frame, *, respondent="respondent", wave="wave"):
    """Rows of customers who answered a wave twice (an export's duplicates), all but the first: a boolean series."""
    return frame.duplicated([respondent, wave], keep="first")

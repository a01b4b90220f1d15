"""Which role each column probably has: from its values, its neighbours, its name and its question, in that order of weight."""

from __future__ import annotations

from delight.study.drafting.context import decide_context, decide_empty
from delight.study.drafting.decision import Guess
from delight.study.drafting.kano import decide_kano
from delight.study.drafting.ratings import decide_ratings
from delight.study.drafting.rest import decide_choices, decide_rest, keep_one_each
from delight.study.drafting.whole import decide_overall, doubt_apart, mark_reversed
from delight.study.drafting.worded import decide_worded


def decide(columns, *, several_files=False):
    """Decide on every column.

    Parameters
    ----------
    columns : list of Profile
        In the order of the file.
    several_files : bool
        Each file is a wave, so that no column needs to tell it.

    Returns
    -------
    Guess
    """
    guess = Guess({}, {})
    for step in (decide_empty, decide_kano, decide_context, decide_worded, decide_ratings, decide_choices, decide_rest):
        step(columns, guess, several_files)
    keep_one_each(columns, guess)
    decide_overall(columns, guess)
    mark_reversed(columns, guess)
    doubt_apart(columns, guess)
    return guess

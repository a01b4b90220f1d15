"""Data for a room of participants: everybody gets own answers with the same planted truth."""

from __future__ import annotations

from dataclasses import replace

from delight.demo import Truth, generate
from delight.errors import InputError


def scores(participant, *, n=150):
    """The last wave of an invented childcare provider, other parents for every participant.

    Parameters
    ----------
    participant : int
        Number on the name badge, from 1; 0 is the set the whole room shares.
    n : int
        Answers.

    Returns
    -------
    DataFrame
        One row a parent: ``overall`` (1-10) and ``recommend`` (0-10), complete.
    """
    if not isinstance(participant, int) or participant < 0:
        raise InputError(f"participant is the whole number on your badge, such as 7, not {participant!r}.")
    truth = Truth.load()
    waves = truth.demo["waves"]
    small = replace(truth, demo={**truth.demo, "answers": 2 * n * len(waves)})
    answers = generate(small, seed=40_000 + participant, with_comments=False).responses
    last = answers[answers["wave"] == waves[-1]]
    return last[["overall", "recommend"]].dropna().head(n).reset_index(drop=True)

"""Make the list of screened seeds anew: data on which every lesson comes to its intended reading.

>>> python -m delight.workshop.screen                               # doctest: +SKIP
"""

from __future__ import annotations

import argparse
import importlib

import pandas as pd

from delight.workshop import room
from delight.workshop.desk import LESSONS, Desk

#: First seed that is tried; the list holds the plenary set and forty participants.
FIRST, WANTED = 40_000, 41


def readings(desk):
    """Every intended reading of every lesson on one participant's data: {(lesson, reading): bool}."""
    modules = {lesson: importlib.import_module(f"delight.workshop.lesson{lesson}") for lesson in LESSONS}
    return {(lesson, reading): held for lesson, module in modules.items() for reading, held in module.reached(desk).items()}


class Trial(Desk):
    """A desk on the data of a seed that is not on the list yet; no reading rests on an interval that is drawn."""

    n_boot = 20

    def __init__(self, seed):
        self.number, self.seed, self.folder, self.lesson, self.code = 0, seed, None, 1, True
        self.answers, self.book = room.planted(seed), room.planted_book()

    @property
    def members(self):
        return room.team_survey(self.answers, self.book, self.seed)


def screen(first=FIRST, wanted=WANTED, say=print):
    """Seeds from `first` on, until `wanted` of them reach every reading: DataFrame ``number, seed``."""
    kept, seed = [], first
    while len(kept) < wanted:
        held = readings(Trial(seed))
        lost = [f"{lesson}: {reading}" for (lesson, reading), yes in held.items() if not yes]
        if not lost:
            kept.append(seed)
        say(f"{seed}: {'kept' if not lost else '; '.join(lost)} ({len(kept)} of {wanted})")
        seed += 1
    return pd.DataFrame({"number": range(len(kept)), "seed": kept})


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--first", type=int, default=FIRST)
    options.add_argument("--wanted", type=int, default=WANTED)
    given = options.parse_args()
    screen(given.first, given.wanted).to_csv(room.SEEDS, index=False)

"""Locations as the raw files name them, for a study without units.csv."""

from __future__ import annotations

from collections import Counter

from delight.feedback.waves import answers_of
from delight.study.codebook import normal


def locations_of(study):
    """All locations that the raw files name, read from their column alone; none where no file has it."""
    counted = Counter()
    for source in study.sources:
        counted.update(answers_of(study, source, "location").tolist())
    return sorted(set(one_spelling(counted)))


def one_spelling(counted):
    """Each location as most of its answers write it, in the order given; spellings that differ in case or white space only are one.

    Parameters
    ----------
    counted : dict of str to int
        How many answers each spelling has.
    """
    best = {}
    for spelling in sorted(counted, key=lambda s: (-counted[s], s)):
        best.setdefault(normal(spelling), spelling)
    return [best[normal(spelling)] for spelling in counted]

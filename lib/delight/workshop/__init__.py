"""Lessons: one source notebook each, made into student, trainer and no-code versions in three languages, with friendly checks.

>>> from delight import workshop                                    # doctest: +SKIP
>>> desk = workshop.desk(1, participant=7, language="nl")           # doctest: +SKIP
>>> desk.check("share_delighted", 0.31)                             # doctest: +SKIP
"""

from delight.workshop.desk import Desk, desk

__all__ = ["Desk", "desk"]

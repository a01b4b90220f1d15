"""A participant's desk: own data, the library's results on it, checks in the own language, and the no-code questions."""

from __future__ import annotations

import importlib
import os
import re
from functools import cached_property
from pathlib import Path

import numpy as np

from delight import loyalty, segments
from delight.drivers import kano, penalty_reward, what_if
from delight.drivers.importance import importance
from delight.drivers.priorities import priorities
from delight.errors import InputError, did_you_mean
from delight.practice import acts, teams
from delight.satisfaction.nps import promoter_score
from delight.show import render
from delight.show.words import LANGUAGES, Words
from delight.workshop import exercise, looks, room

#: Draws of a lesson's intervals: enough to read, few enough to wait for.
DRAWS, SEED = 200, 20250101
LESSONS = (1, 2, 3, 4, 5)
#: Customers in whom the kinds are looked for.
KINDS_FROM = 1000


def desk(lesson, participant=None, *, language="en", folder=None, code=True):
    """Sit down at a lesson.

    Parameters
    ----------
    lesson : int
        1 to 5.
    participant : int, optional
        Number on the badge; 0 is the set that the whole room shares. By default the number of DELIGHT_PARTICIPANT, or of the digits at
        the end of the user's name in JupyterHub.
    language : {"nl", "da", "en"}
    folder : Path, optional
        The room's folder; found by itself (`room.find`).
    code : bool
        Whether the participant writes code, and so wants to see the names of columns.

    Returns
    -------
    Desk

    Raises
    ------
    InputError
        No such lesson, language or participant.
    """
    if lesson not in LESSONS:
        raise InputError(f"There are lessons 1 to 5, not {lesson!r}.")
    if language not in LANGUAGES:
        raise InputError(f"language is one of {', '.join(LANGUAGES)}, not {language!r}.")
    number = _badge() if participant is None else participant
    folder = Path(folder) if folder else room.find()
    return Desk(lesson, number, language, folder, code)


def _badge():
    given = os.environ.get("DELIGHT_PARTICIPANT") or os.environ.get("JUPYTERHUB_USER", "")
    digits = re.search(r"\d+$", given)
    return int(digits[0]) if digits else 0


class Desk:
    """What a lesson works with. Everything is computed when it is first asked for."""

    #: Draws of intervals.
    n_boot = DRAWS

    def __init__(self, lesson, number, language, folder=None, code=True):
        self.lesson, self.number, self.folder, self.code = lesson, number, folder, code
        self.answers, self.book = room.answers(number, folder)
        self.words = Words(language, self.book.labels.get(language))
        module = importlib.import_module(f"delight.workshop.lesson{lesson}")
        self.exercises = {e.name: e for e in module.EXERCISES}

    def __repr__(self):
        return f"<lesson {self.lesson}, participant {self.number}>"

    # ---- the data
    def customers(self, n=None):
        """Answers of the newest wave, one row a customer; the first `n` of those who gave both grades, if `n` is given."""
        newest = self.answers[self.answers["wave"] == self.book.waves[-1]].reset_index(drop=True)
        return newest if n is None else newest.dropna(subset=["overall", "recommend"]).head(n).reset_index(drop=True)

    @property
    def waves(self):
        return self.book.waves

    @property
    def scales(self):
        return self.book.scales

    @property
    def needs(self):
        return list(self.book.needs)

    @property
    def attributes(self):
        return list(self.book.attributes)

    @property
    def pairs(self):
        return self.book.pairs

    @property
    def feature(self):
        """The feature that the lesson classifies by hand."""
        return next(iter(self.pairs))

    @property
    def asked(self):
        """Arguments of `segments.find`, with few starts so that nobody waits."""
        return {
            "items": self.needs,
            "form": self.book.form,
            "scales": {c: self.scales[c] for c in self.needs},
            "archetypes": self.book.archetypes,
            "k_max": 4,
            "n_starts": 10,
            "n_splits": 6,
            "n_boot": 40,
        }

    @property
    def model(self):
        """Arguments of every driver method."""
        return {"y": "overall", "x": self.attributes, "scales": self.scales}

    @property
    def draws(self):
        """Promoter scores of 200 samples of 40 customers each, drawn from the first 150."""
        scores = self.customers(150)["recommend"]
        samples = (scores.sample(min(40, len(scores)), random_state=draw) for draw in range(200))
        return np.array([100 * promoter_score(sample).mean() for sample in samples])

    def other_centre(self):
        """Grades with the same mean as the first 150 customers', all on the two whole grades around it."""
        grades = self.customers(150)["overall"]
        low = int(np.floor(grades.mean()))
        high = int(round((grades.mean() - low) * len(grades)))
        return np.repeat([float(low), float(low + 1)], [len(grades) - high, high])

    # ---- the library's results
    @cached_property
    def found(self):
        """`segments.find` on the needs."""
        return segments.find(self.customers(KINDS_FROM), **self.asked)

    @cached_property
    def typing(self):
        """`segments.golden`: the questions that tell the kind of customer."""
        return segments.golden(self.customers(KINDS_FROM), self.found.assignment, questions=self.needs, form=self.book.form)

    @property
    def karin(self):
        """Answers of one customer to the golden questions: the mean of the second-largest kind, as whole grades."""
        kind = self.found.segments.table["segment"].iloc[1]
        inside = (self.found.assignment.table["segment"] == kind).to_numpy()
        return self.customers(KINDS_FROM).loc[inside, list(self.typing.tool.questions)].mean().round().to_frame().T

    @cached_property
    def steps(self):
        """`loyalty.rule` on the recommendation, as a report shows it."""
        outcome = {"role": "recommend", "y": "recommend", "scale": self.scales["recommend"]}
        return loyalty.across(loyalty.rule, self.customers(), [outcome], x="overall", scales=self.scales)

    @cached_property
    def weighed(self):
        """`importance` of every attribute."""
        return importance(self.customers(), **self.model, n_boot=self.n_boot, seed=SEED).importance

    @cached_property
    def impact(self):
        """`penalty_reward.effects`: what poor and good experiences do."""
        return penalty_reward.effects(self.customers(), **self.model, n_boot=self.n_boot, seed=SEED)

    @cached_property
    def order(self):
        """`priorities`: what to do first."""
        gained = what_if.gains(self.customers(), **self.model, delight_from=self.book.delight_from, n_boot=self.n_boot, seed=SEED)
        return priorities(self.impact, gained, self.weighed, scales=self.scales)

    def of_class(self, *classes):
        """Attributes of these impact classes, in the order of the questionnaire."""
        table = self.impact.table
        return [a for a in self.attributes if a in set(table.loc[table["impact_class"].isin(classes), "attribute"])]

    @property
    def bystander(self):
        """The attribute with the smallest share of importance."""
        return str(self.weighed.table.sort_values("share")["attribute"].iloc[0])

    @property
    def basic(self):
        """The basic factor with the steepest slope below the knot; without one, the attribute with the largest penalty."""
        table = self.impact.table.set_index("attribute")
        basics = self.of_class("basis")
        return str(table.loc[basics, "slope_below"].idxmax()) if basics else str(table["penalty"].idxmin())

    @cached_property
    def wishes(self):
        """`kano.classify` on the customers' answers."""
        return kano.classify(self.customers(), pairs=self.pairs, n_boot=self.n_boot, seed=SEED)

    @property
    def size(self):
        """Answers a location gives in a wave: the median."""
        return int(np.median([place["n"] for place in self.locations]))

    @cached_property
    def locations(self):
        """``location, block, n, mean`` of the newest wave, a dictionary a location."""
        if self.book.locations:
            return list(self.book.locations)
        of = self.customers().groupby("location").agg(block=("block", "first"), n=("overall", "count"), mean=("overall", "mean"))
        return of.reset_index().to_dict("records")

    @property
    def started(self):
        """Locations that began with little acts between the first and the second wave."""
        second = self.answers[self.answers["wave"] == self.waves[1]]
        return sorted(second.loc[second["act"] == 1, "location"].unique())

    @cached_property
    def acted(self):
        """`acts.effect` of the little acts on the overall grade."""
        first, second = self.waves[:2]
        return acts.effect(
            self.answers, y="overall", scale=self.scales["overall"], treated=self.started, before=first, after=second, n_boot=999, seed=SEED
        )

    @cached_property
    def members(self):
        """The teams' own view, a row a member."""
        return room.team_survey(self.answers, self.book, room.seed_of(self.number))

    @property
    def views_meet(self):
        """Arguments of `teams.gap`: the members' questions and the customers' of the same factors."""
        factors = self.book.factors
        own = {f: [room.own(f)] for f in factors}
        scales = {**self.scales, **{c: room.TEAM_SCALE for columns in own.values() for c in columns}}
        return {"items": own, "asked": factors, "scales": scales}

    @cached_property
    def apart(self):
        """`teams.gap`: the teams' own view minus their customers'."""
        return teams.gap(self.members, self.customers(), **self.views_meet, team="team", location="location")

    # ---- showing and checking
    def named(self, name):
        """A column, kind of customer, factor or choice in words."""
        from delight.workshop import forms

        known = forms.names(self.words)
        label = self.words.column(name)
        return label if label != name else known.get(name) or self.words.segment(name)

    def show(self, view, *results, **options):
        """A view of the library's results in the participant's language."""
        block = {"view": view.name, "kind": view.kind, "options": options, "key": f"lesson{self.lesson}"}
        return looks.Shown(render.block_html(block, list(results), self.words))

    def read(self, data, decimals=2):
        """A frame, series or dictionary as a table in the participant's language, with the names that code uses beneath the words."""
        return looks.read(data, self, decimals)

    def presentation(self, on=False):
        """A switch to type that can be read at the back of a room."""
        return looks.LargeType(self.words, on)

    def has(self, name):
        """Whether the room has a column, or something in the field of its `Book`."""
        return bool(getattr(self.book, name, None)) or name in self.answers

    def check(self, name, answer):
        """Say whether an answer is right; if not yet, what to look at.

        Raises
        ------
        NotYet
            Shown in a notebook as its sentence alone.
        """
        verdict = exercise.judge(self._exercise(name), answer, self)
        if not verdict:
            raise exercise.NotYet(verdict.sentence)
        return verdict

    def known(self, name):
        """The right answer, for the no-code version, in which nobody writes it."""
        found = self._exercise(name).right(self)
        return sorted(found)[0] if isinstance(found, (set, frozenset)) and self.exercises[name].kind == "choice" else found

    def ask(self, name):
        """The exercise as a question with controls instead of code."""
        from delight.workshop import forms

        return forms.Question(self, self._exercise(name))

    def _exercise(self, name):
        if name not in self.exercises:
            raise InputError(f"Lesson {self.lesson} has no exercise '{name}'.{did_you_mean(name, self.exercises)}")
        return self.exercises[name]

"""Exercises and their checks: right, or not yet and what to look at. A check computes its answer; none is stored."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from numbers import Number

import numpy as np

from delight.show.theme import COLOURS
from delight.show.words import is_missing

KINDS = ("share", "number", "pair", "choice", "names")
#: How far off a share may be: as far as rounding to a whole percentage takes it.
ROUNDED = 0.005


def message(text):
    """Mark a message for the catalogues; it is translated when it is shown."""
    return text


_ = message

#: What each kind of exercise wants, said when an answer has another form.
WANTED = {
    "share": _("Not yet: a share is one number between 0 and 1."),
    "number": _("Not yet: the answer is one number."),
    "pair": _("Not yet: give two numbers, in the order that is asked."),
    "choice": _("Not yet: the answer is one of {options}."),
    "names": _("Not yet: give a list of names, out of {options}."),
}


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson; its answer's variable in the notebook bears its name.

    Parameters
    ----------
    name : str
    kind : one of `KINDS`
    right : function of a Desk
        The right number, pair, or name; for ``choice`` a set of names that are all right, for ``names`` the set of all.
    look : str
        What to look at, when the answer is not yet right.
    question : str
        The exercise in the no-code version.
    slips : tuple of (function of a Desk, str)
        Answers that people usually give instead, and what to tell them.
    options : function of a Desk, optional
        Names to choose from.
    within : float
        How far off an answer may be; `relative` to the right one. A share may always be rounded to a whole percentage.
    guess : float
        How far off it may be where it is read off a figure.
    show : function of a Desk, optional
        Result views ``(view, results…)`` to read the answer from in the no-code version.
    again : bool
        Whether that shows it beside the question; false where the lesson has it just above.
    evidence : function of a Desk, optional
        Instead: a table to read the answer from, as `Desk.read` makes it.
    named : function of (Desk, name), optional
        What an option is called; by default what a column or kind of customer of that name is.
    needs : tuple of str
        What of the data it needs (fields of the `Book`, or columns).
    """

    name: str
    kind: str
    right: Callable
    look: str
    question: str
    slips: tuple = ()
    options: Callable | None = None
    within: float = 1e-6
    relative: bool = False
    guess: float = 0.0
    show: Callable | None = None
    again: bool = True
    evidence: Callable | None = None
    named: Callable | None = None
    decimals: int = 2
    needs: tuple = ()


class Verdict:
    """The outcome of a check, shown as a sentence; true when right."""

    def __init__(self, right, sentence):
        self.right, self.sentence = bool(right), sentence

    def __bool__(self):
        return self.right

    def __repr__(self):
        return self.sentence

    def _repr_html_(self):
        mark, colour = ("✓", COLOURS["third"]) if self.right else ("→", COLOURS["second"])
        style = f"border-left:4px solid {colour};padding:.5em .9em;margin:.4em 0;max-width:44em"
        return f'<p role="status" style="{style}">{mark} {escape(self.sentence)}</p>'


class NotYet(AssertionError):
    """An answer that is not yet right. In a notebook it shows its sentence and no traceback; to nbgrader it is a failed test."""

    def _render_traceback_(self):
        return [f"→ {self}"]


def judge(exercise, answer, desk, *, guessed=False):
    """Whether an answer is right, or what to look at.

    Parameters
    ----------
    exercise : Exercise
    answer : object
    desk : Desk
        Gives the data that the right answer is computed from, and the words.
    guessed : bool
        Read off a figure: a wider margin.

    Returns
    -------
    Verdict
    """
    gettext = desk.words.gettext
    options = list(exercise.options(desk)) if exercise.options else []
    form, right = _form(exercise.kind, answer, options), exercise.right(desk)
    if form is None or form == set() != right:
        return Verdict(False, gettext(WANTED[exercise.kind]).format(options=desk.words.listed(options)))
    if _same(exercise, form, right, guessed):
        return Verdict(True, gettext("Right: {answer}.").format(answer=told(exercise, right, desk, form)))
    if exercise.kind == "share" and _same(exercise, form / 100, right, guessed):
        return Verdict(False, gettext("Nearly: this is the percentage. Give the share, between 0 and 1."))
    if exercise.kind == "pair" and _same(exercise, form[::-1], right, guessed):
        return Verdict(False, gettext("Nearly: these are the two numbers, in the other order."))
    for slip, sentence in exercise.slips:
        wrong = slip(desk)
        if wrong is not None and not _same(exercise, wrong, right, False) and _same(exercise, form, wrong, False):
            return Verdict(False, gettext(sentence))
    return Verdict(False, " ".join([gettext("Not yet."), gettext(exercise.look)]))


def told(exercise, right, desk, form=None):
    """The right answer in words."""
    w = desk.words
    if exercise.kind == "share":
        return w.percent(right)
    if exercise.kind == "number":
        return w.number(right, exercise.decimals)
    if exercise.kind == "pair":
        return w.listed([w.number(v, exercise.decimals) for v in right])
    if not right:
        return w.gettext("none")
    called = exercise.named or (lambda desk, name: desk.named(name))
    return w.listed([called(desk, name) for name in ([form] if exercise.kind == "choice" and form else sorted(right))])


def _form(kind, answer, options):
    """The answer as the kind wants it, or None."""
    if kind in ("share", "number"):
        return float(answer) if _is_number(answer) else None
    if kind == "pair":
        try:
            found = tuple(answer)
        except TypeError:
            return None
        return tuple(map(float, found)) if len(found) == 2 and all(map(_is_number, found)) else None
    if kind == "choice":
        return str(answer) if isinstance(answer, (str, np.str_, Number)) and str(answer) in map(str, options) else None
    if isinstance(answer, str) or not hasattr(answer, "__iter__"):
        return None
    found = {str(a) for a in answer}
    return found if found <= set(map(str, options)) else None


def _is_number(value):
    return isinstance(value, (Number, np.number)) and not isinstance(value, (bool, complex)) and not is_missing(value)


def _same(exercise, answer, right, guessed):
    if exercise.kind == "choice":
        return answer in (right if isinstance(right, (set, frozenset)) else {right})
    if exercise.kind == "names":
        return set(answer) == set(right)
    margin = max(exercise.within, exercise.guess if guessed else 0.0, ROUNDED if exercise.kind == "share" else 0.0)
    pairs = [(answer, right)] if exercise.kind != "pair" else list(zip(answer, right))
    return all(math.isfinite(b) and abs(a - b) <= margin * (abs(b) if exercise.relative else 1) + 1e-12 for a, b in pairs)

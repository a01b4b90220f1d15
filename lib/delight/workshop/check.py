"""Friendly checks of an exercise: right, or not yet and what to look at. A check computes its answer; none is stored."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from delight import satisfaction
from delight.show.words import Words


class Verdict:
    """The outcome of a check, shown as a sentence; true when right."""

    def __init__(self, right, sentence):
        self.right, self.sentence = bool(right), sentence

    def __bool__(self):
        return self.right

    def __repr__(self):
        return self.sentence

    def _repr_html_(self):
        mark, colour = ("✓", "#2a8c74") if self.right else ("→", "#d1761c")
        return f'<p style="border-left:4px solid {colour};padding:.4em .8em">{mark} {escape(self.sentence)}</p>'


def share(answer, expected, *, language="en", hint=""):
    """Whether a share (0-1) was found; a percentage (0-100) is recognised and named."""
    _ = Words(language).gettext
    if not isinstance(answer, (int, float, np.number)):
        return Verdict(False, _("Not yet: a share is one number between 0 and 1."))
    if abs(float(answer) - expected) < 1e-6:
        return Verdict(True, _("Right."))
    if abs(float(answer) / 100 - expected) < 1e-6:
        return Verdict(False, _("Nearly: this is the percentage. Give the share, between 0 and 1."))
    return Verdict(False, " ".join(filter(None, [_("Not yet."), hint])))


def delighted(answer, scores, *, scale, delight_from=9, language="en"):
    """Exercise: the share of respondents who gave `delight_from` or more."""
    _ = Words(language).gettext
    frame = pd.DataFrame({"score": scores})
    expected = satisfaction.levels(frame, y="score", scale=scale, delight_from=delight_from).table["share_delighted"].iloc[0]
    return share(answer, expected, language=language, hint=_("Count those at or above the limit, and divide by those who answered."))


def nps(answer, scores, *, scale, language="en"):
    """Exercise: the net promoter score, -100 to 100."""
    _ = Words(language).gettext
    expected = satisfaction.nps(pd.DataFrame({"score": scores}), y="score", scale=scale).table["nps"].iloc[0]
    if isinstance(answer, (int, float, np.number)) and abs(float(answer) - expected) < 0.05:
        return Verdict(True, _("Right."))
    if isinstance(answer, (int, float, np.number)) and abs(float(answer) * 100 - expected) < 0.05:
        return Verdict(False, _("Nearly: multiply by 100; the score runs from −100 to 100."))
    return Verdict(False, _("Not yet. Take the share of 9 and 10, and subtract the share of 0 to 6."))


def score_of(scores):
    """The net promoter score of answers on 0-10, without its interval."""
    return float(100 * ((scores >= 9).mean() - (scores <= 6).mean()))


def middle(lower, upper, draws, *, language="en"):
    """Exercise: the two numbers between which the middle 95 % of the draws lie, to half a point."""
    _ = Words(language).gettext
    if not all(isinstance(v, (int, float, np.number)) for v in (lower, upper)):
        return Verdict(False, _("Not yet: give two numbers, the lower one first."))
    expected = np.quantile(draws, [0.025, 0.975])
    if np.all(np.abs(np.array([lower, upper], dtype=float) - expected) <= 2.5):
        return Verdict(True, _("Right."))
    if lower > upper:
        return Verdict(False, _("Not yet: the lower number comes first."))
    return Verdict(False, _("Not yet. Leave out the lowest 2.5 % and the highest 2.5 % of the scores."))

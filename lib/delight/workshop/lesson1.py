"""From satisfied to delighted: what an average hides, the promoter score, and how far a number can be trusted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight import satisfaction
from delight.show import satisfaction as views
from delight.workshop.exercise import Exercise
from delight.workshop.exercise import message as _

#: Customers whose answers the lesson looks at, and the half-width wanted in its last exercise.
CENTRE, WANTED = 150, 0.05


def _customers(desk):
    return desk.customers(CENTRE)


def _levels(desk):
    return satisfaction.levels(_customers(desk), y="overall", scale=desk.scales["overall"], delight_from=desk.book.delight_from)


def _share(desk):
    return float(_levels(desk).table["share_delighted"].iloc[0])


def _bars(desk, column="overall"):
    about = {"y": column, "scale": desk.scales[column]}
    about |= {"delight_from": desk.book.delight_from} if column == "overall" else {"delight_from": 9, "low_to": 6}
    return views.distribution, satisfaction.distribution(_customers(desk), **about), satisfaction.bands(_customers(desk), **about)


def _promoters(desk):
    return satisfaction.nps(_customers(desk), y="recommend", scale=desk.scales["recommend"])


def _score(desk):
    return float(_promoters(desk).table["nps"].iloc[0])


def _more_delighted(desk):
    other = float((desk.other_centre() >= desk.book.delight_from).mean())
    own = _share(desk)
    return {"petra"} if own > other else {"henk"} if own < other else {"same"}


def _needed(desk):
    p = _share(desk)
    return p * (1 - p) * (1.96 / WANTED) ** 2


def _margins(desk):
    n, p = np.array([100, 200, 300, 400, 600, 800]), _share(desk)
    return desk.read(pd.DataFrame({"n": n, "margin": 1.96 * np.sqrt(p * (1 - p) / n)}), decimals=3)


EXERCISES = (
    Exercise(
        name="share_delighted",
        kind="share",
        question=_("Which share of the customers gave a 9 or a 10?"),
        right=_share,
        look=_("Count those who gave 9 or 10, and divide by all who answered."),
        slips=(
            (lambda desk: float((_customers(desk)["overall"] > 9).mean()), _("Not yet: these are the tens alone. A 9 counts too.")),
            (
                lambda desk: float((_customers(desk)["overall"] >= 8).mean()),
                _("Not yet: the eights are in it. An 8 is satisfied, not delighted."),
            ),
            (
                lambda desk: float((_customers(desk)["overall"] >= 9).sum()),
                _("Nearly: this is how many they are. Divide by all who answered."),
            ),
        ),
        guess=0.03,
        show=_bars,
        again=False,
    ),
    Exercise(
        name="more_delighted",
        kind="choice",
        question=_("Petra and Henk have the same average. Who has more delighted customers?"),
        right=_more_delighted,
        options=lambda desk: ("petra", "henk", "same"),
        look=_("The averages are the same. Compare the shares of 9 and 10."),
        show=_bars,
        again=False,
    ),
    Exercise(
        name="net_promoter_score",
        kind="number",
        question=_("What is the net promoter score: promoters (9 and 10) minus detractors (0 to 6), in points?"),
        right=_score,
        within=0.05,
        guess=4,
        decimals=0,
        look=_("Take the share of 9 and 10, subtract the share of 0 to 6, and multiply by 100."),
        slips=(
            (lambda desk: _score(desk) / 100, _("Nearly: multiply by 100; the score runs from −100 to 100.")),
            (
                lambda desk: float(_customers(desk)["recommend"].mean()),
                _("Not yet: this is the mean. The score compares two groups and leaves out the 7 and 8."),
            ),
            (
                lambda desk: 100 * float((_customers(desk)["recommend"] >= 9).mean()),
                _("Not yet: these are the promoters. Subtract the detractors."),
            ),
            (
                lambda desk: 100 * float((_customers(desk)["recommend"] >= 9).mean() - (_customers(desk)["recommend"] < 6).mean()),
                _("Nearly: a 6 is a detractor too."),
            ),
        ),
        show=lambda desk: _bars(desk, "recommend"),
    ),
    Exercise(
        name="interval",
        kind="pair",
        question=_("200 times, 40 customers were drawn at random and scored. Between which two scores do the middle 95% lie?"),
        right=lambda desk: tuple(np.quantile(desk.draws, [0.025, 0.975])),
        within=2.5,
        guess=8,
        decimals=0,
        look=_("Leave out the lowest 2.5% and the highest 2.5% of the scores."),
        slips=(
            (
                lambda desk: (desk.draws.min(), desk.draws.max()),
                _("Not yet: these are the lowest and the highest of all. Leave out 2.5% at either end."),
            ),
        ),
    ),
    Exercise(
        name="answers_needed",
        kind="number",
        question=_("How many customers must answer, so that the share of delighted customers is known to 5 points either way?"),
        right=_needed,
        within=0.05,
        guess=0.25,
        relative=True,
        decimals=0,
        evidence=_margins,
        look=_("With share p of n answers, the margin is 1.96 times the root of p (1 − p) / n. Find the n for which that is 0.05."),
        slips=(
            (lambda desk: _needed(desk) / 4, _("Not yet: this is for 10 points either way. Half the margin takes four times the answers.")),
            (lambda desk: _needed(desk) / 1.96**2, _("Nearly: the margin is 1.96 standard errors, not one.")),
            (
                lambda desk: 150.0,
                _("Not yet: 150 is what we have. Work out the margin that 150 give, and see whether it is wider than 5 points."),
            ),
        ),
    ),
)


def reached(desk):
    """Whether the lesson's readings hold on this data: {reading: bool}."""
    row = _levels(desk).table.iloc[0]
    low, high = np.quantile(desk.draws, [0.025, 0.975])
    return {
        "a good average with fewer than half delighted": bool(row["mean"] >= 7 and row["share_delighted"] < 0.5),
        "more delighted customers than a centre with the same average": _more_delighted(desk) == {"petra"},
        "forty answers leave a swing of tens of points": bool(high - low >= 20),
        "150 answers are too few for five points": _needed(desk) > CENTRE,
    }

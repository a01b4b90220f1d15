"""What we do on Monday: basics first, an experiment by location, and how the team sees itself."""

from __future__ import annotations

from delight.practice import acts
from delight.show import drivers as views
from delight.show import practice as mirror
from delight.show.practice import factor_word
from delight.workshop.exercise import Exercise
from delight.workshop.exercise import message as _

#: The effect an experiment should be able to show, in standard deviations, and how much locations differ anyway.
EFFECT, ICC = 0.3, 0.05
CHANCE = 0.05


def _first(desk):
    """The first in the order of action that needs action: basics below the knot, else what lifts most."""
    return {str(desk.order.table["attribute"].iloc[0])}


def _needed(desk):
    return float(acts.locations_needed(d=EFFECT, icc=ICC, size=desk.size).table["locations"].iloc[0])


def _plans(desk):
    found = acts.locations_needed(d=(0.2, EFFECT, 0.4, 0.5), icc=ICC, size=desk.size).table
    return desk.read(found[["d", "locations"]], decimals=1)


def _row(desk):
    return desk.acted.table.iloc[0]


def _what(desk):
    return {"act" if _row(desk)["p_lot"] < CHANCE else "chance"}


def _blind(desk):
    return {str(desk.apart.table.set_index("factor")["gap"].idxmax())}


EXERCISES = (
    Exercise(
        name="first_to_do",
        kind="choice",
        question=_("What comes first on Monday?"),
        right=_first,
        options=lambda desk: tuple(desk.attributes),
        look=_("Basics that fall short come before anything that delights. The table is in the order of action."),
        slips=(
            (
                lambda desk: next(iter(desk.of_class("bijzonder")), None),
                _("Not yet: this delights, but a basic falls short. Nobody is delighted by a surprise after a broken agreement."),
            ),
            (
                lambda desk: str(desk.customers()[desk.attributes].mean().idxmin()),
                _("Not yet: this has the lowest grade. The lowest grade need not be what matters first."),
            ),
        ),
        show=lambda desk: (views.priority_table, desk.order),
        again=False,
    ),
    Exercise(
        name="locations_needed",
        kind="number",
        question=_("How many locations must do the act, and as many not, to show an effect of 0.3 standard deviations?"),
        right=_needed,
        within=0.01,
        guess=3,
        decimals=0,
        evidence=_plans,
        look=_("Ask for an effect of 0.3, an icc of 0.05 and the answers that a location gives; the answer is for one half."),
        slips=((lambda desk: 2 * _needed(desk), _("Nearly: these are both arms together. How many in each?")),),
    ),
    Exercise(
        name="effect",
        kind="number",
        question=_("What did the little acts do to the grade: change of those that began, minus change of the others?"),
        right=lambda desk: float(_row(desk)["effect"]),
        within=0.005,
        guess=0.05,
        needs=("act",),
        look=_(
            "Two changes from the first to the second wave: of the locations that began and of the others. Subtract the second from the first."
        ),
        slips=(
            (
                lambda desk: float(_row(desk)["change_treated"]),
                _("Not yet: this is their change alone. The others changed too, without any act."),
            ),
            (
                lambda desk: float(_row(desk)["treated_after"] - _row(desk)["others_after"]),
                _("Not yet: this compares them afterwards. They may have differed before they began."),
            ),
        ),
    ),
    Exercise(
        name="what_did_it",
        kind="choice",
        question=_("Was it the acts, or could the lot alone have done it?"),
        right=_what,
        options=lambda desk: ("act", "chance"),
        needs=("act",),
        look=_(
            "Look at the share of all lots that would have shown an effect at least as large, had the acts done nothing. Is it below 0.05?"
        ),
    ),
    Exercise(
        name="blind_spot",
        kind="choice",
        question=_("On which factor do the teams think most of themselves, compared with their customers?"),
        right=_blind,
        options=lambda desk: tuple(desk.book.factors),
        named=lambda desk, factor: factor_word(desk.words, factor),
        needs=("act",),
        show=lambda desk: (mirror.two_views, desk.apart),
        again=False,
        look=_("Look at the gap: own view minus customers' view. The largest one is the blind spot."),
        slips=(
            (
                lambda desk: str(desk.apart.table.set_index("factor")["own"].idxmax()),
                _("Not yet: here they score themselves highest. Their customers may agree; look at the difference."),
            ),
            (
                lambda desk: str(desk.apart.table.set_index("factor")["gap"].idxmin()),
                _("Not yet: here the two views are closest, or the customers think more of them."),
            ),
        ),
    ),
)


def reached(desk):
    """Whether the lesson's readings hold on this data: {reading: bool}."""
    row = _row(desk)
    return {
        "a basic that falls short comes first": str(desk.order.table["block"].iloc[0]) == "fix_first",
        "the acts lift the grade": bool(row["effect"] > 0 and row["ci_lo"] > 0),
        "the lot alone would seldom do it": bool(row["p_lot"] < CHANCE),
        "an effect this small takes more than a handful of locations": _needed(desk) >= 8,
        "the blind spot is the planted one": _blind(desk) == {"know_preferences"},
    }

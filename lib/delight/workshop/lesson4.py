"""What delights: why everything correlates, what poor and good experiences do, and what customers say of things they may get."""

from __future__ import annotations

from delight.drivers import kano
from delight.show import drivers as views
from delight.show import kano as wishes
from delight.workshop.exercise import Exercise
from delight.workshop.exercise import message as _


def _correlation(desk):
    return float(desk.customers()[[desk.bystander, "overall"]].dropna().corr().iloc[0, 1])


def _top(desk):
    return {str(desk.weighed.table.sort_values("share")["attribute"].iloc[-1])}


def _groups(desk):
    """Mean overall grade of customers with a poor (up to 6), an ordinary and a good (9 and 10) experience."""
    both = desk.customers()[[desk.basic, "overall"]].dropna()
    x, y = both[desk.basic], both["overall"]
    low, high = desk.scales[desk.basic].low_high
    return {"poor": y[x <= low].mean(), "ordinary": y[(x > low) & (x < high)].mean(), "good": y[x >= high].mean()}


def _contrasts(desk):
    """What a poor and a good experience do, each minus those in between."""
    by = _groups(desk)
    return float(by["poor"] - by["ordinary"]), float(by["good"] - by["ordinary"])


def _correlations(desk):
    of = desk.customers()[[*desk.attributes, "overall"]].corr()["overall"]
    return desk.read(of[desk.attributes])


def _better(desk, everybody=False):
    f, d = desk.pairs[desk.feature]
    found = desk.customers()[[f, d]].dropna()
    told = list(kano.categories(found[f], found[d]))
    inside = [c for c in told if everybody or c in "AOMI"]
    return sum(c in "AO" for c in inside) / len(inside) if inside else float("nan")


def _worse(desk):
    return abs(float(desk.wishes.table.query("by == 'whole'").set_index("attribute").loc[desk.feature, "cs_minus"]))


EXERCISES = (
    Exercise(
        name="correlation",
        kind="number",
        question=_("How strongly does the least important experience correlate with the overall grade?"),
        right=_correlation,
        within=0.006,
        guess=0.15,
        evidence=_correlations,
        look=_("Take the two columns, and the correlation between them."),
        slips=((lambda desk: _correlation(desk) ** 2, _("Nearly: this is the correlation squared.")),),
    ),
    Exercise(
        name="most_important",
        kind="choice",
        question=_("Which experience has the largest share of importance?"),
        right=_top,
        options=lambda desk: tuple(desk.attributes),
        look=_("Look for the largest share. Correlation alone would mislead: everything correlates."),
        slips=(
            (
                lambda desk: str(desk.customers()[desk.attributes].mean().idxmax()),
                _("Not yet: this one has the best grade. The best graded need not be the most important."),
            ),
            (lambda desk: desk.bystander, _("Not yet: this is the least important one.")),
        ),
        show=lambda desk: (views.importance_figure, desk.weighed),
        again=False,
    ),
    Exercise(
        name="contrasts",
        kind="pair",
        question=_(
            "For the strongest basic factor: what does a poor experience do to the overall grade, and what does a good one, in points?"
        ),
        right=_contrasts,
        within=0.02,
        guess=0.35,
        look=_(
            "Three groups by the experience: up to 6, 7 and 8, 9 and 10. Take the mean overall grade of each; subtract that of the middle group from the other two."
        ),
        slips=(
            (
                lambda desk: tuple(-v for v in _contrasts(desk)),
                _("Nearly: the other way round. Subtract the middle group from the others."),
            ),
        ),
        show=lambda desk: (views.penalty_reward, desk.impact),
        evidence=lambda desk: desk.read(_groups(desk)),
        again=False,
    ),
    Exercise(
        name="delighters",
        kind="names",
        question=_("Which experiences are delight factors: no harm when ordinary, a lift when good?"),
        right=lambda desk: set(desk.of_class("bijzonder")),
        options=lambda desk: tuple(desk.attributes),
        look=_("Look for the type of every experience. Name all delight factors and no other."),
        slips=(
            (
                lambda desk: set(desk.of_class("basis")),
                _("Not yet: these are the basic factors, which hurt when poor and do nothing when good."),
            ),
        ),
        show=lambda desk: (views.class_table, desk.impact),
    ),
    Exercise(
        name="better",
        kind="share",
        question=_("Of the customers with an opinion, which share would be glad to have the feature: delighted, or the more the better?"),
        right=_better,
        guess=0.05,
        needs=("pairs",),
        look=_("Count the letters. Divide A and O by A, O, M and I; leave out R and Q."),
        slips=(
            (lambda desk: _better(desk, everybody=True), _("Nearly: R and Q are no opinion on having it. Divide by A, O, M and I alone.")),
            (_worse, _("Not yet: this is how many would miss it (O and M). Count A and O.")),
        ),
        show=lambda desk: (wishes.count_table, desk.wishes),
    ),
)


def reached(desk):
    """Whether the lesson's readings hold on this data: {reading: bool}."""
    low, high = _contrasts(desk)
    delight = set(desk.of_class("bijzonder"))
    letters = desk.wishes.table.query("by == 'whole'").set_index("attribute")["category"]
    return {
        "even what does nothing correlates": desk.bystander == "building" and _correlation(desk) > 0.15,
        "the building has no effect": "building" not in desk.of_class("basis", "bijzonder", "beleving"),
        "warmth, being known and surprises delight": delight == {"warmth", "known", "surprise"},
        "a basic factor hurts more when poor than it lifts when good": -low > 1.5 * high,
        "a daily photo delights, a quick answer does not": letters["photos"] == "A" and letters["quick_answer"] == "M",
    }

"""What binds: the step above 8, and four traps between a satisfaction score and a customer who stays."""

from __future__ import annotations

from delight import loyalty
from delight.show import loyalty as views
from delight.workshop.exercise import Exercise
from delight.workshop.exercise import message as _

VERDICTS = {"supported": "step", "contradicted": "no_step"}


def _means(desk):
    return desk.customers().groupby("overall")["recommend"].mean()


def _step(desk):
    m = _means(desk)
    return float(m[9] - m[8])


def _extra(desk):
    m = _means(desk)
    return float(m[9] - 2 * m[8] + m[7])


def _left(desk):
    promoters = desk.customers().query("recommend >= 9")
    return float(promoters["churned"].mean())


def _promoters_among_leavers(desk):
    return float((desk.customers().query("churned == 1")["recommend"] >= 9).mean())


def _left_by_grade(desk):
    by = desk.customers().groupby("recommend")["churned"].agg(n="size", churned="mean")
    return desk.read(by.reset_index())


def _line(desk, **terms):
    return loyalty.regression(desk.customers(), y="recommend", x="overall", scales=desk.scales, model="ols", **terms).table


def _slope(desk, **terms):
    found = _line(desk, **terms)
    return float(found.loc[found["term"] == "overall", "coef"].iloc[0])


def _rule(desk):
    return loyalty.rule(desk.customers(), y="recommend", x="overall", scales=desk.scales)


EXERCISES = (
    Exercise(
        name="step_up",
        kind="number",
        question=_("How many points higher do customers who gave a 9 recommend than those who gave an 8?"),
        right=_step,
        within=0.005,
        guess=0.15,
        look=_("Two mean recommendations: of those who graded exactly 9, and exactly 8. Subtract the second from the first."),
        slips=(
            (
                lambda desk: float(desk.customers().query("overall >= 9")["recommend"].mean() - _means(desk)[8]),
                _("Nearly: the tens are in it. Compare exactly 9 with exactly 8."),
            ),
            (lambda desk: -_step(desk), _("Nearly: the other way round. Take 9 minus 8.")),
        ),
        show=lambda desk: (views.rule_table, desk.steps),
    ),
    Exercise(
        name="extra_step",
        kind="number",
        question=_("How much larger is the step from 8 to 9 than the step from 7 to 8?"),
        right=_extra,
        within=0.005,
        guess=0.25,
        look=_("Work out both steps, from 8 to 9 and from 7 to 8, and subtract the second from the first."),
        slips=(
            (_step, _("Not yet: this is the step from 8 to 9 itself. Subtract the step from 7 to 8.")),
            (lambda desk: -_extra(desk), _("Nearly: the other way round. Take the upper step minus the lower one.")),
        ),
        show=lambda desk: (views.step_figure, desk.steps),
    ),
    Exercise(
        name="verdict",
        kind="choice",
        question=_("What does the test say about the step above 8?"),
        right=lambda desk: {VERDICTS.get(_rule(desk).meta["verdict"], "cannot_say")},
        options=lambda desk: ("step", "no_step", "cannot_say"),
        look=_("Read the interval of the extra step: above zero, below zero, or both?"),
        show=lambda desk: (views.rule, desk.steps),
    ),
    Exercise(
        name="slope_with_step",
        kind="number",
        question=_("What is left of the slope of satisfaction, once being delighted may lift loyalty by itself?"),
        right=lambda desk: _slope(desk, delight_from=desk.book.delight_from),
        within=0.005,
        guess=0.1,
        evidence=lambda desk: desk.read(_line(desk, delight_from=desk.book.delight_from).set_index("term")[["coef", "ci_lo", "ci_hi"]]),
        look=_("In the regression where being delighted has a row of its own, read the coefficient of the overall grade."),
        slips=((_slope, _("Not yet: this is the slope of the straight line alone. Let being delighted have a row of its own.")),),
    ),
    Exercise(
        name="promoters_left",
        kind="share",
        question=_("Which share of the promoters left within half a year all the same?"),
        right=_left,
        guess=0.03,
        needs=("churned",),
        evidence=_left_by_grade,
        look=_("Among those whose recommendation is 9 or 10, take the share that left."),
        slips=(
            (
                _promoters_among_leavers,
                _("Not yet: this is the share of promoters among those who left. Turn it round: of the promoters, who left?"),
            ),
            (
                lambda desk: float(desk.customers()["churned"].mean()),
                _("Not yet: this is the share of all customers. Look at the promoters alone."),
            ),
        ),
    ),
)


def reached(desk):
    """Whether the lesson's readings hold on this data: {reading: bool}."""
    return {
        "the step from 8 to 9 is larger than from 7 to 8": _extra(desk) > 0.2,
        "the test supports it": _rule(desk).meta["verdict"] == "supported",
        "the slope falls when the step may take part": _slope(desk, delight_from=9) < _slope(desk) - 0.05,
        "some promoters left": 0.01 < _left(desk) < 0.3,
    }

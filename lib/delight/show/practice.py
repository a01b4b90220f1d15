"""The team's own view beside its customers': names of the factors, a reading, a figure and a table."""

from __future__ import annotations

import numpy as np

from delight.show.charts import Chart, Series
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table

#: Gaps smaller than this, in points of 100, are not worth a talk.
SMALL = 5


def factor_word(words, factor):
    """Name of a success factor, basic or barrier; another factor is its own name."""
    _ = words.gettext
    known = {
        "basics_in_order": _("The basics in order"),
        "attentive_staff": _("Attentive staff who seek contact"),
        "know_preferences": _("Knowing preferences personally"),
        "surprise": _("Surprising"),
        "personal_communication": _("Relevant personal communication"),
        "speed": _("Fast and easy"),
        "accessibility": _("Accessible, irritation solved fast"),
        "preventing_discomfort": _("Preventing discomfort and uncertainty"),
        "complaint_handling": _("Excellent handling of complaints"),
        "staff_involvement": _("Involved staff"),
        "staff_expertise": _("Expert staff"),
        "surroundings": _("Surroundings"),
        "low_involvement": _("Little involvement of employees"),
        "silos": _("Departments that work past each other"),
        "poor_feedback": _("Feedback that does not arrive"),
        "weak_learning": _("Little learning from mistakes"),
        "poor_data": _("Poor knowledge of customers"),
    }
    return known.get(factor, factor)


def _sorted(gap):
    return gap.table.sort_values("gap", ascending=False, na_position="last")


def _apart(gap):
    """Rows whose interval leaves zero and whose gap is worth a talk."""
    t = _sorted(gap)
    return t[(t["q"] <= 0.05) & (t["gap"].abs() >= SMALL)]


@reading
def mirror(gap, words, **options):
    """Where the team thinks more, or less, of itself than its customers do."""
    _ = words.gettext
    t, apart = _sorted(gap), _apart(gap)
    if t["gap"].isna().all():
        return [_("There are too few answers to set both views beside each other.")]
    paragraphs = []
    above, below = apart[apart["gap"] > 0], apart[apart["gap"] < 0]
    if len(above):
        first = above.iloc[0]
        paragraphs.append(
            _(
                "The team thinks more of itself than its customers do on **{factor}**: {own} against {customers} of 100, {gap} points apart ({interval})."
            ).format(
                factor=factor_word(words, first["factor"]),
                own=words.number(first["own"]),
                customers=words.number(first["customers"]),
                gap=words.number(first["gap"]),
                interval=words.interval(first["ci_lo"], first["ci_hi"], words.number),
            )
        )
        others = [factor_word(words, f) for f in above["factor"].iloc[1:]]
        if others:
            paragraphs.append(_("The same, less strongly, holds for {factors}.").format(factors=words.listed(others)))
    if len(below):
        factors = words.listed([factor_word(words, f) for f in below["factor"]])
        paragraphs.append(_("Customers think more of the team than it does itself on {factors}.").format(factors=factors))
    if not len(apart):
        paragraphs.append(_("Both views lie close together, or too few have answered to tell them apart."))
    if (t["status"] == "low_base").any():
        paragraphs.append(_("With so few answers this is a reason to talk, not a finding."))
    return paragraphs


def _title(gap, words, **options):
    return words.gettext("How does the team see itself, and how do its customers?")


def _caption(gap, words, **options):
    _ = words.gettext
    return _("Both views on 0–100 of their own scale. A long line is a question for the team's next talk, not a mark.")


def _alt(gap, words, **options):
    _ = words.gettext
    rows = [
        _("{factor}: team {own}, customers {customers}").format(
            factor=factor_word(words, r.factor), own=words.number(r.own), customers=words.number(r.customers)
        )
        for r in _sorted(gap).itertuples()
    ]
    return "; ".join(rows) + "."


def _size(gap, **options):
    return 170, 26 + 8 * len(gap.table)


def _chart(gap, words, **options):
    _, t = words.gettext, _sorted(gap)
    names = [factor_word(words, f) for f in t["factor"]]
    both = [
        Series(_("The team"), t["own"], None, None, COLOURS["second"]),
        Series(_("Its customers"), t["customers"], None, None, COLOURS["main"]),
    ]
    return Chart("bar", names, both, "number", _("0–100"), "")


@figure(title=_title, caption=_caption, alt=_alt, size=_size, chart=_chart)
def two_views(gap, ax, words, **options):
    """A line from the customers' view to the team's own, a factor each."""
    _, t = words.gettext, _sorted(gap).iloc[::-1]
    at = np.arange(len(t))
    ax.hlines(at, t["customers"], t["own"], color=COLOURS["grid"], linewidth=3)
    ax.plot(t["customers"], at, "o", color=COLOURS["main"], markersize=6, label=_("Its customers"))
    ax.plot(t["own"], at, "D", color=COLOURS["second"], markersize=5.5, label=_("The team"))
    ax.set_yticks(at, [factor_word(words, f) for f in t["factor"]])
    ax.set_xlim(0, 100)
    ax.set_xlabel(_("0–100"))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return ax


def _team_note(scores, words, **options):
    return words.gettext(
        "0 not at all true, 100 entirely true. Agreement: 1 all say the same, 0 as if at random; from 0.7 the mean may speak for the team."
    )


@table(title=lambda scores, words, **options: words.gettext("What the team says of itself"), note=_team_note)
def team_table(scores, words, **options):
    """Mean and agreement, a factor each."""
    _, t = words.gettext, scores.table[scores.table["by"] == "whole"].sort_values("mean", ascending=False)
    return [
        Column(_("Factor"), [factor_word(words, f) for f in t["factor"]]),
        Column(_("Mean"), t["mean"].tolist(), "count", t["ci_lo"].tolist(), t["ci_hi"].tolist()),
        Column(_("Agreement"), t["rwg"].tolist(), "number2"),
        Column(_("n"), t["n"].tolist(), "count"),
    ]

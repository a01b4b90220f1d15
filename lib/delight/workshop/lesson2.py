"""Three kinds of parents: people rate high or low by habit; what they want more than other things tells them apart."""

from __future__ import annotations

import numpy as np

from delight.show import segments as views
from delight.workshop.desk import KINDS_FROM
from delight.workshop.exercise import Exercise
from delight.workshop.exercise import message as _

#: A customer whose own mean reaches this rates everything high.
HIGH = 8
#: Spreads closer than this are as good as equal.
TIE = 0.05


def _ratings(desk):
    return desk.customers(KINDS_FROM)[desk.needs]


def _high_raters(desk):
    return float((_ratings(desk).mean(axis=1) >= HIGH).mean())


def _own_means(desk):
    """Share of customers by their own mean, a point wide each."""
    lower = np.floor(_ratings(desk).mean(axis=1).dropna()).clip(upper=9).astype(int)
    shares = lower.value_counts(normalize=True).sort_index()
    return desk.read(shares.rename(lambda low: f"{low}–{low + 1}"))


def _spread(desk):
    ratings = _ratings(desk)
    return ratings.sub(ratings.mean(axis=1), axis=0).std()


def _dividing(desk):
    spread = _spread(desk)
    return set(spread.index[spread >= spread.max() - TIE])


def _raw_spread(desk):
    return str(_ratings(desk).std().idxmax())


def _segments(desk):
    return desk.found.segments.table


def _karin(desk):
    return {str(desk.typing.tool.assign(desk.karin).table["segment"].iloc[0])}


EXERCISES = (
    Exercise(
        name="high_raters",
        kind="share",
        question=_("Some customers rate everything high. Which share has an own mean of 8 or more over all needs?"),
        right=_high_raters,
        guess=0.05,
        evidence=_own_means,
        look=_("First the mean of every customer over her needs, a row each; then the share of those means that reach 8."),
        slips=(
            (
                lambda desk: float((_ratings(desk).mean() >= HIGH).mean()),
                _("Not yet: these are the means of the needs. Take the mean of every customer, over the row."),
            ),
            (
                lambda desk: float((_ratings(desk) >= HIGH).to_numpy().mean()),
                _("Not yet: this is the share of all ratings. Take the mean of every customer first."),
            ),
        ),
    ),
    Exercise(
        name="dividing_need",
        kind="choice",
        question=_("Which need divides the customers most, once everybody's own level is taken off?"),
        right=_dividing,
        options=lambda desk: tuple(desk.needs),
        evidence=lambda desk: desk.read(_spread(desk)),
        look=_("Subtract every customer's own mean from her ratings, and look for the largest standard deviation."),
        slips=(
            (_raw_spread, _("Not yet: it spreads most before the own levels are taken off. Subtract every customer's own mean first.")),
        ),
    ),
    Exercise(
        name="number_of_kinds",
        kind="number",
        question=_("How many kinds of customers does the library propose?"),
        right=lambda desk: float(desk.found.verdict.table["proposed"].iloc[0]),
        decimals=0,
        look=_(
            "The table of fits has a row a number of kinds. Find the proposal: the smallest BIC among those whose kinds are all large enough."
        ),
        show=lambda desk: (views.fit_table, desk.found.fit),
        again=False,
    ),
    Exercise(
        name="largest_share",
        kind="share",
        question=_("How large is the largest kind?"),
        right=lambda desk: float(_segments(desk)["share"].max()),
        within=0.03,
        guess=0.05,
        look=_("The table of kinds has their shares; take the largest."),
        show=lambda desk: (views.wishes, desk.found.profile),
        evidence=lambda desk: desk.read(_segments(desk).set_index("segment")["share"]),
    ),
    Exercise(
        name="kind_of_karin",
        kind="choice",
        question=_("Karin answered the golden questions. Which kind of customer is she?"),
        right=_karin,
        options=lambda desk: tuple(_segments(desk)["segment"]),
        look=_("Each kind has a score: its constant plus its weights times the answers. The highest score wins."),
        slips=(
            (
                lambda desk: str(_segments(desk)["segment"].iloc[0]),
                _("Not yet: this is the most frequent kind. Let Karin's own answers speak."),
            ),
        ),
        show=lambda desk: (views.typing_table, desk.typing.formula),
        again=False,
    ),
)


def reached(desk):
    """Whether the lesson's readings hold on this data: {reading: bool}."""
    verdict, kinds = desk.found.verdict.table.iloc[0], _segments(desk)
    planted = [n for n, wishes in desk.book.archetypes.items() if wishes]
    divided = {item for n in planted for item in desk.book.archetypes[n]}
    return {
        "three kinds are proposed": int(verdict["proposed"]) == 3 and len(kinds) == 3,
        "each bears the name planted": set(kinds["segment"]) == set(desk.book.archetypes),
        "what divides is what the kinds differ in": _dividing(desk) <= divided,
        "some rate everything high": 0.05 < _high_raters(desk) < 0.6,
        "Karin is of the second kind": _karin(desk) == {str(kinds["segment"].iloc[1])},
    }

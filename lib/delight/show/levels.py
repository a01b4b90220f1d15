"""Means and shares of one question in words: as a grade, or as a percentage where it was answered with yes or no; and their axes."""

from __future__ import annotations

#: Level below which a corrected p counts as a difference.
ALPHA = 0.05


def point(words, value):
    """A point of a scale, without needless decimals."""
    return words.number(value, 0 if float(value).is_integer() else 1)


def is_share(result):
    """Whether the question is answered with yes (1) or no (0), so that its mean is a share."""
    scale = result.meta.get("scale") or {}
    return (scale.get("min"), scale.get("max")) == (0, 1)


def mean_in_words(words, result, value):
    return words.percent(value) if is_share(result) else words.grade(value)


def mean_interval(words, result, lo, hi):
    return words.interval(lo, hi, words.percent if is_share(result) else words.grade)


def mean_format(result):
    return "percent" if is_share(result) else "grade"


def change_in_words(words, result, value):
    """A difference of means: points of the scale, or percentage points for a yes-or-no question."""
    return words.signed(100 * value, 1) if is_share(result) else words.signed(value, 2)


def row_of(result, by="whole", group=""):
    table = result.table
    return table[(table["by"] == by) & (table["group"] == group)].iloc[0]


def no_estimate(words, status):
    """Why there is no figure."""
    _ = words.gettext
    if status == "suppressed":
        return _("Too few customers answered to show this without giving away who they are.")
    if status == "not_identified":
        return _("This question was not asked on a scale from which the figure can be computed.")
    return _("Nobody answered this question.")


def few_ticks(**options):
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(**{"nbins": 4, **options})


def number_ticks(axis, show):
    """Ticks with as many decimals as tell neighbours apart."""
    ticks = axis.get_majorticklocs()
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1
    decimals = next((d for d in range(4) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 3)
    axis.set_major_formatter(lambda value, _: show(value, decimals))

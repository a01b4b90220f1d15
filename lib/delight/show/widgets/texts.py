"""What stands above an explorer in its notebook, in the language of its study."""

from __future__ import annotations

import re


def about(key, words, presentation=False):
    """Heading, introduction and reading of an explorer, to be shown by a notebook.

    Parameters
    ----------
    key : {"satisfaction", "segments", "loyalty", "drivers", "what_if", "comments", "codebook"}
    words : delight.show.Words
    presentation : bool
        Large type, readable at the back of a room.

    Returns
    -------
    IPython.display.HTML
    """
    from IPython.display import HTML

    heading, introduction, reading = _TEXTS[key](words.gettext)
    paragraphs = [introduction, words.gettext("*Reading:* {text}").format(text=reading)]
    body = f"<h1>{_marked(heading)}</h1>" + "".join(f"<p>{_marked(text)}</p>" for text in paragraphs)
    return HTML(f'<div style="max-width:78ch;font-size:{22 if presentation else 14}px;line-height:1.5">{body}</div>')


def _marked(text):
    """Text as safe HTML: bold, code, and the emphasis it begins with."""
    from delight.show.render import paragraph

    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", paragraph(text))
    return re.sub(r"^\*([^*]+)\*", r"<em>\1</em>", marked)


def _satisfaction(_):
    return (
        _("Satisfaction, live"),
        _(
            "Who gives a 9 or a 10, and where? Choose a wave, a location or a group; the numbers and the figure follow. "
            "Nothing here goes into a report, but **As code** gives the lines that would."
        ),
        _(
            "look at the interval before the number. To ask whether two groups differ, tick **Compare with a second selection**: "
            "two intervals that overlap a little may still differ, and the test says so."
        ),
    )


def _segments(_):
    return (
        _("Kinds of customers, live"),
        _(
            "Two kinds of customers, three, five? Move the slider and see what each kind would want, and whether it is there at all. "
            "A first look comes soon; names, intervals and the comparison follow while you read, and **Stop** ends them."
        ),
        _(
            "a segment bears the name of an expected kind of customer only if it lies clearly closer to it than to the next. "
            "At the bottom a few golden questions tell the segment of one customer: answer for somebody you know."
        ),
    )


def _loyalty(_):
    return (
        _("What binds customers, live"),
        _(
            "Does loyalty rise step by step, or is there a threshold? Move the slider to a grade and see what a step there would be worth, "
            "beside the place that the answers themselves point to."
        ),
        _(
            "compare the dots with the lines. A threshold that you try may be there if it lies in the 95% set; "
            "a straight line that does as well means that there is none to be seen."
        ),
    )


def _drivers(_):
    return (
        _("What drives delight, live"),
        _(
            "Which experiences weigh most, which only punish, which delight? Choose a view and a group of customers. "
            "Click an experience, in the figure or in the menu, and see the plain answers behind it."
        ),
        _(
            "the first view has no intervals yet; they sharpen while you read. Without them an order of bars is no finding. "
            "The figure below is the raw relation: nothing held equal, so it always looks stronger than the weight above."
        ),
    )


def _what_if(_):
    return (
        _("What if, live"),
        _(
            "What may be expected if customers graded an experience a point higher, or two experiences at once? Move the sliders: "
            "everybody's own answer moves, within its scale, and the models say how many more customers would be delighted, recommend or stay."
        ),
        _(
            "look at the intervals, and remember what this is: what goes together in one survey, all else equal. "
            "A trial shows what causes what."
        ),
    )


def _comments(_):
    return (
        _("In their own words"),
        _(
            "What do customers write about waiting, or about a warm welcome? Search, and read the words where they stand. "
            "Names, addresses and numbers were taken out when the feedback was read; a name may have been missed."
        ),
        _(
            'words must all occur; `"a phrase"` in quotation marks, `begin*`, `either|or`, and `-without` narrow the search. '
            "Case and accents do not matter."
        ),
    )


def _codebook(_):
    return (
        _("The codebook, decided by clicking"),
        _(
            "A study drafted from raw exports leaves open what it is unsure of: rows of the codebook whose role is `?`. Here you decide them "
            "one by one, with the answers that people gave beside each. Nothing is written until you save; the old file is kept beside the new one."
        ),
        _(
            "a column that identifies a person, or that nobody will look at, is best left out. "
            "A question answered on a scale needs its lowest and highest point: they are never guessed silently."
        ),
    )


_TEXTS = {
    "satisfaction": _satisfaction,
    "segments": _segments,
    "loyalty": _loyalty,
    "drivers": _drivers,
    "what_if": _what_if,
    "comments": _comments,
    "codebook": _codebook,
}

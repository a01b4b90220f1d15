"""Views: functions that turn a result into words, a table or a figure; registered by module and name.

A block stores the name of its view, so that any language and format can be made later from the saved result alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field

from delight.errors import InputError


@dataclass(frozen=True)
class Column:
    """One column of a shown table.

    Parameters
    ----------
    heading : str
        In the reader's language.
    values : sequence
        Unrounded; the renderer formats them.
    format : str
        ``text, count, grade, number1, number2, number3, percent, percent1, points, signed1, signed2, p``.
    lo, hi : sequence, optional
        Limits, shown behind the value as "(7.6–8.1)".
    emphasis : sequence of bool, optional
        Cells to set in bold.
    """

    heading: str
    values: object
    format: str = "text"
    lo: object = None
    hi: object = None
    emphasis: object = None


@dataclass(frozen=True)
class View:
    """A named view; calling it calls the function."""

    kind: str
    name: str
    function: Callable
    title: Callable | None = None
    caption: Callable | None = None
    alt: Callable | None = None
    size: tuple = (170, 90)
    options: dict = field(default_factory=dict)
    look: str = ""
    chart: Callable | None = None

    def __call__(self, *args, **options):
        return self.function(*args, **options)


def _view(kind, **about):
    def wrap(function):
        name = f"{function.__module__.rsplit('.', 1)[-1]}.{function.__name__}"
        return View(kind, name, function, **about)

    return wrap


def reading(function):
    """A view that reads results aloud: ``(*results, words, **options) -> list of paragraphs`` (plain text, ``**bold**`` allowed)."""
    return _view("reading")(function)


def guide(function):
    """A reading that tells how to read what stands around it: for the page and a speaker's notes, no message by itself."""
    return _view("reading", look="guide")(function)


def table(*, title, note=None, look=""):
    """A view that lays out a table: ``(*results, words, **options) -> list of Column``.

    Parameters
    ----------
    title, note : function (*results, words, **options) -> str
        Title above; an optional note below.
    look : {"", "cards"}
        ``cards`` sets a few key figures side by side; its columns are label, value, interval and base, all text.
    """
    return _view("table", title=title, caption=note, look=look)


def figure(*, title, caption, alt, size=(170, 90), chart=None):
    """A view that draws: ``(*results, ax, words, **options) -> ax``; it computes nothing a table could not show.

    Parameters
    ----------
    title : function (*results, words, **options) -> str
        The question.
    caption : function, same arguments
        The reading of the figure.
    alt : function, same arguments
        Text alternative: what the figure shows, with its main numbers.
    size : (float, float) or function (*results, **options) -> (float, float)
        Width and height in millimetres; the width of the text is 170.
    chart : function (*results, words, **options) -> Chart or list of Chart, optional
        The same figures for a native chart (`delight.show.charts`); without it the figure is a picture wherever it is shown.
    """
    return _view("figure", title=title, caption=caption, alt=alt, size=size, chart=chart)


def find(name):
    """The view registered as ``module.function``."""
    module, _, function = name.partition(".")
    try:
        view = getattr(importlib.import_module(f"delight.show.{module}"), function)
    except (ImportError, AttributeError):
        raise InputError(f"There is no view '{name}' in delight.show.") from None
    if not isinstance(view, View):
        raise InputError(f"'{name}' in delight.show is not a view.")
    return view

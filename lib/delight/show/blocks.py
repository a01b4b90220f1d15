"""Blocks: the pieces of a chapter that a client gets to see, resting on saved results."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from delight.errors import InputError
from delight.result import Result, plain
from delight.show import render
from delight.show.views import View
from delight.show.words import Words

MIME = "application/vnd.delight.block+json"
#: Where in a report a block stands; ``overleaf`` is the second page of a location report.
PLACES = ("body", "annex", "overleaf")

_STYLE = """<style>.delight{max-width:760px;font-family:system-ui,sans-serif;line-height:1.45}.delight table{border-collapse:collapse}
.delight th,.delight td{padding:.2em .7em;text-align:left;border-bottom:1px solid #ddd}.delight .num{text-align:right}
.delight caption,.delight .question{font-weight:600;text-align:left}.delight .source,.delight .note{color:#5f6b76;font-size:.85em}
.delight figure{margin:0}</style>"""


@dataclass(frozen=True)
class Saved:
    """A result that stands in the work folder under a name, so that a block can rest on it.

    Attributes
    ----------
    name : str
        ``chapter.table``.
    result : Result
        As the method gave it.
    client : Result
        As a client may see it: small groups suppressed by the study's plan.
    words : Words
        Language of this run.
    """

    name: str
    result: Result
    client: Result
    words: Words

    @property
    def table(self):
        """The unsuppressed table, for looking at in a notebook; not for reports."""
        return self.result.table


@dataclass(frozen=True)
class Block:
    """A reading, table, figure or note with the saved results it rests on."""

    kind: str
    key: str
    view: View
    saved: tuple
    place: str = "body"
    options: dict = field(default_factory=dict)

    def as_dict(self):
        """What a report needs to make this block again in any language."""
        return {
            "kind": self.kind,
            "key": self.key,
            "view": self.view.name,
            "tables": [s.name for s in self.saved],
            "place": self.place,
            "options": plain(self.options),
        }

    @cached_property
    def html(self):
        """This block in the language of the run."""
        return render.block_html(self.as_dict(), [s.client for s in self.saved], self.saved[0].words)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {
            MIME: self.as_dict(),
            "text/html": f'{_STYLE}<div class="delight">{self.html}</div>',
            "text/plain": f"<{self.kind} {self.key}>",
        }


def _block(kind, args, place, options):
    *saved, view = args
    if not isinstance(view, View) or not saved or not all(isinstance(s, Saved) for s in saved):
        raise InputError(f"show.{kind}(saved, …, view) takes results saved with here.save(…) and then a view; got {args!r}.")
    if place not in PLACES:
        raise InputError(f"A block's place is {', '.join(PLACES[:-1])} or {PLACES[-1]}, not {place!r}.")
    wanted = "reading" if kind == "note" else kind
    if view.kind != wanted:
        raise InputError(f"'{view.name}' is a {view.kind}, so it is shown with show.{view.kind}, not show.{kind}.")
    suffix = ":" + ",".join(f"{k}={v}" for k, v in sorted(plain(options).items())) if options else ""
    return Block(kind, f"{saved[0].name}:{view.name}{suffix}", view, tuple(saved), place, options)


def reading(*args, place="body", **options):
    """What a result says, in sentences: ``show.reading(saved, views.levels)``."""
    return _block("reading", args, place, options)


def table(*args, place="body", **options):
    """A result as a readable table: ``show.table(saved, views.level_table)``."""
    return _block("table", args, place, options)


def figure(*args, place="body", **options):
    """A result as a figure: ``show.figure(saved, views.distribution)``."""
    return _block("figure", args, place, options)


def note(*args, place="body", **options):
    """A remark set apart: ``show.note(saved, views.small_sample)``."""
    return _block("note", args, place, options)

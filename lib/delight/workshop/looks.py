"""How a lesson looks: results in the shipped fonts, tables with words above their columns, type that can be read at the back of a room."""

from __future__ import annotations

import base64
from functools import lru_cache
from html import escape
from numbers import Number

import ipywidgets
import numpy as np
import pandas as pd

from delight.show import theme
from delight.show.blocks import _STYLE as STYLE
from delight.show.practice import factor_word
from delight.show.words import is_missing
from delight.workshop.exercise import message as _

#: Font files by (family, weight).
SANS = {"DelightSans-Regular": (theme.SANS, 400), "DelightSans-SemiBold": (theme.SANS, 600)}
SERIF = {"DelightSerif-Regular": (theme.SERIF, 400), "DelightSerif-SemiBold": (theme.SERIF, 600)}
#: Columns and rows of the library's tables, in words.
HEADINGS = {
    "grade": _("Grade"),
    "n": _("Answers"),
    "mean": _("Mean"),
    "value": _("Value"),
    "se": _("Standard error"),
    "ci_lo": _("Lower limit"),
    "ci_hi": _("Upper limit"),
    "lo": _("Lower limit"),
    "hi": _("Upper limit"),
    "p": _("p"),
    "term": _("Term"),
    "(intercept)": _("Constant"),
    "coef": _("Coefficient"),
    "delighted": _("Delighted customers"),
    "location": _("Location"),
    "lot": _("Drawn with (lot)"),
    "act": _("Does the act"),
    "treated_before": _("Those that began: before"),
    "treated_after": _("Those that began: after"),
    "others_before": _("The others: before"),
    "others_after": _("The others: after"),
    "effect": _("Effect"),
    "p_lot": _("Share of lots with as large an effect"),
    "factor": _("Factor"),
    "own": _("The team"),
    "customers": _("Its customers"),
    "gap": _("Gap"),
    "margin": _("Margin, either way"),
    "poor": _("Poor experience"),
    "ordinary": _("Ordinary experience"),
    "good": _("Good experience"),
    "d": _("Effect, in standard deviations"),
    "locations": _("Locations in each half"),
}
_ALIGNED = """<style>.delight table th,.delight table td{text-align:left!important}.delight table .num{text-align:right!important}.delight .ci{white-space:nowrap}
.delight .read th{font-weight:600;vertical-align:bottom;white-space:normal;max-width:11em}
.delight .read code{display:block;font-weight:400;font-size:.82em;color:#5f6b76;background:none!important;padding:0}</style>"""
_LARGE = """<style>:root{--jp-content-font-size1:23px;--jp-code-font-size:20px;--jp-widgets-font-size:21px;--jp-widgets-inline-height:42px;
--jp-widgets-inline-width:460px}.delight,.delight table{font-size:21px}.delight{max-width:none!important}.delight figure svg{width:100%!important;height:auto}
.jp-OutputArea-output pre,.widget-html-content,.jp-RenderedHTMLCommon table{font-size:20px}.jp-RenderedHTMLCommon p{max-width:none}
.widget-dropdown,.widget-text,.widget-datepicker,.widget-button{height:auto}</style>"""


@lru_cache
def faces(*files):
    """Shipped fonts as part of a page: ``@font-face`` rules for `files`, by default of the sans that figures are drawn in."""
    known, rules = SANS | SERIF, []
    for file in files or SANS:
        family, weight = known[file]
        data = base64.b64encode((theme.FONTS / f"{file}.woff2").read_bytes()).decode()
        rules.append(f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url(data:font/woff2;base64,{data}) }}')
    return "\n".join(rules)


class Shown:
    """HTML for a notebook; a figure brings the fonts that its labels were measured in."""

    def __init__(self, html):
        self.html = html

    def _repr_html_(self):
        fonts = f"<style>{faces()}</style>" if "<svg" in self.html else ""
        return f'{STYLE}{_ALIGNED}{fonts}<div class="delight">{self.html}</div>'


def read(data, desk, decimals=2):
    """A frame, a series or a dictionary as a table in the participant's language; the names that code uses stand small beneath the words.

    Parameters
    ----------
    data : DataFrame, Series or dict
        Of a series or a dictionary every value is a row.
    desk : Desk
    decimals : int
        Of columns that are not whole.
    """
    frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame({"": pd.Series(data)})
    index = [] if isinstance(frame.index, pd.RangeIndex) or frame.index.name is None and frame.index.inferred_type == "integer" else [""]
    whole = {c: all(is_missing(v) or isinstance(v, Number) and float(v).is_integer() for v in frame[c]) for c in frame}
    texts = {*index, *(c for c in frame if any(isinstance(v, str) for v in frame[c]))}
    head = "".join(f'<th scope="col"{"" if c in texts else " class=num"}>{_name(desk, str(c))}</th>' for c in [*index, *frame.columns])
    rows = []
    for name, row in zip(frame.index, frame.itertuples(index=False, name=None)):
        first = [f'<th scope="row">{_name(desk, str(name))}</th>'] if index else []
        cells = [_cell(desk, c, v, 0 if whole[c] else decimals) for c, v in zip(frame.columns, row)]
        rows.append(f"<tr>{''.join(first + cells)}</tr>")
    return Shown(f'<table class="read"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>')


def _name(desk, code):
    """A name in words, with the code beneath where that is another."""
    return _both(desk.words.gettext(HEADINGS[code]) if code in HEADINGS else desk.named(code), code, desk)


def _both(words, code, desk):
    return escape(words) if words == code or not code or not desk.code else f"{escape(words)}<code>{escape(code)}</code>"


def _cell(desk, column, value, decimals):
    if isinstance(value, str):
        return f"<td>{_both(factor_word(desk.words, value), value, desk) if column == 'factor' else _name(desk, value)}</td>"
    if isinstance(value, (Number, np.number)) and not is_missing(value):
        least = 10.0**-decimals
        small = decimals and 0 < abs(value) < least / 2
        return f'<td class="num">{"&lt; " if small else ""}{desk.words.number(least if small else value, decimals)}</td>'
    return f'<td class="num">{desk.words.number(value)}</td>'


class LargeType(ipywidgets.HBox):
    """A switch for a room: text, code, tables, figures and controls of the notebook as large as the last row needs.

    Parameters
    ----------
    words : Words
    on : bool
    """

    def __init__(self, words, on=False):
        self.style_sheet = ipywidgets.HTML(layout={"height": "0", "margin": "0"})
        self.switch = ipywidgets.ToggleButton(
            value=False, description=words.gettext(_("Large type")), icon="search-plus", layout={"width": "auto"},
            tooltip=words.gettext(_("Readable at the back of a room")),
        )  # fmt: skip
        self.switch.observe(self._turn, names="value")
        super().__init__([self.switch, self.style_sheet])
        self.switch.value = bool(on)

    def _turn(self, change):
        self.style_sheet.value = _LARGE if change["new"] else ""

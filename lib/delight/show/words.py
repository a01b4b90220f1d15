"""Words and numbers in the reader's language: gettext catalogues, locale formats and the study's own labels.

English stands in the code, Dutch and Danish in the ``.po`` files under ``locale/``, one for each module, read at run time.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol, get_group_symbol

from delight.estimate import FEWEST_CLUSTERS

LANGUAGES = ("nl", "da", "en")
LOCALES = {"nl": "nl_NL", "da": "da_DK", "en": "en_GB"}
CATALOGUES = Path(__file__).parent / "locale"
NO_VALUE = "–"
TOGETHER = " + "  # between the names of locations that are one (methods M40)
NO_WAVE = "all"  # name of the wave of a study that tells none apart
_METHOD = re.compile(r"M\d\d")


@lru_cache
def catalogue(language):
    """All messages of a language: {msgid: text or tuple of plural forms}, over every ``.po`` file of that language."""
    messages = {}
    for path in sorted((CATALOGUES / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id and message.string and not message.fuzzy:
                    key = message.id[0] if isinstance(message.id, tuple) else message.id
                    messages[key] = message.string
    return messages


def is_missing(value):
    """None, NaN and NA count as missing."""
    if value is None:
        return True
    try:
        return bool(math.isnan(value))
    except TypeError:
        return str(value) == "<NA>"


class Words:
    """Everything a view needs to speak one language.

    Parameters
    ----------
    language : {"nl", "da", "en"}
    labels : object with ``column, answer, location, wave, group, segment`` methods, optional
        The study's labels in this language (`delight.study`); without them codes are shown as they are.
    """

    def __init__(self, language, labels=None):
        if language not in LANGUAGES:
            raise ValueError(f"The report languages are {', '.join(LANGUAGES)}, not {language!r}.")
        self.language = language
        self.locale = Locale.parse(LOCALES[language])
        self.labels = labels
        self._messages = catalogue(language)
        self._marks = str.maketrans({",": get_group_symbol(self.locale), ".": get_decimal_symbol(self.locale), "-": "−"})

    # ---- messages
    def gettext(self, message):
        """The message in this language."""
        found = self._messages.get(message, message)
        return found if isinstance(found, str) else found[0]

    def ngettext(self, one, many, count):
        """The message in this language in the form that goes with `count`."""
        found = self._messages.get(one)
        forms = found if isinstance(found, tuple) else (one, many)
        return forms[0] if count == 1 else forms[-1]  # nl, da and en have two forms, split at one

    # ---- numbers
    def number(self, value, decimals=0):
        """A number with a fixed count of decimals and the locale's marks; a dash if missing."""
        if is_missing(value):
            return NO_VALUE
        text = f"{round(float(value), decimals) + 0.0:,.{decimals}f}"
        return text.translate(self._marks).replace("inf", "∞")

    def percent(self, share, decimals=0):
        """A share (0-1) as a percentage."""
        if is_missing(share):
            return NO_VALUE
        return f"{self.number(100 * float(share), decimals)}{'' if self.language == 'en' else chr(160) if self.language == 'da' else ''}%"

    def grade(self, value):
        """A mean on an answer scale, one decimal."""
        return self.number(value, 1)

    def signed(self, value, decimals=1):
        """A difference, with its sign."""
        if is_missing(value):
            return NO_VALUE
        text = self.number(value, decimals)
        return text if text.startswith("−") or round(float(value), decimals) == 0 else "+" + text

    def points(self, value):
        """A net promoter score: whole points, with its sign."""
        return self.signed(value, 0)

    def p_value(self, p):
        """A p- or q-value as text: three decimals, or "< 0.001"."""
        if is_missing(p):
            return NO_VALUE
        return f"<{chr(160)}{self.number(0.001, 3)}" if p < 0.001 else self.number(p, 3)

    def interval(self, lo, hi, show=None):
        """An interval such as "7.6–8.1", each limit shown by `show` (default: one decimal); a dash if either is missing."""
        show = show or self.grade
        if is_missing(lo) or is_missing(hi):
            return NO_VALUE
        low, high = show(lo), show(hi)
        if "−" in low + high or "+" in low + high:  # a dash between signs would be misread
            _ = self.gettext
            return _("{low} to {high}").format(low=low, high=high)
        return f"{low}–{high}"

    def date(self, value, format="long"):
        """A date in words."""
        return NO_VALUE if is_missing(value) else format_date(value, format=format, locale=self.locale)

    def listed(self, items):
        """Items joined as "a, b and c"."""
        return format_list([str(item) for item in items], locale=self.locale)

    # ---- the study's own words
    def _label(self, kind, *key):
        found = getattr(self.labels, kind)(*key) if self.labels is not None else None
        return str(found) if found else str(key[-1])

    def column(self, name):
        """Label of a question."""
        return self._label("column", name)

    def answer(self, column, value):
        """Label of an answer to a question."""
        return self._label("answer", column, value)

    def location(self, name):
        """Name of a location; of several that are shown as one, their names."""
        found = self._label("location", name)
        together = found.split(TOGETHER) if found == str(name) else [found]
        return TOGETHER.join(self._label("location", part) for part in together) if len(together) > 1 else found

    def wave(self, name):
        label = self._label("wave", name)
        return self.gettext("All answers") if label == NO_WAVE else label

    def segment(self, code):
        """Name of a segment: the confirmed or archetype label, else "Group A" for ``group-a``."""
        found = self.labels.segment(code) if hasattr(self.labels, "segment") else None
        if found:
            return str(found)
        if str(code).startswith("group-"):
            return self.gettext("Group {letter}").format(letter=str(code).removeprefix("group-").upper())
        return str(code)

    def by(self, by):
        """Heading of a grouping: a role such as ``location``, or a question."""
        _ = self.gettext
        known = {
            "whole": _("All respondents"),
            "location": _("Location"),
            "label": _("Label"),
            "wave": _("Wave"),
            "segment": _("Segment"),
            "band": _("Score band"),
        }
        return known.get(by) or self.column(by)

    def before_colon(self, by):
        """Heading of a grouping to stand before a colon: a question without its question mark."""
        return self.by(by).rstrip(" ?:.…")

    def group(self, by, group):
        """Name of one group of a result with columns ``by`` and ``group``."""
        if by == "whole":
            return self.gettext("All respondents")
        if by in ("location", "wave", "segment"):
            return getattr(self, by)(group)
        return str(group) if by in ("label", "band") else self.answer(by, group)

    # ---- traceability
    def source(self, result):
        """One line under a table or figure: answers used, interval, method and the function that made it."""
        _, meta, parts = self.gettext, result.meta, []
        used, missing = meta.get("n_used"), meta.get("n_dropped_missing")
        if used is not None:
            parts.append(self.ngettext("{n} answer", "{n} answers", used).format(n=self.number(used)))
        if missing:
            parts.append(_("{n} without an answer").format(n=self.number(missing)))
        if meta.get("weights") == "sampling":
            parts.append(_("weighted, effective n {n}").format(n=self.number(meta.get("n_eff"))))
        locations = meta.get("n_clusters")
        if locations and locations < FEWEST_CLUSTERS:
            text = self.ngettext(
                "{n} location only, which tells nothing of others", "{n} locations only, so intervals are a rough guide", locations
            )
            parts.append(text.format(n=self.number(locations)))
        if meta.get("ci_level"):
            parts.append(_("{level} intervals").format(level=self.percent(meta["ci_level"])))
        if _METHOD.match(str(meta.get("method"))):
            parts.append(_("method {id}").format(id=_METHOD.match(meta["method"])[0]))
        return " · ".join(parts)

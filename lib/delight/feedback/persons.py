"""First names in comments, such as those of children: taken out where they can be told from other words, when in doubt rather than not."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pandas as pd

#: Capitals and small letters of names in Latin script, Turkish and Polish ones too.
_UPPER, _SMALL = ("".join(filter(of, map(chr, [*range(65, 123), *range(0xC0, 0x250)]))) for of in (str.isupper, str.islower))
#: A word with a capital, and its genitive.
_CAPITAL = re.compile(rf"(?<![\w\[@-])([{_UPPER}][{_SMALL}]+(?:[-'’][{_UPPER}][{_SMALL}]+)*|[{_UPPER}]{{3,}})(['’]s|s(?=\s))?(?![\w\]])")
_LOWER = re.compile(rf"(?<![\w@])[{_SMALL}]{{2,}}(?!\w)")
#: What a sentence begins after.
_BEGINS = re.compile(r"(?:^|[.!?…:\n\"“”‘(–•*-])\s*$")
#: Verbs that follow the subject of a sentence.
_DOES = re.compile(
    r"\s+(?:is|was|heeft|had|vindt|vond|gaat|ging|wil|wilde|komt|kwam|voelt|kan|mag|wordt|moet|eet|slaapt|speelt|leert|geniet|en|"
    r"har|er|var|synes|går|gik|vil|kommer|kom|føler|kan|må|skal|bliver|spiser|sover|leger|elsker|og|"
    r"has|likes|loves|goes|went|wants|comes|came|feels|can|eats|sleeps|plays|learns|and)\b"
)
#: Words with a capital that are nobody's name: places, feasts, months, and what else stands for who does something.
_COMMON = """
Nederland Nederlands Nederlandse Engels Engelse Duits Duitse Frans Franse Turks Arabisch Pools Danmark Dansk Danske Engelsk Tysk England
English Dutch Danish German French Europa Europe Amsterdam Rotterdam Utrecht Haag København Aarhus Odense Sinterklaas Kerst Pasen Pinksteren
Jul Påske Christmas Easter Corona Covid Whatsapp Facebook Instagram Google App Monday Tuesday Wednesday Thursday Friday Saturday Sunday January
February March April May June July August September October November December God Montessori
Ik Je Jij Jullie Hij Zij Ze Het Dit Dat Dit Wij We Men Iedereen Niemand Alles Niets Iets Er Wat Wie Waar Hoe Mijn Ons Onze De Een
Jeg Du Han Hun Den Det Vi De Der Man Alle Alt Intet Noget Hvad Hvem Min Vores En Et They He She It This That We You Everybody Everything
Nothing Somebody What Who My Our The There
"""
_NOBODY = frozenset(_COMMON.split())


@lru_cache(maxsize=1)
def first_names():
    """Common first names of Dutch, Danish and English children and grown-ups."""
    return frozenset((Path(__file__).parent / "first_names.txt").read_text(encoding="utf-8").split())


def without_first_names(comments, *, keep=()):
    """A column of comments with first names replaced by ``[name]``.

    Parameters
    ----------
    comments : Series of str
        Missing stays missing.
    keep : iterable of str
        Names that may stay, such as those of locations.

    Returns
    -------
    Series

    Notes
    -----
    A word with a capital inside a sentence that the column hardly ever writes without one is taken for a name, wherever it stands; at the
    beginning of a sentence a word is one if it is a known first name, or does something ("… is", "… vindt") and is never written small.
    Names written small stay, and so do rare ones that only ever begin a sentence of another form.
    """
    texts = comments.dropna().astype(str)
    kept = _NOBODY | {word for name in keep for word in re.findall(r"[\w'’-]+", str(name))}
    inside, small = Counter(), Counter()
    for text in texts.unique():
        small.update(_LOWER.findall(text))
        inside.update(found[1] for found in _CAPITAL.finditer(text) if not _BEGINS.search(text[: found.start()]))
    known = first_names()
    names = {word for word, n in inside.items() if n > small[word.lower()] or word in known} - kept

    def is_name(found):
        word = found[1] if found[1] in kept or not found[1].isupper() else found[1].capitalize()
        if word in kept or (found[1].isupper() and word not in known):
            return False
        if not _BEGINS.search(found.string[: found.start()]):
            return word in names or word in known
        if small[word.lower()]:
            return word in names and inside[word] > small[word.lower()]
        return word in names or word in known or bool(_DOES.match(found.string, found.end()))

    cache = {text: _CAPITAL.sub(lambda found: "[name]" if is_name(found) else found[0], text) for text in texts.unique()}
    out = comments.astype(object).where(comments.notna(), None)
    return pd.Series([None if text is None else cache[str(text)] for text in out], index=comments.index, name=comments.name, dtype="str")

"""Take out of comments what identifies a person: addresses, numbers, names."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

#: Text that can hold anything to scrub at all; everything else passes untouched and fast.
_SUSPECT = r"@|\d[\d\s().\-/]{4,}\d|(?i:https?:|www\.|\.(?:com|nl|dk|org|net|eu|be|de)\b)"
_GREETING = (
    r"(?:met\s+(?:vriendelijke|hartelijke)\s+groet(?:en)?|vriendelijke\s+groet(?:en)?|(?:hartelijke\s+|veel\s+)?groet(?:en|jes)?|mvg|m\.v\.g\.|gr\.?"
    r"|(?:med\s+)?venlig(?:e)?\s+hilsen(?:er)?|(?:kærlig(?:e)?\s+)?hilsen(?:er)?|mvh|m\.v\.h\.|kh|vh"
    r"|(?:kind|best|warm)\s+regards|regards|sincerely|yours(?:\s+(?:truly|sincerely|faithfully))?|cheers|best\s+wishes)"
)
_HELLO = r"(?:hallo|hoi|hai|hey|hi|hello|hej|kære|beste|geachte|dear|dag|goedemorgen|goedemiddag)"
_TITLE = r"(?:mevrouw|mevr\.?|mw\.?|meneer|de\s+heer|dhr\.?|juf(?:frouw)?|meester|mrs\.?|ms\.?|mr\.?|dr\.?|fru|frøken|hr\.?)"
_INITIAL = r"[A-ZÀ-ÖØ-Þ](?:\.|(?=\s))"
_WORD = r"[A-ZÀ-ÖØ-Þ][\w'’À-ÿ-]+"
_NAME = rf"(?:{_INITIAL}\s?)*{_WORD}(?:\s+(?:van|de|der|den|ter|ten|het|von|af|le|la|{_INITIAL}))*(?:\s+{_WORD}){{0,2}}"

_RULES = (
    ("email", re.compile(r"(?i)(?<![\w.+-])[\w.+'-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.[\w-]+)+|[\w.+-]+@[\w-]+"), "[e-mail]"),
    ("url", re.compile(r"(?i)\b(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|nl|dk|org|net|eu|be|de)/\S+"), "[link]"),
    ("handle", re.compile(r"(?<!\w)@\w[\w.]{2,}"), "[handle]"),
)
_IBAN = re.compile(r"\b[A-Za-z]{2}\d{2}(?:[ ]?[A-Za-z0-9]{4}){2,7}(?:[ ]?[A-Za-z0-9]{1,3})?\b")
_CPR = re.compile(r"(?<!\d)(\d{2})(\d{2})(\d{2})[- ]?(\d{4})(?!\d)")
_BSN = re.compile(r"(?<![\d.,])(?:\d{9}|\d{4}[ .]\d{2}[ .]\d{3}|\d{3}[ .]\d{3}[ .]\d{3})(?![\d])")
_PHONE = re.compile(r"(?<![\w.,€$£-])(?:\+|00)?\(?\d(?:[\s().\-/]{0,2}\d){6,14}(?!\w)")
_LONG_NUMBER = re.compile(r"(?<![\w.,])\d{9,}(?!\w)")
_AND_NAME = rf"{_NAME}(?:\s+(?:en|og|and|&)\s+{_NAME})?"
_SIGNED = re.compile(rf"(?i:\b{_GREETING})([\s,.!:;-]+)({_AND_NAME})(?=\s*$|\s*\n|\s*[.,!;(])")
_GREETED = re.compile(rf"(?:^|(?<=[.!?\n]))(\s*)((?i:{_HELLO}))([\s,]+)({_AND_NAME})")
_TITLED = re.compile(rf"(?i:\b{_TITLE})\s+({_NAME})")
#: Whether any rule about names can bite (for a fast first look).
_MAY_NAME = rf"(?i:{_GREETING}|{_HELLO}|{_TITLE})[\s,.!:;-]+[A-ZÀ-ÖØ-Þ]"


def text(comment, *, names=()):
    """A comment with e-mail, links, handles, IBAN, BSN, CPR, phone numbers and names replaced by a word in brackets.

    Parameters
    ----------
    comment : str
    names : iterable of str
        Known names of persons (respondent, managers): the whole name and each capitalised part of three letters or more.

    Returns
    -------
    str

    Notes
    -----
    Nine digits are taken for a BSN when they pass its check (11-proef) and else for a number; CPR when they begin with a date.
    Dates, amounts and years stay.
    """
    found = str(comment)
    for _, pattern, instead in _RULES:
        found = pattern.sub(instead, found)
    found = _IBAN.sub(lambda m: "[IBAN]" if _is_iban(m[0]) else m[0], found)
    found = _CPR.sub(lambda m: "[CPR]" if 1 <= int(m[1]) <= 31 and 1 <= int(m[2]) <= 12 else m[0], found)
    found = _BSN.sub(lambda m: "[BSN]" if _is_bsn(m[0]) else m[0], found)
    found = _PHONE.sub(lambda m: "[phone]" if _is_phone(m[0]) else m[0], found)
    found = _LONG_NUMBER.sub("[number]", found)
    found = _SIGNED.sub(lambda m: m[0][: m.start(2) - m.start()] + "[name]", found)
    found = _GREETED.sub(lambda m: f"{m[1]}{m[2]}{m[3]}[name]", found)
    found = _TITLED.sub(lambda m: m[0][: m.start(1) - m.start()] + "[name]", found)
    pattern = _names_pattern(names)
    return pattern.sub("[name]", found) if pattern else found


def comments(series, *, names=(), own_names=None):
    """Scrub a column of comments.

    Parameters
    ----------
    series : Series of str
        Missing stays missing.
    names : iterable of str
        Names to take out everywhere.
    own_names : Series of str, optional
        Names to take out of the row's own comment, such as the respondent's.

    Returns
    -------
    (Series, int)
        The column and in how many rows something was taken out.
    """
    names = [n for n in names if n]
    cells = pa.array(series, pa.large_string(), from_pandas=True)
    hit = pc.or_(pc.match_substring_regex(cells, _SUSPECT), pc.match_substring_regex(cells, _MAY_NAME))
    if (known := _names_pattern(names)) is not None:
        hit = pc.or_(hit, pc.match_substring_regex(cells, "|".join(re.escape(p) for p in sorted(_name_parts(names)))))
    rows = pc.fill_null(hit, False).to_numpy(zero_copy_only=False)
    own = None
    if own_names is not None:
        own = own_names.to_numpy(dtype=object, na_value=None)
        rows = rows | (np.array([o is not None for o in own]) & series.notna().to_numpy())
    if not rows.any():
        return series, 0
    places = np.flatnonzero(rows)
    before = series.to_numpy(dtype=object, na_value=None)
    after, changed = before.copy(), 0
    cache = {}
    for i in places:
        mine = own[i] if own is not None else None
        key = (before[i], mine)
        if key not in cache:
            cleaned = text(before[i], names=[mine] if mine else ())
            cache[key] = known.sub("[name]", cleaned) if known is not None else cleaned
        after[i] = cache[key]
        changed += after[i] != before[i]
    return pd.Series(after, index=series.index, name=series.name, dtype="str"), changed


def has_contact(value):
    """Whether a text that should be a category holds an e-mail address, or words with a phone, account or person number."""
    found = str(value)
    if not re.search(_SUSPECT, found):
        return False
    cleaned = text(found)
    return "[e-mail]" in cleaned or bool(re.search(r"[^\W\d_]{2}", found) and re.search(r"\[(?:phone|IBAN|BSN|CPR)\]", cleaned))


_SMALL_WORDS = {"van", "de", "der", "den", "het", "ter", "ten", "von", "the", "and", "team", "manager", "location", "vacant", "vacature"}


def _name_parts(names):
    parts = set()
    for name in names:
        name = " ".join(str(name).split())
        if len(name) >= 3 and not name.isdigit():
            parts.add(name)
            parts |= {p for p in re.split(r"[\s,.]+", name) if len(p) >= 3 and p[0].isupper() and p.lower() not in _SMALL_WORDS}
    return parts


def _names_pattern(names):
    parts = _name_parts(names)
    if not parts:
        return None
    longest_first = sorted(parts, key=lambda p: (-len(p), p))
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(p) for p in longest_first) + r")(?:['’]?s)?(?!\w)")


def _is_iban(text):
    """Whether a text passes the check of IBAN (ISO 13616, mod 97)."""
    code = text.replace(" ", "").upper()
    if not 15 <= len(code) <= 34:
        return False
    moved = code[4:] + code[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _is_bsn(text):
    digits = [int(c) for c in text if c.isdigit()]
    return sum(w * d for w, d in zip((9, 8, 7, 6, 5, 4, 3, 2, -1), digits)) % 11 == 0 and any(digits)


def _is_phone(text):
    digits = re.sub(r"\D", "", text)
    if re.fullmatch(r"\s*(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})([\s,]+\d{1,2}[.:]\d{2})?\s*", text) and not text.strip().startswith(("0", "+")):
        return False
    if re.fullmatch(r"\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d{2}", text.strip()) or re.fullmatch(
        r"(?:19|20)\d{2}\s*[-/]\s*(?:19|20)\d{2}", text
    ):
        return False
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+", text.strip()):
        return False
    return 8 <= len(digits) <= 15 or (len(digits) == 7 and text.startswith("0"))

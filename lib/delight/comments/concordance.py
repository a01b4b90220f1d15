"""Find words in comments and show them in their context."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd

from delight.errors import InputError
from delight.estimate import need_columns
from delight.result import Result

#: Characters of a comment on either side of a word that was found.
AROUND = 70


def understood(query):
    """(patterns that must all occur, patterns that must not) of a query.

    Words must all occur; ``"two words"`` in quotation marks is a phrase, ``begin*`` any word that begins so, ``-word`` must not
    occur, and ``one|other`` is either. Case and accents do not matter.
    """
    wanted, unwanted = [], []
    for sign, phrase, word in re.findall(r'(-?)(?:"([^"]+)"|(\S+))', query or ""):
        text = phrase or word.strip('"')
        options = [o for o in ([text] if phrase else text.split("|")) if o.strip("*")]
        if not options:
            continue
        parts = [
            r"\s+".join(re.escape(_plain(piece)) for piece in o.rstrip("*").split()) + (r"\w*" if o.endswith("*") else "") for o in options
        ]
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)")
        (unwanted if sign else wanted).append(pattern)
    return wanted, unwanted


def concordance(frame, *, column, query="", around=AROUND, also=()):
    """Comments that answer a query, each with the first word found in its context.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    column : str
        Of comments, scrubbed when the feedback was read.
    query : str
        As in `understood`; empty finds every comment.
    around : int
        Characters of context on either side; whole words.
    also : sequence of str
        Columns to carry along, such as the overall grade.

    Returns
    -------
    Result
        One row a comment found, in the order of the table: ``row`` (place in `frame`), ``left, match, right`` (the first place where a
        word was found; without a query the comment stands in ``left``), ``found`` (how often), ``comment``, the columns of `also`, ``n``
        (1), ``status``. ``meta``: ``n_comments`` (not empty) and ``n_found``.

    Raises
    ------
    InputError
        Unknown column, or a query that only says what must not occur.
    """
    need_columns(frame, [column, *also])
    wanted, unwanted = understood(query)
    if unwanted and not wanted:
        raise InputError("A search needs a word that is wanted; words that must not occur only take comments away.")
    said = frame[column]
    there = np.flatnonzero(said.notna().to_numpy() & (said.astype("string").str.strip().fillna("").str.len() > 0).to_numpy())
    rows = []
    for place in there:
        comment = " ".join(str(said.iloc[place]).split())
        plain = _plain(comment)
        if any(p.search(plain) for p in unwanted) or not all(p.search(plain) for p in wanted):
            continue
        spans = sorted(m.span() for p in wanted for m in p.finditer(plain))
        left, match, right = _in_context(comment, spans[0], around) if spans else (comment, "", "")
        rows.append({"row": int(place), "left": left, "match": match, "right": right, "found": len(spans), "comment": comment})
    table = pd.DataFrame(rows, columns=["row", "left", "match", "right", "found", "comment"])
    for name in also:
        table[name] = frame[name].iloc[table["row"].to_numpy(dtype=int)].to_numpy()
    table = table.assign(n=1)
    meta = {"query": query, "column": column, "n_in": len(frame), "n_used": len(there), "n_comments": len(there), "n_found": len(table)}
    return Result.of("M28.concordance", table, function="delight.comments.concordance.concordance", status="ok", rows=True, **meta)


def _in_context(comment, span, around):
    """(left, match, right) with whole words, dots where text was cut."""
    start, end = span
    first, last = max(0, start - around), min(len(comment), end + around)
    if first:
        first = comment.find(" ", first, start) + 1 or first
    if last < len(comment):
        cut = comment.rfind(" ", end, last)
        last = cut if cut > end else last
    left, right = comment[first:start], comment[end:last]
    return ("… " if first else "") + left, comment[start:end], right + (" …" if last < len(comment) else "")


def _plain(text):
    """Lower case without accents, a character for a character, so that places stay the same."""
    return "".join(_plain_letter(c) for c in text)


def _plain_letter(c):
    if c.isascii():
        return c.lower()
    base = unicodedata.normalize("NFD", c)[0].lower()
    return base if len(base) == 1 else c

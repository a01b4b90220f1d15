"""A few comments that stand for many: chosen by rule, never by taste."""

from __future__ import annotations

import re

import pandas as pd

#: Characters of a quote: shorter says little, longer is cut at the end of a sentence or word.
SHORTEST, TELLING, LONGEST = 12, 110, 200
#: What `delight.feedback.scrub` leaves in the place of something it took out.
_SCRUBBED = re.compile(r"\[[^\]\s]+\]")


def choose(comments, grades, *, n=3, longest=LONGEST):
    """Comments of the most satisfied, the middle and the least satisfied part of those who commented.

    Parameters
    ----------
    comments : Series of str
        Scrubbed; missing where nothing was said.
    grades : Series of float
        Overall grade of the same respondents; comments without a grade are left out.
    n : int
        Parts, and comments.
    longest : int
        Characters; a longer one is cut after a sentence or a word.

    Returns
    -------
    list of str
        In alphabetical order, so that their place says nothing of the grade.

    Notes
    -----
    Those who commented are put in the order of their grade and cut into `n` equal parts. Of each part the comment is taken from which
    nothing had to be scrubbed and whose length is nearest to that of two sentences. The same answers give the same comments, whatever
    their order.
    """
    said = pd.DataFrame({"text": comments.astype(object), "grade": pd.to_numeric(grades)}).dropna()
    said["text"] = [" ".join(str(text).split()) for text in said["text"]]
    said = said[said["text"].str.len().ge(SHORTEST) & said["text"].str.contains(" ", regex=False)]
    if not len(said):
        return []
    said = said.drop_duplicates("text").sort_values(["grade", "text"], kind="stable").reset_index(drop=True)
    said["part"] = said.index * n // len(said)
    said["scrubbed"] = [bool(_SCRUBBED.search(text)) for text in said["text"]]
    said["away"] = (said["text"].str.len() - TELLING).abs()
    best = said.sort_values(["scrubbed", "away", "text"], kind="stable").drop_duplicates("part")
    return sorted(_cut(text, longest) for text in best["text"])


def _cut(text, longest):
    """The text, ended after a whole sentence where one fits, else after a word."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    sentence = max(head.rfind(end) for end in (". ", "! ", "? "))
    return head[: sentence + 1] if sentence >= longest // 3 else f"{head[: head.rfind(' ')].rstrip(' ,;:')} …"

"""What the draft says of the columns of a file, and what all steps of deciding share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from delight.study.drafting import profiles
from delight.study.drafting.hints import name_words, plain

#: Roles of columns answered on a scale.
RATED = {"overall", "recommend", "repurchase", "stayed", "attribute", "importance", "need", "expectation", "disconfirmation", "emotion"}


@dataclass
class Decision:
    """What the draft says of a column.

    Attributes
    ----------
    role : str
        A role of the codebook, or "?" with the guess in `guess`.
    guess, note : str
    body : profiles.Body, optional
    answer_set : str
    missing : list
        Codes for `missing_codes`.
    not_applicable : list
        Numbers that mean "not applicable".
    reverse : bool
    construct, pair : str
    """

    role: str
    note: str = ""
    guess: str = ""
    body: profiles.Body | None = None
    answer_set: str = ""
    missing: list = field(default_factory=list)
    not_applicable: list = field(default_factory=list)
    reverse: bool = False
    construct: str = ""
    pair: str = ""


@dataclass
class AnswerList:
    """Answers that several columns share: text to code, and texts that are no value."""

    name: str
    codes: dict
    missing: list = field(default_factory=list)
    not_applicable: list = field(default_factory=list)
    ordered: bool = True
    concept: str = ""
    columns: list = field(default_factory=list)


@dataclass
class Guess:
    """All decisions about a study's columns."""

    decisions: dict
    answer_sets: dict
    facts: list = field(default_factory=list)
    weights_kind: str = ""
    cleaned: pd.DataFrame | None = None


def undecided(columns, guess):
    """Columns that no step has decided on yet."""
    return [p for p in columns if p.name not in guess.decisions]


def mean_of(p):
    """Mean of a numeric column."""
    total = sum(p.numbers.values())
    return sum(v * c for v, c in p.numbers.items()) / total if total else np.nan


def special_role(p, high=None):
    """Roles that a question's words settle beyond satisfaction with an aspect."""
    h = p.hints
    reads = plain(f"{p.name} {p.text} {p.item}")
    if "importance" in h and not re.search(r"satisf|tevreden|tilfreds|zufrieden|nojd", reads):
        return Decision("importance")
    if "recommend" in h and "satisfaction" not in p.name_hints:
        return Decision("recommend")
    if "repurchase" in h:
        return Decision("repurchase")
    if "stayed" in h:
        return Decision("stayed")
    if "disconfirmation" in h:
        return Decision("disconfirmation")
    if "expectation" in h:
        return Decision("expectation")
    if "emotion" in h and not {"overall"} & p.name_hints:
        return Decision("?", "a feeling", "emotion")
    if re.match(r"cusl ?\d?$", name_words(p.name)):
        return Decision("?", "loyalty: recommend, repurchase or stayed", "repurchase")
    return None


def stem(name):
    """The part of a name that a battery shares: "Q7" of "Q7ART" and "Q7_3", "csor" of "csor_1"; "" if there is none."""
    found = re.match(
        r"([A-Za-zÀ-ÿ]{1,8}\d+)(?=[_.\[A-Z\s-])|([A-Za-zÀ-ÿ]{2,}?)[_. ]?(?=\d+$|global$|total$|all$|overall$)|([A-Za-zÀ-ÿ]{1,12}(?:\d+)?)_(?=\w)",
        name,
    )
    return next((g for g in found.groups() if g), "").rstrip("_.").lower() if found else ""


def unsure(decision, why, guess):
    """The same decision as a guess that a person has to settle."""
    changed = Decision(**{**decision.__dict__, "role": "?", "guess": guess})
    changed.note = why
    return changed


def with_worded(rated, guess):
    """The cleaned ratings, with worded answers as their codes."""
    cleaned = guess.cleaned
    coded = {}
    for p in rated:
        listed = guess.answer_sets.get(guess.decisions[p.name].answer_set)
        if listed is not None and p.cells is not None:
            coded[p.name] = p.cells.map({t.strip(): float(c) for t, c in listed.codes.items()}).astype("float64")
    if not coded:
        return cleaned
    worded = pd.DataFrame(coded)
    return worded if cleaned is None or len(cleaned) != len(worded) else pd.concat([cleaned, worded], axis=1)

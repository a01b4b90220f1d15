"""Pairs of Kano questions."""

from __future__ import annotations

import re

from delight.study.drafting import likert
from delight.study.drafting.decision import AnswerList, Decision, undecided
from delight.study.drafting.hints import plain


def decide_kano(columns, guess, _):
    """Pairs of questions answered with the five Kano phrases."""
    worded = {}
    for p in undecided(columns, guess):
        texts = [t for t in (list(p.labels.values()) or p.texts) if likert.kind_of(t) == "value"]
        if 2 <= len(texts) <= 6 and not p.is_prose:
            worded[p.name] = texts
    every = list(dict.fromkeys(t for texts in worded.values() for t in texts))
    phrases = [t for t in every if sum(t in texts for texts in worded.values()) >= 3]
    codes = likert.kano_codes(phrases)
    members = [p for p in columns if p.name in worded and codes and set(worded[p.name]) <= set(codes)]
    if len(members) < 4:
        return
    guess.answer_sets["kano"] = AnswerList(
        "kano", dict(sorted(codes.items(), key=lambda i: i[1])), concept="kano", columns=[p.name for p in members]
    )
    for number, (first, second) in enumerate(zip(members[::2], members[1::2]), start=1):
        functional, dysfunctional = first, second
        if _negated(first) and not _negated(second):
            functional, dysfunctional = second, first
        name = f"feature_{number}"
        clear = _negated(dysfunctional)
        note = "" if clear else "paired by position: functional first"
        guess.decisions[functional.name] = Decision("kano_functional", note, answer_set="kano", pair=name)
        guess.decisions[dysfunctional.name] = Decision("kano_dysfunctional", note, answer_set="kano", pair=name)
    if len(members) % 2:
        guess.decisions[members[-1].name] = Decision("?", "a Kano question without its pair", "kano_functional", answer_set="kano")


def _negated(p):
    return bool(
        re.search(
            r"\b(not|no|without|niet|geen|zonder|ikke|uden|nicht|ohne|kein\w*|pas|sans|sin|non|senza|inte|utan|dysfunctional|dys|neg)\b",
            plain(p.text or p.name),
        )
    )

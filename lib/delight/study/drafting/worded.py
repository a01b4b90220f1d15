"""Answers in words: which columns share them, in which order they stand, and what they measure."""

from __future__ import annotations

import re

import pandas as pd

from delight.study.drafting import likert, profiles
from delight.study.drafting.decision import AnswerList, Decision, special_role, stem, undecided
from delight.study.drafting.hints import plain


def decide_worded(columns, guess, _):
    """Answer sets of columns with worded answers (or SPSS value labels), and the order of the answers."""
    groups = []
    for p in undecided(columns, guess):
        texts = list(p.labels.values()) if p.labels and p.is_numeric else p.texts if not p.is_numeric else []
        if p.is_numeric and p.labels:
            continue
        if not texts or p.n_unique > 30 or p.is_prose:
            continue
        values = [t for t in p.counts if likert.kind_of(t) == "value"]
        if not 2 <= len(values) <= 15 or likert.is_yes_no(values):
            continue
        for group in groups:
            inside = all(plain(v) in group["plain"] for v in values) or group["plain"] <= {plain(v) for v in values}
            shared = len({plain(v) for v in values} & group["plain"])
            near = shared >= 2 and shared >= 0.6 * len(values) and stem(p.name) == stem(group["columns"][-1].name) and stem(p.name)
            if inside and shared >= 2 or near:
                group["columns"].append(p)
                for v in p.counts:
                    group["texts"].setdefault(v, 0)
                    group["texts"][v] += p.counts[v]
                group["plain"] |= {plain(v) for v in values}
                break
        else:
            groups.append({"columns": [p], "texts": dict(p.counts), "plain": {plain(v) for v in values}})
    for group in groups:
        _answer_list(group, guess)
        _unknown_words(group, guess)


def _answer_list(group, guess):
    values = [t for t in group["texts"] if likert.kind_of(t) == "value"]
    codes = likert.order(values)
    if codes is None:
        return
    concept = likert.concept(values)
    if not concept and not all(likert.leading_number(v) is not None for v in values):
        concept = "degree"
    if not concept and len(values) < 3:
        return
    if all(profiles.is_number(v) for v in values):
        return
    members = group["columns"]
    demographic = all({"demographic", "region", "customer", "tenure"} & p.name_hints for p in members)
    if demographic and concept not in ("satisfaction",):
        return
    if not concept and len(members) < 2:
        return
    below, above = likert.unseen_ends(codes)
    codes = {text: code + below for text, code in codes.items()}
    name = _set_name(members, concept, guess.answer_sets)
    missing = [t for t in group["texts"] if likert.kind_of(t) == "missing" and not profiles.is_number(t)]
    absent = [t for t in group["texts"] if likert.kind_of(t) == "not_applicable"]
    guess.answer_sets[name] = AnswerList(name, codes, missing, absent, True, concept, [p.name for p in members])
    for p in members:
        decision = _by_concept(p, concept, codes, members)
        decision.answer_set = name
        if below or above:
            decision.body = profiles.Body(1, len(codes) + below + above)
            side = f"the {'lowest' if below else 'highest'} point{'s' if below + above > 1 else ''}"
            say = f"nobody gave {side}; taken for a scale of {len(codes) + below + above}: check"
            decision.note = "; ".join(x for x in (decision.note, say) if x)
        guess.decisions[p.name] = decision


def _unknown_words(group, guess):
    """Columns that share answers in words nobody knows are a battery all the same; only a person can order them."""
    members = [p for p in group["columns"] if p.name not in guess.decisions]
    values = [t for t in group["texts"] if likert.kind_of(t) == "value"]
    if len(members) < 3 or not 3 <= len(values) <= 11 or any({"demographic", "region", "customer"} & p.name_hints for p in members):
        return
    if _is_choice_list(members):
        for p in members:
            guess.decisions[p.name] = Decision("ignore", "a ranking by name; role need if it ranks what customers want")
        return
    shown = " | ".join(sorted(values))
    for p in members:
        say = f"shares its answers with {len(members) - 1} other columns; write them into answers.csv from worst to best: {shown}"
        guess.decisions[p.name] = Decision("?", say, "attribute")


def _is_choice_list(members):
    """Whether a row never holds the same answer twice, as in a ranking of things by their names."""
    known = [p.cells for p in members if p.cells is not None]
    if len(known) < 3 or len({len(c) for c in known}) > 1:
        return False
    frame = pd.concat(known, axis=1)
    given = frame.notna().sum(axis=1)
    twice = frame.nunique(axis=1) < given
    return bool((given >= 2).any()) and twice[given >= 2].mean() < 0.05


def _set_name(members, concept, taken):
    base = (
        concept
        if concept and concept != "degree"
        else stem(members[0].name).lower() or re.sub(r"\W+", "_", members[0].name.lower())[:30].strip("_") or "answers"
    )
    name, number = base, 2
    while name in taken:
        name = f"{base}_{number}"
        number += 1
    return name


def _by_concept(p, concept, codes, members):
    """Role of a rating, from what its answers measure and what its words say."""
    h = p.hints
    special = special_role(p, max(codes.values()) if codes else None)
    if special:
        return special
    if concept == "expectation":
        return Decision("disconfirmation")
    if concept == "importance":
        return Decision("importance")
    if concept == "frequency":
        return Decision("background", "how often: behaviour, not a judgement")
    if concept == "interest":
        return Decision("?", "interest rather than satisfaction", "background")
    if concept == "favour":
        return Decision("?", "favourability: an attribute if it judges the service, else background", "attribute")
    if concept == "likelihood":
        return Decision("?", "how likely: recommend, repurchase or stayed", "repurchase")
    if {"demographic", "region", "customer"} & p.name_hints:
        return Decision("background")
    if concept == "satisfaction" or (concept in ("quality", "ease", "agreement", "extent") and (len(members) >= 3 or h)):
        return Decision("attribute")
    if "satisfaction" in h:
        return Decision("attribute")
    if len(members) >= 3:
        return Decision("?", "ordered answers shared with its neighbours", "attribute")
    return Decision("?", "ordered answers", "background")

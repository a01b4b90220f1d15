"""Waves that a column of the raw files names."""

from __future__ import annotations

import re

import pandas as pd

from delight.feedback import columns, readers


def waves_of(study, source):
    """Waves that a source's own column names, in order."""
    return in_order(answers_of(study, source, "wave").unique(), study.question("wave"))


def answers_of(study, source, role):
    """What a source's rows say in the column of this role, read alone and without gaps; nothing where it has no such column."""
    question = study.question(role)
    raw = readers.read_raw(source.path, format=source.format, rename=source.rename, columns=[question.column])
    if question.column not in raw.frame:
        return pd.Series([], dtype="str")
    labels, missing = raw.value_labels.get(question.column), raw.user_missing.get(question.column, ())
    return (
        columns.as_category(raw.frame[question.column], question, user_missing=missing, value_labels=labels).values.dropna().astype("str")
    )


def in_order(waves, question):
    """Waves as their answer set lists them, else so that 2024-2 comes before 2024-10."""
    listed = [a.code or a.text for a in question.answers.answers] if question.answers is not None else []

    def natural(text):
        return [(0, int(p), "") if p.isdigit() else (1, 0, p.casefold()) for p in re.findall(r"\d+|\D+", text)]

    return sorted((str(w) for w in waves), key=lambda w: (listed.index(w) if w in listed else len(listed), natural(w)))

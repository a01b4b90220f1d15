"""A study's own words in one language: questions, answers, locations, waves, segments."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Labels:
    """Labels by name; a name without a label is its own label. Reports are made from this, without the study.

    Attributes
    ----------
    language : str
    columns : dict of column to label
    answers : dict of column to dict of answer to label
    locations : dict of location to name
    labels_of : dict of location to the label (brand) it belongs to
    waves, groups, segments : dict of name to label
    """

    language: str
    columns: dict = field(default_factory=dict)
    answers: dict = field(default_factory=dict)
    locations: dict = field(default_factory=dict)
    labels_of: dict = field(default_factory=dict)
    waves: dict = field(default_factory=dict)
    groups: dict = field(default_factory=dict)
    segments: dict = field(default_factory=dict)

    def column(self, column):
        """Label of a question."""
        return self.columns.get(str(column), str(column))

    def answer(self, column, value):
        """Label of an answer to a question."""
        return self.answers.get(str(column), {}).get(answer_key(value), answer_key(value))

    def location(self, location):
        """Name of a location."""
        return self.locations.get(str(location), str(location))

    def label_of(self, location):
        """The label a location belongs to; empty if none."""
        return self.labels_of.get(str(location), "")

    def wave(self, wave):
        """Name of a wave."""
        return self.waves.get(str(wave), str(wave))

    def group(self, group):
        """Name of a group of questions (success factor or basic)."""
        return self.groups.get(str(group), str(group))

    def segment(self, code):
        """Name of a segment; None if nobody named it."""
        return self.segments.get(str(code))

    def to_json(self):
        """As JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text):
        """From what `to_json` wrote."""
        return cls(**json.loads(text))


def answer_key(value):
    """An answer as labels and groups name it: 1.0 and "1" are the same."""
    if isinstance(value, bool):
        return str(int(value))
    try:
        return f"{float(value):g}" if not isinstance(value, str) else value
    except (TypeError, ValueError):
        return str(value)


def first_label(labels, language):
    """The label in a language, else in English, Dutch or Danish; None if there is none."""
    return next((labels[x] for x in (language, "en", "nl", "da") if labels.get(x)), None)

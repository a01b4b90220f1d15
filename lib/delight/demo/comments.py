"""What parents write: sentences chosen by their grades, wishes and experiences, written the way people write."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

PHONES = {
    "nl": ("06-{0:08d}", "06 {0:08d}", "+31 6 {0:08d}"),
    "en": ("07700 900{1:03d}", "+44 7700 900{1:03d}"),
    "da": ("{2} {3} 00 {1:02d}", "+45 {2}00{3}{4}"),
}


@cache
def phrases(language):
    """The sentences of a language, by kind and topic."""
    return tomllib.loads(Path(__file__).with_name(f"comments.{language}.toml").read_text("utf-8"))


@cache
def phrases_for(language, care):
    """The sentences that fit a kind of care: no nappies after school, no homework in the baby room."""
    foreign = [mark for other, marks in phrases(language)["only"].items() if other != care for mark in marks]
    fits = {
        kind: {topic: [s for s in said if not any(mark in s for mark in foreign)] for topic, said in topics.items()}
        for kind, topics in phrases(language).items()
        if kind != "only"
    }
    return {kind: {topic: said for topic, said in topics.items() if said} for kind, topics in fits.items()}


def sentences(language):
    """All distinct sentences of a language, names left open."""
    return {s for kind, topics in phrases(language).items() if kind not in ("names", "only") for topic in topics.values() for s in topic}


def compose(truth, responses, hidden, units, rng, language):
    """Comments for a share of the responses; None where a parent wrote nothing.

    Who is very content or discontent writes more often; praise and gripes follow the parent's own grades, wishes follow the
    segment, and little acts are mentioned only where the location does them. Adds the column `identifying` to `hidden`: "",
    "phone", "email" or "manager".
    """
    n = len(responses)
    overall = responses["overall"].to_numpy()
    eager = truth.dirt["comments"] * np.select([overall >= 9, overall <= 6], [1.2, 1.35], 0.8)
    careless = hidden["careless"].to_numpy() != ""
    writes = np.flatnonzero(rng.random(n) < np.where(careless, 0.1, eager))
    facts = _Facts(truth, responses, hidden, units, language)
    said, identifying = np.full(n, None, dtype=object), np.full(n, "", dtype=object)
    luck = rng.random((len(writes), 24))
    for row, draws in zip(writes, luck):
        said[row], identifying[row] = _comment(facts, row, _Luck(draws), truth.dirt["identifying"])
    hidden["identifying"] = identifying
    return pd.Series(said, index=responses.index, dtype=object)


class _Facts:
    """What one needs to know of every response, as plain arrays."""

    def __init__(self, truth, responses, hidden, units, language):
        self.language = language
        self.care = responses["care_type"].to_numpy()
        self.topics = [name for name in truth.drivers if name in phrases(language)["praise"]]
        self.grades = responses[self.topics].to_numpy(dtype=float)
        self.overall = responses["overall"].to_numpy()
        self.incident = responses["incident"].to_numpy() == 1
        self.careless = hidden["careless"].to_numpy() != ""
        self.segment = hidden["segment"].to_numpy()
        self.acts = [act for act in truth.acts if act in phrases(language)["act"]]
        self.doing = (
            hidden[[f"act {act}" for act in self.acts]].to_numpy(dtype=bool) if self.acts else np.zeros((len(hidden), 0), dtype=bool)
        )
        self.manager = responses["location"].map(dict(zip(units["location"], units["manager"]))).to_numpy()

    def phrases(self, row):
        """The sentences that fit the row's kind of care."""
        return phrases_for(self.language, self.care[row])


class _Luck:
    """A short run of random numbers, used one after the other."""

    def __init__(self, draws):
        self.draws, self.at = draws, 0

    def __call__(self):
        self.at = (self.at + 1) % len(self.draws)
        return self.draws[self.at]

    def of(self, items):
        return items[int(self() * len(items))]

    def happens(self, chance):
        return self() < chance


def _comment(facts, row, luck, identifying):
    overall = facts.overall[row]
    mood = "high" if overall >= 9 else "low" if overall <= 6 else "middle"
    words = facts.phrases(row)
    if facts.careless[row] or luck.happens(0.20):
        said = [luck.of(words["short"]["middle" if facts.careless[row] else mood])]
    else:
        said = _sentences(facts, row, mood, luck)
    kind = ""
    if luck.happens(identifying):
        kind = luck.of(["phone", "email", "manager"])
        said[-1] += "" if said[-1][-1] in ".!?" else "."
        said.append(luck.of(words["identifying"][kind]))
    text = ("\n" if len(said) > 1 and luck.happens(0.06) else " ").join(said)
    return _written(_named(text, facts, row, luck), luck, plain=kind != ""), kind


def _sentences(facts, row, mood, luck):
    """One to four sentences: praise and gripes that fit the grades, now and then a wish, an act, an incident, a closing line."""
    words, grades = facts.phrases(row), facts.grades[row]
    best = [t for t, g in zip(facts.topics, grades) if g >= 9]
    worst = [t for t, g in zip(facts.topics, grades) if g <= 6]
    said = []
    if mood == "low" and facts.incident[row] and luck.happens(0.5):
        said.append(luck.of(words["general"]["incident"]))
    if best and luck.happens({"high": 0.8, "middle": 0.45, "low": 0.15}[mood]):
        said.append(luck.of(words["praise"][luck.of(best)]))
    done = [act for act, does in zip(facts.acts, facts.doing[row]) if does and act in words["act"]]
    if done and luck.happens(0.25 if mood != "low" else 0.05):
        said.append(luck.of(words["act"][luck.of(done)]))
    critical = False
    if worst and luck.happens({"high": 0.1, "middle": 0.4, "low": 0.85}[mood]):
        said.append(luck.of(words["gripe"][luck.of(worst)]))
        critical = True
    if mood == "high" and facts.incident[row] and luck.happens(0.25):
        said.append(luck.of(words["general"]["forgiven"]))
    if facts.segment[row] in words["wish"] and luck.happens(0.22):
        said.append(luck.of(words["wish"][facts.segment[row]]))
    if not said or (luck.happens(0.3) and (mood == "low" or not critical)):
        said.append(luck.of(words["general"][mood]))
    return said if len(said) < 5 else said[:4]


def _named(text, facts, row, luck):
    """The open places filled in with invented names, addresses and numbers."""
    if "{" not in text:
        return text
    names = facts.phrases(row)["names"]
    child, teacher, number = luck.of(names["child"]), luck.of(names["teacher"]), int(luck() * 10**6)
    phone = luck.of(PHONES[facts.language]).format(number, number % 1000, 20 + number % 70, 10 + number % 89, 10 + number % 90)
    mail = f"{luck.of(names['mail'])}@example.{luck.of(['org', 'com', 'net'])}"
    filled = {
        "child": child,
        "teacher": teacher,
        "group": luck.of(names["group"]),
        "phone": phone,
        "email": mail,
        "manager": facts.manager[row],
    }
    text = text.format(**filled)
    return re.sub(r"(^|[.!?]\s+)([a-zæøå])", lambda m: m[1] + m[2].upper(), text)


def _written(text, luck, *, plain):
    """The text as people type: no capital, no full stop, a slip of the fingers, an extra exclamation mark."""
    if luck.happens(0.14) and not plain:
        text = text.lower()
    if luck.happens(0.25):
        text = text.removesuffix(".")
    elif luck.happens(0.06):
        text = text.removesuffix(".").removesuffix("!") + "!!"
    if luck.happens(0.10) and not plain:
        text = _slip(text, luck)
    return text


def _slip(text, luck):
    """Two letters exchanged, or one left out, inside a longer word."""
    words = [m for m in re.finditer(r"[^\W\d_]{6,}", text)]
    if not words:
        return text
    word = luck.of(words)
    at = word.start() + 1 + int(luck() * (len(word[0]) - 3))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :] if luck.happens(0.5) else text[:at] + text[at + 1 :]

"""Data for a room of participants: own answers for everybody with the same planted truth, and a set that all share.

A room is a folder with ``room.json`` (what the columns mean) and ``00.parquet``, ``01.parquet``, … (the plenary set, then a file a
participant). Without a folder the invented childcare provider is generated on the spot, from the same screened seeds.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from delight.demo import Truth, generate, questions
from delight.errors import InputError, RunError
from delight.practice import teams
from delight.scales import Scale
from delight.study.labels import Labels

#: Seeds with which every lesson comes to its intended reading; `python -m delight.workshop.screen` makes the list anew.
SEEDS = Path(__file__).with_name("seeds.csv")
ROOM, PLACE = "room.json", "room"
#: Answers over three waves, a participant.
ANSWERS = 6000
#: What teams believe of themselves beyond what their customers say, in points of 100; one factor is their blind spot.
OPTIMISM, BLIND_SPOT, BLIND = 6.0, "know_preferences", 22.0
MEMBERS = 6
#: Answers of the team assessment: 1 not at all true, 5 entirely true.
TEAM_SCALE = Scale(1, 5)


@dataclass(frozen=True)
class Book:
    """What the columns of a room's answers mean: the little of a study that the lessons need.

    Attributes
    ----------
    organisation : str
    scales : dict of column to Scale
        Overall grade (``overall``), recommendation (``recommend``), attributes and needs.
    attributes, needs : tuple of str
    pairs : dict of feature to (functional, dysfunctional)
    factors : dict of success factor or basic to columns of attributes
    archetypes, archetype_names : dict
        Kinds of customers expected, with their names by language.
    waves : tuple of str
    labels : dict of language to Labels
    locations : tuple of dict
        ``location, block, n, mean`` of every location with enough answers; names are pseudonyms.
    form : str
        How needs were asked.
    delight_from : float
    minimum_group : int
    planted : bool
        The invented provider; false for a client's own answers.
    """

    organisation: str
    scales: dict
    attributes: tuple
    needs: tuple = ()
    pairs: dict = field(default_factory=dict)
    factors: dict = field(default_factory=dict)
    archetypes: dict = field(default_factory=dict)
    archetype_names: dict = field(default_factory=dict)
    waves: tuple = ()
    labels: dict = field(default_factory=dict)
    locations: tuple = ()
    form: str = "rating"
    delight_from: float = 9
    minimum_group: int = 10
    planted: bool = True

    def save(self, folder):
        """Write ``room.json``."""
        about = asdict(self)
        about["scales"] = {c: s.as_dict() for c, s in self.scales.items()}
        text = json.dumps(about, ensure_ascii=False, indent=1)
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / ROOM).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder):
        """Read ``room.json``."""
        about = json.loads((Path(folder) / ROOM).read_text(encoding="utf-8"))
        about["scales"] = {c: Scale(**s) for c, s in about["scales"].items()}
        about["labels"] = {language: Labels(**words) for language, words in about["labels"].items()}
        about["pairs"] = {feature: tuple(pair) for feature, pair in about["pairs"].items()}
        for name in ("attributes", "needs", "waves", "locations"):
            about[name] = tuple(about[name])
        return cls(**about)


# ---- the invented provider
@lru_cache
def seeds():
    """Screened seeds: the plenary set's, then a participant's each."""
    return tuple(pd.read_csv(SEEDS)["seed"])


def seed_of(number):
    """Seed of a participant's data; 0 is the set that all share."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 0 <= number < len(seeds()):
        raise InputError(f"participant is the whole number on your badge, 1 to {len(seeds()) - 1} (0 is the shared set), not {number!r}.")
    return int(seeds()[number])


def planted(seed):
    """Answers of the invented provider: one row a response of three waves, with ``act`` 1 where the location had begun its little acts.

    Everything that could tell a person is left out, and so is what the lessons do not use.
    """
    world = generate(Truth.load().sized(ANSWERS), seed=seed, with_comments=False)
    waves = world.truth.demo["waves"]
    begun = world.acts.groupby("location")["wave"].min()
    at = world.responses["wave"].map({w: i for i, w in enumerate(waves)})
    acting = (world.responses["location"].map(begun).fillna(len(waves)) <= at).astype(int)
    kept = [*_grades(world.truth), *[c for pair in _pairs(world.truth).values() for c in pair], "churned"]
    label = world.responses["location"].map(world.units.set_index("location")["label"])
    return world.responses[["wave", "location", *kept]].assign(block=label, act=acting)


def _grades(truth):
    return ["overall", "recommend", *truth.drivers, *truth.needs["items"]]


def _pairs(truth):
    return {feature: (f"{feature}_with", f"{feature}_without") for feature in truth.kano["features"]}


@lru_cache
def planted_book():
    """What the invented provider's columns mean."""
    truth = Truth.load()
    book = questions.codebook(truth).set_index("column")
    attributes = tuple(a for a, d in truth.drivers.items() if d.applies >= 0.9 and a != "complaints")
    profile = {name: {i: "high" if w > 0 else "low" for i, w in s.wishes.items()} for name, s in truth.segments.items()}
    names = {name: dict(zip(questions.LANGUAGES, words)) for name, words in questions.ARCHETYPES.items()}
    pairs = _pairs(truth)
    return Book(
        organisation="Petra",
        scales={c: Scale(0 if c == "recommend" else 1, 10) for c in _grades(truth)},
        attributes=attributes,
        needs=tuple(truth.needs["items"]),
        pairs=pairs,
        factors={f: [c for c in attributes if book["group"][c] == f] for f in dict.fromkeys(book["group"][list(attributes)])},
        archetypes=profile,
        archetype_names=names,
        waves=tuple(truth.demo["waves"]),
        labels={language: _labels(book, pairs, names, language) for language in questions.LANGUAGES},
        delight_from=9,
    )


def _labels(book, pairs, names, language):
    columns = {c: str(text) for c, text in book[f"label_{language}"].items()}
    features = {feature: columns[pair[0]] for feature, pair in pairs.items()}
    segments = {name: words[language] for name, words in names.items()}
    return Labels(language, columns={**columns, **features}, segments=segments)


def own(factor):
    """Column of a factor in the team assessment; a factor may bear the name of a question to customers."""
    return f"own_{factor}"


def team_survey(frame, book, seed):
    """What the members of every location's team say of themselves, 1-5 on each factor its customers were asked about, with a planted blind spot.

    Returns
    -------
    DataFrame
        One row a member: ``team`` and a column a factor.
    """
    rng = np.random.default_rng([int(seed), 33])
    newest = frame[frame["wave"] == book.waves[-1]]
    theirs = teams.person_scores(newest, book.factors, book.scales).groupby(newest["location"]).mean()
    believed = theirs + OPTIMISM + rng.normal(0, 5, theirs.shape)
    if BLIND_SPOT in believed:
        believed[BLIND_SPOT] += BLIND - OPTIMISM
    members = believed.loc[np.repeat(believed.index, MEMBERS)]
    answered = 1 + 4 * np.clip(members.to_numpy() + rng.normal(0, 11, members.shape), 0, 100) / 100
    return pd.DataFrame(np.round(answered), columns=[own(f) for f in members.columns]).assign(team=members.index.to_numpy())


# ---- a room's folder
def find(start=None):
    """Folder of the room: DELIGHT_ROOM, else ``room/`` beside the notebook or above it; None means the invented provider."""
    given = os.environ.get("DELIGHT_ROOM", "")
    if given:
        if not (Path(given) / ROOM).is_file():
            raise RunError(f"DELIGHT_ROOM is '{given}', but there is no {ROOM} in it. Set it to the folder `room` of the workshop.")
        return Path(given)
    here = Path(start or Path.cwd())
    return next((f / PLACE for f in (here, *here.parents[:3]) if (f / PLACE / ROOM).is_file()), None)


def together(folder=None):
    """Folder in which a group's own answers meet (Kano questionnaire, team assessment): DELIGHT_TOGETHER, else beside the room."""
    given = os.environ.get("DELIGHT_TOGETHER", "")
    return Path(given) if given else (Path(folder).parent if folder else Path.cwd()) / "together"


def write(folder, *, participants=20):
    """Write the invented provider's room: ``room.json``, the plenary set and a file a participant."""
    folder = Path(folder)
    seed_of(participants)
    planted_book().save(folder)
    for number in range(participants + 1):
        planted(seed_of(number)).to_parquet(folder / f"{number:02}.parquet", index=False)
    return folder


def answers(number, folder=None):
    """Answers of a participant and what their columns mean: (DataFrame, Book)."""
    if folder is None:
        return planted(seed_of(number)), planted_book()
    path = Path(folder) / f"{number:02}.parquet" if isinstance(number, int) and number >= 0 else None
    if path is None or not path.is_file():
        badges = len(list(Path(folder).glob("[0-9]*.parquet"))) - 1
        raise InputError(f"participant is the whole number on your badge, 1 to {badges} (0 is the shared set), not {number!r}.")
    return pd.read_parquet(path), Book.load(folder)

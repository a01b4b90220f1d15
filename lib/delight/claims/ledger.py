"""The ledger: what the literature claims, as tests whose margins were fixed before any data were seen."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from delight.errors import InputError, did_you_mean

LEDGER = Path(__file__).with_name("ledger.toml")

KINDS = ("direction", "value", "rule", "not_testable")
POPULATIONS = ("customers", "consumers", "firms")
TOPICS = ("threshold", "fix_first", "improve", "delight_with", "delight_pays", "segments", "employees", "failures")
UNITS = ("", "grade", "share", "slope", "sd", "correlation", "kappa", "months", "per_year", "h", "count")
#: Who stands behind a source; sources of one author are one voice.
AUTHORS = {"S0": "Van Geffen", "S3": "Van Geffen", "S1": "Thomassen", "S2": "Thomassen", "S4": "Danish article"}
LANGUAGES = ("en", "nl", "da")


@dataclass(frozen=True)
class Claim:
    """A claim of the literature.

    Attributes
    ----------
    id : str
    sources : tuple of str
        Keys of `AUTHORS`.
    kind : str
        One of `KINDS`.
    claim, estimand, collect : dict of str to str
        By language: what is claimed, what is estimated, and what to collect where it cannot be tested.
    published, margin : float
        Null or published value, and the smallest difference that matters; NaN where a method has a rule of its own.
    unit : str
        One of `UNITS`.
    test : str
        Function of `delight.claims.estimands`.
    needs : tuple of tuple of str
        And-of-ors of what a survey must hold.
    population : str
        One of `POPULATIONS`.
    bears_on : tuple of str
        Of `TOPICS`: recommendations that lean on the claim.
    sourced : bool
        Whether the figure can be traced to an investigation.
    """

    id: str
    sources: tuple
    kind: str
    claim: dict
    estimand: dict = field(default_factory=dict)
    collect: dict = field(default_factory=dict)
    published: float = float("nan")
    margin: float = float("nan")
    unit: str = ""
    test: str = ""
    needs: tuple = ()
    population: str = "customers"
    bears_on: tuple = ()
    sourced: bool = True

    @property
    def author(self):
        """Independent voices behind the claim, in the order of the sources."""
        return ", ".join(dict.fromkeys(AUTHORS[s] for s in self.sources))


@dataclass(frozen=True)
class Side:
    """One side of a conflict: what it says, and the claims that would bear it out (``not A01``: the claim's opposite)."""

    claims: tuple
    says: dict


@dataclass(frozen=True)
class Conflict:
    """Sources that contradict each other; `rule` is ``value`` or ``verdicts``."""

    id: str
    rule: str
    question: dict
    sides: tuple


@dataclass(frozen=True)
class Ledger:
    """Claims and conflicts, in the order of the file."""

    claims: tuple
    conflicts: tuple

    def claim(self, claim_id):
        """The claim of an id."""
        found = next((c for c in self.claims if c.id == claim_id), None)
        if found is None:
            raise InputError(f"The ledger has no claim '{claim_id}'.{did_you_mean(claim_id, [c.id for c in self.claims])}")
        return found


@lru_cache
def read(path=LEDGER):
    """Read the ledger.

    Raises
    ------
    InputError
        All that is wrong with it, by claim.
    """
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{Path(path).name} cannot be read: {error}") from None
    wrong = []
    claims = [_claim(entry, wrong) for entry in raw.get("claim", [])]
    ids = [c.id for c in claims]
    wrong += [f"{i}: the id stands there twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
    conflicts = [_conflict(entry, ids, wrong) for entry in raw.get("conflict", [])]
    wrong += [f"'{key}': there are [[claim]] and [[conflict]] only" for key in raw if key not in ("claim", "conflict")]
    if wrong:
        raise InputError(f"{Path(path).name} has {len(wrong)} mistake(s):\n" + "\n".join(wrong))
    return Ledger(tuple(claims), tuple(conflicts))


def _claim(entry, wrong):
    known = Claim.__dataclass_fields__
    name = entry.get("id", "a claim without id")
    wrong += [f"{name}: unknown key '{key}'{did_you_mean(key, known)}" for key in entry if key not in known]
    found = Claim(
        **{
            "id": name,
            "kind": "",
            "claim": {},
            **{k: v for k, v in entry.items() if k in known},
            "sources": tuple(entry.get("sources", ())),
            "needs": tuple(tuple(choice) for choice in entry.get("needs", ())),
            "bears_on": tuple(entry.get("bears_on", ())),
        }
    )

    def of(value, allowed, what):
        if value not in allowed:
            wrong.append(f"{name}: {what} is '{value}'; choose from {', '.join(map(repr, allowed))}")

    of(found.kind, KINDS, "kind")
    of(found.population, POPULATIONS, "population")
    of(found.unit, UNITS, "unit")
    for source in found.sources or ("",):
        of(source, tuple(AUTHORS), "a source")
    for topic in found.bears_on:
        of(topic, TOPICS, "bears_on")
    texts = {"claim": found.claim, "collect" if found.kind == "not_testable" else "estimand": found.estimand or found.collect}
    for what, said in texts.items():
        wrong += [f"{name}: {what}.{language} is missing" for language in LANGUAGES if not said.get(language)]
    if found.kind != "not_testable":
        wrong += [f"{name}: '{key}' is missing" for key in ("test", "needs", "margin") if key not in entry]
    if found.kind in ("direction", "value"):
        wrong += [] if found.margin > 0 else [f"{name}: the margin must be above 0"]
        wrong += [] if "published" in entry else [f"{name}: 'published' is missing"]
    return found


def _conflict(entry, ids, wrong):
    name = f"conflict {entry.get('id', 'without id')}"
    sides = tuple(Side(tuple(side.get("claims", ())), side.get("says", {})) for side in entry.get("side", ()))
    if len(sides) < 2:
        wrong.append(f"{name}: at least two sides are needed")
    if entry.get("rule") not in ("value", "verdicts"):
        wrong.append(f"{name}: rule is 'value' or 'verdicts', not {entry.get('rule')!r}")
    for side in sides:
        unknown = [c for c in side.claims if c.removeprefix("not ") not in ids]
        wrong += [f"{name}: there is no claim '{c}'" for c in unknown]
        wrong += [f"{name}: says.{language} is missing" for language in LANGUAGES if not side.says.get(language)]
    return Conflict(entry.get("id", ""), entry.get("rule", ""), entry.get("question", {}), sides)

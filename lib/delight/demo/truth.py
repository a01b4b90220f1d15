"""The planted truth: everything the generator knows and the methods are asked to find."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from delight.errors import InputError, did_you_mean

KINDS = ("basic", "experience", "delight", "none")
FORMS = ("linear", "jump", "hinge")
KANO = ("A", "O", "M", "I", "R")


@dataclass(frozen=True)
class Driver:
    """One attribute: its own grade and what it does to the overall grade below and above the knot."""

    kind: str
    below: float
    above: float
    mean: float
    sd: float
    applies: float = 1.0
    by_segment: dict = field(default_factory=dict)

    def slopes(self, segment):
        """Slopes below and above the knot for parents of a segment."""
        own = self.by_segment.get(segment)
        return (self.below, self.above) if own is None else (own, own)


@dataclass(frozen=True)
class Segment:
    """One group of parents: its share, its level and its wishes per need item."""

    share: float
    overall: float = 0.0
    wishes: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Act:
    """One little act of kindness: what it does and what it costs a month."""

    overall: float
    surprise: float
    cost: float


@dataclass(frozen=True)
class Loyalty:
    """The curve from the overall grade to recommendation."""

    form: str
    at: float
    jump: float
    at_8: float
    slope: float
    emotion: float
    tenure: float
    residual_sd: float

    def mean(self, grade):
        """Latent recommendation at an overall grade, without emotion and tenure."""
        extra = {"linear": 0.0, "jump": self.jump * (grade >= self.at), "hinge": self.jump * (grade - self.at) * (grade > self.at)}[
            self.form
        ]
        return self.at_8 + self.slope * (grade - 8) + extra

    @property
    def local_contrast(self):
        """D = (m9 - m8) - (m8 - m7) of the latent curve."""
        return self.mean(9.0) - 2 * self.mean(8.0) + self.mean(7.0)


@dataclass(frozen=True)
class Truth:
    """Sizes, effects and dirt of a demo study; `Truth.load(path)` reads them from a truth.toml.

    The flat sections (`demo`, `halo`, `overall`, `needs`, …) are dictionaries; `drivers`, `segments` and `acts` map a name
    to a `Driver`, `Segment` or `Act`, and `loyalty` is a `Loyalty`: ``truth.drivers["warmth"].kind == "delight"``.
    """

    demo: dict
    halo: dict
    overall: dict
    knot: float
    drivers: dict
    needs: dict
    segments: dict
    loyalty: Loyalty
    stay: dict
    emotion: dict
    disconfirmation: dict
    switching: dict
    incidents: dict
    churn: dict
    acts: dict
    kano: dict
    careless: dict
    dirt: dict
    text: str = field(default="", compare=False, repr=False)

    @classmethod
    def load(cls, path=None):
        """Read a truth.toml; without a path the demo study's own.

        Raises
        ------
        InputError
            The file misses a section, names an unknown one, or holds an impossible value.
        """
        path = Path(path) if path else Path(__file__).with_name("truth.toml")
        return cls.parse(path.read_text("utf-8"), source=path.name)

    @classmethod
    def parse(cls, text, *, source="truth.toml"):
        """Read the text of a truth.toml."""
        try:
            raw = tomllib.loads(text)
            drivers = dict(raw.pop("drivers"))
            knot = drivers.pop("knot")
            made = {
                "knot": knot,
                "drivers": {name: Driver(**values) for name, values in drivers.items()},
                "segments": {name: Segment(**values) for name, values in raw.pop("segments").items()},
                "acts": {name: Act(**values) for name, values in raw.pop("acts", {}).items()},
                "loyalty": Loyalty(**raw.pop("loyalty")),
            }
            known = {f.name for f in fields(cls)} - {"text", *made}
            if unknown := [f"[{name}].{did_you_mean(name, known)}" for name in raw if name not in known]:
                raise InputError(f"{source}: unknown section {' '.join(unknown)}")
            if missing := sorted(known - set(raw)):
                raise InputError(f"{source}: section [{missing[0]}] is missing.")
        except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
            raise InputError(f"{source} cannot be read as a planted truth: {error}.") from None
        return cls(**made, **raw, text=text)._checked(source)

    def _checked(self, source="the planted truth"):
        """Itself, or one error that lists every impossible value."""
        wrong = []
        if abs(sum(s.share for s in self.segments.values()) - 1) > 1e-9:
            wrong.append("the shares of the segments do not add up to 1")
        wrong += [
            f"driver '{name}' has kind '{d.kind}', not one of {', '.join(KINDS)}" for name, d in self.drivers.items() if d.kind not in KINDS
        ]
        wrong += [
            f"segment '{name}' wishes '{item}', which is no need item"
            for name, s in self.segments.items()
            for item in s.wishes
            if item not in self.needs["items"]
        ]
        wrong += [
            f"driver '{name}' has a slope for '{segment}', which is no segment"
            for name, d in self.drivers.items()
            for segment in d.by_segment
            if segment not in self.segments
        ]
        for name, feature in self.kano.get("features", {}).items():
            for where, shares in {"": feature["shares"], **feature.get("by_segment", {})}.items():
                if set(shares) - set(KANO) or abs(sum(shares.values()) - 1) > 1e-9:
                    wrong.append(
                        f"feature '{name}': the shares{f' of {where}' if where else ''} are not of {', '.join(KANO)} or do not add up to 1"
                    )
                if where and where not in self.segments:
                    wrong.append(f"feature '{name}' has shares for '{where}', which is no segment")
        if self.loyalty.form not in FORMS:
            wrong.append(f"loyalty has form '{self.loyalty.form}', not one of {', '.join(FORMS)}")
        waves = len(self.demo["waves"])
        if not (waves == len(self.demo["dates"]) == len(self.demo["wave_effects"])) or not waves:
            wrong.append("waves, dates and wave_effects differ in length")
        if not (self.demo["answers"] >= 1 and 0 < self.demo["response"] <= 1 and 0 < self.demo["reachable"] <= 1):
            wrong.append("answers must be 1 or more, response and reachable above 0 and at most 1")
        if not 1 <= self.demo["labels"] <= self.demo["locations"]:
            wrong.append("there must be at least one label and no fewer locations than labels")
        if wrong:
            raise InputError(f"{source}: {'; '.join(wrong)}.")
        return self

    def kano_shares(self, feature, segment="", later=0):
        """True share of each category of a feature in a segment (its name; empty: all parents), `later` waves after the first that asks."""
        about = self.kano["features"][feature]
        own = about.get("by_segment", {})
        if not segment:
            parts = [(s.share, own.get(name, about["shares"])) for name, s in self.segments.items()]
        else:
            parts = [(1.0, own.get(segment, about["shares"]))]
        shares = {c: sum(weight * of.get(c, 0.0) for weight, of in parts) for c in KANO}
        kept = (1 - about.get("to_O", 0.0)) ** later
        return shares | {"A": shares["A"] * kept, "O": shares["O"] + shares["A"] * (1 - kept)}

    # --- other truths, for power checks and tests of honesty ------------------------------------------------

    def sized(self, answers, **demo):
        """The same truth with another number of answers (and other values of [demo])."""
        return replace(self, demo={**self.demo, "answers": int(answers), **demo})._checked()

    def clean(self):
        """The same truth without careless answers, dirty cells and missing values."""
        return replace(
            self,
            careless={"straight": 0.0, "random": 0.0},
            kano={**self.kano, "unreliable": 0.0, "mild": 0.0},
            dirt={**self.dirt, "missing": 0.0, "duplicates": 0, "empty_rows": 0},
        )

    def without_segments(self):
        """All parents want the same; response style stays."""
        drivers = {name: replace(d, by_segment={}) for name, d in self.drivers.items()}
        features = {name: {k: v for k, v in f.items() if k != "by_segment"} for name, f in self.kano["features"].items()}
        segments = {name: Segment(share=s.share) for name, s in self.segments.items()}
        return replace(self, drivers=drivers, segments=segments, kano={**self.kano, "features": features})

    def without_delight(self):
        """Delight does nothing: straight driver lines, a straight loyalty curve, no goodwill, acts or emotion effects."""
        straight = {}
        for name, d in self.drivers.items():
            slope = (d.below + d.above) / 2
            straight[name] = replace(d, kind="none" if d.kind == "none" else "experience", below=slope, above=slope)
        return replace(
            self,
            drivers=straight,
            loyalty=replace(self.loyalty, form="linear", jump=0.0, emotion=0.0),
            stay={**self.stay, "delighted": 0.0},
            incidents={**self.incidents, "overall_delighted": self.incidents["overall"]},
            churn={**self.churn, "delighted": 0.0, "goodwill": 0.0},
            acts={name: replace(a, overall=0.0, surprise=0.0) for name, a in self.acts.items()},
        )

    def pure_halo(self):
        """No attribute does anything: every grade only follows how content the parent is in general."""
        drivers = {name: replace(d, kind="none", below=0.0, above=0.0, by_segment={}) for name, d in self.drivers.items()}
        return replace(self, drivers=drivers, halo={**self.halo, "overall": 0.9}, overall={**self.overall, "intercept": 7.9})

    def with_curve(self, form, *, jump=0.0, at=9.0):
        """The same truth with another loyalty curve: "linear", "jump" or "hinge"."""
        return replace(self, loyalty=replace(self.loyalty, form=form, jump=jump, at=at))._checked()

    def dumps(self):
        """The truth as TOML: the text it was read from, or, where values differ, a plain listing."""
        if self.text and Truth.parse(self.text) == self:
            return self.text
        parts = []
        for f in fields(self):
            if f.name in ("text", "knot"):
                continue
            value = getattr(self, f.name)
            value = vars(value) if isinstance(value, Loyalty) else value
            nested = f.name in ("drivers", "segments", "acts")
            if f.name == "drivers":
                parts.append(_section("drivers", {"knot": self.knot}))
            if nested:
                parts += [_section(f"{f.name}.{name}", vars(item)) for name, item in value.items()]
            else:
                parts.append(_section(f.name, value))
        return "\n".join(parts)


def _section(name, values):
    return f"[{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


def _toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return repr(value)

"""Make the demo study from its planted truth: parents, their grades, and the exports as they would arrive."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from delight.demo import comments, export, kano, places, questions
from delight.demo.truth import Truth
from delight.errors import InputError

EMOTIONS = ("surprised", "joyful", "enthusiastic", "annoyed")


@dataclass(frozen=True)
class Demo:
    """A generated study.

    Attributes
    ----------
    truth : Truth
    language : str
    responses : pandas.DataFrame, one row a response
        As the feedback table: codebook columns, `wave`, `respondent`; missing and not applicable are NaN, the latter
        with `<column>:na`; reversed items already turned. Without dirt, with careless answers.
    hidden : pandas.DataFrame, same rows
        What a survey never shows: `segment`, `careless` ("", "straight", "random"), `delighted_before`, `overall_latent`,
        `emotion_latent`, `halo`, `label`, the acts that the location does.
    units, acts : pandas.DataFrame
        One row a location; one row an act at a location with its first day and monthly cost.
    """

    truth: Truth
    language: str
    seed: int
    responses: pd.DataFrame
    hidden: pd.DataFrame
    units: pd.DataFrame
    acts: pd.DataFrame

    def export(self, wave):
        """One wave as the survey tool would export it, with its dirt: text and numbers in the study's language."""
        number = self.truth.demo["waves"].index(wave)
        answered = self.responses[self.responses["wave"] == wave]
        return export.as_exported(self.truth, answered, _Random(self.seed)(f"dirt {wave}"), self.language, number)

    def write(self, folder, *, large=100_000):
        """Write the study folder: study.toml, codebook.csv, answers.csv, units.csv, acts.csv, truth.toml and raw/."""
        return export.write(self, folder, large=large)


def generate(truth=None, *, seed=None, language="nl", with_comments=True):
    """Make a demo study.

    Parameters
    ----------
    truth : Truth, optional
        Sizes and effects; the demo study's own if left out.
    seed : int, optional
        Seed of every random step; the truth's own if left out. The same truth, seed and language give the same study.
    language : str
        Of names, answers and comments: nl, da or en.
    with_comments : bool
        Leave the comments out where only numbers are needed: much faster for large studies.

    Returns
    -------
    Demo

    Raises
    ------
    InputError
        The language is not one of nl, da, en.
    """
    if language not in questions.LANGUAGES:
        raise InputError(f"The demo study speaks nl, da and en, not '{language}'.")
    truth = Truth.load() if truth is None else truth
    seed = truth.demo["seed"] if seed is None else int(seed)
    random = _Random(seed)
    per_wave = _split(truth.demo["answers"], len(truth.demo["waves"]))
    invited = [round(n / truth.demo["response"]) for n in per_wave]
    units = places.units(truth, random("places"), language, max(invited))
    acts = places.acts(truth, random("acts"), units)
    effects = _place_effects(truth, units, random("location effects"))
    people = _newcomers(truth, units, random("people"), first_id=0)
    waves, hidden = [], []
    for number, (wave, n) in enumerate(zip(truth.demo["waves"], per_wave)):
        now = _live(truth, people, effects, acts, number, random(f"live {wave}"))
        if n:
            asked = _who_answers(truth, people, n, random(f"answers {wave}"))
            seen = {name: values[asked] for name, values in {**people, **now}.items()}
            answered = _ask(truth, seen, number, random(f"ask {wave}"))
            careless = _careless(truth, answered, random(f"careless {wave}"))
            waves.append(answered.assign(wave=wave))
            hidden.append(_hidden(truth, seen, units, careless))
        invited_last = np.bincount(people["home"][people["reachable"]], minlength=len(units))
        people = _move_on(truth, people, now, units, random(f"leave {wave}"))
    units["invited"] = invited_last
    responses, hidden = pd.concat(waves, ignore_index=True), pd.concat(hidden, ignore_index=True)
    responses = responses.assign(**kano.answers(truth, responses, hidden, seed, random))
    responses["location"] = units["location"].to_numpy()[responses["location"].to_numpy(dtype=int)]
    said = comments.compose(truth, responses, hidden, units, random("comments"), language) if with_comments else None
    responses["comment"] = said if said is not None else pd.Series([None] * len(responses), dtype=object)
    columns = [c for c in questions.codebook(truth)["column"] if c in responses]
    companions = [c for c in responses if c.endswith(":na")]
    responses = responses[["respondent", "wave", *columns, *companions]]
    return Demo(truth, language, seed, export.with_gaps(truth, responses), hidden, units, acts)


class _Random:
    """One generator for each named step, so that a change in one step leaves the others as they were."""

    def __init__(self, seed):
        self.seed = seed

    def __call__(self, step):
        return np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(step.encode())]))


def _split(answers, waves):
    """Answers a wave, as equal as can be; the newest waves take what is left over."""
    return [answers // waves + (w >= waves - answers % waves) for w in range(waves)]


def _place_effects(truth, units, rng):
    """What a location adds to the overall grade, and to each attribute."""
    labels = pd.factorize(units["label"])[0]
    n, n_labels = len(units), truth.demo["labels"]
    overall = rng.normal(0, truth.demo["sd_label"], n_labels)[labels] + rng.normal(0, truth.demo["sd_location"], n)
    overall -= np.average(overall, weights=units["population"])
    attributes = {name: rng.normal(0, truth.demo["sd_location_attribute"], n) for name in truth.drivers}
    return {"overall": overall, "attributes": attributes, "response": rng.normal(0, 0.25, n)}


def _newcomers(truth, units, rng, *, first_id, where=None):
    """Parents who come new to the organisation: at `where`, or filling every location."""
    home = np.repeat(np.arange(len(units)), units["population"]) if where is None else where
    n = len(home)
    type_of_care = rng.choice(3, n, p=[0.5, 0.14, 0.36])
    age = np.where(
        type_of_care == 0, rng.choice(2, n, p=[0.45, 0.55]), np.where(type_of_care == 1, 1, rng.choice([2, 3], n, p=[0.68, 0.32]))
    )
    halo = rng.normal(0, 1, n)
    start = rng.gamma(1.6, 15, n) if where is None else rng.uniform(1, 6, n)
    return {
        "id": first_id + np.arange(n),
        "home": home,
        "segment": rng.choice(len(truth.segments), n, p=[s.share for s in truth.segments.values()]),
        "style": rng.normal(0, truth.needs["style_sd"], n),
        "spread": np.exp(rng.normal(0, truth.needs["spread_sd"], n)),
        "taste": rng.normal(0, 1, (n, len(truth.drivers))),
        "content": rng.normal(0, 1, n),
        "halo": halo,
        "readiness": rng.normal(0, truth.demo["persistence"], n),
        "reachable": rng.random(n) < truth.demo["reachable"],
        "care_type": type_of_care,
        "age_group": age,
        "children": rng.choice(3, n, p=[0.52, 0.40, 0.08]),
        "tenure": np.clip(np.round(start), 1, 140).astype(int),
        "days": rng.choice([1, 2, 3, 4, 5], n, p=[0.08, 0.36, 0.34, 0.16, 0.06]),
        "delighted_before": 0.6 * halo + 0.8 * rng.normal(0, 1, n) > 0.55,
    }


def _live(truth, people, effects, acts, wave, rng):
    """Half a year of care: grades, incident, overall, emotion, and whether the parent leaves afterwards."""
    n, home = len(people["id"]), people["home"]
    name_of = list(truth.segments)
    halo = truth.halo["trait"] * people["halo"] + truth.halo["mood"] * rng.normal(0, 1, n)
    incident = rng.random(n) < truth.incidents["share"]
    doing = {act: acts.loc[(acts["act"] == act) & (acts["wave"] <= wave), "place"].to_numpy() for act in truth.acts}
    acting = {act: np.isin(home, places_) for act, places_ in doing.items()}
    overall = truth.overall["intercept"] + truth.demo["wave_effects"][wave] + effects["overall"][home]
    overall = overall + truth.halo["overall"] * halo / np.hypot(truth.halo["trait"], truth.halo["mood"])
    overall += np.array([s.overall for s in truth.segments.values()])[people["segment"]]
    grades, applies = {}, {}
    for k, (name, driver) in enumerate(truth.drivers.items()):
        own = 0.7 * people["taste"][:, k] + np.sqrt(1 - 0.49) * rng.normal(0, 1, n)
        latent = driver.mean + halo + effects["attributes"][name][home] + own * driver.sd
        if name == "agreements":
            latent += truth.incidents["agreements"] * (incident - truth.incidents["share"])
        if name == "surprise":
            latent += sum((truth.acts[act].surprise * acting[act] for act in truth.acts), np.zeros(n))
        grade = _points(latent, 1, 10)
        chance = driver.applies
        if name == "complaints":
            chance = np.where(incident, truth.incidents["complaint_after"], truth.incidents["complaint_else"])
        applies[name] = rng.random(n) < chance
        slopes = np.array([driver.slopes(s) for s in name_of])[people["segment"]]
        effect = slopes[:, 0] * np.minimum(grade - truth.knot, 0) + slopes[:, 1] * np.maximum(grade - truth.knot, 0)
        overall = overall + effect * applies[name]
        grades[name] = grade
    cost = np.where(people["delighted_before"], truth.incidents["overall_delighted"], truth.incidents["overall"])
    overall = overall + cost * incident
    overall += sum((truth.acts[act].overall * acting[act] for act in truth.acts), np.zeros(n))
    overall += truth.overall["residual_sd"] * (0.4 * people["content"] + np.sqrt(1 - 0.16) * rng.normal(0, 1, n))
    grade = _points(overall, 1, 10)
    years = np.minimum(people["tenure"] / 12, 5)
    c, before = truth.churn, people["delighted_before"]
    logit = c["base"] + c["overall"] * (grade - 8) + c["incident"] * incident + c["delighted"] * before
    logit = logit + c["goodwill"] * incident * before + c["tenure"] * years
    standard = (overall - 7.8) / 1.3
    beyond = rng.normal(0, 1, n)
    share = truth.emotion["share_of_grade"]
    return {
        **{f"grade {name}": values for name, values in grades.items()},
        **{f"applies {name}": values for name, values in applies.items()},
        **{f"act {act}": values for act, values in acting.items()},
        "mood_halo": halo,
        "incident": incident,
        "overall_latent": overall,
        "overall": grade,
        "beyond": beyond,
        "emotion": share * standard + np.sqrt(1 - share**2) * beyond,
        "churned": rng.random(n) < 1 / (1 + np.exp(-logit)),
    }


def _who_answers(truth, people, n, rng):
    """Exactly `n` of the invited parents: some are always more ready to answer than others."""
    ready = people["readiness"] + rng.gumbel(0, 1, len(people["id"]))
    ready[~people["reachable"]] = -np.inf
    chosen = np.argpartition(-ready, n - 1)[:n] if n else np.empty(0, dtype=int)
    return np.sort(chosen)


def _ask(truth, seen, wave, rng):
    """The questionnaire as an attentive parent fills it in."""
    n = len(seen["id"])
    day = rng.choice(21, n, p=_fieldwork())
    moment = np.round(day * 86400 + rng.triangular(6.5, 20.6, 23.9, n) * 3600).astype("timedelta64[s]")
    out = {
        "respondent": np.char.add("K", np.char.zfill((10_000 + seen["id"] * 7919 % 9_999_991).astype(str), 7)),
        "completed": np.datetime64(truth.demo["dates"][wave]) + moment,
        "duration": np.round(np.exp(rng.normal(np.log(330), 0.42, n)), 1),
        "location": seen["home"],
    }
    for column in ("care_type", "age_group", "children"):
        codes = np.array([code for name, code, _, _ in questions.ANSWERS if name == column], dtype=object)
        out[column] = codes[seen[column]]
    rate = np.array([410.0, 260.0, 195.0])[seen["care_type"]]
    out["tenure"] = seen["tenure"].astype(float)
    out["spend"] = np.round(rate * seen["days"] * (1 + 0.75 * seen["children"]) * rng.uniform(0.93, 1.07, n), 2)
    overall = seen["overall"]
    out["overall"] = overall
    loyal = truth.loyalty
    curve = np.array([loyal.mean(float(point)) for point in range(11)])[overall.astype(int)]
    years = np.minimum(seen["tenure"] / 12, 5)
    felt = curve + loyal.emotion * seen["beyond"] + loyal.tenure * (years - 2)
    out["recommend"] = _points(felt + rng.normal(0, loyal.residual_sd, n), 0, 10)
    out["choose_again"] = _points(3.9 + 0.45 * (curve - loyal.at_8) + 0.15 * seen["beyond"] + rng.normal(0, 0.7, n), 1, 5)
    stay = truth.stay["at_8"] + truth.stay["slope"] * (overall - 8) + truth.stay["delighted"] * (overall >= 9)
    out["stay"] = np.where(rng.random(n) < 0.08, np.nan, (rng.random(n) < 1 / (1 + np.exp(-stay))).astype(float))
    out["churned"] = seen["churned"].astype(float)
    for name in truth.drivers:
        applies = seen[f"applies {name}"]
        out[name] = np.where(applies, seen[f"grade {name}"], np.nan)
        if name == "complaints" or truth.drivers[name].applies < 1:
            out[f"{name}:na"] = ~applies
    standard = (seen["overall_latent"] - 7.8) / 1.3
    d = truth.disconfirmation
    met = 3.25 + 0.8 * (d["grade"] * standard + d["emotion"] * seen["beyond"] + d["noise_sd"] * rng.normal(0, 1, n))
    out["disconfirmation"] = _points(met, 1, 5)
    for item in EMOTIONS:
        middle = {"surprised": 3.0, "joyful": 3.5, "enthusiastic": 3.2, "annoyed": 3.9}[item]
        felt = middle + truth.emotion["loading"] * seen["emotion"] + rng.normal(0, truth.emotion["noise_sd"], n)
        out[item] = _points(felt, 1, 5)
    out["incident"] = seen["incident"].astype(float)
    wishes = np.array([[s.wishes.get(item, 0.0) for item in truth.needs["items"]] for s in truth.segments.values()])
    for k, (item, mean) in enumerate(truth.needs["items"].items()):
        own = wishes[seen["segment"], k] + truth.needs["noise_sd"] * rng.normal(0, 1, n)
        out[item] = _points(mean + seen["style"] + seen["spread"] * own, 1, 10)
    half, last = rng.random(n) < 0.5, wave == len(truth.demo["waves"]) - 1
    out["switch_one"] = np.where(last & half, rng.random(n) < truth.switching["after_one"], np.nan)
    out["switch_two"] = np.where(last & ~half, rng.random(n) < truth.switching["after_two"], np.nan)
    return pd.DataFrame(out)


def _careless(truth, answered, rng):
    """Overwrite the answers of careless parents; returns how each answered ("", "straight" or "random")."""
    n = len(answered)
    draw = rng.random(n)
    straight = draw < truth.careless["straight"]
    at_random = ~straight & (draw < truth.careless["straight"] + truth.careless["random"])
    needs = list(truth.needs["items"])
    grade, level = rng.choice([7.0, 8.0, 9.0, 10.0], n, p=[0.2, 0.45, 0.15, 0.2]), rng.choice([5.0, 6.0, 7.0, 8.0, 10.0], n)
    for column in ["overall", "recommend", *truth.drivers, *needs]:
        low, high = (0 if column == "recommend" else 1), 10
        anything = rng.integers(low, high + 1, n).astype(float)
        same = np.clip(level + rng.integers(-1, 2, n), 1, 10) if column in needs else grade
        kept = answered[column].to_numpy()
        changed = np.where(straight, same, np.where(at_random, anything, kept))
        answered[column] = np.where(np.isnan(kept), kept, changed)
    hasty = rng.uniform(0.12, 0.28, n)
    answered["duration"] = np.where(at_random, np.round(330 * hasty, 1), answered["duration"])
    return np.where(straight, "straight", np.where(at_random, "random", ""))


def _hidden(truth, seen, units, careless):
    names = np.array(list(truth.segments), dtype=object)
    return pd.DataFrame(
        {
            "segment": names[seen["segment"]],
            "careless": careless,
            "label": units["label"].to_numpy()[seen["home"]],
            "delighted_before": seen["delighted_before"],
            "overall_latent": seen["overall_latent"],
            "emotion_latent": seen["emotion"],
            "halo": seen["mood_halo"],
            **{f"act {act}": seen[f"act {act}"] for act in truth.acts},
        }
    )


def _move_on(truth, people, now, units, rng):
    """Half a year later: leavers are replaced, the others stay six months longer and remember whether they were delighted."""
    n = len(people["id"])
    gone = now["churned"] | (rng.random(n) < truth.demo["ageing_out"])
    fresh = _newcomers(truth, units, rng, first_id=int(people["id"].max(initial=-1)) + 1, where=people["home"][gone])
    people = {**people, "tenure": people["tenure"] + 6, "delighted_before": now["overall"] >= 9}
    return {name: _replaced(values, gone, fresh[name]) for name, values in people.items()}


def _replaced(values, mask, fresh):
    values = values.copy()
    values[mask] = fresh
    return values


def _points(latent, low, high):
    return np.clip(np.round(latent), low, high)


def _fieldwork():
    """Most answers come on the day of the invitation and of the reminder."""
    weight = np.exp(-np.arange(21) / 3.0)
    weight[10:] += 0.6 * np.exp(-np.arange(11) / 2.5)
    return weight / weight.sum()

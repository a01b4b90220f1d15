"""Expectations, gaps, delight and the pyramid (M04, M05, M07)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from delight.satisfaction import expectations
from delight.satisfaction.gaps import gaps
from delight.satisfaction.pyramid import pyramid
from delight.scales import Scale
from harness import AT_MOST, COVERAGE, FREE, SIZE, study
from scipy import stats

TEN, FIVE, SEVEN, NPS, YES_NO = Scale(1, 10), Scale(1, 5), Scale(1, 7), Scale(0, 10), Scale(0, 1)
SCALES = {"grade": TEN, "direct": FIVE, "recommend": NPS}


def _truth(kappa=0.45):
    """Chances of the cells exceeded × promoter with margins .4 and .3 and the κ given."""
    a, b = 0.4, 0.3
    by_chance = a * b + (1 - a) * (1 - b)
    both = (kappa * (1 - by_chance) + by_chance - 1 + a + b) / 2
    return np.array([both, a - both, b - both, 1 - a - b + both])


@study(
    "M04 risk difference and κ",
    "250 respondents; delighted .6 if exceeded (.4 of all), .25 else; κ .45",
    sets=2000,
    difference=COVERAGE,
    kappa=COVERAGE,
)
def direct_question(rng):
    cell = rng.choice(4, 250, p=_truth())
    exceeded, promoter = np.isin(cell, (0, 1)), np.isin(cell, (0, 2))
    delighted = rng.random(250) < np.where(exceeded, 0.6, 0.25)
    frame = pd.DataFrame(
        {"grade": np.where(delighted, 9.0, 7.0), "direct": np.where(exceeded, 4.0, 3.0), "recommend": np.where(promoter, 9.0, 7.0)}
    )
    asked = {"y": "grade", "x": "direct", "scales": SCALES}
    difference = expectations.exceeding(frame, **asked).table.set_index("measure").loc["risk_diff"]
    pairs = expectations.three_way(frame, recommend="recommend", **asked).agreement.table.set_index(["term", "other"])
    kappa = pairs.loc[("exceeded", "promoter")]
    return {"difference": difference["lo"] <= 0.35 <= difference["hi"], "kappa": kappa["kappa_lo"] <= 0.45 <= kappa["kappa_hi"]}


@study("M04 risk difference, no effect", "250 respondents, delighted .3 whether exceeded (.4 of all) or not", sets=2000, rejects=SIZE)
def direct_question_null(rng):
    frame = pd.DataFrame({"grade": np.where(rng.random(250) < 0.3, 9.0, 7.0), "direct": np.where(rng.random(250) < 0.4, 4.0, 3.0)})
    found = expectations.exceeding(frame, y="grade", x="direct", scales=SCALES).table.set_index("measure")
    return {"rejects": found.loc["risk_diff", "p"] < 0.05}


def _two_constructs(rng, phi, n):
    first = rng.normal(size=n)
    second = phi * first + np.sqrt(1 - phi**2) * rng.normal(size=n)
    items = {f"{name}{i}": 0.8 * f + 0.6 * rng.normal(size=n) for name, f in (("a", first), ("b", second)) for i in range(3)}
    return pd.DataFrame({c: np.clip(np.round(3 + v), 1, 5) for c, v in items.items()})


@study(
    "M04 correlation of two factors",
    "400 answers on 1-5, three questions a construct, correlation .6",
    sets=500,
    covers=COVERAGE,
    told_apart=FREE,
)
def two_factors(rng):
    frame = _two_constructs(rng, 0.6, 400)
    row = expectations.distinct(frame, constructs={"a": ["a0", "a1", "a2"], "b": ["b0", "b1", "b2"]}, n_boot=200).table.iloc[0]
    return {"covers": row["phi_lo"] <= 0.6 <= row["phi_hi"], "told_apart": row["verdict"] == "distinct"}


@study("M04 one construct under two names", "400 answers on 1-5, three questions each of the same construct", sets=500, told_apart=AT_MOST)
def one_factor_twice(rng):
    frame = _two_constructs(rng, 1.0, 400)
    row = expectations.distinct(frame, constructs={"a": ["a0", "a1", "a2"], "b": ["b0", "b1", "b2"]}, n_boot=200).table.iloc[0]
    return {"told_apart": row["verdict"] == "distinct"}


@study(
    "M04 path of delight",
    "300 answers; way over delight .3 · .25, errors that spread with delight",
    sets=1000,
    arrow=COVERAGE,
    route=COVERAGE,
)
def delight_path(rng):
    n = 300
    x, other = rng.normal(size=(2, n))
    delight = 0.3 * x + np.sqrt(1 - 0.09) * rng.normal(size=n)
    noise = rng.normal(size=n) * np.sqrt((1 + 0.5 * delight**2) / 1.5)
    y = 0.25 * delight + 0.5 * other + np.sqrt(1 - 0.0625 - 0.25) * noise
    frame = pd.DataFrame({"x": x, "delight": delight, "grade": other, "y": y})
    stages = {"disconfirmation": ["x"], "delight": ["delight"], "satisfaction": ["grade"], "intention": ["y"]}
    scales = dict.fromkeys(frame.columns, Scale(-10, 10, 0))
    found = expectations.path(frame, stages=stages, scales=scales, n_boot=400, seed=int(rng.integers(1e9))).table.set_index("route")
    arrow, route = found.loc["delight > intention"], found.loc["disconfirmation > delight > intention"]
    return {"arrow": arrow["ci_lo"] <= 0.25 <= arrow["ci_hi"], "route": route["ci_lo"] <= 0.075 <= route["ci_hi"]}


@study("M05 gap of a dimension", "80 respondents, three pairs on 1-7, no gap", sets=2000, rejects=SIZE)
def no_gap(rng):
    frame = pd.DataFrame({f"{k}{i}": np.clip(np.round(5 + rng.normal(size=80)), 1, 7) for k in "pe" for i in range(3)})
    found = gaps(frame, expected={f"p{i}": f"e{i}" for i in range(3)}, scales=dict.fromkeys(frame, SEVEN)).dimensions.table.iloc[-1]
    return {"rejects": found["p"] < 0.05}


LEVELS = np.repeat([1, 2, 3, 4], 2)
EASY = stats.norm.ppf(np.repeat([0.85, 0.7, 0.5, 0.3], 2))


def _read(yes, mood, rng):
    """The pyramid of yes-or-no answers, with a grade that follows the mood."""
    items = {f"q{i}": yes[:, i].astype(float) for i in range(yes.shape[1])}
    frame = pd.DataFrame(items).assign(grade=np.clip(np.round(7.9 + 0.9 * mood + 0.6 * rng.normal(size=len(mood))), 1, 10))
    scales = {**dict.fromkeys(items, YES_NO), "grade": TEN}
    found = pyramid(frame, y="grade", levels=dict(zip(items, LEVELS.tolist())), scales=scales, n_boot=100, seed=int(rng.integers(1e9)))
    verdicts = pd.concat([t.table["verdict"] for t in (found.order, found.caps, found.basics)])
    row = found.order.table.iloc[0]
    return {"supported": (verdicts == "supported").any(), "other_tags": row["p_halo"] <= 0.05, "impression": row["p_impression"] <= 0.05}


def _halo(rng, mood, load=0.75):
    return load * mood + np.sqrt(1 - load**2) * rng.normal(size=(len(mood), len(LEVELS))) + EASY > 0


@study("M07 pure halo", "500 respondents, two yes-or-no questions a level, one general impression (loading .75), higher levels harder", sets=400, supported=AT_MOST, other_tags=FREE, impression=AT_MOST)  # fmt: skip
def pure_halo(rng):
    mood = rng.normal(size=500)
    return _read(_halo(rng, mood[:, None]), mood, rng)


@study("M07 pure halo, two kinds of customers", "the same, but a quarter discontent and the others content", sets=300, supported=AT_MOST, other_tags=FREE, impression=AT_MOST)  # fmt: skip
def halo_of_two_kinds(rng):
    mood = np.where(rng.random(500) < 0.25, -1.6, 0.53) + 0.3 * rng.normal(size=500)
    return _read(_halo(rng, mood[:, None]), mood, rng)


@study("M07 two impressions", "the same, but lower and upper levels have impressions of their own that correlate .7", sets=400, supported=AT_MOST, other_tags=FREE, impression=AT_MOST)  # fmt: skip
def two_impressions(rng):
    mood = rng.normal(size=500)
    other = 0.7 * mood + np.sqrt(0.51) * rng.normal(size=500)
    return _read(_halo(rng, np.where(LEVELS <= 2, mood[:, None], other[:, None])), mood, rng)


@study("M07 true pyramid", "500 respondents at a level each, 5 % slips; how often the order is found", sets=400, supported=FREE, other_tags=FREE, impression=FREE)  # fmt: skip
def true_pyramid(rng):
    mood = rng.normal(size=500)
    height = np.digitize(0.5 * mood + np.sqrt(0.75) * rng.normal(size=500), [-1, -0.3, 0.3, 1])
    got = LEVELS[None, :] <= height[:, None]
    return _read(np.where(rng.random(got.shape) < 0.05, ~got, got), mood, rng)

"""Segments: how many, which, what becomes of outcomes and slopes of uncertain members, and the typing tool (M17, M18)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from delight import resample
from delight.drivers.differences import differences
from delight.scales import Scale
from delight.segments import em, latent
from delight.segments.agreement import adjusted_rand
from delight.segments.members import membership, outcomes
from delight.segments.model import SegmentModel, assign
from delight.segments.needs import coding
from delight.segments.segmentation import find
from delight.segments.typing import golden
from harness import AT_MOST, COVERAGE, FREE, SIZE, study
from scipy.optimize import linear_sum_assignment

ITEMS = [f"need_{i}" for i in range(10)]
KINDS = ["kind-0", "kind-1", "kind-2"]
SHARES = [0.45, 0.25, 0.30]
WISHES = np.zeros((3, 10))
WISHES[1, 3:6], WISHES[1, 6:] = 1.0, -0.7
WISHES[2, 3:6], WISHES[2, 6:] = -0.8, 0.75
PLANTED = WISHES - WISHES.mean(axis=1, keepdims=True)
MEANS = np.array([7.8, 7.2, 8.2])  # grade of each kind
SLOPES = np.array([[0.3, 0.2, 0.0], [0.3, -0.2, 0.0], [0.1, 0.2, 0.0]])  # of three experiences, by kind
SCALES = dict.fromkeys(ITEMS, Scale(1, 5))


def _customers(rng, n, noise=0.6, wish=1.0, style=0.55):
    """Customers of three kinds who rate ten needs, each at a level of her own; their grade and what drives it differ by kind."""
    kind = rng.choice(3, n, p=SHARES)
    ratings = 3.6 + wish * WISHES[kind] + style * rng.normal(size=(n, 1)) + noise * rng.normal(size=(n, 10))
    experiences = rng.normal(size=(n, 3))
    grade = MEANS[kind] + (experiences * SLOPES[kind]).sum(axis=1) + rng.normal(0, 0.8, n)
    frame = pd.DataFrame(np.clip(np.round(ratings), 1, 5), columns=ITEMS)
    return frame.assign(a=experiences[:, 0], b=experiences[:, 1], c=experiences[:, 2], grade=grade), kind


def _fitted(frame, seed, n_starts=10):
    """Assignment by three classes fitted to these customers, named after the planted kind they lie nearest to."""
    data = latent.prepare(frame, coding(frame, ITEMS, scales=SCALES, within=True))
    rng = resample.generator(seed, "simulation")
    model, *_ = em.fit(data.kind, 3, data.seen.weights, rng, n_starts=n_starts, n_polish=2, tolerance=1e-5)
    params = latent.one(model)
    found, kind = linear_sum_assignment(((params[1][:, None] - PLANTED[None]) ** 2).sum(axis=-1))
    names = dict(zip(found, kind))
    return assign(frame, model=SegmentModel(data.coding, params, tuple(KINDS[names[k]] for k in range(3))))


def _outcomes(rng, n, noise):
    frame, _ = _customers(rng, n, noise)
    assignment = _fitted(frame, int(rng.integers(1e9)))
    told = outcomes(frame, assignment, measures={"mean": "grade"}).table.set_index("group").loc[KINDS]
    table = differences(frame, y="grade", x=list("abc"), members=pd.DataFrame(membership(assignment)[KINDS].to_numpy(), columns=KINDS))
    rows = table.effects.table.query("by != 'whole'").pivot(index="group", columns="attribute", values=["effect", "ci_lo", "ci_hi"])
    tests = table.tests.table.set_index("attribute")
    return {
        "certainty": assignment.table["certainty"].mean(),
        "means": ((told["value_lo"] <= MEANS) & (told["value_hi"] >= MEANS)).mean(),
        "slopes": ((rows["ci_lo"] <= SLOPES) & (rows["ci_hi"] >= SLOPES)).to_numpy().mean(),
        "slope_equal": tests.at["c", "p"] < 0.05,
        "slope_opposite": tests.at["a", "p_flip"] < 0.05,
        "flip_found": tests.at["b", "p_flip"] < 0.05,
    }


OUTCOMES = {"certainty": FREE, "means": COVERAGE, "slopes": COVERAGE, "slope_equal": SIZE, "slope_opposite": AT_MOST, "flip_found": FREE}


@study("M17 three-step outcomes and slopes", "600 customers of three kinds, style .55, noise .6; classes fitted anew", sets=200, **OUTCOMES)
def outcomes_600(rng):
    return _outcomes(rng, 600, 0.6)


@study("M17 three-step outcomes and slopes", "2,000 customers of three kinds, style .55, noise .6", sets=200, **OUTCOMES)
def outcomes_2000(rng):
    return _outcomes(rng, 2000, 0.6)


@study(
    "M17 three-step outcomes and slopes", "2,000 customers of three kinds, style .55, noise 1.0 (uncertain members)", sets=300, **OUTCOMES
)
def outcomes_uncertain(rng):
    return _outcomes(rng, 2000, 1.0)


ARCHETYPES = {
    "quality": {},
    "pedagogy": {**dict.fromkeys(ITEMS[3:6], "high"), **dict.fromkeys(ITEMS[6:], "low")},
    "unburden": {**dict.fromkeys(ITEMS[3:6], "low"), **dict.fromkeys(ITEMS[6:], "high")},
}


def _found(rng, n, **world):
    frame, kind = _customers(rng, n, **world)
    options = {"items": ITEMS, "scales": SCALES, "archetypes": ARCHETYPES, "k_max": 4, "n_starts": 12, "n_splits": 8, "n_boot": 40}
    return find(frame, **options, seed=int(rng.integers(1e9))), kind


@study("M17 nothing but one kind", "400 customers without kinds, each with a level of her own (style .55)", sets=40, proposed=FREE, confirmed=AT_MOST, named=AT_MOST)  # fmt: skip
def one_kind(rng):
    found, _ = _found(rng, 400, wish=0.0)
    there = found.model is not None and len(found.model.names) > 1
    named = there and found.segments.table["archetype"].isin(list(ARCHETYPES)).any()
    return {"proposed": there, "confirmed": (found.verdict.table["verdict"] == "supported").any(), "named": named}


@study("M17 three kinds", "600 customers of three kinds, style .55, noise .6", sets=30, three=FREE, confirmed=FREE, all_named=FREE, agreement=FREE)  # fmt: skip
def three_kinds(rng):
    found, kind = _found(rng, 600)
    if found.model is None:
        return {"three": False, "confirmed": False, "all_named": False}
    told = found.assignment.table["segment"].to_numpy()
    return {
        "three": len(found.model.names) == 3,
        "confirmed": (found.verdict.table["verdict"] == "supported").any(),
        "all_named": set(ARCHETYPES) <= set(found.segments.table["archetype"].dropna()),
        "agreement": adjusted_rand(pd.factorize(told)[0], kind),
    }


@lru_cache
def _confirmed():
    """A segmentation confirmed once, from many customers, and many others to try a typing tool on."""
    rng = np.random.default_rng(17)
    model = SegmentModel(*_model_of(_customers(rng, 5000)[0]))
    others = _customers(rng, 50_000)[0]
    return model, others, assign(others, model=model).table["segment"].to_numpy()


def _model_of(frame):
    data = latent.prepare(frame, coding(frame, ITEMS, scales=SCALES, within=True))
    model, *_ = em.fit(data.kind, 3, data.seen.weights, resample.generator(1, "simulation"), n_starts=10, n_polish=2, tolerance=1e-6)
    return data.coding, latent.one(model), ("group-a", "group-b", "group-c")


@study("M17 typing tool", "300 customers, segments by a confirmed model; nested against true accuracy (50,000 others)", sets=80, bias=(-0.01, 0.01), accuracy=FREE)  # fmt: skip
def typing_accuracy(rng):
    model, others, truly = _confirmed()
    frame = _customers(rng, 300)[0]
    found = golden(frame, assign(frame, model=model), questions=ITEMS, seed=int(rng.integers(1e9)))
    told = found.quality.table.query("measure == 'accuracy'")["value"].iloc[0]
    true = float((found.tool.assign(others).table["segment"].to_numpy() == truly).mean())
    return {"bias": told - true, "accuracy": true}

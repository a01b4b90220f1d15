"""Reliability and constructs told apart (α, ω, AVE, HTMT), and gaps with an effect (M05)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from delight.reliability import alpha, htmt, omega, reliability
from delight.satisfaction.gaps import gaps
from harness import COVERAGE, study
from worlds import TEN, grade_mean

LOADINGS = np.array([0.8, 0.7, 0.6, 0.5])
CORRELATION = np.outer(LOADINGS, LOADINGS) + np.diag(1 - LOADINGS**2)


def _items(rng, n, factor, name):
    noise = rng.normal(size=(n, 4)) * np.sqrt(1 - LOADINGS**2)
    return pd.DataFrame(factor[:, None] * LOADINGS + noise, columns=[f"{name}{i}" for i in range(4)])


@study("Reliability: α (Feldt) and ω (bootstrap)", "200 answers to four items with loadings .8 .7 .6 .5", sets=600, alpha=COVERAGE, omega=COVERAGE, ave=COVERAGE)  # fmt: skip
def reliability_four(rng):
    frame = _items(rng, 200, rng.normal(size=200), "a")
    row = reliability(frame, constructs={"a": list(frame)}, n_boot=399, seed=int(rng.integers(1e9))).constructs.table.iloc[0]
    truth = {"alpha": alpha(CORRELATION), "omega": omega(LOADINGS), "ave": (LOADINGS**2).mean()}
    return {name: row[f"{name}_lo"] <= value <= row[f"{name}_hi"] for name, value in truth.items()}


def _five(rng, n):
    """Skewed answers to four parallel items, a third of them at the highest point."""
    return np.clip(np.round(4.0 + 0.9 * rng.normal(size=(n, 1)) + 0.9 * rng.normal(size=(n, 4))), 1, 5)


@lru_cache
def _true_alpha():
    return float(alpha(np.cov(_five(np.random.default_rng(4), 1_000_000).T)))


@study("Reliability: α (bootstrap)", "200 answers on 1-5 to four parallel items; normal theory does not hold", sets=600, alpha=COVERAGE)
def reliability_parallel(rng):
    frame = pd.DataFrame(_five(rng, 200), columns=list("abcd"))
    found = reliability(frame, constructs={"a": list("abcd")}, interval="bootstrap", n_boot=399, seed=int(rng.integers(1e9)))
    row = found.constructs.table.iloc[0]
    return {"alpha": row["alpha_lo"] <= _true_alpha() <= row["alpha_hi"]}


def _two(rng, n, phi):
    first = rng.normal(size=n)
    second = phi * first + np.sqrt(1 - phi**2) * rng.normal(size=n)
    frame = pd.concat([_items(rng, n, first, "a"), _items(rng, n, second, "b")], axis=1)
    options = {"constructs": {"a": [f"a{i}" for i in range(4)], "b": [f"b{i}" for i in range(4)]}, "n_boot": 399}
    return reliability(frame, **options, seed=int(rng.integers(1e9))).distinct.table.iloc[0]


def _true_htmt(phi):
    across = phi * np.outer(LOADINGS, LOADINGS)
    return float(htmt(np.block([[CORRELATION, across], [across.T, CORRELATION]]), [0, 1, 2, 3], [4, 5, 6, 7]))


@study("HTMT", "300 answers, four items each, constructs that correlate .7", sets=300, coverage=COVERAGE)
def htmt_apart(rng):
    row = _two(rng, 300, 0.7)
    return {"coverage": row["htmt_lo"] <= _true_htmt(0.7) <= row["htmt_hi"]}


def _pairs(rng, n):
    """Experienced and expected grades of one person, who has a level of her own."""
    own = rng.normal(size=(n, 1))
    columns = {}
    for name, mean in (("p", 7.4), ("e", 8.1)):
        columns |= dict(zip([f"{name}{i}" for i in range(6)], np.clip(np.round(mean + own + rng.normal(size=(n, 6))), 1, 10).T))
    return pd.DataFrame(columns)


@study("M05 gaps", "60 customers, two dimensions of three pairs, points of importance .7 and .3", sets=300, gap=COVERAGE, dimension=COVERAGE, weighted=COVERAGE)  # fmt: skip
def gap_planted(rng):
    frame = _pairs(rng, 60)
    points = rng.beta(7, 3, 60)
    frame = frame.assign(i1=100 * points, i2=100 * (1 - points))
    sides = {f"p{i}": "first" if i < 3 else "second" for i in range(6)}
    options = {"expected": {f"p{i}": f"e{i}" for i in range(6)}, "dimensions": sides, "importance": {"first": "i1", "second": "i2"}}
    found = gaps(frame, scales=dict.fromkeys([*sides, *options["expected"].values()], TEN), **options)
    truth = grade_mean(7.4, np.sqrt(2)) - grade_mean(8.1, np.sqrt(2))
    one = found.attributes.table.iloc[0]
    row = found.dimensions.table.set_index("dimension").loc["first"]
    return {
        "gap": one["ci_lo"] <= truth <= one["ci_hi"],
        "dimension": row["ci_lo"] <= truth <= row["ci_hi"],
        "weighted": row["gap_weighted_lo"] <= 0.7 * truth <= row["gap_weighted_hi"],
    }

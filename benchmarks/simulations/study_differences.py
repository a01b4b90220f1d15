"""Drivers by segment and by location: equal and opposite effects, gain of targeting, spread of slopes (M18)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from delight.drivers.differences import across, differences
from harness import AT_MOST, COVERAGE, FREE, SIZE, study

X = list("wxyz")
ALIKE = [[0.3, 0.3, 0.3, 0.3]] * 3
#: The hardest case of opposite effects: x has one strong effect and two of nil.
EDGE = [[0.5, 0.0, 0.3, 0.3], [0.5, 0.0, 0.3, 0.3], [0.5, 0.8, 0.3, 0.3]]
FLIP = [[0.3, 0.3, 0.3, 0.3], [0.3, 0.3, 0.3, 0.3], [0.3, -0.3, 0.3, 0.3]]
OWN_BEST = [[0.8, 0, 0, 0], [0, 0.8, 0, 0], [0, 0, 0.8, 0]]


def _customers(rng, slopes, sizes, uneven=False):
    """Customers of segments with given sizes and slopes; uneven errors grow with the experience x."""
    segment = np.repeat(np.arange(len(sizes)), sizes)
    scores = rng.normal(size=(len(segment), 4)) + 0.5 * rng.normal(size=(len(segment), 1))
    error = rng.normal(size=len(segment)) * (np.exp(0.4 * scores[:, 1]) if uneven else 1.0)
    grade = (scores * np.asarray(slopes)[segment]).sum(axis=1) + error
    return pd.DataFrame(scores, columns=X).assign(grade=grade, segment=[f"s{k}" for k in segment])


def _compared(rng, slopes, sizes, uneven):
    return differences(_customers(rng, slopes, sizes, uneven), y="grade", x=X)


def _p_flip(found):
    return found.tests.table.set_index("attribute").at["x", "p_flip"]


def _tests(rng, sizes, uneven):
    alike, edge, flip = (_compared(rng, slopes, sizes, uneven) for slopes in (ALIKE, EDGE, FLIP))
    rows = alike.effects.table.query("by != 'whole'")
    return {
        "effects": ((rows["ci_lo"] <= 0.3) & (rows["ci_hi"] >= 0.3)).mean(),
        "all_equal": alike.effects.note("chow").values["p"] < 0.05,
        "one_equal": (alike.tests.table["p"] < 0.05).mean(),
        "opposite_alike": (alike.tests.table["p_flip"] < 0.05).mean(),
        "opposite_hardest": _p_flip(edge) < 0.05,
        "opposite_found": _p_flip(flip) < 0.05,
    }


TESTS = {
    "effects": COVERAGE,
    "all_equal": SIZE,
    "one_equal": SIZE,
    "opposite_alike": AT_MOST,
    "opposite_hardest": SIZE,
    "opposite_found": FREE,
}


@study(
    "M18 effects by segment: Wald, Gail-Simon", "segments of 150, four related drivers, even errors; opposite: .3 .3 −.3", sets=200, **TESTS
)
def segments_even(rng):
    return _tests(rng, [150, 150, 150], False)


@study("M18 effects by segment: Wald, Gail-Simon", "segments of 150, errors that grow with the driver", sets=400, **TESTS)
def segments_uneven(rng):
    return _tests(rng, [150, 150, 150], True)


@study("M18 effects by segment: Wald, Gail-Simon", "segments of 400, 250 and 60, errors that grow with the driver", sets=400, **TESTS)
def segments_small(rng):
    return _tests(rng, [400, 250, 60], True)


def _gain(rng, slopes, truth):
    row = _compared(rng, slopes, [150, 150, 150], False).targeting.table.iloc[0]
    return {"coverage": row["targeting_gain_lo"] <= truth <= row["targeting_gain_hi"], "claimed": row["targeting_gain_lo"] > 0}


@study("M18 gain of targeting", "segments of 150, each with a best driver of its own (gain .53)", sets=400, coverage=COVERAGE, claimed=FREE)
def gain_planted(rng):
    return _gain(rng, OWN_BEST, 0.8 - 0.8 / 3)


@study(
    "M18 gain of targeting, nothing to gain", "segments of 150, all drivers alike everywhere", sets=400, coverage=COVERAGE, claimed=AT_MOST
)
def gain_none(rng):
    return _gain(rng, ALIKE, 0.0)


def _places(rng, n, groups, tau, uneven):
    frame = _customers(rng, ALIKE[:1], [n], uneven)
    where, own = rng.integers(0, groups, n), rng.normal(0, tau, groups + 1)
    frame = frame.assign(grade=frame["grade"] + frame["x"] * own[where], location=where)
    row = across(frame, y="grade", x=X, n_permutations=199, seed=int(rng.integers(1e9))).table.set_index("attribute").loc["x"]
    return {
        "alike": row["p"] < 0.05,
        "spread": row["tau_lo"] <= tau <= row["tau_hi"],
        "mean": row["ci_lo"] <= 0.3 <= row["ci_hi"],
        "further": row["pred_lo"] <= 0.3 + own[groups] <= row["pred_hi"],
    }


@study("M18 slopes over locations, all alike", "1,200 answers from 40 locations, uneven errors; τ 0", sets=1000, alike=SIZE, spread=(0.93, 1.0), mean=(0.93, 1.0), further=(0.93, 1.0))  # fmt: skip
def locations_alike(rng):
    return _places(rng, 1200, 40, 0.0, True)


@study("M18 slopes over locations, spread", "1,200 answers from 40 locations, uneven errors; τ .2", sets=2000, alike=FREE, spread=COVERAGE, mean=COVERAGE, further=COVERAGE)  # fmt: skip
def locations_spread(rng):
    return _places(rng, 1200, 40, 0.2, True)


@study("M18 slopes over few locations, spread", "3,000 answers from 12 locations, uneven errors; τ .2", sets=600, alike=FREE, spread=COVERAGE, mean=COVERAGE, further=COVERAGE)  # fmt: skip
def locations_few(rng):
    return _places(rng, 3000, 12, 0.2, True)

"""The Kano questionnaire and its waves (M11, M12)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from delight.drivers.kano import classify, heterogeneity
from delight.drivers.migration import half_life, movement, trend
from harness import AT_LEAST, AT_MOST, COVERAGE, FREE, SIZE, study

#: A pair of answers for each category.
ANSWERS = {"A": (1, 3), "O": (1, 5), "M": (3, 5), "I": (3, 3), "R": (5, 1), "Q": (1, 1)}
LETTERS = list(ANSWERS)
PAIRS = {"feature": ("f", "d")}
WAVES = ["w1", "w2", "w3"]


def _said(letters):
    pairs = np.array([ANSWERS[c] for c in letters], dtype=float)
    return pd.DataFrame({"f": pairs[:, 0], "d": pairs[:, 1]})


def _asked(rng, n, chances):
    """n customers whose categories A, O, M, I, R, Q have these chances."""
    return _said(rng.choice(LETTERS, n, p=chances))


@study(
    "M11 Berger's coefficients",
    "100 customers: A .40 O .20 M .15 I .20 R .03 Q .02",
    sets=2000,
    plus=COVERAGE,
    minus=COVERAGE,
    both=COVERAGE,
)
def kano_coefficients(rng):
    row = classify(_asked(rng, 100, [0.40, 0.20, 0.15, 0.20, 0.03, 0.02]), pairs=PAIRS, n_boot=499, seed=int(rng.integers(1e9))).table.iloc[
        0
    ]
    plus, minus = 0.60 / 0.95, -0.35 / 0.95
    joint = row["cs_plus_joint_lo"] <= plus <= row["cs_plus_joint_hi"] and row["cs_minus_joint_lo"] <= minus <= row["cs_minus_joint_hi"]
    return {
        "plus": row["cs_plus_lo"] <= plus <= row["cs_plus_hi"],
        "minus": row["cs_minus_lo"] <= minus <= row["cs_minus_hi"],
        "both": joint,
    }


@study("M11 exact test of the two largest", "150 customers: A .40 O .40 M .10 I .10; single category wrongly (Fong's test beside it)", sets=2000, exact=AT_MOST, fong=FREE)  # fmt: skip
def kano_tie(rng):
    row = classify(_asked(rng, 150, [0.4, 0.4, 0.1, 0.1, 0, 0]), pairs=PAIRS, n_boot=1).table.iloc[0]
    return {"exact": row["p_exact"] < 0.05, "fong": bool(row["fong_sig"])}


@study(
    "M11 wrong category over 20 features",
    "100 customers, in every feature A and O alike; any single category",
    sets=300,
    any_single=AT_MOST,
)
def kano_many(rng):
    parts = [_asked(rng, 100, [0.4, 0.4, 0.1, 0.1, 0, 0]).add_suffix(str(i)) for i in range(20)]
    pairs = {f"feature{i}": (f"f{i}", f"d{i}") for i in range(20)}
    found = classify(pd.concat(parts, axis=1), pairs=pairs, n_boot=1).table["category"]
    return {"any_single": (found.str.len() == 1).any()}


@study("M11 groups sort a feature differently", "two groups of 60 and 90 that are alike", sets=2000, size=SIZE)
def kano_groups(rng):
    frame = _asked(rng, 150, [0.35, 0.2, 0.15, 0.25, 0.03, 0.02]).assign(g=np.repeat(["a", "b"], [60, 90]))
    return {"size": heterogeneity(frame, pairs=PAIRS, by="g", n_draws=499, seed=int(rng.integers(1e9))).table["p"].iloc[0] < 0.05}


def _waves(rng, n, chances):
    return pd.concat([_asked(rng, n, c).assign(wave=w) for w, c in zip(WAVES, chances)], ignore_index=True)


@study("M12 slopes over waves", "three waves of 100; CS+ falls .10 a wave, |CS−| rises .10", plus=COVERAGE, minus=COVERAGE, found=FREE)
def kano_decay(rng):
    frame = _waves(rng, 100, [[0.5, 0.2, 0.1, 0.2, 0, 0], [0.4, 0.2, 0.2, 0.2, 0, 0], [0.3, 0.2, 0.3, 0.2, 0, 0]])
    row = trend(frame, pairs=PAIRS, order=WAVES).table.iloc[0]
    return {
        "plus": row["cs_plus_slope_lo"] <= -0.1 <= row["cs_plus_slope_hi"],
        "minus": row["cs_minus_slope_lo"] <= 0.1 <= row["cs_minus_slope_hi"],
        "found": row["cs_plus_slope_p"] < 0.05,
    }


@study("M12 no change over waves", "three waves of 80, nothing changes", slope=SIZE, logit=SIZE)
def kano_still(rng):
    row = trend(_waves(rng, 80, [[0.4, 0.2, 0.15, 0.25, 0, 0]] * 3), pairs=PAIRS, order=WAVES).table.iloc[0]
    return {"slope": row["cs_plus_slope_p"] < 0.05, "logit": row["logit_p"] < 0.05}


STATES, STILL = list("MOAI"), np.array([0.2, 0.25, 0.35, 0.2])


def _panel(rng, n, change, reliability=0.7, waves=3, start=STILL):
    """Persons whose true state changes by a matrix and who answer at random from all states with chance 1 − reliability."""
    state, rows = rng.choice(4, n, p=start), []
    for wave in WAVES[:waves]:
        told = np.where(rng.random(n) < reliability, state, rng.choice(4, n, p=STILL))
        rows.append(_said([STATES[s] for s in told]).assign(wave=wave, respondent=np.arange(n)))
        state = np.array([rng.choice(4, p=change[s]) for s in state])
    return pd.concat(rows, ignore_index=True)


@study("M12 direction in a panel", "200 persons, two waves, no change but unreliable answers", sets=2000, direction=AT_MOST, net_flow=AT_MOST, bowker=AT_MOST)  # fmt: skip
def panel_still(rng):
    frame = _panel(rng, 200, np.eye(4), waves=2)
    row = movement(frame, pairs=PAIRS, respondent="respondent", order=WAVES[:2]).table.iloc[0]
    return {"direction": row["direction_p"] < 0.05, "net_flow": row["net_flow_p"] < 0.05, "bowker": row["bowker_p"] < 0.05}


#: A true change under which the shares of the states stay as they are: one in eight is replaced at random a wave.
STEADY = 0.8 * np.eye(4) + 0.2 * STILL[None, :]


@study("M12 staying freed of unreliability, with a retest", "300 persons over two waves, 200 asked twice; true staying in A .87", sets=300, stays=COVERAGE)  # fmt: skip
def lasting_retest(rng):
    again = _panel(rng, 200, np.eye(4), waves=2)
    told = again.assign(state=[dict(zip(ANSWERS.values(), ANSWERS))[(f, d)] for f, d in zip(again["f"], again["d"])])
    first, second = (told.loc[told["wave"] == w, "state"].map(STATES.index).to_numpy() for w in WAVES[:2])
    retest = np.zeros((4, 4))
    np.add.at(retest, (first, second), 1)
    options = {"times": {"w1": 0.0, "w2": 0.5}, "retest": retest, "n_boot": 299, "seed": int(rng.integers(1e9))}
    row = half_life(_panel(rng, 300, STEADY, waves=2), pairs=PAIRS, respondent="respondent", order=WAVES[:2], **options).table.iloc[0]
    return {"stays": row["p_aa_true_lo"] <= STEADY[2, 2] <= row["p_aa_true_hi"]}


@study("M12 staying freed of unreliability, latent Markov", "500 persons over three waves, reliability .7; true staying in A .87", sets=40, stays=AT_LEAST)  # fmt: skip
def lasting_markov(rng):
    options = {"times": {"w1": 0.0, "w2": 0.5, "w3": 1.0}, "n_boot": 100, "seed": int(rng.integers(1e9))}
    row = half_life(_panel(rng, 500, STEADY), pairs=PAIRS, respondent="respondent", order=WAVES, **options).table.iloc[0]
    return {"stays": row["p_aa_true_lo"] <= STEADY[2, 2] <= row["p_aa_true_hi"]}

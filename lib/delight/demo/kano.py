"""What parents answer to the Kano questions: a true category each, which some features lose, and answers that do not always tell it."""

from __future__ import annotations

import zlib

import numpy as np

from delight.demo.export import as_random
from delight.demo.truth import KANO

#: Chance of each functional and each dysfunctional answer 1-5 of a parent who feels so.
ANSWERS = {
    "A": ((1, 0, 0, 0, 0), (0, 0.10, 0.50, 0.40, 0)),
    "O": ((1, 0, 0, 0, 0), (0, 0, 0, 0, 1)),
    "M": ((0, 0.65, 0.25, 0.10, 0), (0, 0, 0, 0, 1)),
    "I": ((0, 0.25, 0.60, 0.15, 0), (0, 0.15, 0.55, 0.30, 0)),
    "R": ((0, 0, 0, 0, 1), (0.45, 0.30, 0.25, 0, 0)),
}


def answers(truth, responses, hidden, seed, random):
    """Columns ``<feature>_with`` and ``<feature>_without``: 1-5, missing in the waves that did not ask.

    A parent's category, her mildness and when she loses a delight follow from who she is alone, so that she is the same in every
    wave; which pairs she answers at random does not.
    """
    waves = truth.demo["waves"]
    who = responses["respondent"].str[1:].astype(np.int64).to_numpy()
    number = responses["wave"].map({w: i for i, w in enumerate(waves)}).to_numpy()
    later = number - (len(waves) - truth.kano["waves"])
    segments = list(truth.segments)
    segment = hidden["segment"].map({s: i for i, s in enumerate(segments)}).to_numpy()
    mild = _lasting(who, seed, "mild") < truth.kano["mild"]
    found = {}
    for name, feature in truth.kano["features"].items():
        rng = random(f"kano {name}")
        limits = np.cumsum([[truth.kano_shares(name, s)[c] for c in KANO] for s in segments], axis=1)[segment]
        category = (_lasting(who, seed, f"{name} category")[:, None] > limits[:, :-1]).sum(axis=1)
        kept = (1 - feature.get("to_O", 0.0)) ** np.maximum(later, 0)
        category = np.where((category == 0) & (_lasting(who, seed, f"{name} lost") >= kept), 1, category)
        anyhow = (rng.random(len(who)) < truth.kano["unreliable"]) | (hidden["careless"] == "random").to_numpy()
        for side, ending in enumerate(("with", "without")):
            chances = np.cumsum([ANSWERS[c][side] for c in KANO], axis=1)[category]
            said = 1.0 + (rng.random(len(who))[:, None] > chances[:, :-1]).sum(axis=1)
            said = np.where(mild & (said == 5), 4.0, said)
            said = np.where(anyhow, rng.integers(1, 6, len(who)), said)
            said = np.where((hidden["careless"] == "straight").to_numpy(), 3.0, said)
            found[f"{name}_{ending}"] = np.where(later >= 0, said, np.nan)
    return found


def _lasting(who, seed, what):
    """A number in [0, 1) for each parent that looks random and is always the same."""
    key = np.uint64(zlib.crc32(f"{seed} kano {what}".encode()) * 0x9E3779B97F4A7C15 % 2**64)
    with np.errstate(over="ignore"):
        return as_random(who.astype(np.uint64) * np.uint64(2_654_435_761) + key)

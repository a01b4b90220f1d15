"""Coefficients where answers are missing: gaps filled many times (M15)."""

from __future__ import annotations

import numpy as np
from delight.drivers.controls import imputed
from harness import COVERAGE, FREE, SIZE, study
from worlds import FINE, TEN, rated

THREE = ["x1", "x2", "x3"]


@study("M15 imputed coefficients", "300 customers, three drivers (.4 .3 0), correlation .5; those with high grades leave out x2 more often (a fifth in all)", sets=200, whole=COVERAGE, gaps=COVERAGE, size=SIZE, missing=FREE)  # fmt: skip
def gaps_filled(rng):
    frame = rated(rng, 300, (0.4, 0.3, 0.0))
    leave = rng.random(300) < np.clip(0.2 + 0.12 * (frame["y"] - frame["y"].mean()), 0, 0.8)
    frame.loc[leave, "x2"] = np.nan
    table = imputed(frame, y="y", x=THREE, scales={**dict.fromkeys(THREE, TEN), "y": FINE}, m=10, cycles=5, seed=int(rng.integers(1e9)))
    rows = table.table.set_index("attribute")
    return {
        "whole": rows.at["x1", "ci_lo"] <= 0.4 <= rows.at["x1", "ci_hi"],
        "gaps": rows.at["x2", "ci_lo"] <= 0.3 <= rows.at["x2", "ci_hi"],
        "size": rows.at["x3", "p"] < 0.05,
        "missing": leave.mean(),
    }

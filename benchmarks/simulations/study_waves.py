"""Change over waves: mix and rate, minimum detectable change (M38)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from delight.satisfaction.waves import waves
from delight.scales import Scale
from harness import COVERAGE, FREE, SIZE, study
from worlds import TEN, grade_mean, grade_share, grades

ORDER = ["w1", "w2"]
HUNDREDTHS = Scale(1, 10, 0.01)


def _change(frame, **options):
    table = waves(frame, y="y", scale=TEN, order=ORDER, **options).table
    return table[table["group"] == "w2"].set_index("measure")


@study("M38 change of mean and share", "two waves of 150, no change; a real change of .4", mean=SIZE, share=SIZE, swing=COVERAGE, coverage=COVERAGE)  # fmt: skip
def wave_change(rng):
    before, same, other = grades(rng, 150), grades(rng, 150), grades(rng, 150, 8.2)
    wave = np.repeat(ORDER, 150)
    rows = _change(pd.DataFrame({"y": np.r_[before, same], "wave": wave}))
    moved = _change(pd.DataFrame({"y": np.r_[before, other], "wave": wave})).loc["mean"]
    truth = grade_mean(8.2) - grade_mean()
    return {
        "mean": rows.at["mean", "p"] < 0.05,
        "share": rows.at["share_delighted", "p"] < 0.05,
        "swing": abs(rows.at["mean", "change"]) <= rows.at["mean", "swing"],
        "coverage": moved["change_lo"] <= truth <= moved["change_hi"],
    }


@study("M38 minimum detectable change", "two waves of 150, grades by hundredths, a change that 80 % should see; printed over true value", power=(0.76, 0.84), ratio=(0.97, 1.03))  # fmt: skip
def wave_detectable(rng):
    seen = np.sqrt(2 / 150) * (1.959964 + 0.841621)
    y = np.clip(np.round(rng.normal(np.repeat([5.0, 5.0 + seen], 150)), 2), 1, 10)
    table = waves(pd.DataFrame({"y": y, "wave": np.repeat(ORDER, 150)}), y="y", scale=HUNDREDTHS, order=ORDER).table
    row = table.query("measure == 'mean' and group == 'w2'").iloc[0]
    return {"power": row["p"] < 0.05, "ratio": row["mdc"] / seen}


GROUPS = {"young": (7.2, 1.4), "middle": (7.8, 1.4), "old": (8.4, 1.2)}


def _make_up(rng, n, shares, raised):
    who = rng.choice(list(GROUPS), n, p=shares)
    mean, sd = (np.array([GROUPS[g][i] for g in who]) for i in (0, 1))
    return pd.DataFrame({"y": np.clip(np.round(rng.normal(mean + raised, sd)), 1, 10), "who": who})


def _truth(before, now, raised, level):
    """Mix and rate with the make-up of both waves, half and half (Kitagawa), from the population."""
    a = np.array([level(m, s) for m, s in GROUPS.values()])
    b = np.array([level(m + raised, s) for m, s in GROUPS.values()])
    before, now = np.array(before), np.array(now)
    return float((now - before) @ (a + b) / 2), float((now + before) / 2 @ (b - a))


@study("M38 mix and rate", "two waves of 250; a quarter of the young give way to the old, and grades rise by .2", sets=1000, mix=COVERAGE, rate=COVERAGE, share_mix=COVERAGE, share_rate=COVERAGE)  # fmt: skip
def mix_and_rate(rng):
    before, now, raised = [0.4, 0.3, 0.3], [0.3, 0.3, 0.4], 0.2
    frame = pd.concat([_make_up(rng, 250, s, r).assign(wave=w) for w, s, r in zip(ORDER, (before, now), (0.0, raised))])
    rows = _change(frame.reset_index(drop=True), composition=["who"])
    seen = {}
    for measure, prefix, level in (("mean", "", grade_mean), ("share_delighted", "share_", lambda m, s: grade_share(9, m, s))):
        row = rows.loc[measure]
        for name, truth in zip(("mix", "rate"), _truth(before, now, raised, level)):
            seen[prefix + name] = row[f"{name}_part_lo"] <= truth <= row[f"{name}_part_hi"]
    return seen


@study("M38 mix without change of mix", "two waves of 250 alike in make-up and grades; mix claimed", sets=600, mix=SIZE, rate=FREE)
def no_mix(rng):
    frame = pd.concat([_make_up(rng, 250, [0.4, 0.3, 0.3], 0.0).assign(wave=w) for w in ORDER], ignore_index=True)
    row = _change(frame, composition=["who"]).loc["mean"]
    return {"mix": row["mix_part_p"] < 0.05, "rate": row["rate_part_p"] < 0.05}

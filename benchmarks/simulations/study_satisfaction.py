"""Levels, shares, NPS, designs and small locations (M00, M02, M03, M38, M42)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from delight.satisfaction.levels import levels
from delight.satisfaction.locations import pooled
from delight.satisfaction.nps import nps, nps_compare
from harness import AT_MOST, COVERAGE, FREE, SIZE, study
from worlds import ELEVEN, FINE, TEN, grade_mean, grade_share, grades


def inside(row, name, truth):
    lo, hi = (row["ci_lo"], row["ci_hi"]) if name == "" else (row[f"{name}_lo"], row[f"{name}_hi"])
    return lo <= truth <= hi


@study("M02 mean and share", "100 whole grades 1-10, mean 7.8, a fifth 9 or more", sets=4000, mean=COVERAGE, share=COVERAGE)
def level_of_100(rng):
    row = levels(pd.DataFrame({"y": grades(rng, 100)}), y="y", scale=TEN).table.iloc[0]
    return {"mean": inside(row, "", grade_mean()), "share": inside(row, "share_delighted", grade_share())}


@study("M02 mean and share, sampling weights", "200 grades, lognormal weights (n_eff 125) unrelated to them", mean=COVERAGE, share=COVERAGE)
def level_weighted(rng):
    frame = pd.DataFrame({"y": grades(rng, 200), "w": rng.lognormal(0, 0.7, 200)})
    row = levels(frame, y="y", scale=TEN, weights="w").table.iloc[0]
    return {"mean": inside(row, "", grade_mean()), "share": inside(row, "share_delighted", grade_share())}


def _places(rng, n_places, people, spread, response):
    """People of places whose means differ, and who of them answered."""
    level = np.repeat(rng.normal(0, spread, n_places), people)
    y = np.clip(np.round(rng.normal(7.8, 1.4, n_places * people) + level), 1, 10)
    frame = pd.DataFrame({"y": y, "location": np.repeat([f"L{i:02d}" for i in range(n_places)], people)})
    return frame, frame[rng.random(len(frame)) < response]


@study("M00 all locations surveyed", "60 locations of 40, intraclass correlation .05, 40 % answered; strata with fpc", mean=COVERAGE)
def level_stratified(rng):
    everybody, frame = _places(rng, 60, 40, 0.32, 0.4)
    sizes = everybody["location"].value_counts().to_dict()
    row = levels(frame, y="y", scale=TEN, strata="location", population=sizes).table.iloc[0]
    return {"mean": inside(row, "", everybody["y"].mean())}


def _mean_of_places(sd):
    return grade_mean(7.8, float(np.hypot(1.4, sd)))


@study("M00 sample of locations, CR1", "60 sampled locations of about 16, intraclass correlation .05", mean=COVERAGE)
def level_clustered(rng):
    _, frame = _places(rng, 60, 40, 0.32, 0.4)
    row = levels(frame, y="y", scale=TEN, clusters="location").table.iloc[0]
    return {"mean": inside(row, "", _mean_of_places(0.32))}


@study("M00 few sampled locations, wild bootstrap", "10 sampled locations of 20, intraclass correlation .05", sets=2000, mean=COVERAGE)
def level_few_clusters(rng):
    _, frame = _places(rng, 10, 20, 0.32, 1.0)
    row = levels(frame, y="y", scale=TEN, clusters="location", n_boot=499, seed=int(rng.integers(1e9))).table.iloc[0]
    return {"mean": inside(row, "", _mean_of_places(0.32))}


def _recommend(rng, n, shares=(0.5, 0.33, 0.17)):
    return rng.choice([9.0, 7.0, 5.0], size=n, p=shares)


@study("M03 NPS, adjusted Wald", "100 answers, promoters .50, detractors .17", sets=4000, nps=COVERAGE)
def nps_of_100(rng):
    row = nps(pd.DataFrame({"y": _recommend(rng, 100)}), y="y", scale=ELEVEN).table.iloc[0]
    return {"nps": row["ci_lo"] <= 33 <= row["ci_hi"]}


@study("M03 NPS, adjusted Wald", "30 answers, promoters .80, detractors .05", sets=4000, nps=COVERAGE)
def nps_of_30(rng):
    row = nps(pd.DataFrame({"y": _recommend(rng, 30, (0.8, 0.15, 0.05))}), y="y", scale=ELEVEN).table.iloc[0]
    return {"nps": row["ci_lo"] <= 75 <= row["ci_hi"]}


@study("M03 difference of two NPS", "two groups of 150, no difference", size=SIZE)
def nps_difference(rng):
    frame = pd.DataFrame({"y": _recommend(rng, 300), "g": np.repeat(["a", "b"], 150)})
    return {"size": nps_compare(frame, y="y", scale=ELEVEN, by="g").table["p"].iloc[0] < 0.05}


@study(
    "M42 pooled location means",
    "5 locations of 12 in one label, between-location sd .32",
    sets=1000,
    coverage=COVERAGE,
    flagged=AT_MOST,
    raw=FREE,
)
def pooled_locations(rng):
    truth = 7.8 + rng.normal(0, 0.32, 5)
    y = rng.normal(np.repeat(truth, 12), 1.4)
    frame = pd.DataFrame({"y": y, "location": np.repeat(list("abcde"), 12)})
    table = pooled(frame, y="y", scale=FINE).locations.table.set_index("location").loc[list("abcde")]
    rest = (truth.sum() - truth) / 4
    off = (np.abs(truth - rest) < 0.28) & (table["flag"].to_numpy() != "")
    covers = (table["lo"] <= truth) & (truth <= table["hi"])
    raw = (table["raw_lo"] <= truth) & (truth <= table["raw_hi"])
    return {"coverage": covers.mean(), "raw": raw.mean(), "flagged": off.mean()}

"""Simulation studies: a planted truth, many seeded data sets, and how often a method is right about it.

A study is a function of a random generator that makes one data set, asks the method and answers with what came true: yes or no for each
thing that is counted (the interval covers the truth, the test rejects). `study` registers it with its design in words, how many data sets it
takes and the band in which each share has to lie.
"""

from __future__ import annotations

import csv
import time
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from delight.estimate import wilson

RESULTS = Path(__file__).with_name("results.csv")
#: Bands of methods.md: coverage of 95 % intervals, size of 5 % tests; one-sided ones for exact tests, sets and rank intervals.
COVERAGE, SIZE, AT_LEAST, AT_MOST, FREE = (0.93, 0.97), (0.035, 0.065), (0.93, 1.0), (0.0, 0.065), (0.0, 1.0)
STUDIES: dict[str, Study] = {}


@dataclass(frozen=True)
class Study:
    """A registered simulation.

    Attributes
    ----------
    name, method, design : str
        Key; what is tested (``M14 rank sets``); the planted truth and the n in one sentence.
    run : function rng -> dict of str to bool or float
        One data set; NaN leaves it out of that measure.
    bands : dict of str to (low, high)
        Measure → where its share has to lie.
    sets : int
        Data sets: 2,000 or more for cheap methods; fewer for dear ones, judged by whether the Monte-Carlo interval reaches the band.
    """

    name: str
    method: str
    design: str
    run: Callable
    bands: dict
    sets: int


def study(method, design, *, sets=2000, **bands):
    """Register a study; `bands` names its measures."""

    def keep(run):
        STUDIES[run.__name__] = Study(run.__name__, method, design, run, bands, sets)
        return run

    return keep


def _part(name, first, last):
    """Outcomes of data sets `first` to `last` of a study: one list a measure."""
    found = {measure: [] for measure in STUDIES[name].bands}
    for number in range(first, last):
        rng = np.random.default_rng([zlib.crc32(name.encode()), number])
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            seen = STUDIES[name].run(rng)
        for measure in found:
            found[measure].append(float(seen.get(measure, np.nan)))
    return found


def verdict(share, lo, hi, band):
    """Where a share with its Monte-Carlo interval stands to its band: inside, reaches, misses, or shown where nothing is demanded."""
    low, high = band
    if band == FREE:
        return "shown"
    return "inside" if low <= share <= high else "reaches" if lo <= high and hi >= low else "misses"


def run(name, sets=None, pool=None):
    """Rows of the table of results for one study.

    Returns
    -------
    list of dict
        ``study, method, design, measure, sets, value`` (share or mean over the sets), ``mc_lo, mc_hi`` (95 % Monte-Carlo interval), ``band_lo,
        band_hi, verdict``: ``inside`` (the share lies in the band), ``reaches`` (its Monte-Carlo interval does), ``misses``, or ``shown`` where
        nothing is demanded; ``seconds`` of one data set (of the processor, where one worker does all).
    """
    about = STUDIES[name]
    sets = min(sets or about.sets, about.sets)
    clock = time.perf_counter if pool else time.process_time  # a busy machine shall not make a method look slow
    started = clock()
    edges = np.unique(np.linspace(0, sets, 17).astype(int))
    spans = list(zip(edges[:-1], edges[1:]))
    parts = pool.map(_part, *zip(*[(name, int(a), int(b)) for a, b in spans])) if pool else [_part(name, a, b) for a, b in spans]
    parts = list(parts)
    seconds = (clock() - started) / sets
    rows = []
    for measure, (low, high) in about.bands.items():
        values = np.array([v for part in parts for v in part[measure]])
        values = values[~np.isnan(values)]
        share = float(values.mean()) if len(values) else np.nan
        if len(values) and set(np.unique(values)) <= {0.0, 1.0}:
            lo, hi = wilson(share, len(values))
        else:
            half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
            lo, hi = share - half, share + half
        row = {"study": name, "method": about.method, "design": about.design, "measure": measure, "sets": len(values)}
        row |= {"value": round(share, 4), "mc_lo": round(lo, 4), "mc_hi": round(hi, 4), "band_lo": low, "band_hi": high}
        rows.append(row | {"verdict": verdict(share, lo, hi, (low, high)), "seconds": round(seconds, 4)})
    return rows


def keep(rows, path=RESULTS):
    """Put rows into the table of results; those of the same study are replaced."""
    known = []
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            known = [r for r in csv.DictReader(file) if r["study"] not in {row["study"] for row in rows}]
    every = sorted([*known, *rows], key=lambda r: (r["method"], r["study"]))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(every)


def pool(workers):
    """Worker processes that know the studies."""
    return ProcessPoolExecutor(workers) if workers > 1 else None

"""The table of planted truths in docs/method.md, from results.csv: ``python benchmarks/simulations/table.py``.

Words and bands are those of the studies as they are registered now; only the shares come from the last run.
"""

from __future__ import annotations

import csv
import importlib
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import harness  # noqa: E402
from golden import PAGE, as_markdown, natural, put  # noqa: E402


def registered():
    """Every study there is, by name."""
    for path in sorted(HERE.glob("study_*.py")):
        importlib.import_module(path.stem)
    return harness.STUDIES


def results(path=harness.RESULTS):
    """Rows of results.csv whose study is still registered, with its words, its bands and the verdict they give."""
    studies, rows = registered(), []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            about = studies.get(row["study"])
            if about is None or row["measure"] not in about.bands:
                continue
            share, lo, hi = (float(row[c]) for c in ("value", "mc_lo", "mc_hi"))
            low, high = about.bands[row["measure"]]
            row |= {"method": about.method, "design": about.design, "value": share, "mc_lo": lo, "mc_hi": hi, "band": (low, high)}
            rows.append(row | {"sets": int(row["sets"]), "verdict": harness.verdict(share, lo, hi, (low, high))})
    place = {(name, measure): (natural(s.method), i, j) for i, (name, s) in enumerate(studies.items()) for j, measure in enumerate(s.bands)}
    return sorted(rows, key=lambda r: place[r["study"], r["measure"]])


def table(rows):
    """Markdown: a line a measure; method and truth are said once."""
    told, lines = None, []
    for r in rows:
        about = [r["method"], r["design"]] if r["study"] != told else ["", ""]
        told = r["study"]
        share = f"{_share(r['value'])} ({_share(r['mc_lo'])} to {_share(r['mc_hi'])})"
        lines.append([*about, r["measure"].replace("_", " "), f"{r['sets']:,}", share, _band(*r["band"]), r["verdict"]])
    head = ["method", "planted truth", "measure", "sets", "found (Monte-Carlo interval)", "band", "verdict"]
    counts = Counter(r["verdict"] for r in rows)
    said = ", ".join(f"{counts[v]} {words}" for v, words in VERDICTS.items() if counts[v])
    waiting = [f"{s.method} ({s.design})" for name, s in registered().items() if name not in {r["study"] for r in rows}]
    rest = f"\n\nRegistered and not run to the end yet: {'; '.join(waiting)}." if waiting else ""
    return f"{len({r['study'] for r in rows})} planted truths, {len(rows)} measures: {said}.\n\n" + as_markdown(head, lines) + rest


VERDICTS = {"inside": "inside their band", "reaches": "reach it", "misses": "miss it", "shown": "shown without one"}


def _plain(value):
    return f"{value:g}".replace("0.", ".", 1)


def _share(value):
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


def _band(low, high):
    if (low, high) == harness.FREE:
        return ""
    if low == 0:
        return f"≤ {_plain(high)}"
    return f"≥ {_plain(low)}" if high == 1 else f"{_plain(low)} to {_plain(high)}"


if __name__ == "__main__":
    PAGE.write_text(put(PAGE.read_text(encoding="utf-8"), "simulations", table(results())), encoding="utf-8")

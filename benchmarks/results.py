"""The table of speeds: every benchmark leaves its section in results.json; this writes results.md from it.

Speeds are compared within one run, so they are ratios; seconds are those of the run that was recorded. `python benchmarks/results.py`
prints the table.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[1] / "shared" / "reference" / "performance"


def two_threads():
    """Two threads for everything, to be called before numpy is loaded."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "2")


def record(section, title, rows, remark=""):
    """Keep the rows (dicts with the same keys) of one benchmark, print them and write the table anew."""
    path = HERE / "results.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[section] = {"title": title, "remark": remark, "rows": rows}
    path.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8")
    print(as_markdown(known[section]))
    write(known)


def as_markdown(found):
    """One section as a Markdown table."""
    keys = list(found["rows"][0])
    lines = [f"## {found['title']}", "", "| " + " | ".join(keys) + " |", "|" + " --- |" * len(keys)]
    lines += ["| " + " | ".join(_text(row.get(k, "")) for k in keys) + " |" for row in found["rows"]]
    return "\n".join([*lines, "", *([found["remark"], ""] if found["remark"] else [])])


def _text(value):
    if isinstance(value, float):
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def write(known):
    """results.md."""
    head = (
        "# Speed\n\nWritten by the scripts of this folder (`make bench`), on two cores; a ratio is to be trusted further than a second.\n"
    )
    (HERE / "results.md").write_text("\n".join([head, *(as_markdown(known[s]) for s in sorted(known))]).rstrip() + "\n", encoding="utf-8")


def timings():
    """Times of R packages on the same data, recorded elsewhere; nothing where they are not at hand."""
    path = SHARED / "timings.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


if __name__ == "__main__":
    found = json.loads((HERE / "results.json").read_text(encoding="utf-8")) if (HERE / "results.json").exists() else {}
    write(found)
    print((HERE / "results.md").read_text(encoding="utf-8"))

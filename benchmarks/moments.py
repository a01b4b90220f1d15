"""How long the one pass over a large Parquet file takes, and that nothing after it grows with the rows.

Run ``python benchmarks/moments.py [--rows 1000000,10000000] [--large] [--type DOUBLE]``; ``--large`` adds 100 million rows (ten files of ten
million). The file has 15 columns of answers from 1 to 10 with gaps. pandas reads the same columns in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import record, two_threads

two_threads()

X, Y = [f"a{i + 1}" for i in range(14)], "overall"
LIMIT_GIB = 2
MILLION = 10**6


def make(path, rows, kind):
    """A Parquet file of correlated answers, 3 in 1,000 missing."""
    import duckdb

    normal = "sqrt(-2 * ln(random() + 1e-12)) * cos(2 * pi() * random())"
    answer = f"greatest(1, least(10, round(7.6 + 1.1 * g + 1.2 * {normal})))::{kind}"
    x = ", ".join(f"case when random() < 0.003 then null else {answer} end as {a}" for a in X)
    query = f"select {x}, {answer} as {Y} from (select {normal} as g from range({rows}))"
    duckdb.connect().execute(f"copy ({query}) to '{path}' (format parquet)")


def measure(what, paths):
    """Seconds, CPU seconds and peak memory (GiB) of one way of reading, in this process; and of what follows."""
    import pandas as pd
    import pyarrow.parquet  # noqa: F401
    from delight.drivers.importance import importance
    from delight.moments import moments
    from delight.scales import Scale

    def clocked(work):
        start, cpu = time.perf_counter(), time.process_time()
        found = work()
        return found, {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    if what == "pandas":
        _, told = clocked(lambda: [pd.read_parquet(p, columns=[*X, Y]) for p in paths])
        return {**told, "peak": peak()}
    model = {"y": Y, "x": X, "scales": dict.fromkeys([*X, Y], Scale(1, 10))}
    found, told = clocked(lambda: moments(paths, **model))
    told |= {"peak": peak(), "groups": len(found.groups)}
    told["after"] = clocked(lambda: importance(found, **model, game="relative_weights", n_boot=2000))[1]["seconds"]
    told["hc3"] = clocked(found.least_squares)[1]["seconds"]
    return told


def run(what, paths):
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--measure", what, "--paths", *map(str, paths)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=f"{MILLION},{10 * MILLION}")
    parser.add_argument("--large", action="store_true")
    parser.add_argument(
        "--type", default="DOUBLE", choices=("TINYINT", "DOUBLE"), help="DOUBLE is how pandas itself keeps grades with gaps"
    )
    parser.add_argument("--measure", choices=("pandas", "moments"), help=argparse.SUPPRESS)
    parser.add_argument("--paths", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.paths)))
        return 0
    table, kept, quick = [], True, True
    with tempfile.TemporaryDirectory() as temporary:
        sizes = [int(r) for r in given.rows.split(",")]
        for rows in [*sizes, *([100 * MILLION] if given.large else [])]:
            paths = [Path(temporary) / f"{rows}.parquet"]
            if rows == 100 * MILLION:
                paths = [Path(temporary) / f"part{i}.parquet" for i in range(10)]
                whole = Path(temporary) / f"{10 * MILLION}.parquet"
                if not whole.exists():
                    make(whole, 10 * MILLION, given.type)
                for path in paths:
                    os.link(whole, path)
            else:
                make(paths[0], rows, given.type)
            again = 1 if rows > 10 * MILLION else 3
            ours = [run("moments", paths) for _ in range(again)]
            theirs = [run("pandas", paths) for _ in range(again)] if rows <= 10 * MILLION else []
            mine = min(ours, key=lambda r: r["seconds"])
            other = min(theirs, key=lambda r: r["seconds"]) if theirs else None
            row = {
                "rows": rows,
                "one pass s": round(mine["seconds"], 2),
                "CPU s": round(mine["cpu"], 2),
                "peak GiB": round(mine["peak"], 2),
            }
            row |= {"pandas reads s": round(other["seconds"], 2) if other else "", "pandas GiB": round(other["peak"], 2) if other else ""}
            row["ratio"] = round(mine["seconds"] / other["seconds"], 2) if other else ""
            row |= {"weights + 2,000 draws s": round(min(r["after"] for r in ours), 2), "HC3 pass s": round(min(r["hc3"] for r in ours), 2)}
            table.append(row)
            kept &= mine["peak"] <= LIMIT_GIB
            quick &= other is None or rows < 10 * MILLION or row["ratio"] <= 1
    remark = f"15 columns of type {given.type} with gaps. Ratio: the pass over the time pandas takes to read the same columns, best of three each. "
    remark += "What follows the pass (relative weights of 14 drivers with 2,000 bootstrap draws) costs the same whatever the rows. "
    remark += "100 million rows are ten files of ten million."
    record("moments", "Moments from Parquet", table, remark)
    print(f"{LIMIT_GIB} GiB: {'kept' if kept else 'BROKEN'}; less time than pandas reads 10 million rows in: {'yes' if quick else 'NO'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

"""Run simulation studies: ``python benchmarks/simulations [NAME…] [--sets N] [--workers 2]``; results go to ``results.csv``."""

from __future__ import annotations

import argparse
import fnmatch
import importlib
import os
import sys
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


def main():
    import harness

    for path in sorted(HERE.glob("study_*.py")):
        importlib.import_module(path.stem)
    parser = argparse.ArgumentParser(description="Simulation studies of the methods.")
    parser.add_argument("names", nargs="*", help="studies, wildcards allowed; default all")
    parser.add_argument("--sets", type=int, help="at most so many data sets a study (results are then not kept)")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    names = [n for n in harness.STUDIES if not asked.names or any(fnmatch.fnmatch(n, a) for a in asked.names)]
    if not names:
        parser.error(f"no study is called so; there are: {', '.join(harness.STUDIES)}")
    with harness.pool(asked.workers) or open(os.devnull) as pool:
        for name in names:
            rows = harness.run(name, asked.sets, pool if asked.workers > 1 else None)
            if not asked.sets:
                harness.keep(rows)
            for r in rows:
                band = "" if r["verdict"] == "shown" else f", band {r['band_lo']}-{r['band_hi']}: {r['verdict']}"
                print(f"{name} · {r['measure']}: {r['value']:.3f} ({r['mc_lo']:.3f}-{r['mc_hi']:.3f}) of {r['sets']}{band}", flush=True)


if __name__ == "__main__":
    main()

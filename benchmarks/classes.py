"""How long latent classes take: K = 1 to 6 with 50 starts each, 5,000 answers to 8 questions.

Run ``python benchmarks/classes.py [--no-peers]``.
"""

from __future__ import annotations

import argparse
import sys
import time

from results import SHARED, record, timings, two_threads

two_threads()

LIMIT = 60
STEPMIX = """
import json, sys, time
import pandas as pd
from stepmix.stepmix import StepMix
rows = pd.read_csv(sys.argv[1]).to_numpy() - 1
start = time.perf_counter()
found = StepMix(n_components=5, measurement="categorical", n_init=20, max_iter=1000, abs_tol=1e-10, rel_tol=0, random_state=1, progress_bar=0).fit(rows)
print(json.dumps([time.perf_counter() - start, float(found.score(rows)) * len(rows)]))
"""


def data():
    """The timed data of R, or data like it: (rows of levels from 0, path)."""
    import numpy as np
    import pandas as pd

    path = SHARED / "lca_n5000_j8.csv"
    if path.exists():
        return pd.read_csv(path).to_numpy() - 1, path
    rng = np.random.default_rng(1)
    of = rng.choice(5, 5000, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    chances = rng.dirichlet([0.6] * 3, size=(5, 8)).cumsum(axis=2)
    return (rng.random((5000, 8))[:, :, None] > chances[of]).sum(axis=2).clip(0, 2), None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-peers", action="store_true")
    given = parser.parse_args()
    import numpy as np
    from delight.segments import em

    rows, path = data()
    table = []

    def fit(k, starts):
        distinct = em.patterns(rows)
        kind = em.Answers(distinct.rows, [int(rows[:, j].max()) + 1 for j in range(rows.shape[1])])
        start = time.perf_counter()
        best, hits, polished = em.fit(kind, k, distinct.weights, np.random.default_rng(1), n_starts=starts)
        return time.perf_counter() - start, float(best.loglik[0]), f"{hits} of {polished}"

    total = 0.0
    for k in range(1, 7):
        seconds, ll, hits = fit(k, 50)
        total += seconds
        table.append(
            {"what": f"K = {k}", "starts": 50, "seconds": round(seconds, 2), "log-likelihood": f"{ll:.3f}", "best reached by": hits}
        )
    table.append(
        {"what": f"K = 1 to 6 (limit {LIMIT} s)", "starts": 300, "seconds": round(total, 2), "log-likelihood": "", "best reached by": ""}
    )
    if path is not None:
        seconds, ll, hits = fit(5, 20)
        table.append({"what": "K = 5", "starts": 20, "seconds": round(seconds, 2), "log-likelihood": f"{ll:.3f}", "best reached by": hits})
        r = timings().get("poLCA_5class_nrep20_n5000_j8")
        if r:
            ratio = f"{r['elapsed_s'] / seconds:.1f} times"
            table.append(
                {
                    "what": f"K = 5, poLCA (R), recorded: {ratio}",
                    "starts": 20,
                    "seconds": r["elapsed_s"],
                    "log-likelihood": f"{r['llik']:.3f}",
                }
            )
        if not given.no_peers:
            import peers

            python, there = peers.environment()
            theirs = peers.run(python, STEPMIX, path) if "stepmix" in there else None
            if theirs is None:
                print("stepmix: not compared")
            else:
                ratio = f"{theirs[0] / seconds:.1f} times"
                table.append(
                    {"what": f"K = 5, stepmix: {ratio}", "starts": 20, "seconds": round(theirs[0], 2), "log-likelihood": f"{theirs[1]:.3f}"}
                )
    remark = "Our starts run for 100 steps, the best ten of them on to 1e-8; stepmix and poLCA run every start to the end."
    record("classes", "Latent classes: 5,000 answers to 8 questions of three levels", table, remark)
    return 0 if total <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())

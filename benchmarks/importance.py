"""How long exact Shapley shares with their bootstrap take: 10 and 12 drivers with 1,000 draws, 18 without, 2,000 answers.

Run ``python benchmarks/importance.py [--no-peers]``.
"""

from __future__ import annotations

import argparse
import sys
import time

from results import SHARED, record, timings, two_threads

two_threads()

LIMITS = {(10, 1000): 1.5, (12, 1000): 6.0, (18, 0): 4.0}
HEAD = "import contextlib, io, json, sys, time, warnings\nimport numpy as np, pandas as pd\n"
HEAD += "frame, p = pd.read_csv(sys.argv[1]), int(sys.argv[2])\nx = [f'x{i:02d}' for i in range(1, p + 1)]\n"
PEERS = {
    # two names that numpy has dropped, and displays that need a notebook
    "dominance-analysis": """
np.bool8 = np.bool_
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    import bokeh.io, plotly.offline
    bokeh.io.output_notebook = plotly.offline.init_notebook_mode = lambda *a, **k: None
    from dominance_analysis import Dominance
    start = time.perf_counter()
    found = Dominance(data=frame[["y", *x]].copy(), target="y", objective=1, top_k=p).incremental_rsquare()
    seconds = time.perf_counter() - start
print(json.dumps([seconds, sum(found.values())]))
""",
    "relativeImp": """
from relativeImp import relativeImp
start = time.perf_counter()
found = relativeImp(frame, "y", x)
print(json.dumps([time.perf_counter() - start, found["rawRelaImpt"].sum()]))
""",
    "ShapKa": """
np.warnings = warnings
with contextlib.redirect_stdout(io.StringIO()):
    from ShapKa.kanomodel import KanoModel
    start = time.perf_counter()
    found = KanoModel(frame, "y", x, "kda", 6, 9, 6, 9).key_drivers()
    seconds = time.perf_counter() - start
print(json.dumps([seconds, found["Shapley value"].sum()]))
""",
}


def data(p=18):
    """The timed data of R, or data like it."""
    import numpy as np
    import pandas as pd

    path = SHARED / "regression_n2000_p18.csv"
    if path.exists():
        return pd.read_csv(path), path
    rng = np.random.default_rng(1)
    common, own = rng.normal(size=(2000, 1)), rng.normal(size=(2000, p))
    x = np.clip(np.round(7 + 1.8 * (common + own) / np.sqrt(2)), 1, 10)
    frame = pd.DataFrame(x, columns=[f"x{i:02d}" for i in range(1, p + 1)])
    return frame.assign(y=x @ np.linspace(1, 0.15, p) / 6 + rng.normal(scale=1.2, size=2000)), None


def sum_of(values):
    """R jots a vector down with names or without."""
    return sum(values.values() if isinstance(values, dict) else values)


def best(work, times=3):
    """(least seconds, last result) of several runs."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - start)
    return min(seconds), found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-peers", action="store_true")
    given = parser.parse_args()
    from delight import resample
    from delight.drivers import draws
    from delight.drivers.importance import importance
    from delight.drivers.key_drivers import dissatisfiers
    from delight.drivers.prepare import prepare
    from delight.drivers.shapley import shapley
    from delight.scales import Scale

    frame, path = data()
    known, rows, ours, broken = timings(), [], {}, []

    def add(what, p, n_boot, seconds, beside="", ratio="", limit=""):
        rows.append(
            {"what": what, "drivers": p, "draws": n_boot, "seconds": round(seconds, 3), "limit": limit, "against": beside, "ratio": ratio}
        )

    for (p, n_boot), limit in LIMITS.items():
        x = [f"x{i:02d}" for i in range(1, p + 1)]
        model = prepare(frame, y="y", x=x).joint

        def decompose(model=model, n_boot=n_boot):
            drawn = draws.of_model(model, n_boot, resample.generator(1, "bench"))
            return shapley(drawn.rxx, drawn.rxy)

        ours[p], raw = best(decompose)
        r = known.get({(10, 1000): "boot.relimp_lmg_p10_b1000", (18, 0): "calc.relimp_lmg_p18", (12, 1000): ""}[p, n_boot])
        beside, ratio = ("relaimpo (R), recorded", f"{r['elapsed_s'] / ours[p]:,.0f}") if r else ("", "")
        add("Shapley shares of R²", p, n_boot, ours[p], beside, ratio, limit)
        broken += [p] if ours[p] > limit else []
        if r and abs(sum_of(r["lmg"]) - raw[0].sum()) > 1e-5:
            raise SystemExit(f"{p} drivers: R² {raw[0].sum()} is not relaimpo's {sum(r['lmg'].values())}")
    x = [f"x{i:02d}" for i in range(1, 11)]
    seconds, found = best(lambda: importance(frame, y="y", x=x, n_boot=1000))
    add("whole table with rank sets, 1,000 draws asked", 10, found.importance.meta["n_boot"], seconds)
    if not given.no_peers and path is not None:
        import peers

        scales = {**dict.fromkeys(x, Scale(1, 10)), "y": Scale(-100, 100, 0)}
        same = {
            "dominance-analysis": ("Shapley shares of R²", lambda: importance(frame, y="y", x=x, n_boot=0)),
            "relativeImp": ("relative weights", lambda: importance(frame, y="y", x=x, game="relative_weights", n_boot=0)),
            "ShapKa": ("key dissatisfiers", lambda: dissatisfiers(frame, y="y", x=x, scales=scales, cuts={"y": (6, 9)}, n_boot=0)),
        }
        python, there = peers.environment()
        for name, (what, work) in same.items():
            theirs = peers.run(python, HEAD + PEERS[name], path, 10) if name in there else None
            if theirs is None:
                print(f"{name}: not compared")
                continue
            seconds, _ = best(work)
            add(f"{what}, whole table", 10, 0, seconds, f"{name}, {theirs[0]:.3f} s", f"{theirs[0] / seconds:,.1f}")
    record("importance", "Importance of drivers: 2,000 answers", rows, "A ratio above 1 says how many times as long the other one takes.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

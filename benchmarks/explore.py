"""How soon a screen follows a hand: changes of a filter over a million rows, and the first view of a study.

Run ``python benchmarks/explore.py [--rows 1000000] [--changes 120]``. The clock runs from a turned menu to the new numbers, and on to the
new figure. The first view is that of the demo study: in a kernel that was forked from warm libraries (as `delight lab` starts them), and in
a cold one, which has to import them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from results import record, two_threads

two_threads()

NUMBERS, FIGURE, FIRST = 0.150, 0.300, 2.0
EXPERIENCES = ["warmth", "known", "safety", "agreements", "building", "surprise", "expertise", "information"]
REMARK = (
    "The selections are random; a small one is refused. Drivers and what-if answer at once from 2,500 responses evenly taken, and from all of "
    "them beside the screen; segments are found beside the screen from 20,000, so that their numbers here are the word that says so. "
    "CPU seconds are those of numbers and figure together."
)
VIEW = """
import json, time
start, cpu = time.perf_counter(), time.process_time()
from delight.show import widgets
view = widgets.open_study("kinderopvang-demo").satisfaction()
assert view.picture.svg
with open(told, "w") as file:
    json.dump([time.perf_counter() - start, time.process_time() - cpu], file)
"""


def responses(rows):
    """A large survey: three waves, 60 locations, groups, two grades, eight experiences, a loyalty question."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    mood = rng.normal(0, 1, rows)

    def grade(shift, low=1):
        return np.clip(np.round(7.6 + shift + 1.1 * mood + rng.normal(0, 1.2, rows)), low, 10).astype(float)

    frame = pd.DataFrame(
        {"wave": rng.choice(["2023", "2024", "2025"], rows), "location": rng.choice([f"L{i:02d}" for i in range(60)], rows)}
    )
    frame["segment"] = rng.choice(["quality", "unburden", "pedagogy"], rows, p=[0.5, 0.3, 0.2])
    frame["care"], frame["age"] = rng.choice(["day", "after", "pre"], rows), rng.choice(["0-1", "2-3", "4-7", "8+"], rows)
    frame["overall"], frame["recommend"] = grade(0), grade(-0.4, 0)
    for name in EXPERIENCES:
        frame[name] = grade(rng.normal(0, 0.2))
    frame["churned"] = (rng.random(rows) < 1 / (1 + np.exp(frame["overall"] - 5))).astype(float)
    frame.loc[rng.random(rows) < 0.01, "overall"] = np.nan
    return frame


def views(frame):
    """Name → explorer."""
    from delight.scales import Scale
    from delight.show import Words, widgets

    scales = {c: Scale(1, 10) for c in frame if frame[c].dtype == float} | {"recommend": Scale(0, 10), "churned": Scale(0, 1)}
    data = widgets.Data(frame, by=["wave", "location", "segment", "care", "age"], words=Words("nl"), scales=scales)
    one = widgets.SatisfactionExplorer(data, overall="overall", recommend="recommend")
    yield "satisfaction", one
    two = widgets.SatisfactionExplorer(data, overall="overall", recommend="recommend")
    two.other.choose(wave="2023")
    two.two.value = True
    yield "satisfaction, two selections with their test", two
    yield "loyalty curve, forms and threshold", widgets.LoyaltyExplorer(data, x="overall", outcomes={"recommend": "recommend"})
    about = {"x": EXPERIENCES, "delight_from": 9}
    yield "what-if, a filter", widgets.WhatIf(data, overall="overall", recommend="recommend", by=["segment"], **about)
    drivers = widgets.DriverExplorer(data, y="overall", draws=(0,), **about)
    yield "drivers, importance without intervals", drivers
    needs = EXPERIENCES[:6]
    yield "segments, first look", widgets.SegmentExplorer(data, items=needs)


def changes(view, many):
    """Seconds until the numbers and until the figure stood there, and CPU seconds of both, of random turns of the menus."""
    import numpy as np

    rng, menus, found = np.random.default_rng(2), view.bars[0].menus, []
    stood = {}
    view.numbers.observe(lambda change: stood.setdefault("numbers", time.perf_counter()), names="value")
    for _turn in range(many):
        menu = menus[rng.choice(list(menus))]
        value = rng.choice(len(menu.options))
        if menu.options[value][1] == menu.value:
            continue
        view.work.stop(quietly=True)  # what sharpens beside the screen is not part of the response
        view.work.wait(60)
        stood.clear()
        start, cpu = time.perf_counter(), time.thread_time()
        menu.value = menu.options[value][1]
        end = time.perf_counter()
        found.append((stood.get("numbers", end) - start, end - start, time.thread_time() - cpu))
    view.work.stop(quietly=True)
    view.work.wait(60)
    return np.array(found)


def first_view(warm):
    """(seconds, CPU seconds) of the first view of the demo study in a started kernel."""
    from jupyter_client import KernelManager

    with tempfile.NamedTemporaryFile(suffix=".json") as told:
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel()
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=120)
        try:
            answer = client.execute_interactive(f"told = {told.name!r}\n{VIEW}", timeout=300, output_hook=lambda message: None)
            assert answer["content"]["status"] == "ok", answer["content"].get("evalue")
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
        return json.load(open(told.name))


def first_views():
    """Record how soon the first view stands there, in a warm kernel and in a cold one."""
    first = []
    for kind in ("warm", "cold"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # a process with threads cannot be forked
        environment |= {"JUPYTER_DEFAULT_PROVISIONER_NAME": "warm-provisioner" if kind == "warm" else "local-provisioner"}
        told = subprocess.run([sys.executable, __file__, "--first", kind], env=environment, capture_output=True, text=True, check=True)
        seconds, cpu = json.loads(told.stdout.splitlines()[-1])
        first.append({"kernel": kind, "seconds": seconds, "CPU s": cpu, "limit s": FIRST})
        print(first[-1], flush=True)
    remark = (
        "From the first line of the notebook to numbers and figure; `delight lab` starts warm kernels. The feedback was read once before."
    )
    record("explore-first", "Exploration: first view of the demo study (6,000 rows) in a started kernel", first, remark)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=120)
    parser.add_argument("--first", choices=("warm", "cold", "all"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.first == "all":
        return first_views()
    if given.first:
        first_view(given.first)  # the study is read once, and the libraries are imported
        found = [first_view(given.first) for _ in range(3)]
        return print(json.dumps(sorted(found)[1]))
    import numpy as np

    rows = []
    for name, view in views(responses(given.rows)):
        found = changes(view, given.changes)
        at = np.percentile(found, [50, 95], axis=0)
        (half, half_drawn, _cpu), (most, most_drawn, cpu) = at.tolist()
        row = {"what": name, "rows": given.rows, "changes": len(found), "numbers p50 s": half, "numbers p95 s": most, "limit s": NUMBERS}
        row |= {"with figure p50 s": half_drawn, "with figure p95 s": most_drawn, "limit s ": FIGURE, "CPU p95 s": cpu}
        rows.append(row)
        print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}, flush=True)
    record("explore", f"Exploration: a filter changed over {given.rows:,} rows", rows, REMARK)
    first_views()
    return 0


if __name__ == "__main__":
    sys.exit(main())

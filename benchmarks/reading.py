"""How long reading and checking a large export takes: 1,000,000 rows of 40 columns of CSV within 60 s and 4 GiB on two cores.

Run ``python benchmarks/reading.py [--rows N]``; it makes its own study in a temporary folder and prints a small table.
Speed is also given as a ratio to plain ``pandas.read_csv`` of the same file within the same run.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "2")

LIMIT_SECONDS, LIMIT_GIB = 60, 4
N_ATTRIBUTES, N_NEEDS = 18, 8
COMMENTS = (
    "",
    "",
    "",
    "Fijne opvang.",
    "Bel mij op 06-12345678",
    "Groetjes, Marieke",
    "De juf is lief; de hal is koud.",
    'Hij zei: "mooi".',
)


def make_study(folder, rows, seed=1):
    """A study whose raw file has a million answers in 40 columns, with dirt in it."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    (folder / "raw").mkdir(parents=True)
    start = np.datetime64("2024-03-01T08:00:00")
    columns = {
        "id": [f"K{i:08d}" for i in range(rows)],
        "completed": (start + rng.integers(0, 3_000_000, rows).astype("timedelta64[s]")).astype(str),
        "duration": rng.integers(30, 2000, rows),
        "location": np.char.add("L", rng.integers(1, 400, rows).astype(str)),
        "sex": rng.choice(["Man", "Vrouw", ""], rows),
        "age": rng.choice(["18-34", "35-49", "50-64", "65+"], rows),
        "type": rng.choice(["Dagopvang", "BSO", "Peuteropvang"], rows),
        "overall": rng.integers(1, 11, rows),
        "recommend": rng.integers(0, 11, rows),
        "weight": np.round(rng.gamma(9, 1 / 9, rows), 4),
        "spend": np.round(rng.gamma(3, 200, rows), 2),
        "comment": rng.choice(COMMENTS, rows),
    }
    for i in range(N_ATTRIBUTES):
        answers = rng.integers(1, 11, rows).astype(str)
        answers[rng.random(rows) < 0.05] = ["", "99", "n.v.t."][i % 3]
        columns[f"a{i + 1}"] = answers
    for i in range(N_NEEDS):
        columns[f"n{i + 1}"] = rng.integers(1, 6, rows)
    columns["disconfirmation"] = rng.choice(["Slechter", "Zoals verwacht", "Beter"], rows)
    columns["language"] = rng.choice(["nl", "da"], rows)
    pd.DataFrame(columns).to_csv(folder / "raw" / "large.csv", index=False)
    book = ["column,role,scale_min,scale_max,answer_set,missing_codes", "id,respondent", "completed,date", "duration,duration"]
    book += ["location,location", "sex,background", "age,background", "type,segment", "overall,overall,1,10", "recommend,recommend,0,10"]
    book += ["weight,weight", "spend,spend", "comment,comment", "disconfirmation,disconfirmation,,,expected", "language,background"]
    book += [f"a{i + 1},attribute,1,10,applies,99" for i in range(N_ATTRIBUTES)] + [f"n{i + 1},need,1,5" for i in range(N_NEEDS)]
    (folder / "codebook.csv").write_text("\n".join(book) + "\n")
    answers = (
        "answer_set,code,text,kind\napplies,,n.v.t.,not_applicable\nexpected,1,Slechter,\nexpected,2,Zoals verwacht,\nexpected,3,Beter,\n"
    )
    (folder / "answers.csv").write_text(answers)
    text = f'[study]\nname = "{folder.name}"\norganisation = "Benchmark"\n[[sources]]\npath = "raw/large.csv"\nwave = "2024-1"\n'
    (folder / "study.toml").write_text(text)
    return len(columns)


def _measure(what, folder):
    """Seconds and peak memory (GiB) of one way of reading, in this process."""
    if what == "pandas":
        import pandas as pd

        start = time.perf_counter()
        rows = len(pd.read_csv(folder / "raw" / "large.csv"))
    else:
        from delight.feedback import table

        start = time.perf_counter()
        rows = len(table.read(folder).responses)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{rows} {seconds} {cpu} {peak}")


def _run(what, folder, rows):
    """Words printed by a process of its own: peak memory is the largest of a process and the one it was forked from."""
    command = [sys.executable, __file__, "--measure", what, "--folder", str(folder), "--rows", str(rows)]
    environment = {**os.environ, "DELIGHT_KEY": "benchmark"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--measure", choices=("make", "pandas", "delight"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure == "make":
        return print(make_study(given.folder, given.rows))
    if given.measure:
        return _measure(given.measure, given.folder)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "large"
        columns = _run("make", folder, given.rows)[-1]
        size = (folder / "raw" / "large.csv").stat().st_size / 2**20
        print(f"{given.rows:,} rows x {columns} columns, {size:,.0f} MiB of CSV")
        found = {}
        for what in ("pandas", "delight"):
            found[what] = [float(x) for x in _run(what, folder, given.rows)[-4:]]
        print(f"{'':24}{'rows':>12}{'seconds':>10}{'CPU s':>10}{'peak GiB':>10}")
        names = {"pandas": "pandas.read_csv", "delight": "read and checked"}
        for what, (rows, seconds, cpu, peak) in found.items():
            print(f"{names[what]:24}{rows:>12,.0f}{seconds:>10.1f}{cpu:>10.1f}{peak:>10.2f}")
        ratio = found["delight"][1] / found["pandas"][1]
        within = found["delight"][1] <= LIMIT_SECONDS and found["delight"][3] <= LIMIT_GIB
        print(f"ratio to pandas.read_csv: {ratio:.1f}; limit {LIMIT_SECONDS} s and {LIMIT_GIB} GiB: {'kept' if within else 'BROKEN'}")
    return 0 if within or given.rows > 1_000_000 else 1


if __name__ == "__main__":
    sys.exit(main())

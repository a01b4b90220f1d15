"""A workbook whose reports take a moment: short chapters, a few studies with locations, all with one tiny question."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from tests.tools import tiny

#: A chapter about one location, from the finished tables of the whole.
LOCATION = """found = here.read("satisfaction.levels")
saved = here.save("own", found)
saved.table"""

CODEBOOK = (
    "column,role,label_en,label_nl,scale_min,scale_max\nid,respondent,,,,\nplace,location,Place,Plaats,,\ngrade,overall,Grade,Cijfer,1,10\n"
)

#: What happens inside a client's own data: each study brings one line of code, run in its chapter 20.
TROUBLE = """import os, signal, time
from pathlib import Path

trouble = here.study.path / "trouble.py"
exec(trouble.read_text()) if trouble.exists() else None"""


def write(folder, studies=("alfa", "beta", "gamma"), *, waves=("2024", "2025"), location=False):
    """Write a workbook with these studies into `folder` and return it."""
    chain = folder / "notebooks" / "chain"
    chain.mkdir(parents=True)
    (chain / "10-feedback.ipynb").write_text(tiny.chapter("feedback", tiny.FEEDBACK))
    (chain / "20-satisfaction.ipynb").write_text(
        tiny.chapter("satisfaction", TROUBLE, tiny.SATISFACTION, needs=[["overall"]], scope="whole")
    )
    (chain / "90-more.ipynb").write_text(tiny.chapter("more", 'here.save("more", here.read("satisfaction.levels")).table', scope="whole"))
    if location:
        (chain / "80-location.ipynb").write_text(tiny.chapter("location", LOCATION, scope="location"))
        feedback = json.loads((chain / "10-feedback.ipynb").read_text())
        feedback["metadata"]["delight"]["scope"] = "whole"
        (chain / "10-feedback.ipynb").write_text(json.dumps(feedback))
    for number, name in enumerate(studies):
        study(folder, name, waves=waves, shift=number)
    return folder


def study(folder, name, *, waves=("2025",), shift=0, places=("Aarhus", "Breda", "Cork")):
    """Write one study."""
    place = folder / "data" / "studies" / name
    (place / "raw").mkdir(parents=True)
    sources = "".join(f'\n[[sources]]\npath = "raw/{wave}.csv"\nwave = "{wave}"\n' for wave in waves)
    (place / "study.toml").write_text(f'[study]\nname = "{name}"\norganisation = "{name.title()} <Care>"\nlanguage = "en"\n{sources}')
    (place / "codebook.csv").write_text(CODEBOOK)
    for number, wave in enumerate(waves):
        rows = (f"p{number}{i},{places[i % len(places)]},{1 + (i * 7 + number + shift) % 10}\n" for i in range(90))
        (place / "raw" / f"{wave}.csv").write_text("id,place,grade\n" + "".join(rows))
    return place


def trouble(folder, name, code):
    """Let a study do something bad in its chapter 20."""
    (folder / "data" / "studies" / name / "trouble.py").write_text(code)


def environment():
    """What a process of a test sees."""
    return {**os.environ, "DELIGHT_KEY": "test", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


#: One format is enough for most tests.
HTML = ("--formats", "html")

#: Processes that tests started.
STARTED = []


def start(folder, *arguments):
    """Start ``delight …`` in a workbook."""
    command = [sys.executable, "-m", "delight", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    STARTED.append(process)
    return process


def end():
    """End what a test that failed left running."""
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def batch(folder, *arguments, code=0, timeout=240):
    """Run a batch to its end and return what it printed on stdout and stderr."""
    process = start(folder, "batch", *arguments)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the batch came to no end:\n{out}\n{err}") from None
    assert process.returncode == code, f"exit code {process.returncode}:\n{out}\n{err}"
    return out, err


def ledger(reports, name="batch"):
    """State of each study in the ledger of a batch."""
    found = pd.read_parquet(reports / name / "ledger.parquet")
    assert not found.duplicated(["study", "wave", "location", "language"]).any(), "a report is listed twice"
    return found.set_index("study")["status"].to_dict()


def workers(process):
    """Worker processes of a local batch."""
    return [pid for pid, command in children(process.pid) if "multiprocessing" in command and "spawn_main" in command]


def numbers(reports):
    """Every table of every report, byte for byte: {relative path: bytes}."""
    found = {p.relative_to(reports).as_posix(): p.read_bytes() for p in sorted(reports.glob("*/*/*/tables/*"))}
    return {name: data for name, data in found.items() if not name.startswith(".")}


def whole(reports):
    """Assert that every report folder is whole: a run.json of a finished run, all chapters, its page, and nothing half built beside it."""
    folders = sorted(p.parent for p in reports.glob("*/*/*/run.json"))
    for folder in folders:
        manifest = json.loads((folder / "run.json").read_text())
        done = [c["file"] for c in manifest["chapters"] if c["status"] == "done"]
        assert done and all((folder / "notebooks" / f"{name}.ipynb").is_file() for name in done), folder
        page = (folder / "en" / "report.html").read_text(encoding="utf-8")
        assert page.rstrip().endswith("</html>"), folder
    return [f.relative_to(reports).as_posix() for f in folders]


def leftovers(reports):
    """Names of what was left half built."""
    return [p.name for p in reports.rglob(".*") if ".new-" in p.name or ".old-" in p.name]


def children(pid):
    """Processes below a process, as (pid, command line)."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            if entry.name.isdigit():
                about = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(about[1]) == pid:
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found += [(int(entry.name), command), *children(int(entry.name))]
    return found


def until(condition, *, seconds=240.0, pause=0.05, what="it"):
    """Wait until something is true, asking every `pause` seconds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(pause)
    return found


def moments(count, low, high, seed=7):
    """Random waiting times, the same in every run of the tests."""
    chance = random.Random(seed)
    return [chance.uniform(low, high) for _ in range(count)]


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]

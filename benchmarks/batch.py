"""How fast notebooks run in a batch, beside papermill, and how far that is from running their cells in one warm process.

Run ``python benchmarks/batch.py [--clients 4] [--demo-clients 2] [--chapters 10,20]``. Two chains, and what comes after them:

- light: five notebooks a client over a table of 2,000 rows and 25 columns; each fits a model, draws two figures and writes a table and a
  summary. (a) the papermill command a notebook, (b) papermill's API with cold kernels, (c) ours with one and two workers, (f) the same
  cells as plain scripts in one process that has imported everything, which is the limit.
- demo: the demo study cut into clients by label, its own chain. Ours with one and two workers, and the limit.
- formats: the whole demo study in one process; processor seconds of its chapters, of each format in a first language and in a second.
  ``--formats`` measures this alone and keeps the rest of an earlier run.

Every way runs in processes of its own; papermill's are given as many clients as they have patience for. Imports of the zygote and of the
limit's process are counted apart (``start``). On a busy machine seconds say little; processor seconds do. The results go to batch.json and batch.md.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

os.environ.update({name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")})
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # every way may keep what it compiles
os.environ.setdefault("DELIGHT_KEY", "benchmark")

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
GIB = 2**20  # of kB

# ---- the light chain

IMPORTS = """import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import statsmodels.formula.api as smf
from sklearn.cluster import KMeans"""
PARAMETERS = 'data: str = ""  # The table\nout: str = ""  # Where results go'
READ = "frame = pd.read_parquet(data)\nx = [c for c in frame if c.startswith('x')]\nframe.describe().T"
TASKS = {
    "1-metrics": "fit = smf.ols('y ~ x0 + x1 + x2', frame).fit()\ntable = fit.params.rename('b').reset_index()\ntable",
    "2-groups": "frame['group'] = KMeans(4, n_init=4, random_state=1).fit_predict(frame[x])\n"
    "table = frame.groupby('group')[x].mean().reset_index()\ntable",
    "3-loyalty": "fit = smf.logit('z ~ x0 + x1 + x2 + x3', frame).fit(disp=False)\ntable = fit.params.rename('b').reset_index()\ntable",
    "4-drivers": "table = frame[x].corrwith(frame['y']).rename('r').reset_index()\ntable",
    "5-summary": "table = frame.groupby('place')['y'].agg(['mean', 'count']).reset_index()\ntable",
}
FIGURES = (
    "fig, ax = plt.subplots()\nsns.histplot(frame, x='y', hue='place', multiple='stack', ax=ax)\nax.set_title('How the grades lie');",
    "fig, ax = plt.subplots()\nsns.regplot(frame.sample(400, random_state=1), x='x0', y='y', ax=ax)\nax.set_xlabel('first');",
)


def light_chain(folder):
    """Write the five notebooks; their paths."""
    import nbformat

    folder.mkdir(parents=True)
    paths = []
    for name, task in TASKS.items():
        write = (
            f"table.to_parquet(Path(out) / '{name}.parquet')\n(Path(out) / '{name}.json').write_text(json.dumps({{'rows': len(table)}}));"
        )
        cells = [nbformat.v4.new_code_cell(source) for source in (PARAMETERS, IMPORTS, READ, task, *FIGURES, write)]
        cells[0].metadata["tags"] = ["parameters"]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        paths.append(folder / f"{name}.ipynb")
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), paths[-1])
    return paths


def light_clients(folder, number):
    """Write a table a client; their parameters."""
    import numpy as np
    import pandas as pd

    clients = []
    for client in range(number):
        rng = np.random.default_rng(client)
        x = rng.normal(size=(2000, 22)).round(2)
        frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(22)])
        frame["y"] = (7 + x[:, :3].sum(axis=1) * 0.4 + rng.normal(size=2000)).clip(1, 10)
        frame["z"] = (frame["y"] + rng.normal(size=2000) > 7).astype(int)
        frame["place"] = rng.choice(list("ABCDE"), 2000)
        out = folder / f"client-{client}"
        out.mkdir(parents=True)
        frame.to_parquet(out / "data.parquet")
        clients.append({"data": str(out / "data.parquet"), "out": str(out)})
    return clients


# ---- the demo cut into clients


def demo_clients(folder, number):
    """Copy the demo study once a client, with the answers of its labels only; the parameters of its chapters."""
    from delight.study import open_study

    source = ROOT / "data" / "studies" / "kinderopvang-demo"
    with open(source / "units.csv", encoding="utf-8") as file:
        units = list(csv.DictReader(file))
    labels = list(dict.fromkeys(unit["label"] for unit in units))
    clients = []
    for client in range(number):
        mine = set(labels[client::8])
        places = {unit["location"] for unit in units if unit["label"] in mine}
        study = folder / f"client-{client}" / f"client-{client}"
        cut(source, study, places)
        out = folder / f"client-{client}" / "work"
        opened = open_study(str(study))
        clients.append({"study": str(study), "wave": opened.wave_named(""), "language": opened.language, "out": str(out)})
    return clients


def cut(source, target, places):
    """A copy of a study with the responses from some places."""
    (target / "raw").mkdir(parents=True)
    for path in source.iterdir():
        if path.is_file() and path.suffix in (".toml", ".csv"):
            (target / path.name).write_bytes(path.read_bytes())
    about = target / "study.toml"
    about.write_text(re.sub(r'(?m)^name = ".*"', f'name = "{target.name}"', about.read_text("utf-8"), count=1), "utf-8")
    for path in (source / "raw").iterdir():
        (_cut_workbook if path.suffix == ".xlsx" else _cut_text)(path, target / "raw" / path.name, places)


def _cut_text(source, target, places):
    raw = source.read_bytes()
    try:
        encoding, text = "utf-8", raw.decode("utf-8")
    except UnicodeDecodeError:
        encoding, text = "cp1252", raw.decode("cp1252")
    header = text.splitlines()[0]
    delimiter = max(";,\t", key=header.count)
    rows = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter))
    at = rows[0].index("location")
    with open(target, "w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([rows[0], *(row for row in rows[1:] if len(row) > at and row[at] in places)])


def _cut_workbook(source, target, places):
    import openpyxl

    rows = list(openpyxl.load_workbook(source, read_only=True).worksheets[0].iter_rows(values_only=True))
    at = rows[0].index("location")
    made = openpyxl.Workbook()
    for row in [rows[0], *(row for row in rows[1:] if row[at] in places)]:
        made.active.append(row)
    made.save(target)


def demo_chapters(wanted, study):
    """The chapters of the chain that such a client has."""
    from delight.publish import chain
    from delight.study import open_study

    opened = open_study(study)
    found = chain.choose(chain.chapters(ROOT), [w for w in wanted.split(",") if w])
    return [c for c in found if c.scope != "location" and not c.lacks(lambda need: bool(opened.meeting(need)))]


# ---- the ways: each runs in a process of its own and prints its seconds


def command(job):
    """(a) the papermill command a notebook."""
    for parameters in job["clients"]:
        for path in job["notebooks"]:
            target = Path(parameters["out"]) / Path(path).name
            given = [word for name, value in parameters.items() for word in ("-p", name, value)]
            call = [sys.executable, "-m", "papermill", path, str(target), *given]
            subprocess.run(call, check=True, capture_output=True)
    return {"start": 0.0}


def api(job):
    """(b) papermill's API, a cold kernel a notebook."""
    import papermill

    for parameters in job["clients"]:
        for path in job["notebooks"]:
            target = Path(parameters["out"]) / Path(path).name
            papermill.execute_notebook(path, str(target), parameters=parameters, progress_bar=False)
    return {"start": 0.0}


def ours(job):
    """(c) our engine; with several workers each is a process with its own zygote."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    begun = time.perf_counter()
    if job["workers"] == 1:
        _one_client({**job, "clients": job["clients"][:1], "warm_only": True})
        start = time.perf_counter() - begun
        for parameters in job["clients"]:
            _one_client({**job, "clients": [parameters]})
        return {"start": start}
    with ProcessPoolExecutor(job["workers"], mp_context=get_context("spawn")) as pool:
        first = {**job, "clients": job["clients"][:1], "warm_only": True}
        list(pool.map(_one_client, [first] * job["workers"]))
        start = time.perf_counter() - begun
        list(pool.map(_one_client, [{**job, "clients": [parameters]} for parameters in job["clients"]]))
    return {"start": start}


def _one_client(job):
    """A client's notebooks; with `warm_only` just the zygote, by a fork that is not used."""
    import papermill
    from delight.kernels import LIBRARIES
    from delight.kernels.notebook import Session
    from delight.publish import chain

    if job.get("warm_only"):
        modules = chain.imports(ROOT / "notebooks" / "chain") if "chapters" in job else LIBRARIES
        with Session({}, modules):
            time.sleep(0.3)  # so that every worker gets one
        return
    [parameters] = job["clients"]
    if "chapters" in job:
        for chapter in demo_chapters(job["chapters"], parameters["study"]):
            target = Path(parameters["out"]).parent / f"{chapter.file}.ipynb"
            done = chain.run_chapter(chapter, parameters, target, environment={"DELIGHT_HOME": ROOT})
            assert not done.cold, done.cold
        return
    for path in job["notebooks"]:
        target = str(Path(parameters["out"]) / Path(path).name)
        papermill.execute_notebook(path, target, parameters=parameters, progress_bar=False, engine_name="delight")


def plain(job):
    """(f) the cells as plain scripts, one after the other, in this process; what a cell ends in is made as a notebook shows it."""
    import importlib

    import matplotlib

    begun = time.perf_counter()
    matplotlib.use("agg")
    from delight.kernels import LIBRARIES
    from delight.publish import chain

    os.environ["DELIGHT_HOME"] = str(ROOT)
    for name in chain.imports(ROOT / "notebooks" / "chain") if "chapters" in job else LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    start = time.perf_counter() - begun
    for parameters in job["clients"]:
        paths = [c.path for c in demo_chapters(job["chapters"], parameters["study"])] if "chapters" in job else job["notebooks"]
        for path in paths:
            os.chdir(Path(path).parent)
            _script(Path(path), parameters)
    return {"start": start}


def _script(path, parameters):
    import ast
    import io

    import matplotlib.pyplot as plt

    names = {"__name__": "__main__"}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        ends = tree.body.pop().value if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, str(path), "exec"), names)
        value = eval(compile(ast.Expression(ends), str(path), "eval"), names) if ends is not None else None
        for show in ("_repr_mimebundle_", "_repr_html_"):
            if hasattr(value, show):
                getattr(value, show)()
                break
        for number in plt.get_fignums():
            plt.figure(number).savefig(io.BytesIO(), format="png")
        plt.close("all")
        if "parameters" in cell["metadata"].get("tags", []):
            names |= parameters


def report(job):
    """The demo's whole report, part by part, in processor seconds."""
    from unittest import mock

    from delight.publish import formats, order
    from delight.publish.content import Content
    from delight.publish.run import make

    parts = {}

    def timed(name, what, *args):
        before = _live(os.getpid())
        what(*args)
        parts[name] = _live(os.getpid()) - before

    asked = order.settle("kinderopvang-demo", languages=job["languages"][:1], out=job["out"])
    with mock.patch.object(formats, "write", lambda *args: ([], [])):
        timed("chapters", make, asked)
    content = Content.load(asked.work)
    for language in job["languages"]:
        written = partial(formats.write, content, language, Path(job["out"]) / language)
        timed(f"{language} all", written)
        for name in formats.FORMATS:
            if name != "pdf":
                timed(f"{language} {name}", written, [name])
        alone = sum(parts[f"{language} {name}"] for name in formats.FORMATS if name != "pdf")
        parts[f"{language} pdf"] = parts[f"{language} all"] - alone  # it is set from the page that stands for HTML
    return {"start": 0.0, "parts": parts}


def _live(pid):
    """Processor seconds of a process, of all below it, and of what they have seen end."""
    used = 0
    for each in _below(pid):
        with contextlib.suppress(OSError):
            used += sum(map(int, Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return used / os.sysconf("SC_CLK_TCK")


WAYS = {"a": command, "b": api, "c": ours, "f": plain, "report": report}


# ---- measuring


def run(way, job):
    """Run one way in a process of its own; its seconds a client without the start, the start, and the most memory of its processes."""
    call = [sys.executable, str(Path(__file__).resolve()), "--way", way]
    begun, before = time.perf_counter(), _processor()
    process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    most, over = [0], threading.Event()
    watch = threading.Thread(target=_watch, args=(process.pid, most, over))
    watch.start()
    told, _ = process.communicate(json.dumps(job))
    over.set()
    watch.join()
    if process.returncode:
        raise SystemExit(f"{way} failed")
    told = json.loads(told.strip().splitlines()[-1])
    return {
        "seconds": told["seconds"] / len(job["clients"]),
        "start": told["start"],
        "all": time.perf_counter() - begun,
        "cpu": (_processor() - before) / len(job["clients"]),
        "memory": most[0] / GIB / job.get("workers", 1),
        **({"parts": told["parts"]} if "parts" in told else {}),
    }


def _processor():
    """Processor seconds of all that this process has started and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(pid, most, over):
    """The most memory (kB; shared pages counted once) of a process and all below it."""
    while not over.wait(0.5):
        most[0] = max(most[0], sum(_pss(p) for p in _below(pid)))


def _below(pid):
    try:
        children = [
            int(c) for task in os.listdir(f"/proc/{pid}/task") for c in Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        ]
    except OSError:
        return []
    return [pid, *(p for child in children for p in _below(child))]


def _pss(pid):
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])


def one_way(way):
    """In the process of a way: read the job, run it, print its seconds."""
    job = json.loads(sys.stdin.read())
    begun = time.perf_counter()
    told = WAYS[way](job)
    print(json.dumps({**told, "seconds": time.perf_counter() - begun - told["start"]}))


def fresh(job, folder, make, number):
    """The job with clients of its own, so that no way finds another's results."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    return {**job, "clients": make(folder, number)}


def light(folder, clients, rounds):
    """Medians over the rounds, in which the ways take turns."""
    notebooks = [str(p) for p in light_chain(folder / "notebooks")]
    plan = {
        "papermill command": ("a", 1, 1),
        "papermill API": ("b", 2, 1),
        "ours, 1 worker": ("c", clients, 1),
        "ours, 2 workers": ("c", clients, 2),
        "plain scripts": ("f", clients, 1),
    }
    found = {name: [] for name in plan}
    for _ in range(rounds):
        for name, (way, number, workers) in plan.items():
            job = fresh({"notebooks": notebooks, "workers": workers}, folder, light_clients, number)
            found[name].append(run(way, job))
            print(name, found[name][-1], flush=True)
    return {name: {key: statistics.median(r[key] for r in runs) for key in runs[0]} for name, runs in found.items()}


def demo(folder, clients, chapters):
    """One round: the demo's own chain."""
    found = {}
    for name, (way, workers) in {"ours, 1 worker": ("c", 1), "plain scripts": ("f", 1), "ours, 2 workers": ("c", 2)}.items():
        found[name] = run(way, fresh({"chapters": chapters, "workers": workers}, folder, demo_clients, clients))
        print(name, found[name], flush=True)
    return found


def in_formats(folder):
    """Processor seconds of the demo's chapters and of each format in two languages."""
    return run("report", {"clients": ["demo"], "languages": ["nl", "en"], "out": str(folder / "report")})["parts"]


def goals(light, demo, parts):
    """What is asked for, what was measured, and whether that is enough."""
    one, two, limit = light["ours, 1 worker"], light["ours, 2 workers"], light["plain scripts"]
    overhead = (one["seconds"] - limit["seconds"]) / len(TASKS)
    asked = [
        ("overhead a notebook over the plain script, s", overhead, "≤", 0.4),
        ("light chain: times faster than the papermill command", light["papermill command"]["seconds"] / one["seconds"], "≥", 8),
        ("light chain: two workers against one", one["seconds"] / two["seconds"], "≥", 1.6),
        ("memory a worker with zygote and notebook, GiB", max(r["memory"] for r in (one, two, *_ours(demo))), "≤", 1),
    ]
    if demo:
        one, two = demo["ours, 1 worker"]["seconds"], demo["ours, 2 workers"]["seconds"]
        asked += [
            ("demo chain against the plain scripts", one / demo["plain scripts"]["seconds"], "≤", 1.5),
            ("demo chain: two workers against one", one / two, "≥", 1.6),
        ]
    if parts:
        first, second = parts["nl all"], parts["en all"]
        asked += [
            ("all formats in one language, of the whole report's processor time", first / (parts["chapters"] + first), "≤", 0.25),
            ("a second language, of the first one's processor time", second / (parts["chapters"] + first), "≤", 0.15),
        ]
    return [
        {"goal": what, "measured": round(value, 2), "asked": f"{sign} {bound:g}", "met": value <= bound if sign == "≤" else value >= bound}
        for what, value, sign, bound in asked
    ]


def _ours(demo):
    return [run for name, run in (demo or {}).items() if name.startswith("ours")]


def table(runs):
    limit = runs["plain scripts"]["seconds"]
    heads = ["s/client", "against plain scripts", "processor s/client, start included", "start, s", "GiB a worker"]
    lines = [f"| way | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads)]
    for name, r in runs.items():
        shown = [f"{r['seconds']:.2f}", f"{r['seconds'] / limit:.2f}", f"{r['cpu']:.2f}", f"{r['start']:.1f}", f"{r['memory']:.2f}"]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)


def formats_table(parts):
    names = ["html", "pdf", "xlsx", "pptx", "all"]
    lines = [f"| | chapters | {' | '.join(names)} formats |", "| --- |" + " ---: |" * (len(names) + 1)]
    for language, before in (("nl", f"{parts['chapters']:.1f}"), ("en", "")):
        used = [f"{parts[language + ' ' + name]:.1f}" for name in names]
        lines.append(f"| {language} | {before} | {' | '.join(used)} |")
    return "\n".join(lines)


def write(found):
    """batch.json and batch.md from what was found."""
    found["goals"] = goals(found["light"], found["demo"], found.get("formats"))
    (HERE / "batch.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = [
        "# Notebooks in a batch",
        f"Written by `python benchmarks/batch.py` on {found['cores']} cores; load average before it: {found['load_before']}.",
        f"## Light chain: five notebooks of 2,000 rows, two figures each (medians of {found.get('rounds', 3)})",
        table(found["light"]),
    ]
    if found["demo"]:
        text += [f"## Demo study cut into clients: {found.get('cut', '2 of 8, all chapters')}", table(found["demo"])]
    if found.get("formats"):
        text += [
            "## The demo's report: processor seconds of its chapters and of each format in two languages",
            formats_table(found["formats"]),
        ]
    rows = [f"| {g['goal']} | {g['measured']} | {g['asked']} | {'yes' if g['met'] else 'no'} |" for g in found["goals"]]
    text += ["## Goals", "\n".join(["| goal | measured | asked | met |", "| --- | ---: | --- | --- |", *rows])]
    (HERE / "batch.md").write_text("\n\n".join(text) + "\n", encoding="utf-8")
    print("\n\n".join(text))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--clients", type=int, default=4, help="clients of the light chain (papermill's own ways take fewer)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the light chain")
    parser.add_argument("--demo-clients", type=int, default=2, help="clients of the demo, of 8; 0 leaves it out")
    parser.add_argument("--chapters", default="", help="chapters of the demo, all when empty")
    parser.add_argument("--formats", action="store_true", help="only the formats, beside what an earlier run has found")
    asked = parser.parse_args()
    if asked.way:
        return one_way(asked.way)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        if asked.formats:
            found = json.loads((HERE / "batch.json").read_text(encoding="utf-8"))
        else:
            found = {
                "light": light(Path(folder), asked.clients, asked.rounds),
                "demo": demo(Path(folder), asked.demo_clients, asked.chapters) if asked.demo_clients else None,
                "rounds": asked.rounds,
                "cut": f"{asked.demo_clients} of 8, {f'chapters {asked.chapters}' if asked.chapters else 'all chapters'}",
                "load_before": round(load, 1),
                "cores": os.cpu_count(),
            }
        found["formats"] = in_formats(Path(folder))
    write(found)


if __name__ == "__main__":
    main()

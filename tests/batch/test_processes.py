"""Batches in real processes, and what is done to them: nothing half made, nothing made twice, nothing lost."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from delight import __version__
from delight.publish.batch.jobs import Job, make
from delight.publish.order import settle

from tests.batch import book
from tests.batch.terminal import Terminal

pytestmark = [pytest.mark.long, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes by /proc")]

#: Finds the worker that a kernel belongs to, and kills it.
POISON = """
pid = os.getpid()
while b"multiprocessing" not in Path(f"/proc/{pid}/cmdline").read_bytes():
    pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
os.kill(pid, signal.SIGKILL)
time.sleep(60)
"""


def being_made(reports):
    return [p.name for p in reports.glob(".work/*/.*.new-*")]


def test_a_worker_that_is_killed_loses_nothing(tmp_path, undisturbed):
    folder = book.write(tmp_path / "book")
    reports = folder / "reports"
    process = book.start(folder, "batch", "alfa", "beta", "gamma", "--workers", "2", *book.HTML)
    book.until(lambda: being_made(reports), what="a report to begin")
    victims = book.until(lambda: book.workers(process), what="workers")
    os.kill(victims[0], signal.SIGKILL)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err
    assert book.whole(reports) == [f"{name}/2025/whole" for name in ("alfa", "beta", "gamma")]
    assert book.numbers(reports) == undisturbed and not book.leftovers(reports)
    assert set(book.ledger(reports)) == {"alfa", "beta", "gamma"} and out.count("made in") == 3


def test_a_client_that_kills_its_worker_and_one_that_fails_leave_the_others_alone(tmp_path, undisturbed):
    folder = book.write(tmp_path / "book", ("alfa", "poison", "wrong", "gamma"))
    shutil.rmtree(folder / "data" / "studies" / "gamma")
    book.study(folder, "gamma", waves=("2024", "2025"), shift=2)
    book.trouble(folder, "poison", POISON)
    book.trouble(folder, "wrong", "[][0]")
    out, err = book.batch(folder, "alfa", "poison", "wrong", "gamma", "--workers", "2", *book.HTML, code=4)
    reports = folder / "reports"
    assert book.ledger(reports) == {"alfa": "made", "poison": "failed", "wrong": "failed", "gamma": "made"}
    found = pd.read_parquet(reports / "batch" / "ledger.parquet").set_index("study")
    assert "died" in found.error["poison"] and "IndexError" in found.error["wrong"]
    assert (found.chapter["wrong"], found.cell["wrong"]) == ("20-satisfaction", 4)
    page = (reports / "batch" / "index.html").read_text(encoding="utf-8")
    assert "Chapter 20-satisfaction, cell 4" in page and "delight run wrong --wave 2025" in page and "Wrong &lt;Care&gt;" in page
    assert "wrong" in err and "poison" in err
    made = book.numbers(reports)
    assert {n: made[n] for n in made if n.startswith(("alfa", "gamma"))} == {
        n: undisturbed[n] for n in undisturbed if not n.startswith("beta")
    }
    assert not (reports / "poison" / "2025" / "whole").exists() and not (reports / "wrong" / "2025" / "whole").exists()


@pytest.mark.timeout(1800)
def test_a_batch_killed_at_any_moment_goes_on_where_it_was(tmp_path, calm):
    folder, (undisturbed, seconds) = book.write(tmp_path / "book"), calm
    reports, finished = folder / "reports", 0
    for wait in book.moments(20, 0.2 * seconds, 0.95 * seconds):
        process = book.start(folder, "batch", "alfa", "beta", "gamma", "--workers", "1", *book.HTML)
        try:
            process.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
        for name in book.whole(reports):  # what stands is whole, and its numbers are right
            study = name.partition("/")[0]
            made = book.numbers(reports)
            assert {n: made[n] for n in made if n.startswith(study)} == {n: undisturbed[n] for n in undisturbed if n.startswith(study)}
        if process.returncode == 0:  # begin anew, so that every kill meets a batch at work
            assert book.numbers(reports) == undisturbed
            shutil.rmtree(reports)
            finished += 1
    book.batch(folder, "alfa", "beta", "gamma", "--workers", "1", *book.HTML)
    assert book.numbers(reports) == undisturbed and not book.leftovers(reports)
    assert set(book.ledger(reports)) == {"alfa", "beta", "gamma"}
    assert finished < 20, "no batch was killed"


def test_an_interrupted_batch_says_what_is_left_and_leaves_nothing_half_made(tmp_path):
    folder = book.write(tmp_path / "book", ("alfa", "slow"))
    book.trouble(folder, "slow", "time.sleep(120)")
    reports = folder / "reports"
    process = book.start(folder, "batch", "alfa", "slow", "--workers", "1", *book.HTML)
    book.until(lambda: (reports / "alfa" / "2025" / "whole" / "run.json").exists() and being_made(reports), what="the second report")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Interrupted" in err and "Traceback" not in out + err
    assert book.whole(reports) == ["alfa/2025/whole"] and not book.leftovers(reports)
    assert "1 report is still to be made" in (reports / "batch" / "index.html").read_text(encoding="utf-8")


def test_ctrl_c_on_a_terminal_reaches_every_process_and_leaves_a_clean_screen(tmp_path):
    folder = book.write(tmp_path / "book", ("alfa", "slow"))
    book.trouble(folder, "slow", "time.sleep(120)")
    reports, environment = folder / "reports", {**book.environment(), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "delight", "batch", "alfa", "slow", "--workers", "2", *book.HTML]
    terminal = Terminal(command, cwd=str(folder), env=environment)
    try:
        terminal.until(lambda t: "1/2" in t.screen() and "left:" in t.screen() and being_made(reports), seconds=240)
        below = [pid for pid, _ in book.children(terminal.process.pid)]
        time.sleep(1)
        terminal.process.sendintr()
        assert terminal.ended() == 130
    finally:
        terminal.end()
    screen = terminal.screen()
    assert "Interrupted" in screen and "Traceback" not in terminal.seen and "━" not in screen and terminal.cursor_shown
    assert book.whole(reports) == ["alfa/2025/whole"] and not book.leftovers(reports)
    book.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), seconds=30, what="its processes to end")


# ---- a cluster that runs already
class Cluster:
    """A scheduler and workers as an administrator starts them."""

    def __init__(self, folder):
        self.folder, self.port, self.started = folder, book.free_port(), []

    @property
    def address(self):
        return f"tcp://127.0.0.1:{self.port}"

    def run(self, *command, before=(), **environment):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        call = [*before, sys.executable, "-m", "distributed.cli.dask_" + command[0], *command[1:]]
        self.started.append(subprocess.Popen(call, cwd=self.folder, env={**book.environment(), **environment}, **quiet))

    def start(self, workers=2):
        self.run("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
        for _ in range(workers):
            self.worker()

    def worker(self, **how):
        local = ("--local-directory", str(self.folder / "dask"))
        self.run("worker", self.address, "--nthreads", "1", "--memory-limit", "0", "--no-dashboard", *local, **how)

    def kill(self):
        for process in self.started:
            for pid, _ in book.children(process.pid):
                with_pid(pid)
            process.kill()
            process.wait()
        self.started = []


def with_pid(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def test_a_scheduler_that_is_restarted_loses_nothing(tmp_path, undisturbed):
    folder = book.write(tmp_path / "book")
    cluster = Cluster(folder)
    try:
        cluster.start()
        process = book.start(folder, "batch", "alfa", "beta", "gamma", "--scheduler", cluster.address, *book.HTML)
        book.until(lambda: being_made(folder / "reports"), what="a report to begin")
        cluster.kill()
        time.sleep(2)
        cluster.start()
        out, err = process.communicate(timeout=240)
    finally:
        cluster.kill()
    assert process.returncode == 0, out + err
    assert book.numbers(folder / "reports") == undisturbed and set(book.ledger(folder / "reports")) == {"alfa", "beta", "gamma"}


@pytest.fixture
def cluster(tmp_path):
    """A workbook, and a scheduler with one sound worker."""
    found = Cluster(book.write(tmp_path / "book", ("alfa",)))
    try:
        found.start(1)
        yield found
    finally:
        found.kill()


def workers_of(cluster, n):
    """Wait until so many workers are connected."""
    from distributed import Client

    with Client(cluster.address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(n, timeout=60)
        return list(client.nthreads())


def refused(cluster):
    """What a batch says that none of its workers may begin with, and that it has left nothing behind."""
    out, err = book.batch(cluster.folder, "alfa", "--scheduler", cluster.address, *book.HTML, code=5, timeout=120)
    left = [p.name for p in (cluster.folder / "reports").rglob("*") if p.is_file() and not p.name.endswith(".lock")]
    assert not left and "begin" not in out and "Traceback" not in err
    return err


def other_library(root, folder, change):
    """A copy of the library with its first file changed; the folder to import it from."""
    shutil.copytree(root / "lib" / "delight", folder / "delight", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    about = folder / "delight" / "__init__.py"
    about.write_text(change(about.read_text()))
    return str(folder)


def test_a_worker_with_another_version_of_the_library_is_refused_before_anything_is_made(cluster, root, tmp_path):
    sound = workers_of(cluster, 1)
    old = other_library(root, tmp_path / "old", lambda text: text.replace(f'"{__version__}"', '"0.0.9"'))
    cluster.worker(PYTHONPATH=old)
    (other,) = set(workers_of(cluster, 2)) - set(sound)
    said = refused(cluster)
    assert f"{other} on {socket.gethostname()}: has delight 0.0.9, Python" in said and f"this machine delight {__version__}, Python" in said
    assert "Install the same version on all" in said and sound[0] not in said

    cluster.kill()  # the same version, but a line of its code was changed there
    old = other_library(root, tmp_path / "old", lambda text: text + "# changed\n")
    cluster.start(0)
    cluster.worker(PYTHONPATH=old)
    workers_of(cluster, 1)
    assert f"has delight {__version__}" in (said := refused(cluster)) and "but other code" in said


def test_a_worker_with_a_folder_of_its_own_under_the_same_name_is_refused(cluster):
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("no folder can be hidden from one process here (needs root)")
    sound, reports = workers_of(cluster, 1), cluster.folder / "reports"
    reports.mkdir()
    own = f'mount -t tmpfs tmpfs "{reports}" && exec "$@"'
    cluster.worker(before=("unshare", "--mount", "sh", "-c", own, "sh"))
    (other,) = set(workers_of(cluster, 2)) - set(sound)
    said = refused(cluster)
    assert f"{other} on {socket.gethostname()}: does not see {reports}." in said
    assert "the same folders under the same paths" in said and sound[0] not in said


def test_a_wrong_worker_that_joins_while_a_batch_runs_spoils_no_report(tmp_path, root, undisturbed):
    """It was asked nothing before the batch began, and would fail report after report while a sound one makes its first."""
    cluster = Cluster(book.write(tmp_path / "book"))
    book.trouble(cluster.folder, "alfa", "time.sleep(15)")
    reports = cluster.folder / "reports"
    try:
        cluster.start(1)
        workers_of(cluster, 1)
        process = book.start(cluster.folder, "batch", "alfa", "beta", "gamma", "--scheduler", cluster.address, *book.HTML)
        book.until(lambda: being_made(reports), what="a report to begin")
        cluster.worker(PYTHONPATH=other_library(root, tmp_path / "old", lambda text: text + "# changed\n"))
        out, err = process.communicate(timeout=240)
    finally:
        cluster.kill()
    assert process.returncode == 0, out + err
    assert book.numbers(reports) == undisturbed and out.count("made in") == 3


def test_a_worker_looks_itself_whether_it_sees_the_folder(tmp_path):
    workbook = book.write(tmp_path / "book", ("alfa",))
    order = settle(workbook / "data" / "studies" / "alfa", out=tmp_path / "reports", root=workbook)
    job = Job.of(order, parameters=(), out=str(tmp_path / "reports"), resume=True)
    outcome = make(replace(job, claim=str(tmp_path / "reports" / ".work" / ".batch.batch-1")))
    assert outcome.unfit and f"does not see the folder {tmp_path / 'reports'}" in outcome.error
    assert not (tmp_path / "reports").exists()


# ---- where reports go
def test_a_full_disk_leaves_the_earlier_report_and_room_lets_the_batch_go_on(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here (needs root)")
    try:
        folder = book.write(tmp_path / "book", ("alfa",))
        book.batch(folder, "alfa", "--out", disk, *book.HTML)
        before = book.numbers(disk)
        with (disk / "ballast").open("wb") as file:
            free = shutil.disk_usage(disk).free
            file.write(b"\0" * (free - 64_000))
        raw = folder / "data" / "studies" / "alfa" / "raw" / "2025.csv"
        raw.write_text(raw.read_text() + "new,Breda,10\n")
        _, err = book.batch(folder, "alfa", "--out", disk, *book.HTML, code=5)
        assert "No space left on device" in err and "Free some space" in err
        assert book.numbers(disk) == before and book.whole(disk) == ["alfa/2025/whole"] and not book.leftovers(disk)
        (disk / "ballast").unlink()
        book.batch(folder, "alfa", "--out", disk, *book.HTML)
        assert book.numbers(disk) != before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_nothing_of_one_client_reaches_the_next(tmp_path):
    folder = book.write(tmp_path / "book", ("alfa", "beta"))
    leave = """
import builtins, random, matplotlib, numpy, pandas
os.environ["DELIGHT_SPY"] = builtins.SPY = pandas.SPY = "alfa"
random.seed(1), numpy.random.seed(1)
matplotlib.rcParams["font.size"] = 77
pandas.set_option("display.max_rows", 7)
satisfaction.levels = None
os.chdir("/")
"""
    find = """
import builtins, matplotlib, numpy, pandas
seen = [os.environ.get("DELIGHT_SPY"), getattr(builtins, "SPY", None), getattr(pandas, "SPY", None), "alfa" in str(sorted(os.environ.items()))]
seen += [matplotlib.rcParams["font.size"] == 77, pandas.get_option("display.max_rows") == 7, Path.cwd() == Path("/")]
seen += [numpy.random.rand() == numpy.random.RandomState(1).rand(), Path("/proc/self/cwd").resolve() == Path("/")]
assert not any(seen), seen
"""
    book.trouble(folder, "alfa", leave)
    book.trouble(folder, "beta", find)
    book.batch(folder, "alfa", "beta", "--workers", "1", *book.HTML, code=4)
    found = book.ledger(folder / "reports")
    assert found == {"alfa": "failed", "beta": "made"}, "alfa broke its own library, and beta found a whole one"

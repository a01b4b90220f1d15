"""Batches in real processes, and what is done to them: nothing half made, nothing made twice, nothing lost."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pandas as pd
import pytest

from tests.batch import book

pytestmark = [pytest.mark.long, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes by /proc")]
HTML = ("--formats", "html")

#: Finds the worker that a kernel belongs to, and kills it.
POISON = """
pid = os.getpid()
while b"multiprocessing" not in Path(f"/proc/{pid}/cmdline").read_bytes():
    pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
os.kill(pid, signal.SIGKILL)
time.sleep(60)
"""


def ledger(reports, name="batch"):
    found = pd.read_parquet(reports / name / "ledger.parquet")
    assert not found.duplicated(["study", "wave", "location", "language"]).any(), "a report is listed twice"
    return found.set_index("study")["status"].to_dict()


def workers(process):
    """Worker processes of a local batch."""
    return [pid for pid, command in book.children(process.pid) if "multiprocessing" in command and "spawn_main" in command]


def being_made(reports):
    return [p.name for p in reports.glob(".work/*/.*.new-*")]


@pytest.fixture(autouse=True)
def nothing_left_running():
    yield
    book.end()


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """Three studies made without any trouble: their tables, and the seconds it took."""
    folder, begun = book.write(tmp_path_factory.mktemp("calm") / "book"), time.monotonic()
    book.batch(folder, "alfa", "beta", "gamma", "--workers", "1", *HTML)
    return book.numbers(folder / "reports"), time.monotonic() - begun


@pytest.fixture
def undisturbed(calm):
    return calm[0]


def test_a_worker_that_is_killed_loses_nothing(tmp_path, undisturbed):
    folder = book.write(tmp_path / "book")
    reports = folder / "reports"
    process = book.start(folder, "batch", "alfa", "beta", "gamma", "--workers", "2", *HTML)
    book.until(lambda: being_made(reports), what="a report to begin")
    victims = book.until(lambda: workers(process), what="workers")
    os.kill(victims[0], signal.SIGKILL)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err
    assert book.whole(reports) == [f"{name}/2025/whole" for name in ("alfa", "beta", "gamma")]
    assert book.numbers(reports) == undisturbed and not book.leftovers(reports)
    assert set(ledger(reports)) == {"alfa", "beta", "gamma"} and out.count("made in") == 3


def test_a_client_that_kills_its_worker_and_one_that_fails_leave_the_others_alone(tmp_path, undisturbed):
    folder = book.write(tmp_path / "book", ("alfa", "poison", "wrong", "gamma"))
    shutil.rmtree(folder / "data" / "studies" / "gamma")
    book.study(folder, "gamma", waves=("2024", "2025"), shift=2)
    book.trouble(folder, "poison", POISON)
    book.trouble(folder, "wrong", "[][0]")
    out, err = book.batch(folder, "alfa", "poison", "wrong", "gamma", "--workers", "2", *HTML, code=4)
    reports = folder / "reports"
    assert ledger(reports) == {"alfa": "made", "poison": "failed", "wrong": "failed", "gamma": "made"}
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
        process = book.start(folder, "batch", "alfa", "beta", "gamma", "--workers", "1", *HTML)
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
    book.batch(folder, "alfa", "beta", "gamma", "--workers", "1", *HTML)
    assert book.numbers(reports) == undisturbed and not book.leftovers(reports)
    assert set(ledger(reports)) == {"alfa", "beta", "gamma"}
    assert finished < 20, "no batch was killed"


def test_an_interrupted_batch_says_what_is_left_and_leaves_nothing_half_made(tmp_path):
    folder = book.write(tmp_path / "book", ("alfa", "slow"))
    book.trouble(folder, "slow", "time.sleep(120)")
    reports = folder / "reports"
    process = book.start(folder, "batch", "alfa", "slow", "--workers", "1", *HTML)
    book.until(lambda: (reports / "alfa" / "2025" / "whole" / "run.json").exists() and being_made(reports), what="the second report")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Interrupted" in err and "Traceback" not in out + err
    assert book.whole(reports) == ["alfa/2025/whole"] and not book.leftovers(reports)
    assert "1 report is still to be made" in (reports / "batch" / "index.html").read_text(encoding="utf-8")


# ---- a cluster that runs already
def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Cluster:
    """A scheduler and two workers as an administrator starts them."""

    def __init__(self, folder):
        self.folder, self.port, self.started = folder, free_port(), []

    @property
    def address(self):
        return f"tcp://127.0.0.1:{self.port}"

    def run(self, *command):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        call = [sys.executable, "-m", "distributed.cli.dask_" + command[0], *command[1:]]
        self.started.append(subprocess.Popen(call, cwd=self.folder, env=book.environment(), **quiet))

    def start(self):
        self.run("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
        for _ in range(2):
            local = ("--local-directory", str(self.folder / "dask"))
            self.run("worker", self.address, "--nthreads", "1", "--memory-limit", "0", "--no-dashboard", *local)

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
        process = book.start(folder, "batch", "alfa", "beta", "gamma", "--scheduler", cluster.address, *HTML)
        book.until(lambda: being_made(folder / "reports"), what="a report to begin")
        cluster.kill()
        time.sleep(2)
        cluster.start()
        out, err = process.communicate(timeout=240)
    finally:
        cluster.kill()
    assert process.returncode == 0, out + err
    assert book.numbers(folder / "reports") == undisturbed and set(ledger(folder / "reports")) == {"alfa", "beta", "gamma"}


# ---- where reports go
def test_a_full_disk_leaves_the_earlier_report_and_room_lets_the_batch_go_on(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here (needs root)")
    try:
        folder = book.write(tmp_path / "book", ("alfa",))
        book.batch(folder, "alfa", "--out", disk, *HTML)
        before = book.numbers(disk)
        with (disk / "ballast").open("wb") as file:
            free = shutil.disk_usage(disk).free
            file.write(b"\0" * (free - 64_000))
        raw = folder / "data" / "studies" / "alfa" / "raw" / "2025.csv"
        raw.write_text(raw.read_text() + "new,Breda,10\n")
        _, err = book.batch(folder, "alfa", "--out", disk, *HTML, code=5)
        assert "No space left on device" in err and "Free some space" in err
        assert book.numbers(disk) == before and book.whole(disk) == ["alfa/2025/whole"] and not book.leftovers(disk)
        (disk / "ballast").unlink()
        book.batch(folder, "alfa", "--out", disk, *HTML)
        assert book.numbers(disk) != before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def bucket(root, monkeypatch):
    """A bucket of a real S3 server on this machine; its file system."""
    server = shutil.which("moto_server")
    if not server:
        pytest.skip("no S3 server is installed: make test-servers")
    port = free_port()
    process = subprocess.Popen([server, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        book.until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, what="the S3 server")
        for name, value in {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }.items():
            monkeypatch.setenv(name, value)
        from pyarrow.fs import S3FileSystem

        made = S3FileSystem(endpoint_override=f"http://127.0.0.1:{port}", scheme="http", region="us-east-1", allow_bucket_creation=True)
        made.create_dir("clients")
        yield made
    finally:
        process.kill()
        process.wait()


def test_a_batch_delivers_to_an_object_store_and_resumes_from_it(tmp_path, bucket, undisturbed):
    from pyarrow.fs import FileSelector

    folder = book.write(tmp_path / "book")
    out = ("--out", "s3://clients/reports", "--workers", "2", *HTML)
    process = book.start(folder, "batch", "alfa", "beta", "gamma", *out)

    def begun():
        assert process.poll() is None, "".join(process.communicate())
        return any(f.path.endswith("run.json") for f in bucket.get_file_info(FileSelector("clients", recursive=True)))

    book.until(begun, pause=1.0, what="a first report in the store")
    os.kill(workers(process)[0], signal.SIGKILL)
    said, err = process.communicate(timeout=240)
    assert process.returncode == 0, said + err

    def tables():
        found = [f for f in bucket.get_file_info(FileSelector("clients/reports", recursive=True)) if f.is_file and "/tables/" in f.path]
        names = {f.path.removeprefix("clients/reports/"): f.path for f in found}
        return {n: bucket.open_input_file(path).readall() for n, path in names.items() if not n.startswith(".work")}

    assert tables() == undisturbed
    said, _ = book.batch(folder, "alfa", "beta", "gamma", "--languages", "en,nl", *out)
    assert said.count("languages or formats added") == 3 and tables() == undisturbed
    manifest = json.loads(bucket.open_input_file("clients/reports/beta/2025/whole/run.json").readall())
    assert manifest["study"] == "beta" and not (folder / "reports").exists()
    page = bucket.open_input_file("clients/reports/batch/index.html").readall().decode()
    assert 'href="../beta/2025/whole/nl/report.html"' in page


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
    book.batch(folder, "alfa", "beta", "--workers", "1", *HTML, code=4)
    found = ledger(folder / "reports")
    assert found == {"alfa": "failed", "beta": "made"}, "alfa broke its own library, and beta found a whole one"

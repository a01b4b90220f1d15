"""Worker processes that make reports: a local Dask cluster, or one that is named by its scheduler's address.

Reports are handed out one by one, as many at a time as there are workers. So a worker that dies takes one report with it, never its
neighbours'; Dask gives that report to another worker, and one that kills every worker it meets ends as failed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import socket
import sys
import time
import uuid
from collections import deque
from pathlib import Path

from delight import __version__
from delight.errors import RunError
from delight.publish import keys
from delight.publish.batch import jobs as making

#: Memory of a worker with its kernels, stated and reckoned with (`benchmarks/batch.md`).
WORKER_BYTES = 2**30
#: Workers that a report may take with it before it counts as failed.
DEATHS = 2
#: Seconds to wait for a scheduler that went away, and for a first worker.
PATIENCE = 300.0


@contextlib.contextmanager
def local(workers):
    """A cluster of worker processes on this machine, one thread each, restarted when they die; yields an `Engine`."""
    import dask
    from distributed import Client, LocalCluster

    _quiet()
    settings = {
        "distributed.scheduler.allowed-failures": DEATHS,
        "distributed.admin.tick.limit": "1h",
        "distributed.comm.timeouts.connect": "60s",
    }
    with dask.config.set(settings):
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,  # kernels are processes of their own, which Dask does not see
            dashboard_address="127.0.0.1:0",  # any free port: several batches may run beside each other
            silence_logs=logging.CRITICAL,
            env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        )
        client = Client(cluster)
        try:
            yield Engine(lambda: client, workers, stop=lambda: _end(cluster))
        finally:
            with contextlib.suppress(Exception):
                client.close(timeout=2)
            with contextlib.suppress(Exception):
                cluster.close(timeout=5)


def _end(cluster):
    """End the workers of a local cluster at once, with the notebooks they run."""
    for nanny in list(cluster.workers.values()):
        nanny.auto_restart = False
        with contextlib.suppress(Exception):
            os.kill(nanny.pid, signal.SIGKILL)


@contextlib.contextmanager
def remote(address, batch, mark=""):
    """A cluster that runs already; every worker is asked who it is first. Yields an `Engine`.

    Parameters
    ----------
    address : str
    batch : Batch
    mark : str
        A file in the folder of reports that all must see; empty where reports go to a store.

    Raises
    ------
    RunError
        Nobody answers, there is no worker, or a worker has another library or does not see the shared folders.
    """
    _quiet()
    connected = _Connection(address)
    try:
        _introduce(connected(), address, batch, mark)
        yield Engine(connected)
    finally:
        connected.close()


class _Connection:
    """A client of a scheduler, made anew when the scheduler went away."""

    def __init__(self, address):
        self.address, self._client, self._patience = address, None, 30.0

    def __call__(self):
        from distributed import Client

        if self._client is None or self._client.status not in ("running", "connecting"):
            self.close()
            until = time.monotonic() + self._patience
            while not (answer := _answer(self.address)).startswith("ok") and time.monotonic() < until:
                time.sleep(0.5)
            if not answer.startswith("ok"):
                raise self._nobody(answer)
            self._client = Client(self.address, timeout=30, set_as_default=False)
            try:
                self._client.wait_for_workers(1, timeout=self._patience)
            except TimeoutError:
                raise self._nobody("no worker is connected to it.") from None
            self._patience = PATIENCE
        return self._client

    def _nobody(self, why):
        hint = f"Start `dask scheduler` and `dask worker {self.address} --nthreads 1`."
        return RunError(f"The scheduler {self.address} cannot be used: {why} {hint}", exit_code=5)

    def close(self):
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.close(timeout=2)
        self._client = None


def _answer(address):
    """``ok`` if a scheduler listens at the address, else why not."""
    import asyncio

    from distributed.comm import connect

    async def ask():
        await (await connect(address, timeout=5)).close()

    try:
        asyncio.run(ask())
        return "ok"
    except ValueError as error:
        raise RunError(f"The scheduler's address cannot be '{address}': {error}. Write it as tcp://HOST:8786.", exit_code=2) from None
    except OSError:
        return "nobody answers."


class Engine:
    """Hands jobs to workers.

    Parameters
    ----------
    connect : function
        Gives a connected `distributed.Client`, anew after the scheduler went away.
    workers : int, optional
        How many there are; asked of the scheduler otherwise, again and again, since workers come and go.
    stop : function, optional
        Ends what runs, at once.
    """

    def __init__(self, connect, workers=None, stop=None):
        self.connect, self.workers, self._stop = connect, workers, stop
        self.running, self._unfit = {}, set()

    def stop(self):
        """End the reports that are being made, as far as that can be done."""
        with contextlib.suppress(Exception):
            (self._stop or (lambda: self.connect().cancel(list(self.running), force=True)))()

    def outcomes(self, jobs):
        """Make all jobs and those that follow from them; yields each `Outcome` as it comes.

        Parameters
        ----------
        jobs : iterable of Job

        Notes
        -----
        What follows from a report goes to the front, so that a study is finished before the next begins.
        """
        waiting, done, lost = deque(jobs), queue.SimpleQueue(), {}
        while waiting or self.running:
            client = self.connect()
            while waiting and len(self.running) < self._slots(client):
                job = waiting.popleft()
                how = {"key": f"{job.id} {uuid.uuid4().hex[:8]}", "pure": False, "retries": 0}
                if self._unfit and (fit := list(self._fit(client))):
                    how |= {"workers": fit, "allow_other_workers": True}  # a preference: these may be gone before it begins
                future = client.submit(making.make, job, **how)
                self.running[future] = job
                future.add_done_callback(done.put)
            try:
                future = done.get(timeout=1.0)
            except queue.Empty:
                self._lost(client, done)
                continue
            job = self.running.pop(future, None)
            if job is None:
                continue
            if future.status in ("cancelled", "lost") and lost.get(job.id, 0) < 5:  # the scheduler went away
                lost[job.id] = lost.get(job.id, 0) + 1
                waiting.appendleft(job)
                continue
            outcome = _outcome(future, job)
            if outcome.unfit:
                self._unfit.add(outcome.worker)
                if self._fit(client):  # another worker makes it
                    waiting.appendleft(job)
                    continue
            yield outcome
            if outcome.complete:
                waiting.extendleft(reversed(outcome.follow))
            else:
                for left_out in _known_followers(job):
                    yield making.Outcome(
                        left_out, "left_out", error=f"The report of the whole failed, and this one starts from it: {job.id}."
                    )

    def _slots(self, client):
        return self.workers or max(1, sum(self._fit(client).values()))

    def _fit(self, client):
        """Threads of the workers that have not turned out unable to make this batch: one that joined unasked would fail report after report."""
        return {worker: threads for worker, threads in client.nthreads().items() if worker not in self._unfit}

    def _lost(self, client, done):
        """Give up futures of a connection that has ended."""
        if client.status in ("closed", "closing"):
            for future in list(self.running):
                if future.client is client:
                    done.put(future)


def _known_followers(job):
    return [] if job.then == "every" else [job.at(location) for location in job.then]


def _outcome(future, job):
    """The outcome of a finished future; a worker that died comes back as a failed job."""
    if future.status == "finished":
        return future.result()
    error = future.exception() if future.status == "error" else None
    if type(error).__name__ == "KilledWorker":
        say = (
            f"The process that made this report died {DEATHS + 1} times. Often there was not enough memory: use fewer workers, "
            "or run this report alone."
        )
        return making.failed(job, say)
    return making.failed(job, f"The report came to no end: {type(error).__name__ if error else future.status}: {error or 'no answer'}")


# ---- workers
def count(wanted, n_jobs):
    """How many local workers: as asked, else one a core as far as memory goes, and no more than there are reports, if that is known."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(wanted or min(cores, memory() // WORKER_BYTES), n_jobs or cores * 1000))


def memory():
    """Bytes of memory that this process may use."""
    from distributed.system import memory_limit

    return memory_limit()


def introduction(folders):
    """What a worker says of itself: its library, and which of these folders it sees (run on the worker)."""
    return {
        "host": socket.gethostname(),
        "version": __version__,
        "python": sys.version.split()[0],
        "library": keys.library(),
        "unseen": [folder for folder in folders if not Path(folder).exists()],
    }


def _introduce(client, address, batch, mark):
    """Refuse workers that would make other reports than this machine: another library, or folders they do not see."""
    needed = dict.fromkeys(p for job in batch.jobs for p in (job.study, job.raw, job.home) if p)
    if mark:
        needed[mark] = None
    found = client.run(introduction, list(needed), on_error="return")
    wrong = []
    for worker, said in found.items():
        if not isinstance(said, dict):
            missing = isinstance(said, ImportError)
            wrong.append(f"{worker}: {'has no delight library of this version' if missing else f'{type(said).__name__}: {said}'}.")
            continue
        place = f"{worker} on {said['host']}"
        if said["library"] != keys.library():
            theirs, ours = f"delight {said['version']}, Python {said['python']}", f"delight {__version__}, Python {sys.version.split()[0]}"
            differs = f"has {theirs}; this machine {ours}" if theirs != ours else f"has {theirs} like this machine, but other code"
            wrong.append(f"{place}: {differs}.")
        unseen = [batch.out if folder == mark else folder for folder in said["unseen"]]
        wrong += [f"{place}: does not see {folder}." for folder in unseen]
    if wrong:
        say = "Install the same version on all, and give them the same folders under the same paths."
        raise RunError("\n".join([f"The workers of {address} cannot make this batch. {say}", *(f"  - {w}" for w in wrong)]), exit_code=5)


def _quiet():
    for name in (
        "distributed",
        "distributed.nanny",
        "distributed.worker",
        "distributed.scheduler",
        "distributed.client",
        "asyncio",
        "tornado",
    ):
        logging.getLogger(name).setLevel(logging.CRITICAL)

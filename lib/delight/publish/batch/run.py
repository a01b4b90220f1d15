"""A batch from its plan to its overview."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from delight.publish import folders, keys
from delight.publish.batch import claims, engine, index, ledger, store
from delight.publish.batch.jobs import clean, glance

#: Seconds between two writings of the overview while a batch runs.
EVERY = 20.0


@dataclass
class Made:
    """What a batch came to.

    Attributes
    ----------
    outcomes : list of Outcome
    seconds : float
    index : str
        Path or URL of the overview.
    """

    outcomes: list = field(default_factory=list)
    seconds: float = 0.0
    index: str = ""

    @property
    def failed(self):
        return [o for o in self.outcomes if not o.complete]

    @property
    def exit_code(self):
        """0 all complete, 4 some failed, 5 none complete."""
        return 0 if not self.failed else 4 if len(self.failed) < len(self.outcomes) else 5


def run(batch, *, scheduler="", begun=lambda workers, n: None, told=lambda outcome, to_do: None):
    """Make every report of a batch, and its overview.

    Parameters
    ----------
    batch : Batch
        As `delight.publish.batch.plan.settle` gives it.
    scheduler : str
        Address of a running Dask cluster; empty starts workers on this machine.
    begun : function (workers, reports)
        Called when workers are there.
    told : function (outcome, to_do)
        Called with each outcome and the number of reports that are still to be made.

    Returns
    -------
    Made

    Raises
    ------
    RunError
        The workers or the folder of reports cannot be used, or this batch runs already.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    made, written = Made(index=_place(batch, "index.html")), clock
    to_do = sum(1 + (0 if job.then == "every" else len(job.then)) for job in batch.jobs)

    def write(to_do):
        made.seconds = time.monotonic() - clock
        _write(batch, made, started, to_do)

    def took(outcome):
        nonlocal to_do, written
        made.outcomes.append(outcome)
        to_do += (len(outcome.follow) if outcome.complete and outcome.job.then == "every" else 0) - 1
        told(outcome, to_do)
        if time.monotonic() - written > EVERY:
            write(to_do)
            written = time.monotonic()

    with _alone(batch) as claim:
        # processes started here run this very library; others must show that they do, also those that join later
        told_to_workers = {"library": keys.library() if scheduler else "", "claim": claim}
        left, looking = [], deque(replace(job, **told_to_workers) for job in batch.jobs)
        while looking:  # what is finished already needs no worker
            job = looking.popleft()
            if outcome := glance(job):
                took(outcome)
                looking.extendleft(reversed(outcome.follow))
            else:
                left.append(job)
        if left:
            n = None if any(job.then == "every" for job in left) else to_do
            with _engine(batch, scheduler, n, claim) as cluster:
                begun(cluster.workers, to_do)
                try:
                    for outcome in cluster.outcomes(left):
                        took(outcome)
                except BaseException:
                    half_made = list(cluster.running.values())
                    write(to_do)
                    cluster.stop()
                    for job in half_made:
                        clean(job)
                    raise
        write(to_do)
    return made


def _engine(batch, scheduler, n, claim):
    """The workers: those of a scheduler, or as many here as `n` reports (None: unknown) can use."""
    mark = "" if store.is_url(batch.out) else claim
    return engine.remote(scheduler, batch, mark) if scheduler else engine.local(engine.count(batch.workers, n))


@contextlib.contextmanager
def _alone(batch):
    """Hold the batch's name, as two batches of one name would write one overview, and in a store its studies too.

    Yields the claim: in a store that of `claims`, in a folder a file by which workers know the folder from another of the same name.
    """
    if store.is_url(batch.out):
        with claims.held(store.mirror(batch.out), batch.name, [job.name for job in batch.jobs]) as claim:
            yield claim
        return
    place = Path(batch.out) / ".work"
    with folders.lock(place / f".{batch.name}.batch.lock", f"The batch '{batch.name}'"):
        for left in place.glob(f".{batch.name}.batch-*"):  # of a batch that was killed
            left.unlink(missing_ok=True)
        mark = place / f".{batch.name}.batch-{uuid.uuid4().hex}"
        mark.touch()
        try:
            yield str(mark)
        finally:
            mark.unlink(missing_ok=True)


def _place(batch, name):
    return f"{store.shown(batch.out).rstrip('/')}/{batch.name}/{name}"


def _write(batch, made, started, to_do):
    """Write the overview and the ledger, each in one step."""
    text = index.page(batch, made.outcomes, started=started, seconds=made.seconds, to_do=to_do)
    files = {"index.html": text.encode("utf-8"), "ledger.parquet": ledger.as_bytes(ledger.table(made.outcomes))}
    if store.is_url(batch.out):
        place = store.mirror(batch.out)
        for name, data in files.items():
            place.write(f"{batch.name}/{name}", data)
        return
    folder = Path(batch.out) / batch.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            aside = folders.aside(folder / name)
            try:
                aside.write_bytes(data)
                aside.replace(folder / name)
            finally:
                aside.unlink(missing_ok=True)
    except OSError as error:
        raise folders.unwritable(folder, error) from error

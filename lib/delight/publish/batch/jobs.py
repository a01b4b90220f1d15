"""One report of a batch, as a worker makes it: a job goes out, an outcome comes back, and no error of one touches another."""

from __future__ import annotations

import os
import shlex
import socket
import time
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path

from delight.errors import DelightError
from delight.publish import folders, keys, manifest, run
from delight.publish.batch import store
from delight.publish.formats import FILES
from delight.publish.order import planned_locations, settle
from delight.study import places

#: Seconds that a report waits for another run of the same report: that of an earlier batch that has not ended yet.
PATIENCE = 900.0


@dataclass(frozen=True)
class Job:
    """A report to make, in plain values that travel to a worker.

    Attributes
    ----------
    study, given : str
        The study's folder, and how commands call the study.
    name, organisation, wave, location : str
    languages, formats, parameters : tuple of str
    raw, out, home : str
        Folder of raw files (or empty), folder or URL of reports, the workbook.
    resume : bool
    library : str
        `delight.publish.keys.library` that a worker must have; empty to take any.
    claim : str
        By which the batch holds the place it writes to: an object in a store, a file in a folder.
    then : tuple of str or "every"
        Locations to report on when this report, of the whole, is there.
    """

    study: str
    given: str
    name: str
    organisation: str
    wave: str
    location: str
    languages: tuple
    formats: tuple
    parameters: tuple
    raw: str
    out: str
    home: str
    resume: bool = True
    library: str = ""
    claim: str = ""
    then: tuple | str = ()

    @classmethod
    def of(cls, order, *, parameters, out, resume):
        """The job of an order of the whole."""
        return cls(
            study=str(order.study.path),
            given=places.called(order.study.path),
            name=order.study.name,
            organisation=order.study.organisation,
            wave=order.wave,
            location=order.location,
            languages=order.languages,
            formats=order.formats,
            parameters=tuple(parameters),
            raw=str(order.raw or ""),
            out=out,
            home=str(order.root),
            resume=resume,
        )

    def at(self, location):
        """The same of one location."""
        return replace(self, location=location, then=())

    @property
    def id(self):
        return f"{self.name}, {self.wave}, {self.location or 'whole'}"

    @property
    def command(self):
        """The command that makes this report alone; where reports go to a store, on this machine."""
        options = {"--wave": self.wave, "--location": self.location, "--raw": self.raw}
        options |= {} if store.is_url(self.out) or Path(self.out) == Path(self.home, "reports") else {"--out": self.out}
        parts = [part for option, value in options.items() if value for part in (option, value)]
        parts += ["--languages", ",".join(self.languages), "--formats", ",".join(self.formats)]
        parts += [part for parameter in self.parameters for part in ("-p", parameter)]
        return shlex.join(["delight", "run", self.given, *parts])


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes
    ----------
    status : {"made", "rendered", "unchanged", "failed", "left_out"}
        ``left_out``: not begun, since the whole's report failed.
    folder : str
        Run folder, relative to the folder of reports.
    files : dict of language to dict of format to str
        Files relative to the folder of reports.
    headline : dict
        `delight.publish.headline.headline`.
    warnings, reused : tuple of str
    seconds : float
    error, chapter, cell : str, str, int or None
        What went wrong, and where.
    locations : tuple of str
        Of a report of the whole: the locations that have a report of their own coming.
    worker : str
        The process that made it.
    unfit : bool
        Whether it failed because of this worker, so that another should try.
    """

    job: Job
    status: str
    folder: str = ""
    files: dict = field(default_factory=dict)
    headline: dict = field(default_factory=dict)
    warnings: tuple = ()
    reused: tuple = ()
    seconds: float = 0.0
    error: str = ""
    chapter: str = ""
    cell: int | None = None
    locations: tuple = ()
    worker: str = ""
    unfit: bool = False

    @property
    def complete(self):
        return self.status in ("made", "rendered", "unchanged")

    @property
    def follow(self):
        """The jobs that come after this one."""
        if self.job.location:
            return []
        wanted = self.locations if self.job.then == "every" else self.job.then
        return [self.job.at(location) for location in wanted]


def make(job):
    """Make one report; whatever goes wrong comes back as an outcome.

    Making it again changes nothing, so a job may be given to a second worker when the first dies.
    """
    started = time.monotonic()
    try:
        _same_library(job)
        with store.reports(job.out) as place:
            order = _order(job, place.folder)
            place.fetch(order, job.claim)
            try:
                report = run.make(order, resume=job.resume, patience=PATIENCE)
            except DelightError:
                place.keep_failed(order, job.claim)
                raise
            place.deliver(order, job.claim)
            return _done(job, order, report, started)
    except store.Unfit as error:
        return replace(failed(job, str(error), started), unfit=True)
    except DelightError as error:
        return failed(job, str(error), started, error.chapter, error.cell)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        say = f"Something the workbook did not expect: {type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"
        return failed(job, say, started)


def _order(job, folder):
    return settle(
        job.study,
        wave=job.wave,
        location=job.location,
        languages=job.languages,
        formats=job.formats,
        parameters=job.parameters,
        raw=job.raw or None,
        out=folder,
        root=job.home,
    )


def _done(job, order, report, started):
    """The outcome of a report that is there."""
    files = {
        language: {
            kind: (report.folder / language / name).relative_to(order.reports).as_posix()
            for kind, name in FILES.items()
            if (report.folder / language / name).is_file()
        }
        for language in job.languages
    }
    return Outcome(
        job,
        report.status,
        folder=report.folder.relative_to(order.reports).as_posix(),
        files=files,
        headline=report.headline,
        warnings=tuple(report.warnings),
        reused=tuple(report.reused),
        seconds=round(time.monotonic() - started, 2),
        locations=tuple(planned_locations(order.work, order.wave)) if job.then == "every" else (),
        worker=_worker(),
    )


def _worker():
    """Address of the Dask worker that this process is, else its number."""
    from distributed import get_worker

    try:
        return get_worker().address
    except ValueError:
        return str(os.getpid())


def failed(job, error, started=None, chapter="", cell=None):
    """The outcome of a job that could not be made."""
    seconds = round(time.monotonic() - started, 2) if started is not None else 0.0
    return Outcome(job, "failed", error=error, chapter=chapter, cell=cell, seconds=seconds, worker=_worker())


def glance(job):
    """The outcome of a job whose report stands finished on a shared folder and need not be touched; None if it has to go to a worker."""
    if not job.resume or store.is_url(job.out):
        return None
    started = time.monotonic()
    try:
        order = _order(job, job.out)
        found = manifest.finished(order)
        return (
            None
            if found is None or found.lacking
            else _done(job, order, run.report_of(order, found.manifest, started, "unchanged"), started)
        )
    except (DelightError, OSError):
        return None


def clean(job):
    """Remove what a killed worker left half built of a report on a shared folder, once it is gone."""
    if store.is_url(job.out):
        return
    try:
        order = _order(job, job.out)
        with folders.lock(order.work.parent / f".{order.work.name}.lock", f"The report of {order.name}", patience=10.0):
            folders.recover(order.work)
            folders.recover(order.target)
    except DelightError:
        pass


def _same_library(job):
    if job.library and job.library != keys.library():
        say = f"The worker on {socket.gethostname()} (process {os.getpid()}) has another library than the batch. Install the same and restart it."
        raise store.Unfit(say, exit_code=5)

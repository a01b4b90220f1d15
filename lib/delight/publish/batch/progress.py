"""How far a batch is: a bar with the time left on a terminal, a line a report otherwise, nothing when quiet."""

from __future__ import annotations

import contextlib
import os
import sys

from delight.errors import visible
from delight.publish.batch.engine import WORKER_BYTES


@contextlib.contextmanager
def progress(*, quiet=False):
    """What a batch tells while it runs; yields a `_Shown`."""
    if quiet:
        yield _Shown()
    elif sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
        with _bar() as bar:
            yield _Bar(bar)
    else:
        yield _Lines()


class _Shown:
    """Tells nothing while a batch runs, and only failures afterwards."""

    def begun(self, workers, n):
        pass

    def told(self, outcome, to_do):
        pass

    def done(self, made):
        """The last words: failures on stderr."""
        for outcome in made.failed:
            print(visible(f"delight: {failure(outcome)}"), file=sys.stderr)


class _Lines(_Shown):
    """One line a report."""

    def __init__(self):
        self.n = 0

    def begun(self, workers, n):
        self.line(opening(workers))

    def told(self, outcome, to_do):
        self.n += 1
        self.line(f"[{self.n}/{self.n + to_do}] {line(outcome)}")

    def done(self, made):
        super().done(made)
        self.line(closing(made))

    def line(self, text):
        print(visible(text), flush=True)


class _Bar(_Shown):
    """A bar over all reports, and a line above it for each that failed or remarked on something."""

    def __init__(self, bar):
        self.bar, self.task, self.n = bar, None, 0

    def begun(self, workers, n):
        self.say(opening(workers))
        self.task = self.bar.add_task("", total=n)

    def told(self, outcome, to_do):
        self.n += 1
        self.bar.update(self.task, completed=self.n, total=self.n + to_do, description=visible(outcome.job.id))
        if not outcome.complete or outcome.warnings:
            self.say(line(outcome))

    def done(self, made):
        super().done(made)
        print(visible(closing(made)))

    def say(self, text):
        self.bar.console.print(visible(text), markup=False, highlight=False)


def _bar():
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.table import Column

    whole = {"table_column": Column(no_wrap=True)}  # on a narrow terminal the bar and the name give way, not the time
    bar = BarColumn(bar_width=None, table_column=Column(ratio=1))
    name = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
    left = TimeRemainingColumn(elapsed_when_finished=True, **whole)
    shown = (bar, MofNCompleteColumn(**whole), TimeElapsedColumn(**whole), TextColumn("left:", **whole), left, name)
    return Progress(*shown, expand=True, transient=True)


def opening(workers):
    """Where the work is done."""
    if workers is None:
        return "The workers of the scheduler begin."
    each = f"about {WORKER_BYTES / 2**30:.0f} GiB of memory{' each' if workers > 1 else ''}"
    return f"{workers} worker{'s' if workers > 1 else ''} begin{'' if workers > 1 else 's'}; {each}."


def line(outcome):
    """One report in one line."""
    if not outcome.complete:
        return f"{outcome.job.id}: {'not made' if outcome.status == 'left_out' else 'FAILED'}: {outcome.error.partition(chr(10))[0]}"
    kept = f", {len(outcome.reused)} chapters kept" if outcome.reused else ""
    what = {"made": f"made in {outcome.seconds:.1f} s{kept}", "rendered": f"languages or formats added in {outcome.seconds:.1f} s"}
    remarks = "".join(f"\n    {text}" for text in outcome.warnings)
    return f"{outcome.job.id}: {what.get(outcome.status, 'unchanged')}{remarks}"


def failure(outcome):
    """A failed report, with what to do."""
    if outcome.status == "left_out":
        return f"{outcome.job.id}: not made. {outcome.error}"
    return f"{outcome.job.id}: {outcome.error}\n  Alone: {outcome.job.command}"


def closing(made):
    """The sum of it."""
    n, failed = len(made.outcomes), len(made.failed)
    kept = sum(o.status == "unchanged" for o in made.outcomes)
    parts = [
        f"{n} report{'' if n == 1 else 's'} in {made.seconds:.0f} s",
        f"{kept} unchanged" if kept else "",
        f"{failed} failed" if failed else "",
    ]
    return f"{', '.join(p for p in parts if p)}. Overview: {made.index}"

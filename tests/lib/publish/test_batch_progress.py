"""How far a batch is: a bar on a terminal, a line a report otherwise, nothing when quiet."""

import os
import re
import subprocess
import sys

import pytest

from tests.batch.terminal import Terminal

#: A batch that waits for a line of input before each report.
PLAY = """
import sys
from dataclasses import replace
from delight.publish.batch.jobs import Job, Outcome, failed
from delight.publish.batch.progress import progress
from delight.publish.batch.run import Made

job = Job("s", "s", "alfa", "Alfa [bold]", "2025", "", ("nl",), ("html",), (), "", "reports", ".")
outcomes = [Outcome(job, "made", seconds=2.0), Outcome(replace(job, name="beta"), "made", warnings=("No PDF.",), seconds=1.0),
            failed(replace(job, name="gamma"), "Chapter 20 failed: [red] 1/0"), Outcome(replace(job, name="delta"), "unchanged")]
with progress(quiet="--quiet" in sys.argv) as shown:
    shown.begun(2, len(outcomes))
    for i, outcome in enumerate(outcomes, 1):
        if "--wait" in sys.argv:
            input()
        shown.told(outcome, len(outcomes) - i)
    if "--wait" in sys.argv:
        input()
shown.done(Made(outcomes, 3.0, "reports/batch/index.html"))
"""
CLOSING = "4 reports in 3 s, 1 unchanged, 1 failed. Overview: reports/batch/index.html"
FAILED = "delight: gamma, 2025, whole: Chapter 20 failed: [red] 1/0"


@pytest.fixture
def play():
    made = []

    def start(*options, **how):
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}  # the terminal's own count
        environment = {**inherited, "TERM": "xterm-256color", **how.pop("env", {})}
        made.append(Terminal([sys.executable, "-c", PLAY, *options], env=environment, echo=False, **how))
        return made[-1]

    yield start
    for terminal in made:
        terminal.end()


def bar(screen):
    return [line for line in screen.splitlines() if "━" in line]


def test_a_terminal_has_a_bar_with_the_time_left_that_follows_its_width_and_is_not_left_behind(play):
    terminal = play("--wait", columns=100)
    terminal.until(lambda t: "0/4" in t.screen())
    for n in (1, 2, 3):
        terminal.process.write(b"\n")
        terminal.until(lambda t, n=n: f"{n}/4" in t.screen())
    (line,) = bar(terminal.screen())
    assert re.search(r"━+\S* +3/4 +0:00:\d\d +left: +(-:--:--|0:00:\d\d) +gamma, 2025, whole", line), line
    terminal.until(lambda t: re.search(r"left: +0:00:\d\d", bar(t.screen())[0]))
    assert not terminal.cursor_shown

    above = terminal.screen().splitlines()
    assert above[0].startswith("2 workers begin") and above[1:4] == [
        "beta, 2025, whole: made in 1.0 s",
        "    No PDF.",
        "gamma, 2025, whole: FAILED: Chapter 20 failed: [red] 1/0",
    ], "a line stands above the bar for what failed or was remarked on, and for nothing else"
    terminal.process.setwinsize(24, 50)
    terminal.seen = ""
    terminal.until(lambda t: t.seen.count("3/4") > 2 and all(len(line) <= 50 for line in bar(t.screen())))
    (line,) = bar(terminal.screen())
    assert len(line) <= 50 and re.search(r"━ +3/4 +0:00:\d\d +left: +0:00:\d\d +gamma", line), line

    terminal.process.setwinsize(24, 100)
    terminal.seen = ""
    terminal.process.write(b"\n\n")
    assert terminal.ended() == 0
    assert terminal.screen().splitlines()[-1] == CLOSING and FAILED in terminal.screen()
    assert not bar(terminal.screen()) and terminal.cursor_shown


def test_an_interrupted_bar_leaves_the_screen(play):
    terminal = play("--wait")
    terminal.process.write(b"\n")
    terminal.until(lambda t: "1/4" in t.screen())
    terminal.process.sendintr()
    assert terminal.ended() != 0
    assert not bar(terminal.screen()) and terminal.cursor_shown and "2 workers begin" in terminal.screen()


def test_a_terminal_that_cannot_move_its_cursor_gets_a_line_a_report(play):
    terminal = play(env={"TERM": "dumb"})
    assert terminal.ended() == 0 and "\x1b" not in terminal.seen
    assert "[1/4] alfa, 2025, whole: made in 2.0 s" in terminal.screen()


def test_elsewhere_there_is_a_line_a_report_and_quiet_means_errors_only():
    def printed(*options):
        done = subprocess.run([sys.executable, "-c", PLAY, *options], capture_output=True, text=True, check=True)
        return done.stdout.splitlines(), done.stderr.splitlines()

    out, err = printed()
    assert [line[:5] for line in out if line.startswith("[")] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"] and out[-1] == CLOSING
    assert err[0] == FAILED
    out, err = printed("--quiet")
    assert out == [] and err[0] == FAILED

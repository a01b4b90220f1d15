"""What only a real kernel can do wrong: through papermill, command line and all."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.bad_input import broken
from tests.bad_input.broken import everything
from tests.tools import tiny

pytestmark = pytest.mark.long


@pytest.fixture
def book(tmp_path, monkeypatch):
    monkeypatch.setenv("DELIGHT_KEY", "test")
    for name in ("DELIGHT_RAW", "DELIGHT_HOME"):
        monkeypatch.delenv(name, raising=False)
    return broken.workbook(tmp_path / "book")


def started(book):
    command = [sys.executable, "-m", "delight", "run", "small", "--formats", "html"]
    return subprocess.Popen(command, cwd=book, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


@pytest.mark.parametrize(
    ("how", "code", "says"),
    [
        (broken.swap("raw/answers.csv", "k2,A,2024-03-02,7", "k2,A,2024-03-02,17"), 1, ["answers.csv, row 3", "'17'", "missing_codes"]),
        (
            broken.chapter(tiny.chapter("satisfaction", "x = {}['no such key']")),
            3,
            ["20-satisfaction", "cell 4", "no such key", "whole.failed"],
        ),
        (
            broken.chapter(tiny.chapter("satisfaction", "import os; os._exit(9)")),
            3,
            ["20-satisfaction", "DeadKernelError", "out of memory", "--chapters"],
        ),
        (
            broken.chapter(tiny.chapter("satisfaction", "raise OSError(28, 'No space left on device')")),
            5,
            ["No space left", "Free some space"],
        ),
    ],
    ids=["a grade off its scale", "a cell that fails", "a kernel that dies", "a full disk"],
)
def test_a_failure_in_a_kernel_is_told_in_one_message(how, code, says, book):
    how(book / "data" / "studies" / "small")
    before = everything(book)
    process = started(book)
    _, told = process.communicate(timeout=120)
    assert process.returncode == code, told
    assert all(words in told for words in says) and "Traceback" not in told and told.count("delight: ") == 1
    assert {k: v for k, v in everything(book).items() if ".failed/" not in k and ".chapters/" not in k} == before


def test_an_interrupted_kernel_leaves_nothing_behind(book):
    broken.chapter(tiny.chapter("satisfaction", "import time; time.sleep(60)", needs=[["overall"]]))(book / "data" / "studies" / "small")
    before = everything(book)
    process = started(book)
    assert process.stdout.readline().startswith("10-feedback")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "Interrupted" in told and "Traceback" not in told
    assert {k: v for k, v in everything(book).items() if ".failed/" not in k and ".chapters/" not in k} == before

"""Every broken input gives one clear message with place and remedy and the right exit code, and changes nothing."""

import pytest

from tests.bad_input import cases
from tests.bad_input.broken import delight, everything


def is_one_clear_message(text):
    """Whether a person can read this: no traceback, no internals, nothing invisible, not a wall."""
    lines = text.strip().splitlines()
    starts = [line for line in lines if line.startswith(("delight", "usage"))]
    assert "Traceback" not in text and "Something the workbook did not expect" not in text
    assert all(c.isprintable() or c == "\n" for c in text), "control characters reach the terminal"
    assert len([s for s in starts if s.startswith("delight")]) == 1, "one message, with the name of the command"
    assert len(lines) <= 12 and max(map(len, lines)) < 700
    return True


def unchanged(before, book):
    """Whether every file is as it was; what a failed run keeps on purpose is left out."""
    after = everything(book)
    kept = {name for name in after if ".failed/" in name}
    assert {k: v for k, v in after.items() if k not in kept} == before
    assert not [p for p in book.rglob(".*") if ".new-" in p.name or ".old-" in p.name or p.name.startswith((".fresh-", ".small-"))]
    return True


def says(case, text):
    lacking = [words for words in case.says if words not in text]
    assert not lacking, f"{lacking} not in: {text}"
    return True


def test_the_workbook_is_sound_before_it_is_broken(study, book):
    assert delight("check small", book).code == 0
    told = delight("run small --formats html", book)
    assert (told.code, told.err) == (0, "")


@pytest.mark.parametrize("case", cases.NEW, ids=str)
def test_no_study_is_drafted_from_what_cannot_be_read(case, study, book):
    case.how(study)
    before = everything(book)
    told = delight(case.command, book)
    assert told.code == case.code
    assert is_one_clear_message(told.err) and says(case, told.err)
    assert unchanged(before, book)


@pytest.mark.parametrize("case", [*cases.STUDY, *cases.DATA_CASES], ids=str)
def test_what_check_finds_wrong_stops_a_run_with_the_same_words(case, study, book):
    case.how(study)
    before = everything(book)
    told = delight(f"{case.command} --json", book)
    assert (told.code, told.err) == (case.code, "")
    assert says(case, told.findings)
    told = delight("run small --formats html", book)
    assert told.code == 1
    assert is_one_clear_message(told.err) and says(case, told.err)
    assert unchanged(before, book)


@pytest.mark.parametrize("case", cases.RUN, ids=str)
def test_a_run_that_cannot_be_says_why_and_changes_nothing(case, study, book):
    case.how(study)
    before = everything(book)
    told = delight(case.command, book)
    assert told.code == case.code
    assert is_one_clear_message(told.err) and says(case, told.err)
    assert unchanged(before, book)

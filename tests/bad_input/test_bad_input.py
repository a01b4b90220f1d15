"""Every broken input gives one clear message with place and remedy and the right exit code, and changes nothing."""

import errno
import os
import shutil
import sys

import pytest

from tests import small_study
from tests.bad_input import broken, cases
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
    """Whether every file is as it was; what a failed run keeps on purpose (notebooks to look at, finished chapters) is left out."""
    after = everything(book)
    kept = {name for name in after if ".failed/" in name or ".chapters/" in name}
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


# ---- where the workbook ends up
@pytest.mark.parametrize("command", ["run small", "check small", "new export.csv --name fresh"])
def test_a_wrong_home_is_told_where_a_workbook_is_looked_for(command, tmp_path, monkeypatch, study):
    from delight.study import places

    (tmp_path / "export.csv").write_text(small_study.DATA)
    monkeypatch.setenv("DELIGHT_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setattr(places, "__file__", str(tmp_path / "installed" / "places.py"))  # as installed away from any workbook
    told = delight(command, tmp_path)
    if command.startswith("new"):
        assert told.code == 0 and (tmp_path / "data" / "studies" / "fresh" / "study.toml").is_file()
        return
    assert told.code in (1, 2) and is_one_clear_message(told.err)
    assert ("DELIGHT_HOME" in told.err and "notebooks/chain" in told.err) or "no study at" in told.err


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "where", ["delight.publish.html.save", "delight.result.Result.save", "shutil.copytree", "delight.publish.folders.swap"]
)
def test_a_full_disk_leaves_the_earlier_report(where, study, book, monkeypatch):
    before = everything(book)
    monkeypatch.setattr(where, full)
    told = delight("run small --formats html --chapters 10,20", book)
    assert told.code in (3, 5) and is_one_clear_message(told.err)
    assert "No space left on device" in told.err and "ree some space" in told.err
    assert unchanged(before, book)


def test_a_full_disk_leaves_no_half_study(study, book, monkeypatch):
    broken.export("export.csv", small_study.DATA)(study)
    before = everything(book)
    monkeypatch.setattr(shutil, "copyfile", full)
    told = delight("new export.csv --name fresh", book)
    assert told.code == 1 and is_one_clear_message(told.err) and "Free some space" in told.err
    assert unchanged(before, book)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small file system")
@pytest.mark.parametrize("command", ["run small --formats html --out {disk}", "new export.csv --name fresh --in {disk}"])
def test_a_disk_that_really_is_full(command, study, book, tmp_path):
    import subprocess

    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount")
    try:
        broken.export("export.csv", "id,overall\n" + "k,9\n" * 40_000)(study)
        told = delight(command.format(disk=disk), book)
        assert told.code in (1, 3, 5) and is_one_clear_message(told.err)
        assert "No space left on device" in told.err and "ree some space" in told.err
        assert not [p for p in disk.rglob("*") if p.is_file() and not p.name.endswith(".lock") and ".failed" not in str(p)]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def interrupted(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("where", "command"),
    [
        ("papermill.execute_notebook", "run small"),
        ("delight.publish.html.save", "run small --formats html"),
        ("delight.feedback.table._read", "check small"),
        ("shutil.copyfile", "new export.csv --name fresh"),
    ],
)
def test_an_interruption_leaves_everything_as_it_was(where, command, study, book, monkeypatch):
    broken.export("export.csv", small_study.DATA)(study)
    before = everything(book)
    monkeypatch.setattr(where, interrupted)
    told = delight(command, book)
    assert told.code == 130 and is_one_clear_message(told.err) and "Interrupted" in told.err
    assert unchanged(before, book)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read and write everything")
@pytest.mark.parametrize("command", ["check small", "run small"])
def test_a_file_that_may_not_be_read(command, study, book):
    (study / "raw" / "answers.csv").chmod(0)
    told = delight(command, book)
    assert told.code == 1 and "answers.csv" in told.out + told.err and "permission" in told.out + told.err


# ---- what is odd but can be read
HOSTILE = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "=HYPERLINK(1)", "\"'&<", "{{satisfaction.levels}}", "\x1b[31mred"]


def test_hostile_words_are_shown_as_words(study, book):
    """In labels, answers, locations, comments, organisation and story."""
    broken.swap("study.toml", "Small Care", HOSTILE[0])(study)
    broken.swap("codebook.csv", "Totaal", HOSTILE[1])(study)
    broken.swap("units.csv", "De Aap,Noord", f"{HOSTILE[0]},{HOSTILE[1]}")(study)
    broken.put("story/2024-1.nl.md", f"# summary\n{HOSTILE[0]} is what **they** say.\n")(study)
    broken.swap("raw/answers.csv", "Fijn", f"{HOSTILE[2]} {HOSTILE[0]}")(study)
    assert delight("check small", book).code == 0
    told = delight("run small --formats html", book)
    assert told.code == 0, told.err
    page = (book / "reports" / "small" / broken.WAVE / "whole" / "nl" / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page and "<script" not in page and "<img src=x" not in page


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_in_a_header_reach_neither_terminal_nor_drafted_study_unmarked(words, study, book):
    cell = words.replace('"', '""')
    broken.export("export.csv", f'id,"{cell}"\nk1,9\nk2,8\nk3,7\n')(study)
    told = delight("new export.csv --name fresh", book)
    assert told.code in (0, 1), told.err
    assert all(c.isprintable() or c in "\n\t" for c in told.out + told.err)
    if told.code == 0:
        told = delight("check fresh", book)
        assert told.code in (0, 1) and all(c.isprintable() or c in "\n\t" for c in told.out + told.err)


@pytest.mark.parametrize("wave", ["../../out", "/abs", "con", "a/b", "2024 1", "<b>", "ünï", "." * 3])
def test_a_wave_never_becomes_a_path(wave, study, book):
    broken.swap("study.toml", f'wave = "{broken.WAVE}"', f'wave = "{wave}"')(study)
    before = everything(book.parent)
    told = delight("run small --formats html", book)
    assert told.code == 0, told.err
    fresh = [name for name in everything(book.parent) if name not in before]
    assert fresh and all(name.startswith(("book/reports/small/", "book/reports/.work/small/")) and name.count("..") == 0 for name in fresh)


@pytest.mark.parametrize("place", ["../../out", "/abs", "con", "whole", "a/b", "<b>x", "\\\\server\\x", "." * 3])
def test_a_location_never_becomes_a_path(place, study, book):
    broken.gone("units.csv")(study)
    (study / "raw" / "answers.csv").write_text(small_study.DATA.replace(",A,", f",{place},"))
    before = everything(book.parent)
    told = delight(["run", "small", "--formats", "html", "--location", place], book)
    assert told.code == 0, told.err
    after = everything(book.parent)
    mine = ("book/reports/small/", "book/reports/.work/small/")  # the whole is made first, because its data have changed
    fresh = [name for name in after if name not in before]
    assert fresh and all(name.startswith(mine) and name.count("..") == 0 for name in fresh)
    assert all(after[name] == before[name] for name in before if not name.startswith(mine))


@pytest.mark.parametrize(
    ("how", "warns"),
    [
        (broken.swap("raw/answers.csv", "2024-03-02", "2024-02-31"), "no date"),
        (broken.put("raw/answers.csv", small_study.DATA.encode("utf-16-le")), ""),
        (broken.put("raw/answers.csv", small_study.DATA.replace("Fijn", "Fijn é").encode() + "k5,A,2024-03-04,9,9,1,1,Beter,ré\n".encode("latin-1")), "UTF-8"),
        (broken.swap("raw/answers.csv", "Fijn", "=2+3"), ""),
        (broken.add("raw/answers.csv", "k4,B,2024-03-04,,10,0,3,,\n"), "1 row repeats the answers"),
        (broken.add("raw/answers.csv", ",,,,,,,,\n"), "empty"),
        (broken.add("raw/answers.csv", "k5,A,2024-03-04,9,9,1\n"), "fewer cells"),
        (broken.put("raw/answers.csv", "\n".join(small_study.DATA.splitlines()[:2]) + "\n"), ""),
        (broken.swap("codebook.csv", "overall,overall,Overall,Totaal,1,10", "overall,ignore,Overall,Totaal,,"), "no outcome"),
        (broken.both(broken.put("logo.exe", "x"), broken.add("study.toml", '[report]\nlogo = "logo.exe"\n')), "no picture"),
        (broken.both(broken.put("story/2023-1.nl.md", "# summary\nFine.\n")), "no wave '2023-1'"),
    ],
    ids=["impossible date", "utf-16 without mark", "two encodings", "formula", "row twice", "empty row", "short row", "one respondent", "no outcome", "logo no picture", "story of another wave"],
)  # fmt: skip
def test_what_can_be_read_is_read_and_the_oddity_told(how, warns, study, book):
    how(study)
    told = delight(["check", "small"], book)
    words = " ".join(told.out.split())
    assert (told.code, told.err) == (0, "") and warns in words
    told = delight("run small --formats html", book)
    assert (told.code, told.err) == (0, "")

"""The command line as a person meets it: help, versions, exit codes, one message on stderr."""

import json

import pytest
from delight import cli
from delight.errors import InputError, RunError, StudyError

from tests.tools import tiny


def call(capsys, *arguments):
    """Exit code, standard output and standard error of `delight ARGUMENTS`."""
    with pytest.raises(SystemExit) as done:
        cli.main(list(arguments))
    out, err = capsys.readouterr()
    return done.value.code or 0, out, err


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    monkeypatch.setenv("DELIGHT_KEY", "test")
    monkeypatch.delenv("DELIGHT_RAW", raising=False)
    monkeypatch.chdir(tiny.workbook(tmp_path / "book"))
    return tmp_path / "book"


def test_help_lists_the_commands_and_exit_codes(capsys):
    code, out, _ = call(capsys, "--help")
    assert code == 0
    for part in ("new", "check", "run", "lab", "workshop", "130 interrupted"):
        assert part in out


@pytest.mark.parametrize("arguments", [(), ("runn", "tiny"), ("run",), ("new", "a.csv"), ("workshop",)])
def test_wrong_usage_ends_with_2(capsys, arguments):
    code, _, err = call(capsys, *arguments)
    assert code == 2 and "usage: delight" in err


@pytest.mark.parametrize(
    ("error", "code"),
    [(StudyError("x"), 1), (InputError("x"), 1), (RunError("x"), 3), (RunError("x", exit_code=5), 5), (ValueError("x"), 3)],
)
def test_errors_end_with_their_code_and_one_message(capsys, monkeypatch, error, code):
    def fail(options):
        raise error

    monkeypatch.setattr(cli, "_check", fail)
    found, out, err = call(capsys, "check", "tiny")
    assert (found, out) == (code, "") and "Traceback" not in err and err.startswith("delight: ")


def test_an_interrupt_ends_with_130(capsys, monkeypatch):
    def stop(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_check", stop)
    assert call(capsys, "check", "tiny")[0] == 130


def test_debug_shows_where(monkeypatch):
    def fail(options):
        raise RunError("x")

    monkeypatch.setattr(cli, "_check", fail)
    with pytest.raises(RunError):
        cli.main(["check", "tiny", "--debug"])


def test_check_is_quiet_about_a_sound_study_and_loud_about_a_wrong_one(capsys, workbook):
    code, out, _ = call(capsys, "check", "tiny")
    assert code == 0 and "error" not in out and "1 warning" in out, "the account of the research is not given"
    raw = workbook / "data" / "studies" / "tiny" / "raw" / "a.csv"
    raw.write_text(raw.read_text() + "p99,42\n")
    code, out, _ = call(capsys, "check", "tiny", "--json")
    found = json.loads(out)
    assert code == 1 and found["errors"] == 1
    assert (found["findings"][0]["column"], found["findings"][0]["row"]) == ("grade", 42)


def test_new_drafts_a_study_that_check_can_read(capsys, workbook, tmp_path):
    export = tmp_path / "export 2025.csv"
    rows = "".join(f"{1000 + i};{5 + i % 6};{i % 11};Aardig {i}\n" for i in range(60))
    export.write_text("Respondentnummer;Algemeen oordeel;Aanbevelen (0-10);Opmerking\n" + rows)
    code, out, err = call(capsys, "new", str(export), "--name", "klant", "--language", "nl")
    assert code == 0, err
    study = workbook / "data" / "studies" / "klant"
    assert (study / "codebook.csv").is_file() and "60 rows x 4 columns, CSV, UTF-8, semicolon-separated" in out
    code, out, err = call(capsys, "check", "klant")
    assert "Traceback" not in err and code in (0, 1)


def test_workshop_build_leaves_a_folder_of_something_else_alone(capsys, root, tmp_path, monkeypatch):
    monkeypatch.chdir(root)
    (tmp_path / "thesis.txt").write_text("years of work")
    code, _, err = call(capsys, "workshop", "build", "--language", "da", "--out", str(tmp_path))
    assert code == 2 and "holds something else" in err and (tmp_path / "thesis.txt").is_file()


@pytest.mark.long
def test_workshop_build_writes_every_version(capsys, root, tmp_path, monkeypatch):
    monkeypatch.chdir(root)
    code, out, _ = call(capsys, "workshop", "build", "--language", "da", "--participants", "1", "--out", str(tmp_path / "room"))
    assert code == 0 and "Workshop ready" in out
    for version in ("student", "trainer", "no-code"):
        assert len(list((tmp_path / "room" / version).glob("*.ipynb"))) == 5

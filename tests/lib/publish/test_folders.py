"""A run folder is the old one or the new one, at every moment."""

import subprocess
import sys
import textwrap

import pytest
from delight.errors import RunError
from delight.publish import folders


def make(folder, text):
    folder.mkdir()
    (folder / "a").write_text(text)
    (folder / "b").write_text(text)
    return folder


def test_swap_replaces_the_whole_folder_and_leaves_nothing_beside(tmp_path):
    target = make(tmp_path / "whole", "old")
    (target / "only-old").write_text("x")
    folders.swap(make(folders.aside(target), "new"), target)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["whole"]
    assert sorted(p.name for p in target.iterdir()) == ["a", "b"]
    assert (target / "a").read_text() == "new"


def test_swap_without_the_system_call_gives_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    target = make(tmp_path / "whole", "old")
    folders.swap(make(folders.aside(target), "new"), target)
    assert (target / "a").read_text() == "new" and len(list(tmp_path.iterdir())) == 1


def test_recover_brings_back_a_folder_that_a_kill_left_renamed(tmp_path):
    target = tmp_path / "whole"
    make(folders.aside(target, "old"), "old")
    make(folders.aside(target, "new"), "half")
    folders.recover(target)
    assert [p.name for p in tmp_path.iterdir()] == ["whole"]
    assert (target / "a").read_text() == "old"


def test_a_reader_never_sees_a_mixture_while_folders_are_swapped(tmp_path):
    target = make(tmp_path / "whole", "0")
    reader = textwrap.dedent(
        """
        import os, sys
        def text(name, folder):
            file = os.open(name, os.O_RDONLY, dir_fd=folder)
            try:
                return os.read(file, 9)
            finally:
                os.close(file)
        seen = 0
        while not os.path.exists(sys.argv[2]):
            try:
                folder = os.open(sys.argv[1], os.O_RDONLY)
            except FileNotFoundError:
                print("missing"); break
            try:
                both = [text(n, folder) for n in "ab"]
                seen += 1
                if both[0] != both[1]: print("mixed", both); break
            except FileNotFoundError:
                pass  # this folder has been replaced and removed since it was opened
            finally:
                os.close(folder)
        print("seen", seen)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", reader, str(target), str(tmp_path / "stop")], stdout=subprocess.PIPE, text=True)
    for i in range(200):
        folders.swap(make(folders.aside(target), str(i)), target)
    (tmp_path / "stop").touch()
    lines = process.communicate(timeout=60)[0].splitlines()
    assert len(lines) == 1 and lines[0].startswith("seen") and lines[0] != "seen 0"


def test_a_second_run_of_the_same_report_is_refused(tmp_path):
    with folders.lock(tmp_path / "lock", "The report"):
        with pytest.raises(RunError, match="another run") as error, folders.lock(tmp_path / "lock", "The report"):
            pass
        assert error.value.exit_code == 5
    with folders.lock(tmp_path / "lock", "The report"):
        pass

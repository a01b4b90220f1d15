import stat

import pytest
from delight.errors import StudyError
from delight.feedback import keys


@pytest.fixture(autouse=True)
def _config(tmp_path, monkeypatch):
    monkeypatch.delenv("DELIGHT_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_a_key_is_made_once_for_a_study_and_only_its_owner_reads_it(tmp_path):
    key = keys.study_key("demo")
    file = tmp_path / "delight" / "keys" / "demo.key"
    assert keys.study_key("demo") == key and len(key) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keys.study_key("other") != key
    assert [p.name for p in sorted(file.parent.iterdir())] == ["demo.key", "other.key"]


def test_delight_key_goes_before_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("DELIGHT_KEY", "secret")
    assert keys.study_key("a") == keys.study_key("b") and not (tmp_path / "delight").exists()


def test_a_damaged_key_is_told(tmp_path):
    keys.study_key("demo")
    (tmp_path / "delight" / "keys" / "demo.key").write_text("zz\n")
    with pytest.raises(StudyError, match="is damaged"):
        keys.study_key("demo")


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(StudyError, match="set DELIGHT_KEY"):
        keys.study_key("demo")


def test_pseudonyms_depend_on_id_and_key_and_say_nothing_of_the_id():
    one, other = keys.pseudonyms(["1", "2", "1"], b"k" * 32), keys.pseudonyms(["1"], b"q" * 32)
    assert one[0] == one[2] != one[1] and one[0] != other[0] and all(len(p) == 16 for p in one)

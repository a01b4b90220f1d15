import pytest
from delight.errors import RunError, StudyError
from delight.study import places
from hypothesis import given, settings
from hypothesis import strategies as st


def test_a_slug_is_plain_and_says_the_name():
    assert places.slugs(["Ørstedsgade 4", "De Kleine Beer", "Sint-Jan"]) == {
        "Ørstedsgade 4": "orstedsgade-4",
        "De Kleine Beer": "de-kleine-beer",
        "Sint-Jan": "sint-jan",
    }


def test_names_that_would_meet_reserved_or_unreadable_get_a_hash():
    found = places.slugs(["Whole", "whole", "../../etc", "東京", "Noord", "noord", "CON", ""])
    assert len({s.lower() for s in found.values()}) == 8
    assert not set(found.values()) & places.RESERVED
    assert found["東京"].startswith("x-") and found["Noord"].startswith("noord-") and "/" not in found["../../etc"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=12))
def test_slugs_are_safe_unique_and_independent_of_order(names):
    found = places.slugs(names)
    assert set(found) == set(names) and len(set(found.values())) == len(set(names))
    assert all(
        s and set(s) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and len(s) < 100 and s not in places.RESERVED for s in found.values()
    )
    assert places.slugs(reversed(names)) == found


def workbook(folder):
    (folder / "notebooks" / "chain").mkdir(parents=True)
    return folder


def test_the_workbook_is_the_nearest_parent_else_delight_home_else_the_packages(tmp_path, monkeypatch):
    here, home = workbook(tmp_path / "here"), workbook(tmp_path / "home")
    (here / "deep" / "down").mkdir(parents=True)
    monkeypatch.setenv("DELIGHT_HOME", str(home))
    monkeypatch.chdir(here / "deep" / "down")
    assert places.root() == here
    monkeypatch.chdir(tmp_path)
    assert places.root() == home
    monkeypatch.setenv("DELIGHT_HOME", str(tmp_path / "nothing"))
    monkeypatch.setattr(places, "__file__", str(tmp_path / "site" / "places.py"))
    with pytest.raises(RunError, match="DELIGHT_HOME") as raised:
        places.root()
    assert raised.value.exit_code == 2


def test_a_study_is_found_by_name_folder_or_file_and_the_nearest_is_named(tmp_path, monkeypatch):
    folder = workbook(tmp_path) / "data" / "studies" / "demo-study"
    folder.mkdir(parents=True)
    (folder / "study.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert places.find_study("demo-study") == folder
    assert places.find_study(folder) == folder and places.find_study(folder / "study.toml") == folder
    with pytest.raises(StudyError, match="Did you mean 'demo-study'"):
        places.find_study("demo-sudy")
    with pytest.raises(StudyError, match="holds no study.toml"):
        places.find_study(tmp_path)
    with pytest.raises(StudyError):
        places.find_study("..")


def test_work_folders_lie_apart_by_wave(tmp_path):
    assert places.work_folder("demo", "2024-1", tmp_path) == tmp_path / ".work" / "demo" / "2024-1"
    assert places.work_folder("demo", "", tmp_path).name == "all"
    assert "/" not in places.wave_folder("../x")

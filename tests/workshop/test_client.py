"""The lessons on a client's own answers: what could tell who answered is gone, and what the data do not carry is left out."""

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from delight.demo import Truth, generate
from delight.errors import RunError
from delight.publish.run import run
from delight.show import Words
from delight.workshop import build, desk, forms
from delight.workshop import client as own
from delight.workshop import lesson as lessons

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def client(tmp_path_factory, root):
    """A small study of which chapter 10 has run, its workshop and the raw answers."""
    folder = tmp_path_factory.mktemp("client")
    world = generate(Truth.load().sized(1800, name="small-client"), seed=5)
    world.write(folder / "small-client", large=0)
    run(str(folder / "small-client"), chapters=["10"], formats=["html"], out=folder / "reports")
    made = build.build("en", folder / "workshop", study=str(folder / "small-client"), participants=2, reports=folder / "reports", root=root)
    return world, made


def test_every_lesson_is_made_and_every_file_is_there(client):
    _, made = client
    assert not made.left_out and all(p.is_file() for p in made.files)
    assert len(list((made.folder / "student").glob("*.ipynb"))) == 5


def test_nothing_tells_who_where_or_when(client):
    world, made = client
    texts = [p.read_text(encoding="utf-8") for p in [*made.folder.rglob("*.ipynb"), made.folder / "room" / "room.json"]]
    secret = {*world.responses["location"], *world.units["name"], *world.units["manager"], *world.units["label"]}
    for text in texts:
        assert not [s for s in secret if f'"{s}"' in text]
    for path in (made.folder / "room").glob("*.parquet"):
        frame = pd.read_parquet(path)
        assert not {"respondent", "location", "comment", "completed", "care_type", "tenure", "spend", "weight"} & set(frame)
        assert frame.drop(columns="wave").max(axis=None) <= 10


def test_nobodys_answers_are_in_the_room_not_even_when_all_laptops_are_put_together(client):
    world, made = client
    room = pd.concat([pd.read_parquet(p) for p in (made.folder / "room").glob("*.parquet")]).drop(columns="wave").drop_duplicates()
    newest = world.responses[world.responses["wave"] == "2025-1"][list(room)].astype(float)
    both = room.astype(float).fillna(-1).merge(newest.fillna(-1), how="inner", on=[c for c in room if c != "churned"])
    assert len(room) > 300 and both.empty


def test_small_locations_are_left_out_and_the_others_have_other_names(client):
    world, made = client
    about = json.loads((made.folder / "room" / "room.json").read_text())
    newest = world.responses[world.responses["wave"] == "2025-1"]
    sizes = newest["location"].value_counts()
    assert all(place["n"] >= 10 and place["n"] % 5 == 0 for place in about["locations"]) and len(about["locations"]) <= (sizes >= 9).sum()
    assert {place["location"] for place in about["locations"]} == {f"loc-{i + 1:02}" for i in range(len(about["locations"]))}


def test_participants_have_different_rows_with_the_same_truth(client):
    _, made = client
    one, two = (pd.read_parquet(made.folder / "room" / f"0{n}.parquet") for n in (1, 2))
    assert not one.equals(two) and abs(one["overall"].mean() - two["overall"].mean()) < 0.3


def test_the_lessons_run_solved_on_it(client, monkeypatch):
    _, made = client
    monkeypatch.chdir(made.folder / "student")
    for source in lessons.lessons():
        table = desk(source.number, 1)
        assert not table.book.planted
        cells = lessons.trainer(source.spoken("en", has=table.has, planted=False), Words("en"))
        space = {}
        for cell in cells:
            if cell["cell_type"] == "code":
                exec(compile(lessons.text(cell), source.path.stem, "exec"), space)
        assert any(name in space for name in table.exercises)


def test_raw_files_may_lie_elsewhere(client, tmp_path):
    _, made = client
    study = made.folder.parent / "small-client"
    bare = shutil.copytree(study, tmp_path / "small-client", ignore=shutil.ignore_patterns("raw"))
    room = own.write(tmp_path / "room", str(bare), participants=1, raw=study / "raw", reports=made.folder.parent / "reports")
    assert pd.read_parquet(room / "01.parquet").equals(pd.read_parquet(made.folder / "room" / "01.parquet"))


def test_the_actions_decided_stand_in_the_next_report(client, monkeypatch):
    _, made = client
    study = made.folder.parent / "small-client"
    board = forms.ActionBoard(desk(5, 1, folder=made.folder / "room"))
    for control, value in zip(board.rows[0], ("Wash the rompers", "Marieke", date(2026, 1, 5))):
        control.value = value
    board.keep.click()
    shutil.copytree(made.folder / "story", study / "story")
    done = run(str(study), chapters=["10", "99"], languages=["en"], formats=["html"], out=made.folder.parent / "reports")
    page = next(Path(p) for p in done.files if str(p).endswith(".html")).read_text(encoding="utf-8")
    for part in ("Wash the rompers", "Marieke", "5 January 2026"):
        assert part in page


def test_a_study_without_a_report_says_what_to_run(client, tmp_path, root):
    world, _ = client
    world.write(tmp_path / "other", large=0)
    with pytest.raises(RunError, match="delight run"):
        build.build("en", tmp_path / "out", study=str(tmp_path / "other"), participants=1, reports=tmp_path / "none", root=root)
    assert not (tmp_path / "out").exists()


def test_what_the_answers_do_not_carry_is_left_out(client, tmp_path):
    _, made = client
    folder = tmp_path / "room"
    folder.mkdir()
    about = json.loads((made.folder / "room" / "room.json").read_text())
    (folder / "room.json").write_text(json.dumps(about | {"pairs": {}, "needs": []}))
    frame = pd.read_parquet(made.folder / "room" / "00.parquet").drop(columns="churned")
    frame.assign(recommend=np.where(frame["overall"] == 9, np.nan, frame["recommend"])).to_parquet(folder / "00.parquet")
    source = next(s for s in lessons.lessons() if s.number == 3)
    assert "answer to 'step_up'" in build._unanswered(source, Words("en"), tmp_path)

"""Lessons become student, trainer and no-code versions; solutions and remarks for the trainer never reach a participant."""

import ast
import json
import re
import shutil

import pytest
from babel.messages.pofile import read_po
from delight.errors import InputError, RunError
from delight.show import Words
from delight.workshop import build, desk
from delight.workshop import lesson as lessons
from delight.workshop.desk import LESSONS

LANGUAGES = ["nl", "da", "en"]
ALL = {"nl": "nl", "da": "da", "en": "en"}


@pytest.fixture(scope="module")
def sources(root):
    return lessons.lessons(root)


def versions(source, language):
    words = Words(language)
    return {name: cut(source.spoken(language), words) for name, cut in build.VERSIONS.items()} | {
        "nbgrader": lessons.source(source.spoken(language), words)
    }


def everything(cells):
    """All that a file of these cells holds: sources, metadata, outputs and attachments."""
    return json.dumps(cells, ensure_ascii=False)


def test_there_are_five_lessons_of_45_to_60_minutes_with_an_exercise_every_ten(sources):
    assert [s.number for s in sources] == list(LESSONS)
    for source in sources:
        minutes = source.notebook["metadata"]["delight"]["minutes"]
        assert 45 <= minutes <= 60 and len(lessons.solutions(source.notebook["cells"])) >= 5


def test_every_exercise_has_a_solution_a_check_and_hints_of_its_own(sources):
    for source in sources:
        cells, names = source.notebook["cells"], list(desk(source.number, 1).exercises)
        assert list(lessons.solutions(cells)) == names
        checks = [c for c in cells if c["metadata"].get("nbgrader", {}).get("grade")]
        assert [lessons.text(c) for c in checks] == [f'desk.check("{name}", {name})' for name in names]
        assert sum("hint" in lessons.tags_of(c) for c in cells) == len(names)
        assert all(c["metadata"]["nbgrader"]["points"] == 1 and c["metadata"]["nbgrader"]["locked"] for c in checks)


def test_sources_are_thin_and_carry_no_outputs(sources):
    for source in sources:
        for cell in source.notebook["cells"]:
            if cell["cell_type"] == "code":
                tree = ast.parse(lessons.text(cell))
                kinds = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.With, ast.Try)
                assert not cell["outputs"] and not [n for n in ast.walk(tree) if isinstance(n, kinds)]
                assert len(lessons.text(cell).splitlines()) <= 10
        ids = [c["id"] for c in source.notebook["cells"]]
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("language", ["nl", "da"])
def test_catalogues_are_whole_and_have_nothing_over(sources, language):
    for source in sources:
        path = source.path.parent / "locale" / language / f"{source.path.stem}.po"
        with path.open("rb") as file:
            known = {m.id: m for m in read_po(file, locale=language) if m.id}
        assert set(known) == set(source.messages)
        for message in known.values():
            assert message.string.strip() and not message.fuzzy
            assert re.findall(r"`[^`]*`|\*\*|^#+|^- ", message.id)[:1] == [] or (
                message.string.count("**") == message.id.count("**")
                and re.match(r"#+ |- |", message.id)[0] == re.match(r"#+ |- |", message.string)[0]
            )
            code = [c for c in re.findall(r"`([^`]*)`", message.id) if " " not in c and "…" not in c]
            assert all(f"`{c}`" in message.string for c in code), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_solution_or_word_to_the_trainer_is_in_a_file_for_participants(sources, language):
    for source in sources:
        spoken = source.spoken(language)
        made = versions(source, language)
        remarks = [lessons.text(c) for c in spoken if "trainer" in lessons.tags_of(c)]
        assert remarks and all(r.split("**")[1] in everything(made["trainer"]) for r in remarks)
        for version in ("student", "no-code"):
            file = everything(made[version])
            assert "SOLUTION" not in file and '"trainer"' not in file
            for remark in remarks:
                assert json.dumps(remark, ensure_ascii=False)[1:60] not in file
            code = "\n".join(lessons.text(c) for c in made[version] if c["cell_type"] == "code")
            for lines in lessons.solutions(source.notebook["cells"]).values():
                for line in lines:
                    assert line not in code and json.dumps(line)[1:-1] not in file, (version, line)
                assert lines[-1].partition("= ")[2] not in file


def test_no_answer_is_written_in_a_file_for_participants(sources):
    for source in (s for s in sources if s.number in (1, 3)):
        table = desk(source.number, 0)
        for version in ("student", "no-code"):
            file = everything(versions(source, "en")[version])
            for about in table.exercises.values():
                right = about.right(table)
                for value in right if isinstance(right, tuple) else [right]:
                    if isinstance(value, float) and len(f"{value:.4f}".strip("0.")) > 3:
                        assert f"{value:.4f}"[:6] not in file, (about.name, value)


def test_a_student_file_has_a_place_for_every_answer(sources):
    for source in sources:
        made = versions(source, "nl")["student"]
        blank = [c for c in made if c["metadata"].get("nbgrader", {}).get("solution")]
        names = list(lessons.solutions(source.notebook["cells"]))
        assert [lessons.text(c) for c in blank] == [f"{name} = None\n# uw code hier" for name in names]


def test_hints_are_closed_and_open_one_by_one(sources):
    cells = versions(sources[0], "en")["student"]
    first = next(lessons.text(c) for c in cells if "<details>" in lessons.text(c))
    assert first.count("<details>") == first.count("</details>") == 3
    assert first.index("Hint 1 of 3") < first.index("Hint 2 of 3") < first.index("Hint 3 of 3")


def test_the_no_code_version_asks_instead(sources):
    for source in sources:
        cells = versions(source, "en")["no-code"]
        code = "\n".join(lessons.text(c) for c in cells if c["cell_type"] == "code")
        for name in lessons.solutions(source.notebook["cells"]):
            assert f'{name} = desk.known("{name}")' in code and f'desk.ask("{name}")' in code
        assert "<details>" not in everything(cells) and "participant = None" in code


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_cells_are_translated_paragraph_by_paragraph(sources, language):
    for source in sources:
        here = "\n\n".join(lessons.text(c) for c in source.spoken(language) if c["cell_type"] == "markdown")
        told = [m for m in source.messages if len(m) > 60 and m in here]
        assert (len(told) > 20) if language == "en" else not told
        assert f'language="{language}"' in "".join(lessons.text(c) for c in source.spoken(language))


def test_a_clients_room_gets_no_story_of_petra_and_only_what_its_data_carry(sources):
    for source in sources:
        kept = source.spoken("en", has=lambda name: name not in ("churned", "act"), planted=False)
        tags = {t for c in kept for t in lessons.tags_of(c)}
        assert "own" in tags and not tags & {"story", "needs:churned", "needs:act"}


def test_a_missing_translation_stops_the_build_before_anything_is_written(tmp_path):
    folder = tmp_path / "notebooks" / "workshop"
    folder.mkdir(parents=True)
    source = {"cells": [{"cell_type": "markdown", "metadata": {}, "source": "A new paragraph"}], "metadata": {"delight": {"lesson": 1}}}
    (folder / "1-new.ipynb").write_text(json.dumps(source))
    with pytest.raises(RunError, match="1-new has no translation"):
        build.build("nl", tmp_path / "out", root=tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_else_is_left_alone(tmp_path, root):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="holds something else"):
        build.build("en", tmp_path, root=root)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_unknown_languages_and_too_many_participants_are_named(tmp_path, root):
    with pytest.raises(InputError, match="one of nl, da, en"):
        build.build("fr", tmp_path / "out", root=root)
    with pytest.raises(InputError, match="number on your badge"):
        build.build("en", tmp_path / "out", participants=500, root=root)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("study", "wrong"),
    [
        ("sfo-airport-waves", "grades up to 10; sfo-airport-waves asks an overall grade .* on 1-5"),
        ("kano-smart-bed", "need an overall grade; kano-smart-bed has none"),
    ],
)
def test_a_study_that_the_lessons_cannot_speak_of_is_refused_at_once(study, wrong, shared, tmp_path, root):
    with pytest.raises(RunError, match=wrong):
        build.build("en", tmp_path / "out", study=str(root / "tests" / "studies" / study), raw=shared / "data" / study, root=root)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def one_lesson(tmp_path, root):
    """A workbook with lesson 1 alone, to build quickly."""
    folder = tmp_path / "book" / "notebooks" / "workshop"
    shutil.copytree(root / "notebooks" / "workshop" / "locale", folder / "locale")
    shutil.copy(root / "notebooks" / "workshop" / "1-from-satisfied-to-delighted.ipynb", folder)
    return tmp_path / "book"


def test_a_build_holds_everything_and_keeps_what_the_group_made(one_lesson, tmp_path):
    made = build.build("da", tmp_path / "out", participants=1, root=one_lesson)
    names = {str(p.relative_to(made.folder)) for p in made.files}
    stem = "1-from-satisfied-to-delighted"
    assert {f"student/{stem}.ipynb", f"trainer/{stem}.ipynb", f"no-code/{stem}.ipynb", f"nbgrader/source/lesson-1/{stem}.ipynb"} <= names
    assert all(p.is_file() for p in made.files) and (made.folder / "room" / "01.parquet").is_file()
    if f"handout/{stem}.pdf" in names:
        assert (made.folder / "handout" / f"{stem}.pdf").read_bytes()[:5] == b"%PDF-"
    (made.folder / "story").mkdir()
    (made.folder / "story" / "2025-1.da.md").write_text("# actions\n\n- Ring\n")
    again = build.build("da", tmp_path / "out", participants=1, root=one_lesson)
    assert (again.folder / "story" / "2025-1.da.md").read_text() == "# actions\n\n- Ring\n"
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]

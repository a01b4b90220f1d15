"""Lessons become student and trainer versions; solutions and remarks for the trainer never reach a participant."""

import json

import pytest
from delight.errors import RunError
from delight.workshop import build

LANGUAGES = ["nl", "da", "en"]


@pytest.fixture(scope="module", params=LANGUAGES)
def built(request, tmp_path_factory, root):
    out = tmp_path_factory.mktemp(request.param)
    return request.param, out, build.build(request.param, out, root=root)


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def test_every_lesson_gets_both_versions(built, root):
    _, out, paths = built
    assert len(paths) == 2 * len(build.lessons(root)) > 0
    assert {p.parent.name for p in paths} == {"student", "trainer"}


def test_no_solution_or_trainer_remark_is_in_a_student_file(built, root):
    _, out, _ = built
    for source in build.lessons(root):
        student = (out / "student" / source.name).read_text(encoding="utf-8")
        assert "SOLUTION" not in student and '"trainer"' not in student
        for cell in cells(source):
            for secret in build._SOLUTION.finditer("".join(cell["source"]) if cell["cell_type"] == "code" else ""):
                for line in secret.group().splitlines()[1:-1]:
                    assert not line.strip() or json.dumps(line.strip())[1:-1] not in student, line
        assert student.count("raise NotImplementedError()") == sum("BEGIN SOLUTION" in "".join(c["source"]) for c in cells(source))


def test_solved_lessons_run_and_every_check_passes(built, root):
    language, out, _ = built
    for source in build.lessons(root):
        space = {}
        for cell in cells(out / "trainer" / source.name):
            if cell["cell_type"] == "code":
                exec(compile(cell["source"], source.name, "exec"), space)
        assert space["language"] == language


def test_an_untouched_student_version_fails_at_its_first_check(built, root):
    _, out, _ = built
    code = [c["source"] for c in cells(out / "student" / build.lessons(root)[0].name) if c["cell_type"] == "code"]
    with pytest.raises(NotImplementedError):
        exec("\n".join(code), {})


def test_text_cells_are_translated_paragraph_by_paragraph(built, root):
    language, out, _ = built
    source = build.lessons(root)[0]
    english = build.messages(json.loads(source.read_text(encoding="utf-8")))
    here = "\n\n".join("".join(c["source"]) for c in cells(out / "trainer" / source.name) if c["cell_type"] == "markdown")
    assert sum(m in here for m in english) == (len(english) if language == "en" else 0)


def test_a_missing_translation_stops_the_build(tmp_path, root):
    folder = tmp_path / "notebooks" / "workshop"
    folder.mkdir(parents=True)
    lesson = {"cells": [{"cell_type": "markdown", "metadata": {}, "source": "A new paragraph"}], "metadata": {}}
    (folder / "1-new.ipynb").write_text(json.dumps(lesson))
    with pytest.raises(RunError, match="1-new has no translation"):
        build.build("nl", tmp_path / "out", root=tmp_path)
    assert not (tmp_path / "out").exists()

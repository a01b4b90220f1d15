"""Every lesson runs solved, in every language; the checks let the solved one pass and the empty one not."""

import os
import re
import zlib

import nbformat
import pytest
from delight.show import Words
from delight.workshop import desk, exercise, forms
from delight.workshop import lesson as lessons
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def solved(source, language):
    return lessons.trainer(source.spoken(language), Words(language))


def run(cells):
    """Run the code cells in this process, shows and forms included; the space they leave."""
    space = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            *most, last = lessons.text(cell).splitlines() or [""]
            exec(compile("\n".join([*most, last]), "lesson", "exec"), space)
    return space


def test_the_first_lesson_runs_solved_and_its_last_reading_holds(root):
    space = run(solved(lessons.lessons(root)[0], "en"))
    assert 0 < space["share_delighted"] < 0.6 and space["interval"][1] - space["interval"][0] > 20


def test_an_untouched_student_version_stops_at_its_first_check_with_a_friendly_word(root):
    source = lessons.lessons(root)[0]
    with pytest.raises(exercise.NotYet, match="Nog niet: een aandeel"):
        run(lessons.student(source.spoken("nl"), Words("nl")))


@pytest.mark.long
@pytest.mark.parametrize("language", ["en", "nl", "da"])
def test_every_lesson_runs_solved(root, language, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source in lessons.lessons(root):
        space = run(solved(source, language))
        assert space["desk"].words.language == language
        assert set(space["desk"].exercises) <= set(space)


@pytest.mark.long
def test_every_hand_out_is_one_page(workshop):
    found = sorted((workshop / "handout").glob("*.pdf"))
    if not found:
        pytest.skip("no Pango, so no PDF")
    for path in found:
        assert pages(path.read_bytes()) == 1, path.stem
    assert len(found) == 5


def pages(pdf):
    """How many pages a PDF holds; its objects stand in packed streams."""
    packed = [pdf[m.end() :] for m in re.finditer(rb"[^d]stream\r?\n(?=x)", pdf)]
    return sum(len(re.findall(rb"/Type ?/Page\b", zlib.decompressobj().decompress(p))) for p in packed)


@pytest.mark.long
def test_no_code_lessons_ask_every_question_and_take_the_right_answer(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source in lessons.lessons(root):
        run(lessons.without_code(source.spoken("nl"), Words("nl")))
        table = desk(source.number, 0, language="nl")
        for name, about in table.exercises.items():
            asked = forms.Question(table, about)
            right = about.right(table)
            if about.kind == "share":
                asked.control.value = round(100 * right)
            elif about.kind == "pair":
                for part, value in zip(asked.control.children, right):
                    part.value = value
            elif about.kind == "choice":
                asked.control.value = table.known(name)
            else:
                asked.control.value = sorted(right) if about.kind == "names" else right
            asked.button.click()
            assert asked.verdict.value.startswith("<p role=") and "Goed" in asked.verdict.value, (source.number, name)


@pytest.mark.long
def test_a_solved_lesson_runs_in_a_kernel_beside_its_room(workshop):
    folder = workshop / "trainer"
    notebook = nbformat.read(folder / "1-from-satisfied-to-delighted.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    shown = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert sum("✓" in o.get("data", {}).get("text/html", "") for o in shown) == 5
    assert any("<svg" in o.get("data", {}).get("text/html", "") for o in shown)


@pytest.mark.long
def test_an_empty_lesson_shows_one_line_and_no_traceback(workshop):
    folder = workshop / "student"
    notebook = nbformat.read(folder / "1-from-satisfied-to-delighted.ipynb", as_version=4)
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    error = next(o for c in notebook.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "error")
    assert error.traceback == ["→ Not yet: a share is one number between 0 and 1."]


def test_notebooks_are_valid_for_jupyter(workshop_of_one):
    for path in workshop_of_one.rglob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))
        assert os.path.getsize(path) < 100_000


@pytest.fixture(scope="module")
def workshop_of_one(tmp_path_factory, root):
    """The notebooks alone, without data and hand-outs."""
    from delight.workshop import build

    folder = tmp_path_factory.mktemp("notebooks")
    for source in lessons.lessons(root):
        for version, cut in build.VERSIONS.items():
            cells = cut(source.spoken("da"), Words("da"))
            build._notebook(folder / version / source.path.name, source.version(cells, "da"))
    return folder

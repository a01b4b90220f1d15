"""The set is an nbgrader course: the solved version has full marks, the empty one none."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from delight.workshop import lesson as lessons

pytest.importorskip("nbgrader", reason="nbgrader is not installed (it belongs to the test requirements)")
pytestmark = pytest.mark.long
BIN = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])  # nbgrader calls alembic by its name
STEMS = {
    1: "1-from-satisfied-to-delighted",
    2: "2-three-kinds-of-customers",
    3: "3-what-binds",
    4: "4-what-delights",
    5: "5-what-we-do-on-monday",
}


def nbgrader(course, *arguments):
    """One command as a trainer gives it, with kernels that start at once."""
    settings = {"PATH": BIN, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "JUPYTER_DEFAULT_PROVISIONER_NAME": "warm-provisioner"}
    command = [sys.executable, "-m", "nbgrader", *arguments, f"--course={course}"]
    done = subprocess.run(command, cwd=course, env=os.environ | settings, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def course(workshop, tmp_path_factory):
    """The course with its assignments released, and two submissions of each: one solved, one as it was handed out."""
    folder = tmp_path_factory.mktemp("course") / "nbgrader"
    shutil.copytree(workshop / "nbgrader", folder)
    shutil.copytree(workshop / "room", folder.parent / "room")
    nbgrader(folder, "generate_assignment", "lesson-*", "--create", "--force")
    for number, stem in STEMS.items():
        released = folder / "release" / f"lesson-{number}" / f"{stem}.ipynb"
        source = lessons.solutions(json.loads((folder / "source" / f"lesson-{number}" / f"{stem}.ipynb").read_text())["cells"])
        for who in ("solved", "empty"):
            target = folder / "submitted" / who / f"lesson-{number}" / f"{stem}.ipynb"
            target.parent.mkdir(parents=True)
            notebook = json.loads(released.read_text())
            for cell in notebook["cells"]:
                about = cell["metadata"].get("nbgrader", {})
                if who == "solved" and about.get("solution"):
                    cell["source"] = "\n".join(source[about["grade_id"]])
            target.write_text(json.dumps(notebook))
    nbgrader(folder, "autograde", "lesson-*")
    return folder


def test_a_released_lesson_holds_no_solution(course):
    for number, stem in STEMS.items():
        released = (course / "release" / f"lesson-{number}" / f"{stem}.ipynb").read_text()
        notebook = json.loads((course / "source" / f"lesson-{number}" / f"{stem}.ipynb").read_text())
        assert "SOLUTION" not in released and "# your code here" in released
        for lines in lessons.solutions(notebook["cells"]).values():
            for line in lines:
                assert json.dumps(line)[1:-1] not in released


def test_the_solved_version_has_full_marks_and_the_empty_one_none(course, monkeypatch):
    from nbgrader.api import Gradebook

    monkeypatch.setenv("PATH", BIN)

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        for number in STEMS:
            solved, empty = (book.find_submission(f"lesson-{number}", who) for who in ("solved", "empty"))
            assert solved.max_score == 5
            assert (solved.score, empty.score) == (5, 0)
            assert not solved.needs_manual_grade

"""Parameters cells and overrides: what papermill would overlook is refused before a kernel starts."""

from pathlib import Path

import pytest
from delight.errors import RunError
from delight.publish import chain

GOOD = """study: str = "demo"  # Study to analyse
wave: str = ""
location: str = ""
language: str = ""
out: str = ""
delight_from: float = 0  # Lowest score
ci_level: float = 0.95
n_boot: int = 2000
seed: int = 20250101
"""


def chapter(tmp_path, name="50-drivers", extra=""):
    number, _, key = name.partition("-")
    parameters = chain.read_parameters(GOOD + extra)
    return chain.ChapterFile(number, key, tmp_path / f"{name}.ipynb", [["overall"], ["recommend", "stayed"]], "whole", parameters)


def test_parameters_are_read_with_type_default_and_comment():
    found = chain.read_parameters(GOOD)
    assert list(found) == list(chain.COMMON)
    assert (found["ci_level"].type, found["ci_level"].default) == (float, 0.95)
    assert found["study"].help == "Study to analyse"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("knots: int | None = 3", "without '|'"),
        ("knots: np.int64 = 3", "without '|' or '.'"),
        ('tag: str = "a#b"', "cuts a default"),
        ('tag: str = "a"  # so that x=1', "second '='"),
        ("half: int = 4 // 2", "derived values"),
        ("half = 2", "name: type = default"),
        ("half: int = 2.5", "not of type int"),
        ("flag: int = True", "not of type int"),
    ],
)
def test_a_line_that_papermill_would_misread_is_refused_with_its_number(line, why):
    with pytest.raises(RunError, match=r"line 10 .*" + why.replace("|", r"\|").replace(".", r"\.")):
        chain.read_parameters(GOOD + line + "\n")


def test_a_chapter_without_a_common_parameter_is_refused():
    with pytest.raises(RunError, match="lacks seed"):
        chain.read_parameters(GOOD.replace("seed: int = 20250101\n", ""))


def test_chapters_are_chosen_by_number_name_or_both(tmp_path):
    all_chapters = [chapter(tmp_path, n) for n in ("10-feedback", "50-drivers", "99-summary")]
    assert [c.name for c in chain.choose(all_chapters, ["drivers", "10"])] == ["feedback", "drivers"]
    assert chain.choose(all_chapters, []) == all_chapters
    with pytest.raises(RunError, match="'driver' Did you mean 'drivers'") as error:
        chain.choose(all_chapters, ["driver"])
    assert error.value.exit_code == 2


def test_overrides_are_typed_and_go_to_the_chapters_that_have_them(tmp_path):
    both = [chapter(tmp_path, "30-segments", "refit: bool = False\n"), chapter(tmp_path)]
    found = chain.overrides(both, ["n_boot=50", "30-segments.refit=true", "drivers.seed=7"])
    assert found == {"30-segments": {"n_boot": 50, "refit": True}, "50-drivers": {"n_boot": 50, "seed": 7}}


def test_every_wrong_override_is_named_in_one_message(tmp_path):
    with pytest.raises(RunError) as error:
        chain.overrides([chapter(tmp_path)], ["n_bot=50", "ci_level=0,9", "drivrs.seed=1", "study=x", "seed"])
    text = str(error.value)
    for part in ("Did you mean 'n_boot'", "'ci_level' is a number", "Did you mean 'drivers'", "set by the command itself", "NAME=VALUE"):
        assert part in text


def test_needs_are_and_of_ors(tmp_path):
    assert chapter(tmp_path).lacks({"overall", "stayed"}.__contains__) == []
    assert chapter(tmp_path).lacks({"recommend"}.__contains__) == [["overall"]]


def test_scrubbing_leaves_no_path_of_the_machine():
    notebook = {
        "metadata": {"papermill": {"input_path": "/x/a", "output_path": "/x/b", "parameters": {"out": "/x/w", "study": "/x/studies/demo"}}},
        "cells": [
            {
                "cell_type": "code",
                "metadata": {"tags": ["injected-parameters"]},
                "source": '# Parameters\nstudy = "/x/studies/demo"\nout = "/x/w"\nseed = 1\n',
                "outputs": [{"output_type": "stream", "name": "stderr", "text": "/x/site-packages"}],
            },
            {"cell_type": "markdown", "metadata": {}, "source": "words"},
        ],
    }
    chain.scrub(notebook)
    assert "/x/" not in str(notebook)
    assert 'study = "demo"' in notebook["cells"][0]["source"]


def test_a_report_cell_without_a_block_is_an_error():
    notebook = {"cells": [{"cell_type": "code", "metadata": {"tags": ["report"]}, "outputs": []}]}
    with pytest.raises(RunError, match="cell 1 is tagged 'report' but shows no block"):
        chain.collect_blocks(notebook)


@pytest.mark.parametrize(("failures", "works"), [(1, True), (2, False)])
def test_a_kernel_that_does_not_come_up_is_started_once_more(tmp_path, monkeypatch, failures, works):
    import papermill

    tried = []

    def execute(source, target, **options):
        tried.append(source)
        if len(tried) <= failures:
            raise RuntimeError("Kernel didn't respond in 60 seconds")
        Path(target).write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    if works:
        assert chain.run_chapter(chapter(tmp_path), {}, tmp_path / "out.ipynb").blocks == []
    else:
        with pytest.raises(RunError, match="Kernel didn't respond"):
            chain.run_chapter(chapter(tmp_path), {}, tmp_path / "out.ipynb")
    assert len(tried) == 2

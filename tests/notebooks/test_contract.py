"""Every chapter keeps the contract that runner, papermill and reader rely on."""

import ast
import json

import pytest
from delight.publish import chain
from delight.study.codebook import split_need


@pytest.fixture(scope="module")
def chapters(root):
    return chain.chapters(root)


def notebook(chapter):
    return json.loads(chapter.path.read_text(encoding="utf-8"))


def test_the_chain_has_its_chapters_in_order(chapters):
    assert [c.file for c in chapters] == [
        "10-feedback",
        "20-satisfaction",
        "25-expectations",
        "30-segments",
        "40-loyalty",
        "45-relation",
        "47-path",
        "50-drivers",
        "55-differences",
        "60-kano",
        "70-pyramid",
        "80-location",
        "90-claims",
        "99-summary",
    ]


def test_every_chapter_begins_with_a_title_and_then_the_same_parameters(chapters):
    first = None
    for chapter in chapters:
        cells = notebook(chapter)["cells"]
        assert cells[0]["cell_type"] == "markdown" and "".join(cells[0]["source"]).startswith("# "), chapter.file
        code = [c for c in cells if c["cell_type"] == "code"]
        assert code[0]["metadata"]["tags"] == ["parameters"], f"{chapter.file}: the parameters are the first code cell"
        lines = "".join(code[0]["source"]).splitlines()[: len(chain.COMMON)]
        first = first or lines
        assert lines == first, f"{chapter.file}: the common parameters read the same in every chapter"
        assert list(chapter.parameters)[: len(chain.COMMON)] == list(chain.COMMON)
        assert all(p.help for p in chapter.parameters.values()), f"{chapter.file}: every parameter says what it is"


def test_needs_name_roles_that_exist(chapters):
    for chapter in chapters:
        assert notebook(chapter)["metadata"]["delight"]["chapter"] == chapter.name
        assert all(split_need(need) for choice in chapter.needs for need in choice), chapter.file


def test_every_block_stands_in_a_cell_tagged_report(chapters):
    for chapter in chapters:
        for number, cell in enumerate(notebook(chapter)["cells"], 1):
            if cell["cell_type"] == "code":
                shows = "show." in "".join(cell["source"]).splitlines()[-1]
                assert shows == ("report" in cell["metadata"].get("tags", [])), f"{chapter.file}, cell {number}"


def test_chapters_are_thin_and_explained(chapters):
    for chapter in chapters:
        cells = notebook(chapter)["cells"]
        code = [c for c in cells if c["cell_type"] == "code" and "parameters" not in c["metadata"].get("tags", [])]
        text = [c for c in cells if c["cell_type"] == "markdown"]
        assert len(text) >= 0.8 * len(code), f"{chapter.file}: about one text cell to each code cell"
        for number, cell in enumerate(code, 1):
            statements = len(ast.parse("".join(cell["source"])).body)
            assert statements <= 8, f"{chapter.file}, code cell {number} after the parameters has {statements} statements"

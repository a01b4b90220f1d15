"""Open rows of a codebook are decided without touching anything else, and never over somebody else's work."""

import csv

import pytest
from delight.errors import InputError, StudyError
from delight.show import widgets
from delight.study import open_study
from delight.study.decide import decide, open_rows

from tests.small_study import CODEBOOK, write

OPEN = CODEBOOK.replace("warmth,attribute,Warmth,Warmte,1,10,,,,", 'warmth,?,"Warmth, really",Warmte,1,10,,,,').replace(
    "remark,comment,,,,,,,,", "remark,?,,,,,,,,"
)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path, codebook=OPEN)


def cells(folder, delimiter=","):
    with (folder / "codebook.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["column"]: row for row in csv.DictReader(file, delimiter=delimiter)}


def test_open_rows_are_found_with_the_guess_of_the_draft(tmp_path):
    folder = write(
        tmp_path,
        codebook=OPEN.replace(",reverse", ",note")
        .replace("warmth,?", "warmth,?", 1)
        .replace("remark,?,,,,,,,,", "remark,?,,,,,,,,probably comment: long texts"),
    )
    rows, mark = open_rows(folder)
    assert [(r.column, r.guess) for r in rows] == [("warmth", ""), ("remark", "comment")] and len(mark) == 64


def test_a_decision_changes_its_cells_and_no_other(folder):
    before = cells(folder)
    findings = decide(folder, {"warmth": {"role": "attribute", "scale_max": "10"}, "remark": {"role": "comment"}})
    after = cells(folder)
    assert after.pop("warmth") == {**before.pop("warmth"), "role": "attribute"}
    assert after.pop("remark") == {**before.pop("remark"), "role": "comment"}
    assert after == before
    assert not [f for f in findings if f.severity == "error"]
    assert open_study(folder).columns("attribute")[0] == "warmth"
    assert (folder / "codebook.csv.bak").read_text() == OPEN and not list(folder.glob(".codebook*"))


@pytest.mark.parametrize("delimiter, encoding, end", [(";", "utf-8-sig", "\r\n"), ("\t", "utf-16", "\n"), (",", "cp1252", "\r\n")])
def test_the_file_keeps_the_form_it_was_saved_in(folder, delimiter, encoding, end):
    text = OPEN.replace("Warmte", "Wärmte").replace('"Warmth, really"', "Warmth")
    (folder / "codebook.csv").write_bytes(end.join(line.replace(",", delimiter) for line in text.splitlines()).encode(encoding))
    decide(folder, {"warmth": {"role": "attribute"}})
    data = (folder / "codebook.csv").read_bytes()
    read = data.decode(encoding)
    assert f"warmth{delimiter}attribute" in read and "Wärmte" in read and (end == "\r\n") == ("\r\n" in read)


def test_a_cell_without_a_column_gets_one(folder):
    decide(folder, {"warmth": {"role": "attribute", "employee": "yes"}})
    assert cells(folder)["warmth"]["employee"] == "yes" and cells(folder)["speed"]["employee"] == ""


def test_somebody_elses_change_is_never_lost(folder):
    _rows, mark = open_rows(folder)
    path = folder / "codebook.csv"
    path.write_text(OPEN + "extra,ignore,,,,,,,,\n")
    with pytest.raises(StudyError, match="changed by someone else"):
        decide(folder, {"warmth": {"role": "attribute"}}, mark=mark)
    assert "extra" in path.read_text() and "warmth,?" in path.read_text()


def test_all_that_is_wrong_is_named_and_nothing_written(folder):
    with pytest.raises(InputError, match=r"no column 'warmht'.*warmth[\s\S]*no role 'atribute'.*attribute[\s\S]*'scale' is no cell"):
        decide(folder, {"warmht": {"role": "atribute"}, "remark": {"scale": "1"}})
    assert (folder / "codebook.csv").read_text() == OPEN


# ---- by clicking


def test_the_editor_shows_answers_takes_decisions_and_saves_them(folder):
    editor = widgets.CodebookEditor(str(folder))
    assert [c for _label, c in editor.listed.options] == ["warmth", "remark"] and "0 of 2" in editor.told.value
    assert "Warmth, really" in editor.about.value and editor.save_button.disabled
    editor.role.value = "attribute"
    assert editor.low.value == "1" and editor.scale.layout.display == "" and "1 of 2" in editor.told.value
    editor.listed.value = "remark"
    assert "06-12345678" not in editor.about.value  # what one person wrote is not shown
    editor.leave.click()
    assert "✓ remark" in dict((c, label) for label, c in editor.listed.options)["remark"]
    editor.save_button.click()
    assert cells(folder)["warmth"]["role"] == "attribute" and cells(folder)["remark"]["role"] == "ignore"
    assert "2 decisions are in codebook.csv" in editor.told.value and "0 columns are still open" in editor.told.value


def test_the_editor_says_so_if_the_file_changed_meanwhile(folder):
    editor = widgets.CodebookEditor(str(folder))
    editor.decide("warmth", "attribute")
    (folder / "codebook.csv").write_text(OPEN + "\n")
    editor.save()
    assert "Not saved" in editor.told.value and "changed by someone else" in editor.told.value

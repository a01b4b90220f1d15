import json

from delight.feedback import checks
from delight.findings import Finding

FOUND = [
    Finding("warning", "empty_row", "3 rows are empty; left out.", file="a.csv", row=7, count=3, done="dropped"),
    Finding("error", "out_of_scale", "2 of 9 answers lie outside 1-10: '99'.", "Correct them.", "a.csv", "overall", 2, 2, wave="2024-1"),
]


def test_errors_come_first_in_a_table_that_counts_them():
    lines = checks.as_text(FOUND, width=120).splitlines()
    assert lines[1].split()[0] == "error" and "overall" in lines[1] and "2 of 9 answers" in lines[1]
    assert lines[-1] == "1 error, 1 warning."
    assert max(map(len, lines)) <= 120


def test_nothing_found_is_said():
    assert checks.as_text([]) == "nothing found.\n"


def test_markup_in_data_stays_text():
    found = checks.as_text([Finding("error", "x", "answer '[bold]<b>' is unknown")], width=100)
    assert "[bold]<b>" in found


def test_json_holds_every_field():
    found = json.loads(checks.as_json(FOUND))
    assert (found["errors"], found["warnings"]) == (1, 1)
    assert found["findings"][0]["rule"] == "out_of_scale" and found["findings"][0]["row"] == 2 and found["findings"][1]["done"] == "dropped"

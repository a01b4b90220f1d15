"""tables.xlsx, opened again: every table and result, as numbers; text that stays text; nothing that suppression hides."""

import re

import numpy as np
import openpyxl
import pandas as pd
import pytest
from delight.publish import excel
from delight.result import Result
from delight.show import LANGUAGES, charts
from delight.show.charts import Chart, Series

from tests import made_up_report


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return made_up_report.content(tmp_path_factory.mktemp("work"))


def opened(content, language, path):
    excel.write(content, language, path)
    return openpyxl.load_workbook(path)


def texts(sheet):
    return [c.value for row in sheet.iter_rows() for c in row if isinstance(c.value, str)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_result_of_a_chapter_has_a_sheet_and_a_line_in_the_contents(content, language, tmp_path):
    book = opened(content, language, tmp_path / "t.xlsx")
    contents, *tabs = book.worksheets
    linked = {cell.hyperlink.location.partition("!")[0].strip("'") for row in contents.iter_rows(min_row=7) for cell in row[:1]}
    assert linked == {t.title for t in tabs}
    named = " ".join(str(row[6].value) for row in contents.iter_rows(min_row=7))
    assert all(name in named for name in ("satisfaction.levels", "drivers.importance", "feedback.attrition"))
    assert all(t.freeze_panes == "B7" for t in tabs)


def test_values_are_numbers_with_their_limits(content, tmp_path):
    book = opened(content, "nl", tmp_path / "t.xlsx")
    sheet = next(s for s in book.worksheets[1:] if s["D6"].value == "Ondergrens")
    table = content.result("satisfaction.levels").table
    rows = table[table["by"] == "location"]
    assert [c.value for c in sheet["B"][6:18]] == rows["n"].tolist()
    assert [c.value for c in sheet["C"][6:18]] == pytest.approx(rows["mean"].tolist())
    assert [c.value for c in sheet["D"][6:18]] == pytest.approx(rows["ci_lo"].tolist())
    assert sheet["C7"].number_format == "0.0"


@pytest.mark.parametrize("evil", ["=1+1", "+SUM(A1)", "-2+3", "@now", '=HYPERLINK("http://x","y")', "http://x.example"])
def test_text_of_a_client_stays_text(evil, tmp_path):
    content = made_up_report.content(tmp_path, organisation=evil, report={"title": evil})
    content.locations = {f"l{i}": evil for i in range(12)}
    content.columns = {language: dict.fromkeys(made_up_report.ASPECTS, evil) for language in LANGUAGES}
    book = opened(content, "en", tmp_path / "t.xlsx")
    cells = [c for s in book.worksheets for row in s.iter_rows() for c in row if c.value == evil]
    assert len(cells) > 12
    assert all(c.data_type == "s" and (c.hyperlink is None) for c in cells)
    assert not [c for s in book.worksheets for row in s.iter_rows() for c in row if c.data_type == "f"]
    assert all(c.quotePrefix for c in cells if evil[0] in "=+-@"), "editing the cell would make it a formula"


def test_names_of_sheets_are_what_excel_takes():
    for text in ("a/b\\c?*[x]:'", "'", "", "x" * 80, "tab\there"):
        name = excel.sheet_name(text)
        assert 0 < len(name) <= 31 and not re.search(r"[\[\]:*?/\\\t]", name) and name.strip("'") == name


def test_a_hidden_row_says_so_and_shows_no_number(tmp_path):
    content = made_up_report.content(tmp_path)
    table = pd.DataFrame(
        {"by": "location", "group": ["l1", "l2"], "mean": [8.25, np.nan], "n": [40, pd.NA], "status": ["ok", "suppressed"]}
    )
    content.results["satisfaction.extra"] = Result.of("M02", table, n_used=47)
    book = opened(content, "en", tmp_path / "t.xlsx")
    sheet = next(s for s in book.worksheets if "satisfaction.extra" in str(s["A1"].value))
    assert "1 row: hidden to protect respondents" in sheet["A2"].value
    assert [c.value for c in sheet[8]] == ["Location", "De Kleine Vos", None, None, "hidden to protect respondents"]


def test_the_same_run_gives_the_same_file(content, tmp_path):
    excel.write(content, "nl", tmp_path / "a.xlsx")
    excel.write(content, "nl", tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


@pytest.mark.parametrize("kind", charts.KINDS)
def test_every_kind_of_chart_is_drawn_from_cells_with_its_intervals(kind, tmp_path):
    import xlsxwriter

    made = Series("=A1", [0.2, np.nan, 0.4], [0.1, np.nan, 0.3], [0.3, np.nan, 0.6], x=[1, 2, 3] if kind == "scatter" else None)
    chart = Chart(kind, ["=x", "y", "z"], [made], "percent", "=axis", "=across")
    words = made_up_report.content(tmp_path).words("en")
    sheet = excel.Sheet("c", "t", "", ["satisfaction.levels"], excel._chart_columns(words, [chart]), [chart])
    path = tmp_path / "c.xlsx"
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        tab = book.add_worksheet("t")
        excel._fill(book, tab, "t", sheet, made_up_report.content(tmp_path), words, excel._Look(book))
    (drawn,) = openpyxl.load_workbook(path).worksheets[0]._charts
    (series,) = drawn.series
    values = series.yVal if kind == "scatter" else series.val
    assert (drawn.y_axis.scaling.min, drawn.y_axis.scaling.max) == chart.ends
    assert values.numRef.f.startswith("t!$") and values.numRef.f.endswith("$9")
    assert [round(float(p.v), 6) for p in series.errBars.plus.numLit.pt] == [0.1, 0, 0.2]

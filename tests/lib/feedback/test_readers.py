"""Raw exports come back as they were written, and broken ones say where and what to do."""

import csv
import io
import os
import zipfile

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.feedback import readers
from delight.feedback.readers import read_raw, to_numbers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: Cells of an answer: letters with and without accents, signs, delimiters, quotes, line breaks; no cell of blanks only.
cells = st.text(alphabet="abcxyz éøåÄß€\"';,|\t\n=+-0123456789", max_size=12).filter(lambda t: t == "" or t.strip() != "")
words = st.text(alphabet="abcdefghij", min_size=1, max_size=8)


@st.composite
def tables(draw):
    """A header of different names that are no numbers, and rows of which each begins with a word."""
    width = draw(st.integers(2, 5))
    header = [f"{w}{i}x" for i, w in enumerate(draw(st.lists(words, min_size=width, max_size=width)))]
    rows = draw(st.lists(st.tuples(words, *([cells] * (width - 1))), min_size=3, max_size=8))
    return header, [list(r) for r in rows]


def written(header, rows, *, delimiter=",", encoding="utf-8", end="\n", quoting=csv.QUOTE_ALL):
    if end == "\r":  # Python's writer leaves a line feed unquoted where it is no line end
        quoting = csv.QUOTE_ALL
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def as_lists(frame):
    return [[c if isinstance(c, str) else "" for c in row] for row in frame.itertuples(index=False)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=tables(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_what_is_written_in_any_dialect_comes_back_the_same(tmp_path, table, delimiter, encoding, end, quoting):
    header, rows = table
    file = tmp_path / "export.csv"
    file.write_bytes(written(header, rows, delimiter=delimiter, encoding=encoding, end=end, quoting=quoting))
    raw = read_raw(file, delimiter=delimiter, encoding="cp1252" if encoding == "cp1252" else "")
    assert list(raw.frame.columns) == header
    assert as_lists(raw.frame) == rows


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables(), end=st.sampled_from(["\n", "\r\n"]))
def test_large_and_small_files_are_read_alike(tmp_path, table, end):
    header, rows = table
    file = tmp_path / "export.csv"
    file.write_bytes(written(header, rows, end=end))
    small = read_raw(file, delimiter=",")
    before, readers._LARGE = readers._LARGE, 0
    try:
        large = read_raw(file, delimiter=",")
        some = read_raw(file, delimiter=",", columns=header[:1])
    finally:
        readers._LARGE = before
    pd.testing.assert_frame_equal(large.frame, small.frame)
    pd.testing.assert_frame_equal(some.frame, small.frame[header[:1]])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.decimals(-9999, 99999, places=2), min_size=1, max_size=6), st.sampled_from([".", ","]))
def test_numbers_come_back_with_either_decimal_sign(values, decimal):
    shown = [f"{v:,.2f}".translate(str.maketrans(",.", ".," if decimal == "," else ",.")) for v in values]
    numbers, bad = to_numbers(pd.Series(shown, dtype="str"), decimal)
    assert not bad.any()
    assert numbers.tolist() == pytest.approx([float(v) for v in values])


def test_numbers_of_all_sorts_are_told_from_words():
    numbers, bad = to_numbers(pd.Series(["8,5", "8.5", " 9 ", "1.234,5", None, "", "−3", "nan", "8/10", "inf", "1e3"], dtype="str"), ",")
    assert numbers.tolist() == pytest.approx([8.5, 8.5, 9, 1234.5, np.nan, np.nan, -3, np.nan, np.nan, np.nan, 1000], nan_ok=True)
    assert bad.tolist() == [False] * 7 + [True, True, True, False]
    assert to_numbers(pd.Series(["0.720"]), ",")[0].tolist() == [0.72]  # no thousand begins with a zero


@pytest.mark.parametrize(
    ("delimiter", "decimal", "row"),
    [(";", ",", "1;8,5;goed, hoor"), (",", ".", '1,8.5,"goed, hoor"'), ("\t", ".", "1\t8.5\tgoed, hoor"), ("|", ",", "1|8,5|goed, hoor")],
)
def test_delimiter_and_decimal_sign_are_recognised(tmp_path, delimiter, decimal, row):
    file = tmp_path / "a.csv"
    file.write_text("id,grade,text\n".replace(",", delimiter) + (row + "\n") * 5, encoding="utf-8")
    raw = read_raw(file)
    assert (raw.recognised["delimiter"], raw.recognised["decimal"]) == (delimiter, decimal)
    assert raw.frame.iloc[0].tolist()[2] == "goed, hoor"
    assert raw.frame.index.tolist() == [2, 3, 4, 5, 6]


def test_an_excel_style_sep_line_names_the_delimiter(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("sep=;\nid;grade\n1;8,5\n2;9\n", encoding="utf-8")
    raw = read_raw(file)
    assert list(raw.frame.columns) == ["id", "grade"]
    assert raw.frame.index.tolist() == [3, 4]


def test_the_index_is_the_line_on_which_an_answer_begins(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('id,text\n1,"one\ntwo\nthree"\n\n2,short\n', encoding="utf-8")
    raw = read_raw(file)
    assert raw.frame.index.tolist() == [2, 6]
    assert raw.frame.text.iloc[0] == "one\ntwo\nthree"


def test_windows_and_mac_letters_are_recognised(tmp_path):
    text = "id;opmerking;naam\n" + "1;Voor de crèche: één vraag, heel privé;Zoë\n2;geen;Børge Ærøskøbing\n" * 3
    for encoding, shown in (("cp1252", "Windows-1252"), ("mac_roman", "Mac Roman")):
        file = tmp_path / f"{encoding}.csv"
        file.write_bytes(text.encode(encoding))
        raw = read_raw(file)
        assert raw.frame.naam.iloc[0] == "Zoë"
        assert raw.frame.naam.iloc[1] == "Børge Ærøskøbing"
        assert raw.recognised["encoding"] == shown


def test_a_file_in_two_encodings_is_read_line_by_line_and_told(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes("id,tekst\n1,café\n".encode() + "2,crème\n".encode("cp1252") + "3,thé\n".encode())
    raw = read_raw(file)
    assert raw.frame.tekst.tolist() == ["café", "crème", "thé"]
    (finding,) = raw.findings
    assert (finding.rule, finding.row, finding.count) == ("mixed_encoding", 3, 1)


def test_ragged_rows_are_kept_and_told(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,a,b\n1,2,3\n2,5\n3,4,5,extra\n4,5,6,\n5,1,2\n", encoding="utf-8")
    raw = read_raw(file)
    assert raw.frame.id.tolist() == ["1", "2", "3", "4", "5"]
    assert pd.isna(raw.frame.b.iloc[1])
    told = {f.rule: (f.severity, f.row, f.count) for f in raw.findings}
    assert told == {"long_rows": ("error", 4, 1), "short_rows": ("warning", 3, 1), "wide_rows": ("warning", 5, 1)}


def test_empty_columns_and_rows_at_the_end_are_left_out(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,a,,\n1,2,,\n,,,\n2,3,,\n,,,\n,,,\n", encoding="utf-8")
    raw = read_raw(file)
    assert list(raw.frame.columns) == ["id", "a"]
    assert len(raw.frame) == 3  # the empty row amid the others stays, for the attrition table
    assert raw.recognised["n_empty_rows"] == 1
    assert raw.recognised["n_empty_rows_at_end"] == 2


def test_a_total_with_its_number_below_any_column_is_no_answer(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,grade\n1,Tilfreds\n2,Utilfreds\n3,Tilfreds\n,\n,I alt: 3\n", encoding="utf-8")
    raw = read_raw(file)
    assert raw.frame.id.tolist() == ["1", "2", "3"]
    assert [(f.row, f.count) for f in raw.findings if f.rule == "totals_row"] == [(6, 1)]


def test_a_header_that_occurs_twice_is_told_apart(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,score,score\n1,2,3\n2,3,4\n", encoding="utf-8")
    raw = read_raw(file)
    assert list(raw.frame.columns) == ["id", "score", "score_2"]
    assert [f.rule for f in raw.findings] == ["duplicate_column"]


def test_row_names_written_by_r_get_a_column(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('"a" "b"\n'.replace(" ", ",") + "".join(f'"{i}",{i},x\n' for i in range(1, 8)), encoding="utf-8")
    assert list(read_raw(file).frame.columns) == ["column_1", "a", "b"]


def test_a_formula_in_a_text_file_is_text(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('id,opmerking\n1,=1+2\n2,"=HYPERLINK(""http://x"",""klik"")"\n3,@SUM(A1)\n', encoding="utf-8")
    assert read_raw(file).frame.opmerking.tolist() == ["=1+2", '=HYPERLINK("http://x","klik")', "@SUM(A1)"]


def test_quotation_marks_inside_plain_cells_are_kept(tmp_path):
    file = tmp_path / "a.tsv"
    file.write_text('id\tvraag over "rust"\n1\teen 5" scherm\n2\tniets\n', encoding="utf-8")
    raw = read_raw(file)
    assert list(raw.frame.columns) == ["id", 'vraag over "rust"']
    assert raw.frame.iloc[0, 1] == 'een 5" scherm'


def test_backslashed_quotes_are_understood(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('"id","text"\n' + '"1","he said \\"yes, sure\\""\n"2","plain"\n' * 4, encoding="utf-8")
    assert read_raw(file).frame.text.iloc[0] == 'he said "yes, sure"'


def test_renaming_goes_by_name_header_or_question(tmp_path):
    file = tmp_path / "a.csv"
    question = "How satisfied are you with the opening hours of our shop?"
    file.write_text(f"*RESPNUM,{question},NETPRO\n1,2,3\n2,3,4\n", encoding="utf-8")
    raw = read_raw(file, rename={"*RESPNUM": "id", question: "hours", "NETPRO": "recommend"}, columns=["id", "hours", "absent"])
    assert list(raw.frame.columns) == ["id", "hours"]
    assert raw.labels == {"hours": question}
    assert [f.rule for f in read_raw(file, rename={"NETPRP": "x"}).findings] == ["rename_unknown"]
    assert not read_raw(file, rename={"NETPRO": "recommend", question: "hours"}, columns=["*RESPNUM"]).findings  # there, though not read
    with pytest.raises(InputError, match="two columns the name 'NETPRO'"):
        read_raw(file, rename={"*RESPNUM": "NETPRO"})


# ---- workbooks -----------------------------------------------------------------------------------------------------


def workbook(path, rows, *, title="Blad1", merges=(), extra=None):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for merge in merges:
        sheet.merge_cells(merge)
    for name, cells in (extra or {}).items():
        other = book.create_sheet(name)
        for row in cells:
            other.append(row)
    book.save(path)
    return path


def test_a_workbook_with_title_rows_and_a_cover_sheet_is_read(tmp_path):
    rows = [["Klanttevredenheid 2024"], [], ["nr", "cijfer", "datum", "vestiging"]]
    rows += [[i, 7 + i % 3, pd.Timestamp("2024-03-01").to_pydatetime(), "Noord"] for i in range(1, 9)]
    file = workbook(tmp_path / "a.xlsx", [["Rapport"]], title="Voorblad", extra={"Data": rows})
    raw = read_raw(file)
    assert raw.recognised["sheet"] == "Data"
    assert raw.recognised["title_rows"] == 2
    assert list(raw.frame.columns) == ["nr", "cijfer", "datum", "vestiging"]
    assert raw.frame.index.tolist() == list(range(4, 12))
    assert raw.frame.cijfer.dtype == "int64"
    assert str(raw.frame.datum.dtype).startswith("datetime64")


def test_a_merged_header_names_the_block_of_its_columns(tmp_path):
    rows = [["nr", "Hoe tevreden bent u over", None, None, "Opmerking"], [None, "hygiëne", "ontvangst", "eten", None]]
    rows += [[i, 8, 7, 6, "fijn"] for i in range(1, 6)]
    raw = read_raw(workbook(tmp_path / "a.xlsx", rows, merges=["B1:D1"]))
    assert list(raw.frame.columns) == ["nr", "hygiene", "ontvangst", "eten", "Opmerking"]
    assert raw.blocks["eten"] == ("Hoe tevreden bent u over", "eten")
    assert raw.frame.eten.tolist() == [6] * 5


def test_a_formula_without_its_value_is_an_error(tmp_path):
    raw = read_raw(workbook(tmp_path / "a.xlsx", [["id", "som"], [1, "=1+2"], [2, 3]]))
    (finding,) = raw.findings
    assert (finding.severity, finding.rule, finding.row) == ("error", "formula_without_value", 2)


def test_a_second_table_in_a_workbook_is_mentioned(tmp_path):
    file = workbook(tmp_path / "a.xlsx", [["id", "a"], [1, 2]], extra={"codes": [["code", "text"], [1, "x"]]})
    assert [f.rule for f in read_raw(file).findings] == ["other_sheets"]
    assert list(read_raw(file, sheet="codes").frame.columns) == ["code", "text"]
    with pytest.raises(InputError, match="no sheet 'cods'.*Did you mean 'codes'"):
        read_raw(file, sheet="cods")


# ---- SPSS and Parquet ----------------------------------------------------------------------------------------------


def test_spss_labels_and_missing_ranges_are_kept_apart_from_values(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"q1": [1.0, 5.0, 98.0, 99.0], "who": ["a", "", "c", "d"]})
    pyreadstat.write_sav(
        frame,
        str(tmp_path / "a.sav"),
        column_labels={"q1": "Tilfredshed i alt", "who": ""},
        variable_value_labels={"q1": {1.0: "Meget utilfreds", 5.0: "Meget tilfreds", 99.0: "Ved ikke"}},
        missing_ranges={"q1": [{"lo": 97, "hi": 99}]},
    )
    raw = read_raw(tmp_path / "a.sav")
    assert raw.frame.q1.tolist() == [1, 5, 98, 99]
    assert pd.isna(raw.frame.who.iloc[1])
    assert raw.labels == {"q1": "Tilfredshed i alt"}
    assert raw.value_labels["q1"][99.0] == "Ved ikke"
    assert raw.user_missing == {"q1": [(97.0, 99.0)]}


def test_parquet_keeps_its_types(tmp_path):
    frame = pd.DataFrame({"id": ["a", "b"], "grade": [8.5, None], "day": pd.to_datetime(["2024-01-01", "2024-01-02"])})
    frame.to_parquet(tmp_path / "a.parquet")
    raw = read_raw(tmp_path / "a.parquet", columns=["id", "grade"])
    assert raw.frame.grade.dtype == "float64"
    assert raw.frame.index.tolist() == [1, 2]


# ---- broken input --------------------------------------------------------------------------------------------------


def broken(name, data):
    return pytest.param(name, data, id=f"{name}-{len(data)}")


def _ole():
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.csv", b"", r"a\.csv: the file is empty"),
        ("a.csv", b"\n\n \n", "blank lines only"),
        ("a.csv", bytes(range(256)) * 40, "binary"),
        ("a.csv", b"id,a\n1,2\n2,\x00\n3,4\n", "line 3: the text holds NUL bytes"),
        ("a.csv", b"PK\x03\x04rest", "damaged workbook"),
        ("a.csv", b"%PDF-1.7 ...", "a PDF document"),
        ("a.csv", b"<!DOCTYPE html><html><table><tr><td>1</td></tr></table>", "a web page"),
        ("a.csv", b"$FL2" + b"x" * 200, r"an SPSS file.*Rename it to a\.sav"),
        ("a.csv", _ole(), "old Excel file"),
        ("a.xlsx", _ole() + "EncryptedPackage".encode("utf-16-le"), "protected with a password"),
        ("a.xlsx", b"id,a\n1,2\n", r"text file.*Rename it to a\.csv"),
        ("a.xlsx", b"PK\x03\x04" + b"x" * 300, "damaged or cut off"),
        ("a.sav", b"$FL2@(#) SPSS DATA FILE" + b"\0" * 30, "damaged or cut off"),
        ("a.sav", b"id,a\n1,2\n", "text file, not sav"),
        ("a.parquet", b"PAR1" + b"\0" * 50, "damaged or cut off"),
        ("a.csv", b'id,a,b\n1,"open,2\n2,x,3\n3,y,4\n', "line 2: a quotation mark is opened and never closed"),
        ("a.csv", b'id,a\n1,"' + b"x" * 1_100_000 + b'"\n', "line 2: a cell holds more than 1,000,000"),
    ],
)
def test_broken_input_says_what_and_where(tmp_path, name, data, says):
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(InputError, match=says) as told:
        read_raw(file)
    assert "\n" not in str(told.value)
    assert str(told.value).startswith(name)


def test_a_cut_off_workbook_says_so(tmp_path):
    file = workbook(tmp_path / "a.xlsx", [["id", "a"], *([i, "tekst"] for i in range(300))])
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(InputError, match="damaged or cut off"):
        read_raw(file)


def test_a_zip_archive_is_no_workbook(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.csv", "w") as archive:
        archive.writestr("data.csv", "id,a\n1,2\n")
    with pytest.raises(InputError, match="a zip archive"):
        read_raw(tmp_path / "a.csv")


def test_a_folder_and_an_absent_file_are_told_apart(tmp_path):
    with pytest.raises(InputError, match="a folder"):
        read_raw(tmp_path)
    with pytest.raises(InputError, match="not there"):
        read_raw(tmp_path / "none.csv")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,a\n1,2\n")
    file.chmod(0)
    with pytest.raises(InputError, match="no permission"):
        read_raw(file)


def test_a_wrong_delimiter_encoding_or_format_is_refused(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes("id;a\n1;é\n2;3\n".encode("cp1252"))
    with pytest.raises(InputError, match="one column only; it looks semicolon-separated"):
        read_raw(file, delimiter=",")
    with pytest.raises(InputError, match="line 2: the text is not in the encoding 'utf-8'"):
        read_raw(file, encoding="utf-8")
    with pytest.raises(InputError, match="encoding 'klingon' is unknown"):
        read_raw(file, encoding="klingon")
    with pytest.raises(InputError, match="format 'qualtric' is unknown.*Did you mean 'qualtrics'"):
        read_raw(file, format="qualtric")


def test_a_header_without_answers_is_an_error_finding(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,a,b\n", encoding="utf-8")
    raw = read_raw(file)
    assert len(raw.frame) == 0
    assert [(f.severity, f.rule) for f in raw.findings] == [("error", "header_only")]


def test_a_last_row_that_breaks_off_is_told(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,a,b\n1,2,3\n2,3,4\n3,4", encoding="utf-8")
    assert "cut_off" in [f.rule for f in read_raw(file).findings]


def test_lines_that_ran_together_are_an_error(tmp_path):
    file = tmp_path / "a.csv"
    lines = [f"{i},1,2,3,4" for i in range(1, 20)]
    lines[4] = '5,"oops,2,3,4'
    lines[9] = '10,1,2,3,"x"'
    file.write_text("id,a,b,c,d\n" + "\n".join(lines) + "\n", encoding="utf-8")
    told = {f.rule: f for f in read_raw(file).findings}
    assert told["unclosed_quote"].severity == "error"
    assert told["unclosed_quote"].row == 6

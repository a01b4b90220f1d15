"""Whatever a file holds: it is read, or refused with a sentence; never anything else."""

import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from delight.errors import DelightError, InputError, StudyError
from delight.feedback import readers, scrub, table
from delight.show import render
from delight.study import draft, open_study
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import small_study
from tests.bad_input import broken

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CELLS = ["", "0", "1", "7", "99", "-1", "1e999", "nan", "x", "?", "yes", "1;2", "attribute", "overall", "respondent", "weight", "kano_functional", "expected", "applies", "id", "value", "\u200b", '"', "<b>", "a" * 300]  # fmt: skip
MAGIC = {".csv": b"", ".tsv": b"a\tb\n", ".xlsx": b"PK\x03\x04", ".sav": b"$FL2", ".parquet": b"PAR1", ".txt": b"\xff\xfe"}


@st.composite
def changed(draw, text):
    """A table in which a few cells, rows or characters are other than they should be."""
    lines = [line.split(",") for line in text.splitlines()]
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(0, len(lines) - 1))
        at = draw(st.integers(0, len(lines[row]) - 1))
        how = draw(st.sampled_from(["cell", "cell", "cell", "twice", "gone", "longer", "shorter"]))
        if how == "cell":
            lines[row][at] = draw(st.sampled_from(CELLS) | st.text(max_size=8))
        elif how == "twice":
            lines.insert(row, list(lines[row]))
        elif how == "gone" and len(lines) > 1:
            del lines[row]
        elif how == "longer":
            lines[row].append("7")
        elif len(lines[row]) > 1:
            lines[row].pop()
    return "\n".join(",".join(cells) for cells in lines) + "\n"


@few
@given(changed(small_study.CODEBOOK), changed(small_study.ANSWERS), changed(small_study.UNITS), changed(small_study.DATA))
def test_a_study_with_mistakes_is_opened_or_told_with_each_of_them(codebook, answers, units, data):
    with tempfile.TemporaryDirectory() as folder:
        files = {"codebook": codebook, "answers": answers, "units": units, "data": data}
        study = small_study.write(folder, **{k: v.encode("utf-8", "surrogatepass") for k, v in files.items()})
        found = [f for f in table.check(study) if f.severity == "error"]
        assert all(f.message and (f.file or f.column or f.rule == "no_answers") for f in found)
        try:
            opened = open_study(study)
        except StudyError as error:
            assert str(error).count("\n  - ") == len([f for f in error.findings if f.severity == "error"])
            return
        try:
            table.read(opened)
            assert not found
        except InputError as error:
            assert str(error).count("\n  - ") >= 1 and found


@few
@given(st.sampled_from(sorted(MAGIC)), st.binary(max_size=400), st.booleans())
def test_random_bytes_are_read_or_refused_whatever_they_are_called(suffix, data, with_magic):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        path.write_bytes((MAGIC[suffix] if with_magic else b"") + data)
        try:
            raw = readers.read_raw(path)
        except InputError as error:
            assert str(error).startswith(path.name) and str(error).rstrip().endswith((".", "?"))
        else:
            assert len(raw.frame.columns) == raw.recognised["n_columns"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A sound file of every kind, as bytes."""
    folder = tmp_path_factory.mktemp("whole")
    made = {".csv": small_study.DATA.encode(), ".xlsx": broken.xlsx, ".sav": broken.sav, ".parquet": broken.parquet}
    for suffix, write in made.items():
        if callable(write):
            write(folder / f"a{suffix}")
            made[suffix] = (folder / f"a{suffix}").read_bytes()
    return made


@few
@given(
    st.sampled_from([".csv", ".xlsx", ".sav", ".parquet"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=5),
    st.floats(0.05, 1),
)
def test_a_damaged_file_of_any_kind_is_read_or_refused(whole, suffix, flips, share):
    data = bytearray(whole[suffix][: int(share * len(whole[suffix])) + 1])
    for at, byte in flips:
        data[int(at * (len(data) - 1))] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        path.write_bytes(bytes(data))
        try:
            readers.read_raw(path)
        except InputError as error:
            assert str(error).startswith(path.name)


@few
@given(changed(small_study.DATA))
def test_a_draft_is_whole_or_not_there(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        path.write_bytes(data.encode("utf-8", "surrogatepass"))
        try:
            draft.draft([path], name="fresh", folder=Path(folder) / "fresh")
        except DelightError:
            assert [p.name for p in Path(folder).iterdir()] == ["export.csv"]
            return
        written = Path(folder) / "fresh"
        assert {"study.toml", "codebook.csv", "raw"} <= {p.name for p in written.iterdir()}
        wrong = {f.rule for f in table.check(written) if f.severity == "error"}
        assert not wrong & {"toml_syntax", "unknown_key", "unknown_role", "missing_header", "ragged_row", "not_csv", "missing_file"}


class Tags(HTMLParser):
    """The tags a browser would see."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, attrs))


HOSTILE = st.lists(st.sampled_from(["<", ">", "</p>", "<script>", "&", "&lt;", '"', "'", "**", "--", "<!", "onload=", "x", " ", "\n", "\0", "]]>"]) | st.text(max_size=3), max_size=12).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(HOSTILE)
def test_no_words_of_a_client_become_a_tag(words):
    comment = scrub.comments(pd.Series([words], dtype="str"))[0].iloc[0]
    for text in (words, "" if pd.isna(comment) else comment):
        assert {tag for tag, _ in Tags(render.paragraph(text)).found} <= {"strong"}
        assert not [attrs for _, attrs in Tags(render.paragraph(text)).found if attrs]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_what_is_printed_holds_no_control_characters(text):
    from delight.errors import visible

    shown = visible(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert visible("Ærø – “ja”, 1 000\n") == "Ærø – “ja”, 1 000\n"

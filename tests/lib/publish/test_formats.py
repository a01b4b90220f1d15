"""One door for every format: the files asked for, in a fixed order, and a sentence for what could not be made."""

import zipfile

import pytest
from delight.publish import formats, pdf

from tests import made_up_report


@pytest.fixture
def content(tmp_path):
    return made_up_report.content(tmp_path)


def test_only_what_is_asked_for_is_written(content, tmp_path):
    files, why = formats.write(content, "da", tmp_path / "da", ["pptx", "xlsx"])
    assert [f.relative_to(tmp_path).as_posix() for f in files] == ["da/tables.xlsx", "da/slides.pptx"] and why == []
    assert sorted(p.name for p in (tmp_path / "da").iterdir()) == ["slides.pptx", "tables.xlsx"]
    assert all(zipfile.is_zipfile(f) for f in files)


def test_a_format_that_cannot_be_made_leaves_the_others(content, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "write", lambda page, path: (None, "No PDF was made: no Pango."))
    files, why = formats.write(content, "nl", tmp_path / "nl")
    assert [f.name for f in files] == ["report.html", "tables.xlsx", "slides.pptx"]
    assert why == ["No PDF was made: no Pango."]


def test_every_format_speaks_the_language_and_shows_the_client(content, tmp_path):
    import openpyxl
    import pptx

    formats.write(content, "en", tmp_path / "en", ["html", "xlsx", "pptx"])
    book = openpyxl.load_workbook(tmp_path / "en" / "tables.xlsx")
    deck = pptx.Presentation(str(tmp_path / "en" / "slides.pptx"))
    assert book.worksheets[0]["A1"].value == deck.slides[0].shapes.title.text == "Customer satisfaction and delight"
    assert "Customer satisfaction and delight" in (tmp_path / "en" / "report.html").read_text(encoding="utf-8")
    assert book.properties.creator == deck.core_properties.author == "Kinderopvang De Wereld"

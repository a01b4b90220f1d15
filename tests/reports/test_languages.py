"""The same report in three languages: the same numbers, and no English left over."""

import re
from html import unescape

import pytest
from delight.publish import html
from delight.show import LANGUAGES

from tests import made_up_report

#: Marks between the digits of a number, by language: (thousands, decimals).
MARKS = {"en": (",", "."), "nl": (".", ","), "da": (".", ",")}


def text_of(page):
    """What a reader sees: no styles, no drawn paths, no attributes but the text alternatives."""
    page = re.sub(r"<style.*?</style>|<head>.*?</head>", "", page, flags=re.S)
    alternatives = " ".join(re.findall(r'aria-label="([^"]*)"', page))
    return unescape(re.sub(r"<[^>]+>", " ", page) + " " + alternatives)


def numbers(page, language):
    """Every number of a page in the order read, as plain decimals."""
    thousands, decimals = MARKS[language]
    found = re.findall(r"\d[\d.,]*\d|\d", text_of(page))
    return [n.replace(thousands, "").replace(decimals, ".") for n in found]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    content = made_up_report.content(tmp_path_factory.mktemp("work"), wave="spring", made_at=None, version="1", fieldwork={"invited": 4120})
    return {language: html.page(content, language) for language in LANGUAGES}


@pytest.mark.parametrize("language", ["nl", "da"])
def test_numbers_are_the_same_in_every_language(pages, language):
    assert numbers(pages[language], language) == numbers(pages["en"], "en")
    assert len(numbers(pages["en"], "en")) > 150


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_are_written_as_the_language_writes_them(pages, language):
    thousands, decimals = MARKS[language]
    assert f"1{thousands}843" in pages[language]
    assert f"0{decimals}014" in pages[language]
    assert ("24\u00a0%" if language == "da" else "24%") in pages[language]


@pytest.mark.parametrize(("language", "words"), [("nl", "Samenvatting Inhoud Bijlage"), ("da", "Sammenfatning Indhold Bilag")])
def test_a_page_speaks_one_language(pages, language, words):
    seen = text_of(pages[language])
    assert all(word in seen for word in words.split())
    english = {w.lower() for w in re.findall(r"[A-Za-z]{4,}", text_of(pages["en"]))} & {
        "answers",
        "intervals",
        "summary",
        "chapter",
        "with",
    }
    assert english and not english & {w.lower() for w in re.findall(r"[A-Za-z]{4,}", seen)}


def test_a_report_is_the_same_twice(pages, tmp_path):
    again = made_up_report.content(tmp_path, wave="spring", made_at=None, version="1", fieldwork={"invited": 4120})
    assert html.page(again, "nl") == pages["nl"]


def test_a_small_report_stays_small(pages):
    assert len(pages["nl"].encode()) < 400_000  # fonts included

"""A participant reads results in the own language, in letters that fit their figures, and at the back of a room too."""

import re

import numpy as np
import pandas as pd
import pytest
from delight.satisfaction import bands, distribution
from delight.show import satisfaction as views
from delight.workshop import desk, looks


@pytest.fixture(scope="module")
def table():
    return desk(5, 1, language="nl")


def cells(html):
    return re.findall(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", html)


def test_columns_are_read_in_words_with_the_name_for_code_beneath(table):
    shown = table.read(pd.DataFrame({"factor": ["surprise"], "own": [77.64], "n": [12]}), decimals=1).html
    assert cells(shown) == [
        "Factor<code>factor</code>", "Het team<code>own</code>", "Antwoorden<code>n</code>", "Verrassen<code>surprise</code>", "77,6", "12"
    ]  # fmt: skip


def test_who_writes_no_code_sees_no_names_of_code():
    table = desk(5, 1, language="nl", code=False)
    assert cells(table.read(pd.DataFrame({"factor": ["surprise"], "own": [77.64]})).html) == ["Factor", "Het team", "Verrassen", "77,64"]


def test_a_series_or_dictionary_is_a_row_a_value(table):
    shown = table.read({"p_lot": 0.0001, "effect": -0.371, "se": np.nan}, decimals=3).html
    assert [c for c in cells(shown) if "code" not in c] == ["", "", "&lt; 0,001", "−0,371", "–"]
    assert shown.count('scope="row"') == 3


def test_a_column_that_is_whole_has_no_decimals_and_a_plain_count_of_rows_is_not_shown(table):
    shown = table.read(pd.DataFrame({"grade": [9.0, np.nan], "mean": [8.5, 9.0]}, index=[4, 7])).html
    assert [c for c in cells(shown) if "code" not in c] == ["9", "8,50", "–", "9,00"]


def test_nothing_in_a_table_is_read_as_a_tag(table):
    assert "<b>" not in table.read(pd.DataFrame({"<b>": ["<b>"]})).html


def test_a_figure_brings_the_fonts_it_was_measured_in(table):
    about = {"y": "overall", "scale": table.scales["overall"], "delight_from": 9}
    shown = table.show(views.distribution, distribution(table.customers(150), **about), bands(table.customers(150), **about))
    assert "@font-face" in shown._repr_html_() and 'role="img"' in shown.html
    assert "@font-face" not in table.read({"n": 1})._repr_html_()


def test_large_type_is_a_switch_that_goes_off_again(table):
    switch = table.presentation()
    assert switch.switch.description == "Grote letters" and not switch.style_sheet.value
    switch.switch.value = True
    assert "font-size" in switch.style_sheet.value
    switch.switch.value = False
    assert not switch.style_sheet.value
    assert table.presentation(on=True).style_sheet.value


@pytest.mark.parametrize("language", ["nl", "da"])
def test_every_heading_is_translated(language):
    words = desk(5, 1, language=language).words
    same = {text for text in looks.HEADINGS.values() if words.gettext(text) == text}
    assert same <= {"p", "Term", "Effect", "Factor"}

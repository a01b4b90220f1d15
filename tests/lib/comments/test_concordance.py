"""Words are found as people mean them, and shown where they stand."""

import pandas as pd
import pytest
from delight.comments import concordance
from delight.errors import InputError

SAID = [
    "De juf is lief. Echt een lieve juf!",
    "Wachten, altijd wachten",
    None,
    "   ",
    "Mooi café, maar de leidster had haast",
    "Jufferig gedoe",
]


@pytest.fixture
def comments():
    return pd.DataFrame({"remark": SAID, "overall": [9, 5, 7, 8, 6, 7]})


def found(frame, query, **options):
    return concordance(frame, column="remark", query=query, **options).table


def test_without_a_query_every_comment_is_found_and_empty_ones_are_none(comments):
    result = concordance(comments, column="remark", also=["overall"])
    assert result.table["row"].tolist() == [0, 1, 4, 5] and result.meta["n_comments"] == 4
    assert result.table["overall"].tolist() == [9, 5, 6, 7]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("juf", [0]),  # a word, not its beginning
        ("juf*", [0, 5]),
        ("cafe", [4]),  # accents
        ("CAFÉ", [4]),  # case
        ('"lieve juf"', [0]),
        ('"juf lieve"', []),
        ("juf|leidster", [0, 4]),
        ("juf|leidster -haast", [0]),
        ("altijd wachten", [1]),
        ("juf wachten", []),
        ("(", []),  # what people type is no pattern
        ("|", [0, 1, 4, 5]),
    ],
)
def test_a_query_finds_what_it_says(comments, query, rows):
    assert found(comments, query)["row"].tolist() == rows


def test_a_word_is_shown_where_it_first_stands_with_whole_words_around_it():
    said = "Het was een heel erg lange dag, en toch bleef de juf vrolijk lachen naar iedereen die er was"
    row = found(pd.DataFrame({"remark": [said]}), "juf", around=12).iloc[0]
    assert (row["left"], row["match"], row["right"]) == ("… bleef de ", "juf", " vrolijk …")
    assert row["found"] == 1 and row["comment"] == said


def test_accents_do_not_shift_what_is_marked():
    row = found(pd.DataFrame({"remark": ["Ïdëeën ﬁjn: straße é juf"]}), "juf").iloc[0]
    assert row["match"] == "juf"


def test_a_search_needs_a_wanted_word(comments):
    with pytest.raises(InputError, match="needs a word that is wanted"):
        found(comments, "-juf")


def test_an_unknown_column_is_named(comments):
    with pytest.raises(InputError, match="remarks"):
        concordance(comments, column="remarks")

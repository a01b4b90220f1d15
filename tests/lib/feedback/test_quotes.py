"""Comments that stand for many are chosen by rule."""

import pandas as pd
from delight.feedback import quotes

GRADES = pd.Series([9, 8, 7, 6, 3, 2], dtype=float)
SAID = pd.Series(
    [
        "Wonderful people, we are always welcome here.",
        "Good place, ask for [name] at the desk in the morning.",
        "It is fine as it is, nothing much to add to that.",
        "It could be quicker.",
        "We had to wait for weeks before anybody called us back.",
        "No!",
    ]
)


def test_one_comment_of_each_third_by_grade_and_none_that_had_to_be_scrubbed_where_another_is_there():
    chosen = quotes.choose(SAID, GRADES)
    assert chosen == sorted([SAID[0], SAID[2], SAID[4]])  # "No!" is too short to be one of the six
    assert quotes.choose(SAID.iloc[[0, 1, 2]].iloc[[1]], GRADES.iloc[[1]]) == [SAID[1]]


def test_the_order_of_rows_changes_nothing_and_the_order_of_quotes_tells_no_grade():
    order = [4, 2, 0, 5, 1, 3]
    assert quotes.choose(SAID.iloc[order], GRADES.iloc[order]) == quotes.choose(SAID, GRADES)
    assert quotes.choose(SAID, 10 - GRADES) == quotes.choose(SAID, GRADES)


def test_a_long_comment_ends_after_a_sentence_or_a_word():
    sentence = "The staff is kind and helps with everything we ask. "
    long = pd.Series([sentence * 6, "word " * 90])
    whole, cut = sorted(quotes.choose(long, pd.Series([9.0, 3.0]), n=2), key=lambda text: text.endswith("…"))
    assert whole.endswith("ask.") and len(whole) <= quotes.LONGEST
    assert cut.endswith("word …") and len(cut) <= quotes.LONGEST + 1


def test_nothing_said_gives_nothing():
    assert quotes.choose(pd.Series([None, "ok"], dtype=object), pd.Series([9.0, 8.0])) == []

import pandas as pd
import pytest
from delight.feedback import scrub

IDENTIFYING = [
    ("mail jan.jansen@example.nl svp", "mail [e-mail] svp"),
    ("jan (at) example.nl", "[e-mail]"),
    ("Bel 06-12345678 of 020 123 4567", "Bel [phone] of [phone]"),
    ("bel +31 6 1234 5678!", "bel [phone]!"),
    ("ring på +45 12 34 56 78 tak", "ring på [phone] tak"),
    ("12 34 56 78", "[phone]"),
    ("call (020) 7946 0958", "call [phone]"),
    ("rekening NL91 ABNA 0417 1643 00 graag", "rekening [IBAN] graag"),
    ("konto DK5000400440116243", "konto [IBAN]"),
    ("bsn 111222333", "bsn [BSN]"),
    ("cpr 010190-1234", "cpr [CPR]"),
    ("zie https://facebook.com/jan.jansen en www.x.nl/y", "zie [link] en [link]"),
    ("volg @jansen_99", "volg [handle]"),
    ("Beste J. Jansen, dank", "Beste [name], dank"),
    ("Alles goed. Groetjes, Marieke", "Alles goed. Groetjes, [name]"),
    ("Met vriendelijke groet,\nJan van der Berg", "Met vriendelijke groet,\n[name]"),
    ("Tak. Mvh Lene Hansen", "Tak. Mvh [name]"),
    ("Thanks!\nKind regards,\nJohn Smith.", "Thanks!\nKind regards,\n[name]."),
    ("Groetjes Piet en Anja", "Groetjes [name]"),
    ("Hoi Anja, het was fijn", "Hoi [name], het was fijn"),
    ("Kære Mette, tak", "Kære [name], tak"),
    ("Juf Marieke is lief en mevrouw De Vries ook", "Juf [name] is lief en mevrouw [name] ook"),
]


@pytest.mark.parametrize(("given", "expected"), IDENTIFYING)
def test_what_identifies_a_person_goes(given, expected):
    assert scrub.text(given) == expected


@pytest.mark.parametrize(
    "comment",
    [
        "We zijn er sinds 12-03-2024 en in 2019-2020 ook al.",
        "Op 1.250.000 euro na prima, 8,5 gemiddeld, 10/10!",
        "Van 7:30 tot 18:30 open graag, 2 x 45 minuten.",
        "De groet bij de deur is warm. Beste opvang van Nederland",
        "groep 3 & 4: 24 kinderen, 1234 AB",
        "Warm regards for all the staff.",
    ],
)
def test_dates_amounts_and_ordinary_words_stay(comment):
    assert scrub.text(comment) == comment


def test_known_names_go_with_their_parts_and_endings_but_not_inside_words():
    found = scrub.text("Anja hielp. Ook Anja's groep, de Anjadag en Vries", names=["Anja de Vries"])
    assert found == "[name] hielp. Ook [name] groep, de Anjadag en [name]"


def test_a_column_is_scrubbed_where_needed_and_counted():
    cells = pd.Series(["Fijn", None, "Bel 06-12345678", "Tess is blij", "Rob zei hallo"], dtype="str")
    own = pd.Series([None, None, None, "Tess Bakker", None], dtype=object)
    found, count = scrub.comments(cells, names=["Rob de Boer"], own_names=own)
    assert found.tolist()[2:] == ["Bel [phone]", "[name] is blij", "[name] zei hallo"] and count == 3
    assert found[0] == "Fijn" and pd.isna(found[1])


def test_the_fast_first_look_overlooks_nothing():
    cells = [given for given, _ in IDENTIFYING]
    found, count = scrub.comments(pd.Series(cells, dtype="str"))
    assert found.tolist() == [scrub.text(c) for c in cells] and count == len(cells)


@pytest.mark.parametrize(
    ("value", "contact"),
    [
        ("Ring til mig på 20 12 34 56", True),
        ("ole@firma.dk", True),
        ("18-29 år", False),
        ("12345678", False),
        ("2020-2024", False),
        ("Vestiging 3 (Noord)", False),
    ],
)
def test_contact_details_among_the_answers_of_a_group_are_seen(value, contact):
    assert scrub.has_contact(value) is contact

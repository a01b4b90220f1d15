import datetime

import pytest
from delight.result import Result
from delight.show import Words
from delight.show.words import NO_VALUE
from delight.study import Labels

NL, DA, EN = Words("nl"), Words("da"), Words("en")


def test_numbers_follow_the_language():
    assert [w.number(12345.678, 1) for w in (NL, DA, EN)] == ["12.345,7", "12.345,7", "12,345.7"]
    assert [w.percent(0.4567) for w in (NL, DA, EN)] == ["46%", "46\u00a0%", "46%"]
    assert [w.date(datetime.date(2025, 3, 14)) for w in (NL, DA, EN)] == ["14 maart 2025", "14. marts 2025", "14 March 2025"]


def test_a_missing_number_is_a_dash_in_every_form():
    for show in (EN.number, EN.percent, EN.grade, EN.signed, EN.points, EN.p_value, EN.date):
        assert show(None) == NO_VALUE and show(float("nan")) == NO_VALUE
    assert EN.interval(1, None) == NO_VALUE


def test_signs_are_minus_signs_and_zero_has_none():
    assert EN.signed(-0.04, 1) == "0.0"
    assert (EN.points(-12.4), EN.points(12.6), EN.points(0)) == ("−12", "+13", "0")


def test_an_interval_of_signed_limits_is_written_with_a_word():
    assert EN.interval(7.64, 8.06) == "7.6–8.1"
    assert NL.interval(-3, 12, NL.points) == "−3 tot +12"
    assert DA.interval(-3, 12, DA.points) == "−3 til +12"


def test_tiny_p_values_are_not_zero():
    assert NL.p_value(0.00001) == "<\u00a00,001"
    assert EN.p_value(0.0214) == "0.021"


def test_plurals_split_at_one():
    assert NL.ngettext("{n} answer", "{n} answers", 1) == "{n} antwoord"
    assert NL.ngettext("{n} answer", "{n} answers", 0) == "{n} antwoorden"
    assert EN.ngettext("{n} answer", "{n} answers", 2) == "{n} answers"


def test_the_studys_own_labels_come_before_codes():
    words = Words("nl", Labels("nl", columns={"warmth": "Warme medewerkers"}, segments={"group-a": "Ontzorg mij"}))
    assert words.column("warmth") == "Warme medewerkers"
    assert words.column("unknown") == "unknown"
    assert words.segment("group-a") == "Ontzorg mij"
    assert words.segment("group-b") == "Groep B"
    assert words.group("whole", "") == "Alle respondenten"


@pytest.mark.parametrize(
    ("language", "one", "few"),
    [
        ("en", "1 location only, which tells nothing of others", "5 locations only, so intervals are a rough guide"),
        ("nl", "slechts 1 locatie, en die zegt niets over andere", "slechts 5 locaties, dus intervallen zijn een grove aanwijzing"),
        ("da", "kun 1 lokation, og den siger intet om andre", "kun 5 lokationer, så intervallerne er et groft fingerpeg"),
    ],
)
def test_the_source_line_warns_of_few_locations(language, one, few):
    words = Words(language)
    said = [words.source(Result.of("M15", [{"coef": 1.0}], n_clusters=n)) for n in (1, 5, 6, None)]
    assert one in said[0] and few in said[1] and not any("lo" in text for text in said[2:])


def test_the_source_line_names_answers_weights_interval_and_method():
    meta = {"n_used": 1204, "n_dropped_missing": 3, "n_eff": 866.4, "weights": "sampling", "ci_level": 0.95}
    result = Result.of("M14.shapley", [{"share": 1.0}], **meta)
    assert EN.source(result) == "1,204 answers · 3 without an answer · weighted, effective n 866 · 95% intervals · method M14"


def test_a_plain_table_names_no_method():
    assert EN.source(Result.of("feedback.attrition", [{"n": 4}])) == ""


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="nl, da, en"):
        Words("de")

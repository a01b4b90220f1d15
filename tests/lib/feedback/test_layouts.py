"""Headers of survey tools: where they lie, what they mean, and the short names made of question texts."""

import pytest
from delight.feedback.layouts import find_header, slug, split_item
from delight.feedback.readers import read_raw


def save(tmp_path, text, name="a.csv", encoding="utf-8"):
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    return file


def test_qualtrics_has_three_header_rows(tmp_path):
    text = 'StartDate,ResponseId,Q1\nStart Date,Response ID,"How satisfied are you, overall?"\n'
    text += '"{""ImportId"":""startDate""}","{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}"\n2024-01-02 10:00:00,R_1,5\n'
    raw = read_raw(save(tmp_path, text))
    assert raw.recognised["layout"] == "qualtrics"
    assert list(raw.frame.columns) == ["StartDate", "ResponseId", "Q1"]
    assert raw.labels["Q1"] == "How satisfied are you, overall?"
    assert raw.frame.index.tolist() == [4]


def test_legacy_qualtrics_takes_names_from_the_second_row(shared):
    raw = read_raw(shared / "data/qualtrics-format/sample_legacy.csv")
    assert raw.recognised["layout"] == "qualtrics-legacy"
    assert raw.recognised["header_rows"] == 2
    assert list(raw.frame.columns)[:3] == ["ResponseID", "ResponseSet", "Name"]
    assert raw.labels["Q2"] == "This is a free text question."
    assert len(raw.frame) == 1


def test_present_qualtrics_in_another_language(shared):
    raw = read_raw(shared / "data/qualtrics-format/sample.csv")
    assert (raw.recognised["layout"], raw.recognised["header_rows"]) == ("qualtrics", 3)
    assert raw.labels["Duration (in seconds)"] == "Dauer (in Sekunden)"


def test_surveymonkey_carries_block_titles_to_the_right(shared):
    raw = read_raw(shared / "data/surveymonkey-star-wars/StarWars.csv")
    assert raw.recognised["layout"] == "surveymonkey"
    assert len(raw.frame) == 1186  # the second header row is no answer
    assert raw.frame.shape[1] == 38
    assert raw.frame.columns.is_unique
    question, item = raw.blocks["han_solo"]
    assert item == "Han Solo"
    assert question.startswith("Please state whether you view")
    assert raw.frame["han_solo"].value_counts()["Very favorably"] == 610


def test_surveymonkey_in_danish(tmp_path):
    text = "Respondent ID;Startdato;Hvor tilfreds er du med;;;Kommentar\n;;Personalet;Maden;Lokalerne;Svar\n"
    text += "118;01-03-2024;Tilfreds;Meget tilfreds;Utilfreds;fint\n119;01-03-2024;Tilfreds;Tilfreds;Utilfreds;\n"
    raw = read_raw(save(tmp_path, text))
    assert raw.recognised["layout"] == "surveymonkey"
    assert list(raw.frame.columns) == ["Respondent ID", "Startdato", "personalet", "maden", "lokalerne", "Kommentar"]
    assert raw.labels["maden"] == "Hvor tilfreds er du med [Maden]"


def test_google_forms_makes_short_names_of_questions(shared):
    raw = read_raw(shared / "data/kano-smart-bed/answers.tsv")
    assert raw.recognised["layout"] == "google-forms"
    assert raw.frame.columns.is_unique
    assert max(map(len, raw.frame.columns)) <= 70
    first = raw.frame.columns[1]
    assert raw.labels[first].startswith("Si votre lit disposait d'un système de réveil par vibrations")


def test_limesurvey_with_codes_and_with_full_answers(tmp_path):
    head = '"id","submitdate","lastpage","startlanguage","seed","Q1[SQ001]","Q1[SQ002]","Q2"\n'
    codes = head + "".join(f'"{i}","2024-03-0{i} 10:00:00","3","nl","99","A4","A5","Y"\n' for i in range(1, 6))
    raw = read_raw(save(tmp_path, codes))
    assert raw.recognised["layout"] == "limesurvey-codes"
    assert list(raw.frame.columns)[5:] == ["Q1_SQ001", "Q1_SQ002", "Q2"]
    assert list(read_raw(save(tmp_path, codes), rename={"Q1[SQ001]": "hours"}).frame.columns)[5] == "hours"
    texts = '"Antwoord ID","Datum verstuurd","Laatste pagina","Begintaal","Hoe tevreden bent u over [De openingstijden]"\n'
    texts += "".join(f'"{i}","2024-03-0{i} 10:00:00","3","nl","Zeer tevreden"\n' for i in range(1, 6))
    raw = read_raw(save(tmp_path, texts, "b.csv"))
    assert raw.recognised["layout"] == "limesurvey-answers"
    assert raw.frame.columns[-1] == "openingstijden"


def test_title_rows_above_the_header_are_skipped(tmp_path):
    text = "Tilfredshedsundersøgelse 2024;;;\nUdtrukket 1. marts;;;\n;;;\nnr;alder;tilfreds;kommentar\n1;30;5;god\n2;40;4;fin\n"
    raw = read_raw(save(tmp_path, text))
    assert (raw.recognised["title_rows"], raw.recognised["header_rows"]) == (2, 1)
    assert raw.frame.tilfreds.tolist() == ["5", "4"]
    assert raw.frame.index.tolist() == [5, 6]


def test_a_file_without_a_header_is_told(shared):
    raw = read_raw(shared / "data/dutch-book-reviews/polarity-nl-bol.com.csv")
    assert raw.frame.shape == (3000, 2)
    assert list(raw.frame.columns) == ["column_1", "column_2"]
    assert [f.rule for f in raw.findings] == ["no_header"]


def test_headers_that_are_years_or_numbers_in_order_stay_headers():
    assert find_header([["id", "2022", "2023"], ["a", "5", "6"], ["b", "4", "4"], ["c", "4", "4"]]).header_rows == 1
    assert find_header([["1", "2", "3"], ["4", "5", "6"], ["4", "4", "4"]]).header_rows == 1


@pytest.mark.parametrize(
    ("head", "question", "item"),
    [
        ("How good is our service? [Opening hours]", "How good is our service?", "Opening hours"),
        ("[Overall] How satisfied are you?", "How satisfied are you?", "Overall"),
        ("Satisfaction with: Internet speed", "Satisfaction with:", "Internet speed"),
        ("Departure/Arrival time convenient", "", ""),
        ("Q1[SQ001]", "", ""),
    ],
)
def test_a_header_is_split_into_question_and_item(head, question, item):
    assert split_item(head) == (question, item)


def test_names_are_stable_when_other_questions_come_or_go():
    questions = ["How satisfied are you with the opening hours of our shop?", "How satisfied are you with the kindness of our staff?"]
    both = find_header([questions, ["5", "4"]]).names
    assert find_header([questions[1:], ["4"]]).names == both[1:]
    assert both == ["satisfied_opening_hours_shop", "satisfied_kindness_staff"]


def test_slugs_have_no_accents_and_keep_other_scripts():
    assert slug("Hvor tilfreds er du med måltiderne?") == "tilfreds_maltiderne"
    assert slug("Насколько вы довольны?") == "насколько_вы_довольны"
    assert slug("???") == "column"

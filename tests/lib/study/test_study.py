import json

import pytest
from delight.errors import InputError, StudyError
from delight.scales import Scale
from delight.study import Labels, load, open_study
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.small_study import ANSWERS, CODEBOOK, TOML, UNITS, write


def mistakes(folder):
    """Errors by rule: rule -> list of (file, row, column)."""
    found = {}
    for f in load(folder)[1]:
        if f.severity == "error":
            found.setdefault(f.rule, []).append((f.file, f.row, f.column))
    return found


def test_a_sound_study_opens_without_a_word(tmp_path):
    study = open_study(write(tmp_path))
    assert study.findings == ()
    assert (study.name, study.organisation, study.language) == ("small", "Small Care", "nl")
    assert study.waves == ["2024-1"] and study.newest_wave == "2024-1"
    assert study.columns("attribute") == ["warmth", "speed", "worry"]
    assert study.column("overall") == "overall" and study.column("recommend") is None
    assert study.outcome_role == "overall" and study.delight_from == 9
    assert study.minimum_group == 10


def test_methods_get_their_arguments_from_the_study(tmp_path):
    study = open_study(write(tmp_path))
    assert study.measure("overall") == {"y": "overall", "scale": Scale(1, 10), "weights": None, "weights_kind": "sampling"}
    model = study.model()
    assert model["y"] == "overall" and model["x"] == ["warmth", "speed", "worry"]
    assert model["scales"]["speed"] == Scale(1, 5) and model["not_applicable"] == {"speed": "speed:na"}
    assert model["clusters"] is None  # every location was surveyed
    design = study.design()
    assert (design.kind, design.strata, design.clusters) == ("all", "location", None)
    assert design.population == {"A": 20, "B": 20} and design.labels == {"A": "Noord", "B": "Noord"}


def test_a_declared_sample_of_locations_makes_clusters_and_nothing_declared_makes_neither(tmp_path):
    study = open_study(write(tmp_path, toml=TOML.replace('design = "all"', 'design = "sample"')))
    assert study.model()["clusters"] == "location" and study.design().strata is None
    study = open_study(write(tmp_path, toml=TOML.replace('design = "all"\n', "")))
    assert study.design().kind == "undeclared" and study.model()["clusters"] is None
    assert any(f.rule == "incomplete_fieldwork" and "design" in f.message for f in study.findings)


def test_the_account_of_the_research_can_speak_each_language(tmp_path):
    from delight.show import Words, report

    toml = TOML.replace('"parents"', '{nl = "ouders", da = "forældre"}')
    declared = open_study(write(tmp_path, toml=toml)).fieldwork
    told = {language: dict(report.fieldwork(Words(language), declared)) for language in ("nl", "da", "en")}
    assert (told["nl"]["Populatie"], told["da"]["Population"], told["en"]["Population"]) == ("ouders", "forældre", "ouders")


def test_a_chapter_may_need_a_role_or_questions_that_are_tied_together(tmp_path):
    head, *rows = CODEBOOK.splitlines()
    ties = {"overall": ",,satisfaction", "warmth": "3,yes,satisfaction", "speed": "1,no,"}
    rows = [f"{row},{ties.get(row.partition(',')[0], ',,')}" for row in rows]
    study = open_study(write(tmp_path, codebook="\n".join([f"{head},level,employee,construct", *rows]) + "\n"))
    assert study.meeting("attribute") == ["warmth", "speed", "worry"]
    assert study.meeting("attribute:level") == ["warmth", "speed"]
    assert study.meeting("attribute:employee") == ["warmth"]
    assert study.meeting("construct=satisfaction") == ["overall", "warmth"] and study.meeting("construct=image") == []
    for need, nearest in (("atribute", "attribute"), ("attribute:levl", "level"), ("constrct=image", "construct")):
        with pytest.raises(InputError, match=f"'{nearest}'"):
            study.meeting(need)


def test_without_overall_the_outcome_is_recommend(tmp_path):
    codebook = CODEBOOK.replace("overall,overall,Overall,Totaal,1,10", "overall,recommend,,,0,10")
    study = open_study(write(tmp_path, codebook=codebook))
    assert study.outcome == "overall" and study.outcome_role == "recommend" and study.delight_from == 9
    assert study.model("overall")["y"] == "overall"  # the column of recommend


def test_a_weight_column_is_named_weight_for_methods(tmp_path):
    codebook = CODEBOOK + "wgt,weight,,,,,,,,\n"
    study = open_study(write(tmp_path, codebook=codebook, toml=TOML + '[weights]\nkind = "frequency"\n'))
    assert study.measure("warmth")["weights"] == "weight" and study.measure("warmth")["weights_kind"] == "frequency"


def test_a_scale_can_come_from_the_codes_of_an_answer_set(tmp_path):
    study = open_study(write(tmp_path))
    assert study.scale("expected") == Scale(1, 3)
    odd = ANSWERS + "agree,0,no,,,\nagree,50,half,,,\nagree,100,yes,,,\n"
    codebook = CODEBOOK + "x,attribute,,,,,,agree,,\n"
    assert open_study(write(tmp_path, codebook=codebook, answers=odd)).scale("x") == Scale(0, 100, 50)


def test_labels_fall_back_to_english_then_to_the_name_and_survive_json(tmp_path):
    study = open_study(write(tmp_path))
    dutch = study.labels("nl")
    assert dutch.column("warmth") == "Warmte" and dutch.column("id") == "id"
    assert study.labels("da").column("warmth") == "Warmth"  # no Danish: English
    assert study.labels("en").column("speed") == "Snelheid"  # no English: what there is
    assert study.labels("en").answer("expected", 3.0) == "Better" and dutch.answer("expected", "2") == "Zoals verwacht"
    assert dutch.location("A") == "De Aap" and dutch.label_of("A") == "Noord" and dutch.location("Z") == "Z"
    assert dutch.wave("2024-1") == "2024-1" and dutch.segment("x") is None and dutch.group("speed") == "speed"
    text = dutch.to_json()
    assert Labels.from_json(text) == dutch and json.loads(text)["columns"]["warmth"] == "Warmte"


def test_every_mistake_is_named_at_once_with_its_place(tmp_path):
    toml = """[study]
name = "small"
organisation = "Small Care"
langauge = "nl"
delight_from = 11

[[sources]]
path = "raw/answers.csv"
wave = "2024-1"

[[sources]]
path = "../elsewhere.csv"
wave = "2024-2"

[[sources]]
path = "raw/gone.csv"
wave = "2024-3"

[[sources]]
uri = "postgresql://host/db"
table = "answers"

[[segments.archetypes]]
name = "unburden-me"
labels = {nl = "Ontzorg", fr = "Simple"}
profile = {opening_hours = "high", warmth = "low"}

[privacy]
minimum_group = "ten"

[fieldwrk]
mode = "web"
"""
    codebook = """column,role,scale_min,scale_max,scale_step,answer_set,reverse,level,pair
id,respondent,,,,,,,
id2,respondent,,,,,,,
overall,overall,1,10,,,,,
a,atribute,1,10,,,,,
b,?,,,,,,,
c,attribute,,,,,,,
d,attribute,10,1,,,,,
e,attribute,1,10,4,,,,
f,attribute,1,ten,,,,,
g,attribute,,,,nowhere,,,
a,comment,,,,,,,
h,comment,,,,,yes,,
i,attribute,1,5,,,maybe,7,
j,kano_functional,,,,,,,wifi
k,attribute,1,,,,,,
"""
    answers = "answer_set,code,text,kind\ns,,Yes,value\ns,2,No,vlaue\ns,3,Maybe,\ns,4,Maybe,\n,5,Lost,\n"
    units = "location,invited,population\nA,10,5\nA,1,2\n,3,4\nB,many,9\n"
    found = mistakes(write(tmp_path, toml=toml, codebook=codebook, answers=answers, units=units))
    assert found == {
        "unknown_key": [("study.toml", 4, ""), ("study.toml", 31, "")],
        "bad_language": [("study.toml", 25, "")],
        "bad_value": [("study.toml", 29, "")],
        "bad_delight_from": [("study.toml", 5, "")],
        "escaping_path": [("study.toml", 12, "")],
        "unreadable_path": [("study.toml", 16, "")],
        "database_source": [("study.toml", 20, "")],
        "unknown_need": [("study.toml", 26, ""), ("study.toml", 26, "")],
        "role_taken_twice": [("codebook.csv", 3, "id2")],
        "unknown_role": [("codebook.csv", 5, "a")],
        "open_role": [("codebook.csv", 6, "b")],
        "missing_scale": [("codebook.csv", 7, "c"), ("codebook.csv", 16, "k")],
        "impossible_scale": [("codebook.csv", 8, "d"), ("codebook.csv", 9, "e")],
        "bad_number": [("codebook.csv", 10, "f")],
        "unknown_answer_set": [("codebook.csv", 11, "g")],
        "duplicate_column": [("codebook.csv", 12, "a")],
        "reverse_without_scale": [("codebook.csv", 13, "h")],
        "bad_flag": [("codebook.csv", 14, "i")],
        "bad_level": [("codebook.csv", 14, "i")],
        "kano_without_pair": [("codebook.csv", 15, "j")],
        "answer_without_code": [("answers.csv", 2, "")],
        "unknown_kind": [("answers.csv", 3, "")],
        "contradictory_answer": [("answers.csv", 5, "")],
        "answer_without_set": [("answers.csv", 6, "")],
        "population_below_invited": [("units.csv", 2, "")],
        "duplicate_location": [("units.csv", 3, "")],
        "unit_without_location": [("units.csv", 4, "")],
        "bad_count": [("units.csv", 5, "")],
        "units_without_location": [("units.csv", None, "")],
    }


def test_the_error_counts_and_suggests(tmp_path):
    folder = write(tmp_path, toml=TOML.replace("language", "langauge"), codebook=CODEBOOK.replace("warmth,attribute", "warmth,atribute"))
    with pytest.raises(StudyError) as raised:
        open_study(folder)
    message = str(raised.value)
    assert "'small' has 2 mistake(s)" in message
    assert "study.toml, row 4: Unknown key 'langauge' in [study]. Did you mean 'language'?" in message
    assert "codebook.csv, row 6, column 'warmth': Unknown role 'atribute'. Did you mean 'attribute'?" in message
    assert len(raised.value.findings) == 2


def test_a_scale_without_customary_point_of_delight_must_say_it(tmp_path):
    codebook = CODEBOOK.replace("Totaal,1,10", "Totaal,0,100")
    assert mistakes(write(tmp_path, codebook=codebook)) == {"missing_delight_from": [("study.toml", 1, "")]}
    toml = TOML.replace('language = "nl"', 'language = "nl"\ndelight_from = 90')
    assert open_study(write(tmp_path, toml=toml, codebook=codebook)).delight_from == 90


def test_toml_that_cannot_be_read_is_told_with_its_line(tmp_path):
    folder = write(tmp_path, toml='[study]\nname = "small\norganisation = "x"\n')
    with pytest.raises(StudyError, match=r"study.toml, row 2: This is not TOML"):
        open_study(folder)
    with pytest.raises(StudyError, match=r"study.toml, row 2: The file is not in UTF-8"):
        open_study(write(tmp_path, toml='[study]\nname = "café"'.encode("latin-1")))


def test_a_codebook_reads_the_same_however_a_spreadsheet_saved_it(tmp_path):
    plain = open_study(write(tmp_path)).questions
    rows = CODEBOOK.strip().split("\n")
    semicolons = "\n".join(r.replace(",", ";") + ";;" for r in rows) + "\n;;;;;;;;;;;\n"
    for text in (
        ("\ufeff" + semicolons).encode("utf-8"),
        semicolons.replace("\n", "\r\n").encode("cp1252"),
        ("sep=;\n" + semicolons).encode(),
        "\n".join(r.replace(",", "\t") for r in rows).encode("utf-16"),
    ):
        found = open_study(write(tmp_path, codebook=text)).questions
        assert {c: (q.role, q.scale, q.labels, q.missing_codes, q.reverse) for c, q in found.items()} == {
            c: (q.role, q.scale, q.labels, q.missing_codes, q.reverse) for c, q in plain.items()
        }


def test_a_decimal_comma_and_latin_letters_survive(tmp_path):
    codebook = "column;role;label_da;scale_min;scale_max;scale_step\nx;overall;Tilfredshed på børn;0,5;5;0,5\n".encode("cp1252")
    study, findings = load(write(tmp_path, codebook=codebook, units=None))
    assert study.scale("x") == Scale(0.5, 5, 0.5) and study.labels("da").column("x") == "Tilfredshed på børn"


def test_raw_files_can_lie_elsewhere(tmp_path, monkeypatch):
    folder = write(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "raw" / "answers.csv").rename(elsewhere / "answers.csv")
    assert open_study(folder, raw=elsewhere).sources[0].path == elsewhere / "answers.csv"
    monkeypatch.setenv("DELIGHT_RAW", str(elsewhere))
    assert open_study(folder).sources[0].path == elsewhere / "answers.csv"
    with pytest.raises(StudyError, match="does not exist"):
        open_study(folder, raw=tmp_path / "nowhere")


def test_a_link_out_of_the_study_is_refused(tmp_path):
    folder = write(tmp_path, data=None)
    (tmp_path / "secret.csv").write_text("id\n1\n")
    (folder / "raw" / "answers.csv").symlink_to(tmp_path / "secret.csv")
    assert "escaping_path" in mistakes(folder)


def test_stories_are_listed_by_wave_and_language(tmp_path):
    folder = write(tmp_path)
    (folder / "story").mkdir()
    for name in ("2024-1.nl.md", "2024-1.fr.md", "2025-9.nl.md"):
        (folder / "story" / name).write_text("x")
    study, findings = load(folder)
    assert list(study.story) == [("2024-1", "nl")]
    assert [(f.severity, f.rule, f.file) for f in findings] == [
        ("error", "bad_story_name", "story/2024-1.fr.md"),
        ("warning", "unknown_wave", "story/2025-9.nl.md"),
    ]


def test_an_unknown_role_or_column_asked_for_is_refused_with_the_nearest(tmp_path):
    study = open_study(write(tmp_path))
    with pytest.raises(StudyError, match="'warmt'.* Did you mean 'warmth'"):
        study.measure("warmt")
    with pytest.raises(StudyError, match="no role 'atribute'. Did you mean 'attribute'"):
        study.columns("atribute")


BREAKAGES = {
    "unknown_role": ("role", "rol_unknown"),
    "impossible_scale": ("scale_max", "1"),
    "bad_number": ("scale_min", "one"),
    "unknown_answer_set": ("answer_set", "nowhere"),
    "bad_flag": ("reverse", "perhaps"),
    "bad_level": ("level", "5"),
    "open_role": ("role", "?"),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(BREAKAGES)), min_size=1, max_size=12), st.sampled_from(",;\t"), st.booleans())
def test_every_broken_row_of_a_codebook_is_named(tmp_path, broken, delimiter, with_bom):
    columns = ["column", "role", "scale_min", "scale_max", "answer_set", "reverse", "level"]
    rows = [columns, ["overall", "overall", "1", "10", "", "", ""]]
    for i, rule in enumerate(broken):
        row = dict(zip(columns, [f"q{i}", "attribute", "1", "10", "", "", ""]))
        name, value = BREAKAGES[rule]
        rows.append([*(row | {name: value}).values()])
    text = "\n".join(delimiter.join(r) for r in rows)
    folder = write(tmp_path, codebook=text.encode("utf-8-sig" if with_bom else "utf-8"), units=None)
    found = {(f.rule, f.row, f.column) for f in load(folder)[1] if f.severity == "error"}
    assert found == {(rule, i + 3, f"q{i}") for i, rule in enumerate(broken)}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_no_file_however_broken_brings_the_check_down(tmp_path, content):
    for name in ("toml", "codebook", "answers", "units"):
        study, findings = load(write(tmp_path, **{name: content}))
        assert all(f.message for f in findings)


def test_units_may_write_thousands(tmp_path):
    units = UNITS.replace("B,De Beer,Noord,,10,20", "B,De Beer,Noord,,10,1.250")
    assert open_study(write(tmp_path, units=units)).units["B"].population == 1250

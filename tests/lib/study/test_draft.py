"""A study drafted from exports nobody prepared: made-up ones in many habits, and the real ones."""

import tomllib

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError, StudyError
from delight.study.draft import draft
from delight.study.drafting import likert, profiles, waves
from delight.study.study import load

N = 300


@pytest.fixture
def customers():
    """A generator of ratings that hang together as people's do: points 1 to `high` from one shared opinion."""
    rng = np.random.default_rng(20250101)
    opinion = rng.normal(size=N)

    def rate(high, low=1, shift=0.4, noise=0.8):
        z = (opinion + noise * rng.normal(size=N)) / np.hypot(1, noise)
        middle = low + (high - low) * (0.5 + 0.12 * shift)
        return np.clip(np.rint(middle + z * (high - low) / 4.5), low, high).astype(int)

    rate.rng = rng
    return rate


def drafted(files, tmp_path, **options):
    report = draft(files, name="a-study", folder=tmp_path / "a-study", **options)
    return report, load(report.folder)


def sheet(folder, name):
    return pd.read_csv(folder / name, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def codebook(report):
    return sheet(report.folder, "codebook.csv").set_index("column")


def columns(report, role):
    return [c for c, r in report.roles.items() if r == role]


# ---- exports in many habits ----------------------------------------------------------------------------------------


def test_danish_words_semicolons_and_decimal_commas(tmp_path, customers):
    words = ["Meget utilfreds", "Utilfreds", "Hverken tilfreds eller utilfreds", "Tilfreds", "Meget tilfreds"]
    frame = pd.DataFrame(
        {"Løbenr": range(1, N + 1), "Besvaret den": "14-03-2024 10:15", "Afdeling": customers.rng.choice(["Nord", "Syd", "Øst"], N)}
    )
    for question in ("Hvor tilfreds er du med personalet?", "Hvor tilfreds er du med maden?", "Hvor tilfreds er du med åbningstiderne?"):
        frame[question] = [words[i - 1] for i in customers(5)]
    frame.iloc[:20, 4] = "Ved ikke"
    frame["Hvor tilfreds er du alt i alt?"] = [words[i - 1] for i in customers(5, noise=0.3)]
    frame["Hvor sandsynligt er det, at du vil anbefale os til andre?"] = customers(10, 0)
    frame["Køn"] = customers.rng.choice(["Mand", "Kvinde"], N)
    frame["Har du andre kommentarer?"] = [f"Det var en god oplevelse, men nummer {i} tog lidt tid" if i % 3 else "" for i in range(N)]
    frame["Vægt"] = [f"{0.5 + (i % 11) / 10:.2f}".replace(".", ",") for i in range(N)]
    file = tmp_path / "måling 2024.csv"
    file.write_bytes(frame.to_csv(index=False, sep=";").encode("cp1252"))

    report, (study, findings) = drafted(file, tmp_path)

    assert report.roles["Løbenr"] == "respondent"
    assert report.roles["Afdeling"] == "location"
    assert columns(report, "attribute") == ["tilfreds_personalet", "tilfreds_maden", "tilfreds_abningstiderne"]
    assert columns(report, "overall") == ["tilfreds_alt_alt"]
    assert len(columns(report, "recommend")) == len(columns(report, "comment")) == len(columns(report, "weight")) == 1
    assert report.roles["Køn"] == "background"
    assert "?" not in report.roles.values()
    book = codebook(report)
    assert book.label_da["tilfreds_maden"] == "Hvor tilfreds er du med maden?"
    answers = sheet(report.folder, "answers.csv").set_index("text")
    assert answers.code[words].tolist() == ["1", "2", "3", "4", "5"]
    assert answers.kind["Ved ikke"] == "missing"
    text = report.text()
    assert "Windows-1252, semicolon-separated, decimal comma" in text
    assert "The texts are Danish" in text
    assert study is not None
    assert not [f for f in findings if f.severity == "error"]


def test_german_school_grades_are_turned(tmp_path, customers):
    frame = pd.DataFrame({"lfd. Nr.": range(1, N + 1), "Filiale": customers.rng.choice(["Mitte", "Altona", "Linden", "Mitte West"], N)})
    for thing in ("Beratung", "Freundlichkeit", "Wartezeit", "Sauberkeit"):
        frame[f"{thing} (Schulnote)"] = 7 - customers(6)
    frame["Gesamtzufriedenheit (Schulnote)"] = 7 - customers(6, noise=0.3)
    frame["Weiterempfehlung"] = customers(10, 0)
    frame["Geschlecht"] = customers.rng.choice(["m", "w", "d"], N)
    frame["Alter"] = customers.rng.integers(18, 80, N)
    file = tmp_path / "umfrage.csv"
    frame.to_csv(file, index=False, sep=";")

    report, _ = drafted(file, tmp_path)

    assert len(columns(report, "attribute")) == 4
    assert columns(report, "overall") == ["Gesamtzufriedenheit (Schulnote)"]
    assert columns(report, "recommend") == ["Weiterempfehlung"]
    book = codebook(report)
    assert set(book.reverse[columns(report, "attribute") + columns(report, "overall")]) == {"yes"}
    assert book.reverse["Weiterempfehlung"] == ""
    assert {report.roles["Geschlecht"], report.roles["Alter"]} == {"background"}
    assert report.roles["Filiale"] == "location"


def test_limesurvey_with_dutch_answers(tmp_path, customers):
    words = ["Zeer ontevreden", "Ontevreden", "Neutraal", "Tevreden", "Zeer tevreden"]
    frame = pd.DataFrame({"Antwoord ID": range(5, N + 5), "Datum verstuurd": "2024-05-01 12:00:00", "Laatste pagina": 4, "Begintaal": "nl"})
    for item in ("De openingstijden", "De leidsters", "De maaltijden", "De buitenruimte"):
        frame[f"Hoe tevreden bent u over de volgende onderdelen? [{item}]"] = [words[i - 1] for i in customers(5)]
    frame.iloc[:15, 5] = "N.v.t."
    frame["Alles bij elkaar, welk rapportcijfer geeft u ons?"] = customers(10)
    for item in ("Website", "Buren", "School"):
        frame[f"Hoe kent u ons? [{item}]"] = customers.rng.choice(["Ja", "Nee"], N)
    frame["Totale tijd"] = customers.rng.integers(60, 900, N)
    file = tmp_path / "results-survey.csv"
    frame.to_csv(file, index=False)

    report, (_, findings) = drafted(file, tmp_path)

    assert columns(report, "attribute") == ["openingstijden", "leidsters", "maaltijden", "buitenruimte"]
    assert columns(report, "overall") == ["alles_elkaar_rapportcijfer_geeft"]
    assert report.roles["Antwoord ID"] == "respondent"
    assert {report.roles[c] for c in ("website", "buren", "school")} == {"background"}
    assert codebook(report).label_nl["leidsters"] == "De leidsters"
    answers = sheet(report.folder, "answers.csv").set_index("text")
    assert answers.kind["N.v.t."] == "not_applicable"
    assert "LimeSurvey, full answers" in report.text()
    assert not [f for f in findings if f.severity == "error" and f.rule != "open_role"]


def test_google_forms_in_french(tmp_path, customers):
    words = ["Pas du tout satisfait", "Peu satisfait", "Plutôt satisfait", "Très satisfait"]
    frame = pd.DataFrame({"Horodateur": "12/03/2024 18:01:09"}, index=range(N))
    for thing in ("l'accueil", "la propreté des locaux", "les horaires"):
        frame[f"Êtes-vous satisfait de {thing} ?"] = [words[i - 1] for i in customers(4)]
    frame["Dans l'ensemble, êtes-vous satisfait de notre service ?"] = [words[i - 1] for i in customers(4, noise=0.3)]
    frame["Sur une échelle de 0 à 10, recommanderiez-vous notre service ?"] = customers(10, 0)
    frame["Comment nous avez-vous connus ?"] = customers.rng.choice(["Amis, Internet", "Internet", "Presse, Amis", "Presse"], N)
    frame["Votre âge"] = customers.rng.choice(["18-24 ans", "25-39 ans", "40 ans et plus"], N)
    frame["Que pourrions-nous améliorer ?"] = [f"Il faudrait ouvrir un peu plus tôt le samedi matin, merci {i}" for i in range(N)]
    file = tmp_path / "Questionnaire (réponses).csv"
    frame.to_csv(file, index=False)

    report, _ = drafted(file, tmp_path, language="en")

    assert len(columns(report, "attribute")) == 3
    assert len(columns(report, "overall")) == len(columns(report, "recommend")) == len(columns(report, "comment")) == 1
    assert report.roles["Horodateur"] == "date"
    assert report.roles["Votre âge"] == "background"
    answers = sheet(report.folder, "answers.csv").set_index("text")
    assert answers.code[words].tolist() == ["1", "2", "3", "4"]
    assert "The texts are French; the study speaks English." in report.text()


def test_swedish_names_and_a_code_for_no_answer(tmp_path, customers):
    frame = pd.DataFrame({"lopnr": range(1, N + 1), "butik": customers.rng.choice(["Solna", "Lund", "Umeå"], N)})
    for name in ("bemotande", "kunskap", "vantetid", "sortiment", "priser"):
        frame[name] = customers(5)
        frame.loc[customers.rng.choice(N, 12, replace=False), name] = 99
    frame["helhetsbetyg"] = customers(5, noise=0.3)
    frame["rekommendera"] = customers(10, 0)
    frame["kon"] = customers.rng.choice([1, 2], N)
    frame["alder"] = customers.rng.integers(18, 90, N)
    file = tmp_path / "enkat_2023.tsv"
    frame.to_csv(file, index=False, sep="\t")

    report, (_, findings) = drafted(file, tmp_path)

    assert columns(report, "attribute") == ["bemotande", "kunskap", "vantetid", "sortiment", "priser"]
    assert columns(report, "overall") == ["helhetsbetyg"]
    assert columns(report, "recommend") == ["rekommendera"]
    assert columns(report, "location") == ["butik"]
    book = codebook(report)
    assert set(book.missing_codes[columns(report, "attribute")]) == {"99"}
    assert (book.scale_min["priser"], book.scale_max["priser"]) == ("1", "5")
    assert tomllib.loads((report.folder / "study.toml").read_text())["sources"][0]["wave"] == "2023"
    assert not [f for f in findings if f.severity == "error"]


def test_an_excel_with_title_rows_and_no_telling_names(tmp_path, customers):
    import openpyxl

    book = openpyxl.Workbook()
    page = book.active
    page.append(["Klantonderzoek voorjaar"])
    page.append([])
    page.append(["nr", "v1_1", "v1_2", "v1_3", "v1_4", "v1_5", "v2", "v9"])
    battery = [customers(10) for _ in range(5)] + [customers(10, noise=0.25)]
    for i in range(N):
        page.append([1000 + i, *(int(b[i]) for b in battery), ["a", "b", "c"][i % 3]])
    file = tmp_path / "export.xlsx"
    book.save(file)

    report, _ = drafted(file, tmp_path)

    assert columns(report, "attribute") == ["v1_1", "v1_2", "v1_3", "v1_4", "v1_5"]
    assert report.roles["v2"] == "overall" or report.guesses["v2"] == "overall"  # stands apart and goes with all of them
    assert report.roles["nr"] == "respondent"
    assert report.roles["v9"] == "background"
    assert "2 title rows above the header" in report.text()


def test_portuguese_which_no_list_of_answers_knows_goes_by_its_numbers(tmp_path, customers):
    frame = pd.DataFrame({"id": range(1, N + 1)})
    for item in ("Atendimento", "Limpeza", "Preço", "Rapidez"):
        frame[f"Avalie de 1 a 5: {item}"] = customers(5)
    frame["De modo geral, como avalia a loja?"] = customers(5, noise=0.3)
    file = tmp_path / "pesquisa.csv"
    frame.to_csv(file, index=False)
    report, _ = drafted(file, tmp_path)
    assert len(columns(report, "attribute")) == 4
    assert len(columns(report, "overall")) == 1


def test_dutch_grades_with_decimal_commas_and_a_column_of_years(tmp_path, customers):
    def grades(**options):
        return [f"{g:.1f}".replace(".", ",") for g in np.clip(customers(10, **options) + customers.rng.choice([0, 0.5], N), 1, 10)]

    frame = pd.DataFrame({"klantnr": range(1000, 1000 + N), "jaar": customers.rng.choice([2023, 2024], N)})
    for thing in ("bereikbaarheid", "deskundigheid", "snelheid"):
        frame[f"Belang {thing}"] = customers.rng.integers(5, 11, N)
    for thing in ("bereikbaarheid", "deskundigheid", "snelheid"):
        frame[f"Rapportcijfer {thing}"] = grades()
    frame["Rapportcijfer algemeen"] = grades(noise=0.3)
    frame["Zou u hier opnieuw kopen?"] = customers(5)
    frame["Klacht gehad"] = customers.rng.choice(["Ja", "Nee"], N)
    frame.to_csv(tmp_path / "a.csv", index=False, sep=";")

    report, (_, findings) = drafted(tmp_path / "a.csv", tmp_path)

    assert columns(report, "attribute") == ["Rapportcijfer bereikbaarheid", "Rapportcijfer deskundigheid", "Rapportcijfer snelheid"]
    assert columns(report, "overall") == ["Rapportcijfer algemeen"]
    assert codebook(report).scale_step["Rapportcijfer snelheid"] == "0.5"
    assert len(columns(report, "importance")) == 3
    assert len(columns(report, "repurchase")) == len(columns(report, "incident")) == 1
    assert columns(report, "wave") == ["jaar"]
    assert not [f for f in findings if f.severity == "error"]


def test_answers_in_words_nobody_knows_are_asked_about(tmp_path, customers):
    words = ["Bardzo niezadowolony", "Niezadowolony", "Ani tak, ani nie", "Zadowolony", "Bardzo zadowolony"]
    frame = pd.DataFrame(
        {"id": range(N), **{f"Jak oceniasz {x}?": [words[i - 1] for i in customers(5)] for x in ("ceny", "jakość", "miejsce", "całość")}}
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    report, _ = drafted(tmp_path / "a.csv", tmp_path)
    assert list(report.guesses.values()) == ["attribute"] * 4
    assert "from worst to best" in codebook(report).note.iloc[1]


def test_an_overall_question_in_words_nobody_knows_is_asked_about_too(tmp_path, customers):
    words = ["Ohne Worte", "Naja", "Geht so", "Passt schon", "Leiwand"]
    names = ("Overall satisfaction", "Staff", "Speed", "Price")
    pd.DataFrame({"id": range(N), **{x: [words[i - 1] for i in customers(5)] for x in names}}).to_csv(tmp_path / "a.csv", index=False)
    report, _ = drafted(tmp_path / "a.csv", tmp_path)
    assert report.guesses == {"Overall satisfaction": "overall", "Staff": "attribute", "Speed": "attribute", "Price": "attribute"}


def test_model_outputs_weights_and_ids_are_no_attributes(tmp_path, customers):
    rng = customers.rng
    frame = pd.DataFrame({"customer_id": [f"C{i:05d}" for i in range(N)]})
    for name in ("staff", "speed", "price", "quality"):
        frame[name] = customers(7)
    frame["overall"] = customers(7, noise=0.3)
    frame["predicted_overall"] = customers(7) + 0.37
    frame["churn_probability"] = rng.uniform(size=N).round(4)
    frame["cluster"] = rng.integers(1, 5, N)
    frame["Zstaff"] = ((frame.staff - frame.staff.mean()) / frame.staff.std()).round(6)
    frame["FAC1_1"] = rng.normal(size=N).round(5)
    frame["zipcode"] = rng.integers(10000, 99999, N)
    frame["nps_group"] = rng.choice(["Promoter", "Passive", "Detractor"], N)
    frame["latitude"] = rng.uniform(50, 60, N).round(5)
    for i, place in enumerate(("web", "shop", "phone"), start=1):
        frame[f"channel_{i}_{place}"] = rng.integers(0, 2, N)
    file = tmp_path / "crm.csv"
    frame.to_csv(file, index=False)

    report, _ = drafted(file, tmp_path)

    assert columns(report, "attribute") == ["staff", "speed", "price", "quality"]
    made = ["predicted_overall", "churn_probability", "cluster", "Zstaff", "FAC1_1", "zipcode", "nps_group", "latitude"]
    assert {report.roles[c] for c in made} == {"ignore"}
    assert {report.roles[f"channel_{i}_{p}"] for i, p in ((1, "web"), (2, "shop"), (3, "phone"))} <= {"background", "ignore"}


def test_an_item_that_runs_against_the_others_is_asked_about(tmp_path, customers):
    frame = pd.DataFrame({"id": range(N), **{f"q{i}": customers(7, noise=0.5) for i in range(1, 6)}, "overall": customers(7, noise=0.3)})
    frame["q6"] = 8 - customers(7, noise=0.5)
    frame.to_csv(tmp_path / "a.csv", index=False)
    report, _ = drafted(tmp_path / "a.csv", tmp_path)
    assert report.roles["q6"] == "?"
    assert "reverse = yes" in codebook(report).note["q6"]


def test_two_files_are_two_waves_and_their_headers_are_lined_up(tmp_path, customers):
    def make():
        frame = pd.DataFrame({"respnr": range(N), **{f"Q3{x}": customers(5) for x in ("STAFF", "FOOD", "PRICE", "PLACE")}})
        return frame.assign(Q3ALL=customers(5, noise=0.3), Q9AGE=customers.rng.integers(1, 8, N))

    old, new = make(), make()
    old = old.rename(columns={"respnr": "*RESPNR", "Q9AGE": "Q8AGE"})
    new["NPS"] = customers(10, 0)
    old.to_csv(tmp_path / "meting_2023-1.csv", index=False)
    new.to_csv(tmp_path / "meting_2024-1.csv", index=False)

    report, (study, findings) = drafted([tmp_path / "meting_2024-1.csv", tmp_path / "meting_2023-1.csv"], tmp_path)

    sources = tomllib.loads((report.folder / "study.toml").read_text())["sources"]
    assert [s["wave"] for s in sources] == ["2023-1", "2024-1"]
    assert sources[0]["rename"] == {"*RESPNR": "respnr", "Q8AGE": "Q9AGE"}
    assert "rename" not in sources[1]
    assert columns(report, "overall") == ["Q3ALL"]
    assert columns(report, "recommend") == ["NPS"]
    assert "2024-1: NPS" in report.text()
    assert study is not None
    assert not [f for f in findings if f.severity == "error"]


def test_a_file_of_question_texts_gives_labels(shared, tmp_path):
    folder = shared / "data/member-satisfaction"
    report, _ = drafted([folder / "membersurvey.csv", folder / "question_text.csv"], tmp_path)
    assert codebook(report).label_en["Q13_2"] == "eGroup email forum"
    assert {report.roles[f"Q15_{i}"] for i in range(1, 7)} == {"ignore"}  # rank to item
    assert "holds the question texts" in report.text()


# ---- the real ones -------------------------------------------------------------------------------------------------


def test_airport_waves(shared, tmp_path):
    report, (study, findings) = drafted(sorted((shared / "data/sfo-airport-waves").glob("*.csv")), tmp_path)
    assert columns(report, "overall") == ["Q7ALL"]
    assert columns(report, "recommend") == ["NETPRO"]
    assert columns(report, "weight") == ["WEIGHT"]
    assert columns(report, "location") == ["BAREA"]
    assert columns(report, "respondent") == ["RESPNUM"]
    attributes = columns(report, "attribute")
    assert len(attributes) == 22
    assert all(a.startswith(("Q7", "Q9", "Q13GET", "Q14")) for a in attributes)
    book = codebook(report)
    assert "11" in book.missing_codes["NETPRO"].split(";")
    assert set(book.missing_codes["Q7ALL"].split(";")) == {"0", "6", "Blank"}
    assert (book.scale_min["Q7ART"], book.scale_max["Q7ART"], book.missing_codes["Q7ART"]) == ("1", "5", "0")
    answers = sheet(report.folder, "answers.csv")
    assert answers[answers.answer_set == book.answer_set["Q7ART"]].set_index("code").kind["6"] == "not_applicable"
    sources = tomllib.loads((report.folder / "study.toml").read_text())["sources"]
    assert [s["wave"] for s in sources] == ["2014", "2015", "2016", "2017"]
    assert sources[0]["rename"]["AREA"] == "BAREA"
    assert sources[1]["rename"]["Q18AGE"] == "Q19AGE"
    assert sources[2]["rename"]["*RESPNUM"] == "RESPNUM"
    assert {f.rule for f in findings if f.severity == "error"} <= {"open_role"}
    assert study is None or study


REAL = {
    "mobile-feedback-nps/Mobiles_feedback_4_weeks.sav": dict(
        recommend=["Q8"],
        attribute=[*(f"Q11_{i}" for i in range(1, 4)), *(f"Q12_{i}" for i in range(1, 7))],
        comment=["Q9", "Q10"],
        date=["StartDate"],
        duration=["Duration__in_seconds_"],
        overall=[],
    ),
    "branch-service-es/data.sav": dict(
        respondent=["enc"], overall=["p8"], attribute=[*(f"p5_{i}" for i in range(1, 12)), *(f"p7_{i}" for i in range(1, 8))]
    ),
    "airline-touchpoints/AIRLINE_SURVEY.csv": dict(overall=["o_experience"], respondent=["column_1"]),
    "bank-drivers/satisfaction.sav": dict(overall=["Overall"], attribute=["Fees", "Interest", "Phone", "Branch", "Online", "ATM"]),
    "bank-drivers/bank_tidied.sav": dict(
        overall=["Overall"], weight=["weight"], attribute=["Fees", "Interest", "Phone", "Branch", "Online", "ATM"]
    ),
    "member-satisfaction/membersurvey.csv": dict(
        overall=["Q12_1"], attribute=[*(f"Q13_{i}" for i in range(1, 5)), *(f"Q14_{i}" for i in range(1, 11))], weight=["weight"]
    ),
    "skytrax-lounge/lounge.csv": dict(recommend=["recommended"], comment=["content"], location=["airport"], overall=[]),
    "surveymonkey-star-wars/StarWars.csv": dict(respondent=["RespondentID"], overall=[], attribute=[], recommend=[]),
    "telco-churn/Telco_customer_churn_status.xlsx": dict(overall=["Satisfaction Score"], churned=["Churn"], respondent=["Customer ID"]),
    "copenhagen-housing/housing.csv": dict(overall=["Sat"], weight=["Freq"]),
    "ecsi-mobile/mobi.csv": dict(overall=["CUSA1", "CUSA2", "CUSA3"], expectation=["CUEX1", "CUEX2", "CUEX3"]),
    "corporate-reputation/corp_rep_data.csv": dict(overall=["cusa"]),
}


@pytest.mark.parametrize("file", REAL)
def test_real_exports(shared, tmp_path, file):
    report, (_, findings) = drafted(shared / "data" / file, tmp_path)
    assert {role: columns(report, role) for role in REAL[file]} == REAL[file]
    assert {f.rule for f in findings if f.severity == "error"} <= {"open_role"}


def test_zeros_of_the_airline_are_not_applicable(shared, tmp_path):
    report, (study, findings) = drafted(shared / "data/airline-passengers/test.csv", tmp_path)
    attributes = columns(report, "attribute")
    assert len(attributes) == 14
    assert columns(report, "overall") == ["satisfaction"]
    book = codebook(report)
    assert set(book.scale_min[attributes]) == {"1"}
    answers = sheet(report.folder, "answers.csv")
    zero = answers[answers.answer_set == book.answer_set["Inflight wifi service"]].set_index("code")
    assert zero.kind["0"] == "not_applicable"
    outcome = answers[answers.answer_set == book.answer_set["satisfaction"]].set_index("text").code
    assert outcome.to_dict() == {"neutral or dissatisfied": "0", "satisfied": "1"}
    assert study is not None
    assert not [f for f in findings if f.severity == "error"]


def test_kano_questions_are_paired(shared, tmp_path):
    report, _ = drafted(shared / "data/kano-smart-bed/answers.tsv", tmp_path)
    assert len(columns(report, "kano_functional")) == len(columns(report, "kano_dysfunctional")) == 11
    book = codebook(report)
    assert all(len(g) == 2 for _, g in book[book.pair != ""].groupby("pair"))
    answers = sheet(report.folder, "answers.csv")
    assert answers.set_index("code").text["2"].startswith("Cela est normal")


def test_a_scale_that_changed_on_the_way_is_doubtful(shared, tmp_path):
    report, _ = drafted(shared / "data/skytrax-lounge/lounge.csv", tmp_path)
    assert report.guesses["overall_rating"] == "overall"
    assert "scale may have changed" in codebook(report).note["overall_rating"]


# ---- files and refusals --------------------------------------------------------------------------------------------


def test_the_raw_file_is_copied_unedited_or_only_named(tmp_path, customers):
    file = tmp_path / "a.csv"
    file.write_bytes(b"id;tevredenheid\r\n" + b"".join(f"{i};{v}\r\n".encode() for i, v in enumerate(customers(10))))
    report = draft([file], name="copied", folder=tmp_path / "copied")
    assert (report.folder / "raw/a.csv").read_bytes() == file.read_bytes()
    report = draft([file], name="named", folder=tmp_path / "named", copy=False)
    assert not (report.folder / "raw").exists()
    assert tomllib.loads((report.folder / "study.toml").read_text())["sources"][0]["path"] == "a.csv"


def test_a_study_that_exists_is_never_overwritten(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,overall\n" + "".join(f"{i},{i % 10 + 1}\n" for i in range(30)))
    folder = tmp_path / "x"
    draft([file], name="x", folder=folder)
    before = (folder / "codebook.csv").read_bytes()
    with pytest.raises(StudyError, match="exists already"):
        draft([file], name="x", folder=folder)
    assert (folder / "codebook.csv").read_bytes() == before


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(StudyError, match="letters, digits and dashes"):
        draft(["a.csv"], name="../x")
    with pytest.raises(StudyError, match="speaks en, nl, da, not 'de'"):
        draft(["a.csv"], name="x", language="de")
    with pytest.raises(InputError, match="not there"):
        draft([tmp_path / "none.csv"], name="x", folder=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_column_with_a_name_of_the_feedback_table_gets_another(tmp_path, customers):
    frame = pd.DataFrame({"id": range(N), "overall": customers(10), "weight": customers.rng.integers(50, 99, N)})
    frame.to_csv(tmp_path / "a.csv", index=False)
    report, (_, findings) = drafted(tmp_path / "a.csv", tmp_path)
    assert report.roles["weight_in_file"] == "?"  # a body weight, say: its mean is far from 1
    assert {f.rule for f in findings if f.severity == "error"} == {"open_role"}


# ---- the parts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answers",
    [
        "Helemaal mee oneens|Mee oneens|Neutraal|Mee eens|Helemaal mee eens",
        "Slet ikke|I mindre grad|I nogen grad|I høj grad|I meget høj grad",
        "Helt uenig|Uenig|Hverken enig eller uenig|Enig|Helt enig",
        "Sehr unzufrieden|Unzufrieden|Teils/teils|Zufrieden|Sehr zufrieden",
        "Stimme überhaupt nicht zu|Stimme eher nicht zu|Teils teils|Stimme eher zu|Stimme voll und ganz zu",
        "Pas du tout d'accord|Pas d'accord|Ni d'accord ni pas d'accord|D'accord|Tout à fait d'accord",
        "Mycket missnöjd|Missnöjd|Varken nöjd eller missnöjd|Nöjd|Mycket nöjd",
        "Muy insatisfecho|Insatisfecho|Ni satisfecho ni insatisfecho|Satisfecho|Muy satisfecho",
        "Slecht|Matig|Voldoende|Goed|Uitstekend",
        "Poor|Fair|Good|Very good|Excellent",
        "Much worse than expected|Worse than expected|As expected|Better than expected|Much better than expected",
        "Completely dissatisfied|Very dissatisfied|Dissatisfied|Neutral|Satisfied|Very satisfied|Completely satisfied",
        "1 - Completely uninterested|2|3 - Neutral / Not sure|4|5 - Highly interested",
        "Sehr schlecht|Schlecht|Mittelmäßig|Gut|Sehr gut",
        "Molto insoddisfatto|Insoddisfatto|Neutrale|Soddisfatto|Molto soddisfatto",
    ],
)
def test_worded_answers_are_put_in_order(answers):
    answers = answers.split("|")
    shuffled = sorted(answers, key=lambda t: t[::-1])
    assert list(likert.order(shuffled)) == answers


def test_words_that_are_no_scale_are_not_ordered():
    assert likert.order(["Business travel", "Personal travel"]) is None
    assert likert.order(["Red", "Green", "Blue"]) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            (t, "missing")
            for t in ("Don't know", "Weet niet", "Ved ikke", "Weiß nicht", "Ne sait pas", "Vet ej", "Blank", "NA", "Geen antwoord")
        ),
        *(
            (t, "not_applicable")
            for t in ("N/A", "n.v.t.", "Niet van toepassing", "Ikke relevant", "Trifft nicht zu", "No aplica", "Unfamiliar (N/A)")
        ),
        *((t, "value") for t in ("No", "Never", "Nee", "Neutraal", "Nada satisfecho")),
    ],
)
def test_answers_that_are_none_are_known(text, kind):
    assert likert.kind_of(text) == kind


def test_the_body_of_a_scale_and_its_codes():
    def found(*values, **counts):
        return profiles.body({v: 50 for v in values} | {float(k[1:]): c for k, c in counts.items()})

    assert found(*range(1, 11), 99, 98) == profiles.Body(1, 10, 1, (98, 99))
    assert (found(*range(0, 12)).low, found(*range(0, 12)).high, found(*range(0, 12)).codes) == (0, 10, (11,))
    assert found(1, 2, 3, 4, 5, -99).codes == (-99,)
    assert found(1, 2, 3, 4, 5, 9).codes == (9,)
    assert (found(*range(0, 11)).low, found(*range(0, 11)).codes) == (0, ())
    assert found(*range(100, 400)) is None


def test_waves_are_named_after_what_tells_the_files_apart():
    assert waves.wave_names(["2014_SFO_20250817", "2015_SFO_20250817"]) == ["2014", "2015"]
    assert waves.wave_names(["kto-2024-1", "kto-2024-2"]) == ["2024-1", "2024-2"]
    assert waves.wave_names(["export_2024Q1", "export_2024Q2"]) == ["2024-Q1", "2024-Q2"]
    assert waves.wave_names(["meting voorjaar", "meting najaar"]) == ["voorjaar", "najaar"]


def test_recommending_is_asked_from_0_also_when_nobody_gave_0(tmp_path, customers):
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(N)], "How likely are you to recommend us to a friend?": customers(10, low=2)})
    frame.to_csv(tmp_path / "nps.csv", index=False)

    report, _ = drafted(tmp_path / "nps.csv", tmp_path)

    row = codebook(report).query("role == 'recommend'").iloc[0]
    assert (row["scale_min"], row["scale_max"]) == ("0", "10")
    assert "nobody gave 0" in row["note"]


@pytest.mark.parametrize("header", ["Har du andre kommentarer?", "Opmerkingen", "Any other comments?", "Toelichting"])
def test_a_box_to_write_in_is_a_comment_also_when_few_wrote(tmp_path, customers, header):
    frame = pd.DataFrame({"Hvor tilfreds er du alt i alt? (1-10)": customers(10), "a": customers(10), "b": customers(10)})
    frame[header] = customers.rng.choice(["", "Fint", "Ring til mig på 20 12 34 56", "Alt for dyrt"], N)
    frame.to_csv(tmp_path / "export.csv", index=False)

    report, _ = drafted(tmp_path / "export.csv", tmp_path)

    assert len(columns(report, "comment")) == 1


def test_reasons_in_few_words_are_asked_about(tmp_path, customers):
    frame = pd.DataFrame({"How likely are you to recommend us?": customers(10, low=0)})
    frame["What is the main reason for your score?"] = customers.rng.choice(["Great coffee every time", "Too expensive", "Slow support"], N)
    frame.to_csv(tmp_path / "nps.csv", index=False)

    report, _ = drafted(tmp_path / "nps.csv", tmp_path)

    assert set(report.guesses.values()) == {"comment"}


def test_grades_with_words_for_not_applicable_a_totals_row_and_a_renamed_overall_grade_are_ready_to_check(tmp_path, customers):
    from delight.feedback.table import check
    from openpyxl import Workbook

    for year, overall in (("2024", "Totaalcijfer"), ("2025", "Rapportcijfer totaal")):
        book = Workbook()
        page = book.active
        page.append(["Klanttevredenheid bibliotheek"])
        page.append(["Exportdatum 12-05-2025"])
        parts = ["Rapportcijfer medewerkers", "Rapportcijfer collectie", "Rapportcijfer sfeer"]
        page.append(["Respondentnr", "Vestiging", *parts, overall, "Opmerkingen"])
        grades = [customers(10) - 0.5 * customers.rng.integers(0, 2, N) for _ in range(4)]
        for i in range(N):
            cells = [str(max(g[i], 1.0)).replace(".", ",") for g in grades]
            if i % 17 == 0:
                cells[0] = "n.v.t."
            page.append([1000 + i, "Noord" if i % 2 else "Zuid", *cells, "Fijne plek" if i % 5 else None])
        page.append([None] * 7)
        page.append(["Totaal", None, None, None, None, "7,3", None])
        book.save(tmp_path / f"bieb-{year}.xlsx")

    report, (study, _) = drafted([tmp_path / "bieb-2024.xlsx", tmp_path / "bieb-2025.xlsx"], tmp_path)
    findings = check(study)

    assert columns(report, "overall") == ["Rapportcijfer totaal"]
    assert '"Totaalcijfer" = "Rapportcijfer totaal"  # perhaps: check' in (report.folder / "study.toml").read_text()
    assert "'n.v.t.' = not applicable: Rapportcijfer medewerkers" in report.text()
    assert not [f for f in findings if f.severity == "error"]
    assert [(f.row, f.count) for f in findings if f.rule == "totals_row"] == [(N + 5, 1)] * 2


def test_a_worded_scale_of_which_nobody_gave_the_lowest_point_keeps_it(tmp_path, customers):
    words = ["Meget utilfreds", "Utilfreds", "Hverken tilfreds eller utilfreds", "Tilfreds", "Meget tilfreds"]
    frame = pd.DataFrame({"Hvor tilfreds er du alt i alt?": [words[max(i, 2) - 1] for i in customers(5)]})
    for question in ("Hvor tilfreds er du med maden?", "Hvor tilfreds er du med prisen?"):
        frame[question] = [words[max(i, 2) - 1] for i in customers(5)]
    frame.to_csv(tmp_path / "export.csv", index=False)

    report, (study, _) = drafted(tmp_path / "export.csv", tmp_path)

    book, answers = codebook(report), sheet(report.folder, "answers.csv")
    assert set(zip(book["scale_min"], book["scale_max"])) == {("1", "5")}
    assert book["note"].str.contains("nobody gave the lowest point; taken for a scale of 5: check").all()
    assert answers.set_index("text")["code"].to_dict() == {t: str(i) for i, t in enumerate(words, 1) if i > 1}
    assert str(study.scale(columns(report, "overall")[0])) == "1-5"

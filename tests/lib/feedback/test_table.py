import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.feedback import table
from delight.study import open_study
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.small_study import ANSWERS, CODEBOOK, DATA, TOML, UNITS, write


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("DELIGHT_KEY", "a secret of the tests")


def read(tmp_path, **changes):
    return table.read(write(tmp_path, **changes))


def rules(findings, severity=None):
    return [f.rule for f in findings if severity in (None, f.severity)]


def quality(feedback, column, wave="2024-1"):
    t = feedback.quality.table
    return t[(t["column"] == column) & (t["wave"] == wave)].iloc[0]


def test_answers_are_typed_and_what_is_missing_says_why(tmp_path):
    found = read(tmp_path)
    r = found.responses.sort_values("warmth").reset_index(drop=True)
    assert r["warmth"].tolist() == [6, 7, 8, 10]
    assert r["overall"].tolist()[1:3] == [7, 9] and np.isnan(r["overall"][[0, 3]]).all()  # 99 is declared missing, one is empty
    assert np.isnan(r["speed"][[0, 1, 3]]).all() and r["speed"][2] == 4  # n.v.t., 9 = n.v.t., 0 = blank
    assert r["speed:na"].tolist() == [True, True, False, False]
    assert r["worry"].tolist() == [1, 4, 5, 3]  # turned: 6 - x
    assert r["expected"].tolist()[:3] == [1, 2, 3] and np.isnan(r["expected"][3])
    assert str(r["when"].dtype) == "datetime64[us]" and r["when"][2] == pd.Timestamp("2024-03-01")
    assert r["location"].tolist() == ["B", "A", "A", "B"] and (r["wave"] == "2024-1").all()
    assert r["remark"][0] == "Bel [phone]"
    row = quality(found, "speed")
    assert (row.n, row.n_missing, row.n_missing_code, row.n_not_applicable) == (1, 1, 1, 2) and row.pct_not_applicable == 50
    assert (quality(found, "overall").n, quality(found, "overall").n_missing, quality(found, "overall").n_missing_code) == (2, 2, 1)


def test_attrition_counts_every_row_that_was_left_out(tmp_path):
    data = DATA + ",,,,,,,,\nk1,A,2024-03-01,9,8,4,1,Beter,Fijn\nk6,A,2024-03-09,,,,,,\n"
    found = read(tmp_path, data=data)
    steps = found.attrition.table.set_index("step")
    assert steps["n"].to_dict() == {"read": 7, "blank": 6, "duplicates": 5, "unanswered": 4, "with_outcome": 2}
    assert steps["removed"].to_dict() == {"read": 0, "blank": 1, "duplicates": 1, "unanswered": 1, "with_outcome": 2}
    assert len(found.responses) == 4
    assert {"empty_row", "repeated_row", "unanswered_row"} <= set(rules(found.findings, "warning"))


def test_everything_wrong_with_the_data_is_listed_at_once_with_row_and_count(tmp_path):
    data = DATA.replace("k1,A,2024-03-01,9", "k1,A,2024-03-01,77").replace("Beter", "Betr").replace("k3,B", "k3,Beer")
    folder = write(tmp_path, data=data, codebook=CODEBOOK + "tone,attribute,,,1,10,,,,\n")
    with pytest.raises(InputError) as raised:
        table.read(folder)
    message = str(raised.value)
    assert "have 4 error(s)" in message
    assert "answers.csv, row 2, column 'overall': 1 of 4 answers lie outside 1-10: '77' (once)" in message
    assert "row 2, column 'expected': 1 of 4 answers are unknown: 'Betr' (once). Did you mean 'Beter'?" in message
    assert "The file lacks the column 'tone' (role attribute)" in message
    assert "row 4, column 'place': 1 location(s) of the data are not in units.csv: 'Beer' (1)" in message
    found = table.check(folder)
    assert len([f for f in found if f.severity == "error"]) == 4 and found == table.check(open_study(folder))


def test_check_lists_mistakes_of_study_and_data_together(tmp_path):
    folder = write(tmp_path, toml=TOML.replace("mode", "mod"), data=DATA.replace(",9,8,", ",0,8,"))
    assert set(rules(table.check(folder), "error")) == {"unknown_key", "out_of_scale"}


def test_a_value_outside_its_scale_becomes_missing_only_if_the_study_says_so(tmp_path):
    toml = TOML.replace('language = "nl"', 'language = "nl"\nout_of_scale = "missing"')
    found = read(tmp_path, toml=toml, data=DATA.replace(",9,8,", ",77,8,"))
    finding = next(f for f in found.findings if f.rule == "out_of_scale")
    assert (finding.severity, finding.done, finding.count, finding.row) == ("warning", "set_missing", 1, 2)
    assert quality(found, "overall").n_out_of_scale == 1 == quality(found, "overall").n_out_of_range


def test_an_answer_between_two_points_is_outside_the_scale(tmp_path):
    with pytest.raises(InputError, match=r"outside 1-10: '7\.5' \(once\)"):
        read(tmp_path, data=DATA.replace(",9,8,", ",7.5,8,"))


def test_one_respondent_with_two_answers_in_a_wave_is_an_error_naming_both_rows(tmp_path):
    with pytest.raises(InputError, match=r"1 respondent\(s\) gave different answers .* row 2 and row 6\)"):
        read(tmp_path, data=DATA + "k1,A,2024-03-01,3,8,4,1,Beter,Fijn\n")


def test_the_earliest_of_repeated_answers_is_kept(tmp_path):
    found = read(tmp_path, data=DATA + "k1,A,2024-02-27,9,8,4,1,Beter,Fijn\n")
    kept = found.responses[found.responses["overall"] == 9]
    assert kept["when"].tolist() == [pd.Timestamp("2024-02-27")]


def test_a_person_keeps_the_pseudonym_over_waves_and_nothing_of_the_id_is_left(tmp_path):
    toml = TOML + '\n[[sources]]\npath = "raw/b.csv"\nwave = "2024-2"\n'
    found = read(tmp_path, toml=toml, raw__b_csv=DATA)
    r = found.responses
    assert r.groupby("respondent")["wave"].nunique().tolist() == [2, 2, 2, 2]
    assert r["respondent"].str.fullmatch("[0-9a-f]{16}").all() and (r["id"] == r["respondent"]).all()
    assert found.waves == ["2024-1", "2024-2"] and r["wave"].tolist() == ["2024-1"] * 4 + ["2024-2"] * 4


def test_another_key_gives_other_pseudonyms_and_the_same_everything_else(tmp_path, monkeypatch):
    one = read(tmp_path)
    monkeypatch.setenv("DELIGHT_KEY", "another")
    other = read(tmp_path)
    assert not set(one.responses["respondent"]) & set(other.responses["respondent"])
    ids = ["respondent", "id"]
    pd.testing.assert_frame_equal(one.responses.drop(columns=ids), other.responses.drop(columns=ids))
    assert one.hash == other.hash


def test_columns_asked_in_some_waves_only_and_renamed_ones_line_up(tmp_path):
    toml = TOML + '\n[[sources]]\npath = "raw/b.csv"\nwave = "2024-2"\nrename = {q1 = "overall"}\n'
    second = DATA.replace("overall", "q1").replace("warmth", "other")
    found = read(tmp_path, toml=toml, raw__b_csv=second)
    assert found.responses.groupby("wave")["warmth"].count().to_dict() == {"2024-1": 4, "2024-2": 0}
    assert found.responses.groupby("wave")["overall"].count().to_dict() == {"2024-1": 2, "2024-2": 2}
    row = quality(found, "warmth", "2024-2")
    assert (row.asked, row.n, row.n_missing, row.status) == (False, 0, 0, "insufficient") and np.isnan(row.pct_missing)
    assert [f.column for f in found.findings if f.rule == "column_in_some_waves"] == ["warmth"]


def test_a_column_can_say_the_wave_and_waves_stand_in_natural_order(tmp_path):
    data = "id,round,overall\n" + "".join(f"{i},{w},8\n" for i, w in enumerate(["2024-10", "2024-2", "2024-2", "2023-1"]))
    toml = TOML.replace('wave = "2024-1"\n', "")
    study = open_study(
        write(
            tmp_path,
            toml=toml,
            codebook="column,role,scale_min,scale_max\nid,respondent\nround,wave\noverall,overall,1,10\n",
            data=data,
            units=None,
        )
    )
    assert study.waves == ["2023-1", "2024-2", "2024-10"]
    found = table.read(study)
    assert found.waves == study.waves and found.responses["wave"].tolist() == ["2023-1", "2024-2", "2024-2", "2024-10"]
    assert (found.responses["round"] == found.responses["wave"]).all()


def test_a_study_that_names_no_wave_has_one_called_all(tmp_path):
    found = read(tmp_path, toml=TOML.replace('wave = "2024-1"\n', ""))
    assert found.waves == ["all"] and open_study(tmp_path / "small").newest_wave == "all"


def test_without_ids_every_row_is_a_respondent(tmp_path):
    codebook = CODEBOOK.replace("id,respondent,,,,,,,,\n", "")
    found = read(tmp_path, codebook=codebook, data=DATA + DATA.splitlines()[1] + "\n")
    assert found.responses["respondent"].tolist() == [f"r{i:07d}" for i in range(1, 6)]


def test_locations_are_found_by_name_and_whatever_their_case(tmp_path):
    found = read(tmp_path, data=DATA.replace("k1,A", "k1, de  aap").replace("k2,A", "k2,a"))
    assert sorted(found.responses["location"]) == ["A", "A", "B", "B"]


def test_without_units_spellings_that_differ_in_case_only_are_one_location(tmp_path):
    found = read(tmp_path, units=None, data=DATA.replace("k1,A", "k1,a ").replace("k4,B", "k4,A"))
    assert sorted(found.responses["location"]) == ["A", "A", "A", "B"]
    assert "location_spelling" in rules(found.findings, "warning")


def test_weights_are_checked(tmp_path):
    codebook, data = CODEBOOK + "wgt,weight,,,,,,,,\n", DATA.splitlines()
    good = "\n".join([data[0] + ",wgt", data[1] + ",1.5", data[2] + ",0", data[3] + ",", data[4] + ",2"]) + "\n"
    found = read(tmp_path, codebook=codebook, data=good)
    assert sorted(found.responses["weight"].dropna()) == [0, 1.5, 2]
    assert {"missing_weight", "zero_weight"} <= set(rules(found.findings))
    with pytest.raises(InputError, match=r"column 'wgt': 1 weights are negative \(first: -1\.5\)"):
        read(tmp_path, codebook=codebook, data=good.replace(",1.5", ",-1.5"))
    with pytest.raises(InputError, match="frequency weights are no whole numbers"):
        read(tmp_path, codebook=codebook, data=good, toml=TOML + '[weights]\nkind = "frequency"\n')


def test_an_item_that_runs_against_the_others_and_a_constant_one_are_pointed_out(tmp_path):
    rng = np.random.default_rng(1)
    mood = rng.integers(2, 9, 60)
    rows = [f"{i},8,{m},{m + 1},{11 - m},5" for i, m in enumerate(mood)]
    codebook = "column,role,scale_min,scale_max\nid,respondent\noverall,overall,1,10\n" + "".join(
        f"a{i},attribute,1,10\n" for i in range(1, 5)
    )
    found = read(tmp_path, codebook=codebook, units=None, data="id,overall,a1,a2,a3,a4\n" + "\n".join(rows) + "\n")
    assert [f.column for f in found.findings if f.rule == "against_the_others"] == ["a3"]
    assert sorted(f.column for f in found.findings if f.rule == "constant_column") == ["a4", "overall"]
    assert quality(found, "a3").item_rest_r < -0.5


def test_a_respondents_own_name_and_the_managers_are_taken_out_of_comments(tmp_path):
    data = DATA.replace("remark\n", "remark,Voornaam\n").replace("Fijn\n", "Fijn dat Anja er was voor Tess,Tess\n")
    found = read(tmp_path, data=data, codebook=CODEBOOK + "Voornaam,ignore,,,,,,,,\n")
    assert "Fijn dat [name] er was voor [name]" in found.responses["remark"].tolist()
    assert "Voornaam" not in found.responses and not any(c.startswith("name") for c in found.responses)


def test_spss_labels_and_missing_ranges_are_used(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"id": [1.0, 2, 3, 4], "overall": [9.0, 97, 98, 5], "sex": [1.0, 2, 2, 9], "q": [1.0, 2, 3, 4]})
    folder = write(tmp_path, units=None, codebook="column,role,scale_min,scale_max\nid,respondent\noverall,overall,1,10\nsex,background\nq,attribute,1,5\n",
                   toml=TOML.replace("answers.csv", "answers.sav"))  # fmt: skip
    pyreadstat.write_sav(
        frame,
        str(folder / "raw" / "answers.sav"),
        variable_value_labels={"sex": {1.0: "Man", 2.0: "Vrouw"}},
        missing_ranges={"overall": [{"lo": 97, "hi": 98}], "sex": [9]},
    )
    found = table.read(folder).responses
    assert sorted(found["overall"].dropna()) == [5, 9]
    assert sorted(found["sex"].dropna()) == ["Man", "Vrouw", "Vrouw"]


def test_an_undeclared_code_is_named_with_its_spss_label(tmp_path):
    import pyreadstat

    folder = write(
        tmp_path,
        units=None,
        codebook="column,role,scale_min,scale_max\noverall,overall,1,5\n",
        toml=TOML.replace("answers.csv", "answers.sav"),
    )
    labels = {"overall": {6.0: "Don't know"}}
    pyreadstat.write_sav(pd.DataFrame({"overall": [1.0, 6, 6, 5]}), str(folder / "raw" / "answers.sav"), variable_value_labels=labels)
    with pytest.raises(InputError, match=r"outside 1-5: 6 \(2 times, labelled 'Don't know'\)"):
        table.read(folder)


def test_the_published_traps_of_the_airport_waves_are_avoided(shared, tmp_path):
    folder = shared / "data" / "sfo-airport-waves"
    codebook = (
        "column,role,scale_min,scale_max,answer_set,missing_codes\nRESPNUM,respondent,,,,\nQ7ALL,overall,1,5,rating,blank\n"
        "Q7ART,attribute,1,5,rating,\nNETPRO,recommend,0,10,,11\nWEIGHT,weight,,,,\nBAREA,location,,,,\n"
    )
    answers = "answer_set,code,text,kind\nrating,6,,not_applicable\nrating,0,,missing\n"
    toml = '[study]\nname = "small"\norganisation = "SFO"\n' + "".join(
        f'[[sources]]\npath = "{y}_SFO_Customer_Survey_20250817.csv"\nwave = "{y}"\n'
        + ('rename = {"*RESPNUM" = "RESPNUM"}\n' if y == 2016 else "")
        for y in (2016, 2017)
    )
    found = table.read(open_study(write(tmp_path, toml=toml, codebook=codebook, answers=answers, units=None), raw=folder))
    last = found.responses[found.responses["wave"] == "2017"]
    steps = found.attrition.table.set_index(["wave", "step"])
    unanswered = steps.loc[("2017", "unanswered"), "removed"]  # their NETPRO is 11, too
    assert last["NETPRO"].max() == 10 and quality(found, "NETPRO", "2017").n_missing_code + unanswered == 84
    assert last["Q7ALL"].dropna().between(1, 5).all() and last["Q7ART:na"].sum() > 100
    assert quality(found, "NETPRO", "2016").asked == False  # noqa: E712
    assert found.waves == ["2016", "2017"]


def shuffled(data, order):
    head, *rows = data.strip().split("\n")
    return "\n".join([head, *(rows[i] for i in order)]) + "\n"


MANY = DATA + "k5,A,,5,5,5,5,Beter,\nk6,B,2024-03-06,6,6,2,2,,ja\nk6,B,2024-03-06,6,6,2,2,,ja\n,A,,6,6,2,2,,\n"


ORDERED = {}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(8)))
def test_row_order_never_matters(tmp_path, order):
    assert len(MANY.strip().split("\n")) == 9
    if "plain" not in ORDERED:
        ORDERED["plain"] = read(tmp_path, data=MANY)
    plain, mixed = ORDERED["plain"], read(tmp_path, data=shuffled(MANY, order))
    pd.testing.assert_frame_equal(plain.responses, mixed.responses)
    pd.testing.assert_frame_equal(plain.quality.table, mixed.quality.table)
    pd.testing.assert_frame_equal(plain.attrition.table, mixed.attrition.table)
    assert plain.hash == mixed.hash


def test_another_answer_gives_another_hash(tmp_path):
    assert read(tmp_path).hash != read(tmp_path, data=DATA.replace(",10,0,3", ",9,0,3")).hash


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["1", "10", "5,0", "7", "", "99", "11", "0", "x", "n.v.t.", "8.0", " 9 "]), min_size=1, max_size=12))
def test_every_cell_of_a_rating_is_accounted_for(tmp_path, cells):
    codebook = "column,role,scale_min,scale_max,missing_codes\nid,respondent\noverall,overall,1,10,99;n.v.t.\n"
    data = "id;overall\n" + "".join(f"{i};{c}\n" for i, c in enumerate(cells))
    study = open_study(write(tmp_path, codebook=codebook, data=data, units=None))
    findings = table.check(study)
    wrong = {"out_of_scale": sum(c in ("11", "0") for c in cells), "unknown_answer": cells.count("x")}
    assert {f.rule: f.count for f in findings if f.rule in wrong} == {r: n for r, n in wrong.items() if n}
    answered = [float(c.replace(",", ".")) for c in cells if c.strip() in ("1", "10", "5,0", "7", "8.0", "9")]
    if not any(wrong.values()) and answered:
        assert sorted(table.read(study).responses["overall"].dropna()) == sorted(answered)


def test_an_answer_set_maps_stray_spellings_of_a_location(tmp_path):
    codebook = CODEBOOK.replace("place,location,Place,Locatie,,,,", "place,location,Place,Locatie,,,,sites")
    answers = ANSWERS + "sites,A,A,,,\nsites,A,Aapje,,,\nsites,B,B,,,\n"
    found = read(tmp_path, codebook=codebook, answers=answers, data=DATA.replace("k1,A", "k1,Aapje"), units=UNITS)
    assert sorted(found.responses["location"]) == ["A", "A", "B", "B"]


def test_kano_answers_in_words_become_codes_and_a_column_may_be_named_by_its_long_header(shared, tmp_path):
    """kano-smart-bed: massage is attractive for 15 of 29, indifferent for 9, reverse for 3 and one-dimensional for 2."""
    import csv
    import json

    folder = shared / "data" / "kano-smart-bed"
    with open(folder / "answers.tsv", encoding="utf-8") as file:
        header = next(csv.reader(file, delimiter="\t"))
    codes = json.loads((folder / "answer_options.json").read_text(encoding="utf-8"))
    rows = [["column", "role", "answer_set", "pair"], [header[0], "date", "", ""]]
    rows += [[c, "kano_dysfunctional" if i % 2 else "kano_functional", "kano", f"feature{i // 2}"] for i, c in enumerate(header[1:])]
    small = write(tmp_path, units=None, data=None, toml=TOML.replace("raw/answers.csv", "answers.tsv"))
    for name, table_ in (
        ("codebook.csv", rows),
        ("answers.csv", [["answer_set", "code", "text"], *(["kano", c, t] for t, c in codes.items())]),
    ):
        with open(small / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(table_)
    found = table.read(open_study(small, raw=folder)).responses
    massage = [i for i, c in enumerate(header) if "massage" in c]
    pairs = found[[header[i] for i in massage]].value_counts()
    kinds = {"A": 0, "I": 0, "O": 0}
    for (functional, dysfunctional), n in pairs.items():
        middle = 2 <= dysfunctional <= 4
        kind = (
            "A"
            if functional == 1 and middle
            else "O"
            if (functional, dysfunctional) == (1, 5)
            else "I"
            if 2 <= functional <= 4 and middle
            else None
        )
        if kind:
            kinds[kind] += n
    assert len(found) == 29 and kinds == {"A": 15, "I": 9, "O": 2}
    assert found[header[0]].min().day == 12  # day first


def two_waves(tmp_path, numbers, fieldwork=""):
    folder = write(tmp_path, units=None, codebook="column,role,scale_min,scale_max\nid,respondent\noverall,overall,1,10\n")
    for wave, ids in zip(("a", "b"), numbers):
        (folder / "raw" / f"{wave}.csv").write_text("id,overall\n" + "".join(f"{i},{1 + k % 10}\n" for k, i in enumerate(ids)))
    sources = "".join(f'[[sources]]\npath = "raw/{wave}.csv"\nwave = "{wave}"\n' for wave in "ab")
    head = f'[study]\nname = "{folder.name}"\norganisation = "X"\nlanguage = "en"\n'
    (folder / "study.toml").write_text(head + sources + fieldwork)
    return table.read(folder)


def people(found):
    return found.responses.groupby("respondent").ngroups


def test_running_numbers_that_start_anew_in_a_wave_are_other_people(tmp_path):
    found = two_waves(tmp_path, (range(1, 41), range(1, 51)))
    assert people(found) == 90 and "numbered_anew" in rules(found.findings, "info")


def test_customer_numbers_stay_the_same_person_over_waves(tmp_path):
    found = two_waves(tmp_path, (range(1000, 1400, 10), range(1200, 1600, 10)))
    assert people(found) == 60 and "numbered_anew" not in rules(found.findings)


def test_a_study_may_declare_whether_a_number_names_one_person_throughout(tmp_path):
    assert people(two_waves(tmp_path / "same", (range(1, 41), range(1, 51)), "[fieldwork]\npanel = true\n")) == 50
    assert people(two_waves(tmp_path / "other", (range(1000, 1400, 10),) * 2, "[fieldwork]\npanel = false\n")) == 80

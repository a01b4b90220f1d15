"""The real studies are read as their sources describe them: rows, missing, not applicable, weights and waves. No kernel, no report."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from delight.feedback import table
from delight.study import open_study

HERE = Path(__file__).parent
STUDIES = sorted(p.parent.name for p in HERE.glob("*/study.toml"))
#: Items of the airport survey asked with 0 = blank and 6 = never used.
AIRPORT_YEARS = ("2014", "2015", "2016", "2017")


@pytest.fixture(scope="module")
def read(shared):
    """The feedback table of a study, read once."""
    found = {}

    def of(name):
        if name not in found:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("DELIGHT_KEY", "a secret of the tests")
                found[name] = table.read(open_study(HERE / name, raw=shared / "data" / name))
        return found[name]

    return of


def quality(feedback, wave=None):
    """Counts by column, of one wave."""
    t = feedback.quality.table
    return t[t["wave"] == (wave or t["wave"].iloc[0])].set_index("column")


def rules(feedback):
    return {f.rule for f in feedback.findings}


def airport(shared, year):
    """The raw answers of one year, as text."""
    return pd.read_csv(
        shared / "data" / "sfo-airport-waves" / f"{year}_SFO_Customer_Survey_20250817.csv",
        dtype=str,
        keep_default_na=False,
        encoding="utf-8",
    )


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_names_every_question_in_three_languages(name, shared):
    study = open_study(HERE / name, raw=shared / "data" / name)
    asked = study.codebook[~study.codebook["role"].isin(["ignore", "respondent", "weight"])]
    for language in ("en", "nl", "da"):
        assert asked.index[asked[f"label_{language}"].fillna("") == ""].tolist() == [], language
    assert study.labels("nl").columns != study.labels("en").columns != study.labels("da").columns


# ---- mobile-feedback-nps ---------------------------------------------------------------------------------------------


def test_the_phone_survey_has_453_promoters_295_passives_and_147_detractors(read):
    r = read("mobile-feedback-nps").responses
    assert len(r) == 895 and r["Q8"].notna().all()
    assert [(r["Q8"] >= 9).sum(), r["Q8"].between(7, 8).sum(), (r["Q8"] <= 6).sum()] == [453, 295, 147]


def test_dont_know_on_effort_is_missing_and_never_a_six(read):
    r, q = read("mobile-feedback-nps").responses, quality(read("mobile-feedback-nps"))
    effort = [f"Q12_{i}" for i in range(1, 7)]
    assert r[effort].max().max() == 5
    assert q.loc[effort, "n_missing"].tolist() == [24, 22, 44, 71, 137, 56]
    assert q.loc[["Q8", "Q11_1", "Q11_2", "Q11_3"], "n_missing"].tolist() == [0, 0, 0, 0]


# ---- branch-service-es -----------------------------------------------------------------------------------------------


def test_repeated_rows_of_the_branches_are_reported_and_kept(read):
    found = read("branch-service-es")
    assert len(found.responses) == 4231
    (finding,) = [f for f in found.findings if f.rule == "identical_rows"]
    assert finding.count == 1132 and finding.severity == "warning"
    assert found.attrition.table["removed"].sum() == 0


def test_a_sixth_of_the_branches_answers_is_the_same_grade_throughout_and_is_kept(read):
    found = read("branch-service-es")
    items = [c for c in found.responses if c.startswith(("p5_", "p7_"))]
    straight = found.responses[items].nunique(axis=1).eq(1)
    assert len(items) == 18 and straight.mean() == pytest.approx(0.159, abs=0.0005)
    flags = found.flags.table
    assert (flags["flag"] == "no_variation").sum() == straight.sum()
    t = found.flagged.table.set_index(["flag", "band"])
    assert t.loc[("mahalanobis", "low"), "share_flagged"] == pytest.approx(0.41, abs=0.005)  # methods M01
    without = found.sensitivity.table.set_index("flag")["mean_without"]
    assert without["mahalanobis"] == pytest.approx(8.88, abs=0.005) and without["no_variation"] == pytest.approx(8.57, abs=0.005)


# ---- airline-passengers ----------------------------------------------------------------------------------------------

NOT_APPLICABLE = {
    "Departure/Arrival time convenient": 1381,
    "Ease of Online booking": 1195,
    "Inflight wifi service": 813,
    "Online boarding": 652,
    "Leg room service": 126,
    "Food and drink": 25,
    "Inflight entertainment": 4,
    "On-board service": 2,
    "Inflight service": 2,
    "Cleanliness": 2,
}


def test_a_zero_of_the_airline_is_not_applicable_and_neither_poor_nor_missing(read):
    found = read("airline-passengers")
    q = quality(found)
    ratings = q[q["role"] == "attribute"]
    assert len(ratings) == 14 and ratings["n_missing"].sum() == 0
    assert ratings["n_not_applicable"][ratings["n_not_applicable"] > 0].to_dict() == NOT_APPLICABLE
    assert found.responses[list(ratings.index)].min().min() == 1
    assert found.responses["Inflight wifi service:na"].sum() == 813 and "Baggage handling:na" not in found.responses


def test_the_airlines_outcome_is_yes_or_no(read):
    r = read("airline-passengers").responses
    assert len(r) == 25_976 and r["satisfaction"].value_counts().to_dict() == {0.0: 14_573, 1.0: 11_403}


# ---- sfo-airport-waves -----------------------------------------------------------------------------------------------


def test_the_airports_years_are_in_order_with_every_row_accounted_for(read):
    found = read("sfo-airport-waves")
    assert tuple(found.waves) == AIRPORT_YEARS
    steps = found.attrition.table.set_index(["wave", "step"])["n"]
    assert [steps[y, "read"] for y in AIRPORT_YEARS] == [2818, 2958, 3087, 2831]
    assert [steps[y, "unanswered"] for y in AIRPORT_YEARS] == found.responses["wave"].value_counts()[list(AIRPORT_YEARS)].tolist()


def test_blank_never_used_and_ratings_of_the_airport_are_kept_apart(read, shared):
    found = read("sfo-airport-waves")
    asked = found.quality.table
    items = sorted(asked.loc[asked["role"].isin(["attribute", "overall"]), "column"].unique())
    assert len(items) == 24
    kept = found.responses.set_index("wave")
    for year in AIRPORT_YEARS:
        raw, q = airport(shared, year), quality(found, year)
        empty = found.attrition.table.set_index(["wave", "step"]).loc[(year, "unanswered"), "removed"]  # rows of blanks and sixes only
        for item in items:
            if item not in raw:
                assert not q.loc[item, "asked"]
                continue
            given = raw[item].str.strip()
            assert q.loc[item, "n"] == given.isin(list("12345")).sum(), (year, item)
            assert 0 <= (given == "6").sum() - q.loc[item, "n_not_applicable"] <= empty, (year, item)
        assert kept.loc[year, items].max().max() == 5 and kept.loc[year, items].min().min() == 1
    assert (airport(shared, "2017")["Q7ALL"] == "Blank").sum() == 143 and quality(found, "2017").loc["Q7ALL", "n"] == 2688


def test_eleven_is_a_blank_and_no_promoter(read, shared):
    found, raw = read("sfo-airport-waves"), airport(shared, "2017")["NETPRO"]
    assert ((raw == "11").sum(), (raw == "").sum()) == (84, 1)
    answers = found.responses.loc[found.responses["wave"] == "2017", "NETPRO"]
    assert answers.max() == 10 and answers.notna().sum() == 2831 - 85
    assert found.responses.loc[found.responses["wave"] != "2017", "NETPRO"].isna().all()


def test_renamed_columns_of_the_airport_line_up(read, shared):
    found = read("sfo-airport-waves").responses
    for year in AIRPORT_YEARS:
        mine, raw = found[found["wave"] == year], airport(shared, year)
        area = raw["AREA" if year == "2014" else "BAREA"]
        assert mine["location"].value_counts().le(area.value_counts()).all() and set(mine["location"]) == set("ABCDEFG")
        assert mine["respondent"].is_unique and mine["AGE"].notna().mean() > 0.9
    assert set(found["AGE"].dropna()) == set("1234567")  # no "Under 32" of a spreadsheet dragged down


def test_numbers_that_start_anew_every_year_are_not_the_same_passengers(read):
    assert read("sfo-airport-waves").responses["respondent"].is_unique


def test_weights_of_the_airport_are_read(read, shared):
    r = read("sfo-airport-waves").responses
    for year in AIRPORT_YEARS:
        mine, raw = r[r["wave"] == year], airport(shared, year)
        assert mine["weight"].notna().all() and mine["weight"].sum() == pytest.approx(raw["WEIGHT"].astype(float).sum(), rel=0.005)
        assert np.ptp(mine["weight"]) > 0


# ---- ecsi-mobile -----------------------------------------------------------------------------------------------------


def test_the_index_survey_has_250_rows_and_nothing_missing(read):
    found = read("ecsi-mobile")
    assert len(found.responses) == 250 and quality(found)["n_missing"].sum() == 0
    assert "identical_rows" not in rules(found)
    assert found.responses["CUSA1"].value_counts()[[7, 8, 9]].tolist() == [50, 109, 29]  # methods M06

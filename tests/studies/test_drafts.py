"""`delight new` on the real exports: what a person decided by hand is drafted rightly or left open, and never turned into a rating."""

from pathlib import Path

import pandas as pd
import pytest
from delight.feedback import table
from delight.study import open_study
from delight.study.draft import draft

HERE = Path(__file__).parent
STUDIES = sorted(p.parent.name for p in HERE.glob("*/study.toml"))
#: Ids, dates, times, places and persons: none of these is ever a rating or an outcome.
NEVER_RATED = {
    "airline-passengers": ["column_1", "id", "Gender", "Customer Type", "Age", "Type of Travel", "Class", "Flight Distance"]
    + ["Departure Delay in Minutes", "Arrival Delay in Minutes"],
    "branch-service-es": ["enc"],
    "ecsi-mobile": [],
    "kano-smart-bed": ["Horodateur"],
    "mobile-feedback-nps": [
        "StartDate",
        "Duration__in_seconds_",
        *(f"Q{i}" for i in range(1, 6)),
        *(f"Q6_{i}_r" for i in range(1, 9)),
        "Q7",
    ],
    "sfo-airport-waves": ["RESPNUM", "CCGID", "RUNID", "INTDATE", "DAY", "GATE", "BAREA", "STRATA", "PEAK", "METHOD", "AIRLINE", "FLIGHT"]
    + ["DESTGEO", "ARRTIME", "DEPTIME", "HOWLONG", "Q17ZIP", "Q19AGE", "Q20GENDER", "Q21INCOME", "LANG", "WEIGHT", "Q8COM1", "Q9COM1"],
}
#: Roles whose columns are rated by customers.
RATED = {
    "attribute",
    "overall",
    "recommend",
    "repurchase",
    "stayed",
    "importance",
    "need",
    "emotion",
    "expectation",
    "disconfirmation",
    "item",
}


@pytest.fixture(scope="module")
def drafted(shared, tmp_path_factory):
    """The draft of each export, made once."""
    found = {}

    def of(name):
        if name not in found:
            raw = shared / "data" / name
            files = sorted([*raw.glob("*.csv"), *raw.glob("*.sav"), *raw.glob("*.tsv")])
            found[name] = draft(files, name=name, folder=tmp_path_factory.mktemp("drafts") / name, copy=False)
        return found[name]

    return of


def sheet(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig").set_index("column")


def by_hand(name):
    return sheet(HERE / name / "codebook.csv")["role"]


@pytest.mark.parametrize("name", STUDIES)
def test_what_a_person_chose_is_drafted_or_left_open(drafted, name):
    report, chosen = drafted(name), by_hand(name)
    for column in chosen.index[chosen == "item"]:  # a question of a construct looks like any rating; a person says of which
        assert report.roles[column] in ("item", "attribute", "overall", "?"), column
    chosen = chosen[~chosen.isin(["ignore", "item"])]
    roles = {c: report.roles[c] for c in chosen.index if c in report.roles}
    assert len(roles) >= len(chosen) - 1  # the airport's AGE is drafted under one of the four years' names
    right = [c for c, role in roles.items() if role == chosen[c]]
    wrong = {c: role for c, role in roles.items() if role not in (chosen[c], "?")}
    assert wrong == {} and len(right) >= 0.8 * len(roles)
    assert all(report.guesses[c] in RATED for c, role in roles.items() if role == "?")


@pytest.mark.parametrize("name", STUDIES)
def test_ids_dates_times_and_persons_are_never_rated(drafted, name):
    report = drafted(name)
    for column in NEVER_RATED[name]:
        assert report.roles[column] not in RATED and report.guesses.get(column) not in RATED, column


@pytest.mark.parametrize("name", STUDIES)
def test_a_draft_with_its_doubts_settled_has_no_error(drafted, shared, monkeypatch, name):
    monkeypatch.setenv("DELIGHT_KEY", "a secret of the tests")
    report, chosen = drafted(name), by_hand(name)
    path = report.folder / "codebook.csv"
    book = sheet(path)
    for column in book.index[book["role"] == "?"]:
        book.loc[column, "role"] = chosen.get(column, "ignore")
        book.loc[column, "construct"] = sheet(HERE / name / "codebook.csv")["construct"].get(column, "")
    book.reset_index().to_csv(path, index=False)
    raw = shared / "data" / name
    assert [f for f in table.check(report.folder, raw=raw) if f.severity == "error"] == []
    study = open_study(report.folder, raw=raw)
    found, ours = table.read(study), table.read(open_study(HERE / name, raw=raw))
    assert len(found.responses) >= len(ours.responses)
    assert study.outcome == ours_outcome(name)


def ours_outcome(name):
    roles = by_hand(name)
    return next((c for role in ("overall", "recommend") for c in roles.index[roles == role]), None)


def test_a_drafted_study_keeps_the_labels_of_the_file_with_their_accents(drafted):
    book = sheet(drafted("branch-service-es").folder / "codebook.csv")
    labels = book[[c for c in book if c.startswith("label_")]].agg(" ".join, axis=1)
    assert "TIEMPO DE ATENCIÓN BRINDADA" in labels["p5_9"] and "SATISFACCIÓN POR LA ATENCIÓN" in labels["p8"]
    assert "Número de encuesta" in labels["enc"] and "DISEÑO" in labels["p7_5"]

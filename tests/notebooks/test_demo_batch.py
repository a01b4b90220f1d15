"""The batch of the demo by location, and an onlooker who holds everything that it delivers."""

import re
import subprocess
import sys
from html import unescape

import openpyxl
import pandas as pd
import pytest
from delight.feedback import privacy
from delight.feedback.table import read
from delight.study import open_study

from tests.tools.attack import Delivered, attacks, recovered

STUDY, WAVE = "kinderopvang-demo", "2025-1"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_nothing_that_the_demos_batch_delivers_gives_a_hidden_location_away(root, reports, report):
    options = ["--by", "location", "--languages", "nl", "--formats", "html,xlsx", "--workers", "2", "--out", str(reports)]
    done = subprocess.run([sys.executable, "-m", "delight", "batch", STUDY, *options], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    plan = privacy.Plan.load(reports / ".work" / STUDY / WAVE / "plan")
    study = open_study(root / "data" / "studies" / STUDY)
    responses = read(study).responses
    responses = responses[responses["wave"] == WAVE]
    labels = {unit.location: unit.label for unit in study.units.values()}
    hidden = {place for place in responses["location"].unique() if not plan.shown("location", place, WAVE)}
    names = {place: study.labels("nl").location(place) for place in hidden} if hidden else {}
    assert len(hidden) > 1 and set(names.values()).isdisjoint(hidden)

    delivered = {
        found.about["location"]: found for found in map(Delivered, sorted(p.parent for p in reports.glob(f"{STUDY}/{WAVE}/*/run.json")))
    }
    assert set(delivered) == {"", *responses["location"].unique()}
    customers = lambda question: _customers(study, plan, responses, question)  # noqa: E731
    found = attacks(delivered.values(), responses, labels, customers)
    assert {measure for measure, _ in found} >= {
        "overall",
        "delighted",
        "recommend",
        "feedback.response",
        "index",
        *study.meeting("attribute"),
    }
    assert not recovered(found, plan, WAVE, lambda measure: (0, 1) if measure == "delighted" else _ends(study, measure))

    ledger = pd.read_parquet(reports / "batch" / "ledger.parquet").set_index("location")
    figures = ["n", *[f"{name}{limit}" for name in ("mean", "delighted", "nps") for limit in ("", "_lo", "_hi")]]
    assert ledger.loc[sorted(hidden), figures].isna().all().all() and ledger.loc["", "n"] > 1900
    rows = _rows((reports / "batch" / "index.html").read_text(encoding="utf-8"))
    assert not [
        row for row in rows if set(row) & set(names.values()) and any(re.fullmatch(r"[+−]?\d+([.,]\d+)?\s?%?", cell) for cell in row)
    ]
    for place, one in delivered.items():
        assert not _figures_of(one, names), place


def _customers(study, plan, responses, question):
    """By how much an answer at each location counts: customers by answer, of hidden locations of a label together."""
    column = "overall" if question == "delighted" else question
    answers = responses[responses[column].notna()]["location"].value_counts()
    place = {name: plan.together(WAVE, column).get(name, name) for name in answers.index}
    people = pd.Series(study.design().population).reindex(answers.index)
    of_place = people.groupby(place).sum() / answers.groupby(place).sum()
    return {name: of_place[place[name]] for name in answers.index}


def _ends(study, question):
    scale = study.scale(question)
    return scale.min, scale.max


def _rows(page):
    """Cells of every row of every table of a page."""
    rows = re.findall(r"<tr.*?</tr>", re.sub(r"<svg.*?</svg>", "", page, flags=re.S), flags=re.S)
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<t[dh].*?</t[dh]>", row, flags=re.S)] for row in rows]


def _figures_of(report, names):
    """Rows of page and workbook that name a hidden location and hold a figure."""
    rows = _rows((report.folder / "nl" / "report.html").read_text(encoding="utf-8"))
    book = openpyxl.load_workbook(report.folder / "nl" / "tables.xlsx", read_only=True)
    rows += [["" if cell is None else str(cell) for cell in row] for sheet in book.worksheets for row in sheet.iter_rows(values_only=True)]
    said = {*names, *names.values()}
    about = [
        [cell for cell in row if not any(name in cell for name in said)]
        for row in rows
        if any(name in cell for cell in row for name in said)
    ]
    return [row for row in about if any(re.search(r"\d", cell) for cell in row)]

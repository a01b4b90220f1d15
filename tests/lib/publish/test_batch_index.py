"""The overview and the ledger of a batch: what they show of reports that were made, failed and are hidden."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pandas as pd
import pytest
from delight.publish.batch import index, ledger
from delight.publish.batch.jobs import Job, Outcome
from delight.publish.batch.plan import Batch

JOB = Job("/s/alfa", "alfa", "alfa", "Alfa <b>& co", "2025", "", ("en", "nl"), ("html", "pdf"), (), "", "/out", "/home")
MADE = Outcome(
    JOB,
    "made",
    files={"en": {"html": "alfa/2025/whole/en/report.html"}, "nl": {"html": "alfa/2025/whole/nl/report.html"}},
    headline={"n": 1234, "mean": [7.25, 7.0, 7.5], "delighted": [0.3, 0.25, 0.35]},
    warnings=("No PDF was made.",),
    seconds=75.0,
)
FAILED = Outcome(replace(JOB, location="Ærø"), "failed", error='KeyError: "<x>"\nmore', chapter="50-drivers", cell=7, seconds=3.0)
LEFT_OUT = Outcome(replace(JOB, name="beta", location="B"), "left_out", error="The whole failed.")


def page(outcomes, language="en", **options):
    batch = Batch("night", language, [JOB], "/out", {})
    return index.page(batch, outcomes, started=datetime(2025, 3, 1, tzinfo=UTC), seconds=80, **options)


class Rows(HTMLParser):
    """Cells of the table, their sort values, and every link."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.values, self.links, self._in = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "tr":
            self.rows.append([])
            self.values.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.values[-1].append(attributes.get("data-value"))
            self._in = True
        if tag == "a":
            self.links.append(attributes["href"])

    def handle_endtag(self, tag):
        self._in = self._in and tag not in ("td", "th")

    def handle_data(self, data):
        if self._in:
            self.rows[-1][-1] += data


def test_the_overview_shows_every_report_with_its_numbers_and_links():
    found = Rows(page([MADE, FAILED, LEFT_OUT]))
    head, made, failed, left_out = [[re.sub(r"\s+", " ", cell).strip() for cell in row] for row in found.rows]
    assert head == ["Study", "Wave", "Location", "Answers", "Mean grade", "Delighted", "NPS", "Status", "Time", "Remarks", "Report"]
    assert made[:10] == [
        *("Alfa <b>& co", "2025", "The whole organisation", "1,234", "7.27.0–7.5", "30%25%–35%", "–", "made", "1 min 15 s"),
        "1No PDF was made.",
    ]
    assert found.values[1][3:7] == ["1234", "7.25", "0.3", ""] and found.values[1][8] == "75.0"
    assert "Chapter 50-drivers, cell 7" in failed[7] and 'KeyError: "<x>" more' in failed[7]
    assert "delight run alfa --wave 2025 --location" in failed[7] and failed[4:7] == ["–"] * 3
    assert "not made" in left_out[7] and "delight run" not in left_out[7]
    assert found.links == ["../alfa/2025/whole/en/report.html", "../alfa/2025/whole/nl/report.html", "ledger.parquet"]


def test_the_overview_stands_on_its_own_and_escapes_what_clients_wrote():
    text = page([MADE, FAILED])
    assert "Alfa &lt;b&gt;&amp; co" in text and "<x>" not in text
    assert not re.findall(r'(?:src|href)="(?!\.\./|ledger\.parquet)', text) and "url(http" not in text and "@import" not in text
    assert text.count("<th scope=") == 11 + 2 and "<caption" in text and '<html lang="en">' in text


@pytest.mark.parametrize(
    ("language", "words"), [("nl", ("De hele organisatie", "mislukt", "7,2")), ("da", ("Hele organisationen", "mislykket", "7,2"))]
)
def test_the_overview_speaks_the_language_of_the_batch(language, words):
    text = page([MADE, FAILED], language)
    assert all(word in text for word in words) and "The whole organisation" not in text


def test_an_unfinished_batch_says_what_is_left():
    assert "2 reports are still to be made" in page([MADE], to_do=2)
    assert "All are complete." in page([MADE]) and "1 of them failed." in page([MADE, FAILED])


def test_the_ledger_has_a_row_for_each_report_and_language(tmp_path):
    (tmp_path / "ledger.parquet").write_bytes(ledger.as_bytes(ledger.table([FAILED, MADE, LEFT_OUT])))
    found = pd.read_parquet(tmp_path / "ledger.parquet")
    assert list(found.columns) == ledger.COLUMNS and len(found) == 6
    assert list(zip(found.study, found.location, found.language, found.status))[:4] == [
        ("alfa", "", "en", "made"),
        ("alfa", "", "nl", "made"),
        ("alfa", "Ærø", "en", "failed"),
        ("alfa", "Ærø", "nl", "failed"),
    ]
    first, last = found.iloc[0], found.iloc[3]
    assert (first.n, first["mean"], first.mean_lo, first.html) == (1234, 7.25, 7.0, "alfa/2025/whole/en/report.html")
    assert pd.isna(first.nps) and pd.isna(last.n) and last.cell == 7 and "KeyError" in last.error


def test_an_empty_ledger_has_its_columns_too():
    assert list(ledger.table([]).columns) == ledger.COLUMNS

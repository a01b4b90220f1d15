"""The next wave of a study: segments that were confirmed, words that still hold, and the comparison with the wave before in every format."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from delight.publish.order import settle
from delight.publish.run import make
from delight.result import Result
from delight.segments import SegmentModel
from delight.show import Words

from tests.lib.segments.made_up_parents import ITEMS, parents

pytestmark = pytest.mark.long

TOML = """[study]
name = "parents"
organisation = "Parents & Co"
language = "en"

[segments]
needs = "rating"
"""
SOURCE = '\n[[sources]]\npath = "{0}.csv"\nwave = "{0}"\n'
CHAPTERS = ("feedback", "satisfaction", "segments", "summary")
#: What a person calls the three groups that were found.
NAMES = ["Enjoys quality", "Wants to learn", "Wants to be relieved"]


def add_wave(study, wave, *, seed, better=0.0):
    """Answers of a wave, and its source in study.toml."""
    frame, _ = parents(300, seed=seed)
    rng = np.random.default_rng(seed)
    frame = frame.rename(columns={"respondent": "id"})
    frame["id"] = wave + frame["id"]
    frame["overall"] = np.clip(np.rint(rng.normal(7.2 + better, 1.3, len(frame))), 1, 10).astype(int)
    frame["recommend"] = np.clip(frame["overall"] + rng.integers(-1, 2, len(frame)), 0, 10)
    frame.to_csv(study / f"{wave}.csv", index=False)
    with (study / "study.toml").open("a") as file:
        file.write(SOURCE.format(wave))


@pytest.fixture(scope="module")
def waves(root, tmp_path_factory):
    """Reports of two waves; after the first, a consultant confirmed its segments and wrote a story."""
    folder = tmp_path_factory.mktemp("refresh")
    study = folder / "parents"
    study.mkdir()
    (study / "study.toml").write_text(TOML)
    needs = "".join(f"{item},need,Wish {item[-1]},1,5\n" for item in ITEMS)
    asked = "overall,overall,Grade,1,10\nrecommend,recommend,Recommend,0,10\n"
    (study / "codebook.csv").write_text(f"column,role,label_en,scale_min,scale_max\nid,respondent,,,\n{asked}{needs}")

    def run():
        quick = ["n_boot=100", "segments.n_splits=5", "segments.blrt_draws=0", "segments.k=3"]
        return make(settle(study, chapters=CHAPTERS, parameters=quick, out=folder / "reports"), resume=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("DELIGHT_KEY", "x")
        patch.delenv("DELIGHT_RAW", raising=False)
        add_wave(study, "2024", seed=1)
        first = run()
        proposal = json.loads((folder / "reports" / ".work" / "parents" / "2024" / "segments.json").read_text(encoding="utf-8"))
        for name, said in zip(proposal["names"], NAMES):
            proposal["names"][name]["en"] = said
        (study / "segments.json").write_text(json.dumps(proposal), encoding="utf-8")
        mean = Result.load(first.folder / "tables" / "satisfaction.levels").table.query("by == 'whole'")["mean"].iloc[0]
        (study / "story").mkdir()
        (study / "story" / "2024.en.md").write_text(
            f"# satisfaction\n\nOf {{{{satisfaction.levels:whole.n=300}}}} parents we know it.\n\nThey gave {{{{satisfaction.levels:whole.mean={mean:.2f}}}}}.\n"
        )
        add_wave(study, "2025", seed=2, better=0.7)
        yield study, first, run()


def table(report, name):
    return Result.load(report.folder / "tables" / name)


def said(report):
    """The comparison as numbers and as words: rows of the table, and texts that every page must have."""
    rows = table(report, "satisfaction.waves").table.set_index(["measure", "group"])
    words = Words("en")
    before, now = rows.loc[("mean", "2024")], rows.loc[("mean", "2025")]
    assert now["previous"] == "2024" and now["change"] == pytest.approx(now["value"] - before["value"]) and now["p_adj"] < 0.001
    return rows, f"Since 2024 the mean grade rose from {words.number(before['value'], 2)} to {words.number(now['value'], 2)}"


def flat(text):
    return re.sub(r"\s+", " ", text.replace("\xa0", " "))


def test_page_and_pdf_tell_the_change_since_the_wave_before(waves):
    _, _, report = waves
    _, sentence = said(report)
    page = (report.folder / "en" / "report.html").read_text(encoding="utf-8")
    assert sentence in flat(html.unescape(re.sub(r"<[^>]+>", "", page)))
    if not (report.folder / "en" / "report.pdf").is_file() or not shutil.which("pdftotext"):
        pytest.skip("no PDF, or no pdftotext to read it")
    text = subprocess.run(["pdftotext", report.folder / "en" / "report.pdf", "-"], capture_output=True, text=True, check=True).stdout
    assert sentence in flat(text)


def test_the_workbook_holds_every_number_of_the_comparison(waves):
    import openpyxl

    _, _, report = waves
    rows, _ = said(report)
    book = openpyxl.load_workbook(report.folder / "en" / "tables.xlsx")
    sheets = [[[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book.worksheets]
    for measure in ("mean", "share_delighted", "nps"):
        both = [rows.loc[(measure, wave), "value"] for wave in ("2024", "2025")]
        assert any(holds(sheet, both) for sheet in sheets), measure
        assert any(holds(sheet, [both[1], *rows.loc[(measure, "2025"), ["change", "change_lo", "change_hi"]]]) for sheet in sheets), measure


def holds(sheet, wanted):
    """Whether a sheet names both waves and has all these numbers, as numbers."""
    cells = [cell for row in sheet for cell in row]
    numbers = np.array([cell for cell in cells if isinstance(cell, (int, float)) and not isinstance(cell, bool)], float)
    return {"2024", "2025"} <= set(map(str, cells)) and all(np.isclose(numbers, value, atol=1e-6).any() for value in wanted)


def test_the_slides_have_charts_of_both_waves_with_the_numbers_of_the_table(waves):
    import pptx

    _, _, report = waves
    rows, _ = said(report)
    deck = pptx.Presentation(str(report.folder / "en" / "slides.pptx"))
    charts = [shape.chart for slide in deck.slides for shape in slide.shapes if shape.has_chart]
    over_waves = [list(c.plots[0].series[0].values) for c in charts if list(c.plots[0].categories) == ["2024", "2025"]]
    for measure in ("mean", "share_delighted", "nps"):
        wanted = rows.loc[measure]["value"].reindex(["2024", "2025"]).to_numpy(float)
        assert any(np.allclose(values, wanted, atol=1e-6) for values in over_waves), (measure, over_waves)


def test_customers_of_the_next_wave_are_assigned_by_the_confirmed_segments_under_their_names(waves):
    study, first, report = waves
    model = SegmentModel.load(study / "segments.json")
    confirmed = table(report, "segments.segments")
    assert confirmed.note("confirmed") is not None and set(confirmed.table["segment"]) == set(model.names)
    work = report.folder.parents[2] / ".work" / "parents" / "2025"
    assert not (work / "segments.json").exists(), "nothing new is proposed"
    responses, assignment = (Result.load(work / "tables" / name).table for name in ("feedback.responses", "segments.assignment"))
    responses = responses[responses["wave"] == "2025"]
    ours = model.posterior(responses).argmax(axis=1)
    found = assignment.set_index("respondent").loc[responses["respondent"], "segment"]
    sure = ~np.isnan(model.posterior(responses)).any(axis=1)
    assert (found.to_numpy()[sure] == np.array(model.names)[ours][sure]).all() and sure.sum() > 290
    page = (report.folder / "en" / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in NAMES) and not any(
        name in (first.folder / "en" / "report.html").read_text("utf-8") for name in NAMES
    )
    composition = table(report, "segments.waves").table
    assert {"2024", "2025"} <= set(composition["group"]) and set(composition["segment"]) == set(model.names)


def test_of_the_story_of_the_wave_before_what_still_holds_is_said_again(waves):
    _, _, report = waves
    page = (report.folder / "en" / "report.html").read_text(encoding="utf-8")
    assert "Of 300 parents we know it." in page and "They gave" not in page
    assert any("story/2024.en.md is taken over from 2024: 1 of its 2 pieces" in warning for warning in report.warnings)


def test_tables_of_the_wave_before_are_what_they_were(waves):
    _, first, report = waves
    before, now = (table(r, "satisfaction.waves").table.set_index(["measure", "group"]) for r in (first, report))
    pd.testing.assert_series_equal(before.loc[("mean", "2024"), ["value", "n"]], now.loc[("mean", "2024"), ["value", "n"]])

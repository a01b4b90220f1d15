"""The report of one location: two pages from the finished tables of the whole."""

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.publish import chain, html, location, manifest, story
from delight.publish.content import Content
from delight.publish.order import settle
from delight.publish.run import make, run
from delight.show import location as views

from tests.batch import book
from tests.tools import inside, tiny

SIZES = {"2024": dict(a=28, b=14, c=22, d=31), "2025": dict(a=60, b=25, c=18, d=7)}
LABELS = dict.fromkeys("abcd", "North")

LEVELS = """levels = satisfaction.levels(here.responses(), **here.measure("overall"), ci_level=ci_level)
saved = here.save("levels", levels)
saved.table"""

CUT = """from delight.publish import local
here.save("response", local.label(here) and here.read("satisfaction.levels"))"""


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    """Three short chapters, one of them about a location, and a study of four locations."""
    root = tiny.workbook(tmp_path / "wb", middle=LEVELS)
    (root / "notebooks" / "chain" / "80-location.ipynb").write_text(tiny.chapter("location", CUT, scope="location"))
    inside.write_study(root / "data" / "studies" / "places", SIZES, LABELS)
    monkeypatch.setenv("DELIGHT_KEY", "x")
    monkeypatch.setenv("DELIGHT_HOME", str(root))
    monkeypatch.chdir(root)
    return root


def test_a_chapter_about_a_location_is_no_part_of_the_whole(workbook):
    found = {c.name: (c.fits(""), c.fits("a")) for c in chain.chapters(workbook)}
    assert found == {"feedback": (True, True), "satisfaction": (True, True), "segments": (True, False), "location": (False, True)}


def test_the_whole_is_run_first_said_aloud_and_only_once(workbook):
    said = []
    report = run("places", location="a", formats=["html"], say=said.append)
    assert "not there yet" in said[0] and report.folder.name == "a"
    assert (workbook / "reports" / "places" / "2025" / "whole" / "run.json").is_file()
    again = []
    run("places", location="b", formats=["html"], say=again.append)
    assert not any("whole" in line for line in again)


def test_a_whole_run_with_other_parameters_holds_unless_these_are_asked_for(workbook):
    run("places", formats=["html"], parameters=["n_boot=150"])
    as_it_stands = location.whole_order(settle("places", location="a"))
    assert manifest.finished(as_it_stands) is not None
    other = location.whole_order(settle("places", location="a", parameters=["n_boot=170"]))
    assert manifest.finished(other) is None


def test_changed_data_make_the_whole_run_again(workbook):
    run("places", formats=["html"])
    path = workbook / "data" / "studies" / "places" / "2025.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    said = []
    location.whole_first(settle("places", location="a", formats=["html"]), make, say=said.append)
    assert "out of date" in said[0]


def test_a_location_that_nobody_knows_is_named_with_the_nearest(workbook):
    (workbook / "data" / "studies" / "places" / "units.csv").unlink()
    run("places", formats=["html"])
    with pytest.raises(InputError, match="No response is from location 'A'"):
        run("places", location="A", formats=["html"])


def test_a_story_about_chapters_of_the_whole_leaves_location_reports_alone(tmp_path, monkeypatch):
    """Chapters about the whole are no part of a location's report, nor are the words about them a mistake there."""
    monkeypatch.setenv("DELIGHT_KEY", "x")
    monkeypatch.chdir(book.write(tmp_path / "book", ("alfa",), location=True))
    written = tmp_path / "book" / "data" / "studies" / "alfa" / "story" / "2025.en.md"
    written.parent.mkdir()
    written.write_text(
        "# summary\n\nAll is well.\n\n# satisfaction\n\nThey give a {{satisfaction.levels:whole.mean}} on average.\n\n# more\n\n- Ask more.\n"
    )
    report = run("alfa", location="Breda", formats=["html"])
    of_breda, of_all = (Content.load(settle("alfa", location=place).work) for place in ("Breda", ""))
    told = story.told(of_all, of_all.words("en"))
    assert list(told.sections) == ["summary", "satisfaction", "more"] and "They give a 5.5" in told.sections["satisfaction"]
    assert report.warnings == [] and story.kept(of_breda.work) == {} and not story.told(of_breda, of_breda.words("en")).sections
    assert "All is well." not in (report.folder / "en" / "report.html").read_text(encoding="utf-8")


# ---- the pages


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Whole and locations of a study with long names, many parts and long comments."""
    name = "Gemeentelijk Centrum voor Kinderopvang en Buitenschoolse Opvang De Allerkleinste Ontdekkingsreizigers Amsterdam-Zuidoost"
    label = "Stichting Samenwerkende Kinderdagverblijven Noordoost-Nederland en Omstreken"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DELIGHT_KEY", "x")
        many = {f"p{i}": f"Bereikbaarheid van de medewerkers op de groep telefonisch en in persoon {i}" for i in range(15)}
        patch.setattr(inside, "PARTS", {**inside.PARTS, **many})
        patch.setattr(
            inside, "SAID", [f"Heel blij met de medewerkers die elke ochtend voor ons klaarstaan maar {'niet ' * 60}{i}." for i in range(3)]
        )
        folder = tmp_path_factory.mktemp("pages")
        labels = dict.fromkeys("abcd", label)
        study = inside.write_study(folder / "studies" / "places", SIZES, labels, names={k: f"{name} {k}" for k in "abcd"})
        inside.run(study, folder / "work" / "2025", n_boot=20)
        yield {k: inside.run(study, folder / "work" / "2025", ("location",), location=k) for k in "abcd"}


@pytest.mark.long
@pytest.mark.parametrize("place", ["a", "b", "d"])  # many answers; few, so that the pooled grade leads; too few to show
def test_a_location_report_is_two_pages_in_every_language_whatever_its_names(pages, place):
    weasyprint = pytest.importorskip("weasyprint")
    for language in ("nl", "da", "en"):
        assert len(weasyprint.HTML(string=html.page(pages[place], language)).render().pages) == 2, language


@pytest.mark.long
def test_up_to_thirty_answers_the_pooled_grade_leads(pages):
    many, few = (html.page(pages[place], "en") for place in "ab")
    assert many.index("Grade, own answers") < many.index("Grade, pooled")
    assert few.index("Grade, pooled") < few.index("Grade, own answers") and "The best guess of the grade" in few


# ---- what it says


def parts_of(rows):
    columns = {"order": 0.0, "n": 40.0, "mean": 7.0, "pooled": 7.1, "lo": 6.8, "hi": 7.4, "all": 7.3, "scale_min": 1.0, "scale_max": 10.0}
    return pd.DataFrame([{**columns, "order": i + 1.0, **row} for i, row in enumerate(rows)])


@pytest.mark.parametrize(
    "rows, attribute, flag",
    [
        ([("p", "bijzonder", "below"), ("q", "basis", "below"), ("r", "basis", "above")], "q", "below"),
        ([("p", "beleving", ""), ("q", "bijzonder", "above")], "q", "above"),
        ([("p", "basis", ""), ("q", "bijzonder", "")], "p", ""),
    ],
)
def test_the_question_is_about_what_falls_short_then_what_stands_out_then_the_first_priority(rows, attribute, flag):
    from delight.publish.local import first_to_ask

    chosen = first_to_ask(parts_of([{"attribute": a, "impact_class": c, "flag": f} for a, c, f in rows]))
    assert (chosen["attribute"], chosen["flag"]) == (attribute, flag)


def test_parts_stand_by_kind_and_of_many_the_flagged_ones_stay():
    from delight.result import Result

    rows = [
        {"attribute": f"x{i}", "impact_class": "bijzonder" if i % 2 else "basis", "flag": "below" if i == 29 else ""} for i in range(30)
    ]
    shown = views._parts_rows(Result.of("location.parts", parts_of(rows)))
    assert len(shown) == views.MOST_PARTS and "x29" in set(shown["attribute"])
    assert shown["impact_class"].tolist() == sorted(shown["impact_class"])


def test_parts_on_different_scales_are_drawn_from_0_to_100():
    rows = parts_of([{"attribute": "p"}, {"attribute": "q", "scale_max": 5.0}])
    scaled, axis = views._on_one_scale(rows)
    assert axis == "0-100" and scaled(3.0, rows.iloc[1]) == 50.0 and np.isclose(scaled(5.5, rows.iloc[0]), 50.0)

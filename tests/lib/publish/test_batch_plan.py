"""A plan is checked completely before anything runs, and every mistake is told at once."""

import shlex

import pandas as pd
import pytest
from delight.errors import DelightError, RunError, StudyError
from delight.publish.batch import plan
from delight.publish.order import planned_locations

from tests.batch import book


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    monkeypatch.chdir(book.write(tmp_path / "book", ("alfa", "beta"), location=True))
    monkeypatch.delenv("DELIGHT_RAW", raising=False)
    return tmp_path / "book"


def settled(workbook, text, **said):
    path = workbook / "night.toml"
    path.write_text(text)
    return plan.settle(plan.read(path), name="night", base=workbook, **said)


def test_a_plan_becomes_one_job_for_every_study_and_wave(workbook):
    text = """language = "da"
languages = ["nl", "en"]
formats = "html"

[parameters]
ci_level = 0.9

[[studies]]
study = "alfa"
waves = ["2024", "2025"]

[[studies]]
study = "data/studies/beta"
by = "location"
languages = "da"
[studies.parameters.satisfaction]
n_boot = 50
"""
    batch = settled(workbook, text)
    assert [(j.name, j.wave, j.languages, j.formats, j.then) for j in batch.jobs] == [
        ("alfa", "2024", ("nl", "en"), ("html",), ()),
        ("alfa", "2025", ("nl", "en"), ("html",), ()),
        ("beta", "2025", ("da",), ("html",), "every"),
    ]
    assert batch.jobs[2].parameters == ("ci_level=0.9", "satisfaction.n_boot=50")
    assert (batch.name, batch.language, batch.out) == ("night", "da", str(workbook / "reports"))


def test_what_the_command_says_goes_before_the_plan(workbook):
    batch = settled(workbook, 'languages = ["nl"]\n[[studies]]\nstudy = "alfa"\n', languages=["en"], parameters=["n_boot=7"], workers=1)
    assert (batch.jobs[0].languages, batch.jobs[0].parameters, batch.workers) == (("en",), ("n_boot=7",), 1)


def test_locations_that_are_named_follow_the_whole(workbook):
    batch = settled(workbook, '[[studies]]\nstudy = "alfa"\nlocations = ["Breda", "Cork"]\n')
    assert batch.jobs[0].then == ("Breda", "Cork") and batch.jobs[0].at("Cork").id == "alfa, 2025, Cork"


def test_every_mistake_of_the_file_is_told_with_its_line(workbook):
    text = """langages = ["nl"]
workers = 0
[parameters]
n_boot = [1]
[[studies]]
study = "alfa"
by = "place"
[[studies]]
waves = 2024
"""
    with pytest.raises(RunError) as error:
        settled(workbook, text)
    told = str(error.value)
    assert error.value.exit_code == 2 and "night.toml has 6 mistake(s)" in told
    for line in (
        "line 1: Unknown key 'langages'. Did you mean 'languages'?",
        "line 2: 'workers' is 0",
        "line 4: 'parameters.n_boot' is [1]",
        "line 7: 'studies[1].by' is 'place'. It is '' or 'location'",
        "line 8: 'studies[2].study' is missing",
        "line 9: 'studies[2].waves' must be a list, not 2024",
    ):
        assert line in told, line


def test_mistakes_of_the_file_and_of_its_studies_are_told_together(workbook):
    text = """by = "place"
formats = ["pdff"]
[[studies]]
study = "alfa"
wavs = ["2024"]
locations = ["Breda", "Coork", "Dublin"]
[[studies]]
study = "bet"
[[studies]]
waves = ["2024"]
"""
    with pytest.raises(StudyError) as error:
        settled(workbook, text)
    told = str(error.value)
    for part in (
        "night.toml has 3 mistake(s)",
        "'by' is 'place'",
        "Did you mean 'waves'",
        "'studies[3].study' is missing",
        "'pdff' is no format. Did you mean 'pdf'",
        "No response is from location 'Coork'. Did you mean 'Cork'? There are: Aarhus, Breda, Cork.",
        "location 'Dublin'",
        "Did you mean 'beta'",
    ):
        assert told.count(part) == 1, f"{part!r} in:\n{told}"
    assert "location 'Breda'" not in told


def test_every_mistake_of_every_study_is_told_once(workbook):
    text = """languages = ["fr"]
[[studies]]
study = "alfa"
waves = ["2023"]
[[studies]]
study = "bet"
[[studies]]
study = "beta"
raw = "nowhere"
[studies.parameters]
n_bot = 5
"""
    with pytest.raises(StudyError) as error:
        settled(workbook, text)
    told = str(error.value)
    for part in (
        "'fr' is no language",
        "Study 'alfa' has no wave '2023'. Did you mean '2025'",
        "There is no study at",
        "Did you mean 'beta'",
        "Did you mean 'n_boot'",
        "The folder of raw files",
    ):
        assert told.count(part) == 1, f"{part!r} in:\n{told}"
    assert not (workbook / "reports").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "plans nothing"),
        ('[[studies]]\nstudy = "alfa"\n[[studies]]\nstudy = "alfa"\nwaves = "2025"\n', "The report alfa, 2025, whole is planned twice"),
        ('[[studies]]\nstudy = "alfa"\nlocations = ["Breda", "Breda"]\nwaves = ["2025", "2025"]\n', "is planned twice"),
    ],
)
def test_plans_that_cannot_be_are_refused(workbook, text, why):
    with pytest.raises(DelightError, match=why):
        settled(workbook, text)


def test_a_plan_may_not_be_called_like_a_study(workbook):
    with pytest.raises(RunError, match="Rename the plan file"):
        plan.settle(plan.Plan(studies=[plan.PlannedStudy(study="alfa")]), name="alfa")


def test_locations_need_a_column_and_a_chapter(workbook):
    codebook = workbook / "data" / "studies" / "beta" / "codebook.csv"
    codebook.write_text(codebook.read_text().replace("place,location", "place,background"))
    with pytest.raises(DelightError, match="Study 'beta': There are no locations to report on"):
        settled(workbook, 'by = "location"\n[[studies]]\nstudy = "alfa"\n[[studies]]\nstudy = "beta"\n')
    (workbook / "notebooks" / "chain" / "80-location.ipynb").unlink()
    with pytest.raises(RunError, match="no chapter about a single location"):
        settled(workbook, 'by = "location"\n[[studies]]\nstudy = "alfa"\n')


def test_the_command_of_a_job_finds_a_study_that_lies_beside_the_plan(workbook, tmp_path):
    (tmp_path / "plans").mkdir()
    (workbook / "data" / "studies" / "beta").rename(tmp_path / "plans" / "gamma")
    about = tmp_path / "plans" / "gamma" / "study.toml"
    about.write_text(about.read_text().replace('"beta"', '"gamma"'))
    (tmp_path / "plans" / "night.toml").write_text('out = "../elsewhere"\n[[studies]]\nstudy = "gamma"\n')
    job = plan.settle(plan.read(tmp_path / "plans" / "night.toml"), name="night", base=tmp_path / "plans").jobs[0]
    command = shlex.split(job.command)
    assert command[2] == str(tmp_path / "plans" / "gamma")
    assert command[command.index("--out") + 1] == str(tmp_path / "elsewhere"), "no detour in the path"


def test_the_command_of_a_job_makes_the_same_report_alone(workbook):
    (job,) = settled(workbook, '[parameters]\nn_boot = 5\n[[studies]]\nstudy = "alfa"\nlanguages = ["nl"]\nformats = "html"\n').jobs
    command = shlex.split(job.at("De Beer's").command)
    assert command == shlex.split('delight run alfa --wave 2025 --location "De Beer\'s" --languages nl --formats html -p n_boot=5')


def test_every_location_has_one_report_however_many_questions_the_plan_has(tmp_path):
    cells = [("2025", "location", place, question) for place in ("B", "A") for question in ("", "overall", "warmth")]
    rows = [*cells, ("2024", "location", "C", ""), ("2025", "label", "L", "")]
    pd.DataFrame(rows, columns=["wave", "level", "cell", "question"]).to_parquet(tmp_path / "plan.parquet")
    assert planned_locations(tmp_path, "2025") == ["A", "B"]

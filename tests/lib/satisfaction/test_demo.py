"""The demo study's planted truth, found again."""

import tomllib

import pytest
from delight import satisfaction
from delight.feedback import table
from delight.feedback.response import response
from delight.study import open_study

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def demo(root):
    folder = root / "data" / "studies" / "kinderopvang-demo"
    study = open_study(folder)
    frame = table.read(study).responses
    return study, frame, tomllib.loads((folder / "truth.toml").read_text(encoding="utf-8"))["demo"]


def test_the_spread_between_locations_is_found(demo):
    study, frame, truth = demo
    now, design = frame[frame["wave"] == study.newest_wave], study.design()
    spread = satisfaction.pooled(now, **study.measure("overall"), population=design.population, labels=design.labels).spread.table.iloc[0]
    assert spread.tau_lo < truth["sd_location"] < spread.tau_hi
    assert (spread.locations, spread.labels) == (truth["locations"], truth["labels"])


def test_the_response_is_found(demo):
    study, frame, truth = demo
    design = study.design()
    found = response(frame, wave=study.newest_wave, invited=design.invited, population=design.population, labels=design.labels)
    assert found.table["response"][0] == pytest.approx(truth["response"], abs=0.01)

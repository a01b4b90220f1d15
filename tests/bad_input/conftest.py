"""A workbook to break, whose chapters run in the test's own process."""

import papermill
import pytest

from tests.bad_input import broken


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The folder of a sound study in a workbook that holds an earlier report of it."""
    book = broken.workbook(tmp_path / "book")
    monkeypatch.setenv("DELIGHT_KEY", "test")
    monkeypatch.setenv("DELIGHT_RAW", "")  # and put back: a run with --raw sets it
    monkeypatch.delenv("DELIGHT_RAW")
    monkeypatch.delenv("DELIGHT_HOME", raising=False)
    monkeypatch.setattr(papermill, "execute_notebook", broken.execute_here)
    return book / "data" / "studies" / "small"


@pytest.fixture
def book(study):
    """The workbook's folder."""
    return study.parents[2]

"""What every test can ask for."""

import os
from pathlib import Path

import pytest

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root():
    """The workbook's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared():
    """The folder `shared` beside the checkout, with real data and reference results; skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared (real data and reference results) is not there")
    return folder

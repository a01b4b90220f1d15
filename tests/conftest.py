"""What every test can ask for."""

import json
import os
import signal
from pathlib import Path

import pytest

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # tests in the background: the programs that they interrupt would inherit this
    signal.signal(signal.SIGINT, signal.default_int_handler)

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


@pytest.fixture
def golden(request):
    """Compare with a reference result; asserts, and where DELIGHT_GOLDEN names a file, records the deviation for docs/method.md."""

    def compare(ours, reference, *, method, package, data, tolerance, relative=False):
        """Largest deviation of `ours` from `reference` (numbers or arrays of one shape), which must not exceed `tolerance`.

        Parameters
        ----------
        method, package, data : str
            What is compared, with what (package and version, or author and year), on which data: a row of the table.
        tolerance : float
            Largest deviation allowed, absolute, or relative to the reference with `relative`.
        """
        import numpy as np  # after the number of threads is set

        ours, reference = np.asarray(ours, dtype=float), np.asarray(reference, dtype=float)
        assert ours.shape == reference.shape, f"{ours.shape} numbers compared with {reference.shape}"
        assert ours.size, "nothing was compared"
        assert (np.isnan(ours) == np.isnan(reference)).all(), "one has a number where the other has none"
        apart = np.abs(ours - reference) / (np.maximum(np.abs(reference), 1e-300) if relative else 1.0)
        largest = float(np.nanmax(apart)) if not np.isnan(apart).all() else 0.0
        record = os.environ.get("DELIGHT_GOLDEN")
        if record:
            row = {"method": method, "package": package, "data": data, "numbers": int(ours.size), "largest": largest}
            row |= {"tolerance": tolerance, "relative": relative, "test": request.node.nodeid}
            with open(record, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        assert largest <= tolerance, f"{method} ({package}, {data}): deviates by {largest:.3g}, allowed {tolerance:g}"

    return compare

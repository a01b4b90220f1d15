"""What tests of batches share."""

import time

import pytest

from tests.batch import book


@pytest.fixture(autouse=True)
def nothing_left_running():
    yield
    book.end()


@pytest.fixture(scope="session")
def calm(tmp_path_factory):
    """Three studies made without any trouble: their tables, and the seconds it took."""
    folder, begun = book.write(tmp_path_factory.mktemp("calm") / "book"), time.monotonic()
    book.batch(folder, "alfa", "beta", "gamma", "--workers", "1", *book.HTML)
    return book.numbers(folder / "reports"), time.monotonic() - begun


@pytest.fixture
def undisturbed(calm):
    return calm[0]

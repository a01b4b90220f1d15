"""A workshop, built once for the tests that open it."""

import pytest
from delight.workshop import build


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, root):
    """The English workshop for three participants."""
    return build.build("en", tmp_path_factory.mktemp("workshop") / "room-of-three", participants=3, root=root).folder

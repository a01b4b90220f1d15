"""What tests of segments can ask for."""

import pytest
from delight.scales import Scale

from tests.lib.segments.made_up_parents import ITEMS, parents


@pytest.fixture(scope="session")
def asked():
    """Arguments for needs rated on 1-5."""
    return {"items": ITEMS, "form": "rating", "scales": {i: Scale(1, 5) for i in ITEMS}}


@pytest.fixture(scope="session")
def planted():
    return parents(800, seed=1)

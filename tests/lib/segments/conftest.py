"""What tests of segments can ask for."""

import sys
from pathlib import Path

import pytest
from delight.scales import Scale

sys.path.insert(0, str(Path(__file__).parent))

from made_up_parents import ITEMS, parents


@pytest.fixture(scope="session")
def asked():
    """Arguments for needs rated on 1-5."""
    return {"items": ITEMS, "form": "rating", "scales": {i: Scale(1, 5) for i in ITEMS}}


@pytest.fixture(scope="session")
def planted():
    return parents(800, seed=1)

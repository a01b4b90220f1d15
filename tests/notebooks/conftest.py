"""The demo study's reports, made once for all tests about them."""

import pytest
from delight.publish.order import settle
from delight.publish.run import make
from delight.show import LANGUAGES


@pytest.fixture(scope="module")
def reports(root, tmp_path_factory, worker_id):
    """A folder of reports that all processes of this run of the tests share: what one has made, the others find."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("DELIGHT_KEY", "demo")
        patch.delenv("DELIGHT_RAW", raising=False)
        yield (base if worker_id == "master" else base.parent) / "demo"


@pytest.fixture(scope="module")
def report(reports):
    return make(settle("kinderopvang-demo", languages=LANGUAGES, out=reports), resume=True, patience=500)

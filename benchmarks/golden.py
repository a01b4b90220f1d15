"""The table of reference results in docs/method.md: runs every test that compares with one and writes down the largest deviation found.

`python benchmarks/golden.py` needs the requirements of the tests and, for most of them, the reference results beside the checkout. Nothing
is written where a test fails or a reference is missing.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "method.md"


def put(page, mark, table):
    """The text of a page with `table` between its lines ``<!-- mark -->`` and ``<!-- /mark -->``."""
    first, last = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    if page.count(first) != 1 or page.count(last) != 1:
        raise ValueError(f"The page has no place for '{mark}': it needs one line {first} and one line {last}.")
    return page[: page.index(first) + len(first)] + "\n" + table + "\n" + page[page.index(last) :]


def as_markdown(head, rows):
    """A Markdown table of texts."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def natural(text):
    """Key that sorts M2 before M10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


class OnlyGolden:
    """A pytest plugin that leaves out every test without a reference result, and remembers which of the others were skipped."""

    def __init__(self):
        self.skipped = []

    def pytest_collection_modifyitems(self, config, items):
        kept = [item for item in items if "golden" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            self.skipped.append(report.nodeid)


def found():
    """What the golden tests compared: a list of dicts as `tests/conftest.py` records them."""
    import pytest

    only = OnlyGolden()
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "golden.jsonl"
        os.environ["DELIGHT_GOLDEN"] = str(record)
        files = [str(p) for p in sorted((ROOT / "tests").rglob("test_*.py")) if "golden(" in p.read_text(encoding="utf-8")]
        code = pytest.main(["-q", "--rootdir", str(ROOT), "-p", "no:cacheprovider", *files], plugins=[only])
        if code or only.skipped:
            raise SystemExit(
                f"Not written: {len(only.skipped)} tests were skipped for want of their reference, pytest ended with {int(code)}."
            )
        return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]


def table(records):
    """One row for all comparisons of a method with a package on the same data to the same tolerance."""
    together = {}
    for r in records:
        key = (r["method"], r["package"], r["data"], r["tolerance"], r["relative"])
        numbers, largest = together.get(key, (0, 0.0))
        together[key] = (numbers + r["numbers"], max(largest, r["largest"]))
    rows = []
    for (method, package, data, tolerance, relative), (numbers, largest) in sorted(together.items(), key=lambda kv: natural(str(kv[0]))):
        kind = " relative" if relative else ""
        rows.append([method, package, data, f"{numbers:,}", f"{largest:.1g}{kind}", f"{tolerance:g}{kind}"])
    head = ["method", "reference", "data", "numbers compared", "largest deviation", "allowed"]
    return f"{len(records)} comparisons of {sum(r['numbers'] for r in records):,} numbers.\n\n" + as_markdown(head, rows)


if __name__ == "__main__":
    try:
        import pytest  # noqa: F401
    except ModuleNotFoundError:
        print("The table of reference results needs the requirements of the tests: `make test` sets them up.")
        sys.exit(0)
    PAGE.write_text(put(PAGE.read_text(encoding="utf-8"), "golden", table(found())), encoding="utf-8")

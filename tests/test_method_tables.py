"""The tables of docs/method.md: every planted truth was simulated or is named as waiting, and the page says what results.csv says."""

import importlib.util
import re
import sys

import pytest


@pytest.fixture(scope="module")
def tables(root):
    """The script that writes the table of planted truths, as a module; its folder is not a package."""
    before, modules = list(sys.path), set(sys.modules)
    spec = importlib.util.spec_from_file_location("method_table", root / "benchmarks" / "simulations" / "table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.registered()
    yield module
    sys.path[:] = before
    for name in {n for n in set(sys.modules) - modules if n in ("harness", "worlds", "golden") or n.startswith("study_")}:
        del sys.modules[name]


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "method.md").read_text(encoding="utf-8")


def part(page, mark):
    return page.split(f"<!-- {mark} -->\n")[1].split(f"\n<!-- /{mark} -->")[0]


def test_every_registered_study_was_run_whole_or_is_named_as_waiting(tables, page):
    known, studies = {(r["study"], r["measure"]) for r in tables.results()}, tables.registered()
    asked = {(name, measure) for name, study in studies.items() for measure in study.bands}
    run = {name for name, _ in known}
    assert len(asked) > 100 and {(n, m) for n, m in asked if n in run} == known
    assert all(studies[name].design in part(page, "simulations") for name in studies)


def test_results_hold_nothing_that_is_no_longer_registered(tables):
    with tables.harness.RESULTS.open(encoding="utf-8") as file:
        assert len(file.readlines()) - 1 == len(tables.results())


def test_the_page_says_what_the_simulations_found(tables, page):
    assert part(page, "simulations") == tables.table(tables.results())


def test_a_miss_is_told_from_a_hit(tables):
    verdict, band = tables.harness.verdict, (0.93, 0.97)
    assert [verdict(*v, band) for v in ((0.95, 0.94, 0.96), (0.92, 0.90, 0.94), (0.90, 0.88, 0.92))] == ["inside", "reaches", "misses"]
    assert verdict(0.2, 0.1, 0.3, tables.harness.FREE) == "shown"


def test_a_table_is_put_between_its_marks_and_nowhere_else(tables):
    before = "# A\n<!-- x -->\nold\n<!-- /x -->\nend\n"
    assert tables.put(before, "x", "new") == "# A\n<!-- x -->\nnew\n<!-- /x -->\nend\n"
    with pytest.raises(ValueError, match="no place for 'y'"):
        tables.put(before, "y", "new")


def test_every_reference_result_was_met(page):
    rows = [line.split(" | ") for line in part(page, "golden").splitlines() if line.startswith("| M")]
    assert len(rows) > 20
    for row in rows:
        found, allowed = (float(re.match(r"[\d.e+-]+", cell)[0]) for cell in (row[4], row[5].removesuffix(" |")))
        assert found <= allowed * 1.05, row  # one digit is shown

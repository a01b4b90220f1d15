"""The set-up files agree with each other, and nothing in the project names a machine or an index."""

import json
import re
import subprocess
import sys
import time
import tomllib

import pytest

CONDA_NAMES = {"python-duckdb": "duckdb", "matplotlib-base": "matplotlib"}


def requirement(text):
    name, bounds = re.match(r"([A-Za-z0-9._-]+)\s*(.*)", text.strip()).groups()
    return CONDA_NAMES.get(name.lower(), name.lower()), bounds


def declared(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return dict(map(requirement, project["dependencies"])), dict(map(requirement, project["optional-dependencies"]["test"])), project


def locked(root, name):
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (root / name).read_text(), flags=re.M))


def test_environment_yml_names_the_dependencies_of_pyproject(root):
    runtime, test, project = declared(root)
    lines = re.findall(r"^\s+- ([^\s].*)$", (root / "environment.yml").read_text(), flags=re.M)
    named = dict(requirement(line) for line in lines if line not in ("pip", "pip:", "conda-forge", "-e ."))
    python = named.pop("python")
    assert named == {**runtime, **test}
    assert python == project["requires-python"]
    assert "-e ." in lines


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_locks_hold_every_dependency_with_hashes_and_no_index(root, lock):
    runtime, test, _ = declared(root)
    wanted = runtime if lock == "requirements.lock" else {**runtime, **test}
    versions = locked(root, lock)
    assert set(wanted) <= set(versions)
    text = (root / lock).read_text()
    assert text.count("--hash=sha256:") >= len(versions)
    assert not re.search(r"https?://|--index|--find-links|file:", text)
    for name, bounds in wanted.items():
        lower = re.search(r">=([\d.]+)", bounds).group(1)
        assert tuple(map(int, versions[name].split(".")[:2])) >= tuple(map(int, (lower + ".0").split(".")[:2])), name


def test_the_test_lock_extends_the_run_lock(root):
    run, test = locked(root, "requirements.lock"), locked(root, "requirements-test.lock")
    assert {name: test.get(name) for name in run} == run


def test_notebooks_are_committed_without_outputs(root):
    notebooks = [p for p in root.glob("notebooks/**/*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    assert notebooks
    for path in notebooks:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            assert not cell.get("outputs") and cell.get("execution_count") is None, f"{path.name}: clear the outputs before committing"
            assert cell.get("id"), f"{path.name}: every cell has an id"


def test_help_answers_without_heavy_imports():
    code = "import sys; sys.argv = ['delight', '--help']\nimport delight.cli\ntry: delight.cli.main()\nexcept SystemExit: pass\nprint(sorted(set(sys.modules) & {'pandas', 'numpy', 'rich', 'pydantic', 'papermill', 'matplotlib'}), file=sys.stderr)"
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]", "help must not import these"
    assert "delight" in done.stdout and time.monotonic() - started < 10


def test_no_tracked_text_names_a_machine_path_or_an_index_host(root):
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    files = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")
    pattern = re.compile(r"/work/|/root/|pypi\.org|files\.pythonhosted|registry\.npmjs|deb\.debian")
    kinds = {".py", ".md", ".toml", ".yml", ".lock", ".ipynb", ".csv", ".po", ".html", ".css", ""}
    paths = [root / name for name in files if name and name != "tests/test_setup.py"]
    texts = {p.name: p.read_text(encoding="utf-8", errors="ignore") for p in paths if p.is_file() and p.suffix in kinds}
    assert not [name for name, text in texts.items() if pattern.search(text)]

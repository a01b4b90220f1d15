"""An executed notebook leaves without secrets, paths or rows of respondents, and still opens."""

import json

import nbformat
import pandas as pd
import pytest
from delight.publish import notebooks
from delight.show.blocks import MIME

FRAME = pd.DataFrame({"overall": [9.0, 8.0], "comment": ["mind my name", "x"]}, index=pd.Index(["r1", "r2"], name="respondent"))


def notebook(*cells, **parameters):
    """A notebook of code cells (source, outputs) that papermill ran with these parameters."""
    made = nbformat.v4.new_notebook()
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in parameters.items())
    injected = nbformat.v4.new_code_cell(f"# Parameters\n{lines}\n", metadata={"tags": ["injected-parameters"]})
    made.cells = [injected, *(nbformat.v4.new_code_cell(source, outputs=outputs) for source, outputs in cells)]
    made.metadata["papermill"] = {"parameters": dict(parameters), "input_path": "/home/x/a.ipynb"}
    return json.loads(nbformat.writes(made))


def shown(value):
    """Output of a cell that ends in `value`."""
    data = {"text/plain": repr(value)}
    if hasattr(value, "_repr_html_"):
        data["text/html"] = value._repr_html_()
    return [nbformat.v4.new_output("execute_result", data, execution_count=1)]


def said(text):
    return [nbformat.v4.new_output("stream", name="stdout", text=text)]


@pytest.fixture
def work(tmp_path):
    (tmp_path / "tables").mkdir()
    FRAME.reset_index().assign(wave="2025").to_parquet(tmp_path / "tables" / "feedback.responses.parquet")
    return str(tmp_path)


def test_secrets_are_gone_from_cells_metadata_and_outputs():
    made = notebook(
        ("connect(db_password)", said("using hunter22 on the server\n")),
        ("uri", shown("postgresql://anna:s3cret@db.example/x?password=tops3cret")),
        db_password="hunter22",
        api_key='tok"en-1',
        seed=1,
    )
    notebooks.scrub(made)
    text = json.dumps(made)
    for secret in ("hunter22", "s3cret", "tok", "anna:"):
        assert secret not in text, secret
    assert "seed = 1" in made["cells"][0]["source"] and made["metadata"]["papermill"]["parameters"]["seed"] == 1
    assert made["metadata"]["papermill"]["parameters"]["db_password"] == notebooks.HIDDEN
    assert "postgresql://(hidden)@db.example/x" in text


def test_blocks_of_a_report_are_left_as_they_are():
    block = {"kind": "table", "key": "drivers.importance:drivers.importance_table", "view": "drivers.importance_table", "options": {}}
    made = notebook(("show.table(saved)", [nbformat.v4.new_output("display_data", {MIME: block, "text/html": "<p>x</p>"})]), seed=1)
    notebooks.scrub(made)
    assert made["cells"][1]["outputs"][0]["data"][MIME] == block


def test_names_that_only_resemble_a_secret_are_left_alone():
    made = notebook(("key_drivers = 3\nkeyboard = 'qwerty'", said("tokens of thanks; the key is in the door\n")), keep_up="steady")
    before = json.loads(json.dumps(made))
    notebooks.scrub(made)
    assert made["cells"][1] == before["cells"][1] and "steady" in made["cells"][0]["source"]


@pytest.mark.parametrize(
    "output",
    [shown(FRAME), shown(FRAME.reset_index(drop=True)), shown(FRAME["overall"]), said(f"{FRAME.reset_index(drop=True)}\n")],
    ids=["frame", "without its index", "series", "printed"],
)
def test_rows_of_respondents_are_not_kept(output, work):
    made = notebook(("responses", output), out=work)
    notebooks.scrub(made)
    text = json.dumps(made["cells"][1])
    assert "9.0" not in text and "mind my name" not in text and notebooks.NO_ROWS in text
    assert work not in json.dumps(made)


def test_tables_of_results_are_kept(work):
    result = pd.DataFrame({"wave": ["2025"], "mean": [7.91], "n": [1994]})
    pivot = pd.DataFrame({"grade": [8, 8], "outcome": ["overall", "comment"], "mean": [7.91, 7.91]}).pivot(
        index="grade", columns="outcome", values="mean"
    )
    made = notebook(("levels.table", shown(result)), ("pivot", shown(pivot)), ("print(7)", said("overall mean\n7.91\n")), out=work)
    notebooks.scrub(made)
    for cell in made["cells"][1:]:
        assert "7.91" in json.dumps(cell["outputs"]) and notebooks.NO_ROWS not in json.dumps(cell["outputs"])


def test_what_is_left_is_a_valid_notebook(work):
    made = notebook(("responses", shown(FRAME)), ("1", said("x\n")), out=work, token="abcdef")
    made["cells"].append({"cell_type": "markdown", "id": "m", "metadata": {}, "source": ["a\n", "b"], "outputs": []})
    notebooks.scrub(made)
    nbformat.validate(nbformat.from_dict(made))


@pytest.mark.long
def test_jupyterlab_opens_it_without_an_error(tmp_path, work):
    import re
    import subprocess
    import sys
    import time
    import urllib.error
    import urllib.request

    made = notebook(("responses", shown(FRAME)), out=work, token="abcdef")
    notebooks.scrub(made)
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "10-feedback.ipynb").write_text(json.dumps(made))
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--port=0",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=t",
    ]
    log = tmp_path / "log"
    with log.open("w") as said_there, subprocess.Popen([*command, f"--notebook-dir={tmp_path / 'lab'}"], stderr=said_there) as server:
        try:
            for _ in range(240):
                found = re.search(r"(http://(?:localhost|127\.0\.0\.1):\d+)/lab", log.read_text())
                if found:
                    break
                time.sleep(0.25)
            assert found, log.read_text()
            request = urllib.request.Request(f"{found[1]}/api/contents/10-feedback.ipynb?content=1", headers={"Authorization": "token t"})
            for _ in range(240):
                try:
                    opened = json.loads(urllib.request.urlopen(request, timeout=30).read())
                    break
                except urllib.error.URLError:  # its address stands in the log a moment before it listens
                    time.sleep(0.25)
            else:
                pytest.fail(log.read_text())
            page = urllib.request.urlopen(f"{found[1]}/lab/tree/10-feedback.ipynb?token=t", timeout=30)
            assert page.status == 200
        finally:
            server.terminate()
    assert opened["format"] == "json" and opened.get("message") is None and len(opened["content"]["cells"]) == 2
    assert "Invalid" not in log.read_text() and "Traceback" not in log.read_text()

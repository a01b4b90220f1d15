"""A sound workbook with one study and an earlier report, ways to break it, and the command line run inside this process."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import shlex
import zipfile
from dataclasses import dataclass
from pathlib import Path

from delight import cli

from tests import small_study
from tests.tools import tiny

WAVE = "2024-1"


# ---- a sound workbook
def workbook(folder):
    """A workbook with the study `small` and a report of it that somebody made earlier; returns its folder."""
    tiny.workbook(folder)
    small_study.write(folder / "data" / "studies" / "small")
    earlier = folder / "reports" / "small" / WAVE / "whole"
    for name, text in {"run.json": "{}\n", "nl/report.html": "<p>Earlier</p>\n", "tables/a.json": "[]\n"}.items():
        (earlier / name).parent.mkdir(parents=True, exist_ok=True)
        (earlier / name).write_text(text)
    work = folder / "reports" / ".work" / "small" / WAVE / "tables"
    work.mkdir(parents=True)
    (work / "feedback.quality.json").write_text("{}\n")
    return folder


def everything(folder):
    """Every file below a folder by its path, with its bytes; locks left out."""
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file() and not p.name.endswith(".lock")
    }


# ---- ways to break it; each is a function of the study's folder
def swap(file, old, new):
    """Put `new` for `old` in a file of the study."""

    def do(study):
        text = (study / file).read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold {old!r}"
        (study / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return do


def put(file, content):
    """Write a file of the study."""

    def do(study):
        path = study / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content, encoding="utf-8")

    return do


def add(file, text):
    """Write at the end of a file of the study."""

    def do(study):
        with (study / file).open("a", encoding="utf-8") as out:
            out.write(text)

    return do


def gone(file):
    """Take a file away."""
    return lambda study: (study / file).unlink()


def folder_instead(file):
    """A folder where a file should be."""

    def do(study):
        (study / file).unlink(missing_ok=True)
        (study / file).mkdir(parents=True)

    return do


def both(*steps):
    """One way after another."""

    def do(study):
        for step in steps:
            step(study)

    return do


def export(name, content):
    """A raw export in the working folder, not in a study; `content` may be a function of the path."""

    def do(study):
        path = study.parents[2] / name
        if callable(content):
            content(path)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8")

    return do


def raw(content, name="raw/answers.csv"):
    """Raw answers instead of the sound ones, and the study's source named so; `content` may be a function of the path."""

    def do(study):
        path = study / name
        (study / "raw" / "answers.csv").unlink()
        if callable(content):
            content(path)
        else:
            put(name, content)(study)
        swap("study.toml", "raw/answers.csv", name)(study)

    return do


def chapter(text, name="20-satisfaction"):
    """Another notebook in the chain."""

    def do(study):
        path = study.parents[2] / "notebooks" / "chain" / f"{name}.ipynb"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text, encoding="utf-8")

    return do


# ---- raw files that only a library can write
def frame(rows=3):
    import pandas as pd

    return pd.DataFrame({"id": [f"k{i}" for i in range(rows)], "place": "A", "overall": [9.0, 8, 7][:rows], "warmth": [8.0] * rows})


def cut(write, share=0.6):
    """A file that was cut off on the way; `write` makes it whole."""

    def make(path):
        write(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(share * len(data))])

    return make


def xlsx(path):
    frame().to_excel(path, index=False)


def sav(path):
    import pyreadstat

    pyreadstat.write_sav(frame(), str(path))


def parquet(path):
    frame().to_parquet(path, index=False)


def empty_xlsx(path):
    import openpyxl

    openpyxl.Workbook().save(path)


def formula_xlsx(path):
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["id", "place", "when", "overall"], ["k1", "A", None, "=4+5"], ["k2", "A", None, "=4+4"]):
        book.active.append(row)
    book.save(path)


def locked_xlsx(path):
    """As Excel writes a workbook with a password: an OLE container with an encrypted package."""
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(512))


def archive(path):
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("answers.csv", small_study.DATA)


# ---- the command line, in this process
@dataclass(frozen=True)
class Told:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def findings(self):
        """What `check --json` found wrong, as one text."""
        found = [f for f in json.loads(self.out)["findings"] if f["severity"] == "error"]
        return "\n".join(
            f"{f['file']}, row {f['row']}, column '{f['column']}': {f['message']} {f['remedy']} [{f['rule']}, {f['count']}]" for f in found
        )


def delight(command, folder):
    """Run `delight <command>` in a folder: code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main(command if isinstance(command, list) else shlex.split(command))
        code = None
    except SystemExit as end:
        code = end.code
    finally:
        os.chdir(before)
    return Told(code, out.getvalue(), err.getvalue())


def execute_here(source, target, *, parameters, cwd, **_):
    """Stand-in for `papermill.execute_notebook`: the cells run in this process instead of in a kernel, with the same errors."""
    from papermill.exceptions import PapermillExecutionError

    book = json.loads(Path(source).read_text(encoding="utf-8"))
    cells, space = book["cells"], {"__name__": "__chapter__"}
    declared = next(i for i, c in enumerate(cells) if "parameters" in c["metadata"].get("tags", []))
    given = [f"{name} = {value!r}\n" for name, value in parameters.items()]
    cells.insert(declared + 1, {"cell_type": "code", "id": "given", "metadata": {"tags": ["injected-parameters"]}, "source": given})
    for number, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        text = "".join(cell["source"])
        tree = ast.parse(text)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        try:
            exec(compile(tree, "cell", "exec"), space)
            shown = eval(compile(ast.Expression(last.value), "cell", "eval"), space) if last else None
            bundle = shown._repr_mimebundle_() if hasattr(shown, "_repr_mimebundle_") else {}
        except Exception as error:
            cell["outputs"] = [{"output_type": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": []}]
            Path(target).write_text(json.dumps(book))
            raise PapermillExecutionError(number, number, text, type(error).__name__, str(error), []) from error
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        cell["outputs"] = [{"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": number}] if data else []
        cell["metadata"]["papermill"] = {"status": "completed", "duration": 0.0}
    Path(target).write_text(json.dumps(book, default=str))

"""Executed notebooks as they may leave the machine: no paths, no secrets, no rows of respondents."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

#: What stands in the place of what was taken out.
HIDDEN, NO_ROWS = "(hidden)", "Rows of respondents are not kept in an executed notebook."

#: Names whose values are nobody's business.
_SECRET = re.compile(r"pass(word|wd|phrase)?$|pwd|secret|token|credential|api_?key|access_?key|private_?key|(^|_)key$", re.I)
#: Addresses that carry a user and password, and settings of a connection.
_LOGIN = re.compile(r"\b([a-z][a-z0-9+.\-]*://)[^/\s:@\"']*:[^/\s@\"']*@", re.I)
_SETTING = re.compile(r"\b(password|passwd|pwd|secret|token|api_?key|access_?key)(\s*=\s*)[^\s;&,\"'\\]+", re.I)
_ASSIGNED = re.compile(r"^(\s*)(\w+)(\s*:\s*\w+)?\s*=\s*(.+?)\s*(#.*)?$")
_NAMED = re.compile(r"^Name: ([^,\n]+),.*dtype: ", re.M)
#: Columns that tables of results have as well.
_SHARED = frozenset({"wave", "location", "label", "segment", "weight", "group", "n", "index"})


def scrub(notebook):
    """Take out of an executed notebook, in place, what may not leave the machine.

    Its own paths (metadata, injected parameters, stderr); values of parameters whose name looks like a secret, wherever they turn up;
    logins in addresses; and outputs that show rows of respondents, told by the columns of the table of responses in the work folder that
    the notebook ran with.

    Parameters
    ----------
    notebook : dict
        As nbformat 4 has it.
    """
    about = notebook.get("metadata", {}).get("papermill", {})
    questions = frozenset(_columns_of_responses(about.get("parameters", {}).get("out", ""))) - _SHARED
    _paths(notebook, about)
    secrets = _secrets(notebook, about)
    for cell in notebook["cells"]:
        cell["source"] = _cleaned(cell["source"], secrets)
        if cell["cell_type"] == "code":
            kept = [o for o in cell.get("outputs", []) if o.get("name") != "stderr"]
            cell["outputs"] = [_cleaned(_without_rows(o, questions), secrets, named=False) for o in kept]
        else:
            cell.pop("outputs", None)
        cell["metadata"] = _cleaned(cell.get("metadata", {}), secrets)
    notebook["metadata"] = _cleaned(notebook.get("metadata", {}), secrets)


def _columns_of_responses(work):
    """Columns of the table of responses in a work folder; none before the first chapter has made it."""
    table = Path(work) / "tables" / "feedback.responses.parquet"
    if not table.is_file():
        return ()
    import pyarrow.parquet

    return tuple(pyarrow.parquet.read_schema(table).names)


# ---- this machine
def _paths(notebook, about):
    for key in ("input_path", "output_path", "environment_variables"):
        about.pop(key, None)
    given = about.get("parameters", {})
    given.pop("out", None)
    for cell in notebook["cells"]:
        if "injected-parameters" not in cell.get("metadata", {}).get("tags", []):
            continue
        lines = _joined(cell["source"]).splitlines()
        name = next((line for line in lines if line.startswith("study =")), "")
        value = ast.literal_eval(name.partition("=")[2].strip()) if name else ""
        lines = [line for line in lines if not line.startswith(("out =", "study ="))]
        cell["source"] = "\n".join([*lines, f'study = "{Path(value).name}"'] if value else lines)
        if "study" in given:
            given["study"] = Path(given["study"]).name


# ---- secrets
def _secrets(notebook, about):
    """Values of parameters with a secret's name, in metadata and in cells of parameters; the longest first."""
    found = {str(v) for n, v in {**about.get("default_parameters", {}), **about.get("parameters", {})}.items() if _SECRET.search(n)}
    for cell in notebook["cells"]:
        if {"parameters", "injected-parameters"} & set(cell.get("metadata", {}).get("tags", [])):
            for line in _joined(cell["source"]).splitlines():
                given = _ASSIGNED.match(line)
                if given and _SECRET.search(given[2]):
                    found.add(str(_value(given[4])))
    return sorted((v for v in found if len(v) >= 4), key=len, reverse=True)


def _value(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _clean(text, secrets):
    for secret in secrets:
        for form in {secret, json.dumps(secret, ensure_ascii=False)[1:-1]}:
            text = text.replace(form, HIDDEN)
    return _SETTING.sub(rf"\1\2{HIDDEN}", _LOGIN.sub(rf"\1{HIDDEN}@", text))


def _cleaned(value, secrets, named=True):
    """The same JSON without secrets in any of its texts; where it is `named`, a value under a secret's name is hidden whatever it is."""
    if isinstance(value, dict):
        hides = {k for k, v in value.items() if named and v and isinstance(v, str) and _SECRET.search(k)}
        return {k: HIDDEN if k in hides else _cleaned(v, secrets, named) for k, v in value.items()}
    if isinstance(value, list):
        if (
            value and all(isinstance(v, str) for v in value) and "\n" in "".join(value)
        ):  # lines of one text: a secret may run over their ends
            return _clean("".join(value), secrets).splitlines(keepends=True)
        return [_cleaned(v, secrets, named) for v in value]
    return _clean(value, secrets) if isinstance(value, str) else value


# ---- rows of respondents
def _without_rows(output, questions):
    """The output, or a sentence in its place where it shows rows of respondents."""
    data = output.get("data")
    if data is None:
        shows = "text" in output and _shows_rows(_joined(output["text"]), questions)
        return {**output, "text": f"{NO_ROWS}\n"} if shows else output
    if any(_shows_rows(_joined(data.get(kind, "")), questions) for kind in ("text/html", "text/plain")):
        return {**output, "data": {"text/plain": NO_ROWS}}
    return output


def _shows_rows(text, questions):
    """Whether a table or series in this text has a column of the table of responses."""
    if not text:
        return False
    headings = set()
    for head in re.findall(r"<thead>(.*?)</thead>", text, flags=re.S):
        named, *titles = [re.sub(r"<[^>]+>", "", h).strip() for h in re.findall(r"<th[^>]*>(.*?)</th>", head, flags=re.S)] or [""]
        if named in ("", "respondent"):  # columns that have a name in common are those of a pivoted result
            headings |= {named, *titles}
    headings |= {name.strip() for name in _NAMED.findall(text)}
    head, row = [line.split() for line in [*text.strip("\n").splitlines(), "", ""][:2]]
    if len(row) > len(head) or row == ["respondent"]:  # a printed frame: a row has a label more than the head
        headings |= {*head, *row[:1]} if row == ["respondent"] else {*head}
    return "respondent" in headings or not questions.isdisjoint(headings)


def _joined(text):
    return text if isinstance(text, str) else "".join(text)

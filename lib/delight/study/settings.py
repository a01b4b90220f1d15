"""study.toml: read with tomllib, checked with pydantic, every mistake told with its line."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from delight.errors import did_you_mean
from delight.findings import Finding
from delight.study.sheets import LANGUAGES


def _as_list(value):
    return [value] if isinstance(value, str) else value


def _as_text(value):
    return value.isoformat() if isinstance(value, (date, datetime)) else value


Language = Literal["nl", "da", "en"]
Texts = Annotated[list[str], BeforeValidator(_as_list)]
Day = Annotated[str, BeforeValidator(_as_text)]
Words = dict[Language, str]
Said = str | Words  # in one language, or in each: {nl = "…", da = "…", en = "…"}


class Table(BaseModel):
    """A table of a TOML file: unknown keys are refused, types are not bent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StudyTable(Table):
    name: str
    organisation: str
    language: Language = "en"
    delight_from: float | None = None
    out_of_scale: Literal["error", "missing"] = "error"
    title: str = ""


class Source(Table):
    """One raw file, or later a database."""

    path: str = ""
    wave: str = ""
    format: str = ""
    rename: dict[str, str] = Field(default_factory=dict)
    labels: Words = Field(default_factory=dict)
    uri: str = ""
    table: str = ""
    query: str = ""
    start: Day = ""
    end: Day = ""


class WeightsTable(Table):
    kind: Literal["sampling", "frequency"] = "sampling"


class Archetype(Table):
    """A kind of customer one expects: ``high`` or ``low`` on some needs."""

    name: str
    labels: Words = Field(default_factory=dict)
    profile: dict[str, Literal["high", "low"]]


class SegmentsTable(Table):
    needs: Literal["rating", "pick", "rank", "best-worst"] = "rating"
    archetypes: list[Archetype] = Field(default_factory=list)


class Fieldwork(Table):
    """The account of the research."""

    population: Said = ""
    design: Literal["all", "sample"] | None = None
    panel: bool | None = None  # whether the same respondents were asked in every wave, so that a number names one person throughout
    mode: Said = ""
    start: Day = ""
    end: Day = ""
    dates: Day = ""
    languages: Texts = Field(default_factory=list)
    sample: Said = ""
    sampling_frame: Said = ""
    invited: int | None = Field(None, ge=0)
    incentive: Said = ""
    questionnaire: Said = ""
    weighting: Said = ""
    commissioned_by: Said = ""
    conducted_by: Said = ""
    funded_by: Said = ""
    contact: Said = ""
    remarks: Said = ""


class Benchmark(Table):
    """A figure from elsewhere, shown beside a result."""

    name: str
    measure: str
    value: float
    source: str = ""
    year: int | None = None
    n: int | None = None
    labels: Words = Field(default_factory=dict)


class Privacy(Table):
    minimum_group: int = Field(10, ge=1)


class ReportTable(Table):
    logo: str = ""
    colours: Texts = Field(default_factory=list)
    template: str = ""
    title: str = ""
    author: str = ""
    contact: str = ""


class PathTable(Table):
    """The path model: arrows between constructs such as ``image -> satisfaction``; none takes those of the ECSI."""

    inner: Texts = Field(default_factory=list)
    scheme: Literal["centroid", "factorial", "path"] = "centroid"


class Settings(Table):
    """study.toml as a whole."""

    study: StudyTable
    sources: list[Source] = Field(default_factory=list)
    weights: WeightsTable | None = None
    segments: SegmentsTable = Field(default_factory=SegmentsTable)
    fieldwork: Fieldwork = Field(default_factory=Fieldwork)
    targets: dict[str, float] = Field(default_factory=dict)
    benchmarks: list[Benchmark] = Field(default_factory=list)
    path: PathTable = Field(default_factory=PathTable)
    privacy: Privacy = Field(default_factory=Privacy)
    report: ReportTable = Field(default_factory=ReportTable)


def read_settings(path, findings):
    """The settings in `path` and the line of every key; every mistake is added to `findings`.

    Settings that are wrong are left at their default, so that checking can go on; None if nothing can be made of the file.
    """
    return read_toml(path, Settings, findings)


def read_toml(path, model, findings):
    """A TOML file as a pydantic model, and the line of every key; like `read_settings` for any model of tables."""
    file = path.name

    def report(rule, message, remedy="", line=None):
        findings.append(Finding("error", rule, message, remedy, file, "", line))

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        report("encoding", "The file is not in UTF-8, which TOML requires.", "Save it as UTF-8.", line)
        return None, {}
    except OSError as error:
        report("unreadable_file", f"The file cannot be read ({error.strerror or error}).", "Check its name and permissions.")
        return None, {}
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line = int(at[1]) if at else len(text.splitlines())
        shown = text.splitlines()[line - 1].strip()[:60] if at and text.splitlines() else ""
        say = re.sub(r"\s*\(at .*\)", "", str(error))
        report("toml_syntax", f"This is not TOML: {say}{f' (in {shown!r})' if shown else ''}.", "Texts stand in quotation marks.", line)
        return None, {}
    lines = line_numbers(text)
    while True:
        try:
            return model.model_validate(raw), lines
        except ValidationError as error:
            removed = False
            for problem in error.errors(include_url=False):
                report(*_explain(problem, lines, model))
                removed |= _remove(raw, problem)
            if not removed:
                return None, lines


def _explain(problem, lines, model):
    """(rule, message, remedy, line) of a pydantic problem."""
    loc = tuple(part for part in problem["loc"] if part != "[key]")
    where = _name(loc)
    line = next((lines[loc[:i]] for i in range(len(loc), 0, -1) if loc[:i] in lines), None)
    kind, given = problem["type"], problem.get("input")
    if kind == "extra_forbidden":
        known = _known(loc[:-1], model)
        place = f" in [{_name(loc[:-1])}]" if len(loc) > 1 else ""
        is_table = isinstance(given, dict) or isinstance(given, list) and given and isinstance(given[0], dict)
        what = "table" if is_table and len(loc) == 1 else "key"
        hint = did_you_mean(loc[-1], known)
        return "unknown_key", f"Unknown {what} '{loc[-1]}'{place}.{hint}", f"Known: {', '.join(known)}.", line
    if kind == "missing":
        return "missing_key", f"'{where}' is missing.", "Add it.", line
    if kind == "literal_error":
        if loc[-1:] and loc[-1] == given and "labels" in loc:
            return "bad_language", f"'{where}': labels are in {', '.join(LANGUAGES)}.", "Use one of these.", line
        rule = "bad_language" if loc[-1] == "language" else "bad_value"
        return rule, f"'{where}' is {given!r}.", f"It is {problem['ctx']['expected']}.", line
    types = {
        "string_type": "a text in quotation marks",
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "dict_type": "a table",
        "list_type": "a list",
        "model_type": "a table",
        "model_attributes_type": "a table",
        "bool_type": "true or false",
    }
    if kind in types:
        remedy = "Write it as [[...]]." if kind == "list_type" and isinstance(given, dict) else ""
        return "bad_value", f"'{where}' must be {types[kind]}, not {given!r:.80}.", remedy, line
    return "bad_value", f"'{where}' is {given!r:.80}: {problem['msg'][0].lower()}{problem['msg'][1:]}.", "Correct it.", line


def _name(loc):
    name = ""
    for part in loc:
        name += f"[{part + 1}]" if isinstance(part, int) else ("." if name else "") + str(part)
    return name


def _known(loc, model):
    """Keys that the table at `loc` can have."""
    for part in (part for part in loc if not isinstance(part, int)):
        inner = model.model_fields.get(part)
        model = next(_tables(inner.annotation), model) if inner is not None else model
    return list(model.model_fields)


def _tables(annotation):
    """The tables that a type speaks of: itself, or those inside a list, a dict or a choice."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _tables(inner)


def _remove(raw, problem):
    """Take the offending value out so that the rest can be checked; False where nothing is left to take out."""
    loc = [part for part in problem["loc"] if part != "[key]"]
    if problem["type"] == "missing":
        return _fill(raw, loc)
    here, trail = raw, []
    for part in loc:
        if isinstance(here, dict) and part in here or isinstance(here, list) and isinstance(part, int) and part < len(here):
            trail.append((here, part))
            here = here[part]
        else:
            break
    if not trail:
        return False
    holder, part = trail[-1]
    if isinstance(holder, dict):
        holder.pop(part, None)
    else:
        holder[part] = None
        while None in holder:
            holder.remove(None)
    return True


def _fill(raw, loc):
    """Put a stand-in where a needed value is missing."""
    here = raw
    for part in loc[:-1]:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return False
    stand_in = {"study": {} if len(loc) == 1 else "?", "profile": {}, "value": 0.0}
    if not isinstance(here, dict) or loc[-1] in here:
        return False
    here[loc[-1]] = stand_in.get(loc[-1], "?")
    return True


def line_numbers(text):
    """Line of every key and table of a TOML text, by its path: ``("sources", 0, "path")``."""
    lines, prefix, counts = {}, (), {}
    for number, line in enumerate(text.splitlines(), start=1):
        table = re.match(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$", line)
        if table:
            prefix = ()
            parts = [p.strip().strip("\"'") for p in table[2].split(".")]
            for i, part in enumerate(parts):
                prefix += (part,)
                if table[1] == "[[" and i == len(parts) - 1:
                    counts[prefix] = counts.get(prefix, -1) + 1
                if prefix in counts:
                    prefix += (counts[prefix],)
            lines.setdefault(prefix, number)
            if isinstance(prefix[-1], int):
                lines.setdefault(prefix[:-1], number)
            continue
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if key:
            path = prefix
            for part in key[1].split("."):
                path += (part.strip("\"'"),)
                lines.setdefault(path, number)
            for inner in re.finditer(r"[{,]\s*([\w\"'-]+)\s*=", line):
                lines.setdefault((*path, inner[1].strip("\"'")), number)
    return lines

"""What a batch is to make: a plan file or the command's own words, checked completely before anything runs."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, PrivateAttr
from pydantic_core import PydanticCustomError

from delight.errors import InputError, Mistakes, RunError, StudyError
from delight.findings import raise_errors
from delight.publish import chain, order
from delight.publish.batch.jobs import Job
from delight.publish.batch.store import is_url
from delight.publish.location import must_be_named
from delight.study import open_study, places
from delight.study.settings import Language, Table, Texts, read_toml


def _value(value):
    """A parameter's value, or a table of those of one chapter."""
    inner = value.values() if isinstance(value, dict) else [value]
    if not all(isinstance(v, (str, int, float, bool)) for v in inner):
        raise PydanticCustomError("parameter", "a parameter is a text, a number, true or false, and a chapter's are a table of such")
    return value


Value = Annotated[object, PlainValidator(_value)]


class _Choices(Table):
    """What may stand at the head of a plan for all studies, or with one study for itself."""

    by: Literal["", "location"] = ""
    languages: Texts = Field(default_factory=list)
    formats: Texts = Field(default_factory=list)
    raw: str = ""
    parameters: dict[str, Value] = Field(default_factory=dict)


class PlannedStudy(_Choices):
    """One study of a plan: its newest wave and the whole organisation, unless it says otherwise."""

    study: str
    waves: Texts = Field(default_factory=list)
    locations: Texts = Field(default_factory=list)


class Plan(_Choices):
    """A plan as a whole; what was wrong with its file is left out of it, and told by `settle` with all else that is."""

    language: Language | None = None
    out: str = ""
    workers: int | None = Field(None, ge=1)
    studies: list[PlannedStudy] = Field(default_factory=list)
    _wrong: RunError | None = PrivateAttr(None)


@dataclass(frozen=True)
class Batch:
    """A batch found sound.

    Attributes
    ----------
    name : str
        Folder of its index: the plan file's name, else ``batch``.
    language : str
        Of the index.
    jobs : list of Job
        The reports to begin with; those of all locations follow from the whole's.
    out : str
        Folder or URL of all reports.
    labels : dict of study name to Labels
        In the language of the index.
    workers : int or None
    """

    name: str
    language: str
    jobs: list
    out: str
    labels: dict
    workers: int | None = None


def read(path):
    """A plan file.

    Raises
    ------
    RunError
        There is no such file, it is not TOML, or it plans nothing.
    """
    path, findings = Path(path), []
    if path.is_dir() or not path.exists():
        raise RunError(f"There is no plan file '{path}'.", exit_code=2)
    plan, _ = read_toml(path, Plan, findings)
    if plan is not None and not plan.studies and not findings:
        raise RunError(f'{path.name} plans nothing. Add a table [[studies]] with study = "NAME" for each study.', exit_code=2)
    try:
        raise_errors(findings, InputError, intro=f"The plan {path.name} has {{n}} mistake(s):")
    except InputError as error:
        wrong = RunError(str(error).replace(", row ", ", line "), exit_code=2)
        if plan is None:
            raise wrong from None
        plan = plan.model_copy(update={"studies": [planned for planned in plan.studies if planned.study != "?"]})  # that lack their name
        plan._wrong = wrong
    return plan


def settle(plan, *, name="batch", base=None, resume=True, **said):
    """Check everything a plan asks for, and nothing is left to chance once the batch runs.

    Parameters
    ----------
    plan : Plan
    name : str
    base : Path, optional
        Folder that paths in the plan start from (the plan file's); the working folder otherwise.
    resume : bool
    **said : by, languages, formats, parameters, raw, out, workers
        What the command says itself; it goes before the plan.

    Returns
    -------
    Batch

    Raises
    ------
    StudyError, InputError, RunError
        Every mistake of the file and of every study in one message.
    """
    mistakes = Mistakes()
    root = places.root()
    out = said.get("out") or (plan.out and _from(base, plan.out)) or str(places.reports_folder())
    out = out if is_url(out) else os.path.abspath(Path(out).expanduser())
    folder = places.slugs([name])[name] if name != "batch" else name
    jobs, studies, wrong = [], {}, {}
    for planned in plan.studies:
        own = Mistakes()
        with own:
            found, opened = _of_study(planned, plan, said, own, root=root, out=out, base=base, resume=resume)
            jobs += found
            _one_folder(studies, opened)
        for error in (e for found in own.found for e in found.found or (found,)):
            wrong.setdefault(str(error), (error, {}))[1][planned.study] = None
    mistakes.found = [plan._wrong] if plan._wrong else []
    mistakes.found += [_named(error, list(names), plan) for error, names in wrong.values()]
    mistakes.found += [InputError(f"The report {job} is planned twice.") for job in _repeated(jobs)]
    if folder in studies:
        say = f"The batch would be called '{folder}' like one of its studies. Rename the plan file."
        mistakes.found.append(RunError(say, exit_code=2))
    if said.get("workers") is not None and said["workers"] < 1:
        mistakes.found.append(RunError(f"--workers is a whole number of at least 1, not {said['workers']}.", exit_code=2))
    mistakes.raise_all()
    said_first = next(iter(said.get("languages") or plan.languages), None)
    language = plan.language or said_first or jobs[0].languages[0]
    labels = {name: study.labels(language) for name, study in studies.items()}
    return Batch(folder, language, jobs, out, labels, said.get("workers") or plan.workers)


def _of_study(planned, plan, said, mistakes, *, root, out, base, resume):
    """(jobs, study) of one study of the plan; everything that is wrong with it goes to `mistakes`."""
    folder = _study(planned.study, base)
    raw = said.get("raw") or _from(base, planned.raw or plan.raw)
    parameters = [*_flat(plan.parameters), *_flat(planned.parameters), *said.get("parameters", ())]
    choices = {
        "languages": said.get("languages") or planned.languages or plan.languages,
        "formats": said.get("formats") or planned.formats or plan.formats,
        "parameters": parameters,
        "raw": raw or None,
        "root": root,
    }
    every = (said.get("by") or planned.by or plan.by) == "location" and not planned.locations
    jobs, opened = [], None
    for wave in planned.waves or [""]:
        with mistakes:
            settled = order.settle(folder, wave=wave, **choices)
            opened = settled.study
            job = Job.of(settled, parameters=parameters, out=out, resume=resume)
            jobs.append(replace(job, then="every" if every else tuple(dict.fromkeys(planned.locations))))
        for location in planned.locations:
            with mistakes:
                order.settle(folder, wave=wave, location=location, **choices)
    if planned.locations:
        with Mistakes():  # why a study cannot be opened has been told
            study = opened or open_study(folder, raw=raw or None)
            with mistakes:
                must_be_named(study, planned.locations)
    if opened is not None and (every or planned.locations):
        if not opened.column("location"):
            raise InputError("There are no locations to report on: no column of the codebook has the role location.")
        if not any(c.fits("-") for c in chain.chapters(root)):
            raise RunError("The chain has no chapter about a single location.", exit_code=5)
    if mistakes.found:
        mistakes.raise_all()
    return jobs, opened


def _named(error, studies, plan):
    """The error with the studies it is about, where that is not all of them and it does not say so itself."""
    text = str(error)
    if len(plan.studies) == len(studies) > 1 or any(f"'{name}'" in text.partition("\n")[0] for name in studies):
        return error
    about = f"Study {', '.join(map(repr, studies))}: {text}"
    return type(error)(about, exit_code=error.exit_code) if isinstance(error, RunError) else type(error)(about)


def _study(given, base):
    """A study of the plan: a folder from the plan's own, else as everywhere."""
    beside = Path(base, given) if base else None
    return places.find_study(beside if beside is not None and (beside / "study.toml").is_file() else given).resolve()


def _from(base, path):
    return path if not path or base is None or is_url(path) else os.path.abspath(Path(base, Path(path).expanduser()))


def _flat(parameters):
    """``NAME=VALUE`` and ``CHAPTER.NAME=VALUE`` of a table of parameters."""
    found = []
    for name, value in parameters.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        found += [f"{name}{'.' if key else ''}{key}={str(v).lower() if isinstance(v, bool) else v}" for key, v in inner]
    return found


def _one_folder(studies, study):
    """Refuse two studies whose reports would go to the same folder."""
    other = studies.setdefault(study.name, study).path
    if other != study.path:
        say = f"Two studies are called '{study.name}' ({other} and {study.path}): their reports would replace each other. Rename one."
        raise StudyError(say)


def _repeated(jobs):
    every = [name for job in jobs for name in [job.id, *(f"{job.id}, {location}" for location in job.then if job.then != "every")]]
    return [name for name in dict.fromkeys(every) if every.count(name) > 1]

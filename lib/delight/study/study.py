"""A study: the folder that says what a client's questions mean, opened and checked."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from delight import arrows
from delight.errors import InputError, StudyError, did_you_mean
from delight.findings import Finding, raise_errors
from delight.study import places
from delight.study.codebook import CONTEXT_ROLES, RATING_ROLES, ROLES, read_answers, read_codebook, read_units, split_need
from delight.study.labels import Labels, answer_key, first_label
from delight.study.settings import read_settings
from delight.study.sheets import LANGUAGES

#: Wave of a study that names none.
ONLY_WAVE = "all"


@dataclass(frozen=True)
class Source:
    """A raw file of a study.

    Attributes
    ----------
    path : Path
        Where it lies now.
    given : str
        As study.toml says it.
    wave : str
        Its wave; empty if a column says it.
    format : str
        Empty to have it recognised.
    rename : dict
        Header in the file to column of the codebook.
    """

    path: Path
    given: str
    wave: str = ""
    format: str = ""
    rename: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Weights:
    """The column of weights and what they mean: ``sampling`` or ``frequency``."""

    column: str
    kind: str = "sampling"


@dataclass(frozen=True)
class Design:
    """How locations came into the research (methods M00).

    Attributes
    ----------
    kind : {"all", "sample", "undeclared"}
        Undeclared is treated as a sample, with a note.
    strata : str or None
        Column of locations, for ``all``.
    population, invited : dict of location to persons
        Where units.csv knows them.
    labels : dict of location to label
        Singletons are collapsed within their label.
    clusters : str or None
        Column of locations, for a declared ``sample``.
    """

    kind: str
    strata: str | None
    population: dict
    invited: dict
    labels: dict
    clusters: str | None


@dataclass(frozen=True)
class Study:
    """An opened study.

    Attributes
    ----------
    path : Path
        Its folder.
    name, organisation, language : str
    sources : tuple of Source
        In the order of the waves.
    codebook : DataFrame
        As it stands in codebook.csv, indexed by column; `questions` holds it typed.
    questions : dict of column to Question
    answers : dict of name to AnswerSet
    units : dict of location to Unit
    weights : Weights or None
    segments : SegmentsTable
        ``needs`` (rating, pick, rank, best-worst) and ``archetypes`` (name, labels, profile).
    fieldwork, targets, report : dict
    benchmarks : list of dict
    arrows : PathTable
        ``inner`` (arrows between constructs) and ``scheme`` of the path model.
    minimum_group : int
        Smallest unweighted base that a client may see.
    out_of_scale : {"error", "missing"}
    declared_delight_from : float or None
    story : dict of (wave, language) to Path
    findings : tuple of Finding
        Warnings about the study itself.
    """

    path: Path
    name: str
    organisation: str
    language: str
    sources: tuple
    codebook: pd.DataFrame
    questions: dict
    answers: dict
    units: dict
    weights: Weights | None
    segments: object
    privacy: object
    fieldwork: dict
    targets: dict
    benchmarks: list
    report: dict
    out_of_scale: str = "error"
    declared_delight_from: float | None = None
    story: dict = field(default_factory=dict)
    wave_labels: dict = field(default_factory=dict)
    arrows: object = None
    findings: tuple = ()

    @property
    def minimum_group(self):
        return self.privacy.minimum_group

    # ---- questions
    def columns(self, role):
        """All columns of a role, in the order of the codebook."""
        if role not in ROLES:
            raise StudyError(f"There is no role '{role}'.{did_you_mean(role, ROLES)}")
        return [q.column for q in self.questions.values() if q.role == role]

    def meeting(self, need):
        """All columns that meet a need of a chapter (`codebook.split_need`), in the order of the codebook."""
        role, tie, value = split_need(need)
        found = [q for q in self.questions.values() if not role or q.role == role]
        if value:
            return [q.column for q in found if str(getattr(q, tie)) == value]
        return [q.column for q in found if not tie or getattr(q, tie)]

    def column(self, role):
        """The column of a role (the first, if several have it); None if no column has it."""
        return next(iter(self.columns(role)), None)

    def question(self, column_or_role):
        """The typed row of the codebook of a column, or of the first column of a role."""
        if column_or_role in self.questions:
            return self.questions[column_or_role]
        if column_or_role in ROLES:
            found = self.column(column_or_role)
            if found is None:
                raise StudyError(f"Study '{self.name}' has no column with the role '{column_or_role}'.")
            return self.questions[found]
        hint = did_you_mean(column_or_role, [*self.questions, *ROLES])
        raise StudyError(f"Study '{self.name}' has no column or role '{column_or_role}'.{hint}")

    def scale(self, column_or_role):
        """The scale of a question; None if it has none."""
        return self.question(column_or_role).scale

    @property
    def outcome(self):
        """Column of overall satisfaction, else of recommendation, else None; see `outcome_role`."""
        return self.column("overall") or self.column("recommend")

    @property
    def outcome_role(self):
        """``overall``; ``recommend`` where nobody asked for overall satisfaction, which a report must say; None without either."""
        return next((role for role in ("overall", "recommend") if self.column(role)), None)

    @property
    def delight_from(self):
        """Lowest point of the outcome that counts as delighted; None if its scale has none."""
        if self.declared_delight_from is not None:
            return self.declared_delight_from
        scale = self.scale(self.outcome) if self.outcome else None
        return scale.delight_from if scale else None

    def groups(self):
        """Columns of attributes by success factor or basic (`group` of the codebook), in the order of the codebook."""
        found = {}
        for column in self.columns("attribute"):
            found.setdefault(self.questions[column].group, []).append(column)
        return found

    def asked(self):
        """Columns that are answers to questions, not who, where and when."""
        return [q.column for q in self.questions.values() if q.role not in CONTEXT_ROLES]

    # ---- arguments of methods
    def _weights(self):
        kind = self.weights.kind if self.weights else "sampling"
        return {"weights": "weight" if self.weights else None, "weights_kind": kind}

    def measure(self, column_or_role):
        """Arguments for a method of one question: ``y, scale, weights, weights_kind``."""
        if column_or_role == "overall" and not self.column("overall") and self.outcome:
            column_or_role = self.outcome
        question = self.question(column_or_role)
        return {"y": question.column, "scale": question.scale, **self._weights()}

    def model(self, outcome="overall"):
        """Arguments for a method of an outcome on attributes.

        Parameters
        ----------
        outcome : str
            A role or a column; ``overall`` stands for `outcome` where nobody asked for overall satisfaction.

        Returns
        -------
        dict
            ``y, x, scales, weights, weights_kind, clusters, not_applicable``.
        """
        measure = self.measure(outcome)
        x = [c for c in self.columns("attribute") if c != measure["y"]]
        may_not_apply = [c for c in x if self.questions[c].answers is not None and self.questions[c].answers.has("not_applicable")]
        return {
            "y": measure["y"],
            "x": x,
            "scales": {c: self.questions[c].scale for c in [measure["y"], *x]},
            **self._weights(),
            "clusters": self.design().clusters,
            "not_applicable": {c: f"{c}:na" for c in may_not_apply},
        }

    def constructs(self, answered=None):
        """Columns with a scale by construct, in the order of the codebook.

        Parameters
        ----------
        answered : function (column) -> bool, optional
            Which columns to keep.
        """
        found = {}
        for q in self.questions.values():
            if q.construct and q.role != "ignore" and q.scale is not None and (answered is None or answered(q.column)):
                found.setdefault(q.construct, []).append(q.column)
        return found

    def path_model(self, answered=None):
        """Arguments for the path model: ``constructs, inner, scheme, scales, weights, weights_kind, clusters``.

        ``inner`` holds the declared arrows between the constructs that are there, or is None for those of the ECSI.
        """
        constructs = self.constructs(answered)
        declared = self.arrows.inner if self.arrows is not None else []
        pairs = [pair for pair in arrows.read(declared) if set(pair) <= set(constructs)]
        return {
            "constructs": constructs,
            "inner": pairs if declared else None,
            "scheme": self.arrows.scheme if self.arrows is not None else "centroid",
            "scales": {c: self.questions[c].scale for items in constructs.values() for c in items},
            **self._weights(),
            "clusters": self.design().clusters,
        }

    def stated_importance(self):
        """Attribute → column that asks how important it is, where the codebook ties the two by `pair`."""
        asked = {self.questions[c].pair: c for c in self.columns("importance") if self.questions[c].pair}
        return {a: asked[self.questions[a].pair] for a in self.columns("attribute") if self.questions[a].pair in asked}

    def design(self):
        """How locations came into the research, with persons per location."""
        kind = self.fieldwork.get("design") or "undeclared"
        location = "location" if self.column("location") else None
        return Design(
            kind=kind,
            strata=location if kind == "all" else None,
            population={u.location: u.population for u in self.units.values() if u.population is not None},
            invited={u.location: u.invited for u in self.units.values() if u.invited is not None},
            labels={u.location: u.label for u in self.units.values()},
            clusters=location if kind == "sample" else None,
        )

    # ---- waves
    @cached_property
    def waves(self):
        """Waves in order: as the sources stand, and where a column says the wave, in the order of its values."""
        column = self.column("wave")
        found = []
        for source in self.sources:
            if source.wave or column is None:
                found.append(source.wave or ONLY_WAVE)
            else:
                from delight.feedback.waves import waves_of

                found.extend(waves_of(self, source))
        return list(dict.fromkeys(found))

    @property
    def newest_wave(self):
        return self.waves[-1]

    def wave_named(self, wave=""):
        """The wave of this name, the newest if empty.

        Raises
        ------
        InputError
            The study has no such wave; the message names the nearest.
        """
        wave = wave or self.newest_wave
        if wave not in self.waves:
            raise InputError(f"Study '{self.name}' has no wave '{wave}'.{did_you_mean(wave, self.waves)} It has: {', '.join(self.waves)}.")
        return wave

    # ---- words
    def labels(self, language=""):
        """The study's own words in a language (its own if empty): label, else English, Dutch, Danish, else the name."""
        language = language or self.language
        if language not in LANGUAGES:
            raise InputError(f"A language is one of {', '.join(LANGUAGES)}, not '{language}'.")
        columns, answers = {}, {}
        for question in self.questions.values():
            if label := first_label(question.labels, language):
                columns[question.column] = label
            if question.answers is not None:
                found = {}
                for answer in reversed(question.answers.answers):
                    key = answer_key(answer.number) if answer.number is not None else answer.code
                    if key:
                        found[key] = first_label(answer.labels, language) or answer.text or found.get(key) or key
                answers[question.column] = found
        for role in ("respondent", "wave", "location", "weight"):
            if self.column(role) in columns:
                columns.setdefault(role, columns[self.column(role)])
            if self.column(role) in answers:
                answers.setdefault(role, answers[self.column(role)])
        names = {x: self._name(x, answers.get("location", {})) for x in [*answers.get("location", {}), *self.units]}
        return Labels(
            language=language,
            columns=columns,
            answers=answers,
            locations=names,
            labels_of={u.location: u.label for u in self.units.values() if u.label},
            waves={w: first_label(texts, language) or w for w, texts in self.wave_labels.items()},
            segments=self._segment_names(language),
        )

    def _name(self, location, answers):
        unit = self.units.get(location)
        return (unit.name if unit else "") or answers.get(location) or location

    def _segment_names(self, language):
        names = {a.name: first_label(a.labels, language) or a.name for a in self.segments.archetypes}
        try:
            confirmed = json.loads((self.path / "segments.json").read_text(encoding="utf-8")).get("names", {})
        except (OSError, ValueError, AttributeError):
            return names
        for code, texts in confirmed.items():
            label = first_label(texts, language) if isinstance(texts, dict) else str(texts)
            if label:
                names[code] = label
        return names


def open_study(name_or_folder, *, raw=None):
    """Open a study and check it completely.

    Parameters
    ----------
    name_or_folder : str or Path
        A name under ``data/studies``, a folder with a study.toml, or a study.toml.
    raw : str or Path, optional
        Folder in which the raw files lie instead of the study's own; DELIGHT_RAW otherwise.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        Everything that is wrong, in one message; ``findings`` of the exception holds it as a list.
    """
    study, findings = load(name_or_folder, raw=raw)
    folder = places.find_study(name_or_folder)
    raise_errors(findings, StudyError, intro=f"The study '{folder.name}' has {{n}} mistake(s):")
    return study


def load(name_or_folder, *, raw=None):
    """Open a study as far as it goes: (Study or None, list of Finding), without raising on its mistakes."""
    folder = places.find_study(name_or_folder).resolve()
    findings = []
    settings, lines = read_settings(folder / "study.toml", findings)
    sets = read_answers(folder / "answers.csv", findings)
    questions, rows = read_codebook(folder / "codebook.csv", sets, findings)
    units = read_units(folder / "units.csv", findings)
    if settings is None:
        return None, findings
    checker = _Checker(folder, settings, lines, findings)
    checker.study_table()
    sources = checker.sources(raw, questions)
    checker.outcome(questions)
    checker.others(questions, units)
    story = checker.story([s.wave for s in sources])
    if not questions:
        return None, findings
    by_role = {q.role: q for q in reversed(questions.values())}
    weights = None
    if "weight" in by_role:
        weights = Weights(by_role["weight"].column, settings.weights.kind if settings.weights else "sampling")
    codebook = pd.DataFrame([{k: v for k, v in row.items() if k != "#"} for row in rows]).set_index("column", drop=False)
    study = Study(
        path=folder,
        name=settings.study.name,
        organisation=settings.study.organisation,
        language=settings.study.language,
        sources=tuple(sources),
        codebook=codebook,
        questions=questions,
        answers=sets,
        units=units,
        weights=weights,
        segments=settings.segments,
        privacy=settings.privacy,
        fieldwork={k: v for k, v in settings.fieldwork.model_dump().items() if v not in ("", None, [])},
        targets=dict(settings.targets),
        benchmarks=[b.model_dump() for b in settings.benchmarks],
        report={k: v for k, v in settings.report.model_dump().items() if v},
        out_of_scale=settings.study.out_of_scale,
        declared_delight_from=settings.study.delight_from,
        story=story,
        arrows=settings.path,
        wave_labels={s.wave: dict(s.labels) for s in settings.sources if s.wave and s.labels},
        findings=tuple(findings),
    )
    return study, findings


class _Checker:
    """What study.toml says, held against itself, the codebook and the folder."""

    def __init__(self, folder, settings, lines, findings):
        self.folder, self.settings, self.lines, self.findings = folder, settings, lines, findings

    def report(self, rule, message, remedy, *loc, severity="error", file="study.toml"):
        line = next((self.lines[loc[:i]] for i in range(len(loc), 0, -1) if loc[:i] in self.lines), None)
        self.findings.append(Finding(severity, rule, message, remedy, file, "", line))

    def study_table(self):
        name = self.settings.study.name
        if name != "?" and not re.fullmatch(r"[A-Za-z0-9]+(-+[A-Za-z0-9]+)*", name):
            remedy = "Use letters (a-z), digits and dashes, such as 'kinderopvang-demo'."
            self.report("bad_name", f"The study's name {name!r} cannot be a folder name.", remedy, "study", "name")
        elif name.lower() in places.RESERVED:
            self.report("bad_name", f"The name {name!r} is reserved.", "Choose another.", "study", "name")
        elif name != "?" and name != self.folder.name:
            say = f"The study is called '{name}' but its folder '{self.folder.name}'."
            self.report("name_differs", say, "Call them the same, so that reports are found.", "study", "name", severity="warning")
        if not self.settings.study.organisation.strip():
            self.report("bad_value", "'study.organisation' is empty.", "Name the organisation; reports carry it.", "study", "organisation")

    def sources(self, raw, questions):
        raw = raw or os.environ.get("DELIGHT_RAW") or None
        raw = Path(raw).expanduser().resolve() if raw else None
        if raw is not None and not raw.is_dir():
            self.report("unreadable_path", f"The folder of raw files '{raw}' does not exist.", "Check --raw or DELIGHT_RAW.")
            raw = None
        found = []
        if not self.settings.sources:
            self.report("no_sources", "The study names no raw file.", "Add [[sources]] with a path.")
        has_column = any(q.role == "wave" for q in questions.values())
        named = [bool(s.wave) for s in self.settings.sources]
        for i, source in enumerate(self.settings.sources):
            loc = ("sources", i)
            if source.uri or source.table or source.query:
                say = "Sources that are databases (uri, table, query) cannot be read yet."
                self.report("database_source", say, "Export the table as Parquet or CSV and give its path.", *loc, "uri")
                continue
            if not source.path:
                self.report("missing_key", f"Source {i + 1} has no path.", 'Add path = "raw/…".', *loc)
                continue
            path = self._raw_path(source.path, raw, *loc, "path")
            if not source.wave and not has_column and any(named):
                say = f"Source {i + 1} names no wave, others do."
                self.report("missing_wave", say, "Name its wave, or give a codebook column the role wave.", *loc)
            if _odd(source.wave):
                self.report("bad_value", f"The wave {source.wave!r} holds control characters.", "Correct it.", *loc, "wave")
            doubled = [old for old, new in source.rename.items() if list(source.rename.values()).count(new) > 1]
            if doubled:
                say = f"rename gives {' and '.join(map(repr, doubled))} the same name."
                self.report("bad_rename", say, "Give each its own name.", *loc, "rename")
            for old, new in source.rename.items():
                if questions and new not in questions:
                    say = f"rename turns '{old}' into '{new}', which the codebook does not have.{did_you_mean(new, questions)}"
                    self.report("bad_rename", say, "Correct it, or add the column to the codebook.", *loc, "rename")
            if path is not None:
                found.append(Source(path, source.path, source.wave, source.format, dict(source.rename)))
        same = [str(s.path) for s in found]
        for s in dict.fromkeys(x for x in same if same.count(x) > 1):
            self.report("source_twice", f"The file '{Path(s).name}' is named as {same.count(s)} sources.", "Name it once.", "sources")
        return found

    def _raw_path(self, given, raw, *loc):
        """Where a raw file lies; None, with a finding, if it is not allowed or not there."""
        if _odd(given):
            self.report("bad_value", f"The path {given!r} holds control characters.", "Correct it.", *loc)
            return None
        if Path(given).is_absolute() or re.match(r"[A-Za-z]:[\\/]|\\\\", given) or ".." in re.split(r"[\\/]", given):
            say = f"The path '{given}' leads out of the study's folder."
            self.report("escaping_path", say, "Give a path inside it, and the folder of raw files by --raw.", *loc)
            return None
        given = given.replace("\\", "/")
        tries = [(raw, given), (raw, given.removeprefix("raw/"))] if raw else []
        tries.append((self.folder, given))
        for base, relative in dict.fromkeys(tries):
            path = base / relative
            if not path.exists():
                continue
            if base == self.folder and not path.resolve().is_relative_to(self.folder):
                say = f"The path '{given}' is a link out of the study's folder."
                self.report("escaping_path", say, "Copy the file into it, or give its folder by --raw.", *loc)
                return None
            if path.is_dir():
                self.report("unreadable_path", f"'{given}' is a folder, not a file.", "Name the file.", *loc)
                return None
            if not os.access(path, os.R_OK):
                self.report("unreadable_path", f"'{given}' may not be read.", "Give yourself permission to read it.", *loc)
                return None
            return path
        beside = (
            sorted(p.name for p in (tries[-1][0] / tries[-1][1]).parent.glob("*")) if not raw else sorted(p.name for p in raw.glob("*"))
        )
        hint = did_you_mean(Path(given).name, beside)
        where = " or ".join(dict.fromkeys(f"'{base}'" for base, _ in tries))
        self.report("unreadable_path", f"There is no file '{given}' in {where}.{hint}", "Correct the path, or say --raw DIR.", *loc)
        return None

    def outcome(self, questions):
        declared = self.settings.study.delight_from
        by_role = {}
        for question in questions.values():
            by_role.setdefault(question.role, question)
        asked = by_role.get("overall") or by_role.get("recommend")
        if asked is None or asked.scale is None:
            return
        loc = ("study", "delight_from")
        if declared is None and asked.scale.delight_from is None:
            say = f"The scale {asked.scale} of '{asked.column}' has no customary point from which a customer counts as delighted."
            self.report("missing_delight_from", say, "Set delight_from under [study].", *loc)
        elif declared is not None and not asked.scale.allows([declared])[0]:
            say = f"delight_from = {declared:g} is no point of the scale {asked.scale} of '{asked.column}'."
            self.report("bad_delight_from", say, "Choose a point of the scale.", *loc)
        elif declared is not None and declared == asked.scale.min:
            say = f"delight_from = {declared:g} is the lowest point of the scale of '{asked.column}': everybody would count as delighted."
            self.report("bad_delight_from", say, "Choose a higher point.", *loc)

    def others(self, questions, units):
        settings, roles = self.settings, {q.role for q in questions.values()}
        if settings.weights is not None and questions and "weight" not in roles:
            self.report("weights_without_column", "[weights] is given but no column has the role weight.", "Give one the role.", "weights")
        needs = [q.column for q in questions.values() if q.role == "need"]
        names = [a.name for a in settings.segments.archetypes]
        for i, archetype in enumerate(settings.segments.archetypes):
            loc = ("segments", "archetypes", i)
            if names.count(archetype.name) > 1 and names.index(archetype.name) < i:
                self.report("duplicate_archetype", f"The archetype '{archetype.name}' stands there twice.", "Keep one.", *loc, "name")
            flat = [a.name for a in settings.segments.archetypes if not a.profile]
            if not archetype.profile and (len(flat) > 1 or len(names) == 1):  # one kind without a distinctive wish is fine beside others
                self.report("empty_profile", f"The archetype '{archetype.name}' has no profile.", 'Say need = "high" or "low".', *loc)
            for need in archetype.profile:
                if questions and need not in needs:
                    hint = did_you_mean(need, needs) or (f" Needs are {', '.join(needs)}." if needs else " The codebook has no needs.")
                    say = f"The profile of '{archetype.name}' names '{need}', which is no column with the role need.{hint}"
                    self.report("unknown_need", say, "Correct it.", *loc, "profile")
        if units and questions and "location" not in roles:
            say = "units.csv is there but no column has the role location."
            self.report("units_without_location", say, "Give the column of locations that role.", file="units.csv")
        if questions and settings.path.inner:
            constructs = list(dict.fromkeys(q.construct for q in questions.values() if q.construct))
            try:
                arrows.read(settings.path.inner, known=constructs)
            except InputError as error:
                remedy = f"Constructs of the codebook are {', '.join(constructs)}." if constructs else "The codebook names no constructs."
                self.report("bad_path", str(error), remedy, "path", "inner")
        for target in settings.targets:
            measure = re.fullmatch(r"(.+)_(mean|share_delighted|share_le_6|share_max|nps)", target)
            if target not in ("nps", "share_delighted", "response_rate") and not (
                measure and (measure[1] in questions or measure[1] in ROLES or not questions)
            ):
                known = [f"{c}_mean" for c in (*roles, *questions) if c in questions or c in RATING_ROLES] + ["nps", "share_delighted"]
                say = f"The target '{target}' names no question and measure.{did_you_mean(target, known)}"
                self.report("unknown_target", say, "Write <column>_mean, <column>_share_delighted or nps.", "targets", target)
        if settings.privacy.minimum_group < 5:
            say = f"minimum_group = {settings.privacy.minimum_group}: groups this small can be traced to persons."
            self.report("small_minimum", say, "Customary is 10.", "privacy", "minimum_group", severity="warning")
        lacking = [k for k in ("population", "design", "mode", "commissioned_by") if not getattr(settings.fieldwork, k)]
        if not (settings.fieldwork.start or settings.fieldwork.dates or any(s.start for s in settings.sources) or "date" in roles):
            lacking.append("start and end")
        if lacking:
            say = f"The account of the research does not say: {', '.join(lacking)}."
            self.report("incomplete_fieldwork", say, "Add it under [fieldwork]; the report prints it.", "fieldwork", severity="warning")
        for key in ("logo", "template"):
            if given := getattr(settings.report, key):
                path = self.folder / given
                if _odd(given):
                    self.report("bad_value", f"{key} {given!r} holds control characters.", "Correct it.", "report", key)
                elif Path(given).is_absolute() or not path.resolve().is_relative_to(self.folder):
                    self.report("escaping_path", f"{key} '{given}' leads out of the study's folder.", "Copy it there.", "report", key)
                elif not path.is_file():
                    self.report("unreadable_path", f"There is no file '{given}' in the study's folder.", "Correct it.", "report", key)
        for colour in settings.report.colours:
            if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
                self.report("bad_value", f"'{colour}' is no colour.", "Write one as #1b6e8c.", "report", "colours")

    def story(self, waves):
        found = {}
        for path in sorted((self.folder / "story").glob("*.md")):
            wave, _, language = path.stem.rpartition(".")
            if language not in LANGUAGES or not wave:
                say = f"The name says no wave and language.{did_you_mean(language, LANGUAGES)}"
                self.report("bad_story_name", say, "Call it <wave>.<nl|da|en>.md.", file=f"story/{path.name}")
            elif all(waves) and waves and wave not in waves:
                say = f"There is no wave '{wave}'.{did_you_mean(wave, waves)}"
                self.report("unknown_wave", say, f"Waves are {', '.join(waves)}.", severity="warning", file=f"story/{path.name}")
            else:
                found[wave, language] = path
        return found


def _odd(text):
    """Whether a name holds control characters."""
    return re.search(r"[\x00-\x1f\x7f]", text) is not None

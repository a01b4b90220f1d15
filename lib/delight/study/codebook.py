"""What a client's questions mean: codebook.csv, answers.csv and units.csv, checked completely before anything runs."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from delight.errors import InputError, did_you_mean
from delight.findings import Finding
from delight.scales import Scale
from delight.study.sheets import LANGUAGES, number, read_sheet, yes_no

#: Columns of codebook.csv; column and role are always needed.
COLUMNS = (
    "column",
    "role",
    "label_en",
    "label_nl",
    "label_da",
    "scale_min",
    "scale_max",
    "scale_step",
    "answer_set",
    "missing_codes",
    "reverse",
    "group",
    "level",
    "employee",
    "touchpoint",
    "construct",
    "pair",
    "note",
)
#: Columns of codebook.csv that tie a question to something: a chapter may ask for them (`split_need`).
TIES = ("group", "level", "employee", "touchpoint", "construct", "pair")
#: Columns of answers.csv; `answer_set` is always needed.
ANSWER_COLUMNS = ("answer_set", "code", "text", "label_en", "label_nl", "label_da", "kind")
#: Columns of units.csv; `location` is always needed.
UNIT_COLUMNS = ("location", "name", "label", "region", "manager", "type", "invited", "population")

#: Questions answered on a scale: they need scale_min and scale_max, or an answer set.
RATING_ROLES = (
    "overall",
    "recommend",
    "repurchase",
    "stayed",
    "attribute",
    "importance",
    "need",
    "expectation",
    "expectation_adequate",
    "disconfirmation",
    "emotion",
    "kano_functional",
    "kano_dysfunctional",
    "switch_after_one",
    "switch_after_two",
    "churned",
    "item",
)
KANO_ROLES = ("kano_functional", "kano_dysfunctional")
#: Amounts: numbers without a scale.
AMOUNT_ROLES = ("duration", "weight", "tenure", "spend")
#: Words or codes; numbers only where a scale is declared.
CATEGORY_ROLES = ("background", "segment", "location", "wave", "incident")
#: All roles a column can have.
ROLES = (
    "respondent",
    "wave",
    "date",
    "duration",
    "location",
    "segment",
    "background",
    "weight",
    "overall",
    "recommend",
    "repurchase",
    "stayed",
    "attribute",
    "importance",
    "need",
    "expectation",
    "expectation_adequate",
    "disconfirmation",
    "emotion",
    "kano_functional",
    "kano_dysfunctional",
    "comment",
    "incident",
    "switch_after_one",
    "switch_after_two",
    "tenure",
    "spend",
    "churned",
    "item",
    "ignore",
)
#: Roles that one column at most can have.
SINGLE_ROLES = ("respondent", "wave", "duration", "location", "weight", "overall", "recommend")
#: Roles that say who, where and when, and are no answers to a question of the survey.
CONTEXT_ROLES = ("respondent", "wave", "date", "duration", "location", "segment", "background", "weight", "ignore")
#: Names the feedback table uses itself.
OWN_NAMES = ("respondent", "wave", "location", "weight")
KINDS = ("value", "missing", "not_applicable")
KANO_SCALE = Scale(1, 5, 1)


def split_need(need):
    """(role, tie, value) of a need of a chapter: ``role``, ``role:tie`` (tied to anything) or ``tie=value`` (any role).

    Raises
    ------
    InputError
        There is no such role or tie.
    """
    if "=" in need:
        tie, _, value = need.partition("=")
        role = ""
    else:
        role, _, tie = need.partition(":")
        value = ""
    if (role or not value) and role not in ROLES:
        raise InputError(f"'{need}' asks for the role '{role}', which there is not.{did_you_mean(role, ROLES)}")
    if tie and tie not in TIES:
        raise InputError(f"'{need}' asks for '{tie}', which ties no questions together.{did_you_mean(tie, TIES)}")
    return role, tie, value


@dataclass(frozen=True)
class Answer:
    """One answer of an answer set: its code, its text in the raw file, its labels and its kind."""

    code: str
    text: str
    labels: dict
    kind: str = "value"
    row: int = 0

    @property
    def number(self):
        """The code as a number, or None."""
        try:
            return number(self.code)
        except ValueError:
            return None


@dataclass(frozen=True)
class AnswerSet:
    """The answers a question can be given, from answers.csv."""

    name: str
    answers: tuple

    @cached_property
    def by_text(self):
        """Answer by normalised text, code and label: the text goes before the code, the code before labels; ambiguous labels are left out."""
        found, labels = {}, {}
        for answer in self.answers:
            for label in answer.labels.values():
                labels.setdefault(normal(label), set()).add((answer.code, answer.kind))
        for answer in self.answers:
            for label in answer.labels.values():
                if len(labels[normal(label)]) == 1:
                    found[normal(label)] = answer
        found.update({normal(a.code): a for a in self.answers if a.code})
        found.update({normal(a.text): a for a in self.answers if a.text})
        return found

    @cached_property
    def by_number(self):
        """Answer by numeric code."""
        return {a.number: a for a in self.answers if a.number is not None}

    @property
    def values(self):
        """Sorted numeric codes of the answers of kind ``value``."""
        return sorted({a.number for a in self.answers if a.kind == "value" and a.number is not None})

    def has(self, kind):
        """Whether any answer is of this kind."""
        return any(a.kind == kind for a in self.answers)


@dataclass(frozen=True)
class Question:
    """A row of the codebook, typed.

    Attributes
    ----------
    column, role : str
    labels : dict
        Language to label, only those given.
    scale : Scale or None
        Declared, or read off the answer set's codes.
    answers : AnswerSet or None
    missing_codes : tuple
        Numbers, texts (normalised) and (lowest, highest) ranges that mean "missing".
    reverse : bool
    group, level, employee, touchpoint, construct, pair, note : str, int or None, bool, str, str, str, str
    row : int
        Line in codebook.csv.
    """

    column: str
    role: str
    labels: dict = field(default_factory=dict)
    scale: Scale | None = None
    answers: AnswerSet | None = None
    missing_codes: tuple = ()
    reverse: bool = False
    group: str = ""
    level: int | None = None
    employee: bool = False
    touchpoint: str = ""
    construct: str = ""
    pair: str = ""
    note: str = ""
    row: int = 0

    @property
    def is_number(self):
        """Whether the feedback table holds it as a number."""
        if self.role in CATEGORY_ROLES:
            return self.role in ("background", "incident") and self.scale is not None
        return self.role in RATING_ROLES or self.role in AMOUNT_ROLES

    def is_missing(self, value):
        """Whether a number is among the missing codes."""
        return any((c[0] <= value <= c[1]) if isinstance(c, tuple) else c == value for c in self.missing_codes if not isinstance(c, str))


@dataclass(frozen=True)
class Unit:
    """A location of units.csv."""

    location: str
    name: str = ""
    label: str = ""
    region: str = ""
    manager: str = ""
    type: str = ""
    invited: float | None = None
    population: float | None = None
    row: int = 0


def normal(text):
    """A text as answers are compared: one kind of white space, composed letters, no joiners, any case."""
    text = unicodedata.normalize("NFKC", str(text))
    text = "".join(c for c in text if unicodedata.category(c) != "Cf" and c != "\ufe0f")
    text = text.replace("’", "'").replace("‘", "'").replace("–", "-").replace("−", "-")
    return " ".join(text.split()).casefold()


def missing_codes(text):
    """Codes listed in a cell such as ``98;99``, ``97-99``, ``-1 | blank``: numbers, ranges and normalised texts."""
    parts = [p.strip() for p in re.split(r"[;|\n]", text) if p.strip()]
    if len(parts) == 1:
        pieces = [p for p in re.split(r"[,\s]+", parts[0]) if p]
        if len(pieces) > 1 and all(_is_code(p) for p in pieces):
            parts = pieces
    found = []
    for part in parts:
        span = re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*(?:\.\.|–|-|to)\s*(-?\d+(?:\.\d+)?)", part)
        if span and float(span[1]) <= float(span[2]):
            found.append((float(span[1]), float(span[2])))
            continue
        try:
            found.append(number(part))
        except ValueError:
            found.append(normal(part.strip("\"'")))
    return tuple(found)


def _is_code(text):
    return bool(re.fullmatch(r"-?\d+(\.\d+)?((-|\.\.)\d+(\.\d+)?)?", text))


def read_answers(path, findings):
    """Answer sets by name from answers.csv (none if the file is not there), with every mistake added to `findings`."""
    if not path.exists():
        return {}
    sheet = read_sheet(path, ANSWER_COLUMNS, ("answer_set",), findings)
    if sheet is None:
        return {}

    def report(rule, message, remedy, row, severity="error"):
        findings.append(Finding(severity, rule, message, remedy, path.name, "", row))

    sets = {}
    for row in sheet.rows:
        name, code, text, line = row["answer_set"], row["code"], row["text"], row["#"]
        labels = {language: row[f"label_{language}"] for language in LANGUAGES if row[f"label_{language}"]}
        kind = row["kind"].lower().replace(" ", "_").replace("-", "_") or "value"
        if not name:
            report("answer_without_set", f"The answer '{text or code}' names no answer_set.", "Name the set it belongs to.", line)
            continue
        if kind not in KINDS:
            report("unknown_kind", f"Unknown kind '{row['kind']}'.{did_you_mean(kind, KINDS)}", f"It is one of {', '.join(KINDS)}.", line)
            kind = "value"
        if not code and (kind == "value" or not text):
            shown = text or next(iter(labels.values()), "")
            report("answer_without_code", f"The answer '{shown}' of set '{name}' has no code.", "Give it its code.", line)
            continue
        sets.setdefault(name, []).append(Answer(code, text, labels, kind, line))
    for name, answers in sets.items():
        _contradictions(name, answers, report)
    return {name: AnswerSet(name, tuple(answers)) for name, answers in sets.items()}


def _contradictions(name, answers, report):
    """Report a text with two codes and a code with two kinds."""
    texts, kinds = {}, {}
    for answer in answers:
        key = normal(answer.text) if answer.text else None
        other = texts.setdefault(key, answer) if key else answer
        if (other.code, other.kind) != (answer.code, answer.kind):
            say = f"The answer '{answer.text}' of set '{name}' has code '{answer.code}' here and '{other.code}' in row {other.row}."
            report("contradictory_answer", say, "Keep one.", answer.row)
        other = kinds.setdefault(answer.code, answer) if answer.code else answer
        if other.kind != answer.kind:
            say = f"Code '{answer.code}' of set '{name}' is of kind {answer.kind} here and {other.kind} in row {other.row}."
            report("contradictory_answer", say, "Give a code one kind.", answer.row)


def read_units(path, findings):
    """Units by location from units.csv (none if the file is not there), with every mistake added to `findings`."""
    if not path.exists():
        return {}
    sheet = read_sheet(path, UNIT_COLUMNS, ("location",), findings)
    if sheet is None:
        return {}

    def report(rule, message, remedy, row, severity="error"):
        findings.append(Finding(severity, rule, message, remedy, path.name, "", row))

    units, seen = {}, {}
    for row in sheet.rows:
        location, line = row["location"], row["#"]
        if not location:
            report("unit_without_location", "The row names no location.", "Name it as the raw file does, or take the row out.", line)
            continue
        if normal(location) in seen:
            first = seen[normal(location)]
            report("duplicate_location", f"Location '{location}' stands in row {first} already.", "Keep one row a location.", line)
            continue
        seen[normal(location)] = line
        counts = {}
        for name in ("invited", "population"):
            counts[name] = _count(row[name])
            if counts[name] is False:
                counts[name] = None
                report(
                    "bad_count", f"{name} of '{location}' is '{row[name]}', not a count.", "Give a whole number, or leave it empty.", line
                )
        if counts["invited"] is not None and counts["population"] is not None and counts["population"] < counts["invited"]:
            say = f"Location '{location}' has a population of {counts['population']:g} but {counts['invited']:g} were invited."
            report("population_below_invited", say, "Correct one of them; every person invited belongs to the population.", line)
        texts = {name: row[name] for name in ("name", "label", "region", "manager", "type")}
        units[location] = Unit(location, **texts, **counts, row=line)
    return units


def _count(text):
    """A whole number of people, also written as 1.250 or 1 250; None if empty, False if it is no count."""
    if re.fullmatch(r"\d{1,3}([.\s]\d{3})+", text):
        text = re.sub(r"\D", "", text)
    try:
        value = number(text)
    except ValueError:
        return False
    if value is None:
        return None
    return value if value >= 0 and value == int(value) else False


def read_codebook(path, answer_sets, findings):
    """Questions by column from codebook.csv, with every mistake added to `findings`; the second value is the sheet as it stands."""
    if not path.exists():
        findings.append(
            Finding("error", "missing_file", "There is no codebook.csv.", "Draft one with `delight new`, or write one.", path.name)
        )
        return {}, []
    sheet = read_sheet(path, COLUMNS, ("column", "role"), findings)
    if sheet is None:
        return {}, []
    if not sheet.rows:
        findings.append(Finding("error", "empty_file", "The codebook has no questions.", "Add a row for every column.", path.name))
    questions = {}
    for row in sheet.rows:
        question = _question(row, answer_sets, path.name, findings)
        if question is None:
            continue
        first = questions.get(question.column)
        if first is not None:
            say = f"The column stands in row {first.row} already."
            findings.append(Finding("error", "duplicate_column", say, "Keep one row a column.", path.name, question.column, question.row))
            continue
        questions[question.column] = question
    _together(questions, path.name, findings)
    return questions, sheet.rows


def _question(row, answer_sets, file, findings):
    column, line = row["column"], row["#"]

    def report(rule, message, remedy="", severity="error"):
        findings.append(Finding(severity, rule, message, remedy, file, column, line))

    if not column:
        report("row_without_column", "The row names no column.", "Name the column as the raw file's header does, or take the row out.")
        return None
    if ":" in column and column.endswith(":na"):
        report("reserved_name", "Column names that end in ':na' are used by the feedback table.", "Rename it with `rename` in study.toml.")
    role = row["role"].lower().replace(" ", "_").replace("-", "_")
    if role.startswith("?") or not role:
        guess = f" (note: {row['note']})" if row["note"] else ""
        what = "The role is still '?'" if role else "The role is empty"
        likely = re.match(r"probably (\w+)", row["note"])
        if likely and likely[1] in ROLES:
            remedy = f"Decide: write {likely[1]} if that is right, else another role; ignore leaves the column out."
        else:
            remedy = f"Decide: one of {', '.join(ROLES)}."
        report("open_role", f"{what}{guess}.", remedy)
        role = "ignore"
    elif role not in ROLES:
        report("unknown_role", f"Unknown role '{row['role']}'.{did_you_mean(role, ROLES)}", f"Roles are {', '.join(ROLES)}.")
        role = "ignore"
    if column in OWN_NAMES and role not in (column, "ignore"):
        say = f"The name '{column}' is used by the feedback table for the role '{column}', and this column has the role '{role}'."
        report("reserved_name", say, "Rename it with `rename` in study.toml.")
    answers = None
    if row["answer_set"]:
        answers = answer_sets.get(row["answer_set"])
        if answers is None:
            hint = did_you_mean(row["answer_set"], answer_sets)
            report("unknown_answer_set", f"answers.csv has no answer_set '{row['answer_set']}'.{hint}", "Correct the name, or add the set.")
    if role == "item" and not row["construct"]:
        report("item_without_construct", "A column of role 'item' is a further question of a construct.", "Say which in `construct`.")
    return Question(
        column=column,
        role=role,
        labels={language: row[f"label_{language}"] for language in LANGUAGES if row[f"label_{language}"]},
        scale=_scale(row, role, answers, report),
        answers=answers,
        missing_codes=missing_codes(row["missing_codes"]),
        reverse=_flag(row, "reverse", role, report),
        level=_level(row, report),
        employee=_flag(row, "employee", role, report),
        **{name: row[name] for name in ("group", "touchpoint", "construct", "pair", "note")},
        row=line,
    )


def _flag(row, name, role, report):
    value = yes_no(row[name])
    if value is None:
        report("bad_flag", f"{name} is '{row[name]}'.", "Write yes or no.")
        return False
    if name == "reverse" and value and role not in (*RATING_ROLES, "ignore"):
        report("reverse_without_scale", f"A column of role '{role}' has no scale to reverse.", "Leave `reverse` empty.")
        return False
    if name == "reverse" and value and role in KANO_ROLES:
        report("reverse_without_scale", "Kano answers are not reversed: the dysfunctional question has its own role.", "Leave it empty.")
        return False
    return value


def _level(row, report):
    if not row["level"]:
        return None
    if row["level"] not in ("1", "2", "3", "4"):
        report("bad_level", f"level is '{row['level']}'.", "The levels of service excellence are 1, 2, 3 and 4.")
        return None
    return int(row["level"])


def _scale(row, role, answers, report):
    """The declared scale, or the one the answer set's codes make; reports what cannot be."""
    parts, sound = {}, True
    for name in ("scale_min", "scale_max", "scale_step"):
        try:
            parts[name] = number(row[name])
        except ValueError:
            report("bad_number", f"{name} is '{row[name]}', not a number.", "Correct it.")
            sound = False
    lo, hi, step = (parts.get(name) for name in ("scale_min", "scale_max", "scale_step"))
    if not sound:
        return None
    if lo is None and hi is None:
        if role in KANO_ROLES:
            return KANO_SCALE
        scale = _scale_of_answers(row, role, answers, report) if answers is not None else None
        if scale is None and role in RATING_ROLES and not (answers is None and row["answer_set"]) and not (answers and answers.values):
            report("missing_scale", f"A column of role '{role}' needs its scale.", "Fill in scale_min and scale_max, or an answer_set.")
        return scale
    if lo is None or hi is None:
        lacking = "scale_min" if lo is None else "scale_max"
        report("missing_scale", f"{lacking} is empty.", "A scale needs both ends.")
        return None
    if role not in (*RATING_ROLES, "background", "incident", "ignore"):
        report("scale_not_used", f"A column of role '{role}' has no scale; scale_min and scale_max are not used.", severity="warning")
        return None
    step = 1.0 if step is None else step
    if not lo < hi:
        report("impossible_scale", f"scale_min {lo:g} is not below scale_max {hi:g}.", "Give the lowest and the highest point.")
        return None
    if step < 0 or (step and (step > hi - lo + 1e-9 or abs((hi - lo) / step - round((hi - lo) / step)) > 1e-6)):
        say = f"Steps of {step:g} do not lead from {lo:g} to {hi:g}."
        report("impossible_scale", say, "Correct scale_step (1 for whole points, 0 for a continuous scale).")
        return None
    if role in KANO_ROLES and (lo, hi) != (1, 5):
        report("impossible_scale", f"Kano answers are coded 1-5, not {lo:g}-{hi:g}.", "Map other codes in answers.csv.")
        return KANO_SCALE
    scale = Scale(lo, hi, step)
    outside = [v for v in (answers.values if answers is not None else []) if not scale.allows([v])[0]]
    if outside:
        say = f"The codes {', '.join(f'{v:g}' for v in outside)} of answer_set '{answers.name}' lie outside {scale}."
        report("contradictory_scale", say, "Correct the scale, or give those answers the kind missing or not_applicable.")
    return scale


def _scale_of_answers(row, role, answers, report):
    if role not in RATING_ROLES:
        return None
    worded = [a for a in answers.answers if a.kind == "value" and a.number is None]
    if worded:
        first = worded[0]
        say = f"Answer '{first.text or first.code}' of set '{answers.name}' has the code '{first.code}', not a number."
        report("answer_without_number", say, f"A column of role '{role}' needs numeric codes.")
        return None
    values = answers.values
    if len(values) < 2:
        say = f"Answer set '{answers.name}' has {len(values)} answer(s) of kind value, too few for a scale."
        report("missing_scale", say, "Add the answers, or fill in scale_min and scale_max.")
        return Scale(values[0], values[0] + 1) if values else None
    steps = np.diff(values)
    if np.allclose(steps, steps[0]):
        step = float(steps[0])
    else:
        step = 1.0 if all(v == int(v) for v in values) else 0.0
    try:
        return Scale(values[0], values[-1], step)
    except InputError as error:
        report("impossible_scale", str(error))
        return None


def _together(questions, file, findings):
    """Report what only shows when all rows are seen: roles taken twice, Kano questions without their pair."""

    def report(rule, question, message, remedy, severity="error"):
        findings.append(Finding(severity, rule, message, remedy, file, question.column, question.row))

    for role in SINGLE_ROLES:
        same = [q for q in questions.values() if q.role == role]
        for question in same[1:]:
            if role == "overall" and question.construct and question.construct == same[0].construct:
                continue
            say = f"The role '{role}' belongs to '{same[0].column}' (row {same[0].row}) already."
            remedy = "Keep one; further items of the same construct are tied to it by `construct`." if role == "overall" else "Keep one."
            report("role_taken_twice", question, say, remedy)
    pairs = {}
    for question in questions.values():
        if question.role in KANO_ROLES:
            if not question.pair:
                report("kano_without_pair", question, "A Kano question needs `pair`.", "Give both questions of a feature the same `pair`.")
            else:
                pairs.setdefault(question.pair, []).append(question)
    for name, members in pairs.items():
        roles = sorted(q.role for q in members)
        if roles != ["kano_dysfunctional", "kano_functional"]:
            say = f"The pair '{name}' holds {', '.join(roles)}."
            report("kano_without_pair", members[0], say, "A pair is one functional and one dysfunctional question.")
    if questions and not any(q.role in ("overall", "recommend") for q in questions.values()):
        say = "No column has the role overall or recommend, so there is no outcome: satisfaction and drivers cannot be shown."
        findings.append(Finding("warning", "no_outcome", say, "Give the question on overall satisfaction the role overall.", file))

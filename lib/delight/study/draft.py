"""Draft a study from raw exports: study.toml, codebook.csv and answers.csv that a researcher corrects instead of writing."""

from __future__ import annotations

import csv
import errno
import io
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from delight.errors import InputError, StudyError
from delight.findings import Finding
from delight.scales import Scale
from delight.study.codebook import ANSWER_COLUMNS, COLUMNS, OWN_NAMES
from delight.study.drafting import likert, profiles, roles, waves
from delight.study.drafting.decision import RATED
from delight.study.drafting.hints import language_of, plain
from delight.study.places import RESERVED, called
from delight.study.sheets import LANGUAGES

_MAX_ANSWERS = 60


@dataclass(frozen=True)
class DraftReport:
    """What a draft recognised and wrote.

    Attributes
    ----------
    folder : Path
        The study's folder.
    roles : dict
        Column to role ("?" where a person must decide).
    guesses : dict
        Column to the guess, for the doubtful ones.
    sections : list of (title, list of lines)
        What `text` prints.
    findings : tuple of Finding
        From reading the files.
    """

    folder: Path
    roles: dict
    guesses: dict
    sections: list = field(default_factory=list)
    findings: tuple = ()

    def text(self):
        """The report as readable text."""
        parts = []
        for title, lines in self.sections:
            if lines:
                parts.append("\n".join([title, *(f"  {line}" for line in lines)]))
        return "\n\n".join(parts) + "\n"


@dataclass(eq=False)
class _File:
    """A raw file while drafting."""

    path: Path
    table: object
    profiles: list
    wave: str = ""
    rename: dict = field(default_factory=dict)


def draft(files, *, name, language="", folder=None, copy=True, read=None):
    """Draft a study from one or more raw exports.

    Parameters
    ----------
    files : iterable of path
        Raw exports: one survey, its waves, or a survey with a dictionary of question texts beside it.
    name : str
        Name of the study: letters, digits, dash.
    language : str, optional
        nl, da or en; by default read off the question texts.
    folder : path, optional
        The study's folder to make; by default data/studies/<name> under the working folder.
    copy : bool
        Copy the files unedited to <folder>/raw; otherwise the study names them and is run with ``--raw``.
    read : callable, optional
        Reader of raw files, `delight.feedback.readers.read_raw` by default.

    Returns
    -------
    DraftReport

    Raises
    ------
    InputError
        A file cannot be read.
    StudyError
        The name or language is not allowed, or the study exists already.
    """
    if read is None:
        from delight.feedback.readers import read_raw as read
    files = [Path(f) for f in ([files] if isinstance(files, (str, Path)) else files)]
    folder = _folder(name, language, folder, files)
    opened = [_opened(path, _answered(path, read(path))) for path in files]
    opened, texts, left_out = _sorted_out(opened)
    for file in opened:
        _add_texts(file, texts)
    _name_waves(opened)
    proposals = _propose_renames(opened)
    columns = _merged(opened)
    guess = roles.decide(columns, several_files=len(opened) > 1)
    language, spoken = _language(language, columns)
    _free_own_names(columns, guess, opened)
    codebook, answers = _codebook(columns, guess, language)
    _one_wave(opened, guess, columns)
    study = _study_toml(name, language, opened, guess, copy, proposals)
    _write(folder, study, codebook, answers, opened if copy else [])
    sections = _sections(folder, opened, columns, guess, language, spoken, proposals, left_out, copy, bool(texts))
    findings = tuple(f for file in opened for f in file.table.findings)
    decided = {c: d.role for c, d in ((row["column"], guess.decisions[row["#"]]) for row in codebook)}
    guesses = {row["column"]: guess.decisions[row["#"]].guess for row in codebook if row["role"] == "?"}
    return DraftReport(folder, decided, guesses, sections, findings)


# ---- reading and sorting files -------------------------------------------------------------------------------------


def _folder(name, language, folder, files):
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", str(name)):
        raise StudyError(f"A study's name has letters, digits and dashes only, not {name!r}. Choose another with --name.")
    if str(name).lower() in RESERVED:
        raise StudyError(f"The name {name!r} is reserved. Choose another with --name.")
    if language and language not in LANGUAGES:
        raise StudyError(f"A study speaks {', '.join(LANGUAGES)}, not '{language}'. Leave --language out to have it guessed.")
    if not files:
        raise InputError("No file was named. Give one or more raw exports (CSV, Excel, SPSS or Parquet).")
    for file in files:
        same = [f for f in files if f.name.casefold() == file.name.casefold()]
        if len(same) > 1 and len({f.resolve() for f in same}) == 1:
            raise InputError(f"{file.name}: the file is named twice. Name it once.")
        if len(same) > 1:
            raise InputError(f"{' and '.join(map(str, same))} have the same name, and a study keeps its files in one folder. Rename one.")
    folder = Path(folder) if folder is not None else Path("data") / "studies" / name
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise StudyError(f"The study {folder} exists already. Choose another name, or move it away; nothing was changed.")
    return folder


def _answered(path, table):
    """The table, if it holds any answer."""
    if not len(table.frame):
        raise InputError(f"{path.name}: the file has a header and no answers. Export the answers again.")
    if not table.frame.notna().any(axis=None):
        raise InputError(f"{path.name}: all {len(table.frame):,} rows are empty, so there are no answers. Export the answers again.")
    return table


def _opened(path, table):
    decimal = table.recognised.get("decimal", ".")
    from delight.feedback.readers import to_numbers

    made = []
    for position, column in enumerate(table.frame.columns):
        series = table.frame[column]
        if pd.api.types.is_datetime64_any_dtype(series.dtype):
            numbers = pd.Series(float("nan"), index=series.index)
        else:
            numbers, _ = to_numbers(series, decimal)
        made.append(
            profiles.profile(
                column,
                series,
                numbers=numbers,
                text=table.labels.get(column, ""),
                block=table.blocks.get(column, ("", "")),
                labels=table.value_labels.get(column),
                declared=table.user_missing.get(column, ()),
                position=position,
            )
        )
    return _File(path, table, made)


def _sorted_out(opened):
    """Surveys, question texts from a dictionary, and files left out with the reason."""
    texts, left_out = {}, []
    surveys = []
    for file in opened:
        others = {bare for other in opened if other is not file for bare in other.table.frame.columns}
        found = _dictionary(file.table.frame, others) if others else {}
        if found:
            texts |= found
            left_out.append(f"{file.path.name}: holds the question texts; they became labels.")
        else:
            surveys.append(file)
    if not surveys:
        raise InputError("The files hold question texts but no answers. Name the export with the answers too.")
    if len(surveys) > 1:
        main = max(
            surveys,
            key=lambda f: (
                sum(waves.alike(f.table.frame.columns, o.table.frame.columns) >= 0.5 for o in surveys),
                _ratings(f),
                len(f.table.frame),
            ),
        )
        kept = [f for f in surveys if f is main or waves.alike(f.table.frame.columns, main.table.frame.columns) >= 0.5]
        for f in surveys:
            if f not in kept:
                shared = [c for c in f.table.frame.columns if c in set(main.table.frame.columns)]
                key = f" They share the column '{shared[0]}': join them by it into one table first." if shared else ""
                left_out.append(f"{f.path.name}: has other columns than {main.path.name}, so it is no further wave and was left out.{key}")
        surveys = kept
    return surveys, texts, left_out


def _ratings(file):
    """How much a file looks like answers: columns of small numbers, and words of satisfaction."""
    small = sum(p.is_numeric and 3 <= p.n_unique <= 12 for p in file.profiles)
    return small + 5 * sum(bool({"satisfaction", "overall", "recommend"} & p.hints) for p in file.profiles)


def _dictionary(frame, names):
    """Column to question text if this file is a dictionary of another file's columns."""
    if not 2 <= frame.shape[1] <= 8 or len(frame) < 3:
        return {}
    for key in frame.columns:
        cells = frame[key].astype("str").str.strip()
        if cells.isin(names).mean() >= 0.7 and cells.is_unique:
            rest = [c for c in frame.columns if c != key and not pd.api.types.is_numeric_dtype(frame[c].dtype)]
            if rest:
                text = max(rest, key=lambda c: frame[c].astype("str").str.len().mean())
                return {k: str(t).strip() for k, t in zip(cells, frame[text]) if isinstance(t, str) and t.strip() and t.strip() != k}
    return {}


def _add_texts(file, texts):
    from delight.feedback.layouts import split_item, tidy

    for p in file.profiles:
        if p.name in texts:
            p.text = tidy(texts[p.name])
            question, item = split_item(p.text)
            if item:
                p.question, p.item = question, item
            p.__dict__.pop("hints", None)


def _name_waves(opened):
    names = waves.wave_names([f.path.stem for f in opened])
    for file, name in zip(opened, names):
        file.wave = name
    if len(opened) == 1:
        opened[0].wave = waves.period(opened[0].path.stem)
    opened.sort(key=lambda f: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", f.wave)])


def _propose_renames(opened):
    """Lines up the columns of earlier waves with the newest; returns the doubtful ones."""
    doubtful = []
    newest = opened[-1]
    for file in opened[:-1]:
        for old, (new, sure) in waves.renames(file.profiles, newest.profiles).items():
            file.rename[old] = new
            if not sure:
                doubtful.append((file.path.name, old, new))
    known = {p.name for p in newest.profiles}
    for file in reversed(opened[:-1]):
        mine = {file.rename.get(p.name, p.name) for p in file.profiles}
        for earlier in opened[: opened.index(file)]:
            rest = [p for p in earlier.profiles if p.name not in earlier.rename and p.name not in known]
            targets = [p for p in file.profiles if file.rename.get(p.name, p.name) not in known]
            for old, (new, sure) in waves.renames(rest, targets).items():
                if sure and new in mine:
                    earlier.rename[old] = new
        known |= mine
    return doubtful


def _merged(opened):
    """One profile a column over all files, in the order of the newest file; columns that only earlier waves have come last."""
    by_name = {}
    for file in opened:
        for p in file.profiles:
            final = file.rename.get(p.name, p.name)
            if final != p.name:
                p = profiles.Profile(**{**{k: getattr(p, k) for k in profiles.Profile.__dataclass_fields__}, "name": final})
            by_name.setdefault(final, []).append(p)
    newest = [p.name for p in opened[-1].profiles]
    order = newest + [n for n in by_name if n not in set(newest)]
    return [profiles.together(by_name[n]) for n in order]


# ---- wording the draft ---------------------------------------------------------------------------------------------


def _language(given, columns):
    spoken = language_of(
        [p.text or p.item or p.name for p in columns] + [t for p in columns for t in list(p.labels.values())[:8] + p.texts[:8] if " " in t]
    )
    spoken = spoken or language_of([c for p in columns if p.is_prose for c in list(p.counts)[:200]])
    return given or (spoken if spoken in LANGUAGES else "en"), spoken


def _free_own_names(columns, guess, opened):
    """Columns called wave, location, weight or respondent that have another role get another name."""
    for p in columns:
        if p.name in OWN_NAMES and guess.decisions[p.name].role not in (p.name, "ignore"):
            free = f"{p.name}_in_file"
            for file in opened:
                for source in file.profiles:
                    if file.rename.get(source.name, source.name) == p.name:
                        file.rename[source.name] = free
            guess.decisions[free] = guess.decisions.pop(p.name)
            p.name = free


def _codebook(columns, guess, language):
    """Rows of codebook.csv (with the column's key under "#") and of answers.csv."""
    rows, answers, numeric_sets = [], [], {}
    answer_sets = dict(guess.answer_sets)
    for p in columns:
        d = guess.decisions[p.name]
        row = dict.fromkeys(COLUMNS, "") | {"column": p.name, "role": d.role, "#": p.name}
        note = d.note
        if d.role == "?":
            note = f"probably {d.guess}: {d.note}" if d.guess else d.note
        row["note"] = note
        row[f"label_{language}"] = _label(p)
        rated = d.role in RATED or d.guess in RATED
        if d.answer_set:
            row["answer_set"] = d.answer_set
            _list_answers(answers, answer_sets[d.answer_set], language)
        elif p.labels and d.role not in ("ignore", "date", "respondent"):
            row["answer_set"] = _labelled_set(p, d, answers, numeric_sets, language)
        elif d.body and (d.not_applicable or rated and _not_applicable_texts(p)):
            row["answer_set"] = _numeric_set(p, d, answers, numeric_sets, language)
        elif d.role in ("churned", "recommend", "repurchase", "stayed") and not p.is_numeric:
            row["answer_set"] = _yes_no_set(p, answers, numeric_sets)
        if d.body and rated:
            row["scale_min"], row["scale_max"] = f"{d.body.low:g}", f"{d.body.high:g}"
            row["scale_step"] = "" if d.body.step == 1 else f"{d.body.step:g}"
        elif d.role == "churned" and p.is_numeric:
            row["scale_min"], row["scale_max"] = "0", "1"
        missing = [f"{c:g}" for c in d.missing]
        if not d.body and not p.labels and d.role in ("background", "location", "segment", "tenure", "spend", "duration", "incident"):
            missing += [f"{c:g}" for c in _far(p)]
        if d.role not in ("ignore", "comment", "date", "respondent"):
            worded = [t for t in p.counts if likert.kind_of(t) == "missing" and not profiles.is_number(t) and t.strip()]
            listed = answer_sets[d.answer_set].missing if d.answer_set in answer_sets else []
            missing += [t for t in worded if t not in listed and not re.search(r"[;|\n]", t)][:6]
        row["missing_codes"] = ";".join(dict.fromkeys(missing))
        row["reverse"] = "yes" if d.reverse else ""
        row["construct"], row["pair"] = d.construct, d.pair
        rows.append(row)
    return rows, answers


def _far(p):
    """Numbers far outside the others that usually stand for "no answer": -99 beside 1-9."""
    if not p.is_integer or p.n_unique < 3:
        return []
    negative = [v for v in p.numbers if v < 0 and v in profiles.FAR_CODES]
    rest = [v for v in p.numbers if v >= 0]
    return sorted(negative) if rest and len(negative) <= 3 else []


def _label(p):
    if p.item:
        return p.item
    if p.text:
        return re.sub(r"^\[[^\]]*\]\s*", "", p.text)
    words = re.sub(r"[_]+", " ", p.name).strip()
    return words if re.search(r"[^\W\d_]{4,}", words) and not re.fullmatch(r"[A-Z0-9 ]+", words) else p.name


def _list_answers(answers, listed, language):
    if any(a["answer_set"] == listed.name for a in answers):
        return
    for text, code in listed.codes.items():
        _answer(answers, listed.name, code, text, text, "value", language)
    for kind, texts in (("missing", listed.missing), ("not_applicable", listed.not_applicable)):
        for text in texts:
            _answer(answers, listed.name, "", text, text, kind, language)


def _answer(answers, name, code, text, label, kind, language):
    row = dict.fromkeys(ANSWER_COLUMNS, "") | {
        "answer_set": name,
        "code": f"{code:g}" if isinstance(code, (int, float)) else code,
        "text": text,
        "kind": kind,
    }
    row[f"label_{language}"] = label
    answers.append(row)


def _labelled_set(p, d, answers, known, language):
    """An answer set from SPSS value labels, shared by columns with the same labels."""
    if len(p.labels) > 200:
        return ""
    kinds = {}
    for value, text in p.labels.items():
        kind = likert.kind_of(text)
        if value in d.missing or profiles.is_declared(value, p.declared_missing):
            kind = "missing" if kind == "value" else kind
        kinds[value] = kind
    for value in d.not_applicable:
        kinds.setdefault(value, "not_applicable")
    key = tuple(sorted((str(v), t) for v, t in p.labels.items())) + tuple(sorted((str(v), k) for v, k in kinds.items()))
    if key in known:
        return known[key]
    name = _free_name(likert.concept(p.labels.values()) or re.sub(r"\W+", "_", p.name).lower(), known)
    known[key] = name
    inside = []
    if d.body and d.body.step == 1 and d.body.high - d.body.low <= 20:
        inside = [v for v in range(int(d.body.low), int(d.body.high) + 1) if v not in p.labels]
    for value in sorted([*p.labels, *inside, *(v for v in d.not_applicable if v not in p.labels)], key=lambda v: (isinstance(v, str), v)):
        text = p.labels.get(value, "")
        _answer(answers, name, value, text, text, kinds.get(value, "value"), language)
    return name


def _numeric_set(p, d, answers, known, language):
    """An answer set for numbers beside which another number, or words among them, mean "not applicable"."""
    texts = _not_applicable_texts(p)
    key = ("numeric", d.body.low, d.body.high, tuple(d.not_applicable), *texts) if d.not_applicable else ("words", *texts)
    if key in known:
        return known[key]
    name = _free_name(f"scale_{d.body.low:g}_{d.body.high:g}" if d.not_applicable else "not_applicable", known)
    known[key] = name
    if d.not_applicable:
        for value in range(int(d.body.low), int(d.body.high) + 1):
            _answer(answers, name, value, "", "", "value", language)
    label = {"en": "not applicable", "nl": "niet van toepassing", "da": "ikke relevant"}[language]
    for value in d.not_applicable:
        _answer(answers, name, value, "", label, "not_applicable", language)
    for text in texts:
        _answer(answers, name, "", text, label, "not_applicable", language)
    return name


def _not_applicable_texts(p):
    """Words between numbers that say "not applicable", such as "n.v.t."."""
    return sorted({t.strip() for t in p.texts if likert.kind_of(t) == "not_applicable"})


def _yes_no_set(p, answers, known):
    key = ("yes_no", tuple(sorted(p.counts)))
    if key in known:
        return known[key]
    name = _free_name("yes_no", known)
    known[key] = name
    for text in p.counts:
        if likert.kind_of(text) == "value":
            row = dict.fromkeys(ANSWER_COLUMNS, "") | {
                "answer_set": name,
                "code": "1" if plain(text) in likert._YES else "0",
                "text": text,
                "kind": "value",
            }
            answers.append(row)
    return name


def _free_name(base, known):
    base = base[:40].strip("_") or "answers"
    name, number = base, 2
    while name in known.values():
        name = f"{base}_{number}"
        number += 1
    return name


def _one_wave(opened, guess, columns):
    """A single file without a wave column is one wave, named after its file or its dates."""
    if len(opened) > 1 or opened[0].wave:
        return
    has_column = [p.name for p in columns if guess.decisions[p.name].role == "wave"]
    if has_column:
        return
    dates = [p for p in columns if guess.decisions[p.name].role == "date"]
    years = sorted({m.group(0) for p in dates for c in list(p.counts)[:5000] for m in [re.search(r"(19|20)\d\d", c)] if m})
    opened[0].wave = years[0] if len(years) == 1 else f"{years[0]}-{years[-1]}" if years else "1"


def _study_toml(name, language, opened, guess, copy, doubtful):
    lines = ["# Drafted from the raw export; correct what is wrong, then run `delight check`.", "[study]", f"name = {_quoted(name)}"]
    lines += [
        f"organisation = {_quoted(name.replace('-', ' ').capitalize())}  # as it is to stand in the report",
        f"language = {_quoted(language)}",
    ]
    top = _delight_from(guess)
    if top is not None:
        lines.append(f"delight_from = {top:g}  # the highest point of the overall question: check")
    wave_column = any(d.role == "wave" for d in guess.decisions.values())
    for file in opened:
        lines += ["", "[[sources]]", f"path = {_quoted(('raw/' if copy else '') + file.path.name)}"]
        if file.wave and not (wave_column and len(opened) == 1):
            lines.append(f"wave = {_quoted(file.wave)}")
        layout = file.table.recognised.get("layout", "plain")
        if layout != "plain":
            lines.append(f"format = {_quoted('limesurvey' if layout.startswith('limesurvey') else layout)}")
        if file.rename:
            unsure = {old for source, old, _ in doubtful if source == file.path.name}
            lines.append("")
            lines.append("[sources.rename]")
            for old, new in file.rename.items():
                lines.append(f"{_quoted(old)} = {_quoted(new)}" + ("  # perhaps: check" if old in unsure else ""))
    if any(d.role == "weight" for d in guess.decisions.values()):
        lines += ["", "[weights]", f"kind = {_quoted(guess.weights_kind or 'sampling')}"]
    lines += [
        "",
        "[fieldwork]  # the account of the research: fill in what is known",
        '# population = ""',
        '# design = "all"  # or "sample"',
        '# mode = "web"',
    ]
    lines += ["", "[privacy]", "minimum_group = 10"]
    return "\n".join(lines) + "\n"


def _delight_from(guess):
    """The highest point of an overall question on a scale without a usual cut, else None."""
    for d in guess.decisions.values():
        if d.role == "overall" or (d.role == "?" and d.guess == "overall"):
            codes = guess.answer_sets[d.answer_set].codes.values() if d.answer_set in guess.answer_sets else ()
            low, high = (d.body.low, d.body.high) if d.body else (min(codes), max(codes)) if codes else (0, 1)
            return high if Scale(low, high).delight_from is None else None
    return None


def _quoted(text):
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


def _write(folder, study, codebook, answers, copied):
    """Write the study beside its place and move it there whole."""
    aside = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        (aside / "study.toml").write_text(study, encoding="utf-8")
        (aside / "codebook.csv").write_text(_as_csv(codebook, COLUMNS), encoding="utf-8-sig", newline="")
        if answers:
            (aside / "answers.csv").write_text(_as_csv(answers, ANSWER_COLUMNS), encoding="utf-8-sig", newline="")
        if copied:
            (aside / "raw").mkdir()
            for file in copied:
                shutil.copyfile(file.path, aside / "raw" / file.path.name)
        aside.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        os.replace(aside, folder)
    except (OSError, ValueError) as error:
        remedy = "Free some space, or choose another folder." if getattr(error, "errno", 0) == errno.ENOSPC else "Choose another folder."
        raise StudyError(f"The study cannot be written to {folder} ({getattr(error, 'strerror', '') or error}). {remedy}") from None
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


def _as_csv(rows, columns):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


# ---- telling what was recognised -----------------------------------------------------------------------------------

_LAYOUT = {
    "qualtrics": "Qualtrics",
    "qualtrics-legacy": "Qualtrics, legacy",
    "surveymonkey": "SurveyMonkey",
    "google-forms": "Google Forms",
    "limesurvey-codes": "LimeSurvey, answer codes",
    "limesurvey-answers": "LimeSurvey, full answers",
}
_SPOKEN = {
    "nl": "Dutch",
    "da": "Danish",
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "sv": "Swedish",
    "it": "Italian",
}


def _sections(folder, opened, columns, guess, language, spoken, doubtful, left_out, copy, has_texts):
    by_role = {}
    for p in columns:
        by_role.setdefault(guess.decisions[p.name].role, []).append(p.name)
    open_ = by_role.get("?", [])
    sections = [("Files", [_about_file(f) for f in opened] + left_out)]
    said = []
    if spoken:
        said.append(f"The texts are {_SPOKEN[spoken]}; the study speaks {_SPOKEN[language]}.")
    if len(opened) > 1:
        said.append("Waves: " + ", ".join(f"{f.wave} ({len(f.table.frame):,} answers)" for f in opened) + ".")
    elif by_role.get("wave"):
        said.append(f"Waves: by the column {by_role['wave'][0]}.")
    else:
        said.append(f"One wave, called {opened[0].wave}.")
    for role, what in (
        ("respondent", "Respondent"),
        ("location", "Location"),
        ("weight", "Weight"),
        ("date", "Date"),
        ("duration", "Duration"),
        ("segment", "Segment"),
    ):
        if by_role.get(role):
            note = guess.decisions[by_role[role][0]].note
            said.append(f"{what}: {', '.join(by_role[role])}" + (f" ({note})." if note else "."))
    sections.append(("What the study is about", said))
    renamed = [f"{f.path.name}: " + ", ".join(f"{a} is {b}" for a, b in f.rename.items()) for f in opened if f.rename]
    sections.append(
        (
            "Headers that changed between waves (rename in study.toml)",
            renamed + [f"Check: in {f} {a} taken as {b}." for f, a, b in doubtful],
        )
    )
    only = _only_in_some(opened)
    sections.append(("Columns that only some waves have", only))
    scales = {}
    for p in columns:
        d = guess.decisions[p.name]
        if d.role in RATED or d.role.startswith("kano") or d.role == "churned":
            scale = f"{d.body.low:g}-{d.body.high:g}" if d.body else f"answers '{d.answer_set}'" if d.answer_set else "0/1"
            scales.setdefault((d.role, scale), []).append(p.name)
    sections.append(("Questions on a scale", [f"{role}, {scale}: {_some(names)}" for (role, scale), names in scales.items()]))
    sections.append(("Worded answers put in order (answers.csv)", [_about_set(s) for s in guess.answer_sets.values()]))
    coded = {}
    for p in columns:
        d = guess.decisions[p.name]
        for word, codes in (("missing", d.missing), ("not applicable", d.not_applicable)):
            for c in codes:
                coded.setdefault((f"{c:g}", word), []).append(p.name)
        if d.body and not p.labels and not d.answer_set and d.role in RATED:
            for text in _not_applicable_texts(p):
                coded.setdefault((f"'{text}'", "not applicable"), []).append(p.name)
    sections.append(("Answers outside their scale", [f"{code} = {word}: {_some(names)}" for (code, word), names in coded.items()]))
    turned = [p.name for p in columns if guess.decisions[p.name].reverse]
    sections.append(("Scales on which low is good (reverse = yes)", [_some(turned)] if turned else []))
    rest = [
        f"{role}: {_some(by_role[role], 30)}"
        for role in ("comment", "incident", "tenure", "spend", "background", "ignore")
        if by_role.get(role)
    ]
    sections.append(("Other columns", rest))
    sections.append((f"To decide: {_columns(len(open_))} with the role ?", [_to_decide(n, guess.decisions[n]) for n in open_]))
    findings = [str(f) for file in opened for f in file.table.findings if isinstance(f, Finding)]
    sections.append(("Remarks on the files", findings))
    where = "The files were copied unedited to raw/." if copy else "The files were not copied: run the study with --raw and their folder."
    ask = f"Decide on the {_columns(len(open_))} marked ? in codebook.csv" if open_ else "Look through codebook.csv"
    sections.append(("Next", [f"The study was drafted in {folder}. {where}", f"{ask}, then run: delight check {called(folder)}"]))
    if not any(by_role.get(r) for r in ("overall", "recommend")) and not any(
        guess.decisions[n].guess in ("overall", "recommend") for n in open_
    ):
        sections[-1][1].insert(1, "No question on overall satisfaction or recommending was found: without one there is no report.")
    return sections


def _about_file(file):
    r = file.table.recognised
    kind = {"csv": "CSV", "tsv": "TSV", "xlsx": "Excel", "sav": "SPSS", "parquet": "Parquet"}.get(r.get("format", ""), "")
    parts = [f"{r['n_rows']:,} rows x {r['n_columns']} columns", kind + (f", sheet '{r['sheet']}'" if r.get("sheet") else "")]
    if r.get("layout", "plain") != "plain":
        parts.append(f"layout of {_LAYOUT.get(r['layout'], r['layout'])}")
    if r.get("encoding"):
        parts.append(str(r["encoding"]))
    if r.get("delimiter"):
        parts.append({",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}.get(r["delimiter"], r["delimiter"]) + "-separated")
    if r.get("decimal") == ",":
        parts.append("decimal comma")
    if r.get("title_rows"):
        parts.append(f"{r['title_rows']} title rows above the header")
    parts.append(f"{r['header_rows']} header row{'s' if r['header_rows'] != 1 else ''}")
    if file.table.value_labels:
        parts.append(f"value labels on {_columns(len(file.table.value_labels))}")
    return f"{file.path.name}: " + ", ".join(p for p in parts if p) + "."


def _only_in_some(opened):
    if len(opened) < 2:
        return []
    have = {}
    for file in opened:
        for p in file.profiles:
            if p.n_given:
                have.setdefault(file.rename.get(p.name, p.name), []).append(file.wave)
    some = {}
    for column, which in have.items():
        if len(which) < len(opened):
            some.setdefault(tuple(which), []).append(column)
    return [f"{', '.join(which)}: {_some(names, 20)}" for which, names in some.items()]


def _about_set(answers):
    shown = " < ".join(f"{t.strip()} ({c:g})" for t, c in answers.codes.items())
    extra = [f"missing: {', '.join(answers.missing)}"] if answers.missing else []
    extra += [f"not applicable: {', '.join(answers.not_applicable)}"] if answers.not_applicable else []
    return f"{answers.name} ({_columns(len(answers.columns))}): {shown}" + (f"; {'; '.join(extra)}" if extra else "")


def _columns(n):
    return f"{n} column{'' if n == 1 else 's'}"


def _some(names, most=12):
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _to_decide(name, decision):
    return f"{name}: " + (f"probably {decision.guess}; " if decision.guess else "") + decision.note

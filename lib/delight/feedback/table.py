"""The feedback table: one row a response, typed and checked, with an account of every cell and row that was left out."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from delight.errors import DelightError, InputError, did_you_mean
from delight.feedback import careless, columns, dates, keys, readers, scrub
from delight.feedback.columns import EMPTY, MISSING_CODE, NOT_APPLICABLE, NOT_ASKED, OUT_OF_SCALE, UNKNOWN, VALUE
from delight.feedback.locations import one_spelling
from delight.feedback.waves import in_order
from delight.findings import Finding, as_table, errors, raise_errors
from delight.result import Note, Result
from delight.study.codebook import CONTEXT_ROLES, normal
from delight.study.study import ONLY_WAVE, Study, load, open_study

#: Steps of the attrition table, in order.
STEPS = ("read", "blank", "duplicates", "unanswered", "with_outcome")
#: Ignored columns whose names say that they hold a person's name: read to scrub comments, and for nothing else.
_NAMES = re.compile(
    r"(?i)^(first|last|sur|full|voor|achter|for|efter)?_?(name|naam|navn)$|^(voornaam|achternaam|fornavn|efternavn|respondent_?name)$"
)


@dataclass(frozen=True)
class Feedback:
    """What was read from the raw files of a study.

    Attributes
    ----------
    responses : DataFrame
        One row a response, in an order that does not depend on the input's. Columns of the codebook and ``respondent``
        (pseudonym), ``wave``, ``location``, ``weight``; ``<column>:na`` where a question did not apply to somebody.
    findings : tuple of Finding
    quality : Result
        One row per wave and column.
    attrition : Result
        One row per wave and step: ``n`` rows left, ``removed`` by it.
    flags, flagged, sensitivity : Result
        Careless responses (methods M01): one row per respondent and flag; who is flagged by score band; what the mean would be.
    waves : list of str
    hash : str
        Of the data, whatever the order of its rows.
    """

    responses: pd.DataFrame
    findings: tuple
    quality: Result
    attrition: Result
    flags: Result
    flagged: Result
    sensitivity: Result
    waves: list
    hash: str

    @property
    def found(self):
        """The findings as a result."""
        return findings_result(self.findings)


def findings_result(findings):
    """Findings as a result (method M01)."""
    table = as_table(findings).rename(columns={"count": "rows"})
    return Result.of("M01.findings", table, function="delight.feedback.table.read", counts_only=True)


def read(study, *, raw=None):
    """Read, check and type the raw feedback of a study.

    Parameters
    ----------
    study : Study or str
        An opened study, or its name or folder.
    raw : str or Path, optional
        Folder of the raw files.

    Returns
    -------
    Feedback

    Raises
    ------
    InputError
        Everything in the data that stops a run, in one message; ``findings`` of the exception holds all findings.
    StudyError
        The study is not in order.
    """
    study = _opened(study, raw)
    feedback, findings = _read(study)
    raise_errors(findings, InputError, intro=f"The data of study '{study.name}' have {{n}} error(s):")
    return feedback


def check(study, raw=None):
    """All findings about a study and its data, without raising on them.

    Parameters
    ----------
    study : Study or str
    raw : str or Path, optional

    Returns
    -------
    list of Finding
    """
    if isinstance(study, Study) and raw is None:
        found = list(study.findings)
    else:
        study, found = load(study.path if isinstance(study, Study) else study, raw=raw)
    if study is None or not study.sources:
        return found
    try:
        return [*found, *_read(study)[1]]
    except DelightError as error:
        return [*found, *getattr(error, "findings", [Finding("error", "unreadable_input", str(error))])]


def _opened(study, raw):
    if isinstance(study, Study):
        return study if raw is None else open_study(study.path, raw=raw)
    return open_study(study, raw=raw)


def _counted(n, one, many):
    """A sentence about `n` rows, in the form that goes with the number."""
    return (one if n == 1 else many).format(n=f"{n:,}")


# ---- reading ---------------------------------------------------------------------------------------------------------


class _Reading:
    """What is being put together: cleaned columns and states of all sources, row for row."""

    def __init__(self, study):
        self.study, self.findings = study, []
        self.questions = [q for q in study.questions.values() if q.role != "ignore"]
        self.name_columns = [q.column for q in study.questions.values() if q.role == "ignore" and _NAMES.match(q.column)]
        self.parts, self.states, self.rows, self.files, self.own_names = [], [], [], [], []

    def report(self, severity, rule, message, remedy="", **where):
        self.findings.append(Finding(severity, rule, message, remedy, **where))


def _read(study):
    """(Feedback or None, findings)."""
    reading = _Reading(study)
    for source in study.sources:
        _read_source(reading, source)
    if not reading.parts:
        return None, reading.findings
    frame, states, rows = _together(reading)
    frame, waves = _waves(reading, frame, rows)
    _never_asked(reading)
    counts = {"read": _per_wave(frame, waves)}
    frame, states, rows = _left_out(reading, frame, states, rows, _blank(frame, states), "empty_row", "rows are empty")
    _locations(reading, frame, rows)
    _weights(reading, frame, rows)
    counts["blank"] = _per_wave(frame, waves)
    row_hash = _row_hashes(frame, [q.column for q in reading.questions])
    frame, states, rows, row_hash = _duplicates(reading, frame, states, rows, row_hash)
    counts["duplicates"] = _per_wave(frame, waves)
    asked = [c for c in study.asked() if c in states]
    unanswered = ~np.any([states[c] == VALUE for c in asked] or [np.ones(len(frame), bool)], axis=0)
    sentence = "rows hold no answer to any question"
    kept = ~unanswered
    frame, states, rows = _left_out(reading, frame, states, rows, unanswered, "unanswered_row", sentence)
    row_hash = row_hash[kept]
    counts["unanswered"] = _per_wave(frame, waves)
    outcome = study.outcome
    with_outcome = frame[frame[outcome].notna()] if outcome in frame else frame.iloc[:0]
    counts["with_outcome"] = _per_wave(with_outcome, waves)
    _same_answers(reading, frame, asked)
    order = np.lexsort((row_hash, pd.Categorical(frame["wave"], categories=waves).codes))
    frame = frame.take(order).reset_index(drop=True)
    states = {c: s[order] for c, s in states.items()}
    digest = _digest(row_hash, waves, frame)
    if not len(frame) and not errors(reading.findings):
        reading.report("error", "no_answers", "No row holds an answer to any question.", "Check the names of columns and missing codes.")
    frame = _pseudonymised(reading, frame)
    frame = _scrubbed(reading, frame)
    quality = _quality(reading, frame, states, waves)
    attrition = _attrition(counts, waves, study)
    frame = _finished(reading, frame, states)
    flags = flags_of(study, frame)
    findings = tuple(reading.findings)
    return Feedback(frame, findings, quality, attrition, *flags, [w for w in waves if w], digest), list(findings)


def _read_source(reading, source):
    file = source.path.name
    wanted = [q.column for q in reading.questions] + reading.name_columns
    try:
        raw = _raw(source, wanted)
    except InputError as error:
        line, message = re.fullmatch(
            r"(?:line (\d+): )?(.*)", str(error).removeprefix(f"{file}: ").removeprefix(f"{file}, "), re.S
        ).groups()
        reading.report("error", "unreadable_input", message, file=file, row=int(line) if line else None, wave=source.wave)
        return
    reading.findings.extend(replace(f, wave=source.wave) if source.wave and not f.wave else f for f in raw.findings)
    _missing_columns(reading, source, raw)
    values, states = {}, {}
    for question in reading.questions:
        if question.column not in raw.frame:
            continue
        cleaned = _clean(reading, question, raw, source)
        values[question.column], states[question.column] = cleaned.values, cleaned.states
        for p in cleaned.problems:
            row = int(p.row) if p.row is not None else None
            where = {"file": file, "column": question.column, "row": row, "wave": source.wave}
            reading.report(p.severity, p.rule, p.message, p.remedy, count=p.count, done=p.done, **where)
    part = pd.DataFrame(values, index=raw.frame.index)
    part["wave:source"] = source.wave
    own = [raw.frame[c].astype("str") for c in reading.name_columns if c in raw.frame]
    reading.own_names.append(pd.concat(own, axis=1).agg(_joined, axis=1) if own else None)
    reading.parts.append(part)
    reading.states.append(states)
    reading.rows.append(raw.frame.index.to_numpy())
    reading.files.append(file)


def _raw(source, wanted):
    """The raw table; in layouts whose long headers are shortened, the codebook may also name a column as its header is written."""
    raw = readers.read_raw(source.path, format=source.format, rename=source.rename, columns=wanted)
    lacking = [c for c in wanted if c not in raw.frame]
    if not lacking or raw.recognised.get("layout", "plain") == "plain":
        return raw
    rename = {**{c: c for c in lacking if c not in source.rename}, **source.rename}
    raw = readers.read_raw(source.path, format=source.format, rename=rename, columns=wanted)
    kept = [f for f in raw.findings if f.rule != "rename_unknown" or f.column in source.rename]
    return replace(raw, findings=tuple(kept))


def _joined(cells):
    given = [c for c in cells if isinstance(c, str) and c.strip()]
    return " ".join(given) if given else None


def _missing_columns(reading, source, raw):
    """Remember which columns a source lacks; a column that no source has is reported when all are read."""
    for question in reading.questions:
        if question.column in raw.frame:
            continue
        if question.role in ("respondent", "location", "weight", "wave") and not (question.role == "wave" and source.wave):
            hint = did_you_mean(question.column, _header(source))
            say = f"The file lacks the column '{question.column}' (role {question.role}).{hint}"
            remedy = "Correct the codebook, or line the names up with `rename`."
            reading.report("error", "missing_column", say, remedy, file=source.path.name, column=question.column, wave=source.wave)


def _header(source):
    """All columns of a source, for hints."""
    try:
        if source.path.stat().st_size > 200_000_000:
            return []
        return list(readers.read_raw(source.path, format=source.format, rename=source.rename).frame.columns)
    except (InputError, OSError):
        return []


def _never_asked(reading):
    """Report columns that no source has (an error), and those that only some waves have (a remark)."""
    reported = {f.column for f in reading.findings if f.rule == "missing_column"}
    headers = None
    for question in reading.questions:
        column = question.column
        lacking = [f for f, states in zip(reading.files, reading.states) if column not in states]
        if not lacking or column in reported or (question.role == "wave" and all(s.wave for s in reading.study.sources)):
            continue
        if len(lacking) == len(reading.files):
            headers = headers if headers is not None else [h for s in reading.study.sources for h in _header(s)]
            where = "The file lacks" if len(lacking) == 1 else f"None of the {len(lacking)} files has"
            say = f"{where} the column '{column}' (role {question.role}).{did_you_mean(column, headers)}"
            remedy = "Correct the name in the codebook, take its row out, or line the names up with `rename`."
            reading.report("error", "missing_column", say, remedy, file=lacking[0], column=column)
        else:
            say = f"Not asked in {len(lacking)} of {len(reading.files)} files ({', '.join(lacking[:4])})."
            reading.report("info", "column_in_some_waves", say, column=column, count=len(lacking), done="kept_missing")


def _clean(reading, question, raw, source):
    series = raw.frame[question.column]
    missing, labels = raw.user_missing.get(question.column, ()), raw.value_labels.get(question.column)
    if question.role == "date":
        return _dates(question, series)
    if question.role == "comment":
        return columns.as_text(series)
    if question.role == "respondent":
        return _ids(series)
    if question.is_number:
        return columns.as_number(
            series,
            question,
            decimal=raw.recognised.get("decimal") or ".",
            user_missing=missing,
            value_labels=labels,
            out_of_scale=reading.study.out_of_scale,
        )
    return columns.as_category(series, question, user_missing=missing, value_labels=labels)


def _ids(series):
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
        codes, seen = pd.factorize(series)
        texts = pd.array([columns.plain_number(s) for s in seen] + [None], dtype="str")
        series = pd.Series(texts.take(np.where(codes < 0, len(seen), codes)), index=series.index)
    return columns.as_text(series)


def _dates(question, series):
    numbers = [c for c in question.missing_codes if not isinstance(c, (str, tuple))]
    words = [c for c in question.missing_codes if isinstance(c, str)]
    coded = series.isin([columns.plain_number(n) for n in numbers]) | (series.isin(numbers) if numbers else False)
    if words:
        coded |= series.astype("str").map(normal, na_action="ignore").isin(words)
    coded = coded.to_numpy(bool)
    found = dates.parse(series.mask(coded))
    states = np.where(found.values.isna(), EMPTY, VALUE).astype(np.int8)
    states[coded] = MISSING_CODE
    problems = []
    if found.bad.any():
        states[found.bad] = UNKNOWN
        first = int(np.argmax(found.bad))
        say = f"{int(found.bad.sum()):,} of {len(series):,} cells are no date (first: '{str(series.iloc[first])[:40]}')."
        order = {"day": " The column writes the day first.", "month": " The column writes the month first."}.get(found.order, "")
        remedy = "They are taken as missing; correct the export if dates matter."
        row, count = series.index[first], int(found.bad.sum())
        problems.append(columns.Problem("warning", "not_a_date", say + order, remedy, row, count, "set_missing"))
    if found.order == "ambiguous":
        say = "Dates such as 03-04-2024 leave open whether the day or the month comes first; the day is taken to."
        remedy = "Write dates as 2024-03-04 if that is wrong."
        problems.append(columns.Problem("warning", "ambiguous_date", say, remedy, series.index[0] if len(series) else None, len(series)))
    return columns.Column(found.values, states, tuple(problems))


# ---- putting sources together ----------------------------------------------------------------------------------------


def _together(reading):
    """All sources below each other: (frame, states by column, (file number, row) of every row)."""
    sizes = [len(p) for p in reading.parts]
    frame, states = {}, {}
    for question in reading.questions:
        column = question.column
        have = [column in s for s in reading.states]
        if not any(have):
            continue
        states[column] = np.concatenate(
            [s[column] if h else np.full(n, NOT_ASKED, np.int8) for s, h, n in zip(reading.states, have, sizes)]
        )
        like = next(p[column] for p, h in zip(reading.parts, have) if h)
        pieces = [p[column] if h else _blank_like(like, n) for p, h, n in zip(reading.parts, have, sizes)]
        frame[column] = pd.concat(pieces, ignore_index=True) if len(pieces) > 1 else pieces[0].reset_index(drop=True)
    frame = pd.DataFrame(frame, index=range(sum(sizes)))
    given = np.repeat(np.array([p["wave:source"].iloc[0] if len(p) else "" for p in reading.parts], dtype=object), sizes)
    frame["wave:source"] = pd.Series(pd.array(given, dtype="str"), index=frame.index)
    if any(o is not None for o in reading.own_names):
        pieces = [pd.Series([None] * n, dtype=object) if o is None else o.astype(object) for o, n in zip(reading.own_names, sizes)]
        frame["name:own"] = pd.concat(pieces, ignore_index=True)
    rows = (np.repeat(np.arange(len(sizes)), sizes), np.concatenate(reading.rows))
    reading.parts, reading.states_by_source = [p.iloc[:0] for p in reading.parts], reading.states
    return frame, states, rows


def _blank_like(series, n):
    if series.dtype.kind == "M":
        return pd.Series(pd.NaT, index=range(n), dtype=series.dtype)
    return pd.Series([np.nan] * n if series.dtype.kind == "f" else [None] * n, dtype=series.dtype)


def _place(reading, rows, mask):
    """file and row of the first row in a mask."""
    at = int(np.argmax(mask))
    return {"file": reading.files[rows[0][at]], "row": int(rows[1][at])}


def _waves(reading, frame, rows):
    """Give every row its wave; the waves in order."""
    study = reading.study
    column = study.column("wave")
    wave = frame["wave:source"].copy()
    if column in frame:
        wave = wave.mask(wave == "", frame[column])
    else:
        wave = wave.mask(wave == "", ONLY_WAVE)
    unknown = (wave.isna() | (wave == "")).to_numpy(bool)
    answered = frame.drop(columns=["wave:source"]).notna().any(axis=1).to_numpy() if unknown.any() else unknown
    if (unknown & answered).any():
        say = _counted(int((unknown & answered).sum()), "{n} row does not say its wave.", "{n} rows do not say their wave.")
        remedy = "Fill it in, or name the wave of the source in study.toml."
        count = int((unknown & answered).sum())
        reading.report("error", "missing_wave", say, remedy, column=column or "", count=count, **_place(reading, rows, unknown & answered))
    frame = frame.drop(columns=["wave:source"] + ([column] if column in frame else []))
    frame["wave"] = wave.fillna("")
    if column and column != "wave":
        frame[column] = frame["wave"]
    order = []
    for number, source in enumerate(study.sources):
        if source.wave or column is None:
            order.append(source.wave or ONLY_WAVE)
        elif source.path.name in reading.files:
            order.extend(in_order([w for w in frame.loc[rows[0] == number, "wave"].unique() if w], study.question("wave")))
    order = list(dict.fromkeys(order))
    rest = [w for w in frame["wave"].unique() if w not in order]
    return frame, order + sorted(rest)


def _locations(reading, frame, rows):
    """Give every row the location as units.csv writes it."""
    study = reading.study
    column = study.column("location")
    if column not in frame:
        return
    given = frame[column]
    codes, seen = pd.factorize(given)
    counts = np.bincount(codes[codes >= 0], minlength=len(seen))
    if study.units:
        keys_ = [normal(s) for s in seen]
        by_key = {normal(u.location): u.location for u in study.units.values()}
        names = [normal(u.name) for u in study.units.values() if u.name]
        by_name = {normal(u.name): u.location for u in study.units.values() if u.name and names.count(normal(u.name)) == 1}
        found = [by_key.get(k) or by_name.get(k) for k in keys_]
        unknown = np.array([f is None for f in found], bool)
        if unknown.any():
            listed = [f"'{s}' ({n:,})" for s, n, u in zip(seen, counts, unknown) if u]
            first = str(seen[int(np.argmax(unknown))])
            say = f"{len(listed)} location(s) of the data are not in units.csv: {', '.join(listed[:8])}{' …' if len(listed) > 8 else ''}."
            say += did_you_mean(first, study.units)
            remedy = "Add them to units.csv, or map their spellings to one code in answers.csv (answer_set of this column)."
            hit = np.append(unknown, False)[codes]
            place = _place(reading, rows, hit)
            reading.report("error", "unknown_location", say, remedy, column=column, count=int(counts[unknown].sum()), **place)
        silent = [u for u in study.units if u not in {f for f in found if f}]
        if silent:
            say = f"{len(silent)} location(s) of units.csv have no response: {', '.join(silent[:8])}{' …' if len(silent) > 8 else ''}."
            reading.report("info", "location_without_responses", say, column=column, count=len(silent))
        found = [f or str(s) for f, s in zip(found, seen)]
    else:
        found = one_spelling(dict(zip(map(str, seen), counts)))
        merged = [str(s) for s, f in zip(seen, found) if f != s]
        if merged:
            count = int(sum(n for s, f, n in zip(seen, found, counts) if f != s))
            say = f"{len(merged)} spelling(s) that differ in case or white space only are taken as one: {', '.join(map(repr, merged[:5]))}."
            reading.report("warning", "location_spelling", say, column=column, count=count, done="merged")
    texts = pd.array([*found, None], dtype="str")
    values = pd.Series(texts.take(np.where(codes < 0, len(found), codes)), index=frame.index)
    missing = int((codes < 0).sum())
    if missing:
        say = _counted(
            missing,
            "{n} row does not say its location; it counts for the whole only.",
            "{n} rows do not say their location; they count for the whole only.",
        )
        reading.report("warning", "missing_location", say, column=column, count=missing, done="kept", **_place(reading, rows, codes < 0))
    frame[column] = values
    frame["location"] = values


def _weights(reading, frame, rows):
    study = reading.study
    column = study.weights.column if study.weights else None
    if column not in frame:
        return
    w = frame[column].to_numpy()
    negative, fraction = w < 0, (w % 1 != 0) & ~np.isnan(w)
    if negative.any():
        say = f"{int(negative.sum()):,} weights are negative (first: {w[np.argmax(negative)]:g})."
        remedy = "Weights are zero or more; correct the export."
        reading.report("error", "negative_weight", say, remedy, column=column, count=int(negative.sum()), **_place(reading, rows, negative))
    if study.weights.kind == "frequency" and fraction.any():
        say = f"{int(fraction.sum()):,} frequency weights are no whole numbers (first: {w[np.argmax(fraction)]:g})."
        remedy = 'A frequency says how many answers a row stands for; for survey weights write kind = "sampling".'
        place = _place(reading, rows, fraction)
        reading.report("error", "fractional_frequency", say, remedy, column=column, count=int(fraction.sum()), **place)
    missing, zero = int(np.isnan(w).sum()), int((w == 0).sum())
    for wave, weights in frame[column].groupby(frame["wave"], sort=False):
        if weights.notna().any() and not (weights > 0).any() and not (weights < 0).any():
            say = f"All {len(weights):,} weights of wave '{wave}' are zero or missing, so nobody counts."
            reading.report(
                "error",
                "no_weight",
                say,
                "Correct the export, or give the column the role ignore.",
                column=column,
                wave=wave,
                count=len(weights),
            )
    if missing:
        say = _counted(
            missing,
            "{n} row has no weight; weighted results leave it out as missing.",
            "{n} rows have no weight; weighted results leave them out as missing.",
        )
        place = _place(reading, rows, np.isnan(w))
        reading.report("warning", "missing_weight", say, column=column, count=missing, done="kept", **place)
    if zero:
        say = _counted(
            zero,
            "{n} row has weight zero, which leaves it out of weighted results.",
            "{n} rows have weight zero, which leaves them out of weighted results.",
        )
        reading.report("info", "zero_weight", say, column=column, count=zero, done="kept")
    frame["weight"] = frame[column]


# ---- rows left out ---------------------------------------------------------------------------------------------------


def _per_wave(frame, waves):
    counts = frame["wave"].value_counts()
    return {w: int(counts.get(w, 0)) for w in waves}


def _blank(frame, states):
    empty = np.ones(len(frame), bool)
    for s in states.values():
        empty &= (s == EMPTY) | (s == NOT_ASKED)
    return empty


def _left_out(reading, frame, states, rows, drop, rule, sentence):
    if not drop.any():
        return frame, states, rows
    count = int(drop.sum())
    place = _place(reading, rows, drop)
    reading.report("warning", rule, f"{count:,} {sentence}; left out.", count=count, done="dropped", **place)
    return _keep(frame, states, rows, ~drop)


def _keep(frame, states, rows, keep):
    return frame[keep].reset_index(drop=True), {c: s[keep] for c, s in states.items()}, (rows[0][keep], rows[1][keep])


def _mix(x):
    """splitmix64 of an array of uint64."""
    with np.errstate(over="ignore"):
        x = (x + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def _column_hash(series):
    if series.dtype.kind == "f":
        values = series.to_numpy(dtype=float) + 0.0
        bits = values.view(np.uint64).copy()
        bits[np.isnan(values)] = 0x7FF8DEADBEEF0001
        return bits
    if series.dtype.kind == "M":
        return series.astype("datetime64[us]").to_numpy().view(np.uint64)
    codes, seen = pd.factorize(series)
    distinct = pd.util.hash_array(np.asarray(seen, dtype=object), categorize=False) if len(seen) else np.zeros(0, np.uint64)
    return np.append(distinct, np.uint64(0x1B873593))[codes]


def _row_hashes(frame, names):
    """A 64-bit hash of each row, from its cleaned cells and the names of the columns."""
    total = np.zeros(len(frame), np.uint64)
    for name in sorted({*names, "wave"} & set(frame.columns)):
        salt = np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))
        total = _mix(total ^ _mix(_column_hash(frame[name]) ^ salt))
    return total


def _digest(row_hash, waves, frame):
    """Hash of all rows in whatever order (methods M41)."""
    digest = hashlib.sha256(np.sort(row_hash).astype("<u8").tobytes())
    digest.update("\0".join([*waves, *sorted(map(str, frame.columns))]).encode())
    return digest.hexdigest()


def _duplicates(reading, frame, states, rows, row_hash):
    """Take out rows that repeat a respondent of the same wave in every answer; two different answers of one respondent are an error."""
    column = reading.study.column("respondent")
    if column not in frame:
        return frame, states, rows, row_hash
    ids = frame[column]
    twice = (pd.DataFrame({"w": frame["wave"], "i": ids}).duplicated(keep=False) & ids.notna()).to_numpy()
    missing = int(ids.isna().sum())
    if missing:
        say = _counted(
            missing,
            "{n} row names no respondent; it counts as one of its own.",
            "{n} rows name no respondent; each counts as one of its own.",
        )
        place = _place(reading, rows, ids.isna().to_numpy())
        reading.report("warning", "missing_respondent", say, column=column, count=missing, done="kept", **place)
    if not twice.any():
        return frame, states, rows, row_hash
    late = [q.column for q in reading.questions if q.role in ("date", "duration", "weight", "respondent")]
    content = _row_hashes(frame[twice], [q.column for q in reading.questions if q.column not in late])
    at = np.flatnonzero(twice)
    table = pd.DataFrame(
        {"wave": frame["wave"].to_numpy()[at], "id": ids.to_numpy()[at], "content": content, "at": at, "hash": row_hash[at]}
    )
    table["file"], table["row"] = rows[0][at], rows[1][at]
    for role in ("date", "duration"):
        name = reading.study.column(role)
        table[role] = frame[name].to_numpy()[at] if name in frame else 0
    clash = table.groupby(["wave", "id"])["content"].transform("nunique") > 1
    if clash.any():
        first = table[clash].sort_values(["file", "row"]).iloc[0]
        pair = table[clash & (table["wave"] == first["wave"]) & (table["id"] == first["id"])].sort_values(["file", "row"])
        other = pair[pair["content"] != first["content"]].iloc[0]
        names = [f"row {r.row}" + (f" of {reading.files[r.file]}" if other.file != first.file else "") for r in (first, other)]
        people = int(table[clash].groupby(["wave", "id"]).ngroups)
        say = f"{people:,} respondent(s) gave different answers under one id in one wave (first: {names[0]} and {names[1]})."
        remedy = "Keep the row that counts, or give them different ids."
        where = {"file": reading.files[int(first["file"])], "row": int(first["row"])}
        reading.report("error", "duplicate_respondent", say, remedy, column=column, count=int(clash.sum()), **where)
    same = table[~clash].sort_values(["wave", "id", "date", "duration", "hash"], kind="stable")
    repeats = same[same.duplicated(["wave", "id"])]
    if not len(repeats):
        return frame, states, rows, row_hash
    drop = np.zeros(len(frame), bool)
    drop[repeats["at"].to_numpy()] = True
    count = int(drop.sum())
    say = _counted(
        count,
        "{n} row repeats the answers of a respondent under the same id; the first answer is kept.",
        "{n} rows repeat the answers of a respondent under the same id; the first answer is kept.",
    )
    reading.report("warning", "repeated_row", say, column=column, count=count, done="dropped", **_place(reading, rows, drop))
    return *_keep(frame, states, rows, ~drop), row_hash[~drop]


def _same_answers(reading, frame, asked):
    """Warn of rows that repeat another respondent's row in every column but the id."""
    if reading.study.column("respondent") not in frame or len(asked) < 8:
        return
    hashes = _row_hashes(frame, [q.column for q in reading.questions if q.role != "respondent"])
    repeated = pd.Series(hashes).duplicated().to_numpy()
    many = (frame[asked].notna().sum(axis=1) >= 8).to_numpy()
    count = int((repeated & many).sum())
    if count:
        say = _counted(
            count,
            "{n} row repeats another row in every column but the respondent.",
            "{n} rows repeat another row in every column but the respondent.",
        )
        remedy = "Check whether answers were entered or exported twice; all are kept."
        reading.report("warning", "identical_rows", say, remedy, count=count, done="kept")


# ---- privacy ---------------------------------------------------------------------------------------------------------


def _pseudonymised(reading, frame):
    study = reading.study
    column = study.column("respondent")
    numbered = pd.Series(pd.array([f"r{i:07d}" for i in range(1, len(frame) + 1)], dtype="str"), index=frame.index)
    if column not in frame:
        frame["respondent"] = numbered
        return frame
    ids = frame[column]
    if _other_people(reading, frame, column):
        ids = (frame["wave"] + "|" + ids).where(ids.notna(), None)
    codes, seen = pd.factorize(ids)
    hashed = pd.array([*keys.pseudonyms(seen, keys.study_key(study.name)), None], dtype="str")
    values = pd.Series(hashed.take(np.where(codes < 0, len(seen), codes)), index=frame.index)
    frame["respondent"] = values.where(values.notna(), numbered)
    if column != "respondent":
        frame[column] = frame["respondent"]
    return frame


def _other_people(reading, frame, column):
    """Whether a number stands for another person in every wave: declared, or because numbers run on from the first in each wave."""
    panel = reading.study.fieldwork.get("panel")
    if panel is not None:
        return not panel
    numbers = pd.to_numeric(frame[column], errors="coerce")
    running = [_running(numbers[frame["wave"] == wave]) for wave in frame["wave"].unique()]
    if sum(running) < 2 or not all(running):
        return False
    say = "The respondents' numbers start anew in every wave, so the same number is not taken for the same person."
    reading.report("info", "numbered_anew", say, "If it is, say panel = true under [fieldwork].", column=column)
    return True


def _running(numbers):
    """Whether these are running numbers from about 1 on: whole, and nearly always one more than the one before."""
    numbers = np.sort(numbers.to_numpy(dtype=float))
    if len(numbers) < 30 or np.isnan(numbers).any() or numbers[0] > 10:
        return False
    return bool(np.mean(np.diff(numbers) == 1) >= 0.8)


def _scrubbed(reading, frame):
    study = reading.study
    managers = [u.manager for u in study.units.values() if u.manager]
    own = frame.get("name:own")
    for column in study.columns("comment"):
        if column not in frame:
            continue
        frame[column], count = scrub.comments(frame[column], names=managers, own_names=own)
        if count:
            say = f"Names, addresses or numbers were taken out of {count:,} comments."
            reading.report("info", "scrubbed", say, column=column, count=count, done="scrubbed")
    _contacts(reading, frame)
    return frame.drop(columns=["name:own"]) if own is not None else frame


def _contacts(reading, frame):
    """Refuse groups that are really comments with contact details: their names would stand in the report as written."""
    for question in reading.questions:
        column = question.column
        if question.role not in ("background", "segment", "incident", "location") or column not in frame:
            continue
        counts = frame[column].value_counts() if frame[column].dtype == "str" else {}
        found = sum(int(n) for value, n in counts.items() if scrub.has_contact(value))
        if found:
            say = f"{found:,} answers hold an e-mail address or a phone or account number, and the report names the groups of this column."
            remedy = "Give it the role comment, so that they are taken out, or ignore."
            reading.report(
                "error" if question.role != "location" else "warning", "contact_details", say, remedy, column=column, count=found
            )


# ---- accounts --------------------------------------------------------------------------------------------------------


def _quality(reading, frame, states, waves):
    """One row per wave and column: how many answered, and why the others did not."""
    wave_codes = pd.Categorical(frame["wave"], categories=waves).codes.astype(np.int64)
    table = []
    for question in reading.questions:
        if question.role == "wave" or question.column not in states:
            continue
        kinds = np.bincount(wave_codes * 8 + states[question.column], minlength=8 * len(waves)).reshape(-1, 8)
        scale = question.scale
        for wave, count in zip(waves, kinds):
            total, asked = int(count.sum()), int(count.sum() - count[NOT_ASKED])
            missing = int(count[[EMPTY, MISSING_CODE, OUT_OF_SCALE, UNKNOWN]].sum())
            table.append(
                {
                    "wave": wave,
                    "column": question.column,
                    "role": question.role,
                    "scale_min": scale.min if scale else np.nan,
                    "scale_max": scale.max if scale else np.nan,
                    "reversed": question.reverse,
                    "asked": asked > 0,
                    "n_rows": total,
                    "n": int(count[VALUE]),
                    "n_missing": missing,
                    "n_missing_code": int(count[MISSING_CODE]),
                    "n_not_applicable": int(count[NOT_APPLICABLE]),
                    "n_out_of_scale": int(count[OUT_OF_SCALE]),
                    "n_unknown": int(count[UNKNOWN]),
                    "pct_missing": 100 * missing / asked if asked else np.nan,
                    "pct_not_applicable": 100 * count[NOT_APPLICABLE] / asked if asked else np.nan,
                    "n_eff": float(count[VALUE]),
                    "status": "ok" if count[VALUE] else "insufficient",
                }
            )
            asked_for_nothing = asked and not count[VALUE] and question.role not in ("comment", "date", "duration")
            if asked_for_nothing:
                say = f"Nobody has an answer in wave '{wave}'."
                reading.report("warning", "empty_column", say, "Check its name and missing codes.", column=question.column, wave=wave)
    table = pd.DataFrame(table)
    if len(table):
        table["n_out_of_range"] = table["n_out_of_scale"]
        rest = _item_rest(reading, frame)
        table["item_rest_r"] = table["column"].map(rest).astype(float)
        _constant(reading, frame)
    return Result.of("M01.quality", table, function="delight.feedback.table.read", counts_only=True, n_in=len(frame), n_used=len(frame))


def _item_rest(reading, frame):
    """Correlation of each attribute with the mean of the others of its scale; warns of negative ones."""
    found = {}
    batteries = {}
    for question in reading.questions:
        if question.role == "attribute" and question.column in frame and question.scale is not None:
            batteries.setdefault((question.scale.min, question.scale.max), []).append(question)
    for items in batteries.values():
        if len(items) < 3:
            continue
        x = frame[[q.column for q in items]].to_numpy(dtype=float)
        known = ~np.isnan(x)
        sums, counts = np.where(known, x, 0).sum(axis=1), known.sum(axis=1)
        for j, question in enumerate(items):
            use = known[:, j] & (counts > 1)
            if use.sum() < 30:
                continue
            own, rest = x[use, j], (sums[use] - x[use, j]) / (counts[use] - 1)
            if own.std() == 0 or rest.std() == 0:
                continue
            r = float(np.corrcoef(own, rest)[0, 1])
            found[question.column] = r
            if r < -0.1:
                turned = "although it is turned" if question.reverse else "as if it were worded the other way"
                say = f"The item goes against the others ({turned}): its correlation with their mean is {r:.2f}."
                remedy = "Check `reverse` in codebook.csv."
                reading.report("warning", "against_the_others", say, remedy, column=question.column, count=int(use.sum()), done="kept")
    return found


def _constant(reading, frame):
    for question in reading.questions:
        if question.is_number and question.role != "weight" and question.column in frame:
            values = frame[question.column].dropna()
            if len(values) >= 2 and values.min() == values.max():
                say = f"All {len(values):,} answers are {values.iloc[0]:g}, so nothing can be learned from it."
                reading.report("warning", "constant_column", say, "Check it.", column=question.column, count=len(values), done="kept")


def _attrition(counts, waves, study):
    table = []
    for wave in waves:
        before = None
        for order, step in enumerate(STEPS):
            n = counts[step][wave]
            if step == "with_outcome" and study.outcome is None:
                continue
            table.append({"wave": wave, "step_order": order, "step": step, "n": n, "removed": 0 if before is None else before - n})
            before = n
    table = pd.DataFrame(table, columns=["wave", "step_order", "step", "n", "removed"])
    table["n_missing"], table["n_eff"] = table["removed"], table["n"].astype(float)
    notes = [] if study.outcome_role in ("overall", None) else [Note("outcome_is_recommend", {"column": study.outcome})]
    meta = {"function": "delight.feedback.table.read", "counts_only": True, "outcome": study.outcome, "n_in": sum(counts["read"].values())}
    return Result.of("M01.attrition", table, notes=notes, n_used=sum(counts["unanswered"].values()), **meta)


def _finished(reading, frame, states):
    """Columns in their order, with a companion for answers that did not apply."""
    study = reading.study
    first = ["respondent", "wave", *(c for c in ("location", "weight") if c in frame)]
    pieces = {c: frame[c] for c in first}
    for question in study.questions.values():
        column = question.column
        if column in pieces or column not in frame:
            continue
        pieces[column] = frame[column]
        if question.role not in CONTEXT_ROLES and (states[column] == NOT_APPLICABLE).any():
            pieces[f"{column}:na"] = pd.Series(states[column] == NOT_APPLICABLE, index=frame.index)
    return pd.DataFrame(pieces)


def flags_of(study, frame):
    """Careless responses among these rows of the feedback table (`delight.feedback.careless`)."""
    outcome = study.outcome if study.outcome in frame else None
    duration = study.column("duration")
    return careless.flags(
        frame,
        items=[c for c in study.columns("attribute") if c in frame],
        scales={c: study.scale(c) for c in study.columns("attribute")},
        reversed_items=[c for c in study.columns("attribute") if study.questions[c].reverse],
        duration=duration if duration in frame else None,
        y=outcome,
        scale=study.scale(outcome) if outcome else None,
        **({"weights": "weight", "weights_kind": study.weights.kind} if study.weights and "weight" in frame else {}),
    )

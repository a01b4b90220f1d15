"""The demo's raw exports, with the habits and the dirt of real ones."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from delight.demo import questions

RENAMED = {"recommend": "NPS", "informed_intensively": "informed"}  # headers of the first wave
HABITS = ("semicolon", "excel", "plain")  # of the first, second, third wave, and round again
KANO = ("kano_functional", "kano_dysfunctional")
YOUNG = dict.fromkeys(("switch_one", "switch_two"), -1)  # asked in the last wave only


def as_exported(truth, responses, rng, language, number):
    """One wave as the survey tool exports it: texts for answers, gaps and codes 99, duplicates, empty rows, one renamed header."""
    habit = habit_of(number)
    book = questions.codebook(truth)
    raw = responses.sort_values(["completed", "respondent"]).drop(columns=["wave"]).rename(columns={"respondent": "customer"})
    gaps = _gaps(truth, raw, book)
    out = {}
    for row in book.itertuples():
        values = raw[row.column]
        if row.role == "date":
            out[row.column] = _dates(values, habit)
        elif row.answer_set and row.answer_set != "applies":
            codes = questions.texts(row.answer_set, language)
            turned = 6 - values if row.reverse == "yes" else values
            turned = turned.where(~_missing(raw, row.column, gaps))
            out[row.column] = _worded(turned, codes, row.answer_set)
        elif row.role == "comment":
            out[row.column] = values.to_numpy(dtype=object)
        elif values.dtype.kind == "f":
            out[row.column] = _numbers(values, _missing(raw, row.column, gaps), habit, code=99 if row.missing_codes != "" else None)
        else:
            out[row.column] = values.to_numpy(dtype=object)
        if row.answer_set == "applies" and f"{row.column}:na" in raw:
            text = questions.texts("applies", language)[98]
            out[row.column] = np.where(raw[f"{row.column}:na"].to_numpy(dtype=bool), text, out[row.column])
    frame = pd.DataFrame(out, dtype=object)
    if number == 0:
        frame = frame.rename(columns=RENAMED)
    if number != len(truth.demo["waves"]) - 1:
        frame = frame.drop(columns=[c for c in YOUNG if c in frame])
    if number < len(truth.demo["waves"]) - truth.kano["waves"]:
        frame = frame.drop(columns=book.loc[book["role"].isin(KANO), "column"])
    return _untidy(frame, truth, rng)


def habit_of(number):
    """How the export of the wave with this number is written."""
    return HABITS[number % len(HABITS)]


def renames(number):
    """Headers of a wave's export that differ from the codebook: raw name to codebook column."""
    return {new: old for old, new in RENAMED.items()} if number == 0 else {}


def with_gaps(truth, responses):
    """The responses with the grades and ratings left out that parents skipped."""
    gaps = _gaps(truth, responses, questions.codebook(truth))
    for column, lost in gaps.items():
        responses[column] = responses[column].mask(lost)
    return responses


def _gaps(truth, responses, book):
    """Which grades and ratings were left empty; depends on the parent and the column only, so every caller sees the same."""
    share = truth.dirt["missing"]
    rated = book.loc[
        book["role"].isin(["attribute", "need", "emotion", "disconfirmation", "overall", "recommend", "repurchase", *KANO]), "column"
    ]
    if not share or responses.empty:
        return {}
    who = responses["customer"] if "customer" in responses else responses["respondent"]
    moment = responses["completed"].to_numpy().astype("datetime64[s]").astype(np.uint64)
    key = who.str[1:].astype(np.int64).to_numpy().astype(np.uint64) * np.uint64(1_000_003) + moment  # wraps around, as meant
    gaps = {}
    for k, column in enumerate(rated):
        chance = share / 4 if column in ("overall", "recommend") else share
        gaps[column] = as_random(key + np.uint64((k + 1) * 0x9E3779B97F4A7C15 % 2**64)) < chance
    return gaps


def as_random(key):
    """Numbers in [0, 1) that look random, from whole numbers (splitmix64)."""
    with np.errstate(over="ignore"):
        x = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)).astype(float) / 2.0**53


def _missing(raw, column, gaps):
    lost = gaps.get(column)
    return np.zeros(len(raw), dtype=bool) if lost is None else lost


def _dates(values, habit):
    if habit == "excel":
        return np.array(values.dt.to_pydatetime(), dtype=object)
    return values.dt.strftime("%d-%m-%Y %H:%M" if habit == "semicolon" else "%Y-%m-%d %H:%M:%S").to_numpy(dtype=object)


def _worded(values, codes, answer_set):
    words = values.map(codes).to_numpy(dtype=object)
    unknown = codes.get(8) if answer_set == "yes_no_unknown" else None
    return np.where(pd.isna(words), unknown, words)


def _numbers(values, lost, habit, *, code):
    """Numbers as the export writes them; a skipped grade is 99 in the first two waves and empty in the third."""
    filled = values.to_numpy(dtype=float).copy()
    filled[lost] = np.nan if habit == "plain" or code is None else code
    whole = bool(np.all(np.isnan(filled) | (filled == np.round(filled))))
    known = ~np.isnan(filled)
    out = np.full(len(filled), None, dtype=object)
    if whole:
        out[known] = filled[known].astype(int)
    else:
        out[known] = filled[known]
    return out


def _untidy(frame, truth, rng):
    """Some rows exported twice, some without any answer, in the order in which a tool would list them."""
    n = len(frame)
    twice = rng.choice(n, min(truth.dirt["duplicates"], n // 20), replace=False)
    frame = pd.concat([frame, frame.iloc[np.sort(twice)]], ignore_index=True)
    blank = min(truth.dirt["empty_rows"], n // 20)
    if blank:
        position = np.sort(rng.choice(len(frame), blank, replace=False))
        empty = pd.DataFrame(index=range(blank), columns=frame.columns, dtype=object)
        pieces, start = [], 0
        for k, stop in enumerate(position):
            pieces += [frame.iloc[start:stop], empty.iloc[[k]]]
            start = stop
        frame = pd.concat([*pieces, frame.iloc[start:]], ignore_index=True)
    return frame


# --- writing ----------------------------------------------------------------------------------------------------


def write(demo, folder, *, large=100_000):
    """Write the whole study folder; returns its path. Waves above `large` rows are plain UTF-8 CSV whatever their habit."""
    folder = Path(folder)
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    sources = {}
    for number, wave in enumerate(demo.truth.demo["waves"]):
        frame = demo.export(wave)
        if frame.empty:
            continue
        habit = habit_of(number)
        if habit == "excel" and len(frame) > large:
            habit = "plain"
        path = Path("raw") / (f"{wave}.xlsx" if habit == "excel" else f"{wave}.csv")
        (folder / path).write_bytes({"semicolon": _semicolon, "plain": _plain, "excel": _excel}[habit](frame))
        start = pd.Timestamp(demo.truth.demo["dates"][number])
        days = {"start": f"{start:%Y-%m-%d}", "end": f"{start + pd.Timedelta(days=20):%Y-%m-%d}"}
        sources[wave] = {"path": path.as_posix(), "rename": renames(number), **days}
    _text(folder / "study.toml", questions.study_toml(demo.truth, language=demo.language, sources=sources))
    _text(folder / "truth.toml", demo.truth.dumps())
    _table(folder / "codebook.csv", questions.codebook(demo.truth))
    _table(folder / "answers.csv", questions.answers(demo.language))
    _table(folder / "units.csv", demo.units)
    log = demo.acts.drop(columns=["place", "wave"])
    _table(folder / "acts.csv", log.assign(since=pd.to_datetime(log["since"]).dt.strftime("%Y-%m-%d")))
    return folder


def _text(path, text):
    path.write_bytes(text.encode("utf-8"))


def _table(path, frame):
    path.write_bytes(frame.to_csv(index=False, lineterminator="\n").encode("utf-8"))


def _semicolon(frame):
    """The Dutch Excel habit: semicolons, decimal commas, Windows-1252."""
    frame = frame.map(lambda cell: f"{cell:.10g}".replace(".", ",") if isinstance(cell, float) and cell == cell else cell)
    return frame.to_csv(index=False, sep=";", lineterminator="\r\n").encode("cp1252", errors="replace")


def _plain(frame):
    return frame.to_csv(index=False, lineterminator="\n").encode("utf-8")


def _excel(frame):
    """A workbook whose bytes depend on its cells only: no time of writing in it."""
    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    kept_as_text = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    book = Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss", **kept_as_text})
    book.set_properties({"author": "survey tool", "created": datetime(2024, 10, 1)})
    sheet = book.add_worksheet("Export")
    for number, row in enumerate([tuple(frame.columns), *frame.itertuples(index=False)]):
        for column, cell in enumerate(row):
            if cell is not None and cell == cell:
                sheet.write(number, column, cell)
    book.close()
    return buffer.getvalue()

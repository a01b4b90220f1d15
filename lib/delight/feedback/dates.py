"""Dates and times of day as survey tools write them; whether day or month comes first is decided on the whole column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_MONTHS = {
    **{m: i for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)},
    **{"mrt": 3, "maa": 3, "mei": 5, "maj": 5, "okt": 10, "sept": 9},
}
_YEAR_FIRST = r"^(?P<a>\d{4})-(?P<b>\d{1,2})-(?P<c>\d{1,2})"
_YEAR_LAST = r"^(?P<a>\d{1,2})-(?P<b>\d{1,2})-(?P<c>\d{4}|\d{2})"
_COMPACT = r"^(?P<a>\d{4})(?P<b>\d{2})(?P<c>\d{2})"
_DAY = (
    r"(?:ma(?:andag)?|di(?:nsdag)?|wo(?:ensdag)?|do(?:nderdag)?|vr(?:ijdag)?|za(?:terdag)?|zo(?:ndag)?"
    r"|mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
    r"|man(?:dag)?|tir(?:sdag)?|ons(?:dag)?|tor(?:sdag)?|fre(?:dag)?|lør(?:dag)?|søn(?:dag)?)[.,]?\s+"
)
_TIME = r"(?:[T\s,]\s*(?P<H>\d{1,2})[:.](?P<M>\d{2})(?:[:.](?P<S>\d{2})(?:[.,]\d+)?)?\s*(?P<P>[ap]\.?m\.?)?\s*(?:z|utc|gmt|[a-z]{3,4})?\s*(?:[+-]\d{1,2}:?\d{0,2})?)?\s*$"


@dataclass(frozen=True)
class Dates:
    """Parsed dates: the values, which cells are no date, and how day and month were told apart.

    `order` is ``year``, ``day``, ``month``, ``ambiguous`` (taken as day first), ``serial``, ``typed`` or ``none``.
    """

    values: pd.Series
    bad: np.ndarray
    order: str


def parse(cells):
    """Dates from text, numbers of a spreadsheet's calendar, or dates.

    Parameters
    ----------
    cells : Series
        Missing stays missing.

    Returns
    -------
    Dates
        An order is decided by all cells together: a first number above 12 anywhere means day first everywhere, a second one month
        first. A cell that contradicts the order found is no date. Both numbers never above 12: ambiguous.
    """
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        values = cells.dt.tz_localize(None) if getattr(cells.dtype, "tz", None) is not None else cells
        return Dates(values.astype("datetime64[us]"), np.zeros(len(cells), bool), "typed")
    codes, seen = pd.factorize(cells)
    seen = pd.Series(seen, dtype=object if len(seen) == 0 else None)
    values, bad, order = _in_parts(seen) if len(seen) > 1000 and str(seen.dtype) == "str" else _texts(seen)
    values = np.append(values.to_numpy("datetime64[us]"), np.datetime64("NaT"))
    bad = np.append(bad, False)
    return Dates(pd.Series(values[codes], index=cells.index, name=cells.name), bad[codes], order)


def _in_parts(seen):
    """As `_texts`, with each distinct day and each distinct time of day parsed once."""
    parts = pc.extract_regex(pa.array(seen, pa.large_string()), r"^\s*(?P<day>\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})(?P<time>(?:[T ,].*)?)$")
    split = np.asarray(pc.is_valid(parts))
    if not split.any():
        return _texts(seen)
    (day_codes, days), (time_codes, times) = (
        pd.factorize(pd.Series(pc.struct_field(parts, k).to_pandas(), dtype="str")) for k in ("day", "time")
    )
    rest = seen[~split]
    values, bad, order = _texts(pd.concat([pd.Series(days, dtype="str"), rest], ignore_index=True))
    clock, no_clock, _ = _texts("2000-01-01" + pd.Series(times, dtype="str"))
    clock = (clock - pd.Timestamp("2000-01-01")).to_numpy()
    found, wrong = np.full(len(seen), np.datetime64("NaT", "us"), "datetime64[us]"), np.ones(len(seen), bool)
    found[split] = values.to_numpy()[day_codes[split]] + clock[time_codes[split]]
    wrong[split] = bad[day_codes[split]] | no_clock[time_codes[split]]
    found[~split], wrong[~split] = values.to_numpy()[len(days) :], bad[len(days) :]
    return pd.Series(found), wrong, order


def _texts(seen):
    nothing = pd.Series(pd.NaT, index=seen.index, dtype="datetime64[us]")
    if not len(seen):
        return nothing, np.zeros(0, bool), "none"
    numbers = pd.to_numeric(seen, errors="coerce")
    if numbers.notna().all():
        return _numbers(numbers, seen)
    texts = seen.astype("str").str.strip().str.lower().str.replace(rf"^{_DAY}", "", regex=True)
    named = texts.str.contains(r"[a-zæøå]{3}", regex=True) & texts.str.contains(r"^\d{1,2}[.\s-]|^[a-zæøå]{3,}", regex=True)
    if named.any():
        texts = texts.mask(named, texts[named].map(_month_in_words))
    head = texts.str.extract(r"^([^\sT,t]*)(.*)$")
    texts = head[0].str.replace(r"[/.]", "-", regex=True) + head[1].str.replace(r"^t", " ", regex=True).fillna("")
    found = {}
    for kind, pattern in (("year", _YEAR_FIRST), ("last", _YEAR_LAST), ("year", _COMPACT)):
        parts = texts.str.extract(pattern + _TIME)
        ok = parts["a"].notna().to_numpy()
        found.setdefault(kind, []).append((ok, parts))
    a, b = (np.concatenate([pd.to_numeric(p[k][ok]).to_numpy(float) for ok, p in found["last"]]) for k in "ab")
    order = "year" if not len(a) else "ambiguous"
    if len(a):
        day_first, month_first = (a > 12).sum(), (b > 12).sum()
        if day_first or month_first:
            order = "day" if day_first >= month_first else "month"
    values, bad = nothing.copy(), np.ones(len(seen), bool)
    for kind, pieces in found.items():
        for ok, parts in pieces:
            take = ok & bad
            if take.any():
                names = "ymd" if kind == "year" else ("mdy" if order == "month" else "dmy")
                made = _assemble(parts[take], names)
                values.loc[take] = made.to_numpy()
                bad[take] = made.isna().to_numpy()
    return values, bad, order


def _assemble(parts, names):
    piece = {name: pd.to_numeric(parts[k]) for name, k in zip(names, "abc")}
    year = piece["y"].where(piece["y"] >= 100, piece["y"] + np.where(piece["y"] < 70, 2000, 1900))
    hour = pd.to_numeric(parts["H"]).fillna(0)
    half = parts["P"].astype("str").str.replace(".", "", regex=False)
    hour = hour.where(half != "pm", hour % 12 + 12).where(half != "am", hour % 12)
    frame = pd.DataFrame({"year": year, "month": piece["m"], "day": piece["d"], "hour": hour})
    frame["minute"], frame["second"] = (pd.to_numeric(parts[k]).fillna(0) for k in "MS")
    return pd.to_datetime(frame, errors="coerce").astype("datetime64[us]")


def _numbers(numbers, seen):
    """Days of a spreadsheet's calendar, seconds since 1970, or dates written without a sign (20240301)."""
    nothing = np.zeros(len(seen), bool)
    if ((numbers >= 19000101) & (numbers <= 21001231) & (numbers % 1 == 0)).all():
        values = pd.to_datetime(numbers.astype("int64").astype("str"), format="%Y%m%d", errors="coerce")
        return values.astype("datetime64[us]"), values.isna().to_numpy(), "year"
    if ((numbers > 20000) & (numbers < 80000)).all():
        return (pd.Timestamp("1899-12-30") + pd.to_timedelta(numbers, unit="D")).astype("datetime64[us]").dt.round("s"), nothing, "serial"
    if ((numbers > 6e8) & (numbers < 5e9)).all():
        return pd.to_datetime(numbers, unit="s").astype("datetime64[us]"), nothing, "serial"
    return pd.Series(pd.NaT, index=seen.index, dtype="datetime64[us]"), ~nothing, "none"


def _month_in_words(text):
    """ "12 mrt 2024 10:15" and "mar 12, 2024" as "12-3-2024 10:15"; day first always, since the month is sure (year first to be so)."""
    import re

    match = re.match(r"(\d{1,2})[.\s-]+([a-zæøå]+)[.\s,-]+(\d{4})(.*)$", text) or None
    if match:
        day, month, year, rest = match.groups()
    else:
        match = re.match(r"([a-zæøå]+)[.\s]+(\d{1,2})(?:st|nd|rd|th)?[,\s]+(\d{4})(.*)$", text)
        if not match:
            return text
        month, day, year, rest = match.groups()
    number = _MONTHS.get(month) or _MONTHS.get(month[:3])
    return f"{year}-{number}-{day}{rest}" if number else text

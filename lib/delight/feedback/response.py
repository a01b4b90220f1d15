"""Who answered: responses beside the persons invited and the population, wave by wave, label by label (account of the research)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.estimate import need_columns
from delight.result import Note, Result

METHOD = "M01.response"


def response(frame, *, wave, waves=(), invited=None, population=None, labels=None, total_invited=None, location="location"):
    """Responses of a wave beside the persons invited and the population.

    Parameters
    ----------
    frame : DataFrame, one row a response of any wave; unchanged.
    wave : str
        The wave that `invited` and `population` speak of.
    waves : sequence of str
        Waves whose responses are counted, oldest first.
    invited, population : dict, optional
        Persons by location; a label or the whole has a sum only if all its locations are known.
    labels : dict, optional
        Label by location.
    total_invited : float, optional
        Persons invited in all, where it is not known by location.
    location : str
        Column of locations, if the frame has it.

    Returns
    -------
    Result
        Rows ``by`` (``whole, wave, label, location``), ``group``: ``invited, population, response`` (of those invited, 0-1),
        ``coverage`` (of the population, 0-1), ``n`` responses, ``n_missing, n_eff, status``. More responses than persons invited:
        NaN and ``assumption_warning``. Locations without a response have a row.
    """
    need_columns(frame, ["wave"])
    now = frame[frame["wave"] == wave]
    invited, population, labels = ({str(k): v for k, v in (d or {}).items()} for d in (invited, population, labels))
    rows = [{"by": "whole", "group": "", "n": len(now)}]
    rows += [{"by": "wave", "group": str(w), "n": int((frame["wave"] == w).sum())} for w in waves]
    if location in frame:
        counts = now[location].dropna().astype(str).value_counts()
        places = sorted({*counts.index, *invited, *population, *labels})
        members = {"": places}
        for place in places:
            if labels.get(place):
                members.setdefault(labels[place], []).append(place)
        for label in sorted(k for k in members if k):
            rows.append({"by": "label", "group": label, "n": int(counts.reindex(members[label]).fillna(0).sum())})
        rows += [{"by": "location", "group": p, "n": int(counts.get(p, 0))} for p in places]
    else:
        places, members = [], {"": []}
    for row in rows:
        mine = {"whole": places, "label": members.get(row["group"], []), "location": [row["group"]]}.get(row["by"], [])
        row["invited"], row["population"] = _sum(invited, mine), _sum(population, mine)
        if row["by"] == "whole" and np.isnan(row["invited"]) and total_invited:
            row["invited"] = float(total_invited)
        for share, base in (("response", "invited"), ("coverage", "population")):
            row[share] = row["n"] / row[base] if row[base] > 0 else np.nan
        row["status"] = "ok"
        if max(np.nan_to_num(row["response"]), np.nan_to_num(row["coverage"])) > 1:
            row |= {"status": "assumption_warning"}
            row |= {k: np.nan for k in ("response", "coverage") if row[k] > 1}
        row |= {"n_missing": 0, "n_eff": float(row["n"])}
    table = pd.DataFrame(rows)
    over = table[(table["status"] == "assumption_warning") & (table["by"] == "location")]
    notes = [Note("more_answers_than_persons", {"n": len(over)})] if len(over) else []
    about = {"n_in": len(frame), "n_used": len(now), "wave": wave}
    return Result.of(METHOD, table, function="delight.feedback.response.response", notes=notes, status="ok", **about)


def _sum(known, places):
    """Total over places, NaN unless every one is known."""
    values = [known.get(p) for p in places]
    return float(sum(values)) if values and all(v is not None and pd.notna(v) for v in values) else np.nan

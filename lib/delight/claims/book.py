"""The whole ledger tested on one survey, and what its answers say where the sources contradict each other (M36)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.claims import estimands
from delight.claims.evidence import Unknown
from delight.claims.ledger import read
from delight.claims.verdicts import VERDICTS, judge
from delight.result import Result

HOLDS = ("supported", "supported_size_open", "consistent")
FAILS = ("contradicted", "null", "differs_here")


def assess(survey, *, ledger=None, topics=None, only=None):
    """Test every claim of the ledger on a survey.

    Parameters
    ----------
    survey : Survey
    ledger : Ledger, optional
        Default: the ledger that is shipped.
    topics : collection of str, optional
        Recommendations that this report makes (`ledger.TOPICS`): claims they lean on are marked in ``in_report``. Default: all.
    only : collection of str, optional
        Ids of claims; the correction for multiplicity is then over these alone.

    Returns
    -------
    Result
        One row a claim, as `verdicts.judge` gives them, with ``unit``, ``sourced``, ``topics`` (parts separated by ", ") and
        ``in_report``. ``meta``: ``totals``, verdict → number of claims.

    Notes
    -----
    Margins are the ledger's and no parameter: they were fixed before the data were seen. Claims that a survey of this kind cannot tell
    are ``not_testable``, with the questions that are missing.
    """
    ledger = ledger or read()
    claims = [c for c in ledger.claims if only is None or c.id in only]
    evidence = {c.id: gather(c, survey) for c in claims}
    table = judge(claims, evidence)
    by_id = {c.id: c for c in claims}
    listed = [by_id[i] for i in table["claim_id"]]
    table["unit"] = [c.unit for c in listed]
    table["sourced"] = [c.sourced for c in listed]
    table["topics"] = [", ".join(c.bears_on) for c in listed]
    decided = ~table["verdict"].isin(["not_testable", "insufficient", "not_identified"])
    leans = [bool(c.bears_on) and (topics is None or not set(topics).isdisjoint(c.bears_on)) for c in listed]
    table["in_report"] = decided & np.array(leans, dtype=bool)
    known = table["verdict"].value_counts()
    totals = {v: int(known[v]) for v in VERDICTS if v in known}
    authors = {v: _voices(table[table["verdict"].isin(kinds)]) for v, kinds in (("hold", HOLDS), ("fail", FAILS))}
    n = len(survey.frame)
    return Result.of(
        "M36",
        table,
        function="delight.claims.book.assess",
        n_in=n,
        n_used=n,
        n_dropped_missing=0,
        n_eff=float(n),
        totals=totals,
        authors=authors,
        topics=sorted(topics) if topics is not None else None,
        seed=survey.seed,
        ci_level=0.95,
        keys=["claim_id"],
    )


def gather(claim, survey):
    """Evidence on one claim: its test run on the survey, or why there is none."""
    if claim.kind == "not_testable":
        return Unknown(status="not_testable")
    lacks = survey.lacks(claim)
    if lacks:
        return Unknown(status="not_testable", missing=tuple(" or ".join(choice) for choice in lacks))
    return getattr(estimands, claim.test)(survey, claim)


def _voices(table):
    """Independent authors and how many claims each."""
    found = {}
    for authors in table["author"]:
        for author in authors.split(", "):
            found[author] = found.get(author, 0) + 1
    return found


def conflicts(tested, *, ledger=None):
    """Where sources contradict each other: which side this survey prefers.

    Parameters
    ----------
    tested : Result
        Of `assess`.

    Returns
    -------
    Result
        One row a conflict and side: ``conflict, side`` (from 1), ``claims, verdicts`` (parts separated by ", "), ``estimate, ci95_lo,
        ci95_hi, n``, ``preferred`` (this side is), ``outcome``: ``preferred`` (one side), ``both`` (they do not exclude
        each other here), ``neither``, ``undecided`` or ``not_testable``.

    Notes
    -----
    ``value``: the sides name values of one estimand; the nearer one is preferred if the 95 % interval lies on its side of the middle.
    ``verdicts``: a side holds if all its claims do, and fails if one of them does; it is preferred if it holds and no other side does, all having been tested
    (``not A01`` holds where A01 fails). No side that holds and none left undecided: neither.
    """
    ledger = ledger or read()
    rows = tested.table.set_index("claim_id")
    out = []
    for conflict in ledger.conflicts:
        if any(c.removeprefix("not ") not in rows.index for side in conflict.sides for c in side.claims):
            continue
        settle = _nearer if conflict.rule == "value" else _holding
        outcome, preferred = settle(conflict, rows, ledger)
        for number, side in enumerate(conflict.sides):
            own = rows.loc[[c.removeprefix("not ") for c in side.claims]]
            out.append(
                {
                    "conflict": conflict.id,
                    "side": number + 1,
                    "claims": ", ".join(side.claims),
                    "verdicts": ", ".join(own["verdict"]),
                    **own.iloc[0][["estimate", "ci95_lo", "ci95_hi", "n", "n_missing", "n_eff"]].to_dict(),
                    "preferred": number == preferred,
                    "outcome": outcome,
                    "status": "ok" if outcome != "not_testable" else "not_identified",
                }
            )
    columns = ["conflict", "side", "claims", "verdicts", "estimate", "ci95_lo", "ci95_hi", "preferred", "outcome"]
    table = pd.DataFrame(out, columns=[*columns, "n", "n_missing", "n_eff", "status"])
    meta = {k: tested.meta.get(k) for k in ("n_in", "n_used", "n_dropped_missing", "n_eff", "ci_level")}
    return Result.of("M36.conflicts", table, function="delight.claims.book.conflicts", keys=["conflict", "side"], **meta)


def _nearer(conflict, rows, ledger):
    """(outcome, place of the preferred side or None) of sides that name values of one estimand."""
    first = rows.loc[conflict.sides[0].claims[0]]
    if not np.isfinite(first["estimate"]):
        return "not_testable", None
    values = [ledger.claim(side.claims[0]).published for side in conflict.sides]
    near = int(np.argmin(np.abs(np.array(values) - first["estimate"])))
    low = max([(v + values[near]) / 2 for v in values if v < values[near]], default=-np.inf)
    high = min([(v + values[near]) / 2 for v in values if v > values[near]], default=np.inf)
    clear = first["ci95_lo"] > low and first["ci95_hi"] < high
    return ("preferred", near) if clear else ("undecided", None)


def _holding(conflict, rows, ledger):
    """(outcome, place of the preferred side or None) of sides that rest on verdicts."""

    def state(claim):
        verdict = rows.at[claim.removeprefix("not "), "verdict"]
        turned = claim.startswith("not ")
        if verdict in HOLDS:
            return "fails" if turned else "holds"
        if verdict in FAILS:
            return "holds" if turned else "fails"
        return "unknown" if verdict in ("not_testable", "insufficient", "not_identified") else "open"

    sides = []
    for side in conflict.sides:
        states = {state(c) for c in side.claims}
        sides.append("fails" if "fails" in states else "unknown" if "unknown" in states else "open" if "open" in states else "holds")
    if all(s == "unknown" for s in sides):
        return "not_testable", None
    if sides.count("holds") > 1:
        return "both", None
    if sides.count("holds") == 1 and "unknown" not in sides:
        return "preferred", sides.index("holds")
    return ("neither" if all(s == "fails" for s in sides) else "undecided"), None

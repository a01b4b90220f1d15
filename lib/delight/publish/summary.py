"""The message on one page (chapter 99): what the finished chapters found, gathered from their tables as a client may see them.

Every function takes the opened chapter and answers with a result, also where a chapter was skipped: then the table is empty and the
view says what is absent. Nothing is computed anew.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from delight.result import Note, Result

#: Level below which a corrected p counts as a change.
ALPHA = 0.05
#: Aspects named in each block of action, and wishes of each segment.
MOST, WISHES = 3, 2
#: A wish marks a segment out from this many person-sd above the mean.
WISH = 0.3
#: Answers a share of the invited below which non-response is named among the limits.
LOW_RESPONSE = 0.3


def find(here, *names, function=""):
    """The client's result of the first table that exists: by name, else by the function that made it; None without one."""
    for name in names:
        if here.exists(name):
            return here.saved(name).client
    for path in sorted((here.folder / "tables").glob("*.json")) if function else ():
        if json.loads(path.read_text(encoding="utf-8"))["meta"].get("function") == function:
            return here.saved(path.name.removesuffix(".json")).client
    return None


def _whole(result):
    """The row of everybody; None if there is none or it holds nothing."""
    if result is None or "by" not in result.table:
        return None
    rows = result.table[result.table["by"] == "whole"]
    return rows.iloc[0] if len(rows) else None


def _result(name, rows, columns, *, notes=(), like=None, **meta):
    """A result of this chapter, with the counts and settings of the one it mainly rests on."""
    table = pd.DataFrame(rows, columns=None if rows else [*columns, "n", "n_missing", "n_eff", "status"])
    kept = {k: like.meta[k] for k in ("ci_level", "weights", "n_used", "n_dropped_missing", "n_eff") if like is not None and k in like.meta}
    method = like.meta["method"] if like is not None else f"summary.{name}"
    return Result.of(method, table, function=f"delight.publish.summary.{name}", notes=notes, **{**kept, **meta})


def _counts(row):
    return {c: row.get(c, np.nan) for c in ("n", "n_missing", "n_eff")} | {"status": row.get("status", "ok")}


def key_figures(here):
    """Grade, net promoter score, share delighted and response.

    Returns
    -------
    Result
        One row a figure: ``measure`` (``mean, nps, share_delighted, response``), ``value, lo, hi, of`` (number invited, for the
        response), ``n, n_missing, n_eff, status``.
    """
    rows, levels = [], find(here, "satisfaction.levels")
    everybody, promoters = _whole(levels), find(here, "satisfaction.nps")
    if everybody is not None:
        rows.append(_figure("mean", everybody, "mean", "ci_lo", "ci_hi"))
    score = _whole(promoters)
    if score is not None:
        rows.append(_figure("nps", score, "nps", "ci_lo", "ci_hi"))
    if everybody is not None and not pd.isna(everybody["share_delighted"]):
        rows.append(_figure("share_delighted", everybody, "share_delighted", "share_delighted_lo", "share_delighted_hi"))
    invited, answered = _response(here)
    if answered:
        share = answered / invited if invited else np.nan
        counts = {"n": answered, "n_missing": 0, "n_eff": float(answered), "status": "ok"}
        rows.append({"measure": "response", "value": share, "lo": np.nan, "hi": np.nan, "of": invited or np.nan, **counts})
    about = {"scale": (levels.meta.get("scale") if levels is not None else None), "delight_from": here.delight_from}
    about["nps_like"] = bool(promoters is not None and promoters.note("nps_like"))
    about["role"] = here.study.outcome_role
    return _result("key_figures", rows, ["measure", "value", "lo", "hi", "of"], like=levels, **about)


def _figure(measure, row, value, lo, hi):
    return {"measure": measure, "value": row[value], "lo": row[lo], "hi": row[hi], "of": np.nan, **_counts(row)}


def _response(here):
    """Persons invited (None where nobody says it) and answers of the focus wave."""
    found = find(here, "feedback.response")
    row = _whole(found)
    if row is not None and "invited" in row and not pd.isna(row["invited"]):
        return float(row["invited"]), int(row["n"])
    answered = len(here.responses())
    invited = (here.study.fieldwork or {}).get("invited") if here.wave == here.study.newest_wave and not here.location else None
    return (float(invited) if invited and invited >= answered else None), answered


def changes(here):
    """What changed since the wave before.

    Returns
    -------
    Result
        Rows ``measure, wave, previous, value, before, change, change_lo, change_hi, p_adj, mdc, changed`` (corrected p below .05),
        ``n, n_missing, n_eff, status``; none for a first wave.
    """
    waves, rows = find(here, "satisfaction.waves"), []
    if waves is not None and {"measure", "group", "change"} <= set(waves.table):
        table = waves.table
        for row in table[(table["group"].astype(str) == here.wave) & table["change"].notna()].to_dict("records"):
            before = table[(table["measure"] == row["measure"]) & (table["group"] == row["previous"])]
            kept = {k: row.get(k, np.nan) for k in ("measure", "previous", "value", "change", "change_lo", "change_hi", "p_adj", "mdc")}
            kept["before"] = before["value"].iloc[0] if len(before) else np.nan
            rows.append({**kept, "wave": here.wave, "changed": bool(row["p_adj"] < ALPHA), **_counts(row)})
    columns = ["measure", "wave", "previous", "value", "before", "change", "change_lo", "change_hi", "p_adj", "mdc", "changed"]
    return _result("changes", rows, columns, like=waves, scale=waves.meta.get("scale") if waves is not None else None)


def customers(here):
    """Which groups of customers there are.

    Returns
    -------
    Result
        One row a segment, largest first: ``segment, share, share_lo, share_hi, archetype, named, wishes`` (needs that mark it out,
        joined by a bar), ``n, n_missing, n_eff, status``. Status and notes are the segmentation's.
    """
    found = find(here, "segments.segments")
    profile = find(here, "segments.profile")
    columns = ["segment", "share", "share_lo", "share_hi", "archetype", "named", "wishes"]
    if found is None:
        return _result("customers", [], columns, notes=[Note("not_asked", {"roles": ["need"]})])
    rows = []
    for row in found.table.to_dict("records"):
        kept = {c: row.get(c) for c in columns if c != "wishes"}
        rows.append({**kept, "wishes": "|".join(_wishes(profile, row["segment"])), **_counts(row)})
    rows = [row for row in rows if row["segment"]]
    keep = {k: found.meta[k] for k in ("keys", "k", "solution") if k in found.meta}
    result = _result("customers", rows, columns, notes=found.notes, like=found, **keep)
    return result.with_table(result.table, status=found.status if not rows else result.status)


def _wishes(profile, segment):
    """The foremost needs that this segment has clearly more than others."""
    if profile is None or "profile" not in profile.table:
        return []
    mine = profile.table[(profile.table["segment"] == segment) & (profile.table["profile"] >= WISH) & (profile.table["profile_lo"] > 0)]
    return list(mine.sort_values("profile", ascending=False)["item"].head(WISHES))


#: Kinds of loyalty, the one the page speaks of first.
LOYALTY = ("recommend", "repurchase", "stayed", "churned")


def binding(here):
    """What satisfaction does for loyalty: its level at a 7, 8 and 9, and the verdict on the 8.5 rule.

    Returns
    -------
    Result
        Rows ``outcome_role, outcome, grade, mean, ci_lo, ci_hi, n, n_missing, n_eff, status`` at 7, 8 and 9 for every kind of loyalty
        asked, in the order of `LOYALTY`; on a scale without them at the lowest delighted grade and the one below. Meta ``outcomes``: a list
        of ``role, outcome, verdict, n_needed, n_used, binary, scale, grades``. Empty where loyalty was not asked.
    """
    columns = ["outcome_role", "outcome", "grade", "mean", "ci_lo", "ci_hi"]
    found = find(here, "loyalty.rule", function="delight.loyalty.threshold.rule")
    if found is None:
        loyal = any(here.has(role) for role in LOYALTY)
        return _result("binding", [], columns, notes=[Note("not_asked", {"roles": ["overall"] if loyal else list(LOYALTY[:3])})])
    asked = found.meta.get("outcomes") or {found.meta["outcome"]: found.meta}
    about = [{k: m.get(k) for k in ("role", "verdict", "n_needed", "n_used", "binary", "scale")} | {"outcome": o} for o, m in asked.items()]
    place = {role: i for i, role in enumerate(LOYALTY)}
    about.sort(key=lambda one: place.get(one["role"], len(place)))
    table = found.table if "outcome" in found.table else found.table.assign(outcome=found.meta["outcome"], outcome_role="")
    rows, curve = [], find(here, "loyalty.curve", function="delight.loyalty.curve.curve")
    for one in about:
        one["grades"], source = [7, 8, 9], table
        if one["verdict"] == "not_identified":
            one["grades"], source = _around_delight(here), curve.table if curve is not None and "outcome" in curve.table else table
        mine = source[(source["outcome"] == one["outcome"]) & source["grade"].isin(one["grades"])]
        rows += [{c: row.get(c, np.nan) for c in columns} | _counts(row) for row in mine.to_dict("records")]
    return _result("binding", rows, columns, notes=found.notes, like=found, outcomes=about, keys=["outcome_role"])


def _around_delight(here):
    """The lowest delighted grade and the one below it; none for a yes-or-no question."""
    scale, start = here.study.scale("overall"), here.delight_from
    return [] if start is None or scale is None or (scale.min, scale.max) == (0, 1) else [start - (scale.step or 1), start]


def priorities(here):
    """What to fix first, to improve and to delight with: the foremost aspects of each block.

    Returns
    -------
    Result
        Rows in order of action: ``attribute, block, impact_class, performance, performance_lo, performance_hi, gain, gain_lo,
        gain_hi`` (delighted customers per 100), ``share, n, n_missing, n_eff, status``; meta ``drivers`` (how many there are),
        ``undistinguished`` and ``by_block`` (how many of each).
    """
    columns = ["attribute", "block", "impact_class", "performance", "performance_lo", "performance_hi", "gain", "gain_lo", "gain_hi"]
    found = find(here, "drivers.priorities", function="delight.drivers.priorities.priorities")
    if found is None:
        return _result("priorities", [], columns, notes=[Note("not_asked", {"roles": ["attribute"]})])
    table = found.table
    rows = []
    for block in ("fix_first", "improve", "delight_with"):
        inside = table[(table["block"] == block) & (table["status"] != "suppressed")]
        for row in inside.head(MOST).to_dict("records"):
            rows.append({c: row.get(c) for c in [*columns, "share"]} | _counts(row))
    about = {
        "drivers": len(table),
        "undistinguished": int((table["impact_class"] == "undistinguished").sum()),
        "unknown": int((table["block"] == "unknown").sum()),
        "by_block": table["block"].value_counts().to_dict(),
        "raise_points": found.meta.get("raise_points"),
        "delight_from": found.meta.get("delight_from"),
        "scale": found.meta.get("scale"),
    }
    return _result("priorities", rows, columns, notes=found.notes, like=found, **about)


def limits(here, *, key, since, groups, bonds, actions):
    """What the data cannot say, from the other results of this chapter.

    Parameters
    ----------
    here : Chapter
    key, since, groups, bonds, actions : Saved
        `key_figures`, `changes`, `customers`, `binding`, `priorities` as saved.

    Returns
    -------
    Result
        One row a limit: ``code, count``; the values of each in the notes of the same codes, in the same order.
    """
    notes = []
    response = key.result.table[key.result.table["measure"] == "response"]
    if len(response) and pd.isna(response["value"].iloc[0]):
        notes.append(Note("response_unknown", {"n": int(response["n"].iloc[0])}))
    elif len(response) and response["value"].iloc[0] < LOW_RESPONSE:
        notes.append(Note("low_response", {"share": float(response["value"].iloc[0])}))
    if any(key.result.table["status"] == "low_base"):
        notes.append(Note("low_base", {"n": int(key.result.table["n"].min())}))
    if not len(since.result.table):
        notes.append(Note("no_earlier_wave", {}))
    elif not since.result.table["changed"].any():
        means = since.result.table[(since.result.table["measure"] == "mean") & since.result.table["mdc"].notna()]
        share = (since.result.meta.get("scale") or {}).get("max") == 1
        notes += [Note("small_changes_unseen", {"mdc": float(m)}) for m in means["mdc"].head(1) if not share]
    notes += _segment_limits(groups.result)
    notes += _loyalty_limits(bonds.result)
    notes += _driver_limits(actions.result)
    if len(bonds.result.table) or len(actions.result.table):
        notes.append(Note("association", {}))
    rows = [{"code": n.code, "count": i, "n": np.nan, "n_missing": np.nan, "n_eff": np.nan} for i, n in enumerate(notes, 1)]
    return _result("limits", rows, ["code", "count"], notes=notes, counts_only=True)


def _segment_limits(found):
    if found.note("not_asked"):
        return [Note("not_asked", {"roles": ["need"]})]
    notes = [Note(n.code, n.values) for n in found.notes if n.code == "response_style"]
    if found.status == "not_identified" or not len(found.table):
        notes.append(Note("no_segments", {}))
    elif not found.table["named"].fillna(False).astype(bool).all():
        notes.append(Note("unnamed_segments", {"count": int((~found.table["named"].fillna(False).astype(bool)).sum())}))
    return notes


def _loyalty_limits(found):
    if found.note("not_asked"):
        return [Note("not_asked", {"roles": found.note("not_asked").values["roles"]})]
    notes, outcomes = [], found.meta["outcomes"]
    unsettled = [one for one in outcomes if one["verdict"] in ("inconclusive", "insufficient")]
    if unsettled:
        needed = [one["n_needed"] for one in unsettled if one["n_needed"] and one["n_needed"] > (one["n_used"] or 0)]
        values = {"roles": [one["role"] for one in unsettled], "outcomes": [one["outcome"] for one in unsettled]}
        notes.append(Note("rule_open", {**values, "needed": max(needed) if needed else None}))
    if outcomes and all(one["verdict"] == "not_identified" for one in outcomes):
        notes.append(Note("rule_not_identified", {}))
    return notes


def _driver_limits(found):
    if found.note("not_asked"):
        return [Note("not_asked", {"roles": ["attribute"]})]
    notes = []
    if found.meta.get("undistinguished"):
        notes.append(Note("undistinguished", {"count": found.meta["undistinguished"], "drivers": found.meta["drivers"]}))
    if found.meta.get("unknown"):
        notes.append(Note("unclassified", {"count": found.meta["unknown"], "drivers": found.meta["drivers"]}))
    return notes

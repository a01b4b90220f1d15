"""What a location report shows: the location's own rows of the whole's finished tables, as a client may see them.

Every table is cut from the suppressed table of the whole, so a location report can show nothing that the whole hides.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.feedback import privacy, quotes
from delight.feedback.persons import without_first_names
from delight.result import Result

_FUNCTION = "delight.publish.local"
#: What the organisation knows of an experience; it stays where the location's own figures are hidden.
OF_ALL = ("impact_class", "block", "all", "scale_min", "scale_max", "order")
#: Columns about the rest of the label in a location's row, and what they are called in a row of their own.
_OF_REST = {"rest_of_label": "pooled", "rest_lo": "lo", "rest_hi": "hi", "rest_n": "n"}


def label(here):
    """Label of the location, or ""."""
    return here.study.design().labels.get(here.location) or ""


def shown(here):
    """Whether the plan lets this location show figures of its own."""
    return here.plan.shown("location", here.location, here.wave)


def response(here):
    """Who answered: the location, its label and the organisation, as `feedback.response` counts them.

    Returns
    -------
    Result
        Rows ``by`` (``location, label, organisation``), ``group, n, invited, population, response, coverage, status``.
    """
    found = _client(here, "feedback.response")
    rows = [(("location", here.location), "location"), (("label", label(here)), "label"), (("whole", ""), "organisation")]
    table = pd.concat([_row(found.table, *key).assign(by=by) for key, by in rows], ignore_index=True)
    return _result("response", table, here)


def grade(here):
    """The grade of the location, raw and pooled side by side (M42), with the rest of its label, the label and the organisation.

    Returns
    -------
    Result
        Rows ``by`` (``location, rest, label, organisation``), ``group, n, mean, ci_lo, ci_hi`` (raw), ``pooled, lo, hi, shrinkage, flag``,
        ``share, share_lo, share_hi`` (pooled share of delighted customers; of label and organisation as found), ``share_raw, status``.
    """
    levels = _client(here, "satisfaction.levels")
    about = {k: levels.meta.get(k) for k in ("y", "scale", "ci_level", "delight_from")}
    raw = {"raw": "mean", "raw_lo": "ci_lo", "raw_hi": "ci_hi"}
    mine = _row(_client(here, "satisfaction.locations").table, "location", here.location).rename(columns=raw)
    shares = _client(here, "satisfaction.location_shares").table if here.exists("satisfaction.location_shares") else None
    if shares is not None:
        own = _row(shares, "location", here.location).iloc[:1]
        about |= {"shares": True}
        for new, old in {"share": "pooled", "share_lo": "lo", "share_hi": "hi", "share_raw": "raw"}.items():
            mine[new] = own[old].to_numpy() if len(own) == len(mine) else np.nan
    rest = mine.reindex(columns=["status", *_OF_REST]).rename(columns=_OF_REST).assign(by="rest", group=here.location)
    share = {"share_delighted": "share", "share_delighted_lo": "share_lo", "share_delighted_hi": "share_hi"}
    wide = [
        _row(levels.table, by, group).assign(by=name)
        for by, group, name in (("label", label(here), "label"), ("whole", "", "organisation"))
    ]
    table = pd.concat([mine, rest, *[row.rename(columns=share) for row in wide]], ignore_index=True)
    columns = ["by", "group", "n", "mean", "ci_lo", "ci_hi", "pooled", "lo", "hi", "shrinkage", "flag"]
    columns += ["share", "share_lo", "share_hi", "share_raw", "status"]
    return _result("grade", table.reindex(columns=columns), here, **about)


def parts(here):
    """Every part of the service: the organisation's class and grade, and the location's grade, raw and pooled.

    Returns
    -------
    Result
        Rows ``attribute``: ``impact_class, block, order`` (place in the organisation's priorities), ``all`` (grade over all locations),
        ``n, mean, ci_lo, ci_hi`` (raw), ``pooled, lo, hi, shrinkage, rest_of_label, diff_rest, diff_rest_lo, diff_rest_hi, flag,
        status``, in the order of priorities.
    """
    asked = _client(here, "satisfaction.attributes").table if here.exists("satisfaction.attributes") else pd.DataFrame()
    if asked.empty:  # no attribute was asked for
        return _result("parts", pd.DataFrame(columns=["attribute", "impact_class", "flag", "status"]), here)
    graded = asked.rename(columns={"mean": "all"})
    table = graded[["attribute", "all", "scale_min", "scale_max"]]
    if here.exists("drivers.priorities"):
        table = table.merge(
            _client(here, "drivers.priorities").table[["attribute", "impact_class", "block", "order"]], on="attribute", how="left"
        )
    else:
        table = table.assign(impact_class="", block="", order=np.arange(1.0, len(table) + 1))
    raw = {"raw": "mean", "raw_lo": "ci_lo", "raw_hi": "ci_hi"}
    kept = ["n", "mean", "ci_lo", "ci_hi", "pooled", "lo", "hi", "shrinkage", "rest_of_label", "diff_rest", "diff_rest_lo", "diff_rest_hi"]
    kept += ["flag", "status"]
    if here.exists("satisfaction.local"):
        mine = _row(_client(here, "satisfaction.local").table, "location", here.location).rename(columns=raw)
        table = table.merge(mine.reindex(columns=["attribute", *kept]), on="attribute", how="left")
    table = table.reindex(columns=["attribute", *OF_ALL, *kept])
    table["status"] = table["status"].fillna("insufficient")
    table["by"], table["group"] = "location", here.location
    table = table.sort_values("order", kind="stable")
    return _result("parts", table.reset_index(drop=True), here, keys=list(OF_ALL))


def question(here, parts):
    """One question for the team's next talk, chosen by rule.

    Parameters
    ----------
    here : Chapter
    parts : Result
        As `parts` gives it.

    Returns
    -------
    Result
        One row ``attribute, impact_class, flag``: a part that clearly falls short here (basics first), else one that clearly stands out,
        else the organisation's first priority; an empty attribute where nothing was asked about parts, or nothing is known of them.
    """
    table = parts.table
    if not (table["flag"].isin(["below", "above"]) | (table["impact_class"].fillna("") != "")).any():
        return _result("question", pd.DataFrame([{"attribute": "", "impact_class": "", "flag": ""}]), here)
    chosen = first_to_ask(table)
    return _result("question", pd.DataFrame([chosen]).assign(status="ok"), here, keys=["impact_class", "flag"])


def first_to_ask(parts):
    """``attribute, impact_class, flag`` of the part to talk about: below its label and basic, below, above, then by priority."""
    flag = parts["flag"].astype(object).where(parts["flag"].notna(), "")
    rank = flag.map({"below": 1, "above": 2}).fillna(3).where(~((flag == "below") & (parts["impact_class"] == "basis")), 0)
    chosen = parts.assign(flag=flag, rank=rank).sort_values(["rank", "order"], kind="stable").iloc[0]
    return chosen[["attribute", "impact_class", "flag"]].to_dict()


def said(here, n=3):
    """Comments of the location's customers, scrubbed, without first names, chosen by `feedback.quotes`; none where the plan hides the location.

    Returns
    -------
    Result
        Rows ``location, number, quote``.
    """
    columns = here.columns("comment")
    found = []
    if shown(here) and columns:
        frame = here.responses()
        comment = frame[columns].bfill(axis=1).iloc[:, 0] if len(columns) > 1 else frame[columns[0]]
        comment = without_first_names(comment, keep=[here.location, label(here), here.words.location(here.location)])
        found = quotes.choose(comment, frame[here.study.outcome], n=n)
    rows = [{"location": here.location, "number": i, "quote": text} for i, text in enumerate(found, 1)]
    return _result("quotes", pd.DataFrame(rows, columns=["location", "number", "quote"]).assign(status="ok"), here)


def _client(here, name):
    """A table of the whole as a client may see it, without locations of other labels: they are hidden or shown by themselves."""
    result = here.read(name)
    labels, table = here.study.design().labels, result.table
    if "by" in table:
        near = {place for place in {here.location, *labels} if (labels.get(place) or "") == label(here)}
        table = table[(table["by"] != "location") | table["group"].isin(near)].reset_index(drop=True)
    return privacy.suppress(result.with_table(table), here.plan, wave=here.wave)


def _row(table, by, group):
    """The rows about one group."""
    return table[(table["by"] == by) & (table["group"].astype(str) == group)].reset_index(drop=True)


def _result(name, table, here, **about):
    status = "suppressed" if len(table) and not shown(here) else None
    return Result.of(f"location.{name}", table, function=f"{_FUNCTION}.{name}", status=status, wave=here.wave, label=label(here), **about)

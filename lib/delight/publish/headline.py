"""The first numbers of a report, for the overview of a batch: from its finished tables, as a client may see them."""

from __future__ import annotations

from delight.result import plain

#: Name of the number: its table, the columns of value and limits.
_NUMBERS = {
    "mean": ("satisfaction.levels", "mean", "ci_lo", "ci_hi"),
    "delighted": ("satisfaction.levels", "share_delighted", "share_delighted_lo", "share_delighted_hi"),
    "nps": ("satisfaction.nps", "nps", "ci_lo", "ci_hi"),
}
#: The same of one location, pooled (M42).
_LOCAL = {
    "mean": ("location.grade", "pooled", "lo", "hi"),
    "delighted": ("location.grade", "share", "share_lo", "share_hi"),
}


def headline(content):
    """Answers, mean grade, share of delighted and net promoter score with their intervals.

    Parameters
    ----------
    content : Content
        A finished run.

    Returns
    -------
    dict
        ``n`` and for each of ``mean, delighted, nps`` a list of value, lowest and highest; a number that the report does not have or
        that suppression hides is absent. Of one location the mean and share are the pooled ones (M42).
    """
    location = content.about["location"]
    found = {}
    for name, (table, *columns) in (_LOCAL if location else _NUMBERS).items():
        row = _row(content, table, location)
        if row is None or row.get("status") == "suppressed":
            continue
        values = [plain(row.get(column)) for column in columns]
        if values[0] is not None:
            found[name] = values
            found.setdefault("n", plain(row.get("n")))
    return found


def _row(content, table, location):
    """The row of the whole, or of one location, of a table as a client may see it; None without it."""
    if not content.has(table):
        return None
    frame = content.result(table).table
    if not {"by", "group"} <= set(frame):
        return None if location or len(frame) != 1 else frame.iloc[0]
    wanted = (frame["by"] == "location") & (frame["group"].astype(str) == location) if location else frame["by"] == "whole"
    return frame[wanted].iloc[0] if wanted.any() else None

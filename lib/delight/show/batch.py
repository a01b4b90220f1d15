"""Words of the overview of a batch."""

from __future__ import annotations

from delight.show.words import NO_VALUE


def texts(words, *, name, outcomes, started, seconds, version, to_do=0):
    """Every sentence and heading of the overview that does not depend on a single report.

    Parameters
    ----------
    words : Words
    name : str
        Of the batch.
    outcomes : list of Outcome
    started : datetime
    seconds : float
        It took so far.
    version : str
    to_do : int
        Reports that are still to be made: the batch runs, or was interrupted.

    Returns
    -------
    dict of str to str
    """
    _ = words.gettext
    failed = sum(not o.complete for o in outcomes)
    head = words.ngettext("{n} report", "{n} reports", len(outcomes)).format(n=words.number(len(outcomes)))
    if failed:
        state = words.ngettext("{n} of them failed.", "{n} of them failed.", failed).format(n=words.number(failed))
    else:
        state = _("All are complete.") if not to_do else ""
    more = words.ngettext(
        "{n} report is still to be made; the same command goes on where it stopped.",
        "{n} reports are still to be made; the same command goes on where it stopped.",
        to_do,
    ).format(n=words.number(to_do))
    return {
        "title": _("Reports: {name}").format(name=name),
        "summary": " ".join(part for part in (f"{head}.", state, more if to_do else "") if part),
        "when": _("Begun on {date}; took {time}.").format(date=words.date(started), time=duration(words, seconds)),
        "filter": _("Show only rows with"),
        "sort": _("Press a heading to sort by it."),
        "numbers": _(
            "Numbers as the reports show them, with their intervals; a dash where a number was not asked for or a group is too small to show. "
            "The mean and share of a location are pooled with the other locations."
        ),
        "ledger": _("The same as a table: ledger.parquet"),
        "made": _("Made with the Delight Workbook, version {version}.").format(version=version),
    }


def headings(words):
    """Headings of the columns, by key."""
    _ = words.gettext
    return {
        "study": _("Study"),
        "wave": _("Wave"),
        "location": _("Location"),
        "n": _("Answers"),
        "mean": _("Mean grade"),
        "delighted": _("Delighted"),
        "nps": _("NPS"),
        "status": _("Status"),
        "seconds": _("Time"),
        "warnings": _("Remarks"),
        "files": _("Report"),
    }


def status(words, outcome):
    """What became of a report, in a word or two."""
    _ = words.gettext
    return {
        "made": _("made"),
        "rendered": _("language or format added"),
        "unchanged": _("unchanged"),
        "failed": _("failed"),
        "left_out": _("not made"),
    }[outcome.status]


def place(words, outcome):
    """Where a report failed; empty if that is unknown."""
    _ = words.gettext
    if not outcome.chapter:
        return ""
    if outcome.cell is None:
        return _("Chapter {chapter}").format(chapter=outcome.chapter)
    return _("Chapter {chapter}, cell {cell}").format(chapter=outcome.chapter, cell=outcome.cell)


def alone(words):
    """What stands before the command that makes a failed report alone."""
    return words.gettext("To make this report alone:")


def whole(words):
    """The location of a report that is about all of them."""
    return words.gettext("The whole organisation")


def number(words, key, values):
    """A headline number and its interval as text: (value, interval); a dash without one."""
    show = {"mean": words.grade, "delighted": words.percent, "nps": words.points}[key]
    if not values:
        return NO_VALUE, ""
    value, low, high = values
    return show(value), words.interval(low, high, show) if low is not None and high is not None else ""


def duration(words, seconds):
    """A time such as "2 min 5 s"."""
    _, seconds = words.gettext, round(seconds)
    if seconds < 60:
        return _("{seconds} s").format(seconds=seconds)
    if seconds < 3600:
        return _("{minutes} min {seconds} s").format(minutes=seconds // 60, seconds=seconds % 60)
    return _("{hours} h {minutes} min").format(hours=seconds // 3600, minutes=seconds % 3600 // 60)


def language_name(words, language):
    """A report's language, in the language of the overview."""
    return words.locale.languages.get(language, language)

"""Words of the spreadsheet: headings, states of results, and names for the columns of results that no table of the report shows."""

from __future__ import annotations

from numbers import Number

from delight.result import STATUSES
from delight.show import report
from delight.show.drivers import class_word
from delight.show.views import Column
from delight.show.words import is_missing


def heading(words, name):
    """Headings of the workbook."""
    _ = words.gettext
    return {
        "contents": _("Contents"),
        "sheet": _("Sheet"),
        "chapter": _("Chapter"),
        "answers": _("What it answers"),
        "n": _("Answers"),
        "method": _("Method"),
        "made_by": _("Made by"),
        "result": _("Result"),
        "value": _("Value"),
        "lower": _("Lower limit"),
        "upper": _("Upper limit"),
        "back": _("Back to the contents"),
    }[name]


def reading_guide(words, about):
    """One line on how to read the workbook, and what is not in it."""
    text = words.gettext("Values are not rounded; limits are those of the interval, at {level} confidence unless a sheet says otherwise.")
    parts = [text.format(level=words.percent(about.get("ci_level") or 0.95))]
    if about.get("minimum_group"):
        hidden = words.gettext("Groups of fewer than {n} respondents are not shown, and nothing from which they could be worked out.")
        parts.append(hidden.format(n=words.number(about["minimum_group"])))
    return " ".join(parts)


def behind(words, name, result):
    """Title of the sheet of a result that no table of the report shows first."""
    found = report.method(words, str(result.meta.get("method", ""))[:3])
    title = found[0] if found else report.title(words, name.partition(".")[0])
    return words.gettext("{method}, in detail ({result})").format(method=title, result=name)


def state(words, status):
    """A status in words."""
    _ = words.gettext
    return {
        "ok": _("sound"),
        "low_base": _("few answers"),
        "assumption_warning": _("read with care: an assumption is doubtful"),
        "response_style": _("a habit of answering plays a part"),
        "edge": _("at the edge of what the answers allow"),
        "not_identified": _("cannot be told from these answers"),
        "not_converged": _("the calculation found no end"),
        "degenerate": _("all answered alike"),
        "insufficient": _("too few answers"),
        "suppressed": _("hidden to protect respondents"),
    }[status]


def states(words, result):
    """How many rows are not sound, and why; "" where all are."""
    if "status" not in result.table:
        return ""
    counts = result.table["status"].value_counts()
    told = [(s, int(counts[s])) for s in STATUSES if s != "ok" and s in counts]
    return ", ".join(
        words.ngettext("{n} row: {state}", "{n} rows: {state}", n).format(n=words.number(n), state=state(words, s)) for s, n in told
    )


def columns(words, result):
    """The whole table of a result under readable names.

    Codes without a name of their own stay as they are, because they tell rows apart; numbers without one only serve the calculation and
    are left out.

    Returns
    -------
    list of delight.show.views.Column
        Empty where there is nothing but counts and states.
    """
    table, made = result.table, []
    keys, figures = list(table.columns), _figures(words)
    texts = _texts(words)
    for at, key in enumerate(keys):
        if key == "group" and "by" in keys:
            made.append(Column(texts[key][0], [_group(words, b, g) for b, g in zip(table["by"], table[key])]))
        elif key in texts:
            title, show = texts[key]
            made.append(Column(title, ["" if is_missing(v) or v == "" else show(v) for v in table[key]]))
        elif not _is_number(table[key]):
            codes = ["" if is_missing(v) else v for v in table[key]]
            if any(code != "" for code in codes):
                made.append(Column(_code(words, key), codes))
        elif key in figures and not table[key].isna().all():
            lo, hi = _limits(keys, at)
            made.append(
                Column(*figures[key][:1], table[key].tolist(), figures[key][1], *(table[c].tolist() if c else None for c in (lo, hi)))
            )
    named = {texts[k][0] for k in ("status",)} | {figures[k][0] for k in ("n", "n_missing", "n_eff", "count")}
    return made if any(c.heading not in named for c in made) else []


def _code(words, key):
    """Heading of a column of codes that stand as they are."""
    _ = words.gettext
    return {
        "archetype": _("Archetype"),
        "attribute_group": _("Group of experiences"),
        "band": _("Range of grades"),
        "block": _("Block"),
        "check": _("Check"),
        "code": _("Code"),
        "coding": _("Coding"),
        "contrast": _("Contrast"),
        "estimator": _("Estimator"),
        "failed": _("Checks not passed"),
        "flag": _("Flag"),
        "flags": _("Reservations"),
        "form": _("Form"),
        "game": _("Way of sharing out"),
        "kind": _("Kind"),
        "label_effects": _("Effects of labels"),
        "level": _("Level"),
        "message": _("Message"),
        "method": _("Method"),
        "model": _("Model"),
        "other": _("Compared with"),
        "outcome_role": _("Kind of outcome"),
        "part": _("Part"),
        "place": _("Place"),
        "population": _("Population"),
        "quadrant": _("Quadrant"),
        "retest_source": _("Source of the repeated answers"),
        "role": _("Role"),
        "route": _("Route"),
        "rule": _("Rule"),
        "scale": _("Scale"),
        "source": _("Source"),
        "source_items": _("Kind of questions"),
        "step": _("Step"),
        "term": _("Term"),
        "terms": _("Terms"),
        "test": _("Kind of test"),
        "trigger": _("Occasion"),
        "unit": _("Unit"),
        "verdict": _("Verdict"),
        "verdict_here": _("Verdict at this place"),
        "wishes": _("Wishes"),
        "zone": _("Zone"),
    }.get(key, key.replace("_", " "))


def _is_number(values):
    return values.dtype.kind in "iufb" or (values.dtype == object and all(isinstance(v, Number) for v in values if not is_missing(v)))


def _limits(keys, at):
    """Names of the columns with the limits of a column: its own, or those that follow it directly."""
    key, after = keys[at], keys[at + 1] if at + 1 < len(keys) else ""
    if f"{key}_lo" in keys:
        return f"{key}_lo", f"{key}_hi"
    return {"ci_lo": ("ci_lo", "ci_hi"), "lo": ("lo", "hi")}.get(after, (None, None))


def _group(words, by, group):
    return "" if is_missing(group) or is_missing(by) else words.group(by, group)


def _texts(words):
    """Heading and wording of columns of codes."""
    _, column = words.gettext, words.column
    measures = {"mean": _("Mean grade"), "share_delighted": _("Delighted"), "nps": _("Net promoter score")}
    return {
        "by": (_("Grouping"), words.by),
        "group": (_("Group"), str),
        "segment": (_("Segment"), words.segment),
        "assigned": (_("Assigned to"), words.segment),
        "highest": (_("Highest in"), words.segment),
        "lowest": (_("Lowest in"), words.segment),
        "wave": (_("Wave"), words.wave),
        "previous": (_("Wave before"), words.wave),
        "impact_class": (_("Kind"), lambda v: class_word(words, v)),
        "likely_class": (_("Most likely kind"), lambda v: class_word(words, v)),
        "panel_class": (_("Kind by this coding"), lambda v: class_word(words, v)),
        "location": (_("Location"), words.location),
        "label": (_("Label"), str),
        "attribute": (_("Experience"), column),
        "compared_with": (_("Compared with"), column),
        "item": (_("Need"), column),
        "column": (_("Question"), column),
        "outcome": (_("Outcome"), column),
        "measure": (_("Measure"), lambda v: measures.get(v, v)),
        "status": (_("State"), lambda v: state(words, v)),
    }


def _figures(words):
    """Heading and format of columns of numbers."""
    _ = words.gettext
    return {
        "n": (_("Answers"), "count"),
        "n_missing": (_("Missing"), "count"),
        "n_eff": (_("Effective n"), "count"),
        "n_other": (_("Answers of the others"), "count"),
        "n_applicable": (_("Answers to whom it applies"), "count"),
        "count": (_("Count"), "count"),
        "mean": (_("Mean"), "number2"),
        "mean_other": (_("Mean of the others"), "number2"),
        "raw": (_("Raw"), "number2"),
        "pooled": (_("Pooled"), "number2"),
        "grade": (_("Grade"), "number1"),
        "value": (_("Value"), "number2"),
        "share": (_("Share"), "percent1"),
        "share_delighted": (_("Delighted"), "percent1"),
        "share_other": (_("Share of the others"), "percent1"),
        "promoters": (_("Promoters"), "percent1"),
        "passives": (_("Passives"), "percent1"),
        "detractors": (_("Detractors"), "percent1"),
        "nps": (_("Net promoter score"), "signed1"),
        "performance": (_("Mean grade"), "number2"),
        "rank": (_("Rank"), "count"),
        "diff": (_("Difference"), "signed2"),
        "risk_diff": (_("Difference of the shares"), "signed2"),
        "d": (_("Difference in standard deviations"), "signed2"),
        "change": (_("Change"), "signed2"),
        "previous": (_("The time before"), "number2"),
        "mdc": (_("Detectable change"), "number2"),
        "gain": (_("Expected gain"), "signed2"),
        "shrinkage": (_("Drawn towards the label"), "percent1"),
        "icc": (_("Part that locations account for"), "percent1"),
        "se": (_("Standard error"), "number3"),
        "p": (_("p"), "p"),
        "p_adj": (_("p, corrected for the number of tests"), "p"),
    }

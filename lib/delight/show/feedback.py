"""Who answered, how good the data are, and who may have answered carelessly."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.show.charts import Chart, Series
from delight.show.levels import is_share
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table

#: Questions shown as most often left open.
MOST_OPEN = 3


def _rows(result, by):
    return result.table[result.table["by"] == by]


def _first(result):
    return _rows(result, "whole").iloc[0]


# ---- who answered ----------------------------------------------------------------------------------------------------


@reading
def answered(response, words, design="all", previous="", outcome_role="overall", **options):
    """How many answered, of how many, and how that differs by label."""
    _, row = words.gettext, _first(response)
    wave = words.wave(response.meta["wave"])
    n = int(row["n"]) if not np.isnan(row["n"]) else 0
    shown = {"n": words.number(n), "wave": wave, "invited": words.number(row["invited"]), "share": words.percent(row["response"])}
    several = len(_rows(response, "wave")) > 1
    if not np.isnan(row["response"]) and several:
        text = _("In {wave}, **{n}** customers answered, of {invited} who were invited: a response of **{share}**.").format(**shown)
    elif not np.isnan(row["response"]):
        text = _("**{n}** customers answered, of {invited} who were invited: a response of **{share}**.").format(**shown)
    elif several:
        text = _("In {wave}, **{n}** customers answered. How many were invited is not known, so the response cannot be given.").format(
            **shown
        )
    else:
        text = _("**{n}** customers answered. How many were invited is not known, so the response cannot be given.").format(**shown)
    sentences = [text]
    if not np.isnan(row["coverage"]):
        sentences.append(
            _("That is {share} of all {population} customers.").format(
                share=words.percent(row["coverage"]), population=words.number(row["population"])
            )
        )
    labels = _rows(response, "label")
    labels = labels[labels["response"].notna()]
    if len(labels) > 1:
        sentences.append(
            _("Between labels the response runs from {low} to {high}.").format(
                low=words.percent(labels["response"].min()), high=words.percent(labels["response"].max())
            )
        )
    before = _rows(response, "wave")
    before = before[(before["group"] == previous) & before["n"].notna()]
    if len(before):
        sentences.append(_("In {wave}, {n} customers answered.").format(wave=words.wave(previous), n=words.number(before.iloc[0]["n"])))
    found = [" ".join(sentences)]
    if not np.isnan(row["response"]):
        found.append(
            _(
                "Intervals in this report say how far chance in who answered can have moved a figure. "
                "They do not say whether customers who did not answer think the same."
            )
        )
    if design == "undeclared":
        found.append(
            _(
                "The study does not say how the locations were chosen. The figures are computed as if every customer had the same chance to answer."
            )
        )
    if outcome_role == "recommend":
        found.append(_("Overall satisfaction was not asked; the question about recommending takes its place."))
    if response.note("more_answers_than_persons"):
        count = response.note("more_answers_than_persons").values["n"]
        found.append(
            words.ngettext(
                "{n} location has more answers than persons invited; its response is not shown.",
                "{n} locations have more answers than persons invited; their response is not shown.",
                count,
            ).format(n=words.number(count))
        )
    return found


def _labels_with_rate(response):
    t = _rows(response, "label")
    return t[t["response"].notna()].sort_values("group")


def _size(response, **options):
    return 170, 24 + 6 * max(len(_labels_with_rate(response)), 1)


def _response_alt(response, words, **options):
    values = "; ".join(
        f"{words.group('label', r['group'])}: {words.percent(r['response'])}" for _, r in _labels_with_rate(response).iterrows()
    )
    return words.gettext("Bar chart of the response by label: {values}.").format(values=values)


def _response_chart(response, words, **options):
    t = _labels_with_rate(response)
    return Chart("bar", [words.group("label", g) for g in t["group"]], [Series("", t["response"], colour=COLOURS["satisfied"])], "percent")


@figure(
    title=lambda response, words, **options: words.gettext("Did customers of all labels answer equally often?"),
    caption=lambda response, words, **options: words.gettext(
        "Share of the invited customers that answered. The line is the response of the whole organisation."
    ),
    alt=_response_alt,
    size=_size,
    chart=_response_chart,
)
def response_by_label(response, ax, words, **options):
    """Bars of the response, in the order of the labels' names."""
    _, t = words.gettext, _labels_with_rate(response)
    at = np.arange(len(t))
    ax.barh(at, 100 * t["response"], height=0.66, color=COLOURS["satisfied"])
    for y, row in zip(at, t.to_dict("records")):
        note = _("{share} ({n} of {invited})").format(
            share=words.percent(row["response"]), n=words.number(row["n"]), invited=words.number(row["invited"])
        )
        ax.annotate(note, (0, y), (5, 0), textcoords="offset points", va="center", fontsize=7.5)
    whole = _first(response)["response"]
    if not np.isnan(whole):
        ax.axvline(100 * whole, color=COLOURS["ink"], linewidth=0.9)
    ax.set_yticks(at, [words.group("label", g) for g in t["group"]])
    ax.set_ylim(len(t) - 0.4, -0.6)
    top = 100 * t["response"].max() if len(t) else 100
    ax.set_xlim(0, max(1.08 * top, 10))
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def _response_note(response, words, **options):
    return words.gettext("Response: answers as a share of the customers invited.") if response.table["invited"].notna().any() else ""


@table(title=lambda response, words, **options: words.gettext("Answers by group"), note=_response_note)
def response_table(response, words, **options):
    """Responses by wave, label and location beside the invited and the population."""
    _, t = words.gettext, response.table
    t = t[~((t["by"] == "wave") & (t["group"] == response.meta.get("wave")))]
    if len(_rows(response, "wave")) < 2:
        t = t[t["by"] != "wave"]
    t = t.assign(rank=t["by"].map({"whole": 0, "wave": 1, "label": 2, "location": 3})).sort_values("rank", kind="stable")
    names = [
        words.by("whole") if by == "whole" else f"{words.before_colon(by)}: {words.group(by, g)}" for by, g in zip(t["by"], t["group"])
    ]
    columns = [Column(_("Group"), names), Column(_("Answered"), t["n"].tolist(), "count")]
    if t["invited"].notna().any():
        columns += [Column(_("Invited"), t["invited"].tolist(), "count"), Column(_("Response"), t["response"].tolist(), "percent")]
    if t["population"].notna().any():
        columns += [
            Column(_("Customers"), t["population"].tolist(), "count"),
            Column(_("Share of customers"), t["coverage"].tolist(), "percent"),
        ]
    return columns


# ---- how good the data are -------------------------------------------------------------------------------------------


def _asked(quality, wave):
    """Questions that were asked in a wave, without who, where and when."""
    t = quality.table
    context = ("respondent", "date", "duration", "location", "wave", "weight", "comment", "segment")
    return t[(t["wave"] == wave) & t["asked"].astype(bool) & ~t["role"].isin(context)]


def _steps(attrition, wave):
    t = attrition.table
    return t[t["wave"] == wave].set_index("step")


@reading
def data_quality(attrition, quality, words, wave="", **options):
    """How many rows were read and kept, and which questions were left open most."""
    _, ngettext, steps = words.gettext, words.ngettext, _steps(attrition, wave)
    if steps.empty or steps["n"].isna().any():
        return [_("The data quality cannot be shown for so few answers.")]
    read, kept = int(steps.loc["read", "n"]), int(steps.loc["unanswered", "n"])
    sentences = []
    if read == kept:
        sentences.append(ngettext("{n} row was read and used.", "All {n} rows that were read are used.", read).format(n=words.number(read)))
    else:
        removed = {step: int(steps.loc[step, "removed"]) for step in ("blank", "duplicates", "unanswered")}
        reasons = [_removed(words, step, count) for step, count in removed.items() if count]
        sentences.append(
            _("Of {read} rows that were read, {kept} are used; left out were {reasons}.").format(
                read=words.number(read), kept=words.number(kept), reasons=words.listed(reasons)
            )
        )
    if "with_outcome" in steps.index:
        without = int(steps.loc["with_outcome", "removed"])
        if without:
            sentences.append(
                ngettext(
                    "{n} customer did not answer the main question and counts only elsewhere.",
                    "{n} customers did not answer the main question and count only elsewhere.",
                    without,
                ).format(n=words.number(without))
            )
    asked = _asked(quality, wave).dropna(subset=["pct_missing"])
    if len(asked) and asked["pct_missing"].max() == 0:
        sentences.append(_("Everybody answered every question that was asked."))
    elif len(asked) and asked["pct_missing"].median() < 0.05:
        sentences.append(
            _("Most questions were answered by nearly everybody; at most {highest} of the customers left one open.").format(
                highest=words.percent(asked["pct_missing"].max() / 100, 1)
            )
        )
    elif len(asked):
        sentences.append(
            _("Per question {middle} of the customers typically gave no answer, at most {highest}.").format(
                middle=words.percent(asked["pct_missing"].median() / 100, 1), highest=words.percent(asked["pct_missing"].max() / 100, 1)
            )
        )
    if len(asked):
        worst = asked[asked["pct_missing"] >= 5].sort_values(["pct_missing", "column"], ascending=[False, True]).head(MOST_OPEN)
        if len(worst):
            questions = [f"{words.column(r['column'])} ({words.percent(r['pct_missing'] / 100)})" for _i, r in worst.iterrows()]
            sentences.append(_("Left open most: {questions}.").format(questions=words.listed(questions)))
    return [" ".join(sentences)]


def _removed(words, step, count):
    ngettext, n = words.ngettext, words.number(count)
    if step == "blank":
        return ngettext("{n} empty row", "{n} empty rows", count).format(n=n)
    if step == "duplicates":
        return ngettext("{n} repeated row", "{n} repeated rows", count).format(n=n)
    return ngettext("{n} row without any answer", "{n} rows without any answer", count).format(n=n)


@table(
    title=lambda attrition, words, **options: words.gettext("From rows read to answers used"),
    note=lambda attrition, words, **options: words.gettext(
        "Nothing is left out silently: each line says how many rows remain after that step."
    ),
)
def attrition_table(attrition, words, **options):
    """Rows left after every step, a column a wave."""
    _ = words.gettext
    names = {
        "read": _("Read"),
        "blank": _("Without empty rows"),
        "duplicates": _("Without repeated rows"),
        "unanswered": _("With at least one answer"),
        "with_outcome": _("With an answer to the main question"),
    }
    t = attrition.table
    steps = t.sort_values("step_order")["step"].drop_duplicates().tolist()
    columns = [Column(_("Step"), [names.get(s, s) for s in steps])]
    for wave in t["wave"].drop_duplicates():
        mine = t[t["wave"] == wave].set_index("step")["n"].reindex(steps)
        columns.append(Column(words.wave(wave), mine.tolist(), "count"))
    return columns


@table(
    title=lambda quality, words, **options: words.gettext("Answers by question"),
    note=lambda quality, words, **options: words.gettext(
        "“Not applicable” is an answer of its own and is not counted as missing. Missing: share of those who were asked."
    ),
)
def quality_table(quality, words, wave="", **options):
    """Every question with its answers, not-applicables and missing ones."""
    _, t = words.gettext, _asked(quality, wave)
    columns = [
        Column(_("Question"), [words.column(c) for c in t["column"]]),
        Column(_("Answers"), t["n"].tolist(), "count"),
        Column(_("Missing"), (t["pct_missing"] / 100).tolist(), "percent1"),
    ]
    if t["n_not_applicable"].fillna(0).sum():
        columns.append(Column(_("Not applicable"), t["n_not_applicable"].tolist(), "count"))
    if t["n_out_of_scale"].fillna(0).sum():
        columns.append(Column(_("Outside the scale"), t["n_out_of_scale"].tolist(), "count"))
    return columns


def finding_texts(words):
    """What a finding means, in the reader's language, by its rule."""
    _ = words.gettext
    return {
        "empty_row": _("Empty rows; left out"),
        "unanswered_row": _("Rows without any answer; left out"),
        "repeated_row": _("The same customer stands there twice with the same answers; the first is kept"),
        "identical_rows": _("Rows that equal another customer's in every answer; kept"),
        "numbered_anew": _("Customer numbers that start anew in every measurement; taken for other customers each time"),
        "missing_respondent": _("Rows without a customer number; kept"),
        "missing_location": _("Rows without a location; they count for the whole only"),
        "location_spelling": _("Spellings of a location that differ only in case or spaces; taken as one"),
        "location_without_responses": _("Locations without any answer"),
        "missing_weight": _("Rows without a weight; not in weighted results"),
        "zero_weight": _("Rows with weight zero; not in weighted results"),
        "out_of_scale": _("Answers outside the scale; taken as missing"),
        "negative_value": _("Negative times or durations; taken as missing"),
        "not_a_date": _("Cells that hold no date; taken as missing"),
        "ambiguous_date": _("Dates of which day and month can be confused; the day is taken to come first"),
        "against_the_others": _("A question that goes against the others; it may have to be turned"),
        "constant_column": _("A question that everybody answered alike"),
        "empty_column": _("A question that nobody answered"),
        "column_in_some_waves": _("A question that was not asked in every measurement"),
        "scrubbed": _("Comments from which names, addresses or numbers were taken out"),
        "mixed_encoding": _("Lines in another character set; read in their own"),
        "short_rows": _("Rows with fewer cells than there are columns; the rest is missing"),
        "cut_off": _("The last row breaks off; the file may be incomplete"),
        "duplicate_column": _("A column heading that occurs more than once"),
        "no_header": _("A file without headings"),
        "formulas": _("Cells with formulas; their stored values are used"),
        "other_sheets": _("Other sheets in the workbook; not read"),
        "empty_rows_at_end": _("Empty rows at the end of the file"),
        "totals_row": _("Rows of totals or averages at the end of the file; left out"),
        "contact_details": _("Answers that hold contact details"),
    }


@table(title=lambda findings, words, **options: words.gettext("What was found in the data"))
def findings_table(findings, words, **options):
    """Findings in the reader's language; question and count."""
    _, texts = words.gettext, finding_texts(words)
    t = findings.table
    t = t[t["severity"] != "info"] if (t["severity"] != "info").any() else t
    return [
        Column(_("Finding"), [texts.get(r, _("Other remark ({rule})").format(rule=r)) for r in t["rule"]]),
        Column(_("Question"), [words.column(c) if isinstance(c, str) and c else "" for c in t["column"]]),
        Column(_("Measurement"), [words.wave(w) if isinstance(w, str) and w else "" for w in t["wave"]]),
        Column(_("Count"), t["rows"].tolist(), "count"),
    ]


# ---- careless answers ------------------------------------------------------------------------------------------------


def _flag_names(words):
    _ = words.gettext
    return {
        "speeder": _("Answered very fast"),
        "long_run": _("The same grade nearly throughout"),
        "no_variation": _("The same grade throughout"),
        "mahalanobis": _("An unusual pattern of grades"),
        "any": _("Any of these"),
    }


@reading
def careless(flagged, sensitivity, words, **options):
    """Who is flagged, and what the mean would be without them; never as the cleaner figure."""
    _, t = words.gettext, sensitivity.table
    if t.empty or t["n"].fillna(0).max() == 0:
        return [_("Signs of careless answering could not be looked for: there are too few questions of one kind and no times.")]
    whole = t[t["flag"] == "any"]
    row = whole.iloc[0] if len(whole) else t.iloc[0]
    text = _("{n} of {all} customers show a sign of careless answering, such as a very short time or the same grade throughout.").format(
        n=words.number(row["n_flagged"]), all=words.number(row["n"])
    )
    found = [
        text
        + " "
        + _(
            "Such signs prove nothing: very satisfied customers do give the same grade throughout, and very dissatisfied ones stand out. "
            "Nobody is therefore left out."
        )
    ]
    moved = t[t["shown"].fillna(False).astype(bool)]
    if len(moved):
        shown = (lambda v: words.percent(v, 1)) if is_share(sensitivity) else (lambda v: words.number(v, 2))
        names = _flag_names(words)
        lines = [
            _("{sign}: {without} instead of {mean}").format(
                sign=names.get(r["flag"], r["flag"]), without=shown(r["mean_without"]), mean=shown(r["mean"])
            )
            for _i, r in moved.iterrows()
        ]
        found.append(
            _(
                "Without the customers concerned the mean of the main question would be another one ({lines}); that is no cleaner figure."
            ).format(lines="; ".join(lines))
        )
    return found


def _band_names(words, flagged):
    _, low, high = words.gettext, flagged.meta.get("low_at_most"), flagged.meta.get("high_from")
    if is_share(flagged):
        return {"low": _("not satisfied"), "high": _("satisfied")}
    return {
        "low": _("{point} or less").format(point=words.number(low) if low is not None else ""),
        "middle": _("in between"),
        "high": _("{point} or more").format(point=words.number(high) if high is not None else "")
        if high != (flagged.meta.get("scale") or {}).get("max")
        else words.number(high),
    }


@table(
    title=lambda flagged, words, **options: words.gettext("Signs of careless answering, by answer to the main question"),
    note=lambda flagged, words, **options: words.gettext(
        "A sign that occurs mostly among the low or the high grades says more about satisfaction than about care."
    ),
)
def careless_table(flagged, words, **options):
    """Share of flagged customers by score band."""
    _, t = words.gettext, flagged.table
    bands, names = _band_names(words, flagged), _flag_names(words)
    order = [f for f in names if (t["flag"] == f).any()] if len(t) else []
    present = [b for b in bands if len(t) and (t["band"] == b).any()]
    columns = [Column(_("Sign"), [names[f] for f in order])]
    if len(present) > 1:
        whole = t.groupby("flag")[["n_flagged", "n"]].sum(min_count=len(present)).reindex(order)
        columns.append(Column(_("all: share"), (whole["n_flagged"] / whole["n"]).tolist(), "percent1"))
    for band in present:
        mine = t[t["band"] == band].set_index("flag").reindex(order)
        columns.append(Column(_("{band}: share").format(band=bands[band]), mine["share_flagged"].tolist(), "percent1"))
        columns.append(Column(_("n"), pd.Series(mine["n"]).tolist(), "count"))
    return columns

"""The chapter on expectations and feelings in words, tables and figures."""

from __future__ import annotations

import numpy as np

from delight.show.charts import Chart, Series
from delight.show.levels import point
from delight.show.satisfaction import BAND_COLOURS, band_name
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table
from delight.show.words import is_missing

#: Bases below this are called small.
_SMALL = 30


# ---- names and numbers
def _group(words, name):
    _ = words.gettext
    return {"below": _("worse than expected"), "met": _("as expected"), "exceeded": _("better than expected")}[name]


def _from(words, result):
    """Grades that count as delighted: "9 or 10", "a 5", "8 or higher"."""
    _ = words.gettext
    low, scale = result.meta.get("delight_from"), result.meta.get("scale") or {}
    high, step = scale.get("max"), scale.get("step")
    if high is None or low >= high:
        return point(words, low)
    if step and abs(high - low - step) < 1e-9:
        return _("{a} or {b}").format(a=point(words, low), b=point(words, high))
    return _("{a} or higher").format(a=point(words, low))


def _p(words, p):
    text = words.p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _row(result, **keys):
    """The row with these keys if it may be shown and holds a figure, else None."""
    found = result.table
    for name, value in keys.items():
        found = found[found[name] == value]
    return None if found.empty or found.iloc[0]["status"] in ("suppressed", "insufficient") else found.iloc[0]


def _share(words, row, value="value", lo="lo", hi="hi"):
    """A share with its interval and base: "61% (58–65%; n = 794)"."""
    return words.gettext("{share} ({ci}; n = {n})").format(
        share=words.percent(row[value]), ci=words.interval(row[lo], row[hi], words.percent), n=words.number(row["n"])
    )


def _few(words, rows):
    """A caution where a group that is spoken of is small."""
    small = [r for r in rows if r is not None and 0 < r["n"] < _SMALL]
    return [words.gettext("Some of these groups are small (fewer than 30 answers); read their figures with care.")] if small else []


# ---- the direct question
@reading
def exceeded(exceeding, means, words):
    """How many expectations were exceeded, what grades go with that, and what that says of the claims in the literature."""
    _ = words.gettext
    share = _row(exceeding, measure="share_exceeded")
    if share is None or is_missing(share["value"]):
        return [_("Too few customers answered how it compared with what they expected.")]
    grades = _from(words, exceeding)
    out = [_("For **{share}** of the customers it was better than they had expected ({ci}; n = {n}).").format(
        share=words.percent(share["value"]), ci=words.interval(share["lo"], share["hi"], words.percent), n=words.number(share["n"])
    )]  # fmt: skip
    rows = {name: _row(exceeding, measure="delighted", group=name) for name in ("exceeded", "met")}
    if all(r is not None for r in rows.values()):
        text = _("Of them {share} give a {grades}; of customers for whom it was as expected, {other}.").format(
            share=_share(words, rows["exceeded"]), grades=grades, other=_share(words, rows["met"])
        )
        out.append(text + " " + _difference(words, _row(exceeding, measure="risk_diff")))
    out += _only_if(words, exceeding, grades)
    out += _levels(words, means)
    return out + _few(words, [*rows.values(), _row(means, group="met"), _row(means, group="exceeded")])


def _difference(words, row):
    _ = words.gettext
    if row is None or is_missing(row["p"]):
        return ""
    values = dict(
        x=words.number(100 * abs(row["value"]), 0), ci=words.interval(100 * row["lo"], 100 * row["hi"], lambda v: words.signed(v, 0))
    )
    if row["p"] >= 0.05:
        return _("A difference between the two is not shown (interval {ci} percentage points).").format(**values)
    if row["value"] > 0:
        return _("That is {x} percentage points more (interval {ci}).").format(**values)
    return _("That is {x} percentage points less (interval {ci}).").format(**values)


def _only_if(words, exceeding, grades):
    """The published claim that a 9 or 10 is given only when expectations were exceeded."""
    _ = words.gettext
    row, other = _row(exceeding, measure="exceeded_if_delighted"), _row(exceeding, measure="violations")
    if row is None or other is None or is_missing(row["value"]):
        return []
    return [
        _(
            "A {grades} is not given only where expectations were exceeded: of the customers who give it, {share} say it was better than expected, and {other} say it was not."
        ).format(grades=grades, share=_share(words, row), other=words.percent(other["value"]))
        if other["lo"] > 0.1
        else _("Of the customers who give a {grades}, {share} say it was better than expected; for {other} it was not.").format(
            grades=grades, share=_share(words, row), other=words.percent(other["value"])
        )
    ]


def _levels(words, means):
    """Mean grades beside those that the literature gives for expectations met and exceeded."""
    _ = words.gettext
    out = []
    met, more = _row(means, group="met"), _row(means, group="exceeded")
    if met is not None and not is_missing(met["ci_lo"]) and met["prefers"] != "not_identified":
        values = dict(mean=words.number(met["mean"], 1), ci=words.interval(met["ci_lo"], met["ci_hi"], lambda v: words.number(v, 2)))
        if met["prefers"] == "open":
            out.append(_("Where expectations are met the mean grade is {mean} ({ci}): sources name a 7 and an 8, and these answers do not decide between them.").format(**values))  # fmt: skip
        elif met[f"tost_p_{met['prefers']}"] <= 0.05:
            out.append(_("Where expectations are met the mean grade is {mean} ({ci}): sources name a 7 and an 8, and these answers equal the {grade}.").format(**values, grade=met["prefers"]))  # fmt: skip
        else:
            out.append(_("Where expectations are met the mean grade is {mean} ({ci}): sources name a 7 and an 8, and these answers lie nearer to the {grade}.").format(**values, grade=met["prefers"]))  # fmt: skip
    if more is not None and not is_missing(more["ci_lo"]) and more["prefers"] != "not_identified":
        values = dict(
            mean=words.number(more["mean"], 1),
            ci=words.interval(more["ci_lo"], more["ci_hi"], lambda v: words.number(v, 2)),
            rule=words.number(8.5, 1),
        )
        if more["ci_lo"] > 8.5:
            text = _("Where they are exceeded it is {mean} ({ci}), above the {rule} that is said to follow.")
        elif more["ci_hi"] < 8.5:
            text = _("Where they are exceeded it is {mean} ({ci}), below the {rule} that is said to follow.")
        else:
            text = _("Where they are exceeded it is {mean} ({ci}); the {rule} that is said to follow lies within that interval.")
        out.append(text.format(**values))
    return [" ".join(out)] if out else []


def _bands_title(result, words):
    return words.gettext("Which grades go with expectations met and exceeded?")


def _bands_caption(result, words):
    return words.gettext("Shares of the grades of customers for whom it was worse than, as, and better than expected; in each row 100%.")


def _bands_alt(result, words):
    _ = words.gettext
    found = []
    for name in ("exceeded", "met", "below"):
        row = _row(result, band="delighted", group=name)
        if row is not None:
            found.append(_("{group}: {share} delighted").format(group=_group(words, name), share=words.percent(row["share_of_group"])))
    return _("Bars of three groups of customers. {values}.").format(values="; ".join(found))


def _bands_chart(result, words):
    names = [n for n in ("exceeded", "met", "below") if _row(result, band="delighted", group=n) is not None]
    bases = {n: _row(result, band="delighted", group=n)["n"] for n in names}
    series = []
    for band in ("low", "middle", "delighted"):
        rows = [_row(result, band=band, group=n) for n in names]
        known = next((r for r in rows if r is not None), None)
        if known is not None:
            shares = [np.nan if r is None else r["share_of_group"] for r in rows]
            series.append(Series(band_name(words, band, known["low_edge"], known["high_edge"]), shares, colour=BAND_COLOURS[band]))
    return Chart("stacked", [f"{_group(words, n)} (n = {words.number(bases[n])})" for n in names], series, "percent")


@figure(title=_bands_title, caption=_bands_caption, alt=_bands_alt, size=(170, 58), chart=_bands_chart)
def bands(result, ax, words):
    """A bar a group, divided in the score bands."""
    _ = words.gettext
    names = [n for n in ("exceeded", "met", "below") if _row(result, band="delighted", group=n) is not None]
    found = result.table.dropna(subset=["share_of_group"])
    order = [b for b in ("low", "middle", "delighted") if (found["band"] == b).any()]
    for at, name in enumerate(names):
        left = 0.0
        for band in order:
            row = _row(result, band=band, group=name)
            if row is None:
                continue
            share = 100 * row["share_of_group"]
            label = band_name(words, band, row["low_edge"], row["high_edge"]) if at == 0 else None
            ax.barh(at, share, left=left, height=0.62, color=BAND_COLOURS[band], label=label)
            if share >= 6:
                colour = "white" if band != "middle" else COLOURS["ink"]
                ax.text(left + share / 2, at, words.percent(share / 100), ha="center", va="center", fontsize=8, color=colour)
            left += share
    bases = [_row(result, band="delighted", group=n)["n"] for n in names]
    ax.set_yticks(range(len(names)), [f"{_group(words, n)}\n(n = {words.number(k)})" for n, k in zip(names, bases)])
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.set_xticks([])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.tick_params(length=0)
    if names:
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, handlelength=1, handletextpad=0.4)
    return ax


def _exceeding_title(result, words):
    return words.gettext("Expectations exceeded and delighted grades")


def _exceeding_note(result, words):
    return words.gettext(
        "Shares with {level} intervals. The difference is in percentage points, better than expected less as expected."
    ).format(level=words.percent(result.meta.get("ci_level", 0.95)))


@table(title=_exceeding_title, note=_exceeding_note)
def exceeding_table(result, words):
    """The shares and the difference behind the reading."""
    _ = words.gettext
    grades = _from(words, result)
    name = {
        ("share_exceeded", ""): _("Better than expected"),
        ("delighted", "exceeded"): _("A {grades}, of those for whom it was better than expected"),
        ("delighted", "met"): _("A {grades}, of those for whom it was as expected"),
        ("delighted", "below"): _("A {grades}, of those for whom it was worse than expected"),
        ("risk_diff", "exceeded"): _("Difference (better less as expected)"),
        ("exceeded_if_delighted", ""): _("Better than expected, of those who give a {grades}"),
        ("violations", ""): _("Not better than expected, of those who give a {grades}"),
    }
    rows = result.table[result.table["status"] != "suppressed"]
    return [
        Column(_("Share"), [name[key].format(grades=grades) for key in zip(rows["measure"], rows["group"])]),
        Column(_("Value"), rows["value"].tolist(), "percent", rows["lo"].tolist(), rows["hi"].tolist()),
        Column(_("p"), rows["p"].tolist(), "p"),
        Column(_("Answers"), rows["n"].tolist(), "count"),
    ]


def _means_title(result, words):
    return words.gettext("Mean grade by what was expected")


def _means_note(result, words):
    _ = words.gettext
    return _(
        "Sources name a 7 as well as an 8 for expectations met. Equal to 7 or 8: p of the test that the mean lies further than a quarter of a grade away; below 0.05 it counts as equal. Nearer to: on which side of 7.5 the whole interval lies."
    ) + (" " + _("Grades rise over the three groups ({p}, Jonckheere–Terpstra).").format(p=_p(words, result.meta["trend_p"])) if (result.meta.get("trend_p") or 1) <= 0.05 else "")  # fmt: skip


@table(title=_means_title, note=_means_note)
def means_table(result, words):
    """Means beside the claimed 7 and 8."""
    _ = words.gettext
    rows = result.table[result.table["status"] != "suppressed"]
    return [
        Column(_("It was …"), [_group(words, g) for g in rows["group"]]),
        Column(_("Mean grade"), rows["mean"].tolist(), "number2", rows["ci_lo"].tolist(), rows["ci_hi"].tolist()),
        Column(_("Equal to 7"), rows["tost_p_7"].tolist(), "p"),
        Column(_("Equal to 8"), rows["tost_p_8"].tolist(), "p"),
        Column(_("Nearer to"), [{"7": "7", "8": "8", "open": _("open")}.get(v, "") for v in rows["prefers"]]),
        Column(_("Answers"), rows["n"].tolist(), "count"),
    ]


# ---- exceeded, delighted, promoter
def _mark(words, name, grades):
    _ = words.gettext
    return {"exceeded": _("better than expected"), "delighted": _("a {grades}").format(grades=grades), "promoter": _("promoter (9 or 10 on recommending)")}[name]  # fmt: skip


@reading
def three(cells, agreement, words):
    """How far exceeded, delighted and promoter are one thing, and which of them this report means."""
    _ = words.gettext
    rows = {(r["term"], r["other"]): r for _i, r in agreement.table.iterrows() if not is_missing(r["kappa"])}
    pair, back = rows.get(("exceeded", "promoter")), rows.get(("promoter", "exceeded"))
    if pair is None or back is None:
        return []
    text = _(
        "Better than expected, a {grades}, and being a promoter are often taken for one thing. Of the promoters {a} say it was better than expected; of those who say so, {b} are promoters."
    ).format(grades=_from(words, agreement), a=words.percent(pair["term_if_other"]), b=words.percent(back["term_if_other"]))
    highest = max(rows.values(), key=lambda r: r["kappa"])
    if all(r["kappa_hi"] < 0.8 for r in rows.values()):
        text += " " + _("No two of them agree so well that one could stand for the other (agreement at most κ = {kappa}).").format(kappa=words.number(highest["kappa"], 2))  # fmt: skip
    return [
        text
        + " "
        + _("In this report “exceeded” always rests on the direct question, “delighted” on the grade and “promoter” on recommending.")
    ]


def _cells_title(result, words):
    return words.gettext("Better than expected, delighted, promoter: who is what?")


@table(title=_cells_title)
def cells_table(result, words):
    """The eight combinations."""
    _ = words.gettext
    rows = result.table

    def yes(name):
        return [_("yes") if v else _("no") for v in rows[name]]

    return [
        Column(_("Better than expected"), yes("exceeded")),
        Column(_("Grade of {grades}").format(grades=_from(words, result)), yes("delighted")),
        Column(_("Promoter"), yes("promoter")),
        Column(_("Respondents"), rows["count"].tolist(), "count"),
        Column(_("Share"), rows["share"].tolist(), "percent1", rows["lo"].tolist(), rows["hi"].tolist()),
    ]


def _agreement_title(result, words):
    return words.gettext("How far do the three agree?")


def _agreement_note(result, words):
    return words.gettext("κ (Cohen's kappa): 0 is what chance gives, 1 complete agreement; from 0.8 on one may stand for the other.")


@table(title=_agreement_title, note=_agreement_note)
def agreement_table(result, words):
    """A pair a row: kappa and both conditional shares."""
    _ = words.gettext
    rows, grades = result.table[result.table["status"] != "suppressed"], _from(words, result)
    return [
        Column(_("A"), [_mark(words, v, grades) for v in rows["term"]]),
        Column(_("B"), [_mark(words, v, grades) for v in rows["other"]]),
        Column(_("Agreement (κ)"), rows["kappa"].tolist(), "number2", rows["kappa_lo"].tolist(), rows["kappa_hi"].tolist()),
        Column(_("A, of those who are B"), rows["term_if_other"].tolist(), "percent", rows["term_if_other_lo"].tolist(), rows["term_if_other_hi"].tolist()),
        Column(_("Respondents who are B"), rows["n_other"].tolist(), "count"),
    ]  # fmt: skip


# ---- feelings
@reading
def feelings(measures, words):
    """How the questions on feelings hang together."""
    _ = words.gettext
    row = _row(measures, measure="affect")
    if row is None or is_missing(row["mean"]):
        return []
    span = _("on a scale of {low} to {high}").format(low=point(words, row["scale_min"]), high=point(words, row["scale_max"]))
    text = _("**Feelings.** The mean of the questions on feelings is {mean} {span} ({ci}; n = {n}).").format(
        mean=words.number(row["mean"], 2), span=span, ci=words.interval(row["ci_lo"], row["ci_hi"], lambda v: words.number(v, 2)), n=words.number(row["n"])
    )  # fmt: skip
    if is_missing(row["alpha"]):
        return [text]
    said = _("They hang together well (α = {alpha}), so that they can be taken as one scale.") if row["alpha"] >= 0.7 else _("They hang together poorly (α = {alpha}), so that their mean says little.")  # fmt: skip
    return [text + " " + said.format(alpha=words.number(row["alpha"], 2))]


@reading
def two_things(distinct, words):
    """Whether delight is something else than satisfaction."""
    _ = words.gettext
    row = _row(distinct, other="delight")
    if row is None or is_missing(row["r"]):
        return []
    ci = words.interval(row["htmt_lo"], row["htmt_hi"], lambda v: words.number(v, 2))
    values = dict(htmt=words.number(row["htmt"], 2), ci=ci, r=words.number(row["r"], 2), n=words.number(row["n"]))
    said = {
        "distinct": _("Delight and satisfaction can be told apart: free of measurement error they correlate {htmt} ({ci}), which is less than two names for one thing would."),
        "same": _("In these answers delight and satisfaction cannot be told apart: free of measurement error they correlate {htmt} ({ci})."),
        "open": _("Whether delight and satisfaction are two things remains open: free of measurement error they correlate {htmt} ({ci})."),
        "not_identified": _("Feelings and the grade go together (r = {r}, n = {n}). Whether they are two things cannot be tested as long as satisfaction is asked with a single question; a second one next time would do."),
    }  # fmt: skip
    return [said[row["verdict"]].format(**values)] if row["verdict"] in said else []


def _stage(words, name):
    _ = words.gettext
    known = {
        "surprise": _("surprise"),
        "disconfirmation": _("better than expected"),
        "arousal": _("arousal"),
        "affect": _("positive feelings"),
        "delight": _("delight"),
        "satisfaction": _("satisfaction"),
        "intention": _("loyalty"),
    }
    return known[name]


@reading
def routes(path, words):
    """What delight adds to loyalty beside satisfaction."""
    _ = words.gettext
    found = path.table[path.table["kind"] == "arrow"]
    delight = found[(found["term"] == "delight") & (found["outcome"] == "intention")]
    if delight.empty or is_missing(delight.iloc[0]["p_adj"]):
        return []
    row = delight.iloc[0]
    values = dict(coef=words.number(abs(row["coef"]), 2), ci=words.interval(row["ci_lo"], row["ci_hi"], lambda v: words.signed(v, 2)))
    if row["p_adj"] < 0.05 and row["coef"] > 0:
        text = _("Delight goes with loyalty also among customers who are equally satisfied: {coef} standard deviations more for each standard deviation of delight ({ci}).")  # fmt: skip
    elif row["p_adj"] < 0.05:
        text = _("Among customers who are equally satisfied, delight goes with less loyalty ({coef} standard deviations; {ci}), which asks for a look at the questions.")  # fmt: skip
    else:
        text = _("That delight goes with loyalty among customers who are equally satisfied is not shown ({ci} standard deviations).")
    out = [text.format(**values)]
    ways = path.table[(path.table["kind"] == "route") & (path.table["term"] == "disconfirmation")]
    by = {route.split(" > ")[1]: r for route, (_i, r) in zip(ways["route"], ways.iterrows()) if route.count(" > ") == 2}
    if {"delight", "satisfaction"} <= set(by) and not any(is_missing(r["ci_lo"]) for r in by.values()):
        first, second = by["delight"], by["satisfaction"]
        if first["ci_lo"] > 0 and second["ci_lo"] > 0:
            out.append(_("Exceeded expectations reach loyalty by two ways: by way of delight {a} ({ci_a}) and by way of satisfaction {b} ({ci_b}), in standard deviations.").format(
                a=words.number(first["coef"], 2), ci_a=words.interval(first["ci_lo"], first["ci_hi"], lambda v: words.number(v, 2)),
                b=words.number(second["coef"], 2), ci_b=words.interval(second["ci_lo"], second["ci_hi"], lambda v: words.number(v, 2)),
            ))  # fmt: skip
    out.append(_("These are relations within one survey; they do not prove that one leads to the other."))
    return [" ".join(out)]


def _path_title(path, words):
    return words.gettext("The way of delight and the way of satisfaction")


def _path_note(path, words):
    return words.gettext(
        "In standard deviations, with {level} intervals; everything that leads to the same is held equal. A way is the product of its arrows. Bold: p below 0.05, for arrows after correction for their number (Benjamini–Hochberg)."
    ).format(level=words.percent(path.meta.get("ci_level", 0.95)))


@table(title=_path_title, note=_path_note)
def path_table(path, words):
    """Arrows, then ways to loyalty."""
    _ = words.gettext
    rows = path.table
    p = rows["p_adj"].where(rows["kind"] == "arrow", rows["p"]).astype(float)
    names = [" → ".join(_stage(words, s) for s in route.split(" > ")) for route in rows["route"]]
    bold = (p < 0.05).tolist()
    return [
        Column(_("From → to"), names),
        Column(_("Relation"), rows["coef"].tolist(), "signed2", rows["ci_lo"].tolist(), rows["ci_hi"].tolist(), emphasis=bold),
        Column(_("p"), p.tolist(), "p"),
        Column(_("Explained of the last"), rows["r2"].tolist(), "percent"),
    ]


def _measures_title(result, words):
    return words.gettext("Three measures that are not the same")


def _measures_note(result, words):
    return words.gettext(
        "Gap: experienced less expected. α and ω: how well several questions measure one thing, from 0.7 on well enough. The correlation with the grade is that of persons, from −1 to 1."
    )


@table(title=_measures_title, note=_measures_note)
def measures_table(result, words):
    """Gap, direct question and feelings side by side."""
    _ = words.gettext
    rows = result.table
    name = {"gap": _("gap between experience and expectation"), "direct": _("direct question"), "affect": _("feelings")}
    spans = ["" if is_missing(a) else words.interval(a, b, lambda v: point(words, v)) for a, b in zip(rows["scale_min"], rows["scale_max"])]
    return [
        Column(_("Measure"), [name[m] for m in rows["measure"]]),
        Column(_("Questions"), rows["items"].tolist(), "count"),
        Column(_("Scale"), spans),
        Column(_("Mean"), rows["mean"].tolist(), "number2", rows["ci_lo"].tolist(), rows["ci_hi"].tolist()),
        Column(_("α"), rows["alpha"].tolist(), "number2"),
        Column(_("ω"), rows["omega"].tolist(), "number2"),
        Column(_("Correlation with the grade"), rows["r"].tolist(), "number2", rows["r_lo"].tolist(), rows["r_hi"].tolist()),
    ]


# ---- gaps
def _attribute(words, row):
    return words.column(row["attribute"])


@reading
def gaps(attributes, dimensions, words):
    """Where the service falls short of what was expected, and where it goes beyond."""
    _ = words.gettext
    rows = attributes.table.dropna(subset=["gap", "p_adj"])
    total = dimensions.table[dimensions.table["dimension"] == ""]
    if rows.empty:
        return [_("Too few customers answered what they had expected of the parts of the service.")]
    out = []
    if len(total) and not is_missing(total.iloc[0]["gap"]):
        row = total.iloc[0]
        values = dict(
            gap=words.number(abs(row["gap"]), 2),
            ci=words.interval(row["ci_lo"], row["ci_hi"], lambda v: words.signed(v, 2)),
            n=words.number(row["n"]),
        )
        said = _("**Gaps.** On the whole the service lies {gap} points below what customers expected ({ci}; n = {n}).") if row["ci_hi"] < 0 else _("**Gaps.** On the whole the service lies {gap} points above what customers expected ({ci}; n = {n}).") if row["ci_lo"] > 0 else _("**Gaps.** On the whole a gap between the service and what customers expected is not shown ({ci} points; n = {n}).")  # fmt: skip
        out.append(said.format(**values))
    short = rows[(rows["gap"] < 0) & (rows["p_adj"] < 0.05)].sort_values("gap")
    beyond = rows[rows["delight_candidate"].eq(True)].sort_values("gap", ascending=False)
    if len(short):
        out.append(_("It falls short most on {list}.").format(list=words.listed([f"{_attribute(words, r)} ({words.signed(r['gap'], 1)})" for _i, r in short.head(3).iterrows()])))  # fmt: skip
    if len(beyond):
        out.append(_("It goes beyond what was expected on {list}: there lie chances to delight.").format(list=words.listed([f"{_attribute(words, r)} ({words.signed(r['gap'], 1)})" for _i, r in beyond.head(3).iterrows()])))  # fmt: skip
    elif not len(short):
        out.append(_("For no single part is a gap shown."))
    top = rows[rows["status"] == "assumption_warning"]
    if len(top):
        out.append(_("Nearly everybody expects the highest on {list}; a gap there can hardly be anything but negative.").format(list=words.listed([_attribute(words, r) for _i, r in top.iterrows()])))  # fmt: skip
    return [" ".join(out)]


def _zone_title(attributes, words):
    return words.gettext("Does the service stay within what customers tolerate and wish?")


def _zone_caption(attributes, words):
    _ = words.gettext
    if attributes.table["adequacy"].notna().any():
        return _(
            "Zero is what customers wish. The grey bar reaches down to what they still find acceptable; the dot is their experience, with its interval."
        )
    return _("Zero is what customers expected; the dot is their experience, with its interval.")


def _zone_alt(attributes, words):
    _ = words.gettext
    rows = attributes.table.dropna(subset=["gap"])
    listed = "; ".join(f"{_attribute(words, r)} {words.signed(r['gap'], 1)}" for _i, r in rows.iterrows())
    return _("Gap between experience and expectation for each part of the service: {list}.").format(list=listed)


def _zone_size(attributes, **options):
    return 170, 24 + 7.5 * max(3, int(attributes.table["gap"].notna().sum()))


def _zone_chart(attributes, words):
    rows = attributes.table.dropna(subset=["gap"]).sort_values("gap", ascending=False)
    gaps = Series("", rows["gap"], rows["ci_lo"], rows["ci_hi"], COLOURS["main"])
    return Chart(
        "bar", [words.column(c) for c in rows["attribute"]], [gaps], "signed2", words.gettext("Experienced less expected (points)")
    )


@figure(title=_zone_title, caption=_zone_caption, alt=_zone_alt, size=_zone_size, chart=_zone_chart)
def zone(attributes, ax, words):
    """A row an attribute: gap with interval, on the zone of tolerance where it was asked."""
    _ = words.gettext
    rows = attributes.table.dropna(subset=["gap"]).sort_values("gap")
    at = np.arange(len(rows))
    low = rows["gap"] - rows["adequacy"]
    known = low.notna().to_numpy()
    ax.barh(at[known], -low[known], left=low[known], height=0.55, color=COLOURS["grid"])
    ax.axvline(0, color=COLOURS["soft"], linewidth=0.8)
    ax.hlines(at, rows["ci_lo"], rows["ci_hi"], color=COLOURS["main"], linewidth=1.2)
    ax.scatter(rows["gap"], at, s=22, color=COLOURS["main"], zorder=3)
    ax.set_yticks(at, [words.column(c) for c in rows["attribute"]])
    ax.set_xlabel(_("Experienced less expected (points)"))
    ax.xaxis.set_major_formatter(lambda v, _at: words.number(v, 1))
    ax.tick_params(length=0)
    ax.spines["left"].set_visible(False)
    return ax


def _gaps_title(result, words, **options):
    return words.gettext("Experienced, expected, acceptable")


def _gaps_note(result, words, **options):
    _ = words.gettext
    text = _(
        "Gap: experienced less expected, within the same customer. Bold: p below 0.05 after correction for the number of rows (Benjamini–Hochberg)."
    )
    if result.table["adequacy"].notna().any():
        text += " " + _("Above acceptable: experienced less what would still be acceptable.")
    if "gap_weighted" in result.table and result.table["gap_weighted"].notna().any():
        text += " " + _("Weighted gap: the gap times the points (of 100) that customers give to the dimension.")
    return text


@table(title=_gaps_title, note=_gaps_note)
def gaps_table(result, words):
    """Attributes, or dimensions where the result is about these."""
    _ = words.gettext
    rows = result.table
    whole = "attribute" not in rows
    names = [
        (d or _("All together")) if whole else words.column(a)
        for d, a in zip(rows["dimension"], rows["dimension"] if whole else rows["attribute"])
    ]
    zones = {
        "below": _("below acceptable"),
        "within": _("within the zone of tolerance"),
        "above": _("above what was expected"),
        "short": _("below what was expected"),
        "open": _("undecided"),
    }
    bold = ((rows["p_adj"].fillna(rows["p"])) < 0.05).tolist()
    columns = [
        Column(_("Dimension") if whole else _("Part of the service"), names),
        Column(_("Experienced"), rows["experienced"].tolist(), "grade"),
        Column(_("What was expected"), rows["expected"].tolist(), "grade"),
        Column(_("Gap"), rows["gap"].tolist(), "signed2", rows["ci_lo"].tolist(), rows["ci_hi"].tolist(), emphasis=bold),
    ]
    if rows["adequacy"].notna().any():
        columns.append(
            Column(_("Above acceptable"), rows["adequacy"].tolist(), "signed2", rows["adequacy_lo"].tolist(), rows["adequacy_hi"].tolist())
        )
    if whole and rows["gap_weighted"].notna().any():
        columns.append(
            Column(
                _("Weighted gap"),
                rows["gap_weighted"].tolist(),
                "signed2",
                rows["gap_weighted_lo"].tolist(),
                rows["gap_weighted_hi"].tolist(),
            )
        )
    if whole and rows["alpha_gap"].notna().any():
        columns.append(Column(_("α of the gaps"), rows["alpha_gap"].tolist(), "number2"))
    shown = rows["status"] != "suppressed"
    columns.append(Column(_("Where it stands"), [zones.get(z, "") if ok else "" for z, ok in zip(rows["zone"], shown)]))
    columns.append(Column(_("Answers"), rows["n"].tolist(), "count"))
    return columns

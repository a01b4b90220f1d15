"""How satisfied customers are: level, spread, promoters, groups, parts of the service and targets."""

from __future__ import annotations

import numpy as np

from delight.show.charts import Chart, Series
from delight.show.levels import ALPHA, change_in_words, is_share, mean_format, mean_in_words, mean_interval, no_estimate, point, row_of
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table

BAND_COLOURS = {"low": COLOURS["dissatisfied"], "middle": COLOURS["satisfied"], "delighted": COLOURS["delighted"], "": COLOURS["satisfied"]}

# ---- words of the level ----------------------------------------------------------------------------------------------


def band_name(words, band, low, high, yes_no=False):
    """Name of a score band with its limits, such as "delighted (9–10)"; of a yes-or-no question "satisfied" and "not satisfied"."""
    _ = words.gettext
    if yes_no:
        return _("satisfied") if band == "delighted" else _("not satisfied")
    limits = point(words, high) if low == high else words.interval(low, high, lambda v: point(words, v))
    names = {"low": _("dissatisfied ({limits})"), "middle": _("satisfied ({limits})"), "delighted": _("delighted ({limits})")}
    return names[band].format(limits=limits)


def caveats(result, words):
    """Sentences about the design and the base, from the notes of a result."""
    _, found = words.gettext, []
    if result.status == "low_base":
        found.append(_("Fewer than 50 customers answered, so these figures are rough."))
    if result.status == "degenerate":
        found.append(_("All customers gave the same answer, so the margin of error cannot be judged."))
    if result.note("few_clusters"):
        n = words.number(result.note("few_clusters").values["clusters"])
        found.append(_("Only {n} locations were in the sample; the intervals are a rough indication at best.").format(n=n))
    if result.meta.get("design") == "clusters":
        found.append(_("The locations are a sample: the intervals also allow for the locations that were not surveyed."))
    if result.meta.get("design") == "strata" and not result.note("no_population"):
        found.append(
            _(
                "Every location counts by its number of customers, and the intervals allow for the part of the customers that answered. "
                "They cannot allow for customers who chose not to answer."
            )
        )
    if result.note("no_population"):
        found.append(
            _("How many customers each location has is not known, so every answer counts the same.")
            if result.meta.get("weights") != "sampling"
            else _("How many customers each location has is not known, so every answer keeps the weight it was given.")
        )
    if result.note("population_unknown"):
        count = len(result.note("population_unknown").values["strata"])
        found.append(
            words.ngettext(
                "Of {n} location the number of customers is not known; its answers have the average weight.",
                "Of {n} locations the number of customers is not known; their answers have the average weight.",
                count,
            ).format(n=words.number(count))
        )
    if result.note("population_exceeded"):
        count = len(result.note("population_exceeded").values["strata"])
        found.append(
            words.ngettext(
                "{n} location has more answers than customers in the list; check that list.",
                "{n} locations have more answers than customers in the list; check that list.",
                count,
            ).format(n=words.number(count))
        )
    return found


# ---- level ------------------------------------------------------------------------------------------------------------


@reading
def level(levels, bands, words, role="overall", **options):
    """Where we stand: mean, spread, delight share and the share below."""
    _, row = words.gettext, row_of(levels)
    paragraphs = []
    if role == "recommend":
        paragraphs.append(
            _(
                "Nobody was asked how satisfied they are overall. In this report the question about recommending takes its place: “{question}”"
            ).format(question=words.column(levels.meta["y"]))
        )
    if np.isnan(row["mean"]):
        return [*paragraphs, no_estimate(words, row["status"])]
    n = words.number(row["n"])
    if is_share(levels):
        text = _("Of {n} customers, **{share}** are satisfied (interval {interval}).").format(
            n=n, share=words.percent(row["mean"]), interval=mean_interval(words, levels, row["ci_lo"], row["ci_hi"])
        )
        return [*paragraphs, " ".join([text, *caveats(levels, words)])]
    scale = levels.meta["scale"]
    first = _("{n} customers gave a grade. On average they gave **{mean}** on a scale of {low} to {high} (interval {interval}).").format(
        n=n,
        mean=words.grade(row["mean"]),
        low=point(words, scale["min"]),
        high=point(words, scale["max"]),
        interval=words.interval(row["ci_lo"], row["ci_hi"]),
    )
    sentences = [first]
    if not np.isnan(row["share_delighted"]):
        text = (
            _("**{share}** gave {point} or more (interval {interval}): they are the delighted customers.")
            if row["delight_from"] < scale["max"]
            else _("**{share}** gave the highest grade, {point} (interval {interval}): they are the delighted customers.")
        )
        interval = words.interval(row["share_delighted_lo"], row["share_delighted_hi"], words.percent)
        shown = {"share": words.percent(row["share_delighted"]), "point": point(words, row["delight_from"]), "interval": interval}
        sentences.append(text.format(**shown))
    low = _band(bands, "low")
    if low is not None and not np.isnan(low["share"]) and len(bands.table["band"].unique()) > 2:
        sentences.append(
            _("{share} gave {point} or less (interval {interval}).").format(
                share=words.percent(low["share"]),
                point=point(words, low["high_edge"]),
                interval=words.interval(low["lo"], low["hi"], words.percent),
            )
        )
    paragraphs.append(" ".join(sentences))
    notes = caveats(levels, words)
    return [*paragraphs, " ".join(notes)] if notes else paragraphs


def _band(bands, name):
    table = bands.table
    found = table[(table["by"] == "whole") & (table["band"] == name)] if len(table) else table
    return found.iloc[0] if len(found) else None


def _distribution_title(distribution, bands, words, **options):
    _ = words.gettext
    return _("How many customers are satisfied?") if is_share(distribution) else _("How are the grades spread?")


def _band_shares(bands, words):
    rows = bands.table[bands.table["by"] == "whole"] if len(bands.table) else bands.table
    yes_no = is_share(bands)
    name = {r["band"]: band_name(words, r["band"], r["low_edge"], r["high_edge"], yes_no) for _, r in rows.iterrows()}
    return [
        words.gettext("{band}: {share} (interval {interval})").format(
            band=name[r["band"]], share=words.percent(r["share"]), interval=words.interval(r["lo"], r["hi"], words.percent)
        )
        for _, r in rows.iterrows()
        if not np.isnan(r["share"])
    ]


#: Fewer answers than this are drawn one by one (methods M37).
DOTS_BELOW = 30


def _few(distribution):
    rows = distribution.table[distribution.table["by"] == "whole"] if len(distribution.table) else distribution.table
    return bool(len(rows)) and 0 < rows["n"].max() < DOTS_BELOW


def _distribution_caption(distribution, bands, words, **options):
    _ = words.gettext
    shares = _band_shares(bands, words)
    if _few(distribution):
        text = _("Every dot is a customer: there are too few to speak of shares by grade.")
    elif is_share(distribution):
        return _("Share of customers by answer; the thin lines are intervals.")
    else:
        text = _("Share of customers by grade; the thin lines are intervals.")
    return " ".join([text, _("The zones: {zones}.").format(zones="; ".join(shares))] if shares else [text])


def _distribution_alt(distribution, bands, words, **options):
    rows = distribution.table[distribution.table["by"] == "whole"].dropna(subset=["share"])
    y, yes_no = distribution.meta.get("y"), is_share(distribution)
    names = [words.answer(y, p) if yes_no else point(words, p) for p in rows["point"]]
    values = words.listed([f"{name}: {words.percent(share)}" for name, share in zip(names, rows["share"])])
    return words.gettext("Bar chart of the share of customers by grade: {values}.").format(values=values)


def _distribution_chart(distribution, bands, words, **options):
    rows, y = distribution.table[distribution.table["by"] == "whole"], distribution.meta.get("y")
    yes_no = is_share(distribution)
    names = [words.answer(y, p) if yes_no else point(words, p) for p in rows["point"]]
    shares = Series("", rows["share"], rows["lo"], rows["hi"], colours=tuple(BAND_COLOURS[b] for b in rows["band"]))
    return Chart("column", names, [shares], "percent", x_axis="" if yes_no else words.gettext("Grade"))


@figure(title=_distribution_title, caption=_distribution_caption, alt=_distribution_alt, size=(170, 72), chart=_distribution_chart)
def distribution(distribution, bands, ax, words, **options):
    """Bars by grade in the colours of the zones, each zone with its share above."""
    _ = words.gettext
    rows = distribution.table[distribution.table["by"] == "whole"].reset_index(drop=True)
    rows = rows.assign(share=rows["share"].fillna(0))
    colours = [BAND_COLOURS[b] for b in rows["band"]]
    at = np.arange(len(rows))
    top = _dots(ax, words, at, rows, colours) if _few(distribution) else _bars(ax, words, at, rows, colours)
    zones = bands.table[bands.table["by"] == "whole"] if len(bands.table) else bands.table
    for zone in zones.itertuples():
        mine = at[(rows["band"] == zone.band).to_numpy()]
        if len(mine) and not np.isnan(zone.share):
            line = top * 1.16
            ax.plot([mine[0] - 0.38, mine[-1] + 0.38], [line, line], color=BAND_COLOURS[zone.band], linewidth=2.2, solid_capstyle="butt")
            name = f"{band_name(words, zone.band, zone.low_edge, zone.high_edge, is_share(bands))}\n{words.percent(zone.share)}"
            ax.annotate(
                name, (mine.mean(), line), (0, 3), textcoords="offset points", ha="center", va="bottom", fontsize=8, linespacing=1.25
            )
    y, yes_no = distribution.meta.get("y"), is_share(distribution)
    ax.set_xticks(at, [words.answer(y, p) if yes_no else point(words, p) for p in rows["point"]])
    ax.set_ylim(0, top * (1.45 if len(zones) else 1.12))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="x", length=0)
    if not yes_no:
        ax.set_xlabel(_("Grade"))
    return ax


def _bars(ax, words, at, rows, colours):
    """A bar a point of the scale, with its interval; returns the height of the tallest."""
    ax.bar(at, 100 * rows["share"], width=0.78, color=colours)
    ax.vlines(at, 100 * rows["lo"], 100 * rows["hi"], color=COLOURS["ink"], linewidth=0.8)
    for x, row in zip(at, rows.itertuples()):
        if row.share > 0:
            high = 100 * (row.share if np.isnan(row.hi) else row.hi)
            ax.annotate(words.percent(row.share), (x, high), (0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=7.5)
    return 100 * float(np.nanmax([*rows["hi"], *rows["share"], 0.05]))


def _dots(ax, words, at, rows, colours):
    """A dot a customer; returns the height of the tallest pile."""
    counts = rows["count"].fillna(0).astype(int)
    for x, count, colour in zip(at, counts, colours):
        ax.scatter(np.full(count, x), np.arange(count) + 0.5, s=34, color=colour)
        if count:
            ax.annotate(words.number(count), (x, count), (0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=7.5)
    return max(float(counts.max()), 4.0)


# ---- promoters --------------------------------------------------------------------------------------------------------


@reading
def promoters(nps, words, **options):
    """Net promoter score with the three shares it hides."""
    _, row = words.gettext, row_of(nps)
    if np.isnan(row["nps"]):
        return [no_estimate(words, row["status"])]
    like = nps.note("nps_like") is not None
    shown = {
        "n": words.number(row["n"]),
        "score": words.points(row["nps"]),
        "interval": words.interval(row["ci_lo"], row["ci_hi"], words.points),
        "promoters": words.percent(row["promoters"]),
        "passives": words.percent(row["passives"]),
        "detractors": words.percent(row["detractors"]),
        "mean": words.grade(row["mean"]),
    }
    text = _(
        "{n} customers said how likely they are to recommend us. {promoters} are promoters (9–10), {passives} are passive (7–8) and "
        "{detractors} are detractors (6 or less). That makes a net promoter score of **{score}** (interval {interval}); the mean is {mean}."
    )
    if like:
        text = _(
            "{n} customers said how likely they are to recommend us. {promoters} gave 9–10, {passives} gave 7–8 and {detractors} gave 6 or less: "
            "a difference of **{score}** points (interval {interval}); the mean is {mean}. "
            "The question was asked on a scale of 1 to 10, so this resembles a net promoter score but must not be compared with one."
        )
    found = [text.format(**shown)]
    if row["status"] == "low_base":
        found.append(_("Fewer than 50 customers answered, so these figures are rough."))
    return [" ".join(found)]


@reading
def no_recommend(levels, words, **options):
    """Said where nobody was asked whether they would recommend."""
    return [words.gettext("There is no net promoter score: customers were not asked how likely they are to recommend us.")]


# ---- groups -----------------------------------------------------------------------------------------------------------


@reading
def groups(rest, words, **options):
    """Which groups differ from the others by more than chance, after correction over the whole family."""
    _, t = words.gettext, rest.table
    tested = t[t["p"].notna()] if len(t) else t
    if t.empty:
        return [_("Nothing is known of the customers by which their answers could be compared over groups.")]
    if tested.empty:
        return [_("The answers cannot be compared over groups: there are no two groups with enough answers.")]
    proven = tested[tested["p_adj"] < ALPHA].copy()
    count = words.number(len(tested))
    if proven.empty:
        return [
            words.ngettext(
                "Between groups of customers we see no difference that is more than chance ({n} comparison of a group with the other customers).",
                "Between groups of customers we see no difference that is more than chance ({n} comparisons of a group with the other customers).",
                len(tested),
            ).format(n=count)
        ]
    left = len(tested) - len(proven)
    sizes = tested["by"].value_counts()
    both = proven[proven["by"].isin(sizes[sizes == 2].index) & proven["by"].duplicated(keep=False)]
    proven = proven.drop(both[both["diff"] < 0].index)  # of two groups one difference says it all
    proven = proven.assign(size=proven["diff"].abs()).sort_values(["by", "size"], ascending=[True, False])
    lines = []
    for row in proven.head(6).to_dict("records"):
        sentence = _group_sentence(words, is_share(rest), row["diff"] > 0).format(
            by=words.before_colon(row["by"]),
            group=words.group(row["by"], row["group"]),
            mean=mean_in_words(words, rest, row["mean"]),
            change=change_in_words(words, rest, abs(row["diff"])).lstrip("+"),
            interval=words.interval(row["ci_lo"], row["ci_hi"], lambda v: change_in_words(words, rest, v)),
            n=words.number(row["n"]),
        )
        lines.append(" ".join([sentence, *_per_hundred(words, rest, row)]))
    more = len(proven) - 6
    if more > 0:
        lines.append(
            words.ngettext("{n} further group differs; see the table.", "{n} further groups differ; see the table.", more).format(
                n=words.number(more)
            )
        )
    lines.append(
        _("Other groups do not differ from the other customers by more than chance; {n} comparisons were made and allowed for.").format(
            n=count
        )
        if left
        else _("{n} comparisons were made and allowed for.").format(n=count)
    )
    return lines


def _per_hundred(words, rest, row):
    """A difference of means as so many more or fewer delighted customers per hundred; nothing where the two point in opposite ways."""
    _, diff = words.gettext, row.get("risk_diff", np.nan)
    if is_share(rest) or np.isnan(diff) or np.sign(diff) != np.sign(row["diff"]) or abs(diff) < 0.005:
        return []
    limits = sorted(100 * np.sign(diff) * np.array([row["risk_diff_lo"], row["risk_diff_hi"]]))
    return [
        (
            _("Of every 100 customers {x} more are delighted (interval {interval}).")
            if diff > 0
            else _("Of every 100 customers {x} fewer are delighted (interval {interval}).")
        ).format(x=words.number(100 * abs(diff)), interval=words.interval(*limits, words.number))
    ]


def _group_sentence(words, yes_no, above):
    _ = words.gettext
    if yes_no and above:
        return _("{by}: of **{group}** {mean} are satisfied, {change} points above the others (interval {interval}, n = {n}).")
    if yes_no:
        return _("{by}: of **{group}** {mean} are satisfied, {change} points below the others (interval {interval}, n = {n}).")
    if above:
        return _("{by}: **{group}** gives {mean}; that is {change} above the others (interval {interval}, n = {n}).")
    return _("{by}: **{group}** gives {mean}; that is {change} below the others (interval {interval}, n = {n}).")


def _group_note(levels, words):
    _ = words.gettext
    notes = [
        _(
            "Difference: the group against all other customers. Differences in bold are more than chance after correction for all comparisons."
        )
    ]
    if (levels.table["status"] == "low_base").any():
        notes.append(_("Figures of groups with fewer than 50 answers are rough."))
    return " ".join(notes)


@table(
    title=lambda levels, rest, words, **options: words.gettext("Satisfaction by group"),
    note=lambda levels, rest, words, **options: _group_note(levels, words),
)
def group_table(levels, rest, words, **options):
    """Every group with its mean, delight share and difference from the others."""
    _ = words.gettext
    t = (
        levels.table.merge(rest.table[["by", "group", "diff", "p_adj"]], on=["by", "group"], how="left")
        if len(rest.table)
        else levels.table
    )
    for column in ("diff", "p_adj"):
        t = t if column in t else t.assign(**{column: np.nan})
    names = [
        words.by("whole") if by == "whole" else f"{words.before_colon(by)}: {words.group(by, g)}" for by, g in zip(t["by"], t["group"])
    ]
    columns = [
        Column(_("Group"), names),
        Column(_("n"), t["n"].tolist(), "count"),
        Column(
            _("Satisfied") if is_share(levels) else _("Mean grade"),
            t["mean"].tolist(),
            mean_format(levels),
            t["ci_lo"].tolist(),
            t["ci_hi"].tolist(),
        ),
    ]
    if not is_share(levels) and t["share_delighted"].notna().any():
        shares = [t[f"share_delighted{end}"].tolist() for end in ("", "_lo", "_hi")]
        columns.append(Column(_("Delighted"), shares[0], "percent", shares[1], shares[2]))
    diff = 100 * t["diff"] if is_share(levels) else t["diff"]
    columns.append(
        Column(_("Difference"), diff.tolist(), "points" if is_share(levels) else "signed2", emphasis=(t["p_adj"] < ALPHA).tolist())
    )
    columns.append(Column("p", t["p_adj"].tolist(), "p"))
    return columns


# ---- parts of the service ---------------------------------------------------------------------------------------------


def _sorted_attributes(attributes):
    t = attributes.table
    reach = (t["mean"] - t["scale_min"]) / (t["scale_max"] - t["scale_min"])
    return t.assign(reach=reach).sort_values(["reach", "attribute"], ascending=[False, True], na_position="last")


@table(
    title=lambda attributes, words, **options: words.gettext("How customers grade the parts of our service"),
    note=lambda attributes, words, **options: words.gettext(
        "In the order of the grades. A high grade does not mean that a part matters much; which parts matter is shown with the drivers."
    ),
)
def attribute_table(attributes, words, **options):
    """Every part of the service with its mean and the share in the highest band."""
    _, t = words.gettext, _sorted_attributes(attributes)
    limits = [t[c].tolist() for c in ("ci_lo", "ci_hi")]
    columns = [
        Column(_("Part of the service"), [words.column(a) for a in t["attribute"]]),
        Column(_("n"), t["n"].tolist(), "count"),
    ]
    if t["n_not_applicable"].sum() > 0:
        columns.append(Column(_("Not applicable"), t["n_not_applicable"].tolist(), "count"))
    scales = t[["scale_min", "scale_max"]].drop_duplicates()
    if len(scales) > 1:
        columns.append(Column(_("Scale"), [f"{point(words, a)}–{point(words, b)}" for a, b in zip(t["scale_min"], t["scale_max"])]))
    columns.append(Column(_("Mean grade"), t["mean"].tolist(), "grade", *limits))
    if t["share_delighted"].notna().any():
        columns.append(
            Column(
                _("Highest grades"),
                t["share_delighted"].tolist(),
                "percent",
                t["share_delighted_lo"].tolist(),
                t["share_delighted_hi"].tolist(),
            )
        )
    return columns


# ---- targets ----------------------------------------------------------------------------------------------------------


@table(
    title=lambda targets, words, **options: words.gettext("Targets and benchmarks beside our results"),
    note=lambda targets, words, **options: words.gettext(
        "Targets and benchmarks are aims and comparisons; they are not tested. Other organisations may have asked otherwise or asked other customers."
    ),
)
def target_table(targets, words, **options):
    """What was aimed at and what others reach, beside what was found."""
    _, t = words.gettext, targets.table[targets.table["reference"].notna()]
    measures = {
        "mean": _("Mean grade: “{question}”"),
        "share_delighted": _("Delighted customers: “{question}”"),
        "share_le_6": _("6 or less: “{question}”"),
        "share_max": _("Highest grade: “{question}”"),
        "nps": _("Net promoter score"),
    }
    kinds = {"target": _("target"), "benchmark": _("benchmark")}

    def show(measure, value):
        if measure == "nps":
            return words.points(value)
        return words.grade(value) if measure == "mean" else words.percent(value)

    def reference(row):
        about = ", ".join(str(x) for x in (row["name"], row["source"], "" if np.isnan(row["year"]) else f"{row['year']:.0f}") if x)
        kind = kinds[row["kind"]]
        return f"{show(row['measure'], row['reference'])} ({kind}{': ' + about if about else ''})"

    rows = t.to_dict("records")
    names = [measures.get(r["measure"], r["measure"]).format(question=words.column(r["column"])) for r in rows]
    return [
        Column(_("Measure"), names),
        Column(_("Result"), [show(r["measure"], r["value"]) for r in rows]),
        Column(_("Interval"), [words.interval(r["ci_lo"], r["ci_hi"], lambda v, m=r["measure"]: show(m, v)) for r in rows]),
        Column(_("Target or benchmark"), [reference(r) for r in rows]),
    ]

"""How satisfied customers are: level, spread, promoters, waves, groups, parts of the service and locations."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.show.charts import Chart, Series
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table
from delight.show.words import TOGETHER

#: Level below which a corrected p counts as a difference.
ALPHA = 0.05
BAND_COLOURS = {"low": COLOURS["dissatisfied"], "middle": COLOURS["satisfied"], "delighted": COLOURS["delighted"], "": COLOURS["satisfied"]}
#: Most rows a figure of locations can hold on a page.
MOST_LOCATIONS = 50


# ---- shared words ----------------------------------------------------------------------------------------------------


def _point(words, value):
    """A point of a scale, without needless decimals."""
    return words.number(value, 0 if float(value).is_integer() else 1)


def _is_share(result):
    """Whether the question is answered with yes (1) or no (0), so that its mean is a share."""
    scale = result.meta.get("scale") or {}
    return (scale.get("min"), scale.get("max")) == (0, 1)


def _mean(words, result, value):
    return words.percent(value) if _is_share(result) else words.grade(value)


def _mean_interval(words, result, lo, hi):
    return words.interval(lo, hi, words.percent if _is_share(result) else words.grade)


def _mean_format(result):
    return "percent" if _is_share(result) else "grade"


def _change(words, result, value):
    """A difference of means: points of the scale, or percentage points for a yes-or-no question."""
    return words.signed(100 * value, 1) if _is_share(result) else words.signed(value, 2)


def _row(result, by="whole", group=""):
    table = result.table
    return table[(table["by"] == by) & (table["group"] == group)].iloc[0]


def _no_estimate(words, status):
    """Why there is no figure."""
    _ = words.gettext
    if status == "suppressed":
        return _("Too few customers answered to show this without giving away who they are.")
    if status == "not_identified":
        return _("This question was not asked on a scale from which the figure can be computed.")
    return _("Nobody answered this question.")


def band_name(words, band, low, high, yes_no=False):
    """Name of a score band with its limits, such as "delighted (9–10)"; of a yes-or-no question "satisfied" and "not satisfied"."""
    _ = words.gettext
    if yes_no:
        return _("satisfied") if band == "delighted" else _("not satisfied")
    limits = _point(words, high) if low == high else words.interval(low, high, lambda v: _point(words, v))
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


# ---- level -----------------------------------------------------------------------------------------------------------


@reading
def level(levels, bands, words, role="overall", **options):
    """Where we stand: mean, spread, delight share and the share below."""
    _, row = words.gettext, _row(levels)
    paragraphs = []
    if role == "recommend":
        paragraphs.append(
            _(
                "Nobody was asked how satisfied they are overall. In this report the question about recommending takes its place: “{question}”"
            ).format(question=words.column(levels.meta["y"]))
        )
    if np.isnan(row["mean"]):
        return [*paragraphs, _no_estimate(words, row["status"])]
    n = words.number(row["n"])
    if _is_share(levels):
        text = _("Of {n} customers, **{share}** are satisfied (interval {interval}).").format(
            n=n, share=words.percent(row["mean"]), interval=_mean_interval(words, levels, row["ci_lo"], row["ci_hi"])
        )
        return [*paragraphs, " ".join([text, *caveats(levels, words)])]
    scale = levels.meta["scale"]
    first = _("{n} customers gave a grade. On average they gave **{mean}** on a scale of {low} to {high} (interval {interval}).").format(
        n=n,
        mean=words.grade(row["mean"]),
        low=_point(words, scale["min"]),
        high=_point(words, scale["max"]),
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
        shown = {"share": words.percent(row["share_delighted"]), "point": _point(words, row["delight_from"]), "interval": interval}
        sentences.append(text.format(**shown))
    low = _band(bands, "low")
    if low is not None and not np.isnan(low["share"]) and len(bands.table["band"].unique()) > 2:
        sentences.append(
            _("{share} gave {point} or less (interval {interval}).").format(
                share=words.percent(low["share"]),
                point=_point(words, low["high_edge"]),
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
    return _("How many customers are satisfied?") if _is_share(distribution) else _("How are the grades spread?")


def _band_shares(bands, words):
    rows = bands.table[bands.table["by"] == "whole"] if len(bands.table) else bands.table
    yes_no = _is_share(bands)
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
    elif _is_share(distribution):
        return _("Share of customers by answer; the thin lines are intervals.")
    else:
        text = _("Share of customers by grade; the thin lines are intervals.")
    return " ".join([text, _("The zones: {zones}.").format(zones="; ".join(shares))] if shares else [text])


def _distribution_alt(distribution, bands, words, **options):
    rows = distribution.table[distribution.table["by"] == "whole"].dropna(subset=["share"])
    y, yes_no = distribution.meta.get("y"), _is_share(distribution)
    names = [words.answer(y, p) if yes_no else _point(words, p) for p in rows["point"]]
    values = words.listed([f"{name}: {words.percent(share)}" for name, share in zip(names, rows["share"])])
    return words.gettext("Bar chart of the share of customers by grade: {values}.").format(values=values)


def _distribution_chart(distribution, bands, words, **options):
    rows, y = distribution.table[distribution.table["by"] == "whole"], distribution.meta.get("y")
    yes_no = _is_share(distribution)
    names = [words.answer(y, p) if yes_no else _point(words, p) for p in rows["point"]]
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
            name = f"{band_name(words, zone.band, zone.low_edge, zone.high_edge, _is_share(bands))}\n{words.percent(zone.share)}"
            ax.annotate(
                name, (mine.mean(), line), (0, 3), textcoords="offset points", ha="center", va="bottom", fontsize=8, linespacing=1.25
            )
    y, yes_no = distribution.meta.get("y"), _is_share(distribution)
    ax.set_xticks(at, [words.answer(y, p) if yes_no else _point(words, p) for p in rows["point"]])
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


# ---- promoters -------------------------------------------------------------------------------------------------------


@reading
def promoters(nps, words, **options):
    """Net promoter score with the three shares it hides."""
    _, row = words.gettext, _row(nps)
    if np.isnan(row["nps"]):
        return [_no_estimate(words, row["status"])]
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


# ---- waves -----------------------------------------------------------------------------------------------------------

_MEASURES = ("mean", "share_delighted", "nps")


def _measure_names(words, waves):
    _ = words.gettext
    return {
        "mean": _("Satisfied") if _is_share(waves) else _("Mean grade"),
        "share_delighted": _("Delighted customers"),
        "nps": _("Net promoter score"),
    }


def _measures(waves):
    """Measures to show: of a yes-or-no question the share of delighted is the mean again."""
    present = [m for m in _MEASURES if (waves.table["measure"] == m).any()]
    return [m for m in present if not (m == "share_delighted" and _is_share(waves))]


def _followed(waves):
    """Measures that at least two waves have."""
    known = waves.table[waves.table["value"].notna()]
    return [m for m in _measures(waves) if (known["measure"] == m).sum() > 1]


def _shown_by(words, waves, measure):
    """Values beside their change: means with two decimals and shares with one, so that the change adds up."""
    if measure == "nps":
        return words.points
    if measure == "share_delighted" or _is_share(waves):
        return lambda value: words.percent(value, 1)
    return lambda value: words.number(value, 2)


def _shown_change(words, waves, measure, value):
    if measure == "nps":
        return words.points(value)
    if measure == "share_delighted" or _is_share(waves):
        return words.signed(100 * value, 1)
    return words.signed(value, 2)


@reading
def waves(waves, words, **options):
    """What changed since the wave before, measure by measure; only what survives the correction is called a change."""
    _ = words.gettext
    found = []
    for measure in _measures(waves):
        rows = waves.table[(waves.table["measure"] == measure) & waves.table["value"].notna()]
        if len(rows) < 2 or np.isnan(rows.iloc[-1]["change"]):
            continue
        row = rows.iloc[-1]
        before = rows[rows["group"] == row["previous"]]
        if before.empty:
            continue
        show = _shown_by(words, waves, measure)
        proven = row["p_adj"] < ALPHA
        sentence = _change_sentence(words, waves, measure, None if not proven else row["change"] > 0)
        found.append(
            sentence.format(
                before=show(before.iloc[0]["value"]),
                now=show(row["value"]),
                change=_shown_change(words, waves, measure, row["change"]),
                interval=words.interval(row["change_lo"], row["change_hi"], lambda v, m=measure: _shown_change(words, waves, m, v)),
                mdc=_shown_change(words, waves, measure, row["mdc"]).lstrip("+"),
                wave=words.wave(row["previous"]),
            )
        )
    if not found:
        return [_("This is the first measurement, so nothing can be said yet about change.")]
    found += _make_up(words, waves)
    if waves.note("matched"):
        n = words.number(waves.note("matched").values["n"])
        found.append(_("{n} customers answered in two measurements running; the tests allow for that.").format(n=n))
    return [" ".join(found)]


def _make_up(words, waves):
    """Whether the newest change of the mean comes from who answered, where the make-up of those who answered is known."""
    _ = words.gettext
    rows = waves.table[(waves.table["measure"] == "mean") & waves.table["value"].notna()]
    if rows.empty or "mix_part" not in rows or np.isnan(rows.iloc[-1]["mix_part"]):
        return []
    row, show = rows.iloc[-1], lambda v: _shown_change(words, waves, "mean", v)
    told = {
        "mix": show(row["mix_part"]),
        "interval": words.interval(row["mix_part_lo"], row["mix_part_hi"], show),
        "alike": show(row["adjusted_change"]),
        "alike_interval": words.interval(row["adjusted_change_lo"], row["adjusted_change_hi"], show),
    }
    if row["mix_part_p_adj"] < ALPHA:
        return [
            _(
                "Other kinds of customers answered than last time, which accounts for {mix} of the difference (interval {interval}). "
                "Among comparable customers it is {alike} (interval {alike_interval})."
            ).format(**told)
        ]
    if row["p_adj"] < ALPHA:
        return [
            _("Who answered does not explain it: among comparable customers the difference is {alike} (interval {alike_interval}).").format(
                **told
            )
        ]
    return []


def _change_sentence(words, waves, measure, rose):
    _ = words.gettext
    if measure == "mean" and not _is_share(waves):
        return {
            True: _("Since {wave} the mean grade rose from {before} to **{now}** ({change}, interval {interval})."),
            False: _("Since {wave} the mean grade fell from {before} to **{now}** ({change}, interval {interval})."),
            None: _(
                "The mean grade was {before} in {wave} and is **{now}** now. That difference can be chance "
                "({change}, interval {interval}); with this many answers a change of {mdc} or more would have shown with a probability of 80%."
            ),
        }[rose]
    if measure == "nps":
        return {
            True: _("The net promoter score rose from {before} to **{now}** ({change}, interval {interval})."),
            False: _("The net promoter score fell from {before} to **{now}** ({change}, interval {interval})."),
            None: _(
                "The net promoter score went from {before} to **{now}**, which can be chance ({change}, interval {interval}); "
                "a change of {mdc} points or more would have shown with a probability of 80%."
            ),
        }[rose]
    if _is_share(waves):
        return {
            True: _(
                "Since {wave} the share of satisfied customers rose from {before} to **{now}** ({change} points, interval {interval})."
            ),
            False: _(
                "Since {wave} the share of satisfied customers fell from {before} to **{now}** ({change} points, interval {interval})."
            ),
            None: _(
                "The share of satisfied customers was {before} in {wave} and is **{now}** now. That difference can be chance "
                "({change} points, interval {interval}); a change of {mdc} points or more would have shown with a probability of 80%."
            ),
        }[rose]
    return {
        True: _("The share of delighted customers rose from {before} to **{now}** ({change} points, interval {interval})."),
        False: _("The share of delighted customers fell from {before} to **{now}** ({change} points, interval {interval})."),
        None: _(
            "The share of delighted customers went from {before} to **{now}**, which can be chance ({change} points, interval {interval}); "
            "a change of {mdc} points or more would have shown with a probability of 80%."
        ),
    }[rose]


def _waves_title(waves, words, **options):
    return words.gettext("How has it developed?")


def _waves_caption(waves, words, **options):
    return words.gettext("Dots are measurements, with their intervals. A filled dot differs from the one before by more than chance.")


def _waves_alt(waves, words, **options):
    names, parts = _measure_names(words, waves), []
    for measure in _followed(waves):
        rows = waves.table[(waves.table["measure"] == measure) & waves.table["value"].notna()]
        show = _shown_by(words, waves, measure)
        parts.append(f"{names[measure]}: " + ", ".join(f"{words.wave(r['group'])} {show(r['value'])}" for _, r in rows.iterrows()))
    return words.gettext("Results by measurement. {values}.").format(values="; ".join(parts))


def _waves_chart(waves, words, **options):
    names, charts = _measure_names(words, waves), []
    for measure in _followed(waves):
        rows = waves.table[waves.table["measure"] == measure].sort_values("wave_order")
        share = measure == "share_delighted" or (measure == "mean" and _is_share(waves))
        values = Series("", rows["value"], rows["ci_lo"], rows["ci_hi"], COLOURS["main"])
        format = "percent" if share else "points" if measure == "nps" else "number2"
        charts.append(Chart("line", [words.wave(g) for g in rows["group"]], [values], format, title=names[measure]))
    return charts


@figure(title=_waves_title, caption=_waves_caption, alt=_waves_alt, size=(170, 66), chart=_waves_chart)
def development(waves, ax, words, **options):
    """A panel a measure: value and interval by wave."""
    names, measures = _measure_names(words, waves), _followed(waves)
    ax.set_axis_off()
    gap, count = 0.07, len(measures)
    width = (1 - gap * (count - 1)) / max(count, 1)
    for i, measure in enumerate(measures):
        panel = ax.inset_axes([i * (width + gap), 0.12, width, 0.74])
        rows = waves.table[waves.table["measure"] == measure].sort_values("wave_order").reset_index(drop=True)
        at = np.arange(len(rows))
        factor = 100 if measure == "share_delighted" or (measure == "mean" and _is_share(waves)) else 1
        value, lo, hi = (factor * rows[c].to_numpy(dtype=float) for c in ("value", "ci_lo", "ci_hi"))
        known = ~np.isnan(value)
        panel.plot(at[known], value[known], color=COLOURS["satisfied"], linewidth=1.2, zorder=1)
        panel.vlines(at, lo, hi, color=COLOURS["main"], linewidth=1.4, zorder=2)
        proven = (rows["p_adj"] < ALPHA).to_numpy()
        faces = [COLOURS["main"] if p else "white" for p in proven[known]]
        panel.scatter(at[known], value[known], s=34, zorder=3, facecolors=faces, edgecolors=COLOURS["main"], linewidths=1.4)
        show = _shown_by(words, waves, measure)
        for x, row in zip(at[known], rows[known].itertuples()):
            panel.annotate(show(row.value), (x, factor * row.value), (7, 0), textcoords="offset points", va="center", fontsize=8)
        low, high = np.nanmin([lo, value]), np.nanmax([hi, value])
        room = max(0.18 * (high - low), {"nps": 4, "share_delighted": 2}.get(measure, 0.15))
        panel.set_ylim(low - room, high + room)
        panel.set_xlim(-0.4, len(rows) - 0.25)
        panel.set_xticks(at, [words.wave(g) for g in rows["group"]])
        panel.tick_params(axis="both", length=0)
        panel.yaxis.set_major_locator(_few_ticks())
        _number_ticks(panel.yaxis, (lambda v, d: words.percent(v / 100, d)) if factor == 100 else words.number)
        panel.grid(axis="y")
        panel.spines["left"].set_visible(False)
        panel.set_title(names[measure], loc="left", fontsize=8.5, color=COLOURS["ink"], pad=7)
    return ax


def _few_ticks(**options):
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(**{"nbins": 4, **options})


def _number_ticks(axis, show):
    """Ticks with as many decimals as tell neighbours apart."""
    ticks = axis.get_majorticklocs()
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1
    decimals = next((d for d in range(4) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 3)
    axis.set_major_formatter(lambda value, _: show(value, decimals))


@table(
    title=lambda waves, words, **options: words.gettext("Results by measurement"),
    note=lambda waves, words, **options: words.gettext(
        "p is corrected for all changes in this table. The last column is the change that would have shown with a probability of 80%."
    ),
)
def wave_table(waves, words, **options):
    """All measures by wave with change, p and the minimum detectable change, as text, since units differ by row."""
    _ = words.gettext
    names = _measure_names(words, waves)
    rows = waves.table[waves.table["measure"].isin(_measures(waves)) & (waves.table["n"] != 0)]  # not asked: no row
    shows = [_shown_by(words, waves, m) for m in rows["measure"]]

    def change(measure, value):
        if np.isnan(value):
            return "–"
        text = _shown_change(words, waves, measure, value)
        return _("{n} pp").format(n=text) if measure == "share_delighted" or _is_share(waves) else text

    return [
        Column(_("Measure"), [names[m] for m in rows["measure"]]),
        Column(_("Measurement"), [words.wave(g) for g in rows["group"]]),
        Column(_("n"), rows["n"].tolist(), "count"),
        Column(_("Result"), [show(v) for show, v in zip(shows, rows["value"])]),
        Column(_("Interval"), [words.interval(lo, hi, show) for show, lo, hi in zip(shows, rows["ci_lo"], rows["ci_hi"])]),
        Column(_("Change"), [change(m, v) for m, v in zip(rows["measure"], rows["change"])], emphasis=(rows["p_adj"] < ALPHA).tolist()),
        Column("p", rows["p_adj"].tolist(), "p"),
        Column(_("Detectable change"), [change(m, v).lstrip("+") for m, v in zip(rows["measure"], rows["mdc"])]),
    ]


@table(
    title=lambda waves, words, **options: words.gettext("Change, and who answered"),
    note=lambda waves, words, **options: words.gettext(
        "Who answered: the part of the change that goes with a different make-up of those who answered. How they grade: the part that goes with other grades "
        "of comparable customers; the two add up to the change. Comparable level: with the make-up of the newest measurement. Whether other "
        "customers answered because there are other customers, or because others took part, these figures cannot tell. In bold: more than chance, after correction."
    ),
)
def mix_table(waves, words, **options):
    """Every change divided into the make-up of those who answered and how comparable customers grade."""
    _ = words.gettext
    names = _measure_names(words, waves)
    rows = waves.table[waves.table["measure"].isin(_followed(waves)) & waves.table["adjusted"].notna()]
    shows = [_shown_by(words, waves, m) for m in rows["measure"]]

    def part(name):
        texts = []
        for r in rows.to_dict("records"):
            show = lambda v, m=r["measure"]: _shown_change(words, waves, m, v)  # noqa: E731
            known = not np.isnan(r[name])
            texts.append(
                _("{value} ({interval})").format(value=show(r[name]), interval=words.interval(r[f"{name}_lo"], r[f"{name}_hi"], show))
                if known
                else "–"
            )
        return texts

    return [
        Column(_("Measure"), [names[m] for m in rows["measure"]]),
        Column(_("Measurement"), [words.wave(g) for g in rows["group"]]),
        Column(_("Comparable level"), [show(v) for show, v in zip(shows, rows["adjusted"])]),
        Column(_("Change"), part("change"), emphasis=(rows["p_adj"] < ALPHA).tolist()),
        Column(_("Who answered"), part("mix_part"), emphasis=(rows["mix_part_p_adj"] < ALPHA).tolist()),
        Column(_("How they grade"), part("rate_part")),
    ]


# ---- groups ----------------------------------------------------------------------------------------------------------


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
        sentence = _group_sentence(words, _is_share(rest), row["diff"] > 0).format(
            by=words.before_colon(row["by"]),
            group=words.group(row["by"], row["group"]),
            mean=_mean(words, rest, row["mean"]),
            change=_change(words, rest, abs(row["diff"])).lstrip("+"),
            interval=words.interval(row["ci_lo"], row["ci_hi"], lambda v: _change(words, rest, v)),
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
    if _is_share(rest) or np.isnan(diff) or np.sign(diff) != np.sign(row["diff"]) or abs(diff) < 0.005:
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
            _("Satisfied") if _is_share(levels) else _("Mean grade"),
            t["mean"].tolist(),
            _mean_format(levels),
            t["ci_lo"].tolist(),
            t["ci_hi"].tolist(),
        ),
    ]
    if not _is_share(levels) and t["share_delighted"].notna().any():
        shares = [t[f"share_delighted{end}"].tolist() for end in ("", "_lo", "_hi")]
        columns.append(Column(_("Delighted"), shares[0], "percent", shares[1], shares[2]))
    diff = 100 * t["diff"] if _is_share(levels) else t["diff"]
    columns.append(
        Column(_("Difference"), diff.tolist(), "points" if _is_share(levels) else "signed2", emphasis=(t["p_adj"] < ALPHA).tolist())
    )
    columns.append(Column("p", t["p_adj"].tolist(), "p"))
    return columns


# ---- parts of the service --------------------------------------------------------------------------------------------


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
        columns.append(Column(_("Scale"), [f"{_point(words, a)}–{_point(words, b)}" for a, b in zip(t["scale_min"], t["scale_max"])]))
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


# ---- locations -------------------------------------------------------------------------------------------------------


@reading
def locations(locations, spread, words, **options):
    """Which locations clearly differ from the rest of their label, by the rule and nothing else."""
    _, t = words.gettext, locations.table
    shown = t[t["raw"].notna()]
    if locations.status == "not_identified":
        return [_("There are too few locations to say how much locations differ; their own results stand as they are.")]
    s = spread.table.iloc[0]
    found = []
    if not np.isnan(s["tau"]) and not _is_share(locations):
        n = int(s["locations"]) + _more_together(t)
        about = {"tau": words.number(s["tau"], 2), "interval": words.interval(s["tau_lo"], s["tau_hi"], lambda v: words.number(v, 2))}
        found.append(
            words.ngettext("There are answers from {n} location.", "There are answers from {n} locations.", n).format(n=words.number(n))
        )
        found.append(
            _("The true level of a location typically lies {tau} from the middle of its label (interval {interval}).").format(**about)
            if _labelled(locations)
            else _("The true level of a location typically lies {tau} from the middle of all locations (interval {interval}).").format(
                **about
            )
        )
        if s["icc_hi"] < 0.25:
            found.append(_("Customers of one location differ far more among themselves than locations do."))
    labelled = _labelled(locations)
    lines = [" ".join(found)] if found else []
    for flag in ("below", "above"):
        names = [_with_label(words, r) for r in shown[shown["flag"] == flag].to_dict("records")]
        if names:
            lines.append("**" + _flag_sentence(words, flag, len(names), labelled).format(names=words.listed(names)) + "**")
    if not (shown["flag"].fillna("") != "").any():
        lines.append(
            _("No location clearly differs from the rest of its label.") if labelled else _("No location clearly differs from the others.")
        )
    else:
        lines.append(
            _("The other locations do not clearly differ from the rest of their label.")
            if labelled
            else _("None of the remaining locations clearly differs.")
        )
    lines.append(
        _(
            "Results of a single location rest on few answers. The pooled result therefore borrows from the other locations of its label, "
            "the more so the fewer answers it has itself. Locations are not ranked: most differences between them are chance."
        )
        if labelled
        else _(
            "Results of a single location rest on few answers. The pooled result therefore borrows from the other locations, "
            "the more so the fewer answers it has itself. Locations are not ranked: most differences between them are chance."
        )
    )
    return lines


def _more_together(table):
    """How many more locations there are than rows: hidden ones share a row."""
    return sum(str(name).count(TOGETHER) for name in table.loc[table["status"] == "suppressed", "location"])


def _labelled(locations):
    """Whether locations have labels, so that each is compared with the rest of its own."""
    return bool((locations.table["label"].fillna("") != "").any())


def _flag_sentence(words, flag, count, labelled):
    ngettext = words.ngettext
    if labelled and flag == "below":
        return ngettext("{names} lies clearly below the rest of its label.", "{names} lie clearly below the rest of their label.", count)
    if labelled:
        return ngettext("{names} lies clearly above the rest of its label.", "{names} lie clearly above the rest of their label.", count)
    if flag == "below":
        return ngettext("{names} lies clearly below the other locations.", "{names} lie clearly below the other locations.", count)
    return ngettext("{names} lies clearly above the other locations.", "{names} lie clearly above the other locations.", count)


def _with_label(words, row):
    name = words.location(row["location"])
    return f"{name} ({row['label']})" if row["label"] else name


def _drawn(locations):
    """Rows that fit a page, by label and name: all, or those flagged and those with most answers."""
    t = locations.table
    t = t[t["raw"].notna()]
    if len(t) > MOST_LOCATIONS:
        t = t.assign(first=(t["flag"] != "").astype(int)).sort_values(["first", "n"], ascending=False).head(MOST_LOCATIONS)
    return t.sort_values(["label", "location"], kind="stable")


def _location_size(locations, *others, **options):
    rows = _drawn(locations)
    return 170, 26 + 4.1 * len(rows) + 1.6 * rows["label"].nunique()


def _location_title(locations, words, **options):
    _ = words.gettext
    return _("How do locations compare with their label?") if _labelled(locations) else _("How do locations compare?")


def _location_caption(locations, words, **options):
    _ = words.gettext
    t, drawn = locations.table, _drawn(locations)
    text = [
        _("Open dot: the grade of the location's own answers. Filled dot and line: the pooled grade with its interval, the better guess.")
    ]
    if (drawn["flag"].fillna("") != "").any():
        text.append(
            _("A location in colour clearly differs from the rest of its label.")
            if _labelled(locations)
            else _("A location in colour clearly differs from the others.")
        )
    left = int(t["raw"].notna().sum()) - len(drawn)
    if left > 0:
        text.append(
            words.ngettext(
                "{n} location with few answers is in the annex only.", "{n} locations with few answers are in the annex only.", left
            ).format(n=words.number(left))
        )
    hidden = int((t["status"] == "suppressed").sum()) + _more_together(t)
    if hidden:
        text.append(
            words.ngettext(
                "{n} location is not shown, to protect the customers who answered.",
                "{n} locations are not shown, to protect the customers who answered.",
                hidden,
            ).format(n=words.number(hidden))
        )
    return " ".join(text)


def _location_alt(locations, words, **options):
    rows = _drawn(locations)
    values = "; ".join(f"{_with_label(words, r)}: {words.grade(r['pooled'])}" for r in rows.to_dict("records"))
    return words.gettext("Dot plot of the pooled grade of each location: {values}.").format(values=values)


@figure(title=_location_title, caption=_location_caption, alt=_location_alt, size=_location_size)
def location_figure(locations, ax, words, **options):
    """Raw and pooled level of each location, by label; nothing is ordered by result."""
    _ = words.gettext
    rows = _drawn(locations)
    factor = 100 if _is_share(locations) else 1
    colours = {"": COLOURS["soft"], "below": COLOURS["second"], "above": COLOURS["main"]}
    y, ticks, names, edges = 0.0, [], [], []
    for label, mine in rows.groupby("label", sort=True):
        start = y
        for row in mine.to_dict("records"):
            colour = colours.get(row["flag"], COLOURS["soft"])
            if not np.isnan(row["pooled"]):
                ax.hlines(y, factor * row["lo"], factor * row["hi"], color=colour, linewidth=1.6)
                ax.scatter(factor * row["pooled"], y, s=22, color=colour, zorder=3)
            ax.scatter(factor * row["raw"], y, s=18, facecolors="none", edgecolors=colour, linewidths=0.9, zorder=2)
            ticks.append(y)
            names.append(_("{location} (n = {n})").format(location=words.location(row["location"]), n=words.number(row["n"])))
            y += 1
        edges.append((label, start, y - 1))
        y += 0.4
    ax.set_yticks(ticks, names, fontsize=7)
    ax.set_ylim(y - 0.6, -0.8)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)
    for label, start, end in edges:
        if label:
            ax.annotate(
                label,
                (1.01, (start + end) / 2),
                xycoords=("axes fraction", "data"),
                va="center",
                ha="left",
                fontsize=7.5,
                color=COLOURS["soft"],
            )
            ax.plot(
                [1.003, 1.003],
                [start - 0.35, end + 0.35],
                color=COLOURS["grid"],
                linewidth=1,
                transform=ax.get_yaxis_transform(),
                clip_on=False,
            )
    ax.set_xlabel(_("Satisfied (%)") if _is_share(locations) else _("Mean grade"))
    ax.xaxis.set_major_locator(_few_ticks(steps=[1, 2, 5, 10], nbins=8))
    _number_ticks(ax.xaxis, words.number)
    return ax


def _location_note(locations, shares, words, **options):
    _ = words.gettext
    if _labelled(locations):
        return _(
            "Raw: the location's own answers, with the part of its customers that answered allowed for. Pooled: together with the rest of "
            "its label; “own part” says how much its own answers count. In the order of labels and names; this is no ranking."
        )
    return _(
        "Raw: the location's own answers, with the part of its customers that answered allowed for. Pooled: together with the other "
        "locations; “own part” says how much its own answers count. In the order of names; this is no ranking."
    )


@table(title=lambda locations, shares, words, **options: words.gettext("Results by location, raw and pooled"), note=_location_note)
def location_table(locations, shares, words, **options):
    """Every location: n, raw and pooled mean, how much its own answers count, delight share, and the flag of the rule."""
    _ = words.gettext
    t = locations.table.merge(shares.table[["location", "pooled", "lo", "hi"]], on="location", how="left", suffixes=("", "_share"))
    t = t.sort_values(["label", "location"], kind="stable")
    labelled = _labelled(locations)
    flags = {"below": _("below its label"), "above": _("above its label")}
    if not labelled:
        flags = {"below": _("below the others"), "above": _("above the others")}
    raw = [t[c].tolist() for c in ("raw", "raw_lo", "raw_hi")]
    pooled = [t[c].tolist() for c in ("pooled", "lo", "hi")]
    share = [t[f"{c}_share"].tolist() for c in ("pooled", "lo", "hi")]
    form = _mean_format(locations)
    columns = [Column(_("Location"), [words.location(g) for g in t["location"]])]
    if labelled:
        columns.append(Column(_("Label"), t["label"].tolist()))
    columns += [
        Column(_("n"), t["n"].tolist(), "count"),
        Column(_("Raw"), raw[0], form, raw[1], raw[2]),
        Column(_("Pooled"), pooled[0], form, pooled[1], pooled[2]),
        Column(_("Own part"), (1 - t["shrinkage"]).tolist(), "percent"),
    ]
    if not _is_share(locations) and pd.Series(share[0]).notna().any():
        columns.append(Column(_("Delighted, pooled"), share[0], "percent", share[1], share[2]))
    heading = _("Compared with its label") if labelled else _("Compared with the others")
    marks = [flags.get(f, "") for f in t["flag"].fillna("")]
    columns.append(Column(heading, marks, emphasis=[bool(m) for m in marks]))
    return columns


# ---- targets ---------------------------------------------------------------------------------------------------------


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

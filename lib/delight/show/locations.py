"""All locations side by side: raw and pooled levels, with no ranking."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd

from delight.show.levels import few_ticks, is_share, mean_format, number_ticks
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table
from delight.show.words import TOGETHER

#: Most rows a figure of locations can hold on a page.
MOST_LOCATIONS = 50


@reading
def locations(locations, spread, words, **options):
    """Which locations clearly differ from the rest of their label, by the rule and nothing else."""
    _, t = words.gettext, locations.table
    shown = t[t["raw"].notna()]
    if locations.status == "not_identified":
        return [_("There are too few locations to say how much locations differ; their own results stand as they are.")]
    s = spread.table.iloc[0]
    found = []
    if not np.isnan(s["tau"]) and not is_share(locations):
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
    factor = 100 if is_share(locations) else 1
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
            name = fill(words.location(row["location"]), 48, max_lines=1, placeholder=" …")  # whole in the table
            names.append(_("{location} (n = {n})").format(location=name, n=words.number(row["n"])))
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
                fill(label, 26, max_lines=1 + int(end - start), placeholder=" …"),
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
    ax.set_xlabel(_("Satisfied (%)") if is_share(locations) else _("Mean grade"))
    ax.xaxis.set_major_locator(few_ticks(steps=[1, 2, 5, 10], nbins=8))
    number_ticks(ax.xaxis, words.number)
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
    form = mean_format(locations)
    columns = [Column(_("Location"), [words.location(g) for g in t["location"]])]
    if labelled:
        columns.append(Column(_("Label"), t["label"].tolist()))
    columns += [
        Column(_("n"), t["n"].tolist(), "count"),
        Column(_("Raw"), raw[0], form, raw[1], raw[2]),
        Column(_("Pooled"), pooled[0], form, pooled[1], pooled[2]),
        Column(_("Own part"), (1 - t["shrinkage"]).tolist(), "percent"),
    ]
    if not is_share(locations) and pd.Series(share[0]).notna().any():
        columns.append(Column(_("Delighted, pooled"), share[0], "percent", share[1], share[2]))
    heading = _("Compared with its label") if labelled else _("Compared with the others")
    marks = [flags.get(f, "") for f in t["flag"].fillna("")]
    columns.append(Column(heading, marks, emphasis=[bool(m) for m in marks]))
    return columns

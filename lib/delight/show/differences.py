"""What delights one customer and not another: drivers by segment, opposite effects, the gain of targeting, spread over locations."""

from __future__ import annotations

import textwrap

import numpy as np

from delight.show.charts import Chart, Series
from delight.show.theme import COLOURS, CYCLE
from delight.show.views import Column, figure, reading, table

#: Level below which a corrected p counts; experiences named in one sentence.
ALPHA, MOST = 0.05, 3
MARKERS = ("o", "s", "D", "^", "v", "P")


def _name(words, by, group):
    return words.group(by, group) if group else words.by("whole")


def _segments(effects):
    """(name of the grouping, rows of segments that may be shown)."""
    found = effects.table[(effects.table["by"] != "whole") & (effects.table["status"] != "suppressed")]
    return effects.meta.get("by", "segment"), found


def _value(row):
    """(effect, lo, hi) to show: the segment's own, or drawn towards the others where it is small."""
    front = "pooled" if row["front"] == "pooled" and np.isfinite(row["pooled"]) else "effect"
    return (row["pooled"], row["pooled_lo"], row["pooled_hi"]) if front == "pooled" else (row["effect"], row["ci_lo"], row["ci_hi"])


def _shown(words, value):
    return words.signed(value, 2)


# ---- the message -----------------------------------------------------------------------------------------------------


@reading
def apart(effects, tests, targeting, words, **options):
    """Whether segments differ in what matters, what works in opposite directions, and whether it pays to treat them differently."""
    _ = words.gettext
    by, rows = _segments(effects)
    if effects.note("no_segments"):
        return [_("There are no segments to compare, so one list of what matters holds for all customers.")]
    if effects.status == "suppressed" or rows.empty:
        return [_("Too few customers answered to show this without giving away who they are.")]
    known = tests.table[tests.table["p"].notna()]
    if known.empty:
        return [_("The segments are too small to say whether different things matter to them.")]
    paragraphs = [" ".join(_overall(effects, known, words))]
    flips = known[known["verdict"] == "flips"].sort_values("q_flip")
    paragraphs += [_flip(words, by, rows, r) for _i, r in flips.iterrows()]
    differs = known[known["verdict"] == "differs"].sort_values("q")
    if len(differs):
        paragraphs.append(" ".join(_stronger(words, by, rows, r) for _i, r in differs.head(MOST).iterrows()))
    return [*paragraphs, " ".join([*_gain(targeting, by, words), *_cautions(effects, rows, by, words)])]


def _overall(effects, tests, words):
    _ = words.gettext
    chow = effects.note("chow").values
    n = len(tests)
    if chow.get("ranked"):
        text = _("Not everything matters equally to every segment (test over {n} experiences, p {p}).")
    else:
        text = _(
            "That different things matter to the segments could not be shown (test over {n} experiences, p {p}). That is no proof that they want "
            "the same; it means that a list for each segment would mostly rank chance."
        )
    found = [text.format(n=words.number(n), p=words.p_value(chow.get("p")))]
    if not (tests["verdict"] == "flips").any():
        found.append(_("Nothing was found that pleases one segment and annoys another."))
    return found


def _of(rows, attribute, group):
    return rows[(rows["attribute"] == attribute) & (rows["group"] == group)].iloc[0] if group in set(rows["group"]) else None


def _pair(words, by, rows, test):
    """(values to fill in) for the segments with the highest and the lowest effect; None where one may not be shown."""
    high, low = _of(rows, test["attribute"], test["highest"]), _of(rows, test["attribute"], test["lowest"])
    if high is None or low is None:
        return None
    (top, top_lo, top_hi), (bottom, bottom_lo, bottom_hi) = _value(high), _value(low)
    return {
        "experience": words.column(test["attribute"]),
        "high": _name(words, by, test["highest"]),
        "low": _name(words, by, test["lowest"]),
        "top": _shown(words, top),
        "bottom": _shown(words, bottom),
        "top_interval": words.interval(top_lo, top_hi, lambda v: _shown(words, v)),
        "bottom_interval": words.interval(bottom_lo, bottom_hi, lambda v: _shown(words, v)),
    }


def _flip(words, by, rows, test):
    _, pair = words.gettext, _pair(words, by, rows, test)
    if pair is None:
        return _("**{experience}** works in opposite directions in different segments.").format(experience=words.column(test["attribute"]))
    return _(
        "**{experience}** pleases one and annoys another: a point more goes with {top} for {high} (interval {top_interval}) and with {bottom} for {low} "
        "(interval {bottom_interval}). Do not raise it for everybody."
    ).format(**pair)


def _stronger(words, by, rows, test):
    _, pair = words.gettext, _pair(words, by, rows, test)
    if pair is None:
        return _("**{experience}** counts more for some segments than for others.").format(experience=words.column(test["attribute"]))
    return _(
        "**{experience}** counts most for {high} ({top} a point, interval {top_interval}) and least for {low} ({bottom}, interval {bottom_interval})."
    ).format(**pair)


def _gain(targeting, by, words):
    """What choosing by segment would bring."""
    _ = words.gettext
    whole = targeting.table[targeting.table["by"] == "whole"]
    if whole.empty or not np.isfinite(whole["targeting_gain"].iloc[0]) or whole["status"].iloc[0] == "suppressed":
        return []
    row = whole.iloc[0]
    common = {"experience": words.column(row["common"]), "effect": _shown(words, row["common_effect"])}
    found = [
        _("If one experience could be raised by a point for all, “{experience}” would bring most ({effect} in the overall score).").format(
            **common
        )
    ]
    gain = {"gain": _shown(words, row["targeting_gain"])}
    gain["interval"] = words.interval(row["targeting_gain_lo"], row["targeting_gain_hi"], lambda v: _shown(words, v))
    own = targeting.table[(targeting.table["by"] != "whole") & (targeting.table["status"] != "suppressed")]
    if row["targeting_gain_lo"] > 0:
        other = own[own["best"] != own["common"]]
        listed = [
            _("“{experience}” for {segment}").format(experience=words.column(r["best"]), segment=_name(words, by, r["group"]))
            for _i, r in other.iterrows()
        ]
        text = _("Giving each segment its own best instead ({choices}) would bring {gain} more a customer (interval {interval}).")
        found.append(text.format(choices=words.listed(listed), **gain))
    elif own["best"].eq(own["common"]).all() and abs(row["targeting_gain"]) < 1e-9:
        found.append(_("It is the best choice in every segment, so nothing is gained by treating them differently."))
    else:
        text = _(
            "That choosing by segment would bring more could not be shown (gain measured on other customers {gain}, interval {interval})."
        )
        found.append(text.format(**gain))
    found.append(_("These are relations, not promises: nobody tried it out."))
    return found


def _cautions(effects, rows, by, words):
    _, found = words.gettext, []
    pooled = effects.note("pooled")
    shown = [g for g in pooled.values["groups"] if g in set(rows["group"])] if pooled else []
    if shown:
        found.append(
            words.ngettext(
                "{segments} has fewer than {limit} respondents; its figures are drawn towards those of the others.",
                "{segments} have fewer than {limit} respondents; their figures are drawn towards those of the others.",
                len(shown),
            ).format(segments=words.listed([_name(words, by, g) for g in shown]), limit=words.number(pooled.values["limit"]))
        )
    left_out = [g for g, mine in rows.groupby("group", sort=False) if mine["status"].isin(["insufficient", "degenerate"]).all()]
    if left_out:
        found.append(
            _("Too few respondents for figures of their own: {segments}.").format(
                segments=words.listed([_name(words, by, g) for g in left_out])
            )
        )
    if effects.note("uncertain_membership"):
        found.append(_("Nobody belongs to a segment for certain; the figures are corrected for that, which makes their intervals wider."))
    return found


# ---- effects by segment ----------------------------------------------------------------------------------------------


def _order(tests):
    """Experiences with the most certain differences first."""
    t = tests.table.assign(flip=tests.table["verdict"].eq("flips"))
    return list(t.sort_values(["flip", "p"], ascending=[False, True], na_position="last")["attribute"])


def _figure_size(effects, tests, **options):
    items, segments = effects.table["attribute"].nunique(), effects.table.loc[effects.table["by"] != "whole", "group"].nunique()
    return 170, max(70, 26 + items * (4.0 + 2.4 * max(segments, 1)))


def _figure_caption(effects, tests, words, **options):
    _ = words.gettext
    return _(
        "What one point more goes with in the overall score, all other experiences equal; lines are intervals. Right of the line satisfaction is "
        "higher with it, left of it lower. Filled points: a difference between segments that survives the correction."
    )


def _drawn(effects):
    _by, rows = _segments(effects)
    rows = rows[rows["effect"].notna()]
    if rows.empty:
        return rows
    values = np.array([_value(r) for _i, r in rows.iterrows()], dtype=float)
    return rows.assign(value=values[:, 0], lo=values[:, 1], hi=values[:, 2])


def _figure_alt(effects, tests, words, **options):
    _ = words.gettext
    rows, by, parts = _drawn(effects), effects.meta.get("by", "segment"), []
    for attribute in _order(tests):
        mine = rows[rows["attribute"] == attribute]
        if len(mine):
            values = [
                _("{segment} {value}").format(segment=_name(words, by, r["group"]), value=_shown(words, r["value"]))
                for _i, r in mine.iterrows()
            ]
            parts.append(_("{experience}: {values}").format(experience=words.column(attribute), values=words.listed(values)))
    return _("Dots with intervals of the effect of each experience in every segment. {values}.").format(
        values="; ".join(parts) or words.number(np.nan)
    )


def _segment_chart(effects, tests, words, **options):
    rows, by = _drawn(effects), effects.meta.get("by", "segment")
    if rows.empty:
        return None
    order = [a for a in _order(tests) if a in set(rows["attribute"])]
    series = []
    for i, group in enumerate(dict.fromkeys(rows["group"])):
        mine = rows[rows["group"] == group].set_index("attribute").reindex(order)
        series.append(Series(_name(words, by, group), mine["value"], mine["lo"], mine["hi"], CYCLE[i % len(CYCLE)]))
    axis = words.gettext("Overall score, in points a point of the experience")
    return Chart("bar", [words.column(a) for a in order], series, "signed2", axis)


@figure(
    title=lambda effects, tests, words, **options: words.gettext("What does each experience do in every segment?"),
    caption=_figure_caption,
    alt=_figure_alt,
    size=_figure_size,
    chart=_segment_chart,
)
def by_segment(effects, tests, ax, words, **options):
    """Dots by experience and segment, the most certain differences on top."""
    _, rows, by = words.gettext, _drawn(effects), effects.meta.get("by", "segment")
    if rows.empty:
        ax.set_axis_off()
        ax.text(0.5, 0.5, _("There are too few answers for this figure."), ha="center", va="center", transform=ax.transAxes)
        return ax
    order = [a for a in _order(tests) if a in set(rows["attribute"])][::-1]
    at, sure = {a: y for y, a in enumerate(order)}, set(tests.table.loc[tests.table["verdict"].isin(["flips", "differs"]), "attribute"])
    names = list(dict.fromkeys(rows["group"]))
    for y in range(1, len(at)):
        ax.axhline(y - 0.5, color=COLOURS["grid"], linewidth=0.5, zorder=0)
    for i, group in enumerate(names):
        mine, colour, marker = rows[rows["group"] == group], CYCLE[i % len(CYCLE)], MARKERS[i % len(MARKERS)]
        shift = 0.26 * (len(names) - 1 - 2 * i) / max(len(names) - 1, 1)
        y = np.array([at[a] for a in mine["attribute"]]) + shift
        filled = mine["attribute"].isin(sure).to_numpy()
        ax.hlines(y, mine["lo"], mine["hi"], color=colour, linewidth=1.2, alpha=0.9)
        ax.plot(mine["value"][~filled], y[~filled], marker, color=colour, markersize=4.6, markerfacecolor="white")
        ax.plot(mine["value"][filled], y[filled], marker, color=colour, markersize=4.8)
        ax.plot([], [], marker, color=colour, markersize=4.8, label=_name(words, by, group))
    ax.axvline(0, color=COLOURS["soft"], linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(at)), ["\n".join(textwrap.wrap(words.column(a), 32)[:3]) for a in order])
    ax.set_ylim(-0.6, len(at) - 0.4)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_formatter(lambda value, _position: words.signed(value, 1))
    ax.set_xlabel(_("Overall score, in points a point of the experience"))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(len(names), 3), handletextpad=0.3)
    return ax


def _effects_note(effects, tests, words, **options):
    _ = words.gettext
    return _(
        "Points of the overall score a point of the experience, with interval. q tests whether the segments are alike, corrected for the number of "
        "experiences; in bold where they are not."
    )


@table(title=lambda effects, tests, words, **options: words.gettext("The effects in numbers"), note=_effects_note)
def effect_table(effects, tests, words, **options):
    """Effect of each experience for everybody and in every segment, with the test that they are alike."""
    _, by = words.gettext, effects.meta.get("by", "segment")
    order, found = _order(tests), effects.table
    test = tests.table.set_index("attribute").reindex(order)
    bold = test["verdict"].isin(["flips", "differs"]).tolist()
    columns = [Column(_("Experience"), [words.column(a) for a in order], emphasis=bold)]
    for group in dict.fromkeys(found["group"]):
        mine = found[found["group"] == group].set_index("attribute").reindex(order)
        values = np.array([_value(r) for _i, r in mine.iterrows()], dtype=float)
        columns.append(Column(_name(words, by, group), values[:, 0], "signed2", values[:, 1], values[:, 2]))
    return [*columns, Column("q", test["q"], "p", emphasis=bold)]


# ---- tests and gains, for the annex ----------------------------------------------------------------------------------


def _tests_note(tests, words, **options):
    _ = words.gettext
    return _(
        "The first test asks whether the effect is the same in all segments, the second (Gail and Simon) whether satisfaction is higher with it in one "
        "and lower in another. q is corrected for the number of experiences."
    )


@table(title=lambda tests, words, **options: words.gettext("Do the segments differ, and do effects turn round?"), note=_tests_note)
def test_table(tests, words, **options):
    """Both tests of every experience."""
    _, found, by = words.gettext, tests.table, tests.meta.get("by", "segment")
    verdicts = {"flips": _("opposite effects"), "differs": _("differs in strength"), "not_shown": _("no difference shown"), "": None}
    return [
        Column(_("Experience"), [words.column(a) for a in found["attribute"]]),
        Column(_("Equal effects: F"), found["wald_f"], "number2"),
        Column("p", found["p"], "p"),
        Column("q", found["q"], "p"),
        Column(_("Opposite effects: Q"), found["q_stat"], "number2"),
        Column("p", found["p_flip"], "p"),
        Column("q", found["q_flip"], "p"),
        Column(_("Highest"), [_name(words, by, g) if isinstance(g, str) else None for g in found["highest"]]),
        Column(_("Lowest"), [_name(words, by, g) if isinstance(g, str) else None for g in found["lowest"]]),
        Column(_("Verdict"), [verdicts.get(v) for v in found["verdict"]], emphasis=found["verdict"].isin(["flips", "differs"]).tolist()),
    ]


def _targeting_note(targeting, words, **options):
    _ = words.gettext
    return _(
        "Gain of raising by a point what matters most to the segment, instead of the one experience that is best for all. It is measured on customers who "
        "played no part in the choice, so it can be negative; what the same customers would have promised stands beside it."
    )


@table(title=lambda targeting, words, **options: words.gettext("Does it pay to treat segments differently?"), note=_targeting_note)
def targeting_table(targeting, words, **options):
    """Best choice for all and of each segment, with the cross-fitted gain."""
    _, found, by = words.gettext, targeting.table, targeting.meta.get("by", "segment")
    return [
        Column(_("Segment"), [_name(words, by, g) for g in found["group"]]),
        Column(_("Share"), found["share"], "percent"),
        Column(_("Best for all"), [words.column(a) if isinstance(a, str) and a else None for a in found["common"]]),
        Column(_("Best for the segment"), [words.column(a) if isinstance(a, str) and a else None for a in found["best"]]),
        Column(_("Gain a customer"), found["targeting_gain"], "signed2", found["targeting_gain_lo"], found["targeting_gain_hi"]),
        Column(_("Gain before testing"), found["gain_in_sample"], "signed2"),
    ]


# ---- over locations --------------------------------------------------------------------------------------------------


@reading
def recipe(across, words, **options):
    """Whether what works in one location works in the others."""
    _, found = words.gettext, across.table
    known = found[found["effect"].notna()]
    if known.empty:
        return [_("There are too few locations with enough answers to say whether the same things work everywhere.")]
    groups = words.number(known["n_groups"].max())
    sure = known[known["q"] < ALPHA].sort_values("q")
    if sure.empty:
        text = _(
            "Over {n} locations no difference in what works could be shown: what matters to customers as a whole is the best guess for each location. "
            "Small differences may still hide in the few answers of each."
        )
        return [text.format(n=groups)]
    listed = [
        _("“{experience}” (between {low} and {high} in {level} of locations)").format(
            level=words.percent(across.meta.get("ci_level", 0.95)),
            experience=words.column(r["attribute"]),
            low=_shown(words, r["pred_lo"]),
            high=_shown(words, r["pred_hi"]),
        )
        for _i, r in sure.head(MOST).iterrows()
    ]
    text = _("Not every ingredient works alike in all of the {n} locations. That could be shown for {experiences}.")
    turned = sure[(sure["pred_lo"] < 0) & (sure["pred_hi"] > 0)]
    paragraphs = [text.format(n=groups, experiences=words.listed(listed))]
    if len(turned):
        paragraphs.append(
            _("In some locations it may even work the other way: {experiences}. Try before copying.").format(
                experiences=words.listed([_("“{wish}”").format(wish=words.column(a)) for a in turned["attribute"].head(MOST)])
            )
        )
    return [" ".join(paragraphs)]


def _across_note(across, words, **options):
    _ = words.gettext
    return _(
        "Effect of a point more, on average over the locations; how far locations differ around it (standard deviation, with interval); and where the effect "
        "of a further location would lie. q tests whether all are alike, corrected for the number of experiences."
    )


@table(title=lambda across, words, **options: words.gettext("Does the same work in every location?"), note=_across_note)
def across_table(across, words, **options):
    """Mean effect, spread and prediction interval over locations."""
    _, found = words.gettext, across.table
    bold = (found["q"] < ALPHA).tolist()
    expected = [words.interval(lo, hi, lambda v: _shown(words, v)) for lo, hi in zip(found["pred_lo"], found["pred_hi"])]
    return [
        Column(_("Experience"), [words.column(a) for a in found["attribute"]], emphasis=bold),
        Column(_("Mean effect"), found["effect"], "signed2", found["ci_lo"], found["ci_hi"]),
        Column(_("Spread"), found["tau"], "number2", found["tau_lo"], found["tau_hi"]),
        Column(_("A further location"), expected),
        Column("q", found["q"], "p", emphasis=bold),
    ]

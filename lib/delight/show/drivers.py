"""Which experiences matter, which only prevent irritation, which delight, and what to do first."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd

from delight.show import theme
from delight.show.charts import Chart, Series
from delight.show.levels import is_share, point
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table

#: Colours of the classes; what has no class stays pale.
CLASS_COLOURS = {"basis": COLOURS["basis"], "beleving": COLOURS["beleving"], "bijzonder": COLOURS["bijzonder"]}
CLASS_COLOURS |= {"undistinguished": COLOURS["beleving"], "reverse": COLOURS["fourth"]}
OTHER = "#aeb7bf"
#: Statuses under which a row has no figures.
NOTHING = ("insufficient", "degenerate", "not_identified", "not_converged", "suppressed")
#: Most experiences whose names fit in a figure with two axes.
MOST_NAMED = 24


# ---- shared words ----------------------------------------------------------------------------------------------------


def class_word(words, code):
    """Name of an impact class."""
    _ = words.gettext
    names = {
        "basis": _("Basic factor"),
        "beleving": _("Experience factor"),
        "bijzonder": _("Delight factor"),
        "undistinguished": _("Like an experience factor"),
        "indifferent": _("No effect shown"),
        "reverse": _("Works against"),
        "insufficient": _("Too few poor or good grades"),
        "not_identified": _("No dividing point"),
        "degenerate": _("Cannot be told apart from others"),
        "suppressed": _("Not shown"),
    }
    return names.get(code, _("Cannot be judged"))


def _nothing(ax, words):
    """A figure that has nothing to draw says so."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, words.gettext("There are too few answers for this figure."), ha="center", va="center", transform=ax.transAxes)
    return ax


def _ticks(axis, words):
    """About seven ticks with the locale's marks."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    ticks = axis.get_majorticklocs()
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1
    decimals = 0 if step >= 0.999 else 1 if step >= 0.0999 else 2
    axis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, decimals)))


def rank_text(words, lo, hi):
    """The ranks that the answers allow: "3", "2–5", or a dash."""
    if np.isnan(lo):
        return "–"
    return words.number(lo) if lo == hi else f"{words.number(lo)}–{words.number(hi)}"


def _names(words, attributes, width=34):
    return [fill(words.column(a), width) for a in attributes]


def _listed(words, attributes):
    return words.listed([words.column(a) for a in attributes])


def _no_model(words, result):
    """Why nothing can be said at all."""
    _, n = words.gettext, result.meta.get("n_used") or 0
    if result.status == "suppressed":
        return _("Too few customers answered to show this without giving away who they are.")
    if result.status == "degenerate":
        return _("All customers gave the same overall answer, or all experiences the same grade; nothing can be said about what drives it.")
    if result.status == "not_identified":
        return _("The scale of the overall question has no point from which a customer counts as delighted, so no gain can be reckoned.")
    return words.ngettext(
        "Only {n} customer answered all the questions this needs; that is too few to say what drives satisfaction.",
        "Only {n} customers answered all the questions this needs; that is too few to say what drives satisfaction.",
        n,
    ).format(n=words.number(n))


def base_notes(result, words):
    """Sentences about who the figures rest on, from the notes of a driver result."""
    _, found = words.gettext, []
    n, n_in = result.meta.get("n_used"), result.meta.get("n_in")
    if n_in and n < 0.9 * n_in:
        found.append(
            _("{n} of {all} customers answered all the questions that this rests on.").format(n=words.number(n), all=words.number(n_in))
        )
    partial = result.note("partial_base")
    if partial:
        found.append(
            _("{experiences}: not every customer has to do with this, so it is judged apart, among those who have.").format(
                experiences=_listed(words, partial.values["attributes"])
            )
        )
    if result.note("not_applicable_adjusted"):
        found.append(
            _("Customers to whom {experiences} did not apply are kept, with an allowance for it.").format(
                experiences=_listed(words, result.note("not_applicable_adjusted").values["attributes"])
            )
        )
    if result.note("constant"):
        found.append(
            _("{experiences}: all customers gave the same grade, so nothing can be said about it.").format(
                experiences=_listed(words, result.note("constant").values["attributes"])
            )
        )
    if result.note("listwise_heavy"):
        found.append(_("More than half of the customers left some of these questions open, so the figures may not speak for all."))
    if (result.table["status"] == "low_base").any():
        found.append(_("The number of answers is small for this analysis; read it as a first indication."))
    return found


def _overlap_note(result, words):
    vif = result.note("vif")
    if not vif:
        return []
    return [
        words.gettext("{experiences}: graded so much like other experiences that their separate parts are uncertain.").format(
            experiences=_listed(words, vif.values["attributes"])
        )
    ]


# ---- importance ------------------------------------------------------------------------------------------------------


def _ranked(importance):
    """Rows with a share, the largest first; those judged in a model of their own, which shares out something else, after the others."""
    t = importance.table
    apart = t["own_model"].eq(True) if "own_model" in t else False
    return t.assign(apart=apart)[t["share"].notna()].sort_values(["apart", "share", "attribute"], ascending=[True, False, True])


@reading
def importance(importance, pairs, words, role="overall", **options):
    """Which experiences matter most, with what the data can and cannot tell apart."""
    _, t = words.gettext, _ranked(importance)
    if t.empty:
        return [_no_model(words, importance)]
    paragraphs = []
    if role == "recommend":
        paragraphs.append(_("Overall satisfaction was not asked; here the likelihood of recommending takes its place."))
    joint = t[t["rank"].notna()]
    r2 = importance.meta.get("r2")
    explained = _("Together, the experiences explain **{share}** of the differences between customers ({n} customers).").format(
        share=words.percent(r2), n=words.number(importance.meta["n_used"])
    )
    if joint.empty:
        return [*paragraphs, explained, *base_notes(importance, words)]
    top = joint.iloc[0]
    first = _("**{experience}** weighs most: {share} of what is explained (interval {interval}).").format(
        experience=words.column(top["attribute"]),
        share=words.percent(top["share"]),
        interval=words.interval(top["ci_lo"], top["ci_hi"], words.percent),
    )
    paragraphs.append(" ".join([explained, first]))
    paragraphs.append(_standing(joint, words))
    last = joint[(joint["rank_lo"] > len(joint) / 2) & (joint["rank_lo"] > 1)]
    if len(last):
        paragraphs.append(_("Certainly not among the heaviest: {experiences}.").format(experiences=_listed(words, last["attribute"])))
    notes = [*base_notes(importance, words), *_overlap_note(importance, words)]
    notes.append(_("This shows what goes together, not that the one causes the other."))
    return [*paragraphs, " ".join(notes)]


def _standing(joint, words):
    """What the rank sets say of the top."""
    _, p = words.gettext, len(joint)
    if p == 1 or joint["rank_lo"].isna().any():
        return _("With one experience there is nothing to rank.") if p == 1 else _("The ranks have no interval here.")
    sure = joint[joint["rank_hi"] == 1]
    if len(sure):
        return _("That it comes first is certain beyond chance.")
    rivals = joint[joint["rank_lo"] == 1]
    if len(rivals) == p:
        return _(
            "The answers do not tell the experiences apart by weight: each of them could be the heaviest. Do not read the order as a ranking."
        )
    return _("Which one is the heaviest is not certain: {experiences} could each be it.").format(
        experiences=_listed(words, rivals["attribute"])
    )


def _importance_caption(importance, words, **options):
    _ = words.gettext
    text = [
        _(
            "Share of what all experiences explain together, with its interval. Right: the ranks that the answers allow, certain at {level}."
        ).format(level=words.percent(importance.meta.get("ci_level")))
    ]
    if importance.table["own_model"].fillna(False).astype(bool).any():
        text.append(_("Open dots: judged among those it applies to; no rank."))
    return " ".join(text)


def _importance_alt(importance, words, **options):
    rows = _ranked(importance)
    values = "; ".join(f"{words.column(r.attribute)}: {words.percent(r.share)}" for r in rows.itertuples())
    return words.gettext("Dot plot of the weight of each experience: {values}.").format(values=values)


def _height(result, *others, **options):
    return 170, 24 + 6.4 * max(len(result.table), 2)


def _importance_chart(importance, words, **options):
    t = _ranked(importance)
    shares = Series("", t["share"], t["ci_lo"], t["ci_hi"], COLOURS["main"])
    return Chart("bar", _names(words, t["attribute"]), [shares], "percent", words.gettext("Share of what is explained (%)"))


@figure(
    title=lambda importance, words, **options: words.gettext("Which experiences matter most?"),
    caption=_importance_caption,
    alt=_importance_alt,
    size=_height,
    chart=_importance_chart,
)
def importance_figure(importance, ax, words, **options):
    """Shares with intervals, the heaviest on top, rank sets at the right."""
    _, t = words.gettext, _ranked(importance)
    if t.empty:
        return _nothing(ax, words)
    y = np.arange(len(t))
    for at, row in zip(y, t.itertuples()):
        ranked = not np.isnan(row.rank)
        if not np.isnan(row.ci_lo):
            ax.hlines(at, 100 * row.ci_lo, 100 * row.ci_hi, color=COLOURS["main"], linewidth=1.6)
        ax.scatter(100 * row.share, at, s=28, zorder=3, edgecolors=COLOURS["main"], facecolors=COLOURS["main"] if ranked else "white")
        if ranked and not np.isnan(row.rank_lo):
            text = rank_text(words, row.rank_lo, row.rank_hi)
            ax.annotate(text, (1.02, at), xycoords=("axes fraction", "data"), va="center", ha="left", fontsize=8, color=COLOURS["soft"])
    joint = int((~t["apart"]).sum())
    if 0 < joint < len(t):
        ax.axhline(joint - 0.5, color=COLOURS["grid"], linewidth=1)
    ax.annotate(_("rank"), (1.02, -0.75), xycoords=("axes fraction", "data"), va="center", ha="left", fontsize=7.5, color=COLOURS["soft"])
    ax.set_yticks(y, _names(words, t["attribute"]))
    ax.set_ylim(len(t) - 0.4, -1.1)
    ax.set_xlim(left=0)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(_("Share of what is explained (%)"))
    _ticks(ax.xaxis, words)
    return ax


# ---- penalty and reward ----------------------------------------------------------------------------------------------


def _of_class(impact, code):
    """Attributes of a class, the strongest effect first."""
    t = impact.table[impact.table["impact_class"] == code]
    size = np.nanmax(np.column_stack([t["slope_below"].abs(), t["slope_above"].abs(), np.zeros(len(t))]), axis=1) if len(t) else []
    return t.assign(size=size).sort_values("size", ascending=False)["attribute"].tolist() if len(t) else []


@reading
def kinds(impact, words, **options):
    """Which experiences only prevent irritation, which pay both ways, which delight, and what stays open."""
    _ = words.gettext
    if (
        impact.status == "suppressed"
        or impact.table["impact_class"].isin(["insufficient", "degenerate"]).all()
        and impact.meta["n_used"] < 30
    ):
        return [_no_model(words, impact)]
    found = {c: _of_class(impact, c) for c in ("basis", "beleving", "bijzonder", "undistinguished", "indifferent", "reverse")}
    paragraphs = []
    if found["basis"]:
        paragraphs.append(
            words.ngettext(
                "**Basic factor:** {experiences}. Below a good grade every point counts for more than above it: where it falls short, the overall score is lower; beyond good, a higher grade adds less.",
                "**Basic factors:** {experiences}. Below a good grade every point counts for more than above it: where they fall short, the overall score is lower; beyond good, a higher grade adds less.",
                len(found["basis"]),
            ).format(experiences=_listed(words, found["basis"]))
        )
    if found["bijzonder"]:
        paragraphs.append(
            words.ngettext(
                "**Delight factor:** {experiences}. Above a good grade every point counts for more than below it: with an excellent grade the overall score is higher; a middling one costs less.",
                "**Delight factors:** {experiences}. Above a good grade every point counts for more than below it: with an excellent grade the overall score is higher; a middling one costs less.",
                len(found["bijzonder"]),
            ).format(experiences=_listed(words, found["bijzonder"]))
        )
    if found["beleving"]:
        paragraphs.append(
            words.ngettext(
                "**Experience factor:** {experiences}. Every step counts about as much, downwards and upwards.",
                "**Experience factors:** {experiences}. Every step counts about as much, downwards and upwards.",
                len(found["beleving"]),
            ).format(experiences=_listed(words, found["beleving"]))
        )
    if found["undistinguished"]:
        paragraphs.append(
            _(
                "{experiences}: these matter, but the answers do not show that falling short weighs otherwise than excelling. "
                "We treat them as experience factors until more is known."
            ).format(experiences=_listed(words, found["undistinguished"]))
        )
    if found["reverse"]:
        paragraphs.append(
            _("{experiences}: somewhere on the scale a higher grade goes with a lower overall score. Find out why before acting.").format(
                experiences=_listed(words, found["reverse"])
            )
        )
    if found["indifferent"]:
        paragraphs.append(
            _(
                "{experiences}: no effect of its own can be shown beside the other experiences. That is not proof that there is none."
            ).format(experiences=_listed(words, found["indifferent"]))
        )
        if _slight(impact):
            paragraphs[-1] += " " + _("What {experiences} do show with so many answers is too little to matter.").format(
                experiences=_listed(words, _slight(impact))
            )
        t = impact.table[(impact.table["impact_class"] == "indifferent") & ~impact.table["attribute"].isin(_slight(impact))]
        hint = t.loc[(t["penalty_hi"] < 0) | (t["reward_lo"] > 0), "attribute"]
        if len(hint):
            paragraphs[-1] += " " + _(
                "{experiences}: customers with a poor or an excellent grade do differ from the others, but that comparison is not corrected "
                "for the number of experiences; take it as a hint."
            ).format(experiences=_listed(words, hint))
    few = _of_class(impact, "insufficient")
    if few:
        paragraphs.append(
            _("{experiences}: too few customers gave a poor (or a good) grade to say what that does.").format(
                experiences=_listed(words, few)
            )
        )
    if impact.note("no_knot"):
        paragraphs.append(
            _("{experiences}: asked on a scale for which no dividing point between poor and good is set, so no kind is given.").format(
                experiences=_listed(words, impact.note("no_knot").values["attributes"])
            )
        )
    return [*paragraphs, " ".join(_kind_notes(impact, words))]


def _slight(impact):
    """Experiences whose effect is shown and too small to matter."""
    note = impact.note("slight_effect")
    return note.values["attributes"] if note else []


def _kind_notes(impact, words):
    _ = words.gettext
    notes = [
        _(
            "The kinds follow from a test of the slopes below and above a good grade, corrected for the number of experiences. {n} customers."
        ).format(n=words.number(impact.meta["n_used"]))
    ]
    bounded = impact.note("bounded_outcome")
    if bounded:
        high, low = bounded.values["share_max"], bounded.values["share_min"]
        if high > bounded.values["limit"]:
            notes.append(
                _(
                    "{share} gave the highest possible overall score; a basic factor is named only if it also shows in a model that allows for that."
                ).format(share=words.percent(high))
            )
        if low > bounded.values["limit"]:
            notes.append(
                _(
                    "{share} gave the lowest possible overall score; a delight factor is named only if it also shows in a model that allows for that."
                ).format(share=words.percent(low))
            )
    if impact.note("small_for_penalty_reward"):
        wanted = impact.note("small_for_penalty_reward").values["wanted"]
        notes.append(_("At least {n} answers are wanted for this; read it as a first indication.").format(n=words.number(wanted)))
    return [*notes, *_overlap_note(impact, words)]


def _impact_rows(impact):
    """Rows with a bar, by class and strength."""
    t = impact.table
    t = t[t["penalty"].notna() | t["reward"].notna()]
    order = {c: i for i, c in enumerate(("basis", "beleving", "undistinguished", "bijzonder", "reverse", "indifferent"))}
    return t.assign(place=t["impact_class"].map(order).fillna(9), size=t["riocs"].fillna(0)).sort_values(
        ["place", "size", "attribute"], ascending=[True, False, True]
    )


def _impact_caption(impact, words, **options):
    _ = words.gettext
    return _(
        "Difference in the overall score ({unit}) from a customer with a middling experience, all other experiences equal; lines are intervals. "
        "Left: what a poor experience costs. Right: what an excellent one brings. Colours: the kind, by the test of slopes."
    ).format(unit=_("percentage points") if is_share(impact) else _("points"))


def _impact_alt(impact, words, **options):
    factor = 100 if is_share(impact) else 1
    values = "; ".join(
        words.gettext("{experience}: {penalty} and {reward}").format(
            experience=words.column(r.attribute), penalty=words.signed(factor * r.penalty, 1), reward=words.signed(factor * r.reward, 1)
        )
        for r in _impact_rows(impact).itertuples()
    )
    return words.gettext("Bar chart of what a poor and an excellent experience do to the overall score: {values}.").format(values=values)


def _impact_chart(impact, words, **options):
    _, t = words.gettext, _impact_rows(impact)
    factor, format = (100, "signed1") if is_share(impact) else (1, "signed2")
    names = {"penalty": (_("If poor"), COLOURS["second"]), "reward": (_("If excellent"), COLOURS["main"])}
    series = [Series(title, *(factor * t[f"{name}{end}"] for end in ("", "_lo", "_hi")), colour) for name, (title, colour) in names.items()]
    axis = _("Effect on the overall score (percentage points)") if is_share(impact) else _("Effect on the overall score (points)")
    return Chart("bar", _names(words, t["attribute"]), series, format, axis)


@figure(
    title=lambda impact, words, **options: words.gettext("What do poor and excellent experiences do?"),
    caption=_impact_caption,
    alt=_impact_alt,
    size=_height,
    chart=_impact_chart,
)
def penalty_reward(impact, ax, words, **options):
    """Penalties to the left, rewards to the right, coloured by class."""
    from matplotlib.patches import Patch

    _, t = words.gettext, _impact_rows(impact)
    if t.empty:
        return _nothing(ax, words)
    factor = 100 if is_share(impact) else 1
    y = np.arange(len(t))
    for at, row in zip(y, t.itertuples()):
        colour = CLASS_COLOURS.get(row.impact_class, OTHER)
        for name, shade in (("penalty", 0.55), ("reward", 1.0)):
            value, lo, hi = (factor * getattr(row, f"{name}{end}") for end in ("", "_lo", "_hi"))
            if np.isnan(value):
                continue
            shift = 0.17 if name == "reward" else -0.17
            ax.barh(at + shift, value, height=0.32, color=colour, alpha=shade, linewidth=0)
            ax.hlines(at + shift, lo, hi, color=COLOURS["ink"], linewidth=0.8)
    ax.axvline(0, color=COLOURS["soft"], linewidth=0.8)
    ax.set_yticks(y, _names(words, t["attribute"]))
    ax.set_ylim(len(t) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)
    _ticks(ax.xaxis, words)
    ax.set_xlabel(_("Effect on the overall score (percentage points)") if is_share(impact) else _("Effect on the overall score (points)"))
    present = [c for c in ("basis", "beleving", "undistinguished", "bijzonder", "reverse") if (t["impact_class"] == c).any()]
    seen, handles = set(), []
    for c in present:
        if CLASS_COLOURS[c] not in seen:
            seen.add(CLASS_COLOURS[c])
            handles.append(Patch(color=CLASS_COLOURS[c], label=class_word(words, c)))
    if not t["impact_class"].isin(present).all():
        handles.append(Patch(color=OTHER, label=_("No effect shown, or no kind")))
    ax.figure.legend(handles=handles, loc="outside upper right", ncols=min(len(handles), 4), fontsize=7.5)
    return ax


@table(
    title=lambda impact, words, **options: words.gettext("The kind of each experience"),
    note=lambda impact, words, **options: words.gettext(
        "If poor, if excellent: difference in the overall score from a middling experience, with interval. Certainty: how often the same kind comes "
        "out when the survey is redrawn from its own answers. This measures impact; it is not a Kano classification."
    ),
)
def class_table(impact, words, **options):
    """Every experience with its class, how sure that is, penalty and reward."""
    _ = words.gettext
    known = _impact_rows(impact)
    t = pd.concat([known, impact.table[~impact.table["attribute"].isin(known["attribute"])]])
    factor, style = (100, "points") if is_share(impact) else (1, "signed2")

    def values(column):
        return (factor * t[column]).tolist()

    return [
        Column(_("Experience"), [words.column(a) for a in t["attribute"]]),
        Column(_("Kind"), [class_word(words, s if s == "suppressed" else c) for c, s in zip(t["impact_class"], t["status"])]),
        Column(_("n"), t["n"].tolist(), "count"),
        Column(_("Certainty"), t["class_prob"].tolist(), "percent"),
        Column(_("If poor"), values("penalty"), style, values("penalty_lo"), values("penalty_hi")),
        Column(_("If excellent"), values("reward"), style, values("reward_lo"), values("reward_hi")),
    ]


@table(
    title=lambda impact, words, **options: words.gettext("Slopes below and above a good grade"),
    note=lambda impact, words, **options: (
        words.gettext(
            "Percentage points of satisfied customers for each point of the experience. q: test that both slopes are equal, corrected over all experiences."
        )
        if is_share(impact)
        else words.gettext(
            "Points of the overall score for each point of the experience. q: test that both slopes are equal, corrected over all experiences."
        )
    ),
)
def slope_table(impact, words, **options):
    """The test behind the classes."""
    _, t = words.gettext, impact.table
    t = t[t["knot"].notna()]
    factor, style = (100, "signed1") if is_share(impact) else (1, "signed2")
    below, above = ([(factor * t[f"slope_{side}{end}"]).tolist() for end in ("", "_lo", "_hi")] for side in ("below", "above"))
    return [
        Column(_("Experience"), [words.column(a) for a in t["attribute"]]),
        Column(_("Good from"), [point(words, knot) for knot in t["knot"]]),
        Column(_("Slope below"), below[0], style, below[1], below[2]),
        Column(_("Slope above"), above[0], style, above[1], above[2]),
        Column("q", t["diff_q"].tolist(), "p"),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


@table(
    title=lambda codings, words, **options: words.gettext("Does the picture depend on what counts as poor and excellent?"),
    note=lambda codings, words, **options: words.gettext(
        "Asymmetry from −1 (only poor experiences count) to +1 (only excellent ones). Behind it stands what a straight line would give under "
        "the same cuts: only the difference between the two means anything. Empty: no joint effect, or one against expectation on both sides."
    ),
)
def sensitivity_table(codings, words, **options):
    """Impact asymmetry beside its linear null under three codings."""
    _, t = words.gettext, codings.table
    t = t[t["coefficient"] == "raw"] if "coefficient" in t else t
    names = {"default": _("usual cuts"), "extremes": _("extremes"), "terciles": _("thirds")}
    attributes = list(dict.fromkeys(t["attribute"]))
    columns = [Column(_("Experience"), [words.column(a) for a in attributes])]
    for coding, name in names.items():
        mine = t[t["coding"] == coding].set_index("attribute").loc[attributes]
        columns.append(Column(_("Asymmetry, {cuts}").format(cuts=name), mine["ia"].tolist(), "signed2"))
        columns.append(Column(_("if straight, {cuts}").format(cuts=name), mine["ia_linear_null"].tolist(), "signed2"))
    return columns


# ---- what to do first ------------------------------------------------------------------------------------------------


def block_word(words, block):
    """Name of a block of action."""
    _ = words.gettext
    return {
        "fix_first": _("Fix first"),
        "improve": _("Improve"),
        "delight_with": _("Delight with"),
        "keep_up": _("Keep up"),
        "look_into": _("Look into"),
        "no_effect": _("No effect shown"),
        "unknown": _("Not known"),
    }[block]


def _aim(priorities, words):
    """What a gain is a gain in."""
    _ = words.gettext
    if is_share(priorities):
        return _("satisfied customers")
    start, top = priorities.meta.get("delight_from"), (priorities.meta.get("scale") or {}).get("max")
    if start is None:
        return _("delighted customers")
    text = _("delighted customers ({grade} or more)") if start != top else _("delighted customers ({grade})")
    return text.format(grade=point(words, start))


def _rise(priorities, words):
    _ = words.gettext
    if priorities.meta.get("mixed"):
        return _("a tenth of its scale")
    points = priorities.meta.get("raise_points") or 1
    return words.ngettext("{n} point", "{n} points", points).format(n=point(words, points))


@reading
def first(priorities, words, **options):
    """What to fix, improve and delight with, in order, with expected gain."""
    _, t = words.gettext, priorities.table
    if priorities.status == "suppressed" or t.empty or t["gain"].isna().all() and t["performance"].isna().all():
        return [_no_model(words, priorities)]
    paragraphs = []
    if t["gain"].notna().any():
        paragraphs.append(
            _(
                "The expected gain is the number of extra {aim} for every 100 customers if an experience is graded {rise} higher by all "
                "to whom it applies, all else equal."
            ).format(aim=_aim(priorities, words), rise=_rise(priorities, words))
        )
    else:
        paragraphs.append(
            _("The expected gain cannot be reckoned from these answers; within a group the experiences stand by their weight.")
        )
    lead = {
        "fix_first": _("**Fix first:** {experiences}. These are basic factors that fall short."),
        "improve": _("**Improve:** {experiences}. Here a higher grade goes with a higher overall score."),
        "delight_with": _("**Delight with:** {experiences}. With an excellent grade here more customers are delighted.")
        if not is_share(priorities)
        else _("**Delight with:** {experiences}. With an excellent grade here more customers are satisfied."),
        "keep_up": _("**Keep up:** {experiences}. Basic factors that are in order; guard them."),
    }
    for block, sentence in lead.items():
        rows = t[t["block"] == block]
        if len(rows):
            paragraphs.append(sentence.format(experiences=words.listed([_with_gain(words, r) for r in rows.head(4).to_dict("records")])))
            more = len(rows) - 4
            if more > 0:
                paragraphs[-1] += " " + _("And {n} more; see the table.").format(n=words.number(more))
    if not (t["block"] == "fix_first").any():
        paragraphs.append(_("No basic factor is shown to fall short, so nothing has to be fixed before anything else."))
    uncertain = t[t["block"].isin(list(lead)) & (t["gain_lo"] <= 0)]
    if len(uncertain):
        paragraphs.append(_("For {experiences} the gain could also be nil.").format(experiences=_listed(words, uncertain["attribute"])))
    promising = t[(t["block"] == "no_effect") & (t["gain_lo"] > 0)]
    if len(promising):
        paragraphs.append(
            _(
                "{experiences}: no effect on the overall score as a whole is shown, but the gain in {aim} is more than nil. "
                "Look at it again in the next survey."
            ).format(experiences=_listed(words, promising["attribute"]), aim=_aim(priorities, words))
        )
    return paragraphs


def _with_gain(words, row):
    """An experience with its gain and interval."""
    _ = words.gettext
    name = words.column(row["attribute"])
    if np.isnan(row["gain"]):
        return name
    return _("{experience} ({gain}, interval {interval})").format(
        experience=name,
        gain=words.signed(row["gain"], 1),
        interval=words.interval(row["gain_lo"], row["gain_hi"], lambda v: words.number(v, 1)),
    )


def _priority_note(priorities, words, **options):
    _ = words.gettext
    notes = [
        _("Gain: extra {aim} per 100 customers if the grade rises by {rise}. Association in one survey, not proof of cause.").format(
            aim=_aim(priorities, words), rise=_rise(priorities, words)
        )
    ]
    if priorities.meta.get("n_dropped_missing"):
        notes.append(_("Mean grades are of the customers this rests on, those who answered all the questions it needs."))
    return " ".join(notes)


@table(title=lambda priorities, words, **options: words.gettext("What to do first"), note=_priority_note)
def priority_table(priorities, words, **options):
    """The order of action."""
    _, t = words.gettext, priorities.table
    return [
        Column(_("Experience"), [words.column(a) for a in t["attribute"]]),
        Column(_("What to do"), [NO_BLOCK if pd.isna(b) else block_word(words, b) for b in t["block"]]),
        Column(_("Kind"), [class_word(words, s if s == "suppressed" else c) for c, s in zip(t["impact_class"], t["status"])]),
        Column(_("n"), t["n"].tolist(), "count"),
        Column(_("Mean grade"), t["performance"].tolist(), "grade"),
        Column(_("Gain per 100"), t["gain"].tolist(), "signed1", t["gain_lo"].tolist(), t["gain_hi"].tolist()),
    ]


NO_BLOCK = "–"


def _map_rows(importance):
    t = _ranked(importance)
    return t[t["performance_100"].notna()].head(MOST_NAMED)


def _map_caption(importance, priorities, words, **options):
    _ = words.gettext
    return _(
        "Right: graded well. Top: weighs heavily. The lines are the means over the experiences, not the middle of the scale. "
        "Colours: the kind of factor. Pale ellipses: where a point would lie in two of three surveys."
    )


def _map_alt(importance, priorities, words, **options):
    rows = _map_rows(importance)
    values = "; ".join(
        words.gettext("{experience}: grade {mean}, weight {share}").format(
            experience=words.column(r.attribute), mean=words.grade(r.performance), share=words.percent(r.share)
        )
        for r in rows.itertuples()
    )
    return words.gettext("Scatter plot of how experiences are graded and how much they weigh: {values}.").format(values=values)


def _map_chart(importance, priorities, words, **options):
    _, t = words.gettext, _map_rows(importance)
    of_class = dict(zip(priorities.table["attribute"], priorities.table["impact_class"]))
    unit = _points_a_hundredth(t)
    colours = tuple(CLASS_COLOURS.get(of_class.get(a), OTHER) for a in t["attribute"])
    points = Series("", t["share"], colours=colours, x=t["performance"] if unit else t["performance_100"])
    axis, x_axis = _("Share of what is explained (%)"), _("Mean grade") if unit else _("Mean grade (0–100 of its scale)")
    return Chart("scatter", [words.column(a) for a in t["attribute"]], [points], "percent", axis, x_axis, "number1" if unit else "count")


@figure(
    title=lambda importance, priorities, words, **options: words.gettext("Where does what weighs most stand?"),
    caption=_map_caption,
    alt=_map_alt,
    size=(170, 108),
    chart=_map_chart,
)
def importance_performance(importance, priorities, ax, words, **options):
    """Weight against grade, in the colour of the class, labels set so that they do not cover each other."""
    from matplotlib.patches import Ellipse

    _, t = words.gettext, _map_rows(importance)
    if t.empty:
        return _nothing(ax, words)
    of_class = dict(zip(priorities.table["attribute"], priorities.table["impact_class"]))
    unit = _points_a_hundredth(t)
    x = (t["performance"] if unit else t["performance_100"]).to_numpy(dtype=float)
    y = 100 * t["share"].to_numpy(dtype=float)
    sd_x = np.nan_to_num(t["ellipse_y"].to_numpy(dtype=float)) * (unit or 1.0)
    sd_y = 100 * np.nan_to_num(t["ellipse_x"].to_numpy(dtype=float))
    span_x, span_y = max(np.ptp(x), 1e-6), max(np.ptp(y), 1e-6)
    ax.set_xlim(min((x - 1.6 * sd_x).min(), x.min() - 0.22 * span_x), max((x + 1.6 * sd_x).max(), x.max() + 0.22 * span_x))
    low = min((y - 1.6 * sd_y).min(), y.min() - 0.12 * span_y)
    ax.set_ylim(max(low, 0) if y.min() > 0 else low, max((y + 1.6 * sd_y).max(), y.max() + 0.12 * span_y))
    ax.axvline(x.mean(), color=COLOURS["grid"], linewidth=1)
    ax.axhline(y.mean(), color=COLOURS["grid"], linewidth=1)
    for at, row in enumerate(t.itertuples()):
        colour = CLASS_COLOURS.get(of_class.get(row.attribute), OTHER)
        if not np.isnan(row.ellipse_corr):
            ax.add_patch(_ellipse(Ellipse, x[at], y[at], row.ellipse_y * (unit or 1.0), 100 * row.ellipse_x, row.ellipse_corr, colour))
        ax.scatter(x[at], y[at], s=26, edgecolors=colour, facecolors="white" if row.apart else colour, zorder=3)
    _place_labels(ax, x, y, [fill(words.column(a), 22) for a in t["attribute"]])
    ax.set_xlabel(_("Mean grade") if unit else _("Mean grade (0–100 of its scale)"))
    ax.set_ylabel(_("Share of what is explained (%)"))
    _ticks(ax.xaxis, words)
    _ticks(ax.yaxis, words)
    return ax


def _points_a_hundredth(t):
    """Points in a hundredth of the scale if all experiences share one scale, else 0."""
    if len(t) < 3 or np.ptp(t["performance_100"]) < 1e-9:
        return 0.0
    slope, cut = np.polyfit(t["performance_100"], t["performance"], 1)
    return float(slope) if np.allclose(slope * t["performance_100"] + cut, t["performance"], atol=1e-6) else 0.0


def _ellipse(shape, x, y, sd_x, sd_y, corr, colour):
    """Ellipse that holds 68% of a normal pair (1.51 standard deviations along each axis)."""
    values, vectors = np.linalg.eigh([[sd_x**2, corr * sd_x * sd_y], [corr * sd_x * sd_y, sd_y**2]])
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
    width, height = 2 * 1.51 * np.sqrt(max(values[1], 0)), 2 * 1.51 * np.sqrt(max(values[0], 0))
    return shape((x, y), width, height, angle=angle, facecolor=colour, alpha=0.12, linewidth=0)


def _place_labels(ax, x, y, labels, size=7.2, avoid=()):
    """Write a label near each point so that labels cover neither each other, the points nor the places (x, y) in `avoid`; a thin line leads
    where it is far."""
    width_mm, height_mm = (s * 25.4 for s in ax.figure.get_size_inches())
    plot = (width_mm - 16, height_mm - 15)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    at = np.column_stack([(x - x0) / (x1 - x0) * plot[0], (y - y0) / (y1 - y0) * plot[1]])
    boxes = []
    for label in labels:
        lines = label.split("\n")
        wide = max(map(theme.width, lines)) * size * 25.4 / 72
        boxes.append((wide + 0.8, len(lines) * size * 1.4 * 25.4 / 72 + 0.6))
    kept_clear = [((left - x0) / (x1 - x0) * plot[0], (up - y0) / (y1 - y0) * plot[1]) for left, up in avoid]
    points = [(px - 1.3, py - 1.3, px + 1.3, py + 1.3) for px, py in [*at, *kept_clear]]
    choices = [_spots(at[i], *boxes[i], plot) for i in range(len(labels))]
    chosen = [spots[0] for spots in choices]
    placed = {}
    for _round in range(3):  # the longest first, then twice again with all others in place
        for i in sorted(range(len(labels)), key=lambda i: (-len(labels[i]), i)):
            others = np.array(points + [box for j, box in placed.items() if j != i])
            chosen[i] = min(choices[i], key=lambda spot: spot[0] + 50 * _shared_area(spot[1], others))
            placed[i] = chosen[i][1]
    for i, (_cost, box, far) in enumerate(chosen):
        cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        where = (x0 + cx / plot[0] * (x1 - x0), y0 + cy / plot[1] * (y1 - y0))
        arrow = {"arrowstyle": "-", "color": COLOURS["soft"], "linewidth": 0.4, "shrinkA": 0, "shrinkB": 3} if far > 4 else None
        lean = "center" if abs(cx - at[i, 0]) < boxes[i][0] / 4 else "left" if cx > at[i, 0] else "right"
        style = {"fontsize": size, "linespacing": 1.1, "arrowprops": arrow, "multialignment": lean}
        ax.annotate(labels[i], (x[i], y[i]), xytext=where, ha="center", va="center", **style)


def _spots(point, wide, high, plot):
    """Places for a label of this size round a point: (cost without neighbours, box, distance), the nearest first."""
    found = []
    for far in (2.0, 3.5, 5.5, 8.0, 11.0, 15.0, 20.0, 26.0):
        for degrees in (0, 180, 90, 270, 35, 145, 325, 215, 60, 120, 240, 300, 15, 165, 195, 345):
            angle = np.radians(degrees)
            cx = point[0] + np.cos(angle) * (far + wide / 2 * abs(np.cos(angle)))
            cy = point[1] + np.sin(angle) * (far + high / 2)
            box = (cx - wide / 2, cy - high / 2, cx + wide / 2, cy + high / 2)
            out = max(0, -box[0]) + max(0, box[2] - plot[0]) + max(0, -box[1]) + max(0, box[3] - plot[1])
            found.append((80 * out + far, box, far))
    return found


def _shared_area(box, others):
    """Area that a box has in common with the others, a row each."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return float(sides.clip(0).prod(axis=1).sum())


# ---- annex -----------------------------------------------------------------------------------------------------------


@table(
    title=lambda importance, weights, words, **options: words.gettext("How much each experience weighs, two ways"),
    note=lambda importance, weights, words, **options: _two_ways_note(weights, words),
)
def importance_table(importance, weights, words, **options):
    """Both decompositions side by side."""
    _, t = words.gettext, _ranked(importance)
    other = weights.table.set_index("attribute").loc[t["attribute"]]
    ranks = [rank_text(words, lo, hi) for lo, hi in zip(t["rank_lo"], t["rank_hi"])]
    return [
        Column(_("Experience"), [words.column(a) for a in t["attribute"]]),
        Column(_("n"), t["n_applicable"].tolist(), "count"),
        Column(_("Share"), t["share"].tolist(), "percent", t["ci_lo"].tolist(), t["ci_hi"].tolist()),
        Column(_("Rank"), ranks),
        Column(_("Relative weight"), other["share"].tolist(), "percent", other["ci_lo"].tolist(), other["ci_hi"].tolist()),
        Column("p", other["noise_p"].tolist(), "p"),
        Column("VIF", t["vif"].tolist(), "number1"),
    ]


def _two_ways_note(weights, words):
    _ = words.gettext
    text = _(
        "Shares of what is explained. The first is averaged over all orders of the experiences (Shapley) where their number allows it; beside it "
        "stand relative weights (Johnson). p: no more weight than a random column. VIF: above 10, an experience is hardly separable from the others."
    )
    if weights.note("mcfadden"):
        text += " " + _(
            "With so few answers to choose from on the overall question, relative weights rest on a logit and on McFadden's R², "
            "which is an approximation."
        )
    return text


@table(
    title=lambda regression, words, **options: words.gettext("Regression of the overall score on the experiences"),
    note=lambda regression, words, **options: _regression_note(regression, words),
)
def regression_table(regression, words, **options):
    """Slopes with robust intervals."""
    _, t = words.gettext, regression.table
    heading = _("Points per point") if regression.meta.get("kind") == "linear" else _("Log odds per point")
    return [
        Column(_("Experience"), [words.column(a) for a in t["attribute"]]),
        Column(heading, t["coef"].tolist(), "signed2", t["ci_lo"].tolist(), t["ci_hi"].tolist()),
        Column(_("Standardised"), t["std_coef"].tolist(), "signed2"),
        Column("p", t["p_adj"].tolist(), "p"),
        Column("VIF", t["vif"].tolist(), "number1"),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


def _regression_note(regression, words):
    _ = words.gettext
    kind = {
        "linear": _("Least squares with robust (HC3) intervals."),
        "ordered": _("Ordered logit (proportional odds) with robust intervals."),
        "logit": _("Logit with robust intervals."),
    }[regression.meta.get("kind") or "linear"]
    notes = [kind, _("p is corrected for the number of experiences.")]
    if regression.note("proportional_odds"):
        notes.append(
            _("{experiences}: the slope is not the same over the whole scale.").format(
                experiences=_listed(words, regression.note("proportional_odds").values["attributes"])
            )
        )
    reset = regression.note("reset")
    if reset and reset.values["p"] is not None and reset.values["p"] < 0.05:
        notes.append(_("A test (RESET) says that straight lines do not tell all, which the kinds of experiences take up."))
    return " ".join(notes)

"""Who beats whom among the experiences, what groups of them weigh, and what employees add: the finer print of importance."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd

from delight.show.charts import Chart, Series
from delight.show.drivers import _nothing, _ticks, rank_text
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table

#: Share of redrawn surveys from which a finding counts as firm.
FIRM = 0.95
#: Most experiences whose pairs fit in a figure.
MOST = 16


# ---- dominance -------------------------------------------------------------------------------------------------------


def _strongest(dominance):
    """One row a pair: the strongest level at which the first beats the second, with its reproducibility; level NaN where none."""
    t = dominance.table
    if t.empty:
        return t.assign(level=[])
    order = {"complete": 0, "conditional": 1, "general": 2}
    t = t.assign(order=t["dominance"].map(order), level=t["dominance"].where(t["d"] == 1))
    best = t.sort_values(["order"], kind="stable")
    held = best[best["d"] == 1].groupby(["attribute", "compared_with"], sort=False).head(1)
    rest = best.groupby(["attribute", "compared_with"], sort=False).tail(1)
    keys = pd.MultiIndex.from_frame(held[["attribute", "compared_with"]])
    return pd.concat([held, rest[~pd.MultiIndex.from_frame(rest[["attribute", "compared_with"]]).isin(keys)]], ignore_index=True)


def _order(dominance):
    """Experiences, the heaviest first."""
    t = dominance.table
    return list(dict.fromkeys([*t["attribute"], *t["compared_with"]])) if len(t) else []


def _firm(dominance):
    """Pairs in which one experience beats the other whatever stands beside them, in nearly every redrawn survey."""
    t = _strongest(dominance)
    return t[(t["level"] == "complete") & (t["reproducibility"] >= FIRM)] if len(t) else t


@reading
def beats(dominance, words, **options):
    """How many of the pairs can be told apart whatever stands beside them."""
    _, t = words.gettext, _strongest(dominance)
    if t.empty or t["d"].isna().all():
        return [_no_pairs(words, dominance)]
    complete, firm = (t["level"] == "complete").sum(), len(_firm(dominance))
    text = words.ngettext(
        "Of {pairs} pair of experiences, {complete} have a winner that adds more whatever other experiences are looked at beside it; "
        "for {firm} of them at least {level} of redrawn surveys say the same.",
        "Of {pairs} pairs of experiences, {complete} have a winner that adds more whatever other experiences are looked at beside it; "
        "for {firm} of them at least {level} of redrawn surveys say the same.",
        len(t),
    ).format(pairs=words.number(len(t)), complete=words.number(complete), firm=words.number(firm), level=words.percent(FIRM))
    if t["reproducibility"].isna().all():
        text = words.ngettext(
            "Of {pairs} pair of experiences, {complete} have a winner that adds more whatever other experiences are looked at beside it. "
            "How firm that is could not be reckoned for so many experiences.",
            "Of {pairs} pairs of experiences, {complete} have a winner that adds more whatever other experiences are looked at beside it. "
            "How firm that is could not be reckoned for so many experiences.",
            len(t),
        ).format(pairs=words.number(len(t)), complete=words.number(complete))
    paragraphs = [text]
    order = _order(dominance)
    against_all = [a for a in order if (_firm(dominance)["attribute"] == a).sum() == len(order) - 1]
    if against_all:
        paragraphs.append(_("**{experience}** beats all others that firmly.").format(experience=words.column(against_all[0])))
    if dominance.status == "low_base":
        paragraphs.append(_("The number of answers is small for this analysis; read it as a first indication."))
    return [" ".join(paragraphs)]


def _no_pairs(words, dominance):
    _ = words.gettext
    if dominance.status == "suppressed":
        return _("Too few customers answered to show this without giving away who they are.")
    if dominance.note("too_many_for_dominance"):
        return _("There are too many experiences to compare every pair beside every combination of the others.")
    if dominance.status == "degenerate":
        return _("All customers gave the same overall answer, or all experiences the same grade; nothing can be said about what drives it.")
    return _("There are too few answers, or experiences, to compare pairs.")


def _pair_alt(dominance, words, **options):
    firm = _firm(dominance)
    pairs = "; ".join(
        words.gettext("{first} beats {second}").format(first=words.column(r.attribute), second=words.column(r.compared_with))
        for r in firm.itertuples()
    )
    return words.gettext("Grid of pairs of experiences. Firm at the strongest level: {pairs}.").format(pairs=pairs or words.gettext("none"))


def _grid_size(dominance, **options):
    n = len(_order(dominance))
    return 170, 34 + 7.5 * max(n, 3)


@figure(
    title=lambda dominance, words, **options: words.gettext("Which experience beats which?"),
    caption=lambda dominance, words, **options: words.gettext(
        "A filled cell: the experience of the row adds more than that of the column, whatever stands beside them (dark), on average beside "
        "every number of others (middle), or only on average over all (light). The number is the percentage of redrawn surveys that say "
        "the same."
    ),
    alt=_pair_alt,
    size=_grid_size,
)
def dominance_figure(dominance, ax, words, **options):
    """The pairs as a grid, the heaviest experience first."""
    from matplotlib.patches import Patch, Rectangle

    _, t, order = words.gettext, _strongest(dominance), _order(dominance)
    if t.empty or t["d"].isna().all() or len(order) > MOST:
        return _nothing(ax, words)
    shade = {"complete": COLOURS["main"], "conditional": "#7fa3bf", "general": "#cfdde7"}
    place = {a: k for k, a in enumerate(order)}
    for row in t.itertuples():
        at = (place[row.compared_with] - 1, place[row.attribute])
        colour = shade.get(row.level, COLOURS["pale"])
        ax.add_patch(Rectangle((at[0] - 0.47, at[1] - 0.45), 0.94, 0.9, facecolor=colour, linewidth=0))
        if not np.isnan(row.reproducibility) and row.level in shade:
            ink = "white" if row.level == "complete" else COLOURS["ink"]
            ax.text(*at, words.number(100 * row.reproducibility), ha="center", va="center", fontsize=7.5, color=ink)
    n = len(order)
    ax.set_xlim(-0.6, n - 1.4)
    ax.set_ylim(n - 1.4, -0.6)
    ax.set_yticks(range(n - 1), [fill(words.column(a), 34) for a in order[:-1]])
    ax.set_xticks(range(n - 1), [fill(words.column(a), 24) for a in order[1:]], rotation=55, ha="right", rotation_mode="anchor")
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    names = {"complete": _("always"), "conditional": _("at every number of others"), "general": _("on average only")}
    handles = [Patch(color=shade[k], label=names[k]) for k in shade if (t["level"] == k).any()]
    ax.legend(handles=handles, loc="lower left", fontsize=7.5, bbox_to_anchor=(0, 0.02))
    return ax


@table(
    title=lambda dominance, words, **options: words.gettext("How many others each experience beats"),
    note=lambda dominance, words, **options: words.gettext(
        "Always: it adds more than the other whatever experiences stand beside the two (complete dominance). Firm: at least {level} of "
        "redrawn surveys say the same. Dominance after Azen and Budescu."
    ).format(level=words.percent(FIRM)),
)
def dominance_table(dominance, words, **options):
    """Counts of wins and losses."""
    _, t, order = words.gettext, _strongest(dominance), _order(dominance)
    firm = _firm(dominance)
    always = t[t["level"] == "complete"]
    return [
        Column(_("Experience"), [words.column(a) for a in order]),
        Column(_("Beats, always"), [int((always["attribute"] == a).sum()) for a in order], "count"),
        Column(_("of which firm"), [int((firm["attribute"] == a).sum()) for a in order], "count"),
        Column(_("Is beaten, always"), [int((always["compared_with"] == a).sum()) for a in order], "count"),
        Column(_("of which firm"), [int((firm["compared_with"] == a).sum()) for a in order], "count"),
    ]


# ---- groups ----------------------------------------------------------------------------------------------------------


def group_word(words, name):
    """Name of a success factor, a basic or a contact moment; other names as the codebook has them, an experience by its label."""
    _ = words.gettext
    known = {
        "basics_in_order": _("Basics in order"),
        "attentive_staff": _("Attentive staff"),
        "know_preferences": _("Knowing preferences"),
        "surprise": _("Surprise"),
        "personal_communication": _("Personal communication"),
        "speed": _("Speed and ease"),
        "accessibility": _("Accessibility"),
        "preventing_discomfort": _("Preventing discomfort"),
        "complaint_handling": _("Handling of complaints"),
        "staff_involvement": _("Involvement of staff"),
        "staff_expertise": _("Expertise of staff"),
        "surroundings": _("Surroundings"),
        "drop_off": _("Bringing"),
        "pick_up": _("Picking up"),
        "day": _("During the day"),
        "contact": _("Contact"),
    }
    label = words.column(name)
    return known.get(name) or (label if label != name else str(name).replace("_", " ").strip().capitalize())


def _weighed(groups):
    t = groups.table
    return t[t["share"].notna()].sort_values(["share", "attribute_group"], ascending=[False, True])


def _group_title(words, by):
    _ = words.gettext
    return _("Which contact moments weigh most?") if by == "touchpoint" else _("Which groups of experiences weigh most?")


def _group_heading(words, by):
    return words.gettext("Contact moment") if by == "touchpoint" else words.gettext("Group")


def _group_alt(groups, words, **options):
    values = "; ".join(f"{group_word(words, r.attribute_group)}: {words.percent(r.share)}" for r in _weighed(groups).itertuples())
    return words.gettext("Dot plot of the weight of each group: {values}.").format(values=values)


def _group_chart(groups, words, by="group", **options):
    t = _weighed(groups)
    shares = Series("", t["share"], t["ci_lo"], t["ci_hi"], COLOURS["main"])
    return Chart(
        "bar", [group_word(words, g) for g in t["attribute_group"]], [shares], "percent", words.gettext("Share of what is explained (%)")
    )


@figure(
    title=lambda groups, words, by="group", **options: _group_title(words, by),
    caption=lambda groups, words, **options: words.gettext(
        "Share of what all experiences explain together, with its interval; each group counts as a whole, so that its experiences do not "
        "compete with each other. Right: the ranks that the answers allow, certain at {level}."
    ).format(level=words.percent(groups.meta.get("ci_level"))),
    alt=_group_alt,
    size=lambda groups, **options: (170, 24 + 7 * max(len(groups.table), 2)),
    chart=_group_chart,
)
def group_figure(groups, ax, words, by="group", **options):
    """Shares of the groups with intervals, the heaviest on top."""
    _, t = words.gettext, _weighed(groups)
    if t.empty:
        return _nothing(ax, words)
    for at, row in enumerate(t.itertuples()):
        if not np.isnan(row.ci_lo):
            ax.hlines(at, 100 * row.ci_lo, 100 * row.ci_hi, color=COLOURS["main"], linewidth=1.6)
        ax.scatter(100 * row.share, at, s=28, zorder=3, color=COLOURS["main"])
        text = rank_text(words, row.rank_lo, row.rank_hi)
        ax.annotate(text, (1.02, at), xycoords=("axes fraction", "data"), va="center", ha="left", fontsize=8, color=COLOURS["soft"])
    ax.annotate(_("rank"), (1.02, -0.75), xycoords=("axes fraction", "data"), va="center", ha="left", fontsize=7.5, color=COLOURS["soft"])
    ax.set_yticks(range(len(t)), [fill(group_word(words, g), 34) for g in t["attribute_group"]])
    ax.set_ylim(len(t) - 0.4, -1.1)
    ax.set_xlim(left=0)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(_("Share of what is explained (%)"))
    _ticks(ax.xaxis, words)
    return ax


@table(
    title=lambda groups, members, words, by="group", **options: words.gettext("What groups of experiences weigh, and their members"),
    note=lambda groups, members, words, **options: words.gettext(
        "A group comes in as a whole (quotient game); its members share out what it gets (Owen values), so that they add up to it. "
        "Sum of separate shares: what the members get together if nobody speaks of groups; another figure, because then they also "
        "meet parts of other groups."
    ),
)
def group_table(groups, members, words, by="group", **options):
    """Groups, each followed by its members."""
    _ = words.gettext
    names, shares, ranks, sums, bold = [], [], [], [], []
    for group in _weighed(groups).itertuples():
        within = members.table[members.table["attribute_group"] == group.attribute_group]
        lone = len(within) == 1
        names.append(words.column(within["attribute"].iloc[0]) if lone else group_word(words, group.attribute_group))
        shares.append((group.share, group.ci_lo, group.ci_hi))
        ranks.append(rank_text(words, group.rank_lo, group.rank_hi))
        sums.append(group.member_sum / group.r2 if group.r2 else np.nan)
        bold.append(True)
        for member in within.sort_values("share", ascending=False).itertuples() if not lone else ():
            names.append("· " + words.column(member.attribute))
            shares.append((member.share, member.ci_lo, member.ci_hi))
            ranks.append("")
            sums.append(np.nan)
            bold.append(False)
    value, lo, hi = (list(column) for column in zip(*shares)) if shares else ([], [], [])
    separate = ["" if not b else words.percent(s) for s, b in zip(sums, bold)]
    return [
        Column(_group_heading(words, by), names, emphasis=bold),
        Column(_("Share"), value, "percent", lo, hi),
        Column(_("Rank"), ranks),
        Column(_("Sum of separate shares"), separate),
    ]


# ---- every contact ---------------------------------------------------------------------------------------------------


@reading
def every_contact(contacts, words, **options):
    """Whether the poorest contact moment tells more than the mean of all."""
    _ = words.gettext
    preferred = contacts.note("preferred")
    both = contacts.table[(contacts.table["form"] == "both") & (contacts.table["term"] == "minimum")]
    if preferred is None or both.empty or np.isnan(both["estimate"].iloc[0]):
        return [_("Whether the poorest contact moment decides cannot be told from these answers.")]
    row = both.iloc[0]
    interval = words.interval(row["ci_lo"], row["ci_hi"], lambda v: words.signed(v, 2))
    if row["ci_lo"] > 0:
        text = _(
            "**Every contact counts:** beside the mean of all contact moments the poorest one has a weight of its own "
            "({estimate} a point, interval {interval})."
        )
    elif row["ci_hi"] < 0:
        text = _(
            "The poorest contact moment does not decide: beside the mean of all contact moments its own weight is negative "
            "({estimate} a point, interval {interval})."
        )
    else:
        text = _(
            "That the poorest contact moment decides is not shown: beside the mean of all contact moments its own weight is "
            "{estimate} a point, interval {interval}."
        )
    return [text.format(estimate=words.signed(row["estimate"], 2), interval=interval)]


# ---- employees -------------------------------------------------------------------------------------------------------


def _row(result, column, value):
    found = result.table[result.table[column] == value]
    return found.iloc[0] if len(found) else None


@reading
def employees(share, steps, words, **options):
    """What aspects of employees weigh against chance, and on the step from satisfied to delighted."""
    _ = words.gettext
    score = _row(share, "outcome", "score")
    if score is None or pd.isna(score["share"]):
        return [_no_employees(words, share)]
    alpha = 1 - (share.meta.get("ci_level") or 0.95)
    sentences = [
        words.ngettext(
            "**Employees.** The experience that is in the hands of employees weighs {share} of what is explained (interval {interval}); "
            "an experience picked at random would weigh {expected} on average.",
            "**Employees.** The {n} experiences that are in the hands of employees weigh {share} of what is explained (interval {interval}); "
            "as many experiences picked at random would weigh {expected} on average.",
            int(score["n_employee"]),
        ).format(
            n=words.number(score["n_employee"]),
            share=words.percent(score["share"]),
            interval=words.interval(score["ci_lo"], score["ci_hi"], words.percent),
            expected=words.percent(score["expected"]),
        )
    ]
    if not pd.isna(score["excess_p_adj"]):
        if score["excess_p_adj"] > alpha:
            sentences.append(_("That they weigh more or less than others is not shown."))
        elif score["excess"] > 0:
            sentences.append(_("They weigh more than that."))
        else:
            sentences.append(_("They weigh less than that."))
    sentences += _steps_said(steps, words, alpha)
    if share.status == "low_base" or steps.status == "low_base":
        sentences.append(_("The number of answers is small for this analysis; read it as a first indication."))
    return [" ".join(sentences)]


def _no_employees(words, share):
    _ = words.gettext
    if share.status == "suppressed":
        return _("Too few customers answered to show this without giving away who they are.")
    if share.status == "not_identified":
        return _("What employees add cannot be set apart: none of the experiences, or all of them, are in their hands.")
    return _("There are too few answers to say what employees add.")


def _steps_said(steps, words, alpha):
    """Sentences on the two steps."""
    _ = words.gettext
    own, other, contrast = (_row(steps, "part", part) for part in ("employee", "other", "contrast"))
    if own is None or pd.isna(own["delighted"]):
        return []
    said = [
        _(
            "Among satisfied customers, one point more on such an experience goes with {own} more delighted ones per 100 "
            "(interval {interval}), one point more on another experience with {other}."
        ).format(
            own=words.signed(100 * own["delighted"], 1),
            interval=words.interval(own["delighted_lo"], own["delighted_hi"], lambda v: words.number(100 * v, 1)),
            other=words.signed(100 * other["delighted"], 1),
        )
    ]
    if contrast["p_adj"] > alpha:
        said.append(_("That employees matter in particular for the step from satisfied to delighted is not shown."))
    elif contrast["diff"] > 0:
        said.append(
            _(
                "Compared with the step to satisfied, experiences in the hands of employees gain more weight on the step to delighted than "
                "others do."
            )
        )
    else:
        said.append(
            _(
                "Compared with the step to satisfied, experiences in the hands of employees gain less weight on the step to delighted than "
                "others do."
            )
        )
    return said


def _outcome_word(words, result, code):
    """The outcome of a row, with the scores it speaks of."""
    _ = words.gettext
    from_, delighted = result.meta.get("satisfied_from"), result.meta.get("delight_from")

    def grade(value):
        return words.number(value, 0 if float(value).is_integer() else 1)

    if code == "satisfied":
        return _("The step to satisfied ({grade} or more)").format(grade=grade(from_))
    if code == "delighted":
        highest = delighted == (result.meta.get("scale") or {}).get("max")
        text = (
            _("The step from satisfied to delighted ({grade})") if highest else _("The step from satisfied to delighted ({grade} or more)")
        )
        return text.format(grade=grade(delighted))
    return _("The whole score")


@table(
    title=lambda share, words, **options: words.gettext("What experiences in the hands of employees weigh"),
    note=lambda share, words, **options: words.gettext(
        "Share of what is explained. Expected: the mean over all ways of picking as many of the experiences; in brackets the middle "
        "{level} of them. p is corrected for the number of rows."
    ).format(level=words.percent(share.meta.get("ci_level"))),
)
def employee_shares(share, words, **options):
    """Share against chance for the score and both steps."""
    _, t = words.gettext, share.table
    return [
        Column(_("What is explained"), [_outcome_word(words, share, o) for o in t["outcome"]]),
        Column(_("n"), t["n"].tolist(), "count"),
        Column(_("Share"), t["share"].tolist(), "percent", t["ci_lo"].tolist(), t["ci_hi"].tolist()),
        Column(_("Expected"), t["expected"].tolist(), "percent", t["expected_lo"].tolist(), t["expected_hi"].tolist()),
        Column("p", t["excess_p_adj"].tolist(), "p"),
    ]


@table(
    title=lambda steps, words, **options: words.gettext("One point more: customers per 100 who take the step"),
    note=lambda steps, words, **options: _steps_note(steps, words),
)
def employee_step_table(steps, words, **options):
    """Average marginal effects on both steps, and their difference."""
    _, t = words.gettext, steps.table
    names = {"employee": _("In the hands of employees"), "other": _("Other experiences"), "contrast": _("Difference")}

    def hundred(name, lo, hi):
        return (100 * t[name]).tolist(), "signed1", (100 * t[lo]).tolist(), (100 * t[hi]).tolist()

    return [
        Column(_("Experiences"), [names[p] for p in t["part"]]),
        Column(_("To satisfied"), *hundred("satisfied", "satisfied_lo", "satisfied_hi")),
        Column(_("To delighted"), *hundred("delighted", "delighted_lo", "delighted_hi")),
        Column(_("Difference"), *hundred("diff", "ci_lo", "ci_hi")),
        Column("p", t["p_adj"].tolist(), "p"),
    ]


def _steps_note(steps, words):
    _ = words.gettext
    text = _(
        "Mean over the experiences of a row, all others held equal (average marginal effects of two logits). Most experiences count for "
        "more on the second step when few customers fall short of the first; the last row says whether those of employees do so in particular."
    )
    if steps.meta.get("unit") == "tenth":
        text += " " + _("A point is a tenth of an experience's own scale.")
    return text

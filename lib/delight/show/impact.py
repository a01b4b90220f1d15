"""How firm the kinds of experiences are, and what else bears on them: mood, the weakest link, key dissatisfiers, other outcomes."""

from __future__ import annotations

import numpy as np

from delight.show.charts import Chart, Series
from delight.show.drivers import (
    CLASS_COLOURS,
    MOST_NAMED,
    NOTHING,
    OTHER,
    _listed,
    _nothing,
    _place_labels,
    _ticks,
    class_word,
)
from delight.show.levels import is_share, point
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table

#: Classes that say something of the kind of an experience.
KINDS = ("basis", "beleving", "bijzonder")
#: Most experiences named in one sentence.
MOST_LISTED = 6


def _known(result):
    return result.table[~result.table["status"].isin(NOTHING)]


def _short(words, attributes):
    """Some experiences by name, the rest by number."""
    attributes = list(attributes)
    if len(attributes) <= MOST_LISTED:
        return _listed(words, attributes)
    names = [words.column(a) for a in attributes[: MOST_LISTED - 1]]
    rest = len(attributes) - len(names)
    return words.listed([*names, words.ngettext("{n} other", "{n} others", rest).format(n=words.number(rest))])


# ---- firmness --------------------------------------------------------------------------------------------------------


@reading
def firmness(stability, halo, *rest, **options):
    """One sentence each: which kinds are firm, what a general mood explains, whether the weakest basic decides."""
    weakest, words = (rest[0] if len(rest) > 1 else None), rest[-1]
    paragraphs = [*_firm(stability, words), *_mood(halo, words), *(_weakest(weakest, words) if weakest is not None else [])]
    return paragraphs or [words.gettext("Too few customers answered to say how firm the kinds are.")]


def _firm(stability, words):
    _, t = words.gettext, stability.table
    judged = t[t["impact_class"].isin(KINDS) & t["panel_share"].notna()]
    if judged.empty:
        return []
    firm, loose = judged[judged["firm"].eq(True)], judged[~judged["firm"].eq(True)]
    parts = []
    if len(firm):
        parts.append(
            words.ngettext(
                "**How firm is this?** {experiences}: the kind hardly depends on how it is reckoned, and would come out again in most redrawn surveys.",
                "**How firm is this?** {experiences}: their kinds hardly depend on how they are reckoned, and would come out again in most redrawn surveys.",
                len(firm),
            ).format(experiences=_short(words, firm["attribute"]))
        )
    if len(loose):
        text = words.ngettext(
            "{experiences}: with other cuts, or in another survey, the kind may well be another; act on it with caution.",
            "{experiences}: with other cuts, or in another survey, the kinds may well be others; act on them with caution.",
            len(loose),
        ).format(experiences=_short(words, loose["attribute"]))
        parts.append(text if parts else _("**How firm is this?** {text}").format(text=text))
    return [" ".join(parts)]


def _mood(halo, words):
    _, t = words.gettext, halo.table
    t = t[t["coef_halo"].notna() & (t["coef_alone"] > 0)]
    if len(t) < 3:
        return []
    typical = float(np.clip(np.median(t["shrinkage"]), 0, 1))
    left = t[(t["coef_halo"] > 0) & (t["p_adj"] <= 0.05)]
    text = _(
        "Whoever is pleased grades everything higher. With that general inclination held equal, what goes with a point more on an experience "
        "shrinks by {share} (the middle one of all experiences)."
    ).format(share=words.percent(typical))
    if len(left) == len(t):
        after = _("Every experience keeps an effect of its own.")
    elif len(left):
        after = _("An effect of its own remains for {n} of {all} experiences.").format(n=words.number(len(left)), all=words.number(len(t)))
    else:
        after = _("No experience is then shown to have an effect of its own.")
    return [f"{text} {after}"]


def _weakest(weakest, words):
    _, note, t = words.gettext, weakest.note("preferred"), _known(weakest)
    if note is None or t.empty:
        return []
    both = t[t["form"] == "both"].set_index("term")
    basics = _listed(words, weakest.meta["x"])
    if note.values["by_aic"] < 2:
        return [
            _(
                "Whether the weakest of the basic factors ({experiences}) decides, or all of them together, these answers cannot tell."
            ).format(experiences=basics)
        ]
    if note.values["form"] == "minimum" and not note.values["beyond_kinds"]:
        text = _(
            "**A weakest link?** How satisfied customers are goes more with the lowest grade they give the basic factors ({experiences}) than with the "
            "average of those grades. That poor grades count for more than good ones, each for itself, explains it as well."
        )
    elif note.values["form"] == "minimum":
        text = _(
            "**The weakest link counts:** how satisfied customers are goes more with the lowest grade they give the basic factors ({experiences}) than "
            "with the average of those grades."
        )
    else:
        text = _(
            "**No single weakest link:** how satisfied customers are goes more with the average grade they give the basic factors ({experiences}) than "
            "with the lowest of those grades; that one poor basic undoes the others does not show."
        )
    text = text.format(experiences=basics)
    added = both["ci_lo"].get("minimum", np.nan) if len(both) else np.nan
    if note.values["form"] == "mean" and added > 0:
        text += " " + _("The lowest grade does add something beside the average.")
    if not note.values["cv_agrees"]:
        text += " " + _("Answers left out of the reckoning do not confirm it, so take it as a hint.")
    return [text]


@table(
    title=lambda stability, words, **options: words.gettext("How firm is the kind of each experience?"),
    note=lambda stability, words, **options: words.gettext(
        "Redrawn: how often the same kind comes out when the survey is redrawn from its own answers. Other ways: in how many of the ways that can "
        "be reckoned (three cuts of poor and excellent, raw and standardised coefficients, each against a straight line) the same kind comes out; "
        "beside it the kinds met. Published names: how many different names the literature's fixed cuts of asymmetry would give."
    ),
)
def stability_table(stability, words, **options):
    """Certainty and agreement of every class."""
    _, t = words.gettext, stability.table

    def met(classes):
        return ", ".join(class_word(words, c) for c in classes.split(", ")) if isinstance(classes, str) else "–"

    ways = [
        "–" if np.isnan(share) else _("{n} of {all}").format(n=words.number(share * n), all=words.number(n))
        for share, n in zip(t["panel_share"], t["n_panels"])
    ]
    return [
        Column(_("Experience"), [words.column(a) for a in t["attribute"]]),
        Column(_("Kind"), [class_word(words, s if s == "suppressed" else c) for c, s in zip(t["impact_class"], t["status"])]),
        Column(_("Redrawn"), t["class_prob"].tolist(), "percent"),
        Column(_("Other ways"), ways),
        Column(_("Kinds met"), [met(c) for c in t["panel_classes"]]),
        Column(_("Published names"), t["n_names"].tolist(), "count"),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


@table(
    title=lambda each, words, **options: words.gettext("Each experience by itself"),
    note=lambda each, words, **options: words.gettext(
        "Points of the overall score for each point of the experience, with nothing else held equal, because some experiences can hardly be held apart. "
        "What two experiences share counts in both rows. q: test that both slopes are equal, corrected over all experiences."
    ),
)
def each_table(each, words, **options):
    """Classes and slopes of models with one experience."""
    _, t = words.gettext, each.table
    below, above = ([t[f"slope_{side}{end}"].tolist() for end in ("", "_lo", "_hi")] for side in ("below", "above"))
    return [
        Column(_("Experience"), [words.column(a) for a in t["attribute"]]),
        Column(_("Kind"), [class_word(words, s if s == "suppressed" else c) for c, s in zip(t["impact_class"], t["status"])]),
        Column(_("Slope below"), below[0], "signed2", below[1], below[2]),
        Column(_("Slope above"), above[0], "signed2", above[1], above[2]),
        Column("q", t["diff_q"].tolist(), "p"),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


@table(
    title=lambda halo, words, **options: words.gettext("What remains when a general inclination is held equal"),
    note=lambda halo, words, **options: words.gettext(
        "Points of the overall score for each point of the experience: by itself, beside what all other experiences have in common (their first "
        "principal component), and beside each of them. What they have in common is mood as well as true quality all over, so the truth lies "
        "between the first two. All answers come from one person at one moment. p is of the middle column, corrected for the number of experiences."
    ),
)
def halo_table(halo, words, **options):
    """Slopes with and without the general factor."""
    _, t = words.gettext, halo.table
    headings = {"alone": _("By itself"), "halo": _("Inclination equal"), "joint": _("All others equal")}
    columns = [Column(_("Experience"), [words.column(a) for a in t["attribute"]])]
    for form, heading in headings.items():
        value, lo, hi = (t[f"coef_{form}{end}"].tolist() for end in ("", "_lo", "_hi"))
        columns.append(Column(heading, value, "signed2", lo, hi))
    return [*columns, Column("p", t["p_adj"].tolist(), "p"), Column(_("n"), t["n"].tolist(), "count")]


@table(
    title=lambda weakest, words, **options: words.gettext("Does the weakest of the basic factors decide?"),
    note=lambda weakest, words, **options: words.gettext(
        "Regressions of the overall score on the average, the lowest or both of the grades for {experiences}, or on each of them with slopes of its own "
        "for poor and good grades, all other experiences equal. AIC: the "
        "form with the lowest stands at 0; differences below 2 mean nothing. Left-out error: of answers that played no part in the reckoning; lower is better."
    ).format(experiences=_listed(words, weakest.meta["x"])),
)
def weakest_table(weakest, words, **options):
    """The three forms side by side."""
    _, t = words.gettext, weakest.table
    names = {"mean": _("Average only"), "minimum": _("Lowest only"), "both": _("Both")}
    names |= {"kinds": _("Each by itself, poor and good apart"), "kinds_minimum": _("The same, with the lowest")}
    terms = {"mean": _("Average"), "minimum": _("Lowest"), "all": "–"}
    return [
        Column(_("Form"), [names[f] for f in t["form"]]),
        Column(_("Grade"), [terms[f] for f in t["term"]]),
        Column(_("Points per point"), t["estimate"].tolist(), "signed2", t["ci_lo"].tolist(), t["ci_hi"].tolist()),
        Column("AIC", t["delta_aic"].tolist(), "number1"),
        Column(_("Left-out error"), t["cv_loss"].tolist(), "number3"),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


# ---- key dissatisfiers and enhancers ---------------------------------------------------------------------------------


@reading
def key_reading(low, high, words, **options):
    """Which failures mark the dissatisfied and which excellences the delighted."""
    return [_key_sentence(low, words), _key_sentence(high, words)]


def _key_sentence(result, words):
    _, low, share = words.gettext, result.meta["side"] == "low", is_share(result)
    if result.status == "suppressed":
        return _("Too few customers answered to show this without giving away who they are.")
    if result.status == "not_identified" or result.table["shapley"].isna().all():
        if low:
            return _("There are too few dissatisfied customers (or too few others) to say which failures mark them.")
        if share:
            return _("There are too few satisfied customers (or too few others) to say which excellences mark them.")
        return _("There are too few delighted customers (or too few others) to say which excellences mark them.")
    t = result.table[result.table["is_key"].eq(True)]
    if t.empty:
        if low:
            return _("No failure is found more often among dissatisfied customers than among the others.")
        if share:
            return _("No excellence is found more often among satisfied customers than among the others.")
        return _("No excellence is found more often among delighted customers than among the others.")
    last, cut = t.iloc[-1], result.meta["cuts"][result.meta["y"]][0 if low else 1]
    text = (_found_poor if low else _found_excellent)(words, share, cut, result.meta.get("scale") or {})
    return text.format(
        experiences=_listed(words, t["attribute"]),
        grade=point(words, cut),
        reach=words.percent(last["reach"]),
        noise=words.percent(last["noise"]),
    )


def _found_poor(words, share, cut, scale):
    """The sentence on dissatisfied customers; at the end of a scale nobody gave less."""
    _ = words.gettext
    if share:
        return _(
            "**Key dissatisfiers:** {experiences}. Of customers who were not satisfied, {reach} found at least one of these poor; "
            "of the satisfied customers {noise} did."
        )
    if cut == scale.get("min"):
        return _(
            "**Key dissatisfiers:** {experiences}. Of customers with the lowest overall score, {grade}, {reach} found at least one of these poor; "
            "of the other customers {noise} did."
        )
    return _(
        "**Key dissatisfiers:** {experiences}. Of customers with an overall score of {grade} or less, {reach} found at least one of these poor; "
        "of the other customers {noise} did."
    )


def _found_excellent(words, share, cut, scale):
    """The sentence on delighted customers, or on satisfied ones where no more was asked; at the end of a scale nobody gave more."""
    _ = words.gettext
    if share:
        return _(
            "**Key enhancers:** {experiences}. Of customers who were satisfied, {reach} found at least one of these excellent; "
            "of the other customers {noise} did."
        )
    if cut == scale.get("max"):
        return _(
            "**Key enhancers:** {experiences}. Of customers with the highest overall score, {grade}, {reach} found at least one of these excellent; "
            "of the other customers {noise} did."
        )
    return _(
        "**Key enhancers:** {experiences}. Of customers with an overall score of {grade} or more, {reach} found at least one of these excellent; "
        "of the other customers {noise} did."
    )


def _key_title(result, words, **options):
    _ = words.gettext
    if result.meta["side"] == "low":
        return _("Which failures mark dissatisfied customers?")
    if is_share(result):
        return _("Which excellences mark satisfied customers?")
    return _("Which excellences mark delighted customers?")


@table(
    title=_key_title,
    note=lambda result, words, **options: words.gettext(
        "In the order of their part (Shapley value, in percentage points). Reach and others: the share with at least one of the experiences so far, "
        "among these customers and among the others. Success is the difference; where it first falls the list of key experiences ends. Certainty: "
        "how often an experience is key when the survey is redrawn. Association in one survey, not proof of cause."
    ),
)
def key_table(result, words, **options):
    """Experiences in order with reach, noise and success."""
    _, t = words.gettext, result.table
    yes = [_("yes") if key else "–" for key in t["is_key"].fillna(False)]

    def hundredfold(column):
        return (100 * t[column]).tolist()

    return [
        Column(_("Experience"), [words.column(a) for a in t["attribute"]], emphasis=[y != "–" for y in yes]),
        Column(_("Part"), hundredfold("shapley"), "signed1", hundredfold("shapley_lo"), hundredfold("shapley_hi")),
        Column(_("Reach"), t["reach"].tolist(), "percent"),
        Column(_("Others"), t["noise"].tolist(), "percent"),
        Column(_("Success"), t["success"].tolist(), "percent", t["ci_lo"].tolist(), t["ci_hi"].tolist()),
        Column(_("Key"), yes),
        Column(_("Certainty"), t["key_prob"].tolist(), "percent"),
    ]


# ---- other outcomes, earlier grades, gaps ----------------------------------------------------------------------------


def _outcome_word(words, asked, result):
    _ = words.gettext
    cut = (result.meta.get("cuts") or {}).get(asked)
    if asked == "recommend" and cut is None:
        return _("Points of NPS")
    label = words.column((result.meta.get("outcomes") or {}).get(asked, asked))
    if cut in (None, 1):
        return label
    highest = cut == ((result.meta.get("scales") or {}).get(asked) or {}).get("max")
    text = _("{question} ({grade})") if highest else _("{question} ({grade} or more)")
    return text.format(question=label, grade=point(words, cut))


@table(
    title=lambda gains, words, **options: words.gettext("What else would a better grade go with?"),
    note=lambda gains, words, **options: words.gettext(
        "Expected gain for every 100 customers (of the NPS in points) if an experience is graded higher as in the list of what to do first, each "
        "outcome reckoned from a model of its own. Association in one survey, not proof of cause."
    ),
)
def outcome_table(gains, words, **options):
    """Expected gains in loyalty outcomes, one column each."""
    _, t = words.gettext, gains.table
    attributes = list(dict.fromkeys(t["attribute"]))
    columns = [Column(_("Experience"), [words.column(a) for a in attributes])]
    for asked in dict.fromkeys(t["asked"]):
        mine = t[t["asked"] == asked].set_index("attribute").loc[attributes]
        value, lo, hi = (mine[c].tolist() for c in ("gain", "gain_lo", "gain_hi"))
        columns.append(Column(_outcome_word(words, asked, gains), value, "signed1", lo, hi))
    return columns


@table(
    title=lambda lagged, words, **options: words.gettext("What remains when a customer's earlier grade is held equal"),
    note=lambda lagged, words, **options: words.gettext(
        "Customers who answered both {before} and {after}. Points of the overall score for each point of the experience, without and with their own "
        "earlier score in the model: what is lasting in a person or a place is taken out in the second."
    ).format(before=words.wave(lagged.meta["before"]), after=words.wave(lagged.meta["after"])),
)
def lagged_table(lagged, words, **options):
    """Slopes with and without the earlier outcome, of the same persons."""
    _, t = words.gettext, lagged.table
    return [
        Column(_("Experience"), [words.column(a) for a in t["attribute"]]),
        Column(_("Without it"), t["coef_plain"].tolist(), "signed2", t["coef_plain_lo"].tolist(), t["coef_plain_hi"].tolist()),
        Column(_("Earlier grade equal"), t["coef"].tolist(), "signed2", t["ci_lo"].tolist(), t["ci_hi"].tolist()),
        Column("p", t["p_adj"].tolist(), "p"),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


# ---- stated and derived importance, asymmetry ------------------------------------------------------------------------


def quadrant_word(words, code):
    """Name of a quadrant of the importance grid."""
    _ = words.gettext
    return {
        "basis": _("Basic (said, not shown)"),
        "beleving_important": _("Important (said and shown)"),
        "beleving_unimportant": _("Less important"),
        "bijzonder": _("Hidden (shown, not said)"),
        "borderline": _("On the line"),
    }.get(code, _("Cannot be judged"))


@table(
    title=lambda grid, words, **options: words.gettext("What customers call important, and what goes with their grade"),
    note=lambda grid, words, **options: words.gettext(
        "Said: mean of the question how important it is. Shown: share of what all experiences explain together. High and low are split at the middle "
        "experience, so half are high whatever they are; research found that this grid and the kinds above often disagree. The kinds above decide."
    ),
)
def grid_table(grid, words, **options):
    """Stated and derived importance with the quadrant."""
    _, t = words.gettext, grid.table.sort_values("stated", ascending=False, kind="stable")
    return [
        Column(_("Experience"), [words.column(a) for a in t["attribute"]]),
        Column(_("Said"), t["stated"].tolist(), "grade", t["stated_lo"].tolist(), t["stated_hi"].tolist()),
        Column(_("Shown"), t["derived"].tolist(), "percent", t["derived_lo"].tolist(), t["derived_hi"].tolist()),
        Column(_("Where"), [quadrant_word(words, q) for q in t["quadrant"]]),
        Column(_("Certainty"), t["quadrant_prob"].tolist(), "percent"),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


def _asymmetry_rows(priorities):
    t = priorities.table
    return t[t["ia"].notna() & t["performance"].notna()].sort_values(["riocs", "attribute"], ascending=[False, True]).head(MOST_NAMED)


def _asymmetry_alt(priorities, words, **options):
    values = "; ".join(
        words.gettext("{experience}: asymmetry {ia}, grade {mean}").format(
            experience=words.column(r.attribute), ia=words.signed(r.ia, 2), mean=words.grade(r.performance)
        )
        for r in _asymmetry_rows(priorities).itertuples()
    )
    return words.gettext("Scatter plot of asymmetry and grade of each experience: {values}.").format(values=values)


def _asymmetry_chart(priorities, words, **options):
    _, t = words.gettext, _asymmetry_rows(priorities)
    points = Series("", t["performance"], colours=tuple(CLASS_COLOURS.get(c, OTHER) for c in t["impact_class"]), x=t["ia"])
    names = [words.column(a) for a in t["attribute"]]
    return Chart("scatter", names, [points], "number1", _("Mean grade"), _("Asymmetry (−1 only poor counts, +1 only excellent)"), "signed1")


@figure(
    title=lambda priorities, words, **options: words.gettext("Where do lopsided experiences stand?"),
    caption=lambda priorities, words, **options: words.gettext(
        "Right: excellent grades count for more than poor ones; left: the other way round. The small line marks where the experience would lie if each step "
        "counted the same: only the distance to it means anything. Size: the whole range between poor and excellent. Colours: the kind, by the test "
        "of slopes. Experiences without a shown effect of poor and excellent grades are left out."
    ),
    alt=_asymmetry_alt,
    size=(170, 100),
    chart=_asymmetry_chart,
)
def asymmetry_map(priorities, ax, words, **options):
    """Impact asymmetry with its linear null against performance."""
    _, t = words.gettext, _asymmetry_rows(priorities)
    if t.empty:
        return _nothing(ax, words)
    x, y = t["ia"].to_numpy(dtype=float), t["performance"].to_numpy(dtype=float)
    span = max(np.ptp(y), 0.4)
    ax.set_xlim(-1.25, 1.25)
    ax.set_ylim(y.min() - 0.25 * span, y.max() + 0.25 * span)
    ax.axvline(0, color=COLOURS["grid"], linewidth=1)
    size = 20 + 180 * t["riocs"].to_numpy(dtype=float) / t["riocs"].max()
    for at, row in enumerate(t.itertuples()):
        colour = CLASS_COLOURS.get(row.impact_class, OTHER)
        if not np.isnan(row.ia_linear_null):
            ax.hlines(y[at], row.ia_linear_null, x[at], color=colour, linewidth=0.8)
            ax.plot(row.ia_linear_null, y[at], "|", color=colour, markersize=8)
        ax.scatter(x[at], y[at], s=size[at], color=colour, alpha=0.75, linewidths=0, zorder=3)
    ends = t["ia_linear_null"].fillna(t["ia"])
    lines = [(at, height) for a, b, height in zip(x, ends, y) for at in np.arange(min(a, b), max(a, b), 0.05)]
    _place_labels(ax, x, y, [words.column(a) for a in t["attribute"]], avoid=lines)
    ax.set_xlabel(_("Asymmetry (−1 only poor counts, +1 only excellent)"))
    ax.set_ylabel(_("Mean grade"))
    _ticks(ax.xaxis, words)
    _ticks(ax.yaxis, words)
    return ax

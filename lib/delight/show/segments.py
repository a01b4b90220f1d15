"""Which kinds of customers there are: sizes, wishes, what they think, who they are, and how sure we are of it."""

from __future__ import annotations

import textwrap

import numpy as np

from delight.show.charts import Chart, Series
from delight.show.theme import COLOURS, CYCLE
from delight.show.views import Column, figure, reading, table

ALPHA = 0.05
#: A wish stands out when its whole interval lies this far (person standard deviations) from the average customer.
STANDS_OUT = 0.2
MARKERS = ("o", "s", "D", "^", "v", "P")


# ---- shared words ----------------------------------------------------------------------------------------------------


def _name(words, code):
    return words.segment(code) if code else words.by("whole")


def _rows(result):
    """Rows of segments that may be shown."""
    found = result.table
    return found[(found["status"] != "suppressed") & (found["segment"] != "")]


def _lacking(segments, words):
    """Why there are no segments, or None if there are."""
    _ = words.gettext
    if segments.status == "suppressed":
        return _("Too few customers answered to show this without giving away who they are.")
    few = segments.note("too_few")
    if few:
        return _(
            "{n} customers answered the questions on needs. To look for segments at least {needed} are needed, so this report shows none."
        ).format(n=words.number(few.values["n"]), needed=words.number(few.values["needed"]))
    if segments.note("no_segments"):
        return _(
            "{n} customers told us what they need. We looked for groups with different wishes and found none that hold: "
            "the answers are described best by one group. Dividing these customers into types would be guesswork."
        ).format(n=words.number(segments.note("no_segments").values["n"]))
    return None


# ---- which segments --------------------------------------------------------------------------------------------------


@reading
def kinds(segments, profile, checks, verdict, words, **options):
    """How many segments, how large, what each wants, and how much can be built on them."""
    _ = words.gettext
    lacking = _lacking(segments, words)
    style = segments.note("response_style")
    if lacking:
        paragraphs = [lacking]
        if segments.note("no_segments") and style and style.values["front"] == "within":
            paragraphs.append(
                _(
                    "Some customers rate everything high and others rate everything low. "
                    "Raw grades would have divided them into kinds of graders, which are no kinds of customers."
                )
            )
        return [*paragraphs, *(_expected(words, verdict) if segments.note("no_segments") else [])]
    rows = _rows(segments)
    if rows.empty:
        return [_("Too few customers answered to show this without giving away who they are.")]
    listed = [
        _("{segment} ({share}, interval {interval})").format(
            segment=_name(words, r["segment"]),
            share=words.percent(r["share"]),
            interval=words.interval(r["share_lo"], r["share_hi"], words.percent),
        )
        for _i, r in rows.iterrows()
    ]
    count = len(segments.table)
    first = words.ngettext(
        "By what they need, the {n} customers who told us so fall into **{k} segment**: {segments}.",
        "By what they need, the {n} customers who told us so fall into **{k} segments**: {segments}.",
        count,
    ).format(n=words.number(segments.meta["n_used"]), k=words.number(count), segments=words.listed(listed))
    sentences = [first]
    if segments.note("confirmed"):
        sentences.append(_("These are the segments that were confirmed earlier; customers were assigned by them, not divided anew."))
    paragraphs = [" ".join(sentences), " ".join(_wishes(words, profile, r["segment"]) for _i, r in rows.iterrows())]
    if segments.status == "response_style":
        paragraphs.append(
            _(
                "These groups mostly tell customers who rate everything high from customers who rate everything low "
                "({share} of the differences in their mean grade). They bear no names and should not be used as segments."
            ).format(share=words.percent(style.values["share"] if style else np.nan))
        )
    elif style and style.values["front"] == "within":
        paragraphs.append(
            _(
                "Some customers rate everything high. Raw grades would divide customers by that habit (it would make up {share} of the "
                "differences in their mean grade), so the segments rest on what a customer wants more than other things."
            ).format(share=words.percent(style.values["share"]))
        )
    return [*paragraphs, *_judgement(words, segments, checks), *_expected(words, verdict)]


def _wishes(words, profile, segment):
    """What one segment wants more and less than the average customer."""
    _ = words.gettext
    mine = profile.table[(profile.table["segment"] == segment) & (profile.table["status"] != "suppressed")]
    more = mine[mine["profile_lo"] > STANDS_OUT].nlargest(3, "profile")["item"]
    less = mine[mine["profile_hi"] < -STANDS_OUT].nsmallest(3, "profile")["item"]
    shown = {
        "segment": _name(words, segment),
        "more": words.listed([_("“{wish}”").format(wish=words.column(i)) for i in more]),
        "less": words.listed([_("“{wish}”").format(wish=words.column(i)) for i in less]),
    }
    if len(more) and len(less):
        return _("**{segment}** stands out by wanting {more} more than others, and {less} less.").format(**shown)
    if len(more):
        return _("**{segment}** stands out by wanting {more} more than others.").format(**shown)
    if len(less):
        return _("**{segment}** stands out by wanting {less} less than others.").format(**shown)
    return _("**{segment}** stands out on none of the needs.").format(**shown)


def _judgement(words, segments, checks):
    """What the checks of the chosen number of segments allow one to say."""
    _ = words.gettext
    if not len(checks.table) or segments.note("confirmed"):
        return []
    mine = checks.table[checks.table["chosen"].fillna(False).astype(bool)]
    if mine.empty:
        return []
    failed = [_failure(words, r) for _i, r in mine[~mine["passed"].astype(bool)].iterrows()]
    stability = mine[mine["check"] == "stability"]
    if not failed:
        return [
            _(
                "How many segments there are remains a judgement, but these hold: fitted on random halves of the customers they put the same "
                "people together (agreement {agreement}, where 1 is perfect and 0 is chance), they explain how the needs go together, "
                "and none is too small."
            ).format(agreement=words.number(stability["value"].iloc[0], 2) if len(stability) else words.number(np.nan))
        ]
    return [
        _("Read these segments as a description, not as kinds of customers that exist by themselves: {reasons}.").format(
            reasons=words.listed(failed)
        )
    ]


def _expected(words, verdict):
    """Whether there are as many kinds of customers as the study expected; nothing where it expected none."""
    _, found = words.gettext, verdict.table
    if not len(found) or not verdict.meta.get("expected") or verdict.status == "suppressed":
        return []
    row = found.iloc[0]
    told = {
        "supported": _("Before the survey {k} kinds of customers were expected. The data bear out that there are so many."),
        "possible": _(
            "Before the survey {k} kinds of customers were expected. So many would hold, but {proposed} describe the answers more sparingly: "
            "the number stays a choice."
        ),
        "not_supported": _("Before the survey {k} kinds of customers were expected. The data do not bear that out: {reasons}."),
        "inconclusive": _("Before the survey {k} kinds of customers were expected. These data cannot tell: {reasons}."),
    }
    limits = {"stability": 0.8, "respondents": max(200, 100 * row["k"]), "sizes": 0.05, "residuals": np.nan, "starts": 2}
    values = {"stability": row["ari_half"], "sizes": row["min_share"], "respondents": row["n"]}
    reasons = [
        _failure(words, {"check": c, "value": values.get(c, np.nan), "limit": limits[c]})
        for c in filter(None, str(row["failed"]).split(", "))
    ]
    text = told.get(row["verdict"])
    return [text.format(k=words.number(row["k"]), proposed=words.number(row["proposed"]), reasons=words.listed(reasons)) if text else ""]


def _failure(words, row):
    _ = words.gettext
    value, limit = row["value"], row["limit"]
    return {
        "stability": _("fitted on random halves of the customers they agree {value}, where {limit} is asked").format(
            value=words.number(value, 2), limit=words.number(limit, 1)
        ),
        "residuals": _("some needs still go together within the segments"),
        "sizes": _("the smallest holds {value} of the customers").format(value=words.percent(value)),
        "respondents": _("{value} customers answered, where {limit} are needed").format(
            value=words.number(value), limit=words.number(limit)
        ),
        "starts": _("the calculation did not settle on one solution"),
    }[row["check"]]


# ---- what they want --------------------------------------------------------------------------------------------------


def _wish_size(profile, **options):
    items, segments = profile.table["item"].nunique(), profile.table["segment"].nunique()
    return 170, max(70, 26 + items * (4.0 + 2.2 * segments))


def _wish_title(profile, words, **options):
    return words.gettext("What does each segment want more or less than others?")


def _without_profile(profile):
    return not len(_rows(profile)) or _rows(profile)["profile"].isna().all()


def _wish_caption(profile, words, **options):
    _ = words.gettext
    if _without_profile(profile):
        return _("There are no segments; shown is how all customers together answered.")
    return _("Right of the line a segment wants it more than the average customer, left of it less. Lines are intervals.")


def _wish_alt(profile, words, **options):
    _ = words.gettext
    rows = _rows(profile)
    if _without_profile(profile):
        whole = profile.table[profile.table["mean"].notna()]
        values = [f"{words.column(r['item'])} {words.number(r['mean'], 1)}" for _i, r in whole.iterrows()]
        return _("Dots of the mean answer to each need: {values}.").format(values=words.listed(values) if values else words.number(np.nan))
    found = []
    for segment, mine in rows.groupby("segment", sort=False):
        top, low = mine.loc[mine["profile"].idxmax()], mine.loc[mine["profile"].idxmin()]
        found.append(
            _("{segment}: most {top} ({top_value}), least {low} ({low_value})").format(
                segment=_name(words, segment),
                top=words.column(top["item"]),
                top_value=words.signed(top["profile"], 1),
                low=words.column(low["item"]),
                low_value=words.signed(low["profile"], 1),
            )
        )
    return _("Dots with intervals of each segment's wish for every need, in standard deviations: {values}.").format(values="; ".join(found))


def _wrapped(text):
    return "\n".join(textwrap.wrap(text, 32)[:3])


def _wish_chart(profile, words, **options):
    _, rows = words.gettext, _rows(profile)
    if _without_profile(profile):
        whole = profile.table.dropna(subset=["mean"]).sort_values("mean", ascending=False)
        return Chart("bar", [words.column(i) for i in whole["item"]], [Series("", whole["mean"])], "number1", _("Mean answer"))
    spread = rows.groupby("item")["profile"].agg(lambda v: v.max() - v.min()).sort_values(ascending=False, kind="stable")
    series = []
    for i, segment in enumerate(dict.fromkeys(rows["segment"])):
        mine = rows[rows["segment"] == segment].set_index("item").reindex(spread.index)
        series.append(Series(_name(words, segment), mine["profile"], mine["profile_lo"], mine["profile_hi"], CYCLE[i % len(CYCLE)]))
    axis = _("Wish against the average customer, in standard deviations")
    return Chart("bar", [words.column(i) for i in spread.index], series, "signed2", axis)


@figure(title=_wish_title, caption=_wish_caption, alt=_wish_alt, size=_wish_size, chart=_wish_chart)
def wishes(profile, ax, words, **options):
    """Dots by need and segment, needs that divide the segments most on top."""
    _, rows = words.gettext, _rows(profile)
    if _without_profile(profile):
        whole = profile.table.dropna(subset=["mean"]).sort_values("mean")
        ax.plot(whole["mean"], range(len(whole)), "o", color=COLOURS["main"])
        ax.set_yticks(range(len(whole)), [_wrapped(words.column(i)) for i in whole["item"]])
        ax.set_xlabel(_("Mean answer"))
        return ax
    spread = rows.groupby("item")["profile"].agg(lambda v: v.max() - v.min()).sort_values(kind="stable")
    at = {item: y for y, item in enumerate(spread.index)}
    names = list(dict.fromkeys(rows["segment"]))
    for y in range(1, len(at)):
        ax.axhline(y - 0.5, color=COLOURS["grid"], linewidth=0.5, zorder=0)
    for i, segment in enumerate(names):
        mine = rows[rows["segment"] == segment]
        shift = 0.26 * (len(names) - 1 - 2 * i) / max(len(names) - 1, 1)
        y = np.array([at[item] for item in mine["item"]]) + shift
        colour = CYCLE[i % len(CYCLE)]
        ax.hlines(y, mine["profile_lo"], mine["profile_hi"], color=colour, linewidth=1.2)
        ax.plot(mine["profile"], y, MARKERS[i % len(MARKERS)], color=colour, markersize=4.8, label=_name(words, segment))
    ax.axvline(0, color=COLOURS["soft"], linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(at)), [_wrapped(words.column(i)) for i in at])
    ax.set_ylim(-0.6, len(at) - 0.4)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_formatter(lambda value, _position: words.signed(value, 1))
    ax.set_xlabel(_("Wish against the average customer, in standard deviations"))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(len(names), 3), handletextpad=0.3)
    return ax


def _profile_title(profile, words, **options):
    return words.gettext("How each segment answered on its needs")


def _profile_note(profile, words, **options):
    _ = words.gettext
    form = profile.meta.get("form")
    if form == "pick":
        return _("Share that chose the need, with interval.")
    if form == "rank":
        return _("Mean rank, with interval; 1 is the most important.")
    return _("Mean answer, with interval. Compare segments on a need by the figure: it leaves out how high somebody rates in general.")


@table(title=_profile_title, note=_profile_note)
def profile_table(profile, words, **options):
    """Mean answer of each segment to each need."""
    _, found = words.gettext, profile.table
    items = list(dict.fromkeys(found["item"]))
    format = "percent" if profile.meta.get("form") == "pick" else "number1"
    columns = [Column(_("Need"), [words.column(i) for i in items])]
    for segment in dict.fromkeys(found["segment"]):
        mine = found[found["segment"] == segment].set_index("item").reindex(items)
        columns.append(Column(_name(words, segment), mine["mean"], format, mine["mean_lo"], mine["mean_hi"]))
    return columns


# ---- what they think -------------------------------------------------------------------------------------------------

_FORMATS = {"mean": "grade", "share_delighted": "percent", "nps": "points"}


def _measure(words, measure):
    _ = words.gettext
    return {"mean": _("Mean grade"), "share_delighted": _("Delighted customers"), "nps": _("Net promoter score")}.get(measure, measure)


def _shown(words, measure, value):
    return {"grade": words.grade, "percent": words.percent, "points": words.points}[_FORMATS.get(measure, "grade")](value)


def _segment_title(segments, outcomes, words, **options):
    return words.gettext("The segments side by side")


def _segment_note(segments, outcomes, words, **options):
    _ = words.gettext
    if outcomes.status == "not_identified" or outcomes.note("uncorrectable"):
        return _("The assignment of customers to segments is too uncertain to compare what segments think.")
    if not (segments.table["segment"] != "").any():
        return ""
    text = _(
        "n counts the customers who most probably belong to the segment. Figures are corrected for the uncertainty of that assignment."
    )
    unsure = outcomes.note("uncertain_segments")
    if unsure:
        text += " " + _("Only {share} of the customers are placed rightly, so the intervals are somewhat too narrow.").format(
            share=words.percent(unsure.values["certainty"])
        )
    return text


@table(title=_segment_title, note=_segment_note)
def segment_table(segments, outcomes, words, **options):
    """Size of each segment and what it thinks."""
    _, found = words.gettext, segments.table
    codes = list(found["segment"])
    columns = [Column(_("Segment"), [_name(words, c) for c in codes])]
    if any(codes):
        columns += [
            Column(_("Share"), found["share"], "percent", found["share_lo"], found["share_hi"]),
            Column(_("n"), found["n_modal"], "count"),
        ]
    for measure in dict.fromkeys(outcomes.table["measure"]) if len(outcomes.table) else []:
        mine = outcomes.table[outcomes.table["measure"] == measure].set_index("group").reindex(codes)
        columns.append(Column(_measure(words, measure), mine["value"], _FORMATS.get(measure, "grade"), mine["value_lo"], mine["value_hi"]))
    return columns


@reading
def differences(segments, outcomes, words, **options):
    """Whether the segments differ in what they think."""
    _, found, same = words.gettext, [], []
    if _lacking(segments, words):
        return [_("Without segments there is nothing to compare.")]
    if outcomes.note("uncorrectable"):
        return [_("The assignment of customers to segments is too uncertain to compare what segments think.")]
    rows = outcomes.table[outcomes.table["value"].notna()]
    for measure, mine in rows.groupby("measure", sort=False):
        if len(mine) < 2:
            continue
        if not mine["q"].iloc[0] < ALPHA:
            same.append(_measure(words, measure).lower())
            continue
        top, low = mine.loc[mine["value"].idxmax()], mine.loc[mine["value"].idxmin()]
        found.append(
            _("**{measure}**: highest among {top} ({top_value}), lowest among {low} ({low_value}); corrected p {q}.").format(
                measure=_measure(words, measure),
                top=_name(words, top["group"]),
                top_value=_shown(words, measure, top["value"]),
                low=_name(words, low["group"]),
                low_value=_shown(words, measure, low["value"]),
                q=words.p_value(mine["q"].iloc[0]),
            )
        )
    if same:
        found.append(
            _("No difference between the segments could be shown in: {measures}. That is no proof that there is none.").format(
                measures=words.listed(same)
            )
        )
    if (rows["status"] == "low_base").any():
        found.append(_("A segment with fewer than 50 customers gives rough figures."))
    return [" ".join(found)] if found else [_("There is nothing to compare the segments on.")]


# ---- who they are ----------------------------------------------------------------------------------------------------


@reading
def background(segments, who, words, **options):
    """Where the segments differ in who they are; only what survives the correction is named."""
    _, found = words.gettext, []
    if _lacking(segments, words):
        return [_("Without segments there is nothing to compare.")]
    rows = who.table[who.table["share"].notna()] if len(who.table) else who.table
    if not len(rows):
        return [_("Nothing is known of the background of customers by which segments could be told apart.")]
    sure = rows[rows["q"] < ALPHA]
    for (by, group), mine in sure.groupby(["by", "group"], sort=False):
        top = mine.loc[(mine["share"] - mine["share_all"]).abs().idxmax()]
        found.append(
            (
                abs(top["share"] - top["share_all"]),
                _("of {segment}, {share} are “{group}” ({question}), of all customers {share_all}").format(
                    segment=_name(words, top["segment"]),
                    share=words.percent(top["share"]),
                    group=words.group(by, group),
                    question=words.by(by),
                    share_all=words.percent(top["share_all"]),
                ),
            )
        )
    if not found:
        return [_("In background no difference between the segments could be shown. That is no proof that there is none.")]
    largest = [text for _size, text in sorted(found, key=lambda pair: -pair[0])[:4]]
    return [_("In background the segments differ most in this: {differences}.").format(differences="; ".join(largest))]


def _who_title(who, words, **options):
    return words.gettext("Who is in the segments?")


def _who_note(who, words, **options):
    _ = words.gettext
    return _(
        "Share of each segment with this answer, corrected for the uncertainty of the assignment. q tests whether the segments are alike, "
        "corrected for the number of rows."
    )


@table(title=_who_title, note=_who_note)
def who_table(who, words, **options):
    """Background of each segment beside that of everybody."""
    _, found = words.gettext, who.table
    keys = list(dict.fromkeys(zip(found["by"], found["group"])))
    columns = [
        Column(_("Question"), [words.by(by) for by, _g in keys]),
        Column(_("Answer"), [words.group(by, group) for by, group in keys]),
    ]
    first = found.drop_duplicates(["by", "group"]).set_index(["by", "group"]).reindex(keys)
    columns.append(Column(_("All respondents"), first["share_all"], "percent"))
    for segment in dict.fromkeys(found["segment"]):
        mine = found[found["segment"] == segment].set_index(["by", "group"]).reindex(keys)
        columns.append(Column(_name(words, segment), mine["share"], "percent", mine["share_lo"], mine["share_hi"]))
    columns.append(Column("q", first["q"], "p"))
    return columns


def _composition_title(composition, words, **options):
    _ = words.gettext
    if set(composition.table["by"]) == {"wave"}:
        return _("How large are the segments in each wave?")
    return _("How large are the segments in each group?")


def _composition_note(composition, words, **options):
    return words.gettext("Share of the group that belongs to each segment, corrected for the uncertainty of the assignment.")


@table(title=_composition_title, note=_composition_note)
def composition_table(composition, words, **options):
    """Share of every segment in each wave, label or location."""
    _, found = words.gettext, composition.table
    keys = list(dict.fromkeys(zip(found["by"], found["group"])))
    first = found.drop_duplicates(["by", "group"]).set_index(["by", "group"]).reindex(keys)
    columns = [
        Column(_("Grouping"), [words.by(by) for by, _g in keys]),
        Column(_("Group"), [words.group(by, group) for by, group in keys]),
        Column(_("n"), first["n"], "count"),
    ]
    for segment in dict.fromkeys(found["segment"]):
        mine = found[found["segment"] == segment].set_index(["by", "group"]).reindex(keys)
        columns.append(Column(_name(words, segment), mine["share"], "percent", mine["share_lo"], mine["share_hi"]))
    return columns


# ---- how sure we are -------------------------------------------------------------------------------------------------


@reading
def golden(formula, quality, words, **options):
    """How well a few questions tell a customer's segment."""
    _ = words.gettext
    found = quality.table.set_index("measure")
    if quality.status == "suppressed" or "accuracy" not in found.index or not np.isfinite(found.loc["accuracy", "value"]):
        return [_("There are no segments that a few questions could tell.")]
    asked = formula.table.loc[formula.table["question"] != "constant", "question"]
    right, guess = found.loc["accuracy"], found.loc["baseline"]
    texts = [
        words.ngettext(
            "To know a customer's segment it takes {n} question ({questions}): it tells the segment rightly for {share} of customers "
            "(interval {interval}); guessing the largest segment would be right for {baseline}.",
            "To know a customer's segment it takes {n} questions ({questions}): they tell the segment rightly for {share} of customers "
            "(interval {interval}); guessing the largest segment would be right for {baseline}.",
            len(asked),
        ).format(
            n=words.number(len(asked)),
            questions=words.listed([_("“{wish}”").format(wish=words.column(q)) for q in asked]),
            share=words.percent(right["value"]),
            interval=words.interval(right["value_lo"], right["value_hi"], words.percent),
            baseline=words.percent(guess["value"]),
        )
    ]
    if found.loc["kappa", "value_lo"] <= 0.4:
        texts.append(_("That is too little to treat a customer by it."))
    return [" ".join(texts)]


def _typing_title(formula, words, **options):
    return words.gettext("The golden questions and their weights")


def _typing_note(formula, words, **options):
    _ = words.gettext
    return _(
        "The score of a segment is its constant plus every answer times its weight; the segment with the highest score is the customer's. The last column is "
        "the share told rightly with the questions so far, somewhat flattered by the choice."
    )


@table(title=_typing_title, note=_typing_note)
def typing_table(formula, words, **options):
    """One row a golden question, one column of weights a segment."""
    _, found = words.gettext, formula.table
    columns = [Column(_("Question"), [_("Constant") if q == "constant" else words.column(q) for q in found["question"]])]
    for name in formula.meta.get("segments", ()):
        if f"weight_{name}" in found:
            columns.append(Column(_name(words, name), found[f"weight_{name}"], "number3"))
    return [*columns, Column(_("Told rightly"), found["accuracy"], "percent")]


def _told_title(confusion, quality, words, **options):
    return words.gettext("How well the golden questions tell the segments")


def _told_note(confusion, quality, words, **options):
    _ = words.gettext
    kappa = quality.table.set_index("measure").loc["kappa"]
    return _(
        "Customers of each segment by the segment that the questions tell, on customers who played no part in choosing and weighing them. Agreement "
        "beyond chance (kappa): {kappa} ({interval})."
    ).format(
        kappa=words.number(kappa["value"], 2),
        interval=words.interval(kappa["value_lo"], kappa["value_hi"], lambda v: words.number(v, 2)),
    )


@table(title=_told_title, note=_told_note)
def told_table(confusion, quality, words, **options):
    """Each segment by the segment that the golden questions tell, with the share told rightly."""
    _, found = words.gettext, confusion.table
    names = list(dict.fromkeys(found["segment"]))
    recall = quality.table[quality.table["measure"] == "recall"].set_index("segment").reindex(names)
    columns = [Column(_("Segment"), [_name(words, n) for n in names]), Column(_("n"), recall["n"], "count")]
    for told in dict.fromkeys(found["told"]):
        mine = found[found["told"] == told].set_index("segment").reindex(names)
        columns.append(Column(_("told {segment}").format(segment=_name(words, told)), mine["share"], "percent"))
    return [*columns, Column(_("Told rightly"), recall["value"], "percent", recall["value_lo"], recall["value_hi"])]


def _checks_title(checks, words, **options):
    return words.gettext("Are these segments really there?")


def _checks_note(checks, words, **options):
    _ = words.gettext
    if checks.note("confirmed"):
        return _("The segments were confirmed earlier and have not been fitted anew, so nothing is checked here.")
    return _("Together these checks inform a judgement; none of them decides alone. Beside the number chosen stands the number expected.")


@table(title=_checks_title, note=_checks_note)
def checks_table(checks, words, **options):
    """Each check of the chosen and the expected number of segments against its limit."""
    _, found = words.gettext, checks.table
    names = {
        "stability": _("Agreement between random halves (adjusted Rand), at least"),
        "residuals": _("Largest relation left between two needs (chi-square per degree of freedom), below"),
        "sizes": _("Smallest segment, at least"),
        "respondents": _("Customers who answered, at least"),
        "starts": _("Starts that reach the best solution, at least"),
    }
    decimals = {"stability": 2, "residuals": 1, "sizes": 2}
    return [
        Column(_("Segments"), found["k"], "count"),
        Column(_("Check"), [names.get(c, c) for c in found["check"]]),
        Column(_("Limit"), [words.number(v, decimals.get(c, 0)) for c, v in zip(found["check"], found["limit"])]),
        Column(_("Found"), [words.number(v, decimals.get(c, 0)) for c, v in zip(found["check"], found["value"])]),
        Column(_("Passed"), [_("yes") if p else _("no") for p in found["passed"]], emphasis=[not p for p in found["passed"]]),
    ]


def _residual_title(residuals, words, **options):
    return words.gettext("What the segments leave unexplained between two needs")


def _residual_note(residuals, words, **options):
    _ = words.gettext
    return _(
        "The pairs of needs with the largest chi-square per degree of freedom left within the segments; from {limit} on they belong together beyond what "
        "the segments explain."
    ).format(limit=words.number(residuals.table["limit"].iloc[0] if len(residuals.table) else np.nan, 1))


@table(title=_residual_title, note=_residual_note)
def residual_table(residuals, words, **options):
    """The largest bivariate residuals."""
    _, found = words.gettext, residuals.table.head(8)
    return [
        Column(_("Need"), [words.column(i) for i in found["item"]]),
        Column(_("and need"), [words.column(i) for i in found["other"]]),
        Column(_("Left"), found["residual"], "number2", emphasis=[not p for p in found["passed"].fillna(True)]),
    ]


def _sure_title(classification, words, **options):
    return words.gettext("How sure is the assignment?")


def _sure_note(classification, words, **options):
    return words.gettext("Of the customers put into a segment, the share that belongs to each, by the account of the model itself.")


@table(title=_sure_title, note=_sure_note)
def sure_table(classification, words, **options):
    """Classification table: assigned segments by the segments that people belong to."""
    _, found = words.gettext, classification.table
    names = list(dict.fromkeys(found["assigned"]))
    first = found.drop_duplicates("assigned").set_index("assigned").reindex(names)
    columns = [Column(_("Put into"), [_name(words, n) for n in names]), Column(_("n"), first["n"], "count")]
    for segment in dict.fromkeys(found["segment"]):
        mine = found[found["segment"] == segment].set_index("assigned").reindex(names)
        columns.append(Column(_name(words, segment), mine["share"], "percent"))
    return columns


def _match_title(segments, words, **options):
    return words.gettext("Which kind of customer is each segment?")


def _match_note(segments, words, **options):
    _ = words.gettext
    return _(
        "Distance is to the expected kind of customer that fits best, in standard deviations; the margin says how much further the next one is. "
        "A segment bears a name only if the margin is at least {margin} and the match holds in {sure} of the repetitions."
    ).format(margin=words.number(0.15, 2), sure=words.percent(0.8))


@table(title=_match_title, note=_match_note)
def match_table(segments, words, **options):
    """Archetype of each segment with distance, margin and how often the match holds."""
    _, found = words.gettext, segments.table
    return [
        Column(_("Segment"), [_name(words, c) for c in found["segment"]]),
        Column(_("Nearest expected kind"), [words.segment(a) if a else None for a in found["archetype"].fillna("")]),
        Column(_("Distance"), found["distance"], "number2"),
        Column(_("Margin"), found["margin"], "number2"),
        Column(_("Match holds in"), found["match_prob"], "percent"),
        Column(_("Certainty of assignment"), found["certainty"], "percent"),
    ]


def _fit_title(fit, words, **options):
    return words.gettext("Fit by number of segments")


def _fit_note(fit, words, **options):
    _ = words.gettext
    text = _(
        "A lower BIC fits better for its number of parameters. “Explains grading” is the share of the differences in customers' mean grade that the "
        "groups explain: above {limit} they are kinds of graders. The chosen solution is set in bold."
    ).format(limit=words.percent(0.3))
    if fit.note("pseudo_likelihood"):
        text += " " + _("With sampling weights the likelihood is a pseudo-likelihood, so BIC is only a guide.")
    return text


@table(title=_fit_title, note=_fit_note)
def fit_table(fit, words, **options):
    """One row a solution and number of classes."""
    _, found = words.gettext, fit.table
    bold = found["chosen"].fillna(False).astype(bool)
    names = {"raw": _("raw answers"), "within": _("within person")}
    columns = [
        Column(_("Solution"), [names.get(s, s) for s in found["solution"]], emphasis=bold),
        Column(_("Segments"), found["k"], "count", emphasis=bold),
        Column(_("Log-likelihood"), found["ll"], "number1"),
        Column(_("Parameters"), found["npar"], "count"),
        Column("BIC", found["bic"], "count", emphasis=bold),
        Column(_("Entropy"), found["entropy"], "number2"),
        Column(_("Smallest"), found["min_share"], "percent"),
        Column(_("Starts"), found["starts_hit"], "count"),
        Column(_("Explains grading"), found["style_share"], "percent"),
    ]
    if found["blrt_p"].notna().any():
        columns.append(Column(_("p of one fewer"), found["blrt_p"], "p"))
    return columns


def _refit_title(refit, words, **options):
    return words.gettext("The confirmed segments against a fresh fit")


def _refit_note(refit, words, **options):
    _ = words.gettext
    agreement = refit.table["adjusted_rand"].iloc[0] if len(refit.table) else np.nan
    return _("Share of each confirmed segment by the segment of the fresh fit. Agreement (adjusted Rand): {agreement}.").format(
        agreement=words.number(agreement, 2)
    )


@table(title=_refit_title, note=_refit_note)
def refit_table(refit, words, **options):
    """Crosstab of confirmed segments and those of a refit."""
    _, found = words.gettext, refit.table
    confirmed, fresh = list(dict.fromkeys(found["confirmed"])), list(dict.fromkeys(found["refit"]))
    columns = [Column(_("Confirmed segment"), [_name(words, c) for c in confirmed])]
    for name in fresh:
        mine = found[found["refit"] == name].set_index("confirmed").reindex(confirmed)
        columns.append(Column(_name(words, name), mine["share"], "percent"))
    return columns

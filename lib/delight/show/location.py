"""One location on two pages: its response and grade beside the rest of its label, what works for customers, and a question to talk about."""

from __future__ import annotations

from textwrap import fill, shorten

import numpy as np
import pandas as pd

from delight.show.charts import Chart, Series
from delight.show.drivers import CLASS_COLOURS, OTHER, class_word
from delight.show.levels import is_share
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, guide, reading, table
from delight.show.words import is_missing

#: Up to this many answers the pooled grade leads; from here on the location's own.
POOLED_LEADS = 30
#: Most parts of the service in the figure; the others are in the table only.
MOST_PARTS = 14
#: Most parts named in a sentence.
MOST_NAMED = 3
#: Longest name of a part in the figure, in characters, and of anything in a sentence.
NAME, IN_TEXT = 84, 70
#: Kinds of experiences in the order in which a team reads them.
KINDS = ("basis", "beleving", "undistinguished", "bijzonder", "reverse", "indifferent")
FLAG_COLOURS = {"below": COLOURS["second"], "above": COLOURS["main"]}


# ---- shared words ----------------------------------------------------------------------------------------------------


def _row(result, by):
    """The row about the location, the rest of its label, its label or the organisation; every value missing where it is not shown."""
    t = result.table
    rows = t[t["by"] == by]
    return rows.iloc[0] if len(rows) else pd.Series(np.nan, index=t.columns, dtype=object)


def _grade(result, words):
    return words.percent if is_share(result) else words.grade


def _place(result, words):
    return shorten(words.location(result.meta["location"]), IN_TEXT, placeholder=" …")


def _label(result):
    return shorten(str(result.meta.get("label") or ""), IN_TEXT, placeholder=" …")


def _wrapped(text, width):
    return fill(" ".join(text.split()), width, max_lines=2, placeholder=" …")


def _hidden(result):
    return is_missing(_row(result, "location").get("n"))


# ---- where we stand --------------------------------------------------------------------------------------------------


@table(title=lambda response, grade, words, **options: words.gettext("Key figures of this location"), look="cards")
def key_figures(response, grade, words, **options):
    """Response, pooled grade, grade of the own answers and share of delighted customers; of the label where the location is too small."""
    cards = _cards_of_label(response, grade, words) if _hidden(grade) else _cards(response, grade, words)
    heads = [words.gettext("Measure"), words.gettext("Result"), words.gettext("Interval"), words.gettext("Rests on")]
    return [Column(head, [card[i] for card in cards]) for i, head in enumerate(heads)]


def _cards(response, grade, words):
    _, row, show = words.gettext, _row(grade, "location"), _grade(grade, words)
    n = words.ngettext("{n} answer", "{n} answers", int(row["n"])).format(n=words.number(row["n"]))
    own = (_("Grade, own answers"), show(row["mean"]), words.interval(row["ci_lo"], row["ci_hi"], show), n)
    pooled = ()
    if not is_missing(row["pooled"]):
        counted = _("own answers count for {share}").format(share=words.percent(1 - row["shrinkage"]))
        pooled = (_("Grade, pooled"), show(row["pooled"]), words.interval(row["lo"], row["hi"], show), counted)
    grades = [c for c in ((pooled, own) if row["n"] <= POOLED_LEADS else (own, pooled)) if c]
    cards = [_response_card(_row(response, "location"), _("Response"), words), *grades]
    if not is_missing(row["share"]) and not is_share(grade):
        raw = _("own answers: {share}").format(share=words.percent(row["share_raw"]))
        cards.append(
            (_("Delighted, pooled"), words.percent(row["share"]), words.interval(row["share_lo"], row["share_hi"], words.percent), raw)
        )
    return cards


def _cards_of_label(response, grade, words):
    _, show, label = words.gettext, _grade(grade, words), shorten(str(grade.meta.get("label") or ""), 34, placeholder=" …")
    cards = []
    for by, name in (("label", label), ("organisation", _("All locations"))):
        row, answered = _row(grade, by), _row(response, by)
        if by == "label" and (not label or is_missing(row["mean"])):
            continue
        if not is_missing(answered["n"]):
            cards.append(_response_card(answered, _("Response, {group}").format(group=name), words))
        if not is_missing(row["mean"]):
            n = words.ngettext("{n} answer", "{n} answers", int(row["n"])).format(n=words.number(row["n"]))
            cards.append((_("Grade, {group}").format(group=name), show(row["mean"]), words.interval(row["ci_lo"], row["ci_hi"], show), n))
    return cards


def _response_card(row, name, words):
    _ = words.gettext
    if is_missing(row["response"]):
        return name if words.gettext("Response") != name else _("Answers"), words.number(row["n"]), _("response not known"), ""
    about = {"n": words.number(row["n"]), "invited": words.number(row["invited"])}
    return name, words.percent(row["response"]), _("{n} of {invited} invited").format(**about), ""


@reading
def standing(response, grade, words, least=10, question="", **options):
    """The grade of the location in sentences: pooled and raw, and whether it clearly differs from the rest of its label."""
    _ = words.gettext
    stands_in = [_("Nobody was asked for an overall grade; the answers to “{question}” stand in its place.").format(question=question)]
    stands_in = stands_in if question else []
    return [*(_too_few(response, grade, words, least) if _hidden(grade) else _own(grade, words)), *stands_in]


def _too_few(response, grade, words, least):
    _ = words.gettext
    about = {"location": _place(grade, words), "least": words.number(least)}
    told = [
        _(
            "Thank you for taking part. Too few customers of {location} answered to show their answers without giving away who they are, "
            "or so few elsewhere that theirs could be worked out. From {least} answers on a location has, as a rule, figures of its own; every answer did "
            "count for the whole."
        ).format(**about),
        _("These pages show what can be shown: how the others stand, and what works for customers of all locations."),
        _(
            "Figures of your own next time? What helps most is a personal word: tell customers when the survey comes, why it matters to this "
            "location and what was done with the last one, and remind them once."
        ),
    ]
    return [f"**{told[0]}**", *told[1:]]


def _own(grade, words):
    _, row, show = words.gettext, _row(grade, "location"), _grade(grade, words)
    about = {"location": _place(grade, words), "n": words.number(row["n"]), "raw": show(row["mean"])}
    if is_missing(row["pooled"]):
        text = words.ngettext(
            "The {n} customer of {location} who answered gives {raw}.",
            "The {n} customers of {location} who answered give {raw} on average.",
            int(row["n"]),
        ).format(**about)
        return [text, _("There are too few locations to compare this one with others.")]
    about |= {
        "pooled": show(row["pooled"]),
        "interval": words.interval(row["lo"], row["hi"], show),
        "own": words.percent(1 - row["shrinkage"]),
    }
    if row["n"] <= POOLED_LEADS:
        first = _(
            "**The best guess of the grade of {location} is {pooled}** (interval {interval}). It weighs the {n} answers given here, {raw} on "
            "average, with those of comparable locations, because so few answers move much by chance."
        )
    else:
        first = _(
            "**The {n} customers of {location} who answered give {raw} on average.** Weighed with the answers of comparable locations, because "
            "chance plays a part in any survey, the best guess is {pooled} (interval {interval})."
        )
    return [first.format(**about), _compared(grade, words)]


def _compared(grade, words):
    """Whether the location clearly differs from the rest of its label, by the rule of M42 and nothing else."""
    _, row, rest = words.gettext, _row(grade, "location"), _row(grade, "rest")
    label = _label(grade)
    if is_missing(rest["pooled"]):
        return _("The other locations cannot be shown beside it: too few customers answered there.")
    about = {"label": label, "rest": _grade(grade, words)(rest["pooled"])}
    if label:
        said = {
            "below": _("**That is clearly below the rest of {label} ({rest}).**"),
            "above": _("**That is clearly above the rest of {label} ({rest}).**"),
        }.get(row["flag"], _("No clear difference from the rest of {label} ({rest}) could be shown."))
    else:
        said = {
            "below": _("**That is clearly below the other locations ({rest}).**"),
            "above": _("**That is clearly above the other locations ({rest}).**"),
        }.get(row["flag"], _("No clear difference from the other locations ({rest}) could be shown."))
    return _ended(said.format(**about))


def _ended(text):
    """A sentence whose last name was cut, without a full stop after its dots."""
    return text.replace("….", "…")


def _standing_rows(grade, words):
    """(name, value, lo, hi, kind) of every point of the figure that may be shown, from top to bottom."""
    _, row, rest, label = words.gettext, _row(grade, "location"), _row(grade, "rest"), _label(grade)
    own = (_("Own answers (n = {n})").format(n=words.number(row["n"])), row["mean"], row["ci_lo"], row["ci_hi"], "raw")
    pooled = (_("Pooled, the best guess"), row["pooled"], row["lo"], row["hi"], "pooled")
    rows = [pooled, own] if not is_missing(row["n"]) and row["n"] <= POOLED_LEADS else [own, pooled]
    if not is_missing(rest["pooled"]):
        name = _("Rest of {label} (n = {n})") if label else _("Other locations (n = {n})")
        rows.append((name.format(label=label, n=words.number(rest["n"])), rest["pooled"], rest["lo"], rest["hi"], "others"))
    elif label:
        whole = _row(grade, "label")
        name = _("All of {label} (n = {n})").format(label=label, n=words.number(whole["n"]))
        rows.append((name, whole["mean"], whole["ci_lo"], whole["ci_hi"], "others"))
    everybody = _row(grade, "organisation")
    name = _("All locations (n = {n})").format(n=words.number(everybody["n"]))
    rows.append((name, everybody["mean"], everybody["ci_lo"], everybody["ci_hi"], "others"))
    return [r for r in rows if not is_missing(r[1])]


def _standing_title(grade, words, **options):
    _ = words.gettext
    return _("The grade of the others") if _hidden(grade) else _("Our grade beside that of others")


def _standing_alt(grade, words, **options):
    show = _grade(grade, words)
    values = "; ".join(f"{name}: {show(value)}" for name, value, *_rest in _standing_rows(grade, words))
    return words.gettext("Dot plot of grades: {values}.").format(values=values)


def _standing_caption(grade, words, **options):
    _ = words.gettext
    if _hidden(grade):
        return _("Dots are grades, lines their intervals.")
    return _(
        "Open dot: the own answers by themselves. Filled dot: the best guess, pooled with comparable locations. Lines are intervals: values "
        "that go together with these answers."
    )


def _standing_chart(grade, words, **options):
    rows = _standing_rows(grade, words)
    series = Series("", [r[1] for r in rows], [r[2] for r in rows], [r[3] for r in rows], colour=COLOURS["main"])
    return Chart("dots", [r[0] for r in rows], [series], format="percent" if is_share(grade) else "grade", axis=_axis(grade, words))


def _axis(grade, words):
    return words.gettext("Satisfied (%)") if is_share(grade) else words.gettext("Mean grade")


@figure(
    title=_standing_title,
    caption=_standing_caption,
    alt=_standing_alt,
    size=lambda grade, **options: (170, 52),
    chart=_standing_chart,
)
def standing_figure(grade, ax, words, **options):
    """Own answers, pooled grade, the rest of the label and everybody."""
    rows, factor = _standing_rows(grade, words), 100 if is_share(grade) else 1
    if len(rows) < 2:  # nothing stands beside it
        return ax
    colour = FLAG_COLOURS.get(_row(grade, "location").get("flag"), COLOURS["main"])
    for y, (_name, value, lo, hi, kind) in enumerate(rows):
        ink = COLOURS["soft"] if kind == "others" else colour
        if not is_missing(lo):
            ax.hlines(y, factor * lo, factor * hi, color=ink, linewidth=2.2 if kind == "pooled" else 1.2)
        ax.scatter(
            factor * value, y, s=46 if kind == "pooled" else 30, facecolors="white" if kind == "raw" else ink, edgecolors=ink, zorder=3
        )
        ax.annotate(
            _grade(grade, words)(value), (factor * value, y), (0, 5), textcoords="offset points", ha="center", va="bottom", fontsize=8
        )
    _frame(ax, [_wrapped(r[0], 38) for r in rows], words)
    ax.set_ylim(len(rows) - 0.5, -0.75)
    _widen(ax, 16.0 if factor == 100 else 1.0)
    ax.set_xlabel(_axis(grade, words))
    return ax


def _widen(ax, least):
    """An axis of at least this length: small differences look small."""
    middle, half = np.mean(ax.get_xlim()), max(np.ptp(ax.get_xlim()), least) / 2
    ax.set_xlim(middle - half, middle + half)


def _frame(ax, names, words):
    """Names on the left, a grid of values, no box."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, 0 if np.ptp(ax.get_xlim()) > 4 else 1)))


@reading
def quotes(said, words, **options):
    """What customers of this location said, in their own words."""
    _, found = words.gettext, said.table["quote"].dropna().tolist()
    if not found:
        return []
    head = words.ngettext("**What a customer said here**", "**What customers said here**", len(found))
    return [head, *[f"“{text}”" for text in found]]


@guide
def reading_guide(grade, words, **options):
    """Why there are two grades, in a few words."""
    _ = words.gettext
    if is_missing(_row(grade, "location")["pooled"]):
        return []
    told = _(
        "Why two grades? With few answers, one or two customers more or less change a mean. The pooled grade leans on comparable locations, the "
        "more so the fewer answers there are, and is right more often. A difference is called clear only if it is probable (above 95%) and large "
        "enough to matter. Locations are not ranked: most differences between them are chance."
    )
    return [told]


# ---- what works, and how we do ---------------------------------------------------------------------------------------


def _parts_rows(parts):
    """The parts in the figure, by kind and then by the organisation's priorities; of many those flagged and the first in priority."""
    t = parts.table
    if len(t) > MOST_PARTS:
        first = t["flag"].isin(["below", "above"])
        t = t.assign(first=~first).sort_values(["first", "order"], kind="stable").head(MOST_PARTS)
    kind = t["impact_class"].map({code: i for i, code in enumerate(KINDS)}).fillna(len(KINDS))
    return t.assign(kind=kind).sort_values(["kind", "order"], kind="stable")


def _on_one_scale(rows):
    """Function from (value, row) to the axis: as it is where all parts share a scale, else 0–100."""
    scales = set(zip(rows["scale_min"], rows["scale_max"]))
    if len(scales) == 1:
        low, high = next(iter(scales))
        return (lambda v, r: 100 * v, "share") if (low, high) == (0, 1) else (lambda v, r: v, "grade")
    return (lambda v, r: 100 * (v - r["scale_min"]) / (r["scale_max"] - r["scale_min"]), "0-100")


def _part_values(parts):
    """Rows with value, limits, own mean and mean of all on the axis of the figure, and the name of that axis."""
    rows = _parts_rows(parts)
    scaled, axis = _on_one_scale(rows)
    found = []
    for r in rows.to_dict("records"):
        at = {k: np.nan if is_missing(r[k]) else scaled(r[k], r) for k in ("pooled", "lo", "hi", "mean", "all")}
        if is_missing(at["pooled"]):
            at["pooled"], at["lo"], at["hi"] = at["mean"], np.nan, np.nan
        flag = r["flag"] if r["flag"] in FLAG_COLOURS else ""
        found.append({"attribute": r["attribute"], "class": _class(r), "flag": flag, **at})
    return found, axis


def _class(row):
    return row["impact_class"] if isinstance(row["impact_class"], str) else ""


def _part_axis(words, axis):
    return {"grade": words.gettext("Mean grade"), "share": words.gettext("Satisfied (%)"), "0-100": words.gettext("Grade, from 0 to 100")}[
        axis
    ]


def _nothing_own(parts):
    return parts.table["n"].isna().all()


@reading
def kinds(parts, words, **options):
    """What the organisation's kinds of experiences ask of a team, and where this location clearly differs."""
    _, t = words.gettext, parts.table
    if not len(t):
        return [_("This survey did not ask about the parts of our service, so it cannot say what to work on.")]
    lines = [
        _(
            "Over all locations together we know what works for customers. Basic factors hurt when they fall short; delight factors make "
            "customers enthusiastic; experience factors do both. One location has too few answers to work this out for itself."
        )
    ]
    if not any(_class(r) for r in t.to_dict("records")):
        lines = [_("This is how customers grade the parts of our service.")]
    if _nothing_own(parts):
        return [*lines, _("The figure shows the grades of all locations together.")]
    label = _label(parts)
    for flag in ("below", "above"):
        names = [_named(words, a) for a in t.loc[t["flag"] == flag, "attribute"]]
        if len(names) > MOST_NAMED:
            more = words.ngettext("{n} other part", "{n} other parts", len(names) - MOST_NAMED).format(
                n=words.number(len(names) - MOST_NAMED)
            )
            names = [*names[:MOST_NAMED], more]
        if names:
            lines.append(_flagged(words, flag, label).format(parts=words.listed(names), label=label))
    if not t["flag"].isin(["below", "above"]).any():
        lines.append(
            _ended(_("On no part does this location clearly differ from the rest of {label}.").format(label=label))
            if label
            else _("On no part does this location clearly differ from the others.")
        )
    return lines


def _named(words, attribute):
    return f"“{shorten(words.column(attribute), IN_TEXT, placeholder=' …')}”"


def _flagged(words, flag, label):
    _ = words.gettext
    if label and flag == "below":
        return _("**Clearly below the rest of {label}: {parts}.**")
    if label:
        return _("**Clearly above the rest of {label}: {parts}.**")
    return _("**Clearly below the other locations: {parts}.**") if flag == "below" else _("**Clearly above the other locations: {parts}.**")


def _parts_size(parts, **options):
    rows = max(len(_parts_rows(parts)), 1)
    return 170, 18 + rows * min(8.4, 112 / rows)


def _parts_title(parts, words, **options):
    _ = words.gettext
    return _("How do customers of all locations grade each part?") if _nothing_own(parts) else _("How do we do on each part?")


def _parts_caption(parts, words, **options):
    _ = words.gettext
    left = len(parts.table) - len(_parts_rows(parts))
    more = words.ngettext("{n} further part is not drawn.", "{n} further parts are not drawn.", left).format(n=words.number(left))
    if _nothing_own(parts):
        told = _("Upright line: all locations together.")
    else:
        told = _(
            "Filled dot and line: this location, pooled, with its interval. Open dot: the own answers by themselves. Upright line: all locations "
            "together. In colour: clearly different from the rest."
        )
    return f"{told} {more}" if left > 0 else told


def _parts_alt(parts, words, **options):
    found, axis = _part_values(parts)
    show = words.percent if axis == "share" else words.grade
    factor = 0.01 if axis == "share" else 1
    own = "all" if _nothing_own(parts) else "pooled"
    values = "; ".join(f"{words.column(r['attribute'])}: {show(factor * r[own])}" for r in found if not is_missing(r[own]))
    return words.gettext("Dot plot of the grade for each part of the service: {values}.").format(values=values)


def _parts_chart(parts, words, **options):
    found, axis = _part_values(parts)
    factor, form = (0.01, "percent") if axis == "share" else (1, "grade" if axis == "grade" else "number1")

    def of(key):
        return [factor * r[key] for r in found]

    series = [Series(words.gettext("All locations"), of("all"), colour=COLOURS["soft"])]
    if not _nothing_own(parts):
        series.insert(0, Series(words.gettext("This location, pooled"), of("pooled"), of("lo"), of("hi"), colour=COLOURS["main"]))
    return Chart("dots", [words.column(r["attribute"]) for r in found], series, format=form, axis=_part_axis(words, axis))


@figure(title=_parts_title, caption=_parts_caption, alt=_parts_alt, size=_parts_size, chart=_parts_chart)
def parts_figure(parts, ax, words, **options):
    """Every part by kind: this location pooled and raw, and all locations; nothing is ordered by result."""
    found, axis = _part_values(parts)
    for y, r in enumerate(found):
        colour = FLAG_COLOURS.get(r["flag"], COLOURS["soft"])
        if not is_missing(r["all"]):
            ax.vlines(r["all"], y - 0.32, y + 0.32, color=COLOURS["ink"], linewidth=1.3, zorder=2)
        if not is_missing(r["lo"]):
            ax.hlines(y, r["lo"], r["hi"], color=colour, linewidth=1.6)
        if not is_missing(r["mean"]):
            ax.scatter(r["mean"], y, s=20, facecolors="white", edgecolors=colour, linewidths=0.9, zorder=3)
        if not is_missing(r["pooled"]):
            ax.scatter(r["pooled"], y, s=28, color=colour, zorder=4)
    _frame(ax, [_wrapped(words.column(r["attribute"]), NAME // 2) for r in found], words)
    ax.tick_params(axis="y", labelsize=7.6)
    ax.set_ylim(len(found) - 0.4, -0.6)
    _widen(ax, 1.0 if axis == "grade" else 16.0)
    _bands(ax, [r["class"] for r in found], words)
    ax.set_xlabel(_part_axis(words, axis))
    return ax


def _bands(ax, classes, words):
    """The kinds at the right, each with a line along its rows."""
    start = 0
    for end in range(1, len(classes) + 1):
        if end < len(classes) and classes[end] == classes[start]:
            continue
        code = classes[start]
        if code:
            colour = CLASS_COLOURS.get(code, OTHER)
            at = ax.get_yaxis_transform()
            ax.plot([1.012, 1.012], [start - 0.38, end - 1 + 0.38], color=colour, linewidth=2.2, transform=at, clip_on=False)
            width = 17 if end - start > 1 else 30
            ax.text(
                *(1.025, (start + end - 1) / 2, fill(class_word(words, code), width, break_long_words=False)),
                **dict(transform=at, ha="left", va="center", fontsize=7.6, color=COLOURS["ink"], linespacing=1.05),
            )
        start = end


@reading
def question(chosen, words, **options):
    """One question for the team's next talk."""
    _ = words.gettext
    row = chosen.table.iloc[0]
    if not row["attribute"]:
        ask = _("What would a customer who gave us the highest grade tell a friend about us? And what would that customer leave out?")
    else:
        ask = _ask(words, row).format(part=_named(words, row["attribute"]))
    return [_("**For the next team talk**"), ask]


def _ask(words, row):
    _, code = words.gettext, row["impact_class"]
    if row["flag"] == "below" and code == "basis":
        return _(
            "{part} clearly falls short here, and customers take it for granted. When did it last go wrong, what did the customer notice of it, "
            "and what can we agree today so that it does not happen again?"
        )
    if row["flag"] == "below":
        return _(
            "{part} is graded clearly lower here than elsewhere. What do customers see or hear of it on an ordinary day, and which one thing "
            "could each of us do otherwise from next week?"
        )
    if row["flag"] == "above":
        return _(
            "{part} is graded clearly higher here than elsewhere. What is it that we do, would a new colleague know it, and how do we keep it up "
            "on a busy day?"
        )
    if code == "basis":
        return _(
            "{part} is something customers count on. When did a customer last have reason to mention it, and what would have prevented that?"
        )
    if code == "bijzonder":
        return _("{part} is what customers grow enthusiastic about. When did we last see that happen, and what made it possible?")
    return _("{part} comes first for customers of all locations. What went well last week, and which one thing shall we try next week?")


@guide
def kinds_guide(parts, words, **options):
    """What the kinds on the page mean."""
    _ = words.gettext
    present = {_class(r) for r in _parts_rows(parts).to_dict("records")} if len(parts.table) else set()
    told = {
        "basis": _("**Basic factor**: hurts when poor, brings little when excellent. Get it right every day."),
        "beleving": _("**Experience factor**: every point more or less counts. Improve it step by step."),
        "bijzonder": _("**Delight factor**: does no harm when ordinary, brings much when excellent. Choose where to excel."),
        "undistinguished": _("**Like an experience factor**: no difference between poor and excellent could be shown; treat it as one."),
        "reverse": _("**Works against**: goes with a lower overall grade when it is graded higher. Look into it first."),
        "indifferent": _("**No effect shown**: moves the overall grade little, as far as these answers tell."),
    }
    lines = [text for code, text in told.items() if code in present]
    return [" ".join(lines)] if lines else []

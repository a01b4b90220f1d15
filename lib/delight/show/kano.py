"""What delights and what is taken for granted: the Kano questions in words, a diagram and tables."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd

from delight.show import theme
from delight.show.charts import Chart, Series
from delight.show.drivers import CLASS_COLOURS, NOTHING, OTHER, _nothing, class_word
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table

#: Colours of the categories; those that are no factor stay pale.
CATEGORY_COLOURS = {
    "A": CLASS_COLOURS["bijzonder"],
    "O": CLASS_COLOURS["beleving"],
    "M": CLASS_COLOURS["basis"],
    "R": CLASS_COLOURS["reverse"],
}
#: Categories in the order in which a reader meets them.
ORDER = ("A", "O", "M", "I", "R", "Q")
#: Millimetres in a point of type.
MM_POINT = 25.4 / 72
#: Months beyond which a half-life is told as "at least".
LONG = 60
#: Most features whose names fit in the diagram.
MOST_NAMED = 24


# ---- shared words ----------------------------------------------------------------------------------------------------


def category_word(words, code):
    """Name of a category; of several that cannot be told apart, all of them."""
    _ = words.gettext
    names = {
        "A": _("Delights"),
        "O": _("The more, the better"),
        "M": _("Taken for granted"),
        "I": _("Indifferent"),
        "R": _("Not wanted"),
        "Q": _("Contradictory answers"),
    }
    if code is None or pd.isna(code):
        return _("Too few answers")
    found = [names[c] for c in ORDER if c in str(code).split("/")]
    if len(found) < 2:
        return found[0]
    return _("{one} or {other}").format(one=found[0], other=found[1].lower())


def _row_word(words, row):
    """Category of a row, or why it has none."""
    _ = words.gettext
    return _("Not shown") if row.status == "suppressed" else category_word(words, row.category)


def _listed(words, attributes):
    return words.listed([words.column(a) for a in attributes])


def _whole(classes):
    """Rows of everybody, those that delight first, then by category and by the pull of having it."""
    t = classes.table[classes.table["by"] == "whole"]
    place = {c: i for i, c in enumerate(ORDER)}
    lead = t["category"].map(lambda c: place.get(str(c).split("/")[0] if c else "", 9) if isinstance(c, str) else 9)
    lead = lead.where(t["category"].isin(list(ORDER)), lead + 0.5)
    return t.assign(place=lead).sort_values(["place", "cs_plus", "attribute"], ascending=[True, False, True], na_position="last")


def _known(classes):
    t = _whole(classes)
    return t[t["cs_plus"].notna() & ~t["status"].isin(NOTHING)]


# ---- what features are -----------------------------------------------------------------------------------------------


@reading
def kinds(classes, words, **options):
    """Which features delight, which are wanted in proportion, which are taken for granted, and what stays open."""
    _, t = words.gettext, _whole(classes)
    if t["category"].isna().all():
        if classes.status == "suppressed":
            return [_("Too few customers answered to show this without giving away who they are.")]
        return [_("Nobody answered both questions about any feature, so nothing can be said about what delights.")]
    found = {c: t.loc[t["category"] == c, "attribute"].tolist() for c in ORDER}
    paragraphs = [
        words.ngettext(
            "{n} customer said how it would feel if a feature were there, and how if it were not.",
            "{n} customers said how it would feel if each feature were there, and how if it were not.",
            int(t["n"].max()),
        ).format(n=words.number(t["n"].max()))
    ]
    sentences = {
        "A": _("**Delights:** {features}. Most are glad to have it, and hardly anybody minds if it is not there."),
        "O": _("**The more, the better:** {features}. Customers are glad to have it and mind if it is not there."),
        "M": _("**Taken for granted:** {features}. It pleases few, but its absence annoys: this has to be in order."),
        "I": _("**Indifferent:** {features}. Most customers do not mind whether it is there or not."),
        "R": _("**Not wanted:** {features}. Most customers would rather not have it."),
        "Q": _("{features}: most answers contradict themselves. Check how the questions were worded."),
    }
    paragraphs += [sentences[c].format(features=_listed(words, found[c])) for c in ORDER if found[c]]
    open_ = t[t["category"].notna() & ~t["category"].isin(list(ORDER))]
    if len(open_):
        each = "; ".join(
            f"{category_word(words, c).lower()}: {_listed(words, rows['attribute'])}" for c, rows in open_.groupby("category", sort=False)
        )
        paragraphs.append(_("**Undecided,** {features}. The answers do not tell which of the two it is.").format(features=each))
    few = t.loc[t["category"].isna(), "attribute"]
    if len(few):
        paragraphs.append(_("{features}: too few customers answered both questions.").format(features=_listed(words, few)))
    return [*paragraphs, " ".join(_notes(classes, t, words))]


def _notes(classes, t, words):
    """What to keep in mind: mixed answers, contradictions, few answers, and what the questions do not say."""
    _, notes = words.gettext, []
    divided = t[t["r_flag"].eq(True) & (t["category"] != "R")].sort_values("share_r", ascending=False)
    if len(divided):
        each = [f"{words.column(row.attribute)} ({words.percent(row.share_r)})" for row in divided.itertuples()]
        notes.append(
            _("{features}: customers are divided; so many would rather not have it that no average does them justice.").format(
                features=words.listed(each)
            )
        )
    contradictory = t.loc[t["q_flag"].eq(True) & (t["category"] != "Q"), "attribute"]
    if len(contradictory):
        notes.append(_("More than 5% of the answers on {features} contradict themselves.").format(features=_listed(words, contradictory)))
    people = classes.note("questionable_respondents")
    if people and people.values["share"] >= 0.01:
        notes.append(
            _("{share} of the customers contradict themselves on more than a fifth of the features.").format(
                share=words.percent(people.values["share"])
            )
        )
    if (t["status"] == "low_base").any():
        notes.append(_("The number of answers is small; read this as a first indication."))
    notes.append(
        _(
            "A feature has one kind only if its most frequent answer is so beyond chance, corrected for the number of features. "
            "This is what customers say of having or lacking a feature, not how well it is done now."
        )
    )
    return notes


def _diagram_rows(classes):
    return _known(classes).head(MOST_NAMED)


def _diagram_caption(classes, words, **options):
    _ = words.gettext
    text = _(
        "Of the customers who have a wish: how many are glad to have it (upwards) and how many mind if it is not there (to the right), "
        "with {level} intervals. Top left delights, top right the more the better, bottom right taken for granted, bottom left "
        "indifferent. Colours: the kind; a pale point is undecided or indifferent."
    ).format(level=words.percent(classes.meta.get("ci_level")))
    left_out = len(_known(classes)) - len(_diagram_rows(classes))
    if left_out:
        more = words.ngettext("{n} more feature stands in the table.", "{n} more features stand in the table.", left_out)
        text = f"{text} {more.format(n=words.number(left_out))}"
    return text


def _diagram_alt(classes, words, **options):
    values = "; ".join(
        words.gettext("{feature}: glad to have it {plus}, mind its absence {minus}").format(
            feature=words.column(r.attribute), plus=words.percent(r.cs_plus), minus=words.percent(abs(r.cs_minus))
        )
        for r in _diagram_rows(classes).itertuples()
    )
    return words.gettext("Diagram of what features do when they are there and when they are not: {values}.").format(values=values)


def _diagram_chart(classes, words, **options):
    _, t = words.gettext, _diagram_rows(classes)
    colours = tuple(CATEGORY_COLOURS.get(c, OTHER) for c in t["category"])
    points = Series("", t["cs_plus"], t["cs_plus_lo"], t["cs_plus_hi"], colours=colours, x=-t["cs_minus"])
    names = [words.column(a) for a in t["attribute"]]
    return Chart("scatter", names, [points], "percent", _("Glad to have it (%)"), _("Mind if it is not there (%)"), "percent")


@figure(
    title=lambda classes, words, **options: words.gettext("What delights, what is missed?"),
    caption=_diagram_caption,
    alt=_diagram_alt,
    size=(170, 122),
    chart=_diagram_chart,
)
def better_worse(classes, ax, words, **options):
    """CS+ against |CS-| with intervals, in the colour of the category, the quadrants named in their corners."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    _, t = words.gettext, _diagram_rows(classes)
    if t.empty:
        return _nothing(ax, words)
    x, y = -100 * t["cs_minus"].to_numpy(dtype=float), 100 * t["cs_plus"].to_numpy(dtype=float)
    ax.set_xlim(-4, 104)
    ax.set_ylim(-10, 112)
    ax.axvline(50, color=COLOURS["grid"], linewidth=1)
    ax.axhline(50, color=COLOURS["grid"], linewidth=1)
    corners = {
        "A": (-3, 111, "left", "top"),
        "O": (103, 111, "right", "top"),
        "M": (103, -9, "right", "bottom"),
        "I": (-3, -9, "left", "bottom"),
    }
    for code, (cx, cy, ha, va) in corners.items():
        ax.text(cx, cy, category_word(words, code), ha=ha, va=va, fontsize=8, color=CATEGORY_COLOURS.get(code, COLOURS["soft"]))
    for at, row in enumerate(t.itertuples()):
        colour = CATEGORY_COLOURS.get(row.category, OTHER)
        ax.hlines(y[at], -100 * row.cs_minus_hi, -100 * row.cs_minus_lo, color=colour, linewidth=1, alpha=0.55)
        ax.vlines(x[at], 100 * row.cs_plus_lo, 100 * row.cs_plus_hi, color=colour, linewidth=1, alpha=0.55)
        ax.scatter(x[at], y[at], s=28, color=colour, zorder=3)
    lines = [(-100 * r.cs_minus_hi, y[i], -100 * r.cs_minus_lo, y[i]) for i, r in enumerate(t.itertuples())]
    lines += [(x[i], 100 * r.cs_plus_lo, x[i], 100 * r.cs_plus_hi) for i, r in enumerate(t.itertuples())]
    _label(ax, x, y, [fill(words.column(a), 24) for a in t["attribute"]], lines)
    ax.set_xlabel(_("Mind if it is not there (%)"))
    ax.set_ylabel(_("Glad to have it (%)"))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MultipleLocator(25))
        axis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value)))
    return ax


def _label(ax, x, y, labels, lines, size=7.2):
    """Write a label near each point, clear of points, corners and other labels, if it can of intervals; a thin line leads to one far off."""

    def extent(text, size):
        lines = text.split("\n")
        wide = max(map(theme.width, lines)) * size
        return wide * MM_POINT + 1.5, len(lines) * size * 1.45 * MM_POINT + 1.0

    plot = np.array([side * 25.4 for side in ax.figure.get_size_inches()]) - (17, 15)  # what axis labels leave
    low, span = np.array([ax.get_xlim()[0], ax.get_ylim()[0]]), np.array([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())])
    points = (np.column_stack([x, y]) - low) / span * plot
    taken = [(*(p - 1.6), *(p + 1.6)) for p in points]
    for text in list(ax.texts):  # the names in the corners
        wide, high = extent(text.get_text(), text.get_fontsize())
        cx, cy = (np.array(text.get_position()) - low) / span * plot
        left, bottom = cx - wide * (text.get_ha() == "right"), cy - high * (text.get_va() == "top")
        taken.append((left, bottom, left + wide, bottom + high))
    crossed = [(*(np.array(ends[:2]) - low) / span * plot - 0.3, *(np.array(ends[2:]) - low) / span * plot + 0.3) for ends in lines]
    for (px, py), label in zip(points, labels):
        box, away = _free(px, py, *extent(label, size), np.array(taken), np.array(crossed), plot)
        taken.append(box)
        where = low + np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]) / plot * span
        line = {"arrowstyle": "-", "color": COLOURS["soft"], "linewidth": 0.4, "shrinkA": 0, "shrinkB": 3} if away > 4 else None
        at = low + np.array([px, py]) / plot * span
        ax.annotate(label, at, where, fontsize=size, ha="center", va="center", linespacing=1.15, arrowprops=line)


def _free(px, py, wide, high, taken, crossed, plot):
    """The box nearest to a point that covers nothing taken (the least, where the plot is full), and how far it stands off."""
    radius, angle = (g.ravel() for g in np.meshgrid(np.arange(1.9, 75, 1.6), np.linspace(0, 2 * np.pi, 32, endpoint=False), indexing="ij"))
    cx, cy = px + np.cos(angle) * (radius + wide / 2), py + np.sin(angle) * (radius + high / 2)
    boxes = np.column_stack([cx - wide / 2, cy - high / 2, cx + wide / 2, cy + high / 2])
    outside = (boxes[:, :2] < 0).any(axis=1) | (boxes[:, 2:] > plot).any(axis=1)
    cost = 1000 * outside + 50 * _covered(boxes, taken) + 0.4 * _covered(boxes, crossed) + radius
    best = int(np.argmin(cost + 0.6 * np.abs(np.sin(angle)) + 0.8 * (np.cos(angle) < -0.1)))
    return tuple(boxes[best]), float(radius[best])


def _covered(boxes, others):
    """How much of other boxes each box covers."""
    across = np.minimum(boxes[:, None, 2], others[:, 2]) - np.maximum(boxes[:, None, 0], others[:, 0])
    along = np.minimum(boxes[:, None, 3], others[:, 3]) - np.maximum(boxes[:, None, 1], others[:, 1])
    return (np.clip(across, 0, None) * np.clip(along, 0, None)).sum(axis=1)


@table(
    title=lambda classes, words, **options: words.gettext("The kind of each feature"),
    note=lambda classes, words, **options: words.gettext(
        "Glad to have it, mind if it is not there: shares of the customers who have a wish (with interval). Two kinds: the answers do not tell "
        "them apart."
    ),
)
def class_table(classes, words, **options):
    """Category, both coefficients and n."""
    _, t = words.gettext, _whole(classes)
    worse = [(-t[f"cs_minus{end}"]).tolist() for end in ("", "_hi", "_lo")]
    return [
        Column(_("Feature"), [words.column(a) for a in t["attribute"]]),
        Column(_("Kind"), [_row_word(words, r) for r in t.itertuples()]),
        Column(_("Glad to have it"), t["cs_plus"].tolist(), "percent", t["cs_plus_lo"].tolist(), t["cs_plus_hi"].tolist()),
        Column(_("Mind if it is not there"), *([worse[0], "percent", worse[1], worse[2]])),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


@table(
    title=lambda classes, words, **options: words.gettext("How the answers fell"),
    note=lambda classes, words, **options: words.gettext(
        "Shares of the answers. Strength: the most frequent kind minus the next. q: exact test that both are equally frequent, corrected over the "
        "features. Fong: the customary test, which says yes too easily. Rule: the kind by the rule of Blauth."
    ),
)
def count_table(classes, words, **options):
    """Shares of the six categories with the tests."""
    _, t = words.gettext, _whole(classes)
    total = t[list(ORDER)].sum(axis=1).replace(0, np.nan)
    shares = [Column(category_word(words, c), (t[c] / total).tolist(), "percent") for c in ORDER]
    return [
        Column(_("Feature"), [words.column(a) for a in t["attribute"]]),
        *shares,
        Column(_("Strength"), t["cat_strength"].tolist(), "percent"),
        Column("q", t["q"].tolist(), "p"),
        Column("Fong", [_("yes") if f else _("no") if not pd.isna(q) else None for f, q in zip(t["fong_sig"].eq(True), t["q"])]),
        Column(_("Rule"), [None if pd.isna(c) else category_word(words, c) for c in t["blauth"]]),
    ]


def _evaluation_note(evaluation, words, **options):
    _ = words.gettext
    if evaluation.meta.get("variant") == "pouliot":
        return _("After Berger and others (1993), with the change of Pouliot: expecting or bearing both counts as contradictory.")
    return _("After Berger and others (1993). Tables in circulation differ, so this one is printed.")


@table(
    title=lambda evaluation, words, **options: words.gettext("How two answers make a kind"),
    note=_evaluation_note,
)
def evaluation(evaluation, words, **options):
    """The evaluation table: functional answers down, dysfunctional across."""
    _ = words.gettext
    t = evaluation.table.pivot(index="functional", columns="dysfunctional", values="category")
    names = {1: _("Like"), 2: _("Expect"), 3: _("Neutral"), 4: _("Live with"), 5: _("Dislike")}
    columns = [Column(_("If there ↓, if not there →"), [names[int(f)] for f in t.index])]
    return columns + [Column(names[int(d)], [category_word(words, c) for c in t[d]]) for d in t.columns]


# ---- groups ----------------------------------------------------------------------------------------------------------


@reading
def groups(classes, heterogeneity, words, **options):
    """Where groups of customers see a feature differently, so that the average hides something."""
    _ = words.gettext
    h = heterogeneity.table
    tested = h[h["q"].notna()]
    if tested.empty:
        return []
    differing = tested[tested["differs"].eq(True)].sort_values("q")
    if differing.empty:
        return [
            _("No difference between groups of customers can be shown ({groups}); the picture above may be read for all.").format(
                groups=words.listed([words.before_colon(b) for b in dict.fromkeys(tested["by"])])
            )
        ]
    paragraphs = [
        words.ngettext(
            "**Groups of customers answer differently on {n} feature**; read the groups there rather than the average.",
            "**Groups of customers answer differently on {n} features**; read the groups there rather than the average.",
            differing["attribute"].nunique(),
        ).format(n=words.number(differing["attribute"].nunique()))
    ]
    for row in differing.itertuples():
        own = classes.table[
            (classes.table["by"] == row.by) & (classes.table["attribute"] == row.attribute) & classes.table["category"].notna()
        ]
        if own.empty:
            continue
        if own["category"].nunique() == 1:
            paragraphs.append(
                _("{feature}, by {by}: the same kind for all ({kind}), but not equally often.").format(
                    feature=words.column(row.attribute),
                    by=words.before_colon(row.by).lower(),
                    kind=category_word(words, own["category"].iloc[0]).lower(),
                )
            )
            continue
        each = "; ".join(f"{words.group(row.by, r.group)}: {category_word(words, r.category).lower()}" for r in own.itertuples())
        paragraphs.append(
            _("{feature}, by {by}: {groups}.").format(
                feature=words.column(row.attribute), by=words.before_colon(row.by).lower(), groups=each
            )
        )
    if "segment" in set(tested["by"]):
        paragraphs.append(
            _(
                "Customers are counted in the segment they most probably belong to; the real differences between segments are somewhat larger."
            )
        )
    return paragraphs


@table(
    title=lambda classes, heterogeneity, words, **options: words.gettext("The kind of each feature by group"),
    note=lambda classes, heterogeneity, words, **options: words.gettext(
        "q: test that the groups answer alike, corrected over features and groupings. Groups of fewer than 30 answers get no kind."
    ),
)
def group_table(classes, heterogeneity, words, **options):
    """Every feature in every group."""
    _ = words.gettext
    t = classes.table[classes.table["by"] != "whole"]
    t = t.assign(order=pd.factorize(t["by"])[0]).sort_values(["order", "attribute"], kind="stable")
    q = {(r.by, r.attribute): r.q for r in heterogeneity.table.itertuples()}
    return [
        Column(_("Feature"), [words.column(a) for a in t["attribute"]]),
        Column(_("Group"), [words.group(b, g) for b, g in zip(t["by"], t["group"])]),
        Column(_("Kind"), [_row_word(words, r) for r in t.itertuples()]),
        Column(_("Glad to have it"), t["cs_plus"].tolist(), "percent"),
        Column(_("Mind if it is not there"), (-t["cs_minus"]).tolist(), "percent"),
        Column("q", [q.get(key, np.nan) for key in zip(t["by"], t["attribute"])], "p"),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


# ---- over time -------------------------------------------------------------------------------------------------------


@reading
def migration(trend, movement, half_life, words, **options):
    """Whether what delights becomes ordinary, from waves and, where the same people answered again, from their moves."""
    _, t = words.gettext, trend.table
    known = t[t["cs_minus_slope"].notna()]
    if known.empty:
        return [_("Whether what delights becomes ordinary cannot be told yet: the same features have to be asked in at least two waves.")]
    paragraphs, changed = [], set()
    yearly = trend.meta.get("unit") == "year"
    for column, up, down in (
        (
            "cs_minus_slope",
            _(
                "**{feature} is becoming a matter of course:** the share who mind its absence rises by {change} a {unit} (interval {interval})."
            ),
            _("{feature}: the share who mind its absence falls by {change} a {unit} (interval {interval})."),
        ),
        (
            "cs_plus_slope",
            _("{feature}: the share who are glad to have it rises by {change} a {unit} (interval {interval})."),
            _("**{feature} is losing its pull:** the share who are glad to have it falls by {change} a {unit} (interval {interval})."),
        ),
    ):
        for row in known[known[f"{column}_q"] <= 0.05].sort_values(f"{column}_q").itertuples():
            slope, lo, hi = (getattr(row, f"{column}{end}") for end in ("", "_lo", "_hi"))
            ends = sorted((abs(lo), abs(hi)))
            paragraphs.append(
                (up if slope > 0 else down).format(
                    feature=words.column(row.attribute),
                    change=_("{x} percentage points").format(x=words.number(100 * abs(slope))),
                    unit=_("year") if yearly else _("wave"),
                    interval=words.interval(*ends, lambda v: words.number(100 * v)),
                )
            )
            changed.add(row.attribute)
    rest = [a for a in known["attribute"] if a not in changed]
    if rest and not changed:
        paragraphs.append(
            _("Between the waves no change in what features do to customers can be shown, after correction for their number.")
        )
    elif rest:
        paragraphs.append(_("For the other features no change can be shown."))
    return [*paragraphs, *_moves(movement, words), *_lasting(half_life, words), " ".join(_time_notes(trend, half_life, words))]


def _moves(movement, words):
    """What persons who answered again did, one sentence for each feature that moves one way."""
    _, m = words.gettext, movement.table
    found = []
    for row in m[m["direction_q"] <= 0.05].sort_values("direction_q").itertuples():
        text = _(
            "Of customers who answered twice, {down} moved down on {feature} (from delight towards a matter of course) and {up} moved up."
        )
        if row.direction < 0.5:
            text = _("Of customers who answered twice, {up} moved up on {feature} (towards delight) and {down} moved down.")
        found.append(text.format(down=words.number(row.down), up=words.number(row.up), feature=words.column(row.attribute)))
    return found


def _identified(half_life):
    """Features whose half-life is known: freed of unreliability by a retest or by three waves."""
    t = half_life.table
    return t[t["hl_lo"].notna() & ~t["status"].isin(NOTHING)]


def _lasting(half_life, words):
    """How long delight lasts, one sentence for each feature of which it is known."""
    _, found = words.gettext, []
    for row in _identified(half_life).itertuples():
        text = _(
            "{feature}: after about {months} months half of those whom it delighted have come to see it otherwise (interval {interval})."
        )
        if not np.isfinite(row.hl_hi) or row.hl_hi > LONG:
            text = _("{feature}: it takes at least {lowest} months before half of those whom it delights come to see it otherwise.")
        found.append(
            text.format(
                feature=words.column(row.attribute),
                months=words.number(min(row.half_life, LONG)),
                lowest=words.number(row.hl_lo),
                interval=words.interval(row.hl_lo, row.hl_hi, words.number),
            )
        )
    return found


def _time_notes(trend, half_life, words):
    _, notes = words.gettext, []
    if trend.note("break_in_wording"):
        notes.append(
            _("{features}: worded otherwise in an earlier wave; only waves with the same wording are compared.").format(
                features=_listed(words, trend.note("break_in_wording").values["attributes"])
            )
        )
    if len(_identified(half_life)):
        notes.append(_("These times are freed of the unreliability of answers, which would otherwise look like change."))
    else:
        notes.append(
            _(
                "How long delight lasts is not said here: people do not answer such questions twice alike, and with two waves that cannot be "
                "told from change. Three waves, or the same questions asked again after some weeks, would tell."
            )
        )
    return notes


@table(
    title=lambda trend, words, **options: words.gettext("Change over the waves"),
    note=lambda trend, words, **options: (
        words.gettext("Change a year in percentage points, with interval. q: corrected over the features. No direction was assumed.")
        if trend.meta.get("unit") == "year"
        else words.gettext("Change a wave in percentage points, with interval. q: corrected over the features. No direction was assumed.")
    ),
)
def trend_table(trend, words, **options):
    """Slopes of both coefficients with tests."""
    _, t = words.gettext, trend.table

    def slope(name):
        return [(100 * t[f"{name}_slope{end}"]).tolist() for end in ("", "_lo", "_hi")]

    plus, minus = slope("cs_plus"), slope("cs_minus")
    return [
        Column(_("Feature"), [words.column(a) for a in t["attribute"]]),
        Column(_("Glad to have it"), plus[0], "signed1", plus[1], plus[2]),
        Column("q", t["cs_plus_slope_q"].tolist(), "p"),
        Column(_("Mind if it is not there"), minus[0], "signed1", minus[1], minus[2]),
        Column("q", t["cs_minus_slope_q"].tolist(), "p"),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


@table(
    title=lambda movement, words, **options: words.gettext("Moves of customers who answered again"),
    note=lambda movement, words, **options: words.gettext(
        "Down: from delight to the more the better, or on to taken for granted. Lost: customers whom it no longer delights, minus those whom it "
        "newly delights, as a share of all who answered twice. q: exact test that up and down are equally frequent, corrected."
    ),
)
def moves_table(movement, words, **options):
    """Moves down and up, and the net flow out of delight."""
    _, t = words.gettext, movement.table
    flow = [(100 * t[f"net_flow{end}"]).tolist() for end in ("", "_lo", "_hi")]
    return [
        Column(_("Feature"), [words.column(a) for a in t["attribute"]]),
        Column(_("Down"), t["down"].tolist(), "count"),
        Column(_("Up"), t["up"].tolist(), "count"),
        Column("q", t["direction_q"].tolist(), "p"),
        Column(_("Lost (points)"), flow[0], "signed1", flow[1], flow[2]),
        Column(_("n"), t["n"].tolist(), "count"),
    ]


# ---- beside the drivers ----------------------------------------------------------------------------------------------


@table(
    title=lambda beside, words, **options: words.gettext("What customers say and what their grades show"),
    note=lambda beside, words, **options: words.gettext(
        "Two different measures, not one result twice: customers say how they would feel with and without a feature; the grades show what goes "
        "with satisfaction as it is now. Where they differ neither is wrong, and they must not be averaged."
    ),
)
def beside_table(beside, words, **options):
    """Kano category beside the impact class of the grade of the same thing."""
    _, t = words.gettext, beside.table
    verdict = {"yes": _("agree"), "no": _("differ"), "open": _("open")}
    hidden = t["status"] == "suppressed"
    return [
        Column(_("Feature"), [words.column(a) for a in t["attribute"]]),
        Column(_("As customers say"), [_row_word(words, r) for r in t.itertuples()]),
        Column(_("Graded as"), [words.column(a) for a in t["rating"]]),
        Column(_("As grades show"), [class_word(words, "suppressed" if h else c) for c, h in zip(t["impact_class"], hidden)]),
        Column(_("Do they agree?"), [None if h else verdict.get(a) for a, h in zip(t["agree"], hidden)]),
        Column(_("n"), t["n"].tolist(), "count"),
    ]

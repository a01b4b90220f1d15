"""How image, expectations, quality and value lead to satisfaction and loyalty: the path model in words, a diagram and tables."""

from __future__ import annotations

import textwrap

import numpy as np

from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table
from delight.show.words import is_missing

#: Level below which a corrected p counts as an effect.
ALPHA = 0.05
#: Where the constructs of the ECSI stand in the diagram: column and height.
_PLACES = {
    "image": (0, 2),
    "expectations": (0, 1),
    "quality": (0, 0),
    "value": (1, 0.6),
    "satisfaction": (2, 1),
    "complaints": (3, 0),
    "loyalty": (3, 2),
}
_WIDE, _HIGH = 0.27, 0.19


# ---- names and numbers -------------------------------------------------------------------------------------------------


def name(words, construct):
    """A construct by its name in the reader's language; one of the study's own as the codebook calls it."""
    _ = words.gettext
    known = {
        "image": _("Image"),
        "expectations": _("Expectations"),
        "quality": _("Quality"),
        "value": _("Value for money"),
        "satisfaction": _("Satisfaction"),
        "complaints": _("Complaints"),
        "loyalty": _("Loyalty"),
    }
    return known.get(construct) or str(construct).replace("_", " ").capitalize()


def _lower(words, construct):
    text = name(words, construct)
    return text if text.isupper() else text[:1].lower() + text[1:]


def _coef(words, value):
    return words.number(value, 2)


def _outcomes(effects, constructs):
    """Constructs whose effects a reader asks for: satisfaction and loyalty, else those at the end of the model."""
    present = set(effects.table["target"])
    known = [c for c in ("satisfaction", "loyalty") if c in present]
    return known or constructs.table.loc[constructs.table["role"] == "end", "construct"].tolist()


def _unable(words, result):
    """Why there is no model, or nothing."""
    _ = words.gettext
    statuses = set(result.table["status"])
    n = words.number(result.meta.get("n_used"))
    if statuses == {"insufficient"}:
        return _("{n} customers answered all questions of this model. That is too few to estimate it.").format(n=n)
    if statuses == {"degenerate"}:
        return _("Of one question all customers gave the same answer, so the model cannot be estimated.")
    if statuses == {"not_converged"}:
        return _("The computation of the model did not settle, so there are no results.")
    if statuses == {"suppressed"}:
        return _("Too few customers answered to show this without giving away who they are.")
    return (
        ""
        if result.table.select_dtypes("number").drop(columns="n", errors="ignore").notna().any(axis=None)
        else _("No result can be shown.")
    )


# ---- what leads to what ------------------------------------------------------------------------------------------------


@reading
def leads(effects, constructs, distinct, words, **options):
    """What explains satisfaction and loyalty, in points of a score, with what limits the conclusion."""
    _ = words.gettext
    if unable := _unable(words, effects):
        return [unable]
    rows, about = effects.table, constructs.table.set_index("construct")
    out = [
        _("{n} customers answered all questions of the model.").format(n=words.number(effects.meta.get("n_used")))
        + " "
        + " ".join(_explained(words, about, c) for c in _outcomes(effects, constructs) if not is_missing(about["r2"].get(c)))
    ]
    explained = False
    for outcome in _outcomes(effects, constructs):
        mine = rows[(rows["target"] == outcome) & rows["total"].notna()]
        out.append(_one_outcome(words, outcome, mine.sort_values("total", ascending=False, kind="stable"), explained))
        explained |= bool((mine["p_adj"] < ALPHA).any())
    out.append(" ".join(_limits(words, effects, constructs, distinct)))
    return [paragraph for paragraph in out if paragraph]


def _explained(words, about, construct):
    _ = words.gettext
    return _("It explains **{r2}** of the differences between customers in {construct} (interval {interval}).").format(
        r2=words.percent(about.loc[construct, "r2"]),
        construct=_lower(words, construct),
        interval=words.interval(about.loc[construct, "r2_lo"], about.loc[construct, "r2_hi"], words.percent),
    )


def _one_outcome(words, outcome, rows, explained):
    """One paragraph: what goes with more of the outcome, and what does not clearly; shorter where the measure has been `explained`."""
    _ = words.gettext
    proven = rows[rows["p_adj"] < ALPHA]
    left = [_lower(words, c) for c in rows.loc[~rows["source"].isin(proven["source"]), "source"]]
    parts = []
    points = "points" in proven and proven["points"].notna().any()
    for row in proven.to_dict("records"):
        in_points = points and not is_missing(row["points"])
        value, lo, hi = (row[f"{'points' if in_points else 'total'}{end}"] for end in ("", "_lo", "_hi"))
        show = (lambda v: words.number(v, 1)) if in_points else (lambda v: _coef(words, v))
        parts.append(
            _("**{construct}** {effect} ({interval})").format(
                construct=_lower(words, row["source"]), effect=show(value), interval=words.interval(lo, hi, show)
            )
        )
    sentences = []
    if parts:
        lead = (
            _(
                "Customers who score ten points higher on one of these (on a scale of 0 to 100) score so many points higher on {outcome}: {list}."
            )
            if points
            else _(
                "Customers who score one standard deviation higher on one of these score so many standard deviations higher on {outcome}: {list}."
            )
        )
        lead = _("In the same way, higher on {outcome}: {list}.") if explained else lead
        sentences.append(lead.format(outcome=_lower(words, outcome), list="; ".join(parts)))
    if left:
        sentences.append(
            _("For {list} no relation with {outcome} has been shown.").format(list=words.listed(left), outcome=_lower(words, outcome))
        )
    return " ".join(sentences)


def _limits(words, effects, constructs, distinct):
    """What a reader must keep in mind: causes, few answers, weak measurement, constructs that are one."""
    _ = words.gettext
    said = [_("All this holds with direct and indirect routes together. It shows what goes together in one survey, not what causes what.")]
    n = effects.meta.get("n_used") or 0
    if n < 100:
        said.append(_("Fewer than 100 customers answered, so these figures are rough."))
    weak = effects.note("weak_constructs")
    if weak:
        names = [_lower(words, c) for c in weak.values["constructs"]]
        said.append(
            words.ngettext(
                "The questions on {list} hang together loosely, so the model sees it only dimly, and its true relations may be stronger or weaker than shown.",
                "The questions on {list} hang together loosely, so the model sees them only dimly, and their true relations may be stronger or weaker than shown.",
                len(names),
            ).format(list=words.listed(names))
        )
    same = distinct.table[distinct.table["verdict"] == "same"] if "verdict" in distinct.table else distinct.table.iloc[:0]
    for row in same.head(3).to_dict("records"):
        said.append(
            _(
                "Customers hardly tell {first} and {second} apart in their answers, so the effects of the two cannot be divided with certainty."
            ).format(first=_lower(words, row["construct"]), second=_lower(words, row["other"]))
        )
    if effects.note("few_clusters"):
        said.append(_("The answers come from few locations, so the intervals are a rough indication at best."))
    return said


# ---- the diagram -------------------------------------------------------------------------------------------------------


def _diagram_title(paths, constructs, words, **options):
    return words.gettext("How does one thing lead to another?")


def _diagram_caption(paths, constructs, words, **options):
    _ = words.gettext
    text = _(
        "Arrows: the relation of the two when all others are held equal, from −1 to 1, with its interval; the thicker, the stronger. "
        "A dashed arrow may be chance, after correction for the number of arrows."
    )
    if constructs.table["index"].notna().any():
        text += " " + _("In the boxes: the score from 0 to 100.")
    return text


def _diagram_alt(paths, constructs, words, **options):
    rows = paths.table[paths.table["coef"].notna()]
    values = "; ".join(
        f"{name(words, r['source'])} → {name(words, r['target'])}: {_coef(words, r['coef'])}" for r in rows.to_dict("records")
    )
    return words.gettext("Diagram of the path model. {values}.").format(values=values)


def _diagram_size(paths, *others, **options):
    heights = [y for _x, y in places(list(zip(paths.table["source"], paths.table["target"]))).values()]
    return 170, 34 + 34 * max(1.0, max(heights) - min(heights))


@figure(title=_diagram_title, caption=_diagram_caption, alt=_diagram_alt, size=_diagram_size)
def diagram(paths, constructs, ax, words, **options):
    """Boxes of constructs and arrows between them, with coefficients and intervals."""
    ax.set_axis_off()
    rows = paths.table[paths.table["coef"].notna()]
    if rows.empty:
        return ax
    at = places(list(zip(paths.table["source"], paths.table["target"])))
    about = constructs.table.set_index("construct")
    for construct, (x, y) in at.items():
        _box(ax, words, x, y, construct, about.loc[construct])
    curves = [_arrow(ax, at, row) for row in sorted(rows.to_dict("records"), key=lambda r: abs(r["coef"]))]
    reach = np.concatenate([np.array(list(at.values())) + side * np.array([_WIDE, _HIGH]) for side in (-1, 1)] + [c for c, _row in curves])
    (left, low), (right, high) = reach.min(axis=0), reach.max(axis=0)
    ax.set_xlim(left - 0.03, right + 0.03)
    ax.set_ylim(low - 0.08, high + 0.08)
    taken = []
    for curve, row in sorted(curves, key=lambda c: np.hypot(*np.diff(c[0], axis=0).T).sum()):  # the short ones have least room
        _label(ax, words, at, curve, row, taken)
    return ax


def places(arrows):
    """Column and height of every construct: those of the ECSI by heart, any other model in layers, every arrow leading to the right."""
    names = list(dict.fromkeys(c for pair in arrows for c in pair))
    if set(names) <= set(_PLACES):
        return {c: _PLACES[c] for c in names}
    layer = dict.fromkeys(names, 0)
    for _step in names:
        for a, b in arrows:
            layer[b] = max(layer[b], layer[a] + 1)
    found, tallest = {}, max(list(layer.values()).count(k) for k in set(layer.values()))
    for k in sorted(set(layer.values())):
        mine = [c for c in names if layer[c] == k]
        for i, c in enumerate(reversed(mine)):
            found[c] = (k, (i + 0.5) * tallest / len(mine) - 0.5 + (0.25 * (k % 2) if tallest > 1 and len(mine) == tallest else 0))
    return found


def _box(ax, words, x, y, construct, about):
    from matplotlib.patches import FancyBboxPatch

    outcome = about["role"] != "start"
    ax.add_patch(
        FancyBboxPatch(
            (x - _WIDE, y - _HIGH),
            2 * _WIDE,
            2 * _HIGH,
            boxstyle="round,pad=0,rounding_size=0.05",
            facecolor=COLOURS["pale"] if outcome else "white",
            edgecolor=COLOURS["soft"],
            linewidth=0.8,
            zorder=3,
        )
    )
    lines = textwrap.wrap(name(words, construct), 16)[:2]
    titles = len(lines)
    if not is_missing(about["index"]):
        lines.append(words.gettext("score {index}").format(index=words.number(about["index"])))
    if not is_missing(about["r2"]):
        lines.append(words.gettext("{r2} explained").format(r2=words.percent(about["r2"])))
    step = 0.115 if len(lines) < 4 else 0.095
    for i, line in enumerate(lines):
        height = y + step * ((len(lines) - 1) / 2 - i)
        ax.text(
            x,
            height,
            line,
            ha="center",
            va="center",
            fontsize=8 if i < titles else 7,
            weight="bold" if i < titles else "normal",
            zorder=4,
        )


def _curve(start, end, bend, points=161):
    """Points of a quadratic curve that is bent sideways by `bend` of its length."""
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    along = end - start
    middle = (start + end) / 2 + 2 * bend * np.array([along[1], -along[0]])
    t = np.linspace(0, 1, points)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end


def _inside(points, centre, margin=1.0):
    """Which points lie in a box (a little more, by `margin`)."""
    away = np.abs(points - np.asarray(centre))
    return (away[:, 0] < _WIDE * margin + 0.02) & (away[:, 1] < _HIGH * margin + 0.02)


def _arrow(ax, at, row):
    """Draw an arrow round the boxes in its way; returns its curve and its row."""
    start, end = at[row["source"]], at[row["target"]]
    others = [place for c, place in at.items() if c not in (row["source"], row["target"])]
    bends = sorted((b / 20 for b in range(-10, 11)), key=abs)
    curve = next((c for b in bends if not any(_inside(c := _curve(start, end, b), o, 1.1).any() for o in others)), _curve(start, end, 0))
    outside = curve[~_inside(curve, start) & ~_inside(curve, end)]
    curve = outside if len(outside) > 10 else _curve(start, end, 0)[40:-40]
    proven = row["p_adj"] < ALPHA
    colour = COLOURS["main" if row["coef"] >= 0 else "second"] if proven else COLOURS["soft"]
    width = 0.7 + 4.5 * min(abs(row["coef"]), 1)
    ax.plot(*curve[:-4].T, color=colour, linewidth=width, linestyle="-" if proven else (0, (3, 2)), solid_capstyle="butt", zorder=1)
    head = {"arrowstyle": "-|>,head_width=0.28,head_length=0.5", "color": colour, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    ax.annotate("", curve[-1], curve[-7], arrowprops={**head, "linewidth": max(width * 0.6, 0.8)}, zorder=2)
    return curve, row


def _label(ax, words, at, curve, row, taken):
    """Set the coefficient with its interval on the arrow, near its middle, clear of boxes and of other labels."""
    text = f"{_coef(words, row['coef'])}\n{words.interval(row['ci_lo'], row['ci_hi'], lambda v: _coef(words, v))}"
    spots = [curve[int(round(share * (len(curve) - 1)))] for share in sorted(np.linspace(0.12, 0.88, 20), key=lambda s: abs(s - 0.48))]
    free = [p for p in spots if all(abs(p[0] - q[0]) > 0.36 or abs(p[1] - q[1]) > 0.19 for q in taken)]
    clear = [p for p in free if not any(_inside(p[None], place, 1.3).any() for place in at.values())]
    spot = (clear or free or spots)[0]
    taken.append(spot)
    back = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none"}
    ax.text(*spot, text, ha="center", va="center", fontsize=6.5, linespacing=1.1, bbox=back, zorder=2.5)


# ---- tables ------------------------------------------------------------------------------------------------------------


def _effect_title(effects, constructs, words, **options):
    return words.gettext("What goes with more satisfaction and loyalty?")


def _effect_note(effects, constructs, words, **options):
    _ = words.gettext
    if not _in_points(effects):
        return _("Total effects in standard deviations, direct and indirect routes together. In bold: more than chance, after correction.")
    return _(
        "Score: 0 to 100. Effect: points of satisfaction or loyalty that go with ten points more, direct and indirect routes together. "
        "In bold: more than chance, after correction. Work on what has much effect and a low score."
    )


def _in_points(effects):
    return "points" in effects.table and effects.table["points"].notna().any()


@table(title=_effect_title, note=_effect_note)
def effect_table(effects, constructs, words, **options):
    """Every construct with its score and its total effects on satisfaction and loyalty."""
    _ = words.gettext
    rows, about, points = effects.table, constructs.table.set_index("construct"), _in_points(effects)
    outcomes = _outcomes(effects, constructs)
    by_pair = {(r["source"], r["target"]): r for r in rows.to_dict("records")}
    sources = [c for c in about.index if any((c, o) in by_pair for o in outcomes)]
    last = outcomes[-1] if outcomes else None
    sources.sort(key=lambda c: -np.nan_to_num(by_pair.get((c, last), {}).get("total", 0.0), nan=-9))
    columns = [Column(_("Subject"), [name(words, c) for c in sources])]
    if about["index"].notna().any():
        columns.append(Column(_("Score"), *_with_limits(about.loc[sources], "index", "number1")))
    key = "points" if points else "total"
    for outcome in outcomes:
        found = [by_pair.get((c, outcome), {}) for c in sources]
        values = [[r.get(f"{key}{end}", np.nan) for r in found] for end in ("", "_lo", "_hi")]
        heading = _("Effect on {outcome}").format(outcome=_lower(words, outcome))
        bold = [bool(r.get("p_adj", 1.0) < ALPHA) for r in found]
        columns.append(Column(heading, values[0], "number1" if points else "number2", values[1], values[2], emphasis=bold))
    return columns


def _with_limits(rows, column, form):
    return rows[column].tolist(), form, rows[f"{column}_lo"].tolist(), rows[f"{column}_hi"].tolist()


def _path_note(paths, effects, words, **options):
    return words.gettext(
        "Direct: with all others held equal. By way of others: over the other arrows. Standardised: from −1 to 1. "
        "p is that of the whole effect, corrected for the number of effects."
    )


@table(title=lambda paths, effects, words, **options: words.gettext("All effects in the model"), note=_path_note)
def path_table(paths, effects, words, **options):
    """Direct, indirect and total effect of every construct on every other."""
    _, t = words.gettext, effects.table[effects.table["total"].notna()]
    return [
        Column(_("From"), [name(words, c) for c in t["source"]]),
        Column(_("To"), [name(words, c) for c in t["target"]]),
        Column(_("Direct"), *_with_limits(t, "direct", "number2")),
        Column(_("By way of others"), *_with_limits(t, "indirect", "number2")),
        Column(_("Whole effect"), *_with_limits(t, "total", "number2"), emphasis=(t["p_adj"] < ALPHA).tolist()),
        Column("p", t["p_adj"].tolist(), "p"),
    ]


def _quality_note(constructs, words, **options):
    return words.gettext(
        "α and ρ: how well the questions on one subject hang together; below 0.7 is weak. For two questions α is the Spearman–Brown coefficient. "
        "AVE: share of the variation of the questions that they have in common; below a half is little. One question alone has none of these."
    )


@table(title=lambda constructs, words, **options: words.gettext("How well was each subject measured?"), note=_quality_note)
def quality_table(constructs, words, **options):
    """Reliability of every construct."""
    _ = words.gettext
    t = constructs.table
    parts = [t[f"alpha{end}"].fillna(t[f"alpha_std{end}"]).tolist() for end in ("", "_lo", "_hi")]
    return [
        Column(_("Subject"), [name(words, c) for c in t["construct"]]),
        Column(_("Questions"), t["n_items"].tolist(), "count"),
        Column("α", parts[0], "number2", parts[1], parts[2], emphasis=[v < 0.7 for v in parts[0]]),
        Column("ρ A", *_with_limits(t, "rho_a", "number2")),
        Column("ρ C", *_with_limits(t, "cr", "number2")),
        Column("AVE", *_with_limits(t, "ave", "number2")),
        Column(_("Explained"), *_with_limits(t, "r2", "percent")),
    ]


@table(
    title=lambda items, words, **options: words.gettext("Which questions measure what?"),
    note=lambda items, words, **options: words.gettext(
        "Loading: how closely a question goes with its own subject. Elsewhere: its closest relation with another subject, which should be lower."
    ),
)
def item_table(items, words, **options):
    """Every question with its construct, mean, weight and loadings."""
    _, t = words.gettext, items.table
    return [
        Column(_("Subject"), [name(words, c) for c in t["construct"]]),
        Column(_("Question"), [words.column(c) for c in t["item"]]),
        Column(_("Mean"), t["mean"].tolist(), "grade"),
        Column(_("Weight"), t["weight"].tolist(), "number2"),
        Column(_("Loading"), *_with_limits(t, "loading", "number2")),
        Column(_("Elsewhere"), t["cross"].tolist(), "number2", emphasis=(t["cross"] > t["loading"]).tolist()),
    ]


def _distinct_note(distinct, words, **options):
    return words.gettext(
        "HTMT: correlation of two subjects as it would be without measurement error. With an upper limit below 0.9 customers clearly tell the two apart; "
        "with a lower limit above it they do not."
    )


@table(title=lambda distinct, words, **options: words.gettext("Do customers tell the subjects apart?"), note=_distinct_note)
def distinct_table(distinct, words, **options):
    """HTMT of every pair of constructs."""
    _, t = words.gettext, distinct.table
    verdicts = {"distinct": _("yes"), "same": _("no"), "open": _("undecided")}
    return [
        Column(_("Subject"), [name(words, c) for c in t["construct"]]),
        Column(_("Other subject"), [name(words, c) for c in t["other"]]),
        Column("HTMT", *_with_limits(t, "htmt", "number2")),
        Column(_("Told apart"), [verdicts.get(v, "") for v in t["verdict"]]),
    ]

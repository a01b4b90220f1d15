"""The chapter on the pyramid of service in words, tables and figures."""

from __future__ import annotations

import numpy as np

from delight.show.charts import Chart, Series
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table
from delight.show.words import is_missing

#: Bases below this are drawn hollow and called small.
_SMALL = 30
#: Classes that the sources set a ceiling for.
_CAPPED = ("L1", "L1-2")


def _level(words, number):
    """Name of a level of the service-excellence pyramid."""
    _ = words.gettext
    known = {
        1: _("the core (level 1)"),
        2: _("problems handled well (level 2)"),
        3: _("personal service (level 3)"),
        4: _("surprising service (level 4)"),
    }
    return known.get(int(number), str(int(number)))


def _class(words, name):
    """Name of a class of customers by the levels they found in order."""
    _ = words.gettext
    if name == "none":
        return _("No level")
    if name == "not_cumulative":
        return _("Higher without lower")
    first, _dash, last = name.removeprefix("L").partition("-")
    return _("Levels {first} to {last}").format(first=first, last=last) if last else _("Level {first} only").format(first=first)


def _cut(words, value):
    _ = words.gettext
    return _("as asked") if is_missing(value) else words.number(value, 0 if float(value).is_integer() else 1)


def _usual(table):
    """The cut that is shown: the middle one of three."""
    cuts = sorted(table["cut"].dropna().unique())
    return table if not cuts else table[table["cut"] == cuts[len(cuts) // 2]]


def _shown(table):
    return table[~table["status"].isin(["suppressed", "insufficient"])]


def _verdict(words, verdict):
    _ = words.gettext
    known = {
        "supported": _("supported"),
        "contradicted": _("contradicted"),
        "inconclusive": _("undecided"),
        "insufficient": _("too few answers"),
        "not_identified": _("cannot be tested here"),
    }
    return known.get(verdict, "")


# ---- readings
@reading
def levels(classes, levels, words):
    """How levels are told from the answers, how often they are in order, and which grades go with that."""
    _ = words.gettext
    rows = _usual(levels.table)
    rows = rows[rows["share_reached"].notna()]
    if rows.empty:
        return [_("Too few customers answered the questions on the levels of service.")]
    out = [_how(words, classes)]
    listed = [
        _("{level}: {share}").format(level=_level(words, r["level"]), share=words.percent(r["share_reached"])) for _i, r in rows.iterrows()
    ]
    out[0] += " " + _("Share of the customers for whom it is in order: {list}.").format(list="; ".join(listed))
    passed = classes.meta.get("n_passed_over") or 0
    if passed:
        out[0] += " " + _("A level of which nothing applied to a customer (no problem, so no handling of it) is passed over.")
    found = _shown(_usual(classes.table)).set_index("group")
    ordered = [g for g in found.index if g != "not_cumulative" and not is_missing(found.loc[g, "mean"])]
    if len(ordered) > 1:
        low, high = found.loc[ordered[0]], found.loc[ordered[-1]]
        out.append(
            _("Customers in the class “{low}” give {mean_low} on average (n = {n_low}), in the class “{high}” {mean_high} (n = {n_high}).").format(
                low=_class(words, ordered[0]), mean_low=words.grade(low["mean"]), n_low=words.number(low["n"]),
                high=_class(words, ordered[-1]), mean_high=words.grade(high["mean"]), n_high=words.number(high["n"]),
            )
        )  # fmt: skip
    if "not_cumulative" in found.index and found.loc["not_cumulative", "share"] >= 0.05:
        out.append(_("{share} of the customers found a higher level in order without a lower one; a strict pyramid has no place for them.").format(share=words.percent(found.loc["not_cumulative", "share"])))  # fmt: skip
    return out


def _how(words, result):
    _ = words.gettext
    kind = result.meta.get("source_items")
    cuts = [c for c in (result.meta.get("cuts") or []) if not is_missing(c)]
    if kind == "yes_no":
        return _("A level is in order for a customer who says yes to all its questions.")
    if kind == "expected":
        return _("A level is in order for a customer for whom all of it was at least as expected.")
    usual = _cut(words, cuts[len(cuts) // 2]) if cuts else ""
    if kind == "mixed":
        return _("A level is in order for a customer who says yes to, finds at least as expected, or grades {cut} or higher all that belongs to it.").format(cut=usual)  # fmt: skip
    return _("A level is in order for a customer who grades all that belongs to it {cut} or higher.").format(cut=usual)


@reading
def order(order, words):
    """Whether the levels are an order, or what a general impression would give as well."""
    _ = words.gettext
    rows = order.table.dropna(subset=["h"])
    if rows.empty:
        return []
    usual = _usual(rows)
    row = (usual if len(usual) else rows).iloc[0]
    flags, verdicts = str(row["flags"]).split(", "), set(rows["verdict"])
    h = dict(h=words.number(row["h"], 2), ci=words.interval(row["h_lo"], row["h_hi"], lambda v: words.number(v, 2)))
    if verdicts == {"supported"}:
        text = _("**The levels are an order here.** Who has a higher level mostly has the lower ones too (scalability H = {h}, {ci}), more than if the questions had been given to the levels in another way, and better explained so than by one general impression of the service.")  # fmt: skip
    elif verdicts == {"contradicted"}:
        text = _("**The levels are no order here.** Higher levels are found in order without lower ones so often that one cannot speak of a pyramid (scalability H = {h}, {ci}; from 0.4 on one may).")  # fmt: skip
    elif "few_questions" in flags:
        text = _("**Whether the levels are an order cannot be told.** There are too few questions to tell levels that build on each other from one general impression of the service (scalability H = {h}, {ci}); two questions for each level would do.")  # fmt: skip
    elif "halo" in flags:
        text = _("**Whether the levels are an order remains open.** Who is content finds everything in order, and such a general impression explains these answers as well as a pyramid does (scalability H = {h}, {ci}). That grades rise from class to class proves nothing then.")  # fmt: skip
    else:
        text = _("**Whether the levels are an order remains open** (scalability H = {h}, {ci}; from 0.4 on one may speak of an order).")
    return [text.format(**h)]


@reading
def caps(caps, basics, words):
    """What the answers say of the published ceilings."""
    _ = words.gettext
    out = []
    found = caps.table[(caps.table["cap"] == 7) & caps.table["group"].isin(_CAPPED) & (caps.table["status"] != "suppressed")]
    verdicts = {g: v for g, v in zip(found["group"], found["verdict"]) if v}
    if set(verdicts.values()) <= {"not_identified", "insufficient"}:
        decided = []
    else:
        decided = [(g, v) for g, v in verdicts.items() if v in ("supported", "contradicted")]
        if not decided:
            out.append(_("That the core of the service brings a 7 at most, without or with a good handling of problems, can neither be confirmed nor refuted with these answers."))  # fmt: skip
    for group, verdict in decided:
        row = _usual(found[found["group"] == group]).iloc[0]
        values = dict(group=_class(words, group), share=words.percent(row["share_above"]), ci=words.interval(row["share_above_lo"], row["share_above_hi"], words.percent), n=words.number(row["n"]))  # fmt: skip
        if verdict == "supported":
            out.append(_("**{group}: at most a 7** holds here. {share} give more ({ci}; n = {n}).").format(**values))
        else:
            out.append(_("**{group}: at most a 7** does not hold here. {share} give more ({ci}; n = {n}).").format(**values))
    rows = basics.table[basics.table["status"] != "suppressed"]
    last = rows.iloc[-1] if len(rows) else None
    if last is not None and not is_missing(last["ci_lo"]) and last["verdict"] != "not_identified":
        values = dict(
            mean=words.grade(last["mean"]),
            ci=words.interval(last["ci_lo"], last["ci_hi"]),
            n=words.number(last["n"]),
            rule=words.number(8.5, 1),
        )
        said = {
            "supported": _("Customers with every basic in order and nothing beyond give {mean} on average ({ci}; n = {n}): not more than {rule}, as is claimed."),
            "contradicted": _("Customers with every basic in order and nothing beyond give {mean} on average ({ci}; n = {n}): more than the {rule} that is claimed to be out of reach."),
        }  # fmt: skip
        undecided = _("Customers with every basic in order and nothing beyond give {mean} on average ({ci}; n = {n}); that does not decide whether basics alone can bring more than {rule}.")  # fmt: skip
        out.append(said.get(last["verdict"], undecided).format(**values))
    elif last is not None and last["verdict"] == "insufficient":
        out.append(_("There are too few customers with every basic in order and nothing beyond to say whether basics alone can bring more than {rule}.").format(rule=words.number(8.5, 1)))  # fmt: skip
    if caps.meta.get("same_scale") and out:
        out.append(
            _(
                "Parts and whole were graded on one scale, which makes high grades go together; yes-or-no questions on what happened would tell more."
            )
        )
    return [" ".join(out)] if out else []


# ---- the figure
def _classes_title(result, words):
    return words.gettext("Which grades go with the levels that are in order?")


def _classes_caption(result, words):
    return words.gettext(
        "Mean grade of each class with its interval (dot and thick line), and the range from the median to the grade that one in ten goes beyond (thin line). Hollow dots rest on fewer than 30 customers. The dotted lines are the 7 and the 8 that sources name."
    )


def _classes_alt(result, words):
    _ = words.gettext
    rows = _shown(_usual(result.table)).dropna(subset=["mean"])
    listed = "; ".join(f"{_class(words, r['group'])} {words.grade(r['mean'])}" for _i, r in rows.iterrows())
    return _("Mean grade by class of levels in order: {list}.").format(list=listed)


def _classes_size(result, **options):
    return 170, 26 + 9 * max(3, len(_shown(_usual(result.table))))


def _classes_chart(result, words):
    rows = _shown(_usual(result.table)).dropna(subset=["mean"])
    names = [f"{_class(words, g)} (n = {words.number(n)})" for g, n in zip(rows["group"], rows["n"])]
    means = Series("", rows["mean"], rows["ci_lo"], rows["ci_hi"], COLOURS["main"])
    return Chart("dots", names, [means], "number1", words.column(result.meta.get("y", "")))


@figure(title=_classes_title, caption=_classes_caption, alt=_classes_alt, size=_classes_size, chart=_classes_chart)
def classes_figure(result, ax, words):
    """A row a class, the highest on top: mean with interval, median to 90 % point."""
    _ = words.gettext
    rows = _shown(_usual(result.table)).dropna(subset=["mean"]).reset_index(drop=True)
    at = np.arange(len(rows), dtype=float)
    at[rows["group"] == "not_cumulative"] -= len(rows) + 0.4  # apart from the order, below it
    order = np.array([_colour(g) for g in rows["group"]])
    scale = result.meta.get("scale") or {}
    if (scale.get("max"), scale.get("min")) in ((10, 1), (10, 0)):
        for cap in (7, 8):
            ax.axvline(cap, color=COLOURS["soft"], linewidth=0.7, linestyle=(0, (1, 2)))
    ax.hlines(at, rows["q50"], rows["q90"], color=COLOURS["satisfied"], linewidth=1.4)
    ax.hlines(at, rows["ci_lo"], rows["ci_hi"], color=order, linewidth=3)
    small = (rows["n"] < _SMALL).to_numpy()
    ax.scatter(rows["mean"][~small], at[~small], s=34, color=order[~small], zorder=3)
    ax.scatter(rows["mean"][small], at[small], s=34, facecolor="white", edgecolor=order[small], zorder=3)
    ax.set_yticks(at, [f"{_class(words, g)} (n = {words.number(n)})" for g, n in zip(rows["group"], rows["n"])])
    ax.set_xlabel(words.column(result.meta.get("y", "")))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(axis="x")
    ax.tick_params(length=0)
    ax.spines["left"].set_visible(False)
    return ax


def _colour(name):
    return COLOURS["soft"] if name in ("none", "not_cumulative") else COLOURS["main"]


# ---- tables
def _classes_table_title(result, words):
    return words.gettext("Grades by the levels that are in order")


def _classes_table_note(result, words):
    return words.gettext(
        "Above 7 and above 8: share of the class that gives more, with {level} intervals. 90% point: one in ten goes beyond it."
    ).format(level=words.percent(result.meta.get("ci_level", 0.95)))


@table(title=_classes_table_title, note=_classes_table_note)
def classes_table(result, words):
    """A class a row, at every cut."""
    _ = words.gettext
    rows = _shown(result.table)
    many = rows["cut"].nunique() > 1
    columns = [Column(_("Cut"), [_cut(words, c) for c in rows["cut"]])] if many else []
    return [
        Column(_("In order"), [_class(words, g) for g in rows["group"]]),
        *columns,
        Column(_("Share"), rows["share"].tolist(), "percent"),
        Column(_("Mean grade"), rows["mean"].tolist(), "number2", rows["ci_lo"].tolist(), rows["ci_hi"].tolist()),
        Column(_("Median"), rows["q50"].tolist(), "grade"),
        Column(_("90% point"), rows["q90"].tolist(), "grade"),
        Column(
            _("Above 7"), rows["share_above_7"].tolist(), "percent", rows["share_above_7_lo"].tolist(), rows["share_above_7_hi"].tolist()
        ),
        Column(
            _("Above 8"), rows["share_above_8"].tolist(), "percent", rows["share_above_8_lo"].tolist(), rows["share_above_8_hi"].tolist()
        ),
        Column(_("Customers"), rows["n"].tolist(), "count"),
    ]


def _order_title(result, words):
    return words.gettext("Are the levels an order?")


def _order_note(result, words):
    return words.gettext(
        "H (Mokken's scalability): 1 if nobody has a higher level without the lower, 0 if levels have nothing to do with each other. Other tags: share of the other ways to give the questions to the levels that do as well. General impression: p of the test that levels explain the answers better than one general impression does. Both must be at most 0.05 at every cut."
    )


@table(title=_order_title, note=_order_note)
def order_table(result, words):
    """H, the share that breaks the order, the trend, and the two benchmarks, at every cut."""
    _ = words.gettext
    rows = result.table
    return [
        Column(_("Cut"), [_cut(words, c) for c in rows["cut"]]),
        Column(_("H"), rows["h"].tolist(), "number2", rows["h_lo"].tolist(), rows["h_hi"].tolist()),
        Column(_("Higher without lower"), rows["share_not_cumulative"].tolist(), "percent", rows["share_not_cumulative_lo"].tolist(), rows["share_not_cumulative_hi"].tolist()),
        Column(_("Grades rise"), rows["p_trend"].tolist(), "p"),
        Column(_("Other tags"), rows["p_halo"].tolist(), "p"),
        Column(_("General impression"), rows["p_impression"].tolist(), "p"),
        Column(_("Verdict"), [_verdict(words, v) for v in rows["verdict"]]),
    ]  # fmt: skip


def _levels_title(result, words):
    return words.gettext("How often each level is in order")


@table(title=_levels_title)
def levels_table(result, words):
    """A level a row, at every cut."""
    _ = words.gettext
    rows = result.table
    many = rows["cut"].nunique() > 1
    return [
        Column(_("Level"), [_level(words, k) for k in rows["level"]]),
        *([Column(_("Cut"), [_cut(words, c) for c in rows["cut"]])] if many else []),
        Column(_("Questions"), rows["items"].tolist(), "count"),
        Column(
            _("In order"), rows["share_reached"].tolist(), "percent", rows["share_reached_lo"].tolist(), rows["share_reached_hi"].tolist()
        ),
        Column(_("Customers"), rows["n"].tolist(), "count"),
        Column(_("Does not apply"), rows["n_not_applicable"].tolist(), "count"),
    ]


def _caps_title(result, words):
    return words.gettext("Is there a ceiling?")


def _caps_note(result, words):
    return words.gettext(
        "A ceiling holds if, at every cut, even the upper limit of the share above it is at most 10%; it does not hold if the lower limit is above 10% at every cut, and only where the levels are an order."
    )


@table(title=_caps_title, note=_caps_note)
def caps_table(result, words):
    """A ceiling, class and cut a row."""
    _ = words.gettext
    rows = _shown(result.table)
    rows = rows[rows["group"].isin(_CAPPED)]
    return [
        Column(_("In order"), [_class(words, g) for g in rows["group"]]),
        Column(_("Ceiling"), rows["cap"].tolist(), "count"),
        Column(_("Cut"), [_cut(words, c) for c in rows["cut"]]),
        Column(_("Share above"), rows["share_above"].tolist(), "percent", rows["share_above_lo"].tolist(), rows["share_above_hi"].tolist()),
        Column(_("Customers"), rows["n"].tolist(), "count"),
        Column(_("Verdict over all cuts"), [_verdict(words, v) for v in rows["verdict"]]),
    ]

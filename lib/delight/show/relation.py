"""The chapter on what binds beyond a grade, in words, tables and figures: emotional bonds, switching, goodwill and recovery."""

from __future__ import annotations

import numpy as np

from delight.show.charts import Chart, Series
from delight.show.levels import point
from delight.show.loyalty import _effect, _limits, _n, _name, _p, _size, rounded_up
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table
from delight.show.words import is_missing


# ---- names and numbers
def _row(result, **where):
    """The first row in which columns have these values, or None."""
    rows = result.table
    for column, value in where.items():
        rows = rows[rows[column] == value] if column in rows else rows.iloc[:0]
    return None if rows.empty else rows.iloc[0]


def _listed(words, columns):
    return words.listed([words.column(c) for c in columns])


def _named(words, role, column):
    """A kind of loyalty, or the question itself."""
    return _name(words, role, column) if role in ("churned", "stayed", "recommend", "repurchase") else words.before_colon(column)


def _outcomes(result):
    """(column, meta) of every outcome in order."""
    about = result.meta.get("outcomes") or {}
    return [(o, about[o]) for o in result.meta.get("outcome_order") or about]


# ---- what an emotional bond is worth
@reading
def bond(result, words):
    """Whether delighted customers who also feel bound are worth more, other things equal."""
    _ = words.gettext
    meta = result.meta
    out = [
        _(
            "**Are customers who feel bound worth more?** Of the customers who gave grade {grade} or higher, we compare those whose delight emotions average {cut} or higher with those who are as satisfied but feel less. The measure: {value}."
        ).format(grade=point(words, meta["delight_from"]), cut=point(words, meta["bound_from"]), value=words.column(meta["value"]))
    ]
    head = _row(result, population="delighted", scale="value", estimator="overlap")
    if head is None or is_missing(head.estimate):
        n = (head.n_first, head.n_second) if head is not None else (None, None)
        out.append(
            _("There are too few of them to compare: {bound} feel bound and {other} do not; at least 30 of each are needed.").format(
                bound=_n(words, n[0]), other=_n(words, n[1])
            )
        )
        return out
    values = dict(
        one=words.number(head.mean_bound), other=words.number(head.mean_other), n_one=words.number(head.n_first),
        n_other=words.number(head.n_second), diff=words.signed(head.estimate, 0),
        ci=words.interval(head.ci_lo, head.ci_hi, lambda v: words.signed(v, 0)), ratio=words.percent(abs(head.ratio - 1)),
    )  # fmt: skip
    if head.ci_lo > 0:
        text = _(
            "**They are worth more:** {one} on average among those who feel bound (n = {n_one}) against {other} among the others (n = {n_other}), a difference of {diff} ({ci}), or {ratio}."
        )
    elif head.ci_hi < 0:
        text = _(
            "**They are worth less:** {one} on average among those who feel bound (n = {n_one}) against {other} among the others (n = {n_other}), a difference of {diff} ({ci}), or {ratio}."
        )
    else:
        text = _(
            "**A difference is not shown:** {one} on average among those who feel bound (n = {n_one}) against {other} among the others (n = {n_other}), a difference of {diff} ({ci})."
        )
    out.append(text.format(**values))
    out.append(" ".join([_adjusted(words, meta), _sensitivity(words, result, head)]).strip())
    return [p for p in out if p]


def _adjusted(words, meta):
    _ = words.gettext
    if not meta.get("covariates"):
        return _("Nothing else is known of these customers, so that other differences between the groups may play a part.")
    return _("The groups were made alike in what else we know of them ({list}); what nobody asked about can still differ.").format(
        list=_listed(words, meta["covariates"])
    )


def _sensitivity(words, result, head):
    """Whether other ways of looking give the same answer."""
    _ = words.gettext
    others = [
        _row(result, population="delighted", scale="winsorised", estimator="overlap"),
        _row(result, population="delighted", scale="log", estimator="overlap"),
        _row(result, population="satisfied", scale="value", estimator="overlap"),
    ]
    sides = {_side(head), *(_side(r) for r in others if r is not None and not is_missing(r.estimate))}
    lower = point(words, result.meta["delight_from"] - ((result.meta.get("satisfaction_scale") or {}).get("step") or 1))
    if len(sides) == 1:
        return _("The answer stays the same with the largest amounts cut off, on a logarithmic scale, and from grade {lower} on.").format(
            lower=lower
        )
    return _(
        "The answer does not stay the same with the largest amounts cut off, on a logarithmic scale, or from grade {lower} on; the annex shows each. Do not build on it."
    ).format(lower=lower)


def _side(row):
    return int(row.ci_lo > 0) - int(row.ci_hi < 0)


def _bond_title(result, words):
    return words.gettext("What customers who feel bound are worth")


def _bond_note(result, words):
    _ = words.gettext
    return _(
        "Averages with {level} bootstrap intervals. Overlap weights compare customers who, by what else is known of them, could belong to either group; regression and the Gamma model hold the same things equal in another way. On the logarithmic scale averages are of logarithms."
    ).format(level=words.percent(result.meta.get("ci_level", 0.95)))


@table(title=_bond_title, note=_bond_note)
def bond_table(result, words):
    """Every estimator of the amount among the delighted, and the overlap estimate on other scales and from one grade lower on."""
    _ = words.gettext
    population = {
        "delighted": _("grade {grade} or higher").format(grade=point(words, result.meta["delight_from"])),
        "satisfied": _("one grade lower as well"),
    }
    scale = {"value": _("amount"), "winsorised": _("largest amounts cut off"), "log": _("logarithm")}
    estimator = {
        "raw": _("as they are"), "regression": _("regression"), "overlap": _("overlap weights"), "gamma": _("Gamma model"),
        "two_part": _("two-part model"),
    }  # fmt: skip
    rows = result.table
    first = rows["population"].eq("delighted") & rows["scale"].eq("value")
    rows = rows[first | rows["estimator"].eq("overlap") & (rows["population"].eq("delighted") | rows["scale"].eq("value"))]
    log = rows["scale"].eq("log")

    def number(values):
        return [words.number(v, 2 if is_log else 0) for v, is_log in zip(values, log)]

    limits = [
        words.interval(a, b, lambda v, d=2 if is_log else 0: words.signed(v, d)) for a, b, is_log in zip(rows["ci_lo"], rows["ci_hi"], log)
    ]
    differences = [words.signed(v, 2 if is_log else 0) for v, is_log in zip(rows["estimate"], log)]
    return [
        Column(_("Customers"), [population[p] for p in rows["population"]]),
        Column(_("Measure"), [scale[s] for s in rows["scale"]]),
        Column(_("Compared by"), [estimator[e] for e in rows["estimator"]]),
        Column(_("Bound"), number(rows["mean_bound"])),
        Column(_("Others"), number(rows["mean_other"])),
        Column(_("Difference"), [f"{d} ({ci})" if ci != words.number(None) else d for d, ci in zip(differences, limits)]),
    ]


# ---- switching
@reading
def switching(result, words):
    """What customers say they would do after one bad experience and after two, beside the published figures."""
    _ = words.gettext
    rows = {t: _row(result, trigger=t) for t in ("one", "two", "increment")}
    known = {t: r for t, r in rows.items() if t != "increment" and r is not None and not is_missing(r.share)}
    out = []
    if not known:
        return [_("**Nobody answered the questions on switching after a bad experience.**")]
    if len(known) == 2:
        a, b = known["one"], known["two"]
        out.append(
            _(
                "**How soon would customers consider leaving?** After one bad experience {one} would consider switching ({ci_one}; n = {n_one}), after a second one {two} ({ci_two}; n = {n_two})."
            ).format(one=words.percent(a.share), ci_one=_shares(words, a), n_one=words.number(a.n), two=words.percent(b.share), ci_two=_shares(words, b), n_two=words.number(b.n))
        )  # fmt: skip
    else:
        ((trigger, row),) = known.items()
        text = (
            _("**How soon would customers consider leaving?** After one bad experience {share} would consider switching ({ci}; n = {n}).")
            if trigger == "one"
            else _(
                "**How soon would customers consider leaving?** After two bad experiences {share} would consider switching ({ci}; n = {n})."
            )
        )
        out.append(text.format(share=words.percent(row.share), ci=_shares(words, row), n=words.number(row.n)))
    out.append(" ".join(_beside_published(words, trigger, row) for trigger, row in known.items()))
    out += _doubts(words, rows.get("increment"))
    out.append(_("Considering is not leaving: this is what customers expect of themselves, not what they did."))
    return out


def _shares(words, row):
    return words.interval(row.ci_lo, row.ci_hi, words.percent)


def _beside_published(words, trigger, row):
    _ = words.gettext
    values = dict(claim=words.percent(row.claim), margin=words.number(100 * row.margin), needed=words.number(rounded_up(row.n_needed)))
    if row.verdict == "consistent":
        text = (
            _("After one, that is within {margin} percentage points of the {claim} that is reported of consumers in general.")
            if trigger == "one"
            else _("After two, that is within {margin} percentage points of the {claim} that is reported of consumers in general.")
        )
    elif row.verdict == "differs here" and row.share < row.claim:
        text = (
            _("After one, that is lower than the {claim} that is reported of consumers in general: these customers are more patient.")
            if trigger == "one"
            else _("After two, that is lower than the {claim} that is reported of consumers in general: these customers are more patient.")
        )
    elif row.verdict == "differs here":
        text = (
            _("After one, that is higher than the {claim} that is reported of consumers in general: these customers are less patient.")
            if trigger == "one"
            else _("After two, that is higher than the {claim} that is reported of consumers in general: these customers are less patient.")
        )
    elif row.verdict == "insufficient":
        text = _("There are too few answers to compare with the {claim} that is reported of consumers in general.")
    elif row.n >= row.n_needed:
        text = (
            _("Whether the share after one equals the reported {claim} to within {margin} percentage points cannot be said: the interval lies partly inside and partly outside.")
            if trigger == "one"
            else _("Whether the share after two equals the reported {claim} to within {margin} percentage points cannot be said: the interval lies partly inside and partly outside.")
        )  # fmt: skip
    else:
        text = (
            _("Whether that equals the {claim} reported after one cannot be said yet; about {needed} answers would decide.")
            if trigger == "one"
            else _("Whether that equals the {claim} reported after two cannot be said yet; about {needed} answers would decide.")
        )
    return text.format(**values)


def _doubts(words, increment):
    """What is odd about the answers, if anything."""
    _ = words.gettext
    if increment is None:
        return []
    out = []
    if increment.n_against > 0:
        out.append(
            _(
                "{n} respondents would consider switching after one bad experience but not after two. Such answers contradict themselves."
            ).format(n=_n(words, increment.n_against))
        )
    if increment.logical is False or increment.logical is np.False_:
        out.append(
            _("Fewer would leave after two bad experiences than after one. That cannot be: check how the questions were put and coded.")
        )
    return out


def _switching_title(result, words):
    return words.gettext("Who would consider switching after a bad experience?")


def _switching_caption(result, words):
    _ = words.gettext
    return _(
        "Share of respondents with {level} intervals. The bands hold the figures reported of consumers in general, {margin} percentage points to either side; their source is not given."
    ).format(level=words.percent(result.meta.get("ci_level", 0.95)), margin=words.number(100 * result.meta.get("margin", 0.05)))


def _trigger(words, trigger):
    _ = words.gettext
    return {"one": _("After one bad experience"), "two": _("After two bad experiences"), "increment": _("Difference")}[trigger]


def _switching_alt(result, words):
    _ = words.gettext
    rows = [r for r in result.table.itertuples() if r.trigger != "increment" and not is_missing(r.share)]
    parts = [
        _("{trigger}: {share} ({ci}), reported {claim}.").format(
            trigger=_trigger(words, r.trigger), share=words.percent(r.share), ci=_shares(words, r), claim=words.percent(r.claim)
        )
        for r in rows
    ]
    return " ".join(parts)


def _switching_chart(result, words):
    rows = [r for r in result.table.itertuples() if r.trigger != "increment" and not is_missing(r.share)]
    shares = Series("", *([getattr(r, c) for r in rows] for c in ("share", "ci_lo", "ci_hi")), COLOURS["main"])
    return Chart("bar", [_trigger(words, r.trigger) for r in rows], [shares], "percent", words.gettext("Would consider switching (%)"))


@figure(title=_switching_title, caption=_switching_caption, alt=_switching_alt, size=(150, 42), chart=_switching_chart)
def switching_figure(result, ax, words):
    """Shares that would consider switching, with the published figures as bands."""
    _ = words.gettext
    rows = [r for r in result.table.itertuples() if r.trigger != "increment" and not is_missing(r.share)]
    for y, r in enumerate(rows):
        ax.barh(y, 200 * r.margin, left=100 * (r.claim - r.margin), height=0.62, color=COLOURS["grid"], zorder=0)
        ax.plot([100 * r.claim] * 2, [y - 0.31, y + 0.31], color=COLOURS["soft"], linewidth=1, zorder=1)
        ax.hlines(y, 100 * r.ci_lo, 100 * r.ci_hi, color=COLOURS["main"], linewidth=1.6)
        ax.scatter([100 * r.share], [y], s=30, color=COLOURS["main"], zorder=3)
        ax.text(101, y, _("n = {n}").format(n=words.number(r.n)), va="center", fontsize=7.5, color=COLOURS["soft"])
    ax.set_yticks(range(len(rows)), [_trigger(words, r.trigger) for r in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, 100)
    ax.set_xlabel(_("Would consider switching (%)"))
    ax.grid(axis="x")
    ax.tick_params(length=0)
    return ax


def _stated_title(result, words):
    return words.gettext("Switching after bad experiences, beside the reported figures")


def _stated_note(result, words):
    _ = words.gettext
    return _(
        "A share counts as equal to the reported one if its 90% interval lies within {margin} percentage points of it, and as different if its 95% interval lies outside. The reported figures speak of consumers in general, so that these customers can differ from them but not disprove them."
    ).format(margin=words.number(100 * result.meta.get("margin", 0.05)))


@table(title=_stated_title, note=_stated_note)
def switching_table(result, words):
    """Shares, increment, published value, test and answers needed."""
    _ = words.gettext
    rows = result.table
    share = [words.signed(100 * r.share, 1) if r.trigger == "increment" else words.percent(r.share, 1) for r in rows.itertuples()]
    limits = [
        words.interval(
            r.ci_lo, r.ci_hi, (lambda v: words.signed(100 * v, 1)) if r.trigger == "increment" else (lambda v: words.percent(v, 1))
        )
        for r in rows.itertuples()
    ]
    verdict = {
        "consistent": _("equal to it"), "differs here": _("differs here"), "inconclusive": _("undecided"), "insufficient": _("too few answers"),
        "": words.number(None),
    }  # fmt: skip
    return [
        Column(_("After"), [_trigger(words, t) for t in rows["trigger"]]),
        Column(_("Respondents"), rows["n"].tolist(), "count"),
        Column(_("Share"), [f"{s} ({ci})" if ci != words.number(None) else s for s, ci in zip(share, limits)]),
        Column(_("Reported"), [words.percent(v) for v in rows["claim"]]),
        Column(_("p of equivalence"), rows["tost_p"].tolist(), "p"),
        Column(_("Answers needed"), [words.number(v) for v in rows["n_needed"]]),
        Column(_("Verdict"), [verdict.get(v, words.number(None)) for v in rows["verdict"]]),
    ]


# ---- goodwill
def _cells(result, outcome):
    """Rows of the four groups of an outcome, by name."""
    rows = result.table[(result.table["outcome"] == outcome) & (result.table["term"] == "cell")]
    return {r.group: r for r in rows.itertuples()}


def _verdict_row(result, outcome):
    rows = result.table[(result.table["outcome"] == outcome) & (result.table["term"] == "interaction")]
    return None if rows.empty else rows.iloc[0]


@reading
def goodwill(result, words):
    """Whether a failure costs less with customers who were delighted before it."""
    _ = words.gettext
    grade = point(words, result.meta["delight_from"])
    out = [
        _(
            "**Are delighted customers more forgiving?** We follow customers from one wave to the next: who gave grade {grade} or higher before, whether something went wrong since, and what came of it."
        ).format(grade=grade)
    ]
    for outcome, meta in _outcomes(result):
        text = _forgiving(words, result, outcome, meta)
        out += [text] if text else []
    return out


def _forgiving(words, result, outcome, meta):
    _ = words.gettext
    row, cells, binary = _verdict_row(result, outcome), _cells(result, outcome), meta.get("binary")
    if row is None:
        return ""
    name = _named(words, meta.get("role"), outcome)
    if row.verdict == "insufficient":
        n = cells.get("with failure")
        return _(
            "**{outcome}: too few answers.** {n} customers were delighted and then something went wrong; at least {fewest} are needed."
        ).format(outcome=name, n=_n(words, 0 if n is None else n.n), fewest=words.number(meta.get("fewest", 40)))
    if is_missing(row.estimate):
        return _("**{outcome}: undecided.** The comparison could not be estimated.").format(outcome=name)
    parts = (
        [_opening(words, name, cells, meta)]
        if all(not is_missing(c.value) for c in cells.values()) and len(cells) == 4
        else [f"**{name}.**"]
    )
    values = dict(
        without=_effect(words, row.effect_without, binary), ci_without=_limits(words, row.effect_without_lo, row.effect_without_hi, binary),
        given=_effect(words, row.effect_with, binary), ci_given=_limits(words, row.effect_with_lo, row.effect_with_hi, binary),
        diff=_size(words, row.estimate, binary), ci=_spared(words, row, binary), p=_p(words, row.interaction_logit_p), q=_p(words, row.q),
    )  # fmt: skip
    parts.append(
        _(
            "Other things equal, the difference that a failure makes is {without} among customers who were not delighted ({ci_without}) and {given} among those who were ({ci_given})."
        ).format(**values)
    )
    parts.append(_forgiven(words, row, meta, values))
    return " ".join(parts)


def _spared(words, row, binary):
    """Interval of the difference: of its size where it leaves out zero, else with signs."""
    if row.ci_lo <= 0 <= row.ci_hi:
        return _limits(words, row.ci_lo, row.ci_hi, binary)
    lo, hi = sorted((abs(row.ci_lo), abs(row.ci_hi)))
    return words.interval(lo, hi, lambda v: words.number(100 * v, 1) if binary else words.number(v, 2))


def _opening(words, name, cells, meta):
    _ = words.gettext
    show = (lambda v: words.percent(v)) if meta.get("binary") else (lambda v: words.number(v, 1))
    values = dict(
        outcome=name, a=show(cells["without failure"].value), b=show(cells["without none"].value), c=show(cells["with failure"].value),
        d=show(cells["with none"].value), n_a=words.number(cells["without failure"].n), n_c=words.number(cells["with failure"].n),
    )  # fmt: skip
    if meta.get("role") == "churned":
        return _(
            "**Leaving.** Of the customers who had not been delighted, {a} left after something went wrong (n = {n_a}), against {b} of those without a problem; of the customers who had been delighted, {c} (n = {n_c}) against {d}."
        ).format(**values)
    return _(
        "**{outcome}.** Customers who had not been delighted give {a} on average after something went wrong (n = {n_a}), against {b} without a problem; customers who had been delighted {c} (n = {n_c}) against {d}."
    ).format(**values)


def _forgiven(words, row, meta, values):
    """The verdict on both scales."""
    _ = words.gettext
    if row.verdict == "supported":
        return _(
            "Delight goes with a buffer: a failure costs {diff} less ({ci}), and measured in odds it costs less as well ({q})."
        ).format(**values)
    if row.verdict == "contradicted":
        return _(
            "Delight does not protect here: a failure costs {diff} more ({ci}), and measured in odds it costs more as well ({q}). Customers who were delighted are disappointed the more."
        ).format(**values)
    better = -1 if meta.get("turned") else 1
    rd, logit = (better * (int(row[f"{s}_lo"] > 0) - int(row[f"{s}_hi"] < 0)) for s in ("interaction_rd", "interaction_logit"))
    if rd and rd != logit:
        text = (
            _("A failure costs {diff} less ({ci}), but measured in odds the difference is not shown ({p}). Customers who leave or lose little in any case can lose little more, so that we call it undecided.")
            if rd > 0
            else _("A failure costs {diff} more ({ci}), but measured in odds the difference is not shown ({p}), so that we call it undecided.")
        )  # fmt: skip
    elif rd:
        text = _("A difference shows in both scales, but corrected for the number of outcomes it is not beyond chance any more ({q}).")
    else:
        text = _("That delight makes customers more forgiving is not shown (difference {diff}; {ci}).")
    text = text.format(**values)
    needed = row.n_needed
    if not rd and not is_missing(needed) and needed > row.n:
        text += " " + _("To find a difference of {worth} with a chance of 80%, about {needed} answers are needed; there are {n}.").format(
            worth=_size(words, meta["worth"], meta.get("binary")), needed=words.number(rounded_up(needed)), n=words.number(row.n)
        )
    return text


def _main(result):
    """The outcome that the figure shows: the first with all four groups."""
    for outcome, meta in _outcomes(result):
        cells = _cells(result, outcome)
        if len(cells) == 4 and not any(is_missing(c.value) for c in cells.values()):
            return outcome, meta, cells
    return None, {}, {}


def shows_goodwill(result):
    """Whether there is anything for the figure to show."""
    return _main(result)[0] is not None


def _goodwill_title(result, words):
    return words.gettext("What a failure does to customers who were delighted, and to others")


def _goodwill_caption(result, words):
    _ = words.gettext
    level = words.percent(result.meta.get("ci_level", 0.95))
    if _main(result)[1].get("role") == "churned":
        return _("Share that left, with {level} intervals. The flatter the line, the less a failure costs.").format(level=level)
    return _("Mean grade after the period, with {level} intervals. The flatter the line, the less a failure costs.").format(level=level)


def _goodwill_alt(result, words):
    _ = words.gettext
    _outcome, meta, cells = _main(result)
    if not cells:
        return ""
    show = words.percent if meta.get("binary") else words.grade
    return _("Not delighted before: {b} without a problem, {a} after one. Delighted before: {d} without a problem, {c} after one.").format(
        a=show(cells["without failure"].value), b=show(cells["without none"].value), c=show(cells["with failure"].value), d=show(cells["with none"].value)
    )  # fmt: skip


def _goodwill_chart(result, words):
    _ = words.gettext
    outcome, meta, cells = _main(result)
    names = {"without": (_("Not delighted before"), "dissatisfied"), "with": (_("Delighted before"), "delighted")}
    series = []
    for group, (title, colour) in names.items():
        ends = [cells.get(f"{group} {end}") for end in ("none", "failure")]
        if not any(e is None for e in ends):
            values = ([getattr(e, column) for e in ends] for column in ("value", "value_lo", "value_hi"))
            series.append(Series(title, *values, COLOURS[colour]))
    if meta.get("binary"):
        format, axis = "percent", _("Left (%)") if meta.get("role") == "churned" else _("Share (%)")
    else:
        format, axis = "number1", words.column(outcome) if outcome else ""
    return Chart("line", [_("No problem"), _("Something went wrong")], series, format, axis)


@figure(title=_goodwill_title, caption=_goodwill_caption, alt=_goodwill_alt, size=(120, 74), chart=_goodwill_chart)
def goodwill_figure(result, ax, words):
    """Two lines: without a problem and after one, for customers who were delighted before and for others."""
    _ = words.gettext
    outcome, meta, cells = _main(result)
    times = 100 if meta.get("binary") else 1
    for group, label, colour, dx in (
        ("without", _("Not delighted before"), COLOURS["dissatisfied"], -0.02),
        ("with", _("Delighted before"), COLOURS["delighted"], 0.02),
    ):
        ends = [cells.get(f"{group} {end}") for end in ("none", "failure")]
        if any(e is None for e in ends):
            continue
        x = np.array([0, 1]) + dx
        y = np.array([times * e.value for e in ends])
        ax.vlines(x, [times * e.value_lo for e in ends], [times * e.value_hi for e in ends], color=colour, linewidth=1.2)
        ax.plot(x, y, color=colour, linewidth=1.4, marker="o", markersize=5)
        ax.text(x[1] + 0.06, y[1], label, color=colour, va="center", fontsize=8.5)
    ax.set_xticks([0, 1], [_("No problem"), _("Something went wrong")])
    ax.set_xlim(-0.25, 1.75)
    if meta.get("binary"):
        ax.set_ylim(0, None)
        ax.set_ylabel(_("Left (%)") if meta.get("role") == "churned" else _("Share (%)"))
    else:
        ax.set_ylabel(words.column(outcome) if outcome else "")
    ax.grid(axis="y")
    ax.tick_params(length=0)
    return ax


def _goodwill_table_title(result, words):
    return words.gettext("What a failure costs, by delight one wave before")


def _goodwill_table_note(result, words):
    _ = words.gettext
    return _(
        "Differences in percentage points or grades, with {level} intervals; the last but one column is the difference in log odds. A verdict stands only if both scales agree: a failure that costs everybody the same on one scale costs some more on the other. A relation, no proof: who is delighted also differs in other ways."
    ).format(level=words.percent(result.meta.get("ci_level", 0.95)))


@table(title=_goodwill_table_title, note=_goodwill_table_note)
def goodwill_table(result, words):
    """A row per outcome: what a failure does in each group, the difference on both scales, the verdict."""
    _ = words.gettext
    rows = [(o, m, _verdict_row(result, o)) for o, m in _outcomes(result)]
    rows = [(o, m, r) for o, m, r in rows if r is not None]
    verdict = {
        "supported": _("buffer"), "contradicted": _("costs more"), "inconclusive": _("undecided"), "insufficient": _("too few answers"),
    }  # fmt: skip

    def cost(m, r, name):
        if is_missing(r[name]):
            return words.number(None)
        return f"{_effect(words, r[name], m.get('binary'))} ({_limits(words, r[f'{name}_lo'], r[f'{name}_hi'], m.get('binary'))})"

    return [
        Column(_("Outcome"), [_("Leaving") if m.get("role") == "churned" else _named(words, m.get("role"), o) for o, m, _r in rows]),
        Column(_("Not delighted"), [cost(m, r, "effect_without") for _o, m, r in rows]),
        Column(_("Delighted"), [cost(m, r, "effect_with") for _o, m, r in rows]),
        Column(_("Difference"), [cost(m, r, "interaction_rd") for _o, m, r in rows]),
        Column(
            _("On the log-odds scale"), [r["interaction_logit"] for _o, _m, r in rows], "signed2",
            [r["interaction_logit_lo"] for _o, _m, r in rows], [r["interaction_logit_hi"] for _o, _m, r in rows],
        ),
        Column(_("Verdict"), [verdict.get(r["verdict"], words.number(None)) for _o, _m, r in rows]),
    ]  # fmt: skip


# ---- recovery, leaving, mediation, trust
def _recovery_title(result, words):
    return words.gettext("Does a problem that was handled very well bind more than no problem?")


def _recovery_note(result, words):
    _ = words.gettext
    return _(
        "Handled very well: {question}, {cut} or higher. Differences with {level} intervals; bold: p below 0.05 after correction for the rows of a kind of loyalty (Benjamini–Hochberg). Only customers who gave a grade for how problems are handled are in the groups with a problem."
    ).format(
        question=words.column(result.meta.get("resolved")), cut=point(words, result.meta.get("resolved_from")),
        level=words.percent(result.meta.get("ci_level", 0.95)),
    )  # fmt: skip


@table(title=_recovery_title, note=_recovery_note)
def recovery(result, words):
    """Contrasts of customers with a problem handled very well, with another problem, and without one."""
    _ = words.gettext
    name = {
        "resolved - none": _("handled very well, against no problem"),
        "unresolved - none": _("handled less well, against no problem"),
        "resolved - unresolved": _("handled very well, against less well"),
    }
    roles = dict(_outcomes(result))
    rows = list(result.table.itertuples())
    shown = []
    for r in rows:
        binary = roles.get(r.outcome, {}).get("binary")
        shown.append(
            words.number(None)
            if is_missing(r.estimate)
            else f"{_effect(words, r.estimate, binary)} ({_limits(words, r.ci_lo, r.ci_hi, binary)})"
        )
    return [
        Column(_("Loyalty"), [_named(words, roles.get(r.outcome, {}).get("role"), r.outcome) for r in rows]),
        Column(_("Compared"), [name[r.contrast] for r in rows]),
        Column(_("n"), ["\u00a0·\u00a0".join(_n(words, v) if not is_missing(v) else words.number(None) for v in (r.n_first, r.n_second)) for r in rows]),
        Column(_("Difference"), shown, emphasis=[bool(r.p_adj < 0.05) for r in rows]),
    ]  # fmt: skip


def _leaving_title(result, words):
    return words.gettext("Who left after one failure, and after two")


def _leaving_note(result, words):
    _ = words.gettext
    text = _(
        "Chance of leaving within {periods} waves, with {level} intervals, from the customers' own record of waves: failures before a customer's first wave are unknown, and customers who did not answer a wave are not followed in it."
    ).format(periods=words.number(result.meta.get("horizon", 2)), level=words.percent(result.meta.get("ci_level", 0.95)))
    if result.meta.get("frailty_variance"):
        text += " " + _("Customers differ in how ready they are to leave; the model allows for it.")
    return text


@table(title=_leaving_title, note=_leaving_note)
def leaving(result, words):
    """Chances of leaving after no failure, one and two."""
    _ = words.gettext
    name = {"failures=0": _("no failure"), "failures=1": _("one failure"), "failures=2+": _("two failures or more")}
    rows = result.table[result.table["part"] == "chance"]
    return [
        Column(_("Until now"), [name[t] for t in rows["term"]]),
        Column(_("Leaves"), rows["estimate"].tolist(), "percent1", rows["ci_lo"].tolist(), rows["ci_hi"].tolist()),
    ]


@reading
def mediation(result, words):
    """How much of what delight does runs through commitment, and what that rests on."""
    _ = words.gettext
    meta = result.meta
    total, indirect, share = (_row(result, path=p) for p in ("total", "indirect", "share"))
    mediator = words.column(meta["mediator"])
    if indirect is None or is_missing(indirect.estimate):
        return [_("**Does delight bind through {mediator}?** There are too few answers to say.").format(mediator=mediator)]
    values = dict(
        mediator=mediator, total=_effect(words, total.estimate, meta.get("binary")), indirect=_effect(words, indirect.estimate, meta.get("binary")),
        ci=_limits(words, indirect.ci_lo, indirect.ci_hi, meta.get("binary")), rho=words.number(meta["rho_zero"], 2),
        share=words.percent(share.estimate), ci_share=words.interval(share.ci_lo, share.ci_hi, words.percent),
    )  # fmt: skip
    if indirect.ci_lo <= 0 <= indirect.ci_hi:
        return [_("**Does delight bind through {mediator}?** That is not shown ({indirect}; {ci}).").format(**values)]
    text = _(
        "**Does delight bind through {mediator}?** Of the difference of {total} that goes with delight, {indirect} ({ci}) runs through it."
    ).format(**values)
    if not is_missing(share.estimate):
        text += " " + _("That is {share} ({ci_share}).").format(**values)
    text += " " + _("It would vanish if causes that nobody asked about tied the two with a correlation of {rho}.").format(**values)
    return [text]


@reading
def trust(result, words):
    """Whether trust rises where expectations are exceeded, and where they are only met."""
    _ = words.gettext
    exceeded, met = _row(result, first="exceeded", second="met"), _row(result, first="met", second="below")
    out = [_("**Does only exceeding expectations build trust?** The published claim says so.")]
    for row, yes, no, few in (
        (exceeded, _("Where expectations were exceeded, trust lies {effect} higher than where they were met ({ci})."),
         _("That trust lies higher where expectations were exceeded than where they were met is not shown ({effect}; {ci})."),
         _("There are too few answers to compare expectations exceeded with expectations met.")),
        (met, _("Where expectations were met, it lies {effect} higher than where they were not ({ci}): meeting them counts as well."),
         _("That it lies higher where expectations were met than where they were not is not shown ({effect}; {ci})."),
         _("There are too few answers to compare expectations met with expectations not met.")),
    ):  # fmt: skip
        if row is None or is_missing(row.estimate):
            out.append(few)
            continue
        shown = row.p_adj < 0.05 and row.estimate > 0
        effect = _size(words, row.estimate, False) if shown else _effect(words, row.estimate, False)
        out.append((yes if shown else no).format(effect=effect, ci=_limits(words, row.ci_lo, row.ci_hi, False)))
    return [" ".join(out)]

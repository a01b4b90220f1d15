"""The loyalty chapter in words, tables and figures."""

from __future__ import annotations

import re

import numpy as np

from delight.show.charts import Chart, Series
from delight.show.levels import point
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table
from delight.show.words import is_missing

#: Colour of each kind of loyalty, the same in every figure.
_COLOUR = {"recommend": "main", "churned": "second", "stayed": "third", "repurchase": "fourth"}
#: Bases below this are drawn hollow and called small.
_SMALL = 30


# ---- names and numbers
def _outcomes(result):
    """Outcome columns with their own meta, behaviour first."""
    about = result.meta.get("outcomes") or {}
    return [(o, about[o]) for o in result.meta.get("outcome_order") or about]


def _name(words, role, column):
    _ = words.gettext
    known = {
        "churned": _("Staying (what customers did)"),
        "stayed": _("Staying (what customers expect)"),
        "recommend": _("Recommending"),
        "repurchase": _("Choosing again"),
    }
    return known.get(role) or words.column(column)


def _effect(words, value, binary):
    """A difference with its unit: points of the outcome's scale, or percentage points of a share."""
    _ = words.gettext
    if binary:
        return _("{x} percentage points").format(x=words.signed(100 * value, 1))
    return _("{x} points").format(x=words.signed(value, 2))


def _limits(words, lo, hi, binary):
    """An interval of differences, without unit."""
    return words.interval(lo, hi, lambda v: words.signed(100 * v, 1) if binary else words.signed(v, 2))


def _size(words, value, binary):
    """The size of a difference, without sign."""
    _ = words.gettext
    return (
        _("{x} percentage points").format(x=words.number(100 * abs(value), 1))
        if binary
        else _("{x} points").format(x=words.number(abs(value), 2))
    )


def _p(words, p):
    """A p-value with its sign: "p = 0.012", "p < 0.001"."""
    text = words.p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _n(words, n):
    """A base that may be shown; small ones are not spelled out."""
    return words.gettext("fewer than 10") if 0 < n < 10 else words.number(n)


def _of(result, outcome):
    found = result.table[result.table["outcome"] == outcome]
    return found.sort_values("grade") if "grade" in found else found


def _at(rows, grade):
    """The row of one grade if it may be shown, else None."""
    found = rows[np.isclose(rows["grade"].astype(float), grade)]
    return None if found.empty or is_missing(found.iloc[0].get("share_loyal")) else found.iloc[0]


def _term_row(result, outcome, term):
    """The main model's row of a term: OLS of grades, logit of yes and no."""
    found = result.table[
        (result.table["outcome"] == outcome) & result.table["model"].isin(["ols", "logit"]) & (result.table["term"] == term)
    ]
    return None if found.empty else found.iloc[0]


def _delight(result):
    """The point from which satisfaction counts as delighted, and the one below it; (None, None) without."""
    meta = result.meta
    high = meta.get("delight_from")
    step = (meta.get("satisfaction_scale") or {}).get("step") or 1
    return (None, None) if high is None else (high - step, high)


# ---- what binds
@reading
def binding(curve, regression, blocks, words):
    """How loyal satisfied and delighted customers are, what a grade is worth, and what feelings add."""
    _ = words.gettext
    low, high = _delight(regression)
    out = []
    for outcome, meta in _outcomes(regression):
        parts = [_shares(words, curve, outcome, meta, low, high), *_slopes(words, regression, outcome, meta, high)]
        parts.append(_feelings(words, blocks, outcome))
        out.append(" ".join(p for p in parts if p))
    controlled = "block" in regression.table and (regression.table["block"] == "controls").any()
    out.append(
        _(
            "These are relations within one survey, other known characteristics of the respondents held equal; they do not prove that a higher grade makes people more loyal."
        )
        if controlled
        else _("These are relations within one survey; they do not prove that a higher grade makes people more loyal.")
    )
    return out


def _shares(words, curve, outcome, meta, low, high):
    _ = words.gettext
    role, rows = meta.get("role"), _of(curve, outcome)
    name = _name(words, role, outcome)
    a, b = (None, None) if high is None else (_at(rows, low), _at(rows, high))
    if a is None or b is None:
        return _("**{outcome}.** At the grades around delight there are too few answers to compare.").format(outcome=name)
    about = (curve.meta.get("outcomes") or {}).get(outcome, {})
    event, best = about.get("event"), (about.get("scale") or {}).get("max")
    values = dict(
        outcome=name,
        low=point(words, low),
        high=point(words, high),
        share_low=words.percent(a.share_loyal),
        ci_low=words.interval(a.share_loyal_lo, a.share_loyal_hi, words.percent),
        n_low=words.number(a.n),
        share_high=words.percent(b.share_loyal),
        ci_high=words.interval(b.share_loyal_lo, b.share_loyal_hi, words.percent),
        n_high=words.number(b.n),
        event=point(words, event) if event is not None else "",
    )
    if role == "churned":
        text = _(
            "**{outcome}.** Of the respondents who gave grade {low}, {share_low} stayed ({ci_low}; n = {n_low}); of those who gave grade {high}, {share_high} ({ci_high}; n = {n_high})."
        )
    elif about.get("binary"):
        text = _(
            "**{outcome}.** Of the respondents who give grade {low}, {share_low} say yes ({ci_low}; n = {n_low}); of those who give grade {high}, {share_high} ({ci_high}; n = {n_high})."
        )
    elif event == best:
        text = _(
            "**{outcome}.** Of the respondents who give grade {low}, {share_low} choose the most favourable answer ({ci_low}; n = {n_low}); of those who give grade {high}, {share_high} ({ci_high}; n = {n_high})."
        )
    else:
        text = _(
            "**{outcome}.** Of the respondents who give grade {low}, {share_low} answer {event} or higher ({ci_low}; n = {n_low}); of those who give grade {high}, {share_high} ({ci_high}; n = {n_high})."
        )
    return text.format(**values)


def _slopes(words, regression, outcome, meta, high):
    _ = words.gettext
    slope, binary = _term_row(regression, outcome, meta.get("satisfaction")), meta.get("binary")
    if slope is None or slope.status in ("insufficient", "suppressed"):
        return [_("There are too few answers for a regression of this outcome.")]
    if slope.status == "degenerate":
        return [
            _(
                "The grade alone divides loyal and disloyal customers completely, or nearly so. The size of its effect can then not be estimated, and so clean a pattern asks for a check of the data first."
            )
        ]
    if is_missing(slope.ame):
        return [_("The regression of this outcome could not be estimated.")]
    values = dict(effect=_effect(words, slope.ame, binary), ci=_limits(words, slope.ame_lo, slope.ame_hi, binary))
    if slope.p_adj < 0.05:
        out = [_("Each grade more goes with a difference of {effect} ({ci}).").format(**values)]
    else:
        out = [_("A difference with each grade more is not shown ({effect}; {ci}).").format(**values)]
    step = _term_row(regression, outcome, "delighted")
    if step is None or is_missing(step.ame) or high is None:
        return out
    values = dict(
        high=point(words, high), effect=_size(words, step.ame, binary), signed=_effect(words, step.ame, binary),
        ci=_limits(words, step.ame_lo, step.ame_hi, binary),
    )  # fmt: skip
    if step.p_adj >= 0.05:
        out.append(_("An extra step from {high} on is not shown ({signed}; {ci}).").format(**values))
    elif step.ame > 0:
        out.append(_("From {high} on, loyalty lies a further {effect} higher than that line ({ci}).").format(**values))
    else:
        out.append(_("From {high} on, loyalty lies {effect} lower than that line ({ci}).").format(**values))
    return out


def _feelings(words, blocks, outcome):
    _ = words.gettext
    found = blocks.table[(blocks.table["outcome"] == outcome) & (blocks.table["block"] == "emotional")]
    if found.empty or is_missing(found.iloc[0].p_adj) or found.iloc[0].n_terms < 2:
        return ""
    row = found.iloc[0]
    if row.p_adj >= 0.05:
        return _("Delight and feelings together add nothing beyond the grade that these data can show ({p}).").format(
            p=_p(words, row.p_adj)
        )
    if is_missing(row.ci_lo):
        return _("Delight and feelings together tell more than the grade alone ({p}).").format(p=_p(words, row.p_adj))
    return _("Delight and feelings together explain {share} ({ci}) of the differences beyond what the grade explains.").format(
        share=words.percent(row.delta_r2, 1), ci=words.interval(row.ci_lo, row.ci_hi, lambda v: words.percent(v, 1))
    )


# ---- the curve
def _loyal(words, role, meta):
    """Legend: which answer counts as loyal."""
    _ = words.gettext
    if role == "churned":
        return _("Stayed")
    if meta.get("binary"):
        return _("Says yes to staying") if role == "stayed" else words.column(meta.get("outcome"))
    event, best = meta.get("event"), (meta.get("scale") or {}).get("max")
    name = _name(words, role, meta.get("outcome"))
    if event == best:
        return _("{outcome}: most favourable answer").format(outcome=name)
    return _("{outcome}: {event} or higher").format(outcome=name, event=point(words, event))


def _curve_title(result, words):
    return words.gettext("How loyal are customers at every grade?")


def _curve_caption(result, words):
    _ = words.gettext
    level = words.percent(result.meta.get("ci_level", 0.95))
    if any(m.get("rounded") for _o, m in _outcomes(result)):
        return _(
            "Share of loyal answers among the respondents around each grade, with {level} intervals, and a smooth line through them with its band. Hollow points rest on fewer than 30 answers."
        ).format(level=level)
    return _(
        "Share of loyal answers among the respondents who gave each grade, with {level} intervals, and the line through them that never falls. Hollow points rest on fewer than 30 answers."
    ).format(level=level)


def _curve_alt(result, words):
    _ = words.gettext
    parts = []
    for outcome, meta in _outcomes(result):
        rows = _of(result, outcome).dropna(subset="share_loyal")
        if len(rows):
            first, last = rows.iloc[0], rows.iloc[-1]
            parts.append(
                _("{line}: from {a} at grade {low} to {b} at grade {high}.").format(
                    line=_loyal(words, meta.get("role"), meta), a=words.percent(first.share_loyal), low=point(words, first.grade),
                    b=words.percent(last.share_loyal), high=point(words, last.grade),
                )
            )  # fmt: skip
    return " ".join([_("Share of loyal answers by grade."), *parts])


def _curve_chart(result, words):
    found = [(outcome, meta, _of(result, outcome).dropna(subset="share_loyal")) for outcome, meta in _outcomes(result)]
    grades = sorted({float(g) for _o, _m, rows in found for g in rows["grade"]})
    series = []
    for _outcome, meta, rows in found:
        rows = rows.assign(grade=rows["grade"].astype(float)).set_index("grade").reindex(grades)
        limits = (rows["share_loyal_lo"], rows["share_loyal_hi"])
        colour = COLOURS[_COLOUR.get(meta.get("role"), "soft")]
        series.append(Series(_loyal(words, meta.get("role"), meta), rows["share_loyal"], *limits, colour))
    asked = words.column(next(iter(dict(_outcomes(result)).values()), {}).get("satisfaction", ""))
    return Chart("line", [point(words, g) for g in grades], series, "percent", words.gettext("Loyal answers (%)"), asked)


@figure(title=_curve_title, caption=_curve_caption, alt=_curve_alt, size=(170, 88), chart=_curve_chart)
def curve(result, ax, words):
    """Share of loyal answers at every grade, a line for each kind of loyalty."""
    _ = words.gettext
    outcomes = _outcomes(result)
    shift = np.linspace(-0.09, 0.09, len(outcomes)) if len(outcomes) > 1 else [0.0]
    shown = result.table.loc[result.table["share_loyal"].notna() & (result.table["n"] > 0), "grade"].astype(float)
    for (outcome, meta), dx in zip(outcomes, shift):
        rows = _of(result, outcome).dropna(subset="share_loyal")
        if rows.empty:
            continue
        colour = COLOURS[_COLOUR.get(meta.get("role"), "soft")]
        x, y = rows["grade"].astype(float) + dx, 100 * rows["share_loyal"].astype(float)
        lo, hi = 100 * rows["share_loyal_lo"].astype(float), 100 * rows["share_loyal_hi"].astype(float)
        ax.vlines(x, lo, hi, color=colour, linewidth=1, alpha=0.55)
        line = "lowess_share" if meta.get("rounded") else "isotonic_share"  # whole grades need no smoothing, which would hide a step
        if line in rows:
            at = rows["grade"].astype(float)
            if meta.get("rounded"):
                limits = [100 * rows[f"{line}{end}"].astype(float) for end in ("_lo", "_hi")]
                ax.fill_between(at, *limits, color=colour, alpha=0.10, linewidth=0)
            ax.plot(at + (0 if meta.get("rounded") else dx), 100 * rows[line].astype(float), color=colour, linewidth=1.3)
        small = (rows["n"].astype(float) < _SMALL).to_numpy()
        ax.scatter(x[~small], y[~small], s=20, color=colour, zorder=3, label=_loyal(words, meta.get("role"), meta))
        ax.scatter(x[small], y[small], s=20, facecolor="white", edgecolor=colour, zorder=3)
    ax.set_ylim(0, 103)
    ax.set_ylabel(_("Loyal answers (%)"))
    ax.set_xlabel(words.column(next(iter(dict(outcomes).values()), {}).get("satisfaction", "")))
    if len(shown):
        ax.set_xticks(np.arange(shown.min(), shown.max() + 0.5))
    ax.grid(axis="y")
    ax.tick_params(length=0)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handletextpad=0.3, columnspacing=2.4)
    return ax


# ---- the regression
def _term(words, row, meta):
    _ = words.gettext
    if row.term == "delighted":
        return _("From {high} on, on top of that").format(high=point(words, float(row.level)))
    if row.term == meta.get("satisfaction"):
        return _("{question} (each grade more)").format(question=words.column(row.column))
    if row.term == "emotion":
        return _("Delight emotions (mean of the questions)")
    if row.level == "(other)":
        return _("{question} – other answers").format(question=words.column(row.column))
    if row.level:
        return _("{question} – {answer}").format(question=words.column(row.column), answer=words.answer(row.column, row.level))
    return words.column(row.column)


def _effects_title(result, words, **options):
    return words.gettext("What goes with loyalty, all else equal?")


def _effects_note(result, words, **options):
    _ = words.gettext
    text = _(
        "Differences with {level} intervals, other rows held equal. Bold: p below 0.05 after correction for the number of rows (Benjamini–Hochberg)."
    ).format(level=words.percent(result.meta.get("ci_level", 0.95)))
    kinds = {bool(m.get("binary")) for _k, m in _outcomes(result)}
    text += " " + _("In points of the answer scale.") if kinds == {False} else ""
    text += " " + _("In percentage points (pp) of the share that stays.") if kinds == {True} else ""
    text += " " + _("In points of the answer scale; pp: percentage points of the share that stays.") if len(kinds) == 2 else ""
    references = {n.values["column"]: n.values["level"] for n in result.notes if n.code == "reference"}
    if references and options.get("all"):
        listed = words.listed([f"{words.column(c)}: {words.answer(c, v)}" for c, v in references.items()])
        text += " " + _("Compared with: {list}.").format(list=listed)
    return text


@table(title=_effects_title, note=_effects_note)
def effects(result, words, all=False):
    """Average marginal effects, a row per term and a column per kind of loyalty; `all` adds the controls."""
    _ = words.gettext
    outcomes = _outcomes(result)
    main = result.table[result.table["model"].isin(["ols", "logit"]) & (result.table["term"] != "(intercept)")]
    main = main[main["block"] != "controls"] if not all else main
    order = {"rational": 0, "emotional": 1, "controls": 2}
    terms = main.drop_duplicates("term").assign(at=lambda t: t["block"].map(order)).sort_values("at", kind="stable")
    columns = [Column(_("Characteristic"), [_term(words, row, outcomes[0][1]) for row in terms.itertuples()])]
    for outcome, meta in outcomes:
        own = main[main["outcome"] == outcome].drop_duplicates("term").set_index("term").reindex(terms["term"])
        times = 100 if meta.get("binary") else 1
        heading = _name(words, meta.get("role"), outcome)
        columns.append(
            Column(
                _("{outcome} (pp)").format(outcome=heading) if meta.get("binary") else heading,
                (times * own["ame"].astype(float)).tolist(),
                "signed1" if meta.get("binary") else "signed2",
                (times * own["ame_lo"].astype(float)).tolist(),
                (times * own["ame_hi"].astype(float)).tolist(),
                (own["p_adj"].astype(float) < 0.05).tolist(),
            )
        )
    return columns


# ---- the rule of 8.5
def _means(words, rows, binary, grade):
    row = rows[np.isclose(rows["grade"].astype(float), grade)]
    if row.empty or is_missing(row.iloc[0]["mean"]):
        return words.number(None)
    return words.percent(row.iloc[0]["mean"]) if binary else words.number(row.iloc[0]["mean"], 2)


def _verdict(words, verdict):
    _ = words.gettext
    return {
        "supported": _("supported"),
        "contradicted": _("contradicted"),
        "inconclusive": _("undecided"),
        "insufficient": _("too few answers"),
        "not_identified": _("cannot be tested"),
    }[verdict]


@reading
def rule(result, words):
    """What the data say of the rule of 8.5, for every kind of loyalty."""
    _ = words.gettext
    rule_at = words.grade(next((m.get("rule") for _k, m in _outcomes(result)), 8.5))
    out = []
    tested = [m for _k, m in _outcomes(result) if m.get("verdict") != "not_identified"]
    if tested:
        fine = any(m.get("fine") for m in tested)
        intro = _("**Does loyalty rise faster above {rule}?** The literature on delight says so.").format(rule=rule_at)
        how = (
            _("We look for a bend in the line, wherever it may lie.")
            if fine
            else _("Nobody can answer between 8 and 9, so we ask whether the step from 8 to 9 is larger than the step from 7 to 8.")
        )
        out.append(f"{intro} {how}")
    if len(tested) < len(_outcomes(result)):
        out.append(_not_testable(words, next(m for _k, m in _outcomes(result) if m.get("verdict") == "not_identified"), rule_at))
    out += [_judgement(words, _name(words, m.get("role"), o), m, rule_at) for o, m in _outcomes(result) if m in tested]
    return out


def _not_testable(words, meta, rule_at):
    """Why the rule has no place on this satisfaction scale."""
    _ = words.gettext
    scale = meta.get("satisfaction_scale") or {}
    if scale.get("step", 1) not in (0, 1) and scale["min"] <= 7 and scale["max"] == 10:
        return _(
            "**The rule of {rule} cannot be tested here.** Satisfaction was asked in steps of {step}; the test compares the steps between whole grades. To test the rule, ask for whole grades."
        ).format(rule=rule_at, step=words.number(scale["step"], 1))
    return _(
        "**The rule of {rule} cannot be tested here.** Satisfaction was asked on a scale from {low} to {high}, on which {rule} has no place. To test the rule, ask for a grade from 1 to 10 or from 0 to 10."
    ).format(rule=rule_at, low=point(words, scale.get("min", 0)), high=point(words, scale.get("max", 0)))


def _judgement(words, name, meta, rule_at):
    """One outcome's verdict with its numbers and what would be needed."""
    _ = words.gettext
    verdict, d, binary = meta["verdict"], meta.get("d"), meta.get("binary")
    around = meta.get("n_around") or {}
    values = dict(
        outcome=name, rule=rule_at, n7=_n(words, around.get("7", 0)), n8=_n(words, around.get("8", 0)), n9=_n(words, around.get("9", 0))
    )
    if verdict == "insufficient":
        text = _(
            "**{outcome}: too few answers.** {n7}, {n8} and {n9} respondents gave a 7, 8 and 9; at least {fewest} are needed at each."
        ).format(fewest=meta.get("fewest", 25), **values)
        needed = meta.get("n_needed_base")
        if needed:
            text += " " + _("With these shares that takes about {needed} answers in all.").format(needed=words.number(rounded_up(needed)))
        return text
    if not d:
        return _("**{outcome}: undecided.** The contrast between 7, 8 and 9 could not be estimated.").format(**values)
    values |= dict(
        effect=_size(words, d["value"], binary), signed=_effect(words, d["value"], binary), ci=_limits(words, d["lo"], d["hi"], binary)
    )
    hinge = meta.get("hinge")
    if verdict == "supported" and hinge:
        values |= dict(
            tau=words.number(hinge["tau"], 2),
            set=words.interval(hinge["tau_lo"], hinge["tau_hi"], lambda v: words.number(v, 2)),
            p=_p(words, hinge["p_boot"]),
        )
        return _("**{outcome}: supported.** The line bends upwards at {tau} (interval {set}, which holds {rule}; {p}).").format(**values)
    if verdict == "supported":
        text = _(
            "**{outcome}: supported.** The step from 8 to 9 is {effect} larger than the step from 7 to 8 (interval {ci}; n = {n7}, {n8} and {n9} at 7, 8 and 9). It shows a faster rise between 8 and 9, not a border at exactly {rule}."
        ).format(**values)
    elif verdict == "contradicted":
        text = _(
            "**{outcome}: contradicted.** The step from 8 to 9 is {effect} smaller than the step from 7 to 8 (interval {ci}; n = {n7}, {n8} and {n9} at 7, 8 and 9)."
        ).format(**values)
    else:
        return _undecided(words, values, meta, d, binary)
    if "bounded_outcome" in (meta.get("flags") or []):
        text += " " + _ceiling(words, meta) + " " + _("Measured in odds, the result is the same.")
    return text


def _ceiling(words, meta):
    """How many stand at the top of the outcome already."""
    _ = words.gettext
    share = words.percent(meta.get("share_max"))
    if meta.get("binary"):
        return _("{share} are loyal in this sense already.").format(share=share)
    return _("{share} give the highest possible answer already.").format(share=share)


def _undecided(words, values, meta, d, binary):
    _ = words.gettext
    hinge = meta.get("hinge")
    if hinge:
        text = _("**{outcome}: undecided.** A bend upwards that can be placed around {rule} is not shown (search for a bend: {p}).").format(
            p=_p(words, hinge["p_boot"]), **values
        )
    else:
        text = _(
            "**{outcome}: undecided.** The step from 8 to 9 differs by {signed} from the step from 7 to 8 (interval {ci}; n = {n7}, {n8} and {n9} at 7, 8 and 9)."
        ).format(**values)
    latent, flags = meta.get("d_latent"), meta.get("flags") or []
    clear = d["lo"] > 0 or d["hi"] < 0
    if meta.get("demoted_from"):
        return (
            text
            + " "
            + _("Corrected for the number of kinds of loyalty that were tested, this is not beyond chance any more ({q}).").format(
                q=_p(words, d["q"])
            )
        )
    if "bounded_outcome" in flags:
        text += " " + _ceiling(words, meta)
        if clear or (latent and (latent["lo"] > 0 or latent["hi"] < 0)):
            text += " " + _("Measured in answers and measured in odds, the result is not the same, so we draw no conclusion.")
        else:
            text += " " + _("That leaves little room to see a faster rise.")
    if "edge" in flags:
        text += " " + _("The best place for a bend lies at the edge of what the answers can show, so it has no interval.")
    needed, n = meta.get("n_needed"), meta.get("n_used")
    if hinge:
        return text
    if needed and n and needed > n and not clear:
        text += " " + _("To find a difference of {bend} with a chance of 80%, about {needed} answers are needed; there are {n}.").format(
            bend=_size(words, meta["bend"], binary), needed=words.number(rounded_up(needed)), n=words.number(n)
        )
    elif meta.get("detectable") and not clear:
        text += " " + _(
            "With these answers a difference of {detectable} would have been found with a chance of 80%; a smaller one cannot be ruled out."
        ).format(detectable=_size(words, meta["detectable"], binary))
    return text


def rounded_up(n):
    """Up to the next ten, from a thousand on to the next hundred: a planning figure."""
    unit = 100 if n >= 1000 else 10
    return int(np.ceil(n / unit) * unit)


def _rule_title(result, words):
    return words.gettext("The step from 8 to 9 against the step from 7 to 8")


def _rule_note(result, words):
    _ = words.gettext
    return _(
        "Means are grades of the outcome or shares that stay. The extra step is (mean at 9 − mean at 8) − (mean at 8 − mean at 7), in points or percentage points; on the log-odds scale it comes from an ordered logit. Where more than 20% give the highest answer, both must agree."
    )


@table(title=_rule_title, note=_rule_note)
def rule_table(result, words):
    """A row per kind of loyalty: answers and means at 7, 8 and 9, the extra step on both scales, the verdict."""
    _ = words.gettext
    outcomes = [(o, m) for o, m in _outcomes(result) if m.get("verdict") != "not_identified"]
    rows = {o: result.table[result.table["outcome"] == o] for o, _m in outcomes}
    contrast = [m.get("d") or {} for _o, m in outcomes]
    latent = [m.get("d_latent") or {} for _o, m in outcomes]

    def step(m, d):
        return (
            words.number(None)
            if not d
            else f"{_effect(words, d['value'], m.get('binary'))} ({_limits(words, d['lo'], d['hi'], m.get('binary'))})"
        )

    def all_three(m):
        return "\u00a0·\u00a0".join(_n(words, (m.get("n_around") or {}).get(g, 0)) for g in ("7", "8", "9"))

    return [
        Column(_("Loyalty"), [_name(words, m.get("role"), o) for o, m in outcomes]),
        Column(_("n at 7 · 8 · 9"), [all_three(m) for _o, m in outcomes]),
        Column(_("Mean at 7 · 8 · 9"), ["\u00a0·\u00a0".join(_means(words, rows[o], m.get("binary"), g) for g in (7, 8, 9)) for o, m in outcomes]),
        Column(_("Extra step to 9"), [step(m, d) for (_o, m), d in zip(outcomes, contrast)]),
        Column(_("On the log-odds scale"), [d.get("value") for d in latent], "signed2", [d.get("lo") for d in latent], [d.get("hi") for d in latent]),
        Column(_("Verdict"), [_verdict(words, m["verdict"]) for _o, m in outcomes]),
    ]  # fmt: skip


def _main(result):
    """The outcome a single picture shows: recommending if it was asked, else the first."""
    return next(((o, m) for o, m in _outcomes(result) if m.get("role") == "recommend"), _outcomes(result)[0])


def _step_title(result, words):
    return words.gettext("Is the step from 8 to 9 an extra one?")


def _step_caption(result, words):
    _ = words.gettext
    outcome, meta = _main(result)
    return _(
        "{outcome}: mean at every grade, with intervals. The dashed line carries the step from 7 to 8 on to 9; the arrow is what comes on top of it, or falls short."
    ).format(outcome=_name(words, meta.get("role"), outcome))


def _step_alt(result, words):
    _ = words.gettext
    outcome, meta = _main(result)
    d, binary = meta.get("d"), meta.get("binary")
    if not d:
        return _("Mean loyalty at every grade.")
    return _("Mean loyalty at every grade; the step from 8 to 9 differs from the step from 7 to 8 by {effect} ({ci}).").format(
        effect=_effect(words, d["value"], binary), ci=_limits(words, d["lo"], d["hi"], binary)
    )


def _step_chart(result, words):
    outcome, meta = _main(result)
    rows = _of(result, outcome).dropna(subset="mean")
    means = Series("", rows["mean"], rows["ci_lo"], rows["ci_hi"], COLOURS[_COLOUR.get(meta.get("role"), "main")])
    axis = words.gettext("Share that stays (%)") if meta.get("binary") else _name(words, meta.get("role"), outcome)
    names = [point(words, float(g)) for g in rows["grade"]]
    return Chart("line", names, [means], "percent" if meta.get("binary") else "number1", axis, words.column(meta.get("satisfaction", "")))


@figure(title=_step_title, caption=_step_caption, alt=_step_alt, size=(120, 78), chart=_step_chart)
def step_figure(result, ax, words):
    """Means at every grade of one kind of loyalty, with the step from 7 to 8 carried on to 9."""
    _ = words.gettext
    outcome, meta = _main(result)
    rows = _of(result, outcome).dropna(subset="mean")
    times = 100 if meta.get("binary") else 1
    colour = COLOURS[_COLOUR.get(meta.get("role"), "main")]
    x, y = rows["grade"].astype(float), times * rows["mean"].astype(float)
    ax.vlines(x, times * rows["ci_lo"].astype(float), times * rows["ci_hi"].astype(float), color=colour, linewidth=1.2)
    small = (rows["n"].astype(float) < _SMALL).to_numpy()
    if not small.all():  # the interval of a handful of answers may run out of the figure
        sure = times * rows.loc[~small, ["ci_lo", "ci_hi"]].astype(float)
        low, high = min(y.min(), sure.min().min()), max(y.max(), sure.max().max())
        ax.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    ax.scatter(x[~small], y[~small], s=26, color=colour, zorder=3)
    ax.scatter(x[small], y[small], s=26, facecolor="white", edgecolor=colour, zorder=3)
    means = dict(zip(x, y))
    if all(g in means for g in (7.0, 8.0, 9.0)):
        onward = 2 * means[8.0] - means[7.0]
        ax.plot([7, 9], [means[7.0], onward], color=COLOURS["soft"], linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        if abs(means[9.0] - onward) > 1e-9:
            ax.annotate(
                "", xy=(9.16, means[9.0]), xytext=(9.16, onward), arrowprops={"arrowstyle": "->", "color": COLOURS["ink"], "linewidth": 1}
            )
            label = words.signed(meta["d"]["value"] * times, 1 if times > 1 else 2) if meta.get("d") else ""
            ax.text(9.24, (means[9.0] + onward) / 2, label, va="center", ha="left", fontsize=8)
    ax.set_xlabel(words.column(meta.get("satisfaction", "")))
    ax.set_ylabel(_("Share that stays (%)") if meta.get("binary") else _name(words, meta.get("role"), outcome))
    if len(x):
        ax.set_xticks(np.arange(x.min(), x.max() + 0.5))
    ax.grid(axis="y")
    ax.tick_params(length=0)
    return ax


# ---- who is gated
def _gate_outcomes(result):
    """(column, meta, verdict row, cells) of every outcome of the gate, where it could be estimated or says why not."""
    for outcome, meta in _outcomes(result):
        rows = result.table[result.table["outcome"] == outcome]
        person = rows[rows["gate"] == "person"]
        if len(person):
            yield outcome, meta, person.iloc[0], {r.group: r for r in rows[rows["gate"] == "cell"].itertuples()}


def _gate_name(words, meta, outcome):
    return words.before_colon(outcome) if meta.get("role") == "overall" else _name(words, meta.get("role"), outcome)


@reading
def gate(result, words):
    """Whether something extra does more for customers whose basics are met."""
    _ = words.gettext
    meta = result.meta
    extra = words.listed([words.column(c) for c in meta["delighters"]])
    grade = point(words, min(meta["delighter_from"].values()))
    met = point(words, min(meta["basics_from"].values()))
    out = [
        _(
            "**Does something extra work only where the basics are met?** The literature says that one can only surprise somebody whose expectations are met. We compare customers who give “{extra}” grade {grade} or higher with others: among those who give all basics grade {met} or higher, and among those who do not."
        ).format(extra=extra, grade=grade, met=met)
    ]
    undecided, few = [], []
    for outcome, own, row, _cells in _gate_outcomes(result):
        name = _gate_name(words, own, outcome)
        if row.verdict == "insufficient":
            few.append(name)
        elif is_missing(row.estimate) or row.verdict == "inconclusive":
            undecided.append((name, own, row))
        else:
            out.append(_gate_verdict(words, row).format(outcome=name, q=_p(words, row.q), **_gate_values(words, row)))
    if undecided:
        out.append(_gate_undecided(words, undecided))
    if few:
        out.append(
            _("**Too few answers in one of these groups** for {list}; at least {fewest} with the extra are needed in each.").format(
                list=words.listed(few), fewest=words.number(next(iter(m["fewest"] for _o, m in _outcomes(result))))
            )
        )
    out.append(
        _(
            "Both are grades of one questionnaire, and whoever rates high rates everything high; these are relations, no proof of what an extra would do."
        )
    )
    return out


def _gate_values(words, row):
    """What the extra goes with in each group, with intervals."""
    return dict(
        met=_effect(words, row.effect_met, True),
        ci_met=_limits(words, row.effect_met_lo, row.effect_met_hi, True),
        other=_effect(words, row.effect_not, True),
        ci_other=_limits(words, row.effect_not_lo, row.effect_not_hi, True),
    )


def _gate_verdict(words, row):
    """The sentence of a verdict that stands."""
    _ = words.gettext
    if row.verdict == "supported":
        return _(
            "**{outcome}: supported.** The extra goes with a difference of {met} among customers whose basics are met ({ci_met}) and of {other} among the others ({ci_other}); in odds it does more as well ({q})."
        )
    return _(
        "**{outcome}: contradicted.** The extra goes with a difference of {met} among customers whose basics are met ({ci_met}) and of {other} among the others ({ci_other}): it does more where the basics are not met, in odds as well ({q})."
    )


def _gate_undecided(words, undecided):
    """One paragraph for all outcomes without a verdict, with the numbers of one of them."""
    _ = words.gettext
    name, _own, row = next(((n, m, r) for n, m, r in undecided if m.get("role") == "recommend"), undecided[0])
    values = dict(list=words.listed([n for n, _m, _r in undecided]), outcome=name)
    if is_missing(row.estimate):
        return _("**Undecided:** {list}. The comparison could not be estimated.").format(**values)
    text = _(
        "**Undecided:** {list}. That the extra does more where the basics are met is not shown in percentage points and odds alike. {outcome}, for instance: it goes with a difference of {met} where they are met ({ci_met}) and of {other} where they are not ({ci_other})."
    ).format(**values, **_gate_values(words, row))
    if row.effect_not_lo > 0:
        text += " " + _("It counts for customers whose basics are not met, too.")
    return text


def _gate_title(result, words):
    return words.gettext("Something extra, where the basics are met and where they are not")


def _gate_note(result, words):
    _ = words.gettext
    return _(
        "Share of loyal answers, or of delighted customers for the overall grade, as answered; differences with {level} intervals. A verdict needs the difference of differences and the log odds to agree, after correction for the number of outcomes."
    ).format(level=words.percent(result.meta.get("ci_level", 0.95)))


@table(title=_gate_title, note=_gate_note)
def gate_table(result, words):
    """A row per outcome: shares of the four groups, the difference of differences and log odds, the verdict."""
    _ = words.gettext
    found = list(_gate_outcomes(result))

    def share(cells, group):
        row = cells.get(group)
        return words.number(None) if row is None or is_missing(row.value) else words.percent(row.value)

    def pair(cells, group):
        return f"{share(cells, f'{group} with')}\u00a0·\u00a0{share(cells, f'{group} without')}"

    return [
        Column(_("Outcome"), [_gate_name(words, m, o) for o, m, _r, _c in found]),
        Column(_("Basics met: with · without the extra"), [pair(c, "met") for _o, _m, _r, c in found]),
        Column(_("Not met: with · without"), [pair(c, "not") for _o, _m, _r, c in found]),
        Column(
            _("Difference of differences (pp)"), [100 * r.interaction_rd for _o, _m, r, _c in found], "signed1",
            [100 * r.interaction_rd_lo for _o, _m, r, _c in found], [100 * r.interaction_rd_hi for _o, _m, r, _c in found],
        ),
        Column(
            _("On the log-odds scale"), [r.interaction_logit for _o, _m, r, _c in found], "signed2",
            [r.interaction_logit_lo for _o, _m, r, _c in found], [r.interaction_logit_hi for _o, _m, r, _c in found],
        ),
        Column(_("Verdict"), [_verdict(words, r.verdict) for _o, _m, r, _c in found]),
    ]  # fmt: skip


# ---- annex
def _forms_title(result, words):
    return words.gettext("Which form fits the relation of satisfaction and loyalty?")


def _forms_note(result, words):
    _ = words.gettext
    return _(
        "AIC: lower is better, compare within a kind of loyalty only. Prediction error: root mean squared error over ten folds. Bold: best. A step or bend is a place that fits best among those that the answers allow; its set holds all places that fit about as well."
    )


def _places(words, listed):
    """Where a jump or bend may lie, such as "7–8, 8–9", from "[7,8) [8,9)"."""
    steps = re.findall(r"\[([\d.eE+-]+),([\d.eE+-]+)[)\]]", listed) if isinstance(listed, str) else []
    return ", ".join(f"{point(words, float(a))}–{point(words, float(b))}" for a, b in steps) or words.number(None)


@table(title=_forms_title, note=_forms_note)
def forms(result, words):
    """The forms of the relation side by side."""
    _ = words.gettext
    name = {"linear": _("straight line"), "quadratic": _("quadratic"), "cubic": _("cubic"), "saturated": _("own mean at every grade"), "step": _("line with a step"), "hinge": _("line with a bend")}  # fmt: skip
    rows = result.table
    roles = {o: m.get("role") for o, m in _outcomes(result)}
    return [
        Column(_("Loyalty"), [_name(words, roles.get(o), o) for o in rows["outcome"]]),
        Column(_("Form"), [name[f] for f in rows["form"]]),
        Column(_("AIC"), rows["aic"].tolist(), "number1", emphasis=rows["best_aic"].eq(True).tolist()),
        Column(_("Prediction error"), rows["cv_rmse"].tolist(), "number3", emphasis=rows["best_cv"].eq(True).tolist()),
        Column(_("Extra term"), rows["coef_extra"].tolist(), "signed2", rows["ci_lo"].tolist(), rows["ci_hi"].tolist()),
        Column(_("Places that fit"), [_places(words, s) for s in rows["set_identified"]]),
    ]


def _zones_title(result, words):
    return words.gettext("Zones of loyalty")


def _zones_note(result, words):
    _ = words.gettext
    return _(
        "Borders lie where the data put them: two steps searched together, each zone with at least 10% of the respondents. Places that fit about as well stand behind a border. Where a straight line fits better than three level zones, there are none."
    )


@table(title=_zones_title, note=_zones_note)
def zones(result, words):
    """The three zones of every kind of loyalty; a straight line where it does as well."""
    _ = words.gettext
    name = {"defection": _("defection"), "indifference": _("indifference"), "affection": _("affection")}
    roles = dict(_outcomes(result))
    rows = [r for r in result.table.itertuples() if r.status not in ("not_identified", "insufficient", "suppressed")]
    straight = [o for o, _m in _outcomes(result) if o not in {r.outcome for r in rows}]

    def border(r):
        if is_missing(r.from_point):
            return _("below {to}").format(to=point(words, r.to_point))
        near = "" if r.set_lo == r.set_hi else f" ({words.interval(r.set_lo, r.set_hi, lambda v: point(words, v))})"
        return _("from {start}").format(start=point(words, r.from_point)) + near

    def at(r):
        show = words.percent if roles[r.outcome].get("binary") else lambda v: words.number(v, 2)
        return f"{show(r.mean)} ({words.interval(r.ci_lo, r.ci_hi, show)})"

    blank = [words.number(None)] * len(straight)
    return [
        Column(_("Loyalty"), [_name(words, roles[o].get("role"), o) for o in [*[r.outcome for r in rows], *straight]]),
        Column(_("Zone"), [*[name[r.zone] for r in rows], *[_("no zones: loyalty keeps rising within them") for _o in straight]]),
        Column(_("Grades"), [*[border(r) for r in rows], *blank]),
        Column(_("Mean or share"), [*[at(r) for r in rows], *blank]),
        Column(_("n"), [*[words.number(r.n) for r in rows], *blank]),
    ]


def _matrix_title(result, words):
    return words.gettext("Satisfied and loyal: who is where?")


def _matrix_note(result, words):
    _ = words.gettext
    return _(
        "Share of all respondents, with intervals. Lift: how much more often the cell occurs than if satisfaction and loyalty had nothing to do with each other (1 = as often)."
    )


@table(title=_matrix_title, note=_matrix_note)
def matrix(result, words):
    """The corners of the matrix of satisfaction by loyalty."""
    _ = words.gettext
    name = {
        "apostle": _("satisfied and loyal"),
        "hostage": _("loyal though dissatisfied"),
        "mercenary": _("satisfied, not loyal"),
        "defector": _("dissatisfied and not loyal"),
    }
    roles = {o: m.get("role") for o, m in _outcomes(result)}
    rows = result.table[result.table["cell"].isin(list(name))]
    rows = rows.sort_values(
        ["outcome", "cell"], key=lambda c: c.map({**{o: i for i, o in enumerate(roles)}, **{k: i for i, k in enumerate(name)}})
    )
    return [
        Column(_("Loyalty"), [_name(words, roles.get(o), o) for o in rows["outcome"]]),
        Column(_("Cell"), [name[c] for c in rows["cell"]]),
        Column(_("Respondents"), rows["count"].tolist(), "count"),
        Column(_("Share"), rows["share"].tolist(), "percent1", rows["ci_lo"].tolist(), rows["ci_hi"].tolist()),
        Column(_("Lift"), rows["lift"].tolist(), "number2", rows["lift_lo"].tolist(), rows["lift_hi"].tolist()),
    ]

"""The message on one page: where we stand, since last time, who the customers are, what binds them, what to do, what we cannot say."""

from __future__ import annotations

import pandas as pd

from delight.show import report
from delight.show.levels import is_share, point
from delight.show.loyalty import rounded_up
from delight.show.views import Column, reading, table

# ---- key figures -----------------------------------------------------------------------------------------------------


def _show(words, result, measure):
    """How a measure's values are written."""
    if measure == "nps":
        return words.points
    return words.percent if measure in ("share_delighted", "response") or is_share(result) else words.grade


def _label(words, key, row):
    _, measure = words.gettext, row["measure"]
    if measure == "mean":
        scale = key.meta.get("scale") or {}
        if is_share(key):
            return _("Satisfied")
        if key.meta.get("role") == "recommend":
            return _("Would recommend ({low}–{high})").format(low=point(words, scale["min"]), high=point(words, scale["max"]))
        return _("Mean grade ({low}–{high})").format(low=point(words, scale["min"]), high=point(words, scale["max"]))
    if measure == "nps":
        return _("Promoters minus detractors") if key.meta.get("nps_like") else _("Net promoter score")
    if measure == "response":
        return _("Answers") if pd.isna(row["value"]) else _("Response")
    start, top = key.meta.get("delight_from"), (key.meta.get("scale") or {}).get("max")
    if start is None:
        return _("Delighted customers")
    text = _("Delighted customers ({point} or more)") if start != top else _("Delighted customers ({point})")
    return text.format(point=point(words, start))


def _figures(key):
    """Rows worth a card: a yes-or-no question has one figure only."""
    rows = key.table
    return rows[rows["measure"] != "share_delighted"] if is_share(key) else rows


def _interval(words, key, row):
    if pd.isna(row["lo"]) or pd.isna(row["hi"]):
        return ""
    interval = words.interval(row["lo"], row["hi"], _show(words, key, row["measure"]))
    return words.gettext("interval {interval}").format(interval=interval)


def _base(words, row):
    _, n = words.gettext, words.number(row["n"])
    if row["measure"] == "response" and not pd.isna(row["of"]):
        return _("{n} of {invited} invited").format(n=n, invited=words.number(row["of"]))
    if row["measure"] == "response":
        return _("number invited not known")
    text = words.ngettext("{n} answer", "{n} answers", int(row["n"]) if not pd.isna(row["n"]) else 0).format(n=n)
    return _("{answers}, few").format(answers=text) if row["status"] == "low_base" else text


def _value(words, key, row):
    if row["measure"] == "response" and pd.isna(row["value"]):
        return words.number(row["n"])
    return _show(words, key, row["measure"])(row["value"])


@table(title=lambda key, words, **options: words.gettext("Key figures"), look="cards")
def cards(key, words, **options):
    """Grade, net promoter score, share delighted, response: with interval and base."""
    rows = _figures(key).to_dict("records")
    return [
        Column(words.gettext("Figure"), [_label(words, key, row) for row in rows]),
        Column(words.gettext("Value"), [_value(words, key, row) for row in rows]),
        Column(words.gettext("Interval"), [_interval(words, key, row) for row in rows]),
        Column(words.gettext("Base"), [_base(words, row) for row in rows]),
    ]


# ---- since last time -------------------------------------------------------------------------------------------------


@reading
def since(key, changes, words, **options):
    """Where we stand and what changed since the wave before: only what survives the correction is called a change."""
    _, sentences = words.gettext, []
    rows = [r for r in changes.table.to_dict("records") if not (r["measure"] == "share_delighted" and is_share(changes))]
    if not rows:
        return [_("**Since last time.** There is no earlier wave to compare with.")]
    wave = words.wave(rows[0]["previous"])
    changed = [_change(words, changes, r) for r in rows if r["changed"]]
    same = [_measure(words, changes, r["measure"]) for r in rows if not r["changed"]]
    if changed:
        sentences.append(_("**Since {wave}** there is a change: {changes}.").format(wave=wave, changes="; ".join(changed)))
        if same:
            sentences.append(
                _("No change could be shown in {measures}; smaller changes may have gone unseen.").format(measures=words.listed(same))
            )
    else:
        sentences.append(
            _("**Since {wave}** no change could be shown in {measures}; smaller changes may have gone unseen.").format(
                wave=wave, measures=words.listed(same)
            )
        )
    return [" ".join(sentences)]


def _measure(words, result, measure):
    _ = words.gettext
    if measure == "mean":
        return _("the share of satisfied customers") if is_share(result) else _("the mean grade")
    return {"share_delighted": _("the share of delighted customers"), "nps": _("the net promoter score")}.get(measure, measure)


def _change(words, result, row):
    _, show = words.gettext, _show(words, result, row["measure"])
    signed = _signed(words, result, row["measure"])
    return _("{measure} went from {before} to {now} ({change}, interval {interval})").format(
        measure=_measure(words, result, row["measure"]),
        before=show(row["before"]),
        now=show(row["value"]),
        change=signed(row["change"]),
        interval=words.interval(row["change_lo"], row["change_hi"], signed),
    )


def _signed(words, result, measure):
    """How a change of a measure is written: points, or percentage points."""
    if measure == "nps":
        return words.points
    if measure == "share_delighted" or is_share(result):
        return lambda change: words.gettext("{x} pp").format(x=words.signed(100 * change, 0))
    return lambda change: words.signed(change, 2)


# ---- customers -------------------------------------------------------------------------------------------------------


@reading
def customers(groups, words, **options):
    """Which kinds of customers there are, how large, and what marks them out."""
    _ = words.gettext
    if groups.note("not_asked"):
        return [_("**Customers.** Which kinds of customers there are was not asked this time.")]
    rows = groups.table[groups.table["share"].notna()].to_dict("records")
    if len(rows) < 2:
        return [_("**Customers.** The answers show no separate groups of customers: wishes differ, but not in kinds.")]
    named = [_segment(words, row) for row in rows]
    text = words.ngettext(
        "**Customers.** We see {n} group of customers: {groups}.", "**Customers.** We see {n} groups of customers: {groups}.", len(rows)
    )
    sentences = [text.format(n=words.number(len(rows)), groups="; ".join(named))]
    return [" ".join(sentences)]


def _segment(words, row):
    _ = words.gettext
    share = words.percent(row["share"])
    interval = words.interval(row["share_lo"], row["share_hi"], words.percent)
    wishes = [words.column(item) for item in str(row["wishes"] or "").split("|") if item]
    if wishes:
        return _("**{segment}** ({share}, interval {interval}), who attach more importance than others to {wishes}").format(
            segment=words.segment(row["segment"]), share=share, interval=interval, wishes=words.listed(wishes)
        )
    return _("**{segment}** ({share}, interval {interval}), without a wish that marks them out").format(
        segment=words.segment(row["segment"]), share=share, interval=interval
    )


# ---- what binds them -------------------------------------------------------------------------------------------------


def loyalty_name(words, role, column):
    """A kind of loyalty inside a sentence."""
    _ = words.gettext
    known = {
        "recommend": _("recommending"),
        "repurchase": _("choosing again"),
        "stayed": _("the intention to stay"),
        "churned": _("actually staying"),
    }
    return known.get(role) or words.column(column)


@reading
def binding(bonds, words, **options):
    """What satisfaction does for loyalty, and whether delight does more."""
    _ = words.gettext
    if bonds.note("not_asked") and bonds.note("not_asked").values["roles"] == ["overall"]:
        return [_("**What binds them.** What satisfaction does for loyalty cannot be said, because overall satisfaction was not asked.")]
    if bonds.note("not_asked"):
        return [_("**What binds them.** Loyalty was not asked this time: neither recommending, nor choosing again, nor staying.")]
    outcomes = bonds.meta.get("outcomes") or []
    sentences = [_level(words, bonds, outcomes[0])] if outcomes else []
    verdicts = {
        ("supported",): _("For {loyalty} the step from 8 to 9 is larger than the step from 7 to 8: there delight pays extra."),
        ("contradicted",): _("For {loyalty} the step from 8 to 9 is smaller than the step from 7 to 8: there delight pays no extra."),
        ("inconclusive", "insufficient"): _("For {loyalty} these data cannot tell which of the two steps is the larger one."),
    }
    for codes, text in verdicts.items():
        names = [loyalty_name(words, one["role"], one["outcome"]) for one in outcomes if one["verdict"] in codes]
        if names:
            sentences.append(text.format(loyalty=words.listed(names)))
    return [" ".join(sentences)]


def _level(words, bonds, one):
    """Loyalty at a 7, an 8 and a 9, for the foremost kind of loyalty."""
    _ = words.gettext
    found = bonds.table[(bonds.table["outcome"] == one["outcome"]) & bonds.table["mean"].notna()] if len(bonds.table) else bonds.table
    rows = {int(r["grade"]): r for r in found.to_dict("records")}
    name = loyalty_name(words, one["role"], one["outcome"])
    if one["verdict"] == "not_identified":
        return _two_grades(words, one, found, name)
    if not {7, 8, 9} <= set(rows):
        return _("**What binds them.** Loyalty was asked ({loyalty}), but too few customers gave a 7, 8 or 9 to compare them.").format(
            loyalty=name
        )
    show = words.percent if one["binary"] else words.grade
    values = {"loyalty": name, "seven": show(rows[7]["mean"]), "eight": show(rows[8]["mean"]), "nine": show(rows[9]["mean"])}
    if one["binary"]:
        text = _(
            "**What binds them.** Looking at {loyalty}: of the customers who gave a 7, {seven} are loyal; of those who gave an 8, {eight}; "
            "and of those who gave a 9, {nine}."
        )
        return text.format(**values)
    scale = one.get("scale") or {}
    return _(
        "**What binds them.** Looking at {loyalty}: customers who gave a 7 score {seven} on average, those who gave an 8 score {eight}, and "
        "those who gave a 9 score {nine} (on a scale of {low} to {high})."
    ).format(**values, low=point(words, scale.get("min", 0)), high=point(words, scale.get("max", 10)))


def _two_grades(words, one, found, name):
    """Loyalty at the lowest delighted grade and the one below, where the scale has no 7, 8 and 9."""
    _ = words.gettext
    rows = found.sort_values("grade").to_dict("records")
    if len(rows) != 2:
        return _("**What binds them.** Loyalty was asked ({loyalty}); the chapter on loyalty shows how it goes with satisfaction.").format(
            loyalty=name
        )
    show = words.percent if one["binary"] else words.grade
    low, high = rows
    values = {"loyalty": name, "low": point(words, low["grade"]), "high": point(words, high["grade"])}
    values |= {"below": show(low["mean"]), "above": show(high["mean"])}
    if one["binary"]:
        text = _(
            "**What binds them.** Looking at {loyalty}: of the customers who gave a {low}, {below} are loyal; of those who gave a {high}, {above}."
        )
        return text.format(**values)
    scale = one.get("scale") or {}
    return _(
        "**What binds them.** Looking at {loyalty}: customers who gave a {low} score {below} on average, and those who gave a {high} score {above} "
        "(on a scale of {least} to {most})."
    ).format(**values, least=point(words, scale.get("min", 0)), most=point(words, scale.get("max", 10)))


# ---- what to do ------------------------------------------------------------------------------------------------------


def block_name(words, block):
    """Name of a block of action."""
    _ = words.gettext
    return {"fix_first": _("Fix first"), "improve": _("Improve"), "delight_with": _("Delight with")}[block]


@reading
def advice(actions, words, **options):
    """How to read the table of priorities; an empty block says so."""
    _ = words.gettext
    if actions.note("not_asked"):
        return [_("**What to do.** Which parts of the service matter most cannot be said, because they were not asked about.")]
    found = actions.table
    if not len(found):
        return [_("**What to do.** Which aspects to improve first, these answers cannot tell.")]
    sentences = [
        _(
            "**What to do.** Fix first what costs satisfaction as it is now, improve where doing better goes with more satisfaction, and "
            "delight with what adds satisfaction when it is excellent."
        ),
        _("Within each, the largest expected gain comes first.")
        if found["gain"].notna().any()
        else _("The expected gain cannot be computed from so few answers; within each, the weightiest aspect comes first."),
    ]
    if not (found["block"] == "fix_first").any():
        sentences.append(_("No basic factor could be shown to fall short."))
    if not (found["block"] == "delight_with").any():
        sentences.append(_("No aspect could be shown to delight beyond satisfying."))
    return [" ".join(sentences)]


def _action_note(actions, words, **options):
    _ = words.gettext
    if not actions.table["gain"].notna().any():
        return ""
    if is_share(actions):
        return _("Expected gain: satisfied customers more per 100, if the aspect rises by one point. An association, no promise.")
    if actions.meta.get("mixed"):
        return _(
            "Expected gain: delighted customers more per 100, if the aspect rises by a tenth of its scale. An association, no promise."
        )
    return _("Expected gain: delighted customers more per 100, if the aspect rises by one point. An association, no promise.")


@table(title=lambda actions, words, **options: words.gettext("Where to begin"), note=_action_note)
def action_table(actions, words, **options):
    """The foremost aspects of each block with their grade now and the gain to expect."""
    _, rows = words.gettext, actions.table
    columns = [
        Column(_("Aspect"), [words.column(a) for a in rows["attribute"]]),
        Column(_("What to do"), [block_name(words, b) for b in rows["block"]]),
        Column(_("Grade now"), rows["performance"], "grade", rows["performance_lo"], rows["performance_hi"]),
    ]
    if rows["gain"].notna().any():
        columns.append(Column(_("Expected gain"), rows["gain"], "signed1", rows["gain_lo"], rows["gain_hi"]))
    return columns


# ---- what we cannot say ----------------------------------------------------------------------------------------------


@reading
def limits(found, words, **options):
    """What the data cannot say, in order."""
    sentences = [text for note in found.notes for text in [_limit(words, note)] if text]
    return [words.gettext("**What these data cannot say.** {sentences}").format(sentences=" ".join(sentences))]


def _limit(words, note):
    _, values = words.gettext, note.values
    if note.code == "not_asked":
        questions = words.listed([report.question(words, role) for role in values["roles"][:1]])
        return _("Not asked: {questions}.").format(questions=questions)
    if note.code == "undistinguished":
        return _("For {n} of {drivers} aspects it cannot be told whether poor or excellent performance weighs more.").format(
            n=words.number(values["count"]), drivers=words.number(values["drivers"])
        )
    if note.code == "unclassified":
        return _("For {n} of {drivers} aspects there are too few poor or excellent grades to tell what kind of driver they are.").format(
            n=words.number(values["count"]), drivers=words.number(values["drivers"])
        )
    if note.code == "rule_open":
        names = words.listed([loyalty_name(words, *pair) for pair in zip(values["roles"], values["outcomes"])])
        if values["needed"]:
            return _("Whether delight pays extra for {loyalty} remains open; about {needed} answers would settle it.").format(
                loyalty=names, needed=words.number(rounded_up(values["needed"]))
            )
        return _("Whether delight pays extra for {loyalty} remains open.").format(loyalty=names)
    if note.code == "small_changes_unseen":
        return _("A change of the mean grade of {x} would have been shown with a probability of 80%; a smaller one less often.").format(
            x=words.number(values["mdc"], 2)
        )
    if note.code == "low_response":
        return _("With a response of {share}, those who did not answer may think otherwise; no interval covers that.").format(
            share=words.percent(values["share"])
        )
    if note.code == "low_base":
        return _("Some figures rest on few answers ({n}) and are rough.").format(n=words.number(values["n"]))
    plain = {
        "rule_not_identified": _("The scale of the questions cannot show whether delight pays extra above an 8.5."),
        "response_unknown": _("How many customers were invited is not known, so neither is the response."),
        "no_earlier_wave": _("Without an earlier wave nothing can be said of development."),
        "no_segments": _("Separate kinds of customers could not be shown."),
        "unnamed_segments": _("Not every group of customers resembles one of the expected kinds; those have a letter for a name."),
        "response_style": _(
            "Some customers mark everything high, others low; comparisons of marks between persons are to be read with care."
        ),
        "association": _(
            "All these are associations at one moment: they point to where improving is promising, and do not prove its effect."
        ),
    }
    return plain.get(note.code, "")

"""Published claims and what this survey says of them, in words and tables."""

from __future__ import annotations

from delight.claims.ledger import read
from delight.show.views import Column, reading, table
from delight.show.words import is_missing

#: Order in which verdicts are told: what the data speak against comes first.
_ORDER = (
    *("contradicted", "differs_here", "null", "supported", "consistent", "supported_size_open", "supported_trivial"),
    *("inconclusive", "insufficient", "not_identified", "not_testable"),
)


# ---- names and numbers
def verdict(words, name):
    """A verdict in a few words."""
    _ = words.gettext
    return {
        "supported": _("holds here"),
        "supported_size_open": _("holds here; how much is open"),
        "supported_trivial": _("holds here, but too little to matter"),
        "consistent": _("agrees with the figure"),
        "null": _("no effect that matters"),
        "contradicted": _("does not hold here"),
        "differs_here": _("differs among these customers"),
        "inconclusive": _("undecided"),
        "insufficient": _("too few answers"),
        "not_identified": _("cannot be told from these questions"),
        "not_testable": _("not asked"),
    }[name]


def _said(words, texts):
    return texts.get(words.language) or texts["en"]


def _number(words, value, unit):
    """An estimate in the unit of its claim."""
    if is_missing(value):
        return words.number(value)
    if unit == "share":
        return words.percent(value)
    decimals = {"grade": 1, "count": 0, "months": 0}.get(unit, 2)
    return words.number(value, decimals)


def _signed(unit, row):
    """Whether an estimate is a difference, to be shown with its sign."""
    return unit in ("slope", "sd", "per_year", "correlation") or (unit == "share" and not row["published"] > 0)


def _show(words, row):
    """How estimates of a claim are shown: a function of a value."""
    unit = row["unit"]
    if _signed(unit, row):
        return (lambda v: words.signed(100 * v, 1)) if unit == "share" else (lambda v: words.signed(v, 2))
    return lambda v: _number(words, v, unit)


def estimate(words, row):
    """Estimate with its 95 % interval."""
    show = _show(words, row)
    if is_missing(row["estimate"]):
        return words.number(row["estimate"])
    limits = words.interval(row["ci95_lo"], row["ci95_hi"], show)
    return f"{show(row['estimate'])} ({limits})" if not is_missing(row["ci95_lo"]) else show(row["estimate"])


def _unit(words, row):
    _ = words.gettext
    if row["unit"] == "share" and _signed("share", row):
        return _("percentage points")
    return {"slope": _("points per point"), "sd": _("standard deviations"), "per_year": _("a year"), "months": _("months")}.get(
        row["unit"], ""
    )


def _rows(result, *verdicts, in_report=None):
    table = result.table.assign(verdict=result.table["verdict"].fillna("insufficient"))  # hidden: a group too small to show
    found = table[table["verdict"].isin(verdicts)] if verdicts else table
    if in_report is not None:
        found = found[found["in_report"].eq(in_report)]
    return found.sort_values("verdict", key=lambda v: v.map(_ORDER.index), kind="stable")


def _told(ledger, undecided):
    rows = _rows(ledger, in_report=True)
    return rows[(rows["verdict"] == "inconclusive") == undecided]


def _claims():
    return {c.id: c for c in read().claims}


# ---- readings
@reading
def overview(ledger, conflicts, words):
    """What holds, what does not and what is open; claims that the data speak against are all named."""
    _, about = words.gettext, _claims()
    known = _rows(ledger)
    tested = known[~known["verdict"].isin(["not_testable", "insufficient", "not_identified"])]
    if tested.empty:
        return [_("No published claim about delight can be tested on this survey. The full list, with what to ask, is in the tables.")]
    holds = _rows(ledger, "supported", "supported_size_open", "consistent")
    against = _rows(ledger, "contradicted", "differs_here", "null")
    paragraphs = [
        _(
            "The literature on delight makes firm claims. Tested on these answers: {n}. **Of these, hold here: {holds}; do not: {against}; undecided: {open}.** Not testable with this survey: {rest}. Each claim had its margin before the data were seen, and verdicts are corrected for the number of claims."
        ).format(
            n=words.number(len(tested)),
            holds=words.number(len(holds)),
            against=words.number(len(against)),
            open=words.number(len(tested) - len(holds) - len(against)),
            rest=words.number(len(known) - len(tested)),
        )
    ]
    if len(against):
        named = [f"{_said(words, about[r.claim_id].claim).rstrip('.')} ({verdict(words, r.verdict)})" for r in against.itertuples()]
        paragraphs.append(_("**Do not build on these here:** {claims}.").format(claims="; ".join(named)))
    preferred = conflicts.table[conflicts.table["preferred"].astype(bool)]
    for row in preferred.itertuples():
        conflict = next(c for c in read().conflicts if c.id == row.conflict)
        paragraphs.append(
            _("**{question}** The sources differ; these answers prefer: {side}.").format(
                question=_said(words, conflict.question), side=_said(words, conflict.sides[row.side - 1].says)
            )
        )
    return paragraphs


# ---- tables
def _title(ledger, words, undecided=False):
    _ = words.gettext
    return _("Which claims stay undecided?") if undecided else _("Which published claims hold among these customers?")


def _note(ledger, words, undecided=False):
    _ = words.gettext
    lines = [_("In brackets the 95% interval. Differences of shares are in percentage points. One survey shows relations, not causes.")]
    rows = _told(ledger, undecided)
    if (rows["demoted_from"] != "").any():
        lines.append(_("Verdicts that do not survive the correction for the number of claims are shown as undecided."))
    if not rows["sourced"].astype(bool).all():
        lines.append(_("The figures on consumers in general cannot be traced to an investigation."))
    return " ".join(lines)


@table(title=_title, note=_note)
def bearing(ledger, words, undecided=False):
    """Claims that the recommendations of this report lean on: those decided, or those undecided."""
    _, about = words.gettext, _claims()
    rows = _told(ledger, undecided)
    return [
        Column(_("Claim"), [_said(words, about[c].claim) for c in rows["claim_id"]]),
        Column(_("Author"), [a.replace("Danish article", _("Danish article")) for a in rows["author"]]),
        Column(_("Here"), [_estimate_with_unit(words, r) for _i, r in rows.iterrows()]),
        Column("n", list(rows["n"]), "count"),
        Column(
            _("Verdict"),
            [verdict(words, v) for v in rows["verdict"]],
            emphasis=list(rows["verdict"].isin(["contradicted", "differs_here"])),
        ),
    ]


def _estimate_with_unit(words, row):
    shown, unit = estimate(words, row), _unit(words, row)
    return f"{shown} {unit}" if unit and not is_missing(row["estimate"]) and row["unit"] not in ("share", "slope", "sd") else shown


@table(title=lambda ledger, words: words.gettext("All published claims about delight, and what these answers say of them"))
def every(ledger, words):
    """The full ledger in its own order: each claim with its published figure, what was found here, and what to collect where it is open."""
    _, about, rows = words.gettext, _claims(), ledger.table.assign(verdict=ledger.table["verdict"].fillna("insufficient"))
    told = [about[c] for c in rows["claim_id"]]
    missing = rows["verdict"].isin(["not_testable", "not_identified", "insufficient"])
    return [
        Column(_("Claim"), [_said(words, c.claim) for c in told]),
        Column(_("Author"), [c.author.replace("Danish article", _("Danish article")) for c in told]),
        Column(_("What is estimated"), [_said(words, c.estimand) if c.estimand else "" for c in told]),
        Column(_("Published"), ["" if is_missing(c.published) else _number(words, c.published, c.unit) for c in told]),
        Column(_("Here"), [_estimate_with_unit(words, r) for _i, r in rows.iterrows()]),
        Column("n", list(rows["n"]), "count"),
        Column(_("p"), list(rows["p"]), "p"),
        Column(
            _("Verdict"),
            [verdict(words, v) for v in rows["verdict"]],
            emphasis=list(rows["verdict"].isin(["contradicted", "differs_here"])),
        ),
        Column(_("Answers needed"), list(rows["n_needed"]), "count"),
        Column(_("To collect"), [_said(words, c.collect) if open and c.collect else "" for c, open in zip(told, missing)]),
        Column(_("Function"), [c.test for c in told]),
    ]


def _conflict_title(conflicts, words):
    return words.gettext("Where the sources contradict each other")


@table(title=_conflict_title)
def disputes(conflicts, words):
    """Each dispute with the sides and what this survey prefers."""
    _, by_id = words.gettext, {c.id: c for c in read().conflicts}
    told = {
        "preferred": _("this side"),
        "both": _("both hold here"),
        "neither": _("neither"),
        "undecided": _("undecided"),
        "not_testable": _("not asked"),
    }
    place = {name: i for i, name in enumerate(by_id)}
    rows = conflicts.table.sort_values(["conflict", "side"], key=lambda c: c.map(place) if c.name == "conflict" else c)
    first = rows["side"] == 1
    return [
        Column(_("Question"), [_said(words, by_id[c].question) if f else "" for c, f in zip(rows["conflict"], first)]),
        Column(_("Side"), [_said(words, by_id[c].sides[s - 1].says) for c, s in zip(rows["conflict"], rows["side"])]),
        Column(
            _("These answers prefer"),
            [told[o] if p or (o != "preferred" and f) else "" for o, p, f in zip(rows["outcome"], rows["preferred"], first)],
            emphasis=list(rows["preferred"].astype(bool)),
        ),
    ]

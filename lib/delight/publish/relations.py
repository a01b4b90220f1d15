"""What the chapters on loyalty take from a study: the panel of waves, and which of their questions were asked.

Every function answers with the arguments of a method, or with None (an empty list) where the study did not ask for it.
"""

from __future__ import annotations

from delight.loyalty import ORDER, emotion_score, prior, twice_answered
from delight.loyalty.panel import BEFORE
from delight.scales import Scale

#: Background questions that are held equal, at most.
MOST_CONTROLS = 6
#: Codebook constructs of a bond between delight and loyalty, and of trust.
COMMITMENT, TRUST = "commitment", "trust"
YES_NO = Scale(0, 1)


def outcomes(here):
    """Loyalty outcomes of the focus wave: ``role, y, scale`` of each, behaviour first."""
    return [{"role": role, **_only(here.measure(role))} for role in ORDER if here.has(role)]


def _only(measure):
    return {key: measure[key] for key in ("y", "scale")}


def _shared(here):
    model = here.model()
    return {key: model[key] for key in ("weights", "weights_kind", "clusters")}


def controls(here):
    """What customers bring with them: tenure and background."""
    return [*here.columns("tenure"), *here.columns("background")][:MOST_CONTROLS]


# ---- who is gated
def gate(here):
    """Arguments of `loyalty.gate`: basics are the attributes of level 1, delighters those of the highest level from 3 on."""
    by_level = {}
    for column in here.columns("attribute"):
        by_level.setdefault(here.study.questions[column].level or 0, []).append(column)
    high = max((level for level in by_level if level >= 3), default=None)
    if high is None or 1 not in by_level:
        return None
    columns = {"delighters": by_level[high], "basics": by_level[1]}
    scales = {c: here.study.scale(c) for c in [*by_level[high], *by_level[1]]}
    known = all(s is not None and (s.knot is not None or _yes_no(s)) and (s.low_high is not None or _yes_no(s)) for s in scales.values())
    return {**columns, "scales": scales, **_shared(here)} if known else None


def _yes_no(scale):
    return scale.points is not None and len(scale.points) == 2


def gated_outcomes(here):
    """Outcomes of the gate: loyalty, and the overall grade where its delight point is known."""
    overall = [{"role": "overall", **_only(here.measure("overall"))}] if here.study.column("overall") and here.has("overall") else []
    return [*outcomes(here), *overall]


# ---- the panel
def panel(here):
    """Rows of all waves up to this one, a customer once a wave, with the overall grade of the wave before; None without a panel."""
    if not here.study.column("respondent") or len(here.waves) < 2 or not here.study.column("overall"):
        return None
    frame = here.responses(all_waves=True)
    frame = frame[frame["wave"].isin(here.waves) & frame["respondent"].notna()]
    frame = frame[~twice_answered(frame)]
    with_prior = prior(frame, [here.study.column("overall")], order=here.waves)
    return with_prior if with_prior[here.study.column("overall") + BEFORE].notna().any() else None


def incident(here):
    """Column that says whether something went wrong, yes or no; None where incidents are told in words."""
    found = [c for c in here.columns("incident") if here.study.scale(c) is not None and _yes_no(here.study.scale(c))]
    return found[0] if found else None


# ---- the methods of the chapter
def bond(here):
    """(table, arguments of `loyalty.bond`), or None: spend, emotion and the overall grade are needed."""
    spend, items = here.columns("spend"), here.columns("emotion")
    satisfied = here.study.column("overall")
    if not spend or not items or not satisfied or here.delight_from is None:
        return None
    scales = {c: here.study.scale(c) for c in items}
    frame, (name,) = emotion_score(here.responses(), items, scales)
    same = len({(s.min, s.max) for s in scales.values()}) == 1
    own = Scale(scales[items[0]].min, scales[items[0]].max, 0) if same else Scale(0, 10, 0)
    if own.knot is None:
        return None
    options = dict(value=spend[0], x=satisfied, emotion=name, scales={satisfied: here.study.scale(satisfied), name: own})
    return frame, {**options, "delight_from": here.delight_from, "covariates": controls(here), **_shared(here)}


def switching(here):
    """Arguments of `loyalty.stated`, or None."""
    asked = {key: here.columns(f"switch_{key}") for key in ("after_one", "after_two")}
    asked = {key: columns[0] for key, columns in asked.items() if columns}
    if not asked:
        return None
    scales = {c: here.study.scale(c) for c in asked.values()}
    return {**asked, "scales": scales, **_shared(here)}


def goodwill(here):
    """(panel, outcomes, arguments of `loyalty.goodwill`), or None: incidents and the grade of the wave before are needed.

    Leaving goes first, then the follow-up grade; an outcome must have been asked in this wave.
    """
    failure, rows = incident(here), panel(here)
    if failure is None or rows is None or here.delight_from is None:
        return None
    grade = here.study.column("overall")
    rows = rows[rows[grade + BEFORE].notna()]  # who was not there a wave earlier has not left anything unanswered
    found = [{"role": "churned", **_only(here.measure("churned"))}] if here.has("churned") else []
    found += [{"role": "overall", **_only(here.measure("overall"))}] if here.has("overall") else []
    scales = {grade + BEFORE: here.study.scale(grade)}
    options = dict(failure=failure, prior=grade + BEFORE, scales=scales, delight_from=here.delight_from, respondent="respondent")
    options |= {"controls": here.columns("tenure"), "weights": _shared(here)["weights"], "weights_kind": _shared(here)["weights_kind"]}
    return rows, found, options


def recovery(here):
    """(outcomes, arguments of `loyalty.recovery`), or None: incidents and a grade for how problems were handled (level 2) are needed."""
    failure = incident(here)
    handled = [c for c in here.columns("attribute") if here.study.questions[c].level == 2]
    if failure is None or not handled or here.study.scale(handled[0]).low_high is None or not outcomes(here):
        return None
    options = dict(failure=failure, resolved=handled[0], scales={handled[0]: here.study.scale(handled[0])})
    return outcomes(here), {**options, **_shared(here)}


def leaving(here):
    """(panel with a numbered wave, arguments of `loyalty.hazard`), or None: incidents and leaving over at least two waves are needed."""
    failure, rows = incident(here), panel(here)
    if failure is None or rows is None or not here.has("churned"):
        return None
    rows = rows.assign(**{"(wave)": rows["wave"].map({w: i for i, w in enumerate(here.waves)})})
    rows = _until_left(rows, here.study.column("churned"))
    return rows, dict(customer="respondent", period="(wave)", failed=failure, left=here.study.column("churned"))


def _until_left(rows, left):
    """Rows of every customer up to leaving: who came back is a new customer, and is left out."""
    ordered = rows.sort_values(["respondent", "(wave)"], kind="stable")
    has_left = ordered[left].fillna(0)
    return ordered[has_left.groupby(ordered["respondent"]).cumsum() <= has_left]


def _of_construct(here, construct):
    """First rated column of a construct that was answered in this wave."""
    found = [c for c in here.study.questions if here.study.questions[c].construct == construct and here.study.scale(c) is not None]
    return next((c for c in found if here.answered(c)), None)


def mediation(here):
    """Arguments of `loyalty.mediation` of the first loyalty outcome through commitment, or None."""
    through, found, satisfied = _of_construct(here, COMMITMENT), outcomes(here), here.study.column("overall")
    if through is None or not found or satisfied is None or here.delight_from is None:
        return None
    y, scale = found[0]["y"], found[0]["scale"]
    options = dict(y=y, x=satisfied, mediator=through, scales={y: scale, satisfied: here.study.scale(satisfied)})
    return {
        **options,
        "delight_from": here.delight_from,
        "turned": found[0]["role"] == "churned",
        "covariates": controls(here),
        **_shared(here),
    }


def trust(here):
    """Arguments of `loyalty.exceeded` on trust, or None: trust and whether expectations were met are needed."""
    y, asked = _of_construct(here, TRUST), here.columns("disconfirmation")
    if y is None or not asked:
        return None
    satisfied = [here.study.column("overall")] if here.study.column("overall") else []
    scales = {y: here.study.scale(y), asked[0]: here.study.scale(asked[0])}
    return {"y": y, "disconfirmation": asked[0], "scales": scales, "covariates": satisfied, **_shared(here)}


def stock(here):
    """Arguments of `loyalty.stock` (the panel too); where `goodwill` finds a panel, leaving was asked and there are three waves."""
    rows, (_found, options) = panel(here), goodwill(here)[1:]
    grade, left = here.study.column("overall"), here.study.column("churned")
    scales = {left: here.study.scale(left), grade: here.study.scale(grade)}
    shared = {key: options[key] for key in ("failure", "delight_from", "controls")}
    return {"frame": rows, "y": left, "score": grade, "scales": scales, "order": here.waves, **shared}

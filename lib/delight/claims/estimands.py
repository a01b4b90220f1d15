"""One function a claim: the method that estimates what is claimed, asked on a survey, with its answer as evidence.

Each takes ``(survey, claim)`` and answers with `Evidence`. It uses the table of an earlier chapter where there is one and runs the method
where there is none, so that the ledger agrees with the report and works without it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from delight.claims.evidence import Judged, Limits, Normal, Share, Unknown
from delight.drivers import differences, employees, migration, weakest
from delight.estimate import Design, fit_linear, sample
from delight.loyalty import across, relation, rule, switching
from delight.loyalty.gate import gate as person_gate
from delight.loyalty.goodwill import goodwill as buffer
from delight.loyalty.outcome import ORDER, emotion_score, event_from
from delight.loyalty.panel import BEFORE, prior, twice_answered
from delight.satisfaction import expectations
from delight.satisfaction.pyramid import pyramid as levels_of_service

#: Success factors and basics of the codebook (column `group`) by what the sources make of them.
BASICS = (
    *("basics_in_order", "speed_ease", "speed", "accessibility", "preventing_discomfort", "complaint_handling"),
    *("staff_involvement", "staff_expertise", "friendliness", "promises"),
)
HANDLING, STAFF, WARMTH = ("complaint_handling",), ("staff_involvement", "staff_expertise"), ("attentive_staff", "know_preferences")
SPEED, SURPRISE = ("speed_ease", "speed", "personal_communication"), ("surprise",)
LOYAL = ("recommend", "repurchase", "stayed")
#: Half-lives are cut off at a century, in months.
FOREVER = 1200.0


# ---- from a table's row to evidence
def _limits(row, estimate="estimate", lo="ci_lo", hi="ci_hi", lo90="ci90_lo", hi90="ci90_hi", *, kind=Limits, scale=1.0, **more):
    """Evidence of a row that holds its own limits; `scale` turns it into the claim's unit."""
    limits = {"lo95": row[lo], "hi95": row[hi], "lo90": row.get(lo90, np.nan), "hi90": row.get(hi90, np.nan)}
    limits = {name: float(value) * scale for name, value in limits.items()}
    return kind(float(row[estimate]) * scale, **_counts(row), **limits, **more)


def _counts(row):
    n_eff = float(row["n_eff"])
    status = row["status"] if row["status"] in ("insufficient", "not_identified", "degenerate", "not_converged") else "ok"
    return {"n": int(row["n"]), "n_missing": int(row["n_missing"]), "n_eff": n_eff, "status": status}


def _unless(row, evidence):
    """The evidence, or why there is none."""
    if row["status"] in ("insufficient", "not_identified", "degenerate", "not_converged") or not evidence.known:
        status = "insufficient" if row["status"] == "insufficient" else "not_identified"
        return Unknown(status=status, n=int(row["n"]), n_missing=int(row["n_missing"]), n_needed=float(row.get("n_needed", np.nan)))
    return evidence


def _rule(row, **more):
    """Evidence of a row with a verdict of its own."""
    verdict = str(row["verdict"]).replace(" ", "_")
    found = _limits(row, kind=Judged, verdict=verdict, p=float(row["p"]), n_needed=float(row.get("n_needed", np.nan)), **more)
    return _unless(row, found)


def _first(rows):
    """The first row; where a method found nothing to say, an empty one."""
    if len(rows):
        return rows.iloc[0]
    return pd.Series(
        {**dict.fromkeys(rows.columns, np.nan), "n": 0, "n_missing": 0, "n_eff": 0.0, "status": "insufficient", "verdict": "insufficient"}
    )


def _table(survey, name, make):
    """The table a chapter saved under this name, or what `make` answers with, made once."""
    found = survey.table(name)
    if found is None:
        if name not in survey.kept:
            survey.kept[name] = make()
        found = survey.kept[name]
    return found


def _finer(scale):
    """The scale of a mean of questions on `scale`."""
    return replace(scale, step=0)


def _standard(survey, column):
    """Standard deviation of a column (weighted)."""
    used = sample(survey.frame, [column], **survey.weighting)
    return Design(used).mean(used.frame[column].to_numpy(dtype=float)).sd


def _design(survey, columns):
    used = sample(survey.frame, columns, **survey.weighting)
    return used, Design(used, **survey.design)


def _all(survey):
    return {**survey.weighting, **survey.design}


# ---- expectations
def _direct(survey):
    y, x = survey.column("overall"), survey.column("disconfirmation")
    return {"y": y, "x": x, "scales": survey.scales, "delight_from": survey.delight_from, **_all(survey)}


def _mean_of(survey, group):
    table = _table(survey, "expectations.means", lambda: expectations.means(survey.frame, **_direct(survey))).table
    row = _first(table[table["group"] == group])
    scale = survey.scale(survey.column("overall"))
    if (scale.min, scale.max) not in ((0, 10), (1, 10)):
        return Unknown(status="not_identified", n=int(row["n"]))
    found = Normal(float(row["mean"]), se=float(row["se"]), df=float(row["df"]), **_counts(row), table="expectations.means")
    return _unless(row, found)


def _measure(survey, name, group=""):
    table = _table(survey, "expectations.exceeding", lambda: expectations.exceeding(survey.frame, **_direct(survey))).table
    row = _first(table[(table["measure"] == name) & (table["group"] == group)])
    return _unless(row, Share(float(row["value"]), **_counts(row), table="expectations.exceeding"))


def mean_of_exceeded(survey, claim):
    return _mean_of(survey, "exceeded")


def mean_of_met(survey, claim):
    return _mean_of(survey, "met")


def share_of_exceeded(survey, claim):
    return _measure(survey, "delighted", "exceeded")


def exceeded_of_delighted(survey, claim):
    return _measure(survey, "exceeded_if_delighted")


def promoter_is_exceeded(survey, claim):
    recommend = survey.column("recommend")
    if (survey.scale(recommend).min, survey.scale(recommend).max) != (0, 10) or not survey.column("overall"):
        return Unknown(status="not_identified")
    found = survey.table("expectations.agreement")
    if found is None:
        found = expectations.three_way(survey.frame, recommend=recommend, **_direct(survey)).agreement
    pairs = found.table
    row = _first(pairs[[{a, b} == {"exceeded", "promoter"} for a, b in zip(pairs["term"], pairs["other"])]])
    return _unless(row, _limits(row, "kappa", "kappa_lo", "kappa_hi", table="expectations.agreement"))


def delight_path(survey, claim):
    """The indirect effect of better than expected on loyalty through feelings, the grade held equal, in standard deviations."""
    y, x = survey.first(*LOYAL), survey.column("disconfirmation")
    frame, emotion = emotion_score(survey.frame, survey.columns("emotion"), survey.scales)
    held = [c for c in [survey.column("overall")] if c]
    options = {"covariates": held, "scales": survey.scales, "clusters": survey.clusters, "n_boot": survey.n_boot, "seed": survey.seed}
    found = relation.mediation(frame, y=y, x=x, mediator=emotion[0], **options, **survey.weighting)
    row = found.paths.table.set_index(found.paths.table.columns[0]).loc["indirect"]
    spread = _standard(survey, x) / _standard(survey, y)
    return _unless(row, _limits(row, scale=spread, grade="adjusted"))


def delight_is_not_satisfaction(survey, claim):
    """.85 less HTMT of feelings and satisfaction; one grade alone counts as measured without error, which makes HTMT too small."""
    feelings = survey.columns("emotion:construct")
    satisfied = survey.columns("construct=satisfaction") or survey.columns("overall")
    constructs = {"satisfaction": [c for c in satisfied if c not in feelings], "delight": feelings}
    options = {"clusters": survey.clusters, "n_boot": survey.n_boot, "seed": survey.seed, **survey.weighting}
    table = expectations.distinct(survey.frame, constructs=constructs, scales=survey.scales, **options).table
    row = _first(table)
    turned = {"gap": 0.85 - row["htmt"], "lo": 0.85 - row["htmt_hi"], "hi": 0.85 - row["htmt_lo"]}
    found = _limits({**row, **turned}, "gap", "lo", "hi", flags=("single_item",) if len(constructs["satisfaction"]) == 1 else ())
    if len(constructs["satisfaction"]) == 1 and found.estimate > 0:
        return Unknown(status="not_identified", n=int(row["n"]))  # one grade cannot be told from its error
    return found if found.known else Unknown(status="insufficient", n=int(row["n"]))


# ---- levels of service
def _levels(survey):
    """Level → its questions, in the order of the levels."""
    found = {}
    for column in [*survey.columns("attribute:level"), *survey.columns("disconfirmation:level")]:
        found.setdefault(survey.ties[column]["level"], []).append(column)
    return dict(sorted(found.items()))


def _pyramid(survey, name):
    found = survey.table(f"pyramid.{name}")
    return found if found is not None else getattr(_table(survey, "pyramid", lambda: _levels_of_service(survey)), name)


def _levels_of_service(survey):
    levels = {column: level for level, items in _levels(survey).items() for column in items}
    flags = {c: f for c, f in survey.not_applicable.items() if c in levels}
    options = {"expected": survey.columns("disconfirmation:level"), "not_applicable": flags, **_all(survey)}
    options |= {"n_boot": survey.n_boot, "seed": survey.seed}
    return levels_of_service(survey.frame, y=survey.column("overall"), levels=levels, scales=survey.scales, **options)


def _flags(row):
    return tuple(filter(None, str(row.get("flags", "")).split(", ")))


def _main_cut(table):
    """Rows of the cut that was declared, or the middle one of those side by side."""
    if table["cut"].isna().all():
        return table
    cuts = sorted(table["cut"].dropna().unique())
    return table[table["cut"] == cuts[len(cuts) // 2]]


def _cap(survey, claim, group):
    table = _main_cut(_pyramid(survey, "caps").table)
    table = table[(table["group"] == group) & (table["cap"] == claim.published)]
    if table.empty:
        return Unknown(status="not_identified")
    row = _first(table)
    share = Share(float(row["share_above"]), **_counts(row))
    (lo, hi), (lo90, hi90) = share.interval(0.95), share.interval(0.90)
    p = min(1.0, 2 * min(share.p_above(claim.margin), share.p_below(claim.margin))) if share.known else np.nan
    flags = _flags(row)
    limits = {"lo95": lo, "hi95": hi, "lo90": lo90, "hi90": hi90}
    found = Judged(share.estimate, **_counts(row), **limits, verdict=row["verdict"], p=p, flags=flags, table="pyramid.caps")
    return _unless(row, found)


def cap_of_core(survey, claim):
    return _cap(survey, claim, "L1")


def cap_of_handling(survey, claim):
    return _cap(survey, claim, "L1-2")


def basics_only(survey, claim):
    if len(_levels(survey)) < 2:
        return Unknown(status="not_identified")
    row = _first(_main_cut(_pyramid(survey, "basics").table))
    found = _limits(row, "mean", kind=Judged, verdict=row["verdict"], p=float(row["p"]), table="pyramid.basics")
    return _unless(row, found)


def pyramid(survey, claim):
    if len(_levels(survey)) < 2:
        return Unknown(status="not_identified")
    row = _first(_main_cut(_pyramid(survey, "order").table))
    about = {"verdict": row["verdict"], "p": float(row[["p_halo", "p_impression"]].max()), "flags": _flags(row), "table": "pyramid.order"}
    found = _limits(row, "h", "h_lo", "h_hi", kind=Judged, **about)
    if row["verdict"] == "contradicted":  # then H itself lies below what a scale takes, whatever other tags give
        found = found.but(p=2 * found.p_below(claim.published))
    return _unless(row, found)


def emotion_of_handling(survey, claim):
    frame, emotion = emotion_score(survey.frame, survey.columns("emotion"), survey.scales)
    levels = _levels(survey)
    if not emotion or 1 not in levels or 2 not in levels:
        return Unknown(status="not_identified")
    scales = {**survey.scales, emotion[0]: _finer(survey.scale(survey.columns("emotion")[0]))}
    options = {"clusters": survey.clusters, **survey.weighting}
    row = _first(relation.level_affect(frame, y=emotion[0], levels=levels, scales=scales, **options).table)
    sd = float(frame[emotion[0]].std())
    return _unless(row, _limits(row, scale=1 / sd))


# ---- gate and threshold
def gate(survey, claim):
    y = survey.column("overall")
    delighters = survey.tied("attribute", group=SURPRISE) or survey.tied("attribute", level=(4,))
    basics = [c for c in survey.tied("attribute", group=BASICS) or survey.tied("attribute", level=(1, 2)) if c not in delighters]
    basics = [c for c in basics if c not in survey.not_applicable]  # a customer without a complaint has no grade for its handling
    if not delighters or not basics:
        return Unknown(status="not_testable", missing=("attribute:group",))
    event = survey.delight_from
    if event is None:
        return Unknown(status="not_identified")
    options = {"event": event, "clusters": survey.clusters, "n_boot": survey.n_boot, "seed": survey.seed, **survey.weighting}
    found = person_gate(survey.frame, y=y, delighters=delighters, basics=basics, scales=survey.scales, **options).table
    row = _first(found[found["gate"] == "person"])
    return _rule(row, grade="adjusted", attributes=tuple(delighters))


def gate_of_units(survey, claim):
    return Unknown(status="not_testable", missing=("initiative",))  # no role holds which locations began with what


def _rule_of_8_5(survey, roles):
    outcomes = [
        {"role": role, "y": survey.column(role), "scale": survey.scale(survey.column(role))} for role in ORDER if survey.column(role)
    ]

    def make():
        options = {"x": survey.column("overall"), "scales": survey.scales, "clusters": survey.clusters, "seed": survey.seed}
        return across(rule, survey.frame, outcomes, **options, **survey.weighting)

    found = _table(survey, "loyalty.rule", make)
    about = {o: a for o, a in found.meta["outcomes"].items() if a["role"] in roles}
    order = sorted(about, key=lambda o: roles.index(about[o]["role"]))
    decided = [o for o in order if about[o]["verdict"] not in ("insufficient", "not_identified")]
    if not decided:
        first = about[order[0]]
        return Unknown(status=first["verdict"], n=int(first.get("n_used") or 0))
    meta = about[decided[0]]
    row = _first(found.table[(found.table["outcome"] == decided[0]) & (found.table["grade"] == 8)])
    row = pd.Series({**row, "n": row.get("n_total", 0)})
    known = _limits(row, "d_local", "d_lo", "d_hi", "d90_lo", "d90_hi", kind=Judged, verdict=meta["verdict"], p=float(row["d_p"]))
    about = {"flags": tuple(meta.get("flags") or ()), "n_needed": float(meta.get("n_needed") or np.nan)}
    return _unless(row, known.but(grade="adjusted", table="loyalty.rule", **about))


def rule_for_staying(survey, claim):
    return _rule_of_8_5(survey, ("churned", "stayed"))


def rule_for_recommending(survey, claim):
    return _rule_of_8_5(survey, ("recommend", "repurchase"))


# ---- drivers
def _model(survey, y=None):
    y = y or survey.column("overall") or survey.column("recommend")
    x = survey.columns("attribute")
    return {"y": y, "x": x, "scales": survey.scales, "not_applicable": survey.not_applicable, **survey.weighting}


def _slope(survey, claim, attributes, estimand, y=None):
    """Mean slope of attributes below or above the knot, in the joint model of all."""
    if not attributes:
        return Unknown(status="not_testable", missing=("attribute:group",))
    options = {"groups": {"asked": attributes}, "margin": claim.margin, "clusters": survey.clusters}
    table = weakest.slope_tests(survey.frame, **_model(survey, y), **options).table
    row = _first(table[table["estimand"] == estimand])
    named = row["attributes"].split(", ") if isinstance(row["attributes"], str) else []
    found = Normal(float(row["estimate"]), se=float(row["se"]), df=float(row["df"]), **_counts(row))
    return _unless(row, found.but(grade="adjusted", attributes=tuple(named)))


def _group(survey, groups):
    return survey.tied("attribute", group=groups)


def basics_above(survey, claim):
    return _slope(survey, claim, _group(survey, BASICS), "above")


def basics_below(survey, claim):
    return _slope(survey, claim, _group(survey, BASICS), "below")


def basics_above_for_loyalty(survey, claim):
    return _slope(survey, claim, _group(survey, BASICS), "above", survey.first(*LOYAL))


def _delighters(survey):
    return _group(survey, SURPRISE) or survey.tied("attribute", level=(4,))


def delighters_below(survey, claim):
    return _slope(survey, claim, _delighters(survey), "below")


def delighters_above(survey, claim):
    return _slope(survey, claim, _delighters(survey), "above")


def handling_above(survey, claim):
    return _slope(survey, claim, _group(survey, HANDLING), "above")


def staff_above(survey, claim):
    return _slope(survey, claim, _group(survey, STAFF), "above")


def speed_above(survey, claim):
    return _slope(survey, claim, _group(survey, SPEED), "above")


def _weakest(survey, columns, others):
    """Weight of the minimum beside the mean; supported if it is above nil and the minimum alone fits better than the mean alone."""
    if len(columns) < 2:
        return Unknown(status="not_testable", missing=("attribute:group",))
    options = {"others": others, "scales": survey.scales, "clusters": survey.clusters, "seed": survey.seed, **survey.weighting}
    flags = {c: f for c, f in survey.not_applicable.items() if c in columns}
    y = survey.column("overall") or survey.column("recommend")
    table = weakest.weakest_link(survey.frame, y=y, x=columns, not_applicable=flags, **options).table
    row = _first(table[(table["form"] == "both") & (table["term"] == "minimum")])
    alone = table[table["form"] != "both"].set_index("form")["aic"]
    better = alone["minimum"] < alone["mean"] - 2
    verdict = "inconclusive"
    if row["ci_lo"] > 0:
        verdict = "supported" if better else "supported_size_open"
    elif row["ci_hi"] < 0:
        verdict = "contradicted"
    elif alone["mean"] < alone["minimum"] - 10 and row["ci90_hi"] < 0.1:
        verdict = "null"
    found = _limits(row, kind=Judged, verdict=verdict, p=float(row["p"]), equivalence=verdict == "null", grade="adjusted")
    if verdict == "null":  # the test behind it: the weight of the minimum lies below a tenth
        found = found.but(p=found.p_below(0.1))
    return _unless(row, found.but(attributes=tuple(columns)))


def weakest_link(survey, claim):
    basics = [c for c in _group(survey, BASICS) if c not in survey.not_applicable]
    return _weakest(survey, basics, [])


def every_contact(survey, claim):
    """Mean grade of each contact; the poorest contact beside the mean of all."""
    contacts = {}
    for column in survey.columns("attribute:touchpoint"):
        if column not in survey.not_applicable:
            contacts.setdefault(survey.ties[column]["touchpoint"], []).append(column)
    if len(contacts) < 2:
        return Unknown(status="not_testable", missing=("attribute:touchpoint",))
    means = {f"contact:{name}": survey.frame[columns].mean(axis=1, skipna=False) for name, columns in contacts.items()}
    some = next(iter(contacts.values()))[0]
    graded = survey.but(frame=survey.frame.assign(**means), scales={**survey.scales, **dict.fromkeys(means, _finer(survey.scale(some)))})
    found = _weakest(graded, list(means), [])
    return found.but(attributes=()) if found.known else found


# ---- employees
def _employees(survey):
    return {"employee": survey.columns("attribute:employee"), "delight_from": survey.delight_from, "clusters": survey.clusters}


def people_on_top(survey, claim):
    upper = survey.tied("attribute", level=(3, 4))
    staff = [c for c in survey.columns("attribute:employee") if c in upper]
    if not staff or len(staff) == len(upper):
        return Unknown(status="not_identified")  # all aspects of the upper levels are of one kind: nothing to compare
    options = {**_employees(survey), "employee": staff, "n_boot": survey.n_boot, "seed": survey.seed}
    table = employees.employee_share(survey.frame, **{**_model(survey), "x": upper}, **options).table
    row = _first(table[table["outcome"] == "score"])
    lo, hi = row["excess_lo"], row["excess_hi"]
    verdict = "supported" if lo > claim.margin else "supported_size_open" if lo > 0 else "contradicted" if hi < 0 else "inconclusive"
    names = ("excess", "excess_lo", "excess_hi", "excess_lo90", "excess_hi90")
    found = _limits(row, *names, kind=Judged, verdict=verdict, p=float(row["excess_p"]), grade="adjusted", attributes=tuple(staff))
    return _unless(row, found)


def _step(survey, part):
    table = employees.employee_steps(survey.frame, **_model(survey), **_employees(survey), seed=survey.seed).table
    row = _first(table[table["part"] == part])
    found = _limits(row, "diff", "ci_lo", "ci_hi", "lo90", "hi90", grade="adjusted", attributes=tuple(_employees(survey)["employee"]))
    return _unless(row, found)


def staff_lift_to_delight(survey, claim):
    return _step(survey, "employee")


def staff_lift_more_than_others(survey, claim):
    return _step(survey, "contrast")


# ---- two strategies
def _strategies(survey, term):
    """Standardised regression of loyalty on better than expected, warmth and their product."""
    y, x = survey.first(*LOYAL), survey.column("disconfirmation")
    warmth = [c for c in _group(survey, WARMTH) if c not in survey.not_applicable]
    if not warmth:
        return Unknown(status="not_testable", missing=("attribute:group",))
    clusters = [survey.clusters] if survey.clusters else []
    used = sample(survey.frame, [y, x, *warmth, *clusters], **survey.weighting)
    if used.n < 50:
        return Unknown(status="insufficient", n=used.n, n_missing=used.n_missing)
    frame, w = used.frame, used.w

    def standard(values):
        values = np.asarray(values, dtype=float)
        centred = values - np.average(values, weights=w)
        return centred / np.sqrt(np.average(centred**2, weights=w))

    exceeding, warm = standard(frame[x]), standard(frame[warmth].mean(axis=1))
    design = np.column_stack([np.ones(len(w)), exceeding, warm, exceeding * warm])
    groups = frame[survey.clusters].to_numpy() if survey.clusters else None
    fit = fit_linear(standard(frame[y]), design, w, names=["1", "exceeding", "warmth", "together"], kind=used.kind, clusters=groups)
    at = fit.names.index(term)
    counts = {"n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff}
    return Normal(float(fit.coef[at]), se=float(fit.se[at]), df=fit.df, grade="adjusted", attributes=tuple(warmth), **counts)


def exceeding_adds(survey, claim):
    return _strategies(survey, "exceeding")


def warmth_adds(survey, claim):
    return _strategies(survey, "warmth")


def strategies_together(survey, claim):
    return _strategies(survey, "together")


# ---- differences between customers and places
def _lowest(q):
    """The smallest corrected p of a family: Simes' test that nothing at all is there."""
    known = q.dropna()
    return float(known.min()) if len(known) else np.nan


def no_recipe(survey, claim):
    by = survey.column("location")
    frame = survey.frame.assign(location=survey.frame[by]) if by != "location" else survey.frame
    table = differences.across(frame, **_model(survey), by="location").table
    usable = table[~table["status"].isin(["insufficient", "not_identified", "degenerate"])]
    if usable.empty or usable["q"].isna().all():
        return Unknown(status="not_identified", n=int(table["n"].max() if len(table) else 0))
    row = usable.loc[usable["q"].idxmin()]
    p = _lowest(usable["q"])
    found = _limits(row, "tau", "tau_lo", "tau_hi", kind=Judged, verdict="supported" if p <= 0.05 else "inconclusive", p=p)
    return found.but(grade="adjusted", attributes=(row["attribute"],))


def _segments(survey, name):
    """A table of the chapter on differences, or of the method where the study has a column of segments."""
    found = survey.table(f"differences.{name}")
    if found is None and survey.column("segment"):
        frame = survey.frame.assign(segment=survey.frame[survey.column("segment")])
        found = getattr(differences.differences(frame, **_model(survey), by="segment", clusters=survey.clusters), name)
    return found


def _over_attributes(survey, column, holds):
    found = _segments(survey, "tests")
    if found is None or found.table.empty or found.table[column].isna().all():
        return Unknown(status="not_identified")
    p, table = _lowest(found.table[column]), found.table
    row = table.loc[table[column].idxmin()]
    verdict = "supported" if p <= 0.05 else "inconclusive"
    named = tuple(table.loc[table["verdict"].isin(holds), "attribute"])
    counts = {"n": int(row["n"]), "n_missing": int(row["n_missing"]), "n_eff": float(row["n_eff"])}
    return Judged(verdict=verdict, p=p, grade="adjusted", attributes=named, table="differences.tests", **counts)


def sign_flip(survey, claim):
    return _over_attributes(survey, "q_flip", ("flips",))


def own_drivers(survey, claim):
    found = _segments(survey, "effects")
    chow = found.note("chow") if found is not None else None
    if chow is None or chow.values.get("p") is None:
        return Unknown(status="not_identified")
    p, row = float(chow.values["p"]), _first(found.table)
    counts = {"n": int(row["n"]), "n_missing": int(row["n_missing"]), "n_eff": float(row["n_eff"])}
    return Judged(verdict="supported" if p <= 0.05 else "inconclusive", p=p, grade="adjusted", table="differences.effects", **counts)


def targeting(survey, claim):
    found = _segments(survey, "targeting")
    if found is None or found.table.empty:
        return Unknown(status="not_identified")
    table = found.table
    whole = table[table["by"] == "whole"]
    if whole.empty:
        return Unknown(status="not_identified", n=int(table["n"].max()))
    row = _first(whole)
    names = ("targeting_gain", "targeting_gain_lo", "targeting_gain_hi")
    return _unless(row, _limits(row, *names, grade="adjusted", table="differences.targeting"))


def three_kinds(survey, claim):
    found = survey.table("segments.verdict")
    if found is None or found.table.empty:
        return Unknown(status="not_identified")
    row = _first(found.table)
    if row.get("k") != claim.published or found.status in ("insufficient", "not_identified"):
        return Unknown(status="insufficient" if found.status == "insufficient" else "not_identified", n=int(row.get("n", 0) or 0))
    turned = {"supported": "supported", "possible": "inconclusive", "inconclusive": "inconclusive", "not_supported": "contradicted"}
    counts = {"n": int(row["n"]), "n_missing": int(row["n_missing"]), "n_eff": float(row["n_eff"])}
    # A judgement by stability, residuals and size, not a test: it takes no part in the correction.
    return Judged(verdict=turned[row["verdict"]], p=np.nan, flags=("judgement",), table="segments.verdict", **counts)


# ---- what binds
def emotionally_bound(survey, claim):
    value = survey.first("spend", *LOYAL)
    feelings = survey.columns("emotion")
    frame, emotion = emotion_score(survey.frame, feelings, survey.scales)
    if survey.delight_from is None:
        return Unknown(status="not_identified")
    scales = {**survey.scales, emotion[0]: _finer(survey.scale(feelings[0]))}
    known = [c for c in survey.columns("tenure")]
    options = {"covariates": known, "clusters": survey.clusters, "seed": survey.seed, **survey.weighting}
    options |= {"n_boot": min(survey.n_boot, 500), "delight_from": survey.delight_from}
    table = relation.bond(frame, value=value, x=survey.column("overall"), emotion=emotion[0], scales=scales, **options).table
    rows = table[(table["estimator"] == "overlap") & (table["scale"] == "value") & (table["population"] == "delighted")]
    if rows.empty:
        return Unknown(status="insufficient", n=int(table["n"].max() if len(table) else 0))
    row = _first(rows)
    return _unless(row, _limits(row, scale=1 / _standard(survey, value), grade="adjusted"))


def _delighted_against_satisfied(survey, y, event, sign):
    """Difference of shares between the delighted and the two grades below."""
    x, start = survey.column("overall"), survey.delight_from
    if start is None:
        return Unknown(status="not_identified")
    used, design = _design(survey, [y, x])
    grade = used.frame[x].to_numpy(dtype=float)
    step = survey.scale(x).step or 1
    first, second = grade >= start, (grade < start) & (grade >= start - 2 * step)
    n = int(design.f[first | second].sum())
    counts = {"n": n, "n_missing": used.n_missing, "n_eff": float(n)}
    if min(design.f[first].sum(), design.f[second].sum()) < 30:
        return Unknown(status="insufficient", n=n, n_missing=used.n_missing)
    hits = (used.frame[y].to_numpy(dtype=float) >= event).astype(float)
    found, _ = design.difference(hits, first, second)
    return Normal(sign * found.value, se=found.se, df=found.df, **counts)


def delighted_intend_to_stay(survey, claim):
    y = survey.first("stayed", "repurchase")
    return _delighted_against_satisfied(survey, y, event_from(survey.scale(y)), 1)


def delighted_stay(survey, claim):
    return _delighted_against_satisfied(survey, survey.column("churned"), 1, -1)


def _switching(survey, trigger):
    def make():
        one, two = survey.column("switch_after_one"), survey.column("switch_after_two")
        return switching.stated(
            survey.frame, after_one=one, after_two=two, scales=survey.scales, clusters=survey.clusters, **survey.weighting
        )

    table = _table(survey, "relation.switching", make).table
    row = _first(table[table["trigger"] == trigger])
    return _unless(row, Share(float(row["share"]), **_counts(row), table="relation.switching"))


def switch_after_one(survey, claim):
    return _switching(survey, "one")


def switch_after_two(survey, claim):
    return _switching(survey, "two")


def goodwill(survey, claim):
    """Delight of the wave before, a failure since, and loyalty now."""
    y, incident, overall = survey.first("stayed", *LOYAL), survey.column("incident"), survey.column("overall")
    waves = list(dict.fromkeys(survey.order or []))
    if survey.waves is None or len(waves) < 2 or y is None or "respondent" not in survey.waves or survey.delight_from is None:
        return Unknown(status="not_testable", missing=("wave",))
    once = survey.waves[~twice_answered(survey.waves)]
    both = prior(once, [overall], order=waves)
    both = both[both["wave"] == waves[-1]]
    options = {"scales": {**survey.scales, f"{overall}{BEFORE}": survey.scale(overall)}, "delight_from": survey.delight_from}
    options |= {"clusters": survey.clusters, "n_boot": min(survey.n_boot, 500), "seed": survey.seed, **survey.weighting}
    table = buffer(both, y=y, failure=incident, prior=f"{overall}{BEFORE}", **options).table
    return _rule(_first(table[table["term"] == "interaction"]), grade="adjusted")


def trust(survey, claim):
    items = survey.columns("construct=trust")
    frame, score = emotion_score(survey.frame, items, survey.scales, name="trust")
    scales = {**survey.scales, "trust": _finer(survey.scale(items[0]))}
    options = {"clusters": survey.clusters, **survey.weighting}
    table = relation.exceeded(frame, y="trust", disconfirmation=survey.column("disconfirmation"), scales=scales, **options).table
    row = _first(table)
    return _unless(row, _limits(row, scale=1 / float(frame["trust"].std())))


# ---- Kano over waves
def _pairs(survey):
    named = {}
    for role, place in (("kano_functional", 0), ("kano_dysfunctional", 1)):
        for column in survey.columns(role):
            named.setdefault(survey.ties[column]["pair"], [None, None])[place] = column
    return {name: tuple(pair) for name, pair in named.items() if None not in pair}


def _kano_waves(survey):
    pairs, frame = _pairs(survey), survey.waves
    if frame is None or not pairs:
        return pairs, None, []
    asked = [w for w in survey.order or [] if frame.loc[frame["wave"] == w, list(next(iter(pairs.values())))].notna().all(axis=1).any()]
    return pairs, frame, asked


def half_life(survey, claim):
    pairs, frame, asked = _kano_waves(survey)
    if frame is None or len(asked) < 3 or "respondent" not in frame or not survey.times:
        return Unknown(status="not_identified")
    options = {"respondent": "respondent", "order": asked, "times": {w: survey.times[w] for w in asked}, "seed": survey.seed}
    found = migration.half_life(frame[frame["wave"].isin(asked)], pairs=pairs, **options, **survey.weighting)
    table = found.table[found.table[["half_life", "hl_lo", "hl_hi"]].notna().all(axis=1)]
    if table.empty:
        return Unknown(status="not_identified", n=int(found.table["n"].max() if len(found.table) else 0))
    # Rates of loss are averaged (nothing lost: 0). Features were answered by the same people, so their errors are taken to go together.
    rate, fast, slow = (1 / table[c] for c in ("half_life", "hl_lo", "hl_hi"))
    middle, se = float(rate.mean()), float(((fast - slow) / (2 * stats.norm.ppf(0.975))).mean())

    def months(z):
        return float(min(1 / max(middle + z * se, 1e-9), FOREVER))

    ends = {
        f"{side}{level}": months(sign * stats.norm.ppf(0.5 + level / 200)) for level in (95, 90) for side, sign in (("lo", 1), ("hi", -1))
    }
    return Limits(months(0), n=int(table["n"].max()), n_eff=float(table["n_eff"].max()), attributes=tuple(table["attribute"]), **ends)


def decay(survey, claim):
    pairs, frame, asked = _kano_waves(survey)
    if frame is None or len(asked) < 2:
        return Unknown(status="not_identified")
    respondent = "respondent" if "respondent" in frame else None
    times = {w: survey.times[w] for w in asked} if survey.times else None
    options = {"order": asked, "times": times, "respondent": respondent, **survey.weighting}
    table = migration.decay(frame[frame["wave"].isin(asked)], pairs=pairs, **options).table
    row = _first(table[table["measure"] == "share_a"])
    turned = {"loss": -row["estimate"], "lo": -row["ci95_hi"], "hi": -row["ci95_lo"], "lo90": -row["ci90_hi"], "hi90": -row["ci90_lo"]}
    return _unless(row, _limits({**row, **turned}, "loss", "lo", "hi", "lo90", "hi90"))

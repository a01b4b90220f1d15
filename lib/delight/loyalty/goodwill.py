"""The goodwill bank: are customers who were delighted more tolerant of a later failure? (methods M22)"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from delight import logit
from delight.errors import InputError
from delight.estimate import benjamini_hochberg, fit_linear, need_columns
from delight.loyalty.answers import fit_answers
from delight.loyalty.gate import WORTH
from delight.loyalty.interaction import cell_rows, n_needed, two_scale_columns, two_scales
from delight.loyalty.outcome import is_binary, prepare
from delight.loyalty.panel import twice_answered
from delight.loyalty.regression import FEWEST_ANSWERS, design_terms
from delight.resample import generator
from delight.result import STATUSES, Result
from delight.scales import Scale, check_scale

#: Failures needed among those who were delighted before.
FEWEST = 40
#: Difference of differences worth finding in points of a grade.
WORTH_POINTS = 0.5
#: Shares of goodwill kept a period, for the profile of the stock.
KEPT = np.round(np.arange(0, 1.0, 0.02), 2)


def goodwill(
    frame,
    *,
    y,
    failure,
    prior,
    scales,
    delight_from,
    prior_score=None,
    controls=(),
    turned=False,
    respondent=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Does a failure cost less among customers who were delighted before it?

    Parameters
    ----------
    frame : pandas.DataFrame, one row a customer and period; unchanged. `panel.prior` brings the wave before beside every row.
    y : str
        What came after the failure: leaving (0/1, with `turned`), staying, or a score.
    failure : str
        1 if something went wrong, else 0.
    prior : str
        Satisfaction measured at least one period before the failure.
    scales : dict of column -> Scale
        Of `y` and `prior`, and of `prior_score` if named.
    delight_from : float
        Lowest prior satisfaction that counts as delighted.
    prior_score : str, optional
        The follow-up score's own earlier value, held equal; never the drop itself, since those who start high have most to lose by
        regression to the mean. Default for a graded `y`: `prior`.
    controls : sequence of str
        Tenure, prior satisfaction, spend.
    turned : bool
        More of `y` is worse, as with leaving; it is reported as it stands.
    respondent : str, optional
        Customer of a row: errors are clustered by it (unless `clusters`), and with graded answers and at least 40 customers with two
        failures or more a within-customer model is fitted beside.
    weights, weights_kind, clusters, ci_level, n_boot, seed : as M00

    Returns
    -------
    Result
        Row ``term`` = ``interaction``: ``effect_without, effect_with`` (what a failure does to customers not delighted and delighted
        before: risk difference, or points) with ``_lo, _hi``; ``interaction_rd`` with ``_lo, _hi, _p`` (delta method),
        ``boot_lo, boot_hi``; ``interaction_logit`` with ``_lo, _hi, _p``; ``scales_agree, verdict``; ``estimate, se, ci_lo, ci_hi,
        ci90_lo, ci90_hi`` (of the difference), ``p`` (both scales), ``n_needed, n, n_missing, n_eff, status``. Rows ``cell`` (``by, group``:
        ``with failure``, ``with none``, ``without failure``, ``without none``; delighted before or not): ``value`` (raw share or mean) with
        ``_lo, _hi``, ``n``. Rows ``failure, prior, product`` of the (ordered) logit: ``coef, se, ci_lo, ci_hi, p``; row ``within`` where fitted.
        ``verdict``: ``supported`` (buffer) if both scales show a smaller loss, ``contradicted`` (love becomes hate) if both show a larger
        one, else ``inconclusive``; fewer than 40 failures among the delighted: ``insufficient``.

    Notes
    -----
    logit P = a + b1 failure + b2 delighted + b3 failure x delighted + controls. A failure that costs everybody the same on a latent scale
    gives b3 of one sign and a difference of risk differences of the other, so both must agree. Graded scores: points by least squares,
    log odds by the ordered logit.

    References
    ----------
    Ai, C. & Norton, E. C. (2003). Economics Letters 80, 123-129. Grégoire, Y., Tripp, T. M. & Legoux, R. (2009). JM 73(6), 18-32.
    """
    binary = is_binary(scales[y]) if y in scales else False
    if y not in scales or prior not in scales:
        raise InputError(f"Columns '{y}' and '{prior}' need their Scale in `scales`.")
    if prior == y:
        raise InputError(f"Prior satisfaction is measured before the failure, the outcome after it: '{y}' cannot be both.")
    prior_score = prior if prior_score is None and not binary else prior_score
    clusters = clusters or respondent
    known = [c for c in (prior_score,) if c]
    need_columns(frame, [y, failure, prior, *known, *controls])
    check_scale(frame[failure], Scale(0, 1), column=failure)
    made = frame.assign(**{"(prior)": frame[prior], "(failure)": frame[failure].astype(float)})
    data = prepare(
        made, y=y, x="(failure)", scales={y: scales[y], "(failure)": Scale(0, 1)}, others=["(prior)", *known, *controls],
        weights=weights, weights_kind=weights_kind, clusters=clusters,
    )  # fmt: skip
    check_scale(frame[prior], scales[prior], column=prior)
    failed, before = data.s, (data.sample.frame["(prior)"].to_numpy(dtype=float) >= delight_from).astype(float)
    terms = design_terms(data, "(failure)", None, (), (), [*known, *controls])
    others = terms.x.drop(columns="(failure)", errors="ignore").to_numpy(dtype=float)
    names = ({1: "with", 0: "without"}, {1: "failure", 0: "none"})
    values = (data.y >= data.top).astype(float) if binary else data.y
    cells = cell_rows(values, failed, before, data, names, share=binary, ci_level=ci_level)
    n = {c["group"]: c["n"] for c in cells}
    few = n["with failure"] < FEWEST or min(n.values()) < FEWEST_ANSWERS
    found = None
    if not few and len(np.unique(data.y)) > 1:
        found = two_scales(
            data.y, failed, before, others, data.w, binary=binary, kind=data.kind, clusters=data.clusters,
            observed=data.equal_weights, ci_level=ci_level, n_boot=n_boot, rng=generator(seed, "M22"),
        )  # fmt: skip
    row = two_scale_columns(found, ci_level, names=("without", "with"))
    better = -1 if turned else 1  # a smaller rise of leaving, or a smaller fall of the score
    side = better * found.agree() if found else 0
    row["verdict"] = "insufficient" if few else {1: "supported", -1: "contradicted", 0: "inconclusive"}[side]
    row["n_needed"] = n_needed(data.sample.n, found.difference[0], WORTH if binary else WORTH_POINTS) if found else np.nan
    status = "insufficient" if few else "degenerate" if found is None else max(found.status, data.status(model=True), key=STATUSES.index)
    rows = [{"term": "interaction", **row, "status": status}]
    rows += [_term(found, j, name, ci_level, status) for j, name in enumerate(("failure", "prior", "product"))]
    within = _within(data, failed, before, others, respondent, ci_level) if not binary and respondent and not few else None
    rows += [within] if within else []
    counted = dict(n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff)
    rows = [{"by": "", "group": "", **r, **counted} for r in rows] + [
        {"term": "cell", **c, "n_missing": data.sample.n_missing} for c in cells
    ]
    return Result.of(
        "M22", pd.DataFrame(rows), function="delight.loyalty.goodwill.goodwill", notes=terms.notes, outcome=y,
        failure=failure, prior=prior, prior_score=prior_score, controls=list(controls), delight_from=delight_from, turned=turned, binary=binary,
        scale=scales[y], prior_scale=scales[prior], clusters=clusters, ci_level=ci_level, n_boot=n_boot, seed=seed, fewest=FEWEST,
        worth=WORTH if binary else WORTH_POINTS, keys=["outcome_role", "term"], **data.meta,
    )  # fmt: skip


def _term(found, j, name, ci_level, status):
    row = dict(term=name, coef=np.nan, se=np.nan, ci_lo=np.nan, ci_hi=np.nan, p=np.nan, status=status)
    if found is None:
        return row
    coef, se = float(found.coef[j]), float(found.se[j])
    df = found.odds[0].df
    spread = stats.t(df) if np.isfinite(df) else stats.norm
    half = spread.ppf(0.5 + ci_level / 2) * se
    p = float(2 * spread.sf(abs(coef / se))) if se > 0 else np.nan
    if name == "product":  # profile limits where the answers separate
        odds, p = found.odds
        return row | dict(coef=coef, se=se, ci_lo=odds.lo, ci_hi=odds.hi, p=p)
    return row | dict(coef=coef, se=se, ci_lo=coef - half, ci_hi=coef + half, p=p)


def _within(data, failed, before, others, respondent, ci_level):
    """The interaction within customers (fixed effects), errors clustered by customer; None with fewer than 40 customers with two failures."""
    who = pd.factorize(data.sample.frame[respondent])[0]
    failures = np.bincount(who, failed)
    if (failures >= 2).sum() < FEWEST:
        return None
    x = np.column_stack([failed, before, failed * before, others])
    w, size = data.w, np.bincount(who, data.w)

    def centred(v):
        return v - (np.bincount(who, w * v) / size)[who]

    within = np.column_stack([centred(c) for c in x.T])
    fit = fit_linear(centred(data.y), within, w, kind=data.kind, clusters=who)
    if np.isnan(fit.coef).any():
        return None
    est, p = fit.contrast(np.eye(x.shape[1])[2], ci_level)
    return dict(term="within", coef=est.value, estimate=est.value, se=est.se, ci_lo=est.lo, ci_hi=est.hi, p=p, status="ok")


def stock(frame, *, y, failure, score, scales, delight_from, respondent="respondent", wave="wave", order=None, controls=(), ci_level=0.95):
    """Goodwill as a balance that delight pays into and failures draw on: how much of it is left a period later?

    Parameters
    ----------
    frame : pandas.DataFrame, one row a customer and wave, at least three waves; unchanged.
    y : str
        Leaving after the wave (0/1).
    failure, score : str
        1 if something went wrong in the wave's period; satisfaction in the wave.
    scales : dict of column -> Scale
        Of `y` and `score`.
    delight_from : float
    respondent, wave, order : as `panel.prior`; a customer's rows count from her first on, and only unbroken runs of waves.
    controls : sequence of str
        Numbers, held equal.

    Returns
    -------
    Result
        A row per share kept ``delta`` of the grid: ``loglik, distance`` (twice the distance from the best), ``in_set``; one row has
        ``best`` with ``balance`` (log odds of leaving per unit of balance), ``kappa`` (units that a failure draws), ``se_balance, delta_lo,
        delta_hi`` (profile), ``p`` (of the balance); ``n`` (rows), ``n_customers, n_missing, n_eff, status``. At the first or last grid point:
        ``edge``, no interval. Fewer than three waves, 40 failures or 5 events a parameter: ``insufficient``.

    Notes
    -----
    B_t = delta B_(t-1) + delight_t - kappa failure_t, so that for a given delta leaving is a logit of two discounted sums. The balance
    before a customer's first wave is taken as nought. What counts is the balance before this wave's answers, since delight measured after
    the failure is no prior delight: the delight of the wave before counts in full, that of the wave before it delta times.
    """
    need_columns(frame, [y, failure, score, respondent, wave, *controls])
    for c in (y, score):
        check_scale(frame[c], scales[c], column=c)
    order = sorted(frame[wave].dropna().unique()) if order is None else list(order)
    rows = frame[frame[wave].isin(order)]
    rows = rows[~twice_answered(rows, respondent=respondent, wave=wave)]
    n_in = len(rows)
    rows = rows.dropna(subset=[y, failure, score, respondent, *controls])
    at = rows[wave].map({w: i for i, w in enumerate(order)})
    rows = rows.assign(**{"(at)": at}).sort_values([respondent, "(at)"], kind="stable")
    same = rows[respondent].eq(rows[respondent].shift()) & rows["(at)"].eq(rows["(at)"].shift() + 1)
    run = (~same).cumsum()
    place = rows.groupby(run).cumcount().to_numpy()
    delighted = (rows[score].to_numpy(dtype=float) >= delight_from).astype(float)
    failed, left = rows[failure].to_numpy(dtype=float), (rows[y].to_numpy(dtype=float) > scales[y].min).astype(float)
    used = place > 0
    constant = np.column_stack([np.ones(len(rows)), *[(rows["(at)"] == w).astype(float) for w in sorted(rows["(at)"].unique())[2:]],
                                *[rows[c].astype(float) - rows[c].mean() for c in controls]])[used]  # fmt: skip
    parameters = constant.shape[1] + 2
    events = min(left[used].sum(), (1 - left[used]).sum()) if used.any() else 0
    enough = len(order) >= 3 and place.max(initial=0) >= 2 and failed[used].sum() >= FEWEST and events >= 5 * parameters
    counted = dict(
        n=int(used.sum()), n_customers=int(rows.loc[used, respondent].nunique()), n_missing=n_in - len(rows), n_eff=float(used.sum())
    )
    blank = dict.fromkeys(("loglik", "distance", "balance", "se_balance", "kappa", "delta_lo", "delta_hi", "p"), np.nan)
    meta = dict(outcome=y, failure=failure, score=score, delight_from=delight_from, controls=list(controls), waves=order, ci_level=ci_level,
                n_used=counted["n"], n_dropped_missing=counted["n_missing"], n_in=n_in, n_eff=counted["n_eff"], keys=["delta"])  # fmt: skip
    function = "delight.loyalty.goodwill.stock"
    if not enough:
        table = pd.DataFrame([dict(delta=np.nan, **blank, in_set=False, best=False, **counted, status="insufficient")])
        return Result.of("M22.stock", table, function=function, **meta)
    customer = rows.loc[used, respondent].to_numpy()
    fits = [_stock_fit(delta, run.to_numpy(), delighted, failed, left, used, constant, customer) for delta in KEPT]
    ll = np.array([f.ll if f.usable else -np.inf for f in fits])
    best = int(np.argmax(ll))
    table = pd.DataFrame({"delta": KEPT, "loglik": ll, "distance": 2 * (ll[best] - ll)}).assign(
        **{k: np.nan for k in blank if k not in ("loglik", "distance")}
    )
    table["in_set"], table["best"] = table["distance"] <= stats.chi2.ppf(ci_level, 1), table.index == best
    fit, edge = fits[best], best in (0, len(KEPT) - 1)
    balance, used_up = float(fit.coef[-2]), float(fit.coef[-1])
    inside = table.loc[table["in_set"], "delta"]
    table.loc[best, ["balance", "se_balance", "kappa", "p"]] = (
        balance,
        float(fit.se[-2]),
        -used_up / balance if balance else np.nan,
        float(fit.p[-2]),
    )
    if not edge:
        table.loc[best, ["delta_lo", "delta_hi"]] = inside.min(), inside.max()
    return Result.of("M22.stock", table.assign(**counted, status="edge" if edge else "ok"), function=function, **meta)


def _stock_fit(delta, run, delighted, failed, left, used, constant, customer):
    """Logit of leaving on what is left of earlier delight, and of earlier and present failures."""
    paid, drawn = np.zeros(len(run)), np.zeros(len(run))
    for i in range(len(run)):
        if i and run[i] == run[i - 1]:
            paid[i] = delighted[i - 1] + delta * paid[i - 1]
            drawn[i] = delta * drawn[i - 1]
        drawn[i] += failed[i]
    x = np.column_stack([constant, paid[used], drawn[used]])
    return logit.fit_logit(left[used], x, clusters=customer)


def recovery(
    frame,
    *,
    y,
    failure,
    resolved,
    scales,
    resolved_from=None,
    controls=(),
    turned=False,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
):
    """Is a customer whose problem was solved better than expected more loyal than one without a problem (service-recovery paradox)?

    Parameters
    ----------
    frame, y, failure, scales, controls, turned, weights, weights_kind, clusters, ci_level : as `goodwill`
    resolved : str
        How the problem was handled: graded, or better/worse than expected.
    resolved_from : float, optional
        Lowest answer that counts as better than expected; default the scale's good cut.

    Returns
    -------
    Result
        Rows ``contrast`` = ``resolved - none`` (the paradox), ``unresolved - none``, ``resolved - unresolved``: ``estimate`` (points, or
        risk difference of a yes/no outcome), ``se, ci_lo, ci_hi, ci90_lo, ci90_hi, p, p_adj`` (Benjamini-Hochberg over the three), ``n_first,
        n_second, verdict`` (``supported`` paradox: lower limit above zero; ``contradicted``: upper below), ``n, n_missing, n_eff, status``.
        A group below 30: ``insufficient``.

    References
    ----------
    De Matos, C. A., Henrique, J. L. & Vargas Rossi, C. A. (2007). JSR 10(1), 60-77.
    """
    if y not in scales or resolved not in scales:
        raise InputError(f"Columns '{y}' and '{resolved}' need their Scale in `scales`.")
    need_columns(frame, [y, failure, resolved, *controls])
    check_scale(frame[failure], Scale(0, 1), column=failure)
    check_scale(frame[resolved], scales[resolved], column=resolved)
    if resolved_from is None:
        own = scales[resolved].low_high
        resolved_from = scales[resolved].max if is_binary(scales[resolved]) else own[1] if own else None
        if resolved_from is None:
            raise InputError(f"The scale {scales[resolved]} has no customary good cut: say `resolved_from`.")
    group = pd.Series(0.0, index=frame.index).where(frame[failure] == 0)
    group = group.mask((frame[failure] == 1) & frame[resolved].notna(), np.where(frame[resolved] >= resolved_from, 1.0, 2.0))
    made = frame.assign(**{"(group)": group})
    data = prepare(
        made, y=y, x="(group)", scales={y: scales[y], "(group)": Scale(0, 2)}, others=controls, weights=weights,
        weights_kind=weights_kind, clusters=clusters, turned=turned,
    )  # fmt: skip
    terms = design_terms(data, "(group)", None, (), (), controls)
    others = terms.x.drop(columns="(group)", errors="ignore").to_numpy(dtype=float)
    frequency = data.w if data.kind == "frequency" else np.ones(len(data.y))
    n = {g: int(frequency[data.s == g].sum()) for g in (0, 1, 2)}
    dummies = np.column_stack([data.s == 1, data.s == 2]).astype(float)
    pairs = {"resolved - none": (1, 0), "unresolved - none": (2, 0), "resolved - unresolved": (1, 2)}
    rows = []
    for name, (a, b) in pairs.items():
        status = data.status(data.s == a, data.s == b, model=True)
        row = dict(
            contrast=name,
            n_first=n[a],
            n_second=n[b],
            **dict.fromkeys(("estimate", "se", "ci_lo", "ci_hi", "ci90_lo", "ci90_hi", "p"), np.nan),
        )
        if status != "insufficient" and len(np.unique(data.y)) > 1:
            status = _contrast(row, data, dummies, others, a, b, ci_level) or status
        rows.append(row | {"status": status})
    table = pd.DataFrame(rows)
    table["p_adj"] = benjamini_hochberg(table["p"])
    table["verdict"] = np.select(
        [table["status"].eq("insufficient"), table["ci_lo"] > 0, table["ci_hi"] < 0],
        ["insufficient", "supported", "contradicted"],
        "inconclusive",
    )
    return Result.of(
        "M22.recovery", table.assign(n=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff),
        function="delight.loyalty.goodwill.recovery", notes=terms.notes, outcome=y, failure=failure, resolved=resolved,
        resolved_from=float(resolved_from), controls=list(controls), turned=turned, binary=data.binary, scale=scales[y], clusters=clusters,
        ci_level=ci_level, keys=["outcome_role", "contrast"], **data.meta,
    )  # fmt: skip


def _contrast(row, data, dummies, others, a, b, ci_level):
    """Fill one contrast of groups; a status where the fit fails."""
    if data.binary:
        fit = fit_answers(data.y, np.column_stack([dummies, others]), data.w, kind=data.kind, clusters=data.clusters)
        if np.isnan(fit.beta).any():
            return fit.status
        setting = {g: {0: float(g == 1), 1: float(g == 2)} for g in (0, 1, 2)}
        found = [fit.standardised([(1, setting[a]), (-1, setting[b])], at_least=data.top, ci_level=level) for level in (ci_level, 0.90)]
        status = "degenerate" if fit.separated else None
    else:
        fit = fit_linear(data.y, np.column_stack([np.ones(len(data.y)), dummies, others]), data.w, kind=data.kind, clusters=data.clusters)
        if np.isnan(fit.coef).any():
            return "not_identified"
        direction = np.zeros(len(fit.coef))
        direction[1:3] = [(a == g) - (b == g) for g in (1, 2)]
        found = [fit.contrast(direction, level) for level in (ci_level, 0.90)]
        status = None
    (wide, p), (narrow, _) = found
    row |= dict(estimate=wide.value, se=wide.se, ci_lo=wide.lo, ci_hi=wide.hi, ci90_lo=narrow.lo, ci90_hi=narrow.hi, p=p)
    return status

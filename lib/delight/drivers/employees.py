"""Employees as the driver: what their aspects weigh, and whether they turn the satisfied into the delighted (method M32)."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
import pandas as pd
from scipy import stats

from delight import resample
from delight.drivers import draws as drawn
from delight.drivers import shares
from delight.drivers.model import steady
from delight.drivers.prepare import prepare
from delight.drivers.shapley import in_pieces, subset_r2
from delight.errors import InputError
from delight.estimate import Inference, aliased_terms, holm
from delight.logit import fit_logit
from delight.result import STANDING, STATUSES, Note, Result

#: Ways of calling as many attributes employee-related that are all tried; beyond it, and above 15 attributes, some are sampled.
LABELLINGS, SAMPLED = 10_000, 200
#: Fewest respondents on either side of a step.
FEWEST = 10

SHARE_COLUMNS = [
    *("outcome", "n_employee", "n_attributes", "share_of_attributes", "share", "ci_lo", "ci_hi", "expected", "expected_lo", "expected_hi"),
    *(
        "excess",
        "excess_lo",
        "excess_hi",
        "excess_lo90",
        "excess_hi90",
        "excess_p",
        "excess_p_adj",
        "p_labels",
        "n_labellings",
        "exact",
        "r2",
    ),
    *("game", "n", "n_missing", "n_eff", "status"),
]
STEP_COLUMNS = [
    *("part", "n_attributes", "satisfied", "satisfied_lo", "satisfied_hi", "delighted", "delighted_lo", "delighted_hi"),
    *("diff", "se", "ci_lo", "ci_hi", "lo90", "hi90", "p", "p_adj", "n", "n_step", "n_missing", "n_eff", "status"),
]


def employee_share(
    frame,
    *,
    y,
    x,
    employee,
    satisfied_from=None,
    delight_from=None,
    scales=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    always=(),
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """What employee-related attributes weigh together, against what as many attributes picked at random would weigh.

    Parameters
    ----------
    frame, y, x, scales, weights, weights_kind, clusters, not_applicable, always, ci_level, n_boot, seed
        As in `importance.importance`; attributes with a model of their own take no part.
    employee : sequence of str
        The attributes of `x` that are employee-related.
    satisfied_from, delight_from : float, optional
        Lowest scores that count as satisfied and as delighted; by default those of the scale of `y`. They define the two steps.

    Returns
    -------
    Result
        One row an ``outcome``: ``score`` (`y` itself), ``satisfied`` (reaching `satisfied_from`, among all) and ``delighted`` (reaching
        `delight_from`, among those who reached `satisfied_from`); the steps are 0/1 and shared out by least squares. ``share``
        (quotient game between employee-related and other attributes) with interval, ``share_of_attributes``; ``expected``: the mean
        share over all ways of picking as many attributes, ``expected_lo, expected_hi`` the limits that hold `ci_level` of them;
        ``excess = share - expected`` with bootstrap limits (also 90 %), ``excess_p`` and, by Holm over the rows, ``excess_p_adj``; ``p_labels``: share of the ways of picking
        that lie at least as far from the mean (exact where all are tried).

        No employee-related attribute, or nothing else: ``not_identified``. Steps with fewer than 10 respondents on a side:
        ``insufficient``.

    Notes
    -----
    Quotient game of two players: ½ [R²(E) + R²(all) - R²(others)] / R²(all). The null is the mean over labellings and not the share
    of attributes: a group of seven attributes does not weigh seven times what one does.
    """
    employee = list(employee)
    options = {"scales": scales, "weights": weights, "weights_kind": weights_kind, "clusters": clusters}
    model, notes, cuts = _prepared(frame, y, x, employee, satisfied_from, delight_from, not_applicable, always, options)
    inside = np.isin(model.x, employee)
    labellings, exact = _labellings(inside, resample.generator(seed, "M32.labels"))
    n_boot = _affordable(len(inside), len(labellings), n_boot, notes)
    rows = []
    for outcome, values, among in _outcomes(model, cuts):
        counts = _counts(model, among)
        row = {"outcome": outcome, "n_employee": int(inside.sum()), "n_attributes": len(inside), **counts}
        row["share_of_attributes"] = inside.mean() if len(inside) else np.nan
        row["status"] = _status(model, values, among, inside)
        if row["status"] in STANDING:
            draws = drawn.of_model(replace(model, values=values), n_boot, resample.generator(seed, "M32.share"), inside=among)
            row |= _against_chance(draws, inside, labellings, ci_level)
            row |= {"n_labellings": len(labellings), "exact": exact}
            row["status"] = row["status"] if np.isfinite(row["share"]) else "degenerate"
        rows.append(row)
    table = pd.DataFrame(rows).assign(game="quotient").reindex(columns=SHARE_COLUMNS)
    table["excess_p_adj"] = holm(table["excess_p"])
    meta = {"y": y, "x": list(x), "employee": employee, "satisfied_from": cuts[0], "delight_from": cuts[1], "ci_level": ci_level}
    meta |= {"n_boot": n_boot, "seed": seed, "clusters": clusters, "scale": (scales or {}).get(y), "keys": ["outcome"]}
    return Result.of("M32.share", table, function="delight.drivers.employees.employee_share", notes=notes, **model.meta, **meta)


def employee_steps(
    frame,
    *,
    y,
    x,
    employee,
    satisfied_from=None,
    delight_from=None,
    scales=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    always=(),
    ci_level=0.95,
    seed=20250101,
):
    """Does an employee-related attribute count for more on the step from satisfied to delighted than on the step to satisfied?

    Parameters
    ----------
    As `employee_share`.

    Returns
    -------
    Result
        Rows ``employee``, ``other`` and ``contrast`` (employee less other). ``satisfied``: what one point more on one attribute of
        the part goes with in the chance to reach `satisfied_from`, mean over its attributes (average marginal effect); ``delighted``:
        the same for reaching `delight_from` among the satisfied; ``diff = delighted - satisfied`` with ``se, ci_lo, ci_hi``, 90 % limits
        ``p`` and, by Holm over the rows, ``p_adj``. ``n`` respondents, ``n_step`` of whom satisfied. A point is one of the scale where all attributes share one, else
        a tenth of each own range (meta ``unit``).

        A step with fewer than 10 respondents on a side, or fewer than 30 answers: ``insufficient``; a logit that does not settle:
        ``not_converged``; no attribute on one side: ``not_identified``.

    Notes
    -----
    Continuation-ratio logits (Fienberg 1980): logit P(y ≥ satisfied) over all, logit P(y ≥ delighted | y ≥ satisfied), all attributes
    in both. Log odds of two steps have different scales, so average marginal effects are compared; their joint covariance follows
    from the influence of each respondent on both fits. Where few fall short and many stop at satisfied, the second step has the larger
    effects for any attribute: ``contrast`` says whether it is larger for those of employees in particular.
    """
    employee = list(employee)
    options = {"scales": scales, "weights": weights, "weights_kind": weights_kind, "clusters": clusters}
    model, notes, cuts = _prepared(frame, y, x, employee, satisfied_from, delight_from, not_applicable, always, options)
    inside = np.isin(model.x, employee)
    unit = _unit(model.x, dict(scales or {}))
    steps = [(values, among) for outcome, values, among in _outcomes(model, cuts) if outcome != "score"]
    statuses = [_status(model, values, among, inside) for values, among in steps] or ["not_identified"]
    bad = next((s for s in statuses if s not in STANDING), None)
    reached = int(round(model.counted[steps[1][1]].sum())) if steps else 0
    sizes = {"employee": int(inside.sum()), "other": int((~inside).sum()), "contrast": len(inside)}
    counts = {"n": model.n, "n_step": reached, "n_missing": model.n_missing, "n_eff": model.n_eff}
    table = pd.DataFrame({"part": list(sizes), "n_attributes": list(sizes.values())}).assign(**counts)
    if bad is None:
        effects = _marginal_effects(model, steps, inside, unit)
        if effects is None:
            bad = "not_converged"
        else:
            table = pd.concat([table, _contrasts(effects, ci_level)], axis=1)
    status = bad or max(statuses, key=STATUSES.index)
    table = table.assign(status=status).reindex(columns=STEP_COLUMNS)
    meta = {"y": y, "x": list(x), "employee": employee, "satisfied_from": cuts[0], "delight_from": cuts[1], "ci_level": ci_level}
    meta |= {
        "unit": "point" if len(set(unit)) <= 1 and (unit == 1).all() else "tenth",
        "seed": seed,
        "clusters": clusters,
        "keys": ["part"],
    }
    return Result.of("M32.steps", table, function="delight.drivers.employees.employee_steps", notes=notes, **model.meta, **meta)


# ---- the sample and the steps


def _prepared(frame, y, x, employee, satisfied_from, delight_from, not_applicable, always, options):
    """(joint model, notes, (satisfied_from, delight_from)); cuts are None where the scale has no steps."""
    strangers = [a for a in employee if a not in x]
    if strangers:
        raise InputError(f"`employee` names attributes that are not in `x`: {', '.join(strangers)}.")
    prepared = prepare(frame, y=y, x=x, not_applicable=not_applicable, always=always, **options)
    model, scale = prepared.joint, (options["scales"] or {}).get(y)
    points = np.unique(model.values)
    if satisfied_from is None and scale is not None and scale.low_high:
        above = points[points > scale.low_high[0]]
        satisfied_from = float(above.min()) if len(above) else None
    if delight_from is None and scale is not None:
        delight_from = scale.delight_from
    if satisfied_from is None or delight_from is None or not delight_from > satisfied_from:
        return model, [*prepared.notes, Note("no_steps", {})], (None, None)
    return model, [*prepared.notes], (satisfied_from, delight_from)


def _outcomes(model, cuts):
    """(name, values, rows that count) of the score and, where the scale has them, of the two steps."""
    everyone = np.ones(len(model.w), dtype=bool)
    yield "score", model.values, everyone
    if cuts[0] is not None:
        satisfied = model.values >= cuts[0] - 1e-9
        yield "satisfied", satisfied.astype(float), everyone
        yield "delighted", (model.values >= cuts[1] - 1e-9).astype(float), satisfied


def _counts(model, among):
    """n, n_missing and n_eff of the rows that count; who stopped before a step is not missing from it."""
    n = int(round(model.counted[among].sum()))
    w = model.w[among]
    n_eff = float(w.sum() ** 2 / (w**2).sum()) if model.kind == "sampling" and n else float(n)
    return {"n": n, "n_missing": model.n_missing, "n_eff": n_eff}


def _status(model, values, among, inside):
    """Status of one outcome."""
    part = _part(replace(model, values=values), among)
    status = drawn.status_of(part)
    if status in ("insufficient", "degenerate"):
        return status
    if not inside.any() or inside.all():
        return "not_identified"
    sides = [part.counted[part.values == v].sum() for v in np.unique(part.values)]
    return "insufficient" if len(sides) == 2 and min(sides) < FEWEST else status


def _part(model, among):
    """The model of the rows `among`, without forced terms that no longer differ between them."""
    rows = {name: getattr(model, name)[among] for name in ("values", "scores", "applies", "w")}
    fixed = model.fixed[among]
    names = list(range(fixed.shape[1]))
    spare = aliased_terms(np.column_stack([np.ones(len(fixed)), fixed]), [None, *names]) if len(fixed) else names
    counts = _counts(model, among)
    groups = model.clusters[among] if model.clusters is not None else None
    return replace(model, **rows, fixed=fixed[:, [j for j in names if j not in spare]], clusters=groups, **counts)


# ---- share


def _labellings(inside, rng):
    """(boolean rows: ways of calling as many attributes employee-related, the actual one first; whether these are all)."""
    p, k = len(inside), int(inside.sum())
    if p <= shares.EXACT_UP_TO and comb(p, k) <= LABELLINGS:
        members = np.arange(2**p)[:, None] >> np.arange(p) & 1 == 1
        every = members[members.sum(axis=1) == k]
        return np.vstack([inside, every[(every != inside).any(axis=1)]]), True
    picked = rng.permuted(np.tile(inside, (SAMPLED - 1, 1)), axis=1)
    return np.vstack([inside, picked]), False


def _affordable(p, n_labellings, n_boot, notes):
    """Draws within the budget, with a note where they are fewer than asked for."""
    tabled = p <= shares.EXACT_UP_TO  # R² of all sets is there to look up; above it every labelling is a regression
    draws = shares.affordable(n_boot, max(1, 2 ** (p + 1) + 2 * n_labellings if tabled else n_labellings * p * p))
    if draws < n_boot:
        notes.append(Note("draws_lowered", {"n_boot": draws, "asked": int(n_boot)}))
    return draws


def worth(rxx, rxy, members):
    """R² of sets of attributes, shape (sets, draws), for boolean rows `members`."""
    p = rxy.shape[1]
    if p <= shares.EXACT_UP_TO:
        at = members @ (1 << np.arange(p))
        return np.concatenate([subset_r2(rxx[piece], rxy[piece])[at] for piece in in_pieces(len(rxy), 2**p)], axis=1)
    found = np.empty((len(members), len(rxy)))
    for s, member in enumerate(members):
        m = np.flatnonzero(member)
        r = rxy[:, m]
        steady = rxx[:, m][:, :, m] + 1e-10 * np.eye(len(m))
        found[s] = (r * np.linalg.solve(steady, r[:, :, None])[:, :, 0]).sum(axis=1)
    return found


def _against_chance(draws, inside, labellings, ci_level):
    """Share of the actual labelling, and of all, in the sample and every draw."""
    p = len(inside)
    together = worth(draws.rxx, draws.rxy, np.ones((1, p), dtype=bool))[0]
    with np.errstate(all="ignore"):
        part = (worth(draws.rxx, draws.rxy, labellings) + together - worth(draws.rxx, draws.rxy, ~labellings)) / 2 / together
    part[:, ~(together > 1e-12)] = np.nan
    share, expected = part[0], part.mean(axis=0)
    excess = share - expected
    tail = (1 - ci_level) / 2
    row = {"share": share[0], "expected": expected[0], "r2": together[0]}
    row |= dict(zip(("expected_lo", "expected_hi"), np.quantile(part[:, 0], [tail, 1 - tail]))) if np.isfinite(share[0]) else {}
    row |= dict(zip(("ci_lo", "ci_hi"), shares.limits(share, ci_level)))
    row |= shares.interval("excess", excess, ci_level) | dict(zip(("excess_lo90", "excess_hi90"), shares.limits(excess, 0.90)))
    row["excess_p"] = float(resample.two_sided_p(excess[1:])) if len(excess) > 1 else np.nan
    away = np.abs(part[:, 0] - expected[0])
    row["p_labels"] = float((away >= away[0] - 1e-12).mean())
    return {name: float(value) for name, value in row.items()}


# ---- steps


def _unit(x, scales):
    """How much of each attribute is a point: 1 where all share one scale (or have none), else a tenth of each range."""
    if len({(scales[a].min, scales[a].max) if a in scales else None for a in x}) <= 1:
        return np.ones(len(x))
    return np.array([(scales[a].max - scales[a].min) / 10 if a in scales else 1.0 for a in x])


def _marginal_effects(model, steps, inside, unit):
    """Estimates with covariance of: employee on the first step, on the second, other on the first, on the second; None if a fit fails."""
    values, influence, df = np.empty(4), np.zeros((len(model.w), 4)), np.inf
    for at, (outcome, among) in enumerate(steps):
        part = _part(replace(model, values=outcome), among)
        design = np.column_stack([np.ones(len(part.w)), part.fixed, part.scores / unit])
        n_fixed = design.shape[1] - len(model.x)
        fit, _ = steady(fit_logit, part.values, design, part, n_fixed)
        if not fit.usable:
            return None
        chance = fit.probabilities(design)[:, 1]
        slope, bend = chance * (1 - chance), chance * (1 - chance) * (1 - 2 * chance)
        total = part.w.sum()
        mean_slope = part.w @ slope / total
        for side, members in ((0, inside), (2, ~inside)):
            average = np.concatenate([np.zeros(n_fixed), members / members.sum()])
            beta = average @ fit.coef
            gradient = beta * (part.w * bend) @ design / total + mean_slope * average
            values[side + at] = mean_slope * beta
            influence[among, side + at] = fit.influence @ gradient + (slope - mean_slope) * beta / total
    if model.clusters is not None:
        g = int(model.clusters.max()) + 1
        summed = np.zeros((g, 4))
        np.add.at(summed, model.clusters, influence * model.w[:, None])
        cov, df = summed.T @ summed * (g / (g - 1) if g > 1 else np.nan), float(g - 1)
    else:
        each = model.w if model.kind == "frequency" else model.w**2
        cov = (influence * each[:, None]).T @ influence
    return Effects(values, cov, df)


class Effects(Inference):
    """Four average marginal effects with their covariance."""

    def __init__(self, coef, cov, df):
        self.coef, self.cov, self.df = coef, cov, df


def _contrasts(effects, ci_level):
    """Columns of the three rows."""
    first, second = np.eye(4)[[0, 2]], np.eye(4)[[1, 3]]
    rows = []
    for weights in ([1, 0], [0, 1], [1, -1]):
        row = {}
        for name, direction in (("satisfied", weights @ first), ("delighted", weights @ second)):
            found, _ = effects.contrast(direction, ci_level)
            row |= {name: found.value, f"{name}_lo": found.lo, f"{name}_hi": found.hi}
        found, p = effects.contrast(weights @ (second - first), ci_level)
        half = stats.t.ppf(0.95, effects.df) * found.se
        row |= {"diff": found.value, "se": found.se, "ci_lo": found.lo, "ci_hi": found.hi}
        rows.append(row | {"lo90": found.value - half, "hi90": found.value + half, "p": p})
    return pd.DataFrame(rows).assign(p_adj=lambda t: holm(t["p"]))

"""Who can be delighted: does an extra delight only those whose basics are met, and pay only where the mean is high? (methods M06)"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import optimize, stats

from delight.errors import InputError
from delight.estimate import need_columns, sample
from delight.loyalty.interaction import cell_rows, n_needed, two_scale_columns, two_scales
from delight.loyalty.outcome import event_from, is_binary, prepare
from delight.loyalty.regression import FEWEST_ANSWERS, design_terms
from delight.resample import generator
from delight.result import STATUSES, Note, Result
from delight.scales import Scale, check_scale

#: Persons with the delighter needed among those whose basics are met, and among the others.
FEWEST = 40
#: Units needed, and units in each of the four cells, for the reading by organisation.
UNITS, UNITS_A_CELL = 20, 3
#: Difference of risk differences worth finding, for the number of answers needed.
WORTH = 0.10


def gate(
    frame,
    *,
    y,
    delighters,
    basics,
    scales,
    event=None,
    delighter_from=None,
    basics_from=None,
    covariates=(),
    turned=False,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Does a delighter do more for customers whose basics are met than for the others?

    Parameters
    ----------
    frame : pandas.DataFrame, one row a response; unchanged.
    y : str
        Overall satisfaction or a loyalty outcome.
    delighters, basics : sequences of str
        Columns graded or answered yes/no. A customer has the delighter if one of `delighters` reaches `delighter_from`, and has the
        basics met if all `basics` reach `basics_from`.
    scales : dict of column -> Scale
    event : float, optional
        Lowest answer of `y` that counts; default `event_from`.
    delighter_from, basics_from : float, optional
        On the scale of the columns; default the scale's good grade (9 on 1-10) and its knot (8 on 1-10), yes on 0/1.
    covariates : sequence of str
        Held equal.
    turned, weights, weights_kind, clusters, ci_level, n_boot, seed : as `curve.curve`; the bootstrap is of the risk difference.

    Returns
    -------
    Result
        Row ``gate`` = ``person``: ``effect_met, effect_not`` (risk difference of the delighter in each group, standardised) with
        ``_lo, _hi``, ``interaction_rd`` with ``_lo, _hi, _p, boot_lo, boot_hi``, ``interaction_logit`` with ``_lo, _hi, _p``,
        ``scales_agree, verdict`` (``supported``: both intervals above zero; ``contradicted``: both below; else ``inconclusive``;
        ``insufficient`` with fewer than 40 with the delighter in either group), ``estimate, ci_lo, ci_hi, ci90_lo, ci90_hi, p`` (of the
        risk difference; p the larger of both scales), ``n_needed, n, n_missing, n_eff, status``. Rows ``cell`` (``by, group``: ``met with``, ``met
        without``, ``not with``, ``not without``): ``value`` (raw share) with ``_lo, _hi`` (Wilson), ``n``.

    Notes
    -----
    Logit with the interaction; risk differences standardised over everybody (Ai & Norton 2003), delta method. Risks and odds can
    disagree without any gate: near the top of the outcome there is little left to gain, so both scales must show it.
    Columns of one questionnaire share a way of rating; that too can look like a gate.
    """
    asked = [*delighters, *basics]
    if not delighters or not basics:
        raise InputError("A gate needs at least one delighter and one basic.")
    both = sorted(set(delighters) & set(basics))
    if both or y in asked:
        raise InputError(f"Outcome, delighters and basics must be different columns: {', '.join(both) or y}.")
    need_columns(frame, [y, *asked, *covariates])
    lacking = [c for c in (y, *asked) if c not in scales]
    if lacking:
        raise InputError(f"These columns need their Scale in `scales`: {', '.join(lacking)}.")
    event = scales[y].max if is_binary(scales[y]) else event_from(scales[y]) if event is None else event
    for c in asked:
        check_scale(frame[c], scales[c], column=c)
    high = {c: _from(scales[c], delighter_from, "low_high") for c in delighters}
    met = {c: _from(scales[c], basics_from, "knot") for c in basics}
    made = frame.assign(**{"(delighter)": _any(frame, high), "(basics)": _all(frame, met)})
    data = prepare(
        made, y=y, x="(delighter)", scales={y: scales[y], "(delighter)": Scale(0, 1)}, others=["(basics)", *covariates], weights=weights,
        weights_kind=weights_kind, clusters=clusters, turned=turned,
    )  # fmt: skip
    terms = design_terms(data, "(delighter)", None, (), (), covariates)
    others = terms.x.drop(columns="(delighter)", errors="ignore").to_numpy(dtype=float)
    loyal, delighted, basic = (data.y >= event).astype(float), data.s, data.sample.frame["(basics)"].to_numpy(dtype=float)
    names = ({1: "met", 0: "not"}, {1: "with", 0: "without"})
    cells = cell_rows(loyal, delighted, basic, data, names, share=True, ci_level=ci_level)
    n = {c["group"]: c["n"] for c in cells}
    few = min(n["met with"], n["not with"]) < FEWEST or min(n["met without"], n["not without"]) < FEWEST_ANSWERS
    found = None
    if not few and len(np.unique(loyal)) == 2:
        found = two_scales(
            loyal, delighted, basic, others, data.w, binary=True, kind=data.kind, clusters=data.clusters, observed=data.equal_weights,
            ci_level=ci_level, n_boot=n_boot, rng=generator(seed, "M06.gate"),
        )  # fmt: skip
    row = {"gate": "person", "by": "", "group": "", **two_scale_columns(found, ci_level, names=("not", "met"))}
    row["verdict"] = "insufficient" if few else {1: "supported", -1: "contradicted", 0: "inconclusive"}[found.agree() if found else 0]
    row["n_needed"] = n_needed(data.sample.n, found.difference[0], WORTH) if found else None
    row["status"] = (
        "insufficient" if few else "degenerate" if found is None else max(found.status, data.status(model=True), key=STATUSES.index)
    )
    row |= dict(n=data.sample.n, n_eff=data.sample.n_eff)
    table = pd.DataFrame([row, *[{"gate": "cell", **c} for c in cells]]).astype({"n_needed": float}).assign(n_missing=data.sample.n_missing)
    return Result.of(
        "M06.gate", table, function="delight.loyalty.gate.gate",
        notes=terms.notes, outcome=y, turned=turned, event=float(event), scale=scales[y], delighters=list(delighters), basics=list(basics), delighter_from=high,
        basics_from=met, covariates=list(covariates), clusters=clusters, ci_level=ci_level, n_boot=n_boot, seed=seed, fewest=FEWEST,
        worth=WORTH, binary=data.binary, keys=["outcome_role", "gate"], **data.meta,
    )  # fmt: skip


def _from(scale, declared, own):
    """Point from which an answer counts: declared, yes, or the scale's own good grade or knot."""
    if declared is not None:
        return float(declared)
    if is_binary(scale):
        return float(scale.max)
    found = scale.low_high[1] if own == "low_high" and scale.low_high else scale.knot if own == "knot" else None
    if found is None:
        raise InputError(f"The scale {scale} has no customary good grade: say `delighter_from` and `basics_from`.")
    return float(found)


def _any(frame, cuts):
    """1 where an answered column reaches its cut, else 0; missing where nothing was answered."""
    reached = pd.DataFrame({c: frame[c] >= cut for c, cut in cuts.items()}).any(axis=1)
    return reached.astype(float).where(frame[list(cuts)].notna().any(axis=1))


def _all(frame, cuts):
    """1 where every answered column reaches its cut, else 0: what does not apply to a customer cannot fail her; missing without any answer."""
    below = pd.DataFrame({c: frame[c] < cut for c, cut in cuts.items()}).any(axis=1)
    return (~below).astype(float).where(frame[list(cuts)].notna().any(axis=1))


def gate_units(
    frame, *, y, unit, level, initiative, scales, band_from=8.5, weights=None, weights_kind="sampling", ci_level=0.95, fewest=UNITS
):
    """Does work on delight do more in units whose mean grade is high?

    Parameters
    ----------
    frame : pandas.DataFrame, one row a response; unchanged.
    y : str
        Outcome of a response, after the initiative began.
    unit : str
        Location, team, account.
    level : str
        The unit's mean grade, the same in all its rows, best of an earlier wave: a mean that holds `y` itself makes a gate by arithmetic.
    initiative : str
        1 where the unit worked on delight, else 0; the same in all its rows.
    scales : dict of column -> Scale
        Of `y`.
    band_from : float
        Mean grade from which a unit belongs to the high band.

    Returns
    -------
    Result
        One row, ``gate`` = ``organisation``: ``effect_met, effect_not`` (of the initiative in the high and the low band) and ``estimate``
        (their difference) with ``se, ci_lo, ci_hi, ci90_lo, ci90_hi, p``, ``units``, units in each cell ``units_met_with``, …,
        ``icc, verdict, n, n_missing, n_eff, status``. Fewer than 20 units, or than 3 in a cell: ``not_identified``.

    Notes
    -----
    y = a + b initiative + c high + d initiative x high + unit + error, by restricted maximum likelihood; t with units - 4 degrees of
    freedom. Sampling weights are left out of a mixed model (note ``unweighted``).

    References
    ----------
    Laird, N. M. & Ware, J. H. (1982). Biometrics 38, 963-974.
    """
    used = sample(frame, [y, unit, level, initiative], weights=weights, weights_kind=weights_kind)
    check_scale(frame[y], scales[y], column=y)
    rows = used.frame
    units = rows.groupby(unit)[[level, initiative]].agg(["min", "max"])
    varies = [c for c in (level, initiative) if (units[c]["max"] - units[c]["min"] > 1e-9).any()]
    if varies:
        raise InputError(f"Within a unit of '{unit}' these columns must have one value: {', '.join(varies)}.")
    if not rows[initiative].isin([0, 1]).all():
        raise InputError(f"Column '{initiative}' says 1 (worked on delight) or 0, nothing else.")
    of = pd.DataFrame({"high": units[level]["min"] >= band_from, "acts": units[initiative]["min"] == 1})
    cells = {f"units_{g}_{h}": int(((of["high"] == hi) & (of["acts"] == has)).sum()) for g, hi in (("met", True), ("not", False))
             for h, has in (("with", True), ("without", False))}  # fmt: skip
    row = {"gate": "organisation", "units": len(of), **cells}
    blank = ("effect_met", "effect_not", "estimate")
    limits = [f"{name}{end}" for name in blank[:2] for end in ("", "_lo", "_hi")]
    row |= dict.fromkeys([*limits, "estimate", "se", "ci_lo", "ci_hi", "ci90_lo", "ci90_hi", "p", "icc"], np.nan)
    ok = len(of) >= fewest and min(cells.values()) >= UNITS_A_CELL and rows[y].nunique() > 1
    status = "ok" if ok else "not_identified"
    if ok:
        more, status = _mixed(rows, y, unit, of, ci_level)
        row |= more
    signs = int(row["ci_lo"] > 0) - int(row["ci_hi"] < 0) if status == "ok" else 0
    row["verdict"] = {1: "supported", -1: "contradicted", 0: "inconclusive"}[signs] if status == "ok" else "not_identified"
    notes = [Note("unweighted", {})] if weights else []
    table = pd.DataFrame([row | dict(n=used.n, n_missing=used.n_missing, n_eff=used.n_eff, status=status)])
    return Result.of(
        "M06.gate_units", table, function="delight.loyalty.gate.gate_units", notes=notes, outcome=y, unit=unit, level=level,
        initiative=initiative, band_from=band_from, ci_level=ci_level, scale=scales[y], keys=["gate"], **used.meta,
    )  # fmt: skip


def _mixed(rows, y, unit, of, ci_level):
    """Columns of the mixed model, and its status."""
    high, acts = (rows[unit].map(of[c]).to_numpy(dtype=float) for c in ("high", "acts"))
    x = np.column_stack([np.ones(len(rows)), acts, high, acts * high])
    coef, cov, icc = random_intercept(rows[y].to_numpy(dtype=float), x, rows[unit].to_numpy())
    row, df = {"icc": icc}, len(of) - 4
    for name, direction in (("effect_not", [0, 1, 0, 0]), ("effect_met", [0, 1, 0, 1]), ("", [0, 0, 0, 1])):
        direction = np.array(direction, dtype=float)
        value, se = float(direction @ coef), float(np.sqrt(direction @ cov @ direction))
        half = stats.t.ppf(0.5 + ci_level / 2, df) * se
        if name:
            row |= {name: value, f"{name}_lo": value - half, f"{name}_hi": value + half}
        else:
            narrow = stats.t.ppf(0.95, df) * se
            row |= dict(estimate=value, se=se, ci_lo=value - half, ci_hi=value + half, ci90_lo=value - narrow, ci90_hi=value + narrow)
            row["p"] = float(2 * stats.t.sf(abs(value / se), df)) if se > 0 else np.nan
    return row, "ok" if se > 0 else "degenerate"


def random_intercept(y, x, units):
    """Linear model with a random intercept per unit by restricted maximum likelihood: (coefficients, covariance, intraclass correlation).

    The ratio of the variances is searched on one line; for each ratio all else has a closed form (Laird & Ware 1982).
    """
    codes = np.unique(units, return_inverse=True)[1]
    size = np.bincount(codes).astype(float)
    design = np.column_stack([x, y])
    totals = np.zeros((len(size), design.shape[1]))
    np.add.at(totals, codes, design)
    products, k = design.T @ design, x.shape[1]

    def at(ratio):
        """Minus twice the restricted log-likelihood, coefficients, their covariance."""
        sums = products - (totals * (ratio / (1 + size * ratio))[:, None]).T @ totals
        left = sums[:k, :k]
        coef = np.linalg.solve(left, sums[:k, k])
        scale = (sums[k, k] - coef @ sums[:k, k]) / (len(y) - k)
        deviance = (len(y) - k) * np.log(scale) + np.log1p(size * ratio).sum() + np.linalg.slogdet(left)[1]
        return deviance, coef, scale * np.linalg.inv(left)

    found = optimize.minimize_scalar(lambda log: at(np.exp(log))[0], bounds=(-14, 6), method="bounded", options={"xatol": 1e-8})
    ratio = float(np.exp(found.x)) if found.fun < at(0.0)[0] else 0.0
    _, coef, cov = at(ratio)
    return coef, cov, ratio / (1 + ratio)

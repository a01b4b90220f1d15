"""The rule of 8.5: does loyalty rise faster there? Judged on the local contrast of grades, or on a bend of a fine scale (methods M06)."""

from __future__ import annotations

import numpy as np
from scipy import stats

from delight.loyalty.bends import latent_hinge, search_bend
from delight.loyalty.fits import FEWEST, data_of, is_fine
from delight.loyalty.local import AROUND, grade_table, saturated_means, sign
from delight.result import Note, Result

#: The published rule.
RULE = 8.5
#: Share of loyalty answers at the maximum from which the ordered logit must agree.
BOUNDED = 0.20


def rule(
    frame,
    *,
    y,
    x,
    scales,
    covariates=(),
    turned=False,
    bend=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=4999,
    trim=0.10,
    fewest=FEWEST,
    seed=20250101,
):
    """Does loyalty rise faster above 8.5? The local contrast D = (m9 - m8) - (m8 - m7), with a verdict.

    Parameters
    ----------
    frame, y, x, scales, covariates, turned : as `forms`
    bend : float, optional
        A contrast worth finding, for the number of answers needed; default .10 for yes/no outcomes, .5 on 0-10 and 1-10.
    n_boot, trim, fewest, seed : as `forms`, for a fine satisfaction scale.

    Returns
    -------
    Result
        A row per grade: ``grade, n, mean, ci_lo, ci_hi`` (adjusted for the covariates at their means), the second difference centred at
        the grade on the outcome's scale ``d_local, d_se, d_lo, d_hi, d90_lo, d90_hi, d_p`` (the 90 % limits for equivalence) and on the latent scale of the ordered logit ``d_latent,
        d_latent_se, d_latent_lo, d_latent_hi, d_latent_p`` (grades 6-9), ``share_max, verdict`` (at grade 8), ``n_total, n_missing, n_eff,
        status``. ``meta``: ``verdict`` (``supported, contradicted, inconclusive, insufficient, not_identified``), ``flags``, ``n_around``
        (answers at 7, 8, 9), ``d`` and ``d_latent`` with limits, ``n_needed`` for 80 % power at ``bend``, ``detectable`` (contrast found with
        80 % power), on fine scales ``hinge``.

    Notes
    -----
    Grades: supported if the lower limit of D lies above 0, contradicted if the upper lies below, insufficient with fewer than 25 answers at
    7, 8 or 9 (fine scales: too few for three admissible bends). More than 20 % of the outcome at its maximum: flag ``bounded_outcome``, and the ordered logit (sparse grades up to 6 merged)
    must agree in sign and significance. Fine scales: supported if the hinge accelerates, its profile set holds 8.5 and is at most 1.5 wide,
    contradicted only by D of the rounded answers.
    Satisfaction on another scale than 0-10 or 1-10 cannot test the rule: ``not_identified``. Latent standard errors come from the
    observed information, with sampling weights or clusters from the sandwich.

    References
    ----------
    Finn, A. (2012). JSR 15(1), 99-110. Streukens, S. & de Ruyter, K. (2004). Marketing Letters 15, 99-111.
    """
    data, z, notes = data_of(frame, y, x, scales, covariates, turned, weights, weights_kind, clusters)
    scale, fine = scales[x], is_fine(data.s, scales[x])
    testable = (scale.min, scale.max) in ((0, 10), (1, 10)) and (scale.step == 1 or fine)
    grades = np.floor(data.s + 0.5) if testable else data.s
    frequency = data.w if data.kind == "frequency" else np.ones(len(data.y))
    share_max = float(np.average(data.y >= data.top, weights=data.w)) if len(data.y) else np.nan
    around = {g: int(frequency[grades == g].sum()) for g in AROUND} if testable else {}
    enough = bool(around) and min(around.values()) >= fewest
    means = saturated_means(data, z, grades)
    table, d, contrast = grade_table(data, z, grades, means, ci_level, latent=testable, share_max=share_max)
    flags = ["bounded_outcome"] if testable and share_max > BOUNDED else []
    latent = d.get("latent")
    hinge = None
    if not testable:
        verdict, d = "not_identified", {}
    elif data.status(model=True) == "insufficient" or (not fine and not enough):
        verdict = "insufficient"
    elif fine:
        hinge = search_bend(data, z, ci_level, n_boot, trim, fewest, seed)
        local, odds = (d.get("local"), latent) if enough else (None, None)
        verdict, more = _fine_verdict(data, z, hinge, local, odds, bool(flags), ci_level)
        flags += more
    else:
        verdict = sign(d["local"])
        if flags and (verdict == "inconclusive" or sign(latent) != verdict):
            verdict = "inconclusive"
    if not testable:
        notes = [*notes, Note("scale_cannot_test", {"scale": scale.as_dict(), "rule": RULE})]
    table["verdict"] = np.where(table["grade"] == AROUND[1], verdict, "")
    bend = (0.10 if data.binary else 0.5) if bend is None else bend
    meta = dict(
        outcome=y, satisfaction=x, turned=turned, covariates=list(covariates), clusters=clusters, ci_level=ci_level, binary=data.binary,
        fine=fine, verdict=verdict, flags=flags, n_around=around, share_max=share_max, bend=bend, rule=RULE, fewest=fewest,
        satisfaction_scale=scale, scale=scales[y], keys=["outcome_role"],
        d=_as_dict(d.get("local"), d.get("p")), d_latent=_as_dict(latent, d.get("latent_p")), hinge=hinge.as_dict() if hinge else None, seed=seed, n_boot=n_boot,
        **_needed(data, contrast, around, bend, fewest), **data.meta,
    )  # fmt: skip
    status = {"insufficient": "insufficient", "not_identified": "not_identified"}.get(
        verdict, "edge" if "edge" in flags else data.status(model=True)
    )
    return Result.of("M06", table, function="delight.loyalty.threshold.rule", notes=notes, status=status, **meta)


def _fine_verdict(data, z, hinge, local, latent, bounded, ci_level):
    """Verdict and flags of the rule on a fine scale."""
    if hinge.status == "insufficient":
        return "insufficient", []
    flags = ["edge"] if hinge.at_edge else []
    if hinge.bend == "accelerating" and not hinge.at_edge and hinge.tau_lo <= RULE <= hinge.tau_hi:
        if hinge.tau_hi - hinge.tau_lo > 1.5:
            return "inconclusive", [*flags, "wide_interval"]
        if not bounded or data.binary or sign(latent_hinge(data, z, hinge.tau, ci_level)) == "supported":
            return "supported", flags
        return "inconclusive", flags
    if sign(local) == "contradicted" and (not bounded or sign(latent) == "contradicted"):
        return "contradicted", flags
    return "inconclusive", flags


def _as_dict(estimate, p):
    return None if estimate is None else dict(value=estimate.value, se=estimate.se, lo=estimate.lo, hi=estimate.hi, p=p)


def _needed(data, contrast, around, bend, fewest):
    """Answers needed in all: for 80 % power at `bend` with these shares and this spread, and for the base at 7, 8 and 9."""
    n = data.sample.n
    power = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    out = {"n_needed": None, "detectable": None, "n_needed_base": None}
    if around and n:
        least = min(around.values())
        out["n_needed_base"] = int(np.ceil(n * fewest / least)) if 0 < least < fewest else (None if least == 0 else n)
    if contrast:
        direction, local = contrast
        se = float(np.sqrt(max(direction @ local.fit.cov @ direction, 0)))
        if np.isfinite(se):  # one cluster has no standard error
            out |= {"detectable": power * se, "n_needed": int(np.ceil(n * (power * se / bend) ** 2))}
    return out

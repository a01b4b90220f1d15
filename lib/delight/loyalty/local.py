"""The local contrast between grades: does loyalty rise more from 8 to 9 than from 7 to 8? (methods M06)"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from delight.estimate import fit_linear
from delight.loyalty.answers import fit_answers
from delight.loyalty.fits import FINE

#: The grades around the rule of 8.5.
AROUND = (7, 8, 9)


@dataclass(frozen=True)
class Saturated:
    grades: np.ndarray
    fit: object
    n: list


def saturated_means(data, z, grades):
    """One mean per grade, adjusted for centred covariates."""
    levels = np.unique(grades)
    frequency = data.w if data.kind == "frequency" else np.ones(len(data.y))
    x = np.column_stack([grades[:, None] == levels[None, :], z]).astype(float)
    fit = fit_linear(data.y, x, data.w, kind=data.kind, clusters=data.clusters) if len(data.y) else None
    return Saturated(levels, fit, [int(frequency[grades == g].sum()) for g in levels])


def _second(levels, centre, size):
    """Direction of m(g+1) - 2 m(g) + m(g-1) among the saturated coefficients, or None."""
    where = {float(g): i for i, g in enumerate(levels)}
    if not all(g in where for g in (centre - 1, centre, centre + 1)):
        return None
    direction = np.zeros(size)
    direction[[where[centre - 1], where[centre], where[centre + 1]]] = 1, -2, 1
    return direction


def grade_table(data, z, grades, local, ci_level, *, latent, share_max):
    """Rows of the result; the contrast at 8 on both scales; what the number needed rests on."""
    rows, found, contrast = [], {}, None
    known = local.fit is not None and not np.isnan(local.fit.coef).any()
    lo, hi = local.fit.interval(ci_level) if known else (None, None)
    answers = _latent(data, z, grades) if latent and known else None
    for i, (g, n) in enumerate(zip(local.grades, local.n)):
        row = dict(grade=float(g), n=n, mean=np.nan, ci_lo=np.nan, ci_hi=np.nan)
        row |= dict.fromkeys(("d_local", "d_se", "d_lo", "d_hi", "d90_lo", "d90_hi", "d_p"), np.nan)
        row |= dict.fromkeys(("d_latent", "d_latent_se", "d_latent_lo", "d_latent_hi", "d_latent_p"), np.nan)
        if known:
            row |= dict(mean=local.fit.coef[i], ci_lo=lo[i] if n > 1 else np.nan, ci_hi=hi[i] if n > 1 else np.nan)
            direction = _second(local.grades, g, len(local.fit.coef)) if 6 <= g <= 9 and latent else None
            if direction is not None and min(local.n[j] for j in np.flatnonzero(direction)) > 1:
                est, p = local.fit.contrast(direction, ci_level)
                narrow, _ = local.fit.contrast(direction, 0.90)
                row |= dict(d_local=est.value, d_se=est.se, d_lo=est.lo, d_hi=est.hi, d90_lo=narrow.lo, d90_hi=narrow.hi, d_p=p)
                if g == AROUND[1]:
                    found["local"], found["p"], contrast = est, p, (direction, local)
                pair = answers(g, ci_level) if answers else None
                if pair is not None:
                    est, p = pair
                    row |= dict(d_latent=est.value, d_latent_se=est.se, d_latent_lo=est.lo, d_latent_hi=est.hi, d_latent_p=p)
                    if g == AROUND[1]:
                        found["latent"], found["latent_p"] = est, p
        rows.append(row | dict(share_max=share_max, status=data.status(grades == g)))
    columns = [
        "grade",
        "n",
        "mean",
        "ci_lo",
        "ci_hi",
        "d_local",
        "d_se",
        "d_lo",
        "d_hi",
        "d90_lo",
        "d90_hi",
        "d_p",
        "d_latent",
        "d_latent_se",
    ]
    table = pd.DataFrame(rows, columns=[*columns, "d_latent_lo", "d_latent_hi", "d_latent_p", "share_max", "status"])
    return table.assign(n_total=data.sample.n, n_missing=data.sample.n_missing, n_eff=data.sample.n_eff), found, contrast


def _latent(data, z, grades):
    """Second differences of the grade dummies of an ordered logit; None where the fit fails or the outcome has no few grades."""
    if len(np.unique(data.y)) > FINE:
        return None
    merged = _merge_sparse(grades, data.w if data.kind == "frequency" else np.ones(len(grades)))
    apart = _one_ended(data.y, merged)
    data, z, grades, merged = _part(data, ~apart), z[~apart], grades[~apart], merged[~apart]
    levels = np.unique(merged)
    if len(levels) < 3 or AROUND[1] not in levels:
        return None
    used = [g for g in levels if g != AROUND[1]]
    x = np.column_stack([merged[:, None] == np.array(used)[None, :], z]).astype(float)
    cov = "observed" if data.equal_weights else "robust"
    fit = fit_answers(data.y, x, data.w, kind=data.kind, clusters=data.clusters, cov=cov, firth=False)
    if fit.status != "ok":
        return None

    def contrast(g, ci_level):
        direction = _second(levels, g, len(levels))
        if direction is None or (g - 1 <= 6 and np.any(grades[merged == g - 1] != g - 1)):
            return None  # a merged group is no grade
        full = np.zeros(len(fit.beta))
        full[: len(used)] = np.delete(direction, np.flatnonzero(levels == AROUND[1]))
        return fit.contrast(full, ci_level)

    return contrast


def _merge_sparse(grades, frequency, fewest=5):
    """Grades up to 6 with fewer than `fewest` answers join the next one up."""
    merged = grades.copy()
    for g in np.unique(grades):
        if g < 6 and frequency[merged == g].sum() < fewest:
            above = np.unique(merged[merged > g])
            merged[merged == g] = above[0] if len(above) and above[0] <= 6 else g
    return merged


def _one_ended(y, grades):
    """Answers at grades other than 7, 8 and 9 that all stand at one end of the outcome: there the odds have no value, and nothing hangs on them."""
    apart = np.zeros(len(y), bool)
    for g in [g for g in np.unique(grades) if g not in AROUND]:
        here = grades == g
        apart |= here & (np.all(y[here] == y.max()) or np.all(y[here] == y.min()))
    return apart


def _part(data, keep):
    """The rows kept, for a fit that needs only outcome, weights and clusters."""
    clusters = None if data.clusters is None else data.clusters[keep]
    kept = replace(data.sample, frame=data.sample.frame[keep], w=data.sample.w[keep])
    return replace(data, sample=kept, y=data.y[keep], s=data.s[keep], clusters=clusters)


def sign(estimate):
    if estimate is None or not np.isfinite(estimate.lo):
        return "inconclusive"
    return "supported" if estimate.lo > 0 else "contradicted" if estimate.hi < 0 else "inconclusive"

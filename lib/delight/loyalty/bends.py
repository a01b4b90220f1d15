"""Bends on fine satisfaction scales: a hinge searched over its place, with the wild bootstrap of sup-F (methods M06)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit

from delight import logit
from delight.loyalty.answers import fit_answers
from delight.loyalty.fits import FEWEST, FINE, design, fit_form
from delight.resample import generator

#: Profile limit of the hinge: chi-square with one degree of freedom.
HINGE_LIMIT = stats.chi2.ppf(0.95, 1)


@dataclass(frozen=True)
class Hinge:
    """A searched bend: where, how strong, and whether there is one."""

    tau: float = np.nan
    tau_lo: float = np.nan
    tau_hi: float = np.nan
    set_lo: float = np.nan
    set_hi: float = np.nan
    at_edge: bool = False
    coef_s: float = np.nan
    se_s: float = np.nan
    coef: float = np.nan
    se: float = np.nan
    lo: float = np.nan
    hi: float = np.nan
    p: float = np.nan
    ssr: float = np.nan
    ssr_linear: float = np.nan
    sup_f: float = np.nan
    p_boot: float = np.nan
    p_normal: float = np.nan
    bend: str = ""
    status: str = "insufficient"

    def as_dict(self):
        return {k: getattr(self, k) for k in self.__dataclass_fields__}


def grid(s, w=None, *, trim=0.10, fewest=FEWEST, most=200):
    """Admissible bends: the distinct values and the midpoints between them with max(fewest, trim) answers strictly on each side."""
    w = np.ones(len(s)) if w is None else w
    values = np.unique(s)
    points = np.unique(np.concatenate([values, (values[:-1] + values[1:]) / 2]))
    order = np.argsort(s)
    total = np.concatenate([[0.0], np.cumsum(w[order])])
    below = total[np.searchsorted(s[order], points, side="left")]
    above = total[-1] - total[np.searchsorted(s[order], points, side="right")]
    need = max(fewest, trim * total[-1])
    points = points[(below >= need) & (above >= need)]
    if len(points) > most:
        points = points[np.unique(np.linspace(0, len(points) - 1, most).round().astype(int))]
    return points


def hinge_search(y, s, z, w, points):
    """SSR of the hinge at every point, and of the straight line: (ssr array, ssr_linear), by partial regression."""
    root = np.sqrt(w)
    q, _ = np.linalg.qr(design(z, s) * root[:, None])
    resid = root * y - q @ (q.T @ (root * y))
    h = np.maximum(s[:, None] - points[None, :], 0) * root[:, None]
    h -= q @ (q.T @ h)
    size = np.maximum((h**2).sum(axis=0), 1e-300)
    base = float(resid @ resid)
    return base - (h.T @ resid) ** 2 / size, base, h / np.sqrt(size), resid, q


def refine(y, s, z, w, tau, points):
    """Exact best bend near `tau`: between two neighbouring values the best hinge is two free lines that meet (Hudson 1966)."""
    values = np.unique(s)
    at = int(np.searchsorted(values, tau))
    best = (float(hinge_search(y, s, z, w, np.array([tau]))[0][0]), float(tau))
    for i in range(max(at - 3, 0), min(at + 3, len(values) - 1)):
        above = (s > values[i]).astype(float)
        root = np.sqrt(w)
        x = design(z, s, above, above * s)
        coef = np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
        meet = -coef[2] / coef[3] if coef[3] else np.nan
        for t in {values[i], values[i + 1], meet}:
            if values[i] <= t <= values[i + 1] and points[0] <= t <= points[-1]:
                ssr = float(hinge_search(y, s, z, w, np.array([t]))[0][0])
                best = min(best, (ssr, float(t)))
    return best


def search_bend(data, z, ci_level, n_boot, trim, fewest, seed):
    y, s, w = data.y, data.s, data.w
    points = grid(s, w if data.kind == "frequency" else None, trim=trim, fewest=fewest)
    n = data.sample.n
    if len(points) < 3:
        return Hinge()
    if data.binary:
        ssr = np.array([fit_form(data, design(z, s, np.maximum(s - t, 0))).ssr for t in points])
        linear = fit_form(data, design(z, s)).ssr
    else:
        ssr, linear, *_ = hinge_search(y, s, z, w, points)
    if not np.isfinite(ssr).all() or not ssr.min() > 0:
        return Hinge(status="degenerate")
    best = int(np.argmin(ssr))
    edge = best in (0, len(points) - 1)
    tau, low = points[best], float(ssr[best])
    if not edge and not data.binary:
        low, tau = refine(y, s, z, w, tau, points)
    distance = ssr - low if data.binary else n * np.log(ssr / low)
    inside = points[distance <= HINGE_LIMIT]
    fit = fit_form(data, design(z, s, np.maximum(s - tau, 0)))
    slope, _ = fit.contrast(1, ci_level)
    est, p = fit.contrast(2, ci_level)
    sup = linear - ssr.min() if data.binary else (linear - ssr.min()) / (ssr.min() / (n - z.shape[1] - 3))
    p_rademacher, p_normal = wild_p(data, z, points, sup, n_boot, seed)
    bend = "none" if p_rademacher > 0.05 else "accelerating" if est.lo > 0 else "saturating" if est.hi < 0 else "none"
    limits = (np.nan, np.nan) if edge else (float(inside.min()), float(inside.max()))
    return Hinge(
        float(tau), *limits, float(inside.min()), float(inside.max()), edge, slope.value, slope.se, est.value, est.se, est.lo, est.hi, p,
        low if not edge else float(ssr[best]), float(linear), float(sup), p_rademacher, p_normal, bend, "edge" if edge else data.status(model=True),
    )  # fmt: skip


def wild_p(data, z, points, sup, n_boot, seed, chunk=250):
    """p of sup-F by the wild bootstrap under the straight line, with Rademacher and with normal multipliers (whole clusters together).

    Yes/no outcomes: multiplier bootstrap of the score statistics under the logit line; `sup` is then the score version's own supremum.
    """
    if data.n_clusters == 1:
        return np.nan, np.nan
    y, s, w, n = data.y, data.s, data.w, data.sample.n
    if data.kind == "frequency":
        times = w.astype(int)
        y, s, z, w = np.repeat(y, times), np.repeat(s, times), np.repeat(z, times, axis=0), np.ones(int(w.sum()))
    groups = np.unique(data.clusters, return_inverse=True)[1] if data.clusters is not None else None
    if groups is not None and data.kind == "frequency":
        groups = np.repeat(groups, data.w.astype(int))
    if data.binary:
        h, resid, spread = _score_parts(y, s, z, w, points)
        seen = np.max((h.T @ resid) ** 2 / spread)
    else:
        _, _, h, resid, q = hinge_search(y, s, z, w, points)
        seen = sup
    free = n - z.shape[1] - 3
    rng = generator(seed, "M06.wild")
    out = []
    for kind in ("rademacher", "normal"):
        hits = 0
        for start in range(0, n_boot, chunk):
            size = min(chunk, n_boot - start)
            count = groups.max() + 1 if groups is not None else len(y)
            xi = rng.choice([-1.0, 1.0], size=(size, count)) if kind == "rademacher" else rng.standard_normal((size, count))
            e = resid[:, None] * (xi[:, groups] if groups is not None else xi).T
            top = (h.T @ e) ** 2
            if data.binary:
                draws = np.max(top / spread[:, None], axis=0)
            else:
                base = (e**2).sum(axis=0) - ((q.T @ e) ** 2).sum(axis=0)
                draws = np.max(top / (base - top), axis=0) * free
            hits += int((draws >= seen - 1e-12).sum())
        out.append((hits + 1) / (n_boot + 1))
    return tuple(out)


def _score_parts(y, s, z, w, points):
    """Hinges made orthogonal to the logit line, its weighted residuals, and the variance of each score."""
    x, high = design(z, s), (y > y.min()).astype(float)
    chance = expit(x @ logit.fit_logit(high, x, w, kind="sampling").coef)
    root = np.sqrt(w * chance * (1 - chance))
    q, _ = np.linalg.qr(x * root[:, None])
    h = np.maximum(s[:, None] - points[None, :], 0)
    rest = h * root[:, None]
    rest -= q @ (q.T @ rest)
    h = rest / np.maximum(root, 1e-12)[:, None]
    resid = w * (high - chance)
    return h, resid, np.maximum(((h * resid[:, None]) ** 2).sum(axis=0), 1e-300)


def latent_hinge(data, z, tau, ci_level):
    """The bend of the hinge at `tau` in an ordered logit, or None."""
    if len(np.unique(data.y)) > FINE:
        return None
    cov = "observed" if data.equal_weights else "robust"
    x = np.column_stack([data.s, np.maximum(data.s - tau, 0), z])
    fit = fit_answers(data.y, x, data.w, kind=data.kind, clusters=data.clusters, cov=cov, firth=False)
    return fit.contrast(np.eye(x.shape[1])[1], ci_level)[0] if fit.status == "ok" else None

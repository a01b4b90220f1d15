"""Latent classes of needs: fit for one to six classes, choose how many, and check whether they are really there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from delight import estimate, resample
from delight.result import Note, Result
from delight.segments import em
from delight.segments.agreement import adjusted_rand
from delight.segments.needs import Coding, answers, coding, person_mean

#: Below this many respondents no classes are fitted; K classes need 100 each.
MINIMUM_N = 200
PER_CLASS = 100


@dataclass(frozen=True)
class Data:
    """Coded needs of the respondents that count, ready to fit.

    Attributes
    ----------
    coding : Coding
    kind : em.Answers or em.Wishes
        Likelihood over the distinct rows.
    seen : em.Patterns
    n, n_missing, n_in : int
        Respondents used, without any answer on needs, and both; frequency weights counted.
    n_eff : float
    w : ndarray of shape (rows,)
        Weight in the likelihood (mean 1 for sampling weights); zero for rows left out.
    weights_kind : str
        ``none``, ``sampling`` or ``frequency``.
    """

    coding: Coding
    kind: em.Answers | em.Wishes
    seen: em.Patterns
    n: int
    n_missing: int
    n_in: int
    n_eff: float
    w: np.ndarray
    weights_kind: str


def prepare(frame, coding, *, weights=None, weights_kind="sampling"):
    """Code the needs of `frame` and collect distinct rows (zero weights left out)."""
    used = estimate.sample(frame.reset_index(drop=True), [], weights=weights, weights_kind=weights_kind)
    w = pd.Series(used.w, index=used.frame.index).reindex(range(len(frame))).to_numpy(dtype=float)
    rows = coding.rows(frame)
    answered = np.isfinite(rows).any(axis=1) if coding.within else (rows >= 0).any(axis=1)
    kept = np.isfinite(w) & answered
    w = np.where(kept, np.nan_to_num(w), 0.0)
    if used.kind == "sampling" and kept.any():
        w = w / w[kept].mean()
    counts = w if used.kind == "frequency" else kept.astype(float)
    seen = em.patterns(rows, counts=counts, weights=w)
    n = int(round(counts.sum()))
    n_eff = float(w.sum() ** 2 / (w**2).sum()) if used.kind == "sampling" and n else float(n)
    return Data(coding, coding.kind(seen.rows), seen, n, used.n_in - n, used.n_in, n_eff, w, used.kind)


def one(model):
    """Parameters of a fitted model without the model axis."""
    return tuple(p[0] for p in model.params)


def entropy(data, posterior):
    """Relative entropy of the assignment, 1 is certain; NaN for one class."""
    k = posterior.shape[1]
    if k == 1:
        return np.nan
    r = np.clip(posterior, 1e-300, 1)
    return float(1 + (data.seen.weights @ (r * np.log(r)).sum(axis=1)) / (data.seen.weights.sum() * np.log(k)))


def fit_classes(data, *, k_max=6, n_starts=50, seed=20250101, values=None):
    """Fit one to `k_max` classes.

    Parameters
    ----------
    data : Data
    k_max, n_starts : int
        Random starts for each number of classes; the best 10 are polished.
    seed : int
    values : array of shape (rows, items), optional
        Ratings of the respondents; then ``style_share`` tells how much of the variance of the person mean the classes explain.

    Returns
    -------
    (list of dict, dict)
        Rows of the fit table; em.Models of one model by number of classes.
    """
    n, rows, models = data.n, [], {}
    for k in range(1, k_max + 1):
        rng = resample.generator(seed, f"M17.fit:{'within' if data.coding.within else 'raw'}:{k}")
        fitted, hits, polished = em.fit(data.kind, k, data.seen.weights, rng, n_starts=n_starts)
        models[k] = fitted
        npar, ll = data.kind.n_parameters(k), float(fitted.loglik[0])
        posterior = data.kind.posterior(one(fitted))
        status = "not_identified" if not data.kind.identified(k) else "not_converged" if hits < min(2, polished) else "ok"
        rows.append(
            {
                "k": k,
                "ll": ll,
                "npar": npar,
                "aic": -2 * ll + 2 * npar,
                "bic": -2 * ll + npar * np.log(n),
                "abic": -2 * ll + npar * np.log((n + 2) / 24),
                "caic": -2 * ll + npar * (np.log(n) + 1),
                "entropy": entropy(data, posterior),
                "min_share": float(fitted.shares[0].min()),
                "min_n": float(fitted.shares[0].min() * n),
                "starts_hit": hits,
                "starts_polished": polished,
                "bvr_max": max((v for v in data.kind.residuals(one(fitted), data.seen.weights).values() if np.isfinite(v)), default=np.nan),
                "style_share": style_share(data, posterior, values) if values is not None else np.nan,
                "status": status,
            }
        )
    return rows, models


def style_share(data, posterior, values):
    """Share of the variance of the person mean that the (modal) classes explain: how far they merely give high and low grades."""
    mean = person_mean(values)
    rows = (data.w > 0) & np.isfinite(mean) & (data.seen.of_row >= 0)
    modal, mean, w = posterior.argmax(axis=1)[data.seen.of_row[rows]], mean[rows], data.w[rows]
    if not len(mean):
        return np.nan
    centre = np.average(mean, weights=w)
    total = np.average((mean - centre) ** 2, weights=w)
    if total <= 1e-12:
        return 0.0
    size = np.bincount(modal, w)
    level = np.bincount(modal, w * mean) / np.where(size > 0, size, 1)
    return float((size * (level - centre) ** 2).sum() / w.sum() / total)


def propose(rows, n, *, smallest_share=0.05, smallest_n=50):
    """Number of classes with the lowest BIC among those that are sound: every class at least 5 % and 50 people, 100 people a class.

    `rows` are rows of the fit table. One class is always sound.
    """
    sound = [
        r
        for r in rows
        if r["k"] == 1
        or (
            r["status"] == "ok"
            and r["min_share"] >= smallest_share
            and r["min_share"] * n >= smallest_n
            and n >= max(MINIMUM_N, PER_CLASS * r["k"])
        )
    ]
    return min(sound, key=lambda r: r["bic"])["k"]


def half_splits(data, n_classes, *, n_splits=50, n_starts=9, seed=20250101, solution=None):
    """Adjusted Rand index between two models fitted on random halves, both applied to everybody.

    Parameters
    ----------
    data : Data
    n_classes, n_splits : int
    n_starts : int
        Random starts for the halves; `solution` (em.Models of the whole) is one more. The best by log-likelihood counts.
    seed : int

    Returns
    -------
    ndarray of shape (splits,)
    """
    if n_classes == 1:
        return np.ones(n_splits)
    seen = data.seen
    rng = resample.generator(seed, f"M17.half:{n_classes}")
    counts = np.rint(seen.counts).astype(np.int64)
    half = rng.multivariate_hypergeometric(counts, int(counts.sum()) // 2, size=n_splits, method="marginals")
    halves = np.concatenate([half, counts - half]) * (seen.weights / seen.counts)  # the first halves, then the second
    starts = data.kind.starts(n_starts, n_classes, seen.weights, rng)
    if solution is not None:
        starts = tuple(np.concatenate([p, q]) for p, q in zip(starts, solution.params))
    s, modal = len(starts[0]), []
    for begin in range(0, 2 * n_splits, 10):
        part = halves[begin : begin + 10]
        tiled = tuple(np.tile(p, (len(part), *[1] * (p.ndim - 1))) for p in starts)
        rough = em.run(data.kind, tiled, part.repeat(s, axis=0), max_steps=60, tolerance=0.05)
        best = np.array([m * s + int(np.argmax(rough.loglik[m * s : (m + 1) * s])) for m in range(len(part))])
        fine = em.run(data.kind, rough.pick(best).params, part, max_steps=300, tolerance=1e-3)
        modal += [data.kind.posterior(tuple(p[i] for p in fine.params)).argmax(axis=1) for i in range(len(part))]
    return np.array([adjusted_rand(modal[i], modal[n_splits + i], seen.counts) for i in range(n_splits)])


def blrt(data, smaller, larger, *, n_draws=100, n_starts=10, enough=10, seed=20250101):
    """Parametric bootstrap of the likelihood-ratio test of K - 1 against K classes: p-value.

    Parameters
    ----------
    data : Data
    smaller, larger : em.Models
        The fitted models with K - 1 and K classes.
    n_draws : int
        Data sets drawn from the smaller model, with the gaps of the real one.
    n_starts : int
        Random starts of K classes in each, beside the solution itself.
    enough : int
        After so many draws beyond the observed ratio the answer is clear and p is their share (Besag & Clifford 1991).

    References
    ----------
    McLachlan (1987), Applied Statistics 36; Nylund, Asparouhov & Muthén (2007), Structural Equation Modeling 14, 535-569.
    Besag & Clifford (1991), Biometrika 78, 301-304.
    """
    k = larger.shares.shape[1]
    rng = resample.generator(seed, f"M17.blrt:{k}")
    of_pattern = np.repeat(np.arange(len(data.seen.rows)), np.rint(data.seen.counts).astype(int))
    scale = data.seen.weights.sum() / data.seen.counts.sum()
    observed = 2 * float(larger.loglik[0] - smaller.loglik[0]) / scale
    few = {"n_polish": 2, "polish_steps": 600, "tolerance": 1e-3}
    beyond = 0
    for draw in range(1, n_draws + 1):
        drawn = em.patterns(data.kind.draw(one(smaller), of_pattern, rng))
        kind = data.kind.of(drawn.rows)
        null, *_ = em.fit(kind, k - 1, drawn.weights, rng, extra=smaller, n_starts=2, **few)  # the truth is among its starts
        full, *_ = em.fit(kind, k, drawn.weights, rng, extra=larger, n_starts=n_starts, **few)
        beyond += 2 * float(full.loglik[0] - null.loglik[0]) >= observed
        if beyond == enough:
            return beyond / draw
    return (beyond + 1) / (n_draws + 1)


def fit_table(
    frame,
    *,
    items,
    form="rating",
    scales=None,
    within=False,
    weights=None,
    weights_kind="sampling",
    k_max=6,
    n_starts=50,
    minimum_n=MINIMUM_N,
    seed=20250101,
):
    """Fit of one to `k_max` latent classes to needs.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    items : sequence of str
        Columns of needs; missing answers are skipped in the likelihood (missing at random).
    form : {"rating", "pick", "rank", "best-worst"}
    scales : dict of Scale, optional
    within : bool
        Ratings by classes in which every person has a level of her own.
    weights, weights_kind
        Frequency weights are counts; sampling weights (mean 1) give a pseudo-likelihood, noted.
    k_max, n_starts : int
    minimum_n : int
        With fewer respondents nothing is fitted and every row is ``insufficient``.
    seed : int

    Returns
    -------
    Result
        One row a number of classes: ``k, ll, npar, aic, bic, abic, caic, entropy, min_share, min_n, starts_hit, starts_polished,
        bvr_max, style_share, n, n_missing, n_eff, status`` (``not_converged`` when fewer than 2 polished starts agree,
        ``not_identified`` with more parameters than cells).

    Raises
    ------
    InputError
        Unknown column or format, values outside their scale, negative weights.

    Notes
    -----
    k = (K-1) + K Σ(L_j - 1) parameters over the levels that occur (within-person: (K-1) + K(J-1) + J); BIC with the number of
    respondents (sampling weights sum to it); aBIC with (n+2)/24; relative entropy 1 + ΣΣ r ln r / (n ln K).

    References
    ----------
    Linzer & Lewis (2011). J. Statistical Software 42/10.
    """
    coded = coding(frame, items, form=form, scales=scales, within=within)
    data = prepare(frame, coded, weights=weights, weights_kind=weights_kind)
    values = answers(frame, coded.items, form) if form == "rating" else None
    enough = data.n >= max(minimum_n, 1)
    rows = fit_classes(data, k_max=k_max, n_starts=n_starts, seed=seed, values=values)[0] if enough else empty_fit(k_max)
    return fit_result(rows, data, n_starts=n_starts, seed=seed)


def empty_fit(k_max):
    """Rows of a fit table that could not be computed."""
    names = (
        "ll",
        "npar",
        "aic",
        "bic",
        "abic",
        "caic",
        "entropy",
        "min_share",
        "min_n",
        "starts_hit",
        "starts_polished",
        "bvr_max",
        "style_share",
    )
    return [{"k": k, **dict.fromkeys(names, np.nan), "status": "insufficient"} for k in range(1, k_max + 1)]


def fit_result(rows, data, **meta):
    """Rows of the fit table as a Result."""
    table = pd.DataFrame(rows).assign(n=data.n, n_missing=data.n_missing, n_eff=data.n_eff)
    notes = [Note("pseudo_likelihood", {"n_eff": data.n_eff})] if data.weights_kind == "sampling" else []
    return Result.of(
        "M17.fit",
        table,
        function="delight.segments.latent.fit_table",
        notes=notes,
        n_in=data.n_in,
        n_used=data.n,
        n_dropped_missing=data.n_missing,
        n_eff=data.n_eff,
        weights=data.weights_kind,
        n_patterns=len(data.seen.rows),
        tolerance=1e-6,
        **meta,
    )

"""Expectation-maximisation of mixtures on distinct rows of answers, many starts at once.

Two kinds of classes share one loop: `Answers` (latent classes of categories) and `Wishes` (profiles of ratings in which every
person has a level of her own). Parameters are tuples of arrays whose first axis is the model: a start, or a bootstrap draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def _block(models):
    """Rows worked on at a time, so that a block of posteriors stays in the processor's cache."""
    return int(np.clip(40_000 // max(models, 1), 128, 1024))


@dataclass(frozen=True)
class Patterns:
    """Distinct rows of answers.

    Attributes
    ----------
    rows : ndarray of shape (patterns, items)
        Levels from 0 with -1 for missing, or values with NaN. Sorted, so that the order of the respondents does not matter.
    counts : ndarray of shape (patterns,)
        Respondents with this row.
    weights : ndarray of shape (patterns,)
        Their summed weight.
    of_row : ndarray of shape (respondents,), int
        Pattern of each respondent; -1 for those left out.
    """

    rows: np.ndarray
    counts: np.ndarray
    weights: np.ndarray
    of_row: np.ndarray


def patterns(rows, *, counts=None, weights=None):
    """Collect distinct rows of answers with their number and summed weight.

    Parameters
    ----------
    rows : array of shape (respondents, items)
        Integer levels from 0 (-1 is missing), or floats (NaN is missing). Rows without any answer are left out.
    counts : array of shape (respondents,), optional
        Answers a row stands for (frequency weights), 1 by default; 0 leaves a row out.
    weights : array of shape (respondents,), optional
        Weight of a row in the likelihood; `counts` by default.
    """
    rows = np.asarray(rows)
    counts = np.ones(len(rows)) if counts is None else np.asarray(counts, dtype=float)
    weights = counts if weights is None else np.asarray(weights, dtype=float)
    gap = np.isnan(rows) if rows.dtype.kind == "f" else rows < 0
    kept = ~gap.all(axis=1) & (counts > 0)
    sortable = np.where(gap, -1e9, rows)[kept] if rows.dtype.kind == "f" else rows[kept]
    distinct, inverse = np.unique(sortable, axis=0, return_inverse=True)
    last = np.argsort((distinct < 0).any(axis=1), kind="stable")  # rows with gaps at the end: complete ones are faster
    distinct, inverse = distinct[last], np.argsort(last)[inverse.ravel()]
    of_row = np.full(len(rows), -1)
    of_row[kept] = inverse
    if rows.dtype.kind == "f":
        distinct = np.where(distinct < -1e8, np.nan, distinct)
    size = len(distinct)
    return Patterns(distinct, np.bincount(inverse, counts[kept], size), np.bincount(inverse, weights[kept], size), of_row)


def item_slices(levels):
    """Where each item's levels stand in the last axis of the probabilities."""
    ends = np.cumsum(levels)
    return [slice(int(end - n), int(end)) for end, n in zip(ends, levels)]


@dataclass(frozen=True)
class Models:
    """Fitted parameters of several models of the same kind and number of classes, with their log-likelihoods."""

    params: tuple
    loglik: np.ndarray

    @property
    def shares(self):
        return self.params[0]

    def pick(self, index):
        """Some of the models."""
        return Models(tuple(p[index] for p in self.params), self.loglik[index])


class Answers:
    """Latent classes of categorical answers: within a class the items are independent. Parameters (shares, probabilities).

    Parameters
    ----------
    rows : int array of shape (patterns, items)
        Levels from 0; -1 is missing and skipped (missing at random).
    levels : sequence of int
        Levels of each item; the last axis of the probabilities holds them one item after the other.
    """

    def __init__(self, rows, levels):
        self.rows, self.levels = np.asarray(rows), tuple(int(n) for n in levels)
        self.where = item_slices(self.levels)
        self.onehot = np.hstack([self.rows[:, [j]] == np.arange(n) for j, n in enumerate(self.levels)]).astype(float)
        # so small that a product over all items still is a number, so large that it changes no likelihood
        self.floor = 10.0 ** -max(4, min(30, 290 // max(len(self.levels), 1)))

    def starts(self, n, n_classes, weights, rng):
        """Random parameters: half flat Dirichlet draws, half answers of random respondents blended with everybody's."""
        probs = rng.gamma(1.0, size=(n, n_classes, sum(self.levels))) + 1e-3
        chosen = rng.choice(len(self.rows), size=(n, n_classes), p=weights / weights.sum())
        overall = weights @ self.onehot
        for where in self.where:
            overall[where] /= overall[where].sum() or 1.0
        probs[n // 2 :] = overall + 1.5 * self.onehot[chosen[n // 2 :]] + 1e-6
        return np.full((n, n_classes), 1 / n_classes), self._to_one(probs)

    def _to_one(self, probs):
        for where in self.where:
            probs[..., where] /= probs[..., where].sum(axis=-1, keepdims=True)
        return probs

    def inside(self, params):
        """Extrapolated parameters brought back to probabilities."""
        shares, probs = np.maximum(params[0], 1e-10), np.maximum(params[1], 1e-14)
        return shares / shares.sum(axis=-1, keepdims=True), self._to_one(probs)

    def step(self, params, weights):
        """(parameters after one EM step, log-likelihood before it); `weights` of shape (1 or models, patterns)."""
        shares, probs = params
        s, k, m = probs.shape
        log_probs = np.log(np.maximum(probs, self.floor)).transpose(1, 0, 2).reshape(k * s, m)
        log_shares = np.log(np.maximum(shares, 1e-15)).T.reshape(k * s, 1)
        loglik, expected, sizes = np.zeros(s), np.zeros((k * s, m)), np.zeros((k, s))
        many_items, block = len(self.levels) > 30, _block(k * s)
        for start in range(0, len(self.rows), block):
            part, w = self.onehot[start : start + block], weights[:, start : start + block]
            joint = (log_probs @ part.T + log_shares).reshape(k, s, -1)
            top = 0.0
            if many_items:
                top = joint.max(axis=0)
                joint -= top
            np.exp(joint, out=joint)
            total = joint.sum(axis=0)
            loglik += (w * (np.log(total) + top)).sum(axis=1)
            joint *= w / total
            sizes += joint.sum(axis=2)
            expected += joint.reshape(k * s, -1) @ part
        expected = expected.reshape(k, s, m).transpose(1, 0, 2)
        fresh = np.empty_like(expected)
        for where in self.where:
            base = expected[..., where].sum(axis=-1, keepdims=True)
            with np.errstate(invalid="ignore", divide="ignore"):
                fresh[..., where] = np.where(base > 1e-12, expected[..., where] / base, probs[..., where])
        return ((sizes / sizes.sum(axis=0)).T, fresh), loglik

    def posterior(self, params):
        """Class probabilities of every pattern under one model (parameters without the model axis); NaN without any answer."""
        shares, probs = params
        joint = self.onehot @ np.log(np.maximum(probs, self.floor)).T + np.log(np.maximum(shares, 1e-15))
        return _to_chances(joint, (self.rows < 0).all(axis=1))

    def n_parameters(self, n_classes):
        """Free parameters, over the levels that occur."""
        seen = [len(np.unique(column[column >= 0])) for column in self.rows.T]
        return n_classes - 1 + n_classes * sum(n - 1 for n in seen)

    def identified(self, n_classes):
        """Whether there are no more parameters than cells."""
        cells = np.prod([float(len(np.unique(c[c >= 0]))) for c in self.rows.T])
        return self.n_parameters(n_classes) <= cells - 1

    def order(self, params):
        """Order of one model's classes by size, ties by the first item."""
        first = params[1][:, self.where[0]] @ np.arange(self.levels[0])
        return np.lexsort((-first, -np.round(params[0], 6)))

    @staticmethod
    def arrange(params, order):
        """One model with its classes in another order."""
        return params[0][order], params[1][order]

    def residuals(self, params, weights):
        """Chi-square per degree of freedom that each pair of items has left, {(j, other): value} (Vermunt & Magidson 2005)."""
        shares, probs = params
        found = {}
        for j in range(len(self.where)):
            for other in range(j + 1, len(self.where)):
                seen = self.onehot[:, self.where[j]].T @ (weights[:, None] * self.onehot[:, self.where[other]])
                expected = (probs[:, self.where[j]] * shares[:, None]).T @ probs[:, self.where[other]] * seen.sum()
                live = np.ix_(seen.sum(axis=1) > 0, seen.sum(axis=0) > 0)
                seen, expected = seen[live], expected[live]
                df = (seen.shape[0] - 1) * (seen.shape[1] - 1)
                with np.errstate(divide="ignore", invalid="ignore"):
                    chi2 = np.where(expected > 1e-9, (seen - expected) ** 2 / expected, 0.0).sum()
                found[j, other] = float(chi2 / df) if df else np.nan
        return found

    def draw(self, params, of_pattern, rng):
        """Rows drawn from one model, with the gaps of the patterns `of_pattern`."""
        shares, probs = params
        of = rng.choice(len(shares), size=len(of_pattern), p=shares / shares.sum())
        rows = np.empty((len(of_pattern), len(self.levels)), dtype=int)
        for j, where in enumerate(self.where):
            cumulative = np.cumsum(probs[of][:, where], axis=1)
            rows[:, j] = np.minimum((rng.random(len(of))[:, None] > cumulative).sum(axis=1), self.levels[j] - 1)
        return np.where(self.rows[of_pattern] < 0, -1, rows)

    def of(self, rows):
        """The same kind of model for other rows."""
        return Answers(rows, self.levels)


class Wishes:
    """Profiles of ratings around the person's own level. Parameters (shares, class means, log variances of the items).

    Rating of person i on item j in class k = own level a_i + m_kj + e_ij with e ~ N(0, d_j); nothing is assumed about a_i (a flat
    prior integrates it out), so classes rest on what a person wants more than other things, never on how high she rates. Class
    means add up to zero; the variances of the items are the same in all classes.

    Parameters
    ----------
    rows : float array of shape (patterns, items)
        Ratings; NaN is missing and skipped. Rows need at least two answers to say anything.

    Notes
    -----
    With u_j = 1/d_j over the items answered, the log density of a row in class k is, without constants,
    ½ Σ log u_j - ½ log Σ u_j - ½ [Σ u_j (x_j - m_kj)² - (Σ u_j (x_j - m_kj))² / Σ u_j].
    """

    def __init__(self, rows, least=None):
        self.rows = np.asarray(rows, dtype=float)
        self.seen = np.isfinite(self.rows).astype(float)
        centre = np.nansum(self.rows, axis=1, keepdims=True) / np.maximum(self.seen.sum(axis=1, keepdims=True), 1)
        self.x = np.where(self.seen > 0, self.rows - centre, 0.0)
        spread = (self.x**2).sum() / max(self.seen.sum(), 1)
        self.least = max(0.02 * spread, 1e-6) if least is None else least

    def starts(self, n, n_classes, weights, rng):
        """Random parameters: profiles of random respondents, drawn half towards everybody's."""
        chosen = rng.choice(len(self.rows), size=(n, n_classes), p=weights / weights.sum())
        with np.errstate(invalid="ignore"):
            overall = (weights @ self.x) / np.maximum(weights @ self.seen, 1e-12)
        spread = (weights @ (self.x - overall * self.seen) ** 2) / np.maximum(weights @ self.seen, 1e-12)
        means = overall + 0.6 * (self.x[chosen] - overall * self.seen[chosen]) + 0.05 * rng.normal(size=(n, n_classes, len(overall)))
        logs = np.log(np.maximum(spread, self.least))
        return self.inside((np.full((n, n_classes), 1 / n_classes), means, np.tile(logs, (n, 1))))

    def inside(self, params):
        shares, means, logs = params
        shares = np.maximum(shares, 1e-10)
        logs = np.clip(logs, np.log(self.least), np.log(self.least) + 12)
        return shares / shares.sum(axis=-1, keepdims=True), means - means.mean(axis=-1, keepdims=True), logs

    def _density(self, means, u, log_u, part_x, part_seen):
        """(log densities, levels â) of shape (classes, models, rows) for blocks of rows."""
        s, k, j = means.shape
        um = (u[:, None, :] * means).transpose(1, 0, 2).reshape(k * s, j)
        umm = (u[:, None, :] * means**2).transpose(1, 0, 2).reshape(k * s, j)
        total = u @ part_seen.T  # (models, rows)
        if part_seen.all():
            shift, fixed = um.sum(axis=1).reshape(k, s, 1), umm.sum(axis=1).reshape(k, s, 1)
        else:
            shift, fixed = (um @ part_seen.T).reshape(k, s, -1), (umm @ part_seen.T).reshape(k, s, -1)
        level = (u @ part_x.T)[None] - shift
        level /= total
        constant = 0.5 * (log_u @ part_seen.T - np.log(total) - (part_seen.sum(axis=1) - 1) * np.log(2 * np.pi) - u @ (part_x**2).T)
        density = (um @ part_x.T).reshape(k, s, -1)
        density += constant - 0.5 * fixed
        density += 0.5 * total * level**2
        return density, level, total

    def step(self, params, weights):
        shares, means, logs = params
        s, k, j = means.shape
        u = np.exp(-logs)
        log_shares = np.log(np.maximum(shares, 1e-15)).T[:, :, None]
        loglik, sizes = np.zeros(s), np.zeros((k, s))
        base, first, cross, level1, level2 = (np.zeros((k * s, j)) for _ in range(5))
        squares, own, block = np.zeros((len(weights), j)), np.zeros((s, j)), _block(k * s)
        for start in range(0, len(self.rows), block):
            x, seen, w = self.x[start : start + block], self.seen[start : start + block], weights[:, start : start + block]
            joint, level, total = self._density(means, u, -logs, x, seen)
            joint += log_shares
            top = joint.max(axis=0)
            joint -= top
            np.exp(joint, out=joint)
            mass = joint.sum(axis=0)
            loglik += (w * (np.log(mass) + top)).sum(axis=1)
            joint *= w / mass
            sizes += joint.sum(axis=2)
            flat, leveled = joint.reshape(k * s, -1), (joint * level).reshape(k * s, -1)
            first += flat @ x
            cross += leveled @ x
            level *= leveled.reshape(level.shape)
            twice = level.reshape(k * s, -1)
            if seen.all():
                base += flat.sum(axis=1, keepdims=True)
                level1 += leveled.sum(axis=1, keepdims=True)
                level2 += twice.sum(axis=1, keepdims=True)
                own += (w / total).sum(axis=1, keepdims=True)
            else:
                base += flat @ seen
                level1 += leveled @ seen
                level2 += twice @ seen
                own += (w / total) @ seen
            squares += w @ x**2
        base, first, cross, level1, level2 = (a.reshape(k, s, j).transpose(1, 0, 2) for a in (base, first, cross, level1, level2))
        fresh = np.where(base > 1e-9, (first - level1) / np.maximum(base, 1e-9), means)
        # Σ r (x - m - a)² with the x² and a² terms summed beforehand
        rest = squares + (level2 - 2 * cross - 2 * fresh * (first - level1) + base * fresh**2).sum(axis=1)
        variance = np.maximum((rest + own) / np.maximum(base.sum(axis=1), 1e-9), self.least)
        return ((sizes / sizes.sum(axis=0)).T, fresh - fresh.mean(axis=-1, keepdims=True), np.log(variance)), loglik

    def posterior(self, params):
        shares, means, logs = params
        seen = np.where(self.seen.any(axis=1, keepdims=True), self.seen, 1.0)
        joint, _, _ = self._density(means[None], np.exp(-logs)[None], -logs[None], self.x, seen)
        return _to_chances(joint[:, 0].T + np.log(np.maximum(shares, 1e-15)), self.seen.sum(axis=1) < 2)

    def n_parameters(self, n_classes):
        j = self.rows.shape[1]
        return n_classes - 1 + n_classes * (j - 1) + j

    def identified(self, n_classes):
        return self.rows.shape[1] >= 3

    def order(self, params):
        return np.lexsort((-params[1][:, 0], -np.round(params[0], 6)))

    @staticmethod
    def arrange(params, order):
        return params[0][order], params[1][order], params[2]

    def residuals(self, params, weights):
        """Chi-square (one degree of freedom) between observed and implied covariance of each pair of within-person deviations."""
        shares, means, logs = params
        j = means.shape[1]
        middle = np.eye(j) - 1 / j
        overall = shares @ means
        implied = (means - overall).T @ (shares[:, None] * (means - overall)) + middle @ np.diag(np.exp(logs)) @ middle
        both = self.seen.T @ (weights[:, None] * self.seen)
        centre = (weights @ self.x) / np.maximum(weights @ self.seen, 1e-12)
        gap = (self.x - centre) * self.seen
        observed = gap.T @ (weights[:, None] * gap) / np.maximum(both, 1e-12)
        noise = (np.outer(np.diag(implied), np.diag(implied)) + implied**2) / np.maximum(both, 1e-12)
        chi2 = (observed - implied) ** 2 / noise
        return {(a, b): float(chi2[a, b]) for a in range(j) for b in range(a + 1, j)}

    def draw(self, params, of_pattern, rng):
        shares, means, logs = params
        of = rng.choice(len(shares), size=len(of_pattern), p=shares / shares.sum())
        rows = means[of] + rng.normal(size=(len(of), means.shape[1])) * np.exp(logs / 2)
        return np.where(self.seen[of_pattern] > 0, rows, np.nan)

    def of(self, rows):
        return Wishes(rows, self.least)


def _to_chances(joint, nothing):
    joint = joint - joint.max(axis=1, keepdims=True)
    chance = np.exp(joint)
    chance /= chance.sum(axis=1, keepdims=True)
    chance[nothing] = np.nan
    return chance


def run(kind, params, weights, *, max_steps, tolerance):
    """EM with squared extrapolation (SQUAREM) from given parameters.

    Parameters
    ----------
    kind : Answers or Wishes
    params : tuple of arrays with the model as their first axis
    weights : array of shape (patterns,) or (models, patterns)
        One set for all models or one for each (bootstrap draws, halves).
    max_steps : int
        EM steps at most.
    tolerance : float
        A model stops when a cycle raises its log-likelihood by less.

    Returns
    -------
    Models

    Notes
    -----
    A cycle is two EM steps, a squared extrapolation and a stabilising EM step; where the extrapolated point has a lower
    log-likelihood than the first step's, the second EM step is kept instead, so the log-likelihood never falls.

    References
    ----------
    Varadhan, R. & Roland, C. (2008). Scandinavian Journal of Statistics 35, 335-353.
    """
    weights = np.atleast_2d(weights)
    each = len(weights) > 1
    params = tuple(p.copy() for p in params)
    active = np.arange(len(params[0]))
    last = np.full(len(active), -np.inf)

    def wide(values, like):
        return values.reshape(-1, *[1] * (like.ndim - 1))

    def size(parts):
        return np.sqrt(sum((p**2).reshape(len(p), -1).sum(axis=1) for p in parts))

    for _ in range(max(1, max_steps // 3)):
        w = weights[active] if each else weights
        zero = tuple(p[active] for p in params)
        one, _loglik0 = kind.step(zero, w)
        two, loglik1 = kind.step(one, w)
        rise = tuple(b - a for a, b in zip(zero, one))
        bend = tuple(c - b - r for b, c, r in zip(one, two, rise))
        with np.errstate(divide="ignore", invalid="ignore"):
            length = size(rise) / size(bend)
        length = np.clip(np.nan_to_num(length, nan=1.0, posinf=1.0), 1, 64)
        far = kind.inside(tuple(a + 2 * wide(length, a) * r + wide(length, a) ** 2 * b for a, r, b in zip(zero, rise, bend)))
        three, loglik2 = kind.step(far, w)
        better = loglik2 >= loglik1
        for p, b, c in zip(params, three, two):
            p[active] = np.where(wide(better, b), b, c)
        reached = np.where(better, loglik2, loglik1)
        done = (reached - last[active]) < np.maximum(tolerance, 4e-14 * np.abs(reached))
        last[active] = reached
        active = active[~done]
        if not len(active):
            break
    return Models(params, kind.step(params, weights)[1])


def fit(kind, n_classes, weights, rng, *, n_starts=50, start_steps=100, n_polish=10, polish_steps=6000, tolerance=1e-8, extra=None):
    """Best of many starts of one number of classes, classes ordered.

    Parameters
    ----------
    kind : Answers or Wishes
    n_classes : int
    weights : array of shape (patterns,)
    rng : numpy.random.Generator
    n_starts, start_steps : int
        Random starts, and EM steps of each at most.
    n_polish, polish_steps, tolerance
        The best `n_polish` run on until a cycle gains less than `tolerance`.
    extra : Models, optional
        Further starting parameters.

    Returns
    -------
    (Models of one model, int, int)
        The best; how many polished starts reached it within 1e-4; how many were polished.
    """
    if n_classes == 1:
        n_starts = n_polish = 1
    params = kind.starts(n_starts, n_classes, weights, rng)
    if extra is not None:
        params = tuple(np.concatenate([p, e]) for p, e in zip(params, extra.params))
    rough = run(kind, params, weights, max_steps=start_steps, tolerance=1e-3)
    best = np.argsort(-rough.loglik, kind="stable")[:n_polish]
    fine = run(kind, rough.pick(best).params, weights, max_steps=polish_steps, tolerance=tolerance)
    top = int(np.argmax(fine.loglik))
    hits = int((fine.loglik > fine.loglik[top] - 1e-4).sum())
    chosen = tuple(p[top] for p in fine.params)
    chosen = kind.arrange(chosen, kind.order(chosen))
    return Models(tuple(p[None] for p in chosen), fine.loglik[top : top + 1]), hits, len(best)

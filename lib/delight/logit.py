"""Logit models by Newton steps: binary, and ordered with proportional odds; robust, weighted, quick enough to bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from delight.errors import InputError
from delight.estimate import Inference, aliased_terms


@dataclass(frozen=True)
class LogitFit(Inference):
    """A fitted binary or ordered logit model.

    Attributes
    ----------
    names : list of str
        Terms in the order of `coef`.
    coef : ndarray of shape (k,)
        Binary: P(y = 1) = 1 / (1 + exp(-x'b)). Ordered: logit P(y <= level j) = threshold_j - x'b.
    cov : ndarray of shape (k, k)
    thresholds, thresholds_se : ndarray of shape (levels - 1,)
        Empty for a binary model.
    full_cov : ndarray
        Covariance of (thresholds, coef) together.
    levels : ndarray
        The outcome's values in order.
    ll, ll_null : float
        Log-likelihood and that of the model without terms (sampling weights: of the weighted sample).
    df : float
        Degrees of freedom of t: infinite, or clusters - 1.
    n : int
    influence : ndarray of shape (rows, thresholds + k)
        Score of each row times the inverse information: a resample in which the rows weigh c has parameters of about
        ``params + c @ influence`` (one Newton step).
    converged, separated : bool
        Separated: the terms tell the outcome apart perfectly for some rows, so that coefficients run away.
    aliased : tuple of str
        Terms that others determine exactly; then nothing is estimated.
    """

    names: list
    coef: np.ndarray
    cov: np.ndarray
    thresholds: np.ndarray
    full_cov: np.ndarray
    levels: np.ndarray
    ll: float
    ll_null: float
    df: float
    n: int
    influence: np.ndarray
    converged: bool = True
    separated: bool = False
    aliased: tuple = ()

    @property
    def thresholds_se(self):
        return np.sqrt(np.clip(np.diag(self.full_cov)[: len(self.thresholds)], 0, None))

    @property
    def params(self):
        """Thresholds, then coefficients."""
        return np.concatenate([self.thresholds, self.coef])

    @property
    def mcfadden_r2(self):
        return 1 - self.ll / self.ll_null if self.ll_null else np.nan

    @property
    def aic(self):
        return 2 * len(self.params) - 2 * self.ll

    @property
    def usable(self):
        """Whether the coefficients mean anything."""
        return self.converged and not self.separated and not self.aliased

    def probabilities(self, x):
        """Chances of every level, shape (rows, levels); binary: of 0 and 1."""
        eta = np.asarray(x, dtype=float) @ self.coef
        if not len(self.thresholds):
            chance = expit(eta)
            return np.column_stack([1 - chance, chance])
        upto = expit(self.thresholds[None, :] - eta[:, None])
        return np.diff(np.column_stack([np.zeros(len(eta)), upto, np.ones(len(eta))]), axis=1)


def fit_logit(y, x, w=None, *, names=None, kind="none", cov="robust", clusters=None, ridge=None, max_steps=50):
    """Binary logit by Newton steps.

    Parameters
    ----------
    y : array of shape (rows,), 0 or 1
    x : array or DataFrame of shape (rows, k)
        Design matrix; a constant must be in it where wanted.
    w : array, optional
        Weights as in `estimate.Sample`.
    kind : {"none", "sampling", "frequency"}
        Frequency weights give what the expanded rows would give.
    cov : {"robust", "observed"}
        Sandwich (HC0), or the inverse of the information; `clusters` gives CR1 with G-1 degrees of freedom.
    clusters : array, optional
    ridge : array of shape (k,), optional
        Adds ½ ridge_j b_j² to minus the log-likelihood: 1/25 steadies a term that tells some rows apart perfectly (a normal prior
        of standard deviation 5) and hardly touches others.

    Returns
    -------
    LogitFit
        One level only, or terms that alias each other: NaN throughout, ``usable`` false.
    """
    y = np.asarray(y, dtype=float)
    if not np.isin(y, (0, 1)).all():
        raise InputError("A binary logit needs an outcome of 0 and 1 only.")
    return _fit(y.astype(int), np.array([0.0, 1.0]), x, w, names, kind, cov, clusters, ridge, max_steps, ordered=False)


def fit_ordered(y, x, w=None, *, names=None, kind="none", cov="robust", clusters=None, ridge=None, max_steps=100):
    """Ordered logit with proportional odds (McCullagh 1980): logit P(y <= j) = threshold_j - x'b.

    Parameters and result as `fit_logit`; `x` without a constant; the levels are the values that occur in `y`, in order.

    References
    ----------
    McCullagh, P. (1980). JRSS B 42, 109-142.
    """
    levels, codes = np.unique(np.asarray(y, dtype=float), return_inverse=True)
    return _fit(codes, levels, x, w, names, kind, cov, clusters, ridge, max_steps, ordered=True)


def _fit(codes, levels, x, w, names, kind, cov, clusters, ridge, max_steps, *, ordered):
    """Newton with step halving on thresholds and coefficients together."""
    names = list(names if names is not None else getattr(x, "columns", range(np.shape(x)[1])))
    x = np.asarray(x, dtype=float)
    w = np.ones(len(codes)) if w is None else np.asarray(w, dtype=float)
    n = int(round(w.sum())) if kind == "frequency" else len(codes)
    k, cuts = x.shape[1], (len(levels) - 1 if ordered else 0)
    shares = np.bincount(codes, weights=w, minlength=len(levels)) / max(w.sum(), 1e-300)
    used = shares[shares > 0]
    ll_null = float(w.sum() * (used * np.log(used)).sum())
    with_constant = np.column_stack([np.ones(len(x)), x]) if ordered else x
    aliased = tuple(a for a in aliased_terms(with_constant * np.sqrt(w)[:, None], [None, *names] if ordered else names) if a is not None)
    if aliased or len(used) < 2 or n <= k + cuts:
        nothing = np.full(k, np.nan)
        square = np.full((cuts + k, cuts + k), np.nan)
        empty = np.full((len(codes), cuts + k), np.nan)
        return LogitFit(
            names,
            nothing,
            square[cuts:, cuts:],
            np.full(cuts, np.nan),
            square,
            levels,
            np.nan,
            ll_null,
            np.inf,
            n,
            empty,
            False,
            False,
            aliased,
        )
    params, pieces = (np.concatenate([first_thresholds(shares), np.zeros(k)]), ordered_pieces) if ordered else (np.zeros(k), _binary_pieces)
    penalty = np.concatenate([np.zeros(cuts), np.zeros(k) if ridge is None else np.asarray(ridge, dtype=float)])

    def at(params):
        """Penalised log-likelihood, its gradient, information."""
        ll, scores, information = pieces(params, codes, x, w, cuts)
        if scores is None:
            return ll, None, None
        return ll - penalty @ params**2 / 2, w @ scores - penalty * params, information + np.diag(penalty)

    params, ll, information, converged = climb(at, params, max_steps)
    scores = pieces(params, codes, x, w, cuts)[1]
    eta = x @ params[cuts:]
    spread = np.abs(eta - np.average(eta, weights=w)) if ordered else np.abs(eta)
    separated = bool(spread.max(initial=0) > 30) or ll > -1e-6 * n
    try:
        bread = np.linalg.inv(information)
    except np.linalg.LinAlgError:
        bread, converged = np.full_like(information, np.nan), False
    df = np.inf
    if clusters is not None:
        groups = np.unique(np.asarray(clusters), return_inverse=True)[1]
        g = int(groups.max()) + 1
        summed = np.zeros((g, cuts + k))
        np.add.at(summed, groups, scores * w[:, None])
        full = bread @ (summed.T @ summed) @ bread * (g / (g - 1) if g > 1 else np.nan)
        df = float(g - 1)
    elif cov == "observed":
        full = bread
    else:
        each = w if kind == "frequency" else w**2
        full = bread @ ((scores * each[:, None]).T @ scores) @ bread
    influence = scores @ bread
    return LogitFit(
        names, params[cuts:], full[cuts:, cuts:], params[:cuts], full, levels, float(ll), ll_null, df, n, influence, converged, separated
    )


def climb(at, params, max_steps):
    """Newton steps, halved where the log-likelihood would fall: (parameters, log-likelihood, information, whether it settled).

    `at(params)` gives (log-likelihood, gradient, information); no gradient where the parameters are out of order.
    """
    ll, gradient, information = at(params)
    for _ in range(max_steps):
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            break
        if gradient @ step < 1e-14 * max(1.0, abs(ll)):
            last = at(params + step)
            if last[2] is None:  # along a flat direction the last step can leave the order
                return params, ll, information, True
            return params + step, last[0], last[2], True
        for half in 0.5 ** np.arange(25):
            trial = at(params + half * step)
            if trial[0] > ll - 1e-12 * abs(ll):
                break
        else:
            break
        params = params + half * step
        ll, gradient, information = trial
    return params, ll, information, False


def first_thresholds(shares):
    """Thresholds of an ordered logit without terms, from the shares of the levels."""
    cumulative = np.clip(np.cumsum(shares)[:-1], 1e-6, 1 - 1e-6)
    if (np.diff(cumulative) <= 0).any():  # levels with next to no weight: thresholds must start apart
        cumulative = np.arange(1, len(shares)) / len(shares)
    return np.log(cumulative / (1 - cumulative))


def _binary_pieces(params, codes, x, w, cuts):
    """Log-likelihood, score of each row and information."""
    eta = x @ params
    chance = expit(eta)
    ll = float(-(w * np.logaddexp(0, np.where(codes == 1, -eta, eta))).sum())
    return ll, x * (codes - chance)[:, None], (x * (w * chance * (1 - chance))[:, None]).T @ x


def ordered_pieces(params, codes, x, w, cuts):
    """Log-likelihood, score of each row and information of thresholds and coefficients."""
    thresholds, eta = params[:cuts], x @ params[cuts:]
    if np.any(np.diff(thresholds) <= 0):
        return -np.inf, None, None
    edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
    upper, lower = edges[codes + 1] - eta, edges[codes] - eta
    f_upper, f_lower = expit(upper), expit(lower)
    # the difference of two logistic values without cancellation in the upper tail
    chance = np.where(lower > 0, expit(-lower) - expit(-upper), f_upper - f_lower)
    if np.any(chance <= 0):
        return -np.inf, None, None
    d_upper, d_lower = f_upper * expit(-upper), f_lower * expit(-lower)
    a, b = d_upper / chance, d_lower / chance
    a2, b2 = a * (1 - 2 * f_upper), b * (1 - 2 * f_lower)
    rows = np.arange(len(codes))
    scores = np.zeros((len(codes), cuts + x.shape[1]))
    inner_upper, inner_lower = codes < cuts, codes > 0
    scores[rows[inner_upper], codes[inner_upper]] = a[inner_upper]
    scores[rows[inner_lower], codes[inner_lower] - 1] -= b[inner_lower]
    scores[:, cuts:] = -x * (a - b)[:, None]
    # minus the second derivatives: s s' - a2 u u' + b2 l l', with u and l the unit vectors of the two thresholds, minus x
    information = (scores * w[:, None]).T @ scores
    by_upper, by_lower = np.zeros((len(codes), cuts)), np.zeros((len(codes), cuts))
    by_upper[rows[inner_upper], codes[inner_upper]] = (w * a2)[inner_upper]
    by_lower[rows[inner_lower], codes[inner_lower] - 1] = (w * b2)[inner_lower]
    information[np.arange(cuts), np.arange(cuts)] += (by_lower - by_upper).sum(axis=0)
    cross = -(by_lower - by_upper).T @ x
    information[:cuts, cuts:] += cross
    information[cuts:, :cuts] += cross.T
    information[cuts:, cuts:] += (x * (w * (b2 - a2))[:, None]).T @ x
    return float((w * np.log(chance)).sum()), scores, information

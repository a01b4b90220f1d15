"""Answers on a scale, or yes and no, explained by terms: average marginal effects, separation and Firth's remedy.

A binary logit is the ordered logit with two categories (its intercept is minus the threshold), so one model serves both.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, stats
from scipy.special import expit, log_expit

from delight import logit
from delight.estimate import Estimate

#: Linear predictors beyond this (terms centred) are practically certain answers: the sign of separation.
CERTAIN = 14.0


@dataclass(frozen=True)
class AnswerModel:
    """A fitted proportional-odds model: logit P(Y <= v_j) = threshold_j - x'beta.

    Attributes
    ----------
    names : list of str
        Terms in the order of `beta`.
    values : ndarray of shape (J,)
        Answers that occur, in order; two for a binary logit.
    thresholds, beta : ndarray of shape (J-1,) and (k,)
    cov : ndarray of shape (J-1+k, J-1+k)
        Covariance of (thresholds, beta).
    df : float
        Degrees of freedom of t: infinite, or clusters - 1.
    loglik, null_loglik : float
        With sampling weights a pseudo-likelihood at mean weight 1.
    n : int
    firth : bool
        Estimates maximise the penalised likelihood.
    separated : tuple of str
        Terms whose estimate does not exist (complete or quasi-complete separation).
    aliased : tuple of str
        Terms that others determine exactly; then all estimates are NaN.
    status : str
        ``ok``, ``degenerate``, ``not_converged`` or ``not_identified``.
    """

    names: list
    values: np.ndarray
    thresholds: np.ndarray
    beta: np.ndarray
    cov: np.ndarray
    df: float
    loglik: float
    null_loglik: float
    n: int
    firth: bool = False
    separated: tuple = ()
    aliased: tuple = ()
    status: str = "ok"
    x: np.ndarray = field(default=None, repr=False)
    w: np.ndarray = field(default=None, repr=False)

    @property
    def params(self):
        return np.concatenate([self.thresholds, self.beta])

    @property
    def se(self):
        """Standard errors of `beta`."""
        return np.sqrt(np.diag(self.cov)[len(self.thresholds) :])

    @property
    def aic(self):
        return -2 * self.loglik + 2 * (len(self.thresholds) + len(self.beta))

    @property
    def pseudo_r2(self):
        """McFadden's 1 - LL/LL0."""
        return 1 - self.loglik / self.null_loglik if self.null_loglik else np.nan

    def estimate(self, gradient, value, ci_level=0.95):
        """(Estimate, p) of a function of all parameters, by the delta method."""
        variance = float(gradient @ self.cov @ gradient)
        se = np.sqrt(max(variance, 0)) if np.isfinite(variance) else np.nan
        spread = stats.norm if np.isinf(self.df) else stats.t(self.df)
        half = spread.ppf(0.5 + ci_level / 2) * se
        p = float(2 * spread.sf(abs(value / se))) if se > 0 else np.nan
        return Estimate(float(value), float(se), self.df, float(value - half), float(value + half)), p

    def contrast(self, direction, ci_level=0.95):
        """(Estimate, p) of a linear combination of `beta`."""
        direction = np.asarray(direction, dtype=float)
        return self.estimate(np.concatenate([np.zeros(len(self.thresholds)), direction]), float(direction @ self.beta), ci_level)

    def wald(self, columns):
        """Chi-square (or F with clusters) and p that the betas at `columns` are all zero."""
        at = len(self.thresholds) + np.asarray(columns)
        block, beta = self.cov[np.ix_(at, at)], self.params[at]
        try:
            chi2 = float(beta @ np.linalg.solve(block, beta))
        except np.linalg.LinAlgError:
            return np.nan, np.nan
        if np.isinf(self.df):
            return chi2, float(stats.chi2.sf(chi2, len(at)))
        return chi2 / len(at), float(stats.f.sf(chi2 / len(at), len(at), self.df))

    def marginal(self, column, *, at_least=None, ci_level=0.95):
        """(Estimate, p) of the average marginal effect of one term.

        A term with only 0 and 1 is switched from 0 to 1 for everyone; any other gives the average slope.
        On P(Y >= `at_least`), or on the expected answer where `at_least` is None. Delta method, x taken as given.
        """
        gaps = np.diff(self.values) if at_least is None else (self.values[1:] >= at_least) & (self.values[:-1] < at_least)
        binary = set(np.unique(self.x[:, column])) <= {0.0, 1.0}
        value, gradient = 0.0, np.zeros(len(self.params))
        for j in np.flatnonzero(gaps):
            v, g = self._switch(column, j) if binary else self._slope(column, j)
            value, gradient = value + gaps[j] * v, gradient + gaps[j] * g
        return self.estimate(gradient, value, ci_level)

    def _slope(self, column, j):
        q = expit(self.x @ self.beta - self.thresholds[j])
        density = q * (1 - q)
        bend = density * (1 - 2 * q)
        mean = self.w / self.w.sum()
        gradient = np.zeros(len(self.params))
        gradient[j] = -(mean @ bend) * self.beta[column]
        gradient[len(self.thresholds) :] = (mean * bend) @ self.x * self.beta[column]
        gradient[len(self.thresholds) + column] += mean @ density
        return float(mean @ density) * self.beta[column], gradient

    def _switch(self, column, j):
        upper, lower = ({column: level} for level in (1.0, 0.0))
        return self._standardised([(1, upper), (-1, lower)], j)

    def _standardised(self, settings, j):
        """Signed sum of the mean chances of an answer above threshold j with columns set to values, and its gradient."""
        mean = self.w / self.w.sum()
        value, gradient = 0.0, np.zeros(len(self.params))
        for sign, columns in settings:
            x = self.x.copy()
            for column, level in columns.items():
                x[:, column] = level
            q = expit(x @ self.beta - self.thresholds[j])
            value += sign * float(mean @ q)
            gradient[j] -= sign * float(mean @ (q * (1 - q)))
            gradient[len(self.thresholds) :] += sign * (mean * q * (1 - q)) @ x
        return value, gradient

    def standardised(self, settings, *, at_least, ci_level=0.95):
        """(Estimate, p) of a contrast of standardised chances of an answer of `at_least`.

        Parameters
        ----------
        settings : list of (sign, {column position: value})
            Everybody gets these values and keeps the rest; the mean chances are added up with their signs. The double difference of
            an interaction has four (Ai & Norton 2003).
        """
        j = int(np.flatnonzero((self.values[1:] >= at_least) & (self.values[:-1] < at_least))[0])
        value, gradient = self._standardised(settings, j)
        return self.estimate(gradient, value, ci_level)


def fit_answers(y, x, w=None, *, names=None, kind="none", clusters=None, cov="robust", firth="auto"):
    """Ordered logit, or binary with two answers, that notices separation.

    Parameters
    ----------
    y : array of shape (rows,)
        Answers; the categories are the values that occur.
    x : array or DataFrame of shape (rows, k)
        Design matrix without a constant.
    w : array, optional
        Weights as in `delight.estimate.Sample`: frequency weights give what the expanded rows would give.
    kind : {"none", "sampling", "frequency"}
    clusters : array, optional
        CR1, t with G-1 degrees of freedom.
    cov : {"robust", "observed"}
        Sandwich, or inverse information; clusters always give the sandwich, a Firth fit never does.
    firth : {"auto", True, False}
        Penalised likelihood for a binary answer: where it separates, always, or never.

    Returns
    -------
    AnswerModel
        Separated answers: two categories give the Firth fit with status ``degenerate``; more give NaN and ``degenerate``.

    References
    ----------
    Firth, D. (1993). Biometrika 80, 27-38. Heinze, G. & Schemper, M. (2002). Statistics in Medicine 21, 2409-2419.
    """
    names = list(names if names is not None else getattr(x, "columns", range(np.shape(x)[1])))
    y = np.asarray(y, dtype=float)
    x = np.asarray(x, dtype=float).reshape(len(y), -1)
    w = np.ones(len(y)) if w is None else np.asarray(w, dtype=float)
    z, centre, spread = _standardised(x, w)
    fitted = logit.fit_ordered(y, z, w, names=names, kind=kind, cov=cov, clusters=clusters)
    k, cuts = x.shape[1], len(fitted.levels) - 1
    if cuts < 1 or fitted.aliased or np.isnan(fitted.ll):
        return _nothing(fitted, "degenerate" if cuts < 1 else "not_identified", x, w)
    separated = ()
    if not fitted.usable or np.abs(z @ fitted.coef).max(initial=0) > CERTAIN:
        separated = _separated(y == fitted.levels[1], z, names) if cuts == 1 else _runaway(y, z, w, names, kind)
    params, covariance, loglik, converged, penalised = fitted.params, fitted.full_cov, fitted.ll, fitted.converged, False
    if cuts == 1 and (firth is True or (firth == "auto" and separated)):
        params, covariance, loglik, converged = _firth_fit((y == fitted.levels[1]).astype(int), z, w)
        penalised = True
    if not converged or (separated and not penalised):
        return _nothing(fitted, "degenerate" if separated else "not_converged", x, w, separated)
    back = np.eye(cuts + k)
    back[:cuts, cuts:] = centre / spread
    back[cuts:, cuts:] = np.diag(1 / spread)
    params, status = back @ params, "degenerate" if separated else "ok"
    covariance = back @ covariance @ back.T
    return AnswerModel(
        names, fitted.levels, params[:cuts], params[cuts:], covariance, fitted.df, loglik, fitted.ll_null, fitted.n,
        penalised, separated, (), status, x, w,
    )  # fmt: skip


def _standardised(x, w):
    """Columns centred at their weighted mean, over their weighted standard deviation (1 where that is 0)."""
    centre = np.average(x, axis=0, weights=w) if len(x) else np.zeros(x.shape[1])
    spread = np.sqrt(np.average((x - centre) ** 2, axis=0, weights=w)) if len(x) else np.ones(x.shape[1])
    spread = np.where(spread > 1e-12, spread, 1.0)
    return (x - centre) / spread, centre, spread


def _nothing(fitted, status, x, w, separated=()):
    cuts, k = max(len(fitted.levels) - 1, 0), len(fitted.names)
    blank = np.full((cuts + k, cuts + k), np.nan)
    return AnswerModel(
        fitted.names, fitted.levels, np.full(cuts, np.nan), np.full(k, np.nan), blank, fitted.df, np.nan, fitted.ll_null, fitted.n,
        False, tuple(separated), tuple(fitted.aliased), status, x, w,
    )  # fmt: skip


def _separated(high, x, names):
    """Terms in a direction that predicts a binary answer perfectly wherever it predicts at all, found by a linear programme.

    References
    ----------
    Konis, K. (2007). Linear programming algorithms for detecting separated data in binary logistic regression. Oxford.
    """
    sign = np.where(high, 1.0, -1.0)
    rows = np.unique(np.column_stack([np.ones(len(x)), x]) * sign[:, None], axis=0)
    found = optimize.linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1), method="highs")
    if found.status != 0 or -found.fun < 1e-7:
        return ()
    return tuple(name for name, b in zip(names, found.x[1:]) if abs(b) > 1e-7)


def _runaway(y, z, w, names, kind):
    """Terms of an ordered logit without a maximum: the likelihood is flat along them (standard error beyond reason)."""
    fitted = logit.fit_ordered(y, z, w, names=names, kind=kind, cov="observed")
    if not fitted.converged or np.isnan(fitted.se).any():
        return tuple(names)
    return tuple(name for name, se in zip(names, fitted.se) if se > 50)


def _binary(params, codes, x):
    """Design with a constant, chance of the higher answer, its variance; parameters are (threshold, beta)."""
    design = np.column_stack([-np.ones(len(codes)), x])
    chance = expit(design @ params)
    return design, chance, chance * (1 - chance)


def _firth_scores(params, codes, x, w):
    design, chance, variance = _binary(params, codes, x)
    inverse = np.linalg.inv((design * (w * variance)[:, None]).T @ design)
    leverage = variance * ((design @ inverse) * design).sum(axis=1)
    return design * (codes - chance + leverage * (0.5 - chance))[:, None]


def penalised_loglik(params, codes, x, w):
    """Firth's log-likelihood plus half the log determinant of the information."""
    design, chance, variance = _binary(params, codes, x)
    sign, logdet = np.linalg.slogdet((design * (w * variance)[:, None]).T @ design)
    plain = float(w @ np.where(codes == 1, log_expit(design @ params), log_expit(-(design @ params))))
    return plain + 0.5 * logdet if sign > 0 else -np.inf


def _firth_fit(codes, x, w):
    """Parameters, inverse information, plain log-likelihood and convergence of the penalised fit."""
    params, converged = _firth(codes, x, w)
    design, chance, variance = _binary(params, codes, x)
    bread = np.linalg.inv((design * (w * variance)[:, None]).T @ design)
    line = design @ params
    return params, bread, float(w @ np.where(codes == 1, log_expit(line), log_expit(-line))), converged


def _firth(codes, x, w, *, held=None, start=None, rounds=500):
    """Maximum of the penalised likelihood, with one parameter held at its value if `held` names its position."""
    free = np.array([j for j in range(x.shape[1] + 1) if j != held])
    params = np.zeros(x.shape[1] + 1) if start is None else start.copy()
    value = penalised_loglik(params, codes, x, w)
    for _ in range(rounds):
        design, _, variance = _binary(params, codes, x)
        information = (design * (w * variance)[:, None]).T @ design
        gradient = (w @ _firth_scores(params, codes, x, w))[free]
        step = np.zeros(len(params))
        step[free] = np.linalg.solve(information[np.ix_(free, free)], gradient)
        if gradient @ step[free] < 1e-16 * max(1.0, abs(value)):
            return params, True
        size = min(1.0, 5 / np.abs(step).max())
        while (new := penalised_loglik(params + size * step, codes, x, w)) < value and size > 1e-10:
            size /= 2
        if size <= 1e-10:
            return params, bool(np.abs(gradient).max() < 1e-4)
        params, value = params + size * step, new
    return params, False


def firth_interval(fit, y, column, ci_level=0.95):
    """Profile penalised-likelihood interval and p of one term of a Firth fit (Wald limits mislead under separation).

    Returns
    -------
    (lo, hi, p) : floats
        A limit further than 60 standard deviations of the term away is infinite.
    """
    z, centre, spread = _standardised(fit.x, fit.w)
    codes = (np.asarray(y, dtype=float) == fit.values[1]).astype(int)
    patterns, which = np.unique(np.column_stack([codes, z]), axis=0, return_inverse=True)
    codes, z, w = patterns[:, 0].astype(int), patterns[:, 1:], np.bincount(which.ravel(), fit.w)
    best = np.concatenate([fit.thresholds - centre @ fit.beta, fit.beta * spread])
    at, peak, last = column + 1, penalised_loglik(best, codes, z, w), [best]
    drop = stats.chi2.ppf(ci_level, 1) / 2

    def below(value):
        start = last[0].copy()
        start[at] = value
        last[0], _ = _firth(codes, z, w, held=at, start=start)
        return peak - drop - penalised_loglik(last[0], codes, z, w)

    limits = []
    for side in (-1, 1):
        reach, last[0] = 0.5, best
        while reach < 64 and below(best[at] + side * reach) < 0:
            reach *= 2
        limits.append(
            optimize.brentq(below, best[at], best[at] + side * reach, xtol=1e-6) / spread[column] if reach < 64 else side * np.inf
        )
    p = float(stats.chi2.sf(max(2 * (below(0.0) + drop), 0), 1))
    return limits[0], limits[1], p

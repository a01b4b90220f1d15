"""One factor or two behind two sets of questions: maximum likelihood, with a robust interval of the factors' correlation (method M04)."""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from delight.reliability import FLOOR, correlations, moments


class TwoSets:
    """The model Σ = ΛΦΛ' + Ψ of correlations, every question loading on the factor of its set.

    Parameters
    ----------
    r : array of shape (p, p)
        Correlations of the questions.
    first : int
        Questions of the first set; the others are the second.
    joined : bool
        One factor behind both (φ = 1).

    Attributes
    ----------
    discrepancy : float
        log|Σ| + tr(RΣ⁻¹) − log|R| − p at the maximum of the likelihood.
    params : array
        Loadings, log uniquenesses and, unless joined, atanh φ.
    """

    def __init__(self, r, first, *, joined=False):
        self.r, self.joined = np.asarray(r, dtype=float), joined
        self.p = len(self.r)
        self.of = np.where(np.arange(self.p) < first, 0, 0 if joined else 1)
        self.log_r = np.linalg.slogdet(self.r)[1]
        start = np.full(self.p, 0.7)
        if np.abs(self.r).sum() > 0:  # signs of the first principal component
            vector = np.linalg.eigh(self.r)[1][:, -1]
            start = 0.7 * np.sign(vector * np.sign(vector.sum() or 1.0))
        start = np.concatenate([start, np.full(self.p, np.log(0.5)), [] if joined else [0.5]])
        bounds = [(-2, 2)] * self.p + [(np.log(FLOOR), np.log(4))] * self.p + ([] if joined else [(-4, 4)])
        found = optimize.minimize(
            self.value, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-8}
        )
        self.params, self.discrepancy = found.x, float(found.fun)
        low, high = np.array(bounds).T
        free = (found.x > low + 1e-9) & (found.x < high - 1e-9)
        self.converged = bool(np.abs(found.jac[free]).max(initial=0.0) < 1e-4)

    @property
    def phi(self):
        return 1.0 if self.joined else float(np.tanh(self.params[-1]))

    @property
    def count(self):
        """Parameters."""
        return len(self.params)

    def _parts(self, params):
        """Loadings by factor (p, factors), correlations of the factors, uniquenesses."""
        pattern = np.zeros((self.p, 1 if self.joined else 2))
        pattern[np.arange(self.p), self.of] = params[: self.p]
        link = np.ones((1, 1)) if self.joined else np.array([[1.0, np.tanh(params[-1])], [np.tanh(params[-1]), 1.0]])
        return pattern, link, np.exp(params[self.p : 2 * self.p])

    def value(self, params, r=None):
        """Discrepancy and its gradient."""
        r = self.r if r is None else r
        pattern, link, unique = self._parts(params)
        sigma = pattern @ link @ pattern.T + np.diag(unique)
        sign, log_sigma = np.linalg.slogdet(sigma)
        if sign <= 0:
            return 1e10, np.zeros(len(params))
        inverse = np.linalg.inv(sigma)
        found = log_sigma + np.trace(r @ inverse) - self.log_r - self.p
        return found, self._slope(params, (inverse - inverse @ r @ inverse)[None])[0]

    def _slope(self, params, g):
        """Gradients from Σ⁻¹ − Σ⁻¹RΣ⁻¹, shape (many, p, p)."""
        pattern, link, unique = self._parts(params)
        by_loading = 2 * (g @ (pattern @ link))[:, np.arange(self.p), self.of]
        by_unique = np.diagonal(g, axis1=1, axis2=2) * unique
        if self.joined:
            return np.concatenate([by_loading, by_unique], axis=1)
        by_phi = 2 * (1 - link[0, 1] ** 2) * np.einsum("i,nij,j->n", pattern[:, 0], g, pattern[:, 1])
        return np.concatenate([by_loading, by_unique, by_phi[:, None]], axis=1)

    def influence(self, z):
        """What each standardised answer adds to atanh φ, shape (rows,): minus the inverse curvature times its own slope."""
        pattern, link, unique = self._parts(self.params)
        inverse = np.linalg.inv(pattern @ link @ pattern.T + np.diag(unique))
        away = z @ inverse
        slopes = self._slope(self.params, inverse[None] - away[:, :, None] * away[:, None, :])
        step = 1e-5
        curve = np.array(
            [(self.value(self.params + step * e)[1] - self.value(self.params - step * e)[1]) / (2 * step) for e in np.eye(self.count)]
        )
        return -(slopes @ np.linalg.pinv((curve + curve.T) / 2))[:, -1]


def one_or_two(x, first, used, design, ci_level):
    """Two factors against one, as columns: ``phi, phi_lo, phi_hi, chi2_one, chi2_two, lr, lr_p, bic_one, bic_two``; NaN where it fails.

    Parameters
    ----------
    x : array of shape (rows, p)
        Answers; the first `first` columns are one set.
    used : Sample
    design : Design
        Of the same rows, for the standard error of the factors' correlation.
    """
    names = ["phi", "phi_lo", "phi_hi", "chi2_one", "chi2_two", "lr", "lr_p", "bic_one", "bic_two"]
    blank = dict.fromkeys(names, np.nan)
    centre, covariance = moments(x, used.w, kind=used.kind)
    r = correlations(covariance)
    if not np.isfinite(r).all() or np.linalg.eigvalsh(r)[0] < 1e-8:
        return blank
    two, one = TwoSets(r, first), TwoSets(r, first, joined=True)
    if not (two.converged and one.converged):
        return blank
    n = used.n_eff
    chi2_one, chi2_two = (n - 1) * one.discrepancy, (n - 1) * min(two.discrepancy, one.discrepancy)
    found = {"phi": two.phi, "chi2_one": chi2_one, "chi2_two": chi2_two, "lr": chi2_one - chi2_two}
    found["lr_p"] = float(stats.chi2.sf(found["lr"], 1))
    found |= {"bic_one": chi2_one + one.count * np.log(n), "bic_two": chi2_two + two.count * np.log(n)}
    se = design.mean(two.influence((x - centre) / np.sqrt(np.diag(covariance)))).se
    half = stats.norm.ppf(0.5 + ci_level / 2) * se
    at = np.arctanh(np.clip(two.phi, -1 + 1e-12, 1 - 1e-12))
    return {**blank, **found, "phi_lo": float(np.tanh(at - half)), "phi_hi": float(np.tanh(at + half))}

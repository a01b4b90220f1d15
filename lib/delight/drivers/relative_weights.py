"""Relative weights of correlated drivers (Johnson 2000; method M13)."""

from __future__ import annotations

import numpy as np

from delight.drivers.draws import SINGULAR


def relative_weights(rxx, rxy):
    """Raw relative weights, shape (draws, p), adding up to R²; NaN where the correlation matrix is singular.

    Notes
    -----
    Λ = V √D V′ of rxx = V D V′; β = Λ⁻¹ rxy; weight_j = Σ_k λ_jk² β_k².
    """
    root, beta, singular = _orthogonal(rxx, rxy)
    raw = np.einsum("bjk,bk->bj", root**2, beta**2)
    raw[singular] = np.nan
    return raw


def standard_errors(rxx, rxy, df, beta_cov=None):
    """Large-sample standard errors of raw relative weights (as in Displayr's flipRegression), shape (p,).

    Parameters
    ----------
    rxx, rxy : ndarray (p, p) and (p,)
    df : float
        Degrees of freedom of the regression on the orthogonal columns: answers less attributes.
    beta_cov : ndarray (p, p), optional
        Covariance of the standardised slopes, where they do not come from least squares (`Draws.beta_cov`).

    Notes
    -----
    se_j = √(Σ_k λ_jk⁴ se_βk⁴ (2 + 4 (β_k / se_βk)²)). Least squares on orthogonal columns of unit variance gives every β_k the
    variance (1 - R²) / df; other slopes γ give β = Λγ the variances on the diagonal of Λ cov(γ) Λ.
    """
    root, beta, singular = _orthogonal(rxx[None], rxy[None])
    if singular[0] or not df > 0 or np.isnan(rxy).any():
        return np.full(len(rxy), np.nan)
    if beta_cov is None:
        variance = np.full(len(rxy), max(1 - float(rxy @ np.linalg.solve(rxx, rxy)), 0.0) / df)
    else:
        variance = np.diag(root[0] @ beta_cov @ root[0])
    return np.sqrt(root[0] ** 4 @ (2 * variance**2 + 4 * variance * beta[0] ** 2))


def dependent(rxx, names):
    """Names of the columns that take part in an exact dependency (eigenvalues below 1e-10)."""
    values, vectors = np.linalg.eigh(rxx)
    null = np.abs(vectors[:, values < SINGULAR])
    return [name for name, row in zip(names, null) if row.max(initial=0) > 1e-6]


def _orthogonal(rxx, rxy):
    """(Λ, β, singular) for a stack of correlation matrices."""
    values, vectors = np.linalg.eigh(rxx)
    singular = values[:, 0] < SINGULAR
    root_values = np.sqrt(np.maximum(values, SINGULAR))
    turned = vectors.transpose(0, 2, 1)
    root = (vectors * root_values[:, None]) @ turned
    beta = (vectors @ ((turned @ rxy[:, :, None]) / root_values[:, :, None]))[:, :, 0]
    return root, beta, singular

"""Relative weights of correlated drivers (Johnson 2000; method M13)."""

from __future__ import annotations

import numpy as np


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


def standard_errors(rxx, rxy, df):
    """Large-sample standard errors of raw relative weights (as in Displayr's flipRegression), shape (p,).

    Notes
    -----
    se_j = √(Σ_k λ_jk⁴ se_βk⁴ (2 + 4 (β_k / se_βk)²)) with se_βk from the regression on the orthogonal columns, `df` degrees.
    """
    root, beta, singular = _orthogonal(rxx[None], rxy[None])
    if singular[0] or df <= 0:
        return np.full(len(rxy), np.nan)
    variance = max(1 - float(rxy @ np.linalg.solve(rxx, rxy)), 0.0) / df  # unit-variance orthogonal columns: se² of every β_k
    return np.sqrt((root[0] ** 4) @ (2 * variance**2 + 4 * variance * beta[0] ** 2))


def dependent(rxx, names):
    """Names of the columns that take part in an exact dependency (eigenvalues below 1e-10)."""
    values, vectors = np.linalg.eigh(rxx)
    null = np.abs(vectors[:, values < 1e-10])
    return [name for name, row in zip(names, null) if row.max(initial=0) > 1e-6]


def _orthogonal(rxx, rxy):
    """(Λ, β, singular) for a stack of correlation matrices."""
    values, vectors = np.linalg.eigh(rxx)
    singular = values[:, 0] < 1e-10
    root_values = np.sqrt(np.maximum(values, 1e-10))
    root = np.einsum("bjk,bk,blk->bjl", vectors, root_values, vectors)
    beta = np.einsum("bjk,bk,blk,bl->bj", vectors, 1 / root_values, vectors, rxy)
    return root, beta, singular

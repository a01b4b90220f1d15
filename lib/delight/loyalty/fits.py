"""Forms of the satisfaction-loyalty relation in common terms: one fit, linear or logit, with SSR or deviance (methods M06)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from delight import logit
from delight.errors import InputError
from delight.estimate import fit_linear, need_columns
from delight.loyalty.outcome import prepare
from delight.loyalty.regression import design_terms

#: Answers needed at 7, 8 and 9, and on either side of a bend.
FEWEST = 25
#: Distinct satisfaction values from which a hinge is looked for.
FINE = 20


def data_of(frame, y, x, scales, covariates, turned, weights, weights_kind, clusters):
    need_columns(frame, [y, x, *covariates])
    if y in covariates or x in covariates or y == x:
        raise InputError("Outcome, satisfaction and covariates must be different columns.")
    data = prepare(
        frame, y=y, x=x, scales=scales, others=covariates, weights=weights, weights_kind=weights_kind, clusters=clusters, turned=turned
    )
    terms = design_terms(data, x, None, (), (), covariates)
    z = terms.x.drop(columns=[x], errors="ignore").to_numpy(dtype=float)
    notes = list(terms.notes)
    return data, z - (np.average(z, axis=0, weights=data.w) if len(z) else 0), notes


def is_fine(s, scale):
    """Whether satisfaction has enough distinct values for a hinge (a mean of items; never whole grades)."""
    return scale.step != 1 and len(np.unique(np.round(s, 9))) >= FINE


def design(z, *columns):
    """Design: constant, the given columns, covariates."""
    return np.column_stack([np.ones(len(z)), *columns, z])


@dataclass(frozen=True)
class Fit:
    """One form: SSR or deviance, AIC, coefficients and predictions, linear or logit."""

    ok: bool
    ssr: float
    aic: float
    r2: float
    model: object

    def contrast(self, at, ci_level):
        size = len(self.model.coef)
        return self.model.contrast(np.eye(size)[at], ci_level)


def fit_form(data, x, *, saturated=False):
    n = data.sample.n
    if data.binary and saturated:  # a grade where all answered alike has no odds, but its deviance is 0
        deviance = loss(data, x, data.w)
        null = loss(data, x[:, :1], data.w)
        return Fit(bool(np.isfinite(deviance)), deviance, deviance + 2 * x.shape[1], 1 - deviance / null, None)
    if data.binary:
        fit = logit.fit_logit(data.y > data.y.min(), x, data.w, kind=data.kind, clusters=data.clusters)
        deviance = -2 * fit.ll
        return Fit(fit.usable, deviance, deviance + 2 * x.shape[1], fit.mcfadden_r2, fit)
    fit = fit_linear(data.y, x, data.w, kind=data.kind, clusters=data.clusters)
    ok = bool(not fit.aliased and fit.ssr > 0 and np.isfinite(fit.ssr))
    aic = n * (np.log(2 * np.pi * fit.ssr / n) + 1) + 2 * (x.shape[1] + 1) if ok else np.nan
    return Fit(ok, fit.ssr, aic, fit.r2, fit)


def solve(data, x, w):
    """Coefficients with weights `w`: least squares, or a ridge-free logit by a few Newton steps."""
    used = w > 0
    if not data.binary:
        root = np.sqrt(w[used])[:, None]
        return np.linalg.lstsq(x[used] * root, data.y[used] * root[:, 0], rcond=None)[0]
    y, x, w = (data.y > data.y.min())[used].astype(float), x[used], w[used]
    coef = np.zeros(x.shape[1])
    for _ in range(25):
        p = expit(x @ coef)
        information = (x * (w * np.maximum(p * (1 - p), 1e-10))[:, None]).T @ x
        step = np.linalg.lstsq(information, x.T @ (w * (y - p)), rcond=None)[0]
        coef = coef + np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-8:
            break
    return coef


def loss(data, x, w):
    """SSR or deviance of the best fit with weights `w`."""
    line = x @ solve(data, x, w)
    if not data.binary:
        return float(w @ (data.y - line) ** 2)
    return float(-2 * w @ np.where(data.y > data.y.min(), log_expit(line), log_expit(-line)))

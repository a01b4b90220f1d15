"""Small statistics every method stands on: answered samples, weighted means, intervals, robust regression, corrections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Sample:
    """The rows a method uses, counted after the last filter.

    Attributes
    ----------
    frame : DataFrame of the rows used, index kept.
    w : ndarray of shape (rows,)
        Sampling weights with mean 1, frequency weights as counts, ones without weights.
    kind : str
        ``none``, ``sampling`` or ``frequency``.
    n, n_missing : int
        Answers used and left out because something was missing (frequency weights counted); zero weights are excluded from both.
    n_in : int
        Answers before anything was left out, zero weights excluded.
    n_eff : float
        Kish's effective sample size (sampling), else n.
    """

    frame: pd.DataFrame
    w: np.ndarray
    kind: str
    n: int
    n_missing: int
    n_in: int
    n_eff: float

    @property
    def meta(self):
        """The counts under the names of the result contract."""
        return {
            "n_in": self.n_in,
            "n_used": self.n,
            "n_dropped_missing": self.n_missing,
            "n_eff": self.n_eff,
            "weights": self.kind,
        }


def need_columns(frame, columns):
    """Raise `InputError` listing every column that `frame` lacks."""
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        hints = "; ".join(f"'{c}'{did_you_mean(c, frame.columns)}" for c in missing)
        raise InputError(f"The table lacks {len(missing)} column(s) the method needs: {hints}")


def sample(frame, columns, *, weights=None, weights_kind="sampling"):
    """Keep the rows in which all `columns` (and the weight) are answered, and count what was left out.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    columns : sequence of str
        A row with a missing value in any of them is left out and counted.
    weights : str, optional
        Column of weights: non-negative; zero excludes the row without counting it as missing.
    weights_kind : {"sampling", "frequency"}
        Frequency weights must be whole numbers.

    Returns
    -------
    Sample

    Raises
    ------
    InputError
        Unknown column, negative weight, fractional frequency weight, unknown kind.

    References
    ----------
    Kish, L. (1965). Survey Sampling (effective sample size).
    """
    columns = list(dict.fromkeys(columns))
    need_columns(frame, columns + ([weights] if weights else []))
    if weights is None:
        kept = frame[frame[columns].notna().all(axis=1)] if columns else frame
        n = len(kept)
        return Sample(kept, np.ones(n), "none", n, len(frame) - n, len(frame), float(n))
    if weights_kind not in ("sampling", "frequency"):
        raise InputError(f"weights_kind is 'sampling' or 'frequency', not {weights_kind!r}.")
    w = pd.to_numeric(frame[weights]).astype(float)
    if (w < 0).any():
        row = w.index[int(np.flatnonzero(w < 0)[0])]
        raise InputError(f"Column '{weights}': {int((w < 0).sum())} negative weights (first in row {row}).")
    if weights_kind == "frequency" and (w.dropna() % 1 != 0).any():
        raise InputError(f"Column '{weights}': frequency weights must be whole numbers.")
    inside = frame[~(w == 0)]
    w = w[~(w == 0)]
    answered = inside[columns].notna().all(axis=1) & w.notna()
    kept, used = inside[answered], w[answered].to_numpy()
    if weights_kind == "frequency":
        n, n_in = int(used.sum()), int(w.sum())
        return Sample(kept, used, "frequency", n, n_in - n, n_in, float(n))
    n, n_in = len(kept), len(inside)
    used = used / used.mean() if n else used
    n_eff = float(used.sum() ** 2 / (used**2).sum()) if n else 0.0
    return Sample(kept, used, "sampling", n, n_in - n, n_in, n_eff)


@dataclass(frozen=True)
class Estimate:
    """A point estimate with its standard error, degrees of freedom and interval."""

    value: float
    se: float
    df: float
    lo: float
    hi: float


def mean(values, w=None, *, kind="none", ci_level=0.95):
    """Weighted mean with its t interval (methods M00, M02).

    Sampling weights: Var = n/(n-1) Σ w²(y-ȳ)² / (Σw)², df = n-1. Frequency weights: as the expanded rows.
    n = 1 gives NaN limits; no values give NaN.
    """
    values = np.asarray(values, dtype=float)
    w = np.ones(len(values)) if w is None else np.asarray(w, dtype=float)
    n = w.sum() if kind == "frequency" else len(values)
    if n == 0:
        return Estimate(*[np.nan] * 5)
    centre = float(np.average(values, weights=w))
    if n < 2:
        return Estimate(centre, np.nan, n - 1, np.nan, np.nan)
    squares = (values - centre) ** 2
    if kind == "frequency":
        variance = (w * squares).sum() / (n - 1) / n
    else:
        variance = n / (n - 1) * (w**2 * squares).sum() / w.sum() ** 2
    se = float(np.sqrt(variance))
    half = stats.t.ppf(0.5 + ci_level / 2, n - 1) * se
    return Estimate(centre, se, float(n - 1), centre - half, centre + half)


def wilson(share, n, ci_level=0.95):
    """Score interval (lo, hi) of a share of `n` (or n_eff) answers; NaN without answers. Wilson (1927), JASA 22."""
    if not n > 0 or np.isnan(share):
        return np.nan, np.nan
    z = stats.norm.ppf(0.5 + ci_level / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(max(share * (1 - share), 0) / n + z**2 / (4 * n**2))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


@dataclass(frozen=True)
class LinearFit:
    """A least-squares fit with a robust covariance.

    Attributes
    ----------
    names : list of str
        Terms in the order of `coef`.
    coef, se, p : ndarray of shape (k,)
    cov : ndarray of shape (k, k)
    df : float
        Degrees of freedom of t and F: n - k, or clusters - 1.
    resid, fitted : ndarray of shape (rows,)
    r2, ssr : float
    n : int
    aliased : tuple of str
        Terms that others determine exactly; then all estimates are NaN.
    """

    names: list
    coef: np.ndarray
    cov: np.ndarray
    df: float
    resid: np.ndarray
    fitted: np.ndarray
    r2: float
    ssr: float
    n: int
    aliased: tuple = ()

    @property
    def se(self):
        return np.sqrt(np.clip(np.diag(self.cov), 0, None))

    @property
    def p(self):
        with np.errstate(all="ignore"):
            return 2 * stats.t.sf(np.abs(self.coef / self.se), self.df)

    def interval(self, ci_level=0.95):
        """(lo, hi) arrays of every coefficient."""
        half = stats.t.ppf(0.5 + ci_level / 2, self.df) * self.se
        return self.coef - half, self.coef + half

    def contrast(self, direction, ci_level=0.95, null=0.0):
        """Estimate and two-sided p of a linear combination of the coefficients: (Estimate, p)."""
        direction = np.asarray(direction, dtype=float)
        value, se = float(direction @ self.coef), float(np.sqrt(max(direction @ self.cov @ direction, 0)))
        half = stats.t.ppf(0.5 + ci_level / 2, self.df) * se
        p = float(2 * stats.t.sf(abs((value - null) / se), self.df)) if se > 0 else np.nan
        return Estimate(value, se, self.df, value - half, value + half), p

    def wald(self, restrictions):
        """F and p of R beta = 0, `restrictions` of shape (q, k)."""
        r = np.atleast_2d(np.asarray(restrictions, dtype=float))
        try:
            f = float((r @ self.coef) @ np.linalg.solve(r @ self.cov @ r.T, r @ self.coef)) / len(r)
        except np.linalg.LinAlgError:
            return np.nan, np.nan
        return f, float(stats.f.sf(f, len(r), self.df))


def fit_linear(y, x, w=None, *, names=None, kind="none", cov="HC3", clusters=None):
    """Weighted least squares with a heteroscedasticity- or cluster-robust covariance.

    Parameters
    ----------
    y : array of shape (rows,)
    x : array or DataFrame of shape (rows, k)
        Design matrix; a constant must be in it where wanted.
    w : array, optional
        Weights as in `Sample`.
    kind : {"none", "sampling", "frequency"}
        Frequency weights give what the expanded rows would give, leverages included.
    cov : {"HC3", "HC0", "HC1", "classical"}
        Ignored with `clusters`, which gives CR1 (Liang & Zeger 1986) with G-1 degrees of freedom.
    clusters : array, optional

    Returns
    -------
    LinearFit

    References
    ----------
    Long, J. S. & Ervin, L. H. (2000). The American Statistician 54, 217-224 (HC3).
    """
    names = list(names if names is not None else getattr(x, "columns", range(np.shape(x)[1])))
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    w = np.ones(len(y)) if w is None else np.asarray(w, dtype=float)
    n = int(w.sum()) if kind == "frequency" else len(y)
    k = x.shape[1]
    aliased = aliased_terms(x * np.sqrt(w)[:, None], names)
    if aliased or n <= k:
        nothing = np.full(k, np.nan)
        blank = np.full(len(y), np.nan)
        return LinearFit(names, nothing, np.full((k, k), np.nan), n - k, blank, blank, np.nan, np.nan, n, tuple(aliased))
    q, r = np.linalg.qr(x * np.sqrt(w)[:, None])
    inverse_r = np.linalg.inv(r)
    bread = inverse_r @ inverse_r.T
    coef = inverse_r @ (q.T @ (np.sqrt(w) * y))
    fitted = x @ coef
    resid = y - fitted
    ssr = float((w * resid**2).sum())
    total = float((w * (y - np.average(y, weights=w)) ** 2).sum())
    df = float(n - k)
    if clusters is not None:
        codes = np.unique(np.asarray(clusters), return_inverse=True)[1]
        g = int(codes.max()) + 1
        scores = np.zeros((g, k))
        np.add.at(scores, codes, x * (w * resid)[:, None])
        meat = scores.T @ scores * (g / (g - 1) * (n - 1) / (n - k) if g > 1 else np.nan)
        df = float(g - 1)
    else:
        each = w if kind == "frequency" else w**2
        shrink = np.ones(len(y))
        if cov == "HC3":
            leverage = (q**2).sum(axis=1) / (w if kind == "frequency" else 1)
            with np.errstate(divide="ignore"):
                shrink = 1 / np.maximum(1 - leverage, 1e-12)
        if cov == "classical":
            meat = (x * w[:, None]).T @ x * ssr / (n - k)
        else:
            meat = (x * (each * (resid * shrink) ** 2)[:, None]).T @ x
            if cov == "HC1":
                meat *= n / (n - k)
    return LinearFit(names, coef, bread @ meat @ bread, df, resid, fitted, 1 - ssr / total if total else np.nan, ssr, n)


def aliased_terms(x, names):
    """Names of the columns that earlier columns determine exactly."""
    scale = np.sqrt((x**2).sum(axis=0))
    if len(x) >= x.shape[1] and np.all(scale > 0):
        r = np.abs(np.diag(np.linalg.qr(x / scale, mode="r")))
        if np.all(r > 1e-9):
            return []
    kept, aliased = [], []
    for j, name in enumerate(names):
        rest = x[:, j]
        if kept:
            rest = rest - x[:, kept] @ np.linalg.lstsq(x[:, kept], rest, rcond=None)[0]
        if scale[j] > 0 and np.linalg.norm(rest) > 1e-9 * scale[j]:
            kept.append(j)
        else:
            aliased.append(name)
    return aliased


def benjamini_hochberg(p):
    """q-values of a family of p-values; NaN stays NaN and does not count. Benjamini & Hochberg (1995)."""
    p = np.asarray(p, dtype=float)
    q = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    m = int(known.sum())
    if m:
        order = np.argsort(p[known])
        ranked = p[known][order] * m / np.arange(1, m + 1)
        adjusted = np.empty(m)
        adjusted[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1)
        q[known] = adjusted
    return q


def holm(p):
    """Family-wise adjusted p-values; NaN stays NaN and does not count. Holm (1979), Scand. J. Statist. 6."""
    p = np.asarray(p, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    m = int(known.sum())
    if m:
        order = np.argsort(p[known])
        steps = np.minimum(np.maximum.accumulate(p[known][order] * (m - np.arange(m))), 1)
        back = np.empty(m)
        back[order] = steps
        adjusted[known] = back
    return adjusted


def base_status(n, *, soft=50, hard=30, model=False):
    """Status of an estimate by its n (M00): below `hard` ``insufficient`` for models and ``low_base`` for counts, below `soft` ``low_base``."""
    if n == 0 or (model and n < hard):
        return "insufficient"
    return "low_base" if n < soft else "ok"

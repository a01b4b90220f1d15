"""Small statistics every method stands on: answered samples, weighted means, intervals, robust regression, corrections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from delight.errors import InputError, did_you_mean

#: Fewest clusters for the plain CR1 interval, for Rademacher weights, and for any cluster-robust interval at all (methods M00).
MANY_CLUSTERS, RADEMACHER_CLUSTERS, FEWEST_CLUSTERS = 40, 12, 6


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
    f : ndarray of shape (rows,), optional
        Sampling weights of counted answers: how many answers of weight `w` a row stands for.
    """

    frame: pd.DataFrame
    w: np.ndarray
    kind: str
    n: int
    n_missing: int
    n_in: int
    n_eff: float
    f: np.ndarray | None = None

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


def weights_of(frame, weights, kind="sampling"):
    """The column of weights as numbers, ones without weights; raises `InputError` as `sample` says."""
    if weights is None:
        return pd.Series(1.0, index=frame.index)
    if kind not in ("sampling", "frequency"):
        raise InputError(f"weights_kind is 'sampling' or 'frequency', not {kind!r}.")
    try:
        w = pd.to_numeric(frame[weights]).astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(f"Column '{weights}': weights must be numbers: {error}.") from None
    if np.isinf(w).any():
        raise InputError(f"Column '{weights}': {int(np.isinf(w).sum())} infinite weights (first in row {w.index[np.isinf(w)][0]}).")
    if (w < 0).any():
        row = w.index[int(np.flatnonzero(w < 0)[0])]
        raise InputError(f"Column '{weights}': {int((w < 0).sum())} negative weights (first in row {row}).")
    if kind == "frequency" and (w.dropna() % 1 != 0).any():
        raise InputError(f"Column '{weights}': frequency weights must be whole numbers.")
    return w


def wave_names(values):
    """Waves of a column (or list) by name: 2019, 2019.0 and "2019" are one wave; a missing one stays missing."""

    def name(value):
        return str(int(value)) if isinstance(value, (float, np.floating)) and value == np.floor(value) else str(value)

    return pd.Series(values).map(name, na_action="ignore")


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
        Unknown column, a weight that is negative, infinite or no number, fractional frequency weight, unknown kind.

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
    w = weights_of(frame, weights, weights_kind)
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
    half = special.stdtrit(n - 1, 0.5 + ci_level / 2) * se
    return Estimate(centre, se, float(n - 1), centre - half, centre + half)


def wilson(share, n, ci_level=0.95):
    """Score interval (lo, hi) of a share of `n` (or n_eff) answers; NaN without answers. Wilson (1927), JASA 22."""
    if not n > 0 or np.isnan(share):
        return np.nan, np.nan
    z = special.ndtri(0.5 + ci_level / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(max(share * (1 - share), 0) / n + z**2 / (4 * n**2))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


class Inference:
    """Standard errors, intervals and tests of a fit that has ``coef``, ``cov`` and ``df``."""

    @property
    def se(self):
        return np.sqrt(np.clip(np.diag(self.cov), 0, None))

    def freedom(self, restrictions):
        """(degrees of freedom of the F test of R beta = 0, what its F is multiplied by); one restriction: of its t."""
        return self.df, 1.0

    @property
    def dfs(self):
        """Degrees of freedom of the t of every coefficient."""
        return np.array([self.freedom(row)[0] for row in np.eye(len(self.coef))])

    @property
    def p(self):
        with np.errstate(all="ignore"):
            return 2 * stats.t.sf(np.abs(self.coef / self.se), self.dfs)

    def interval(self, ci_level=0.95):
        """(lo, hi) arrays of every coefficient."""
        half = stats.t.ppf(0.5 + ci_level / 2, self.dfs) * self.se
        return self.coef - half, self.coef + half

    def contrast(self, direction, ci_level=0.95, null=0.0):
        """Estimate and two-sided p of a linear combination of the coefficients: (Estimate, p)."""
        direction = np.asarray(direction, dtype=float)
        value, se = float(direction @ self.coef), float(np.sqrt(max(direction @ self.cov @ direction, 0)))
        df, _ = self.freedom(direction)
        half = stats.t.ppf(0.5 + ci_level / 2, df) * se
        p = float(2 * stats.t.sf(abs((value - null) / se), df)) if se > 0 else np.nan
        return Estimate(value, se, df, value - half, value + half), p

    def wald(self, restrictions):
        """F (chi-square per restriction where `df` is infinite) and p of R beta = 0, `restrictions` of shape (q, k).

        NaN with fewer degrees of freedom than restrictions: two clusters do not tell how two coefficients vary together.
        """
        r = np.atleast_2d(np.asarray(restrictions, dtype=float))
        if not self.df >= len(r):
            return np.nan, np.nan
        df, shrink = self.freedom(r)
        try:
            f = float((r @ self.coef) @ np.linalg.solve(r @ self.cov @ r.T, r @ self.coef)) / len(r) * shrink
        except np.linalg.LinAlgError:
            return np.nan, np.nan
        return f, float(stats.f.sf(f, len(r), df if np.isfinite(df) or np.isnan(df) else 1e12))


@dataclass(frozen=True)
class ClusterErrors:
    """Covariance of a least-squares fit over clusters, and how well so many clusters tell it.

    Attributes
    ----------
    cov : ndarray of shape (k, k)
    half : ndarray of shape (k, k)
        The inverse of X'WX is half half'.
    own, moved : ndarray of shape (clusters, k, k), or None from 40 clusters on
        What the adjusted residuals of each cluster rest on, in its own rows and in those of others.

    Notes
    -----
    From 40 clusters CR1 with t(G-1). Below, CR1 is too small and t(G-1) too sure of it: CR2, whose residuals of cluster g are brought to
    (I - H_gg)^(-1/2) e_g, so that it is unbiased where errors are alike and independent; t with Satterthwaite's degrees of freedom of each
    combination, and Hotelling's T² of several.

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Biometrika 73, 13-22 (CR1). Bell, R. M. & McCaffrey, D. F. (2002). Survey Methodology 28, 169-181.
    Pustejovsky, J. E. & Tipton, E. (2018). Journal of Business & Economic Statistics 36, 672-683.
    """

    cov: np.ndarray
    half: np.ndarray
    own: np.ndarray | None = None
    moved: np.ndarray | None = None

    @classmethod
    def of(cls, q, half, resid, w, codes, n, *, plain=False):
        """Over the clusters `codes` of rows: `q` are the rows of √W X half, `resid` their residuals; `plain` asks for CR1 all the same."""
        g, k = int(codes.max()) + 1, q.shape[1]
        scores = np.zeros((g, k))
        np.add.at(scores, codes, q * (np.sqrt(w) * resid)[:, None])
        if g < 2:
            return cls(np.full((k, k), np.nan), half)
        if plain or g >= MANY_CLUSTERS:
            meat = scores.T @ scores * (g / (g - 1) * (n - 1) / (n - k))
            return cls(half @ meat @ half.T, half)
        leverage = np.array([part.T @ part for part in (q[codes == c] for c in range(g))])
        values, vectors = np.linalg.eigh(leverage)
        alone = 1 - values < 1e-10  # what one cluster decides by itself leaves it no residual
        values = np.where(alone, 0.0, 1 / np.sqrt(np.where(alone, 1.0, 1 - values)))
        adjust = (vectors * values[:, None, :]) @ vectors.transpose(0, 2, 1)
        scores = np.einsum("gij,gj->gi", adjust, scores)
        moved = leverage @ adjust
        return cls(half @ (scores.T @ scores) @ half.T, half, adjust @ moved, moved)

    def freedom(self, restrictions):
        """As `Inference.freedom`, from how the covariance of R beta would vary if errors were alike and independent."""
        r = np.atleast_2d(np.asarray(restrictions, dtype=float))
        v, size = self.half.T @ r.T, len(r)
        try:
            v = v @ np.linalg.inv(np.linalg.cholesky(v.T @ v)).T  # combinations that vary alike and by themselves
        except np.linalg.LinAlgError:
            return np.nan, np.nan
        own, moved = np.einsum("is,gij,jt->stg", v, self.own, v), np.einsum("gij,js->sgi", self.moved, v)
        shared = -np.einsum("sgi,thi->stgh", moved, moved)
        at = np.arange(len(self.own))
        shared[:, :, at, at] += own
        same = np.einsum("ssgh->sgh", shared)
        spread = np.einsum("sgh,tgh->", same, same) + np.einsum("stgh,sthg->", shared, shared)
        df = size * (size + 1) / spread if spread > 0 else np.nan
        left = df - size + 1
        return (left, left / df) if left > 0 else (np.nan, np.nan)


@dataclass(frozen=True)
class LinearFit(Inference):
    """A least-squares fit with a robust covariance.

    Attributes
    ----------
    names : list of str
        Terms in the order of `coef`.
    coef, se, p : ndarray of shape (k,)
    cov : ndarray of shape (k, k)
    df : float
        Degrees of freedom of t and F: n - k, or clusters - 1 (below 40 clusters each combination has its own: `freedom`).
    resid, fitted : ndarray of shape (rows,)
    r2, ssr : float
    n : int
    aliased : tuple of str
        Terms that others determine exactly; then all estimates are NaN.
    over : ClusterErrors, optional
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
    over: ClusterErrors | None = None

    def freedom(self, restrictions):
        few = self.over is not None and self.over.own is not None
        return self.over.freedom(restrictions) if few else super().freedom(restrictions)


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
    cov : {"HC3", "HC0", "HC1", "classical", "CR1"}
        With `clusters` only "CR1" is heeded: it keeps CR1 with t(G-1) below 40 clusters too.
    clusters : array, optional
        Errors over clusters, see `ClusterErrors`: CR1 with G-1 degrees of freedom, CR2 with Satterthwaite's below 40 clusters.

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
    if clusters is not None:
        codes = np.unique(np.asarray(clusters), return_inverse=True)[1]
        over = ClusterErrors.of(q, inverse_r, resid, w, codes, n, plain=cov == "CR1")
        return LinearFit(names, coef, over.cov, float(codes.max()), resid, fitted, 1 - ssr / total if total else np.nan, ssr, n, over=over)
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
    return LinearFit(names, coef, bread @ meat @ bread, float(n - k), resid, fitted, 1 - ssr / total if total else np.nan, ssr, n)


def aliased_terms(x, names):
    """Names of the columns that earlier columns determine exactly."""
    scale = np.sqrt((x**2).sum(axis=0))
    r = x / np.where(scale > 0, scale, 1)
    if len(r) >= r.shape[1]:  # what columns say of each other does not change with the rows turned
        r = np.linalg.qr(r, mode="r")
        if np.all(np.abs(np.diag(r)) > 1e-9):
            return []
    kept, aliased = np.empty((len(r), 0)), []
    for j, name in enumerate(names):
        rest = r[:, j]
        for _ in range(2):  # once more for what rounding left
            rest = rest - kept @ (kept.T @ rest)
        left = np.linalg.norm(rest)
        if left > 1e-9:
            kept = np.column_stack([kept, rest / left])
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


def kish(w):
    """Effective number of equally weighted answers that sampling weights leave. Kish (1965)."""
    w = np.asarray(w, dtype=float)
    return float(w.sum() ** 2 / (w**2).sum()) if w.any() else 0.0


def base_status(n, n_eff=None, *, clusters=None, soft=50, hard=30, model=False):
    """Status of an estimate by what it rests on (M00).

    The answers, or with weights what they leave of them (`n_eff`) if that is less: below `hard` ``insufficient`` for models and
    ``low_base`` for counts, below `soft` ``low_base``. Fewer than six `clusters` do not tell how clusters differ: ``assumption_warning``.
    """
    least = n if n_eff is None or not n_eff < n else n_eff
    if n == 0 or (model and least < hard):
        return "insufficient"
    if clusters is not None and clusters < FEWEST_CLUSTERS:
        return "assumption_warning"
    return "low_base" if least < soft else "ok"


@dataclass(frozen=True)
class DesignMean(Estimate):
    """A mean under a design: an `Estimate` with its effective n, its standard deviation and how its interval was made."""

    n: int = 0
    n_eff: float = np.nan
    sd: float = np.nan
    interval: str = "t"
    kish: float = np.nan  # what the weights alone leave of n

    @property
    def status(self):
        """Status of a count or a mean of these answers."""
        return base_status(self.n, self.kish, clusters=0 if self.interval == "few" else None)


class Design:
    """How the answers of a sample came about, so that means and differences of means get the variance they deserve.

    Parameters
    ----------
    used : Sample
    clusters : str, optional
        Column whose whole groups were drawn: CR1 with t(G-1).
    strata : str, optional
        Column whose every group was surveyed; a missing value is a stratum of its own.
    population : dict or float, optional
        Units in the population by stratum (respondents who could answer; with `clusters`, clusters), one number without strata.
        Weights are then brought to N_h and the finite-population correction 1 - n_h/N_h applies; strata it does not name
        take the average weight and no correction; nor is a stratum corrected that has more answers than people (the list is wrong
        then). Without it strata keep the weights they have.
    labels : dict, optional
        Label of each stratum: strata with one answer are joined within their label for the variance.

    Attributes
    ----------
    w, f : ndarray of shape (rows,)
        Weight of one answer and the number of answers a row stands for.
    notes : list of (str, dict)
        Codes with values: ``strata_collapsed``, ``population_unknown``, ``population_exceeded``, ``few_clusters``, ...

    Notes
    -----
    Taylor linearisation. With z_i = w_i (y_i - mean) / sum(w): no design n/(n-1) sum(z²); strata
    sum_h (1 - n_h/N_h) n_h/(n_h-1) sum (z_i - z̄_h)²; clusters the same over cluster totals. A group that cuts through strata is
    a domain: z is 0 outside it. Degrees of freedom: n - 1, n - H, G - 1 (G - H).

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, chapters 5 and 5A. Lumley, T. (2010). Complex Surveys.
    """

    def __init__(self, used, *, clusters=None, strata=None, population=None, labels=None):
        need_columns(used.frame, [c for c in (clusters, strata) if c])
        self.sample, self.notes = used, []
        frequency = used.kind == "frequency"
        rows = len(used.frame)
        self.f = used.f if used.f is not None else used.w if frequency else np.ones(rows)
        self.w = np.ones(rows) if frequency else used.w
        self.clusters = self.strata = None
        self.fpc = np.ones(1)
        self.poststratified = False
        if clusters is not None:
            self.clusters = pd.factorize(used.frame[clusters].astype("object").where(used.frame[clusters].notna(), ""), sort=True)[0]
        if strata is not None or (population is not None and not isinstance(population, dict)):
            self._stratify(strata, population, labels or {})

    @property
    def simple(self):
        """Neither strata nor clusters."""
        return self.strata is None and self.clusters is None

    def _stratify(self, strata, population, labels):
        frame, rows = self.sample.frame, len(self.sample.frame)
        if strata is None:
            names, codes = np.array([""], dtype=object), np.zeros(rows, dtype=int)
            population = {"": population}
        else:
            codes, names = pd.factorize(frame[strata].astype("object").where(frame[strata].notna(), ""), sort=True)
            population = {str(k): v for k, v in (population or {}).items()}
        if self.clusters is None:
            sizes = np.bincount(codes, self.f, minlength=len(names))
        else:
            sizes = np.array([len(np.unique(self.clusters[codes == h])) for h in range(len(names))], dtype=float)
        known = np.array([pd.notna(population.get(str(name))) and float(population[str(name)]) > 0 for name in names], dtype=bool)
        totals = np.array([float(population[str(name)]) if k else np.nan for name, k in zip(names, known)])
        if known.any() and not known.all():
            self.notes.append(("population_unknown", {"strata": [str(n) for n in names[~known]], "n": int(sizes[~known].sum())}))
        if not known.any() and strata is not None:
            self.notes.append(("no_population", {"strata": len(names)}))
        with np.errstate(invalid="ignore"):
            over = known & (sizes > totals)
        if known.any():
            if over.any():
                self.notes.append(("population_exceeded", {"strata": [str(n) for n in names[over]]}))
                totals = np.where(over, sizes, totals)  # the list is wrong: those who answered are there, and who else nobody knows
            self.poststratified = self.clusters is None
            if self.poststratified:
                target = np.where(known, totals, sizes * totals[known].sum() / sizes[known].sum())
                self.w = self.w * (target / np.bincount(codes, self.f * self.w, minlength=len(names)))[codes]
        joined = self._collapse(codes, names, sizes, labels)
        n_joined = np.bincount(joined, sizes, minlength=joined.max() + 1) if len(names) else sizes
        by_row = np.full(len(n_joined), np.nan)
        for h in range(len(n_joined)):
            parts = joined == h
            by_row[h] = max(0.0, 1 - n_joined[h] / totals[parts].sum()) if (known & ~over)[parts].all() else 1.0
        self.strata, self.fpc, self.sizes = joined[codes], by_row, n_joined

    def _collapse(self, codes, names, sizes, labels):
        """For each stratum the number of the variance stratum it belongs to; single answers are joined within their label."""
        joined = np.arange(len(names))
        single = sizes < 2
        if not single.any() or len(names) == 1:
            return joined
        labels = {str(k): str(v) for k, v in labels.items() if pd.notna(v)}
        of = np.array([labels.get(str(name), "") for name in names], dtype=object)
        for label in sorted(set(of[single])):
            members = np.flatnonzero(single & (of == label))
            joined[members] = members[0]
            if sizes[members].sum() < 2:
                others = np.flatnonzero((of == label) & ~single)
                others = others if len(others) else np.setdiff1d(np.arange(len(names)), members)
                joined[members] = joined[others[np.lexsort((others, sizes[others]))[0]]]
        self.notes.append(("strata_collapsed", {"n": int(single.sum())}))
        return np.unique(joined, return_inverse=True)[1]

    def influence(self, values, inside=None):
        """What each row (or cluster) contributes to the mean of the rows `inside`.

        Returns
        -------
        centre : float
        u : ndarray of shape (rows,) or (clusters,)
            Scaled so that the variance is sum(u²) and the covariance of two means is sum(u v).
        df : float
        """
        y = np.asarray(values, dtype=float)
        inside = np.ones(len(y), dtype=bool) if inside is None else np.asarray(inside, dtype=bool)
        w, f = self.w, self.f
        n, total = float(f[inside].sum()), float((w * f)[inside].sum())
        size = len(y) if self.clusters is None else int(self.clusters.max(initial=-1)) + 1
        if n == 0:
            return np.nan, np.full(size, np.nan), np.nan
        centre = float((w * f * y)[inside].sum() / total)
        residual = np.where(inside, y - centre, 0.0)
        if self.poststratified:
            mass = np.bincount(self.strata, w * f, minlength=len(self.fpc))
            residual = residual - (np.bincount(self.strata, w * f * residual, minlength=len(self.fpc)) / mass)[self.strata]
        z = w * residual / total
        if self.clusters is not None:
            return centre, *self._over_clusters(z * f, inside, size)
        if self.strata is None:
            with np.errstate(divide="ignore", invalid="ignore"):
                return centre, np.sqrt(f * n / (n - 1)) * z if n > 1 else np.full(len(y), np.nan), n - 1
        at = self.strata
        n_h = self.sizes
        with np.errstate(divide="ignore", invalid="ignore"):
            mean_h = np.bincount(at, f * z, minlength=len(n_h)) / n_h
            factor = np.where(n_h > 1, np.sqrt(self.fpc * n_h / (n_h - 1)), np.nan)
        touched = np.bincount(at, inside * f, minlength=len(n_h))
        u = np.where(touched[at] > 0, np.sqrt(f) * factor[at] * (z - mean_h[at]), 0.0)
        full = int((touched == n_h).sum())
        return centre, u if n > 1 else np.full(len(y), np.nan), n - max(full, 1)

    def _over_clusters(self, z, inside, size):
        u = np.bincount(self.clusters, z, minlength=size)
        present = np.bincount(self.clusters, inside, minlength=size) > 0
        if self.strata is None:
            g = int(present.sum())
            return (np.sqrt(g / (g - 1)) * u if g > 1 else np.full(size, np.nan)), float(g - 1)
        first = np.unique(self.clusters, return_index=True)[1]
        at = self.strata[first]
        g_h = self.sizes[at]
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(g_h > 1, np.sqrt(self.fpc[at] * g_h / (g_h - 1)), np.nan)
        u = factor * (u - (np.bincount(at, u, minlength=len(self.sizes)) / self.sizes)[at])
        return u, float(present.sum() - len(np.unique(at[present])))

    def mean(self, values, inside=None, *, ci_level=0.95, n_boot=2000, rng=None):
        """Mean of the rows `inside`, with its standard error, interval and effective n.

        Fewer than 40 clusters (and no strata) take the wild cluster bootstrap-t if `rng` is given; `interval` then says ``wild``.
        """
        y = np.asarray(values, dtype=float)
        inside = np.ones(len(y), dtype=bool) if inside is None else np.asarray(inside, dtype=bool)
        if self.simple and self.sample.f is None:
            w = self.f if self.sample.kind == "frequency" else self.w
            found = mean(y[inside], w[inside], kind=self.sample.kind, ci_level=ci_level)
            value, se, df, lo, hi = found.value, found.se, found.df, found.lo, found.hi
        else:
            value, u, df = self.influence(y, inside)
            se = float(np.sqrt((u**2).sum()))
            half = special.stdtrit(df, 0.5 + ci_level / 2) * se if df > 0 else np.nan
            lo, hi = value - half, value + half
        n = int(round(self.f[inside].sum()))
        weight = (self.w * self.f)[inside]
        within = float((weight * (y[inside] - value) ** 2).sum() / weight.sum()) if n else np.nan
        sd = float(np.sqrt(within * n / (n - 1))) if n > 1 else np.nan
        kish = float(weight.sum() ** 2 / (self.w**2 * self.f)[inside].sum()) if n else 0.0
        if self.simple:
            n_eff = kish if self.sample.kind == "sampling" else float(n)
        elif not se > 0:
            n_eff = np.inf if sd > 0 and se == 0 else kish
        else:
            n_eff = n * (sd**2 / n) / se**2
            n_eff = kish if not n_eff > 0 else n_eff
        how = "few" if self.clusters is not None and n and not df + 1 >= FEWEST_CLUSTERS else "t"
        few = self.clusters is not None and self.strata is None and FEWEST_CLUSTERS <= df + 1 < MANY_CLUSTERS
        if few and rng is not None and se > 0:
            design = np.ones((int(inside.sum()), 1))
            tested = WildCluster(y[inside], design, weight, self.clusters[inside], [1.0], n_boot=n_boot, rng=rng)
            lo, hi = tested.interval(ci_level)
            how = "wild"
        return DesignMean(value, se, df, lo, hi, n=n, n_eff=n_eff, sd=sd, interval=how, kish=kish)

    def status(self, inside=None, *, model=False):
        """Status of an estimate from the rows `inside`: by their number, by what weights leave of it, and by clusters."""
        inside = np.ones(len(self.w), dtype=bool) if inside is None else np.asarray(inside, dtype=bool)
        n, squared = int(round(self.f[inside].sum())), float((self.w**2 * self.f)[inside].sum())
        clusters = None if self.clusters is None else len(np.unique(self.clusters[inside]))
        return base_status(n, float((self.w * self.f)[inside].sum() ** 2 / squared) if squared > 0 else 0.0, clusters=clusters, model=model)

    def share(self, hits, inside=None, *, ci_level=0.95):
        """Share of the rows `inside` for which `hits` holds, with its Wilson interval at the effective n: (Estimate, n_eff).

        With clusters the effective n is also brought down by (z/t)² of the design's degrees of freedom (Korn & Graubard 1998).
        """
        found = self.mean(np.asarray(hits, dtype=float), inside, ci_level=ci_level)
        value = min(max(found.value, 0.0), 1.0)
        lo, hi = wilson(value, self.score_n(found, ci_level), ci_level)
        return Estimate(value, found.se, found.df, lo, hi), found.n_eff

    def score_n(self, found, ci_level=0.95):
        """The n that a score interval takes for an estimate: its effective n, with clusters brought down by (z/t)² of their degrees of freedom; NaN of one."""
        if self.clusters is None:
            return found.n_eff
        if not found.df > 0:
            return np.nan
        return found.n_eff * (special.ndtri(0.5 + ci_level / 2) / special.stdtrit(found.df, 0.5 + ci_level / 2)) ** 2

    def difference(self, values, first, second, *, ci_level=0.95, n_boot=2000, rng=None):
        """Mean of the rows `first` minus that of the rows `second` (disjoint): (Estimate, two-sided p).

        Welch with Satterthwaite's degrees of freedom; with clusters CR1, and the wild cluster bootstrap-t below 40 of them.
        """
        a, u, df_a = self.influence(values, first)
        b, v, df_b = self.influence(values, second)
        diff = a - b
        if self.clusters is None:
            var_a, var_b = float((u**2).sum()), float((v**2).sum())
            variance = var_a + var_b - 2 * float((u * v).sum())
            with np.errstate(divide="ignore", invalid="ignore"):
                df = (var_a + var_b) ** 2 / (var_a**2 / df_a + var_b**2 / df_b) if df_a > 0 and df_b > 0 and var_a + var_b > 0 else np.nan
        else:
            g = len(np.unique(self.clusters[np.asarray(first) | np.asarray(second)]))
            gone = [np.sqrt((d + 1) / d) if d > 0 else np.nan for d in (df_a, df_b)]
            raw = u / gone[0] - v / gone[1] if self.strata is None else u - v
            variance = float((raw**2).sum()) * (g / (g - 1) if self.strata is None and g > 1 else 1)
            df = float(g - 1) if self.strata is None else float(df_a + df_b)
        se = float(np.sqrt(max(variance, 0.0))) if variance == variance else np.nan
        if not se > 0:
            blank = se if se == 0 else np.nan
            return Estimate(diff, blank, df, diff if blank == 0 else np.nan, diff if blank == 0 else np.nan), np.nan
        half = special.stdtrit(df, 0.5 + ci_level / 2) * se
        found, p = Estimate(diff, se, df, diff - half, diff + half), float(2 * stats.t.sf(abs(diff) / se, df))
        few = self.clusters is not None and self.strata is None and FEWEST_CLUSTERS <= df + 1 < MANY_CLUSTERS
        if few and rng is not None:
            both = np.asarray(first) | np.asarray(second)
            x = np.column_stack([np.ones(both.sum()), np.asarray(first)[both]])
            y, w = np.asarray(values, dtype=float)[both], (self.w * self.f)[both]
            tested = WildCluster(y, x, w, self.clusters[both], [0.0, 1.0], n_boot=n_boot, rng=rng)
            lo, hi = tested.interval(ci_level)
            found, p = Estimate(diff, se, df, lo, hi), tested.p()
        return found, p


class WildCluster:
    """Wild cluster bootstrap-t of one linear combination of regression coefficients, the null imposed.

    Parameters
    ----------
    y : array of shape (rows,)
    x : array of shape (rows, k)
    w : array of shape (rows,)
    clusters : array of shape (rows,)
    direction : array of shape (k,)
    n_boot : int
    rng : numpy.random.Generator
        Rademacher weights from 12 clusters on, else Webb's six points; the same draws serve every null, so that intervals are
        the nulls that are not rejected.

    References
    ----------
    Cameron, A. C., Gelbach, J. B. & Miller, D. L. (2008). Review of Economics and Statistics 90, 414-427.
    Webb, M. D. (2023). Canadian Journal of Economics 56, 839-858.
    """

    def __init__(self, y, x, w, clusters, direction, *, n_boot=2000, rng):
        x, y, w = np.asarray(x, dtype=float), np.asarray(y, dtype=float), np.asarray(w, dtype=float)
        codes = np.unique(np.asarray(clusters), return_inverse=True)[1]
        g, k = int(codes.max()) + 1, x.shape[1]
        self.products, self.moments = np.zeros((g, k, k)), np.zeros((g, k))
        np.add.at(self.products, codes, w[:, None, None] * x[:, :, None] * x[:, None, :])
        np.add.at(self.moments, codes, (w * y)[:, None] * x)
        self.inverse = np.linalg.inv(self.products.sum(axis=0))
        self.coef = self.inverse @ self.moments.sum(axis=0)
        self.direction = np.asarray(direction, dtype=float)
        self.reach = self.inverse @ self.direction
        self.value = float(self.direction @ self.coef)
        self.correction = g / (g - 1)
        points = [-1.0, 1.0] if g >= RADEMACHER_CLUSTERS else np.sqrt([0.5, 1, 1.5]).tolist() + (-np.sqrt([0.5, 1, 1.5])).tolist()
        self.kind = "rademacher" if g >= RADEMACHER_CLUSTERS else "webb"
        self.draws = rng.choice(np.asarray(points), size=(n_boot, g))
        scores = self.moments - self.products @ self.coef
        self.se = float(np.sqrt(self.correction * ((scores @ self.reach) ** 2).sum()))

    def statistics(self, null=0.0):
        """(t of the data, t of every draw) under the null."""
        step = self.reach / (self.direction @ self.reach) * (self.value - null)
        scores = self.moments - self.products @ (self.coef - step)
        along = self.draws * (scores @ self.reach)
        shift = self.draws @ scores @ self.inverse
        spread = along - shift @ (self.products @ self.reach).T
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = along.sum(axis=1) / np.sqrt(self.correction * (spread**2).sum(axis=1))
        return (self.value - null) / self.se, drawn

    def p(self, null=0.0, alternative="two-sided"):
        """Bootstrap p-value: share of draws at least as far out, (count + 1) / (draws + 1)."""
        t, drawn = self.statistics(null)
        drawn = drawn[~np.isnan(drawn)]
        out = drawn >= t - 1e-12 if alternative == "greater" else np.abs(drawn) >= abs(t) - 1e-12
        return float((out.sum() + 1) / (len(drawn) + 1))

    def interval(self, ci_level=0.95):
        """The values that the two-sided test does not reject: (lo, hi), found by bisection; NaN where it reaches too far."""
        limits = []
        for side in (-1, 1):
            inner, outer = 0.0, 2.0
            while self.p(self.value + side * outer * self.se) > 1 - ci_level:
                inner, outer = outer, outer * 2
                if outer > 200:
                    break
            if outer > 200:
                limits.append(np.nan)
                continue
            for _ in range(30):
                middle = (inner + outer) / 2
                inner, outer = (middle, outer) if self.p(self.value + side * middle * self.se) > 1 - ci_level else (inner, middle)
            limits.append(self.value + side * (inner + outer) / 2 * self.se)
        return tuple(limits)


def stratified_mean(values, strata, population, *, ci_level=0.95):
    """Mean of a population of which every stratum was surveyed: sum(N_h/N mean_h), with finite-population correction and t(n - H)."""
    frame = pd.DataFrame({"y": np.asarray(values, dtype=float), "h": np.asarray(strata)})
    return Design(sample(frame, ["y"]), strata="h", population=population).mean(frame["y"].dropna(), ci_level=ci_level)


def weighted_median(values, w=None):
    """The value that half the weight reaches; midway between two when exactly half does."""
    values = np.asarray(values, dtype=float)
    if not len(values):
        return np.nan
    w = np.ones(len(values)) if w is None else np.asarray(w, dtype=float)
    order = np.argsort(values, kind="stable")
    values, reached = values[order], np.cumsum(w[order]) / w.sum()
    at = min(int(np.searchsorted(reached, 0.5 - 1e-12)), len(values) - 1)
    exactly = abs(reached[at] - 0.5) <= 1e-12 and at + 1 < len(values)
    return float((values[at] + values[at + 1]) / 2 if exactly else values[at])

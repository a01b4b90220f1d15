"""The correlations that a decomposition of R² starts from: of the sample and of every bootstrap draw, from rows or from a matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from delight import resample
from delight.drivers.model import LARGE, n_levels, square, steady
from delight.errors import InputError
from delight.logit import fit_logit, fit_ordered

#: An eigenvalue of the attributes' correlations below this means that one of them follows from others.
SINGULAR = 1e-10
#: Least McFadden's R² of a bootstrap draw; shares do not depend on it.
SLIGHT = 1e-9
#: Random columns that the comparison with noise is averaged over; fewer where each takes a logit of very many rows.
NOISE, NOISE_OF_MANY = 20, 5
#: Most levels an outcome may have to be treated as ordered under ``link="auto"``.
LEVELS = 7


@dataclass(frozen=True)
class Draws:
    """Correlations of attributes and outcome; the sample comes first, the bootstrap draws after it.

    Attributes
    ----------
    x : list of str
        Attributes.
    rxx : ndarray of shape (1 + draws, p, p)
        Their correlations, given the terms forced in; an attribute without variance has correlation 0 with all others.
    rxy : ndarray of shape (1 + draws, p)
        Correlations with the outcome, in units of its *total* standard deviation, so that r'R⁻¹r is what the attributes add to R².
        Under a logit: what stands in their place, so that the same expression gives McFadden's R² (see `logit`).
    means : ndarray of shape (1 + draws, p)
        Means of the attributes among those they apply to; NaN where there are no rows.
    before : ndarray of shape (p,)
        Variance of each attribute in the sample, in units of what the terms forced in leave of it: 1 without such terms.
    beta_cov : ndarray of shape (p, p), optional
        Logit only: covariance of the standardised slopes, in the units of `rxy`.
    """

    x: list
    rxx: np.ndarray
    rxy: np.ndarray
    means: np.ndarray
    before: np.ndarray
    beta_cov: np.ndarray | None = None

    @property
    def n_boot(self):
        return len(self.rxx) - 1

    @property
    def singular(self):
        """Whether an attribute follows from others in the sample."""
        return bool(np.linalg.eigvalsh(self.rxx[0])[0] < SINGULAR)

    @property
    def slopes(self):
        """Standardised slopes in the sample (the shortest of all solutions where attributes determine each other)."""
        return np.linalg.lstsq(self.rxx[0], self.rxy[0], rcond=SINGULAR)[0]

    @property
    def tolerance(self):
        """Share of each attribute's variance in the sample that the others leave unexplained; 0 where they determine it."""
        correlation, p = self.rxx[0], len(self.x)
        if not self.singular:
            return 1 / np.diag(np.linalg.inv(correlation))
        others = [np.delete(np.arange(p), j) for j in range(p)]
        left = [
            1 - correlation[j, o] @ np.linalg.lstsq(correlation[np.ix_(o, o)], correlation[o, j], rcond=SINGULAR)[0]
            for j, o in enumerate(others)
        ]
        return np.where(np.array(left) < SINGULAR, 0.0, left)

    @property
    def vif(self):
        """Variance inflation factors in the sample, the terms forced in counted; infinite where others determine an attribute."""
        with np.errstate(divide="ignore"):
            return self.before / self.tolerance

    @property
    def last(self):
        """What each attribute adds to the R² of all others, in the sample."""
        return self.slopes**2 * self.tolerance

    def first(self, n_boot):
        """The sample with the first `n_boot` draws, for what is too dear to do for every draw."""
        return replace(self, rxx=self.rxx[: 1 + n_boot], rxy=self.rxy[: 1 + n_boot], means=self.means[: 1 + n_boot])


# ---- from rows


def status_of(model):
    """Status of a model as a whole: too few answers, one answer only, or fine."""
    if model.n and np.ptp(model.values) == 0:
        return "degenerate"
    if model.n <= len(model.x) + model.fixed.shape[1] + 1:
        return "insufficient"
    return model.status()


def of_model(model, n_boot, rng, *, link="linear", inside=None):
    """Correlations of the rows of a `Model` and of bootstrap draws of them.

    Parameters
    ----------
    model : delight.drivers.model.Model
    n_boot : int
    rng : numpy.random.Generator
    link : {"linear", "logit"}
        A logit that cannot be estimated (the attributes tell the outcome apart perfectly) leaves `rxy` NaN.
    inside : boolean ndarray of shape (rows,), optional
        Rows that count (least squares only); the others are drawn all the same, so that parts of one sample can be compared.

    Returns
    -------
    Draws
    """
    columns = np.column_stack([np.ones(len(model.w)), model.fixed, model.scores, model.values])
    k, n_fixed, p = columns.shape[1], 1 + model.fixed.shape[1], len(model.x)
    upper = np.triu_indices(k)
    parts = [columns[:, upper[0]] * columns[:, upper[1]], model.scores * model.applies, model.applies]
    terms = logit_terms(model) if link == "logit" else None
    if terms is not None:
        parts.append(terms.columns)
    everything = np.column_stack(parts) if inside is None else np.column_stack(parts) * inside[:, None]
    sums = np.concatenate([(model.w @ everything)[None], model.sums(everything, n_boot, rng)])
    cross, on, off, rest = np.split(sums, np.cumsum([len(upper[0]), p, p]), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = on / off
    rxx, rxy, sd, before = correlations(square(cross, k), n_fixed)
    linear = Draws(list(model.x), rxx, rxy, means, before[0])
    if link == "linear":
        return linear
    return replace(linear, rxy=np.full_like(rxy, np.nan)) if terms is None else terms.draws(linear, sd, rest)


def correlations(cross, n_fixed):
    """Correlations of attributes and outcome after taking out the constant and the terms forced in.

    Parameters
    ----------
    cross : ndarray (draws, k, k)
        Cross-products of ``[1, fixed …, attributes …, y]``.
    n_fixed : int
        How many leading columns are taken out, the constant included.

    Returns
    -------
    rxx : ndarray (draws, p, p)
        A column without variance has correlation 0 with all others.
    rxy : ndarray (draws, p)
        In units of the total standard deviation of y.
    sd : ndarray (draws, p)
        Standard deviation of what is left of each attribute; 0 without variance.
    before : ndarray (draws, p)
        Variance before the terms were taken out, in units of what is left; 1 without variance.
    """
    m, start = cross.copy(), np.einsum("bii->bi", cross).copy()
    size, total = start[:, 0], None
    for f in range(n_fixed):
        pivot = m[:, f, f]
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.where(pivot > SINGULAR * start[:, f], 1 / pivot, 0.0)
        m = m - m[:, :, f, None] * m[:, None, f, :] * inverse[:, None, None]
        if f == 0:
            total = np.einsum("bii->bi", m)[:, n_fixed:].copy()
    rest = m[:, n_fixed:, n_fixed:]
    variance = np.einsum("bii->bi", rest)[:, :-1]
    empty = variance <= 1e-12 * np.maximum(start[:, n_fixed:-1], 1e-300)
    sd = np.sqrt(np.where(empty, 1.0, variance))
    rxx = np.where(empty[:, :, None] | empty[:, None, :], 0.0, rest[:, :-1, :-1] / sd[:, :, None] / sd[:, None, :])
    index = np.arange(rxx.shape[1])
    rxx[:, index, index] = 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        rxy = np.where(empty, 0.0, rest[:, :-1, -1] / sd) / np.sqrt(np.where(total[:, -1] > 0, total[:, -1], np.nan))[:, None]
    before = np.where(empty, 1.0, total[:, :-1] / sd**2)
    return rxx, rxy, np.where(empty, 0.0, sd / np.sqrt(size)[:, None]), before


def noise_p(model, raw_of, n_boot, rng, *, link="linear"):
    """Two-sided bootstrap p of "no more weight than a random column", shape (p,).

    A random column stands beside the attributes and is resampled with them; the draws are shared out over several such columns.

    Parameters
    ----------
    raw_of : function (Draws) -> ndarray (1 + draws, p + 1)
        The decomposition.

    References
    ----------
    Tonidandel, S., LeBreton, J. M. & Johnson, J. W. (2009). Psychological Methods 14, 387-399.
    """
    columns = NOISE if link == "linear" or len(model.w) <= LARGE else NOISE_OF_MANY
    each, more = -(-n_boot // columns), []
    for _ in range(columns):
        column = rng.normal(size=(len(model.w), 1))
        applies = np.column_stack([model.applies, np.ones(len(column), dtype=bool)])
        beside = replace(model, x=[*model.x, None], scores=np.column_stack([model.scores, column]), applies=applies)
        raw = raw_of(of_model(beside, each, rng, link=link))[1:]
        more.append(raw[:, :-1] - raw[:, [-1]])
    more = np.concatenate(more)[:n_boot]
    more = more[~np.isnan(more).any(axis=1)]
    return resample.two_sided_p(more) if len(more) else np.full(len(model.x), np.nan)


# ---- logit


@dataclass(frozen=True)
class LogitTerms:
    """A logit of the outcome with what is needed to redo it for a bootstrap draw, to first order, from sums over rows."""

    fit: object
    null: object
    columns: np.ndarray
    at: list
    n_levels: int

    def draws(self, linear, sd, sums):
        """`linear` with the logit's slopes in the place of the correlations with the outcome.

        The slopes of a draw are one Newton step from those of the sample; log-likelihoods follow to second order.
        """
        k, k0 = self.fit.influence.shape[1], self.null.influence.shape[1]
        step, ll, step0, ll0, counts = np.split(sums, np.cumsum([k, 1, k0, 1]), axis=1)
        step, step0 = step - step[:1], step0 - step0[:1]  # 0 in the sample, but for what a prior on forced terms pulls
        ll, ll0 = ll[:, 0] + _gain(step, self.fit), ll0[:, 0] + _gain(step0, self.null)
        with np.errstate(divide="ignore", invalid="ignore"):
            entropy = np.where(counts > 0, counts * np.log(counts / counts.sum(axis=1, keepdims=True)), 0.0).sum(axis=1)
            r2 = np.clip((ll - ll0) / -entropy, SLIGHT, 1)  # to second order a draw can fall below 0
            slopes = (self.fit.params[self.at] + step[:, self.at]) * sd
            towards = np.einsum("bij,bj->bi", linear.rxx, slopes)
            size = np.einsum("bi,bi->b", slopes, towards)
            scale = np.where(size > 0, np.sqrt(r2 / size), 0.0)
        cov = self.fit.full_cov[np.ix_(self.at, self.at)] * np.outer(sd[0], sd[0]) * scale[0] ** 2
        return replace(linear, rxy=towards * scale[:, None], beta_cov=cov)


def _gain(step, fit):
    """Log-likelihood gained by the step from the sample's parameters, to second order."""
    return np.einsum("bi,ij,bj->b", step, np.linalg.inv(fit.full_cov), step) / 2 if step.shape[1] else np.zeros(len(step))


def logit_terms(model):
    """Binary or ordered logit of the outcome on the terms forced in and the attributes; None where it cannot be estimated."""
    levels, codes = np.unique(model.values, return_inverse=True)
    if len(levels) < 2:
        return None
    binary = len(levels) == 2
    fitted = fit_logit if binary else fit_ordered
    outcome = codes.astype(float) if binary else model.values

    def fit(*terms):
        design = np.column_stack([*([np.ones((len(codes), 1))] if binary else []), *terms])
        n_fixed = binary + model.fixed.shape[1]
        found, _ = steady(
            fitted, outcome, design, replace(model, clusters=None), n_fixed, cov="observed", names=list(range(design.shape[1]))
        )
        if not found.usable:
            return None, None
        chance = found.probabilities(design)[np.arange(len(codes)), codes]
        return found, np.log(np.maximum(chance, 1e-300))

    (full, ll), (null, ll0) = fit(model.fixed, model.scores), fit(model.fixed)
    if full is None or null is None:
        return None
    at = list(range(len(full.params) - len(model.x), len(full.params)))
    hits = codes[:, None] == np.arange(len(levels))
    return LogitTerms(full, null, np.column_stack([full.influence, ll, null.influence, ll0, hits]), at, len(levels))


def chosen_link(link, values, scale=None):
    """``linear`` or ``logit``; ``auto`` takes the logit for an outcome whose scale has at most `LEVELS` points, whoever gave them."""
    if link not in ("linear", "logit", "auto"):
        raise InputError(f"link is 'linear', 'logit' or 'auto', not {link!r}.")
    if link != "auto":
        return link
    return "logit" if n_levels(values, scale) <= LEVELS and len(np.unique(values)) >= 2 else "linear"


# ---- from a matrix


def of_matrix(correlation, *, y, x, n, n_boot, rng):
    """Correlations from a correlation or covariance matrix, with draws from the Wishart distribution of normal data.

    Parameters
    ----------
    correlation : DataFrame, square, with the same names down and across
    y : str
    x : sequence of str
    n : int
        Answers behind the matrix.

    Returns
    -------
    Draws

    Raises
    ------
    InputError
        Names that the matrix lacks, a matrix that is not symmetric, not positive semi-definite or has an empty diagonal.
    """
    x = list(x)
    missing = [c for c in [y, *x] if c not in correlation.index or c not in correlation.columns]
    if missing:
        raise InputError(f"The correlation matrix lacks: {', '.join(map(str, missing))}.")
    given = correlation.loc[[*x, y], [*x, y]].to_numpy(dtype=float)
    if not np.isfinite(given).all() or not np.allclose(given, given.T, atol=1e-8) or (np.diag(given) <= 0).any():
        raise InputError("The correlation matrix must be symmetric, without gaps and with a positive diagonal.")
    matrix = given / np.sqrt(np.outer(np.diag(given), np.diag(given)))
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -1e-8:
        raise InputError(f"The correlation matrix is not positive semi-definite (smallest eigenvalue {values[0]:.3g}); was it pairwise?")
    stack = np.concatenate([matrix[None], *_wishart(vectors * np.sqrt(np.maximum(values, 0)), n, n_boot, rng)])
    return Draws(x, stack[:, :-1, :-1], stack[:, :-1, -1], np.full((len(stack), len(x)), np.nan), np.ones(len(x)))


def _wishart(root, n, n_boot, rng, chunk=200):
    """Correlation matrices of samples of `n` from a normal distribution with covariance root root', by Bartlett's decomposition."""
    size = len(root)
    at = np.arange(size)
    for start in range(0, n_boot, chunk):
        lower = np.tril(rng.normal(size=(min(chunk, n_boot - start), size, size)), -1)
        lower[:, at, at] = np.sqrt(rng.chisquare(n - 1 - at, size=(len(lower), size)))
        half = root @ lower
        drawn = half @ half.transpose(0, 2, 1)
        spread = np.sqrt(np.einsum("bii->bi", drawn))
        yield drawn / spread[:, :, None] / spread[:, None, :]

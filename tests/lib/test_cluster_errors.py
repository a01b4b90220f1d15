"""Errors over few clusters: by the definition, as expanded rows, and covering what they promise."""

import numpy as np
import pytest
import statsmodels.api as sm
from delight.estimate import fit_linear
from scipy import linalg

SIZES = [3, 5, 8, 10, 4, 12, 6, 7, 20]


def made(sizes, seed=1):
    """(outcome, design, cluster): a term that varies within clusters and one that tells half of them from the others."""
    rng, at = np.random.default_rng(seed), np.repeat(np.arange(len(sizes)), sizes)
    x = np.column_stack([np.ones(len(at)), rng.normal(size=len(at)) + rng.normal(size=len(sizes))[at], at % 2])
    return x @ [7, 0.5, 0.2] + rng.normal(size=len(sizes))[at] + rng.normal(size=len(at)), x, at


def by_definition(y, x, at):
    """(CR2 covariance; for each combination, its parts by cluster in every row) with matrices of all rows (Pustejovsky & Tipton 2018)."""
    inverse, n = np.linalg.inv(x.T @ x), len(y)
    rest = np.eye(n) - x @ inverse @ x.T
    adjust = {g: linalg.sqrtm(np.linalg.inv(rest[np.ix_(at == g, at == g)])).real for g in np.unique(at)}
    scores = np.array([x[at == g].T @ adjust[g] @ (rest @ y)[at == g] for g in adjust])
    parts = [lambda c, g=g: rest[:, at == g] @ adjust[g] @ x[at == g] @ inverse @ c for g in adjust]
    return inverse @ scores.T @ scores @ inverse, lambda c: np.array([part(c) for part in parts])


def test_below_forty_clusters_errors_are_cr2_with_the_degrees_of_freedom_of_each_combination():
    y, x, at = made(SIZES)
    fit, (cov, parts) = fit_linear(y, x, clusters=at), by_definition(y, x, at)
    assert fit.cov == pytest.approx(cov, rel=1e-9)
    for direction in (*np.eye(3), np.array([1.0, 8.0, 0.0])):
        spread = parts(direction) @ parts(direction).T
        assert fit.freedom(direction)[0] == pytest.approx(np.trace(spread) ** 2 / (spread**2).sum(), rel=1e-9)
        assert fit.contrast(direction)[0].df == fit.freedom(direction)[0] < 8
    assert fit.interval()[1][1] == pytest.approx(fit.contrast([0, 1, 0])[0].hi)


def test_several_terms_are_tested_by_hotelling_with_the_freedom_left():
    y, x, at = made(SIZES)
    fit, both, (_, parts) = fit_linear(y, x, clusters=at), np.eye(3)[1:], by_definition(y, x, at)
    whiten = np.linalg.inv(np.linalg.cholesky(both @ np.linalg.inv(x.T @ x) @ both.T)) @ both
    h = [parts(row) for row in whiten]
    varied = sum(((h[s] @ h[s].T) * (h[t] @ h[t].T)).sum() + ((h[s] @ h[t].T) * (h[s] @ h[t].T).T).sum() for s in (0, 1) for t in (0, 1))
    eta = 2 * 3 / varied
    assert fit.freedom(both) == pytest.approx((eta - 1, (eta - 1) / eta))
    assert fit.wald(both)[0] == pytest.approx(fit.coef[1:] @ np.linalg.solve(fit.cov[1:, 1:], fit.coef[1:]) / 2 * (eta - 1) / eta)


def test_clusters_of_equal_size_leave_a_mean_one_degree_less_than_there_are():
    y, x, at = made([5] * 8)
    assert fit_linear(y, x[:, :1], clusters=at).freedom([1])[0] == pytest.approx(7)


def test_from_forty_clusters_on_errors_are_cr1():
    y, x, at = made([6] * 40)
    theirs = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": at}, use_t=True)
    ours = fit_linear(y, x, clusters=at)
    assert ours.cov == pytest.approx(theirs.cov_params(), rel=1e-9) and ours.p == pytest.approx(theirs.pvalues, rel=1e-6)
    few = fit_linear(*(v[at < 39] for v in (y, x)), clusters=at[at < 39], cov="CR1")
    theirs = sm.OLS(y[at < 39], x[at < 39]).fit(cov_type="cluster", cov_kwds={"groups": at[at < 39]}, use_t=True)
    assert few.cov == pytest.approx(theirs.cov_params(), rel=1e-9) and few.dfs.tolist() == [38, 38, 38]


def test_a_count_of_two_is_two_rows_and_equal_weights_change_nothing():
    y, x, at = made(SIZES)
    w = 1 + np.arange(len(y)) % 3
    counted, expanded = (
        fit_linear(y, x, w, kind="frequency", clusters=at),
        fit_linear(*(np.repeat(v, w, axis=0) for v in (y, x)), clusters=np.repeat(at, w)),
    )
    assert counted.cov == pytest.approx(expanded.cov, rel=1e-9) and counted.dfs == pytest.approx(expanded.dfs, rel=1e-9)
    alike = fit_linear(y, x, np.full(len(y), 3.0), kind="sampling", clusters=at)
    assert alike.cov == pytest.approx(fit_linear(y, x, clusters=at).cov, rel=1e-9)


def test_a_term_that_one_cluster_decides_alone_has_no_error_to_judge_it_by():
    y, x, at = made(SIZES)
    fit = fit_linear(y, np.column_stack([x, at == 4]), clusters=at)
    assert np.isfinite(fit.cov).all() and fit.se[3] < fit.se[2] and fit.freedom(np.eye(4)[3])[0] >= 0


def test_one_cluster_tells_no_error():
    y, x, _ = made(SIZES)
    fit = fit_linear(y, x, clusters=np.zeros(len(y)))
    assert np.isfinite(fit.coef).all() and np.isnan(fit.se).all() and np.isnan(fit.interval()).all()


@pytest.mark.parametrize("sizes", [[4, 5, 6, 8, 10, 12, 14, 20], [5, 10, 15, 20] * 5])
def test_few_unequal_clusters_are_covered_better_than_by_cr1(sizes):
    inside = {"CR1": 0, "HC3": 0}
    for seed in range(300):
        y, x, at = made(sizes, seed)  # half of all variance lies between clusters: the working model of CR2 does not hold
        for cov in inside:
            lo, hi = fit_linear(y, x, clusters=at, cov=cov).interval()
            inside[cov] += int(lo[1] <= 0.5 <= hi[1]) + int(lo[2] <= 0.2 <= hi[2])
    assert inside["HC3"] / 600 > 0.91 and inside["CR1"] < inside["HC3"] - 6

import json

import numpy as np
import pandas as pd
import pytest
from delight.segments import em


def categorical(n, seed=0, items=6, levels=3):
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(np.full(levels, 0.7), size=(2, items))
    of = rng.integers(0, 2, n)
    return np.array([[rng.choice(levels, p=truth[k, j]) for j in range(items)] for k in of])


def fitted(rows, k, *, seed=1, weights=None, counts=None, **options):
    levels = [int(c.max()) + 1 for c in rows.T]
    seen = em.patterns(rows, counts=counts, weights=weights)
    kind = em.Answers(seen.rows, levels)
    return em.fit(kind, k, seen.weights, np.random.default_rng(seed), **options), kind, seen


def test_a_perfect_split_is_found_and_its_likelihood_is_the_one_worked_by_hand():
    rows = np.array([[0, 0, 0]] * 6 + [[1, 1, 1]] * 4)
    (model, hits, polished), kind, _ = fitted(rows, 2)
    assert model.shares[0] == pytest.approx([0.6, 0.4], abs=1e-6)
    assert model.loglik[0] == pytest.approx(6 * np.log(0.6) + 4 * np.log(0.4), abs=1e-6)
    assert (hits, polished) == (10, 10)
    assert kind.n_parameters(2) == 1 + 2 * 3


def test_one_class_is_the_product_of_the_shares():
    rows = np.array([[0, 0], [0, 1], [1, 1], [0, -1]])
    (model, *_), kind, _ = fitted(rows, 1)
    assert model.params[1][0, 0] == pytest.approx([3 / 4, 1 / 4, 1 / 3, 2 / 3])
    assert model.loglik[0] == pytest.approx(3 * np.log(0.75) + np.log(0.25) + np.log(1 / 3) + 2 * np.log(2 / 3))


#: Published log-likelihood, BIC and shares (poLCA's manual, Linzer & Lewis 2011).
PUBLISHED = {
    ("carcinoma", 2): (-317.2568, 706.0739, None),
    ("carcinoma", 3): (-293.7050, 697.1357, [0.4447, 0.3736, 0.1817]),
    ("carcinoma", 4): (-289.2858, 726.4629, None),
    ("cheating", 1): (-467.4382, None, None),
    ("cheating", 2): (-440.0271, 931.9409, [0.8394, 0.1606]),
    ("values", 2): (-504.4677, 1057.3128, None),
}


@pytest.mark.parametrize(("name", "k"), PUBLISHED)
def test_published_solutions_are_reached(shared, golden, name, k):
    answers = pd.read_csv(shared / "reference" / "latent_class" / f"{name}.csv")
    columns = list(json.loads((shared / "reference" / "latent_class" / f"{name}.json").read_text())["models"]["k1"]["probs"])
    rows = answers[columns].dropna().to_numpy(dtype=int) - 1
    (model, *_), kind, seen = fitted(rows, k)
    ll, bic, shares = PUBLISHED[name, k]
    where = {"package": "Linzer & Lewis 2011 (published)", "data": f"{name}, K = {k}"}
    golden(model.loglik[0], ll, method="M17 log-likelihood", tolerance=1e-4, **where)
    if bic:
        ours = -2 * model.loglik[0] + kind.n_parameters(k) * np.log(seen.counts.sum())
        golden(ours, bic, method="M17 BIC", tolerance=1e-3, **where)
    if shares:
        golden(model.shares[0], shares, method="M17 shares", tolerance=1e-3, **where)


@pytest.mark.parametrize(
    ("name", "k"), [("carcinoma", 3), ("cheating", 2), ("values", 2), ("gss82", 3), ("election", 3), ("election_keep_missing", 2)]
)
def test_every_probability_agrees_with_polca(shared, golden, name, k):
    folder = shared / "reference" / "latent_class"
    told = json.loads((folder / f"{name}.json").read_text())
    model_told = told["models"][f"k{k}"]
    answers = pd.read_csv(folder / told["data"])[list(model_told["probs"])]
    if name != "election_keep_missing":
        answers = answers.dropna()
    rows = answers.fillna(0).to_numpy(dtype=int) - 1
    (model, *_), kind, _ = fitted(rows, k, n_starts=20)
    where = {"package": "poLCA 1.6.0.2", "data": f"{name}, K = {k}"}
    golden(model.loglik[0], model_told["llik"], method="M17 log-likelihood", tolerance=1e-4, **where)
    assert kind.n_parameters(k) == model_told["n_par"]
    golden(model.shares[0], model_told["shares"], method="M17 shares", tolerance=1e-3, **where)
    ours = np.hstack([model.params[1][0][:, at] for at in kind.where])
    theirs = np.hstack([np.array(model_told["probs"][item]["by_class"]) for item in answers])
    golden(ours, theirs, method="M17 answer probabilities", tolerance=1e-3, **where)


#: stepmix 3.0.0 (categorical, 30 starts, abs_tol 1e-12): log-likelihood and shares, run by hand.
STEPMIX = {
    ("carcinoma", 3): (-293.704978780745, [0.4447276, 0.3735645, 0.1817079]),
    ("cheating", 2): (-440.0271124167473, [0.8394256, 0.1605744]),
    ("gss82", 3): (-2754.545404828115, [0.6207464, 0.2069716, 0.172282]),
}


@pytest.mark.parametrize(("name", "k"), STEPMIX)
def test_stepmix_finds_the_same_maximum(shared, golden, name, k):
    folder = shared / "reference" / "latent_class"
    columns = list(json.loads((folder / f"{name}.json").read_text())["models"]["k1"]["probs"])
    rows = pd.read_csv(folder / f"{name}.csv")[columns].dropna().to_numpy(dtype=int) - 1
    (model, *_), *_ = fitted(rows, k, n_starts=20)
    where = {"package": "stepmix 3.0.0", "data": f"{name}, K = {k}"}
    golden(model.loglik[0], STEPMIX[name, k][0], method="M17 log-likelihood", tolerance=1e-5, **where)
    golden(model.shares[0], STEPMIX[name, k][1], method="M17 shares", tolerance=1e-4, **where)


def test_a_timed_survey_of_five_thousand_reaches_what_polca_reaches(shared, golden):
    folder = shared / "reference" / "performance"
    rows = pd.read_csv(folder / "lca_n5000_j8.csv").to_numpy(dtype=int) - 1
    told = json.loads((folder / "timings.json").read_text())["poLCA_5class_nrep20_n5000_j8"]
    (model, hits, _), kind, seen = fitted(rows, 5, n_starts=20)
    where = {"package": "poLCA 1.6.0.2", "data": "lca_n5000_j8, K = 5"}
    golden(model.loglik[0], told["llik"], method="M17 log-likelihood", tolerance=1e-4, **where)
    ours = -2 * model.loglik[0] + kind.n_parameters(5) * np.log(seen.counts.sum())
    golden(ours, told["BIC"], method="M17 BIC", tolerance=1e-3, **where)
    golden(model.shares[0], told["shares"], method="M17 shares", tolerance=1e-3, **where)
    assert hits >= 2


def test_the_cost_is_that_of_the_patterns_not_of_the_rows():
    rows = categorical(500, seed=6)
    many = em.patterns(rows, counts=np.full(len(rows), 20_000.0))  # ten million respondents
    assert len(many.rows) == len(em.patterns(rows).rows) and many.counts.sum() == 10_000_000
    (one, *_), *_ = fitted(rows, 2)
    (other, *_), *_ = fitted(rows, 2, counts=np.full(len(rows), 20_000.0))
    assert other.params[1] == pytest.approx(one.params[1], abs=1e-3)
    assert other.loglik[0] == pytest.approx(one.loglik[0] * 20_000, rel=1e-6)


def test_the_order_of_rows_does_not_matter():
    rows = categorical(300)
    (one, *_), *_ = fitted(rows, 2)
    (other, *_), *_ = fitted(rows[np.random.default_rng(5).permutation(len(rows))], 2)
    assert one.loglik[0] == other.loglik[0]
    assert np.array_equal(one.params[1], other.params[1])


def test_a_frequency_of_two_is_two_rows():
    rows = categorical(200)
    (twice, *_), *_ = fitted(np.vstack([rows, rows]), 2)
    (counted, *_), *_ = fitted(rows, 2, counts=np.full(len(rows), 2.0))
    assert counted.loglik[0] == pytest.approx(twice.loglik[0], rel=1e-12)
    assert counted.params[1] == pytest.approx(twice.params[1], abs=1e-9)


def test_extrapolation_reaches_what_plain_em_reaches():
    rows = categorical(400, seed=3)
    seen = em.patterns(rows)
    kind = em.Answers(seen.rows, [3] * 6)
    start = kind.starts(1, 2, seen.weights, np.random.default_rng(0))
    fast = em.run(kind, start, seen.weights, max_steps=3000, tolerance=1e-10)
    slow = start
    for _ in range(3000):
        slow, loglik = kind.step(slow, seen.weights[None])
    assert fast.loglik[0] == pytest.approx(loglik[0], abs=1e-6)


def test_the_likelihood_never_falls():
    rows = np.where(np.random.default_rng(2).random((300, 6)) < 0.1, -1, categorical(300, seed=4))
    seen = em.patterns(rows)
    kind = em.Answers(seen.rows, [3] * 6)
    params, last = kind.starts(5, 3, seen.weights, np.random.default_rng(0)), np.full(5, -np.inf)
    for steps in range(3, 60, 3):
        reached = em.run(kind, params, seen.weights, max_steps=steps, tolerance=-np.inf).loglik
        assert (reached >= last - 1e-9).all()
        last = reached


def wishes_density(x, m, d):
    """Log density of the contrasts of x around m with independent errors of variance d and a free level, by brute force."""
    j = len(x)
    contrasts = np.linalg.svd(np.ones((1, j)))[2][1:]  # orthonormal, orthogonal to the level
    cov = contrasts @ np.diag(d) @ contrasts.T
    gap = contrasts @ (x - m)
    return -0.5 * (gap @ np.linalg.solve(cov, gap) + np.linalg.slogdet(cov)[1] + (j - 1) * np.log(2 * np.pi)) - 0.5 * np.log(j)


def test_the_likelihood_of_wishes_is_that_of_the_contrasts_between_items():
    rows = np.array([[1.0, 4.0, 3.0, 5.0], [2.0, np.nan, 5.0, 1.0]])
    m, d = np.array([-1.0, 0.5, 0.2, 0.3]), np.array([0.5, 1.0, 2.0, 0.8])
    kind = em.Wishes(rows, least=1e-9)
    _, loglik = kind.step((np.ones((1, 1)), m[None, None], np.log(d)[None]), np.ones((1, 2)))
    seen = [0, 2, 3]
    by_hand = wishes_density(rows[0], m, d) + wishes_density(rows[1][seen], m[seen], d[seen])
    assert loglik[0] == pytest.approx(by_hand, rel=1e-10)


def test_wishes_do_not_see_how_high_somebody_rates():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 5)) + rng.choice([-1, 1], size=(200, 1)) * np.array([1, 1, 0, -1, -1])
    one, other = em.patterns(rows), em.patterns(rows + rng.normal(size=(200, 1)) * 10)
    models = [em.fit(em.Wishes(p.rows), 2, p.weights, np.random.default_rng(1), n_starts=10)[0] for p in (one, other)]
    assert models[0].loglik[0] == pytest.approx(models[1].loglik[0], rel=1e-8)
    assert models[0].params[1] == pytest.approx(models[1].params[1], abs=1e-4)


def test_wishes_with_a_free_level_find_planted_means_and_variances():
    rng = np.random.default_rng(3)
    means = np.array([[1.0, 0.5, -0.5, -1.0], [-1.0, -0.2, 0.4, 0.8]])
    spread = np.array([0.5, 0.7, 0.9, 0.6])
    of = rng.random(4000) < 0.35
    rows = 3 + 2 * rng.normal(size=(4000, 1)) + means[of.astype(int)] + spread * rng.normal(size=(4000, 4))
    rows[rng.random(rows.shape) < 0.05] = np.nan
    seen = em.patterns(rows)
    kind = em.Wishes(seen.rows)
    model, *_ = em.fit(kind, 2, seen.weights, np.random.default_rng(0), n_starts=10)
    assert model.shares[0] == pytest.approx([0.65, 0.35], abs=0.02)
    assert model.params[1][0] == pytest.approx(means, abs=0.07)
    assert np.exp(model.params[2][0] / 2) == pytest.approx(spread, abs=0.05)

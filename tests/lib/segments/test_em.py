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


#: poLCA 1.6.0.2 (Linzer & Lewis 2011): log-likelihood, and the published shares of methods M17.
PUBLISHED = {
    ("carcinoma", 2): (-317.2568, 706.0739, None),
    ("carcinoma", 3): (-293.7050, 697.1357, [0.4447, 0.3736, 0.1817]),
    ("carcinoma", 4): (-289.2858, 726.4629, None),
    ("cheating", 1): (-467.4382, None, None),
    ("cheating", 2): (-440.0271, 931.9409, [0.8394, 0.1606]),
    ("values", 2): (-504.4677, 1057.3128, None),
}


@pytest.mark.parametrize(("name", "k"), PUBLISHED)
def test_published_solutions_are_reached(shared, name, k):
    answers = pd.read_csv(shared / "reference" / "latent_class" / f"{name}.csv")
    columns = list(json.loads((shared / "reference" / "latent_class" / f"{name}.json").read_text())["models"]["k1"]["probs"])
    rows = answers[columns].dropna().to_numpy(dtype=int) - 1
    (model, *_), kind, seen = fitted(rows, k)
    ll, bic, shares = PUBLISHED[name, k]
    assert model.loglik[0] == pytest.approx(ll, abs=1e-4)
    if bic:
        assert -2 * ll + kind.n_parameters(k) * np.log(seen.counts.sum()) == pytest.approx(bic, abs=1e-3)
    if shares:
        assert model.shares[0] == pytest.approx(shares, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "k"), [("carcinoma", 3), ("cheating", 2), ("values", 2), ("gss82", 3), ("election", 3), ("election_keep_missing", 2)]
)
def test_every_probability_agrees_with_polca(shared, name, k):
    folder = shared / "reference" / "latent_class"
    told = json.loads((folder / f"{name}.json").read_text())
    model_told = told["models"][f"k{k}"]
    answers = pd.read_csv(folder / told["data"])[list(model_told["probs"])]
    if name != "election_keep_missing":
        answers = answers.dropna()
    rows = answers.fillna(0).to_numpy(dtype=int) - 1
    (model, *_), kind, _ = fitted(rows, k, n_starts=20)
    assert model.loglik[0] == pytest.approx(model_told["llik"], abs=1e-4)
    assert kind.n_parameters(k) == model_told["n_par"]
    assert model.shares[0] == pytest.approx(model_told["shares"], abs=1e-3)
    for item, where in zip(answers, kind.where):
        assert model.params[1][0][:, where] == pytest.approx(np.array(model_told["probs"][item]["by_class"]), abs=1e-3)


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


@pytest.mark.long
def test_stepmix_reaches_the_same_maximum():
    stepmix = pytest.importorskip("stepmix")
    rows = categorical(400, seed=8)
    (model, *_), kind, seen = fitted(rows, 2)
    other = stepmix.StepMix(
        n_components=2,
        measurement="categorical",
        n_init=10,
        random_state=1,
        verbose=0,
        progress_bar=0,
        abs_tol=1e-12,
        rel_tol=0,
        max_iter=5000,
    )
    other.fit(rows)
    assert model.loglik[0] == pytest.approx(other.score(rows) * len(rows), abs=1e-3)
    mine = kind.posterior(tuple(p[0] for p in model.params)).max(axis=1)[seen.of_row]
    assert mine == pytest.approx(other.predict_proba(rows).max(axis=1), abs=1e-3)

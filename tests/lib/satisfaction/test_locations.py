import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.satisfaction import pooled, pooled_shares
from delight.satisfaction.locations import pool
from delight.scales import Scale
from scipy import integrate, special

GRADES = Scale(1, 10)


def sums(raw, n=20, sd=1.5, label="", **more):
    n = np.broadcast_to(n, len(raw)).astype(float)
    names = [f"L{i:02d}" for i in range(len(raw))]
    return pd.DataFrame({"location": names, "label": label, "n": n, "n_eff": n, "raw": np.asarray(raw, dtype=float), "sd": sd, **more})


def survey(seed=1, locations=24, labels=3, tau=0.4, sizes=(4, 40)):
    rng = np.random.default_rng(seed)
    at = np.repeat(np.arange(locations), rng.integers(*sizes, locations))
    y = np.clip(np.round(7.7 + rng.normal(0, tau, locations)[at] + rng.normal(0, 1.4, len(at))), 1, 10)
    return pd.DataFrame({"overall": y, "location": [f"L{i:02d}" for i in at], "label": [f"B{i % labels}" for i in at]})


def test_eight_schools(golden):  # Rubin (1981); methods.md M42
    y, se = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]
    table, spread = pool(sums(y, se=se), sd_y=10, prior="flat")
    expected = [11.40, 7.89, 6.13, 7.64, 5.13, 6.14, 10.66, 8.46]
    about = {"package": "Rubin 1981, by numerical integration", "data": "eight schools"}
    golden(table["pooled"], expected, method="M42 posterior means", tolerance=0.015, **about)
    golden([spread["tau"]], [5.23], method="M42 median τ", tolerance=0.03, **about)
    golden([table["lo"][0], table["hi"][0]], [-2.1, 31.6], method="M42 interval of the first school", tolerance=0.05, **about)


def test_the_grid_agrees_with_numerical_integration():
    raw, se, scale = np.array([7.2, 7.9, 8.4, 7.6]), np.array([0.3, 0.25, 0.4, 0.2]), 0.75

    def density(tau):
        v = tau**2 + se**2
        mu, total = (raw / v).sum() / (1 / v).sum(), (1 / v).sum()
        return np.exp(-0.5 * ((raw - mu) ** 2 / v).sum() - 0.5 * (tau / scale) ** 2) / np.sqrt(total * v.prod())

    def first(tau):
        v = tau**2 + se**2
        mu = (raw / v).sum() / (1 / v).sum()
        return density(tau) * (raw[0] * tau**2 + mu * se[0] ** 2) / v[0]

    total = integrate.quad(density, 0, 8, epsabs=1e-13)[0]
    table, spread = pool(sums(raw, se=se), sd_y=1.5)
    assert table["pooled"][0] == pytest.approx(integrate.quad(first, 0, 8, epsabs=1e-13)[0] / total, abs=1e-5)
    below = integrate.quad(density, 0, spread["tau"], epsabs=1e-13)[0] / total
    assert below == pytest.approx(0.5, abs=1e-3)


def test_random_labels_agree_with_drawing_from_the_posterior():
    rng = np.random.default_rng(0)
    labels = np.repeat([f"B{k}" for k in range(7)], 4)
    raw = 7.5 + np.repeat(rng.normal(0, 0.3, 7), 4) + rng.normal(0, 0.4, 28)
    se = rng.uniform(0.2, 0.5, 28)
    table, spread = pool(sums(raw, label=labels, se=se), sd_y=1.5)
    assert spread["label_effects"] == "random"
    tau = omega = (np.arange(120) + 0.5) / 60  # the marginal of y as one multivariate normal
    same = (labels[:, None] == labels[None, :]).astype(float)
    log, means = np.empty((120, 120)), np.empty((120, 120, 28))
    for i, t in enumerate(tau):
        for j, o in enumerate(omega):
            effects = np.eye(28) * t**2 + same * o**2
            inverse = np.linalg.inv(effects + np.diag(se**2))
            one = inverse.sum(axis=1)
            mu = one @ raw / one.sum()
            residual = raw - mu
            log[i, j] = 0.5 * (np.linalg.slogdet(inverse)[1] - np.log(one.sum()) - residual @ inverse @ residual)
            log[i, j] -= 0.5 * (t / 0.75) ** 2 + 0.5 * (o / 0.75) ** 2
            means[i, j] = mu + effects @ inverse @ residual
    weight = np.exp(log - log.max())
    expected = np.tensordot(weight / weight.sum(), means, axes=2)
    assert table["pooled"].to_numpy() == pytest.approx(expected, abs=2e-3)


def test_pooling_pulls_small_locations_hardest_and_towards_their_label():
    frame = survey()
    found = pooled(frame, y="overall", scale=GRADES, label="label").locations.table
    assert found["shrinkage"].corr(found["n"], method="spearman") == pytest.approx(-1)
    inside = (found["pooled"] - found["raw"]) * (found["rest_of_label"] - found["raw"])
    assert (inside > 0).mean() > 0.9
    assert ((found["hi"] - found["lo"]) < 2.2 * (found["raw_hi"] - found["raw_lo"])).all()


def test_only_the_rule_flags_and_nothing_is_ranked():
    table, _ = pool(sums([7.5, 7.6, 7.5, 7.4, 5.0, 7.5], n=40), sd_y=1.5)
    assert table["flag"].tolist() == ["", "", "", "", "below", ""]
    assert table["p_below"][4] > 0.95
    assert not any("rank" in c for c in table.columns)
    mirrored, _ = pool(sums([7.5, 7.6, 7.5, 7.4, 10.0, 7.5], n=40), sd_y=1.5)
    assert mirrored["flag"][4] == "above"


def test_a_location_is_compared_with_the_rest_of_its_own_label():
    raw, label = [6.0, 6.1, 6.2, 8.4, 8.5, 8.6], list("aaabbb")
    table, spread = pool(sums(raw, n=200, label=label), sd_y=1.5)
    assert spread["label_effects"] == "fixed"
    assert table["rest_of_label"][0] == pytest.approx(6.15, abs=0.05)
    assert (table["flag"] == "").all()


def test_the_rest_of_the_label_and_the_difference_from_it_are_covered_as_often_as_they_say():
    rng, label, n = np.random.default_rng(5), np.repeat(list("abcd"), 5), 25
    covered = []
    for _ in range(120):
        true = rng.normal(7.5, 0.3, 20) + np.repeat(rng.normal(0, 0.3, 4), 5)
        raw = true + rng.normal(0, 1.5 / np.sqrt(n), 20)
        table, _ = pool(sums(raw, n=n, label=label, sd=1.5), sd_y=1.55)
        rest = (np.array([true[label == own].sum() for own in label]) - true) / 4
        covered.append([(table["rest_lo"] < rest) & (rest < table["rest_hi"])])
        covered[-1].append((table["diff_rest_lo"] < true - rest) & (true - rest < table["diff_rest_hi"]))
        assert (table["rest_n"] == 4 * n).all()
    assert np.mean(covered, axis=(0, 2)) == pytest.approx([0.95, 0.95], abs=0.025)


def test_a_location_alone_in_its_label_has_no_rest():
    table, _ = pool(sums([7.0, 7.5, 8.0, 6.0], label=["a", "a", "a", "b"]), sd_y=1.5)
    assert (
        table.loc[3, ["rest_of_label", "rest_lo", "rest_n", "diff_rest_hi"]].isna().all()
        and np.isnan(table["p_below"][3])
        and table["flag"][3] == ""
    )
    assert table["pooled"][3] == pytest.approx(6.0)


def test_fewer_than_three_locations_stay_raw():
    frame = survey(locations=2)
    found = pooled(frame, y="overall", scale=GRADES)
    assert found.locations.status == "not_identified" and found.locations.table["pooled"].isna().all()
    assert found.locations.table["raw"].notna().all()
    assert found.locations.note("few_locations").values == {"locations": 2}


def test_raw_intervals_know_the_size_of_the_location():
    frame = survey()
    n = frame.groupby("location").size().to_dict()
    without = pooled(frame, y="overall", scale=GRADES).locations.table
    everybody = pooled(frame, y="overall", scale=GRADES, population=n).locations.table
    assert everybody["raw_lo"].to_numpy() == pytest.approx(everybody["raw"].to_numpy())
    assert everybody["pooled"].to_numpy() == pytest.approx(without["pooled"].to_numpy())


def test_equal_weights_and_row_order_change_nothing():
    frame = survey().assign(w=3.0)
    a = pooled(frame, y="overall", scale=GRADES, label="label")
    b = pooled(frame.sample(frac=1, random_state=1), y="overall", scale=GRADES, label="label", weights="w")
    for one, two in zip(a, b):
        pd.testing.assert_frame_equal(one.table, two.table, rtol=1e-9)


def test_frequency_weights_are_rows():
    frame = survey(locations=6).assign(f=lambda d: 1 + np.arange(len(d)) % 3)
    long = frame.loc[frame.index.repeat(frame["f"])]
    a = pooled(frame, y="overall", scale=GRADES, weights="f", weights_kind="frequency").locations.table
    b = pooled(long, y="overall", scale=GRADES).locations.table
    pd.testing.assert_frame_equal(a, b, check_dtype=False, rtol=1e-9)


@pytest.mark.parametrize(("n", "reliability"), [(12, 0.39), (20, 0.51), (40, 0.68)])
def test_reliability_of_a_raw_mean_is_the_published_one(n, reliability):  # methods.md M42: ICC .05
    """With many locations τ is known, and the weight of the own answers is the reliability of their mean."""
    tau, sigma = np.sqrt(0.05), np.sqrt(0.95)
    raw = 7.5 + np.sqrt(tau**2 + sigma**2 / n) * special.ndtri((np.arange(800) + 0.5) / 800)
    table, _ = pool(sums(raw, n=n, sd=sigma), sd_y=1.0)
    assert 1 - table["shrinkage"].mean() == pytest.approx(reliability, abs=0.012)


def test_sums_are_enough():
    frame = survey()
    found = pooled(frame, y="overall", scale=GRADES).locations.table
    groups = frame.groupby("location")["overall"].agg(["size", "mean", "std"]).reset_index()
    alone, _ = pool(
        sums(groups["mean"], n=groups["size"], sd=groups["std"]).assign(location=groups["location"]), sd_y=frame["overall"].std()
    )
    assert alone["pooled"].to_numpy() == pytest.approx(found["pooled"].to_numpy(), rel=1e-9)
    assert alone["p_below"].to_numpy() == pytest.approx(found["p_below"].to_numpy(), rel=1e-6, abs=1e-12)


def test_answers_without_a_location_or_score_are_counted():
    frame = survey(locations=4)
    frame.loc[frame.index[:3], "location"] = None
    frame.loc[frame.index[-1], "overall"] = np.nan
    found = pooled(frame, y="overall", scale=GRADES).locations
    assert found.note("without_location").values == {"n": 3}
    assert found.table["n_missing"].sum() == 1


def test_equal_answers_everywhere_are_degenerate():
    frame = pd.DataFrame({"overall": [8.0] * 12, "location": list("abcd") * 3})
    found = pooled(frame, y="overall", scale=GRADES)
    assert found.spread.status == "degenerate" and found.locations.table["raw"].eq(8).all()


def test_pooled_shares_agree_with_numerical_integration():
    x, n = np.array([2, 5, 9, 4]), np.array([10, 12, 20, 15])
    scores = [s for hits, size in zip(x, n) for s in [9] * hits + [5] * (size - hits)]
    frame = pd.DataFrame({"overall": np.array(scores, dtype=float), "location": np.repeat(list("abcd"), n)})
    row = pooled_shares(frame, y="overall", scale=GRADES).table.iloc[0]

    def density(m, r, extra=0):
        phi = 1 / r**2 - 1
        a, b = m * phi, (1 - m) * phi
        log = (special.betaln(x + a, n - x + b) - special.betaln(a, b)).sum() - 0.5 * (r / 0.5) ** 2 + 36
        return np.exp(log) * ((x[0] + a) / (n[0] + phi) if extra else 1)

    total, top = (integrate.dblquad(density, 0.004, 0.996, 0.001, 0.999, args=(e,), epsabs=1e-7, epsrel=1e-6)[0] for e in (0, 1))
    assert row.raw == 0.2 and row.pooled == pytest.approx(top / total, abs=2e-3)
    assert row.lo < row.pooled < row.hi and row.raw < row.pooled < x.sum() / n.sum()


def test_equal_shares_are_pooled_almost_completely():
    frame = pd.DataFrame({"overall": [9.0, 5] * 100, "location": np.repeat(list("abcdefghij"), 20)})
    found = pooled_shares(frame, y="overall", scale=GRADES).table
    assert found["pooled"].to_numpy() == pytest.approx(0.5) and (found["shrinkage"] > 0.7).all()


def test_shares_of_two_locations_stay_raw():
    found = pooled_shares(survey(locations=2), y="overall", scale=GRADES)
    assert found.status == "not_identified" and found.table["pooled"].isna().all()


def test_an_unknown_column_is_named():
    with pytest.raises(InputError, match="'place'"):
        pooled(survey(), y="overall", scale=GRADES, location="place")


@pytest.mark.long
@pytest.mark.parametrize(("locations", "n"), [(4, 20), (5, 12)])
def test_few_small_locations_are_covered_and_seldom_flagged(locations, n):
    rng = np.random.default_rng(6)
    tau, sigma = np.sqrt(0.05), np.sqrt(0.95)
    covered = flagged = 0
    for _ in range(600):
        truth = rng.normal(0, tau, locations)
        y = truth[:, None] + rng.normal(0, sigma, (locations, n))
        table, _ = pool(sums(y.mean(axis=1), n=n, sd=y.std(axis=1, ddof=1)), sd_y=y.std(ddof=1))
        covered += ((table["lo"] <= truth) & (truth <= table["hi"])).sum()
        rest = np.array([np.delete(truth, j).mean() for j in range(locations)])
        flagged += ((table["flag"] == "below") & (truth > rest)).sum()
    assert 0.93 <= covered / 600 / locations <= 0.975  # methods.md M42: 93-96 %
    assert flagged / 600 / locations < 0.01

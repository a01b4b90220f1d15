"""Do questions measure one thing? (core: delight.reliability)"""

import json

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.reliability import alpha, bootstrap_moments, correlations, feldt, htmt, moments, one_factor, reliability
from delight.scales import Scale
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = {"n_boot": 50}


@pytest.fixture(scope="module")
def mobi(shared):
    folder = shared / "reference" / "reliability"
    return pd.read_csv(folder / "mobi.csv"), json.loads((folder / "mobi_blocks.json").read_text())["blocks"]


@pytest.fixture(scope="module")
def found(mobi):
    frame, blocks = mobi
    return reliability(frame, constructs={name: b["items"] for name, b in blocks.items()}, n_boot=400)


def made_up(n=200, loadings=(0.8, 0.7, 0.6, 0.5), seed=1):
    rng = np.random.default_rng(seed)
    factor, weight = rng.normal(size=n), np.array(loadings)
    x = factor[:, None] * weight + rng.normal(size=(n, len(weight))) * np.sqrt(1 - weight**2)
    return pd.DataFrame(x, columns=list("abcdefgh")[: len(weight)])


def test_alpha_by_hand():
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [2.0, 2, 4, 4], "c": [1.0, 3, 3, 5]})
    variances, total = frame.var(ddof=1).sum(), frame.sum(axis=1).var(ddof=1)
    row = reliability(frame, constructs={"x": ["a", "b", "c"]}, **QUICK).constructs.table.iloc[0]
    assert row["alpha"] == pytest.approx(3 / 2 * (1 - variances / total))
    assert (row["n"], row["n_items"]) == (4, 3)


def test_alpha_and_its_interval_agree_with_psych(mobi, found, golden):
    blocks, rows = mobi[1], found.constructs.table.set_index("construct")
    three = [name for name, b in blocks.items() if len(b["items"]) > 2]
    about = {"package": "psych 2.2.9", "data": "mobi"}
    golden(rows.loc[three, "alpha"], [blocks[n]["raw_alpha_complete_cases"] for n in three], method="α", tolerance=1e-8, **about)
    golden(rows["alpha_std"], [b["std_alpha"] for b in blocks.values()], method="α, standardised", tolerance=1e-8, **about)
    golden(rows["average_r"], [b["average_r"] for b in blocks.values()], method="average correlation", tolerance=1e-8, **about)
    limits = [[blocks[n]["feldt_ci95"][k] for k in ("lower.ci", "upper.ci")] for n in three]
    golden(rows.loc[three, ["alpha_lo", "alpha_hi"]], limits, method="Feldt's interval of α", tolerance=1e-6, **about)


def test_published_alphas(found):  # methods.md M27
    rows = found.constructs.table.set_index("construct")["alpha"]
    published = {"Satisfaction": 0.77011, "Quality": 0.87241, "Image": 0.71445, "Loyalty": 0.44172}
    assert rows[list(published)].tolist() == pytest.approx(list(published.values()), abs=5e-6)


def test_items_agree_with_psych(mobi, found, golden):
    blocks, items = mobi[1], found.items.table.set_index("item")
    about = {"package": "psych 2.2.9", "data": "mobi"}
    rest = {i: r for b in blocks.values() for i, r in b["item_stats"]["r_drop"].items()}
    golden(items.loc[list(rest), "item_rest"], list(rest.values()), method="item-rest correlation", tolerance=1e-8, **about)
    without = {i: a for b in blocks.values() if len(b["items"]) > 3 for i, a in b["alpha_if_item_dropped"].items()}
    golden(items.loc[list(without), "alpha_without"], list(without.values()), method="α without an item", tolerance=1e-8, **about)


def test_omega_agrees_with_factanal(mobi, found, golden):
    blocks, items = mobi[1], found.items.table.set_index("item")
    rows = found.constructs.table.set_index("construct")
    with_factor = {name: b["omega_ml"] for name, b in blocks.items() if b.get("omega_ml")}
    about = {"package": "R 4.2.2 factanal", "data": "mobi"}
    expected = [f["omega_total_1factor_ML_factanal"] for f in with_factor.values()]
    golden(rows.loc[list(with_factor), "omega_std"], expected, method="ω", tolerance=1e-4, **about)
    loadings = {i: v for f in with_factor.values() for i, v in f["loadings"].items()}
    golden(
        items.loc[list(loadings), "loading"].abs(), np.abs(list(loadings.values())), method="one-factor loadings", tolerance=1e-4, **about
    )


def test_six_predictors_of_attitude_agree_with_factanal(shared, golden):
    folder = shared / "reference" / "reliability"
    frame, expected = pd.read_csv(folder / "attitude.csv"), json.loads((folder / "attitude.json").read_text())
    for name, columns in (("all_seven", list(frame)), ("six_predictors", list(frame)[1:])):
        row = reliability(frame, constructs={"x": columns}, **QUICK).constructs.table.iloc[0]
        reference = [expected[name]["raw_alpha_complete_cases"], expected[name]["omega_ml"]["omega_total_1factor_ML_factanal"]]
        golden(row[["alpha", "omega_std"]], reference, method="α, ω", package="psych 2.2.9, factanal", data="attitude", tolerance=1e-4)
        assert row["status"] == "low_base"


def test_htmt_agrees_with_seminr(shared, found, golden):
    reference = json.loads((shared / "reference" / "pls_sem" / "mobi_ecsi.json").read_text())["seminr_composite_path"]["htmt"]
    expected = pd.DataFrame(reference["values"], reference["rows"], reference["cols"], dtype=float)
    rows = found.distinct.table
    values = [expected.loc[b, a] for a, b in zip(rows["construct"], rows["other"])]
    golden(rows["htmt"], values, method="HTMT", package="seminr 2.3.4", data="mobi", tolerance=1e-10)
    verdict = rows.set_index(["construct", "other"])["verdict"]
    assert verdict["Image", "Value"] == "distinct" and verdict["Quality", "Satisfaction"] == "open"


def test_two_items_have_no_alpha_but_spearman_brown():
    frame = made_up()
    row = reliability(frame, constructs={"x": ["a", "b"]}, **QUICK).constructs.table.iloc[0]
    r = frame["a"].corr(frame["b"])
    assert np.isnan(row["alpha"]) and np.isnan(row["omega"]) and row["alpha_std"] == pytest.approx(2 * r / (1 + r))


def test_one_factor_of_three_items_is_known_in_closed_form():
    r = np.array([[1, 0.42, 0.35], [0.42, 1, 0.3], [0.35, 0.3, 1]])
    assert one_factor(r) == pytest.approx([0.7, 0.6, 0.5], abs=1e-8)
    many = one_factor(np.stack([r, np.eye(3) * 0.2 + 0.8, np.full((3, 3), np.nan)]))
    assert many[0] == pytest.approx([0.7, 0.6, 0.5], abs=1e-8) and np.isnan(many[2]).all()


def test_an_item_that_is_not_turned_round_is_found():
    frame = made_up().assign(d=lambda f: -f["d"])
    found = reliability(frame, constructs={"x": list("abcd")}, **QUICK)
    assert found.constructs.note("against").values["items"] == ["d"]
    assert found.constructs.table["status"].tolist() == ["assumption_warning"]
    assert found.items.table.set_index("item").loc["d", "loading"] < 0


def test_missing_answers_are_counted_for_each_construct():
    frame = made_up(60)
    frame.loc[:9, "a"] = np.nan
    found = reliability(frame, constructs={"x": ["a", "b"], "y": ["c", "d"]}, **QUICK)
    assert found.constructs.table[["n", "n_missing"]].values.tolist() == [[50, 10], [60, 0]]
    assert found.distinct.table["n"].tolist() == [50]


def test_no_spread_and_no_answers_have_a_status():
    frame = made_up(60).assign(e=5.0, f=np.nan)
    found = reliability(frame, constructs={"x": ["a", "b", "e"], "y": ["c", "d", "f"]}, **QUICK)
    assert found.constructs.table["status"].tolist() == ["degenerate", "insufficient"]
    assert found.constructs.table.loc[1, ["alpha", "omega", "ave"]].isna().all()
    assert found.distinct.table["status"].tolist() == ["insufficient"]


def test_everything_wrong_is_told_at_once():
    frame = made_up().assign(text="x")
    with pytest.raises(InputError) as told:
        reliability(frame, constructs={"x": ["a", "bb", "text"], "y": [], "z": ["a"]}, scales={"a": Scale(1, 10)})
    for said in ("'y' has no items", "'a' stands in 2 places", "no column 'bb'", "'text' is not numeric", "lie outside 1-10"):
        assert said in str(told.value)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_order_units_and_equal_weights_change_nothing(seed):
    frame = made_up(50, seed=seed)
    other = frame.sample(frac=1, random_state=seed)[list("cadb")].add(5).assign(w=2.5)
    columns = ["alpha", "alpha_std", "omega", "omega_std", "ave", "alpha_lo", "alpha_hi"]
    a = reliability(frame, constructs={"x": list("abcd")}, n_boot=2).constructs.table.loc[0, columns]
    b = reliability(other, constructs={"x": list("cadb")}, weights="w", n_boot=2).constructs.table.loc[0, columns]
    assert b.tolist() == pytest.approx(a.tolist(), rel=1e-7, abs=1e-9)


def test_frequency_weights_are_rows():
    frame = made_up(40).assign(f=1 + np.arange(40) % 3)
    long = frame.loc[frame.index.repeat(frame["f"])]
    columns = ["alpha", "omega", "alpha_lo", "alpha_hi", "n", "n_eff"]
    a = reliability(frame, constructs={"x": list("abcd")}, weights="f", weights_kind="frequency", **QUICK)
    b = reliability(long, constructs={"x": list("abcd")}, **QUICK)
    assert a.constructs.table.loc[0, columns].tolist() == pytest.approx(b.constructs.table.loc[0, columns].tolist(), rel=1e-10)


def test_bootstrap_moments_are_those_of_the_rows_drawn():
    rng = np.random.default_rng(3)
    x, w = rng.normal(5, 2, (30, 3)), rng.uniform(0.5, 2, 30)
    means, squares = bootstrap_moments(x, w, kind="sampling", n_boot=4, rng=np.random.default_rng(9))
    drawn = np.random.default_rng(9).multinomial(30, np.full(30, 1 / 30), size=4)
    for b in range(4):
        rows = np.repeat(np.arange(30), drawn[b])
        centre, covariance = moments(x[rows], w[rows])
        assert means[b] == pytest.approx(centre) and squares[b] == pytest.approx(covariance)


def test_many_rows_are_drawn_in_groups_with_the_same_spread():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(6000, 2)) @ np.array([[1, 0.6], [0, 0.8]])
    r = correlations(bootstrap_moments(x, np.ones(6000), n_boot=1500, rng=rng)[1])[:, 0, 1]
    assert r.std() == pytest.approx((1 - 0.6**2) / np.sqrt(6000), rel=0.1)


def test_htmt_by_hand():
    r = np.array([[1, 0.64, 0.3], [0.64, 1, 0.5], [0.3, 0.5, 1]])
    assert htmt(r, [0, 1], [2]) == pytest.approx(0.4 / 0.8)
    assert alpha(r[:2, :2]) == pytest.approx(2 * 0.64 / 1.64)
    assert feldt(0.8, 1, 3) == pytest.approx((np.nan, np.nan), nan_ok=True)


@pytest.mark.long
def test_the_intervals_cover_on_graded_answers():
    rng = np.random.default_rng(5)
    weight = np.array([0.8, 0.7, 0.75, 0.7])
    error = 1 - weight**2
    truth = weight.sum() ** 2 / (weight.sum() ** 2 + error.sum())
    hits = {"omega": 0, "alpha": 0}
    for _ in range(300):
        x = rng.normal(size=(150, 1)) * weight + rng.normal(size=(150, 4)) * np.sqrt(error)
        row = reliability(pd.DataFrame(x, columns=list("abcd")), constructs={"x": list("abcd")}, n_boot=300).constructs.table.iloc[0]
        sigma = np.outer(weight, weight) + np.diag(error)
        hits["omega"] += row["omega_lo"] <= truth <= row["omega_hi"]
        hits["alpha"] += row["alpha_lo"] <= float(alpha(sigma)) <= row["alpha_hi"]
    assert all(0.91 <= h / 300 <= 0.985 for h in hits.values()), hits

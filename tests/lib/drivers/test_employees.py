"""What employees weigh against chance, and on which step: by hand, by brute force, by planted truth."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from delight.drivers.employees import employee_share, employee_steps, worth
from delight.drivers.shapley import subset_r2
from delight.errors import InputError
from delight.scales import Scale
from scipy.special import expit

X = ["kind", "skilled", "building", "price", "speed"]
SCALES = {c: Scale(1, 10) for c in [*X, "overall"]}
STAFF = ["kind", "skilled"]


def customers(n=2000, seed=1, on_second=1.0):
    """Grades of customers: all experiences carry to satisfied alike; those of staff carry `on_second` times as far to delighted."""
    rng = np.random.default_rng(seed)
    x = np.clip(np.round(7.5 + rng.normal(size=(n, 5)) * 1.2 + rng.normal(size=(n, 1)) * 0.7), 1, 10)
    first = rng.random(n) < expit(1.5 + 0.5 * (x - 7.5).sum(axis=1))
    weights = np.array([0.5 * on_second, 0.5 * on_second, 0.5, 0.5, 0.5])
    second = rng.random(n) < expit(-0.5 + (x - 7.5) @ weights)
    overall = np.where(~first, 6, np.where(second, 9, 8))
    return pd.DataFrame(x, columns=X).assign(overall=overall.astype(float))


@pytest.fixture(scope="module")
def frame():
    return customers()


def model(**more):
    return {"y": "overall", "x": X, "scales": SCALES, "employee": STAFF, **more}


# ---- share


def test_share_and_expectation_by_trying_every_pair_of_attributes(frame):
    found = employee_share(frame, **model(), n_boot=0).table.set_index("outcome").loc["score"]
    c = frame[[*X, "overall"]].corr().to_numpy()
    game = subset_r2(c[None, :5, :5], c[None, :5, 5])[:, 0]

    def share(members):
        s = sum(1 << j for j in members)
        return (game[s] + game[31] - game[31 ^ s]) / 2 / game[31]

    every = np.array([share(pair) for pair in combinations(range(5), 2)])
    assert found["share"] == pytest.approx(share((0, 1))) and found["expected"] == pytest.approx(every.mean())
    away = np.abs(every - every.mean())
    assert found["p_labels"] == pytest.approx((away >= away[0] - 1e-12).mean())
    assert found["n_labellings"] == 10 and found["exact"] and found["share_of_attributes"] == 0.4
    assert found["excess"] == pytest.approx(found["share"] - found["expected"]) and found["game"] == "quotient"


def test_half_of_the_attributes_are_expected_to_weigh_half(frame):
    table = employee_share(frame, **model(x=X[:4]), n_boot=0).table
    assert table["expected"].to_numpy() == pytest.approx(0.5)


def test_steps_count_those_who_reach_them(frame):
    table = employee_share(frame, **model(), n_boot=100).table.set_index("outcome")
    assert table["n"].to_dict() == {"score": 2000, "satisfied": 2000, "delighted": (frame["overall"] >= 7).sum()}
    satisfied = frame[frame["overall"] >= 7]
    part = employee_share(satisfied.assign(overall=(satisfied["overall"] >= 9) * 1.0), **model(scales={}), n_boot=0).table.iloc[0]
    assert table.loc["delighted", "share"] == pytest.approx(part["share"])
    assert ((table["ci_lo"] < table["share"]) & (table["share"] < table["ci_hi"])).all()


def test_what_staff_carry_to_delighted_is_found_and_nothing_is_made_of_nothing():
    much = employee_share(customers(on_second=2.5), **model(), n_boot=200).table.set_index("outcome")
    assert much.loc["delighted", "excess_lo"] > 0 and much.loc["delighted", "excess_p_adj"] < 0.05
    equal = employee_share(customers(seed=2), **model(), n_boot=200).table.set_index("outcome")
    assert equal.loc["satisfied", "excess_lo"] < 0 < equal.loc["satisfied", "excess_hi"]


@pytest.mark.long
def test_where_all_attributes_are_alike_one_in_twenty_is_called_different():
    shares, steps = [], []
    for seed in range(200):
        frame = customers(600, seed)
        shares.append(employee_share(frame, **model(), n_boot=300).table["excess_p"])
        steps.append(employee_steps(frame, **model()).table["p"].iloc[2])
    called = np.append((np.array(shares) < 0.05).mean(axis=0), (np.array(steps) < 0.05).mean())
    assert ((called > 0.01) & (called < 0.09)).all()  # 0.05 within 2.6 standard errors of 200 samples


def test_worth_above_the_exact_limit_is_that_of_a_regression():
    rng = np.random.default_rng(3)
    data = rng.normal(size=(100, 18)) + rng.normal(size=(100, 1))
    c = np.corrcoef(data.T)
    members = rng.random((4, 17)) < 0.5
    found = worth(c[None, :17, :17], c[None, :17, 17], members)[:, 0]
    for member, value in zip(members, found):
        design = np.column_stack([np.ones(100), data[:, :17][:, member]])
        resid = data[:, 17] - design @ np.linalg.lstsq(design, data[:, 17], rcond=None)[0]
        assert value == pytest.approx(1 - resid.var() / data[:, 17].var(), abs=1e-8)


# ---- steps


def test_marginal_effects_are_those_of_two_logits(frame):
    import statsmodels.api as sm

    table = employee_steps(frame, **model()).table.set_index("part")
    passed = frame["overall"] >= 7
    effects = []
    for part, hit in ((frame, passed), (frame[passed], frame.loc[passed, "overall"] >= 9)):
        fit = sm.Logit(hit.astype(float).to_numpy(), sm.add_constant(part[X].to_numpy())).fit(disp=0)
        effects.append(fit.get_margeff().margeff)
    first, second = effects
    assert table.loc["employee", "satisfied"] == pytest.approx(first[:2].mean(), rel=1e-6)
    assert table.loc["other", "delighted"] == pytest.approx(second[2:].mean(), rel=1e-6)
    assert table.loc["contrast", "diff"] == pytest.approx((second - first)[:2].mean() - (second - first)[2:].mean(), rel=1e-6)
    assert table["n_step"].unique().tolist() == [passed.sum()]


def test_the_standard_error_is_that_of_redrawn_samples(frame):
    rng, part = np.random.default_rng(4), frame.head(600)
    drawn = [
        employee_steps(part.sample(frac=1, replace=True, random_state=rng), **model()).table.set_index("part")["diff"] for _ in range(150)
    ]
    se = employee_steps(part, **model()).table.set_index("part")["se"]
    assert pd.DataFrame(drawn).std().to_numpy() == pytest.approx(se.to_numpy(), rel=0.3)


def test_a_planted_lift_to_delight_is_found():
    table = employee_steps(customers(on_second=2.5), **model()).table.set_index("part")
    assert table.loc["contrast", "ci_lo"] > 0 and table.loc["contrast", "p_adj"] < 0.01
    plain = employee_steps(customers(), **model()).table.set_index("part")
    assert plain.loc["contrast", "ci_lo"] < 0 < plain.loc["contrast", "ci_hi"]
    assert plain.loc["employee", "lo90"] > plain.loc["employee", "ci_lo"] and plain.loc["employee", "hi90"] < plain.loc["employee", "ci_hi"]


def test_scales_of_different_length_count_in_tenths(frame):
    mixed = frame.assign(price=(frame["price"] - 1) / 9 * 4 + 1)
    found = employee_steps(mixed, **model(scales={**SCALES, "price": Scale(1, 5, 0)}))
    assert found.meta["unit"] == "tenth"
    same = employee_steps(frame, **model()).table
    assert found.table.loc[0, "delighted"] == pytest.approx(0.9 * same.loc[0, "delighted"])  # a tenth of 1-10 is 0.9 points
    assert found.table.loc[1, "delighted"] == pytest.approx(0.9 * same.loc[1, "delighted"])


# ---- the contract


@pytest.mark.parametrize("method", [employee_share, employee_steps])
def test_weights_order_and_clusters(frame, method):
    short, draws = frame.head(300), {"n_boot": 0} if method is employee_share else {}
    twice = method(pd.concat([short, short]), **model(), **draws).table
    counted = method(short.assign(w=2), **model(weights="w", weights_kind="frequency"), **draws).table
    pd.testing.assert_frame_equal(counted, twice, rtol=1e-8)
    plain = method(short, **model(), **draws).table
    pd.testing.assert_frame_equal(method(short.assign(w=0.3), **model(weights="w"), **draws).table, plain, rtol=1e-9)
    pd.testing.assert_frame_equal(method(short.sample(frac=1, random_state=1), **model(), **draws).table, plain, rtol=1e-9)
    grouped = method(short.assign(where=np.arange(300) % 30), **model(clusters="where"), **draws).table
    assert grouped["status"].eq("ok").all()


def test_no_staff_no_others_no_steps_and_few_answers_keep_their_rows(frame):
    for staff in ([], X):
        assert set(employee_share(frame, **model(employee=staff), n_boot=0).table["status"]) == {"not_identified"}
        assert set(employee_steps(frame, **model(employee=staff)).table["status"]) == {"not_identified"}
    yes_no = frame.assign(overall=(frame["overall"] > 8) * 1.0)
    scales = {**SCALES, "overall": Scale(0, 1)}
    assert employee_share(yes_no, **model(scales=scales), n_boot=0).table["outcome"].tolist() == ["score"]
    steps = employee_steps(yes_no, **model(scales=scales))
    assert set(steps.table["status"]) == {"not_identified"} and steps.note("no_steps")
    few = employee_share(frame.head(25), **model(), n_boot=0)
    assert set(few.table["status"]) == {"insufficient"} and few.table["share"].isna().all()
    nobody = frame[frame["overall"] > 6].head(200)
    assert set(employee_steps(nobody, **model()).table["status"]) <= {"degenerate", "insufficient"}
    assert employee_steps(nobody, **model()).table["diff"].isna().all()


def test_staff_that_is_no_attribute_is_named(frame):
    with pytest.raises(InputError, match="not in `x`: manners"):
        employee_share(frame, **model(employee=["manners"]))

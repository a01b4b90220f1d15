"""Shapley shares and relative weights against R (relaimpo, rwa), by hand and by invariance."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers import ranks
from delight.drivers.importance import importance, importance_from_correlation
from delight.drivers.relative_weights import dependent, relative_weights, standard_errors
from delight.drivers.shapley import shapley, subset_r2
from delight.errors import InputError
from delight.scales import Scale
from hypothesis import assume, given, settings
from hypothesis import strategies as st


def correlations(frame, y, x):
    c = frame[[*x, y]].corr().to_numpy()
    return c[None, :-1, :-1], c[None, :-1, -1]


# ---- by hand


def test_two_drivers_share_what_they_explain_together_by_hand():
    # r12 = .5, r1y = .6, r2y = .5: R² = (.36 + .25 - 2*.6*.5*.5) / .75 = .4133; driver 1 gets ((.36) + (.4133 - .25)) / 2
    rxx, rxy = np.array([[[1, 0.5], [0.5, 1]]]), np.array([[0.6, 0.5]])
    full = (0.36 + 0.25 - 0.3) / 0.75
    assert subset_r2(rxx, rxy)[:, 0] == pytest.approx([0, 0.36, 0.25, full])
    assert shapley(rxx, rxy)[0] == pytest.approx([(0.36 + full - 0.25) / 2, (0.25 + full - 0.36) / 2])


def test_uncorrelated_drivers_get_their_squared_correlation():
    rxx, rxy = np.eye(3)[None], np.array([[0.5, 0.4, 0.1]])
    assert shapley(rxx, rxy)[0] == pytest.approx([0.25, 0.16, 0.01])
    assert relative_weights(rxx, rxy)[0] == pytest.approx([0.25, 0.16, 0.01])


def test_a_driver_given_twice_is_split_evenly_and_relative_weights_name_it():
    rxx = np.array([[[1, 1, 0.3], [1, 1, 0.3], [0.3, 0.3, 1]]])
    rxy = np.array([[0.6, 0.6, 0.4]])
    first, second, _ = shapley(rxx, rxy)[0]
    assert first == pytest.approx(second)
    assert np.isnan(relative_weights(rxx, rxy)).all()
    assert dependent(rxx[0], ["a", "b", "c"]) == ["a", "b"]


@pytest.mark.parametrize("p", [1, 2, 5, 10, 11, 12])
def test_shares_add_up_to_r2_in_every_order(p):
    rng = np.random.default_rng(p)
    frame = pd.DataFrame(rng.normal(size=(200, p + 1)) + rng.normal(size=(200, 1)))
    rxx, rxy = correlations(frame, p, list(range(p)))
    values, turned = shapley(rxx, rxy)[0], shapley(rxx[:, ::-1, ::-1], rxy[:, ::-1])[0]
    assert values.sum() == pytest.approx(rxy[0] @ np.linalg.solve(rxx[0], rxy[0]))
    assert turned[::-1] == pytest.approx(values, abs=1e-12)
    assert relative_weights(rxx, rxy).sum() == pytest.approx(values.sum())


# ---- against R


@pytest.mark.parametrize(
    "name, y",
    [
        ("attitude", "rating"),
        ("mobi_satisfaction", "sat"),
        ("mobi_loyalty", "CUSL3"),
        ("apistrat_unweighted", "api00"),
        ("apistrat_weighted", "api00"),
    ],
)
def test_shares_equal_relaimpo_and_rwa(reference, attitude, mobi, shared, golden, name, y):
    expected = reference("driver_importance", name)
    frame = {"attitude": attitude, "mobi": mobi}.get(name.split("_")[0])
    weights = None
    if frame is None:
        frame = pd.read_csv(shared / "reference/driver_importance/apistrat.csv")
        weights = "pw" if expected["weighted"] else None
    x = list(expected["shares_of_R2_units"]["lmg"])
    lmg = importance(frame, y=y, x=x, weights=weights, n_boot=0).importance
    relaimpo = {"package": "relaimpo 2.2-7", "data": name, "tolerance": 1e-8}
    parts, shares = expected["shares_of_R2_units"], expected["shares_sum_to_1"]["lmg"]
    golden(lmg.table["raw"], list(parts["lmg"].values()), method="M14 Shapley", **relaimpo)
    golden(lmg.table["share"], list(shares.values()), method="M14 Shapley, shares", **relaimpo)
    golden(lmg.table[["alone", "last"]].T, [list(parts[k].values()) for k in ("first", "last")], method="M14 alone, last", **relaimpo)
    golden([lmg.meta["r2"]], [expected["R2"]], method="M14 R²", **relaimpo)
    if weights is None:
        vif = list(expected["lm"]["vif"].values())
        golden(lmg.table["vif"], vif, method="M15 VIF", package="R stats", data=name, tolerance=1e-7, relative=True)
    johnson = importance(frame, y=y, x=x, weights=weights, n_boot=0, game="relative_weights").importance
    rwa = list(expected["johnson_relative_weights"]["raw"].values())
    golden(johnson.table["raw"], rwa, method="M13 relative weights", package="rwa 0.1.0", data=name, tolerance=1e-8)


def test_replayed_bootstrap_draws_equal_those_of_r(reference, attitude, shared, golden):
    expected = reference("driver_importance", "attitude")["bootstrap_replay"]
    rows = pd.read_csv(shared / "reference/driver_importance/attitude_boot_indices.csv").to_numpy() - 1
    values = attitude.to_numpy(dtype=float)[rows]
    c = np.stack([np.corrcoef(v.T) for v in values])
    rxx, rxy = c[:, 1:, 1:], c[:, 1:, 0]
    both = np.column_stack([shapley(rxx, rxy), relative_weights(rxx, rxy)])
    limits = expected["percentile_95_quantile_type7"]
    ours, theirs = np.quantile(both, [0.025, 0.975], axis=0), [list(limits[side].values())[:12] for side in ("lower", "upper")]
    golden(ours, theirs, method="M13, M14 percentile limits", package="relaimpo, rwa replayed", data="attitude", tolerance=1e-8)


def test_shares_of_eighteen_drivers_equal_relaimpo(reference, shared, golden):
    frame = pd.read_csv(shared / "reference/performance/regression_n2000_p18.csv")
    for p in (8, 12, 15, 18):
        expected = reference("performance", "timings")[f"calc.relimp_lmg_p{p}"]["lmg"]
        result = importance(frame, y="y", x=list(expected), n_boot=0, game="shapley", exact_up_to=18).importance
        about = {"package": "relaimpo 2.2-7", "data": f"2,000 rows, {p} drivers", "tolerance": 1e-6}
        golden(result.table["raw"], list(expected.values()), method="M14 Shapley", **about)


def test_relative_weights_and_their_standard_errors_on_mobi(mobi, perq, golden):
    # Johnson (2000) weights and flipRegression standard errors, recomputed independently (methods, M13)
    rxx, rxy = correlations(mobi, "CUSA1", perq["x"])
    about = {"package": "recomputed (published to 5 decimals)", "data": "mobi", "tolerance": 5e-6}
    weights = [0.12951, 0.05525, 0.04559, 0.07575, 0.03517, 0.04276, 0.06274]
    golden(relative_weights(rxx, rxy)[0], weights, method="M13 relative weights", **about)
    se = [0.02863, 0.01871, 0.01473, 0.02113, 0.01246, 0.01351, 0.01871]
    golden(standard_errors(rxx[0], rxy[0], len(mobi) - 7), se, method="M13 standard errors", **about)
    values = [0.13476, 0.05085, 0.04533, 0.07534, 0.03529, 0.04394, 0.06124]
    golden(shapley(rxx, rxy)[0], values, method="M14 Shapley", **about)


# ---- ranks


def test_rank_sets_of_attitude(attitude):
    # 9,999 draws with Holm: complaints 1-3; learning and raises 1-6; privileges, critical, advance 2-6 (methods, M14)
    result = importance(attitude, y="rating", x=list(attitude.columns[1:]), n_boot=9999)
    table = result.importance.table.set_index("attribute")
    sets = {a: (int(r.rank_lo), int(r.rank_hi)) for a, r in table.iterrows()}
    assert sets == {
        "complaints": (1, 3),
        "privileges": (2, 6),
        "learning": (1, 6),
        "raises": (1, 6),
        "critical": (2, 6),
        "advance": (2, 6),
    }
    assert set(table["status"]) == {"low_base"}  # 30 answers


def test_draws_are_raised_so_that_pairs_can_be_told_apart(attitude):
    result = importance(attitude, y="rating", x=list(attitude.columns[1:]), n_boot=400)
    assert result.importance.meta["n_boot"] == 4 * 15 / 0.05
    assert result.importance.note("draws_raised").values["asked"] == 400


def test_stepdown_compares_with_the_largest_of_itself_and_the_smaller():
    t, spread = np.array([3.0, 1.0]), np.array([[0.5, 4.0], [2.0, 0.1], [0.3, 0.2]])
    # largest: maxima 4.0, 2.0, 0.3 reach 3.0 once -> 2/4; smaller: 4.0, 0.1, 0.2 reach 1.0 once -> 2/4
    assert ranks.stepdown(t, spread) == pytest.approx([0.5, 0.5])


def test_six_equal_drivers_are_not_ranked():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 6))
    frame = pd.DataFrame(x, columns=list("abcdef")).assign(y=x.sum(axis=1) + rng.normal(size=300) * 3)
    table = importance(frame, y="y", x=list("abcdef"), n_boot=300).importance.table
    assert (table["rank_lo"] == 1).all() and (table["rank_hi"] == 6).all()


# ---- the contract


def test_a_frequency_weight_of_two_is_two_rows_and_equal_weights_change_nothing(attitude):
    x = list(attitude.columns[1:])
    twice = importance(pd.concat([attitude, attitude]), y="rating", x=x, n_boot=0).importance.table
    counted = importance(attitude.assign(w=2), y="rating", x=x, weights="w", weights_kind="frequency", n_boot=0).importance.table
    pd.testing.assert_frame_equal(counted, twice, rtol=1e-10)
    equal = importance(attitude.assign(w=0.7), y="rating", x=x, weights="w", n_boot=200).importance.table
    pd.testing.assert_frame_equal(equal, importance(attitude, y="rating", x=x, n_boot=200).importance.table, rtol=1e-12)


def test_the_order_of_rows_and_of_drivers_changes_nothing(attitude):
    x = list(attitude.columns[1:])
    one = importance(attitude, y="rating", x=x, n_boot=200).importance.table
    shuffled = importance(attitude.sample(frac=1, random_state=1), y="rating", x=x, n_boot=200).importance.table
    pd.testing.assert_frame_equal(one, shuffled)
    turned = importance(attitude, y="rating", x=x[::-1], n_boot=0).importance.table.set_index("attribute")
    assert turned.loc[x, "raw"].to_numpy() == pytest.approx(one["raw"].to_numpy(), abs=1e-12)


def test_intervals_hold_the_estimate_and_missing_answers_are_counted(attitude):
    frame = attitude.astype(float)
    frame = pd.concat([frame, frame + np.random.default_rng(1).normal(size=frame.shape)], ignore_index=True)
    frame.loc[:2, "raises"] = np.nan
    frame.loc[5, "rating"] = np.nan
    table = importance(frame, y="rating", x=list(attitude.columns[1:]), n_boot=500).importance.table
    assert (table["n"] == 56).all() and (table["n_missing"] == 4).all()
    assert ((table["ci_lo"] < table["share"]) & (table["share"] < table["ci_hi"])).all()


def test_noise_does_not_beat_noise(planted, six):
    table = importance(planted(1500), **six, game="relative_weights", n_boot=1000).importance.table.set_index("attribute")
    assert (table.loc[["basic", "delight", "one", "two"], "noise_p"] < 0.05).all()
    # an empty experience still carries the halo it shares with the others, so its weight is small, not nil
    assert (table.loc[["nil", "nought"], "share"] < 0.12).all()


def test_more_than_fifteen_drivers_get_relative_weights_and_a_note():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 16))
    names = [f"x{i:02d}" for i in range(16)]
    result = importance(pd.DataFrame(x, columns=names).assign(y=x.sum(axis=1)), y="y", x=names, n_boot=100).importance
    assert result.meta["game"] == "relative_weights" and result.note("too_many_for_shapley").values == {"n_attributes": 16, "limit": 15}


@pytest.fixture
def partial():
    rng = np.random.default_rng(5)
    x = rng.integers(1, 6, size=(400, 3)).astype(float)
    frame = pd.DataFrame(x, columns=["all", "most", "few"]).assign(y=x @ [1, 0.5, 1] + rng.normal(size=400))
    frame["most:na"], frame["few:na"] = np.arange(400) % 10 == 0, np.arange(400) % 2 == 0
    frame.loc[frame["most:na"], "most"] = np.nan
    frame.loc[frame["few:na"], "few"] = np.nan
    return frame, {"most": "most:na", "few": "few:na"}


def test_not_applicable_is_adjusted_up_to_a_fifth_and_has_its_own_model_above(partial):
    frame, na = partial
    result = importance(frame, y="y", x=["all", "most", "few"], not_applicable=na, n_boot=200).importance
    table = result.table.set_index("attribute")
    assert table["n"].tolist() == [400, 400, 200] and table["n_applicable"].tolist() == [400, 360, 200]
    assert np.isnan(table.loc["few", "rank"]) and table.loc["few", "own_model"]
    assert result.note("partial_base").values == {"attributes": ["few"], "n": [200]}
    assert table.loc["most", "performance"] == pytest.approx(frame["most"].mean())
    # the adjusted share is that of least squares with the indicator forced in
    d = frame.assign(most=frame["most"].fillna(0), gone=frame["most:na"].astype(float))

    def r2(*terms):
        design = np.column_stack([np.ones(400), *(d[t] for t in terms)])
        return 1 - np.linalg.lstsq(design, d["y"], rcond=None)[1][0] / ((d["y"] - d["y"].mean()) ** 2).sum()

    base, a, m, both = r2("gone"), r2("gone", "all"), r2("gone", "most"), r2("gone", "all", "most")
    assert table.loc["all", "raw"] == pytest.approx((a - base + both - m) / 2)


def test_constant_few_answers_and_one_answer_have_their_status():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": 3.0, "y": rng.normal(size=60)})
    table = importance(frame, y="y", x=["a", "b"], n_boot=50).importance.table.set_index("attribute")
    assert table.loc["b", "status"] == "degenerate" and table.loc["a", "share"] == pytest.approx(1)
    few = importance(frame.head(20), y="y", x=["a"], n_boot=50).importance
    assert few.status == "insufficient" and few.table["share"].isna().all()
    still = importance(frame.assign(y=1.0), y="y", x=["a"], n_boot=50).importance
    assert still.status == "degenerate" and still.table["share"].isna().all()


def test_bad_input_is_named():
    frame = pd.DataFrame({"a": [1, 2, 30.0], "b": [0, 11, 3.0], "y": [1.0, 2, 3]})
    with pytest.raises(InputError, match=r"(?s)'a': 1 of 3.*'b': 2 of 3"):
        importance(frame, y="y", x=["a", "b"], scales={"a": Scale(1, 10), "b": Scale(1, 10)})
    with pytest.raises(InputError, match="also listed among the attributes"):
        importance(frame, y="y", x=["a", "y"])
    with pytest.raises(InputError, match="lacks 1 column"):
        importance(frame, y="y", x=["a", "c"])
    with pytest.raises(InputError, match="listed twice"):
        importance(frame, y="y", x=["a", "a"])


# ---- invariances, whatever the answers


@st.composite
def surveys(draw):
    """Integer answers to a few questions, related through a common halo, and an outcome."""
    p, n = draw(st.integers(2, 5)), draw(st.integers(40, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    halo, spread = rng.normal(size=(n, 1)), draw(st.floats(0.4, 2.0))
    x = np.clip(np.round(6 + 1.5 * (halo + spread * rng.normal(size=(n, p)))), 1, 10)
    y = np.clip(np.round(x @ rng.uniform(-0.2, 1, size=p) / p * 2 + rng.normal(size=n)), -10, 20)
    return pd.DataFrame(x, columns=[f"x{j}" for j in range(p)]).assign(y=y)


def whole(frame, game, **more):
    x = [c for c in frame if c.startswith("x")]
    return importance(frame, y="y", x=more.pop("x", x), game=game, n_boot=0, **more).importance.table.set_index("attribute")


@pytest.mark.parametrize("game", ["shapley", "relative_weights"])
@settings(max_examples=6, deadline=None, derandomize=True)
@given(survey=surveys(), seed=st.integers(0, 1000))
def test_shares_do_not_care_for_order_units_or_counting(game, survey, seed):
    x = [c for c in survey if c.startswith("x")]
    assume((survey[x].nunique() > 1).all() and survey["y"].nunique() > 1 and np.linalg.eigvalsh(survey[x].corr())[0] > 1e-6)
    rng, plain = np.random.default_rng(seed), whole(survey, game)
    full = np.linalg.lstsq(np.column_stack([np.ones(len(survey)), survey[x]]), survey["y"], rcond=None)[1][0]
    assert plain["raw"].sum() == pytest.approx(1 - full / ((survey["y"] - survey["y"].mean()) ** 2).sum(), abs=1e-9)
    assert (plain["raw"] > -1e-12).all()
    for other in (
        whole(survey.sample(frac=1, random_state=seed), game),
        whole(survey, game, x=list(rng.permutation(x))),
        whole(survey.assign(**{c: survey[c] * rng.uniform(0.5, 3) + rng.integers(-50, 50) for c in [*x, "y"]}), game),
        whole(survey.assign(w=3), game, weights="w", weights_kind="frequency"),
        whole(survey.assign(w=0.2), game, weights="w"),
        whole(pd.concat([survey, survey]), game),
    ):
        assert other.loc[x, "raw"].to_numpy() == pytest.approx(plain["raw"].to_numpy(), abs=1e-9)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(survey=surveys())
def test_a_driver_given_twice_splits_evenly_and_leaves_r2_as_it_was(survey):
    x = [c for c in survey if c.startswith("x")]
    assume((survey[x].nunique() > 1).all() and survey["y"].nunique() > 1 and np.linalg.eigvalsh(survey[x].corr())[0] > 1e-6)
    twice = whole(survey.assign(x_again=survey["x0"]), "shapley")
    assert twice.loc["x_again", "raw"] == pytest.approx(twice.loc["x0", "raw"], abs=1e-9)
    assert twice["raw"].sum() == pytest.approx(whole(survey, "shapley")["raw"].sum(), abs=1e-9)


# ---- sampled orders


def test_sampled_orders_stand_beside_the_exact_shares_with_their_error(attitude):
    x = list(attitude.columns[1:5])
    exact = importance(attitude, y="rating", x=x, n_boot=0).importance.table
    result = importance(attitude, y="rating", x=x, n_boot=300, game="permutations", n_permutations=500).importance
    table = result.table
    assert (np.abs(table["raw"] - exact["raw"]) < 4 * table["se_orders"]).all() and set(table["game"]) == {"permutations"}
    assert table["raw"].sum() == pytest.approx(exact["raw"].sum(), abs=1e-8) and result.meta["n_permutations"] == 500
    assert table[["ci_lo", "rank_lo"]].notna().all(axis=None)
    with pytest.raises(InputError, match="at least 500, not 100"):
        importance(attitude, y="rating", x=x, game="permutations", n_permutations=100)


def test_more_than_twenty_two_drivers_are_refused_an_exact_game_and_can_be_sampled():
    rng = np.random.default_rng(6)
    x = [f"x{j:02d}" for j in range(24)]
    frame = pd.DataFrame(rng.normal(size=(150, 25)), columns=[*x, "y"])
    with pytest.raises(InputError, match=r"24 attributes make 2\*\*24 models.*'permutations'"):
        importance(frame, y="y", x=x, game="shapley", exact_up_to=22)
    with pytest.raises(InputError, match="exact_up_to is at most 22"):
        importance(frame, y="y", x=x, exact_up_to=23)
    found = importance(frame, y="y", x=x, game="permutations", n_permutations=500, n_boot=0).importance
    assert found.table["raw"].sum() == pytest.approx(1 - 1 / np.linalg.inv(frame.corr())[24, 24], abs=1e-6)


def test_what_comes_last_allows_for_terms_forced_in():
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.normal(size=(120, 4)) + rng.normal(size=(120, 1)), columns=["a", "b", "age", "y"])

    def r2(*terms):
        design = np.column_stack([np.ones(120), *(frame[t] for t in terms)])
        return 1 - np.linalg.lstsq(design, frame["y"], rcond=None)[1][0] / ((frame["y"] - frame["y"].mean()) ** 2).sum()

    table = importance(frame, y="y", x=["a", "b"], always=["age"], n_boot=0).importance.table.set_index("attribute")
    assert table.loc["a", "last"] == pytest.approx(r2("age", "a", "b") - r2("age", "b"))
    assert table["raw"].sum() == pytest.approx(r2("age", "a", "b") - r2("age"))
    others = np.column_stack([np.ones(120), frame[["b", "age"]]])
    left = np.linalg.lstsq(others, frame["a"], rcond=None)[1][0] / ((frame["a"] - frame["a"].mean()) ** 2).sum()
    assert table.loc["a", "vif"] == pytest.approx(1 / left)


# ---- from a matrix


@pytest.mark.parametrize("matrix", [pd.DataFrame.corr, pd.DataFrame.cov])
@pytest.mark.parametrize("game", ["shapley", "relative_weights"])
def test_a_correlation_or_covariance_matrix_gives_the_shares_of_the_rows(attitude, matrix, game):
    x = list(attitude.columns[1:])
    rows = importance(attitude, y="rating", x=x, n_boot=0, game=game).importance.table
    found = importance_from_correlation(matrix(attitude), y="rating", x=x, n=30, n_boot=0, game=game).importance.table
    shared = ["attribute", "raw", "share", "rank", "sign", "alone", "r2", "n", "n_missing", "n_eff", "status"]
    pd.testing.assert_frame_equal(found[shared], rows[shared], rtol=1e-9, check_dtype=False)


def test_normal_theory_draws_spread_as_the_rows_of_normal_data_do():
    rng = np.random.default_rng(11)
    x = rng.normal(size=(400, 4)) + 0.7 * rng.normal(size=(400, 1))
    frame = pd.DataFrame(x, columns=list("abcd")).assign(y=x @ [1, 0.7, 0.4, 0] + rng.normal(size=400) * 2)
    rows = importance(frame, y="y", x=list("abcd"), n_boot=3000).importance
    drawn = importance_from_correlation(frame.corr(), y="y", x=list("abcd"), n=400, n_boot=3000).importance
    width = [(t.table["ci_hi"] - t.table["ci_lo"]).to_numpy() for t in (rows, drawn)]
    assert width[1] == pytest.approx(width[0], rel=0.15)
    assert drawn.note("normal_theory").values == {"n": 400}


def test_a_matrix_that_cannot_be_one_is_refused_and_few_answers_have_no_shares():
    wrong = pd.DataFrame([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]], index=list("aby"), columns=list("aby"))
    with pytest.raises(InputError, match="not positive semi-definite"):
        importance_from_correlation(wrong, y="y", x=["a", "b"], n=100)
    with pytest.raises(InputError, match="lacks: c"):
        importance_from_correlation(wrong, y="y", x=["a", "c"], n=100)
    fine = pd.DataFrame(np.eye(3) + 0.3 - 0.3 * np.eye(3), index=list("aby"), columns=list("aby"))
    few = importance_from_correlation(fine, y="y", x=["a", "b"], n=12).importance
    assert few.status == "insufficient" and few.table["share"].isna().all()

"""Sums and counts stand for their rows: by hand, against the rows on real data, and by invariance."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from delight.drivers.dominance import dominance
from delight.drivers.importance import importance
from delight.drivers.penalty_reward import effects
from delight.drivers.what_if import gains
from delight.errors import InputError
from delight.estimate import fit_linear
from delight.moments import ONE, Moments, Term, counts, moments
from delight.satisfaction.levels import bands, levels
from delight.satisfaction.nps import nps, nps_compare
from delight.scales import Scale
from hypothesis import given, settings
from hypothesis import strategies as st

TEN = Scale(1, 10)
ALL = ("linear", "knots", "dummies")
WEIGHTS = [(None, "sampling", None), ("w", "sampling", None), ("f", "frequency", None), ("w", "sampling", "cl"), (None, "sampling", "cl")]


def weighted(frame, seed=5):
    """The frame with made-up sampling weights, frequencies and clusters."""
    rng = np.random.default_rng(seed)
    n = len(frame)
    return frame.assign(w=rng.gamma(4, 1, n).round(3), f=rng.integers(0, 4, n), cl=rng.integers(0, 45, n))


@pytest.fixture(scope="session")
def mobi(shared):
    x = [f"PERQ{i}" for i in range(1, 8)]
    frame = weighted(pd.read_csv(shared / "data/ecsi-mobile/mobi.csv"))
    return frame, {"y": "CUSA1", "x": x, "scales": {c: TEN for c in [*x, "CUSA1"]}}


@pytest.fixture(scope="session")
def branch(shared):
    frame = weighted(pyreadstat.read_sav(str(shared / "data/branch-service-es/data.sav"))[0])
    x = [c for c in frame if c.startswith(("p5_", "p7_"))]
    return frame, {"y": "p8", "x": x, "scales": {c: TEN for c in [*x, "p8"]}}


@pytest.fixture(scope="session")
def airline(shared):
    frame = pd.read_csv(shared / "data/airline-passengers/test.csv")
    x = list(frame.columns[frame.columns.get_loc("Inflight wifi service") : frame.columns.get_loc("Cleanliness") + 1])
    frame[x] = frame[x].replace(0, np.nan)
    frame = weighted(frame.assign(happy=(frame["satisfaction"] == "satisfied").astype(int)))
    return frame, {"y": "happy", "x": x, "scales": {**{c: Scale(1, 5) for c in x}, "happy": Scale(0, 1)}}


def same(ours, rows, *, tolerance=1e-9, but=()):
    """Two tables agree to `tolerance`, relative to the figure (to the largest of its column where it is next to nothing)."""
    assert list(ours.columns) == list(rows.columns)
    for c in ours.columns.difference(list(but)):
        if ours[c].dtype.kind in "fiu" and rows[c].dtype.kind in "fiu":
            a, b = ours[c].to_numpy(dtype=float), rows[c].to_numpy(dtype=float)
            assert (np.isnan(a) == np.isnan(b)).all(), c
            if np.isfinite(b).any():
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-3 * tolerance * np.nanmax(np.abs(b)), err_msg=c)
        else:
            assert (
                ours[c].astype(object).where(ours[c].notna(), "").tolist() == rows[c].astype(object).where(rows[c].notna(), "").tolist()
            ), c


# ---- by hand


def test_sums_of_three_answers_by_hand():
    frame = pd.DataFrame({"x": [9, 7, 8, 6], "y": [10, 8, np.nan, 6]})
    found = moments(frame, y="y", x=["x"], scales={"x": TEN, "y": TEN}, terms=ALL, singles=0, groups=1)
    assert (found.n, found.n_in, found.n_missing) == (3, 4, 1)
    origin = dict(zip(found.plan.terms, found.plan.origin))
    assert origin[Term("x")] == 6  # the middle of 1-10, as a whole number: x counts 3, 1, 0 from it and y 4, 2, 0
    total = dict(zip(found.plan.terms, found.total[0]))
    assert (total[ONE], total[Term("x")], total[Term("y")]) == (3, 4, 6)
    assert (total[Term("x", "below", 8.0)], total[Term("x", "above", 8.0)]) == (-3, 1)
    assert (total[Term("x", "low", 6.0)], total[Term("x", "high", 9.0)]) == (1, 1)
    pairs = {(found.plan.terms[i], found.plan.terms[j]): v for i, j, v in zip(*np.triu_indices(len(found.plan.terms)), found.cross[0])}
    assert pairs[Term("x"), Term("y")] == 14  # 3·4 + 1·2 + 0·0
    assert found.levels["x"].set_index("value")["n"].loc[[6, 7, 9]].tolist() == [1, 1, 1]
    assert found.least_squares(cov="classical").coef == pytest.approx([-10 / 7, 9 / 7])  # means 22/3 and 8, Sxx 14/3, Sxy 6


def test_stand_ins_have_the_counts_means_and_products_of_their_groups():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.integers(1, 11, (400, 3)).astype(float), columns=["a", "b", "y"])
    found = moments(frame, y="y", x=["a", "b"], scales=dict.fromkeys("aby", TEN), singles=0, groups=7)
    values, w, group = found.rows([Term(c) for c in "aby"])
    rows = frame[["a", "b", "y"]].to_numpy()
    assert len(w) == 7 * 4 and w.sum() == pytest.approx(400)
    assert (values * w[:, None]).sum(axis=0) == pytest.approx(rows.sum(axis=0), rel=1e-13)
    assert (values * w[:, None]).T @ values == pytest.approx(rows.T @ rows, rel=1e-13)
    assert np.bincount(group, w) == pytest.approx(found.groups["n"], rel=1e-13)


def test_counts_of_kano_pairs_are_their_crosstab_and_serve_as_frequencies():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"have": rng.integers(1, 6, 500), "lack": rng.integers(1, 6, 500)})
    found = counts(frame, ["have", "lack"])
    assert (
        found.frame.pivot(index="have", columns="lack", values="n").fillna(0).to_numpy().tolist()
        == pd.crosstab(frame["have"], frame["lack"]).to_numpy(dtype=float).tolist()
    )
    cells, name = found.as_frequencies()
    assert cells[name].sum() == 500 and len(cells) == 25


def test_answers_of_unequal_weight_stand_as_effective_answers_and_answers_of_weight_nil():
    frame = pd.DataFrame({"q": [9, 9, 9], "w": [1.0, 1.0, 2.0]})
    used = counts(frame, ["q"], weights="w").sample(["q"])
    # Σw = 4, Σw² = 6: 16/6 answers of weight 1.5 and 1/3 answer of weight 0, brought to mean 1
    assert used.f == pytest.approx([1 / 3, 8 / 3])
    assert used.w == pytest.approx([0, 1.5 * 3 / 4])
    assert (used.n, used.n_eff) == (3, pytest.approx(16 / 6))


# ---- rows and moments agree


@pytest.mark.parametrize("weights, kind, clusters", WEIGHTS)
@pytest.mark.parametrize("singles", [5000, 0])
def test_drivers_from_moments_are_those_of_the_rows(mobi, weights, kind, clusters, singles):
    frame, model = mobi
    found = moments(frame, **model, terms=ALL, weights=weights, weights_kind=kind, clusters=clusters, singles=singles, groups=40)
    how = {"weights": weights, "weights_kind": kind, "clusters": clusters}
    n_boot = 50 if singles else 0
    for game in ("shapley", "relative_weights"):
        ours = importance(found, **model, clusters=clusters, game=game, n_boot=n_boot)
        rows = importance(frame, **model, **how, game=game, n_boot=n_boot)
        same(ours.importance.table, rows.importance.table)
        same(ours.pairs.table, rows.pairs.table)
    ours, rows = effects(found, **model, clusters=clusters, n_boot=n_boot), effects(frame, **model, **how, n_boot=n_boot)
    same(ours.table, rows.table)
    assert {k: ours.meta[k] for k in ("n_in", "n_used", "n_dropped_missing")} == {
        k: rows.meta[k] for k in ("n_in", "n_used", "n_dropped_missing")
    }


@pytest.mark.parametrize("weights, kind, clusters", WEIGHTS[1:4])
@pytest.mark.parametrize("data", ["branch", "airline"])
def test_importance_of_real_studies_is_that_of_the_rows(request, data, weights, kind, clusters):
    frame, model = request.getfixturevalue(data)
    found = moments(frame, **model, weights=weights, weights_kind=kind, clusters=clusters, singles=0)
    ours = importance(found, **model, clusters=clusters, game="relative_weights", n_boot=0)
    rows = importance(frame, **model, weights=weights, weights_kind=kind, clusters=clusters, game="relative_weights", n_boot=0)
    same(ours.importance.table, rows.importance.table)


@pytest.mark.long
@pytest.mark.parametrize("weights, kind, clusters", [WEIGHTS[0], WEIGHTS[3]])
@pytest.mark.parametrize("data", ["branch", "airline"])
def test_classes_of_a_bounded_outcome_from_sums_are_those_of_the_rows(request, data, weights, kind, clusters):
    frame, model = request.getfixturevalue(data)
    if data == "airline":
        model = {**model, "x": model["x"][:6]}
    found = moments(frame, **model, terms=ALL, weights=weights, weights_kind=kind, clusters=clusters, singles=0)
    ours = effects(found, **model, clusters=clusters, n_boot=0).table
    rows = effects(frame, **model, weights=weights, weights_kind=kind, clusters=clusters, n_boot=0).table
    assert rows["latent_p"].notna().any()
    same(ours, rows)


@pytest.mark.parametrize("weights, kind, clusters", WEIGHTS)
@pytest.mark.parametrize("cov", ["HC3", "HC0", "HC1", "classical"])
@pytest.mark.parametrize("singles", [50_000, 0])
def test_least_squares_and_its_errors_are_those_of_the_rows(mobi, weights, kind, clusters, cov, singles):
    frame, model = mobi
    found = moments(frame, **model, weights=weights, weights_kind=kind, clusters=clusters, singles=singles, groups=30)
    ours = found.least_squares(cov=cov, clusters=clusters is not None)
    kept = frame[[model["y"], *model["x"]]].notna().all(axis=1)
    used = frame[kept & (frame[weights] > 0)] if weights else frame[kept]
    w = None if weights is None else used[weights].to_numpy(dtype=float)
    if weights and kind == "sampling":
        w = w / w.mean()
    design = np.column_stack([np.ones(len(used)), used[model["x"]]])
    groups = used[clusters] if clusters else None
    rows = fit_linear(used[model["y"]], design, w, kind=kind if weights else "none", cov=cov, clusters=groups)
    np.testing.assert_allclose(ours.coef, rows.coef, rtol=1e-9)
    np.testing.assert_allclose(ours.cov, rows.cov, rtol=1e-9, atol=1e-12 * np.abs(rows.cov).max())
    assert (ours.df, ours.n) == (rows.df, rows.n)
    assert (ours.r2, ours.ssr) == pytest.approx((rows.r2, rows.ssr), rel=1e-9)


@pytest.mark.parametrize("weights, kind", [(None, "sampling"), ("w", "sampling"), ("f", "frequency")])
@pytest.mark.parametrize("design", [{}, {"clusters": "cl"}, {"strata": "land", "population": {"a": 4000, "b": 2000, "c": 900}}])
def test_levels_and_nps_from_counts_are_those_of_the_rows(weights, kind, design):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"q": rng.integers(0, 11, 900).astype(float), "land": rng.choice(list("abc"), 900).astype(object)})
    frame.loc[rng.random(900) < 0.05, "q"] = np.nan
    frame.loc[[3, 8], "land"] = None
    frame = weighted(frame)
    frame.loc[[5, 6], "w"] = [0, np.nan]
    found = counts(frame, ["q"], by=["land", "cl"], scales={"q": Scale(0, 10)}, weights=weights, weights_kind=kind)
    asked = {"y": "q", "scale": Scale(0, 10), "by": ["land"], **design}
    for method in (levels, bands, nps, nps_compare):
        same(method(found, **asked).table, method(frame, **asked, weights=weights, weights_kind=kind).table)


def test_levels_of_a_real_study_from_counts(branch):
    frame, _ = branch
    found = counts(frame, ["p8"], by="cl", weights="w")
    asked = {"y": "p8", "scale": TEN, "norm": 8.5}
    same(levels(found, **asked).table, levels(frame, **asked, weights="w").table)


def test_dominance_from_sums_is_that_of_the_rows(mobi):
    frame, model = mobi
    found = moments(frame, **model, singles=0, groups=30)
    for ours, rows in zip(dominance(found, **model, n_boot=0), dominance(frame, **model, n_boot=0)):
        same(ours.table, rows.table)


def test_intervals_from_groups_of_rows_are_near_those_from_rows():
    rng = np.random.default_rng(4)
    n = 20_000
    common = rng.normal(size=n)
    frame = pd.DataFrame({c: np.clip(np.round(7.5 + 1.2 * (common + rng.normal(size=n))), 1, 10) for c in "abc"})
    frame["y"] = np.clip(np.round(0.4 * frame["a"] + 0.3 * frame["b"] + 2 + rng.normal(size=n)), 1, 10)
    model = {"y": "y", "x": list("abc"), "scales": dict.fromkeys("abcy", TEN)}
    ours = importance(moments(frame, **model), **model, n_boot=2000).importance.table
    rows = importance(frame, **model, n_boot=2000).importance.table
    assert ours["raw"].to_numpy() == pytest.approx(rows["raw"].to_numpy(), rel=1e-9)
    assert ours["se"].to_numpy() == pytest.approx(rows["se"].to_numpy(), rel=0.12)  # two bootstraps of 2,000 draws, 1,000 groups


# ---- files


@pytest.fixture
def survey():
    rng = np.random.default_rng(6)
    n = 7000
    frame = pd.DataFrame(
        {'a "b" c': rng.integers(1, 11, n).astype(float), "plain": rng.integers(1, 11, n), "y; --": rng.integers(1, 11, n)}
    )
    frame.loc[rng.random(n) < 0.03, 'a "b" c'] = np.nan
    return weighted(frame.assign(id=np.arange(n), land=rng.choice(list("xyz"), n)))


MODEL = {"y": "y; --", "x": ['a "b" c', "plain"], "scales": dict.fromkeys(['a "b" c', "plain", "y; --"], TEN)}


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_give_what_their_frame_gives_whatever_their_names_hold(survey, tmp_path, kind):
    for number, part in enumerate((survey.iloc[:2000], survey.iloc[2000:])):
        path = tmp_path / f"wave [{number}]' x.{kind}"
        part.to_parquet(path, index=False, row_group_size=900) if kind == "parquet" else part.to_csv(path, index=False)
    options = {"key": "id", "weights": "w", "by": "land", "terms": ALL}
    ours, frame = moments(str(tmp_path / f"*.{kind}"), **MODEL, **options), moments(survey, **MODEL, **options)
    pd.testing.assert_frame_equal(ours.groups, frame.groups, check_dtype=False, rtol=1e-12)
    np.testing.assert_allclose(ours.cross, frame.cross, rtol=1e-11, atol=1e-9)
    assert ours.n_in == 7000 and ours.n == survey['a "b" c'].notna().sum()
    np.testing.assert_allclose(ours.least_squares().cov, frame.least_squares().cov, rtol=1e-10)
    assert counts(str(tmp_path / f"*.{kind}"), ["plain"], by="land").frame.equals(counts(survey, ["plain"], by="land").frame)


def test_a_duckdb_query_will_do(survey, tmp_path):
    import duckdb

    survey.to_parquet(tmp_path / "all.parquet", index=False)
    query = duckdb.connect().read_parquet(str(tmp_path / "all.parquet")).filter("land = 'x'")
    found = moments(query, **MODEL, singles=0)
    assert found.n == survey[survey["land"] == "x"]['a "b" c'].notna().sum()


# ---- merging, parts, saving


@given(st.integers(1, 399), st.integers(0, 2**32 - 1), st.sampled_from([0, 5000]), st.sampled_from(WEIGHTS))
@settings(max_examples=6, deadline=None)
def test_two_halves_merged_are_the_whole(at, seed, singles, weights):
    frame = weighted(pd.DataFrame(np.random.default_rng(seed).integers(1, 11, (400, 3)), columns=list("aby")), seed).assign(
        id=np.arange(400)
    )
    model = {"y": "y", "x": ["a", "b"], "scales": dict.fromkeys("aby", TEN), "terms": ALL, "key": "id", "singles": singles}
    model |= dict(zip(("weights", "weights_kind", "clusters"), weights))
    whole = moments(frame, **model)
    halves = moments(frame.iloc[:at], **model).merge(moments(frame.iloc[at:], **model))
    assert (halves.n, halves.n_missing, halves.n_eff) == (whole.n, whole.n_missing, pytest.approx(whole.n_eff, rel=1e-12))
    order = ["cl"] if weights[2] and not singles else ["id"] if singles else ["bucket"]
    pd.testing.assert_frame_equal(halves.groups.sort_values(order, ignore_index=True), whole.groups.sort_values(order, ignore_index=True))
    ours, rows = (importance(m, y="y", x=["a", "b"], clusters=weights[2], n_boot=40).importance.table for m in (halves, whole))
    same(ours, rows)
    np.testing.assert_allclose(halves.least_squares().cov, whole.least_squares().cov, rtol=1e-9)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 5000]), st.sampled_from(WEIGHTS))
@settings(max_examples=6, deadline=None)
def test_the_order_of_the_rows_does_not_matter(seed, singles, weights):
    rng = np.random.default_rng(seed)
    frame = weighted(pd.DataFrame(rng.integers(1, 4, (300, 3)), columns=list("aby")), seed)  # many identical rows
    model = {"y": "y", "x": ["a", "b"], "singles": singles} | dict(zip(("weights", "weights_kind", "clusters"), weights))
    tables = [
        importance(moments(f, **model), y="y", x=["a", "b"], clusters=weights[2], n_boot=50).importance.table
        for f in (frame, frame.iloc[rng.permutation(300)])
    ]
    same(*tables)


def test_identical_rows_are_spread_over_groups():
    frame = pd.DataFrame({"a": [5] * 4000 + [6] * 10, "y": [5] * 4000 + [7] * 10})
    found = moments(frame, y="y", x=["a"], singles=0, groups=100)
    assert len(found.groups) == 100 and found.groups["n"].max() < 80


def test_a_constant_shift_leaves_slopes_and_errors_as_they_are():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(3000, 3)), columns=list("aby"))
    near, far = (moments(f, y="y", x=["a", "b"], singles=0).least_squares() for f in (frame, frame + 1e6))
    np.testing.assert_allclose(far.coef[1:], near.coef[1:], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(far.se[1:], near.se[1:], rtol=1e-8)


def test_a_frequency_weight_of_two_equals_two_rows():
    rng = np.random.default_rng(9)
    frame = pd.DataFrame(rng.integers(1, 11, (200, 3)), columns=list("aby")).assign(two=2)
    once = moments(frame, y="y", x=["a", "b"], weights="two", weights_kind="frequency", singles=0)
    twice = moments(pd.concat([frame, frame]), y="y", x=["a", "b"], singles=0)
    assert once.n == twice.n == 400
    np.testing.assert_allclose(once.least_squares().cov, twice.least_squares().cov, rtol=1e-10)


def test_whole_numbers_are_summed_exactly():
    rng = np.random.default_rng(10)
    frame = pd.DataFrame(rng.integers(1, 11, (60_000, 3)), columns=list("aby"))
    found = moments(frame, y="y", x=["a", "b"], scales=dict.fromkeys("aby", TEN), groups=3)
    z = frame[["a", "b", "y"]].to_numpy() - 6
    upper = np.triu_indices(4)
    assert (
        found.cross.sum(axis=0).tolist()
        == (np.column_stack([np.ones(60_000, int), z]).T @ np.column_stack([np.ones(60_000, int), z]))[upper].tolist()
    )


@pytest.mark.parametrize("singles", [0, 5000])
def test_a_score_next_to_a_point_of_its_scale_is_taken_as_it_is_as_from_rows(singles):
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(rng.integers(1, 11, (300, 2)).astype(float), columns=["a", "y"])
    frame.loc[:20, "a"] = 6.9999999
    frame.loc[30:40, "a"] = np.nan
    found = moments(frame, y="y", x=["a"], scales={"a": TEN, "y": TEN}, singles=singles, groups=10)
    rows = frame.dropna()
    fit = fit_linear(rows["y"], np.column_stack([np.ones(len(rows)), rows["a"]]))
    np.testing.assert_allclose(found.least_squares().coef, fit.coef, rtol=1e-11)


def test_a_part_is_what_its_rows_give(survey):
    whole = moments(survey, **MODEL, by="land", key="id", singles=0)
    part, rows = whole.part(land="y"), moments(survey[survey["land"] == "y"], **MODEL, key="id", singles=0)
    assert (part.n, part.n_missing) == (rows.n, rows.n_missing)
    np.testing.assert_allclose(part.least_squares().cov, rows.least_squares().cov, rtol=1e-10)
    assert sum(whole.part(land=land).n for land in "xyz") == whole.n


def test_what_is_saved_comes_back_and_takes_its_rows_again(survey, tmp_path):
    found = moments(survey, **MODEL, terms=ALL, weights="w", by="land", singles=0, groups=50)
    found.save(tmp_path / "sums")
    back = Moments.load(tmp_path / "sums")
    assert back.plan.terms == found.plan.terms and back.meta == found.meta
    np.testing.assert_array_equal(back.cross, found.cross)
    np.testing.assert_allclose(back.least_squares(cov="classical").se, found.least_squares(cov="classical").se)
    with pytest.raises(InputError, match="second pass over the rows.*reading_again"):
        back.least_squares()
    np.testing.assert_allclose(back.reading_again(survey).least_squares().se, found.least_squares().se, rtol=1e-12)
    with pytest.raises(InputError, match="rows have changed"):
        back.reading_again(survey.iloc[1:]).least_squares()


def test_sums_of_few_are_not_released(survey, tmp_path):
    each = moments(survey.iloc[:300], **MODEL)
    with pytest.raises(InputError, match=r"of \d+ groups have fewer than 10 answers; their sums are not released"):
        each.save(tmp_path / "each")
    assert not list(tmp_path.iterdir())
    joined = each.coarser(8)
    assert joined.smaller_than(10).empty and joined.save(tmp_path / "joined").exists()
    np.testing.assert_allclose(joined.least_squares().cov, each.least_squares().cov, rtol=1e-9)
    with pytest.raises(InputError, match="combinations have fewer than 10 answers; they are not released"):
        counts(survey.iloc[:300], ["plain", "y; --"]).save(tmp_path / "cells.parquet")


# ---- what is refused, by name


def test_everything_wrong_is_listed_with_counts(tmp_path):
    frame = pd.DataFrame({"a": [1, 11, 99, 5], "b": [1, 2, 3, 4.5], "y": [1, 2, 3, 4], "w": [1, -1, 1, 1]})
    frame.to_csv(tmp_path / "x.csv", index=False)
    for source in (frame, tmp_path / "x.csv"):
        for singles in (0, 5000):
            with pytest.raises(InputError) as error:
                moments(source, y="y", x=["a", "b"], scales={"a": TEN, "b": TEN}, weights="w", singles=singles)
            text = str(error.value)
            assert "Column 'a': 2 of 4 scores lie outside 1-10 (first: 11 in row 1)" in text
            assert "Column 'b': 1 of 4 scores lie outside 1-10 (first: 4.5 in row 3)" in text
            assert "Column 'w': 1 negative weights" in text
    with pytest.raises(InputError, match="Column 'q': 3 of 5 scores lie outside 1-5"):
        counts(pd.DataFrame({"q": [6, 6, 7, 1, 2]}), ["q"], scales={"q": Scale(1, 5)})
    with pytest.raises(InputError, match="lacks 1 column.*'ab'"):
        moments(frame, y="y", x=["ab"])
    with pytest.raises(InputError, match="Column 'a' is not numeric"):
        moments(frame.assign(a=list("uvxy")), y="y", x=["a"])
    with pytest.raises(InputError, match="No file"):
        moments(tmp_path / "nothing*.parquet", y="y", x=["a"])


def test_what_sums_cannot_do_is_refused_by_name(mobi):
    frame, model = mobi
    found = moments(frame, **model, terms=ALL, weights="w", singles=0, groups=20)
    weights = importance(found, **model, game="relative_weights", n_boot=50).importance
    assert weights.table["noise_p"].isna().all() and weights.table["se"].notna().all()
    assert weights.note("groups_of_rows").values == {"groups": 20, "needs_rows": ["noise_p"]}
    refused = [
        (lambda: importance(found, **model, weights="w"), "weights are in the moments already"),
        (lambda: importance(found, **model, clusters="cl"), "read with clusters=None"),
        (lambda: importance(found, **model, not_applicable={"PERQ1": "na"}), "not_applicable needs the rows"),
        (lambda: importance(found, **{**model, "x": ["PERQ1", "PERQ2"]}), "Read them for the columns asked for"),
        (lambda: importance(found, **model, game="relative_weights", link="logit"), "needs the rows"),
        (lambda: effects(found, **model, coding="terciles"), "lack: 'PERQ1' high 8"),
        (lambda: effects(found, **model, models="each"), "needs the rows"),
        (lambda: effects(found, **model, knots={"PERQ1": 7}), "lack: 'PERQ1' below 7"),
        (lambda: gains(found, **model), "needs the rows"),
        (lambda: levels(found, y="CUSA1", scale=TEN), "counts"),
        (lambda: levels(counts(frame, ["CUSA1"], weights="w"), y="CUSA1", scale=TEN, weights="w"), "weights are in the counts already"),
        (lambda: counts(frame, ["CUSA1"], weights="w").as_frequencies(), "sampling weights are no frequencies"),
        (lambda: moments(frame, **model, terms=ALL, coding="terciles"), "cuts must be known before"),
        (lambda: found.least_squares(clusters=True), "read with `clusters`"),
        (lambda: found.part(land="x"), "Kept apart are no columns"),
        (lambda: found.merge(moments(frame, **model, singles=0)), "differ in: terms, kind"),
    ]
    for ask, why in refused:
        with pytest.raises(InputError, match=why):
            ask()


def test_too_few_answers_and_no_answers_give_rows_with_their_status():
    frame = pd.DataFrame({"a": [1.0, 2, 3], "b": [2.0, 2, 5], "y": [1.0, np.nan, 4]})
    for part in (frame, frame.iloc[:0]):
        for singles in (0, 5000):
            found = moments(part, y="y", x=["a", "b"], singles=singles)
            assert importance(found, y="y", x=["a", "b"]).importance.table["status"].isin(["insufficient", "degenerate"]).all()
            assert np.isnan(found.least_squares().coef).all()

"""Dominance at three levels: against R's domir, by hand, and over redrawn samples."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers.dominance import by_size, dominance, dominance_from_correlation, head_to_head, verdict
from delight.drivers.shapley import subset_r2


@pytest.fixture(scope="module")
def found(attitude):
    return dominance(attitude, y="rating", x=list(attitude.columns[1:]), n_boot=400)


def test_conditional_and_complete_dominance_equal_domir(found, attitude, reference, golden):
    expected, x = reference("driver_importance", "attitude")["domir"], list(attitude.columns[1:])
    sizes = found.by_size.table.pivot(index="attribute", columns="size", values="raw").loc[x]
    about = {"package": "domir 1.2.0", "data": "attitude", "tolerance": 1e-8}
    golden(sizes, expected["conditional_dominance"]["values"], method="M14 conditional dominance", **about)
    share = pd.DataFrame(np.nan, index=x, columns=x)
    complete = found.pairs.table[found.pairs.table["dominance"] == "complete"]
    for row in complete.itertuples():
        share.loc[row.attribute, row.compared_with], share.loc[row.compared_with, row.attribute] = row.share_over, 1 - row.share_over
    domir = np.array(expected["complete_dominance"]["values"], dtype=float)
    golden(share.to_numpy(), domir, method="M14 complete dominance", **about)


def test_who_beats_whom_by_hand():
    # a: r = .6, b: r = .5, correlation .5: alone .36 > .25; beside the other .4133 - .25 > .4133 - .36
    rxx, rxy = np.array([[[1, 0.5], [0.5, 1]]]), np.array([[0.6, 0.5]])
    game = subset_r2(rxx, rxy)
    assert head_to_head(game, 0, 1)[:, 0] == pytest.approx([0.36 - 0.25])
    full = 0.31 / 0.75
    assert by_size(game)[:, :, 0] == pytest.approx(np.array([[0.36, full - 0.25], [0.25, full - 0.36]]))
    assert head_to_head(game, 1, 0)[:, 0] == pytest.approx([0.25 - 0.36])


def test_a_pair_is_met_beside_every_subset_of_the_others():
    rng = np.random.default_rng(1)
    c = np.corrcoef(rng.normal(size=(60, 6)).T + 0)
    game = subset_r2(c[None, :5, :5], c[None, :5, 5])[:, 0]
    met = head_to_head(game[:, None], 3, 1)[:, 0]
    others = [s for s in range(32) if not s & 0b01010]
    assert met == pytest.approx([game[s | 8] - game[s | 2] for s in others])


def test_verdicts():
    d, share = verdict(np.array([[1.0, -1, 0, 1, 0], [2, -2, 0, -1, 1]]))
    assert d.tolist() == [1, 0, 0.5, 0.5, 1] and share.tolist() == [1, 0, 0.5, 0.5, 0.75]


def test_levels_imply_each_other_and_shares_add_up(found):
    t = found.pairs.table.pivot(index=["attribute", "compared_with"], columns="dominance", values="d")
    assert (t["general"] == 1).all()  # the first of a pair is the one with the larger share
    assert (t.loc[t["complete"] == 1, "conditional"] == 1).all()
    table = found.pairs.table
    assert (table[["p_over", "p_under", "p_neither"]].sum(axis=1) - 1).abs().max() < 1e-12
    assert table["d_mean"].to_numpy() == pytest.approx((table["p_over"] + table["p_neither"] / 2).to_numpy())
    same = np.select([table["d"] == 1, table["d"] == 0], [table["p_over"], table["p_under"]], table["p_neither"])
    assert table["reproducibility"].to_numpy() == pytest.approx(same)
    assert set(table["status"]) == {"low_base"}


def test_a_driver_given_twice_dominates_itself_neither_way():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.normal(size=(100, 2)), columns=["a", "y"]).assign(again=lambda t: t["a"])
    t = dominance(frame, y="y", x=["a", "again"], n_boot=20).pairs.table
    assert (t["d"] == 0.5).all() and (t["reproducibility"] == 1).all()


def test_a_matrix_gives_what_the_rows_give(attitude):
    x = list(attitude.columns[1:])
    rows = dominance(attitude, y="rating", x=x, n_boot=0)
    matrix = dominance_from_correlation(attitude.corr(), y="rating", x=x, n=30, n_boot=50)
    shown = ["attribute", "compared_with", "dominance", "d", "share_over"]
    pd.testing.assert_frame_equal(rows.pairs.table[shown], matrix.pairs.table[shown])
    assert matrix.pairs.table["reproducibility"].notna().all() and matrix.pairs.note("normal_theory")


def test_too_many_too_few_and_alone():
    rng = np.random.default_rng(5)
    x = [f"x{j:02d}" for j in range(19)]
    frame = pd.DataFrame(rng.normal(size=(200, 20)), columns=[*x, "y"])
    many = dominance(frame, y="y", x=x).pairs
    assert many.status == "not_identified" and many.table.empty and many.note("too_many_for_dominance").values["limit"] == 18
    assert dominance(frame.head(20), y="y", x=x[:3]).pairs.status == "insufficient"
    assert dominance(frame, y="y", x=x[:1]).pairs.status == "insufficient"
    some = dominance(frame, y="y", x=x[:17], n_boot=500).pairs  # pairs, but no redrawn samples within the budget
    assert some.table["reproducibility"].isna().all() and some.note("draws_lowered").values == {"n_boot": 0, "asked": 500}


def test_frequency_weights_are_rows_and_the_order_of_rows_is_nothing(attitude):
    options = {"y": "rating", "x": list(attitude.columns[1:])}
    twice = dominance(pd.concat([attitude, attitude]), **options, n_boot=0)
    counted = dominance(attitude.assign(w=2), **options, weights="w", weights_kind="frequency", n_boot=0)
    for one, other in zip(twice, counted):
        pd.testing.assert_frame_equal(one.table, other.table, rtol=1e-10)
    first, shuffled = (dominance(f, **options, n_boot=50).pairs.table for f in (attitude, attitude.sample(frac=1, random_state=3)))
    pd.testing.assert_frame_equal(first, shuffled)

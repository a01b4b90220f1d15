"""Groups of drivers in two named games, and grades of contact moments."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from delight.drivers.groups import (
    contact_grades,
    first_grouping,
    group_shares,
    group_shares_from_correlation,
    grouped_orders,
    owen,
    quotient,
    union_r2,
)
from delight.drivers.shapley import sampled, shapley, subset_r2
from delight.errors import InputError
from delight.scales import Scale

PERQ = [f"PERQ{i}" for i in range(1, 8)]
CORE = dict.fromkeys(PERQ[:4], "core")


def halo(p, seed=1, draws=1):
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(draws, 150, p + 1)) + rng.normal(size=(draws, 150, 1))
    c = np.stack([np.corrcoef(d.T) for d in data])
    return c[:, :p, :p], c[:, :p, p]


def by_all_orders(rxx, rxy, blocks):
    """Owen values from every order in which the members of a block follow each other."""
    worth = subset_r2(rxx, rxy)[:, 0]
    total, count = np.zeros(rxy.shape[1]), 0
    for outer in permutations(blocks):
        within = [[]]
        for block in outer:
            within = [done + list(more) for done in within for more in permutations(block)]
        for order in within:
            count += 1
            s = 0
            for j in order:
                total[j] += worth[s | 1 << j] - worth[s]
                s |= 1 << j
    return total / count


# ---- by hand and by brute force


def test_two_groups_by_hand():
    # v(A) = R² of {0, 1}, v(B) = R² of {2}: the quotient value of A is half of v(A) + v(all) - v(B)
    rxx, rxy = halo(3)
    worth = subset_r2(rxx, rxy)[:, 0]
    expected = (worth[0b011] + worth[0b111] - worth[0b100]) / 2
    assert quotient(rxx, rxy, [[0, 1], [2]])[0] == pytest.approx([expected, worth[-1] - expected])


@pytest.mark.parametrize("blocks", [[[0, 1], [2, 3, 4]], [[4], [0, 3], [1, 2]], [[0], [1], [2], [3], [4]], [[2, 0, 4, 1, 3]]])
def test_members_by_all_orders_and_they_add_up_to_their_group(blocks):
    rxx, rxy = halo(5, draws=2)
    within = owen(rxx, rxy, blocks)
    assert within[0] == pytest.approx(by_all_orders(rxx[:1], rxy[:1], blocks), abs=1e-13)
    sums = np.column_stack([within[:, block].sum(axis=1) for block in blocks])
    assert sums == pytest.approx(quotient(rxx, rxy, blocks), abs=1e-13)


def test_groups_of_one_are_plain_shapley():
    rxx, rxy = halo(6)
    assert quotient(rxx, rxy, [[j] for j in range(6)]) == pytest.approx(shapley(rxx, rxy), abs=1e-14)
    assert owen(rxx, rxy, [list(range(6))]) == pytest.approx(shapley(rxx, rxy), abs=1e-14)


def test_unions_stand_where_their_bits_say():
    rxx, rxy = halo(5)
    whole = subset_r2(rxx, rxy)[:, 0]
    found = union_r2(rxx, rxy, [[3], [0, 4], [1, 2]])[:, 0]
    assert found == pytest.approx([whole[s] for s in (0, 8, 17, 25, 6, 14, 23, 31)])


def test_sampled_orders_keep_groups_together():
    blocks = [[0, 3], [1], [2, 4, 5]]
    orders = grouped_orders(blocks, 400, np.random.default_rng(1))
    for order in orders[:20]:
        places = {j: k for k, j in enumerate(order)}
        assert all(max(places[j] for j in b) - min(places[j] for j in b) == len(b) - 1 for b in blocks)
    rxx, rxy = halo(6)
    raw, se = sampled(rxx, rxy, orders)
    assert (np.abs(raw[0] - owen(rxx, rxy, blocks)[0]) < 4 * se + 1e-9).all()


# ---- a published figure


def test_the_quotient_of_mobi_is_not_the_sum_of_its_members(mobi, golden):
    found = group_shares(mobi, y="CUSA1", x=PERQ, groups=CORE, n_boot=200)
    core = found.groups.table.set_index("attribute_group").loc["core"]
    golden(
        [core["raw"], core["member_sum"]],
        [0.238, 0.306],
        method="M14 groups: quotient, sum of members",
        package="relaimpo groups (published)",
        data="mobi",
        tolerance=5e-4,
    )
    members = found.members.table.set_index("attribute")
    assert members.loc[PERQ[:4], "raw"].sum() == pytest.approx(core["raw"], abs=1e-12)
    assert members.loc[PERQ[:4], "within"].sum() == pytest.approx(1)
    assert set(found.groups.table["game"]) == {"quotient"} and set(found.members.table["game"]) == {"owen"}
    assert found.groups.table["share"].sum() == pytest.approx(1) and (found.groups.table["ci_lo"] < found.groups.table["share"]).all()
    assert core["rank_lo"] == core["rank_hi"] == 1 and len(found.pairs.table) == 6


def test_a_matrix_gives_the_shares_of_the_rows(mobi):
    rows = group_shares(mobi, y="CUSA1", x=PERQ, groups=CORE, n_boot=0).groups.table
    found = group_shares_from_correlation(mobi[[*PERQ, "CUSA1"]].cov(), y="CUSA1", x=PERQ, groups=CORE, n=250, n_boot=50)
    assert found.groups.table["raw"].to_numpy() == pytest.approx(rows["raw"].to_numpy(), abs=1e-12)
    assert found.groups.note("normal_theory").values == {"n": 250} and found.groups.table["ci_lo"].notna().all()


# ---- the contract


def test_groups_that_cannot_be_are_named(mobi):
    with pytest.raises(InputError, match="at least two groups; all 7"):
        group_shares(mobi, y="CUSA1", x=PERQ, groups=dict.fromkeys(PERQ, "one"))
    with pytest.raises(InputError, match="not in `x`: PERQ9"):
        group_shares(mobi, y="CUSA1", x=PERQ, groups={"PERQ9": "one"})


def test_few_answers_and_groups_without_an_attribute_keep_their_rows(mobi):
    few = group_shares(mobi.head(20), y="CUSA1", x=PERQ, groups=CORE, n_boot=50)
    assert (few.groups.table["status"] == "insufficient").all() and few.groups.table["share"].isna().all() and len(few.groups.table) == 4
    stuck = group_shares(mobi.assign(PERQ7=5.0), y="CUSA1", x=PERQ, groups={**CORE, "PERQ7": "stuck"}, n_boot=50).groups.table
    assert stuck.set_index("attribute_group").loc["stuck", "status"] == "not_identified"
    assert stuck["share"].notna().sum() == 3


def test_frequency_weights_are_rows_and_the_order_of_rows_is_nothing(mobi):
    options = {"y": "CUSA1", "x": PERQ, "groups": CORE}
    twice = group_shares(pd.concat([mobi, mobi]), **options, n_boot=0)
    counted = group_shares(mobi.assign(w=2), **options, weights="w", weights_kind="frequency", n_boot=0)
    pd.testing.assert_frame_equal(counted.groups.table, twice.groups.table, rtol=1e-10)
    pd.testing.assert_frame_equal(counted.members.table, twice.members.table, rtol=1e-10)
    one, shuffled = (group_shares(f, **options, n_boot=100).groups.table for f in (mobi, mobi.sample(frac=1, random_state=2)))
    pd.testing.assert_frame_equal(one, shuffled)


def test_too_many_coalitions_are_sampled_and_say_so():
    rng = np.random.default_rng(3)
    x = [f"x{j:02d}" for j in range(22)]
    frame = pd.DataFrame(rng.normal(size=(300, 22)) + rng.normal(size=(300, 1)), columns=x).assign(y=lambda t: t.sum(axis=1))
    frame["y"] += rng.normal(size=300) * 10
    found = group_shares(
        frame, y="y", x=x, groups={**dict.fromkeys(x[:20], "many"), **dict.fromkeys(x[20:], "two")}, n_boot=0, n_permutations=500
    )
    assert found.groups.note("sampled_orders").values == {"n": 500}
    assert found.groups.table["raw"].sum() == pytest.approx(found.groups.meta["r2"], abs=1e-6)
    assert found.groups.table["member_sum"].isna().all()


# ---- groupings and contacts


def test_the_first_grouping_that_joins_is_taken():
    x = ["a", "b", "c"]
    each, joined = {"a": "1", "b": "2", "c": "3"}, {"a": "u", "b": "u", "c": ""}
    assert first_grouping(x, group=each, touchpoint=joined) == ("touchpoint", {"a": "u", "b": "u"})
    assert first_grouping(x, group=each) == ("", {}) and first_grouping(x, group=dict.fromkeys(x, "all")) == ("", {})


def test_contacts_are_graded_by_the_mean_of_what_was_answered():
    frame = pd.DataFrame({"a": [8.0, np.nan], "b": [6.0, 9.0], "c": [1.0, 5.0]})
    scales = {"a": Scale(1, 10), "b": Scale(1, 10), "c": Scale(1, 5)}
    graded, found = contact_grades(frame, {"a": "desk", "b": "desk"}, scales=scales)
    assert graded["contact:desk"].tolist() == [7, 9] and found["contact:desk"] == Scale(1, 10, 0)
    mixed, found = contact_grades(frame, {"b": "desk", "c": "phone"}, scales=scales)
    assert mixed["contact:phone"].tolist() == [0, 10] and mixed["contact:desk"].tolist() == pytest.approx([50 / 9, 80 / 9])
    assert found["contact:phone"] == Scale(0, 10, 0)
    assert "contact:desk" not in frame

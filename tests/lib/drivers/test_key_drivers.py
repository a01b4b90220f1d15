"""Key dissatisfiers and enhancers by hand, against PyPI's ShapKa, by brute force and by invariance."""

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from delight.drivers.key_drivers import dissatisfiers, enhancers, key, shapley
from delight.errors import InputError
from delight.scales import Scale
from hypothesis import given, settings
from hypothesis import strategies as st

TEN = {c: Scale(1, 10) for c in ("y", "a", "b", "c")}


def by_hand(times=20):
    """Three dissatisfied: a fails, a and b fail, b fails. Three others: nothing, b, nothing."""
    rows = [(4, 5, 8), (4, 5, 5), (4, 8, 5), (8, 8, 8), (8, 8, 5), (8, 8, 8)]
    return pd.DataFrame(rows * times, columns=["y", "a", "b"]).astype(float)


def test_a_small_group_by_hand():
    table = dissatisfiers(by_hand(), y="y", x=["a", "b"], scales=TEN, n_boot=200).table
    assert table["attribute"].tolist() == ["a", "b"]
    assert table["shapley"].tolist() == pytest.approx([(1 + 1 / 2) / 3, (1 / 2 + 1) / 3 - 1 / 3])
    assert table["reach"].tolist() == pytest.approx([2 / 3, 1]) and table["noise"].tolist() == pytest.approx([0, 1 / 3])
    assert table["success"].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert table["is_key"].tolist() == [True, False]  # b reaches the last third, and blames a third of the others
    assert table["shapley"].sum() == pytest.approx(table["success"].iloc[-1])
    assert (table["n"].iloc[0], table["n_event"].iloc[0]) == (120, 60)
    assert (table["ci_lo"] < table["success"]).all() and (table["success"] < table["ci_hi"]).all()


# PyPI ShapKa 1.1.1 (numpy 1.23, pandas 1.5) on semPLS::mobi, CUSA1 and PERQ1-PERQ7, in hundredths
SHAPKA = {
    "high": {
        "cuts": {},
        "shapley": [8.218664678170427, 6.463234180386125, 5.65294138208256, 9.826608565292196, 4.957511428027699, 8.639647197268925]
        + [5.315693196779566],
        "order": [3, 5, 0, 1, 2, 6, 4],
        "reach": [80.60, 89.55, 92.54, 94.03, 95.52, 95.52, 95.52],
        "noise": [19.13, 26.78, 33.88, 36.61, 40.98, 43.72, 46.45],
    },
    "low": {  # dissatisfied at 7 or less, so that there are enough of them
        "cuts": {"CUSA1": (7, 9)},
        "shapley": [9.512694512694512, 12.35769860769861, 5.451474201474202, 5.041461916461918, 2.6888820638820645, 2.4244983619983613]
        + [11.21800778050778],
        "order": [1, 6, 0, 2, 3, 4, 5],
        "reach": [48.65, 68.92, 72.97, 77.03, 78.38, 79.73, 81.08],
        "noise": [17.05, 23.30, 23.30, 28.41, 28.98, 32.39, 32.39],
    },
}


@pytest.mark.parametrize("side", ["low", "high"])
def test_mobi_equals_shapka(mobi, perq, golden, side):
    theirs = SHAPKA[side]
    table = key(mobi, y="CUSA1", **perq, side=side, cuts=theirs["cuts"], n_boot=0).table
    assert table["attribute"].tolist() == [perq["x"][i] for i in theirs["order"]]
    about = {"method": "M16 key dissatisfiers", "package": "ShapKa 1.1.1", "data": f"mobi, {side}"}
    golden(100 * table.set_index("attribute").loc[perq["x"], "shapley"], theirs["shapley"], tolerance=1e-10, **about)
    golden(100 * table[["reach", "noise"]].to_numpy(), np.column_stack([theirs["reach"], theirs["noise"]]), tolerance=5.1e-3, **about)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.tuples(*[st.booleans()] * 4)), min_size=4, max_size=20))
def test_the_closed_form_is_the_shapley_value_of_all_coalitions(rows):
    event, fails = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    if not event.any() or event.all():
        return

    def v(coalition):
        hit = fails[:, list(coalition)].any(axis=1)
        return hit[event].mean() - hit[~event].mean()

    p = fails.shape[1]
    expected = np.zeros(p)
    for j in range(p):
        rest = [k for k in range(p) if k != j]
        for size in range(p):
            weight = factorial(size) * factorial(p - size - 1) / factorial(p)
            expected[j] += sum(weight * (v((*s, j)) - v(s)) for s in combinations(rest, size))
    masses = [(m / m.sum())[None] for m in (~event * 1.0, event * 1.0)]
    assert shapley(fails, *masses)[0] == pytest.approx(expected)


def made(n=600, seed=1):
    rng = np.random.default_rng(seed)
    answers = rng.choice([4, 6, 7, 8, 9, 10], p=[0.05, 0.1, 0.2, 0.3, 0.2, 0.15], size=(n, 3))
    frame = pd.DataFrame(answers.astype(float), columns=["a", "b", "c"])
    y = 8.5 - 3 * (frame["a"] <= 6) - 2.5 * (frame["b"] <= 6) + rng.normal(size=n)
    return frame.assign(y=np.clip(np.round(y), 1, 10))


def test_what_causes_dissatisfaction_is_key_and_what_does_not_is_not():
    table = dissatisfiers(made(2000), y="y", x=["a", "b", "c"], scales=TEN, n_boot=300).table.set_index("attribute")
    assert table["order"].to_dict() == {"a": 1, "b": 2, "c": 3}
    assert table["is_key"].to_dict() == {"a": True, "b": True, "c": False}
    assert table.loc["a", "key_prob"] > 0.95 and table.loc["c", "key_prob"] < 0.05
    assert table.loc["c", "shapley_lo"] < 0 < table.loc["a", "shapley_lo"]


def test_enhancers_mirror_dissatisfiers():
    frame = made()
    turned = 11 - frame
    low = dissatisfiers(frame, y="y", x=["a", "b", "c"], scales=TEN, cuts={c: (2, 9) for c in TEN}, n_boot=0)
    high = enhancers(turned, y="y", x=["a", "b", "c"], scales=TEN, cuts={c: (2, 9) for c in TEN}, n_boot=0)
    few = ["attribute", "shapley", "reach", "noise", "is_key", "status"]
    pd.testing.assert_frame_equal(low.table[few], high.table[few])


def test_rows_weights_and_clusters():
    frame = made()
    options = {"y": "y", "x": ["a", "b", "c"], "scales": TEN, "n_boot": 200}
    plain = dissatisfiers(frame, **options).table
    pd.testing.assert_frame_equal(dissatisfiers(frame.sample(frac=1, random_state=1), **options).table, plain)
    pd.testing.assert_frame_equal(dissatisfiers(frame.assign(w=2.5), **options, weights="w").table, plain, rtol=1e-12)
    twice = dissatisfiers(pd.concat([frame, frame]), **options).table
    counted = dissatisfiers(frame.assign(w=2), **options, weights="w", weights_kind="frequency").table
    pd.testing.assert_frame_equal(counted, twice, rtol=1e-12)
    heavy = dissatisfiers(frame.assign(w=np.where(frame["y"] <= 6, 3.0, 1.0)), **options, weights="w").table
    assert heavy["shapley"].tolist() == pytest.approx(plain["shapley"].tolist())  # shares within each side stay
    grouped = dissatisfiers(frame.assign(house=np.arange(600) // 30), **options, clusters="house").table
    assert grouped["shapley"].tolist() == pytest.approx(plain["shapley"].tolist()) and (grouped["ci_lo"] < grouped["ci_hi"]).all()


def test_what_does_not_apply_does_not_fail_and_gaps_are_left_out_and_counted():
    frame = by_hand()
    frame["c"], frame["c:na"] = np.nan, True
    frame.loc[::6, ["c", "c:na"]] = 5.0, False
    frame["c:na"] = frame["c:na"].astype(bool)
    table = dissatisfiers(frame, y="y", x=["a", "b", "c"], scales=TEN, not_applicable={"c": "c:na"}, n_boot=0).table
    assert (table["n"] == 120).all() and table.set_index("attribute").loc["c", "reach_alone"] == pytest.approx(1 / 3)
    frame.loc[frame.index[:6], "b"] = np.nan
    table = dissatisfiers(frame, y="y", x=["a", "b"], scales=TEN, n_boot=0).table
    assert (table["n"] == 114).all() and (table["n_missing"] == 6).all()


def test_too_few_no_cut_and_mostly_missing_say_so():
    few = dissatisfiers(by_hand(9), y="y", x=["a", "b"], scales=TEN, n_boot=50)
    assert few.status == "insufficient" and few.table["shapley"].isna().all() and (few.table["n_event"] == 27).all()
    four = dissatisfiers(by_hand(), y="y", x=["a", "b"], scales={**TEN, "y": Scale(0, 20)}, n_boot=0)
    assert four.status == "not_identified"
    frame = by_hand().assign(c=np.where(np.arange(120) < 40, 5.0, np.nan))
    found = dissatisfiers(frame, y="y", x=["a", "b", "c"], scales=TEN, n_boot=0)
    assert found.table.set_index("attribute").loc["c", "status"] == "insufficient" and (found.table["n"] == 120).all()
    assert found.note("mostly_missing").values == {"attribute": "c", "n": 40}
    with pytest.raises(InputError, match="side is 'low' or 'high'"):
        key(by_hand(), y="y", x=["a"], scales=TEN, side="both")
    with pytest.raises(InputError, match="lacks 1 column"):
        key(by_hand(), y="y", x=["d"], scales=TEN)


def test_a_yes_or_no_outcome_is_poor_at_no():
    frame = by_hand().assign(y=lambda t: (t["y"] > 6).astype(float))
    assert dissatisfiers(frame, y="y", x=["a", "b"], scales={**TEN, "y": Scale(0, 1)}, n_boot=0).table["n_event"].iloc[0] == 60

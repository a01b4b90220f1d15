"""Gaps between experience and expectation, and the zone of tolerance (method M05)."""

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.satisfaction.gaps import gaps
from delight.scales import Scale
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

SEVEN = Scale(1, 7)


def survey(n=60, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {f"{kind}{i}": np.clip(np.round(m + rng.normal(size=n)), 1, 7) for kind, m in (("p", 5), ("e", 5.6), ("a", 4)) for i in range(4)}
    )
    return frame.assign(one=rng.integers(10, 90, n)).assign(two=lambda t: 100 - t["one"])


PAIRS = {f"p{i}": f"e{i}" for i in range(4)}
ENOUGH = {f"p{i}": f"a{i}" for i in range(4)}
GROUPS = {"p0": "A", "p1": "A", "p2": "A", "p3": "B"}
SCALES = {f"{k}{i}": SEVEN for k in "pea" for i in range(4)}
FULL = {"expected": PAIRS, "adequate": ENOUGH, "dimensions": GROUPS, "importance": {"A": "one", "B": "two"}, "scales": SCALES}


def at(result, name, column="attribute"):
    return result.table.set_index(column).loc[name]


def test_three_pairs_by_hand():
    frame = pd.DataFrame({"p": [5.0, 6, 7, 4], "e": [6.0, 6, 6, 7]})  # gaps -1, 0, 1, -3
    row = at(gaps(frame, expected={"p": "e"}, scales={"p": SEVEN, "e": SEVEN}).attributes, "p")
    se = np.std([-1, 0, 1, -3], ddof=1) / 2
    assert row["gap"] == -0.75 and row["se"] == pytest.approx(se)
    assert row["p"] == pytest.approx(stats.ttest_rel(frame["p"], frame["e"]).pvalue)
    assert [row["ci_lo"], row["ci_hi"]] == pytest.approx([-0.75 - stats.t.ppf(0.975, 3) * se, -0.75 + stats.t.ppf(0.975, 3) * se])
    assert row["d"] == pytest.approx(-0.75 / (2 * se)) and row["zone"] == "open" and row["share_expected_max"] == 0.25


def test_dimensions_average_within_the_respondent_and_weights_add_up():
    frame = survey()
    found = gaps(frame, **FULL)
    a = at(found.dimensions, "A", "dimension")
    each = np.mean([frame[p] - frame[e] for p, e in list(PAIRS.items())[:3]], axis=0)
    assert a["gap"] == pytest.approx(each.mean()) and a["p"] == pytest.approx(stats.ttest_1samp(each, 0).pvalue) and a["items"] == 3
    assert a["gap_weighted"] == pytest.approx((each * frame["one"] / 100).mean())
    b, total = at(found.dimensions, "B", "dimension"), at(found.dimensions, "", "dimension")
    assert total["gap_weighted"] == pytest.approx(a["gap_weighted"] + b["gap_weighted"]) and total["importance"] == pytest.approx(1)
    assert (
        a["adequacy"] == pytest.approx(np.mean([frame[p] - frame[e] for p, e in list(ENOUGH.items())[:3]])) and a["superiority"] == a["gap"]
    )
    assert np.isnan(b["alpha_gap"]) and np.isfinite(a["alpha_gap"])  # fewer than three items: no α


def test_alpha_of_the_gaps_and_reliability_of_the_difference_by_hand():
    frame = survey(n=200, seed=3)
    row = at(gaps(frame, expected=dict(list(PAIRS.items())[:3]), scales=SCALES).dimensions, "", "dimension")

    def alpha(x):
        c = np.cov(x, rowvar=False)
        return len(c) / (len(c) - 1) * (1 - np.trace(c) / c.sum())

    p, e = frame[["p0", "p1", "p2"]].to_numpy(), frame[["e0", "e1", "e2"]].to_numpy()
    s_p, s_e = p.sum(axis=1), e.sum(axis=1)
    assert row["alpha_gap"] == pytest.approx(alpha(p - e)) and row["alpha_expected"] == pytest.approx(alpha(e))
    top = s_p.var(ddof=1) * alpha(p) + s_e.var(ddof=1) * alpha(e) - 2 * np.cov(s_p, s_e)[0, 1]
    assert row["reliability_gap"] == pytest.approx(top / (s_p - s_e).var(ddof=1))


@pytest.mark.parametrize(("experienced", "zone"), [(3.0, "below"), (5.0, "within"), (6.7, "above"), (6.0, "open")])
def test_the_zone_of_tolerance(experienced, zone):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"p": experienced + rng.normal(0, 0.05, 40), "e": 6.0 + rng.normal(0, 0.05, 40), "a": 4.0})
    scales = dict.fromkeys("pea", Scale(1, 7, 0))
    row = at(gaps(frame, expected={"p": "e"}, adequate={"p": "a"}, scales=scales).attributes, "p")
    assert row["zone"] == zone and row["delight_candidate"] == (zone == "above")


def test_expectations_at_the_ceiling_warn_and_what_does_not_apply_is_no_gap():
    frame = survey()
    frame["e0"] = 7.0
    found = gaps(frame, **FULL).attributes
    assert (
        at(found, "p0")["status"] == "assumption_warning"
        and at(found, "p0")["share_expected_max"] == 1
        and at(found, "p1")["status"] == "ok"
    )
    frame.loc[:19, "p1"] = np.nan
    frame["p1:na"] = frame.index < 15
    row = at(gaps(frame, **FULL, not_applicable={"p1": "p1:na"}).attributes, "p1")
    assert (row["n"], row["n_missing"], row["n_not_applicable"]) == (40, 5, 15)
    a = at(gaps(frame, **FULL, not_applicable={"p1": "p1:na"}).dimensions, "A", "dimension")
    assert a["n"] == 55  # the 15 count with the pairs that apply to them, the 5 are left out


@pytest.mark.filterwarnings("error")
def test_nobody_and_one_respondent():
    frame = survey()
    for rows, status in ((0, "insufficient"), (1, "low_base")):
        found = gaps(frame.iloc[:rows], **FULL)
        assert set(found.attributes.table["status"]) <= {status, "assumption_warning"} and found.attributes.table["ci_lo"].isna().all()


def test_bad_input_is_listed_together():
    with pytest.raises(InputError, match="'p0' is answered on 1-7 and 'e0' on 1-10.*'one' has 1 negative points"):
        gaps(survey().assign(one=[-5, *[50] * 59]), **{**FULL, "scales": {**SCALES, "e0": Scale(1, 10)}})
    with pytest.raises(InputError, match="no attribute has a question"):
        gaps(survey(), expected={}, scales=SCALES)


NUMBERS = ["gap", "ci_lo", "ci_hi", "p", "adequacy", "share_expected_max"]


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 1000))
def test_order_weights_and_shift(seed):
    frame = survey(seed=seed).assign(f=np.random.default_rng(seed).integers(1, 4, 60))
    base = gaps(frame, **FULL).dimensions.table[[*NUMBERS, "gap_weighted"]].to_numpy(dtype=float)
    for other, options in (
        (frame.sample(frac=1, random_state=seed), {}),
        (frame.assign(f=2.0), {"weights": "f"}),
    ):
        found = gaps(other, **FULL, **options).dimensions.table[[*NUMBERS, "gap_weighted"]].to_numpy(dtype=float)
        np.testing.assert_allclose(found, base, atol=1e-12)
    expanded = gaps(frame.loc[frame.index.repeat(frame["f"])], **FULL).attributes.table[NUMBERS].to_numpy(dtype=float)
    counted = gaps(frame, **FULL, weights="f", weights_kind="frequency").attributes.table[NUMBERS].to_numpy(dtype=float)
    np.testing.assert_allclose(counted, expanded, atol=1e-10)
    shifted = frame.assign(**{c: frame[c] - 1 for c in SCALES})
    moved = gaps(shifted, **{**FULL, "scales": dict.fromkeys(SCALES, Scale(0, 6))}).dimensions.table[NUMBERS].to_numpy(dtype=float)
    np.testing.assert_allclose(moved, base[:, : len(NUMBERS)], atol=1e-12)

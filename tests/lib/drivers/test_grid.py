"""Stated against derived importance."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers.grid import grid
from delight.errors import InputError
from delight.scales import Scale

DERIVED = np.array([0.12951, 0.05525, 0.04559, 0.07575, 0.03517, 0.04276, 0.06274])  # methods M13: mobi, CUSA1 on PERQ1-7


@pytest.fixture
def asked(mobi, perq):
    """PERQ1-7 with a made-up stated importance: 6.5, 7, ..., 9.5 on average, in this order."""
    rng = np.random.default_rng(1)
    stated = {a: f"importance of {a}" for a in perq["x"]}
    centres = dict(zip(perq["x"], (9.2, 6.3, 8.6, 6.8, 8.9, 7.7, 7.2)))
    frame = mobi.assign(**{c: np.clip(np.round(centres[a] + 0.6 * rng.normal(size=250)), 1, 10) for a, c in stated.items()})
    return frame, stated, {**perq["scales"], **{c: Scale(1, 10) for c in stated.values()}}


def test_stated_is_a_mean_and_derived_a_relative_weight(asked, perq, golden):
    frame, stated, scales = asked
    table = grid(frame, y="CUSA1", x=perq["x"], stated=stated, scales=scales, n_boot=300).table
    assert table["stated"].to_numpy() == pytest.approx([frame[c].mean() for c in stated.values()])
    golden(table["derived"], DERIVED / DERIVED.sum(), method="M09 derived importance", package="methods M13", data="mobi", tolerance=5e-5)
    assert ((table["stated_lo"] < table["stated"]) & (table["stated"] < table["stated_hi"])).all()


def test_quadrants_follow_the_medians_and_ties_are_borderline(asked, perq):
    frame, stated, scales = asked
    table = grid(frame, y="CUSA1", x=perq["x"], stated=stated, scales=scales, n_boot=300).table.set_index("attribute")
    # stated, high to low: 1 5 3 | 6 | 7 4 2; derived: 1 4 7 | 2 | 3 6 5
    expected = {"PERQ1": "beleving_important", "PERQ5": "basis", "PERQ3": "basis", "PERQ4": "bijzonder", "PERQ7": "bijzonder"}
    assert table["quadrant"].to_dict() == {**expected, "PERQ6": "borderline", "PERQ2": "borderline"}
    assert table.loc["PERQ1", "quadrant_prob"] > 0.95 and table.loc["PERQ2", "quadrant_prob"] < 0.95
    means = grid(frame, y="CUSA1", x=perq["x"], stated=stated, scales=scales, split="mean", n_boot=0).table
    assert means["cut_stated"].iloc[0] == pytest.approx(means["stated"].mean()) and not (means["quadrant"] == "borderline").any()


def test_fewer_than_six_attributes_have_no_quadrants(asked, perq):
    frame, stated, scales = asked
    found = grid(frame, y="CUSA1", x=perq["x"], stated=dict(list(stated.items())[:5]), scales=scales, n_boot=50)
    assert found.status == "insufficient" and found.table["quadrant"].isna().all() and found.table["derived"].notna().all()
    assert found.note("few_on_grid").values == {"n": 5, "wanted": 6} and found.note("grid_caution")


def test_scales_that_differ_are_brought_to_a_hundred(asked, perq):
    frame, stated, scales = asked
    frame, scales = frame.copy(), dict(scales)
    five = stated["PERQ1"]
    frame[five], scales[five] = np.clip(frame[five] // 2, 1, 5), Scale(1, 5)
    found = grid(frame, y="CUSA1", x=perq["x"], stated=stated, scales=scales, n_boot=0)
    assert found.note("mixed_scales") and found.table["stated"].iloc[0] == pytest.approx(100 * (frame[five].mean() - 1) / 4)


def test_gaps_in_the_stated_importance_only_touch_the_stated(asked, perq):
    frame, stated, scales = asked
    frame = frame.copy()
    frame.loc[:49, stated["PERQ1"]] = np.nan
    table = grid(frame, y="CUSA1", x=perq["x"], stated=stated, scales=scales, n_boot=0).table
    assert (table["n"] == 250).all() and table["n_stated"].tolist()[:2] == [200, 250]


def test_rows_and_weights(asked, perq):
    frame, stated, scales = asked
    options = {"y": "CUSA1", "x": perq["x"], "stated": stated, "scales": scales, "n_boot": 100}
    plain = grid(frame, **options).table
    pd.testing.assert_frame_equal(grid(frame.sample(frac=1, random_state=1), **options).table, plain)
    pd.testing.assert_frame_equal(grid(frame.assign(w=3.0), **options, weights="w").table, plain, rtol=1e-9)


def test_bad_input_is_named(asked, perq):
    frame, stated, scales = asked
    with pytest.raises(InputError, match="at least one attribute"):
        grid(frame, y="CUSA1", x=perq["x"], stated={}, scales=scales)
    with pytest.raises(InputError, match="split is"):
        grid(frame, y="CUSA1", x=perq["x"], stated=stated, scales=scales, split="middle")
    with pytest.raises(InputError, match="importance of PERQ1"):
        grid(frame.assign(**{stated["PERQ1"]: 99.0}), y="CUSA1", x=perq["x"], stated=stated, scales=scales)

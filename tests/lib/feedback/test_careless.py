import numpy as np
import pandas as pd
import pytest
from delight.feedback import careless
from delight.scales import Scale

TEN = Scale(1, 10)


def frame_of(rows, **columns):
    frame = pd.DataFrame(rows, columns=[f"a{i}" for i in range(len(rows[0]))], dtype=float)
    frame.insert(0, "wave", "w")
    frame.insert(0, "respondent", [f"r{i}" for i in range(len(frame))])
    return frame.assign(**columns)


def flag(frame, **options):
    items = [c for c in frame if c.startswith("a")]
    return careless.flags(frame, items=items, scales=dict.fromkeys(items, TEN), **options)


def hits(found, name):
    t = found.flags.table
    return t.loc[t["flag"] == name, "respondent"].tolist()


def test_a_long_run_is_eighty_percent_of_eight_items_or_more():
    rows = [[5] * 7 + [6] * 3, [5] * 8 + [6, 7], [5, 6] * 5, [5] * 10]
    found = flag(frame_of(rows))
    assert hits(found, "long_run") == ["r1", "r3"] and hits(found, "no_variation") == ["r3"]
    row = found.flags.table.iloc[0]
    assert (row.value, row.cut, row.n, row.n_missing) == (8, 8, 10, 0)


def test_fewer_than_eight_answers_make_no_straight_line():
    assert not len(flag(frame_of([[5] * 7, [4] * 7])).flags.table)
    rows = [[5] * 7 + [np.nan] * 3, [5] * 8 + [np.nan] * 2]
    assert hits(flag(frame_of(rows)), "no_variation") == ["r1"]


def test_a_straight_line_is_looked_for_as_it_was_drawn_on_the_paper():
    drawn = [5.0] * 10
    turned = [5.0] * 9 + [6.0]  # the last item was turned on reading: 1 + 10 - 5
    frame = frame_of([turned, drawn])
    assert hits(flag(frame, reversed_items=["a9"]), "no_variation") == ["r0"]


def test_speeders_take_less_than_a_third_of_their_waves_median():
    frame = frame_of([[1, 2]] * 8, duration=[300, 300, 300, 99, 30, 30, 30, 11.0])
    frame["wave"] = ["a"] * 4 + ["b"] * 4
    assert hits(flag(frame, duration="duration"), "speeder") == ["r3"]


def test_nothing_is_removed_and_the_input_is_unchanged():
    frame = frame_of([[5] * 10] * 3, y=[1.0, 8, 10])
    before = frame.copy()
    found = flag(frame, y="y", scale=TEN)
    pd.testing.assert_frame_equal(frame, before)
    bands = found.flagged.table
    assert bands.loc[bands["flag"] == "no_variation", ["band", "n", "n_flagged"]].to_numpy().tolist() == [
        ["low", 1, 1],
        ["middle", 1, 1],
        ["high", 1, 1],
    ]


def test_the_sensitivity_line_is_shown_when_it_moves_by_more_than_half_a_standard_error():
    rng = np.random.default_rng(1)
    rows = rng.integers(3, 9, (100, 10))
    rows[:30] = 10
    y = np.where(np.arange(100) < 30, 10.0, rng.integers(4, 8, 100))
    table = flag(frame_of(rows, y=y), y="y", scale=TEN).sensitivity.table.set_index("flag")
    line = table.loc["no_variation"]
    assert line["n_flagged"] == 30 and line["mean"] == pytest.approx(y.mean()) and line["mean_without"] == pytest.approx(y[30:].mean())
    assert line["se"] == pytest.approx(y.std(ddof=1) / 10) and bool(line["shown"])


def test_published_flags_of_the_branch_survey(shared):
    """methods.md M01: D2 flags 41 % of those at 6 or less, straight-liners are 88 % at 9 or more; means 8.71, 8.88, 8.57."""
    import pyreadstat

    raw, _ = pyreadstat.read_sav(shared / "data" / "branch-service-es" / "data.sav")
    items = [c for c in raw if c.startswith(("p5", "p7"))]
    frame = raw.assign(respondent=raw["enc"].astype(str), wave="w")
    found = careless.flags(frame, items=items, scales=dict.fromkeys(items, TEN), y="p8", scale=TEN)
    bands = found.flagged.table.set_index(["flag", "band"])
    assert bands.loc[("mahalanobis", "low"), "share_flagged"] == pytest.approx(0.41, abs=0.005)
    straight = bands.loc["no_variation"]["n_flagged"]
    assert straight["high"] / straight.sum() == pytest.approx(0.88, abs=0.005)
    assert straight.sum() / len(raw) == pytest.approx(0.159, abs=0.0005)
    lines = found.sensitivity.table.set_index("flag")
    assert lines.loc["mahalanobis", "mean"] == pytest.approx(8.71, abs=0.005)
    assert lines.loc["mahalanobis", "mean_without"] == pytest.approx(8.88, abs=0.006)
    assert lines.loc["no_variation", "mean_without"] == pytest.approx(8.57, abs=0.005)
    assert found.sensitivity.note("flags_move_the_mean") is not None


def test_squared_distances_are_mahalanobis():
    rng = np.random.default_rng(2)
    x = np.clip(np.round(rng.normal(6, 1.5, (200, 4))), 1, 10)
    x[0] = [1, 10, 1, 10]
    found = flag(frame_of(x)).flags.table
    row = found[(found["flag"] == "mahalanobis") & (found["respondent"] == "r0")].iloc[0]
    d = x[0] - x.mean(axis=0)
    assert row["value"] == pytest.approx(d @ np.linalg.inv(np.cov(x.T)) @ d)
    assert row["cut"] == pytest.approx(18.467, abs=1e-3)  # chi-square, 4 df, p .001


def test_the_mean_without_the_flagged_is_weighted_as_the_mean_is():
    rng = np.random.default_rng(7)
    items = [f"q{i}" for i in range(9)]
    frame = pd.DataFrame(rng.integers(1, 11, (60, 9)), columns=items)
    frame.loc[:9, items] = 10
    frame = frame.assign(overall=frame["q0"], respondent=range(60), wave="a", weight=rng.uniform(0.5, 2, 60))
    found = careless.flags(frame, items=items, scales=dict.fromkeys(items, TEN), y="overall", scale=TEN, weights="weight")
    row = found.sensitivity.table.set_index("flag").loc["no_variation"]
    kept = frame.iloc[10:]
    assert row["mean"] == pytest.approx(np.average(frame["overall"], weights=frame["weight"]))
    assert row["mean_without"] == pytest.approx(np.average(kept["overall"], weights=kept["weight"]))
    even = careless.flags(frame.assign(weight=3.0), items=items, scales=dict.fromkeys(items, TEN), y="overall", scale=TEN, weights="weight")
    plain = careless.flags(frame, items=items, scales=dict.fromkeys(items, TEN), y="overall", scale=TEN)
    pd.testing.assert_frame_equal(even.sensitivity.table, plain.sensitivity.table, rtol=1e-12)

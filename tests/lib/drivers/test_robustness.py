"""How firm classes are: the panel of codings and coefficients, and what is made of it."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers.penalty_reward import effects, sensitivity
from delight.drivers.robustness import ASYMMETRY_NAMES, panel, stability
from delight.errors import InputError


def test_the_panel_holds_three_codings_and_two_coefficients_of_every_attribute(mobi, perq):
    table = panel(mobi, y="CUSA1", **perq).table
    assert len(table) == 7 * 6 and not table.duplicated(["attribute", "coding", "coefficient"]).any()
    raw = table[table["coefficient"] == "raw"].reset_index(drop=True)
    plain = sensitivity(mobi, y="CUSA1", **perq).table
    pd.testing.assert_frame_equal(raw[plain.columns], plain)
    assert table["attribute"].tolist() == [a for a in perq["x"] for _ in range(6)]
    usual = raw[(raw["coding"] == "default")].set_index("attribute")
    assert usual.loc["PERQ1", ["ia", "ia_linear_null"]].tolist() == pytest.approx([-0.268, -0.198], abs=6e-4)  # methods M08
    assert usual.loc["PERQ1", "asymmetry_name"] == "dissatisfier" and usual.loc["PERQ4", "asymmetry_name"] == "satisfier"
    assert usual.loc["PERQ3", "panel_class"] == "indifferent" and pd.isna(usual.loc["PERQ3", "asymmetry_name"])


def test_planted_kinds_are_found_by_dummies_and_a_straight_line_is_not_called_lopsided(planted, six):
    frame = planted(6000, 2)
    table = panel(frame, **six).table.set_index(["attribute", "coding", "coefficient"])["panel_class"]
    assert set(table["basic"].dropna()) == {"basis"} and table["delight"].value_counts()["bijzonder"] >= 4
    assert set(table["one"].dropna()) | set(table["two"].dropna()) == {"undistinguished"}


def test_unequal_steps_make_a_line_look_lopsided_by_published_cuts_but_not_by_the_test():
    rng = np.random.default_rng(1)
    answers = rng.choice(np.arange(1, 11), p=[0.08, 0.08, 0.08, 0.08, 0.08, 0.1, 0.2, 0.15, 0.1, 0.05], size=4000).astype(float)
    frame = pd.DataFrame({"a": answers, "y": 0.5 * answers + rng.normal(size=4000)})
    from delight.scales import Scale

    row = panel(frame, y="y", x=["a"], scales={"a": Scale(1, 10)}).table.iloc[0]
    assert row["asymmetry_name"] == "dissatisfier" and row["ia"] == pytest.approx(row["ia_linear_null"], abs=0.05)
    assert row["panel_class"] == "undistinguished"


def test_names_follow_the_published_cuts():
    assert [next(n for cut, n in ASYMMETRY_NAMES if ia >= cut) for ia in (0.9, 0.3, 0.0, -0.5, -0.9)] == [
        *("delighter", "satisfier", "hybrid", "dissatisfier", "frustrator"),
    ]


def test_stability_counts_the_panels_that_agree(planted, six):
    frame = planted(3000, 2)
    impact, found = effects(frame, **six, n_boot=200), panel(frame, **six)
    table = stability(impact, found).table.set_index("attribute")
    mine = found.table[found.table["attribute"] == "basic"]
    assert table.loc["basic", "n_panels"] == mine["panel_class"].notna().sum()
    assert table.loc["basic", "panel_share"] == (mine["panel_class"].dropna() == "basis").mean()
    assert table.loc["basic", "firm"] and table.loc["basic", "class_prob"] > 0.8
    changed = found.table.assign(panel_class=np.where(found.table["attribute"] == "basic", "reverse", found.table["panel_class"]))
    again = stability(impact, found.with_table(changed))
    assert again.table.set_index("attribute").loc["basic", ["panel_share", "panel_classes"]].tolist() == [0.0, "reverse"]
    assert "basic" not in again.note("firm").values["attributes"]
    with pytest.raises(InputError, match="same attributes"):
        stability(impact, found.with_table(found.table[found.table["attribute"] != "nil"]))


def test_without_a_class_nothing_is_called_firm(planted, six):
    frame = planted(300).assign(one=7.0)
    impact, found = effects(frame, **six, n_boot=50), panel(frame, **six)
    row = stability(impact, found).table.set_index("attribute").loc["one"]
    assert row["status"] == "degenerate" and np.isnan(row["panel_share"]) and pd.isna(row["firm"])


def test_rows_order_and_equal_weights_change_nothing(planted, six):
    frame = planted(500)
    plain = panel(frame, **six).table
    pd.testing.assert_frame_equal(panel(frame.sample(frac=1, random_state=1), **six).table, plain)
    pd.testing.assert_frame_equal(panel(frame.assign(w=3.0), **six, weights="w").table, plain, rtol=1e-9)
    twice = panel(pd.concat([frame, frame]), **six).table
    pd.testing.assert_frame_equal(panel(frame.assign(w=2), **six, weights="w", weights_kind="frequency").table, twice, rtol=1e-8)

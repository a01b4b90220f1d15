"""Kano categories by hand, against published rules and figures, and by invariance."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers import kano
from delight.errors import InputError
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

#: One pair of answers for each category.
CELL = {"A": (1, 3), "O": (1, 5), "M": (3, 5), "I": (3, 3), "R": (5, 1), "Q": (1, 1)}
PAIR = {"feature": ("f", "d")}


def answers(counts, name=""):
    """One row an answer with these counts of categories."""
    rows = [CELL[c] for c, n in counts.items() for _ in range(n)]
    return pd.DataFrame(rows, columns=[f"f{name}", f"d{name}"], dtype=float)


def row(counts, **options):
    return kano.classify(answers(counts), pairs=PAIR, **options).table.iloc[0]


# ---- the evaluation table --------------------------------------------------------------------------------------------


def test_the_table_is_that_of_kano_and_berger():
    table = kano.evaluation_table().table.pivot(index="functional", columns="dysfunctional", values="category")
    assert ["".join(r) for r in table.to_numpy()] == ["QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ"]


def test_pouliot_calls_expecting_both_sides_questionable():
    berger, pouliot = (kano.evaluation_table(v).table.set_index(["functional", "dysfunctional"])["category"] for v in kano.EVALUATION)
    changed = berger[berger != pouliot]
    assert changed.index.tolist() == [(2, 2), (4, 4)] and set(pouliot[changed.index]) == {"Q"} and set(changed) == {"I"}
    assert kano.classify(pd.DataFrame({"f": [2.0], "d": [2.0]}), pairs=PAIR, variant="pouliot").table["Q"].item() == 1


def test_a_pair_with_a_missing_answer_has_no_category():
    assert kano.categories([1, np.nan, 2], [5, 1, np.nan]).tolist() == ["O", None, None]


# ---- published and specified figures ---------------------------------------------------------------------------------


def test_the_specified_case_of_a_clear_delighter(golden):
    found = row({"A": 40, "O": 20, "M": 15, "I": 20, "R": 3, "Q": 2})
    ours = found[["cs_plus", "cs_minus", "se_plus", "ts", "cat_strength", "fong_crit"]]
    reference = [0.6316, -0.3684, 0.0495, 0.75, 0.20, 10.693]
    golden(ours, reference, method="M11 Kano coefficients", package="methods M11 [V]", data="A40 O20 M15 I20 R3 Q2", tolerance=6e-4)
    assert found["fong_sig"] and found["strength_clear"] and (found["top"], found["second"], found["category"]) == ("A", "O", "A")
    assert found["p_exact"] == pytest.approx(stats.binomtest(40, 60).pvalue, abs=1e-12)


def test_the_specified_case_that_nothing_can_tell_apart():
    found = row({"A": 30, "O": 28, "M": 22, "I": 15, "R": 3, "Q": 2})
    assert found[["cs_plus", "cs_minus"]].tolist() == pytest.approx([0.6105, -0.5263], abs=5e-5)
    assert found["cat_strength"] == pytest.approx(0.02) and not found["strength_clear"] and not found["fong_sig"]
    assert found["category"] == "O/A" and found["candidates"] == "M/O/A" and found["b3"] is None


def test_fongs_test_calls_significant_what_the_exact_test_does_not():
    found = row({"A": 36, "O": 24, "M": 20, "I": 20})
    assert found["fong_crit"] == pytest.approx(10.69, abs=5e-3) and found["fong_sig"]
    assert found["p_exact"] == pytest.approx(0.155, abs=5e-4) and found["category"] == "O/A"


@pytest.mark.parametrize(
    ("counts", "blauth", "mode"),
    [
        ({"A": 20, "O": 15, "M": 15, "I": 40}, "A", "I"),  # 50 of 90 are A, O or M, though I is the largest
        ({"A": 10, "O": 10, "M": 5, "I": 30}, "I", "I"),
        ({"A": 10, "O": 10, "M": 10}, "M", "M"),  # ties: M > O > A > I
        ({"A": 10, "O": 10, "I": 15}, "O", "I"),
        ({"A": 10, "I": 10}, "I", "A"),  # a tie of the sums is not more: the other group
        ({"R": 12, "I": 12, "A": 3}, "I", "I"),
        ({"R": 20, "I": 5}, "R", "R"),
    ],
)
def test_blauths_rule_and_its_ties(counts, blauth, mode):
    found = row(counts)
    assert (found["blauth"], found["mode"]) == (blauth, mode)


def test_dumouchels_means_by_hand():
    frame = pd.DataFrame({"f": [1, 1, 2, 3], "d": [5, 3, 5, 5]})  # functional 4, 4, 2, 0; dysfunctional 4, 0, 4, 4
    found = kano.classify(frame, pairs=PAIR).table.iloc[0]
    assert (found["y_cont"], found["x_cont"]) == (2.5, 3.0) and found["quadrant_cont"] == "O"
    half = stats.t.ppf(0.975, 3) * np.std([4, 4, 2, 0], ddof=1) / 2
    assert (found["y_cont_lo"], found["y_cont_hi"]) == pytest.approx((2.5 - half, 2.5 + half))


def test_intervals_are_score_intervals_and_the_joint_ones_contain_them():
    found = row({"A": 40, "O": 20, "M": 15, "I": 20})
    reference = stats.binomtest(60, 95).proportion_ci(method="wilson")
    assert (found["cs_plus_lo"], found["cs_plus_hi"]) == pytest.approx((reference.low, reference.high), abs=1e-12)
    reference = stats.binomtest(35, 95).proportion_ci(method="wilson")
    assert (found["cs_minus_lo"], found["cs_minus_hi"]) == pytest.approx((-reference.high, -reference.low), abs=1e-12)
    assert found["cs_plus_joint_lo"] < found["cs_plus_lo"] and found["cs_plus_hi"] < found["cs_plus_joint_hi"]


def test_the_smart_bed_has_the_counts_of_its_description(shared):
    codes = pd.read_json(shared / "data/kano-smart-bed/answer_options.json", typ="series").to_dict()
    raw = pd.read_csv(shared / "data/kano-smart-bed/answers.tsv", sep="\t").iloc[:, 1:]
    frame = raw.apply(lambda c: c.map(codes)).set_axis([f"q{i}" for i in range(22)], axis=1)
    names = ["vibration", "audio", "sleep", "massage", "domotics", "quiet", "heating", "cooling", "tilt", "tray", "compact"]
    result = kano.classify(frame, pairs={n: (f"q{2 * i}", f"q{2 * i + 1}") for i, n in enumerate(names)})
    t = result.table.set_index("attribute")
    assert t.loc["massage", ["A", "I", "R", "O"]].tolist() == [15, 9, 3, 2] and t.loc["domotics", ["I", "A", "R", "O"]].tolist() == [
        13,
        7,
        6,
        3,
    ]
    assert t.loc["vibration", "R"] == 12 and t.loc["vibration", "r_flag"] and "vibration" in result.note("reversed").values["attributes"]
    assert t.loc["massage", "category"] == "A/I" and (t["status"] == "low_base").all() and (t["n"] == 29).all()


# ---- weights, patterns, clusters -------------------------------------------------------------------------------------

MIXED = {"A": 36, "O": 24, "M": 20, "I": 15, "R": 3, "Q": 2}
FIGURES = ["A", "O", "M", "I", "R", "Q", "ts", "cat_strength", "cs_plus", "cs_minus", "se_plus", "se_minus", "cs_plus_lo", "cs_plus_hi"]
FIGURES += [
    "cs_minus_lo",
    "cs_minus_hi",
    "cs_plus_joint_lo",
    "cs_minus_joint_hi",
    "fong_crit",
    "p_exact",
    "q",
    "x_cont",
    "y_cont_lo",
    "n",
    "n_eff",
]


def test_counts_of_answer_patterns_give_what_the_rows_give():
    frame = answers(MIXED)
    counted = kano.cells(frame, pairs=PAIR).table
    assert counted["count"].sum() == 100 and len(counted) == 25
    again = counted.rename(columns={"functional": "f", "dysfunctional": "d", "count": "w"})
    ours = kano.classify(again, pairs=PAIR, weights="w", weights_kind="frequency").table.iloc[0]
    assert ours[FIGURES].to_numpy(float) == pytest.approx(row(MIXED)[FIGURES].to_numpy(float), abs=1e-12)


def test_a_frequency_weight_of_two_is_two_rows():
    frame = answers(MIXED)
    once = kano.classify(frame.assign(w=2), pairs=PAIR, weights="w", weights_kind="frequency").table.iloc[0]
    twice = kano.classify(pd.concat([frame, frame]), pairs=PAIR).table.iloc[0]
    assert once[FIGURES].to_numpy(float) == pytest.approx(twice[FIGURES].to_numpy(float), abs=1e-12)


def test_equal_sampling_weights_change_nothing():
    frame = answers(MIXED)
    weighted = kano.classify(frame.assign(w=3.7), pairs=PAIR, weights="w").table.iloc[0]
    assert weighted[FIGURES].to_numpy(float) == pytest.approx(row(MIXED)[FIGURES].to_numpy(float), abs=1e-12)


def test_unequal_weights_move_the_shares_and_cost_answers():
    frame = answers(MIXED)
    w = np.where(frame["d"] == 5, 2.0, 1.0)
    found = kano.classify(frame.assign(w=w), pairs=PAIR, weights="w").table.iloc[0]
    a, o, m, i = 36, 48, 40, 15
    assert found["cs_plus"] == pytest.approx((a + o) / (a + o + m + i)) and found["cs_minus"] == pytest.approx(-(o + m) / (a + o + m + i))
    assert found["n_eff"] == pytest.approx(w.sum() ** 2 / (w**2).sum()) and found["n_eff"] < 100
    kept = w[: 36 + 24 + 20 + 15]
    share, n_eff = found["cs_plus"], kept.sum() ** 2 / (kept**2).sum()
    assert found["se_plus"] == pytest.approx(np.sqrt(share * (1 - share) / n_eff))


def test_clusters_that_answer_alike_count_as_few():
    rng = np.random.default_rng(2)
    places = np.repeat(np.arange(60), 10)
    likes = np.repeat(rng.random(60) < 0.65, 10)
    frame = pd.DataFrame({"f": np.where(likes, 1.0, 3.0), "d": 3.0, "place": places})
    alone, together = (kano.classify(frame, pairs=PAIR, clusters=c).table.iloc[0] for c in (None, "place"))
    assert together["se_plus"] == pytest.approx(alone["se_plus"] * np.sqrt(10), rel=0.05)
    assert alone["category"] in ("A", "I") and together["category"] == "A/I" and together["p_exact"] > alone["p_exact"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_that_of_features_matters(pairs_of_answers, random):
    frame = pd.DataFrame(pairs_of_answers, columns=["f", "d"], dtype=float)
    shuffled = frame.sample(frac=1, random_state=random.randint(0, 999))
    one = kano.classify(frame.assign(f2=frame["f"], d2=3.0), pairs={"x": ("f", "d"), "y": ("f2", "d2")}, n_boot=50).table
    other = kano.classify(shuffled.assign(f2=shuffled["f"], d2=3.0), pairs={"y": ("f2", "d2"), "x": ("f", "d")}, n_boot=50).table
    other = other.set_index("attribute").loc[["x", "y"]].reset_index()[one.columns]
    pd.testing.assert_frame_equal(one, other, atol=1e-12)
    whole = one.iloc[0]
    assert whole[["A", "O", "M", "I", "R", "Q"]].sum() == pytest.approx(len(frame)) and 0 <= whole["ts"] <= 1
    assert whole["top"] in whole["category"].split("/") and set(whole["category"].split("/")) <= set(whole["candidates"].split("/"))


def test_asking_the_other_way_round_swaps_the_coefficients():
    """Mirrored answers make A out of M and M out of A."""
    mirrored = row({"A": 15, "O": 20, "M": 40, "I": 20})
    plain = row({"A": 40, "O": 20, "M": 15, "I": 20})
    assert mirrored["cs_plus"] == pytest.approx(-plain["cs_minus"]) and mirrored["cs_minus_lo"] == pytest.approx(-plain["cs_plus_hi"])


# ---- groups and edges ------------------------------------------------------------------------------------------------


def test_a_small_segment_keeps_its_counts_and_gets_no_category():
    frame = pd.concat([answers({"A": 40, "I": 10}).assign(s="a"), answers({"M": 29}).assign(s="b")])
    t = kano.classify(frame, pairs=PAIR, by="s").table.set_index("group")
    assert (
        t.loc["b", "status"] == "insufficient"
        and t.loc["b", "M"] == 29
        and pd.isna(t.loc["b", "category"])
        and np.isnan(t.loc["b", "cs_plus"])
    )
    assert t.loc["a", "category"] == "A" and t.loc["", "by"] == "whole" and t.loc["", "n"] == 79


def test_missing_answers_are_counted_for_each_feature_and_group():
    frame = answers({"A": 40, "I": 20})
    frame.loc[:4, "d"] = np.nan
    frame["s"] = ["x", "y"] * 30
    t = kano.classify(frame, pairs=PAIR, by="s").table.set_index("group")
    assert t.loc["", ["n", "n_missing"]].tolist() == [55, 5] and t.loc[["x", "y"], "n_missing"].tolist() == [3, 2]


def test_only_reversed_and_questionable_answers_have_no_coefficients():
    found = row({"R": 40, "Q": 20})
    assert found["status"] == "degenerate" and np.isnan(found["cs_plus"]) and found["blauth"] == "R" and found["q_flag"] and found["r_flag"]


def test_nobody_answered():
    found = kano.classify(pd.DataFrame({"f": [np.nan] * 3, "d": [1.0, 2, 3]}), pairs=PAIR).table.iloc[0]
    assert found["status"] == "insufficient" and found["n"] == 0 and found["n_missing"] == 3 and found["category"] is None


def test_everybody_in_one_category_is_single_and_one_answer_is_not():
    assert row({"M": 60})["category"] == "M" and row({"M": 60})["second"] is None and row({"M": 60})["cs_minus_lo"] == pytest.approx(-1)
    assert row({"M": 1})["status"] == "low_base"


def test_contradictory_answers_are_flagged_by_feature_and_by_respondent():
    result = kano.classify(answers({"A": 90, "Q": 10}), pairs=PAIR)
    assert result.table["q_flag"].item() and result.table["status"].item() == "assumption_warning"
    assert result.note("questionable_respondents").values == {"n": 10, "share": pytest.approx(0.1), "cut": 0.2}
    frame = pd.DataFrame({"f1": [1.0, 1, np.nan], "d1": [1.0, 3, 1], "f2": [1.0, 1, np.nan], "d2": [5.0, 5, 2]})
    assert kano.questionable(frame, {"a": ("f1", "d1"), "b": ("f2", "d2")}).tolist()[:2] == [1, 0]
    assert not kano.classify(answers({"A": 95, "Q": 5}), pairs=PAIR).table["q_flag"].item()  # exactly 5 % is not more


def test_the_correction_runs_over_all_features():
    frame = pd.concat([answers({"A": 33, "I": 17}), *(answers({"A": 26, "I": 24}, k) for k in range(4))], axis=1)
    pairs = PAIR | {f"x{k}": (f"f{k}", f"d{k}") for k in range(4)}
    t = kano.classify(frame, pairs=pairs).table
    assert (
        t["p_exact"][0] == pytest.approx(stats.binomtest(33, 50).pvalue)
        and t["p_exact"][0] < 0.05 < t["q"][0]
        and t["category"][0] == "A/I"
    )
    assert kano.classify(frame, pairs=PAIR).table["category"].item() == "A"


def test_everything_wrong_is_told_at_once():
    frame = pd.DataFrame({"f": [1, 6], "d": [0, 2]})
    with pytest.raises(InputError, match=r"'f': 1 of 2 .* 6 in row 1.*'d': 1 of 2 .* 0 in row 0.*coded 1 like"):
        kano.classify(frame, pairs=PAIR)
    with pytest.raises(InputError, match="lacks 2 column"):
        kano.classify(frame, pairs={"a": ("g", "h")})
    with pytest.raises(InputError, match="used twice: f"):
        kano.classify(frame, pairs={"a": ("f", "d"), "b": ("f", "d2")})
    with pytest.raises(InputError, match="'a' has 1 columns, not two"):
        kano.classify(frame, pairs={"a": ("f",)})
    with pytest.raises(InputError, match="berger, pouliot"):
        kano.evaluation_table("kano")


# ---- do groups agree? ------------------------------------------------------------------------------------------------


def two_groups(a, b):
    return pd.concat([answers(a).assign(s="a"), answers(b).assign(s="b")], ignore_index=True)


def test_the_test_of_heterogeneity_is_pearsons():
    frame = two_groups({"A": 40, "I": 20, "M": 20}, {"A": 25, "I": 35, "M": 15})
    found = kano.heterogeneity(frame, pairs=PAIR, by="s").table.iloc[0]
    reference = stats.chi2_contingency([[40, 20, 20], [25, 35, 15]], correction=False)
    assert (found["chi2"], found["p"], found["df"]) == pytest.approx((reference.statistic, reference.pvalue, reference.dof))
    assert found["cramers_v"] == pytest.approx(np.sqrt(reference.statistic / 155)) and found["differs"] and found["test"] == "chi2"


def test_sparse_tables_are_permuted_and_agree_with_fisher():
    frame = two_groups({"A": 35, "M": 3}, {"A": 30, "M": 9})
    found = kano.heterogeneity(frame, pairs=PAIR, by="s").table.iloc[0]
    assert found["test"] == "chi2"
    frame = two_groups({"A": 30, "M": 2}, {"A": 26, "M": 7})
    found = kano.heterogeneity(frame, pairs=PAIR, by="s").table.iloc[0]
    assert found["test"] == "permutation" and found["p"] == pytest.approx(stats.fisher_exact([[30, 2], [26, 7]]).pvalue, abs=0.02)


def test_weights_of_one_do_not_change_the_test_and_uneven_ones_weaken_it():
    frame = two_groups({"A": 60, "I": 40}, {"A": 40, "I": 60})
    plain = kano.heterogeneity(frame, pairs=PAIR, by="s").table["chi2"].item()
    assert kano.heterogeneity(frame.assign(w=2.0), pairs=PAIR, by="s", weights="w").table["chi2"].item() == pytest.approx(plain, abs=1e-12)
    uneven = frame.assign(w=np.tile([1.0, 3.0], 100))
    weighted = kano.heterogeneity(uneven, pairs=PAIR, by="s", weights="w").table.iloc[0]
    assert weighted["chi2"] == pytest.approx(plain * 0.8, rel=1e-9) and weighted["n_eff"] == pytest.approx(160)


def test_one_group_or_one_category_cannot_differ():
    frame = two_groups({"A": 40}, {"A": 10, "I": 10})  # the second is too small to take part
    assert kano.heterogeneity(frame, pairs=PAIR, by="s").table["status"].item() == "not_identified"
    assert kano.heterogeneity(two_groups({"A": 40}, {"A": 40}), pairs=PAIR, by="s").table["status"].item() == "not_identified"

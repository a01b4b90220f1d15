import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.satisfaction import nps, nps_compare, waves
from delight.scales import Scale
from scipy import stats

GRADES, TEN = Scale(1, 10), Scale(0, 10)


@pytest.fixture
def frame():
    rng = np.random.default_rng(9)
    wave = np.repeat(["2023", "2024", "2025"], [150, 120, 180])
    y = np.clip(np.round(7.6 + 0.4 * (wave == "2025") + rng.normal(0, 1.4, 450)), 1, 10)
    return pd.DataFrame(
        {"overall": y, "recommend": np.clip(y + rng.integers(-1, 2, 450), 0, 10), "wave": wave, "f": 1 + (np.arange(450) % 3)}
    )


def run(frame, **options):
    options = {"y": "overall", "scale": GRADES, "order": ["2023", "2024", "2025"], **options}
    return waves(frame, **options)


def test_the_change_of_the_mean_is_welchs(frame):
    found = run(frame).table.set_index(["measure", "group"])
    parts = [frame.loc[frame.wave == w, "overall"] for w in ("2024", "2025")]
    expected = stats.ttest_ind(parts[1], parts[0], equal_var=False)
    row = found.loc[("mean", "2025")]
    assert (row.change, row.p) == pytest.approx((parts[1].mean() - parts[0].mean(), expected.pvalue))
    assert (row.change_lo, row.change_hi) == pytest.approx(tuple(expected.confidence_interval()))
    assert row.previous == "2024" and row.mdc == pytest.approx((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * row.se_change)
    assert np.isnan(found.loc[("mean", "2023"), "change"])
    assert row.p_bm == pytest.approx(stats.brunnermunzel(parts[1], parts[0]).pvalue)
    pooled = np.sqrt((179 * parts[1].var() + 119 * parts[0].var()) / 298)
    assert row.d == pytest.approx(row.change / pooled * (1 - 3 / (4 * 298 - 1))) and row.d_lo < row.d < row.d_hi


def test_the_change_of_the_score_is_that_of_m03(frame):
    found = run(frame, recommend="recommend", recommend_scale=TEN).table.set_index(["measure", "group"])
    levels = nps(frame, y="recommend", scale=TEN, by="wave").table.set_index("group")
    pair = nps_compare(frame, y="recommend", scale=TEN, by="wave", against="2024").table.set_index("group").loc["2025"]
    row = found.loc[("nps", "2025")]
    assert (row.value, row.ci_lo, row.ci_hi) == pytest.approx(tuple(levels.loc["2025", ["nps", "ci_lo", "ci_hi"]]))
    assert (row.change, row.se_change, row.p) == pytest.approx((pair["diff"], pair.se_diff, pair.p))


def test_all_changes_are_one_family(frame):
    table = run(frame, recommend="recommend", recommend_scale=TEN).table
    assert table["p"].notna().sum() == 6
    assert (table["p_adj"].dropna() >= table["p"].dropna() - 1e-15).all()


def test_a_wave_without_answers_keeps_its_row_and_is_bridged(frame):
    found = run(frame[frame.wave != "2024"]).table.set_index(["measure", "group"])
    assert found.loc[("mean", "2024"), "status"] == "insufficient" and np.isnan(found.loc[("mean", "2024"), "value"])
    assert found.loc[("mean", "2025"), "previous"] == "2023" and found.loc[("mean", "2025"), "change"] > 0


def test_matched_persons_are_tested_in_pairs():
    rng = np.random.default_rng(2)
    person = rng.normal(7.5, 1.5, 80)
    before, now = person + rng.normal(0, 0.5, 80), person + 0.2 + rng.normal(0, 0.5, 80)
    frame = pd.DataFrame({"overall": np.r_[before, now], "wave": ["a"] * 80 + ["b"] * 80, "respondent": list(range(80)) * 2})
    scale = Scale(-5, 20, 0)
    row = waves(frame, y="overall", scale=scale, order=["a", "b"], respondent="respondent").table.iloc[1]
    assert row.se_change == pytest.approx((now - before).std(ddof=1) / np.sqrt(80))
    assert row.n_matched == 80
    alone = waves(frame, y="overall", scale=scale, order=["a", "b"]).table.iloc[1]
    assert alone.se_change > 2 * row.se_change


def test_locations_that_return_are_matched_as_clusters():
    rng = np.random.default_rng(4)
    place = np.repeat(np.arange(45), 6)
    level = rng.normal(7.5, 1, 45)[place]
    frame = pd.concat([pd.DataFrame({"overall": level + rng.normal(0, 0.8, 270), "wave": w, "location": place}) for w in "ab"])
    scale = Scale(0, 15, 0)
    matched = waves(frame, y="overall", scale=scale, order=["a", "b"], clusters="location").table.iloc[1]
    assert matched.n_matched == 45
    means = frame.groupby(["location", "wave"])["overall"].mean().unstack()
    assert matched.se_change == pytest.approx((means["b"] - means["a"]).std(ddof=1) / np.sqrt(45), rel=1e-9)


def test_frequency_weights_are_rows(frame):
    long = frame.loc[frame.index.repeat(frame["f"])]
    options = {"recommend": "recommend", "recommend_scale": TEN}
    a, b = run(frame, weights="f", weights_kind="frequency", **options).table, run(long, **options).table
    pd.testing.assert_frame_equal(a, b, check_dtype=False, rtol=1e-10)


def test_population_may_differ_by_wave():
    frame = pd.DataFrame({"overall": [8.0, 6, 9, 7] * 2, "wave": list("aaaabbbb"), "location": list("xxyy") * 2})
    population = {"a": {"x": 30, "y": 10}, "b": {"x": 10, "y": 30}}
    table = waves(frame, y="overall", scale=GRADES, order=["a", "b"], strata="location", population=population).table
    assert table["value"][:2].tolist() == pytest.approx([7.25, 7.75])


def test_scales_without_delight_or_promoters_leave_those_out():
    frame = pd.DataFrame({"overall": [1.0, 2, 3, 2], "wave": list("aabb")})
    table = waves(frame, y="overall", scale=Scale(1, 3), order=["a", "b"], recommend="overall", recommend_scale=Scale(1, 3)).table
    assert table["measure"].unique().tolist() == ["mean"]


def test_unknown_waves_are_refused(frame):
    with pytest.raises(InputError, match="1999"):
        run(frame, order=["1999"])


def mixed(p_before=0.5, p_now=0.8, shift=0.0, n=400, seed=3):
    """Two kinds of customers, one graded two points lower; their shares and their grades change from wave to wave."""
    rng = np.random.default_rng(seed)
    kind = np.r_[rng.random(n) < p_before, rng.random(n) < p_now]
    wave = np.repeat(["a", "b"], n)
    y = 8.0 - 2 * kind + shift * (wave == "b") + rng.normal(0, 1, 2 * n)
    other = rng.choice(["x", "y", "z"], 2 * n)
    return pd.DataFrame({"overall": y, "wave": wave, "kind": np.where(kind, "new", "old"), "other": other, "f": rng.integers(1, 3, 2 * n)})


def divided(frame, composition, **options):
    options = {"y": "overall", "scale": Scale(0, 15, 0), "order": ["a", "b"], "composition": composition, **options}
    return waves(frame.assign(overall=frame["overall"].clip(0, 15)), **options)


def test_mix_and_rate_by_hand_as_kitagawa_divides_them():
    frame = mixed(shift=0.5)
    row = divided(frame, ["kind"]).table.iloc[1]
    share = frame.groupby("wave")["kind"].value_counts(normalize=True).unstack()
    mean = frame.groupby(["wave", "kind"])["overall"].mean().unstack()
    mix = ((share.loc["b"] - share.loc["a"]) * (mean.loc["a"] + mean.loc["b"]) / 2).sum()
    rate = ((share.loc["a"] + share.loc["b"]) / 2 * (mean.loc["b"] - mean.loc["a"])).sum()
    assert (row.mix_part, row.rate_part) == pytest.approx((mix, rate))
    assert row.mix_part + row.rate_part == pytest.approx(row.change)
    assert row.adjusted_change == pytest.approx((share.loc["b"] * (mean.loc["b"] - mean.loc["a"])).sum())


def test_the_adjusted_level_is_the_poststratified_mean():
    frame = mixed()
    table = divided(frame, ["kind"]).table.set_index(["measure", "group"])
    share = frame[frame.wave == "b"]["kind"].value_counts(normalize=True)
    expected = (frame[frame.wave == "a"].groupby("kind")["overall"].mean() * share).sum()
    assert table.loc[("mean", "a"), "adjusted"] == pytest.approx(expected)
    assert table.loc[("mean", "b"), ["adjusted", "adjusted_lo"]].tolist() == table.loc[("mean", "b"), ["value", "ci_lo"]].tolist()
    assert table.loc[("mean", "b"), "adjusted_change"] == pytest.approx(table.loc[("mean", "b"), "value"] - expected)


def test_poststratified_means_agree_with_the_survey_package(shared, golden):
    import json

    folder = shared / "reference" / "survey"
    frame = pd.read_csv(folder / "apiclus1.csv")
    reference = json.loads((folder / "apiclus1.json").read_text())["poststratification"]
    target = {"E": 4421, "H": 755, "M": 1018}
    population = pd.DataFrame({"api00": 500.0, "stype": np.repeat(list(target), list(target.values())), "wave": "b"})
    both = pd.concat([frame.assign(wave="a"), population], ignore_index=True)
    found = waves(both, y="api00", scale=Scale(0, 2000, 0), order=["a", "b"], composition=["stype"])
    golden(
        found.table.iloc[0]["adjusted"],
        np.ravel(list(reference["mean_api00"]["est"].values()))[0],
        method="M38 post-stratified mean",
        package="survey 4.1-1",
        data="apiclus1",
        tolerance=1e-8,
        relative=True,
    )


@pytest.mark.long
def test_the_error_of_the_parts_is_that_of_repeated_samples():
    parts = pd.DataFrame([divided(mixed(shift=0.3, n=250, seed=s), ["kind", "other"]).table.iloc[1] for s in range(200)])
    for name in ("mix_part", "rate_part", "adjusted_change"):
        half = ((parts[f"{name}_hi"] - parts[f"{name}_lo"]) / 2).astype(float).mean()
        assert half == pytest.approx(1.96 * parts[name].astype(float).std(), rel=0.15), name


def test_a_change_of_the_mix_alone_is_no_change_of_the_rate():
    row = divided(mixed(shift=0.0), ["kind", "other"]).table.iloc[1]
    assert row.p < 0.001 and row.mix_part_hi < 0 and row.rate_part_lo < 0 < row.rate_part_hi
    calm = divided(mixed(0.5, 0.5, shift=-0.8), ["kind"]).table.iloc[1]
    assert calm.rate_part_hi < 0 and calm.mix_part_lo < 0 < calm.mix_part_hi


def test_without_real_change_most_swings_stay_below_root_two_half_widths(frame):
    table = run(frame, recommend="recommend", recommend_scale=TEN).table.set_index(["measure", "group"])
    row = table.loc[("nps", "2025")]
    halves = [stats.norm.ppf(0.975) * np.sqrt(row.se_change**2 / 2)] * 2
    assert row.swing == pytest.approx(np.sqrt(2) * halves[0]) and row.mdc == pytest.approx(row.swing * (1.959964 + 0.841621) / 1.959964)


def test_small_categories_are_joined_and_columns_without_room_left_out():
    frame = mixed(n=100)
    frame["code"] = np.arange(200).astype(str)
    frame["rare"] = np.where(np.arange(200) % 100 < 3, "odd", "usual")
    found = divided(frame, ["kind", "code", "rare"])
    assert found.note("composition_left_out").values["columns"] == ["code", "rare"]
    assert found.table.iloc[1].mix_part + found.table.iloc[1].rate_part == pytest.approx(found.table.iloc[1].change)
    lonely = divided(frame[::8], ["kind"]).table
    assert lonely[["mix_part", "adjusted_change"]].isna().all(axis=None)


def test_unknown_makeup_is_a_category_of_its_own():
    frame = mixed()
    frame.loc[::7, "kind"] = None
    row = divided(frame, ["kind"]).table.iloc[1]
    same = divided(frame.assign(kind=frame["kind"].fillna("?")), ["kind"]).table.iloc[1]
    assert row.mix_part == pytest.approx(same.mix_part) and row.mix_part + row.rate_part == pytest.approx(row.change)


def test_location_and_its_label_say_one_thing():
    frame = mixed()
    frame["label"] = frame["kind"].str.upper()
    one, two = divided(frame, ["kind"]).table.iloc[1], divided(frame, ["kind", "label"]).table.iloc[1]
    columns = ["mix_part", "mix_part_lo", "rate_part", "adjusted_change_p"]
    assert two[columns].tolist() == pytest.approx(one[columns].tolist())


def test_parts_take_frequency_weights_as_rows_and_equal_weights_as_none():
    frame = mixed()
    names = ["mix_part", "mix_part_lo", "rate_part_hi", "adjusted_change", "adjusted", "adjusted_lo"]
    a = divided(frame, ["kind", "other"], weights="f", weights_kind="frequency").table[names]
    b = divided(frame.loc[frame.index.repeat(frame["f"])], ["kind", "other"]).table[names]
    pd.testing.assert_frame_equal(a, b, rtol=1e-9)
    one = divided(frame.assign(w=3.0).sample(frac=1, random_state=1), ["kind", "other"], weights="w").table[names]
    pd.testing.assert_frame_equal(one, divided(frame, ["kind", "other"]).table[names], rtol=1e-10)


def test_persons_who_return_make_the_rate_surer():
    rng = np.random.default_rng(5)
    person = rng.normal(7.5, 1.5, 120)
    kind = np.where(rng.random(120) < 0.5, "x", "y")
    y = np.r_[person + rng.normal(0, 0.4, 120), person + 0.2 + rng.normal(0, 0.4, 120)]
    frame = pd.DataFrame({"overall": y, "wave": ["a"] * 120 + ["b"] * 120, "kind": np.r_[kind, kind], "respondent": list(range(120)) * 2})
    row = divided(frame, ["kind"], respondent="respondent").table.iloc[1]
    alone = divided(frame, ["kind"]).table.iloc[1]
    assert row.mix_part == pytest.approx(0, abs=1e-12) and row.rate_part == pytest.approx(row.change)
    assert (row.rate_part_hi - row.rate_part_lo) < 0.5 * (alone.rate_part_hi - alone.rate_part_lo)


@pytest.mark.parametrize("design", [{"strata": "place", "population": {"p": 900, "q": 300}}, {"clusters": "site"}, {"weights": "w"}])
def test_parts_add_up_under_every_design(design):
    rng = np.random.default_rng(4)
    frame = mixed(shift=0.4).assign(w=rng.uniform(0.5, 2, 800), place=rng.choice(["p", "q"], 800), site=np.arange(800) % 50)
    row = divided(frame, ["kind"], **design).table.iloc[1]
    assert row.mix_part + row.rate_part == pytest.approx(row.change, abs=1e-10)
    assert row.mix_part_lo < row.mix_part < row.mix_part_hi and row.rate_part_p < 0.05
    same = divided(frame.sample(frac=1, random_state=2).assign(kind=lambda f: f["kind"].map({"new": "b", "old": "a"})), ["kind"], **design)
    assert same.table.iloc[1][["mix_part", "mix_part_lo", "rate_part_hi"]].tolist() == pytest.approx(
        row[["mix_part", "mix_part_lo", "rate_part_hi"]].tolist()
    )


def test_the_change_within_locations_is_the_adjusted_change():
    """With the location in the composition, another spread of answers over locations is mix, and only the rest is rate."""
    rng = np.random.default_rng(7)
    place = np.r_[rng.choice(6, 600, p=[0.3, 0.3, 0.1, 0.1, 0.1, 0.1]), rng.choice(6, 600, p=[0.1, 0.1, 0.1, 0.1, 0.3, 0.3])]
    level = np.linspace(6, 9, 6)
    y = level[place] + np.repeat([0.0, 0.3], 600) + rng.normal(0, 1, 1200)
    frame = pd.DataFrame({"overall": y, "wave": np.repeat(["a", "b"], 600), "location": place.astype(str)})
    row = divided(frame, ["location"]).table.iloc[1]
    assert row.change > 0.9 and row.adjusted_change_lo < 0.3 < row.adjusted_change_hi and row.mix_part == pytest.approx(0.96, abs=0.15)


@pytest.mark.parametrize("kind", [int, float, str])
def test_waves_are_known_by_their_names_whatever_kind_of_column_holds_them(kind):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"overall": rng.integers(4, 11, 120).astype(float), "wave": np.repeat([2019, 2021], 60)})
    wanted = waves(frame.astype({"wave": str}), y="overall", scale=GRADES, order=["2019", "2021"]).table
    for order in (["2019", "2021"], [2019, 2021]):
        found = waves(frame.assign(wave=frame["wave"].astype(kind)), y="overall", scale=GRADES, order=order).table
        pd.testing.assert_frame_equal(found, wanted)
    with pytest.raises(InputError, match="holds none of the waves 2020"):
        waves(frame, y="overall", scale=GRADES, order=[2020])


def test_a_mix_that_the_design_has_fixed_is_no_finding():
    """Where locations are strata that count by their customers, nobody else can have answered: what rounding leaves has no p-value."""
    rng = np.random.default_rng(3)
    place = np.repeat(["x", "y", "z"], [60, 35, 25])
    waves_of = [pd.DataFrame({"wave": w, "place": place, "overall": np.clip(rng.normal(7.4, 1.3, 120).round(), 1, 10)}) for w in "ab"]
    frame, customers = pd.concat(waves_of, ignore_index=True), {"x": 90, "y": 71, "z": 130}
    table = divided(frame, ["place"], scale=GRADES, strata="place", population=customers).table
    table = table[(table["measure"] == "mean") & (table["group"] == "b")]
    row = table.iloc[-1]
    assert row.mix_part == pytest.approx(0, abs=1e-12) and np.isnan(row.mix_part_p) and np.isnan(row.mix_part_p_adj)
    assert row.rate_part == pytest.approx(row.change) and row.rate_part_p < 1

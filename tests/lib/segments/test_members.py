import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.estimate import Design, sample
from delight.result import Result
from delight.segments.members import at_least, composition, measures, membership, net, outcomes, who


def assignment(chances, names=("a", "b")):
    """An assignment with given posteriors."""
    chances = np.asarray(chances, dtype=float)
    table = pd.DataFrame({f"post_{n}": chances[:, k] for k, n in enumerate(names)})
    gone = np.isnan(chances[:, 0])
    table["segment"] = np.where(gone, None, np.array(names, dtype=object)[np.nan_to_num(chances).argmax(axis=1)])
    return Result.of("M17.assignment", table, segments=list(names))


def uncertain(n, seed=0):
    """Two classes measured with one noisy indicator, and grades that differ by class."""
    rng = np.random.default_rng(seed)
    k = (rng.random(n) < 0.4).astype(int)
    signal = rng.normal(2.0 * k, 1.0)
    odds = 0.4 / 0.6 * np.exp(2.0 * signal - 2.0)
    chance = odds / (1 + odds)
    grade = rng.normal(np.where(k, 9.0, 7.0), 1.0)
    return pd.DataFrame({"grade": grade, "k": k}), assignment(np.column_stack([1 - chance, chance]))


def test_certain_assignment_gives_plain_group_means():
    frame = pd.DataFrame({"y": [8.0, 9, 10, 5, 6, 7], "city": list("xxyxyy")})
    sure = assignment([[1, 0]] * 3 + [[0, 1]] * 3)
    table = outcomes(frame, sure, measures={"mean": "y", "high": ("y", at_least(9))}).table
    assert table.query("measure == 'mean'")["value"].tolist() == [9, 6]
    assert table.query("measure == 'high'")["value"].tolist() == pytest.approx([2 / 3, 0])
    assert who(frame, sure, by=["city"]).table.query("group == 'x'")["share"].tolist() == pytest.approx([2 / 3, 1 / 3])
    mixed = composition(frame, sure, by=["whole", "city"]).table
    assert mixed.query("by == 'whole'")["share"].tolist() == pytest.approx([0.5, 0.5])
    assert mixed.query("group == 'x'")["share"].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_the_standard_error_of_certain_classes_is_that_of_their_mean():
    rng = np.random.default_rng(1)
    y = rng.normal(size=200)
    frame, sure = pd.DataFrame({"y": y}), assignment([[1, 0]] * 120 + [[0, 1]] * 80)
    first = outcomes(frame, sure, measures={"mean": "y"}).table.iloc[0]
    assert first.se == pytest.approx(y[:120].std() / np.sqrt(120) * np.sqrt(200 / 199))


def test_means_of_classes_are_recovered_where_modal_assignment_blurs_them():
    values, modal, inside = [], [], 0
    for seed in range(60):
        frame, given = uncertain(800, seed)
        table = outcomes(frame, given, measures={"mean": "grade"}).table
        values.append(table["value"]), modal.append(table["modal"])
        inside += int(table["value_lo"][0] <= 7 <= table["value_hi"][0]) + int(table["value_lo"][1] <= 9 <= table["value_hi"][1])
    assert np.mean(values, axis=0) == pytest.approx([7, 9], abs=0.03)
    assert np.mean(modal, axis=0)[1] < 8.8 and np.mean(modal, axis=0)[0] > 7.15
    assert 0.89 <= inside / 120 <= 1  # Monte-Carlo interval of 95 % over 120


def test_the_share_of_a_segment_in_a_group_is_recovered():
    frame, given = uncertain(4000, 3)
    frame["side"] = np.where(np.random.default_rng(9).random(4000) < np.where(frame["k"], 0.8, 0.2), "left", "right")
    table = composition(frame, given, by=["side"]).table
    truth = frame.query("side == 'left'")["k"].mean()
    left = table.query("group == 'left' and segment == 'b'").iloc[0]
    assert left.share_lo < truth < left.share_hi
    assert (left.n, left.status) == (int((frame["side"] == "left").sum()), "assumption_warning")  # certainty .84


def test_segments_alike_are_not_told_apart():
    rng = np.random.default_rng(0)
    frame, given = uncertain(1000, 5)
    frame["noise"], frame["city"] = rng.normal(size=1000), rng.choice(list("xyz"), 1000)
    assert outcomes(frame, given, measures={"mean": "noise"}).table["p"].iloc[0] > 0.01
    assert (who(frame, given, by=["city"]).table["q"] > 0.01).all()
    assert outcomes(frame, given, measures={"mean": "grade"}).table["q"].iloc[0] < 0.001


def test_missing_answers_and_respondents_without_a_segment_are_counted():
    frame = pd.DataFrame({"y": [8.0, np.nan, 10, 5, 6, 7], "city": ["x", None, "x", "y", "y", "x"]})
    sure = assignment([[1, 0]] * 3 + [[0, 1]] * 2 + [[np.nan, np.nan]])
    table = outcomes(frame, sure, measures={"mean": "y"}).table
    assert table[["n", "n_missing"]].to_numpy().tolist() == [[2, 1], [2, 0]]
    whole = composition(frame, sure, by=["whole"])
    assert whole.table["n"].tolist() == [5, 5] and whole.meta["n_dropped_missing"] == 1
    assert who(frame, sure, by=["city"]).table.query("segment == 'a'")[["n", "n_missing"]].iloc[0].tolist() == [2, 1]


def test_frequencies_are_respondents_and_equal_weights_change_nothing():
    frame, given = uncertain(300, 2)
    twice = pd.concat([frame, frame], ignore_index=True)
    doubled = given.with_table(pd.concat([given.table, given.table], ignore_index=True))
    columns = ["value", "value_lo", "value_hi", "se", "n", "p"]
    one = outcomes(twice, doubled, measures={"mean": "grade"}).table[columns]
    other = outcomes(frame.assign(w=2), given, measures={"mean": "grade"}, weights="w", weights_kind="frequency").table[columns]
    assert other.to_numpy(dtype=float) == pytest.approx(one.to_numpy(dtype=float))
    plain = outcomes(frame, given, measures={"mean": "grade"}).table[columns]
    equal = outcomes(frame.assign(w=3.0), given, measures={"mean": "grade"}, weights="w").table[columns]
    assert equal.to_numpy(dtype=float) == pytest.approx(plain.to_numpy(dtype=float), rel=1e-12)


def test_an_assignment_close_to_chance_is_not_corrected():
    chances = np.column_stack([np.linspace(0.49, 0.51, 100), np.linspace(0.51, 0.49, 100)])
    hopeless = outcomes(pd.DataFrame({"y": np.arange(100.0)}), assignment(chances), measures={"mean": "y"})
    assert (hopeless.table["status"] == "not_identified").all() and hopeless.table["value"].isna().all()
    assert hopeless.note("uncorrectable") is not None


def test_an_uncertain_assignment_says_that_its_intervals_are_too_narrow():
    rng = np.random.default_rng(0)
    k = rng.integers(0, 2, 600)
    chance = 1 / (1 + np.exp(-1.4 * rng.normal(1.4 * (k - 0.5), 1.0)))
    unsure = outcomes(pd.DataFrame({"y": rng.normal(size=600)}), assignment(np.column_stack([1 - chance, chance])), measures={"mean": "y"})
    assert (unsure.table["status"] == "assumption_warning").all() and 0.6 < unsure.note("uncertain_segments").values["certainty"] < 0.85
    sure = outcomes(pd.DataFrame({"y": rng.normal(size=600)}), assignment(np.eye(2)[k]), measures={"mean": "y"})
    assert (sure.table["status"] == "ok").all() and sure.note("uncertain_segments") is None


def test_an_assignment_of_other_respondents_is_refused():
    frame = pd.DataFrame({"y": [1.0, 2.0], "respondent": ["p", "q"]})
    given = assignment([[1, 0], [0, 1]])
    with pytest.raises(InputError, match="other respondents: 1 of 2"):
        outcomes(frame, given.with_table(given.table.assign(respondent=["p", "x"])), measures={"mean": "y"})
    with pytest.raises(InputError, match="2 rows where the table has 1"):
        outcomes(frame.head(1), given, measures={"mean": "y"})


def test_net_promoters_are_counted_from_nine_and_to_six():
    assert net(np.array([10, 9, 8, 7, 6, 0])).tolist() == [100, 100, 0, 0, -100, -100]


def test_without_segments_everybody_stands_together():
    nobody = assignment([[1.0, 0.0]] * 4).with_table(pd.DataFrame({"segment": [None] * 4}), meta={"segments": []})
    table = outcomes(pd.DataFrame({"y": [6.0, 8, 9, np.nan]}), nobody, measures=measures(overall="y", delight_from=9)).table
    assert table[["by", "group", "measure"]].to_numpy().tolist() == [["whole", "", "mean"], ["whole", "", "share_delighted"]]
    assert table["value"].tolist() == pytest.approx([23 / 3, 1 / 3]) and table["n"].tolist() == [3, 3]


def test_membership_is_one_where_it_is_certain_and_adds_up_to_one_where_it_is_not():
    sure = membership(assignment([[1, 0]] * 3 + [[0, 1]] * 2 + [[np.nan, np.nan]]))
    assert sure.to_numpy() == pytest.approx(np.array([[1, 0]] * 3 + [[0, 1]] * 2 + [[np.nan, np.nan]]), nan_ok=True)
    _, given = uncertain(500, 1)
    weights = membership(given)
    assert weights.sum(axis=1).to_numpy() == pytest.approx(1) and (weights.to_numpy() < 0).any()
    assert weights.mean().to_numpy() == pytest.approx(given.table.filter(like="post_").mean().to_numpy(), abs=1e-12)


def by_location(n, seed, rate):
    """Two classes of customers of forty locations, of which a share `rate` of all customers answers."""
    frame, given = uncertain(n, seed)
    frame["location"] = np.arange(n) % 40
    frame["grade"] += np.linspace(-0.5, 0.5, 40)[frame["location"]]
    kept = np.sort(np.random.default_rng(seed + 500).permutation(n)[: int(rate * n)])
    part = given.with_table(given.table.iloc[kept].reset_index(drop=True))
    return frame, frame.iloc[kept].reset_index(drop=True), part


def test_certain_segments_of_surveyed_locations_have_the_variance_of_the_design():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"y": rng.normal(size=400), "h": np.arange(400) % 8})
    sure = assignment(np.repeat([[1.0, 0.0], [0.0, 1.0]], 200, axis=0))
    design = {"strata": "h", "population": dict.fromkeys(range(8), 80)}
    one = outcomes(frame, sure, measures={"mean": "y"}, **design).table.iloc[0]
    core = Design(sample(frame, ["y"]), **design).mean(frame["y"], np.arange(400) < 200)
    assert one["value"] == pytest.approx(core.value) and one.se == pytest.approx(core.se, rel=0.02)
    plain = outcomes(frame, sure, measures={"mean": "y"}).table.iloc[0]
    assert one.se < 0.75 * plain.se  # half of the customers answered: (1 - 1/2) of the variance


def test_a_census_leaves_the_uncertainty_of_who_belongs_where():
    inside, width = 0, []
    for seed in range(40):
        frame, part, given = by_location(1600, seed, rate=1.0)
        truth = frame.groupby("k")["grade"].mean()
        table = outcomes(part, given, measures={"mean": "grade"}, strata="location", population=dict.fromkeys(range(40), 40)).table
        inside += int(((table["value_lo"] <= truth) & (table["value_hi"] >= truth)).sum())
        width.append(table["se"].mean())
    assert min(width) > 0.01 and 0.88 <= inside / 80 <= 1


def test_the_finite_population_narrows_intervals_and_they_still_cover():
    inside, ratio = 0, []
    for seed in range(40):
        frame, part, given = by_location(2000, seed, rate=0.6)
        truth = frame.groupby("k")["grade"].mean()
        table = outcomes(part, given, measures={"mean": "grade"}, strata="location", population=dict.fromkeys(range(40), 50)).table
        plain = outcomes(part, given, measures={"mean": "grade"}).table
        inside += int(((table["value_lo"] <= truth) & (table["value_hi"] >= truth)).sum())
        ratio.append((table["se"] / plain["se"]).mean())
    assert np.mean(ratio) < 0.9 and 0.88 <= inside / 80 <= 1


def test_locations_that_are_a_sample_widen_the_intervals_of_what_varies_between_them():
    frame, part, given = by_location(2000, 3, rate=1.0)
    part["grade"] += np.random.default_rng(1).normal(0, 1.0, 40)[part["location"]]
    alone = outcomes(part, given, measures={"mean": "grade"}).table
    spread = outcomes(part, given, measures={"mean": "grade"}, clusters="location").table
    assert spread["value"].to_numpy() == pytest.approx(alone["value"].to_numpy()) and (spread["se"] > 1.5 * alone["se"]).all()


def test_one_column_may_be_named_without_a_list():
    frame, given = uncertain(300)
    frame["region"] = np.where(np.arange(300) % 3, "north", "south")
    for method in (composition, who):
        one, listed = (method(frame, given, by=by).table for by in ("region", ["region"]))
        pd.testing.assert_frame_equal(one, listed)

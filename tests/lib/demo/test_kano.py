"""The Kano questions of the demo: the planted categories, what the answers blur, and that nothing else changes by them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from delight.demo import Truth, generate
from delight.drivers import kano, migration
from delight.errors import InputError

KANO = ("A", "O", "M", "I", "R")


@pytest.fixture(scope="module")
def truth():
    return Truth.load()


@pytest.fixture(scope="module")
def demo(truth):
    return generate(truth, with_comments=False)


@pytest.fixture(scope="module")
def large(truth):
    return generate(truth.clean().sized(40_000), with_comments=False)


def pairs_of(truth):
    return {name: (f"{name}_with", f"{name}_without") for name in truth.kano["features"]}


def test_the_newest_two_waves_ask_and_the_first_does_not(demo, truth):
    columns = [c for pair in pairs_of(truth).values() for c in pair]
    asked = demo.responses[columns].notna().any(axis=1).groupby(demo.responses["wave"]).mean()
    assert asked["2024-1"] == 0 and (asked[["2024-2", "2025-1"]] == 1).all()
    assert not set(columns) & set(demo.export("2024-1").columns)
    assert set(columns) <= set(demo.export("2024-2").columns) & set(demo.export("2025-1").columns)


def test_the_kano_questions_leave_every_other_answer_as_it_was(truth):
    without = replace(truth, kano={**truth.kano, "features": {}})
    plain, full = generate(without.sized(300)), generate(truth.sized(300))
    assert set(full.responses) - set(plain.responses) == {c for pair in pairs_of(truth).values() for c in pair}
    pd.testing.assert_frame_equal(plain.responses, full.responses[plain.responses.columns])
    for wave in truth.demo["waves"]:
        raw = plain.export(wave)
        pd.testing.assert_frame_equal(raw, full.export(wave)[raw.columns])


def test_attentive_answers_have_the_planted_shares(large, truth):
    for later, wave in enumerate(("2024-2", "2025-1")):
        now = large.responses["wave"] == wave
        for name, (f, d) in pairs_of(truth).items():
            said = pd.Series(kano.categories(large.responses.loc[now, f], large.responses.loc[now, d]))
            found = said.value_counts(normalize=True).reindex(KANO, fill_value=0.0)
            planted = pd.Series(truth.kano_shares(name, later=later))[list(KANO)]
            np.testing.assert_allclose(found, planted, atol=0.02, err_msg=f"{name} {wave}")


def test_groups_have_their_own_shares(large, truth):
    now = (large.responses["wave"] == "2025-1").to_numpy()
    for segment in truth.segments:
        inside = now & (large.hidden["segment"] == segment).to_numpy()
        said = kano.categories(large.responses.loc[inside, "meals_with"], large.responses.loc[inside, "meals_without"])
        assert (said == "A").mean() == pytest.approx(truth.kano_shares("meals", segment)["A"], abs=0.03)


def test_an_attentive_parent_answers_alike_unless_a_delight_wore_off(large, truth):
    for name, (f, d) in pairs_of(truth).items():
        said = large.responses.assign(said=kano.categories(large.responses[f], large.responses[d])).dropna(subset=["said"])
        both = said.pivot(index="respondent", columns="wave", values="said").dropna()
        moved = both[both["2024-2"] != both["2025-1"]]
        share = truth.kano["features"][name].get("to_O", 0.0)
        assert set(map(tuple, moved.to_numpy())) <= {("A", "O")}
        assert len(moved) / (both["2024-2"] == "A").sum() == pytest.approx(share, abs=0.02)


def test_what_is_planted_is_found_in_the_demo(demo, truth):
    pairs = pairs_of(truth)
    now = demo.responses[demo.responses["wave"] == "2025-1"]
    found = kano.classify(now, pairs=pairs, n_boot=200).table.set_index("attribute")
    wanted = {"photos": "A", "birthday": "A", "quick_answer": "M", "swap": "O", "meals": "I", "webcam": "I"}
    assert found["category"].to_dict() == wanted and found.index[found["r_flag"]].tolist() == ["webcam"]
    times = dict(zip(truth.demo["waves"], truth.demo["dates"]))
    options = dict(pairs=pairs, order=truth.demo["waves"], respondent="respondent")
    slopes = migration.trend(demo.responses, **options, times=times).table.set_index("attribute")
    assert slopes.index[slopes["cs_minus_slope_q"] <= 0.05].tolist() == ["photos"] and slopes.loc["photos", "cs_minus_slope"] > 0
    assert not (slopes["cs_plus_slope_q"] <= 0.05).any()  # who comes to count on it still wants it
    moves = migration.movement(demo.responses, **options).table.set_index("attribute")
    assert moves.index[moves["direction_q"] <= 0.05].tolist() == ["photos"] and moves.loc["photos", "down"] > moves.loc["photos", "up"]
    groups = kano.heterogeneity(now.assign(segment=demo.hidden["segment"]), pairs=pairs, by="segment").table.set_index("attribute")
    assert groups.index[groups["differs"]].tolist() == ["meals"]


def test_unreliable_and_mild_answers_blur_the_categories(demo, truth):
    """Without any change some parents move; never-disliking parents cannot be O or M."""
    states = demo.responses.dropna(subset=["birthday_with", "birthday_without"])
    states = states.assign(said=kano.categories(states["birthday_with"], states["birthday_without"]))
    both = states.pivot(index="respondent", columns="wave", values="said").dropna()
    assert 0.10 < (both["2024-2"] != both["2025-1"]).mean() < 0.35
    assert 0.005 < (states["said"] == "Q").mean() < 0.03
    assert truth.kano["mild"] > 0 and truth.kano["unreliable"] > 0


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "shares = { A = 0.68, O = 0.06",
            "shares = { A = 0.78, O = 0.06",
            "feature 'birthday': the shares are not of A, O, M, I, R or do not add up to 1",
        ),
        ("by_segment = { unburden = { A = 0.70", "by_segment = { unburdened = { A = 0.70", "feature 'meals' has shares for 'unburdened'"),
    ],
)
def test_impossible_shares_are_refused(truth, old, new, told):
    assert old in truth.text
    with pytest.raises(InputError, match=told):
        Truth.parse(truth.text.replace(old, new))

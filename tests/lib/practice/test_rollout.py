"""Acts that begin at several moments: each start against those that had not begun, also where effects grow and differ."""

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.estimate import fit_linear
from delight.practice import acts
from delight.practice.rollout import rollout
from delight.scales import Scale

WAVES = ["1", "2", "3", "4", "5"]
WIDE = Scale(-20, 40, 0)


def world(rng, *, starts=("3", "4", ""), each=8, size=20, effect=lambda g, t: 0.0, drift=0.0, noise=1.0, icc=0.3):
    """Answers of locations that begin at `starts`: `effect` of the start and the wave (0, 1, …), `drift` of those that ever begin."""
    names = [f"{c}{i:02}" for c in range(len(starts)) for i in range(each)]
    cohort, t = np.repeat(np.arange(len(starts)), each)[:, None], np.arange(len(WAVES))[None]
    g = np.array([WAVES.index(s) if s else len(WAVES) for s in starts])[cohort]
    acted = np.array([[effect(first, now) if now >= first else 0.0 for now in t[0]] for first in g[:, 0]])
    means = 7 + 0.4 * cohort + rng.normal(0, icc, (len(names), 1)) + 0.1 * t + acted + drift * t * (g < len(WAVES))
    answers = (means[:, :, None] + rng.normal(0, noise, (*means.shape, size))).ravel()
    frame = pd.DataFrame(
        {"location": np.repeat(names, len(WAVES) * size), "wave": np.tile(np.repeat(WAVES, size), len(names)), "overall": answers}
    )
    return frame, {name: starts[c] for name, c in zip(names, cohort[:, 0]) if starts[c]}


def told(frame, begun, **options):
    return rollout(frame, y="overall", scale=WIDE, begun=begun, waves=options.pop("waves", WAVES), **options)


def growing(g, t):
    """Grows with time, and is larger for those that began first."""
    return (0.6 if g == 2 else 0.2) * (t - g + 1)


# ---- by hand
def test_a_cohort_is_compared_with_those_that_had_not_begun():
    rows = {"a": (6, 8, 9), "b": (6, 8, 9), "c": (5, 6, 9), "d": (5, 6, 9), "n": (4, 5, 5), "m": (4, 5, 5)}
    frame = pd.DataFrame(
        [(p, w, float(v)) for p, values in rows.items() for w, v in zip("123", values)], columns=["location", "wave", "overall"]
    )
    found = told(frame, {"a": "2", "b": "2", "c": "3", "d": "3"}, waves=list("123"))
    effect = found.cohorts.table.set_index(["begun", "wave"])["effect"]
    assert effect["2", "2"] == (8 - 6) - 1  # c, d, n, m rose by 1
    assert effect["2", "3"] == (9 - 6) - 1  # n, m alone: c and d had begun
    assert effect["3", "3"] == (9 - 6) - 0
    assert effect["3", "1"] == -(6 - 5) + 1  # before it began; a and b had begun by the base
    assert found.events.table.set_index("event")["effect"].to_dict() == {-2: 0, 0: (1 + 3) / 2, 1: 2}
    assert found.whole.table["effect"][0] == (1 + 2 + 3) / 3
    assert found.whole.table["status"][0] == "low_base" and np.isnan(found.whole.table["ci_lo"][0])


def test_one_start_and_two_waves_is_the_plain_difference_of_differences():
    frame, begun = world(np.random.default_rng(1), starts=("2", ""), effect=lambda g, t: 0.5)
    frame = frame[frame["wave"].isin(["1", "2"])].sample(frac=0.9, random_state=1)
    one = told(frame, begun, waves=["1", "2"]).whole.table.iloc[0]
    other = acts.effect(frame, y="overall", scale=WIDE, treated=list(begun), before="1", after="2", n_boot=99).table.iloc[0]
    assert one["effect"] == pytest.approx(other["effect"], abs=1e-12) and one["se"] == pytest.approx(other["se"], rel=0.1)
    assert one["p_lot"] == pytest.approx(other["p_lot"], abs=0.02)


def test_without_noise_every_planted_effect_is_found_where_fixed_effects_miss_them():
    frame, begun = world(np.random.default_rng(2), effect=growing, noise=0, icc=1.0, size=2)
    found = told(frame, begun)
    for row in found.cohorts.table.itertuples():
        g, t = WAVES.index(row.begun), WAVES.index(row.wave)
        assert row.effect == pytest.approx(growing(g, t) if t >= g else 0, abs=1e-9)
    truth = np.mean([growing(g, t) for g in (2, 3) for t in range(g, 5)])
    assert found.whole.table["effect"][0] == pytest.approx(truth)
    on = [float(w >= begun.get(p, "9")) for p, w in zip(frame["location"], frame["wave"])]
    design = pd.get_dummies(frame[["location"]]).astype(float).join(pd.get_dummies(frame["wave"]).iloc[:, 1:].astype(float)).assign(on=on)
    assert abs(fit_linear(frame["overall"], design).coef[-1] - truth) > 0.2


def test_the_error_of_one_start_is_that_of_two_means_of_changes():
    frame, begun = world(np.random.default_rng(3), starts=("2", ""))
    row = told(frame, begun, waves=["1", "2"]).whole.table.iloc[0]
    means = frame[frame["wave"] < "3"].groupby(["location", "wave"])["overall"].mean().unstack()
    change = means["2"] - means["1"]
    on = change.index.isin(list(begun))
    welch = np.sqrt(change[on].var() / on.sum() + change[~on].var() / (~on).sum())  # equal sizes: HC2 is Welch
    assert row["se"] == pytest.approx(welch) and row["locations_treated"] == 8
    v = [change[side].var() / 8 for side in (on, ~on)]
    assert row["df"] == pytest.approx(sum(v) ** 2 / (v[0] ** 2 / 7 + v[1] ** 2 / 7))


# ---- before the act
def test_a_drift_before_the_act_is_found_and_measured():
    frame, begun = world(np.random.default_rng(4), starts=("4", "5", ""), drift=0.4, each=12, size=40)
    row = told(frame, begun).whole.table.iloc[0]
    assert row["p_drift"] < 0.01 and row["drift_lo"] < 0.4 < row["drift_hi"] and row["drift_lo"] > 0
    assert row["full_lo"] < row["half_lo"] < row["ci_lo"] and row["full_hi"] > row["half_hi"] > row["ci_hi"]


def test_what_a_drift_would_have_to_be_is_said():
    frame, begun = world(np.random.default_rng(5), effect=lambda g, t: 1.5, each=10)
    row = told(frame, begun).whole.table.iloc[0]
    assert row["drift_seen"] > 0 and row["holds_to"] > 1 and row["full_lo"] > 0
    # granting that many steps, the interval just touches zero
    step = (row["ci_lo"] - row["full_lo"]) * row["holds_to"]
    assert row["ci_lo"] - step == pytest.approx(0, abs=1e-9)


def test_without_a_wave_before_the_base_nothing_is_said_of_a_drift():
    frame, begun = world(np.random.default_rng(6), starts=("2", ""))
    found = told(frame, begun)
    assert np.isnan(found.whole.table["p_drift"][0]) and found.whole.note("no_waves_before")


# ---- edges
def test_invariances():
    frame, begun = world(np.random.default_rng(7), effect=growing)
    frame["overall"] = frame["overall"].round()
    plain = told(frame, begun)
    shuffled = told(frame.sample(frac=1, random_state=1), begun)
    weighed = told(frame.assign(w=2.5), begun, weights="w")
    twice, counted = told(pd.concat([frame, frame]), begun), told(frame.assign(w=2), begun, weights="w", weights_kind="frequency")
    for one, other in ((plain, shuffled), (plain, weighed), (twice, counted)):
        for a, b in zip(one, other):
            pd.testing.assert_frame_equal(a.table, b.table, check_dtype=False, atol=1e-9)


def test_a_pilot_alone_and_those_that_always_had_it_are_named_and_left_out():
    frame, begun = world(np.random.default_rng(8), starts=("2", "3", ""))
    pilot = {p: w for p, w in begun.items() if w == "3"} | {"000": "2", "001": "1"}
    found = told(frame[~frame["location"].isin([f"00{i}" for i in range(2, 8)])], pilot)
    assert found.whole.note("always").values == {"locations": 1} and found.whole.note("alone").values == {"locations": 1}
    assert set(found.cohorts.table["begun"]) == {"3"}


def test_missing_scores_are_counted_and_missing_waves_do_not_stop_it():
    frame, begun = world(np.random.default_rng(9))
    frame.loc[:4, "overall"] = np.nan
    frame = frame[~((frame["location"] == "203") & (frame["wave"] == "3"))]
    row = told(frame, begun).whole.table.iloc[0]
    assert row["n_missing"] == 5 and row["n"] == len(frame) - 5 and np.isfinite(row["effect"])


def test_events_that_are_no_neighbours_grant_no_step():
    frame, begun = world(np.random.default_rng(15), starts=("4", ""))
    gone = frame["location"].isin(list(begun)) & (frame["wave"] == "2")
    found = told(frame[~gone], begun)
    assert found.events.table["event"].tolist() == [-3, 0, 1]
    row = found.whole.table.iloc[0]
    assert np.isfinite(row["ci_lo"]) and np.isfinite(row["p_drift"]) and np.isnan(row["full_lo"]) and np.isnan(row["holds_to"])


def test_when_all_begin_at_once_there_is_nothing_to_compare():
    frame, begun = world(np.random.default_rng(10), starts=("3",))
    found = told(frame, begun)
    assert found.whole.table["status"][0] == "insufficient" and not len(found.cohorts.table)


def test_the_band_holds_all_events_and_is_wider():
    frame, begun = world(np.random.default_rng(11), each=10)
    t = told(frame, begun).events.table
    assert (t["band_lo"] < t["ci_lo"]).all() and (t["band_hi"] > t["ci_hi"]).all()


def test_lots_stay_within_blocks():
    frame, begun = world(np.random.default_rng(12), starts=("3", ""), each=2, effect=lambda g, t: 3.0)
    blocks = {"000": 1, "001": 2, "100": 1, "101": 2}
    free, kept = (told(frame, begun, blocks=b).whole.table["p_lot"][0] for b in (None, blocks))
    assert free == pytest.approx(2 / 6, abs=0.03) and kept == pytest.approx(2 / 4, abs=0.03)


def test_everything_wrong_is_listed_at_once():
    frame, _ = world(np.random.default_rng(13))
    with pytest.raises(InputError, match=r"no wave '9'; '8' in begun is none of the waves; there is no location 'Z'"):
        told(frame, {"Z": "8"}, waves=[*WAVES, "9"])


# ---- as often as it says
@pytest.mark.long
def test_intervals_hold_the_planted_effects_and_a_drift_that_is_not_there_is_seldom_found():
    rng, rounds, lots = np.random.default_rng(14), 300, 100
    truth = np.mean([growing(g, t) for g in (2, 3) for t in range(g, 5)])
    hits, band, false, lot = 0, 0, 0, 0
    for _ in range(rounds):
        means = {}
        frame, begun = world(rng, effect=growing, each=8, size=1, noise=0.35)
        found = told(frame, begun)
        row, events = found.whole.table.iloc[0], found.events.table
        hits += row["ci_lo"] <= truth <= row["ci_hi"]
        for e in events["event"]:
            sides = [growing(g, g + e) if e >= 0 else 0.0 for g in (2, 3) if 0 <= g + e < 5]
            means[e] = np.mean(sides)
        band += all(r.band_lo <= means[r.event] <= r.band_hi for r in events.itertuples())
        false += row["p_drift"] < 0.05
    for _ in range(lots):
        frame, _ = world(rng, starts=("", "", ""), each=4, size=1, noise=0.35)
        dealt = {f"{c}0{i}": "34"[c] for c in (0, 1) for i in range(4)}
        lot += told(frame, dealt).whole.table["p_lot"][0] <= 0.05
    assert 0.925 <= hits / rounds <= 0.985, hits
    assert 0.925 <= band / rounds <= 0.99, band
    assert false / rounds <= 0.075 and lot / lots <= 0.11, (false, lot)

"""What every method says of few locations and of weights that leave little: the same, wherever it is asked."""

import numpy as np
import pandas as pd
import pytest
from delight import loyalty, satisfaction
from delight.drivers import (
    controls,
    dominance,
    employees,
    grid,
    groups,
    importance,
    key_drivers,
    penalty_reward,
    regression,
    robustness,
    weakest,
    what_if,
)
from delight.errors import InputError
from delight.estimate import base_status
from delight.loyalty import relation
from delight.resample import two_sided_p
from delight.scales import Scale

GRADES, TEN = Scale(1, 10), Scale(0, 10)
X = ["basic", "sound", "one", "two"]
SCALES = {
    **dict.fromkeys([*X, "overall", "stated_one", "stated_two", "emotion", "warmth"], GRADES),
    "recommend": TEN,
    "stayed": Scale(0, 1),
}


def answers(n=420, seed=1):
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=n)

    def grade(pull=0.6, at=7.6):
        return np.clip(np.round(at + 1.7 * (pull * mood + np.sqrt(1 - pull**2) * rng.normal(size=n))), 1, 10)

    frame = pd.DataFrame({c: grade() for c in [*X, "stated_one", "stated_two", "emotion", "warmth"]})
    score = 0.35 * (frame["basic"] + frame["sound"]) + 0.15 * (frame["one"] + frame["two"]) + 0.4 * rng.normal(size=n)
    frame["overall"] = np.clip(np.round(score), 1, 10)
    frame["recommend"] = np.clip(np.round(frame["overall"] + rng.normal(0, 1.2, n)), 0, 10)
    frame["stayed"] = (rng.random(n) < 1 / (1 + np.exp(-(frame["overall"] - 6)))).astype(float)
    return frame.assign(house=[f"h{k}" for k in np.arange(n) % 50], spend=np.exp(4 + 0.1 * frame["overall"] + rng.normal(0, 0.3, n)))


def drivers(frame, **more):
    model = {"y": "overall", "x": X, "scales": {c: SCALES[c] for c in (*X, "overall")}, **more}
    draws = {"n_boot": 60}
    weighed, beaten = importance.importance(frame, **model, **draws), dominance.dominance(frame, **model, **draws)
    grouped = groups.group_shares(frame, **model, **draws, groups={"basic": "b", "sound": "b"})
    impact, panel = penalty_reward.effects(frame, **model, **draws), robustness.panel(frame, **model)
    staff = {"employee": ["one", "two"], "delight_from": 9}
    return {
        **{"importance": weighed.importance, "pairs": weighed.pairs, "dominance": beaten.pairs, "by_size": beaten.by_size},
        **dict(zip(("groups", "members", "group_pairs"), grouped)),
        **{"regression": regression.coefficients(frame, **model), "impact": impact, "panel": panel, "halo": controls.halo(frame, **model)},
        "imputed": controls.imputed(frame, **model, m=2, cycles=1),
        "sensitivity": penalty_reward.sensitivity(frame, **model),
        "weakest": weakest.weakest_link(frame, **{**model, "x": X[:2]}, others=X[2:]),
        "what_if": what_if.gains(frame, **model, **draws, delight_from=9),
        "dissatisfiers": key_drivers.dissatisfiers(frame, **model, **draws),
        "enhancers": key_drivers.enhancers(frame, **model, **draws),
        "share": employees.employee_share(frame, **model, **draws, **staff),
        "steps": employees.employee_steps(frame, **model, **staff),
        "grid": grid.grid(frame, **{**model, "scales": SCALES}, **draws, stated={"one": "stated_one", "two": "stated_two"}),
    }


def bonds(frame, **more):
    about = {"y": "recommend", "x": "overall", "scales": SCALES, **more}
    return {
        "curve": loyalty.curve(frame, **about, n_boot=60),
        "regression": loyalty.regression(frame, **about),
        "blocks": loyalty.blocks(frame, **about, rational=["basic"], emotional=["emotion"], n_boot=60),
        "rule": loyalty.rule(frame, **about, n_boot=60),
        "forms": loyalty.forms(frame, **about, n_boot=60),
        "mediation": relation.mediation(frame, **about, mediator="emotion", delight_from=9, n_boot=60).paths,
        "bond": relation.bond(
            frame, value="spend", x="overall", emotion="emotion", scales=SCALES, delight_from=8, bound_from=8, n_boot=60, **more
        ),
    }


def levels(frame, **more):
    about = {"y": "overall", "scale": GRADES, **more}
    return {
        "levels": satisfaction.levels(frame, **about, n_boot=60),
        "bands": satisfaction.bands(frame, **about),
        "nps": satisfaction.nps(frame, **{**about, "y": "recommend", "scale": TEN}),
        "compare": satisfaction.compare(frame.assign(half=np.where(np.arange(len(frame)) % 2, "a", "b")), by="half", **about).pairs,
        "waves": satisfaction.waves(frame.assign(wave="now"), order=["now"], **about),
    }


FAMILIES = {"drivers": drivers, "bonds": bonds, "levels": levels}


def limits(table):
    """Widths of the intervals of a table, by name."""
    names = [c[:-3] for c in table if c.endswith("_lo") and f"{c[:-3]}_hi" in table] + (["interval"] if {"lo", "hi"} <= set(table) else [])
    ends = {name: (f"{name}_lo", f"{name}_hi") if name != "interval" else ("lo", "hi") for name in names}
    return {name: table[hi].astype(float) - table[lo].astype(float) for name, (lo, hi) in ends.items()}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("houses", [1, 4])
def test_nothing_that_rests_on_fewer_than_six_locations_is_called_sound(family, houses):
    frame = answers()
    frame["house"] = [f"h{k}" for k in np.arange(len(frame)) % houses]
    for name, result in FAMILIES[family](frame, clusters="house").items():
        assert not result.table["status"].isin(["ok", "low_base"]).any(), (name, result.table["status"].unique())


@pytest.mark.parametrize("family", FAMILIES)
def test_one_location_tells_nothing_of_how_locations_differ_and_gives_no_interval(family):
    for name, result in FAMILIES[family](answers().assign(house="only"), clusters="house").items():
        told = {c for c, width in limits(result.table).items() if width.notna().any()}
        # what as many experiences picked at random would weigh, and the places of a bend that fit about as well, are no errors of sampling
        assert told <= {"expected", "set"}, (name, told)
        tests = [c for c in result.table if c == "p" or c.endswith(("_p", "p_adj"))]
        assert result.table[[c for c in tests if c not in ("excess_p", "excess_p_adj")]].isna().all(axis=None), (name, tests)


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_that_weights_leave_little_of_count_as_few(family):
    frame = answers(200).assign(w=np.where(np.arange(200) < 4, 400.0, 1.0))  # 4 answers speak for nearly all
    for name, result in FAMILIES[family](frame, weights="w").items():
        assert not (result.table["status"] == "ok").any(), (name, result.table["status"].unique())


def test_enough_answers_from_enough_locations_are_sound():
    for family in FAMILIES.values():
        for name, result in family(answers(), clusters="house").items():
            assert result.table["status"].isin(["ok", "low_base"]).any() or name in ("grid", "rule"), (
                name,
                result.table["status"].unique(),
            )


@pytest.mark.parametrize(
    ("about", "status"),
    [
        ({"n": 0}, "insufficient"),
        ({"n": 29, "model": True}, "insufficient"),
        ({"n": 29}, "low_base"),
        ({"n": 300, "n_eff": 29.9, "model": True}, "insufficient"),
        ({"n": 300, "n_eff": 40.0}, "low_base"),
        ({"n": 300, "n_eff": 900.0}, "ok"),
        ({"n": 300, "n_eff": np.nan}, "ok"),
        ({"n": 300, "clusters": 5}, "assumption_warning"),
        ({"n": 40, "clusters": 5}, "assumption_warning"),
        ({"n": 29, "clusters": 5, "model": True}, "insufficient"),
        ({"n": 300, "clusters": 6}, "ok"),
    ],
)
def test_a_status_goes_by_the_least_there_is(about, status):
    assert base_status(**about) == status


def test_mistakes_in_answers_and_weights_are_told_together():
    frame = answers(60).assign(w=-1.0, overall=99.0)
    for call in (
        lambda: regression.coefficients(frame, y="overall", x=X, scales=SCALES, weights="w"),
        lambda: key_drivers.dissatisfiers(frame, y="overall", x=X, scales=SCALES, weights="w"),
        lambda: loyalty.regression(frame, y="recommend", x="overall", scales=SCALES, weights="w"),
        lambda: satisfaction.levels(frame, y="overall", scale=GRADES, weights="w"),
    ):
        with pytest.raises(InputError, match=r"(?s)'overall': 60 of 60 .*'w': 60 negative weights"):
            call()


def test_draws_that_could_not_be_computed_are_no_evidence():
    draws = np.array([[np.nan, 1.0, np.nan], [np.nan, 2.0, 1.0], [np.nan, -1.0, 2.0]])
    assert two_sided_p(draws) == pytest.approx([np.nan, 2 * 2 / 4, 2 * 1 / 3], nan_ok=True)
    assert np.isnan(two_sided_p(draws[:, 0])) and np.isnan(two_sided_p(np.empty(0)))

"""What is said of firmness, mood, the weakest link, key dissatisfiers and other outcomes, in each language and when there is little to say."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers.controls import halo, lagged
from delight.drivers.grid import grid
from delight.drivers.importance import importance
from delight.drivers.key_drivers import dissatisfiers, enhancers
from delight.drivers.penalty_reward import effects
from delight.drivers.priorities import priorities
from delight.drivers.robustness import panel, stability
from delight.drivers.weakest import weakest_link
from delight.drivers.what_if import gains, outcomes
from delight.scales import Scale
from delight.show import drivers, render
from delight.show import impact as views
from delight.show.words import Words

NAMES = ["basic", "sound", "delight", "one", "two", "nil"]
SAID = {a: f"importance of {a}" for a in NAMES}
SCALES = {**{c: Scale(1, 10) for c in [*NAMES, *SAID.values()]}, "overall": Scale(0, 10), "recommend": Scale(0, 10), "again": Scale(1, 5)}
MODEL = {"y": "overall", "x": NAMES, "scales": SCALES}


def answers(n=900, seed=1):
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=n)
    x = {a: np.clip(np.round(7.8 + 1.7 * (0.6 * mood + 0.8 * rng.normal(size=n))), 1, 10) for a in NAMES}
    y = 7.6 + 0.6 * np.minimum(x["basic"] - 8, 0) + 0.5 * np.minimum(x["sound"] - 8, 0) + 0.75 * np.maximum(x["delight"] - 8, 0)
    y = y + 0.25 * (x["one"] - 8) + 0.2 * (x["two"] - 8) + rng.normal(scale=0.9, size=n)
    said = {c: np.clip(np.round(7 + k / 3 + rng.normal(size=n)), 1, 10) for k, c in enumerate(SAID.values())}
    frame = pd.DataFrame({**x, **said, "overall": np.clip(np.round(y), 0, 10)})
    frame["recommend"], frame["again"] = frame["overall"], np.clip(np.round(frame["overall"] / 2), 1, 5)
    return frame.assign(respondent=np.arange(n), wave="second")


def analysed(frame):
    earlier = frame.assign(wave="first", overall=frame["overall"].clip(0, 9))
    impact = effects(frame, **MODEL, n_boot=100)
    weight, found = importance(frame, **MODEL, n_boot=50).importance, panel(frame, **MODEL)
    models = {"recommend": {**MODEL, "y": "recommend"}, "repurchase": {**MODEL, "y": "again"}}
    return {
        "impact": impact,
        "stability": stability(impact, found),
        "panel": found,
        "halo": halo(frame, **MODEL),
        "weakest": weakest_link(frame, **{**MODEL, "x": ["basic", "sound"]}, others=["delight", "one", "two", "nil"]),
        "each": effects(frame, **MODEL, models="each", n_boot=0),
        "low": dissatisfiers(frame, **MODEL, n_boot=50),
        "high": enhancers(frame, **MODEL, n_boot=50),
        "outcomes": outcomes(frame, models, n_boot=50),
        "lagged": lagged(pd.concat([earlier, frame], ignore_index=True), **MODEL, before="first", after="second"),
        "grid": grid(frame, **MODEL, stated=SAID, n_boot=50),
        "order": priorities(impact, gains(frame, **MODEL, delight_from=9, n_boot=50), weight, scales=SCALES),
    }


READINGS = [
    (views.firmness, ["stability", "halo", "weakest"]),
    (views.firmness, ["stability", "halo"]),
    (views.key_reading, ["low", "high"]),
]
TABLES = [
    (views.stability_table, ["stability"]),
    (views.halo_table, ["halo"]),
    (views.weakest_table, ["weakest"]),
    (views.each_table, ["each"]),
    (views.key_table, ["low"]),
    (views.key_table, ["high"]),
    (views.outcome_table, ["outcomes"]),
    (views.lagged_table, ["lagged"]),
    (views.grid_table, ["grid"]),
    (drivers.sensitivity_table, ["panel"]),
]


@pytest.fixture(scope="module")
def results():
    return analysed(answers())


@pytest.fixture(scope="module")
def little():
    return [analysed(frame) for frame in (answers(20), answers(40), answers(300).assign(overall=8.0), answers(300).assign(one=7.0))]


@pytest.mark.parametrize("language", ["nl", "da", "en"])
def test_every_view_speaks_every_language(results, language):
    words = Words(language)
    for view, names in READINGS:
        assert all(isinstance(p, str) and p and "{" not in p for p in view(*(results[n] for n in names), words))
    for view, names in TABLES:
        html = render.table_html(view, [results[n] for n in names], words, {})
        assert "nan" not in html.lower() and ("basic" in html or view is views.weakest_table)
    html = render.figure_html(views.asymmetry_map, [results["order"]], words, {})
    assert "aria-label" in html and "nan" not in html.lower()


@pytest.mark.parametrize("language", ["nl", "da", "en"])
def test_little_to_say_is_said_and_nothing_breaks(little, language):
    words = Words(language)
    for few in little:
        for view, names in READINGS:
            assert view(*(few[n] for n in names), words)
        for view, names in TABLES:
            assert "nan" not in render.table_html(view, [few[n] for n in names], words, {}).lower()
        if language == "en":
            render.figure_html(views.asymmetry_map, [few["order"]], words, {})
    text = views.key_reading(little[0]["low"], little[0]["high"], Words("en"))
    assert text[0].startswith("There are too few dissatisfied customers") and text[1].startswith("There are too few delighted customers")
    assert views.firmness(little[0]["stability"], little[0]["halo"], Words("en")) == [
        "Too few customers answered to say how firm the kinds are."
    ]


def test_firm_kinds_and_loose_ones_are_named_apart(results):
    table = results["stability"].table.copy()
    table["impact_class"] = ["basis", "basis", "bijzonder", "beleving", "undistinguished", "indifferent"]
    table["firm"] = pd.array([True, False, True, False, True, True], dtype="boolean")
    table["panel_share"] = 0.5
    text = views.firmness(results["stability"].with_table(table), results["halo"], Words("en"))[0]
    assert "basic and delight: their kinds hardly depend" in text and "sound and one: with other cuts" in text
    assert "two" not in text and "nil" not in text  # no kind was claimed for them
    table["firm"] = pd.array([False] * 6, dtype="boolean")
    text = views.firmness(results["stability"].with_table(table), results["halo"], Words("en"))[0]
    assert text.startswith("**How firm is this?** basic, sound, delight and one: with other cuts")


def test_what_mood_explains_is_told_by_the_middle_experience(results):
    text = views.firmness(results["stability"], results["halo"], Words("en"))[1]
    assert f"shrinks by {100 * results['halo'].table['shrinkage'].median():.0f}%" in text
    kept = ((results["halo"].table["p_adj"] <= 0.05) & (results["halo"].table["coef_halo"] > 0)).sum()
    assert f"remains for {kept} of 6 experiences" in text


def test_the_weakest_link_is_claimed_only_where_it_shows(results):
    said = views.firmness(results["stability"], results["halo"], results["weakest"], Words("en"))[-1]
    assert said.startswith("**No single weakest link:**") and "basic and sound" in said
    frame = answers(3000)
    frame["overall"] = np.clip(np.round(frame[["basic", "sound"]].min(axis=1) + np.random.default_rng(1).normal(size=3000)), 0, 10)
    found = weakest_link(frame, **{**MODEL, "x": ["basic", "sound"]})
    assert views.firmness(results["stability"], results["halo"], found, Words("en"))[-1].startswith("**The weakest link counts:**")


def test_key_experiences_are_those_of_the_table(results):
    text = views.key_reading(results["low"], results["high"], Words("en"))
    keys = results["low"].table.query("is_key")["attribute"]
    assert all(a in text[0] for a in keys) and "score of 6 or less" in text[0] and "score of 9 or more" in text[1]
    assert "cause" in views.key_table.caption(results["low"], Words("en"))


ENDS = {  # how many points the outcome has, and what the two sentences on it say in each language
    "share": {
        "en": ("customers who were not satisfied,", "customers who were satisfied,"),
        "nl": ("klanten die niet tevreden waren vond", "klanten die tevreden waren vond"),
        "da": ("kunder, der ikke var tilfredse, fandt", "kunder, der var tilfredse, fandt"),
    },
    "short": {
        "en": ("an overall score of 2 or less,", "the highest overall score, 5,"),
        "nl": ("een totaaloordeel van 2 of lager vond", "het hoogste totaaloordeel, een 5, vond"),
        "da": ("en samlet vurdering på 2 eller lavere fandt", "den højeste samlede vurdering, 5, fandt"),
    },
    "lowest": {
        "en": ("the lowest overall score, 1,", "an overall score of 4 or more,"),
        "nl": ("het laagste totaaloordeel, een 1, vond", "een totaaloordeel van 4 of hoger vond"),
        "da": ("den laveste samlede vurdering, 1, fandt", "en samlet vurdering på 4 eller højere fandt"),
    },
}


@pytest.fixture(scope="module")
def at_the_ends():
    frame = answers(600)
    frame["satisfied"], frame["stars"] = (frame["overall"] >= 8).astype(float), np.clip(frame["overall"] - 5, 1, 5)
    outcomes = {"share": ("satisfied", Scale(0, 1), None), "short": ("stars", Scale(1, 5), None), "lowest": ("stars", Scale(1, 5), (1, 4))}
    found = {}
    for name, (y, scale, cut) in outcomes.items():
        model = {"y": y, "x": NAMES, "scales": {**SCALES, y: scale}, "cuts": {y: cut} if cut else None, "n_boot": 0}
        found[name] = (dissatisfiers(frame, **model), enhancers(frame, **model))
    return found


@pytest.mark.parametrize("language", ["en", "nl", "da"])
@pytest.mark.parametrize("outcome", ENDS)
def test_nobody_gave_less_than_the_lowest_score_or_more_than_the_highest(at_the_ends, outcome, language):
    said = views.key_reading(*at_the_ends[outcome], Words(language))
    assert all(part in text for part, text in zip(ENDS[outcome][language], said))


def test_a_yes_or_no_outcome_knows_satisfied_customers_and_no_delighted_ones(at_the_ends):
    low, high = at_the_ends["share"]
    assert views.key_table.title(high, Words("en")) == "Which excellences mark satisfied customers?"
    nobody = [r.with_table(r.table.assign(is_key=False)) for r in (low, high)]
    unknown = [r.with_table(r.table.assign(shapley=np.nan)) for r in (low, high)]
    for some in (nobody, unknown):
        text = views.key_reading(*some, Words("en"))
        assert "dissatisfied customers" in text[0] and "satisfied customers" in text[1] and "delighted" not in " ".join(text)


def test_another_outcomes_cut_at_the_top_of_its_scale_is_that_answer_alone(results):
    headings = [column.heading for column in views.outcome_table(results["outcomes"], Words("en"))]
    assert headings == ["Experience", "Points of NPS", "again (5)"]


def test_small_effects_of_large_surveys_are_called_small():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.integers(3, 11, size=(30_000, 2)).astype(float), columns=["one", "two"])
    frame["overall"] = np.clip(np.round(3 + 0.5 * frame["one"] + 0.02 * frame["two"] + rng.normal(scale=1.5, size=30_000)), 0, 10)
    found = effects(frame, y="overall", x=["one", "two"], scales=SCALES, n_boot=0)
    assert found.table.set_index("attribute").loc["two", "impact_class"] == "indifferent"
    assert "What two do show with so many answers is too little to matter." in " ".join(drivers.kinds(found, Words("en")))

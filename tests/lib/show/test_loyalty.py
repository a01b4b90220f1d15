"""The loyalty chapter speaks: what it says of every verdict and edge, in three languages."""

import re

import numpy as np
import pandas as pd
import pytest
from delight import loyalty
from delight.scales import Scale
from delight.show import loyalty as views
from delight.show import render, theme
from delight.show.words import LANGUAGES, Words

TEN, FIVE, YES_NO, NPS = Scale(1, 10), Scale(1, 5), Scale(0, 1), Scale(0, 10)
SCALES = {"overall": TEN}


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(21)
    n = 3000
    overall = rng.choice(np.arange(4.0, 11), n, p=[0.03, 0.05, 0.1, 0.2, 0.3, 0.2, 0.12])
    feeling = rng.normal(size=n)
    recommend = np.clip(np.round(6.6 + 0.4 * (overall - 8) + 1.2 * (overall >= 9) + 0.4 * feeling + rng.normal(0, 1.1, n)), 0, 10)
    churned = (rng.random(n) < 1 / (1 + np.exp(1.5 + 0.4 * (overall - 7)))).astype(float)
    frame = pd.DataFrame({"overall": overall, "recommend": recommend, "churned": churned, "feeling": feeling})
    return frame.assign(region=rng.choice(["north", "south"], n), again=np.clip(np.round(overall / 2), 1, 5))


OUTCOMES = [dict(y="churned", scale=YES_NO, role="churned"), dict(y="recommend", scale=NPS, role="recommend")]
TERMS = dict(delight_from=9, emotional=["feeling"], controls=["region"])


@pytest.fixture(scope="module")
def told(people):
    options = dict(x="overall", scales=SCALES)
    return {
        "curve": loyalty.across(loyalty.curve, people, OUTCOMES, **options),
        "regression": loyalty.across(loyalty.regression, people, OUTCOMES, **options, **TERMS),
        "blocks": loyalty.across(loyalty.blocks, people, OUTCOMES, **options, **TERMS, n_boot=100),
        "rule": loyalty.across(loyalty.rule, people, OUTCOMES, **options),
        "forms": loyalty.across(loyalty.forms, people, OUTCOMES, **options),
        "matrix": loyalty.across(loyalty.matrix, people, OUTCOMES, **options),
    }


def rule_of(frame, outcomes=None, x="overall", scales=None, language="en"):
    outcomes = outcomes or [dict(y="recommend", scale=NPS, role="recommend")]
    result = loyalty.across(loyalty.rule, frame, outcomes, x=x, scales=scales or SCALES, n_boot=199)
    return " ".join(views.rule(result, Words(language)))


def test_the_reading_carries_shares_effects_and_their_intervals(told):
    words = Words("en")
    text = views.binding(told["curve"], told["regression"], told["blocks"], words)
    assert len(text) == 3  # two kinds of loyalty, and the caution
    assert text[0].startswith("**Staying (what customers did).** Of the respondents who gave grade 8,")
    curve = told["curve"].table
    nine = curve[(curve["outcome"] == "recommend") & (curve["grade"] == 9)].iloc[0]
    assert f"of those who give grade 9, {words.percent(nine.share_loyal)}" in text[1] and f"n = {nine.n}" in text[1]
    table = told["regression"].table
    step = table[(table["outcome"] == "recommend") & (table["term"] == "delighted") & (table["model"] == "ols")].iloc[0]
    assert f"From 9 on, loyalty lies a further {words.number(step.coef, 2)} points higher" in text[1]
    assert "do not prove" in text[2]


def test_behaviour_stays_first_after_saving(told, tmp_path):
    turned_round = [{**o, "y": {"churned": "zz", "recommend": "aa"}[o["y"]]} for o in OUTCOMES]
    frame = pd.DataFrame({"overall": [8.0, 9, 8], "zz": [0.0, 0, 1], "aa": [7.0, 9, 8]})
    result = loyalty.across(loyalty.rule, frame, turned_round, x="overall", scales=SCALES)
    text = views.rule(type(result).load(result.save(tmp_path / "rule")), Words("en"))
    assert text[1].startswith("**Staying") and text[2].startswith("**Recommending")


def test_a_relation_is_claimed_only_after_correction(told):
    doubtful = told["regression"].table.copy()
    doubtful.loc[doubtful["term"].isin(["overall", "delighted"]), "p_adj"] = 0.06
    regression = told["regression"].with_table(doubtful)
    text = " ".join(views.binding(told["curve"], regression, told["blocks"], Words("en")))
    assert "goes with a difference" not in text and "higher than that line" not in text
    assert text.count("A difference with each grade more is not shown") == 2 == text.count("An extra step from 9 on is not shown")


def test_supported_says_it_is_no_border(told, people):
    text = " ".join(views.rule(told["rule"], Words("en")))
    assert "**Recommending: supported.**" in text and "not a border at exactly 8.5" in text
    meta = told["rule"].meta["outcomes"]["recommend"]
    assert f"n = {meta['n_around']['7']}, {meta['n_around']['8']} and {meta['n_around']['9']} at 7, 8 and 9" in text


def test_a_verdict_that_does_not_survive_the_correction_is_undecided_and_says_why(told):
    demoted = {"verdict": "inconclusive", "demoted_from": "supported"}
    outcomes = {o: {**m, **demoted, "d": {**m["d"], "q": 0.08}} for o, m in told["rule"].meta["outcomes"].items()}
    meta = {**told["rule"].meta, "outcomes": outcomes}
    text = " ".join(views.rule(told["rule"].with_table(told["rule"].table, meta=meta), Words("en")))
    assert "not beyond chance any more (p = 0.080)" in text and "supported" not in text and "undecided" in text


def test_contradicted_undecided_insufficient_and_untestable(people):
    down = people.assign(recommend=np.clip(people["recommend"] - 2.4 * (people["overall"] >= 9), 0, 10).round())
    assert "**Recommending: contradicted.**" in rule_of(down)
    flat = people.assign(recommend=np.clip(np.round(people["overall"] - 2 + people["feeling"]), 0, 10)).head(300)
    text = rule_of(flat)
    assert "**Recommending: undecided.**" in text and "with a chance of 80%, about" in text and "there are 300" in text
    few = people[(people["overall"] != 9) | (np.arange(3000) < 60)]
    text = rule_of(few)
    assert "**Recommending: too few answers.**" in text and "at least 25 are needed" in text and "answers in all" in text
    assert "fewer than 10" in rule_of(people[(people["overall"] != 9) | (np.arange(3000) < 20)])
    text = rule_of(people, x="again", scales={"again": FIVE})
    assert text.startswith("**The rule of 8.5 cannot be tested here.** Satisfaction was asked on a scale from 1 to 5")
    assert "literature" not in text


def test_a_fine_scale_is_judged_by_its_bend():
    rng = np.random.default_rng(3)
    s = np.clip(np.round(rng.normal(7.8, 1.2, 2000) * 6) / 6, 1, 10)
    frame = pd.DataFrame({"s": s, "l": 0.3 * s + 2.4 * np.maximum(s - 8.5, 0) + rng.normal(0, 0.8, 2000)})
    options = dict(outcomes=[dict(y="l", scale=Scale(-10, 20, 0), role="repurchase")], x="s", scales={"s": Scale(1, 10, 0)})
    text = rule_of(frame, **options)
    assert "We look for a bend" in text and "**Choosing again: supported.** The line bends upwards at 8." in text
    assert "**Choosing again: undecided.** A bend" in rule_of(frame.assign(l=0.3 * s + rng.normal(0, 0.8, 2000)), **options)


def test_separation_is_told_and_no_size_given(people):
    clean = people.head(300).assign(churned=(people["overall"].head(300) < 7).astype(float))
    outcomes = OUTCOMES[:1]
    options, few = dict(x="overall", scales=SCALES), {"n_boot": 50}
    methods = ((loyalty.curve, few), (loyalty.regression, {}), (loyalty.blocks, few))
    results = [loyalty.across(method, clean, outcomes, **options, **draws) for method, draws in methods]
    text = views.binding(*results, Words("en"))[0]
    assert "The grade alone divides loyal and disloyal customers" in text and "percentage points" not in text


def test_too_few_answers_for_a_regression_are_told(people):
    options = dict(x="overall", scales=SCALES)
    results = [loyalty.across(m, people.head(25), OUTCOMES, **options) for m in (loyalty.curve, loyalty.regression, loyalty.blocks)]
    text = " ".join(views.binding(*results, Words("en")))
    assert text.count("too few answers for a regression") == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_view_speaks_every_language(told, language):
    words = Words(language)
    html = render.reading_html(views.binding, [told["curve"], told["regression"], told["blocks"]], words, {})
    html += render.reading_html(views.rule, [told["rule"]], words, {})
    for view, name, options in (
        (views.effects, "regression", {}),
        (views.effects, "regression", {"all": True}),
        (views.rule_table, "rule", {}),
        (views.forms, "forms", {}),
        (views.matrix, "matrix", {}),
    ):
        html += render.table_html(view, [told[name]], words, options)
    for view, name in ((views.curve, "curve"), (views.step_figure, "rule")):
        html += render.figure_html(view, [told[name]], words, {})
    assert "{" not in html.split("<svg")[0] and not re.search(r"\bnan\b", html.lower())
    if language == "nl":
        assert "Blijven (gedrag)" in html and "procentpunt" in html and "supported" not in html
    if language == "da":
        assert "At blive (adfærd)" in html and "procentpoint" in html and "supported" not in html


def test_the_numbers_are_the_same_in_every_language(told):
    def digits(language):
        text = " ".join(views.rule(told["rule"], Words(language)))
        return sorted("".join(c if c.isdigit() else " " for c in text).split())

    assert digits("nl") == digits("en")


def test_the_interval_of_two_answers_does_not_flatten_the_steps(people):
    two = pd.DataFrame({"overall": [1.0, 1.0], "recommend": [0.0, 10.0]})
    result = loyalty.across(loyalty.rule, pd.concat([people, two]), OUTCOMES[1:], x="overall", scales=SCALES)
    with theme.figure(120, 78) as (_, ax):
        views.step_figure(result, ax, Words("en"))
        low, high = ax.get_ylim()
    row = result.table.set_index("grade").loc[1]
    assert row["n"] == 2 and row["ci_hi"] > 15
    assert low < row["mean"] < high and high < 10.5


def test_the_curve_draws_a_line_for_each_kind_of_loyalty_and_hollow_points_for_small_bases(people):
    few = people.groupby("overall").head(20)
    result = loyalty.across(loyalty.curve, pd.concat([few, people[people["overall"] == 8]]), OUTCOMES, x="overall", scales=SCALES)
    with theme.figure(170, 88) as (_, ax):
        views.curve(result, ax, Words("en"))
        assert len(ax.lines) == 2 and [t.get_text() for t in ax.get_legend().get_texts()] == ["Stayed", "Recommending: 9 or higher"]
        hollow = [
            len(c.get_offsets())
            for c in ax.collections
            if hasattr(c, "get_offsets") and len(c.get_facecolor()) and tuple(c.get_facecolor()[0][:3]) == (1, 1, 1)
        ]
        assert sum(hollow) == 12  # all grades but 8, for both


def test_the_effects_table_puts_controls_in_the_annex_only(told):
    words = Words("en")
    short, long = views.effects(told["regression"], words), views.effects(told["regression"], words, all=True)
    assert len(short[0].values) == 3 and len(long[0].values) == 4
    assert [c.heading for c in short] == ["Characteristic", "Staying (what customers did) (pp)", "Recommending"]
    assert "Compared with: region: " in views.effects.caption(told["regression"], words, all=True)

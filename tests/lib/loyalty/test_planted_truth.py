"""The demo study's planted loyalty curve is found, and nothing is found where nothing was planted."""

import pytest
from delight import loyalty
from delight.demo.generate import generate
from delight.demo.truth import Truth
from delight.scales import Scale

SCALES = {"overall": Scale(1, 10), "recommend": Scale(0, 10), "stay": Scale(0, 1)}
CURVE = dict(y="recommend", x="overall", scales=SCALES)


def genuine(truth):
    """All answers but the careless ones."""
    demo = generate(truth, with_comments=False)
    return demo.responses[(demo.hidden["careless"] == "").to_numpy()]


@pytest.fixture(scope="module")
def truth():
    return Truth.load()


@pytest.fixture(scope="module")
def parents(truth):
    return genuine(truth)


def test_the_planted_jump_is_supported_at_its_place(truth, parents):
    result = loyalty.rule(parents, **CURVE)
    assert result.meta["verdict"] == "supported"
    assert result.meta["d"]["lo"] < truth.loyalty.local_contrast < result.meta["d"]["hi"]
    steps = loyalty.steps(parents, **CURVE).table
    assert list(steps.loc[steps["in_set"], "place"]) == ["[8,9)"]


def test_a_straight_line_is_not_taken_for_a_jump(truth):
    result = loyalty.rule(genuine(truth.with_curve("linear", at=9.0, jump=0.0)), **CURVE)
    assert result.meta["verdict"] == "inconclusive" and result.meta["d"]["lo"] < 0 < result.meta["d"]["hi"]


def test_a_ceiling_contradicts_the_rule(truth):
    result = loyalty.rule(genuine(truth.with_curve("jump", at=9.0, jump=-0.9)), **CURVE)
    assert result.meta["verdict"] == "contradicted" and result.meta["d"]["lo"] < -0.9 < result.meta["d"]["hi"]


def test_the_intention_to_stay_is_found_in_log_odds(truth, parents):
    table = loyalty.regression(parents, y="stay", x="overall", scales=SCALES, delight_from=9).table.set_index("term")
    for term, planted in (("overall", truth.stay["slope"]), ("delighted", truth.stay["delighted"])):
        assert table.loc[term, "ci_lo"] < planted < table.loc[term, "ci_hi"]


def test_emotion_and_delight_bind_beyond_the_grade(parents):
    items = {c: Scale(1, 5) for c in ("surprised", "joyful", "enthusiastic", "annoyed")}
    scored, emotion = loyalty.emotion_score(parents, items, items)
    options = dict(**CURVE, delight_from=9, emotional=emotion, controls=["tenure"])
    table = loyalty.regression(scored, **options, model="ols").table.set_index("term")
    assert table.loc["emotion", "ci_lo"] > 0 and table.loc["delighted", "ci_lo"] > 0.5 and table.loc["tenure", "ci_lo"] > 0
    blocks = loyalty.blocks(scored, **options, n_boot=100).table.set_index("block")
    assert blocks.loc["emotional", "p"] < 0.001 and blocks.loc["emotional", "ci_lo"] > 0.02

"""The chapter on the pyramid speaks: levels, their order, ceilings, every verdict, in three languages."""

import re

import numpy as np
import pandas as pd
import pytest
from delight.satisfaction.pyramid import pyramid
from delight.scales import Scale
from delight.show import pyramid as views
from delight.show import render, theme
from delight.show.words import LANGUAGES, Words

TEN, YES_NO = Scale(1, 10), Scale(0, 1)
TAGS = (1, 1, 2, 2, 3, 3, 4, 4)
EN = Words("en")


def answers(n=500, seed=4):
    """A true pyramid with slips."""
    rng = np.random.default_rng(seed)
    height = rng.choice(5, n, p=[0.1, 0.2, 0.2, 0.3, 0.2])
    got = np.array(TAGS)[None, :] <= height[:, None]
    yes = np.where(rng.random(got.shape) < 0.05, ~got, got)
    frame = pd.DataFrame(yes.astype(float), columns=[f"q{i}" for i in range(8)])
    return frame.assign(grade=np.clip(np.round(5.2 + height + 0.4 * rng.normal(size=n)), 1, 10))


@pytest.fixture(scope="module")
def told():
    levels = {f"q{i}": k for i, k in enumerate(TAGS)}
    return pyramid(answers(), y="grade", levels=levels, scales={**dict.fromkeys(levels, YES_NO), "grade": TEN}, n_boot=100)


@pytest.fixture(scope="module")
def graded():
    frame = answers()
    grades = {f"q{i}": np.clip(6 + 2 * frame[f"q{i}"] + i % 2, 1, 10) for i in range(8)}
    levels = {f"q{i}": k for i, k in enumerate(TAGS)}
    return pyramid(
        pd.DataFrame(grades).assign(grade=frame["grade"]),
        y="grade",
        levels=levels,
        scales=dict.fromkeys([*levels, "grade"], TEN),
        n_boot=50,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_said_and_drawn_in_every_language(told, graded, language):
    words = Words(language)
    for found in (told, graded):
        texts = [
            views.levels(found.classes, found.levels, words),
            views.order(found.order, words),
            views.caps(found.caps, found.basics, words),
        ]
        for text in (" ".join(t) for t in texts):
            assert len(text) > 40 and not re.search(r"\bnan\b", text) and "{" not in text, text
        for view, result in (
            (views.classes_table, found.classes),
            (views.order_table, found.order),
            (views.levels_table, found.levels),
            (views.caps_table, found.caps),
        ):
            html = render.table_html(view, [result], words, {})
            assert html.count("<tr>") > 1 and not re.search(r"\bnan\b", html)
        assert "<svg" in render.figure_html(views.classes_figure, [found.classes], words, {})


def test_how_a_level_is_told_from_the_answers(told, graded):
    assert "says yes to all its questions" in views.levels(told.classes, told.levels, EN)[0]
    assert "grades all that belongs to it 8 or higher" in views.levels(graded.classes, graded.levels, EN)[0]
    for kind, said in (("expected", "at least as expected"), ("mixed", "says yes to, finds")):
        other = told.classes.with_table(told.classes.table, meta={**told.classes.meta, "source_items": kind})
        assert said in views.levels(other, told.levels, EN)[0]


@pytest.mark.parametrize(
    ("verdict", "flags", "said"),
    [
        ("supported", "", "The levels are an order here"),
        ("contradicted", "halo", "The levels are no order here"),
        ("inconclusive", "halo", "explains these answers as well as a pyramid does"),
        ("inconclusive", "same_scale, few_questions", "too few questions"),
        ("inconclusive", "", "remains open** (scalability"),
    ],
)
def test_every_verdict_on_the_order_has_its_own_words(told, verdict, flags, said):
    result = told.order.with_table(told.order.table.assign(verdict=verdict, flags=flags))
    assert said in views.order(result, EN)[0]
    assert len({views.order(result, Words(lang))[0] for lang in LANGUAGES}) == 3


def caps_of(told, verdict):
    return told.caps.with_table(told.caps.table.assign(verdict=np.where(told.caps.table["group"].isin(["L1", "L1-2"]), verdict, "")))


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("supported", "at most a 7** holds here"),
        ("contradicted", "at most a 7** does not hold here"),
        ("inconclusive", "can neither be confirmed nor refuted"),
    ],
)
def test_every_verdict_on_a_ceiling_has_its_own_words(told, verdict, said):
    assert said in views.caps(caps_of(told, verdict), told.basics, EN)[0]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("supported", "not more than 8.5, as is claimed"),
        ("contradicted", "claimed to be out of reach"),
        ("inconclusive", "does not decide"),
    ],
)
def test_every_verdict_on_basics_alone_has_its_own_words(told, verdict, said):
    basics = told.basics.with_table(told.basics.table.assign(verdict=verdict))
    assert said in views.caps(told.caps, basics, EN)[0]
    nobody = told.basics.with_table(told.basics.table.assign(verdict="insufficient", ci_lo=np.nan))
    assert "too few customers with every basic" in views.caps(told.caps, nobody, EN)[0]


def test_nothing_answered_is_said_in_one_sentence(told):
    nothing = told.levels.with_table(told.levels.table.assign(share_reached=np.nan, status="insufficient"))
    assert views.levels(told.classes, nothing, EN) == ["Too few customers answered the questions on the levels of service."]
    assert views.order(told.order.with_table(told.order.table.assign(h=np.nan)), EN) == []


def test_hidden_classes_are_neither_drawn_nor_listed(told):
    hidden = told.classes.table["group"] == "L1"
    table = told.classes.table.assign(status=told.classes.table["status"].mask(hidden, "suppressed"))
    table.loc[hidden, ["mean", "n", "share", "ci_lo", "ci_hi", "q50", "q90"]] = np.nan
    result = told.classes.with_table(table)
    with theme.figure(170, 60) as (_, ax):
        views.classes_figure(result, ax, EN)
        assert not any("Level 1 only" in t.get_text() for t in ax.get_yticklabels())
    assert "Level 1 only" not in render.table_html(views.classes_table, [result], EN, {})

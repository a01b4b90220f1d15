"""What the chapter on drivers says and draws, in each language and when there is little to say."""

import json

import numpy as np
import pandas as pd
import pytest
from delight.drivers.importance import importance
from delight.drivers.penalty_reward import effects, sensitivity
from delight.drivers.priorities import priorities
from delight.drivers.regression import coefficients
from delight.drivers.what_if import gains
from delight.scales import Scale
from delight.show import drivers as views
from delight.show import render, theme
from delight.show.words import Words
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

NAMES = ["basic", "delight", "one", "two", "nil"]
SCALES = {**{c: Scale(1, 10) for c in NAMES}, "overall": Scale(0, 10)}
MODEL = {"y": "overall", "x": NAMES, "scales": SCALES}


def answers(n=1500):
    rng = np.random.default_rng(1)
    halo = rng.normal(size=n)
    x = {a: np.clip(np.round(7.8 + 1.7 * (0.6 * halo + 0.8 * rng.normal(size=n))), 1, 10) for a in NAMES}
    y = 7.4 + 0.75 * np.minimum(x["basic"] - 8, 0) + 0.75 * np.maximum(x["delight"] - 8, 0) + 0.25 * (x["one"] - 8) + 0.2 * (x["two"] - 8)
    return pd.DataFrame({**x, "overall": np.clip(np.round(y + rng.normal(scale=0.9, size=n)), 0, 10)})


@pytest.fixture(scope="module")
def results():
    return analysed(answers())


def analysed(frame, **changes):
    model = {**MODEL, **changes}
    weighed = importance(frame, **model, n_boot=100)
    impact, gained = effects(frame, **model, n_boot=100), gains(frame, **model, delight_from=9, n_boot=100)
    return {
        "importance": weighed.importance,
        "pairs": weighed.pairs,
        "weights": importance(frame, **model, n_boot=100, game="relative_weights").importance,
        "impact": impact,
        "codings": sensitivity(frame, **model),
        "regression": coefficients(frame, **model),
        "priorities": priorities(impact, gained, weighed.importance, scales=SCALES),
    }


@pytest.fixture(scope="module")
def little():
    frames = (answers(20), answers(40), answers(300).assign(overall=8.0), answers(300).assign(one=7.0))
    return [analysed(frame) for frame in frames]


READINGS = [(views.importance, ["importance", "pairs"]), (views.kinds, ["impact"]), (views.first, ["priorities"])]
TABLES = [
    (views.class_table, ["impact"]),
    (views.slope_table, ["impact"]),
    (views.sensitivity_table, ["codings"]),
    (views.priority_table, ["priorities"]),
    (views.importance_table, ["importance", "weights"]),
    (views.regression_table, ["regression"]),
]
FIGURES = [
    (views.importance_figure, ["importance"]),
    (views.penalty_reward, ["impact"]),
    (views.importance_performance, ["importance", "priorities"]),
]


def test_no_effect_is_not_said_over_a_poor_grade_that_differs(results):
    table = results["impact"].table.copy()
    for hi, said in ((0.1, False), (-0.1, True)):
        table.loc[table["attribute"] == "nil", ["penalty", "penalty_lo", "penalty_hi", "reward_lo"]] = -0.3, -0.5, hi, -0.1
        text = " ".join(views.kinds(results["impact"].with_table(table), Words("en")))
        assert ("nil: customers with a poor or an excellent grade do differ" in text) is said


def test_associations_are_not_worded_as_effects(results):
    text = " ".join([*views.kinds(results["impact"], Words("en")), *views.first(results["priorities"], Words("en"))])
    for word in ("drops", "lifts", "pay off", "little harm", "makes the difference"):
        assert word not in text


def test_readings_name_the_kinds_and_what_to_do(results):
    words = Words("en")
    kinds = " ".join(views.kinds(results["impact"], words))
    assert "**Basic factor:** basic." in kinds and "**Delight factor:** delight." in kinds
    assert "nil: no effect of its own can be shown" in kinds
    first = " ".join(views.first(results["priorities"], words))
    assert "**Fix first:** basic (+" in first and "**Delight with:** delight (+" in first
    assert "delighted customers (9 or more)" in first
    told = " ".join(views.importance(results["importance"], results["pairs"], words))
    assert "(1,500 customers)" in told and "not that the one causes the other" in told


@pytest.mark.parametrize("language, decimal", [("nl", ","), ("da", ","), ("en", ".")])
def test_every_view_speaks_every_language(results, language, decimal):
    words = Words(language)
    for view, names in READINGS:
        assert all(isinstance(p, str) and p for p in view(*(results[n] for n in names), words))
    for view, names in TABLES:
        html = render.table_html(view, [results[n] for n in names], words, {})
        assert "nan" not in html.lower() and "basic" in html
    for view, names in FIGURES:
        html = render.figure_html(view, [results[n] for n in names], words, {})
        assert "aria-label" in html and "nan" not in html.lower()
    assert decimal in views.first(results["priorities"], words)[1]


def test_an_order_that_is_not_certain_is_not_read_as_one():
    rng = np.random.default_rng(2)
    x = rng.integers(1, 11, size=(120, 3)).astype(float)
    frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(overall=np.clip(np.round(x.mean(axis=1) + rng.normal(size=120)), 0, 10))
    found = importance(frame, y="overall", x=["a", "b", "c"], n_boot=300)
    text = " ".join(views.importance(found.importance, found.pairs, Words("en")))
    assert "Do not read the order as a ranking" in text and "certain beyond chance" not in text


def test_recommending_in_place_of_satisfaction_is_said(results):
    text = views.importance(results["importance"], results["pairs"], Words("en"), role="recommend")
    assert "likelihood of recommending takes its place" in text[0]


@pytest.mark.parametrize("language", ["nl", "da", "en"])
def test_little_to_say_is_said_and_nothing_breaks(little, language):
    words = Words(language)
    for few in little:
        for view, names in READINGS:
            assert view(*(few[n] for n in names), words)
        for view, names in TABLES:
            assert "nan" not in render.table_html(view, [few[n] for n in names], words, {}).lower()
        for view, names in FIGURES if language == "en" else []:
            render.figure_html(view, [few[n] for n in names], words, {})
    text = " ".join(views.importance(little[0]["importance"], None, Words("en")))
    assert "Only 20 customers" in text


def test_a_partial_base_and_a_small_base_are_said():
    frame = answers(180)
    frame["two:na"] = np.arange(180) % 2 == 0
    frame.loc[frame["two:na"], "two"] = np.nan
    found = analysed(frame, not_applicable={"two": "two:na"})
    told = " ".join(views.importance(found["importance"], found["pairs"], Words("en")))
    assert "two: not every customer has to do with this" in told
    assert "At least 200 answers are wanted" in " ".join(views.kinds(found["impact"], Words("en")))
    assert "Open dots" in views.importance_figure.caption(found["importance"], Words("en"))


def test_a_yes_no_outcome_speaks_of_percentage_points_and_satisfied_customers():
    frame = answers().assign(overall=lambda f: (f["overall"] >= 8).astype(float))
    scales = {**SCALES, "overall": Scale(0, 1)}
    impact, gained = (
        effects(frame, **{**MODEL, "scales": scales}, n_boot=50),
        gains(frame, **{**MODEL, "scales": scales}, delight_from=1, n_boot=50),
    )
    order = priorities(impact, gained, importance(frame, **{**MODEL, "scales": scales}, n_boot=50).importance)
    assert "percentage points" in views.penalty_reward.caption(impact, Words("en"))
    assert "satisfied customers" in " ".join(views.first(order, Words("en")))


@pytest.mark.parametrize("count", [8, 16])
def test_labels_on_the_map_do_not_cover_each_other(count):
    rng = np.random.default_rng(3)
    names = [f"A part of the service, number {i}" for i in range(count)]
    table = pd.DataFrame(
        {"attribute": names, "share": rng.dirichlet(np.ones(count) * 4), "performance": 7.6 + 0.5 * rng.normal(size=count)}
    )
    table["performance_100"] = (table["performance"] - 1) / 9 * 100
    table = table.assign(ellipse_x=0.005, ellipse_y=0.5, ellipse_corr=0.1, impact_class="undistinguished")

    class Fake:
        pass

    weighed, order = Fake(), Fake()
    weighed.table = order.table = table
    with theme.figure(*views.importance_performance.size) as (drawn, ax):
        views.importance_performance(weighed, order, ax, Words("en"))
        canvas = FigureCanvasAgg(drawn)
        canvas.draw()
        boxes = [Text.get_window_extent(t, canvas.get_renderer()) for t in ax.texts]  # without the leading lines
    assert len(boxes) == count
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_the_notebook_is_clean_and_names_its_chapter(root):
    notebook = json.loads((root / "notebooks/chain/50-drivers.ipynb").read_text(encoding="utf-8"))
    assert notebook["metadata"]["delight"] == {"chapter": "drivers", "needs": [["overall", "recommend"], ["attribute"]]}
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    assert all(not c["outputs"] and c["execution_count"] is None for c in cells)

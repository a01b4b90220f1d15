"""The path model in words, a diagram and tables."""

import numpy as np
import pytest
from delight.loyalty import path_model
from delight.scales import Scale
from delight.show import LANGUAGES, Words, path, render

from tests.lib.loyalty.test_path import BLOCKS, INNER, made_up

BLOCKS_SHOWN = [
    (path.leads, ("effects", "constructs", "distinct")),
    (path.diagram, ("paths", "constructs")),
    (path.effect_table, ("effects", "constructs")),
    (path.path_table, ("paths", "effects")),
    (path.quality_table, ("constructs",)),
    (path.item_table, ("items",)),
    (path.distinct_table, ("distinct",)),
]


def estimate(frame, **options):
    scales = {c: Scale(-20, 20, 0) for c in frame}
    return path_model(frame, **{"constructs": BLOCKS, "inner": INNER, "scales": scales, "n_boot": 200, **options})


@pytest.fixture(scope="module")
def found():
    return estimate(made_up(300))


def shown(view, results, language="en"):
    kind = {"reading": render.reading_html, "table": render.table_html, "figure": render.figure_html}[view.kind]
    return kind(view, results, Words(language), {})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("view", "names"), BLOCKS_SHOWN, ids=lambda x: getattr(x, "name", ""))
def test_every_view_speaks_every_language(found, view, names, language):
    html = shown(view, [getattr(found, n) for n in names], language)
    assert html and "nan" not in html.lower().replace("finan", "") and "{" not in html


@pytest.mark.parametrize(("view", "names"), BLOCKS_SHOWN, ids=lambda x: getattr(x, "name", ""))
@pytest.mark.parametrize("frame", [made_up(20), made_up(0), made_up(60).assign(a1=1.0)], ids=["few", "none", "equal"])
def test_every_view_lives_with_nothing_to_show(view, names, frame):
    empty = estimate(frame)
    shown(view, [getattr(empty, n) for n in names])


def test_effects_are_read_in_points_with_their_interval(found):
    text = " ".join(path.leads(found.effects, found.constructs, found.distinct, Words("en")))
    row = found.effects.table.set_index(["source", "target"]).loc[("quality", "satisfaction")]
    words = Words("en")
    number = lambda v: words.number(v, 1)  # noqa: E731
    assert f"**quality** {number(row['points'])} ({number(row['points_lo'])}–{number(row['points_hi'])})" in text
    assert "score ten points higher" in text and "not what causes what" in text and "300 customers" in text


def test_what_is_not_proven_is_not_called_a_relation():
    frame = made_up(120, seed=3)
    frame[BLOCKS["image"]] = np.random.default_rng(1).normal(size=(120, 3))
    result = estimate(frame)
    text = " ".join(path.leads(result.effects, result.constructs, result.distinct, Words("en")))
    assert "For image no relation with satisfaction has been shown." in text


def test_few_answers_and_loose_questions_are_said():
    result = estimate(made_up(60, noise=3))
    text = " ".join(path.leads(result.effects, result.constructs, result.distinct, Words("en")))
    assert "Fewer than 100 customers" in text and "hang together loosely" in text
    few = estimate(made_up(20))
    assert path.leads(few.effects, few.constructs, few.distinct, Words("en")) == [
        "20 customers answered all questions of this model. That is too few to estimate it."
    ]


def test_constructs_keep_their_name_and_those_of_the_ecsi_are_translated():
    assert path.name(Words("nl"), "value") == "Waar voor het geld" and path.name(Words("da"), "team_spirit") == "Team spirit"


def test_every_arrow_of_another_model_leads_to_the_right_and_boxes_do_not_overlap():
    arrows = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("e", "d"), ("d", "f"), ("a", "f")]
    at = path.places(arrows)
    assert all(at[a][0] < at[b][0] for a, b in arrows)
    spots = list(at.values())
    assert all(abs(p[0] - q[0]) >= 1 or abs(p[1] - q[1]) >= 0.5 for i, p in enumerate(spots) for q in spots[i + 1 :])
    assert path.places([("image", "loyalty")]) == {"image": (0, 2), "loyalty": (3, 2)}


def test_without_scales_effects_are_standardised():
    result = estimate(made_up(200), scales=None)
    text = " ".join(path.leads(result.effects, result.constructs, result.distinct, Words("en")))
    assert "one standard deviation higher" in text
    headings = [c.heading for c in path.effect_table(result.effects, result.constructs, Words("en"))]
    assert headings == ["Subject", "Effect on satisfaction", "Effect on loyalty"]


def test_a_table_of_effects_has_bold_only_where_proven(found):
    columns = path.effect_table(found.effects, found.constructs, Words("en"))
    effect = next(c for c in columns if c.heading == "Effect on satisfaction")
    p = found.effects.table.set_index(["source", "target"])["p_adj"]
    order = columns[0].values
    expected = [bool(p.get((name.lower(), "satisfaction"), 1) < 0.05) for name in order]
    assert effect.emphasis == expected

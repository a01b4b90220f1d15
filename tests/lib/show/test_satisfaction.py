"""What a client reads of satisfaction and of who answered: in three languages, from results as the methods give them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from delight import satisfaction
from delight.feedback import privacy
from delight.feedback.response import response
from delight.scales import Scale
from delight.show import Words, feedback, render, theme
from delight.show import locations as places
from delight.show import satisfaction as views
from delight.show import waves as over_time

GRADES, TEN = Scale(1, 10), Scale(0, 10)
LANGUAGES = ["nl", "da"]


def survey(shift=0.8, waves=("2024", "2025"), n=1200):
    rng = np.random.default_rng(12)
    at = rng.integers(0, 16, n)
    wave = rng.choice(waves, n)
    y = np.clip(np.round(7.6 + shift * (wave == waves[-1]) - 2.2 * (at == 3) + rng.normal(0, 1.2, n)), 1, 10)
    return pd.DataFrame(
        {
            "overall": y,
            "recommend": np.clip(y + rng.integers(-1, 2, n), 0, 10),
            "wave": wave,
            "location": [f"L{i:02d}" for i in at],
            "label": [f"B{i % 2}" for i in at],
            "two": np.where(rng.random(n) < 0.5, "x", "y"),
        }
    )


def now(frame):
    return frame[frame["wave"] == "2025"]


@pytest.fixture(scope="module")
def frame():
    return survey()


@pytest.fixture(scope="module")
def results(frame):
    one, both = {"y": "overall", "scale": GRADES}, {"by": ["label", "two"]}
    pooled = satisfaction.pooled(now(frame), **one, label="label")
    levels = satisfaction.levels(now(frame), **one, **both)
    nps = satisfaction.nps(now(frame), y="recommend", scale=TEN)
    return {
        "levels": levels,
        "bands": satisfaction.bands(now(frame), **one),
        "distribution": satisfaction.distribution(now(frame), **one),
        "nps": nps,
        "waves": satisfaction.waves(
            frame, **one, order=["2024", "2025"], recommend="recommend", recommend_scale=TEN, composition=["two", "label"]
        ),
        "rest": satisfaction.compare(now(frame), **one, **both).rest,
        "attributes": satisfaction.attributes(now(frame), x=["overall", "recommend"], scales={"overall": GRADES, "recommend": TEN}),
        "locations": pooled.locations,
        "spread": pooled.spread,
        "shares": satisfaction.pooled_shares(now(frame), **one, label="label"),
        "targets": satisfaction.beside({"overall_mean": 8, "nps": 20, "share_delighted": 0.4}, levels=levels, nps=nps),
    }


BLOCKS = [
    (views.level, ["levels", "bands"]),
    (views.distribution, ["distribution", "bands"]),
    (views.promoters, ["nps"]),
    (views.no_recommend, ["levels"]),
    (over_time.waves, ["waves"]),
    (over_time.development, ["waves"]),
    (over_time.wave_table, ["waves"]),
    (over_time.mix_table, ["waves"]),
    (views.groups, ["rest"]),
    (views.group_table, ["levels", "rest"]),
    (views.attribute_table, ["attributes"]),
    (places.locations, ["locations", "spread"]),
    (places.location_figure, ["locations"]),
    (places.location_table, ["locations", "shares"]),
    (views.target_table, ["targets"]),
]


def html(view, results, language):
    block = {"kind": view.kind, "view": view.name, "key": view.name, "options": {}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return render.block_html(block, results, Words(language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("view", "names"), BLOCKS, ids=lambda x: getattr(x, "name", ""))
def test_every_view_speaks_every_language(results, view, names, language):
    shown = html(view, [results[n] for n in names], language)
    assert "nan" not in shown.replace("tenant", "") and "{" not in shown.replace("{text-align", "") and "None" not in shown


@pytest.mark.parametrize(("view", "names"), BLOCKS, ids=lambda x: getattr(x, "name", ""))
def test_every_view_lives_with_nothing_to_show(results, frame, view, names):
    plan = privacy.make_plan(frame, minimum_group=10**6, waves=["2024", "2025"], labels={}, y="overall", delight_from=9)
    hidden = [privacy.suppress(results[n], plan, wave="2025") for n in names]
    assert "nan" not in html(view, hidden, "en").replace("tenant", "")


def test_the_level_is_read_with_its_interval_and_n(results):
    row = results["levels"].table.iloc[0]
    text = " ".join(views.level(results["levels"], results["bands"], Words("en")))
    assert f"{row.n} customers" in text and f"**{row['mean']:.1f}**" in text
    assert f"**{row.share_delighted:.0%}** gave 9 or more" in text


def test_a_recommendation_in_place_of_satisfaction_is_said(results):
    assert "Nobody was asked how satisfied" in views.level(results["levels"], results["bands"], Words("en"), role="recommend")[0]


def test_only_proven_changes_are_called_changes(results):
    assert "the mean grade rose from" in over_time.waves(results["waves"], Words("en"))[0]
    calm = satisfaction.waves(survey(shift=0), y="overall", scale=GRADES, order=["2024", "2025"])
    text = over_time.waves(calm, Words("en"))[0]
    assert "can be chance" in text and "rose" not in text and "fell" not in text


def test_who_answered_is_told_apart_from_how_they_grade(results):
    text = over_time.waves(results["waves"], Words("en"))[0]
    assert "Who answered does not explain it: among comparable customers the difference is +0" in text
    rng = np.random.default_rng(1)
    new = np.r_[rng.random(500) < 0.2, rng.random(500) < 0.7]
    y = np.clip(np.round(8.5 - 2 * new + rng.normal(0, 1, 1000)), 1, 10)
    other = pd.DataFrame({"overall": y, "wave": ["2024"] * 500 + ["2025"] * 500, "new": np.where(new, "yes", "no")})
    mixed = satisfaction.waves(other, y="overall", scale=GRADES, order=["2024", "2025"], composition=["new"])
    text = over_time.waves(mixed, Words("en"))[0]
    row = mixed.table.iloc[1]
    assert f"which accounts for {row.mix_part:.2f} of the difference".replace("-", "−") in text and "does not explain it" not in text
    calm = satisfaction.waves(survey(shift=0), y="overall", scale=GRADES, order=["2024", "2025"], composition=["two"])
    assert "comparable" not in over_time.waves(calm, Words("en"))[0]


def test_a_first_wave_has_no_change(frame):
    first = satisfaction.waves(now(frame), y="overall", scale=GRADES, order=["2025"])
    assert over_time.waves(first, Words("en")) == ["This is the first measurement, so nothing can be said yet about change."]


def test_only_differences_that_survive_correction_are_worded(results):
    text = " ".join(views.groups(results["rest"], Words("en")))
    proven = results["rest"].table.query("p_adj < 0.05")
    assert set(proven["group"]) == {"B0", "B1"} and set(proven["by"]) == {"label"}
    assert "**B0**" in text and "above the others" in text
    assert "B1" not in text and "two" not in text  # of two groups one difference says it all
    assert "4 comparisons" in text
    more = proven.set_index("group").loc["B0", "risk_diff"]
    assert f"Of every 100 customers {100 * more:.0f} more are delighted" in text


def test_fewer_than_thirty_answers_are_drawn_one_by_one(frame):
    few = {n: getattr(satisfaction, n)(now(frame)[:25], y="overall", scale=GRADES) for n in ("distribution", "bands")}
    assert "Every dot is a customer" in html(views.distribution, list(few.values()), "en")
    with theme.figure(170, 72) as (_drawn, ax):
        views.distribution(few["distribution"], few["bands"], ax, Words("en"))
        assert sum(len(c.get_offsets()) for c in ax.collections) == 25 and not ax.patches


def test_small_groups_are_called_rough_and_a_missed_change_has_its_probability(results, frame):
    few = results["levels"].table.assign(status=["ok", "low_base", *["ok"] * (len(results["levels"].table) - 2)])
    levels = results["levels"].with_table(few)
    assert "fewer than 50 answers are rough" in views._group_note(levels, Words("en"))
    assert "rough" not in views._group_note(levels.with_table(few.assign(status="ok")), Words("en"))
    for measure in ("mean", "nps", "share_delighted"):
        assert "with a probability of 80%" in over_time._change_sentence(Words("en"), results["waves"], measure, None)


def test_only_flagged_locations_are_named(results):
    text = " ".join(places.locations(results["locations"], results["spread"], Words("en")))
    flagged = results["locations"].table.query("flag != ''")["location"].tolist()
    assert flagged == ["L03"]
    assert "L03 (B1) lies clearly below the rest of its label" in text
    assert not any(f"L{i:02d}" in text for i in range(16) if i != 3)


def test_locations_are_in_the_order_of_their_names(results):
    shown = places.location_table(results["locations"], results["shares"], Words("en"))
    assert list(shown[0].values) == [*[f"L{i:02d}" for i in range(0, 16, 2)], *[f"L{i:02d}" for i in range(1, 16, 2)]]


def test_a_score_on_another_scale_is_not_called_nps(frame):
    like = satisfaction.nps(now(frame).assign(r=now(frame)["overall"]), y="r", scale=GRADES)
    assert "must not be compared" in views.promoters(like, Words("en"))[0]


def test_a_yes_or_no_question_has_a_share():
    yes = pd.DataFrame({"overall": [1.0, 0, 1, 1] * 30, "g": list("aabb") * 30})
    levels = satisfaction.levels(yes, y="overall", scale=Scale(0, 1))
    bands = satisfaction.bands(yes, y="overall", scale=Scale(0, 1))
    assert "**75%** are satisfied" in views.level(levels, bands, Words("en"))[0]
    rest = satisfaction.compare(yes, y="overall", scale=Scale(0, 1), by="g").rest
    assert "of **b** 100% are satisfied, 50.0 points above" in views.groups(rest, Words("en"))[0]


def test_many_locations_fit_a_page():
    rng = np.random.default_rng(0)
    many = pd.DataFrame({"overall": rng.integers(5, 11, 3000).astype(float), "location": [f"L{i:03d}" for i in rng.integers(0, 120, 3000)]})
    found = satisfaction.pooled(many, y="overall", scale=GRADES).locations
    assert places.location_figure.size(found)[1] < 260
    assert "70 locations with few answers" in places.location_figure.caption(found, Words("en"))


# ---- who answered


@pytest.fixture(scope="module")
def answered(frame):
    invited = dict.fromkeys([f"L{i:02d}" for i in range(16)], 100)
    labels = {f"L{i:02d}": f"B{i % 2}" for i in range(16)}
    return response(frame, wave="2025", waves=["2024", "2025"], invited=invited, population=invited, labels=labels)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_response_is_told_in_every_language(answered, language):
    for view in (feedback.answered, feedback.response_by_label, feedback.response_table):
        shown = html(view, [answered], language)
        assert "nan" not in shown and "None" not in shown


def test_the_response_is_a_share_of_those_invited(answered):
    n = int(answered.table["n"][0])
    text = feedback.answered(answered, Words("en"), previous="2024")[0]
    assert f"**{n}** customers answered, of 1,600 who were invited: a response of **{n / 1600:.0%}**" in text


def test_an_unknown_number_of_invited_is_said(frame):
    text = feedback.answered(response(frame, wave="2025"), Words("en"), design="undeclared")
    assert "cannot be given" in text[0] and "does not say how the locations" in text[1]

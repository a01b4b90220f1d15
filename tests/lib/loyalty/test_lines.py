"""Lines to lay over each other: the same fits as the table of forms, and a step where one is tried."""

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.loyalty import forms
from delight.loyalty.lines import lines
from delight.scales import Scale

SCALES = {"recommend": Scale(0, 10), "overall": Scale(1, 10), "left": Scale(0, 1)}


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(4)
    overall = np.clip(np.round(rng.normal(7.6, 1.4, 800)), 1, 10)
    recommend = np.clip(np.round(0.6 * overall + 1.5 * (overall >= 9) + rng.normal(2, 1.2, 800)), 0, 10)
    return pd.DataFrame({"overall": overall, "recommend": recommend, "left": (rng.random(800) < 0.5 - 0.04 * overall).astype(float)})


GIVEN = {"y": "recommend", "x": "overall", "scales": SCALES}


def test_a_straight_line_is_that_of_least_squares(survey):
    table = lines(survey, **GIVEN).table
    slope, cut = np.polyfit(survey["overall"], survey["recommend"], 1)
    line = table[table["form"] == "linear"]
    np.testing.assert_allclose(line["fitted"], cut + slope * line["grade"], atol=1e-9)


def test_a_mean_a_grade_is_a_mean_a_grade(survey):
    table = lines(survey, **GIVEN).table.query("form == 'saturated'").set_index("grade")
    np.testing.assert_allclose(table["fitted"], survey.groupby("overall")["recommend"].mean().loc[table.index])
    assert table["n"].tolist() == survey.groupby("overall").size().tolist()


def test_the_forms_are_those_of_the_table_of_forms(survey):
    ours = lines(survey, **GIVEN, step_from=9).table.groupby("form")["ssr"].first()
    theirs = forms(survey, **GIVEN, n_boot=0, folds=2).table.set_index("form")["ssr"]
    for form in ("linear", "quadratic", "cubic", "saturated"):
        assert ours[form] == pytest.approx(theirs[form])
    assert ours["step"] == pytest.approx(theirs["step"])  # the best step lies at 9, where it was planted


def test_a_step_jumps_where_it_is_tried_and_nowhere_else(survey):
    step = lines(survey, **GIVEN, step_from=9).table.query("form == 'step'").set_index("grade")["fitted"]
    rises = step.diff().dropna()
    assert rises.idxmax() == 9 and rises.drop(9).std() < 1e-9


def test_yes_and_no_give_chances_and_can_be_turned(survey):
    stays = lines(survey, y="left", x="overall", scales=SCALES, turned=True).table
    leaves = lines(survey, y="left", x="overall", scales=SCALES).table
    assert stays["fitted"].between(0, 1).all()
    np.testing.assert_allclose(stays["fitted"], 1 - leaves["fitted"], atol=1e-6)


def test_counts_give_what_rows_give(survey):
    counted = survey.groupby(["overall", "recommend"]).size().reset_index(name="n")
    rows = lines(survey, **GIVEN, step_from=8).table
    sums = lines(counted, **GIVEN, step_from=8, weights="n", weights_kind="frequency").table
    pd.testing.assert_frame_equal(rows, sums, check_dtype=False, rtol=1e-8)


def test_few_answers_give_no_line(survey):
    table = lines(survey.head(12), **GIVEN, step_from=9).table
    assert (table["status"] == "insufficient").all() and table["fitted"].isna().all()


def test_a_step_off_the_scale_is_refused(survey):
    with pytest.raises(InputError, match="step lies above the lowest point"):
        lines(survey, **GIVEN, step_from=1)

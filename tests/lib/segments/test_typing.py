import json

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError, StudyError
from delight.result import Result
from delight.segments.typing import FOLDS, TypingTool, golden
from openpyxl import load_workbook

from tests.lib.segments.made_up_parents import ITEMS, parents

NAMES = ["quality", "pedagogy", "unburden"]


def assigned(group, names=NAMES):
    segment = np.array([names[g] if g >= 0 else None for g in group], dtype=object)
    return Result.of("M17.assignment", pd.DataFrame({"segment": segment}), segments=list(names))


@pytest.fixture(scope="module")
def customers():
    frame, group = parents(1200, seed=4)
    return frame, assigned(group)


@pytest.fixture(scope="module")
def found(customers):
    return golden(*customers, questions=ITEMS)


def numbers(result):
    return result.table.select_dtypes("number").to_numpy(dtype=float)


def value(found, measure):
    return found.quality.table.set_index("measure").loc[measure]


# ---- worked by hand


def test_the_formula_is_the_discriminant_worked_by_hand():
    # two groups of 25 around 1 and 3 with variance 50/48 x .5 within: weight m/s², constant log ½ - m²/2s² (one question: shrinkage changes nothing)
    answer = np.r_[np.tile([0.5, 1.5, 1.0, 1.0, 1.0], 5), np.tile([2.5, 3.5, 3.0, 3.0, 3.0], 5)]
    group = np.repeat([0, 1], 25)
    told = golden(pd.DataFrame({"q": answer}), assigned(group, ["a", "b"]), questions=["q"])
    variance = 10 * 0.25 * 2 / 48
    assert told.tool.weights[1] == pytest.approx([1 / variance, 3 / variance], rel=1e-6)
    assert told.tool.weights[0] == pytest.approx([np.log(0.5) - 1 / 2 / variance, np.log(0.5) - 9 / 2 / variance], rel=1e-6)
    assert value(told, "accuracy")["value"] == 1 and value(told, "kappa")["value"] == 1 and value(told, "baseline")["value"] == 0.5


def test_kappa_and_its_interval_are_worked_by_hand():
    from delight.segments.typing import _quality

    class Cases:
        names, counts = ["a", "b"], {"n": 100, "n_missing": 0, "n_eff": 100.0, "status": "ok"}

    table = np.array([[40.0, 10.0], [20.0, 30.0]])
    rows = pd.DataFrame(_quality(Cases, table, table, 0.95)).set_index("measure")
    assert rows.loc["kappa", "value"].item() == pytest.approx(0.4)  # agreed .7, by chance .5
    # Fleiss, Cohen & Everitt (1969), equation 13
    p, k = table / 100, 0.4
    a = (np.diag(p) * (1 - (p.sum(1) + p.sum(0)) * (1 - k)) ** 2).sum()
    b = (1 - k) ** 2 * sum(p[i, j] * (p.sum(0)[i] + p.sum(1)[j]) ** 2 for i in (0, 1) for j in (0, 1) if i != j)
    error = np.sqrt((a + b - (k - 0.5 * (1 - k)) ** 2) / (0.5**2 * 100))
    assert rows.loc["kappa", "value_hi"].item() == pytest.approx(0.4 + 1.959964 * error, abs=1e-6)
    assert rows.loc["recall", "value"].tolist() == [0.8, 0.6]


def test_the_weights_are_those_of_scikit_learn(customers, golden):
    from delight.segments.typing import SHRINK
    from delight.segments.typing import golden as typed
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    frame, assignment = customers
    told = typed(frame, assignment, questions=ITEMS)
    questions = list(told.tool.questions)
    kept = frame[ITEMS].notna().all(axis=1)
    x, y = frame.loc[kept, questions].to_numpy(), assignment.table["segment"][kept]
    theirs = LinearDiscriminantAnalysis(solver="eigen").fit(x, y)
    # their covariance has divisor n and no shrinkage: give them ours
    own = np.cov((x - pd.DataFrame(x).groupby(y.to_numpy()).transform("mean").to_numpy()).T) * (len(x) - 1) / (len(x) - 3)
    own = (1 - SHRINK) * own + SHRINK * np.diag(np.diag(own)) + 1e-9 * np.eye(len(own))
    weights = np.linalg.solve(own, theirs.means_.T)
    constant = np.log(theirs.priors_) - 0.5 * (theirs.means_.T * weights).sum(axis=0)
    order = [list(theirs.classes_).index(s) for s in told.tool.segments]
    where = {"method": "M17 typing tool", "package": "scikit-learn (means and priors), numpy", "data": "simulated"}
    golden(told.tool.weights, np.vstack([constant, weights])[:, order], tolerance=1e-8, **where)


# ---- choosing, and being honest about it


def test_a_few_questions_tell_planted_segments(found, customers):
    frame, assignment = customers
    assert 2 <= len(found.tool.questions) <= 6
    accuracy, baseline = value(found, "accuracy"), value(found, "baseline")
    assert accuracy["value"] > 0.8 > baseline["value"] + 0.2 and accuracy["value_lo"] < accuracy["value"] < accuracy["value_hi"]
    later, group = parents(3000, seed=99)
    told = found.tool.assign(later).table["segment"].to_numpy()
    known = pd.notna(told)
    new = (told[known] == np.array(NAMES, dtype=object)[group[known]]).mean()
    assert new == pytest.approx(accuracy["value"], abs=0.03)  # what nested cross-validation promised


def test_questions_without_any_bearing_promise_nothing():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.integers(1, 6, (150, 30)).astype(float)).rename(columns=str)
    told = golden(frame, assigned(rng.integers(0, 3, 150)), questions=list(frame), worth=0)
    assert told.formula.table["accuracy"].iloc[-1] > 0.42  # what choosing the best of thirty seems to reach
    assert value(told, "accuracy")["value"] < 0.40
    assert value(told, "kappa")["value_lo"] < 0 < value(told, "kappa")["value_hi"]


def test_a_question_that_adds_nothing_is_not_asked(customers):
    frame, assignment = customers
    twins = frame.assign(twin=frame["need_f"])
    told = golden(twins, assignment, questions=["need_f", "twin"])
    assert len(told.tool.questions) == 1
    assert golden(frame, assignment, questions=ITEMS, most=2).formula.table["question"].tolist()[0] == "constant"


def test_confusion_and_recall_tell_the_same(found):
    hits = found.confusion.table.query("segment == told").set_index("segment")["share"]
    recall = found.quality.table.query("measure == 'recall'").set_index("segment")["value"]
    assert hits.to_dict() == pytest.approx(recall.to_dict())
    assert found.confusion.table.groupby("segment")["share"].sum().to_numpy() == pytest.approx(1)
    assert found.confusion.table["count"].sum() == found.quality.meta["n_used"]


# ---- round trips


def test_the_formula_survives_json_to_the_last_bit(found, customers, tmp_path):
    again = TypingTool.load(found.tool.save(tmp_path / "typing.json"))
    assert again.as_dict() == found.tool.as_dict()
    one, other = found.tool.scores(customers[0]), again.scores(customers[0])
    assert np.array_equal(one, other, equal_nan=True)
    assert again.assign(customers[0]).table.equals(found.tool.assign(customers[0]).table)


def test_the_saved_table_is_the_formula(found, customers, tmp_path):
    table = Result.load(found.formula.save(tmp_path / "segments.typing")).table
    weights = table[[f"weight_{s}" for s in found.tool.segments]].to_numpy()
    again = TypingTool(tuple(table["question"][1:]), found.tool.segments, weights)
    assert np.array_equal(again.scores(customers[0]), found.tool.scores(customers[0]), equal_nan=True)


def sheet_scores(sheet, tool, row):
    """What the formulas of one row say, worked from the cells: constant plus the sum of products, then the largest."""
    q, s = len(tool.questions), len(tool.segments)
    given = [sheet.cell(row, j).value for j in range(1, q + 1)]
    weights = [[sheet.cell(k, j).value for j in range(2, q + 3)] for k in range(2, s + 2)]
    scores = [w[0] + sum(a * b for a, b in zip(given, w[1:])) for w in weights]
    return scores, sheet.cell(2 + scores.index(max(scores)), 1).value


def test_the_spreadsheet_gives_every_respondent_the_same_scores_and_segment(found, customers, tmp_path):
    frame = customers[0].dropna(subset=ITEMS).reset_index(drop=True)
    book = load_workbook(found.tool.save_workbook(tmp_path / "typing.xlsx", rows=len(frame)))
    sheet, top = book["typing"], len(found.tool.segments) + 3
    for i, row in frame[list(found.tool.questions)].iterrows():
        for j, answer in enumerate(row, 1):
            sheet.cell(top + 1 + i, j, float(answer))
    book.save(tmp_path / "filled.xlsx")
    sheet = load_workbook(tmp_path / "filled.xlsx")["typing"]
    ours, told = found.tool.scores(frame), found.tool.assign(frame).table["segment"]
    for i in range(len(frame)):
        scores, segment = sheet_scores(sheet, found.tool, top + 1 + i)
        assert scores == pytest.approx(ours[i], abs=1e-12, rel=1e-12) and segment == told[i]


def test_the_formulas_point_at_the_weights_and_the_answers(found, tmp_path):
    sheet = load_workbook(found.tool.save_workbook(tmp_path / "typing.xlsx", rows=2, labels={"need_f": "=2+2"}))["typing"]
    q, s = len(found.tool.questions), len(found.tool.segments)
    row, last = s + 4, "ABCDEFGHIJ"[q - 1]
    first = sheet.cell(row, q + 2)
    weights = "ABCDEFGHIJ"[q + 1]
    assert first.value == f'=IF(COUNT($A{row}:${last}{row})={q},$B$2+SUMPRODUCT($A{row}:${last}{row},$C$2:${weights}$2),"")'
    assert "MATCH(MAX(" in sheet.cell(row, q + 2 + s).value
    wording = [c for c in sheet[1] if c.value == "=2+2"]
    assert wording and all(c.data_type == "s" for c in wording)  # a study's words are never formulas


# ---- invariances


def test_the_order_of_rows_does_not_matter(found, customers):
    order = np.random.default_rng(3).permutation(len(customers[0]))
    frame = customers[0].iloc[order]
    assignment = customers[1].with_table(customers[1].table.iloc[order].reset_index(drop=True))
    again = golden(frame, assignment, questions=ITEMS)
    for one, other in zip(found[:3], again[:3]):
        assert numbers(other) == pytest.approx(numbers(one), abs=1e-9, nan_ok=True)


def test_a_frequency_of_two_is_two_respondents_and_equal_weights_change_nothing(found, customers):
    frame, assignment = customers
    twice = golden(pd.concat([frame, frame]), assignment.with_table(pd.concat([assignment.table] * 2)), questions=ITEMS)
    counted = golden(frame.assign(k=2), assignment, questions=ITEMS, weights="k", weights_kind="frequency")
    equal = golden(frame.assign(k=3.0), assignment, questions=ITEMS, weights="k")
    for one, other in ((twice, counted), (found, equal)):
        for a, b in zip(one[:3], other[:3]):
            assert numbers(b) == pytest.approx(numbers(a), abs=1e-9, nan_ok=True)


def test_every_fold_is_of_the_same_size_and_mix(customers):
    from delight.segments.typing import _Cases

    cases = _Cases(*customers, ITEMS, "rating", None, "sampling", 1)
    assert np.ptp(cases.units.sum(axis=0)) <= 1 and cases.units.sum() == cases.n
    by_segment = np.array([cases.units[cases.group == k].sum(axis=0) for k in range(3)])
    assert np.ptp(by_segment, axis=1).max() <= 1 and by_segment.shape == (3, FOLDS)


# ---- gaps and bad input


def test_who_left_a_golden_question_open_gets_no_segment(found, customers):
    frame = customers[0].head(4).copy()
    frame.loc[1, found.tool.questions[0]] = np.nan
    told = found.tool.assign(frame)
    assert told.table["status"].tolist()[1] == "insufficient" and pd.isna(told.table["segment"][1])
    assert told.meta["n_dropped_missing"] == frame[list(found.tool.questions)].isna().any(axis=1).sum()
    assert told.table.filter(like="post_").sum(axis=1, min_count=3).dropna().to_numpy() == pytest.approx(1)


def test_too_few_respondents_of_a_segment_make_no_tool(customers):
    frame, assignment = customers
    few = golden(frame.head(40), assignment.with_table(assignment.table.head(40)), questions=ITEMS)
    assert few.tool is None and few.formula.status == few.quality.status == "insufficient"
    nobody = golden(frame, assigned(np.full(len(frame), -1), []), questions=ITEMS)
    assert nobody.tool is None and nobody.quality.meta["n_used"] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda j: j.pop("segments"), "is no typing tool"),
        (lambda j: j.update(version=7), "version 7 is not known"),
        (lambda j: j["constant"].pop(), "one weight for each|is no typing tool"),
    ],
)
def test_a_damaged_formula_is_refused_with_the_reason(found, tmp_path, change, said):
    about = found.tool.as_dict()
    change(about)
    (tmp_path / "typing.json").write_text(json.dumps(about))
    with pytest.raises(StudyError, match=said):
        TypingTool.load(tmp_path / "typing.json")


def test_what_cannot_be_is_refused(customers):
    frame, assignment = customers
    with pytest.raises(InputError, match="1200 rows where the table has 3"):
        golden(frame.head(3), assignment, questions=ITEMS)
    with pytest.raises(InputError, match="at least one question"):
        golden(frame, assignment, questions=[])
    with pytest.raises(InputError, match="lacks 1 column"):
        golden(frame, assignment, questions=["need_z"])

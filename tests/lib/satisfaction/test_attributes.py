import numpy as np
import pandas as pd
import pytest
from delight.satisfaction import attributes, beside, groupings, levels, nps
from delight.scales import Scale

GRADES = Scale(1, 10)


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "overall": [9.0, 8, 7, np.nan],
            "warmth": [9.0, 10, np.nan, 8],
            "food": [5.0, np.nan, 4, np.nan],
            "food:na": [False, True, False, False],
            "recommend": [10.0, 9, 3, 8],
        }
    )


def test_every_attribute_has_its_own_mean_and_n(frame):
    found = attributes(frame, x=["warmth", "food"], scales={"warmth": GRADES, "food": Scale(1, 5)}, not_applicable={"food": "food:na"})
    table = found.table.set_index("attribute")
    assert table.loc["warmth", ["mean", "n", "n_missing", "n_not_applicable"]].tolist() == [9, 3, 1, 0]
    assert table.loc["food", ["mean", "n", "n_missing", "n_not_applicable"]].tolist() == [4.5, 2, 1, 1]
    assert table.loc["food", ["scale_min", "scale_max"]].tolist() == [1, 5]


def test_no_attribute_is_an_empty_table(frame):
    assert attributes(frame, x=[], scales={}).table.empty


def test_targets_stand_beside_results_and_are_not_tested(frame):
    level = levels(frame, y="overall", scale=GRADES)
    score = nps(frame, y="recommend", scale=Scale(0, 10))
    parts = attributes(frame, x=["warmth"], scales={"warmth": GRADES})
    declared = {"overall_mean": 8.5, "nps": 40, "share_delighted": 0.5, "warmth_mean": 9, "price_mean": 7}
    benchmark = {"name": "Sector", "measure": "overall_mean", "value": 7.9, "source": "Sector study", "year": 2024}
    table = beside(declared, [benchmark], levels=level, nps=score, attributes=parts, names={"overall": "overall"}).table
    assert table["value"].tolist()[:4] == pytest.approx([8, 25, 1 / 3, 9])
    assert table["gap"].tolist()[0] == pytest.approx(-0.5)
    assert table["status"][4] == "not_identified" and np.isnan(table["value"][4])
    assert table.iloc[5][["kind", "name", "reference", "value"]].tolist() == ["benchmark", "Sector", 7.9, 8.0]
    assert "p" not in table


def test_groupings_divide_and_are_few():
    frame = pd.DataFrame({"one": ["a"] * 20, "two": ["a", "b"] * 10, "many": [str(i) for i in range(20)]})
    assert groupings(frame, ["two", "one", "many", "none"]) == ["two"]

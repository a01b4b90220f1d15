import numpy as np
import pandas as pd
from delight.feedback.response import response

FRAME = pd.DataFrame({"wave": ["a"] * 3 + ["b"] * 6, "location": ["x", "y", "y", "x", "x", "y", "z", "z", None]})
LABELS = {"x": "one", "y": "one", "z": "two", "w": "two"}


def rows(**options):
    found = response(FRAME, wave="b", waves=["a", "b"], labels=LABELS, **options)
    return found, found.table.set_index(["by", "group"])


def test_response_is_counted_by_wave_label_and_location():
    found, table = rows(invited={"x": 4, "y": 5, "z": 4, "w": 7}, population={"x": 5, "y": 5, "z": 8, "w": 9})
    assert table.loc[("whole", ""), ["n", "invited", "response"]].tolist() == [6, 20, 0.3]
    assert table.loc[("wave", "a"), "n"] == 3 and np.isnan(table.loc[("wave", "a"), "response"])
    assert table.loc[("label", "one"), ["n", "invited"]].tolist() == [3, 9]
    assert table.loc[("location", "z"), ["n", "response", "coverage"]].tolist() == [2, 0.5, 0.25]
    assert table.loc[("location", "w"), ["n", "response"]].tolist() == [0, 0]
    assert found.status == "ok" and found.meta["n_used"] == 6


def test_a_sum_over_unknown_places_is_unknown():
    _, table = rows(invited={"x": 4, "y": 5})
    assert table.loc[("label", "one"), "invited"] == 9
    assert np.isnan(table.loc[("label", "two"), "invited"]) and np.isnan(table.loc[("whole", ""), "response"])


def test_a_total_may_stand_in_for_the_whole():
    _, table = rows(total_invited=12)
    assert table.loc[("whole", ""), "response"] == 0.5


def test_more_answers_than_persons_have_no_rate():
    found, table = rows(invited={"x": 1, "y": 5, "z": 4, "w": 7})
    assert np.isnan(table.loc[("location", "x"), "response"])
    assert table.loc[("location", "x"), "status"] == "assumption_warning"
    assert found.note("more_answers_than_persons").values == {"n": 1}


def test_without_locations_only_waves_are_counted():
    found = response(FRAME[["wave"]], wave="b", waves=["a", "b"])
    assert found.table["by"].tolist() == ["whole", "wave", "wave"]

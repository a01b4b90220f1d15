"""The filter bar filters, counts and protects; the explorer follows it."""

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.scales import Scale
from delight.show import Words
from delight.show.widgets import FilterBar, SatisfactionExplorer


@pytest.fixture
def responses():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"wave": ["2024"] * 60 + ["2025"] * 45, "location": ["A"] * 98 + ["B"] * 7, "w": 1.0})
    frame["overall"] = rng.integers(5, 11, len(frame)).astype(float)
    frame["recommend"] = rng.integers(0, 11, len(frame)).astype(float)
    return frame


def measure(column, low, weights=None):
    return {"y": column, "scale": Scale(low, 10), "weights": weights, "weights_kind": "sampling"}


def test_a_choice_leaves_its_rows_and_says_how_many(responses):
    bar = FilterBar(responses, by=["wave", "location"], words=Words("en"), weights="w")
    assert len(bar.selected) == 105 and "105" in bar._count.value
    bar.menus["wave"].value = "2025"
    assert set(bar.selected["wave"]) == {"2025"} and "<b>45</b> responses · effective n 45" in bar._count.value


def test_the_explorer_follows_the_filter(responses):
    bar = FilterBar(responses, by=["wave"], words=Words("nl"))
    view = SatisfactionExplorer(bar, overall=measure("overall", 1), recommend=measure("recommend", 0))
    before = view.numbers.value
    bar.menus["wave"].value = "2024"
    mean = responses.loc[responses["wave"] == "2024", "overall"].mean()
    assert view.numbers.value != before
    assert f"Gemiddeld cijfer {mean:.1f}".replace(".", ",") in view.numbers.value
    assert view.plot.value.startswith("<svg")


def test_a_small_selection_is_not_shown_and_says_why(responses):
    bar = FilterBar(responses, by=["location"], words=Words("en"), minimum_group=10)
    view = SatisfactionExplorer(bar, overall=measure("overall", 1))
    bar.menus["location"].value = "B"
    assert "fewer than 10 are not shown" in view.numbers.value and view.plot.value == ""


def test_a_missing_column_is_named(responses):
    with pytest.raises(InputError, match="'label'"):
        FilterBar(responses, by=["label"], words=Words("en"))

"""What a chapter hands to methods."""

from types import SimpleNamespace

import pandas as pd
import pytest
from delight.publish.chapter import Chapter


@pytest.mark.parametrize(("rows", "drawn", "expected"), [(3, "location", "location"), (2, "location", None), (3, None, None)])
def test_locations_are_clusters_only_where_they_were_drawn_and_answers_are_from_more_than_one(rows, drawn, expected):
    frame = pd.DataFrame({"location": ["Amsterdam", "Breda", "Breda"], "overall": [7, 8, 9]}).tail(rows)
    study = SimpleNamespace(design=lambda: SimpleNamespace(clusters=drawn))
    here = SimpleNamespace(study=study, location="", _planned=False, responses=lambda: frame)
    assert Chapter.clusters(here) == expected

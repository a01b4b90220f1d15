"""What a chapter hands to methods."""

from types import SimpleNamespace

import pandas as pd
from delight.publish.chapter import Chapter


def test_locations_are_clusters_only_where_answers_are_from_more_than_one():
    both = pd.DataFrame({"location": ["Amsterdam", "Breda", "Breda"], "overall": [7, 8, 9]})
    of = {name: SimpleNamespace(responses=lambda frame=frame: frame) for name, frame in {"all": both, "one": both.tail(2)}.items()}
    assert Chapter._clusters(of["all"], "location") == "location"
    assert Chapter._clusters(of["one"], "location") is None and Chapter._clusters(of["all"], None) is None

"""Parts of the service by location are what `pooled` gives for each, in one pass."""

import numpy as np
import pandas as pd
import pytest
from delight import satisfaction
from delight.scales import Scale

SCALE = Scale(1, 10)


@pytest.fixture
def frame():
    rng = np.random.default_rng(5)
    place = np.repeat(list("abcdef"), [40, 25, 12, 30, 18, 55])
    warmth = np.clip(np.rint(rng.normal(7.5, 1.5, len(place)) + (place == "c")), 1, 10)
    speed = np.where(rng.random(len(place)) < 0.3, np.nan, np.clip(np.rint(rng.normal(7, 2, len(place))), 1, 10))
    return pd.DataFrame(
        {"location": place, "warmth": warmth, "speed": speed, "w": rng.uniform(0.3, 2, len(place)), "na": rng.random(len(place)) < 0.2}
    )


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("population", [None, dict(a=60, b=30, c=20, d=90, e=40, f=55)])
def test_every_part_is_what_pooling_it_alone_gives(frame, weights, population):
    about = {"labels": dict(zip("abcdef", "LLLMMM")), "weights": weights, "population": population}
    found = satisfaction.parts(
        frame, x=["warmth", "speed"], scales={"warmth": SCALE, "speed": SCALE}, not_applicable={"speed": "na"}, **about
    ).table
    for column in ("warmth", "speed"):
        mine = found[found["attribute"] == column].set_index("location")
        asked = frame[~frame["na"]] if column == "speed" else frame
        alone = satisfaction.pooled(asked, y=column, scale=SCALE, **about).locations.table.set_index("location")
        shared = [c for c in alone.columns if c != "label"]
        pd.testing.assert_frame_equal(mine[shared], alone[shared], check_dtype=False, rtol=1e-10)


def test_each_part_may_have_places_of_its_own(frame):
    frame["joint"] = frame["location"].replace({"a": "a + b", "b": "a + b"})
    where = {"warmth": "location", "speed": "joint"}
    found = satisfaction.parts(frame, x=["warmth", "speed"], scales={"warmth": SCALE, "speed": SCALE}, location=where).table
    assert found.groupby("attribute")["location"].agg(set).to_dict() == {"warmth": set("abcdef"), "speed": {"a + b", *"cdef"}}
    assert (
        found.set_index(["attribute", "location"]).loc[("speed", "a + b"), "n"]
        == frame.loc[frame["joint"] == "a + b", "speed"].notna().sum()
    )


def test_without_parts_or_with_two_locations_nothing_is_pooled(frame):
    assert not len(satisfaction.parts(frame, x=[], scales={}).table)
    two = satisfaction.parts(frame[frame["location"].isin(["a", "b"])], x=["warmth"], scales={"warmth": SCALE})
    assert two.status == "not_identified" and two.table["pooled"].isna().all() and two.table["raw"].notna().all()

"""Models drawn as arrows (core: delight.arrows)."""

import pytest
from delight import arrows
from delight.errors import InputError


def test_a_chain_is_several_arrows_and_pairs_stay():
    assert arrows.read(["a -> b -> c", ("a", "c")]) == (("a", "b"), ("b", "c"), ("a", "c"))


def test_everything_wrong_is_told_at_once():
    with pytest.raises(InputError) as told:
        arrows.read(
            ["imago -> quality", "quality", "quality -> quality", "image -> quality", "image -> quality"], known=["image", "quality"]
        )
    text = str(told.value)
    assert "Did you mean 'image'?" in text and "'quality' is no arrow" in text
    assert "onto itself" in text and "stands there twice" in text


def test_a_circle_is_refused_by_the_names_on_it():
    with pytest.raises(InputError, match="b, c lead round in a circle"):
        arrows.read(["a -> b", "b -> c", "c -> b", "c -> d"])


def test_names_are_put_so_that_every_arrow_leads_forwards():
    pairs = arrows.read(["quality -> loyalty", "image -> quality", "image -> loyalty"])
    ordered, circle = arrows.in_order(pairs)
    assert ordered == ["image", "quality", "loyalty"] and not circle

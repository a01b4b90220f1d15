"""The planted truth is read, checked and written."""

import pytest
from delight.demo import Truth
from delight.errors import InputError


@pytest.fixture(scope="module")
def truth():
    return Truth.load()


def test_the_truth_says_what_each_driver_does(truth):
    assert truth.drivers["warmth"].kind == "delight" and truth.drivers["warmth"].below == 0 < truth.drivers["warmth"].above
    assert truth.drivers["agreements"].kind == "basic" and truth.drivers["agreements"].above == 0 < truth.drivers["agreements"].below
    assert truth.drivers["building"].slopes("quality") == (0, 0)
    for driver in truth.drivers.values():
        assert (driver.kind == "experience") == (driver.below == driver.above != 0)


def test_a_driver_can_matter_more_to_one_group(truth):
    assert truth.drivers["activities"].slopes("pedagogy")[0] > truth.drivers["activities"].slopes("quality")[0]


def test_the_first_group_has_no_distinctive_wish(truth):
    assert truth.segments["quality"].wishes == {}
    assert set(truth.segments["pedagogy"].wishes) == set(truth.segments["unburden"].wishes)


@pytest.mark.parametrize(
    ("form", "at", "jump", "contrast"),
    [("linear", 9.0, 0.9, 0.0), ("jump", 9.0, 0.9, 0.9), ("jump", 8.5, 0.9, 0.9), ("hinge", 8.0, 0.5, 0.5), ("hinge", 8.0, -0.3, -0.3)],
)
def test_the_local_contrast_follows_from_the_form_of_the_curve(truth, form, at, jump, contrast):
    assert truth.with_curve(form, at=at, jump=jump).loyalty.local_contrast == pytest.approx(contrast)


def test_the_demo_accelerates_at_nine(truth):
    assert truth.loyalty.local_contrast == pytest.approx(truth.loyalty.jump) and truth.loyalty.jump > 0


def test_without_delight_nothing_is_special_any_more(truth):
    plain = truth.without_delight()
    assert {d.kind for d in plain.drivers.values()} == {"experience", "none"}
    assert all(d.below == d.above for d in plain.drivers.values())
    assert plain.loyalty.local_contrast == 0 and plain.churn["goodwill"] == 0


def test_a_truth_survives_being_written_and_read(truth):
    assert Truth.parse(truth.dumps()) == truth and truth.dumps() == truth.text
    for other in (truth.sized(50), truth.without_segments(), truth.without_delight(), truth.pure_halo(), truth.clean()):
        assert Truth.parse(other.dumps()) == other != truth


def test_a_misspelt_section_is_named_with_the_nearest_known():
    with pytest.raises(InputError, match=r"\[drit\].*'dirt'"):
        Truth.parse(Truth.load().text.replace("[dirt]", "[drit]"))


def test_every_impossible_value_is_told_at_once(truth):
    text = (
        truth.text.replace('kind = "none"', 'kind = "nice"')
        .replace("share = 0.45", "share = 0.55")
        .replace('form = "jump"', 'form = "leap"')
    )
    with pytest.raises(InputError) as error:
        Truth.parse(text)
    for part in ("do not add up to 1", "'building' has kind 'nice'", "form 'leap'"):
        assert part in str(error.value)


@pytest.mark.parametrize("answers", [0, -3])
def test_a_study_needs_at_least_one_answer(truth, answers):
    with pytest.raises(InputError, match="answers must be 1 or more"):
        truth.sized(answers)

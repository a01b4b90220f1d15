import json

import numpy as np
import pytest
from delight.errors import InputError, StudyError
from delight.segments import segmentation as finding
from delight.segments.agreement import against
from delight.segments.model import SegmentModel, assign

from tests.lib.segments.made_up_parents import ARCHETYPES, ITEMS, parents

QUICK = {"n_splits": 2, "n_boot": 20, "k_max": 3, "n_starts": 8}


@pytest.fixture(scope="module", params=["within", "raw"])
def found(request, planted, asked):
    return finding.find(planted[0], **asked, archetypes=ARCHETYPES, k=3, solution=request.param, **QUICK)


def test_a_confirmed_segmentation_assigns_as_the_one_that_was_found(found, planted, tmp_path):
    path = found.model.save(tmp_path / "segments.json")
    again = assign(planted[0], model=SegmentModel.load(path))
    assert again.table["segment"].equals(found.assignment.table["segment"])
    assert again.table.filter(like="post_").to_numpy() == pytest.approx(found.assignment.table.filter(like="post_").to_numpy(), abs=1e-9)
    assert list(json.loads(path.read_text()))[:2] == ["version", "names"]


def test_a_later_wave_is_assigned_by_the_confirmed_segmentation_and_described(found):
    later, group = parents(500, seed=77)
    assignment = assign(later, model=found.model)
    assert assignment.table["segment"].notna().all()
    segments, profile = finding.describe(later, model=found.model, n_boot=20)
    assert segments.table["share"].sum() == pytest.approx(1)
    assert len(profile.table) == 30
    assert segments.note("confirmed") is not None


def test_a_refit_is_shown_against_the_confirmed_segmentation(found):
    same = against(found.assignment, found.assignment)
    assert same.table["adjusted_rand"].iloc[0] == 1
    diagonal = same.table[same.table["confirmed"] == same.table["refit"]]
    assert diagonal["share"].to_numpy() == pytest.approx(1) and diagonal["n"].sum() == 800


def test_a_confirmed_segmentation_stays_in_front_and_a_refit_stands_beside_it(found, asked):
    later, _ = parents(500, seed=78)
    plain = finding.find(later, **asked, confirmed=found.model, **QUICK)
    assert plain.assignment.table["segment"].equals(assign(later, model=found.model).table["segment"])
    assert plain.refit.table.empty and plain.model is found.model and plain.fit.table["chosen"].all()
    again = finding.find(later, **asked, archetypes=ARCHETYPES, confirmed=found.model, refit=True, **QUICK)
    assert again.assignment.table["segment"].equals(plain.assignment.table["segment"])
    assert again.refit.table["n"].sum() == 500 and len(again.fit.table) == 6
    if found.segments.meta["solution"] == "within":
        assert again.refit.table["adjusted_rand"].iloc[0] > 0.8


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda j: j.pop("classes"), "is not a confirmed segmentation"),
        (lambda j: j.update(version=9), "version 9 is not known"),
        (lambda j: j["classes"][0].update(code="../x"), "lower-case letters, digits and dashes"),
        (lambda j: j["classes"][0].update(share=0.9), "do not add up to one"),
        (lambda j: j["classes"][0].update(code=j["classes"][1]["code"]), "same code"),
    ],
)
def test_a_damaged_file_is_refused_with_the_reason(found, tmp_path, change, said):
    about = found.model.as_dict()
    change(about)
    (tmp_path / "segments.json").write_text(json.dumps(about))
    with pytest.raises(StudyError, match=said):
        SegmentModel.load(tmp_path / "segments.json")


def test_a_file_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "segments.json").write_text("{")
    with pytest.raises(StudyError, match="cannot be read"):
        SegmentModel.load(tmp_path / "segments.json")


def test_a_missing_need_is_named(found, planted):
    with pytest.raises(InputError, match=ITEMS[2]):
        assign(planted[0].drop(columns=ITEMS[2]), model=found.model)


def test_posteriors_of_one_person_do_not_depend_on_the_others(found, planted):
    alone = assign(planted[0].iloc[[5]], model=found.model).table
    assert alone.filter(like="post_").to_numpy() == pytest.approx(
        found.assignment.table.filter(like="post_").iloc[[5]].to_numpy(), abs=1e-9
    )
    assert np.isfinite(alone["certainty"]).all()

"""The path model of a study: constructs of the codebook, arrows of study.toml."""

import pytest
from delight.errors import StudyError
from delight.study import open_study

from tests.small_study import CODEBOOK, TOML, write

CONSTRUCTS = {"overall": "satisfaction", "warmth": "quality", "speed": "quality", "worry": "image"}


def tied(rows=CODEBOOK, extra=""):
    head, *rows = rows.splitlines()
    rows = [f"{row},{CONSTRUCTS.get(row.partition(',')[0], '')}" for row in rows]
    return "\n".join([f"{head},construct", *rows]) + "\n" + extra


def test_constructs_are_the_codebooks_and_the_model_is_the_ecsi_unless_declared(tmp_path):
    study = open_study(write(tmp_path, codebook=tied(extra="more,item,,,1,10,,,,,satisfaction\n")))
    assert study.constructs() == {"satisfaction": ["overall", "more"], "quality": ["warmth", "speed"], "image": ["worry"]}
    model = study.path_model(lambda column: column != "worry")
    assert list(model["constructs"]) == ["satisfaction", "quality"] and model["inner"] is None and model["scheme"] == "centroid"
    assert set(model["scales"]) == {"overall", "more", "warmth", "speed"} and model["weights"] is None


def test_declared_arrows_and_scheme_reach_the_method(tmp_path):
    toml = TOML + '[path]\ninner = ["quality -> satisfaction", "image -> quality"]\nscheme = "path"\n'
    study = open_study(write(tmp_path, codebook=tied(), toml=toml))
    assert study.path_model()["inner"] == [("quality", "satisfaction"), ("image", "quality")] and study.path_model()["scheme"] == "path"
    assert study.path_model(lambda column: column != "worry")["inner"] == [("quality", "satisfaction")]


@pytest.mark.parametrize(
    ("inner", "told"),
    [
        ('["qualty -> satisfaction"]', "Did you mean 'quality'"),
        ('["quality -> satisfaction", "satisfaction -> quality"]', "round in a circle"),
        ('["quality"]', "is no arrow"),
    ],
)
def test_arrows_that_cannot_be_are_named_with_their_line(tmp_path, inner, told):
    with pytest.raises(StudyError, match=told) as raised:
        open_study(write(tmp_path, codebook=tied(), toml=TOML + f"[path]\ninner = {inner}\n"))
    assert "study.toml" in str(raised.value) and "Constructs of the codebook are satisfaction, quality, image" in str(raised.value)


def test_a_misspelt_key_or_scheme_is_refused(tmp_path):
    with pytest.raises(StudyError, match="Unknown key 'iner'"):
        open_study(write(tmp_path, codebook=tied(), toml=TOML + "[path]\niner = []\n"))
    with pytest.raises(StudyError, match="scheme"):
        open_study(write(tmp_path, codebook=tied(), toml=TOML + '[path]\nscheme = "centre"\n'))


def test_an_item_belongs_to_a_construct(tmp_path):
    with pytest.raises(StudyError, match="further question of a construct"):
        open_study(write(tmp_path, codebook=tied(extra="more,item,,,1,10,,,,,\n")))

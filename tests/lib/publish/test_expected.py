"""What the chapters on expectations and the pyramid take from a study: by role and tie of the codebook."""

import numpy as np
import pandas as pd
import pytest
from delight.feedback import table
from delight.publish import chapter, expected
from delight.satisfaction import expectations, gaps
from delight.satisfaction.pyramid import pyramid

from tests import small_study

CODEBOOK = """column,role,scale_min,scale_max,group,level,construct,pair,answer_set
id,respondent,,,,,,,
overall,overall,1,10,,,satisfaction,,
ideal,item,1,10,,,satisfaction,,
recommend,recommend,0,10,,,,,
rooms,attribute,1,7,tangibles,1,,,
staff,attribute,1,7,empathy,3,,people,applies
unasked,attribute,1,7,empathy,4,,,
want_rooms,expectation,1,7,,,,rooms,
want_staff,expectation,1,7,,,,people,
want_else,expectation,1,7,,,,nothing,
least_rooms,expectation_adequate,1,7,,,,rooms,
points_t,importance,0,100,tangibles,,,,
points_e,importance,0,100,empathy,,,,
extra,disconfirmation,1,5,,4,,,
versus,disconfirmation,1,5,,,,,
wow,emotion,1,5,,,surprise,,
joy,emotion,1,5,,,delight,,
"""
ANSWERS = """answer_set,code,text,label_en,label_nl,kind
applies,9,n.v.t.,,,not_applicable
"""


@pytest.fixture
def here(tmp_path):
    rng = np.random.default_rng(0)
    n = 60
    top = {"overall": 10, "ideal": 10, "recommend": 10, "points_t": 100, "extra": 5, "versus": 5, "wow": 5, "joy": 5}
    names = [line.split(",")[0] for line in CODEBOOK.splitlines()[2:]]
    data = pd.DataFrame({c: rng.integers(1, top.get(c, 7) + 1, n) for c in names}).assign(points_e=lambda t: 100 - t["points_t"])
    data.insert(0, "id", [f"k{i}" for i in range(n)])
    data["staff"] = data["staff"].astype(object).where(data.index > 4, "n.v.t.")
    data["unasked"] = ""
    folder = small_study.write(tmp_path, codebook=CODEBOOK, answers=ANSWERS, units=None, data=data.to_csv(index=False))
    work = str(tmp_path / "work")
    first = chapter.begin("feedback", str(folder), out=work)
    first.save("responses", table.read(first.study).responses, rows=True)
    return chapter.begin("expectations", str(folder), out=work, n_boot=20)


def test_expectations_are_tied_to_the_attribute_they_name(here):
    assert expected.expected(here) == {"rooms": "want_rooms", "staff": "want_staff"}
    found = expected.gaps(here)
    assert found["adequate"] == {"rooms": "least_rooms"} and found["dimensions"] == {"rooms": "tangibles", "staff": "empathy"}
    assert found["importance"] == {"tangibles": "points_t", "empathy": "points_e"}
    result = gaps.gaps(here.responses(), **found)
    row = result.attributes.table.set_index("attribute").loc["staff"]
    assert (row["n"], row["n_not_applicable"]) == (55, 5) and result.dimensions.table["gap_weighted"].notna().all()


def test_the_direct_question_is_the_one_about_the_whole(here):
    found = expected.direct(here)
    assert (found["x"], found["y"]) == ("versus", "overall")
    assert expectations.exceeding(here.responses(), **found).meta["n_used"] == 60
    assert expected.promoters(here)["recommend"] == "recommend"


def test_feelings_and_further_questions_find_their_place(here):
    assert expected.constructs(here)["constructs"] == {"satisfaction": ["overall", "ideal"], "delight": ["wow", "joy"]}
    stages = expected.stages(here)["stages"]
    assert stages["surprise"] == ["wow"] and stages["delight"] == ["joy"] and stages["intention"] == ["recommend"]
    assert stages["satisfaction"] == ["overall", "ideal"] and stages["disconfirmation"] == ["versus"]
    path = expectations.path(here.responses(), **expected.stages(here), n_boot=20)
    assert "surprise > delight > intention" in path.table["route"].tolist()
    measures = expectations.measures(here.responses(), **expected.measures(here), n_boot=20)
    assert measures.table["measure"].tolist() == ["gap", "direct", "affect"]


def test_levels_come_from_attributes_and_comparisons_that_were_asked(here):
    found = expected.pyramid(here)
    assert found["levels"] == {"rooms": 1, "staff": 3, "extra": 4} and found["expected"] == ["extra"]
    assert pyramid(here.responses(), **found, n_boot=20).order.meta["source_items"] == "mixed"


def test_what_was_not_asked_is_none(tmp_path, here):
    codebook = "\n".join(
        line for line in CODEBOOK.splitlines() if line.split(",")[1] in ("role", "respondent", "overall", "attribute", "ignore")
    )
    names = [line.split(",")[0] for line in CODEBOOK.splitlines()[1:]]
    kept = [line.split(",")[0] for line in codebook.splitlines()[1:]]
    data = pd.read_csv(here.study.path / "raw/answers.csv", dtype=str)[kept]
    assert len(kept) < len(names)
    folder = small_study.write(tmp_path / "bare", codebook=codebook, answers=ANSWERS, units=None, data=data.to_csv(index=False))
    bare = chapter.begin("feedback", str(folder), out=str(tmp_path / "bare-work"))
    bare.save("responses", table.read(bare.study).responses, rows=True)
    for need in (expected.direct, expected.promoters, expected.constructs, expected.stages, expected.gaps):
        assert need(bare) is None, need.__name__

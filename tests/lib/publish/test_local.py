from types import SimpleNamespace

import pandas as pd
from delight.publish import local


def location(comments, grades):
    frame = pd.DataFrame({"said": comments, "overall": grades})
    design = SimpleNamespace(labels={"noord": "De Regenboog"})
    return SimpleNamespace(
        location="noord",
        wave="2025",
        plan=SimpleNamespace(shown=lambda *about: True),
        study=SimpleNamespace(outcome="overall", design=lambda: design),
        words=SimpleNamespace(location=lambda code: "Het Noorden"),
        columns=lambda role: ["said"],
        responses=lambda: frame,
    )


def test_no_child_is_named_in_the_comments_a_location_reads():
    comments = ["Ze kennen Emma door en door, dat is heel fijn", "Ik laat Daan met een gerust hart achter", "Het Noorden is een fijne plek"]
    found = local.said(location(comments, [9.0, 8.0, 6.0])).table["quote"].tolist()
    assert found == [
        "Het Noorden is een fijne plek",
        "Ik laat [name] met een gerust hart achter",
        "Ze kennen [name] door en door, dat is heel fijn",
    ]


def test_a_comment_without_a_name_goes_before_one_with():
    comments = ["Emma vindt het hier heel erg fijn", "Wij vinden het hier heel erg fijn"]
    assert local.said(location(comments, [9.0, 9.0]), n=1).table["quote"].tolist() == [comments[1]]

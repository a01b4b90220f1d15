"""Data from which little or nothing can be learned: the whole chain still makes a report that says so."""

import random
import re
import shutil

import papermill
import pytest

from tests.bad_input import broken
from tests.bad_input.broken import delight

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("error::UserWarning", "error::DeprecationWarning:delight")]

CODEBOOK = """column,role,label_en,scale_min,scale_max
id,respondent,,,
place,location,Place,,
overall,overall,Overall,1,10
recommend,recommend,Recommend,0,10
a1,attribute,One,1,10
a2,attribute,Two,1,10
a3,attribute,Three,1,10
n1,need,N1,1,5
n2,need,N2,1,5
n3,need,N3,1,5
sex,background,Sex,,
remark,comment,,,
w,weight,,,
"""


def answers(n, **fixed):
    """Rows of random answers, with some columns as given: a value, or a function of the row."""
    draw = random.Random(7).randint
    lines = [",".join(line.split(",")[0] for line in CODEBOOK.splitlines()[1:])]
    for i in range(n):
        row = {"id": f"k{i}", "place": "AB"[i % 2], "overall": draw(3, 10), "recommend": draw(0, 10)}
        row |= (
            {f"a{j}": draw(1, 10) for j in (1, 2, 3)}
            | {f"n{j}": draw(1, 5) for j in (1, 2, 3)}
            | {"sex": "mv"[i % 2], "remark": "x", "w": 1}
        )
        lines.append(",".join(str(v(i) if callable(v) else v) for v in (row | fixed).values()))
    return "\n".join(lines) + "\n"


SAME = {"place": "A", "overall": 8, "recommend": 8, "a1": 8, "a2": 8, "a3": 8, "n1": 3, "n2": 3, "n3": 3, "sex": "m"}
HOSTILE = ["../../etc", "<script>alert(1)</script>", "con", "/abs", "a'b&c"]
POOR = {
    "one respondent": answers(1),
    "all alike": answers(60, **SAME),
    "nobody has an outcome": answers(60, overall="", recommend=""),
    "one respondent weighs everything": answers(60, w=lambda i: 1e12 if i == 0 else 1e-9),
    "attributes that are one": answers(60, a2=lambda i: 1 + i % 10, a3=lambda i: 1 + i % 10, a1=lambda i: 1 + i % 10),
    "every row its own location": answers(60, place=lambda i: f"L{i}"),
    "hostile words": answers(
        60, place=lambda i: HOSTILE[i % 5], sex=lambda i: "<b>" + "mv"[i % 2], remark="=1+1<img src=x onerror=alert(1)>"
    ),
}


@pytest.mark.parametrize("data", POOR.values(), ids=POOR)
def test_the_chain_survives_poor_data(data, tmp_path, root, monkeypatch):
    monkeypatch.setenv("DELIGHT_KEY", "test")
    monkeypatch.delenv("DELIGHT_RAW", raising=False)
    monkeypatch.setattr(papermill, "execute_notebook", broken.execute_here)
    shutil.copytree(root / "notebooks" / "chain", tmp_path / "notebooks" / "chain")
    study = tmp_path / "data" / "studies" / "poor"
    (study / "raw").mkdir(parents=True)
    sources = '[[sources]]\npath = "raw/a.csv"\nwave = "../2025"\n'
    (study / "study.toml").write_text(
        f'[study]\nname = "poor"\norganisation = "<script>alert(2)</script> & Co"\nlanguage = "en"\n{sources}'
    )
    (study / "codebook.csv").write_text(CODEBOOK)
    (study / "raw" / "a.csv").write_text(data)
    told = delight("run poor --formats html --languages en,nl,da -p n_boot=40", tmp_path)
    assert (told.code, told.err) == (0, "")
    for language in ("en", "nl", "da"):
        page = next((tmp_path / "reports" / "poor").glob(f"*/whole/{language}/report.html")).read_text(encoding="utf-8")
        words = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
        assert "<script" not in words and "<img src=x" not in words and not re.search(r">\s*(nan|NaN|None|inf)\b", words)

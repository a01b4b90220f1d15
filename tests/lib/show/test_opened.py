"""A study opened for exploration: read once, read anew when something changed, every explorer with the study's own arguments."""

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.feedback import table
from delight.show import widgets

from tests.small_study import TOML, write

CODEBOOK = """column,role,label_en,label_nl,scale_min,scale_max
id,respondent,,,,
place,location,Place,Locatie,,
round,wave,,,,
kind,background,Kind,Soort,,
overall,overall,Overall,Totaal,1,10
again,recommend,Recommend,Aanbevelen,0,10
warmth,attribute,Warmth,Warmte,1,10
speed,attribute,Speed,Snelheid,1,10
remark,comment,,,,
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of 400 responses in a workbook of its own."""
    rng = np.random.default_rng(8)
    n = 400
    warmth, speed = (np.clip(np.round(rng.normal(7.5, 1.5, n)), 1, 10).astype(int) for _ in range(2))
    overall = np.clip(np.round(0.5 * warmth + 0.4 * speed + rng.normal(0.6, 1, n)), 1, 10).astype(int)
    raw = pd.DataFrame(
        {"id": [f"k{i}" for i in range(n)], "place": rng.choice(["A", "B"], n), "round": np.where(np.arange(n) < 200, "1", "2")}
    )
    raw = raw.assign(kind=rng.choice(["day", "night"], n), overall=overall, again=np.clip(overall, 0, 10), warmth=warmth, speed=speed)
    raw["remark"] = np.where(overall > 8, "Lief, bel 06-12345678", "")
    (tmp_path / "notebooks" / "chain").mkdir(parents=True)
    (tmp_path / "data" / "studies").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    toml = TOML.replace('wave = "2024-1"\n', "")
    return write(tmp_path / "data" / "studies", toml=toml, codebook=CODEBOOK, answers=None, units=None, data=raw.to_csv(index=False))


def test_a_study_is_read_once_and_anew_when_it_changes(study, monkeypatch):
    read, calls = table.read, []
    monkeypatch.setattr(table, "read", lambda *args, **options: (calls.append(1), read(*args, **options))[1])
    first = widgets.open_study("small").responses
    again = widgets.open_study("small").responses
    assert len(calls) == 1
    pd.testing.assert_frame_equal(first, again)
    (study / "codebook.csv").write_text(CODEBOOK.replace("Warmth", "Warm"), encoding="utf-8")
    widgets.open_study("small").responses  # noqa: B018
    assert len(calls) == 2
    stem = study.parents[2] / "reports" / ".work" / "small" / "explore"
    (stem / "responses.json").write_text("{", encoding="utf-8")  # a reader that was killed halfway
    assert len(widgets.open_study("small").responses) == 400 and len(calls) == 3


@pytest.mark.parametrize("name", ["satisfaction", "loyalty", "drivers", "what_if", "comments"])
def test_every_explorer_opens_at_the_newest_wave_and_its_code_gives_the_same(study, name):
    here = widgets.open_study("small", language="en")
    options = {"draws": (0,)} if name == "drivers" else {}
    view = getattr(here, name)(**options)
    assert view.bars[0].choice == {"wave": "2"} and "<b>200</b>" in view.bars[0]._count.value
    made = {}
    exec(view.code, made)
    ours = next(iter(view.shown.tables.values()))
    theirs = made["result"].table
    shared = [c for c in ours if c in theirs]
    if name == "what_if":
        ours = ours[ours["outcome"] == "overall"]
    if name == "loyalty":
        theirs = theirs[ours["status"] != "suppressed"]
        ours = ours[ours["status"] != "suppressed"]
    pd.testing.assert_frame_equal(ours[shared].reset_index(drop=True), theirs[shared].reset_index(drop=True), check_dtype=False)
    assert 'open_study("small")' in view.code
    if name in ("drivers", "what_if"):
        assert '**study.model("overall")' in view.code


def test_comments_come_scrubbed(study):
    view = widgets.open_study("small").comments()
    assert "Lief" in view.table.value and "06-12345678" not in view.table.value


def test_what_was_not_asked_is_said(study):
    with pytest.raises(InputError, match="asked nothing about needs"):
        widgets.open_study("small").segments()


def test_an_unknown_language_is_named(study):
    with pytest.raises(InputError, match="not 'fr'"):
        widgets.open_study("small", language="fr")

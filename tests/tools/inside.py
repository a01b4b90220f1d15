"""Chapters of the chain run in the test's own process, and a study with locations to run them on."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from delight.publish import chain
from delight.publish.content import ChapterContent, Content
from delight.show import LANGUAGES
from delight.study import open_study, places

ROOT = Path(__file__).resolve().parents[2]
PARTS = {"warmth": "Warmth and attention", "safety": "Safety", "complaints": "Handling of complaints"}
SAID = ["Lovely people, always in for a chat.", "The app fails too often in the morning.", "Nothing to complain about, keep it up."]


def write_study(
    folder, sizes, labels, *, waves=("2024", "2025"), population=True, seed=0, overall=True, alike=(), names=None, design="all"
):
    """A study with locations.

    Parameters
    ----------
    folder : Path
    sizes : dict of wave to dict of location to answers
        Of a location named "" the answers have no location.
    labels : dict of location to label
    population : bool
        Whether units.csv knows how many customers each location has.
    overall : bool
        Whether an overall grade is asked; else only the likelihood to recommend.
    alike : set of str
        Locations in which all grades are 8.
    names : dict of location to name
    design : {"all", "sample"}
        Whether all locations were asked, or some drawn.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    sources = "".join(f'[[sources]]\npath = "{wave}.csv"\nwave = "{wave}"\n\n' for wave in waves)
    (folder / "study.toml").write_text(
        f'[study]\nname = "{folder.name}"\norganisation = "Places"\nlanguage = "en"\n\n{sources}[fieldwork]\ndesign = "{design}"\n'
    )
    asked = "overall,overall,Overall grade,1,10\n" if overall else ""
    parts = "".join(f"{c},attribute,{label},1,10\n" for c, label in PARTS.items())
    (folder / "codebook.csv").write_text(
        "column,role,label_en,scale_min,scale_max\nid,respondent,,,\nplace,location,Place,,\n"
        f"{asked}recommend,recommend,Would you recommend us?,0,10\n{parts}remark,comment,Anything to add?,,\n"
    )
    everywhere = sorted({loc for by_place in sizes.values() for loc in by_place} - {""})
    units = [
        {
            "location": loc,
            "name": (names or {}).get(loc, f"House {loc}"),
            "label": labels.get(loc, ""),
            "invited": 60 + 7 * i,
            "population": 70 + 9 * i if population else None,
        }
        for i, loc in enumerate(everywhere)
    ]
    pd.DataFrame(units).to_csv(folder / "units.csv", index=False)
    for wave in waves:
        rows = []
        for loc, n in sizes[wave].items():
            middle = rng.normal(7.5, 0.4)
            for _ in range(n):
                grade = 8 if loc in alike else int(np.clip(np.rint(rng.normal(middle, 1.5)), 1, 10))
                given = {c: int(np.clip(np.rint(0.6 * grade + rng.normal(3, 1)), 1, 10)) for c in PARTS}
                given["complaints"] = given["complaints"] if rng.random() < 0.4 else ""
                said = SAID[rng.integers(3)] if rng.random() < 0.5 else ""
                asked = {"overall": grade} if overall else {}
                rows.append({"id": f"{wave}-{len(rows)}", "place": loc, **asked, "recommend": grade, **given, "remark": said})
        pd.DataFrame(rows).to_csv(folder / f"{wave}.csv", index=False)
    return folder


def run(study, work, chapters=("feedback", "satisfaction"), *, location="", wave="2025", n_boot=50):
    """Run chapters of the chain in this process and return what a report is made of.

    Parameters
    ----------
    study : Path
    work : Path
        Work folder of the wave's whole; a location's stands beside it.
    chapters : sequence of str
        Names.
    location : str

    Returns
    -------
    Content
    """
    opened = open_study(study)
    if location:
        work = work.with_name(f"{work.name}@{places.slugs([*opened.units, location])[location]}")
    work.mkdir(parents=True, exist_ok=True)
    values = {"study": str(study), "wave": wave, "location": location, "out": str(work), "n_boot": n_boot}
    found = [c for c in chain.chapters(ROOT) if c.name in chapters]
    done = [ChapterContent(c.name, c.file, "done", [], _blocks(c.path, values)) for c in found]
    for language in LANGUAGES:
        (work / f"labels.{language}.json").write_text(opened.labels(language).to_json(), encoding="utf-8")
    about = {
        **dict(study=opened.name, organisation=opened.organisation, wave=wave, waves=list(opened.waves), location=location, language="en"),
        **dict(label=opened.design().labels.get(location) or "", partial=False, minimum_group=opened.minimum_group, report={}),
        **dict(delight_from=opened.delight_from, fieldwork={}, version="0", made_at=datetime.now(UTC).isoformat(timespec="seconds")),
    }
    content = Content(work, about, done)
    content.save()
    return content


def _blocks(path, values):
    """Run a notebook's cells; the blocks its report cells end in."""
    scope, blocks = {}, []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        tags = cell["metadata"].get("tags", [])
        body = ast.parse("".join(cell["source"])).body
        last = ast.Expression(body.pop().value) if "report" in tags else None
        exec(compile(ast.Module(body, []), path.name, "exec"), scope)
        if "parameters" in tags:
            scope |= values
        if last is not None and (block := eval(compile(last, path.name, "eval"), scope)) is not None:
            block.html  # noqa: B018 - a reader of the notebook sees it
            blocks.append(block.as_dict())
    return blocks

"""A tiny workbook for tests of the runner: three short chapters and a study of forty respondents."""

from __future__ import annotations

import json

PARAMETERS = """study: str = "tiny"  # Study to analyse
wave: str = ""  # Survey wave
location: str = ""  # One location
language: str = ""  # Report language
out: str = ""  # Where results go
delight_from: float = 0  # Lowest score that counts as delighted
ci_level: float = 0.95  # Confidence level
n_boot: int = 200  # Bootstrap draws
seed: int = 1  # Seed"""

BEGIN = """from delight import show
from delight.feedback import table
from delight.publish import chapter
from delight import satisfaction

here = chapter.begin("{name}", study, wave=wave, location=location, language=language, out=out,
                     delight_from=delight_from, ci_level=ci_level, n_boot=n_boot, seed=seed)"""

FEEDBACK = """feedback = table.read(here.study)
here.save("responses", feedback.responses, rows=True, hash=feedback.hash)
here.plan_suppression()
here.save("attrition", feedback.attrition)"""

SATISFACTION = """levels = satisfaction.levels(here.responses(), **here.measure("overall"), ci_level=ci_level)
saved = here.save("levels", levels)
saved.table"""


def notebook(cells, **about):
    """A notebook of (tags, source) code cells, as JSON text."""
    made = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {"tags": tags}, "source": source, "outputs": [], "execution_count": None}
        for i, (tags, source) in enumerate(cells)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps({"cells": made, "metadata": {"kernelspec": kernel, "delight": about}, "nbformat": 4, "nbformat_minor": 5})


def chapter(name, *bodies, needs=(), scope="any", parameters=PARAMETERS):
    """A chapter: parameters, begin, bodies."""
    cells = [(["parameters"], parameters), ([], BEGIN.format(name=name)), *[([], b) for b in bodies]]
    return notebook(cells, chapter=name, needs=list(needs), scope=scope)


def workbook(folder, *, middle=SATISFACTION, rows=40):
    """Write the workbook into `folder` and return it."""
    chain = folder / "notebooks" / "chain"
    chain.mkdir(parents=True)
    (chain / "10-feedback.ipynb").write_text(chapter("feedback", FEEDBACK))
    (chain / "20-satisfaction.ipynb").write_text(chapter("satisfaction", middle, needs=[["overall", "recommend"]]))
    (chain / "30-segments.ipynb").write_text(chapter("segments", "1 / 0", needs=[["need"]], scope="whole"))
    study = folder / "data" / "studies" / "tiny"
    (study / "raw").mkdir(parents=True)
    (study / "study.toml").write_text(
        '[study]\nname = "tiny"\norganisation = "Tiny"\nlanguage = "en"\n\n[[sources]]\npath = "raw/a.csv"\nwave = "2025"\n'
    )
    (study / "codebook.csv").write_text("column,role,label_en,scale_min,scale_max\nid,respondent,,,\ngrade,overall,Grade,1,10\n")
    (study / "raw" / "a.csv").write_text("id,grade\n" + "".join(f"p{i},{5 + i % 6}\n" for i in range(rows)))
    return folder

"""Every format of a report in one language, from the same blocks and tables: no kernel and no study needed."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path

#: Formats of a report with the name of their file.
FILES = {"html": "report.html", "pdf": "report.pdf", "xlsx": "tables.xlsx", "pptx": "slides.pptx"}
FORMATS = tuple(FILES)


def write(content, language, folder, formats=FORMATS):
    """Write a report in one language.

    Parameters
    ----------
    content : Content
        A finished run.
    language : {"nl", "da", "en"}
    folder : str or Path
        Where the files go; it is made.
    formats : sequence of str
        Of `FORMATS`.

    Returns
    -------
    (list of Path, list of str)
        The files, in the order of `FORMATS`, and a sentence for each format that could not be made, with what to do.

    Raises
    ------
    StudyError
        The story names a result that the run does not have.
    """
    from delight.publish import excel, html, pdf, slides

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _uncollected():
        page = html.page(content, language) if {"html", "pdf"} & set(formats) else ""
    makers = {
        "html": lambda path: html.save(page, path),
        "pdf": lambda path: pdf.write(page, path),
        "xlsx": lambda path: excel.write(content, language, path),
        "pptx": lambda path: slides.write(content, language, path),
    }
    files, warnings = [], []
    for name in (f for f in FORMATS if f in formats):
        with _uncollected():
            path, why = makers[name](folder / FILES[name])
        files += [path] if path else []
        warnings += [why] if why else []
    return files, warnings


@contextmanager
def _uncollected():
    """Without searching for garbage meanwhile: figures and pages are so many small objects that a fifth of the time would go there."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()

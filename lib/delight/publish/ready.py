"""What a report needs of a study beside its codebook and data: story, logo, slide template and confirmed segmentation, checked before a run."""

from __future__ import annotations

from delight.errors import StudyError
from delight.findings import Finding
from delight.publish import html, story, template


def check(study, chapters=None):
    """Everything wrong with a study's story, logo, slide template and segmentation.

    Parameters
    ----------
    study : Study
    chapters : sequence of str, optional
        Names of the chain's chapters, which a story may have sections for.

    Returns
    -------
    list of Finding
    """
    found = []
    for path in study.story.values():
        try:
            story.parse(path, chapters)
        except StudyError as error:
            found += error.findings
    if why := html.logo_problem(study):
        found.append(Finding("warning", "unusable_logo", why, file="study.toml"))
    if why := template.problem(study):
        found.append(Finding("error", "unusable_template", why, file="study.toml"))
    path = study.path / "segments.json"
    if path.exists():
        from delight.segments import SegmentModel

        try:
            SegmentModel.load(path)
        except StudyError as error:
            message = str(error).removeprefix(f"{path.name}: ").removeprefix(f"{path.name} ")
            found.append(Finding("error", "bad_segmentation", message[:1].upper() + message[1:], file=path.name))
    return found

"""What the chapter on segments needs from a study: the questions on needs, the kinds of customers expected, the confirmed segmentation."""

from __future__ import annotations

import pandas as pd

from delight.segments import SegmentModel, membership


def asked(here):
    """Arguments of `segments.find` from an opened chapter: the needs asked in the focus wave, how they were asked, and the archetypes.

    An archetype keeps what it says of the needs that were asked.
    """
    study, items = here.study, here.columns("need")
    scales = {c: study.scale(c) for c in items if study.scale(c) is not None}
    kinds = study.segments.archetypes
    model = here.model()
    return {
        "items": items,
        "form": study.segments.needs,
        "scales": scales,
        "archetypes": {a.name: {c: side for c, side in a.profile.items() if c in items} for a in kinds},
        "labels": {a.name: dict(a.labels) for a in kinds},
        "about": {"study": study.name, "wave": here.wave},
        **{name: model[name] for name in ("weights", "weights_kind", "clusters")},
    }


def confirmed(here):
    """The segmentation a person has confirmed (`segments.json` of the study), or None."""
    path = here.study.path / "segments.json"
    return SegmentModel.load(path) if path.is_file() else None


def propose(here, model):
    """Write the segmentation found as a proposal into the work folder; to confirm it, copy it into the study. Returns its path, or None."""
    return model.save(here.folder / "segments.json") if model is not None else None


def keep_typing(here, tool):
    """Write the golden questions into the work folder, as JSON and as a spreadsheet that scores answers; their paths."""
    if tool is None:
        return []
    labels = {q: here.words.column(q) for q in tool.questions}
    names = {s: here.words.segment(s) for s in tool.segments}
    sheet = tool.save_workbook(here.folder / "typing.xlsx", labels=labels, names=names)
    return [tool.save(here.folder / "typing.json"), sheet]


def outcomes(here):
    """What segments are compared on: overall grade, delighted customers and, where asked on 0-10, the net promoter score."""
    study, found = here.study, {}
    if here.has("overall"):
        found |= {"overall": study.column("overall"), "delight_from": here.delight_from}
    if here.has("recommend") and (study.scale("recommend").min, study.scale("recommend").max) == (0, 10):
        found["recommend"] = study.column("recommend")
    return found


def groups(here):
    """Arguments ``by, members`` of `drivers.differences`: the segments of chapter 30, else the groups that the study declares.

    Without either nobody belongs anywhere, and the drivers of everybody stand alone.
    """
    if here.exists("segments.assignment"):
        assignment = here.read("segments.assignment")
        if assignment.meta.get("segments"):
            return {"by": "segment", "members": membership(assignment)}
    declared = here.columns("segment")
    if declared:
        return {"by": declared[0]}
    return {"by": "segment", "members": pd.DataFrame(index=range(len(here.responses())))}

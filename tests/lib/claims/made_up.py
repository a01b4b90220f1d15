"""The demo's customers as a survey that claims can be tested on."""

from pathlib import Path

from delight.claims import Survey
from delight.demo.generate import generate
from delight.study import open_study
from delight.study.codebook import TIES

DEMO = Path(__file__).resolve().parents[3] / "data" / "studies" / "kinderopvang-demo"


def survey(truth, *, rows=None, without=(), n_boot=60, **changed):
    """A survey of a truth's newest wave; `without` takes roles away, `rows` keeps the first so many answers."""
    study, demo = open_study(DEMO), generate(truth, with_comments=False)
    everybody = demo.responses
    newest = everybody["wave"].iloc[-1]
    frame = everybody[everybody["wave"] == newest].head(rows) if rows else everybody[everybody["wave"] == newest]

    def columns(need):
        return [c for c in study.meeting(need) if study.questions[c].role not in without and c in frame and frame[c].notna().any()]

    scales = {c: q.scale for c, q in study.questions.items() if q.scale is not None}
    ties = {c: {tie: getattr(q, tie) for tie in TIES} for c, q in study.questions.items()}
    flags = {c: f"{c}:na" for c in study.columns("attribute") if f"{c}:na" in frame}
    order = list(dict.fromkeys(everybody["wave"]))
    about = {"frame": frame, "waves": everybody, "columns": columns, "scales": scales, "ties": ties, "order": order, "n_boot": n_boot}
    return Survey(**{**about, "not_applicable": flags, **changed})

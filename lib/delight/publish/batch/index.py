"""index.html: every report of a batch in one self-contained page that opens from disk."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from delight import __version__
from delight.publish import html
from delight.publish.html import TEMPLATES
from delight.show import batch as said
from delight.show.words import Words

#: Keys of the columns that sort as numbers.
_NUMBERS = ("n", "mean", "delighted", "nps", "seconds")


def page(batch, outcomes, *, started, seconds, to_do=0):
    """The overview as text.

    Parameters
    ----------
    batch : Batch
    outcomes : iterable of Outcome
    started : datetime
    seconds : float
    to_do : int
        Reports that are still to be made.
    """
    import jinja2

    words = Words(batch.language)
    outcomes = sorted(outcomes, key=lambda o: (o.job.organisation, o.job.name, o.job.wave, o.job.location))
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=jinja2.FileSystemLoader(TEMPLATES))
    safe = jinja2.utils.markupsafe.Markup
    columns = [
        {"text": text, "look": "number" if key in _NUMBERS else "text", "sorts": key not in ("warnings", "files")}
        for key, text in said.headings(words).items()
    ]
    return environment.get_template("batch.html").render(
        language=batch.language,
        texts=said.texts(words, name=batch.name, outcomes=outcomes, started=started, seconds=seconds, version=__version__, to_do=to_do),
        columns=columns,
        rows=[_row(Words(batch.language, batch.labels.get(o.job.name)), o) for o in outcomes],
        fonts=safe(html.font_faces()),
        css=safe((TEMPLATES / "batch.css").read_text(encoding="utf-8")),
        script=safe((TEMPLATES / "batch.js").read_text(encoding="utf-8")),
    )


def _row(words, outcome):
    job, lines = outcome.job, outcome.error.splitlines() or [""]
    location = words.location(job.location) if job.location else said.whole(words)
    files = [
        (
            said.language_name(words, language),
            [
                (kind, _link(path), f"{job.organisation}, {location}, {said.language_name(words, language)}, {kind}")
                for kind, path in kinds.items()
            ],
        )
        for language, kinds in outcome.files.items()
    ]
    return {
        "place": f"{job.organisation} {job.name}",
        "organisation": job.organisation,
        "wave": words.wave(job.wave),
        "location": location,
        "is_whole": not job.location,
        "numbers": [_count(words, outcome.headline.get("n"))] + [_number(words, key, outcome) for key in ("mean", "delighted", "nps")],
        "status": outcome.status,
        "status_text": said.status(words, outcome),
        "error": outcome.error,
        "error_first": lines[0][:80],
        "error_place": said.place(words, outcome),
        "command": job.command if outcome.status == "failed" else "",
        "alone": said.alone(words),
        "seconds": "" if outcome.status == "left_out" else outcome.seconds,
        "time": "" if outcome.status == "left_out" else said.duration(words, outcome.seconds),
        "warnings": outcome.warnings,
        "files": files,
    }


def _count(words, n):
    return {"text": words.number(n), "interval": "", "sort": "" if n is None else n}


def _number(words, key, outcome):
    values = outcome.headline.get(key)
    text, interval = said.number(words, key, values)
    return {"text": text, "interval": interval, "sort": "" if not values else values[0]}


def _link(path):
    """A file of the folder of reports, seen from the batch's folder in it."""
    return "../" + quote(Path(path).as_posix())

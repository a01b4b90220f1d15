"""ledger.parquet: one row a report and language, for whoever wants to count, compare or search what a batch made."""

from __future__ import annotations

import io

import pandas as pd

from delight import __version__
from delight.publish.formats import FORMATS

#: Numbers of a headline, each with its interval.
NUMBERS = ("mean", "delighted", "nps")
COLUMNS = (
    ["study", "organisation", "wave", "location", "language", "status", "seconds", "n"]
    + [f"{name}{limit}" for name in NUMBERS for limit in ("", "_lo", "_hi")]
    + ["warnings", "error", "chapter", "cell", "command", "reused", *FORMATS, "version"]
)


def table(outcomes):
    """The ledger as a frame.

    Parameters
    ----------
    outcomes : iterable of Outcome

    Returns
    -------
    DataFrame
        Columns `COLUMNS`: texts, ``seconds`` of the whole report, ``n`` and the numbers of the headline with their limits (missing where
        suppressed or not asked), ``reused`` chapters, and for each format the file, relative to the folder of reports.
    """
    rows = []
    for outcome in outcomes:
        job, numbers = outcome.job, {}
        for name in NUMBERS:
            values = outcome.headline.get(name) or [None] * 3
            numbers |= dict(zip((name, f"{name}_lo", f"{name}_hi"), values))
        for language in job.languages:
            made = outcome.files.get(language, {})
            rows.append(
                {
                    "study": job.name,
                    "organisation": job.organisation,
                    "wave": job.wave,
                    "location": job.location,
                    "language": language,
                    "status": outcome.status,
                    "seconds": outcome.seconds,
                    "n": outcome.headline.get("n"),
                    **numbers,
                    "warnings": "\n".join(outcome.warnings),
                    "error": outcome.error,
                    "chapter": outcome.chapter,
                    "cell": outcome.cell,
                    "command": job.command if outcome.error else "",
                    "reused": ", ".join(outcome.reused),
                    **{kind: made.get(kind, "") for kind in FORMATS},
                    "version": __version__,
                }
            )
    frame = pd.DataFrame(rows, columns=COLUMNS)
    floats = ["seconds", *[c for c in COLUMNS if c.removesuffix("_lo").removesuffix("_hi") in NUMBERS]]
    texts = [c for c in COLUMNS if c not in [*floats, "n", "cell"]]
    kinds = {**dict.fromkeys(floats, "Float64"), "n": "Int64", "cell": "Int64", **dict.fromkeys(texts, "str")}
    return frame.astype(kinds).sort_values(["study", "wave", "location", "language"], ignore_index=True)


def as_bytes(frame):
    """The frame as a Parquet file."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()

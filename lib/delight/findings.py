"""What a check found: collected, so that a researcher sees everything at once, and never raised one by one."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd

SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One finding about a study or its data.

    Parameters
    ----------
    severity : {"error", "warning", "info"}
        An error stops a run after everything has been checked.
    rule : str
        Code of the rule, such as ``out_of_scale``; the client report words findings by it.
    message : str
        What was expected and what was found, in English, for the researcher.
    remedy : str
        What to do.
    file, column, row : str, str, int, optional
        Where: file name, column, and row in that file (its first line is 1) of the first case.
    count : int
        Rows concerned.
    done : str
        What the workbook did about it: ``""``, ``set_missing``, ``kept_flagged``, ``dropped``, ...
    wave : str
        The wave, where only one is concerned.
    """

    severity: str
    rule: str
    message: str
    remedy: str = ""
    file: str = ""
    column: str = ""
    row: int | None = None
    count: int = 0
    done: str = ""
    wave: str = ""

    def __str__(self):
        place = ", ".join(
            str(p) for p in (self.file, f"row {self.row}" if self.row else "", f"column '{self.column}'" if self.column else "") if p
        )
        return " ".join(part for part in (f"{place}:" if place else "", self.message, self.remedy) if part)


def as_table(findings):
    """Findings as a frame, errors first, then in the order found."""
    rows = [asdict(f) for f in sorted(findings, key=lambda f: SEVERITIES.index(f.severity))]
    return pd.DataFrame(rows, columns=list(Finding.__dataclass_fields__)).astype({"row": "Int64"})


def errors(findings):
    """Only the findings that stop a run."""
    return [f for f in findings if f.severity == "error"]


def raise_errors(findings, error_class, *, intro):
    """Raise `error_class` with every error in one message if there is any; the exception carries `findings`."""
    found = errors(findings)
    if found:
        error = error_class("\n".join([intro.format(n=len(found)), *(f"  - {f}" for f in found)]))
        error.findings = list(findings)
        raise error

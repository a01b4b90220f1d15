"""Findings as a person or a program reads them."""

from __future__ import annotations

import io
import json
from dataclasses import asdict

from delight.errors import visible
from delight.findings import SEVERITIES
from delight.result import plain

_STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}


def ordered(findings):
    """Errors first, then warnings, then the rest, each in the order found."""
    return sorted(findings, key=lambda f: SEVERITIES.index(f.severity))


def summary(findings):
    """Such as "2 errors, 1 warning"; "nothing found" without any."""
    words = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "info": ("remark", "remarks")}
    counts = {s: sum(f.severity == s for f in findings) for s in SEVERITIES}
    return ", ".join(f"{n:,} {words[s][n != 1]}" for s, n in counts.items() if n) or "nothing found"


def as_text(findings, *, width=None, colour=False):
    """Findings as a table for a terminal, errors first, with a last line that counts them.

    Parameters
    ----------
    findings : iterable of Finding
    width : int, optional
        Characters a line; that of the terminal otherwise.
    colour : bool
        With the escape codes of a terminal.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    findings = list(findings)
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=colour, no_color=not colour, highlight=False, soft_wrap=False)
    if findings:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for name, options in (
            ("", {"no_wrap": True}),
            ("where", {"max_width": 32}),
            ("rows", {"justify": "right"}),
            ("what", {"ratio": 1}),
        ):
            table.add_column(name, overflow="fold", **options)
        for f in ordered(findings):
            place = ", ".join(p for p in (f.file, f.wave and f"wave {f.wave}", f.column, f"row {f.row}" if f.row else "") if p)
            what = " ".join(p for p in (f.message, f.remedy) if p)
            count = f"{f.count:,}" if f.count else ""
            table.add_row(Text(f.severity, _STYLES[f.severity]), Text(visible(place)), Text(count), Text(visible(what)))
        console.print(table)
    console.print(Text(f"{summary(findings)}."))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def as_json(findings):
    """Findings as JSON text: ``{"errors": n, "warnings": n, "findings": [{severity, rule, message, …}]}``."""
    findings = ordered(findings)
    return json.dumps(
        {
            "errors": sum(f.severity == "error" for f in findings),
            "warnings": sum(f.severity == "warning" for f in findings),
            "findings": [plain(asdict(f)) for f in findings],
        },
        ensure_ascii=False,
        indent=1,
    )

"""The form in which every method answers: a tidy table, how it was made, coded notes and a status."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from delight import __version__

#: From sound to unusable. A row that cannot be computed stays, with NaN and its status.
STATUSES = (
    "ok",
    "low_base",
    "assumption_warning",
    "response_style",
    "edge",
    "not_identified",
    "not_converged",
    "degenerate",
    "insufficient",
    "suppressed",
)
#: Those under which figures stand, if with care.
STANDING = ("ok", "low_base", "assumption_warning")


@dataclass(frozen=True)
class Note:
    """A coded remark with its values; the sentence lives in `delight.show`.

    Parameters
    ----------
    code : str
        Such as ``bounded_outcome``.
    values : dict
        JSON values the sentence needs.
    """

    code: str
    values: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A table of estimates with everything needed to read and to trace it.

    Parameters
    ----------
    table : pandas.DataFrame
        Tidy, language-neutral column keys; always has ``status``.
    meta : dict
        JSON values: method, function, version, parameters, seed, n_in, n_used, n_dropped_missing, n_eff, ...
    notes : tuple of Note
    status : str
        One of `STATUSES`, for the result as a whole.
    """

    table: pd.DataFrame
    meta: dict
    notes: tuple = ()
    status: str = "ok"

    @classmethod
    def of(cls, method, table, *, function="", notes=(), status=None, **meta):
        """Make a result from rows, filling in what every result has.

        Parameters
        ----------
        method : str
            Method id such as ``M03`` (``methods.md``), with a dot and a name where one id has several tables.
        table : DataFrame or list of dict
            One row an estimate; ``status`` is added as ``ok`` where absent.
        function : str
            Dotted name of the function that made it.
        notes : iterable of Note
        status : str, optional
            Overall status; by default ``ok`` if any row is, else the mildest of the rows' statuses.
        **meta
            Everything else the result should carry (parameters, seed, n_in, n_used, ...).
        """
        table = pd.DataFrame(table).reset_index(drop=True)
        if "status" not in table:
            table["status"] = "ok"
        if status is None:
            status = min(table["status"], key=STATUSES.index, default="insufficient")
        base = {"method": method, "function": function, "version": __version__}
        return cls(table, {**base, **{k: plain(v) for k, v in meta.items()}}, tuple(notes), status)

    def with_table(self, table, **changes):
        """The same result with another table (and other fields, if named)."""
        return replace(self, table=table, **changes)

    def add(self, *notes):
        """The same result with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def note(self, code):
        """The first note with this code, or None."""
        return next((n for n in self.notes if n.code == code), None)

    def save(self, stem):
        """Write ``<stem>.parquet`` and ``<stem>.json``; return the stem as a path."""
        stem = Path(stem)
        stem.parent.mkdir(parents=True, exist_ok=True)
        self.table.to_parquet(stem.with_name(stem.name + ".parquet"), index=False)
        about = {
            "meta": self.meta,
            "notes": [{"code": n.code, "values": plain(n.values)} for n in self.notes],
            "status": self.status,
        }
        text = json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True)
        stem.with_name(stem.name + ".json").write_text(text + "\n", encoding="utf-8")
        return stem

    @classmethod
    def load(cls, stem):
        """Read what `save` wrote."""
        stem = Path(stem)
        about = json.loads(stem.with_name(stem.name + ".json").read_text(encoding="utf-8"))
        notes = tuple(Note(n["code"], n["values"]) for n in about["notes"])
        table = pd.read_parquet(stem.with_name(stem.name + ".parquet"))
        return cls(table, about["meta"], notes, about["status"])


def plain(value):
    """The value as JSON can hold it: numpy scalars, arrays, sets and scales become plain Python; NaN becomes None."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray, pd.Index, pd.Series)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [plain(v) for v in items]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if hasattr(value, "as_dict"):
        return plain(value.as_dict())
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return str(value)

"""What the organisation set itself, and what others reach, beside what was found; never tested."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from delight.result import Result

MEASURES = ("mean", "share_delighted", "share_le_6", "share_max", "nps")


def beside(declared, benchmarks=(), *, levels=None, nps=None, attributes=None, names=None):
    """Targets and benchmarks of a study beside the results they speak of.

    Parameters
    ----------
    declared : dict
        ``[targets]``: ``overall_mean``, ``nps``, ``share_delighted`` or ``<column>_<measure>`` to the value aimed at.
    benchmarks : list of dict
        ``[[benchmarks]]``: name, measure (as above), value, source, year, n.
    levels, nps, attributes : Result, optional
        Of `satisfaction.levels` (its first row is everybody), `nps` and `attributes`.
    names : dict, optional
        Role to column, so that ``overall_mean`` finds the column of that role.

    Returns
    -------
    Result
        Rows ``measure, column, kind`` (``target``, ``benchmark``), ``name, source, year, reference, value, ci_lo, ci_hi, gap, n``; a measure
        without a result: NaN, ``not_identified``. There is no p: a target is an aim, not a hypothesis.
    """
    found = {}
    for result in (levels, nps):
        if result is not None and len(result.table):
            _collect(found, result.meta.get("y"), result.table.iloc[0])
    if attributes is not None:
        for _, row in attributes.table.iterrows():
            _collect(found, row["attribute"], row)
    outcome = levels.meta.get("y") if levels is not None else None
    asked = nps.meta.get("y") if nps is not None else None
    references = [{"kind": "target", "name": "", "measure": k, "value": v} for k, v in declared.items()]
    references += [{"kind": "benchmark", **b} for b in benchmarks]
    rows = []
    for given in references:
        measure = str(given["measure"])
        match = re.fullmatch(rf"(?:(.+)_)?({'|'.join(MEASURES)})", measure)
        column = match and ((names or {}).get(match[1], match[1]) if match[1] else asked if match[2] == "nps" else outcome)
        value, lo, hi, n, status = found.get((column, match[2]) if match else None, (np.nan, np.nan, np.nan, 0, "not_identified"))
        row = {"measure": match[2] if match else measure, "column": column or "", "kind": given["kind"], "name": given.get("name") or ""}
        row |= {"source": given.get("source") or "", "year": given.get("year") or np.nan, "reference": float(given["value"])}
        row |= {
            "value": value,
            "ci_lo": lo,
            "ci_hi": hi,
            "gap": value - float(given["value"]),
            "n": int(n),
            "n_missing": 0,
            "n_eff": float(n),
        }
        rows.append({**row, "by": "whole", "group": "", "status": status})
    return Result.of("M02.targets", pd.DataFrame(rows), function="delight.satisfaction.targets.beside")


def _collect(found, column, row):
    limits = {"mean": ("ci_lo", "ci_hi"), "nps": ("ci_lo", "ci_hi")}
    for measure in MEASURES:
        if measure in row and (measure != "mean" or "nps" not in row):
            lo, hi = limits.get(measure, (f"{measure}_lo", f"{measure}_hi"))
            found[column, measure] = (row[measure], row[lo], row[hi], row["n"], row["status"])

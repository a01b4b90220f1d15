"""How far two segmentations put the same people together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.result import Result


def adjusted_rand(first, second, counts=None):
    """Adjusted Rand index of two partitions; 1 is identical, 0 is what chance gives.

    Parameters
    ----------
    first, second : arrays of shape (rows,), int
    counts : array of shape (rows,), optional
        People a row stands for.

    Notes
    -----
    Two partitions that both put everybody together agree: 1.

    References
    ----------
    Hubert, L. & Arabie, P. (1985). Journal of Classification 2, 193-218.
    """
    counts = np.ones(len(first)) if counts is None else np.asarray(counts, dtype=float)
    a, b = np.unique(first, return_inverse=True)[1], np.unique(second, return_inverse=True)[1]
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), counts)

    def pairs(x):
        return (x * (x - 1) / 2).sum()

    together, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    total = pairs(np.array([counts.sum()]))
    expected = rows * columns / total if total else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def against(confirmed, refit, *, weights=None):
    """Crosstab of a confirmed segmentation and a refit of the same respondents, with their adjusted Rand index.

    Parameters
    ----------
    confirmed, refit : Result
        Assignment tables of the same respondents in the same order.
    weights : array, optional
        Weight of each respondent, for the shares.

    Returns
    -------
    Result
        One row a pair of segments: ``confirmed, refit, n, share`` (of the confirmed segment), ``adjusted_rand``.
    """
    both = pd.DataFrame({"confirmed": confirmed.table["segment"].to_numpy(), "refit": refit.table["segment"].to_numpy()})
    both["w"] = 1.0 if weights is None else np.asarray(weights, dtype=float)
    known = both.dropna(subset=["confirmed", "refit"])
    n, missing = len(known), len(both) - len(known)
    if not n:
        row = {"confirmed": "", "refit": "", "n": 0, "share": np.nan, "adjusted_rand": np.nan, "status": "insufficient"}
        return Result.of("M17.refit", [{**row, "n_missing": missing, "n_eff": 0.0}], function="delight.segments.agreement.against")
    index = adjusted_rand(pd.factorize(known["confirmed"])[0], pd.factorize(known["refit"])[0])
    rows = []
    for segment, part in known.groupby("confirmed", sort=True):
        for other in sorted(known["refit"].unique()):
            cell = part[part["refit"] == other]
            rows.append(
                {
                    "confirmed": segment,
                    "refit": other,
                    "n": len(cell),
                    "n_missing": missing,
                    "n_eff": float(len(cell)),
                    "share": float(cell["w"].sum() / part["w"].sum()),
                    "adjusted_rand": index,
                    "status": "ok",
                }
            )
    return Result.of(
        "M17.refit",
        rows,
        function="delight.segments.agreement.against",
        n_in=len(both),
        n_used=n,
        n_dropped_missing=missing,
        keys=["confirmed", "refit"],
    )

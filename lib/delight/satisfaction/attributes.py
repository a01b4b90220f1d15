"""How customers grade each part of the service (method M02)."""

from __future__ import annotations

import pandas as pd

from delight.result import Result
from delight.satisfaction.levels import levels


def attributes(frame, *, x, scales, not_applicable=None, ci_level=0.95, n_boot=2000, seed=20250101, **design):
    """Mean grade and share of the highest band of every attribute, for everybody together.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    x : list of str
        Columns of attributes, in the order of the questionnaire.
    scales : dict of column to Scale
    not_applicable : dict of column to str, optional
        Boolean column that says to whom the attribute does not apply: they are counted apart and are not missing.
    **design
        ``weights, weights_kind, clusters, strata, population, labels`` as in `levels`; `clusters` and `strata` may be dicts of attribute to column.

    Returns
    -------
    Result
        Rows ``attribute, by="whole", group=""`` with the columns of `levels`, ``scale_min, scale_max, n_not_applicable``.
    """
    rows = []
    for column in x:
        flag = (not_applicable or {}).get(column)
        outside = frame[flag].fillna(False).astype(bool) if flag and flag in frame else pd.Series(False, index=frame.index)
        scale = scales[column]
        mine = {k: v[column] if k in ("clusters", "strata") and isinstance(v, dict) else v for k, v in design.items()}
        found = levels(frame[~outside], y=column, scale=scale, ci_level=ci_level, n_boot=n_boot, seed=seed, **mine).table.iloc[0].to_dict()
        about = {"scale_min": scale.min, "scale_max": scale.max, "n_not_applicable": int(outside.sum())}
        rows.append({"attribute": column, **found, **about})
    used = pd.DataFrame(rows)
    n = {"n_in": len(frame), "n_used": int(used["n"].max()) if len(used) else 0}
    about = {"weights": "none" if not design.get("weights") else design.get("weights_kind", "sampling"), "ci_level": ci_level, "seed": seed}
    if len(used) and about["weights"] == "sampling":
        about["n_eff"] = float(used["n_eff"].max())
    return Result.of("M02.attributes", used, function="delight.satisfaction.attributes.attributes", **n, **about)

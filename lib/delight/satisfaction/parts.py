"""How each location does on every part of the service: raw and pooled grades of all locations at once (method M42)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from delight.estimate import base_status, need_columns
from delight.result import Result
from delight.satisfaction.locations import METHOD, pool

COLUMNS = ["attribute", "by", "group", "location", "label", "n", "n_missing", "n_eff", "raw", "raw_lo", "raw_hi", "sd", "status"]


def parts(
    frame,
    *,
    x,
    scales,
    location="location",
    not_applicable=None,
    weights=None,
    weights_kind="sampling",
    population=None,
    labels=None,
    margin=0.2,
    certainty=0.95,
    ci_level=0.95,
):
    """Raw and pooled grade of every location for every attribute, and whether it clearly differs from the rest of its label.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    x : list of str
        Attributes, in the order of the questionnaire.
    scales : dict of column to Scale
    location : str or dict of attribute to str
        Column of locations; rows without one are left out.
    not_applicable : dict of column to str, optional
        Boolean column that says to whom the attribute does not apply: they are not missing.
    weights, weights_kind, population, labels, margin, certainty, ci_level
        As in `pooled`, whose model is fitted to each attribute by itself.

    Returns
    -------
    Result
        Rows ``attribute`` × ``by="location", group`` with the columns of `pooled` and ``scale_min, scale_max``. Fewer than three
        locations: raw only, ``not_identified``.

    Notes
    -----
    The raw mean with its interval, t with n - 1 degrees of freedom and the correction 1 - n/N where the population is known, is that of
    `pooled`; here it is computed for all locations in one pass.
    """
    columns = location if isinstance(location, dict) else dict.fromkeys(x, location)
    need_columns(frame, [*{columns[c] for c in x}, *x, *([weights] if weights else [])])
    named = frame[frame[[columns[c] for c in x]].notna().all(axis=1)]
    weight = pd.to_numeric(named[weights]).to_numpy(dtype=float) if weights else np.ones(len(named))
    labels = {str(k): str(v) for k, v in dict(labels or {}).items() if pd.notna(v)}
    sizes = {str(k): float(v) for k, v in dict(population or {}).items() if pd.notna(v)}
    tables, identified = [], bool(x)
    for column in x:
        flag = (not_applicable or {}).get(column)
        applies = ~named[flag].fillna(False).astype(bool).to_numpy() if flag and flag in named else np.ones(len(named), bool)
        place, y = named[columns[column]].astype(str).to_numpy(), pd.to_numeric(named[column]).to_numpy(dtype=float)
        table, sd = _raw(place[applies], y[applies], weight[applies], weights_kind, sizes, ci_level)
        table["label"] = [labels.get(name, "") for name in table["location"]]
        table, spread = pool(table, sd_y=sd, sizes=sizes, margin=margin, certainty=certainty, ci_level=ci_level)
        identified &= spread["status"] != "not_identified"
        tables.append(
            table.assign(
                attribute=column, by="location", group=table["location"], scale_min=scales[column].min, scale_max=scales[column].max
            )
        )
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    table = table[[*COLUMNS[:-1], *[c for c in table if c not in COLUMNS], "status"]]
    about = {"weights": weights_kind if weights else "none", "ci_level": ci_level, "margin": margin, "certainty": certainty}
    n_used = int(table.groupby("attribute")["n"].sum().max()) if len(table) else 0
    status = None if identified else "not_identified"
    return Result.of(
        f"{METHOD}.parts", table, function="delight.satisfaction.parts.parts", status=status, n_in=len(frame), n_used=n_used, **about
    )


def _raw(place, y, weight, kind, sizes, ci_level):
    """Mean, interval and spread of every location's answers, and the standard deviation of all answers together."""
    drawn = pd.DataFrame(
        {"location": place, "answered": ~np.isnan(y) & (weight > 0), "there": (weight if kind == "frequency" else 1.0) * (weight > 0)}
    )
    some = drawn["answered"].to_numpy()
    count = drawn["there"].to_numpy() * some
    drawn["n"], drawn["w"], drawn["ww"] = count, weight * some, (weight if kind == "frequency" else weight**2) * some
    y = np.where(some, y, 0.0)
    drawn["wy"] = weight * y * some
    sums = drawn.groupby("location", sort=True)[["there", "n", "w", "ww", "wy"]].sum()
    n, w = sums["n"].to_numpy(), sums["w"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = sums["wy"].to_numpy() / w
        residual = np.where(some, y - pd.Series(raw, sums.index).reindex(place).to_numpy(), 0.0)
        drawn["r2"], drawn["wr2"] = (weight if kind == "frequency" else weight**2) * residual**2, weight * residual**2
        spread = drawn.groupby("location", sort=True)[["r2", "wr2"]].sum()
        n_eff = w**2 / sums["ww"].to_numpy() if kind != "frequency" else n
        sd = np.sqrt(spread["wr2"].to_numpy() / w * n / (n - 1))
        known = np.array([sizes.get(name, np.inf) for name in sums.index])
        variance = n / (n - 1) * spread["r2"].to_numpy() / w**2 * np.clip(1 - n / known, 0, 1)
        half = stats.t.ppf((1 + ci_level) / 2, np.maximum(n - 1, 1)) * np.sqrt(variance)
    one = n < 2
    half, sd = np.where(one, np.nan, half), np.where(one, np.nan, sd)
    table = pd.DataFrame(
        {
            "location": sums.index.astype(str),
            "n": np.rint(n).astype(int),
            "n_missing": np.rint(sums["there"].to_numpy() - n).astype(int),
            "n_eff": n_eff,
            "raw": raw,
            "raw_lo": raw - half,
            "raw_hi": raw + half,
            "sd": sd,
            "status": [base_status(int(round(k)), float(e)) for k, e in zip(n, n_eff)],
        }
    )
    total, mass = drawn["n"].sum(), drawn["w"].sum()
    middle = drawn["wy"].sum() / mass if mass else np.nan
    about_all = (drawn["w"] * np.where(some, y - middle, 0.0) ** 2).sum()
    return table, float(np.sqrt(about_all / mass * total / (total - 1))) if total > 1 else np.nan

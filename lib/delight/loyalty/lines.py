"""The forms of the satisfaction-loyalty relation as lines to lay over each other, with a step where one is tried (methods M06)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.errors import InputError
from delight.estimate import base_status
from delight.loyalty.fits import FEWEST, data_of, design, fit_form
from delight.result import Result

FORMS = ("linear", "quadratic", "cubic", "saturated", "step")


def lines(
    frame,
    *,
    y,
    x,
    scales,
    step_from=None,
    turned=False,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    fewest=FEWEST,
):
    """What each form expects of loyalty at every grade that was given.

    Parameters
    ----------
    frame, y, x, scales, turned, weights, weights_kind, clusters, fewest : as `forms`
    step_from : float, optional
        First grade above the step of the form ``step``; without it there is no such form.

    Returns
    -------
    Result
        A row per form and grade: ``form, grade, fitted`` (mean of the outcome, turned where asked; the chance of the upper answer where
        the outcome is yes or no), ``aic, ssr`` of the form, ``n, n_missing, n_eff, status``. A form that cannot be fitted, or a step with
        fewer than `fewest` answers on a side, has NaN and ``insufficient``.

    Raises
    ------
    InputError
        As `forms`; a step outside the scale.
    """
    if step_from is not None and not scales[x].min < step_from <= scales[x].max:
        raise InputError(f"A step lies above the lowest point of {scales[x]} and not above the highest, not at {step_from:g}.")
    data, z, notes = data_of(frame, y, x, scales, (), turned, weights, weights_kind, clusters)
    s = data.s
    levels = np.unique(s)
    centre = float(np.average(s, weights=data.w)) if len(s) else 0.0
    count = data.w if data.kind == "frequency" else np.ones(len(s))
    columns = {
        "linear": lambda g: [g],
        "quadratic": lambda g: [g, (g - centre) ** 2],
        "cubic": lambda g: [g, (g - centre) ** 2, (g - centre) ** 3],
        "saturated": lambda g: [(g == level).astype(float) for level in levels[1:]],
    }
    if step_from is not None:
        columns["step"] = lambda g: [g, (g >= step_from - 1e-9).astype(float)]
    rows = []
    for form, terms in columns.items():
        enough = len(s) > 0 and base_status(data.sample.n, model=True) != "insufficient"
        if form == "step":
            enough &= min(count[s >= step_from - 1e-9].sum(), count[s < step_from - 1e-9].sum()) >= fewest
        fit = fit_form(data, design(z, *terms(s)), saturated=form == "saturated") if enough else None
        fitted = _fitted(data, fit, form, terms, levels) if fit is not None and fit.ok else np.full(len(levels), np.nan)
        known = fit is not None and fit.ok
        about = {"aic": fit.aic if known else np.nan, "ssr": fit.ssr if known else np.nan}
        at_grade = [int(round(count[s == g].sum())) for g in levels]
        for grade, value, n in zip(levels, fitted, at_grade):
            rows.append(
                {"form": form, "grade": float(grade), "fitted": value, **about, "n": n, "status": "ok" if known else "insufficient"}
            )
    table = pd.DataFrame(rows, columns=["form", "grade", "fitted", "aic", "ssr", "n", "status"])
    table = table.assign(n_missing=data.sample.n_missing, n_eff=data.sample.n_eff)
    return Result.of(
        "M06.lines",
        table,
        function="delight.loyalty.lines.lines",
        notes=notes,
        outcome=y,
        satisfaction=x,
        turned=turned,
        step_from=step_from,
        binary=data.binary,
        **data.sample.meta,
    )


def _fitted(data, fit, form, terms, levels):
    if form == "saturated":  # a mean a grade; for yes and no also where everybody answered alike
        seen = data.y > data.y.min() if data.binary else data.y
        return np.array([np.average(seen[data.s == g], weights=data.w[data.s == g]) for g in levels])
    line = design(np.empty((len(levels), 0)), *terms(levels)) @ fit.model.coef
    return 1 / (1 + np.exp(-line)) if data.binary else line

"""Answer scales, declared and never inferred."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from delight.errors import InputError


@dataclass(frozen=True)
class Scale:
    """The points a question can be answered with; the highest is the best.

    Parameters
    ----------
    min, max : float
        Lowest and highest point.
    step : float
        Distance of neighbouring points; 0 for a continuous scale.
    """

    min: float
    max: float
    step: float = 1

    def __post_init__(self):
        if not (np.isfinite(self.min) and np.isfinite(self.max) and self.min < self.max and self.step >= 0):
            raise InputError(f"A scale needs min < max and step >= 0, not {self.min}-{self.max} by {self.step}.")

    def __str__(self):
        return f"{self.min:g}-{self.max:g}"

    def as_dict(self):
        return {"min": self.min, "max": self.max, "step": self.step}

    @property
    def points(self):
        """All points in order, or None if the scale is continuous."""
        if not self.step:
            return None
        return np.round(np.arange(self.min, self.max + self.step / 2, self.step), 10)

    @property
    def delight_from(self):
        """Lowest point that counts as delighted by default (9 on 0-10 and 1-10, 7 on 1-7, 5 on 1-5, 1 on 0/1), else None."""
        return {(0, 10): 9, (1, 10): 9, (1, 7): 7, (1, 5): 5, (0, 1): 1}.get((self.min, self.max))

    @property
    def low_high(self):
        """Cuts of "poor" and "good" for penalty-reward dummies: x <= low is poor, x >= high is good; None if undefined."""
        return {
            (0, 10): (6, 9),
            (1, 10): (6, 9),
            (1, 5): (2, 5),
            (1, 7): (4, 7),
            (1, 4): (2, 4),
        }.get((self.min, self.max))

    @property
    def knot(self):
        """Point at which slopes below and above are compared (8 on 0-10 and 1-10, 6 on 1-7, 4 on 1-5), else None."""
        return {(0, 10): 8, (1, 10): 8, (1, 7): 6, (1, 5): 4}.get((self.min, self.max))

    def allows(self, values):
        """Boolean array: missing, or a point of the scale."""
        values = np.asarray(values, dtype=float)
        inside = (values >= self.min - 1e-9) & (values <= self.max + 1e-9)
        if self.step:
            on_point = np.abs((values - self.min) / self.step - np.round((values - self.min) / self.step)) < 1e-6
            inside &= on_point
        return inside | np.isnan(values)


def check_scale(values, scale, *, column=None):
    """Raise `InputError` naming count, first value and row if `values` leaves the scale."""
    values = pd.Series(values)
    name = column or values.name or "values"
    try:
        bad = ~scale.allows(pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan))
    except (TypeError, ValueError) as error:
        raise InputError(f"Column '{name}' is not numeric: {error}.") from None
    if bad.any():
        position = int(np.flatnonzero(bad)[0])
        first, row = values.iloc[position], values.index[position]
        raise InputError(
            f"Column '{name}': {int(bad.sum())} of {len(values)} scores lie outside {scale} "
            f"(first: {first:g} in row {row}). Recode them, or list them under `missing_codes` in codebook.csv."
        )

"""Penalty and reward: dummies for poor and excellent experiences, under any coding and either kind of coefficient (method M08)."""

from __future__ import annotations

import numpy as np
from scipy import stats

from delight.drivers.slopes import independent, straight
from delight.errors import InputError
from delight.estimate import aliased_terms

CODINGS = ("default", "extremes", "terciles")
COEFFICIENTS = ("raw", "standardised")


def check_choices(coding, coefficient):
    """Raise `InputError` for an unknown coding or kind of coefficient."""
    if coding not in CODINGS:
        raise InputError(f"coding is one of {', '.join(CODINGS)}, not {coding!r}.")
    if coefficient not in COEFFICIENTS:
        raise InputError(f"coefficient is one of {', '.join(COEFFICIENTS)}, not {coefficient!r}.")


def cuts(values, w, scale, coding):
    """(low, high) cuts of one attribute's answers, or None where the coding has none."""
    if coding == "default":
        return scale.low_high
    if coding == "extremes":
        return scale.min, scale.max
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(w[order]) / w.sum()
    low, high = (values[order][np.searchsorted(cumulative, q - 1e-12)] for q in (1 / 3, 2 / 3))
    points = np.unique(values[w > 0])
    if high <= low and (points > low).any():
        high = points[points > low][0]
    if not ((points > low) & (points < high)).any() and (points < low).any():
        low = points[points < low][-1]  # keep a middle to compare with
    return (float(low), float(high)) if low < high else None


class Dummies:
    """Least squares on a low and a high dummy of every attribute of one model.

    Parameters
    ----------
    model : delight.drivers.model.Model
    scales : dict of str to Scale
    coding : {"default", "extremes", "terciles"}
    coefficient : {"raw", "standardised"}
        Standardised: in standard deviations of the outcome a standard deviation of the dummy.
    min_side : int
        A dummy with fewer answers is left out.
    """

    def __init__(self, model, scales, coding, coefficient, min_side):
        self.model, columns, names, self.counts, self.cuts = model, [], [], {}, {}
        for a in model.x:
            answers, counted, w = model.answers(a)
            self.cuts[a] = cuts(answers, w, scales[a], coding) if len(answers) else None
            if self.cuts[a] is None:
                columns.append(model.column(a)[0])
                names.append((a, "linear"))
                continue
            low, high = answers <= self.cuts[a][0], answers >= self.cuts[a][1]
            self.counts[a] = [int(round(counted[rows].sum())) for rows in (low, ~low & ~high, high)]
            for side, values, count in zip(("low", "high"), model.dummies(a, *self.cuts[a]), self.counts[a][::2]):
                if count >= min_side:
                    columns.append(values)
                    names.append((a, side))
        self.design, self.labels, self.tangled = independent(model, columns, names)
        self.at = {name: i for i, name in enumerate(self.labels)}
        self.fit = model.fit(self.design, self.labels)
        self.usable = model.status() != "insufficient" and not np.isnan(self.fit.coef).any() and np.ptp(model.values) > 0
        self.measure_in(coefficient)
        self.null = self.excess_cov = None
        line, names = straight(model)
        if self.usable and not aliased_terms(line * np.sqrt(model.w)[:, None], names):
            self._against_a_line(line, names)

    def measure_in(self, coefficient):
        """Give `row` in raw or standardised coefficients from here on."""
        self.unit = np.ones(len(self.labels))
        if coefficient == "standardised" and self.usable:
            self.unit = _sd(self.design, self.model.w) / _sd(self.model.values[:, None], self.model.w)[0]

    def _against_a_line(self, line, names):
        """Coefficients of the dummies under a linear truth, and the covariance of what they have beyond it.

        The excess is linear in y: (D'WD)⁻¹ D'W (y - its linear fit). It is a linear combination of the coefficients of the model with
        lines and dummies together, and takes its variance from theirs (HC3, or CR1).
        """
        model = self.model
        w, root = model.w, np.sqrt(model.w)[:, None]
        bread = np.linalg.inv((self.design * w[:, None]).T @ self.design)
        q = np.linalg.qr(line * root)[0]
        self.null = bread @ (self.design * root).T @ (q @ (q.T @ (root[:, 0] * model.values)))
        beyond = self.design - q @ (q.T @ (self.design * root)) / root
        dummies = [i for i, (a, side) in enumerate(self.labels) if a and side != "linear"]
        both, names = np.column_stack([line, self.design[:, dummies]]), [*names, *(self.labels[i] for i in dummies)]
        spare = aliased_terms(both * root, names)
        kept = [i for i, name in enumerate(names) if name not in spare]
        both = both[:, kept]
        if model.n <= len(kept):
            return
        fit = model.fit(both, [names[i] for i in kept])
        combined = bread @ (beyond * w[:, None]).T @ both
        self.excess_fit, self.excess_of, self.excess_cov = fit, combined, combined @ fit.cov @ combined.T

    def row(self, a, alpha, ci_level):
        """Penalty and reward of one attribute with everything made of them."""
        row = dict(zip(("n_low", "n_mid", "n_high"), self.counts.get(a, (np.nan,) * 3)))
        row |= dict(zip(("cut_low", "cut_high"), self.cuts[a] or (np.nan, np.nan)))
        row |= {"penalty": np.nan, "reward": np.nan}
        if not self.usable or a in self.tangled:
            return row
        pair, (lo, hi) = [self.at.get((a, side)) for side in ("low", "high")], self.fit.interval(ci_level)
        for name, i in zip(("penalty", "reward"), pair):
            if i is not None:
                unit = self.unit[i]
                row |= {name: unit * self.fit.coef[i], f"{name}_lo": unit * lo[i], f"{name}_hi": unit * hi[i]}
                row |= {f"se_{name}": unit * self.fit.se[i], f"{name}_p": self.fit.p[i]}
        if None in pair:
            return row
        restrictions = np.zeros((2, len(self.labels)))
        restrictions[[0, 1], pair] = 1
        row["joint_f"], row["joint_p"] = self.fit.wald(restrictions)
        direction = restrictions.sum(axis=0) * self.unit
        asym, p = self.fit.contrast(direction, ci_level)
        row |= {"asym": asym.value, "asym_lo": asym.lo, "asym_hi": asym.hi, "asym_p": p}
        if self.null is not None:
            row["asym_linear_null"] = float(direction @ self.null)
            row["riocs_linear_null"] = float(np.abs(self.unit[pair] * self.null[pair]).sum())
        if self.excess_cov is not None:
            row |= self._excess(row, direction, ci_level)
        null = self.unit[pair] * self.null[pair] if self.null is not None else None
        return row | _generating(row, null, alpha)

    def _excess(self, row, direction, ci_level):
        """Asymmetry beyond that of a linear truth, with its test."""
        value, variance = row["asym"] - row["asym_linear_null"], float(direction @ self.excess_cov @ direction)
        if not variance > 1e-20:  # three answers: two dummies and a line are the same thing
            return {"excess": value}
        df, _ = self.excess_fit.freedom(direction @ self.excess_of)
        half = stats.t.ppf(0.5 + ci_level / 2, df) * np.sqrt(variance)
        p = float(2 * stats.t.sf(abs(value) / np.sqrt(variance), df))
        return {"excess": value, "excess_lo": value - half, "excess_hi": value + half, "excess_p": p}


def _sd(columns, w):
    return np.sqrt(np.average((columns - np.average(columns, axis=0, weights=w)) ** 2, axis=0, weights=w))


def _generating(row, null, alpha):
    """Satisfaction- and dissatisfaction-generating potential, impact asymmetry and that of a linear truth, range of impact."""
    penalty = 0.0 if row["penalty"] > 0 and row["penalty_p"] > alpha else row["penalty"]
    reward = 0.0 if row["reward"] < 0 and row["reward_p"] > alpha else row["reward"]
    total = reward + abs(penalty)
    found = {"riocs": total, "sgp": np.nan, "dgp": np.nan, "ia": np.nan, "ia_linear_null": np.nan}
    if row["joint_p"] <= alpha and penalty <= 0 <= reward and total > 0:
        found |= {"sgp": reward / total, "dgp": abs(penalty) / total, "ia": (reward - abs(penalty)) / total}
    if null is not None:
        low, high = min(null[0], 0.0), max(null[1], 0.0)
        found["ia_linear_null"] = (high + low) / (high - low) if high - low > 0 else np.nan
    return found

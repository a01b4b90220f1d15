"""Gaps between what was experienced and what was expected, and the zone of tolerance (SERVQUAL, method M05)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import Design, benjamini_hochberg, need_columns, sample
from delight.reliability import FEWEST_ITEMS, alpha, moments
from delight.result import Note, Result
from delight.satisfaction.answers import level_status
from delight.scales import check_scale

METHOD = "M05"
#: Share of expectations at the highest point above which a gap can hardly be anything but negative.
CEILING = 0.70


class Gaps(NamedTuple):
    """Results of `gaps`: a row an attribute, and a row a dimension with one for all together."""

    attributes: Result
    dimensions: Result


def gaps(
    frame,
    *,
    expected,
    scales,
    adequate=None,
    dimensions=None,
    importance=None,
    not_applicable=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    strata=None,
    population=None,
    labels=None,
    ci_level=0.95,
):
    """What was experienced less what was expected, attribute by attribute and by dimension.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    expected : dict of column to column
        Attribute (experienced) → question on what was expected or desired of it, on the same scale.
    scales : dict of column to Scale
    adequate : dict of column to column, optional
        Attribute → question on what would still be acceptable.
    dimensions : dict of column to str, optional
        Attribute → its dimension (tangibles, reliability, …); without it the attributes are one dimension.
    importance : dict of str to column, optional
        Dimension → points that a respondent gave it (of 100 over all dimensions). Each respondent's points are made to add up to one.
    not_applicable : dict of column to str, optional
        Boolean column that says to whom the attribute does not apply: such a pair is left out of the respondent's mean.
    weights, weights_kind, clusters, strata, population, labels
        As in `delight.satisfaction.levels`.
    ci_level

    Returns
    -------
    Gaps of Results with ``n, n_missing, n_eff, status``
        attributes : ``attribute, dimension, experienced, expected, gap, se, ci_lo, ci_hi, p, p_adj, d`` (gap in its own standard
        deviations), ``adequacy, superiority`` (each ``_lo, _hi``), ``zone``, ``delight_candidate``, ``share_expected_max``.
        dimensions : ``dimension`` (empty: all together), ``items``, the same, and ``importance`` (mean share), ``gap_weighted``
        (``_lo, _hi``), ``alpha_experienced, alpha_expected, alpha_gap`` (three items or more), ``reliability_gap`` (of the difference, from
        the two α and their correlation).
        ``zone``: ``below`` adequate, ``within`` (adequate, not desired), ``above`` desired, ``open`` (the interval reaches over a border);
        without a question on what is acceptable ``above``, ``short`` (of what was desired) or ``open``. Expectations at the highest
        point for more than 70 %: ``assumption_warning``. No answer: NaN, ``insufficient``.

    Raises
    ------
    InputError
        Unknown column, answers outside their scale, a pair on two scales, negative points.

    Notes
    -----
    gap = mean over a dimension's pairs of (experienced − expected), of respondents who answered every pair that applies to them; paired
    t. ``superiority`` is the gap to what is desired, ``adequacy`` that to what is acceptable. ``gap_weighted`` of a dimension = gap times
    importance, within the respondent; their sum is that of the row of all together. ``p_adj`` Benjamini-Hochberg over the table.

    Examples
    --------
    Experienced 7, 8, 9 and expected 8, 8, 8: gaps −1, 0, 1, mean gap 0.

    References
    ----------
    Parasuraman, A., Zeithaml, V. A. & Berry, L. L. (1985). J. Marketing 49(4), 41-50; (1988). J. Retailing 64, 12-40; (1994).
    J. Retailing 70, 201-230 (zone of tolerance). Peter, J. P., Churchill, G. A. & Brown, T. J. (1993). J. Consumer Research 19, 655-662.
    """
    adequate, importance = dict(adequate or {}), dict(importance or {})
    dimensions = {c: (dimensions or {}).get(c) or "" for c in expected}
    _check(frame, expected, adequate, importance, dimensions, scales)
    design = {"clusters": clusters, "strata": strata, "population": population, "labels": labels}
    asked = _Pairs(frame, expected, adequate, not_applicable or {}, scales, weights, weights_kind, design)
    shares = _importance(frame, importance)
    attributes = [{"attribute": c, "dimension": dimensions[c], **asked.row([c], ci_level)} for c in expected]
    names = list(dict.fromkeys(dimensions.values()))
    rows = []
    for name in names if names != [""] else []:
        items = [c for c in expected if dimensions[c] == name]
        rows.append({"dimension": name, **asked.row(items, ci_level, reliability=True), **asked.weighted({name: items}, shares, ci_level)})
    everything = {name: [c for c in expected if dimensions[c] == name] for name in names}
    rows.append({"dimension": "", **asked.row(list(expected), ci_level, reliability=True), **asked.weighted(everything, shares, ci_level)})
    results = []
    for which, found in (("attributes", attributes), ("dimensions", rows)):
        table = pd.DataFrame(found)
        family = (table["dimension"] != "") if which == "dimensions" else np.ones(len(table), bool)
        table["p_adj"] = np.nan
        table.loc[family, "p_adj"] = benjamini_hochberg(table.loc[family, "p"])
        table["delight_candidate"] = (table["gap"] > 0) & (table["p_adj"].fillna(table["p"]) <= 0.05) & (table["ci_lo"] > 0)
        results.append(
            Result.of(
                f"{METHOD}.{which}", table, function="delight.satisfaction.gaps.gaps", notes=asked.notes, **asked.meta, expected=expected,
                adequate=adequate, importance=importance, ci_level=ci_level, keys=["dimension", "zone"],
            )
        )  # fmt: skip
    return Gaps(*results)


def _check(frame, expected, adequate, importance, dimensions, scales):
    need_columns(frame, [*expected, *expected.values(), *adequate.values(), *importance.values()])
    wrong = [] if expected else ["no attribute has a question on what was expected"]
    wrong += [f"'{c}' is no attribute with an expectation" for c in adequate if c not in expected]
    wrong += [f"'{d}' has points but no attribute belongs to it" for d in importance if d not in dimensions.values()]
    lacking = [c for c in dict.fromkeys([*expected, *expected.values(), *adequate.values()]) if scales.get(c) is None]
    wrong += [f"no scale is given for '{c}'" for c in lacking]
    for column, other in [*expected.items(), *adequate.items()]:
        a, b = scales.get(column), scales.get(other)
        if a is not None and b is not None and (a.min, a.max) != (b.min, b.max):
            wrong.append(f"'{column}' is answered on {a} and '{other}' on {b}: a difference needs one scale")
    for column in importance.values():
        below = int((pd.to_numeric(frame[column], errors="coerce") < 0).sum())
        wrong += [f"'{column}' has {below} negative points"] if below else []
    if wrong:
        raise InputError(f"The gaps cannot be computed: {'; '.join(wrong)}.")
    for column in dict.fromkeys([*expected, *expected.values(), *adequate.values()]):
        check_scale(frame[column], scales[column], column=column)


def _importance(frame, importance):
    """Share of the points that each respondent gave each dimension; NaN without points."""
    if not importance:
        return None
    points = frame[list(importance.values())].apply(pd.to_numeric).astype(float)
    total = points.sum(axis=1, skipna=False)
    return pd.DataFrame({d: (points[c] / total).where(total > 0) for d, c in importance.items()})


class _Pairs:
    """Pairs of answers, respondent by respondent; pairs that do not apply are left out of means, missing ones leave the respondent out."""

    def __init__(self, frame, expected, adequate, not_applicable, scales, weights, weights_kind, design):
        frame = frame.reset_index(drop=True)
        self.frame, self.expected, self.adequate, self.scales = frame, expected, adequate, scales
        self.weighting = {"weights": weights, "weights_kind": weights_kind}
        self.design = design
        self.bare = frame[[c for c in dict.fromkeys([weights, design["clusters"], design["strata"]]) if c]]
        self.out = {
            c: frame[not_applicable[c]].fillna(False).to_numpy(dtype=bool) if not_applicable.get(c) in frame else np.zeros(len(frame), bool)
            for c in expected
        }
        used = sample(frame, [], **self.weighting)
        answered = np.any([self._values([c], expected)[1] for c in expected], axis=0)
        self.meta = {**sample(self.bare.assign(**{"any:": np.where(answered, 1.0, np.nan)}), ["any:"], **self.weighting).meta}
        self.notes = [Note(code, values) for code, values in Design(used, **design).notes] if len(used.frame) else []

    def _values(self, columns, other=None):
        """Mean over the columns (less `other`) of each respondent, and who answered all that apply to them (at least one)."""
        out = np.column_stack([self.out[c] for c in columns])
        values = np.column_stack([pd.to_numeric(self.frame[c]).to_numpy(dtype=float) for c in columns])
        if other is not None:
            values = values - np.column_stack([pd.to_numeric(self.frame[other[c]]).to_numpy(dtype=float) for c in columns])
        answered = (np.isfinite(values) | out).all(axis=1) & ~out.all(axis=1)
        total = np.where(out, 0.0, np.nan_to_num(values)).sum(axis=1) / np.maximum((~out).sum(axis=1), 1)
        return np.where(answered, total, np.nan), answered

    def _mean(self, values, ci_level):
        """(DesignMean, Sample) of respondents with a value; those to whom nothing applies are not missing."""
        used = sample(self.bare.assign(**{"value:": values}), ["value:"], **self.weighting)
        return Design(used, **self.design).mean(used.frame["value:"].to_numpy(dtype=float), ci_level=ci_level), used

    def row(self, columns, ci_level, *, reliability=False):
        gap, answered = self._values(columns, self.expected)
        applies = ~np.column_stack([self.out[c] for c in columns]).all(axis=1)
        found, used = self._mean(gap, ci_level)
        away = sample(self.frame[~applies], [], **self.weighting).n
        means = {
            "experienced": self._mean(np.where(answered, self._values(columns)[0], np.nan), ci_level)[0].value,
            "expected": self._mean(np.where(answered, self._values([*columns], None)[0] - gap, np.nan), ci_level)[0].value,
        }
        row = {"items": len(columns), **means, "gap": found.value, "se": found.se, "ci_lo": found.lo, "ci_hi": found.hi}
        row["p"] = float(2 * stats.t.sf(abs(found.value / found.se), found.df)) if found.se > 0 and found.df > 0 else np.nan
        row["d"] = found.value / found.sd if found.sd > 0 else np.nan
        row |= {"superiority": found.value, "superiority_lo": found.lo, "superiority_hi": found.hi}
        row |= dict.fromkeys(["adequacy", "adequacy_lo", "adequacy_hi"], np.nan)
        if all(c in self.adequate for c in columns):
            enough = self._mean(self._values(columns, self.adequate)[0], ci_level)[0]
            row |= {"adequacy": enough.value, "adequacy_lo": enough.lo, "adequacy_hi": enough.hi}
        row["zone"] = _zone(row)
        row["share_expected_max"] = self._at_ceiling(columns, used)
        if reliability:
            row |= self._reliability(columns)
        status = level_status(found)
        status = "assumption_warning" if status in ("ok", "low_base") and row["share_expected_max"] > CEILING else status
        return {**row, "n": used.n, "n_missing": used.n_missing - away, "n_not_applicable": away, "n_eff": found.n_eff, "status": status}

    def _at_ceiling(self, columns, used):
        """Share of the expectations of these respondents that stand at the highest point."""
        if not len(used.frame):
            return np.nan
        at = self.frame.index.isin(used.frame.index)
        hits = [((self.frame[self.expected[c]] >= self.scales[self.expected[c]].max - 1e-9) & ~self.out[c])[at] for c in columns]
        asked = [~self.out[c][at] for c in columns]
        return float((np.sum(hits, axis=0) @ used.w) / (np.sum(asked, axis=0) @ used.w))

    def _reliability(self, columns):
        """α of what was experienced, of what was expected and of the differences; of respondents to whom everything applies."""
        blank = dict.fromkeys(["alpha_experienced", "alpha_expected", "alpha_gap", "reliability_gap"], np.nan)
        other = [self.expected[c] for c in columns]
        inside = self.frame[~np.column_stack([self.out[c] for c in columns]).any(axis=1)]
        used = sample(inside, [*columns, *other], **self.weighting)
        if len(columns) < FEWEST_ITEMS or used.n < 3:
            return blank
        x = used.frame[[*columns, *other]].apply(pd.to_numeric).to_numpy(dtype=float)
        k, both = len(columns), moments(x, used.w, kind=used.kind)[1]
        minus = np.hstack([np.eye(k), -np.eye(k)])
        p, e = both[:k, :k], both[k:, k:]
        a_p, a_e = alpha(p), alpha(e)
        v_p, v_e, v_pe = p.sum(), e.sum(), both[:k, k:].sum()
        spread = v_p + v_e - 2 * v_pe
        sound = (v_p * a_p + v_e * a_e - 2 * v_pe) / spread if spread > 0 else np.nan
        return {
            "alpha_experienced": float(a_p),
            "alpha_expected": float(a_e),
            "alpha_gap": float(alpha(minus @ both @ minus.T)),
            "reliability_gap": float(sound),
        }

    def weighted(self, dimensions, shares, ci_level):
        """Importance of a dimension and its gap times importance, summed over the dimensions within each respondent."""
        blank = dict.fromkeys(["importance", "gap_weighted", "gap_weighted_lo", "gap_weighted_hi"], np.nan)
        if shares is None or any(d not in shares for d in dimensions):
            return blank
        product = sum(shares[d].to_numpy() * self._values(columns, self.expected)[0] for d, columns in dimensions.items())
        found = self._mean(product, ci_level)[0]
        share = self._mean(np.sum([shares[d].to_numpy() for d in dimensions], axis=0), ci_level)[0]
        return {"importance": share.value, "gap_weighted": found.value, "gap_weighted_lo": found.lo, "gap_weighted_hi": found.hi}


def _zone(row):
    """Where a mean stands between what is acceptable and what is desired, as far as the intervals tell."""
    if row["superiority_lo"] > 0:
        return "above"
    if np.isnan(row["adequacy"]):
        return "short" if row["superiority_hi"] < 0 else "open"
    if row["adequacy_hi"] < 0:
        return "below"
    return "within" if row["adequacy_lo"] > 0 and row["superiority_hi"] < 0 else "open"

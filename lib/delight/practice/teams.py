"""The team assessment: how a team sees itself on the success factors, the basics and the barriers, and how its customers do (M33)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import base_status, benjamini_hochberg, mean, need_columns
from delight.reliability import FEWEST_ITEMS, alpha, correlations, moments, omega, one_factor
from delight.result import Note, Result
from delight.scales import check_scale

#: What a team says of itself. Success factors and basics carry the names that a codebook's column ``group`` uses, so that both views meet.
SUCCESS = ("basics_in_order", "attentive_staff", "know_preferences", "surprise", "personal_communication")
BASICS = ("speed", "accessibility", "preventing_discomfort", "complaint_handling", "staff_involvement", "staff_expertise")
BARRIERS = ("low_involvement", "silos", "poor_feedback", "weak_learning", "poor_data")
FACTORS = {"success": SUCCESS, "basic": BASICS, "barrier": BARRIERS}
#: Agreement within a team from which its mean may speak for it. LeBreton & Senter (2008).
AGREED = 0.7
#: Fewest teams for a test over teams.
FEWEST = 6


class Assessment(NamedTuple):
    """`scores` (a row a factor and team), `agreement` (a row a factor)."""

    scores: Result
    agreement: Result


def percent_of_scale(values, scale):
    """Answers as 0-100 of their scale."""
    return (np.asarray(values, dtype=float) - scale.min) / (scale.max - scale.min) * 100


def person_scores(frame, items, scales):
    """Score 0-100 of every person on every factor: the mean of what she answered of its items; NaN without an answer."""
    _check(frame, items, scales)
    found = {}
    for factor, columns in items.items():
        parts = np.column_stack([percent_of_scale(frame[c], scales[c]) for c in columns])
        answered = np.isfinite(parts)
        with np.errstate(invalid="ignore"):
            found[factor] = np.where(answered.any(axis=1), np.where(answered, parts, 0).sum(axis=1) / answered.sum(axis=1), np.nan)
    return pd.DataFrame(found, index=frame.index)


def _check(frame, items, scales):
    if not items:
        raise InputError("items names for each factor the columns of its questions.")
    columns = [c for group in items.values() for c in group]
    need_columns(frame, columns)
    without = sorted({c for c in columns if c not in scales})
    if without:
        raise InputError(f"scales lack {', '.join(without)}.")
    for c in columns:
        check_scale(frame[c], scales[c], column=c)


def assessment(frame, *, items, scales, team=None, ci_level=0.95):
    """How teams see themselves: scores 0-100 with their interval, agreement within teams and difference between them.

    Parameters
    ----------
    frame : DataFrame, one row a member of a team; unchanged.
    items : dict of factor to sequence of columns
    scales : dict of column to Scale
    team : str, optional
        Column that names the team; without it everybody is one team.
    ci_level : float

    Returns
    -------
    Assessment
        ``scores``: ``by`` (``whole`` or ``team``), ``group, factor, mean, ci_lo, ci_hi`` (t, cut at the ends of the scale),
        ``rwg, n, n_missing, n_eff, status``.
        ``agreement``: ``factor, alpha, omega, icc1, rwg_median, teams_agreed`` (share with rwg of .7 or more), ``teams, n, n_missing, n_eff,
        status``; α needs two items, ω (composite reliability: one factor, maximum likelihood) three, ICC(1) two teams with two members.

    Notes
    -----
    rwg(J) = J(1 - s²/σ²) / (J(1 - s²/σ²) + s²/σ²), s² the mean variance of the J items in the team, σ² = (A² - 1)/12 that of answers
    at random over A points; below 0 it counts as 0. ICC(1) = (MSB - MSW)/(MSB + (k - 1) MSW), k = (N - Σn²/N)/(G - 1). Small teams
    are never named here or left out: that happens where results are shown, with a floor of its own.

    References
    ----------
    James, L. R., Demaree, R. G. & Wolf, G. (1984). J. Applied Psychology 69, 85-98. Shrout & Fleiss (1979).
    """
    need_columns(frame, [team] if team else [])
    persons = person_scores(frame, items, scales)
    names = frame[team].astype("string") if team else pd.Series("", index=frame.index, dtype="string")
    groups = [("whole", "", np.ones(len(frame), dtype=bool))]
    groups += [("team", str(g), (names == g).to_numpy(dtype=bool, na_value=False)) for g in sorted(names.dropna().unique())] if team else []
    rows, within = [], {factor: {} for factor in items}
    for by, group, inside in groups:
        for factor, columns in items.items():
            values = persons.loc[inside, factor]
            known = values.dropna().to_numpy()
            found = mean(known, ci_level=ci_level)
            agreed = rwg(frame.loc[inside, list(columns)], [scales[c] for c in columns]) if by == "team" or not team else np.nan
            if by == "team":
                within[factor][group] = agreed
            rows.append(
                {"by": by, "group": group, "factor": factor, "mean": found.value, "ci_lo": max(found.lo, 0.0), "ci_hi": min(found.hi, 100.0),
                 "rwg": agreed,
                 "n": len(known), "n_missing": int(inside.sum()) - len(known), "n_eff": float(len(known)),
                 "status": base_status(len(known)) if len(known) else "insufficient"}
            )  # fmt: skip
    together = [
        _agreement(factor, persons[factor], names if team else None, frame[list(columns)], within[factor])
        for factor, columns in items.items()
    ]
    meta = {"team": team, "items": {f: list(c) for f, c in items.items()}, "ci_level": ci_level, "n_in": len(frame), "n_used": len(frame)}
    of = {"function": "delight.practice.teams.assessment", **meta}
    return Assessment(Result.of("M33", rows, **of), Result.of("M33.agreement", together, **of))


def rwg(answers, scales):
    """Agreement of one team on a factor's items, 0-1; NaN with fewer than two members or a continuous scale."""
    complete = answers.dropna()
    if len(complete) < 2 or any(s.points is None for s in scales):
        return np.nan
    ratio = float(np.mean([complete[c].var(ddof=1) / ((len(s.points) ** 2 - 1) / 12) for c, s in zip(complete, scales)]))
    items = len(scales)
    agreed = items * (1 - ratio)
    return float(np.clip(agreed / (agreed + ratio), 0, 1)) if ratio < 1 else 0.0


def icc1(values, groups):
    """Share of the variance of persons that lies between groups: (ICC(1), groups used)."""
    frame = pd.DataFrame({"y": np.asarray(values, dtype=float), "g": np.asarray(groups)}).dropna()
    sizes = frame.groupby("g")["y"].size()
    n, g = len(frame), len(sizes)
    if g < 2 or n <= g:
        return np.nan, g
    centre = frame.groupby("g")["y"].transform("mean")
    within = ((frame["y"] - centre) ** 2).sum() / (n - g)
    between = ((centre - frame["y"].mean()) ** 2).sum() / (g - 1)
    k = (n - (sizes**2).sum() / n) / (g - 1)
    total = between + (k - 1) * within
    return (float((between - within) / total) if total > 0 else np.nan), g


def _agreement(factor, scores, names, answers, within):
    sound = _sound(answers.dropna().to_numpy(dtype=float))
    share, teams = icc1(scores, names) if names is not None else (np.nan, 1)
    agreed = np.array([v for v in within.values() if np.isfinite(v)])
    n = int(scores.notna().sum())
    return {
        "factor": factor,
        **sound,
        "icc1": share,
        "rwg_median": float(np.median(agreed)) if len(agreed) else np.nan,
        "teams_agreed": float((agreed >= AGREED).mean()) if len(agreed) else np.nan,
        "teams": teams,
        "n": n,
        "n_missing": len(scores) - n,
        "n_eff": float(n),
        "status": base_status(n) if n else "insufficient",
    }


def _sound(answers):
    """α of two items and more, ω of three and more, of complete answers."""
    people, items = answers.shape
    found = {"alpha": np.nan, "omega": np.nan}
    if items < 2 or people < 2:
        return found
    covariance = moments(answers, np.ones(people))[1]
    found["alpha"] = float(alpha(covariance))
    sd = np.sqrt(np.diagonal(covariance))
    if items >= FEWEST_ITEMS and people > items and (sd > 0).all():
        found["omega"] = float(omega(one_factor(correlations(covariance)), sd))
    return found


def gap(members, customers, *, items, asked, scales, team=None, location=None, ci_level=0.95):
    """The team's own view against its customers' view, factor by factor.

    Parameters
    ----------
    members, customers : DataFrame, one row a person; unchanged.
    items, asked : dict of factor to columns
        What members say of a factor, and what customers were asked about it; only factors in both are compared.
    scales : dict of column to Scale
        Of both; both views become 0-100 of their scale.
    team, location : str, optional
        Columns that name the team of a member and of a customer. With both, teams are the units and views are paired by team; without,
        everybody is one team and the persons are.
    ci_level : float

    Returns
    -------
    Result
        One row a factor: ``factor, own, customers`` (0-100), ``gap`` (own minus customers), ``ci_lo, ci_hi, p, q`` (Benjamini-Hochberg over
        factors), ``teams, n, n_customers, n_missing, n_eff, status``. Fewer than 6 teams, or 30 members without teams: ``low_base``;
        fewer than two: no interval.

    Notes
    -----
    Paired: t interval of the mean over teams of (team mean - customers' mean). Unpaired: Welch.
    """
    shared = [f for f in items if f in asked]
    if not shared:
        raise InputError(f"Members and customers share no factor: {', '.join(items)} against {', '.join(asked)}.")
    if (team is None) != (location is None):
        raise InputError("Give both team and location, or neither.")
    need_columns(members, [team] if team else [])
    need_columns(customers, [location] if location else [])
    own = person_scores(members, {f: items[f] for f in shared}, scales)
    theirs = person_scores(customers, {f: asked[f] for f in shared}, scales)
    rows = []
    for factor in shared:
        a, b = own[factor].dropna(), theirs[factor].dropna()
        if team:
            pairs = pd.DataFrame({"own": a.groupby(members[team]).mean(), "customers": b.groupby(customers[location]).mean()}).dropna()
            found, p, units = _paired(pairs, ci_level)
            level = {"own": pairs["own"].mean(), "customers": pairs["customers"].mean()}
            status = "ok" if units >= FEWEST else "low_base" if units else "insufficient"
        else:
            found, p = _welch(a.to_numpy(), b.to_numpy(), ci_level)
            units, level = 1, {"own": a.mean(), "customers": b.mean()}
            status = base_status(min(len(a), len(b))) if len(a) and len(b) else "insufficient"
        rows.append(
            {"factor": factor, **level, "gap": found[0], "ci_lo": found[1], "ci_hi": found[2], "p": p, "teams": units, "n": len(a),
             "n_customers": len(b), "n_missing": len(members) - len(a), "n_eff": float(len(a)), "status": status}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    table.insert(table.columns.get_loc("p") + 1, "q", benjamini_hochberg(table["p"].to_numpy(dtype=float)))
    notes = [Note("one_view", {"factors": [f for f in items if f not in asked]})] if set(items) - set(asked) else []
    return Result.of("M33.gap", table, function="delight.practice.teams.gap", notes=notes, team=team, location=location, ci_level=ci_level)


def _paired(pairs, ci_level):
    differences = (pairs["own"] - pairs["customers"]).to_numpy()
    found = mean(differences, ci_level=ci_level)
    p = float(2 * stats.t.sf(abs(found.value / found.se), found.df)) if len(differences) > 1 and found.se > 0 else np.nan
    return (found.value, found.lo, found.hi), p, len(differences)


def _welch(a, b, ci_level):
    one, two = mean(a), mean(b)
    value = one.value - two.value
    se = float(np.hypot(one.se, two.se))
    if not se > 0:
        return (value, np.nan, np.nan), np.nan
    df = se**4 / (one.se**4 / one.df + two.se**4 / two.df)
    half = stats.t.ppf(0.5 + ci_level / 2, df) * se
    return (value, value - half, value + half), float(2 * stats.t.sf(abs(value) / se, df))

"""Little acts that begin in one location sooner than in another: what they did, wave by wave, and what it rests on (method M30)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import base_status, need_columns, sample
from delight.practice.acts import FEWEST
from delight.resample import generator
from delight.result import Note, Result
from delight.scales import check_scale

#: Lots drawn for `p_lot`, and draws of the band over all events.
LOTS, DRAWS = 4999, 20_000
#: How much larger than the largest drift before the act a drift after it is granted. Rambachan & Roth (2023).
GRANTED = {"half": 0.5, "full": 1.0}
#: Power with which `drift_seen` would have been noticed.
POWER = 0.8
_NOTHING = {"se": np.nan, "df": np.nan, "ci_lo": np.nan, "ci_hi": np.nan, "p": np.nan}


class Rollout(NamedTuple):
    """`whole` (one row), `events` (a row a wave since the start), `cohorts` (a row a cohort and wave)."""

    whole: Result
    events: Result
    cohorts: Result


class Panel(NamedTuple):
    """Means and sums of weights, a row a location and a column a wave; the wave in which each began, never being the number of waves."""

    mean: np.ndarray
    weight: np.ndarray
    start: np.ndarray


class Estimate(NamedTuple):
    """A value, and what every location adds to its error: the squares of `errors` sum to its variance."""

    value: float
    errors: np.ndarray


def rollout(
    frame,
    *,
    y,
    scale,
    begun,
    waves,
    location="location",
    wave="wave",
    blocks=None,
    weights=None,
    weights_kind="sampling",
    ci_level=0.95,
    seed=20250101,
):
    """What an act did that locations began at different moments: each cohort against those that had not begun yet.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y : str
        Outcome, in points on `scale` (0/1 for a share).
    scale : Scale
    begun : dict of location to wave
        The first wave in which the location had the act; a location that is not in it never had.
    waves : sequence of str
        All waves in order.
    location, wave : str
    blocks : dict of location to block, optional
        The lots among which the starts were drawn; `p_lot` stays within them.
    weights, weights_kind : as M00
    ci_level, seed

    Returns
    -------
    Rollout of Results
        cohorts : ``begun, wave, event`` (waves since the start, negative before), ``effect, se, df, ci_lo, ci_hi, p, locations_treated,
        locations_others, status``; the wave before the start is the base and has no row.
        events : the same over cohorts, a row an ``event``, with ``band_lo, band_hi`` that hold for all events at once.
        whole : ``effect`` over all waves of all locations that had the act, ``se, df, ci_lo, ci_hi, p``; ``p_lot`` (share of other lots
        that show an effect at least as large); ``drift`` (points a wave by which the locations were already parting before they
        began), ``drift_lo, drift_hi, p_drift`` (joint test of all events before), ``drift_seen`` (the smallest drift that would have
        been noticed four times out of five); ``half_lo, half_hi, full_lo, full_hi`` (the interval if a drift half as large, or as
        large, as the largest step before went on unseen) and ``holds_to`` (the size, in such steps, up to which the interval leaves
        out zero); ``locations_treated, locations_others, n, n_missing, n_eff, status``.
        Fewer than 6 locations in an arm: no interval, ``low_base``; nothing to compare: ``insufficient``.

    Raises
    ------
    InputError
        Unknown column, wave or location, fewer than two waves, score outside its scale, bad weights.

    Notes
    -----
    ATT(g, t) = change from g - 1 to t of the locations that began in g, minus that of the locations that had not begun by then; each
    location weighted by n_l,g-1 n_lt / (n_l,g-1 + n_lt). With one start and two waves it is `acts.effect`. Events and the whole average
    cohorts by their locations. Never is a location compared with one that has begun already, which is what goes wrong in a regression
    with location and wave effects when effects grow or differ. Locations are the clusters: variance from their residuals as HC2,
    t with Satterthwaite's degrees of freedom over cohorts. A cohort of one location has no residual and is left out (note ``alone``),
    and so are locations that had the act from the first wave (``always``).
    An unnoticed drift is no proof of none: read ``drift_seen`` beside it (Roth 2022). Bounds take the largest step between neighbouring
    events before the act as it is estimated.

    References
    ----------
    Callaway, B. & Sant'Anna, P. (2021). J. Econometrics 225, 200-230. Goodman-Bacon, A. (2021). J. Econometrics 225, 254-277.
    Rambachan, A. & Roth, J. (2023). Review of Economic Studies 90, 2555-2591. Roth, J. (2022). AER: Insights 4, 305-322.
    """
    need_columns(frame, [y, location, wave])
    check_scale(frame[y], scale, column=y)
    waves, begun = [str(w) for w in waves], {str(place): str(w) for place, w in begun.items()}
    _refuse(frame, location, wave, waves, begun, blocks)
    used = sample(frame[frame[wave].astype(str).isin(waves)], [y, location], weights=weights, weights_kind=weights_kind)
    panel, places = _panel(used, y, location, wave, waves, begun)
    pairs = _pairs(panel)
    about = {"y": y, "scale": scale, "waves": waves, "begun": begun, **used.meta, "ci_level": ci_level, "seed": seed}
    about["function"] = "delight.practice.rollout.rollout"
    notes = [Note("always", {"locations": int((panel.start == 0).sum())})] if (panel.start == 0).any() else []
    alone = sum(int((panel.start == g).sum() == 1) for g in range(1, len(waves)))
    notes += [Note("alone", {"locations": alone})] if alone else []
    cohorts = [
        {"begun": waves[g], "wave": waves[t], "event": t - g, **_row(estimate, [(treated, others)], panel.start, ci_level)}
        for (g, t), (estimate, treated, others) in pairs.items()
    ]
    events = _events(pairs, panel.start, ci_level, seed)
    groups = np.array([str(blocks[p]) for p in places]) if blocks is not None else np.zeros(len(places), dtype=int)
    whole = _whole(pairs, events, panel, groups, ci_level, seed)
    counted = {"n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff}
    whole["status"] = base_status(used.n) if whole["status"] == "ok" else whole["status"]
    if whole["status"] == "low_base" and np.isnan(whole["se"]):
        notes.append(Note("few_locations", {"fewest": FEWEST}))
    if not any(t < g for g, t in pairs):
        notes.append(Note("no_waves_before", {}))
    whole = {k: v for k, v in whole.items() if k != "status"} | counted | {"status": whole["status"]}
    columns = ["effect", *_NOTHING, "locations_treated", "locations_others", "status"]
    by_event = pd.DataFrame([row for row, _ in events], columns=["event", *columns[:-1], "band_lo", "band_hi", "status"])
    by_cohort = pd.DataFrame(cohorts, columns=["begun", "wave", "event", *columns])
    tables = {"rollout": [whole], "events": by_event, "cohorts": by_cohort}
    return Rollout(*(Result.of(f"M30.{name}", table, notes=notes, **about) for name, table in tables.items()))


def _refuse(frame, location, wave, waves, begun, blocks):
    places, known = set(frame[location].dropna().astype(str)), set(frame[wave].dropna().astype(str))
    wrong = ["it needs at least two waves, each once"] if len(waves) < 2 or len(set(waves)) < len(waves) else []
    wrong += [f"there is no wave '{w}'" for w in waves if w not in known]
    wrong += [f"'{w}' in begun is none of the waves" for w in sorted(set(begun.values()) - set(waves))]
    wrong += [f"there is no location '{p}'" for p in sorted(set(begun) - places)[:5]]
    wrong += [f"blocks lack location '{p}'" for p in sorted(places - {str(b) for b in blocks})[:5]] if blocks is not None else []
    if wrong:
        raise InputError(f"Effect of a roll-out: {'; '.join(wrong)}.")


def _panel(used, y, location, wave, waves, begun):
    of = pd.DataFrame({"place": used.frame[location].astype(str).to_numpy(), "wave": used.frame[wave].astype(str).to_numpy()})
    of = of.assign(w=used.w, wy=used.w * used.frame[y].to_numpy(dtype=float))
    sums = of.groupby(["place", "wave"])[["w", "wy"]].sum().unstack()
    weight, total = (sums[c].reindex(columns=waves).to_numpy(dtype=float) for c in ("w", "wy"))
    start = np.array([waves.index(begun[p]) if p in begun else len(waves) for p in sums.index], dtype=int)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Panel(total / weight, np.nan_to_num(weight), start), list(sums.index)


# ---- estimates
def _change(panel, g, t):
    """Change of every location from the wave before g to t, and its weight; 0 where it has answers in one of them alone."""
    base = panel.weight[:, g - 1], panel.weight[:, t]
    weight = np.divide(base[0] * base[1], base[0] + base[1], out=np.zeros(len(panel.start)), where=(base[0] > 0) & (base[1] > 0))
    return np.where(weight > 0, panel.mean[:, t] - panel.mean[:, g - 1], 0.0), weight


def _arms(start, weight, g, t):
    """The locations that began in g, and those that had not begun at t, nor at g - 1."""
    return (start == g) & (weight > 0), (start > max(t, g - 1)) & (start != g) & (weight > 0)


def _pairs(panel):
    """Every cohort and wave that can be compared: {(g, t): (Estimate, treated, others)}."""
    n_waves, found = panel.mean.shape[1], {}
    for g in range(1, n_waves):
        for t in range(n_waves):
            change, weight = _change(panel, g, t)
            arms = _arms(panel.start, weight, g, t)
            if t == g - 1 or min(arm.sum() for arm in arms) < 2:
                continue
            errors, value = np.zeros(len(change)), 0.0
            for sign, arm in zip((1, -1), arms):
                share = weight[arm] / weight[arm].sum()
                mean = share @ change[arm]
                errors[arm] = sign * share * (change[arm] - mean) / np.sqrt(1 - share)
                value += sign * mean
            found[g, t] = Estimate(float(value), errors), *arms
    return found


def _average(parts, by):
    """Weighted average of estimates."""
    share = np.asarray(by, dtype=float) / np.sum(by)
    return Estimate(float(share @ [p.value for p in parts]), share @ np.array([p.errors for p in parts]))


def _freedom(errors, start):
    """Satterthwaite's degrees of freedom: each cohort's part of the variance has one less than its locations."""
    parts, sizes = np.bincount(start, weights=errors**2), np.bincount(start, weights=errors != 0)
    spread = (parts**2 / np.maximum(sizes - 1, 1)).sum()
    return float(parts.sum() ** 2 / spread) if spread > 0 else np.nan


def _row(estimate, arms, start, ci_level):
    """Effect with its interval; without one below six locations in either arm."""
    treated, others = (int(np.any(side, axis=0).sum()) for side in zip(*arms))
    row = {"effect": estimate.value, **_NOTHING, "locations_treated": treated, "locations_others": others, "status": "low_base"}
    if min(treated, others) < FEWEST:
        return row
    return row | _inference(estimate, start, ci_level) | {"status": "ok" if (estimate.errors != 0).any() else "degenerate"}


def _inference(estimate, start, ci_level):
    se, df = float(np.sqrt((estimate.errors**2).sum())), _freedom(estimate.errors, start)
    if not se > 0:
        return _NOTHING
    half = stats.t.ppf(0.5 + ci_level / 2, df) * se
    p = float(2 * stats.t.sf(abs(estimate.value) / se, df))
    return {"se": se, "df": df, "ci_lo": estimate.value - half, "ci_hi": estimate.value + half, "p": p}


def _events(pairs, start, ci_level, seed):
    """A row and an Estimate for every wave since the start."""
    found = []
    for event in sorted({t - g for g, t in pairs}):
        here = [pair for (g, t), pair in pairs.items() if t - g == event]
        estimate = _average([e for e, _, _ in here], [treated.sum() for _, treated, _ in here])
        row = _row(estimate, [(treated, others) for _, treated, others in here], start, ci_level)
        found.append(({"event": event, **row, "band_lo": np.nan, "band_hi": np.nan}, estimate))
    sure = [(row, estimate) for row, estimate in found if row["se"] > 0]
    if sure:
        factor = _band([e.errors / row["se"] for row, e in sure], min(row["df"] for row, _ in sure), ci_level, seed)
        for row, _ in sure:
            row |= {"band_lo": row["effect"] - factor * row["se"], "band_hi": row["effect"] + factor * row["se"]}
    return found


def _band(errors, df, ci_level, seed):
    """How many standard errors hold all estimates at once: quantile of the largest of correlated t's. Hothorn, Bretz & Westfall (2008)."""
    rng, errors = generator(seed, "M30.band"), np.array(errors)
    together = np.abs(rng.standard_normal((DRAWS, errors.shape[1])) @ errors.T).max(axis=1)
    largest = together / np.sqrt(rng.chisquare(df, DRAWS) / df)
    return max(float(np.quantile(largest, ci_level)), float(stats.t.ppf(0.5 + ci_level / 2, df)))


# ---- the whole
def _whole(pairs, events, panel, groups, ci_level, seed):
    later = {key: pair for key, pair in pairs.items() if key[1] >= key[0]}
    drift = dict.fromkeys(
        ["drift", "drift_lo", "drift_hi", "p_drift", "drift_seen", "half_lo", "half_hi", "full_lo", "full_hi", "holds_to"], np.nan
    )
    if not later:
        nothing = {"effect": np.nan, **_NOTHING, "p_lot": np.nan, **drift}
        return nothing | {"locations_treated": 0, "locations_others": int((panel.start > 0).sum()), "status": "insufficient"}
    by = [treated.sum() for _, treated, _ in later.values()]
    estimate = _average([e for e, _, _ in later.values()], by)
    row = _row(estimate, [(treated, others) for _, treated, others in later.values()], panel.start, ci_level)
    row["p_lot"] = _by_lot(panel, groups, generator(seed, "M30.rollout lot"))
    before = [(r, e) for r, e in events if r["event"] < 0]
    if before and row["se"] > 0 and all(r["se"] > 0 for r, _ in before):
        reach = float(np.average([t - g + 1 for g, t in later], weights=by))
        drift |= _drift(before, panel.start, ci_level) | _granted(row, before, reach)
    return row | drift


def _drift(before, start, ci_level):
    """The slope through the events before the act, and the joint test that all of them are nought."""
    at = np.array([r["event"] + 1.0 for r, _ in before])  # zero at the wave before the start
    slope = Estimate(float(at @ [e.value for _, e in before] / (at @ at)), at @ np.array([e.errors for _, e in before]) / (at @ at))
    found = _inference(slope, start, ci_level)
    seen = (stats.t.ppf(0.5 + ci_level / 2, found["df"]) + stats.t.ppf(POWER, found["df"])) * found["se"]
    value, errors, q = np.array([e.value for _, e in before]), np.array([e.errors for _, e in before]), len(before)
    df, spread = min(r["df"] for r, _ in before), errors @ errors.T
    p = np.nan
    if df > q - 1 and np.linalg.matrix_rank(spread) == q:
        p = float(stats.f.sf(value @ np.linalg.solve(spread, value) * (df - q + 1) / (df * q), q, df - q + 1))
    return {"drift": slope.value, "drift_lo": found["ci_lo"], "drift_hi": found["ci_hi"], "p_drift": p, "drift_seen": float(seen)}


def _granted(row, before, reach):
    """The interval when a drift of some steps goes on after the start: by (event + 1) steps at each event, `reach` on average."""
    known = {r["event"]: e.value for r, e in before} | {-1: 0.0}
    step = max((abs(known[e] - known[e - 1]) for e in known if e - 1 in known), default=np.nan)
    found = {
        f"{name}_{end}": row[f"ci_{end}"] + sign * reach * size * step
        for name, size in GRANTED.items()
        for end, sign in (("lo", -1), ("hi", 1))
    }
    clear = max(row["ci_lo"], -row["ci_hi"], 0.0)
    return found | {"holds_to": clear / (reach * step) if step > 0 else np.nan}


def _by_lot(panel, groups, rng):
    """Share of lots, starts dealt anew within groups, whose effect is at least as large as the real one."""
    starts = np.repeat(panel.start[None], LOTS + 1, axis=0)
    for group in np.unique(groups):
        inside = np.flatnonzero((groups == group) & (panel.start > 0))
        if len(inside):
            starts[1:, inside] = rng.permuted(starts[1:, inside], axis=1)
    total, count = np.zeros(LOTS + 1), np.zeros(LOTS + 1)
    n_waves = panel.mean.shape[1]
    for g in range(1, n_waves):
        for t in range(g, n_waves):
            change, weight = _change(panel, g, t)
            arms = _arms(starts, weight, g, t)
            fair = np.minimum(*(arm.sum(axis=1) for arm in arms)) >= 2
            with np.errstate(invalid="ignore", divide="ignore"):
                means = [(arm @ (weight * change)) / (arm @ weight) for arm in arms]
            locations = np.where(fair, arms[0].sum(axis=1), 0)
            total += np.where(fair, locations * (means[0] - means[1]), 0.0)
            count += locations
    with np.errstate(invalid="ignore"):
        effect = np.abs(total / count)
    drawn = effect[1:][count[1:] > 0]
    return float(((drawn >= effect[0] - 1e-12).sum() + 1) / (len(drawn) + 1))

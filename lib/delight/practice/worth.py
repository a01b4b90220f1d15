"""What acts are worth: big against small measures by the euro, and whether more of them does more (method M30)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from delight.errors import InputError
from delight.estimate import WildCluster, base_status, fit_linear, need_columns
from delight.practice.acts import FEWEST, MANY, changes
from delight.resample import generator
from delight.result import Note, Result
from delight.scales import check_scale

#: The effect is told for this many euros a location.
EUROS = 100


class Drawn(NamedTuple):
    """A mean and its variance, as they are and then of every draw."""

    mean: np.ndarray
    variance: np.ndarray


NOTHING = Drawn(*np.full((2, 2), np.nan))


def per_euro(
    frame, *, y, scale, measures, costs, before, after, location="location", wave="wave", weights=None, weights_kind="sampling",
    ci_level=0.95, n_boot=2000, seed=20250101,
):  # fmt: skip
    """Measures beside each other: what each did, and what it did for its money.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y : str
        Outcome, in points on `scale` (0/1 for a share).
    scale : Scale
    measures : dict of name to collection of locations
        Locations that began with it between the two waves; all locations in none of them are what it is measured against.
    costs : dict of name to float
        Euros a location, over the same time.
    before, after, location, wave : str
    weights, weights_kind : as M00
    ci_level, n_boot, seed

    Returns
    -------
    Result
        One row a measure: ``measure, cost, effect, ci_lo, ci_hi`` (points), ``per_100, per_100_lo, per_100_hi`` (points for 100 euros a
        location), ``against`` (the first measure named), ``difference, difference_lo, difference_hi`` (of ``per_100``, minus that of the
        first), ``locations, locations_others, n, n_missing, n_eff, status``. Fewer than 6 locations in an arm: no interval, ``low_base``;
        none: ``insufficient``.

    Notes
    -----
    Effects as `acts.effect`; intervals of a bootstrap that draws locations within their arm, the same draws for all measures, in standard
    errors of each draw (bootstrap-t): percentiles of the effect itself are too narrow with so few locations (87-89 % with 6 an arm).
    Of a difference all three arms need 6 locations.

    References
    ----------
    Hall, P. (1988). Annals of Statistics 16, 927-953. Cameron, Gelbach & Miller (2008). Review of Economics and Statistics 90, 414-427.
    """
    known = _known(frame, y, scale, location, wave, before, after)
    arms = {name: {str(place) for place in places} for name, places in measures.items()}
    wrong = [f"measure '{name}' has no cost above 0" for name in arms if not costs.get(name, 0) > 0]
    wrong += [f"there is no location '{p}'" for p in sorted(set().union(*arms.values()) - known)[:5]]
    wrong += [] if sum(map(len, arms.values())) == len(set().union(*arms.values())) else ["a location has two measures"]
    wrong += [] if arms else ["name at least one measure"]
    if wrong:
        raise InputError(f"Effect by the euro: {'; '.join(wrong)}.")
    used, kept, left = changes(frame, y, location, wave, before, after, weights, weights_kind)
    others = kept[~kept.index.isin(set().union(*arms.values()))]
    control = _drawn(others, generator(seed, "M30.worth others"), n_boot)
    rows, first = [], None
    for name, places in arms.items():
        mine, by = kept[kept.index.isin(places)], EUROS / costs[name]
        drawn, few = _drawn(mine, generator(seed, f"M30.worth {name}"), n_boot), min(len(mine), len(others))
        first = first or (by, drawn, few)
        than = _sum((by, drawn), (-first[0], first[1]), (first[0] - by, control))
        rows.append(
            {"measure": name, "cost": float(costs[name]), **_told("effect", _sum((1, drawn), (-1, control)), few, ci_level),
             **_told("per_100", _sum((by, drawn), (-by, control)), few, ci_level), "against": next(iter(arms)),
             **_told("difference", than if rows else NOTHING, min(few, first[2]), ci_level),
             "locations": len(mine), "locations_others": len(others), "n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff,
             "status": "insufficient" if not few else "low_base" if few < FEWEST else base_status(used.n)}
        )  # fmt: skip
    table = pd.DataFrame(rows).rename(columns={"effect_lo": "ci_lo", "effect_hi": "ci_hi"})
    notes = [Note("one_wave", {"locations": left})] if left else []
    about = {"y": y, "scale": scale, "before": str(before), "after": str(after), "costs": costs, **used.meta}
    about |= {"ci_level": ci_level, "n_boot": n_boot, "seed": seed}
    return Result.of("M30.per_euro", table, function="delight.practice.worth.per_euro", notes=notes, **about)


def _drawn(arm, rng, n_boot):
    """Weighted mean change of an arm and its variance (HC2), as it is and then of every draw of its locations."""
    if not len(arm):
        return Drawn(*np.full((2, n_boot + 1), np.nan))
    times = np.vstack([np.ones(len(arm)), rng.multinomial(len(arm), np.full(len(arm), 1 / len(arm)), size=n_boot)])
    change, weight = arm["change"].to_numpy(), arm["weight"].to_numpy()
    share = weight / (times @ weight)[:, None]
    mean = (times * share) @ change
    away = (change - mean[:, None]) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return Drawn(mean, (times * share**2 * away / (1 - share)).sum(axis=1))


def _sum(*parts):
    """Sum of (factor, Drawn) of arms that are drawn apart."""
    return Drawn(sum(by * d.mean for by, d in parts), sum(by**2 * d.variance for by, d in parts))


def _told(name, drawn, few, ci_level):
    """The value and, with enough locations, its interval: the value less quantiles of the drawn t times its standard error."""
    found = {name: float(drawn.mean[0]), f"{name}_lo": np.nan, f"{name}_hi": np.nan}
    se, sure = np.sqrt(drawn.variance), drawn.variance[1:] > 0
    if few < FEWEST or not (se[0] > 0 and sure.any()):
        return found
    t = (drawn.mean[1:] - drawn.mean[0])[sure] / se[1:][sure]
    side = (1 - ci_level) / 2
    high, low = np.quantile(t, [side, 1 - side])
    return found | {f"{name}_lo": float(drawn.mean[0] - low * se[0]), f"{name}_hi": float(drawn.mean[0] - high * se[0])}


def dose(
    frame, *, y, scale, doses, before, after, location="location", wave="wave", weights=None, weights_kind="sampling",
    ci_level=0.95, n_boot=2000, seed=20250101,
):  # fmt: skip
    """Whether more acts do more: change of a location's mean for every further act per 100 visits.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y : str
    scale : Scale
    doses : dict of location to float
        Acts per 100 visits after, minus before; locations that are not in it are left out and counted.
    before, after, location, wave : str
    weights, weights_kind : as M00
    ci_level, n_boot, seed

    Returns
    -------
    Result
        One row: ``slope`` (points for one act per 100 visits), ``se, ci_lo, ci_hi, p``; ``dose_low, dose_high`` (the range seen),
        ``locations, n, n_missing, n_eff, status``. Fewer than 12 locations: no interval, ``low_base``; fewer than three, or one dose:
        ``insufficient``.

    Notes
    -----
    Weighted regression of changes on changes of dose, clusters the locations: wild cluster bootstrap below 40 of them. Unless the doses
    were drawn by lot, places that do more may differ otherwise; a dose beyond the range seen is nobody's to promise.
    """
    known = _known(frame, y, scale, location, wave, before, after)
    doses = {str(place): float(value) for place, value in doses.items()}
    if set(doses) - known or not np.isfinite(list(doses.values())).all():
        wrong = sorted(set(doses) - known)[:5] or [p for p, v in doses.items() if not np.isfinite(v)][:5]
        raise InputError(f"Dose of acts: no such location, or no number for it: {', '.join(wrong)}.")
    used, kept, left = changes(frame, y, location, wave, before, after, weights, weights_kind)
    mine = kept[kept.index.isin(doses)]
    x = np.array([doses[place] for place in mine.index])
    row = dict.fromkeys(["slope", "se", "ci_lo", "ci_hi", "p"], np.nan)
    row |= {"dose_low": x.min(initial=np.inf), "dose_high": x.max(initial=-np.inf)} if len(x) else {"dose_low": np.nan, "dose_high": np.nan}
    status = "insufficient"
    if len(np.unique(x)) > 1 and len(x) > 2:
        status = base_status(used.n) if len(x) >= 2 * FEWEST else "low_base"
        row |= _slope(mine, x, ci_level, n_boot, generator(seed, "M30.dose"))
        if len(x) < 2 * FEWEST:
            row |= dict.fromkeys(["se", "ci_lo", "ci_hi", "p"], np.nan)
    counted = {"locations": len(mine), "n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff, "status": status}
    notes = [Note("one_wave", {"locations": left})] if left else []
    notes += [Note("no_dose", {"locations": len(kept) - len(mine)})] if len(kept) > len(mine) else []
    about = {
        "y": y,
        "scale": scale,
        "before": str(before),
        "after": str(after),
        **used.meta,
        "ci_level": ci_level,
        "n_boot": n_boot,
        "seed": seed,
    }
    return Result.of("M30.dose", [row | counted], function="delight.practice.worth.dose", notes=notes, **about)


def _slope(mine, x, ci_level, n_boot, rng):
    design = np.column_stack([np.ones(len(x)), x])
    fit = fit_linear(mine["change"], design, mine["weight"].to_numpy(), kind="sampling", clusters=np.arange(len(x)))
    lo, hi = (limits[1] for limits in fit.interval(ci_level))
    found = {"slope": float(fit.coef[1]), "se": float(fit.se[1]), "ci_lo": float(lo), "ci_hi": float(hi), "p": float(fit.p[1])}
    if len(x) < MANY and found["se"] > 0:
        wild = WildCluster(mine["change"], design, mine["weight"], np.arange(len(x)), [0.0, 1.0], n_boot=n_boot, rng=rng)
        (found["ci_lo"], found["ci_hi"]), found["p"] = wild.interval(ci_level), wild.p()
    return found


def _known(frame, y, scale, location, wave, before, after):
    """Names of locations, once the columns, scores and waves are as they should be."""
    need_columns(frame, [y, location, wave])
    check_scale(frame[y], scale, column=y)
    waves = set(frame[wave].dropna().astype(str))
    missing = [str(w) for w in (before, after) if str(w) not in waves]
    if missing or str(before) == str(after):
        raise InputError(f"There is no wave {', '.join(missing)}." if missing else "before and after are the same wave.")
    return set(frame[location].dropna().astype(str))

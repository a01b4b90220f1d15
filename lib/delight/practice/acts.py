"""Little acts of kindness as an experiment by location: how many locations, which ones by lot, and what it did (method M30)."""

from __future__ import annotations

from itertools import combinations, product
from math import comb

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import WildCluster, base_status, fit_linear, need_columns, sample
from delight.resample import generator
from delight.result import Note, Result
from delight.scales import check_scale

#: All assignments are tried up to this many; beyond it, this many are drawn.
EXACT = 10_000
#: Fewer locations than this in either arm leave the lot as the only basis of inference.
FEWEST = 6
#: Fewer locations than this in all take the wild cluster bootstrap.
MANY = 40


# ---- how many locations --------------------------------------------------------------------------------------------------


def power(locations, *, d, icc, size, pre_correlation=0.0, alpha=0.05):
    """Chance that a difference of `d` standard deviations between two arms of `locations` each is significant.

    Noncentral t on location means: ncp = d √(k/2) / √(v (1 - ρ²)), v = (1 + (m - 1) ICC)/m, df = 2k - 2; ρ correlates the location
    means before and after.
    """
    k = np.asarray(locations, dtype=float)
    spread = (1 + (size - 1) * icc) / size * (1 - pre_correlation**2)
    df = 2 * k - 2
    with np.errstate(invalid="ignore", divide="ignore"):
        edge = stats.t.ppf(1 - alpha / 2, df)
        ncp = d * np.sqrt(k / 2) / np.sqrt(spread)
        chance = stats.nct.sf(edge, df, ncp) + stats.nct.cdf(-edge, df, ncp)
    return np.where(df >= 1, chance, 0.0)


def locations_needed(*, d=(0.2, 0.3, 0.5), icc=0.05, size=20, pre_correlation=0.0, goal=0.8, alpha=0.05, most=5000):
    """Fewest locations an arm with which an experiment shows an effect.

    Parameters
    ----------
    d : float or sequence of float
        Effects in standard deviations of the customers' answers.
    icc : float
        Share of the variance of answers that lies between locations.
    size : float
        Answers a location.
    pre_correlation : float
        Correlation of the locations' means with a measurement before, which is compared with; not that of persons.
    goal, alpha : float
        Power wanted, level of the test.
    most : int
        Beyond so many locations an arm the answer is ``insufficient``.

    Returns
    -------
    Result
        One row an effect: ``d, icc, size, locations`` (an arm), ``power, n`` (answers in all), ``n_missing, n_eff, status``.

    References
    ----------
    Donner, A. & Klar, N. (2000). Design and Analysis of Cluster Randomization Trials in Health Research.
    """
    wanted = np.atleast_1d(np.asarray(d, dtype=float))
    if not (0 < alpha < goal < 1 and (wanted > 0).all() and 0 <= icc < 1 and size >= 1 and 0 <= pre_correlation < 1):
        raise InputError(
            "Power needs effects d above 0, 0 <= icc < 1, at least one answer a location, 0 <= pre_correlation < 1 and 0 < alpha < goal < 1."
        )
    about = {"icc": icc, "size": size, "pre_correlation": pre_correlation}
    rows = []
    for effect in wanted:
        k = np.arange(2, most + 1)
        chance = power(k, d=effect, **about, alpha=alpha)
        reached = np.flatnonzero(chance >= goal)
        at = int(reached[0]) if len(reached) else None
        found = {"locations": int(k[at]), "power": float(chance[at])} if at is not None else {"locations": np.nan, "power": np.nan}
        n = 2 * found["locations"] * size
        status = "ok" if at is not None else "insufficient"
        rows.append({"d": float(effect), **about, **found, "n": n, "n_missing": 0, "n_eff": n, "status": status})
    return Result.of("M30.power", rows, function="delight.practice.acts.locations_needed", goal=goal, alpha=alpha, **about)


# ---- which ones, by lot ----------------------------------------------------------------------------------------------------


def assign(units, *, acts, location="location", blocks=None, alike=None, seed=20250101):
    """Give acts to locations by lot.

    Parameters
    ----------
    units : DataFrame, one row a location; unchanged.
    acts : sequence of str
        One act goes to half of the locations. Several make a factorial plan: all combinations, for four acts the half of them in which the
        fourth is given where an even number of the others is (2⁴⁻¹), so that every act is on in half of the locations.
    location : str
    blocks : str, optional
        Column such as ``label``: lots are drawn within each of its values, so that no label gets all of it.
    alike : str, optional
        Column of numbers such as the last grade: neighbours in it share a lot, so that the arms begin alike.
    seed : int

    Returns
    -------
    Result
        One row a location: ``location, block, lot`` (the group of locations among which the lot was drawn), a column of 0/1 an act,
        ``n`` (locations), ``status``.

    Raises
    ------
    InputError
        Unknown column, a location twice, no act or one named twice, fewer locations than the plan has cells.
    """
    acts = list(acts)
    need_columns(units, [c for c in (location, blocks, alike) if c])
    if not acts or len(set(acts)) < len(acts):
        raise InputError("acts names at least one act, each once.")
    if units[location].isna().any() or units[location].duplicated().any():
        raise InputError(f"Column '{location}' must name every location once.")
    cells = plan(len(acts))
    if len(units) < len(cells):
        raise InputError(f"{len(acts)} acts make a plan of {len(cells)} combinations; there are {len(units)} locations.")
    rng = generator(seed, "M30.assign")
    table = units.sort_values(location, key=lambda c: c.astype(str), kind="stable").reset_index(drop=True)
    block = table[blocks].astype(str) if blocks else pd.Series("", index=table.index)
    lot, cell = np.empty(len(table), dtype=int), np.empty(len(table), dtype=int)
    left = np.empty(0, dtype=int)  # cells that wait for a location: what one block lacks, the next one gets first
    number = 0
    for name in sorted(block.unique()):
        rows = np.flatnonzero(block == name)
        rows = rng.permutation(rows)
        if alike:
            rows = rows[np.argsort(table[alike].to_numpy(dtype=float)[rows], kind="stable")]
        for start in range(0, len(rows), len(cells)):
            group = rows[start : start + len(cells)]
            if len(left) < len(group):
                left = np.concatenate([left, rng.permutation(len(cells))])
            drawn, left = left[: len(group)], left[len(group) :]
            lot[group], cell[group] = number, rng.permutation(drawn)
            number += 1
    given = pd.DataFrame(np.array(cells)[cell], columns=acts)
    found = pd.DataFrame({"location": table[location], "block": block, "lot": lot}).join(given).assign(n=len(table), n_missing=0)
    return Result.of(
        "M30.assign", found.assign(n_eff=float(len(table)), status="ok"), function="delight.practice.acts.assign",
        acts=acts, blocks=blocks, alike=alike, cells=len(cells), seed=seed,
    )  # fmt: skip


def plan(n_acts):
    """The combinations of a factorial plan as tuples of 0/1: all of them, or for four acts and more the half with an even sum."""
    every = list(product((0, 1), repeat=n_acts))
    return every if n_acts < 4 else [c for c in every if sum(c) % 2 == 0]


# ---- what it did -----------------------------------------------------------------------------------------------------------


def effect(
    frame,
    *,
    y,
    scale,
    treated,
    before,
    after,
    location="location",
    wave="wave",
    blocks=None,
    weights=None,
    weights_kind="sampling",
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """What an act did: change of the locations that have it, minus the change of the others (difference-in-differences).

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y : str
        Outcome, in points on `scale` (0/1 for a share).
    scale : Scale
    treated : collection of str
        Locations that began between the two waves.
    before, after : str
        The two waves.
    location, wave : str
    blocks : dict of location to block, optional
        The lots among which the act was drawn (`assign`); permutations stay within them.
    weights, weights_kind : as M00
    ci_level, n_boot, seed

    Returns
    -------
    Result
        One row: ``effect, se, ci_lo, ci_hi, p`` (clustered on location; below 40 locations by the wild cluster bootstrap), ``p_lot``
        (share of the assignments the lot could have made that show an effect at least as large), ``assignments, exact``;
        ``treated_before, treated_after, others_before, others_after`` (means of location means, weighted as in the effect),
        ``change_treated, change_others``; ``locations_treated, locations_others``, ``n, n_missing, n_eff, status``.
        Fewer than 6 locations in an arm: no interval, ``low_base``; none in an arm: ``insufficient``.

    Raises
    ------
    InputError
        Unknown column, a wave or location that is not there, score outside its scale, bad weights.

    Notes
    -----
    y_ilt = a_l + g_t + effect · treated_lt + e. With two waves this is the difference of the locations' changes, each weighted by
    n_l0 n_l1/(n_l0 + n_l1) (sums of weights); so it is computed. Locations without answers in one of the waves say nothing (note
    ``one_wave``). Acts that begin at several moments: `rollout.rollout`.

    References
    ----------
    Bertrand, M., Duflo, E. & Mullainathan, S. (2004). QJE 119, 249-275. Goodman-Bacon, A. (2021). J. Econometrics 225, 254-277.
    """
    need_columns(frame, [y, location, wave])
    check_scale(frame[y], scale, column=y)
    treated = {str(t) for t in treated}
    known = set(frame[location].dropna().astype(str))
    waves = set(frame[wave].dropna().astype(str))
    wrong = [f"there is no wave '{w}'" for w in (before, after) if str(w) not in waves]
    wrong += [f"there is no location '{t}'" for t in sorted(treated - known)[:5]]
    wrong += ["before and after are the same wave"] if str(before) == str(after) else []
    wrong += [f"blocks lack location '{m}'" for m in sorted(known - {str(b) for b in blocks})[:5]] if blocks is not None else []
    if wrong:
        raise InputError(f"Effect of an act: {'; '.join(wrong)}.")
    used, kept, left = changes(frame, y, location, wave, before, after, weights, weights_kind)
    means, change, weight = (kept["first"], kept["second"]), kept["change"].to_numpy(), kept["weight"].to_numpy()
    on = np.array([place in treated for place in kept.index], dtype=bool)
    row = dict.fromkeys(
        ["effect", "se", "ci_lo", "ci_hi", "p", "p_lot", "treated_before", "treated_after", "others_before", "others_after"]
        + ["change_treated", "change_others"], np.nan,
    )  # fmt: skip
    row |= {"assignments": 0, "exact": False, "locations_treated": int(on.sum()), "locations_others": int((~on).sum())}
    meta = {"y": y, "scale": scale, "before": str(before), "after": str(after), "treated": sorted(treated), **used.meta}
    meta |= {"ci_level": ci_level, "n_boot": n_boot, "seed": seed}
    notes = [Note("one_wave", {"locations": left})] if left else []
    counted = {"n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff}
    if not on.any() or on.all():
        return _result([row | counted | {"status": "insufficient"}], notes, meta)
    for arm, inside in (("treated", on), ("others", ~on)):
        row |= {f"{arm}_{when}": float(np.average(m[inside], weights=weight[inside])) for when, m in zip(("before", "after"), means)}
        row[f"change_{arm}"] = row[f"{arm}_after"] - row[f"{arm}_before"]
    row["effect"] = row["change_treated"] - row["change_others"]
    groups = np.array([str(blocks[p]) for p in kept.index]) if blocks is not None else np.zeros(len(kept), dtype=int)
    row["p_lot"], row["assignments"], row["exact"] = by_lot(change, weight, on, groups, generator(seed, "M30.lot"))
    status = base_status(used.n)
    if min(on.sum(), (~on).sum()) < FEWEST:
        return _result([row | counted | {"status": "low_base"}], [*notes, Note("few_locations", {"fewest": FEWEST})], meta)
    design = np.column_stack([np.ones(len(on)), on])
    fit = fit_linear(change, design, weight, kind="sampling", clusters=np.arange(len(on)))
    row["se"] = float(fit.se[1])
    if len(on) < MANY and row["se"] > 0:
        wild = WildCluster(change, design, weight, np.arange(len(on)), [0.0, 1.0], n_boot=n_boot, rng=generator(seed, "M30.wild"))
        (row["ci_lo"], row["ci_hi"]), row["p"] = wild.interval(ci_level), wild.p()
    else:
        lo, hi = fit.interval(ci_level)
        row["ci_lo"], row["ci_hi"], row["p"] = float(lo[1]), float(hi[1]), float(fit.p[1])
    return _result([row | counted | {"status": "degenerate" if row["se"] == 0 else status}], notes, meta)


def changes(frame, y, location, wave, before, after, weights=None, weights_kind="sampling"):
    """Change of every location between two waves: (Sample, DataFrame ``first, second, change, weight`` by location, locations in one wave).

    Weights are n_l0 n_l1/(n_l0 + n_l1) (sums of weights), with which the means of changes are those of fixed effects for locations.
    """
    two = frame[frame[wave].astype(str).isin([str(before), str(after)])]
    used = sample(two, [y, location], weights=weights, weights_kind=weights_kind)
    later = (used.frame[wave].astype(str) == str(after)).to_numpy()
    of = pd.DataFrame(
        {"place": used.frame[location].astype(str).to_numpy(), "w": used.w, "wy": used.w * used.frame[y].to_numpy(dtype=float)}
    )
    sums = [of[rows].groupby("place")[["w", "wy"]].sum().add_suffix(when) for when, rows in (("_first", ~later), ("_second", later))]
    both = sums[0].join(sums[1], how="outer")
    kept = both.dropna()
    found = pd.DataFrame({when: kept[f"wy_{when}"] / kept[f"w_{when}"] for when in ("first", "second")}, index=kept.index)
    weight = kept["w_first"] * kept["w_second"] / (kept["w_first"] + kept["w_second"])
    return used, found.assign(change=found["second"] - found["first"], weight=weight), len(both) - len(kept)


def _result(rows, notes, meta):
    return Result.of("M30", rows, function="delight.practice.acts.effect", notes=notes, **meta)


def by_lot(change, weight, on, groups, rng):
    """Share of the assignments that the lot could have made whose effect is at least as large: (p, assignments, exact).

    Within each group as many locations have the act as in the real assignment; up to 10,000 assignments all are tried.
    """
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    taken = [int(on[m].sum()) for m in members]
    ways = 1
    for m, k in zip(members, taken):
        ways *= comb(len(m), k)
    exact = ways <= EXACT
    if exact:
        chosen = product(*[[m[list(c)] for c in combinations(range(len(m)), k)] for m, k in zip(members, taken)])
        drawn = np.zeros((ways, len(on)), dtype=bool)
        for row, parts in zip(drawn, chosen):
            row[np.concatenate(parts).astype(int)] = True
    else:
        drawn = np.zeros((EXACT, len(on)), dtype=bool)
        for m, k in zip(members, taken):
            order = np.argsort(rng.random((EXACT, len(m))), axis=1)[:, :k]
            drawn[np.arange(EXACT)[:, None], m[order]] = True
    found, real = (_difference(d, change, weight) for d in (drawn, on[None]))
    hits = int((np.abs(found) >= abs(real[0]) - 1e-12).sum())
    return (hits / ways if exact else (hits + 1) / (EXACT + 1)), (ways if exact else EXACT), exact


def _difference(on, change, weight):
    """Weighted mean change of the chosen minus that of the others, a row an assignment."""
    inside, total = on @ weight, weight.sum()
    sums = on @ (weight * change)
    return sums / inside - ((weight * change).sum() - sums) / (total - inside)

"""What can be said about one small location: its raw level, and its level pooled with its label (method M42)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from delight.errors import InputError
from delight.estimate import need_columns
from delight.result import Note, Result
from delight.satisfaction.answers import Answers

METHOD = "M42"
GRID = 200
#: Fewest labels for label effects that are pooled themselves, and fewest locations to pool at all.
RANDOM_LABELS, FEWEST_LOCATIONS = 6, 3
#: Weight below which a point of the grid no longer counts.
NEGLIGIBLE = 1e-7


class Pooled(NamedTuple):
    """Results of `pooled`: one row a location, and the spread between locations."""

    locations: Result
    spread: Result


def pooled(
    frame,
    *,
    y,
    scale,
    location="location",
    label=None,
    margin=0.2,
    certainty=0.95,
    weights=None,
    weights_kind="sampling",
    population=None,
    labels=None,
    ci_level=0.95,
):
    """Raw and pooled mean of every location, and whether it clearly differs from the rest of its label.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y, scale
        Column of scores and its scale.
    location, label : str
        Columns; `label` only where the frame has it, else `labels` maps location to label.
    margin : float
        Difference from the rest of the label that matters, in standard deviations of `y` within locations and labels together.
    certainty : float
        Probability from which a location is flagged.
    population : dict, optional
        Respondents who could answer, by location: the correction of the raw interval, and the weight of a location in its label.
    weights, weights_kind, ci_level
        As in `levels`.

    Returns
    -------
    Pooled of Results
        locations : ``by="location", group, location, label, n, raw, raw_lo, raw_hi, sd``, ``pooled, lo, hi``, ``shrinkage`` (0 the raw
        mean stands, 1 it counts for nothing), ``rest_of_label, rest_lo, rest_hi, rest_n`` (pooled mean of the label without this location,
        and its answers), ``diff_rest, diff_rest_lo, diff_rest_hi`` (the location less that rest), ``p_below, p_above`` (probability of lying a margin below or above that rest), ``flag`` (``below``, ``above`` or empty),
        ``n_missing, n_eff, status``.
        spread : one row ``tau, tau_lo, tau_hi`` (between locations of a label), ``sigma``, ``icc, icc_lo, icc_hi``, ``margin``,
        ``locations, labels, label_effects`` (``none, fixed, random``).
        Fewer than 3 locations: raw only, ``not_identified``.

    Notes
    -----
    y = label + u + e, u ~ N(0, τ²), one τ² for all labels, σ² pooled; label effects flat under 6 labels, else N(μ, ω²); τ (and ω)
    integrated over a grid of 200 (60) points with half-normal priors of scale ½ sd(y); conditionally normal, limits from the mixture.
    With sampling weights the variance of a location's mean is σ² Σw²/(Σw)². The pooled mean is that of the location as it works for
    any customer, so it has no finite-population correction; the raw interval has.

    References
    ----------
    Rubin, D. B. (1981). J. Educational Statistics 6, 377-401. Gelman, A. (2006). Bayesian Analysis 1, 515-534.
    """
    need_columns(frame, [location, *([label] if label else [])])
    named = frame[frame[location].notna()]
    label_of = _label_of(named, location, label, labels)
    answers = Answers(named, y, scale, weights=weights, weights_kind=weights_kind, strata=location, population=population, labels=label_of)
    plain = Answers(named, y, scale, weights=weights, weights_kind=weights_kind)
    rows = []
    for raw_group, group in zip(answers.groups(location, whole=False), plain.groups(location, whole=False)):
        raw = answers.design.mean(answers.y, raw_group.inside, ci_level=ci_level)
        n_eff = plain.design.mean(plain.y, group.inside).n_eff
        key = {"by": "location", "group": group.group, "location": group.group, "label": label_of.get(group.group, "")}
        raw_cells = {"raw": raw.value, "raw_lo": raw.lo, "raw_hi": raw.hi, "sd": raw.sd}
        rows.append({**key, **group.counts, "n_eff": n_eff, **raw_cells, "status": plain.design.status(group.inside)})
    table = pd.DataFrame(
        rows, columns=None if rows else ["by", "group", "location", "label", "n", "n_missing", "n_eff", "raw", "sd", "status"]
    )
    sd_y = plain.design.mean(plain.y).sd if plain.used.n else np.nan
    sizes = {str(k): float(v) for k, v in dict(population or {}).items() if pd.notna(v)}
    table, spread = pool(table, sd_y=sd_y, sizes=sizes, margin=margin, certainty=certainty, ci_level=ci_level)
    notes = [*answers.notes]
    if spread["status"] == "not_identified":
        notes.append(Note("few_locations", {"locations": int(spread["locations"])}))
    if len(frame) > len(named):
        notes.append(Note("without_location", {"n": len(frame) - len(named)}))
    about = {**answers.meta, "y": y, "scale": scale, "ci_level": ci_level, "margin": margin, "certainty": certainty}
    status = "not_identified" if spread["status"] == "not_identified" else None
    return Pooled(
        Result.of(METHOD, table, function="delight.satisfaction.locations.pooled", notes=notes, status=status, **about),
        Result.of(f"{METHOD}.spread", [spread], function="delight.satisfaction.locations.pooled", notes=notes, **about),
    )


def _label_of(frame, location, label, labels):
    """Label by location: from a column (its most frequent value) or a mapping."""
    if label:
        known = frame.dropna(subset=[label])
        return {str(k): str(v.mode().iloc[0]) for k, v in known.groupby(location)[label]}
    return {str(k): str(v) for k, v in dict(labels if labels is not None else {}).items() if pd.notna(v)}


def pool(table, *, sd_y, sizes=None, margin=0.2, certainty=0.95, ci_level=0.95, prior="half_normal"):
    """Pool locations from their sums alone.

    Parameters
    ----------
    table : DataFrame
        ``location, label, n, n_eff, raw, sd`` (and ``se`` where standard errors are known and σ² is not pooled), one row a location.
    sd_y : float
        Standard deviation of all answers: scale of the prior and of the margin.
    sizes : dict, optional
        Size of each location, its weight in the rest of its label; by default its answers.
    margin : float
        In units of `sd_y`.
    prior : {"half_normal", "flat"}
        Prior of τ; flat only for comparison with published results.

    Returns
    -------
    (DataFrame, dict)
        The table with the columns of `pooled`, and the row of the spread.
    """
    table = table.copy()
    new = ["pooled", "lo", "hi", "shrinkage", "rest_of_label", "rest_lo", "rest_hi", "rest_n", "diff_rest", "diff_rest_lo", "diff_rest_hi"]
    new += ["p_below", "p_above"]
    table[new] = np.nan
    table["flag"] = ""
    use = (table["n"] > 0) & table["raw"].notna()
    used = table[use]
    sigma, known_se = _sigma(used), "se" in table
    spread = dict.fromkeys(["tau", "tau_lo", "tau_hi", "omega", "icc", "icc_lo", "icc_hi"], np.nan)
    labels, at = np.unique(used["label"].astype(str), return_inverse=True)
    effects = "none" if len(labels) < 2 else "fixed" if len(labels) < RANDOM_LABELS else "random"
    spread |= {"sigma": sigma, "margin": margin * sd_y, "locations": len(used), "labels": len(labels), "label_effects": effects}
    n, missing = int(used["n"].sum()), int(table["n_missing"].sum()) if "n_missing" in table else 0
    spread |= {"n": n, "n_missing": missing, "n_eff": float(used["n_eff"].sum()), "status": "ok"}
    variance = used["se"].to_numpy() ** 2 if known_se else sigma**2 / used["n_eff"].to_numpy()
    if len(used) < FEWEST_LOCATIONS:
        return table, {**spread, "status": "not_identified"}
    if not (sd_y > 0 and np.all(variance > 0)):
        return table, {**spread, "status": "degenerate"}
    y = used["raw"].to_numpy(dtype=float)
    grid = _Grid(y, variance, at, len(labels), scale=None if prior == "flat" else sd_y / 2, random=effects == "random")
    size = np.array([(sizes or {}).get(str(k), np.nan) for k in used["location"]])
    size = used["n"].to_numpy(dtype=float) if np.isnan(size).any() else size
    mean, var = grid.locations()
    lo, hi = mixture_interval(mean, np.sqrt(var), grid.weight, ci_level)
    rest_mean, rest_sd, diff_mean, diff_sd = grid.against_rest(size)
    weight = grid.weight[:, None]
    with np.errstate(divide="ignore"):
        below = (weight * special.ndtr((-margin * sd_y - diff_mean) / diff_sd)).sum(axis=0)
        above = (weight * special.ndtr((diff_mean - margin * sd_y) / diff_sd)).sum(axis=0)
    table.loc[use, "pooled"], table.loc[use, "lo"], table.loc[use, "hi"] = (weight * mean).sum(axis=0), lo, hi
    table.loc[use, "shrinkage"] = (weight * (variance / (grid.tau[:, None] ** 2 + variance))).sum(axis=0)
    for name, middle, sd in (("rest_of_label", rest_mean, rest_sd), ("diff_rest", diff_mean, diff_sd)):
        ends = mixture_interval(middle, sd, grid.weight, ci_level)
        stem = name.removesuffix("_of_label")
        table.loc[use, name], table.loc[use, f"{stem}_lo"], table.loc[use, f"{stem}_hi"] = (weight * middle).sum(axis=0), *ends
    table.loc[use, "rest_n"] = np.where(np.isnan(rest_mean[0]), np.nan, np.bincount(at, used["n"])[at] - used["n"])
    table.loc[use, "p_below"], table.loc[use, "p_above"] = below, above
    table.loc[use, "flag"] = np.select([below > certainty, above > certainty], ["below", "above"], "")
    spread |= {"tau": grid.tau_quantile(0.5), "omega": grid.omega_mean}
    tail = (1 - ci_level) / 2
    spread |= {"tau_lo": grid.tau_quantile(tail), "tau_hi": grid.tau_quantile(1 - tail)}
    for end in ("", "_lo", "_hi"):
        spread[f"icc{end}"] = spread[f"tau{end}"] ** 2 / (spread[f"tau{end}"] ** 2 + sigma**2)
    return table, spread


def _sigma(used):
    """Standard deviation within locations, pooled over them."""
    df = used["n"].to_numpy(dtype=float) - 1
    ok = (df > 0) & used["sd"].notna().to_numpy()
    return float(np.sqrt((df[ok] * used["sd"].to_numpy()[ok] ** 2).sum() / df[ok].sum())) if ok.any() else np.nan


class _Grid:
    """Posterior of τ (and ω, of random label effects) on a grid, refined where its weight lies; all else is normal given them."""

    def __init__(self, y, variance, at, n_labels, *, scale, random):
        self.y, self.v, self.at, self.k, self.random = y, variance, at, n_labels, random
        self.scale = scale
        top = 6 * scale if scale is not None else 20 * max(y.std(ddof=1), np.sqrt(variance).max())
        tau = np.linspace(0, top, GRID)
        omega = np.linspace(0, top, 60) if random else np.array([np.inf])
        for _ in range(3):  # each pass looks closer at where the posterior lies
            density = np.exp(self._log_density(tau, omega))
            by_tau, by_omega = density.sum(axis=1), density.sum(axis=0)
            tau = _zoom(tau, by_tau, GRID)
            omega = _zoom(omega, by_omega, 60) if random else omega
        density = np.exp(self._log_density(tau, omega)) * _trapezoid(tau)[:, None] * (_trapezoid(omega)[None, :] if random else 1)
        weight = density / density.sum()
        self.tau, self.weight = tau, weight.sum(axis=1)
        self.density = self.weight / _trapezoid(tau)
        given_tau = weight / np.maximum(self.weight[:, None], 1e-300)
        self.omega = omega
        self.omega_mean = float((weight * omega[None, :]).sum()) if random else np.nan
        self.lam, self.lam_var = self._label_posterior(given_tau)

    def _by_label(self, tau):
        """For each τ and label the precision and precision-weighted mean of its locations."""
        precision = 1 / (tau[:, None] ** 2 + self.v)
        total = np.stack([precision[:, self.at == k].sum(axis=1) for k in range(self.k)], axis=1)
        centre = np.stack([(precision * self.y)[:, self.at == k].sum(axis=1) for k in range(self.k)], axis=1) / total
        return precision, total, centre

    def _log_density(self, tau, omega):
        """Log posterior over the grid (τ rows, ω columns), up to a constant."""
        precision, total, centre = self._by_label(tau)
        residual = (precision * (self.y - centre[:, self.at]) ** 2).sum(axis=1)
        log = (0.5 * (np.log(precision).sum(axis=1) - np.log(total).sum(axis=1) - residual))[:, None] + np.zeros(len(omega))
        if self.scale is not None:
            log = log - 0.5 * (tau[:, None] / self.scale) ** 2
        if self.random:
            between = 1 / (omega[None, :, None] ** 2 + 1 / total[:, None, :])
            grand = (between * centre[:, None, :]).sum(axis=2) / between.sum(axis=2)
            away = (between * (centre[:, None, :] - grand[:, :, None]) ** 2).sum(axis=2)
            log = log + 0.5 * (np.log(between).sum(axis=2) - np.log(between.sum(axis=2)) - away)
            log = log - 0.5 * (omega[None, :] / self.scale) ** 2
        return log - log.max()

    def _label_posterior(self, given_tau):
        """Mean and variance of every label given τ, shape (τ, labels); over ω by its first two moments."""
        _, total, centre = self._by_label(self.tau)
        own = 1 / total
        if not self.random:
            return centre, own
        own, centre = own[:, None, :], centre[:, None, :]
        omega2 = self.omega[None, :, None] ** 2
        between = 1 / (omega2 + own)
        grand_var = 1 / between.sum(axis=2, keepdims=True)
        grand = (between * centre).sum(axis=2, keepdims=True) * grand_var
        pull = own / (own + omega2)
        lam, var = pull * grand + (1 - pull) * centre, omega2 * own / (omega2 + own) + pull**2 * grand_var
        chance = given_tau[:, :, None]
        mean = (chance * lam).sum(axis=1)
        return mean, (chance * (var + lam**2)).sum(axis=1) - mean**2

    def _given_label(self):
        """Weight of the raw mean and variance of every location given its label, shape (τ, locations)."""
        tau2 = self.tau[:, None] ** 2
        return tau2 / (tau2 + self.v), tau2 * self.v / (tau2 + self.v)

    def locations(self):
        """Mean and variance of every location given each τ."""
        own, var = self._given_label()
        return own * self.y + (1 - own) * self.lam[:, self.at], var + (1 - own) ** 2 * self.lam_var[:, self.at]

    def against_rest(self, size):
        """Mean and sd of the rest of the label, then of the location minus that rest, given each τ."""
        own, var = self._given_label()
        fixed, loose = own * self.y, 1 - own
        sums = lambda x: np.stack([x[:, self.at == k].sum(axis=1) for k in range(self.k)], axis=1)[:, self.at] - x  # noqa: E731
        others = np.bincount(self.at, size)[self.at] - size
        with np.errstate(divide="ignore", invalid="ignore"):
            rest_fixed, rest_loose = sums(size * fixed) / others, sums(size * loose) / others
            rest_var = sums(size**2 * var) / others**2
        lam, lam_var = self.lam[:, self.at], self.lam_var[:, self.at]
        alone = others <= 0
        rest = rest_fixed + rest_loose * lam
        diff = fixed - rest_fixed + (loose - rest_loose) * lam
        rest_sd, sd = np.sqrt(rest_var + rest_loose**2 * lam_var), np.sqrt(var + rest_var + (loose - rest_loose) ** 2 * lam_var)
        return [np.where(alone, np.nan, x) for x in (rest, rest_sd, diff, sd)]

    def tau_quantile(self, q):
        """Quantile of the posterior of τ."""
        area = np.concatenate([[0], np.cumsum((self.density[1:] + self.density[:-1]) / 2 * np.diff(self.tau))])
        return float(np.interp(q, area / area[-1], self.tau))


def _zoom(axis, density, points):
    """A finer axis over the part that holds the posterior."""
    kept = np.flatnonzero(density > NEGLIGIBLE * density.max())
    low, high = axis[max(kept[0] - 1, 0)], axis[min(kept[-1] + 1, len(axis) - 1)]
    return np.linspace(low, high, points)


def _trapezoid(axis):
    """Weights of the trapezoidal rule."""
    step = np.diff(axis)
    return np.concatenate([[step[0] / 2], (step[1:] + step[:-1]) / 2, [step[-1] / 2]])


def mixture_interval(mean, sd, weight, ci_level):
    """Limits of mixtures of normals, one mixture a column, by bisection."""
    limits = []
    for q in ((1 - ci_level) / 2, (1 + ci_level) / 2):
        low, high = (mean - 9 * sd).min(axis=0), (mean + 9 * sd).max(axis=0)
        safe = np.maximum(sd, 1e-12)
        for _ in range(32):  # to a billionth of the width
            middle = (low + high) / 2
            below = (weight[:, None] * special.ndtr((middle - mean) / safe)).sum(axis=0)
            low, high = np.where(below < q, middle, low), np.where(below < q, high, middle)
        limits.append((low + high) / 2)
    return limits


def pooled_shares(
    frame, *, y, scale, location="location", label=None, from_point=None, weights=None, weights_kind="sampling", labels=None, ci_level=0.95
):
    """Raw and pooled share of delighted customers of every location.

    Parameters
    ----------
    frame, y, scale, location, label, labels, weights, weights_kind, ci_level
        As in `pooled`.
    from_point : float, optional
        Lowest score that counts; by default the scale's `delight_from`.

    Returns
    -------
    Result
        Rows as in `pooled`: ``raw, raw_lo, raw_hi`` (Wilson), ``pooled, lo, hi, shrinkage``, ``n, n_missing, n_eff, status``; no flags,
        which rest on means alone.

    Notes
    -----
    Beta-binomial within labels: share ~ Beta(m φ, (1-m) φ), one precision φ for all labels, m flat for each. Integrated over 200
    points of r = (φ+1)^-½, half-normal with scale ½ (the spread between locations in units of the sd of an answer), and 60 of m.
    Sampling weights: weighted share of n_eff answers.
    """
    from_point = scale.delight_from if from_point is None else from_point
    if from_point is None:
        raise InputError(f"Scale {scale} has no default point from which a customer is delighted; give from_point.")
    need_columns(frame, [location, *([label] if label else [])])
    named = frame[frame[location].notna()]
    label_of = _label_of(named, location, label, labels)
    answers = Answers(named, y, scale, weights=weights, weights_kind=weights_kind)
    hits = answers.y >= from_point - 1e-9
    rows = []
    for group in answers.groups(location, whole=False):
        share, n_eff = answers.design.share(hits, group.inside, ci_level=ci_level)
        key = {"by": "location", "group": group.group, "location": group.group, "label": label_of.get(group.group, "")}
        cells = {
            "raw": share.value,
            "raw_lo": share.lo,
            "raw_hi": share.hi,
            "pooled": np.nan,
            "lo": np.nan,
            "hi": np.nan,
            "shrinkage": np.nan,
        }
        rows.append({**key, **group.counts, "n_eff": n_eff, **cells, "status": answers.design.status(group.inside)})
    table = pd.DataFrame(rows)
    about = {**answers.meta, "y": y, "scale": scale, "delight_from": from_point, "ci_level": ci_level}
    function = "delight.satisfaction.locations.pooled_shares"
    use = table["n"] > 0 if len(table) else []
    if not len(table) or int(np.sum(use)) < FEWEST_LOCATIONS:
        note = Note("few_locations", {"locations": int(np.sum(use))})
        return Result.of(f"{METHOD}.shares", table, function=function, notes=[note], status="not_identified", **about)
    used = table[use]
    at = np.unique(used["label"].astype(str), return_inverse=True)[1]
    found = _beta_binomial((used["raw"] * used["n_eff"]).to_numpy(), used["n_eff"].to_numpy(dtype=float), at, ci_level)
    table.loc[use, ["pooled", "lo", "hi", "shrinkage"]] = np.column_stack(found)
    return Result.of(f"{METHOD}.shares", table, function=function, notes=answers.notes, **about)


def _beta_binomial(x, n, at, ci_level):
    """Posterior mean, limits and shrinkage of every location's share."""
    r = np.linspace(0.004, 0.996, 60)
    for points in (40, GRID):
        log, _, _ = _beta_posterior(x, n, at, r)
        r = _zoom(r, np.exp(log), points)
    log, chance, middle = _beta_posterior(x, n, at, r)
    weight = np.exp(log) * _trapezoid(r)
    weight = weight / weight.sum()
    kept = weight > NEGLIGIBLE * weight.max()
    weight, phi = weight[kept] / weight[kept].sum(), (1 / r**2 - 1)[kept]
    mean, var = np.empty((len(weight), len(x))), np.empty((len(weight), len(x)))
    for j in range(len(x)):  # over the label's mean: moments, then one beta for each precision
        m, p = middle[at[j]][None, :], chance[at[j]][kept]
        a, b = x[j] + m * phi[:, None], n[j] - x[j] + (1 - m) * phi[:, None]
        each = a / (a + b)
        mean[:, j] = (p * each).sum(axis=1)
        var[:, j] = (p * (each * (1 - each) / (a + b + 1) + each**2)).sum(axis=1) - mean[:, j] ** 2
    total = mean * (1 - mean) / np.maximum(var, 1e-15) - 1
    limits = []
    for q in ((1 - ci_level) / 2, (1 + ci_level) / 2):
        low, high = np.zeros(len(x)), np.ones(len(x))
        for _ in range(35):
            half = (low + high) / 2
            below = (weight[:, None] * special.betainc(mean * total, (1 - mean) * total, half)).sum(axis=0)
            low, high = np.where(below < q, half, low), np.where(below < q, high, half)
        limits.append((low + high) / 2)
    shrinkage = (weight[:, None] * (phi[:, None] / (phi[:, None] + n))).sum(axis=0)
    return (weight[:, None] * mean).sum(axis=0), *limits, shrinkage


def _beta_posterior(x, n, at, r):
    """Log posterior of r, and for each label the posterior of its mean at every r with the points of that mean."""
    phi = 1 / r**2 - 1
    log = -0.5 * (r / 0.5) ** 2
    chance, middle = {}, {}
    for k in range(at.max() + 1):
        mine = np.flatnonzero(at == k)
        hits, answers = x[mine].sum(), n[mine].sum()
        wide = np.sqrt((hits + 1) * (answers - hits + 1) / (answers + 2) ** 2 * (1 / answers + r.max() ** 2 / len(mine)))
        centre = (hits + 0.5) / (answers + 1)
        m = np.linspace(max(centre - 6 * wide, 1e-4), min(centre + 6 * wide, 1 - 1e-4), 60)
        a, b = m * phi[:, None], (1 - m) * phi[:, None]
        like = np.zeros((len(r), len(m)))
        for j in mine:
            like += special.betaln(x[j] + a, n[j] - x[j] + b) - special.betaln(a, b)
        peak = like.max(axis=1, keepdims=True)
        p = np.exp(like - peak) * _trapezoid(m)
        log = log + peak[:, 0] + np.log(p.sum(axis=1))
        chance[k], middle[k] = p / p.sum(axis=1, keepdims=True), m
    return log - log.max(), chance, middle

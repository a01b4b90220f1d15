"""Does what delights become ordinary? Kano categories over waves, without mistaking unreliable answers for change (M12)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from delight import resample
from delight.drivers.kano import answered, check_pairs, exact_p
from delight.errors import InputError
from delight.estimate import FEWEST_CLUSTERS, base_status, benjamini_hochberg, fit_linear, need_columns, sample
from delight.result import Note, Result

METHOD = "M12"
#: Basis, beleving, bijzonder and everything else, in the order in which a delighter is said to fade (from the right).
STATES = ("M", "O", "A", "out")
_BASIS, _BELEVING, _BIJZONDER, _OUT = range(4)
#: Fewest answers of a wave for a slope, fewest persons who began in A for a half-life, and most that steps may differ in length.
FEWEST, FEWEST_A, UNEQUAL = 30, 30, 1.25
#: The borders that the literature names, in months.
CLAIMED = (6, 12)
#: Smallest eigenvalue of an agreement matrix that still carries information about the true state.
NOISE = 0.05


# ---- repeated waves: slopes ------------------------------------------------------------------------------------------


def trend(
    frame,
    *,
    pairs,
    order,
    wave="wave",
    times=None,
    respondent=None,
    breaks=None,
    variant="berger",
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
):
    """How CS+, |CS-| and the share of A change in a year, feature by feature. No direction is assumed.

    Parameters
    ----------
    frame : DataFrame, one row a response of any wave; unchanged.
    pairs : dict of feature to (functional column, dysfunctional column)
    order : sequence of str
        Waves, oldest first.
    wave : str
        Column of the wave.
    times : dict of wave to number or date, optional
        When each wave was held: years, or dates, which become years. Without it a step between waves is the unit of time.
    respondent : str, optional
        Column of persons: whoever answered more than one wave is one person, not several.
    breaks : dict of feature to wave, or to several, optional
        Waves from which on the question was worded otherwise; only waves since the last break are compared.
    variant, weights, weights_kind, clusters, ci_level
        As in `kano.classify`.

    Returns
    -------
    Result
        One row a feature: ``attribute, waves, first, last, time`` (between them), ``cs_plus_first, cs_plus_last, cs_minus_first,
        cs_minus_last``; the slopes ``cs_plus_slope, cs_minus_slope`` (of |CS-|), ``a_slope`` per unit of time, each with ``_se, _lo, _hi,
        _lo90, _hi90, _p, _q``; ``net_flow`` out of A (-a_slope) with ``net_flow_lo, _hi``; ``half_year, year`` (predicted change of CS+)
        with limits; ``linear_p`` (three waves or more); ``logit_chi2, logit_df, logit_p, logit_q``; ``n, n_missing, n_eff, status``.
        One wave: ``not_identified``.

    Notes
    -----
    Slope = sum l_t c_t, weighted least squares with l from 1/Var(c_t). Its variance is that of the same sum of linearised
    contributions, added up by person (or cluster) before squaring, so that answers of one person over waves may go together. A
    wave in which a coefficient is exactly 0 or 1 takes the variance of (x + ½)/(n + 1). `logit` is the score test that all time
    slopes of a multinomial logit of the state (M, O, A, none of these) on time are zero, with the same robust variance.

    References
    ----------
    Agresti, A. (2013). Categorical Data Analysis, chapter 8. Borgianni, Y. (2018). Total Quality Management & Business Excellence 29.
    """
    order = _waves(frame, order, wave)
    check_pairs(frame, pairs, [weights, clusters, respondent])
    when, unit = _times(order, times)
    rows = []
    for attribute, pair in pairs.items():
        track = _Track(frame, pair, wave, respondent, variant, weights, weights_kind, clusters)
        rows.append({"attribute": attribute} | _slopes(track, order, when, _since(breaks, attribute, order), ci_level))
    table = pd.DataFrame(rows)
    for name in ("cs_plus_slope", "cs_minus_slope", "a_slope", "logit"):
        table[f"{name}_q"] = benjamini_hochberg(table[f"{name}_p"])
    about = sample(frame[frame[wave].isin(order)], [wave], weights=weights, weights_kind=weights_kind).meta
    notes = [Note("benjamini_hochberg", {"tests": int(table["cs_plus_slope_p"].notna().sum()), "within": "estimand"})]
    if breaks:
        notes.append(Note("break_in_wording", {"attributes": [a for a in pairs if _since(breaks, a, order)]}))
    return Result.of(
        METHOD,
        table,
        function="delight.drivers.migration.trend",
        notes=notes,
        **{**about, "n_used": int(table["n"].max()), "n_dropped_missing": int(table["n_missing"].min())},
        unit=unit,
        waves=order,
        variant=variant,
        clusters=clusters or respondent,
        ci_level=ci_level,
        keys=["first", "last"],
    )


def _waves(frame, order, wave):
    """The waves to compare: those of `order` that the frame has."""
    need_columns(frame, [wave])
    order = [order] if isinstance(order, str) else list(order)
    if len(set(order)) < len(order):
        raise InputError("order names a wave twice.")
    present = set(frame[wave].dropna().unique())
    if not present & set(order):
        raise InputError(f"No response is of any of the waves {', '.join(map(str, order))}.")
    return [w for w in order if w in present]


def _times(order, times):
    """(years of each wave, unit): ``year``, or ``wave`` where nothing says when the waves were held."""
    if times is None:
        return np.arange(len(order), dtype=float), "wave"
    if missing := [str(w) for w in order if w not in times or pd.isna(times[w])]:
        raise InputError(f"times says nothing of: {', '.join(missing)}.")
    values = [times[w] for w in order]
    if not all(isinstance(v, (int, float, np.integer, np.floating)) for v in values):
        values = [pd.Timestamp(v).value / 1e9 / 86400 / 365.25 for v in values]
    when = np.array(values, dtype=float)
    if (np.diff(when) <= 0).any():
        raise InputError("times must rise from wave to wave.")
    return when - when[0], "year"


def _since(breaks, attribute, order):
    """The last wave from which on the wording is new, or None."""
    named = (breaks or {}).get(attribute, ())
    named = [named] if isinstance(named, str) else list(named)
    if unknown := [str(w) for w in named if w not in order]:
        raise InputError(f"breaks of '{attribute}' names {', '.join(unknown)}, which is no wave.")
    return max(named, key=order.index, default=None)


class _Track:
    """Shares of one feature by wave, with what each person or cluster contributes to them."""

    def __init__(self, frame, pair, wave, respondent, variant, weights, weights_kind, clusters):
        found = answered(frame, pair, variant=variant, weights=weights, weights_kind=weights_kind, also=[wave])
        self.codes, self.used = found.codes, found.used
        self.w, self.f = found.design.w, found.design.f
        self.wave = found.used.frame[wave].to_numpy()
        self.clustered = clusters is not None
        grouping = clusters or respondent
        self.units = None
        if grouping:
            self.units = pd.factorize(found.used.frame[grouping].astype("object").where(found.used.frame[grouping].notna(), ""))[0]
        asked = frame[frame[wave].notna()]
        self.n_in = {w: sample(asked[asked[wave] == w], [], weights=weights, weights_kind=weights_kind).n for w in asked[wave].unique()}

    def base(self, wave):
        return int(round(self.f[self.wave == wave].sum()))

    def spread(self, values, inside):
        """Linearised contributions of a sum of `values` (already divided by their total) by unit, scaled to give its variance."""
        if self.units is None:
            n = self.f[inside].sum()
            return np.sqrt(self.f) * values * (np.sqrt(n / (n - 1)) if n > 1 else np.nan)
        u = np.bincount(self.units, values * self.f, minlength=self.units.max(initial=-1) + 1)
        g = len(np.unique(self.units[inside]))
        return u * (np.sqrt(g / (g - 1)) if g > 1 else np.nan)

    def share(self, wave, event, domain):
        """Share of an event within a domain in a wave: (share, contributions, n)."""
        inside = (self.wave == wave) & domain
        weight = self.w * self.f
        total, n = weight[inside].sum(), int(round(self.f[inside].sum()))
        if not total > 0:
            return np.nan, self.spread(np.zeros(len(weight)), inside), 0
        share = float(weight[inside & event].sum() / total)
        return share, self.spread(np.where(inside, self.w * (event - share) / total, 0.0), inside), n


def _slopes(track, order, when, since, ci_level):
    """One row of `trend`."""
    waves = order[order.index(since) :] if since else order
    bases = {w: track.base(w) for w in waves}
    asked = [w for w in waves if bases[w] > 0]
    t = np.array([when[order.index(w)] for w in asked])
    n, n_in = sum(bases[w] for w in asked), sum(track.n_in.get(w, 0) for w in asked)
    row = {"waves": len(asked), "first": asked[0] if asked else None, "last": asked[-1] if asked else None}
    row |= {"time": float(t[-1] - t[0]) if len(t) else np.nan, "n": n, "n_missing": n_in - n}
    row["n_eff"] = _kish(track, np.isin(track.wave, asked))
    for name in ("cs_plus", "cs_minus", "share_a"):
        event, domain = _event(track, name)
        found = [track.share(w, event, domain) for w in asked]
        if name != "share_a":
            row |= {f"{name}_first": found[0][0] if found else np.nan, f"{name}_last": found[-1][0] if found else np.nan}
        row |= _slope(track, "a" if name == "share_a" else name, found, t, ci_level)
    row |= {"net_flow": -row["a_slope"] + 0.0, "net_flow_lo": -row["a_slope_hi"], "net_flow_hi": -row["a_slope_lo"]}
    for name, length in (("half_year", 0.5), ("year", 1.0)):
        row |= {f"{name}{end}": length * row[f"cs_plus_slope{end}"] for end in ("", "_lo", "_hi")}
    row |= _logit(track, asked, t)
    fewest = min(bases[w] for w in asked) if asked else 0
    if len(asked) < 2:
        return row | {"status": "not_identified" if n else "insufficient"}
    if fewest < FEWEST:
        return row | {"status": "low_base"}
    few = track.clustered and len(np.unique(track.units)) < FEWEST_CLUSTERS
    return row | {"status": "assumption_warning" if few else base_status(fewest)}


def _event(track, name):
    """(event, domain) of CS+, |CS-| and the share of A."""
    kano, everybody = track.codes <= 3, np.ones(len(track.codes), dtype=bool)
    events = {"cs_plus": ((1, 2), kano), "cs_minus": ((0, 1), kano), "share_a": ((2,), everybody)}
    return np.isin(track.codes, events[name][0]), events[name][1]


def _kish(track, inside):
    weight = (track.w * track.f)[inside]
    return float(weight.sum() ** 2 / (track.w**2 * track.f)[inside].sum()) if len(weight) else 0.0


def _slope(track, name, found, t, ci_level):
    """Weighted least-squares slope of shares over time with its robust variance."""
    key = f"{name}_slope"
    row = dict.fromkeys([key, *(f"{key}_{end}" for end in ("se", "lo", "hi", "lo90", "hi90", "p"))], np.nan)
    if name == "cs_plus":
        row["linear_p"] = np.nan
    known = [i for i, (share, _, n) in enumerate(found) if n > 1 and not np.isnan(share)]
    if len(known) < 2:
        return row
    share = np.array([found[i][0] for i in known])
    u = np.array([found[i][1] for i in known])
    n, t = np.array([found[i][2] for i in known], dtype=float), t[known]
    variance = (u**2).sum(axis=1)
    smoothed = (share * n + 0.5) / (n + 1)
    extra = np.where(variance > 0, 0.0, smoothed * (1 - smoothed) / n)
    weight = 1 / (variance + extra)
    middle = np.average(t, weights=weight)
    direction = weight * (t - middle) / (weight * (t - middle) ** 2).sum()
    slope = float(direction @ share)
    se = float(np.sqrt(((direction @ u) ** 2).sum() + (direction**2 * extra).sum()))
    df = n.sum() - 2 if track.units is None else float(len(np.unique(track.units)) - 1)
    row |= {key: slope, f"{key}_se": se}
    for level, ending in ((ci_level, ""), (0.90, "90")):
        half = stats.t.ppf(0.5 + level / 2, df) * se
        row |= {f"{key}_lo{ending}": slope - half, f"{key}_hi{ending}": slope + half}
    row[f"{key}_p"] = float(2 * stats.t.sf(abs(slope) / se, df)) if se > 0 else np.nan
    if name == "cs_plus" and len(known) > 2:
        level = np.average(share, weights=weight) - slope * middle
        row["linear_p"] = float(stats.chi2.sf((weight * (share - level - slope * t) ** 2).sum(), len(known) - 2))
    return row


def _logit(track, asked, t):
    """Score test of a multinomial logit of the state on time."""
    row = dict.fromkeys(["logit_chi2", "logit_df", "logit_p"], np.nan)
    inside = np.isin(track.wave, asked)
    if len(asked) < 2:
        return row
    time = pd.Series(track.wave).map(dict(zip(asked, t))).to_numpy(dtype=float)
    weight = (track.w * track.f)[inside]
    state = np.minimum(track.codes, 3)
    shares = np.bincount(state[inside], weight, minlength=4) / weight.sum()
    kept = np.flatnonzero(shares > 0)[:-1]
    centred = np.where(inside, time - np.average(time[inside], weights=weight), 0.0)
    u = np.array([track.spread(track.w * centred * ((state == k) - shares[k]), inside) for k in kept])
    if not len(u):
        return row
    score = np.array([(track.w * track.f * centred * (state == k)).sum() for k in kept])
    try:
        chi2 = float(score @ np.linalg.solve(u @ u.T, score))
    except np.linalg.LinAlgError:
        return row
    return {"logit_chi2": chi2, "logit_df": float(len(kept)), "logit_p": float(stats.chi2.sf(chi2, len(kept)))}


def decay(frame, *, pairs, order, wave="wave", times=None, respondent=None, ci_level=0.95, **options):
    """The average change of CS+, |CS-| and the share of A in a year, over the features that delight: one number for a claim.

    Features are chosen by their mean over the waves (CS+ at least ½, |CS-| below ½), not by the first wave: whoever is chosen
    because she stood high falls back by chance. Parameters as in `trend`; other options are its own.

    Returns
    -------
    Result
        Three rows ``measure`` (cs_plus, cs_minus, share_a): ``estimate`` a year, ``se, lo, hi`` at `ci_level`, ``ci95_lo, ci95_hi, ci90_lo, ci90_hi,
        p, features`` (how many), ``n, n_missing, n_eff, status``; without such a feature or with one wave ``not_identified``.
    """
    order = _waves(frame, order, wave)
    check_pairs(frame, pairs, [options.get("weights"), options.get("clusters"), respondent])
    when, unit = _times(order, times)
    chosen, sums = [], {"cs_plus": [], "cs_minus": [], "share_a": []}
    keys = {k: options.get(k, d) for k, d in (("variant", "berger"), ("weights", None), ("weights_kind", "sampling"), ("clusters", None))}
    grouping = keys["clusters"] or respondent or "row:"
    numbered = frame.assign(**{"row:": np.arange(len(frame))})
    codes = pd.factorize(numbered[grouping].astype("object").where(numbered[grouping].notna(), ""))[0]
    numbered = numbered.assign(**{"unit:": codes})
    bases, missing = [], []
    for attribute, pair in pairs.items():
        track = _Track(numbered, pair, wave, "unit:", keys["variant"], keys["weights"], keys["weights_kind"], None)
        track.units = track.used.frame["unit:"].to_numpy()
        since = _since(options.get("breaks"), attribute, order)
        waves = [w for w in (order[order.index(since) :] if since else order) if track.base(w) >= FEWEST]
        events = {name: _event(track, name) for name in sums}
        found = {name: [track.share(w, *event) for w in waves] for name, event in events.items()}
        means = {name: np.mean([s for s, _, _ in values]) if values else np.nan for name, values in found.items()}
        if len(waves) < 2 or not (means["cs_plus"] >= 0.5 and means["cs_minus"] < 0.5):
            continue
        chosen.append(attribute)
        bases.append(sum(track.base(w) for w in waves))
        missing.append(sum(track.n_in[w] for w in waves) - bases[-1])
        t = np.array([when[order.index(w)] for w in waves])
        line = (t - t.mean()) / ((t - t.mean()) ** 2).sum()
        for name, values in found.items():
            u = np.zeros(codes.max() + 1)
            u[: len(values[0][1])] = line @ np.array([v for _, v, _ in values])
            sums[name].append((float(line @ [s for s, _, _ in values]), u))
    rows = []
    for name, parts in sums.items():
        row = {"measure": name, "features": len(chosen), "n": max(bases, default=0), "n_missing": min(missing, default=len(frame))}
        row |= dict.fromkeys(["estimate", "se", "lo", "hi", "ci95_lo", "ci95_hi", "ci90_lo", "ci90_hi", "p"], np.nan)
        row |= {"n_eff": float(row["n"]), "status": "ok" if parts else "not_identified"}
        if parts:
            estimate, u = float(np.mean([e for e, _ in parts])), np.mean([u for _, u in parts], axis=0)
            se, df = float(np.sqrt((u**2).sum())), float((u != 0).sum() - 1)
            row |= {"estimate": estimate, "se": se, "p": float(2 * stats.t.sf(abs(estimate) / se, df)) if se > 0 else np.nan}
            for level, names in ((ci_level, ("lo", "hi")), (0.95, ("ci95_lo", "ci95_hi")), (0.90, ("ci90_lo", "ci90_hi"))):
                half = stats.t.ppf(0.5 + level / 2, df) * se
                row |= {names[0]: estimate - half, names[1]: estimate + half}
        rows.append(row)
    about = sample(frame[frame[wave].isin(order)], [wave], weights=keys["weights"], weights_kind=keys["weights_kind"]).meta
    notes = [Note("delighters", {"attributes": chosen})]
    function = "delight.drivers.migration.decay"
    return Result.of("M12.decay", rows, function=function, notes=notes, **about, unit=unit, waves=order, ci_level=ci_level)


# ---- the same persons again: transitions -----------------------------------------------------------------------------


def panel(frame, pair, *, respondent, wave, order, variant="berger", weights=None, weights_kind="sampling"):
    """States of each person over the waves: (array of shape (persons, waves) with the number of a state or -1, weight of a person, waves).

    Waves in which nobody answered this feature are left out, so that its neighbouring waves are those that asked it.

    Raises
    ------
    InputError
        A person answers twice in one wave.
    """
    found = answered(frame, pair, variant=variant, weights=weights, weights_kind=weights_kind, also=[wave, respondent])
    kept = found.used.frame[wave].isin(order).to_numpy()
    rows = pd.DataFrame({"who": found.used.frame[respondent], "wave": found.used.frame[wave], "state": np.minimum(found.codes, 3)})
    rows = rows.assign(w=found.design.w * found.design.f)[kept]
    twice = rows.duplicated(["who", "wave"])
    if twice.any():
        first = rows[twice].iloc[0]
        raise InputError(f"Column '{respondent}': {int(twice.sum())} persons answer twice in a wave (first: {first.who} in {first.wave}).")
    states = rows.pivot(index="who", columns="wave", values="state").reindex(columns=order)
    states = states.dropna(axis=1, how="all")
    return states.fillna(-1).to_numpy(dtype=int), rows.groupby("who", sort=True)["w"].mean().to_numpy(), list(states.columns)


def _steps(states, w):
    """Weighted counts of moves between neighbouring waves, brought to their effective number: (4 x 4 matrix, persons' steps)."""
    pairs = [(states[:, t], states[:, t + 1]) for t in range(states.shape[1] - 1)]
    start, end = (np.concatenate([p[i] for p in pairs]) if pairs else np.empty(0, int) for i in (0, 1))
    weight = np.concatenate([w] * len(pairs)) if pairs else np.empty(0)
    both = (start >= 0) & (end >= 0)
    matrix = np.bincount(4 * start[both] + end[both], weight[both], minlength=16).reshape(4, 4)
    return matrix, int(both.sum()), weight[both]


def _scaled(matrix, weight, kind):
    """The matrix in effective answers: as it is without sampling weights."""
    return matrix if kind != "sampling" or not len(weight) else matrix * weight.sum() / (weight**2).sum()


def transitions(
    frame,
    *,
    pairs,
    respondent,
    order,
    wave="wave",
    variant="berger",
    weights=None,
    weights_kind="sampling",
    ci_level=0.95,
):
    """From where to where: persons who answered neighbouring waves, as a matrix of chances for each feature.

    Returns
    -------
    Result
        16 rows a feature: ``attribute, from_state, to_state, n_ij, p_ij, ci_lo, ci_hi, n`` (steps from that state), ``n_missing, n_eff,
        status``. States: M (basis), O (beleving), A (bijzonder), out (indifferent, reverse or questionable).

    Notes
    -----
    Interval: the Beta margin of a Dirichlet(½) posterior. These chances hold unreliability as well as change: who answers
    otherwise need not feel otherwise. See `half_life`.
    """
    order = _waves(frame, order, wave)
    check_pairs(frame, pairs, [weights, respondent])
    rows, steps = [], 0
    for attribute, pair in pairs.items():
        states, w, asked = panel(
            frame, pair, respondent=respondent, wave=wave, order=order, variant=variant, weights=weights, weights_kind=weights_kind
        )
        matrix, n, weight = _steps(states, w)
        steps = max(steps, n)
        moved = _scaled(matrix, weight, weights_kind if weights else "none")
        for i, start in enumerate(STATES):
            total = moved[i].sum()
            for j, end in enumerate(STATES):
                row = {"attribute": attribute, "from_state": start, "to_state": end, "n_ij": float(matrix[i, j])}
                row["p_ij"] = float(moved[i, j] / total) if total > 0 else np.nan
                tail = np.array([(1 - ci_level) / 2, (1 + ci_level) / 2])
                limits = stats.beta.ppf(tail, moved[i, j] + 0.5, total - moved[i, j] + 1.5) if total > 0 else (np.nan, np.nan)
                row |= {"ci_lo": float(limits[0]), "ci_hi": float(limits[1]), "n": int(round(matrix[i].sum()))}
                status = "not_identified" if len(asked) < 2 else base_status(int(round(total)), soft=FEWEST)
                rows.append(row | {"n_missing": 0, "n_eff": float(total), "status": status})
    about = {"n_used": steps, "waves": order, "variant": variant, "ci_level": ci_level, "keys": ["from_state", "to_state"]}
    return Result.of("M12.transitions", rows, function="delight.drivers.migration.transitions", **about)


def movement(
    frame,
    *,
    pairs,
    respondent,
    order,
    wave="wave",
    variant="berger",
    weights=None,
    weights_kind="sampling",
    ci_level=0.95,
):
    """Do persons move down (A to O to M) more often than up? Net flow out of A, symmetry and direction.

    Returns
    -------
    Result
        One row a feature: ``attribute``; ``down`` (A to O, O to M, A to M), ``up``; ``direction`` (share of down among both) with
        ``direction_lo, _hi``, ``direction_p, direction_q``; ``bowker, bowker_df, bowker_p``; ``stay_a`` (of those in A) with limits;
        ``net_flow`` (share of persons that A loses a step, on balance) with ``net_flow_lo, _hi, net_flow_lo90, _hi90, net_flow_p``;
        ``n`` (steps of persons), ``n_missing`` (persons without a neighbouring wave), ``n_eff, status``.

    Notes
    -----
    Unreliable answers cross a border both ways alike while nothing changes, so symmetry and direction are sound where staying is
    not. Direction: exact binomial; Bowker (1948) over the pairs of states that occur; net flow: difference of paired shares, its
    variance (b + c - (b - c)²/n)/n². No panel, or one wave: ``not_identified``.

    References
    ----------
    Bowker, A. H. (1948). JASA 43, 572-574.
    """
    order = _waves(frame, order, wave)
    check_pairs(frame, pairs, [weights, respondent])
    rows = []
    for attribute, pair in pairs.items():
        states, w, asked = panel(
            frame, pair, respondent=respondent, wave=wave, order=order, variant=variant, weights=weights, weights_kind=weights_kind
        )
        matrix, n, weight = _steps(states, w)
        moved = _scaled(matrix, weight, weights_kind if weights else "none")
        alone = int((((states[:, 1:] >= 0) & (states[:, :-1] >= 0)).sum(axis=1) == 0).sum()) if len(asked) > 1 else len(states)
        rows.append({"attribute": attribute, "n": n, "n_missing": alone, "n_eff": float(moved.sum())} | _moved(moved, ci_level))
    table = pd.DataFrame(rows)
    table["direction_q"] = benjamini_hochberg(table["direction_p"])
    about = {"n_used": int(table["n"].max()), "waves": order, "variant": variant, "ci_level": ci_level}
    notes = [Note("benjamini_hochberg", {"tests": int(table["direction_p"].notna().sum()), "within": "table"})]
    return Result.of("M12.movement", table, function="delight.drivers.migration.movement", notes=notes, **about)


def _moved(moved, ci_level):
    """Tests of one transition matrix."""
    names = ["direction", "direction_lo", "direction_hi", "direction_p", "bowker", "bowker_df", "bowker_p"]
    names += ["stay_a", "stay_a_lo", "stay_a_hi", "net_flow", "net_flow_lo", "net_flow_hi", "net_flow_lo90", "net_flow_hi90", "net_flow_p"]
    down = moved[_BIJZONDER, _BELEVING] + moved[_BELEVING, _BASIS] + moved[_BIJZONDER, _BASIS]
    up = moved[_BELEVING, _BIJZONDER] + moved[_BASIS, _BELEVING] + moved[_BASIS, _BIJZONDER]
    row = dict.fromkeys(names, np.nan) | {"down": float(down), "up": float(up)}
    n = moved.sum()
    if not n > 0:
        return row | {"status": "not_identified"}
    tail = np.array([(1 - ci_level) / 2, (1 + ci_level) / 2])
    if down + up > 0:
        limits = [stats.beta.ppf(tail[0], down, up + 1) if down > 0 else 0.0, stats.beta.ppf(tail[1], down + 1, up) if up > 0 else 1.0]
        row |= {"direction": float(down / (down + up)), "direction_lo": float(limits[0]), "direction_hi": float(limits[1])}
        row["direction_p"] = exact_p(down, up)
    upper, lower = moved[np.triu_indices(4, 1)], moved.T[np.triu_indices(4, 1)]
    seen = upper + lower > 0
    if seen.any():
        row["bowker"], row["bowker_df"] = float(((upper - lower)[seen] ** 2 / (upper + lower)[seen]).sum()), float(seen.sum())
        row["bowker_p"] = float(stats.chi2.sf(row["bowker"], row["bowker_df"]))
    in_a = moved[_BIJZONDER].sum()
    if in_a > 0:
        stay = moved[_BIJZONDER, _BIJZONDER]
        limits = stats.beta.ppf(tail, stay + 0.5, in_a - stay + 1.5)
        row |= {"stay_a": float(stay / in_a), "stay_a_lo": float(limits[0]), "stay_a_hi": float(limits[1])}
    out_of, into = in_a - moved[_BIJZONDER, _BIJZONDER], moved[:, _BIJZONDER].sum() - moved[_BIJZONDER, _BIJZONDER]
    flow = float((out_of - into) / n)
    se = float(np.sqrt(max(out_of + into - (out_of - into) ** 2 / n, 0)) / n)
    row["net_flow"] = flow
    if se > 0:
        row["net_flow_p"] = float(2 * stats.norm.sf(abs(flow) / se))
        for level, ending in ((ci_level, ""), (0.90, "90")):
            half = stats.norm.ppf(0.5 + level / 2) * se
            row |= {f"net_flow_lo{ending}": flow - half, f"net_flow_hi{ending}": flow + half}
    return row | {"status": base_status(int(round(n)))}


# ---- how long delight lasts ------------------------------------------------------------------------------------------


def months_to_half(stay, months):
    """Months until half have left a state that a share `stay` keeps over `months`: ln ½ / ln stay x months; infinite if all stay."""
    stay = np.asarray(stay, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(stay >= 1, np.inf, np.where(stay <= 0, 0.0, np.log(0.5) / np.log(stay) * months))
    return np.where(np.isnan(stay), np.nan, found)


def half_life(
    frame,
    *,
    pairs,
    respondent,
    order,
    times=None,
    wave="wave",
    retest=None,
    variant="berger",
    weights=None,
    weights_kind="sampling",
    ci_level=0.95,
    n_boot=500,
    seed=20250101,
):
    """After how many months has half of those whom a feature delights stopped being delighted by it?

    Parameters
    ----------
    times : dict of wave to number (years) or date
        Without it months cannot be told: ``not_identified``.
    retest : dict of feature to 4 x 4 counts, or one such matrix, optional
        Answers of the same persons shortly after each other, first by second, states in the order of `STATES` (`agreement` makes
        it). Without it three waves are needed.
    frame, pairs, respondent, order, wave, variant, weights, weights_kind, ci_level, seed
        As in `movement`.
    n_boot : int
        Draws of the moves (and of the retest) for the intervals.

    Returns
    -------
    Result
        One row a feature: ``attribute``; ``p_aa`` (as answered), ``p_aa_true`` (freed of unreliability) with limits; ``reliability_a`` (chance
        that somebody delighted answers so); ``half_life, hl_lo, hl_hi, hl_lo90, hl_hi90`` in months (infinite: nobody is lost);
        ``vs_6, vs_12`` (``shorter``, ``longer`` or ``open``); ``retest_source`` (``retest``, ``latent_markov`` or ``none``); ``n`` (steps, or persons with
        two waves or more), ``n_missing, n_eff, status``. Two waves without a retest: ``not_identified``, because unreliable answers alone would look
        like a half-life (70 % agreement and half-yearly waves: 11.7 months, with no change at all).

    Notes
    -----
    With a retest: R, the agreement made symmetric, comes from classification alone, so the change is R^-½ P R^-½ (exact where errors
    are reversible and the shares of the states do not move). With three waves: a latent Markov model, states M, O, A, out, one
    matrix of change and one of errors for all waves, fitted by EM on the patterns of answers. Limits: multinomial draws.

    References
    ----------
    Wiggins, L. M. (1973). Panel Analysis. Van de Pol, F. & De Leeuw, J. (1986). Sociological Methods & Research 15, 118-141.
    """
    order = _waves(frame, order, wave)
    check_pairs(frame, pairs, [weights, respondent])
    when, unit = _times(order, times)
    rows, unequal = [], {}
    for attribute, pair in pairs.items():
        states, w, asked = panel(
            frame, pair, respondent=respondent, wave=wave, order=order, variant=variant, weights=weights, weights_kind=weights_kind
        )
        rng = resample.generator(seed, "M12.half_life")
        steps = np.diff(when[[order.index(w) for w in asked]]) * 12
        if len(steps) > 1 and steps.max() > UNEQUAL * steps.min():
            unequal[attribute] = steps.tolist()
        agreed = retest.get(attribute) if isinstance(retest, Mapping) else retest
        if unit != "year":
            states, agreed = states[:, :1], None  # waves without a date tell no months
        rows.append(
            {"attribute": attribute} | _lasting(states, w, steps, agreed, ci_level, n_boot, rng, weights_kind if weights else "none")
        )
    about = {"n_used": max(r["n"] for r in rows), "waves": order, "unit": unit, "variant": variant}
    notes = [Note("unequal_steps", {"months": unequal})] if unequal else []
    about |= {"ci_level": ci_level, "n_boot": n_boot, "seed": seed}
    return Result.of("M12.half_life", rows, function="delight.drivers.migration.half_life", notes=notes, **about)


def agreement(frame, pair, *, respondent, first, second, wave="wave", variant="berger"):
    """Counts of the states of the same persons at a first and a second asking: what `half_life` takes as `retest`."""
    states, w, _ = panel(frame, pair, respondent=respondent, wave=wave, order=[first, second], variant=variant)
    return _steps(states, w)[0]


def _lasting(states, w, steps, agreed, ci_level, n_boot, rng, kind):
    """One row of `half_life`."""
    matrix, n, weight = _steps(states, w)
    moved = _scaled(matrix, weight, kind)
    in_a = moved[_BIJZONDER].sum()
    names = ["p_aa_true", "p_aa_true_lo", "p_aa_true_hi", "reliability_a", "half_life", "hl_lo", "hl_hi", "hl_lo90", "hl_hi90"]
    row = dict.fromkeys(names, np.nan) | {"vs_6": None, "vs_12": None, "retest_source": "none"}
    row |= {"p_aa": float(moved[_BIJZONDER, _BIJZONDER] / in_a) if in_a > 0 else np.nan}
    row |= {"n": n, "n_missing": int(((states >= 0).sum(axis=1) < 2).sum()), "n_eff": float(moved.sum())}
    if agreed is None and states.shape[1] < 3 or n == 0:
        return row | {"status": "not_identified"}
    months = float(np.mean(steps))
    if in_a < FEWEST_A:
        return row | {"status": "insufficient"}
    if agreed is not None:
        found = _freed(moved, np.asarray(agreed, dtype=float), n_boot, rng)
        row["retest_source"] = "retest"
    else:
        found = _latent(states, w, n_boot, rng, kind)
        row["retest_source"] = "latent_markov"
    if found is None:
        return row | {"status": "not_identified"}
    stay, reliability, drawn, converged = found
    row |= {"p_aa_true": stay, "reliability_a": reliability, "half_life": float(months_to_half(stay, months))}
    lo, hi = resample.percentile(drawn, ci_level)
    row |= {"p_aa_true_lo": float(np.clip(lo, 0, 1)), "p_aa_true_hi": float(np.clip(hi, 0, 1))}
    row |= {"hl_lo": float(months_to_half(lo, months)), "hl_hi": float(months_to_half(hi, months))}
    lo90, hi90 = resample.percentile(drawn, 0.90)
    row |= {"hl_lo90": float(months_to_half(lo90, months)), "hl_hi90": float(months_to_half(hi90, months))}
    for border in CLAIMED:
        row[f"vs_{border}"] = "shorter" if row["hl_hi"] < border else "longer" if row["hl_lo"] > border else "open"
    return row | {"status": base_status(int(round(in_a))) if converged else "not_converged"}


def _root(agreed):
    """R^½ and R^-½ of an agreement matrix made symmetric; None where it hardly tells the states apart."""
    both = (agreed + agreed.T) / 2
    total = both.sum(axis=1)
    if (total <= 0).any():
        return None
    values, vectors = np.linalg.eigh(both / np.sqrt(np.outer(total, total)))
    if values.min() < NOISE:
        return None
    powers = [vectors * values**power @ vectors.T for power in (0.5, -0.5)]
    return [m / np.sqrt(total)[:, None] * np.sqrt(total)[None, :] for m in powers]


def _divided(moved, roots):
    """Chance to stay in A, freed of unreliability; by chance above one, which draws must be free to be."""
    total = moved.sum(axis=1, keepdims=True)
    chances = np.divide(moved, total, out=np.eye(4), where=total > 0)
    return float((roots[1] @ chances @ roots[1])[_BIJZONDER, _BIJZONDER])


def _freed(moved, agreed, n_boot, rng):
    """(chance to stay, reliability, draws, converged) with a retest; None where it does not identify them."""
    if agreed.shape != (4, 4) or (agreed < 0).any():
        raise InputError(f"retest is a 4 x 4 matrix of counts, states {', '.join(STATES)}, first by second asking.")
    seen = np.flatnonzero((agreed.sum(axis=0) + agreed.sum(axis=1) > 0) | (moved.sum(axis=0) + moved.sum(axis=1) > 0))
    if _BIJZONDER not in seen:
        return None
    agreed = agreed + np.diag([0.0 if k in seen else 1.0 for k in range(4)])  # a state that nobody is in stays apart
    roots = _root(agreed)
    if roots is None:
        return None
    drawn = np.full(n_boot, np.nan)
    sizes = [(m.ravel() / m.sum(), int(round(m.sum()))) for m in (moved, agreed)]
    for b in range(n_boot):
        again, repeat = (rng.multinomial(size, chance).reshape(4, 4).astype(float) for chance, size in sizes)
        found = _root(repeat)
        if found is not None:
            drawn[b] = _divided(again, found)
    return float(np.clip(_divided(moved, roots), 0, 1)), float(np.clip(roots[0][_BIJZONDER, _BIJZONDER], 0, 1)), drawn, True


def _latent(states, w, n_boot, rng, kind):
    """The same from a latent Markov model on three waves or more."""
    states, w = states[(states >= 0).sum(axis=1) >= 2], w[(states >= 0).sum(axis=1) >= 2]
    if not len(states):
        return None
    patterns, at = np.unique(states, axis=0, return_inverse=True)
    held = np.bincount(at.ravel(), w, minlength=len(patterns))
    size = held.sum() if kind != "sampling" else w.sum() ** 2 / (w**2).sum()
    held = held * size / held.sum()
    best = latent_markov(patterns, held[None], starts=5, rng=rng)
    drawn = rng.multinomial(int(round(size)), held / held.sum(), size=max(n_boot, 1)).astype(float)
    again = latent_markov(patterns, drawn, start=best, tolerance=1e-7)
    stay = again["change"][:, _BIJZONDER, _BIJZONDER]
    errors = best["errors"][0]
    if errors[_BIJZONDER, _BIJZONDER] < 0.5:
        return None
    return (
        float(best["change"][0, _BIJZONDER, _BIJZONDER]),
        float(errors[_BIJZONDER, _BIJZONDER]),
        stay[:n_boot],
        bool(best["converged"][0]),
    )


def latent_markov(patterns, held, *, starts=1, rng=None, start=None, max_steps=2000, tolerance=1e-8):
    """Fit a latent Markov model by EM to many samples at once.

    Parameters
    ----------
    patterns : int array of shape (patterns, waves)
        Observed states, -1 where a wave is missing.
    held : array of shape (samples, patterns)
        Count of each pattern in each sample.
    starts : int
        The first start has few errors and little change, further ones are random around it; the best is kept (one sample only).
    start : dict, optional
        An earlier fit of one sample to start from.

    Returns
    -------
    dict
        ``first`` (samples, 4), ``change`` and ``errors`` (samples, 4, 4: rows are true states), ``ll`` and ``converged`` (samples).
    """
    k = len(STATES)

    def near(strength):
        return np.full((k, k), (1 - strength) / (k - 1)) + np.eye(k) * (strength - (1 - strength) / (k - 1))

    if start is not None:
        begin = [tuple(np.repeat(start[name], len(held), axis=0) for name in ("first", "change", "errors"))]
    else:
        shares = np.bincount(patterns[patterns >= 0], np.broadcast_to(held[0][:, None], patterns.shape)[patterns >= 0], minlength=k) + 0.5
        begin = []
        for number in range(starts):
            noise = (lambda m: m) if number == 0 else (lambda m: m * rng.uniform(0.3, 1.7, m.shape))
            made = (noise(shares[None] / shares.sum()), noise(near(0.9)[None]), noise(near(0.85)[None]))
            begin.append(tuple(np.repeat(m / m.sum(axis=-1, keepdims=True), len(held), axis=0) for m in made))
    fits = [_em(patterns, held, *made, max_steps, tolerance) for made in begin]
    return max(fits, key=lambda fit: fit["ll"].sum())


def _em(patterns, held, first, change, errors, max_steps, tolerance):
    """EM with forward and backward sums over the waves of every pattern; samples that have settled are left alone."""
    waves = patterns.shape[1]
    codes = [np.eye(len(STATES))[patterns[:, t]] * (patterns[:, t] >= 0)[:, None] for t in range(waves)]
    missing = [(patterns[:, t] < 0).astype(float)[None, :, None] for t in range(waves)]
    params = [first.copy(), change.copy(), errors.copy()]
    ll, open_ = np.full(len(held), -np.inf), np.arange(len(held))
    for _ in range(max_steps):
        first, change, errors = (p[open_] for p in params)
        seen = [codes[t] @ errors.transpose(0, 2, 1) + missing[t] for t in range(waves)]
        forward = [first[:, None, :] * seen[0]]
        for t in range(1, waves):
            forward.append((forward[-1] @ change) * seen[t])
        backward = [np.ones_like(forward[0])]
        for t in range(waves - 1, 0, -1):
            backward.insert(0, (seen[t] * backward[0]) @ change.transpose(0, 2, 1))
        chance = np.maximum(forward[-1].sum(axis=2), 1e-300)
        weight = (held[open_] / chance)[:, :, None]
        shares = [weight * f * b for f, b in zip(forward, backward)]
        moves = sum((weight * forward[t]).transpose(0, 2, 1) @ (seen[t + 1] * backward[t + 1]) for t in range(waves - 1)) * change
        wrong = sum(shares[t].transpose(0, 2, 1) @ codes[t] for t in range(waves))
        for p, values in zip(params, (shares[0].sum(axis=1), moves, wrong)):
            p[open_] = _normed(values)
        now = (held[open_] * np.log(chance)).sum(axis=1)
        settled = np.abs(now - ll[open_]) < tolerance * np.maximum(1.0, np.abs(now))
        ll[open_] = now
        open_ = open_[~settled]
        if not len(open_):
            break
    converged = ~np.isin(np.arange(len(held)), open_)
    return {"first": params[0], "change": params[1], "errors": params[2], "ll": ll, "converged": converged}


def _normed(values):
    return (values + 1e-10) / (values + 1e-10).sum(axis=-1, keepdims=True)


# ---- does competition drive it? --------------------------------------------------------------------------------------


def market(frame, *, pairs, coverage, order, wave="wave", variant="berger", weights=None, weights_kind="sampling", ci_level=0.95):
    """Does a feature delight less as more competitors offer it?

    Parameters
    ----------
    coverage : DataFrame with columns ``attribute, wave, coverage``
        Share of competitors (0-1) that offered the feature when the wave was held.

    Returns
    -------
    Result
        One row: ``estimate`` (change of CS+ if the coverage goes from none to all), ``se, lo, hi, ci95_lo, ci95_hi, ci90_lo, ci90_hi, p,
        features, n, n_missing, n_eff, status``. Fewer than two waves or two features, or a coverage that moved alike for all: ``not_identified``; fewer
        than six features: ``assumption_warning``.

    Notes
    -----
    Least squares of CS+ on coverage with a level for each feature and each wave, CR1 over features with features - 1 degrees of
    freedom.
    """
    order = _waves(frame, order, wave)
    check_pairs(frame, pairs, [weights])
    need_columns(coverage, ["attribute", "wave", "coverage"])
    share = pd.to_numeric(coverage["coverage"], errors="coerce")
    if not share.dropna().between(0, 1).all():
        raise InputError("coverage is a share of competitors between 0 and 1.")
    known = coverage.assign(coverage=share).set_index(["attribute", "wave"])["coverage"].to_dict()
    points, n, n_missing = [], 0, 0
    for attribute, pair in pairs.items():
        track = _Track(frame, pair, wave, None, variant, weights, weights_kind, None)
        for w in order:
            found, _, base = track.share(w, np.isin(track.codes, (1, 2)), track.codes <= 3)
            offered = known.get((attribute, w), np.nan)
            if base >= FEWEST and not np.isnan(offered):
                points.append({"attribute": attribute, "wave": w, "cs": found, "coverage": offered})
        n, n_missing = max(n, track.used.n), max(n_missing, track.used.n_missing)
    t = pd.DataFrame(points, columns=["attribute", "wave", "cs", "coverage"])
    t = t[t.groupby("attribute")["wave"].transform("nunique") >= 2]
    features = int(t["attribute"].nunique())
    row = dict.fromkeys(["estimate", "se", "lo", "hi", "ci95_lo", "ci95_hi", "ci90_lo", "ci90_hi", "p"], np.nan)
    row |= {"features": features, "n": n, "n_missing": n_missing, "n_eff": float(n), "status": "not_identified"}
    if features >= 2:
        levels = pd.get_dummies(t[["attribute", "wave"]].astype(str), columns=["attribute", "wave"], dtype=float)
        levels = levels.drop(columns=[c for c in levels if c.startswith("wave_")][:1])
        x = pd.concat([levels, t["coverage"]], axis=1)  # coverage last: it is aliased where the levels determine it
        fit = fit_linear(t["cs"], x, clusters=t["attribute"])
        if not fit.aliased and np.isfinite(fit.coef).all() and len(t) > x.shape[1]:
            row |= {"estimate": float(fit.coef[-1]), "se": float(fit.se[-1]), "p": float(fit.p[-1])}
            for level, names in ((ci_level, ("lo", "hi")), (0.95, ("ci95_lo", "ci95_hi")), (0.90, ("ci90_lo", "ci90_hi"))):
                lo, hi = fit.interval(level)
                row |= {names[0]: float(lo[-1]), names[1]: float(hi[-1])}
            row["status"] = "ok" if features >= FEWEST_CLUSTERS else "assumption_warning"
    about = {"n_used": n, "waves": order, "variant": variant, "ci_level": ci_level}
    return Result.of("M12.market", [row], function="delight.drivers.migration.market", **about)

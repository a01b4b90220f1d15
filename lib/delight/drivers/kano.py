"""What delights and what is taken for granted, asked directly: the Kano questionnaire (M11).

Every feature is asked about twice: how would you feel if it were there (functional), how if it were not (dysfunctional)?
Answers are 1 like, 2 must be, 3 neutral, 4 can live with, 5 dislike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from delight import resample
from delight.errors import InputError
from delight.estimate import Design, base_status, benjamini_hochberg, need_columns, sample, wilson
from delight.result import Note, Result
from delight.scales import Scale, check_scale

METHOD = "M11"
SCALE = Scale(1, 5)
#: Categories in the order in which a tie is broken: must-be, one-dimensional, attractive, indifferent, reverse, questionable.
CATEGORIES = ("M", "O", "A", "I", "R", "Q")
#: Rows: the functional answer 1-5; columns: the dysfunctional answer 1-5.
EVALUATION = {
    "berger": ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ"),
    "pouliot": ("QAAAO", "RQIIM", "RIIIM", "RIIQM", "RRRRQ"),
}
#: Basis, beleving, bijzonder: what becomes of a category in the practitioners' three Bs.
B3 = {"M": "basis", "O": "beleving", "A": "bijzonder"}
#: DuMouchel's points of the functional and of the dysfunctional answers 1-5, and the border between his quadrants.
POINTS = {"functional": (4, 2, 0, -1, -2), "dysfunctional": (-2, -1, 0, 2, 4)}
BORDER = 2
#: Fong's critical value, the category strength that counts as clear, and how much is too much of Q, of R, and of Q in one person.
FONG, CLEAR, MOST_Q, MOST_R, MOST_Q_EACH = 1.65, 0.06, 0.05, 0.20, 0.20
#: Fewest answers of a segment, and answers for an interval of about +-.10.
FEWEST, WANTED = 30, 100
_COUNTS = ["A", "O", "M", "I", "R", "Q"]
_M, _O, _A, _I, _R, _Q = range(6)


@dataclass(frozen=True)
class Answered:
    """The complete answers to one pair of questions, coded."""

    used: object
    design: Design
    codes: np.ndarray
    functional: np.ndarray
    dysfunctional: np.ndarray


# ---- coding ----------------------------------------------------------------------------------------------------------


def evaluation_table(variant="berger"):
    """The table by which a pair of answers becomes a category, to print beside any result: public code differs.

    Parameters
    ----------
    variant : {"berger", "pouliot"}
        `pouliot` calls (2, 2) and (4, 4) questionable, since nobody can both expect a thing and expect its absence.

    Returns
    -------
    Result
        25 rows ``functional, dysfunctional, category``.

    References
    ----------
    Kano, N. et al. (1984). Hinshitsu 14(2), 39-48. Berger, C. et al. (1993). Center for Quality of Management Journal 2(4), 3-36.
    """
    cells = _evaluation(variant)
    rows = [{"functional": f + 1, "dysfunctional": d + 1, "category": CATEGORIES[cells[f, d]]} for f in range(5) for d in range(5)]
    about = {"variant": variant, "counts_only": True}
    return Result.of("M11.evaluation", rows, function="delight.drivers.kano.evaluation_table", **about)


def _evaluation(variant):
    if variant not in EVALUATION:
        raise InputError(f"variant is one of {', '.join(EVALUATION)}, not {variant!r}.")
    return np.array([[CATEGORIES.index(c) for c in row] for row in EVALUATION[variant]])


def categories(functional, dysfunctional, *, variant="berger"):
    """Category of every pair of answers as letters; None where one of the two is missing."""
    f, d = (np.asarray(v, dtype=float) for v in (functional, dysfunctional))
    known = ~(np.isnan(f) | np.isnan(d))
    found = np.full(len(f), None, dtype=object)
    found[known] = np.array(CATEGORIES, dtype=object)[_evaluation(variant)[f[known].astype(int) - 1, d[known].astype(int) - 1]]
    return found


def check_pairs(frame, pairs, extra=()):
    """One `InputError` that lists everything wrong with the pairs of questions and their answers."""
    if not isinstance(pairs, Mapping) or not pairs:
        raise InputError(
            "pairs names for each feature its functional and its dysfunctional column: {'photos': ('photos_if', 'photos_not')}."
        )
    wrong = [f"'{a}' has {len(tuple(p))} columns, not two" for a, p in pairs.items() if isinstance(p, str) or len(tuple(p)) != 2]
    if wrong:
        raise InputError(f"A pair is a functional and a dysfunctional column: {'; '.join(wrong)}.")
    columns = [c for p in pairs.values() for c in p]
    twice = sorted({c for c in columns if columns.count(c) > 1})
    if twice:
        raise InputError(f"Each question belongs to one feature; used twice: {', '.join(twice)}.")
    need_columns(frame, [*columns, *[c for c in extra if c]])
    for column in columns:
        try:
            check_scale(frame[column], SCALE, column=column)
        except InputError as error:
            wrong.append(str(error))
    if wrong:
        raise InputError(" ".join(wrong) + " Kano answers are coded 1 like, 2 must be, 3 neutral, 4 can live with, 5 dislike.")


def answered(frame, pair, *, variant="berger", weights=None, weights_kind="sampling", clusters=None, also=()):
    """The complete answers to one pair, with the design that gives their shares the variance they deserve."""
    functional, dysfunctional = pair
    used = sample(frame, [functional, dysfunctional, *also], weights=weights, weights_kind=weights_kind)
    f, d = (used.frame[c].to_numpy(dtype=float).astype(int) for c in pair)
    return Answered(used, Design(used, clusters=clusters), _evaluation(variant)[f - 1, d - 1], f, d)


def counts(codes, w=None):
    """Weighted count of each category, in the order of `CATEGORIES`."""
    return np.bincount(codes, w, minlength=6).astype(float)


def exact_p(a, b):
    """Two-sided exact binomial p of "both are equally frequent"; the beta form also takes the fractional counts of weighted answers."""
    high, low = max(a, b), min(a, b)
    if not high + low > 0:
        return np.nan
    return 1.0 if high == low else float(min(1.0, 2 * special.betainc(high, low + 1, 0.5)))


def blauth(found):
    """The category of the rule "if M+O+A > I+R+Q then the largest of M, O, A, else of I, R, Q"; ties fall to the earlier of M > O > A > I."""
    if not found.sum() > 0:
        return None
    kano = found[[_M, _O, _A]].sum() > found[[_I, _R, _Q]].sum()
    group = (_M, _O, _A) if kano else (_I, _R, _Q)
    return CATEGORIES[max(group, key=lambda c: (found[c], -c))]


# ---- classification --------------------------------------------------------------------------------------------------


def classify(
    frame,
    *,
    pairs,
    by=(),
    order=None,
    variant="berger",
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Category of each feature with what the data can tell apart, Berger's coefficients and DuMouchel's means.

    Parameters
    ----------
    frame : DataFrame, one row a respondent (or, with frequency weights, a pattern of answers); unchanged.
    pairs : dict of feature to (functional column, dysfunctional column)
        Answers 1-5; a respondent who left one of the two open is missing for that feature only.
    by : sequence of str
        Columns of groups (segments) to classify apart, beside the whole.
    order : dict of column to list, optional
        Order of the groups.
    variant : {"berger", "pouliot"}
        See `evaluation_table`.
    weights, weights_kind, clusters
        As everywhere; tests then rest on the effective number of answers.
    ci_level : float
    n_boot : int
        Multinomial draws for the joint interval of the two coefficients.
    seed : int

    Returns
    -------
    Result
        One row a feature (x group): ``by, group, attribute``; weighted counts ``A, O, M, I, R, Q``; ``mode``; ``blauth``; ``top``,
        ``second``; ``ts`` total strength; ``cat_strength, strength_clear``; ``cs_plus, cs_minus`` with ``se_*``, ``_lo, _hi`` and the
        simultaneous ``_joint_lo, _joint_hi``; ``quadrant`` of the better-worse diagram and ``quadrant_sure``; ``fong_crit, fong_sig``;
        ``p_exact, q``; ``category`` (one letter, or the two that cannot be told apart, such as ``O/A``); ``candidates`` (all that
        cannot be told from the most frequent); ``b3``; ``x_cont, y_cont`` with limits, ``quadrant_cont``; ``share_q, q_flag,
        share_r, r_flag``; ``n, n_kano`` (answers A, O, M or I), ``n_missing, n_eff, status``.

    Notes
    -----
    CS+ = (A+O)/(A+O+M+I), CS- = -(O+M)/(A+O+M+I) with score intervals (given A+O+M+I each is a binomial share). The joint
    interval takes for both the critical value that max(|z+|, |z-|) stays below in `ci_level` of multinomial draws. The category is
    single if the exact binomial test of the two largest counts rejects after Benjamini-Hochberg over the table; Fong's test stands
    beside it because it is printed everywhere, though it rejects twice as often as it says. A group of fewer than 30 keeps its
    counts and gets no category (``insufficient``); no answer in A, O, M or I gives no coefficients (``degenerate``); more than 5 %
    questionable or 20 % reversed answers give ``assumption_warning``.

    References
    ----------
    Berger, C. et al. (1993). CQM Journal 2(4), 3-36. DuMouchel, W., ibid. Fong, D. (1996). CQM Journal 5(3), 21-23.
    Lee, M. C. & Newcomb, J. F. (1997). CQM Journal. Wilson, E. B. (1927). JASA 22, 209-212.
    """
    by = [by] if isinstance(by, str) else list(by)
    check_pairs(frame, pairs, [weights, clusters, *by])
    rows = []
    for attribute, pair in pairs.items():
        found = answered(frame, pair, variant=variant, weights=weights, weights_kind=weights_kind, clusters=clusters)
        everybody = np.ones(len(found.codes), dtype=bool)
        state = {"by": "whole", "group": "", "attribute": attribute, "n_missing": found.used.n_missing}
        rows.append(state | _one(found, everybody, ci_level, n_boot, seed))
        for column in by:
            asked = sample(frame, [column], weights=weights, weights_kind=weights_kind)
            for group in _groups(frame[column], (order or {}).get(column)):
                inside = (found.used.frame[column] == group).to_numpy(dtype=bool)
                n = int(found.design.f[inside].sum())
                in_group = (asked.frame[column] == group).to_numpy(dtype=bool)
                total = int(asked.w[in_group].sum()) if asked.kind == "frequency" else int(in_group.sum())
                state = {"by": column, "group": str(group), "attribute": attribute, "n_missing": total - n}
                rows.append(state | _one(found, inside, ci_level, n_boot, seed, fewest=FEWEST))
    table = pd.DataFrame(rows)
    position = {name: i for i, name in enumerate(["whole", *by])}
    table = table.sort_values("by", key=lambda c: c.map(position), kind="stable", ignore_index=True)
    table = _judged(table, 1 - ci_level)
    return Result.of(
        METHOD,
        table.drop(columns="apart"),
        function="delight.drivers.kano.classify",
        notes=_notes(table, frame, pairs, variant, weights, weights_kind),
        **_meta(frame, pairs, weights, weights_kind),
        variant=variant,
        clusters=clusters,
        ci_level=ci_level,
        n_boot=n_boot,
        seed=seed,
    )


def _groups(values, order):
    """Groups that occur, in the order given, else sorted."""
    present = sorted(values.dropna().unique(), key=str)
    return [g for g in order if g in present] + [g for g in present if g not in order] if order else present


def _meta(frame, pairs, weights, weights_kind):
    """Counts of everybody who answered at least one pair."""
    whole = np.zeros(len(frame), dtype=bool)
    for pair in pairs.values():
        whole |= frame[list(pair)].notna().all(axis=1).to_numpy()
    return sample(frame.assign(**{"any:": np.where(whole, 1.0, np.nan)}), ["any:"], weights=weights, weights_kind=weights_kind).meta


def _one(found, inside, ci_level, n_boot, seed, fewest=1):
    """Everything about one feature in one group but what depends on the other rows (the correction of the test)."""
    design, codes = found.design, found.codes
    n = int(round(design.f[inside].sum()))
    weight = design.w * design.f
    held = counts(codes[inside], weight[inside])
    row = {**{c: float(held[CATEGORIES.index(c)]) for c in _COUNTS}, "n": n}
    total, n_eff = held.sum(), _kish(design, inside)
    row |= {
        "n_eff": n_eff,
        "apart": None,
        "mode": None,
        "blauth": None,
        "top": None,
        "second": None,
        "quadrant": None,
        "quadrant_cont": None,
    }
    numbers = ["ts", "cat_strength", "cs_plus", "cs_minus", "fong_crit", "p_exact", "x_cont", "y_cont", "share_q", "share_r", "n_kano"]
    ends = [f"{c}_{end}" for c in ("cs_plus", "cs_minus") for end in ("lo", "hi", "joint_lo", "joint_hi")]
    ends += [f"{c}_cont_{end}" for c in "xy" for end in ("lo", "hi")]
    row |= dict.fromkeys([*numbers, "se_plus", "se_minus", *ends], np.nan)
    row |= dict.fromkeys(["strength_clear", "quadrant_sure", "fong_sig", "q_flag", "r_flag"], False)
    row["status"] = base_status(n, _kish(design, inside), clusters=_n_clusters(design, inside))
    if n < fewest or n == 0:
        return row | {"status": "insufficient"}
    rank = sorted(range(6), key=lambda c: (-held[c], c))
    first, next_ = rank[0], rank[1]
    row |= {"mode": CATEGORIES[first], "blauth": blauth(held), "top": CATEGORIES[first]}
    row["second"] = CATEGORIES[next_] if held[next_] > 0 else None
    row["ts"], row["cat_strength"] = held[[_M, _O, _A]].sum() / total, (held[first] - held[next_]) / total
    row["strength_clear"] = bool(row["cat_strength"] >= CLEAR - 1e-12)
    a, b = (n_eff * held[c] / total for c in (first, next_))
    row["fong_crit"] = FONG * np.sqrt((a + b) * (2 * n_eff - a - b) / (2 * n_eff))
    row["fong_sig"] = bool(a - b >= row["fong_crit"])
    apart = {CATEGORIES[c]: _apart(found, inside, first, c) for c in rank[1:] if held[c] > 0}
    row["apart"] = apart
    row["p_exact"] = apart[row["second"]] if row["second"] else exact_p(a, 0.0)
    row["share_q"], row["share_r"] = held[_Q] / total, held[_R] / total
    row["q_flag"], row["r_flag"] = bool(row["share_q"] > MOST_Q), bool(row["share_r"] > MOST_R)
    row |= _coefficients(found, inside, ci_level, n_boot, seed) | _continuous(found, inside, ci_level)
    if row["status"] == "ok" and (row["q_flag"] or row["r_flag"]):
        row["status"] = "assumption_warning"
    return row if row["n_kano"] > 0 else row | {"status": "degenerate"}


def _kish(design, inside):
    """Effective number of answers by their weights alone."""
    weight = (design.w * design.f)[inside]
    return float(weight.sum() ** 2 / (design.w**2 * design.f)[inside].sum()) if len(weight) else 0.0


def _n_clusters(design, inside):
    return None if design.clusters is None else len(np.unique(design.clusters[inside]))


def share_of(design, event, inside, ci_level):
    """A share in a domain: its `DesignMean`, with no more effective answers than there are answers."""
    found = design.mean(event.astype(float), inside, ci_level=ci_level)
    n_eff = _kish(design, inside) if design.clusters is None else min(found.n_eff, found.n)
    return found.value, n_eff


def _apart(found, inside, first, other):
    """Exact test of the most frequent category against another, on the effective number of answers in the two."""
    two = inside & np.isin(found.codes, (first, other))
    share, n_eff = share_of(found.design, found.codes == first, two, 0.95)
    return exact_p(share * n_eff, (1 - share) * n_eff)


def _coefficients(found, inside, ci_level, n_boot, seed):
    """CS+ and CS- with score intervals, apart and together."""
    kano = inside & (found.codes <= _I)
    n = int(round(found.design.f[kano].sum()))
    row = {"n_kano": n}
    if n == 0:
        return row
    parts = {"plus": np.isin(found.codes, (_A, _O)), "minus": np.isin(found.codes, (_O, _M))}
    estimates = {name: share_of(found.design, event, kano, ci_level) for name, event in parts.items()}
    z = _joint_critical(found, kano, min(n_eff for _, n_eff in estimates.values()), ci_level, n_boot, seed)
    joint_level = 2 * stats.norm.cdf(z) - 1
    for name, (share, n_eff) in estimates.items():
        sign = 1 if name == "plus" else -1
        row[f"cs_{name}"], row[f"se_{name}"] = sign * share + 0.0, float(np.sqrt(share * (1 - share) / n_eff))
        for level, ending in ((ci_level, ""), (joint_level, "joint_")):
            limits = sorted(sign * limit + 0.0 for limit in wilson(share, n_eff, level))
            row[f"cs_{name}_{ending}lo"], row[f"cs_{name}_{ending}hi"] = limits
    better, worse = row["cs_plus"] >= 0.5, row["cs_minus"] <= -0.5
    row["quadrant"] = {(True, True): "O", (True, False): "A", (False, True): "M", (False, False): "I"}[better, worse]
    sides = ((row["cs_plus_joint_lo"], row["cs_plus_joint_hi"], 0.5), (row["cs_minus_joint_lo"], row["cs_minus_joint_hi"], -0.5))
    row["quadrant_sure"] = bool(all(lo > border or hi < border for lo, hi, border in sides))
    return row


def _joint_critical(found, kano, n_eff, ci_level, n_boot, seed):
    """What max(|z+|, |z-|) stays below in `ci_level` of multinomial draws; at least the value for one coefficient alone.

    Every row starts the same stream, so its interval depends on its own counts only, not on the order or number of features.
    """
    alone = stats.norm.ppf(0.5 + ci_level / 2)
    size = int(round(n_eff))
    if n_boot < 1 or size < 1:
        return float(alone)
    held = counts(found.codes[kano], (found.design.w * found.design.f)[kano])[:4]
    drawn = resample.generator(seed, METHOD).multinomial(size, held / held.sum(), size=n_boot) / size
    largest = np.zeros(n_boot)
    for parts in ((_A, _O), (_O, _M)):
        share = held[list(parts)].sum() / held.sum()
        spread = np.sqrt(share * (1 - share) / size)
        if spread > 0:
            largest = np.maximum(largest, np.abs(drawn[:, list(parts)].sum(axis=1) - share) / spread)
    return float(max(alone, np.quantile(largest, ci_level)))


def _continuous(found, inside, ci_level):
    """DuMouchel's means: x of the dysfunctional, y of the functional answers, over all answers."""
    row = {}
    for name, answers, points in (("x", found.dysfunctional, "dysfunctional"), ("y", found.functional, "functional")):
        mean = found.design.mean(np.array(POINTS[points], dtype=float)[answers - 1], inside, ci_level=ci_level)
        row |= {f"{name}_cont": mean.value, f"{name}_cont_lo": mean.lo, f"{name}_cont_hi": mean.hi}
    corner = row["y_cont"] >= BORDER, row["x_cont"] >= BORDER
    row["quadrant_cont"] = {(True, True): "O", (True, False): "A", (False, True): "M", (False, False): "I"}[corner]
    return row


def _judged(table, alpha):
    """The table with q-values over each kind of group, and the category they allow."""
    table["q"] = np.nan
    for _, rows in table.groupby("by", sort=False).groups.items():
        table.loc[rows, "q"] = benjamini_hochberg(table.loc[rows, "p_exact"])
    category, candidates = [], []
    for row in table.itertuples():
        if row.top is None or pd.isna(row.top):
            category.append(None), candidates.append(None)
            continue
        single = row.q <= alpha or row.second is None
        open_ = [] if single else [c for c, p in row.apart.items() if c == row.second or p > alpha]
        category.append(_joined([row.top] if single else [row.top, row.second]))
        candidates.append(_joined([row.top, *open_]))
    table["category"], table["candidates"] = category, candidates
    table["b3"] = [B3.get(c) for c in category]
    return table


def _joined(found):
    """Categories that cannot be told apart, in the order of the tie-break."""
    return "/".join(c for c in CATEGORIES if c in found)


def _notes(table, frame, pairs, variant, weights, weights_kind):
    whole = table[table["by"] == "whole"]
    notes = [Note("benjamini_hochberg", {"tests": int(whole["p_exact"].notna().sum()), "within": "by"})]
    for code, column in (("questionable", "q_flag"), ("reversed", "r_flag")):
        if whole[column].any():
            notes.append(Note(code, {"attributes": whole.loc[whole[column], "attribute"].tolist()}))
    wide = whole[(whole["n_kano"] < WANTED) & (whole["n"] > 0)]
    if len(wide):
        notes.append(Note("wide", {"attributes": wide["attribute"].tolist(), "wanted": WANTED}))
    flagged = questionable(frame, pairs, variant=variant)
    about = sample(frame.assign(**{"flag:": flagged}), ["flag:"], weights=weights, weights_kind=weights_kind)
    f = about.w if about.kind == "frequency" else np.ones(len(about.w))
    share = float(np.average(about.frame["flag:"].to_numpy(dtype=float), weights=about.w)) if len(about.w) else 0.0
    if share > 0:
        n = int(f[about.frame["flag:"].to_numpy(dtype=bool)].sum())
        notes.append(Note("questionable_respondents", {"n": n, "share": share, "cut": MOST_Q_EACH}))
    return notes


def questionable(frame, pairs, *, variant="berger"):
    """Respondents of whose complete pairs more than a fifth contradict themselves: 1, else 0; missing without a complete pair."""
    check_pairs(frame, pairs)
    found = np.column_stack([categories(frame[f], frame[d], variant=variant) for f, d in pairs.values()])
    known = found != None  # noqa: E711 (element by element)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = ((found == "Q") & known).sum(axis=1) / known.sum(axis=1)
    return pd.Series(np.where(np.isnan(share), np.nan, share > MOST_Q_EACH), index=frame.index, dtype=float)


# ---- the pattern of answers ------------------------------------------------------------------------------------------


def cells(frame, *, pairs, weights=None, weights_kind="sampling"):
    """How often each of the 25 pairs of answers was given to each feature.

    Returns
    -------
    Result
        25 rows a feature: ``attribute, functional, dysfunctional, count, share, n, n_missing, n_eff, status``. With the column
        ``count`` as frequency weight the rows of one feature can be classified again.
    """
    check_pairs(frame, pairs, [weights])
    rows = []
    for attribute, pair in pairs.items():
        found = answered(frame, pair, weights=weights, weights_kind=weights_kind)
        held = np.bincount(5 * (found.functional - 1) + found.dysfunctional - 1, found.design.w * found.design.f, minlength=25)
        about = {"n": found.used.n, "n_missing": found.used.n_missing, "n_eff": found.used.n_eff}
        about["status"] = base_status(found.used.n, found.used.n_eff)
        for at, count in enumerate(held):
            share = float(count / held.sum()) if held.sum() else np.nan
            rows.append(
                {"attribute": attribute, "functional": at // 5 + 1, "dysfunctional": at % 5 + 1, "count": count, "share": share} | about
            )
    about = _meta(frame, pairs, weights, weights_kind)
    keys = ["functional", "dysfunctional"]
    return Result.of("M11.cells", rows, function="delight.drivers.kano.cells", **about, keys=keys)


# ---- what a study holds ----------------------------------------------------------------------------------------------


def paired(functional, dysfunctional, pair):
    """Pairs of questions for `classify`: {functional column: (functional, dysfunctional)}, tied by the same name in `pair`.

    Parameters
    ----------
    functional, dysfunctional : sequence of str
        Columns of each kind; one without its counterpart is left out.
    pair : mapping of column to name
    """
    other = {pair[c]: c for c in dysfunctional}
    return {c: (c, other[pair[c]]) for c in functional if pair[c] in other}


def beside(classes, impact, *, pair):
    """What customers say of a feature beside what its grade does to satisfaction; two measures that need not agree.

    Parameters
    ----------
    classes : Result of `classify`
    impact : Result of `penalty_reward.effects`
    pair : mapping of column to name
        Feature and graded attribute of the same name are the same thing.

    Returns
    -------
    Result
        One row a feature that is graded too: ``attribute, rating, category, b3, impact_class, agree`` (``yes``, ``no``, or ``open`` where one of the two
        does not decide), ``n, n_impact, n_missing, n_eff, status``.

    References
    ----------
    Mikulić, J. & Prebežac, D. (2011). Managing Service Quality 21, 46-66: the methods measure different things.
    """
    graded = {pair[a]: row for a, row in impact.table.set_index("attribute").iterrows() if pair.get(a)}
    rows = []
    for row in classes.table[classes.table["by"] == "whole"].itertuples():
        other = graded.get(pair.get(row.attribute))
        if other is None:
            continue
        kinds = (row.b3, other["impact_class"])
        agree = "open" if not set(kinds) <= set(B3.values()) else "yes" if kinds[0] == kinds[1] else "no"
        found = {
            "attribute": row.attribute,
            "rating": other.name,
            "category": row.category,
            "b3": row.b3,
            "impact_class": other["impact_class"],
        }
        found |= {
            "agree": agree,
            "n": row.n,
            "n_impact": int(other["n"]),
            "n_missing": row.n_missing,
            "n_eff": row.n_eff,
            "status": row.status,
        }
        rows.append(found)
    columns = ["attribute", "rating", "category", "b3", "impact_class", "agree", "n", "n_impact", "n_missing", "n_eff", "status"]
    about = {"n_used": classes.meta.get("n_used"), "keys": ["rating"]}
    return Result.of("M11.beside", pd.DataFrame(rows, columns=columns), function="delight.drivers.kano.beside", **about)


# ---- do groups agree? ------------------------------------------------------------------------------------------------


def heterogeneity(
    frame,
    *,
    pairs,
    by,
    variant="berger",
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
    n_draws=9999,
    seed=20250101,
):
    """Do groups sort a feature differently? To be asked before their answers are averaged.

    Parameters
    ----------
    by : str or sequence of str
        Columns of groups; those of fewer than 30 answers to a feature take no part.
    n_draws : int
        Random tables with the same margins where expected counts are too small for the chi-square distribution.
    pairs, variant, weights, weights_kind, clusters, ci_level, seed
        As in `classify`.

    Returns
    -------
    Result
        One row a feature and column of groups: ``by, attribute, groups, chi2, df, p, q, cramers_v, test`` (``chi2``, or ``permutation``),
        ``differs`` (q at most 1 - ci_level), ``n, n_missing, n_eff, status``. Fewer than two groups, or one category only:
        ``not_identified``.

    Notes
    -----
    Pearson's chi-square on groups x categories (six, without those that nobody falls into), Benjamini-Hochberg over all rows. Weighted
    or clustered answers count as their effective number in each group (Rao & Scott, first order).

    References
    ----------
    Pearson, K. (1900). Rao, J. N. K. & Scott, A. J. (1984). Annals of Statistics 12, 46-60. Patefield, W. M. (1981). Applied Statistics 30.
    """
    by = [by] if isinstance(by, str) else list(by)
    check_pairs(frame, pairs, [weights, clusters, *by])
    rows = []
    for column in by:
        for attribute, pair in pairs.items():
            options = {"variant": variant, "weights": weights, "weights_kind": weights_kind, "clusters": clusters}
            found = answered(frame, pair, **options, also=[column])
            rng = resample.generator(seed, "M11.heterogeneity")
            rows.append({"by": column, "attribute": attribute} | _differ(found, column, n_draws, rng))
    table = pd.DataFrame(rows)
    table["q"] = benjamini_hochberg(table["p"])
    table["differs"] = table["q"] <= 1 - ci_level
    return Result.of(
        "M11.heterogeneity",
        table,
        function="delight.drivers.kano.heterogeneity",
        notes=[Note("benjamini_hochberg", {"tests": int(table["p"].notna().sum()), "within": "table"})],
        **_meta(frame, pairs, weights, weights_kind),
        variant=variant,
        clusters=clusters,
        ci_level=ci_level,
        seed=seed,
    )


def _differ(found, column, n_draws, rng):
    design, of = found.design, found.used.frame[column]
    rows, plain = [], design.clusters is None and found.used.kind != "sampling"
    for group in _groups(of, None):
        inside = (of == group).to_numpy(dtype=bool)
        if design.f[inside].sum() >= FEWEST:
            held = counts(found.codes[inside], (design.w * design.f)[inside])
            rows.append(held * _effective(found, inside, held) / held.sum())
    table = np.array(rows).reshape(-1, 6)
    table = table[:, table.sum(axis=0) > 0]
    row = {"groups": len(table), "chi2": np.nan, "df": np.nan, "p": np.nan, "cramers_v": np.nan, "test": "chi2"}
    row |= {"n": found.used.n, "n_missing": found.used.n_missing, "n_eff": float(table.sum())}
    row["status"] = base_status(found.used.n, found.used.n_eff, clusters=_n_clusters(design, np.ones(len(found.codes), dtype=bool)))
    if min(table.shape) < 2:
        return row | {"status": "not_identified"}
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chi2, df = float(((table - expected) ** 2 / expected).sum()), (table.shape[0] - 1) * (table.shape[1] - 1)
    row |= {"chi2": chi2, "df": float(df), "p": float(stats.chi2.sf(chi2, df))}
    row["cramers_v"] = float(np.sqrt(chi2 / table.sum() / (min(table.shape) - 1)))
    if (expected < 5).mean() > 0.2 or (expected < 1).any():
        if not plain:
            return row | {"status": "assumption_warning"}
        margins = (np.round(side).astype(int) for side in (table.sum(axis=1), table.sum(axis=0)))
        drawn = stats.random_table(*margins).rvs(n_draws, random_state=rng)
        beyond = (((drawn - expected) ** 2 / expected).sum(axis=(1, 2)) >= chi2 - 1e-9).sum()
        row |= {"p": float((beyond + 1) / (n_draws + 1)), "test": "permutation"}
    return row


def _effective(found, inside, held):
    """Effective answers of a group: by weights, and with clusters the average over its categories."""
    if found.design.clusters is None:
        return _kish(found.design, inside)
    each = [share_of(found.design, found.codes == c, inside, 0.95)[1] for c in range(6)]
    return float(np.average(each, weights=held))

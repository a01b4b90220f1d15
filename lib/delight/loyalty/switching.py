"""Switching after bad experiences: what customers say they would do, and what they did (methods M21)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from delight.errors import InputError
from delight.estimate import Design, base_status, need_columns, sample, wilson
from delight.loyalty.outcome import is_binary
from delight.result import STATUSES, Note, Result
from delight.scales import check_scale

#: Published shares of consumers who consider switching after one bad experience and after a second, and how close counts as equal.
PUBLISHED, MARGIN = {"one": 0.57, "two": 0.78}, 0.05
#: Chances behind the numbers needed: 5 % each side of an equivalence test, 80 % power.
ALPHA, POWER = 0.05, 0.80


def stated(
    frame,
    *,
    after_one=None,
    after_two=None,
    scales,
    consider_from=None,
    published=None,
    margin=MARGIN,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    ci_level=0.95,
):
    """Shares that consider switching after one bad experience and after two, held against the published 57 % and 78 %.

    Parameters
    ----------
    frame : pandas.DataFrame, one row a response; unchanged.
    after_one, after_two : str, optional
        The two questions; one is enough. Each may have been put to everybody or to its own half of the sample.
    scales : dict of column -> Scale
    consider_from : float, optional
        Lowest answer that counts as considering; default yes on 0/1, else the scale's good cut.
    published : dict, optional
        ``one, two``: shares to compare with; default 57 % and 78 %.
    margin : float
        Shares within this distance count as equal.
    weights, weights_kind, clusters, ci_level : as M00

    Returns
    -------
    Result
        Rows ``trigger`` = ``one``, ``two`` and, with both questions, ``increment`` (share two minus share one): ``share`` (also
        ``estimate``), ``se, ci_lo, ci_hi`` (Wilson; increment: paired t, or Newcombe for separate halves), ``ci90_lo, ci90_hi, claim,
        margin, tost_p`` (larger one-sided p), ``n_needed`` (80 % power at the claim), ``verdict`` (``consistent``: 90 % interval within
        claim ± margin; ``differs here``: 95 % interval outside it; else ``inconclusive``; ``insufficient`` below 30), ``p`` (of the
        increment: that it is 0; of the shares ``tost_p``), ``nested, mcnemar_p`` (only where the answers do not nest), ``n_against``
        (considers after one but not after two: no sensible answer), ``n_both, logical`` (share two is not below share one), ``n,
        n_missing, n_eff, status``.

    Raises
    ------
    InputError
        Neither question, a missing scale, a value outside it.

    Notes
    -----
    The published figures speak of consumers in general: a client's customers can be different, and cannot contradict them.
    Considering is not leaving. The score test against claim ± margin is dual to the Wilson interval, so that verdict and p agree.

    References
    ----------
    Wilson (1927). Schuirmann, D. J. (1987). J. Pharmacokinetics Biopharm. 15, 657-680. Newcombe, R. G. (1998). Stat. Med. 17, 873-890.
    """
    asked = {"one": after_one, "two": after_two}
    asked = {k: c for k, c in asked.items() if c is not None}
    if not asked:
        raise InputError("Name the question on one bad experience, on two, or both.")
    need_columns(frame, asked.values())
    lacking = [c for c in asked.values() if c not in scales]
    if lacking:
        raise InputError(f"These columns need their Scale in `scales`: {', '.join(lacking)}.")
    claims, made, cuts = {**PUBLISHED, **(published or {})}, frame, {}
    for trigger, c in asked.items():
        check_scale(frame[c], scales[c], column=c)
        cuts[trigger] = _from(scales[c], consider_from)
        made = made.assign(**{f"({trigger})": (frame[c] >= cuts[trigger]).astype(float).where(frame[c].notna())})
    options = dict(weights=weights, weights_kind=weights_kind)
    used = {t: sample(made, [f"({t})", *([clusters] if clusters else [])], **options) for t in asked}
    rows = [_share(used[t], f"({t})", t, clusters, claims[t], margin, ci_level) for t in asked]
    notes = []
    if len(asked) == 2:
        both = sample(made, ["(one)", "(two)", *([clusters] if clusters else [])], **options)
        increment = _increment(used, both, rows, clusters, ci_level)
        rows.append(increment)
        notes += [Note("not_logical", {"n": increment["n_against"]})] if increment["n_against"] else []
        notes += [] if increment["logical"] else [Note("shares_fall", {"one": rows[0]["share"], "two": rows[1]["share"]})]
    asked_any = made.assign(**{"(any)": made[[f"({t})" for t in asked]].max(axis=1)})
    whole = sample(asked_any, ["(any)", *([clusters] if clusters else [])], **options)
    return Result.of(
        "M21", pd.DataFrame(rows), function="delight.loyalty.switching.stated", notes=notes, columns=asked, consider_from=cuts,
        claims={t: claims[t] for t in asked}, margin=margin, clusters=clusters, ci_level=ci_level, population="consumers in general",
        n_apart=n_apart(claims["one"], claims["two"]), keys=["trigger"], **whole.meta,
    )  # fmt: skip


def _from(scale, declared):
    if declared is not None:
        return float(declared)
    if is_binary(scale):
        return float(scale.max)
    if scale.low_high is None:
        raise InputError(
            f"The scale {scale} has no customary cut: say from which answer on a customer considers switching (consider_from)."
        )
    return float(scale.low_high[1])


def _share(used, column, trigger, clusters, claim, margin, ci_level):
    """One share against its published value."""
    row = dict(trigger=trigger, share=np.nan, estimate=np.nan, se=np.nan, ci_lo=np.nan, ci_hi=np.nan, ci90_lo=np.nan, ci90_hi=np.nan)
    row |= dict(claim=claim, margin=margin, tost_p=np.nan, p=np.nan, n_needed=n_equal(claim, margin), verdict="insufficient")
    row |= dict(nested=None, mcnemar_p=np.nan, n_against=0, n_both=0, logical=None)
    row |= dict(n=used.n, n_missing=used.n_missing, n_eff=used.n_eff, status=_status(used, clusters))
    if not used.n:
        return row
    share, se, n_eff = _estimate(used, used.frame[column].to_numpy(dtype=float), clusters)
    lo, hi = wilson(share, n_eff, ci_level)
    low, high = wilson(share, n_eff, 1 - 2 * ALPHA)
    p = equivalence_p(share, n_eff, claim, margin)
    row |= dict(share=share, estimate=share, se=se, ci_lo=lo, ci_hi=hi, ci90_lo=low, ci90_hi=high, tost_p=p, p=p, n_eff=n_eff)
    if used.n >= 30:
        inside = claim - margin <= low and high <= claim + margin
        outside = hi < claim - margin or lo > claim + margin
        row["verdict"] = "consistent" if inside else "differs here" if outside else "inconclusive"
    return row


def _status(used, clusters):
    return base_status(used.n, used.n_eff, clusters=used.frame[clusters].nunique() if clusters else None)


def _estimate(used, values, clusters):
    """Share, standard error and effective n; clusters bring the n down as their variance does."""
    if clusters:
        found = Design(used, clusters=clusters).mean(values)
        n_eff = found.n_eff if np.isfinite(found.n_eff) and found.n_eff > 0 else used.n_eff
        if found.df > 0:
            n_eff *= (stats.norm.ppf(0.975) / stats.t.ppf(0.975, found.df)) ** 2
        return float(np.clip(found.value, 0, 1)), found.se, float(n_eff)
    share = float(np.average(values, weights=used.w))
    return share, float(np.sqrt(share * (1 - share) / used.n_eff)), used.n_eff


def equivalence_p(share, n, claim, margin):
    """p of "the share lies outside claim ± margin": the larger of two one-sided score tests."""
    tests = []
    for bound, side in ((claim - margin, 1), (claim + margin, -1)):
        bound = min(max(bound, 1e-9), 1 - 1e-9)
        tests.append(stats.norm.sf(side * (share - bound) / np.sqrt(bound * (1 - bound) / n)))
    return float(max(tests))


def n_equal(share, margin, *, power=POWER, alpha=ALPHA):
    """Answers so that an equivalence test finds a share that is exactly the claim within ± margin.

    >>> n_equal(0.57, 0.05), n_equal(0.78, 0.05)
    (840, 588)
    """
    z = stats.norm.ppf(1 - alpha) + stats.norm.ppf(1 - (1 - power) / 2)
    return int(np.ceil(z**2 * share * (1 - share) / margin**2))


def n_apart(one, two, *, power=POWER, alpha=ALPHA):
    """Answers to each question, put to separate halves, that tell two shares apart (two-sided test, Fleiss 1981); None if they are equal.

    >>> n_apart(0.57, 0.78)
    77
    """
    if one == two:
        return None
    middle = (one + two) / 2
    z = stats.norm.ppf(1 - alpha / 2) * np.sqrt(2 * middle * (1 - middle))
    z += stats.norm.ppf(power) * np.sqrt(one * (1 - one) + two * (1 - two))
    return int(np.ceil((z / (two - one)) ** 2))


def _increment(used, both, rows, clusters, ci_level):
    """Share after two minus share after one: paired where the same people answered both, else from separate halves."""
    one, two = rows
    row = {**one, "trigger": "increment", "claim": np.nan, "margin": np.nan, "n_needed": np.nan}
    row |= dict.fromkeys(("share", "estimate", "se", "ci_lo", "ci_hi", "ci90_lo", "ci90_hi", "tost_p", "p"), np.nan)
    row["verdict"], paired = "", both.n >= 0.5 * min(used["one"].n, used["two"].n) and both.n > 1
    row["n_both"] = both.n
    if not paired:
        row |= _halves(one, two, ci_level)
        row |= dict(n=one["n"] + two["n"], n_missing=one["n_missing"], n_eff=one["n_eff"] + two["n_eff"], nested=False)
        row["logical"] = bool(not row["estimate"] < 0)
        row["status"] = max(one["status"], two["status"], key=STATUSES.index)
        return row
    first, second = (both.frame[f"({t})"].to_numpy(dtype=float) for t in ("one", "two"))
    frequency = both.w if both.kind == "frequency" else np.ones(len(first))
    against, more = (int(frequency[mask].sum()) for mask in ((first == 1) & (second == 0), (first == 0) & (second == 1)))
    design = Design(both, clusters=clusters) if clusters else Design(both)
    wide, narrow = (design.mean(second - first, ci_level=level) for level in (ci_level, 1 - 2 * ALPHA))
    p = float(2 * stats.t.sf(abs(wide.value / wide.se), wide.df)) if wide.se > 0 else np.nan
    row |= dict(share=wide.value, estimate=wide.value, se=wide.se, ci_lo=wide.lo, ci_hi=wide.hi, ci90_lo=narrow.lo, ci90_hi=narrow.hi, p=p)
    row |= dict(nested=against == 0, n_against=against, logical=bool(wide.value >= 0), n=both.n, n_missing=both.n_missing, n_eff=both.n_eff)
    if against and (both.kind != "sampling" or np.ptp(both.w) < 1e-12):
        row["mcnemar_p"] = float(stats.binomtest(more, against + more).pvalue)
    row["status"] = "degenerate" if wide.se == 0 else _status(both, clusters)
    return row


def _halves(one, two, ci_level):
    """Difference of two independent shares with Newcombe's interval and a score test."""
    out = {}
    if not (one["n"] and two["n"]):
        return out
    a, b, n_a, n_b = one["share"], two["share"], one["n_eff"], two["n_eff"]
    for level, names in ((ci_level, ("ci_lo", "ci_hi")), (1 - 2 * ALPHA, ("ci90_lo", "ci90_hi"))):
        (lo_a, hi_a), (lo_b, hi_b) = wilson(a, n_a, level), wilson(b, n_b, level)
        out[names[0]] = b - a - np.sqrt((b - lo_b) ** 2 + (hi_a - a) ** 2)
        out[names[1]] = b - a + np.sqrt((hi_b - b) ** 2 + (a - lo_a) ** 2)
    pooled = (a * n_a + b * n_b) / (n_a + n_b)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    p = float(2 * stats.norm.sf(abs(b - a) / spread)) if spread > 0 else np.nan
    return out | dict(share=b - a, estimate=b - a, se=float(np.hypot(one["se"], two["se"])), p=p)

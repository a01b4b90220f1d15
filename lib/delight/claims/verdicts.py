"""Verdicts on claims from estimate, interval and a margin fixed beforehand (M36)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from delight.claims.evidence import Judged, Limits, Normal, Share, Unknown
from delight.estimate import benjamini_hochberg

#: Every verdict there is. Those of claims about another population than the client's customers: `differs_here` for contradicted.
VERDICTS = (
    "supported",
    "supported_trivial",
    "supported_size_open",
    "consistent",
    "null",
    "contradicted",
    "differs_here",
    "inconclusive",
    "insufficient",
    "not_identified",
    "not_testable",
)
#: Verdicts that rest on a test, and therefore on its correction for the whole ledger.
TESTED = VERDICTS[:7]
POWER = 0.8
#: Fewer answers decide nothing (M00).
FEWEST = 30


def direction(evidence, null, margin):
    """Verdict on "the estimand lies above `null`": (verdict, p of the direction, p of equivalence), first match counts.

    Parameters
    ----------
    evidence : Evidence
    null, margin : float
        In units of the estimate; the margin is the smallest difference that matters (SESOI).

    Notes
    -----
    p of the direction: two-sided, against `null`. p of equivalence: the larger of the two one-sided tests of null ± margin.
    L95 > null + margin supported · U90 < null + margin supported_trivial · L95 > null supported_size_open ·
    U95 < null contradicted · 90 % interval within null ± margin null · else inconclusive.

    References
    ----------
    Schuirmann, D. J. (1987). Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.
    """
    lo, hi = evidence.interval(0.95)
    lo90, hi90 = evidence.interval(0.90)
    p = min(1.0, 2 * min(evidence.p_above(null), evidence.p_below(null)))
    tost = max(evidence.p_above(null - margin), evidence.p_below(null + margin))
    if lo > null + margin:
        found = "supported"
    elif lo > null and hi90 < null + margin:
        found = "supported_trivial"
    elif lo > null:
        found = "supported_size_open"
    elif hi < null:
        found = "contradicted"
    elif lo90 > null - margin and hi90 < null + margin:
        found = "null"
    else:
        found = "inconclusive"
    return found, p, tost


def value(evidence, published, margin):
    """Verdict on "the estimand is `published`": (verdict, p of lying outside, p of equivalence).

    90 % interval within published ± margin: consistent; 95 % interval disjoint from it: contradicted; else inconclusive.
    """
    lo, hi = evidence.interval(0.95)
    lo90, hi90 = evidence.interval(0.90)
    low, high = published - margin, published + margin
    tost = max(evidence.p_above(low), evidence.p_below(high))
    outside = min(1.0, 2 * min(evidence.p_above(high), evidence.p_below(low)))
    if lo90 > low and hi90 < high:
        return "consistent", outside, tost
    return ("contradicted" if lo > high or hi < low else "inconclusive"), outside, tost


def power(evidence, kind, at, margin, alpha=0.05):
    """Probability that this design decides: `supported` if the truth is at + 2 margins, `consistent` if it is `at`."""
    truth = at if kind == "value" else at + 2 * margin
    se = evidence.se_at(truth)
    if not se > 0:
        return np.nan
    if kind == "value":
        return float(max(0.0, 2 * stats.norm.cdf(margin / se - stats.norm.ppf(1 - alpha)) - 1))
    return float(stats.norm.cdf(margin / se - stats.norm.ppf(1 - alpha / 2)))


def n_needed(evidence, kind, at, margin, alpha=0.05):
    """Answers with which `power` would be 80 %, at the spread found here; NaN where it cannot be told.

    References
    ----------
    Schuirmann (1987): 57 % ± 5 takes 840 answers, 78 % ± 5 takes 588, a grade of 8 ± .25 with sd 1.5 takes 310.
    """
    truth = at if kind == "value" else at + 2 * margin
    se = evidence.se_at(truth)
    if not (se > 0 and evidence.n > 0 and margin > 0):
        return np.nan
    spread = se * np.sqrt(evidence.n)  # of one answer, the design's effect on precision included
    beta = (1 - POWER) / 2 if kind == "value" else 1 - POWER
    tail = 1 - alpha if kind == "value" else 1 - alpha / 2

    def z(n):
        if isinstance(evidence, Share) or not isinstance(evidence, Normal) or n < 3:
            return stats.norm.ppf(tail) + stats.norm.ppf(1 - beta)
        return stats.t.ppf(tail, n - 1) + stats.t.ppf(1 - beta, n - 1)

    n = (z(np.inf) * spread / margin) ** 2
    for _ in range(20):
        again = (z(max(n, 3)) * spread / margin) ** 2
        if abs(again - n) < 0.01:
            break
        n = again
    return float(np.ceil(n - 1e-9))


def judge(claims, evidence):
    """Judge claims together: verdicts, corrected for the number of claims tested.

    Parameters
    ----------
    claims : sequence of `delight.claims.ledger.Claim`
    evidence : dict of str to Evidence
        By claim id; a claim without entry is not testable.

    Returns
    -------
    DataFrame, one row a claim in the order given
        ``claim_id, source, author, population, kind, published, margin, estimate, ci95_lo, ci95_hi, ci90_lo, ci90_hi, p, q, p_equivalence,
        q_equivalence, power, n_needed, grade, verdict, demoted_from, flags, attributes, table, missing, n, n_missing, n_eff, status``.
        ``flags, attributes, missing`` are texts, parts separated by ", ".

    Notes
    -----
    Benjamini-Hochberg over the ledger, direction tests and equivalence tests apart. A verdict whose q is above .05 is demoted to
    inconclusive (``demoted_from`` keeps it); `null` and `consistent` rest on the equivalence test, `supported_trivial` on both. A claim
    about another population is never contradicted by a client's customers: ``differs_here``. A judgement without a test (p is NaN)
    takes no part in the correction.
    """
    rows = [_row(claim, evidence.get(claim.id)) for claim in claims]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table[NUMBERS] = table[NUMBERS].astype(float)
    table["q"] = benjamini_hochberg(table["p"])
    table["q_equivalence"] = benjamini_hochberg(table["p_equivalence"])
    rests_on = {"null": ["q_equivalence"], "consistent": ["q_equivalence"], "supported_trivial": ["q", "q_equivalence"]}
    for at, verdict in table["verdict"].items():
        found = evidence.get(table.at[at, "claim_id"])
        judged = isinstance(found, Judged)
        if verdict in TESTED and not (judged and np.isnan(found.p)):
            columns = ["q_equivalence"] if judged and found.equivalence else rests_on.get(verdict, ["q"])
            q = table.loc[at, columns].astype(float)
            if q.isna().any() or (q > 0.05).any():
                table.loc[at, ["verdict", "demoted_from"]] = ["inconclusive", verdict]
    elsewhere = (table["verdict"] == "contradicted") & (table["population"] != "customers")
    table.loc[elsewhere, "verdict"] = "differs_here"
    return table


COLUMNS = [
    *("claim_id", "source", "author", "population", "kind", "published", "margin", "estimate", "ci95_lo", "ci95_hi", "ci90_lo", "ci90_hi"),
    *("p", "q", "p_equivalence", "q_equivalence", "power", "n_needed", "grade", "verdict", "demoted_from", "flags", "attributes", "table"),
    *("missing", "n", "n_missing", "n_eff", "status"),
]


NUMBERS = [
    *("published", "margin", "estimate", "ci95_lo", "ci95_hi", "ci90_lo", "ci90_hi", "p", "q", "p_equivalence", "q_equivalence"),
    *("power", "n_needed", "n_eff"),
]


def _row(claim, found):
    row = dict.fromkeys(COLUMNS, np.nan) | {
        "claim_id": claim.id,
        "source": ", ".join(claim.sources),
        "author": claim.author,
        "population": claim.population,
        "kind": claim.kind,
        "published": claim.published,
        "margin": claim.margin,
        **dict.fromkeys(("demoted_from", "flags", "attributes", "table", "missing", "grade"), ""),
        **{"n": 0, "n_missing": 0, "status": "ok"},
    }
    if found is None or isinstance(found, Unknown) and found.status == "not_testable":
        return row | {"verdict": "not_testable", "status": "not_identified", "missing": ", ".join(getattr(found, "missing", ()))}
    row |= {"n": found.n, "n_missing": found.n_missing, "n_eff": found.n_eff, "grade": found.grade, "table": found.table}
    row |= {"flags": ", ".join(found.flags), "attributes": ", ".join(found.attributes), "status": found.status}
    if found.n < FEWEST and not isinstance(found, Unknown):
        return row | {"verdict": "insufficient", "status": "insufficient", "n_needed": FEWEST}
    if isinstance(found, Limits) and found.known and found.lo95 == found.hi95 and not (isinstance(found, Judged) and np.isnan(found.p)):
        return row | {"verdict": "not_identified", "status": "not_identified", "n_needed": found.n_needed}  # draws that cannot differ
    if isinstance(found, Judged):
        row |= {"verdict": found.verdict, ("p_equivalence" if found.equivalence else "p"): found.p, "n_needed": found.n_needed}
    elif not found.known:
        known = found.status if found.status in VERDICTS else "insufficient"
        return row | {"verdict": known, "n_needed": found.n_needed}
    else:
        rule = value if claim.kind == "value" else direction
        row["verdict"], row["p"], row["p_equivalence"] = rule(found, claim.published, claim.margin)
        row["power"] = power(found, claim.kind, claim.published, claim.margin)
        asked = found.n_needed
        row["n_needed"] = asked if np.isfinite(asked) else n_needed(found, claim.kind, claim.published, claim.margin)
    if found.known:
        row["estimate"] = found.estimate
        row["ci95_lo"], row["ci95_hi"] = found.interval(0.95)
        row["ci90_lo"], row["ci90_hi"] = found.interval(0.90)
    return row

"""The ledger: how often anything is said where nothing is true (M36)."""

from __future__ import annotations

import numpy as np
from delight.claims.evidence import Normal
from delight.claims.ledger import Claim
from delight.claims.verdicts import judge
from harness import AT_MOST, FREE, study

DIRECTIONS = [Claim(f"D{i}", ("S1",), "direction", {}, published=0.0, margin=0.25) for i in range(20)]
VALUES = [Claim(f"V{i}", ("S1",), "value", {}, published=8.0, margin=0.25) for i in range(20)]


def _found(rng, claims, truth, errors):
    """Made-up evidence: estimates around the truth with these standard errors, 200 answers each."""
    made = zip(claims, truth, errors)
    evidence = {c.id: Normal(estimate=float(rng.normal(t, se)), n=200, n_eff=200.0, se=float(se)) for c, t, se in made}
    return judge(claims, evidence)["verdict"]


SAYS = ["supported", "supported_trivial", "supported_size_open", "contradicted"]


@study(
    "M36 directions, all null", "20 claims on a direction without any effect, errors .05-.3", sets=1000, any_wrong=AT_MOST, found_null=FREE
)
def ledger_null(rng):
    verdicts = _found(rng, DIRECTIONS, np.zeros(20), rng.uniform(0.05, 0.3, 20))
    return {"any_wrong": verdicts.isin(SAYS).any(), "found_null": (verdicts == "null").mean()}


@study("M36 values, all at the margin", "20 claims on a value whose truth lies at the margin, errors .05-.15", sets=600, any_consistent=AT_MOST, any_contradicted=AT_MOST)  # fmt: skip
def ledger_margin(rng):
    verdicts = _found(rng, VALUES, 8.25 * np.ones(20), rng.uniform(0.05, 0.15, 20))
    return {"any_consistent": (verdicts == "consistent").any(), "any_contradicted": (verdicts == "contradicted").any()}


@study("M36 a single claim", "one claim on a direction, at nil; one whose effect is the margin: called more than trivial", sets=600, supported=(0.0, 0.035), contradicted=(0.0, 0.035), beyond_margin=(0.0, 0.035))  # fmt: skip
def ledger_single(rng):
    nil = _found(rng, DIRECTIONS[:1], [0.0], [0.1]).iloc[0]
    edge = _found(rng, DIRECTIONS[:1], [0.25], [0.1]).iloc[0]
    return {"supported": nil in SAYS[:3], "contradicted": nil == "contradicted", "beyond_margin": edge == "supported"}


@study(
    "M36 half of the ledger true",
    "10 true and 10 null directions: share of wrong verdicts among all given (FDR)",
    sets=300,
    wrong=AT_MOST,
    found=FREE,
)
def ledger_half(rng):
    truth = np.repeat([0.5, 0.0], 10)
    said = _found(rng, DIRECTIONS, truth, np.full(20, 0.12)).isin(SAYS).to_numpy()
    return {"wrong": said[10:].sum() / max(said.sum(), 1), "found": said[:10].mean()}

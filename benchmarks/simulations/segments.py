"""Do three-step outcomes and slopes of segments cover the truth, and which way of treating uncertain membership is honest?

Three planted kinds of customers rate ten needs from one to five, with a level of their own; their grade and what drives it differ by kind.
Classes are fitted to the needs in every data set. Usage: python benchmarks/simulations/segments.py [data sets, default 300]
"""

import sys

import numpy as np
import pandas as pd
from delight import resample
from delight.drivers.differences import differences
from delight.scales import Scale
from delight.segments import em, latent
from delight.segments.members import membership, outcomes
from delight.segments.model import SegmentModel, assign
from delight.segments.needs import coding
from scipy.optimize import linear_sum_assignment

ITEMS = [f"need_{i}" for i in range(10)]
SHARES = [0.45, 0.25, 0.30]
WISHES = np.zeros((3, 10))
WISHES[1, 3:6], WISHES[1, 6:] = 1.0, -0.7
WISHES[2, 3:6], WISHES[2, 6:] = -0.8, 0.75
MEANS = np.array([7.8, 7.2, 8.2])  # grade of each kind
SLOPES = np.array([[0.3, 0.2, 0.0], [0.3, -0.2, 0.0], [0.1, 0.2, 0.0]])  # of three experiences, by kind


def customers(n, noise, seed):
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=SHARES)
    ratings = 3.6 + WISHES[kind] + 0.55 * rng.normal(size=(n, 1)) + noise * rng.normal(size=(n, 10))
    experiences = rng.normal(size=(n, 3))
    grade = MEANS[kind] + (experiences * SLOPES[kind]).sum(axis=1) + rng.normal(0, 0.8, n)
    frame = pd.DataFrame(np.clip(np.round(ratings), 1, 5), columns=ITEMS)
    return frame.assign(a=experiences[:, 0], b=experiences[:, 1], c=experiences[:, 2], grade=grade)


def segmented(frame, seed):
    """Assignment by classes fitted to these customers, named after the planted kind they lie nearest to."""
    data = latent.prepare(frame, coding(frame, ITEMS, scales={i: Scale(1, 5) for i in ITEMS}, within=True))
    rng = resample.generator(seed, "simulation")
    model, *_ = em.fit(data.kind, 3, data.seen.weights, rng, n_starts=10, n_polish=2, tolerance=1e-5)
    params = latent.one(model)
    planted = WISHES - WISHES.mean(axis=1, keepdims=True)
    found, kind = linear_sum_assignment(((params[1][:, None] - planted[None]) ** 2).sum(axis=-1))
    names = dict(zip(found, kind))
    return assign(frame, model=SegmentModel(data.coding, params, tuple(f"kind-{names[k]}" for k in range(3))))


def study(n, noise, repeats):
    hits, kinds = {}, [f"kind-{k}" for k in range(3)]

    def note(key, value):
        hits.setdefault(key, []).append(value)

    for seed in range(repeats):
        frame = customers(n, noise, seed)
        assignment = segmented(frame, seed)
        told = outcomes(frame, assignment, measures={"mean": "grade"}).table.set_index("group").loc[kinds]
        note("certainty", assignment.table["certainty"].mean())
        note("mean: covered", (told["value_lo"] <= MEANS) & (told["value_hi"] >= MEANS))
        note("mean: bias", (told["value"] - MEANS).to_numpy())
        note("mean: bias by modal assignment", (told["modal"] - MEANS).to_numpy())
        chance = assignment.table[[f"post_{k}" for k in kinds]].to_numpy()
        ways = {"corrected": membership(assignment)[kinds].to_numpy(), "modal": np.eye(3)[chance.argmax(axis=1)], "posterior": chance}
        for way, members in ways.items():
            table = differences(frame, y="grade", x=list("abc"), members=pd.DataFrame(members, columns=kinds))
            rows = table.effects.table.query("by != 'whole'").pivot(index="group", columns="attribute", values=["effect", "ci_lo", "ci_hi"])
            tests = table.tests.table.set_index("attribute")
            note(f"slopes, {way}: covered", ((rows["ci_lo"] <= SLOPES) & (rows["ci_hi"] >= SLOPES)).to_numpy())
            note(f"slopes, {way}: the flip (-0.2)", rows["effect"].loc["kind-1", "b"])
            note(f"slopes, {way}: size of the test of equality", tests.loc["c", "p"] < 0.05)
            note(f"slopes, {way}: size of the test of opposite effects", tests.loc["a", "p_flip"] < 0.05)
            note(f"slopes, {way}: power of the test of opposite effects", tests.loc["b", "p_flip"] < 0.05)
    print(f"\nn = {n}, noise sd {noise}, {repeats} data sets")
    for key, values in hits.items():
        values = np.asarray(values, dtype=float)
        if "bias" in key:
            print(f"  {key}: " + ", ".join(f"{v:+.3f}" for v in values.mean(axis=0)))
        else:
            print(
                f"  {key}: {values.mean():.3f} (Monte-Carlo se {values.reshape(len(values), -1).mean(axis=1).std() / np.sqrt(len(values)):.3f})"
            )


if __name__ == "__main__":
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    for n, noise in ((600, 0.6), (2000, 0.6), (2000, 1.0)):
        study(n, noise, repeats)

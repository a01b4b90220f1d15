"""Coverage and size of M18: tests of equal and of opposite effects, gain of targeting, spread of slopes over locations.

Usage: python benchmarks/simulations/differences.py [data sets, default 2000]
"""

import sys

import numpy as np
import pandas as pd
from delight.drivers.differences import across, differences

X = list("wxyz")


def survey(rng, slopes, sizes, uneven=False):
    """Customers of segments with given sizes and slopes; uneven errors grow with the experience x."""
    segment = np.repeat(np.arange(len(sizes)), sizes)
    scores = rng.normal(size=(len(segment), 4)) + 0.5 * rng.normal(size=(len(segment), 1))
    error = rng.normal(size=len(segment)) * (np.exp(0.4 * scores[:, 1]) if uneven else 1.0)
    grade = (scores * np.asarray(slopes)[segment]).sum(axis=1) + error
    return pd.DataFrame(scores, columns=X).assign(grade=grade, segment=[f"s{k}" for k in segment])


def line(name, hits):
    hits = np.asarray(hits, dtype=float)
    share = hits[~np.isnan(hits)].mean()
    print(f"  {name}: {share:.3f} (Monte-Carlo se {np.sqrt(share * (1 - share) / len(hits)):.3f})")


def segments(repeats):
    alike = [[0.3, 0.3, 0.3, 0.3]] * 3
    edge = [[0.5, 0.0, 0.3, 0.3], [0.5, 0.0, 0.3, 0.3], [0.5, 0.8, 0.3, 0.3]]  # x: one strong effect and two of zero, the hardest case
    flip = [[0.3, 0.3, 0.3, 0.3], [0.3, 0.3, 0.3, 0.3], [0.3, -0.3, 0.3, 0.3]]
    for sizes, uneven in (([150, 150, 150], False), ([150, 150, 150], True), ([400, 250, 60], True)):
        print(f"\nsegments of {sizes}, {'uneven' if uneven else 'even'} errors, {repeats} data sets")
        chow, equal, opposite, covered, hardest, power, gains, same = ([] for _ in range(8))
        for seed in range(repeats):
            rng = np.random.default_rng([7, seed])
            found = differences(survey(rng, alike, sizes, uneven), y="grade", x=X)
            chow.append(found.effects.note("chow").values["p"] < 0.05)
            equal.append((found.tests.table["p"] < 0.05).mean())
            opposite.append((found.tests.table["p_flip"] < 0.05).mean())
            rows = found.effects.table.query("by != 'whole'")
            covered.append(((rows["ci_lo"] <= 0.3) & (rows["ci_hi"] >= 0.3)).mean())
            same.append(found.targeting.table["targeting_gain_lo"].iloc[0] > 0)
            found = differences(survey(rng, edge, sizes, uneven), y="grade", x=X)
            hardest.append(found.tests.table.set_index("attribute").loc["x", "p_flip"] < 0.05)
            found = differences(survey(rng, flip, sizes, uneven), y="grade", x=X)
            power.append(found.tests.table.set_index("attribute").loc["x", "p_flip"] < 0.05)
            found = differences(survey(rng, [[0.8, 0, 0, 0], [0, 0.8, 0, 0], [0, 0, 0.8, 0]], sizes, uneven), y="grade", x=X)
            row = found.targeting.table.iloc[0]
            share = np.array(sizes) / sum(sizes)
            gains.append(row["targeting_gain_lo"] <= 0.8 * (1 - share.max()) <= row["targeting_gain_hi"])
        line("effects of segments, coverage of 95 %", covered)
        line("all effects equal (Wald over all), size of 5 %", chow)
        line("one effect equal (Wald), size of 5 %", equal)
        line("opposite effects (Gail-Simon), all alike, at most 5 %", opposite)
        line("opposite effects (Gail-Simon), hardest case, size of 5 %", hardest)
        line("opposite effects (Gail-Simon), power at +.3 +.3 -.3", power)
        line("gain of targeting, coverage of 95 %", gains)
        line("gain of targeting claimed where segments are alike, at most 2.5 %", same)


def locations(repeats):
    for n, groups, tau, uneven in ((1200, 40, 0.0, False), (1200, 40, 0.0, True), (1200, 40, 0.2, True), (3000, 12, 0.2, True)):
        print(f"\n{groups} locations, {n} answers, spread of slopes {tau}, {'uneven' if uneven else 'even'} errors, {repeats} data sets")
        tested, spread, mean, further = ([] for _ in range(4))
        for seed in range(repeats):
            rng = np.random.default_rng([8, seed])
            frame = survey(rng, [[0.3, 0.3, 0.3, 0.3]], [n], uneven)
            where, own = rng.integers(0, groups, n), rng.normal(0, tau, groups + 1)
            frame = frame.assign(grade=frame["grade"] + frame["x"] * own[where], location=where)
            row = across(frame, y="grade", x=X, n_permutations=199, seed=seed).table.set_index("attribute").loc["x"]
            tested.append(row.p < 0.05)
            spread.append(row.tau_lo <= tau <= row.tau_hi)
            mean.append(row.ci_lo <= 0.3 <= row.ci_hi)
            further.append(row.pred_lo <= 0.3 + own[groups] <= row.pred_hi)
        line("all locations alike, " + ("size of 5 %" if not tau else "power"), tested)
        line("spread (Q-profile), coverage of 95 %", spread)
        line("mean effect (Hartung-Knapp), coverage of 95 %", mean)
        line("a further location (prediction interval), coverage of 95 %", further)


if __name__ == "__main__":
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    segments(repeats)
    locations(max(repeats // 4, 1))

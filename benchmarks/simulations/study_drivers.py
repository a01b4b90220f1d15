"""Importance, impact classes, what-if and employees (M08, M13-M16, M32)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from delight.drivers.employees import employee_share
from delight.drivers.importance import importance
from delight.drivers.key_drivers import dissatisfiers
from delight.drivers.penalty_reward import effects
from delight.drivers.regression import coefficients
from delight.drivers.relative_weights import relative_weights
from delight.drivers.shapley import shapley
from delight.drivers.what_if import gains
from harness import AT_LEAST, AT_MOST, COVERAGE, FREE, SIZE, study
from worlds import FINE, TEN, rated

SIX = [f"x{j}" for j in range(1, 7)]
GRADED = (0.40, 0.30, 0.22, 0.15, 0.08, 0.0)
EQUAL = (0.2,) * 6


def _scales(x, y=FINE):
    return {**dict.fromkeys(x, TEN), "y": y}


@lru_cache
def _true_shares(slopes, game):
    """Shares of R² in the population, from a million customers."""
    frame = rated(np.random.default_rng(1), 1_000_000, slopes)
    r = frame.corr().to_numpy()
    found = (shapley if game == "shapley" else relative_weights)(r[None, :-1, :-1], r[None, :-1, -1])[0]
    return found / found.sum()


def _ranks_hold(table, truth):
    """Whether every driver's set of ranks holds its true rank (ties: some rank of its tie)."""
    ok = True
    for row, value in zip(table.itertuples(), truth):
        first, last = 1 + (truth > value + 1e-9).sum(), len(truth) - (truth < value - 1e-9).sum()
        ok &= row.rank_lo <= last and row.rank_hi >= first if first != last else row.rank_lo <= first <= row.rank_hi
    return bool(ok)


def _all_of(table, truth):
    """Ties: every rank of the tie has to be in the set of each of its drivers."""
    return bool(
        all(
            row.rank_lo <= 1 + (truth > value + 1e-9).sum() and row.rank_hi >= len(truth) - (truth < value - 1e-9).sum()
            for row, value in zip(table.itertuples(), truth)
        )
    )


def _importance(rng, n, slopes, game="shapley", draws=999, **more):
    frame = rated(rng, n, slopes, **more)
    x = [c for c in frame if c != "y"]
    found = importance(frame, y="y", x=x, scales=_scales(x), game=game, n_boot=draws, seed=int(rng.integers(1e9))).importance
    return found.table.set_index("attribute").loc[x]


@study(
    "M14 Shapley: intervals and rank sets",
    "300 customers, six graded drivers, correlation .5",
    largest=COVERAGE,
    smallest=FREE,
    ranks=AT_LEAST,
)
def shapley_graded(rng):
    table, truth = _importance(rng, 300, GRADED), _true_shares(GRADED, "shapley")
    covers = (table["ci_lo"] <= truth) & (truth <= table["ci_hi"])
    return {"largest": covers.iloc[0], "smallest": covers.iloc[-1], "ranks": _all_of(table, np.asarray(GRADED))}


@study("M14 rank sets, all drivers equal", "100 customers, six equal drivers, correlation .5", sets=600, ranks=AT_LEAST)
def shapley_equal(rng):
    return {"ranks": _all_of(_importance(rng, 100, EQUAL), np.asarray(EQUAL))}


@study("M14 rank sets, eleven drivers (step-down)", "300 customers, eleven equal drivers", sets=200, ranks=AT_LEAST)
def shapley_eleven(rng):
    equal = (0.15,) * 11
    return {"ranks": _all_of(_importance(rng, 300, equal), np.asarray(equal))}


@study("M13 relative weights: intervals", "300 customers, six graded drivers, correlation .5", sets=300, largest=COVERAGE, smallest=FREE)
def weights_graded(rng):
    table, truth = _importance(rng, 300, GRADED, "relative_weights"), _true_shares(GRADED, "relative_weights")
    covers = (table["ci_lo"] <= truth) & (truth <= table["ci_hi"])
    return {"largest": covers.iloc[0], "smallest": covers.iloc[-1]}


@study("M13 differs from noise", "300 customers, five drivers and one unrelated to all", sets=300, noise_called=AT_MOST, driver_found=FREE)
def weights_noise(rng):
    frame = rated(rng, 300, GRADED[:5]).assign(x6=np.clip(np.round(rng.normal(7.5, 1.3, 300)), 1, 10))
    found = importance(
        frame, y="y", x=SIX, scales=_scales(SIX), game="relative_weights", n_boot=999, seed=int(rng.integers(1e9))
    ).importance
    p = found.table.set_index("attribute")["noise_p"]
    return {"noise_called": p["x6"] < 0.05, "driver_found": p["x1"] < 0.05}


@study("M15 coefficients, HC3", "300 customers, spread of the error grows with x1", coverage=COVERAGE, size=SIZE)
def regression_uneven(rng):
    frame = rated(rng, 300, GRADED, noise=0.0)
    frame["y"] += rng.normal(size=300) * (0.3 + 0.25 * np.abs(frame["x1"] - 7.5))
    table = coefficients(frame, y="y", x=SIX, scales=_scales(SIX)).table.set_index("attribute")
    return {"coverage": table.at["x1", "ci_lo"] <= 0.40 <= table.at["x1", "ci_hi"], "size": table.at["x6", "p"] < 0.05}


LINEAR = (0.16,) * 8
EIGHT = [f"x{j}" for j in range(1, 9)]


def _impact(frame, x, y=FINE):
    return effects(frame, y="y", x=x, scales=_scales(x, y), n_boot=1).table.set_index("attribute").loc[x]


@study("M08 straight lines", "1,000 customers, eight linear drivers, correlation .5", slope=COVERAGE, size=SIZE, any_class=AT_MOST)
def impact_linear(rng):
    table = _impact(rated(rng, 1000, LINEAR), EIGHT)
    kinds = table["impact_class"].isin(["basis", "bijzonder", "reverse"])
    slope = (table["slope_above_lo"] <= 0.16) & (table["slope_above_hi"] >= 0.16)
    return {"slope": slope.mean(), "size": (table["diff_p"] < 0.05).mean(), "any_class": kinds.any()}


@study(
    "M08 straight lines, whole grades cut off at 10",
    "1,000 customers, linear truth, y rounded and a fifth at 10",
    sets=600,
    any_class=AT_MOST,
)
def impact_ceiling(rng):
    frame = rated(rng, 1000, LINEAR)
    frame["y"] = np.clip(np.round(frame["y"] - frame["y"].quantile(0.8) + 9.5), 1, 10)
    table = _impact(frame, EIGHT, TEN)
    return {"any_class": table["impact_class"].isin(["basis", "bijzonder", "reverse"]).any()}


@study("M08 nothing but halo", "1,000 customers, one mood behind all answers, no driver has a kind", sets=600, any_class=AT_MOST)
def impact_halo(rng):
    mood = rng.normal(size=(1000, 1))
    x = np.clip(np.round(7.8 + 1.1 * mood + 0.9 * rng.normal(size=(1000, 8))), 1, 10)
    frame = rated(rng, 1000, LINEAR).assign(**dict(zip(EIGHT, x.T)))
    frame["y"] = np.clip(np.round(7.8 + 1.1 * mood[:, 0] + 0.7 * rng.normal(size=1000)), 1, 10)
    table = _impact(frame, EIGHT, TEN)
    return {"any_class": table["impact_class"].isin(["basis", "bijzonder", "reverse"]).any()}


@study(
    "M08 kinds found",
    "1,000 customers: one basic, one delighter, six linear; share of wrong kinds among those named (FDR)",
    sets=600,
    basis=FREE,
    bijzonder=FREE,
    wrong=AT_MOST,
    any_wrong=FREE,
)
def impact_planted(rng):
    frame = rated(rng, 1000, (0, 0, *(0.15,) * 6), mean=7.8)
    frame["y"] += 0.4 * np.minimum(frame["x1"] - 8, 0) + 0.4 * np.maximum(frame["x2"] - 8, 0)
    found = _impact(frame, EIGHT)["impact_class"]
    named = found.isin(["basis", "bijzonder", "reverse"])
    wrong = named & (found != pd.Series({"x1": "basis", "x2": "bijzonder"}).reindex(EIGHT))
    right = {"basis": found["x1"] == "basis", "bijzonder": found["x2"] == "bijzonder"}
    return {**right, "wrong": wrong.sum() / max(named.sum(), 1), "any_wrong": wrong.any()}


@lru_cache
def _true_gain():
    """Gain of one point on x1 in the population: share at 9 or more, from a million customers and the true model."""
    rng = np.random.default_rng(2)
    frame = rated(rng, 1_000_000, GRADED, noise=0.0)
    raised = frame["y"] + 0.40 * (np.minimum(frame["x1"] + 1, 10) - frame["x1"])
    chance = lambda y: 1 / (1 + np.exp(-1.5 * (y - 9.4)))  # noqa: E731
    return float(100 * (chance(raised).mean() - chance(frame["y"]).mean()))


@study("M15 what-if", "600 customers, logistic truth, one point more on x1 (gain per 100)", sets=600, gain=COVERAGE)
def what_if(rng):
    frame = rated(rng, 600, GRADED, noise=0.0)
    chance = 1 / (1 + np.exp(-1.5 * (frame["y"] - 9.4)))
    frame["y"] = np.where(rng.random(600) < chance, 9.0, 7.0)
    row = gains(frame, y="y", x=SIX, scales=_scales(SIX, TEN), delight_from=9, n_boot=499, seed=int(rng.integers(1e9))).table.iloc[0]
    return {"gain": row["gain_lo"] <= _true_gain() <= row["gain_hi"]}


@lru_cache
def _true_success():
    frame = _failing(np.random.default_rng(3), 1_000_000)
    fails, low = (frame[SIX] <= 6).to_numpy().any(axis=1), (frame["y"] <= 6).to_numpy()
    return float(fails[low].mean() - fails[~low].mean())


def _failing(rng, n):
    frame = rated(rng, n, GRADED, noise=1.2, mean=8.3)
    frame["y"] = np.clip(np.round(frame["y"] - 2.2), 1, 10)
    return frame


@study("M16 success of all attributes together", "600 customers, six attributes", sets=2000, success=COVERAGE)
def key_dissatisfiers(rng):
    table = dissatisfiers(_failing(rng, 600), y="y", x=SIX, scales=_scales(SIX, TEN), n_boot=499, seed=int(rng.integers(1e9))).table
    row = table.sort_values("order").iloc[-1]
    return {"success": row["ci_lo"] <= _true_success() <= row["ci_hi"] if row["status"] != "insufficient" else np.nan}


@study(
    "M32 staff weigh as much as others",
    "400 customers, eight equal drivers, four of them of staff",
    sets=400,
    size=AT_MOST,
    interval=COVERAGE,
)
def staff_share(rng):
    frame = rated(rng, 400, LINEAR)
    found = employee_share(frame, y="y", x=EIGHT, employee=EIGHT[:4], scales=_scales(EIGHT), satisfied_from=9, delight_from=10, n_boot=499)
    row = found.table.set_index("outcome").loc["score"]
    return {"size": row["excess_p"] < 0.05, "interval": row["excess_lo"] <= 0 <= row["excess_hi"]}

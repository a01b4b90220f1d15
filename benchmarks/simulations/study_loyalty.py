"""The 8.5 rule, who is gated, bonds and mediation, switching, goodwill and the path model (M06, M19-M22, M27)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from delight.loyalty.curve import curve
from delight.loyalty.gate import gate
from delight.loyalty.goodwill import goodwill
from delight.loyalty.path import path_model
from delight.loyalty.regression import regression
from delight.loyalty.relation import bond, contrast, mediation
from delight.loyalty.switching import stated
from delight.loyalty.threshold import rule
from delight.scales import Scale
from harness import AT_LEAST, AT_MOST, COVERAGE, FREE, SIZE, study
from scipy.special import expit
from worlds import ELEVEN, FINE, TEN, grades

YES_NO, FIVE, SLIDER, MONEY = Scale(0, 1), Scale(1, 5), Scale(1, 10, 0), Scale(-100, 1000, 0)


def _around(rng, level, spread=2.0):
    """Whole answers whose mean is exactly `level`, wherever level ± (spread + 1) stays on the scale."""
    return np.floor(level + rng.uniform(-spread, spread, len(level)) + rng.random(len(level)))


def _covers(row, truth, name="ci"):
    return row[f"{name}_lo"] <= truth <= row[f"{name}_hi"]


# ---- the 8.5 rule --------------------------------------------------------------------------------------------------------
def _rule(rng, loyalty, n=600, y=ELEVEN):
    s = grades(rng, n)
    meta = rule(pd.DataFrame({"s": s, "y": loyalty(s)}), y="y", x="s", scales={"s": TEN, "y": y}).meta
    return meta["verdict"], meta["d"]


def _verdicts(found, truth=None):
    verdict, d = found
    told = {"supported": verdict == "supported", "contradicted": verdict == "contradicted"}
    return told | ({} if truth is None else {"coverage": d["lo"] <= truth <= d["hi"]})


@study("M06 local contrast D on grades", "600 customers, recommendation linear in the grade (D 0), few at the maximum", coverage=COVERAGE, supported=AT_MOST, contradicted=AT_MOST)  # fmt: skip
def rule_linear(rng):
    return _verdicts(_rule(rng, lambda s: _around(rng, 2.2 + 0.45 * s)), 0.0)


@study("M06 local contrast D on grades", "600 customers, a jump of .9 from 8 to 9 (D .9)", sets=1000, coverage=COVERAGE, supported=FREE, contradicted=AT_MOST)  # fmt: skip
def rule_jump(rng):
    return _verdicts(_rule(rng, lambda s: _around(rng, 1.8 + 0.45 * s + 0.9 * (s >= 9))), 0.9)


@study("M06 local contrast D on grades", "600 customers, nothing more to gain above 8 (D −.6)", sets=1000, coverage=COVERAGE, supported=AT_MOST, contradicted=FREE)  # fmt: skip
def rule_ceiling(rng):
    return _verdicts(_rule(rng, lambda s: _around(rng, 2.2 + 0.6 * np.minimum(s, 8))), -0.6)


@study("M06 bounded outcome", "600 customers, latent loyalty linear in the grade, 31 % at the maximum", sets=1000, supported=AT_MOST, contradicted=AT_MOST)  # fmt: skip
def rule_bounded(rng):
    return _verdicts(_rule(rng, lambda s: np.clip(np.round(2.5 + 0.75 * s + rng.logistic(0, 0.9, len(s))), 0, 10)))


@study("M06 yes/no outcome", "1,000 customers, staying as 1/(1+exp(7.2−.9s)): the bend of the S-curve lies at 8", sets=1000, supported=AT_MOST, contradicted=AT_MOST)  # fmt: skip
def rule_s_curve(rng):
    return _verdicts(_rule(rng, lambda s: (rng.random(len(s)) < expit(0.9 * s - 7.2)).astype(float), 1000, YES_NO))


def _slider(rng, level, n=600):
    s = np.clip(np.round(rng.normal(7.6, 1.5, n), 1), 1, 10)
    frame = pd.DataFrame({"s": s, "y": level(s) + rng.normal(size=n) * (0.6 + 0.1 * np.abs(s - 7.6))})
    return rule(frame, y="y", x="s", scales={"s": SLIDER, "y": FINE}, n_boot=299, seed=int(rng.integers(1e9))).meta


@study("M06 sup-F on a fine scale", "600 customers on 1-10 by tenths, linear, uneven errors", sets=1000, rademacher=SIZE, normal=FREE, supported=AT_MOST)  # fmt: skip
def bend_none(rng):
    meta = _slider(rng, lambda s: 0.5 * s)
    hinge = meta["hinge"]
    return {"rademacher": hinge["p_boot"] <= 0.05, "normal": hinge["p_normal"] <= 0.05, "supported": meta["verdict"] == "supported"}


@study("M06 place of a bend on a fine scale", "600 customers, slope .2 up to 7.2 and 1.2 above, uneven errors", sets=1000, place=COVERAGE, found=FREE, rule_supported=AT_MOST)  # fmt: skip
def bend_planted(rng):
    meta = _slider(rng, lambda s: 0.2 * s + np.maximum(s - 7.2, 0))
    hinge = meta["hinge"]
    place = hinge["set_lo"] <= 7.2 <= hinge["set_hi"] if hinge["status"] == "ok" else np.nan
    return {"place": place, "found": hinge["bend"] == "accelerating", "rule_supported": meta["verdict"] == "supported"}


def _gate(rng, both):
    """Delighters and basics graded by customers with a mood; `both(delighter, met)` is the chance of a 9 or 10."""
    n, mood = 1000, rng.normal(size=(1000, 1))
    x = np.clip(np.round(7.9 + 0.9 * mood + 0.9 * rng.normal(size=(n, 3))), 1, 10)
    delighter, met = x[:, 0] >= 9, (x[:, 1:] >= 8).all(axis=1)
    y = np.where(rng.random(n) < both(delighter, met, mood[:, 0]), 9.0, 7.0)
    frame = pd.DataFrame(x, columns=["d", "b1", "b2"]).assign(y=y)
    scales = dict.fromkeys(["d", "b1", "b2", "y"], TEN)
    row = (
        gate(frame, y="y", delighters=["d"], basics=["b1", "b2"], scales=scales, event=9, n_boot=19).table.query("gate == 'person'").iloc[0]
    )
    return {"supported": row["verdict"] == "supported", "contradicted": row["verdict"] == "contradicted", "row": row}


GATE = {"supported": AT_MOST, "contradicted": AT_MOST}


@study("M06 gate of the basics", "1,000 customers, mood behind all answers; delighter and basics add up in log odds", sets=600, **GATE)
def gate_odds(rng):
    return _gate(rng, lambda d, met, mood: expit(-1.2 + 0.8 * d + 0.8 * met))


@study(
    "M06 gate of the basics",
    "1,000 customers, mood behind all answers; delighter and basics add up in shares",
    sets=600,
    coverage=COVERAGE,
    **GATE,
)
def gate_shares(rng):
    found = _gate(rng, lambda d, met, mood: 0.2 + 0.25 * d + 0.25 * met)
    return found | {"coverage": _covers(found["row"], 0.0, "interaction_rd")}


@study("M06 gate of the basics, pure halo", "1,000 customers, mood alone makes grades and outcome", sets=600, **GATE)
def gate_halo(rng):
    return _gate(rng, lambda d, met, mood: expit(-0.4 + 1.2 * mood))


# ---- curve, regression, bonds, mediation ---------------------------------------------------------------------------------
@study("M19 mean loyalty at a grade", "300 customers, recommendation around 2.2 + .45 grade", mean=COVERAGE, rare=COVERAGE)
def curve_means(rng):
    s = grades(rng, 300)
    frame = pd.DataFrame({"s": s, "y": _around(rng, 2.2 + 0.45 * s)})
    table = curve(frame, y="y", x="s", scales={"s": TEN, "y": ELEVEN}, n_boot=0).table.set_index("grade")
    rare = table.loc[5.0] if table.loc[5.0, "n"] > 1 else None
    return {"mean": _covers(table.loc[8.0], 5.8), "rare": np.nan if rare is None else _covers(rare, 4.45)}


@study("M20 regression, uneven errors", "300 customers, linear, errors that grow with the feeling", sets=1000, coef=COVERAGE, size=SIZE)
def loyalty_linear(rng):
    n = 300
    s, warm, price = grades(rng, n), rng.normal(size=n), rng.normal(size=n)
    y = 1 + 0.6 * s + 0.5 * warm + rng.normal(size=n) * np.exp(0.4 * warm)
    frame = pd.DataFrame({"s": s, "warm": warm, "price": price, "y": y})
    options = {"scales": {"s": TEN, "y": MONEY}, "emotional": ["warm"], "rational": ["price"], "model": "ols"}
    table = regression(frame, y="y", x="s", **options).table.set_index("term")
    return {"coef": _covers(table.loc["warm"], 0.5), "size": table.at["price", "p"] < 0.05}


@lru_cache
def _true_ame():
    rng = np.random.default_rng(20)
    s, warm = grades(rng, 1_000_000), rng.normal(size=1_000_000)
    chance = expit(-4 + 0.5 * s + 0.6 * warm)
    return float((0.6 * chance * (1 - chance)).mean())


@study("M20 average marginal effect", "400 customers, staying by a logit on grade and feeling", sets=600, coef=COVERAGE, ame=COVERAGE)
def loyalty_logit(rng):
    s, warm = grades(rng, 400), rng.normal(size=400)
    y = (rng.random(400) < expit(-4 + 0.5 * s + 0.6 * warm)).astype(float)
    frame = pd.DataFrame({"s": s, "warm": warm, "y": y})
    row = regression(frame, y="y", x="s", scales={"s": TEN, "y": YES_NO}, emotional=["warm"]).table.set_index("term").loc["warm"]
    return {"coef": _covers(row, 0.6), "ame": _covers(row, _true_ame(), "ame")}


def _customers_worth(rng, n):
    """Delighted customers; tenure makes both a bond and value; the bound are worth 20 more."""
    tenure, s = rng.gamma(2, 2, n), np.where(rng.random(n) < 0.6, 9.0, 10.0)
    bound = rng.random(n) < expit(-1.2 + 0.25 * tenure)
    value = rng.gamma(4, (60 + 8 * tenure + 20 * bound) / 4)
    return pd.DataFrame({"s": s, "feel": np.where(bound, 4.0, 3.0), "tenure": tenure, "value": value})


@study("M20 worth of a bond", "500 delighted customers, skewed value, tenure behind bond and value; the bound worth 20 more", sets=200, overlap=COVERAGE, regression=COVERAGE, raw=FREE)  # fmt: skip
def bond_worth(rng):
    options = {
        "value": "value",
        "x": "s",
        "emotion": "feel",
        "scales": {"s": TEN, "feel": FIVE},
        "delight_from": 9,
        "covariates": ["tenure"],
    }
    table = bond(_customers_worth(rng, 500), **options, n_boot=199, seed=int(rng.integers(1e9))).table
    rows = table[(table["population"] == "delighted") & (table["scale"] == "value")].set_index("estimator")
    return {name: _covers(rows.loc[name], 20.0) for name in ("overlap", "regression", "raw")}


@study("M20 mediation", "300 customers: delight → commitment .4, commitment → loyalty .5, direct .3", sets=1000, indirect=COVERAGE, direct=COVERAGE, total=COVERAGE)  # fmt: skip
def mediated(rng):
    x = rng.normal(size=300)
    m = 0.4 * x + rng.normal(size=300)
    frame = pd.DataFrame({"x": x, "m": m, "y": 0.3 * x + 0.5 * m + rng.normal(size=300) * np.exp(0.3 * x)})
    found = mediation(frame, y="y", x="x", mediator="m", scales={"x": FINE, "y": FINE}, n_boot=499, seed=int(rng.integers(1e9)))
    rows = found.paths.table.set_index("path")
    return {
        "indirect": _covers(rows.loc["indirect"], 0.2),
        "direct": _covers(rows.loc["direct"], 0.3),
        "total": _covers(rows.loc["total"], 0.5),
    }


@study("M20 mediation, no way through", "200 customers; commitment unrelated to both", sets=1000, indirect=AT_LEAST)
def mediated_not(rng):
    x, m = rng.normal(size=(2, 200))
    frame = pd.DataFrame({"x": x, "m": m, "y": 0.3 * x + rng.normal(size=200)})
    found = mediation(frame, y="y", x="x", mediator="m", scales={"x": FINE, "y": FINE}, n_boot=499, seed=int(rng.integers(1e9)))
    rows = found.paths.table.set_index("path")
    return {"indirect": _covers(rows.loc["indirect"], 0.0)}


@study("M20 two groups on one outcome", "60 and 140 customers, difference at the margin of .45, unequal spread", coverage=COVERAGE, equivalent=AT_MOST)  # fmt: skip
def two_groups(rng):
    y = np.concatenate([rng.normal(5.45, 1.0, 60), rng.normal(5.0, 0.6, 140)])
    frame = pd.DataFrame({"y": y, "g": np.repeat(["a", "b"], [60, 140])})
    row = contrast(frame, y="y", group="g", first="a", second="b", scales={"y": FINE}, margin=0.45).table.iloc[0]
    return {"coverage": _covers(row, 0.45), "equivalent": row["tost_p"] <= 0.05}


# ---- switching -----------------------------------------------------------------------------------------------------------
def _switching(rng, n, one, two):
    """Both questions asked of everybody; whoever considers leaving after one bad experience does so after two."""
    u = rng.random(n)
    frame = pd.DataFrame({"one": (u < one).astype(float), "two": (u < two).astype(float)})
    return stated(frame, after_one="one", after_two="two", scales={"one": YES_NO, "two": YES_NO}).table.set_index("trigger")


@study("M21 shares and increment", "300 answers, .57 after one and .78 after two", share=COVERAGE, increment=COVERAGE)
def switching_shares(rng):
    rows = _switching(rng, 300, 0.57, 0.78)
    return {"share": _covers(rows.loc["one"], 0.57), "increment": _covers(rows.loc["increment"], 0.21)}


@study("M21 equivalence with 57 % ± 5", "840 answers, truth at the margin (.62): consistent wrongly", consistent=AT_MOST, differs=AT_MOST)
def switching_margin(rng):
    row = _switching(rng, 840, 0.62, 0.8).loc["one"]
    return {"consistent": row["verdict"] == "consistent", "differs": row["verdict"] == "differs here"}


@study("M21 equivalence with 57 % ± 5", "840 answers, truth .57: power that the sample-size card promises (80 %)", consistent=(0.76, 0.84))
def switching_power(rng):
    return {"consistent": _switching(rng, 840, 0.57, 0.8).loc["one", "verdict"] == "consistent"}


# ---- goodwill ------------------------------------------------------------------------------------------------------------
def _goodwill(rng, leaving, n=2000):
    prior = grades(rng, n)
    failure = (rng.random(n) < 0.25).astype(float)
    frame = pd.DataFrame({"prior": prior, "failure": failure, "y": leaving(prior, failure)})
    y = YES_NO if frame["y"].max() <= 1 else TEN
    options = {"y": "y", "failure": "failure", "prior": "prior", "scales": {"y": y, "prior": TEN}, "delight_from": 9, "turned": y is YES_NO}
    row = goodwill(frame, **options, n_boot=19).table.query("term == 'interaction'").iloc[0]
    return {"supported": row["verdict"] == "supported", "contradicted": row["verdict"] == "contradicted", "row": row}


WRONG = {"supported": AT_MOST, "contradicted": AT_MOST}


@study("M22 two-scale rule", "2,000 customers; a failure costs everybody one point of latent loyalty", sets=600, **WRONG)
def goodwill_latent(rng):
    return _goodwill(rng, lambda s, f: (0.8 * (s - 7.8) - f + rng.normal(0, 1.2, len(s)) < -1.5).astype(float))


@study("M22 two-scale rule", "2,000 customers; a failure multiplies the odds of leaving by 2.7 for everybody", sets=600, **WRONG)
def goodwill_odds(rng):
    return _goodwill(rng, lambda s, f: (rng.random(len(s)) < expit(-1.5 - 0.9 * (s >= 9) + f)).astype(float))


@study(
    "M22 two-scale rule",
    "2,000 customers; a failure adds .15 to the chance of leaving for everybody",
    sets=600,
    coverage=COVERAGE,
    **WRONG,
)
def goodwill_risk(rng):
    found = _goodwill(rng, lambda s, f: (rng.random(len(s)) < 0.25 - 0.12 * (s >= 9) + 0.15 * f).astype(float))
    return found | {"coverage": _covers(found["row"], 0.0, "interaction_rd")}


@study(
    "M22 two-scale rule, graded",
    "1,000 customers; a failure costs everybody one point of the next grade",
    sets=600,
    coverage=COVERAGE,
    **WRONG,
)
def goodwill_graded(rng):
    found = _goodwill(rng, lambda s, f: _around(rng, 2.5 + 0.4 * s - f, 1.5), 1000)
    return found | {"coverage": _covers(found["row"], 0.0, "interaction_rd")}


@study("M22 two-scale rule, a buffer", "2,000 customers; failures cost the delighted .05 and others .25: how often it is found", sets=300, supported=FREE, contradicted=AT_MOST)  # fmt: skip
def goodwill_buffer(rng):
    return _goodwill(rng, lambda s, f: (rng.random(len(s)) < 0.2 - 0.1 * (s >= 9) + f * np.where(s >= 9, 0.02, 0.25)).astype(float))


# ---- path model ----------------------------------------------------------------------------------------------------------
CONSTRUCTS = {c: [f"{c}{i}" for i in range(3)] for c in ("image", "quality", "satisfaction", "loyalty")}
ARROWS = ["image -> quality", "image -> satisfaction", "quality -> satisfaction", "satisfaction -> loyalty", "image -> loyalty"]


def _answers(rng, n):
    image = rng.normal(size=n)
    quality = 0.6 * image + 0.8 * rng.normal(size=n)
    satisfaction = 0.3 * image + 0.5 * quality + 0.7 * rng.normal(size=n)
    loyalty = 0.6 * satisfaction + 0.7 * rng.normal(size=n)
    columns = {}
    for name, score in zip(CONSTRUCTS, (image, quality, satisfaction, loyalty)):
        for i, load in enumerate((0.9, 0.8, 0.7)):
            columns[f"{name}{i}"] = np.clip(np.round(7.5 + 1.4 * (load * score + np.sqrt(1 - load**2) * rng.normal(size=n))), 1, 10)
    return pd.DataFrame(columns)


def _arrows(frame, **options):
    found = path_model(frame, constructs=CONSTRUCTS, inner=ARROWS, **options)
    return found.paths.table.set_index(["source", "target"]), found.effects.table.set_index(["source", "target"])


@lru_cache
def _true_paths():
    paths, effects = _arrows(_answers(np.random.default_rng(27), 400_000), n_boot=2)
    return paths["coef"], effects["total"]


@study("M27 path coefficients", "250 answers to three questions a construct (ECSI-like); image → loyalty goes through satisfaction only", sets=400, strong=COVERAGE, all=COVERAGE, total=COVERAGE, direct=FREE)  # fmt: skip
def path_coefficients(rng):
    paths, effects = _arrows(_answers(rng, 250), n_boot=299, seed=int(rng.integers(1e9)))
    coef, total = _true_paths()
    covers = (paths["ci_lo"] <= coef) & (coef <= paths["ci_hi"])
    route = ("image", "loyalty")
    return {
        "strong": covers.loc[("quality", "satisfaction")],
        "all": covers.mean(),
        "total": effects.at[route, "total_lo"] <= total[route] <= effects.at[route, "total_hi"],
        "direct": paths.at[route, "p"] < 0.05,
    }

"""Controls of a driver regression: mood, earlier grades, gaps, influential answers, and the n it needs."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.drivers.controls import _pooled, general_factor, halo, imputed, influence, lagged
from delight.drivers.power import answers_needed, power, smallest_effect
from delight.drivers.regression import coefficients
from delight.errors import InputError
from scipy import stats

X = ["PERQ1", "PERQ2", "PERQ3", "PERQ4"]


def test_the_component_leaves_the_focal_attribute_out(mobi):
    table = halo(mobi, y="sat", x=X).table.set_index("attribute")
    others = mobi[X[1:]]
    standard = (others - others.mean()) / others.std(ddof=0)
    values, vectors = np.linalg.eigh(np.corrcoef(others.T))
    fit = sm.OLS(mobi["sat"], sm.add_constant(np.column_stack([mobi["PERQ1"], standard @ vectors[:, -1]]))).fit(cov_type="HC3", use_t=True)
    assert table.loc["PERQ1", "coef_halo"] == pytest.approx(fit.params.iloc[1])
    assert table.loc["PERQ1", ["coef_halo_lo", "coef_halo_hi"]].tolist() == pytest.approx(fit.conf_int().iloc[1].tolist())
    assert table.loc["PERQ1", "halo_share"] == pytest.approx(values[-1] / 3)
    assert table.loc["PERQ1", "coef_alone"] == pytest.approx(np.polyfit(mobi["PERQ1"], mobi["sat"], 1)[0])
    joint = coefficients(mobi, y="sat", x=X).table
    assert table["coef_joint"].to_numpy() == pytest.approx(joint["coef"].to_numpy())
    assert ((table["coef_halo"] < table["coef_alone"]) & (table["shrinkage"] > 0)).all()


def test_pure_mood_is_taken_away_and_a_true_driver_stays():
    rng = np.random.default_rng(1)
    mood = rng.normal(size=3000)
    frame = pd.DataFrame({a: mood + 0.7 * rng.normal(size=3000) for a in ("a", "b", "c", "d", "e", "f", "g", "h")})
    frame["y"] = mood + 0.5 * frame["a"] + rng.normal(size=3000)
    table = halo(frame, y="y", x=list("abcdefgh")).table.set_index("attribute")
    assert table.loc["b", "coef_alone"] > 0.8 and table.loc["b", "coef_halo"] < 0.2
    assert table.loc["a", "coef_halo"] > 0.5 and table.loc["a", "shrinkage"] < table.loc["b", "shrinkage"]
    factor, share = general_factor(frame[list("abcdefgh")].to_numpy(), np.ones(3000))
    assert np.corrcoef(factor, mood)[0, 1] > 0.95 and 0.6 < share < 0.8


def test_halo_has_its_limits(mobi):
    assert halo(mobi, y="sat", x=X[:1]).status == "not_identified"
    assert halo(mobi.head(20), y="sat", x=X).status == "insufficient"
    assert halo(mobi.assign(sat=7.0), y="sat", x=X).status == "degenerate"
    plain = halo(mobi, y="sat", x=X).table
    pd.testing.assert_frame_equal(halo(mobi.sample(frac=1, random_state=1), y="sat", x=X).table, plain)
    pd.testing.assert_frame_equal(halo(mobi.assign(w=3.0), y="sat", x=X, weights="w").table, plain, rtol=1e-9)


def two_waves(n=400, seed=1):
    """A lasting level of each person moves the outcome and the attribute `mood`; only `real` moves the outcome itself."""
    rng = np.random.default_rng(seed)
    level, waves = rng.normal(size=n), []
    for wave in ("one", "two"):
        real, mood = rng.normal(size=n), level + 0.5 * rng.normal(size=n)
        y = 2 * level + 0.8 * real + 0.3 * rng.normal(size=n)
        waves.append(pd.DataFrame({"respondent": np.arange(n), "wave": wave, "real": real, "mood": mood, "y": y}))
    return pd.concat(waves, ignore_index=True)


def test_the_earlier_grade_takes_away_what_is_lasting():
    found = lagged(two_waves(), y="y", x=["real", "mood"], before="one", after="two")
    table = found.table.set_index("attribute")
    frame = two_waves()
    later = frame[frame["wave"] == "two"].set_index("respondent")
    earlier = frame[frame["wave"] == "one"].set_index("respondent")["y"]
    fit = sm.OLS(later["y"], sm.add_constant(np.column_stack([earlier, later[["real", "mood"]]]))).fit(cov_type="HC3", use_t=True)
    assert table["coef"].to_numpy() == pytest.approx(fit.params.iloc[2:].to_numpy())
    assert table["se"].to_numpy() == pytest.approx(fit.bse.iloc[2:].to_numpy())
    assert table["lag_coef"].iloc[0] == pytest.approx(fit.params.iloc[1])
    assert (table["n"] == 400).all()
    assert table.loc["mood", "coef"] < 0.7 * table.loc["mood", "coef_plain"]
    assert table.loc["real", "coef"] == pytest.approx(table.loc["real", "coef_plain"], abs=0.1)


def test_few_persons_in_both_waves_and_double_answers():
    frame = two_waves(120)
    few = frame[~((frame["wave"] == "one") & (frame["respondent"] < 30))]
    found = lagged(few, y="y", x=["real", "mood"], before="one", after="two")
    assert found.status == "insufficient" and found.table["coef"].isna().all() and (found.table["n"] == 90).all()
    twice = pd.concat([frame, frame[(frame["wave"] == "two") & (frame["respondent"] < 5)]])
    found = lagged(twice, y="y", x=["real", "mood"], before="one", after="two")
    assert found.note("answered_twice").values == {"n": 5} and (found.table["n"] == 115).all()
    with pytest.raises(InputError, match="two waves"):
        lagged(frame, y="y", x=["real"], before="one", after="one")


def test_influential_answers_are_those_of_statsmodels(mobi):
    table = influence(mobi, y="sat", x=X).table
    theirs = sm.OLS(mobi["sat"], sm.add_constant(mobi[X])).fit().get_influence()
    cook = pd.Series(theirs.cooks_distance[0])
    assert len(table) == (cook > 4 / 250).sum() == coefficients(mobi, y="sat", x=X).note("influential").values["n"]
    at = table["row"].astype(int)
    assert table["cook"].to_numpy() == pytest.approx(cook[at].to_numpy())
    assert table["leverage"].to_numpy() == pytest.approx(theirs.hat_matrix_diag[at])
    assert table["residual"].to_numpy() == pytest.approx(theirs.resid_studentized_internal[at])
    assert table["cook"].is_monotonic_decreasing
    assert influence(mobi.head(20), y="sat", x=X).status == "insufficient"


def gappy(n=800, seed=1):
    """Gaps in `b` where the outcome is high: listwise leaves out just those that tell most."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    b = 0.6 * a + 0.8 * rng.normal(size=n)
    y = a + b + rng.normal(size=n)
    frame = pd.DataFrame({"a": a, "b": np.round(b, 1), "y": y})
    return frame.assign(b=frame["b"].mask(rng.random(n) < np.where(y > 0.5, 0.85, 0.02)))


def test_filling_gaps_mends_what_listwise_bends():
    bias = {"listwise": [], "imputed": []}
    for seed in range(6):
        frame = gappy(seed=seed)
        bias["listwise"].append(coefficients(frame, y="y", x=["a", "b"]).table["coef"] - 1)
        bias["imputed"].append(imputed(frame, y="y", x=["a", "b"], m=5, cycles=3).table["coef"] - 1)
    listwise, filled = (np.abs(np.mean(b, axis=0)).max() for b in bias.values())
    assert filled < 0.05 and filled < listwise / 2


def test_imputation_counts_what_it_filled_and_fills_only_what_was_answered():
    frame = gappy()
    found = imputed(frame, y="y", x=["a", "b"], m=5, cycles=3)
    table = found.table.set_index("attribute")
    assert table["n_imputed"].to_dict() == {"a": 0, "b": int(frame["b"].isna().sum())}
    assert (table["n"] == 800).all() and found.meta["n_used"] == 800
    assert 0 < table.loc["b", "fmi"] < 1 and table.loc["b", "df"] < 797
    complete = coefficients(frame.dropna(), y="y", x=["a", "b"])
    assert found.note("imputed").values == {"m": 5, "gaps": int(frame["b"].isna().sum()), "n_listwise": complete.meta["n_used"]}
    again = imputed(frame.sample(frac=1, random_state=1), y="y", x=["a", "b"], m=5, cycles=3).table
    pd.testing.assert_frame_equal(again, found.table)


def test_without_gaps_nothing_changes(mobi):
    plain = coefficients(mobi, y="sat", x=X).table
    filled = imputed(mobi, y="sat", x=X).table
    same = ["coef", "se", "df", "p", "ci_lo", "ci_hi"]
    pd.testing.assert_frame_equal(filled[same], plain[same])
    assert (filled["fmi"] == 0).all() and (filled["n_imputed"] == 0).all()
    with pytest.raises(InputError, match="m of at least 2"):
        imputed(mobi, y="sat", x=X, m=1)


def test_what_does_not_apply_is_no_gap():
    frame = gappy()
    frame["b:na"] = np.arange(800) % 10 == 0
    frame.loc[frame["b:na"], "b"] = np.nan
    found = imputed(frame, y="y", x=["a", "b"], m=3, cycles=2, not_applicable={"b": "b:na"}).table.set_index("attribute")
    assert found.loc["b", "n_imputed"] == (frame["b"].isna() & ~frame["b:na"]).sum()
    assert found.loc["b", "n"] == 800 and found.loc["b", "n_applicable"] == 720


def test_rubins_rules_by_hand():
    base = {"attribute": ["a"], "std_coef": [0.0], "ame": [0.0], "df": [97.0], "n": [100], "n_missing": [0], "n_eff": [100.0]}
    base |= {"n_applicable": [100], "status": ["ok"], "kind": ["linear"]}
    fits = [pd.DataFrame({**base, "coef": [c], "se": [s]}) for c, s in ((1.0, 0.2), (1.2, 0.2), (1.4, 0.2))]
    row = _pooled(fits, 0.95).iloc[0]
    total = 0.04 + (1 + 1 / 3) * 0.04  # within .04, between .04
    assert (row["coef"], row["se"]) == pytest.approx((1.2, np.sqrt(total)))
    share = (4 / 3) * 0.04 / total
    old, observed = 2 / share**2, 98 / 100 * 97 * (1 - share)
    df = 1 / (1 / old + 1 / observed)
    assert row["df"] == pytest.approx(df)
    assert row["ci_hi"] == pytest.approx(1.2 + stats.t.ppf(0.975, df) * np.sqrt(total))


def test_the_answers_needed_are_those_of_the_specification(golden):
    table = answers_needed().table
    expected = [647, 92, 759, 109, 822, 118, 954, 139]
    golden(
        table["n_needed"], expected, method="M15 power", package="methods M15 (G*Power's convention)", data="f2 .02 and .15", tolerance=0
    )
    one = answers_needed(predictors=[10], f2=[0.02], tested=1).table["n_needed"].iloc[0]
    assert one == 395
    assert (table["power"] >= 0.8).all() and all(
        power(n - 1, f, tested=p) < 0.8 for n, f, p in table[["n_needed", "f2", "predictors"]].values
    )


def test_the_smallest_effect_is_the_one_that_needs_just_these_answers():
    f2, partial = smallest_effect(395, predictors=1)
    assert f2 == pytest.approx(0.02, abs=1e-4) and partial == pytest.approx(f2 / (1 + f2))
    assert all(np.isnan(smallest_effect(8, predictors=8)))
    with pytest.raises(InputError, match="Power needs"):
        answers_needed(f2=[0])

"""Loyalty regression: hand cases, statsmodels, real data, and the refusals."""

import sys

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from delight.errors import InputError
from delight.loyalty.outcome import across, emotion_score
from delight.loyalty.regression import blocks, regression, vif
from delight.scales import Scale

TEN, YES_NO, FIVE = Scale(1, 10), Scale(0, 1), Scale(1, 5)


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(11)
    n = 600
    overall = np.clip(np.round(rng.normal(7.6, 1.3, n)), 1, 10)
    warmth = np.clip(np.round(overall + rng.normal(0, 1.5, n)), 1, 10)
    recommend = np.clip(np.round(0.8 * overall + 0.3 * (warmth - 7) + 0.5 * (overall >= 9) + rng.normal(1, 1.4, n)), 1, 10)
    stayed = (rng.random(n) < 1 / (1 + np.exp(-(overall - 6)))).astype(float)
    frame = pd.DataFrame({"overall": overall, "warmth": warmth, "recommend": recommend, "stayed": stayed})
    frame["label"] = rng.choice(["north", "north", "south"], n)
    frame["house"] = rng.integers(0, 50, n).astype(float)
    frame["churned"] = 1 - stayed
    return frame


SCALES = {"overall": TEN, "recommend": TEN, "stayed": YES_NO, "churned": YES_NO}
GRADED = dict(y="recommend", x="overall", scales=SCALES)
CHOICE = dict(y="stayed", x="overall", scales=SCALES)


def row(result, term, model=None):
    table = result.table
    return table[(table["term"] == term) & ((table["model"] == model) if model else True)].iloc[0]


def test_graded_loyalty_equals_statsmodels_hc3(people):
    result = regression(people, **GRADED, delight_from=9, emotional=["warmth"], controls=["label"])
    x = sm.add_constant(
        pd.DataFrame(
            {"south": people["label"].eq("south"), "overall": people["overall"], "d": people["overall"] >= 9, "w": people["warmth"]}
        ).astype(float)
    )
    theirs = sm.OLS(people["recommend"], x).fit(cov_type="HC3", use_t=True)
    ours = result.table[result.table["model"] == "ols"]
    assert list(ours["term"]) == ["(intercept)", "label=south", "overall", "delighted", "warmth"]
    assert list(ours["block"]) == ["", "controls", "rational", "emotional", "emotional"]
    assert ours["coef"].to_numpy() == pytest.approx(theirs.params.to_numpy(), rel=1e-9)
    assert ours["se"].to_numpy() == pytest.approx(theirs.bse.to_numpy(), rel=1e-9)
    assert ours["p"].to_numpy() == pytest.approx(theirs.pvalues.to_numpy(), rel=1e-6)
    assert ours[["ci_lo", "ci_hi"]].to_numpy() == pytest.approx(theirs.conf_int().to_numpy(), rel=1e-9)
    assert set(result.table["model"]) == {"ols", "ordered"}


def test_clusters_give_cr1_with_t_of_clusters_less_one(people):
    ours = regression(people, **GRADED, clusters="house", model="ols")
    x = sm.add_constant(people[["overall"]])
    theirs = sm.OLS(people["recommend"], x).fit(cov_type="cluster", cov_kwds={"groups": people["house"].astype(int)}, use_t=True)
    assert row(ours, "overall").se == pytest.approx(theirs.bse["overall"], rel=1e-9)
    assert row(ours, "overall").ci_lo == pytest.approx(theirs.conf_int().loc["overall", 0], rel=1e-6)


def test_a_yes_no_outcome_is_told_in_shares(people):
    result = regression(people, **CHOICE)
    theirs = sm.Logit(people["stayed"], sm.add_constant(people[["overall"]])).fit(disp=0, cov_type="HC0")
    overall = row(result, "overall")
    assert overall.model == "logit"
    assert overall.coef == pytest.approx(theirs.params["overall"], rel=1e-7)
    assert overall.se == pytest.approx(theirs.bse["overall"], rel=1e-6)
    assert overall.ame == pytest.approx(theirs.get_margeff().margeff[0], rel=1e-6)
    assert overall.ame_lo < overall.ame < overall.ame_hi


def test_turned_churn_is_staying(people):
    stay = regression(people, **CHOICE).table
    churn = regression(people, y="churned", x="overall", scales=SCALES, turned=True).table
    pd.testing.assert_frame_equal(stay, churn)


def test_missing_answers_are_counted_listwise_and_by_column(people):
    holed = people.copy()
    holed.loc[:9, "warmth"] = np.nan
    holed.loc[5:14, "overall"] = np.nan
    result = regression(holed, **GRADED, emotional=["warmth"])
    assert (result.table["n"] == 585).all() and (result.table["n_missing"] == 15).all()
    assert result.meta["missing"] == {"overall": 10, "warmth": 10}


def test_row_order_frequency_and_equal_weights(people):
    options = dict(**GRADED, delight_from=9, emotional=["warmth"], controls=["label"])
    plain = regression(people, **options).table
    shuffled = regression(people.sample(frac=1, random_state=1), **options).table
    pd.testing.assert_frame_equal(plain, shuffled)
    numbers = ["coef", "se", "ci_lo", "ci_hi", "p", "ame", "ame_lo", "vif"]
    equal = regression(people.assign(w=3.0), **options, weights="w").table
    assert equal[numbers].to_numpy() == pytest.approx(plain[numbers].to_numpy(), abs=1e-12, nan_ok=True)
    half = people.iloc[:300]
    twice = regression(pd.concat([half, half]), **options).table
    weighted = regression(half.assign(w=2), **options, weights="w", weights_kind="frequency").table
    assert weighted[numbers].to_numpy() == pytest.approx(twice[numbers].to_numpy(), rel=1e-7, nan_ok=True)
    assert (weighted["n"] == 600).all()


def test_blocks_add_up_and_their_lr_is_that_of_nested_models(people):
    options = dict(**GRADED, delight_from=9, emotional=["warmth"], controls=["label"])
    result = blocks(people, **options, n_boot=200)
    table = result.table.set_index("block")
    assert list(table.index) == ["controls", "rational", "emotional"]
    assert table["delta_r2"].sum() == pytest.approx(result.meta["r2"])
    x = pd.DataFrame({"s": people["label"].eq("south"), "o": people["overall"]}).astype(float)
    small = sm.OLS(people["recommend"], sm.add_constant(x)).fit()
    more = sm.OLS(people["recommend"], sm.add_constant(x.assign(d=(people["overall"] >= 9) * 1.0, w=people["warmth"]))).fit()
    lr, p, _ = more.compare_lr_test(small)
    emotional = table.loc["emotional"]
    assert (emotional.lr, emotional.lr_p) == (pytest.approx(lr), pytest.approx(p))
    assert emotional.delta_r2 == pytest.approx(more.rsquared - small.rsquared) == emotional.delta_r2_last
    assert emotional.delta_aic == pytest.approx(small.aic - more.aic)
    assert emotional.ci_lo < emotional.delta_r2 < emotional.ci_hi


def test_block_intervals_do_not_depend_on_row_order_but_on_the_seed(people):
    options = dict(**GRADED, emotional=["warmth"], n_boot=100)
    first = blocks(people, **options).table
    pd.testing.assert_frame_equal(first, blocks(people.sample(frac=1, random_state=2), **options).table)
    assert not np.allclose(first["ci_lo"], blocks(people, **options, seed=1).table["ci_lo"])


def test_many_rows_are_drawn_in_groups_with_the_same_spread(people, monkeypatch):
    options = dict(**GRADED, emotional=["warmth"], n_boot=1000)
    many = pd.concat([people] * 4, ignore_index=True)
    by_row = blocks(many, **options).table
    monkeypatch.setattr(sys.modules[blocks.__module__], "MANY", 1000)
    monkeypatch.setattr(sys.modules[blocks.__module__], "GROUPS", 400)
    by_group = blocks(many, **options).table
    width = (by_group["ci_hi"] - by_group["ci_lo"]) / (by_row["ci_hi"] - by_row["ci_lo"])
    assert width.between(0.85, 1.15).all()


def test_blocks_of_a_yes_no_outcome_use_likelihoods(people):
    table = blocks(people, **CHOICE, emotional=["warmth"]).table.set_index("block")
    small = sm.Logit(people["stayed"], sm.add_constant(people[["overall"]])).fit(disp=0)
    assert table.loc["rational", "r2"] == pytest.approx(small.prsquared, rel=1e-7)
    assert table.loc["rational", "lr"] == pytest.approx(small.llr, rel=1e-7)
    assert np.isnan(table.loc["emotional", "ci_lo"])


def test_too_few_events_are_warned_of_and_then_refused(people):
    few = people.copy()
    few["stayed"] = 1.0
    few.loc[few.index[::40][:8], "stayed"] = 0.0  # 8 events, one term
    warned = regression(few, **CHOICE)
    assert warned.note("few_events").values["per_parameter"] == 8
    assert row(warned, "overall").status == "ok"
    refused = regression(few, **CHOICE, emotional=["warmth"])  # 4 per term
    assert set(refused.table["status"]) == {"insufficient"} and refused.table["coef"].isna().all()
    assert list(refused.table["term"]) == ["(intercept)", "overall", "warmth"]


def test_tiny_samples_constants_and_aliases_stay_as_rows_without_numbers(people):
    assert regression(people.head(20), **GRADED).status == "insufficient"
    assert regression(people.assign(recommend=8.0), **GRADED).status == "degenerate"
    assert regression(people.head(0), **GRADED).status == "insufficient"
    doubled = regression(people.assign(copy=people["overall"] * 2), **GRADED, controls=["copy"], model="ols")
    assert doubled.note("aliased").values == {"terms": ["copy"]}
    assert row(doubled, "copy").status == "not_identified" and np.isnan(row(doubled, "copy").coef)
    assert row(doubled, "overall").coef == pytest.approx(row(regression(people, **GRADED, model="ols"), "overall").coef)


def test_a_control_that_few_answered_is_left_out_and_told(people):
    holed = people.copy()
    holed.loc[holed.index % 3 == 0, "label"] = None
    result = regression(holed, **GRADED, controls=["label"])
    assert result.note("control_left_out").values == {"column": "label", "answered": pytest.approx(2 / 3)}
    assert (result.table["n"] == 600).all()


def test_emotion_items_are_averaged_over_what_was_answered():
    frame = pd.DataFrame({"joy": [1.0, 5, np.nan], "wow": [3.0, np.nan, np.nan]})
    scored, names = emotion_score(frame, ["joy", "wow"], {"joy": FIVE, "wow": FIVE})
    assert names == ["emotion"] and scored["emotion"].tolist()[:2] == [2, 5] and np.isnan(scored["emotion"][2])
    mixed, _ = emotion_score(frame, ["joy", "wow"], {"joy": FIVE, "wow": Scale(1, 3)})
    assert mixed["emotion"][0] == pytest.approx((0 + 10) / 2)
    assert emotion_score(frame, [], {})[1] == []


def test_rare_levels_are_merged_and_told(people):
    rare = people.copy()
    rare.loc[:11, "label"] = [*["west"] * 6, *["east"] * 6]
    result = regression(rare, **GRADED, controls=["label"])
    assert result.note("levels_merged").values == {"column": "label", "levels": 2, "answers": 12}
    assert "label=(other)" in set(result.table["term"])
    assert result.note("reference").values == {"column": "label", "level": "north"}


def test_no_term_rests_on_fewer_than_ten_answers(people):
    rare = people.copy()
    rare.loc[:2, "label"] = "west"
    result = regression(rare, **GRADED, controls=["label"])
    assert set(result.table["level"]) == {"", "south"}
    assert result.note("levels_merged").values == {"column": "label", "levels": 1, "answers": 3}


def test_bad_input_is_named(people):
    with pytest.raises(InputError, match="overal.*Did you mean 'overall'"):
        regression(people, y="recommend", x="overal", scales={"recommend": TEN, "overal": TEN})
    with pytest.raises(InputError, match="'overall' needs its Scale"):
        regression(people, y="recommend", x="overall", scales={"recommend": TEN})
    with pytest.raises(InputError, match=r"'recommend': 1 of 600 scores lie outside 1-10 \(first: 99 in row 4\)"):
        regression(people.assign(recommend=people["recommend"].where(people.index != 4, 99)), **GRADED)
    with pytest.raises(InputError, match="yes/no outcome"):
        regression(people, **GRADED, model="logit")
    with pytest.raises(InputError, match="more than once.*overall"):
        regression(people, **GRADED, controls=["overall"])


def test_vif_of_two_columns_is_one_over_one_minus_r_squared():
    rng = np.random.default_rng(0)
    a = rng.normal(size=50)
    b = a + rng.normal(size=50)
    r = np.corrcoef(a, b)[0, 1]
    assert vif(np.column_stack([a, b]), np.ones(50)) == pytest.approx(np.full(2, 1 / (1 - r**2)))


def test_telco_separates_and_says_so(shared):
    pytest.importorskip("openpyxl")
    frame = pd.read_excel(shared / "data/telco-churn/Telco_customer_churn_status.xlsx")
    frame = frame.rename(columns={"Satisfaction Score": "score", "Churn": "churned"}).astype({"score": float, "churned": float})
    result = regression(frame, y="churned", x="score", scales={"score": FIVE, "churned": YES_NO}, turned=True)
    score = row(result, "score")
    assert result.note("separation").values == {"model": "logit", "terms": ["score"], "firth": True}
    assert score.status == "degenerate" and score.n == 7043 and np.isnan(score.ame)
    assert 6 < score.ci_lo < score.coef < score.ci_hi < 15  # finite, by Firth; the plain estimate runs away


def test_several_outcomes_stack_with_behaviour_first(people):
    outcomes = [dict(y="recommend", scale=TEN, role="recommend"), dict(y="churned", scale=YES_NO, role="churned")]
    result = across(regression, people, outcomes, x="overall", scales={"overall": TEN})
    assert list(result.table["outcome"].unique()) == ["churned", "recommend"]
    assert row(result, "overall", "logit").ame > 0  # turned: more satisfied, more stay
    assert set(result.meta["outcomes"]) == {"churned", "recommend"} and result.meta["outcomes"]["churned"]["turned"]
    assert all("outcome" in n.values for n in result.notes)
    with pytest.raises(InputError, match="no loyalty outcome"):
        across(regression, people, [], x="overall", scales={})


def test_the_input_is_unchanged(people):
    before = people.copy()
    regression(people, **GRADED, delight_from=9, controls=["label"])
    blocks(people, **GRADED, n_boot=20)
    pd.testing.assert_frame_equal(people, before)


@pytest.mark.parametrize("size", [0, 1])
def test_no_answer_or_one_gives_an_empty_result_and_raises_nothing(people, size):
    few = people.iloc[:size]
    for outcome in (GRADED, CHOICE):
        table = blocks(few, **outcome, delight_from=9, controls=["label"], n_boot=20).table
        assert table["r2"].isna().all() and table["status"].isin(["insufficient", "degenerate"]).all()
        assert regression(few, **outcome, delight_from=9, controls=["label"]).table["coef"].isna().all()


def test_frequency_weights_count_for_rare_levels_as_the_rows_would(people):
    few = people.iloc[:60].assign(label=["rare"] * 6 + ["north"] * 54, times=2)
    twice = pd.concat([few, few])
    a = regression(few, **GRADED, controls=["label"], weights="times", weights_kind="frequency")
    b = regression(twice, **GRADED, controls=["label"])
    assert list(a.table["term"]) == list(b.table["term"]) and "label=rare" in set(a.table["term"])
    assert a.table["se"].to_numpy() == pytest.approx(b.table["se"].to_numpy(), rel=1e-9, nan_ok=True)

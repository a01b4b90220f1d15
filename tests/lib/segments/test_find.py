import time

import numpy as np
import pandas as pd
import pytest
from delight import demo
from delight.errors import InputError
from delight.scales import Scale
from delight.segments import latent
from delight.segments import segmentation as finding
from delight.segments.agreement import adjusted_rand
from delight.segments.needs import coding

from tests.lib.segments.made_up_parents import ARCHETYPES, ITEMS, parents

QUICK = {"n_splits": 6, "n_boot": 60, "k_max": 4, "n_starts": 10}


@pytest.fixture(scope="module")
def found(planted, asked):
    return finding.find(planted[0], **asked, archetypes=ARCHETYPES, labels={"unburden": {"nl": "Ontzorg mij"}}, **QUICK)


def test_three_planted_groups_are_found_behind_the_response_style(found, planted):
    frame, group = planted
    segment = found.assignment.table["segment"]
    known = segment.notna()
    assert adjusted_rand(pd.factorize(segment[known])[0], group[known.to_numpy()]) > 0.6
    assert found.segments.meta["solution"] == "within"
    assert found.segments.note("response_style").values["share"] > 0.3
    raw = found.fit.table.query("solution == 'raw' and k == 3").iloc[0]
    assert raw.status == "response_style"


def test_planted_groups_get_the_names_of_their_archetypes(found, planted):
    table = found.segments.table.set_index("segment")
    assert set(table.index) == {"quality", "pedagogy", "unburden"}
    assert table["named"].all() and (table["margin"] >= 0.15).all() and (table["match_prob"] >= 0.8).all()
    for i, name in enumerate(["quality", "pedagogy", "unburden"]):
        row, planted_share = table.loc[name], (planted[1] == i).mean()
        assert row.share_lo - 0.03 < planted_share < row.share_hi + 0.03
    assert found.model.labels == {"unburden": {"nl": "Ontzorg mij"}}


def test_three_planted_groups_pass_every_check(found):
    mine = found.checks.table[found.checks.table["chosen"]].set_index("check")
    assert mine.loc["stability", "value"] > 0.8
    assert mine["passed"].all()


def test_the_profile_shows_what_a_group_wants_more_than_others(found):
    wishes = found.profile.table.query("segment == 'unburden'").set_index("item")
    assert (wishes.loc[ITEMS[6:], "profile_lo"] > 0.4).all()
    assert (wishes.loc[ITEMS[3:6], "profile_hi"] < -0.4).all()
    assert (wishes["profile_lo"] <= wishes["profile"]).all() and (wishes["profile"] <= wishes["profile_hi"]).all()


def test_three_planted_groups_are_there_as_expected(found):
    row = found.verdict.table.iloc[0]
    assert (row.k, row.proposed, row.verdict, row.failed) == (3, 3, "supported", "")
    assert found.verdict.meta["expected"] and row.ari_half > 0.8 and row.delta_bic < 0


def test_the_verdict_stands_also_where_no_segments_are_found(asked):
    frame, _ = parents(800, seed=2, wish=0)
    nothing = finding.find(frame, **asked, archetypes=ARCHETYPES, **QUICK)
    row = nothing.verdict.table.iloc[0]
    assert (row.k, row.chosen) == (3, 1) and row.verdict in ("not_supported", "inconclusive") and row.delta_bic > 0
    few = finding.find(frame.head(100), **asked, archetypes=ARCHETYPES, **QUICK)
    assert few.verdict.status == "insufficient" and few.verdict.table.empty


def test_residuals_of_every_pair_of_needs_are_listed_largest_first(found):
    table = found.residuals.table
    assert len(table) == 45 and table["residual"].is_monotonic_decreasing
    chosen = found.fit.table[found.fit.table["chosen"]].iloc[0]
    assert table["residual"].iloc[0] == pytest.approx(chosen.bvr_max)
    assert (table["passed"] == (table["residual"] < table["limit"])).all()


def test_a_pair_that_goes_together_beyond_the_segments_stands_on_top(asked):
    frame, _ = parents(1500, seed=9)
    frame["need_b"] = np.where(np.random.default_rng(0).random(len(frame)) < 0.6, frame["need_a"], frame["need_b"])
    told = finding.find(frame, **asked, archetypes=ARCHETYPES, k=3, **QUICK)
    assert set(told.residuals.table.iloc[0][["item", "other"]]) == {"need_a", "need_b"} and not told.residuals.table["passed"].iloc[0]
    assert told.verdict.table["verdict"].iloc[0] == "not_supported" and "residuals" in told.verdict.table["failed"].iloc[0]


@pytest.mark.parametrize("seed", [2, 3])
def test_a_truth_without_segments_yields_none(asked, seed):
    frame, _ = parents(800, seed=seed, wish=0)
    nothing = finding.find(frame, **asked, archetypes=ARCHETYPES, **QUICK)
    assert nothing.segments.status == "not_identified"
    assert nothing.segments.note("no_segments") is not None
    assert nothing.assignment.table["segment"].isna().all()
    assert nothing.model is None


def test_three_segments_asked_of_a_truth_without_any_get_no_names(asked):
    frame, _ = parents(800, seed=2, wish=0)
    forced = finding.find(frame, **asked, archetypes=ARCHETYPES, k=3, **QUICK)
    assert not forced.segments.table["named"].any()
    assert list(forced.segments.table["segment"]) == ["group-a", "group-b", "group-c"]
    assert set(forced.segments.table["status"]) <= {"assumption_warning", "not_converged"}


def test_one_continuous_difference_without_groups_gets_no_names(asked):
    rng = np.random.default_rng(101)
    frame, _ = parents(1000, seed=101, wish=0)
    pull = 0.6 * rng.normal(size=(1000, 1)) * np.linspace(0.5, 1.5, 10)  # style that works harder on some needs than on others
    frame[ITEMS] = np.clip(np.round(3.6 + pull + 0.6 * rng.normal(size=(1000, 10))), 1, 5)
    drawn = finding.find(frame, **asked, archetypes=ARCHETYPES, **QUICK)
    assert not drawn.segments.table["named"].any()
    assert drawn.segments.status in ("assumption_warning", "not_identified")


def test_raw_classes_of_graders_get_no_names_even_when_asked_for(asked, planted):
    raw = finding.find(planted[0], **asked, archetypes=ARCHETYPES, k=3, solution="raw", **QUICK)
    assert set(raw.segments.table["status"]) == {"response_style"}
    assert not raw.segments.table["named"].any()


def test_too_few_respondents_give_an_honest_status_and_no_numbers(asked, planted):
    few = finding.find(planted[0].head(199), **asked, archetypes=ARCHETYPES, **QUICK)
    assert few.segments.status == few.fit.status == few.assignment.status == "insufficient"
    assert few.fit.table["ll"].isna().all() and len(few.fit.table) == 8
    assert few.segments.note("too_few").values == {"n": 199, "needed": 200}


def test_three_segments_are_never_proposed_below_300():
    rows = [{"k": k, "status": "ok", "min_share": 0.3, "bic": 100 - k} for k in (1, 2, 3)]
    assert latent.propose(rows, 299) == 2
    assert latent.propose(rows, 300) == 3


def test_a_class_of_fewer_than_50_is_never_proposed():
    rows = [{"k": 1, "status": "ok", "min_share": 1, "bic": 100}, {"k": 2, "status": "ok", "min_share": 0.06, "bic": 50}]
    assert latent.propose(rows, 800) == 1
    assert latent.propose(rows, 900) == 2


def test_rows_in_another_order_give_the_same_segments(asked, found, planted):
    shuffled = planted[0].sample(frac=1, random_state=4)
    again = finding.find(shuffled, **asked, archetypes=ARCHETYPES, **QUICK)
    columns = ["share", "share_lo", "share_hi", "margin", "match_prob"]
    assert again.segments.table[columns].to_numpy() == pytest.approx(found.segments.table[columns].to_numpy(), abs=1e-9)
    one = found.assignment.table.set_index("respondent")["segment"]
    other = again.assignment.table.set_index("respondent")["segment"]
    assert other.reindex(one.index).equals(one)


def test_equal_weights_change_nothing(asked, found, planted):
    weighted = finding.find(planted[0].assign(w=2.5), **asked, archetypes=ARCHETYPES, weights="w", **QUICK)
    columns = ["share", "share_lo", "share_hi", "margin"]
    assert weighted.segments.table[columns].to_numpy() == pytest.approx(found.segments.table[columns].to_numpy(), abs=1e-12)
    assert weighted.fit.note("pseudo_likelihood") is not None


def test_a_frequency_of_two_is_two_respondents(asked):
    frame, _ = parents(300, seed=6)
    options = {"items": ITEMS, "scales": asked["scales"], "within": True, "k_max": 3, "n_starts": 8}
    twice = latent.fit_table(pd.concat([frame, frame], ignore_index=True), **options).table
    counted = latent.fit_table(frame.assign(w=2), weights="w", weights_kind="frequency", **options).table
    columns = ["ll", "npar", "bic", "n", "entropy", "style_share"]
    assert counted[columns].to_numpy(dtype=float) == pytest.approx(twice[columns].to_numpy(dtype=float), rel=1e-7, nan_ok=True)


def test_who_answered_nothing_stays_without_a_segment(asked, planted):
    frame = planted[0].copy()
    frame.loc[:2, ITEMS] = np.nan
    some = finding.find(frame, **asked, k=3, **QUICK)
    table = some.assignment.table
    assert len(table) == len(frame) and table["segment"].head(3).isna().all()
    assert (table["status"].head(3) == "insufficient").all()
    assert (some.segments.meta["n_used"], some.segments.meta["n_dropped_missing"]) == (797, 3)


def test_posteriors_add_up_and_the_segment_is_the_most_probable(found):
    table = found.assignment.table
    chances = table[[f"post_{s}" for s in found.segments.table["segment"]]]
    assert chances.sum(axis=1).to_numpy() == pytest.approx(1)
    assert (chances.idxmax(axis=1).str.removeprefix("post_") == table["segment"]).all()


def test_picks_are_segmented_without_a_guard_for_response_style():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 2000)
    chance = np.where(group[:, None] == 0, [0.8, 0.8, 0.7, 0.2, 0.2, 0.3], [0.2, 0.2, 0.3, 0.8, 0.7, 0.8])
    frame = pd.DataFrame((rng.random((2000, 6)) < chance).astype(float), columns=list("abcdef"))
    kinds = {"first": {"a": "high", "d": "low"}, "second": {"a": "low", "d": "high"}}
    found = finding.find(frame, items=list("abcdef"), form="pick", archetypes=kinds, **QUICK)
    assert set(found.segments.table["segment"]) == {"first", "second"}
    assert set(found.fit.table["solution"]) == {"raw"} and found.fit.table["style_share"].isna().all()
    a = found.profile.table.query("segment == 'first' and item == 'a'").iloc[0]
    assert a.p_item == pytest.approx(0.8, abs=0.06) and a["mean"] == a.p_item


def test_an_archetype_that_names_an_unknown_need_is_refused(asked, planted):
    with pytest.raises(InputError, match="archetype 'x' names 'need_k', which is no need. Did you mean 'need_"):
        finding.find(planted[0], **asked, archetypes={"x": {"need_k": "high"}}, **QUICK)


def test_k_and_solution_are_checked(asked, planted):
    with pytest.raises(InputError, match="k_max = 4, not 9"):
        finding.find(planted[0], **asked, k=9, **QUICK)
    with pytest.raises(InputError, match="'raw', 'within' or empty"):
        finding.find(planted[0], **asked, solution="both", **QUICK)


def test_adjusted_rand_of_a_hand_worked_table():
    # a: {0,0,1,1}, b: {0,0,1,2}: pairs together 1, rows 2, columns 1, of 6; expected 1/3; (1 - 1/3) / (1.5 - 1/3)
    assert adjusted_rand([0, 0, 1, 1], [0, 0, 1, 2]) == pytest.approx((1 - 1 / 3) / (1.5 - 1 / 3))
    assert adjusted_rand([0, 0, 1], [0, 0, 1], [5, 1, 4]) == 1
    assert adjusted_rand([0, 1], [0, 1], [2, 2]) == adjusted_rand([0, 0, 1, 1], [0, 0, 1, 1])


@pytest.mark.long
def test_the_likelihood_ratio_bootstrap_tells_two_classes_from_one(asked):
    frame, _ = parents(300, seed=4)
    data = latent.prepare(frame, coding(frame, ITEMS, scales=asked["scales"], within=True))
    _, models = latent.fit_classes(data, k_max=2, n_starts=6)
    assert latent.blrt(data, models[1], models[2], n_draws=19, n_starts=3) == pytest.approx(0.05)
    flat, _ = parents(300, seed=4, wish=0)
    data = latent.prepare(flat, coding(flat, ITEMS, scales=asked["scales"], within=True))
    _, models = latent.fit_classes(data, k_max=2, n_starts=6)
    assert latent.blrt(data, models[1], models[2], n_draws=19, n_starts=3) > 0.05


def test_residuals_of_a_saturated_pair_are_worked_by_hand():
    # one class, two items: table [[3, 1], [1, 3]] against 2 in every cell: chi-square 2 with one degree of freedom
    frame = pd.DataFrame({"a": [0, 0, 0, 0, 1, 1, 1, 1], "b": [0, 0, 0, 1, 0, 1, 1, 1]}, dtype=float)
    fit = latent.fit_table(frame, items=["a", "b"], form="pick", k_max=1, minimum_n=0)
    assert fit.table["bvr_max"].iloc[0] == pytest.approx(2)


@pytest.mark.long
def test_the_demo_parents_are_recovered():
    made = demo.generate(with_comments=False)
    newest = (made.responses["wave"] == made.truth.demo["waves"][-1]).to_numpy()
    frame, hidden = made.responses[newest].reset_index(drop=True), made.hidden[newest].reset_index(drop=True)
    items = list(made.truth.needs["items"])
    kinds = {name: {i: "high" if w > 0 else "low" for i, w in segment.wishes.items()} for name, segment in made.truth.segments.items()}
    found = finding.find(frame, items=items, archetypes=kinds, n_splits=10, n_boot=100)
    segment = found.assignment.table["segment"]
    known = segment.notna().to_numpy()
    assert set(found.segments.table["segment"]) == set(made.truth.segments)
    assert adjusted_rand(pd.factorize(segment[known])[0], pd.factorize(hidden["segment"][known])[0]) > 0.75
    for name, planted in made.truth.segments.items():
        row = found.segments.table.set_index("segment").loc[name]
        assert row.share == pytest.approx(planted.share, abs=0.04)


@pytest.mark.long
def test_five_thousand_rows_of_eight_items_take_well_under_a_minute():
    rng = np.random.default_rng(0)
    truth = rng.dirichlet(np.full(5, 2.0), size=(3, 8))
    of = rng.integers(0, 3, 5000)
    codes = (rng.random((5000, 8, 1)) > np.cumsum(truth[of], axis=2)).sum(axis=2) + 1
    frame = pd.DataFrame(np.clip(codes, 1, 5).astype(float), columns=list("abcdefgh"))
    start = time.process_time()
    fit = latent.fit_table(frame, items=list("abcdefgh"), scales={c: Scale(1, 5) for c in "abcdefgh"})
    assert time.process_time() - start < 60
    assert fit.table.loc[fit.table["bic"].idxmin(), "k"] == 3


def test_a_respondent_who_stands_in_the_table_twice_is_refused():
    frame = pd.DataFrame({"respondent": ["a", "b", "a", None, None], "need": [1.0, 2, 3, 4, 5]})
    with pytest.raises(InputError, match=r"'respondent': 1 respondents stand .* \(first: a in rows 0, 2\).*keep one"):
        finding.find(frame, items=["need"], scales={"need": Scale(1, 5)})

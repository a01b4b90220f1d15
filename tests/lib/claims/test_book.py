"""The whole ledger on the demo's customers: planted truths are found, and nothing is made of nothing."""

import inspect

import numpy as np
import pandas as pd
import pytest
from delight.claims import assess, conflicts, estimands, read
from delight.claims.ledger import LEDGER
from delight.claims.ledger import read as read_ledger
from delight.demo.truth import Truth
from delight.errors import InputError
from delight.result import Result

from tests.lib.claims import made_up

HOLDS = ["supported", "supported_size_open", "consistent"]


@pytest.fixture(scope="module")
def truth():
    return Truth.load()


@pytest.fixture(scope="module")
def demo(truth):
    return made_up.survey(truth)


@pytest.fixture(scope="module")
def ledger(demo):
    return assess(demo)


def of(result):
    return result.table.set_index("claim_id")


def test_every_claim_has_its_test_and_every_test_its_claim():
    claims = [c for c in read().claims if c.kind != "not_testable"]
    public = {n for n, f in inspect.getmembers(estimands, inspect.isfunction) if f.__module__ == estimands.__name__ and n[0] != "_"}
    assert {c.test for c in claims} == public
    assert len(read().claims) == len({c.id for c in read().claims}) >= 75


def test_margins_are_the_ledgers_and_no_option_of_a_run():
    assert "margin" not in inspect.signature(assess).parameters
    assert all(c.margin > 0 for c in read().claims if c.kind in ("direction", "value"))


def test_planted_truths_hold_and_planted_untruths_do_not(ledger):
    verdicts = of(ledger)["verdict"]
    for planted in ("A14b", "A16b", "A41", "A43", "A59"):  # basics hurt, surprises lift, the delighted stay, staff count
        assert verdicts[planted] in HOLDS, planted
    assert verdicts["A03"] == "contradicted"  # many a 9 comes from parents for whom it was as expected
    assert verdicts["A17c"] != "not_testable" and verdicts["A40"] == "not_testable"


def test_every_estimate_carries_its_interval_n_and_grade(ledger):
    table = of(ledger)
    known = table[table["estimate"].notna()]
    assert len(known) >= 30 and (known["n"] >= 30).all() and known["grade"].isin(["raw", "adjusted"]).all()
    limits = known.dropna(subset="ci95_lo")
    assert (limits["ci95_lo"] <= limits["estimate"]).all() and (limits["estimate"] <= limits["ci95_hi"]).all()
    assert (limits["ci95_lo"] <= limits["ci90_lo"] + 1e-9).all()


def test_without_delight_or_structure_nothing_of_it_is_supported(truth):
    flat = of(assess(made_up.survey(truth.without_delight()), only=["A16b", "A14b"]))
    assert flat.loc["A16b", "verdict"] not in ("supported",)
    halo = of(assess(made_up.survey(truth.pure_halo()), only=["A01", "A05", "A14c", "A16b", "A19", "A29", "A59b"]))
    assert not halo["verdict"].isin(["supported"]).any(), halo["verdict"]


def test_what_was_not_asked_is_not_testable_and_names_what_is_missing(truth):
    bare = made_up.survey(truth, without=("disconfirmation", "emotion", "need", "incident", "kano_functional", "churned", "stayed"))
    table = of(assess(bare, only=["A02", "A04", "A17", "A43", "A37", "A42"]))
    assert (table.loc[["A02", "A04", "A17", "A43", "A37"], "verdict"] == "not_testable").all()
    assert table.loc["A02", "missing"] == "disconfirmation" and table.loc["A43", "missing"] == "churned"
    assert table.loc["A42", "n"] > 0


@pytest.mark.parametrize("rows", [1, 12, 45])
def test_few_answers_decide_nothing_and_break_nothing(truth, rows):
    table = assess(
        made_up.survey(truth, rows=rows),
        only=[c.id for c in read().claims if not c.id.startswith(("A17", "A44", "A05", "A06", "A07", "A19"))],
    ).table
    if rows < 30:
        tested = table[table["claim_id"].str[:3] != "A17"]
        assert not tested["verdict"].isin([*HOLDS, "contradicted", "null"]).any()
    assert table["verdict"].notna().all()


CHEAP = ["A02", "A03", "A04", "A10", "A14", "A14b", "A16b", "A21", "A21c", "A42", "A43"]


def test_equal_weights_and_the_order_of_rows_change_nothing(truth, demo):
    plain = assess(demo, only=CHEAP).table.select_dtypes("number")
    frame = demo.frame.assign(w=2.5).sample(frac=1, random_state=3)
    weighted = assess(made_up.survey(truth, frame=frame, weights="w"), only=CHEAP).table.select_dtypes("number")
    pd.testing.assert_frame_equal(plain, weighted, rtol=1e-9, atol=1e-10)


def test_a_frequency_weight_of_two_is_two_answers(truth, demo):
    frame = demo.frame.head(600)
    twice = made_up.survey(truth, frame=pd.concat([frame, frame], ignore_index=True))
    counted = made_up.survey(truth, frame=frame.assign(w=2), weights="w", weights_kind="frequency")
    for one, two in zip(assess(twice, only=CHEAP).table.itertuples(), assess(counted, only=CHEAP).table.itertuples()):
        assert one.n == two.n and one.verdict == two.verdict, one.claim_id
        assert np.allclose([one.estimate, one.ci95_lo, one.ci95_hi], [two.estimate, two.ci95_lo, two.ci95_hi], atol=1e-9), one.claim_id


# ---- disputes between sources
def verdicts(**named):
    table = pd.DataFrame({"claim_id": list(named), "verdict": list(named.values())})
    numbers = dict.fromkeys(("estimate", "ci95_lo", "ci95_hi", "n", "n_missing", "n_eff"), np.nan)
    return table.assign(**numbers)


def outcome(table, conflict):
    rows = conflicts(Result.of("M36", table)).table
    rows = rows[rows["conflict"] == conflict]
    return rows["outcome"].iloc[0], list(rows.loc[rows["preferred"], "side"])


def test_the_nearer_value_is_preferred_only_if_the_interval_says_so():
    table = verdicts(A04="inconclusive", A05b="inconclusive").assign(estimate=7.2, ci95_lo=7.0, ci95_hi=7.4)
    assert outcome(table, "met") == ("preferred", [1])
    assert outcome(table.assign(ci95_hi=7.6), "met") == ("undecided", [])
    assert outcome(table.assign(estimate=np.nan), "met") == ("not_testable", [])


def test_a_side_is_preferred_if_it_holds_alone():
    assert outcome(verdicts(A30b="null", A59="supported"), "staff") == ("preferred", [2])
    assert outcome(verdicts(A30b="consistent", A59="supported"), "staff") == ("both", [])
    assert outcome(verdicts(A30b="contradicted", A59="null"), "staff") == ("neither", [])
    assert outcome(verdicts(A30b="inconclusive", A59="inconclusive"), "staff") == ("undecided", [])
    assert outcome(verdicts(A30b="not_testable", A59="supported"), "staff") == ("undecided", [])
    assert outcome(verdicts(A01="null"), "gate") == ("preferred", [2])


# ---- the file
def broken(tmp_path, old, new):
    path = tmp_path / "ledger.toml"
    path.write_text(LEDGER.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("margin = 0.1", "margin = 0", "A02: the margin must be above 0"),
        ('unit = "grade"', 'unit = "grad"', "unit is 'grad'"),
        ('id = "A02b"', 'id = "A02"', "A02: the id stands there twice"),
        ('claim.nl = "Verwachtingen waarmaken levert een 8 op."', "", "A04: claim.nl is missing"),
        ('claims = ["A04"]', 'claims = ["A99"]', "conflict met: there is no claim 'A99'"),
        ('kind = "direction"', 'kynd = "direction"', "unknown key 'kynd'"),
    ],
)
def test_a_mistake_in_the_ledger_is_named_with_its_claim(tmp_path, old, new, says):
    with pytest.raises(InputError, match=says):
        read_ledger(broken(tmp_path, old, new))

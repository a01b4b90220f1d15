"""The chapter on what binds beyond a grade speaks: every verdict and edge, in three languages; and what a study must have asked for it."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from delight import loyalty
from delight.publish import relations
from delight.scales import Scale
from delight.show import loyalty as loyalty_views
from delight.show import relation as views
from delight.show import render, theme
from delight.show.words import LANGUAGES, Words

TEN, FIVE, YES_NO, MEAN = Scale(1, 10), Scale(1, 5), Scale(0, 1), Scale(1, 5, 0)
EN = Words("en")


def counted(cells):
    rows = [(a, b, float(i < events)) for (a, b), (events, n) in cells.items() for i in range(n)]
    frame = pd.DataFrame(rows, columns=["failed", "before", "churned"]).astype(float)
    return frame.assign(grade=np.where(frame["before"] == 1, 9.0, 7.0))


BANK = dict(failure="failed", prior="grade", scales={"grade": TEN}, delight_from=9, n_boot=0)
LEAVING = [{"y": "churned", "scale": YES_NO, "role": "churned"}]
BUFFER = {(0, 0): (40, 400), (1, 0): (160, 400), (0, 1): (40, 400), (1, 1): (50, 400)}
HATE = {(0, 0): (40, 400), (1, 0): (60, 400), (0, 1): (40, 400), (1, 1): (180, 400)}
SPLIT = {(0, 0): (10, 100), (1, 0): (40, 100), (0, 1): (5, 100), (1, 1): (15, 100)}
NONE = {(0, 0): (10, 100), (1, 0): (20, 100), (0, 1): (10, 100), (1, 1): (20, 100)}


def bank(cells):
    return loyalty.across(loyalty.goodwill, counted(cells), LEAVING, **BANK)


@pytest.fixture(scope="module")
def told():
    rng = np.random.default_rng(4)
    n = 700
    tenure, bound = rng.normal(0, 1, n), rng.random(n) < 0.5
    frame = pd.DataFrame({"spend": np.exp(5 + 0.3 * tenure + rng.normal(0, 0.4, n)), "grade": rng.choice([8.0, 9.0, 10.0], n)})
    frame = frame.assign(emotion=np.where(bound, 4.5, 3.0), tenure=tenure, one=(rng.random(n) < 0.4) * 1.0, kind="adult")
    frame["two"] = np.maximum(frame["one"], rng.random(n) < 0.6)
    frame["trust"] = np.clip(np.round(frame["grade"] - 1 + rng.normal(0, 1, n)), 1, 10)
    frame = frame.assign(asked=rng.integers(1, 6, n).astype(float), failed=(rng.random(n) < 0.4) * 1.0, solved=rng.choice([6.0, 9.0], n))
    bond = dict(value="spend", x="grade", emotion="emotion", scales={"grade": TEN, "emotion": MEAN}, delight_from=9, n_boot=60)
    ways = dict(y="trust", x="grade", mediator="emotion", delight_from=9, scales={"grade": TEN, "trust": TEN}, n_boot=60)
    outcome = [{"y": "trust", "scale": TEN, "role": "recommend"}]
    waves = pd.concat([frame.assign(who=range(n), wave=w, left=(rng.random(n) < 0.12) * (w == 1.0)) for w in (0.0, 1.0)])
    return {
        "bond": loyalty.bond(frame, **bond, covariates=["tenure"]),
        "plain": loyalty.bond(frame, **bond),
        "few": loyalty.bond(frame.head(40), **bond),
        "mediation": loyalty.mediation(frame, **ways).paths,
        "trust": loyalty.exceeded(frame, y="trust", disconfirmation="asked", scales={"asked": FIVE, "trust": TEN}),
        "switching": loyalty.stated(frame, after_one="one", after_two="two", scales={"one": YES_NO, "two": YES_NO}),
        "goodwill": bank(SPLIT),
        "recovery": loyalty.across(loyalty.recovery, frame, outcome, failure="failed", resolved="solved", scales={"solved": TEN}),
        "leaving": loyalty.hazard(waves, customer="who", period="wave", failed="failed", left="left"),
    }


def text(view, *results):
    return " ".join(view(*results, EN))


def test_a_buffer_hate_a_split_and_nothing_are_told_apart():
    assert "Delight goes with a buffer: a failure costs" in text(views.goodwill, bank(BUFFER))
    assert "Delight does not protect here" in text(views.goodwill, bank(HATE))
    split = text(views.goodwill, bank(SPLIT))
    assert "costs 20.0 percentage points less" in split and "measured in odds the difference is not shown" in split and "undecided" in split
    nothing = text(views.goodwill, bank(NONE))
    assert "more forgiving is not shown" in nothing and "answers are needed; there are 400" in nothing
    few = text(views.goodwill, bank({**SPLIT, (1, 1): (5, 30)}))
    assert "**Staying (what customers did): too few answers.** 30 customers were delighted" in few
    assert "fewer than 10 customers" in text(views.goodwill, bank({**SPLIT, (1, 1): (1, 4)}))


def test_the_reading_of_goodwill_carries_the_shares_and_the_interval_as_a_size():
    told = text(views.goodwill, bank(BUFFER))
    assert "40% left after something went wrong (n = 400), against 10%" in told
    assert re.search(r"costs 27\.5 percentage points less \(2\d\.\d–3\d\.\d\)", told)


def test_a_verdict_that_falls_with_the_correction_is_not_told_as_one():
    result = bank(BUFFER)
    table = result.table.assign(q=0.2, verdict=result.table["verdict"].replace("supported", "inconclusive"))
    assert "not beyond chance any more (p = 0.200)" in text(views.goodwill, result.with_table(table))


def test_switching_says_equal_different_open_or_too_few_and_never_contradicted(told):
    said = text(views.switching, told["switching"])
    assert "lower than the 57% that is reported of consumers in general: these customers are more patient" in said
    assert "Considering is not leaving" in said and "contradicted" not in said

    def alone(yes, n, trigger="one"):
        frame = pd.DataFrame({"a": [1.0] * yes + [0.0] * (n - yes)})
        return text(views.switching, loyalty.stated(frame, **{f"after_{trigger}": "a"}, scales={"a": YES_NO}))

    assert "within 5 percentage points of the 78%" in alone(780, 1000, "two")
    assert "higher than the 57%" in alone(700, 1000)
    assert "about 840 answers would decide" in alone(57, 100)
    assert "partly inside and partly outside" in alone(530, 1000)
    assert "too few answers to compare" in alone(10, 20)
    assert "Nobody answered" in alone(0, 0)


def test_answers_that_contradict_themselves_are_pointed_at():
    frame = pd.DataFrame({"a": [1.0] * 40 + [0.0] * 60, "b": [0.0] * 60 + [1.0] * 40})
    said = text(views.switching, loyalty.stated(frame, after_one="a", after_two="b", scales={"a": YES_NO, "b": YES_NO}))
    assert "40 respondents would consider switching after one bad experience but not after two" in said
    assert "Fewer would leave" not in said
    fewer = loyalty.stated(
        frame.assign(b=np.where(np.arange(100) < 20, 1.0, 0.0)), after_one="a", after_two="b", scales={"a": YES_NO, "b": YES_NO}
    )
    assert "That cannot be" in text(views.switching, fewer)


def test_the_bond_says_what_it_rests_on(told):
    said = text(views.bond, told["bond"])
    assert "A difference is not shown" in said and "made alike in what else we know of them (tenure)" in said
    assert "Nothing else is known" in text(views.bond, told["plain"])
    assert "at least 30 of each are needed" in text(views.bond, told["few"])
    table = told["bond"].table.copy()
    head = (table["population"] == "delighted") & (table["scale"] == "value") & (table["estimator"] == "overlap")
    table.loc[head, ["estimate", "ci_lo", "ci_hi", "ratio"]] = 30.0, 10.0, 50.0, 1.2
    shaky = text(views.bond, told["bond"].with_table(table))
    assert "They are worth more" in shaky and "20%" in shaky and "Do not build on it" in shaky


def test_mediation_and_trust_claim_only_what_leaves_out_nought(told):
    table = told["mediation"].table.copy()
    table.loc[table["path"] == "indirect", ["estimate", "ci_lo", "ci_hi"]] = 0.4, 0.2, 0.6
    assert "runs through it" in text(views.mediation, told["mediation"].with_table(table))
    table.loc[table["path"] == "indirect", "ci_lo"] = -0.1
    assert "That is not shown" in text(views.mediation, told["mediation"].with_table(table))
    rows = told["trust"].table.assign(estimate=[0.8, 0.1], p_adj=[0.001, 0.4], ci_lo=[0.5, -0.2], ci_hi=[1.1, 0.4])
    said = text(views.trust, told["trust"].with_table(rows))
    assert "trust lies 0.80 points higher" in said and "is not shown (+0.10 points" in said


def test_the_gate_names_its_verdicts_and_gathers_the_undecided():
    rng = np.random.default_rng(2)
    met, extra = rng.random(1600) < 0.5, rng.random(1600) < 0.4
    frame = pd.DataFrame({"basic": np.where(met, 9.0, 6.0), "extra": np.where(extra, 9.0, 7.0)})
    for name, gain in (("recommend", 0.45 * met), ("overall", 0.2)):
        frame[name] = np.where(rng.random(1600) < 0.3 + gain * extra, 9.0, 7.0)
    outcomes = [{"y": "recommend", "scale": Scale(0, 10), "role": "recommend"}, {"y": "overall", "scale": TEN, "role": "overall"}]
    options = dict(delighters=["extra"], basics=["basic"], scales={"extra": TEN, "basic": TEN}, n_boot=0)
    result = loyalty.across(loyalty.gate, frame, outcomes, **options)
    said = text(loyalty_views.gate, result)
    assert "**Recommending: supported.** The extra goes with a difference of +4" in said
    assert "**Undecided:** overall." in said and "It counts for customers whose basics are not met, too." in said
    few = loyalty.across(loyalty.gate, frame[~(met & extra)], outcomes, **options)
    assert "**Too few answers in one of these groups** for Recommending and overall; at least 40" in text(loyalty_views.gate, few)
    for language in LANGUAGES:
        words = Words(language)
        html = render.table_html(loyalty_views.gate_table, [result], words, {}) + render.reading_html(loyalty_views.gate, [few], words, {})
        html += render.table_html(loyalty_views.zones, [zones_of(frame)], words, {})
        assert "{" not in html and not re.search(r"\bnan\b", html.lower())


def zones_of(frame):
    outcomes = [{"y": "recommend", "scale": Scale(0, 10), "role": "recommend"}]
    return loyalty.across(loyalty.zones, frame.assign(s=np.arange(len(frame)) % 7 + 4.0), outcomes, x="s", scales={"s": TEN})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_view_speaks_every_language(told, language):
    words = Words(language)
    html = ""
    for view, name in ((views.bond, "bond"), (views.bond, "few"), (views.switching, "switching"), (views.goodwill, "goodwill"),
                       (views.mediation, "mediation"), (views.trust, "trust")):  # fmt: skip
        html += render.reading_html(view, [told[name]], words, {})
    for view, name in ((views.bond_table, "bond"), (views.switching_table, "switching"), (views.goodwill_table, "goodwill"),
                       (views.recovery, "recovery"), (views.leaving, "leaving")):  # fmt: skip
        html += render.table_html(view, [told[name]], words, {})
    for view, name in ((views.switching_figure, "switching"), (views.goodwill_figure, "goodwill")):
        html += render.figure_html(view, [told[name]], words, {})
    bare = re.sub(r"<svg.*?</svg>", "", html, flags=re.S)
    assert "{" not in bare and not re.search(r"\bnan\b", bare.lower())
    if language != "en":
        assert "undecided" not in bare and "overlap weights" not in bare


def test_the_figure_draws_two_lines_with_their_intervals(told):
    assert views.shows_goodwill(told["goodwill"])
    with theme.figure(120, 74) as (_, ax):
        views.goodwill_figure(told["goodwill"], ax, EN)
        assert len(ax.lines) == 2 and ax.lines[0].get_ydata().tolist() == pytest.approx([10, 40])
    hidden = told["goodwill"].table.assign(value=np.nan)
    assert not views.shows_goodwill(told["goodwill"].with_table(hidden))


# ---- what a study asked for
def opened(questions, frame, waves=("1",), delight_from=9):
    """A chapter as far as `relations` looks at it; questions are {column: (role, scale, level, construct)}."""
    about = {c: SimpleNamespace(role=r, scale=s, level=lv, construct=k) for c, (r, s, lv, k) in questions.items()}
    study = SimpleNamespace(questions=about, scale=lambda c: about[c].scale)
    study.columns = lambda role: [c for c, q in about.items() if q.role == role]
    study.column = lambda role: next(iter(study.columns(role)), None)
    here = SimpleNamespace(study=study, waves=list(waves), delight_from=delight_from)
    here.columns = lambda role: [c for c in study.columns(role) if frame[c].notna().any()]
    here.has = lambda role: bool(here.columns(role))
    here.answered = lambda c: frame[c].notna().any()
    here.responses = lambda all_waves=False: frame
    here.measure = lambda role: {
        "y": study.column(role),
        "scale": about[study.column(role)].scale,
        "weights": None,
        "weights_kind": "sampling",
    }
    here.model = lambda: {"weights": None, "weights_kind": "sampling", "clusters": None}
    return here


def test_a_study_that_did_not_ask_gets_nothing():
    frame = pd.DataFrame({"grade": [9.0, 8.0]})
    here = opened({"grade": ("overall", TEN, None, "")}, frame)
    for ask in (relations.gate, relations.bond, relations.switching, relations.goodwill, relations.recovery, relations.leaving,
                relations.mediation, relations.trust):  # fmt: skip
        assert ask(here) is None
    assert relations.outcomes(here) == []


def test_levels_make_the_gate_and_words_make_no_incident():
    frame = pd.DataFrame({"core": [9.0], "known": [9.0], "wow": [9.0], "grade": [9.0], "story": ["it rained"]})
    questions = {"core": ("attribute", TEN, 1, ""), "known": ("attribute", TEN, 3, ""), "wow": ("attribute", TEN, 4, "")}
    here = opened({**questions, "grade": ("overall", TEN, None, ""), "story": ("incident", None, None, "")}, frame)
    asked = relations.gate(here)
    assert (asked["delighters"], asked["basics"]) == (["wow"], ["core"]) and relations.incident(here) is None
    odd = opened({**questions, "wow": ("attribute", Scale(0, 100), 4, "")}, frame)
    assert relations.gate(odd) is None  # no customary good grade


def test_the_panel_keeps_a_customer_once_a_wave_and_drops_who_left():
    frame = pd.DataFrame(
        {"respondent": list("aaabbc"), "wave": ["1", "1", "2", "1", "2", "2"], "grade": [9.0, 9, 7, 6, 8, 9], "failed": [0.0, 0, 1, 0, 1, 0],
         "left": [0.0, 0, 0, 1, 0, 0]}
    )  # fmt: skip
    questions = {
        "respondent": ("respondent", None, None, ""),
        "grade": ("overall", TEN, None, ""),
        "failed": ("incident", YES_NO, None, ""),
    }
    here = opened({**questions, "left": ("churned", YES_NO, None, "")}, frame, waves=("1", "2"))
    rows, outcomes, options = relations.goodwill(here)
    assert rows["grade:before"].tolist() == [9.0, 6.0] and [o["role"] for o in outcomes] == ["churned", "overall"]
    assert options["prior"] == "grade:before" and options["respondent"] == "respondent"
    record, asked = relations.leaving(here)
    assert len(record) == 4 and asked["period"] == "(wave)"  # b left after the first wave, so that her second row is another customer
    assert relations.goodwill(opened(questions, frame, waves=("1",))) is None

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from delight.publish import summary
from delight.result import Note, Result
from delight.scales import Scale
from delight.show import Words
from delight.show import summary as views
from delight.study import Labels

EN = Words(
    "en", Labels("en", columns={"warmth": "Warmth", "safety": "Safety", "app": "App", "meals": "Meals"}, segments={"a": "Unburden me"})
)
COUNTS = {"n": 400, "n_missing": 3, "n_eff": 400.0, "status": "ok"}
SCALE = {"min": 1, "max": 10, "step": 1}


class Here:
    """An opened chapter, in memory."""

    def __init__(self, tables, *, invited=None, wave="2025-1", location=""):
        self.tables, self.wave, self.location, self.delight_from = tables, wave, location, 9
        self.study = SimpleNamespace(outcome_role="overall", fieldwork={"invited": invited}, newest_wave="2025-1")
        self.folder = SimpleNamespace(__truediv__=lambda self, name: None)

    def has(self, role):
        return False

    def exists(self, name):
        return name in self.tables

    def saved(self, name):
        return SimpleNamespace(client=self.tables[name])

    def responses(self):
        return pd.DataFrame({"overall": np.zeros(403)})


@pytest.fixture(autouse=True)
def no_folder(monkeypatch):
    """Tables are looked up by name only."""
    real = summary.find
    monkeypatch.setattr(summary, "find", lambda here, *names, function="": real(here, *names))


def levels(**row):
    base = {"by": "whole", "group": "", "mean": 7.94, "ci_lo": 7.8, "ci_hi": 8.1}
    base |= {"share_delighted": 0.35, "share_delighted_lo": 0.31, "share_delighted_hi": 0.4, **COUNTS, **row}
    return Result.of("M02", [base], scale=SCALE, n_used=400, ci_level=0.95)


def nps(**row):
    return Result.of("M03", [{"by": "whole", "group": "", "nps": 3.4, "ci_lo": -3.1, "ci_hi": 9.8, **COUNTS, **row}])


def as_saved(result):
    return SimpleNamespace(result=result)


def cards(here):
    return [list(c.values) for c in views.cards(summary.key_figures(here), EN)]


def test_the_cards_hold_grade_promoters_delight_and_response_with_interval_and_base():
    here = Here({"satisfaction.levels": levels(), "satisfaction.nps": nps()}, invited=1000)
    labels, values, intervals, bases = cards(here)
    assert labels == ["Mean grade (1–10)", "Net promoter score", "Delighted customers (9 or more)", "Response"]
    assert values == ["7.9", "+3", "35%", "40%"]
    assert intervals == ["interval 7.8–8.1", "interval −3 to +10", "interval 31%–40%", ""]
    assert bases == ["400 answers", "400 answers", "400 answers", "403 of 1,000 invited"]


def test_a_response_is_no_share_where_nobody_counted_the_invited():
    labels, values, _, bases = cards(Here({"satisfaction.levels": levels()}))
    assert (labels[-1], values[-1], bases[-1]) == ("Answers", "403", "number invited not known")


def test_few_answers_are_marked_on_the_card():
    assert cards(Here({"satisfaction.levels": levels(status="low_base", n=34)}))[3][0] == "34 answers, few"


def test_a_hidden_figure_is_a_dash():
    hidden = {c: np.nan for c in ("mean", "ci_lo", "ci_hi", "share_delighted", "share_delighted_lo", "share_delighted_hi")}
    assert cards(Here({"satisfaction.levels": levels(**hidden, status="suppressed")}))[1][0] == "–"


def waves(*p):
    rows = []
    for measure, q, value, change in zip(("mean", "share_delighted", "nps"), p, (7.9, 0.35, 3), (0.2, 0.04, 2.0)):
        rows.append(
            {"by": "wave", "measure": measure, "group": "2024-2", "value": value - change, "previous": None, "change": np.nan, **COUNTS}
        )
        row = {"by": "wave", "measure": measure, "group": "2025-1", "value": value, "previous": "2024-2", "change": change, "mdc": 0.1}
        rows.append({**row, "change_lo": change / 2, "change_hi": 2 * change, "p_adj": q, **COUNTS})
    return Result.of("M38", rows, scale=SCALE)


def since(*p):
    here = Here({"satisfaction.waves": waves(*p)} if p else {})
    return views.since(None, summary.changes(here), EN)[0]


def test_only_what_survives_the_correction_is_called_a_change():
    text = since(0.001, 0.2, 0.6)
    assert "there is a change: the mean grade went from 7.7 to 7.9 (+0.20, interval +0.10 to +0.40)." in text
    assert "No change could be shown in the share of delighted customers and the net promoter score" in text


def test_without_a_proven_change_nothing_is_said_to_have_changed():
    assert since(0.3, 0.2, 0.6).startswith("**Since 2024-2** no change could be shown in the mean grade, the share of delighted customers")


def test_a_first_wave_has_no_last_time():
    assert since() == "**Since last time.** There is no earlier wave to compare with."


def segments(**changes):
    rows = [
        {"segment": "a", "share": 0.6, "share_lo": 0.55, "share_hi": 0.65, "archetype": "x", "named": True, **COUNTS},
        {"segment": "group-b", "share": 0.4, "share_lo": 0.35, "share_hi": 0.45, "archetype": "", "named": False, **COUNTS},
    ]
    return Result.of("M17.segments", rows, **changes)


def test_segments_are_told_with_size_and_what_marks_them_out():
    item = {"profile": 0.6, "profile_lo": 0.3, "profile_hi": 0.8}
    profile = Result.of(
        "M17.profile",
        [{"segment": "a", "item": "meals", **item}, {"segment": "a", "item": "app", **item, "profile": 0.1}],
    )
    here = Here({"segments.segments": segments(), "segments.profile": profile})
    text = views.customers(summary.customers(here), EN)[0]
    assert "We see 2 groups of customers: **Unburden me** (60%, interval 55%–65%), who attach more importance than others to Meals" in text
    assert "**Group B** (40%, interval 35%–45%), without a wish that marks them out." in text


def test_customers_who_were_not_asked_what_they_need_are_said_not_to_be():
    assert "was not asked this time" in views.customers(summary.customers(Here({})), EN)[0]


def rule(*verdicts):
    rows, outcomes = [], {}
    for role, verdict in verdicts:
        outcomes[role] = {
            "role": role,
            "verdict": verdict,
            "n_needed": 2213,
            "n_used": 400,
            "binary": False,
            "scale": {"min": 0, "max": 10},
        }
        rows += [
            {"outcome": role, "outcome_role": role, "grade": g, "mean": g - 0.5, "ci_lo": g - 1, "ci_hi": g, **COUNTS} for g in (6, 7, 8, 9)
        ]
    return Result.of("M06", rows, outcome=verdicts[-1][0], outcomes=outcomes)


def test_loyalty_speaks_of_recommending_first_and_gives_every_verdict():
    found = summary.binding(Here({"loyalty.rule": rule(("churned", "inconclusive"), ("recommend", "supported"))}))
    text = views.binding(found, EN)[0]
    assert text.startswith(
        "**What binds them.** Looking at recommending: customers who gave a 7 score 6.5 on average, those who gave an 8 score 7.5"
    )
    assert "For recommending the step from 8 to 9 is larger than the step from 7 to 8: there delight pays extra." in text
    assert "For actually staying these data cannot tell which of the two steps is the larger one." in text


def test_grades_that_nobody_gave_are_not_compared():
    found = rule(("recommend", "insufficient"))
    found.table.loc[found.table["grade"] == 9, "mean"] = np.nan
    assert "too few customers gave a 7, 8 or 9" in views.binding(summary.binding(Here({"loyalty.rule": found})), EN)[0]


def test_on_a_scale_without_a_7_8_and_9_the_grades_around_delight_are_told():
    ten = {"min": 0, "max": 10, "step": 1}
    about = {"role": "recommend", "verdict": "not_identified", "n_needed": None, "n_used": 400, "binary": False, "scale": ten}
    rows = [{"outcome": "nps", "outcome_role": "recommend", "grade": g, "mean": 2.0 * g, **COUNTS} for g in (3, 4, 5)]
    here = Here(
        {
            "loyalty.rule": Result.of("M06", [{**rows[0], "mean": np.nan}], outcome="nps", outcomes={"nps": about}),
            "loyalty.curve": Result.of("M19", rows),
        }
    )
    here.delight_from, here.study.scale = 5, lambda role: Scale(1, 5)
    text = views.binding(summary.binding(here), EN)[0]
    assert text == (
        "**What binds them.** Looking at recommending: customers who gave a 4 score 8.0 on average, and those who gave a 5 score 10.0 "
        "(on a scale of 0 to 10)."
    )


def test_where_only_recommending_was_asked_loyalty_cannot_be_explained_and_satisfaction_is_what_to_ask():
    here = Here({})
    here.has = lambda role: role == "recommend"
    found = summary.binding(here)
    assert "overall satisfaction was not asked" in views.binding(found, EN)[0]
    assert found.note("not_asked").values == {"roles": ["overall"]}


def priorities(classes):
    blocks = {"basis": "fix_first", "undistinguished": "improve", "bijzonder": "delight_with", "indifferent": "no_effect"}
    rows = [
        {"attribute": a, "block": blocks[c], "impact_class": c, "performance": 7.4, "performance_lo": 7.2, "performance_hi": 7.6}
        | {"gain": 4.2, "gain_lo": 2.0, "gain_hi": 6.1, "share": 0.2, **COUNTS}
        for a, c in classes.items()
    ]
    return Result.of("M10", rows, raise_points=1)


def test_advice_names_the_blocks_and_says_which_are_empty():
    here = Here({"drivers.priorities": priorities({"safety": "basis", "warmth": "undistinguished", "app": "indifferent"})})
    found = summary.priorities(here)
    text = views.advice(found, EN)[0]
    assert text.startswith("**What to do.** Fix first what costs satisfaction as it is now")
    assert "No basic factor" not in text
    assert "No aspect could be shown to delight beyond satisfying." in text
    columns = views.action_table(found, EN)
    assert [list(c.values) for c in columns[:2]] == [["Safety", "Warmth"], ["Fix first", "Improve"]]


def limits(tables, **here):
    opened = Here(tables, **here)
    parts = {"key": summary.key_figures, "since": summary.changes, "groups": summary.customers, "bonds": summary.binding}
    made = {name: as_saved(make(opened)) for name, make in parts.items()} | {"actions": as_saved(summary.priorities(opened))}
    return views.limits(summary.limits(opened, **made), EN)[0]


def test_what_the_data_cannot_say_is_said():
    tables = {
        "satisfaction.levels": levels(status="low_base", n=34),
        "loyalty.rule": rule(("recommend", "inconclusive")),
        "drivers.priorities": priorities({"safety": "basis", "warmth": "undistinguished"}),
        "segments.segments": segments(notes=[Note("response_style", {"share": 0.4})]),
    }
    text = limits(tables, invited=2000)
    assert "With a response of 20%, those who did not answer may think otherwise" in text
    assert "Some figures rest on few answers (34)" in text
    assert "Without an earlier wave nothing can be said of development." in text
    assert "Some customers mark everything high" in text and "those have a letter for a name" in text
    assert "Whether delight pays extra for recommending remains open; about 2,300 answers would settle it." in text
    assert "For 1 of 2 aspects it cannot be told whether poor or excellent performance weighs more." in text
    assert text.endswith("do not prove its effect.")


def test_a_study_with_one_question_says_what_was_not_asked():
    text = limits({"satisfaction.levels": levels()})
    assert text.count("Not asked: ") == 3
    assert "a grade for each part of the service" in text
    assert "How many customers were invited is not known" in text


def test_every_limit_has_its_sentence_in_every_language():
    codes = {
        "not_asked": {"roles": ["need"]},
        "undistinguished": {"count": 1, "drivers": 2},
        "unclassified": {"count": 1, "drivers": 2},
        "rule_open": {"roles": ["stayed"], "outcomes": ["x"], "needed": None},
        "rule_not_identified": {},
        "low_response": {"share": 0.2},
        "low_base": {"n": 34},
        "response_unknown": {"n": 400},
        "no_earlier_wave": {},
        "small_changes_unseen": {"measure": "mean", "mdc": 0.12},
        "no_segments": {},
        "unnamed_segments": {"count": 1},
        "response_style": {"share": 0.4},
        "association": {},
    }
    for language in ("nl", "da", "en"):
        for code, values in codes.items():
            assert views._limit(Words(language), Note(code, values)), code


def test_without_gains_the_summary_neither_shows_nor_promises_them():
    row = {"attribute": "warmth", "block": "improve", "performance": 7.6, "performance_lo": 7.4, "performance_hi": 7.8, **COUNTS}
    found = Result.of("M10", [{**row, "gain": np.nan, "gain_lo": np.nan, "gain_hi": np.nan}])
    assert [c.heading for c in views.action_table(found, EN)] == ["Aspect", "What to do", "Grade now"]
    assert views.action_table.caption(found, EN) == ""
    assert "The expected gain cannot be computed" in views.advice(found, EN)[0]
    nothing = Result.of("M10", found.table.iloc[:0])
    assert views.advice(nothing, EN) == ["**What to do.** Which aspects to improve first, these answers cannot tell."]

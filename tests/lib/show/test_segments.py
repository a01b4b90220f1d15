import numpy as np
import pandas as pd
import pytest
from delight import segments
from delight.result import Result
from delight.scales import Scale
from delight.show import Words, theme
from delight.show import segments as views
from delight.study import Labels

from tests.lib.segments.made_up_parents import ARCHETYPES, ITEMS, parents

QUICK = {"n_splits": 4, "n_boot": 40, "k_max": 3, "n_starts": 8}
ASKED = {"items": ITEMS, "scales": {i: Scale(1, 5) for i in ITEMS}, "archetypes": ARCHETYPES}
LANGUAGES = ("en", "nl", "da")


def told(language):
    names = {"quality": "Good care", "pedagogy": "Demands", "unburden": "Unburden me"}
    return Words(language, Labels(language, columns={i: f"Need {i[-1].upper()}" for i in ITEMS}, segments=names))


@pytest.fixture(scope="module")
def families():
    frame, group = parents(800, seed=1)
    rng = np.random.default_rng(3)
    frame["overall"] = np.clip(np.round(rng.normal(np.where(group == 1, 6.5, 8.0), 1.0)), 1, 10)
    frame["recommend"] = rng.integers(0, 11, len(frame)).astype(float)
    frame["care"] = np.where(rng.random(len(frame)) < np.where(group == 2, 0.7, 0.3), "day", "after school")
    return frame


@pytest.fixture(scope="module")
def found(families):
    return segments.find(families, **ASKED, **QUICK)


@pytest.fixture(scope="module")
def nothing():
    frame, _ = parents(500, seed=2, wish=0)
    return segments.find(frame, **ASKED, **QUICK)


@pytest.fixture(scope="module")
def few():
    frame, _ = parents(120, seed=2)
    return segments.find(frame, **ASKED, **QUICK)


def joined(view, *args):
    return " ".join(view(*args))


def test_the_reading_names_segments_sizes_wishes_and_what_may_be_built_on_them(found):
    text = joined(views.kinds, found.segments, found.profile, found.checks, found.verdict, told("en"))
    assert "the 800 customers who told us so fall into **3 segments**: Good care (" in text
    assert "**Good care** stands out on none of the needs." in text
    assert "**Unburden me** stands out by wanting" in text and "“Need J”" in text
    assert "so the segments rest on what a customer wants more than other things" in text
    assert "(agreement 0." in text


def test_no_segments_are_said_to_be_none_in_every_language(nothing):
    said = [joined(views.kinds, nothing.segments, nothing.profile, nothing.checks, nothing.verdict, told(x)) for x in LANGUAGES]
    assert "found none that hold" in said[0] and "giswerk" in said[1] and "gætværk" in said[2]


def test_too_few_customers_are_told_how_many_are_needed(few):
    text = joined(views.kinds, few.segments, few.profile, few.checks, few.verdict, told("nl"))
    assert text.startswith("120 klanten") and "minstens 200" in text


def test_failed_checks_make_a_description_of_the_segments(families):
    forced = segments.find(parents(500, seed=2, wish=0)[0], **ASKED, **QUICK, k=3)
    text = joined(views.kinds, forced.segments, forced.profile, forced.checks, forced.verdict, told("en"))
    assert "Read these segments as a description" in text and "where 0.8 is asked" in text
    assert "Group A (" in text and "Good care" not in text


def test_raw_classes_of_graders_are_called_that(families):
    raw = segments.find(families, **ASKED, **QUICK, k=3, solution="raw")
    text = joined(views.kinds, raw.segments, raw.profile, raw.checks, raw.verdict, told("en"))
    assert "They bear no names and should not be used as segments." in text


def test_differences_are_claimed_only_where_the_corrected_test_finds_them(found, families):
    asked = segments.measures(overall="overall", delight_from=9, recommend="recommend")
    outcomes = segments.outcomes(families, found.assignment, measures=asked)
    text = joined(views.differences, found.segments, outcomes, told("en"))
    assert "**Mean grade**: highest among" in text and "lowest among Demands (6." in text
    assert "No difference between the segments could be shown in: net promoter score." in text


def test_backgrounds_that_differ_are_named_with_the_share_of_everybody(found, families):
    who = segments.who(families, found.assignment, by=["care"])
    text = joined(views.background, found.segments, who, told("en"))
    assert "of Unburden me," in text and "of all customers" in text
    random = families.assign(care=np.random.default_rng(0).choice(list("xy"), len(families)))
    alike = segments.who(random, found.assignment, by=["care"])
    assert "no difference between the segments could be shown. That is no proof" in joined(
        views.background, found.segments, alike, told("en")
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_has_columns_of_one_length(found, nothing, few, families, language):
    words = told(language)
    asked = segments.measures(overall="overall", delight_from=9, recommend="recommend")
    for result, frame in ((found, families), (nothing, parents(500, seed=2, wish=0)[0]), (few, parents(120, seed=2)[0])):
        frame = frame.assign(overall=8.0, recommend=9.0, care="day") if "overall" not in frame else frame
        outcomes = segments.outcomes(frame, result.assignment, measures=asked)
        who = segments.who(frame, result.assignment, by=["care"])
        groups = segments.composition(frame, result.assignment, by=["whole"])
        against = segments.against(found.assignment, found.assignment)
        typed = segments.golden(frame, result.assignment, questions=ITEMS)
        for view, results in (
            (views.segment_table, (result.segments, outcomes)),
            (views.profile_table, (result.profile,)),
            (views.who_table, (who,)),
            (views.composition_table, (groups,)),
            (views.checks_table, (result.checks,)),
            (views.match_table, (result.segments,)),
            (views.fit_table, (result.fit,)),
            (views.refit_table, (against,)),
            (views.residual_table, (result.residuals,)),
            (views.sure_table, (result.classification,)),
            (views.typing_table, (typed.formula,)),
            (views.told_table, (typed.confusion, typed.quality)),
        ):
            columns = view(*results, words)
            assert len({len(list(c.values)) for c in columns}) == 1, view.name
            assert view.title(*results, words)
            if view.caption:
                assert isinstance(view.caption(*results, words), str)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figure_shows_a_dot_for_every_segment_and_need(found, nothing, language):
    words = told(language)
    with theme.figure(170, 120) as (_drawn, ax):
        views.wishes(found.profile, ax, words)
        assert len(ax.get_yticks()) == 10
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["Good care", "Unburden me", "Demands"]
    with theme.figure(170, 80) as (_drawn, ax):
        views.wishes(nothing.profile, ax, words)
        assert len(ax.lines[0].get_xdata()) == 10
    assert "Unburden me" in views.wishes.alt(found.profile, words)
    assert views.wishes.caption(nothing.profile, words)


def test_suppressed_segments_are_left_out_of_words_and_figures(found):
    hidden = found.segments.with_table(found.segments.table.assign(status="suppressed"), status="suppressed", notes=())
    text = joined(views.kinds, hidden, found.profile, found.checks, found.verdict, told("en"))
    assert text == "Too few customers answered to show this without giving away who they are."
    empty = found.profile.with_table(found.profile.table.assign(status="suppressed", mean=np.nan, profile=np.nan))
    with theme.figure(170, 80) as (_drawn, ax):
        views.wishes(empty, ax, told("en"))
    assert views.wishes.alt(empty, told("en"))


def test_a_refit_is_read_with_its_agreement():
    table = pd.DataFrame({"segment": ["a", "b", "a", "b"]})
    same = segments.against(Result.of("M17", table), Result.of("M17", table))
    assert views.refit_table.caption(same, told("en")).endswith("Agreement (adjusted Rand): 1.00.")


def test_the_golden_questions_are_told_with_what_they_reach_and_what_guessing_does(found, families):
    typed = segments.golden(families, found.assignment, questions=ITEMS)
    text = joined(views.golden, typed.formula, typed.quality, told("en"))
    n = len(typed.tool.questions)
    assert text.startswith(f"To know a customer's segment it takes {n} questions (“Need")
    assert "they tell the segment rightly for 9" in text and "guessing the largest segment would be right for 4" in text
    assert "too little" not in text
    poor = typed.quality.with_table(typed.quality.table.assign(value_lo=0.1))
    assert "That is too little to treat a customer by it." in joined(views.golden, typed.formula, poor, told("en"))


def test_without_segments_no_question_tells_any(nothing):
    typed = segments.golden(parents(500, seed=2, wish=0)[0], nothing.assignment, questions=ITEMS)
    assert joined(views.golden, typed.formula, typed.quality, told("en")) == "There are no segments that a few questions could tell."


def test_the_number_of_kinds_expected_is_judged_in_words(found, nothing):
    text = joined(views.kinds, found.segments, found.profile, found.checks, found.verdict, told("en"))
    assert "Before the survey 3 kinds of customers were expected. The data bear out that there are so many." in text
    text = joined(views.kinds, nothing.segments, nothing.profile, nothing.checks, nothing.verdict, told("en"))
    assert "3 kinds of customers were expected. The data do not bear that out:" in text or "These data cannot tell:" in text
    row = found.verdict.table.assign(verdict="possible", proposed=4)
    text = joined(views.kinds, found.segments, found.profile, found.checks, found.verdict.with_table(row), told("en"))
    assert "but 4 describe the answers more sparingly" in text
    unexpected = found.verdict.with_table(found.verdict.table, meta={**found.verdict.meta, "expected": False})
    assert "Before the survey" not in joined(views.kinds, found.segments, found.profile, found.checks, unexpected, told("en"))

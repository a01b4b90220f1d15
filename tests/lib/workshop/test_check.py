"""Checks say right, nearly or not yet and what to look at, and never need a stored answer."""

import json

import numpy as np
import pytest
from delight.errors import InputError
from delight.workshop import desk, exercise, room, screen
from delight.workshop.desk import LESSONS
from delight.workshop.exercise import Exercise, judge


class Table:
    """A desk that knows nothing but its words."""

    from delight.show import Words

    words = Words("en")

    def named(self, name):
        return name


def made(kind, right, **more):
    return Exercise("it", kind, lambda desk: right, "Look again.", "What?", **more)


# ---- judging
def test_the_right_answer_is_right_and_said_again_in_words():
    verdict = judge(made("share", 0.4), 0.4, Table())
    assert verdict and repr(verdict) == "Right: 40%."
    assert judge(made("share", 0.4), np.float64(0.4), Table())


def test_a_percentage_is_recognised_and_named_also_when_rounded():
    for answer, right in ((40, 0.4), (37, 0.3667)):
        verdict = judge(made("share", right), answer, Table())
        assert not verdict and "percentage" in repr(verdict)


def test_a_share_may_be_rounded_to_a_whole_percentage_and_no_further():
    assert judge(made("share", 0.3667), 0.37, Table()) and not judge(made("share", 0.3667), 0.4, Table())


def test_a_wrong_answer_says_what_to_look_at_and_not_the_answer():
    verdict = judge(made("share", 0.4), 0.6, Table())
    assert repr(verdict) == "Not yet. Look again."


@pytest.mark.parametrize("answer", [None, "0.4", True, float("nan"), [0.4], 1j])
def test_an_answer_of_another_form_says_which_form_is_wanted(answer):
    assert "one number between 0 and 1" in repr(judge(made("share", 0.4), answer, Table()))


def test_a_slip_gets_its_own_sentence_unless_it_is_right_here():
    slips = ((lambda desk: 3.0, "Three is a slip."),)
    assert repr(judge(made("number", 5.0, slips=slips), 3, Table())) == "Three is a slip."
    assert judge(made("number", 3.0, slips=slips), 3, Table())


def test_a_pair_in_the_other_order_is_nearly_right():
    about = made("pair", (1.0, 2.0), within=0.1)
    assert judge(about, (1.05, 1.95), Table()) and judge(about, np.array([1, 2]), Table())
    assert "other order" in repr(judge(about, (2, 1), Table()))
    assert "two numbers" in repr(judge(about, 1, Table()))


def test_any_of_several_right_choices_is_right():
    about = made("choice", {"a", "b"}, options=lambda desk: ("a", "b", "c"))
    assert judge(about, "b", Table()) and not judge(about, "c", Table())
    assert "one of a, b and c" in repr(judge(about, "d", Table()))


def test_names_must_be_all_and_no_other():
    about = made("names", {"a", "b"}, options=lambda desk: ("a", "b", "c"))
    assert judge(about, ["b", "a"], Table()) and not judge(about, ["a"], Table()) and not judge(about, ["a", "b", "c"], Table())
    assert "list of names" in repr(judge(about, "a", Table())) and "list of names" in repr(judge(about, ["z"], Table()))


def test_no_name_at_all_is_right_where_there_is_none():
    options = {"options": lambda desk: ("a", "b")}
    assert repr(judge(made("names", set(), **options), [], Table())) == "Right: none."
    assert "list of names" in repr(judge(made("names", {"a"}, **options), [], Table()))


def test_a_guess_from_a_figure_has_a_wider_margin():
    about = made("number", 100.0, within=0.01, relative=True, guess=0.1)
    assert not judge(about, 105, Table()) and judge(about, 105, Table(), guessed=True)


def test_not_yet_shows_its_sentence_and_no_traceback():
    with pytest.raises(exercise.NotYet) as caught:
        desk(1, 1).check("share_delighted", None)
    assert isinstance(caught.value, AssertionError)
    assert caught.value._render_traceback_() == ["→ Not yet: a share is one number between 0 and 1."]


# ---- the room
def test_every_participant_gets_own_answers_and_always_the_same():
    one, again, other = (room.answers(n)[0] for n in (1, 1, 2))
    assert one.equals(again) and not one.equals(other)
    assert not {"respondent", "comment", "completed", "spend"} & set(one)


@pytest.mark.parametrize("badge", ["Petra", -1, 1.5, True, 10_000])
def test_a_number_that_is_on_no_badge_is_refused(badge):
    with pytest.raises(InputError, match="number on your badge"):
        desk(1, badge)


def test_the_badge_is_read_from_the_user_name(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "parent7")
    assert desk(1).number == 7
    monkeypatch.setenv("DELIGHT_PARTICIPANT", "3")
    assert desk(1).number == 3


def test_unknown_lessons_languages_and_exercises_are_named():
    with pytest.raises(InputError, match="lessons 1 to 5"):
        desk(6)
    with pytest.raises(InputError, match="one of nl, da, en"):
        desk(1, 1, language="fr")
    with pytest.raises(InputError, match="no exercise 'share_delight'.*share_delighted"):
        desk(1, 1).check("share_delight", 1)


def test_a_room_is_found_beside_the_notebook_and_read_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.delenv("DELIGHT_ROOM", raising=False)
    room.write(tmp_path / "room", participants=1)
    (tmp_path / "student").mkdir()
    assert room.find(tmp_path / "student") == tmp_path / "room"
    frame, book = room.answers(1, tmp_path / "room")
    assert frame.equals(room.answers(1)[0]) and book == room.planted_book()
    with pytest.raises(InputError, match="1 to 1 "):
        room.answers(2, tmp_path / "room")


def test_a_room_knows_nothing_of_the_answers_to_the_exercises(tmp_path):
    room.write(tmp_path, participants=1)
    names = {name for lesson in LESSONS for name in desk(lesson, 1).exercises}
    assert not names & set(json.loads((tmp_path / "room.json").read_text())) and not names & set(room.answers(1, tmp_path)[0])


# ---- the lessons
@pytest.mark.parametrize("lesson", LESSONS)
def test_exercises_are_whole(lesson):
    for about in desk(lesson, 1).exercises.values():
        assert about.kind in exercise.KINDS and about.look and about.question and about.name.isidentifier()
        assert (about.options is not None) == (about.kind in ("choice", "names"))


@pytest.mark.parametrize("lesson", LESSONS)
def test_who_writes_no_code_is_told_nothing_of_code(lesson):
    for about in desk(lesson, 1).exercises.values():
        assert not [said for said in (about.question, about.look, *(word for _, word in about.slips)) if "`" in said]


@pytest.mark.parametrize("lesson", [1, 3])
def test_every_slip_that_is_wrong_here_is_recognised(lesson):
    table = desk(lesson, 2)
    for about in table.exercises.values():
        known = {sentence for _, sentence in about.slips}
        for slip, _ in about.slips:
            verdict = judge(about, slip(table), table)
            assert repr(verdict) in known, (about.name, slip(table))


def test_the_list_of_seeds_has_no_seed_twice_and_room_for_forty():
    assert len(set(room.seeds())) == len(room.seeds()) == screen.WANTED == 41


def test_one_participant_reaches_every_reading():
    held = screen.readings(screen.Trial(room.seed_of(1)))
    assert all(held.values()), [key for key, yes in held.items() if not yes]


@pytest.mark.long
def test_every_fifth_participant_reaches_every_reading():
    for number in range(0, len(room.seeds()), 5):
        held = screen.readings(screen.Trial(room.seed_of(number)))
        assert all(held.values()), (number, [key for key, yes in held.items() if not yes])

"""Forms keep answers and no names, show a group only when it is large enough, and write actions as a story keeps them."""

from datetime import date

import pytest
from delight.errors import InputError
from delight.publish import story
from delight.workshop import actions, desk, forms, room


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setenv("DELIGHT_TOGETHER", str(tmp_path / "together"))
    return desk(4, 1, language="nl")


def fill(form, answer):
    for control in (getattr(form, "menus", None) or form.sliders).values():
        control.value = answer
    form.hand_in.click()


def test_an_unfinished_form_is_not_handed_in(table, tmp_path):
    form = forms.KanoQuestionnaire(table)
    form.hand_in.click()
    assert "Nog niet" in form.said.value and not (tmp_path / "together").exists()


def test_a_group_sees_nothing_of_itself_before_five_have_answered(table, tmp_path):
    for n in range(1, 6):
        form = forms.KanoQuestionnaire(table)
        fill(form, 1)
        form.look.click()
        assert ("<table" in form.result.value) == (n == 5), n
    assert "Met minder dan ongeveer honderd" in form.result.value and "Schoon bestek" in form.result.value


def test_handing_in_twice_counts_once_and_keeps_no_name(table, tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "parent7")
    form = forms.KanoQuestionnaire(table)
    fill(form, 1)
    fill(form, 2)
    files = list((tmp_path / "together" / "kano").glob("*"))
    assert len(files) == 1 and "parent7" not in files[0].name + files[0].read_text()
    assert set(forms.Together(tmp_path / "together" / "kano").all().iloc[0]) == {2}


def test_the_group_is_classified_as_the_library_classifies(table):
    for _ in range(6):
        form = forms.KanoQuestionnaire(table)
        for name, menu in form.menus.items():
            menu.value = {"clean_cutlery_with": 2, "clean_cutlery_without": 5}.get(name, 3)
        form.hand_in.click()
    form.look.click()
    assert "Vanzelfsprekend" in form.result.value or "vanzelfsprekend" in form.result.value


def test_the_team_sees_its_own_view_beside_its_customers(tmp_path, monkeypatch):
    monkeypatch.setenv("DELIGHT_TOGETHER", str(tmp_path / "together"))
    table = desk(5, 1, language="da")
    for _ in range(5):
        form = forms.TeamAssessment(table)
        assert len(form.sliders) == 16
        fill(form, 5)
    form.look.click()
    assert "<svg" in form.result.value and "Kende den enkeltes ønsker" in form.result.value
    assert "anledning til en samtale" in form.result.value  # five are a low base


def test_every_control_has_a_description(table):
    for form in (forms.KanoQuestionnaire(table), forms.TeamAssessment(desk(5, 1))):
        for control in (getattr(form, "menus", None) or form.sliders).values():
            assert control.description
    board = forms.ActionBoard(table)
    assert all(control.description for row in board.rows for control in row)


def test_a_question_without_code_takes_a_guess_and_says_what_to_look_at():
    asked = forms.Question(desk(1, 0), desk(1, 0).exercises["share_delighted"])
    right = desk(1, 0).known("share_delighted")
    asked.control.value = round(100 * right) + 2
    asked.button.click()
    assert "Right" in asked.verdict.value
    asked.control.value = 99
    asked.button.click()
    assert "Not yet." in asked.verdict.value and "role='status'" in asked.verdict.value.replace('"', "'")


# ---- actions
def test_actions_are_written_as_a_story_keeps_them(tmp_path):
    decided = [actions.Action("Answer every message the same day", "Marieke", date(2025, 12, 1)), actions.Action("Ask Henk")]
    path = actions.save(decided, tmp_path, wave="2025-1", language="en")
    pieces = story.parse(path)
    assert [(p.kind, p.text, p.owner, p.due) for p in pieces] == [
        ("action", "Answer every message the same day", "Marieke", "2025-12-01"),
        ("action", "Ask Henk", "", ""),
    ]
    assert actions.read(tmp_path, wave="2025-1", language="en")[1] == ("Ask Henk", "", "")


def test_a_date_without_a_name_stays_a_date(tmp_path):
    actions.save([actions.Action("Ring", "", date(2025, 12, 1))], tmp_path, wave="w", language="en")
    assert actions.read(tmp_path, wave="w", language="en") == [("Ring", "", "2025-12-01")]


def test_what_stands_in_the_story_stays_and_nothing_is_repeated(tmp_path):
    path = tmp_path / "2025-1.nl.md"
    path.write_text("# summary\n\nGoed.\n\n# actions\n\n- Bellen | Jan | 2025-12-01\n\n# drivers\n\nWarmte.\n", encoding="utf-8")
    decided = [actions.Action("Bellen", "Jan", date(2025, 12, 1)), actions.Action("Vragen", "Els")]
    actions.save(decided, tmp_path, wave="2025-1", language="nl")
    assert path.read_text(encoding="utf-8") == (
        "# summary\n\nGoed.\n\n# actions\n\n- Bellen | Jan | 2025-12-01\n- Vragen | Els\n\n# drivers\n\nWarmte.\n"
    )


@pytest.mark.parametrize("what", ["", "  ", "a | b", "see {{drivers.importance:warmth}}"])
def test_what_a_story_would_misread_is_refused_and_nothing_written(tmp_path, what):
    with pytest.raises(InputError):
        actions.save([actions.Action("Fine"), actions.Action(what)], tmp_path, wave="w", language="en")
    assert not list(tmp_path.iterdir())


def test_the_board_saves_beside_the_room(table, tmp_path):
    board = forms.ActionBoard(table)
    board.keep.click()
    assert "Nog niet" in board.said.value
    board.rows[0][0].value, board.rows[0][1].value, board.rows[0][2].value = "Rompertjes wassen", "Marieke", date(2026, 1, 5)
    board.more.click()
    board.keep.click()
    assert len(board.list.children) == 4 and "story/2025-1.nl.md" in board.said.value
    assert actions.read(tmp_path / "story", wave="2025-1", language="nl") == [("Rompertjes wassen", "Marieke", "2026-01-05")]


def test_teams_have_a_blind_spot_and_agree_within_reason():
    frame, book = room.answers(1)
    members = room.team_survey(frame, book, room.seed_of(1))
    assert members.groupby("team").size().eq(room.MEMBERS).all() and members.drop(columns="team").isin(range(1, 6)).all(axis=None)

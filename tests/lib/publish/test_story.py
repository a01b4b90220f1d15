import json
from types import SimpleNamespace

import pytest
from delight.errors import StudyError
from delight.publish import story
from delight.show import Words

from tests import made_up_report


def write(folder, text, name="2025-1.en.md"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def kept(tmp_path, text, *, language="en"):
    """Content of the made-up run with this story."""
    content = made_up_report.content(tmp_path)
    path = write(tmp_path, text, f"2025-1.{language}.md")
    story.keep(SimpleNamespace(waves=("2025-1",), story={("2025-1", language): path}), "2025-1", tmp_path)
    return content


def told(tmp_path, text):
    content = kept(tmp_path, text)
    return story.told(content, content.words("en"))


def test_sections_paragraphs_lists_and_bold_become_html(tmp_path):
    made = told(tmp_path, "# summary\nOne **bold**\nparagraph.\n\n- first\n- second\n  goes on\n\n## Then\nAnother.\n")
    assert made.sections == {
        "summary": "<p>One <strong>bold</strong> paragraph.</p><ul><li>first</li><li>second goes on</li></ul><h3>Then</h3><p>Another.</p>"
    }


def test_placeholders_become_values_as_the_tables_show_them(tmp_path):
    text = "# drivers\n{{drivers.importance:warmth}} and {{satisfaction.levels:whole.mean}} of {{satisfaction.levels:whole.n}}, {{satisfaction.levels:l3.share_delighted}}"
    content = kept(tmp_path, text)
    english = story.told(content, Words("en")).sections["drivers"]
    mean = content.result("satisfaction.levels").table["mean"]
    assert english == f"<p>24% and {mean[0]:.1f} of 1,843, {100 * (mean[4] / 10 - 0.4):.0f}%</p>"


def test_client_text_in_a_story_is_escaped(tmp_path):
    made = told(tmp_path, "# summary\n<script>alert(1)</script>\n\n# actions\n- <b>x</b> | <i>me</i> |\n")
    assert made.sections["summary"] == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    assert made.actions[0].html == "&lt;b&gt;x&lt;/b&gt;"


def test_actions_have_owner_and_date_in_the_readers_language(tmp_path):
    made = told(tmp_path, "# actions\nFirst this.\n\n- Call every parent | Team leads | 2025-12-01\n- Think\n")
    assert [(a.html, a.owner, a.due) for a in made.actions] == [
        ("Call every parent", "Team leads", "1 December 2025"),
        ("Think", "", ""),
    ]
    assert made.sections["actions"] == "<p>First this.</p>"


def test_a_piece_stands_while_its_number_stays_within_its_rounding(tmp_path):
    text = "# drivers\nWarmth, {{drivers.importance:warmth=0.24}}, or {{drivers.importance:warmth=24%}}, or {{drivers.importance:warmth=0,243}}."
    made = told(tmp_path, text)
    assert made.sections["drivers"] == "<p>Warmth, 24%, or 24%, or 24%.</p>"
    assert made.flagged == []


def test_a_piece_whose_number_has_changed_is_left_out_and_flagged(tmp_path):
    content = kept(tmp_path, "# drivers\nIt stays.\n\nWarmth leads with {{drivers.importance:warmth=0.31}}.\n")
    made = story.told(content, content.words("en"))
    assert made.sections["drivers"] == "<p>It stays.</p>"
    (flag,) = made.flagged
    assert (flag.why, flag.seen, flag.now, flag.piece.line) == ("changed", 0.31, 0.243, 4)
    (warning,) = story.warnings(content, ["en"])
    assert warning.startswith("story/2025-1.en.md, line 4: {{drivers.importance:warmth=0.31}} was 0.31 when this was written and is 0.243")


def test_a_piece_on_a_hidden_value_is_left_out(tmp_path):
    content = kept(tmp_path, "# satisfaction\nSmall: {{satisfaction.levels:l3}}.")
    content.results["satisfaction.levels"].table.loc[4, "mean"] = float("nan")
    made = story.told(content, content.words("en"))
    assert made.sections == {} and made.flagged[0].why == "hidden"


def test_a_piece_on_a_skipped_chapter_is_left_out(tmp_path):
    made = told(tmp_path, "# summary\nGroups: {{segments.profile:group-a}}.")
    assert made.flagged[0].why == "absent"


def test_every_unknown_result_is_named_with_its_line(tmp_path):
    text = "# drivers\n{{drivers.importance:wramth}}\n\n{{drivers.nothing:warmth}}\n\n{{drivers.importance:warmth.sharp}}\n"
    with pytest.raises(StudyError) as error:
        told(tmp_path, text)
    message = str(error.value)
    assert "line 2: {{drivers.importance:wramth}}: 'drivers.importance' has no row 'wramth'. Did you mean 'warmth'?" in message
    assert "line 4: {{drivers.nothing:warmth}}: there is no table 'drivers.nothing'." in message
    assert "line 6:" in message


def test_every_mistake_of_the_file_is_named_with_its_line(tmp_path):
    path = write(
        tmp_path, "Too early.\n# sumary\nx\n# actions\n- a | b | next week\n- a | b | 2025-01-01 | c\n# summary\n{{oops}} and {{half\n"
    )
    with pytest.raises(StudyError) as error:
        story.parse(path)
    message = str(error.value)
    assert "line 1: text before the first section" in message
    assert "line 2: there is no section 'sumary'. Did you mean 'summary'?" in message
    assert "line 5: 'next week' is no date. Write it as 2025-12-01." in message
    assert "line 6: an action is" in message
    assert "line 8: '{{oops}}' is no placeholder" in message
    assert "come in pairs" in message


def test_a_story_in_another_encoding_is_refused_with_its_line(tmp_path):
    path = tmp_path / "2025-1.nl.md"
    path.write_bytes("# summary\nCaf\xe9".encode("latin-1"))
    with pytest.raises(StudyError, match=r"line 2: the file is not in UTF-8"):
        story.parse(path)


def test_a_report_in_a_language_without_a_story_says_so(tmp_path):
    content = kept(tmp_path, "# summary\nWoorden.", language="nl")
    assert story.told(content, content.words("en")).sections == {}
    assert story.warnings(content, ["nl", "en"]) == [
        "The story is there in nl only; the report in en goes without the consultant's own words."
    ]


def test_a_location_report_tells_no_story(tmp_path):
    content = kept(tmp_path, "# summary\nWords.")
    content.about["location"] = "l3"
    assert story.told(content, content.words("en")).sections == {} and story.warnings(content, ["en"]) == []


def test_a_run_without_a_story_forgets_the_one_before(tmp_path):
    kept(tmp_path, "# summary\nWords.")
    assert json.loads((tmp_path / "story.json").read_text())["en"]
    story.keep(SimpleNamespace(waves=("2025-1",), story={}), "2025-1", tmp_path)
    assert story.kept(tmp_path) == {}


def test_the_review_shows_what_to_write(tmp_path):
    content = made_up_report.content(tmp_path)
    path = write(tmp_path, "# drivers\nWarmth has {{drivers.importance:warmth}}.\n\nPrice has {{drivers.importance:price=0.3}}.\n")
    here = SimpleNamespace(
        study=SimpleNamespace(waves=("2025-1",), story={("2025-1", "en"): path}),
        wave="2025-1",
        language="en",
        words=content.words("en"),
        exists=content.has,
        saved=lambda name: SimpleNamespace(client=content.result(name)),
    )
    review = story.review(here)
    assert review.rows[0]["state"] == "stands"
    assert review.rows[0]["write"] == "Warmth has {{drivers.importance:warmth=0.24}}."
    assert review.rows[1]["state"].startswith("changed: was 0.3, is 0.0651")
    assert len(review.flagged) == 1 and "<table>" in review._repr_html_()


def test_a_wave_without_words_takes_over_what_still_holds_of_the_wave_before(tmp_path):
    content = made_up_report.content(tmp_path)
    text = """# summary

Well done all.

# drivers

## Warmth

Warmth leads with {{drivers.importance:warmth=0.24}}.

Warmth led with {{drivers.importance:warmth=0.31}}.

Warmth has {{drivers.importance:warmth}}.

Price has {{drivers.importance:gone=0.24}}.
"""
    paths = {("2024-1", "nl"): write(tmp_path, "# summary\nOud.", "2024-1.nl.md"), ("2024-2", "en"): write(tmp_path, text, "2024-2.en.md")}
    paths[("2025-1", "nl")] = write(tmp_path, "# summary\nNieuw.", "2025-1.nl.md")
    study = SimpleNamespace(waves=("2024-1", "2024-2", "2025-1", "2025-2"), story=paths)
    assert {language: wave for language, (_, wave) in story.files(study, "2025-1").items()} == {"en": "2024-2", "nl": "2025-1"}
    assert {language: wave for language, (_, wave) in story.files(study, "2024-1").items()} == {"nl": "2024-1"}
    story.keep(study, "2025-1", tmp_path)
    made = story.told(content, content.words("en"))
    assert made.sections == {"drivers": "<p>Warmth leads with 24%.</p>"}
    assert [flag.why for flag in made.flagged] == ["unwatched", "unwatched", "changed", "unwatched", "absent"]
    assert "was written for 2024-2" in str(made.flagged[0])
    (warning,) = story.warnings(content, ["en", "nl"])
    assert warning.startswith("There is no story/2025-1.en.md, so story/2024-2.en.md is taken over from 2024-2: 1 of its 6 pieces")

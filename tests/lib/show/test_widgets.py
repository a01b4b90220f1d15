"""Widgets without a browser: selections, counts, protection, the code behind a view, saving it, and long work that can be stopped."""

import inspect
import re
import threading
import time

import ipywidgets
import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.satisfaction import levels
from delight.scales import Scale
from delight.show import Words, widgets
from delight.show.widgets import code
from delight.show.widgets.data import hidden
from delight.show.widgets.work import Work

SCALES = {"overall": Scale(1, 10), "recommend": Scale(0, 10), "warmth": Scale(1, 10), "speed": Scale(1, 10), "stay": Scale(0, 1)}


def made_up(n=600, seed=1):
    """Two waves, two places of which one is small, two attributes that matter, remarks."""
    rng = np.random.default_rng(seed)
    warmth, speed = (np.clip(np.round(rng.normal(7.5, 1.5, n)), 1, 10) for _ in range(2))
    overall = np.clip(np.round(0.5 * warmth + 0.4 * speed + rng.normal(0.5, 1, n)), 1, 10)
    frame = pd.DataFrame({"wave": np.where(np.arange(n) < n // 2, "2024", "2025"), "warmth": warmth, "speed": speed, "overall": overall})
    frame["location"] = np.where(np.arange(n) % 100 == 0, "B", "A")
    frame["recommend"] = np.clip(np.round(overall + rng.normal(0, 1, n)), 0, 10)
    frame["stay"] = (rng.random(n) < 1 / (1 + np.exp(6 - overall))).astype(float)
    frame["comment"] = np.where(overall >= 9, "Zo'n lieve juf, mail a@b.nl", np.where(overall <= 6, "Altijd wachten, café dicht", None))
    frame.loc[:4, "overall"] = np.nan
    return frame


@pytest.fixture(scope="module")
def responses():
    return made_up()


@pytest.fixture
def data(responses):
    return widgets.Data(responses, by=["wave", "location"], words=Words("en"), scales=SCALES)


# ---- selections


def test_a_choice_leaves_its_rows_and_says_how_many(data):
    bar = widgets.FilterBar(data)
    assert data.n(bar.mask) == 600 and "<b>600</b>" in bar._count.value
    bar.menus["wave"].value = "2025"
    assert set(data.rows(bar.mask)["wave"]) == {"2025"} and "<b>300</b> responses · effective n 300" in bar._count.value


def test_weights_give_an_effective_n(responses):
    weighted = responses.assign(w=np.where(responses["wave"] == "2024", 1.0, 3.0))
    data = widgets.Data(weighted, by=["wave"], words=Words("en"), weights="w")
    assert data.n_eff() == pytest.approx((300 + 900) ** 2 / (300 + 2700))


def test_a_small_selection_is_not_shown_and_says_why(data):
    view = widgets.SatisfactionExplorer(data, overall="overall")
    view.bars[0].choose(location="B", wave="2024")
    assert "fewer than 10 are not shown" in view.numbers.value
    assert view.picture.svg == "" and view.code == "" and view.save_view.disabled and view.save() == []


def test_a_selection_that_would_tell_a_small_group_is_not_shown_either(data):
    """B has 6 responses, so A less the whole would tell them."""
    bar = widgets.FilterBar(data)
    bar.choose(location="A")
    assert bar.why_not and "it would tell" in bar.why_not
    bar.choose(wave="2024")
    assert not bar.why_not


def test_a_missing_column_is_named_with_the_nearest(responses):
    with pytest.raises(InputError, match="'locations'.*location"):
        widgets.Data(responses, by=["locations"], words=Words("en"))


def test_small_groups_of_a_table_are_hidden_with_the_next_smallest():
    table = pd.DataFrame({"group": list("abcd"), "mean": [7.0, 8.0, 6.0, 9.0], "n": [3, 50, 20, 90], "status": "ok"})
    shown, gone = hidden(table, 10, keep=("group",))
    assert gone == [0, 2] and shown["mean"].isna().tolist() == [True, False, True, False] and shown.loc[2, "status"] == "suppressed"
    alone, gone = hidden(table.assign(n=[3, 50, 7, 90]), 10, keep=("group",))
    assert gone == [0, 2] and alone["mean"].isna().sum() == 2  # ten people hidden together need no third


# ---- counts stand for rows


@pytest.mark.parametrize("kind", [None, "sampling", "frequency"])
def test_counts_give_the_numbers_of_the_rows(responses, kind):
    frame = responses.assign(w=np.random.default_rng(2).integers(1, 4, len(responses)) * (1.0 if kind == "frequency" else 0.5))
    given = {"weights": "w", "weights_kind": kind} if kind else {}
    data = widgets.Data(frame, by=["wave"], words=Words("en"), scales=SCALES, **given)
    inside = (frame["wave"] == "2025").to_numpy()
    ours = levels(data.counts("overall", groups={"A": inside}), y="overall", scale=SCALES["overall"], by="selection").table
    rows = levels(frame.assign(selection=np.where(inside, "A", None)), y="overall", scale=SCALES["overall"], by="selection", **given).table
    pd.testing.assert_frame_equal(ours, rows, check_dtype=False, rtol=1e-9)


def test_counts_keep_clusters_apart(responses):
    data = widgets.Data(responses, by=["wave"], words=Words("en"), scales=SCALES, design={"clusters": "location"})
    counted = data.counts("overall", also=["location"])
    ours = levels(counted, y="overall", scale=SCALES["overall"], clusters="location").table
    rows = levels(responses, y="overall", scale=SCALES["overall"], clusters="location").table
    assert ours["mean"].iloc[0] == pytest.approx(rows["mean"].iloc[0]) and ours["se"].iloc[0] == pytest.approx(rows["se"].iloc[0])


# ---- every view can be had as code


def run(view, responses):
    """What the code of a view makes of the same responses."""
    made = {"responses": responses.copy()}
    exec(view.code, made)
    return made


def test_the_satisfaction_explorer_follows_the_filter_and_its_code_gives_the_same(data, responses):
    view = widgets.SatisfactionExplorer(data, overall="overall", recommend="recommend")
    before = view.numbers.value
    view.bars[0].choose(wave="2024")
    mean = responses.loc[responses["wave"] == "2024", "overall"].mean()
    assert view.numbers.value != before and f"Mean grade <strong>{mean:.1f}</strong>" in view.numbers.value
    assert view.picture.svg.startswith("<svg") and 'aria-label="Distribution' in view.picture.svg
    made = run(view, responses)
    pd.testing.assert_frame_equal(made["result"].table, view.shown.tables["levels"], check_dtype=False)
    pd.testing.assert_frame_equal(made["promoters"].table, view.shown.tables["nps"], check_dtype=False)


def test_two_selections_are_compared_with_their_test_and_never_count_anyone_twice(data, responses):
    view = widgets.SatisfactionExplorer(data, overall="overall")
    view.bars[0].choose(wave="2024")
    view.two.value = True
    view.other.choose(wave="2025")
    made = run(view, responses)
    row = made["difference"].table.iloc[0]
    assert (row["n"], row["n_other"]) == (295, 300)
    assert f"A less B: <strong>{row['diff']:+.2f}".replace("-", "−") in view.numbers.value
    pd.testing.assert_frame_equal(made["result"].table, view.shown.tables["levels"], check_dtype=False)
    view.other.choose()  # everybody: those of the first selection count there only
    assert "300 responses are in both selections" in view.numbers.value
    assert run(view, responses)["difference"].table.iloc[0]["n_other"] == 300


def test_a_second_selection_within_the_first_is_refused(data):
    view = widgets.SatisfactionExplorer(data, overall="overall")
    view.two.value = True
    view.other.choose(wave="2024")
    assert "lies within the first" in view.numbers.value


def test_the_loyalty_curve_tries_a_threshold_and_its_code_gives_the_same(data, responses):
    view = widgets.LoyaltyExplorer(data, x="overall", outcomes={"recommend": "recommend", "stay": "stayed"})
    before = view.numbers.value
    view.threshold.value = 6.0
    assert "A step at <strong>6</strong>" in view.numbers.value and view.numbers.value != before
    made = run(view, responses)
    whole = made["result"].table
    shown = view.shown.tables["curve"]
    large = shown["status"] != "suppressed"
    pd.testing.assert_frame_equal(whole[large], shown[large], check_dtype=False)
    assert (whole.loc[~large & (whole["n"] > 0), "n"] < 30).all()
    view.outcome.value = "stay"
    assert "log odds" in view.numbers.value
    laid = run(view, responses)["forms"].table
    pd.testing.assert_frame_equal(laid[laid["grade"].isin(view.shown.tables["forms"]["grade"])].reset_index(drop=True),
                                  view.shown.tables["forms"].reset_index(drop=True), check_dtype=False)  # fmt: skip


@pytest.fixture
def driven(data):
    return widgets.DriverExplorer(data, y="overall", x=["warmth", "speed"], draws=(0, 50))


def test_drivers_sharpen_and_their_code_gives_the_same(driven, responses):
    assert driven.work.wait(60)
    for place, name in enumerate(("importance", "penalty_reward", "map")):
        driven.view.value = name
        assert driven.work.wait(60)
        assert driven.picture.svg.count('id="pick-') >= 2, name
        made = run(driven, responses)["result"].table
        pd.testing.assert_frame_equal(made, next(iter(driven.shown.tables.values())), check_dtype=False)
        assert (made["n"] == 595).all() and place < 3


def test_many_responses_are_explored_by_sums_that_give_the_same_weights(monkeypatch, responses):
    from delight.show.widgets import drivers

    data = widgets.Data(responses, by=["wave"], words=Words("en"), scales=SCALES)
    rows = widgets.DriverExplorer(data, y="overall", x=["warmth", "speed"], draws=(0,))
    monkeypatch.setattr(drivers, "MANY", 100)
    sums = widgets.DriverExplorer(data, y="overall", x=["warmth", "speed"], draws=(0,))
    assert sums.work.wait(60)
    assert "sums = moments(" in sums.code and "moments" not in rows.code
    ours, theirs = (next(iter(v.shown.tables.values())) for v in (sums, rows))
    np.testing.assert_allclose(ours["share"], theirs["share"], rtol=1e-9)
    pd.testing.assert_frame_equal(run(sums, responses)["result"].table, ours, check_dtype=False)


def test_a_first_answer_of_many_responses_comes_from_some_of_them_and_says_so(monkeypatch, responses):
    from delight.show.widgets import drivers, what_if

    data = widgets.Data(responses, by=["wave"], words=Words("en"), scales=SCALES)
    for module in (drivers, what_if):
        monkeypatch.setattr(module, "MANY", 250)
        monkeypatch.setattr(module, "FEW", 100)
    for view in (
        widgets.DriverExplorer(data, y="overall", x=["warmth", "speed"], draws=(0,)),
        widgets.WhatIf(data, x=["warmth", "speed"], overall="overall"),
    ):
        view.work.wait(60)
        view.sharpen = list  # look at the first answer only
        view.bars[0].choose(wave="2025")
        assert "From 100 of these responses, evenly taken; all 300 follow." in view.numbers.value
        assert "chosen = chosen.iloc[::3]" in view.code
        made = run(view, responses)["result"].table
        pd.testing.assert_frame_equal(made, next(iter(view.shown.tables.values()))[list(made)], check_dtype=False)
        del view.sharpen
        view.refresh()
        assert view.work.wait(60) and "evenly taken" not in view.numbers.value and "iloc" not in view.code
        assert 290 <= next(iter(view.shown.tables.values()))["n"].iloc[0] <= 300


def test_an_attribute_chosen_in_the_figure_shows_its_raw_relation(driven, responses):
    driven.work.wait(60)
    driven.picture.picked = "speed"  # what a click in the figure does
    assert driven.attribute.value == "speed" and "<strong>speed</strong>: 600 answers" in driven.raw_words.value
    _counted, table, _gone = driven.relation("speed")
    at = responses[responses["speed"] == 8]["overall"].dropna()
    row = table[table["group"].astype(float) == 8].iloc[0]
    assert row["mean"] == pytest.approx(at.mean()) and row["n"] == len(at)
    assert driven.raw.svg.startswith("<svg")
    small = responses.groupby("speed")["overall"].count()
    for grade in small[small < 10].index:
        assert table.loc[table["group"].astype(float) == grade, "mean"].isna().all()


def test_what_if_expects_more_delight_of_more_warmth_and_its_code_gives_the_same(data, responses):
    view = widgets.WhatIf(data, x=["warmth", "speed"], overall="overall", recommend="recommend", loyalty={"stay": "stayed"}, by=["wave"])
    assert "now <strong>" in view.numbers.value
    view.move({"warmth": 1.0, "speed": 0.5})
    view.by.value = "wave"
    table = view.shown.tables["what-if"]
    mine = table[table["outcome"] == "overall"].drop(columns=["outcome", "label"])
    assert (mine["gain"] > 0).all() and set(mine["group"]) == {"", "2024", "2025"}
    made = run(view, responses)
    pd.testing.assert_frame_equal(made["result"].table, mine.reset_index(drop=True), check_dtype=False)
    assert made["recommend"].table.iloc[0]["gain"] == pytest.approx(table[table["outcome"] == "recommend"].iloc[0]["gain"])


def test_comments_are_searched_within_grades_and_the_code_gives_the_same(data, responses):
    view = widgets.CommentBrowser(data, columns=["comment"], overall="overall")
    many = responses["comment"].notna().sum()
    assert f"<strong>{many}</strong> comments" in view.numbers.value
    view.query.value = "cafe"  # accents do not matter
    found = (responses["comment"] == "Altijd wachten, café dicht").sum()
    assert f"<strong>{found}</strong> of {many}" in view.numbers.value and "<mark>café</mark>" in view.table.value
    assert len(run(view, responses)["result"].table) == found
    view.band.value = "delighted"
    assert "<strong>0</strong> of" in view.numbers.value


def test_words_of_customers_are_never_markup(responses):
    sneaky = responses.assign(comment="<script>alert(1)</script> juf")
    data = widgets.Data(sneaky, by=["wave"], words=Words("en"), scales=SCALES)
    view = widgets.CommentBrowser(data, columns=["comment"], overall="overall")
    view.query.value = "juf"
    assert "<script>" not in view.table.value and "&lt;script&gt;" in view.table.value


# ---- saving a view


def test_a_view_is_saved_as_figure_table_and_code(data, tmp_path, responses):
    view = widgets.SatisfactionExplorer(data, overall="overall")
    paths = view.save(tmp_path)
    kinds = sorted({p.suffix for p in paths})
    assert kinds == [".csv", ".png", ".py", ".svg"] and all(p.stat().st_size > 100 for p in paths)
    table = pd.read_csv(next(p for p in paths if p.name.endswith("levels.csv")))
    assert table["mean"].iloc[0] == pytest.approx(responses["overall"].mean())
    again = view.save(tmp_path)
    assert not {p.name for p in paths} & {p.name for p in again}  # nothing is written over


def test_text_that_a_spreadsheet_would_run_stays_text(data, tmp_path):
    view = widgets.CommentBrowser(data, columns=["comment"], overall="overall")
    view.shown.tables["comments"].loc[0, "comment"] = "=1+1"
    path = next(p for p in view.save(tmp_path) if p.suffix == ".csv")
    assert "'=1+1" in path.read_text(encoding="utf-8-sig")


def test_large_type_makes_the_figure_larger(data):
    view = widgets.SatisfactionExplorer(data, overall="overall")
    before = view.picture.width
    view.large.value = True
    assert view.picture.width > 1.5 * before and "delight-large" in view._dom_classes


# ---- long work


def test_work_can_be_stopped_between_two_steps_of_the_interpreter():
    work, begun, done = Work(Words("en")), threading.Event(), []

    def endless():
        begun.set()
        while True:
            time.sleep(0.001)

    work.start([("Counting", endless)], done.append, done.append)
    assert begun.wait(5) and work.running and work.button.layout.display == ""
    work.stop()
    assert work.wait(5) and not done and "Stopped" in work.told.value and work.button.layout.display == "none"


def test_an_older_answer_never_overwrites_a_newer_one():
    work, gate, done = Work(Words("en")), threading.Event(), []
    work.start([("Old", lambda: (gate.wait(5), "old")[1])], done.append, done.append)
    work.start([("New", lambda: "new")], done.append, done.append)
    work.wait(5)
    gate.set()
    time.sleep(0.2)
    assert done == ["new"]


def test_what_a_method_cannot_do_is_said():
    work, told = Work(Words("en")), []

    def fails():
        raise InputError("Too few.")

    work.start([("Trying", fails)], told.append, lambda error: told.append(str(error)))
    assert work.wait(5) and told == ["Too few."]


# ---- code


def test_python_is_written_as_one_would_write_it():
    assert code.written(Scale(1, 10)) == "Scale(1, 10)" and code.written(Scale(0, 1, 0.1)) == "Scale(0, 1, 0.1)"
    assert code.written({"a": ["x", 'say "hi"'], "b": 9.0}) == '{"a": ["x", "say \\"hi\\""], "b": 9}'
    assert code.call("t", "f", "frame", y="overall", weights=None, by=[]) == 't = f(frame, y="overall")'
    model = code.Named({"y": "overall", "x": ["a"], "weights": None, "weights_kind": "sampling"}, 'study.model("overall")')
    assert code.call("t", "f", "d", given=model, y="overall", x=["a"], n_boot=0) == 't = f(d, **study.model("overall"), n_boot=0)'
    assert code.call("t", "f", "d", given=model, y="overall", x=["b"]) == 't = f(d, y="overall", x=["b"])'


@pytest.mark.parametrize("name", [n for n in widgets.__all__ if n not in ("Data", "about", "open_study")])
def test_no_name_of_ours_hides_one_of_ipywidgets(name):
    """A method that a widget of Jupyter already has is called by it, with other arguments."""
    theirs = set(dir(ipywidgets.VBox))
    for owner in getattr(widgets, name).__mro__:
        if owner.__module__.startswith("delight"):
            ours = [n for n, what in vars(owner).items() if inspect.isfunction(what) or isinstance(what, property)]
            clash = [n for n in ours if n in theirs and not n.startswith("__")]
            assert not clash, clash


def test_an_explorer_can_be_shown(data):
    views = [
        widgets.SatisfactionExplorer(data, overall="overall"),
        widgets.LoyaltyExplorer(data, x="overall", outcomes={"recommend": "recommend"}),
        widgets.CommentBrowser(data, columns=["comment"], overall="overall"),
    ]
    for view in views:
        assert type(view).__name__ in repr(view)


def test_what_moves_in_a_figure_is_drawn_over_what_stands_still(data):
    """A figure that followed the filter is the one that is drawn anew, mark by mark."""
    for make in (
        lambda: widgets.SatisfactionExplorer(data, overall="overall"),
        lambda: widgets.LoyaltyExplorer(data, x="overall", outcomes={"recommend": "recommend"}),
    ):
        followed, fresh = make(), make()
        followed.bars[0].choose(wave="2024")
        followed.bars[0].choose(wave="2025")
        fresh.picture.svg, fresh.bars[0]._quiet = "", True
        fresh.bars[0].menus["wave"].value = "2025"
        fresh._live = None
        fresh.refresh()
        marks = [re.findall(r' d="([^"]*)"', view.picture.svg) for view in (followed, fresh)]
        assert len(marks[0]) == len(marks[1]) > 20
        texts = [re.findall(r">([^<>]+)</text>", view.picture.svg) for view in (followed, fresh)]
        assert texts[0] == texts[1] and followed.picture.svg.count("aria-label") == 1


def test_what_stands_above_an_explorer_speaks_its_language():
    for key in ("satisfaction", "segments", "loyalty", "drivers", "what_if", "comments", "codebook"):
        texts = [widgets.about(key, Words(language)).data for language in ("en", "nl", "da")]
        assert len(set(texts)) == 3 and all(
            text.count("<p>") == 2 and text.count("<em>") == 1 and "*" not in text.replace("begin*", "").replace("begynd*", "")
            for text in texts
        )


def test_sliders_speak_the_language(responses):
    data = widgets.Data(responses, by=["wave"], words=Words("nl"), scales=SCALES)
    slider = widgets.WhatIf(data, x=["warmth"], overall="overall").sliders["warmth"]
    assert "+0,25" in dict(slider.options) and dict(slider.options)["+0,25"] == 0.25


def test_experiences_are_seen_group_beside_group(responses):
    both = responses.assign(kind=np.where(np.arange(len(responses)) % 2, "own", "new"))
    data = widgets.Data(both, by=["wave", "kind"], words=Words("en"), scales=SCALES)
    view = widgets.DriverExplorer(data, y="overall", x=["warmth", "speed"], by=["kind"], draws=(0,))
    view.view.value = "groups"
    table = view.shown.tables["differences"]
    assert {"own", "new"} <= set(table["group"]) and "own" in view.picture.svg and view.by.layout.display == ""
    pd.testing.assert_frame_equal(run(view, both)["result"].table, table, check_dtype=False)


# ---- segments


@pytest.fixture(scope="module")
def needs():
    """Two kinds of customers: some want quick help, some want talk."""
    rng = np.random.default_rng(5)
    kind = rng.random(400) < 0.5
    frame = pd.DataFrame({c: np.clip(np.round(rng.normal(np.where(kind, 8, 4), 1)), 1, 10) for c in ("speed", "hours")})
    for c in ("talk", "advice"):
        frame[c] = np.clip(np.round(rng.normal(np.where(kind, 4, 8), 1)), 1, 10)
    return frame.assign(wave="2025", kind=kind)


def test_segments_are_found_sharpened_and_told_by_questions(needs):
    items = ["speed", "hours", "talk", "advice"]
    data = widgets.Data(needs, by=["kind"], words=Words("en"), scales=dict.fromkeys(items, Scale(1, 10)))
    kinds = {"quick": {"speed": "high", "talk": "low"}, "talker": {"speed": "low", "talk": "high"}}
    view = widgets.SegmentExplorer(data, items=items, archetypes=kinds)
    assert view.k.value == 2 and view.work.wait(120)
    assert "<strong>quick</strong>" in view.numbers.value and "<strong>talker</strong>" in view.numbers.value
    assert "How many segments?" in view.table.value and view.picture.svg.startswith("<svg")
    before = dict(view.typing.chances)
    for question, slider in view.typing.answers.items():
        slider.value = 9 if question in ("speed", "hours") else 2
    assert view.typing.chances["quick"] > 0.9 and view.typing.chances != before
    made = {"responses": needs.copy()}
    exec(view.code, made)
    pd.testing.assert_frame_equal(made["result"].table, view.shown.tables["segments"], check_dtype=False)
    view.bars[0].choose(kind=True)  # about 200 alike: two segments of them would be made up
    view.work.wait(120)
    assert "made up" not in view.numbers.value and ("too few" in view.numbers.value or "%" in view.numbers.value)

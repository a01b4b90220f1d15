"""Attacks on all reports of a study and wave together: what a reader of every report holds gives no hidden location away."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from delight.feedback import privacy
from delight.feedback.table import read
from delight.study import open_study
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools import inside
from tests.tools.attack import Attack, attacks, recovered

LABELS = dict(a="North", b="North", c="North", d="North", e="South", f="South", g="East", h="East")
SIZES = {
    "2024": dict(a=28, b=14, c=22, d=31, e=35, f=12, g=20, h=15),
    "2025": dict(a=30, b=25, c=18, d=7, e=40, f=12, g=9, h=6),
}


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """A study of two waves without known populations (so that means are of answers), its whole and all its location reports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DELIGHT_KEY", "x")
        folder = tmp_path_factory.mktemp("batch")
        study = inside.write_study(folder / "studies" / "places", SIZES, LABELS, population=False)
        whole = inside.run(study, folder / "work" / "2025")
        local = [inside.run(study, folder / "work" / "2025", ("location",), location=place) for place in SIZES["2025"]]
        yield study, whole, local


@pytest.mark.long
def test_no_hidden_location_follows_from_all_reports_of_a_batch(batch):
    study, whole, local = batch
    responses = read(open_study(study)).responses
    now = responses[responses["wave"] == "2025"]
    found = attacks([whole, *local], now, LABELS)
    assert {m for m, _ in found} >= {"overall", "delighted", "recommend", "warmth", "complaints", "feedback.response", "index"}
    plan = whole.plan
    assert not recovered(found, plan, "2025", lambda measure: {"recommend": (0, 10), "delighted": (0, 1)}.get(measure, (1, 10)))
    assert {p for p in SIZES["2025"] if not plan.shown("location", p, "2025")} >= {"c", "d", "g", "h"}


@pytest.mark.long
def test_the_attack_succeeds_where_nothing_is_hidden_besides_what_is_small(batch, monkeypatch, tmp_path):
    monkeypatch.setattr(privacy._Tree, "protect", lambda self: None)
    monkeypatch.setattr(privacy, "_completed", lambda family, gone, *rest: gone)
    study, *_ = batch
    whole = inside.run(study, tmp_path / "work" / "2025")
    responses = read(open_study(study)).responses
    found = attacks([whole], responses[responses["wave"] == "2025"], LABELS)
    assert not whole.plan.shown("location", "d", "2025") and whole.plan.shown("location", "c", "2025")
    assert found["overall", "n"].determined("d") and found["overall", "sum"].determined("d")


@pytest.mark.long
def test_a_location_report_delivers_nothing_that_the_whole_hides(batch):
    _, whole, local = batch
    hidden = {p for p in SIZES["2025"] if not whole.plan.shown("location", p, "2025")}
    for content in local:
        place = content.about["location"]
        own = content.result("location.grade").table.set_index("by")
        assert all(name.startswith("location.") for name in content.table_names())
        if place in hidden:
            assert "location" not in own.index or own.loc["location"].drop(["group", "status"]).isna().all()
            assert "rest" not in own.index or pd.isna(own.loc["rest", "pooled"])
            assert content.result("location.parts").table[["n", "mean", "pooled", "rest_of_label", "flag"]].isna().all().all()
            assert not len(content.result("location.quotes").table)
            assert own.loc["organisation", "n"] == sum(SIZES["2025"].values()), "what everybody may see stays"
        else:
            theirs = whole.result("satisfaction.locations").table.set_index("group").loc[place]
            assert own.loc["location", "mean"] == theirs["raw"] and own.loc["location", "pooled"] == theirs["pooled"]


@pytest.mark.long
def test_reports_and_notebook_outputs_of_a_hidden_location_show_no_figure_of_its_own(batch):
    """What stands on the pages is what would stand there whatever its customers had answered."""
    from delight.publish import html

    study, whole, local = batch
    hidden = next(c for c in local if c.about["location"] == "d")
    page = html.page(hidden, "en")
    assert "Thank you for taking part" in page and not re.search(r"(?<!\d)7 answers|n = 7\b", page)
    texts = re.findall(r'aria-label="Dot plot[^"]*"', page)
    assert texts and not any("Own answers" in text or "Pooled" in text for text in texts)


@pytest.mark.long
@pytest.mark.parametrize(("population", "design"), [(True, "all"), (False, "all"), (False, "sample")])
def test_who_belongs_to_which_hidden_location_changes_nothing_that_is_published(tmp_path, monkeypatch, population, design):
    """Means weighted by customers and by answers, pooled means, shrinkage and the division of a change are many sums over the same few
    hidden cells, and a standard error over locations drawn is a sum of their squares: together they could tell the cells apart. So they
    may rest on the hidden cells of a label through their sum only."""
    monkeypatch.setenv("DELIGHT_KEY", "x")
    study = inside.write_study(tmp_path / "studies" / "places", SIZES, LABELS, population=population, design=design)
    before = inside.run(study, tmp_path / "one" / "2025")
    raw = pd.read_csv(study / "2025.csv")
    place = raw["place"].to_numpy()
    two = np.flatnonzero(np.isin(place, ["c", "d"]))
    moved = np.roll(place[two], 5)
    moved[np.flatnonzero(moved == "c")[0]] = "d"  # one more at d, one less at c
    raw.loc[two, "place"] = moved
    raw.to_csv(study / "2025.csv", index=False)
    after = inside.run(study, tmp_path / "two" / "2025")
    told = [(name, _told(before, name), _told(after, name)) for name in before.table_names()]
    assert {name for name, *_ in told} >= {
        f"satisfaction.{t}" for t in ("levels", "nps", "waves", "locations", "location_shares", "local", "attributes")
    }
    waves = before.result("satisfaction.waves")
    assert "location:shown" in waves.meta["composition"] and waves.table["mix_part"].notna().any()
    assert before.result("satisfaction.levels").meta["clusters"] == ("location:drawn" if design == "sample" else None)
    for name, one, other in told:
        pd.testing.assert_frame_equal(one, other, rtol=1e-9, obj=name)


def _told(content, name):
    """A table as delivered; few answered about complaints, so that other locations are hidden there when two customers move."""
    table = content.result(name).table
    return table[table["attribute"] != "complaints"].reset_index(drop=True) if "attribute" in table else table


@pytest.mark.long
def test_a_standard_error_over_locations_drawn_gives_two_hidden_ones_away_unless_they_are_one_cluster(tmp_path, monkeypatch):
    """Who knows the sum of two hidden locations, how many answered at each, and the sum of their squares, knows both."""
    monkeypatch.setenv("DELIGHT_KEY", "x")
    sizes = {wave: {p: n for p, n in by.items() if p in "abcd"} for wave, by in SIZES.items()}
    study = inside.write_study(tmp_path / "studies" / "places", sizes, LABELS, population=False, design="sample")

    def found(work):
        content = inside.run(study, work)
        whole = content.result("satisfaction.levels").table.query("by == 'whole'").iloc[0]
        shown = content.result("satisfaction.locations").table.query("by == 'location'").dropna(subset="raw")
        assert set(shown["group"]) == {"a", "b"}
        n, se = whole["n"], whole["se"]
        known = (shown["n"] * (shown["raw"] - whole["mean"])).to_numpy()
        rest = -known.sum()  # what the hidden two are off the mean together
        squares = {g: (g - 1) / g * (n * se) ** 2 - (known**2).sum() for g in (3, 4)}
        return n, whole["mean"], rest, squares

    def means(rest, squares, mean):
        """Two numbers of this sum and these squares, as means of locations."""
        half = np.sqrt(max(0.0, squares / 2 - rest**2 / 4))
        return [
            {size: mean + off / size for size, off in zip((18, 7), pair)}
            for pair in ((rest / 2 + half, rest / 2 - half), (rest / 2 - half, rest / 2 + half))
        ]

    now = pd.read_csv(study / "2025.csv")
    truth = now[now["place"] == "d"]["overall"].mean()
    n, mean, rest, squares = found(tmp_path / "one" / "2025")
    assert squares[3] == pytest.approx(rest**2), "the error knows their sum alone"
    monkeypatch.setattr(privacy.Plan, "grouped", lambda self, wave, question="": {})
    n, mean, rest, squares = found(tmp_path / "two" / "2025")
    assert any(guess[7] == pytest.approx(truth, abs=0.01) for guess in means(rest, squares[4], mean)), "as it was"


def given_away(plan, frame, question, labels, wave):
    """Locations whose answers to a question are too few, or all alike, and follow from the cells that the plan shows."""
    answered = frame[frame[question].notna()]
    cells = dict(iter(answered[question].groupby(answered["location"].astype(object).fillna(""))))
    attack = Attack({name: len(mine) for name, mine in cells.items()}, labels)
    places = [name for name in cells if name]
    for level, groups in {"whole": [""], "label": sorted(set(labels.values())), "location": places, "rest": places}.items():
        for group in groups:
            if plan.shown(level, group, wave, question):
                attack.learn(level, group, 1.0)
    small = [name for name, mine in cells.items() if len(mine) < 10 or (len(mine) < 30 and mine.nunique() == 1)]
    return [name for name in small if attack.determined(name)]


@pytest.mark.long
def test_no_question_of_the_demo_gives_a_location_away(root, monkeypatch):
    monkeypatch.setenv("DELIGHT_KEY", "x")
    study = open_study(root / "data" / "studies" / "kinderopvang-demo")
    responses = read(study).responses
    labels = {u.location: u.label for u in study.units.values()}
    for wave in study.waves:
        plan = privacy.plan(responses, study, wave=wave)
        now = responses[responses["wave"] == wave]
        asked = [c for c in [study.outcome, *sorted(plan.questions)] if now[c].notna().any()]
        assert len(asked) > 8
        assert not {q: found for q in asked if (found := given_away(plan, now, q, labels, wave))}
        hidden = [p for p in labels if not plan.shown("location", p, wave)]
        assert len(hidden) != 1, "one alone would follow from the others"


tree = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 34), min_size=3, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree, st.integers(0, 14), st.integers(0, 999), st.sets(st.sampled_from("abcdefgh"), max_size=2))
def test_no_question_of_any_small_study_gives_a_hidden_location_away(sizes, nowhere, seed, alike):
    """Bases differ by question, as some did not answer or were not asked: each question must stand by itself."""
    rng = np.random.default_rng(seed)
    place = np.repeat([*sizes, None], [*sizes.values(), nowhere])
    if not len(place):
        return
    overall = np.where(np.isin(place.astype(str), list(alike)), 8.0, rng.integers(1, 11, len(place)))
    warmth = np.where(
        rng.random(len(place)) < rng.choice([0.2, 0.6, 0.95]), np.clip(overall + rng.integers(-2, 3, len(place)), 1, 10), np.nan
    )
    frame = pd.DataFrame({"wave": "w", "location": place, "overall": overall, "warmth": warmth})
    plan = privacy.make_plan(
        frame, minimum_group=10, waves=["w"], labels=LABELS, y="overall", delight_from=9, wave="w", questions=["warmth"]
    )
    for question in ("overall", "warmth"):
        assert not given_away(plan, frame, question, LABELS, "w")
        together = plan.together("w", question)
        for names in set(together.values()):
            members = [x for x in together if together[x] == names]
            assert not any(plan.shown("location", x, "w", question) for x in members)
            clusters = {
                group: [x for x in members if plan.grouped("w", question)[x] == group] for group in plan.grouped("w", question).values()
            }
            answers = frame[frame[question].notna()]["location"]
            inside_it = [mine for mine in clusters.values() if mine]
            assert sorted(x for mine in inside_it for x in mine) == sorted(members)
            assert len(inside_it) == 1 or all(len(mine) > 1 and answers.isin(mine).sum() >= 10 for mine in inside_it)


@pytest.mark.long
def test_the_whole_counts_and_names_locations_that_are_one(batch):
    from delight.show import locations as places

    _, whole, _ = batch
    words = whole.words("en")
    said = " ".join(places.locations(whole.result("satisfaction.locations"), whole.result("satisfaction.spread"), words))
    assert "answers from 8 locations" in said
    assert words.location("c + d") == "House c + House d"

"""The Kano chapter speaks: kinds, groups, change and edges, in three languages."""

import re

import numpy as np
import pandas as pd
import pytest
from delight.drivers import kano, migration
from delight.result import Result
from delight.show import kano as views
from delight.show import render, theme
from delight.show.words import LANGUAGES, Words
from matplotlib.text import Text

CELL = {"A": (1, 3), "O": (1, 5), "M": (3, 5), "I": (3, 3), "R": (5, 1), "Q": (1, 1)}
PLANTED = {
    "photos": {"A": 70, "O": 20, "I": 10},
    "answer": {"M": 60, "O": 25, "I": 15},
    "swap": {"O": 62, "A": 20, "M": 18},
    "meals": {"A": 44, "I": 46, "M": 10},
    "webcam": {"I": 65, "R": 28, "Q": 7},
}
PAIRS = {name: (f"{name}_f", f"{name}_d") for name in PLANTED}
EN = Words("en")


def people(planted=PLANTED, seed=0):
    """A hundred people for each feature, in an order of its own."""
    rng, columns = np.random.default_rng(seed), {}
    for name, counts in planted.items():
        answers = rng.permutation([CELL[c] for c, n in counts.items() for _ in range(n)])
        columns |= {f"{name}_f": answers[:, 0].astype(float), f"{name}_d": answers[:, 1].astype(float)}
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def classes():
    return kano.classify(people(), pairs=PAIRS, n_boot=200)


def told(view, *results, words=EN):
    return " ".join(view(*results, words))


# ---- kinds -----------------------------------------------------------------------------------------------------------


def test_the_reading_names_each_kind_and_what_stays_undecided(classes):
    text = told(views.kinds, classes)
    assert "**Delights:** photos." in text and "**Taken for granted:** answer." in text and "**The more, the better:** swap." in text
    assert "**Indifferent:** webcam." in text and "**Undecided,** delights or indifferent: meals." in text
    assert text.startswith("100 customers said") and "corrected for the number of features" in text


def test_a_divided_feature_and_contradictions_are_told_with_their_share(classes):
    text = told(views.kinds, classes)
    assert "webcam (28%): customers are divided" in text
    assert "More than 5% of the answers on webcam contradict themselves." in text


def test_small_samples_say_so_and_large_ones_do_not(classes):
    assert "first indication" not in told(views.kinds, classes)
    few = kano.classify(people().head(40), pairs=PAIRS, n_boot=50)
    assert "The number of answers is small" in told(views.kinds, few)


def test_nobody_answered_and_nothing_may_be_shown(classes):
    empty = kano.classify(people().assign(photos_f=np.nan), pairs={"photos": PAIRS["photos"]}, n_boot=0)
    assert told(views.kinds, empty) == "Nobody answered both questions about any feature, so nothing can be said about what delights."
    gone = classes.table.assign(status="suppressed", category=None, cs_plus=np.nan, n=np.nan)
    assert "giving away who they are" in told(views.kinds, Result(gone, classes.meta, (), "suppressed"))


def test_a_feature_nobody_answered_is_named_beside_the_others():
    found = kano.classify(people().assign(swap_d=np.nan), pairs=PAIRS, n_boot=50)
    assert "swap: too few customers answered both questions." in told(views.kinds, found)
    table = views.class_table(found, EN)
    row = list(table[0].values).index("swap")
    assert list(table[1].values)[row] == "Too few answers" and row == 4  # last


def test_the_table_turns_the_harm_of_absence_into_a_positive_share(classes):
    feature, kind, plus, minus, n = views.class_table(classes, EN)
    at = list(feature.values).index("answer")
    row = classes.table.set_index("attribute").loc["answer"]
    assert minus.values[at] == pytest.approx(0.85) == -row["cs_minus"]
    assert minus.lo[at] == pytest.approx(-row["cs_minus_hi"]) and minus.lo[at] < 0.85 < minus.hi[at]
    assert list(kind.values)[:1] == ["Delights"] and list(n.values) == [100] * 5 and plus.format == "percent"


def test_shares_of_a_row_of_answers_add_up_to_one(classes):
    columns = views.count_table(classes, EN)
    shares = np.array([list(c.values) for c in columns[1:7]])
    assert shares.sum(axis=0) == pytest.approx(np.ones(5)) and [c.heading for c in columns[1:7]][0] == "Delights"
    assert list(columns[-2].values)[0] == "yes" and list(columns[-1].values)[0] == "Delights"


def test_the_evaluation_table_is_printed_as_it_is_used():
    columns = views.evaluation(kano.evaluation_table(), EN)
    assert [list(c.values)[0] for c in columns[1:]] == ["Contradictory answers", *["Delights"] * 3, "The more, the better"]
    assert list(columns[0].values) == ["Like", "Expect", "Neutral", "Live with", "Dislike"]
    assert "Pouliot" in views.evaluation.caption(kano.evaluation_table("pouliot"), EN)


# ---- the diagram -----------------------------------------------------------------------------------------------------


def test_points_stand_where_the_coefficients_are_and_labels_do_not_overlap(classes):
    with theme.figure(170, 122) as (drawn, ax):
        views.better_worse(classes, ax, EN)
        drawn.draw_without_rendering()
        points = np.array([c.get_offsets()[0] for c in ax.collections if len(c.get_offsets()) == 1 and hasattr(c, "get_sizes")])
        table = views._known(classes)
        assert points[:, 0] == pytest.approx(-100 * table["cs_minus"].to_numpy()) and points[:, 1] == pytest.approx(
            100 * table["cs_plus"].to_numpy()
        )
        boxes = [Text.get_window_extent(t) for t in ax.texts if t.get_text().strip()]
        assert len(boxes) == 4 + 5
        overlaps = [(i, j) for i in range(len(boxes)) for j in range(i) if boxes[i].overlaps(boxes[j])]
        assert overlaps == []


def test_twelve_features_close_together_keep_their_labels_apart():
    rng = np.random.default_rng(3)
    planted = {f"A feature with a long name {k}": {"A": 50 + k, "O": 20 + int(rng.integers(0, 8)), "I": 10} for k in range(12)}
    frames = {}
    for name, counts in planted.items():
        answers = np.array([CELL[c] for c, n in counts.items() for _ in range(n)], dtype=float)
        frames |= {f"{name}_f": pd.Series(answers[:, 0]), f"{name}_d": pd.Series(answers[:, 1])}
    found = kano.classify(pd.DataFrame(frames), pairs={n: (f"{n}_f", f"{n}_d") for n in planted}, n_boot=50)
    with theme.figure(170, 122) as (drawn, ax):
        views.better_worse(found, ax, EN)
        drawn.draw_without_rendering()
        boxes = [Text.get_window_extent(t) for t in ax.texts if "long name" in t.get_text().replace("\n", " ")]
        assert len(boxes) == 12
        covered = [(i, j) for i in range(12) for j in range(i) if boxes[i].shrunk(0.9, 0.8).overlaps(boxes[j].shrunk(0.9, 0.8))]
        assert covered == []


def test_without_a_coefficient_no_figure_is_made():
    empty = kano.classify(people().assign(photos_f=np.nan), pairs={"photos": PAIRS["photos"]}, n_boot=0)
    assert render.figure_html(views.better_worse, [empty], EN, {}) == ""


# ---- groups ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_groups():
    other = PLANTED | {"meals": {"I": 90, "A": 10}, "photos": {"A": 70, "O": 18, "I": 12}}
    return pd.concat([people().assign(region="north"), people(other, seed=1).assign(region="south")], ignore_index=True)


def test_groups_that_differ_are_told_apart_with_their_kinds(two_groups):
    by = kano.classify(two_groups, pairs=PAIRS, by="region", n_boot=50)
    apart = kano.heterogeneity(two_groups, pairs=PAIRS, by="region")
    text = told(views.groups, by, apart)
    assert "**Groups of customers answer differently on 1 feature**" in text
    assert "meals, by region: north: delights or indifferent; south: indifferent." in text and "photos" not in text
    columns = views.group_table(by, apart, EN)
    assert len(list(columns[0].values)) == 10 and set(columns[1].values) == {"north", "south"}


def test_groups_of_one_kind_may_still_differ_and_agreement_is_told(two_groups):
    weaker = two_groups.copy()
    south = weaker["region"] == "south"
    answers = np.array([CELL[c] for c in ["A"] * 52 + ["I"] * 20 + ["O"] * 28], dtype=float)
    weaker.loc[south, ["photos_f", "photos_d"]] = answers
    pairs = {"photos": PAIRS["photos"]}
    weaker.loc[~south, ["photos_f", "photos_d"]] = np.array([CELL[c] for c in ["A"] * 80 + ["I"] * 15 + ["O"] * 5], dtype=float)
    text = told(
        views.groups, kano.classify(weaker, pairs=pairs, by="region", n_boot=0), kano.heterogeneity(weaker, pairs=pairs, by="region")
    )
    assert "photos, by region: the same kind for all (delights), but not equally often." in text
    same = kano.heterogeneity(two_groups, pairs={"swap": PAIRS["swap"]}, by="region")
    text = told(views.groups, kano.classify(two_groups, pairs={"swap": PAIRS["swap"]}, by="region", n_boot=0), same)
    assert text.startswith("No difference between groups of customers can be shown (region)")


def test_segments_are_told_to_be_blurred():
    frame = pd.concat([people().assign(segment="group-a"), people(seed=2).assign(segment="group-b")])
    text = told(
        views.groups, kano.classify(frame, pairs=PAIRS, by="segment", n_boot=0), kano.heterogeneity(frame, pairs=PAIRS, by="segment")
    )
    assert "differences between segments are somewhat larger" in text or "No difference" in text


# ---- over time -------------------------------------------------------------------------------------------------------


def two_waves(first, second):
    frames = [people({"photos": c}, seed=0).assign(wave=w, who=np.arange(100)) for w, c in (("w0", first), ("w1", second))]
    return pd.concat(frames, ignore_index=True)


def over_time(frame, times=None):
    options = dict(pairs={"photos": PAIRS["photos"]}, order=sorted(frame["wave"].unique()), respondent="who")
    lasting = migration.half_life(frame, **options, times=times, n_boot=50)
    return migration.trend(frame, **options, times=times), migration.movement(frame, **options), lasting


def test_a_delight_that_becomes_a_matter_of_course_is_told_with_its_pace():
    results = over_time(two_waves({"A": 80, "I": 20}, {"A": 30, "O": 50, "I": 20}), {"w0": 0.0, "w1": 0.5})
    text = told(views.migration, *results)
    assert "**photos is becoming a matter of course:** the share who mind its absence rises by 100 percentage points a year" in text
    assert (
        re.search(r"Of customers who answered twice, \d+ moved down on photos", text) and "How long delight lasts is not said here" in text
    )


def test_no_change_and_one_wave_are_no_claims():
    still = {"A": 80, "I": 20}
    text = told(views.migration, *over_time(two_waves(still, still), {"w0": 0.0, "w1": 0.5}))
    assert "no change in what features do to customers can be shown" in text and "**" not in text
    one = two_waves(still, still).query("wave == 'w0'")
    assert "cannot be told yet" in told(views.migration, *over_time(one))


def test_without_dates_the_unit_is_a_wave():
    text = told(views.migration, *over_time(two_waves({"A": 80, "I": 20}, {"A": 30, "O": 50, "I": 20})))
    assert "rises by 50 percentage points a wave" in text


def test_a_known_half_life_is_told_with_its_interval_and_a_lasting_delight_as_at_least():
    trend, movement, lasting = over_time(two_waves({"A": 80, "I": 20}, {"A": 30, "O": 50, "I": 20}), {"w0": 0.0, "w1": 0.5})
    known = lasting.table.assign(half_life=8.2, hl_lo=6.1, hl_hi=12.4, status="ok")
    text = told(views.migration, trend, movement, lasting.with_table(known))
    assert "photos: after about 8 months half of those whom it delighted have come to see it otherwise (interval 6–12)." in text
    assert "freed of the unreliability" in text and "not said here" not in text
    text = told(views.migration, trend, movement, lasting.with_table(known.assign(half_life=np.inf, hl_lo=31.0, hl_hi=np.inf)))
    assert "it takes at least 31 months" in text


# ---- beside the drivers ----------------------------------------------------------------------------------------------


def test_answers_and_grades_stand_side_by_side_with_the_caution(classes):
    impact = pd.DataFrame({"attribute": ["info", "app"], "impact_class": ["bijzonder", "undistinguished"], "n": [90, 91], "status": "ok"})
    pair = {"photos": "p", "info": "p", "answer": "q", "app": "q", "swap": "", "meals": "m"}
    both = kano.beside(classes, Result.of("M08", impact), pair=pair)
    assert both.table[["attribute", "rating", "agree"]].values.tolist() == [["photos", "info", "yes"], ["answer", "app", "open"]]
    columns = {c.heading: list(c.values) for c in views.beside_table(both, EN)}
    assert columns["As customers say"] == ["Delights", "Taken for granted"] and columns["Do they agree?"] == ["agree", "open"]
    assert "must not be averaged" in views.beside_table.caption(both, EN)


# ---- every language --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_view_renders_without_holes_in_every_language(language, classes, two_groups):
    words = Words(language)
    by, apart = kano.classify(two_groups, pairs=PAIRS, by="region", n_boot=50), kano.heterogeneity(two_groups, pairs=PAIRS, by="region")
    trend, movement, lasting = over_time(two_waves({"A": 80, "I": 20}, {"A": 30, "O": 50, "I": 20}), {"w0": 0.0, "w1": 0.5})
    pages = [
        render.reading_html(views.kinds, [classes], words, {}),
        render.figure_html(views.better_worse, [classes], words, {}),
        render.table_html(views.class_table, [classes], words, {}),
        render.table_html(views.count_table, [classes], words, {}),
        render.table_html(views.evaluation, [kano.evaluation_table()], words, {}),
        render.reading_html(views.groups, [by, apart], words, {}),
        render.table_html(views.group_table, [by, apart], words, {}),
        render.reading_html(views.migration, [trend, movement, lasting], words, {}),
        render.table_html(views.trend_table, [trend], words, {}),
        render.table_html(views.moves_table, [movement], words, {}),
    ]
    for page in pages:
        text = re.sub(r"<[^>]+>", " ", page)
        assert len(text) > 40 and not re.search(r"\bnan\b|None|\{\w*\}", text), text
    assert len(set(LANGUAGES)) == 3 and "aria-label" in pages[1]

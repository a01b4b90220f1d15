"""Privacy is tested by attack: whatever is published, no sound sum of it may be about too few people."""

import itertools

import numpy as np
import pandas as pd
import pytest
from delight.feedback import privacy
from delight.result import Note, Result
from hypothesis import given, settings
from hypothesis import strategies as st

K = 10


def responses(sizes, *, wave="w1", seed=0, alike=(), missing=0):
    """Answers by location; `sizes` is location -> n."""
    rng = np.random.default_rng(seed)
    rows = []
    for location, n in sizes.items():
        grades = np.full(n, 8.0) if location in alike else np.resize([6.0, 9.0, 8.0, 10.0, 3.0], n)
        rng.shuffle(grades)
        rows += [(wave, location, g) for g in grades]
    rows += [(wave, None, 7.0)] * missing
    return pd.DataFrame(rows, columns=["wave", "location", "overall"])


def plan_of(frame, labels, waves=("w1",), **options):
    return privacy.make_plan(frame, minimum_group=K, waves=list(waves), labels=labels, y="overall", delight_from=9, **options)


def shown(plan, level, wave="w1"):
    t = plan.table
    return set(t.loc[(t["level"] == level) & (t["wave"] == wave) & t["shown"], "cell"])


def rule(plan, level, cell, wave="w1"):
    t = plan.table
    return t.loc[(t["level"] == level) & (t["cell"] == cell) & (t["wave"] == wave), "rule"].iloc[0]


# ---- the attack --------------------------------------------------------------------------------------------------------


def recoverable(published, atoms, sizes, wanted):
    """Sets of atoms in `wanted` whose sum an onlooker can work out from the published sums (indicator vectors)."""
    if not published:
        return []
    matrix = np.array(published, dtype=float)
    rank = np.linalg.matrix_rank(matrix)
    found = []
    for names in wanted:
        row = np.array([a in names for a in atoms], dtype=float)
        if np.linalg.matrix_rank(np.vstack([matrix, row])) == rank:
            found.append(names)
    return found


def published_sums(plan, atoms, labels):
    """What the plan publishes, as indicator vectors over atoms (wave, location)."""
    waves = sorted({w for w, _ in atoms})
    rows = []
    for cell in plan.table[plan.table["shown"]].itertuples():
        inside = {
            "whole": lambda loc, cell=cell: True,
            "label": lambda loc, cell=cell: labels.get(loc) == cell.cell,
            "location": lambda loc, cell=cell: loc == cell.cell,
            "rest": lambda loc, cell=cell: loc != cell.cell and (not labels.get(cell.cell) or labels.get(loc) == labels[cell.cell]),
        }[cell.level]
        over = waves if cell.wave == "" else [cell.wave]
        rows.append([float(w in over and inside(loc)) for w, loc in atoms])
    return rows


def attack(plan, sizes, labels, alike=()):
    """Unsound sets that can be worked out: fewer than K answers, or all alike and fewer than 30. `sizes` is (wave, location) -> n."""
    atoms = [a for a, n in sizes.items() if n]
    small = [
        set(names)
        for r in (1, 2, 3, 4)
        for names in itertools.combinations(atoms, r)
        if sum(sizes[a] for a in names) < K or (all(a[1] in alike for a in names) and sum(sizes[a] for a in names) < 30)
    ]
    return recoverable(published_sums(plan, atoms, labels), atoms, sizes, small)


def test_the_example_of_the_method_does_not_leak():
    """methods.md M40: label n 80, three siblings published, the hidden location of 7 could be worked out."""
    sizes = {"a": 30, "b": 25, "c": 18, "d": 7}
    labels = dict.fromkeys(sizes, "L")
    plan = plan_of(responses(sizes), labels)
    assert rule(plan, "location", "d") == "base" and rule(plan, "location", "c") == "complement"
    assert shown(plan, "location") == {"a", "b"} and shown(plan, "label") == {"L"}
    assert shown(plan, "rest") == {"a", "b"}
    assert not attack(plan, {("w1", k): n for k, n in sizes.items()}, labels)


def test_the_attack_would_find_the_leak_that_the_plan_closes():
    sizes = {"a": 30, "b": 25, "c": 18, "d": 7}
    plan = plan_of(responses(sizes), dict.fromkeys(sizes, "L"))
    table = plan.table.assign(shown=plan.table["cell"] != "d")
    leaking = privacy.Plan(Result.of("M40", table, minimum_group=K, waves=["w1"]))
    assert attack(leaking, {("w1", k): n for k, n in sizes.items()}, dict.fromkeys(sizes, "L")) == [{("w1", "d")}]


def test_two_hidden_neighbours_of_ten_together_need_no_third():
    sizes = {"a": 30, "b": 6, "c": 5}
    plan = plan_of(responses(sizes), dict.fromkeys(sizes, "L"))
    assert shown(plan, "location") == {"a"} and shown(plan, "label") == {"L"}


def test_a_location_in_which_all_answered_alike_is_hidden_with_a_neighbour():
    sizes = {"a": 40, "b": 20, "c": 15}
    plan = plan_of(responses(sizes, alike=("c",)), dict.fromkeys(sizes, "L"))
    assert rule(plan, "location", "c") == "unanimous" and rule(plan, "location", "b") == "complement"
    alike_but_many = plan_of(responses({"a": 40, "b": 20, "c": 30}, alike=("c",)), dict.fromkeys(sizes, "L"))
    assert shown(alike_but_many, "location") == {"a", "b", "c"}


def test_a_small_label_takes_another_down_with_it():
    sizes = {"a": 30, "b": 30, "c": 5, "d": 20}
    labels = {"a": "L", "b": "L", "c": "M", "d": "N"}
    plan = plan_of(responses(sizes), labels)
    assert "M" not in shown(plan, "label") and "N" not in shown(plan, "label") and "d" not in shown(plan, "location")
    assert not attack(plan, {("w1", k): n for k, n in sizes.items()}, labels)


def test_answers_without_a_location_are_protected_too():
    sizes = {"a": 30, "b": 20}
    plan = plan_of(responses(sizes, missing=3), {})
    assert shown(plan, "location") == {"a"}  # else the whole less a and b gives the three away
    assert shown(plan_of(responses(sizes, missing=30), {}), "location") == {"a", "b"}


def test_a_whole_that_is_too_small_shows_nothing():
    plan = plan_of(responses({"a": 5, "b": 4}), {})
    assert not plan.table["shown"].any() and not plan.shown("whole", wave="w1")


def test_all_waves_together_do_not_give_an_earlier_wave_away():
    first, second = responses({"a": 30, "b": 8, "c": 20}), responses({"a": 30, "b": 30, "c": 20}, wave="w2")
    plan = plan_of(pd.concat([first, second]), dict.fromkeys("abc", "L"), waves=("w1", "w2"))
    assert "b" not in shown(plan, "location", "w1") and "b" in shown(plan, "location", "w2")
    assert "b" not in shown(plan, "location", "") and "a" in shown(plan, "location", "")
    assert plan.shown("location", "b", "w2") and not plan.shown("location", "b")  # without a wave: in every one


def test_a_tiny_wave_hides_the_whole_of_all_waves():
    frame = pd.concat([responses({"a": 30}), responses({"a": 6}, wave="w2")])
    plan = plan_of(frame, {}, waves=("w1", "w2"))
    assert plan.shown("whole", wave="w1") and not plan.shown("whole", wave="w2") and not plan.shown("whole", wave="")


def test_a_plan_is_saved_and_loaded(tmp_path):
    plan = plan_of(responses({"a": 30, "b": 5}), {})
    plan.save(tmp_path / "plan")
    loaded = privacy.Plan.load(tmp_path / "plan")
    pd.testing.assert_frame_equal(loaded.table, plan.table)
    assert loaded.minimum_group == K and loaded.waves == ["w1"] and (tmp_path / "plan.parquet").is_file()
    assert list(plan.table.columns[:7]) == ["wave", "level", "cell", "label", "base", "rule", "shown"]


def test_an_unplanned_cell_is_not_shown():
    assert not plan_of(responses({"a": 30}), {}).shown("location", "z", "w1")


trees = st.integers(1, 3).flatmap(
    lambda n_labels: st.tuples(
        st.lists(st.tuples(st.integers(0, 26), st.integers(0, n_labels), st.booleans()), min_size=1, max_size=7),
        st.lists(st.integers(0, 26), min_size=7, max_size=7),
        st.integers(0, 12),
    )
)


@settings(max_examples=60, deadline=None)
@given(trees, st.booleans())
def test_no_plan_can_be_attacked(tree, two_waves):
    cells, second, missing = tree
    locations = [f"l{i}" for i in range(len(cells))]
    labels = {loc: f"L{label}" for loc, (_, label, _) in zip(locations, cells) if label}
    alike = {loc for loc, (_, _, same) in zip(locations, cells) if same}
    sizes = {("w1", loc): n for loc, (n, _, _) in zip(locations, cells)}
    frame = responses({loc: n for loc, (n, _, _) in zip(locations, cells)}, alike=alike, missing=missing)
    atoms = {**sizes, ("w1", None): missing}
    waves = ["w1"]
    if two_waves:
        later = dict(zip(locations, second))
        frame = pd.concat([frame, responses(later, alike=alike, wave="w2")])
        atoms |= {("w2", loc): n for loc, n in later.items()}
        waves = ["w1", "w2"]
    plan = plan_of(frame, labels, waves=[w for w in waves if (frame["wave"] == w).any()])
    assert attack(plan, atoms, labels, alike | {None}) == []


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=8))
def test_without_labels_no_plan_can_be_attacked_and_it_hides_no_more_than_it_must(sizes):
    named = {f"l{i}": n for i, n in enumerate(sizes)}
    plan = plan_of(responses(named), {})
    assert attack(plan, {("w1", k): n for k, n in named.items()}, {}) == []
    if all(n >= 10 for n in sizes):
        assert shown(plan, "location") == set(named)


# ---- applying it -------------------------------------------------------------------------------------------------------


def result_of(rows, **meta):
    return Result.of("M02", pd.DataFrame(rows), **meta)


SIZES = {"a": 30, "b": 25, "c": 18, "d": 7}
PLAN = plan_of(responses(SIZES), dict.fromkeys(SIZES, "L"))


def by_location(**more):
    rows = [{"by": "whole", "group": "", "n": 80, "mean": 7.87, "sd": 1.0, "n_missing": 0}]
    rows += [
        {"by": "location", "group": k, "n": n, "mean": 8.0 - i / 10, "sd": 1.0, "n_missing": i} for i, (k, n) in enumerate(SIZES.items())
    ]
    return result_of([{**r, **more} for r in rows])


def test_what_the_plan_hides_keeps_its_name_and_nothing_else():
    found = privacy.suppress(by_location(verdict="fine", flagged=True), PLAN)
    t = found.table.set_index("group")
    assert t["status"].to_dict() == {"": "ok", "a": "ok", "b": "ok", "c": "suppressed", "d": "suppressed"}
    hidden = t.loc[["c", "d"]].drop(columns=["by", "status"])
    assert hidden.isna().all().all()
    assert t.loc["a", "mean"] == 8.0 and t.loc["a", "n"] == 30 and bool(t.loc["a", "flagged"])
    assert found.note("suppressed").values == {"rows": 2, "groups": 2, "of": 5} and found.status == "ok"


def test_suppressing_changes_neither_the_result_nor_an_already_suppressed_one():
    result = by_location()
    before = result.table.copy()
    once = privacy.suppress(result, PLAN)
    pd.testing.assert_frame_equal(result.table, before)
    pd.testing.assert_frame_equal(privacy.suppress(once, PLAN).table, once.table)


def test_hidden_rows_stand_last_so_that_their_rank_is_not_seen():
    result = by_location()
    mixed = result.with_table(result.table.sort_values("mean").reset_index(drop=True))
    assert privacy.suppress(mixed, PLAN).table["group"].tolist() == ["", "b", "a", "c", "d"]


def segments(*sizes, **more):
    return result_of([{"by": "segment", "group": f"s{i}", "n": n, "mean": 7.0 + i, "sd": 1.0, **more} for i, n in enumerate(sizes)])


def gone(result):
    t = result.table
    return set(t.loc[t["status"] == "suppressed", "group"])


def test_a_single_small_segment_takes_the_next_smallest_with_it():
    assert gone(privacy.suppress(segments(50, 9, 20), PLAN)) == {"s1", "s2"}
    assert gone(privacy.suppress(segments(50, 40, 20), PLAN)) == set()
    assert gone(privacy.suppress(segments(50, 3, 4, 20), PLAN)) == {"s1", "s2", "s3"}  # 3 + 4 are still less than ten
    assert gone(privacy.suppress(segments(50, 6, 4, 20), PLAN)) == {"s1", "s2"}
    assert gone(privacy.suppress(segments(50, 0, 20), PLAN)) == set()  # nobody is in it


def test_families_are_kept_apart():
    rows = [
        {"by": "segment", "group": g, "attribute": a, "n": n, "mean": 7.0}
        for a, sizes in {"warmth": (50, 9, 20), "speed": (50, 12, 20)}.items()
        for g, n in zip("xyz", sizes)
    ]
    t = privacy.suppress(result_of(rows), PLAN).table
    assert set(zip(t.loc[t["status"] == "suppressed", "attribute"], t.loc[t["status"] == "suppressed", "group"])) == {
        ("warmth", "y"),
        ("warmth", "z"),
    }


def test_fewer_answers_to_one_question_than_the_plan_knows_hide_more():
    rows = [
        {"by": "location", "group": g, "attribute": "warmth", "n": n, "mean": 7.0} for g, n in {"a": 30, "b": 25, "c": 3, "d": 2}.items()
    ]
    assert gone(privacy.suppress(result_of(rows), PLAN)) == {"b", "c", "d"}


def test_unanimous_groups_are_hidden_below_thirty():
    assert gone(privacy.suppress(segments(40, 20, 25, sd=0.0), PLAN)) == {"s1", "s2"}
    rows = [{"by": "segment", "group": g, "n": n, "share_delighted": s} for g, n, s in (("x", 20, 1.0), ("y", 25, 0.4), ("z", 90, 0.0))]
    assert gone(privacy.suppress(result_of(rows), PLAN)) == {"x", "y"}  # y goes along, z has 90 answers


def test_pairs_of_groups_hide_with_their_groups():
    sizes = {"x": 50, "y": 9, "z": 20}
    rows = [
        {"by": "segment", "group": a, "other": b, "n": sizes[a], "n_other": sizes[b], "diff": 1.0}
        for a, b in itertools.combinations(sizes, 2)
    ]
    assert (privacy.suppress(result_of(rows), PLAN).table["status"] == "suppressed").all()  # x-z would give z, and with the total y
    rows = [
        {"by": "location", "group": a, "other": b, "n": SIZES[a], "n_other": SIZES[b], "diff": 1.0}
        for a, b in itertools.combinations(SIZES, 2)
    ]
    t = privacy.suppress(result_of(rows), PLAN).table
    assert t.loc[t["status"] == "ok", ["group", "other"]].to_numpy().tolist() == [["a", "b"]]


def test_pooled_locations_hide_by_the_plan_and_their_rest_with_the_label():
    labels = {"a": "L", "b": "L", "c": "M", "d": "N"}
    plan = plan_of(responses({"a": 30, "b": 30, "c": 5, "d": 20}), labels)
    rows = [
        {"location": k, "label": v, "n": 20, "raw": 7.0, "rest_of_label": 7.1, "p_below": 0.2, "flag": "below"} for k, v in labels.items()
    ]
    t = privacy.suppress(result_of(rows), plan).table.set_index("location")
    assert t["status"].to_dict() == {"a": "ok", "b": "ok", "c": "suppressed", "d": "suppressed"}
    assert t.loc["a", "rest_of_label"] == 7.1 and pd.isna(t.loc["d", "rest_of_label"]) and pd.isna(t.loc["c", "flag"])


def test_rows_that_are_no_groups_hide_by_their_own_n():
    rows = [{"attribute": a, "n": n, "coef": 0.5} for a, n in (("x", 50), ("y", 9), ("z", 0))]
    t = privacy.suppress(result_of(rows), PLAN).table.set_index("attribute")
    assert t["status"].to_dict() == {"x": "ok", "y": "suppressed", "z": "ok"} and np.isnan(t.loc["y", "coef"])


def test_lowest_and_highest_answers_need_fifty():
    rows = [{"by": "whole", "group": "", "n": n, "mean": 7.0, "min": 1.0, "max": 10.0, "share_max": 0.2} for n in (49, 50)]
    t = privacy.suppress(result_of(rows), PLAN).table
    assert t["min"].isna().tolist() == [True, False] and t["max"].isna().tolist() == [True, False] and (t["share_max"] == 0.2).all()


def test_waves_follow_the_plan_of_the_whole():
    frame = pd.concat([responses({"a": 40}), responses({"a": 8}, wave="w2"), responses({"a": 40}, wave="w3")])
    plan = plan_of(frame, {}, waves=("w1", "w2", "w3"), wave="w3")
    rows = [
        {"by": "wave", "group": w, "n": n, "value": 7.0, "previous": p} for w, n, p in (("w1", 40, None), ("w2", 8, "w1"), ("w3", 40, "w2"))
    ]
    assert gone(privacy.suppress(result_of(rows), plan)) == {"w2", "w3"}  # the change since w2 would give w2 away
    assert privacy.suppress(result_of([{"by": "whole", "group": "", "n": 40, "mean": 8.0}]), plan).status == "ok"  # focus w3
    first = privacy.suppress(result_of([{"by": "whole", "group": "", "n": 40, "mean": 8.0}]), plan, wave="w2")
    assert first.status == "suppressed"


def test_a_result_of_one_hidden_location_is_hidden_whole_with_its_counts_and_notes():
    result = Result.of(
        "M02", pd.DataFrame([{"by": "whole", "group": "", "n": 18, "mean": 8.0}]), notes=[Note("x", {"v": 8.0})], n_used=18, location="c"
    )
    found = privacy.suppress(result, PLAN)
    assert found.status == "suppressed" and found.meta["n_used"] is None and [n.code for n in found.notes] == ["suppressed"]
    shown_one = Result.of("M02", result.table, location="a")
    assert privacy.suppress(shown_one, PLAN).status == "ok"


def test_notes_about_hidden_groups_go():
    result = by_location().add(Note("outlier", {"group": "d", "mean": 5.6}), Note("outlier", {"group": "a", "mean": 8.0}))
    assert [n.values.get("group") for n in privacy.suppress(result, PLAN).notes if n.code == "outlier"] == ["a"]


def test_tables_that_only_count_rows_pass():
    result = result_of([{"wave": "w1", "step": "blank", "n": 3}], counts_only=True)
    assert privacy.suppress(result, PLAN) is result


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=7), st.integers(0, 5))
def test_a_suppressed_table_with_its_total_gives_no_small_group_away(sizes, seed):
    rng = np.random.default_rng(seed)
    rows = [{"by": "whole", "group": "", "n": sum(sizes), "mean": 7.0}]
    rows += [{"by": "kind", "group": f"g{i}", "n": n, "mean": round(rng.uniform(5, 9), 2)} for i, n in enumerate(sizes)]
    plan = plan_of(responses({"a": 100}), {})
    t = privacy.suppress(result_of(rows), plan).table
    atoms = [f"g{i}" for i, n in enumerate(sizes) if n]
    published = [[1.0] * len(atoms)] * int((t["by"] == "whole").any() and sum(sizes) >= K)
    ok = set(t.loc[(t["by"] == "kind") & (t["status"] == "ok"), "group"])
    published += [[float(a == g) for a in atoms] for g in atoms if g in ok]
    by_name = {f"g{i}": n for i, n in enumerate(sizes)}
    small = [set(c) for r in (1, 2, 3) for c in itertools.combinations(atoms, r) if sum(by_name[a] for a in c) < K]
    assert recoverable(published, atoms, by_name, small) == []


def test_the_plan_of_a_study_uses_its_units_and_outcome(tmp_path, monkeypatch):
    from delight.feedback import table
    from delight.study import open_study

    from tests.small_study import write

    monkeypatch.setenv("DELIGHT_KEY", "x")
    rows = [f"k{i},{'A' if i < 30 else 'B'},,{i % 10 + 1},8,4,1,Beter," for i in range(36)]
    data = "id,place,when,overall,warmth,speed,worry,expected,remark\n" + "\n".join(rows) + "\n"
    study = open_study(write(tmp_path, data=data))
    plan = privacy.plan(table.read(study).responses, study, wave="2024-1")
    assert shown(plan, "label", "2024-1") == {"Noord"} and shown(plan, "location", "2024-1") == set()
    assert plan.result.meta["wave"] == "2024-1" and plan.result.meta["rows"]


@pytest.mark.parametrize("empty", [pd.DataFrame({"by": [], "group": [], "n": [], "status": []}), pd.DataFrame({"status": []})])
def test_an_empty_table_stays_empty(empty):
    assert not len(privacy.suppress(Result.of("M02", empty), PLAN).table)

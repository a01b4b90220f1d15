"""The generated study holds what was planted, always the same, in any size and language."""

import zipfile

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from delight.demo import Truth, comments, generate
from delight.demo.__main__ import main
from delight.errors import InputError
from delight.feedback import table
from delight.study import open_study

KNOT = 8


@pytest.fixture(scope="module")
def truth():
    return Truth.load()


@pytest.fixture(scope="module")
def demo(truth):
    return generate(truth)


@pytest.fixture(scope="module")
def large(truth):
    """Sixty thousand attentive parents: planted quantities show up closely."""
    return generate(truth.clean().sized(60_000), with_comments=False)


@pytest.fixture(scope="module")
def committed(root):
    return root / "data" / "studies" / "kinderopvang-demo"


def icc(frame, column, group):
    """One-way intra-class correlation."""
    by = frame.groupby(group)[column].agg(["mean", "var", "size"])
    n, k = by["size"].sum(), len(by)
    between = (by["size"] * (by["mean"] - np.average(by["mean"], weights=by["size"])) ** 2).sum() / (k - 1)
    within = ((by["size"] - 1) * by["var"]).sum() / (n - k)
    size = (n - (by["size"] ** 2).sum() / n) / (k - 1)
    return (between - within) / (between + (size - 1) * within)


# --- reproducible ---------------------------------------------------------------------------------------------


def test_the_committed_study_is_what_the_committed_truth_makes(committed, tmp_path):
    generate(Truth.load(committed / "truth.toml")).write(tmp_path)
    made = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    kept = sorted(p.relative_to(committed) for p in committed.rglob("*") if p.is_file() and p.parent.name != "story")
    assert made == kept
    for path in made:
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(tmp_path / path) as new, zipfile.ZipFile(committed / path) as old:
                assert new.namelist() == old.namelist()
                assert all(new.read(name) == old.read(name) for name in new.namelist()), path
        else:
            assert (tmp_path / path).read_bytes() == (committed / path).read_bytes(), path


def test_the_committed_truth_is_the_generators_own(committed, truth):
    assert (committed / "truth.toml").read_text("utf-8") == truth.text


def test_the_committed_study_is_small(committed):
    assert sum(p.stat().st_size for p in committed.rglob("*") if p.is_file()) < 6_000_000


def test_a_workbook_made_twice_has_the_same_bytes(truth, tmp_path):
    small = generate(truth.sized(60))
    first, second = small.write(tmp_path / "a"), small.write(tmp_path / "b")
    assert (first / "raw/2024-2.xlsx").read_bytes() == (second / "raw/2024-2.xlsx").read_bytes()


def test_the_same_seed_gives_the_same_parents_and_another_seed_others(truth):
    small = truth.sized(90)
    pd.testing.assert_frame_equal(generate(small, seed=3).responses, generate(small, seed=3).responses)
    assert not generate(small, seed=3).responses.equals(generate(small, seed=4).responses)


# --- sizes and languages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", [1, 2, 7, 100, 5000])
def test_any_size_gives_exactly_that_many_answers(truth, answers):
    made = generate(truth.sized(answers), with_comments=False)
    assert len(made.responses) == len(made.hidden) == answers
    assert not made.responses.duplicated(["respondent", "wave"]).any()


def test_a_single_answer_makes_a_study_with_one_wave(truth, tmp_path):
    study = open_study(generate(truth.sized(1)).write(tmp_path / "one"))
    assert [source.wave for source in study.sources] == ["2025-1"]
    assert len(table.read(study).responses) == 1


def test_six_hundred_locations_fit_as_in_the_literature(truth):
    made = generate(truth.sized(20_000, locations=600), with_comments=False)
    assert made.units["location"].is_unique and len(made.units) == 600
    assert made.units["label"].nunique() == 12
    assert 200 <= made.units["manager"].nunique() <= 300


@pytest.mark.parametrize("language", ["nl", "da", "en"])
def test_the_study_is_read_as_it_was_made_in_every_language(truth, language, tmp_path):
    made = generate(truth.sized(90), language=language)
    study = open_study(made.write(tmp_path / f"demo-{language}"))
    assert study.language == language
    read = table.read(study).responses
    assert len(read) == 90
    for column in ["overall", "recommend", "stay", "annoyed", "disconfirmation", "complaints", "take_home_meals", "spend"]:
        assert read[column].sum() == pytest.approx(made.responses[column].sum()), column
        assert read[column].isna().sum() == made.responses[column].isna().sum(), column
    assert sorted(read["care_type"].map(str)) == sorted(made.responses["care_type"].map(str))
    assert (read["complaints:na"]).sum() == made.responses["complaints:na"].sum()


def test_another_language_is_refused(truth):
    with pytest.raises(InputError, match="nl, da and en, not 'fr'"):
        generate(truth, language="fr")


def test_the_command_writes_a_study_that_opens(tmp_path, capsys):
    folder = tmp_path / "trial"
    assert main(["--out", str(folder), "--answers", "30", "--language", "en", "--seed", "5", "--variant", "no-segments"]) == 0
    assert "30 answers" in capsys.readouterr().out
    study = open_study(folder)
    assert study.name == "trial" and Truth.load(folder / "truth.toml").demo["seed"] == 5


def test_the_command_says_what_is_wrong_with_a_truth(tmp_path, capsys):
    (tmp_path / "truth.toml").write_text("[demo]\n", "utf-8")
    assert main(["--out", str(tmp_path / "x"), "--truth", str(tmp_path / "truth.toml")]) == 1
    assert "truth.toml cannot be read" in capsys.readouterr().err and not (tmp_path / "x").exists()


# --- what was planted is there --------------------------------------------------------------------------------


def test_the_grades_are_those_of_a_dutch_provider(demo):
    overall = demo.responses["overall"]
    assert overall.mean() == pytest.approx(7.75, abs=0.15)
    assert overall.std() == pytest.approx(1.35, abs=0.15)
    assert overall.skew() < -0.3
    for column in ("overall", "recommend"):
        assert demo.responses.groupby("wave")[column].apply(lambda grades: (grades == 10).mean()).max() < 0.18


def test_each_wave_has_two_thousand_answers_at_the_planted_response(demo, truth):
    assert demo.responses["wave"].value_counts().to_dict() == {"2024-1": 2000, "2024-2": 2000, "2025-1": 2000}
    assert 2000 / demo.units["invited"].sum() == pytest.approx(truth.demo["response"], abs=0.01)
    assert (demo.units["invited"] <= demo.units["population"]).all()
    assert demo.units["label"].nunique() == 12 and len(demo.units) == 48


def test_parents_of_one_location_resemble_each_other_a_little(large):
    first = large.responses[large.responses["wave"] == "2024-1"]
    assert icc(first.dropna(subset=["overall"]), "overall", "location") == pytest.approx(0.05, abs=0.025)


def test_careless_answers_are_as_frequent_as_planted(truth):
    made = generate(truth.sized(30_000), with_comments=False)
    share = made.hidden["careless"].value_counts(normalize=True)
    assert share["straight"] == pytest.approx(truth.careless["straight"], abs=0.004)
    assert share["random"] == pytest.approx(truth.careless["random"], abs=0.004)
    at_random = made.hidden["careless"] == "random"
    assert (made.responses.loc[at_random, "duration"] < made.responses["duration"].median() / 3).all()
    attributes = made.responses.loc[made.hidden["careless"] == "straight", list(truth.drivers)]
    assert (attributes.max(axis=1) == attributes.min(axis=1)).all()


def test_the_groups_have_the_planted_shares_and_wishes(large, truth):
    share = large.hidden["segment"].value_counts(normalize=True)
    needs = large.responses[list(truth.needs["items"])]
    within = needs.sub(needs.mean(axis=1), axis=0).groupby(large.hidden["segment"]).mean()
    for name, segment in truth.segments.items():
        assert share[name] == pytest.approx(segment.share, abs=0.01)
        planted = pd.Series({item: mean + segment.wishes.get(item, 0) for item, mean in truth.needs["items"].items()})
        # grades are cut off at 10, which flattens the highest wishes a little
        np.testing.assert_allclose(within.loc[name], planted - planted.mean(), atol=0.3)


def test_the_level_of_rating_is_a_style_and_not_a_group(large, truth):
    level = large.responses[list(truth.needs["items"])].mean(axis=1)
    assert level.std() == pytest.approx(truth.needs["style_sd"], abs=0.1)
    explained = level.groupby(large.hidden["segment"]).transform("mean").var() / level.var()
    assert explained < 0.05


def test_without_segments_the_groups_cannot_be_told_apart(truth):
    made = generate(truth.without_segments().clean().sized(30_000), with_comments=False)
    needs = made.responses[list(truth.needs["items"])]
    spread = needs.groupby(made.hidden["segment"]).mean().std()
    assert (spread < 0.06).all()


def knots(responses, truth):
    """Slopes below and above the knot by least squares, incidents held equal; not applicable has its own term."""
    names = [name for name in truth.drivers if name != "complaints"]
    terms = {f"{name}_below": np.minimum(responses[name] - KNOT, 0) for name in names}
    terms |= {f"{name}_above": np.maximum(responses[name] - KNOT, 0) for name in names}
    x = pd.DataFrame(terms)
    skipped = responses["accessibility:na"].astype(bool)
    x.loc[skipped, ["accessibility_below", "accessibility_above"]] = 0
    x["skipped"], x["incident"], x["constant"] = skipped.astype(float), responses["incident"], 1.0
    solved = np.linalg.lstsq(x.to_numpy(), responses["overall"].to_numpy(), rcond=None)[0]
    return pd.Series(solved, index=x.columns)


def test_drivers_work_below_or_above_the_knot_as_planted(large, truth):
    found = knots(large.responses, truth)
    for name, driver in truth.drivers.items():
        if name == "complaints":
            continue
        below, above = driver.below, driver.above
        if driver.by_segment:
            below = above = sum(segment.share * driver.slopes(s)[0] for s, segment in truth.segments.items())
        assert found[f"{name}_below"] == pytest.approx(below, abs=0.06), name
        assert found[f"{name}_above"] == pytest.approx(above, abs=0.06), name


def test_under_pure_halo_attributes_only_echo_the_mood(truth):
    made = generate(truth.pure_halo().clean().sized(30_000), with_comments=False)
    controlled = smf.ols("overall ~ halo + warmth + safety", made.responses.assign(halo=made.hidden["halo"])).fit()
    assert made.responses["overall"].corr(made.responses["warmth"]) > 0.3
    assert abs(controlled.params[["warmth", "safety"]]).max() < 0.03


def test_recommendation_jumps_where_it_was_planted(large, truth):
    mean = large.responses.groupby("overall")["recommend"].mean()
    contrast = mean[9] - 2 * mean[8] + mean[7]
    assert contrast == pytest.approx(truth.loyalty.local_contrast, abs=0.12)
    assert mean[8] - mean[7] == pytest.approx(truth.loyalty.slope, abs=0.1)


def test_a_straight_curve_has_no_jump(truth):
    made = generate(truth.with_curve("linear").clean().sized(60_000), with_comments=False)
    mean = made.responses.groupby("overall")["recommend"].mean()
    assert abs(mean[9] - 2 * mean[8] + mean[7]) < 0.1


def test_delight_before_softens_a_later_incident(large, truth):
    frame = large.responses.assign(before=large.hidden["delighted_before"].astype(float))
    fitted = smf.logit("churned ~ incident * before + overall + tenure", frame.dropna(subset=["overall"])).fit(disp=0)
    assert fitted.params["incident:before"] == pytest.approx(truth.churn["goodwill"], abs=0.4)
    assert fitted.params["incident"] == pytest.approx(truth.churn["incident"], abs=0.15)
    risk = frame.groupby(["before", "incident"])["churned"].mean()
    assert (risk[1.0, 1.0] - risk[1.0, 0.0]) < (risk[0.0, 1.0] - risk[0.0, 0.0]) - 0.05


def test_delight_before_is_the_grade_of_the_wave_before(demo):
    order = demo.responses["wave"].map({"2024-1": 0, "2024-2": 1, "2025-1": 2})
    now = demo.responses.assign(order=order, before=demo.hidden["delighted_before"])
    attentive = (demo.hidden["careless"] == "").to_numpy()
    earlier = now[attentive][["respondent", "order", "overall"]].assign(order=lambda f: f["order"] + 1)
    both = now.merge(earlier, on=["respondent", "order"], suffixes=("", "_before")).dropna(subset=["overall_before"])
    assert len(both) > 1500  # a panel: many parents answer again
    assert (both["before"] == (both["overall_before"] >= 9)).all()


def test_little_acts_lift_satisfaction_at_their_locations_only(large, truth):
    assert not large.hidden.loc[large.responses["wave"] == "2024-1", [f"act {act}" for act in truth.acts]].any(axis=None)
    acts = large.hidden[[f"act {act}" for act in truth.acts]].astype(float)
    frame = large.responses.join(acts.rename(columns=lambda c: c.replace(" ", "_"))).dropna(subset=["overall"])
    effects = smf.ols(f"overall ~ {' + '.join(f'act_{act}' for act in truth.acts)} + C(location) + C(wave)", frame).fit().params
    for name, act in truth.acts.items():
        through_surprise = 0.5 * truth.drivers["surprise"].above * act.surprise
        assert effects[f"act_{name}"] == pytest.approx(act.overall + through_surprise / 2, abs=0.08), name


def test_the_acts_are_half_a_factorial_plan(demo, truth):
    done = pd.crosstab(demo.acts["location"], demo.acts["act"]).reindex(demo.units["location"], fill_value=0)[list(truth.acts)]
    cells = done.value_counts()
    assert len(cells) == 8 and (cells == 6).all()
    assert (done["coffee"] == (done["rompers"] + done["photos"] + done["apples"]) % 2).all()


def test_emotion_items_hang_together_once_turned(demo):
    items = demo.responses[["surprised", "joyful", "enthusiastic", "annoyed"]].dropna()
    alpha = 4 / 3 * (1 - items.var().sum() / items.sum(axis=1).var())
    assert alpha > 0.7


def test_each_half_of_the_last_wave_gets_one_switching_question(demo, truth):
    last = demo.responses["wave"] == "2025-1"
    asked = demo.responses[["switch_one", "switch_two"]].notna()
    assert (asked[last].sum(axis=1) == 1).all() and not asked[~last].any(axis=None)
    assert demo.responses["switch_one"].mean() == pytest.approx(truth.switching["after_one"], abs=0.05)
    assert demo.responses["switch_two"].mean() == pytest.approx(truth.switching["after_two"], abs=0.05)


# --- comments -------------------------------------------------------------------------------------------------


def test_parents_have_more_than_three_hundred_things_to_say_in_dutch():
    assert len(comments.sentences("nl")) >= 300
    assert all(len(comments.sentences(language)) >= 120 for language in ("da", "en"))


def test_languages_have_the_same_topics():
    shape = {language: {k: set(v) for k, v in comments.phrases(language).items()} for language in ("nl", "da", "en")}
    assert shape["nl"] == shape["da"] == shape["en"]


def test_comments_vary_and_leave_no_place_open(demo):
    said = demo.responses["comment"].dropna()
    assert 0.35 < len(said) / len(demo.responses) < 0.5
    assert said.nunique() > 0.6 * len(said)
    assert not said.str.contains(r"[{}]").any()


def test_comments_follow_the_grade_that_a_parent_gave(demo):
    high = demo.responses["overall"] >= 9
    low = demo.responses["overall"] <= 6
    said = demo.responses["comment"].fillna("").str.lower()
    assert said[high].str.contains("niet nagekomen|onbereikbaar").sum() < said[low].str.contains("niet nagekomen|onbereikbaar").sum()
    assert said[low].str.contains("dikke tien|kanjers").sum() == 0 < said[high].str.contains("dikke tien|kanjers").sum()


def test_little_acts_are_mentioned_only_where_they_are_done(demo):
    mentions = demo.responses["comment"].fillna("").str.contains("appelmand|mand met appels", case=False)
    assert mentions.sum() > 5 and demo.hidden.loc[mentions, "act apples"].all()


def test_what_identifies_somebody_is_planted_and_known(demo):
    planted = demo.hidden["identifying"]
    assert set(planted) == {"", "phone", "email", "manager"}
    said = demo.responses["comment"]
    assert said[planted == "email"].str.contains(r"@example\.(?:com|org|net)").all()
    assert not said[planted == ""].fillna("").str.contains("@").any()
    managers = set(demo.units["manager"])
    assert said[planted == "manager"].map(lambda text: any(name in text for name in managers)).all()


# --- the exports ----------------------------------------------------------------------------------------------


def test_every_wave_is_exported_with_its_own_habits(committed):
    first = (committed / "raw/2024-1.csv").read_bytes()
    assert first.count(b";") > 10_000 and "Eén".encode("cp1252") in first and b"NPS;" in first
    with pytest.raises(UnicodeDecodeError):
        first.decode("utf-8")
    assert zipfile.is_zipfile(committed / "raw/2024-2.xlsx")
    last = (committed / "raw/2025-1.csv").read_text("utf-8")
    assert "Eén kind" in last and "recommend" in last.splitlines()[0]


def test_the_exports_hold_the_planted_dirt(demo, truth):
    for wave in truth.demo["waves"]:
        raw = demo.export(wave)
        assert len(raw) == 2000 + truth.dirt["duplicates"] + truth.dirt["empty_rows"]
        assert raw.isna().all(axis=1).sum() == truth.dirt["empty_rows"]
        assert raw.dropna(how="all").duplicated().sum() == truth.dirt["duplicates"]
        assert (raw["safety"] == 99).any() == (wave != "2025-1")
        assert raw["complaints"].eq("n.v.t.").mean() > 0.5


def test_the_committed_study_is_read_back_answer_by_answer(committed, demo):
    study = open_study(committed)
    feedback = table.read(study)
    assert not [finding for finding in feedback.findings if finding.severity == "error"]
    read, made = feedback.responses, demo.responses
    assert len(read) == len(made) == 6000
    key = ["wave", "completed", "location", "duration", "spend"]
    made = made.assign(completed=made["completed"].astype("datetime64[s]"))
    read = read.assign(completed=read["completed"].astype("datetime64[s]"))
    for frame in (made, read):  # the first export drops the seconds
        frame["completed"] = frame["completed"].where(frame["wave"] != "2024-1", frame["completed"].dt.floor("min"))
    read, made = (frame.sort_values(key).reset_index(drop=True) for frame in (read, made))
    numbers = [c for c in made if made[c].dtype.kind == "f"]
    pd.testing.assert_frame_equal(read[numbers], made[numbers])
    assert (
        read[["care_type", "age_group", "children", "location"]]
        .astype(str)
        .equals(made[["care_type", "age_group", "children", "location"]].astype(str))
    )


@pytest.mark.long
def test_a_million_answers_are_made_in_a_minute(truth):
    made = generate(truth.sized(1_000_000), with_comments=False)
    assert len(made.responses) == 1_000_000
    assert made.responses["overall"].mean() == pytest.approx(7.75, abs=0.2)

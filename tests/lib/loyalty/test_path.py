import json

import numpy as np
import pandas as pd
import pytest
from delight.errors import InputError
from delight.loyalty import ecsi, path_model
from delight.scales import Scale
from hypothesis import given, settings
from hypothesis import strategies as st

BLOCKS = {"image": ["a1", "a2", "a3"], "quality": ["b1", "b2", "b3", "b4"], "satisfaction": ["c1", "c2", "c3"], "loyalty": ["d1"]}
INNER = ["image -> satisfaction", "quality -> satisfaction", "satisfaction -> loyalty", "image -> loyalty"]
PATHS = {("image", "satisfaction"): 0.3, ("quality", "satisfaction"): 0.5, ("satisfaction", "loyalty"): 0.4, ("image", "loyalty"): 0.2}


def made_up(n=150, noise=0.6, seed=1):
    rng = np.random.default_rng(seed)
    one = rng.normal(size=n)
    two = 0.5 * one + rng.normal(size=n) * np.sqrt(0.75)
    three = 0.3 * one + 0.5 * two + rng.normal(size=n) * np.sqrt(1 - 0.09 - 0.25 - 2 * 0.3 * 0.5 * 0.5)
    four = 0.4 * three + 0.2 * one + rng.normal(size=n) * 0.85
    found = {}
    for items, construct in zip(BLOCKS.values(), (one, two, three, four)):
        for item in items:
            found[item] = construct + (rng.normal(size=n) * noise if len(items) > 1 else 0)
    return pd.DataFrame(found)


def run(frame, **options):
    return path_model(frame, **{"constructs": BLOCKS, "inner": INNER, "n_boot": 60, **options})


@pytest.fixture(scope="module")
def mobi(shared):
    folder = shared / "reference" / "pls_sem"
    return pd.read_csv(folder / "mobi.csv"), json.loads((folder / "mobi_ecsi.json").read_text())


@pytest.mark.parametrize("scheme", ["centroid", "factorial", "path"])
def test_the_ecsi_model_agrees_with_plspm_and_sempls(mobi, scheme, golden):
    frame, reference = mobi
    found = path_model(frame, constructs=reference["blocks"], inner=reference["edges_from_to"], scheme=scheme, n_boot=20)
    expected = reference["plspm"][scheme]
    about = {"package": "plspm 0.5.1", "data": f"mobi, {scheme}", "tolerance": 1e-6}
    matrix = _matrix(expected["path_coefs"])
    golden(found.paths.table["coef"], [matrix.loc[t, s] for s, t in _pairs(found.paths)], method="M27 paths", **about)
    items = found.items.table.set_index("item").loc[expected["outer"]["indicator"]]
    golden(items["loading"], expected["outer"]["loading"], method="M27 loadings", **about)
    golden(items["weight"], expected["outer"]["weight"], method="M27 outer weights", **about)
    constructs = found.constructs.table.set_index("construct")
    inside = [name for name, r2 in expected["R2"].items() if r2]
    golden(constructs.loc[inside, "r2"], [expected["R2"][name] for name in inside], method="M27 R²", **about)
    several = [name for name, items in reference["blocks"].items() if len(items) > 1]
    ave = dict(zip(expected["inner_summary"]["block"], expected["inner_summary"]["AVE"]))
    golden(constructs.loc[several, "ave"], [ave[name] for name in several], method="M27 AVE", **about)
    effects = dict(zip(expected["effects"]["relationship"], zip(*[expected["effects"][k] for k in ("direct", "indirect", "total")])))
    rows = found.effects.table
    values = [effects[f"{a} -> {b}"] for a, b in _pairs(found.effects)]
    golden(rows[["direct", "indirect", "total"]].fillna(0), values, method="M27 effects", **about)
    other = {"centroid": "centroid", "factorial": "factorial", "path": "pathWeighting"}[scheme]
    matrix = _matrix(reference["semPLS"][other]["path_coefficients"])
    about |= {"package": "semPLS 1.0-10"}
    golden(found.paths.table["coef"], [matrix.loc[s, t] for s, t in _pairs(found.paths)], method="M27 paths", **about)


def test_measurement_agrees_with_seminr(mobi, golden):
    frame, reference = mobi
    expected = reference["seminr_composite_path"]
    found = path_model(frame, constructs=reference["blocks"], inner=reference["edges_from_to"], scheme="path", n_boot=20)
    table = _matrix(expected["reliability"]).drop(index="Complaints")  # one item
    rows = found.constructs.table.set_index("construct").loc[table.index]
    about = {"package": "seminr 2.3.4", "data": "mobi", "tolerance": 1e-6}
    for ours, theirs in (("alpha_std", "alpha"), ("cr", "rhoC"), ("ave", "AVE"), ("rho_a", "rhoA")):
        golden(rows[ours], table[theirs], method=f"M27 {theirs}", **about)
    inside = [name for name in found.constructs.table["construct"] if name in expected["adj_R2"]]
    adjusted = found.constructs.table.set_index("construct").loc[inside, "r2_adj"]
    golden(adjusted, [expected["adj_R2"][name] for name in inside], method="M27 adjusted R²", **about)
    table = _matrix(expected["htmt"])
    table = table.fillna(table.T)
    values = [table.loc[a, b] for a, b in zip(found.distinct.table["construct"], found.distinct.table["other"])]
    golden(found.distinct.table["htmt"], values, method="M27 HTMT", **about)


def test_bootstrap_agrees_with_seminr_but_for_chance(mobi):
    frame, reference = mobi
    expected = _matrix(reference["seminr_composite_path"]["bootstrap"]["paths"])
    found = path_model(frame, constructs=reference["blocks"], inner=reference["edges_from_to"], scheme="path", n_boot=1000)
    for row in found.paths.table.itertuples():
        theirs = expected.loc[f"{row.source}  ->  {row.target}"]
        width = theirs["97.5% CI"] - theirs["2.5% CI"]
        assert abs(row.se - theirs["Bootstrap SD"]) < 0.1 * theirs["Bootstrap SD"] + 0.003
        assert abs(row.ci_lo - theirs["2.5% CI"]) < 0.11 * width and abs(row.ci_hi - theirs["97.5% CI"]) < 0.11 * width


def test_published_paths(mobi):  # methods.md M27
    frame, reference = mobi
    found = path_model(frame, constructs=reference["blocks"], inner=reference["edges_from_to"], n_boot=20)
    paths = found.paths.table.set_index(["source", "target"])["coef"]
    assert paths["Image", "Expectation"] == pytest.approx(0.5047, abs=5e-5)
    assert paths["Quality", "Satisfaction"] == pytest.approx(0.5125, abs=5e-5)
    assert paths["Satisfaction", "Loyalty"] == pytest.approx(0.4835, abs=5e-5)
    rows = found.constructs.table.set_index("construct")
    assert rows.loc["Satisfaction", "r2"] == pytest.approx(0.6803, abs=5e-5)
    assert rows.loc["Loyalty", "alpha"] == pytest.approx(0.44172, abs=5e-6)
    assert rows.loc[["Loyalty", "Expectation"], "status"].tolist() == ["assumption_warning"] * 2 and rows.loc["Quality", "status"] == "ok"
    assert set(found.paths.note("weak_constructs").values["constructs"]) == {"Loyalty", "Expectation"}


@pytest.mark.parametrize(("case", "scheme"), [("path_mode_A", "path"), ("centroid_mode_A", "centroid")])
def test_russett_agrees_with_plspm_up_to_the_sign_of_a_construct(shared, case, scheme, golden):
    folder = shared / "reference" / "pls_sem"
    frame, reference = pd.read_csv(folder / "russett.csv"), json.loads((folder / "russett.json").read_text())
    options = {"constructs": reference["blocks"], "inner": reference["edges_from_to"], "scheme": scheme, "n_boot": 20}
    found = path_model(frame, **options)
    expected = reference[case]
    about = {"package": "plspm 0.5.1", "data": f"russett, {scheme}", "tolerance": 1e-6}
    matrix = _matrix(expected["path_coefs"]).abs()
    golden(found.paths.table["coef"].abs(), [matrix.loc[t, s] for s, t in _pairs(found.paths)], method="M27 paths", **about)
    loading = found.items.table.set_index("item").loc[expected["outer"]["indicator"], "loading"]
    golden(loading.abs(), np.abs(expected["outer"]["loading"]), method="M27 loadings", **about)
    assert set(found.paths.table["status"]) == {"low_base"} and found.paths.note("against")


@pytest.mark.parametrize("name", ["satisfaction", "corp_rep"])
def test_further_published_data_can_be_estimated(shared, name):
    frame = pd.read_csv(shared / "reference" / "pls_sem" / f"{name}.csv").select_dtypes("number")
    prefix = frame.columns.str.extract(r"^([a-zA-Z]+)_?\d+$", expand=False)
    blocks = {stem: list(frame.columns[prefix == stem]) for stem in dict.fromkeys(prefix.dropna()) if (prefix == stem).sum() > 1}
    names = list(blocks)
    found = path_model(frame.mask(frame == -99), constructs=blocks, inner=[(a, names[-1]) for a in names[:-1]], n_boot=50)
    assert np.isfinite(found.paths.table["coef"]).all() and found.paths.meta["steps"] < 100
    score = found.constructs.table.set_index("construct")
    assert 0 < score.loc[names[-1], "r2"] < 1 and (score["ave"] > 0.2).all()


def test_two_constructs_of_one_item_are_a_correlation():
    frame = made_up()
    found = path_model(frame, constructs={"x": ["a1"], "y": ["b1"]}, inner=["x -> y"], n_boot=50)
    r = frame["a1"].corr(frame["b1"])
    row = found.paths.table.iloc[0]
    assert (row["coef"], row["f2"], row["vif"]) == pytest.approx((r, r**2 / (1 - r**2), 1))
    assert found.constructs.table["alpha_std"].isna().all() and found.constructs.table["status"].tolist() == ["ok", "ok"]


def test_single_items_are_a_regression_of_standardised_answers():
    frame = made_up()
    blocks = {"x": ["a1"], "z": ["b1"], "y": ["c1"]}
    found = path_model(frame, constructs=blocks, inner=["x -> y", "z -> y", "x -> z"], n_boot=50)
    s = (frame - frame.mean()) / frame.std()
    direct = np.linalg.lstsq(s[["a1", "b1"]], s["c1"], rcond=None)[0]
    through = s["a1"].corr(s["b1"]) * direct[1]
    rows = found.effects.table.set_index(["source", "target"])
    assert rows.loc[("x", "y"), ["direct", "indirect", "total"]].tolist() == pytest.approx([direct[0], through, direct[0] + through])
    assert np.isnan(rows.loc[("z", "y"), "indirect"])
    resid = s["c1"] - s[["a1", "b1"]] @ direct
    assert found.constructs.table.set_index("construct").loc["y", "r2"] == pytest.approx(1 - resid.var() / s["c1"].var())


def test_the_index_is_the_weighted_grade_on_its_scale():
    frame = made_up().round().clip(-3, 3) + 5
    scales = {c: Scale(0, 10) for c in frame}
    found = run(frame, scales=scales)
    rows = found.constructs.table.set_index("construct")
    assert rows.loc["loyalty", "index"] == pytest.approx(10 * frame["d1"].mean())
    weight = found.items.table.set_index("item")["weight"][BLOCKS["image"]] / frame[BLOCKS["image"]].std()
    expected = 10 * (frame[BLOCKS["image"]].mean() * weight).sum() / weight.sum()
    assert rows.loc["image", "index"] == pytest.approx(expected)
    assert rows.loc["image", "index_lo"] < expected < rows.loc["image", "index_hi"]
    assert run(frame).constructs.table["index"].isna().all()  # without scales


def test_effects_in_points_are_those_of_the_indices():
    frame = made_up().round().clip(-3, 3) + 5
    blocks = {"x": ["a1", "a2"], "y": ["b1"]}
    found = path_model(frame, constructs=blocks, inner=["x -> y"], scales={c: Scale(0, 10) for c in frame}, n_boot=50)
    weight = found.items.table.set_index("item")["weight"][blocks["x"]] / frame[blocks["x"]].std()
    index = 10 * (frame[blocks["x"]] * weight).sum(axis=1) / weight.sum()
    slope = np.polyfit(index, 10 * frame["b1"], 1)[0]
    assert found.effects.table.loc[0, "points"] == pytest.approx(10 * slope)


def test_a_turned_item_turns_its_loading_and_nothing_else():
    frame = made_up()
    a, b = run(frame), run(frame.assign(b2=-frame["b2"]))
    assert b.paths.table["coef"].tolist() == pytest.approx(a.paths.table["coef"].tolist(), abs=1e-6)
    loading = b.items.table.set_index("item")["loading"]
    assert loading["b2"] < 0 < loading["b1"]
    assert b.paths.note("against").values["items"] == ["b2"] and b.constructs.table.set_index("construct").loc["quality", "status"] != "ok"


def test_missing_answers_are_left_out_and_counted():
    frame = made_up()
    frame.loc[:19, "a1"] = np.nan
    found = run(frame)
    assert (found.paths.table["n"] == 130).all() and (found.paths.table["n_missing"] == 20).all()
    alone = run(frame.dropna())
    assert found.paths.table["coef"].tolist() == pytest.approx(alone.paths.table["coef"].tolist())


@pytest.mark.parametrize(
    ("frame", "status"),
    [(made_up(25), "insufficient"), (made_up(0), "insufficient"), (made_up(80).assign(a2=3.0), "degenerate")],
    ids=["few", "none", "no spread"],
)
def test_what_cannot_be_estimated_has_a_status_and_no_numbers(frame, status):
    found = run(frame)
    for result in found:
        assert set(result.table["status"]) == {status} and len(result.table)
    assert found.paths.table[["coef", "ci_lo", "p"]].isna().all(axis=None)


def test_few_answers_are_marked():
    assert set(run(made_up(60)).paths.table["status"]) == {"low_base"}


def test_constructs_that_are_one_cannot_be_told_apart():
    frame = made_up(120)
    frame["e1"] = frame["b1"]
    found = path_model(frame, constructs={"x": ["b1"], "z": ["e1"], "y": ["c1"]}, inner=["x -> y", "z -> y"], n_boot=40)
    assert found.paths.table["status"].tolist() == ["not_identified"] * 2 and found.paths.table["coef"].isna().all()


def test_the_ecsi_is_the_model_unless_another_is_named():
    assert ecsi(["image", "quality", "satisfaction"]) == (("image", "satisfaction"), ("quality", "satisfaction"))
    frame = made_up()
    found = path_model(frame, constructs=BLOCKS, n_boot=30)
    assert found.paths.meta["inner"] == ["image -> satisfaction", "quality -> satisfaction", "image -> loyalty", "satisfaction -> loyalty"]
    with pytest.raises(InputError, match="No arrow connects"):
        path_model(frame, constructs={"mood": ["a1"], "weather": ["b1"]})
    other = path_model(frame, constructs=BLOCKS, inner=["image -> quality"], n_boot=30)
    assert other.paths.note("without_arrow").values["constructs"] == ["satisfaction", "loyalty"]


def test_mistakes_in_the_model_are_named():
    with pytest.raises(InputError, match="'qualty' .* Did you mean 'quality'"):
        run(made_up(), inner=["qualty -> loyalty"])
    with pytest.raises(InputError, match="round in a circle"):
        run(made_up(), inner=["quality -> loyalty", "loyalty -> quality"])
    with pytest.raises(InputError, match="scheme is one of"):
        run(made_up(), scheme="centre")
    with pytest.raises(InputError, match="no column 'zz'"):
        run(made_up(), constructs={**BLOCKS, "loyalty": ["zz"]})


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_order_units_names_and_equal_weights_change_nothing(seed):
    frame = made_up(60, seed=seed)
    a = run(frame, n_boot=3, tolerance=1e-10)
    other = (frame.sample(frac=1, random_state=seed)[frame.columns[::-1]] * 3 + 4).assign(w=0.7)
    turned = {f"{name} of us": items[::-1] for name, items in reversed(BLOCKS.items())}
    inner = [tuple(f"{c.strip()} of us" for c in arrow.split("->")) for arrow in reversed(INNER)]
    b = run(other, constructs=turned, inner=inner, weights="w", n_boot=3, tolerance=1e-10)
    ours = a.paths.table.set_index(["source", "target"])
    theirs = b.paths.table.assign(source=lambda t: t["source"].str[:-6], target=lambda t: t["target"].str[:-6])
    theirs = theirs.set_index(["source", "target"]).loc[ours.index]
    for column in ("coef", "f2", "vif", "n", "n_eff"):
        assert theirs[column].tolist() == pytest.approx(ours[column].tolist(), rel=1e-8)


def test_frequency_weights_are_rows():
    frame = made_up(60).assign(f=1 + np.arange(60) % 3)
    a = run(frame, weights="f", weights_kind="frequency", n_boot=400)
    b = run(frame.loc[frame.index.repeat(frame["f"])], n_boot=400)
    for one, two in zip(a, b):
        same = [c for c in one.table if not c.endswith(("_lo", "_hi", "p", "p_adj", "se"))]
        pd.testing.assert_frame_equal(one.table[same], two.table[same], check_dtype=False, rtol=1e-6)
    assert a.paths.table["se"].tolist() == pytest.approx(b.paths.table["se"].tolist(), rel=0.2)


def test_sampled_locations_are_drawn_whole():
    frame = made_up(200)
    frame = pd.concat([frame.assign(place=np.arange(200))] * 2, ignore_index=True)
    whole = run(frame, clusters="place", n_boot=400).paths.table["se"]
    rows = run(frame, n_boot=400).paths.table["se"]
    alone = run(frame[:200], n_boot=400).paths.table["se"]
    assert whole.tolist() == pytest.approx(alone.tolist(), rel=0.2) and (whole > 1.2 * rows).all()


def test_rerunning_gives_the_same_numbers_and_the_input_is_unchanged():
    frame = made_up()
    before = frame.copy()
    pd.testing.assert_frame_equal(run(frame).paths.table, run(frame).paths.table)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.long
def test_planted_paths_are_covered():
    """Constructs measured without error: the estimand is the population's path, so its interval has to cover."""
    hits, sets = np.zeros(4), 250
    for seed in range(sets):
        table = run(made_up(150, noise=0.0, seed=seed), n_boot=250).paths.table.set_index(["source", "target"])
        rows = table.loc[list(PATHS)]
        sd = _population_sd()
        truth = np.array([value * sd[a] / sd[b] for (a, b), value in PATHS.items()])
        hits += (rows["ci_lo"].to_numpy() <= truth) & (truth <= rows["ci_hi"].to_numpy())
    assert (hits / sets > 0.9).all() and (hits / sets < 0.985).all(), hits / sets


def _population_sd():
    one, two, three = 1.0, 1.0, 1.0
    image_satisfaction = 0.3 + 0.5 * 0.5
    four = np.sqrt(0.16 * three + 0.04 + 2 * 0.4 * 0.2 * image_satisfaction + 0.85**2)
    return {"image": one, "quality": two, "satisfaction": three, "loyalty": four}


def _matrix(given):
    return pd.DataFrame(given["values"], given["rows"], given["cols"], dtype=float)


def _pairs(result):
    return list(zip(result.table["source"], result.table["target"]))

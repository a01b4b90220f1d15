"""Relative weights: published figures, a logit in the place of least squares, noise, and the edges."""

import numpy as np
import pandas as pd
import pytest
from delight.drivers import draws as drawn
from delight.drivers.importance import importance, importance_from_correlation
from delight.drivers.prepare import prepare
from delight.drivers.relative_weights import relative_weights, standard_errors
from delight.errors import InputError
from delight.logit import fit_logit
from delight.scales import Scale
from scipy import stats

# Sums of squares and products of [1, x …, y], upper triangle by rows, so that the published figures can be checked without the data.
# swiss (R datasets; Mosteller & Tukey 1977), all columns times 100: Agriculture, Examination, Education, Catholic, Infant.Mortality; Fertility
SWISS = [
    *(47, 238100, 77500, 51600, 193376, 93730, 329670, 1443472200, 335391000, 197161000, 1154390600, 472980300, 1716172000),
    *(157070000, 109730000, 231206800, 153336000, 513996000, 99180000, 183920700, 101624000, 325260000),
    *(1595698410, 395447450, 1467507710, 190824100, 664418000, 2384169100),
]
# mtcars (R datasets; Henderson & Velleman 1981), all columns times 1000: cyl, disp, hp, wt, qsec; mpg
MTCARS = [
    *(32, 198000, 7383100, 4694000, 102952, 571160, 642900, 1324000000, 51872400000, 32204000000, 679404000, 3475560000, 3693600000),
    *(2179627470000, 1291364400000, 27091488800, 128801504000, 128705080000, 834278000000, 16471744000, 81092160000, 84362700000),
    *(360901070, 1828094580, 1909752800, 10293480200, 11614745000, 14042310000),
]
# the inline test data of Displayr's flipRegression: v1, v2, v3; y
FLIP = [327, 2318, 1258, 2134, 1915, 17296, 8959, 14966, 13474, 6532, 8531, 7476, 17282, 13020, 13429]


def covariance(sums, names):
    """(covariance matrix, n) from sums of products."""
    k = len(names) + 1
    full = np.zeros((k, k))
    full[np.triu_indices(k)] = sums
    full = np.maximum(full, full.T)
    n = full[0, 0]
    centred = (full - np.outer(full[0], full[0]) / n)[1:, 1:] / (n - 1)
    return pd.DataFrame(centred, index=names, columns=names), int(n)


def raw(sums, p, game):
    names = [*(f"x{j}" for j in range(p)), "y"]
    matrix, n = covariance(sums, names)
    return importance_from_correlation(matrix, y="y", x=names[:-1], n=n, game=game, n_boot=0).importance.table["raw"].to_numpy()


def test_relative_weights_of_swiss(golden):
    expected = [0.048417, 0.154708, 0.271964, 0.114680, 0.116966]
    golden(
        raw(SWISS, 5, "relative_weights"), expected, method="M13 relative weights", package="rwa (published)", data="swiss", tolerance=5e-7
    )


def test_shapley_of_swiss_and_mtcars(golden):
    expected = [0.0571912207681, 0.1711730289, 0.2601346786, 0.1055701504, 0.1127659229]
    expected[0] = 0.0570912207681
    about = {"method": "M14 Shapley", "package": "relaimpo (published)"}
    golden(raw(SWISS, 5, "shapley"), expected, **about, data="swiss", tolerance=1e-10)
    golden([raw(SWISS, 5, "shapley").sum()], [0.706735001593], **about, data="swiss, R²", tolerance=1e-12)
    golden(raw(MTCARS, 5, "shapley"), [0.202525, 0.189205, 0.158186, 0.253342, 0.046939], **about, data="mtcars", tolerance=5e-7)
    golden([raw(MTCARS, 5, "shapley").sum()], [0.850197], **about, data="mtcars, R²", tolerance=5e-7)


def test_the_figures_of_flipregression(golden):
    matrix, n = covariance(FLIP, ["v1", "v2", "v3", "y"])
    c = matrix.to_numpy() / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    weights, se = relative_weights(c[None, :3, :3], c[None, :3, 3])[0], standard_errors(c[:3, :3], c[:3, 3], n - 3)
    t = weights / se
    ours = [weights[2] / weights.sum(), weights[0], se[1], t[2], 2 * stats.t.sf(t[0], n - 3)]
    expected = [0.84254254422183, 0.00427583141764991, 0.00639974583223708, 1.67709811051115, 0.601689357057393]
    golden(ours, expected, method="M13 relative weights, standard errors", package="flipRegression", data="its test data", tolerance=1e-12)


# ---- logit


@pytest.fixture(scope="module")
def yes_no():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(800, 3)) + 0.8 * rng.normal(size=(800, 1))
    latent = x @ [1.0, 0.5, 0.0] + rng.logistic(size=800)
    return pd.DataFrame(x, columns=["a", "b", "c"]).assign(bought=(latent > 0).astype(float), rated=np.clip(np.round(latent) + 4, 1, 7))


def test_a_logit_on_orthogonal_columns_by_hand(yes_no):
    # Johnson's Z, a logit of y on Z, squared slopes spread by squared loadings, scaled to McFadden's R²
    x = yes_no[["a", "b", "c"]].to_numpy()
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    values, vectors = np.linalg.eigh(np.corrcoef(x.T))
    root = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    z = standard @ np.linalg.inv(root)
    fit = fit_logit(yes_no["bought"], np.column_stack([np.ones(800), z]))
    spread = root**2 @ fit.coef[1:] ** 2
    expected = spread / spread.sum() * fit.mcfadden_r2
    result = importance(yes_no, y="bought", x=["a", "b", "c"], game="relative_weights", link="logit", n_boot=0).importance
    assert result.table["raw"].to_numpy() == pytest.approx(expected, rel=1e-8)
    assert result.meta["r2"] == pytest.approx(fit.mcfadden_r2) and result.note("mcfadden").values == {"levels": 2}
    cov = np.linalg.inv((np.column_stack([np.ones(800), z]) * (w := fit.probabilities(np.column_stack([np.ones(800), z])).prod(axis=1))[:, None]).T
                        @ np.column_stack([np.ones(800), z]))  # fmt: skip
    variance = np.diag(cov)[1:]
    se = np.sqrt(root**4 @ (2 * variance**2 + 4 * variance * fit.coef[1:] ** 2)) * fit.mcfadden_r2 / spread.sum()
    assert len(w) == 800 and result.table["se_normal"].to_numpy() == pytest.approx(se, rel=1e-6)


@pytest.mark.parametrize("y", ["bought", "rated"])
def test_draws_of_a_logit_follow_refits(yes_no, y):
    model = prepare(yes_no, y=y, x=["a", "b", "c"]).joint
    draws = drawn.of_model(model, 25, np.random.default_rng(1), link="logit")
    weights = relative_weights(draws.rxx, draws.rxy)
    refits = []
    for times in model.row_draws(25, np.random.default_rng(1)):
        for counts in times:
            part = yes_no.loc[model.index].assign(w=counts)
            refits.append(
                importance(
                    part, y=y, x=["a", "b", "c"], weights="w", weights_kind="frequency", game="relative_weights", link="logit", n_boot=0
                )
            )
    refitted = np.array([r.importance.table["raw"] for r in refits])
    assert weights[1:] == pytest.approx(refitted, abs=0.02)
    assert np.corrcoef(weights[1:, 0], refitted[:, 0])[0, 1] > 0.98
    assert weights[1:].std(axis=0) == pytest.approx(refitted.std(axis=0), rel=0.2)


def test_auto_takes_the_logit_for_few_levels_only_and_shapley_stays_with_least_squares(yes_no):
    options = {"x": ["a", "b", "c"], "game": "relative_weights", "link": "auto", "n_boot": 0}
    assert importance(yes_no, y="rated", **options).importance.meta["link"] == "logit"
    assert (
        importance(yes_no.assign(fine=yes_no["a"] + yes_no["bought"]), y="fine", **{**options, "x": ["b", "c"]}).importance.meta["link"]
        == "linear"
    )
    with pytest.raises(InputError, match="goes with relative weights"):
        importance(yes_no, y="bought", x=["a", "b"], game="shapley", link="logit")
    with pytest.raises(InputError, match="link is"):
        importance(yes_no, y="bought", x=["a", "b"], link="probit")


def test_auto_goes_by_the_points_of_the_scale_not_by_the_answers_that_happen_to_be_given(yes_no):
    grades = yes_no.assign(grade=yes_no["rated"] + 3)  # seven of ten grades were given
    options = {"y": "grade", "x": ["a", "b", "c"], "game": "relative_weights", "link": "auto", "n_boot": 0}
    assert grades["grade"].nunique() <= 7
    assert importance(grades, **options, scales={"grade": Scale(1, 10)}).importance.meta["link"] == "linear"
    assert importance(grades, **options, scales={"grade": Scale(4, 10)}).importance.meta["link"] == "logit"
    assert importance(grades, **options).importance.meta["link"] == "logit"


def test_a_logit_that_tells_all_apart_does_not_settle(yes_no):
    split = yes_no.assign(bought=(yes_no["a"] > 0).astype(float))
    table = importance(split, y="bought", x=["a", "b"], game="relative_weights", link="logit", n_boot=20).importance.table
    assert (table["status"] == "not_converged").all() and table[["raw", "share", "rank"]].isna().all(axis=None)


def test_noise_is_beaten_under_a_logit_too(yes_no):
    table = importance(yes_no, y="bought", x=["a", "b", "c"], game="relative_weights", link="logit", n_boot=400).importance.table
    assert (table.set_index("attribute").loc[["a", "b"], "noise_p"] < 0.05).all()


# ---- edges


def test_dependent_columns_are_named_and_a_lone_driver_gets_all():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(100, 3)), columns=["a", "b", "y"]).assign(both=lambda t: t["a"] + t["b"])
    found = importance(frame, y="y", x=["a", "b", "both"], game="relative_weights", n_boot=30).importance
    assert (found.table["status"] == "degenerate").all() and found.table["share"].isna().all()
    assert found.note("dependent_attributes").values == {"attributes": ["a", "b", "both"]}
    alone = importance(frame, y="y", x=["a"], game="relative_weights", n_boot=30).importance.table.iloc[0]
    assert alone["share"] == 1 and alone["rank"] == 1 and alone["raw"] == pytest.approx(frame["a"].corr(frame["y"]) ** 2)


def test_where_nothing_is_explained_there_are_no_shares():
    frame = pd.DataFrame({"a": [1.0, 1, 2, 2] * 10, "y": [1.0, 2, 1, 2] * 10})  # no relation at all
    row = importance(frame, y="y", x=["a"], game="relative_weights", n_boot=0).importance.table.iloc[0]
    assert row["raw"] == pytest.approx(0, abs=1e-15) and np.isnan(row["share"]) and row["status"] == "degenerate"


def test_weak_relations_keep_the_intervals_of_a_logit():
    rng = np.random.default_rng(9)
    frame = pd.DataFrame(rng.integers(1, 6, size=(60, 3)).astype(float), columns=["a", "b", "y"])  # nothing goes with anything
    table = importance(frame, y="y", x=["a", "b"], game="relative_weights", link="logit", n_boot=200).importance.table
    assert table[["ci_lo", "ci_hi", "quadrant_prob", "ellipse_x"]].notna().all(axis=None) and (table["raw_lo"] >= 0).all()


def test_where_not_applicable_tells_all_the_weights_of_the_others_stand(yes_no):
    frame = yes_no.assign(away=np.arange(800) % 20 == 0)
    frame.loc[frame["away"], ["c", "bought"]] = np.nan, 1.0  # whoever had nothing to do with it bought
    options = {"y": "bought", "x": ["a", "b", "c"], "game": "relative_weights", "link": "logit", "not_applicable": {"c": "away"}}
    table = importance(frame, **options, n_boot=100).importance.table.set_index("attribute")
    rest = importance(frame[~frame["away"]], **{**options, "not_applicable": {}}, n_boot=0).importance.table.set_index("attribute")
    assert (table["status"] == "ok").all() and table["share"].to_numpy() == pytest.approx(rest["share"].to_numpy(), abs=0.01)
    assert ((table["ci_lo"] < table["share"]) & (table["share"] < table["ci_hi"])).all()

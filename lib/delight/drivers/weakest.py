"""What the sources say of kinds, as tests: the weakest basic decides, and slopes that should be nil are nil (claims A07, A14-A16)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from delight import resample
from delight.drivers.classes import MARGIN
from delight.drivers.model import knot_terms, steady
from delight.drivers.prepare import prepare
from delight.drivers.slopes import MIN_SIDE, Slopes
from delight.errors import InputError
from delight.estimate import fit_linear
from delight.logit import fit_logit
from delight.result import Note, Result

#: Terms told of every form; ``kinds`` gives every basic slopes of its own below and above its knot.
FORMS = {"mean": ("mean",), "minimum": ("minimum",), "both": ("mean", "minimum"), "kinds": ("all",), "kinds_minimum": ("minimum",)}


def weakest_link(
    frame,
    *,
    y,
    x,
    scales,
    others=(),
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    folds=10,
    ci_level=0.95,
    seed=20250101,
):
    """Does the weakest of the basics tell more about the outcome than their mean?

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    y : str
        Outcome: overall satisfaction, or a loyalty question; 0/1 takes a logit.
    x : sequence of str
        The basics, at least two; what does not apply to a customer counts neither in her mean nor in her minimum.
    scales : dict of str to Scale
        Where the basics' scales differ, all are brought to 0-10.
    others : sequence of str
        Further attributes held equal in all forms (those that apply to a part only are left out).
    weights, weights_kind, clusters, not_applicable
        As in `importance`.
    folds : int
        Parts of the cross-validation.
    ci_level, seed

    Returns
    -------
    Result
        One row a form (``mean``, ``minimum``, ``both``, ``kinds``, ``kinds_minimum``) and term: ``form, term, estimate`` (points of `y`, or log odds, a point),
        ``se, ci_lo, ci_hi, ci90_lo, ci90_hi, p``; of the form: ``r2`` (logit: McFadden), ``aic, delta_aic`` (against the best form),
        ``cv_loss`` (mean squared error, logit: minus the log-likelihood, in parts left out of the fit); ``n_basics, n, n_missing, n_eff,
        status``. Note ``preferred`` names the form with the lower AIC of mean and minimum, by how much, whether cross-validation
        agrees, and whether the minimum adds to the kinds (``beyond_kinds``).

    Notes
    -----
    y = a + b mean(basics) + c min(basics) + others. A minimum that decides leaves nothing to the mean: c > 0 and b near 0 in ``both``,
    and a lower AIC for ``minimum`` alone. Yet basics that count more when poor than when good, each for itself, make the minimum a good
    stand-in too; so ``kinds`` gives every basic its slopes below and above the knot, and ``kinds_minimum`` asks what the minimum adds.
    """
    x = list(x)
    if len(x) < 2:
        raise InputError("The weakest of the basics needs at least two basics in `x`.")
    scales = dict(scales or {})
    others = [a for a in others if a not in x]
    prepared = prepare(
        frame,
        y=y,
        x=[*x, *others],
        scales=scales,
        weights=weights,
        weights_kind=weights_kind,
        clusters=clusters,
        not_applicable=not_applicable,
    )
    model, notes = prepared.joint, [*prepared.notes]
    basics = [a for a in x if a in model.x]
    at = [model.x.index(a) for a in basics]
    scores, applies = model.scores[:, at], model.applies[:, at]
    if len({(scales[a].min, scales[a].max) for a in basics if a in scales}) > 1:
        low, high = (np.array([getattr(scales[a], end) for a in basics]) for end in ("min", "max"))
        scores = 10 * (scores - low) / (high - low)
        notes.append(Note("mixed_scales", {"length": 10}))
    beside = np.column_stack([model.fixed, np.delete(model.scores, at, axis=1)])
    binary = set(np.unique(model.values)) <= {0.0, 1.0}
    status = model.status()
    if status != "insufficient":
        if len(basics) < 2 or np.ptp(model.values) == 0:
            status = "degenerate"
        elif model.n <= beside.shape[1] + 4:
            status = "insufficient"
    counts = {"n_basics": len(basics), "n": model.n, "n_missing": model.n_missing, "n_eff": model.n_eff}
    rows = [{"form": form, "term": term, **counts, "status": status} for form, terms in FORMS.items() for term in terms]
    if status not in ("insufficient", "degenerate"):
        summary = {
            "mean": (scores * applies).sum(axis=1) / np.maximum(applies.sum(axis=1), 1),
            "minimum": np.where(applies, scores, np.inf).min(axis=1),
        }
        nowhere = ~applies.any(axis=1)
        for column in (summary["mean"], summary["minimum"]):
            column[nowhere] = np.average(column[~nowhere], weights=model.w[~nowhere])
        knots = [scales[a].knot if a in scales else None for a in basics]
        terms = [[v] if knot is None else knot_terms(v, knot) for v, knot in zip(model.scores[:, at].T, knots)]
        summary["all"] = _varied(np.column_stack([column for pair in terms for column in pair]))
        found, about = _forms(model, beside, summary, binary, folds, ci_level, resample.generator(seed, "A14"))
        rows = [{**row, **found[row["form"], row["term"]]} for row in rows]
        notes += about
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    meta = {
        "y": y,
        "x": basics,
        "others": [a for a in model.x if a not in basics],
        "kind": "logit" if binary else "linear",
        "folds": folds,
        "seed": seed,
    }
    meta |= {"ci_level": ci_level, "clusters": clusters, "scale": scales.get(y), "keys": ["form", "term"]}
    return Result.of("M08.weakest", table, function="delight.drivers.weakest.weakest_link", notes=notes, **model.meta, **meta)


COLUMNS = [
    *("form", "term", "estimate", "se", "ci_lo", "ci_hi", "ci90_lo", "ci90_hi", "p", "r2", "aic", "delta_aic", "cv_loss"),
    *("n_basics", "n", "n_missing", "n_eff", "status"),
]


def _forms(model, beside, summary, binary, folds, ci_level, rng):
    """({(form, term): estimates}, notes) of the three forms."""
    found, aic, losses = {}, {}, {}
    each = np.repeat(np.arange(len(model.w)), model.w.astype(int)) if model.kind == "frequency" else np.arange(len(model.w))
    part = np.empty(len(each), dtype=int)
    part[rng.permutation(len(each))] = np.arange(len(each)) % folds
    for form, terms in FORMS.items():
        shown = ("all", *terms) if form == "kinds_minimum" else terms
        design = np.column_stack([np.ones(len(model.w)), beside, *(summary[t] for t in shown)])
        fit = _fit(model, design, binary)
        k = design.shape[1]
        if binary:
            r2, aic[form] = fit.mcfadden_r2, fit.aic
        else:
            r2, aic[form] = fit.r2, model.n * np.log(max(fit.ssr, 1e-300) / model.n) + 2 * (k + 1)
        losses[form] = _left_out(design[each], model.values[each], model.w[each] if model.kind == "sampling" else None, part, folds, binary)
        for j, term in enumerate(terms):
            if term == "all":
                found[form, term] = {"r2": r2}
                continue
            place = k - len(terms) + j
            whole, p = fit.contrast(np.eye(k)[place], ci_level)
            narrow, _ = fit.contrast(np.eye(k)[place], 0.90)
            row = {
                "estimate": whole.value,
                "se": whole.se,
                "ci_lo": whole.lo,
                "ci_hi": whole.hi,
                "ci90_lo": narrow.lo,
                "ci90_hi": narrow.hi,
            }
            found[form, term] = {**row, "p": p, "r2": r2}
            if np.isnan(whole.value):
                found[form, term]["status"] = "degenerate"
    best = np.nanmin(list(aic.values())) if not np.isnan(list(aic.values())).all() else np.nan
    for (form, _), row in found.items():
        row |= {"aic": aic[form], "delta_aic": aic[form] - best, "cv_loss": losses[form]}
    gap = aic["mean"] - aic["minimum"]
    if np.isnan(gap):
        return found, []
    chosen = "minimum" if gap > 0 else "mean"
    beyond = bool(found["kinds_minimum", "minimum"]["ci_lo"] > 0)
    agree = bool((losses["mean"] - losses["minimum"] > 0) == (gap > 0))
    return found, [Note("preferred", {"form": chosen, "by_aic": float(abs(gap)), "cv_agrees": agree, "beyond_kinds": beyond})]


def _varied(columns):
    """The columns that vary: a side of a knot without answers has no slope."""
    return columns[:, np.ptp(columns, axis=0) > 0]


def _fit(model, design, binary):
    if binary:
        return steady(fit_logit, model.values, design, model, 1 + model.fixed.shape[1])[0]
    return fit_linear(model.values, design, model.w, kind=model.kind, clusters=model.clusters)


def _left_out(design, y, w, part, folds, binary):
    """Mean loss in the parts left out of the fit."""
    w, loss = np.ones(len(y)) if w is None else w, np.full(len(y), np.nan)
    for fold in range(folds):
        inside, outside = part != fold, part == fold
        if binary:
            eta = design[outside] @ fit_logit(y[inside], design[inside], w[inside]).coef
            loss[outside] = np.logaddexp(0, np.where(y[outside] == 1, -eta, eta))
        else:
            root = np.sqrt(w[inside])[:, None]
            coef = np.linalg.lstsq(design[inside] * root, y[inside] * root[:, 0], rcond=None)[0]
            loss[outside] = (y[outside] - design[outside] @ coef) ** 2
    return float(np.average(loss, weights=w))


def slope_tests(
    frame,
    *,
    y,
    x,
    scales,
    groups=None,
    margin=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    knots=None,
    min_side=MIN_SIDE,
    ci_level=0.95,
):
    """Slopes below and above the knot as the sources claim them: nil within a margin, or above nil.

    Parameters
    ----------
    frame, y, x, scales, weights, weights_kind, clusters, not_applicable, knots, min_side
        As in `penalty_reward.effects`.
    groups : dict of str to sequence of str, optional
        Name → attributes whose slopes are averaged, such as the basics; by default every attribute by itself.
    margin : float or dict of str to float, optional
        What counts as nil, in points of `y` a point of `x`; by default half the group's mean common slope (the margin of M08).
    ci_level : float

    Returns
    -------
    Result
        One row a group and estimand (``below``, ``above``, ``difference`` above minus below): ``group, estimand, estimate, se, df, ci_lo,
        ci_hi, ci90_lo, ci90_hi, p`` (of nil, two-sided), ``margin, p_equivalence`` (two one-sided tests: the 90 % interval lies within
        ± margin where it is at most .05), ``equivalent, attributes`` (those averaged), ``n, n_missing, n_eff, status``. A group without
        both slopes of all its attributes in one model leaves out those it lacks; none left: NaN, ``insufficient``.

    References
    ----------
    Schuirmann, D. J. (1987). Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.
    """
    x, scales = list(x), dict(scales or {})
    unknown = [a for a in x if a not in scales]
    if unknown:
        raise InputError(f"Tests of slopes need the scale of every attribute; missing in `scales`: {', '.join(unknown)}.")
    groups = {a: [a] for a in x} if groups is None else {name: list(members) for name, members in groups.items()}
    strange = sorted({a for members in groups.values() for a in members} - set(x))
    if strange:
        raise InputError(f"`groups` names attributes that are not in `x`: {', '.join(strange)}.")
    options = {"weights": weights, "weights_kind": weights_kind, "clusters": clusters, "not_applicable": not_applicable}
    prepared = prepare(frame, y=y, x=x, scales=scales, **options)
    knots = {a: (knots or {}).get(a, scales[a].knot) for a in x}
    fitted = [(judged, Slopes(model, judged, knots, scales, min_side, {})) for judged, model in prepared.models]
    rows = []
    for name, members in groups.items():
        given = margin.get(name) if isinstance(margin, dict) else margin
        rows += _tested(name, members, fitted, prepared, given, ci_level)
    table = pd.DataFrame(rows)
    meta = {"y": y, "x": x, "groups": groups, "ci_level": ci_level, "clusters": clusters, "knots": knots, "keys": ["group", "estimand"]}
    meta["scale"] = scales.get(y)
    where = "delight.drivers.weakest.slope_tests"
    return Result.of("M08.slopes", table, function=where, notes=prepared.notes, **prepared.joint.meta, **meta)


_TESTED = ("estimate", "se", "df", "ci_lo", "ci_hi", "ci90_lo", "ci90_hi", "p", "margin", "p_equivalence")


def _tested(name, members, fitted, prepared, margin, ci_level):
    """Three rows of one group, in the model that holds most of its attributes."""

    def both(slopes, judged):
        return [a for a in members if a in judged and slopes.usable and (a, "below") in slopes.at and (a, "above") in slopes.at]

    judged, slopes = max(fitted, key=lambda pair: len(both(pair[1], pair[0])), default=([], None))
    used = both(slopes, judged) if slopes is not None else []
    model = slopes.model if used else prepared.joint
    row = {"group": name, "estimand": None, **dict.fromkeys(_TESTED, np.nan), "equivalent": None, "attributes": ", ".join(used) or None}
    row |= {"n": model.n, "n_missing": model.n_missing, "n_eff": model.n_eff, "status": model.status()}
    if not used:
        return [{**row, "estimand": e, "status": "insufficient"} for e in ("below", "above", "difference")]
    sides = {s: np.zeros(len(slopes.names)) for s in ("below", "above")}
    for a in used:
        for side, direction in sides.items():
            direction[slopes.at[a, side]] = 1 / len(used)
    if margin is None:
        start = 1 + model.fixed.shape[1]
        margin = MARGIN * abs(float(np.mean([slopes.linear.coef[start + model.x.index(a)] for a in used])))
    rows = []
    for estimand, direction in {**sides, "difference": sides["above"] - sides["below"]}.items():
        whole, p = slopes.result.contrast(direction, ci_level)
        narrow, _ = slopes.result.contrast(direction, 0.90)
        outside = stats.t.sf((margin - abs(whole.value)) / whole.se, whole.df) if whole.se > 0 else np.nan
        found = {"estimate": whole.value, "se": whole.se, "df": whole.df, "ci_lo": whole.lo, "ci_hi": whole.hi, "p": p}
        found |= {"ci90_lo": narrow.lo, "ci90_hi": narrow.hi, "margin": margin, "p_equivalence": float(outside)}
        rows.append({**row, "estimand": estimand, **found, "equivalent": bool(outside <= 0.05)})
    return rows

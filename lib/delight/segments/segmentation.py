"""Find segments of customers by what they need: fit, choose, check, name, describe and assign."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import linear_sum_assignment

from delight import resample
from delight.errors import InputError
from delight.estimate import base_status, kish
from delight.result import Note, Result
from delight.segments import em, latent
from delight.segments.agreement import against
from delight.segments.archetypes import match_archetypes
from delight.segments.model import SegmentModel, assign
from delight.segments.needs import answers, coding, preferences

#: Bootstrap draws at most: each is a fit of its own.
MOST_DRAWS = 400

#: Raw classes that explain more of the variance of the person mean than this are kinds of graders, not of customers.
STYLE = 0.30

#: Columns that say what a row is about, beside those every table has.
KEYS = ["k", "solution", "check", "segment", "assigned"]

#: Agreement of random halves (adjusted Rand) from which segments count as stable; below it none gets a name.
STABLE = 0.80

RESIDUAL = 4.0


#: Arguments of `find` that a refit beside a confirmed segmentation takes over.
_FITTING = frozenset(
    (
        *("items", "form", "scales", "archetypes", "labels", "weights", "weights_kind", "clusters", "respondent", "k", "solution"),
        *("k_max", "n_starts", "n_splits", "blrt_draws", "margin", "about", "ci_level", "n_boot", "seed"),
    )
)


class Segmentation(NamedTuple):
    """Everything about the segments of one group of respondents.

    Attributes
    ----------
    fit : Result
        One row a solution (``raw``, ``within``) and number of classes, as `latent.fit_table`, with ``ari_half``, ``blrt_p``, ``chosen``.
    checks : Result
        One row a number of classes and check: are they really there?
    segments : Result
        One row a segment: size, archetype, distance, margin, certainty.
    profile : Result
        One row a segment and need.
    classification : Result
        One row an assigned segment and a true class: how sure the assignment is.
    assignment : Result
        One row a respondent.
    refit : Result
        A fresh fit against the confirmed segmentation, as `agreement.against`; without rows where nothing was refitted.
    model : SegmentModel or None
        To assign others by: the confirmed one, else the one found; None without segments.
    residuals : Result
        One row a pair of needs: how much of their relation the segments leave unexplained.
    verdict : Result
        One row a number of segments in question (the one expected, else the one chosen): are there really so many?
    """

    fit: Result
    checks: Result
    segments: Result
    profile: Result
    classification: Result
    assignment: Result
    refit: Result
    model: SegmentModel | None
    residuals: Result
    verdict: Result


def find(
    frame,
    *,
    items,
    form="rating",
    scales=None,
    archetypes=None,
    labels=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    respondent="respondent",
    k=0,
    solution="",
    k_max=6,
    n_starts=50,
    n_splits=50,
    blrt_draws=0,
    margin=0.15,
    confirmed=None,
    refit=False,
    about=None,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Segment respondents by latent classes of what they need.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    items : sequence of str
        Columns of needs; missing answers are skipped in the likelihood.
    form : {"rating", "pick", "rank", "best-worst"}
        How needs were asked. For ratings two solutions are fitted: ``raw`` (categories of the ratings) and ``within`` (what a
        person wants more than other things, whatever her own level).
    scales : dict of Scale, optional
    archetypes : dict, optional
        name -> {item: "high" | "low"}: kinds of customers one expects.
    labels : dict, optional
        name -> {language: label} of the archetypes, kept in the model.
    weights, weights_kind : optional
    clusters : str, optional
        Whole clusters are drawn in the bootstrap.
    k : int
        Number of segments; 0 takes the proposal. The proposal is a start of a judgement, not its end.
    solution : str
        ``raw`` or ``within``; empty takes raw unless the raw classes merely tell high from low graders.
    k_max, n_starts, n_splits, blrt_draws : int
        Classes at most; starts of each fit; half-splits for the stability; draws of the likelihood-ratio test (0: none).
    margin : float
        How much closer than the second-best archetype a segment must lie to bear a name.
    confirmed : SegmentModel, optional
        A segmentation that a person has confirmed: respondents are assigned by it, and nothing is fitted unless `refit` asks for it; then the
        fresh fit is shown against it, and the confirmed segments stay in front.
    refit : bool
    about : dict, optional
        Where the data come from (study, wave), kept in the model.
    ci_level, n_boot, seed
        At most 400 bootstrap draws are used (each is a fit), noted.

    Returns
    -------
    Segmentation
        With fewer than 200 respondents every table is ``insufficient``; where one class fits best, ``not_identified``: there are
        no segments to speak of.

    Raises
    ------
    InputError
        Unknown column, format or archetype item; values outside their scale; negative weights.

    Notes
    -----
    Raw classes that explain more than 30 % of the variance of the person mean are kinds of graders; then the within-person
    solution goes in front. Names need a margin, a match that holds in 80 % of the draws, and a stability of
    at least .8: one continuous difference between customers, without any groups, also yields classes, but hardly stable ones.
    """
    given = dict(locals())
    if solution not in ("", "raw", "within"):
        raise InputError(f"solution is 'raw', 'within' or empty, not {solution!r}.")
    if not 0 <= k <= k_max:
        raise InputError(f"k is 0 (take the proposal) or a number of segments up to k_max = {k_max}, not {k}.")
    _once(frame, respondent)
    if confirmed is not None:
        drawing = {"clusters": clusters, "ci_level": ci_level, "n_boot": n_boot, "seed": seed}
        fresh = None
        if refit:
            options = {name: value for name, value in given.items() if name in _FITTING}
            fresh = find(frame, **options)
        return _by_confirmed(frame, confirmed, fresh, weights, weights_kind, respondent, drawing)
    items, archetypes = tuple(items), dict(archetypes or {})
    shared = {"weights": weights, "weights_kind": weights_kind}
    kinds = ["raw"] + (["within"] if form == "rating" and len(items) >= 3 else [])
    if solution == "within" and "within" not in kinds:
        raise InputError("A within-person solution needs at least three needs asked as ratings.")
    codings = {name: coding(frame, items, form=form, scales=scales, within=name == "within") for name in kinds}
    match_archetypes(np.zeros((1, len(items))), np.empty((0, 1, len(items))), archetypes, items)  # names unknown items early
    data = {name: latent.prepare(frame, c, **shared) for name, c in codings.items()}
    values = answers(frame, items, form) if form == "rating" else None

    rows, models = [], {}
    enough = data["raw"].n >= latent.MINIMUM_N
    for name in kinds:
        if enough:
            found, models[name] = latent.fit_classes(data[name], k_max=k_max, n_starts=n_starts, seed=seed, values=values)
        else:
            found = latent.empty_fit(k_max)
        rows += [{"solution": name, **r} for r in found]
    notes = []
    if not enough:
        notes.append(Note("too_few", {"n": data["raw"].n, "needed": latent.MINIMUM_N}))
    front, chosen, style = _choose(rows, data["raw"].n, kinds, k, solution, enough)
    if np.isfinite(style) and style > STYLE:
        notes.append(Note("response_style", {"share": style, "limit": STYLE, "front": front}))
    used = data[front]
    if used.weights_kind == "sampling":
        notes.append(Note("pseudo_likelihood", {"n_eff": used.n_eff}))

    checked = sorted({chosen, len(archetypes)} & set(range(2, k_max + 1))) if enough else []
    stability = {
        c: latent.half_splits(used, c, n_splits=n_splits, seed=seed, solution=models[front][c]) if n_splits else np.array([])
        for c in checked
    }
    tested = {c: latent.blrt(used, models[front][c - 1], models[front][c], n_draws=blrt_draws, seed=seed) for c in checked if blrt_draws}
    for row in rows:
        mine = row["solution"] == front
        row["ari_half"] = float(np.mean(stability[row["k"]])) if mine and len(stability.get(row["k"], ())) else np.nan
        row["blrt_p"] = tested.get(row["k"], np.nan) if mine else np.nan
        row["chosen"] = bool(mine and row["k"] == chosen)
        if row["solution"] == "raw" and row["status"] == "ok" and row["style_share"] > STYLE:
            row["status"] = "response_style"
    meta = {
        "ci_level": ci_level,
        "seed": seed,
        "k": chosen,
        "solution": front,
        "form": form,
        "items": list(items),
        "n_in": used.n_in,
        "n_used": used.n,
        "n_dropped_missing": used.n_missing,
        "n_eff": used.n_eff,
        "weights": used.weights_kind,
        "keys": KEYS,
    }
    fit = latent.fit_result(
        rows, used, n_starts=n_starts, seed=seed, k=chosen, solution=front, n_splits=n_splits, form=form, keys=KEYS
    ).add(*[n for n in notes if n.code != "pseudo_likelihood"])
    mine = [r for r in rows if r["solution"] == front]
    checks = _checks(mine, checked, stability, chosen, used, meta, notes)
    expected = len(archetypes) > 1
    verdict = _verdict(mine, checks, len(archetypes) if expected else chosen, chosen, style, used, {**meta, "expected": expected})
    if chosen < 2:
        status = "not_identified" if enough else "insufficient"
        without = _without(frame, used, values, fit, checks, respondent, meta, notes, status, items, form)
        return without._replace(verdict=verdict)

    solved = models[front][chosen]
    draws = _Draws(frame, used, items, form, weights_kind, clusters, solved, min(n_boot, MOST_DRAWS), seed)
    if n_boot > MOST_DRAWS:
        notes.append(Note("fewer_draws", {"asked": n_boot, "used": MOST_DRAWS}))
    stable = float(np.mean(stability[chosen])) if len(stability.get(chosen, ())) else np.nan
    matched = match_archetypes(draws.profile["profile"], draws.drawn["profile"], archetypes, items, margin=margin)
    row = next(r for r in rows if r["solution"] == front and r["k"] == chosen)
    status = row["status"] if row["status"] in ("not_converged", "not_identified", "response_style") else "ok"
    for one in matched:
        one["named"] = one["named"] and status == "ok" and not stable < STABLE
    failed = not checks.table.loc[checks.table["k"].eq(chosen), "passed"].all()
    if status == "ok" and failed:
        status = "assumption_warning"
    names = [m["archetype"] if m["named"] else f"group-{chr(97 + i)}" for i, m in enumerate(matched)]
    params = latent.one(solved)
    known = {name: dict((labels or {}).get(name, {})) for name in names if (labels or {}).get(name)}
    model = SegmentModel(codings[front], params, tuple(names), known, {**(about or {}), "n": used.n, "solution": front, "seed": seed})
    assignment = assign(frame, model=model, respondent=respondent)
    assignment = assignment.with_table(assignment.table, meta={**assignment.meta, "solution": front, "seed": seed})
    return Segmentation(
        fit,
        checks,
        _segments(model, matched, draws, used, assignment, status, ci_level, meta, notes),
        _profile(model, draws, items, used, status, ci_level, meta, notes),
        _classification(model, used, params, meta),
        assignment,
        _no_refit(),
        model,
        _residuals(used, params, status, meta),
        verdict,
    )


def _once(frame, respondent):
    """Raise `InputError` where a respondent stands in the table twice: classes would see two customers who are alike in everything."""
    if respondent not in frame:
        return
    ids = frame[respondent]
    twice = ids.notna() & ids.duplicated(keep=False)
    if twice.any():
        first = ids[twice].iloc[0]
        rows = ", ".join(str(row) for row in ids.index[ids == first][:2])
        raise InputError(
            f"Column '{respondent}': {ids[twice].nunique()} respondents stand in the table more than once (first: {first} in rows {rows}). "
            "Segments take one row a respondent: keep one, or one wave."
        )


def describe(frame, *, model, weights=None, weights_kind="sampling", clusters=None, ci_level=0.95, n_boot=2000, seed=20250101):
    """Describe respondents by a confirmed segmentation, without fitting anything again.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    model : SegmentModel
    weights, weights_kind, clusters, ci_level, n_boot, seed
        As in `find`.

    Returns
    -------
    (Result, Result)
        ``segments`` and ``profile`` as in `Segmentation`; shares are the shares of these respondents (posterior weighted), which may
        differ from those of the segmentation when it was confirmed.
    """
    items, form = model.coding.items, model.coding.form
    used = latent.prepare(frame, model.coding, weights=weights, weights_kind=weights_kind)
    meta = {
        "ci_level": ci_level,
        "seed": seed,
        "k": len(model.names),
        "solution": "within" if model.coding.within else "raw",
        "form": form,
        "items": list(items),
        "n_in": used.n_in,
        "n_used": used.n,
        "n_dropped_missing": used.n_missing,
        "n_eff": used.n_eff,
        "weights": used.weights_kind,
        "keys": KEYS,
    }
    status = base_status(used.n, used.n_eff)
    notes = [Note("confirmed", {})]
    assignment = assign(frame, model=model)
    solved = em.Models(tuple(p[None] for p in model.params), np.zeros(1))
    draws = _Draws(frame, used, items, form, weights_kind, clusters, solved, min(n_boot, MOST_DRAWS), seed, refit=False)
    blank = {"archetype": "", "distance": np.nan, "margin": np.nan, "match_prob": np.nan}
    matched = [{**blank, "named": not str(n).startswith("group-")} for n in model.names]
    return (
        _segments(model, matched, draws, used, assignment, status, ci_level, meta, notes),
        _profile(model, draws, items, used, status, ci_level, meta, notes),
    )


def _no_refit():
    columns = ["confirmed", "refit", "n", "n_missing", "n_eff", "share", "adjusted_rand", "status"]
    return Result.of("M17.refit", pd.DataFrame(columns=columns), function="delight.segments.agreement.against", status="ok")


def _by_confirmed(frame, model, fresh, weights, weights_kind, respondent, drawing):
    """Tables by a confirmed segmentation; how it was fitted comes from the fresh fit, if there is one."""
    segments, profile = describe(frame, model=model, weights=weights, weights_kind=weights_kind, **drawing)
    used = latent.prepare(frame, model.coding, weights=weights, weights_kind=weights_kind)
    assignment = assign(frame, model=model, respondent=respondent)
    meta = {key: value for key, value in segments.meta.items() if key not in ("method", "function", "version", "n_boot")}
    classification = _classification(model, used, model.params, meta)
    if fresh is not None:
        against_it = against(assignment, fresh.assignment) if fresh.model is not None else _no_refit()
        told = (segments, profile, classification, assignment, against_it, model)
        return Segmentation(fresh.fit, fresh.checks, *told, fresh.residuals, fresh.verdict)
    blank = latent.empty_fit(1)[0]
    row = {**blank, "k": len(model.names), "solution": segments.meta["solution"], "ari_half": np.nan, "blrt_p": np.nan, "chosen": True}
    posterior = used.kind.posterior(model.params)
    row |= {
        "entropy": latent.entropy(used, posterior) if used.n else np.nan,
        "min_share": float(segments.table["share"].min()),
        "status": "ok" if used.n else "insufficient",
    }
    fit = latent.fit_result([row], used, keys=KEYS, k=row["k"], solution=row["solution"]).add(Note("confirmed", {}))
    checks = _checks([], [], {}, row["k"], used, meta, [Note("confirmed", {})])
    checks = checks.with_table(checks.table, status="ok")
    told = (segments, profile, classification, assignment, _no_refit(), model)
    return Segmentation(fit, checks, *told, _residuals(used, model.params, "ok", meta), _no_verdict(meta))


def _choose(rows, n, kinds, k, solution, enough):
    """(solution in front, number of classes, share of the person mean's variance that the raw classes explain)."""
    if not enough:
        return kinds[0], 0, np.nan
    of = {name: [r for r in rows if r["solution"] == name] for name in kinds}
    raw_k = k or latent.propose(of["raw"], n)
    style = next(r["style_share"] for r in of["raw"] if r["k"] == raw_k)
    front = solution or ("within" if "within" in kinds and style > STYLE else "raw")
    return front, k or latent.propose(of[front], n), style


def _checks(rows, checked, stability, chosen, used, meta, notes):
    """Stability, residuals and sizes of each number of classes in question, against their limits."""
    found = []
    limit_residual = residual_limit(used.coding)
    for r in rows:
        if r["k"] not in checked:
            continue
        splits = stability.get(r["k"], np.array([]))
        size = min(r["min_share"] / 0.05, r["min_n"] / 50)
        needed = max(latent.MINIMUM_N, latent.PER_CLASS * r["k"])
        for check, value, limit, passed in (
            ("stability", float(np.mean(splits)) if len(splits) else np.nan, STABLE, len(splits) > 0 and np.mean(splits) >= STABLE),
            ("residuals", r["bvr_max"], limit_residual, r["bvr_max"] < limit_residual),
            ("sizes", r["min_share"], 0.05, size >= 1),
            ("respondents", float(used.n), float(needed), used.n >= needed),
            ("starts", float(r["starts_hit"]), 2.0, r["starts_hit"] >= 2),
        ):
            found.append({"k": r["k"], "check": check, "value": value, "limit": limit, "passed": bool(passed), "chosen": r["k"] == chosen})
    columns = ["k", "check", "value", "limit", "passed", "chosen"]
    table = pd.DataFrame(found, columns=columns).assign(n=used.n, n_missing=used.n_missing, n_eff=used.n_eff, status="ok")
    status = "ok" if len(table) else "insufficient" if used.n < latent.MINIMUM_N else "not_identified"
    return Result.of("M17.checks", table, function="delight.segments.segmentation.find", notes=notes, status=status, **meta)


def _residuals(used, params, status, meta):
    """What every pair of needs still has in common within the segments, largest first."""
    limit = residual_limit(used.coding)
    found = used.kind.residuals(params, used.seen.weights) if used.n else {}
    rows = [
        {"item": used.coding.items[a], "other": used.coding.items[b], "residual": v, "limit": limit, "passed": bool(v < limit)}
        for (a, b), v in sorted(found.items(), key=lambda pair: -np.nan_to_num(pair[1], nan=-1))
    ]
    table = pd.DataFrame(rows, columns=["item", "other", "residual", "limit", "passed"])
    table = table.assign(n=used.n, n_missing=used.n_missing, n_eff=used.n_eff, status=status)
    return Result.of("M17.residuals", table, function="delight.segments.segmentation.find", **{**meta, "keys": [*KEYS, "item", "other"]})


#: The three that decide together whether a number of segments is really there; the others make it impossible to tell.
DECIDING, NEEDED = ("stability", "residuals", "sizes"), ("respondents", "starts")


def _verdict(rows, checks, k, chosen, style, used, meta):
    """Are there really `k` segments?

    ``supported``: random halves agree, no relation between needs is left, every class is large enough, and BIC proposes no other number;
    ``possible``: the first three, but BIC proposes another; ``not_supported``: one of the three fails; ``inconclusive``: too few respondents, or
    the fit did not settle. ΔBIC and the likelihood-ratio test stand beside it and decide nothing.
    """
    mine, of_k = checks.table[checks.table["k"].eq(k)].set_index("check"), {r["k"]: r for r in rows}
    if mine.empty or k < 2:
        return _no_verdict(meta, "insufficient" if used.n < latent.MINIMUM_N else "not_identified")
    passed = mine["passed"].astype(bool)
    failed = [c for c in (*DECIDING, *NEEDED) if not passed[c]]
    proposed = latent.propose(rows, used.n)
    verdict = "supported" if proposed == k else "possible"
    if any(not passed[c] for c in DECIDING):
        verdict = "not_supported"
    if any(not passed[c] for c in NEEDED):
        verdict = "inconclusive"
    row = {"k": k, "chosen": chosen, "proposed": proposed, "verdict": verdict, "failed": ", ".join(failed)}
    row |= {
        name: float(mine.loc[check, "value"])
        for name, check in (("ari_half", "stability"), ("bvr_max", "residuals"), ("min_share", "sizes"))
    }
    others = [r["bic"] for r in rows if r["k"] != k]
    row |= {"delta_bic": of_k[k]["bic"] - min(others) if others else np.nan, "blrt_p": of_k[k]["blrt_p"], "style_share": style}
    row |= {"n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff, "status": "ok"}
    return Result.of("M17.verdict", [row], function="delight.segments.segmentation.find", **meta)


def _no_verdict(meta, status="not_identified"):
    names = ("k", "chosen", "proposed", "verdict", "failed", "ari_half", "bvr_max", "min_share", "delta_bic", "blrt_p", "style_share")
    table = pd.DataFrame(columns=[*names, "n", "n_missing", "n_eff", "status"])
    return Result.of("M17.verdict", table, function="delight.segments.segmentation.find", status=status, **meta)


def residual_limit(coded):
    """Largest bivariate residual per degree of freedom that still passes.

    Tables of answers have several degrees of freedom a pair, and 4 is the customary limit. Within-person residuals have one, so that the
    largest of many pairs would pass 4 by chance alone: there the limit is the 5 % point of chi-square, Bonferroni over the pairs.
    """
    pairs = len(coded.items) * (len(coded.items) - 1) / 2
    return float(stats.chi2.isf(0.05 / pairs, 1)) if coded.within else RESIDUAL


class _Draws:
    """Class profiles and shares of the respondents and of bootstrap draws, classes lined up with the solution."""

    def __init__(self, frame, used, items, form, weights_kind, clusters, solved, n_draws, seed, refit=True):
        scores, self.values = preferences(frame, items, form=form), answers(frame, items, form)
        chosen = _chosen(scores, self.values, form, used.coding, frame)
        rows = np.flatnonzero(used.seen.of_row >= 0)
        # rows in an order that does not depend on that of the table
        group = pd.factorize(frame[clusters], sort=True)[0] if clusters else np.zeros(len(frame), dtype=int)
        keys = [group[rows], *np.nan_to_num(scores[rows], nan=-99).T, *np.nan_to_num(self.values[rows], nan=-99).T, used.w[rows]]
        rows = rows[np.lexsort([*keys, used.seen.of_row[rows]])]
        self.of, self.w = used.seen.of_row[rows], used.w[rows]
        self.measures = {"score": scores[rows], "mean": self.values[rows], "p_item": chosen[rows]}
        params = latent.one(solved)
        posterior = used.kind.posterior(params)
        self.modal = posterior.argmax(axis=1)[self.of]
        self.profile = self._profile(posterior, self.w)
        drawn = []
        rng = resample.generator(seed, "M17.profile")
        frequency = self.w if used.weights_kind == "frequency" else None
        starts = np.flatnonzero(np.diff(self.of, prepend=-1))
        per_chunk = max(10, min(100, 4_000_000 // max(len(rows), 1)))
        groups = group[rows] if clusters else None
        n_draws = 0 if clusters and len(rows) and np.ptp(groups) == 0 else n_draws  # one cluster cannot be drawn anew
        for counts in resample.counts(len(rows), n_draws, rng, clusters=groups, frequency=frequency, chunk=per_chunk):
            weight = counts if frequency is not None else counts * self.w
            of_pattern = np.add.reduceat(weight, starts, axis=1)
            tiled = tuple(np.repeat(p, len(weight), axis=0) for p in solved.params)
            if refit:
                tiled = em.run(used.kind, tiled, of_pattern, max_steps=60, tolerance=0.02).params
            for d, row_weight in enumerate(weight):
                chances = used.kind.posterior(tuple(p[d] for p in tiled)) if refit else posterior
                again = self._profile(chances, row_weight)
                drawn.append(_lined_up(again, self.profile))
        self.drawn = {key: np.array([d[key] for d in drawn]).reshape(len(drawn), *np.shape(v)) for key, v in self.profile.items()}

    def _profile(self, posterior, w):
        """Per class: share, and of each item the mean, the wish (score), its profile and how many chose it."""
        r = posterior[self.of] * w[:, None]
        found = {"share": r.sum(axis=0) / w.sum()}
        for name, values in self.measures.items():
            known = np.isfinite(values)
            filled = np.where(known, values, 0.0)
            with np.errstate(invalid="ignore", divide="ignore"):
                found[name] = (r.T @ filled) / (r.T @ known)
                if name == "score":
                    total = w @ known
                    centre = (w @ filled) / total
                    spread = np.sqrt(np.maximum((w @ filled**2) / total - centre**2, 0))
                    found["profile"] = np.where(spread > 1e-9, (found[name] - centre) / spread, 0.0)
        found["centred"] = found.pop("score")
        return found

    def interval(self, name, ci_level):
        """(lo, hi) of a measure."""
        if not len(self.drawn[name]):
            nothing = np.full(np.shape(self.profile[name]), np.nan)
            return nothing, nothing
        return resample.percentile(self.drawn[name], ci_level)


def _lined_up(found, reference):
    """Classes of a draw in the order of the solution's, by the distance of their profiles."""
    gap = ((np.nan_to_num(found["profile"])[:, None] - np.nan_to_num(reference["profile"])[None]) ** 2).sum(axis=-1)
    order = np.empty(len(gap), dtype=int)
    drawn, mine = linear_sum_assignment(gap)
    order[mine] = drawn
    return {key: value[order] for key, value in found.items()}


def _chosen(scores, values, form, coded, frame):
    """Whether each person wants each item: picked, ranked in the top third, named best, or rated above the own mean."""
    if form == "rating":
        wanted = scores > 1e-9
    elif form == "pick":
        wanted = values > 0
    else:
        rows = coded.rows(frame)
        wanted = rows == (0 if form == "rank" else 2)
    return np.where(np.isfinite(values), wanted.astype(float), np.nan)


def _segments(model, matched, draws, used, assignment, status, ci_level, meta, notes):
    lo, hi = draws.interval("share", ci_level)
    rows = []
    modal = assignment.table["segment"].to_numpy()
    counts = np.where(used.w > 0, used.w if used.weights_kind == "frequency" else 1.0, 0.0)
    for i, name in enumerate(model.names):
        mine = modal == name
        certain = assignment.table["certainty"].to_numpy()
        rows.append(
            {
                "segment": name,
                "order": i + 1,
                "share": float(draws.profile["share"][i]),
                "share_lo": float(lo[i]),
                "share_hi": float(hi[i]),
                "n_modal": int(round(counts[mine].sum())),
                "certainty": float(np.average(certain[mine], weights=counts[mine])) if counts[mine].sum() > 0 else np.nan,
                **matched[i],
                "n": int(round(counts[mine].sum())),
                "n_missing": used.n_missing,
                "n_eff": used.n_eff,
                "status": status if status != "ok" else base_status(counts[mine].sum(), _effective(used.w[mine], used)),
            }
        )
    return Result.of(
        "M17.segments", rows, function="delight.segments.segmentation.find", notes=notes, n_boot=len(draws.drawn["share"]), **meta
    )


def _effective(w, used):
    return kish(w) if used.weights_kind == "sampling" else None


def _profile(model, draws, items, used, status, ci_level, meta, notes):
    limits = {name: draws.interval(name, ci_level) for name in ("profile", "mean", "centred", "p_item")}
    rows = []
    for i, name in enumerate(model.names):
        for j, item in enumerate(items):
            row = {"segment": name, "item": item}
            for key, (lo, hi) in limits.items():
                row |= {key: float(draws.profile[key][i, j]), f"{key}_lo": float(lo[i, j]), f"{key}_hi": float(hi[i, j])}
            mine = draws.modal == i
            answered = mine & np.isfinite(draws.measures["mean"][:, j])
            each = draws.w if used.weights_kind == "frequency" else np.ones(len(mine))
            n, missing = int(round(each[answered].sum())), int(round(each[mine & ~answered].sum()))
            rows.append(
                {
                    **row,
                    "n": n,
                    "n_missing": missing,
                    "n_eff": used.n_eff,
                    "status": status if status != "ok" else base_status(n, _effective(draws.w[answered], used)),
                }
            )
    return Result.of(
        "M17.profile", rows, function="delight.segments.segmentation.find", notes=notes, n_boot=len(draws.drawn["share"]), **meta
    )


def _classification(model, used, params, meta):
    """Mean posterior of each class among those assigned to each segment."""
    posterior = used.kind.posterior(params)
    modal, rows = posterior.argmax(axis=1), []
    for a, assigned in enumerate(model.names):
        w = used.seen.weights * (modal == a)
        for k, true in enumerate(model.names):
            rows.append(
                {
                    "assigned": assigned,
                    "segment": true,
                    "share": float(w @ posterior[:, k] / w.sum()) if w.sum() > 0 else np.nan,
                    "n": int(round((used.seen.counts * (modal == a)).sum())),
                    "n_missing": used.n_missing,
                    "n_eff": used.n_eff,
                    "status": "ok" if w.sum() > 0 else "insufficient",
                }
            )
    return Result.of("M17.classification", rows, function="delight.segments.segmentation.find", **meta)


def _without(frame, used, values, fit, checks, respondent, meta, notes, status, items, form):
    """Tables of the same shape where there are no segments, or too few respondents."""
    if status == "not_identified":
        notes = [*notes, Note("no_segments", {"n": used.n})]
    base = {"n": used.n, "n_missing": used.n_missing, "n_eff": used.n_eff, "status": status}
    about = {"function": "delight.segments.segmentation.find", "notes": notes, "status": status, **meta}
    whole = {"segment": "", "order": 1, "share": np.nan, "share_lo": np.nan, "share_hi": np.nan, "n_modal": 0, "certainty": np.nan}
    unmatched = {"archetype": "", "distance": np.nan, "margin": np.nan, "match_prob": np.nan, "named": False}
    scores, asked = preferences(frame, items, form=form), answers(frame, items, form)
    kept = used.seen.of_row >= 0
    w = used.w[kept]
    profile = []
    for j, item in enumerate(items):
        known = np.isfinite(asked[kept, j])
        row = {"segment": "", "item": item}
        for key in ("profile", "mean", "centred", "p_item"):
            row |= {key: np.nan, f"{key}_lo": np.nan, f"{key}_hi": np.nan}
        if w[known].sum() > 0:
            score = scores[kept, j]
            told = np.isfinite(score)
            row["mean"] = float(np.average(asked[kept, j][known], weights=w[known]))
            row["centred"] = float(np.average(score[told], weights=w[told])) if w[told].sum() > 0 else np.nan
        profile.append({**row, **base, "n": int(known.sum())})
    table = pd.DataFrame({"respondent": frame[respondent].to_numpy()} if respondent in frame else {}, index=range(len(frame)))
    table["segment"] = pd.Series([None] * len(frame), dtype=object)
    table["certainty"] = np.nan
    table["status"] = status
    return Segmentation(
        fit,
        checks,
        Result.of("M17.segments", [{**whole, **unmatched, **base}], **about),
        Result.of("M17.profile", profile, **about),
        Result.of("M17.classification", [{"assigned": "", "segment": "", "share": np.nan, **base}], **about),
        Result.of("M17.assignment", table, segments=[], **about),
        _no_refit(),
        None,
        Result.of("M17.residuals", [{"item": "", "other": "", "residual": np.nan, "limit": np.nan, "passed": False, **base}], **about),
        _no_verdict(meta),
    )

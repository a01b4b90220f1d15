"""Which experience beats which, and in how much of the possible company: general, conditional and complete dominance (method M14)."""

from __future__ import annotations

from functools import lru_cache
from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd

from delight import resample
from delight.drivers import draws as drawn
from delight.drivers import shares
from delight.drivers.prepare import prepare
from delight.drivers.shapley import added, in_pieces, sizes, subset_r2, values
from delight.estimate import base_status
from delight.result import Note, Result

#: Attributes up to which all pairs are compared in all subsets.
EXACT_UP_TO = 18
#: Levels of dominance, the strongest first: each implies the next.
LEVELS = ("complete", "conditional", "general")
#: Contributions closer than this are equal.
TIE = 1e-12


class Dominance(NamedTuple):
    """Two tables: one row a pair and level, and one row an attribute and model size."""

    pairs: Result
    by_size: Result


def dominance(
    frame,
    *,
    y,
    x,
    scales=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    always=(),
    ci_level=0.95,
    n_boot=1000,
    seed=20250101,
):
    """Who beats whom: in every subset of the others, on average at every model size, or on average over all.

    Parameters
    ----------
    frame, y, x, scales, weights, weights_kind, clusters, not_applicable, always, ci_level, n_boot, seed
        As in `importance.importance`; attributes with a model of their own take no part. Fewer draws are taken where every pair in
        every subset would cost too much (note ``draws_lowered``).

    Returns
    -------
    Dominance
        ``pairs``, three rows a pair (``attribute`` is the one with the larger Shapley value): ``attribute, compared_with, dominance``
        (``complete, conditional, general``), ``d`` (1 dominates, 0 is dominated, 0.5 neither), ``share_over`` (share of the comparisons
        in which it adds more), and over the draws ``d_mean, d_se, p_over, p_under, p_neither, reproducibility`` (share of draws with
        the sample's ``d``). ``by_size``: ``attribute, size`` (attributes already in the model), ``raw`` (mean of what it adds to them)
        with ``_lo, _hi``.

        More than 18 attributes: no pairs, status ``not_identified`` and note ``too_many_for_dominance``. Fewer than 30 answers:
        ``insufficient``.

    Raises
    ------
    InputError
        As `prepare.prepare`.

    References
    ----------
    Budescu, D. V. (1993). Psychological Bulletin 114, 542-551. Azen, R. & Budescu, D. V. (2003). Psychological Methods 8, 129-148.
    """
    options = {"scales": scales, "weights": weights, "weights_kind": weights_kind, "clusters": clusters}
    prepared = prepare(frame, y=y, x=x, not_applicable=not_applicable, always=always, sums=True, **options)
    model, notes = prepared.joint, [*prepared.notes]
    status, n_boot = _possible(model.x, drawn.status_of(model), n_boot, notes)
    draws = None if n_boot is None else drawn.of_model(model, n_boot, resample.generator(seed, "M14.dominance"))
    meta = {**model.meta, "y": y, "x": list(x), "seed": seed, "clusters": clusters, "always": list(always), "ci_level": ci_level}
    return _tables(draws, status, notes, "delight.drivers.dominance.dominance", meta)


def dominance_from_correlation(correlation, *, y, x, n, ci_level=0.95, n_boot=1000, seed=20250101):
    """As `dominance`, from a correlation (or covariance) matrix and the number of answers; draws are Wishart (note ``normal_theory``)."""
    status, notes = base_status(n, model=True) if n > len(x) + 1 else "insufficient", []
    status, n_boot = _possible(x, status, n_boot, notes)
    draws = drawn.of_matrix(correlation, y=y, x=x, n=n, n_boot=n_boot or 0, rng=resample.generator(seed, "M14.dominance"))
    notes += [Note("normal_theory", {"n": n})] if n_boot else []
    meta = {"n_in": n, "n_used": n, "n_dropped_missing": 0, "n_eff": float(n), "weights": "none", "y": y, "x": list(x), "seed": seed}
    where = "delight.drivers.dominance.dominance_from_correlation"
    return _tables(None if n_boot is None else draws, status, notes, where, {**meta, "ci_level": ci_level})


def _possible(x, status, n_boot, notes):
    """(status, draws): no draws at all (None) where pairs cannot be compared."""
    if status in ("insufficient", "degenerate"):
        return status, None
    if len(x) < 2:
        return "insufficient", None
    if len(x) > EXACT_UP_TO:
        notes.append(Note("too_many_for_dominance", {"n_attributes": len(x), "limit": EXACT_UP_TO}))
        return "not_identified", None
    draws = shares.affordable(n_boot, 2 ** (len(x) + 1))
    if draws < n_boot:
        notes.append(Note("draws_lowered", {"n_boot": draws, "asked": int(n_boot)}))
    return status, draws


# ---- comparisons


def by_size(game):
    """What each player adds on average to coalitions of each size, shape (p players, p sizes, draws)."""
    p = len(game).bit_length() - 1
    mean = _mean_by_size(p)
    return np.array([mean @ added(game, j) for j in range(p)])


@lru_cache(maxsize=4)
def _mean_by_size(p):
    """Matrix (sizes, coalitions of the p - 1 others) that averages over the coalitions of each size."""
    size = sizes(p - 1)
    return (size == np.arange(p)[:, None]) / np.array([comb(p - 1, k) for k in range(p)])[:, None]


def head_to_head(game, first, second):
    """What `first` adds beyond `second` to every coalition without both, shape (2**(p-2), draws)."""
    low, high = min(first, second), max(first, second)
    met = game.reshape(-1, 2, 2 ** (high - low - 1), 2, 2**low, game.shape[1])
    upper, lower = met[:, 1, :, 0], met[:, 0, :, 1]
    return (upper - lower if first == high else lower - upper).reshape(-1, game.shape[1])


def verdict(differences):
    """(D, share of the differences above zero): 1 all at least zero, 0 all at most zero, 0.5 both signs or none."""
    over, under = (differences > TIE).any(axis=0), (differences < -TIE).any(axis=0)
    above = (differences > TIE).mean(axis=0) + 0.5 * (np.abs(differences) <= TIE).mean(axis=0)
    return np.where(over & ~under, 1.0, np.where(under & ~over, 0.0, 0.5)), above


def compared(rxx, rxy, pairs):
    """(D, share over) of every pair at every level, shapes (levels, pairs, draws), and contributions by size (p, sizes, draws)."""
    d, share, mean = [], [], []
    for piece in in_pieces(len(rxy), 2 ** rxy.shape[1]):
        game = subset_r2(rxx[piece], rxy[piece])
        size, value = by_size(game), values(game)
        judged = [
            [verdict(head_to_head(game, i, j)), verdict(size[i] - size[j]), verdict(value[[i]] - value[[j]])] for i, j in pairs
        ]  # (pairs, levels, 2, draws)
        both = np.array(judged).transpose(2, 1, 0, 3)
        d.append(both[0])
        share.append(both[1])
        mean.append(size)
    return np.concatenate(d, axis=2), np.concatenate(share, axis=2), np.concatenate(mean, axis=2)


# ---- tables


def _tables(draws, status, notes, where, meta):
    counts = {"n": meta["n_used"], "n_missing": meta["n_dropped_missing"], "n_eff": meta["n_eff"]}
    pairs, sized = pd.DataFrame(columns=PAIR_COLUMNS), pd.DataFrame(columns=["attribute", "size", "raw", "raw_lo", "raw_hi"])
    raw = None if draws is None else values(subset_r2(draws.rxx[:1], draws.rxy[:1]))[:, 0]
    if raw is not None and not raw.sum() > 1e-12:
        status = "degenerate"  # nothing is explained
    elif raw is not None:
        order = np.argsort(-raw, kind="stable")
        met = [(i, j) for at, i in enumerate(order) for j in order[at + 1 :]]
        d, share, mean = compared(draws.rxx, draws.rxy, met)
        pairs = pd.concat([_pair_rows(draws.x, pair, d[:, at], share[:, at]) for at, pair in enumerate(met)], ignore_index=True)
        sized = pd.concat([_size_rows(draws.x[j], mean[j].T, meta["ci_level"]) for j in order], ignore_index=True)
        meta = {**meta, "n_boot": draws.n_boot, "r2": float(raw.sum())}
    about = {"function": where, "notes": notes, **meta}
    return Dominance(
        Result.of("M14.dominance", pairs.assign(**counts, status=status), **about, keys=["compared_with", "dominance"], status=status),
        Result.of("M14.by_size", sized.assign(**counts, status=status), **about, keys=["size"], status=status),
    )


PAIR_COLUMNS = [
    *("attribute", "compared_with", "dominance", "d", "share_over", "d_mean", "d_se"),
    *("p_over", "p_under", "p_neither", "reproducibility"),
]


def _pair_rows(names, pair, d, share):
    """Three rows of one pair from its verdicts, shape (levels, 1 + draws)."""
    sample, drawn_d = d[:, :1], d[:, 1:]
    table = pd.DataFrame(
        {"attribute": names[pair[0]], "compared_with": names[pair[1]], "dominance": LEVELS, "d": d[:, 0], "share_over": share[:, 0]}
    )
    if not drawn_d.shape[1]:
        return table.reindex(columns=PAIR_COLUMNS)
    table["d_mean"], table["d_se"] = drawn_d.mean(axis=1), drawn_d.std(axis=1, ddof=1) if drawn_d.shape[1] > 1 else np.nan
    for name, value in (("p_over", 1.0), ("p_under", 0.0), ("p_neither", 0.5)):
        table[name] = (drawn_d == value).mean(axis=1)
    return table.assign(reproducibility=(drawn_d == sample).mean(axis=1))


def _size_rows(name, mean, ci_level):
    """Rows of one attribute from what it adds at each size, shape (1 + draws, sizes)."""
    return pd.DataFrame({"attribute": name, "size": np.arange(mean.shape[1]), **shares.interval("raw", mean, ci_level)})

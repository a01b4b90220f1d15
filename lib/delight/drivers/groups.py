"""What groups of attributes weigh together, such as the success factors: two named games (M14), and "in every contact" (A29)."""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd

from delight import resample
from delight.drivers import draws as drawn
from delight.drivers import ranks, shares
from delight.drivers.prepare import prepare
from delight.drivers.shapley import bordered, fill, in_pieces, inverse, sampled, shapley, sizes, values
from delight.errors import InputError
from delight.estimate import base_status, need_columns
from delight.result import STANDING, Note, Result
from delight.scales import Scale

#: Coalitions up to which the values of members within their groups are exact; above it orders are sampled.
EXACT_SETS = 2**20


class Groups(NamedTuple):
    """Three tables: one row a group, one row a member, one row a pair of groups."""

    groups: Result
    members: Result
    pairs: Result


def group_shares(
    frame,
    *,
    y,
    x,
    groups,
    scales=None,
    weights=None,
    weights_kind="sampling",
    clusters=None,
    not_applicable=None,
    always=(),
    n_permutations=1000,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Share of R² that goes to each group of attributes, and to each member within its group.

    Parameters
    ----------
    frame, y, x, scales, weights, weights_kind, clusters, not_applicable, always, ci_level, n_boot, seed
        As in `importance.importance`; attributes that a part of the respondents has nothing to do with (own models) take no part.
    groups : dict of str to str
        Attribute → name of its group; an attribute without one is a group of its own, under its own name.
    n_permutations : int
        Orders sampled where there are too many coalitions to try them all (note ``sampled_orders``).

    Returns
    -------
    Groups
        ``groups``, game ``quotient``: a group is one player, all its attributes come in together: ``attribute_group, n_attributes,
        raw, share`` with intervals, ``rank, rank_lo, rank_hi``, ``member_sum`` (sum of the members' Shapley shares when there are no
        groups: another figure), ``share_of_attributes``. ``members``, game ``owen``: ``attribute, attribute_group, raw, share`` with
        intervals, ``within`` (share of its group); members add up to their group. ``pairs``: `ranks.pairwise` of the groups.

    Raises
    ------
    InputError
        As `prepare.prepare`; fewer than two groups.

    Notes
    -----
    Quotient: the Shapley value of the game between groups. Owen: the mean over all orders in which the members of a group follow
    each other; Σ over a group equals its quotient value. The plain Shapley values of the members add up to something else, because
    there an attribute also meets parts of other groups.

    References
    ----------
    Owen, G. (1977). Values of games with a priori unions. Grömping (2006), JSS 17 (groups in relaimpo).
    """
    options = {"scales": scales, "weights": weights, "weights_kind": weights_kind, "clusters": clusters}
    prepared = prepare(frame, y=y, x=x, not_applicable=not_applicable, always=always, sums=True, **options)
    model, status, rng = prepared.joint, drawn.status_of(prepared.joint), resample.generator(seed, "M14.groups")
    names = _groups_of(x, groups)
    left_out = [g for g in dict.fromkeys(names.values()) if not any(names[a] == g for a in model.x)]
    how = {"y": y, "x": list(x), "seed": seed, "clusters": clusters, "always": list(always), "ci_level": ci_level}
    played = {a: names[a] for a in model.x}
    asked = n_boot if status not in ("insufficient", "degenerate") and len(set(played.values())) > 1 else None
    notes = [*prepared.notes]
    draws = None if asked is None else drawn.of_model(model, _draws_for(played, n_boot, ci_level, notes), rng)
    where = "delight.drivers.groups.group_shares"
    return _tables(draws, played, status, left_out, n_permutations, rng, notes, where, {**model.meta, **how}, model.n_applicable)


def group_shares_from_correlation(correlation, *, y, x, groups, n, n_permutations=1000, ci_level=0.95, n_boot=2000, seed=20250101):
    """As `group_shares`, from a correlation (or covariance) matrix and the number of answers; draws are Wishart (note ``normal_theory``)."""
    names, notes, rng = _groups_of(x, groups), [], resample.generator(seed, "M14.groups")
    status = base_status(n, model=True) if n > len(x) + 1 else "insufficient"
    enough = status != "insufficient"
    n_draws = _draws_for(names, n_boot, ci_level, notes) if enough else 0
    draws = drawn.of_matrix(correlation, y=y, x=x, n=n, n_boot=n_draws, rng=rng)
    notes += [Note("normal_theory", {"n": n})] if n_draws else []
    meta = {"n_in": n, "n_used": n, "n_dropped_missing": 0, "n_eff": float(n), "weights": "none", "y": y, "x": list(x), "seed": seed}
    where = "delight.drivers.groups.group_shares_from_correlation"
    meta |= {"ci_level": ci_level}
    return _tables(draws if enough else None, names, status, [], n_permutations, rng, notes, where, meta, lambda a: n)


def _groups_of(x, groups):
    """Attribute → name of its group; names of two kinds that meet are refused."""
    names = {a: str(groups[a]) if groups.get(a) not in (None, "") and pd.notna(groups.get(a)) else a for a in x}
    unknown = [a for a in groups if a not in names]
    if unknown:
        raise InputError(f"`groups` names attributes that are not in `x`: {', '.join(map(str, unknown))}.")
    if len(set(names.values())) < 2:
        raise InputError(f"Shares of groups need at least two groups; all {len(x)} attributes are in one.")
    return names


def _draws_for(names, n_boot, ci_level, notes):
    """Draws that the comparison of the groups needs, with a note where they are more than asked for."""
    needed = ranks.draws_for(len(set(names.values())), n_boot, 1 - ci_level) if n_boot else 0
    if needed > n_boot:
        notes.append(Note("draws_raised", {"n_boot": needed, "asked": int(n_boot)}))
    return needed


def first_grouping(x, **groupings):
    """The first of several groupings (kind=dict of attribute → name) that joins attributes: (kind, attribute → name), or ("", {}).

    A grouping joins attributes if it has at least two groups, counting attributes without one, and fewer groups than attributes.
    """
    for kind, names in groupings.items():
        named = {a: names[a] for a in x if names.get(a)}
        joined = set(named.values())
        if len(joined) + len(x) - len(named) >= 2 and len(joined) < len(named):
            return kind, named
    return "", {}


# ---- in every contact


def contact_grades(frame, touchpoints, *, scales):
    """The mean grade of every contact moment, to ask whether the poorest contact decides (claim A29, `weakest.weakest_link`).

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    touchpoints : dict of str to str
        Attribute → name of its contact moment; attributes without one are left out.
    scales : dict of str to Scale
        Where the scales differ, all are brought to 0-10.

    Returns
    -------
    frame : DataFrame
        With a column ``contact:<name>`` for each contact moment: the mean of its answered attributes, NaN without any.
    scales : dict of str to Scale
        Of these columns; continuous.
    """
    members = {}
    for attribute, name in touchpoints.items():
        if name:
            members.setdefault(f"contact:{name}", []).append(attribute)
    need_columns(frame, [a for group in members.values() for a in group])
    ends = {(scales[a].min, scales[a].max) for group in members.values() for a in group}
    lo, hi = ends.pop() if len(ends) == 1 else (0.0, 10.0)

    def grade(attribute):
        scale = scales[attribute]
        return lo + (frame[attribute].astype(float) - scale.min) * (hi - lo) / (scale.max - scale.min)

    means = {name: pd.concat([grade(a) for a in group], axis=1).mean(axis=1) for name, group in members.items()}
    return frame.assign(**means), {name: Scale(lo, hi, 0) for name in means}


# ---- games


def union_r2(rxx, rxy, blocks):
    """R² of every union of blocks of attributes, shape (2**blocks, draws); bit k of the row for block k.

    Blocks of one attribute go quickest where they come first.
    """
    order = [j for block in blocks for j in block]
    left = np.empty((2 ** len(blocks), len(rxy)))
    _fill_blocks(bordered(rxx[:, order][:, :, order], rxy[:, order]), [len(block) for block in blocks], left)
    return 1.0 - left


def _fill_blocks(m, widths, left):
    """Write the residual variance of y for every union of blocks into `left`, the last block first."""
    if all(width == 1 for width in widths):
        fill(m[None], left, len(widths))
        return
    *before, width = widths
    start, half = len(m) - 1 - width, len(left) // 2
    keep = [*range(start), len(m) - 1]
    _fill_blocks(m[keep][:, keep], before, left[:half])
    for k in range(start, start + width):
        m = m - m[:, k, None] * (m[k] * inverse(m[k, k]))[None]
    _fill_blocks(m[keep][:, keep], before, left[half:])


def quotient(rxx, rxy, blocks):
    """Shapley values of the blocks, each one player, shape (draws, blocks)."""
    order = sorted(range(len(blocks)), key=lambda k: len(blocks[k]))
    ordered = [blocks[k] for k in order]
    pieces = in_pieces(len(rxy), 2 ** len(blocks))
    found = np.concatenate([values(union_r2(rxx[i], rxy[i], ordered)).T for i in pieces])
    return found[:, np.argsort(order)]


def owen(rxx, rxy, blocks):
    """Owen values of the attributes within their blocks, shape (draws, attributes); blocks add up to their quotient value.

    For each block: the worth of its coalitions, averaged over the unions of other blocks they may meet, makes a game of its members.
    """
    draws, p, g = *rxy.shape, len(blocks)
    found = np.empty((draws, p))
    share = 1 / (g * np.array([comb(g - 1, k) for k in range(g)]))[sizes(g - 1)]
    for block in blocks:
        others = sorted((b for b in blocks if b is not block), key=len)
        players = [[j] for j in block] + others
        for piece in in_pieces(draws, 2 ** len(players)):
            worth = union_r2(rxx[piece], rxy[piece], players)
            met = np.tensordot(share, worth.reshape(len(share), 2 ** len(block), -1), axes=1)
            found[piece, block] = values(met).T
    return found


def grouped_orders(blocks, m, rng):
    """`m` orders of the attributes in which every block stays together; every second the one before it turned round."""
    forth = [np.concatenate([rng.permutation(blocks[k]) for k in rng.permutation(len(blocks))]) for _ in range(-(-m // 2))]
    return np.stack([(order, order[::-1]) for order in forth]).reshape(len(forth) * 2, -1).astype(int)


# ---- tables


def _tables(draws, names, status, left_out, n_permutations, rng, notes, where, meta, n_applicable):
    """The three results; `draws` is None where nothing can be computed, `left_out` are groups without an attribute in the model."""
    group_names = list(dict.fromkeys(names.values()))
    groups = pd.DataFrame({"attribute_group": [*group_names, *left_out]})
    groups["n_attributes"] = [sum(name == g for name in names.values()) for g in groups["attribute_group"]]
    members = pd.DataFrame({"attribute": list(names), "attribute_group": list(names.values())})
    members["n_applicable"] = [n_applicable(a) for a in names]
    pairs = shares.no_pairs()
    if draws is not None:
        blocks = [[j for j, a in enumerate(draws.x) if names[a] == g] for g in group_names]
        raw, within = _play(draws, blocks, n_permutations, rng, notes)
        standing, pairs = shares.standing(group_names, raw, meta["ci_level"])
        found = pd.concat([pd.DataFrame({"attribute_group": group_names}), shares.estimates(raw, meta["ci_level"]), standing], axis=1)
        found = found.assign(member_sum=_member_sums(draws, blocks), share_of_attributes=[len(b) / len(draws.x) for b in blocks])
        groups = groups.merge(found, on="attribute_group", how="left")
        each = pd.concat([pd.DataFrame({"attribute": draws.x}), shares.estimates(within, meta["ci_level"])], axis=1)
        members = members.merge(each, on="attribute", how="left")
        total = members.groupby("attribute_group")["raw"].transform("sum")
        members["within"] = (members["raw"] / total).where(total > 1e-12)
        status = np.where(raw[0].sum() > 1e-12, status, "degenerate").item()
        meta = {**meta, "n_boot": draws.n_boot, "n_boot_members": len(within) - 1, "r2": float(raw[0].sum())}
    status = "not_identified" if draws is None and status in STANDING else status  # one group only
    apart = groups["attribute_group"].isin(left_out) & (draws is not None)
    groups["status"] = np.where(apart, "not_identified", status)
    counts = {"n": meta["n_used"], "n_missing": meta["n_dropped_missing"], "n_eff": meta["n_eff"]}
    groups = groups.reindex(columns=GROUP_COLUMNS).assign(game="quotient", **counts)
    members = members.reindex(columns=MEMBER_COLUMNS).assign(game="owen", status=status, **counts)
    pairs = pairs.rename(columns={"attribute": "attribute_group"}).assign(game="quotient", **counts, status=status)
    about = {"function": where, "notes": notes, **meta}
    return Groups(
        Result.of("M14.groups", groups, **about, keys=["attribute_group"]),
        Result.of("M14.members", members, **about, keys=["attribute_group"]),
        Result.of("M14.group_pairs", pairs, **about, keys=["attribute_group", "compared_with"]),
    )


ESTIMATES = ["raw", "raw_lo", "raw_hi", "se", "share", "ci_lo", "ci_hi"]
GROUP_COLUMNS = [
    "attribute_group",
    "n_attributes",
    *ESTIMATES,
    "rank",
    "rank_lo",
    "rank_hi",
    "member_sum",
    "share_of_attributes",
    "r2",
    "status",
]
MEMBER_COLUMNS = ["attribute", "attribute_group", *ESTIMATES, "within", "r2", "n_applicable"]


def _play(draws, blocks, n_permutations, rng, notes):
    """(quotient values of the groups, Owen values of the members) in the sample and in as many draws as are affordable."""
    p, n_sets = len(draws.x), sum(2 ** (len(blocks) - 1 + len(block)) for block in blocks)
    if n_sets <= EXACT_SETS:
        fewer = draws.first(_fewer(draws.n_boot, n_sets, notes))
        return quotient(draws.rxx, draws.rxy, blocks), owen(fewer.rxx, fewer.rxy, blocks)
    notes.append(Note("sampled_orders", {"n": int(n_permutations)}))
    fewer = draws.first(_fewer(draws.n_boot, shares.cost_of_orders(p, n_permutations), notes))
    within = sampled(fewer.rxx, fewer.rxy, grouped_orders(blocks, n_permutations, rng))[0]
    return np.column_stack([within[:, block].sum(axis=1) for block in blocks]), within


def _fewer(n_boot, cost, notes):
    draws = shares.affordable(n_boot, cost)
    if draws < n_boot:
        notes.append(Note("draws_lowered", {"n_boot": draws, "asked": int(n_boot)}))
    return draws


def _member_sums(draws, blocks):
    """Sums over each block of the plain Shapley values of the sample; NaN above the limit of the exact game."""
    if len(draws.x) > shares.EXACT_UP_TO:
        return np.full(len(blocks), np.nan)
    raw = shapley(draws.rxx[:1], draws.rxy[:1])[0]
    return np.array([raw[block].sum() for block in blocks])

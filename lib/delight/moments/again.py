"""Further passes over the rows, with estimates of the first as constants: robust covariances, and logits by one pass a step."""

from __future__ import annotations

import numpy as np

from delight.errors import InputError
from delight.logit import LogitFit, climb, first_thresholds, ordered_pieces
from delight.moments.collect import Cells, content_identities, design, in_turn, screened

#: Rows of a second pass worked on at a time.
ROWS = 2**16


def over_rows(moments, terms, work, *, origin=None, grouped=False):
    """Results of `work` on the rows that the moments were made of, a batch at a time.

    Parameters
    ----------
    moments : Moments
    terms : sequence of Term
    work : function (z, w, group) -> anything
        `z` of shape (terms, rows) in own units less `origin`, `w` as in `Moments.rows`, `group` the place of each row's group (`grouped`) or None.

    Raises
    ------
    InputError
        No rows at hand, or not those of the first pass.
    """
    if not moments.sources:
        raise InputError("This takes a second pass over the rows, and these moments have none at hand: use `reading_again(source)`.")
    plan, n = moments.plan, 0.0
    origin = np.zeros(len(terms)) if origin is None else origin
    places = _places(moments) if grouped else None

    def batches(start, load):
        rows = screened(plan, start, load())
        _within(rows, moments)
        order = np.flatnonzero(rows.used)
        group = None
        if grouped:
            cells = Cells(plan, rows, None if ids is None else ids[start : start + len(rows.used)])
            used, inverse = np.unique(cells.codes[order], return_inverse=True)
            group = np.array([places.get(cells.key(c), -1) for c in used.tolist()], dtype=int)[inverse]
        found = []
        for first in range(0, len(order), ROWS):
            part = order[first : first + ROWS]
            w = np.ones(len(part)) if rows.w is None else rows.w[part] * moments.scale
            found.append(work(design(terms, origin, rows.values, part), w, None if group is None else group[first : first + ROWS]))
        return found, float(rows.w[order].sum()) if moments.kind == "frequency" else len(order)

    for source in moments.sources:
        by_content = grouped and source.frame is not None and not plan.key and not plan.clusters
        ids = content_identities(source.frame[plan.all_columns]) if by_content else None
        for found, count in in_turn(batches, source.pieces(plan.all_columns, plan.rows)):
            n += count
            yield from found
    if round(n) != moments.n:
        raise InputError(f"The rows have changed since the first pass: {n:g} answers then {moments.n}. Read the moments again.")


def _within(rows, moments):
    """Leave the rows of the part that the moments are of."""
    wanted = moments.about.get("part", {})
    for (codes, names), column in zip(rows.labels, moments.plan.by):
        if column in wanted:
            rows.used &= codes == (names.index(wanted[column]) if wanted[column] in names else -2)


def _places(moments):
    """Key of a group → its place."""
    keys = moments.groups[[*moments.plan.by, moments.plan.clusters or "bucket"]]
    rows = zip(*(keys[c].astype(object).where(keys[c].notna(), None) for c in keys))
    return {tuple(v.item() if isinstance(v, np.generic) else v for v in row): i for i, row in enumerate(rows)}


def sandwich(moments, terms, origin, coef, bread, *, leverage=True):
    """Σ w² (e / (1 - h))² xx′ over the rows (frequency weights: w for w²), e the residuals and h the leverages (0 without `leverage`).

    The last of the `terms` is the outcome; all are counted from `origin`.
    """
    frequency = moments.kind == "frequency"

    def work(z, w, _):
        x, e = z[:-1], z[-1] - coef @ z[:-1]
        if leverage:
            h = np.einsum("ij,ij->j", x, bread @ x) * (1 if frequency else w)
            e = e / np.maximum(1 - h, 1e-12)
        return (x * (e**2 * (w if frequency else w**2))) @ x.T

    return sum(over_rows(moments, terms, work, origin=origin), start=np.zeros((len(coef), len(coef))))


def ordered_logit(moments, terms, y, levels, *, clusters=None, max_steps=100):
    """Ordered logit with proportional odds, a pass over the rows each step; see `delight.logit.fit_ordered`.

    Parameters
    ----------
    moments : Moments
    terms : sequence of Term
        Without the constant.
    y : Term
    levels : DataFrame
        ``value, w`` of the outcome's levels.
    clusters : int ndarray (groups,), optional
        Cluster of each group: CR1.

    Returns
    -------
    LogitFit
        ``influence`` has a row a group: the sum over its rows (weights included).
    """
    levels = levels[levels["w"] > 0]
    values, cuts, k = levels["value"].to_numpy(dtype=float), len(levels) - 1, len(terms)
    edges = (values[1:] + values[:-1]) / 2
    weight = levels["w"].to_numpy(dtype=float) * moments.scale
    shares = weight / weight.sum()
    size = cuts + k

    def pieces(z, params, w):
        codes = np.searchsorted(edges, z[-1])
        return codes, *ordered_pieces(params, codes, z[:-1].T, w, cuts)

    def at(params):
        if (np.diff(params[:cuts]) <= 0).any():
            return -np.inf, None, None
        ll, gradient, information = 0.0, np.zeros(size), np.zeros((size, size))
        for part in over_rows(moments, [*terms, y], lambda z, w, _: _summed(w, *pieces(z, params, w)[1:])):
            ll, gradient, information = ll + part[0], gradient + part[1], information + part[2]
        return (ll, gradient, information) if np.isfinite(ll) else (-np.inf, None, None)

    params, ll, information, converged = climb(at, np.concatenate([first_thresholds(shares), np.zeros(k)]), max_steps)
    frequency, n_groups = moments.kind == "frequency", len(moments.groups)

    def last(z, w, group):
        scores = pieces(z, params, w)[2]
        eta = params[cuts:] @ z[:-1]
        each = np.zeros((n_groups, size))
        np.add.at(each, group, scores * w[:, None])
        return each, (scores * (w if frequency else w**2)[:, None]).T @ scores, eta.min(initial=np.inf), eta.max(initial=-np.inf), w @ eta

    each, meat, low, high, middle = np.zeros((n_groups, size)), np.zeros((size, size)), np.inf, -np.inf, 0.0
    for part in over_rows(moments, [*terms, y], last, grouped=True):
        each, meat, middle = each + part[0], meat + part[1], middle + part[4]
        low, high = min(low, part[2]), max(high, part[3])
    middle /= weight.sum()
    bread, df = np.linalg.inv(information), np.inf
    full = bread @ meat @ bread
    if clusters is not None:
        g = int(clusters.max()) + 1
        summed = np.zeros((g, size))
        np.add.at(summed, clusters, each)
        full, df = bread @ (summed.T @ summed) @ bread * (g / (g - 1) if g > 1 else np.nan), float(g - 1)
    separated = bool(max(high - middle, middle - low) > 30) or ll > -1e-6 * moments.n
    ll_null = float(weight.sum() * (shares * np.log(shares)).sum())
    found = {"coef": params[cuts:], "cov": full[cuts:, cuts:], "thresholds": params[:cuts], "full_cov": full, "levels": values}
    fitted = {"ll": float(ll), "ll_null": ll_null, "df": df, "n": moments.n, "converged": converged, "separated": separated}
    return LogitFit(names=list(terms), influence=each @ bread, **found, **fitted)


def _summed(w, ll, scores, information):
    return (-np.inf, 0.0, 0.0) if scores is None else (ll, w @ scores, information)

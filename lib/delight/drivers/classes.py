"""The impact class of an experience, decided by the slopes on either side of a knot (method M08)."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: Codes of the impact class; the words Basis, Beleving and Bijzonder stand in `delight.show` only.
CLASSES = ("basis", "beleving", "bijzonder", "undistinguished", "indifferent", "reverse")
#: Least relevant difference of the slopes, in standard deviations of the outcome a standard deviation of the experience; a single slope
#: below half of it counts for nothing. Only samples of many thousands can show less (docs/decisions/0011).
LEAST = 0.1
#: Share of the common slope within which slopes are of one kind, and beyond which they are of two.
MARGIN = 0.5
#: What the rule reads, one array each.
MEASURED = (
    *("slope_joint_p", "slope_below", "below_p", "slope_above", "above_p", "slope_diff"),
    *("diff_q", "diff_lo90", "diff_hi90", "common_slope", "latent_diff", "latent_q"),
)


def classify(
    *,
    slope_joint_p,
    slope_below,
    below_p,
    slope_above,
    above_p,
    slope_diff,
    diff_q,
    diff_lo90,
    diff_hi90,
    common_slope,
    latent_diff,
    latent_q,
    sd_ratio=None,
    alpha=0.05,
    least=LEAST,
    margin=MARGIN,
    bounded_above=False,
    bounded_below=False,
):
    """Impact class of each element of the arrays, by the rule in `penalty_reward.effects`; None where the slopes are unknown.

    Parameters
    ----------
    slope_joint_p, ..., latent_q : array
        Columns of `penalty_reward.effects`.
    sd_ratio : array, optional
        Standard deviation of the experience over that of the outcome; without it `least` is not asked for.
    alpha, least, margin : float
    bounded_above, bounded_below : bool
        Enough of the outcome lies at its maximum, or minimum, to bend a straight line: a kind must show on the latent scale too.
    """
    with np.errstate(invalid="ignore"):
        ratio = np.inf if sd_ratio is None else np.asarray(sd_ratio, dtype=float)
        half = margin * np.abs(common_slope)
        slight_below, slight_above = (np.abs(slope) * ratio < least / 2 for slope in (slope_below, slope_above))
        latent_basis = ~np.asarray(bounded_above) | ((latent_q <= alpha) & (latent_diff < 0))
        latent_bijzonder = ~np.asarray(bounded_below) | ((latent_q <= alpha) & (latent_diff > 0))
        relevant = (np.abs(slope_diff) > half) & (np.abs(slope_diff) * ratio >= least)
        differs = (diff_q <= alpha) & relevant
        equal = (diff_lo90 >= -half) & (diff_hi90 <= half)
        against_below = (slope_below < 0) & (below_p <= alpha) & ~slight_below
        against_above = (slope_above < 0) & (above_p <= alpha) & ~slight_above
        rules = [
            np.isnan(slope_diff) | np.isnan(slope_joint_p),
            (slope_joint_p > alpha) | (slight_below & slight_above),
            against_below | against_above,
            differs & (slope_diff < 0) & latent_basis,
            differs & (slope_diff > 0) & latent_bijzonder,
            ~differs & equal,
        ]
    return np.select(rules, np.array([None, "indifferent", "reverse", "basis", "bijzonder", "beleving"], dtype=object), "undistinguished")


def probabilities(attributes, classes, drawn, fixed, **rule):
    """How often redrawn surveys give each class.

    Parameters
    ----------
    attributes, classes : sequence
        All attributes, and their class in the data.
    drawn : dict of str to dict of str to array (draws,)
        Attribute → what the rule reads, but ``diff_p, latent_p`` in place of ``diff_q, latent_q``, which are made from them within each
        draw; only attributes with a class.
    fixed : dict of str to dict of str to float
        Attribute → ``common_slope`` and ``sd_ratio``, which are not redrawn.
    **rule
        Further arguments of `classify`.

    Returns
    -------
    DataFrame
        ``class_prob, likely_class, prob_<class>``, one row an attribute; NaN without draws.
    """
    known = [a for a in attributes if a in drawn]
    table = pd.DataFrame(np.nan, index=range(len(attributes)), columns=["class_prob", *(f"prob_{c}" for c in CLASSES)])
    table.insert(1, "likely_class", pd.Series([None] * len(attributes), dtype=object))
    if not known:
        return table
    stacked = {k: np.column_stack([drawn[a][k] for a in known]) for k in drawn[known[0]]}
    shape = stacked["slope_diff"].shape
    for k in ("common_slope", "sd_ratio"):
        stacked[k] = np.broadcast_to([fixed[a][k] for a in known], shape)
    for k in ("latent_diff", "latent_p"):
        stacked.setdefault(k, np.full(shape, np.nan))
    for k in ("diff", "latent"):
        stacked[f"{k}_q"] = _bh_rows(stacked.pop(f"{k}_p"))
    code = classify(**stacked, **rule)
    for j, a in enumerate(known):
        shares = {c: float((code[:, j] == c).mean()) for c in CLASSES}
        i = list(attributes).index(a)
        table.loc[i, [f"prob_{c}" for c in CLASSES]] = [shares[c] for c in CLASSES]
        table.at[i, "class_prob"], table.at[i, "likely_class"] = shares[classes[i]], max(shares, key=shares.get)
    return table


def _bh_rows(p):
    """Benjamini-Hochberg within every row."""
    order = np.argsort(p, axis=1)
    m = p.shape[1]
    ranked = np.take_along_axis(p, order, axis=1) * m / np.arange(1, m + 1)
    q = np.empty_like(p)
    np.put_along_axis(q, order, np.minimum(np.minimum.accumulate(ranked[:, ::-1], axis=1)[:, ::-1], 1), axis=1)
    return q

"""The slopes of an outcome on either side of a knot in every experience: one regression, its tests and its bootstrap (method M08)."""

from __future__ import annotations

import numpy as np
from scipy import stats

from delight.drivers.model import entangled, square, vif
from delight.estimate import aliased_terms

#: Fewer answers on one side of the knot leave that side's term out.
MIN_SIDE = 15
#: Share of the outcome at an end of its scale above which that end may bend a straight line (docs/decisions/0015).
BOUNDED = 0.05


class Slopes:
    """The knot model of one set of rows: least squares on min(x - knot, 0) and max(x - knot, 0) of every attribute.

    Parameters
    ----------
    model : delight.drivers.model.Model
    judged : list of str
        Attributes of the model that are asked about.
    knots : dict of str to float or None
        Without a knot an attribute enters as a straight line.
    scales : dict of str to Scale
    min_side : int
    bounds : dict
        As `bounds` gives it; a bounded outcome also gets an ordered logit on the same terms.
    """

    def __init__(self, model, judged, knots, scales, min_side, bounds):
        self.model, self.judged, self.knots, self.min_side = model, judged, knots, min_side
        self.cuts = {a: scales[a].low_high for a in model.x}
        self.sides, columns, names = {}, [], []
        for a in model.x:
            if knots[a] is None:
                columns.append(model.column(a)[0])
                names.append((a, "linear"))
                continue
            answers, counted, _ = model.answers(a)
            self.sides[a] = float(counted[answers < knots[a]].sum()), float(counted[answers > knots[a]].sum())
            for side, values, n in zip(("below", "above"), model.knot_terms(a, knots[a]), self.sides[a]):
                if n >= min_side:
                    columns.append(values)
                    names.append((a, side))
        self.design, self.names, self.aliased = independent(model, columns, names)
        self.at = {name: i for i, name in enumerate(self.names)}
        self.linear = model.fit(*straight(model), cov="classical")
        self.result = model.fit(self.design, self.names)
        known = np.isfinite(self.result.coef).all() and np.isfinite(self.result.cov).all()  # one cluster has no covariance
        self.usable = model.status() != "insufficient" and known and np.ptp(model.values) > 0
        self.latent = None
        if self.usable and (bounds.get("above") or bounds.get("below")):
            latent = model.ordered(self.design[:, 1:], self.names[1:])
            self.latent = latent if latent.usable else None
        self.vif = dict(zip(model.x, vif(model.scores, model.w, model.fixed)))

    def _pair(self, a):
        """Places of the two slopes of an attribute, None where one was left out."""
        return [self.at.get((a, "below")), self.at.get((a, "above"))]

    def _spread(self, a):
        """Standard deviation of an attribute (where it applies) over that of the outcome."""
        spreads = []
        for column in (a, self.model.y):
            answers, _, w = self.model.answers(column)
            spreads.append(np.sqrt(np.average((answers - np.average(answers, weights=w)) ** 2, weights=w)))
        return float(spreads[0] / spreads[1])

    def row(self, a, ci_level):
        """Slopes of one attribute and their tests; ``no_class`` says why there can be no class."""
        model, row = self.model, {"knot": np.nan if self.knots[a] is None else self.knots[a], "vif": self.vif[a]}
        answers, _, w = model.answers(a)
        row["performance"] = float(np.average(answers, weights=w)) if w.sum() > 0 else np.nan
        row |= dict(zip(("n_below", "n_above"), self.sides.get(a, (np.nan, np.nan))))
        row["common_slope"] = self.linear.coef[1 + model.fixed.shape[1] + model.x.index(a)]
        if not self.usable:
            return {**row, "no_class": "insufficient" if model.status() == "insufficient" or np.ptp(model.values) > 0 else "degenerate"}
        if a in self.aliased:
            return {**row, "common_slope": np.nan, "no_class": "degenerate"}
        pair = self._pair(a)
        row |= {"sd_ratio": self._spread(a), "df": self.result.df}  # of the difference, where there is one
        (lo, hi), (lo90, hi90) = self.result.interval(ci_level), self.result.interval(0.90)
        for side, i in zip(("below", "above"), pair):
            if i is not None:
                slope = {"": self.result.coef[i], "_lo": lo[i], "_hi": hi[i], "_lo90": lo90[i], "_hi90": hi90[i]}
                row |= {f"slope_{side}{end}": value for end, value in slope.items()}
                row |= {f"se_{side}": self.result.se[i], f"{side}_p": self.result.p[i]}
        if self.knots[a] is None:
            return {**row, "no_class": "not_identified"}
        if None in pair or self._low_count(a) < self.min_side:
            row["no_class"] = "insufficient"
        if None in pair:
            return row
        row |= self._difference(pair, ci_level)
        return row if np.isfinite(row["slope_joint_p"]) else {"no_class": "insufficient", **row}  # too few clusters for a joint test

    def _difference(self, pair, ci_level):
        """Joint test of both slopes, and their difference: least squares, and on the latent scale of a bounded outcome."""
        restrictions = np.zeros((2, len(self.names)))
        restrictions[[0, 1], pair] = 1
        direction = restrictions[1] - restrictions[0]
        difference, p = self.result.contrast(direction, ci_level)
        narrow, _ = self.result.contrast(direction, 0.90)
        row = {"slope_joint_p": self.result.wald(restrictions)[1], "slope_diff": difference.value, "se_diff": difference.se, "diff_p": p}
        row |= {"df": difference.df, "diff_lo": difference.lo, "diff_hi": difference.hi, "diff_lo90": narrow.lo, "diff_hi90": narrow.hi}
        if self.latent is not None:
            latent, latent_p = self.latent.contrast(direction[1:])
            row |= {"latent_diff": latent.value, "latent_p": latent_p, "se_latent": latent.se}
        return row

    def _low_count(self, a):
        """Answers in the default low dummy; no limit where the scale has no such cut."""
        if self.cuts[a] is None:
            return np.inf
        answers, counted, _ = self.model.answers(a)
        return float(counted[answers <= self.cuts[a][0]].sum())

    def draws(self, n_boot, rng):
        """Bootstrap draws of what the class rests on: {attribute: {column: array (draws,)}}, for attributes with both slopes.

        Least squares is refitted in every draw from its sums, the ordered logit moved by one Newton step; the covariance is the fit's.
        """
        k = self.design.shape[1]
        upper = np.triu_indices(k + 1)
        columns = np.column_stack([self.design, self.model.values])
        products = columns[:, upper[0]] * columns[:, upper[1]]
        influence = self.latent.influence[:, len(self.latent.thresholds) :] if self.latent is not None else np.empty((len(columns), 0))
        sums = self.model.sums(np.column_stack([products, influence]), n_boot, rng)
        cross = square(sums[:, : len(upper[0])], k + 1)
        coef = _solve(cross[:, :k, :k], cross[:, :k, k])
        latent = self.latent.coef + sums[:, len(upper[0]) :] if self.latent is not None else None
        return {a: self._drawn(self._pair(a), coef, latent) for a in self.judged if None not in self._pair(a)}

    def _drawn(self, pair, coef, latent):
        """What the class of one attribute rests on, in every draw."""
        both, block, terms = coef[:, pair], self.result.cov[np.ix_(pair, pair)], np.eye(len(self.names))[pair]
        df = np.array([self.result.freedom(direction)[0] for direction in (*terms, terms[1] - terms[0])])
        joint_df, shrink = self.result.freedom(terms)
        se = np.sqrt([block[0, 0], block[1, 1], block[0, 0] + block[1, 1] - 2 * block[0, 1]])
        difference = both[:, 1] - both[:, 0]
        with np.errstate(all="ignore"):
            f = np.einsum("bi,ij,bj->b", both, np.linalg.pinv(block), both) / 2 * shrink
            p = 2 * stats.t.sf(np.abs(np.column_stack([both, difference]) / se), df)
        half = stats.t.ppf(0.95, df[2]) * se[2]
        found = {
            "slope_joint_p": stats.f.sf(f, 2, joint_df),
            "slope_below": both[:, 0],
            "slope_above": both[:, 1],
            "slope_diff": difference,
        }
        found |= {"below_p": p[:, 0], "above_p": p[:, 1], "diff_p": p[:, 2]}
        found |= {"diff_lo90": difference - half, "diff_hi90": difference + half}
        if latent is not None:
            i, j = pair[0] - 1, pair[1] - 1
            shift, spread = latent[:, j] - latent[:, i], self.latent.cov
            latent_se = np.sqrt(max(spread[i, i] + spread[j, j] - 2 * spread[i, j], 1e-300))
            found |= {"latent_diff": shift, "latent_p": 2 * stats.t.sf(np.abs(shift / latent_se), self.latent.df)}
        return found


def straight(model):
    """(design, names of its columns) of straight lines: the constant, terms forced in, attributes."""
    fixed = [("", f"fixed{i}") for i in range(1 + model.fixed.shape[1])]
    return np.column_stack([np.ones(len(model.w)), model.fixed, model.scores]), [*fixed, *((a, "linear") for a in model.x)]


def independent(model, columns, names):
    """The design without terms that others determine: (design, names of its columns, attributes entangled with one another)."""
    design = np.column_stack([np.ones(len(model.w)), model.fixed, *columns])
    labels = [("", f"fixed{i}") for i in range(1 + model.fixed.shape[1])] + names
    spare = aliased_terms(design * np.sqrt(model.w)[:, None], list(range(len(labels)))) if len(model.w) else []
    keep = [i for i in range(len(labels)) if i not in spare]
    tangled = {labels[i][0] for i in entangled(design, model.w)} if spare else set()
    return design[:, keep], [labels[i] for i in keep], tangled


def bounds(model, scale):
    """Shares of the outcome at its maximum and minimum, and whether either is more than `BOUNDED`."""
    if not len(model.w):
        return {}
    answers, _, w = model.answers(model.y)
    top = scale.max if scale is not None else answers.max()
    bottom = scale.min if scale is not None else answers.min()
    share_max, share_min = (float(np.average(answers == v, weights=w)) for v in (top, bottom))
    return {"share_max": share_max, "share_min": share_min, "above": share_max > BOUNDED, "below": share_min > BOUNDED}


def _solve(a, b):
    """Solutions of a stack of normal equations; the shortest one where a draw lost a term."""
    try:
        return np.linalg.solve(a, b[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        return np.einsum("bij,bj->bi", np.linalg.pinv(a, hermitian=True), b)

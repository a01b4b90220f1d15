"""From answers to the sample a driver method stands on: gaps, "not applicable", constants, weights; rows or sums over them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delight.drivers import sums as sums_of_groups
from delight.drivers.model import Model, Prepared, few_clusters
from delight.errors import InputError, Mistakes
from delight.estimate import aliased_terms, need_columns, sample, weights_of
from delight.moments import Moments
from delight.result import Note
from delight.scales import check_scale

#: "Not applicable" answers below this count cannot carry an adjustment of their own; the rows are left out like missing ones.
FEW = 5


def check_columns(frame, y, x, scales, others=(), *, weights=None, weights_kind="sampling"):
    """Raise `InputError` for what no driver method can work with: no attribute, `y` among `x`, a column named twice or unknown, and, all
    of them listed, columns that are not numeric or leave their scale, and weights that are none."""
    if not x:
        raise InputError("A driver analysis needs at least one attribute in `x`.")
    if y in x:
        raise InputError(f"The outcome '{y}' is also listed among the attributes; leave it out of `x`.")
    twice = sorted({a for a in x if x.count(a) > 1})
    if twice:
        raise InputError(f"Attributes listed twice in `x`: {', '.join(twice)}.")
    need_columns(frame, [y, *x, *others, *([weights] if weights else [])])
    mistakes = Mistakes()
    for column in (y, *x):
        with mistakes:
            if column in scales:
                check_scale(frame[column], scales[column], column=column)
            elif not pd.api.types.is_numeric_dtype(frame[column]):
                raise InputError(f"Column '{column}' is not numeric; recode its answers in answers.csv.")
    with mistakes:
        weights_of(frame, weights, weights_kind)
    mistakes.raise_all()


def prepare(
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
    partial_above=0.2,
    mostly_missing_above=0.5,
    sums=False,
):
    """Sort attributes into a joint model and models of their own, and pick the rows of each.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged. Or `Moments`, for a method that says `sums`.
    y : str
        Outcome.
    x : sequence of str
        Attributes.
    scales : dict of str to Scale, optional
        Checked where given.
    weights, weights_kind, clusters
        As in `estimate.sample`; `clusters` names a column.
    not_applicable : dict of str to str, optional
        Attribute → boolean column that says it does not apply (then the attribute is NaN).
    always : sequence of str
        Numeric columns forced into every model before the attributes.
    partial_above : float
        Share "not applicable" above which an attribute leaves the joint model (M15).
    mostly_missing_above : float
        Share without any answer above which it does so too (a question put to a part of the sample).
    sums : bool
        Whether the method asks nothing of the rows but sums over them, so that moments will do.

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        Unknown columns, scores outside their scale (all of them listed), `y` among `x`, an attribute named twice.
    """
    if sums and isinstance(frame, Moments):
        shared = {"weights": weights, "clusters": clusters, "not_applicable": not_applicable, "always": always}
        return sums_of_groups.prepared(frame, y=y, x=x, scales=scales, **shared)
    x, scales, flags = list(x), dict(scales or {}), dict(not_applicable or {})
    flags = {a: flag for a, flag in flags.items() if a in x}
    always = [a for a in always if a not in x]
    others = [*always, *flags.values(), *([clusters] if clusters else [])]
    check_columns(frame, y, x, scales, others, weights=weights, weights_kind=weights_kind)

    scored = sample(frame, [y, *always, *([clusters] if clusters else [])], weights=weights, weights_kind=weights_kind)
    n_in, counted = scored.n_in, scored.w if scored.kind == "frequency" else np.ones(len(scored.w))
    rows, total = scored.frame, max(counted.sum(), 1e-300)
    flag = {a: rows[flags[a]].fillna(False).to_numpy(dtype=bool) & rows[a].isna().to_numpy() for a in flags}
    answered = {a: rows[a].notna().to_numpy() for a in x}
    constant, own, notes, base, share_applicable = [], [], [], {}, {}
    for a in x:
        away = flag.get(a, np.zeros(len(rows), dtype=bool))
        base[a] = int(round(counted[answered[a]].sum()))
        applies, known = scored.w[answered[a]].sum(), scored.w[answered[a] | away].sum()
        share_applicable[a] = float(applies / known) if known else 0.0
        if rows.loc[answered[a], a].nunique() < 2:
            constant.append(a)
        elif counted[away].sum() / total > partial_above:
            own.append(a)
        elif counted[~answered[a] & ~away].sum() / total > mostly_missing_above:
            own.append(a)
            notes.append(Note("mostly_missing", {"attribute": a, "n": base[a]}))
    joint = [a for a in x if a not in constant and a not in own]
    usable, few = {}, {}
    for a in joint:
        count = counted[flag[a]].sum() if a in flag else 0
        usable[a] = flag[a] if count >= FEW else np.zeros(len(rows), dtype=bool)
        if 0 < count < FEW:
            few[a] = int(count)
    if constant:
        notes.append(Note("constant", {"attributes": constant}))
    if own:
        notes.append(Note("partial_base", {"attributes": own, "n": [base[a] for a in own]}))
    if few:
        notes.append(Note("few_not_applicable", {"attributes": list(few), "n": list(few.values())}))
    notes += few_clusters(int(rows[clusters].astype(str).nunique()) if clusters else None)
    if any(usable[a].any() for a in joint):
        notes.append(Note("not_applicable_adjusted", {"attributes": [a for a in joint if usable[a].any()]}))

    def build(attributes, focus=None):
        kept = np.ones(len(rows), dtype=bool)
        for a in attributes:
            kept &= answered[a] if a == focus else answered[a] | usable[a]
        part = rows[kept]
        w = scored.w[kept]
        groups = np.unique(part[clusters].astype(str), return_inverse=True)[1] if clusters else None
        scores = part[attributes].to_numpy(dtype=float)
        applies = ~np.isnan(scores)
        order = np.lexsort([*([groups] if clusters else []), w, *np.nan_to_num(scores, nan=-1e9).T[::-1], part[y].to_numpy(dtype=float)])
        scores, applies, w = scores[order], applies[order], w[order]
        for at in range(len(attributes)):
            if not applies[:, at].all():
                scores[~applies[:, at], at] = np.average(scores[applies[:, at], at], weights=w[applies[:, at]])
        controls = part[always].to_numpy(dtype=float)[order]
        fixed = np.column_stack([controls, ~applies[:, ~applies.all(axis=0)]]).astype(float)
        if fixed.shape[1]:
            names = list(range(fixed.shape[1]))
            spare = aliased_terms(np.column_stack([np.ones(len(fixed)), fixed]), [None, *names])
            fixed = fixed[:, [g for g in names if g not in spare]]
        n = int(round(w.sum())) if scored.kind == "frequency" else len(w)
        if scored.kind == "sampling" and n:
            w = w / w.mean()
            n_eff = float(w.sum() ** 2 / (w**2).sum())
        else:
            n_eff = float(n)
        return Model(
            y,
            attributes,
            part[y].to_numpy(dtype=float)[order],
            scores,
            applies,
            fixed,
            w,
            scored.kind,
            groups[order] if clusters else None,
            n,
            n_in - n,
            n_in,
            n_eff,
            part.index[order],
        )

    whole = build(joint)
    # An answer that only occurs in rows left out elsewhere may leave an attribute constant in the joint rows.
    stuck = [a for a in joint if whole.n and np.ptp(whole.column(a)[0][whole.column(a)[1]]) == 0] if whole.n > 1 else []
    if stuck:
        constant += stuck
        notes.append(Note("constant", {"attributes": stuck}))
        joint = [a for a in joint if a not in stuck]
        whole = build(joint)
    if scored.n and whole.n < scored.n / 2:
        notes.append(Note("listwise_heavy", {"n": whole.n, "n_outcome": scored.n}))
    alone = {a: build([*joint, a], focus=a) for a in own}
    return Prepared(x, whole, alone, constant, tuple(notes), base, share_applicable)

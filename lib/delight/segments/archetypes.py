"""Which segment found, if any, is which kind of customer expected: tested on distance, never assumed."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from delight.errors import InputError, did_you_mean

#: Where an expected kind of customer lies on an item it wants much or little, in person standard deviations around the mean.
TARGET = 0.5


def targets(archetypes, items):
    """Expected profiles as an array of shape (archetypes, items), and which items count.

    Parameters
    ----------
    archetypes : dict
        name -> {item: "high" | "low"}; an archetype without any item is the one without a distinctive wish.
    items : sequence of str

    Returns
    -------
    (ndarray, ndarray of bool)
        Targets (+.5, -.5, and 0 for the items that only the others name), and the items that any archetype names.
    """
    items = list(items)
    wanted = np.zeros((len(archetypes), len(items)))
    used = np.zeros(len(items), dtype=bool)
    wrong = []
    for a, (name, profile) in enumerate(archetypes.items()):
        for item, side in profile.items():
            if item not in items:
                wrong.append(f"archetype '{name}' names '{item}', which is no need.{did_you_mean(item, items)}")
            elif side not in ("high", "low"):
                wrong.append(f"archetype '{name}' puts '{item}' at {side!r}; it is 'high' or 'low'.")
            else:
                wanted[a, items.index(item)] = TARGET if side == "high" else -TARGET
                used[items.index(item)] = True
    if wrong:
        raise InputError("Archetypes: " + " ".join(wrong))
    return wanted, used


def distances(profiles, wanted, used):
    """Root-mean-square distance of profiles (…, classes, items) to each archetype, shape (…, classes, archetypes)."""
    gap = profiles[..., :, None, :] - wanted
    return np.sqrt((gap[..., used] ** 2).mean(axis=-1))


def match(distance):
    """Archetype of each class (-1 for none) by the assignment with the least total distance, and its margin.

    The margin is how much closer the class lies to its archetype than to the next one; with a single archetype,
    the next one is a class without any distinctive wish (its distance in the last column).
    """
    classes, kinds = distance.shape
    found, margin = np.full(classes, -1), np.full(classes, np.nan)
    rows, columns = linear_sum_assignment(distance)
    for k, a in zip(rows, columns):
        others = np.delete(distance[k], a)
        found[k] = a
        margin[k] = others.min() - distance[k, a] if kinds > 1 else np.nan
    return found, margin


def match_archetypes(profiles, drawn, archetypes, items, *, margin=0.15, sure=0.8):
    """Match class profiles with expected kinds of customers.

    Parameters
    ----------
    profiles : array of shape (classes, items)
        Class means in person standard deviations around the mean.
    drawn : array of shape (draws, classes, items)
        The same from bootstrap draws, classes lined up.
    archetypes : dict
        As in `targets`.
    items : sequence of str
    margin : float
        A name needs to be closer than the second-best archetype by this much.
    sure : float
        And the match to hold in this share of the draws.

    Returns
    -------
    list of dict
        Of each class ``archetype`` ("" without), ``distance``, ``margin``, ``match_prob``, ``named``. The kind without a distinctive wish is
        named only beside one that has its own: alone, anything near the average would bear its name.
    """
    nothing = {"archetype": "", "distance": np.nan, "margin": np.nan, "match_prob": np.nan, "named": False}
    if not archetypes:
        return [dict(nothing) for _ in profiles]
    names = list(archetypes)
    wanted, used = targets(archetypes, items)
    if not used.any():
        return [dict(nothing) for _ in profiles]
    if len(names) == 1:  # one kind expected: it must beat "no distinctive wish"
        wanted = np.vstack([wanted, np.zeros(len(items))])
    distance = distances(profiles, wanted, used)
    kinds = len(names)

    def assigned(matrix):
        found, gap = match(matrix[:, :kinds])
        if kinds == 1:
            gap = np.where(found == 0, matrix[:, 1] - matrix[:, 0], np.nan)
        return found, gap

    found, gap = assigned(distance)
    again = np.array([assigned(d)[0] for d in distances(drawn, wanted, used)]) if len(drawn) else np.empty((0, len(profiles)))
    rows = []
    for k in range(len(profiles)):
        if found[k] < 0:
            rows.append(dict(nothing))
            continue
        holds = float((again[:, k] == found[k]).mean()) if len(again) else np.nan
        rows.append(
            {
                "archetype": names[found[k]],
                "distance": float(distance[k, found[k]]),
                "margin": float(gap[k]),
                "match_prob": holds,
                "named": bool(gap[k] >= margin and holds >= sure),
            }
        )
    plain = {name for name, profile in archetypes.items() if not profile}
    if not any(row["named"] and row["archetype"] not in plain for row in rows):
        rows = [{**row, "named": False} for row in rows]
    return rows

"""Models drawn as arrows, such as "image -> satisfaction": read, checked and put in order."""

from __future__ import annotations

from delight.errors import InputError, did_you_mean


def read(lines, known=None):
    """Arrows as (from, to) pairs.

    Parameters
    ----------
    lines : iterable of str or (str, str)
        ``"image -> satisfaction"``; a chain ``"image -> quality -> value"`` is two arrows; pairs stay.
    known : iterable of str, optional
        Names that arrows may lead from and to.

    Returns
    -------
    tuple of (str, str)

    Raises
    ------
    InputError
        Everything wrong at once: no arrow, a name that is not known (with the nearest), an arrow given twice or onto itself, a circle.
    """
    known = None if known is None else [str(k) for k in known]
    pairs, wrong = [], []
    for line in lines:
        parts = [str(p).strip() for p in (line.split("->") if isinstance(line, str) else line)]
        if len(parts) < 2 or not all(parts):
            wrong.append(f"{line!r} is no arrow such as 'image -> satisfaction'")
            continue
        for pair in zip(parts[:-1], parts[1:]):
            unknown = [name for name in dict.fromkeys(pair) if known is not None and name not in known]
            wrong += [f"'{name}' in {line!r} is no construct.{did_you_mean(name, known)}".rstrip(".") for name in unknown]
            if pair[0] == pair[1]:
                wrong.append(f"{line!r} leads '{pair[0]}' onto itself")
            elif pair in pairs:
                wrong.append(f"'{pair[0]} -> {pair[1]}' stands there twice")
            elif not unknown:
                pairs.append(pair)
    circle = in_order(pairs)[1]
    if circle:
        wrong.append(f"{', '.join(circle)} lead round in a circle")
    if wrong:
        raise InputError(f"The arrows of the model cannot be used: {'; '.join(dict.fromkeys(wrong))}.")
    return tuple(pairs)


def in_order(pairs):
    """(names so that every arrow leads forwards, names that lie on a circle or behind one and so have no place)."""
    left = list(dict.fromkeys(name for pair in pairs for name in pair))
    ordered = []
    while ready := [name for name in left if not any(b == name and a in left for a, b in pairs)]:
        ordered.append(ready[0])
        left.remove(ready[0])
    while trailing := [name for name in left if not any(a == name and b in left for a, b in pairs)]:
        left = [name for name in left if name not in trailing]  # behind the circle, not on it
    return ordered, left

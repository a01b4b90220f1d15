"""Several files: which are waves of one survey, what they are called, which headers changed between them."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from delight.study.drafting.hints import name_words, plain


def wave_names(stems):
    """Names of waves from file names: the year, quarter or month that tells them apart; the whole name where none does.

    Parameters
    ----------
    stems : list of str
        File names without ending.

    Returns
    -------
    list of str
    """
    found = [_periods(s) for s in stems]
    for place in range(max((len(f) for f in found), default=0)):
        names = [f[place] if place < len(f) else "" for f in found]
        if all(names) and len(set(names)) == len(names):
            return names
    common_start = _common(stems)
    common_end = _common([s[::-1] for s in stems])
    short = [re.sub(r"^[\W_]+|[\W_]+$", "", s[common_start : len(s) - common_end or None]) for s in stems]
    if len(stems) > 1 and all(short) and len(set(short)) == len(short):
        return short
    return [re.sub(r"\s+", " ", s).strip() or f"wave {i + 1}" for i, s in enumerate(stems)]


def period(stem):
    """The first period a file name speaks of, or ""."""
    return next(iter(_periods(stem)), "")


def _periods(stem):
    found = []
    for m in re.finditer(
        r"(?<!\d)(?P<y>(?:19|20)\d\d)(?:[-_ .]?(?P<q>[QqKkTt][1-4])(?!\d)|[-_ .](?P<m>0[1-9]|1[0-2])(?:[-_ .](?P<d>[0-3]\d))?(?!\d)|[-_ .](?P<n>[1-9])(?!\d)|(?P<c>(?:0[1-9]|1[0-2])(?:[0-3]\d)?)(?!\d))?",
        stem,
    ):
        year = m["y"]
        if m["q"]:
            found.append(f"{year}-{m['q'].upper()}")
        elif m["m"]:
            found.append(f"{year}-{m['m']}" + (f"-{m['d']}" if m["d"] else ""))
        elif m["n"]:
            found.append(f"{year}-{m['n']}")
        elif m["c"]:
            found.append(f"{year}-{m['c'][:2]}" + (f"-{m['c'][2:]}" if len(m["c"]) > 2 else ""))
        else:
            found.append(year)
    if not found:
        found = [
            m.group(0)
            for m in re.finditer(r"(?i)(?:wave|golf|meting|måling|maling|runde|round|welle|vague|ola)[-_ ]?\d{1,2}|[qk][1-4](?!\d)", stem)
        ]
    return found


def _common(texts):
    n = 0
    while all(len(t) > n for t in texts) and len({t[n] for t in texts}) == 1:
        n += 1
    # do not cut within a word or number
    while n and re.match(r"[^\W_]", texts[0][n - 1]) and any(len(t) > n and re.match(r"[^\W_]", t[n]) for t in texts):
        n -= 1
    return n


def alike(a, b):
    """Share of the columns of the smaller file that the other one has too, by bare name."""
    a, b = {bare(c) for c in a}, {bare(c) for c in b}
    return len(a & b) / max(min(len(a), len(b)), 1)


def bare(name):
    """A header without signs, blanks and case: "*RESPNUM" is "respnum"."""
    return re.sub(r"[\W_]+", "", str(name)).casefold()


def renames(old, new):
    """Which columns of an older file go on under another name in the newest.

    Parameters
    ----------
    old, new : list of Profile
        In the order of their files.

    Returns
    -------
    dict
        Old name to (new name, sure); nothing is proposed for columns whose values do not agree.
    """
    new_names = {p.name for p in new}
    old_names = {p.name for p in old}
    gone = [p for p in old if p.name not in new_names]
    fresh = [p for p in new if p.name not in old_names]
    before_old = _neighbours([p.name for p in old], old_names & new_names)
    before_new = _neighbours([p.name for p in new], old_names & new_names)
    pairs = []
    for a in gone:
        for b in fresh:
            name = _name_likeness(a, b)
            values = _value_likeness(a, b)
            place = _place_likeness(a.name, b.name, before_old, before_new)
            if name >= 0.98 and (values >= 0.2 or not a.n_given or not b.n_given):
                pairs.append((3 + values, a.name, b.name, True))
            elif name >= 0.75 and values >= 0.5:
                pairs.append((name + values + place, a.name, b.name, values >= 0.6 and name >= 0.85))
            elif name >= 0.45 and values >= 0.6 and place >= 0.5:
                pairs.append((name + values + place - 0.5, a.name, b.name, False))
            elif place == 1 and values >= 0.5 and {"overall", "recommend", "repurchase", "stayed"} & a.hints & b.hints:
                pairs.append((name + values, a.name, b.name, False))
    taken_old, taken_new, found = set(), set(), {}
    for _, a, b, sure in sorted(pairs, key=lambda p: (-p[0], p[1], p[2])):
        if a not in taken_old and b not in taken_new:
            found[a] = (b, sure)
            taken_old.add(a)
            taken_new.add(b)
    _follow(found, gone, fresh, taken_new)
    return found


def _follow(found, gone, fresh, taken):
    """What holds for the first of several columns holds for the others: IMPROVE1 is COM1, so IMPROVE3 is COM3."""
    for a, (b, _) in list(found.items()):
        one, other = re.fullmatch(r"(.*?)(\d+)", a), re.fullmatch(r"(.*?)(\d+)", b)
        if not one or not other or one.group(2) != other.group(2):
            continue
        for p in gone:
            more = re.fullmatch(re.escape(one.group(1)) + r"(\d+)", p.name)
            target = f"{other.group(1)}{more.group(1)}" if more else ""
            if more and p.name not in found and target not in taken and any(q.name == target for q in fresh):
                found[p.name] = (target, False)
                taken.add(target)


def _neighbours(names, shared):
    """For each column the nearest shared column before and after it."""
    places = {}
    last = None
    for name in names:
        places[name] = [last, None]
        if name in shared:
            last = name
    following = None
    for name in reversed(names):
        places[name][1] = following
        if name in shared:
            following = name
    return places


def _place_likeness(a, b, old, new):
    return 0.5 * (old[a][0] == new[b][0]) + 0.5 * (old[a][1] == new[b][1])


def _name_likeness(a, b):
    if bare(a.name) == bare(b.name):
        return 1.0
    if a.text and b.text and plain(a.text) == plain(b.text) and len(plain(a.text)) > 8:
        return 0.99
    one, other = name_words(a.name), name_words(b.name)
    letters_one = re.sub(r"[\d\s]+", "", one)
    letters_other = re.sub(r"[\d\s]+", "", other)
    digits_one, digits_other = re.findall(r"\d+", one), re.findall(r"\d+", other)
    likeness = SequenceMatcher(None, bare(a.name), bare(b.name), autojunk=False).ratio()
    if letters_one == letters_other and len(letters_one) >= 4 and digits_one[1:] == digits_other[1:]:
        return max(likeness, 0.95)  # the question's number moved
    if other == f"{one} 1" or one == f"{other} 1":
        return 0.9  # the first of several
    if digits_one and digits_other and (digits_one[-1] != digits_other[-1] or digits_one[0] != digits_other[0]):
        return min(likeness, 0.4)
    if a.text and b.text:
        likeness = max(likeness, 0.95 * SequenceMatcher(None, plain(a.text), plain(b.text), autojunk=False).ratio())
    shorter, longer = sorted((letters_one, letters_other), key=len)
    if len(shorter) >= 3 and (longer.startswith(shorter) or longer.endswith(shorter)):
        likeness = max(likeness, 0.86)
    return likeness


def _value_likeness(a, b):
    """How far two columns hold the same values: overlap of the commonest."""
    if not a.counts or not b.counts:
        return 0.5
    if a.is_date and b.is_date or a.is_time and b.is_time:
        return 1.0
    if a.is_unique and b.is_unique:
        return 0.8
    if a.is_numeric != b.is_numeric:
        shared = len(set(a.counts) & set(b.counts))
        return shared / max(min(len(a.counts), len(b.counts)), 1) * 0.8
    total_a, total_b = sum(a.counts.values()), sum(b.counts.values())
    common = {c for c, _ in a.counts.most_common(60)} & {c for c, _ in b.counts.most_common(60)}
    covered = min(sum(a.counts[c] for c in common) / total_a, sum(b.counts[c] for c in common) / total_b)
    if a.is_numeric and a.n_unique > 40:
        low, high = max(min(a.numbers), min(b.numbers)), min(max(a.numbers), max(b.numbers))
        span = max(max(a.numbers), max(b.numbers)) - min(min(a.numbers), min(b.numbers))
        covered = max(covered, (high - low) / span if span else 1.0)
    return covered

"""Ratings in numbers: their scale, the codes outside it, and whether they are ratings at all."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd

from delight.study.drafting import likert, profiles
from delight.study.drafting.decision import RATED, Decision, mean_of, special_role, stem


def decide_ratings(columns, guess, _):
    """Scale and role of numeric ratings: neighbours on one scale that go together are a battery."""
    candidates = []
    for p in columns:
        if p.name in guess.decisions or not p.is_numeric or p.n_unique < 2 or p.n_unique > 40:
            continue
        if p.labels and not _rating_labels(p):
            continue
        core = profiles.body(p.numbers, declared=p.declared_missing)
        if core is None or core.high - core.low < 2:
            continue
        candidates.append((p, core))
    if not candidates:
        return
    raw = {p.name: _without(p.sample, core.codes) for p, core in candidates if p.sample is not None}
    length = Counter(len(s) for s in raw.values()).most_common(1)[0][0]
    frame = pd.DataFrame({k: v for k, v in raw.items() if len(v) == length})
    bodies = _bodies(candidates, frame)
    cleaned = pd.DataFrame(
        {
            p.name: frame[p.name].where((frame[p.name] >= bodies[p.name].low) & (frame[p.name] <= bodies[p.name].high))
            for p, _ in candidates
            if p.name in frame
        }
    )
    correlation = (
        cleaned.corr(min_periods=15) if len(cleaned) >= 15 else pd.DataFrame(index=cleaned.columns, columns=cleaned.columns, dtype=float)
    )
    runs = _runs(columns, candidates, bodies)
    of_run = {p.name: run for run in runs for p in run}
    strength = {p.name: _strength(p.name, [q.name for q in of_run[p.name]], correlation) for p, _ in candidates}
    ratings = [p for p, _ in candidates if _is_rating(p, of_run[p.name], strength[p.name], bodies[p.name])]
    reach = {p.name: _strength(p.name, [q.name for q in ratings], correlation) for p, _ in candidates}
    peak = {p.name: _peak(p.name, [q.name for q in of_run[p.name]], correlation) for p, _ in candidates}
    for p, _ in candidates:
        core = bodies[p.name]
        decision = _rating_role(p, of_run[p.name], strength[p.name], reach[p.name], peak[p.name], core, len(ratings), p in ratings)
        if decision is None:
            continue
        decision.body = core
        if decision.role in RATED or decision.guess in RATED:
            decision.body = core = _as_asked(p, core, decision)
            _codes(p, core, decision)
        guess.decisions[p.name] = decision
    guess.cleaned = cleaned


_RANGE = re.compile(r"(?<![\d.,-])(\d{1,2})\s*(?:-|–|—|to|through|tot|t/m|tot en met|til|bis|à)\s*(\d{1,2})(?![\d.,-])")


def _as_asked(p, core, decision):
    """The scale that the question names ("0-10"), and 0-10 for recommending: an end that nobody chose still belongs to it."""
    if p.labels:
        return core
    for text in (p.text, p.item, p.name):
        for low, high in ((float(a), float(b)) for a, b in _RANGE.findall(text or "")):
            if (low, high) in profiles.USUAL_SCALES and low <= core.low and core.high <= high and (low == core.low or high == core.high):
                return replace(core, low=low, high=high, usual=True, codes=tuple(c for c in core.codes if not low <= c <= high))
            if (low, high) == (core.low, core.high):
                return core
    if decision.role == "recommend" and (core.low, core.high, core.step) == (1, 10, 1):
        decision.note = "; ".join(x for x in (decision.note, "nobody gave 0; taken for the usual 0-10: check") if x)
        return replace(core, low=0)
    return core


def _without(sample, codes):
    far = [c for c in codes if c < 0 or c > 11]
    return sample.where(~sample.isin(far)) if far else sample


def _rating_labels(p):
    """SPSS labels that name points of a scale: numbers, ends only, or ordered words."""
    texts = [t for v, t in p.labels.items() if likert.kind_of(t) == "value" and not profiles.is_declared(v, p.declared_missing)]
    if {"demographic", "region", "customer"} & p.hints and not likert.concept(texts):
        return False
    numbers = [likert.leading_number(t) for t in texts]
    if texts and all(n is not None for n in numbers):
        return True
    if likert.is_yes_no(texts):
        return False
    if len(texts) >= 2 and likert.order(texts):
        return bool(likert.concept(texts))
    inside = [v for v in p.numbers if v not in p.labels]
    return 1 <= len(texts) <= 3 and len(inside) >= 2


def _bodies(candidates, frame):
    """Scale of each candidate; the edges of unusual scales are tested on the whole neighbourhood."""
    names = list(frame.columns)
    by_sign = {}
    for p, core in candidates:
        key = (core.high, tuple(sorted({v for v in p.numbers if 0 <= v <= 12}))[-1:], stem(p.name) or "")
        by_sign.setdefault(key, []).append(p)
    votes = {}
    at = {name: i for i, name in enumerate(names)}
    for p, core in candidates:
        if p.name not in at:
            continue
        near = [n for n in names[max(0, at[p.name] - 15) : at[p.name] + 16] if n != p.name]
        same = [n for n in near if frame[n].max() in (core.high, core.high - 1, core.high + 1)]
        if len(same) < 2:
            continue
        test = profiles.edge_test(frame[p.name], frame[same])
        for value in {0.0, 6.0, 8.0} & set(p.numbers):
            told = test(value)
            if told is not None:
                votes.setdefault((value, _family(p, core)), []).append(told)
                votes.setdefault((value, core.high), []).append(told)
    result = {}
    for p, core in candidates:

        def edge(value, p=p, core=core):
            cast = votes.get((value, _family(p, core))) or votes.get((value, core.high))
            return None if not cast else sum(cast) >= 0.5 * len(cast)

        worded = {v for v, t in p.labels.items() if likert.kind_of(t) != "value"}
        result[p.name] = (
            profiles.body({v: c for v, c in p.numbers.items() if v not in worded}, declared=p.declared_missing, edge_is_code=edge) or core
        )
        labelled = [v for v in p.labels if v not in worded and not profiles.is_declared(v, p.declared_missing)]
        if len(labelled) >= 2:
            b = result[p.name]
            low, high = min(labelled), max(labelled)
            codes = tuple(sorted({*b.codes, *worded} | {v for v in p.numbers if not low <= v <= high}))
            result[p.name] = profiles.Body(low, high, b.step if (high - low) > 1 else 1, codes, True)
    return _levelled(candidates, result)


def _family(p, core):
    return stem(p.name) or core.high


def _levelled(candidates, bodies):
    """The columns of a battery share a scale: an end point that nobody gave in one of them, or a code, makes no other scale."""
    groups, last = {}, None
    candidates = [
        (p, c) for p, c in candidates if not {"demographic", "code", "incident", "region", "technical", "customer"} & p.name_hints
    ]
    for p, _ in candidates:
        if s := stem(p.name):
            groups.setdefault(s, []).append(p)
    near = []
    for p, _ in candidates:
        if last is not None and p.position - last.position <= 2 and abs(bodies[p.name].high - bodies[last.name].high) <= 1:
            near[-1].append(p)
        else:
            near.append([p])
        last = p
    for members in [*near, *groups.values()]:
        _level(members, bodies)
    return bodies


def _level(members, bodies):
    spans = Counter((bodies[p.name].low, bodies[p.name].high) for p in members if bodies[p.name].usual)
    if len(members) < 3 or not spans:
        return
    low, high = max(spans, key=lambda s: (spans[s], s[1] - s[0]))
    for p in members:
        b = bodies[p.name]
        inside = low <= b.low and b.high <= high and high - b.high <= 2 and b.low - low <= (5 if b.high == high else 2)
        coded = (b.low, b.high) in ((low - 1, high), (low, high + 1), (low - 1, high + 1)) and spans[(low, high)] >= 0.5 * len(members)
        if (b.low, b.high) == (low, high) or p.labels or not (inside or coded):
            continue
        codes = {*b.codes, *(v for v in p.numbers if v in (low - 1, high + 1))}
        bodies[p.name] = profiles.Body(low, high, b.step, tuple(sorted(codes)), True, b.doubt)


def _runs(columns, candidates, bodies):
    """Neighbouring candidates on one scale."""
    position = {p.name: i for i, p in enumerate(columns)}
    runs = []
    for p, _ in candidates:
        last = runs[-1][-1] if runs else None
        if last is not None:
            a, b = bodies[last.name], bodies[p.name]
            scale = (a.low, a.high) == (b.low, b.high)
            gap = position[p.name] - position[last.name]
            if scale and (gap <= 2 or (stem(p.name) and stem(p.name) == stem(last.name) and gap <= 6)):
                runs[-1].append(p)
                continue
        runs.append([p])
    return runs


def _strength(name, others, correlation):
    if name not in correlation:
        return np.nan
    row = correlation.loc[name, [o for o in others if o != name and o in correlation]]
    return float(row.abs().mean()) if row.notna().any() else np.nan


def _peak(name, others, correlation):
    if name not in correlation:
        return np.nan
    return float(correlation.loc[name, [o for o in others if o != name and o in correlation]].abs().max())


def _is_rating(p, run, strength, core):
    h = p.name_hints
    if {"demographic", "region", "geography", "technical", "customer", "code", "segment", "model"} & h and not _asked_rating(p):
        return False
    if p.labels or _asked_rating(p):
        return True
    points = core.high - core.low + 1
    if not core.usual or points < 4 or len(run) < 3 or "incident" in h:
        return False
    return strength >= 0.12 or np.isnan(strength) or (len(run) >= 5 and strength >= 0.04)


def _asked_rating(p):
    return bool({"satisfaction", "recommend", "repurchase", "stayed", "expectation", "disconfirmation", "importance"} & p.hints)


def _rating_role(p, run, strength, reach, peak, core, n_ratings, is_rating):
    h, named = p.hints, p.name_hints
    points = core.high - core.low + 1
    special = special_role(p, core.high)
    if special and not ({"demographic", "code"} & named):
        return special
    if {"demographic", "region", "customer", "technical", "code", "segment"} & named and not ({"satisfaction", "overall"} & h):
        if "code" in named or "segment" in named:
            return None
        return Decision("background", "coded answers")
    if not core.usual:
        return Decision("?", f"numbers {core.low:g}-{core.high:g}, on no usual scale", "background") if is_rating else None
    if not is_rating:
        if points <= 3 or not core.usual:
            return None
        if "rated" in h and not {"model", "count"} & h:
            return Decision("?", f"called a score or grade, on {core.low:g}-{core.high:g}", "attribute")
        if "overall" in h:
            return Decision("?", "speaks of the whole, but stands alone", "overall")
        if "incident" not in h and n_ratings >= 3 and (reach >= 0.25 or (reach >= 0.1 and points >= 5 and len(core.codes) >= 2)):
            return Decision("?", f"a scale of {points:g} points that goes with the other ratings", "attribute")
        if (core.low, core.high) == (0, 10) and len(run) == 1 and p.n_unique >= 8 and mean_of(p) > 5 and "count" not in h:
            return Decision("?", "0-10 and standing alone: often the question on recommending", "recommend")
        return None
    if not np.isnan(strength) and strength < 0.1 and peak < 0.15 and not p.labels and not _asked_rating(p):
        return Decision("?", "on the scale of its neighbours, but hardly goes with them", "attribute")
    decision = Decision("attribute")
    if core.doubt:
        decision.note = core.doubt
    if _broken_scale(p, core):
        decision = Decision("?", _broken_scale(p, core), "attribute")
    return decision


def _broken_scale(p, core):
    """A few values beyond a common shorter scale: the scale may have changed."""
    if core.high != 10 or core.step != 1:
        return ""
    over = sum(c for v, c in p.numbers.items() if 5 < v <= 10)
    total = sum(c for v, c in p.numbers.items() if core.low <= v <= 10)
    fours = sum(c for v, c in p.numbers.items() if v in (4, 5))
    if total and 0 < over < 0.15 * total and fours > 0.25 * total:
        return f"{over} of {total} values lie above 5: the scale may have changed from 1-5 to 1-10 on the way"
    return ""


def _codes(p, core, decision):
    """Sort the numbers outside the scale into missing and not applicable."""
    labelled = {v: likert.kind_of(t) for v, t in p.labels.items()}
    inside = [c for c in core.codes if c in p.numbers or c in labelled]
    beyond = [c for c in inside if c == core.high + 1]
    for code in inside:
        if profiles.is_declared(code, p.declared_missing) and labelled.get(code, "missing") != "not_applicable":
            decision.missing.append(code)
        elif labelled.get(code) == "not_applicable":
            decision.not_applicable.append(code)
        elif labelled.get(code) == "missing":
            decision.missing.append(code)
        elif _means_not_applicable(code, core, decision.role, beyond):
            decision.not_applicable.append(code)
        else:
            decision.missing.append(code)
    unlabelled = [c for c in inside if c not in labelled and not profiles.is_declared(c, p.declared_missing)]
    if unlabelled:
        words = [f"{c:g} read as {'not applicable' if c in decision.not_applicable else 'missing'}" for c in unlabelled]
        decision.note = "; ".join(x for x in (decision.note, ", ".join(words) + ": check") if x)


def _means_not_applicable(code, core, role, beyond):
    """One above the scale is mostly "does not apply"; so is 0 under a scale from 1 if it is the only code."""
    if code == core.high + 1:
        return role != "recommend" and code < 11
    return code == 0 and core.low == 1 and not beyond and role == "attribute"

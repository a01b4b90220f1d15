"""Which rating is about the whole, which run against the others, and which stand apart."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from delight.study.drafting import likert
from delight.study.drafting.decision import stem, unsure, with_worded
from delight.study.drafting.hints import hints, name_words, plain


def decide_overall(columns, guess):
    """Which rating is about the whole: by its words, by standing apart, by going with all the others."""
    by_name = {p.name: p for p in columns}
    rated = [p for p in columns if guess.decisions[p.name].role == "attribute" or guess.decisions[p.name].guess in ("attribute", "overall")]
    if not rated:
        return
    worded = _beyond_the_common([p for p in rated if _speaks_of_the_whole(p)], rated)
    stems = Counter(stem(p.name) for p in rated)
    alone = [p for p in rated if stems[stem(p.name)] == 1 or _single_question(p, rated)]
    fit = _fit(rated, guess)
    chosen, sure, why = None, True, ""
    named = [p for p in rated if _NAMED_SATISFACTION.match(name_words(p.name))]
    blocks_own = _blocks_own(worded)
    if len(worded) == 1:
        chosen = worded[0]
    elif blocks_own:
        for p in blocks_own:
            guess.decisions[p.name].construct = stem(p.name)
            guess.decisions[p.name].note = "; ".join(x for x in (guess.decisions[p.name].note, "the whole of its block") if x)
        rest = [p for p in worded if p not in blocks_own] or named
        chosen = rest[0] if rest else None
    elif len(worded) > 1:
        strong = [p for p in worded if "satisfaction" in p.hints] or worded
        own = [p for p in strong if stem(p.name) and stems[stem(p.name)] >= 2]
        total_of = {p.name: stems[stem(p.name)] for p in own}
        if len(strong) == 1:
            chosen = strong[0]
        else:
            whole = max(strong, key=lambda p: (total_of.get(p.name, 0), fit.get(p.name, 0)))
            chosen = whole
            for p in strong:
                if p is not whole:
                    guess.decisions[p.name] = unsure(guess.decisions[p.name], f"speaks of a whole too, beside {whole.name}", "attribute")
    if chosen is None and not worded:
        said = [p for p in alone if "satisfaction" in p.hints and len(rated) > len(alone)]
        if named:
            chosen = named[0]
        elif len(said) == 1:
            chosen = said[0]
        elif len(rated) >= 4 and len(alone) == 1 and fit.get(alone[0].name, 0) >= 0.25:
            chosen, sure, why = (
                alone[0],
                fit[alone[0].name] >= 0.4,
                f"stands apart from the battery and goes with all of it (R² {fit[alone[0].name]:.2f})",
            )
        elif len(rated) >= 4 and fit:
            best = max(fit, key=fit.get)
            edge = best in (rated[0].name, rated[-1].name)
            if edge and "satisfaction" in by_name[best].hints:
                chosen, sure, why = by_name[best], True, "first or last of the battery, and goes with all of it"
            elif edge:
                chosen, sure, why = by_name[best], False, "first or last of the battery, and goes with all of it"
    if chosen is None:
        return
    before = guess.decisions[chosen.name]
    if before.role == "?" and before.guess == "attribute" and ("scale may" in before.note or "into answers.csv" in before.note):
        guess.decisions[chosen.name] = unsure(before, before.note, "overall")
        return
    if sure:
        before.role, before.guess = "overall", ""
        before.note = "; ".join(x for x in (before.note if "speaks of" not in before.note else "", why) if x)
    else:
        guess.decisions[chosen.name] = unsure(before, f"perhaps the overall question: {why}", "overall")
    _codes_of_overall(by_name[chosen.name], guess.decisions[chosen.name])
    family = stem(chosen.name)
    siblings = [p for p in rated if family and p is not chosen and re.fullmatch(r"[a-z]{2,8}", family) and stem(p.name) == family]
    if re.match(r"(cusa|csat|sat)", family or "") and siblings:
        before.construct = family
        for p in siblings:
            d = guess.decisions[p.name]
            d.role, d.guess, d.construct = "overall", "", family
            d.note = f"a further item of the same construct as {chosen.name}"


_NAMED_SATISFACTION = re.compile(
    r"(cusa|csat|osat|sat|satisfaction|tevredenheid|tilfredshed|zufriedenheit|satisfaccion|satisfaction score|nojdhet|soddisfazione)( ?1)?( score)?$"
)


def _blocks_own(worded):
    """Items such as csor_global, attr_global, perf_global: each is the whole of its own block, none of everything."""
    last = {}
    for p in worded:
        words = name_words(p.name).split()
        if len(words) >= 2 and stem(p.name):
            last.setdefault(words[-1], []).append(p)
    found = max(last.values(), key=len, default=[])
    return found if len(found) >= 3 and len({stem(p.name) for p in found}) == len(found) else []


def _codes_of_overall(p, decision):
    """Codes outside the scale of an overall question are missing rather than not applicable, unless words say so."""
    labelled = {v: likert.kind_of(t) for v, t in p.labels.items()}
    moved = [c for c in decision.not_applicable if labelled.get(c) != "not_applicable"]
    decision.missing += moved
    decision.not_applicable = [c for c in decision.not_applicable if c not in moved]
    for c in moved:
        decision.note = decision.note.replace(f"{c:g} read as not applicable", f"{c:g} read as missing")


def _speaks_of_the_whole(p):
    whole = "overall" in p.hints or bool(re.search(r"\ball$", name_words(p.name)))
    return whole and not {"comment", "demographic"} & p.name_hints


def _beyond_the_common(worded, rated):
    """Where most questions hold such a word ("rapportcijfer", "overall, how good is ..."), only those that say more than the others."""
    if len(worded) < 3 or len(worded) < 0.6 * len(rated):
        return worded
    words = {p.name: plain(f"{name_words(p.name)} {p.text} {p.item}").split() for p in rated}
    count = Counter(w for listed in words.values() for w in set(listed))
    common = {w for w, c in count.items() if c >= 0.6 * len(rated)}
    return [p for p in worded if "overall" in hints("", " ".join(w for w in words[p.name] if w not in common))]


def _single_question(p, rated):
    """Whether its question number is its own: p8 beside p5_1 ... p7_7, or Q12_1 alone beside Q13_1 ... Q14_10."""
    found = re.match(r"([A-Za-z]+)(\d+)(?:\D|$)", p.name)
    if not found or len(rated) < 4:
        return False
    numbers = Counter(m.groups() for q in rated if (m := re.match(r"([A-Za-z]+)(\d+)(?:\D|$)", q.name)))
    groups = [n for n in numbers.values() if n >= 3]
    return numbers[found.groups()] == 1 and bool(groups)


def _fit(rated, guess):
    """R² of each rating on the others."""
    cleaned = with_worded(rated, guess)
    if cleaned is None:
        return {}
    names = [p.name for p in rated if p.name in cleaned]
    r = cleaned[names].corr(min_periods=15) if len(names) >= 4 else None
    if r is None or r.isna().any().any():
        return {n: float(r.loc[n].drop(n).mean() ** 2) for n in names if r.loc[n].notna().any()} if r is not None else {}
    inverse = np.linalg.pinv(r.to_numpy() + 1e-6 * np.eye(len(names)))
    return {n: float(1 - 1 / max(inverse[i, i], 1)) for i, n in enumerate(names)}


def mark_reversed(columns, guess):
    """Ratings on which low is good: single items that run against their battery, and school grades."""
    cleaned = with_worded(columns, guess)
    for p in columns:
        d = guess.decisions[p.name]
        if d.role in ("attribute", "overall") and d.body and _grades(p, d.body):
            d.reverse = True
            d.note = "; ".join(x for x in (d.note, "1 is best") if x)
    if cleaned is None:
        return
    rated = [n for n, d in guess.decisions.items() if d.role in ("attribute", "overall") and n in cleaned and not d.reverse]
    good = [n for n, d in guess.decisions.items() if d.role == "recommend" and n in cleaned]
    r = cleaned.corr(min_periods=15)
    if good and len(rated) >= 3:
        runs_down = [n for n in rated if r.loc[n, good[0]] < -0.15]
        if len(runs_down) >= 0.7 * len(rated):
            for n in runs_down:
                d = guess.decisions[n]
                d.reverse = True
                d.note = "; ".join(x for x in (d.note, f"low goes with a high {good[0]}: 1 is best, check") if x)
            return
    for n in rated:
        others = [m for m in rated if m != n]
        if len(others) >= 3 and r.loc[n, others].mean() < -0.12 and (r.loc[n, others] < 0).mean() > 0.8:
            d = guess.decisions[n]
            guess.decisions[n] = unsure(
                d,
                f"runs against the other ratings (mean correlation {r.loc[n, others].mean():.2f}): reverse = yes if worded the other way",
                d.role,
            )


def doubt_apart(columns, guess):
    """Batteries that hardly go with the overall question are perhaps about something else."""
    cleaned = with_worded(columns, guess)
    whole = next((n for n, d in guess.decisions.items() if d.role == "overall" and cleaned is not None and n in cleaned), None)
    if whole is None:
        return
    _other_scales(guess, whole)
    groups = {}
    for n, d in guess.decisions.items():
        if d.role == "attribute" and n in cleaned:
            groups.setdefault(stem(n) or "", []).append(n)
    r = {
        n: cleaned[n].corr(cleaned[whole]) if len(cleaned[[n, whole]].dropna()) >= 30 else np.nan
        for names in groups.values()
        for n in names
    }
    usual = np.nanmedian(list(r.values())) if any(v == v for v in r.values()) else 0
    for family, names in groups.items():
        known = [r[n] for n in names if r[n] == r[n]]
        if family and len(groups) >= 2 and len(known) >= 2 and usual > 0.25 and np.mean(np.abs(known)) < 0.15:
            for n in names:
                say = f"hardly goes with {whole} (correlation {r[n]:.2f}), unlike the other ratings: perhaps about something else"
                guess.decisions[n] = unsure(guess.decisions[n], say, "attribute")


def _other_scales(guess, whole):
    """A small battery on another scale than the overall question and most ratings is perhaps about something else."""
    of_whole = guess.decisions[whole].body
    rated = {n: d for n, d in guess.decisions.items() if d.role == "attribute" and d.body}
    other = [n for n, d in rated.items() if of_whole and (d.body.low, d.body.high) != (of_whole.low, of_whole.high)]
    if 0 < len(other) < 0.35 * len(rated):
        for n in other:
            guess.decisions[n] = unsure(rated[n], f"on {rated[n].body.low:g}-{rated[n].body.high:g}, unlike the other ratings", "attribute")


def _grades(p, core):
    words = plain(f"{p.text} {p.question}")
    labels = {v: likert.score(t) for v, t in p.labels.items() if likert.kind_of(t) == "value"}
    known = {v: s for v, s in labels.items() if s is not None}
    if len(known) >= 2 and known[min(known)] > 0 > known[max(known)] - 0.01:
        return known[min(known)] > known[max(known)]
    if re.search(r"schulnote|note 1|1 sehr gut|sehr gut 1|1 very good|1 excellent|1 zeer goed|1 best|1 bedst|1 meget god", words):
        return True
    return (core.low, core.high) == (1, 6) and bool(re.search(r"\bnoten?\b", words))

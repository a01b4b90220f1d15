"""Which role each column probably has: from its values, its neighbours, its name and its question, in that order of weight."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from delight.study.drafting import likert, profiles
from delight.study.drafting.hints import hints, name_words, plain


@dataclass
class Decision:
    """What the draft says of a column.

    Attributes
    ----------
    role : str
        A role of the codebook, or "?" with the guess in `guess`.
    guess, note : str
    body : profiles.Body, optional
    answer_set : str
    missing : list
        Codes for `missing_codes`.
    not_applicable : list
        Numbers that mean "not applicable".
    reverse : bool
    construct, pair : str
    """

    role: str
    note: str = ""
    guess: str = ""
    body: profiles.Body | None = None
    answer_set: str = ""
    missing: list = field(default_factory=list)
    not_applicable: list = field(default_factory=list)
    reverse: bool = False
    construct: str = ""
    pair: str = ""


@dataclass
class AnswerList:
    """Answers that several columns share: text to code, and texts that are no value."""

    name: str
    codes: dict
    missing: list = field(default_factory=list)
    not_applicable: list = field(default_factory=list)
    ordered: bool = True
    concept: str = ""
    columns: list = field(default_factory=list)


@dataclass
class Guess:
    """All decisions about a study's columns."""

    decisions: dict
    answer_sets: dict
    facts: list = field(default_factory=list)
    weights_kind: str = ""
    cleaned: pd.DataFrame | None = None


def decide(columns, *, several_files=False):
    """Decide on every column.

    Parameters
    ----------
    columns : list of Profile
        In the order of the file.
    several_files : bool
        Each file is a wave, so that no column needs to tell it.

    Returns
    -------
    Guess
    """
    guess = Guess({}, {})
    for step in (_empty, _kano, _context, _worded, _ratings, _choices, _rest):
        step(columns, guess, several_files)
    _one_each(columns, guess)
    _overall(columns, guess)
    _reverse(columns, guess)
    _apart(columns, guess)
    return guess


def _open(columns, guess):
    return [p for p in columns if p.name not in guess.decisions]


# ---- nothing to analyse --------------------------------------------------------------------------------------------


def _empty(columns, guess, _):
    for p in columns:
        if not p.n_given:
            guess.decisions[p.name] = Decision("ignore", "empty")
        elif p.n_unique == 1 and not p.is_date and p.n >= 5:
            word = next(iter(p.counts))
            if "weight" in p.name_hints and p.is_numeric:
                guess.decisions[p.name] = Decision("weight", f"the same for all ({word})")
            elif p.item or (p.n_missing and not p.is_numeric and len(word) > 1):
                guess.decisions[p.name] = Decision("background", "multiple choice: its text where chosen, empty where not")
            elif p.labels and likert.is_yes_no(p.labels.values()):
                guess.decisions[p.name] = Decision(
                    "background", "multiple choice; nobody chose it" if float(_num(word) or 0) == 0 else "multiple choice"
                )
            else:
                guess.decisions[p.name] = Decision("ignore", f"the same for all ({word[:40]})")


def _num(text):
    try:
        return float(str(text).replace(",", "."))
    except ValueError:
        return None


# ---- Kano ----------------------------------------------------------------------------------------------------------


def _kano(columns, guess, _):
    """Pairs of questions answered with the five Kano phrases."""
    worded = {}
    for p in _open(columns, guess):
        texts = [t for t in (list(p.labels.values()) or p.texts) if likert.kind_of(t) == "value"]
        if 2 <= len(texts) <= 6 and not p.is_prose:
            worded[p.name] = texts
    every = list(dict.fromkeys(t for texts in worded.values() for t in texts))
    phrases = [t for t in every if sum(t in texts for texts in worded.values()) >= 3]
    codes = likert.kano_codes(phrases)
    members = [p for p in columns if p.name in worded and codes and set(worded[p.name]) <= set(codes)]
    if len(members) < 4:
        return
    guess.answer_sets["kano"] = AnswerList(
        "kano", dict(sorted(codes.items(), key=lambda i: i[1])), concept="kano", columns=[p.name for p in members]
    )
    for number, (first, second) in enumerate(zip(members[::2], members[1::2]), start=1):
        functional, dysfunctional = first, second
        if _negated(first) and not _negated(second):
            functional, dysfunctional = second, first
        name = f"feature_{number}"
        clear = _negated(dysfunctional)
        note = "" if clear else "paired by position: functional first"
        guess.decisions[functional.name] = Decision("kano_functional", note, answer_set="kano", pair=name)
        guess.decisions[dysfunctional.name] = Decision("kano_dysfunctional", note, answer_set="kano", pair=name)
    if len(members) % 2:
        guess.decisions[members[-1].name] = Decision("?", "a Kano question without its pair", "kano_functional", answer_set="kano")


def _negated(p):
    return bool(
        re.search(
            r"\b(not|no|without|niet|geen|zonder|ikke|uden|nicht|ohne|kein\w*|pas|sans|sin|non|senza|inte|utan|dysfunctional|dys|neg)\b",
            plain(p.text or p.name),
        )
    )


# ---- who, where, when ----------------------------------------------------------------------------------------------


def _context(columns, guess, several_files):
    rows = max((p.n for p in columns), default=0)
    for p in _open(columns, guess):
        h = p.hints
        say = guess.decisions.__setitem__
        named = p.name_hints
        if p.is_time and not p.is_date:
            say(p.name, Decision("ignore", "a time of day"))
        elif p.is_date and not ("demographic" in h and "birth" in plain(p.name + " " + p.text)):
            say(p.name, Decision("date", "" if {"date", "technical"} & h else "dates"))
        elif "model" in named and not _asked(p):
            say(p.name, Decision("ignore", "made by a model or derived, not answered"))
        elif "contact" in named and _personal(p):
            say(p.name, Decision("ignore", "personal or technical"))
        elif "geography" in h:
            say(p.name, Decision("ignore", "a place or address too fine to report"))
        elif _is_z(p):
            say(p.name, Decision("ignore", "standardised values (mean 0, spread 1), derived and not answered"))
        elif "weight" in h and p.is_numeric:
            mean = _mean(p)
            if min(p.numbers) >= 0 and 0.5 <= mean <= 2:
                say(p.name, Decision("weight", f"mean {mean:.3g}"))
            else:
                say(p.name, Decision("?", f"called a weight, but its mean is {mean:.4g}: a sampling weight has a mean near 1", "weight"))
        elif "frequency" in named and p.is_integer and rows <= 1000 and _is_count_table(columns, p):
            say(p.name, Decision("weight", "how many persons a row stands for"))
            guess.weights_kind = "frequency"
        elif "duration" in h and p.is_numeric and (p.n_unique > 12 or p.n < 30) and min(p.numbers) >= 0:
            say(p.name, Decision("duration"))
        elif p.is_unique and rows >= 10 and _id_like(p):
            say(p.name, Decision("respondent" if "respondent" in h else "ignore", "" if "respondent" in h else "a running number or key"))
        elif "respondent" in named and p.n_unique >= 0.9 * p.n_given and not p.is_prose and rows >= 10 and _id_like(p):
            say(p.name, Decision("respondent", f"{p.n_given - p.n_unique} of {p.n_given} repeat: duplicates"))
        elif "respondent" in named and p.n_unique > 0.2 * rows and not p.is_prose and rows >= 10:
            say(p.name, Decision("?", f"an id that repeats: {p.n_unique} different in {p.n_given} rows", "respondent"))
        elif rows < 10 and "respondent" in named:
            say(p.name, Decision("respondent"))
        elif "wave" in named and not p.is_prose and 2 <= p.n_unique <= 40 and _wave_like(p) and "tenure" not in h:
            if several_files:
                say(p.name, Decision("background", "each file is a wave of its own"))
            else:
                say(p.name, Decision("wave"))
        elif "tenure" in h and p.is_numeric:
            say(p.name, Decision("tenure", "a year" if _years(p) else ""))
        elif "tenure" in h and not p.is_prose and p.n_unique <= 40:
            say(p.name, Decision("background", "time as a customer, in classes or years"))
        elif "spend" in h and p.is_numeric and p.n_unique > 20:
            say(p.name, Decision("spend"))
        elif p.is_prose:
            role = Decision("comment", "" if "comment" in h or p.words_per_cell > 4 else "free text")
            if "other text" in named:
                role = Decision("ignore", "free text beside an answer 'other'")
            say(p.name, role)


def _personal(p):
    """Contact details: many different ones, and no points of a scale."""
    if p.is_prose or p.labels:
        return False
    return p.n_unique > 20 or p.n < 30


def _asked(p):
    """Whether the question text shows that people answered it."""
    return bool(p.text) and "?" in p.text


def _mean(p):
    total = sum(p.numbers.values())
    return sum(v * c for v, c in p.numbers.items()) / total if total else np.nan


def _sd(p):
    mean, total = _mean(p), sum(p.numbers.values())
    return (sum(c * (v - mean) ** 2 for v, c in p.numbers.items()) / max(total - 1, 1)) ** 0.5


def _is_z(p):
    return p.is_numeric and p.n_unique > 8 and not p.is_integer and abs(_mean(p)) < 0.02 and abs(_sd(p) - 1) < 0.03


def _is_probability(p):
    return p.is_numeric and p.n_unique > 15 and not p.is_integer and min(p.numbers) >= 0 and max(p.numbers) <= 1


def _is_count_table(columns, p):
    others = [c for c in columns if c is not p and c.n_given]
    return len(others) >= 1 and all(c.n_unique <= 12 for c in others) and p.n_unique > 5


def _id_like(p):
    if p.is_numeric:
        return p.is_integer and (p.is_rising or bool({"respondent", "contact"} & p.hints) or p.n_unique > 50)
    cells = list(p.counts)[:200]
    return not p.is_prose and all(len(c) <= 60 and len(c.split()) <= 2 for c in cells) and any(re.search(r"\d", c) for c in cells)


def _wave_like(p):
    cells = list(p.counts)
    if p.is_numeric:
        return _years(p) or (p.is_integer and p.n_unique <= 12 and {"wave"} & p.name_hints and min(p.numbers) >= 1 and not _years(p) and bool(
            re.search(r"wave|golf|meting|maling|welle|vague|oleada|runde|round|matning|omgang", plain(p.name))))  # fmt: skip
    return sum(bool(re.search(r"(19|20)\d\d|\b[qkt][1-4]\b|wave|golf|meting|maling", plain(c))) for c in cells) >= 0.8 * len(cells)


def _years(p):
    return p.is_integer and len(p.numbers) >= 2 and all(1950 <= v <= 2100 for v in p.numbers)


# ---- worded answers ------------------------------------------------------------------------------------------------


def _worded(columns, guess, _):
    """Answer sets of columns with worded answers (or SPSS value labels), and the order of the answers."""
    groups = []
    for p in _open(columns, guess):
        texts = list(p.labels.values()) if p.labels and p.is_numeric else p.texts if not p.is_numeric else []
        if p.is_numeric and p.labels:
            continue
        if not texts or p.n_unique > 30 or p.is_prose:
            continue
        values = [t for t in p.counts if likert.kind_of(t) == "value"]
        if not 2 <= len(values) <= 15 or likert.is_yes_no(values):
            continue
        for group in groups:
            inside = all(plain(v) in group["plain"] for v in values) or group["plain"] <= {plain(v) for v in values}
            shared = len({plain(v) for v in values} & group["plain"])
            near = shared >= 2 and shared >= 0.6 * len(values) and stem(p.name) == stem(group["columns"][-1].name) and stem(p.name)
            if inside and shared >= 2 or near:
                group["columns"].append(p)
                for v in p.counts:
                    group["texts"].setdefault(v, 0)
                    group["texts"][v] += p.counts[v]
                group["plain"] |= {plain(v) for v in values}
                break
        else:
            groups.append({"columns": [p], "texts": dict(p.counts), "plain": {plain(v) for v in values}})
    for group in groups:
        _answer_list(group, guess)
        _unknown_words(group, guess)


def _answer_list(group, guess):
    values = [t for t in group["texts"] if likert.kind_of(t) == "value"]
    codes = likert.order(values)
    if codes is None:
        return
    concept = likert.concept(values)
    if not concept and not all(likert.leading_number(v) is not None for v in values):
        concept = "degree"
    if not concept and len(values) < 3:
        return
    if all(profiles._is_number(v) for v in values):
        return
    members = group["columns"]
    demographic = all({"demographic", "region", "customer", "tenure"} & p.name_hints for p in members)
    if demographic and concept not in ("satisfaction",):
        return
    if not concept and len(members) < 2:
        return
    below, above = likert.unseen_ends(codes)
    codes = {text: code + below for text, code in codes.items()}
    name = _set_name(members, concept, guess.answer_sets)
    missing = [t for t in group["texts"] if likert.kind_of(t) == "missing" and not profiles._is_number(t)]
    absent = [t for t in group["texts"] if likert.kind_of(t) == "not_applicable"]
    guess.answer_sets[name] = AnswerList(name, codes, missing, absent, True, concept, [p.name for p in members])
    for p in members:
        decision = _by_concept(p, concept, codes, members)
        decision.answer_set = name
        if below or above:
            decision.body = profiles.Body(1, len(codes) + below + above)
            side = f"the {'lowest' if below else 'highest'} point{'s' if below + above > 1 else ''}"
            say = f"nobody gave {side}; taken for a scale of {len(codes) + below + above}: check"
            decision.note = "; ".join(x for x in (decision.note, say) if x)
        guess.decisions[p.name] = decision


def _unknown_words(group, guess):
    """Columns that share answers in words nobody knows are a battery all the same; only a person can order them."""
    members = [p for p in group["columns"] if p.name not in guess.decisions]
    values = [t for t in group["texts"] if likert.kind_of(t) == "value"]
    if len(members) < 3 or not 3 <= len(values) <= 11 or any({"demographic", "region", "customer"} & p.name_hints for p in members):
        return
    if _is_choice_list(members):
        for p in members:
            guess.decisions[p.name] = Decision("ignore", "a ranking by name; role need if it ranks what customers want")
        return
    shown = " | ".join(sorted(values))
    for p in members:
        say = f"shares its answers with {len(members) - 1} other columns; write them into answers.csv from worst to best: {shown}"
        guess.decisions[p.name] = Decision("?", say, "attribute")


def _is_choice_list(members):
    """Whether a row never holds the same answer twice, as in a ranking of things by their names."""
    known = [p.cells for p in members if p.cells is not None]
    if len(known) < 3 or len({len(c) for c in known}) > 1:
        return False
    frame = pd.concat(known, axis=1)
    given = frame.notna().sum(axis=1)
    twice = frame.nunique(axis=1) < given
    return bool((given >= 2).any()) and twice[given >= 2].mean() < 0.05


def _set_name(members, concept, taken):
    base = (
        concept
        if concept and concept != "degree"
        else stem(members[0].name).lower() or re.sub(r"\W+", "_", members[0].name.lower())[:30].strip("_") or "answers"
    )
    name, number = base, 2
    while name in taken:
        name = f"{base}_{number}"
        number += 1
    return name


def _by_concept(p, concept, codes, members):
    """Role of a rating, from what its answers measure and what its words say."""
    h = p.hints
    special = _special_role(p, max(codes.values()) if codes else None)
    if special:
        return special
    if concept == "expectation":
        return Decision("disconfirmation")
    if concept == "importance":
        return Decision("importance")
    if concept == "frequency":
        return Decision("background", "how often: behaviour, not a judgement")
    if concept == "interest":
        return Decision("?", "interest rather than satisfaction", "background")
    if concept == "favour":
        return Decision("?", "favourability: an attribute if it judges the service, else background", "attribute")
    if concept == "likelihood":
        return Decision("?", "how likely: recommend, repurchase or stayed", "repurchase")
    if {"demographic", "region", "customer"} & p.name_hints:
        return Decision("background")
    if concept == "satisfaction" or (concept in ("quality", "ease", "agreement", "extent") and (len(members) >= 3 or h)):
        return Decision("attribute")
    if "satisfaction" in h:
        return Decision("attribute")
    if len(members) >= 3:
        return Decision("?", "ordered answers shared with its neighbours", "attribute")
    return Decision("?", "ordered answers", "background")


def _special_role(p, high=None):
    """Roles that a question's words settle beyond satisfaction with an aspect."""
    h = p.hints
    reads = plain(f"{p.name} {p.text} {p.item}")
    if "importance" in h and not re.search(r"satisf|tevreden|tilfreds|zufrieden|nojd", reads):
        return Decision("importance")
    if "recommend" in h and "satisfaction" not in p.name_hints:
        return Decision("recommend")
    if "repurchase" in h:
        return Decision("repurchase")
    if "stayed" in h:
        return Decision("stayed")
    if "disconfirmation" in h:
        return Decision("disconfirmation")
    if "expectation" in h:
        return Decision("expectation")
    if "emotion" in h and not {"overall"} & p.name_hints:
        return Decision("?", "a feeling", "emotion")
    if re.match(r"cusl ?\d?$", name_words(p.name)):
        return Decision("?", "loyalty: recommend, repurchase or stayed", "repurchase")
    return None


# ---- numeric ratings -----------------------------------------------------------------------------------------------


def stem(name):
    """The part of a name that a battery shares: "Q7" of "Q7ART" and "Q7_3", "csor" of "csor_1"; "" if there is none."""
    found = re.match(
        r"([A-Za-zÀ-ÿ]{1,8}\d+)(?=[_.\[A-Z\s-])|([A-Za-zÀ-ÿ]{2,}?)[_. ]?(?=\d+$|global$|total$|all$|overall$)|([A-Za-zÀ-ÿ]{1,12}(?:\d+)?)_(?=\w)",
        name,
    )
    return next((g for g in found.groups() if g), "").rstrip("_.").lower() if found else ""


def _ratings(columns, guess, _):
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
        if decision.role in _RATED or decision.guess in _RATED:
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


_RATED = {"overall", "recommend", "repurchase", "stayed", "attribute", "importance", "need", "expectation", "disconfirmation", "emotion"}


def _without(sample, codes):
    far = [c for c in codes if c < 0 or c > 11]
    return sample.where(~sample.isin(far)) if far else sample


def _rating_labels(p):
    """SPSS labels that name points of a scale: numbers, ends only, or ordered words."""
    texts = [t for v, t in p.labels.items() if likert.kind_of(t) == "value" and not profiles._declared(v, p.declared_missing)]
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
        labelled = [v for v in p.labels if v not in worded and not profiles._declared(v, p.declared_missing)]
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
    special = _special_role(p, core.high)
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
        if (core.low, core.high) == (0, 10) and len(run) == 1 and p.n_unique >= 8 and _mean(p) > 5 and "count" not in h:
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
        if profiles._declared(code, p.declared_missing) and labelled.get(code, "missing") != "not_applicable":
            decision.missing.append(code)
        elif labelled.get(code) == "not_applicable":
            decision.not_applicable.append(code)
        elif labelled.get(code) == "missing":
            decision.missing.append(code)
        elif _means_not_applicable(code, core, decision.role, beyond):
            decision.not_applicable.append(code)
        else:
            decision.missing.append(code)
    unlabelled = [c for c in inside if c not in labelled and not profiles._declared(c, p.declared_missing)]
    if unlabelled:
        words = [f"{c:g} read as {'not applicable' if c in decision.not_applicable else 'missing'}" for c in unlabelled]
        decision.note = "; ".join(x for x in (decision.note, ", ".join(words) + ": check") if x)


def _means_not_applicable(code, core, role, beyond):
    """One above the scale is mostly "does not apply"; so is 0 under a scale from 1 if it is the only code."""
    if code == core.high + 1:
        return role != "recommend" and code < 11
    return code == 0 and core.low == 1 and not beyond and role == "attribute"


# ---- choices, categories, the rest ---------------------------------------------------------------------------------


def _choices(columns, guess, _):
    """Rankings, and multiple choice as 0/1 or yes/no."""
    groups = {}
    for p in _open(columns, guess):
        if s := (p.question or stem(p.name)):
            groups.setdefault(s, []).append(p)
    for members in groups.values():
        if len(members) >= 3 and _is_ranking(members):
            for p in members:
                guess.decisions[p.name] = Decision("ignore", "a ranking; role need if it ranks what customers want")
    ranked = [n for n, d in guess.decisions.items() if d.role in ("attribute", "?")]
    blocks = {}
    for p in columns:
        if p.name in ranked and p.question:
            blocks.setdefault(p.question, []).append(p)
    for members in blocks.values():
        if len(members) >= 3 and _is_ranking(members):
            for p in members:
                guess.decisions[p.name] = Decision("ignore", "a ranking; role need if it ranks what customers want")


def _is_ranking(members):
    """Within a row all values differ, and they run from 1 to the number of columns."""
    if not all(p.is_integer and p.sample is not None for p in members):
        return False
    k = len(members)
    if not all(min(p.numbers) >= 1 and max(p.numbers) <= k for p in members) or len({len(p.sample) for p in members}) > 1:
        return False
    frame = pd.concat([p.sample.reset_index(drop=True) for p in members], axis=1).dropna()
    return len(frame) >= 5 and (frame.nunique(axis=1) == k).mean() > 0.9


def _rest(columns, guess, several_files):
    rows = max((p.n for p in columns), default=0)
    for p in _open(columns, guess):
        guess.decisions[p.name] = _category(p, rows, columns)


#: Headers of a box to write in, whatever few texts a small file holds.
_ASKS_FOR_WORDS = re.compile(
    r"\b(comments|comment$|opmerking(en)?|toelichting|bemaerkning(er)?|kommentare?r?|uddyb|verbatim|open text|free text|remarques?|commentaires?|comentarios?"
    r"|anmerkung(en)?|other remarks|overige opmerkingen)\b"
)


def _category(p, rows, columns):
    h, named = p.hints, p.name_hints
    values = [t for t in p.counts if likert.kind_of(t) == "value"]
    labels = [t for t in p.labels.values() if likert.kind_of(t) == "value"]
    if rows < 10 and not {"technical", "demographic", "region"} & h:
        return Decision("?", "too few rows to tell", "comment" if not p.is_numeric else "attribute")
    if "technical" in named and not {"demographic", "customer"} & named:
        return Decision("ignore", "of the survey tool")
    binary = p.is_numeric and set(p.numbers) <= {0, 1} or likert.is_yes_no(values) or (labels and likert.is_yes_no(labels))
    few = p.n_unique <= 2 or len(values) == 2
    if "churned" in named and few:
        return (
            Decision("churned", "" if p.is_numeric else "which answer means gone is to be checked")
            if p.is_numeric and set(p.numbers) <= {0, 1}
            else Decision("?", "who left, in words", "churned")
        )
    if "churned" in named and not p.is_prose and not {"comment"} & named:
        return (
            Decision("?", "who left, stayed or joined, in words", "churned")
            if p.n_unique <= 6
            else Decision("ignore", "about those who left")
        )
    if few and "recommend" in h:
        return Decision("recommend", "yes or no", body=profiles.Body(0, 1) if p.is_numeric else None)
    if few and ("repurchase" in h or "stayed" in h):
        return Decision("repurchase" if "repurchase" in h else "stayed", "yes or no", body=profiles.Body(0, 1) if p.is_numeric else None)
    if few and "incident" in h:
        return Decision("incident", "yes or no")
    if few and "satisfaction" in named and not p.is_numeric:
        return Decision("?", "two answers", "overall")
    if binary:
        return Decision("background", "multiple choice" if p.item or stem(p.name) else "yes or no")
    if "code" in named and p.is_integer and p.n_unique > 3 and not p.labels:
        return Decision("ignore", "coded comments: numbers of a code list")
    if (
        "comment" in h
        and not p.is_numeric
        and not p.labels
        and (p.words_per_cell >= 2 or _ASKS_FOR_WORDS.search(plain(f"{p.name} {p.text}")))
    ):
        if _ASKS_FOR_WORDS.search(plain(f"{p.name} {p.text}")):
            return Decision("comment", "few different texts" if p.n_unique <= 20 else "")
        if p.n_unique <= 20:
            return Decision("?", "few different texts: comments, or answers from a list", "comment")
    if "incident" in h and p.n_unique <= 6:
        return Decision("incident", "codes" if p.is_numeric else "")
    if "segment" in named and p.n_unique <= 20:
        return Decision("segment")
    if "location" in h and 2 <= p.n_unique <= max(2, 0.5 * rows) and "demographic" not in named and _place_like(p):
        return Decision("location")
    if "demographic" in h or "region" in h or "customer" in h:
        if p.n_unique > 0.5 * max(p.n_given, 1) and not p.is_numeric and rows > 30:
            return Decision("ignore", "nearly every answer differs")
        if p.n_unique > 300 and not p.is_numeric:
            return Decision("ignore", f"{p.n_unique} different answers: too fine for groups")
        return Decision("background", "amounts, not classes" if p.is_numeric and p.n_unique > 40 else "")
    if "technical" in h:
        return Decision("ignore", "of the survey tool")
    if "date" in named:
        return Decision("ignore", "part of a date, or dates in several forms")
    if _is_probability(p):
        return Decision("?", "between 0 and 1: a model output or a share, not an answer", "ignore")
    if p.is_numeric and not p.labels:
        mean = _mean(p)
        if not p.is_integer and min(p.numbers) > 0 and 0.95 <= mean <= 1.05 and max(p.numbers) < 10:
            return Decision("?", f"positive with mean {mean:.3f}: perhaps a weight", "weight")
        if p.n_unique > 40 or not p.is_integer:
            return Decision("ignore", "an amount or a code, no answer on a scale")
        if p.n_unique > 12:
            return Decision("ignore", f"a code or number with {p.n_unique} values")
        return Decision("background", "a code or category: name its answers in answers.csv")
    if p.labels:
        return Decision("background")
    if p.is_unique and rows >= 10:
        return Decision("ignore", "a key or free text, different in every row")
    if p.n_unique > 0.3 * max(p.n_given, 1) and rows >= 30:
        if p.words_per_cell >= 2.5:
            return Decision("?", "texts that differ widely: comments, or titles and names", "comment")
        if "comment" in h:
            return Decision("comment", "short texts")
        return Decision("ignore", "names or codes, most of them different")
    if "comment" in h and p.n_unique > 20:
        return Decision("comment", "short texts")
    if p.n_unique > 60:
        return Decision("ignore", f"{p.n_unique} different answers: too fine for groups")
    return Decision("background")


# ---- one of a kind -------------------------------------------------------------------------------------------------


def _place_like(p):
    """Names or codes of places, not a coded question on shops or the respondent's region."""
    if "region" in p.hints and not re.search(r"branch|store|vestiging|filia|locatie|afdeling", name_words(p.name)):
        return False
    return not (p.is_numeric and not p.labels and (p.n_unique <= 5 or re.match(r"[qvp]\d", p.name.lower())))


def _one_each(columns, guess):
    """Of the roles that one column can have, keep the best; the others become background or are left out."""
    by_name = {p.name: p for p in columns}
    order = {p.name: i for i, p in enumerate(columns)}

    def having(role):
        return [n for n, d in guess.decisions.items() if d.role == role]

    def keep(role, best, other, note):
        for n in having(role):
            if n != best:
                guess.decisions[n] = Decision(other, note.format(best=best))

    ids = having("respondent")
    keyed = [n for n, d in guess.decisions.items() if d.role == "ignore" and d.note == "a running number or key"]
    doubtful = [n for n, d in guess.decisions.items() if d.guess == "respondent"]
    if len(ids) > 1:
        best = max(ids, key=lambda n: (by_name[n].is_unique, _id_rank(n), -order[n]))
        keep("respondent", best, "ignore", "another id beside {best}")
    elif not ids and keyed and not doubtful:
        best = min(keyed, key=lambda n: order[n])
        guess.decisions[best] = Decision("respondent", "different in every row")
    if having("respondent"):
        for n in doubtful:
            guess.decisions[n] = Decision("ignore", "an id that repeats")
    for n in doubtful[1:]:
        guess.decisions[n] = Decision("ignore", f"another id beside {doubtful[0]}")
    dates = having("date")
    if len(dates) > 1:
        best = max(dates, key=lambda n: (_date_rank(n, by_name[n].text), by_name[n].n_given, -order[n]))
        keep("date", best, "ignore", "another date beside {best}")
    for role, other in (("duration", "ignore"), ("wave", "background")):
        if len(having(role)) > 1:
            best = min(having(role), key=lambda n: (("total" not in plain(n)) if role == "duration" else 0, order[n]))
            keep(role, best, other, "another one beside {best}")
    weights = having("weight")
    if len(weights) > 1:
        best = max(weights, key=lambda n: (by_name[n].n_unique > 1, "weight" in by_name[n].name_hints, -order[n]))
        for n in weights:
            if n != best:
                guess.decisions[n] = Decision("?", f"another weight beside {best}: only one can be used", "ignore")
    places = having("location")
    if len(places) > 1:
        best = min(places, key=lambda n: (_place_rank(by_name[n]), order[n]))
        keep("location", best, "background", "a place too, beside {best}")
    recommends = having("recommend")
    if len(recommends) > 1:
        best = max(recommends, key=lambda n: ((guess.decisions[n].body or profiles.Body(0, 1)).high, by_name[n].n_given, -order[n]))
        for n in recommends:
            if n != best:
                guess.decisions[n] = Decision(
                    "?",
                    f"about recommending too, beside {best}",
                    "ignore",
                    body=guess.decisions[n].body,
                    answer_set=guess.decisions[n].answer_set,
                )


def _id_rank(name):
    words = plain(name)
    return (
        3
        if re.search(r"respon|antwo|svar|record|participant", words)
        else 2
        if re.search(r"respnum|customer|client|kund|klant|case", words)
        else 1
    )


def _date_rank(name, text):
    words = plain(f"{name} {text}")
    return (
        3
        if re.search(r"submit|recorded|end|complet|verstuurd|indsendt|abgeschickt|timestamp|horodat|tijdst|tidss|zeitst", words)
        else 2
        if re.search(r"interview|int ?date|date$|datum|dato|fecha", words)
        else 1
    )


def _place_rank(p):
    words = name_words(p.name)
    best = re.search(
        r"location|locatie|vestiging|filia|branch|store|standort|lokation|sucursal|agence|institution|afdeling|butik|center|unit", words
    )
    small = 3 <= p.n_unique <= 120
    return (0 if best else 1) + (0 if small else 2)


# ---- the overall item ----------------------------------------------------------------------------------------------


def _overall(columns, guess):
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
                    guess.decisions[p.name] = _unsure(guess.decisions[p.name], f"speaks of a whole too, beside {whole.name}", "attribute")
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
        guess.decisions[chosen.name] = _unsure(before, before.note, "overall")
        return
    if sure:
        before.role, before.guess = "overall", ""
        before.note = "; ".join(x for x in (before.note if "speaks of" not in before.note else "", why) if x)
    else:
        guess.decisions[chosen.name] = _unsure(before, f"perhaps the overall question: {why}", "overall")
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


def _unsure(decision, why, guess):
    changed = Decision(**{**decision.__dict__, "role": "?", "guess": guess})
    changed.note = why
    return changed


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


def _with_worded(rated, guess):
    """The cleaned ratings, with worded answers as their codes."""
    cleaned = guess.cleaned
    coded = {}
    for p in rated:
        listed = guess.answer_sets.get(guess.decisions[p.name].answer_set)
        if listed is not None and p.cells is not None:
            coded[p.name] = p.cells.map({t.strip(): float(c) for t, c in listed.codes.items()}).astype("float64")
    if not coded:
        return cleaned
    worded = pd.DataFrame(coded)
    return worded if cleaned is None or len(cleaned) != len(worded) else pd.concat([cleaned, worded], axis=1)


def _fit(rated, guess):
    """R² of each rating on the others."""
    cleaned = _with_worded(rated, guess)
    if cleaned is None:
        return {}
    names = [p.name for p in rated if p.name in cleaned]
    r = cleaned[names].corr(min_periods=15) if len(names) >= 4 else None
    if r is None or r.isna().any().any():
        return {n: float(r.loc[n].drop(n).mean() ** 2) for n in names if r.loc[n].notna().any()} if r is not None else {}
    inverse = np.linalg.pinv(r.to_numpy() + 1e-6 * np.eye(len(names)))
    return {n: float(1 - 1 / max(inverse[i, i], 1)) for i, n in enumerate(names)}


# ---- reversed scales -----------------------------------------------------------------------------------------------


def _reverse(columns, guess):
    """Ratings on which low is good: single items that run against their battery, and school grades."""
    cleaned = _with_worded(columns, guess)
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
            guess.decisions[n] = _unsure(
                d,
                f"runs against the other ratings (mean correlation {r.loc[n, others].mean():.2f}): reverse = yes if worded the other way",
                d.role,
            )


def _apart(columns, guess):
    """Batteries that hardly go with the overall question are perhaps about something else."""
    cleaned = _with_worded(columns, guess)
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
                guess.decisions[n] = _unsure(guess.decisions[n], say, "attribute")


def _other_scales(guess, whole):
    """A small battery on another scale than the overall question and most ratings is perhaps about something else."""
    of_whole = guess.decisions[whole].body
    rated = {n: d for n, d in guess.decisions.items() if d.role == "attribute" and d.body}
    other = [n for n, d in rated.items() if of_whole and (d.body.low, d.body.high) != (of_whole.low, of_whole.high)]
    if 0 < len(other) < 0.35 * len(rated):
        for n in other:
            guess.decisions[n] = _unsure(
                rated[n], f"on {rated[n].body.low:g}-{rated[n].body.high:g}, unlike the other ratings", "attribute"
            )


def _grades(p, core):
    words = plain(f"{p.text} {p.question}")
    labels = {v: likert.score(t) for v, t in p.labels.items() if likert.kind_of(t) == "value"}
    known = {v: s for v, s in labels.items() if s is not None}
    if len(known) >= 2 and known[min(known)] > 0 > known[max(known)] - 0.01:
        return known[min(known)] > known[max(known)]
    if re.search(r"schulnote|note 1|1 sehr gut|sehr gut 1|1 very good|1 excellent|1 zeer goed|1 best|1 bedst|1 meget god", words):
        return True
    return (core.low, core.high) == (1, 6) and bool(re.search(r"\bnoten?\b", words))


__all__ = ["AnswerList", "Decision", "Guess", "decide", "hints", "stem"]

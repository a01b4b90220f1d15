"""Choices, categories and all that is left; and of the roles that only one column can have, the best."""

from __future__ import annotations

import re

import pandas as pd

from delight.study.drafting import likert, profiles
from delight.study.drafting.decision import Decision, mean_of, stem, undecided
from delight.study.drafting.hints import name_words, plain


def _is_probability(p):
    return p.is_numeric and p.n_unique > 15 and not p.is_integer and min(p.numbers) >= 0 and max(p.numbers) <= 1


def decide_choices(columns, guess, _):
    """Rankings, and multiple choice as 0/1 or yes/no."""
    groups = {}
    for p in undecided(columns, guess):
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


def decide_rest(columns, guess, _):
    """Everything that no earlier step knew."""
    rows = max((p.n for p in columns), default=0)
    for p in undecided(columns, guess):
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
        mean = mean_of(p)
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


def _place_like(p):
    """Names or codes of places, not a coded question on shops or the respondent's region."""
    if "region" in p.hints and not re.search(r"branch|store|vestiging|filia|locatie|afdeling", name_words(p.name)):
        return False
    return not (p.is_numeric and not p.labels and (p.n_unique <= 5 or re.match(r"[qvp]\d", p.name.lower())))


def keep_one_each(columns, guess):
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

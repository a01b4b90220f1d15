"""Who answered, where and when: ids, dates, weights, durations, waves, tenure, free text, and columns with nothing to analyse."""

from __future__ import annotations

import re

from delight.study.drafting import likert
from delight.study.drafting.decision import Decision, mean_of, undecided
from delight.study.drafting.hints import plain


def decide_empty(columns, guess, _):
    """Columns with nothing in them, or one thing."""
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


def decide_context(columns, guess, several_files):
    """Columns about the respondent and the interview rather than the service."""
    rows = max((p.n for p in columns), default=0)
    for p in undecided(columns, guess):
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
            mean = mean_of(p)
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


def _sd(p):
    mean, total = mean_of(p), sum(p.numbers.values())
    return (sum(c * (v - mean) ** 2 for v, c in p.numbers.items()) / max(total - 1, 1)) ** 0.5


def _is_z(p):
    return p.is_numeric and p.n_unique > 8 and not p.is_integer and abs(mean_of(p)) < 0.02 and abs(_sd(p) - 1) < 0.03


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

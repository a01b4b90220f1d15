"""Where the header of an export lies and what it means: vendor layouts, short names, question texts."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

_QUALTRICS = {"startdate", "enddate", "recordeddate", "responseid", "status", "ipaddress", "progress", "finished", "distributionchannel"}
_QUALTRICS |= {"responseset", "externaldatareference", "recipientemail", "userlanguage", "duration (in seconds)"}
_LIMESURVEY = {
    "id",
    "submitdate",
    "lastpage",
    "startlanguage",
    "seed",
    "startdate",
    "datestamp",
    "ipaddr",
    "refurl",
    "token",
    "interviewtime",
}
_LIMESURVEY_TEXTS = {
    *("response id", "date submitted", "last page", "start language", "date started", "date last action"),
    *(
        "antwoord id",
        "antwoord-id",
        "datum verstuurd",
        "datum ingestuurd",
        "laatste pagina",
        "begintaal",
        "starttaal",
        "datum gestart",
        "datum laatste actie",
    ),
    *(
        "antwort id",
        "antwort-id",
        "datum abgeschickt",
        "letzte seite",
        "start-sprache",
        "startsprache",
        "datum gestartet",
        "datum letzte aktivität",
    ),
    *("svar-id", "svar id", "dato indsendt", "sidste side", "startsprog", "startet dato", "dato startet"),
    *("id de la réponse", "date de soumission", "dernière page", "langue de départ"),
    *("id de respuesta", "fecha de envío", "última página", "idioma inicial"),
    *("svars-id", "datum inskickat", "sista sidan", "startspråk"),
}
_TIMESTAMP = {
    *(
        "timestamp",
        "horodateur",
        "horodatage",
        "tijdstempel",
        "tidsstempel",
        "tidstämpel",
        "zeitstempel",
        "marca temporal",
        "carimbo de data/hora",
    ),
    *(
        "informazioni cronologiche",
        "sygnatura czasowa",
        "aikaleima",
        "časová značka",
        "отметка времени",
        "timestempel",
        "ora",
        "zaman damgası",
    ),
}
#: Words too common to tell questions apart, in the languages we meet most.
_STOP_WORDS = """
a an the of to in on at for with and or is are was were do does did you your we our us it its this that how what which who would
have has had be been by from as about please de het een en van op te voor met u uw je jouw jij wij ons hoe wat welke wie zijn
waren bent heeft heb hebt aan bij door om over er der die das den dem des ein eine einen einer einem und oder ist sind war sie ihr
ihre ihren welche mit auf zu zum zur von im am für det et og eller var du dig din dit dine vi vores hvor hvad hvilke hvilken med
på til af i har hvordan som ett och är ditt dina hur vad vilka vilken till av för att le la les un une ou est sont vous votre vos
nous notre comment quel quelle quels quelles avec sur pour à au aux dans par que qui se si el los las una unos y o es son su sus
usted como cómo qué cual cuál con por para del al il lo gli uno e è sono suo sua come quale per di da nel della dei che welk
"""
_STOP = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True)
class Header:
    """The columns of a table as its header says them.

    Parameters
    ----------
    layout : str
        ``plain``, ``qualtrics``, ``qualtrics-legacy``, ``surveymonkey``, ``google-forms``, ``limesurvey-codes`` or ``limesurvey-answers``.
    title_rows, header_rows : int
        Rows above the header, and rows of the header itself; 0 header rows where the data begin at once.
    names : list of str
        Short unique column names; "" for a column without a name.
    labels : dict
        Name to question text, where it says more than the name.
    raw : list of str
        The headers as written, for renaming by them.
    blocks : dict
        Name to (question, item) for columns that stand in a block under one question.
    duplicated : dict
        Header that occurs more than once to its number of columns.
    """

    layout: str
    title_rows: int
    header_rows: int
    names: list
    labels: dict = field(default_factory=dict)
    raw: list = field(default_factory=list)
    blocks: dict = field(default_factory=dict)
    duplicated: dict = field(default_factory=dict)


def tidy(text):
    """A header cell on one line: no tags, no byte-order mark, no doubled or odd blanks."""
    text = re.sub(r"<[^<>]{1,200}>", " ", str(text or "")) if "<" in str(text or "") else str(text or "")
    text = text.replace("\ufeff", "").replace("&nbsp;", " ").replace("&amp;", "&")
    return re.sub(r"\s+", " ", text).strip()


def find_header(rows, given="", *, spans=()):
    """Recognise the header in the first rows of a table.

    Parameters
    ----------
    rows : list of list of str
        The first records (thirty or so), as written; empty cells are "".
    given : str
        Layout the study names; "" recognises it.
    spans : iterable of (row, first, last)
        Merged cells of a workbook, by zero-based row and columns.

    Returns
    -------
    Header
    """
    width = max((len(r) for r in rows), default=0)
    rows = [[tidy(c) for c in r] + [""] * (width - len(r)) for r in rows]
    title = 0 if given.startswith(("qualtrics", "surveymonkey")) else _title_rows(rows)
    body = rows[title:]
    layout = given if given in _READ else _layout(body, spans and [s for s in spans if s[0] == title])
    return _READ[layout](body, layout, title, [(r - title, a, b) for r, a, b in spans])


def _title_rows(rows):
    filled = [sum(bool(c) for c in r) for r in rows]
    most = max(filled, default=0)
    if most < 4:
        enough = 2 if most >= 2 else 1
    else:
        enough = max(3, 0.25 * most)
    first = next((i for i, n in enumerate(filled) if n >= enough), 0)
    # a row of one or two cells over a wide table is a title; so is a blank row
    return first if first < len(rows) - 1 and (not rows[first] or not _looks_like_data(rows[first])) else 0


def _looks_like_data(row):
    cells = [c for c in row if c]
    return bool(cells) and sum(is_number(c) for c in cells) > 0.5 * len(cells)


def is_number(text):
    """Whether a cell is nothing but a number."""
    return bool(re.fullmatch(r"[-+−]?\d+([.,]\d+)?", text))


def _layout(rows, spans):
    first, second, third = (rows + [[], [], []])[:3]
    lower = {c.lower() for c in first if c}
    if any(c.startswith('{"ImportId"') or c.startswith("{'ImportId'") for c in third):
        return "qualtrics"
    if len({c.lower() for c in second} & _QUALTRICS) >= 3 and sum(bool(re.fullmatch(r"V\d+", c)) for c in first) >= 3:
        return "qualtrics-legacy"
    if len(lower & _QUALTRICS) >= 4 and sum(bool(c) for c in second) >= 0.8 * len(first) and not _looks_like_data(second):
        dated = any(re.match(r"\d{4}-\d\d-\d\d", c) for c in second)
        if not dated:
            return "qualtrics-two"
    if _is_two_rows(first, second, third):
        return "surveymonkey"
    if spans and any(b > a for _, a, b in spans) and sum(bool(c) for c in second) > 1 and not any(is_number(c) for c in second):
        return "merged"
    lime = len(lower & _LIMESURVEY) >= 3 or len(lower & _LIMESURVEY_TEXTS) >= 2
    if lime or (first[:1] == ["id"] and any(re.fullmatch(r"\w+\[\w+\]", c) for c in first)):
        return "limesurvey"
    stamps = [r[0] for r in rows[1:8] if r and r[0]]
    if first and (first[0].lower() in _TIMESTAMP or (_question_texts(first) and stamps and all(_is_stamp(s) for s in stamps))):
        return "google-forms"
    return "plain"


def _is_stamp(text):
    return bool(re.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[ T,]+\d{1,2}[:.]\d\d", text))


def _question_texts(header):
    cells = [c for c in header if c]
    return sum("?" in c or len(c) > 45 for c in cells) >= 0.4 * len(cells)


def _is_two_rows(first, second, third):
    """Row 1 leaves the further columns of a block empty, row 2 names their items (SurveyMonkey)."""
    if len(first) < 3 or any(is_number(c) for c in second) or not third:
        return False
    under_blank = [b for a, b in zip(first, second) if not a and b]
    metadata_blank = sum(bool(a) and not b for a, b in zip(first, second))
    words = Counter(b for a, b in zip(first, second) if a and b)
    response = words.most_common(1)[0] if words else ("", 0)
    known = any(re.fullmatch(r"(?i)(open-ended )?(response|réponse|antwort|antwoord|respuesta|svar|risposta)", b) for b in second)
    respondent = bool(re.match(r"(?i)respondent ?id", first[0]))
    blocks = len(under_blank) >= 1 and len(set(under_blank)) > 1
    if respondent and (known or blocks):
        return True
    named = first[0] and not second[0]
    return bool(named and blocks and metadata_blank >= 1 and (known or response[1] >= 2))


# ---- reading a header of each layout -------------------------------------------------------------------------------


def _plain(rows, layout, title, spans):
    first = rows[0] if rows else []
    if _is_headerless(rows):
        width = len(first)
        return Header(layout, title, 0, [f"column_{i + 1}" for i in range(width)], raw=[""] * width)
    return _named(layout, title, 1, first, first)


def _is_headerless(rows):
    """The first row is made like the rows below it: each column of numbers begins with a number."""
    if len(rows) < 3:
        return False
    first, below = rows[0], rows[1:]
    numeric = [
        j
        for j in range(len(first))
        if (cells := [r[j] for r in below if r[j]]) and len(cells) >= 2 and sum(is_number(c) for c in cells) >= 0.8 * len(cells)
    ]
    heads = [first[j] for j in numeric if first[j]]
    if not heads or not all(is_number(h) for h in heads):
        return False
    if len(heads) == len(set(heads)) and len(heads) > 1:
        values = [float(h.replace(",", ".").replace("−", "-")) for h in heads]
        rising = all(b - a == 1 for a, b in zip(values, values[1:]))
        if rising:
            return False
        if all(re.fullmatch(r"(19|20)\d\d", h) for h in heads):
            return False
    return True


def _qualtrics(rows, layout, title, spans):
    return _named("qualtrics", title, 3, rows[0], rows[1], keep=True)


def _qualtrics_two(rows, layout, title, spans):
    return _named("qualtrics", title, 2, rows[0], rows[1], keep=True)


def _qualtrics_legacy(rows, layout, title, spans):
    names = [b if re.fullmatch(r"V\d+", a) and b else a for a, b in zip(rows[0], rows[1])]
    return _named("qualtrics-legacy", title, 2, names, rows[1], keep=True, raw=rows[0])


def _surveymonkey(rows, layout, title, spans):
    questions, items = [], []
    current = ""
    sizes = Counter()
    for a, b in zip(rows[0], rows[1]):
        current = a or (current if b else "")
        questions.append(current)
        items.append(b)
        sizes[len(questions) and current] += 1
    return _blocks("surveymonkey", title, questions, items)


def _merged(rows, layout, title, spans):
    """A workbook whose upper header row is merged over the columns of a block."""
    top = list(rows[0])
    for row, first, last in spans:
        if row == 0:
            for j in range(first, min(last, len(top) - 1) + 1):
                top[j] = rows[0][first]
    return _blocks("plain", title, top, rows[1])


def _blocks(layout, title, questions, items):
    count = Counter(q for q in questions if q)
    heads, raw, pairs = [], [], []
    for question, item in zip(questions, items):
        alone = count[question] == 1 or not item or not question
        generic = re.fullmatch(r"(?i)(open-ended )?(response|réponse|antwort|antwoord|respuesta|svar|risposta)", item or "")
        if alone:
            text = question if (not item or generic or question) else item
            heads.append(text or item)
            raw.append(text or item)
            pairs.append(None)
        else:
            heads.append(f"{question} [{item}]")
            raw.append(f"{question} [{item}]")
            pairs.append((question, item))
    header = _named(layout, title, 2, heads, heads, raw=raw)
    blocks = {name: pair for name, pair in zip(header.names, pairs) if pair}
    return Header(**{**header.__dict__, "blocks": {**header.blocks, **blocks}})


def _google(rows, layout, title, spans):
    return _named("google-forms", title, 1, rows[0], rows[0])


def _limesurvey(rows, layout, title, spans):
    header = _named("limesurvey", title, 1, rows[0], rows[0])
    coded = re.compile(r"A\d{1,3}|A[O]\d{2}|[YNMF]|SQ\d+|\d{1,3}|-oth-|L\d{3}")
    cells = [
        c
        for row in rows[1:]
        for name, c in zip(header.names, row)
        if c and name.lower() not in _LIMESURVEY | {"response_id"} and not _is_stamp(c) and len(c) < 60
    ]
    answers = [c for c in cells if not re.fullmatch(r"[-\d.,: ]+", c)]
    full = sum(not coded.fullmatch(c) for c in answers) > 0.3 * len(answers) if answers else False
    return Header(**{**header.__dict__, "layout": "limesurvey-answers" if full else "limesurvey-codes"})


_READ = {
    "plain": _plain,
    "qualtrics": _qualtrics,
    "qualtrics-two": _qualtrics_two,
    "qualtrics-legacy": _qualtrics_legacy,
    "surveymonkey": _surveymonkey,
    "merged": _merged,
    "google-forms": _google,
    "limesurvey": _limesurvey,
    "limesurvey-codes": _limesurvey,
    "limesurvey-answers": _limesurvey,
}
LAYOUTS = ("plain", "qualtrics", "qualtrics-legacy", "surveymonkey", "google-forms", "limesurvey", "limesurvey-codes", "limesurvey-answers")


def _named(layout, title, header_rows, heads, texts, *, keep=False, raw=None):
    """Names from header cells: codes and short headers as they are, question texts made short."""
    names, labels, blocks, used = [], {}, {}, set()
    seen = Counter(h.lower() for h in heads if h)
    items = {}
    for i, head in enumerate(heads):
        items[i] = split_item(head)
    how_often = Counter(item.lower() for _, item in items.values() if item)
    for i, head in enumerate(heads):
        if not head:
            names.append("")
            continue
        question, item = items[i]
        name = head if keep else _short(head, question, item, item and how_often[item.lower()] == 1)
        name = _unique(name, head, used)
        used.add(name.lower())
        names.append(name)
        text = texts[i] if i < len(texts) else ""
        if text and text != name:
            labels[name] = text
        question, item = split_item(text) if keep else (question, item)
        if item and question:
            blocks[name] = (question, item)
    duplicated = {h: seen[h.lower()] for h in heads if h and seen[h.lower()] > 1}
    return Header(layout, title, header_rows, names, labels, list(raw or heads), blocks, duplicated)


def split_item(head):
    """Question and item of a header such as "How good is … [Opening hours]" or "Q5 - Opening hours"; ("", "") if it has none."""
    found = re.fullmatch(r"(.{3,}?)\s*\[([^\[\]]{2,})\]", head)
    if found and not re.fullmatch(r"[A-Za-z]{0,4}\d+", found.group(2)):
        return found.group(1), found.group(2)
    found = re.fullmatch(r"\[([^\[\]]{2,})\]\s*(.{3,})", head)
    if found:
        return found.group(2), found.group(1)
    found = re.fullmatch(r"(.{12,}?[?:.…]) ?[-–:] ?(.{2,})", head)
    found = found or re.fullmatch(r"(.{8,}?:) (.{2,})", head)
    return (found.group(1), found.group(2)) if found else ("", "")


def _short(head, question, item, item_is_unique):
    """A short stable name of a header, from its own text alone."""
    bracket = re.fullmatch(r"([A-Za-z]\w*)((?:\[\w+\])+)(?:[.:]?\s+.*)?", head)
    if bracket:
        return bracket.group(1) + "".join("_" + part for part in re.findall(r"\[(\w+)\]", bracket.group(2)))
    coded = re.match(r"([A-Za-z]{1,6}[._]?\d+(?:[._]\d+)*[a-z]?|\d{1,3}(?:[._]\d+)*[a-z]?)(?:[.):]|\s[-–]|:)\s+\S", head)
    if coded and not item:
        code = coded.group(1)
        return f"q{code}".replace(".", "_") if code[0].isdigit() else code
    if item and "[" not in head and len(head) <= 40 and "?" not in head:
        item = ""
    code = coded.group(1) if coded else ""
    if code and code[0].isdigit():
        code = f"q{code}"
    if item:
        words = slug(item) if item_is_unique else f"{slug(question, 20)}_{slug(item, 45)}"
        return f"{code}_{slug(item)}".replace(".", "_") if code else words
    if len(head) <= 40 and "?" not in head and "\n" not in head:
        return head
    return slug(head)


def slug(text, longest=40):
    """Words of a text in small letters without accents, joined by underscores: its first telling words up to `longest` characters."""
    plain = "".join(
        c
        for c in unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o").replace("æ", "ae"))
        if not unicodedata.combining(c)
    )
    words = re.findall(r"[^\W_]+", plain.lower())
    telling = [w for w in words if w not in _STOP and not (len(w) == 1 and w.isalpha())] or words
    kept = []
    for word in telling:
        if kept and len("_".join([*kept, word])) > longest:
            break
        kept.append(word[:longest])
    return "_".join(kept) or "column"


def _unique(name, head, used):
    if name.lower() not in used:
        return name
    if len(head) > 40:
        longer = slug(head, 60)
        if longer.lower() not in used:
            return longer
    number = 2
    while f"{name}_{number}".lower() in used:
        number += 1
    return f"{name}_{number}"

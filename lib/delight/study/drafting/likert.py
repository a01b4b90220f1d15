"""The order of worded answers: polarity and degree in several languages, numbers within answers, answers that are none."""

from __future__ import annotations

import re

from delight.study.drafting.hints import plain


def _words(listed):
    return listed.split()


_MISSING = re.compile(
    r"^(na|nan|null|none|blank|missing|refused|empty|no answer|not answered|no response|no opinion|unknown|prefer not.*|rather not.*|"
    r"(i )?(do not|don t|dont) know.*|dk|dk na|dont know|not sure don t know|can t say|cannot say|"
    r"weet (ik )?niet.*|(ik )?weet het niet.*|geen (mening|antwoord|idee|oordeel).*|onbekend|wil (ik )?niet zeggen.*|zeg ik liever niet|"
    r"ved (det )?ikke.*|ved ej|ingen (svar|mening|holdning).*|uoplyst|ubesvaret|onsker ikke.*|"
    r"weiss (ich )?(es )?nicht.*|keine (angabe|antwort|meinung).*|kann ich nicht (beurteilen|sagen)|unbekannt|k a|"
    r"(je )?ne sai[ts] pas.*|nsp|sans (reponse|opinion|avis)|pas de reponse|nr|ne se prononce pas|"
    r"no (lo )?se|no sabe.*|ns nc|ns|nc|sin respuesta|no contesta.*|no responde|"
    r"vet (ej|inte).*|ingen (asikt|uppfattning).*|inget svar|vill ej.*|non so.*|non risponde|nao sei.*|ei osaa sanoa|leeg|tom)$"
)
_NOT_APPLICABLE = re.compile(
    r"(\bn a$|^n a\b|^n v t$|^nvt\b|not applicable|not relevant|does not apply|doesn t apply|never used|not used|did not use|didn t use|have not used|no experience|unfamiliar|"
    r"not familiar|niet van toepassing|niet gebruikt|geen (gebruik|ervaring)|nooit gebruikt|ikke relevant|ikke aktuel|ikke brugt|irrelevant|har ikke (brugt|benyttet|oplevet)|"
    r"trifft nicht zu$|nicht zutreffend|nicht relevant|entfallt|nicht genutzt|nicht benutzt|keine erfahrung|sans objet|non concerne|non applicable|pas concerne|pas utilise|"
    r"no aplica|no procede|no utiliza|no corresponde|ej aktuell|ej relevant|inte aktuell|inte relevant|ej tillampl|har inte anvant|non pertinente|non applicabile|nao se aplica|"
    r"no basis|not rated|not tried|kan ikke vurdere|niet bekend mee|not seen)"
)
_POSITIVE = _words(
    "satisf tevred tevreden tilfreds zufrieden nojd soddisf fornoyd fornojd content happy blij glad pleased agree eens stimme "
    "enig einverstanden accord acuerdo instamm accordo enverstanden likely waarschijnlijk sandsynlig wahrscheinlich probable "
    "probablement troligt trolig sannolik probabile easy gemakkelijk makkelijk eenvoudig nem nemt let leicht einfach facile "
    "facil latt enkelt favorabl favourabl gunstig positive positief positiv positif positivo interested geinteresseerd "
    "interesseret interessiert interesse interesado intresserad important belangrijk vigtig wichtig viktig importante useful "
    "nuttig nyttig nutzlich utile certain zeker sicher sikkert definitely zutreffend zutrifft trifft waar better beter bedre "
    "besser mieux mejor battre meglio friendly delighted enthousiast begejstret begeistert enthusiast recommend ja clean gut "
    "good goed god godt bon bonne bien bueno buena bra buono buona"
)
_QUALITY = {
    "excellent": 4, "outstanding": 4, "exceptional": 4, "superb": 4, "perfect": 4, "delighted": 4, "uitstekend": 4, "uitmuntend": 4, "perfekt": 4, "fremragende": 4,
    "udmaerket": 3, "ausgezeichnet": 4, "hervorragend": 4, "excelente": 4, "utmarkt": 4, "eccellente": 4, "ottimo": 4, "fantastisk": 4, "wonderful": 4,
    "voldoende": 0.6, "ruim voldoende": 1.2, "fair": 0, "average": 0, "average ok": 0, "ok": 0.4, "okay": 0.4, "acceptable": 0.4, "sufficient": 0.5, "satisfactory": 1,
    "gemiddeld": 0, "matig": -0.8, "middel": 0, "middelmadig": 0, "middelmassig": 0, "rimelig": 0.5, "acceptabel": 0.4, "durchschnittlich": 0, "mittelmassig": 0,
    "befriedigend": 1, "ausreichend": 0, "moyen": 0, "passable": 0, "correct": 0.5, "regular": 0, "aceptable": 0.4, "medel": 0, "godkant": 0.5, "sufficiente": 0.5,
    "medium": 0, "middling": 0, "normal": 0, "medio": 0, "discreto": 0.5, "hog": 3, "hoog": 3, "high": 3, "hoj": 3, "hoch": 3, "low": -3, "laag": -3, "lav": -3, "niedrig": -3, "lag": -3,
    "onvoldoende": -1.5, "zwak": -2, "slecht": -2.5, "poor": -2, "bad": -2.5, "weak": -2, "terrible": -4, "awful": -4, "horrible": -4, "unacceptable": -4, "inferior": -2,
    "darlig": -2.5, "darligt": -2.5, "elendig": -4, "uacceptabel": -4, "ringe": -3, "mangelfuld": -2, "utilstraekkelig": -2,
    "schlecht": -2.5, "mangelhaft": -2, "ungenugend": -4, "schwach": -2, "mauvais": -2.5, "mediocre": -2, "insuffisant": -2, "malo": -2.5, "mala": -2.5, "pesimo": -4, "deficiente": -2,
    "dalig": -2.5, "daligt": -2.5, "undermalig": -3, "cattivo": -2.5, "scarso": -2, "pessimo": -4, "insufficiente": -2, "poorly": -2, "worse": -2, "slechter": -2, "darligere": -2,
    "schlechter": -2, "pire": -2, "moins bien": -2, "peor": -2, "samre": -2, "peggio": -2, "same": 0, "as expected": 0, "zoals verwacht": 0, "som forventet": 0, "wie erwartet": 0,
    "difficult": -2, "moeilijk": -2, "lastig": -1.6, "svaer": -2, "svaert": -2, "vanskelig": -2, "schwierig": -2, "schwer": -2, "difficile": -2, "dificil": -2, "svart": -2, "hard": -2, "complicated": -2,
    "never": -3, "nooit": -3, "aldrig": -3, "nie": -3, "jamais": -3, "nunca": -3, "mai": -3, "rarely": -2, "seldom": -2, "zelden": -2, "sjaeldent": -2, "selten": -2, "rarement": -2,
    "raramente": -2, "sallan": -2, "sometimes": -0.5, "occasionally": -0.5, "soms": -0.5, "af og til": -0.5, "nogle gange": -0.5, "manchmal": -0.5, "gelegentlich": -0.5, "parfois": -0.5,
    "a veces": -0.5, "ibland": -0.5, "talvolta": -0.5, "regularly": 1, "regelmatig": 1, "often": 2, "frequently": 2, "vaak": 2, "ofte": 2, "oft": 2, "haufig": 2, "souvent": 2,
    "a menudo": 2, "ofta": 2, "spesso": 2, "always": 3, "altijd": 3, "altid": 3, "immer": 3, "toujours": 3, "siempre": 3, "alltid": 3, "sempre": 3,
    "negative": -2, "negatief": -2, "negativ": -2, "negatif": -2, "negativo": -2, "neutral or": 0,
}  # fmt: skip
_FREQUENCY = set(
    _words(
        "never nooit aldrig nie jamais nunca rarely seldom zelden sjaeldent selten rarement raramente sallan always altijd altid "
        "immer toujours siempre alltid"
    )
)
_DEGREE = {
    4: "completely extremely totally strongly absolutely entirely fully wholly perfectly definitely volledig helemaal volkomen geheel uiterst sterk zeer sterk absoluut beslist fuldstaendig "
    "helt totalt absolut i meget hoj grad staerkt ekstremt vollig vollkommen ausserst voll sehr stark tout a fait totalement completement fortement absolument totalmente completamente "
    "fullstandigt extremt starkt estremamente del tutto in zeer hoge mate",
    3: "very highly really zeer heel erg much meget yderst virkelig sehr hoch tres muy mycket valdigt molto i hoj grad in hoge mate veel viel beaucoup mucho i hog grad in hohem masse",
    1.5: "fairly quite rather mostly generally redelijk tamelijk ruim grotendeels ret ganske overvejende ziemlich uberwiegend assez plutot ganska bastante abbastanza largely mainly",
    1: "somewhat slightly a little a bit moderately partly enigszins iets een beetje deels lidt noget delvist nogenlunde i nogen grad etwas eher teilweise un peu algo un poco poco "
    "nagot delvis un po piuttosto till viss del in enige mate i mindre grad tend to",
}
_NEGATION = (
    r"\b(not|niet|ikke|nicht|pas|inte|non|no|geen|ej|keine?|onvoldoende|kaum|hardly|nauwelijks|ni|wenig|weinig|peu|poco|nada|little)\b"
)
_NOT_AT_ALL = re.compile(
    r"\b(not at all|helemaal niet|absoluut niet|totaal niet|zeker niet|slet ikke|overhovedet ikke|bestemt ikke|uberhaupt nicht|gar nicht|pas du tout|"
    r"absolument pas|nada|en absoluto|inte alls|per niente|definitely not|certainly not)\b"
)
_NEUTRAL = re.compile(
    r"\b(neutra\w*|neither|noch .* noch|hverken|weder|ni .* ni|varken|ne .* ne|indifferen\w*|undecided|unentschieden|teils|beide|"
    r"both|zowel|mixed|om en om|niet .* niet|bade|mitte|mitten|middel)\b"
)
_PREFIX = re.compile(r"^(un|in|im|on|u|dis|des|o|miss|non|in|mis|util|ir)(?=\w{4})")


def kind_of(text):
    """ "missing", "not_applicable" or "value": what an answer's words say."""
    words = plain(text)
    if not words:
        return "missing"
    if _NOT_APPLICABLE.search(words) or words in ("na", "n a", "nvt", "i r"):
        return "not_applicable" if words != "na" else "missing"
    return "missing" if _MISSING.match(words) else "value"


def leading_number(text):
    """The number with which an answer such as "5 - Highly interested" begins or ends, else None."""
    text = str(text).strip()
    found = re.match(r"\(?(-?\d{1,3})\)?(?=$|\s*[-–—=:.)]|\s)", text)
    if (
        found
        and not re.match(r"\d+\s*([-–]|to|tot|til|bis)\s*\d", text)
        and not re.match(r"\d+\s*(%|jaar|ar|year|jahr|ans|km|times|keer|gange|hour|min)", plain(text))
    ):
        return int(found.group(1))
    found = re.search(r"[(=]\s*(\d{1,2})\s*\)?$", text)
    return int(found.group(1)) if found else None


def score(text):
    """Polarity times degree of a worded answer (about -4 to 4), or None if its words are unknown."""
    words = plain(text)
    tokens = words.split()
    degree = next((d for d, listed in _DEGREE.items() if any(re.search(rf"\b{p}\b", words) for p in _degree_phrases(d))), None)
    not_at_all = bool(_NOT_AT_ALL.search(words))
    positive = [t for t in tokens if _is_positive(t)]
    negative = [
        t
        for t in tokens
        if (m := _PREFIX.match(t)) and _is_positive(t[m.end() :]) or re.match(r"(disagree|oneens|uenig|missnojd|desacuerdo|desaccord)", t)
    ]
    positive = [t for t in positive if t not in negative]
    quality = [v for w, v in _QUALITY.items() if re.search(rf"\b{w}\b", words)]
    if re.search(r"\bi (meget )?(hoj|nogen|mindre|lav|ringe) grad|i (mycket )?(hog|liten|viss|lag) grad|mate\b|extent|masse", words):
        extent = {"meget hoj": 4, "mycket hog": 4, "very great": 4, "zeer hoge": 4, "sehr hohem": 4, "hoj": 3, "hog": 3, "great": 3, "large": 3, "hoge": 3, "hohem": 3,
                  "nogen": 1, "viss": 1, "some": 1, "enige": 1, "moderate": 1, "mindre": -1, "liten": -1, "small": -1, "geringe": -1, "lav": -2, "lag": -2, "ringe": -2}  # fmt: skip
        found = next((v for w, v in extent.items() if re.search(rf"\b{w}\b", words)), None)
        if found is not None:
            return float(found)
    if _NEUTRAL.search(words) and not (len(negative) == 1 and not positive and re.search(r"\b(or|of|eller|oder|ou|o)\b", words)):
        return 0.0
    if re.search(r"\b(neutral|neutraal)\b", words) and negative:
        return -1.0
    if not_at_all:
        return -4.0
    if negative:
        return -(degree or 2.0) if degree != 1.5 else -1.5
    if positive or (degree is not None and not quality):
        value = degree or 2.0
        negated = re.search(_NEGATION, words)
        if negated:
            before = degree is not None and re.search(rf"\b({'|'.join(_degree_phrases(degree))})\b.*{_NEGATION}", words)
            return -float(value) if before else (-1.0 if degree is not None and degree >= 3 else -2.0)
        return float(value) if positive else None
    if quality:
        base = max(quality, key=abs)
        if re.search(_NEGATION, words):
            return -base / 2
        return base * (1.3 if degree in (3, 4) and abs(base) < 4 else 0.7 if degree in (1, 1.5) else 1)
    return None


def _is_positive(token):
    return any(token.startswith(p) if len(p) > 4 else token == p for p in _POSITIVE)


def _degree_phrases(degree):
    return _PHRASES[degree]


def _phrases(listed):
    joined = [
        "i meget hoj grad",
        "i hoj grad",
        "in hoge mate",
        "i hog grad",
        "in hohem masse",
        "tout a fait",
        "del tutto",
        "in zeer hoge mate",
        "zeer sterk",
        "sehr stark",
    ]
    joined += [
        "a little",
        "a bit",
        "een beetje",
        "i nogen grad",
        "un peu",
        "un poco",
        "un po",
        "till viss del",
        "in enige mate",
        "i mindre grad",
        "tend to",
    ]
    found = []
    for phrase in joined:
        if phrase in listed:
            found.append(phrase)
            listed = listed.replace(phrase, " ")
    return found + listed.split()


_PHRASES = {degree: _phrases(listed) for degree, listed in _DEGREE.items()}


def is_frequency(texts):
    """Whether answers say how often."""
    return sum(bool(_FREQUENCY & set(plain(t).split())) for t in texts) >= 2


def concept(texts):
    """What a set of worded answers measures: satisfaction, quality, agreement, ease, likelihood, importance, interest, frequency, ... or ""."""
    words = " ".join(plain(t) for t in texts)
    for name, pattern in _CONCEPTS:
        if re.search(pattern, words):
            return name
    return "frequency" if is_frequency(texts) else ""


_CONCEPTS = (
    ("expectation", r"expected|verwacht|forventet|erwartet|attendu|prevu|esperado|forvantat"),
    ("importance", r"importan|belangrijk|vigtig|wichtig|viktig"),
    ("satisfaction", r"satisf|tevreden|tilfreds|zufrieden|nojd|soddisf|fornoyd|delighted"),
    ("agreement", r"agree|\beens\b|oneens|\benig\b|stimme|accord|acuerdo|instamm|trifft|zutreff"),
    ("likelihood", r"likely|waarschijnlijk|sandsynlig|wahrscheinlich|probable|trolig|sannolik"),
    ("ease", r"easy|difficult|gemakkelijk|moeilijk|\bnemt?\b|svaert|leicht|schwierig|facile|facil|dificil|svart"),
    ("interest", r"interest|interess|intresser"),
    ("favour", r"favorabl|favourabl"),
    ("frequency", r"\bnever\b|\bnooit\b|\baldrig\b|\bjamais\b|\bnunca\b|\balways\b|\baltijd\b|\balltid\b"),
    ("quality", r"excellent|outstanding|good|poor|uitstekend|goed|slecht|god\b|darlig|gut\b|schlecht|bon\b|bueno|\bbra\b|dalig|buono"),
    ("extent", r"\bgrad\b|\bmate\b|extent|masse"),
)
_YES = set(_words("yes ja oui si j y true waar sand vrai wahr sant selected checked quoted chosen gekozen valgt ausgewahlt 1"))
_NO = set(
    _words("no nee nej nein non n false onwaar falsk faux falsch not selected unchecked quoted niet gekozen ikke valgt nicht ausgewahlt 0")
) | {*("not selected", "not quoted", "niet gekozen", "ikke valgt", "nicht ausgewahlt", "not checked")}


def is_yes_no(texts):
    """Whether the answers are yes and no (or selected and not selected)."""
    words = {plain(t) for t in texts}
    return bool(words) and words <= (_YES | _NO) and len(words) <= 2 and (bool(words & _YES) or bool(words & (_NO - {"0", "no"})))


_KANO = (
    (1, r"(like|plait|leuk|fijn|prettig|gefallt|freut|gusta|kan godt lide|gillar|piace|would enjoy|enjoy)"),
    (2, r"(must be|expect|normal|vanzelfsprekend|verwacht|forvent|selbstverstandlich|voraus|esper|forvantar|basic)"),
    (
        3,
        r"(neutral|egal|neutraal|onverschillig|ligeglad|indifferen|maakt.* niet uit|don t care|do not care|da igual|spelar ingen roll|gleichgultig)",
    ),
    (
        4,
        r"(live with|contente|tolerate|leven met|mee leven|leve med|leben|tolere|supporte|puedo vivir|leva med|accommode|accept|akzeptier|put up)",
    ),
    (5, r"(dislike|deplait|niet leuk|vervelend|onprettig|ikke lide|missf|stort mich|disgusta|no me gusta|ogillar|non mi piace|hate|irrit)"),
)


def kano_codes(texts):
    """Text to Kano code 1-5 if the answers are those of a Kano questionnaire, else {}."""
    codes = {}
    for text in texts:
        words = plain(text)
        if re.search(_KANO[4][1], words):
            codes[text] = 5
            continue
        found = next((code for code, pattern in (_KANO[2], _KANO[3], _KANO[1], _KANO[0]) if re.search(pattern, words)), None)
        if found is None:
            return {}
        codes[text] = found
    worded = set(codes.values())
    return codes if len(worded) >= 4 and len(worded) == len(codes) and {1, 5} <= worded and {3, 4} & worded else {}


def order(texts):
    """Answers in rising order with their codes.

    Parameters
    ----------
    texts : iterable of str
        The different answers of kind ``value``.

    Returns
    -------
    dict or None
        Text to code: the number an answer bears, else 1, 2, 3, ... (0 and 1 if there are two) by polarity and degree; None if the words are unknown.
    """
    texts = list(dict.fromkeys(texts))
    if len(texts) < 2:
        return None
    numbers = {t: leading_number(t) for t in texts}
    if all(n is not None for n in numbers.values()) and len(set(numbers.values())) == len(texts):
        return dict(sorted(numbers.items(), key=lambda item: item[1]))
    scores = {t: score(t) for t in texts}
    if any(s is None for s in scores.values()) or len(set(scores.values())) < len(texts):
        return None
    return {t: i for i, t in enumerate(sorted(texts, key=scores.get), start=0 if len(texts) == 2 else 1)}


def unseen_ends(codes):
    """How many points below and above the answers given a scale must have: one around a neutral point has as many on either side.

    Parameters
    ----------
    codes : dict
        Text to code, as `order` gives it.

    Returns
    -------
    (int, int)
        (0, 0) where the answers bear numbers, have no neutral point, or mirror each other already.
    """
    scores = [score(t) for t in codes]
    if any(s is None for s in scores) or 0 not in scores or any(leading_number(t) is not None for t in codes):
        return 0, 0
    below, above = sorted(-s for s in scores if s < 0), sorted(s for s in scores if s > 0)
    if len(below) < len(above) and below and below == above[: len(below)]:
        return len(above) - len(below), 0
    if len(above) < len(below) and above and above == below[: len(above)]:
        return 0, len(below) - len(above)
    return 0, 0

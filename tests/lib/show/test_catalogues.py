"""Every word a client reads is translated, once and with the same placeholders."""

import re
from collections import defaultdict
from pathlib import Path

import delight
import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from delight.show.words import CATALOGUES, LANGUAGES

LIBRARY = Path(delight.__file__).parent
TRANSLATED = [language for language in LANGUAGES if language != "en"]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def in_code(paths):
    """Messages in Python files: {msgid: (plural or None, file:line)}."""
    found = {}
    for path in paths:
        for line, message, _, _ in extract_from_file("python", path, keywords=KEYWORDS):
            one, many = message if isinstance(message, tuple) else (message, None)
            found.setdefault(one, (many, f"{path.relative_to(LIBRARY)}:{line}"))
    return found


def catalogues(language):
    """Every catalogue of a language: {stem: {msgid: message}}."""
    found = {}
    for path in sorted((CATALOGUES / language).glob("*.po")):
        with path.open("rb") as file:
            found[path.stem] = {(m.id[0] if isinstance(m.id, tuple) else m.id): m for m in read_po(file, locale=language) if m.id}
    return found


def code_of(stem):
    """The Python files that the catalogue ``<stem>.po`` translates."""
    places = [LIBRARY / "show" / f"{stem}.py", LIBRARY / "publish" / f"{stem}.py"]
    folders = [LIBRARY / stem, LIBRARY / "show" / stem]
    return [p for p in places if p.is_file()] + [p for folder in folders if folder.is_dir() for p in sorted(folder.glob("*.py"))]


def placeholders(text):
    return sorted(re.findall(r"\{(\w+)[^}]*\}", text))


def texts(message):
    return message.string if isinstance(message.string, tuple) else (message.string,)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated(language):
    shown = in_code(sorted([*(LIBRARY / "show").rglob("*.py"), *(LIBRARY / "publish").glob("*.py")]))
    known = {k for messages in catalogues(language).values() for k, m in messages.items() if all(texts(m))}
    untranslated = [f"{where}: {message!r}" for message, (_, where) in shown.items() if message not in known]
    assert not untranslated, f"{len(untranslated)} messages lack {language}:\n" + "\n".join(untranslated)


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_message_of_a_catalogue_is_unused_empty_or_fuzzy(language):
    wrong = []
    for stem, messages in catalogues(language).items():
        used = in_code(code_of(stem))
        for key, message in messages.items():
            wrong += [f"{stem}.po: unused {key!r}"] if key not in used else []
            wrong += [f"{stem}.po: empty {key!r}"] if not all(t.strip() for t in texts(message)) else []
            wrong += [f"{stem}.po: fuzzy {key!r}"] if message.fuzzy else []
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_the_placeholders_and_the_bold_marks(language):
    wrong = []
    for stem, messages in catalogues(language).items():
        for key, message in messages.items():
            wanted = placeholders(message.id[-1] if isinstance(message.id, tuple) else key)
            for text in texts(message)[-1:]:
                if placeholders(text) != wanted:
                    wrong.append(f"{stem}.po: {key!r} has {wanted}, its translation {placeholders(text)}")
            for text in texts(message):
                if text.count("**") != key.count("**") or set(placeholders(text)) - set(wanted) - set(placeholders(key)):
                    wrong.append(f"{stem}.po: {key!r} and {text!r} differ in marks")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_plural_in_the_code_has_two_forms_in_the_catalogue(language):
    known = {k: m for messages in catalogues(language).values() for k, m in messages.items()}
    wrong = []
    for message, (many, where) in in_code(sorted((LIBRARY / "show").rglob("*.py"))).items():
        if many is not None and message in known and (not known[message].pluralizable or len(texts(known[message])) != 2):
            wrong.append(f"{where}: {message!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", TRANSLATED)
def test_one_message_has_one_translation(language):
    found = defaultdict(dict)
    for stem, messages in catalogues(language).items():
        for key, message in messages.items():
            found[key][stem] = message.string
    differing = {key: by_stem for key, by_stem in found.items() if len(set(map(str, by_stem.values()))) > 1}
    assert not differing, "\n".join(f"{key!r}: {by_stem}" for key, by_stem in differing.items())


def test_both_translations_have_the_same_catalogues():
    assert set(catalogues("nl")) == set(catalogues("da"))

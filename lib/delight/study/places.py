"""Where things lie: the workbook's root, studies, reports, and folder names that are safe for any location."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path

from delight.errors import DelightError, RunError, StudyError, did_you_mean

#: Names a slug never takes: folders with a meaning of their own, and device names of Windows.
RESERVED = frozenset(
    ["whole", "all", "index", "batch", "run", "tables", "notebooks", "nl", "en", "da", "con", "prn", "aux", "nul"]
    + [f"{device}{i}" for device in ("com", "lpt") for i in range(10)]
)
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "o", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ß": "ss", "ð": "d", "þ": "th", "ł": "l", "Ł": "l", "đ": "d", "ı": "i"}
)


def root():
    """The workbook's folder: the nearest parent of the working folder that holds ``notebooks/chain``, else DELIGHT_HOME, else the package's.

    Raises
    ------
    RunError
        None of these holds ``notebooks/chain``.
    """
    home = os.environ.get("DELIGHT_HOME", "")
    here = Path.cwd()
    package = Path(__file__).resolve()
    candidates = [here, *here.parents, *([Path(home).expanduser()] if home else []), *package.parents]
    found = next((folder for folder in candidates if (folder / "notebooks" / "chain").is_dir()), None)
    if found is None:
        raise RunError(
            f"No workbook found: neither {here} nor a folder above it holds notebooks/chain"
            + (f", and DELIGHT_HOME ({home}) does not either" if home else "")
            + ". Change to the workbook's folder, or set DELIGHT_HOME to it.",
            exit_code=2,
        )
    return found


def studies_folder():
    """``data/studies`` of the workbook."""
    return root() / "data" / "studies"


def called(folder):
    """How commands call a study: by its name among the workbook's own, else by its folder."""
    try:
        return folder.name if folder.resolve().parent == studies_folder().resolve() else str(folder)
    except DelightError:  # there is no workbook around
        return str(folder)


def reports_folder(out=None):
    """Where reports go: `out` if given, else ``reports`` of the workbook."""
    return Path(out).expanduser() if out else root() / "reports"


def wave_folder(wave):
    """Folder name of a wave; ``all`` for none."""
    if not wave or wave == "all":
        return "all"
    return slugs([wave])[wave]


def work_folder(study_name, wave="", out=None):
    """Work folder of a study and wave: rows, unsuppressed tables and the suppression plan; never delivered."""
    return reports_folder(out) / ".work" / study_name / wave_folder(wave)


def find_study(name_or_folder):
    """The folder of a study, given its name under ``data/studies``, its folder, or its ``study.toml``.

    Raises
    ------
    StudyError
        There is none; the message names the nearest.
    """
    text = str(name_or_folder).strip()
    if not text:
        raise StudyError("No study is named. Give a folder with a study.toml, or the name of one under data/studies.")
    given = Path(text).expanduser()
    if given.name == "study.toml" and given.is_file():
        return given.parent
    if given.is_dir() and (given / "study.toml").is_file():
        return given
    is_name = given.name == text and text not in (".", "..")
    known, looked = [], f"'{given}'"
    if is_name:
        try:
            folder = studies_folder()
        except RunError:
            folder = None
        if folder is not None:
            if (folder / text / "study.toml").is_file():
                return folder / text
            looked = f"'{folder / text}'"
            known = sorted(p.parent.name for p in folder.glob("*/study.toml"))
    if given.is_dir():
        raise StudyError(f"The folder '{given}' holds no study.toml. Draft one with `delight new FILE… --name NAME`.")
    hint = did_you_mean(text, known) or (f" There are: {', '.join(known[:10])}." if known else "")
    raise StudyError(f"There is no study at {looked}.{hint} Give a folder with a study.toml, or a name under data/studies.")


def slugs(names):
    """A folder name for every name: unique whatever the case, never a path, never reserved, whatever the script.

    Parameters
    ----------
    names : iterable of str
        Such as location names; repeats are taken once.

    Returns
    -------
    dict of str to str
        Letters a-z, digits and dashes only. A name keeps its slug whatever the order of the others; names that would share a slug,
        are reserved or lose all or much of their letters get a short hash of the name.
    """
    names = sorted({str(name) for name in names})
    plain = {name: _plain(name) for name in names}
    taken = {}
    for slug in plain.values():
        taken[slug] = taken.get(slug, 0) + 1
    found = {}
    for name in names:
        slug = plain[name]
        letters = sum(c.isalnum() for c in name)
        lossy = sum(c != "-" for c in slug) < letters
        found[name] = slug if slug and taken[slug] == 1 and slug not in RESERVED and not lossy else _hashed(slug, name, 6)
    length = 6
    while len(set(found.values())) < len(found):
        length += 6
        found = {name: _hashed(plain[name], name, length) for name in names}
    return found


def _plain(name):
    text = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    text = "".join(c for c in text if not unicodedata.combining(c)).lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:60].strip("-")


def _hashed(slug, name, length):
    return f"{slug[:50].strip('-') or 'x'}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:length]}"

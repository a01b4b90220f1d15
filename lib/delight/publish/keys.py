"""Keys of what a report is made from: two runs with the same key give the same tables, so the second need not be made."""

from __future__ import annotations

import hashlib
import json
import sys
from functools import lru_cache
from pathlib import Path

import delight
from delight.feedback.keys import study_key
from delight.publish import story as words
from delight.result import plain


def digest(*parts):
    """One hash over texts, bytes and JSON values; the order counts."""
    found = hashlib.sha256()
    for part in parts:
        data = (
            part
            if isinstance(part, bytes)
            else json.dumps(plain(part), sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
        )
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()


def of_file(path):
    """Hash of a file's bytes; a file that has not changed since is not read again."""
    path = Path(path)
    about = path.stat()
    return _of_file(str(path), about.st_size, about.st_mtime_ns, about.st_ino)


@lru_cache(maxsize=4096)
def _of_file(path, size, changed, inode):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


#: What of the library no number can come from: words, looks, formats, and what runs batches and workshops. A chapter does not import it
#: (a test holds all chapters to that); it reads catalogues only to show its finished tables.
DRESS = (
    "show/locale/",
    "publish/templates/",
    *(f"publish/{name}.py" for name in ("excel", "formats", "headline", "html", "pdf", "ready", "shapes", "slides", "template")),
    "publish/batch/",
    "workshop/",
    "cli.py",
    "__main__.py",
)


@lru_cache(maxsize=1)
def library():
    """Hash of the library as installed here: its code, words, templates and data."""
    return digest(delight.__version__, sys.version.split()[0], _files())


@lru_cache(maxsize=1)
def methods():
    """Hash of the library as far as numbers come from it: without `DRESS`."""
    return digest(delight.__version__, sys.version.split()[0], [file for file in _files() if not file[0].startswith(DRESS)])


def _files():
    """Name and hash of every file of the library."""
    folder = Path(delight.__file__).parent
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".pyc", ".woff2", ".ttf"))
    return [[p.relative_to(folder).as_posix(), of_file(p)] for p in files]


def lock(root):
    """Hash of the lock file of the workbook, None without one."""
    path = Path(root) / "requirements.lock"
    return of_file(path) if path.is_file() else None


def study_files(study):
    """Hash over the files that describe a study: its sheets and settings."""
    found = sorted(p for p in study.path.iterdir() if p.suffix in (".toml", ".csv", ".json") and p.is_file())
    return digest(*[[p.name, of_file(p)] for p in found])


def data(study):
    """Hash over the raw files of a study."""
    return digest(*[[s.given, s.wave, of_file(s.path)] for s in study.sources])


def common(order):
    """Hash of what every chapter of a report is made from."""
    return digest(
        methods(),
        lock(order.root),
        study_files(order.study),
        data(order.study),
        hashlib.sha256(study_key(order.study.name)).hexdigest(),
        order.wave,
        order.location,
        of_whole(order) if order.location else None,
    )


def of_whole(order):
    """Hash of what the tables of the whole's finished run were made from, as a location report is cut from them; None without a run."""
    try:
        return json.loads((order.whole_work / "made.json").read_text(encoding="utf-8"))["numbers"]
    except (OSError, ValueError, KeyError):
        return None


def chapter(order, chapter, base, tables):
    """Hash of what one chapter is made from.

    Parameters
    ----------
    order : Order
    chapter : ChapterFile
    base : str
        `common` of the order.
    tables : dict of str to str
        Hashes of the files that earlier chapters left in the work folder.

    Notes
    -----
    The consultant's own words change often and change no number, so they count only for a chapter whose metadata say that it
    ``reads`` them.
    """
    about = json.loads(chapter.path.read_text(encoding="utf-8")).get("metadata", {}).get("delight", {})
    words = story(order) if "story" in about.get("reads", []) else None
    return digest(base, chapter.file, of_file(chapter.path), order.settings.get(chapter.file, {}), sorted(tables.items()), words)


def story(order):
    """Hash of the consultant's words about the wave (or, without those, about an earlier one), in every language."""
    return digest(*[[language, wave, of_file(path)] for language, (path, wave) in words.files(order.study, order.wave).items()])


def numbers(order):
    """Hash of everything the tables of a report are made from."""
    return digest(
        common(order),
        [[c.file, of_file(c.path), order.settings.get(c.file, {})] for c in order.chapters],
        [c.file for c in order.chosen],
        story(order),
    )


def report(order):
    """Hash of everything a report is made from, its languages and formats aside."""
    dress = [order.study.report.get(name, "") for name in ("logo", "template")]
    files = [order.study.path / name for name in dress if name]
    return digest(numbers(order), library(), [[p.name, of_file(p)] for p in files if p.is_file()])

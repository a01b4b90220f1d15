"""Chapters kept from earlier runs, also from those that failed or were killed, so that an unchanged one need not run again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from delight.publish import folders, keys
from delight.publish.chain import ChapterRun


class Shelf:
    """One folder a chapter: the files it left in the work folder, its executed notebook and its blocks, under the key it was made from.

    Parameters
    ----------
    work : Path
        Work folder of the report; the shelf stands beside it.
    """

    def __init__(self, work):
        self.folder = work.with_name(f"{work.name}.chapters")

    def put(self, chapter, key, work, files, notebook, run):
        """Keep a finished chapter in place of what was kept of it before.

        Parameters
        ----------
        chapter : ChapterFile
        key : str
            `delight.publish.keys.chapter`.
        work : Path
        files : dict of str to str
            What it left in the work folder: path and hash.
        notebook : Path
        run : ChapterRun
        """
        place = self.folder / chapter.file
        new = folders.aside(place)
        try:
            for name in files:
                (new / "files" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(work / name, new / "files" / name)
            new.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook, new / "notebook.ipynb")
            record = {"key": key, "files": files, "notebook": keys.of_file(notebook), **vars(run)}
            (new / "record.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
            folders.swap(new, place)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def take(self, chapter, key, work, notebook):
        """Put a kept chapter back into the work folder; its ChapterRun, or None if it was made from something else or is damaged."""
        place = self.folder / chapter.file
        try:
            record = json.loads((place / "record.json").read_text(encoding="utf-8"))
            if record.pop("key") != key or keys.of_file(place / "notebook.ipynb") != record.pop("notebook"):
                return None
            files = record.pop("files")
            if any(keys.of_file(place / "files" / name) != found for name, found in files.items()):
                return None
        except (OSError, ValueError, KeyError):
            return None
        for name in files:
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place / "files" / name, work / name)
        notebook.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place / "notebook.ipynb", notebook)
        return ChapterRun(**record)


class Tables:
    """The files in a work folder with their hashes, read again only where they have changed."""

    def __init__(self, work):
        self.work, self._seen = Path(work), {}
        self.changed()

    @property
    def hashes(self):
        return {name: found for name, (_, found) in self._seen.items()}

    def changed(self):
        """Files that are new or different since the last call, with their hashes."""
        now = {}
        for path in sorted(p for p in self.work.rglob("*") if p.is_file()):
            name, about = path.relative_to(self.work).as_posix(), path.stat()
            mark = (about.st_size, about.st_mtime_ns, about.st_ino)
            known = self._seen.get(name)
            now[name] = known if known and known[0] == mark else (mark, keys.of_file(path))
        found = {name: entry[1] for name, entry in now.items() if self._seen.get(name, (None, None))[1] != entry[1]}
        self._seen = now
        return found

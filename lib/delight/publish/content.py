"""What a report is made of: the finished chapters of a run, their blocks, and the tables as a client may see them.

A run leaves this in its work folder, so that another language or format needs no kernel.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from delight.feedback import privacy
from delight.result import Result
from delight.show.words import Words
from delight.study import Labels, places


@dataclass(frozen=True)
class ChapterContent:
    """One chapter of a run.

    Attributes
    ----------
    name : str
        Key, such as ``drivers``.
    file : str
        File name of the notebook.
    status : {"done", "skipped", "not_run"}
    missing : list of list of str
        For a skipped chapter: what it needs, each entry a choice of roles or ties.
    blocks : list of dict
        Blocks as `delight.show.blocks.Block.as_dict` gives them, in order.
    seconds : float
    """

    name: str
    file: str
    status: str
    missing: list = field(default_factory=list)
    blocks: list = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Content:
    """Everything needed to make a report in any language.

    Attributes
    ----------
    work : Path
        Work folder of the run.
    about : dict
        study, organisation, wave, location, language (default), made_at (ISO), partial, delight_from, minimum_group, ci_level,
        report (logo, colours), fieldwork, version.
    chapters : list of ChapterContent
        In the order they ran.
    """

    work: Path
    about: dict
    chapters: list

    def save(self):
        """Write ``content.json`` into the work folder."""
        text = json.dumps({"about": self.about, "chapters": [vars(c) for c in self.chapters]}, ensure_ascii=False, indent=1)
        (self.work / "content.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, work):
        """Read what `save` wrote."""
        work = Path(work)
        data = json.loads((work / "content.json").read_text(encoding="utf-8"))
        return cls(work, data["about"], [ChapterContent(**c) for c in data["chapters"]])

    @property
    def whole(self):
        """Work folder of the whole organisation, beside which a location's own stands."""
        return self.work.parent / places.wave_folder(self.about["wave"]) if self.about["location"] else self.work

    @property
    def plan(self):
        """The suppression plan of the run: one for the whole and all its locations."""
        return _plan(self.whole / "plan", _stamp(self.whole / "plan"))

    def result(self, name):
        """A saved table as a client may see it; rows of respondents have none."""
        return _client_result(self.work, self.whole, name, _stamp(self.work / "tables" / name), self.about["wave"])

    def has(self, name):
        """Whether the run saved this table."""
        return (self.work / "tables" / f"{name}.parquet").is_file()

    def labels(self, language):
        """The study's labels in one language."""
        return Labels.from_json((self.work / f"labels.{language}.json").read_text(encoding="utf-8"))

    def words(self, language):
        """Words of one language with the study's labels."""
        return Words(language, self.labels(language))

    def table_names(self):
        """Names of all saved tables that may leave the work folder, in order."""
        described = sorted((self.work / "tables").glob("*.json"))
        return [p.name.removesuffix(".json") for p in described if not json.loads(p.read_text(encoding="utf-8"))["meta"].get("rows")]


def _stamp(stem):
    """What changes when a saved result does, so that one process never sees a table of an earlier run."""
    about = stem.with_name(stem.name + ".json").stat()
    return about.st_mtime_ns, about.st_ino


@lru_cache(maxsize=8)
def _plan(stem, stamp):
    return privacy.Plan.load(stem)


@lru_cache(maxsize=512)
def _client_result(work, whole, name, stamp, wave):
    result = Result.load(work / "tables" / name)
    if result.meta.get("rows"):
        return result.with_table(result.table.iloc[:0])
    plan = _plan(whole / "plan", _stamp(whole / "plan"))
    return privacy.suppress(result, plan, wave=wave)  # a location's own tables name it in their meta

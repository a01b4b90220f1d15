"""A study opened for exploration: its answers, ready at once the second time, and every explorer with the study's own arguments."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cached_property
from pathlib import Path

import pandas as pd

from delight.show.widgets.code import Named, written
from delight.show.widgets.data import Data
from delight.show.widgets.filters import FilterBar

#: Roles whose columns the explorers look at.
_ROLES = ("overall", "recommend", "repurchase", "stayed", "churned", "attribute", "need")
#: Loyalty, behaviour first.
LOYAL = ("churned", "stayed", "recommend", "repurchase")
#: A question with more answers than this is no filter.
MOST_ANSWERS = 60


def open_study(study="", *, language="", presentation=False, raw=None):
    """Open a study to explore it.

    Parameters
    ----------
    study : str
        Name of a folder under data/studies, or a path; empty takes the one that `delight lab` was started with.
    language : str
        nl, da or en; empty takes the study's.
    presentation : bool
        Large type, readable at the back of a room.
    raw : path, optional
        Folder of the raw files.

    Returns
    -------
    Opened
    """
    from delight.study import open_study as opened

    return Opened(opened(study or os.environ.get("DELIGHT_STUDY") or "kinderopvang-demo", raw=raw), language, presentation, raw)


class Opened:
    """An opened study.

    Attributes
    ----------
    study : delight.study.Study
    responses : DataFrame
        One row a response of every wave, as chapter 10 reads them, with ``label`` and ``segment`` where there are such.
    data : Data
    """

    def __init__(self, study, language="", presentation=False, raw=None):
        from delight.errors import InputError
        from delight.show.words import LANGUAGES, Words

        language = language or study.language
        if language not in LANGUAGES:
            raise InputError(f"language is one of {', '.join(LANGUAGES)}, not '{language}'.")
        self.study, self.presentation, self.raw = study, presentation, raw
        self.words = Words(language, study.labels(language))

    @cached_property
    def responses(self):
        return _responses(self.study, self.raw)

    @cached_property
    def data(self):
        study, frame = self.study, self.responses
        weights = study.model()["weights"] if study.weights else None
        asked = [c for role in _ROLES for c in study.columns(role) if study.scale(c) is not None and c in frame]
        design = study.design()
        known = {"clusters": design.clusters, "strata": design.strata, "population": design.population, "labels": design.labels}
        return Data(
            frame,
            by=self.groupings,
            words=self.words,
            scales={c: study.scale(c) for c in asked},
            minimum_group=study.minimum_group,
            weights=weights,
            weights_kind=study.weights.kind if study.weights else "sampling",
            design={k: v for k, v in known.items() if v},
            setup=self._setup(),
            model=self._model,
            title=study.name,
        )

    @cached_property
    def groupings(self):
        """Columns to filter on: wave, label, location, segment, then every question with few answers."""
        study, frame = self.study, self.responses
        asked = [*study.columns("segment"), *study.columns("background"), *study.columns("incident")]
        columns = dict.fromkeys(c for c in ("wave", "label", "location", "segment", *asked) if c in frame)
        free = {"wave", "label", "location", "segment"}
        return [c for c in columns if frame[c].nunique() >= 2 and (c in free or frame[c].nunique() <= MOST_ANSWERS)]

    def _model(self, y):
        """Arguments of a model of `y`, by the name that gives them."""
        return Named(self.study.model(y), f"study.model({written(y)})")

    def _setup(self):
        name = self.study.name if self._named else str(self.study.path)
        design = self.study.design()
        extra = []
        if design.population or design.labels:
            extra = ['design = {"population": study.design().population, "labels": study.design().labels}']
        joined = [f'responses["{c}"] = {made}' for c, made in self._made.items()]
        raw = f", raw={written(str(self.raw))}" if self.raw else ""
        lines = ["from delight.feedback import table", "from delight.study import open_study", ""]
        return [*lines, f"study = open_study({written(name)}{raw})", "responses = table.read(study).responses", *joined, *extra]

    @property
    def _named(self):
        from delight.errors import DelightError
        from delight.study import places

        try:
            return places.studies_folder().resolve() == self.study.path.parent
        except DelightError:
            return False

    @property
    def _made(self):
        """Columns that the exploration adds, with the expression that makes them."""
        made = {}
        if self.responses.attrs.get("made_label"):
            made["label"] = 'responses["location"].map(study.design().labels)'
        if self.responses.attrs.get("made_segment"):
            path = self.responses.attrs["made_segment"]
            made["segment"] = f'segments.assign(responses, model=segments.SegmentModel.load({written(path)})).table["segment"].to_numpy()'
        return made

    # ---- arguments

    def start(self):
        """The choice that a bar begins with: the newest wave."""
        waves = [w for w in self.study.waves if (self.responses["wave"] == w).any()] if "wave" in self.responses else []
        return {"wave": waves[-1]} if len(waves) > 1 else {}

    def bar(self, **options):
        """A filter bar on this study, at its newest wave."""
        return FilterBar(self.data, **{"start": self.start(), **options})

    def _asked(self, role):
        return [c for c in self.study.columns(role) if c in self.responses and self.responses[c].notna().any()]

    def _column(self, role):
        return next(iter(self._asked(role)), None)

    def _loyalty(self):
        """{column: role} of the loyalty questions with a scale."""
        return {c: role for role in LOYAL for c in self._asked(role)[:1] if self.study.scale(c) is not None}

    def _attributes(self):
        """Attributes, and the flag "does not apply" of those that have one."""
        x = self._asked("attribute")
        flags = self.study.model().get("not_applicable") or {} if x else {}
        return x, {a: flag for a, flag in flags.items() if a in x and flag in self.responses}

    def _need(self, what, there):
        from delight.errors import InputError

        if not there:
            raise InputError(f"Study '{self.study.name}' asked nothing about {what}, so there is nothing to explore here.")

    # ---- explorers

    def about(self, key):
        """Heading and introduction of an explorer, for its notebook."""
        from delight.show.widgets.texts import about

        return about(key, self.words, self.presentation)

    def satisfaction(self, **options):
        """The satisfaction explorer of this study."""
        from delight.show.widgets.satisfaction import SatisfactionExplorer

        overall, recommend = self._column("overall"), self._column("recommend")
        self._need("satisfaction or recommending", overall or recommend)
        return SatisfactionExplorer(self.bar(), overall=overall, recommend=recommend, **self._grade(), **self._look(options))

    def segments(self, **options):
        """The segment explorer of this study."""
        from delight.show.widgets.segments import SegmentExplorer

        items = self._asked("need")
        self._need("needs", len(items) > 1)
        kinds = self.study.segments.archetypes
        asked = {
            "items": items,
            "form": self.study.segments.needs,
            "archetypes": {a.name: {c: side for c, side in a.profile.items() if c in items} for a in kinds},
            "labels": {a.name: dict(a.labels) for a in kinds},
        }
        return SegmentExplorer(self.bar(), **asked, **self._look(options))

    def loyalty(self, **options):
        """The loyalty curve of this study."""
        from delight.show.widgets.loyalty import LoyaltyExplorer

        outcomes, overall = self._loyalty(), self._column("overall")
        self._need("loyalty, or about overall satisfaction", outcomes and overall)
        return LoyaltyExplorer(self.bar(), x=overall, outcomes=outcomes, **self._look(options))

    def drivers(self, **options):
        """The driver explorer of this study."""
        from delight.show.widgets.drivers import DriverExplorer

        x, flags = self._attributes()
        self._need("single experiences", x and self._outcome)
        about = {"y": self._outcome, "x": x, "not_applicable": flags, "by": self._kinds()}
        return DriverExplorer(self.bar(), **about, **self._grade(), **self._look(options))

    def what_if(self, **options):
        """The what-if simulator of this study."""
        from delight.show.widgets.what_if import WhatIf

        x, flags = self._attributes()
        self._need("single experiences", x and self._outcome)
        loyal = {c: role for c, role in self._loyalty().items() if role != "recommend"}
        recommend = self._column("recommend")
        about = {"overall": self._column("overall"), "recommend": recommend, "loyalty": loyal, "not_applicable": flags}
        return WhatIf(self.bar(), x=x, by=self._kinds(), **about, **self._grade(), **self._look(options))

    def comments(self, **options):
        """The comment browser of this study."""
        from delight.show.widgets.comments import CommentBrowser

        columns = self._asked("comment")
        self._need("remarks in customers' own words", columns)
        return CommentBrowser(self.bar(), columns=columns, overall=self._outcome, **self._grade(), **self._look(options))

    def _kinds(self):
        """Groupings of customers that a view can set side by side, segments first."""
        asked = self.study.columns("background")
        return sorted((c for c in self.groupings if c in ("segment", "label", *asked)), key=lambda c: c != "segment")

    @property
    def _outcome(self):
        return self._column("overall") or self._column("recommend")

    def _grade(self):
        return {"delight_from": self.study.delight_from}

    def _look(self, options):
        return {"presentation": self.presentation, **options}


# ---- reading, once


def _responses(study, raw):
    """The feedback table with labels and segments; read from the raw files once, afterwards from the work folder."""
    from delight.study import places

    folder = places.reports_folder() / ".work" / study.name / "explore"
    stem, mark = folder / "responses.parquet", folder / "responses.json"
    key = _key(study)
    if mark.is_file() and stem.is_file():
        try:
            told = json.loads(mark.read_text(encoding="utf-8"))
            if told["key"] == key:
                frame = pd.read_parquet(stem)
                frame.attrs.update(told["attrs"])
                return frame
        except (OSError, ValueError, KeyError):
            pass  # half written or of another version: read anew
    frame = _read(study, raw)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = folder / f"responses.{os.getpid()}.parquet"
        frame.to_parquet(aside, index=False)
        os.replace(aside, stem)
        half = mark.with_suffix(f".{os.getpid()}")
        half.write_text(json.dumps({"key": key, "attrs": frame.attrs}), encoding="utf-8")
        os.replace(half, mark)
    except OSError:
        pass  # a workbook that cannot be written to is explored all the same
    return frame


def _key(study):
    """What the table depends on: the study's files, the raw files, the pseudonyms' key, and the code that reads them."""
    import delight
    from delight import feedback
    from delight import study as studies

    sums = hashlib.sha256(delight.__version__.encode())
    sums.update(os.environ.get("DELIGHT_KEY", "").encode())
    code = [p for package in (feedback, studies) for p in sorted(Path(package.__file__).parent.rglob("*.py"))]
    for path in [*code, *(s.path for s in study.sources)]:
        about = path.stat()
        sums.update(f"{path.name} {about.st_size} {about.st_mtime_ns}".encode())
    for path in [*sorted(study.path.glob("*.csv")), *sorted(study.path.glob("*.toml")), *_segmentation(study)[:1]]:
        sums.update(path.name.encode() + path.read_bytes())
    return sums.hexdigest()


def _segmentation(study):
    """The segmentation to assign by: the confirmed one, else what chapter 30 proposed for the newest wave."""
    from delight.study import places

    proposed = places.work_folder(study.name, study.newest_wave) / "segments.json"
    return [p for p in (study.path / "segments.json", proposed) if p.is_file()]


def _read(study, raw):
    from delight.feedback import table

    frame, made = table.read(study, raw=raw).responses, {}
    labels = study.design().labels
    if "location" in frame and "label" not in frame and len(set(filter(None, labels.values()))) > 1:
        frame = frame.assign(label=frame["location"].map(labels))
        made["made_label"] = True
    models = _segmentation(study)
    if models and "segment" not in frame:
        from delight.segments import SegmentModel, assign

        model = SegmentModel.load(models[0])
        if all(item in frame for item in model.coding.items):
            frame = frame.assign(segment=assign(frame, model=model).table["segment"].to_numpy())
            made["made_segment"] = str(models[0])
    frame.attrs.update(made)
    return frame

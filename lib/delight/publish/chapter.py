"""What a chapter of the chain stands on: its study, wave and words, the tables of earlier chapters, and where its own go.

>>> here = begin("satisfaction", "kinderopvang-demo")          # doctest: +SKIP
>>> levels = here.save("levels", satisfaction.levels(here.responses(), **here.measure("overall"), ...))   # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import pandas as pd

from delight.errors import InputError, RunError, did_you_mean
from delight.feedback import privacy
from delight.result import Result, plain
from delight.show import LANGUAGES, Saved, Words
from delight.study import open_study, places


def begin(
    name,
    study,
    *,
    wave="",
    location="",
    language="",
    out="",
    delight_from=0,
    ci_level=0.95,
    n_boot=2000,
    seed=20250101,
):
    """Open a chapter with the parameters every chapter has; empty or 0 takes the study's own.

    Parameters
    ----------
    name : str
        The chapter's key, such as ``satisfaction``; its tables are saved as ``satisfaction.<table>``.
    study : str
        Name of a folder under data/studies, or a path.
    wave, location, language, out : str
        Newest wave, whole organisation, the study's language and its work folder when empty.
    delight_from : float
        Lowest overall score that counts as delighted.
    ci_level : float
        Confidence level of every interval, 0-1.
    n_boot : int
        Bootstrap draws.
    seed : int

    Returns
    -------
    Chapter

    Raises
    ------
    StudyError
        The study is not in order.
    InputError
        A parameter cannot be.
    """
    opened = open_study(study)
    if language and language not in LANGUAGES:
        raise InputError(f"language is one of {', '.join(LANGUAGES)}, not '{language}'.")
    if not 0.5 <= ci_level < 1:
        raise InputError(f"ci_level is a share between 0.5 and 1, such as 0.95, not {ci_level}.")
    if n_boot < 1:
        raise InputError(f"n_boot is a whole number of at least 1, not {n_boot}.")
    wave = opened.wave_named(wave)
    folder = Path(out) if out else _work_folder(opened, wave, location)
    return Chapter(
        name, opened, wave, location, language or opened.language, folder, delight_from or opened.delight_from, ci_level, n_boot, seed
    )


def _work_folder(study, wave, location):
    """Where a notebook that is run by hand keeps its tables; a location's stand beside those of the whole, as the runner has them."""
    whole = places.work_folder(study.name, wave)
    return whole.with_name(f"{whole.name}@{places.slugs([*study.units, location])[location]}") if location else whole


#: Column of locations in which those that are hidden from clients are one; for a question that hides more, with its name behind a colon.
PLACES = "location:shown"
#: Column of locations as clusters: hidden ones in groups (`delight.feedback.privacy.Plan.grouped`).
DRAWN = "location:drawn"


@dataclass(frozen=True)
class Chapter:
    """An opened chapter.

    Attributes
    ----------
    name : str
    study : delight.study.Study
    wave, location, language : str
        Resolved; `location` is empty for the whole organisation.
    folder : Path
        Work folder: unsuppressed tables of this report.
    delight_from : float or None
        Lowest overall score that counts as delighted; None where the scale has no such point.
    ci_level, n_boot, seed : float, int, int
    """

    name: str
    study: object
    wave: str
    location: str
    language: str
    folder: Path
    delight_from: float | None
    ci_level: float
    n_boot: int
    seed: int

    @cached_property
    def words(self):
        """Words of this run's language, with the study's labels."""
        return Words(self.language, self.study.labels(self.language))

    @property
    def whole(self):
        """Work folder of the whole organisation: a location's own stands beside it."""
        return self.folder.parent / places.wave_folder(self.wave) if self.location else self.folder

    @cached_property
    def plan(self):
        """The suppression plan that chapter 10 made; there is one for the whole and all its locations."""
        stem = self.whole / "plan"
        if not stem.with_suffix(".parquet").is_file():
            raise RunError(f"There is no suppression plan in {self.folder}. Run chapter 10-feedback first.")
        return privacy.Plan.load(stem)

    @cached_property
    def _feedback(self):
        return self.read("feedback.responses")

    def responses(self, *, all_waves=False):
        """The feedback table: one row a response of the focus wave (and location), or of all waves; with ``label`` where units.csv has it."""
        frame = self._feedback.table
        if self.location:
            if "location" not in frame or not (frame["location"] == self.location).any():
                known = sorted(frame["location"].dropna().unique()) if "location" in frame else []
                listed = f" There are: {', '.join(known[:10])}{' …' if len(known) > 10 else ''}." if known else ""
                raise InputError(f"No response is from location '{self.location}'.{did_you_mean(self.location, known)}{listed}")
            frame = frame[frame["location"] == self.location]
        frame = frame if all_waves else frame[frame["wave"] == self.wave]
        labels = self.study.design().labels
        if "location" in frame and "label" not in frame and len(set(filter(None, labels.values()))) > 1:
            frame = frame.assign(label=frame["location"].map(labels))  # of units.csv
        return self._with_places(frame)

    def _with_places(self, frame):
        """The frame with its locations as a client may know them: what is computed by them gives no hidden one away (methods M40)."""
        if self.location or "location" not in frame or not self._planned:
            return frame
        names = {column: partial(self.plan.together, question=q) for q, column in {"": PLACES, **self._own_places}.items()}
        if self.study.design().clusters:
            names |= {_drawn(column): partial(self.plan.grouped, question=q) for q, column in {"": PLACES, **self._own_places}.items()}
        added = {}
        for column, names_in in names.items():
            named = frame["location"].astype(object)
            for wave in frame["wave"].unique():
                named = named.mask(frame["wave"] == wave, named.replace(names_in(wave)))
            added[column] = named.astype("str").where(frame["location"].notna())
        return frame.assign(**added)

    @property
    def _planned(self):
        return (self.whole / "plan.parquet").is_file()

    @cached_property
    def _own_places(self):
        """Questions that hide more locations than the outcome does, and their columns."""
        together = self.plan.together
        return {q: f"{PLACES}:{q}" for q in sorted(self.plan.questions) if together(self.wave, q) != together(self.wave)}

    def places(self, question=""):
        """Column of locations for what is computed by location and published: hidden ones are one place."""
        return self._own_places.get(question, PLACES) if self._planned and not self.location else "location"

    def clusters(self, question=""):
        """Column of the locations drawn, hidden ones in groups; None where none were drawn, or all answers are from one."""
        drawn = self.study.design().clusters
        column = _drawn(self.places(question)) if drawn and self._planned and not self.location else drawn
        return column if column and self.responses()[column].nunique() > 1 else None

    @property
    def waves(self):
        """Waves up to the focus wave, oldest first: later ones play no part in this report."""
        return self.study.waves[: self.study.waves.index(self.wave) + 1]

    @cached_property
    def _answered(self):
        frame = self.responses()
        return frozenset(frame.columns[frame.notna().any()])

    def answered(self, column):
        """Whether the focus wave holds any answer in this column."""
        return column in self._answered

    def columns(self, need):
        """Columns of a role (or ``role:tie``, ``tie=value``; `delight.study.codebook.split_need`) that the focus wave has answers in."""
        return [c for c in self.study.meeting(need) if self.answered(c)]

    def has(self, role):
        """Whether a question of this role was asked in the focus wave."""
        return bool(self.columns(role))

    def order(self, columns):
        """Groups of each column as answers.csv lists them, for methods that take ``order``; columns without a list are left out."""
        frame, found = self.responses(), {}
        for column in columns:
            answers = getattr(self.study.questions.get(column), "answers", None)
            if answers is not None and column in frame:
                present = sorted(frame[column].dropna().unique(), key=str)
                listed = dict.fromkeys(a.code or a.text for a in answers.answers if a.kind == "value")
                found[column] = [c for c in listed if c in present] + [c for c in present if c not in listed]
        return found

    def measure(self, column_or_role):
        """``y, scale, weights, weights_kind`` of one question, for methods of one column."""
        return self.study.measure(column_or_role)

    def design(self, question=""):
        """``clusters, strata, population, labels`` for levels and shares: how locations came into the research (methods M00).

        A `question` that is published by location has columns of its own where it hides more locations than the outcome does.

        Locations that are hidden from clients are one stratum: a sum over strata weighted by customers, beside one of answers, would
        else give two of them away.
        """
        found = self.study.design()
        population, labels = dict(found.population), dict(found.labels)
        if self._planned and "location" in self._feedback.table:
            for asked in ("", *self._own_places):
                for wave in self.plan.waves:
                    name_of = self.plan.together(wave, asked)
                    for name in set(name_of.values()):
                        members = [location for location, theirs in name_of.items() if theirs == name]
                        if all(m in found.population for m in members):
                            population[name] = sum(found.population[m] for m in members)
                        shared = {found.labels.get(m, "") for m in members}
                        labels[name] = shared.pop() if len(shared) == 1 else ""
        return {
            "clusters": self.clusters(question),
            "strata": self.places(question) if found.strata else None,
            "population": population or None,
            "labels": labels or None,
        }

    def model(self, outcome=None):
        """``y, x, scales, weights, …`` for methods of several columns; attributes without an answer in the focus wave are left out."""
        model = self.study.model(outcome) if outcome else self.study.model()
        asked = [c for c in model["x"] if self.answered(c)]
        keep = {*asked, model["y"]}
        return {
            **model,
            "clusters": self.clusters(),
            "x": asked,
            "scales": {c: s for c, s in model["scales"].items() if c in keep},
            "not_applicable": {
                c: flag for c, flag in (model.get("not_applicable") or {}).items() if c in keep and flag in self._feedback.table
            },
        }

    # ---- tables
    def read(self, name):
        """A result that this or an earlier chapter saved, unsuppressed: ``here.read("drivers.effects")``."""
        folder = self._home(name)
        if folder is None:
            chapter = name.partition(".")[0]
            raise RunError(f"Table '{name}' is not in {self.whole}. Run the chapter '{chapter}' first (it may have been skipped).")
        return Result.load(folder / "tables" / name)

    def exists(self, name):
        """Whether an earlier chapter saved this table."""
        return self._home(name) is not None

    def _home(self, name):
        """The folder that has a table: this report's own, else the whole's."""
        return next((f for f in dict.fromkeys((self.folder, self.whole)) if (f / "tables" / f"{name}.parquet").is_file()), None)

    def save(self, table, result, *, rows=False, **about):
        """Save a result as ``<chapter>.<table>`` and return the handle that blocks rest on.

        Parameters
        ----------
        table : str
            Short name; letters, digits and underscores.
        result : Result or DataFrame
        rows : bool
            The table holds rows of respondents: it stays in the work folder and no block can show it.
        **about
            Further entries of the result's meta, such as the hash of the data.
        """
        if isinstance(result, pd.DataFrame):
            result = Result.of(f"{self.name}.{table}", result)
        about = {**plain(about), **({"rows": True} if rows else {}), **({"location": self.location} if self.location else {})}
        if about:
            result = result.with_table(result.table, meta={**result.meta, **about})
        name = f"{self.name}.{table}"
        result.save(self.folder / "tables" / name)
        return self._handle(name, result)

    def saved(self, name):
        """The handle of a table that an earlier chapter saved, to show it again (in the summary)."""
        return self._handle(name, self.read(name))

    def plan_suppression(self):
        """Plan once, before anything is shown, which groups of this study are too small to show (chapter 10 calls this)."""
        plan = privacy.plan(self._feedback.table, self.study, wave=self.wave)
        self.folder.mkdir(parents=True, exist_ok=True)
        plan.save(self.folder / "plan")
        return plan

    def _handle(self, name, result):
        hidden = (
            result.with_table(result.table.iloc[:0])
            if result.meta.get("rows")
            else privacy.suppress(result, self.plan, wave=self.wave)  # a location's own tables name it in their meta
        )
        return Saved(name, result, hidden, self.words)


def _drawn(places):
    """Column of clusters beside a column of places."""
    return places.replace(PLACES, DRAWN)

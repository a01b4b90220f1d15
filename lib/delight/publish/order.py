"""What a report is ordered to be: every choice checked before anything runs, all mistakes in one message."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from delight.errors import InputError, Mistakes, RunError, StudyError, did_you_mean
from delight.findings import raise_errors
from delight.publish import chain, ready
from delight.publish.formats import FORMATS
from delight.show import LANGUAGES
from delight.study import Study, open_study, places


@dataclass(frozen=True)
class Order:
    """One report, ordered and found sound.

    Attributes
    ----------
    study : Study
    wave, location : str
        `location` is empty for the whole organisation.
    languages, formats : tuple of str
        The first language is the one notebooks are run in.
    chapters, chosen : tuple of ChapterFile
        All of the chain that are about the whole, or about a location; and those of them to run.
    settings : dict of chapter file to dict
        Parameters that differ from the notebook's, typed.
    root, reports : Path
        The workbook, and the folder of all reports.
    raw : Path or None
        Folder with the raw files, if not the study's own.
    """

    study: Study
    wave: str
    location: str
    languages: tuple
    formats: tuple
    chapters: tuple
    chosen: tuple
    settings: dict
    root: Path
    reports: Path
    raw: Path | None = None

    @property
    def partial(self):
        """Whether chapters are left out, so that the report is marked partial."""
        return len(self.chosen) < len(self.chapters)

    @property
    def whole_work(self):
        """Work folder of the study and wave."""
        return places.work_folder(self.study.name, self.wave, self.reports)

    @property
    def work(self):
        """Work folder of this report."""
        return self.whole_work.with_name(f"{self.whole_work.name}@{self.unit}") if self.location else self.whole_work

    @property
    def target(self):
        """Folder of the finished report."""
        return self.reports / self.study.name / places.wave_folder(self.wave) / self.unit

    @property
    def unit(self):
        """Folder name of the location, told apart from all others that units.csv or the data know; ``whole`` without one."""
        if not self.location:
            return "whole"
        return places.slugs([*self.study.units, *planned_locations(self.whole_work), self.location])[self.location]

    @property
    def name(self):
        """The report in words, for messages."""
        return f"{self.study.name}, {self.wave}, {self.location or 'whole'}"

    @property
    def parameters(self):
        """Parameters that a chapter gets besides its own settings and its work folder."""
        return {"study": str(self.study.path), "wave": self.wave, "location": self.location, "language": self.languages[0]}


def settle(study, *, wave="", location="", languages=(), formats=(), chapters=(), parameters=(), raw=None, out=None, root=None):
    """Check everything a report is asked to be.

    Parameters
    ----------
    study, wave, location, languages, formats, chapters, parameters, raw, out
        As `delight.publish.run.run` takes them.
    root : Path, optional
        The workbook; found from the working folder if not given.

    Returns
    -------
    Order

    Raises
    ------
    StudyError, InputError, RunError
        Every mistake, in one message.
    """
    mistakes = Mistakes()
    root = Path(root) if root else places.root()
    all_chapters = chain.chapters(root)
    if raw:
        raw = Path(raw).expanduser().resolve()
    with mistakes:
        languages = choice(languages, LANGUAGES, "language")
    with mistakes:
        formats = choice(formats, FORMATS, "format") or FORMATS
    chosen, settings = all_chapters, {}
    with mistakes:
        chosen = chain.choose(all_chapters, chapters)
    with mistakes:
        settings = chain.overrides(all_chapters, parameters)
    opened = None
    with mistakes:
        opened = open_study(study, raw=raw)
    if opened is not None:
        with mistakes:
            wave = opened.wave_named(wave)
        with mistakes:
            raise_errors(
                ready.check(opened, [c.name for c in all_chapters]), StudyError, intro=f"The study '{opened.name}' has {{n}} mistake(s):"
            )
        with mistakes:
            _location(opened, location)
        with mistakes:
            _delight_from(opened, settings)
    mistakes.raise_all()
    return Order(
        study=opened,
        wave=wave,
        location=location,
        languages=tuple(languages or [opened.language]),
        formats=tuple(formats),
        chapters=tuple(c for c in all_chapters if c.fits(location)),
        chosen=tuple(c for c in chosen if c.fits(location)),
        settings=settings,
        root=root,
        reports=places.reports_folder(out) if out else root / "reports",
        raw=raw or None,
    )


def choice(wanted, known, what):
    """The values wanted, each once.

    Raises
    ------
    RunError
        Exit code 2: values that are not among the known ones.
    """
    wanted = list(dict.fromkeys(wanted))
    wrong = [value for value in wanted if value not in known]
    if wrong:
        say = " ".join(f"'{value}' is no {what}.{did_you_mean(value, known)}" for value in wrong)
        raise RunError(f"{say} Choose from {', '.join(known)}.", exit_code=2)
    return wanted


def planned_locations(work, wave=None):
    """Locations of a finished run (that answered in one wave), as its suppression plan names them; none before the first run."""
    import pandas as pd

    path = Path(work) / "plan.parquet"
    if not path.is_file():
        return []
    table = pd.read_parquet(path, columns=["wave", "level", "cell"])
    wanted = (table["level"] == "location") & (True if wave is None else table["wave"] == wave)
    return sorted(table.loc[wanted, "cell"].astype(str).unique())


def _location(study, location):
    if location and not study.column("location"):
        raise InputError(
            f"Study '{study.name}' has no locations, so there is no '{location}'. Give the column of locations the role location."
        )
    if location and study.units and location not in study.units:
        raise InputError(f"There is no location '{location}' in units.csv.{did_you_mean(location, study.units)} {_few(study.units)}")


def _delight_from(study, settings):
    scale = study.scale(study.outcome) if study.outcome else None
    for chosen in {values["delight_from"] for values in settings.values() if values.get("delight_from")}:
        if scale is not None and not (scale.allows([chosen])[0] and chosen > scale.min):
            say = f"-p delight_from={chosen:g}: 'delight_from' is a point of the scale {scale} of '{study.outcome}' above its lowest."
            raise RunError(say, exit_code=2)


def _few(names, most=10):
    names = sorted(names)
    return f"It has: {', '.join(names[:most])}{f' and {len(names) - most} more' if len(names) > most else ''}."

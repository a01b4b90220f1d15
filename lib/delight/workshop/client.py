"""A room on a client's own answers: nothing that tells who answered, where or when, and nothing of small groups.

Lessons need answers, not only tables. What leaves the work folder is therefore cut to the grades themselves and crossed (`crossing`): a row
takes its answers from two customers with the same grades, so that it is nobody's, also when all participants put theirs together. Locations
appear under pseudonyms with their mean and about how many answers they have, and only those that the study's suppression plan shows.
"""

from __future__ import annotations

from pathlib import Path

from delight.drivers import kano
from delight.errors import InputError, RunError
from delight.publish import chapter
from delight.resample import generator
from delight.segments.needs import FORMATS
from delight.show import LANGUAGES
from delight.study import open_study, places
from delight.study.labels import Labels
from delight.workshop.crossing import cross
from delight.workshop.room import Book

#: Fewer answers carry no lesson; more than this a participant does not get.
FEWEST, MOST = 300, 2000
#: Crossed answers from which all participants draw.
POOL = 10_000
#: Answers of a location are told to the nearest so many: an exact number would give its pseudonym away.
ABOUT = 5
#: An attribute that fewer than this share of the customers answered is left out.
ANSWERED = 0.8


def write(folder, study, *, participants, raw=None, reports=None, seed=20250101):
    """Write the room of a study's newest wave.

    Parameters
    ----------
    folder : Path
    study : str
        Its report must have been run: the lessons take the same answers and the same minimum group.
    participants : int
    raw, reports : Path, optional
    seed : int

    Returns
    -------
    Path

    Raises
    ------
    RunError
        The study lacks one of the two grades or asks it on another scale, its report has not been run, or it has too few answers.
    """
    if not 1 <= participants <= 99:
        raise InputError(f"A room has 1 to 99 participants, not {participants}.")
    opened = open_study(study, raw=raw)
    _refuse(opened)
    wave = opened.newest_wave
    work = places.work_folder(opened.name, wave, reports)
    here = chapter.Chapter("workshop", opened, wave, "", opened.language, work, opened.delight_from, ci_level=0.95, n_boot=1, seed=seed)
    if not here.exists("feedback.responses"):
        raise RunError(f"The lessons take the answers of the study's report. Run `delight run {opened.name}` first.")
    frame, book = _cut(here)
    if len(frame) < FEWEST:
        raise RunError(f"Lessons need at least {FEWEST} complete answers; {opened.name} has {len(frame)} in {wave}.")
    book.save(folder)
    crossed = _crossed(frame, book, generator(seed, f"workshop {opened.name}"))
    for number in range(participants + 1):
        drawn = _sample(crossed, book, generator(seed, f"workshop {opened.name} {number}"))
        drawn.to_parquet(Path(folder) / f"{number:02}.parquet", index=False)
    return Path(folder)


def _refuse(study):
    """Refuse a study without the two grades that the lessons speak of, or with other scales than school grades."""
    for role, name in (("overall", "an overall grade"), ("recommend", "a likelihood to recommend")):
        column = study.column(role)
        scale = study.scale(column) if column else None
        if scale is None:
            raise RunError(f"The lessons need {name}; {study.name} has none.")
        if not _school(scale):
            raise RunError(f"The lessons speak of grades up to 10; {study.name} asks {name} ('{column}') on {scale.min:g}-{scale.max:g}.")


def _cut(here):
    """Grades alone, under the names that the lessons use, and what they mean."""
    study, responses = here.study, here.responses()
    if not (here.has("overall") and here.has("recommend")):
        raise RunError(f"The lessons need an overall grade and a likelihood to recommend; in {here.wave} one of them was not asked.")
    ours = {study.column("overall"): "overall", study.column("recommend"): "recommend"}
    attributes = [
        a for a in here.columns("attribute") if study.scale(a) and study.scale(a).knot and responses[a].notna().mean() >= ANSWERED
    ]
    needs = here.columns("need") if study.segments.needs == FORMATS[0] else []
    ours |= {study.column("churned"): "churned"} if here.has("churned") else {}
    pairs = kano.paired(here.columns("kano_functional"), here.columns("kano_dysfunctional"), study.codebook["pair"])
    kept = [*ours, *attributes, *needs, *[c for pair in pairs.values() for c in pair]]
    frame = responses[kept].rename(columns=ours).dropna(subset=["overall", "recommend"])
    weights = here.measure("overall")["weights"]
    frame = frame.assign(weight=responses.loc[frame.index, weights] if weights else 1.0)
    scales = {ours.get(c, c): study.scale(c) for c in kept if study.scale(c) is not None}
    factors = {}
    for a in attributes:
        if study.questions[a].group:
            factors.setdefault(study.questions[a].group, []).append(a)
    archetypes = {a.name: {c: side for c, side in a.profile.items() if c in needs} for a in study.segments.archetypes}
    book = Book(
        organisation=study.organisation,
        scales=scales,
        attributes=tuple(attributes),
        needs=tuple(needs),
        pairs=pairs,
        factors=factors,
        archetypes=archetypes,
        archetype_names={a.name: dict(a.labels) for a in study.segments.archetypes},
        waves=(here.wave,),
        labels={language: _labels(study, kept, ours, pairs, language) for language in LANGUAGES},
        locations=tuple(_locations(here, responses)),
        form=study.segments.needs,
        delight_from=here.delight_from or 9,
        minimum_group=study.minimum_group,
        planted=False,
    )
    return frame.reset_index(drop=True), book


def _school(scale):
    """Whether a scale is one of school grades, which the lessons' sentences speak of."""
    return (scale.min, scale.max) in ((0, 10), (1, 10))


def _labels(study, kept, ours, pairs, language):
    """Labels of the columns that are kept, and of nothing else: no location, no name."""
    words = study.labels(language)
    columns = {ours.get(c, c): words.column(c) for c in kept}
    columns |= {feature: words.column(pair[0]) for feature, pair in pairs.items()}
    return Labels(language, columns=columns, groups=dict(words.groups), segments=dict(words.segments))


def _locations(here, responses):
    """Locations under pseudonyms in an order that tells nothing: their mean, and answers to the nearest five, where the plan shows them."""
    if "location" not in responses:
        return []
    of = responses.groupby("location")[here.study.column("overall")].agg(["count", "mean"])
    of = of[[here.plan.shown("location", name, wave=here.wave) for name in of.index]]
    order = generator(20250101, "workshop locations").permutation(len(of))
    about = [(max(ABOUT, ABOUT * round(of["count"].iloc[k] / ABOUT)), round(float(of["mean"].iloc[k]), 1)) for k in order]
    return [{"location": f"loc-{i:02}", "block": "", "n": int(n), "mean": mean} for i, (n, mean) in enumerate(about, 1)]


def _crossed(frame, book, rng):
    """Answers that are nobody's, drawn by weight; once for the whole room, so that many drawings do not give away what one does not."""
    answers = frame.drop(columns="weight")
    answers = answers.astype({c: float for c in answers if answers[c].dtype.kind in "biuf"})
    chance = frame["weight"].fillna(0).to_numpy(dtype=float)
    alike = {"outcomes": ["overall", "recommend"], "together": book.pairs.values(), "apart": [c for c in ("churned",) if c in answers]}
    return cross(answers, n=min(POOL, len(frame)), rng=rng, chance=chance, **alike)


def _sample(crossed, book, rng):
    """A participant's answers: drawn from them with replacement."""
    return crossed.iloc[rng.choice(len(crossed), size=min(MOST, len(crossed)))].reset_index(drop=True).assign(wave=book.waves[-1])

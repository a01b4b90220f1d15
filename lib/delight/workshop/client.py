"""A room on a client's own answers: nothing that tells who answered, where or when, and nothing of small groups.

Lessons need answers, not only tables. What leaves the work folder is therefore cut to the grades themselves, and every participant gets a
sample of them drawn with replacement (by the sampling weights), so that nobody holds the data set and no row can be followed from one
participant to another. Locations appear as pseudonyms with their number of answers and mean, and only those with enough of them.
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
from delight.workshop.room import Book

#: Fewer answers carry no lesson; more than this a participant does not get.
FEWEST, MOST = 300, 2000
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
        The study's report has not been run, or it has too few answers or neither grade.
    """
    if not 1 <= participants <= 99:
        raise InputError(f"A room has 1 to 99 participants, not {participants}.")
    opened = open_study(study, raw=raw)
    wave = opened.newest_wave
    work = places.work_folder(opened.name, wave, reports)
    here = chapter.begin("workshop", study, wave=wave, out=str(work))
    if not here.exists("feedback.responses"):
        raise RunError(f"The lessons take the answers of the study's report. Run `delight run {opened.name}` first.")
    frame, book = _cut(here)
    if len(frame) < FEWEST:
        raise RunError(f"Lessons need at least {FEWEST} complete answers; {opened.name} has {len(frame)} in {wave}.")
    book.save(folder)
    for number in range(participants + 1):
        _sample(frame, book, generator(seed, f"workshop {opened.name} {number}")).to_parquet(
            Path(folder) / f"{number:02}.parquet", index=False
        )
    return Path(folder)


def _cut(here):
    """Grades alone, under the names that the lessons use, and what they mean."""
    study, responses = here.study, here.responses()
    if not (here.has("overall") and here.has("recommend")):
        raise RunError(f"The lessons need an overall grade and a likelihood to recommend; {study.name} lacks one of them.")
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
        locations=tuple(_locations(here, responses, study.minimum_group)),
        form=study.segments.needs,
        delight_from=here.delight_from or 9,
        minimum_group=study.minimum_group,
        planted=False,
    )
    return frame.reset_index(drop=True), book


def _school(scale):
    """Whether a scale is one of school grades, which the lessons' sentences speak of."""
    return scale is not None and (scale.min, scale.max) in ((0, 10), (1, 10))


def _labels(study, kept, ours, pairs, language):
    """Labels of the columns that are kept, and of nothing else: no location, no name."""
    words = study.labels(language)
    columns = {ours.get(c, c): words.column(c) for c in kept}
    columns |= {feature: words.column(pair[0]) for feature, pair in pairs.items()}
    return Labels(language, columns=columns, groups=dict(words.groups), segments=dict(words.segments))


def _locations(here, responses, minimum):
    """Locations under pseudonyms in an order that tells nothing, with answers and mean; those below the minimum are left out."""
    if "location" not in responses:
        return []
    y = here.study.column("overall")
    of = responses.groupby("location")[y].agg(["count", "mean"])
    of = of[of["count"] >= minimum]
    order = generator(20250101, "workshop locations").permutation(len(of))
    return [
        {"location": f"loc-{i + 1:02}", "block": "", "n": int(of["count"].iloc[k]), "mean": round(float(of["mean"].iloc[k]), 1)}
        for i, k in enumerate(order)
    ]


def _sample(frame, book, rng):
    """A participant's answers: rows drawn with replacement, by weight."""
    chance = frame["weight"].fillna(0).to_numpy(dtype=float)
    rows = rng.choice(len(frame), size=min(MOST, len(frame)), p=chance / chance.sum())
    drawn = frame.iloc[rows].drop(columns="weight").reset_index(drop=True)
    return drawn.assign(wave=book.waves[-1]).astype({c: float for c in drawn if drawn[c].dtype.kind in "biuf"})

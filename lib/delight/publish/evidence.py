"""What the chapter on claims needs: the survey as the ledger looks at it, and the recommendations this report makes."""

from __future__ import annotations

from dataclasses import asdict

from delight.claims import Survey
from delight.claims.ledger import TOPICS
from delight.study.codebook import TIES


def survey(here):
    """The survey of an opened chapter, with all waves up to the focus wave and the tables of the chapters before."""
    study, model = here.study, here.model()
    waves = here.responses(all_waves=True)
    waves = waves[waves["wave"].isin(here.waves)]
    questions = study.questions
    return Survey(
        frame=here.responses(),
        waves=waves,
        columns=here.columns,
        scales={c: q.scale for c, q in questions.items() if q.scale is not None},
        ties={c: {tie: asdict(q)[tie] for tie in TIES} for c, q in questions.items()},
        delight_from=here.delight_from,
        **{name: model[name] for name in ("weights", "weights_kind", "clusters", "not_applicable")},
        **{name: here.design()[name] for name in ("strata", "population", "labels")},
        order=list(here.waves),
        times=times(study, waves),
        table=lambda name: here.read(name) if here.exists(name) else None,
        n_boot=here.n_boot,
        seed=here.seed,
    )


def times(study, frame):
    """The middle day of each wave's answers, or None where a wave has no dates."""
    column = study.column("date")
    if column is None or column not in frame:
        return None
    middle = frame.groupby("wave")[column].median()
    return {wave: day.date() for wave, day in middle.items()} if middle.notna().all() else None


def topics(here):
    """Recommendations of this report, of `delight.claims.ledger.TOPICS`: what its priorities, segments and chapters speak of."""
    found = {"threshold"} if here.exists("loyalty.rule") else set()
    found |= {"delight_pays"} if here.exists("loyalty.blocks") else set()
    found |= {"segments"} if here.exists("segments.assignment") else set()
    found |= {"employees"} if here.columns("attribute:employee") else set()
    found |= {"failures"} if here.has("incident") or here.has("switch_after_one") else set()
    if here.exists("drivers.priorities"):
        actions = set(here.read("drivers.priorities").table["block"].dropna())
        found |= actions & set(TOPICS)
    return sorted(found)

"""A small made-up run, of the shape a real one has, for tests of the report: no kernel, no study, no real figures."""

import sys
import types
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from delight.publish.content import ChapterContent
from delight.result import Result
from delight.show import Words
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table
from delight.study import Labels

ASPECTS = ["warmth", "safety", "opening_hours", "information", "take_home_meals", "outdoor", "price", "app"]
NAMES = {
    "en": ["Warm staff", "Safety", "Opening hours", "Information about the day", "Take-home meals", "Playing outdoors", "Price", "App"],
    "nl": [
        "Warme medewerkers",
        "Veiligheid",
        "Openingstijden",
        "Informatie over de dag",
        "Meeneemmaaltijden",
        "Buiten spelen",
        "Prijs",
        "App",
    ],
    "da": ["Varme medarbejdere", "Sikkerhed", "Åbningstider", "Information om dagen", "Måltider med hjem", "Leg udendørs", "Pris", "App"],
}


def _module():
    """Views of the made-up chapters, registered as ``delight.show.made_up``."""
    made = types.ModuleType("delight.show.made_up")

    def define(view):
        object.__setattr__(view, "name", f"made_up.{view.function.__name__}")
        setattr(made, view.function.__name__, view)

    @define
    @reading
    def level(result, words, **options):
        row = result.table.iloc[0]
        mean, spread = words.grade(row["mean"]), words.interval(row["ci_lo"], row["ci_hi"])
        share = words.percent(row["share_delighted"])
        return [f"**{mean}** ({spread}), {share}, n = {words.number(row['n'])}. " * 3, f"{mean} · {share}"]

    @define
    @table(title=lambda r, w, **o: w.by("location"), note=lambda r, w, **o: w.source(r))
    def locations(result, words, **options):
        t = result.table[result.table["by"] == "location"]
        return [
            Column(words.by("location"), [words.location(g) for g in t["group"]]),
            Column("n", t["n"], "count"),
            Column("x̄", t["mean"], "grade", t["ci_lo"], t["ci_hi"]),
            Column("9–10", t["share_delighted"], "percent", t["share_delighted_lo"], t["share_delighted_hi"], emphasis=t["mean"] > 8.3),
        ]

    @define
    @figure(
        title=lambda r, w, **o: w.by("band"),
        caption=lambda r, w, **o: w.source(r),
        alt=lambda r, w, **o: w.listed([w.column(a) for a in r.table["attribute"]]),
        size=(170, 80),
    )
    def importance(result, ax, words, **options):
        t = result.table.sort_values("share")
        ax.barh([words.column(a) for a in t["attribute"]], t["share"], color=COLOURS["main"], height=0.62)
        ax.errorbar(t["share"], range(len(t)), xerr=[t["share"] - t["ci_lo"], t["ci_hi"] - t["share"]], fmt="none", ecolor=COLOURS["ink"])
        ax.xaxis.set_major_formatter(lambda v, _: words.percent(v))
        return ax

    @define
    @table(title=lambda r, w, **o: w.by("band"))
    def weights(result, words, **options):
        t = result.table
        return [
            Column(words.by("label"), [words.column(a) for a in t["attribute"]]),
            Column("%", t["share"], "percent", t["ci_lo"], t["ci_hi"]),
            Column("p", t["p"], "p"),
        ]

    @define
    @reading
    def caution(result, words, **options):
        return [words.source(result)]

    return made


sys.modules.setdefault("delight.show.made_up", _module())


@dataclass
class MadeUp:
    """Content as a run leaves it, in memory."""

    work: Path
    about: dict
    chapters: list
    results: dict
    columns: dict = field(default_factory=lambda: {k: dict(zip(ASPECTS, v)) for k, v in NAMES.items()})
    locations: dict = field(default_factory=dict)

    def result(self, name):
        return self.results[name]

    def has(self, name):
        return name in self.results

    def labels(self, language):
        return Labels(language, columns=self.columns[language], locations=self.locations)

    def words(self, language):
        return Words(language, self.labels(language))

    def table_names(self):
        return sorted(self.results)


def results(n_locations=12):
    """Made-up results by name."""
    rng = np.random.default_rng(1)
    groups = ["", *[f"l{i}" for i in range(n_locations)]]
    mean = np.round(rng.normal(8.1, 0.3, len(groups)), 3)
    n = np.array([1843, *rng.integers(20, 200, n_locations)])
    levels = pd.DataFrame(
        {
            "by": ["whole", *["location"] * n_locations],
            "group": groups,
            "mean": mean,
            "ci_lo": mean - 2 / np.sqrt(n),
            "ci_hi": mean + 2 / np.sqrt(n),
            "share_delighted": mean / 10 - 0.4,
            "share_delighted_lo": mean / 10 - 0.4 - 0.8 / np.sqrt(n),
            "share_delighted_hi": mean / 10 - 0.4 + 0.8 / np.sqrt(n),
            "n": n,
            "n_missing": 3,
            "n_eff": n.astype(float),
        }
    )
    share = np.array([0.243, 0.181, 0.156, 0.122, 0.104, 0.083, 0.0651, 0.046])
    drivers = pd.DataFrame({"attribute": ASPECTS, "share": share, "ci_lo": share * 0.8, "ci_hi": share * 1.2, "p": share**3})
    drivers = drivers.assign(n=1790, n_missing=53, n_eff=1790.0)
    meta = {"n_in": 1843, "n_used": 1790, "n_dropped_missing": 53, "n_eff": 1790.0, "weights": "none", "ci_level": 0.95}
    return {
        "satisfaction.levels": Result.of("M02", levels, **meta),
        "drivers.importance": Result.of("M14", drivers, **meta),
        "feedback.attrition": Result.of("feedback.attrition", pd.DataFrame({"step": ["read"], "n": [1843]})),
    }


def block(kind, view, *tables, place="body"):
    """A block as chapters leave it."""
    return {"kind": kind, "key": f"{tables[0]}:{view}", "view": f"made_up.{view}", "tables": list(tables), "place": place, "options": {}}


def content(work, **about):
    """A run of five chapters, one of them skipped."""
    about = {
        "study": "made-up",
        "organisation": "Kinderopvang De Wereld",
        "wave": "2025-1",
        "location": "",
        "language": "nl",
        "made_at": "2025-03-14T10:00:00+00:00",
        "partial": False,
        "delight_from": 9,
        "minimum_group": 10,
        "ci_level": 0.95,
        "report": {},
        "fieldwork": {"population": "1,204 families", "design": "all", "start": "2025-02-01", "languages": ["nl", "en"], "invited": 4120},
        "version": "0.1.0",
        **about,
    }
    chapters = [
        ChapterContent("feedback", "10-feedback", "done", [], [block("reading", "level", "satisfaction.levels")]),
        ChapterContent(
            "satisfaction",
            "20-satisfaction",
            "done",
            [],
            [
                block("reading", "level", "satisfaction.levels"),
                block("table", "locations", "satisfaction.levels"),
                block("note", "caution", "satisfaction.levels"),
            ],
        ),
        ChapterContent("segments", "30-segments", "skipped", [["need"]]),
        ChapterContent("loyalty", "40-loyalty", "skipped", [["overall"], ["recommend", "repurchase", "stayed"]]),
        ChapterContent(
            "drivers",
            "50-drivers",
            "done",
            [],
            [
                block("reading", "level", "satisfaction.levels"),
                block("figure", "importance", "drivers.importance"),
                block("table", "weights", "drivers.importance", place="annex"),
            ],
        ),
        ChapterContent("summary", "99-summary", "done", [], [block("reading", "level", "satisfaction.levels")]),
    ]
    made = MadeUp(Path(work), about, chapters, results())
    made.locations = {
        f"l{i}": f"De Kleine {name}"
        for i, name in enumerate(["Beer", "Uil", "Vos", "Egel", "Das", "Haas", "Ree", "Spin", "Mol", "Bij", "Pad", "Kikker"])
    }
    return made

"""The invented organisation: labels, locations, managers, and which location does which little act."""

from __future__ import annotations

import numpy as np
import pandas as pd

LABELS = {
    "nl": [
        "Zonnehoek",
        "Waterjuffer",
        "Boomrijk",
        "Kiekendorp",
        "Pluizebol",
        "Speelwerf",
        "Ravelijn",
        "Duinkinders",
        "Stadsmus",
        "Kleinduimpje",
        "Kersentuin",
        "Vlinderpad",
    ],
    "en": [
        "Sunnycorner",
        "Dragonfly",
        "Treetops",
        "Chickadee",
        "Dandelion",
        "Playwharf",
        "Bulwark",
        "Dunekids",
        "Citysparrow",
        "Thumbling",
        "Cherrygarden",
        "Butterflyway",
    ],
    "da": [
        "Solhjørnet",
        "Guldsmeden",
        "Trætoppen",
        "Kyllingebo",
        "Mælkebøtten",
        "Legeværftet",
        "Volden",
        "Klitbørn",
        "Byspurven",
        "Tommeliden",
        "Kirsebærhaven",
        "Sommerfuglen",
    ],
}
HOUSES = {
    "nl": """De Zonnebloem|Het Nestje|De Regenboog|De Wilg|Het Kasteel|De Ark|De Hoepel|Pinkeltje|De Kameleon|Het Molentje|De Speeldoos|De Vlieger
De Boomgaard|Het Lindehof|De Kikker|De Zevensprong|Het Vogelhuis|De Toverbal|De Klimop|De Eikel|Het Bolwerk|De Waterlelie|De Tol|De Bongerd
De Dolfijn|Het Kompas|De Rakkers|De Speelkade|Het Hofje|De Giraf|De Parel|De Wip|De Madelief|Het Sterrenbos|De Egel|De Kring
Het Vlot|De Hut|De Krekel|De Graankorrel|Het Zandkasteel|De Luchtballon|De Stokroos|Het Kroontje|De Appelboom|De Vuurtoren|De Buitenkans|De Merel""",
    "en": """Sunflower|The Nest|Rainbow|Willow|The Castle|The Ark|Hoopla|Thimble|Chameleon|Little Mill|Toybox|The Kite
Orchard|Linden Yard|The Frog|Seven Steps|Birdhouse|Gobstopper|Ivy|Acorn|The Fort|Water Lily|Spinning Top|Appleyard
Dolphin|Compass|Rascals|Quayside|The Court|Giraffe|Pearl|Seesaw|Daisy|Starwood|Hedgehog|The Circle
The Raft|The Den|Cricket|Barleycorn|Sandcastle|Balloon|Hollyhock|Little Crown|Apple Tree|Lighthouse|Lucky Day|Blackbird""",
    "da": """Solsikken|Reden|Regnbuen|Piletræet|Slottet|Arken|Tøndebåndet|Fingerbøllet|Kamæleonen|Den lille mølle|Legekassen|Dragen
Frugthaven|Lindegården|Frøen|Syvspringet|Fuglehuset|Bolsjet|Vedbenden|Agernet|Borgen|Åkanden|Snurretoppen|Æblegården
Delfinen|Kompasset|Krudtuglerne|Legekajen|Gårdhaven|Giraffen|Perlen|Vippen|Tusindfryd|Stjerneskoven|Pindsvinet|Kredsen
Flåden|Hulen|Fårekyllingen|Bygkornet|Sandslottet|Ballonen|Stokrosen|Den lille krone|Æbletræet|Fyrtårnet|Lykketræffet|Solsorten""",
}
REGIONS = {"nl": ["Noord", "Midden", "West", "Zuid"], "en": ["North", "Centre", "West", "South"], "da": ["Nord", "Midt", "Vest", "Syd"]}
TYPES = {"nl": ["stad", "buitenwijk", "dorp"], "en": ["town", "suburb", "village"], "da": ["by", "forstad", "landsby"]}
FIRST = {
    "nl": [
        "Marieke",
        "Joost",
        "Fenna",
        "Bram",
        "Saskia",
        "Ruben",
        "Hilde",
        "Wouter",
        "Noor",
        "Karim",
        "Annelies",
        "Sjoerd",
        "Esmee",
        "Tjeerd",
        "Yasmina",
        "Gijs",
        "Loes",
        "Emre",
        "Floor",
        "Henk",
    ],
    "en": [
        "Alice",
        "Tom",
        "Priya",
        "Owen",
        "Grace",
        "Samuel",
        "Ruth",
        "Daniel",
        "Nora",
        "Kareem",
        "Helen",
        "Fred",
        "Emily",
        "Ravi",
        "Yasmin",
        "Giles",
        "Lucy",
        "Emre",
        "Flora",
        "Henry",
    ],
    "da": [
        "Mette",
        "Jens",
        "Freja",
        "Bo",
        "Signe",
        "Rasmus",
        "Hanne",
        "Søren",
        "Nanna",
        "Karim",
        "Anne",
        "Sigurd",
        "Emilie",
        "Troels",
        "Yasmin",
        "Mads",
        "Lise",
        "Emre",
        "Astrid",
        "Henrik",
    ],
}
LAST = {
    "nl": [
        "Hogendijk",
        "van Wieren",
        "Brinkhuis",
        "Oosterveen",
        "de Rietkerk",
        "Schaapman",
        "van der Plas",
        "Molenkamp",
        "Eltink",
        "Draaisma",
        "Kuiperij",
        "Nieuwstad",
        "Zandvoorde",
    ],
    "en": [
        "Hartwell",
        "Penhallow",
        "Brindle",
        "Oxenham",
        "Redfern",
        "Shepley",
        "Underhay",
        "Millward",
        "Elphick",
        "Drayson",
        "Cooperwood",
        "Newsted",
        "Sandiford",
    ],
    "da": [
        "Højgaard",
        "Wibroe",
        "Brinkholm",
        "Østervang",
        "Rydahl",
        "Skovgaard",
        "Plesner",
        "Møllekær",
        "Eltang",
        "Drejer",
        "Kobbersted",
        "Nystad",
        "Sandvad",
    ],
}


def units(truth, rng, language, invited):
    """units.csv: one row a location, labels of different sizes; `population` adds up so that `invited` can be reached."""
    n, n_labels = truth.demo["locations"], truth.demo["labels"]
    label = np.sort(np.arange(n) % n_labels)
    names = LABELS[language] + [f"{LABELS[language][k % 12]} {k // 12 + 1}" for k in range(12, n_labels)]
    houses = [house for line in HOUSES[language].splitlines() for house in line.split("|")]
    house = [houses[k % len(houses)] + (f" {k // len(houses) + 1}" if k >= len(houses) else "") for k in rng.permutation(n)]
    inside = np.array([int((label[:k] == label[k]).sum()) for k in range(n)])
    boss = [f"{label[k]}-{inside[k] * 5 // 12}" for k in range(n)]
    number = pd.factorize(np.array(boss))[0]
    first, last = FIRST[language], LAST[language]
    managers = [f"{first[k % len(first)]} {last[(k * 5 + k // len(first)) % len(last)]}" for k in range(number.max() + 1)]
    size = np.exp(rng.normal(0, 0.35, n))
    population = np.maximum(_share_out(round(invited / truth.demo["reachable"]), size), 1)
    return pd.DataFrame(
        {
            "location": [
                f"{chr(65 + label[k] // 26) if n_labels > 26 else ''}{chr(65 + label[k] % 26)}{inside[k] + 1:02d}" for k in range(n)
            ],
            "name": house,
            "label": [names[k] for k in label],
            "region": [REGIONS[language][k * 4 // n_labels] for k in label],
            "manager": [managers[k] for k in number],
            "type": rng.choice(TYPES[language], n, p=[0.4, 0.35, 0.25]),
            "invited": population,
            "population": population,
        }
    )


def acts(truth, rng, units):
    """The act log: one row an act at a location, with its first day, the wave before which it began, and its monthly cost."""
    names = list(truth.acts)
    base = names if len(names) < 3 else names[:2] + names[3:]
    cells = rng.permutation(len(units)) % 2 ** len(base)
    waves = len(truth.demo["waves"])
    begins = np.minimum(1 + rng.permutation(len(units)) % 2, waves)
    rows = []
    for place in range(len(units)):
        done = {name: bool(cells[place] >> k & 1) for k, name in enumerate(base)}
        if len(names) >= 3:
            done[names[2]] = sum(done.values()) % 2 == 1
        wave = int(begins[place])
        if wave >= waves:
            continue
        since = pd.Timestamp(truth.demo["dates"][wave]) - pd.Timedelta(days=int(rng.integers(95, 130)))
        rows += [(units["location"][place], name, since, truth.acts[name].cost, place, wave) for name in names if done[name]]
    return pd.DataFrame(rows, columns=["location", "act", "since", "cost_per_month", "place", "wave"]).astype({"place": int, "wave": int})


def _share_out(total, size):
    """Whole numbers in proportion to `size` that add up to `total` (largest remainders)."""
    exact = total * size / size.sum()
    whole = np.floor(exact).astype(int)
    rest = np.argsort(-(exact - whole), kind="stable")[: total - whole.sum()]
    whole[rest] += 1
    return whole

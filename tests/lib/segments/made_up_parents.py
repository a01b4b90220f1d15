"""Invented parents who rate their needs: groups, a level of one's own, noise."""

import numpy as np
import pandas as pd

ITEMS = [f"need_{c}" for c in "abcdefghij"]
MEANS = np.array([3.75, 3.65, 3.6, 3.55, 3.5, 3.6, 3.6, 3.6, 3.55, 3.5])
WISHES = np.zeros((3, 10))
WISHES[1, 3:6], WISHES[1, 6:] = 1.0, -0.7
WISHES[2, 3:6], WISHES[2, 6:] = -0.8, 0.75
ARCHETYPES = {
    "quality": {},
    "pedagogy": {**dict.fromkeys(ITEMS[3:6], "high"), **dict.fromkeys(ITEMS[6:], "low")},
    "unburden": {**dict.fromkeys(ITEMS[3:6], "low"), **dict.fromkeys(ITEMS[6:], "high")},
}


def parents(n, seed=0, wish=1.0, style=0.55, noise=0.6, missing=0.012):
    rng = np.random.default_rng(seed)
    group = rng.choice(3, size=n, p=[0.45, 0.25, 0.3])
    own = style * rng.normal(size=(n, 1))
    latent = MEANS + wish * WISHES[group] + np.exp(rng.normal(0, 0.15, (n, 1))) * (own + noise * rng.normal(size=(n, 10)))
    ratings = np.clip(np.round(latent), 1, 5)
    ratings[rng.random(ratings.shape) < missing] = np.nan
    frame = pd.DataFrame(ratings, columns=ITEMS)
    frame.insert(0, "respondent", [f"r{i:05d}" for i in range(n)])
    return frame, group

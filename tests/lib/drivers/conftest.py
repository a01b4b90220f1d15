"""Data that several driver tests look at."""

import json

import numpy as np
import pandas as pd
import pytest
from delight.scales import Scale


@pytest.fixture(scope="session")
def reference(shared):
    def read(folder, name):
        return json.loads((shared / "reference" / folder / f"{name}.json").read_text())

    return read


@pytest.fixture(scope="session")
def attitude(shared):
    return pd.read_csv(shared / "reference/driver_importance/attitude.csv")


@pytest.fixture(scope="session")
def mobi(shared):
    frame = pd.read_csv(shared / "reference/driver_importance/mobi.csv")
    frame["sat"] = frame[["CUSA1", "CUSA2", "CUSA3"]].mean(axis=1)
    return frame


PERQ = [f"PERQ{i}" for i in range(1, 8)]


@pytest.fixture(scope="session")
def perq():
    return {"x": PERQ, "scales": {c: Scale(1, 10) for c in [*PERQ, "CUSA1"]}}


@pytest.fixture
def planted():
    """Answers on 1-10 with one basic, one delight, two straight-line and two empty experiences."""

    def make(n=2000, seed=1):
        rng = np.random.default_rng(seed)
        halo = rng.normal(size=n)
        x = {
            a: np.clip(np.round(7.8 + 1.1 * (0.6 * halo + 0.8 * rng.normal(size=n)) * 1.6), 1, 10)
            for a in ("basic", "delight", "one", "two", "nil", "nought")
        }
        y = 7.4 + 0.75 * np.minimum(x["basic"] - 8, 0) + 0.75 * np.maximum(x["delight"] - 8, 0)
        y = y + 0.25 * (x["one"] - 8) + 0.2 * (x["two"] - 8) + rng.normal(scale=0.9, size=n)
        return pd.DataFrame({**x, "overall": np.clip(np.round(y), 0, 10)})

    return make


@pytest.fixture(scope="session")
def six():
    names = ["basic", "delight", "one", "two", "nil", "nought"]
    return {"y": "overall", "x": names, "scales": {**{c: Scale(1, 10) for c in names}, "overall": Scale(0, 10)}}

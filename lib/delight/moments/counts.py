"""Counts of identical answers: cells of a Kano table, patterns of latent classes, answers by point of a scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from delight.errors import InputError
from delight.estimate import Sample, need_columns, sample
from delight.moments.source import Source, quoted
from delight.scales import check_scale


def counts(source, columns, *, by=(), scales=None, weights=None, weights_kind="sampling"):
    """How often each combination of answers occurs, in one query (method M39).

    Parameters
    ----------
    source : DataFrame, path, glob, sequence of paths (all Parquet or all CSV), or DuckDB relation
    columns : sequence of str
        Answers that make a pattern; missing is an answer of its own, so that nothing is lost.
    by : str or sequence of str
        Further columns (location, segment, cluster, stratum).
    scales : dict of str to Scale, optional
        Checked on the patterns where given.
    weights, weights_kind : as in `estimate.sample`
        A row without a weight counts as one without answers, a row of weight 0 not at all.

    Returns
    -------
    Counts

    Raises
    ------
    InputError
        Unknown columns, answers outside their scale, negative weights.
    """
    source = source if isinstance(source, Source) else Source(source)
    by = [by] if isinstance(by, str) else list(by)
    columns = [columns] if isinstance(columns, str) else list(columns)
    keys = list(dict.fromkeys([*columns, *by]))
    source.need([*keys, *([weights] if weights else [])])
    if weights_kind not in ("sampling", "frequency"):
        raise InputError(f"weights_kind is 'sampling' or 'frequency', not {weights_kind!r}.")
    clash = [c for c in keys if c in Counts.OWN]
    if clash:
        raise InputError(f"Counts are named {', '.join(Counts.OWN)}: rename the column {', '.join(clash)}.")
    rows = source.query()
    if weights:
        _check_weights(rows, weights, weights_kind)
        rows = rows.filter(f"{quoted(weights)} is distinct from 0")
    picked = ", ".join(
        f"case when {quoted(weights)} is null then null else {quoted(c)} end as {quoted(c)}" if weights and c not in by else quoted(c)
        for c in keys
    )
    frequency = bool(weights) and weights_kind == "frequency"
    weight = f"cast({quoted(weights)} as double)" if weights else "1.0"
    rows = rows.project(f"{picked}, {weight} as w")
    n = "fsum(coalesce(w, 0))" if frequency else "count(*)::double"
    summed = rows.aggregate(f"{', '.join(map(quoted, keys))}, {n} as n, coalesce(fsum(w), 0) as w, coalesce(fsum(w * w), 0) as w2")
    frame = summed.order(", ".join(f"{quoted(c)} nulls last" for c in keys)).df()
    for c, scale in (scales or {}).items():
        if c in columns:
            _check_cells(frame, c, scale)
    return Counts(frame[[*keys, *Counts.OWN]], columns, weights_kind if weights else "none")


def _check_weights(rows, weights, kind):
    name = quoted(weights)
    below, broken = rows.aggregate(f"count(*) filter ({name} < 0), count(*) filter ({name} % 1 <> 0)").fetchall()[0]
    if below:
        raise InputError(f"Column '{weights}': {below} negative weights.")
    if kind == "frequency" and broken:
        raise InputError(f"Column '{weights}': frequency weights must be whole numbers.")


def _check_cells(frame, column, scale):
    try:
        check_scale(frame[column], scale, column=column)
    except InputError:
        values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float)
        bad = ~scale.allows(values)
        if not bad.any():
            raise
        n = frame["n"].to_numpy()
        raise InputError(
            f"Column '{column}': {n[bad].sum():.0f} of {n.sum():.0f} scores lie outside {scale} (first: {values[bad][0]:g}). "
            "Recode them, or list them under `missing_codes` in codebook.csv."
        ) from None


@dataclass(frozen=True)
class Counts:
    """Distinct combinations of answers, with how many answers and how much weight each stands for.

    Attributes
    ----------
    frame : DataFrame
        One row a combination: the columns counted, ``n`` (answers), ``w`` and ``w2`` (their summed weights and squared weights).
    columns : list of str
        The answers (the other columns are groups).
    kind : {"none", "sampling", "frequency"}
    """

    frame: pd.DataFrame
    columns: list
    kind: str

    OWN = ("n", "w", "w2")

    def __getitem__(self, column):
        """What a method that needs rows asks for."""
        raise InputError("This method, or an option of it, needs a frame: give it what `as_frequencies` returns.")

    @property
    def n_in(self):
        return int(round(self.frame["n"].sum()))

    def as_frequencies(self):
        """(frame, name of its weight column): what any method takes with ``weights_kind="frequency"``.

        Raises
        ------
        InputError
            Sampling weights differ within a combination: they are no frequencies.
        """
        if self.kind == "sampling":
            raise InputError("Counts with sampling weights are no frequencies; give them to a method that accepts counts as they are.")
        return self.frame.drop(columns=["w", "w2"]), "n"

    def sample(self, columns):
        """The answers as a `Sample`, in rows that may stand for many.

        Notes
        -----
        A combination of n answers with weights of sum s and squared sum q stands as s²/q answers of weight q/s and n - s²/q answers of
        weight 0, which have the same n, Σw and Σw²: whatever depends on weights through these is what the rows would give.
        """
        need_columns(self.frame, columns)
        if self.kind != "sampling":
            return sample(self.frame, columns, weights="n", weights_kind="frequency")
        answered = self.frame[columns].notna().all(axis=1) & (self.frame["w"] > 0)
        kept = self.frame[answered]
        n, w, w2 = (kept[c].to_numpy(dtype=float) for c in self.OWN)
        full = w**2 / w2
        f, each = np.column_stack([n - full, full]).ravel(), np.column_stack([0 * w, w2 / w]).ravel()
        twice = kept.iloc[np.repeat(np.arange(len(kept)), 2)].reset_index(drop=True)
        total = int(round(n.sum()))
        n_eff = float(w.sum() ** 2 / w2.sum()) if total else 0.0
        return Sample(
            twice, each * total / w.sum() if total else each, "sampling", total, self.n_in - total, self.n_in, n_eff, np.maximum(f, 0.0)
        )

    def smaller_than(self, minimum=10):
        """Combinations of fewer than `minimum` answers."""
        return self.frame[self.frame["n"] < minimum]

    def save(self, path, *, minimum=10):
        """Write a Parquet file; refused while a combination has fewer than `minimum` answers (1 where it stays with the answers)."""
        small = self.smaller_than(minimum)
        if len(small):
            raise InputError(
                f"{len(small)} of {len(self.frame)} combinations have fewer than {minimum} answers; they are not released. "
                "Count fewer columns, or keep the file beside the answers with minimum=1."
            )
        self.frame.to_parquet(path, index=False)
        return path

"""Rows that are read once or twice but never held: a frame, Parquet or CSV files, or anything that DuckDB can query."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from delight.errors import InputError, did_you_mean

#: Rows of a piece, and of the batches that a query is read in.
ROWS, BATCH = 2**19, 2**16
SEPARATED = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")


class Column(NamedTuple):
    """Values of one column of a piece, and where they are missing (None: nowhere); NaN is missing too."""

    values: np.ndarray
    missing: np.ndarray | None


class Batch:
    """Some rows, whose columns are read when they are asked for, so that a column is still in the processor's cache while it is checked."""

    def __init__(self, rows, read):
        self.rows, self.read = rows, read

    def __getitem__(self, name):
        return self.read(name)


class Source:
    """Something with named columns that can be read in pieces, more than once.

    Parameters
    ----------
    given : DataFrame, path, glob, sequence of paths, or DuckDB relation
        Files are all Parquet, or all CSV (or TSV).
    """

    def __init__(self, given):
        self.frame = self.files = self.relation = None
        if isinstance(given, pd.DataFrame):
            self.frame, self.names = given, list(given.columns)
        elif hasattr(given, "to_arrow_reader"):
            self.relation, self.names = given, list(given.columns)
        else:
            self._open(_paths(given))

    def _open(self, paths):
        if all(p.lower().endswith((".parquet", ".pq")) for p in paths):
            import pyarrow.parquet as parquet

            self.files = [(p, parquet.read_metadata(p)) for p in paths]
            names = [[f.schema.column(i).path for i in range(f.num_columns)] for _, f in self.files]
            self.names = [c for c in names[0] if all(c in other for other in names)]
        elif all(p.lower().endswith(SEPARATED) for p in paths):
            self.relation = read_files(paths)
            self.names = list(self.relation.columns)
        else:
            raise InputError(f"Files are all Parquet or all CSV, not {', '.join(sorted({Path(p).suffix for p in paths}))}.")

    def need(self, columns):
        """Raise `InputError` listing every column that is not there."""
        missing = [c for c in dict.fromkeys(columns) if c not in self.names]
        if missing:
            hints = "; ".join(f"'{c}'{did_you_mean(c, self.names)}" for c in missing)
            raise InputError(f"The table lacks {len(missing)} column(s) the method needs: {hints}")

    def rows(self):
        """Number of rows."""
        if self.frame is not None:
            return len(self.frame)
        if self.files is not None:
            return sum(about.num_rows for _, about in self.files)
        return int(self.relation.aggregate("count(*)").fetchall()[0][0])

    def pieces(self, columns, rows=ROWS):
        """Pieces of about `rows` rows in their order: (position of the first row, function that yields a `Batch` or several).

        The functions may be called from several threads.
        """
        columns = list(dict.fromkeys(columns))
        if self.frame is not None:
            for start in range(0, len(self.frame), rows):
                part = self.frame[columns].iloc[start : start + rows]
                yield start, lambda part=part: iter([Batch(len(part), lambda c: _of_series(part[c]))])
        elif self.files is not None:
            yield from self._row_groups(columns, rows)
        else:
            start = 0
            for batch in self.relation.select(*map(_named, columns)).to_arrow_reader(rows):
                yield start, lambda batch=batch: (_of_records(batch.slice(i, BATCH)) for i in range(0, batch.num_rows, BATCH))
                start += batch.num_rows

    def _row_groups(self, columns, most):
        import pyarrow.parquet as parquet

        def load(path, about, groups):
            with parquet.ParquetFile(path, metadata=about, pre_buffer=False) as file:
                for group in groups:

                    def read(column, group=group):
                        return _of_arrow(file.read_row_group(group, columns=[column], use_threads=False).column(0))

                    yield Batch(about.row_group(group).num_rows, read)

        start = 0
        for path, about in self.files:
            groups, rows = [], 0
            for number in range(about.num_row_groups):
                groups.append(number)
                rows += about.row_group(number).num_rows
                if rows >= 0.9 * most or number + 1 == about.num_row_groups:
                    yield start, lambda path=path, about=about, groups=groups: load(path, about, groups)
                    start, groups, rows = start + rows, [], 0

    def to_frame(self, columns):
        """All rows of some columns."""
        if self.frame is not None:
            return self.frame[list(columns)]
        if self.relation is not None:
            return self.relation.select(*map(_named, columns)).df()
        return read_files([path for path, _ in self.files]).select(*map(_named, columns)).df()

    def query(self):
        """The source as a DuckDB relation."""
        import duckdb

        if self.relation is not None:
            return self.relation
        if self.files is not None:
            return read_files([path for path, _ in self.files])
        return duckdb.connect().from_df(self.frame)


def read_files(paths):
    """Files as a DuckDB relation with a connection of its own."""
    import duckdb

    connection = duckdb.connect()
    exactly = [re.sub(r"([*?\[])", r"[\1]", p) for p in paths]  # DuckDB would take these for globs
    if paths[0].lower().endswith((".parquet", ".pq")):
        return connection.read_parquet(exactly, union_by_name=True)
    return connection.read_csv(exactly, union_by_name=True, sample_size=-1)


def quoted(name):
    """A column's name as SQL, whatever it holds."""
    return '"' + str(name).replace('"', '""') + '"'


def _named(name):
    import duckdb

    return duckdb.ColumnExpression(str(name))


def _paths(given):
    each = [given] if isinstance(given, (str, Path)) else list(given)
    found = []
    for one in map(str, each):
        matches = [one] if Path(one).is_file() else sorted(glob.glob(one))
        if not matches:
            raise InputError(f"No file '{one}'.")
        found += matches
    if not found:
        raise InputError("No file to read.")
    return found


def _of_series(series):
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_numeric_dtype(series.dtype):
        missing = series.isna().to_numpy()
        kept = series.dtype.kind if isinstance(series.dtype, np.dtype) else ""
        values = series.to_numpy() if kept in "iuf" and kept else series.to_numpy(dtype=float, na_value=np.nan)
        return Column(values, missing if missing.any() else None)
    missing = series.isna().to_numpy()
    return Column(series.astype(object).to_numpy(), missing if missing.any() else None)


def _of_records(batch):
    return Batch(batch.num_rows, lambda c: _of_arrow(batch.column(batch.schema.names.index(c))))


def _of_arrow(array):
    """Numbers as they lie in memory; text as objects."""
    import pyarrow as pa

    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks == 1 else pa.concat_arrays(array.chunks)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind)
    if not number:
        missing = np.asarray(array.is_null()) if array.null_count else None
        coded = array.dictionary_encode()
        texts = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
        return Column(texts[np.asarray(coded.indices.fill_null(len(texts) - 1))], missing)
    if pa.types.is_boolean(kind) or pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        array = array.cast(pa.float64())
    size, dtype = len(array), np.dtype(array.type.to_pandas_dtype())
    bits, data = array.buffers()
    values = np.frombuffer(data, dtype=dtype, count=array.offset + size)[array.offset :] if size else np.empty(0, dtype)
    missing = None
    if array.null_count:
        missing = np.unpackbits(~np.frombuffer(bits, np.uint8), bitorder="little", count=array.offset + size)[array.offset :].view(bool)
    return Column(values, missing)

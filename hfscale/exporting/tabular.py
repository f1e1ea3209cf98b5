"""Columns as CSV, Parquet and NumPy files."""

import csv
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped

from hfscale.errors import InputError
from hfscale.exporting.columns import Column, flat_columns


def csv_text(columns: Sequence[Column]) -> str:
    """Write columns as CSV; numbers read back exactly, and a missing one is an empty field."""
    flat = flat_columns(columns)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in flat])
    writer.writerows(zip(*(column.values for column in flat), strict=True))
    return stream.getvalue()


def parquet_bytes(columns: Sequence[Column]) -> bytes:
    """Write columns as a Parquet file; what is missing is null.

    Raises:
        InputError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError("writing Parquet needs pyarrow", remedy="pip install 'hfscale[parquet]'") from error
    types = {"text": pyarrow.string(), "integer": pyarrow.int64(), "number": pyarrow.float64()}
    table = pyarrow.table({c.name: pyarrow.array(c.values, types[c.type]) for c in flat_columns(columns)})
    stream = io.BytesIO()
    pyarrow.parquet.write_table(table, stream)
    return stream.getvalue()


def npz_bytes(columns: Sequence[Column]) -> bytes:
    """Write columns as an ``.npz`` archive of plain arrays, which `numpy.load` opens without pickle.

    Every array has the rows as its first axis; bands have a second one of five, intervals end in one of two. Missing
    numbers are NaN, missing texts are empty.
    """
    stream = io.BytesIO()
    # Not numpy.savez, which takes names as arguments: a label may be called "file".
    with zipfile.ZipFile(stream, "w") as archive:
        for column in columns:
            with archive.open(f"{column.name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, _array(column), allow_pickle=False)
    return stream.getvalue()


def _array(column: Column) -> Shaped[np.ndarray, "row *shape"]:
    missing, dtype = ("", np.str_) if column.type == "text" else (float("nan"), np.float64)
    if column.type == "integer" and None not in column.values and not column.shape:
        return np.array(column.values, dtype=np.int64)
    return np.array(_filled(column.values, missing), dtype=dtype).reshape(len(column.values), *column.shape)


def _filled(values: list[Any], missing: Any) -> list[Any]:
    return [
        _filled(value, missing) if isinstance(value, list) else missing if value is None else value for value in values
    ]

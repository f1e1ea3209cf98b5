"""Tables of yields as rows, each with the place that messages name."""

import csv
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hfscale.errors import InputError, SchemaError, SourceError


class Row(NamedTuple):
    """One row of a table.

    Attributes:
        place: Where it is, for messages: a line of a file, or the number of the row.
        values: Value by column; None for an empty cell.
    """

    place: str
    values: Mapping[str, Any]

    def text(self, column: str) -> str:
        """Return what must be there, as text.

        Raises:
            SchemaError: The cell is empty.
        """
        value = self.values.get(column)
        if value is None:
            raise SchemaError(f"the cell of column {column!r} is empty or NaN", place=self.place, remedy="fill it in")
        return str(value)

    def number(self, column: str, least: float = 0.0) -> float | None:
        """Return a finite number that is not below another one, None for an empty cell.

        Raises:
            SchemaError: It is something else.
        """
        value = self.values.get(column)
        if value is None:
            return None
        number = as_number(value)
        if number is None or not math.isfinite(number) or number < least:
            raise SchemaError(
                f"{column!r} is {value!r}, which is no finite number of at least {least:g}",
                place=self.place,
                remedy=f"give a number; {column!r} may not be negative or NaN",
            )
        return number


def as_number(value: object) -> float | None:
    """Return a number, or a text that is one, as a float; None for anything else."""
    try:
        return None if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def read_rows(table: Any) -> list[Row]:
    """Read a table.

    Args:
        table: A CSV file with a header, a data frame, a mapping of columns, or a sequence of rows.

    Raises:
        SourceError: The file cannot be read.
        SchemaError: Rows and columns do not fit.
        InputError: It is nothing of these, or empty.
    """
    if isinstance(table, str | os.PathLike):
        rows = _of_file(Path(table))
    elif hasattr(table, "to_dict") and hasattr(table, "columns"):
        rows = _of_records(table.astype(object).where(table.notna(), None).to_dict("records"))
    elif isinstance(table, Mapping):
        rows = _of_columns(table)
    elif isinstance(table, Sequence) and all(isinstance(row, Mapping) for row in table):
        rows = _of_records(table)
    else:
        raise InputError(
            f"{type(table).__name__} is no table", remedy="give a CSV file, a data frame, columns, or rows by column"
        )
    if not rows:
        raise InputError("the table of yields has no rows", remedy="give one row per signal point, channel and bin")
    return rows


def _of_file(path: Path) -> list[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            records = [(reader.line_num, record) for record in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"the table {path} cannot be read: {error}") from error
    rows = []
    for line, record in records:
        place = f"{path}, line {line}"
        if None in record or None in record.values():
            raise SchemaError("the number of cells is not that of the header", place=place, remedy="correct the line")
        rows.append(Row(place, {name.strip(): _cell(value.strip()) for name, value in record.items()}))
    return rows


def _of_records(records: Iterable[Mapping[str, Any]]) -> list[Row]:
    return [
        Row(f"row {k}", {str(name): _cell(value) for name, value in record.items()}) for k, record in enumerate(records)
    ]


def _of_columns(columns: Mapping[str, Sequence[Any]]) -> list[Row]:
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise SchemaError(f"the columns have different lengths: {lengths}", remedy="give one value per row in each")
    return _of_records(dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))


def _cell(value: object) -> object:
    """Return a value, None for an empty cell."""
    return None if value is None or value == "" else value

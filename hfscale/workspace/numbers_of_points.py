"""A number for every signal point, as users keep it: one for all, JSON, or CSV."""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hfscale.errors import SchemaError, SelectionError, SourceError
from hfscale.workspace.sources import parse_json

Given = float | int | str | Path | Mapping[str, float | int]


class Quantity(NamedTuple):
    """What the numbers are, for messages and for what is allowed.

    Attributes:
        name: The word for one of them.
        names: The word for several.
        unit: Their unit with a word before it, empty for pure numbers.
        below: Numbers are above 0 and below this.
    """

    name: str
    names: str
    unit: str = ""
    below: float = math.inf

    @property
    def range(self) -> str:
        """Which numbers are allowed."""
        return "finite number above 0" if self.below == math.inf else f"number between 0 and {self.below:g}"

    @property
    def remedy(self) -> str:
        """How a file is to be written."""
        number = f"{self.name}{self.unit}"
        return (
            f'write JSON, {{"signal point": {number}, ...}}, or CSV with the name of a signal point and its {number}'
            " per line"
        )


def read_numbers(source: Given, names: Sequence[str], quantity: Quantity) -> dict[str, float]:
    """The number of every signal point.

    Args:
        source: One number for all points (or its text), a JSON or CSV file, or the mapping itself. A file may have
            points that are not asked for. The first line of a CSV file may name the columns.
        names: Names of the signal points.
        quantity: What the numbers are.

    Raises:
        SourceError: The file cannot be read or is not JSON.
        SchemaError: The file holds something else, a point is there twice, or a number is not allowed.
        SelectionError: A point has no number.
    """
    known, where = _given(source, names, quantity)
    missing = [name for name in names if name not in known]
    if missing:
        raise SelectionError(
            f"{where} has no {quantity.name} of {len(missing)} of {len(names)} signal points",
            place=", ".join(missing[:3]),
            remedy="add them, or choose fewer points",
        )
    return {name: _checked(known[name], where, name, quantity) for name in names}


def number_of_all(source: Given) -> float | None:
    """The one number for all points, None where each has its own."""
    return None if isinstance(source, Mapping) else _number(source)


def _given(source: Given, names: Sequence[str], quantity: Quantity) -> tuple[Mapping[str, Any], str]:
    if isinstance(source, Mapping):
        return source, "what was given in memory"
    value = _number(source)
    if value is not None:
        return dict.fromkeys(names, value), "the given number"
    return _read(Path(str(source)), quantity), str(source)


def _number(text: float | int | str | Path) -> float | None:
    try:
        return float(text) if not isinstance(text, Path) else None
    except ValueError:
        return None


def _read(path: Path, quantity: Quantity) -> Mapping[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"the {quantity.names} {path} cannot be read: {error.strerror or error}", remedy="give a number or a file"
        ) from error
    if path.suffix.lower() != ".csv":
        document = parse_json(content, str(path))
        if not isinstance(document, dict):
            raise SchemaError(f"{path} holds no {quantity.names}", remedy=quantity.remedy)
        return document
    found: dict[str, Any] = {}
    for line, name, value in _lines(content, path, quantity):
        if name in found:
            raise SchemaError(f"{path} has {name!r} twice", place=f"line {line}", remedy="remove one of them")
        found[name] = value
    return found


def _lines(content: bytes, path: Path, quantity: Quantity) -> Iterator[tuple[int, str, float]]:
    """Line number, name and number of every line but the header."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path} is not CSV: {error}", remedy=quantity.remedy) from error
    for line, row in enumerate(rows, start=1):
        if not row:
            continue
        value = _number(row[1]) if len(row) == 2 else None
        if value is None:
            if line == 1 and len(row) == 2:
                continue
            raise SchemaError(
                f"{path} has a line that is no name and number", place=f"line {line}", remedy=quantity.remedy
            )
        yield line, row[0].strip(), value


def _checked(value: object, where: str, name: str, quantity: Quantity) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < quantity.below:
        raise SchemaError(
            f"{where} has the {quantity.name} {value!r}, which is no {quantity.range}",
            place=name,
            remedy=quantity.remedy,
        )
    return float(value)

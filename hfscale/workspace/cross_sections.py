"""Cross-sections of signal points: ``--cross-section VALUE|FILE``."""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hfscale.errors import SchemaError, SelectionError, SourceError
from hfscale.workspace.sources import parse_json

_REMEDY = (
    'write JSON, {"signal point": cross-section in fb, ...}, or CSV with the name of a signal point and its'
    " cross-section in fb per line"
)


def read_cross_sections(
    source: float | int | str | Path | Mapping[str, float | int], names: Sequence[str]
) -> dict[str, float]:  # fmt: skip
    """Cross-section of every signal point, in fb.

    Args:
        source: One number for all points (or its text), a JSON or CSV file, or the mapping itself. A file may have
            points that are not asked for. The first line of a CSV file may name the columns.
        names: Names of the signal points.

    Raises:
        SourceError: The file cannot be read or is not JSON.
        SchemaError: The file holds something else, a point is there twice, or a number is not finite and above 0.
        SelectionError: A point has no cross-section.
    """
    known, where = _given(source, names)
    missing = [name for name in names if name not in known]
    if missing:
        raise SelectionError(
            f"{where} has no cross-section of {len(missing)} of {len(names)} signal points",
            place=", ".join(missing[:3]),
            remedy="add them, or choose fewer points",
        )
    return {name: _checked(known[name], where, name) for name in names}


def _given(
    source: float | int | str | Path | Mapping[str, float | int], names: Sequence[str]
) -> tuple[Mapping[str, Any], str]:  # fmt: skip
    if isinstance(source, Mapping):
        return source, "what was given in memory"
    value = _number(source)
    if value is not None:
        return dict.fromkeys(names, value), "the given number"
    return _read(Path(str(source))), str(source)


def _number(text: float | int | str | Path) -> float | None:
    try:
        return float(text) if not isinstance(text, Path) else None
    except ValueError:
        return None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"the cross-sections {path} cannot be read: {error.strerror or error}", remedy="give a number or a file"
        ) from error
    if path.suffix.lower() != ".csv":
        document = parse_json(content, str(path))
        if not isinstance(document, dict):
            raise SchemaError(f"{path} holds no cross-sections", remedy=_REMEDY)
        return document
    found: dict[str, Any] = {}
    for line, name, value in _lines(content, path):
        if name in found:
            raise SchemaError(f"{path} has {name!r} twice", place=f"line {line}", remedy="remove one of them")
        found[name] = value
    return found


def _lines(content: bytes, path: Path) -> Iterator[tuple[int, str, float]]:
    """Line number, name and cross-section of every line but the header."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path} is not CSV: {error}", remedy=_REMEDY) from error
    for line, row in enumerate(rows, start=1):
        if not row:
            continue
        value = _number(row[1]) if len(row) == 2 else None
        if value is None:
            if line == 1 and len(row) == 2:
                continue
            raise SchemaError(f"{path} has a line that is no name and number", place=f"line {line}", remedy=_REMEDY)
        yield line, row[0].strip(), value


def _checked(value: object, where: str, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < math.inf:
        raise SchemaError(
            f"{where} has the cross-section {value!r}, which is no finite number above 0", place=name, remedy=_REMEDY
        )
    return float(value)

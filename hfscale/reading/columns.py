"""Numbers of the JSON objects of signal points as arrays, NaN where there is none."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

_N_BAND = 5
Row = Mapping[str, Any]


def number_of(value: float | None) -> float:
    """A number, NaN for None."""
    return float("nan") if value is None else float(value)


def column(rows: Sequence[Row], key: str) -> Float[np.ndarray, " row"]:
    """The numbers under a key."""
    return np.array([number_of(row.get(key)) for row in rows], dtype=np.float64)


def bands(rows: Sequence[Row], key: str) -> Float[np.ndarray, "row nsigma"]:
    """The five numbers under a key, for -2 to +2 standard deviations."""
    nothing = [None] * _N_BAND
    found = [[number_of(value) for value in row.get(key) or nothing] for row in rows]
    return np.array(found, dtype=np.float64).reshape(len(rows), _N_BAND)


def pairs(rows: Sequence[Row], key: str) -> Float[np.ndarray, "row side"]:
    """The two numbers under a key."""
    return np.array([[number_of(value) for value in row.get(key) or (None, None)] for row in rows], dtype=np.float64)


def intervals(rows: Sequence[Row], key: str) -> Float[np.ndarray, "row side"]:
    """The intervals under a key of what is told of toys."""
    found = [(row.get("toys") or {}).get(key) or (None, None) for row in rows]
    return np.array([[number_of(end) for end in ends] for ends in found], dtype=np.float64)


def labels(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """The value of each label of the patchset at each point."""
    names = rows[0]["values"] if rows else {}
    return {label: np.array([row["values"][label] for row in rows]) for label in names}

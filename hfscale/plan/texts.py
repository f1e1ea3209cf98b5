"""Grids of values of parameters and durations, as people write them."""

import math
from collections.abc import Iterable

_LARGEST = 10_000


def read_values(text: str) -> tuple[float, ...]:
    """Values of the grid ``A:B:N`` of any parameter: N of them, evenly spaced from A to B.

    Raises:
        ValueError: The text is something else, A is not below B, or N is below 2 or too large.
    """
    return _evenly_spaced(text, -math.inf, "A < B")


def checked_values(text: str) -> str:
    """The text itself, if `read_values` can read it.

    Raises:
        ValueError: As `read_values`.
    """
    read_values(text)
    return text


def read_grid(text: str) -> tuple[float, ...]:
    """Ascending values of the POI, which is not negative: those of grids ``A:B:N`` and single ones, between commas.

    Raises:
        ValueError: As `read_values`, A is negative, or there are too many values or less than two.
    """
    values: set[float] = set()
    for part in text.split(","):
        values.update(_evenly_spaced(part, 0.0, "0 <= A < B") if ":" in part else (_single(part),))
    if not 2 <= len(values) <= _LARGEST:
        raise ValueError(f"a grid needs 2 to {_LARGEST} values, as A:B:N or between commas, for example 0:2:21,3,4")
    return tuple(sorted(values))


def write_grid(values: Iterable[float]) -> str:
    """The text that `read_grid` reads these values from, to the last bit."""
    return ",".join(repr(float(value)) for value in sorted(set(values)))


def _single(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value < math.inf:
        raise ValueError("a grid is written A:B:N, for example 0:5:41, or as values of at least 0 between commas")
    return value


def _evenly_spaced(text: str, least: float, needed: str) -> tuple[float, ...]:
    parts = text.split(":")
    if len(parts) != 3:
        raise ValueError("a grid is written A:B:N, for example 0:5:41")
    first, last, count = float(parts[0]), float(parts[1]), int(parts[2])
    if not (least <= first < last < math.inf and math.isfinite(first)) or not 2 <= count <= _LARGEST:
        raise ValueError(f"a grid A:B:N needs {needed}, and N from 2 to {_LARGEST}")
    # Not first + k * step: the last value is exactly B.
    return tuple((first * (count - 1 - k) + last * k) / (count - 1) for k in range(count))


def checked_grid(text: str) -> str:
    """The text itself, if `read_grid` can read it.

    Raises:
        ValueError: As `read_grid`.
    """
    read_grid(text)
    return text


_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def read_duration(text: str) -> float:
    """Seconds of a duration like ``90s``, ``30m`` or ``1.5h``.

    Raises:
        ValueError: The text is something else, or the duration is not above zero.
    """
    unit = _SECONDS.get(text[-1:].lower())
    seconds = float(text[:-1]) * unit if unit is not None else math.nan
    if not 0.0 < seconds < math.inf:
        raise ValueError("a duration is a number above zero with s, m or h behind it, for example 30m")
    return seconds


def checked_duration(text: str) -> str:
    """The text itself, if `read_duration` can read it.

    Raises:
        ValueError: As `read_duration`.
    """
    read_duration(text)
    return text

"""Grids of POI values, as people write them."""

import math

_LARGEST = 10_000


def read_grid(text: str) -> tuple[float, ...]:
    """Values of the grid ``A:B:N``: N of them, evenly spaced from A to B.

    Raises:
        ValueError: The text is something else, A is negative or not below B, or N is below 2 or too large.
    """
    parts = text.split(":")
    if len(parts) != 3:
        raise ValueError("a grid is written A:B:N, for example 0:5:41")
    first, last, count = float(parts[0]), float(parts[1]), int(parts[2])
    if not 0.0 <= first < last < math.inf or not 2 <= count <= _LARGEST:
        raise ValueError(f"a grid A:B:N needs 0 <= A < B, and N from 2 to {_LARGEST}")
    # Not first + k * step: the last value is exactly B.
    return tuple((first * (count - 1 - k) + last * k) / (count - 1) for k in range(count))


def checked_grid(text: str) -> str:
    """The text itself, if `read_grid` can read it.

    Raises:
        ValueError: As `read_grid`.
    """
    read_grid(text)
    return text

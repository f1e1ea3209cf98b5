"""What toys are thrown for."""

from typing import NamedTuple


class Cell(NamedTuple):
    """A signal point and a tested POI value, by their positions in the campaign."""

    point: int
    mu: int = 0

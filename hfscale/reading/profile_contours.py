"""Lines of equal height of the profile likelihood of two parameters."""

from typing import NamedTuple

import numpy as np
from contourpy import contour_generator
from jaxtyping import Float


class ProfileContour(NamedTuple):
    """Where the profile likelihood of two parameters has one height.

    Attributes:
        lines: Pieces of the line as pairs of values, longest first; one that is closed ends where it begins. Others end
            at the edge of the values, or beside one without t.
        extent: Least and largest value of each parameter inside; NaN where the values do not reach so far.
    """

    lines: tuple[Float[np.ndarray, "_ 2"], ...]
    extent: Float[np.ndarray, "2 side"]


def profile_contour(
    first: Float[np.ndarray, " first"],
    second: Float[np.ndarray, " second"],
    t: Float[np.ndarray, "first second"],
    level: float,
) -> ProfileContour:
    """Find where t is `level`; between values, its root is taken for a plane, as where -ln L is a paraboloid.

    Args:
        first, second: Values of the parameters, ascending.
        t: Twice the profile of -ln L above its minimum; NaN where it is not known.
        level: Height of the line.
    """
    root = np.ma.masked_invalid(np.sqrt(t.T))
    found = contour_generator(x=first, y=second, z=root).lines(float(np.sqrt(level)))
    lines = sorted((np.asarray(line, dtype=np.float64) for line in found), key=_length, reverse=True)
    return ProfileContour(tuple(lines), _extent((first, second), t <= level, lines))


def _length(line: Float[np.ndarray, "_ 2"]) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _extent(
    axes: tuple[Float[np.ndarray, " first"], Float[np.ndarray, " second"]],
    inside: np.ndarray,
    lines: list[Float[np.ndarray, "_ 2"]],
) -> Float[np.ndarray, "2 side"]:
    if not lines:
        return np.full((2, 2), np.nan)
    vertices = np.concatenate(lines)
    extent = np.stack([vertices.min(axis=0), vertices.max(axis=0)], axis=1)
    for axis, values in enumerate(axes):
        for side, edge in enumerate((0, -1)):
            if inside.take(edge, axis=axis).any() or extent[axis, side] == values[edge]:
                extent[axis, side] = np.nan
    return extent

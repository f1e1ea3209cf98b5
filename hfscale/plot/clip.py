"""Cutting lines at the edge of a convex polygon, and where they enter a region."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

_TOLERANCE = 1e-9  # of the area around the polygon: how far outside still counts as on its edge
_HALVINGS = 50  # of a segment, to find where it crosses an edge


def clip_line(
    line: Float[np.ndarray, "vertex 2"], polygon: Float[np.ndarray, "corner 2"]
) -> list[Float[np.ndarray, "_ 2"]]:
    """Return the pieces of a line that lie inside a convex polygon, in order.

    Each segment is cut where it enters and leaves: M. Cyrus and J. Beck, Computers & Graphics 3 (1978) 23.

    Args:
        line: Vertices of the line; closed if the first and last are the same.
        polygon: Corners, counter-clockwise, the first not repeated.
    """
    return _pieces(line, *_inside(line, polygon))


def cut_line(
    line: Float[np.ndarray, "vertex 2"], margin: Callable[[np.ndarray], np.ndarray]
) -> list[Float[np.ndarray, "_ 2"]]:
    """Return the pieces of a line that lie outside a region, in order.

    A region that a segment enters and leaves again is not noticed.

    Args:
        line: Vertices of the line; closed if the first and last are the same.
        margin: Takes places and gives positive numbers in the region, negative ones outside; NaN counts as inside.
    """
    start, step = line[:-1], np.diff(line, axis=0)
    outside = margin(line) <= 0
    out, back = outside[:-1], outside[1:]
    low, high = np.zeros(len(step)), np.ones(len(step))  # fractions on the sides of the first and last vertex
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        like_first = (margin(start + middle[:, None] * step) <= 0) == out
        low, high = np.where(like_first, middle, low), np.where(like_first, high, middle)
    enter = np.where(out, 0.0, np.where(back, high, 1.0))
    leave = np.where(back, 1.0, np.where(out, low, 0.0))
    return _pieces(line, enter, leave)


def _pieces(
    line: Float[np.ndarray, "vertex 2"], enters: Float[np.ndarray, "segment"], leaves: Float[np.ndarray, "segment"]
) -> list[Float[np.ndarray, "_ 2"]]:
    """Join the parts of segments between the fractions at which they enter and leave what is kept."""
    pieces: list[list[np.ndarray]] = []
    connected = False
    for start, stop, enter, leave in zip(line[:-1], line[1:], enters, leaves, strict=True):
        if enter >= leave:
            connected = False
            continue
        if not connected or enter > 0.0:
            pieces.append([start + enter * (stop - start)])
        pieces[-1].append(stop if leave == 1.0 else start + leave * (stop - start))  # closed lines stay closed
        connected = leave == 1.0
    # A closed line that starts inside was cut at its start too: join the two ends.
    if len(pieces) > 1 and np.array_equal(pieces[0][0], line[0]) and np.array_equal(pieces[-1][-1], line[0]):
        pieces[0] = pieces.pop() + pieces[0][1:]
    return [np.array(piece) for piece in pieces]


def _inside(
    line: Float[np.ndarray, "vertex 2"], polygon: Float[np.ndarray, "corner 2"]
) -> tuple[Float[np.ndarray, "segment"], Float[np.ndarray, "segment"]]:
    """Return the fractions of each segment at which it enters and leaves; enter >= leave if it stays outside."""
    edge = np.roll(polygon, -1, axis=0) - polygon
    offset = line[:, None, :] - polygon
    depth = edge[:, 0] * offset[..., 1] - edge[:, 1] * offset[..., 0]  # positive inside
    depth = depth + _TOLERANCE * np.prod(np.ptp(polygon, axis=0))
    here, there = depth[:-1], depth[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = here / (here - there)
    enter = np.where(here >= 0, 0.0, np.where(there > 0, crossing, 1.0)).max(axis=1)
    leave = np.where(there >= 0, 1.0, np.where(here > 0, crossing, 0.0)).min(axis=1)
    return enter, leave

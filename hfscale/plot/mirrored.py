"""HistFitter's way to keep contours out of a forbidden region: points mirrored at its edge.

The place of the edge that is nearest to a signal point gets the significance 1 (no exclusion) in all contours, and the
point mirrored there minus the absolute significance of the point, so that every contour turns before the edge:
``harvestToContours.py`` (commit 456c2b5, lines 494-540). Unlike there, points in the forbidden region are not mirrored
out of it, and a signal point at one of these places keeps its own results.
"""

from typing import NamedTuple

import numpy as np
from contourpy import contour_generator
from jaxtyping import Float, Int

from hfscale.errors import SelectionError
from hfscale.plot.forbidden import Forbidden
from hfscale.plot.surfaces.frame import Frame

_EDGE_HEIGHT = 1.0
_NODES = 400
_SAME = 1e-6  # of the range of the points: places closer than that are one


class Mirrored(NamedTuple):
    """Points to be added to signal points.

    Attributes:
        feet: Places of the edge, in coordinates of the axes.
        images: Mirrored points.
        origins: Which signal point each image is of.
    """

    feet: Float[np.ndarray, "foot 2"]
    images: Float[np.ndarray, "image 2"]
    origins: Int[np.ndarray, "image"]

    @property
    def places(self) -> Float[np.ndarray, "added 2"]:
        """Where the added points are."""
        return np.concatenate([self.feet, self.images])

    def heights(self, Z: Float[np.ndarray, "point surface"]) -> Float[np.ndarray, "added surface"]:
        """Return the significances of the added points from those of the signal points."""
        return np.concatenate([np.full((len(self.feet), Z.shape[1]), _EDGE_HEIGHT), -np.abs(Z[self.origins])])


def mirror_points(
    places: Float[np.ndarray, "point 2"], forbidden: Forbidden, log: tuple[bool, bool] = (False, False)
) -> Mirrored:
    """Mirror signal points at the edge of the forbidden region.

    Args:
        places: Of the points, in coordinates of the axes.
        forbidden: The region.
        log: Which axes are logarithmic; distances are then those of logarithms.

    Raises:
        SelectionError: The edge is not near the points.
    """
    frame = Frame(log)
    points = frame.enter(places)
    starts, steps = _edge(points, forbidden, frame)
    allowed = np.flatnonzero(~forbidden.contains(places))
    feet = _nearest(points[allowed], starts, steps)
    images = 2 * feet - points[allowed]
    extent = np.ptp(points, axis=0)
    taken = {tuple(cell) for cell in _cells(points, extent)}
    kept_feet = _new(feet, extent, taken)
    kept_images = _new(images, extent, taken)
    return Mirrored(frame.leave(feet[kept_feet]), frame.leave(images[kept_images]), allowed[kept_images])


def _edge(
    points: Float[np.ndarray, "point 2"], forbidden: Forbidden, frame: Frame
) -> tuple[Float[np.ndarray, "segment 2"], Float[np.ndarray, "segment 2"]]:
    """Starts and steps of the segments of the edge, in a box that reaches beyond the points by their range."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    x, y = np.linspace(low - extent, low + 2 * extent, _NODES).T
    nodes = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    margin = forbidden.margin(frame.leave(nodes)).reshape(len(y), len(x))
    lines = [np.asarray(line) for line in contour_generator(x=x, y=y, z=margin).lines(0.0)]
    if not lines:
        raise SelectionError(
            f"the edge of the forbidden region {forbidden.text!r} is not near the signal points",
            remedy="check its numbers, or leave it out",
        )
    return np.concatenate([line[:-1] for line in lines]), np.concatenate([np.diff(line, axis=0) for line in lines])


def _nearest(
    points: Float[np.ndarray, "point 2"], starts: Float[np.ndarray, "segment 2"], steps: Float[np.ndarray, "segment 2"]
) -> Float[np.ndarray, "point 2"]:
    """The place nearest to each point on any of the segments."""
    lengths = np.maximum((steps**2).sum(axis=1), np.finfo(np.float64).tiny)
    feet = np.empty_like(points)
    for index, point in enumerate(points):
        fraction = np.clip(((point - starts) * steps).sum(axis=1) / lengths, 0.0, 1.0)
        candidates = starts + fraction[:, None] * steps
        feet[index] = candidates[((candidates - point) ** 2).sum(axis=1).argmin()]
    return feet


def _cells(points: Float[np.ndarray, "point 2"], extent: Float[np.ndarray, "2"]) -> list[tuple[int, ...]]:
    return [tuple(cell) for cell in np.round(points / (_SAME * extent)).astype(np.int64).tolist()]


def _new(
    points: Float[np.ndarray, "point 2"], extent: Float[np.ndarray, "2"], taken: set[tuple[int, ...]]
) -> Int[np.ndarray, "kept"]:
    """Which points are at places that no other one has taken; their places count as taken from then on."""
    kept = []
    for index, cell in enumerate(_cells(points, extent)):
        if cell not in taken:
            taken.add(cell)
            kept.append(index)
    return np.array(kept, dtype=np.int64)

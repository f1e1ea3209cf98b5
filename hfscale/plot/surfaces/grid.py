"""Where surfaces are evaluated: a rectangular grid, the hull of the points, and the region that is forbidden."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hfscale.errors import SelectionError
from hfscale.plot.forbidden import Forbidden
from hfscale.plot.planes import spans_a_plane
from hfscale.plot.surfaces.frame import Frame, frame_of
from hfscale.plot.surfaces.hull import corners_of

_FEWEST_POINTS = 4


@dataclass(frozen=True)
class Grid:
    """Where surfaces are evaluated, and where they are valid.

    Args:
        x: Ascending columns of the grid, evenly spaced in the frame.
        y: Ascending rows of the grid.
        hull: Corners of the convex hull of the points in the frame, counter-clockwise, not repeated at the end; all in
            coordinates of the axes.
        frame: Coordinates in which surfaces are made.
        forbidden: Region in which no contour is drawn, or None.
    """

    x: Float[np.ndarray, "column"]
    y: Float[np.ndarray, "row"]
    hull: Float[np.ndarray, "corner 2"]
    frame: Frame
    forbidden: Forbidden | None = None

    @property
    def columns(self) -> Float[np.ndarray, "column"]:
        """The columns in coordinates of the frame."""
        return self.frame.enter(np.column_stack([self.x, np.full(len(self.x), self.y[0])]))[:, 0]

    @property
    def rows(self) -> Float[np.ndarray, "row"]:
        """The rows in coordinates of the frame."""
        return self.frame.enter(np.column_stack([np.full(len(self.y), self.x[0]), self.y]))[:, 1]

    @property
    def nodes(self) -> Float[np.ndarray, "node 2"]:
        """All nodes in coordinates of the frame, row by row."""
        return np.stack(np.meshgrid(self.columns, self.rows), axis=-1).reshape(-1, 2)


def make_grid(
    places: Float[np.ndarray, "point 2"],
    *,
    size: int = 200,
    log: tuple[bool, bool] = (False, False),
    forbidden: Forbidden | None = None,
) -> Grid:
    """Return a grid of ``size`` columns and rows over the range of the points.

    Args:
        places: Of the points, in coordinates of the axes; positive where an axis is logarithmic.
        size: Number of columns and of rows.
        log: Which axes are logarithmic.
        forbidden: Region in which no contour is drawn, or None.

    Raises:
        SelectionError: There are fewer than four points, or they lie on one line.
    """
    if len(places) < _FEWEST_POINTS:
        raise SelectionError(
            f"{len(places)} signal points with results are too few for a contour",
            remedy=f"select at least {_FEWEST_POINTS} points that are done",
        )
    if not spans_a_plane(Frame(log).enter(places)):
        raise SelectionError(
            f"the {len(places)} selected signal points lie on one line in the plane of the axes",
            remedy="choose axes or a selection in which both coordinates vary independently",
        )
    frame = frame_of(places, log)
    x, y = (
        np.geomspace(*ends, size) if is_log else np.linspace(*ends, size)
        for ends, is_log in zip(zip(places.min(axis=0), places.max(axis=0), strict=True), log, strict=True)
    )
    return Grid(x, y, frame.leave(corners_of(frame.enter(places))), frame, forbidden)

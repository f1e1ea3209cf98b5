"""Significances between the signal points, on a rectangular grid.

Two interpolations, both through the points: ``linear`` on the Delaunay triangles, and ``rbf``, the multiquadric radial
basis functions of HistFitter's ``harvestToContours.py`` (commit 456c2b5, line 627). Both first stretch y to the range
of x, so that the result does not depend on units. Neither extrapolates: ``hull`` encloses where the surface is valid.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from hfscale.errors import SelectionError
from hfscale.plot.planes import spans_a_plane

Interpolation = Literal["linear", "rbf"]  # the names that ``interpolate`` knows
_FEWEST_POINTS = 4
_STEP = 0.01  # of the distance to the hull, for the slope with which a surface is continued


@dataclass(frozen=True)
class Grid:
    """Where surfaces are evaluated.

    Args:
        x: Ascending columns of the grid.
        y: Ascending rows of the grid.
        hull: Corners of the convex hull of the points, counter-clockwise, not repeated at the end.
    """

    x: Float[np.ndarray, "column"]
    y: Float[np.ndarray, "row"]
    hull: Float[np.ndarray, "corner 2"]


def make_grid(x: Float[np.ndarray, "point"], y: Float[np.ndarray, "point"], *, size: int = 200) -> Grid:
    """Return a grid of ``size`` columns and rows over the range of the points.

    Raises:
        SelectionError: There are fewer than four points, or they lie on one line.
    """
    if len(x) < _FEWEST_POINTS:
        raise SelectionError(
            f"{len(x)} signal points with results are too few for a contour",
            remedy=f"select at least {_FEWEST_POINTS} points that are done",
        )
    points = np.column_stack([x, y])
    if not spans_a_plane(points):
        raise SelectionError(
            f"the {len(x)} selected signal points lie on one line in the plane of the axes",
            remedy="choose axes or a selection in which both coordinates vary independently",
        )
    hull = ConvexHull(points / np.ptp(points, axis=0))
    return Grid(np.linspace(x.min(), x.max(), size), np.linspace(y.min(), y.max(), size), points[hull.vertices])


def interpolate(
    x: Float[np.ndarray, "point"],
    y: Float[np.ndarray, "point"],
    Z: Float[np.ndarray, "point surface"],
    grid: Grid,
    *,
    interpolation: str,
) -> Float[np.ndarray, "surface row column"]:
    """Evaluate surfaces through the points on the grid.

    Grid nodes outside the hull take the continuation of the surface, so that contour lines are right up to the hull;
    they are to be clipped there.

    Args:
        x: First coordinate of the points, all pairs (x, y) different.
        y: Second coordinate of the points.
        Z: Finite values at the points, one column per surface.
        grid: From :func:`make_grid` of the same points.
        interpolation: ``linear`` or ``rbf``.

    Raises:
        SelectionError: No such interpolation.
    """
    stretch = np.array([1.0, np.ptp(x) / np.ptp(y)])
    points = np.column_stack([x, y]) * stretch
    nodes = np.stack(np.meshgrid(grid.x, grid.y), axis=-1).reshape(-1, 2) * stretch
    match interpolation:
        case "linear":
            values = _linear(points, Z, nodes, grid.hull * stretch)
        case "rbf":
            values = multiquadric(points, Z, nodes)
        case _:
            raise SelectionError(f"no interpolation {interpolation!r}", remedy="choose 'linear' or 'rbf'")
    return values.T.reshape(Z.shape[1], len(grid.y), len(grid.x))


def multiquadric(
    points: Float[np.ndarray, "point 2"], values: Float[np.ndarray, "point surface"], at: Float[np.ndarray, "place 2"]
) -> Float[np.ndarray, "place surface"]:
    """Interpolate with radial functions sqrt((r / epsilon)^2 + 1), where r is the distance to a point.

    Numerically what ``scipy.interpolate.Rbf(function="multiquadric")`` does without smoothing: epsilon is
    the mean distance of points spread evenly over their bounding box. That class is called legacy by its authors, and
    its successor has no setting that gives the same numbers without a warning.

    Args:
        points: Coordinates of the points, all different.
        values: One column per surface.
        at: Where to evaluate.
    """
    epsilon = np.sqrt(np.prod(np.ptp(points, axis=0)) / len(points))
    weights = np.linalg.solve(np.hypot(cdist(points, points) / epsilon, 1.0), values)
    return np.asarray(np.hypot(cdist(at, points) / epsilon, 1.0) @ weights)


def _linear(
    points: Float[np.ndarray, "point 2"],
    values: Float[np.ndarray, "point surface"],
    at: Float[np.ndarray, "place 2"],
    hull: Float[np.ndarray, "corner 2"],
) -> Float[np.ndarray, "place surface"]:
    """Interpolate on the Delaunay triangles; outside, continue straight from the nearest place of the hull."""
    surface = LinearNDInterpolator(points, values)
    feet = _onto_hull(at, hull)
    outside = (feet != at).any(axis=1)
    result = np.asarray(surface(at))
    beyond = at[outside] - feet[outside]
    near, far = (surface(feet[outside] - _STEP * n * beyond) for n in (1, 2))
    result[outside] = near + (1.0 + _STEP) / _STEP * (near - far)
    # Rounding puts some places on the hull outside every triangle, and so does the step at sharp corners.
    lost = np.isnan(result).any(axis=1)
    if lost.any():
        result[lost] = surface(feet[lost] + 1e-9 * (points.mean(axis=0) - feet[lost]))
        lost = np.isnan(result).any(axis=1)
    if lost.any():
        result[lost] = NearestNDInterpolator(points, values)(at[lost])
    return result


def _onto_hull(
    places: Float[np.ndarray, "place 2"], hull: Float[np.ndarray, "corner 2"]
) -> Float[np.ndarray, "place 2"]:
    """Return the places, those outside the convex polygon moved to the nearest place of its edge."""
    start = hull
    along = np.roll(hull, -1, axis=0) - start
    offset = places[:, None, :] - start
    outside = (along[:, 0] * offset[..., 1] - along[:, 1] * offset[..., 0] < 0).any(axis=1)
    fraction = np.clip((offset[outside] * along).sum(axis=-1) / (along**2).sum(axis=-1), 0.0, 1.0)
    feet = start + fraction[..., None] * along
    nearest = ((feet - places[outside, None, :]) ** 2).sum(axis=-1).argmin(axis=1)
    result = places.copy()
    result[outside] = feet[np.arange(len(feet)), nearest]
    return result

"""How well a surface predicts points that it was not made from."""

import numpy as np
from jaxtyping import Float, Int

from hfscale.plot.surfaces.gaussian import gaussian_surfaces
from hfscale.plot.surfaces.hull import corners_of
from hfscale.plot.surfaces.interpolate import fit_surfaces
from hfscale.plot.surfaces.radial import radial_surfaces
from hfscale.plot.surfaces.settings import SurfaceSettings


def inner_points(points: Float[np.ndarray, "point 2"]) -> Int[np.ndarray, "inner"]:
    """Return which points are no corners of the hull; without a corner there would be no interpolation at its place."""
    corners = {tuple(corner) for corner in corners_of(points).tolist()}
    return np.array([k for k, point in enumerate(points.tolist()) if tuple(point) not in corners], dtype=np.int64)


def predictions(
    points: Float[np.ndarray, "point 2"],
    values: Float[np.ndarray, "point"],
    left_out: Int[np.ndarray, "inner"],
    settings: SurfaceSettings,
) -> Float[np.ndarray, "inner"]:
    """Return the height at each of some points of the surface through all others.

    Widths of radial functions, and lengths and mean of Gaussian processes, are those of all points.

    Args:
        points: In the coordinates of a frame.
        values: Heights at the points.
        left_out: Which points to predict, no corners of the hull.
        settings: How surfaces are laid.

    Raises:
        SelectionError: The settings determine no surface.
    """
    column = values[:, None]
    if settings.interpolation == "rbf":
        errors = radial_surfaces(points, column, settings.smoothing or 0.0, settings.epsilon).errors
        return np.asarray((column - errors)[left_out, 0])
    if settings.interpolation == "gp":
        return np.asarray((column - gaussian_surfaces(points, column, settings.smoothing).errors)[left_out, 0])
    found = np.empty(len(left_out))
    for position, index in enumerate(left_out):
        others = np.arange(len(points)) != index
        surface = fit_surfaces(points[others], column[others], settings)
        found[position] = surface(points[index : index + 1])[0, 0]
    return found

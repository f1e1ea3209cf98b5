"""Surfaces between the signal points, by the interpolation that the user chose."""

import numpy as np
from jaxtyping import Float

from hfscale.plot.surfaces.gaussian import GaussianSurfaces, gaussian_surfaces
from hfscale.plot.surfaces.grid import Grid
from hfscale.plot.surfaces.radial import RadialSurfaces, radial_surfaces
from hfscale.plot.surfaces.settings import SurfaceSettings
from hfscale.plot.surfaces.triangles import TriangleSurfaces, cubic_surfaces, linear_surfaces

Surfaces = TriangleSurfaces | RadialSurfaces | GaussianSurfaces
"""Surfaces through points, in the coordinates of a frame: to be called with places."""


def fit_surfaces(
    points: Float[np.ndarray, "point 2"], values: Float[np.ndarray, "point surface"], settings: SurfaceSettings
) -> Surfaces:
    """Lay surfaces through points.

    Args:
        points: In the coordinates of a frame, all different, not on one line.
        values: Finite values at the points, one column per surface.
        settings: How.

    Raises:
        SelectionError: The settings determine no surface.
    """
    match settings.interpolation:
        case "linear":
            return linear_surfaces(points, values)
        case "cubic":
            return cubic_surfaces(points, values)
        case "gp":
            return gaussian_surfaces(points, values, settings.smoothing)
        case _:
            return radial_surfaces(points, values, settings.smoothing or 0.0, settings.epsilon)


def interpolate(
    places: Float[np.ndarray, "point 2"],
    Z: Float[np.ndarray, "point surface"],
    grid: Grid,
    settings: SurfaceSettings,
) -> Float[np.ndarray, "surface row column"]:
    """Evaluate surfaces through the points on the grid.

    Grid nodes outside the hull take the continuation of the surface, so that contour lines are right up to the hull;
    they are to be clipped there.

    Args:
        places: Of the points, in coordinates of the axes, all different.
        Z: Values at the points, one column per surface; a surface without any finite value is NaN everywhere.
        grid: From :func:`hfscale.plot.surfaces.grid.make_grid` of the same points.
        settings: How.

    Raises:
        SelectionError: The settings determine no surface.
    """
    known = np.isfinite(Z).all(axis=0)
    result = np.full((Z.shape[1], len(grid.y), len(grid.x)), np.nan)
    if known.any():
        surfaces = fit_surfaces(grid.frame.enter(places), Z[:, known], settings)
        result[known] = surfaces(grid.nodes).T.reshape(-1, len(grid.y), len(grid.x))
    return result

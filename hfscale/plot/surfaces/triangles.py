"""Surfaces on Delaunay triangles: flat ones, and smooth cubic ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CloughTocher2DInterpolator, LinearNDInterpolator

from hfscale.plot.surfaces.hull import continued

_ITERATIONS = 4000  # for the slopes at the points; scipy's 400 are too few where triangles are narrow


@dataclass(frozen=True)
class TriangleSurfaces:
    """Surfaces through points, continued straight outside the hull.

    Args:
        points: What they go through.
        values: Values there, one column per surface.
        surface: scipy's interpolator, which knows the inside of the hull.
    """

    points: Float[np.ndarray, "point 2"]
    values: Float[np.ndarray, "point surface"]
    surface: Any

    def __call__(self, at: Float[np.ndarray, "place 2"]) -> Float[np.ndarray, "place surface"]:
        """Evaluate at places."""
        return continued(self.surface, self.points, self.values, at)


def linear_surfaces(
    points: Float[np.ndarray, "point 2"], values: Float[np.ndarray, "point surface"]
) -> TriangleSurfaces:
    """Return surfaces that are flat on each triangle."""
    return TriangleSurfaces(points, values, LinearNDInterpolator(points, values))


def cubic_surfaces(
    points: Float[np.ndarray, "point 2"], values: Float[np.ndarray, "point surface"]
) -> TriangleSurfaces:
    """Return surfaces with continuous slopes, cubic on a third of each triangle.

    P. Alfeld, Computer Aided Geometric Design 1 (1984) 169, with slopes at the points that make the curvature least
    (G. Nielson, Mathematics of Computation 40 (1983) 253), as scipy has them.
    """
    return TriangleSurfaces(points, values, CloughTocher2DInterpolator(points, values, maxiter=_ITERATIONS))

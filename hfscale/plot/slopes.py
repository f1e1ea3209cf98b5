"""Heights and slopes of a surface on a grid at any place, and how far an error of its height moves a contour."""

import numpy as np
from jaxtyping import Float
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import gaussian_filter

from hfscale.plot.surfaces.grid import Grid

_BLUR = 0.02  # of the range of the points: over which slopes are averaged, for surfaces may have kinks
_FLATTEST = 1e-6  # slope, in heights per range of the points, that stands for none


def heights_at(
    grid: Grid, surface: Float[np.ndarray, "row column"], places: Float[np.ndarray, "place 2"]
) -> Float[np.ndarray, "place"]:
    """Return the heights of a surface at places in coordinates of the frame."""
    return _at(grid, surface, places)


def displacements(
    grid: Grid,
    surface: Float[np.ndarray, "row column"],
    places: Float[np.ndarray, "place 2"],
    errors: Float[np.ndarray, "place"],
) -> Float[np.ndarray, "place 2"]:
    """Return by how much a contour at places moves where the height is off by the errors, along the steepest slope.

    Args:
        grid: Where the surface was evaluated.
        surface: Its heights.
        places: On the contour, in coordinates of the frame, as the result.
        errors: Of the height.

    Returns:
        Displacements, none longer than a quarter of the range of the points: where the surface is flat, the contour
        can be anywhere.
    """
    blur = _BLUR * len(grid.x)
    rows, columns = (gaussian_filter(s, blur, mode="nearest") for s in np.gradient(surface, grid.rows, grid.columns))
    slopes = np.column_stack([_at(grid, columns, places), _at(grid, rows, places)])
    longest = 0.25 * float(np.ptp(grid.columns))
    steepness = np.maximum(np.hypot(*slopes.T), _FLATTEST / (4 * longest))
    length = np.minimum(errors / steepness, longest)
    return np.asarray(slopes * (length / steepness)[:, None])


def _at(
    grid: Grid, surface: Float[np.ndarray, "row column"], places: Float[np.ndarray, "place 2"]
) -> Float[np.ndarray, "place"]:
    table = RegularGridInterpolator((grid.rows, grid.columns), surface, bounds_error=False, fill_value=None)
    return np.asarray(table(places[:, ::-1]))

"""The convex hull of points: what is inside, and how a surface goes on outside."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import NearestNDInterpolator
from scipy.spatial import ConvexHull

_STEP = 0.01  # of the distance to the hull, for the slope with which a surface is continued
_TOLERANCE = 1e-9  # of the area around the hull: how far outside still counts as on its edge


def corners_of(points: Float[np.ndarray, "point 2"]) -> Float[np.ndarray, "corner 2"]:
    """Return the corners of the convex hull, counter-clockwise, the first not repeated."""
    return np.asarray(points[ConvexHull(points).vertices])


def is_inside(places: Float[np.ndarray, "place 2"], hull: Float[np.ndarray, "corner 2"]) -> Bool[np.ndarray, "place"]:
    """Tell which places are in a convex polygon or on its edge."""
    along = np.roll(hull, -1, axis=0) - hull
    offset = places[:, None, :] - hull
    depth = along[:, 0] * offset[..., 1] - along[:, 1] * offset[..., 0]
    return np.asarray((depth >= -_TOLERANCE * np.prod(np.ptp(hull, axis=0))).all(axis=1))


def continued(
    surfaces: Callable[[np.ndarray], np.ndarray],
    points: Float[np.ndarray, "point 2"],
    values: Float[np.ndarray, "point surface"],
    at: Float[np.ndarray, "place 2"],
) -> Float[np.ndarray, "place surface"]:
    """Evaluate surfaces that are known in the hull only; outside, go straight on from the nearest place of the hull.

    Args:
        surfaces: Takes places and gives one column per surface, NaN outside the hull.
        points: What the surfaces go through.
        values: Values there.
        at: Where to evaluate.
    """
    feet = onto_hull(at, corners_of(points))
    outside = (feet != at).any(axis=1)
    result = np.array(surfaces(at))
    beyond = at[outside] - feet[outside]
    near, far = (surfaces(feet[outside] - _STEP * n * beyond) for n in (1, 2))
    result[outside] = near + (1.0 + _STEP) / _STEP * (near - far)
    # Rounding puts some places on the hull outside every triangle, and so does the step at sharp corners.
    lost = np.isnan(result).any(axis=1)
    if lost.any():
        result[lost] = surfaces(feet[lost] + 1e-9 * (points.mean(axis=0) - feet[lost]))
        lost = np.isnan(result).any(axis=1)
    if lost.any():
        result[lost] = NearestNDInterpolator(points, values)(at[lost])
    return result


def onto_hull(
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

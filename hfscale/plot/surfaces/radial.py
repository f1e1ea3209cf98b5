"""Surfaces of multiquadric radial functions, as HistFitter draws them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from hfscale.errors import SelectionError

_BLOCK = 4096


@dataclass(frozen=True)
class RadialSurfaces:
    """Sums of radial functions sqrt((r / epsilon)^2 + 1), where r is the distance to a point.

    Args:
        points: Where the functions are centred.
        weights: Of each function in each surface.
        errors: Value at each point minus the value there of the surface through all other points, with the same width.
        epsilon: Width of the functions.
    """

    points: Float[np.ndarray, "point 2"]
    weights: Float[np.ndarray, "point surface"]
    errors: Float[np.ndarray, "point surface"]
    epsilon: float

    def __call__(self, at: Float[np.ndarray, "place 2"]) -> Float[np.ndarray, "place surface"]:
        """Evaluate at places."""
        # In blocks: a value for each place and point at once would be gigabytes for thousands of points.
        blocks = [at[k : k + _BLOCK] for k in range(0, len(at), _BLOCK)] or [at]
        return np.concatenate(
            [np.hypot(cdist(block, self.points) / self.epsilon, 1.0) @ self.weights for block in blocks]
        )


def radial_surfaces(
    points: Float[np.ndarray, "point 2"],
    values: Float[np.ndarray, "point surface"],
    smoothing: float = 0.0,
    epsilon: float | None = None,
) -> RadialSurfaces:
    """Return the surfaces that ``scipy.interpolate.Rbf(function="multiquadric")`` gives, as HistFitter calls it.

    That class is called legacy by its authors, and its successor has no setting that gives the same numbers without a
    warning. Errors at left-out points follow from the inverse of the matrix of functions: S. Rippa, Advances in
    Computational Mathematics 11 (1999) 193, eq. 14.

    Args:
        points: Coordinates of the points, all different.
        values: One column per surface.
        smoothing: ``smooth`` of that class: what is taken from the diagonal of the matrix.
        epsilon: ``epsilon`` of that class; by default the mean distance of points spread evenly over their bounding
            box.

    Raises:
        SelectionError: With this smoothing and width no surface is determined.
    """
    if epsilon is None:
        epsilon = float(np.sqrt(np.prod(np.ptp(points, axis=0)) / len(points)))
    matrix = np.hypot(cdist(points, points) / epsilon, 1.0) - smoothing * np.eye(len(points))
    try:
        inverse = np.linalg.inv(matrix)
        weights = np.linalg.solve(matrix, values)
    except np.linalg.LinAlgError as error:
        raise SelectionError(
            f"radial functions of width {epsilon:g} with smoothing {smoothing:g} determine no surface",
            remedy="choose another epsilon or smoothing, or another interpolation",
        ) from error
    return RadialSurfaces(points, weights, weights / np.diag(inverse)[:, None], epsilon)

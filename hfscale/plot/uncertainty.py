"""How uncertain a surface is between the points, by itself or by how well it predicts points that are left out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from hfscale.errors import SelectionError
from hfscale.plot.ground import Ground
from hfscale.plot.surfaces.gaussian import GaussianSurfaces, gaussian_surfaces
from hfscale.plot.surfaces.leave_one_out import inner_points, predictions

NEAR = 1.5
"""Heights within this of the contour matter for it."""
_REACH = 2.0  # mean distances between points, over which errors are averaged
_BACKGROUND = 1e-3  # weight of every error everywhere, so that there is an average far from all of them


@dataclass(frozen=True)
class LeftOut:
    """Points that were left out, and what the surface through the others has there.

    Args:
        index: Which of the points; corners of their hull are never left out.
        known: Heights there.
        predicted: Heights of the surface through all other points.
    """

    index: Int[np.ndarray, "inner"]
    known: Float[np.ndarray, "inner"]
    predicted: Float[np.ndarray, "inner"]

    @property
    def errors(self) -> Float[np.ndarray, "inner"]:
        """Predicted minus known heights."""
        return np.asarray(self.predicted - self.known)


@dataclass(frozen=True)
class LocalErrors:
    """Uncertainty from the errors at points that were left out.

    At a place it is the root mean square of the errors around, those of heights near to the contour more than others,
    times the distance to the nearest point in units of what that distance was where points were left out, at most 1.

    Args:
        points: All points, in coordinates of the frame.
        places: Those left out.
        squares: Squared errors there.
        weights: How much each one counts.
        distances: Of each one to the nearest other point.
    """

    points: Float[np.ndarray, "point 2"]
    places: Float[np.ndarray, "inner 2"]
    squares: Float[np.ndarray, "inner"]
    weights: Float[np.ndarray, "inner"]
    distances: Float[np.ndarray, "inner"]

    def deviations(
        self, at: Float[np.ndarray, "place 2"], more: Float[np.ndarray, "extra 2"] | None = None
    ) -> Float[np.ndarray, "place"]:
        """Return the uncertainty of the height at places.

        Args:
            at: Places, in coordinates of the frame.
            more: Places at which heights will be known besides the points.
        """
        reach = _REACH * float(self.distances.mean())
        nearness = np.exp(-0.5 * (cdist(at, self.places) / reach) ** 2) + _BACKGROUND
        shares = nearness * self.weights
        shares /= shares.sum(axis=1, keepdims=True)
        known = self.points if more is None else np.concatenate([self.points, more])
        nearest = KDTree(known).query(at)[0]
        return np.asarray(np.sqrt(shares @ self.squares) * np.minimum(nearest / (shares @ self.distances), 1.0))


@dataclass(frozen=True)
class PosteriorErrors:
    """Uncertainty of a Gaussian process.

    Args:
        surface: The one surface.
    """

    surface: GaussianSurfaces

    def deviations(
        self, at: Float[np.ndarray, "place 2"], more: Float[np.ndarray, "extra 2"] | None = None
    ) -> Float[np.ndarray, "place"]:
        """Return the standard deviation of the height at places, as of `LocalErrors`."""
        return self.surface.deviations(at, more)[:, 0]


Uncertainty = LocalErrors | PosteriorErrors


def leave_one_out(ground: Ground, heights: Float[np.ndarray, "point"]) -> LeftOut:
    """Leave out each point in turn that is no corner of the hull, and predict it.

    Points mirrored at a forbidden region are left out of this altogether.

    Args:
        ground: The points and how surfaces are laid.
        heights: At the points.

    Raises:
        SelectionError: All points are corners of their hull.
    """
    points = ground.grid.frame.enter(ground.places)
    index = inner_points(points)
    if not len(index):
        raise SelectionError(
            f"no error of the interpolation can be estimated: all {len(points)} points are corners of their hull",
            remedy="it takes points between others",
        )
    return LeftOut(index, heights[index], predictions(points, heights, index, ground.settings))


def uncertainty_of(
    ground: Ground, heights: Float[np.ndarray, "point"], threshold: float, left_out: LeftOut
) -> Uncertainty:
    """Return the uncertainty of the surface through the points: that of the Gaussian process if it is one.

    Args:
        ground: The points and how surfaces are laid.
        heights: At the points.
        threshold: Height at the contour.
        left_out: From `leave_one_out`.
    """
    points = ground.grid.frame.enter(ground.places)
    if ground.settings.interpolation == "gp":
        return PosteriorErrors(gaussian_surfaces(points, heights[:, None], ground.settings.smoothing))
    distances = KDTree(points).query(points[left_out.index], k=2)[0][:, 1]
    weights = np.exp(-0.5 * ((left_out.known - threshold) / NEAR) ** 2) + _BACKGROUND
    return LocalErrors(points, points[left_out.index], left_out.errors**2, weights, distances)

"""Profile likelihoods at all values of a grid; the fits of many points wait in one queue (`hfscale.fit.grids`)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.grids import grid_minima
from hfscale.fit.lanes import FitResults
from hfscale.inference.profile_surroundings import Surroundings
from hfscale.model.structure import ModelGroup

_NSIGMA = 3.0
"""Uncertainties on either side of the best fit that a scan covers where no grid is given."""


class Scan(NamedTuple):
    """Scans of some points.

    Attributes:
        values: Values of each scanned parameter, the axes of the grid.
        nll: -ln L at the minima; NaN where a fit failed, or none was made.
        fit_status: How the fits ended.
        free: The free minima.
        error: Uncertainties of the scanned parameters there.
        n_fits: How many fits there are, without the free ones.
    """

    values: tuple[Float[np.ndarray, "point _"], ...]
    nll: Float[np.ndarray, "point *grid"]
    fit_status: Int[np.ndarray, "point *grid"]
    free: FitResults
    error: Float[np.ndarray, "point scanned"]
    n_fits: int


def values_of(
    at: Surroundings, grids: Sequence[Sequence[float] | None], default: int
) -> tuple[Float[np.ndarray, "point _"], ...]:
    """Values of every scanned parameter at every point: those of its grid, or so many around the best fit."""
    return tuple(_values(at, axis, grid, default) for axis, (grid, _) in enumerate(zip(grids, at.columns)))


def _values(
    at: Surroundings, axis: int, grid: Sequence[float] | None, default: int
) -> Float[np.ndarray, "point value"]:  # fmt: skip
    n, column = len(at.free.nll), at.columns[axis]
    if grid is not None:
        return np.tile(np.asarray(grid, dtype=np.float64), (n, 1))
    lower, upper, best = at.points.lower[:, column], at.points.upper[:, column], at.free.theta[:, column]
    # Without an uncertainty the bounds are all there is.
    reach = _NSIGMA * np.where(np.isfinite(at.error[:, axis]), at.error[:, axis], np.inf)
    return np.linspace(np.maximum(best - reach, lower), np.minimum(best + reach, upper), default, axis=1)


def scan_all(group: ModelGroup, at: Surroundings, values: Sequence[Float[np.ndarray, "point _"]]) -> Scan:
    """Fit every place of the grids of some points.

    Args:
        group: The group of the points.
        at: The points.
        values: Values of each scanned parameter.
    """
    n_points, shape = len(at.free.nll), tuple(axis.shape[1] for axis in values)
    places = np.stack([_spread(axis, k, shape) for k, axis in enumerate(values)], axis=-1)
    point = np.repeat(np.arange(n_points), int(np.prod(shape)))
    start = at.moved(point, at.free.theta[point], places.reshape(-1, len(shape)))
    profile = grid_minima(group.structure, group.shared, at.points.take(point), shape, at.columns, start)
    nll = np.where(profile.succeeded, profile.nll, np.inf).reshape(n_points, -1)
    lowest = np.argmin(nll, axis=1)
    theta = profile.theta.reshape(n_points, nll.shape[1], -1)[np.arange(n_points), lowest]
    free = at.not_above(group, nll[np.arange(n_points), lowest], theta).free
    heights = np.where(np.isfinite(nll), nll, np.nan).reshape(-1, *shape)
    return Scan(tuple(values), heights, profile.status.reshape(-1, *shape), free, at.error, nll.size)


def _spread(values: Float[np.ndarray, "point value"], axis: int, shape: Sequence[int]) -> Float[np.ndarray, "point _"]:
    """Values of one axis at every place of the grid, in the order of its places."""
    aligned = values.reshape(len(values), *(length if k == axis else 1 for k, length in enumerate(shape)))
    return np.broadcast_to(aligned, (len(values), *shape)).reshape(len(values), -1)

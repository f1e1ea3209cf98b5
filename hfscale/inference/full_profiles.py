"""Profile likelihoods at all values of a grid; the fits of many points wait in one queue (`hfscale.fit.grids`)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.grids import HeldFits, grid_minima, joined_minima
from hfscale.fit.lanes import FitResults
from hfscale.inference.profile_refinement import first_places
from hfscale.inference.profile_surroundings import Surroundings
from hfscale.model.structure import ModelGroup

Places = Int[np.ndarray, "_ index"]
"""Where fits are: the point, and the position along each axis."""

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


class KnownFits(NamedTuple):
    """First fits of a point that were made in slabs: ranges of values of the first parameter.

    Attributes:
        slabs: How many values each has.
        minima: The fits, in the order of their places.
    """

    slabs: tuple[int, ...]
    minima: FitResults


def first_minima(
    group: ModelGroup,
    at: Surroundings,
    values: Sequence[Float[np.ndarray, "point _"]],
    axes: Sequence[Int[np.ndarray, " _"]],
    known: KnownFits | None = None,
) -> tuple[Places, FitResults]:
    """Fit some of the values of every parameter with each other, at all points.

    Args:
        group, at: The points.
        values: Values of each scanned parameter.
        axes: Positions of those to fit.
        known: These fits in slabs, of a single point.

    Returns:
        Where the fits are, and their minima.
    """
    points = np.arange(len(at.free.nll))
    index = np.stack(np.meshgrid(points, *axes, indexing="ij"), axis=-1).reshape(-1, 1 + len(axes))
    point, places, lengths = index[:, 0], values_at(values, index), [len(axis) for axis in axes]
    numbers = at.points.take(point)
    if known is not None:
        held = HeldFits(group.structure, group.shared, numbers, at.columns, places)
        return index, joined_minima(held, known.slabs, lengths, known.minima)
    start = at.moved(point, at.free.theta[point], places)
    return index, grid_minima(group.structure, group.shared, numbers, lengths, at.columns, start)


def values_at(values: Sequence[Float[np.ndarray, "point _"]], index: Places) -> Float[np.ndarray, "fit scanned"]:
    """Values of the parameters at some places."""
    return np.stack([axis[index[:, 0], index[:, k]] for k, axis in enumerate(values, start=1)], axis=-1)


def scan_all(
    group: ModelGroup,
    at: Surroundings,
    values: Sequence[Float[np.ndarray, "point _"]],
    known: KnownFits | None = None,
) -> Scan:
    """Fit every place of the grids of some points.

    Args:
        group: The group of the points.
        at: The points.
        values: Values of each scanned parameter.
        known: The fits in slabs, of a single point.
    """
    n_points, shape = len(at.free.nll), tuple(axis.shape[1] for axis in values)
    _, profile = first_minima(group, at, values, first_places(shape, adaptive=False), known)
    nll = np.where(profile.succeeded, profile.nll, np.inf).reshape(n_points, -1)
    lowest = np.argmin(nll, axis=1)
    theta = profile.theta.reshape(n_points, nll.shape[1], -1)[np.arange(n_points), lowest]
    free = at.not_above(group, nll[np.arange(n_points), lowest], theta).free
    heights = np.where(np.isfinite(nll), nll, np.nan).reshape(-1, *shape)
    return Scan(tuple(values), heights, profile.status.reshape(-1, *shape), free, at.error, nll.size)

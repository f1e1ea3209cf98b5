"""Profile likelihood of one or two parameters of a block of signal points.

t(x) = 2 (min -ln L with the parameters at x - min -ln L with all free), arXiv:1007.1727 eq. 8 for any parameter. All
grid values of many points wait in one queue (`hfscale.fit.grids`). Each fit starts where the other parameters go in a
normal approximation around the free minimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.covariance import covariances
from hfscale.fit.escalation import refit
from hfscale.fit.grids import grid_minima
from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import AGREEMENT
from hfscale.fit.status import FitStatus
from hfscale.inference.assembly import finite
from hfscale.inference.fits import fit_numbers
from hfscale.inference.profile_grids import DEFAULT_VALUES, NO_SIGNAL, check_grids, hindrance, scanned_columns
from hfscale.inference.results import PointStatus
from hfscale.model.structure import ModelGroup, PointNumbers

_NSIGMA = 3.0
"""Uncertainties on either side of the best fit that a scan covers where no grid is given."""
_NUMBERS = 20_000_000
"""Numbers of all fits that are made together, for the sake of memory."""


@dataclass(frozen=True)
class ProfileBlock:
    """Profile likelihoods of some points; parameters are in the order of the group's `parameter_names`.

    Attributes:
        status: `PointStatus`: FAILED without a free minimum, and where a point lacks a scanned parameter or fixes it;
            NO_SIGNAL where the POI is scanned and scales nothing.
        values: Values of each scanned parameter at every point; the axes of the grid.
        t: Twice the profile of -ln L above its minimum, not below 0; NaN where the fit failed.
        fit_status: How the fits of the grid ended.
        best_fit, error: Scanned parameters at the free minimum, and their uncertainties from the inverse Hessian.
        twice_nll_free, parameters_free, fit_status_free: The free minimum.
        reasons: Why a point failed, empty elsewhere.
        n_fits: How many fits were made.
    """

    status: Int[np.ndarray, " point"]
    values: tuple[Float[np.ndarray, "point _"], ...]
    t: Float[np.ndarray, "point *grid"]
    fit_status: Int[np.ndarray, "point *grid"]
    best_fit: Float[np.ndarray, "point scanned"]
    error: Float[np.ndarray, "point scanned"]
    twice_nll_free: Float[np.ndarray, " point"]
    parameters_free: Float[np.ndarray, "point parameter"]
    fit_status_free: Int[np.ndarray, " point"]
    reasons: tuple[str, ...]
    n_fits: int

    @property
    def values_first(self) -> Float[np.ndarray, "point first"]:
        """Values of the first parameter."""
        return self.values[0]

    @property
    def values_second(self) -> Float[np.ndarray, "point second"]:
        """Values of the second parameter.

        Raises:
            IndexError: One parameter was scanned.
        """
        return self.values[1]


def scan_profiles(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    parameters: Sequence[str],
    grids: Sequence[Sequence[float] | None] = (None, None),
) -> ProfileBlock:
    """Profile likelihoods of the points in `rows` of a group.

    A fit that fails leaves its value of the grid without a number and harms no other.

    Args:
        group, rows: The points.
        parameters: Names of one or two components, ``x`` or ``x[i]``.
        grids: Values of each, the same at every point. None: from three uncertainties below the best fit to three
            above, inside the bounds (all between these where there is no uncertainty); 31 values for one parameter, 21
            of each for two.

    Raises:
        SelectionError:
        InputError: A grid has no value, or one outside the bounds of the parameter.
    """
    columns = scanned_columns(group, parameters)
    shape = [DEFAULT_VALUES[len(columns)] if grid is None else len(grid) for grid, _ in zip(grids, columns)]
    hindrances = [hindrance(group, int(row), parameters) for row in rows]
    block = _empty(group, hindrances, shape)
    able = np.flatnonzero([not text for text in hindrances])
    check_grids(group, rows[able], parameters, grids)
    numbers = int(np.prod(shape)) * sum(int(np.prod(array.shape[1:])) for array in group.points)
    step = max(_NUMBERS // max(numbers, 1), 1)
    for begin in range(0, len(able), step):
        where = able[begin : begin + step]
        block = _with_scan(group, block, rows[where], where, columns, _scan(group, rows[where], columns, grids))
    return block


def unscanned_profiles(
    group: ModelGroup, rows: Int[np.ndarray, " point"], parameters: Sequence[str], shape: Sequence[int]
) -> ProfileBlock:
    """What there is to say of points that cannot be scanned, such as those of a group that lacks a parameter.

    Args:
        group, rows: The points.
        parameters: As `scan_profiles`.
        shape: Length of each axis of the grid.
    """
    return _empty(group, [hindrance(group, int(row), parameters) for row in rows], shape)


class _Scan(NamedTuple):
    """Scans of some points, in the group's internal order of parameters; fields as in `ProfileBlock`."""

    values: tuple[np.ndarray, ...]
    profile: FitResults
    free: FitResults
    error: Float[np.ndarray, "point scanned"]


def _scan(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    columns: Int[np.ndarray, " scanned"],
    grids: Sequence[Sequence[float] | None],
) -> _Scan:
    """Scan points that have the parameters; the fits of the profile are in the order of points and values."""
    points, inits = group.points.take(rows), group.inits[rows]
    free = fit_numbers(group, points, inits, inits)
    covariance = _covariance(group, points, free, columns)
    error = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)[:, columns])
    values = tuple(
        _values(points, free, error, k, int(column), grid, DEFAULT_VALUES[len(columns)])
        for k, (column, grid) in enumerate(zip(columns, grids))
    )
    shape = [axis.shape[1] for axis in values]
    places = np.stack([_spread(axis, k, shape) for k, axis in enumerate(values)], axis=-1)
    start = _predicted(points, free, covariance, columns, places)
    n = int(np.prod(shape))
    repeated = points.take(np.repeat(np.arange(len(rows)), n))
    profile = grid_minima(group.structure, group.shared, repeated, shape, columns, start.reshape(-1, start.shape[-1]))
    return _Scan(values, profile, _not_above(group, points, free, profile), error)


def _covariance(
    group: ModelGroup, points: PointNumbers, free: FitResults, columns: Int[np.ndarray, " scanned"]
) -> Float[np.ndarray, "point parameter parameter"]:
    """Covariance at the free minima, in which scanned parameters vary also where they are at a bound."""
    moving = ~points.fixed & (free.theta > points.lower) & (free.theta < points.upper)
    moving[:, columns] = True
    theta = np.where(np.isfinite(free.theta), free.theta, 0.0)
    return covariances(group.structure, group.shared, points, theta, moving)


def _values(
    points: PointNumbers,
    free: FitResults,
    error: Float[np.ndarray, "point scanned"],
    axis: int,
    column: int,
    grid: Sequence[float] | None,
    default: int,
) -> Float[np.ndarray, "point value"]:
    """Values of one parameter at every point."""
    n = len(free.nll)
    if grid is not None:
        return np.tile(np.asarray(grid, dtype=np.float64), (n, 1))
    lower, upper, best = points.lower[:, column], points.upper[:, column], free.theta[:, column]
    # Without an uncertainty the bounds are all there is.
    reach = _NSIGMA * np.where(np.isfinite(error[:, axis]), error[:, axis], np.inf)
    return np.linspace(np.maximum(best - reach, lower), np.minimum(best + reach, upper), default, axis=1)


def _spread(values: Float[np.ndarray, "point value"], axis: int, shape: Sequence[int]) -> Float[np.ndarray, "point _"]:
    """Values of one axis at every place of the grid, in the order of its places."""
    aligned = values.reshape(len(values), *(length if k == axis else 1 for k, length in enumerate(shape)))
    return np.broadcast_to(aligned, (len(values), *shape)).reshape(len(values), -1)


def _predicted(
    points: PointNumbers,
    free: FitResults,
    covariance: Float[np.ndarray, "point parameter parameter"],
    columns: Int[np.ndarray, " scanned"],
    places: Float[np.ndarray, "point place scanned"],
) -> Float[np.ndarray, "point place parameter"]:
    """Where the other parameters go if -ln L is a parabola around the free minimum, inside the bounds."""
    rows = covariance[:, :, columns]
    good = np.isfinite(rows).all(axis=(1, 2))
    slope = np.zeros_like(rows)
    slope[good] = rows[good] @ np.linalg.pinv(rows[good][:, columns], hermitian=True)
    moved = free.theta[:, None] + np.einsum("pms,pgs->pgm", slope, places - free.theta[:, None, columns])
    start: Float[np.ndarray, "point place parameter"] = np.clip(moved, points.lower[:, None], points.upper[:, None])
    start[..., columns] = places
    return start


def _not_above(group: ModelGroup, points: PointNumbers, free: FitResults, profile: FitResults) -> FitResults:
    """Free minima that lie above one of the profile, which cannot be, are sought again from there."""
    n_points = len(free.nll)
    nll = np.where(profile.succeeded, profile.nll, np.inf).reshape(n_points, -1)
    lowest = np.argmin(nll, axis=1)
    above = ~(free.nll <= nll[np.arange(n_points), lowest] + AGREEMENT) & np.isfinite(nll).any(axis=1)
    start = profile.theta.reshape(n_points, nll.shape[1], -1)[np.arange(n_points), lowest]
    return refit(group.structure, group.shared, points, start, above, free)


def _empty(group: ModelGroup, hindrances: Sequence[str], shape: Sequence[int]) -> ProfileBlock:
    """What is known of points before any fit."""
    n, n_scanned = len(hindrances), len(shape)
    codes = {"": PointStatus.OK, NO_SIGNAL: PointStatus.NO_SIGNAL}
    return ProfileBlock(
        status=np.array([int(codes.get(text, PointStatus.FAILED)) for text in hindrances], dtype=np.int64),
        values=tuple(np.full((n, length), np.nan) for length in shape),
        t=np.full((n, *shape), np.nan),
        fit_status=np.full((n, *shape), int(FitStatus.NOT_RUN)),
        best_fit=np.full((n, n_scanned), np.nan),
        error=np.full((n, n_scanned), np.nan),
        twice_nll_free=np.full(n, np.nan),
        parameters_free=np.full((n, len(group.parameter_names)), np.nan),
        fit_status_free=np.full(n, int(FitStatus.NOT_RUN)),
        reasons=tuple("" if text == NO_SIGNAL else text for text in hindrances),
        n_fits=0,
    )


def _with_scan(
    group: ModelGroup,
    block: ProfileBlock,
    rows: Int[np.ndarray, " fitted"],
    where: Int[np.ndarray, " fitted"],
    columns: Int[np.ndarray, " scanned"],
    scan: _Scan,
) -> ProfileBlock:
    """Put the scans of the points at the places `where` of a block into it."""
    free, profile, shape = scan.free, scan.profile, block.t.shape[1:]
    good = free.succeeded
    heights = np.where(profile.succeeded, profile.nll, np.nan).reshape(-1, *shape)
    lowest = np.where(good, free.nll, np.nan).reshape(-1, *(1 for _ in shape))
    block.status[where[~good]] = int(PointStatus.FAILED)
    for axis, values in zip(block.values, scan.values, strict=True):
        axis[where] = values
    block.t[where] = np.maximum(2.0 * (heights - lowest), 0.0)
    block.fit_status[where] = profile.status.reshape(-1, *shape)
    block.best_fit[where], block.error[where] = free.theta[:, columns], scan.error
    block.twice_nll_free[where] = 2.0 * finite(free.nll)
    block.parameters_free[where] = group.external(np.where(group.present[rows], free.theta, np.nan))
    block.fit_status_free[where] = free.status
    advice = {int(where[k]): f"free fit: {free.take_status(int(k)).advice}" for k in np.flatnonzero(~good)}
    reasons = tuple(advice.get(k, reason) for k, reason in enumerate(block.reasons))
    return replace(block, reasons=reasons, n_fits=block.n_fits + len(free.nll) + len(profile.nll))

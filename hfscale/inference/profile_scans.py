"""Profile likelihood of one or two parameters of a block of signal points.

t(x) = 2 (min -ln L with the parameters at x - min -ln L with all free), arXiv:1007.1727 eq. 8 for any parameter. Every
value of a grid is fitted, or those that intervals and contours need.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.status import FitStatus
from hfscale.inference.adaptive_profiles import scan_adaptively
from hfscale.inference.assembly import finite
from hfscale.inference.full_profiles import KnownFits, Scan, scan_all, values_of
from hfscale.inference.profile_grids import DEFAULT_VALUES, NO_SIGNAL, check_grids, hindrance, scanned_columns
from hfscale.inference.profile_refinement import ADAPTIVE_VALUES, usual_fits
from hfscale.inference.profile_surroundings import Surroundings
from hfscale.inference.results import PointStatus
from hfscale.model.structure import ModelGroup

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
    tolerance: float | None = None,
    known: KnownFits | None = None,
) -> ProfileBlock:
    """Profile likelihoods of the points in `rows` of a group.

    A fit that fails leaves its value of the grid without a number and harms no other.

    Args:
        group, rows: The points.
        parameters: Names of one or two components, ``x`` or ``x[i]``.
        grids: Values of each, the same at every point. None: from three uncertainties below the best fit to three
            above, inside the bounds (all between these where there is no uncertainty); 31 values for one parameter, 21
            of each for two, and of adaptive grids 129 and 65.
        tolerance: Standard deviations by which contours may be off on an adaptive grid, of which only those places are
            fitted that are needed for this (`hfscale.inference.profile_refinement`). None: all are.
        known: The first fits of a single point, from `hfscale.inference.profile_slabs`.

    Raises:
        SelectionError:
        InputError: A grid has no value, or one outside the bounds of the parameter.
    """
    columns = scanned_columns(group, parameters)
    default = (DEFAULT_VALUES if tolerance is None else ADAPTIVE_VALUES)[len(columns)]
    shape = [default if grid is None else len(grid) for grid, _ in zip(grids, columns)]
    hindrances = [hindrance(group, int(row), parameters) for row in rows]
    block = _empty(group, hindrances, shape)
    able = np.flatnonzero([not text for text in hindrances])
    check_grids(group, rows[able], parameters, grids)
    n_fits = int(np.prod(shape)) if tolerance is None else usual_fits(shape)
    numbers = n_fits * sum(int(np.prod(array.shape[1:])) for array in group.points)
    step = max(_NUMBERS // max(numbers, 1), 1)
    for begin in range(0, len(able), step):
        where = able[begin : begin + step]
        at = Surroundings.of(group, rows[where], columns)
        values = values_of(at, grids, default)
        if tolerance is None:
            scan = scan_all(group, at, values, known)
        else:
            scan = scan_adaptively(group, at, values, tolerance, known)
        block = _with_scan(group, block, rows[where], where, columns, scan)
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
    scan: Scan,
) -> ProfileBlock:
    """Put the scans of the points at the places `where` of a block into it."""
    free = scan.free
    good = free.succeeded
    lowest = np.where(good, free.nll, np.nan).reshape(-1, *(1 for _ in columns))
    block.status[where[~good]] = int(PointStatus.FAILED)
    for axis, values in zip(block.values, scan.values, strict=True):
        axis[where] = values
    block.t[where] = np.maximum(2.0 * (scan.nll - lowest), 0.0)
    block.fit_status[where] = scan.fit_status
    block.best_fit[where], block.error[where] = free.theta[:, columns], scan.error
    block.twice_nll_free[where] = 2.0 * finite(free.nll)
    block.parameters_free[where] = group.external(np.where(group.present[rows], free.theta, np.nan))
    block.fit_status_free[where] = free.status
    advice = {int(where[k]): f"free fit: {free.take_status(int(k)).advice}" for k in np.flatnonzero(~good)}
    reasons = tuple(advice.get(k, reason) for k, reason in enumerate(block.reasons))
    return replace(block, reasons=reasons, n_fits=block.n_fits + len(free.nll) + scan.n_fits)

"""Best fits with covariances of a block of points, and fits with one parameter held beside them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.covariance import hessians
from hfscale.fit.escalation import best_fits, refit
from hfscale.fit.lanes import FitResults
from hfscale.fit.mirrored import neighbouring_minima
from hfscale.fit.neighbours import replace_by_lower
from hfscale.fit.slots import AGREEMENT
from hfscale.fit.starts import scattered_starts
from hfscale.inference.measurement.results import ParameterStatus
from hfscale.inference.measurement.uncertainties import uncertainties_of
from hfscale.model.structure import ModelGroup, PointNumbers

_COLD_TROUBLES = 4
"""Rejected steps at which a fit is repeated from other starts: suggested start values lie far from the minimum."""
_NUMBERS = 20_000_000
"""Numbers of all fits that are made together, for the sake of memory."""


class Minima(NamedTuple):
    """Best fits of some points, in the group's internal order of parameters.

    Attributes:
        points: Numbers of each point.
        free: Their minima.
        covariance: Covariance of each, as `hfscale.inference.measurement.uncertainties` has it.
        parameter_status: `ParameterStatus`.
    """

    points: PointNumbers
    free: FitResults
    covariance: Float[np.ndarray, "point parameter parameter"]
    parameter_status: Int[np.ndarray, "point parameter"]

    @property
    def errors(self) -> Float[np.ndarray, "point parameter"]:
        """Standard deviations."""
        errors: Float[np.ndarray, "point parameter"] = np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))
        return errors


def free_minima(group: ModelGroup, rows: Int[np.ndarray, " point"]) -> FitResults:
    """Minimise -ln L of points with all parameters free.

    Every fit is made from the suggested start values, from three scattered ones, and from the minimum with single
    parameters on their other side; the lowest minimum counts.
    """
    points, inits = group.points.take(rows), group.inits[rows]
    starts = [inits, *scattered_starts(group.structure, points, inits)]
    free = best_fits(
        group.structure, group.shared, points, starts, troubles=_COLD_TROUBLES, sure=len(starts)
    )  # fmt: skip
    lower = neighbouring_minima(group.structure, group.shared, points, free)
    best = FitResults(*(array.copy() for array in free))
    replace_by_lower(best, np.arange(len(rows)), lower)
    return best


def with_covariance(group: ModelGroup, rows: Int[np.ndarray, " point"], free: FitResults) -> Minima:
    """Add what the second derivatives at the minima tell."""
    points, present = group.points.take(rows), group.present[rows]
    low, high = free.theta <= points.lower, free.theta >= points.upper
    moving = ~points.fixed & ~low & ~high
    status = np.full(points.fixed.shape, int(ParameterStatus.FREE))
    status[low], status[high] = int(ParameterStatus.AT_LOWER_BOUND), int(ParameterStatus.AT_UPPER_BOUND)
    status[points.fixed] = int(ParameterStatus.FIXED)
    covariance = np.full((*points.fixed.shape, points.fixed.shape[1]), np.nan)
    good = np.flatnonzero(free.succeeded)
    curvature = hessians(group.structure, group.shared, points.take(good), free.theta[good])
    for k, hessian in zip(good, curvature, strict=True):
        covariance[k], flat = uncertainties_of(hessian, moving[k])
        status[k, flat] = int(ParameterStatus.FLAT)
    status[~present] = int(ParameterStatus.ABSENT)
    return Minima(points, free, covariance, status)


class Held(NamedTuple):
    """Fits of points with one parameter each held at a value.

    Attributes:
        point: Which of the points of a block each fit is of.
        column: Internal position of the parameter.
        value: Where it is held.
    """

    point: Int[np.ndarray, " fit"]
    column: Int[np.ndarray, " fit"]
    value: Float[np.ndarray, " fit"]


def held_minima(group: ModelGroup, minima: Minima, held: Held, start: Float[np.ndarray, "fit parameter"]) -> FitResults:
    """Minimise with parameters held, all fits in one queue (or several, where they are too large for the memory)."""
    numbers = sum(int(np.prod(array.shape[1:])) for array in minima.points)
    step = max(_NUMBERS // max(numbers, 1), 1)
    parts = [
        _held_part(group, minima, Held(*(array[begin : begin + step] for array in held)), start[begin : begin + step])
        for begin in range(0, max(len(start), 1), step)
    ]
    return FitResults(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _held_part(group: ModelGroup, minima: Minima, held: Held, start: Float[np.ndarray, "fit parameter"]) -> FitResults:
    fits, lanes = minima.points.take(held.point), np.arange(len(start))
    fixed, begin = fits.fixed.copy(), start.copy()
    fixed[lanes, held.column], begin[lanes, held.column] = True, held.value
    fits = fits._replace(fixed=fixed)
    starts = [begin, *scattered_starts(group.structure, fits, begin)]
    sure = len(starts) if group.structure.needs_several_starts else 1
    return best_fits(group.structure, group.shared, fits, starts, sure=sure)


def predicted(minima: Minima, held: Held) -> Float[np.ndarray, "fit parameter"]:
    """Where the other parameters go if -ln L is a parabola around the minimum, inside the bounds."""
    lanes = np.arange(len(held.point))
    theta = minima.free.theta[held.point]
    row = minima.covariance[held.point, held.column]
    variance = row[lanes, held.column]
    usable = np.isfinite(row).all(axis=1) & (variance > 0)
    slope = np.where(usable[:, None], row, 0.0) / np.where(usable, variance, 1.0)[:, None]
    moved = theta + slope * (held.value - theta[lanes, held.column])[:, None]
    inside: Float[np.ndarray, "fit parameter"] = np.clip(
        moved, minima.points.lower[held.point], minima.points.upper[held.point]
    )
    return inside


def not_above(
    group: ModelGroup, minima: Minima, held: Held, found: FitResults
) -> tuple[FitResults, bool]:  # fmt: skip
    """Free minima, those that lie above one with a parameter held sought again from there; and whether there are any.

    A fit with a parameter held cannot end lower than the free one, unless that is not the lowest minimum.
    """
    free, start = minima.free, minima.free.theta.copy()
    lowest = free.nll.copy()
    for k in np.flatnonzero(found.succeeded & free.succeeded[held.point]):
        if found.nll[k] < lowest[held.point[k]] - AGREEMENT:
            lowest[held.point[k]], start[held.point[k]] = found.nll[k], found.theta[k]
    above = lowest < free.nll
    return refit(group.structure, group.shared, minima.points, start, above, free), bool(above.any())

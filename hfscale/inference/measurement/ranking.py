"""Impacts of nuisance parameters on the POI, as cabinetry defines them: four fits for each, all in one batch.

A parameter is held at its best fit plus and minus its uncertainty before the fit (that of its constraint) and after it;
the impact is how far the best fit of the POI moves. Values beyond a bound are moved onto it. Parameters without such an
uncertainty (unconstrained ones before the fit, fixed ones and those at a bound after it) have the impact 0.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.lanes import FitResults
from hfscale.fit.status import FitStatus
from hfscale.inference.measurement.minima import Held, Minima, held_minima, not_above, predicted
from hfscale.inference.measurement.results import SHIFTS, ParameterStatus
from hfscale.model.structure import LOGNORMAL, POISSON, ModelGroup, PointNumbers

_SIGNS = np.array([1.0, -1.0, 1.0, -1.0])


class Impacts(NamedTuple):
    """Impacts on the POI, in the group's internal order of parameters.

    Attributes:
        impact: Change of the POI's best fit; NaN where the fit failed.
        fit_status: How the fits ended; NOT_RUN where the impact is 0 without one.
        n_fits: How many fits were made.
        free: The free minima, lower ones where the fits have come across any: then the impacts are of no use.
        lowered: Whether they have.
    """

    impact: Float[np.ndarray, "point shift parameter"]
    fit_status: Int[np.ndarray, "point shift parameter"]
    n_fits: int
    free: FitResults
    lowered: bool


def impacts(group: ModelGroup, minima: Minima, columns: Int[np.ndarray, " chosen"] | None = None) -> Impacts:
    """Impacts of parameters of points on their POI.

    Args:
        group: The group of the points.
        minima: Their best fits.
        columns: Internal positions of the parameters, None for all. Others have the impact 0.
    """
    free, points, poi = minima.free, minima.points, group.structure.poi
    value = free.theta[:, None] + _SIGNS[:, None] * _distances(group, minima)
    value = np.clip(value, points.lower[:, None], points.upper[:, None])
    moved = (value != free.theta[:, None]) & free.succeeded[:, None, None]
    moved[:, :, poi] = False
    if columns is not None:
        moved &= np.isin(np.arange(moved.shape[2]), columns)
    point, shift, column = np.nonzero(moved)
    held = Held(point, column, value[point, shift, column])
    found = held_minima(group, minima, held, predicted(minima, held))
    best, lowered = not_above(group, minima, held, found)
    impact, status = np.zeros(moved.shape), np.full(moved.shape, int(FitStatus.NOT_RUN))
    impact[~free.succeeded] = np.nan
    impact[point, shift, column] = np.where(found.succeeded, found.theta[:, poi] - free.theta[point, poi], np.nan)
    status[point, shift, column] = found.status
    return Impacts(impact, status, len(point), best, lowered)


def _distances(group: ModelGroup, minima: Minima) -> Float[np.ndarray, "point shift parameter"]:
    """How far each fit moves each parameter, in the order of `SHIFTS`."""
    varied = ~np.isin(minima.parameter_status, (ParameterStatus.FIXED, ParameterStatus.ABSENT))
    before = np.where(varied, prefit_errors(group, minima.points), 0.0)
    after = np.where(varied & np.isfinite(minima.errors), minima.errors, 0.0)
    return np.stack([before if name.startswith("prefit") else after for name in SHIFTS], axis=1)


def prefit_errors(group: ModelGroup, points: PointNumbers) -> Float[np.ndarray, "point parameter"]:
    """Standard deviations that constraints give to parameters, 0 where there is none."""
    kind, width = group.structure.constraint, points.width
    # A Poisson constraint with the factor tau has the width 1/sqrt(tau) around 1.
    own = np.where(kind == POISSON, 1.0 / np.sqrt(np.where(kind == POISSON, width, 1.0)), width)
    own = np.where(kind == LOGNORMAL, width * np.abs(points.auxdata), own)
    return np.where(points.constrained > 0, own, 0.0)

"""Best fits and rankings as cabinetry's containers, which its pictures are drawn from; needs the extra `cabinetry`."""

from typing import TYPE_CHECKING, Any

import numpy as np

from hfscale.errors import InputError
from hfscale.inference.measurement.results import SHIFTS
from hfscale.reading.fits import FittedPoint
from hfscale.reading.rankings import RankedPoint

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults, RankingResults


def cabinetry_fit(point: FittedPoint) -> "FitResults":
    """The best fit of a signal point as `cabinetry.fit.fit` returns it.

    MINOS errors are those that were found; errors that are not finite are 0, as of parameters that are held.

    Raises:
        InputError: cabinetry is not installed.
    """
    containers = _containers()
    minos = {
        name: (float(point.minos[0, k]), float(point.minos[1, k]))
        for k, name in enumerate(point.parameters)
        if np.isfinite(point.minos[:, k]).all()
    }
    result: FitResults = containers.FitResults(
        bestfit=point.best_fit,
        uncertainty=np.where(np.isfinite(point.errors), point.errors, 0.0),
        labels=list(point.parameters),
        corr_mat=point.correlation,
        best_twice_nll=point.twice_nll,
        minos_uncertainty=minos,
    )
    return result


def cabinetry_ranking(point: RankedPoint) -> "RankingResults":
    """The ranking of a signal point as `cabinetry.fit.ranking` returns it, in the order of the model's parameters.

    Raises:
        InputError: cabinetry is not installed.
    """
    containers = _containers()
    others = [k for k, name in enumerate(point.fit.parameters) if name != point.poi]
    errors = np.where(np.isfinite(point.fit.errors), point.fit.errors, 0.0)
    result: RankingResults = containers.RankingResults(
        bestfit=point.fit.best_fit[others],
        uncertainty=errors[others],
        labels=[point.fit.parameters[k] for k in others],
        **{shift: point.impact[k, others] for k, shift in enumerate(SHIFTS)},
    )
    return result


def _containers() -> Any:
    try:
        from cabinetry.fit import results_containers
    except ImportError as error:
        raise InputError(
            "cabinetry is not installed", remedy="install it with pip install 'hfscale[cabinetry]'"
        ) from error
    return results_containers

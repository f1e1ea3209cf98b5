"""Best fits and rankings from and to cabinetry's containers, from which its pictures are drawn (extra `cabinetry`)."""

from typing import TYPE_CHECKING, Any

import numpy as np

from hfscale.errors import InputError, SelectionError
from hfscale.fit.status import FitStatus
from hfscale.inference.measurement.results import SHIFTS, MinosStatus, ParameterStatus

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults, RankingResults

    from hfscale.reading.fits import FittedPoint
    from hfscale.reading.goodness import GoodnessOfFit
    from hfscale.reading.rankings import RankedPoint


def cabinetry_containers() -> Any:
    """Return the module of cabinetry's containers.

    Raises:
        InputError: cabinetry is not installed.
    """
    try:
        from cabinetry.fit import results_containers
    except ImportError as error:
        raise InputError(
            "cabinetry is not installed", remedy="install it with pip install 'hfscale[cabinetry]'"
        ) from error
    return results_containers


def cabinetry_fit(point: "FittedPoint", goodness: "GoodnessOfFit | None") -> "FitResults":
    """The best fit of a signal point as `cabinetry.fit.fit` returns it.

    MINOS errors are those that were found; errors that are not finite are 0, as of parameters that are held.

    Args:
        point: The best fit.
        goodness: Goodness of this fit, whose p-value is put in; None for none.

    Raises:
        InputError: cabinetry is not installed.
    """
    containers = cabinetry_containers()
    minos = {
        name: (float(point.minos[0, k]), float(point.minos[1, k]))
        for k, name in enumerate(point.parameters)
        if np.isfinite(point.minos[:, k]).all()
    }
    more = {} if goodness is None else {"goodness_of_fit": goodness.p_value}
    result: FitResults = containers.FitResults(
        bestfit=point.best_fit,
        uncertainty=np.where(np.isfinite(point.errors), point.errors, 0.0),
        labels=list(point.parameters),
        corr_mat=point.correlation,
        best_twice_nll=point.twice_nll,
        minos_uncertainty=minos,
        **more,
    )
    return result


def fit_from_cabinetry(results: "FitResults", name: str) -> "FittedPoint":
    """The best fit that `cabinetry.fit.fit` returned; what its container does not tell is NaN.

    Args:
        results: The container. Parameters without an error count as fixed.
        name: Name of the signal point.
    """
    from hfscale.reading.fits import FittedPoint

    errors = np.asarray(results.uncertainty, dtype=np.float64)
    nothing = (np.nan, np.nan)
    minos = np.array([results.minos_uncertainty.get(label, nothing) for label in results.labels], dtype=np.float64).T
    return FittedPoint(
        name=name,
        values={},
        status="ok",
        parameters=tuple(results.labels),
        best_fit=np.asarray(results.bestfit, dtype=np.float64),
        errors=errors,
        parameter_status=np.where(errors > 0, ParameterStatus.FREE, ParameterStatus.FIXED).astype(np.int64),
        correlation=np.asarray(results.corr_mat, dtype=np.float64),
        minos=minos,
        minos_status=np.where(np.isfinite(minos), MinosStatus.OK, MinosStatus.NOT_RUN).astype(np.int64),
        twice_nll=float(results.best_twice_nll),
        edm=float("nan"),
        fit_status=FitStatus.CONVERGED,
        warnings=(),
        reason="",
    )


def cabinetry_ranking(point: "RankedPoint") -> "RankingResults":
    """The ranking of a signal point as `cabinetry.fit.ranking` returns it, in the order of the model's parameters.

    Raises:
        InputError: cabinetry is not installed.
    """
    containers = cabinetry_containers()
    others = [k for k, name in enumerate(point.fit.parameters) if name != point.poi]
    errors = np.where(np.isfinite(point.fit.errors), point.fit.errors, 0.0)
    result: RankingResults = containers.RankingResults(
        bestfit=point.fit.best_fit[others],
        uncertainty=errors[others],
        labels=[point.fit.parameters[k] for k in others],
        **{shift: point.impact[k, others] for k, shift in enumerate(SHIFTS)},
    )
    return result


def ranking_from_cabinetry(results: "RankingResults", fit: "FitResults", poi: str, name: str) -> "RankedPoint":
    """The ranking that `cabinetry.fit.ranking` returned; it has no components.

    Args:
        results: The container.
        fit: The fit that the ranking was made for, which has the POI.
        poi: Name of the POI.
        name: Name of the signal point.

    Raises:
        SelectionError: The fit has not these parameters and the POI.
    """
    from hfscale.reading.rankings import RankedPoint

    if {poi, *results.labels} != set(fit.labels):
        raise SelectionError(
            f"the fit has not the parameters of the ranking and the POI {poi!r}",
            remedy="give the fit that the ranking was made for, and its POI",
        )
    place = {label: k for k, label in enumerate(fit.labels)}
    impact = np.full((len(SHIFTS), len(place)), np.nan)
    for k, shift in enumerate(SHIFTS):
        impact[k, [place[label] for label in results.labels]] = getattr(results, shift)
    nothing = np.full(len(place), np.nan)
    return RankedPoint(fit_from_cabinetry(fit, name), poi, impact, nothing, float("nan"), {})

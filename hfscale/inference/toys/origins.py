"""What toys are thrown from: fits of the observed data of several points."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.errors import InputError
from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import minimise
from hfscale.inference.fits import HypothesisFits, fit_hypotheses
from hfscale.inference.results import PointStatus
from hfscale.inference.toys.results import ToyOrigins
from hfscale.inference.toys.settings import ToySettings
from hfscale.inference.toys.statistics import toy_statistic
from hfscale.model.structure import ModelGroup


class _Fits(NamedTuple):
    """Fits of observed data: with the POI at the tested value, free, and at the value of the other hypothesis."""

    conditional: FitResults
    free: FitResults
    other: FitResults


def toy_origins(group: ModelGroup, rows: Int[np.ndarray, " point"], mu: float, settings: ToySettings) -> ToyOrigins:
    """Fit the observed data of the points in `rows` of a group, testing the POI value `mu`.

    A point whose POI scales nothing has status NO_SIGNAL and no toys. One with a failed fit has status FAILED and a
    reason; the others are not affected.

    Raises:
        InputError: The test statistic is q0 and `mu` is not 0, or `mu` is outside the bounds of a point's POI.
    """
    _require_allowed(group, rows, mu, settings)
    signal = group.has_signal[rows]
    fits = _observed_fits(group, rows[signal], mu, settings)
    good = np.logical_and.reduce([results.succeeded for results in fits])
    status = np.full(len(rows), int(PointStatus.NO_SIGNAL))
    status[signal] = np.where(good, int(PointStatus.OK), int(PointStatus.FAILED))

    def spread(values: Float[np.ndarray, "fitted *k"]) -> Float[np.ndarray, "point *k"]:
        result = np.full((len(rows), *values.shape[1:]), np.nan)
        result[signal] = values
        return result

    thrown_sb, thrown_b = fits.conditional, fits.other
    if settings.nuisance == "prefit":
        thrown_sb = _as_suggested(group, rows[signal], settings.poi_of("sb", mu))
        thrown_b = _as_suggested(group, rows[signal], settings.poi_of("b", mu))
    mu_hat = fits.free.theta[:, group.structure.poi]
    q = toy_statistic(fits.conditional.nll, fits.free.nll, mu_hat, mu, settings.test_stat)
    return ToyOrigins(
        rows=rows,
        theta_sb=spread(thrown_sb.theta),
        theta_b=spread(thrown_b.theta),
        rates_sb=spread(thrown_sb.rates),
        rates_b=spread(thrown_b.rates),
        q_obs=spread(np.where(good, q, np.nan)),
        twice_nll_conditional=spread(2.0 * fits.conditional.nll),
        twice_nll_free=spread(2.0 * fits.free.nll),
        status=status,
        reasons=_reasons(fits, signal, good),
    )


def _require_allowed(group: ModelGroup, rows: Int[np.ndarray, " point"], mu: float, settings: ToySettings) -> None:
    if settings.test_stat == "q0" and mu != 0.0:
        raise InputError(f"q0 tests the POI value 0, not {mu:g}", remedy="test the value 0, or choose qtilde")
    poi, points = group.structure.poi, group.points
    for value in (settings.poi_of("sb", mu), settings.poi_of("b", mu)):
        outside = (value < points.lower[rows, poi]) | (value > points.upper[rows, poi])
        if outside.any():
            lower, upper = (float(bound[rows[outside][0], poi]) for bound in (points.lower, points.upper))
            raise InputError(
                f"the POI value {value:g} is outside its bounds {lower:g} to {upper:g}",
                remedy="choose another value, or change the bounds in the measurement's parameter configuration",
            )


def _observed_fits(group: ModelGroup, rows: Int[np.ndarray, " point"], mu: float, settings: ToySettings) -> _Fits:
    if settings.test_stat == "q0":
        fits: HypothesisFits = fit_hypotheses(group, rows, settings.poi_of("b", mu))
        return _Fits(conditional=fits.background, free=fits.free, other=fits.conditional)
    fits = fit_hypotheses(group, rows, mu)
    return _Fits(conditional=fits.conditional, free=fits.free, other=fits.background)


def _as_suggested(group: ModelGroup, rows: Int[np.ndarray, " point"], poi: float) -> FitResults:
    """Suggested start values and a POI value, with their rates: fits with nothing free."""
    theta = group.inits[rows]
    theta[:, group.structure.poi] = poi
    points = group.points.take(rows)
    return minimise(group.structure, group.shared, points._replace(fixed=np.ones_like(points.fixed)), theta)


def _reasons(fits: _Fits, signal: Bool[np.ndarray, " point"], good: Bool[np.ndarray, " fitted"]) -> tuple[str, ...]:
    reasons = [""] * len(signal)
    for k, point in enumerate(np.flatnonzero(signal)):
        if not good[k]:
            statuses = {name: results.take_status(k) for name, results in fits._asdict().items()}
            failed = [f"{name} fit: {status.advice}" for name, status in statuses.items() if not status.succeeded]
            reasons[point] = "; ".join(failed)
    return tuple(reasons)

"""Goodness of fit against the saturated model: the likelihood-ratio chi-square of Baker and Cousins, and toys.

The saturated model has a free rate in every bin, and every auxiliary datum at its most probable place. Twice the
difference in -ln L between the best fit and that model (Nucl. Instrum. Meth. 221 (1984) 437; cabinetry computes the
same) is the sum of one term per bin and one per constraint, and follows a chi-square distribution with as many degrees
of freedom as there are bins less free parameters without constraint, where counts are large. Toys are thrown from the
best fit and fitted again; their chi-square counts where they are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import xlogy
from scipy.stats import chi2 as chi2_distribution

from hfscale.fit.escalation import best_fits
from hfscale.fit.lanes import FitResults
from hfscale.fit.other_minima import with_other_minima
from hfscale.fit.profiles import rate_tables
from hfscale.fit.starts import scattered_starts
from hfscale.inference.assembly import finite
from hfscale.inference.measurement.minima import free_minima
from hfscale.inference.measurement.overrides import FitOverrides, overridden
from hfscale.inference.results import PointStatus
from hfscale.inference.toys.addresses import Address
from hfscale.inference.toys.settings import Ensemble
from hfscale.inference.toys.throw import throw_toys
from hfscale.model.structure import LOGNORMAL, POISSON, ModelGroup, PointNumbers

_TOYS = 512
"""Toys that are fitted together, for the sake of memory."""
_MINUIT_CALLS = 2_000
_TOLERANCE = 1e-9
"""Below the observed chi-square, for toys that are equal to it but for rounding."""


class GoodnessToys(NamedTuple):
    """Toys of a goodness of fit.

    Attributes:
        number: How many of each point.
        seed: Seed.
        ensemble: What becomes of the auxiliary data.
    """

    number: int
    seed: int = 0
    ensemble: Ensemble = "unconditional"


@dataclass(frozen=True)
class GoodnessBlock:
    """Goodness of fit of some points.

    Attributes:
        status: `PointStatus`.
        chi2: Twice the difference in -ln L between the best fit and the saturated model.
        chi2_constraints: The part of the constraints in it.
        n_dof: Bins less parameters that are free and unconstrained.
        p_value: Chance of a larger chi-square; NaN without degrees of freedom.
        channel_chi2, channel_bins: Parts of the bins of each channel, and how many bins it has.
        chi2_toys: That of toys, NaN where the fit failed.
        channel_above: Number of toys in which the part of a channel is at least the observed one.
        parameters_free, twice_nll_free, edm, fit_status_free: The best fit, as in `FitBlock`.
        reasons: Why a point failed, empty elsewhere.
        n_fits: How many fits were made.
    """

    status: Int[np.ndarray, " point"]
    chi2: Float[np.ndarray, " point"]
    chi2_constraints: Float[np.ndarray, " point"]
    n_dof: Float[np.ndarray, " point"]
    p_value: Float[np.ndarray, " point"]
    channel_chi2: Float[np.ndarray, "point channel"]
    channel_bins: Float[np.ndarray, "point channel"]
    chi2_toys: Float[np.ndarray, "point toy"]
    channel_above: Float[np.ndarray, "point channel"]
    parameters_free: Float[np.ndarray, "point parameter"]
    twice_nll_free: Float[np.ndarray, " point"]
    edm: Float[np.ndarray, " point"]
    fit_status_free: Int[np.ndarray, " point"]
    reasons: tuple[str, ...]
    n_fits: int


class ThrownToys(NamedTuple):
    """Toys of some points, thrown from their best fits.

    Attributes:
        free: The best fits.
        chi2: Chi-square of each toy, NaN where the fit failed.
        above: Number of toys in which the part of a channel is at least the observed one.
    """

    free: FitResults
    chi2: Float[np.ndarray, "point toy"]
    above: Float[np.ndarray, "point channel"]


class _Parts(NamedTuple):
    """Parts of chi-square; NaN where a fit failed."""

    channels: Float[np.ndarray, "fit channel"]
    constraints: Float[np.ndarray, " fit"]
    total: Float[np.ndarray, " fit"]


def goodness_of_points(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    overrides: FitOverrides,
    channels: Sequence[str],
    toys: GoodnessToys | None = None,
    known: ThrownToys | None = None,
) -> GoodnessBlock:
    """Goodness of fit of the points in `rows` of a group.

    Args:
        group, rows: The points.
        overrides: Parameters that are held, bounded or started elsewhere, in the fits of toys too.
        channels: Those whose parts are told.
        toys: Toys to throw from the best fits, None for none.
        known: These toys, if they have been thrown, from `hfscale.inference.measurement.parts`.
    """
    changed = overridden(group, overrides)
    free, points = free_minima(changed, rows) if known is None else known.free, changed.points.take(rows)
    good, inside = free.succeeded, _membership(changed, channels)
    parts = _parts(changed, points, free, inside)
    n_dof = _degrees_of_freedom(changed, rows)
    p_value = np.where(n_dof > 0, chi2_distribution.sf(parts.total, np.maximum(n_dof, 1.0)), np.nan)
    count = 0 if toys is None else toys.number
    if toys is None:
        known = ThrownToys(free, np.empty((len(rows), 0)), np.full((len(rows), len(channels)), np.nan))
    elif known is None:
        known = throw_from(changed, rows, free, channels, toys, 0, count)
    return GoodnessBlock(
        status=np.where(good, int(PointStatus.OK), int(PointStatus.FAILED)),
        chi2=parts.total,
        chi2_constraints=parts.constraints,
        n_dof=n_dof,
        p_value=p_value,
        channel_chi2=parts.channels,
        channel_bins=(points.bins > 0).astype(np.float64) @ inside,
        chi2_toys=known.chi2,
        channel_above=known.above,
        parameters_free=changed.external(np.where(changed.present[rows], free.theta, np.nan)),
        twice_nll_free=2.0 * finite(free.nll),
        edm=np.where(good, free.edm, np.nan),
        fit_status_free=free.status,
        reasons=tuple("" if ok else f"free fit: {free.take_status(k).advice}" for k, ok in enumerate(good)),
        n_fits=len(rows) + int(good.sum()) * count,
    )


def throw_from(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    free: FitResults,
    channels: Sequence[str],
    toys: GoodnessToys,
    first: int,
    stop: int,
) -> ThrownToys:
    """Throw the toys `first` to `stop - 1` of points from their best fits, and fit them.

    Args:
        group: The group of the points, with the overrides of the fits.
        rows: The points.
        free: Their best fits.
        channels: Those whose parts are counted.
        toys: All toys.
        first, stop: Range of those to throw.
    """
    inside = _membership(group, channels)
    parts = _parts(group, group.points.take(rows), free, inside)
    chi2, above = np.full((len(rows), stop - first), np.nan), np.full((len(rows), len(channels)), np.nan)
    for k in np.flatnonzero(free.succeeded):
        thrown = _toy_parts(group, int(rows[k]), free.take(np.array([k])), inside, toys, first, stop)
        chi2[k] = thrown.total
        above[k] = (thrown.channels >= parts.channels[k] - _TOLERANCE).sum(axis=0)
    return ThrownToys(free, chi2, above)


def _membership(group: ModelGroup, channels: Sequence[str]) -> Float[np.ndarray, "bin channel"]:
    """1 where a bin belongs to a channel."""
    names = np.array([channel for channel, _ in group.bin_names], dtype=object)
    inside: Float[np.ndarray, "bin channel"] = (names[:, None] == np.array(channels, dtype=object)).astype(np.float64)
    return inside


def _degrees_of_freedom(group: ModelGroup, rows: Int[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
    points = group.points.take(rows)
    free = group.present[rows] & ~points.fixed & (points.constrained <= 0)
    # A POI that scales nothing describes nothing.
    free[:, group.structure.poi] &= group.has_signal[rows]
    degrees: Float[np.ndarray, " point"] = (points.bins > 0).sum(axis=1) - free.sum(axis=1).astype(np.float64)
    return degrees


def _parts(
    group: ModelGroup, fits: PointNumbers, found: FitResults, inside: Float[np.ndarray, "bin channel"]
) -> _Parts:  # fmt: skip
    """Parts of chi-square at the best fits of some data."""
    good = found.succeeded
    bins = np.where(fits.bins > 0, _poisson_deviance(fits.data, found.rates), 0.0)
    varied = (fits.constrained > 0) & ~fits.fixed
    constraints = np.where(varied, _constraint_deviance(group, fits, found.theta), 0.0).sum(axis=1)
    return _Parts(
        channels=np.where(good[:, None], bins @ inside, np.nan),
        constraints=np.where(good, constraints, np.nan),
        total=np.where(good, bins.sum(axis=1) + constraints, np.nan),
    )


def _poisson_deviance(n: Float[np.ndarray, "fit k"], mean: Float[np.ndarray, "fit k"]) -> Float[np.ndarray, "fit k"]:
    """2 (mean - n + n ln(n / mean)), eq. (2) of Baker and Cousins."""
    events = n > 0
    ratio = np.where(events, n, 1.0) / np.where(events & (mean > 0), mean, 1.0)
    deviance: Float[np.ndarray, "fit k"] = 2.0 * (mean - n + xlogy(n, ratio))
    return deviance


def _constraint_deviance(
    group: ModelGroup, fits: PointNumbers, theta: Float[np.ndarray, "fit parameter"]
) -> Float[np.ndarray, "fit parameter"]:
    """Twice -ln of the density of every auxiliary datum relative to its largest, as `hfscale.model.constraints`."""
    kind, constrained = group.structure.constraint, fits.constrained > 0
    datum, width = (np.where(constrained, array, 1.0) for array in (fits.auxdata, fits.width))
    normal = ((theta - datum) / width) ** 2
    poisson = _poisson_deviance(datum, theta * width)
    positive = (kind == LOGNORMAL) & (theta > 0) & (datum > 0)
    lognormal = (np.log(np.where(positive, theta / np.where(positive, datum, 1.0), 1.0)) / width) ** 2
    return np.where(kind == POISSON, poisson, np.where(kind == LOGNORMAL, lognormal, normal))


def _toy_parts(
    group: ModelGroup,
    row: int,
    best: FitResults,
    inside: Float[np.ndarray, "bin channel"],
    toys: GoodnessToys,
    first: int,
    stop: int,
) -> _Parts:
    """Throw toys from the best fit of a point, and fit them."""
    # No POI value is tested: the hypothesis is the model itself, at its best fit.
    address = Address(toys.seed, group.digests[row], "sb", float("nan"), toys.ensemble, "profiled")
    found = []
    for begin in range(first, stop, _TOYS):
        count = min(_TOYS, stop - begin)
        thrown = throw_toys(group, row, address, best.theta[0], best.rates[0], begin, count)
        points = group.points.take(np.full(count, row))
        fits = points._replace(data=thrown.data, auxdata=thrown.auxdata)
        found.append(_parts(group, fits, _toy_fits(group, row, fits, best), inside))
    return _Parts(*(np.concatenate(arrays) for arrays in zip(*found, strict=True)))


def _toy_fits(group: ModelGroup, row: int, fits: PointNumbers, best: FitResults) -> FitResults:
    """Fits of toys with all parameters free, from the generating ones and where another minimum may be."""
    structure, theta = group.structure, best.theta[0]
    # As in `hfscale.inference.toys.fits`: no auxiliary events pull a Poisson-constrained parameter to its bound.
    empty = (structure.constraint == POISSON) & (fits.constrained > 0) & ~fits.fixed & (fits.auxdata <= 0.0)
    starts = [np.where(empty, fits.lower, theta)]
    if structure.needs_several_starts:
        starts += scattered_starts(structure, fits, starts[0])
    known = best_fits(structure, group.shared, fits, starts, sure=len(starts), minuit_calls=_MINUIT_CALLS)
    tables = rate_tables(structure, group.shared, group.points.take(np.array([row])), theta, best.rates[0])
    return with_other_minima(structure, group.shared, tables, fits, known)

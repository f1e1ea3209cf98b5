"""Lower minima of the fits of toys, on other sides of single parameters: looked for where profiles show them."""

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.fit.lanes import FitResults
from hfscale.fit.neighbours import Starts, lower_minima
from hfscale.fit.profiles import RateTables
from hfscale.model.structure import POISSON, PointNumbers, SharedNumbers, Structure

_ROUNDS = 3
_HEIGHT = 0.3
"""How much higher in -ln L an approximate minimum may be to be tried."""
_DISTANCE = 0.25
"""How far from where the fit ended it must be, in widths of the parameter."""
_MOST = 5
"""Starts per fit and round."""
_NUMBERS = 4_000_000
_AT_BOUND = 1e-6


def with_other_minima(
    structure: Structure, shared: SharedNumbers, tables: RateTables, fits: PointNumbers, results: FitResults
) -> FitResults:
    """Go on from the minima of some fits to lower ones on other sides of single parameters, until there is none.

    Args:
        structure, shared: The group's program and common numbers.
        tables: Rates around the parameters that the toys were thrown from.
        fits: Numbers of each fit.
        results: Where the fits ended.
    """

    def starts(some: PointNumbers, found: FitResults) -> Starts:
        return _starts(structure, tables, some, found)

    return lower_minima(structure, shared, fits, results, _ROUNDS, starts)


def _starts(structure: Structure, tables: RateTables, fits: PointNumbers, results: FitResults) -> Starts:
    """Starts at other minima of the profiles."""
    n_fits, shape = len(results.nll), tables.rates.shape
    chunk = max(_NUMBERS // max(shape[0] * max(shape[1:], default=1), 1), 1)
    poi_moves = ~fits.fixed[:, structure.poi] & (
        results.theta[:, structure.poi] > fits.lower[:, structure.poi] + _AT_BOUND
    )
    found = [np.zeros((0, 4))]
    for moving in (False, True):
        members = np.flatnonzero(poi_moves == moving)
        for begin in range(0, len(members) if len(tables.chosen) else 0, chunk):
            some = members[begin : begin + chunk]
            found.append(_minima(structure, tables, int(moving), fits.take(some), results.take(some), some))
    fit, parameter, value, height = np.concatenate(found).T
    order = np.lexsort((height, fit))
    fit, parameter = fit[order].astype(np.int64), parameter[order].astype(np.int64)
    # The lowest few of each fit: places in a sorted list, counted from where the fit begins.
    kept = np.arange(len(fit)) - np.searchsorted(fit, np.arange(n_fits))[fit] < _MOST
    starts = results.theta[fit[kept]]
    starts[np.arange(len(starts)), parameter[kept]] = value[order][kept]
    return fit[kept], starts


def _minima(
    structure: Structure,
    tables: RateTables,
    moving: int,
    fits: PointNumbers,
    results: FitResults,
    names: Int[np.ndarray, " fit"],
) -> Float[np.ndarray, "minimum 4"]:
    """Other minima of the profiles, and shoulders, that are not much higher: rows of fit, parameter, value, height."""
    chosen, values = tables.chosen, tables.values
    heights = _profiles(structure, tables, moving, fits, results)
    inner = heights[..., 1:-1]
    ended, width = results.theta[:, chosen].T[..., None], fits.width[:, chosen].T[..., None]
    distance = values[:, None, 1:-1] - ended
    is_minimum = (inner <= heights[..., :-2]) & (inner <= heights[..., 2:]) | _beyond_concave(heights, distance)
    which, fit, place = np.nonzero(is_minimum & (inner < _HEIGHT) & (np.abs(distance) > _DISTANCE * width))
    return np.stack([names[fit], chosen[which], values[which, place + 1], inner[which, fit, place]], axis=1)


def _beyond_concave(
    heights: Float[np.ndarray, "chosen fit grid"], distance: Float[np.ndarray, "chosen fit inner"]
) -> Bool[np.ndarray, "chosen fit inner"]:
    """Where a profile, seen from where the fit ended, curves up again after it curved down.

    Approximate as it is, such a shoulder may be a minimum.
    """
    convex = np.diff(heights, 2, axis=-1) > 0.0
    left, right = np.zeros_like(convex), np.zeros_like(convex)
    left[..., :-1] = convex[..., :-1] & ~convex[..., 1:]
    right[..., 1:] = convex[..., 1:] & ~convex[..., :-1]
    return np.where(distance < 0.0, left, right)


def _profiles(
    structure: Structure, tables: RateTables, moving: int, fits: PointNumbers, results: FitResults
) -> Float[np.ndarray, "chosen fit grid"]:
    """Profiles of the chosen parameters, as height in -ln L above where the fits ended."""
    chosen, values, theta = tables.chosen, tables.values, results.theta
    poisson = structure.constraint == POISSON
    mode = np.where(poisson, fits.auxdata / np.where(poisson, fits.width, 1.0), fits.auxdata)
    moved = np.where((fits.constrained > 0) & ~fits.fixed, theta - mode, 0.0)
    residual = np.where(fits.bins > 0, fits.data - results.rates, 0.0) + moved @ tables.jacobian.T
    whitening = tables.whitening[moving]
    white_rates = tables.rates @ whitening
    # Where the fits ended, between two places of the tables.
    ended = theta[:, chosen]
    place = np.clip((ended - values[:, 0]) / (values[:, 1] - values[:, 0]), 0.0, values.shape[1] - 1.001)
    before = place.astype(np.int64)
    share = (place - before)[..., None]
    row = np.arange(len(chosen))
    at_end = (1.0 - share) * white_rates[row, before] + share * white_rates[row, before + 1]
    others = residual[:, None, :] - tables.jacobian.T[chosen] * moved[:, chosen, None]
    white = np.einsum("fcb,cbd->cfd", others, whitening)
    shifted = white + at_end.swapaxes(0, 1)
    data = 0.5 * (shifted**2).sum(axis=-1)[..., None] + 0.5 * (white_rates**2).sum(axis=-1)[:, None, :]
    data -= shifted @ white_rates.swapaxes(1, 2)
    auxdata, width = fits.auxdata[:, chosen].T[..., None], fits.width[:, chosen].T[..., None]
    constraint = 0.5 * ((values[:, None, :] - auxdata) / width) ** 2
    constraint -= 0.5 * ((ended.T[..., None] - auxdata) / width) ** 2
    height: Float[np.ndarray, "chosen fit grid"] = data + constraint - 0.5 * (white**2).sum(axis=-1)[..., None]
    return height

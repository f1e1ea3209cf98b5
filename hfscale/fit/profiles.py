"""Where a single parameter may have another minimum: its approximate profile likelihood, in many fits at once.

A shift that raises a rate both up and down gives its parameter a minimum on either side of the nominal value
(`hfscale.fit.mirrored`). Toys meet this often, and a fit that ends in the higher one has no sign of it. The fits of a
block of toys are alike, so rates are tabulated once along every such parameter. All other parameters are then taken as
Gaussian, with linear effects J, so that profiling them turns the variance of the rates into V = diag(nu) + J S J^T,
with their variances S. For a fit that ended at theta, data n and auxiliary values a, the profile of parameter p is

    q(alpha) = r^T V^-1 r / 2 + ((alpha - a_p) / sigma_p)^2 / 2,
    r = n - nu(theta) + sum over other o of J_o (theta_o - a_o) - nu_p(alpha) + nu_p(theta_p),

where V is without p, and nu_p are the tabulated rates. Its minima away from theta_p are where to look.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.fit.lanes import FitResults
from hfscale.fit.mirrored import bending
from hfscale.fit.slots import run
from hfscale.model.structure import (
    LOGNORMAL,
    POISSON,
    UNCONSTRAINED,
    PointNumbers,
    SharedNumbers,
    Structure,
)

_MOST_PARAMETERS = 32
_GRID = np.linspace(-4.0, 4.0, 33)
"""Where rates are tabulated, in widths around the auxiliary value of the model."""
_STEP = 0.05
_LARGEST_RESIDUAL = 5.0
"""Residuals in standard deviations at which a parameter must have a single minimum for it to be left out."""
_LEAST_BENDING = 0.5
_FREE_WIDTH = 10.0
_LEAST_RATE = 1e-3


@dataclass(frozen=True)
class RateTables:
    """Effects of parameters around common values.

    Attributes:
        jacobian: Slope of each rate with each parameter; 0 where it is fixed.
        chosen: Parameters that may have several minima.
        values: Where the rates along each of them are tabulated.
        rates: Those rates, NaN where the likelihood is not finite.
        whitening: L with L L^T the inverse of V, for fits with the POI fixed (or at a bound), and with it free.
    """

    jacobian: Float[np.ndarray, "bin parameter"]
    chosen: Int[np.ndarray, " chosen"]
    values: Float[np.ndarray, "chosen grid"]
    rates: Float[np.ndarray, "chosen grid bin"]
    whitening: Float[np.ndarray, "2 chosen bin bin"]


def rate_tables(
    structure: Structure,
    shared: SharedNumbers,
    point: PointNumbers,
    theta: Float[np.ndarray, " parameter"],
    rates: Float[np.ndarray, " bin"],
) -> RateTables:
    """Tabulate rates around the parameters that toys of a point are thrown from.

    Args:
        structure, shared: The group's program and common numbers.
        point: Numbers of the point, with a leading axis of length 1.
        theta, rates: Generating parameters and rates.
    """
    candidates = _bent(structure, shared, point, theta, rates)
    free = np.flatnonzero(~point.fixed[0])
    low, high, along, values = _places(structure, point, theta, free, candidates)
    everywhere = np.concatenate([low, high, along])
    repeated = point.take(np.zeros(len(everywhere), dtype=np.int64))
    found = run(structure, "bulk", shared, repeated._replace(fixed=np.ones_like(repeated.fixed)), everywhere)
    known = np.where(np.isfinite(found.nll)[:, None] & (repeated.bins > 0), found.rates, np.nan)
    known[(repeated.bins <= 0)] = 0.0
    n = len(free)
    distance = (high - low)[np.arange(n), free]
    slopes = (known[n : 2 * n] - known[:n]) / np.where(distance > 0, distance, 1.0)[:, None]
    jacobian = np.zeros((structure.n_bins, structure.n_parameters))
    jacobian[:, free] = np.nan_to_num(slopes).T
    table = known[2 * n :].reshape(*values.shape, structure.n_bins)
    variance = np.where(point.bins[0] > 0, np.maximum(rates, _LEAST_RATE), 1.0)
    effects = jacobian * _widths(structure, point, theta)
    whitening = np.stack([_whitening(effects, variance, structure.poi, candidates, moving) for moving in (False, True)])
    able = _able(table, whitening, values, point.width[0, candidates])
    return RateTables(jacobian, candidates[able], values[able], table[able], whitening[:, able])


def _bent(
    structure: Structure,
    shared: SharedNumbers,
    point: PointNumbers,
    theta: Float[np.ndarray, " parameter"],
    rates: Float[np.ndarray, " bin"],
) -> Int[np.ndarray, " candidate"]:
    """Parameters whose effects are bent enough for a second minimum, the most bent ones first."""
    one, nothing = np.ones(1), np.zeros(1, dtype=np.int64)
    at = FitResults(theta[None], one, one, rates[None], one, nothing, nothing, nothing)
    # At rates equal to the data, `bending` supposes a residual of one standard deviation.
    bent = bending(structure, shared, point._replace(data=rates[None]), at)[0] * point.width[0] ** 2 * _LARGEST_RESIDUAL
    movable = structure.shifting & ~point.fixed[0] & (point.constrained[0] > 0)
    order = np.argsort(-bent, kind="stable")
    chosen: Int[np.ndarray, " candidate"] = order[(movable & (bent > _LEAST_BENDING))[order]][:_MOST_PARAMETERS]
    return chosen


def _widths(
    structure: Structure, point: PointNumbers, theta: Float[np.ndarray, " parameter"]
) -> Float[np.ndarray, " parameter"]:
    """Standard deviations that constraints give to parameters, large ones where there is none, 0 for fixed ones."""
    kind, width = structure.constraint, point.width[0]
    free = (kind == UNCONSTRAINED) | (point.constrained[0] <= 0)
    size = np.maximum(np.abs(theta), 1e-3)
    result = np.where(kind == POISSON, np.sqrt(size / width), np.where(kind == LOGNORMAL, size * width, width))
    result[free] = _FREE_WIDTH * np.maximum(np.abs(theta[free]), 1.0)
    return np.where(point.fixed[0], 0.0, result)


def _places(
    structure: Structure,
    point: PointNumbers,
    theta: Float[np.ndarray, " parameter"],
    free: Int[np.ndarray, " free"],
    candidates: Int[np.ndarray, " candidate"],
) -> tuple[
    Float[np.ndarray, "free parameter"],
    Float[np.ndarray, "free parameter"],
    Float[np.ndarray, "along parameter"],
    Float[np.ndarray, "candidate grid"],
]:
    """Parameters below and above the common ones, and along the grids of the candidates; and these grids."""
    widths = _widths(structure, point, theta)
    steps = _STEP * np.where(structure.constraint == UNCONSTRAINED, widths / _FREE_WIDTH, widths)
    places = []
    for sign in (-1.0, 1.0):
        place = np.tile(theta, (len(free), 1))
        place[np.arange(len(free)), free] += sign * steps[free]
        places.append(np.clip(place, point.lower[0], point.upper[0]))
    values = point.auxdata[0, candidates][:, None] + _GRID * point.width[0, candidates][:, None]
    along = np.tile(theta, (values.size, 1))
    along[np.arange(values.size), np.repeat(candidates, len(_GRID))] = values.ravel()
    return places[0], places[1], along, values


def _whitening(
    effects: Float[np.ndarray, "bin parameter"],
    variance: Float[np.ndarray, " bin"],
    poi: int,
    candidates: Int[np.ndarray, " candidate"],
    poi_moves: bool,
) -> Float[np.ndarray, "candidate bin bin"]:
    used = effects.copy()
    if not poi_moves:
        used[:, poi] = 0.0
    total = np.diag(variance) + used @ used.T
    own = used[:, candidates].T
    values, vectors = np.linalg.eigh(total - own[:, :, None] * own[:, None, :])
    # The least eigenvalue is at least the least variance, but for rounding.
    whitening: Float[np.ndarray, "candidate bin bin"] = (
        vectors / np.sqrt(np.maximum(values, 0.5 * variance.min()))[:, None, :]
    )
    return whitening


def _able(
    rates: Float[np.ndarray, "candidate grid bin"],
    whitening: Float[np.ndarray, "2 candidate bin bin"],
    values: Float[np.ndarray, "candidate grid"],
    width: Float[np.ndarray, " candidate"],
) -> Bool[np.ndarray, " candidate"]:
    """Candidates whose profile need not be convex, for residuals of a few standard deviations."""
    able = np.zeros(len(rates), dtype=bool)
    if not len(rates):
        return able
    step = (values[:, 1] - values[:, 0])[:, None, None]
    for factor in whitening:
        white = np.nan_to_num(rates) @ factor
        second = np.diff(white, 2, axis=1) / step**2
        first = np.gradient(white, axis=1)[:, 1:-1] / step
        gained = _LARGEST_RESIDUAL * np.linalg.norm(second, axis=2)
        able |= (gained > width[:, None] ** -2 + (first**2).sum(axis=2)).any(axis=1)
    return able

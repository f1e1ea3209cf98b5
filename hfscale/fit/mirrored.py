"""Search among neighbouring minima of fits whose starts ended in different ones.

Where a shift up and a shift down both raise (or both lower) a rate, a likelihood has a minimum on either side of the
nominal value, for each such parameter nearly independently of the others: many minima, of which scattered starts find
the lowest by chance only. Going over to the other side with one parameter at a time finds it in a few rounds.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from hfscale.fit.lanes import FitResults
from hfscale.fit.neighbours import Starts, lower_minima
from hfscale.model.extended import extended_theta
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

_MIRRORED = 16
_ROUNDS = 6
_LEAST_PULL = 1e-3
_LEAST_BENDING = 0.5
_STEEPEST = 3.75
"""Largest second derivative of the even feature of histosys code 4p."""


def neighbouring_minima(
    structure: Structure, shared: SharedNumbers, fits: PointNumbers, results: FitResults
) -> FitResults:
    """Go on from the minima of some fits to lower neighbours, until there is none.

    From every minimum a fit is made with each of its most pulled normal-constrained parameters on the other side. The
    iterations of the result are those spent here.
    """

    def starts(some: PointNumbers, found: FitResults) -> Starts:
        return _mirrored_starts(structure, shared, some, found)

    fresh = results._replace(iterations=np.zeros_like(results.iterations))
    return lower_minima(structure, shared, fits, fresh, _ROUNDS, starts)


def _mirrored_starts(structure: Structure, shared: SharedNumbers, fits: PointNumbers, found: FitResults) -> Starts:
    """Starts with one parameter at the other side of its nominal value, 0, where shifts up and down meet."""
    theta = found.theta
    able: Bool[np.ndarray, "fit parameter"] = structure.shifting & ~fits.fixed & (fits.constrained > 0)
    able &= bending(structure, shared, fits, found) * fits.width**2 > _LEAST_BENDING
    pulls = np.where(able, np.abs(theta - fits.auxdata) / fits.width, 0.0)
    chosen = np.argsort(-pulls, axis=1, kind="stable")[:, :_MIRRORED]
    fit, place = np.nonzero(np.take_along_axis(pulls, chosen, axis=1) > _LEAST_PULL)
    parameter = chosen[fit, place]
    starts = theta[fit]
    starts[np.arange(len(fit)), parameter] = np.clip(
        -theta[fit, parameter], fits.lower[fit, parameter], fits.upper[fit, parameter]
    )
    return fit, starts


def bending(
    structure: Structure, shared: SharedNumbers, fits: PointNumbers, found: FitResults
) -> Float[np.ndarray, "fit parameter"]:
    """How much curvature single shifts can take away from -ln L, at the size of the residuals at a minimum.

    Between two minima the curvature along a parameter is negative: what its shifts take away, (1 - n / nu) times the
    second derivative of nu, is more than what its constraint gives.
    """
    n, k = structure.n_varying_histosys, structure.n_shared
    rates = np.where(found.rates > 0, found.rates, 1.0)
    residual = np.where(fits.bins > 0, np.abs(1.0 - fits.data / rates) + 1.0 / np.sqrt(np.maximum(fits.data, 1.0)), 0.0)
    theta = found.theta
    if structure.derived.size:
        with jax.enable_x64(True):
            theta = np.asarray(extended_theta(structure, fits, jnp.asarray(theta)))
    padded = np.concatenate([theta, np.ones((len(rates), 1))], axis=1)
    weight = residual[:, structure.entry_bin] * np.abs(np.prod(padded[:, structure.entry_factors], axis=-1))
    result = np.zeros_like(found.theta)
    result[:, : structure.n_histosys] = weight[:, :k] @ np.abs(shared.half_difference)
    result[:, :n] += np.einsum("fe,feh->fh", weight[:, k:], np.abs(fits.half_difference))
    result *= _STEEPEST
    common = np.broadcast_to(shared.polynomial[:, 1], (len(rates), structure.n_shared_terms))
    curvature = 2.0 * np.abs(np.concatenate([common, fits.polynomial[:, :, 1]], axis=1))
    nominal = np.concatenate([np.broadcast_to(shared.nominal, (len(rates), k)), fits.nominal], axis=1)
    yields = weight * np.abs(nominal)
    for column in structure.entry_terms.T:
        entries = np.flatnonzero(column < structure.n_terms)
        terms = column[entries]
        np.add.at(result.T, structure.term_parameter[terms], (yields[:, entries] * curvature[:, terms]).T)
    return result

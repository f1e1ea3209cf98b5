"""Minima at which the expected rate of a bin without events is zero.

In such a bin -ln L is the rate itself, which has no curvature and may not become negative. Where shifts can bring the
rate to zero inside the bounds, the minimum can lie there, on an edge that no bound of a parameter describes. A small
pseudo-count e in the bin adds the barrier -e ln(rate), with which the minimum is an ordinary one; as e falls, it goes
to the one on the edge (log-barrier method: Nocedal and Wright, Numerical Optimization, 2nd ed., section 19.6). In a
convex problem it lies at most e per bin above that one.

Where rates are clipped, -ln L has a kink at the limit of such a bin, at which the minimum can lie as well. The barrier
is then used without limits, and the limit counts afterwards: the minimum is known up to the limit.
"""

from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import gammaln

from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import minimise
from hfscale.fit.status import FitStatus
from hfscale.model.likelihood import expected_rates
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

_PSEUDO_COUNTS = (1.0, 1e-1, 1e-2, 1e-4, 1e-6, 1e-8)


@lru_cache(maxsize=8)
def _program(structure: Structure) -> Any:
    return jax.jit(partial(expected_rates, structure))


def can_hold(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
    results: FitResults,
) -> Bool[np.ndarray, "fit bin"]:
    """Bins without events in which something is expected at the start, of failed fits with a finite likelihood.

    Not what is expected where the fit ended: that may be zero by rounding, just where the barrier is needed.
    """
    empty: Bool[np.ndarray, "fit bin"] = (fits.data == 0) & (fits.bins > 0)
    concerned = ~results.succeeded & np.isfinite(results.nll) & empty.any(axis=1)
    held = np.zeros_like(empty)
    program = _program(_unlimited(structure))
    for k in np.flatnonzero(concerned):
        with jax.enable_x64(True):
            rates = np.asarray(program(shared, fits.take(np.array([k])), start[k : k + 1]))
        held[k] = empty[k] & (rates[0] > 0)
    return held


def _unlimited(structure: Structure) -> Structure:
    """The structure without the limit of the rates of bins."""
    if structure.clip.bins is None:
        return structure
    return replace(structure, clip=structure.clip._replace(bins=None))


def barrier_minima(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
    held: Bool[np.ndarray, "fit bin"],
) -> FitResults:
    """Minimise fits with rates held above zero in some bins.

    Args:
        structure, shared, fits: The fits.
        start: Start values, at which the held rates are positive.
        held: Bins without events that get the barrier.

    Returns:
        Minima with status AT_BOUND where they were found; `edm` includes what the barrier may still cost.
    """
    limit, structure = structure.clip.bins, _unlimited(structure)
    near = start
    iterations: Int[np.ndarray, " fit"] = np.zeros(len(start), dtype=np.int64)
    troubles = iterations
    for count in _PSEUDO_COUNTS:
        results = minimise(structure, shared, fits._replace(data=np.where(held, count, fits.data)), near)
        near = np.where(np.isfinite(results.nll)[:, None], results.theta, near)
        iterations, troubles = iterations + results.iterations, troubles + results.troubles
    logs = np.log(np.where(held & (results.rates > 0), results.rates, 1.0))
    barrier = np.sum(np.where(held, gammaln(1.0 + count) - count * logs, 0.0), axis=1)
    raised = np.zeros_like(results.rates) if limit is None else np.maximum(limit - results.rates, 0.0)
    return results._replace(
        nll=results.nll - barrier + raised.sum(axis=1, where=held),
        rates=results.rates + raised,
        edm=results.edm + (count + (limit or 0.0)) * held.sum(axis=1),
        iterations=iterations,
        troubles=troubles,
        status=np.where(results.succeeded, int(FitStatus.AT_BOUND), results.status),
    )

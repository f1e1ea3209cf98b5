"""Minimising any number of fits: in queues of a fixed capacity, first in bulk, then exactly."""

import jax
import numpy as np
from jaxtyping import Float, Shaped

from hfscale.fit.batches import gpu_batch
from hfscale.fit.devices import target
from hfscale.fit.lanes import FitResults
from hfscale.fit.newton import Method
from hfscale.fit.programs import queue_program
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

_LARGE = 500_000
"""Numbers per lane, entries by parameters, of a large model."""
_QUEUE_NUMBERS = 4_000_000
_LONGEST_QUEUE = 1024
AGREEMENT = 1e-7
"""Values of -ln L that differ by more belong to different minima."""
_DOUBT = 10.0
"""Estimated distances to the minimum by which an unfinished bulk fit may still fall."""


def lanes_for(structure: Structure, method: Method) -> int:
    """Lanes per step: enough to spread the cost of a step, few enough to stay in the cache of a core.

    A model too large for the cache gets a single lane, for memory's sake: more would gain nothing.
    """
    rows = structure.n_bins if method == "bulk" else structure.n_entries + structure.n_bins
    numbers = max(rows * structure.n_parameters, 1)
    if numbers > _LARGE:
        return 1
    return int(2 ** np.clip(np.round(np.log2(60_000 / numbers)), 2, 5))


def capacity_for(fits: PointNumbers) -> int:
    """Fits per queue, as a power of two: many, but few enough for their numbers to need little memory."""
    numbers = sum(int(np.prod(array.shape[1:])) for array in fits)
    return int(min(_LONGEST_QUEUE, 2 ** np.floor(np.log2(max(_QUEUE_NUMBERS / max(numbers, 1), 1)))))


def minimise(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
) -> FitResults:
    """Minimise -ln L of every fit within its bounds: first in bulk, then exactly, from where that ended.

    Args:
        structure, shared: The group's program and common numbers.
        fits: Numbers of each fit; parameters marked `fixed` stay at their start values.
        start: Start values; free parameters outside their bounds are moved onto them.
    """
    bulk = run(structure, "bulk", shared, fits, start)
    near = np.where(np.isfinite(bulk.nll)[:, None], bulk.theta, start)
    exact = run(structure, "exact", shared, fits, near)
    return exact._replace(iterations=exact.iterations + bulk.iterations)


def challenge(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
    known: FitResults,
) -> FitResults:
    """Look for lower minima than the known ones; what cannot be lower is not certified.

    Returns:
        Minima as of `minimise` where the bulk method came below the known minimum, or might have with more iterations;
        elsewhere where the bulk method ended, with status CONVERGED or NOT_CONVERGED as it left it.
    """
    bulk = run(structure, "bulk", shared, fits, start)
    doubt = np.where(bulk.succeeded | ~np.isfinite(bulk.edm), 0.0, _DOUBT * bulk.edm)
    reached = np.where(np.isfinite(bulk.nll), bulk.nll - doubt, -np.inf)
    open_ = np.flatnonzero(~known.succeeded | ~(reached >= known.nll - AGREEMENT))
    if not len(open_):
        return bulk
    near = np.where(np.isfinite(bulk.nll)[:, None], bulk.theta, start)[open_]
    exact = run(structure, "exact", shared, fits.take(open_), near)
    results = FitResults(*(array.copy() for array in bulk))
    for own, new in zip(results, exact, strict=True):
        own[open_] = new
    results.iterations[open_] += bulk.iterations[open_]
    return results


def run(
    structure: Structure,
    method: Method,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
) -> FitResults:
    """Minimise with one method alone."""
    device = target()
    if device.kind == "gpu":
        lanes, capacity = gpu_batch(structure, fits, device.memory)
    else:
        lanes, capacity = lanes_for(structure, method), capacity_for(fits)
    program = queue_program(structure, method, lanes, capacity, device.kind)
    parts = []
    with jax.enable_x64(True):
        common = jax.device_put(shared)
        for begin in range(0, max(len(start), 1), capacity):
            chunk = slice(begin, begin + capacity)
            padded = PointNumbers(*(_padded(array[chunk], capacity) for array in fits))
            n = len(start[chunk])
            found = program(common, padded, _padded(start[chunk], capacity), np.int64(n))
            parts.append(FitResults(*(np.asarray(array)[:n] for array in found)))
    return FitResults(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _padded(array: Shaped[np.ndarray, "fit ..."], capacity: int) -> Shaped[np.ndarray, "capacity ..."]:
    """The array with rows of zeros behind it, until it has `capacity` rows."""
    if len(array) == capacity:
        return array
    padded = np.zeros((capacity, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded

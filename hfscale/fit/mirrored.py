"""Search among neighbouring minima of fits whose starts ended in different ones.

Where a shift up and a shift down both raise (or both lower) a rate, a likelihood has a minimum on either side of the
nominal value, for each such parameter nearly independently of the others: many minima, of which scattered starts find
the lowest by chance only. Going over to the other side with one parameter at a time finds it in a few rounds.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.fit.slots import FitResults, minimise
from hfscale.model.structure import NORMAL, PointNumbers, SharedNumbers, Structure

_MIRRORED = 16
_ROUNDS = 6
AGREEMENT = 1e-7
"""Values of -ln L that differ by more belong to different minima."""


def neighbouring_minima(
    structure: Structure, shared: SharedNumbers, fits: PointNumbers, results: FitResults
) -> FitResults:
    """Go on from the minima of some fits to lower neighbours, until there is none.

    From every minimum a fit is made with each of its most pulled normal-constrained parameters on the other side.
    """
    best = FitResults(*(array.copy() for array in results))
    best.iterations[:] = 0
    active = np.flatnonzero(best.succeeded)
    for _ in range(_ROUNDS):
        if not len(active):
            break
        starts = _mirrored_starts(structure, fits.take(active), best.theta[active])
        count = starts.shape[1]
        found = minimise(structure, shared, fits.take(np.repeat(active, count)), starts.reshape(-1, starts.shape[2]))
        nll = np.where(found.succeeded, found.nll, np.inf).reshape(-1, count)
        lowest = np.argmin(nll, axis=1)
        best.iterations[active] += found.iterations.reshape(-1, count).sum(axis=1)
        better = np.min(nll, axis=1) < best.nll[active] - AGREEMENT
        _replace(best, active[better], found.take((np.arange(len(active)) * count + lowest)[better]))
        active = active[better]
    return best


def _mirrored_starts(
    structure: Structure, fits: PointNumbers, theta: Float[np.ndarray, "fit parameter"]
) -> Float[np.ndarray, "fit start parameter"]:
    """Starts with one parameter at the other side of its auxiliary value, the most pulled parameters first."""
    movable = (structure.constraint == NORMAL) & ~structure.gamma & (np.arange(structure.n_parameters) != structure.poi)
    able: Bool[np.ndarray, "fit parameter"] = movable & ~fits.fixed & (fits.constrained > 0)
    pulls = np.where(able, np.abs(theta - fits.auxdata) / fits.width, -1.0)
    count = max(min(_MIRRORED, int(movable.sum())), 1)
    chosen = np.argsort(-pulls, axis=1, kind="stable")[:, :count]
    starts = np.repeat(theta[:, None, :], count, axis=1)
    fit, start = np.indices(chosen.shape)
    other = -theta
    values = np.where(able, np.clip(other, fits.lower, fits.upper), theta)
    starts[fit, start, chosen] = np.take_along_axis(values, chosen, axis=1)
    return starts


def _replace(best: FitResults, index: Int[np.ndarray, " selected"], found: FitResults) -> None:
    iterations = best.iterations[index]
    for own, new in zip(best, found, strict=True):
        own[index] = new
    best.iterations[index] = iterations

"""Fits that can be trusted: suspicious ones are repeated from other starts, failed ones go to iminuit.

A likelihood of this kind can have several minima. A fit that needed many iterations, rejected steps or met an
indefinite Hessian may have ended in a higher one, so it is repeated and the lowest minimum wins.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from hfscale.fit.minuit import minuit_minimum
from hfscale.fit.slots import FitResults, minimise
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

MANY_ITERATIONS = 12
MANY_TROUBLES = 2
"""Fits with more iterations, or at least as many troubles, are repeated from the other starts."""


def best_fits(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    starts: Sequence[Float[np.ndarray, "fit parameter"]],
    *,
    troubles: int = MANY_TROUBLES,
) -> FitResults:
    """Minimise every fit from the first start, suspicious ones also from the others, failed ones with iminuit.

    Args:
        structure, shared: The group's program and common numbers.
        fits: Numbers of each fit.
        starts: Start values, the most promising first.
        troubles: Rejected steps or indefinite Hessians at which a fit is repeated; starts far from the minimum meet
            more of them without harm.

    Returns:
        The lowest minimum found for each fit.
    """
    results = minimise(structure, shared, fits, starts[0])
    again = _suspicious(results, troubles)
    for start in starts[1:]:
        results = refit(structure, shared, fits, start, again, results)
    failed = np.flatnonzero(~results.succeeded)
    if len(failed):
        near = results.theta.copy()
        for k in failed:
            one = fits.take(np.array([k]))
            near[k] = minuit_minimum(structure, shared, one, starts[-1][k])
        results = refit(structure, shared, fits, near, ~results.succeeded, results)
    return results


def refit(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
    which: Bool[np.ndarray, " fit"],
    results: FitResults,
) -> FitResults:
    """Repeat some fits from another start and keep the lower minimum of each."""
    index = np.flatnonzero(which)
    if not len(index):
        return results
    new = minimise(structure, shared, fits.take(index), start[index])
    old = results.take(index)
    better = new.succeeded & (~old.succeeded | (new.nll < old.nll))
    merged = FitResults(*(array.copy() for array in results))
    for target, source in zip(merged, new, strict=True):
        target[index[better]] = source[better]
    merged.iterations[index] = old.iterations + new.iterations
    return merged


def _suspicious(results: FitResults, troubles: int) -> Bool[np.ndarray, " fit"]:
    return ~results.succeeded | (results.iterations > MANY_ITERATIONS) | (results.troubles >= troubles)

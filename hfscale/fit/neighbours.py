"""Going on from minima to lower ones, whatever says where to look for them."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import AGREEMENT, challenge
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

Starts = tuple[Int[np.ndarray, " start"], Float[np.ndarray, "start parameter"]]
"""The fit that each start is for, and its start values."""


def lower_minima(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    results: FitResults,
    rounds: int,
    starts: Callable[[PointNumbers, FitResults], Starts],
) -> FitResults:
    """Go on from the minima of some fits to lower ones, until there is none.

    Args:
        structure, shared: The group's program and common numbers.
        fits: Numbers of each fit.
        results: Where the fits ended. The iterations spent here are added to theirs.
        rounds: How often at most each fit goes on.
        starts: Where to look, from some fits and the lowest minima known of them.
    """
    best = FitResults(*(array.copy() for array in results))
    active = np.flatnonzero(best.succeeded)
    for _ in range(rounds):
        fit, values = starts(fits.take(active), best.take(active))
        if not len(fit):
            break
        again = active[fit]
        found = challenge(structure, shared, fits.take(again), values, best.take(again))
        active = replace_by_lower(best, again, found)
    return best


def replace_by_lower(
    best: FitResults, again: Int[np.ndarray, " start"], found: FitResults
) -> Int[np.ndarray, " improved"]:
    """Put the lowest minima found from several starts in place of the known ones, where they are lower.

    Args:
        best: Known minima, which are changed.
        again: Fit of each start.
        found: Where each start ended.

    Returns:
        Fits that have a lower minimum now.
    """
    np.add.at(best.iterations, again, found.iterations)
    order = np.argsort(np.where(found.succeeded, found.nll, np.inf), kind="stable")
    fits, first = np.unique(again[order], return_index=True)
    lowest = order[first]
    better = found.succeeded[lowest] & (found.nll[lowest] < best.nll[fits] - AGREEMENT)
    index: Int[np.ndarray, " improved"] = fits[better]
    iterations = best.iterations[index]
    for own, new in zip(best, found, strict=True):
        own[index] = new[lowest[better]]
    best.iterations[index] = iterations
    return index

"""Fits that can be trusted: suspicious ones are repeated from other starts, failed ones by other methods.

A likelihood of this kind can have several minima. A fit that needed many iterations, rejected steps or met an
indefinite Hessian may have ended in a higher one, so it is repeated and the lowest minimum wins. Where the starts end
in different minima, the neighbours of the lowest are searched too.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from hfscale.fit.barrier import barrier_minima, can_hold
from hfscale.fit.lanes import FitResults
from hfscale.fit.meter import count_fits
from hfscale.fit.minuit import minuit_minimum
from hfscale.fit.mirrored import neighbouring_minima
from hfscale.fit.slots import AGREEMENT, challenge, minimise
from hfscale.fit.trace import Attempt, AttemptKind, Observer, unobserved
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

MANY_ITERATIONS = 14
MANY_TROUBLES = 2
"""Fits with more iterations, or at least as many troubles, are repeated from the other starts."""


def best_fits(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    starts: Sequence[Float[np.ndarray, "fit parameter"]],
    *,
    troubles: int = MANY_TROUBLES,
    sure: int = 1,
    minuit_calls: int = 20_000,
    observe: Observer = unobserved,
) -> FitResults:
    """Minimise every fit from the first starts, and suspicious ones also from the others.

    What fails from all starts is tried with rates that keep away from zero, and then with iminuit.

    Args:
        structure, shared: The group's program and common numbers.
        fits: Numbers of each fit.
        starts: Start values, the most promising first.
        troubles: Rejected steps or indefinite Hessians at which a fit is repeated; starts far from the minimum meet
            more of them without harm.
        sure: Starts that every fit is made from. Toys need several: the data that made their start values are not
            theirs, and a fit can end in a higher minimum without a sign of it.
        minuit_calls: Calls of the likelihood that iminuit may spend on each fit that failed; 0 to leave these.
        observe: Is told each attempt.

    Returns:
        The lowest minimum found for each fit.
    """
    count_fits(len(starts[0]))
    results = minimise(structure, shared, fits, starts[0])
    observe(Attempt("start", np.arange(len(results.nll)), results, known=None))
    suspicious, disputed = _suspicious(results, troubles), np.zeros(len(results.nll), dtype=bool)
    for place, start in enumerate(starts[1:], start=1):
        again = np.flatnonzero(suspicious | (place < sure))
        if len(again):
            old = results.take(again)
            new = challenge(structure, shared, fits.take(again), start[again], old)
            both = np.flatnonzero(new.succeeded & old.succeeded)
            disputed[again[both]] |= np.abs(new.nll[both] - old.nll[both]) > AGREEMENT
            results = _merged(results, Attempt("start", again, new, old, place), observe)
    index = np.flatnonzero(disputed)
    if len(index):
        old = results.take(index)
        lower = neighbouring_minima(structure, shared, fits.take(index), old)
        results = _merged(results, Attempt("neighbours", index, lower, old), observe)
    results = _with_barriers(structure, shared, fits, starts[0], results, observe)
    failed = ~results.succeeded & (minuit_calls > 0)
    return with_iminuit(structure, shared, fits, starts[-1], failed, results, minuit_calls, observe)


def with_iminuit(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
    which: Bool[np.ndarray, " fit"],
    results: FitResults,
    calls: int,
    observe: Observer = unobserved,
) -> FitResults:
    """Repeat some fits from where iminuit ends, with so many calls of the likelihood each, and keep what is better."""
    near = results.theta.copy()
    for k in np.flatnonzero(which):
        near[k] = minuit_minimum(structure, shared, fits.take(np.array([k])), start[k], calls)
    return refit(structure, shared, fits, near, which, results, kind="iminuit", observe=observe)


def refit(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
    which: Bool[np.ndarray, " fit"],
    results: FitResults,
    *,
    kind: AttemptKind = "other fit",
    observe: Observer = unobserved,
) -> FitResults:
    """Repeat some fits from another start and keep the lower minimum of each."""
    index = np.flatnonzero(which)
    if not len(index):
        return results
    new = minimise(structure, shared, fits.take(index), start[index])
    return _merged(results, Attempt(kind, index, new, results.take(index)), observe)


def _with_barriers(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
    results: FitResults,
    observe: Observer,
) -> FitResults:
    """Repeat failed fits that have bins without events with rates that keep away from zero in them."""
    held = can_hold(structure, shared, fits, start, results)
    index = np.flatnonzero(held.any(axis=1))
    if not len(index):
        return results
    new = barrier_minima(structure, shared, fits.take(index), start[index], held[index])
    return _merged(results, Attempt("barrier", index, new, results.take(index)), observe)


def _merged(results: FitResults, attempt: Attempt, observe: Observer) -> FitResults:
    """Results in which some fits are replaced by new ones where those are better."""
    observe(attempt)
    index, new, better = attempt.fits, attempt.found, attempt.better
    merged = FitResults(*(array.copy() for array in results))
    for target, source in zip(merged, new, strict=True):
        target[index[better]] = source[better]
    merged.iterations[index] = results.iterations[index] + new.iterations
    return merged


def _suspicious(results: FitResults, troubles: int) -> Bool[np.ndarray, " fit"]:
    return ~results.succeeded | (results.iterations > MANY_ITERATIONS) | (results.troubles >= troubles)

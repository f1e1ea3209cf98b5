"""Minima of fits whose fixed parameters lie on a grid.

Starts near one minimum lead to that one all over the grid, also where another is lower. So at some places of the grid
the other sides of parameters whose shifts could make further minima are searched, and every minimum is carried along
the grid: each fit is made from where its neighbours ended too, until none is lowered. The same goes for fits that are
added to an uneven grid.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.fit.escalation import best_fits, with_iminuit
from hfscale.fit.lanes import FitResults
from hfscale.fit.mirrored import neighbouring_minima
from hfscale.fit.neighbours import replace_by_lower
from hfscale.fit.slots import challenge
from hfscale.fit.starts import scattered_starts
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

Pairs = tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]
"""Fits, and one of their neighbours each."""

_SEARCHED = 4
"""Places along each axis at which other minima are searched, its ends among them."""
_TRIED = 4
"""Failed fits of a grid that iminuit repeats first."""
_MINUIT_CALLS = 20_000


def grid_minima(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    shape: Sequence[int],
    columns: Int[np.ndarray, " scanned"],
    start: Float[np.ndarray, "fit parameter"],
) -> FitResults:
    """Minimise -ln L with some parameters held on a grid.

    Args:
        structure, shared: The group's program and common numbers.
        fits: Numbers of each fit: one grid after the other, the last axis of a grid varying fastest.
        shape: Lengths of the axes of a grid.
        columns: The parameters that are held.
        start: Start values; those of the held parameters are the places on the grid.
    """
    held = HeldFits(structure, shared, fits, columns, start[:, columns]).fixed()
    fits = held.fits
    starts = [start, *scattered_starts(structure, fits, start)]
    for other in starts[1:]:
        other[:, columns] = start[:, columns]
    sure = len(starts) if structure.needs_several_starts else 1
    best = _comparable(best_fits(structure, shared, fits, starts, sure=sure, minuit_calls=0))
    searched = _spread(len(start), shape)
    others = neighbouring_minima(structure, shared, fits.take(searched), best.take(searched))
    replace_by_lower(best, searched, others)
    pairs = pairs_of(np.arange(len(start)).reshape(-1, *shape))
    _carry(held, best, pairs, np.ones(len(start), dtype=bool), sum(shape))
    grids = np.arange(len(start)) // int(np.prod(shape))
    return _rescued(held, best, start, pairs, sum(shape), grids)


def joined_minima(held: "HeldFits", slabs: Sequence[int], shape: Sequence[int], known: FitResults) -> FitResults:
    """Minima of a grid of which slabs were fitted one by one, by `grid_minima`: carried over from slab to slab.

    Args:
        held: All fits of the grid.
        slabs: Length of every slab along the first axis.
        shape: Lengths of the axes of the grid.
        known: What was found, in the order of the places.
    """
    held, best = held.fixed(), _comparable(FitResults(*(array.copy() for array in known)))
    slab = np.repeat(np.repeat(np.arange(len(slabs)), slabs), int(np.prod(shape[1:])))
    source, target = pairs_of(np.arange(len(slab)).reshape(1, *shape))
    across = slab[source] != slab[target]
    fresh = _carry(held, best, (source[across], target[across]), np.ones(len(slab), dtype=bool), 1)
    _carry(held, best, (source, target), fresh, sum(shape))
    return best


class HeldFits(NamedTuple):
    """Fits of one structure in which the same parameters are held.

    Attributes:
        structure, shared: The group's program and common numbers.
        fits: Numbers of each fit.
        columns: The parameters that are held.
        places: Their values in each fit.
    """

    structure: Structure
    shared: SharedNumbers
    fits: PointNumbers
    columns: Int[np.ndarray, " held"]
    places: Float[np.ndarray, "fit held"]

    def fixed(self) -> "HeldFits":
        """The same, with the parameters marked as fixed."""
        fixed = self.fits.fixed.copy()
        fixed[:, self.columns] = True
        return self._replace(fits=self.fits._replace(fixed=fixed))


def further_minima(
    held: HeldFits,
    known: FitResults,
    starts: Sequence[Float[np.ndarray, "new parameter"]],
    pairs: Pairs,
    rounds: int,
    grids: Int[np.ndarray, " fit"],
) -> FitResults:
    """Add fits to those of uneven grids.

    Args:
        held: All fits, the new ones last.
        known: Minima of the old ones, NaN or infinite where there is none.
        starts: Start values of the new ones, the most promising first; those of the held parameters are their places.
        pairs: Fits that are next to each other, in both orders.
        rounds: How far at most a minimum is carried.
        grids: Which grid each fit is of, counted from 0.

    Returns:
        Minima of all fits. Of the old ones, those are lower to which a minimum of a new one led.
    """
    held, n_known = held.fixed(), len(known.nll)
    new = held.fits.take(np.arange(n_known, len(held.places)))
    sure = len(starts) if held.structure.needs_several_starts else 1
    found = best_fits(held.structure, held.shared, new, starts, sure=sure, minuit_calls=0)
    best = _comparable(FitResults(*(np.concatenate(arrays) for arrays in zip(known, found, strict=True))))
    _carry(held, best, pairs, np.arange(len(held.places)) >= n_known, rounds)
    return _rescued(held, best, starts[0], pairs, rounds, grids)


def _comparable(found: FitResults) -> FitResults:
    """Whatever is found is lower than nothing."""
    return found._replace(nll=np.where(found.succeeded, found.nll, np.inf))


def _rescued(
    held: HeldFits,
    best: FitResults,
    start: Float[np.ndarray, "last parameter"],
    pairs: Pairs,
    rounds: int,
    grids: Int[np.ndarray, " fit"],
) -> FitResults:
    """Have iminuit repeat a few of the last fits of every grid that failed, and all of them where that helps.

    Where rates would be negative, there is no minimum, and a grid may have many such places.

    Args:
        held: All fits.
        best: What was found.
        start: Start values of the last ones, which are tried.
        pairs, rounds, grids: As of `further_minima`.
    """
    source, target = pairs
    n_fits, first = len(held.places), len(held.places) - len(start)
    start = np.concatenate([held.fits.lower[:first], start])  # The first ones are not used.
    beside = np.bincount(target, weights=best.succeeded[source], minlength=n_fits)
    hopeful = ~best.succeeded & (np.arange(n_fits) >= first)
    chosen = _first_of_each(hopeful, grids, beside)
    for _ in range(2):
        if not chosen.any():
            break
        again = with_iminuit(held.structure, held.shared, held.fits, start, chosen, best, _MINUIT_CALLS)
        helped, best = again.succeeded & chosen, _comparable(again)
        _carry(held, best, pairs, helped, rounds)
        chosen = hopeful & ~best.succeeded & np.isin(grids, grids[helped])
    return best


def _first_of_each(
    which: Bool[np.ndarray, " fit"], grids: Int[np.ndarray, " fit"], beside: Float[np.ndarray, " fit"]
) -> Bool[np.ndarray, " fit"]:
    """A few of some fits of every grid, those beside most minima first."""
    index = np.flatnonzero(which)
    ordered = index[np.lexsort((index, -beside[index], grids[index]))]
    _, begin, count = np.unique(grids[ordered], return_index=True, return_counts=True)
    place = np.arange(len(ordered)) - np.repeat(begin, count)
    chosen = np.zeros(len(which), dtype=bool)
    chosen[ordered[place < _TRIED]] = True
    return chosen


def _carry(
    held: HeldFits, best: FitResults, pairs: Pairs, fresh: Bool[np.ndarray, " fit"], rounds: int
) -> Bool[np.ndarray, " fit"]:
    """Make fits from where their neighbours ended, the fresh ones first, until none is lowered; `best` is changed.

    Returns:
        Fits that the last round lowered.
    """
    source, target = pairs
    for _ in range(rounds):
        used = (fresh & best.succeeded)[source]
        fit = target[used]
        if not len(fit):
            break
        values = best.theta[source[used]]
        values[:, held.columns] = held.places[fit]
        found = challenge(held.structure, held.shared, held.fits.take(fit), values, best.take(fit))
        fresh = np.isin(np.arange(len(held.places)), replace_by_lower(best, fit, found))
    return fresh


def _spread(n_fits: int, shape: Sequence[int]) -> Int[np.ndarray, " searched"]:
    """Fits at some places of every grid."""
    places = [np.unique(np.linspace(0, length - 1, _SEARCHED).round().astype(np.int64)) for length in shape]
    index = np.arange(n_fits).reshape(-1, *shape)
    return index[np.ix_(np.arange(len(index)), *places)].ravel()


def pairs_of(index: Int[np.ndarray, "grid *place"]) -> Pairs:
    """Pairs of fits that are next to each other on grids, in both orders.

    Args:
        index: Fit at each place of every grid, negative where there is none.
    """
    pairs = [np.zeros((2, 0), dtype=np.int64)]
    for axis in range(1, index.ndim):
        low, high = (np.delete(index, place, axis=axis).ravel() for place in (-1, 0))
        both = (low >= 0) & (high >= 0)
        pairs += [np.stack([low[both], high[both]]), np.stack([high[both], low[both]])]
    source, target = np.concatenate(pairs, axis=1)
    return source, target

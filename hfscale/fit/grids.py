"""Minima of fits whose fixed parameters lie on a grid.

Starts near one minimum lead to that one all over the grid, also where another is lower. So at some places of the grid
the other sides of parameters whose shifts could make further minima are searched, and every minimum is carried along
the grid: each fit is made from where its neighbours ended too, until none is lowered.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.fit.escalation import best_fits
from hfscale.fit.lanes import FitResults
from hfscale.fit.mirrored import neighbouring_minima
from hfscale.fit.neighbours import replace_by_lower
from hfscale.fit.slots import challenge
from hfscale.fit.starts import scattered_starts
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

_SEARCHED = 4
"""Places along each axis at which other minima are searched, its ends among them."""


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
    fixed = fits.fixed.copy()
    fixed[:, columns] = True
    fits = fits._replace(fixed=fixed)
    starts = [start, *scattered_starts(structure, fits, start)]
    for other in starts[1:]:
        other[:, columns] = start[:, columns]
    sure = len(starts) if structure.needs_several_starts else 1
    best = best_fits(structure, shared, fits, starts, sure=sure)
    # Whatever is found is lower than nothing.
    best = best._replace(nll=np.where(best.succeeded, best.nll, np.inf))
    searched = _spread(len(start), shape)
    others = neighbouring_minima(structure, shared, fits.take(searched), best.take(searched))
    replace_by_lower(best, searched, others)
    source, target = _neighbours(len(start), shape)
    fresh: Bool[np.ndarray, " fit"] = np.ones(len(start), dtype=bool)
    for _ in range(sum(shape)):
        used = (fresh & best.succeeded)[source]
        fit = target[used]
        if not len(fit):
            break
        values = best.theta[source[used]]
        values[:, columns] = start[fit][:, columns]
        found = challenge(structure, shared, fits.take(fit), values, best.take(fit))
        fresh = np.isin(np.arange(len(start)), replace_by_lower(best, fit, found))
    return best


def _spread(n_fits: int, shape: Sequence[int]) -> Int[np.ndarray, " searched"]:
    """Fits at some places of every grid."""
    places = [np.unique(np.linspace(0, length - 1, _SEARCHED).round().astype(np.int64)) for length in shape]
    index = np.arange(n_fits).reshape(-1, *shape)
    return index[np.ix_(np.arange(len(index)), *places)].ravel()


def _neighbours(
    n_fits: int, shape: Sequence[int]
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:  # fmt: skip
    """Pairs of fits that are next to each other on a grid, in both orders."""
    index = np.arange(n_fits).reshape(-1, *shape)
    pairs = [np.zeros((2, 0), dtype=np.int64)]
    for axis in range(1, index.ndim):
        low, high = (np.delete(index, place, axis=axis).ravel() for place in (-1, 0))
        pairs += [np.stack([low, high]), np.stack([high, low])]
    source, target = np.concatenate(pairs, axis=1)
    return source, target

"""Profile likelihoods at those places of a grid that intervals and contours need.

The coarsest level is fitted as a grid of its own. Then, level by level, the places that
`hfscale.inference.profile_refinement` asks for are fitted, those of all points in one queue, from where the nearest
fits ended.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from hfscale.fit.grids import HeldFits, Pairs, further_minima, pairs_of
from hfscale.fit.lanes import FitResults
from hfscale.fit.status import FitStatus
from hfscale.inference.full_profiles import KnownFits, Places, Scan, first_minima, values_at
from hfscale.inference.profile_refinement import first_places, level_values, places_to_fit, strides
from hfscale.inference.profile_surroundings import Surroundings
from hfscale.model.structure import ModelGroup

_NEAREST = 2
"""Fits from whose ends a new one starts."""
_CANDIDATES = 8
"""Nearest fits that those are chosen from: on a grid, several are equally near."""


def scan_adaptively(
    group: ModelGroup,
    at: Surroundings,
    values: Sequence[Float[np.ndarray, "point _"]],
    tolerance: float,
    known: KnownFits | None = None,
) -> Scan:
    """Fit those places of the grids of some points that are needed.

    Args:
        group: The group of the points.
        at: The points.
        values: Values of each scanned parameter on the full grids.
        tolerance: Standard deviations by which contours may be off.
        known: Fits of the coarsest level in slabs, of a single point.
    """
    shape = tuple(axis.shape[1] for axis in values)
    steps = strides(shape)
    index, found = first_minima(group, at, values, first_places(shape, adaptive=True), known)
    at = _not_above(group, at, index, found)
    for level in range(len(steps) - 1):
        new = _asked(at, values, index, found, shape, level, tolerance)
        if len(new):
            index, found = _with(group, at, values, index, found, new, steps[: level + 2])
            at = _not_above(group, at, index, found)
    nll = np.full((len(at.free.nll), *shape), np.nan)
    status = np.full(nll.shape, int(FitStatus.NOT_RUN))
    nll[tuple(index.T)] = np.where(np.isfinite(found.nll), found.nll, np.nan)
    status[tuple(index.T)] = found.status
    return Scan(tuple(values), nll, status, at.free, at.error, len(index))


def _not_above(group: ModelGroup, at: Surroundings, index: Places, found: FitResults) -> Surroundings:
    """With free minima that are not above those of the profile."""
    order = np.argsort(np.where(found.succeeded, found.nll, np.inf), kind="stable")
    _, first = np.unique(index[order, 0], return_index=True)
    lowest = order[first]
    nll = np.where(found.succeeded, found.nll, np.inf)[lowest]
    return at.not_above(group, nll, found.theta[lowest])


def _asked(
    at: Surroundings,
    values: Sequence[np.ndarray],
    index: Places,
    found: FitResults,
    shape: tuple[int, ...],
    level: int,
    tolerance: float,
) -> Places:
    """Places of the level after one that are to be fitted; none of points without a free minimum."""
    asked = []
    for point in np.flatnonzero(at.free.succeeded):
        own = np.flatnonzero(index[:, 0] == point)
        t, fitted = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
        where = tuple(index[own, 1:].T)
        heights = np.maximum(2.0 * (found.nll[own] - at.free.nll[point]), 0.0)
        t[where], fitted[where] = np.where(np.isfinite(heights), heights, np.nan), True
        axes = [axis[point] for axis in values]
        wanted = places_to_fit(axes, t, fitted, at.free.theta[point, at.columns], level, tolerance)
        asked.append(np.insert(np.argwhere(wanted), 0, point, axis=1))
    return np.concatenate([np.zeros((0, 1 + len(shape)), dtype=np.int64), *asked])


def _with(
    group: ModelGroup,
    at: Surroundings,
    values: Sequence[np.ndarray],
    index: Places,
    found: FitResults,
    new: Places,
    steps: Sequence[Sequence[int]],
) -> tuple[Places, FitResults]:
    """With fits of new places."""
    point, places = new[:, 0], values_at(values, new)
    nearest = _nearest(index[found.succeeded], new)
    free = at.free.theta[point]
    # The last end is not used: index -1 needs one where no fit succeeded.
    ends = np.concatenate([found.theta[found.succeeded], free[:1]])
    starts = [at.moved(point, np.where(near[:, None] < 0, free, ends[near]), places) for near in nearest.T]
    starts.append(at.moved(point, free, places))
    both = np.concatenate([index, new])
    held = HeldFits(group.structure, group.shared, at.points.take(both[:, 0]), at.columns, values_at(values, both))
    shape = tuple(axis.shape[1] for axis in values)
    pairs = _pairs(both, (len(at.free.nll), *shape), steps)
    return both, further_minima(held, found, starts, pairs, sum(shape), both[:, 0])


def _nearest(known: Places, new: Places) -> Int[np.ndarray, "new near"]:
    """The nearest known places of each new one, those of its own point; -1 where there are not as many.

    Of places that are equally near, those that were fitted first. The other points have no part in it, because the
    numbers of a point may not depend on the task it is computed in.
    """
    nearest = np.full((len(new), _NEAREST), -1, dtype=np.int64)
    for point in np.unique(new[:, 0]):
        own, asked = np.flatnonzero(known[:, 0] == point), np.flatnonzero(new[:, 0] == point)
        count = min(_NEAREST, len(own))
        if count:
            places, at = known[own, 1:], new[asked, 1:]
            _, near = cKDTree(places).query(at, k=range(1, 1 + min(_CANDIDATES, len(own))))
            distance = ((places[near] - at[:, None]) ** 2).sum(axis=-1)
            order = np.lexsort((near, distance), axis=-1)[:, :count]
            nearest[asked, :count] = own[np.take_along_axis(near, order, axis=-1)]
    return nearest


def _pairs(index: Places, shape: tuple[int, ...], steps: Sequence[Sequence[int]]) -> Pairs:
    """Fits that are next to each other at any of some levels."""
    fit = np.full(shape, -1)
    fit[tuple(index.T)] = np.arange(len(index))
    pairs = []
    for step in steps:
        axes = [level_values(length, stride) for length, stride in zip(shape[1:], step, strict=True)]
        pairs.append(np.stack(pairs_of(fit[np.ix_(np.arange(shape[0]), *axes)])))
    source, target = np.unique(np.concatenate(pairs, axis=1), axis=1)
    return source, target

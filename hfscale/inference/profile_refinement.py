"""Where a profile likelihood is fitted on an adaptive grid, and what it is between. Knows no JAX.

An adaptive grid is a full one of which only some places are fitted. It has levels, each with twice as many values along
every axis as the one before: the coarsest is fitted everywhere, the finest is the full grid. What is not fitted is
interpolated, level by level, by cubic polynomials through the nearest values of the level before (the surface), which
describe a parabola exactly. Where a level was fitted, what its fits differ from the surface below them tells how far
the interpolation can be trusted there. Cells that a contour may cross are split while that is too far; so are those in
which the likelihood bends more than cubic polynomials follow.

Differences are those of the root of t, which for a parabola is the distance from the best fit in standard deviations:
an error of 0.01 in it moves a contour by 0.01 standard deviations.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt, maximum_filter

from hfscale.inference.profile_levels import PROBABILITIES, height_of

ADAPTIVE_VALUES = {1: 129, 2: 65}
"""Values of each parameter of the full grid where none is given, by how many parameters are scanned."""
TOLERANCE = 0.01
"""Standard deviations by which contours may be off, unless asked for otherwise."""
_COARSEST = 6
"""Cells along each axis at the coarsest level, at least, of axes that have as many."""
_BENT = 0.1
"""Difference from the surface at which a cell inside of the outermost contour is split though none crosses it."""
_LARGEST_MARGIN = 1.0
_DECAY = 16.0
"""Factor by which the error of cubic polynomials falls from level to level for smooth functions, hardly faster."""
_STENCIL = 4


def strides(shape: Sequence[int]) -> list[tuple[int, ...]]:
    """Steps along the axes of the full grid at every level, the coarsest first, the full grid last.

    Args:
        shape: Lengths of the axes of the full grid.
    """
    largest = [2 ** max(int(np.log2(max(length - 1, 1) / _COARSEST)), 0) for length in shape]
    depth = max(largest).bit_length()
    return [tuple(min(2**level, most) for most in largest) for level in reversed(range(depth))]


def level_values(length: int, stride: int) -> Int[np.ndarray, " place"]:
    """Positions of an axis of the full grid that belong to a level, its ends among them."""
    return np.unique(np.append(np.arange(0, length, stride), length - 1))


def first_places(shape: Sequence[int], *, adaptive: bool) -> list[Int[np.ndarray, " _"]]:
    """Positions along each axis of the values that are fitted first: all, or those of the coarsest level.

    Args:
        shape: Lengths of the axes of the full grid.
        adaptive: Whether the grid is adaptive.
    """
    return _places(shape, strides(shape)[0] if adaptive else (1,) * len(shape))


def surface(
    axes: Sequence[Float[np.ndarray, " _"]], t: Float[np.ndarray, "*grid"], fitted: Bool[np.ndarray, "*grid"]
) -> Float[np.ndarray, "*grid"]:
    """t all over a grid that was fitted in some places.

    Args:
        axes: Values of each parameter, ascending.
        t: Twice the profile of -ln L above its minimum; NaN where it is not known.
        fitted: Places with a fit, failed ones among them.

    Returns:
        t where it was fitted, also NaN there, and what is interpolated elsewhere, not below 0. As it came in where not
        even the coarsest level was fitted.
    """
    steps = strides(t.shape)
    if fitted.all() or not fitted[np.ix_(*_places(t.shape, steps[0]))].all() or not np.isfinite(t).any():
        return t
    values = _without_gaps(t[np.ix_(*_places(t.shape, steps[0]))])
    for coarse, fine in pairwise(steps):
        values = _joined(t, _predicted(axes, values, coarse, fine), fine)
    return np.where(fitted, t, np.maximum(values, 0.0))


def places_to_fit(
    axes: Sequence[Float[np.ndarray, " _"]],
    t: Float[np.ndarray, "*grid"],
    fitted: Bool[np.ndarray, "*grid"],
    best_fit: Float[np.ndarray, " scanned"],
    level: int,
    tolerance: float = TOLERANCE,
) -> Bool[np.ndarray, "*grid"]:
    """Places of the level after one that are to be fitted, because the surface cannot be trusted there.

    Args:
        axes, t, fitted: As for `surface`.
        best_fit: Values of the parameters at the free minimum, where t is 0.
        level: Position in `strides` of a level that was treated.
        tolerance: Largest error of contours, in standard deviations.
    """
    steps = strides(t.shape)
    wanted: np.ndarray = np.zeros(t.shape, dtype=bool)
    if not np.isfinite(t).any():
        return wanted
    # The level below the coarsest one, of which every second value is left out, tells how good that one is.
    below = tuple(2 * stride for stride in steps[0])
    values, error = _start(t, below)
    for coarse, fine in zip([below, *steps], steps[: level + 1]):
        predicted = _predicted(axes, values, coarse, fine)
        error = _error(t, predicted, fitted, error, coarse, fine)
        values = _joined(t, predicted, fine)
    here, following = steps[level], steps[level + 1]
    doubtful = _doubtful(axes, _predicted(axes, values, here, following), error, best_fit, here, following, tolerance)
    inside = _spread(doubtful, t.shape, here, following)
    wanted[np.ix_(*_places(t.shape, following))] = inside
    wanted &= ~fitted
    return wanted


def _start(t: np.ndarray, step: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The surface of the first level, and the error of its cells: not known."""
    values = _without_gaps(t[np.ix_(*_places(t.shape, step))])
    return values, np.full([max(length - 1, 1) for length in values.shape], np.inf)


def _places(shape: Sequence[int], step: Sequence[int]) -> list[Int[np.ndarray, " _"]]:
    return [level_values(length, stride) for length, stride in zip(shape, step, strict=True)]


def _without_gaps(values: np.ndarray) -> np.ndarray:
    """Failed fits replaced by the nearest other one, so that they spoil their surroundings alone."""
    gaps = ~np.isfinite(values)
    if not gaps.any() or gaps.all():
        return np.where(gaps, 0.0, values)
    nearest = distance_transform_edt(gaps, return_distances=False, return_indices=True)
    return np.asarray(values[tuple(nearest)])


def _joined(t: np.ndarray, predicted: np.ndarray, step: Sequence[int]) -> np.ndarray:
    """The surface of a level: what was fitted, and what is predicted elsewhere."""
    found = t[np.ix_(*_places(t.shape, step))]
    joined: np.ndarray = np.where(np.isfinite(found), found, predicted)
    return joined


def _predicted(
    axes: Sequence[np.ndarray], values: np.ndarray, coarse: Sequence[int], fine: Sequence[int]
) -> np.ndarray:  # fmt: skip
    """The surface of a level at the places of the next one."""
    for axis, (x, wide, narrow) in enumerate(zip(axes, coarse, fine, strict=True)):
        known, asked = level_values(len(x), wide), level_values(len(x), narrow)
        # A range of no width, and the like: positions do as well.
        at = x if (np.diff(x) > 0.0).all() else np.arange(len(x), dtype=np.float64)
        weights = cubic_weights(at[known], at[asked])
        values = np.moveaxis(np.tensordot(weights, values, axes=(1, axis)), 0, axis)
    return values


def cubic_weights(known: Float[np.ndarray, " known"], asked: Float[np.ndarray, " asked"]) -> np.ndarray:
    """Weights of known values in a piecewise cubic polynomial: Lagrange's, through the four nearest of them.

    Args:
        known: Where values are known, ascending.
        asked: Where they are asked for, inside of the range of these.

    Returns:
        A row for each asked place, a column for each known one.
    """
    n = min(_STENCIL, len(known))
    interval = np.searchsorted(known, asked, side="right") - 1
    first = np.clip(interval - (n // 2 - 1), 0, len(known) - n)
    nodes = known[first[:, None] + np.arange(n)]
    weights = np.zeros((len(asked), len(known)))
    for k in range(n):
        others = np.delete(nodes, k, axis=1)
        part = np.prod((asked[:, None] - others) / (nodes[:, k : k + 1] - others), axis=1)
        weights[np.arange(len(asked)), first + k] = part
    return weights


def _error(
    t: np.ndarray,
    predicted: np.ndarray,
    fitted: np.ndarray,
    before: np.ndarray,
    coarse: Sequence[int],
    fine: Sequence[int],
) -> np.ndarray:
    """Differences of fits from the surface of the level before, for the cells of this level.

    A cell that was not fitted inherits from the one before that it is a part of.
    """
    index = np.ix_(*_places(t.shape, fine))
    found, known = t[index], fitted[index]
    lowest = height_of(PROBABILITIES[0], t.ndim)
    # d sqrt(t) = dt / (2 sqrt(t)); near the minimum, as at the innermost contour.
    away = np.abs(found - predicted) / (2.0 * np.sqrt(np.maximum(found, lowest)))
    away = np.nan_to_num(away, nan=0.0)
    # What stands in for a failed fit is rough, and so is what is interpolated beside it.
    away[known & ~np.isfinite(found)] = _LARGEST_MARGIN
    measured, complete = np.zeros(before.shape), np.ones(before.shape, dtype=bool)
    children = np.ix_(*(_parents(wide, narrow) for wide, narrow in _nested(t.shape, coarse, fine)))
    cells = tuple(np.broadcast_arrays(*children))
    np.maximum.at(measured, cells, _over_corners(away, np.maximum))
    np.logical_and.at(complete, cells, _over_corners(known, np.logical_and))
    # Few fits may agree with the surface by chance: errors that were seen before do not vanish at once.
    measured = np.maximum(measured, np.where(complete & ~np.isfinite(before), 0.0, before / _DECAY))
    error = np.where(complete, measured, np.maximum(measured, before))
    return np.asarray(error[children])


def _nested(
    shape: Sequence[int], coarse: Sequence[int], fine: Sequence[int]
) -> list[tuple[Int[np.ndarray, " coarse"], Int[np.ndarray, " fine"]]]:
    return list(zip(_places(shape, coarse), _places(shape, fine), strict=True))


def _parents(coarse: Int[np.ndarray, " coarse"], fine: Int[np.ndarray, " fine"]) -> Int[np.ndarray, " cell"]:
    """The cell of a level that each cell of the next one lies in, along an axis; a single value is a cell too."""
    begin = fine[: max(len(fine) - 1, 1)]
    return np.clip(np.searchsorted(coarse, begin, side="right") - 1, 0, max(len(coarse) - 2, 0))


def _over_corners(values: np.ndarray, joined: np.ufunc) -> np.ndarray:
    """Values of the places of a level joined over the corners of every cell."""
    for axis in range(values.ndim):
        if values.shape[axis] > 1:
            low, high = (np.delete(values, end, axis=axis) for end in (-1, 0))
            values = joined(low, high)
    return values


def _doubtful(
    axes: Sequence[np.ndarray],
    predicted: np.ndarray,
    error: np.ndarray,
    best_fit: np.ndarray,
    here: Sequence[int],
    following: Sequence[int],
    tolerance: float,
) -> Bool[np.ndarray, "..."]:
    """Cells of a level that are to be split; what is predicted is the surface at the places of the level after it."""
    shape = tuple(len(x) for x in axes)
    root = np.sqrt(np.maximum(predicted, 0.0))
    low, high = (
        _over_parents(_over_corners(root, end), shape, here, following, end) for end in (np.minimum, np.maximum)
    )
    low[_cell_of(best_fit, axes, here)] = 0.0
    margin = np.clip(error, tolerance, _LARGEST_MARGIN)
    heights = np.sqrt([height_of(probability, len(shape)) for probability in PROBABILITIES])
    crossed = np.zeros(error.shape, dtype=bool)
    for height in heights:
        crossed |= (low - margin < height) & (height < high + margin)
    # Half of what is allowed, because a few fits tell the error only roughly. Minima may also meet in a cell whose
    # neighbours have shown it.
    nearby = maximum_filter(error, size=3, mode="nearest")
    doubtful: np.ndarray = (crossed & ((error > 0.5 * tolerance) | (nearby > _BENT))) | (
        (error > _BENT) & (low < heights.max())
    )
    return doubtful


def _over_parents(
    values: np.ndarray, shape: Sequence[int], here: Sequence[int], following: Sequence[int], joined: np.ufunc
) -> np.ndarray:
    """Values of the cells of a level joined over those of the level before it."""
    for axis, (wide, narrow) in enumerate(_nested(shape, here, following)):
        if len(wide) > 1:
            values = joined.reduceat(values, np.searchsorted(narrow, wide[:-1]), axis=axis)
    return values


def _cell_of(best_fit: np.ndarray, axes: Sequence[np.ndarray], here: Sequence[int]) -> tuple[slice, ...]:
    """The cell of a level that the best fit is in; none where it is outside of the grid."""
    found = []
    for x, stride, best in zip(axes, here, best_fit, strict=True):
        nodes = x[level_values(len(x), stride)]
        cell = int(np.clip(np.searchsorted(nodes, best, side="right") - 1, 0, max(len(nodes) - 2, 0)))
        found.append(slice(cell, cell + int(nodes[0] <= best <= nodes[-1])))
    return tuple(found)


def _spread(
    cells: np.ndarray, shape: Sequence[int], here: Sequence[int], following: Sequence[int]
) -> Bool[np.ndarray, "..."]:
    """Places of the level after one that lie in some of its cells, or on their edges."""
    for axis, (wide, narrow) in enumerate(_nested(shape, here, following)):
        if len(wide) == 1:
            continue
        below = np.clip(np.searchsorted(wide, narrow, side="right") - 1, 0, len(wide) - 2)
        above = np.clip(np.searchsorted(wide, narrow, side="left") - 1, 0, len(wide) - 2)
        cells = cells.take(below, axis=axis) | cells.take(above, axis=axis)
    return cells


def usual_fits(shape: Sequence[int]) -> int:
    """About how many places of a grid are fitted: those of the coarsest level, and along two contours."""
    steps = strides(shape)
    coarsest = [len(level_values(length, stride)) for length, stride in zip(shape, steps[0], strict=True)]
    return min(int(np.prod(coarsest)) + 8 * len(steps) * sum(coarsest), int(np.prod(shape)))

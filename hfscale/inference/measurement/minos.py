"""MINOS errors: where the profile of -ln L has risen by 1/2 above its minimum, on either side of the best fit.

F. James and M. Roos, MINUIT, Comput. Phys. Commun. 10 (1975) 343, section 4; W. A. Rolke et al., arXiv:physics/0403059,
eq. 4. All ends of all parameters of all points are sought at the same time, one batch of fits per round. With t twice
the rise of the profile, sqrt(t) is nearly a straight line, so the place where it is 1 is interpolated in it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.fit.lanes import FitResults
from hfscale.inference.measurement.minima import Held, Minima, held_minima, not_above, predicted
from hfscale.inference.measurement.results import SIDES, MinosStatus, ParameterStatus
from hfscale.model.structure import UNCONSTRAINED, ModelGroup

_ROUNDS = 25
_PRECISION = 1e-5
"""How near to 1 sqrt(t) comes; the end is then interpolated once more."""
_LARGEST_STEP = 3.0
"""Factor by which the search goes beyond what is known to be inside."""
_VARIED = (
    ParameterStatus.FREE,
    ParameterStatus.FLAT,
    ParameterStatus.AT_LOWER_BOUND,
    ParameterStatus.AT_UPPER_BOUND,
)


class MinosErrors(NamedTuple):
    """MINOS errors of some points, in the group's internal order of parameters.

    Attributes:
        errors: Distances from the best fit to the ends, the lower ones negative; NaN where there is none.
        status: `MinosStatus`.
        n_fits: How many fits were made.
        free: The free minima, lower ones where the search has come across any: then the errors are of no use.
        lowered: Whether it has.
    """

    errors: Float[np.ndarray, "point side parameter"]
    status: Int[np.ndarray, "point side parameter"]
    n_fits: int
    free: FitResults
    lowered: bool


@dataclass
class _Search:
    """The ends that are sought; arrays have an element for each.

    Attributes:
        point, column, side: What they are the ends of.
        best, bound: Best fit, and the bound on that side.
        x, s, theta: Where the latest fit was made, sqrt(t) there, and its parameters.
        before, s_before: The fit before that one.
        inside, outside: Farthest value known to lie inside, and nearest known to lie outside.
        status: `MinosStatus`, NOT_RUN while it is sought.
    """

    point: Int[np.ndarray, " end"]
    column: Int[np.ndarray, " end"]
    side: Int[np.ndarray, " end"]
    best: Float[np.ndarray, " end"]
    bound: Float[np.ndarray, " end"]
    x: Float[np.ndarray, " end"]
    s: Float[np.ndarray, " end"]
    theta: Float[np.ndarray, "end parameter"]
    before: Float[np.ndarray, " end"]
    s_before: Float[np.ndarray, " end"]
    inside: Float[np.ndarray, " end"]
    outside: Float[np.ndarray, " end"]
    status: Int[np.ndarray, " end"]

    @property
    def active(self) -> Int[np.ndarray, " active"]:
        """Ends that are still sought."""
        return np.flatnonzero(self.status == int(MinosStatus.NOT_RUN))


def minos_errors(group: ModelGroup, minima: Minima, columns: Int[np.ndarray, " chosen"]) -> MinosErrors:
    """Seek the MINOS errors of some parameters of points.

    Args:
        group: The group of the points.
        minima: Their best fits.
        columns: Internal positions of the parameters. Those that a point fixes or does not have are left out there.
    """
    search, n_fits = _begin(group, minima, columns), 0
    for _ in range(_ROUNDS):
        active = search.active
        if not len(active):
            break
        held = Held(search.point[active], search.column[active], search.x[active])
        found = held_minima(group, minima, held, search.theta[active])
        n_fits += len(active)
        free, lowered = not_above(group, minima, held, found)
        if lowered:
            return MinosErrors(*_empty(minima), n_fits, free, lowered=True)
        _take(search, active, found, minima)
        _step(search, search.active)
    search.status[search.active] = int(MinosStatus.FAILED)
    errors, status = _empty(minima)
    place = (search.point, search.side, search.column)
    errors[place] = np.where(search.status == int(MinosStatus.FAILED), np.nan, search.x - search.best)
    status[place] = search.status
    return MinosErrors(errors, status, n_fits, minima.free, lowered=False)


def _empty(minima: Minima) -> tuple[Float[np.ndarray, "point side parameter"], Int[np.ndarray, "point side parameter"]]:
    n, width = minima.free.theta.shape
    shape = (n, len(SIDES), width)
    return np.full(shape, np.nan), np.full(shape, int(MinosStatus.NOT_RUN))


def _begin(group: ModelGroup, minima: Minima, columns: Int[np.ndarray, " chosen"]) -> _Search:
    """The first guess: one standard deviation away from the best fit."""
    wanted = np.isin(minima.parameter_status[:, columns], _VARIED) & minima.free.succeeded[:, None]
    point, place = np.nonzero(wanted)
    point, column = np.repeat(point, 2), np.repeat(columns[place], 2)
    side = np.tile([0, 1], len(place))
    best = minima.free.theta[point, column]
    bound = np.where(side == 0, minima.points.lower[point, column], minima.points.upper[point, column])
    reach = np.minimum(_first_step(group, minima)[point, column], np.abs(bound - best))
    x = best + np.where(side == 0, -reach, reach)
    at_bound = bound == best
    nothing = np.zeros(len(x))
    return _Search(
        point=point, column=column, side=side, best=best, bound=bound, x=x, s=nothing.copy(),
        theta=predicted(minima, Held(point, column, x)), before=best.copy(), s_before=nothing.copy(),
        inside=best.copy(), outside=np.full(len(x), np.nan),
        status=np.where(at_bound, int(MinosStatus.AT_BOUND), int(MinosStatus.NOT_RUN)),
    )  # fmt: skip


def _first_step(group: ModelGroup, minima: Minima) -> Float[np.ndarray, "point parameter"]:
    """The errors; where there are none, a width of the constraint or a tenth of the bounds."""
    errors, points = minima.errors, minima.points
    bounds = 0.1 * (points.upper - points.lower)
    tied = (group.structure.constraint != UNCONSTRAINED) & (points.constrained > 0)
    other = np.where(tied, np.minimum(points.width, bounds), bounds)
    return np.where(np.isfinite(errors) & (errors > 0), errors, other)


def _take(search: _Search, active: Int[np.ndarray, " active"], found: FitResults, minima: Minima) -> None:
    """Note what the latest fits tell, and which ends are found."""
    rise = 2.0 * (found.nll - minima.free.nll[search.point[active]])
    s = np.sqrt(np.maximum(rise, 0.0))
    search.s[active], search.theta[active] = s, np.where(np.isfinite(found.theta), found.theta, search.theta[active])
    x, inside = search.x[active], s < 1.0
    search.inside[active[inside]], search.outside[active[~inside]] = x[inside], x[~inside]
    found_it = np.abs(s - 1.0) < _PRECISION
    at_bound = inside & ~found_it & (x == search.bound[active])
    search.status[active[found_it]] = int(MinosStatus.OK)
    search.status[active[at_bound]] = int(MinosStatus.AT_BOUND)
    search.status[active[~found.succeeded]] = int(MinosStatus.FAILED)
    done = active[found_it & found.succeeded]
    search.x[done] = _interpolated(search, done)


def _step(search: _Search, active: Int[np.ndarray, " active"]) -> None:
    """Choose where to fit next: where sqrt(t) should be 1, between what is known inside and outside."""
    x = _interpolated(search, active)
    inside, outside, bound, best = (getattr(search, name)[active] for name in ("inside", "outside", "bound", "best"))
    open_ = np.isnan(outside)
    first = np.abs(search.x[active] - best)
    farthest = best + np.sign(bound - best) * _LARGEST_STEP * np.maximum(np.abs(inside - best), first)
    limit = np.where(open_, np.where(_beyond(farthest, bound, best), bound, farthest), outside)
    proper = np.isfinite(x) & _beyond(x, inside, best) & ~_beyond(x, limit, best) & (open_ | (x != limit))
    halfway = np.where(open_, limit, 0.5 * (inside + limit))
    search.before[active], search.s_before[active] = search.x[active], search.s[active]
    search.x[active] = np.where(proper, x, halfway)


def _beyond(
    x: Float[np.ndarray, " end"], y: Float[np.ndarray, " end"], best: Float[np.ndarray, " end"]
) -> Bool[np.ndarray, " end"]:
    """Whether x is farther from the best fit than y."""
    farther: Bool[np.ndarray, " end"] = np.abs(x - best) > np.abs(y - best)
    return farther


def _interpolated(search: _Search, chosen: Int[np.ndarray, " chosen"]) -> Float[np.ndarray, " chosen"]:
    """Value at sqrt(t) = 1 of the parabola in sqrt(t) through the best fit and the latest two fits (Newton's form)."""
    x0, x1, x2 = (getattr(search, name)[chosen] for name in ("best", "x", "before"))
    s1, s2 = search.s[chosen], search.s_before[chosen]
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (x1 - x0) / s1
        second = ((x2 - x1) / (s2 - s1) - first) / s2
    straight: Float[np.ndarray, " chosen"] = x0 + first
    return np.where(np.isfinite(second), straight + second * (1.0 - s1), straight)

"""The first fits of the profile likelihood of one signal point in slabs, and putting them together.

A slab is a range of the values of the first scanned parameter: of all of them, or of those of the coarsest level of an
adaptive grid. What follows from these fits is fitted with the whole.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import AGREEMENT
from hfscale.inference.full_profiles import KnownFits, first_minima, values_of
from hfscale.inference.profile_grids import DEFAULT_VALUES, hindrance, scanned_columns
from hfscale.inference.profile_refinement import ADAPTIVE_VALUES, first_places
from hfscale.inference.profile_surroundings import Surroundings
from hfscale.model.structure import ModelGroup


class Slab(NamedTuple):
    """What the fits of a slab have found.

    Attributes:
        free: The free minimum of the point, which the values of a grid may depend on.
        length: How many values of the first parameter it has; 0 of a point that cannot be scanned.
        theta, nll, edm, rates, poi_variance, iterations, troubles, status: The fits, as in
            `hfscale.fit.lanes.FitResults`, those of the first value first.
    """

    free: FitResults
    length: int
    theta: Float[np.ndarray, "fit parameter"]
    nll: Float[np.ndarray, " fit"]
    edm: Float[np.ndarray, " fit"]
    rates: Float[np.ndarray, "fit bin"]
    poi_variance: Float[np.ndarray, " fit"]
    iterations: Int[np.ndarray, " fit"]
    troubles: Int[np.ndarray, " fit"]
    status: Int[np.ndarray, " fit"]


def fit_slab(
    group: ModelGroup,
    row: int,
    parameters: Sequence[str],
    grids: Sequence[Sequence[float] | None],
    slab: range,
    *,
    free: FitResults,
    adaptive: bool,
) -> Slab:
    """Make the fits of a slab.

    Args:
        group, row: The point.
        parameters, grids: As of `hfscale.inference.profile_scans.scan_profiles`.
        slab: Which of the values of the first parameter that are fitted first.
        free: What there is to tell of the free minimum of a point that cannot be scanned.
        adaptive: Whether the grid is adaptive.
    """
    if not set(parameters) <= set(group.parameter_names) or hindrance(group, row, parameters):
        nothing = free.take(np.zeros(0, dtype=np.int64))
        return Slab(free, 0, **nothing._asdict())
    at = Surroundings.of(group, np.array([row]), scanned_columns(group, parameters))
    values = values_of(at, grids, (ADAPTIVE_VALUES if adaptive else DEFAULT_VALUES)[len(parameters)])
    axes = first_places([axis.shape[1] for axis in values], adaptive=adaptive)
    axes[0] = axes[0][slab.start : slab.stop]
    _, found = first_minima(group, at, values, axes)
    return Slab(at.free, len(axes[0]), **found._asdict())


def join_slabs(slabs: Sequence[Slab]) -> KnownFits | None:
    """Put slabs together, in their order; None where the point cannot be scanned, or they do not belong together."""
    whole = slabs[0].free
    for slab in slabs:
        if not slab.length or not slab.free.succeeded.all() or abs(slab.free.nll - whole.nll).max() > AGREEMENT:
            return None
    arrays = {name: np.concatenate([getattr(slab, name) for slab in slabs]) for name in FitResults._fields}
    return KnownFits(tuple(slab.length for slab in slabs), FitResults(**arrays))

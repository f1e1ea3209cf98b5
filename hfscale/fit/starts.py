"""Further start values for fits that may have several minima."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from hfscale.model.structure import UNCONSTRAINED, PointNumbers, Structure

_COUNT = 3
_SCATTER = 0.7


def scattered_starts(
    structure: Structure, fits: PointNumbers, around: Float[np.ndarray, "fit parameter"]
) -> Sequence[Float[np.ndarray, "fit parameter"]]:
    """Start values with the normal-constrained parameters moved at random, the same in every run; the POI stays.

    Free parameters of derived quantities are spread over their bounds, the POI too if it is one of them: functions of
    them need not be monotonic.
    """
    random = np.random.Generator(np.random.Philox(key=20_071_727))
    shifts = random.normal(0.0, _SCATTER, (_COUNT, structure.n_parameters))
    free = structure.shifting & ~fits.fixed
    starts = [np.where(free, around + shift * fits.width, around) for shift in shifts]
    for k, parameter in enumerate(structure.derived.inputs):
        if structure.constraint[parameter] == UNCONSTRAINED:
            lower, upper = fits.lower[:, parameter], fits.upper[:, parameter]
            for number, start in enumerate(starts):
                spread = lower + (upper - lower) * ((number + k) % _COUNT + 0.5) / _COUNT
                start[:, parameter] = np.where(fits.fixed[:, parameter], start[:, parameter], spread)
    return starts

"""Parameters that the data hardly determine, alone or in a combination, though the likelihood is not quite flat.

Where two factors multiply the same yields, only their product is determined. Along it the second derivative is 0 at the
exact minimum, but not where a minimiser stops: the errors are then finite, and far beyond the bounds.
"""

import numpy as np

from hfscale.inference.measurement.minima import Minima
from hfscale.inference.measurement.results import ParameterStatus
from hfscale.model.structure import ModelGroup

_RANGES = 10.0
"""Errors that are so many times as large as the range of the bounds say that nothing is known."""
_MOST = 5
"""Parameters that are named; of others it is said how many there are."""


def undetermined(group: ModelGroup, minima: Minima) -> list[tuple[str, ...]]:
    """One sentence for each point with such parameters, nothing for others.

    Args:
        group: The group of the points.
        minima: Their best fits.
    """
    ranges = minima.points.upper - minima.points.lower
    free = minima.parameter_status == int(ParameterStatus.FREE)
    open_ = group.external(free & np.isfinite(minima.errors) & (minima.errors > _RANGES * ranges))
    names = np.array(group.parameter_names, dtype=object)
    return [_sentence([str(name) for name in names[chosen]]) for chosen in open_]


def _sentence(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return (
        f"the data do not determine {', '.join(names[:_MOST])}{more}, alone or in a combination: the uncertainties are"
        f" more than {_RANGES:g} times as large as the range of the bounds; fix some of them",
    )

"""How much memory a process takes, from the sizes of its models. Knows no JAX, so that drivers can plan without it."""

from collections.abc import Sequence

import numpy as np

from hfscale.model.structure import ModelGroup

_PYTHON_BYTES = 350 * 10**6
"""A process with JAX and the compiled programs of a small model."""
_COPIES = 2.0
"""Of all numbers of the models: as laid out, and as given to JAX."""
_WORK_BYTES = 100
"""Per entry and parameter: derivatives of rates, and what a step of a fit makes of them."""


def process_bytes(groups: Sequence[ModelGroup]) -> int:
    """Rough memory of one process that computes."""
    numbers = sum(np.asarray(array).nbytes for group in groups for array in (*group.shared, *group.points))
    structures = [group.structure for group in groups]
    largest = max((s.n_entries + s.n_bins) * s.n_parameters for s in structures)
    return int(_PYTHON_BYTES + _COPIES * numbers + _WORK_BYTES * largest)

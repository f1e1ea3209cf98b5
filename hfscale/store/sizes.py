"""How much a store will take on disk, before it is made."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hfscale.plan.tasks import Plan
from hfscale.store.layout import TOY_VARIABLES, block_shape, variables_of

_MARKER_BYTES = 1000


class DiskNeed(NamedTuple):
    """What a store takes on disk at most.

    Attributes:
        bytes: Results and markers; compression leaves less of it.
        files: Number of files.
    """

    bytes: int
    files: int


def disk_need(
    calculation: Mapping[str, Any],
    plan: Plan,
    n_mu: int,
    n_parameters: int,
    grid: Sequence[int],
    toys: int,
    toy_tasks: int,
) -> DiskNeed:
    """Estimate the size of a store.

    Args:
        calculation: The settings document of the calculation.
        plan: The tasks of signal points.
        n_mu, n_parameters, grid: Lengths of the dimensions of its arrays.
        toys: Number of toys, of all points and hypotheses.
        toy_tasks: Number of tasks of toys.
    """
    variables = variables_of(calculation).values()
    numbers = (
        math.prod(block_shape(variable, plan.n_points, n_mu, n_parameters, grid)) * np.dtype(variable.dtype).itemsize
        for variable in variables
    )
    per_toy = sum(np.dtype(variable.dtype).itemsize for variable in TOY_VARIABLES.values())
    tasks = len(plan.tasks) + toy_tasks
    return DiskNeed(
        bytes=sum(numbers) + toys * per_toy + tasks * _MARKER_BYTES,
        files=len(plan.tasks) * (len(variables) + 1) + toy_tasks * (len(TOY_VARIABLES) + 1),
    )

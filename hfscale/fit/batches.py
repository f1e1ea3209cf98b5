"""How many fits a GPU works on at once: as many as keep it busy and its memory holds, in a few fixed sizes.

Every size is compiled once for each structure and method, so that there are few: a task of ten fits does not pay for
thousands of idle lanes, and one of thousands does not wait.
"""

from typing import NamedTuple

import numpy as np

from hfscale.model.structure import PointNumbers, Structure

SIZES = (64, 1024, 16_384)
_SHARE = 0.5
"""Of the memory, for the lanes and the queue; the rest is for what XLA keeps beside them."""
_TEMPORARIES = 16
"""Arrays of the size of a lane's Jacobian that a step may have at the same time."""
_QUEUES = 4
"""Fits that wait for each lane of the largest size."""
_UNKNOWN_MEMORY = 4 * 2**30
_BYTES = 8


class Batch(NamedTuple):
    """The shape of a queue.

    Attributes:
        lanes: Fits at once.
        capacity: Fits per queue.
    """

    lanes: int
    capacity: int


def gpu_batch(structure: Structure, fits: PointNumbers, memory: int | None) -> Batch:
    """Choose lanes and capacity for a number of fits.

    Args:
        structure: Its entries, bins and parameters are what a lane's memory depends on.
        fits: The numbers of all fits, in their leading axis.
        memory: Bytes that the process may take.
    """
    most = max(1, int(_SHARE * (memory or _UNKNOWN_MEMORY) / lane_bytes(structure, fits)))
    count = len(fits.data)
    wanted = next((size for size in SIZES if size >= count), SIZES[-1])
    lanes = int(min(wanted, 2 ** np.floor(np.log2(most))))
    return Batch(lanes, lanes if count <= lanes else _QUEUES * lanes)


def lane_bytes(structure: Structure, fits: PointNumbers) -> int:
    """Return about what a lane takes: its arrays of derivatives, its Hessian, and the fits that wait for it."""
    rows = structure.n_entries + structure.n_bins + structure.n_parameters
    waiting = sum(int(np.prod(array.shape[1:])) for array in fits) + 3 * structure.n_parameters
    return _BYTES * (_TEMPORARIES * rows * max(structure.n_parameters, 1) + 2 * _QUEUES * waiting)

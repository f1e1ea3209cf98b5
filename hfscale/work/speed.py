"""How fast this machine computes, beside the one that the costs of fits were measured on."""

import math
import time
from functools import lru_cache

import numpy as np

_REFERENCE_SECONDS = 6.0e-4
"""What `_kernel` takes on one core of the machine (AMD EPYC, 2 cores) that `hfscale.work.models` is calibrated on."""
_REPETITIONS = 9


@lru_cache(maxsize=1)
def machine_slowness() -> float:
    """Return how much longer one core of this machine computes than the reference: a power of two, measured once.

    In steps of two, because another measurement on the same machine should not cut the same campaign in other tasks.
    It takes some 6 ms.
    """
    return slowness(min(_timed() for _ in range(_REPETITIONS)))


def slowness(seconds: float) -> float:
    """Return the ratio to the reference, rounded to a power of two."""
    return 2.0 ** round(math.log2(max(seconds, 1e-9) / _REFERENCE_SECONDS))


def _timed() -> float:
    begin = time.perf_counter()
    _kernel()
    return time.perf_counter() - begin


def _kernel() -> float:
    """Exponentials and logarithms, on one thread: unlike BLAS."""
    start = np.linspace(0.1, 2.0, 20_000)
    values = start
    for _ in range(4):
        values = np.exp(-values) + np.log1p(values)
    return float(values.sum())

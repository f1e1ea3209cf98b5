"""Compiled steps, kept in a bounded cache: one per structure, method and number of lanes."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import jax

from hfscale.fit.newton import Method, State, step
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

Program = Callable[[SharedNumbers, PointNumbers, State], State]


class CacheStatistics(NamedTuple):
    """Use of the cache of compiled programs in this process."""

    hits: int
    misses: int
    size: int
    capacity: int


@lru_cache(maxsize=16)
def step_program(structure: Structure, method: Method, lanes: int) -> Program:
    """Compiled Newton step for `lanes` fits at once; compiles on its first call."""
    del lanes  # a key of the cache: XLA compiles for the shapes, and eviction must free one program
    return jax.jit(partial(step, structure, method))


def cache_statistics() -> CacheStatistics:
    """How often programs were reused, and how many are held."""
    info = step_program.cache_info()
    return CacheStatistics(info.hits, info.misses, info.currsize, info.maxsize or 0)

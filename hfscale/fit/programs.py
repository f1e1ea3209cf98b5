"""Compiled minimisations, kept in a bounded cache: one per structure, method and size of the queue."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from hfscale.fit.kinds import DeviceKind
from hfscale.fit.lanes import work_off
from hfscale.fit.newton import Method
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

Program = Callable[[SharedNumbers, PointNumbers, np.ndarray, np.int64], tuple[Array, ...]]


class CacheStatistics(NamedTuple):
    """Use of the cache of compiled programs in this process."""

    hits: int
    misses: int
    size: int
    capacity: int


@lru_cache(maxsize=1)
def compiler_options() -> dict[str, bool]:
    """The older generator of XLA for CPUs, where there is one: it takes half as long, and its programs are as fast."""
    options = {"xla_cpu_use_fusion_emitters": False}
    try:
        jax.jit(lambda x: x, compiler_options=options).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return options


@lru_cache(maxsize=16)
def queue_program(
    structure: Structure, method: Method, lanes: int, capacity: int, kind: DeviceKind = "cpu"
) -> Program:  # fmt: skip
    """Compiled minimisation of a queue of `capacity` fits in `lanes` lanes; compiles on its first call."""
    del capacity  # a key of the cache: XLA compiles for the shapes, and eviction must free one program
    options = compiler_options() if kind == "cpu" else None
    return jax.jit(partial(work_off, structure, method, lanes), compiler_options=options)


def cache_statistics() -> CacheStatistics:
    """How often programs were reused, and how many are held."""
    info = queue_program.cache_info()
    return CacheStatistics(info.hits, info.misses, info.currsize, info.maxsize or 0)

"""What engines with worker processes have in common: their environment, their notices, and calls that kill them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

from hfscale.errors import TaskError

WORKER_ENVIRONMENT = MappingProxyType(
    {
        "NPROC": "1",  # the only setting that keeps XLA's pool to one thread; read when JAX is first imported
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Fits free and take the same memory again and again. Dask's own value of 64 KiB gives it back to the system
        # every time; the page faults cost toys a fifth of their time.
        "MALLOC_TRIM_THRESHOLD_": str(2**30),
        "MALLOC_MMAP_THRESHOLD_": str(2**30),
    }
)


@contextmanager
def quiet_logs(name: str) -> Iterator[None]:
    """Keep an engine's own notices (a worker that died, a connection that closed) out of the user's terminal.

    What they mean for a task is told by its outcome.

    Args:
        name: Name of the engine's logger.
    """
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


ALLOWED_WORKER_DEATHS = 3
"""A task is given up when it was running on more workers than this while they died."""


def worker_killer() -> TaskError:
    """Return the error of a call that was running on too many workers while they died."""
    return TaskError(
        f"the worker process died {ALLOWED_WORKER_DEATHS + 1} times while running it",
        remedy="the usual cause is too little memory: use fewer workers or smaller tasks",
    )

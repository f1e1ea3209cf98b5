"""Choosing and starting an executor by its name on the command line."""

import os
from typing import TYPE_CHECKING, Literal, get_args

from hfscale.errors import InputError
from hfscale.runtime.executors.base import Executor

if TYPE_CHECKING:
    import distributed

EngineName = Literal["local", "processes", "dask", "ray"]
"""Names of the engines, as on the command line."""

AskedEngine = Literal["auto", "local", "processes", "dask", "ray"]
"""What may be asked for: one of these, or the choice between them."""

START_SECONDS = 5.0
"""About what starting worker processes costs, each of which imports JAX and compiles the model again."""


def available_cpus() -> int:
    """Return how many CPUs this process may use, by its affinity."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_executor(asked: AskedEngine, workers: int | None, n_tasks: int, expected_seconds: float) -> EngineName:
    """Resolve ``auto``: worker processes if they are expected to win back the time that starting them costs.

    On one machine, plain processes do what Dask and Ray do and start sooner; those have to be asked for.

    Args:
        asked: The name that the user gave.
        workers: Number of workers that the user gave, None for one per CPU.
        n_tasks: Number of tasks that are left.
        expected_seconds: Expected length of the work on one worker.

    Raises:
        InputError: There is no such engine.
    """
    if asked != "auto":
        if asked not in get_args(EngineName):
            raise _no_such_engine(asked)
        return asked
    parallel = min(workers or available_cpus(), n_tasks)
    if parallel < 2:
        return "local"
    saved = expected_seconds * (1.0 - 1.0 / parallel)
    return "processes" if saved > START_SECONDS else "local"


def open_executor(name: str, workers: int | None = None, ray_address: str | None = None) -> Executor:
    """Start an executor. Use it in a ``with`` statement, or close it.

    Args:
        name: The engine, one of `EngineName`.
        workers: Number of worker processes, None for one per CPU; ``local`` ignores it.
        ray_address: Running cluster that ``ray`` connects to, None to start an instance on this machine.

    Raises:
        InputError: There is no such engine, it is not installed, or there is no cluster at the address.
    """
    if name == "local":
        from hfscale.runtime.executors.local import LocalExecutor

        return LocalExecutor()
    if name == "processes":
        from hfscale.runtime.executors.processes import ProcessExecutor

        return ProcessExecutor(workers or available_cpus())
    if name == "dask":
        from hfscale.runtime.executors.dask import DaskExecutor

        return DaskExecutor.start(workers or available_cpus())
    if name == "ray":
        from hfscale.runtime.executors.ray import RayExecutor

        if ray_address is not None:
            return RayExecutor.connect(ray_address, workers)
        return RayExecutor.start(workers or available_cpus())
    raise _no_such_engine(name)


_CHOICES = ", ".join(get_args(AskedEngine))


def _no_such_engine(name: str) -> InputError:
    return InputError(f"there is no executor {name!r}", remedy=f"choose {_CHOICES}")


def as_executor(
    engine: "str | distributed.Client | Executor", workers: int | None = None, ray_address: str | None = None
) -> Executor:
    """Return an executor for whatever the user gave as one: its name, a Dask client, or an executor.

    A client stays open when the executor is closed. For the other arguments, see `open_executor`.

    Raises:
        InputError: It is nothing of these.
    """
    if isinstance(engine, str):
        return open_executor(engine, workers, ray_address)
    if isinstance(engine, Executor):
        return engine
    if type(engine).__module__.partition(".")[0] == "distributed" and hasattr(engine, "submit"):
        from hfscale.runtime.executors.dask import DaskExecutor

        return DaskExecutor(engine)
    raise InputError(
        f"{type(engine).__name__} is no executor", remedy=f"give one of {_CHOICES}, a Dask client or an executor"
    )

"""Choosing and starting an executor by its name on the command line."""

import os
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from hfscale.errors import InputError
from hfscale.runtime.devices import CPU, Device
from hfscale.runtime.executors.access import (
    refuse_open_ray,
    refuse_open_scheduler,
    scheduler_address,
    warn_of_open_scheduler,
)
from hfscale.runtime.executors.base import Executor

if TYPE_CHECKING:
    import distributed

EngineName = Literal["local", "processes", "dask", "ray"]
"""Names of the engines, as on the command line."""

AskedEngine = Literal["auto", "local", "processes", "dask", "ray"]
"""What may be asked for: one of these, or the choice between them."""


class Cluster(NamedTuple):
    """A cluster that runs already, for an engine that would start one of its own otherwise.

    Attributes:
        scheduler: Address of a Dask scheduler, or the file that it wrote; or a cluster of a Dask Gateway, ``gateway``
            for one that is started for the run.
        ray_address: Address of a Ray cluster, as `ray.init` takes it.
        insecure: Whether the cluster may be open to others, who could run code as the user.
    """

    scheduler: str | None = None
    ray_address: str | None = None
    insecure: bool = False


OWN_CLUSTER = Cluster()
"""No cluster that runs already: engines start their own."""

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


def check_cluster(engine: object, cluster: Cluster) -> None:
    """Raise InputError where a cluster is of no use for an engine, or is open to others; connects to nothing.

    Args:
        engine: What the user asked for: a name, a Dask client or an executor.
        cluster: The cluster that the user named, if any.
    """
    for place, kind, needed in ((cluster.scheduler, "Dask scheduler", "dask"), (cluster.ray_address, "Ray", "ray")):
        if place is not None and engine != needed:
            raise InputError(
                f"the address of a {kind} is of no use without the executor {needed}",
                remedy=f"ask for --executor {needed} (run.executor, executor=), or leave the address out",
            )
    if cluster.scheduler is not None:
        refuse_open_scheduler(scheduler_address(cluster.scheduler), cluster.insecure)
    if cluster.ray_address is not None:
        refuse_open_ray(cluster.ray_address, cluster.insecure)


def open_executor(
    name: str, workers: int | None = None, cluster: Cluster = OWN_CLUSTER, device: Device = CPU
) -> Executor:
    """Start an executor. Use it in a ``with`` statement, or close it.

    Args:
        name: The engine, one of `EngineName`.
        workers: Number of worker processes, None for one per CPU or GPU; ``local`` and Dask clusters that run ignore
            it.
        cluster: Running cluster that ``dask`` or ``ray`` connects to; by default each starts its own on this machine.
        device: What they compute on.

    Raises:
        InputError: There is no such engine, it is not installed, there is no cluster at the address, one that is open
            to others or has no GPU, or there are fewer GPUs than workers.
    """
    check_cluster(name, cluster)
    if name == "local":
        from hfscale.runtime.executors.local import LocalExecutor

        return LocalExecutor(device.kind)
    if name == "dask" and cluster.scheduler is not None:
        from hfscale.runtime.executors.dask import DaskExecutor

        return DaskExecutor.join(cluster.scheduler, insecure=cluster.insecure, device=device.kind, workers=workers)
    if name == "ray" and cluster.ray_address is not None:
        from hfscale.runtime.executors.ray import RayExecutor

        return RayExecutor.connect(cluster.ray_address, workers, device)
    return _start_executor(name, device.workers(workers, available_cpus()), device)


def _start_executor(name: str, workers: int, device: Device) -> Executor:
    """Start worker processes on this machine."""
    if name == "processes":
        from hfscale.runtime.executors.processes import ProcessExecutor

        return ProcessExecutor(workers, device)
    if name == "dask":
        from hfscale.runtime.executors.dask import DaskExecutor

        return DaskExecutor.start(workers, device)
    if name == "ray":
        from hfscale.runtime.executors.ray import RayExecutor

        return RayExecutor.start(workers, device)
    raise _no_such_engine(name)


_CHOICES = ", ".join(get_args(AskedEngine))


def _no_such_engine(name: str) -> InputError:
    return InputError(f"there is no executor {name!r}", remedy=f"choose {_CHOICES}")


def as_executor(
    engine: "str | distributed.Client | Executor",
    workers: int | None = None,
    cluster: Cluster = OWN_CLUSTER,
    device: Device = CPU,
) -> Executor:
    """Return an executor for whatever the user gave as one: its name, a Dask client or cluster, or an executor.

    A client or cluster of Dask stays open when the executor is closed; it is warned of if it is open to others. For the
    other arguments, see `open_executor`.

    Raises:
        InputError: It is nothing of these, or an executor that computes on something else than was asked for.
    """
    if isinstance(engine, str):
        return open_executor(engine, workers, cluster, device)
    check_cluster(engine, cluster)
    if isinstance(engine, Executor):
        if device.kind == "gpu" and engine.device != "gpu":
            raise InputError(f"this executor computes on {engine.device}", remedy="make it for GPUs, or ask for none")
        return engine
    if type(engine).__module__.partition(".")[0] == "distributed" and hasattr(engine, "submit"):
        return _of_dask(engine, device, is_client=True)
    if hasattr(engine, "scheduler_address") and hasattr(engine, "scale"):
        return _of_dask(engine, device, is_client=False)
    raise InputError(
        f"{type(engine).__name__} is no executor",
        remedy=f"give one of {_CHOICES}, a Dask client or cluster, or an executor",
    )


def refuse_asynchronous(engine: object) -> None:
    """Raise InputError for a client or cluster of Dask that belongs to the event loop of this thread."""
    if getattr(engine, "asynchronous", False):
        raise InputError(
            f"this {type(engine).__name__} of Dask is asynchronous: only its own event loop may use it",
            remedy="make it without asynchronous=True; that works in a notebook, too",
        )


def _of_dask(engine: Any, device: Device, *, is_client: bool) -> Executor:
    """Return an executor for a Dask client or cluster of the user's."""
    from hfscale.runtime.executors.dask import DaskExecutor

    refuse_asynchronous(engine)
    executor = DaskExecutor(engine, device.kind) if is_client else DaskExecutor.use(engine, device.kind)
    warn_of_open_scheduler(executor.scheduler_address())
    return executor

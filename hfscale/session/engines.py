"""What a session may be asked to run on, and starting it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfscale.errors import InputError
from hfscale.plan.paths import is_scheduler_file
from hfscale.runtime.crossover import choose_device
from hfscale.runtime.devices import AskedDevice, Device
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.choose import Cluster, as_executor

if TYPE_CHECKING:
    import distributed

_USUAL_FITS = 10_000.0
"""Of a task of toys."""


def start_engine(
    asked: "str | os.PathLike[str] | distributed.Client | Executor | Any",
    workers: int | None,
    ray_address: str | None,
    insecure: bool,
    device: AskedDevice = "cpu",
) -> Executor:
    """Start what a session runs on, or connect to it.

    Args:
        asked: See `hfscale.session.session.Session`.
        workers: Number of worker processes of an engine that is started here, one per CPU by default, or by a Dask
            Gateway.
        ray_address: Address of a Ray cluster that runs.
        insecure: Whether a cluster may be open to others.
        device: What workers compute on.

    Raises:
        InputError: There is no such engine or cluster, it is not installed, the cluster is open to others, or there is
            no GPU.
    """
    if workers is not None and workers < 1:
        raise InputError(f"{workers} workers cannot compute anything", remedy="ask for one or more")
    if not isinstance(asked, str | os.PathLike):
        return as_executor(asked, workers, Cluster(ray_address=ray_address), _chosen(device, elsewhere=True))
    name = os.fspath(asked)
    if not is_scheduler_file(name) or Path(name).is_file():
        cluster = Cluster(scheduler=name, ray_address=ray_address, insecure=insecure)
        return as_executor("dask", workers, cluster, _chosen(device, elsewhere=True))
    if name == "auto" or (name == "local" and workers is not None and workers > 1):
        name = "processes"
    cluster = Cluster(ray_address=ray_address, insecure=insecure)
    return as_executor(name, workers, cluster, _chosen(device, elsewhere=ray_address is not None))


def _chosen(device: AskedDevice, *, elsewhere: bool) -> Device:
    """Resolve ``auto`` for a session, whose jobs are not known yet: for tasks of toys."""
    return choose_device(device, _USUAL_FITS, elsewhere=elsewhere)

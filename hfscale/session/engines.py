"""What a session may be asked to run on, and starting it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfscale.errors import InputError
from hfscale.plan.paths import is_scheduler_file
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.choose import Cluster, as_executor

if TYPE_CHECKING:
    import distributed


def start_engine(
    asked: "str | os.PathLike[str] | distributed.Client | Executor | Any",
    workers: int | None,
    ray_address: str | None,
    insecure: bool,
) -> Executor:
    """Start what a session runs on, or connect to it.

    Args:
        asked: See `hfscale.session.session.Session`.
        workers: Number of worker processes of an engine that is started here, one per CPU by default.
        ray_address: Address of a Ray cluster that runs.
        insecure: Whether a cluster may be open to others.

    Raises:
        InputError: There is no such engine or cluster, it is not installed, or the cluster is open to others.
    """
    if workers is not None and workers < 1:
        raise InputError(f"{workers} workers cannot compute anything", remedy="ask for one or more")
    if not isinstance(asked, str | os.PathLike):
        return as_executor(asked, workers, Cluster(ray_address=ray_address))
    name = os.fspath(asked)
    if not is_scheduler_file(name) or Path(name).is_file():
        return as_executor("dask", None, Cluster(scheduler=name, ray_address=ray_address, insecure=insecure))
    if name == "auto" or (name == "local" and workers is not None and workers > 1):
        name = "processes"
    return as_executor(name, workers, Cluster(ray_address=ray_address, insecure=insecure))

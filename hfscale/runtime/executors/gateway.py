"""Clusters of a Dask Gateway: one that is started for a run and ended with it, or one that runs already and stays.

Where the gateway is, who the user is and what its clusters are like is said by Dask's own configuration, as facilities
have it for their notebooks: ``gateway`` in a file of ``~/.config/dask``, or the variables ``DASK_GATEWAY__ADDRESS``,
``DASK_GATEWAY__AUTH__TYPE``, ``DASK_GATEWAY__AUTH__KWARGS`` and ``DASK_GATEWAY__CLUSTER__OPTIONS``. The gateway hands
out keys for each cluster: connections are encrypted, and nobody else is let in.
"""

# mypy: allow-untyped-calls
# (neither dask-gateway nor most of distributed has annotations)

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import distributed

from hfscale.errors import InputError
from hfscale.runtime.executors.access import gateway_cluster_name
from hfscale.runtime.executors.workers import quiet_logs

_CONFIGURATION = "gateway.address in ~/.config/dask or DASK_GATEWAY__ADDRESS, gateway.auth or DASK_GATEWAY__AUTH__TYPE"


@contextmanager
def gateway_client(scheduler: str, workers: int | None) -> "Iterator[distributed.Client]":
    """Be connected to a cluster of the gateway.

    A new cluster has as many workers as are asked for, at any time: those that are lost are replaced. It ends with
    the connection; where this process is killed, the gateway ends it when it has been idle for as long as the facility
    allows.

    Args:
        scheduler: ``gateway`` for a new cluster, or ``gateway://NAME`` for one that runs, and goes on running.
        workers: How many workers a new cluster has.

    Raises:
        InputError: No number of workers is given for a new cluster, dask-gateway is not installed, no gateway is
            configured or reached, or it refuses.
    """
    name = gateway_cluster_name(scheduler)
    if name is None and workers is None:
        raise InputError(
            "a new cluster of a Dask Gateway needs to know how many workers it is to have",
            remedy="say it (--workers N, run.workers, workers=N), or name a cluster that runs: gateway://NAME",
        )
    package = _package()
    # What a lost connection means for the run is told by the executor.
    with quiet_logs("distributed.client"), _opened(package, name, workers) as cluster:
        with _explaining(package):
            client: distributed.Client = distributed.Client(cluster, set_as_default=False)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def _opened(package: Any, name: str | None, workers: int | None) -> Iterator[Any]:
    """Start or join a cluster, and leave it; a new one ends."""
    kind = package.GatewayCluster
    with _explaining(package):
        cluster = kind() if name is None else kind.from_name(name)
    # Closing a cluster ends it if it was started here.
    with cluster:
        if name is None:
            with _explaining(package):
                cluster.adapt(minimum=workers, maximum=workers)
        yield cluster


@contextmanager
def _explaining(package: Any) -> Iterator[None]:
    """Say in our words what went wrong with the gateway."""
    import aiohttp

    refusals = (package.GatewayClusterError, package.GatewayServerError, aiohttp.ClientError)
    try:
        yield
    except (*refusals, OSError, ValueError, ImportError) as error:
        raise InputError(
            f"the Dask Gateway gives no cluster: {str(error) or type(error).__name__}",
            remedy=f"check {_CONFIGURATION}, and what the facility allows",
        ) from error


def _package() -> Any:
    try:
        import dask_gateway
    except ImportError as error:
        raise InputError(
            "clusters of a Dask Gateway need dask-gateway, which is not installed",
            remedy="pip install 'hfscale[gateway]'",
        ) from error
    return dask_gateway

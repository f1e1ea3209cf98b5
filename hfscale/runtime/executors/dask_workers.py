"""The workers of Dask clusters: those of our own cluster, with their environment, and what room any workers have.

Every socket of the own cluster, the dashboards' too, listens on 127.0.0.1, and speaks TLS with keys that exist in
memory only.
"""

# mypy: allow-untyped-calls
# (most of distributed has no annotations)

import copy
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import dask
import distributed
from distributed.security import Security

from hfscale.fit.kinds import DeviceKind
from hfscale.runtime.devices import Device
from hfscale.runtime.executors.workers import ALLOWED_WORKER_DEATHS, WORKER_ENVIRONMENT

LOOPBACK = "127.0.0.1"
GPU_RESOURCE: Mapping[str, int] = MappingProxyType({"GPU": 1})
"""What a call on a GPU takes of its worker, by Dask's abstract resources."""
_START_SECONDS = 120


def room(client: distributed.Client, kind: DeviceKind) -> dict[str, int]:
    """Return how many calls each worker of a cluster can run at the same time: by its threads, or by its GPUs."""
    if kind == "cpu":
        threads: dict[str, int] = client.nthreads()
        return threads
    workers = client.scheduler_info(n_workers=-1)["workers"]
    gpus = {address: int(worker.get("resources", {}).get("GPU", 0)) for address, worker in workers.items()}
    return {address: number for address, number in gpus.items() if number}


class _GpuCluster(distributed.LocalCluster):
    """A cluster on this machine in which each worker sees a GPU of its own."""

    device: Device

    def new_worker_spec(self) -> dict[Any, Any]:
        """Return name and description of a further worker; its name is the position of a GPU that no other has."""
        place = min(set(range(len(self.device.gpus))) - set(self.worker_spec))
        spec = copy.deepcopy(self.new_spec)
        spec["options"] |= {"env": self.device.environment(place), "resources": dict(GPU_RESOURCE)}
        return {place: spec}


def local_cluster(workers: int, device: Device) -> distributed.LocalCluster:
    """Start a cluster of worker processes on this machine, each with one thread."""
    environment = {**dask.config.get("distributed.nanny.pre-spawn-environ"), **_environment(device)}
    options = {
        "distributed.nanny.pre-spawn-environ": environment,
        "distributed.scheduler.allowed-failures": ALLOWED_WORKER_DEATHS,
        "distributed.worker.multiprocessing-method": "spawn",
    }
    with dask.config.set(options):
        if device.kind == "cpu":
            return distributed.LocalCluster(n_workers=workers, **_closed())
        cluster = _GpuCluster(n_workers=0, **_closed())
        cluster.device = device
        cluster.scale(workers)
        cluster.wait_for_workers(workers, timeout=_START_SECONDS)
        return cluster


def _closed() -> dict[str, Any]:
    """Options of a cluster with processes of one thread, which nobody else can reach."""
    return {
        "threads_per_worker": 1,
        "processes": True,
        "host": LOOPBACK,
        "protocol": "tls://",
        "security": Security.temporary(),
        "dashboard_address": f"{LOOPBACK}:0",
        "worker_dashboard_address": f"{LOOPBACK}:0",
        "silence_logs": logging.CRITICAL,
    }


@contextmanager
def worker_environment(device: Device) -> Iterator[None]:
    """Give this process the workers' environment while they live, and then its own again.

    Dask copies the variables of ``pre-spawn-environ`` into the environment of the driver and leaves them there, and
    prefers a value that the driver already has: both would change what the user set for the driver.
    """
    common = _environment(device)
    before = {name: os.environ.get(name) for name in dask.config.get("distributed.nanny.pre-spawn-environ")}
    before |= {name: os.environ.get(name) for name in (*common, "PYTHONHASHSEED")}
    os.environ.update(common)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _environment(device: Device) -> dict[str, str]:
    return {**WORKER_ENVIRONMENT, **device.environment()}

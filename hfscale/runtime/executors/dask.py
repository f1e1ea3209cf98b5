"""The executor that runs calls on Dask workers: of a cluster of its own on this machine, or of the user's.

Whoever reaches a Dask scheduler or worker can run code as its owner. The own cluster therefore speaks TLS with keys
that exist in memory only, and every socket, the dashboards' too, listens on 127.0.0.1.
"""

# mypy: allow-untyped-calls
# (most of distributed has no annotations)

import os
import signal
import uuid
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NamedTuple

import distributed

from hfscale.errors import InputError, InterruptedRunError
from hfscale.fit.kinds import DeviceKind
from hfscale.runtime.devices import CPU, Device
from hfscale.runtime.executors.base import Executor, Outcome
from hfscale.runtime.executors.dask_clients import joined
from hfscale.runtime.executors.dask_workers import GPU_RESOURCE, local_cluster, room, worker_environment
from hfscale.runtime.executors.workers import quiet_logs, worker_killer


class DaskExecutor(Executor):
    """Runs calls on the workers of a Dask client."""

    def __init__(self, client: distributed.Client, device: DeviceKind = "cpu") -> None:
        """Use the cluster of a client; both stay the caller's, and open when this is closed.

        Args:
            client: The client.
            device: What its workers compute on; for GPUs, those that have the resource ``GPU``.

        Raises:
            InputError: None of its workers has a GPU.
        """
        self.name = "dask"
        self.device = device
        self.client = client
        self.dashboard_link: str | None = client.dashboard_link or None
        self._address = self.scheduler_address()
        self._futures: dict[Hashable, distributed.Future[Any]] = {}
        self._abandoned: dict[Hashable, _Abandoned] = {}
        self._cluster: distributed.LocalCluster | None = None
        self._own_device = CPU
        self._owned = ExitStack()
        self._check_gpus()

    @classmethod
    def start(cls, workers: int, device: Device = CPU) -> "DaskExecutor":
        """Start a cluster of worker processes on this machine, each with one thread; closing ends it.

        Args:
            workers: Number of worker processes.
            device: What they compute on: CPUs, or each on a GPU of its own.
        """
        with ExitStack() as stack:
            stack.enter_context(quiet_logs("distributed"))
            stack.enter_context(worker_environment(device))
            cluster = stack.enter_context(local_cluster(workers, device))
            client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
            executor = cls(client, device.kind)
            executor._cluster = cluster
            executor._own_device = device
            executor._owned = stack.pop_all()
        return executor

    @classmethod
    def join(
        cls, scheduler: str, *, insecure: bool = False, device: DeviceKind = "cpu", workers: int | None = None
    ) -> "DaskExecutor":
        """Connect to a cluster that runs; closing ends the connection alone, and a cluster that a gateway started.

        Args:
            scheduler: Address of its scheduler, or the file that the scheduler wrote, or a cluster of a Dask Gateway:
                ``gateway`` for a new one, ``gateway://NAME`` for one that runs.
            insecure: Whether the cluster may be open to others; see `hfscale.runtime.executors.access`.
            device: What its workers compute on.
            workers: How many workers a new cluster of a gateway has.

        Raises:
            InputError: The cluster is open to others, does not let us in, or has no GPU; or the gateway gives none.
        """
        with ExitStack() as stack:
            executor = cls(stack.enter_context(joined(scheduler, insecure, workers)), device)
            executor._owned = stack.pop_all()
        return executor

    @classmethod
    def use(cls, cluster: Any, device: DeviceKind = "cpu") -> "DaskExecutor":
        """Run calls on a cluster object of the user's, such as a `distributed.LocalCluster` or a `SLURMCluster`.

        Closing ends the connection alone.
        """
        with ExitStack() as stack:
            executor = cls(stack.enter_context(distributed.Client(cluster, set_as_default=False)), device)
            executor._owned = stack.pop_all()
        return executor

    def scale(self, workers: int) -> None:
        """Have so many worker processes in the own cluster from now on; this may be called by any thread.

        Raises:
            InputError: The cluster is not this executor's own, or there are fewer GPUs.
        """
        if self._cluster is None:
            raise InputError(
                "the workers of this cluster are not started from here", remedy="scale the cluster object itself"
            )
        self._cluster.scale(self._own_device.workers(workers, workers))

    def slots(self) -> int:
        """Return the number of worker threads, or of workers' GPUs, that are connected now."""
        with self._asking():
            return max(1, sum(room(self.client, self.device).values()))

    def scheduler_address(self) -> str:
        """Return the address at which the client talks to its scheduler."""
        scheduler: Any = self.client.scheduler
        return str(scheduler.address)

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        """Submit a call under a key of its own: a call tried again must run again."""
        key = f"{getattr(function, '__name__', 'call')}-{uuid.uuid4().hex}"
        with self._asking():
            sound = self._sound_workers()
            self._futures[key] = self.client.submit(
                function,
                *args,
                key=key,
                pure=False,
                workers=sound,
                allow_other_workers=sound is not None,
                resources=dict(GPU_RESOURCE) if self.device == "gpu" else None,
            )
        return key

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        """Wait for the scheduler to report at least one call as ended.

        Raises:
            InterruptedRunError: The scheduler is gone, as all methods find out that ask it for something.
        """
        futures = {handle: self._futures[handle] for handle in handles}
        if not futures:
            return {}
        # Cancelled calls have ended too and are collected below.
        with self.client.as_current(), suppress(TimeoutError, CancelledError):
            distributed.wait(list(futures.values()), timeout=timeout, return_when="FIRST_COMPLETED")
        self._check_connection()
        outcomes = {handle: _outcome(future) for handle, future in futures.items() if future.done()}
        # It may have been lost while results were fetched.
        self._check_connection()
        for handle in outcomes:
            del self._futures[handle]
        return outcomes

    def idle(self) -> int:
        """Return the number of worker threads, or of workers' GPUs, that the scheduler has given nothing."""
        with self._asking():
            calls, places = self.client.processing(), room(self.client, self.device)
        return sum(max(0, number - len(calls.get(worker, ()))) for worker, number in places.items())

    def has_workers(self) -> bool:
        """Say whether a worker is connected, with a GPU where that is needed; nobody may ever start another."""
        with self._asking():
            return bool(room(self.client, self.device))

    def running(self, handles: Collection[Hashable]) -> Collection[Hashable]:
        """Return those of these calls that run: of those that a worker was given, as many of the first as it has room.

        Workers are given a call more than they can run at once, which waits there behind the others.
        """
        workers = self._workers_of_calls()
        self._cancel_moved(workers)
        with self._asking():
            free = dict(room(self.client, self.device))
        begun = set()
        # Not of abandoned ones: what waits behind a call that hangs is to grow old, and get a copy elsewhere.
        for call in self._futures:
            worker = workers.get(call)
            if worker is not None and free.get(worker, 0) > 0:
                free[worker] -= 1
                begun.add(call)
        return begun & set(handles)

    def cancel(self, handles: Collection[Hashable]) -> None:
        """Cancel calls at the scheduler."""
        self._cancel([self._futures.pop(handle) for handle in handles if handle in self._futures])

    def abandon(self, handles: Collection[Hashable]) -> None:
        """Cancel calls and kill the workers of the own cluster that have them, whose nannies start others.

        On a cluster of the user's, such a call goes on; its worker is given further ones only if there is no other.
        """
        workers = self._workers_of_calls()
        if self._cluster is None:
            for handle in set(handles) & workers.keys() & self._futures.keys():
                self._abandoned[handle] = _Abandoned(self._futures.pop(handle), workers[handle])
            self.cancel(handles)
            return
        self.cancel(handles)
        hanging = {workers[handle] for handle in handles if handle in workers}
        for nanny in self._cluster.workers.values():
            if nanny.worker_address in hanging and nanny.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(nanny.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the own cluster, if any."""
        self._cancel([abandoned.future for abandoned in self._abandoned.values()])
        self._abandoned.clear()
        self._owned.close()

    def _check_gpus(self) -> None:
        """Raise InputError where there are workers, none of which has a GPU: tasks would wait for ever."""
        with self._asking():
            if self.device == "gpu" and self.client.nthreads() and not room(self.client, "gpu"):
                raise InputError(
                    f"no worker of the Dask scheduler {self._address} has the resource GPU",
                    remedy="start one worker per GPU, with --nthreads 1 --resources GPU=1 and CUDA_VISIBLE_DEVICES",
                )

    def _sound_workers(self) -> list[str] | None:
        """Return the workers to prefer: all, as None, or those without an abandoned call."""
        hanging = {abandoned.worker for abandoned in self._abandoned.values()}
        return list(self.client.nthreads().keys() - hanging) or None if hanging else None

    def _cancel(self, futures: "Collection[distributed.Future[Any]]") -> None:
        # Where the scheduler is gone, so are the calls.
        with suppress(OSError):
            if futures and self.client.status == "running":
                self.client.cancel(futures)

    def _workers_of_calls(self) -> dict[Hashable, str]:
        """Return the address of the worker that has each call, also those of others."""
        with self._asking():
            return {key: worker for worker, keys in self.client.processing().items() for key in keys}

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Say in our words that the scheduler is gone."""
        try:
            yield
        except (OSError, distributed.client.ClosedClientError) as error:
            raise self._gone(str(error)) from error

    def _check_connection(self) -> None:
        """Raise InterruptedRunError where it is lost: why calls are cancelled then, which says nothing about them."""
        if self.client.status != "running":
            raise self._gone("the connection is lost")

    def _gone(self, reason: str) -> InterruptedRunError:
        return InterruptedRunError(
            f"the Dask scheduler {self._address} is gone: {reason}",
            remedy="start a cluster again, if it was yours, and run the same command again to continue",
        )

    def _cancel_moved(self, workers: Mapping[Hashable, str]) -> None:
        """Cancel abandoned calls whose worker is gone, before they occupy another one; drop those that ended."""
        left = {key for key, abandoned in self._abandoned.items() if workers.get(key) != abandoned.worker}
        self._cancel([self._abandoned.pop(key).future for key in left])


class _Abandoned(NamedTuple):
    """A call that nobody waits for, and the address of the worker that has it."""

    future: "distributed.Future[Any]"
    worker: str


def _outcome(future: distributed.Future[Any]) -> Outcome:
    if future.status == "finished":
        # What it returned may be lost before it is here.
        with suppress(CancelledError):
            return Outcome(value=future.result())
    if future.status in ("finished", "cancelled"):
        return Outcome(error=CancelledError("the Dask scheduler dropped the call"))
    error = future.exception()
    if isinstance(error, distributed.KilledWorker):
        return Outcome(error=worker_killer())
    return Outcome(error=error)

"""The executor that runs calls in Ray actors: of an instance of its own on this machine, or of the user's cluster."""

# mypy: allow-untyped-calls
# (most of ray has no annotations)

import logging
import math
import os
import time
from collections.abc import Callable, Collection, Hashable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from hfscale.errors import InputError, TaskError
from hfscale.runtime.devices import CPU, Device
from hfscale.runtime.executors.base import Executor, Outcome
from hfscale.runtime.executors.calls import Calls
from hfscale.runtime.executors.ray_instances import import_ray, is_connected, own_instance, own_termination
from hfscale.runtime.executors.ray_nodes import ABSENT_SECONDS, Nodes
from hfscale.runtime.executors.serving import run_call
from hfscale.runtime.executors.workers import ALLOWED_WORKER_DEATHS, WORKER_ENVIRONMENT

if TYPE_CHECKING:
    import ray


class Slot:
    """The worker of a slot, an actor with a process of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        # Before any call imports JAX.
        os.environ.update(environment)

    def ready(self) -> None:
        """Answer once the process has started."""

    def run(self, message: bytes) -> bytes:
        """Run a call; see `hfscale.runtime.executors.serving.run_call`."""
        return run_call(message)


class _Pending(NamedTuple):
    """What a reference of Ray stands for: the call that an actor runs, or None for its start."""

    actor: Any
    call: Hashable | None


class RayExecutor(Executor):
    """Runs calls in actors of the Ray instance that this process is connected to, one for each CPU, or GPU, of it.

    One that dies is replaced as soon as there is room for it, and its call goes to another.

    Args:
        workers: Number of actors at most, None for all CPUs or GPUs.
        device: What actors compute on; Ray gives each its own GPU.
    """

    def __init__(self, workers: int | None = None, device: Device = CPU) -> None:
        self.name = "ray"
        self.device = device.kind
        self._environment = {**WORKER_ENVIRONMENT, **device.environment()}
        self.dashboard_link: str | None = None
        self._workers = workers
        self._calls = Calls()
        self._idle: list[Any] = []
        self._pending: dict[ray.ObjectRef[Any], _Pending] = {}
        self._failed_starts = 0
        self._nodes = Nodes(ABSENT_SECONDS)
        self._owned = ExitStack()

    @classmethod
    def start(cls, workers: int, device: Device = CPU) -> "RayExecutor":
        """Start an instance on this machine; closing ends it. An instance that this process has already is taken.

        Args:
            workers: Number of actors.
            device: What they compute on: CPUs, or each on a GPU of its own.

        Raises:
            InputError: Ray is not installed, or would listen to other machines.
        """
        with ExitStack() as stack:
            own = not is_connected()
            if own:
                stack.enter_context(own_instance(workers, len(device.gpus)))
            executor = cls(workers, device)
            if own:
                # Nobody starts a part of it again.
                executor._nodes = Nodes(absent_seconds=0.0)
            executor._owned = stack.pop_all()
        return executor

    @classmethod
    def connect(cls, address: str, workers: int | None = None, device: Device = CPU) -> "RayExecutor":
        """Connect to a cluster that runs; closing ends the connection. Its token is that of the user's environment.

        Args:
            address: As `ray.init` takes it: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``.
            workers: Number of actors at most, None for all CPUs or GPUs of the cluster, as they come and go.
            device: What they compute on.

        Raises:
            InputError: Ray is not installed, there is no cluster at the address that lets us in, or it has no GPU.
        """
        ray = import_ray()
        with ExitStack() as stack:
            try:
                with own_termination():
                    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
            except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
                raise InputError(
                    f"no Ray cluster at {address}: {error}",
                    remedy="give the address that 'ray start' wrote, and its token in RAY_AUTH_TOKEN_PATH",
                ) from error
            stack.callback(ray.shutdown)
            executor = cls(workers, device)
            executor._check_gpus(address)
            executor._owned = stack.pop_all()
        return executor

    def slots(self) -> int:
        """Return the number of actors that the instance has CPUs, or GPUs, for now.

        Raises:
            InterruptedRunError: The instance is gone, or the part of it that serves this process.
        """
        present = self._present()
        return max(1, present if self._workers is None else min(self._workers, present))

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        """Give a call to an idle actor, or let it wait for one."""
        handle = self._calls.add(function, args)
        self._hand_out()
        return handle

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        """Wait until an actor has ended one of the calls.

        Raises:
            TaskError: Actors die while they start.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while handles and not self._calls.ended(handles) and (left := deadline - time.monotonic()) > 0.0:
            self._start_actors()
            self._listen(None if timeout is None else left)
            self._hand_out()
        return self._calls.collect(handles)

    def cancel(self, handles: Collection[Hashable]) -> None:
        """Forget calls; an actor finishes the one that it runs."""
        self._calls.forget(handles)

    def idle(self) -> int:
        """Return the number of actors without a call, whether or not they have started yet."""
        return max(0, self.slots() - sum(pending.call is not None for pending in self._pending.values()))

    def has_workers(self) -> bool:
        """Say whether any node has a CPU, or GPU, for an actor."""
        return self._present() > 0

    def running(self, handles: Collection[Hashable]) -> Collection[Hashable]:
        """Return those of these calls that an actor has."""
        return {pending.call for pending in self._pending.values() if pending.call is not None} & set(handles)

    def abandon(self, handles: Collection[Hashable]) -> None:
        """Forget calls and kill the actors that run them, which are ours on any cluster; others take their places."""
        import ray

        hanging = set(handles)
        self._calls.forget(hanging)
        for reference in [reference for reference, pending in self._pending.items() if pending.call in hanging]:
            pending = self._pending.pop(reference)
            ray.kill(pending.actor)
            self._calls.settle(pending.call, None)

    def close(self) -> None:
        """End all actors, those that are busy too, and the own instance or the connection, if any."""
        if (self._idle or self._pending) and not self._nodes.lost:
            import ray

            for actor in [*self._idle, *(pending.actor for pending in self._pending.values())]:
                ray.kill(actor)
        self._calls.clear()
        self._idle.clear()
        self._pending.clear()
        self._owned.close()

    def _present(self) -> int:
        """How many actors the instance has CPUs, or GPUs, for now."""
        return int(sum(node["Resources"].get(self.device.upper(), 0.0) for node in self._nodes.alive()))

    def _check_gpus(self, address: str) -> None:
        """Raise InputError where a cluster has no GPU: actors would wait for ever."""
        if self.device == "gpu" and not self._present():
            raise InputError(
                f"the Ray cluster {address} has no GPU",
                remedy="start nodes that have one (ray start --num-gpus N), or ask for --device cpu",
            )

    def _start_actors(self) -> None:
        """Ask for as many actors as there is room for; each is given calls once it has started."""
        import ray

        missing = self.slots() - len(self._idle) - len(self._pending)
        # An actor that dies is lost; a new one takes its place here, so that its deaths can be counted per call.
        gpus = 1 if self.device == "gpu" else 0
        kind: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0, max_task_retries=0)(Slot)
        for _ in range(missing):
            actor = kind.remote(self._environment)
            self._pending[actor.ready.remote()] = _Pending(actor, None)

    def _hand_out(self) -> None:
        while self._calls and self._idle:
            actor = self._idle.pop()
            call, message = self._calls.take()
            self._pending[actor.run.remote(message)] = _Pending(actor, call)

    def _listen(self, timeout: float | None) -> None:
        """Hear of ended calls and of actors that have started."""
        import ray

        references = list(self._pending)
        some, _ = ray.wait(references, num_returns=1, timeout=timeout)
        ended, _ = ray.wait(references, num_returns=len(references), timeout=0) if some else ([], references)
        for reference in ended:
            self._settle(reference, self._pending.pop(reference))

    def _settle(self, reference: "ray.ObjectRef[Any]", pending: _Pending) -> None:
        import ray

        lost = (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError, ray.exceptions.OutOfMemoryError)
        try:
            message = ray.get(reference)
        except lost as error:
            ray.kill(pending.actor)
            if pending.call is None:
                self._count_failed_start(error)
            else:
                self._calls.settle(pending.call, None)
            return
        except ray.exceptions.RayError as error:
            self._idle.append(pending.actor)
            if pending.call is not None:
                self._calls.fail(pending.call, error)
            return
        self._failed_starts = 0
        self._idle.append(pending.actor)
        if pending.call is not None:
            self._calls.settle(pending.call, message)

    def _count_failed_start(self, error: Exception) -> None:
        self._failed_starts += 1
        if self._failed_starts > ALLOWED_WORKER_DEATHS:
            raise TaskError(
                f"actors of Ray do not start: {error}",
                remedy="install the same versions of hfscale and Python on all nodes, and look into Ray's logs",
            ) from error

"""The executor that runs calls in Ray actors: of an instance of its own on this machine, or of the user's cluster.

Whoever reaches the ports of Ray can run code as its owner. The own instance therefore listens on 127.0.0.1 alone, wants
a token that exists in a file of the user's only, and keeps its sockets and logs in a folder that nobody else can enter.
Nothing is reported to anybody, and there is no dashboard.
"""

# mypy: allow-untyped-calls
# (most of ray has no annotations)

import logging
import math
import os
import secrets
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hfscale.errors import InputError, InterruptedRunError, TaskError
from hfscale.runtime.devices import CPU, Device
from hfscale.runtime.executors.base import Executor, Outcome
from hfscale.runtime.executors.calls import Calls
from hfscale.runtime.executors.serving import run_call
from hfscale.runtime.executors.workers import ALLOWED_WORKER_DEATHS, WORKER_ENVIRONMENT, quiet_logs

if TYPE_CHECKING:
    import ray

_LOOPBACK = "127.0.0.1"
_OBJECT_STORE_BYTES = 200 * 2**20  # messages are small; the default is 30 % of the memory
_LONGEST_FOLDER = 30  # names of sockets, for which Ray adds 70 characters, have at most 107


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
            if not _is_connected():
                stack.enter_context(_own_instance(workers, len(device.gpus)))
            executor = cls(workers, device)
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
        ray = _import_ray()
        with ExitStack() as stack:
            try:
                with _own_termination():
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
        import ray

        alive = {node["NodeID"]: node["Resources"] for node in _nodes() if node["Alive"]}
        if ray.get_runtime_context().get_node_id() not in alive:
            raise _gone("the raylet of this process ended")
        present = int(sum(resources.get(self.device.upper(), 0.0) for resources in alive.values()))
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
        if self._idle or self._pending:
            import ray

            for actor in [*self._idle, *(pending.actor for pending in self._pending.values())]:
                ray.kill(actor)
        self._calls.clear()
        self._idle.clear()
        self._pending.clear()
        self._owned.close()

    def _check_gpus(self, address: str) -> None:
        """Raise InputError where a cluster has no GPU: actors would wait for ever."""
        if self.device == "gpu" and not any(node["Resources"].get("GPU") for node in _nodes() if node["Alive"]):
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


def _import_ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise InputError("Ray is not installed", remedy="pip install 'hfscale[ray]'") from error
    return ray


def _nodes() -> list[dict[str, Any]]:
    """Return what Ray knows of its nodes."""
    import ray

    try:
        nodes: list[dict[str, Any]] = ray.nodes()
    except (ConnectionError, RuntimeError, ray.exceptions.RayError) as error:
        raise _gone(str(error)) from error
    return nodes


def _gone(reason: str) -> InterruptedRunError:
    return InterruptedRunError(
        f"Ray is gone: {reason}",
        remedy="start the cluster again, if it was yours, and run the same command again to continue",
    )


def _is_connected() -> bool:
    """Say whether this process has an instance of Ray already; without importing it, which must wait."""
    return sys.modules.get("ray") is not None and bool(_import_ray().is_initialized())


@contextmanager
def _own_instance(cpus: int, gpus: int) -> Iterator[None]:
    with ExitStack() as stack:
        # Ray opens its folder to everybody; this one, around it, lets in the user alone.
        base = tempfile.gettempdir() if len(tempfile.gettempdir()) <= _LONGEST_FOLDER else "/tmp"
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="hfscale-", dir=base, ignore_cleanup_errors=True)
        )
        with _environment(Path(folder)):
            ray = _import_ray()
            stack.enter_context(quiet_logs("ray"))
            stack.callback(ray.shutdown)
            with _forking(), _own_termination():
                ray.init(
                    address="local",
                    num_cpus=cpus,
                    num_gpus=gpus,
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE_BYTES,
                    log_to_driver=False,
                    configure_logging=False,
                    _temp_dir=str(Path(folder) / "r"),
                )
        _check_closed(ray)
        with _quiet_notices():
            yield


def _check_closed(ray: Any) -> None:
    """Raise InputError where others could reach the instance: Ray has no documented way to keep them out."""
    from ray._private.authentication.authentication_utils import is_token_auth_enabled

    if not is_token_auth_enabled():
        raise InputError("this version of Ray asks for no token", remedy="pip install 'hfscale[ray]'")
    if any(node["NodeManagerAddress"] != _LOOPBACK for node in ray.nodes()):
        raise InputError(
            "Ray was imported before and would listen to other machines",
            remedy="set RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 before importing it, or start it yourself with ray.init()",
        )


@cache
def _token() -> str:
    """The token of all own instances of this process, which reads it once."""
    return secrets.token_hex(32)


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    """Give this process the environment that Ray's processes are to have while they start, and then its own again."""
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(_token())
    before = dict(os.environ)
    # Without a mode, Ray asks for tokens, even if it was imported before, when a mode would come too late.
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_ADDRESS"):
        os.environ.pop(name, None)
    os.environ.update(
        {
            **WORKER_ENVIRONMENT,
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            # Not only on those systems: without it, Ray listens on all addresses of the machine.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        }
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _own_termination() -> Iterator[None]:
    """Leave it to the program what SIGTERM means: Ray would end the process with a code of its own."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if signal.getsignal(signal.SIGTERM) is not before:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _forking() -> Iterator[None]:
    """Let Ray fork where JAX runs already: what it starts so becomes another program at once, which does no harm."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
        yield


@contextmanager
def _quiet_notices() -> Iterator[None]:
    """Keep back notices of workers that died, which Ray prints on standard output whatever it is told."""
    from ray._private import worker

    enabled = worker._worker_logs_enabled
    worker._worker_logs_enabled = False
    try:
        yield
    finally:
        worker._worker_logs_enabled = enabled

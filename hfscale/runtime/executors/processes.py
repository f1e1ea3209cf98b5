"""The executor that runs calls in worker processes of its own on this machine, without a scheduler or an open port.

A worker is a fresh Python interpreter that talks to this process through a pair of connected sockets which nobody else
can reach. It starts when there is work for it, runs one call after the other, and ends when its socket closes: with
this process, however that ends.
"""

import itertools
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Hashable, Mapping
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

from hfscale.runtime.devices import CPU, Device
from hfscale.runtime.executors.base import Executor, Outcome
from hfscale.runtime.executors.calls import Calls
from hfscale.runtime.executors.workers import WORKER_ENVIRONMENT

_PROGRAM = """\
import sys
sys.path[:] = {path!r}
from hfscale.runtime.executors.serving import serve
serve({descriptor})
"""
_GRACE_SECONDS = 2.0


class _Worker:
    """A worker process, the handle of the call that it runs, None for none, and its place, which has a GPU if any."""

    def __init__(self, place: int, device: Device) -> None:
        self.call: Hashable | None = None
        self.place = place
        self.connection, theirs = Pipe()
        with theirs:
            self.process = _start(theirs, device.environment(place))

    def send(self, call: Hashable, message: bytes) -> None:
        """Give it a call."""
        self.call = call
        # Where it has died already, its connection tells when it is read.
        with suppress(OSError):
            self.connection.send_bytes(message)

    def receive(self) -> bytes | None:
        """Return what its call came to, None if it died."""
        try:
            return self.connection.recv_bytes()
        except (EOFError, OSError):
            return None

    def hang_up(self) -> None:
        """Close the connection, at which the worker ends, unless it hangs."""
        self.connection.close()

    def end(self) -> None:
        """Wait for its end, and bring it about if it does not come."""
        try:
            self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, also where it was stopped."""
        self.connection.close()
        self.process.kill()
        # A process that waits for a lost disk cannot be killed; it ends when it wakes up.
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_GRACE_SECONDS)


def _start(connection: Connection, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    program = _PROGRAM.format(path=sys.path, descriptor=connection.fileno())
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **WORKER_ENVIRONMENT, **environment},
        stdin=subprocess.DEVNULL,
        stdout=2,  # standard output is for the results of the command
        pass_fds=[connection.fileno()],
        # Not in the foreground of a terminal, whose control-C is for this process alone.
        process_group=0,
    )


class ProcessExecutor(Executor):
    """Runs calls in a pool of worker processes. One that dies is replaced, and its call goes to another.

    Args:
        workers: Number of worker processes at most.
        device: What they compute on: CPUs, or each on a GPU of its own.
    """

    def __init__(self, workers: int, device: Device = CPU) -> None:
        self.name = "processes"
        self.device = device.kind
        self._device = device
        self.dashboard_link: str | None = None
        self._slots = workers
        self._calls = Calls()
        self._workers: list[_Worker] = []

    def scale(self, workers: int) -> None:
        """Have at most so many worker processes from now on; this may be called by any thread.

        Raises:
            InputError: There are fewer GPUs for them.
        """
        self._slots = self._device.workers(workers, workers)

    def slots(self) -> int:
        """Return the number of worker processes, whether or not they have started yet."""
        return self._slots

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        """Give a call to an idle worker, start one for it, or let it wait."""
        handle = self._calls.add(function, args)
        self._hand_out()
        return handle

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        """Wait until a worker has ended one of the calls."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while handles and not self._calls.ended(handles) and (left := deadline - time.monotonic()) > 0.0:
            if not self._listen(None if timeout is None else left):
                break
        return self._calls.collect(handles)

    def cancel(self, handles: Collection[Hashable]) -> None:
        """Forget calls; a worker finishes the one that it runs."""
        self._calls.forget(handles)

    def idle(self) -> int:
        """Return the number of worker processes without a call, whether or not they have started yet."""
        return max(0, self._slots - sum(worker.call is not None for worker in self._workers))

    def running(self, handles: Collection[Hashable]) -> Collection[Hashable]:
        """Return those of these calls that a worker has."""
        return {worker.call for worker in self._workers if worker.call is not None} & set(handles)

    def abandon(self, handles: Collection[Hashable]) -> None:
        """Forget calls and kill the workers that run them; others take their places."""
        hanging = set(handles)
        self._calls.forget(hanging)
        for worker in [worker for worker in self._workers if worker.call in hanging]:
            worker.kill()
            self._workers.remove(worker)
            self._calls.settle(worker.call, None)
        self._hand_out()

    def close(self) -> None:
        """End all workers, those that are busy too."""
        self._calls.clear()
        for worker in self._workers:
            worker.hang_up()
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _hand_out(self) -> None:
        idle = [worker for worker in self._workers if worker.call is None]
        while idle and len(self._workers) > self._slots:
            self._dismiss(idle.pop())
        while self._calls and (idle or len(self._workers) < self._slots):
            if not idle:
                idle.append(_Worker(self._free_place(), self._device))
                self._workers += idle
            idle.pop().send(*self._calls.take())

    def _free_place(self) -> int:
        taken = {worker.place for worker in self._workers}
        return next(place for place in itertools.count() if place not in taken)

    def _dismiss(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.hang_up()
        worker.end()

    def _listen(self, timeout: float | None) -> bool:
        """Hear what busy workers say, and give them and their replacements further calls; False if none is busy."""
        busy = {worker.connection: worker for worker in self._workers if worker.call is not None}
        for connection in wait(list(busy), timeout):
            worker = busy[connection]  # type: ignore[index]
            message = worker.receive()
            if message is None:
                self._dismiss(worker)
            self._calls.settle(worker.call, message)
            worker.call = None
        self._hand_out()
        return bool(busy)

"""The executor that runs calls in worker processes of its own on this machine, without a scheduler or an open port.

A worker is a fresh Python interpreter that talks to this process through a pair of connected sockets which nobody else
can reach. It starts when there is work for it, runs one call after the other, and ends when its socket closes: with
this process, however that ends.
"""

import math
import os
import pickle
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

import cloudpickle

from hfscale.runtime.executors.base import Executor, Outcome
from hfscale.runtime.executors.workers import ALLOWED_WORKER_DEATHS, WORKER_ENVIRONMENT, worker_killer

_PROGRAM = """\
import sys
sys.path[:] = {path!r}
from hfscale.runtime.executors.serving import serve
serve({descriptor})
"""
_GRACE_SECONDS = 2.0


@dataclass
class _Call:
    """A call that is waiting or running.

    Attributes:
        handle: What `submit` returned.
        message: Function and arguments, pickled.
        deaths: How many workers died while running it.
    """

    handle: Hashable
    message: bytes
    deaths: int = 0


class _Worker:
    """A worker process, and the call that it runs; None for none."""

    def __init__(self) -> None:
        self.call: _Call | None = None
        self.connection, theirs = Pipe()
        with theirs:
            self.process = _start(theirs)

    def send(self, call: _Call) -> None:
        """Give it a call. Where it has died already, its connection tells when it is read."""
        self.call = call
        try:
            self.connection.send_bytes(call.message)
        except OSError:
            return

    def receive(self) -> Outcome | None:
        """Return the outcome of its call, None if it died."""
        try:
            message = self.connection.recv_bytes()
        except (EOFError, OSError):
            return None
        return _unpickle(message)

    def hang_up(self) -> None:
        """Close the connection, at which the worker ends, whatever it does."""
        self.connection.close()

    def end(self) -> None:
        """Wait for its end, and bring it about if it does not come."""
        try:
            self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _start(connection: Connection) -> "subprocess.Popen[bytes]":
    program = _PROGRAM.format(path=sys.path, descriptor=connection.fileno())
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **WORKER_ENVIRONMENT},
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
    """

    def __init__(self, workers: int) -> None:
        self.name = "processes"
        self.dashboard_link: str | None = None
        self._slots = workers
        self._waiting: deque[_Call] = deque()
        self._workers: list[_Worker] = []
        self._ended: dict[Hashable, Outcome] = {}

    def slots(self) -> int:
        """Return the number of worker processes, whether or not they have started yet."""
        return self._slots

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        """Give a call to an idle worker, start one for it, or let it wait."""
        call = _Call(object(), cloudpickle.dumps((function, args)))
        self._waiting.append(call)
        self._hand_out()
        return call.handle

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        """Wait until a worker has ended one of the calls."""
        asked = set(handles)
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while asked and not self._ended.keys() & asked and (left := deadline - time.monotonic()) > 0.0:
            if not self._listen(None if timeout is None else left):
                break
        return {handle: self._ended.pop(handle) for handle in self._ended.keys() & asked}

    def cancel(self, handles: Collection[Hashable]) -> None:
        """Forget calls; a worker finishes the one that it runs."""
        forgotten = set(handles)
        self._waiting = deque(call for call in self._waiting if call.handle not in forgotten)
        for handle in forgotten:
            self._ended.pop(handle, None)
        for worker in self._workers:
            if worker.call is not None and worker.call.handle in forgotten:
                worker.call.handle = None

    def close(self) -> None:
        """End all workers, those that are busy too."""
        self._waiting.clear()
        for worker in self._workers:
            worker.hang_up()
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def __enter__(self) -> "ProcessExecutor":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _hand_out(self) -> None:
        idle = [worker for worker in self._workers if worker.call is None]
        while self._waiting and (idle or len(self._workers) < self._slots):
            if not idle:
                self._workers.append(_Worker())
                idle = self._workers[-1:]
            idle.pop().send(self._waiting.popleft())

    def _listen(self, timeout: float | None) -> bool:
        """Hear what busy workers say, and give them and their replacements further calls; False if none is busy."""
        busy = {worker.connection: worker for worker in self._workers if worker.call is not None}
        for connection in wait(list(busy), timeout):
            worker = busy[connection]  # type: ignore[index]
            call, worker.call = worker.call, None
            outcome = worker.receive()
            if outcome is None:
                worker.hang_up()
                worker.end()
                self._workers.remove(worker)
            if call is not None:
                self._settle(call, outcome)
        self._hand_out()
        return bool(busy)

    def _settle(self, call: _Call, outcome: Outcome | None) -> None:
        if call.handle is None:
            return
        if outcome is not None:
            self._ended[call.handle] = outcome
            return
        call.deaths += 1
        if call.deaths > ALLOWED_WORKER_DEATHS:
            self._ended[call.handle] = Outcome(error=worker_killer())
        else:
            # Behind the others: should it kill again, they are further by then.
            self._waiting.append(call)


def _unpickle(message: bytes) -> Outcome:
    try:
        outcome: Outcome = pickle.loads(message)
    except Exception as error:  # noqa: BLE001 (a result that cannot be read here is a failed call, whatever it raises)
        return Outcome(error=error)
    return outcome

"""The calls of an engine that hands them to its workers one by one: waiting, running, or ended."""

import pickle
from collections import deque
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import cloudpickle

from hfscale.runtime.executors.base import Outcome
from hfscale.runtime.executors.workers import ALLOWED_WORKER_DEATHS, worker_killer


@dataclass
class Call:
    """A call that was submitted.

    Attributes:
        message: Function and arguments, pickled, for `hfscale.runtime.executors.serving.run_call`.
        forgotten: Whether nobody wants to hear of it any more.
        deaths: How many workers died while running it.
    """

    message: bytes
    forgotten: bool = False
    deaths: int = 0


class Calls:
    """Keeps account of calls, and of workers that died while running them."""

    def __init__(self) -> None:
        self._all: dict[Hashable, Call] = {}
        self._waiting: deque[Hashable] = deque()
        self._ended: dict[Hashable, Outcome] = {}

    def __bool__(self) -> bool:
        """Whether a call is waiting for a worker."""
        return bool(self._waiting)

    def add(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Hashable:
        """Append a call to those that wait, and return its handle."""
        handle = object()
        self._all[handle] = Call(cloudpickle.dumps((function, args)))
        self._waiting.append(handle)
        return handle

    def take(self) -> tuple[Hashable, bytes]:
        """Return the handle and the message of the call that waits longest; it is running then."""
        handle = self._waiting.popleft()
        return handle, self._all[handle].message

    def settle(self, handle: Hashable, message: bytes | None) -> None:
        """Take note of the end of a running call.

        Args:
            handle: Its handle.
            message: What `hfscale.runtime.executors.serving.run_call` returned; None if the worker died, after which
                the call waits for another one or, if it has killed too many, is given up.
        """
        call = self._all[handle]
        if call.forgotten:
            del self._all[handle]
        elif message is not None:
            self._end(handle, _unpickle(message))
        else:
            call.deaths += 1
            if call.deaths > ALLOWED_WORKER_DEATHS:
                self._end(handle, Outcome(error=worker_killer()))
            else:
                # Behind the others: should it kill again, they are further by then.
                self._waiting.append(handle)

    def fail(self, handle: Hashable, error: Exception) -> None:
        """Take note that the engine could not run a call."""
        self._end(handle, Outcome(error=error))

    def ended(self, handles: Collection[Hashable]) -> bool:
        """Say whether one of these calls ended and was not collected yet."""
        return not self._ended.keys().isdisjoint(handles)

    def collect(self, handles: Collection[Hashable]) -> Mapping[Hashable, Outcome]:
        """Return the outcomes of those of these calls that ended, once."""
        return {handle: self._ended.pop(handle) for handle in self._ended.keys() & set(handles)}

    def forget(self, handles: Collection[Hashable]) -> None:
        """Drop calls; those that run go on, and their end is not told."""
        for handle in handles:
            self._ended.pop(handle, None)
            if handle in self._waiting:
                self._waiting.remove(handle)
                del self._all[handle]
            elif handle in self._all:
                self._all[handle].forgotten = True

    def clear(self) -> None:
        """Drop all calls."""
        self._all.clear()
        self._waiting.clear()
        self._ended.clear()

    def _end(self, handle: Hashable, outcome: Outcome) -> None:
        if not self._all.pop(handle).forgotten:
            self._ended[handle] = outcome


def _unpickle(message: bytes) -> Outcome:
    try:
        outcome: Outcome = pickle.loads(message)
    except Exception as error:  # noqa: BLE001 (a result that cannot be read here is a failed call, whatever it raises)
        return Outcome(error=error)
    return outcome

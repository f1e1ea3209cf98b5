"""An engine in this process that computes a task only when a test says so."""

import threading
import time
from collections.abc import Callable, Collection, Hashable, Mapping

from hfscale.runtime.executors.base import Outcome
from hfscale.runtime.executors.local import LocalExecutor

PATIENCE_SECONDS = 120.0


class GatedExecutor(LocalExecutor):
    """Computes as many tasks as were let through.

    Args:
        open: Whether all are.
    """

    def __init__(self, *, open: bool = False) -> None:
        super().__init__()
        self._permits = threading.Semaphore(10_000 if open else 0)
        self.closed = False

    def let_through(self, tasks: int = 10_000) -> None:
        self._permits.release(tasks)

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        return super().wait(handles, timeout) if self._permits.acquire(timeout=0.02) else {}

    def close(self) -> None:
        super().close()
        self.closed = True


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)

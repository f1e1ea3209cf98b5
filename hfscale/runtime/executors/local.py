"""The executor that runs every call in this process, when the loop waits for it."""

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any

from hfscale.fit.kinds import DeviceKind
from hfscale.runtime.executors.base import Executor, Outcome


class LocalExecutor(Executor):
    """Runs one call at a time in this process and starts no other: no start-up time, and a plain traceback.

    Args:
        device: What it computes on; of several GPUs, the first.
    """

    def __init__(self, device: DeviceKind = "cpu") -> None:
        self.name = "local"
        self.device = device
        self.dashboard_link: str | None = None
        self._waiting: dict[Hashable, tuple[Callable[..., Any], tuple[Any, ...]]] = {}

    def slots(self) -> int:
        """Return one."""
        return 1

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        """Remember the call; `wait` runs it."""
        handle = object()
        self._waiting[handle] = (function, args)
        return handle

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        """Run the call that waits longest, whatever the timeout, and return its outcome alone."""
        asked = set(handles)
        for handle in list(self._waiting):
            if handle in asked:
                function, args = self._waiting.pop(handle)
                return {handle: _call(function, args)}
        return {}

    def idle(self) -> int:
        """Return none: nobody asks while a call runs."""
        return 0

    def running(self, handles: Collection[Hashable]) -> Collection[Hashable]:
        """Return nothing: calls run only in `wait`."""
        return ()

    def cancel(self, handles: Collection[Hashable]) -> None:
        """Forget calls that were not run."""
        for handle in handles:
            self._waiting.pop(handle, None)

    def abandon(self, handles: Collection[Hashable]) -> None:
        """Forget calls that were not run; one that runs cannot be stopped from within its own process."""
        self.cancel(handles)

    def close(self) -> None:
        """Forget all calls."""
        self._waiting.clear()


def _call(function: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    try:
        return Outcome(value=function(*args))
    except Exception as error:  # noqa: BLE001 (an executor hands on whatever a call raises, as a worker process would)
        return Outcome(error=error)

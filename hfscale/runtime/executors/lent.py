"""An executor for one run out of several: the run may close it, and it goes on for the next."""

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any

from hfscale.runtime.executors.base import Executor, Outcome


class LentExecutor(Executor):
    """Hands everything on to another executor, except that it is to be closed.

    Args:
        owned: The other executor, which its owner closes.
    """

    def __init__(self, owned: Executor) -> None:
        self.name = owned.name
        self.dashboard_link = owned.dashboard_link
        self.device = owned.device
        self._owned = owned

    def slots(self) -> int:
        """Return the slots of the other."""
        return self._owned.slots()

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        """Hand a call to the other."""
        return self._owned.submit(function, *args)

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        """Wait for calls of the other."""
        return self._owned.wait(handles, timeout)

    def idle(self) -> int:
        """Return the idle slots of the other."""
        return self._owned.idle()

    def has_workers(self) -> bool:
        """Say whether the other has workers."""
        return self._owned.has_workers()

    def running(self, handles: Collection[Hashable]) -> Collection[Hashable]:
        """Return those of these calls that the other's workers have."""
        return self._owned.running(handles)

    def cancel(self, handles: Collection[Hashable]) -> None:
        """Have the other forget calls."""
        self._owned.cancel(handles)

    def abandon(self, handles: Collection[Hashable]) -> None:
        """Have the other end calls that hang."""
        self._owned.abandon(handles)

    def close(self) -> None:
        """Leave the other open."""

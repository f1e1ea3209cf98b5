"""What a running job tells other threads, and how they tell it to end."""

import threading
from types import TracebackType
from typing import NamedTuple

from hfscale.errors import InterruptedRunError
from hfscale.runtime.events import Event
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.observers import Extent
from hfscale.runtime.progress import Progress
from hfscale.runtime.tally import Snapshot, Tally


class Reading(NamedTuple):
    """How far a job was when it last told.

    Attributes:
        progress: Points or toys of the present phase.
        slots: How many tasks could run at the same time at the beginning of the phase, or when that last changed.
        retried: How many times a task was tried again, in all phases.
    """

    progress: Snapshot
    slots: int
    retried: int


class Monitor:
    """Follows the run of one job in its thread, for others to look at; `hfscale.runtime.observers.Follow` is `follow`.

    Args:
        store: Name of the store, for messages.
        closing: Set when the session ends all its jobs.
    """

    def __init__(self, store: str, closing: threading.Event) -> None:
        self._store = store
        self._closing = closing
        self._cancelled = threading.Event()
        self._reading: Reading | None = None
        self._retried = 0

    @property
    def reading(self) -> Reading | None:
        """How far the job is, None before its first phase."""
        return self._reading

    @property
    def cancelled(self) -> bool:
        """Whether the job is to end, or ended, because somebody wanted it."""
        return self._cancelled.is_set() or self._closing.is_set()

    def cancel(self) -> None:
        """End the job as soon as it notices."""
        self._cancelled.set()

    def follow(self, extent: Extent, engine: Executor) -> Progress:
        """Follow a phase of the run."""
        return _Following(self, Tally(extent.total, extent.done, unit=extent.unit), engine)

    def tell(self, progress: Snapshot, slots: int, *, retried: bool = False) -> None:
        """Take note of how far the run is.

        Raises:
            InterruptedRunError: It is to end.
        """
        self._retried += retried
        self._reading = Reading(progress, slots, self._retried)
        self.check()

    def check(self) -> None:
        """Raise InterruptedRunError if the job is to end."""
        if self.cancelled:
            raise InterruptedRunError(
                f"the campaign of {self._store} was cancelled",
                remedy="submit it again, or session.resume(store), to continue",
            )


class _Following(Progress):
    """Counts the events of a phase for a monitor."""

    def __init__(self, monitor: Monitor, tally: Tally, engine: Executor) -> None:
        self._monitor = monitor
        self._tally = tally
        self._engine = engine

    def __call__(self, event: Event) -> None:
        """Count the event."""
        self._tally.add(event)
        self._tell(retried=event.kind == "retried")

    def __enter__(self) -> "_Following":
        """Tell how much there is."""
        self._tell()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def _tell(self, *, retried: bool = False) -> None:
        self._monitor.tell(self._tally.snapshot(), self._engine.slots(), retried=retried)

"""Counting what a run has done, and how long the rest will take."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from hfscale.runtime.events import Event


@dataclass(frozen=True)
class Snapshot:
    """How far a run is.

    Attributes:
        total: Signal points, or toys, of the campaign.
        done: Those that are computed, with those of earlier runs and the failed ones.
        failed: Those that failed.
        per_second: Rate of this run, None before the first task finished.
        seconds_left: Time left at that rate, None if it is unknown.
        unit: What is counted, ``points`` or ``toys``.
    """

    total: int
    done: int
    failed: int
    per_second: float | None
    seconds_left: float | None
    unit: str = "points"

    def to_json(self) -> dict[str, int | float | str | None]:
        """Return it as a JSON document."""
        return asdict(self)


class Tally:
    """Follows the events of a run.

    Args:
        total: Signal points, or toys, of the campaign.
        done: Those that earlier runs computed.
        failed: How many of those failed.
        clock: Gives the time in seconds.
        unit: What is counted, ``points`` or ``toys``.
    """

    def __init__(
        self,
        total: int,
        done: int = 0,
        failed: int = 0,
        clock: Callable[[], float] = time.monotonic,
        unit: str = "points",
    ) -> None:
        self._unit = unit
        self._total = total
        self._done_before = done
        self._done = done
        self._failed = failed
        self._clock = clock
        self._start = clock()

    def add(self, event: Event) -> None:
        """Count one event."""
        if event.task is None or event.kind not in ("finished", "failed"):
            return
        self._done += event.task.size
        if event.kind == "failed":
            self._failed += event.task.size
        elif event.report is not None:
            self._failed += event.report.failed

    def snapshot(self) -> Snapshot:
        """Return where the run is now."""
        fresh, seconds = self._done - self._done_before, self._clock() - self._start
        rate = fresh / seconds if fresh and seconds > 0 else None
        left = (self._total - self._done) / rate if rate else None
        return Snapshot(self._total, self._done, self._failed, rate, left, self._unit)

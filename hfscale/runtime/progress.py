"""Showing a run while it goes on: a bar on a terminal, lines in a log, or nothing."""

import json
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Protocol, TextIO, runtime_checkable

from hfscale.runtime.events import Event
from hfscale.runtime.tally import Snapshot, Tally

LINE_SECONDS = 5.0


@runtime_checkable
class Progress(Protocol):
    """Follows the events of a run inside a ``with`` statement; calling it with an event is telling it."""

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        ...

    def __enter__(self) -> "Progress": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def make_progress(
    total: int,
    *,
    done: int = 0,
    failed: int = 0,
    dashboard_link: str | None = None,
    quiet: bool = False,
    log_format: Literal["text", "json"] = "text",
    stream: TextIO | None = None,
    unit: Literal["points", "toys", "templates", "parts"] = "points",
) -> Progress:
    """Choose how to show a run.

    Args:
        total: Signal points, or toys, of the campaign.
        done: Those that earlier runs computed.
        failed: How many of those failed.
        dashboard_link: Address of the engine's own progress page, shown if there is one.
        quiet: Show nothing.
        log_format: ``json`` for one JSON document per line, also on a terminal.
        stream: Where to, None for standard error.
        unit: What is counted.
    """
    out = sys.stderr if stream is None else stream
    tally = Tally(total, done, failed, unit=unit)
    if quiet:
        return QuietProgress()
    if log_format == "text" and out.isatty():
        from hfscale.runtime.bar import BarProgress

        return BarProgress(tally, out, dashboard_link)
    return LineProgress(tally, out, dashboard_link, log_format)


class QuietProgress(Progress):
    """Shows nothing."""

    def __call__(self, event: Event) -> None:
        """Take no note."""

    def __enter__(self) -> "QuietProgress":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""


class LineProgress(Progress):
    """Writes a plain line every few seconds, and one at once for each task that is retried, reissued or given up.

    Args:
        tally: Counts the events.
        stream: Where to.
        dashboard_link: Written once at the start.
        log_format: ``text``, or ``json`` for one JSON document per line.
        interval: Seconds between two lines.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        tally: Tally,
        stream: TextIO,
        dashboard_link: str | None = None,
        log_format: Literal["text", "json"] = "text",
        interval: float = LINE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tally = tally
        self._stream = stream
        self._dashboard_link = dashboard_link
        self._json = log_format == "json"
        self._interval = interval
        self._clock = clock
        self._written = float("-inf")

    def __call__(self, event: Event) -> None:
        """Count the event, and write a line if it is time for one."""
        self._tally.add(event)
        # Logs in JSON have all events from `hfscale.runtime.observers`.
        if event.trouble and not self._json:
            self._write({}, event.trouble)
        if self._clock() - self._written >= self._interval:
            self._write_progress()

    def __enter__(self) -> "LineProgress":
        """Write the first lines."""
        if self._dashboard_link:
            document: dict[str, object] = {"event": "dashboard", "link": self._dashboard_link}
            self._write(document, f"dashboard: {self._dashboard_link}")
        self._write_progress()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the last line."""
        self._write_progress()

    def _write_progress(self) -> None:
        self._written = self._clock()
        snapshot = self._tally.snapshot()
        self._write({"event": "progress", **snapshot.to_json()}, describe(snapshot))

    def _write(self, document: dict[str, object], text: str) -> None:
        self._stream.write((json.dumps(document) if self._json else text) + "\n")
        self._stream.flush()


def describe(snapshot: Snapshot) -> str:
    """Put a snapshot in words, for a log."""
    parts = [f"{snapshot.done}/{snapshot.total} {snapshot.unit}", f"{snapshot.failed} failed"]
    if snapshot.per_second is not None:
        parts.append(f"{snapshot.per_second:.2f} {snapshot.unit}/s")
    if snapshot.seconds_left is not None and snapshot.done < snapshot.total:
        parts.append(f"{describe_seconds(snapshot.seconds_left)} left")
    return ", ".join(parts)


def describe_seconds(seconds: float) -> str:
    """Write a length of time as ``h:mm:ss``."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"

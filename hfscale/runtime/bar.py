"""The progress bar of a terminal."""

from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as RichProgress

from hfscale.runtime.events import Event
from hfscale.runtime.progress import Progress, describe_seconds
from hfscale.runtime.tally import Snapshot, Tally


class BarProgress(Progress):
    """A bar with points done, failed, rate, time left and the engine's dashboard. NO_COLOR is honoured.

    Args:
        tally: Counts the events.
        stream: The terminal.
        dashboard_link: Shown above the bar, None for none.
    """

    def __init__(self, tally: Tally, stream: TextIO, dashboard_link: str | None = None) -> None:
        self._tally = tally
        self._link = dashboard_link
        self._console = Console(file=stream)
        self._bar = RichProgress(
            TextColumn(tally.snapshot().unit),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=self._console,
        )
        snapshot = tally.snapshot()
        self._row = self._bar.add_task(_details(snapshot), total=snapshot.total, completed=snapshot.done)

    def __call__(self, event: Event) -> None:
        """Count the event and move the bar."""
        self._tally.add(event)
        if event.trouble:
            self._console.print(event.trouble, markup=False, highlight=False)
        snapshot = self._tally.snapshot()
        self._bar.update(self._row, completed=snapshot.done, description=_details(snapshot))

    def __enter__(self) -> "BarProgress":
        """Show the bar."""
        if self._link:
            self._console.print(f"dashboard: {self._link}", markup=False, highlight=False)
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        self._bar.stop()


def _details(snapshot: Snapshot) -> str:
    parts = [f"{snapshot.failed} failed"]
    if snapshot.per_second is not None:
        parts.append(f"{snapshot.per_second:.1f}/s")
    if snapshot.seconds_left is not None:
        parts.append(f"{describe_seconds(snapshot.seconds_left)} left")
    return "  ".join(parts)

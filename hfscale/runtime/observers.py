"""Everything that follows a run: the progress that people see, the journal, and the numbers for Prometheus."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from hfscale.errors import InterruptedRunError
from hfscale.runtime.events import Event, process_name
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.journal import Journal, document_of, now
from hfscale.runtime.metrics import MetricsFile
from hfscale.runtime.progress import Progress, make_progress
from hfscale.runtime.tally import Tally

LogFormat = Literal["text", "json"]


class Extent(NamedTuple):
    """How much a phase of a run is.

    Attributes:
        tasks: Tasks to run.
        total: Signal points, or toys, with those that are done.
        done: Those that are done.
        unit: What is counted.
    """

    tasks: int
    total: int
    done: int
    unit: Literal["points", "toys", "templates", "parts"]


Follow = Callable[[Extent, Executor], Progress]
"""Called at the beginning of each phase of a run; what it returns is told of the phase, in the thread of the run. An
`InterruptedRunError` that it raises ends the run."""


class Watching(NamedTuple):
    """How a run is to be followed.

    Attributes:
        quiet: Show no progress.
        log_format: How progress is written where standard error is no terminal; ``json`` writes every event there too.
        metrics: File for Prometheus, None for none.
        follow: What follows the run in place of the progress on standard error, None for nothing.
    """

    quiet: bool = True
    log_format: LogFormat = "text"
    metrics: Path | None = None
    follow: Follow | None = None


UNSEEN = Watching()
"""Nothing is shown; only the journal is written."""


class Observers:
    """Tells everybody who follows a run what happens in it. Made by `observing`."""

    def __init__(self, journal: Journal, metrics: MetricsFile | None, watching: Watching) -> None:
        self._journal = journal
        self._metrics = metrics
        self._watching = watching
        self._begun = False

    @contextmanager
    def phase(self, extent: Extent, engine: Executor) -> Iterator[Callable[[Event], None]]:
        """Follow a phase of the run.

        Args:
            extent: How much it is.
            engine: What runs it.

        Returns:
            To be called with every event.
        """
        with self._progress(extent, engine) as progress:
            self._tell({"event": "begun", **extent._asdict(), "engine": engine.name, "slots": engine.slots()})
            self._begun = True
            if self._metrics is not None:
                self._metrics.begin(Tally(extent.total, extent.done, unit=extent.unit), engine.slots)

            def on_event(event: Event) -> None:
                progress(event)
                if event.kind != "tick":
                    self._tell(document_of(event))
                if self._metrics is not None:
                    self._metrics.add(event)

            yield on_event

    def _progress(self, extent: Extent, engine: Executor) -> Progress:
        if self._watching.follow is not None:
            return self._watching.follow(extent, engine)
        return make_progress(
            extent.total,
            done=extent.done,
            dashboard_link=engine.dashboard_link,
            quiet=self._watching.quiet,
            log_format=self._watching.log_format,
            unit=extent.unit,
        )

    def end(self, how: str) -> None:
        """Take note of the end of the run, if it ever began.

        Args:
            how: ``finished``, ``interrupted``, or what went wrong.
        """
        if self._begun:
            self._tell({"event": "ended", "how": how})
        if self._metrics is not None and self._begun:
            self._metrics.end()

    def _tell(self, document: Mapping[str, object]) -> None:
        full = {"time": now().isoformat(), "driver": process_name(), **document}
        self._journal.write(full)
        if self._watching.log_format == "json" and not self._watching.quiet:
            sys.stderr.write(json.dumps(full) + "\n")
            sys.stderr.flush()


@contextmanager
def observing(folder: Path | None, store: str, watching: Watching) -> Iterator[Observers]:
    """Follow a run to its end, however it ends.

    Args:
        folder: Folder of the journals of the store, None to keep none.
        store: Name of the store.
        watching: How the run is to be followed.
    """
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(folder))
        metrics = None if watching.metrics is None else MetricsFile(watching.metrics, store)
        observers = Observers(journal, metrics, watching)
        try:
            yield observers
        except (KeyboardInterrupt, InterruptedRunError):
            observers.end("interrupted")
            raise
        except Exception as error:
            observers.end(f"{type(error).__name__}: {error}")
            raise
        observers.end("finished")

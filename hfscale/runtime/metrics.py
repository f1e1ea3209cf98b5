"""Numbers of a run in a file of Prometheus' text format, which node-exporter picks up where it has no port to ask.

The format is that of https://prometheus.io/docs/instrumenting/exposition_formats/ (text, version 0.0.4). The file is
replaced as a whole, so that nobody reads half of it.
"""

import os
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from hfscale.errors import HfscaleWarning, InputError
from hfscale.runtime.events import Event
from hfscale.runtime.tally import Tally

INTERVAL_SECONDS = 5.0
_Samples = dict[tuple[tuple[str, str], ...], float]


class _Metric(NamedTuple):
    """A metric: its name, its kind, what it means, and a value for each set of labels beside that of the store."""

    name: str
    kind: Literal["counter", "gauge"]
    meaning: str
    samples: _Samples


def check_metrics_file(path: str | Path) -> Path:
    """Return the absolute path of a file that metrics can be written to.

    Raises:
        InputError: They cannot.
    """
    file = Path(path).absolute()
    if file.is_dir() or not os.access(file.parent, os.W_OK | os.X_OK):
        raise InputError(
            f"metrics cannot be written to {file}",
            remedy="give a file in a folder that exists and that you may write, for example hfscale.prom",
        )
    return file


class MetricsFile:
    """Counts the events of a run, and writes the counts every few seconds.

    Args:
        path: File to write; names that end in ``.prom`` are those that node-exporter reads.
        store: Name of the store, a label of every number.
        interval: Seconds between two writes.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        path: Path,
        store: str,
        interval: float = INTERVAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._store = store
        self._interval = interval
        self._clock = clock
        self._written = float("-inf")
        self._warned = False
        self._slots: Callable[[], int] = _no_slots
        self._tallies: dict[str, Tally] = {}
        self._unit = ""
        self._events: Counter[str] = Counter({"finished": 0, "retried": 0, "reissued": 0, "failed": 0})
        self._workers: dict[str, Counter[str]] = {}

    def begin(self, tally: Tally, slots: Callable[[], int]) -> None:
        """Take note of a phase of the run.

        Args:
            tally: Counts what is done in it; told of events by this object.
            slots: Tells how many tasks can run at the same time; asked whenever numbers are written.
        """
        self._unit = tally.snapshot().unit
        self._tallies[self._unit] = tally
        self._slots = slots
        self._write_if_due()

    def add(self, event: Event) -> None:
        """Count an event, and write if it is time."""
        self._tallies[self._unit].add(event)
        if event.task is not None:
            self._events[event.kind] += 1
        if event.report is not None:
            report = event.report
            done = {"fits": report.fits, "seconds": report.seconds, "compile_seconds": report.compile_seconds}
            self._workers.setdefault(report.worker, Counter()).update(done)
        self._write_if_due()

    def end(self) -> None:
        """Write the last numbers; nothing is running any more."""
        self._slots = _no_slots
        self._write(running=False)

    def _write_if_due(self) -> None:
        if self._clock() - self._written >= self._interval:
            self._write(running=True)

    def _write(self, running: bool) -> None:
        self._written = self._clock()
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}.partial")
        try:
            draft.write_text(self._render(running), encoding="utf-8")
            draft.replace(self._path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            if not self._warned:
                self._warned = True
                message = f"metrics cannot be written to {self._path}: {error.strerror or error}; the run goes on"
                warnings.warn(message, HfscaleWarning, stacklevel=4)

    def _render(self, running: bool) -> str:
        lines: list[str] = []
        for metric in self._metrics(running):
            lines += [f"# HELP {metric.name} {metric.meaning}", f"# TYPE {metric.name} {metric.kind}"]
            for labels, value in metric.samples.items():
                text = ",".join(f'{name}="{_escaped(label)}"' for name, label in (("store", self._store), *labels))
                lines.append(f"{metric.name}{{{text}}} {value}")
        return "\n".join(lines) + "\n"

    def _metrics(self, running: bool) -> Iterator[_Metric]:
        events: _Samples = {(("event", kind),): number for kind, number in sorted(self._events.items())}
        yield _Metric("hfscale_tasks_total", "counter", "Events of tasks in this run, by kind.", events)
        for key, name, meaning in (
            ("fits", "hfscale_fits_total", "Fits of finished tasks in this run, by worker."),
            ("seconds", "hfscale_work_seconds_total", "Wall time of finished tasks in this run, by worker."),
            ("compile_seconds", "hfscale_compile_seconds_total", "How much of the wall time went into compiling."),
        ):
            values: _Samples = {(("worker", worker),): done[key] for worker, done in sorted(self._workers.items())}
            yield _Metric(name, "counter", meaning, values)
        snapshots = [tally.snapshot() for tally in self._tallies.values()]
        states: _Samples = {
            (("unit", snapshot.unit), ("state", state)): value
            for snapshot in snapshots
            for state, value in (("total", snapshot.total), ("done", snapshot.done), ("failed", snapshot.failed))
        }
        yield _Metric("hfscale_items", "gauge", "Signal points or toys: all, computed, and failed of those.", states)
        yield _Metric("hfscale_slots", "gauge", "How many tasks can run at the same time.", {(): self._slots()})
        yield _Metric("hfscale_running", "gauge", "1 while the run goes on, 0 after its end.", {(): int(running)})
        yield _Metric("hfscale_updated_timestamp_seconds", "gauge", "When this was written.", {(): time.time()})


def _no_slots() -> int:
    return 0


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

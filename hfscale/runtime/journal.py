"""The journal of a run: everything that happens, as one JSON document per line.

Every run writes a file of its own, so that any number of drivers and shards can work on a store at the same time. Each
line reaches the operating system before the run goes on, and survives the end of the process, however that comes. A
run is not stopped by a journal that cannot be written.
"""

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from hfscale.errors import HfscaleWarning
from hfscale.runtime.events import Event, process_name
from hfscale.store.places import Place

SUFFIX = ".jsonl"
_PLAIN = re.compile(r"[^A-Za-z0-9.-]+")


def now() -> datetime:
    """Return the time, of UTC."""
    return datetime.now(UTC)


class Journal:
    """Appends documents to a file that is made when there is something to write.

    Args:
        folder: Folder of the journals, made if it is missing; None to write nothing.
        clock: Gives the time.
    """

    def __init__(self, folder: Path | None, clock: Callable[[], datetime] = now) -> None:
        self._folder = folder
        self._clock = clock
        self._file: FileIO | None = None
        self._torn = False
        self._warned = False

    def write(self, document: Mapping[str, object]) -> None:
        """Append one document; warn once where that is impossible."""
        if self._folder is None:
            return
        line = json.dumps(document, allow_nan=False) + "\n"
        try:
            if self._file is None:
                self._file = self._open(self._folder)
            self._append(("\n" if self._torn else "") + line)
        except OSError as error:
            self._torn = self._file is not None
            self._warn(error)

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            # What a file system says only now was said of the lines before, or is of no use any more.
            with suppress(OSError):
                self._file.close()

    def __enter__(self) -> "Journal":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _open(self, folder: Path) -> FileIO:
        folder.mkdir(exist_ok=True)
        name = f"{self._clock():%Y%m%dT%H%M%S%f}-{_PLAIN.sub('-', process_name())}{SUFFIX}"
        return FileIO(folder / name, "xb")

    def _append(self, text: str) -> None:
        data = text.encode()
        # Without a buffer that would be lost with this process.
        if self._file is not None and self._file.write(data) != len(data):
            raise OSError("no room for the whole line")
        self._torn = False

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"events cannot be written to {self._folder}: {error.strerror or error}; the run goes on without",
                HfscaleWarning,
                stacklevel=3,
            )


def document_of(event: Event) -> dict[str, object]:
    """Return what the journal and logs in JSON say of an event; time and store are added by others.

    Args:
        event: An event; not a tick.
    """
    document: dict[str, object] = {"event": event.kind, "task": None if event.task is None else event.task.id}
    if event.report is None:
        return {**document, "reason": event.reason}
    report = event.report
    return {
        **document,
        "worker": report.worker,
        "seconds": round(report.seconds, 6),
        "compile_seconds": round(report.compile_seconds, 6),
        "fits": report.fits,
        "fits_per_second": report.fits_per_second,
        "ok": report.ok,
        "no_signal": report.no_signal,
        "failed": report.failed,
    }


def read_journals(folder: Place) -> Iterator[dict[str, Any]]:
    """Read all documents of all runs, in the order of the runs' beginnings; also while others write.

    What is no whole document is left out: the last line of a run that was killed, or a line that a full disk tore.
    """
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        for line in _lines(file):
            with suppress(ValueError):
                document = json.loads(line)
                if isinstance(document, dict):
                    yield document


def _lines(file: Place) -> list[bytes]:
    """Lines of a file; none if it was removed meanwhile or belongs to others."""
    try:
        return file.read_bytes().splitlines()
    except OSError:
        return []

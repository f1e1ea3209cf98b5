"""What a batch system is to this package: something that starts an array of workers, and tells what became of them.

To add one: implement `BatchSystem` in a module of its own, and name it in `hfscale.sites.systems`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from hfscale.sites.site import Site
from hfscale.store.objects import ObjectPlace
from hfscale.store.places import Place


class JobState(StrEnum):
    """What becomes of a job, the same for all batch systems."""

    QUEUED = "queued"
    HELD = "held"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def active(self) -> bool:
        """Whether the job runs, or may still."""
        return self in (JobState.QUEUED, JobState.HELD, JobState.RUNNING)


class Job(NamedTuple):
    """One job of an array.

    Attributes:
        shard: Which one: the number of its shard; -1 for all that have not begun, where the batch system lists those
            as one.
        state: What became of it.
        reason: Why it waits, is held or failed, in the batch system's words; empty if it does not say.
    """

    shard: int
    state: JobState
    reason: str = ""


@dataclass(frozen=True)
class ArrayRequest:
    """An array of workers that is to be started.

    Attributes:
        name: Name of the array, unique.
        store: The store that they work on.
        workers: How many.
        site: Where.
        folder: Where scripts and logs are kept; nodes see it, unless the site has no shared file system.
        patience: Options of the driver in the modes that have one: how long it waits, as a shell takes them.
    """

    name: str
    store: Place
    workers: int
    site: Site
    folder: Path
    patience: str = ""

    @property
    def driver_options(self) -> str:
        """What follows the store and the engine in the command of a driver, with a space before it."""
        return f"{self.site.device_option}{self.patience and f' {self.patience}'}"

    @property
    def carries(self) -> bool:
        """Whether jobs work on copies of the store that are carried to and fro."""
        carried = not self.site.shared_filesystem and not isinstance(self.store, ObjectPlace)
        return carried and self.site.mode == "array"


class Document(NamedTuple):
    """A file that is written to start jobs; its name is relative to `ArrayRequest.folder`."""

    name: str
    text: str


class Log(NamedTuple):
    """What the job of a shard wrote."""

    shard: int
    path: Path


@runtime_checkable
class BatchSystem(Protocol):
    """How jobs are started, looked after and ended by the commands of one batch system."""

    commands: Sequence[str]
    """Commands that must be there."""

    def check(self, site: Site) -> None:
        """Refuse what a site asks for and this batch system does not have.

        Raises:
            InputError: A key has no meaning here.
        """

    def render(self, request: ArrayRequest) -> tuple[Document, ...]:
        """Return the files that start an array; the first is what the batch system is handed."""

    def submit(self, request: ArrayRequest) -> str:
        """Start the array, whose files are in its folder, and return the batch system's name for it.

        Raises:
            BatchSystemError: It was refused, or the batch system cannot be reached.
        """

    def find(self, name: str) -> str | None:
        """Return the batch system's name for the array of that name, None if it knows none.

        Raises:
            BatchSystemError: It cannot be reached.
        """

    def query(self, job: str) -> list[Job]:
        """Return the jobs of an array; none if the batch system has forgotten them.

        Raises:
            BatchSystemError: It cannot be reached.
        """

    def cancel(self, job: str) -> None:
        """End all jobs of an array; workers get their time of grace.

        Raises:
            BatchSystemError: It was refused, or the batch system cannot be reached.
        """

    def logs(self, folder: Path) -> Iterator[Log]:
        """Return what the jobs of an array wrote so far."""


@runtime_checkable
class SubmitsWorkers(Protocol):
    """A batch system in a mode in which the job that is submitted submits others, those of its workers."""

    def worker_script(self, request: ArrayRequest) -> str | None:
        """Return the script of each of these, but for what is known only when they are submitted.

        None if it cannot be told on this machine, because the package is missing that describes them.

        Raises:
            InputError: The user's own settings do not fit.
        """


_EXITS = {
    1: "done, but some points failed",
    2: "see its log",
    3: "interrupted in time",
    127: "the command was not found: see the keys setup and command of the site",
}


def describe_exit(code: int, signal: int = 0) -> str:
    """Say what the exit code of a worker's job, or the signal that ended it, means; empty for success."""
    if signal:
        return f"ended by signal {signal}"
    if code == 0:
        return ""
    meaning = _EXITS.get(code)
    return f"exit code {code}" + (f": {meaning}" if meaning else "")


def numbered_logs(folder: Path, suffixes: Sequence[str] = (".log",)) -> Iterator[Log]:
    """Return the files of a folder that are named after the index of a job."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.stem.isdecimal() and path.suffix in suffixes:
            yield Log(int(path.stem), path)

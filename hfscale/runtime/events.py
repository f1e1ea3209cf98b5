"""What the loop says while it runs, and what it says at the end."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hfscale.plan.toys import AnyTask


def process_name() -> str:
    """Return host and number of this process, as ``host:number``."""
    return f"{socket.gethostname()}:{os.getpid()}"


def fit_rate(fits: int, seconds: float, compile_seconds: float) -> float | None:
    """Return fits per second of the time that did not go into compiling, None if there is no rate."""
    busy = seconds - compile_seconds
    return fits / busy if fits and busy > 0.0 else None


@dataclass(frozen=True)
class TaskReport:
    """What a finished task tells the driver; its numbers are in the store.

    Attributes:
        task: Identity of the task.
        ok: How many of its signal points, or toys, have a result.
        no_signal: How many points give the parameter of interest nothing to scale.
        failed: How many points, or toys, have a failed fit.
        seconds: Wall time.
        reasons: Name of each failed point -> why.
        fits: Fits that it asked for.
        compile_seconds: How much of the wall time went into compiling, or reading what was compiled before.
        worker: Host and process that made the report.
    """

    task: str
    ok: int
    no_signal: int
    failed: int
    seconds: float
    reasons: Mapping[str, str] = field(default_factory=dict)
    fits: int = 0
    compile_seconds: float = 0.0
    worker: str = field(default_factory=process_name)

    @property
    def fits_per_second(self) -> float | None:
        """Fits in the time that did not go into compiling, None if there is none."""
        return fit_rate(self.fits, self.seconds, self.compile_seconds)


@dataclass(frozen=True)
class Event:
    """Something that happened to a task.

    Attributes:
        kind: ``finished``, ``retried`` (it raised or hung, and is tried again), ``reissued`` (it takes long; a second
            copy is handed over), ``failed`` (it is given up), ``waiting`` (there is no worker), or ``tick`` (nothing
            happened for a while).
        task: The task, None for a tick and where there is no worker.
        report: What a finished task returned.
        reason: Why a task is retried, reissued or given up, or what is waited for.
    """

    kind: Literal["finished", "retried", "reissued", "failed", "waiting", "tick"]
    task: AnyTask | None = None
    report: TaskReport | None = None
    reason: str = ""

    @property
    def trouble(self) -> str:
        """What people are told of at once, empty where there is nothing."""
        if self.task is not None and self.kind in ("retried", "reissued", "failed"):
            return f"task {self.task.id} {self.kind}: {self.reason}"
        return self.reason if self.kind == "waiting" else ""


@dataclass(frozen=True)
class RunSummary:
    """What became of all tasks of a run.

    Attributes:
        reports: Report of every finished task, in the order in which they finished.
        failures: Identity of every task that was given up -> why.
        retries: How many times a task was tried again.
        reissues: How many times a task that took long was handed over once more.
    """

    reports: tuple[TaskReport, ...]
    failures: Mapping[str, str]
    retries: int
    reissues: int = 0

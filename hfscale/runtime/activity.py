"""What the journals of a store tell: what each worker did, and which tasks gave trouble."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfscale.plan.parts import is_part
from hfscale.runtime.events import fit_rate


@dataclass(frozen=True)
class WorkerActivity:
    """What one worker process did.

    Attributes:
        tasks: Tasks that it finished.
        fits: Fits of these tasks.
        seconds: Wall time of these tasks.
        compile_seconds: How much of it went into compiling.
        fits_per_second: Fits in the rest of that time, None if there is none.
    """

    tasks: int
    fits: int
    seconds: float
    compile_seconds: float
    fits_per_second: float | None


@dataclass(frozen=True)
class Activity:
    """What happened in all runs on a store.

    Attributes:
        runs: Runs of drivers and shards: processes that told something.
        retried: How many times a task was tried again.
        reissued: How many times a task that took long was handed over once more.
        quarantined: Identity of every task that was given up and not finished since -> why;
            without parts of signal points, which the tasks of the points make up for.
        workers: What each worker did, by ``host:number`` of its process.
        last_event: Time of the last event in ISO 8601, None if there is none.
    """

    runs: int = 0
    retried: int = 0
    reissued: int = 0
    quarantined: Mapping[str, str] = field(default_factory=dict)
    workers: Mapping[str, WorkerActivity] = field(default_factory=dict)
    last_event: str | None = None


def summarize(documents: Iterable[Mapping[str, Any]]) -> Activity:
    """Sum up the documents of `hfscale.runtime.journal.read_journals`; what is none of ours is left out."""
    counts: Counter[str] = Counter()
    drivers: set[str] = set()
    quarantined: dict[str, str] = {}
    workers: dict[str, list[Mapping[str, Any]]] = {}
    last: str | None = None
    for document in documents:
        kind, task = str(document.get("event")), str(document.get("task"))
        counts[kind] += 1
        if "driver" in document:
            drivers.add(str(document["driver"]))
        last = max(last or "", str(document.get("time", ""))) or None
        if kind == "failed":
            if not is_part(task):
                quarantined[task] = str(document.get("reason", ""))
        elif kind == "finished":
            quarantined.pop(task, None)
            workers.setdefault(str(document.get("worker")), []).append(document)
    activities = {name: _activity(workers[name]) for name in sorted(workers)}
    return Activity(len(drivers), counts["retried"], counts["reissued"], quarantined, activities, last)


def _activity(documents: Iterable[Mapping[str, Any]]) -> WorkerActivity:
    done = list(documents)
    fits = sum(int(document.get("fits", 0)) for document in done)
    seconds, compiling = (
        sum((float(document.get(key, 0.0)) for document in done), start=0.0) for key in ("seconds", "compile_seconds")
    )
    return WorkerActivity(len(done), fits, seconds, compiling, fit_rate(fits, seconds, compiling))

"""What the results of a store cost: its slowest tasks, its runs, and who worked on them."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hfscale.plan.settings import Calculation
from hfscale.plan.toys import StoredTask, ToyTask
from hfscale.results import Results
from hfscale.runtime.journal import read_journals
from hfscale.store.files import events_folder
from hfscale.store.store import ResultStore


class TaskCost(NamedTuple):
    """A finished task.

    Attributes:
        what: The signal points or toys that it computed.
        seconds: Wall time.
        compile_seconds: How much of it went into compiling, None where that is not known.
        fits: Its fits, None where that is not known.
        worker: Process that ran it, as ``host:number``.
        finished: When, in ISO 8601.
    """

    what: str
    seconds: float
    compile_seconds: float | None
    fits: int | None
    worker: str
    finished: str


class Run(NamedTuple):
    """A phase of a run of a driver or shard.

    Attributes:
        begun: When, in ISO 8601.
        driver: Its process, as ``host:number``.
        engine: What ran its tasks.
        slots: How many tasks at once.
        tasks: How many there were to do.
        unit: Of points or toys.
    """

    begun: str
    driver: str
    engine: str
    slots: int
    tasks: int
    unit: str


class Costs(NamedTuple):
    """What was found in markers and journals.

    Attributes:
        slowest: The slowest tasks, slowest first.
        finished: How many tasks are finished.
        seconds: Wall time of all finished tasks together.
        runs: In the order in which they began.
        versions: Versions of packages that computed something: those of every different set.
    """

    slowest: tuple[TaskCost, ...]
    finished: int
    seconds: float
    runs: tuple[Run, ...]
    versions: tuple[Mapping[str, str], ...]


def costs_of(results: Results, longest: int = 10) -> Costs:
    """Read markers and journals.

    Args:
        results: The store.
        longest: How many of the slowest tasks to list.
    """
    store = results.store
    tasks: dict[str, StoredTask] = {task.id: task for task in store.plan.tasks}
    tasks |= {task.id: task for toys in store.rounds for task in toys.tasks}
    markers = store.markers(tasks.keys())
    events = list(read_journals(events_folder(results.path)))
    told = {event["task"]: event for event in events if event.get("event") == "finished" and "task" in event}
    slowest = sorted(markers, key=lambda task: -_seconds(markers[task]))[:longest]
    return Costs(
        tuple(_cost(store, tasks[task], markers[task], told.get(task, {})) for task in slowest),
        len(markers),
        sum(map(_seconds, markers.values()), start=0.0),
        tuple(_run(event) for event in events if event.get("event") == "begun"),
        _different(marker["versions"] for marker in markers.values() if "versions" in marker),
    )


def _seconds(marker: Mapping[str, Any]) -> float:
    return float(marker.get("seconds", 0.0))


def _cost(store: ResultStore, task: StoredTask, marker: Mapping[str, Any], event: Mapping[str, Any]) -> TaskCost:
    worker = f"{marker.get('host', '?')}:{marker.get('process', '?')}"
    finished = str(marker.get("finished", ""))[:19]
    return TaskCost(
        describe(store, task), _seconds(marker), event.get("compile_seconds"), event.get("fits"), worker, finished
    )


def describe(store: ResultStore, task: StoredTask) -> str:
    """Name the signal points or toys of a task."""
    if isinstance(task, ToyTask):
        value = Calculation.model_validate(store.settings["calculation"]).toy_poi_values[task.cell.mu]
        return f"{store.names[task.cell.point]}, POI = {value:g}: toys {task.first} to {task.stop - 1}"
    first, last = store.names[task.start], store.names[task.stop - 1]
    return first if first == last else f"{first} to {last} ({task.n_points} points)"


def _run(event: Mapping[str, Any]) -> Run:
    names = [str(event.get(key, "")) for key in ("time", "driver", "engine")]
    slots, tasks = (int(event.get(key) or 0) for key in ("slots", "tasks"))
    return Run(names[0][:19], names[1], names[2], slots, tasks, str(event.get("unit", "")))


def _different(documents: Iterable[Mapping[str, str]]) -> tuple[Mapping[str, str], ...]:
    unique = {tuple(sorted(document.items())): document for document in documents}
    return tuple(unique.values())

"""What is left to do in a store, one kind of tasks after the other, and having an engine do it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from hfscale.allocation import plan_next_round
from hfscale.fit.kinds import DeviceKind
from hfscale.plan.parts import PartTask
from hfscale.plan.toys import AnyTask
from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.loop import run_tasks
from hfscale.runtime.observers import Extent, Observers
from hfscale.runtime.patience import DEFAULT, Patience
from hfscale.store.open import open_store
from hfscale.store.parts import parts_of, pending_parts, remove_parts
from hfscale.store.places import Place
from hfscale.store.store import ResultStore
from hfscale.work.gathering import GatheringExecutor, compute_order


class Phase(NamedTuple):
    """Tasks of one kind, what does them, and how much they are with those that are done."""

    tasks: Sequence[AnyTask]
    function: Callable[[str, str], TaskReport]
    total: int
    unit: Literal["points", "toys", "parts"]


def phases(path: Place, task_toys: int) -> Iterator[Phase]:
    """What is left, each phase seen when the one before is done.

    First the fits of the data, so that every point has its observed numbers early, those of long points in parts; then
    the toys that are planned, then further rounds as they follow from the finished ones.

    Args:
        path: Folder of the store, which the caller holds locked.
        task_toys: Toys per task and hypothesis of further rounds.
    """
    store = open_store(path)
    parts = pending_parts(store)
    if parts:
        yield Phase(parts, do_part, len(parts_of(store, store.pending())), "parts")
    if store.pending():
        yield Phase(store.pending(), do_task, store.plan.n_points, "points")
    if not store.pending():
        remove_parts(store.path)
    planned = store.pending_toys()
    if planned:
        yield Phase(planned, do_toy_task, sum(toys.size for toys in store.rounds), "toys")
    while (following := plan_next_round(open_store(path), task_toys)) is not None:
        yield Phase(following.tasks, do_toy_task, following.size, "toys")


def run_phase(
    store: ResultStore,
    phase: Phase,
    engine: Executor,
    observers: Observers,
    *,
    gather: bool = False,
    patience: Patience = DEFAULT,
) -> Mapping[str, str]:
    """Have an engine do the tasks of a phase, tell those who follow the run, and record the failures.

    Args:
        store: The store.
        phase: The tasks.
        engine: The engine.
        observers: Those who follow the run.
        gather: Whether workers are to return their results to this process, which writes them.
        patience: How long to wait for workers and tasks.

    Returns:
        Identity of every task that was given up -> why.

    Raises:
        InterruptedRunError: The run was interrupted.
    """
    done = phase.total - sum(task.size for task in phase.tasks)
    extent = Extent(len(phase.tasks), phase.total, done, phase.unit)
    function: Callable[..., Any] = partial(phase.function, str(store.path))
    if gather:
        # Opened again, because rounds of toys may have been added.
        engine, function = GatheringExecutor(engine, open_store(store.path), phase.tasks), compute_order
    function = partial(do_on_device, engine.device, function)
    with observers.phase(extent, engine) as on_event:
        summary = run_tasks(phase.tasks, engine, function, patience=patience, on_event=on_event)
    tasks = {task.id: task for task in phase.tasks}
    for task_id, reason in summary.failures.items():
        task = tasks[task_id]
        if not isinstance(task, PartTask):
            # The task of the point makes up for a part that is missing.
            store.record_failure(task, reason)
    return summary.failures


def do_on_device(kind: DeviceKind, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of a task with its fits on a kind of device, wherever this is called; imports JAX only then."""
    from hfscale.fit.devices import computing_on

    with computing_on(kind):
        return function(*args)


def do_task(store: str, task_id: str) -> TaskReport:
    """Compute one task of a store, wherever this is called; imports JAX only then."""
    from hfscale.work.task import run_task

    return run_task(store, task_id)


def do_part(store: str, task_id: str) -> TaskReport:
    """Compute a part of a signal point, wherever this is called; imports JAX only then."""
    from hfscale.work.parts import run_part

    return run_part(store, task_id)


def do_toy_task(store: str, task_id: str) -> TaskReport:
    """Throw and fit the toys of one task of a store, wherever this is called; imports JAX only then."""
    from hfscale.work.toys import run_toy_task

    return run_toy_task(store, task_id)

"""One share of the tasks of a store, done by a process that knows of no other: no scheduler, and no open port.

Shard i of N does every N-th task of the plan, those of the signal points first, then those of toys, as far as they are
not done. A task can be done twice, even at the same time: it writes the same bytes. Whatever happened before, a store
is complete when every shard of some N has been run to its end.

Adaptive toys are planned in rounds, each of which follows from all toys of those before. Nobody waits for them: the
shard that finds everything done plans the next round and does its share of it, and the other shards do theirs when they
are run again.

A shard may help others: when its own share is done, it takes the tasks of the other shards, the last ones first, so
that it meets whoever does them from the beginning in the middle. Then it is enough that one shard lives on, and the
rounds of adaptive toys are done by all of them.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from hfscale.allocation import plan_next_round
from hfscale.errors import InputError, StoreBusyError
from hfscale.fit.kinds import DeviceKind
from hfscale.phases import Phase, do_task, do_toy_task, run_phase
from hfscale.plan.settings import Calculation
from hfscale.plan.tasks import Task
from hfscale.plan.toys import AnyTask, ToyTask
from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.local import LocalExecutor
from hfscale.runtime.observers import UNSEEN, Watching, observing
from hfscale.store.files import done_file, journal_folder
from hfscale.store.open import open_store
from hfscale.store.parts import remove_parts
from hfscale.store.places import Place, store_place
from hfscale.store.store import ResultStore


@dataclass(frozen=True)
class Shard:
    """A share of all tasks: every ``count``-th of the plan, beginning with that at the position ``index``.

    Attributes:
        index: From 0 to ``count - 1``.
        count: How many shards there are.
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read ``i/N``.

        Raises:
            InputError: It is not of that form, or i is not one of 0 to N-1.
        """
        index, _, count = text.partition("/")
        if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
            raise InputError(f"{text!r} is no shard", remedy="give i/N with i from 0 to N-1, for example 0/4")
        return cls(int(index), int(count))

    def points_of(self, store: ResultStore) -> tuple[Task, ...]:
        """The tasks of signal points that belong to it."""
        return store.plan.tasks[self.index :: self.count]

    def toys_of(self, store: ResultStore) -> tuple[ToyTask, ...]:
        """The toy tasks that belong to it; see `_toys_and_owners`."""
        return tuple(task for owner, task in _toys_and_owners(store, self.count) if owner == self.index)


def _toys_and_owners(store: ResultStore, count: int) -> Iterator[tuple[int, ToyTask]]:
    """All toy tasks, each with its shard of ``count``; positions count through all rounds, behind the tasks of points.

    The tasks of a round go through its cells over and over. One more position after each cycle of cells and shards lets
    no shard have the same cells all the time, which would take longer or shorter than others.
    """
    first = len(store.plan.tasks)
    for toys in store.rounds:
        cycle = math.lcm(max(len(toys.by_cell), 1), count)
        for k, task in enumerate(toys.tasks):
            yield (first + k + k // cycle) % count, task
        first += len(toys.tasks)


class ShardSummary(NamedTuple):
    """How a shard ended.

    Attributes:
        tasks: Tasks that belong to the shard.
        found: Tasks that were done before.
        failures: Signal points of the shard that failed, or whose toys could not be run -> why.
        failed_toys: Toys of the shard with a failed fit.
        elsewhere: Tasks of other shards that are not done.
        more_rounds: Whether further toys will be planned when all tasks are done.
    """

    tasks: int
    found: int
    failures: Mapping[str, str]
    failed_toys: int
    elsewhere: int
    more_rounds: bool


_PATIENCE = 120
"""Seconds for which a shard that helps others waits for the one that plans a round, which takes a few."""


def run_shard(
    path: str | Place,
    shard: Shard,
    *,
    watching: Watching = UNSEEN,
    help_others: bool = False,
    device: DeviceKind = "cpu",
) -> ShardSummary:
    """Do what is left of a shard, in this process.

    Args:
        path: Folder of the store.
        shard: Which share of the tasks.
        watching: How the run is to be followed.
        help_others: Whether to go on with the tasks of other shards when those of this one are done.
        device: What to compute on; of several GPUs, the first that this process sees.

    Raises:
        StoreError: There is no store, or it cannot be written.
        InterruptedRunError: The run was interrupted; the task that was running is dropped.
    """
    store = open_store(path)
    before = _done(store)
    given_up: set[str] = set()
    with observing(journal_folder(store.path), store.path.name, watching) as observers:
        while True:
            store = open_store(path)
            ended = _done(store) | given_up
            phase = _next_phase(store, shard, ended)
            if phase is None and help_others:
                phase = _others_phase(store, shard, ended)
            if phase is not None:
                with LocalExecutor(device) as engine:
                    given_up |= run_phase(store, phase, engine, observers).keys()
            elif not _plan_further(store, _PATIENCE if help_others else 0):
                if not store.pending():
                    # Parts that a run with a driver left behind.
                    remove_parts(store.path)
                return _summary(store, shard, before)


def fits_per_task(path: str | Place) -> float:
    """Return about how many fits a task of a store has at once.

    Raises:
        StoreError: There is no store.
    """
    store = open_store(path)
    if store.rounds:
        return 2.0 * _task_toys(store)
    calculation = Calculation.model_validate(store.settings["calculation"])
    return float(store.plan.task_points * calculation.fits_per_point(1))


def _done(store: ResultStore) -> set[str]:
    return store.done() | store.done_toys()


def _next_phase(store: ResultStore, shard: Shard, ended: set[str]) -> Phase | None:
    points, toys = shard.points_of(store), shard.toys_of(store)
    left_points = tuple(task for task in points if task.id not in ended)
    left_toys = tuple(task for task in toys if task.id not in ended)
    if left_points:
        return Phase(left_points, partial(_unless_done, do_task), sum(task.size for task in points), "points")
    if left_toys:
        return Phase(left_toys, partial(_unless_done, do_toy_task), sum(task.size for task in toys), "toys")
    return None


def _others_phase(store: ResultStore, shard: Shard, ended: set[str]) -> Phase | None:
    """What is left of other shards, beginning with the end of the next one's share."""
    owned = ((k % shard.count, task) for k, task in enumerate(store.plan.tasks))
    points = _for_others(owned, shard, ended)
    if points:
        return Phase(points, partial(_unless_done, do_task), sum(task.size for task in points), "points")
    toys = _for_others(_toys_and_owners(store, shard.count), shard, ended)
    if toys:
        return Phase(toys, partial(_unless_done, do_toy_task), sum(task.size for task in toys), "toys")
    return None


def _for_others(owned: Iterable[tuple[int, AnyTask]], shard: Shard, ended: set[str]) -> tuple[AnyTask, ...]:
    """Tasks that have not ended, those of the next shard first, and of each shard the last ones first."""
    left = [(owner, task) for owner, task in owned if task.id not in ended]
    left.reverse()
    return tuple(task for _, task in sorted(left, key=lambda pair: (pair[0] - shard.index) % shard.count))


def _unless_done(function: Callable[[str, str], TaskReport], path: str, task_id: str) -> TaskReport:
    """Do a task, unless another process did it since the shard began."""
    if not done_file(store_place(path), task_id).exists():
        return function(path, task_id)
    return TaskReport(task_id, ok=0, no_signal=0, failed=0, seconds=0.0)


def _plan_further(store: ResultStore, patience: int) -> bool:
    """Plan the next round of adaptive toys if all earlier tasks are done; False if there is none to plan now.

    Args:
        store: The store.
        patience: Seconds to wait for whoever plans it already.
    """
    if not store.may_get_toys or store.pending() or store.pending_toys():
        return False
    for waited in range(patience + 1):
        with ExitStack() as stack:
            try:
                stack.enter_context(store.locked())
            except StoreBusyError:
                # Whoever holds it plans that round.
                if waited < patience:
                    time.sleep(1.0)
                continue
            fresh = open_store(store.path)
            return bool(fresh.pending_toys()) or plan_next_round(fresh, _task_toys(store)) is not None
    return False


def _task_toys(store: ResultStore) -> int:
    """Toys per task of further rounds: as in the first one, or as was planned for it."""
    if store.rounds:
        return store.rounds[0].task_toys
    calculation = Calculation.model_validate(store.settings["calculation"])
    # Stores of earlier versions do not say.
    return int(store.attributes["provenance"].get("task_toys", calculation.min_toys))


def _summary(store: ResultStore, shard: Shard, before: set[str]) -> ShardSummary:
    points, toys = shard.points_of(store), shard.toys_of(store)
    own = {store.names[k] for task in points for k in range(task.start, task.stop)}
    failures = {name: reason for name, reason in store.reasons().items() if name in own}
    lost = {task: reason for task, reason in store.toy_failures().items() if task in toys}
    tasks = {task.id for task in points} | {task.id for task in toys}
    markers = store.markers(tasks)
    pending = len(store.pending()) + len(store.pending_toys())
    return ShardSummary(
        tasks=len(tasks),
        found=len(tasks & before),
        failures={**{store.names[task.cell.point]: reason for task, reason in lost.items()}, **failures},
        failed_toys=sum(sum(markers[task.id]["failed"].values()) for task in toys if task.id in markers),
        elsewhere=pending - len(tasks - markers.keys()),
        more_rounds=store.may_get_toys,
    )

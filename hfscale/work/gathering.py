"""Gathering: workers compute without access to the store, and the driver writes what they return.

A call brings the small description of its task and the digest of the campaign. A worker process that does not know the
campaign yet answers that, and gets the same call again with the campaign in it: settings and inputs, compressed. So
the inputs travel once or a few times to each process, on every engine alike, also to workers that come later.
"""

import math
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from hfscale.errors import StoreError
from hfscale.plan.parts import PartTask
from hfscale.plan.toys import AnyTask, ToyTask
from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.base import Executor, Outcome
from hfscale.store.ledger import circumstances
from hfscale.store.parts import FoundPart, read_parts, write_part
from hfscale.store.store import ResultStore
from hfscale.work.computed import Computed
from hfscale.work.definition import Definition, portable_definition


@dataclass(frozen=True)
class Order:
    """A task with what a worker must know of its round; for tasks of signal points, seed and generator are empty.

    Attributes:
        task: The task.
        seed: Seed of the toys.
        generator: Identity of the generator of random numbers that they were planned with.
        parts: What parts of its signal points have found, by the index of the point.
    """

    task: AnyTask
    seed: int = 0
    generator: str = ""
    parts: Mapping[int, tuple[FoundPart, ...]] = field(default_factory=dict)


class Unknown:
    """The answer of a worker process that does not know the campaign."""


def compute_order(digest: str, definition: Definition | None, order: Order) -> Computed | Unknown:
    """Compute a task, wherever this is called, and write nothing; imports JAX only then.

    Args:
        digest: That of the campaign's settings.
        definition: The campaign, None where the process is expected to know it.
        order: The task.
    """
    known = _known(digest)
    if definition is not None:
        known[:] = [definition]
    if not known:
        return Unknown()
    computed = _compute(known[0], order)
    return replace(computed, remarks={**computed.remarks, **circumstances(computed.report.seconds)})


@lru_cache(maxsize=4)
def _known(digest: str) -> list[Definition]:
    """Where a process keeps the campaign of a digest; bounded, as it may serve many campaigns."""
    del digest
    return []


def _compute(definition: Definition, order: Order) -> Computed:
    if isinstance(order.task, ToyTask):
        from hfscale.work.toys import compute_toys

        return compute_toys(definition, order.task, order.seed, order.generator)
    if isinstance(order.task, PartTask):
        from hfscale.work.parts import compute_part

        return compute_part(definition, order.task)
    from hfscale.work.task import compute_points

    return compute_points(definition, order.task, order.parts)


class GatheringExecutor(Executor):
    """Has an engine compute tasks of a store away from it, and writes what they return: data first, then the marker.

    Its calls are ``submit(compute_order, task_id)``, and their value is the report of the task.

    Args:
        engine: What computes; it is not closed with this.
        store: The store, which the caller holds locked.
        tasks: The tasks that may be submitted.
    """

    def __init__(self, engine: Executor, store: ResultStore, tasks: Iterable[AnyTask]) -> None:
        self.name = engine.name
        self.dashboard_link = engine.dashboard_link
        self.device = engine.device
        self._engine = engine
        self._store = store
        self._definition = portable_definition(store)
        self._tasks = {task.id: task for task in tasks}
        self._calls: dict[Hashable, _Call] = {}

    def slots(self) -> int:
        """Return the slots of the engine."""
        return self._engine.slots()

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        """Hand a task to the engine, given its identity."""
        (task_id,) = args
        handle = object()
        # Made only now: orders of signal points bring their parts, which may be large for all points together.
        order = _order(self._store, self._tasks[task_id])
        self._calls[handle] = self._hand_over(function, order, None)
        return handle

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        """Wait until a call has ended, and write what it computed.

        An error of writing is the outcome of the call: it may be tried again.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        found: dict[Hashable, Outcome] = {}
        while not found:
            left = None if timeout is None else max(0.0, deadline - time.monotonic())
            calls = {self._calls[handle].handle: handle for handle in handles}
            outcomes = self._engine.wait(calls.keys(), left)
            if not outcomes:
                break
            for inner, outcome in outcomes.items():
                handle = calls[inner]
                call = self._calls.pop(handle)
                if isinstance(outcome.value, Unknown):
                    self._calls[handle] = self._hand_over(call.function, call.order, self._definition)
                else:
                    found[handle] = self._kept(call.order.task, outcome)
        return found

    def idle(self) -> int:
        """Return the idle slots of the engine."""
        return self._engine.idle()

    def has_workers(self) -> bool:
        """Say whether the engine has workers."""
        return self._engine.has_workers()

    def running(self, handles: Collection[Hashable]) -> Collection[Hashable]:
        """Return those of these calls that workers have."""
        calls = self._inner(handles)
        return {calls[inner] for inner in self._engine.running(calls.keys())}

    def cancel(self, handles: Collection[Hashable]) -> None:
        """Forget calls; what they compute is not written."""
        self._engine.cancel(self._forgotten(handles))

    def abandon(self, handles: Collection[Hashable]) -> None:
        """Forget calls that may hang."""
        self._engine.abandon(self._forgotten(handles))

    def close(self) -> None:
        """Forget all calls; the engine stays open."""
        self.cancel(list(self._calls))

    def _hand_over(self, function: Callable[..., Any], order: Order, definition: Definition | None) -> "_Call":
        return _Call(self._engine.submit(function, self._definition.digest, definition, order), function, order)

    def _inner(self, handles: Collection[Hashable]) -> dict[Hashable, Hashable]:
        """The handles of the engine -> ours."""
        return {self._calls[handle].handle: handle for handle in handles if handle in self._calls}

    def _forgotten(self, handles: Collection[Hashable]) -> list[Hashable]:
        return [self._calls.pop(handle).handle for handle in handles if handle in self._calls]

    def _kept(self, task: AnyTask, outcome: Outcome) -> Outcome:
        if outcome.error is not None:
            return outcome
        try:
            return Outcome(value=keep(self._store, task, outcome.value))
        except StoreError as error:
            return Outcome(error=error)


@dataclass(frozen=True)
class _Call:
    """A call of the engine's, and what it is made of, to make it again."""

    handle: Hashable
    function: Callable[..., Any]
    order: Order


def keep(store: ResultStore, task: AnyTask, computed: Computed) -> TaskReport:
    """Write what a worker has computed as that worker would have, the marker last.

    Args:
        store: The store, opened after the task was planned.
        task: The task.
        computed: What `compute_order` returned.

    Raises:
        StoreError: The store cannot be written.
    """
    remarks = {"seconds": computed.report.seconds, **computed.remarks}
    if isinstance(task, ToyTask):
        store.write_toys(task, computed.arrays)
        store.mark_toys_done(task, remarks)
    elif isinstance(task, PartTask):
        write_part(store.path, task, computed.arrays)
    else:
        store.write_block(task, computed.arrays)
        store.mark_done(task, remarks)
    return computed.report


def _order(store: ResultStore, task: AnyTask) -> Order:
    if isinstance(task, ToyTask):
        toys, _ = store.toy_task(task.id)
        return Order(task, toys.seed, toys.generator)
    return Order(task) if isinstance(task, PartTask) else Order(task, parts=read_parts(store, task))

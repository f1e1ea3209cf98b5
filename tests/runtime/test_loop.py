from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any

import pytest

from hfscale.errors import InputError, InterruptedRunError, TaskError
from hfscale.plan.tasks import Plan, make_plan
from hfscale.runtime.events import Event, TaskReport
from hfscale.runtime.executors.base import Outcome
from hfscale.runtime.executors.local import LocalExecutor
from hfscale.runtime.loop import run_tasks
from tests.runtime.simulation import Clock, SimulatedEngine, never


@pytest.fixture
def plan() -> Plan:
    return make_plan(12, 1, "settings", [f"p{i}" for i in range(12)])


class Worker:
    """Counts its calls and raises what it is told to, for the first calls of a task."""

    def __init__(self, faults: dict[str, list[Exception]] | None = None) -> None:
        self.faults = faults or {}
        self.calls: Counter[str] = Counter()

    def __call__(self, task_id: str) -> TaskReport:
        self.calls[task_id] += 1
        if self.faults.get(task_id):
            raise self.faults[task_id].pop(0)
        return TaskReport(task_id, ok=1, no_signal=0, failed=0, seconds=0.0)


class WatchedExecutor(LocalExecutor):
    """Three slots; remembers how many calls were handed over at most."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self.cancelled: list[Hashable] = []

    def slots(self) -> int:
        return 3

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        self.most = max(self.most, len(handles))
        return super().wait(handles, timeout)

    def cancel(self, handles: Collection[Hashable]) -> None:
        self.cancelled += handles
        super().cancel(handles)


def test_every_task_runs_once(plan: Plan) -> None:
    worker, events = Worker(), list[Event]()
    summary = run_tasks(plan.tasks, LocalExecutor(), worker, on_event=events.append)
    assert worker.calls == {task.id: 1 for task in plan.tasks}
    assert [report.task for report in summary.reports] == [task.id for task in plan.tasks]
    assert summary.failures == {}
    assert summary.retries == 0
    assert [(event.kind, event.task) for event in events] == [("finished", task) for task in plan.tasks]


@pytest.mark.parametrize(("given", "most"), [(None, 6), (1, 1), (4, 4)])
def test_no_more_than_the_bound_is_in_flight(plan: Plan, given: int | None, most: int) -> None:
    executor = WatchedExecutor()
    run_tasks(plan.tasks, executor, Worker(), in_flight=given)
    assert executor.most == most
    assert executor.cancelled == []


def test_a_task_that_fails_at_first_is_tried_again(plan: Plan) -> None:
    unlucky = plan.tasks[3].id
    worker = Worker({unlucky: [OSError("disk"), OSError("disk")]})
    events = list[Event]()
    summary = run_tasks(plan.tasks, LocalExecutor(), worker, on_event=events.append)
    assert worker.calls[unlucky] == 3
    assert len(summary.reports) == 12
    assert summary.retries == 2
    assert [event.reason for event in events if event.kind == "retried"] == ["OSError: disk"] * 2


def test_a_task_that_keeps_failing_is_given_up_and_stops_no_other(plan: Plan) -> None:
    unlucky = plan.tasks[3].id
    worker = Worker({unlucky: [OSError(f"disk {i}") for i in range(9)]})
    summary = run_tasks(plan.tasks, LocalExecutor(), worker, retries=2)
    assert worker.calls[unlucky] == 3
    assert summary.failures == {unlucky: "OSError: disk 2"}
    assert len(summary.reports) == 11


@pytest.mark.parametrize("error", [InputError("no such channel", place="SR"), TaskError("the worker died 4 times")])
def test_what_would_fail_again_is_not_tried_again(plan: Plan, error: Exception) -> None:
    unlucky = plan.tasks[0].id
    worker = Worker({unlucky: [error]})
    summary = run_tasks(plan.tasks, LocalExecutor(), worker)
    assert worker.calls[unlucky] == 1
    assert summary.failures == {unlucky: str(error)}
    assert len(summary.reports) == 11


@pytest.mark.parametrize("where", ["work", "event"])
def test_an_interrupt_cancels_what_is_in_flight_and_says_how_to_continue(plan: Plan, where: str) -> None:
    worker, executor = Worker(), WatchedExecutor()

    def interrupt_late(*_: Any) -> Any:
        if worker.calls.total() >= 5:
            raise KeyboardInterrupt

    def work(task_id: str) -> TaskReport:
        report = worker(task_id)
        if where == "work":
            interrupt_late()
        return report

    on_event: Callable[[Event], None] = interrupt_late if where == "event" else lambda event: None
    with pytest.raises(InterruptedRunError, match="of 12 tasks finished") as caught:
        run_tasks(plan.tasks, executor, work, on_event=on_event)
    assert "same command" in str(caught.value)
    assert len(executor.cancelled) >= 5
    assert executor.wait(executor.cancelled, 0.0) == {}
    assert worker.calls.total() == 5


def test_nothing_to_do_is_done() -> None:
    summary = run_tasks([], LocalExecutor(), Worker())
    assert (summary.reports, dict(summary.failures), summary.retries) == ((), {}, 0)


def test_what_is_in_flight_follows_the_workers(plan: Plan) -> None:
    clock = Clock()
    # Two workers, then eight, then one.
    engine = SimulatedEngine(clock, {}, slots=lambda: 2 if clock.now < 1020.0 else 8 if clock.now < 1040.0 else 1)
    tasks = make_plan(60, 1, "settings", [f"p{i}" for i in range(60)]).tasks
    summary = run_tasks(tasks, engine, never, clock=clock)
    assert len(summary.reports) == 60
    assert engine.most[2] == 4
    assert engine.most[8] == 16
    # What was handed over before stays; nothing is added while more than two calls are left.
    assert engine.most[1] == 2
    assert (summary.retries, summary.reissues) == (0, 0)

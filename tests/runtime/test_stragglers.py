"""Tasks that lag behind or hang, on an engine of which only the loop's clock tells the time."""

from collections.abc import Sequence

import pytest

from hfscale.plan.tasks import Plan, make_plan
from hfscale.runtime.events import Event, RunSummary
from hfscale.runtime.loop import run_tasks
from hfscale.runtime.patience import Patience
from tests.runtime.simulation import Clock, SimulatedEngine, never

FOREVER = float("inf")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plan() -> Plan:
    return make_plan(6, 1, "settings", [f"p{i}" for i in range(6)])


def run(
    plan: Plan, engine: SimulatedEngine, clock: Clock, events: Sequence[Event] = (), limit: float | None = None
) -> RunSummary:
    on_event = events.append if isinstance(events, list) else lambda event: None
    return run_tasks(plan.tasks, engine, never, clock=clock, patience=Patience(task_limit=limit), on_event=on_event)


def all_done(summary: RunSummary, plan: Plan) -> bool:
    """Whether every task ended once."""
    return sorted(report.task for report in summary.reports) == sorted(plan.task_ids)


@pytest.mark.parametrize("kills", [True, False])
def test_a_task_that_hangs_once_is_done_by_a_second_copy(clock: Clock, plan: Plan, kills: bool) -> None:
    slow, events = plan.tasks[1].id, list[Event]()
    engine = SimulatedEngine(clock, {slow: [FOREVER, 10.0]}, kills=kills)
    begin = clock.now
    summary = run(plan, engine, clock, events)
    assert all_done(summary, plan)
    assert (summary.reissues, summary.retries, dict(summary.failures)) == (1, 0, {})
    assert engine.abandoned == [slow]
    assert [event.task.id for event in events if event.kind == "reissued" and event.task] == [slow]
    # Five tasks of ten seconds beside it, after which it has lagged for long, and the copy: no other minute, or hour.
    assert clock.now - begin < 70.0


def test_no_copy_is_made_while_other_tasks_wait(clock: Clock) -> None:
    plan = make_plan(40, 1, "settings", [f"p{i}" for i in range(40)])
    engine = SimulatedEngine(clock, {plan.tasks[0].id: [FOREVER, 10.0]})
    summary = run(plan, engine, clock)
    assert all_done(summary, plan)
    assert engine.runs.index(plan.tasks[-1].id) < engine.runs.index(plan.tasks[0].id, 1)


@pytest.mark.parametrize(("usual", "slow"), [(1.0, 14.0), (100.0, 149.0)])
def test_a_slower_task_is_no_straggler(clock: Clock, plan: Plan, usual: float, slow: float) -> None:
    # Within a quarter of a minute, or half as long again as others take, whichever is longer.
    engine = SimulatedEngine(clock, {plan.tasks[5].id: [slow]}, usual=usual)
    assert run(plan, engine, clock).reissues == 0
    assert len(engine.runs) == 6
    # The same tasks, a little slower.
    engine = SimulatedEngine(clock, {plan.tasks[5].id: [slow + 5.0]}, usual=usual)
    assert run(plan, engine, clock).reissues == 1


@pytest.mark.parametrize(("usual", "slow"), [(1.0, 60.0), (100.0, 400.0)])
def test_workers_that_may_have_to_compile_are_given_no_copy_so_soon(
    clock: Clock, plan: Plan, usual: float, slow: float
) -> None:
    # As many workers as tasks: who idles has run one task at most. A minute, or four times what others take.
    engine = SimulatedEngine(clock, {plan.tasks[5].id: [slow]}, usual=usual, slots=lambda: 6)
    assert run(plan, engine, clock).reissues == 0
    engine = SimulatedEngine(clock, {plan.tasks[5].id: [slow + 5.0]}, usual=usual, slots=lambda: 6)
    assert run(plan, engine, clock).reissues == 1


def test_the_latest_task_gets_the_idle_worker(clock: Clock) -> None:
    plan = make_plan(13, 1, "settings", [f"p{i}" for i in range(13)])
    later, latest = plan.tasks[10].id, plan.tasks[9].id
    # Three workers: the one that idles first takes the copy of the task that has run longest.
    engine = SimulatedEngine(clock, {later: [90.0, 10.0], latest: [95.0, 10.0]}, slots=lambda: 3)
    summary = run(plan, engine, clock)
    assert all_done(summary, plan)
    assert engine.runs[13:] == [latest, later]


def test_a_copy_that_is_not_needed_any_more_ends_by_itself(clock: Clock, plan: Plan) -> None:
    # Its worker may be needed, and nothing says that it hangs.
    slow = plan.tasks[5].id
    engine = SimulatedEngine(clock, {slow: [20.0, 10.0]})
    summary = run(plan, engine, clock)
    assert all_done(summary, plan)
    assert summary.reissues == 1
    assert [report.seconds for report in summary.reports if report.task == slow] == [20.0]
    assert engine.abandoned == []


def test_the_time_to_compile_does_not_count(clock: Clock, plan: Plan) -> None:
    # The first task of each of six workers takes 200 s more, and one of them a little more than that.
    late = {task.id: [210.0] for task in plan.tasks} | {plan.tasks[5].id: [230.0]}
    summary = run(plan, SimulatedEngine(clock, late, compiling=200.0, slots=lambda: 6), clock)
    assert all_done(summary, plan)
    assert summary.reissues == 0
    # A task that takes so long for another reason is a straggler.
    late = {plan.tasks[5].id: [210.0, 10.0]}
    assert run(plan, SimulatedEngine(clock, late, slots=lambda: 6), clock).reissues == 1


def test_a_task_of_a_worker_that_compiles_gets_a_copy_from_one_that_has(clock: Clock) -> None:
    plan = make_plan(12, 1, "settings", [f"p{i}" for i in range(12)])
    begin = clock.now

    def slots() -> int:
        return 3 if clock.now > begin + 240.0 else 2

    # A third worker comes when the last tasks are handed out, and has to compile for its first one.
    late = {plan.tasks[index].id: [210.0] for index in (0, 1)} | {plan.tasks[9].id: [210.0, 10.0]}
    summary = run(plan, SimulatedEngine(clock, late, compiling=200.0, slots=slots), clock)
    assert all_done(summary, plan)
    assert summary.reissues == 1
    assert clock.now - begin < 300.0


def test_a_larger_task_may_take_longer(clock: Clock) -> None:
    plan = make_plan(21, 20, "settings", [f"p{i}" for i in range(21)])
    large, small = plan.tasks
    engine = SimulatedEngine(clock, {small.id: [20.0], large.id: [500.0]})
    assert run(plan, engine, clock).reissues == 0
    plan = make_plan(22, 11, "settings", [f"p{i}" for i in range(22)])
    engine = SimulatedEngine(clock, {plan.tasks[0].id: [20.0], plan.tasks[1].id: [500.0, 20.0]})
    assert run(plan, engine, clock).reissues == 1


def test_a_slow_task_counts_where_it_ends_before_its_copy(clock: Clock, plan: Plan) -> None:
    slow = plan.tasks[2].id
    engine = SimulatedEngine(clock, {slow: [80.0, FOREVER]})
    summary = run(plan, engine, clock)
    assert all_done(summary, plan)
    assert engine.runs.count(slow) == 2
    assert [report.seconds for report in summary.reports if report.task == slow] == [80.0]
    assert engine.abandoned == [slow]


def test_a_task_that_always_hangs_is_given_up_and_stops_no_other(clock: Clock, plan: Plan) -> None:
    poison, events = plan.tasks[0].id, list[Event]()
    engine = SimulatedEngine(clock, {poison: [FOREVER]})
    summary = run(plan, engine, clock, events, limit=300.0)
    assert dict(summary.failures) == {poison: "TimeoutError: it ran for more than 300 s and was stopped"}
    assert len(summary.reports) == 5
    assert summary.retries == 2
    # Each of three tries had a second copy.
    assert engine.abandoned == [poison] * 6
    assert [event.kind for event in events if event.kind in ("retried", "failed")] == ["retried", "retried", "failed"]


def test_hanging_everywhere_ends_too(clock: Clock, plan: Plan) -> None:
    engine = SimulatedEngine(clock, {task.id: [FOREVER, 10.0] for task in plan.tasks})
    summary = run(plan, engine, clock, limit=300.0)
    assert all_done(summary, plan)
    assert summary.retries > 0


@pytest.mark.parametrize("jump", [1e6, -1e6])
def test_a_clock_that_jumps_makes_nobody_hang(clock: Clock, plan: Plan, jump: float) -> None:
    jumps = [jump]

    def leap(event: Event) -> None:
        if jumps:
            clock.now += jumps.pop()

    engine = SimulatedEngine(clock, {}, usual=30.0)
    summary = run_tasks(plan.tasks, engine, never, clock=clock, patience=Patience(task_limit=45.0), on_event=leap)
    assert jumps == []
    assert all_done(summary, plan)
    assert (summary.retries, summary.reissues) == (0, 0)

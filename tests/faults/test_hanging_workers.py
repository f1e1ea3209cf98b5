"""Workers that are stopped in the middle of a task, and then hear nothing but SIGKILL."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hfscale.runtime.events import Event
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.local import LocalExecutor
from hfscale.runtime.loop import run_tasks
from hfscale.runtime.patience import Patience
from hfscale.store.store import ResultStore
from tests.faults.conftest import TellRow
from tests.faults.runs import Work, digest_of, logged, runs_of
from tests.processes import is_alive, is_stopped, needs_proc, wait_until_gone

pytestmark = needs_proc

MakeStore = Callable[[str], ResultStore]
MakeWork = Callable[[ResultStore], Work]

LIMIT = Patience(task_limit=15.0)
"""Enough for any other task, and for what a new worker imports."""


def hanging(work: Work, unlucky: str, pids: Path, times: int) -> Work:
    """Make a task stop its worker before it does its work, so many times."""
    path = str(pids)

    def work_or_hang(task_id: str):  # type: ignore[no-untyped-def]
        import os
        import signal
        from pathlib import Path

        file = Path(path)
        if task_id == unlucky and len(file.read_text().split() if file.exists() else []) < times:
            with file.open("a") as stream:
                stream.write(f"{os.getpid()}\n")
            os.kill(os.getpid(), signal.SIGSTOP)
        return work(task_id)

    return work_or_hang


def stopped(pids: Path) -> list[int]:
    """Return the workers that were stopped."""
    return [int(line) for line in pids.read_text().split()] if pids.exists() else []


@pytest.fixture
def calm(make_store: MakeStore, make_work: MakeWork) -> str:
    store = make_store("calm.zarr")
    run_tasks(store.plan.tasks, LocalExecutor(), make_work(store))
    return digest_of(store.path)


@pytest.mark.slow
def test_a_worker_that_hangs_is_killed_and_its_task_done_again(
    make_store: MakeStore, make_work: MakeWork, calm: str, pool: Executor, tmp_path: Path, tell_row: TellRow
) -> None:
    store, log, pids = make_store("hung.zarr"), tmp_path / "log", tmp_path / "pids"
    unlucky = store.plan.tasks[1].id
    work = hanging(logged(make_work(store), log), unlucky, pids, times=1)
    summary = run_tasks(store.plan.tasks, pool, work, patience=LIMIT)
    (worker,) = stopped(pids)
    wait_until_gone([worker])
    assert dict(summary.failures) == {}
    assert summary.retries >= 1
    assert digest_of(store.path) == calm
    repeated = runs_of(log).total() + 1 - len(store.plan.tasks)
    tell_row(f"a worker of `{pool.name}` stopped in a task", tries=1, lost=0, repeated=repeated, tasks=4)


@pytest.mark.slow
def test_a_task_that_always_hangs_is_given_up_alone(
    make_store: MakeStore, make_work: MakeWork, calm: str, tmp_path: Path, tell_row: TellRow
) -> None:
    from hfscale.runtime.executors.choose import open_executor

    store, pids, log = make_store("hung.zarr"), tmp_path / "pids", tmp_path / "log"
    poison = store.plan.tasks[0].id
    work = logged(make_work(store), log)
    with open_executor("processes", 2) as executor:
        poisonous = hanging(work, poison, pids, times=99)
        summary = run_tasks(store.plan.tasks, executor, poisonous, retries=1, patience=LIMIT)
    assert dict(summary.failures) == {poison: "TimeoutError: it ran for more than 15 s and was stopped"}
    assert len(stopped(pids)) == 2
    wait_until_gone(stopped(pids))
    assert store.done() == store.plan.task_ids - {poison}
    run_tasks(store.pending(), LocalExecutor(), work)
    assert digest_of(store.path) == calm
    repeated = runs_of(log).total() + 2 - len(store.plan.tasks)
    tell_row("a task that stops every worker it runs on", tries=2, lost=0, repeated=repeated, tasks=4)


def test_a_straggler_gets_a_second_copy_and_is_not_waited_for(
    make_store: MakeStore, make_work: MakeWork, calm: str, tmp_path: Path, tell_row: TellRow
) -> None:
    from hfscale.runtime.executors.choose import open_executor

    store, pids, log, events = make_store("hung.zarr"), tmp_path / "pids", tmp_path / "log", list[Event]()
    work = hanging(logged(make_work(store), log), store.plan.tasks[1].id, pids, times=1)
    with open_executor("processes", 2) as executor:
        # A clock that runs fast: a minute of patience is over in seconds.
        summary = run_tasks(
            store.plan.tasks, executor, work, clock=lambda: 100.0 * time.monotonic(), on_event=events.append
        )
        wait_until_gone(stopped(pids))
    assert (summary.retries, dict(summary.failures)) == (0, {})
    assert store.plan.tasks[1] in [event.task for event in events if event.kind == "reissued"]
    assert digest_of(store.path) == calm
    repeated = runs_of(log).total() + 1 - len(store.plan.tasks)
    tell_row("a task that lags behind all others", tries=1, lost=0, repeated=repeated, tasks=4)


@pytest.fixture
def guest(dask_executor: Executor) -> Iterator[Executor]:
    """An executor on a Dask cluster that is not its own."""
    from hfscale.runtime.executors.dask import DaskExecutor

    assert isinstance(dask_executor, DaskExecutor)
    with DaskExecutor(dask_executor.client) as executor:
        yield executor


@pytest.mark.dask
def test_on_the_users_cluster_a_hanging_worker_is_left_alone_and_not_waited_for(
    make_store: MakeStore, make_work: MakeWork, calm: str, guest: Executor, tmp_path: Path, tell_row: TellRow
) -> None:
    store, pids, log = make_store("hung.zarr"), tmp_path / "pids", tmp_path / "log"
    work = hanging(logged(make_work(store), log), store.plan.tasks[1].id, pids, times=1)
    summary = run_tasks(store.plan.tasks, guest, work, clock=lambda: 100.0 * time.monotonic())
    (worker,) = stopped(pids)
    assert is_stopped(worker)
    assert summary.reissues >= 1
    assert dict(summary.failures) == {}
    assert digest_of(store.path) == calm
    repeated = runs_of(log).total() + 1 - len(store.plan.tasks)
    os.kill(worker, signal.SIGCONT)
    assert is_alive(worker)
    tell_row("a worker of somebody's Dask cluster stopped in a task", tries=1, lost=0, repeated=repeated, tasks=4)


@pytest.mark.parametrize("jump", [1e6, -1e6])
def test_a_clock_that_jumps_disturbs_nothing(
    make_store: MakeStore, make_work: MakeWork, calm: str, tmp_path: Path, jump: float, tell_row: TellRow
) -> None:
    from hfscale.runtime.executors.choose import open_executor

    store, log, jumps = make_store("jumped.zarr"), tmp_path / "log", list[float]()

    def clock() -> float:
        # Once there are running tasks.
        if not jumps and log.exists():
            jumps.append(jump)
        return time.monotonic() + sum(jumps)

    def slow(work: Work) -> Work:
        def work_slowly(task_id: str):  # type: ignore[no-untyped-def]
            import time

            time.sleep(1.5)
            return work(task_id)

        return work_slowly

    with open_executor("processes", 2) as executor:
        summary = run_tasks(
            store.plan.tasks,
            executor,
            logged(slow(make_work(store)), log),
            clock=clock,
            patience=Patience(task_limit=60.0),
        )
    assert jumps == [jump]
    assert (summary.retries, summary.reissues) == (0, 0)
    assert digest_of(store.path) == calm
    assert set(runs_of(log).values()) == {1}
    tell_row(f"the clock jumps by {jump:+.0e} s", tries=1, lost=0, repeated=0, tasks=4)

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from hfscale.runtime.events import Event, TaskReport
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.loop import run_tasks
from hfscale.runtime.patience import Patience
from hfscale.store.store import ResultStore
from tests.faults.conftest import TellRow
from tests.faults.runs import finish, logged
from tests.processes import needs_proc, wait_until_gone

MakeStore = Callable[[str], ResultStore]
MakeWork = Callable[[ResultStore], Callable[[str], TaskReport]]


def wait_for_workers(pool: Executor, number: int) -> None:
    """Wait for others to take the places of those that earlier tests have killed."""
    for _ in range(600):
        if pool.slots() >= number:
            return
        time.sleep(0.1)
    raise AssertionError(f"{pool.slots()} of {number} workers of {pool.name} are there")


def test_a_worker_that_dies_loses_no_task(
    make_store: MakeStore, make_work: MakeWork, pool: Executor, tmp_path: Path, tell_row: TellRow
) -> None:
    store, log = make_store("killed.zarr"), tmp_path / "log"
    work, flag, unlucky = make_work(store), str(tmp_path / "died"), store.plan.tasks[1].id

    def work_and_die_once(task_id: str) -> TaskReport:
        import os
        from pathlib import Path

        if task_id == unlucky and not Path(flag).exists():
            Path(flag).touch()
            os._exit(1)
        return work(task_id)

    summary = run_tasks(store.plan.tasks, pool, logged(work_and_die_once, log))
    assert Path(flag).exists()
    assert summary.failures == {}
    assert {report.task for report in summary.reports} == store.plan.task_ids
    assert store.status().finished
    repeated = finish(store, make_store("calm.zarr"), make_work, log)
    tell_row(f"a worker of `{pool.name}` killed in a task", tries=1, lost=0, repeated=repeated, tasks=4)


def test_a_task_that_kills_every_worker_is_given_up_alone(
    make_store: MakeStore, make_work: MakeWork, pool: Executor, tmp_path: Path, tell_row: TellRow
) -> None:
    store, log = make_store("poisoned.zarr"), tmp_path / "log"
    work, poison = make_work(store), store.plan.tasks[0].id

    def work_or_die(task_id: str) -> TaskReport:
        import os

        if task_id == poison:
            os._exit(1)
        return work(task_id)

    summary = run_tasks(store.plan.tasks, pool, logged(work_or_die, log), in_flight=1)
    assert list(summary.failures) == [poison]
    assert "the worker process died 4 times" in summary.failures[poison]
    assert store.done() == store.plan.task_ids - {poison}
    repeated = finish(store, make_store("calm.zarr"), make_work, log)
    tell_row(f"a task that kills every worker of `{pool.name}`", tries=2, lost=0, repeated=repeated, tasks=4)


@needs_proc
def test_all_workers_killed_at_once_are_replaced(
    make_store: MakeStore, make_work: MakeWork, pool: Executor, tmp_path: Path, tell_row: TellRow
) -> None:
    store, log, pids, gate = make_store("killed.zarr"), tmp_path / "log", tmp_path / "pids", tmp_path / "gate"
    work, path, barrier = make_work(store), str(pids), str(gate)

    def work_at_last(task_id: str) -> TaskReport:
        import os
        import time
        from pathlib import Path

        with Path(path).open("a") as file:
            file.write(f"{os.getpid()}\n")
        while not Path(barrier).exists():
            time.sleep(0.05)
        return work(task_id)

    def kill_all(event: Event) -> None:
        workers = {int(line) for line in pids.read_text().split()} if pids.exists() else set()
        if len(workers) == 2 and not gate.exists():
            gate.touch()
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
            wait_until_gone(workers)

    wait_for_workers(pool, 2)
    # It fails rather than waits for ever where one of them is lost.
    patience = Patience(task_limit=300.0)
    summary = run_tasks(store.plan.tasks, pool, logged(work_at_last, log), on_event=kill_all, patience=patience)
    assert gate.exists()
    assert summary.failures == {}
    repeated = finish(store, make_store("calm.zarr"), make_work, log)
    tell_row(f"all workers of `{pool.name}` killed", tries=1, lost=0, repeated=repeated, tasks=4)

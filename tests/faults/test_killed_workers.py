from collections.abc import Callable
from pathlib import Path

from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.local import LocalExecutor
from hfscale.runtime.loop import run_tasks
from hfscale.store.store import ResultStore

MakeStore = Callable[[str], ResultStore]
MakeWork = Callable[[ResultStore], Callable[[str], TaskReport]]


def test_a_worker_that_dies_loses_no_task(
    make_store: MakeStore, make_work: MakeWork, pool: Executor, tmp_path: Path
) -> None:
    store, calm = make_store("killed.zarr"), make_store("calm.zarr")
    work, flag, unlucky = make_work(store), str(tmp_path / "died"), store.plan.tasks[1].id

    def work_and_die_once(task_id: str) -> TaskReport:
        import os
        from pathlib import Path

        if task_id == unlucky and not Path(flag).exists():
            Path(flag).touch()
            os._exit(1)
        return work(task_id)

    summary = run_tasks(store.plan.tasks, pool, work_and_die_once)
    assert Path(flag).exists()
    assert summary.failures == {}
    assert {report.task for report in summary.reports} == store.plan.task_ids
    assert store.status().finished
    run_tasks(calm.plan.tasks, LocalExecutor(), make_work(calm))
    assert store.to_xarray().equals(calm.to_xarray())


def test_a_task_that_kills_every_worker_is_given_up_alone(
    make_store: MakeStore, make_work: MakeWork, pool: Executor
) -> None:
    store = make_store("poisoned.zarr")
    work, poison = make_work(store), store.plan.tasks[0].id

    def work_or_die(task_id: str) -> TaskReport:
        import os

        if task_id == poison:
            os._exit(1)
        return work(task_id)

    summary = run_tasks(store.plan.tasks, pool, work_or_die, in_flight=1)
    assert list(summary.failures) == [poison]
    assert "the worker process died 4 times" in summary.failures[poison]
    assert store.done() == store.plan.task_ids - {poison}
